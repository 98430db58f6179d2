// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of watch.c and recover.c: what is a hang, which CPUs count, and when an instance
 * that has failed is started again.
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/multikernel.h>

#include "../internal.h"

struct watch_case {
	const char *what;
	unsigned int irq_ms;
	unsigned int task_ms;
	enum mk_verdict verdict;
};

/* Of a limit of 10 s */
static const struct watch_case watch_cases_verdict[] = {
	{ "both go on", 0, 0, MK_VERDICT_ALIVE },
	{ "nearly", 9999, 9999, MK_VERDICT_ALIVE },
	{ "no scheduler", 0, 10000, MK_VERDICT_NO_TASK },
	{ "no scheduler for long", 9999, UINT_MAX, MK_VERDICT_NO_TASK },
	{ "no interrupts", 10000, 10000, MK_VERDICT_NO_IRQ },
	{ "no interrupts for long", UINT_MAX, UINT_MAX, MK_VERDICT_NO_IRQ },
	{ "no interrupts, and a scheduler all the same", 10000, 0, MK_VERDICT_NO_IRQ },
};

KUNIT_ARRAY_PARAM_DESC(watch_verdict, watch_cases_verdict, what);

static void watch_test_verdict(struct kunit *test)
{
	const struct watch_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, mk_watch_verdict(c->irq_ms, c->task_ms, 10000), c->verdict);
}

#define WATCH_CPUS 3

/* How long timers and schedulers have stood still, in ms; a limit of 10 s and beats of 1 s */
static const struct watch_judge_case {
	const char *what;
	unsigned int irq_ms[WATCH_CPUS];
	unsigned int task_ms[WATCH_CPUS];
	enum mk_verdict verdict;
	unsigned int slot;
} watch_cases_judge[] = {
	{ "all live", { 0, 1000, 0 }, { 9000, 0, 1000 }, MK_VERDICT_ALIVE },
	{ "one has interrupts off", { 0, 10000, 0 }, { 0, 10000, 0 }, MK_VERDICT_NO_IRQ, 1 },
	{ "one has preemption off", { 0, 0, 0 }, { 0, 0, 10000 }, MK_VERDICT_NO_TASK, 2 },
	{ "one waits for the last", { 0, 0, 10000 }, { 11000, 0, 10000 }, MK_VERDICT_NO_IRQ, 2 },
	{ "it may wait", { 0, 0, 9000 }, { 10000, 0, 9000 }, MK_VERDICT_UNSURE },
	{ "another is late by a beat", { 0, 1000, 0 }, { 10000, 0, 0 }, MK_VERDICT_UNSURE },
	{ "it does not wait", { 0, 1000, 0 }, { 12000, 0, 0 }, MK_VERDICT_NO_TASK, 0 },
	{ "the first of two", { 0, 10000, 10000 }, { 0, 0, 0 }, MK_VERDICT_NO_IRQ, 1 },
};

KUNIT_ARRAY_PARAM_DESC(watch_judge, watch_cases_judge, what);

static void watch_test_judge(struct kunit *test)
{
	const struct watch_judge_case *c = test->param_value;
	struct mk_watched watched[WATCH_CPUS] = {};
	unsigned long now = jiffies;
	unsigned int i, slot = 0;

	for (i = 0; i < WATCH_CPUS; i++) {
		watched[i].irq_at = now - msecs_to_jiffies(c->irq_ms[i]);
		watched[i].task_at = now - msecs_to_jiffies(c->task_ms[i]);
	}
	KUNIT_EXPECT_EQ(test, mk_watch_judge(watched, WATCH_CPUS, now, 10000, 1000, &slot),
			c->verdict);
	if (c->verdict == MK_VERDICT_NO_IRQ || c->verdict == MK_VERDICT_NO_TASK)
		KUNIT_EXPECT_EQ(test, slot, c->slot);
}

/* Twice as long each time, and then never */
static void watch_test_delay(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, mk_recover_delay_ms(0), 1000);
	KUNIT_EXPECT_EQ(test, mk_recover_delay_ms(1), 2000);
	KUNIT_EXPECT_EQ(test, mk_recover_delay_ms(4), 16000);
	KUNIT_EXPECT_EQ(test, mk_recover_delay_ms(5), 0);
	KUNIT_EXPECT_EQ(test, mk_recover_delay_ms(UINT_MAX), 0);
}

static void watch_drop(void *data)
{
	struct mk_instance *inst = data;

	mk_instance_retire(inst);
	mk_instance_put(inst);
}

static struct mk_instance *watch_inst(struct kunit *test)
{
	struct mk_instance *inst = mk_instance_create("watch-test");

	KUNIT_ASSERT_FALSE(test, IS_ERR(inst));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, watch_drop, inst), 0);
	return inst;
}

static bool watch_is_due(struct mk_instance *inst)
{
	return delayed_work_pending(&inst->recover_work);
}

static void watch_test_recovery(struct kunit *test)
{
	struct mk_instance *inst = watch_inst(test);
	int i;

	guard(mutex)(&inst->lock);
	/* It has been started, and not said hello */
	inst->epoch = 1;
	mk_recover_later(inst);
	KUNIT_EXPECT_FALSE(test, watch_is_due(inst));
	mk_recover_set(inst, true);
	KUNIT_EXPECT_FALSE(test, watch_is_due(inst));
	for (i = 0; i < 5; i++) {
		mk_recover_later(inst);
		KUNIT_EXPECT_TRUE(test, watch_is_due(inst));
		mk_recover_cancel(inst);
		KUNIT_EXPECT_FALSE(test, watch_is_due(inst));
	}
	mk_recover_later(inst);
	KUNIT_EXPECT_FALSE(test, watch_is_due(inst));
	/* A start that never said hello has not run, however long ago it was */
	inst->epoch = 2;
	inst->greeted = 1;
	inst->ran_at = jiffies - 61 * HZ;
	mk_recover_later(inst);
	KUNIT_EXPECT_FALSE(test, watch_is_due(inst));
	/* One that has run for less than a minute fails once more */
	inst->greeted = 2;
	inst->ran_at = jiffies - 59 * HZ;
	mk_recover_later(inst);
	KUNIT_EXPECT_FALSE(test, watch_is_due(inst));
	/* For longer: it begins anew */
	inst->ran_at = jiffies - 61 * HZ;
	mk_recover_later(inst);
	KUNIT_EXPECT_TRUE(test, watch_is_due(inst));
	KUNIT_EXPECT_EQ(test, inst->failures, 1);
	mk_recover_set(inst, false);
	KUNIT_EXPECT_FALSE(test, watch_is_due(inst));
}

/* Started, as far as watch.c can tell */
static void watch_start(struct mk_instance *inst, unsigned int boot_ms)
{
	guard(mutex)(&inst->lock);
	inst->boot_ms = boot_ms;
	inst->state = MK_BOOTING;
	mk_watch_boot(inst);
}

/* Is there to be another look, after one that is due now? */
static bool watch_waits(struct mk_instance *inst)
{
	flush_work(&inst->watch_work.work);
	return delayed_work_pending(&inst->watch_work);
}

static void watch_no_more(void *data)
{
	struct mk_instance *inst = data;

	guard(mutex)(&inst->lock);
	inst->state = MK_OFFLINE;
	mk_watch_end(inst);
}

static void watch_test_late(struct kunit *test)
{
	struct mk_instance *inst = watch_inst(test);

	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, watch_no_more, inst), 0);
	watch_start(inst, 0);
	KUNIT_EXPECT_FALSE(test, watch_waits(inst));
	KUNIT_EXPECT_TRUE(test, mk_watch_boots(inst));
	inst->firmware = MK_FIRMWARE_ACPI;
	watch_start(inst, 1000);
	KUNIT_EXPECT_FALSE(test, watch_waits(inst));
	inst->firmware = MK_FIRMWARE_BLOCK;

	watch_start(inst, MK_MS_MAX);
	KUNIT_EXPECT_TRUE(test, watch_waits(inst));
	/* A look too early, as an earlier start may have left one, is not the last one */
	mod_delayed_work(system_dfl_wq, &inst->watch_work, 0);
	KUNIT_EXPECT_TRUE(test, watch_waits(inst));
	KUNIT_EXPECT_EQ(test, inst->state, MK_BOOTING);

	/* Another deadline, for the start that was */
	scoped_guard(mutex, &inst->lock) {
		inst->started_at = jiffies - HZ;
		inst->boot_ms = 10;
		mk_watch_deadline(inst);
	}
	KUNIT_EXPECT_FALSE(test, watch_waits(inst));
	KUNIT_EXPECT_EQ(test, inst->state, MK_HUNG);
	KUNIT_EXPECT_EQ(test, inst->events.hangs, 1);
	KUNIT_EXPECT_STREQ(test, inst->reason, "hung: has not come up, for 0 s");
	/* It may still say hello; one that is watched has */
	KUNIT_EXPECT_TRUE(test, mk_watch_boots(inst));
	inst->state = MK_RUNNING;
	KUNIT_EXPECT_FALSE(test, mk_watch_boots(inst));
}

static struct kunit_case watch_cases[] = {
	KUNIT_CASE(watch_test_late),
	KUNIT_CASE_PARAM(watch_test_verdict, watch_verdict_gen_params),
	KUNIT_CASE_PARAM(watch_test_judge, watch_judge_gen_params),
	KUNIT_CASE(watch_test_delay),
	KUNIT_CASE(watch_test_recovery),
	{}
};

static struct kunit_suite watch_suite = {
	.name = "mk_watch",
	.test_cases = watch_cases,
};

kunit_test_suite(watch_suite);
