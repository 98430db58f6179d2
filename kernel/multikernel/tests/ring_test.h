/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_RING_TEST_H
#define _MULTIKERNEL_RING_TEST_H

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/string.h>

#include "../ring.h"

/* Small, so that a few messages go round it */
#define RING_SLOTS		8
#define RING_BYTES		(sizeof(struct mk_ring_mem) + RING_SLOTS * sizeof(struct mk_slot))

/* The longest message that fits */
#define RING_MAX		(RING_SLOTS * MK_SLOT_PAYLOAD)

/* More than the eight bits that a control word has for it */
#define RING_EPOCH		0x00012345

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
 * @buf: for long messages, and a canary
 */
struct ring_fix {
	struct ring_area *area;
	struct mk_ring_mem *mem;
	struct mk_ring_tx tx;
	struct mk_ring_rx rx;
	u8 buf[RING_MAX + 64];
};

/* A control word, put together without the code under test */
static inline u64 ring_ctl(u32 pos, u16 type, u32 len)
{
	return ((u64)((pos + 1) & 0xffffff) << 40) | ((u64)(RING_EPOCH & 0xff) << 32) |
	       ((u32)(type & 0x7fff) << 17) | (len & 0x1ffff);
}

/* A tail, or what says whether somebody sleeps */
static inline u64 ring_word(u32 value)
{
	return ((u64)RING_EPOCH << 32) | value;
}

static inline u32 ring_slots_of(size_t len)
{
	return len ? (len + 119) / 120 : 1;
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
	memset(fix->buf, RING_CANARY, sizeof(fix->buf));
	mk_ring_tx_init(&fix->tx, fix->mem, RING_SLOTS, RING_EPOCH);
	mk_ring_rx_init(&fix->rx, fix->mem, RING_SLOTS, RING_EPOCH);
	mk_ring_rx_buf(&fix->rx, fix->buf, RING_MAX);
	fix->tx.head = start;
	fix->tx.tail = start;
	fix->rx.tail = start;
	fix->rx.published = start;
	fix->mem->tail = ring_word(start);
	for (i = 1; start && i <= RING_SLOTS; i++)
		ring_slot(fix, start - i)->ctl = ring_ctl(start - i, 2, 8);
}

static inline bool ring_canaries_ok(struct ring_fix *fix)
{
	return !memchr_inv(fix->area->before, RING_CANARY, RING_BYTES) &&
	       !memchr_inv(fix->area->after, RING_CANARY, RING_BYTES) &&
	       !memchr_inv(fix->buf + RING_MAX, RING_CANARY, 64);
}

/* Field by field: the structure has a gap */
static inline bool ring_rx_same(const struct mk_ring_rx *a, const struct mk_ring_rx *b)
{
	return a->mem == b->mem && a->slots == b->slots && a->tail == b->tail &&
	       a->epoch == b->epoch && a->published == b->published &&
	       a->rung == b->rung && a->max == b->max && a->buf == b->buf &&
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

/* ring_scribble.c: a peer that keeps to no rule */
void ring_scribble(struct ring_fix *fix, struct rnd_state *rnd);

#endif /* _MULTIKERNEL_RING_TEST_H */
