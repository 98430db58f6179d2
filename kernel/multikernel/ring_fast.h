/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of ring.c that is on the way of each message; for ring.h alone, and for
 * tests that compile it in another way.
 */
#ifndef _MULTIKERNEL_RING_FAST_H
#define _MULTIKERNEL_RING_FAST_H

#include <linux/atomic.h>
#include <linux/bitfield.h>
#include <linux/build_bug.h>
#include <linux/math.h>
#include <linux/unaligned.h>
#include <asm/barrier.h>

int mk_ring_push_slow(struct mk_ring_tx *tx, struct mk_ring_mem *mem, u16 type,
		      const void *data, size_t len);
bool mk_ring_pop_slow(struct mk_ring_rx *rx, struct mk_msg *msg);

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

static inline u64 mk_ring_ctl(u32 epoch, u32 pos, u16 type, u32 len)
{
	return FIELD_PREP(MK_CTL_STAMP, mk_ring_stamp(epoch, pos)) |
	       FIELD_PREP(MK_CTL_TYPE, type) | len;
}

/* A message without payload takes a slot, too */
static inline u32 mk_ring_slots(size_t len)
{
	return len <= MK_SLOT_PAYLOAD ? 1 : DIV_ROUND_UP(len, MK_SLOT_PAYLOAD);
}

/* Words of a message: each is read once, whatever the other side does meanwhile */
static __always_inline u64 *mk_slot_put_words(u64 *to, const void *from, u32 n)
{
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < n; i++)
		WRITE_ONCE(to[i], get_unaligned((u64 *)from + i));
	return to + n;
}

static __always_inline void *mk_slot_get_words(void *to, const u64 *from, u32 n)
{
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < n; i++)
		put_unaligned(READ_ONCE(from[i]), (u64 *)to + i);
	return to + n * sizeof(u64);
}

/*
 * The bits of the length say which pieces there are.  A loop would cost as much as
 * the message does, and a string instruction more to start.
 */
static __always_inline void mk_slot_put(struct mk_slot *slot, const void *data, u32 len)
{
	const void *end = data + len;
	u64 *to = (u64 *)slot->payload;

	BUILD_BUG_ON(MK_SLOT_PAYLOAD >= 128);
	if (len & 64)
		to = mk_slot_put_words(to, data, 8);
	if (!(len & 63))
		return;
	if (len & 32)
		to = mk_slot_put_words(to, end - (len & 63), 4);
	if (len & 16)
		to = mk_slot_put_words(to, end - (len & 31), 2);
	if (len & 8)
		to = mk_slot_put_words(to, end - (len & 15), 1);
	if (unlikely(len & 7))
		memcpy(to, end - (len & 7), len & 7);
}

static __always_inline void mk_slot_get(const struct mk_slot *slot, void *data, u32 len)
{
	const u64 *from = (const u64 *)slot->payload;

	if (len & 64)
		data = mk_slot_get_words(data, from, 8);
	if (!(len & 63))
		return;
	if (len & 32)
		data = mk_slot_get_words(data, from + (len & 64) / 8, 4);
	if (len & 16)
		data = mk_slot_get_words(data, from + (len & 96) / 8, 2);
	if (len & 8)
		data = mk_slot_get_words(data, from + (len & 112) / 8, 1);
	if (unlikely(len & 7)) {
		u64 last = READ_ONCE(from[len / 8]);

		memcpy(data, &last, len & 7);
	}
}

/**
 * mk_ring_tx_mem() - the ring, for one who sends
 * @tx: producer's side
 *
 * Context: any; the caller is not preempted as long as it uses the result.
 * Return: the ring, or NULL if there is none.
 */
static inline struct mk_ring_mem *mk_ring_tx_mem(const struct mk_ring_tx *tx)
{
	/* Pairs with mk_ring_tx_init() */
	return smp_load_acquire(&tx->mem);
}

/* Makes @need slots ours; false if they are not free, as far as we know */
static __always_inline bool mk_ring_reserve(struct mk_ring_tx *tx, u32 need, u32 *pos)
{
	u32 head = READ_ONCE(tx->head);

	do {
		if (unlikely(head - READ_ONCE(tx->tail) + need > tx->slots))
			return false;
	} while (unlikely(!try_cmpxchg(&tx->head, &head, head + need)));
	*pos = head;
	return true;
}

/*
 * The way of most messages, for one who has read mk_ring_tx_mem().  It calls nothing,
 * so that a caller which does not either need not save registers.  False if it takes
 * mk_ring_push_slow() to find out.
 */
static __always_inline bool mk_ring_try_push(struct mk_ring_tx *tx, struct mk_ring_mem *mem,
					     u16 type, const void *data, size_t len)
{
	struct mk_slot *slot;
	u32 pos;

	if (unlikely(len > MK_SLOT_PAYLOAD || !mk_ring_reserve(tx, 1, &pos)))
		return false;
	slot = mk_ring_slot(mem, tx->slots, pos);
	mk_slot_put(slot, data, len);
	/* Ordering 1: pairs with mk_ring_next_ctl() */
	virt_store_release(&slot->ctl, mk_ring_ctl(tx->epoch, pos, type, len));
	return true;
}

/* What mk_ring_mem.armed is after a message has been sent: see mk_ring_wants_bell() */
static __always_inline u64 mk_ring_armed(struct mk_ring_mem *mem)
{
	/* Orderings 3 and 6: pairs with mk_ring_arm() and mk_link_aim() */
	virt_mb();
	/* Ordering 4: pairs with mk_ring_arm() */
	return virt_load_acquire(&mem->armed);
}

/* mk_ring_wants_bell(), for one who has read mk_ring_tx_mem() and mk_ring_armed() */
static __always_inline bool __mk_ring_wants_bell(struct mk_ring_tx *tx,
						 struct mk_ring_mem *mem, u64 armed)
{
	u32 value = FIELD_GET(MK_WORD_VALUE, armed), rung = READ_ONCE(tx->rung);

	if (!(armed & 1) || FIELD_GET(MK_WORD_EPOCH, armed) != tx->epoch || value == rung)
		return false;
	if (READ_ONCE(mem->tail) == mk_ring_word(tx->epoch, READ_ONCE(tx->head)))
		return false;
	/* One of those who see this rings */
	return try_cmpxchg(&tx->rung, &rung, value);
}

/**
 * mk_ring_wants_bell() - must the consumer be woken?
 * @tx: producer's side, of a ring that stays
 *
 * To be called after mk_ring_push().  True once for each time that the consumer
 * goes to sleep with a message left.
 *
 * Return: true if the caller has to ring the consumer's doorbell.
 */
static inline bool mk_ring_wants_bell(struct mk_ring_tx *tx)
{
	return __mk_ring_wants_bell(tx, tx->mem, mk_ring_armed(tx->mem));
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

/* The message whose control word this is; false if it is too long, and is dropped */
static __always_inline bool mk_ring_take(struct mk_ring_rx *rx, u64 ctl, struct mk_msg *msg)
{
	u32 len = FIELD_GET(MK_CTL_LEN, ctl);

	msg->type = FIELD_GET(MK_CTL_TYPE, ctl);
	msg->len = len;
	if (unlikely(len > MK_SLOT_PAYLOAD))
		return mk_ring_pop_slow(rx, msg);
	msg->data = msg->payload;
	mk_slot_get(mk_ring_slot(rx->mem, rx->slots, rx->tail), msg->payload, len);
	rx->tail++;
	return true;
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
 * Anew each time, also if the last one has not been rung yet.  The caller must look
 * with mk_ring_pending() once more afterwards.
 */
static inline void mk_ring_arm(struct mk_ring_rx *rx)
{
	/* The next odd value */
	rx->armed = (rx->armed + 1) | 1;
	/* Ordering 4: pairs with mk_ring_wants_bell() */
	virt_store_release(&rx->mem->armed, mk_ring_word(rx->epoch, rx->armed));
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
