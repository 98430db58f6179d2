// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: link.c - all that two kernels share, and the doorbell
 *
 * A link is this kernel's end of the connection to one peer: its channels, a cause
 * word in each direction, and what the two have said of themselves.
 *
 * Life of a link:
 *
 * 1. mk_link_init() when its owner comes to be;
 * 2. mk_link_attach() binds its first channels to the rings of a shared area, as
 *    the boot block lists them; every offset of the block is checked, because on
 *    the instance's side it is input like anything else;
 * 3. mk_link_open() makes doorbells reach it;
 * 4. each side sends MK_MSG_HELLO, the instance first;
 * 5. mk_link_close() ends it; the owner may attach it again.
 *
 * Doorbells: one vector for all.  The interrupt does not say who rang.  So there is
 * a cause word for each sender, in which he sets the bit of the channel before he
 * rings, and which the receiver takes as a whole.  What is set there by mistake or
 * by malice costs a look at a ring.  The sender rings only if the receiver said that
 * it sleeps, once for each sleep (see ring.c), on the CPU that the receiver named.
 * As long as a side can't be interrupted its bell is 0 and the other side polls.
 *
 * A channel is rung on CPU 0 unless mk_channel_set_cpu() has chosen another one.  While
 * that is offline, or lent, the doorbell is with a CPU that is there, and goes back
 * when it comes back.  A CPU that goes has all receivers that it was rung for look
 * once after the peer could read whom to ring instead; see ordering 6 in ring.c.
 *
 * An interrupt between two kernels has no acknowledgment, and a sender rings once.
 * So that one that gets lost costs a delay and not the channel, a watch looks at
 * all open links now and then, in memory, without an interrupt to anyone.
 *
 * Locking
 * -------
 *
 * The list of open links is changed under mk_links_lock and read under RCU, and so
 * are the channels of a link.  It also protects which CPUs may be rung, whom each open
 * channel names, and whose counters are where.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/bitops.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/ctype.h>
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/utsname.h>
#include <asm/barrier.h>

#define CREATE_TRACE_POINTS
#include <trace/events/multikernel.h>

#include "internal.h"
#include "pages.h"

/*
 * How often the watch looks for doorbells that were missed.  A person at a console
 * takes a quarter of a second for slow, a message lost for a hang.
 */
#define MK_WATCH_MS		250

static LIST_HEAD(mk_links);
static DEFINE_SPINLOCK(mk_links_lock);
static u64 mk_links_serial;

/* No peer may ring but this one, see mk_link_silence() */
static bool mk_links_silent;
static u64 mk_links_audible;

/* Those that stay; the boot CPU is there before hotplug can say so */
static cpumask_t mk_bell_cpus = CPU_MASK_CPU0;

/**
 * mk_clean_text() - make a peer's text fit to be shown
 * @text: becomes its first line; what is no printable ASCII becomes '?'
 */
void mk_clean_text(char *text)
{
	for (text[strcspn(text, "\n")] = '\0'; *text; text++)
		if (!isascii(*text) || !isprint(*text))
			*text = '?';
}

static bool mk_link_rx_hello(struct mk_link *link, const struct mk_msg *msg)
{
	struct mk_msg_hello hello = {};
	struct mk_abi theirs;

	if (msg->len < MK_HELLO_MIN)
		return false;
	memcpy(&hello, msg->data, min_t(size_t, msg->len, sizeof(hello)));
	theirs = mk_abi_of(hello.version, hello.version_min, hello.features);
	if (!mk_abi_ok(&theirs))
		return false;
	hello.release[sizeof(hello.release) - 1] = '\0';
	mk_clean_text(hello.release);
	link->ops->hello(link, &hello);
	return true;
}

static bool mk_link_rx_winsize(struct mk_link *link, const struct mk_msg *msg)
{
	struct mk_msg_winsize size;

	if (!link->ops->winsize || msg->len < sizeof(size))
		return false;
	memcpy(&size, msg->data, sizeof(size));
	link->ops->winsize(link, &size);
	return true;
}

static bool mk_link_receive(struct mk_channel *ch, const struct mk_msg *msg)
{
	struct mk_link *link = ch->link;

	switch (msg->type) {
	case MK_MSG_HELLO:
		return mk_link_rx_hello(link, msg);
	case MK_MSG_PEERS:
		if (!link->ops->peers)
			return false;
		link->ops->peers(link);
		return true;
	case MK_MSG_SHUTDOWN:
		if (!link->ops->shutdown)
			return false;
		link->ops->shutdown(link);
		return true;
	case MK_MSG_WINSIZE:
		return mk_link_rx_winsize(link, msg);
	default:
		return false;
	}
}

static bool mk_link_drain(struct mk_channel *ch, struct mk_ring_rx *rx)
{
	return ch->link->ops->drain(ch->link, rx);
}

/* What does nothing is answered at once */
static void mk_link_call(struct mk_channel *ch, const struct mk_msg *msg)
{
	struct mk_link *link = ch->link;
	__u32 op = MK_CTL_ECHO;

	memcpy(&op, msg->data, min_t(size_t, msg->len, sizeof(op)));
	if (op == MK_CTL_ECHO || op == MK_CTL_FAIL)
		mk_nop_answer(ch, msg);
	else if (!link->ops->call)
		mk_reply_error(ch, msg->type, -EOPNOTSUPP);
	else if (!link->ops->call(link, msg))
		mk_reply_error(ch, msg->type, -EAGAIN);
}

static void mk_link_late(struct mk_channel *ch, const struct mk_msg *msg)
{
	if (ch->link->ops->late)
		ch->link->ops->late(ch->link, msg);
}

static const struct mk_channel_ops mk_link_boot_ops[MK_NR_CLASSES] = {
	[MK_CLASS_CONTROL] = {
		.receive	= mk_link_receive,
		.call		= mk_link_call,
		.late		= mk_link_late,
	},
	[MK_CLASS_CONSOLE] = {
		.drain		= mk_link_drain,
		.sleeps		= true,
	},
};

/**
 * mk_link_init() - prepare a link
 * @link: the link, zeroed
 * @ops: the layer above
 * @boot: an array of MK_NR_CLASSES zeroed channels, or NULL
 * @owner: for @ops
 *
 * To be followed by mk_link_destroy() if there are channels.
 *
 * Context: may sleep, unless the channels have counters already.
 * Return: 0 or -ENOMEM.
 */
int mk_link_init(struct mk_link *link, const struct mk_link_ops *ops,
		 struct mk_channel *boot, void *owner)
{
	unsigned int class;

	INIT_LIST_HEAD(&link->node);
	mk_job_init(link);
	link->ops = ops;
	link->owner = owner;
	link->boot = boot;
	for (class = 0; boot && class < MK_NR_CLASSES; class++) {
		int ret = mk_channel_init(&boot[class], link, class);

		if (ret) {
			while (class--)
				mk_channel_exit(&boot[class]);
			return ret;
		}
		mk_channel_set_ops(&boot[class], &mk_link_boot_ops[class], owner);
	}
	return 0;
}

static int mk_link_attach_ring(struct mk_link *link, void *shared, size_t size,
			       const struct mk_boot_ring *ring, u32 epoch, bool host)
{
	bool rx = ring->dir == (host ? MK_RING_TO_HOST : MK_RING_TO_INSTANCE);
	struct mk_channel *ch;
	size_t end;

	if (ring->dir > MK_RING_TO_HOST || ring->class >= MK_NR_CLASSES)
		return 0;	/* of a later version: not for us */
	if (!is_power_of_2(ring->slots) || ring->slots > SZ_64K ||
	    ring->ring_off % sizeof(struct mk_slot))
		return -EINVAL;
	if (check_add_overflow(ring->ring_off, mk_ring_size(ring->slots), &end) ||
	    end > size)
		return -EINVAL;

	ch = &link->boot[ring->class];
	if (rx) {
		mk_ring_rx_init(&ch->rx, shared + ring->ring_off, ring->slots, epoch);
		if (ring->class == MK_CLASS_CONTROL)
			mk_ring_rx_buf(&ch->rx, link->control_buf, MK_CTL_MAX);
	} else {
		mk_ring_tx_init(&ch->tx, shared + ring->ring_off, ring->slots, epoch);
	}
	return 0;
}

static void mk_link_detach(struct mk_link *link)
{
	unsigned int class;

	for (class = 0; link->boot && class < MK_NR_CLASSES; class++) {
		struct mk_channel *ch = &link->boot[class];

		guard(raw_spinlock_irqsave)(&ch->tx_lock);
		WRITE_ONCE(ch->tx.mem, NULL);
		ch->rx.mem = NULL;
	}
	link->words = NULL;
	link->cause_in = NULL;
	link->cause_out = NULL;
}

/**
 * mk_link_attach() - bind the first channels of a link to the rings of a shared area
 * @link: a link that is not open
 * @shared: the shared area as this kernel maps it
 * @size: its size in bytes
 * @block: private copy of the boot block in it
 * @host: true on the host's side
 *
 * Return: 0, -EINVAL if the block lists a ring that can't be, -ENOENT if a ring
 * is missing.
 */
int mk_link_attach(struct mk_link *link, void *shared, size_t size,
		   const struct mk_boot_block *block, bool host)
{
	const struct mk_boot_ring *rings = shared + block->rings_off;
	struct mk_words *words = shared + block->words_off;
	unsigned int i;
	int ret = 0;

	if (block->nr_rings > PAGE_SIZE / sizeof(*rings) ||
	    block->rings_off > size - PAGE_SIZE ||
	    block->words_off > size - sizeof(struct mk_words))
		return -EINVAL;

	link->words = words;
	link->cause_in = (unsigned long *)(host ? &words->cause_to_host :
						  &words->cause_to_instance);
	link->cause_out = (unsigned long *)(host ? &words->cause_to_instance :
						   &words->cause_to_host);
	link->past_asked = 0;
	atomic_long_set(&link->bells, 0);
	link->bells_least = 0;
	link->bells_bare = 0;
	link->bare_least = 0;
	atomic_long_set(&link->bad, 0);
	link->flooded = false;
	link->theirs = (struct mk_abi){};
	link->version = 0;
	link->features = 0;
	memset(&link->past, 0, sizeof(link->past));
	link->past_bad = 0;
	for (i = 0; i < MK_NR_CLASSES; i++) {
		mk_channel_stats_reset(&link->boot[i]);
		link->boot[i].asked_message = 0;
		link->boot[i].asked_room = 0;
		link->boot[i].ending = false;
	}
	for (i = 0; i < block->nr_rings && !ret; i++) {
		struct mk_boot_ring ring = rings[i];

		ret = mk_link_attach_ring(link, shared, size, &ring, block->epoch, host);
	}
	for (i = 0; i < MK_NR_CLASSES && !ret; i++)
		if (!link->boot[i].tx.mem || !link->boot[i].rx.mem)
			ret = -ENOENT;
	if (ret)
		mk_link_detach(link);
	return ret;
}

/**
 * mk_link_move() - the shared area is mapped elsewhere
 * @link: an attached link that is not open yet
 * @move: how much further up, in bytes
 *
 * Context: the only CPU; nobody is just sending.
 */
void mk_link_move(struct mk_link *link, ptrdiff_t move)
{
	unsigned int class;

	for (class = 0; class < MK_NR_CLASSES; class++) {
		struct mk_channel *ch = &link->boot[class];

		WRITE_ONCE(ch->tx.mem, (void *)ch->tx.mem + move);
		ch->rx.mem = (void *)ch->rx.mem + move;
	}
	link->words = (void *)link->words + move;
	link->cause_in = (void *)link->cause_in + move;
	link->cause_out = (void *)link->cause_out + move;
}

/* Somebody waits for room, which is there */
static bool mk_link_owes_room(struct mk_channel *ch)
{
	return (wq_has_sleeper(&ch->tx_wait) ||
		(ch->pool && READ_ONCE(ch->pool->returning))) &&
	       mk_channel_has_room(ch, 0);
}

/* A ring is late if it had the same message at the last look, and nobody at work */
static void mk_link_look(struct mk_channel *ch)
{
	u32 tail = READ_ONCE(ch->rx.tail);

	if (READ_ONCE(ch->held))
		return;
	if (mk_link_owes_room(ch))
		mk_channel_kick(ch);

	if (!mk_ring_pending(&ch->rx)) {
		ch->watched = tail - 1;
	} else if (ch->watched != tail) {
		ch->watched = tail;
	} else if (!mk_channel_at_work(ch)) {
		if (!READ_ONCE(ch->declined))
			mk_count(ch, bells_missed, 1);
		mk_channel_kick(ch);
	}
}

static void mk_link_watch(struct work_struct *work);
static DECLARE_DELAYED_WORK(mk_link_watch_work, mk_link_watch);

/* Last words may lie there for which no doorbell came */
static void mk_link_watch(struct work_struct *work)
{
	static unsigned int looks;
	struct mk_channel *ch;
	struct mk_link *link;
	unsigned int id;

	looks++;
	guard(rcu)();
	list_for_each_entry_rcu(link, &mk_links, node) {
		if (link->ops->bell)
			link->ops->bell(link);
		if (!(looks % (MK_FLOOD_FORGIVE_MS / MK_WATCH_MS)))
			mk_flood_forgive(link);
		for (id = 0; id < MK_LINK_CHANNELS; id++) {
			ch = rcu_dereference(link->ch[id]);
			if (ch)
				mk_link_look(ch);
		}
	}
	if (!list_empty(&mk_links))
		queue_delayed_work(mk_wq, &mk_link_watch_work,
				   msecs_to_jiffies(MK_WATCH_MS));
}

/**
 * mk_link_kick() - have all receivers of a link look
 * @link: an attached link
 *
 * Context: any but NMI.
 */
void mk_link_kick(struct mk_link *link)
{
	struct mk_channel *ch;
	unsigned int id;

	guard(rcu)();
	for (id = 0; id < MK_LINK_CHANNELS; id++) {
		ch = rcu_dereference(link->ch[id]);
		if (ch)
			mk_channel_kick(ch);
	}
}

/* All counters are of the same type */
static void mk_link_add_stats(struct mk_channel_stats *sum, const struct mk_channel *ch)
{
	size_t offset;

	for (offset = 0; offset < sizeof(*sum); offset += sizeof(u64))
		*(u64 *)((void *)sum + offset) += mk_channel_stat_at(ch, offset);
}

static unsigned int mk_link_bell_cpu(const struct mk_channel *ch)
{
	if (cpumask_test_cpu(ch->cpu, &mk_bell_cpus))
		return ch->cpu;
	return cpumask_first(&mk_bell_cpus);
}

static bool mk_link_may_ring(const struct mk_link *link)
{
	return !link->muted &&
	       (likely(!mk_links_silent) || link->serial == mk_links_audible);
}

/*
 * From now on the peer rings here, or nowhere; what it has rung for elsewhere is looked
 * for.
 */
static void mk_link_aim(struct mk_channel *ch)
{
	u64 bell;

	lockdep_assert_held(&mk_links_lock);
	WRITE_ONCE(ch->bell_cpu, mk_link_bell_cpu(ch));
	bell = mk_link_may_ring(ch->link) ? mk_arch_bell(ch->bell_cpu) : 0;
	WRITE_ONCE(ch->rx.mem->bell, bell);
	/* Ordering 6: pairs with mk_ring_wants_bell() and mk_ring_wants_room() */
	virt_mb();
	mk_channel_kick(ch);
}

static struct mk_channel *mk_link_channel(struct mk_link *link, unsigned int id)
{
	return rcu_dereference_protected(link->ch[id],
					 lockdep_is_held(&mk_links_lock));
}

static void mk_link_aim_all(struct mk_link *link)
{
	struct mk_channel *ch;
	unsigned int id;

	for (id = 0; id < MK_LINK_CHANNELS; id++) {
		ch = mk_link_channel(link, id);
		if (ch)
			mk_link_aim(ch);
	}
}

static void mk_link_follow(unsigned int cpu, bool there)
{
	struct mk_channel *ch;
	struct mk_link *link;
	unsigned int id;

	guard(spinlock_irq)(&mk_links_lock);
	__assign_cpu(cpu, &mk_bell_cpus, there);
	list_for_each_entry(link, &mk_links, node) {
		for (id = 0; id < MK_LINK_CHANNELS; id++) {
			ch = mk_link_channel(link, id);
			if (ch && ch->bell_cpu != mk_link_bell_cpu(ch))
				mk_link_aim(ch);
		}
		/* Last words are no message: pairs with mk_guest_last_words() */
		if (link->ops->bell)
			link->ops->bell(link);
	}
}

static int mk_link_cpu_comes(unsigned int cpu)
{
	mk_link_follow(cpu, true);
	return 0;
}

static int mk_link_cpu_goes(unsigned int cpu)
{
	mk_link_follow(cpu, false);
	return 0;
}

static int __init mk_link_follow_cpus(void)
{
	int ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "multikernel:doorbells",
				    mk_link_cpu_comes, mk_link_cpu_goes);

	if (ret < 0)
		pr_warn("all doorbells stay with the boot CPU (%pe)\n", ERR_PTR(ret));
	return min(ret, 0);
}
core_initcall(mk_link_follow_cpus);

/**
 * mk_channel_set_cpu() - on which CPU shall a channel's doorbell ring?
 * @ch: the channel, open or not
 * @cpu: logical number of a CPU that is online in this kernel
 *
 * The receiver runs where the doorbell rings, unless its callbacks sleep.  When the
 * CPU goes offline another one takes its place; when it comes back, so does the
 * doorbell.  Without a call it is CPU 0.
 *
 * Context: any but NMI and hard interrupt; does not sleep.
 * Return: 0; -EINVAL if there can't be such a CPU; -ENXIO if it is offline or about
 * to be.  Unless 0, nothing has changed.
 */
int mk_channel_set_cpu(struct mk_channel *ch, unsigned int cpu)
{
	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -EINVAL;
	guard(spinlock_irqsave)(&mk_links_lock);
	if (!cpumask_test_cpu(cpu, &mk_bell_cpus))
		return -ENXIO;
	ch->cpu = cpu;
	if (mk_link_channel(ch->link, ch->id) == ch && ch->bell_cpu != cpu)
		mk_link_aim(ch);
	return 0;
}
EXPORT_SYMBOL_GPL(mk_channel_set_cpu);

/* Doorbells reach the channel from now on; the ones before are made up for */
static void mk_link_enter(struct mk_link *link, struct mk_channel *ch)
{
	/* The watch has not seen the first message yet */
	ch->watched = ch->rx.tail - 1;
	link->counted[ch->id] = ch;
	rcu_assign_pointer(link->ch[ch->id], ch);
	mk_link_aim(ch);
}

/**
 * mk_link_open() - let doorbells reach the link
 * @link: an attached link
 */
void mk_link_open(struct mk_link *link)
{
	unsigned int class;

	spin_lock_irq(&mk_links_lock);
	link->serial = ++mk_links_serial;
	link->muted = false;
	list_add_tail_rcu(&link->node, &mk_links);
	for (class = 0; link->boot && class < MK_NR_CLASSES; class++)
		mk_link_enter(link, &link->boot[class]);
	spin_unlock_irq(&mk_links_lock);
	queue_delayed_work(mk_wq, &mk_link_watch_work, msecs_to_jiffies(MK_WATCH_MS));
}

/**
 * mk_link_add() - let doorbells reach one more channel
 * @link: an open link
 * @ch: the channel, with rings
 *
 * Return: 0; -EADDRINUSE if there is one of its id; -ENOTCONN if the link is not
 * open.
 */
int mk_link_add(struct mk_link *link, struct mk_channel *ch)
{
	guard(spinlock_irq)(&mk_links_lock);
	if (list_empty(&link->node))
		return -ENOTCONN;
	if (link->counted[ch->id])
		return -EADDRINUSE;
	mk_link_enter(link, ch);
	return 0;
}

/**
 * mk_link_pass() - the channel of a peer becomes that of another one
 * @to: an open link to that other one, which goes on with the rings, see
 *      mk_ring_tx_resume()
 * @ch: from mk_link_add() to the link of the first one
 * @id: of the channel there
 *
 * Senders and receiver go on meanwhile.  Those who have seen the first link may ring it until
 * synchronize_rcu(); so the other one shall look once by itself after that.  What the channel
 * has counted passes with it.
 *
 * Return: 0; -EADDRINUSE if there is a channel of this id; -ENOTCONN if a link is not open.
 */
int mk_link_pass(struct mk_link *to, struct mk_channel *ch, unsigned int id)
{
	struct mk_link *from = ch->link;
	u64 asked;

	guard(spinlock_irq)(&mk_links_lock);
	if (list_empty(&to->node) || mk_link_channel(from, ch->id) != ch)
		return -ENOTCONN;
	if (to->counted[id])
		return -EADDRINUSE;
	asked = mk_flood_keep(from, ch);
	RCU_INIT_POINTER(from->ch[ch->id], NULL);
	from->counted[ch->id] = NULL;
	mk_flood_kept(from, ch, asked);
	/* That one was asked for nothing of it */
	WRITE_ONCE(to->past_asked, to->past_asked - asked);
	WRITE_ONCE(ch->bell_ok, 0);
	WRITE_ONCE(ch->id, id);
	WRITE_ONCE(ch->link, to);
	mk_link_enter(to, ch);
	return 0;
}

/**
 * mk_link_del() - end a channel
 * @link: the link
 * @ch: from mk_link_add()
 *
 * See mk_channels_end().
 *
 * Context: may sleep; not from a callback of the channel.
 */
void mk_link_del(struct mk_link *link, struct mk_channel *ch)
{
	u64 kept;

	scoped_guard(spinlock_irq, &mk_links_lock) {
		kept = mk_flood_keep(link, ch);
		RCU_INIT_POINTER(link->ch[ch->id], NULL);
	}
	synchronize_rcu();
	mk_channels_end(ch, 1);
	guard(spinlock_irq)(&mk_links_lock);
	mk_flood_kept(link, ch, kept);
	mk_link_add_stats(&link->past, ch);
	link->past_bad += READ_ONCE(ch->tx.bad_tails);
	link->counted[ch->id] = NULL;
}

/* Calls @fn for each channel until one is true */
static bool mk_link_any(struct mk_link *link, bool (*fn)(struct mk_channel *ch))
{
	struct mk_channel *ch;
	unsigned int id;

	guard(rcu)();
	for (id = 0; id < MK_LINK_CHANNELS; id++) {
		ch = rcu_dereference(link->ch[id]);
		if (ch && fn(ch))
			return true;
	}
	return false;
}

static bool mk_link_doom_channel(struct mk_channel *ch)
{
	mk_channel_doom(ch);
	return false;
}

/* Each time anew: a receiver that was busy does not begin again at the end of a channel */
static bool mk_link_has_reply(struct mk_channel *ch)
{
	if (!mk_channel_has_reply(ch))
		return false;
	mk_channel_kick(ch);
	return true;
}

static bool mk_link_abort_channel(struct mk_channel *ch)
{
	mk_channel_abort_calls(ch);
	return false;
}

/**
 * mk_link_doom() - nobody shall wait for the peer any more, on any channel
 * @link: a link whose peer is gone; its channels are going to be ended
 *
 * A callback of one channel may wait for a reply on another one, and that for the first,
 * so this comes before either is ended.
 *
 * Context: may sleep.
 */
void mk_link_doom(struct mk_link *link)
{
	unsigned int i;

	mk_link_any(link, mk_link_doom_channel);
	for (i = 0; i < MK_DOOM_LOOKS && mk_link_any(link, mk_link_has_reply); i++)
		usleep_range(50, 100);
	mk_link_any(link, mk_link_abort_channel);
}

/**
 * mk_link_close() - no doorbell and no receiver any more
 * @link: the link; channels that were added have been deleted
 *
 * Ends all of its channels, see mk_channels_end().
 *
 * Context: may sleep; not from a callback of one of its channels.
 */
void mk_link_close(struct mk_link *link)
{
	unsigned int class;

	if (list_empty(&link->node))
		return;
	mk_link_doom(link);
	scoped_guard(spinlock_irq, &mk_links_lock) {
		mk_flood_close(link);
		list_del_rcu(&link->node);
		for (class = 0; class < MK_NR_CLASSES; class++) {
			RCU_INIT_POINTER(link->ch[class], NULL);
			link->counted[class] = NULL;
		}
	}
	/* Somebody may wait for what comes next: a successor, with nobody who serves */
	synchronize_rcu_expedited();
	INIT_LIST_HEAD(&link->node);
	if (link->boot)
		mk_channels_end(link->boot, MK_NR_CLASSES);
	mk_link_detach(link);
}

/**
 * mk_link_destroy() - the link will not be used again
 * @link: a closed link
 *
 * Context: may sleep.
 */
void mk_link_destroy(struct mk_link *link)
{
	unsigned int class;

	for (class = 0; class < MK_NR_CLASSES; class++) {
		mk_channel_flush(&link->boot[class]);
		mk_channel_exit(&link->boot[class]);
	}
}

/**
 * mk_link_serials() - which links are open?
 * @serials: where to put their numbers
 * @max: space there
 *
 * Context: any but NMI.
 * Return: number of them, at most @max.
 */
unsigned int mk_link_serials(u64 *serials, unsigned int max)
{
	struct mk_link *link;
	unsigned int nr = 0;

	guard(spinlock_irqsave)(&mk_links_lock);
	list_for_each_entry(link, &mk_links, node)
		if (nr < max)
			serials[nr++] = link->serial;
	return nr;
}

/**
 * mk_link_silence() - ask peers not to ring for a while
 * @silent: whether, and not that all may again
 * @but: number of the link whose peer may, or 0
 *
 * Links that are opened meanwhile are silent, too.  Each call has all receivers look for
 * what nobody rings for.
 *
 * Context: process.
 */
void mk_link_silence(bool silent, u64 but)
{
	struct mk_link *link;

	guard(spinlock_irq)(&mk_links_lock);
	mk_links_silent = silent;
	mk_links_audible = but;
	list_for_each_entry(link, &mk_links, node)
		mk_link_aim_all(link);
}

/**
 * mk_link_mute() - ask a peer not to ring any more
 * @link: to a peer that we can't end
 *
 * What it sends is found by the watch, late but whole.  Until the link is opened anew.
 *
 * Context: any but NMI.
 */
void mk_link_mute(struct mk_link *link)
{
	guard(spinlock_irqsave)(&mk_links_lock);
	link->muted = true;
	mk_link_aim_all(link);
}

/**
 * mk_link_forget_bells() - the peer has one CPU less
 * @link: an open link
 *
 * Whom it names is checked anew, see &mk_link_ops.bell_ok.
 *
 * Context: any but NMI.
 */
void mk_link_forget_bells(struct mk_link *link)
{
	struct mk_channel *ch;
	unsigned int id;

	guard(rcu)();
	for (id = 0; id < MK_LINK_CHANNELS; id++) {
		ch = rcu_dereference(link->ch[id]);
		if (ch)
			WRITE_ONCE(ch->bell_ok, 0);
	}
}

/**
 * mk_link_accuse() - it is this peer that rings without a cause
 * @serial: number of its link, if that is still open
 *
 * Context: process.
 */
void mk_link_accuse(u64 serial)
{
	struct mk_link *link;

	guard(spinlock_irq)(&mk_links_lock);
	list_for_each_entry(link, &mk_links, node) {
		if (link->serial != serial)
			continue;
		pr_warn("%s rings without a cause\n", link->peer ?: "a peer");
		mk_flood_end(link, "doorbells without a cause");
	}
}

/**
 * mk_link_bare_excess() - see mk_flood_bare_excess()
 *
 * Context: any but NMI.
 * Return: as that, for the links that are open.
 */
s64 mk_link_bare_excess(void)
{
	guard(rcu)();
	return mk_flood_bare_excess(&mk_links);
}

/* Interrupts are off, which RCU waits for */
static __always_inline bool mk_link_answer(struct mk_link *link)
{
	unsigned long cause;
	struct mk_channel *ch;

	if (!READ_ONCE(*link->cause_in))
		return false;
	cause = xchg(link->cause_in, 0);
	mk_flood_rung(link);
	trace_mk_rung(link, cause);
	if (link->ops->bell && (cause & MK_CAUSE_MESSAGE(MK_CLASS_CONTROL)))
		link->ops->bell(link);
	/* Room and messages are the same receiver's */
	cause |= cause >> MK_LINK_CHANNELS;
	cause &= GENMASK(MK_LINK_CHANNELS - 1, 0);
	for (; cause; cause &= cause - 1) {
		ch = rcu_dereference_sched(link->ch[__ffs(cause)]);
		if (ch)
			mk_channel_rung(ch);
	}
	return true;
}

/**
 * mk_link_doorbell() - a doorbell rang
 *
 * Called by the architecture's interrupt handler.
 *
 * Context: hard interrupt.
 */
void mk_link_doorbell(void)
{
	struct mk_link *link;
	bool any = false;

	list_for_each_entry_rcu(link, &mk_links, node)
		any |= mk_link_answer(link);
	if (unlikely(!any))
		mk_flood_nobody(&mk_links);
}

/**
 * mk_link_set_cpu() - mk_channel_set_cpu() for those who know names alone
 * @peer: name of the peer
 * @id: of the channel
 * @cpu: logical number of a CPU
 *
 * Return: 0; -ENOENT if there is no such channel; or as mk_channel_set_cpu().
 */
int mk_link_set_cpu(const char *peer, unsigned int id, unsigned int cpu)
{
	struct mk_channel *ch;
	struct mk_link *link;

	guard(rcu)();
	list_for_each_entry_rcu(link, &mk_links, node) {
		if (!link->peer || strcmp(link->peer, peer) || id >= MK_LINK_CHANNELS)
			continue;
		ch = rcu_dereference(link->ch[id]);
		if (ch)
			return mk_channel_set_cpu(ch, cpu);
	}
	return -ENOENT;
}

static void mk_link_show_channel(struct seq_file *sf, const struct mk_channel *ch)
{
	seq_printf(sf, "peer=%s channel=%u cpu=%u rung=%u sent=%llu received=%llu bells_missed=%llu\n",
		   ch->link->peer ?: "-", ch->id, READ_ONCE(ch->cpu),
		   READ_ONCE(ch->bell_cpu), mk_channel_stat(ch, sent),
		   mk_channel_stat(ch, received), mk_channel_stat(ch, bells_missed));
}

static void mk_link_show_past(struct seq_file *sf, const struct mk_link *link)
{
	seq_printf(sf, "peer=%s channel=past sent=%llu received=%llu bells_missed=%llu\n",
		   link->peer ?: "-", READ_ONCE(link->past.sent),
		   READ_ONCE(link->past.received), READ_ONCE(link->past.bells_missed));
}

/**
 * mk_link_show() - list the open channels of this kernel
 * @sf: where to
 */
void mk_link_show(struct seq_file *sf)
{
	struct mk_channel *ch;
	struct mk_link *link;
	unsigned int id;

	guard(rcu)();
	list_for_each_entry_rcu(link, &mk_links, node) {
		for (id = 0; id < MK_LINK_CHANNELS; id++) {
			ch = rcu_dereference(link->ch[id]);
			if (ch)
				mk_link_show_channel(sf, ch);
		}
		mk_link_show_past(sf, link);
	}
}

/**
 * mk_link_agree() - what do the two speak with each other?
 * @link: an attached link
 * @theirs: what the peer says that it speaks
 *
 * Return: false if they have no version in common.
 */
bool mk_link_agree(struct mk_link *link, const struct mk_abi *theirs)
{
	link->theirs = *theirs;
	WRITE_ONCE(link->features, theirs->features & mk_abi_ours()->features);
	WRITE_ONCE(link->version, mk_abi_agree(mk_abi_ours(), theirs));
	return link->version;
}

/**
 * mk_link_hello() - introduce this kernel to the peer
 * @link: an open link
 *
 * Return: as mk_send().
 */
int mk_link_hello(struct mk_link *link)
{
	const struct mk_abi *ours = mk_abi_ours();
	struct mk_msg_hello hello = {
		.version = ours->newest,
		.nr_cpus = num_online_cpus(),
		.mem_shift = mk_guest_mem_shift(),
		.features = ours->features,
		.version_min = ours->oldest,
	};

	strscpy(hello.release, init_utsname()->release);
	return mk_send(&link->boot[MK_CLASS_CONTROL], MK_MSG_HELLO, &hello, sizeof(hello));
}

/* Those of the boot block are there for good */
static struct mk_channel *mk_link_counted(struct mk_link *link, unsigned int id)
{
	lockdep_assert_held(&mk_links_lock);
	return link->boot && id < MK_NR_CLASSES ? &link->boot[id] : link->counted[id];
}

/**
 * mk_link_stat() - sum of a counter over the channels of a link
 * @link: the link
 * @offset: of the counter in &struct mk_channel_stats
 *
 * Return: the sum, of the current or last run.
 */
u64 mk_link_stat(struct mk_link *link, size_t offset)
{
	struct mk_channel *ch;
	unsigned int id;
	u64 sum;

	guard(spinlock_irq)(&mk_links_lock);
	sum = *(u64 *)((void *)&link->past + offset);
	for (id = 0; id < MK_LINK_CHANNELS; id++) {
		ch = mk_link_counted(link, id);
		if (ch)
			sum += mk_channel_stat_at(ch, offset);
	}
	return sum;
}

/**
 * mk_link_bells_saved() - messages that needed no doorbell
 * @link: the link
 *
 * Return: their number, of the current or last run.
 */
u64 mk_link_bells_saved(struct mk_link *link)
{
	/* In this order: a message is counted before its doorbell */
	u64 bells = mk_link_stat(link, offsetof(struct mk_channel_stats, bells_sent));
	u64 sent = mk_link_stat(link, offsetof(struct mk_channel_stats, sent));

	return sent - min(bells, sent);
}

/**
 * mk_link_bad_tails() - how often did the peer say that it has read what can't be?
 * @link: the link
 *
 * Return: their number, of the current or last run.
 */
u64 mk_link_bad_tails(struct mk_link *link)
{
	struct mk_channel *ch;
	unsigned int id;
	u64 sum;

	guard(spinlock_irq)(&mk_links_lock);
	sum = link->past_bad;
	for (id = 0; id < MK_LINK_CHANNELS; id++) {
		ch = mk_link_counted(link, id);
		if (ch)
			sum += READ_ONCE(ch->tx.bad_tails);
	}
	return sum;
}
