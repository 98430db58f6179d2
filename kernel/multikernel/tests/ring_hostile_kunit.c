// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of ring.c against a peer that keeps to no rule: it scribbles over every
 * word of the ring between two calls.  What each call does is foretold from a copy
 * of the memory; what it may change is compared byte by byte.  ring_race_kunit.c has
 * a peer that does so during the calls.
 */

#include <kunit/test.h>

#include "fuzz.h"
#include "ring_test.h"

enum hostile_class {
	HOSTILE_NOTHING,
	HOSTILE_SHORT,
	HOSTILE_LONG,
	HOSTILE_BAD_LEN,
	HOSTILE_SENT,
	HOSTILE_SENT_LONG,
	HOSTILE_TOO_LONG,
	HOSTILE_ROOM,
	HOSTILE_FULL,
	HOSTILE_OLD_TAIL,
	HOSTILE_BAD_TAIL,
	HOSTILE_BELL,
	HOSTILE_NO_BELL,
	HOSTILE_OWN_WORD,
	HOSTILE_NR
};

static const char * const hostile_names[HOSTILE_NR] = {
	[HOSTILE_NOTHING]	= "nothing there",
	[HOSTILE_SHORT]		= "delivered",
	[HOSTILE_LONG]		= "delivered long",
	[HOSTILE_BAD_LEN]	= "dropped for its length",
	[HOSTILE_SENT]		= "sent",
	[HOSTILE_SENT_LONG]	= "sent long",
	[HOSTILE_TOO_LONG]	= "too long",
	[HOSTILE_ROOM]		= "room",
	[HOSTILE_FULL]		= "no room",
	[HOSTILE_OLD_TAIL]	= "tail of another epoch",
	[HOSTILE_BAD_TAIL]	= "bad tail",
	[HOSTILE_BELL]		= "bell",
	[HOSTILE_NO_BELL]	= "no bell",
	[HOSTILE_OWN_WORD]	= "own word",
};

/**
 * struct hostile_fix - a ring, and what it was before the call
 * @ring: the ring
 * @fuzz: what the peer does next, and what came of it
 * @mem: the memory before the call, then as it should be after it
 * @was: the same as a ring
 * @data: payload of a message
 */
struct hostile_fix {
	struct ring_fix *ring;
	struct fuzz fuzz;
	union {
		u8 mem[RING_BYTES];
		struct mk_ring_mem was;
	};
	u8 data[RING_MAX];
};

static int hostile_init(struct kunit *test)
{
	struct hostile_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fix);
	ring_fix_init(test);
	fix->ring = test->priv;
	test->priv = fix;
	return 0;
}

#define CTL_KEY(ctl)	((ctl) >> 32)
#define CTL_TYPE(ctl)	(((ctl) >> 17) & 0x7fff)
#define CTL_LEN(ctl)	((ctl) & 0x1ffff)

static bool hostile_is_next(const struct mk_ring_mem *was, u32 pos)
{
	return CTL_KEY(was->slot[pos % RING_SLOTS].ctl) == CTL_KEY(ring_ctl(pos, 0, 0));
}

/* Puts together what lies at @pos; false if it is too long */
static bool hostile_foretell_msg(const struct mk_ring_mem *was, u32 pos, u16 *type,
				 u32 *len, u8 *data)
{
	u64 ctl = was->slot[pos % RING_SLOTS].ctl;
	u32 i;

	*type = CTL_TYPE(ctl);
	*len = CTL_LEN(ctl);
	if (*len > RING_MAX)
		return false;
	for (i = 0; i < ring_slots_of(*len); i++)
		memcpy(data + i * MK_SLOT_PAYLOAD, was->slot[(pos + i) % RING_SLOTS].payload,
		       min_t(u32, *len - i * MK_SLOT_PAYLOAD, MK_SLOT_PAYLOAD));
	return true;
}

/* What mk_ring_pop() must do, read from the copy; in @class how it begins */
static bool hostile_foretell_pop(const struct mk_ring_mem *was, struct mk_ring_rx *rx,
				 u16 *type, u32 *len, u8 *data, enum hostile_class *class)
{
	unsigned int i;

	*class = HOSTILE_NOTHING;
	/* What is too long is as long as the ring */
	for (i = 0; i < 2; i++) {
		if (!hostile_is_next(was, rx->tail))
			return false;
		if (hostile_foretell_msg(was, rx->tail, type, len, data)) {
			if (!i)
				*class = *len > MK_SLOT_PAYLOAD ? HOSTILE_LONG : HOSTILE_SHORT;
			rx->tail += ring_slots_of(*len);
			return true;
		}
		*class = HOSTILE_BAD_LEN;
		rx->tail += RING_SLOTS;
		rx->bad++;
	}
	return false;
}

static void hostile_pop(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_rx *rx = &fix->ring->rx, want_rx = *rx;
	enum hostile_class class;
	struct mk_msg msg;
	bool ret;
	u16 type;
	u32 len;

	memset(&msg, RING_CANARY, sizeof(msg));
	KUNIT_ASSERT_EQ(test, mk_ring_pending(rx), hostile_is_next(&fix->was, rx->tail));
	ret = hostile_foretell_pop(&fix->was, &want_rx, &type, &len, fix->data, &class);
	fuzz_is(&fix->fuzz, class);
	KUNIT_ASSERT_EQ(test, mk_ring_pop(rx, &msg), ret);
	KUNIT_ASSERT_TRUE(test, ring_rx_same(rx, &want_rx));
	if (!ret)
		return;
	KUNIT_ASSERT_EQ(test, msg.type, type);
	KUNIT_ASSERT_EQ(test, msg.len, len);
	KUNIT_ASSERT_PTR_EQ(test, msg.data, len > MK_SLOT_PAYLOAD ? rx->buf : msg.payload);
	KUNIT_ASSERT_MEMEQ(test, msg.data, fix->data, len);
}

/* What mk_ring_tx_room() must do, read from the copy */
static bool hostile_foretell_room(const struct mk_ring_mem *was, struct mk_ring_tx *tx,
				  size_t len, enum hostile_class *class)
{
	u32 need = ring_slots_of(len), tail = was->tail;

	*class = HOSTILE_ROOM;
	if (tx->head - tx->tail + need <= RING_SLOTS)
		return true;
	*class = HOSTILE_OLD_TAIL;
	if (was->tail >> 32 != RING_EPOCH)
		return false;
	*class = HOSTILE_BAD_TAIL;
	if (tail - tx->tail > tx->head - tx->tail) {
		tx->bad_tails++;
		return false;
	}
	tx->tail = tail;
	*class = tx->head - tx->tail + need <= RING_SLOTS ? HOSTILE_ROOM : HOSTILE_FULL;
	return *class == HOSTILE_ROOM;
}

/* The slots of a message as they must lie there */
static void hostile_foretell_push(struct hostile_fix *fix, struct mk_ring_tx *tx, u16 type,
				  size_t len)
{
	u64 ctl = ring_ctl(tx->head, type, len);
	u32 i;

	for (i = 0; i < ring_slots_of(len); i++, tx->head++) {
		struct mk_slot *slot = &fix->was.slot[tx->head % RING_SLOTS];

		memcpy(slot->payload, fix->data + i * MK_SLOT_PAYLOAD,
		       min_t(size_t, len - i * MK_SLOT_PAYLOAD, MK_SLOT_PAYLOAD));
		slot->ctl = ctl;
	}
}

static void hostile_push(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx, want = *tx;
	u32 bits = fuzz_u32(&fix->fuzz);
	size_t len = bits % (bits >> 29 ? 128 : RING_MAX + 20);
	enum hostile_class class = HOSTILE_TOO_LONG;
	u16 type = (bits >> 16) & 0x3fff;
	int ret = 0;

	prandom_bytes_state(&fix->fuzz.rnd, fix->data, min(len, RING_MAX));
	if (len > RING_MAX)
		ret = -EMSGSIZE;
	else if (!hostile_foretell_room(&fix->was, &want, len, &class))
		ret = -EAGAIN;
	if (!ret) {
		hostile_foretell_push(fix, &want, type, len);
		class = len > MK_SLOT_PAYLOAD ? HOSTILE_SENT_LONG : HOSTILE_SENT;
	}
	fuzz_is(&fix->fuzz, class);
	KUNIT_ASSERT_EQ(test, mk_ring_push(tx, type, fix->data, len), ret);
	KUNIT_ASSERT_MEMEQ(test, tx, &want, sizeof(want));
}

static void hostile_room(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx, want = *tx;
	size_t len = fuzz_below(&fix->fuzz, RING_MAX);
	enum hostile_class class;
	bool room = hostile_foretell_room(&fix->was, &want, len, &class);

	fuzz_is(&fix->fuzz, class);
	KUNIT_ASSERT_EQ(test, mk_ring_tx_room(tx, len), room);
	KUNIT_ASSERT_MEMEQ(test, tx, &want, sizeof(want));
}

static void hostile_bell(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx, want = *tx;
	u32 armed = fix->was.armed;
	bool bell = armed % 2 && armed != want.rung &&
		    fix->was.armed >> 32 == RING_EPOCH &&
		    fix->was.tail != ring_word(want.head);

	if (bell)
		want.rung = armed;
	fuzz_is(&fix->fuzz, bell ? HOSTILE_BELL : HOSTILE_NO_BELL);
	KUNIT_ASSERT_EQ(test, mk_ring_wants_bell(tx), bell);
	KUNIT_ASSERT_FALSE(test, mk_ring_wants_bell(tx));
	KUNIT_ASSERT_MEMEQ(test, tx, &want, sizeof(want));
}

static void hostile_publish(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_rx *rx = &fix->ring->rx, want = *rx;

	fuzz_is(&fix->fuzz, HOSTILE_OWN_WORD);
	mk_ring_publish(rx);
	fix->was.tail = ring_word(want.tail);
	want.published = want.tail;
	KUNIT_ASSERT_TRUE(test, ring_rx_same(rx, &want));
}

static void hostile_wants_room(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_rx *rx = &fix->ring->rx, want = *rx;
	u32 waiting = fix->was.waiting;
	bool bell = waiting % 2 && waiting != want.rung &&
		    fix->was.waiting >> 32 == RING_EPOCH;

	if (bell)
		want.rung = waiting;
	fuzz_is(&fix->fuzz, bell ? HOSTILE_BELL : HOSTILE_NO_BELL);
	KUNIT_ASSERT_EQ(test, mk_ring_wants_room(rx), bell);
	KUNIT_ASSERT_FALSE(test, mk_ring_wants_room(rx));
	KUNIT_ASSERT_TRUE(test, ring_rx_same(rx, &want));
}

/* The count goes on from the private one, whatever stands in the ring */
static void hostile_wait(struct kunit *test, bool wait)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx, want = *tx;

	if (wait)
		want.waiting += want.waiting % 2 ? 2 : 1;
	else
		want.waiting += want.waiting % 2;
	if (want.waiting != tx->waiting)
		fix->was.waiting = ring_word(want.waiting);
	fuzz_is(&fix->fuzz, HOSTILE_OWN_WORD);
	if (wait)
		mk_ring_tx_wait(tx);
	else
		mk_ring_tx_wake(tx);
	KUNIT_ASSERT_MEMEQ(test, tx, &want, sizeof(want));
}

/* The count goes on from the private one, whatever stands in the ring */
static void hostile_arm(struct kunit *test, bool arm)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_rx *rx = &fix->ring->rx, want = *rx;

	if (arm)
		want.armed += want.armed % 2 ? 2 : 1;
	else
		want.armed += want.armed % 2;
	if (want.armed != rx->armed)
		fix->was.armed = ring_word(want.armed);
	fuzz_is(&fix->fuzz, HOSTILE_OWN_WORD);
	if (arm)
		mk_ring_arm(rx);
	else
		mk_ring_disarm(rx);
	KUNIT_ASSERT_TRUE(test, ring_rx_same(rx, &want));
}

static void hostile_call(struct kunit *test, u32 what)
{
	switch (what % 10) {
	case 0:
	case 1:
		return hostile_pop(test);
	case 2:
	case 3:
		return hostile_push(test);
	case 4:
		return hostile_room(test);
	case 5:
		return hostile_bell(test);
	case 6:
		return hostile_publish(test);
	case 7:
		return hostile_wants_room(test);
	case 8:
		return hostile_wait(test, what & 16);
	default:
		return hostile_arm(test, what & 16);
	}
}

/* Scribble, call, compare; from many places in the stream */
static void hostile_test_between(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct ring_fix *ring = fix->ring;
	struct fuzz *fuzz = &fix->fuzz;
	unsigned long i, n;

	fuzz_begin(fuzz, test, hostile_names, HOSTILE_NR, 1);
	for (i = 0; i < fuzz->cases; i++) {
		if (!(i % 500)) {
			ring_start_at(ring, i % 1000 ? U32_MAX - i / 500 : i);
			cond_resched();
		}
		for (n = fuzz_below(fuzz, 12); n; n--)
			ring_scribble(ring, &fuzz->rnd);
		if (!fuzz_below(fuzz, 64))
			prandom_bytes_state(&fuzz->rnd, ring->mem, RING_BYTES);
		memcpy(fix->mem, ring->mem, RING_BYTES);
		hostile_call(test, fuzz_u32(fuzz));
		KUNIT_ASSERT_MEMEQ(test, ring->mem, fix->mem, RING_BYTES);
		KUNIT_ASSERT_PTR_EQ(test, ring->rx.mem, ring->mem);
		if (i % 500 == 499)
			KUNIT_ASSERT_TRUE(test, ring_canaries_ok(ring));
	}
	fuzz_end(fuzz);
}

static struct kunit_case hostile_cases[] = {
	KUNIT_CASE_SLOW(hostile_test_between),
	{}
};

static struct kunit_suite hostile_suite = {
	.name = "mk_ring_hostile",
	.init = hostile_init,
	.test_cases = hostile_cases,
};

kunit_test_suite(hostile_suite);
