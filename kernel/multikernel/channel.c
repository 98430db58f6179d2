// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: channel.c - a pair of rings for each class, doorbells, and a receiver
 *
 * A channel is this kernel's end of all rings between it and one peer.  The same
 * code runs on both sides.
 *
 * Life of a channel:
 *
 * 1. mk_channel_init() when its owner comes to be;
 * 2. mk_channel_attach() binds it to the rings of a shared area, as the boot
 *    block lists them; every offset of the block is checked, because on the
 *    instance's side it is input like anything else;
 * 3. mk_channel_open() makes doorbells reach it;
 * 4. each side sends MK_MSG_HELLO, the instance first;
 * 5. mk_channel_close() ends it; the owner may attach it again.
 *
 * Sending works from any context but NMI.  Received messages are handled by a
 * work item, one ring after the other, control first, with a budget for each
 * turn, so that a flooding peer costs one worker and no more.
 *
 * Doorbells: the sender rings only if the receiver said that it sleeps, once for
 * each sleep (see ring.c).  As long as a side can't be interrupted its bell's
 * vector is 0 and the other side polls.
 *
 * An interrupt between two kernels has no acknowledgment, and a sender rings once.
 * So that one that gets lost costs a delay and not the channel, a watch looks at
 * all open channels now and then, in memory, without an interrupt to anyone.
 *
 * Locking
 * -------
 *
 * tx_lock protects the producer's side of the rings, and that there are rings; it
 * is the innermost lock.
 * The list of open channels is changed under mk_channels_lock and read under RCU.
 * Lock order: mk_channels_lock; tx_lock.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/cpumask.h>
#include <linux/ctype.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/utsname.h>

#include "channel.h"
#include "internal.h"

/*
 * How often the watch looks for doorbells that were missed.  A person at a console
 * takes a quarter of a second for slow, a message lost for a hang.
 */
#define MK_WATCH_MS		250

/*
 * Messages of one class that are handled before the others get their turn: a
 * ring full of control messages and a page of console text.
 */
#define MK_CHANNEL_BUDGET	64

static LIST_HEAD(mk_channels);
static DEFINE_SPINLOCK(mk_channels_lock);

static void mk_channel_count_bad(struct mk_channel *ch, const struct mk_msg *msg)
{
	ch->stats.bad++;
	pr_warn_ratelimited("dropped a message of type %u with %u bytes\n",
			    msg->type, msg->len);
}

/**
 * mk_channel_clean_text() - make a peer's text fit to be shown
 * @text: becomes its first line; what is no printable ASCII becomes '?'
 */
void mk_channel_clean_text(char *text)
{
	for (text[strcspn(text, "\n")] = '\0'; *text; text++)
		if (!isascii(*text) || !isprint(*text))
			*text = '?';
}

static void mk_channel_rx_hello(struct mk_channel *ch, const struct mk_msg *msg)
{
	struct mk_msg_hello hello;

	if (msg->len != sizeof(hello))
		return mk_channel_count_bad(ch, msg);
	memcpy(&hello, msg->payload, sizeof(hello));
	hello.release[sizeof(hello.release) - 1] = '\0';
	mk_channel_clean_text(hello.release);
	ch->ops->hello(ch, &hello);
}

static void mk_channel_dispatch(struct mk_channel *ch, const struct mk_msg *msg)
{
	switch (msg->type) {
	case MK_MSG_HELLO:
		mk_channel_rx_hello(ch, msg);
		break;
	case MK_MSG_NOP:
		mk_nop_answer(ch, msg);
		break;
	case MK_MSG_NOP_REPLY:
		mk_nop_reply(ch, msg);
		break;
	case MK_MSG_SHUTDOWN:
		if (ch->ops->shutdown) {
			ch->ops->shutdown(ch);
			break;
		}
		fallthrough;
	default:
		mk_channel_count_bad(ch, msg);
	}
}

static void mk_channel_drain_control(struct mk_channel *ch)
{
	struct mk_ring_rx *rx = &ch->rx[MK_CLASS_CONTROL];
	unsigned int budget = MK_CHANNEL_BUDGET;
	struct mk_msg msg;

	while (budget-- && mk_ring_pop(rx, &msg)) {
		mk_ring_publish(rx);
		ch->stats.received++;
		mk_channel_dispatch(ch, &msg);
	}
}

/*
 * True if another turn is needed.  Whether a receiver was left with messages can't
 * be told from its tail: that of the console may be moved by another thread (hvc
 * has one), and a message that comes before the ring is armed rings no bell.
 */
static bool mk_channel_drain(struct mk_channel *ch, unsigned int class)
{
	struct mk_ring_rx *rx = &ch->rx[class];
	bool more = true;

	mk_ring_disarm(rx);
	if (class == MK_CLASS_CONTROL)
		mk_channel_drain_control(ch);
	else
		more = ch->ops->drain(ch, rx);
	mk_ring_arm(rx);
	return more && mk_ring_pending(rx);
}

static void mk_channel_work(struct work_struct *work)
{
	struct mk_channel *ch = container_of(work, struct mk_channel, work);
	unsigned int class;
	bool more = false;

	for (class = 0; class < MK_NR_CLASSES; class++)
		more |= mk_channel_drain(ch, class);
	if (more)
		queue_work(mk_wq, &ch->work);
}

/**
 * mk_channel_init() - prepare a channel
 * @ch: the channel, zeroed
 * @ops: the layer above
 * @owner: for @ops
 */
void mk_channel_init(struct mk_channel *ch, const struct mk_channel_ops *ops,
		     void *owner)
{
	INIT_LIST_HEAD(&ch->node);
	raw_spin_lock_init(&ch->tx_lock);
	INIT_WORK(&ch->work, mk_channel_work);
	mk_nop_init(&ch->nop);
	ch->ops = ops;
	ch->owner = owner;
}

static int mk_channel_attach_ring(struct mk_channel *ch, void *shared,
				  size_t size, const struct mk_boot_ring *ring,
				  bool host)
{
	bool rx = ring->dir == (host ? MK_RING_TO_HOST : MK_RING_TO_INSTANCE);
	size_t end;

	if (ring->dir > MK_RING_TO_HOST || ring->class >= MK_NR_CLASSES)
		return 0;	/* of a later version: not for us */
	if (!is_power_of_2(ring->slots) || ring->slots > SZ_64K ||
	    ring->ring_off % sizeof(struct mk_slot))
		return -EINVAL;
	if (check_add_overflow(ring->ring_off, mk_ring_size(ring->slots), &end) ||
	    end > size)
		return -EINVAL;

	if (rx)
		mk_ring_rx_init(&ch->rx[ring->class], shared + ring->ring_off,
				ring->slots);
	else
		mk_ring_tx_init(&ch->tx[ring->class], shared + ring->ring_off,
				ring->slots);
	return 0;
}

/* Without rings nobody sends, and the shared area can go */
static void mk_channel_detach(struct mk_channel *ch)
{
	unsigned int i;

	lockdep_assert_held(&ch->tx_lock);
	for (i = 0; i < MK_NR_CLASSES; i++) {
		ch->tx[i].mem = NULL;
		ch->rx[i].mem = NULL;
	}
	ch->words = NULL;
	ch->peer_bell = NULL;
}

/**
 * mk_channel_attach() - bind a channel to the rings of a shared area
 * @ch: a channel that is not open
 * @shared: the shared area as this kernel maps it
 * @size: its size in bytes
 * @block: private copy of the boot block in it
 * @host: true on the host's side
 *
 * Return: 0, -EINVAL if the block lists a ring that can't be, -ENOENT if a ring
 * is missing.
 */
int mk_channel_attach(struct mk_channel *ch, void *shared, size_t size,
		      const struct mk_boot_block *block, bool host)
{
	const struct mk_boot_ring *rings = shared + block->rings_off;
	unsigned int i;
	int ret = 0;

	if (block->nr_rings > PAGE_SIZE / sizeof(*rings) ||
	    block->rings_off > size - PAGE_SIZE ||
	    block->words_off > size - sizeof(struct mk_words))
		return -EINVAL;

	guard(raw_spinlock_irqsave)(&ch->tx_lock);
	ch->words = shared + block->words_off;
	ch->peer_bell = host ? &ch->words->instance_bell : &ch->words->host_bell;
	memset(&ch->stats, 0, sizeof(ch->stats));

	for (i = 0; i < block->nr_rings && !ret; i++) {
		struct mk_boot_ring ring = rings[i];

		ret = mk_channel_attach_ring(ch, shared, size, &ring, host);
	}
	for (i = 0; i < MK_NR_CLASSES && !ret; i++)
		if (!ch->tx[i].mem || !ch->rx[i].mem)
			ret = -ENOENT;
	if (ret)
		mk_channel_detach(ch);
	return ret;
}

/*
 * A ring is late if it had the same message at the last look, and nobody at work.
 * Last words may lie there for which no doorbell came.
 */
static void mk_channel_look(struct mk_channel *ch)
{
	unsigned int class;

	if (ch->ops->bell)
		ch->ops->bell(ch);
	for (class = 0; class < MK_NR_CLASSES; class++) {
		struct mk_ring_rx *rx = &ch->rx[class];
		u32 tail = READ_ONCE(rx->tail);

		if (!mk_ring_pending(rx)) {
			ch->watched[class] = tail - 1;
		} else if (ch->watched[class] != tail) {
			ch->watched[class] = tail;
		} else if (!work_busy(&ch->work)) {
			ch->stats.bells_missed++;
			mk_channel_kick(ch);
		}
	}
}

static void mk_channel_watch(struct work_struct *work);
static DECLARE_DELAYED_WORK(mk_channel_watch_work, mk_channel_watch);

static void mk_channel_watch(struct work_struct *work)
{
	struct mk_channel *ch;

	guard(rcu)();
	list_for_each_entry_rcu(ch, &mk_channels, node)
		mk_channel_look(ch);
	if (!list_empty(&mk_channels))
		queue_delayed_work(mk_wq, &mk_channel_watch_work,
				   msecs_to_jiffies(MK_WATCH_MS));
}

/**
 * mk_channel_open() - let doorbells reach the channel
 * @ch: an attached channel
 */
void mk_channel_open(struct mk_channel *ch)
{
	spin_lock_irq(&mk_channels_lock);
	list_add_tail_rcu(&ch->node, &mk_channels);
	spin_unlock_irq(&mk_channels_lock);
	mk_channel_kick(ch);
	queue_delayed_work(mk_wq, &mk_channel_watch_work,
			   msecs_to_jiffies(MK_WATCH_MS));
}

/**
 * mk_channel_close() - no doorbell and no receiver any more
 * @ch: the channel
 *
 * Messages that lie in the rings are handled first.  Calls that wait for a reply
 * end with an error.  Afterwards nobody looks at the shared area any more.
 *
 * Context: may sleep; not from the channel's own callbacks.
 */
void mk_channel_close(struct mk_channel *ch)
{
	if (list_empty(&ch->node))
		return;
	spin_lock_irq(&mk_channels_lock);
	list_del_rcu(&ch->node);
	spin_unlock_irq(&mk_channels_lock);
	synchronize_rcu();
	INIT_LIST_HEAD(&ch->node);
	mk_channel_kick(ch);
	flush_work(&ch->work);
	cancel_work_sync(&ch->work);
	scoped_guard(raw_spinlock_irqsave, &ch->tx_lock)
		mk_channel_detach(ch);
	mk_nop_abort(ch);
}

/**
 * mk_channel_kick() - have the receiver look
 * @ch: an attached channel
 *
 * Context: any but NMI.
 */
void mk_channel_kick(struct mk_channel *ch)
{
	queue_work(mk_wq, &ch->work);
}

/**
 * mk_channel_doorbell() - a doorbell rang
 *
 * Called by the architecture's interrupt handler.  The interrupt does not say
 * who rang, and would not be believed: look at all open channels.  If there is
 * nothing anywhere, then a message was consumed in the meantime by someone who
 * does not arm (hvc's thread): the receivers have to, for the next doorbell.
 *
 * Context: hard interrupt.
 */
void mk_channel_doorbell(void)
{
	struct mk_channel *ch;
	unsigned int class;
	bool any = false;

	guard(rcu)();
	list_for_each_entry_rcu(ch, &mk_channels, node) {
		if (ch->ops->bell)
			ch->ops->bell(ch);
		for (class = 0; class < MK_NR_CLASSES; class++) {
			if (mk_ring_pending(&ch->rx[class])) {
				mk_channel_kick(ch);
				any = true;
				break;
			}
		}
	}
	if (any)
		return;
	list_for_each_entry_rcu(ch, &mk_channels, node)
		mk_channel_kick(ch);
}

/**
 * mk_channel_ring_peer() - interrupt the peer
 * @ch: a channel that stays attached, by its tx_lock or because it is for good
 *
 * Context: any.
 */
void mk_channel_ring_peer(struct mk_channel *ch)
{
	/* Pairs with the release in mk_guest_open(): the rest is valid */
	u32 vector = smp_load_acquire(&ch->peer_bell->vector);
	u32 phys_id = READ_ONCE(ch->peer_bell->phys_id);

	if (!vector)
		return;
	if (ch->ops->bell_ok && !ch->ops->bell_ok(ch, phys_id))
		return;
	mk_arch_ring(phys_id, vector);
}

/**
 * mk_channel_send() - send a message
 * @ch: the channel
 * @class: MK_CLASS_*
 * @type: MK_MSG_*
 * @data: payload
 * @len: its length, at most MK_SLOT_PAYLOAD
 *
 * Context: any but NMI; does not sleep.
 * Return: 0, -EAGAIN if the ring is full, -EMSGSIZE, -ENOTCONN if the channel has
 * no rings, or -EDEADLK during an oops if another sender holds the lock.
 */
int mk_channel_send(struct mk_channel *ch, unsigned int class, u16 type,
		    const void *data, size_t len)
{
	struct mk_ring_tx *tx = &ch->tx[class];
	unsigned long flags;
	int ret = -ENOTCONN;

	/* After a crash the holder of the lock may never release it */
	if (!oops_in_progress)
		raw_spin_lock_irqsave(&ch->tx_lock, flags);
	else if (!raw_spin_trylock_irqsave(&ch->tx_lock, flags))
		return -EDEADLK;
	if (tx->mem)
		ret = mk_ring_push(tx, type, data, len);
	if (!ret) {
		ch->stats.sent++;
		if (mk_ring_wants_bell(tx)) {
			ch->stats.bells_sent++;
			mk_channel_ring_peer(ch);
		} else {
			ch->stats.bells_suppressed++;
		}
	} else if (ret == -EAGAIN) {
		ch->stats.full++;
	}
	raw_spin_unlock_irqrestore(&ch->tx_lock, flags);
	return ret;
}

/**
 * mk_channel_has_room() - would a message find room?
 * @ch: the channel
 * @class: MK_CLASS_*
 *
 * Context: any but NMI.
 * Return: true if so.
 */
bool mk_channel_has_room(struct mk_channel *ch, unsigned int class)
{
	guard(raw_spinlock_irqsave)(&ch->tx_lock);
	return ch->tx[class].mem && mk_ring_tx_room(&ch->tx[class]);
}

/**
 * mk_channel_hello() - introduce this kernel to the peer
 * @ch: an open channel
 *
 * Return: as mk_channel_send().
 */
int mk_channel_hello(struct mk_channel *ch)
{
	struct mk_msg_hello hello = {
		.version = MK_BOOT_VERSION,
		.nr_cpus = num_online_cpus(),
		.features = MK_BOOT_F_X86_PARK,
	};

	strscpy(hello.release, init_utsname()->release);
	return mk_channel_send(ch, MK_CLASS_CONTROL, MK_MSG_HELLO, &hello,
			       sizeof(hello));
}
