// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of flood.c: who rings as often as it was asked to is no flood, at any rate,
 * and who rings or talks nonsense without end is told of once.
 */

#include <kunit/test.h>
#include <linux/rculist.h>

#include "../internal.h"

/* As flood.c has it: how much is too much, and how often it looks */
#define FLOOD_LIMIT	65536
#define FLOOD_LOOK	1024

/**
 * struct flood_fix - a link
 * @link: the link
 * @ch: its only channel
 * @told: how often a flood was told of
 * @what: of what
 */
struct flood_fix {
	struct mk_link link;
	struct mk_channel ch;
	unsigned int told;
	const char *what;
};

static void flood_told(struct mk_link *link, const char *what)
{
	struct flood_fix *fix = link->owner;

	fix->told++;
	fix->what = what;
}

static const struct mk_link_ops flood_ops = { .flood = flood_told };

static int flood_init(struct kunit *test)
{
	struct flood_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fix);
	mk_link_init(&fix->link, &flood_ops, NULL, fix);
	mk_channel_init(&fix->ch, &fix->link, 5);
	rcu_assign_pointer(fix->link.ch[5], &fix->ch);
	test->priv = fix;
	return 0;
}

static void flood_ring(struct flood_fix *fix, unsigned int count)
{
	guard(rcu)();
	while (count--)
		mk_flood_rung(&fix->link);
}

static void flood_test_asked(struct kunit *test)
{
	struct flood_fix *fix = test->priv;
	unsigned int i;

	for (i = 0; i < 200; i++) {
		fix->ch.asked_message += FLOOD_LOOK / 2;
		fix->ch.asked_room += FLOOD_LOOK / 2;
		flood_ring(fix, FLOOD_LOOK);
	}
	KUNIT_EXPECT_EQ(test, atomic_long_read(&fix->link.bells), 200 * FLOOD_LOOK);
	KUNIT_EXPECT_EQ(test, fix->told, 0);
	/* Now it does so by itself */
	flood_ring(fix, FLOOD_LIMIT);
	KUNIT_EXPECT_EQ(test, fix->told, 0);
	flood_ring(fix, FLOOD_LOOK);
	KUNIT_EXPECT_EQ(test, fix->told, 1);
	KUNIT_EXPECT_STREQ(test, fix->what, "doorbells");
	flood_ring(fix, 2 * FLOOD_LIMIT);
	KUNIT_EXPECT_EQ(test, fix->told, 1);
}

/* What a channel asked for counts when it is gone, too */
static void flood_test_gone(struct kunit *test)
{
	struct flood_fix *fix = test->priv;

	fix->ch.asked_message = 10 * FLOOD_LIMIT;
	mk_flood_keep(&fix->link, &fix->ch);
	RCU_INIT_POINTER(fix->link.ch[5], NULL);
	flood_ring(fix, 11 * FLOOD_LIMIT);
	KUNIT_EXPECT_EQ(test, fix->told, 0);
	flood_ring(fix, FLOOD_LOOK);
	KUNIT_EXPECT_EQ(test, fix->told, 1);
}

/* What it asks for while it goes counts, too, and each of it once */
static void flood_test_going(struct kunit *test)
{
	struct flood_fix *fix = test->priv;
	u64 kept;

	fix->ch.asked_message = FLOOD_LIMIT;
	kept = mk_flood_keep(&fix->link, &fix->ch);
	KUNIT_EXPECT_EQ(test, fix->link.past_asked, FLOOD_LIMIT);
	RCU_INIT_POINTER(fix->link.ch[5], NULL);
	fix->ch.asked_room = 9 * FLOOD_LIMIT;
	mk_flood_kept(&fix->link, &fix->ch, kept);
	KUNIT_EXPECT_EQ(test, fix->link.past_asked, 10 * FLOOD_LIMIT);
	flood_ring(fix, 11 * FLOOD_LIMIT);
	KUNIT_EXPECT_EQ(test, fix->told, 0);
	flood_ring(fix, FLOOD_LOOK);
	KUNIT_EXPECT_EQ(test, fix->told, 1);
}

/* Ten in a second, for a week */
static void flood_test_forgive(struct kunit *test)
{
	struct flood_fix *fix = test->priv;
	unsigned int i;

	for (i = 0; i < 7 * 24 * 60; i++) {
		mk_flood_bad(&fix->link, 600);
		mk_flood_forgive(&fix->link);
	}
	KUNIT_EXPECT_EQ(test, fix->told, 0);
	/* Nothing is forgiven for good */
	for (i = 0; i < 20 && !fix->told; i++) {
		mk_flood_bad(&fix->link, FLOOD_LIMIT / 2 + 2000);
		mk_flood_forgive(&fix->link);
	}
	KUNIT_EXPECT_EQ(test, fix->told, 1);
	for (i = 0; i < 20; i++)
		mk_flood_forgive(&fix->link);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&fix->link.bad), 0);
}

static void flood_test_bad(struct kunit *test)
{
	struct flood_fix *fix = test->priv;

	mk_flood_bad(&fix->link, FLOOD_LIMIT - 1);
	mk_flood_bad(&fix->link, 1);
	KUNIT_EXPECT_EQ(test, fix->told, 0);
	mk_flood_bad(&fix->link, 1);
	KUNIT_EXPECT_EQ(test, fix->told, 1);
	KUNIT_EXPECT_STREQ(test, fix->what, "messages that make no sense");
	mk_flood_bad(&fix->link, 1);
	KUNIT_EXPECT_EQ(test, fix->told, 1);
}

static void flood_bare(struct list_head *links, unsigned int count)
{
	guard(rcu)();
	while (count--)
		mk_flood_nobody(links);
}

static void flood_test_bare(struct kunit *test)
{
	struct flood_fix *fix = test->priv;
	struct mk_link other = {};
	u64 before = mk_flood_bare();
	LIST_HEAD(links);

	/* Nobody is there at all */
	flood_bare(&links, FLOOD_LOOK);
	KUNIT_EXPECT_EQ(test, mk_flood_bare(), before + FLOOD_LOOK);
	list_add_tail_rcu(&fix->link.node, &links);
	list_add_tail_rcu(&other.node, &links);
	flood_bare(&links, FLOOD_LIMIT + 2 * FLOOD_LOOK);
	KUNIT_EXPECT_EQ(test, fix->told, 0);
	list_del_rcu(&other.node);
	flood_bare(&links, FLOOD_LIMIT);
	KUNIT_EXPECT_EQ(test, fix->told, 0);
	flood_bare(&links, FLOOD_LOOK);
	KUNIT_EXPECT_EQ(test, fix->told, 1);
	KUNIT_EXPECT_STREQ(test, fix->what, "doorbells without a cause");
}

/* What the receiver drops is counted, once */
static void flood_test_receiver(struct kunit *test)
{
	static const struct mk_channel_ops ops = {};
	struct flood_fix *fix = test->priv;
	struct mk_channel *ch = &fix->ch;
	struct mk_ring_tx tx;
	unsigned int i;
	void *mem;

	mem = kunit_kzalloc(test, 2 * mk_ring_size(16), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	mk_channel_set_ops(ch, &ops, NULL);
	mk_ring_rx_init(&ch->rx, mem, 16, 3);
	mk_ring_tx_init(&ch->tx, mem + mk_ring_size(16), 16, 3);
	mk_ring_tx_init(&tx, mem, 16, 3);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, mk_ring_push(&tx, 7, NULL, 0), 0);
	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_TRUE(test, mk_channel_poll_begin(ch));
		mk_channel_poll(ch);
		mk_channel_poll_end(ch);
		mk_channel_flush(ch);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&fix->link.bad), 3);
	}
	RCU_INIT_POINTER(fix->link.ch[5], NULL);
	mk_channel_end(ch);
}

static struct kunit_case flood_cases[] = {
	KUNIT_CASE(flood_test_asked),
	KUNIT_CASE(flood_test_gone),
	KUNIT_CASE(flood_test_going),
	KUNIT_CASE(flood_test_forgive),
	KUNIT_CASE(flood_test_bad),
	KUNIT_CASE(flood_test_bare),
	KUNIT_CASE(flood_test_receiver),
	{}
};

static struct kunit_suite flood_suite = {
	.name = "mk_flood",
	.init = flood_init,
	.test_cases = flood_cases,
};

kunit_test_suite(flood_suite);
