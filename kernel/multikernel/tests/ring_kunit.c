// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of ring.c with two ends that keep to the rules, and with single words
 * that are wrong: order, content, the wrap-around of positions at 2^32, a full
 * ring, lengths, sequences, tails, and one doorbell for each sleep.
 * ring_hostile_kunit.c has peers that scribble.
 */

#include <kunit/test.h>
#include <linux/prandom.h>

#include "ring_test.h"

/* Positions from which a few rounds cross every border of a u32 */
static const u32 ring_starts[] = {
	0, 1, RING_SLOTS - 1, 0x7ffffffd, 0xfffffff0, U32_MAX - RING_SLOTS,
	U32_MAX - 1, U32_MAX,
};

static void ring_start_desc(const u32 *start, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "from position 0x%x", *start);
}

KUNIT_ARRAY_PARAM(ring_start, ring_starts, ring_start_desc);

static u32 ring_start(struct kunit *test)
{
	return *(const u32 *)test->param_value;
}

static void ring_fill_payload(u8 *payload, u32 pos, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		payload[i] = pos * 7 + i * 13 + 1;
}

static int ring_push_nth(struct ring_fix *fix, u32 pos, size_t len)
{
	u8 payload[MK_SLOT_PAYLOAD];

	ring_fill_payload(payload, pos, len);
	return mk_ring_push(&fix->tx, (u16)(pos ^ 0x5a00), payload, len);
}

/* The message is the one of ring_push_nth(), and nothing behind it was written */
static void ring_expect_nth(struct kunit *test, const struct mk_msg *msg, u32 pos,
			    size_t len)
{
	u8 payload[MK_SLOT_PAYLOAD];

	ring_fill_payload(payload, pos, len);
	KUNIT_EXPECT_EQ(test, msg->type, (u16)(pos ^ 0x5a00));
	KUNIT_EXPECT_EQ(test, msg->len, len);
	KUNIT_EXPECT_MEMEQ(test, msg->payload, payload, len);
	KUNIT_EXPECT_NULL(test, memchr_inv(msg->payload + len, RING_CANARY,
					   MK_SLOT_PAYLOAD - len));
}

static void ring_pop_nth(struct kunit *test, u32 pos, size_t len)
{
	struct ring_fix *fix = test->priv;
	struct mk_msg msg;

	memset(&msg, RING_CANARY, sizeof(msg));
	KUNIT_ASSERT_TRUE(test, mk_ring_pending(&fix->rx));
	KUNIT_ASSERT_TRUE(test, mk_ring_pop(&fix->rx, &msg));
	ring_expect_nth(test, &msg, pos, len);
}

/* Two kernels of different builds meet here: the numbers are the contract */
static void ring_test_layout(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_slot), 64);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_slot, ctl), 56);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_ring_mem, tail), 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_ring_mem, armed), 4);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_ring_mem, slot), 64);
	KUNIT_EXPECT_EQ(test, mk_ring_size(1), 128);
	KUNIT_EXPECT_EQ(test, mk_ring_size(1024), 64 + 1024 * 64);
	KUNIT_EXPECT_LE(test, sizeof(struct mk_msg_hello), MK_SLOT_PAYLOAD);
}

static void ring_test_new_is_empty(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	struct mk_msg msg;

	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&fix->rx));
	KUNIT_EXPECT_FALSE(test, mk_ring_pop(&fix->rx, &msg));
	KUNIT_EXPECT_TRUE(test, mk_ring_tx_room(&fix->tx));
	KUNIT_EXPECT_FALSE(test, mk_ring_wants_bell(&fix->tx));
	KUNIT_EXPECT_EQ(test, fix->tx.bad_tails, 0);
	KUNIT_EXPECT_EQ(test, fix->rx.bad, 0);
}

/* One at a time, every length, several rounds; each lies where it must */
static void ring_test_round_trip(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	u32 pos = ring_start(test);
	size_t len;

	ring_start_at(fix, pos);
	for (len = 0; len <= MK_SLOT_PAYLOAD; len++, pos++) {
		KUNIT_ASSERT_FALSE(test, mk_ring_pending(&fix->rx));
		KUNIT_ASSERT_EQ(test, ring_push_nth(fix, pos, len), 0);
		KUNIT_ASSERT_EQ(test, ring_slot(fix, pos)->ctl,
				ring_ctl(pos, (u16)(pos ^ 0x5a00), len));
		ring_pop_nth(test, pos, len);
		mk_ring_publish(&fix->rx);
		KUNIT_ASSERT_EQ(test, fix->mem->tail, pos + 1);
	}
	KUNIT_EXPECT_TRUE(test, ring_canaries_ok(fix));
	KUNIT_EXPECT_EQ(test, fix->tx.bad_tails, 0);
	KUNIT_EXPECT_EQ(test, fix->rx.bad, 0);
}

/* A full ring takes nothing and changes nothing until a slot is given back */
static void ring_test_full(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	u32 start = ring_start(test), i;
	struct mk_ring_tx tx;
	u8 mem[RING_BYTES];

	ring_start_at(fix, start);
	for (i = 0; i < RING_SLOTS; i++) {
		KUNIT_ASSERT_TRUE(test, mk_ring_tx_room(&fix->tx));
		KUNIT_ASSERT_EQ(test, ring_push_nth(fix, start + i, 5 + i), 0);
	}
	memcpy(mem, fix->mem, RING_BYTES);
	tx = fix->tx;
	KUNIT_EXPECT_FALSE(test, mk_ring_tx_room(&fix->tx));
	KUNIT_EXPECT_EQ(test, ring_push_nth(fix, start + i, 5), -EAGAIN);
	KUNIT_EXPECT_MEMEQ(test, fix->mem, mem, RING_BYTES);
	KUNIT_EXPECT_MEMEQ(test, &fix->tx, &tx, sizeof(tx));

	/* Read is not given back */
	ring_pop_nth(test, start, 5);
	KUNIT_EXPECT_EQ(test, ring_push_nth(fix, start + i, 5), -EAGAIN);
	mk_ring_publish(&fix->rx);
	KUNIT_EXPECT_EQ(test, ring_push_nth(fix, start + i, 9), 0);
	KUNIT_EXPECT_EQ(test, ring_push_nth(fix, start + i + 1, 9), -EAGAIN);

	for (i = 1; i < RING_SLOTS; i++)
		ring_pop_nth(test, start + i, 5 + i);
	ring_pop_nth(test, start + i, 9);
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&fix->rx));
}

static void ring_test_too_long(struct kunit *test)
{
	static const size_t lens[] = { 57, 63, 64, 255, 256, 256 + 8, 65536, SIZE_MAX };
	struct ring_fix *fix = test->priv;
	struct mk_ring_tx tx = fix->tx;
	u8 mem[RING_BYTES], payload[MK_SLOT_PAYLOAD] = {};
	unsigned int i;

	memcpy(mem, fix->mem, RING_BYTES);
	for (i = 0; i < ARRAY_SIZE(lens); i++)
		KUNIT_EXPECT_EQ(test, mk_ring_push(&fix->tx, 1, payload, lens[i]), -EMSGSIZE);
	KUNIT_EXPECT_MEMEQ(test, fix->mem, mem, RING_BYTES);
	KUNIT_EXPECT_MEMEQ(test, &fix->tx, &tx, sizeof(tx));
	KUNIT_EXPECT_TRUE(test, ring_canaries_ok(fix));
}

static void ring_expect_nothing(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	struct mk_ring_rx rx = fix->rx;
	struct mk_msg msg;

	memset(&msg, RING_CANARY, sizeof(msg));
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&fix->rx));
	KUNIT_EXPECT_FALSE(test, mk_ring_pop(&fix->rx, &msg));
	KUNIT_EXPECT_NULL(test, memchr_inv(&msg, RING_CANARY, sizeof(msg)));
	KUNIT_EXPECT_TRUE(test, ring_rx_same(&fix->rx, &rx));
}

/* All 32 bits of the sequence count, and no neighbour's will do */
static void ring_test_wrong_sequence(struct kunit *test)
{
	static const u32 off[] = { 1, 2, RING_SLOTS, -1, -2, -RING_SLOTS, 0x80000000 };
	struct ring_fix *fix = test->priv;
	u32 start = ring_start(test);
	unsigned int i;
	u64 *ctl;

	ring_start_at(fix, start);
	ctl = &ring_slot(fix, start)->ctl;
	for (i = 0; i < 32; i++) {
		*ctl = ring_ctl(start, MK_MSG_NOP, 8) ^ BIT_ULL(32 + i);
		ring_expect_nothing(test);
	}
	for (i = 0; i < ARRAY_SIZE(off); i++) {
		*ctl = ring_ctl(start + off[i], MK_MSG_NOP, 8);
		ring_expect_nothing(test);
	}
	/* The right one in the wrong slot */
	ring_slot(fix, start + 1)->ctl = ring_ctl(start, MK_MSG_NOP, 8);
	ring_expect_nothing(test);

	*ctl = ring_ctl(start, MK_MSG_NOP, 8);
	KUNIT_EXPECT_TRUE(test, mk_ring_pending(&fix->rx));
}

/* The slots of one round, left as they are, are no messages of the next */
static void ring_test_old_round(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	u32 start = ring_start(test), i;

	ring_start_at(fix, start);
	for (i = 0; i < RING_SLOTS; i++)
		KUNIT_ASSERT_EQ(test, ring_push_nth(fix, start + i, 4), 0);
	for (i = 0; i < RING_SLOTS; i++)
		ring_pop_nth(test, start + i, 4);
	ring_expect_nothing(test);
}

/* Lengths that can't be: dropped, counted, and the next message comes through */
static void ring_test_wrong_length(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	u32 pos = ring_start(test);
	u64 bad = 0;
	unsigned int len;

	ring_start_at(fix, pos);
	for (len = MK_SLOT_PAYLOAD + 1; len <= U8_MAX; len++) {
		fix->tx.head = pos + 1;
		fix->tx.tail = pos;
		ring_slot(fix, pos)->ctl = ring_ctl(pos, MK_MSG_NOP, len);
		KUNIT_ASSERT_EQ(test, ring_push_nth(fix, pos + 1, 3), 0);
		ring_pop_nth(test, pos + 1, 3);
		KUNIT_ASSERT_EQ(test, fix->rx.bad, ++bad);
		pos += 2;
		KUNIT_ASSERT_EQ(test, fix->rx.tail, pos);
	}
	KUNIT_EXPECT_TRUE(test, ring_canaries_ok(fix));
}

/* Nothing but nonsense: one call goes through the ring once and gives up */
static void ring_test_all_wrong(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	u32 start = ring_start(test), i;
	struct mk_msg msg;

	ring_start_at(fix, start);
	memset(&msg, RING_CANARY, sizeof(msg));
	for (i = 0; i < RING_SLOTS; i++)
		ring_slot(fix, start + i)->ctl = ring_ctl(start + i, MK_MSG_NOP, 57);
	KUNIT_EXPECT_FALSE(test, mk_ring_pop(&fix->rx, &msg));
	KUNIT_EXPECT_EQ(test, fix->rx.bad, RING_SLOTS);
	KUNIT_EXPECT_EQ(test, fix->rx.tail, start + RING_SLOTS);
	KUNIT_EXPECT_NULL(test, memchr_inv(&msg, RING_CANARY, sizeof(msg)));
}

static void ring_expect_bad_tail(struct kunit *test, u32 tail)
{
	struct ring_fix *fix = test->priv;
	struct mk_ring_tx tx = fix->tx;

	WRITE_ONCE(fix->mem->tail, tail);
	KUNIT_EXPECT_FALSE_MSG(test, mk_ring_tx_room(&fix->tx), "head %x tail %x", tx.head, tail);
	KUNIT_EXPECT_EQ(test, ring_push_nth(fix, tx.head, 3), -EAGAIN);
	tx.bad_tails += 2;
	KUNIT_EXPECT_MEMEQ(test, &fix->tx, &tx, sizeof(tx));
}

/* A consumer can't have read what was not sent, nor unread what it has read */
static void ring_test_bad_tail(struct kunit *test)
{
	static const u32 ahead[] = { 1, 2, RING_SLOTS, 0x7fffffff, 0x80000000 };
	static const u32 behind[] = { 1, 2, RING_SLOTS, 0x7fffffff };
	struct ring_fix *fix = test->priv;
	u32 start = ring_start(test), head = start + RING_SLOTS, i;

	ring_start_at(fix, start);
	for (i = 0; i < RING_SLOTS; i++)
		KUNIT_ASSERT_EQ(test, ring_push_nth(fix, start + i, 3), 0);
	for (i = 0; i < ARRAY_SIZE(ahead); i++)
		ring_expect_bad_tail(test, head + ahead[i]);
	for (i = 0; i < ARRAY_SIZE(behind); i++)
		ring_expect_bad_tail(test, start - behind[i]);

	/* The two ends of what can be: nothing read, and all read */
	i = fix->tx.bad_tails;
	WRITE_ONCE(fix->mem->tail, start);
	KUNIT_EXPECT_FALSE(test, mk_ring_tx_room(&fix->tx));
	WRITE_ONCE(fix->mem->tail, head);
	KUNIT_EXPECT_TRUE(test, mk_ring_tx_room(&fix->tx));
	KUNIT_EXPECT_EQ(test, fix->tx.bad_tails, i);
	KUNIT_EXPECT_EQ(test, fix->tx.tail, head);
}

static void ring_test_bell_once_a_sleep(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	unsigned int sleeps;

	KUNIT_ASSERT_EQ(test, ring_push_nth(fix, 0, 1), 0);
	KUNIT_EXPECT_FALSE(test, mk_ring_wants_bell(&fix->tx));
	for (sleeps = 0; sleeps < 5; sleeps++) {
		mk_ring_arm(&fix->rx);
		KUNIT_EXPECT_TRUE(test, mk_ring_wants_bell(&fix->tx));
		KUNIT_EXPECT_FALSE(test, mk_ring_wants_bell(&fix->tx));
		mk_ring_arm(&fix->rx);
		KUNIT_EXPECT_FALSE(test, mk_ring_wants_bell(&fix->tx));
		mk_ring_disarm(&fix->rx);
		KUNIT_EXPECT_FALSE(test, mk_ring_wants_bell(&fix->tx));
		mk_ring_disarm(&fix->rx);
		KUNIT_EXPECT_FALSE(test, mk_ring_wants_bell(&fix->tx));
	}
}

/*
 * A message that was consumed before the consumer went to sleep needs no bell; to
 * ring for it would leave none for the next, which nobody would then look for.
 */
static void ring_test_bell_is_kept(struct kunit *test)
{
	struct ring_fix *fix = test->priv;

	KUNIT_ASSERT_EQ(test, ring_push_nth(fix, 0, 1), 0);
	ring_pop_nth(test, 0, 1);
	mk_ring_publish(&fix->rx);
	mk_ring_arm(&fix->rx);
	KUNIT_EXPECT_FALSE(test, mk_ring_wants_bell(&fix->tx));
	KUNIT_ASSERT_EQ(test, ring_push_nth(fix, 1, 1), 0);
	KUNIT_EXPECT_TRUE(test, mk_ring_wants_bell(&fix->tx));
	KUNIT_EXPECT_FALSE(test, mk_ring_wants_bell(&fix->tx));
}

/* Each arm and each disarm is one step, whatever was called before */
static void ring_test_armed_counts(struct kunit *test)
{
	struct ring_fix *fix = test->priv;

	mk_ring_disarm(&fix->rx);
	KUNIT_EXPECT_EQ(test, fix->mem->armed, 0);
	mk_ring_arm(&fix->rx);
	mk_ring_arm(&fix->rx);
	KUNIT_EXPECT_EQ(test, fix->mem->armed, 1);
	mk_ring_disarm(&fix->rx);
	mk_ring_disarm(&fix->rx);
	KUNIT_EXPECT_EQ(test, fix->mem->armed, 2);
	mk_ring_arm(&fix->rx);
	KUNIT_EXPECT_EQ(test, fix->mem->armed, 3);
	KUNIT_EXPECT_EQ(test, fix->rx.armed, 3);
}

static void ring_test_armed_wraps(struct kunit *test)
{
	struct ring_fix *fix = test->priv;

	fix->rx.armed = U32_MAX - 1;
	fix->tx.rung = U32_MAX - 2;
	KUNIT_ASSERT_EQ(test, ring_push_nth(fix, 0, 1), 0);
	mk_ring_arm(&fix->rx);
	KUNIT_EXPECT_EQ(test, fix->mem->armed, U32_MAX);
	KUNIT_EXPECT_TRUE(test, mk_ring_wants_bell(&fix->tx));
	mk_ring_disarm(&fix->rx);
	KUNIT_EXPECT_EQ(test, fix->mem->armed, 0);
	KUNIT_EXPECT_FALSE(test, mk_ring_wants_bell(&fix->tx));
	mk_ring_arm(&fix->rx);
	KUNIT_EXPECT_EQ(test, fix->mem->armed, 1);
	KUNIT_EXPECT_TRUE(test, mk_ring_wants_bell(&fix->tx));
}

/* The ring as it should be: numbers, no slots */
struct ring_model {
	u32 sent;
	u32 read;
	u32 published;
	bool asleep;
	bool rung;
};

static void ring_model_push(struct kunit *test, struct ring_model *model)
{
	struct ring_fix *fix = test->priv;
	bool room = model->sent - model->published < RING_SLOTS;
	bool bell = model->asleep && !model->rung;
	int ret = ring_push_nth(fix, model->sent, model->sent % 57);

	KUNIT_ASSERT_EQ(test, ret, room ? 0 : -EAGAIN);
	if (ret)
		return;
	model->sent++;
	KUNIT_ASSERT_EQ(test, mk_ring_wants_bell(&fix->tx), bell);
	model->rung |= bell;
}

static void ring_model_pop(struct kunit *test, struct ring_model *model)
{
	if (model->read == model->sent) {
		ring_expect_nothing(test);
		return;
	}
	ring_pop_nth(test, model->read, model->read % 57);
	model->read++;
}

static void ring_model_step(struct kunit *test, struct ring_model *model, u32 what)
{
	struct ring_fix *fix = test->priv;

	if (what < 8) {
		ring_model_push(test, model);
	} else if (what < 16) {
		ring_model_pop(test, model);
	} else if (what < 20) {
		mk_ring_publish(&fix->rx);
		model->published = model->read;
	} else if (what < 22) {
		mk_ring_arm(&fix->rx);
		model->rung &= model->asleep;
		model->asleep = true;
	} else {
		mk_ring_disarm(&fix->rx);
		model->asleep = false;
	}
}

/* A long life in random order, against a model */
static void ring_test_model(struct kunit *test)
{
	u32 start = ring_start(test);
	struct ring_model model = { .sent = start, .read = start, .published = start };
	struct ring_fix *fix = test->priv;
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, start + 1);
	ring_start_at(fix, start);
	for (i = 0; i < 20000; i++)
		ring_model_step(test, &model, prandom_u32_state(&rnd) % 24);
	KUNIT_EXPECT_TRUE(test, ring_canaries_ok(fix));
	KUNIT_EXPECT_EQ(test, fix->tx.bad_tails, 0);
	KUNIT_EXPECT_EQ(test, fix->rx.bad, 0);
	/* Enough of them went through that the test says something */
	KUNIT_EXPECT_GT(test, model.read - start, 100 * RING_SLOTS);
}

static struct kunit_case ring_cases[] = {
	KUNIT_CASE(ring_test_layout),
	KUNIT_CASE(ring_test_new_is_empty),
	KUNIT_CASE_PARAM(ring_test_round_trip, ring_start_gen_params),
	KUNIT_CASE_PARAM(ring_test_full, ring_start_gen_params),
	KUNIT_CASE(ring_test_too_long),
	KUNIT_CASE_PARAM(ring_test_wrong_sequence, ring_start_gen_params),
	KUNIT_CASE_PARAM(ring_test_old_round, ring_start_gen_params),
	KUNIT_CASE_PARAM(ring_test_wrong_length, ring_start_gen_params),
	KUNIT_CASE_PARAM(ring_test_all_wrong, ring_start_gen_params),
	KUNIT_CASE_PARAM(ring_test_bad_tail, ring_start_gen_params),
	KUNIT_CASE(ring_test_bell_once_a_sleep),
	KUNIT_CASE(ring_test_bell_is_kept),
	KUNIT_CASE(ring_test_armed_counts),
	KUNIT_CASE(ring_test_armed_wraps),
	KUNIT_CASE_PARAM(ring_test_model, ring_start_gen_params),
	{}
};

static struct kunit_suite ring_suite = {
	.name = "mk_ring",
	.init = ring_fix_init,
	.test_cases = ring_cases,
};

kunit_test_suite(ring_suite);
