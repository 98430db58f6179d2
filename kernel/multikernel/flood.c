// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: flood.c - peers that say or ring more than they may
 *
 * Messages that make sense can't flood: a ring holds so many and no more, a receiver
 * takes a bounded number at a time, in a softirq that the kernel moves to a thread when
 * it runs too often, and who sends on meanwhile waits.  What is left are messages that
 * make no sense, and doorbells: an interrupt costs its receiver more than its sender,
 * and nothing but the sender's honesty makes them rare.
 *
 * An honest peer rings at most once each time that a receiver goes to sleep, and once
 * each time that a sender waits for room.  This kernel knows how often these were, so
 * it knows how many doorbells there may have been at most, and needs no clock to tell
 * a flood from traffic that is just fast.  A peer that has rung MK_FLOOD_BELLS times
 * more often, or has sent MK_FLOOD_BAD messages that make no sense, is ended by the
 * host.
 *
 * A doorbell whose sender left no cause could be anybody's.  If this kernel has one
 * peer it is that one's.  Otherwise it is counted, and the host says that one of them
 * floods, but not which: it can't know.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/printk.h>
#include <linux/rculist.h>

#include "internal.h"

/*
 * A peer that rings by mistake, without end, is there in about 0.1 s.  The number that
 * honest peers come to is 0, but for those that a kernel of another version may find
 * right to add: one for a thousand doorbells would be there after 65 million.
 */
#define MK_FLOOD_BELLS		65536

/* The same number: a message costs about what a doorbell does */
#define MK_FLOOD_BAD		65536

/* How often it is looked at: summing up costs as much as a few doorbells */
#define MK_FLOOD_LOOK		1024

/* Interrupts without any cause */
static atomic_long_t mk_flood_nobodys;

/* How often the peer was asked to ring */
static u64 mk_flood_asked(struct mk_channel *ch)
{
	return READ_ONCE(ch->asked_message) + READ_ONCE(ch->asked_room);
}

/**
 * mk_flood_keep() - a channel is about to go
 * @link: the link
 * @ch: the channel
 */
void mk_flood_keep(struct mk_link *link, struct mk_channel *ch)
{
	link->past_asked += mk_flood_asked(ch);
}

static u64 mk_flood_allowed(struct mk_link *link)
{
	u64 sum = link->past_asked;
	struct mk_channel *ch;
	unsigned int id;

	for (id = 0; id < MK_LINK_CHANNELS; id++) {
		ch = rcu_dereference(link->ch[id]);
		if (ch)
			sum += mk_flood_asked(ch);
	}
	return sum;
}

static void mk_flood_end(struct mk_link *link, const char *what)
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
	if (likely(++link->bells % MK_FLOOD_LOOK))
		return;
	if (link->bells > mk_flood_allowed(link) + MK_FLOOD_BELLS)
		mk_flood_end(link, "doorbells");
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
			pr_warn_ratelimited("someone rings without a cause: %ld doorbells so far\n",
					    atomic_long_read(&mk_flood_nobodys));
			return;
		}
		only = link;
	}
	if (!only)
		return;
	only->bells_bare += MK_FLOOD_LOOK;
	if (only->bells_bare > mk_flood_allowed(only) + MK_FLOOD_BELLS)
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
 * mk_flood_bare() - doorbells that nobody left a cause for
 *
 * Return: their number.
 */
u64 mk_flood_bare(void)
{
	return atomic_long_read(&mk_flood_nobodys);
}
