// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of peer.c without a peer: what notifiers hear and in which order, also those
 * who come late or are slow, what an instance is told, and what it does not believe.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/notifier.h>
#include <linux/string.h>

#include "../internal.h"
#include "../service.h"

/* Ids that no instance has: the last ones */
#define PEER_ID		2040
#define PEER_EVENTS	16

/**
 * struct peer_event - what a notifier has heard
 * @event: MK_PEER_UP or MK_PEER_DOWN
 * @peer: of whom
 * @found: mk_peer_find() found it at that time
 */
struct peer_event {
	unsigned long event;
	struct mk_peer peer;
	bool found;
};

/**
 * struct peer_ear - a notifier
 * @nb: its block
 * @nr: number of events
 * @slow: it waits for @go after the first one
 * @go: see @slow
 * @event: what it has heard
 */
struct peer_ear {
	struct notifier_block nb;
	unsigned int nr;
	bool slow;
	struct completion go;
	struct peer_event event[PEER_EVENTS];
};

static int peer_hear(struct notifier_block *nb, unsigned long event, void *data)
{
	struct peer_ear *ear = container_of(nb, struct peer_ear, nb);
	struct peer_event *entry = &ear->event[ear->nr];
	struct mk_peer found;

	if (ear->nr == PEER_EVENTS)
		return NOTIFY_DONE;
	entry->event = event;
	entry->peer = *(struct mk_peer *)data;
	entry->found = !mk_peer_find(entry->peer.name, &found);
	/* Pairs with the acquire in peer_await() */
	smp_store_release(&ear->nr, ear->nr + 1);
	if (ear->slow)
		wait_for_completion(&ear->go);
	ear->slow = false;
	return NOTIFY_DONE;
}

static void peer_stop_hearing(void *nb)
{
	mk_peer_notifier_unregister(nb);
}

static struct peer_ear *peer_listen(struct kunit *test)
{
	struct peer_ear *ear = kunit_kzalloc(test, sizeof(*ear), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ear);
	ear->nb.notifier_call = peer_hear;
	init_completion(&ear->go);
	KUNIT_ASSERT_EQ(test, mk_peer_notifier_register(&ear->nb), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, peer_stop_hearing, &ear->nb), 0);
	return ear;
}

/* Waits until it has heard so much */
static void peer_await(struct kunit *test, struct peer_ear *ear, unsigned int nr)
{
	int i;

	/* Pairs with the release in peer_hear() */
	for (i = 0; i < 10000 && smp_load_acquire(&ear->nr) < nr; i++)
		usleep_range(1000, 2000);
	KUNIT_ASSERT_EQ(test, ear->nr, nr);
}

static void peer_expect(struct kunit *test, struct peer_ear *ear, unsigned int i,
			unsigned long event, const char *name, u32 id, u32 epoch)
{
	KUNIT_EXPECT_EQ(test, ear->event[i].event, event);
	KUNIT_EXPECT_STREQ(test, ear->event[i].peer.name, name);
	KUNIT_EXPECT_EQ(test, ear->event[i].peer.id, id);
	KUNIT_EXPECT_EQ(test, ear->event[i].peer.epoch, epoch);
}

static void peer_up(struct kunit *test, const char *name, u32 id, u32 epoch)
{
	struct mk_peer peer = { .id = id, .epoch = epoch };

	strscpy(peer.name, name);
	KUNIT_ASSERT_EQ(test, mk_peer_up(&peer, 0), 0);
}

static int peer_count_told(struct notifier_block *nb, unsigned long event, void *peer)
{
	struct peer_ear *ear = container_of(nb, struct peer_ear, nb);

	ear->nr += ((struct mk_peer *)peer)->id >= PEER_ID;
	return NOTIFY_DONE;
}

/* Who comes now hears of nobody */
static bool peer_all_told(void)
{
	static struct peer_ear ear = { .nb.notifier_call = peer_count_told };

	ear.nr = 0;
	mk_peer_notifier_register(&ear.nb);
	mk_peer_notifier_unregister(&ear.nb);
	return !ear.nr;
}

/* Nobody is left, and nobody has still to hear of it: the next test would */
static void peer_exit(struct kunit *test)
{
	int i;

	mk_peer_down(PEER_ID, U32_MAX);
	for (i = 0; i < 10000 && !peer_all_told(); i++)
		usleep_range(1000, 2000);
}

static void peer_test_in_turn(struct kunit *test)
{
	struct peer_ear *ear = peer_listen(test);

	peer_up(test, "a", PEER_ID, 1);
	peer_await(test, ear, 1);
	mk_peer_down(PEER_ID, PEER_ID);
	peer_await(test, ear, 2);
	peer_up(test, "a", PEER_ID, 2);
	peer_await(test, ear, 3);
	/* A restart without a word of the end */
	peer_up(test, "a", PEER_ID, 3);
	peer_await(test, ear, 5);
	peer_expect(test, ear, 0, MK_PEER_UP, "a", PEER_ID, 1);
	peer_expect(test, ear, 1, MK_PEER_DOWN, "a", PEER_ID, 1);
	peer_expect(test, ear, 2, MK_PEER_UP, "a", PEER_ID, 2);
	peer_expect(test, ear, 3, MK_PEER_DOWN, "a", PEER_ID, 2);
	peer_expect(test, ear, 4, MK_PEER_UP, "a", PEER_ID, 3);
	KUNIT_EXPECT_TRUE(test, ear->event[0].found);
	KUNIT_EXPECT_FALSE(test, ear->event[1].found);
}

/* Lives that are over before it can hear of them are none of its business */
static void peer_test_slow(struct kunit *test)
{
	struct peer_ear *ear = peer_listen(test);

	ear->slow = true;
	peer_up(test, "a", PEER_ID, 1);
	peer_await(test, ear, 1);
	mk_peer_down(PEER_ID, PEER_ID);
	peer_up(test, "a", PEER_ID, 2);
	mk_peer_down(PEER_ID, PEER_ID);
	peer_up(test, "a", PEER_ID, 3);
	peer_up(test, "b", PEER_ID + 1, 1);
	mk_peer_down(PEER_ID + 1, PEER_ID + 1);
	complete(&ear->go);
	peer_await(test, ear, 3);
	mk_peer_down(PEER_ID, PEER_ID);
	peer_await(test, ear, 4);
	peer_expect(test, ear, 0, MK_PEER_UP, "a", PEER_ID, 1);
	peer_expect(test, ear, 1, MK_PEER_DOWN, "a", PEER_ID, 1);
	peer_expect(test, ear, 2, MK_PEER_UP, "a", PEER_ID, 3);
	peer_expect(test, ear, 3, MK_PEER_DOWN, "a", PEER_ID, 3);
}

/* Another instance has the id of one that was removed, and as many starts */
static void peer_test_same_id(struct kunit *test)
{
	struct peer_ear *ear = peer_listen(test);

	ear->slow = true;
	peer_up(test, "a", PEER_ID, 1);
	peer_await(test, ear, 1);
	mk_peer_down(PEER_ID, PEER_ID);
	peer_up(test, "b", PEER_ID, 1);
	complete(&ear->go);
	peer_await(test, ear, 3);
	peer_expect(test, ear, 1, MK_PEER_DOWN, "a", PEER_ID, 1);
	peer_expect(test, ear, 2, MK_PEER_UP, "b", PEER_ID, 1);
}

static void peer_test_late(struct kunit *test)
{
	struct peer_ear *early = peer_listen(test), *late;

	peer_up(test, "a", PEER_ID, 4);
	peer_up(test, "b", PEER_ID + 1, 5);
	peer_await(test, early, 2);
	mk_peer_down(PEER_ID + 2, PEER_ID + 2);
	late = peer_listen(test);
	KUNIT_ASSERT_EQ(test, late->nr, 2);
	peer_expect(test, late, 0, MK_PEER_UP, "a", PEER_ID, 4);
	peer_expect(test, late, 1, MK_PEER_UP, "b", PEER_ID + 1, 5);
	mk_peer_down(PEER_ID, PEER_ID + 1);
	peer_await(test, late, 4);
	peer_await(test, early, 4);
	peer_expect(test, late, 2, MK_PEER_DOWN, "a", PEER_ID, 4);
	peer_expect(test, late, 3, MK_PEER_DOWN, "b", PEER_ID + 1, 5);
	KUNIT_EXPECT_EQ(test, mk_peer_notifier_unregister(&late->nb), 0);
	KUNIT_EXPECT_EQ(test, mk_peer_notifier_unregister(&late->nb), -ENOENT);
}

/* An instance asks anew for all, whoever has changed: who has not is not told */
static void peer_test_same_life(struct kunit *test)
{
	struct mk_peer peer = { .name = "a", .id = PEER_ID, .epoch = 1 };
	struct peer_ear *ear = peer_listen(test);

	KUNIT_EXPECT_EQ(test, mk_peer_up(&peer, 77), 0);
	peer_await(test, ear, 1);
	KUNIT_EXPECT_EQ(test, mk_peer_up(&peer, 77), 0);
	peer.epoch = 2;
	KUNIT_EXPECT_EQ(test, mk_peer_up(&peer, 78), 0);
	peer_await(test, ear, 3);
	peer_expect(test, ear, 1, MK_PEER_DOWN, "a", PEER_ID, 1);
	peer_expect(test, ear, 2, MK_PEER_UP, "a", PEER_ID, 2);
}

static int peer_count(const struct mk_peer *peer, void *data)
{
	unsigned int *nr = data;

	*nr += peer->id >= PEER_ID;
	return peer->id == PEER_ID + 2 ? 5 : 0;
}

static void peer_test_look(struct kunit *test)
{
	struct mk_peer peer;
	unsigned int nr = 0;

	/* Not in the order of their ids */
	peer_up(test, "c", PEER_ID + 2, 3);
	peer_up(test, "a", PEER_ID, 1);
	KUNIT_EXPECT_EQ(test, mk_peer_find("a", &peer), 0);
	KUNIT_EXPECT_EQ(test, peer.id, PEER_ID);
	KUNIT_EXPECT_EQ(test, mk_peer_find("c", &peer), 0);
	KUNIT_EXPECT_EQ(test, peer.epoch, 3);
	KUNIT_EXPECT_EQ(test, mk_peer_find("b", &peer), -ENOENT);
	KUNIT_EXPECT_EQ(test, mk_peer_walk(peer_count, &nr), 5);
	KUNIT_EXPECT_EQ(test, nr, 2);
	mk_peer_down(PEER_ID + 2, PEER_ID + 2);
	KUNIT_EXPECT_EQ(test, mk_peer_find("c", &peer), -ENOENT);
	KUNIT_EXPECT_EQ(test, mk_peer_walk(peer_count, &nr), 0);
	KUNIT_EXPECT_EQ(test, nr, 3);
}

/* What the host answers, to one of them and to somebody else */
static void peer_test_asked(struct kunit *test)
{
	struct mk_ctl_peer req = { .op = MK_CTL_PEER, .id = PEER_ID }, reply;
	u32 life;

	peer_up(test, "a", PEER_ID, 1);
	peer_up(test, "b", PEER_ID + 1, 2);
	KUNIT_ASSERT_EQ(test, mk_peer_asked(PEER_ID + 5, &req, &reply), sizeof(reply));
	KUNIT_EXPECT_EQ(test, reply.id, PEER_ID);
	KUNIT_EXPECT_STREQ(test, reply.name, "a");
	KUNIT_EXPECT_EQ(test, mk_peer_check(&reply, PEER_ID), 0);
	life = reply.life;
	/* Not of oneself */
	KUNIT_ASSERT_EQ(test, mk_peer_asked(PEER_ID, &req, &reply), sizeof(reply));
	KUNIT_EXPECT_EQ(test, reply.id, PEER_ID + 1);
	KUNIT_EXPECT_EQ(test, reply.epoch, 2);
	KUNIT_EXPECT_NE(test, reply.life, life);
	req.id = PEER_ID + 2;
	KUNIT_EXPECT_EQ(test, mk_peer_asked(PEER_ID, &req, &reply), -ENOENT);
	req.id = U32_MAX;
	KUNIT_EXPECT_EQ(test, mk_peer_asked(PEER_ID, &req, &reply), -ENOENT);
	/* Another life has another number, though the epoch may be the same */
	peer_up(test, "a", PEER_ID, 1);
	req.id = PEER_ID;
	KUNIT_ASSERT_EQ(test, mk_peer_asked(0, &req, &reply), sizeof(reply));
	KUNIT_EXPECT_NE(test, reply.life, life);
}

static void peer_test_check(struct kunit *test)
{
	static const struct mk_ctl_peer bad[] = {
		{ .id = 4, .epoch = 1, .life = 1, .name = "a" },
		{ .id = 0, .epoch = 1, .life = 1, .name = "a" },
		{ .id = 2048, .epoch = 1, .life = 1, .name = "a" },
		{ .id = U32_MAX, .epoch = 1, .life = 1, .name = "a" },
		{ .id = 5, .epoch = 0, .life = 1, .name = "a" },
		{ .id = 5, .epoch = 1, .life = 0, .name = "a" },
		{ .id = 5, .epoch = 1, .life = 1, .name = "" },
		{ .id = 5, .epoch = 1, .life = 1, .name = "a\nb" },
		{ .id = 5, .epoch = 1, .life = 1, .name = ".a" },
	};
	struct mk_ctl_peer peer = { .id = 5, .epoch = 1, .life = 1, .name = "a" };
	unsigned int i;

	KUNIT_EXPECT_EQ(test, sizeof(peer), 80);
	KUNIT_EXPECT_EQ(test, mk_peer_check(&peer, 5), 0);
	peer.id = 2047;
	KUNIT_EXPECT_EQ(test, mk_peer_check(&peer, 5), 0);
	memset(peer.name, 'x', sizeof(peer.name));
	KUNIT_EXPECT_EQ(test, mk_peer_check(&peer, 5), -EPROTO);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, mk_peer_check(&bad[i], 5), -EPROTO, "%u", i);
	peer = bad[1];
	KUNIT_EXPECT_EQ(test, mk_peer_check(&peer, 0), -EPROTO);
}

static struct kunit_case peer_cases[] = {
	KUNIT_CASE(peer_test_in_turn),
	KUNIT_CASE(peer_test_slow),
	KUNIT_CASE(peer_test_same_id),
	KUNIT_CASE(peer_test_late),
	KUNIT_CASE(peer_test_same_life),
	KUNIT_CASE(peer_test_look),
	KUNIT_CASE(peer_test_asked),
	KUNIT_CASE(peer_test_check),
	{}
};

static struct kunit_suite peer_suite = {
	.name = "mk_peer",
	.exit = peer_exit,
	.test_cases = peer_cases,
};

kunit_test_suite(peer_suite);
