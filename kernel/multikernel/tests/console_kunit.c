// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of console.c: text comes out as it went in, at any offset and in pieces
 * of any size; when the store is full the oldest chunk becomes a hole of NULs
 * that is counted; a new run starts with an empty store; readers are woken; and
 * what is typed goes into the ring as far as there is room.
 */

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/wait.h>

#include "../internal.h"

#define CONSOLE_SLOTS		64

/* What console.c promises to keep, and in which pieces it gives it up */
#define CONSOLE_KEPT		SZ_16M
#define CONSOLE_CHUNK		SZ_64K

/**
 * struct console_fix - a console and the ring that feeds it
 * @con: the console
 * @tx: the instance's end
 * @rx: the host's end
 * @sent: bytes of this run
 * @buf: space for readers
 */
struct console_fix {
	struct mk_console *con;
	struct mk_ring_tx tx;
	struct mk_ring_rx rx;
	u64 sent;
	u8 buf[CONSOLE_SLOTS * MK_SLOT_PAYLOAD + 64];
};

static int console_init(struct kunit *test)
{
	struct console_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	void *mem = kunit_kzalloc(test, mk_ring_size(CONSOLE_SLOTS), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fix);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	mk_ring_tx_init(&fix->tx, mem, CONSOLE_SLOTS, 1);
	mk_ring_rx_init(&fix->rx, mem, CONSOLE_SLOTS, 1);
	fix->con = mk_console_alloc();
	KUNIT_ASSERT_NOT_NULL(test, fix->con);
	test->priv = fix;
	return 0;
}

static void console_exit(struct kunit *test)
{
	struct console_fix *fix = test->priv;

	if (fix)
		mk_console_free(fix->con);
}

/* The byte at an offset; never 0, and different in each chunk and each round */
static u8 console_byte(u64 off)
{
	return 1 + (off ^ (off >> 8) ^ (off >> 16) * 37 ^ (off >> 24) * 101) % 255;
}

/* Sends up to @len bytes; true if all of them found room */
static bool console_send(struct console_fix *fix, size_t len)
{
	u8 text[MK_SLOT_PAYLOAD];
	size_t i, step;

	for (; len; len -= step, fix->sent += step) {
		step = min(len, sizeof(text));
		for (i = 0; i < step; i++)
			text[i] = console_byte(fix->sent + i);
		if (mk_ring_push(&fix->tx, MK_MSG_CONSOLE, text, step))
			return false;
	}
	return true;
}

static void console_feed(struct kunit *test, u64 len)
{
	struct console_fix *fix = test->priv;
	size_t step;

	for (; len; len -= step) {
		step = min_t(u64, len, CONSOLE_SLOTS * MK_SLOT_PAYLOAD);
		KUNIT_ASSERT_TRUE(test, console_send(fix, step));
		mk_console_drain(fix->con, &fix->rx);
		KUNIT_ASSERT_EQ(test, mk_console_end(fix->con), fix->sent);
		cond_resched();
	}
}

/* Reads, and compares with what was sent, or with the hole before @start */
static void console_expect(struct kunit *test, u64 off, size_t len, u64 start)
{
	struct console_fix *fix = test->priv;
	size_t want = off < fix->sent ? min_t(u64, len, fix->sent - off) : 0;
	size_t i;

	KUNIT_ASSERT_LE(test, len, sizeof(fix->buf));
	memset(fix->buf, 0xff, sizeof(fix->buf));
	KUNIT_ASSERT_EQ(test, mk_console_read(fix->con, fix->buf, len, off), want);
	for (i = 0; i < want; i++)
		KUNIT_ASSERT_EQ_MSG(test, fix->buf[i],
				    off + i < start ? 0 : console_byte(off + i),
				    "at %llu", off + i);
	KUNIT_ASSERT_NULL(test, memchr_inv(fix->buf + want, 0xff, sizeof(fix->buf) - want));
}

static void console_expect_random(struct kunit *test, u64 start, unsigned int times)
{
	struct console_fix *fix = test->priv;
	struct rnd_state rnd;
	u64 off;

	prandom_seed_state(&rnd, fix->sent);
	while (times--) {
		off = prandom_u32_state(&rnd) % (fix->sent + 100);
		console_expect(test, off, prandom_u32_state(&rnd) % sizeof(fix->buf), start);
	}
}

static void console_test_empty(struct kunit *test)
{
	struct console_fix *fix = test->priv;

	mk_console_drain(fix->con, &fix->rx);
	KUNIT_EXPECT_EQ(test, mk_console_end(fix->con), 0);
	KUNIT_EXPECT_EQ(test, mk_console_dropped(fix->con), 0);
	console_expect(test, 0, 100, 0);
	console_expect(test, S64_MAX, 100, 0);
	mk_console_free(NULL);
}

static void console_test_text(struct kunit *test)
{
	struct console_fix *fix = test->priv;
	unsigned int len;

	for (len = 0; len <= 100; len++) {
		console_feed(test, len);
		console_expect(test, 0, sizeof(fix->buf), 0);
	}
	console_expect(test, fix->sent - 1, 100, 0);
	console_expect(test, fix->sent, 100, 0);
	console_expect(test, fix->sent + 1, 100, 0);
	console_expect(test, S64_MAX, 100, 0);
	console_expect(test, 10, 0, 0);
	KUNIT_EXPECT_EQ(test, mk_console_dropped(fix->con), 0);
}

/* Across the borders between chunks */
static void console_test_chunks(struct kunit *test)
{
	struct console_fix *fix = test->priv;
	u64 off;

	console_feed(test, 3 * CONSOLE_CHUNK + 1000);
	for (off = CONSOLE_CHUNK; off < fix->sent; off += CONSOLE_CHUNK) {
		console_expect(test, off - 1, 2, 0);
		console_expect(test, off - 100, sizeof(fix->buf), 0);
		console_expect(test, off, 10, 0);
	}
	console_expect_random(test, 0, 200);
	KUNIT_EXPECT_EQ(test, mk_console_dropped(fix->con), 0);
}

/* One call takes no more than the ring holds, and empties it */
static void console_test_drain(struct kunit *test)
{
	struct console_fix *fix = test->priv;

	KUNIT_ASSERT_TRUE(test, console_send(fix, CONSOLE_SLOTS * MK_SLOT_PAYLOAD));
	mk_console_drain(fix->con, &fix->rx);
	KUNIT_EXPECT_EQ(test, mk_console_end(fix->con), CONSOLE_SLOTS * MK_SLOT_PAYLOAD);
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&fix->rx));
	console_expect(test, 0, CONSOLE_SLOTS * MK_SLOT_PAYLOAD, 0);
}

/* Full is full at the last byte, not before; then a whole chunk goes */
static void console_test_hole(struct kunit *test)
{
	struct console_fix *fix = test->priv;
	const u64 hole = CONSOLE_CHUNK;

	console_feed(test, CONSOLE_KEPT);
	KUNIT_EXPECT_EQ(test, mk_console_dropped(fix->con), 0);
	console_expect(test, 0, 1000, 0);

	console_feed(test, 1);
	KUNIT_EXPECT_EQ(test, mk_console_dropped(fix->con), hole);
	console_expect(test, 0, 1000, hole);
	console_expect(test, hole - 10, 20, hole);
	console_expect(test, hole - 1, 1, hole);
	console_expect(test, hole, 1, hole);
	console_expect(test, fix->sent - 1000, 2000, hole);
	console_expect_random(test, hole, 300);

	console_feed(test, 2 * CONSOLE_CHUNK);
	KUNIT_EXPECT_EQ(test, mk_console_dropped(fix->con), 3 * hole);
	console_expect(test, 3 * hole - 10, 20, 3 * hole);
	console_expect_random(test, 3 * hole, 300);
}

/* The text goes, what was lost stays counted; and a hole does not stay */
static void console_test_restart(struct kunit *test)
{
	struct console_fix *fix = test->priv;

	console_feed(test, CONSOLE_KEPT + 1);
	mk_console_restart(fix->con);
	fix->sent = 0;
	KUNIT_EXPECT_EQ(test, mk_console_end(fix->con), 0);
	KUNIT_EXPECT_EQ(test, mk_console_dropped(fix->con), CONSOLE_CHUNK);
	console_expect(test, 0, 100, 0);

	console_feed(test, 2 * CONSOLE_CHUNK + 10);
	console_expect(test, 0, 1000, 0);
	console_expect_random(test, 0, 100);
	KUNIT_EXPECT_EQ(test, mk_console_dropped(fix->con), CONSOLE_CHUNK);
}

/* Counts instead of waking */
struct console_waiter {
	struct wait_queue_entry wait;
	unsigned int woken;
};

static int console_count(struct wait_queue_entry *wait, unsigned int mode, int flags, void *key)
{
	container_of(wait, struct console_waiter, wait)->woken++;
	return 1;
}

static void console_test_wake(struct kunit *test)
{
	struct console_fix *fix = test->priv;
	struct console_waiter waiter[2] = {};
	unsigned int i;

	for (i = 0; i < 2; i++) {
		init_waitqueue_func_entry(&waiter[i].wait, console_count);
		add_wait_queue(mk_console_waitq(fix->con), &waiter[i].wait);
	}
	mk_console_drain(fix->con, &fix->rx);
	KUNIT_EXPECT_EQ(test, waiter[0].woken, 0);
	KUNIT_EXPECT_TRUE(test, console_send(fix, 1));
	mk_console_drain(fix->con, &fix->rx);
	KUNIT_EXPECT_EQ(test, waiter[0].woken, 1);
	KUNIT_EXPECT_EQ(test, waiter[1].woken, 1);
	mk_console_wake(fix->con);
	KUNIT_EXPECT_EQ(test, waiter[0].woken, 2);
	KUNIT_EXPECT_EQ(test, waiter[1].woken, 2);
	for (i = 0; i < 2; i++)
		remove_wait_queue(mk_console_waitq(fix->con), &waiter[i].wait);
}

static const struct mk_link_ops console_ops;

/* As much as there is room for, in order; then -EAGAIN */
static void console_test_input(struct kunit *test)
{
	struct console_fix *fix = test->priv;
	struct mk_instance *inst = kunit_kzalloc(test, sizeof(*inst), GFP_KERNEL);
	const size_t room = CONSOLE_SLOTS * MK_SLOT_PAYLOAD;
	struct mk_msg msg;
	size_t i;

	KUNIT_ASSERT_NOT_NULL(test, inst);
	KUNIT_ASSERT_EQ(test, mk_link_init(&inst->link, &console_ops, inst->boot, inst), 0);
	for (i = 0; i < sizeof(fix->buf); i++)
		fix->buf[i] = console_byte(i);
	KUNIT_EXPECT_EQ(test, mk_console_input(inst, fix->buf, 10), -ENOTCONN);

	inst->link.boot[MK_CLASS_CONSOLE].tx = fix->tx;
	KUNIT_EXPECT_EQ(test, mk_console_input(inst, fix->buf, 121), 121);
	KUNIT_ASSERT_TRUE(test, mk_ring_pop(&fix->rx, &msg));
	KUNIT_EXPECT_EQ(test, msg.type, MK_MSG_CONSOLE);
	KUNIT_EXPECT_EQ(test, msg.len, 120);
	KUNIT_EXPECT_MEMEQ(test, msg.payload, fix->buf, 120);
	KUNIT_ASSERT_TRUE(test, mk_ring_pop(&fix->rx, &msg));
	KUNIT_EXPECT_EQ(test, msg.len, 1);
	KUNIT_EXPECT_EQ(test, msg.payload[0], fix->buf[120]);
	mk_ring_publish(&fix->rx);

	KUNIT_EXPECT_EQ(test, mk_console_input(inst, fix->buf, sizeof(fix->buf)), room);
	KUNIT_EXPECT_EQ(test, mk_console_input(inst, fix->buf, 1), -EAGAIN);
	mk_console_drain(fix->con, &fix->rx);
	fix->sent = room;
	console_expect(test, 0, room, 0);
	mk_link_destroy(&inst->link);
}

static struct kunit_case console_cases[] = {
	KUNIT_CASE(console_test_empty),
	KUNIT_CASE(console_test_text),
	KUNIT_CASE(console_test_chunks),
	KUNIT_CASE(console_test_drain),
	KUNIT_CASE_SLOW(console_test_hole),
	KUNIT_CASE_SLOW(console_test_restart),
	KUNIT_CASE(console_test_wake),
	KUNIT_CASE(console_test_input),
	{}
};

static struct kunit_suite console_suite = {
	.name = "mk_console",
	.init = console_init,
	.exit = console_exit,
	.test_cases = console_cases,
};

kunit_test_suite(console_suite);
