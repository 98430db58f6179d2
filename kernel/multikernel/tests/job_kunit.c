// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of how calls on a control channel are worked on: one after the other, in the
 * order in which they came; who asks for too much at a time is told to come again; and
 * who has not got its answer is known.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>

#include "../service.h"
#include "link_test.h"

/* As service.c has it */
#define JOB_MAX		8

/* Any but those that are answered at once */
#define JOB_OP		MK_CTL_PEER

/**
 * struct job_ask - a call
 * @op: JOB_OP
 * @nr: number of the call
 */
struct job_ask {
	__u32 op;
	u32 nr;
};

/**
 * struct job_fix - a link whose host works on the calls of the guest
 * @link: both ends
 * @go: the first one may go on
 * @begun: how many were begun
 * @nr: which ones
 * @lost: answers that were lost
 * @put: how many have ended
 * @late: replies that came when nobody waited
 * @late_nr: of which call the last of them was
 */
struct job_fix {
	struct link_fix link;
	struct completion go;
	unsigned int begun;
	u32 nr[32];
	unsigned int lost;
	unsigned int put;
	unsigned int late;
	u32 late_nr;
};

static void job_hello(struct mk_link *link, const struct mk_msg_hello *hello)
{
}

static bool job_drain(struct mk_link *link, struct mk_ring_rx *rx)
{
	return false;
}

static ssize_t job_do(struct mk_link *link, const void *data, size_t len, void *reply)
{
	const struct job_ask *ask = data;
	struct job_fix *fix = link->owner;

	fix->nr[READ_ONCE(fix->begun) % ARRAY_SIZE(fix->nr)] = ask->nr;
	WRITE_ONCE(fix->begun, fix->begun + 1);
	wait_for_completion(&fix->go);
	memcpy(reply, data, len);
	return len;
}

static void job_lost(struct mk_link *link, const void *data, const void *reply)
{
	struct job_fix *fix = link->owner;

	fix->lost++;
}

static void job_put(struct mk_link *link)
{
	struct job_fix *fix = link->owner;

	WRITE_ONCE(fix->put, fix->put + 1);
}

static const struct mk_job_ops job_ops = {
	.call	= job_do,
	.lost	= job_lost,
	.put	= job_put,
};

static bool job_call(struct mk_link *link, const struct mk_msg *msg)
{
	return mk_job_queue(link, msg, &job_ops);
}

static void job_late(struct mk_link *link, const struct mk_msg *msg)
{
	const struct job_ask *ask = (const void *)msg->data;
	struct job_fix *fix = link->owner;

	fix->late_nr = msg->len == sizeof(*ask) ? ask->nr : 0;
	WRITE_ONCE(fix->late, fix->late + 1);
}

static const struct mk_link_ops job_link_ops = {
	.hello	= job_hello,
	.drain	= job_drain,
	.call	= job_call,
	.late	= job_late,
};

static int job_init(struct kunit *test)
{
	struct job_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fix);
	init_completion(&fix->go);
	link_fix_init(test, &fix->link, &job_link_ops, &job_link_ops, fix);
	link_fix_attach(test, &fix->link);
	mk_link_open(&fix->link.host);
	mk_link_open(&fix->link.guest);
	test->priv = fix;
	return 0;
}

static bool job_until(unsigned int *what, unsigned int count)
{
	int i;

	for (i = 0; i < 5000 && READ_ONCE(*what) < count; i++)
		usleep_range(1000, 2000);
	return READ_ONCE(*what) >= count;
}

static void job_exit(struct kunit *test)
{
	struct job_fix *fix = test->priv;

	if (!fix)
		return;
	complete_all(&fix->go);
	link_fix_exit(&fix->link);
	/* The work item does not look at the link after the last of them */
	flush_work(&fix->link.host.job_work);
}

/* A call whose answer nobody waits for */
static int job_ask(struct job_fix *fix, u32 nr)
{
	struct job_ask ask = { .op = JOB_OP, .nr = nr };

	return mk_send(&fix->link.guest_boot[MK_CLASS_CONTROL], MK_TYPE_CALL | nr, &ask,
		       sizeof(ask));
}

static void job_test_order(struct kunit *test)
{
	struct job_fix *fix = test->priv;
	u32 i;

	for (i = 0; i < JOB_MAX; i++)
		KUNIT_ASSERT_EQ(test, job_ask(fix, i), 0);
	KUNIT_ASSERT_TRUE(test, job_until(&fix->begun, 1));
	/* The others wait for the first one */
	msleep(50);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fix->begun), 1);
	complete_all(&fix->go);
	KUNIT_ASSERT_TRUE(test, job_until(&fix->put, JOB_MAX));
	for (i = 0; i < JOB_MAX; i++)
		KUNIT_EXPECT_EQ(test, fix->nr[i], i);
	KUNIT_EXPECT_EQ(test, fix->lost, 0);
}

static void job_test_come_again(struct kunit *test)
{
	struct job_fix *fix = test->priv;
	struct mk_channel *ch = &fix->link.guest_boot[MK_CLASS_CONTROL];
	struct job_ask ask = { .op = JOB_OP, .nr = 99 }, reply = {};
	u32 i;

	for (i = 0; i < JOB_MAX; i++)
		KUNIT_ASSERT_EQ(test, job_ask(fix, 16 + i), 0);
	KUNIT_EXPECT_EQ(test, mk_call(ch, &ask, sizeof(ask), NULL, 0, 20 * HZ), -EAGAIN);
	KUNIT_EXPECT_EQ(test, mk_job_call(ch, &ask, sizeof(ask), NULL, 0, HZ / 10), -EAGAIN);
	complete_all(&fix->go);
	KUNIT_EXPECT_EQ(test, mk_job_call(ch, &ask, sizeof(ask), &reply, sizeof(reply),
					  20 * HZ), sizeof(reply));
	KUNIT_EXPECT_EQ(test, reply.nr, 99);
	KUNIT_EXPECT_TRUE(test, job_until(&fix->put, JOB_MAX + 1));
}

/* Who does not wait any more may have to take back what it has asked for */
static void job_test_late(struct kunit *test)
{
	struct job_fix *fix = test->priv;
	struct mk_channel *ch = &fix->link.guest_boot[MK_CLASS_CONTROL];
	struct job_ask ask = { .op = JOB_OP, .nr = 99 }, reply = {};

	KUNIT_EXPECT_EQ(test, mk_job_call(ch, &ask, sizeof(ask), &reply, sizeof(reply), HZ / 10),
			-ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, fix->late, 0);
	complete_all(&fix->go);
	KUNIT_EXPECT_TRUE(test, job_until(&fix->late, 1));
	KUNIT_EXPECT_EQ(test, fix->late_nr, 99);
	KUNIT_EXPECT_EQ(test, reply.nr, 0);
	ask.nr = 100;
	KUNIT_EXPECT_EQ(test, mk_job_call(ch, &ask, sizeof(ask), &reply, sizeof(reply), 20 * HZ),
			sizeof(reply));
	KUNIT_EXPECT_EQ(test, fix->late, 1);
}

static void job_test_lost(struct kunit *test)
{
	struct job_fix *fix = test->priv;

	KUNIT_ASSERT_EQ(test, job_ask(fix, 0), 0);
	KUNIT_ASSERT_TRUE(test, job_until(&fix->begun, 1));
	mk_link_close(&fix->link.host);
	complete_all(&fix->go);
	KUNIT_ASSERT_TRUE(test, job_until(&fix->put, 1));
	KUNIT_EXPECT_EQ(test, fix->lost, 1);
}

static struct kunit_case job_cases[] = {
	KUNIT_CASE(job_test_order),
	KUNIT_CASE(job_test_come_again),
	KUNIT_CASE(job_test_late),
	KUNIT_CASE(job_test_lost),
	{}
};

static struct kunit_suite job_suite = {
	.name = "mk_job",
	.init = job_init,
	.exit = job_exit,
	.test_cases = job_cases,
};

kunit_test_suite(job_suite);
