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
 * - A slot counts as filled only if its control word states exactly the position
 *   that the consumer waits for.  A length that can't be drops the message.
 * - A tail counts only if it lies at most one ring behind the head and not before
 *   it, so the worst that a bad tail can do is to keep the producer waiting or to
 *   make it overwrite what the consumer itself said it had read.
 *
 * The functions neither sleep nor lock.  One caller at a time on each side.
 *
 * Memory ordering
 * ---------------
 *
 * 1. The producer writes the payload, then the control word with
 *    smp_store_release(); the consumer reads the control word with
 *    smp_load_acquire() in mk_ring_pop(), then the payload.
 * 2. The consumer copies the payload, then publishes the tail with
 *    smp_store_release() in mk_ring_publish(); the producer reads the tail with
 *    smp_load_acquire() in mk_ring_tx_room(), then overwrites the slot.
 * 3. The consumer stores armed, smp_mb() in mk_ring_arm(), looks once more for a
 *    message; the producer stores the control word, smp_mb() in
 *    mk_ring_wants_bell(), reads armed.  One of the two sees the other, so no
 *    message is left behind without a doorbell.
 * 4. The consumer publishes the tail, then stores armed with smp_store_release()
 *    in mk_ring_arm(); the producer reads armed with smp_load_acquire() in
 *    mk_ring_wants_bell(), then the tail.  So it knows of a message that was
 *    consumed before the consumer went to sleep, and does not spend on it the one
 *    doorbell of that sleep, which the next message will need.
 */

#include <linux/bitfield.h>
#include <linux/string.h>
#include <asm/barrier.h>

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
 * @tx: what to set up
 * @mem: the ring, zeroed before either side uses it
 * @slots: number of slots, a power of two
 */
void mk_ring_tx_init(struct mk_ring_tx *tx, void *mem, u32 slots)
{
	*tx = (struct mk_ring_tx){ .mem = mem, .slots = slots };
}

/**
 * mk_ring_rx_init() - set up the consumer's side
 * @rx: what to set up
 * @mem: the ring, zeroed before either side uses it
 * @slots: number of slots, a power of two
 */
void mk_ring_rx_init(struct mk_ring_rx *rx, void *mem, u32 slots)
{
	*rx = (struct mk_ring_rx){ .mem = mem, .slots = slots };
}

/**
 * mk_ring_tx_room() - is there room for a message?
 * @tx: producer's side
 *
 * Return: true if the next mk_ring_push() will find room.
 */
bool mk_ring_tx_room(struct mk_ring_tx *tx)
{
	u32 tail;

	if (tx->head - tx->tail < tx->slots)
		return true;

	/* Ordering 2: pairs with mk_ring_publish() */
	tail = smp_load_acquire(&tx->mem->tail);
	if (tx->head - tail > tx->slots) {
		tx->bad_tails++;
		return false;
	}
	tx->tail = tail;
	return tx->head - tail < tx->slots;
}

/**
 * mk_ring_push() - send a message
 * @tx: producer's side
 * @type: MK_MSG_*
 * @data: payload
 * @len: its length in bytes
 *
 * Return: 0, -EMSGSIZE if @len is more than a slot holds, -EAGAIN if the ring is
 * full.
 */
int mk_ring_push(struct mk_ring_tx *tx, u16 type, const void *data, size_t len)
{
	struct mk_slot *slot = &tx->mem->slot[tx->head & (tx->slots - 1)];

	if (len > MK_SLOT_PAYLOAD)
		return -EMSGSIZE;
	if (!mk_ring_tx_room(tx))
		return -EAGAIN;

	memcpy(slot->payload, data, len);
	tx->head++;
	/* Ordering 1: pairs with mk_ring_pop() */
	smp_store_release(&slot->ctl, FIELD_PREP(MK_CTL_SEQ, tx->head) |
				      FIELD_PREP(MK_CTL_TYPE, type) |
				      FIELD_PREP(MK_CTL_LEN, len));
	return 0;
}

/**
 * mk_ring_wants_bell() - must the consumer be woken?
 * @tx: producer's side
 *
 * To be called after mk_ring_push().  True once for each time that the consumer
 * goes to sleep with a message left.
 *
 * Return: true if the caller has to ring the consumer's doorbell.
 */
bool mk_ring_wants_bell(struct mk_ring_tx *tx)
{
	u32 armed;

	/* Ordering 3: pairs with mk_ring_arm() */
	smp_mb();
	/* Ordering 4: pairs with mk_ring_arm() */
	armed = smp_load_acquire(&tx->mem->armed);
	if (!(armed & 1) || armed == tx->rung)
		return false;
	if (READ_ONCE(tx->mem->tail) == tx->head)
		return false;
	tx->rung = armed;
	return true;
}

static u64 mk_ring_next_ctl(const struct mk_ring_rx *rx)
{
	/* Ordering 1: pairs with mk_ring_push() */
	return smp_load_acquire(&rx->mem->slot[rx->tail & (rx->slots - 1)].ctl);
}

/**
 * mk_ring_pending() - is there a message?
 * @rx: consumer's side
 *
 * Return: true if the next slot is filled.
 */
bool mk_ring_pending(const struct mk_ring_rx *rx)
{
	return FIELD_GET(MK_CTL_SEQ, mk_ring_next_ctl(rx)) == (u32)(rx->tail + 1);
}

/**
 * mk_ring_pop() - receive a message
 * @rx: consumer's side
 * @msg: where to copy it
 *
 * A message whose length can't be is dropped and counted; at most one ring full
 * of them is skipped in one call, so that a peer which produces nothing else
 * can't hold the caller.
 *
 * Return: true if @msg has been filled.
 */
bool mk_ring_pop(struct mk_ring_rx *rx, struct mk_msg *msg)
{
	u32 skipped;

	for (skipped = 0; skipped <= rx->slots; skipped++) {
		struct mk_slot *slot = &rx->mem->slot[rx->tail & (rx->slots - 1)];
		u64 ctl = mk_ring_next_ctl(rx);
		size_t len = FIELD_GET(MK_CTL_LEN, ctl);

		if (FIELD_GET(MK_CTL_SEQ, ctl) != (u32)(rx->tail + 1))
			return false;
		rx->tail++;
		if (len <= MK_SLOT_PAYLOAD) {
			msg->type = FIELD_GET(MK_CTL_TYPE, ctl);
			msg->len = len;
			memcpy(msg->payload, slot->payload, len);
			return true;
		}
		rx->bad++;
	}
	return false;
}

/**
 * mk_ring_publish() - let the producer reuse what has been read
 * @rx: consumer's side
 */
void mk_ring_publish(struct mk_ring_rx *rx)
{
	/* Ordering 2: pairs with mk_ring_tx_room() */
	smp_store_release(&rx->mem->tail, rx->tail);
}

/**
 * mk_ring_arm() - ask for a doorbell with the next message
 * @rx: consumer's side
 *
 * The caller must look with mk_ring_pending() once more afterwards.
 */
void mk_ring_arm(struct mk_ring_rx *rx)
{
	if (!(rx->armed & 1)) {
		/* Ordering 4: pairs with mk_ring_wants_bell() */
		smp_store_release(&rx->mem->armed, ++rx->armed);
	}
	/* Ordering 3: pairs with mk_ring_wants_bell() */
	smp_mb();
}

/**
 * mk_ring_disarm() - no doorbell, please: the consumer is awake
 * @rx: consumer's side
 */
void mk_ring_disarm(struct mk_ring_rx *rx)
{
	if (rx->armed & 1)
		WRITE_ONCE(rx->mem->armed, ++rx->armed);
}
