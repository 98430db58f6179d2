// SPDX-License-Identifier: GPL-2.0
/*
 * ring.c compiled once more, with a step before each access to memory that both
 * sides see: there a peer can be let in, or the one who is at work can die.
 *
 * Each function of ring.h is here by another name; a new one has to be added to the
 * lists below and to ring_steps.h.
 */

#include <linux/bitfield.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <asm/barrier.h>

#include "ring_steps.h"

struct ring_steps ring_steps;

/**
 * ring_step() - an access comes next
 */
void ring_step(void)
{
	unsigned long count = ring_steps.count++;

	if (ring_steps.hook)
		ring_steps.hook(ring_steps.arg, count);
}

/* A word is what an x86 CPU writes at once */
static void ring_step_copy(u8 *to, const u8 *from, size_t len)
{
	size_t part;

	for (; len; len -= part, to += part, from += part) {
		part = min(len, sizeof(u64));
		ring_step();
		memcpy(to, from, part);
	}
}

#define mk_ring_size		step_mk_ring_size
#define mk_ring_tx_init		step_mk_ring_tx_init
#define mk_ring_rx_init		step_mk_ring_rx_init
#define mk_ring_tx_resume	step_mk_ring_tx_resume
#define mk_ring_rx_resume	step_mk_ring_rx_resume
#define mk_ring_rx_buf		step_mk_ring_rx_buf
#define mk_ring_push		step_mk_ring_push
#define mk_ring_tx_room		step_mk_ring_tx_room
#define mk_ring_pop		step_mk_ring_pop
#define mk_ring_tx_wait		step_mk_ring_tx_wait
#define mk_ring_tx_wake		step_mk_ring_tx_wake
#define mk_ring_push_slow	step_mk_ring_push_slow
#define mk_ring_pop_slow	step_mk_ring_pop_slow

/* Those that ring.h has inline */
#define mk_ring_word		inline_mk_ring_word
#define mk_ring_slot		inline_mk_ring_slot
#define mk_ring_stamp		inline_mk_ring_stamp
#define mk_ring_ctl		inline_mk_ring_ctl
#define mk_ring_slots		inline_mk_ring_slots
#define mk_slot_put		inline_mk_slot_put
#define mk_slot_get		inline_mk_slot_get
#define mk_ring_tx_mem		inline_mk_ring_tx_mem
#define mk_ring_reserve		inline_mk_ring_reserve
#define mk_ring_try_push	inline_mk_ring_try_push
#define mk_ring_armed		inline_mk_ring_armed
#define __mk_ring_wants_bell	inline___mk_ring_wants_bell
#define mk_slot_put_words	inline_mk_slot_put_words
#define mk_slot_get_words	inline_mk_slot_get_words
#define mk_ring_take		inline_mk_ring_take
#define mk_ring_next_ctl	inline_mk_ring_next_ctl
#define mk_ring_is_next		inline_mk_ring_is_next
#define mk_ring_wants_bell	inline_mk_ring_wants_bell
#define mk_ring_pending		inline_mk_ring_pending
#define mk_ring_publish		inline_mk_ring_publish
#define mk_ring_arm		inline_mk_ring_arm
#define mk_ring_disarm		inline_mk_ring_disarm
#define mk_ring_wants_room	inline_mk_ring_wants_room
#define __mk_ring_wants_room	inline___mk_ring_wants_room

/* virt_load_acquire() and virt_store_release() are made of these */
#undef READ_ONCE
#define READ_ONCE(x)		({ ring_step(); __READ_ONCE(x); })
#undef WRITE_ONCE
#define WRITE_ONCE(x, value)	do { ring_step(); __WRITE_ONCE(x, value); } while (0)
#undef memcpy
#define memcpy(to, from, len)	ring_step_copy((u8 *)(to), (const u8 *)(from), len)

#undef _MULTIKERNEL_RING_FAST_H
#include "../ring_fast.h"
#include "../ring.c"

bool step_mk_ring_wants_bell(struct mk_ring_tx *tx)
{
	return mk_ring_wants_bell(tx);
}

bool step_mk_ring_pending(const struct mk_ring_rx *rx)
{
	return mk_ring_pending(rx);
}

void step_mk_ring_publish(struct mk_ring_rx *rx)
{
	mk_ring_publish(rx);
}

void step_mk_ring_arm(struct mk_ring_rx *rx)
{
	mk_ring_arm(rx);
}

void step_mk_ring_disarm(struct mk_ring_rx *rx)
{
	mk_ring_disarm(rx);
}

bool step_mk_ring_wants_room(struct mk_ring_rx *rx)
{
	return mk_ring_wants_room(rx);
}
