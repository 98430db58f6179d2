// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: channel.c - messages and calls through a pair of rings
 *
 * A channel is this kernel's end of one ring to a peer and one from it.  The same
 * code runs on both sides.  Each channel has rings, locks and a receiver of its
 * own, so none waits behind another.
 *
 * Sending works from any context and takes no lock (see ring.c).  A sender that finds
 * no room gets -EAGAIN, or sleeps until there is room, until a deadline, or until the
 * channel ends, as it chooses; nothing is ever dropped.
 *
 * Receiving: the doorbell's interrupt schedules the receiver, which handles messages
 * with a budget for each turn.  If the callbacks of a channel do not sleep it is a
 * tasklet, and runs when the interrupt returns; otherwise a work item.  (A BH work
 * item costs 700 instructions more for each doorbell, which is what an IPI and its
 * answer cost.)  Callbacks that ask for it get the first messages in the interrupt
 * itself.  As long as the receiver runs the peer does not ring.  Before it goes to sleep
 * it publishes what has been read, asks for a doorbell, and looks once more.
 *
 * A caller that waits for a reply takes the place of the receiver for a while,
 * if nobody else has it: a reply that comes soon needs neither interrupt nor
 * context switch.  How long is learned from the replies before.
 *
 * A reply is matched by the number of the call, an index into a private table. A
 * number on which nobody waits is counted as a bad message.  The number of a call
 * that timed out is not used again before its reply has come in, or the channel
 * has ended, so a late reply is never taken for that of another call.  The layer above
 * may want to see it: what was asked for may have been done.
 *
 * A channel can be held: its rings stay as they are, for this kernel to go on later, or for
 * another one.  Who receives has stopped between two messages; who sends finds no room.
 *
 * Locking
 * -------
 *
 * Who sends is not preempted meanwhile.  mk_channels_end() takes the ring away and waits
 * for all of those who may have seen it, by synchronize_rcu().
 * A call belongs to whom takes it out of mk_channel.calls, by xchg(): the receiver with
 * its reply, the caller who gives up, or the one who ends the channel.
 * mk_channel.tx_lock protects the word by which the producer asks for room.  It is
 * innermost.
 * MK_RX_BUSY in mk_channel.rx_state is a lock that is only ever tried: who has it
 * receives.  Who does not get it leaves MK_RX_AGAIN, for the other to have the
 * receiver look once more.  Whoever holds a channel has it until that is over, which
 * mk_channel.tx_lock makes one decision of.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/bitfield.h>
#include <linux/bitops.h>
#include <linux/cleanup.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
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
 * How long a caller looks for the reply itself: twice as long as the last one took that
 * came in this time, at least what an interrupt there and back takes on any machine,
 * and at most what KVM's halt polling allows itself (KVM_HALT_POLL_NS_DEFAULT on x86),
 * which waits for the same kind of thing.
 */
#define MK_CALL_SPIN_MIN_NS	(20U * NSEC_PER_USEC)
#define MK_CALL_SPIN_MAX_NS	(200U * NSEC_PER_USEC)

/* The same for a receiver; below the least it is better to sleep at once */
#define MK_LINGER_MAX_NS	(20U * NSEC_PER_USEC)
#define MK_LINGER_MIN_NS	(1U * NSEC_PER_USEC)

/* How often a caller looks between two looks at the clock */
#define MK_CALL_LOOKS		32

/* After so many looks in vain who polls tells the producer of its room */
#define MK_POLL_MISSES		64

/* Each how many sleeps of a receiver it measures how long one lasts */
#define MK_SLEEP_SAMPLE		16

/* mk_call.state */
#define MK_CALL_LOOKS_FOR	0	/* the caller looks for the reply itself */
#define MK_CALL_SLEEPS		1	/* it waits for mk_call.done */
#define MK_CALL_ENDED		2	/* there is a result */

/*
 * struct mk_call - somebody waits for a reply
 * @state: MK_CALL_*
 * @done: completed when there is a result, if the caller sleeps
 * @reply: where to put it
 * @size: space there in bytes
 * @ret: length of the reply, or a negative errno
 */
struct mk_call {
	unsigned int state;
	struct completion done;
	void *reply;
	size_t size;
	ssize_t ret;
};

/* Each value is believed once; the host forgets when CPUs go elsewhere */
static noinline bool mk_channel_bell_ok(struct mk_channel *ch, u64 bell)
{
	struct mk_link *link = READ_ONCE(ch->link);

	if (!mk_arch_bell_ok(bell))
		return false;
	if (link->ops->bell_ok && !link->ops->bell_ok(link, FIELD_GET(MK_BELL_PHYS_ID, bell)))
		return false;
	WRITE_ONCE(ch->bell_ok, bell);
	return true;
}

/* True if it was rung */
static __always_inline bool mk_channel_ring_mem(struct mk_channel *ch,
						struct mk_ring_mem *mem, unsigned int bit)
{
	u64 bell = READ_ONCE(mem->bell);

	if (!bell)
		return false;
	if (unlikely(bell != READ_ONCE(ch->bell_ok)) && !mk_channel_bell_ok(ch, bell))
		return false;
	/* Also in a kernel that has one CPU and leaves out the lock prefix */
	sync_set_bit(bit, READ_ONCE(ch->link)->cause_out);
	trace_mk_ring(ch, BIT_ULL(bit), bell);
	mk_arch_ring(bell);
	return true;
}

/**
 * mk_channel_ring() - ring the peer's doorbell for a message
 * @ch: a channel
 * @cause: MK_CAUSE_*, one bit
 *
 * Context: any.
 */
void mk_channel_ring(struct mk_channel *ch, u64 cause)
{
	struct mk_ring_mem *mem;

	guard(preempt)();
	mem = mk_ring_tx_mem(&ch->tx);
	if (mem && mk_channel_ring_mem(ch, mem, __ffs64(cause)))
		mk_count(ch, bells_sent, 1);
}

/* Ends what mk_send() has begun: the message lies in the ring */
static noinline int mk_send_finish(struct mk_channel *ch, struct mk_ring_mem *mem, u16 type,
				   size_t len, u64 armed)
{
	trace_mk_send(ch, ch->tx.epoch, ch->id, type, len);
	if (__mk_ring_wants_bell(&ch->tx, mem, armed) &&
	    mk_channel_ring_mem(ch, mem, ch->id))
		mk_count(ch, bells_sent, 1);
	preempt_enable();
	return 0;
}

/* Why there is no ring: because of mk_channel_hold(), or there is one meanwhile */
static int mk_send_no_ring(struct mk_channel *ch)
{
	/* In this order: pairs with mk_channel_hold() and mk_channel_release() */
	if (smp_load_acquire(&ch->held) || mk_ring_tx_mem(&ch->tx))
		return -EAGAIN;
	return -ENOTCONN;
}

static noinline int mk_send_slow(struct mk_channel *ch, struct mk_ring_mem *mem, u16 type,
				 const void *data, size_t len)
{
	int ret = mem ? mk_ring_push_slow(&ch->tx, mem, type, data, len) : mk_send_no_ring(ch);

	if (!ret) {
		mk_count(ch, sent, 1);
		mk_count(ch, bytes_sent, len);
		return mk_send_finish(ch, mem, type, len, mk_ring_armed(mem));
	}
	if (ret == -EAGAIN) {
		mk_count(ch, full, 1);
		/* Nobody makes room any more */
		if (READ_ONCE(ch->ending))
			ret = -ENOTCONN;
	}
	preempt_enable();
	return ret;
}

/**
 * mk_send() - send a message
 * @ch: the channel
 * @type: what the two sides have agreed on, below MK_TYPE_PAGES
 * @data: payload
 * @len: its length in bytes
 *
 * Context: any, NMI included; does not sleep.
 * Return: 0; -EAGAIN if there is no room; -EMSGSIZE if @len is more than a message
 * or the ring can have; -ENOTCONN if the channel has ended.
 */
int mk_send(struct mk_channel *ch, u16 type, const void *data, size_t len)
{
	struct mk_ring_mem *mem;
	u64 armed;

	/* What is not the way of most messages ends there, and saves registers there */
	preempt_disable();
	mem = mk_ring_tx_mem(&ch->tx);
	if (unlikely(!mem || !mk_ring_try_push(&ch->tx, mem, type, data, len)))
		return mk_send_slow(ch, mem, type, data, len);
	mk_count(ch, sent, 1);
	mk_count(ch, bytes_sent, len);
	armed = mk_ring_armed(mem);
	if (unlikely((armed & 1) || trace_mk_send_enabled()))
		return mk_send_finish(ch, mem, type, len, armed);
	preempt_enable();
	return 0;
}
EXPORT_SYMBOL_GPL(mk_send);

/* As mk_send(), in the life of the peer that the caller knows of */
static int mk_channel_push_epoch(struct mk_channel *ch, u32 epoch, u16 type,
				 const void *data, size_t len)
{
	guard(preempt)();
	/* In this order: another epoch comes before its ring */
	if (!mk_ring_tx_mem(&ch->tx))
		return mk_send_no_ring(ch);
	if (READ_ONCE(ch->tx.epoch) != epoch)
		return -ESTALE;
	return mk_send(ch, type, data, len);
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
	ret = mk_channel_push_epoch(ch, epoch, type, data, len);
	if (ret != -EAGAIN)
		return ret == -ESTALE ? -ENOTCONN : ret;
	/* When it is not held any more there is a look, see mk_channel_release() */
	if (!ch->tx.mem)
		return ch->held ? -EAGAIN : -ENOTCONN;
	ch->asked_room++;
	mk_ring_tx_wait(&ch->tx);
	if (!mk_ring_tx_room(&ch->tx, len))
		return ret;
	return mk_send(ch, type, data, len);
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

static void mk_channel_ring_room(struct mk_channel *ch)
{
	struct mk_ring_mem *mem;

	guard(preempt)();
	mem = mk_ring_tx_mem(&ch->tx);
	if (mem && mk_channel_ring_mem(ch, mem, MK_LINK_CHANNELS + ch->id))
		mk_count(ch, bells_room, 1);
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

static __always_inline bool mk_channel_rx_enter(struct mk_channel *ch)
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

static __always_inline void mk_channel_rx_exit(struct mk_channel *ch, bool again)
{
	again |= xchg(&ch->rx_state, 0) & BIT(MK_RX_AGAIN);
	if (again && !READ_ONCE(ch->ending))
		mk_channel_kick(ch);
}

/* Ask for a doorbell, unless there is something already */
static __always_inline bool mk_channel_rx_arm(struct mk_channel *ch)
{
	if (ch->rx.published != ch->rx.tail)
		mk_ring_publish(&ch->rx);
	ch->asked_message++;
	mk_ring_arm(&ch->rx);
	if (unlikely(__mk_ring_wants_room(&ch->rx)))
		mk_channel_ring_room(ch);
	return mk_ring_pending(&ch->rx);
}

static __always_inline bool __mk_channel_poll_begin(struct mk_channel *ch)
{
	if (ch->ops->sleeps || !mk_channel_rx_enter(ch))
		return false;
	if (unlikely(!ch->rx.mem || READ_ONCE(ch->ending))) {
		mk_channel_rx_exit(ch, false);
		return false;
	}
	mk_ring_disarm(&ch->rx);
	return true;
}

static __always_inline void __mk_channel_poll_end(struct mk_channel *ch)
{
	mk_channel_rx_exit(ch, mk_channel_rx_arm(ch));
}

/* A number for the call, or -EBUSY */
static int mk_call_begin(struct mk_channel *ch, struct mk_call *call)
{
	unsigned int nr;

	for (nr = 0; nr < MK_CALLS; nr++)
		if (!READ_ONCE(ch->calls[nr]) && !cmpxchg(&ch->calls[nr], NULL, call))
			return nr;
	return READ_ONCE(ch->ending) ? -ENOTCONN : -EBUSY;
}

/*
 * Nobody waits any more.  True if the call had not ended yet; its number stays
 * in use until the reply comes in, unless the peer has never seen it.
 */
static bool mk_call_end(struct mk_channel *ch, struct mk_call *call, unsigned int nr,
			bool sent)
{
	return cmpxchg(&ch->calls[nr], call, sent ? MK_CALL_LATE : NULL) == call;
}

/* The last that is seen of it, unless the caller sleeps; for who has taken it */
static __always_inline void mk_call_finish(struct mk_call *call, ssize_t ret)
{
	call->ret = ret;
	/* Pairs with mk_call_ended(), and with the one in mk_call_sleep() */
	if (unlikely(xchg(&call->state, MK_CALL_ENDED) == MK_CALL_SLEEPS))
		complete(&call->done);
}

static __always_inline bool mk_call_ended(struct mk_call *call)
{
	/* Pairs with mk_call_finish(): the result and the reply are there */
	return smp_load_acquire(&call->state) == MK_CALL_ENDED;
}

static __always_inline void mk_channel_received(struct mk_channel *ch, u16 type, u32 len)
{
	mk_count(ch, received, 1);
	mk_count(ch, bytes_received, len);
	trace_mk_receive(ch, ch->rx.epoch, ch->id, type, len);
}

/* Twice what this one took, if it came in time; otherwise half of what it was */
static void mk_call_learn(struct mk_channel *ch, bool done, u64 begin)
{
	unsigned int ns = ch->call_ns / 2;

	if (done)
		ns = min_t(u64, 2 * (local_clock() - begin), MK_CALL_SPIN_MAX_NS);
	ch->call_ns = ns;
}

/* If the next message is the reply, and short: from the ring to where it is wanted */
static __always_inline bool mk_call_take(struct mk_channel *ch, struct mk_call *call,
					 unsigned int nr)
{
	struct mk_ring_rx *rx = &ch->rx;
	u64 ctl = mk_ring_next_ctl(rx);
	u32 len = FIELD_GET(MK_CTL_LEN, ctl);

	if (!mk_ring_is_next(rx, ctl) || FIELD_GET(MK_CTL_TYPE, ctl) != (MK_TYPE_REPLY | nr) ||
	    len > MK_SLOT_PAYLOAD || len > call->size)
		return false;
	/* Someone may end the channel at this moment */
	if (unlikely(cmpxchg(&ch->calls[nr], call, NULL) != call))
		return false;
	mk_slot_get(mk_ring_slot(rx->mem, rx->slots, rx->tail), call->reply, len);
	rx->tail++;
	mk_channel_received(ch, MK_TYPE_REPLY | nr, len);
	call->ret = len;
	return true;
}

/* Looked in vain: true if it is time to sleep */
static noinline bool mk_call_looked(struct mk_channel *ch, u64 *begin)
{
	u64 now = local_clock();

	if (!*begin)
		*begin = now;
	return now - *begin >= max(ch->call_ns, MK_CALL_SPIN_MIN_NS) || need_resched() ||
	       READ_ONCE(ch->ending);
}

/* True if the reply came while this CPU looked for it; the caller is the receiver */
static __always_inline bool mk_call_spin(struct mk_channel *ch, struct mk_call *call,
					 unsigned int nr)
{
	unsigned int looks = 0;
	u64 begin = 0;
	bool done;

	while (!(done = mk_call_take(ch, call, nr))) {
		if (mk_ring_pending(&ch->rx) && mk_channel_poll(ch) < 0)
			break;
		if (mk_call_ended(call))
			break;
		cpu_relax();
		if (unlikely(++looks % MK_CALL_LOOKS == 0) && mk_call_looked(ch, &begin))
			break;
	}
	done = done || mk_call_ended(call);
	if (begin)
		mk_call_learn(ch, done, begin);
	__mk_channel_poll_end(ch);
	return done;
}

/* False if the reply is there already */
static bool mk_call_sleep(struct mk_call *call)
{
	init_completion(&call->done);
	/* Pairs with mk_call_finish() */
	return cmpxchg(&call->state, MK_CALL_LOOKS_FOR, MK_CALL_SLEEPS) == MK_CALL_LOOKS_FOR;
}

/*
 * Somebody else has taken the call, and will have ended it in a moment: he is not
 * preempted in between, not even by us.
 */
static ssize_t mk_call_result_of(struct mk_call *call)
{
	while (!mk_call_ended(call))
		cpu_relax();
	return call->ret;
}

static ssize_t mk_call_wait(struct mk_channel *ch, struct mk_call *call, unsigned int nr,
			    unsigned long deadline)
{
	long left = max_t(long, deadline - jiffies, 0);
	u64 begin = local_clock();

	if (!mk_call_sleep(call))
		return mk_call_result_of(call);
	left = wait_for_completion_interruptible_timeout(&call->done, left);
	if (left <= 0 && mk_call_end(ch, call, nr, true))
		return left ? -EINTR : -ETIMEDOUT;
	/* If it is somebody else's then he completes */
	if (left <= 0)
		wait_for_completion(&call->done);
	/* It would have been worth to look for a bit longer */
	if (local_clock() - begin < MK_CALL_SPIN_MAX_NS)
		WRITE_ONCE(ch->call_ns, MK_CALL_SPIN_MAX_NS);
	return call->ret;
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
	u32 epoch = READ_ONCE(ch->tx.epoch);
	struct mk_call call;
	bool polls;
	int nr, ret;

	/* The rest is for who sleeps */
	call.state = MK_CALL_LOOKS_FOR;
	call.reply = reply;
	call.size = size;
	nr = mk_call_begin(ch, &call);
	if (nr < 0)
		return nr;
	/* Or who ends it sees the call: pairs with mk_channel_doom() */
	ret = -ENOTCONN;
	if (unlikely(READ_ONCE(ch->ending)))
		goto failed;
	/* First, so that the peer need not ring for its reply */
	polls = __mk_channel_poll_begin(ch);
	ret = mk_send(ch, MK_TYPE_CALL | nr, data, len);
	if (polls && !ret && mk_call_spin(ch, &call, nr))
		return call.ret;
	if (polls && ret)
		mk_channel_poll_end(ch);
	if (ret == -EAGAIN)
		ret = mk_channel_send_wait(ch, epoch, MK_TYPE_CALL | nr, data, len,
					   timeout);
	if (!ret)
		return mk_call_wait(ch, &call, nr, deadline);
failed:
	/* Unless the end of the channel was faster */
	return mk_call_end(ch, &call, nr, false) ? ret : mk_call_result_of(&call);
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
 * Context: any, NMI included; does not sleep.
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
 * Context: any, NMI included; does not sleep.
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
 * Context: any, NMI included; does not sleep.
 * Return: as mk_send(), and -ESTALE if the peer has been started anew.
 */
int mk_reply_epoch(struct mk_channel *ch, u32 epoch, u16 type, const void *data,
		   size_t len)
{
	return mk_channel_push_epoch(ch, epoch, type, data, len);
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

static noinline bool mk_channel_rx_reply(struct mk_channel *ch, const struct mk_msg *msg)
{
	unsigned int nr = msg->type & MK_TYPE_NR;
	struct mk_call *call;

	if (nr >= MK_CALLS)
		return false;
	/* The caller may look for the end of it: see mk_call_result_of() */
	scoped_guard(preempt) {
		call = xchg(&ch->calls[nr], NULL);
		if (!call)
			return false;
		if (likely(call != MK_CALL_LATE)) {
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

static noinline bool mk_channel_dispatch_other(struct mk_channel *ch, struct mk_msg *msg)
{
	if (msg->type < MK_TYPE_CALL)
		return mk_channel_rx_pages(ch, msg);
	switch (msg->type & MK_TYPE_KIND) {
	case MK_TYPE_REPLY:
	case MK_TYPE_ERROR:
		return mk_channel_rx_reply(ch, msg);
	case MK_TYPE_CALL:
		return !mk_reply_error(ch, msg->type, -EOPNOTSUPP);
	default:
		return msg->type == MK_TYPE_BACK && mk_pool_returned(ch, msg);
	}
}

static __always_inline bool mk_channel_dispatch(struct mk_channel *ch, struct mk_msg *msg)
{
	msg->pages = NULL;
	if (msg->type < MK_TYPE_PAGES)
		return ch->ops->receive && ch->ops->receive(ch, msg);
	if ((msg->type & MK_TYPE_KIND) != MK_TYPE_CALL || !ch->ops->call)
		return mk_channel_dispatch_other(ch, msg);
	ch->ops->call(ch, msg);
	return true;
}

static noinline void mk_channel_count_bad(struct mk_channel *ch, const struct mk_msg *msg)
{
	mk_count(ch, bad, 1);
	mk_flood_bad(ch->link, 1);
	trace_mk_bad(ch, ch->rx.epoch, ch->id, msg->type, msg->len);
	pr_warn_ratelimited("dropped a message of type 0x%x with %u bytes\n",
			    msg->type, msg->len);
}

/* Too long: ring.c has dropped it */
static noinline void mk_channel_count_dropped(struct mk_channel *ch)
{
	mk_count(ch, bad, 1);
	mk_flood_bad(ch->link, 1);
}

/* Returns how many messages there were; under MK_RX_BUSY */
static __always_inline unsigned int mk_channel_receive(struct mk_channel *ch,
						       unsigned int budget)
{
	struct mk_ring_rx *rx = &ch->rx;
	unsigned int done = 0;
	/* All of it that is looked at is written; clearing it costs as much as that */
	struct mk_msg msg __uninitialized;

	while (done < budget) {
		u64 ctl = mk_ring_next_ctl(rx);

		if (!mk_ring_is_next(rx, ctl))
			break;
		/* What is dropped has its cost, too */
		if (unlikely(!mk_ring_take(rx, ctl, &msg))) {
			mk_channel_count_dropped(ch);
			done++;
			continue;
		}
		done++;
		mk_channel_received(ch, msg.type, msg.len);
		if (unlikely(!mk_channel_dispatch(ch, &msg)))
			mk_channel_count_bad(ch, &msg);
		/* A producer should not come to a stop; nor fetch the line each time */
		if (unlikely(rx->tail - rx->published >= rx->slots / 4))
			mk_channel_publish(ch);
	}
	return done;
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
	return __mk_channel_poll_begin(ch);
}
EXPORT_SYMBOL_GPL(mk_channel_poll_begin);

/* Nothing to do is the time to tell the producer of its room, but not each time */
static noinline int mk_channel_missed(struct mk_channel *ch)
{
	if (++ch->misses == MK_POLL_MISSES)
		mk_channel_publish(ch);
	return 0;
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
	if (!mk_ring_pending(&ch->rx))
		return mk_channel_missed(ch);
	ch->misses = 0;
	local_bh_disable();
	done = mk_channel_receive(ch, MK_CHANNEL_BUDGET);
	local_bh_enable();
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
	return false;
}

static noinline int mk_channel_recv_slow(struct mk_channel *ch, struct mk_msg *msg, u64 ctl)
{
	struct mk_ring_rx *rx = &ch->rx;

	if (!mk_ring_take(rx, ctl, msg)) {
		mk_channel_count_dropped(ch);
		return 0;
	}
	mk_channel_received(ch, msg->type, msg->len);
	if (rx->tail - rx->published >= rx->slots / 4)
		mk_channel_publish(ch);
	msg->pages = NULL;
	return msg->type < MK_TYPE_PAGES || mk_channel_recv_other(ch, msg);
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
	u64 ctl = mk_ring_next_ctl(rx);

	/* As in mk_send(): this calls nothing */
	if (unlikely(READ_ONCE(ch->ending)))
		return -ENOTCONN;
	if (!mk_ring_is_next(rx, ctl))
		return mk_channel_missed(ch);
	ch->misses = 0;
	if (unlikely(FIELD_GET(MK_CTL_TYPE, ctl) >= MK_TYPE_PAGES ||
		     FIELD_GET(MK_CTL_LEN, ctl) > MK_SLOT_PAYLOAD ||
		     rx->tail - rx->published >= rx->slots / 4 || trace_mk_receive_enabled()))
		return mk_channel_recv_slow(ch, msg, ctl);
	mk_ring_take(rx, ctl, msg);
	msg->pages = NULL;
	mk_count(ch, received, 1);
	mk_count(ch, bytes_received, msg->len);
	return 1;
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
	__mk_channel_poll_end(ch);
}
EXPORT_SYMBOL_GPL(mk_channel_poll_end);

static noinline void mk_channel_wake_senders(struct mk_channel *ch)
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

/* As &mk_channel_ops.drain; who drains does not count */
static bool mk_channel_drain_counted(struct mk_channel *ch)
{
	u64 bad = ch->rx.bad, popped = ch->rx.popped, bytes = ch->rx.popped_bytes;
	bool more = ch->ops->drain(ch, &ch->rx);

	mk_count(ch, received, ch->rx.popped - popped);
	mk_count(ch, bytes_received, ch->rx.popped_bytes - bytes);
	for (; unlikely(bad != ch->rx.bad); bad++)
		mk_channel_count_dropped(ch);
	return more;
}

static bool mk_channel_drain_turn(struct mk_channel *ch)
{
	bool more = mk_channel_drain_counted(ch);

	WRITE_ONCE(ch->declined, !more);
	mk_channel_tell_room(ch);
	if (more && mk_ring_pending(&ch->rx)) {
		mk_channel_publish(ch);
		return true;
	}
	return mk_channel_rx_arm(ch) && more;
}

/*
 * True if another turn is needed: at once, in which case the peer is not asked to
 * ring, or because something came last.  A receiver that takes no more for now
 * looks again by itself.  The peer has rung for this sleep and does not ring again
 * before the next one, so there is nothing to be disarmed here.
 */
static __always_inline bool mk_channel_turn(struct mk_channel *ch, unsigned int budget,
					    bool in_irq)
{
	if (!in_irq) {
		if (unlikely(ch->ops->drain))
			return mk_channel_drain_turn(ch);
		mk_channel_woken(ch);
	}
	if (unlikely(mk_channel_receive(ch, budget) == budget) ||
	    (!in_irq && ch->linger_ns && mk_channel_linger(ch))) {
		mk_channel_publish(ch);
		return true;
	}
	if (mk_channel_rx_arm(ch))
		return true;
	if (!in_irq)
		mk_channel_sleeps(ch);
	return false;
}

static __always_inline void mk_channel_look(struct mk_channel *ch, unsigned int budget,
					    bool in_irq)
{
	/* Who has asked the peer for room is there already */
	if (unlikely(waitqueue_active(&ch->tx_wait) || ch->pool))
		mk_channel_wake_senders(ch);
	if (mk_channel_rx_enter_or_note(ch))
		mk_channel_rx_exit(ch, ch->rx.mem && mk_channel_turn(ch, budget, in_irq));
}

static void mk_channel_work(struct work_struct *work)
{
	mk_channel_look(container_of(work, struct mk_channel, work), MK_CHANNEL_BUDGET,
			false);
}

static void mk_channel_tasklet(struct tasklet_struct *tasklet)
{
	mk_channel_look(container_of(tasklet, struct mk_channel, tasklet),
			MK_CHANNEL_BUDGET, false);
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
		queue_work_on(READ_ONCE(ch->bell_cpu), mk_rx_wq, &ch->work);
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
		mk_channel_look(ch, MK_CHANNEL_IRQ_BUDGET, true);
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
 * @ch: the channel, zeroed but perhaps for its counters
 * @link: to the peer
 * @id: its id there
 *
 * To be followed by mk_channel_set_ops(), and at last by mk_channel_exit().
 *
 * Context: may sleep, unless there are counters already.
 * Return: 0 or -ENOMEM.
 */
int mk_channel_init(struct mk_channel *ch, struct mk_link *link, unsigned int id)
{
	raw_spin_lock_init(&ch->tx_lock);
	init_waitqueue_head(&ch->tx_wait);
	INIT_WORK(&ch->work, mk_channel_work);
	tasklet_setup(&ch->tasklet, mk_channel_tasklet);
	ch->link = link;
	ch->id = id;
	if (!ch->stats)
		ch->stats = alloc_percpu(struct mk_channel_stats);
	return ch->stats ? 0 : -ENOMEM;
}

/**
 * mk_channel_exit() - the channel will not be used again
 * @ch: a channel that has ended, or was never open
 *
 * Context: any but hard interrupt and NMI.
 */
void mk_channel_exit(struct mk_channel *ch)
{
	free_percpu(ch->stats);
	ch->stats = NULL;
}

/**
 * mk_channel_stat_at() - a counter
 * @ch: the channel
 * @offset: in &struct mk_channel_stats
 *
 * Return: its value.
 */
u64 mk_channel_stat_at(const struct mk_channel *ch, size_t offset)
{
	unsigned int cpu;
	u64 sum = 0;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*(u64 *)((void *)per_cpu_ptr(ch->stats, cpu) + offset));
	return sum;
}

/**
 * mk_channel_stats_reset() - count anew
 * @ch: a channel that nobody uses
 */
void mk_channel_stats_reset(struct mk_channel *ch)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(ch->stats, cpu), 0, sizeof(*ch->stats));
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

	for (nr = 0; nr < MK_CALLS; nr++) {
		struct mk_call *call;

		/* See mk_call_result_of() */
		guard(preempt)();
		call = xchg(&ch->calls[nr], NULL);
		if (call && call != MK_CALL_LATE)
			mk_call_finish(call, -ECONNRESET);
	}
}

/* What lies in the ring when it ends: no more than it can hold */
static void mk_channel_drain(struct mk_channel *ch)
{
	if (!ch->rx.mem)
		return;
	if (ch->ops->drain) {
		mk_channel_drain_counted(ch);
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
 * Return: true if there is somebody, and something lies in the ring or is being handled.
 */
bool mk_channel_has_reply(struct mk_channel *ch)
{
	unsigned int nr;

	/* So that the rings stay */
	guard(raw_spinlock_irqsave)(&ch->tx_lock);
	if (!ch->tx.mem)
		return false;
	if (!mk_ring_pending(&ch->rx)) {
		/* Who has taken it is still busy, or done: pairs with mk_channel_rx_exit() */
		smp_rmb();
		if (!test_bit(MK_RX_BUSY, &ch->rx_state))
			return false;
	}
	for (nr = 0; nr < MK_CALLS; nr++) {
		struct mk_call *call = READ_ONCE(ch->calls[nr]);

		if (call && call != MK_CALL_LATE)
			return true;
	}
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
	/* Pairs with mk_call(), by the barriers of xchg() and cmpxchg() on the calls */
	WRITE_ONCE(ch->ending, true);
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
 * mk_channel_hold() - leave the rings as they are
 * @ch: a channel
 *
 * What has been read is published, and nothing is read until mk_channel_release(); who sends
 * gets -EAGAIN, or waits.  Those who have seen the ring before are done after
 * synchronize_rcu(): then no message in it is half written.
 *
 * Context: any but NMI; does not sleep.
 * Return: false if somebody receives at this moment, or it is held or ends.
 */
bool mk_channel_hold(struct mk_channel *ch)
{
	if (!mk_channel_rx_enter(ch))
		return false;
	if (!ch->rx.mem || READ_ONCE(ch->ending)) {
		mk_channel_rx_exit(ch, false);
		return false;
	}
	mk_channel_publish(ch);
	guard(raw_spinlock_irqsave)(&ch->tx_lock);
	WRITE_ONCE(ch->held, ch->tx.mem);
	/* In this order: pairs with mk_send_no_ring() */
	smp_store_release(&ch->tx.mem, NULL);
	return true;
}

/**
 * mk_channel_release() - go on after mk_channel_hold()
 * @ch: a channel, held or not
 *
 * Context: any but NMI.
 */
void mk_channel_release(struct mk_channel *ch)
{
	scoped_guard(raw_spinlock_irqsave, &ch->tx_lock) {
		if (!ch->held)
			return;
		/* Senders may look again: pairs with mk_ring_tx_mem() */
		smp_store_release(&ch->tx.mem, ch->held);
		/* In this order: pairs with mk_send_no_ring() */
		smp_store_release(&ch->held, NULL);
	}
	mk_channel_rx_exit(ch, true);
	wake_up_all(&ch->tx_wait);
}

/**
 * mk_channel_calls() - does somebody wait for a reply, or is one still to come?
 * @ch: a channel
 *
 * Context: any.
 * Return: true if so.
 */
bool mk_channel_calls(struct mk_channel *ch)
{
	unsigned int nr;

	for (nr = 0; nr < MK_CALLS; nr++)
		if (READ_ONCE(ch->calls[nr]))
			return true;
	return false;
}

/* True if it was held: then we are the receiver, and nobody sends any more */
static bool mk_channel_take_held(struct mk_channel *ch)
{
	bool held;

	guard(raw_spinlock_irqsave)(&ch->tx_lock);
	held = ch->held;
	WRITE_ONCE(ch->held, NULL);
	return held;
}

/* The rings are not used from now on, but for those who have seen them already */
static void mk_channel_cut(struct mk_channel *ch)
{
	/* Someone may poll, and will see it */
	mk_channel_doom(ch);
	if (!mk_channel_take_held(ch))
		mk_channel_rx_take(ch);
	mk_channel_drain(ch);
	scoped_guard(raw_spinlock_irqsave, &ch->tx_lock) {
		WRITE_ONCE(ch->tx.mem, NULL);
		ch->rx.mem = NULL;
		ch->bell_ok = 0;
	}
	mk_channel_rx_exit(ch, false);
}

/**
 * mk_channels_end() - the rings are going
 * @ch: an array of channels that doorbells do not reach any more
 * @nr: how many
 *
 * Senders that wait for room end with an error at once, so that a callback does which
 * is one of them.  Messages that lie in the ring are handled.  Then calls that wait for a
 * reply end with an error, too; before that if a callback does not return, which may wait
 * for what such a caller holds.  Afterwards nobody looks at the shared area any more.
 *
 * Context: may sleep; not from the channels' own callbacks.
 */
void mk_channels_end(struct mk_channel *ch, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		mk_channel_cut(&ch[i]);
	/* Those who have seen the ring: pairs with mk_send() */
	synchronize_rcu_expedited();
	for (i = 0; i < nr; i++) {
		mk_channel_flush(&ch[i]);
		mk_channel_abort_calls(&ch[i]);
		wake_up_all(&ch[i].tx_wait);
	}
}
