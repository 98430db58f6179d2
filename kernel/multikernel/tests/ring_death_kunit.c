// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of ring.c with a peer that dies: the thread that plays it ends for ever
 * before the first, the second, the n-th access that it makes to the ring.  What it
 * had published counts, what it had not does not, and in a new epoch over the same
 * memory nothing of the old one does.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>

#include "fuzz.h"
#include "ring_steps.h"
#include "ring_test.h"

enum death_class {
	DEATH_PRODUCER_BEFORE,
	DEATH_PRODUCER_AFTER,
	DEATH_CONSUMER_BEFORE,
	DEATH_CONSUMER_AFTER,
	DEATH_OF_AGE,
	DEATH_NR
};

static const char * const death_names[DEATH_NR] = {
	[DEATH_PRODUCER_BEFORE]	= "producer died, nothing there",
	[DEATH_PRODUCER_AFTER]	= "producer died, delivered",
	[DEATH_CONSUMER_BEFORE]	= "consumer died, no room",
	[DEATH_CONSUMER_AFTER]	= "consumer died, room",
	[DEATH_OF_AGE]		= "lived",
};

/**
 * struct death_fix - a ring, one of whose ends dies
 * @ring: the ring
 * @kill_at: the access before which it dies
 * @dead: it is dead, or has done its work
 * @lived: it has done its work
 * @act: its work
 * @len: length of the message that the producer sends
 * @published: tail that it has published for certain
 * @sent: tail that it may have published
 * @data: payload of messages
 */
struct death_fix {
	struct ring_fix *ring;
	unsigned long kill_at;
	struct completion dead;
	bool lived;
	void (*act)(struct death_fix *fix);
	size_t len;
	u32 published;
	u32 sent;
	u8 data[RING_MAX];
};

static int death_init(struct kunit *test)
{
	struct death_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, fix);
	ring_fix_init(test);
	fix->ring = test->priv;
	for (i = 0; i < RING_MAX; i++)
		fix->data[i] = i * 7 + i / MK_SLOT_PAYLOAD + 1;
	test->priv = fix;
	return 0;
}

static void death_exit(struct kunit *test)
{
	ring_steps = (struct ring_steps){};
}

static void death_hook(void *arg, unsigned long count)
{
	struct death_fix *fix = arg;

	if (count == fix->kill_at)
		kthread_complete_and_exit(&fix->dead, 0);
}

static int death_thread(void *data)
{
	struct death_fix *fix = data;

	fix->act(fix);
	fix->lived = true;
	kthread_complete_and_exit(&fix->dead, 0);
}

/* Returns true if the peer was done before it came to the access @kill_at */
static bool death_play(struct kunit *test, void (*act)(struct death_fix *fix),
		       unsigned long kill_at)
{
	struct death_fix *fix = test->priv;
	struct task_struct *task;

	fix->act = act;
	fix->kill_at = kill_at;
	fix->lived = false;
	init_completion(&fix->dead);
	ring_steps = (struct ring_steps){ .hook = death_hook, .arg = fix };
	task = kthread_run(death_thread, fix, "mk-mortal");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for_completion(&fix->dead);
	ring_steps.hook = NULL;
	return fix->lived;
}

static void death_produce(struct death_fix *fix)
{
	step_mk_ring_push(&fix->ring->tx, 0x123, fix->data, fix->len);
	step_mk_ring_wants_bell(&fix->ring->tx);
	step_mk_ring_tx_wait(&fix->ring->tx);
	step_mk_ring_tx_wake(&fix->ring->tx);
}

/* A receiver's turn: all that is there, the tail in two portions, and to sleep */
static void death_consume(struct death_fix *fix)
{
	struct mk_ring_rx *rx = &fix->ring->rx;
	struct mk_msg msg;

	step_mk_ring_disarm(rx);
	while (step_mk_ring_pop(rx, &msg)) {
		fix->sent = rx->tail;
		step_mk_ring_publish(rx);
		fix->published = rx->tail;
		step_mk_ring_wants_room(rx);
	}
	step_mk_ring_arm(rx);
	step_mk_ring_pending(rx);
}

static void death_expect_msg(struct kunit *test, size_t len)
{
	struct death_fix *fix = test->priv;
	struct mk_msg msg;

	KUNIT_ASSERT_TRUE(test, mk_ring_pop(&fix->ring->rx, &msg));
	KUNIT_ASSERT_EQ(test, msg.type, 0x123);
	KUNIT_ASSERT_EQ(test, msg.len, len);
	KUNIT_ASSERT_MEMEQ(test, msg.data, fix->data, len);
}

static void death_push(struct kunit *test, size_t len)
{
	struct death_fix *fix = test->priv;

	KUNIT_ASSERT_EQ(test, mk_ring_push(&fix->ring->tx, 0x123, fix->data, len), 0);
}

/* Nothing of the old epoch counts; then a few rounds of messages of all lengths */
static void death_rebirth(struct kunit *test, u32 epoch)
{
	static const size_t lens[] = { RING_MAX, 0, 8, 121, 120, 400, 1, 240, 600 };
	struct death_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx;
	struct mk_ring_rx *rx = &fix->ring->rx;
	unsigned int i;

	mk_ring_tx_init(tx, fix->ring->mem, RING_SLOTS, epoch);
	mk_ring_rx_init(rx, fix->ring->mem, RING_SLOTS, epoch);
	mk_ring_rx_buf(rx, fix->ring->buf, RING_MAX);
	KUNIT_ASSERT_FALSE(test, mk_ring_pending(rx));
	KUNIT_ASSERT_FALSE(test, mk_ring_wants_bell(tx));
	KUNIT_ASSERT_FALSE(test, mk_ring_wants_room(rx));
	KUNIT_ASSERT_TRUE(test, mk_ring_tx_room(tx, RING_MAX));
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		death_push(test, lens[i]);
		death_expect_msg(test, lens[i]);
		KUNIT_ASSERT_FALSE(test, mk_ring_pending(rx));
		/* A tail of the old epoch is none: full until there is one of the new */
		if (lens[i] == RING_MAX)
			KUNIT_ASSERT_FALSE(test, mk_ring_tx_room(tx, 0));
		mk_ring_publish(rx);
		KUNIT_ASSERT_TRUE(test, mk_ring_tx_room(tx, RING_MAX));
	}
	KUNIT_ASSERT_EQ(test, rx->bad, 0);
	KUNIT_ASSERT_EQ(test, tx->bad_tails, 0);
	KUNIT_ASSERT_TRUE(test, ring_canaries_ok(fix->ring));
}

/* Accesses of a push that nobody disturbs: the last one publishes */
static unsigned long death_push_steps(struct kunit *test, u32 start, size_t len)
{
	struct death_fix *fix = test->priv;

	ring_start_at(fix->ring, start);
	ring_steps = (struct ring_steps){};
	KUNIT_ASSERT_EQ(test, step_mk_ring_push(&fix->ring->tx, 0x123, fix->data, len), 0);
	return ring_steps.count;
}

/* Returns true if the producer lived */
static bool death_of_producer(struct kunit *test, u32 start, size_t len, unsigned long kill_at,
			      enum death_class *class)
{
	struct death_fix *fix = test->priv;
	unsigned long steps = death_push_steps(test, start, len);
	bool before = len <= RING_MAX - MK_SLOT_PAYLOAD, lived;

	ring_start_at(fix->ring, start);
	mk_ring_arm(&fix->ring->rx);
	if (before)
		death_push(test, 33);
	fix->len = len;
	lived = death_play(test, death_produce, kill_at);
	if (before)
		death_expect_msg(test, 33);
	*class = kill_at < steps ? DEATH_PRODUCER_BEFORE : DEATH_PRODUCER_AFTER;
	if (kill_at >= steps)
		death_expect_msg(test, len);
	if (lived)
		*class = DEATH_OF_AGE;
	KUNIT_ASSERT_FALSE(test, mk_ring_pending(&fix->ring->rx));
	KUNIT_ASSERT_EQ(test, fix->ring->rx.bad, 0);
	return lived;
}

/* As many messages of @len as fit */
static void death_fill(struct kunit *test, u32 start, size_t len)
{
	struct death_fix *fix = test->priv;

	ring_start_at(fix->ring, start);
	while (mk_ring_tx_room(&fix->ring->tx, len))
		death_push(test, len);
	mk_ring_tx_wait(&fix->ring->tx);
	fix->published = start;
	fix->sent = start;
}

/* Returns true if the consumer lived */
static bool death_of_consumer(struct kunit *test, u32 start, size_t len, unsigned long kill_at,
			      enum death_class *class)
{
	struct death_fix *fix = test->priv;
	struct mk_ring_tx *tx = &fix->ring->tx;
	u8 old[sizeof(struct mk_slot)];
	bool lived;

	death_fill(test, start, len);
	lived = death_play(test, death_consume, kill_at);
	/* As much room as it has published, and its last word is whole */
	mk_ring_tx_room(tx, RING_MAX);
	KUNIT_ASSERT_TRUE(test, tx->tail == fix->published || tx->tail == fix->sent);
	KUNIT_ASSERT_EQ(test, tx->bad_tails, 0);
	/* The sender goes on until it is full, and no message that lies there suffers */
	memcpy(old, ring_slot(fix->ring, tx->tail), sizeof(old));
	while (!mk_ring_push(tx, 0x123, fix->data, MK_SLOT_PAYLOAD))
		;
	KUNIT_ASSERT_EQ(test, tx->head - tx->tail, RING_SLOTS);
	if (tx->tail == start)
		KUNIT_ASSERT_MEMEQ(test, old, ring_slot(fix->ring, tx->tail), sizeof(old));
	*class = tx->tail == start ? DEATH_CONSUMER_BEFORE : DEATH_CONSUMER_AFTER;
	if (lived)
		*class = DEATH_OF_AGE;
	return lived;
}

/**
 * struct death_case - a ring in which somebody dies
 * @start: position
 * @len: length of the messages
 */
struct death_case {
	u32 start;
	size_t len;
};

static const struct death_case death_params[] = {
	{ 0, 0 }, { 0, 8 }, { 3, 120 }, { 0, 121 }, { U32_MAX, 240 }, { 6, 400 },
	{ U32_MAX - 2, 600 }, { 5, RING_MAX },
};

static void death_desc(const struct death_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%zu bytes at 0x%x", c->len, c->start);
}

KUNIT_ARRAY_PARAM(death, death_params, death_desc);

static void death_test_producer(struct kunit *test)
{
	const struct death_case *c = test->param_value;
	enum death_class class;
	unsigned long step;
	bool lived = false;

	for (step = 0; !lived; step++) {
		lived = death_of_producer(test, c->start, c->len, step, &class);
		death_rebirth(test, RING_EPOCH + 1 + step);
	}
	/* All words of the payload, and the control words, at least */
	KUNIT_EXPECT_GE(test, step, DIV_ROUND_UP(c->len, 8) + ring_slots_of(c->len));
}

static void death_test_consumer(struct kunit *test)
{
	const struct death_case *c = test->param_value;
	enum death_class class;
	unsigned long step;
	bool lived = false;

	for (step = 0; !lived; step++) {
		lived = death_of_consumer(test, c->start, c->len, step, &class);
		death_rebirth(test, RING_EPOCH + 1 + step);
	}
	/* All words of the payload, and the control word of the first slot, at least */
	KUNIT_EXPECT_GE(test, step, DIV_ROUND_UP(c->len, 8) + 1);
}

/* Any of them, anywhere, in any of the epochs that an old one can be told from */
static void death_test_any(struct kunit *test)
{
	struct fuzz fuzz;
	unsigned long i;

	fuzz_begin(&fuzz, test, death_names, DEATH_NR, FUZZ_SLOW);
	for (i = 0; i < fuzz.cases; i++) {
		u32 start = fuzz_u32(&fuzz);
		size_t len = fuzz_below(&fuzz, fuzz_below(&fuzz, 2) ? 121 : RING_MAX + 1);
		unsigned long step = fuzz_below(&fuzz, fuzz_below(&fuzz, 8) ? 32 : 256);
		enum death_class class;

		if (fuzz_below(&fuzz, 2))
			death_of_producer(test, start, len, step, &class);
		else
			death_of_consumer(test, start, len, step, &class);
		fuzz_is(&fuzz, class);
		death_rebirth(test, RING_EPOCH + 1 + fuzz_below(&fuzz, 255));
		cond_resched();
	}
	fuzz_end(&fuzz);
}

static struct kunit_case death_cases[] = {
	KUNIT_CASE_PARAM(death_test_producer, death_gen_params),
	KUNIT_CASE_PARAM(death_test_consumer, death_gen_params),
	KUNIT_CASE_SLOW(death_test_any),
	{}
};

static struct kunit_suite death_suite = {
	.name = "mk_ring_death",
	.init = death_init,
	.exit = death_exit,
	.test_cases = death_cases,
};

kunit_test_suite(death_suite);
