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
 * @data: payload of a message
 * @accepted: messages received
 * @accepted_long: those of more than one slot
 * @sent: messages sent
 */
struct hostile_fix {
	struct ring_fix *ring;
	struct rnd_state rnd;
	union {
		u8 mem[RING_BYTES];
		struct mk_ring_mem was;
	};
	u8 data[RING_MAX];
	unsigned long accepted;
	unsigned long accepted_long;
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

	switch (bits >> 29) {
	case 0:
		return ring_ctl(pos, bits, bits >> 12);
	case 1:
		return ring_ctl(pos + bits % 3 - 1, bits, bits % 57);
	case 2:
		return ring_ctl(pos, bits, bits % 57) ^ BIT_ULL(32 + bits % 8);
	case 3:
	case 4:
		return ring_ctl(pos, 0x7fff, bits % 58);
	case 5:
		return ring_ctl(pos, bits, 57 + bits % 200);
	default:
		return ring_ctl(pos, bits, bits % 57);
	}
}

/* A message of two slots, mostly; what a careless consumer copies too much of */
static void hostile_long(struct ring_fix *ring, struct rnd_state *rnd, u32 pos)
{
	u32 bits = prandom_u32_state(rnd);
	u32 len = 57 + bits % 56;

	WRITE_ONCE(ring_slot(ring, pos)->ctl, ring_ctl(pos, bits, len + (bits >> 30)));
	WRITE_ONCE(ring_slot(ring, pos + 1)->ctl, ring_ctl(pos + 1, 0x7fff, len - 56));
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

	switch (what % 8) {
	case 0:
		WRITE_ONCE(((u32 *)mem)[(what >> 8) % (RING_BYTES / sizeof(u32))],
			   prandom_u32_state(rnd));
		break;
	case 1:
		WRITE_ONCE(mem->tail, ring_word(hostile_u32(rnd, READ_ONCE(ring->tx.head))) ^
				      (what >> 28 ? 0 : BIT_ULL(40)));
		break;
	case 2:
		WRITE_ONCE(mem->armed, ring_word(hostile_u32(rnd, READ_ONCE(ring->tx.rung))) ^
				       (what >> 28 ? 0 : BIT_ULL(63)));
		break;
	case 3:
		WRITE_ONCE(mem->waiting, ring_word(hostile_u32(rnd, READ_ONCE(ring->rx.rung))) ^
					 (what >> 28 ? 0 : BIT_ULL(32)));
		break;
	case 4:
		hostile_long(ring, rnd, pos);
		break;
	default:
		WRITE_ONCE(mem->slot[pos % RING_SLOTS].ctl, hostile_ctl(rnd, pos));
	}
}

#define CTL_KEY(ctl)	((ctl) >> 32)
#define CTL_TYPE(ctl)	(((ctl) >> 17) & 0x7fff)
#define CTL_LEN(ctl)	((ctl) & 0x1ffff)

static bool hostile_is_next(const struct mk_ring_mem *was, u32 pos)
{
	return CTL_KEY(was->slot[pos % RING_SLOTS].ctl) == CTL_KEY(ring_ctl(pos, 0, 0));
}

/* Puts together what lies at @pos; 0 if it is no message, or its number of slots */
static u32 hostile_foretell_msg(const struct mk_ring_mem *was, u32 pos, u16 *type,
				u32 *len, u8 *data)
{
	u64 ctl = was->slot[pos % RING_SLOTS].ctl;
	u32 i, part;

	*type = CTL_TYPE(ctl);
	*len = CTL_LEN(ctl);
	if (*type == 0x7fff || *len > RING_MAX)
		return 0;
	for (i = 0; i < ring_slots_of(*len); i++) {
		const struct mk_slot *slot = &was->slot[(pos + i) % RING_SLOTS];

		part = min(*len - i * 56, 56);
		if (i && slot->ctl != ring_ctl(pos + i, 0x7fff, part))
			return 0;
		memcpy(data + i * 56, slot->payload, part);
	}
	return i;
}

/* What mk_ring_pop() must do, read from the copy */
static bool hostile_foretell_pop(const struct mk_ring_mem *was, struct mk_ring_rx *rx,
				 u16 *type, u32 *len, u8 *data)
{
	unsigned int i;

	for (i = 0; i <= RING_SLOTS; i++) {
		u32 slots;

		if (!hostile_is_next(was, rx->tail))
			return false;
		slots = hostile_foretell_msg(was, rx->tail, type, len, data);
		rx->tail += slots ?: 1;
		if (slots)
			return true;
		rx->bad++;
	}
	return false;
}

static void hostile_pop(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_rx *rx = &fix->ring->rx, want_rx = *rx;
	struct mk_msg msg;
	bool ret;
	u16 type;
	u32 len;

	memset(&msg, RING_CANARY, sizeof(msg));
	KUNIT_ASSERT_EQ(test, mk_ring_pending(rx), hostile_is_next(&fix->was, rx->tail));
	ret = hostile_foretell_pop(&fix->was, &want_rx, &type, &len, fix->data);
	KUNIT_ASSERT_EQ(test, mk_ring_pop(rx, &msg), ret);
	KUNIT_ASSERT_TRUE(test, ring_rx_same(rx, &want_rx));
	if (!ret)
		return;
	KUNIT_ASSERT_EQ(test, msg.type, type);
	KUNIT_ASSERT_EQ(test, msg.len, len);
	KUNIT_ASSERT_PTR_EQ(test, msg.data, len > 56 ? rx->buf : msg.payload);
	KUNIT_ASSERT_MEMEQ(test, msg.data, fix->data, len);
	fix->accepted++;
	fix->accepted_long += len > 56;
}

/* What mk_ring_tx_room() must do, read from the copy */
static bool hostile_foretell_room(const struct mk_ring_mem *was, struct mk_ring_tx *tx,
				  size_t len)
{
	u32 need = ring_slots_of(len), tail = was->tail;

	if (tx->head - tx->tail + need <= RING_SLOTS)
		return true;
	if (was->tail >> 32 != RING_EPOCH)
		return false;
	if (tail - tx->tail > tx->head - tx->tail) {
		tx->bad_tails++;
		return false;
	}
	tx->tail = tail;
	return tx->head - tx->tail + need <= RING_SLOTS;
}

/* The slots of a message as they must lie there */
static void hostile_foretell_push(struct hostile_fix *fix, struct mk_ring_tx *tx, u16 type,
				  size_t len)
{
	u32 i, part;

	for (i = 0; i < ring_slots_of(len); i++, tx->head++) {
		struct mk_slot *slot = &fix->was.slot[tx->head % RING_SLOTS];

		part = min(len - i * 56, 56);
		memcpy(slot->payload, fix->data + i * 56, part);
		slot->ctl = ring_ctl(tx->head, i ? 0x7fff : type, i ? part : len);
	}
}

static void hostile_push(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx, want = *tx;
	u32 bits = prandom_u32_state(&fix->rnd);
	size_t len = bits % (bits >> 29 ? 64 : RING_MAX + 20);
	u16 type = (bits >> 16) & 0x3fff;
	int ret = 0;

	prandom_bytes_state(&fix->rnd, fix->data, min(len, RING_MAX));
	if (len > RING_MAX)
		ret = -EMSGSIZE;
	else if (!hostile_foretell_room(&fix->was, &want, len))
		ret = -EAGAIN;
	if (!ret) {
		hostile_foretell_push(fix, &want, type, len);
		fix->sent++;
	}
	KUNIT_ASSERT_EQ(test, mk_ring_push(tx, type, fix->data, len), ret);
	KUNIT_ASSERT_MEMEQ(test, tx, &want, sizeof(want));
}

static void hostile_room(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx, want = *tx;
	size_t len = prandom_u32_state(&fix->rnd) % RING_MAX;
	bool room = hostile_foretell_room(&fix->was, &want, len);

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
	KUNIT_ASSERT_EQ(test, mk_ring_wants_bell(tx), bell);
	KUNIT_ASSERT_FALSE(test, mk_ring_wants_bell(tx));
	KUNIT_ASSERT_MEMEQ(test, tx, &want, sizeof(want));
}

static void hostile_publish(struct kunit *test)
{
	struct hostile_fix *fix = test->priv;
	struct mk_ring_rx *rx = &fix->ring->rx, want = *rx;

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

	if (want.armed % 2 != arm)
		fix->was.armed = ring_word(++want.armed);
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
	KUNIT_EXPECT_GT(test, fix->accepted_long, HOSTILE_CASES / 200);
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
		KUNIT_ASSERT_LE(test, to.msg.len, RING_MAX);
	KUNIT_ASSERT_EQ(test, rx->tail - was.tail,
			rx->bad - was.bad + (ret ? ring_slots_of(to.msg.len) : 0));
	KUNIT_ASSERT_NULL(test, memchr_inv(fix->ring->buf + RING_MAX, RING_CANARY, 64));
	KUNIT_ASSERT_LE(test, rx->bad - was.bad, RING_SLOTS + 1);
	KUNIT_ASSERT_EQ(test, rx->armed, was.armed);
	fix->accepted += ret;
}

static void hostile_race_tx(struct kunit *test)
{
	static const u8 data[MK_SLOT_PAYLOAD];
	struct hostile_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx, was = *tx;
	int ret = mk_ring_push(tx, 2, data, sizeof(data));

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
		if (mk_ring_push(&fix->ring->tx, 2, words, sizeof(words))) {
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

/* As a channel's receiver does it; false if the bell did not ring in time */
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
		memcpy(words, msg.data, sizeof(words));
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
