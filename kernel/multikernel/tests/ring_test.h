/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_RING_TEST_H
#define _MULTIKERNEL_RING_TEST_H

#include <kunit/test.h>
#include <linux/string.h>

#include "../ring.h"

/* Small, so that a few messages go round it */
#define RING_SLOTS		8
#define RING_BYTES		(sizeof(struct mk_ring_mem) + RING_SLOTS * sizeof(struct mk_slot))

/* What no message, no ring and no counter looks like by chance */
#define RING_CANARY		0xa5

/**
 * struct ring_area - a ring between two pieces of memory that nobody may touch
 * @before: canary
 * @mem: the ring
 * @after: canary
 */
struct ring_area {
	u8 before[RING_BYTES];
	u8 mem[RING_BYTES] __aligned(64);
	u8 after[RING_BYTES];
};

/**
 * struct ring_fix - a ring with both of its ends
 * @area: its memory
 * @mem: the ring in @area
 * @tx: producer's side
 * @rx: consumer's side
 */
struct ring_fix {
	struct ring_area *area;
	struct mk_ring_mem *mem;
	struct mk_ring_tx tx;
	struct mk_ring_rx rx;
};

/* A control word, put together without the code under test */
static inline u64 ring_ctl(u32 pos, u16 type, u8 len)
{
	return ((u64)(u32)(pos + 1) << 32) | ((u32)type << 16) | ((u32)len << 8);
}

static inline struct mk_slot *ring_slot(struct ring_fix *fix, u32 pos)
{
	return &fix->mem->slot[pos % RING_SLOTS];
}

/*
 * As if @start messages had gone through an otherwise new ring.
 */
static inline void ring_start_at(struct ring_fix *fix, u32 start)
{
	u32 i;

	memset(fix->area, RING_CANARY, sizeof(*fix->area));
	memset(fix->mem, 0, RING_BYTES);
	mk_ring_tx_init(&fix->tx, fix->mem, RING_SLOTS);
	mk_ring_rx_init(&fix->rx, fix->mem, RING_SLOTS);
	fix->tx.head = start;
	fix->tx.tail = start;
	fix->rx.tail = start;
	fix->mem->tail = start;
	for (i = 1; start && i <= RING_SLOTS; i++)
		ring_slot(fix, start - i)->ctl = ring_ctl(start - i, MK_MSG_NOP, 8);
}

static inline bool ring_canaries_ok(struct ring_fix *fix)
{
	return !memchr_inv(fix->area->before, RING_CANARY, RING_BYTES) &&
	       !memchr_inv(fix->area->after, RING_CANARY, RING_BYTES);
}

/* Field by field: the structure has a gap */
static inline bool ring_rx_same(const struct mk_ring_rx *a, const struct mk_ring_rx *b)
{
	return a->mem == b->mem && a->slots == b->slots && a->tail == b->tail &&
	       a->armed == b->armed && a->bad == b->bad;
}

static inline int ring_fix_init(struct kunit *test)
{
	struct ring_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	void *space = kunit_kzalloc(test, sizeof(*fix->area) + 64, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fix);
	KUNIT_ASSERT_NOT_NULL(test, space);
	fix->area = PTR_ALIGN(space, 64);
	fix->mem = (struct mk_ring_mem *)fix->area->mem;
	ring_start_at(fix, 0);
	test->priv = fix;
	return 0;
}

#endif /* _MULTIKERNEL_RING_TEST_H */
