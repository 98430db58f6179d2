// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: flood.c - peers that say or ring more than they may
 *
 * Messages that make sense can't flood: a ring holds so many and no more, a receiver
 * takes a bounded number at a time, and who sends on meanwhile waits.  It runs on the
 * CPU that its doorbell names and on no other one: in a softirq, which the kernel moves
 * to a thread when it runs too often, or if it sleeps in a worker of that CPU.  What is
 * left are messages that make no sense, and doorbells: an interrupt costs its receiver
 * more than its sender, and nothing but the sender's honesty makes them rare.
 *
 * An honest peer rings at most once each time that a receiver goes to sleep, and only for
 * a message, and once each time that a sender waits for room.  This kernel knows how often
 * these were, so it knows how many doorbells there may have been at most, and needs no
 * clock to tell a flood from traffic that is just fast.  A peer that rings MK_FLOOD_BELLS
 * times more often than it is asked to, from any moment on, is ended by the host.  So is
 * one that sends MK_FLOOD_BAD messages that make no sense in a short time: of these half
 * is forgiven each minute.  An instance, which can't end another one, asks it not to ring
 * any more, and looks by itself.
 *
 * A doorbell whose sender left no cause could be anybody's.  If this kernel has one
 * peer it is that one's.  Otherwise it is counted, and when there are MK_FLOOD_BELLS more
 * than can be right the host finds out whose they are, see suspect.c.  Until then such a
 * doorbell costs it the interrupt, a look at a word of each peer, and a counter.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/printk.h>
#include <linux/rculist.h>
#include <asm/multikernel.h>

#include "internal.h"

/*
 * A peer that rings by mistake, without end, is there in about 0.1 s.  The number that
 * honest peers come to is 0, but for those that a kernel of another version may find
 * right to add: one for a thousand doorbells would be there after 65 million.
 */
#define MK_FLOOD_BELLS		65536

/*
 * The same number: a message costs about what a doorbell does.  But no number of them is
 * right, and a kernel of another version may say now and then what this one does not
 * know.  So half of them is forgiven each minute, see mk_flood_forgive(): it takes 65536
 * at once, or more than 546 in a second for some minutes.
 */
#define MK_FLOOD_BAD		65536

/* How often it is looked at: summing up costs as much as a few doorbells */
#define MK_FLOOD_LOOK		1024

/* Interrupts without any cause */
static atomic_long_t mk_flood_nobodys;

/* By how many they were too many when that was last looked into, or less since then */
static s64 mk_flood_believed;

/* Doorbells that peers were asked for whose links are closed */
static atomic64_t mk_flood_past_asked = ATOMIC64_INIT(0);

/*
 * How often the peer had a reason to ring: it was asked to, and there was a message.  A
 * receiver that was rung for nothing asks anew, and has asked for one doorbell all the
 * same.  (Who empties a ring by itself does not count what it takes.)
 */
static u64 mk_flood_asked(struct mk_channel *ch)
{
	u64 messages = READ_ONCE(ch->asked_message);

	if (!ch->ops->drain)
		messages = min(messages, mk_channel_stat(ch, received) + READ_ONCE(ch->rx.bad));
	return messages + READ_ONCE(ch->asked_room);
}

/**
 * mk_flood_keep() - a channel is about to go
 * @link: the link
 * @ch: the channel, which is still in &mk_link.ch
 *
 * Under mk_links_lock.
 *
 * Return: for mk_flood_kept().
 */
u64 mk_flood_keep(struct mk_link *link, struct mk_channel *ch)
{
	u64 asked = mk_flood_asked(ch);

	WRITE_ONCE(link->past_asked, link->past_asked + asked);
	/* Pairs with mk_flood_allowed(): who misses the channel there sees it here */
	smp_wmb();
	return asked;
}

/**
 * mk_flood_kept() - a channel is gone
 * @link: the link
 * @ch: the channel
 * @kept: from mk_flood_keep(); what it has asked for since then is added
 *
 * Under mk_links_lock.
 */
void mk_flood_kept(struct mk_link *link, struct mk_channel *ch, u64 kept)
{
	WRITE_ONCE(link->past_asked, link->past_asked + mk_flood_asked(ch) - kept);
}

/* Never less than it is: a channel that goes may be counted twice */
static u64 mk_flood_allowed(struct mk_link *link)
{
	struct mk_channel *ch;
	unsigned int id;
	u64 sum = 0;

	guard(rcu)();
	for (id = 0; id < MK_LINK_CHANNELS; id++) {
		ch = rcu_dereference(link->ch[id]);
		if (ch)
			sum += mk_flood_asked(ch);
	}
	/* Pairs with mk_flood_keep() */
	smp_rmb();
	return sum + READ_ONCE(link->past_asked);
}

/*
 * Is it a flood?  @excess is how many doorbells there were beyond what was asked for, and
 * falls whenever one was asked for that was not needed; @least is the least that it was.
 * A peer does not earn by years of good behaviour that it may flood for as long.
 */
static bool mk_flood_over(s64 *least, s64 excess)
{
	if (excess < READ_ONCE(*least))
		WRITE_ONCE(*least, excess);
	return excess > READ_ONCE(*least) + MK_FLOOD_BELLS;
}

/**
 * mk_flood_end() - the peer floods us
 * @link: to it
 * @what: with what
 *
 * Context: any but NMI.
 */
void mk_flood_end(struct mk_link *link, const char *what)
{
	/* What comes of it looks at this */
	if (!xchg(&link->flooded, true) && link->ops->flood)
		link->ops->flood(link, what);
}

/**
 * mk_flood_rung() - a doorbell rang, with a cause
 * @link: whose
 *
 * Context: hard interrupt, under RCU.
 */
void mk_flood_rung(struct mk_link *link)
{
	/* They may come in on several CPUs at a time */
	u64 bells = atomic_long_inc_return(&link->bells);

	if (likely(bells % MK_FLOOD_LOOK))
		return;
	if (mk_flood_over(&link->bells_least, bells - mk_flood_allowed(link)))
		mk_flood_end(link, "doorbells");
}

/**
 * mk_flood_close() - a link is about to go
 * @link: the link, still in the list
 *
 * Under the lock of the list.
 */
void mk_flood_close(struct mk_link *link)
{
	atomic64_add(mk_flood_allowed(link), &mk_flood_past_asked);
}

/**
 * mk_flood_bare_excess() - doorbells without a cause beyond what can be right
 * @links: the open links; RCU
 *
 * Two causes that are taken by one interrupt leave the other one without.  So honest
 * peers ring without a cause less often than they were asked to ring, all together.
 *
 * Return: by how many more there were; below 0 if they were less.
 */
s64 mk_flood_bare_excess(struct list_head *links)
{
	s64 excess = atomic_long_read(&mk_flood_nobodys);
	struct mk_link *link;

	list_for_each_entry_rcu(link, links, node)
		excess -= mk_flood_allowed(link);
	return excess - atomic64_read(&mk_flood_past_asked);
}

/**
 * mk_flood_believe() - an inquiry is over
 * @excess: what mk_flood_bare_excess() is now; another one begins when it is far more
 *
 * Context: any but NMI.
 */
void mk_flood_believe(s64 excess)
{
	WRITE_ONCE(mk_flood_believed, excess);
}

/* One of several peers, or an instance has to live with it: the host watches over all */
static void mk_flood_anybody(struct list_head *links)
{
	if (!mk_is_instance() &&
	    !(mk_flood_over(&mk_flood_believed, mk_flood_bare_excess(links)) &&
	      mk_suspect_begin()))
		return;
	pr_warn_ratelimited("someone rings without a cause: %ld doorbells so far\n",
			    atomic_long_read(&mk_flood_nobodys));
}

/**
 * mk_flood_nobody() - a doorbell rang, and nobody left a cause
 * @links: the open links; RCU
 *
 * An honest one that found its cause taken by the one before is rare enough.
 *
 * Context: hard interrupt, under RCU.
 */
void mk_flood_nobody(struct list_head *links)
{
	struct mk_link *link, *only = NULL;

	if (likely(atomic_long_inc_return(&mk_flood_nobodys) % MK_FLOOD_LOOK))
		return;
	list_for_each_entry_rcu(link, links, node) {
		if (only) {
			mk_flood_anybody(links);
			return;
		}
		only = link;
	}
	if (!only)
		return;
	only->bells_bare += MK_FLOOD_LOOK;
	if (mk_flood_over(&only->bare_least, only->bells_bare - mk_flood_allowed(only)))
		mk_flood_end(only, "doorbells without a cause");
}

/**
 * mk_flood_bad() - messages came that make no sense
 * @link: whose
 * @count: how many
 *
 * Context: any but NMI.
 */
void mk_flood_bad(struct mk_link *link, unsigned int count)
{
	if (atomic_long_add_return(count, &link->bad) > MK_FLOOD_BAD)
		mk_flood_end(link, "messages that make no sense");
}

/**
 * mk_flood_forgive() - time passes
 * @link: an open link
 *
 * To be called each MK_FLOOD_FORGIVE_MS.
 *
 * Context: any but NMI.
 */
void mk_flood_forgive(struct mk_link *link)
{
	long bad = atomic_long_read(&link->bad);

	/* What comes in meanwhile stays */
	if (bad)
		atomic_long_sub(bad - bad / 2, &link->bad);
}

/**
 * mk_flood_bare() - doorbells that nobody left a cause for
 *
 * Return: their number.
 */
u64 mk_flood_bare(void)
{
	return atomic_long_read(&mk_flood_nobodys);
}
