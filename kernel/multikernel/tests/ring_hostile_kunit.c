// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of ring.c against a peer that keeps to no rule: it scribbles over every
 * word of the ring between two calls, and during them.  What each call does is
 * foretold from a copy of the memory; what it may change is compared byte by
 * byte.  Last, two honest ends on two CPUs, who sleep and ring.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/prandom.h>

#include "ring_test.h"

#define HOSTILE_CASES		20000
#define HOSTILE_RACES		200000
#define HONEST_MESSAGES		50000

/**
 * struct hostile_fix - a ring, and what it was before the call
 * @ring: the ring
 * @rnd: what the peer does next
 * @mem: the memory before the call, then as it should be after it
 * @was: the same as a ring
 * @accepted: messages received
 * @sent: messages sent
 */
struct hostile_fix {
	struct ring_fix *ring;
	struct rnd_state rnd;
	union {
		u8 mem[RING_BYTES];
		struct mk_ring_mem was;
	};
	unsigned long accepted;
	unsigned long sent;
};

static int hostile_init(struct kunit *test)
{
	struct hostile_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fix);
	ring_fix_init(test);
	fix->ring = test->priv;
	prandom_seed_state(&fix->rnd, 20260101);
	test->priv = fix;
	return 0;
}

/* A control word that a careless consumer would fall for */
static u64 hostile_ctl(struct rnd_state *rnd, u32 pos)
{
	u32 bits = prandom_u32_state(rnd);

	switch (bits >> 30) {
	case 0:
		return ring_ctl(pos, bits, 57 + bits % 199);
	case 1:
		return ring_ctl(pos + bits % 3 - 1, bits, bits % 57);
	default:
		return ring_ctl(pos, bits, bits >> 8);
	}
}

static u32 hostile_u32(struct rnd_state *rnd, u32 near)
{
	u32 bits = prandom_u32_state(rnd);

	return bits & 1 ? bits : near + bits % (4 * RING_SLOTS) - 2 * RING_SLOTS;
}

static void hostile_scribble(struct ring_fix *ring, struct rnd_state *rnd)
{
	struct mk_ring_mem *mem = ring->mem;
	u32 what = prandom_u32_state(rnd);
	u32 pos = READ_ONCE(ring->rx.tail) + (what >> 4) % 3;

	switch (what % 6) {
	case 0:
		WRITE_ONCE(((u32 *)mem)[(what >> 8) % (RING_BYTES / sizeof(u32))],
			   prandom_u32_state(rnd));
		break;
	case 1:
		WRITE_ONCE(mem->tail, hostile_u32(rnd, READ_ONCE(ring->tx.head)));
		break;
	case 2:
		WRITE_ONCE(mem->armed, hostile_u32(rnd, READ_ONCE(ring->tx.rung)));
		break;
	default:
		WRITE_ONCE(mem->slot[pos % RING_SLOTS].ctl, hostile_ctl(rnd, pos));
	}
}

/* What mk_ring_pop() must do, read from the copy */
static bool hostile_foretell_pop(const struct mk_ring_mem *was, struct mk_ring_rx *rx,
				 struct mk_msg *msg)
{
	unsigned int i;

	for (i = 0; i < RING_SLOTS; i++) {
		const struct mk_slot *slot = &was->slot[rx->tail % RING_SLOTS];
		u8 len = slot->ctl >> 8;

		if (slot->ctl >> 32 != (u32)(rx->tail + 1))
			return false;
		rx->tail++;
		if (len <= 56) {
			msg->type = slot->ctl >> 16;
			msg->len = len;
			memcpy(msg->payload, slot->payload, len);
			return true;
		}
		rx->bad++;
	}
	return false;
}

static void hostile_pop(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_rx *rx = &fix->ring->rx, want_rx = *rx;
	struct mk_msg msg, want;
	bool pending, ret;

	memset(&msg, RING_CANARY, sizeof(msg));
	memset(&want, RING_CANARY, sizeof(want));
	pending = fix->was.slot[rx->tail % RING_SLOTS].ctl >> 32 == (u32)(rx->tail + 1);
	KUNIT_ASSERT_EQ(test, mk_ring_pending(rx), pending);
	ret = hostile_foretell_pop(&fix->was, &want_rx, &want);
	KUNIT_ASSERT_EQ(test, mk_ring_pop(rx, &msg), ret);
	KUNIT_ASSERT_TRUE(test, ring_rx_same(rx, &want_rx));
	KUNIT_ASSERT_MEMEQ(test, &msg, &want, sizeof(msg));
	fix->accepted += ret;
}

/* What mk_ring_tx_room() must do, read from the copy */
static bool hostile_foretell_room(const struct mk_ring_mem *was, struct mk_ring_tx *tx)
{
	if ((u32)(tx->head - tx->tail) < RING_SLOTS)
		return true;
	if ((u32)(tx->head - was->tail) > RING_SLOTS) {
		tx->bad_tails++;
		return false;
	}
	tx->tail = was->tail;
	return tx->head - tx->tail != RING_SLOTS;
}

static void hostile_push(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx, want = *tx;
	u32 bits = prandom_u32_state(&fix->rnd);
	size_t len = bits % 64;
	struct mk_slot *slot;
	u8 data[64];
	int ret = 0;

	prandom_bytes_state(&fix->rnd, data, sizeof(data));
	if (len > 56)
		ret = -EMSGSIZE;
	else if (!hostile_foretell_room(&fix->was, &want))
		ret = -EAGAIN;
	if (!ret) {
		slot = &fix->was.slot[want.head % RING_SLOTS];
		memcpy(slot->payload, data, len);
		slot->ctl = ring_ctl(want.head++, bits >> 16, len);
		fix->sent++;
	}
	KUNIT_ASSERT_EQ(test, mk_ring_push(tx, bits >> 16, data, len), ret);
	KUNIT_ASSERT_MEMEQ(test, tx, &want, sizeof(want));
}

static void hostile_room(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx, want = *tx;
	bool room = hostile_foretell_room(&fix->was, &want);

	KUNIT_ASSERT_EQ(test, mk_ring_tx_room(tx), room);
	KUNIT_ASSERT_MEMEQ(test, tx, &want, sizeof(want));
}

static void hostile_bell(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx, want = *tx;
	bool bell = fix->was.armed % 2 && fix->was.armed != want.rung &&
		    fix->was.tail != want.head;

	if (bell)
		want.rung = fix->was.armed;
	KUNIT_ASSERT_EQ(test, mk_ring_wants_bell(tx), bell);
	KUNIT_ASSERT_FALSE(test, mk_ring_wants_bell(tx));
	KUNIT_ASSERT_MEMEQ(test, tx, &want, sizeof(want));
}

static void hostile_publish(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_rx *rx = &fix->ring->rx, want = *rx;

	mk_ring_publish(rx);
	fix->was.tail = want.tail;
	KUNIT_ASSERT_TRUE(test, ring_rx_same(rx, &want));
}

/* The count goes on from the private one, whatever stands in the ring */
static void hostile_arm(struct kunit *test, bool arm)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_rx *rx = &fix->ring->rx, want = *rx;

	if (want.armed % 2 != arm)
		fix->was.armed = ++want.armed;
	if (arm)
		mk_ring_arm(rx);
	else
		mk_ring_disarm(rx);
	KUNIT_ASSERT_TRUE(test, ring_rx_same(rx, &want));
}

static void hostile_call(struct kunit *test, u32 what)
{
	switch (what % 8) {
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
	default:
		return hostile_arm(test, what & 8);
	}
}

/* Scribble, call, compare; from many places in the stream */
static void hostile_test_between(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct ring_fix *ring = fix->ring;
	unsigned int i, n;

	for (i = 0; i < HOSTILE_CASES; i++) {
		if (!(i % 500))
			ring_start_at(ring, i % 1000 ? U32_MAX - i / 500 : i);
		for (n = prandom_u32_state(&fix->rnd) % 12; n; n--)
			hostile_scribble(ring, &fix->rnd);
		if (prandom_u32_state(&fix->rnd) % 64 == 0)
			prandom_bytes_state(&fix->rnd, ring->mem, RING_BYTES);
		memcpy(fix->mem, ring->mem, RING_BYTES);
		hostile_call(test, prandom_u32_state(&fix->rnd));
		KUNIT_ASSERT_MEMEQ(test, ring->mem, fix->mem, RING_BYTES);
		KUNIT_ASSERT_PTR_EQ(test, ring->rx.mem, ring->mem);
	}
	KUNIT_EXPECT_TRUE(test, ring_canaries_ok(ring));
	KUNIT_EXPECT_GT(test, fix->accepted, HOSTILE_CASES / 20);
	KUNIT_EXPECT_GT(test, fix->sent, HOSTILE_CASES / 20);
	KUNIT_EXPECT_GT(test, ring->tx.bad_tails + ring->rx.bad, 0);
}

/* A peer on another CPU; the counts bound it even if nobody stops it */
static int hostile_thread(void *data)
{
	struct ring_fix *ring = data;
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, 7);
	for (i = 0; i < 50 * HOSTILE_RACES && !kthread_should_stop(); i++) {
		hostile_scribble(ring, &rnd);
		if (!(i % 1024))
			cond_resched();
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* What holds whatever the peer does meanwhile */
static void hostile_race_rx(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_rx *rx = &fix->ring->rx, was = *rx;
	struct {
		struct mk_msg msg;
		u8 canary[256];
	} to;
	bool ret;

	memset(&to, RING_CANARY, sizeof(to));
	ret = mk_ring_pop(rx, &to.msg);
	KUNIT_ASSERT_NULL(test, memchr_inv(to.canary, RING_CANARY, sizeof(to.canary)));
	if (ret)
		KUNIT_ASSERT_LE(test, to.msg.len, MK_SLOT_PAYLOAD);
	KUNIT_ASSERT_EQ(test, rx->tail - was.tail, rx->bad - was.bad + ret);
	KUNIT_ASSERT_LE(test, rx->bad - was.bad, RING_SLOTS + 1);
	KUNIT_ASSERT_EQ(test, rx->armed, was.armed);
	fix->accepted += ret;
}

static void hostile_race_tx(struct kunit *test)
{
	static const u8 data[MK_SLOT_PAYLOAD];
	struct hostile_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx, was = *tx;
	int ret = mk_ring_push(tx, MK_MSG_NOP, data, sizeof(data));

	KUNIT_ASSERT_TRUE(test, ret == 0 || ret == -EAGAIN);
	KUNIT_ASSERT_EQ(test, tx->head - was.head, !ret);
	KUNIT_ASSERT_LE(test, tx->head - tx->tail, RING_SLOTS);
	KUNIT_ASSERT_LE(test, tx->tail - was.tail, RING_SLOTS);
	KUNIT_ASSERT_LE(test, tx->bad_tails - was.bad_tails, 1);
	if (mk_ring_wants_bell(tx))
		KUNIT_ASSERT_EQ(test, tx->rung % 2, 1);
	else
		KUNIT_ASSERT_EQ(test, tx->rung, was.rung);
	fix->sent += !ret;
}

static void hostile_stop(void *task)
{
	kthread_stop(task);
}

static void hostile_test_during(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct task_struct *task;
	unsigned int i;

	ring_start_at(fix->ring, U32_MAX - 1000);
	task = kthread_run(hostile_thread, fix->ring, "mk-scribbler");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, hostile_stop, task), 0);
	for (i = 0; i < HOSTILE_RACES; i++) {
		hostile_race_rx(test);
		hostile_race_tx(test);
		if (!(i % 1024))
			cond_resched();
	}
	kunit_release_action(test, hostile_stop, task);
	KUNIT_EXPECT_TRUE(test, ring_canaries_ok(fix->ring));
	KUNIT_EXPECT_GT(test, fix->accepted, 0);
	KUNIT_EXPECT_GT(test, fix->sent, 0);
}

/**
 * struct honest_fix - two ends that sleep and ring
 * @ring: the ring
 * @bell: the consumer's doorbell
 * @stop: the consumer has given up
 */
struct honest_fix {
	struct ring_fix *ring;
	struct completion bell;
	bool stop;
};

static int honest_producer(void *data)
{
	struct honest_fix *fix = data;
	u32 i = 0, words[14], n;

	while (i < HONEST_MESSAGES && !READ_ONCE(fix->stop)) {
		for (n = 0; n < ARRAY_SIZE(words); n++)
			words[n] = i * 14 + n;
		if (mk_ring_push(&fix->ring->tx, MK_MSG_NOP, words, sizeof(words))) {
			cond_resched();
			continue;
		}
		i++;
		if (mk_ring_wants_bell(&fix->ring->tx))
			complete(&fix->bell);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* As mk_channel_work() does it; false if the bell did not ring in time */
static bool honest_sleep(struct honest_fix *fix)
{
	bool rung = true;

	reinit_completion(&fix->bell);
	mk_ring_arm(&fix->ring->rx);
	if (!mk_ring_pending(&fix->ring->rx))
		rung = wait_for_completion_timeout(&fix->bell, 10 * HZ);
	mk_ring_disarm(&fix->ring->rx);
	return rung;
}

static void honest_consume(struct kunit *test, struct honest_fix *fix)
{
	struct mk_msg msg;
	u32 i, n, words[14];

	for (i = 0; i < HONEST_MESSAGES; i++) {
		while (!mk_ring_pop(&fix->ring->rx, &msg))
			KUNIT_ASSERT_TRUE_MSG(test, honest_sleep(fix), "no bell after %u", i);
		mk_ring_publish(&fix->ring->rx);
		KUNIT_ASSERT_EQ(test, msg.len, sizeof(words));
		memcpy(words, msg.payload, sizeof(words));
		for (n = 0; n < ARRAY_SIZE(words); n++)
			KUNIT_ASSERT_EQ(test, words[n], i * 14 + n);
	}
}

static void honest_stop(void *data)
{
	struct honest_fix *fix = data;

	WRITE_ONCE(fix->stop, true);
}

/* Nothing lost, torn or out of order, and no sleep without a bell */
static void hostile_test_honest(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct honest_fix *honest = kunit_kzalloc(test, sizeof(*honest), GFP_KERNEL);
	struct task_struct *task;

	KUNIT_ASSERT_NOT_NULL(test, honest);
	honest->ring = fix->ring;
	init_completion(&honest->bell);
	ring_start_at(fix->ring, U32_MAX - HONEST_MESSAGES / 2);
	task = kthread_run(honest_producer, honest, "mk-producer");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, hostile_stop, task), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, honest_stop, honest), 0);
	honest_consume(test, honest);
	KUNIT_EXPECT_EQ(test, fix->ring->tx.bad_tails, 0);
	KUNIT_EXPECT_EQ(test, fix->ring->rx.bad, 0);
}

static struct kunit_case hostile_cases[] = {
	KUNIT_CASE(hostile_test_between),
	KUNIT_CASE_SLOW(hostile_test_during),
	KUNIT_CASE_SLOW(hostile_test_honest),
	{}
};

static struct kunit_suite hostile_suite = {
	.name = "mk_ring_hostile",
	.init = hostile_init,
	.test_cases = hostile_cases,
};

kunit_test_suite(hostile_suite);
