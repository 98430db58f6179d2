// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: ring.c - one-way rings of cache-line messages
 *
 * The code on both sides of the rings that include/linux/multikernel/abi/ring.h
 * lays out.  A ring has one producer and one consumer, which may be two kernels
 * that do not trust each other.
 *
 * What the peer can write is input, nothing more.  Each side keeps its own
 * position in private memory and never reads it back from the shared area.
 * Each shared word is read once into a local, checked, and then used:
 *
 * - A slot counts as filled only if its control word states the epoch of the ring
 *   and exactly the position that the consumer waits for.  A message whose length
 *   can't be is dropped.
 * - A tail counts only if it is of the ring's epoch and lies at most one ring
 *   behind the head and not before the last one, so the worst that a bad tail can
 *   do is to keep the producer waiting or to make it overwrite what the consumer
 *   itself said it had read.
 *
 * Any number of senders of one kernel may put messages into a ring at once, in any
 * context, NMI included: each takes the slots that it needs by moving the private
 * head on, fills them, and publishes them by the control word of the first.  The
 * consumer takes them in the order of their positions, so one that has been
 * interrupted in between holds up those behind it until it goes on; it should not be
 * preempted.  There is one consumer at a time.  None of the functions sleeps or locks.
 *
 * Memory ordering
 * ---------------
 *
 * 1. The producer writes the payload, then the control word with
 *    virt_store_release(); the consumer reads the control word with
 *    virt_load_acquire() in mk_ring_next_ctl(), then the payload.  The further
 *    slots of a long message are written before the first one's control word and
 *    read after it.
 * 2. The consumer copies the payload, then publishes the tail with
 *    virt_store_release() in mk_ring_publish(); the producer reads the tail with
 *    virt_load_acquire() in mk_ring_tx_room(), then overwrites the slot.
 * 3. The consumer stores armed, virt_mb() in mk_ring_arm(), looks once more for a
 *    message; the producer stores the control word, virt_mb() in
 *    mk_ring_wants_bell(), reads armed.  One of the two sees the other, so no
 *    message is left behind without a doorbell.
 * 4. The consumer publishes the tail, then stores armed with virt_store_release()
 *    in mk_ring_arm(); the producer reads armed with virt_load_acquire() in
 *    mk_ring_wants_bell(), then the tail.  So it knows of a message that was
 *    consumed before the consumer went to sleep, and does not spend on it the one
 *    doorbell of that sleep, which the next message will need.
 * 5. The producer stores waiting, virt_mb() in mk_ring_tx_wait(), looks once more
 *    for room; the consumer publishes the tail, virt_mb() in mk_ring_wants_room(),
 *    reads waiting.  One of the two sees the other, so no producer sleeps beside
 *    an empty ring.
 * 6. A side that wants to be rung elsewhere stores the new bell, virt_mb() in
 *    mk_link_aim(), then looks for messages and for room.  The other side stores a
 *    control word or a tail, virt_mb() in mk_ring_wants_bell() or
 *    mk_ring_wants_room(), reads the bell.  Who has read the old one, and rings a CPU
 *    that may be gone by then, has stored before what the look finds.
 *
 * The barriers are the ``virt_`` ones: the other side may be on another CPU even if
 * this kernel was built for one.
 */

#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "ring.h"

/**
 * mk_ring_size() - space that a ring needs
 * @slots: number of slots
 *
 * Return: the size in bytes.
 */
size_t mk_ring_size(u32 slots)
{
	return struct_size_t(struct mk_ring_mem, slot, slots);
}

/**
 * mk_ring_tx_init() - set up the producer's side
 * @tx: what to set up; nobody sends
 * @mem: the ring, zeroed before either side uses it for the first time
 * @slots: number of slots, a power of two, at most 2^16
 * @epoch: not 0, and another one each time that the ring is used anew
 */
void mk_ring_tx_init(struct mk_ring_tx *tx, void *mem, u32 slots, u32 epoch)
{
	*tx = (struct mk_ring_tx){ .slots = slots, .epoch = epoch };
	/* Senders may look from now on: pairs with mk_ring_tx_mem() */
	smp_store_release(&tx->mem, mem);
}

/**
 * mk_ring_rx_init() - set up the consumer's side
 * @rx: what to set up
 * @mem: the ring, zeroed before either side uses it for the first time
 * @slots: number of slots, a power of two, at most 2^16
 * @epoch: as the producer's
 *
 * It takes messages of up to MK_SLOT_PAYLOAD bytes.
 */
void mk_ring_rx_init(struct mk_ring_rx *rx, void *mem, u32 slots, u32 epoch)
{
	*rx = (struct mk_ring_rx){
		.mem = mem,
		.slots = slots,
		.epoch = epoch,
		.max = MK_SLOT_PAYLOAD,
	};
}

/* A position that the other end has published; 0 in a ring in which nobody has yet */
static u32 mk_ring_value(u64 word, u32 epoch)
{
	return FIELD_GET(MK_WORD_EPOCH, word) == epoch ? FIELD_GET(MK_WORD_VALUE, word) : 0;
}

/**
 * mk_ring_tx_resume() - go on as the producer where another one has stopped
 * @tx: what to set up; nobody sends
 * @mem: the ring, in which no message is half written
 * @slots: number of slots, as the other one had it
 * @epoch: the same
 *
 * The ring itself says how far the other one came: each message states its position, and
 * behind the last one none states the next.
 */
void mk_ring_tx_resume(struct mk_ring_tx *tx, void *mem, u32 slots, u32 epoch)
{
	struct mk_ring_mem *ring = mem;
	u32 tail = mk_ring_value(READ_ONCE(ring->tail), epoch), used = 0;

	while (used < slots) {
		u64 ctl = READ_ONCE(mk_ring_slot(ring, slots, tail + used)->ctl);

		if (FIELD_GET(MK_CTL_STAMP, ctl) != mk_ring_stamp(epoch, tail + used))
			break;
		used += mk_ring_slots(FIELD_GET(MK_CTL_LEN, ctl));
	}
	*tx = (struct mk_ring_tx){
		.slots = slots,
		.epoch = epoch,
		.tail = tail,
		/* A length that can't be is the consumer's doing */
		.head = tail + min(used, slots),
		.waiting = mk_ring_value(READ_ONCE(ring->waiting), epoch),
	};
	/* Senders may look from now on: pairs with mk_ring_tx_mem() */
	smp_store_release(&tx->mem, mem);
}

/**
 * mk_ring_rx_resume() - go on as the consumer where another one has stopped
 * @rx: what to set up
 * @mem: the ring, of which the other one has published all that it has read
 * @slots: number of slots, as the other one had it
 * @epoch: the same
 *
 * It takes messages of up to MK_SLOT_PAYLOAD bytes.
 */
void mk_ring_rx_resume(struct mk_ring_rx *rx, void *mem, u32 slots, u32 epoch)
{
	struct mk_ring_mem *ring = mem;

	mk_ring_rx_init(rx, mem, slots, epoch);
	rx->tail = mk_ring_value(READ_ONCE(ring->tail), epoch);
	rx->published = rx->tail;
	rx->armed = mk_ring_value(READ_ONCE(ring->armed), epoch);
}

/**
 * mk_ring_rx_buf() - take longer messages
 * @rx: consumer's side
 * @buf: private memory, for mk_ring_pop() to put them together
 * @max: its size in bytes, MK_SLOT_PAYLOAD to MK_MSG_MAX
 */
void mk_ring_rx_buf(struct mk_ring_rx *rx, void *buf, u32 max)
{
	rx->buf = buf;
	rx->max = min(max, rx->slots * MK_SLOT_PAYLOAD);
}

static bool __mk_ring_tx_room(struct mk_ring_tx *tx, struct mk_ring_mem *mem, u32 need)
{
	u32 head = READ_ONCE(tx->head), old = READ_ONCE(tx->tail), tail;
	u64 word;

	if (head - old + need <= tx->slots)
		return true;

	/* Ordering 2: pairs with mk_ring_publish() */
	word = virt_load_acquire(&mem->tail);
	if (FIELD_GET(MK_WORD_EPOCH, word) != tx->epoch)
		return false;
	tail = FIELD_GET(MK_WORD_VALUE, word);
	if (tail - old > head - old) {
		WRITE_ONCE(tx->bad_tails, tx->bad_tails + 1);
		return false;
	}
	/* Another sender may have seen a later one: then the next look is here again */
	WRITE_ONCE(tx->tail, tail);
	return head - tail + need <= tx->slots;
}

/**
 * mk_ring_tx_room() - is there room for a message?
 * @tx: producer's side, of a ring that stays
 * @len: its length in bytes
 *
 * Return: true if the next mk_ring_push() of @len bytes will find room.
 */
bool mk_ring_tx_room(struct mk_ring_tx *tx, size_t len)
{
	return __mk_ring_tx_room(tx, tx->mem, mk_ring_slots(len));
}

/**
 * mk_ring_tx_wait() - ask for a doorbell when there is room
 * @tx: producer's side
 *
 * The caller must look with mk_ring_tx_room() once more afterwards.
 */
void mk_ring_tx_wait(struct mk_ring_tx *tx)
{
	/* To the next odd value */
	tx->waiting += 1 + (tx->waiting & 1);
	WRITE_ONCE(tx->mem->waiting, mk_ring_word(tx->epoch, tx->waiting));
	/* Ordering 5: pairs with mk_ring_wants_room() */
	virt_mb();
}

/**
 * mk_ring_tx_wake() - no doorbell, please: nobody waits for room
 * @tx: producer's side
 */
void mk_ring_tx_wake(struct mk_ring_tx *tx)
{
	if (tx->waiting & 1)
		WRITE_ONCE(tx->mem->waiting, mk_ring_word(tx->epoch, ++tx->waiting));
}

/* The slots that are not the first of their message: they count when that one does */
static void mk_ring_put_rest(struct mk_ring_mem *mem, u32 slots, u32 pos, u64 ctl,
			     const void *data, u32 len)
{
	u32 part;

	for (; len; len -= part, data += part) {
		struct mk_slot *slot = mk_ring_slot(mem, slots, pos++);

		part = min_t(u32, len, MK_SLOT_PAYLOAD);
		mk_slot_put(slot, data, part);
		WRITE_ONCE(slot->ctl, ctl);
	}
}

/**
 * mk_ring_push_slow() - mk_ring_push() of a message that is long, or finds no room
 * @tx: producer's side
 * @mem: the ring
 * @type: of the message, 15 bits
 * @data: payload
 * @len: its length in bytes
 *
 * Return: as mk_ring_push().
 */
int mk_ring_push_slow(struct mk_ring_tx *tx, struct mk_ring_mem *mem, u16 type,
		      const void *data, size_t len)
{
	u32 need = mk_ring_slots(min_t(size_t, len, MK_MSG_MAX + 1)), pos;
	struct mk_slot *slot;
	u64 ctl;

	if (len > MK_MSG_MAX || need > tx->slots)
		return -EMSGSIZE;
	while (!mk_ring_reserve(tx, need, &pos))
		if (!__mk_ring_tx_room(tx, mem, need))
			return -EAGAIN;
	ctl = mk_ring_ctl(tx->epoch, pos, type, len);
	slot = mk_ring_slot(mem, tx->slots, pos);
	if (len > MK_SLOT_PAYLOAD)
		mk_ring_put_rest(mem, tx->slots, pos + 1, ctl, data + MK_SLOT_PAYLOAD,
				 len - MK_SLOT_PAYLOAD);
	mk_slot_put(slot, data, min_t(u32, len, MK_SLOT_PAYLOAD));
	/* Ordering 1: pairs with mk_ring_next_ctl() */
	virt_store_release(&slot->ctl, ctl);
	return 0;
}

/**
 * mk_ring_push() - send a message
 * @tx: producer's side, of a ring that stays
 * @type: of the message, 15 bits
 * @data: payload
 * @len: its length in bytes
 *
 * Return: 0, -EMSGSIZE if @len is more than MK_MSG_MAX or than the ring holds,
 * -EAGAIN if there is no room now.
 */
int mk_ring_push(struct mk_ring_tx *tx, u16 type, const void *data, size_t len)
{
	if (mk_ring_try_push(tx, tx->mem, type, data, len))
		return 0;
	return mk_ring_push_slow(tx, tx->mem, type, data, len);
}

/* Ordered by the acquire of the first slot's control word, so all of them are there */
static void mk_ring_get_rest(struct mk_ring_rx *rx, u32 pos, void *to, u32 len)
{
	u32 part;

	for (; len; len -= part, to += part) {
		part = min_t(u32, len, MK_SLOT_PAYLOAD);
		mk_slot_get(mk_ring_slot(rx->mem, rx->slots, pos++), to, part);
	}
}

/**
 * mk_ring_pop_slow() - mk_ring_pop() of a message that is longer than a slot
 * @rx: consumer's side
 * @msg: where to put it; its type and length are there
 *
 * Return: false if it is too long, and has been dropped.
 */
bool mk_ring_pop_slow(struct mk_ring_rx *rx, struct mk_msg *msg)
{
	u32 need = mk_ring_slots(msg->len);

	if (msg->len > rx->max) {
		rx->tail += min(need, rx->slots);
		rx->bad++;
		return false;
	}
	msg->data = rx->buf;
	mk_ring_get_rest(rx, rx->tail, rx->buf, msg->len);
	rx->tail += need;
	return true;
}

/**
 * mk_ring_pop() - receive a message
 * @rx: consumer's side
 * @msg: where to put it; a message longer than a slot stays in the buffer of
 *       mk_ring_rx_buf() until the next call.  Undefined if there is none.
 *
 * A message that is too long is dropped and counted; at most two rings full of them
 * are skipped in one call, so that a peer which produces nothing else can't hold the
 * caller.
 *
 * Return: true if @msg has been filled.
 */
bool mk_ring_pop(struct mk_ring_rx *rx, struct mk_msg *msg)
{
	u32 start = rx->tail;

	do {
		u64 ctl = mk_ring_next_ctl(rx);

		if (!mk_ring_is_next(rx, ctl))
			return false;
		if (mk_ring_take(rx, ctl, msg)) {
			rx->popped++;
			rx->popped_bytes += msg->len;
			return true;
		}
	} while (rx->tail - start <= rx->slots);
	return false;
}
