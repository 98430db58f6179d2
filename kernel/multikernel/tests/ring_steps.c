// SPDX-License-Identifier: GPL-2.0
/*
 * ring.c compiled once more, with a step before each access to memory that both
 * sides see: there a peer can be let in, or the one who is at work can die.
 *
 * Each function of ring.h is here by another name; a new one has to be added to the
 * list below and to ring_steps.h.
 */

#include <linux/bitfield.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/string.h>
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
#define mk_ring_rx_buf		step_mk_ring_rx_buf
#define mk_ring_push		step_mk_ring_push
#define mk_ring_tx_room		step_mk_ring_tx_room
#define mk_ring_wants_bell	step_mk_ring_wants_bell
#define mk_ring_pop		step_mk_ring_pop
#define mk_ring_pending		step_mk_ring_pending
#define mk_ring_publish		step_mk_ring_publish
#define mk_ring_arm		step_mk_ring_arm
#define mk_ring_disarm		step_mk_ring_disarm
#define mk_ring_tx_wait		step_mk_ring_tx_wait
#define mk_ring_tx_wake		step_mk_ring_tx_wake
#define mk_ring_wants_room	step_mk_ring_wants_room

/* virt_load_acquire() and virt_store_release() are made of these */
#undef READ_ONCE
#define READ_ONCE(x)		({ ring_step(); __READ_ONCE(x); })
#undef WRITE_ONCE
#define WRITE_ONCE(x, value)	do { ring_step(); __WRITE_ONCE(x, value); } while (0)
#undef memcpy
#define memcpy(to, from, len)	ring_step_copy((u8 *)(to), (const u8 *)(from), len)

#include "../ring.c"
