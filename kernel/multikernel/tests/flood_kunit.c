// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of flood.c: who rings as often as it was asked to is no flood, at any rate,
 * and who rings or talks nonsense without end is told of once.
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/multikernel/abi/control.h>
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

static const struct mk_channel_ops flood_peer_ops = {};

static int flood_init(struct kunit *test)
{
	struct flood_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fix);
	mk_link_init(&fix->link, &flood_ops, NULL, fix);
	KUNIT_ASSERT_EQ(test, mk_channel_init(&fix->ch, &fix->link, 5), 0);
	mk_channel_set_ops(&fix->ch, &flood_peer_ops, NULL);
	/* Each time that it was asked to ring there was a message */
	per_cpu_ptr(fix->ch.stats, 0)->received = U64_MAX / 2;
	rcu_assign_pointer(fix->link.ch[5], &fix->ch);
	test->priv = fix;
	return 0;
}

static void flood_exit(struct kunit *test)
{
	struct flood_fix *fix = test->priv;

	if (fix)
		mk_channel_exit(&fix->ch);
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

/* Whoever is rung for nothing asks anew, which is no reason to ring */
static void flood_test_no_message(struct kunit *test)
{
	struct flood_fix *fix = test->priv;
	unsigned int i;

	per_cpu_ptr(fix->ch.stats, 0)->received = 100;
	for (i = 0; i < FLOOD_LIMIT / FLOOD_LOOK; i++) {
		fix->ch.asked_message += FLOOD_LOOK;
		flood_ring(fix, FLOOD_LOOK);
	}
	KUNIT_EXPECT_EQ(test, fix->told, 0);
	fix->ch.asked_message += FLOOD_LOOK;
	flood_ring(fix, FLOOD_LOOK);
	KUNIT_EXPECT_EQ(test, fix->told, 1);
}

/* What a channel asked for counts when it is gone, too */
static void flood_test_gone(struct kunit *test)
{
	struct flood_fix *fix = test->priv;

	fix->ch.asked_message = 10 * FLOOD_LIMIT;
	flood_ring(fix, FLOOD_LOOK);
	mk_flood_keep(&fix->link, &fix->ch);
	RCU_INIT_POINTER(fix->link.ch[5], NULL);
	/* But not for what it does later */
	flood_ring(fix, FLOOD_LIMIT);
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
	flood_ring(fix, FLOOD_LOOK);
	kept = mk_flood_keep(&fix->link, &fix->ch);
	KUNIT_EXPECT_EQ(test, fix->link.past_asked, FLOOD_LIMIT);
	RCU_INIT_POINTER(fix->link.ch[5], NULL);
	fix->ch.asked_room = 9 * FLOOD_LIMIT;
	mk_flood_kept(&fix->link, &fix->ch, kept);
	KUNIT_EXPECT_EQ(test, fix->link.past_asked, 10 * FLOOD_LIMIT);
	flood_ring(fix, FLOOD_LIMIT);
	KUNIT_EXPECT_EQ(test, fix->told, 0);
	flood_ring(fix, 2 * FLOOD_LOOK);
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
	static struct mk_link other;
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

/**
 * struct flood_peer - one of several peers, whose kernel is played here
 * @fix: our end
 * @words: cause words
 * @mem: the rings, to us and from us
 * @deaf: it does not look at its bell
 * @rung: how often it has rung
 */
struct flood_peer {
	struct flood_fix fix;
	struct mk_pair_words words;
	void *mem[2];
	bool deaf;
	unsigned long rung;
};

static struct flood_peer *flood_peer_new(struct kunit *test)
{
	struct flood_peer *peer = kunit_kzalloc(test, sizeof(*peer), GFP_KERNEL);
	struct mk_link *link;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, peer);
	for (i = 0; i < 2; i++) {
		peer->mem[i] = kunit_kzalloc(test, mk_ring_size(16), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, peer->mem[i]);
	}
	link = &peer->fix.link;
	mk_link_init(link, &flood_ops, NULL, &peer->fix);
	link->cause_in = (unsigned long *)&peer->words.cause[0].word;
	link->cause_out = (unsigned long *)&peer->words.cause[1].word;
	mk_channel_init(&peer->fix.ch, link, 5);
	mk_channel_set_ops(&peer->fix.ch, &flood_peer_ops, NULL);
	mk_ring_rx_init(&peer->fix.ch.rx, peer->mem[0], 16, 3);
	mk_ring_tx_init(&peer->fix.ch.tx, peer->mem[1], 16, 3);
	mk_link_open(link);
	KUNIT_ASSERT_EQ(test, mk_link_add(link, &peer->fix.ch), 0);
	return peer;
}

static void flood_peer_end(struct flood_peer *peer)
{
	mk_link_del(&peer->fix.link, &peer->fix.ch);
	mk_link_close(&peer->fix.link);
}

/* Rings as long as it has a bell */
static int flood_peer_thread(void *data)
{
	struct flood_peer *peer = data;
	struct mk_ring_mem *mem = peer->mem[0];

	while (!kthread_should_stop()) {
		if (peer->deaf || READ_ONCE(mem->bell)) {
			guard(irq)();
			mk_link_doorbell();
			WRITE_ONCE(peer->rung, peer->rung + 1);
		}
		if (!(peer->rung % 256))
			usleep_range(10, 20);
		else if (!READ_ONCE(mem->bell) && !peer->deaf)
			usleep_range(100, 200);
	}
	return 0;
}

static bool flood_until_told(struct flood_peer *peer)
{
	int i;

	for (i = 0; i < 20000 && !READ_ONCE(peer->fix.told); i++)
		usleep_range(1000, 2000);
	return READ_ONCE(peer->fix.told);
}

/* Of three peers it is found, and the others are not blamed */
static void flood_test_suspects(struct kunit *test)
{
	struct flood_peer *peer[3];
	struct task_struct *task;
	unsigned int i;

	for (i = 0; i < 3; i++)
		peer[i] = flood_peer_new(test);
	task = kthread_run(flood_peer_thread, peer[1], "mk-flood");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	KUNIT_EXPECT_TRUE(test, flood_until_told(peer[1]));
	kthread_stop(task);
	mk_suspect_flush();
	KUNIT_EXPECT_STREQ(test, peer[1]->fix.what, "doorbells without a cause");
	KUNIT_EXPECT_EQ(test, peer[1]->fix.told, 1);
	for (i = 0; i < 3; i++) {
		struct mk_ring_mem *mem = peer[i]->mem[0];

		KUNIT_EXPECT_EQ(test, peer[i]->fix.told, i == 1);
		KUNIT_EXPECT_EQ(test, mem->bell, mk_arch_bell(0));
		flood_peer_end(peer[i]);
	}
}

/* One that does not look whether it may ring can't be told from others: nobody is ended */
static void flood_test_deaf(struct kunit *test)
{
	struct flood_peer *peer[2];
	struct task_struct *task;
	unsigned int i;

	for (i = 0; i < 2; i++)
		peer[i] = flood_peer_new(test);
	peer[0]->deaf = true;
	task = kthread_run(flood_peer_thread, peer[0], "mk-flood");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	while (READ_ONCE(peer[0]->rung) < 4 * FLOOD_LIMIT)
		usleep_range(1000, 2000);
	mk_suspect_flush();
	kthread_stop(task);
	for (i = 0; i < 2; i++) {
		struct mk_ring_mem *mem = peer[i]->mem[0];

		KUNIT_EXPECT_EQ(test, peer[i]->fix.told, 0);
		KUNIT_EXPECT_EQ(test, mem->bell, mk_arch_bell(0));
		flood_peer_end(peer[i]);
	}
}

/* A peer that can't be ended is not to ring, whatever else happens, and is still heard */
static void flood_test_mute(struct kunit *test)
{
	struct flood_peer *peer[2] = { flood_peer_new(test), flood_peer_new(test) };
	struct mk_ring_mem *mem = peer[0]->mem[0], *other = peer[1]->mem[0];
	struct mk_channel *ch = &peer[0]->fix.ch;
	struct mk_ring_tx tx;
	int i;

	mk_link_mute(&peer[0]->fix.link);
	KUNIT_EXPECT_EQ(test, mem->bell, 0);
	KUNIT_EXPECT_EQ(test, other->bell, mk_arch_bell(0));
	mk_link_silence(true, 0);
	mk_link_silence(false, 0);
	KUNIT_EXPECT_EQ(test, mem->bell, 0);
	KUNIT_EXPECT_EQ(test, other->bell, mk_arch_bell(0));
	mk_channel_flush(ch);
	mk_ring_tx_init(&tx, mem, 16, 3);
	KUNIT_ASSERT_EQ(test, mk_ring_push(&tx, 7, NULL, 0), 0);
	/* The watch finds it */
	for (i = 0; i < 20000 && !atomic_long_read(&peer[0]->fix.link.bad); i++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&peer[0]->fix.link.bad), 1);
	for (i = 0; i < 2; i++)
		flood_peer_end(peer[i]);
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
	mk_channels_end(ch, 1);
}

static struct kunit_case flood_cases[] = {
	KUNIT_CASE(flood_test_asked),
	KUNIT_CASE(flood_test_gone),
	KUNIT_CASE(flood_test_no_message),
	KUNIT_CASE(flood_test_going),
	KUNIT_CASE(flood_test_forgive),
	KUNIT_CASE(flood_test_bad),
	KUNIT_CASE(flood_test_bare),
	KUNIT_CASE(flood_test_receiver),
	KUNIT_CASE(flood_test_suspects),
	KUNIT_CASE(flood_test_mute),
	/* At last: after it nobody is suspected for a minute */
	KUNIT_CASE(flood_test_deaf),
	{}
};

static struct kunit_suite flood_suite = {
	.name = "mk_flood",
	.init = flood_init,
	.exit = flood_exit,
	.test_cases = flood_cases,
};

kunit_test_suite(flood_suite);
