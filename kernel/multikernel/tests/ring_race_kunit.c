// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of ring.c against a peer that changes the ring while it is being read: once
 * between any two accesses of the code, which is the worst that a peer can do, and
 * once from another CPU.  What a call does can't be foretold then, but what it may
 * change of its private state can.  Last, two honest ends on two CPUs, who sleep and
 * ring.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "fuzz.h"
#include "ring_steps.h"
#include "ring_test.h"

#define HONEST_MESSAGES		50000

/*
 * Accesses that one call may need: the control words of messages that are dropped, and
 * a message as long as the ring, of seven words and a control word a slot; and some
 * for the single words.
 */
#define RACE_STEPS_MAX		((MK_SLOT_PAYLOAD / 8 + 1) * RING_SLOTS + 8)

enum race_class {
	RACE_NOTHING,
	RACE_SHORT,
	RACE_LONG,
	RACE_DROPPED,
	RACE_SENT,
	RACE_SENT_LONG,
	RACE_FULL,
	RACE_BAD_TAIL,
	RACE_BELL,
	RACE_NO_BELL,
	RACE_OWN_WORD,
	RACE_NR
};

static const char * const race_names[RACE_NR] = {
	[RACE_NOTHING]		= "nothing there",
	[RACE_SHORT]		= "delivered",
	[RACE_LONG]		= "delivered long",
	[RACE_DROPPED]		= "dropped as bad",
	[RACE_SENT]		= "sent",
	[RACE_SENT_LONG]	= "sent long",
	[RACE_FULL]		= "no room",
	[RACE_BAD_TAIL]		= "bad tail",
	[RACE_BELL]		= "bell",
	[RACE_NO_BELL]		= "no bell",
	[RACE_OWN_WORD]		= "own word",
};

/**
 * struct race_code - the code under test: as it is, or with steps
 * @pop: mk_ring_pop(), and so on
 * @push: see @pop
 * @wants_bell: see @pop
 * @wants_room: see @pop
 * @publish: see @pop
 * @arm: see @pop
 * @disarm: see @pop
 * @tx_wait: see @pop
 * @tx_wake: see @pop
 */
struct race_code {
	bool (*pop)(struct mk_ring_rx *rx, struct mk_msg *msg);
	int (*push)(struct mk_ring_tx *tx, u16 type, const void *data, size_t len);
	bool (*wants_bell)(struct mk_ring_tx *tx);
	bool (*wants_room)(struct mk_ring_rx *rx);
	void (*publish)(struct mk_ring_rx *rx);
	void (*arm)(struct mk_ring_rx *rx);
	void (*disarm)(struct mk_ring_rx *rx);
	void (*tx_wait)(struct mk_ring_tx *tx);
	void (*tx_wake)(struct mk_ring_tx *tx);
};

static const struct race_code race_plain = {
	.pop		= mk_ring_pop,
	.push		= mk_ring_push,
	.wants_bell	= mk_ring_wants_bell,
	.wants_room	= mk_ring_wants_room,
	.publish	= mk_ring_publish,
	.arm		= mk_ring_arm,
	.disarm		= mk_ring_disarm,
	.tx_wait	= mk_ring_tx_wait,
	.tx_wake	= mk_ring_tx_wake,
};

static const struct race_code race_steps = {
	.pop		= step_mk_ring_pop,
	.push		= step_mk_ring_push,
	.wants_bell	= step_mk_ring_wants_bell,
	.wants_room	= step_mk_ring_wants_room,
	.publish	= step_mk_ring_publish,
	.arm		= step_mk_ring_arm,
	.disarm		= step_mk_ring_disarm,
	.tx_wait	= step_mk_ring_tx_wait,
	.tx_wake	= step_mk_ring_tx_wake,
};

/**
 * struct race_fix - a ring under two hands
 * @ring: the ring
 * @code: whose functions are called
 * @fuzz: what is called, and what came of it
 * @rnd: what the peer writes
 * @stores: how often the peer on another CPU has written
 * @data: payload of a message, which the code may not change
 */
struct race_fix {
	struct ring_fix *ring;
	const struct race_code *code;
	struct fuzz fuzz;
	struct rnd_state rnd;
	unsigned long stores;
	u8 data[RING_MAX];
};

static int race_init(struct kunit *test)
{
	struct race_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fix);
	ring_fix_init(test);
	fix->ring = test->priv;
	prandom_seed_state(&fix->rnd, 7);
	memset(fix->data, RING_CANARY, sizeof(fix->data));
	test->priv = fix;
	return 0;
}

/* Also when an assertion has ended the test */
static void race_exit(struct kunit *test)
{
	ring_steps = (struct ring_steps){};
}

static void race_pop(struct kunit *test)
{
	struct race_fix *fix = test->priv;
	struct mk_ring_rx *rx = &fix->ring->rx, was = *rx;
	struct {
		struct mk_msg msg;
		u8 canary[256];
	} to;
	u32 bad;
	bool ret;

	memset(&to, RING_CANARY, sizeof(to));
	ret = fix->code->pop(rx, &to.msg);
	bad = rx->bad - was.bad;
	KUNIT_ASSERT_NULL(test, memchr_inv(to.canary, RING_CANARY, sizeof(to.canary)));
	KUNIT_ASSERT_NULL(test, memchr_inv(fix->ring->buf + RING_MAX, RING_CANARY, 64));
	/* What is too long is as long as the ring */
	KUNIT_ASSERT_LE(test, bad, 2);
	was.tail += bad * RING_SLOTS;
	was.bad += bad;
	if (ret) {
		KUNIT_ASSERT_LE(test, to.msg.len, RING_MAX);
		KUNIT_ASSERT_LE(test, to.msg.type, 0x7fff);
		KUNIT_ASSERT_PTR_EQ(test, to.msg.data,
				    to.msg.len > MK_SLOT_PAYLOAD ? rx->buf : to.msg.payload);
		was.tail += ring_slots_of(to.msg.len);
		fuzz_is(&fix->fuzz, to.msg.len > MK_SLOT_PAYLOAD ? RACE_LONG : RACE_SHORT);
	} else {
		fuzz_is(&fix->fuzz, bad ? RACE_DROPPED : RACE_NOTHING);
	}
	KUNIT_ASSERT_TRUE(test, ring_rx_same(rx, &was));
}

static void race_push(struct kunit *test)
{
	struct race_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx, was = *tx;
	size_t len = fuzz_below(&fix->fuzz, fuzz_below(&fix->fuzz, 8) ? 121 : RING_MAX + 1);
	int ret = fix->code->push(tx, 2, fix->data, len);
	bool bad_tail = tx->bad_tails != was.bad_tails;

	KUNIT_ASSERT_TRUE(test, ret == 0 || ret == -EAGAIN);
	KUNIT_ASSERT_LE(test, tx->bad_tails - was.bad_tails, 1);
	/* Never before what it knew, nor after what it has sent */
	KUNIT_ASSERT_LE(test, tx->tail - was.tail, was.head - was.tail);
	was.tail = tx->tail;
	was.bad_tails = tx->bad_tails;
	was.head += ret ? 0 : ring_slots_of(len);
	KUNIT_ASSERT_MEMEQ(test, tx, &was, sizeof(was));
	KUNIT_ASSERT_LE(test, tx->head - tx->tail, RING_SLOTS);
	KUNIT_ASSERT_NULL(test, memchr_inv(fix->data, RING_CANARY, RING_MAX));
	if (ret)
		fuzz_is(&fix->fuzz, bad_tail ? RACE_BAD_TAIL : RACE_FULL);
	else
		fuzz_is(&fix->fuzz, len > MK_SLOT_PAYLOAD ? RACE_SENT_LONG : RACE_SENT);
}

/* A bell is for an odd value, and for one that has not been rung for */
static void race_bells(struct kunit *test, bool room)
{
	struct race_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx, was_tx = *tx;
	struct mk_ring_rx *rx = &fix->ring->rx, was_rx = *rx;
	u32 *rung = room ? &was_rx.rung : &was_tx.rung, old = *rung;
	bool bell = room ? fix->code->wants_room(rx) : fix->code->wants_bell(tx);

	*rung = room ? rx->rung : tx->rung;
	KUNIT_ASSERT_EQ(test, bell, *rung != old);
	if (bell)
		KUNIT_ASSERT_EQ(test, *rung % 2, 1);
	KUNIT_ASSERT_MEMEQ(test, tx, &was_tx, sizeof(was_tx));
	KUNIT_ASSERT_TRUE(test, ring_rx_same(rx, &was_rx));
	fuzz_is(&fix->fuzz, bell ? RACE_BELL : RACE_NO_BELL);
}

/* The counts go on from the private ones */
static void race_own_word(struct kunit *test, u32 what)
{
	struct race_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx, was_tx = *tx;
	struct mk_ring_rx *rx = &fix->ring->rx, was_rx = *rx;

	switch (what % 5) {
	case 0:
		fix->code->publish(rx);
		was_rx.published = was_rx.tail;
		break;
	case 1:
		fix->code->arm(rx);
		was_rx.armed += was_rx.armed % 2 ? 2 : 1;
		break;
	case 2:
		fix->code->disarm(rx);
		was_rx.armed += was_rx.armed % 2;
		break;
	case 3:
		fix->code->tx_wait(tx);
		was_tx.waiting += was_tx.waiting % 2 ? 2 : 1;
		break;
	default:
		fix->code->tx_wake(tx);
		was_tx.waiting += was_tx.waiting % 2;
	}
	KUNIT_ASSERT_MEMEQ(test, tx, &was_tx, sizeof(was_tx));
	KUNIT_ASSERT_TRUE(test, ring_rx_same(rx, &was_rx));
	fuzz_is(&fix->fuzz, RACE_OWN_WORD);
}

static void race_case(struct kunit *test, u32 what)
{
	switch (what % 8) {
	case 0:
	case 1:
	case 2:
		return race_pop(test);
	case 3:
	case 4:
		return race_push(test);
	case 5:
		return race_bells(test, false);
	case 6:
		return race_bells(test, true);
	default:
		return race_own_word(test, what >> 8);
	}
}

static void race_start(struct kunit *test, unsigned long i)
{
	struct race_fix *fix = test->priv;

	KUNIT_ASSERT_TRUE(test, !i || ring_canaries_ok(fix->ring));
	ring_start_at(fix->ring, i % 1000 ? U32_MAX - i / 500 : i);
	cond_resched();
}

static void race_hook(void *arg, unsigned long count)
{
	struct race_fix *fix = arg;

	if (prandom_u32_state(&fix->rnd) % 4 == 0)
		ring_scribble(fix->ring, &fix->rnd);
}

/* The peer is let in before each access that the code makes */
static void race_test_each_access(struct kunit *test)
{
	struct race_fix *fix = test->priv;
	struct fuzz *fuzz = &fix->fuzz;
	unsigned long i, most = 0;

	fuzz_begin(fuzz, test, race_names, RACE_NR, 1);
	fix->code = &race_steps;
	ring_steps.arg = fix;
	for (i = 0; i < fuzz->cases; i++) {
		if (!(i % 500))
			race_start(test, i);
		ring_scribble(fix->ring, &fix->rnd);
		ring_steps.hook = race_hook;
		ring_steps.count = 0;
		race_case(test, fuzz_u32(fuzz));
		ring_steps.hook = NULL;
		KUNIT_ASSERT_LE(test, ring_steps.count, RACE_STEPS_MAX);
		most = max(most, ring_steps.count);
	}
	kunit_info(test, "at most %lu accesses in one call\n", most);
	KUNIT_EXPECT_TRUE(test, ring_canaries_ok(fix->ring));
	fuzz_end(fuzz);
}

/* The next slot is the first one of a message that is too long, each time one looks */
static void race_worst_hook(void *arg, unsigned long count)
{
	struct race_fix *fix = arg;
	struct mk_ring_rx *rx = &fix->ring->rx;

	/* Or a consumer without a bound would never come back to be told */
	if (count > RACE_STEPS_MAX) {
		ring_slot(fix->ring, rx->tail)->ctl = 0;
		return;
	}
	ring_slot(fix->ring, rx->tail)->ctl = ring_ctl(rx->tail, 2, rx->max + 1);
}

/* Even who is lied to at each step comes back */
static void race_test_worst(struct kunit *test)
{
	struct race_fix *fix = test->priv;
	struct mk_ring_rx *rx = &fix->ring->rx;
	struct mk_msg msg;

	ring_start_at(fix->ring, U32_MAX - 3);
	ring_steps = (struct ring_steps){ .hook = race_worst_hook, .arg = fix };
	KUNIT_EXPECT_FALSE(test, step_mk_ring_pop(rx, &msg));
	KUNIT_EXPECT_EQ(test, rx->bad, 2);
	KUNIT_EXPECT_EQ(test, ring_steps.count, 2);

	/* Two slots each */
	mk_ring_rx_buf(rx, fix->ring->buf, MK_SLOT_PAYLOAD);
	ring_steps = (struct ring_steps){ .hook = race_worst_hook, .arg = fix };
	KUNIT_EXPECT_FALSE(test, step_mk_ring_pop(rx, &msg));
	KUNIT_EXPECT_EQ(test, rx->bad, 2 + RING_SLOTS / 2 + 1);
	KUNIT_EXPECT_EQ(test, ring_steps.count, RING_SLOTS / 2 + 1);
}

/* A peer on another CPU */
static int race_thread(void *data)
{
	struct race_fix *fix = data;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 8);
	while (!kthread_should_stop()) {
		ring_scribble(fix->ring, &rnd);
		WRITE_ONCE(fix->stores, fix->stores + 1);
		if (!(fix->stores % 1024))
			cond_resched();
	}
	return 0;
}

static void race_stop(void *task)
{
	kthread_stop(task);
}

static struct task_struct *race_start_peer(struct kunit *test)
{
	struct race_fix *fix = test->priv;
	unsigned int here = cpumask_first(cpu_online_mask);
	struct task_struct *task;

	set_cpus_allowed_ptr(current, cpumask_of(here));
	task = kthread_create(race_thread, fix, "mk-scribbler");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	kthread_bind(task, cpumask_next(here, cpu_online_mask));
	wake_up_process(task);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, race_stop, task), 0);
	while (!READ_ONCE(fix->stores))
		schedule_timeout_uninterruptible(1);
	return task;
}

static void race_test_other_cpu(struct kunit *test)
{
	struct race_fix *fix = test->priv;
	struct fuzz *fuzz = &fix->fuzz;
	unsigned long i, stores, raced = 0;
	struct task_struct *task;

	if (num_online_cpus() < 2)
		kunit_skip(test, "the peer needs another CPU");
	fuzz_begin(fuzz, test, race_names, RACE_NR, 1);
	fix->code = &race_plain;
	ring_start_at(fix->ring, U32_MAX - 1000);
	task = race_start_peer(test);
	/* Both virtual CPUs of a test machine may have to share one that is busy */
	for (i = 0; i < fuzz->cases ||
	     ((raced < 100 || !fuzz_has_all(fuzz)) && i < 200 * fuzz->cases); i++) {
		stores = READ_ONCE(fix->stores);
		race_case(test, fuzz_u32(fuzz));
		raced += stores != READ_ONCE(fix->stores);
		if (!(i % 1024))
			cond_resched();
	}
	kunit_release_action(test, race_stop, task);
	fuzz->cases = i;
	kunit_info(test, "%lu stores of the peer, during %lu cases\n", fix->stores, raced);
	KUNIT_EXPECT_GT(test, raced, 0);
	KUNIT_EXPECT_TRUE(test, ring_canaries_ok(fix->ring));
	fuzz_end(fuzz);
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
static void race_test_honest(struct kunit *test)
{
	struct race_fix *fix = test->priv;
	struct honest_fix *honest = kunit_kzalloc(test, sizeof(*honest), GFP_KERNEL);
	struct task_struct *task;

	KUNIT_ASSERT_NOT_NULL(test, honest);
	honest->ring = fix->ring;
	init_completion(&honest->bell);
	ring_start_at(fix->ring, U32_MAX - HONEST_MESSAGES / 2);
	task = kthread_run(honest_producer, honest, "mk-producer");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, race_stop, task), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, honest_stop, honest), 0);
	honest_consume(test, honest);
	KUNIT_EXPECT_EQ(test, fix->ring->tx.bad_tails, 0);
	KUNIT_EXPECT_EQ(test, fix->ring->rx.bad, 0);
}

static struct kunit_case race_cases[] = {
	KUNIT_CASE_SLOW(race_test_each_access),
	KUNIT_CASE(race_test_worst),
	KUNIT_CASE_SLOW(race_test_other_cpu),
	KUNIT_CASE_SLOW(race_test_honest),
	{}
};

static struct kunit_suite race_suite = {
	.name = "mk_ring_race",
	.init = race_init,
	.exit = race_exit,
	.test_cases = race_cases,
};

kunit_test_suite(race_suite);
