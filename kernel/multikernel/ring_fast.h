/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of ring.c that is on the way of each message; for ring.h alone, and for
 * tests that compile it in another way.
 */
#ifndef _MULTIKERNEL_RING_FAST_H
#define _MULTIKERNEL_RING_FAST_H

#include <linux/bitfield.h>
#include <asm/barrier.h>

static inline u64 mk_ring_word(u32 epoch, u32 value)
{
	return ((u64)epoch << 32) | value;
}

static inline struct mk_slot *mk_ring_slot(struct mk_ring_mem *mem, u32 slots, u32 pos)
{
	return &mem->slot[pos & (slots - 1)];
}

/* What the control word of the slot at @pos states, whatever lies in it: its upper half */
static inline u32 mk_ring_stamp(u32 epoch, u32 pos)
{
	return (pos + 1) << 8 | (u8)epoch;
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
static inline bool mk_ring_wants_bell(struct mk_ring_tx *tx)
{
	u64 armed, tail;

	/* Orderings 3 and 6: pairs with mk_ring_arm() and mk_link_aim() */
	virt_mb();
	/* Ordering 4: pairs with mk_ring_arm() */
	armed = virt_load_acquire(&tx->mem->armed);
	if (likely(!(armed & 1)) || FIELD_GET(MK_WORD_EPOCH, armed) != tx->epoch ||
	    FIELD_GET(MK_WORD_VALUE, armed) == tx->rung)
		return false;
	tail = READ_ONCE(tx->mem->tail);
	if (tail == mk_ring_word(tx->epoch, tx->head))
		return false;
	tx->rung = FIELD_GET(MK_WORD_VALUE, armed);
	return true;
}

static inline u64 mk_ring_next_ctl(const struct mk_ring_rx *rx)
{
	/* Ordering 1: pairs with mk_ring_push() */
	return virt_load_acquire(&mk_ring_slot(rx->mem, rx->slots, rx->tail)->ctl);
}

static inline bool mk_ring_is_next(const struct mk_ring_rx *rx, u64 ctl)
{
	return FIELD_GET(MK_CTL_STAMP, ctl) == mk_ring_stamp(rx->epoch, rx->tail);
}

/**
 * mk_ring_pending() - is there a message?
 * @rx: consumer's side
 *
 * Return: true if the next slot is filled.
 */
static inline bool mk_ring_pending(const struct mk_ring_rx *rx)
{
	return mk_ring_is_next(rx, mk_ring_next_ctl(rx));
}

/**
 * mk_ring_publish() - let the producer reuse what has been read
 * @rx: consumer's side
 */
static inline void mk_ring_publish(struct mk_ring_rx *rx)
{
	/* Ordering 2: pairs with mk_ring_tx_room() */
	virt_store_release(&rx->mem->tail, mk_ring_word(rx->epoch, rx->tail));
	rx->published = rx->tail;
}

/* After a full barrier that comes after mk_ring_publish(), as mk_ring_arm() has one */
static inline bool __mk_ring_wants_room(struct mk_ring_rx *rx)
{
	u64 waiting = READ_ONCE(rx->mem->waiting);

	if (likely(!(waiting & 1)) || FIELD_GET(MK_WORD_EPOCH, waiting) != rx->epoch ||
	    FIELD_GET(MK_WORD_VALUE, waiting) == rx->rung)
		return false;
	rx->rung = FIELD_GET(MK_WORD_VALUE, waiting);
	return true;
}

/**
 * mk_ring_wants_room() - does the producer sleep until there is room?
 * @rx: consumer's side
 *
 * To be called after mk_ring_publish().  True once for each mk_ring_tx_wait() of
 * the producer.
 *
 * Return: true if the caller has to ring the producer's doorbell.
 */
static inline bool mk_ring_wants_room(struct mk_ring_rx *rx)
{
	/* Orderings 5 and 6: pairs with mk_ring_tx_wait() and mk_link_aim() */
	virt_mb();
	return __mk_ring_wants_room(rx);
}

/**
 * mk_ring_arm() - ask for a doorbell with the next message
 * @rx: consumer's side
 *
 * The caller must look with mk_ring_pending() once more afterwards.
 */
static inline void mk_ring_arm(struct mk_ring_rx *rx)
{
	if (!(rx->armed & 1)) {
		u64 armed = mk_ring_word(rx->epoch, ++rx->armed);

		/* Ordering 4: pairs with mk_ring_wants_bell() */
		virt_store_release(&rx->mem->armed, armed);
	}
	/* Ordering 3: pairs with mk_ring_wants_bell(); ordering 5: with mk_ring_tx_wait() */
	virt_mb();
}

/**
 * mk_ring_disarm() - no doorbell, please: the consumer is awake
 * @rx: consumer's side
 */
static inline void mk_ring_disarm(struct mk_ring_rx *rx)
{
	if (rx->armed & 1)
		WRITE_ONCE(rx->mem->armed, mk_ring_word(rx->epoch, ++rx->armed));
}

#endif /* _MULTIKERNEL_RING_FAST_H */
