// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: channel.c - messages and calls through a pair of rings
 *
 * A channel is this kernel's end of one ring to a peer and one from it.  The same
 * code runs on both sides.  Each channel has rings, locks and a receiver of its
 * own, so none waits behind another.
 *
 * Sending works from any context but NMI.  A sender that finds no room gets
 * -EAGAIN, or sleeps until there is room, until a deadline, or until the channel
 * ends, as it chooses; nothing is ever dropped.
 *
 * Receiving: the doorbell's interrupt schedules the receiver, which handles messages
 * with a budget for each turn.  If the callbacks of a channel do not sleep it is a
 * tasklet, and runs when the interrupt returns; otherwise a work item.  (A BH work
 * item costs 700 instructions more for each doorbell, which is what an IPI and its
 * answer cost.)  Callbacks that ask for it get the first messages in the interrupt
 * itself.  As long as the receiver runs the peer does not ring.  Before it goes to sleep
 * it publishes what has been read, asks for a doorbell, and looks once more.
 *
 * A caller that waits for a reply takes the place of the receiver for a moment,
 * if nobody else has it: a reply that comes soon needs neither interrupt nor
 * context switch.
 *
 * A reply is matched by the number of the call, an index into a private table. A
 * number on which nobody waits is counted as a bad message.  The number of a call
 * that timed out is not used again before its reply has come in, or the channel
 * has ended, so a late reply is never taken for that of another call.  The layer above
 * may want to see it: what was asked for may have been done.
 *
 * Locking
 * -------
 *
 * mk_channel.tx_lock protects the producer's side of the ring, that there is one, and
 * the table of calls.  It is innermost.
 * MK_RX_BUSY in mk_channel.rx_state is a lock that is only ever tried: who has it
 * receives.  Who does not get it leaves MK_RX_AGAIN, for the other to have the
 * receiver look once more.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/bitfield.h>
#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/printk.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <trace/events/multikernel.h>
#include <asm/sync_bitops.h>

#include "internal.h"
#include "pages.h"

/*
 * Messages that are handled in one turn: a ring full of control messages and a
 * page of console text.
 */
#define MK_CHANNEL_BUDGET	64

/* Of channels whose callbacks may run in hard interrupts, what one interrupt does */
#define MK_CHANNEL_IRQ_BUDGET	8

/*
 * How long a caller looks for the reply itself: a few times what the way there
 * and back takes by interrupt, and about what a context switch costs.
 */
#define MK_CALL_SPIN_NS		(20 * NSEC_PER_USEC)

/* The same for a receiver; below the least it is better to sleep at once */
#define MK_LINGER_MAX_NS	(20U * NSEC_PER_USEC)
#define MK_LINGER_MIN_NS	(1U * NSEC_PER_USEC)

/* How often a caller looks between two looks at the clock */
#define MK_CALL_LOOKS		32

/* After so many looks in vain who polls tells the producer of its room */
#define MK_POLL_MISSES		64

/* Each how many sleeps of a receiver it measures how long one lasts */
#define MK_SLEEP_SAMPLE		16

/**
 * struct mk_call - somebody waits for a reply
 * @done: completed when it has come, or never will, if @asleep
 * @reply: where to put it
 * @size: space there in bytes
 * @ret: length of the reply, or a negative errno
 * @ended: @ret is there
 * @asleep: the caller waits for @done
 *
 * Changed under mk_channel.tx_lock.
 */
struct mk_call {
	struct completion done;
	void *reply;
	size_t size;
	ssize_t ret;
	bool ended;
	bool asleep;
};

/* True if it was rung */
static __always_inline bool __mk_channel_ring(struct mk_channel *ch, u64 cause)
{
	struct mk_link *link = ch->link;
	u64 bell = READ_ONCE(ch->tx.mem->bell);

	if (!bell)
		return false;
	/* The host believes each value once; it forgets when CPUs go elsewhere */
	if (bell != ch->bell_ok && link->ops->bell_ok &&
	    !link->ops->bell_ok(link, FIELD_GET(MK_BELL_PHYS_ID, bell)))
		return false;
	ch->bell_ok = bell;
	/* Also in a kernel that has one CPU and leaves out the lock prefix */
	sync_set_bit(__ffs64(cause), link->cause_out);
	trace_mk_ring(ch, cause, bell);
	mk_arch_ring(FIELD_GET(MK_BELL_PHYS_ID, bell), FIELD_GET(MK_BELL_VECTOR, bell));
	return true;
}

/**
 * mk_channel_ring() - ring the peer's doorbell for a message
 * @ch: a channel that stays attached, by its tx_lock or because it is for good
 * @cause: MK_CAUSE_*, one bit
 *
 * Context: any, with interrupts off; under tx_lock, unless this kernel is about to end.
 */
void mk_channel_ring(struct mk_channel *ch, u64 cause)
{
	if (__mk_channel_ring(ch, cause))
		ch->stats.bells_sent++;
}

static int mk_channel_push(struct mk_channel *ch, u16 type, const void *data, size_t len)
{
	int ret;

	lockdep_assert_held(&ch->tx_lock);
	if (unlikely(!ch->tx.mem))
		return -ENOTCONN;
	ret = mk_ring_push(&ch->tx, type, data, len);
	if (unlikely(ret)) {
		ch->stats.full += ret == -EAGAIN;
		/* Nobody makes room any more */
		return ret == -EAGAIN && READ_ONCE(ch->ending) ? -ENOTCONN : ret;
	}
	ch->stats.sent++;
	ch->stats.bytes_sent += len;
	trace_mk_send(ch, ch->tx.epoch, ch->id, type, len);
	if (mk_ring_wants_bell(&ch->tx))
		mk_channel_ring(ch, MK_CAUSE_MESSAGE(ch->id));
	return 0;
}

/**
 * mk_send() - send a message
 * @ch: the channel
 * @type: what the two sides have agreed on, below MK_TYPE_PAGES
 * @data: payload
 * @len: its length in bytes
 *
 * Context: any but NMI; does not sleep.
 * Return: 0; -EAGAIN if there is no room; -EMSGSIZE if @len is more than a message
 * or the ring can have; -ENOTCONN if the channel has ended.
 */
int mk_send(struct mk_channel *ch, u16 type, const void *data, size_t len)
{
	guard(raw_spinlock_irqsave)(&ch->tx_lock);
	return mk_channel_push(ch, type, data, len);
}
EXPORT_SYMBOL_GPL(mk_send);

/**
 * mk_send_or_die() - send a message, also from a kernel that oopses
 * @ch: the channel
 * @type: as for mk_send()
 * @data: payload
 * @len: its length in bytes
 *
 * For the console: after a crash the holder of the lock may never release it.
 *
 * Context: any but NMI; does not sleep.
 * Return: as mk_send(), and -EDEADLK during an oops if another sender holds the
 * lock.
 */
int mk_send_or_die(struct mk_channel *ch, u16 type, const void *data, size_t len)
{
	unsigned long flags;
	int ret;

	if (!oops_in_progress)
		raw_spin_lock_irqsave(&ch->tx_lock, flags);
	else if (!raw_spin_trylock_irqsave(&ch->tx_lock, flags))
		return -EDEADLK;
	ret = mk_channel_push(ch, type, data, len);
	raw_spin_unlock_irqrestore(&ch->tx_lock, flags);
	return ret;
}

/*
 * As mk_send(), and the consumer will ring when there is room again.  A sender that
 * was late to hear of the end has nothing to say to the peer's next life.
 */
static int mk_channel_push_or_wait(struct mk_channel *ch, u32 epoch, u16 type,
				   const void *data, size_t len)
{
	int ret;

	guard(raw_spinlock_irqsave)(&ch->tx_lock);
	if (ch->tx.epoch != epoch)
		return -ENOTCONN;
	ret = mk_channel_push(ch, type, data, len);
	if (ret != -EAGAIN)
		return ret;
	ch->asked_room++;
	mk_ring_tx_wait(&ch->tx);
	if (!mk_ring_tx_room(&ch->tx, len))
		return ret;
	return mk_channel_push(ch, type, data, len);
}

/**
 * mk_send_or_ring() - send a message, or have the peer ring when there is room
 * @ch: the channel
 * @type: as for mk_send()
 * @data: payload
 * @len: its length in bytes
 *
 * Context: any but NMI; does not sleep.
 * Return: as mk_send(); after -EAGAIN the receiver looks when there is room again.
 */
int mk_send_or_ring(struct mk_channel *ch, u16 type, const void *data, size_t len)
{
	return mk_channel_push_or_wait(ch, READ_ONCE(ch->tx.epoch), type, data, len);
}

static void mk_channel_wait_end(struct mk_channel *ch)
{
	guard(raw_spinlock_irqsave)(&ch->tx_lock);
	if (ch->tx.mem && !wq_has_sleeper(&ch->tx_wait) &&
	    !(ch->pool && READ_ONCE(ch->pool->returning)))
		mk_ring_tx_wake(&ch->tx);
}

static int mk_channel_send_wait(struct mk_channel *ch, u32 epoch, u16 type,
				const void *data, size_t len, long timeout)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	int ret = mk_reply_epoch(ch, epoch, type, data, len);

	if (likely(ret != -EAGAIN))
		return ret == -ESTALE ? -ENOTCONN : ret;
	might_sleep();
	add_wait_queue(&ch->tx_wait, &wait);
	for (;;) {
		ret = mk_channel_push_or_wait(ch, epoch, type, data, len);
		if (ret != -EAGAIN)
			break;
		if (signal_pending(current))
			ret = -EINTR;
		else if (!timeout)
			ret = -ETIMEDOUT;
		if (ret != -EAGAIN)
			break;
		timeout = wait_woken(&wait, TASK_INTERRUPTIBLE, timeout);
	}
	remove_wait_queue(&ch->tx_wait, &wait);
	mk_channel_wait_end(ch);
	return ret;
}

/**
 * mk_send_wait() - send a message, and sleep until there is room for it
 * @ch: the channel
 * @type: as for mk_send()
 * @data: payload
 * @len: its length in bytes
 * @timeout: how long to sleep at most, in jiffies; MAX_SCHEDULE_TIMEOUT for ever
 *
 * Messages of several senders that sleep go out in any order.
 *
 * Context: process; may sleep.
 * Return: 0; -ETIMEDOUT; -EINTR for a signal; -EMSGSIZE; -ENOTCONN if the channel
 * has ended, also meanwhile.
 */
int mk_send_wait(struct mk_channel *ch, u16 type, const void *data, size_t len,
		 long timeout)
{
	return mk_channel_send_wait(ch, READ_ONCE(ch->tx.epoch), type, data, len, timeout);
}
EXPORT_SYMBOL_GPL(mk_send_wait);

/**
 * mk_channel_has_room() - would a message find room?
 * @ch: the channel
 * @len: its length in bytes
 *
 * Context: any but NMI.
 * Return: true if so.
 */
bool mk_channel_has_room(struct mk_channel *ch, size_t len)
{
	guard(raw_spinlock_irqsave)(&ch->tx_lock);
	return ch->tx.mem && mk_ring_tx_room(&ch->tx, len);
}
EXPORT_SYMBOL_GPL(mk_channel_has_room);

static int mk_call_begin(struct mk_channel *ch, struct mk_call *call)
{
	unsigned int nr = find_first_zero_bit(ch->calls_used, MK_CALLS);

	lockdep_assert_held(&ch->tx_lock);
	if (nr == MK_CALLS)
		return READ_ONCE(ch->ending) ? -ENOTCONN : -EBUSY;
	__set_bit(nr, ch->calls_used);
	ch->calls[nr] = call;
	return nr;
}

/*
 * Nobody waits any more.  True if the call had not ended yet; its number stays
 * in use until the reply comes in, unless the peer has never seen it.
 */
static bool mk_call_end(struct mk_channel *ch, struct mk_call *call, unsigned int nr,
			bool sent)
{
	guard(raw_spinlock_irqsave)(&ch->tx_lock);
	if (ch->calls[nr] != call)
		return false;
	ch->calls[nr] = NULL;
	if (!sent && !ch->ending)
		__clear_bit(nr, ch->calls_used);
	return true;
}

/* True if the reply came while this CPU looked for it; the caller is the receiver */
static bool mk_call_spin(struct mk_channel *ch, struct mk_call *call)
{
	unsigned int looks = 0;
	u64 now, end = 0;

	/* Pairs with mk_call_finish() */
	while (!smp_load_acquire(&call->ended)) {
		if (mk_channel_poll(ch) < 0)
			break;
		if (++looks % MK_CALL_LOOKS) {
			cpu_relax();
			continue;
		}
		now = local_clock();
		if (!end)
			end = now + MK_CALL_SPIN_NS;
		if (now >= end || need_resched())
			break;
	}
	mk_channel_poll_end(ch);
	return READ_ONCE(call->ended);
}

/* Gives the call a number, and sends it if there is room */
static int mk_call_push(struct mk_channel *ch, struct mk_call *call, int *nr,
			const void *data, size_t len)
{
	guard(raw_spinlock_irqsave)(&ch->tx_lock);
	*nr = mk_call_begin(ch, call);
	if (*nr < 0)
		return *nr;
	return mk_channel_push(ch, MK_TYPE_CALL | *nr, data, len);
}

/* False if the reply is there already */
static bool mk_call_sleep(struct mk_channel *ch, struct mk_call *call)
{
	init_completion(&call->done);
	guard(raw_spinlock_irqsave)(&ch->tx_lock);
	call->asleep = !call->ended;
	return call->asleep;
}

/**
 * mk_call() - send a message and wait for the reply
 * @ch: the channel
 * @data: what to ask
 * @len: its length in bytes
 * @reply: where to put the answer, or NULL
 * @size: space there in bytes
 * @timeout: how long to wait at most, in jiffies
 *
 * Context: process; may sleep.  Not from a callback of the same channel.
 * Return: the length of the reply; a negative errno that the peer answered;
 * -EMSGSIZE if @len is more than a message can have, or the reply is longer than
 * @size; -EBUSY if too many calls have no reply yet; -ETIMEDOUT; -EINTR for a
 * signal; -ENOTCONN if the channel has ended; -ECONNRESET if it did meanwhile.
 */
ssize_t mk_call(struct mk_channel *ch, const void *data, size_t len, void *reply,
		size_t size, long timeout)
{
	unsigned long deadline = jiffies + timeout;
	struct mk_call call = { .reply = reply, .size = size };
	u32 epoch = READ_ONCE(ch->tx.epoch);
	/* First, so that the peer need not ring for its reply */
	bool polls = mk_channel_poll_begin(ch);
	int nr, ret = mk_call_push(ch, &call, &nr, data, len);
	long left;

	if (!ret && polls && mk_call_spin(ch, &call))
		return call.ret;
	if (ret && polls)
		mk_channel_poll_end(ch);
	if (nr < 0)
		return nr;
	if (ret == -EAGAIN)
		ret = mk_channel_send_wait(ch, epoch, MK_TYPE_CALL | nr, data, len,
					   timeout);
	if (ret) {
		mk_call_end(ch, &call, nr, false);
		return ret;
	}
	if (!mk_call_sleep(ch, &call))
		return call.ret;
	left = max_t(long, deadline - jiffies, 0);
	left = wait_for_completion_interruptible_timeout(&call.done, left);
	if (left > 0 || !mk_call_end(ch, &call, nr, true))
		return call.ret;
	return left ? -EINTR : -ETIMEDOUT;
}
EXPORT_SYMBOL_GPL(mk_call);

/**
 * mk_reply() - answer a call
 * @ch: the channel
 * @call: its mk_msg.type
 * @data: the answer
 * @len: its length in bytes
 *
 * To be called once for each call, from its callback or at any time later.
 *
 * Context: any but NMI; does not sleep.
 * Return: as mk_send().
 */
int mk_reply(struct mk_channel *ch, u16 call, const void *data, size_t len)
{
	return mk_send(ch, MK_TYPE_REPLY | (call & MK_TYPE_NR), data, len);
}
EXPORT_SYMBOL_GPL(mk_reply);

/**
 * mk_reply_error() - answer a call by an error
 * @ch: the channel
 * @call: its mk_msg.type
 * @err: a negative errno
 *
 * Context: any but NMI; does not sleep.
 * Return: as mk_send().
 */
int mk_reply_error(struct mk_channel *ch, u16 call, int err)
{
	__s32 wire = err;

	return mk_send(ch, MK_TYPE_ERROR | (call & MK_TYPE_NR), &wire, sizeof(wire));
}
EXPORT_SYMBOL_GPL(mk_reply_error);

/**
 * mk_reply_epoch() - answer a call, if it was made in this life of the peer
 * @ch: the channel
 * @epoch: epoch of the ring when the call came in
 * @type: MK_TYPE_REPLY or MK_TYPE_ERROR, and the number of the call
 * @data: the answer
 * @len: its length in bytes
 *
 * Context: any but NMI; does not sleep.
 * Return: as mk_send(), and -ESTALE if the peer has been started anew.
 */
int mk_reply_epoch(struct mk_channel *ch, u32 epoch, u16 type, const void *data,
		   size_t len)
{
	guard(raw_spinlock_irqsave)(&ch->tx_lock);
	if (ch->tx.epoch != epoch)
		return -ESTALE;
	return mk_channel_push(ch, type, data, len);
}

/**
 * mk_reply_wait() - the same, and sleep until there is room for it
 * @ch: the channel
 * @epoch: epoch of the ring when the call came in
 * @type: MK_TYPE_REPLY or MK_TYPE_ERROR, and the number of the call
 * @data: the answer
 * @len: its length in bytes
 * @timeout: how long to sleep at most, in jiffies
 *
 * Context: process; may sleep.
 * Return: as mk_send_wait(); -ENOTCONN also if the peer has been started anew.
 */
int mk_reply_wait(struct mk_channel *ch, u32 epoch, u16 type, const void *data, size_t len,
		  long timeout)
{
	return mk_channel_send_wait(ch, epoch, type, data, len, timeout);
}

/* What the peer calls an error has to be one */
static ssize_t mk_call_result(struct mk_call *call, const struct mk_msg *msg)
{
	__s32 err;

	if ((msg->type & MK_TYPE_KIND) == MK_TYPE_ERROR) {
		if (msg->len != sizeof(err))
			return -EPROTO;
		memcpy(&err, msg->data, sizeof(err));
		return err < 0 && err >= -MAX_ERRNO ? err : -EPROTO;
	}
	if (msg->len > call->size)
		return -EMSGSIZE;
	memcpy(call->reply, msg->data, msg->len);
	return msg->len;
}

/* The last that is seen of it, unless the caller sleeps */
static void mk_call_finish(struct mk_call *call, ssize_t ret)
{
	call->ret = ret;
	if (call->asleep)
		complete(&call->done);
	else
		/* Pairs with mk_call_spin(): @ret and the reply are there */
		smp_store_release(&call->ended, true);
}

static bool mk_channel_rx_reply(struct mk_channel *ch, const struct mk_msg *msg)
{
	unsigned int nr = msg->type & MK_TYPE_NR;
	struct mk_call *call;

	scoped_guard(raw_spinlock_irqsave, &ch->tx_lock) {
		if (nr >= MK_CALLS || !__test_and_clear_bit(nr, ch->calls_used))
			return false;
		call = ch->calls[nr];
		ch->calls[nr] = NULL;
		if (likely(call)) {
			mk_call_finish(call, mk_call_result(call, msg));
			return true;
		}
	}
	if (ch->ops->late)
		ch->ops->late(ch, msg);
	return true;
}

/* What the layer above does not want goes back, or is ours to use */
static bool mk_channel_rx_pages(struct mk_channel *ch, struct mk_msg *msg)
{
	if (!mk_pool_receive(ch, msg))
		return false;
	if (ch->ops->receive && ch->ops->receive(ch, msg))
		return true;
	mk_pages_put(ch, msg->pages);
	return false;
}

static bool mk_channel_dispatch(struct mk_channel *ch, struct mk_msg *msg)
{
	msg->pages = NULL;
	if (msg->type < MK_TYPE_PAGES)
		return ch->ops->receive && ch->ops->receive(ch, msg);
	if (msg->type < MK_TYPE_CALL)
		return mk_channel_rx_pages(ch, msg);
	switch (msg->type & MK_TYPE_KIND) {
	case MK_TYPE_REPLY:
	case MK_TYPE_ERROR:
		return mk_channel_rx_reply(ch, msg);
	case MK_TYPE_CALL:
		if (!ch->ops->call)
			return !mk_reply_error(ch, msg->type, -EOPNOTSUPP);
		ch->ops->call(ch, msg);
		return true;
	default:
		return msg->type == MK_TYPE_BACK && mk_pool_returned(ch, msg);
	}
}

static noinline void mk_channel_count_bad(struct mk_channel *ch, const struct mk_msg *msg)
{
	ch->stats.bad++;
	trace_mk_bad(ch, ch->rx.epoch, ch->id, msg->type, msg->len);
	pr_warn_ratelimited("dropped a message of type 0x%x with %u bytes\n",
			    msg->type, msg->len);
}

static void mk_channel_ring_room(struct mk_channel *ch)
{
	guard(irqsave)();
	/* Under MK_RX_BUSY, and so a counter of its own */
	if (__mk_channel_ring(ch, MK_CAUSE_ROOM(ch->id)))
		ch->stats.bells_room++;
}

static void mk_channel_tell_room(struct mk_channel *ch)
{
	if (mk_ring_wants_room(&ch->rx))
		mk_channel_ring_room(ch);
}

static noinline void mk_channel_publish(struct mk_channel *ch)
{
	if (ch->rx.published == ch->rx.tail)
		return;
	mk_ring_publish(&ch->rx);
	mk_channel_tell_room(ch);
}

/* Returns how many messages there were; under MK_RX_BUSY */
static __always_inline unsigned int mk_channel_receive(struct mk_channel *ch,
						       unsigned int budget)
{
	struct mk_ring_rx *rx = &ch->rx;
	unsigned int done = 0;
	struct mk_msg msg;

	while (done < budget && mk_ring_pending(rx) && mk_ring_pop(rx, &msg)) {
		done++;
		ch->stats.received++;
		ch->stats.bytes_received += msg.len;
		trace_mk_receive(ch, rx->epoch, ch->id, msg.type, msg.len);
		if (unlikely(!mk_channel_dispatch(ch, &msg)))
			mk_channel_count_bad(ch, &msg);
		/* A producer should not come to a stop; nor fetch the line each time */
		if (unlikely(rx->tail - rx->published >= rx->slots / 4))
			mk_channel_publish(ch);
	}
	return done;
}

static void mk_channel_tell_bad(struct mk_channel *ch)
{
	u64 bad = ch->rx.bad + ch->stats.bad;

	if (likely(bad == ch->bad_told))
		return;
	mk_flood_bad(ch->link, bad - ch->bad_told);
	ch->bad_told = bad;
}

static bool mk_channel_rx_enter(struct mk_channel *ch)
{
	return !test_and_set_bit_lock(MK_RX_BUSY, &ch->rx_state);
}

/* If somebody is in then he will have the receiver look once more */
static bool mk_channel_rx_enter_or_note(struct mk_channel *ch)
{
	if (mk_channel_rx_enter(ch))
		return true;
	set_bit(MK_RX_AGAIN, &ch->rx_state);
	return mk_channel_rx_enter(ch);
}

static void mk_channel_rx_exit(struct mk_channel *ch, bool again)
{
	again |= xchg(&ch->rx_state, 0) & BIT(MK_RX_AGAIN);
	if (again && !READ_ONCE(ch->ending))
		mk_channel_kick(ch);
}

/* Ask for a doorbell, unless there is something already */
static bool mk_channel_rx_arm(struct mk_channel *ch)
{
	if (ch->rx.published != ch->rx.tail)
		mk_ring_publish(&ch->rx);
	ch->asked_message += !(ch->rx.armed & 1);
	mk_ring_arm(&ch->rx);
	if (unlikely(__mk_ring_wants_room(&ch->rx)))
		mk_channel_ring_room(ch);
	return mk_ring_pending(&ch->rx);
}

/**
 * mk_channel_poll_begin() - become the receiver of a channel
 * @ch: a channel whose callbacks do not sleep
 *
 * For those who would rather look than be interrupted.  Until
 * mk_channel_poll_end() the peer does not ring.
 *
 * Context: process or BH.
 * Return: true if so; false if someone else receives at this moment, the channel
 * has ended, or its callbacks sleep.
 */
bool mk_channel_poll_begin(struct mk_channel *ch)
{
	if (ch->ops->sleeps || !mk_channel_rx_enter(ch))
		return false;
	if (!ch->rx.mem || READ_ONCE(ch->ending)) {
		mk_channel_rx_exit(ch, false);
		return false;
	}
	mk_ring_disarm(&ch->rx);
	return true;
}
EXPORT_SYMBOL_GPL(mk_channel_poll_begin);

/* Nothing to do is the time to tell the producer of its room, but not each time */
static noinline void mk_channel_missed(struct mk_channel *ch)
{
	if (++ch->misses == MK_POLL_MISSES)
		mk_channel_publish(ch);
}

/**
 * mk_channel_poll() - handle the messages that are there
 * @ch: a channel between mk_channel_poll_begin() and mk_channel_poll_end()
 *
 * Context: as mk_channel_poll_begin().
 * Return: their number; -ENOTCONN if the channel ends, which waits for
 * mk_channel_poll_end().
 */
int mk_channel_poll(struct mk_channel *ch)
{
	unsigned int done;

	if (unlikely(READ_ONCE(ch->ending)))
		return -ENOTCONN;
	if (!mk_ring_pending(&ch->rx)) {
		mk_channel_missed(ch);
		return 0;
	}
	ch->misses = 0;
	local_bh_disable();
	done = mk_channel_receive(ch, MK_CHANNEL_BUDGET);
	local_bh_enable();
	mk_channel_tell_bad(ch);
	return done;
}
EXPORT_SYMBOL_GPL(mk_channel_poll);

/* Neither for the caller nor for &mk_channel_ops.receive; or pages, which are */
static noinline bool mk_channel_recv_other(struct mk_channel *ch, struct mk_msg *msg)
{
	bool ok;

	if (msg->type >= MK_TYPE_PAGES && msg->type < MK_TYPE_CALL &&
	    mk_pool_receive(ch, msg))
		return true;
	local_bh_disable();
	ok = msg->type >= MK_TYPE_CALL && mk_channel_dispatch(ch, msg);
	local_bh_enable();
	if (!ok)
		mk_channel_count_bad(ch, msg);
	mk_channel_tell_bad(ch);
	return false;
}

/**
 * mk_channel_recv() - take the next message
 * @ch: a channel between mk_channel_poll_begin() and mk_channel_poll_end()
 * @msg: where to put it; its data stay until the next call
 *
 * For those who would rather be handed a message than be called back; the shortest
 * way that there is.  &mk_channel_ops.receive is not called.  Calls, replies and what
 * comes back are handled as by mk_channel_poll() and not returned.
 *
 * Context: as mk_channel_poll_begin().
 * Return: 1; 0 if there is none at this moment; -ENOTCONN if the channel ends, which
 * waits for mk_channel_poll_end().
 */
int mk_channel_recv(struct mk_channel *ch, struct mk_msg *msg)
{
	struct mk_ring_rx *rx = &ch->rx;

	if (unlikely(READ_ONCE(ch->ending)))
		return -ENOTCONN;
	if (!mk_ring_pending(rx)) {
		mk_channel_missed(ch);
		return 0;
	}
	ch->misses = 0;
	if (unlikely(!mk_ring_pop(rx, msg))) {
		mk_channel_tell_bad(ch);
		return 0;
	}
	ch->stats.received++;
	ch->stats.bytes_received += msg->len;
	trace_mk_receive(ch, rx->epoch, ch->id, msg->type, msg->len);
	if (unlikely(rx->tail - rx->published >= rx->slots / 4))
		mk_channel_publish(ch);
	msg->pages = NULL;
	return likely(msg->type < MK_TYPE_PAGES) || mk_channel_recv_other(ch, msg);
}
EXPORT_SYMBOL_GPL(mk_channel_recv);

/**
 * mk_channel_poll_end() - leave the channel to its receiver again
 * @ch: as for mk_channel_poll()
 *
 * Context: as mk_channel_poll_begin().
 */
void mk_channel_poll_end(struct mk_channel *ch)
{
	mk_channel_rx_exit(ch, mk_channel_rx_arm(ch));
}
EXPORT_SYMBOL_GPL(mk_channel_poll_end);

static void mk_channel_wake_senders(struct mk_channel *ch)
{
	if (wq_has_sleeper(&ch->tx_wait) && mk_channel_has_room(ch, 0))
		wake_up_all(&ch->tx_wait);
	if (ch->pool)
		mk_pool_flush(ch);
}

/*
 * Looks for a while before the doorbell is armed, as long as that has paid: the time
 * doubles when a message came in it, or would have, and halves when none did, down to
 * nothing.  (As KVM's halt polling does it: virt/kvm/kvm_main.c.)
 */
static bool mk_channel_linger(struct mk_channel *ch)
{
	u64 end = local_clock() + ch->linger_ns;

	/* In an interrupt nobody waits for what may come */
	if (in_hardirq())
		return true;
	do {
		if (mk_ring_pending(&ch->rx)) {
			ch->linger_ns = min(ch->linger_ns * 2, MK_LINGER_MAX_NS);
			return true;
		}
		cpu_relax();
	} while (local_clock() < end && !need_resched());
	ch->linger_ns = ch->linger_ns / 2 < MK_LINGER_MIN_NS ? 0 : ch->linger_ns / 2;
	return false;
}

/* Was it right to go to sleep?  The clock costs as much as a message does */
static void mk_channel_woken(struct mk_channel *ch)
{
	if (ch->slept_at && local_clock() - ch->slept_at < MK_LINGER_MAX_NS)
		ch->linger_ns = MK_LINGER_MIN_NS;
}

static void mk_channel_sleeps(struct mk_channel *ch)
{
	ch->slept_at = !ch->linger_ns && !(++ch->sleeps % MK_SLEEP_SAMPLE) ?
		       local_clock() : 0;
}

/*
 * True if another turn is needed: at once, in which case the peer is not asked to
 * ring, or because something came last.  A receiver that takes no more for now
 * looks again by itself.
 */
static bool mk_channel_turn(struct mk_channel *ch, unsigned int budget)
{
	bool more = true, last;

	mk_channel_woken(ch);
	mk_ring_disarm(&ch->rx);
	if (ch->ops->drain) {
		more = ch->ops->drain(ch, &ch->rx);
		WRITE_ONCE(ch->declined, !more);
		mk_channel_tell_room(ch);
		last = more && mk_ring_pending(&ch->rx);
	} else {
		last = mk_channel_receive(ch, budget) == budget;
	}
	mk_channel_tell_bad(ch);
	if (last || (more && ch->linger_ns && mk_channel_linger(ch))) {
		mk_channel_publish(ch);
		return true;
	}
	more &= mk_channel_rx_arm(ch);
	mk_channel_sleeps(ch);
	return more;
}

static void mk_channel_look(struct mk_channel *ch, unsigned int budget)
{
	mk_channel_wake_senders(ch);
	if (mk_channel_rx_enter_or_note(ch))
		mk_channel_rx_exit(ch, ch->rx.mem && mk_channel_turn(ch, budget));
}

static void mk_channel_work(struct work_struct *work)
{
	mk_channel_look(container_of(work, struct mk_channel, work), MK_CHANNEL_BUDGET);
}

static void mk_channel_tasklet(struct tasklet_struct *tasklet)
{
	mk_channel_look(container_of(tasklet, struct mk_channel, tasklet),
			MK_CHANNEL_BUDGET);
}

/**
 * mk_channel_kick() - have the receiver look
 * @ch: a channel
 *
 * Context: any but NMI.
 */
void mk_channel_kick(struct mk_channel *ch)
{
	if (ch->ops->sleeps)
		queue_work(mk_wq, &ch->work);
	else
		tasklet_hi_schedule(&ch->tasklet);
}

/**
 * mk_channel_rung() - the doorbell rang for a channel
 * @ch: a channel
 *
 * Context: hard interrupt.
 */
void mk_channel_rung(struct mk_channel *ch)
{
	if (ch->ops->in_irq)
		mk_channel_look(ch, MK_CHANNEL_IRQ_BUDGET);
	else
		mk_channel_kick(ch);
}

/**
 * mk_channel_at_work() - does the receiver run, or is about to?
 * @ch: a channel
 *
 * Context: any.
 * Return: true if so at this moment.
 */
bool mk_channel_at_work(struct mk_channel *ch)
{
	if (ch->ops->sleeps)
		return work_busy(&ch->work);
	return READ_ONCE(ch->tasklet.state);
}

/**
 * mk_channel_flush() - wait for a receiver that runs, or is about to
 * @ch: a channel
 *
 * Context: may sleep.
 */
void mk_channel_flush(struct mk_channel *ch)
{
	if (ch->ops->sleeps)
		flush_work(&ch->work);
	else
		tasklet_kill(&ch->tasklet);
}

/**
 * mk_channel_set_ops() - say what becomes of messages
 * @ch: a channel that is not open
 * @ops: the layer above
 * @priv: for @ops
 */
void mk_channel_set_ops(struct mk_channel *ch, const struct mk_channel_ops *ops,
			void *priv)
{
	ch->ops = ops;
	ch->priv = priv;
}

/**
 * mk_channel_init() - prepare a channel
 * @ch: the channel, zeroed
 * @link: to the peer
 * @id: its id there
 *
 * To be followed by mk_channel_set_ops().
 */
void mk_channel_init(struct mk_channel *ch, struct mk_link *link, unsigned int id)
{
	raw_spin_lock_init(&ch->tx_lock);
	init_waitqueue_head(&ch->tx_wait);
	INIT_WORK(&ch->work, mk_channel_work);
	tasklet_setup(&ch->tasklet, mk_channel_tasklet);
	ch->link = link;
	ch->id = id;
}

/**
 * mk_channel_abort_calls() - nobody shall wait for a reply any more
 * @ch: a channel after mk_channel_doom()
 *
 * Context: any but NMI.
 */
void mk_channel_abort_calls(struct mk_channel *ch)
{
	unsigned int nr;

	guard(raw_spinlock_irqsave)(&ch->tx_lock);
	for (nr = 0; nr < MK_CALLS; nr++) {
		if (ch->calls[nr])
			mk_call_finish(ch->calls[nr], -ECONNRESET);
		ch->calls[nr] = NULL;
	}
}

/* What lies in the ring when it ends: no more than it can hold */
static void mk_channel_drain(struct mk_channel *ch)
{
	if (!ch->rx.mem)
		return;
	if (ch->ops->drain) {
		ch->ops->drain(ch, &ch->rx);
		return;
	}
	if (!ch->ops->sleeps)
		local_bh_disable();
	mk_channel_receive(ch, ch->rx.slots);
	if (!ch->ops->sleeps)
		local_bh_enable();
	mk_channel_publish(ch);
}

/**
 * mk_channel_has_reply() - may a reply that somebody waits for have come in?
 * @ch: a channel
 *
 * Context: any but NMI.
 * Return: true if there is somebody, and something lies in the ring.
 */
bool mk_channel_has_reply(struct mk_channel *ch)
{
	unsigned int nr;

	guard(raw_spinlock_irqsave)(&ch->tx_lock);
	if (!ch->tx.mem || !mk_ring_pending(&ch->rx))
		return false;
	for (nr = 0; nr < MK_CALLS; nr++)
		if (ch->calls[nr])
			return true;
	return false;
}

/**
 * mk_channel_doom() - nobody shall wait for the peer any more
 * @ch: a channel that has rings, and is going to be ended
 *
 * Senders that find no room, and calls that begin, get -ENOTCONN from now on, also those
 * that sleep.  What comes in is still handled.
 *
 * Context: any but NMI.
 */
void mk_channel_doom(struct mk_channel *ch)
{
	scoped_guard(raw_spinlock_irqsave, &ch->tx_lock) {
		WRITE_ONCE(ch->ending, true);
		/* No number is free, so that nobody has to look who calls */
		bitmap_fill(ch->calls_used, MK_CALLS);
	}
	wake_up_all(&ch->tx_wait);
}

/*
 * Whoever receives may wait for something that this channel's callers hold, or for the
 * peer himself, in a callback that sleeps.
 */
static void mk_channel_rx_take(struct mk_channel *ch)
{
	unsigned int i;

	for (i = 0; !mk_channel_rx_enter(ch); i++) {
		if (i == MK_DOOM_LOOKS)
			mk_channel_abort_calls(ch);
		usleep_range(50, 100);
	}
}

/**
 * mk_channel_end() - the rings are going
 * @ch: a channel that doorbells do not reach any more
 *
 * Senders that wait for room end with an error at once, so that a callback does which
 * is one of them.  Messages that lie in the ring are handled.  Then calls that wait for a
 * reply end with an error, too; before that if a callback does not return, which may wait
 * for what such a caller holds.  Afterwards nobody looks at the shared area any more.
 *
 * Context: may sleep; not from the channel's own callbacks.
 */
void mk_channel_end(struct mk_channel *ch)
{
	/* Someone may poll, and will see it */
	mk_channel_doom(ch);
	mk_channel_rx_take(ch);
	mk_channel_drain(ch);
	scoped_guard(raw_spinlock_irqsave, &ch->tx_lock) {
		ch->tx.mem = NULL;
		ch->rx.mem = NULL;
		ch->bell_ok = 0;
	}
	mk_channel_rx_exit(ch, false);
	mk_channel_flush(ch);
	mk_channel_abort_calls(ch);
	scoped_guard(raw_spinlock_irqsave, &ch->tx_lock)
		bitmap_zero(ch->calls_used, MK_CALLS);
	wake_up_all(&ch->tx_wait);
}
