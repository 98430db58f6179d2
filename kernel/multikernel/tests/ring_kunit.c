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

static u16 ring_type(u32 pos)
{
	return (pos ^ 0x5a00) & 0x6fff;
}

static int ring_push_nth(struct ring_fix *fix, u32 pos, size_t len)
{
	u8 payload[RING_MAX];

	ring_fill_payload(payload, pos, len);
	return mk_ring_push(&fix->tx, ring_type(pos), payload, len);
}

/* The message is the one of ring_push_nth(), and nothing behind it was written */
static void ring_expect_nth(struct kunit *test, const struct mk_msg *msg, u32 pos,
			    size_t len)
{
	u8 payload[RING_MAX];

	ring_fill_payload(payload, pos, len);
	KUNIT_EXPECT_EQ(test, msg->type, ring_type(pos));
	KUNIT_EXPECT_EQ(test, msg->len, len);
	KUNIT_EXPECT_MEMEQ(test, msg->data, payload, len);
	if (msg->data == msg->payload)
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
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_slot), 128);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_slot, payload), 8);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_ring_mem, armed), 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_ring_mem, bell), 8);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_ring_mem, tail), 64);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_ring_mem, waiting), 128);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_ring_mem, slot), 256);
	KUNIT_EXPECT_EQ(test, mk_ring_size(1), 384);
	KUNIT_EXPECT_EQ(test, mk_ring_size(1024), 256 + 1024 * 128);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_msg_hello, version_min), MK_HELLO_MIN);
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_msg_hello), 64);
}

static void ring_test_new_is_empty(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	struct mk_msg msg;

	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&fix->rx));
	KUNIT_EXPECT_FALSE(test, mk_ring_pop(&fix->rx, &msg));
	KUNIT_EXPECT_TRUE(test, mk_ring_tx_room(&fix->tx, 1));
	KUNIT_EXPECT_FALSE(test, mk_ring_wants_bell(&fix->tx));
	KUNIT_EXPECT_EQ(test, fix->tx.bad_tails, 0);
	KUNIT_EXPECT_EQ(test, fix->rx.bad, 0);
}

/* One at a time, every length, several rounds; each lies where it must */
static void ring_test_round_trip(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	u32 pos = ring_start(test), i;
	size_t len;

	ring_start_at(fix, pos);
	for (len = 0; len <= RING_MAX; len++) {
		KUNIT_ASSERT_FALSE(test, mk_ring_pending(&fix->rx));
		KUNIT_ASSERT_TRUE(test, mk_ring_tx_room(&fix->tx, len));
		KUNIT_ASSERT_EQ(test, ring_push_nth(fix, pos, len), 0);
		KUNIT_ASSERT_EQ(test, ring_slot(fix, pos)->ctl,
				ring_ctl(pos, ring_type(pos), len));
		for (i = 1; i < ring_slots_of(len); i++)
			KUNIT_ASSERT_EQ(test, ring_slot(fix, pos + i)->ctl,
					ring_ctl(pos, ring_type(pos), len));
		ring_pop_nth(test, pos, len);
		mk_ring_publish(&fix->rx);
		pos += i;
		KUNIT_ASSERT_EQ(test, fix->mem->tail, ring_word(pos));
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
		KUNIT_ASSERT_TRUE(test, mk_ring_tx_room(&fix->tx, 1));
		KUNIT_ASSERT_EQ(test, ring_push_nth(fix, start + i, 5 + i), 0);
	}
	memcpy(mem, fix->mem, RING_BYTES);
	tx = fix->tx;
	KUNIT_EXPECT_FALSE(test, mk_ring_tx_room(&fix->tx, 1));
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
	static const size_t lens[] = {
		RING_MAX + 1, RING_MAX + 120, 65536, 65537, U32_MAX, SIZE_MAX - 118, SIZE_MAX,
	};
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

/* All bits of sequence and epoch count, and no neighbour's will do */
static void ring_test_wrong_sequence(struct kunit *test)
{
	static const u32 off[] = { 1, 2, RING_SLOTS, -1, -2, -RING_SLOTS, 0x800000 };
	struct ring_fix *fix = test->priv;
	u32 start = ring_start(test);
	unsigned int i;
	u64 *ctl;

	ring_start_at(fix, start);
	ctl = &ring_slot(fix, start)->ctl;
	for (i = 32; i < 64; i++) {
		*ctl = ring_ctl(start, 2, 8) ^ BIT_ULL(i);
		ring_expect_nothing(test);
	}
	for (i = 0; i < ARRAY_SIZE(off); i++) {
		*ctl = ring_ctl(start + off[i], 2, 8);
		ring_expect_nothing(test);
	}
	/* The right one in the wrong slot */
	ring_slot(fix, start + 1)->ctl = ring_ctl(start, 2, 8);
	ring_expect_nothing(test);

	*ctl = ring_ctl(start, 2, 8);
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

static void ring_expect_dropped(struct kunit *test, u64 bad, u32 pos)
{
	struct ring_fix *fix = test->priv;
	struct mk_msg msg;

	KUNIT_ASSERT_FALSE(test, mk_ring_pop(&fix->rx, &msg));
	KUNIT_ASSERT_EQ(test, fix->rx.bad, bad);
	KUNIT_ASSERT_EQ(test, fix->rx.tail, pos);
}

/* Lengths that can't be: dropped, counted, and the next message comes through */
static void ring_test_wrong_length(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	u32 pos = ring_start(test);
	u64 bad = 0;
	unsigned int len;

	ring_start_at(fix, pos);
	for (len = RING_MAX + 1; len <= 0x1ffff; len += 1 + len / 9) {
		fix->tx.head = pos + RING_SLOTS;
		fix->tx.tail = fix->tx.head;
		ring_slot(fix, pos)->ctl = ring_ctl(pos, 2, len);
		ring_expect_dropped(test, ++bad, fix->tx.head);
		KUNIT_ASSERT_EQ(test, ring_push_nth(fix, fix->tx.head, 3), 0);
		ring_pop_nth(test, pos + RING_SLOTS, 3);
		pos += RING_SLOTS + 1;
		KUNIT_ASSERT_EQ(test, fix->rx.tail, pos);
	}
	KUNIT_EXPECT_TRUE(test, ring_canaries_ok(fix));
}

/* Nothing but what is too long: one call goes through the ring once and gives up */
static void ring_test_all_wrong(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	u32 start = ring_start(test), i;

	ring_start_at(fix, start);
	mk_ring_rx_buf(&fix->rx, fix->buf, 120);
	for (i = 0; i < RING_SLOTS; i++)
		ring_slot(fix, start + i)->ctl = ring_ctl(start + i, 2, 121);
	ring_expect_dropped(test, RING_SLOTS / 2, start + RING_SLOTS);
}

static void ring_expect_bad_tail(struct kunit *test, u32 tail)
{
	struct ring_fix *fix = test->priv;
	struct mk_ring_tx tx = fix->tx;

	WRITE_ONCE(fix->mem->tail, ring_word(tail));
	KUNIT_EXPECT_FALSE_MSG(test, mk_ring_tx_room(&fix->tx, 3), "head %x tail %x", tx.head,
			       tail);
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

	/* Of another epoch: nothing at all */
	i = fix->tx.bad_tails;
	WRITE_ONCE(fix->mem->tail, ring_word(head) + BIT_ULL(32));
	KUNIT_EXPECT_FALSE(test, mk_ring_tx_room(&fix->tx, 1));
	KUNIT_EXPECT_EQ(test, fix->tx.bad_tails, i);
	/* The two ends of what can be: nothing read, and all read */
	WRITE_ONCE(fix->mem->tail, ring_word(start));
	KUNIT_EXPECT_FALSE(test, mk_ring_tx_room(&fix->tx, 1));
	WRITE_ONCE(fix->mem->tail, ring_word(head));
	KUNIT_EXPECT_TRUE(test, mk_ring_tx_room(&fix->tx, 1));
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
		/* It looked once more, in vain, and sleeps again */
		mk_ring_arm(&fix->rx);
		KUNIT_EXPECT_TRUE(test, mk_ring_wants_bell(&fix->tx));
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

/* Each arm is a new sleep; a disarm is one step, however often it is called */
static void ring_test_armed_counts(struct kunit *test)
{
	struct ring_fix *fix = test->priv;

	mk_ring_disarm(&fix->rx);
	KUNIT_EXPECT_EQ(test, fix->mem->armed, 0);
	mk_ring_arm(&fix->rx);
	mk_ring_arm(&fix->rx);
	KUNIT_EXPECT_EQ(test, fix->mem->armed, ring_word(3));
	mk_ring_disarm(&fix->rx);
	mk_ring_disarm(&fix->rx);
	KUNIT_EXPECT_EQ(test, fix->mem->armed, ring_word(4));
	mk_ring_arm(&fix->rx);
	KUNIT_EXPECT_EQ(test, fix->mem->armed, ring_word(5));
	KUNIT_EXPECT_EQ(test, fix->rx.armed, 5);
}

static void ring_test_armed_wraps(struct kunit *test)
{
	struct ring_fix *fix = test->priv;

	fix->rx.armed = U32_MAX - 1;
	fix->tx.rung = U32_MAX - 2;
	KUNIT_ASSERT_EQ(test, ring_push_nth(fix, 0, 1), 0);
	mk_ring_arm(&fix->rx);
	KUNIT_EXPECT_EQ(test, fix->mem->armed, ring_word(U32_MAX));
	KUNIT_EXPECT_TRUE(test, mk_ring_wants_bell(&fix->tx));
	mk_ring_disarm(&fix->rx);
	KUNIT_EXPECT_EQ(test, fix->mem->armed, ring_word(0));
	KUNIT_EXPECT_FALSE(test, mk_ring_wants_bell(&fix->tx));
	mk_ring_arm(&fix->rx);
	KUNIT_EXPECT_EQ(test, fix->mem->armed, ring_word(1));
	KUNIT_EXPECT_TRUE(test, mk_ring_wants_bell(&fix->tx));
}

/* A sender that sleeps is rung once for each sleep, and not when it is awake */
static void ring_test_room_bell(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	unsigned int sleeps;

	mk_ring_publish(&fix->rx);
	KUNIT_EXPECT_FALSE(test, mk_ring_wants_room(&fix->rx));
	for (sleeps = 0; sleeps < 5; sleeps++) {
		mk_ring_tx_wait(&fix->tx);
		KUNIT_EXPECT_TRUE(test, mk_ring_wants_room(&fix->rx));
		KUNIT_EXPECT_FALSE(test, mk_ring_wants_room(&fix->rx));
	}
	mk_ring_tx_wait(&fix->tx);
	mk_ring_tx_wake(&fix->tx);
	KUNIT_EXPECT_FALSE(test, mk_ring_wants_room(&fix->rx));
	/* Both ends of the ring start again, in the same memory */
	mk_ring_tx_wait(&fix->tx);
	mk_ring_rx_init(&fix->rx, fix->mem, RING_SLOTS, RING_EPOCH + 1);
	KUNIT_EXPECT_FALSE(test, mk_ring_wants_room(&fix->rx));
}

/* What was written in an earlier life of the peer is not there */
static void ring_test_epoch(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	struct mk_msg msg;
	u32 i;

	for (i = 0; i < RING_SLOTS; i++)
		KUNIT_ASSERT_EQ(test, ring_push_nth(fix, i, 9), 0);
	for (i = 0; i < 5; i++)
		ring_pop_nth(test, i, 9);
	mk_ring_publish(&fix->rx);
	mk_ring_arm(&fix->rx);

	mk_ring_tx_init(&fix->tx, fix->mem, RING_SLOTS, RING_EPOCH + 1);
	mk_ring_rx_init(&fix->rx, fix->mem, RING_SLOTS, RING_EPOCH + 1);
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&fix->rx));
	KUNIT_EXPECT_FALSE(test, mk_ring_pop(&fix->rx, &msg));
	for (i = 0; i < RING_SLOTS; i++) {
		KUNIT_EXPECT_EQ(test, ring_push_nth(fix, i, 9), 0);
		KUNIT_EXPECT_FALSE(test, mk_ring_wants_bell(&fix->tx));
	}
	KUNIT_EXPECT_EQ(test, ring_push_nth(fix, i, 9), -EAGAIN);
	KUNIT_EXPECT_EQ(test, fix->tx.bad_tails, 0);
	for (i = 0; i < RING_SLOTS; i++)
		ring_pop_nth(test, i, 9);
	mk_ring_publish(&fix->rx);
	KUNIT_EXPECT_TRUE(test, mk_ring_tx_room(&fix->tx, RING_MAX));
}

/* The first slot of a long message says all: nothing else is read as a control word */
static void ring_test_other_ctl(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	u32 start = ring_start(test), i;

	for (i = 1; i < 5; i++) {
		ring_start_at(fix, start);
		KUNIT_ASSERT_EQ(test, ring_push_nth(fix, start, 120 * 4 + 1), 0);
		ring_slot(fix, start + i)->ctl = ring_ctl(start + i, 3, RING_MAX + i);
		ring_pop_nth(test, start, 120 * 4 + 1);
		KUNIT_ASSERT_EQ(test, ring_push_nth(fix, start + 5, 120 * 2), 0);
		ring_pop_nth(test, start + 5, 120 * 2);
		KUNIT_EXPECT_EQ(test, fix->rx.bad, 0);
	}
	KUNIT_EXPECT_TRUE(test, ring_canaries_ok(fix));
}

/* What a long message leaves in its slots is no message in any later round */
static void ring_test_left_by_long(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	u32 start = ring_start(test), i, round;

	ring_start_at(fix, start);
	KUNIT_ASSERT_EQ(test, ring_push_nth(fix, start, RING_MAX), 0);
	ring_pop_nth(test, start, RING_MAX);
	for (i = 0; i < RING_SLOTS; i++) {
		for (round = 0; round < 0x1000000 / RING_SLOTS; round++) {
			fix->rx.tail = start + i + round * RING_SLOTS;
			/* It wraps to where it was in the end, and there it is */
			if (mk_ring_pending(&fix->rx))
				break;
		}
		KUNIT_EXPECT_EQ(test, round, i ? 0x1000000 / RING_SLOTS : 0);
	}
}

/* A receiver that does not take long messages drops them, and nothing else */
static void ring_test_longer_than_taken(struct kunit *test)
{
	struct ring_fix *fix = test->priv;

	mk_ring_rx_buf(&fix->rx, fix->buf, 200);
	KUNIT_ASSERT_EQ(test, ring_push_nth(fix, 0, 201), 0);
	KUNIT_ASSERT_EQ(test, ring_push_nth(fix, 2, 200), 0);
	ring_pop_nth(test, 2, 200);
	KUNIT_EXPECT_EQ(test, fix->rx.bad, 1);
	KUNIT_EXPECT_NULL(test, memchr_inv(fix->buf + 200, RING_CANARY, RING_MAX - 200));
}

/* The ring as it should be: messages and the slots they take, no content */
struct ring_model {
	u32 sent, sent_pos;
	u32 read, read_pos;
	u32 published;
	bool asleep;
	bool rung;
};

static size_t ring_model_len(u32 n)
{
	return (n * 2654435761U >> 8) % (n % 8 ? 200 : RING_MAX + 1);
}

static void ring_model_push(struct kunit *test, struct ring_model *model)
{
	size_t len = ring_model_len(model->sent);
	struct ring_fix *fix = test->priv;
	bool room = model->sent_pos - model->published + ring_slots_of(len) <= RING_SLOTS;
	bool bell = model->asleep && !model->rung;
	int ret = ring_push_nth(fix, model->sent, len);

	KUNIT_ASSERT_EQ(test, ret, room ? 0 : -EAGAIN);
	if (ret)
		return;
	model->sent++;
	model->sent_pos += ring_slots_of(len);
	KUNIT_ASSERT_EQ(test, mk_ring_wants_bell(&fix->tx), bell);
	model->rung |= bell;
}

static void ring_model_pop(struct kunit *test, struct ring_model *model)
{
	size_t len = ring_model_len(model->read);

	if (model->read == model->sent) {
		ring_expect_nothing(test);
		return;
	}
	ring_pop_nth(test, model->read, len);
	model->read++;
	model->read_pos += ring_slots_of(len);
}

/* Another one goes on as the producer: the bell that was rung may be rung once more */
static void ring_resume_tx(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	struct mk_ring_tx old = fix->tx;

	memset(&fix->tx, RING_CANARY, sizeof(fix->tx));
	mk_ring_tx_resume(&fix->tx, fix->mem, RING_SLOTS, RING_EPOCH);
	KUNIT_ASSERT_PTR_EQ(test, fix->tx.mem, fix->mem);
	KUNIT_ASSERT_EQ(test, fix->tx.head, old.head);
	KUNIT_ASSERT_EQ(test, fix->tx.waiting, old.waiting);
	fix->tx.rung = old.rung;
}

static void ring_resume_rx(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	struct mk_ring_rx old;

	mk_ring_publish(&fix->rx);
	old = fix->rx;
	memset(&fix->rx, RING_CANARY, sizeof(fix->rx));
	mk_ring_rx_resume(&fix->rx, fix->mem, RING_SLOTS, RING_EPOCH);
	mk_ring_rx_buf(&fix->rx, fix->buf, RING_MAX);
	KUNIT_ASSERT_EQ(test, fix->rx.tail, old.tail);
	KUNIT_ASSERT_EQ(test, fix->rx.published, old.tail);
	KUNIT_ASSERT_EQ(test, fix->rx.armed, old.armed);
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
		model->published = model->read_pos;
	} else if (what < 22) {
		mk_ring_arm(&fix->rx);
		model->rung = false;
		model->asleep = true;
	} else if (what < 24) {
		mk_ring_disarm(&fix->rx);
		model->asleep = false;
	} else if (what < 26) {
		ring_resume_tx(test);
	} else {
		ring_resume_rx(test);
		model->published = model->read_pos;
	}
}

/* A long life of the first @steps of ring_model_step(), in random order */
static void ring_model_live(struct kunit *test, unsigned int steps)
{
	u32 start = ring_start(test);
	struct ring_model model = {
		.sent = start, .sent_pos = start,
		.read = start, .read_pos = start, .published = start,
	};
	struct ring_fix *fix = test->priv;
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, start + steps);
	ring_start_at(fix, start);
	for (i = 0; i < 20000; i++)
		ring_model_step(test, &model, prandom_u32_state(&rnd) % steps);
	KUNIT_EXPECT_TRUE(test, ring_canaries_ok(fix));
	KUNIT_EXPECT_EQ(test, fix->tx.bad_tails, 0);
	KUNIT_EXPECT_EQ(test, fix->rx.bad, 0);
	/* Enough of them went through that the test says something */
	KUNIT_EXPECT_GT(test, model.read - start, 20 * RING_SLOTS);
}

static void ring_test_model(struct kunit *test)
{
	ring_model_live(test, 24);
}

/* Both ends are followed by others all the time */
static void ring_test_resume_model(struct kunit *test)
{
	ring_model_live(test, 28);
}

/* A ring in which nothing has been yet, and one that is full of one message */
static void ring_test_resume(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	u32 start = ring_start(test);

	ring_resume_tx(test);
	ring_resume_rx(test);
	ring_start_at(fix, start);
	KUNIT_ASSERT_EQ(test, ring_push_nth(fix, start, RING_MAX), 0);
	ring_resume_tx(test);
	KUNIT_EXPECT_EQ(test, ring_push_nth(fix, start + RING_SLOTS, 1), -EAGAIN);
	ring_resume_rx(test);
	ring_pop_nth(test, start, RING_MAX);
	/* Read, but nobody has said so */
	ring_resume_tx(test);
	KUNIT_EXPECT_EQ(test, ring_push_nth(fix, start + RING_SLOTS, 1), -EAGAIN);
	ring_resume_rx(test);
	ring_resume_tx(test);
	ring_expect_nothing(test);
	KUNIT_EXPECT_EQ(test, ring_push_nth(fix, start + RING_SLOTS, 1), 0);
	ring_pop_nth(test, start + RING_SLOTS, 1);
	KUNIT_EXPECT_TRUE(test, ring_canaries_ok(fix));
}

/* Whatever the other side has written, there is no more in the ring than it holds */
static void ring_test_resume_hostile(struct kunit *test)
{
	struct ring_fix *fix = test->priv;
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, 3);
	for (i = 0; i < 5000; i++) {
		prandom_bytes_state(&rnd, fix->mem, RING_BYTES);
		if (i % 2)
			fix->mem->tail = ring_word(i);
		if (i % 4 == 3)
			ring_slot(fix, i)->ctl = ring_ctl(i, 2, 0x1ffff - i);
		mk_ring_tx_resume(&fix->tx, fix->mem, RING_SLOTS, RING_EPOCH);
		KUNIT_ASSERT_LE(test, fix->tx.head - fix->tx.tail, RING_SLOTS);
		mk_ring_rx_resume(&fix->rx, fix->mem, RING_SLOTS, RING_EPOCH);
		KUNIT_ASSERT_EQ(test, fix->rx.tail, fix->tx.tail);
	}
	KUNIT_EXPECT_TRUE(test, ring_canaries_ok(fix));
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
	KUNIT_CASE(ring_test_room_bell),
	KUNIT_CASE(ring_test_epoch),
	KUNIT_CASE_PARAM(ring_test_other_ctl, ring_start_gen_params),
	KUNIT_CASE_PARAM(ring_test_left_by_long, ring_start_gen_params),
	KUNIT_CASE(ring_test_longer_than_taken),
	KUNIT_CASE_PARAM(ring_test_model, ring_start_gen_params),
	KUNIT_CASE_PARAM(ring_test_resume, ring_start_gen_params),
	KUNIT_CASE_PARAM(ring_test_resume_model, ring_start_gen_params),
	KUNIT_CASE(ring_test_resume_hostile),
	{}
};

static struct kunit_suite ring_suite = {
	.name = "mk_ring",
	.init = ring_fix_init,
	.test_cases = ring_cases,
};

kunit_test_suite(ring_suite);
