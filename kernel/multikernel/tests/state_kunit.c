// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of instance.c: the table of states against a second one written down
 * here, what a change of state counts and calls, names and ids, and the end of
 * an instance.
 */

#include <kunit/test.h>
#include <linux/bug.h>
#include <linux/string.h>

#include "../internal.h"

/* Rows: from; columns: to; in the order of the states */
static const char * const state_arrows[MK_NR_STATES] = {
	/*			OLBRSCHU */
	[MK_OFFLINE]	=	".x.....x",
	[MK_LOADED]	=	"xxx.....",
	[MK_BOOTING]	=	".x.x.xxx",
	[MK_RUNNING]	=	".x..xxxx",
	[MK_STOPPING]	=	".x...x..",
	[MK_CRASHED]	=	"xxx.....",
	[MK_HUNG]	=	".x.xxx.x",
	[MK_UPDATING]	=	".x.x.xxx",
};

static unsigned int state_notified;
static void (*state_old_notify)(struct mk_instance *inst, bool state);

static void state_notify(struct mk_instance *inst, bool state)
{
	state_notified++;
}

static int state_init(struct kunit *test)
{
	state_notified = 0;
	state_old_notify = mk_instance_notify;
	mk_instance_notify = state_notify;
	return 0;
}

static void state_exit(struct kunit *test)
{
	mk_instance_notify = state_old_notify;
	mk_error_clear();
}

static void state_drop(void *data)
{
	struct mk_instance *inst = data;

	WRITE_ONCE(inst->state, MK_OFFLINE);
	mk_instance_retire(inst);
	mk_instance_put(inst);
}

static struct mk_instance *state_create(struct kunit *test, const char *name)
{
	struct mk_instance *inst = mk_instance_create(name);

	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(inst), "%s", name);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, state_drop, inst), 0);
	return inst;
}

static void state_test_table(struct kunit *test)
{
	enum mk_state from, to;

	for (from = 0; from < MK_NR_STATES; from++)
		for (to = 0; to < MK_NR_STATES; to++)
			KUNIT_EXPECT_EQ_MSG(test, mk_state_may(from, to),
					    state_arrows[from][to] == 'x', "%s -> %s",
					    mk_state_name(from), mk_state_name(to));
}

static void state_test_words(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, mk_state_name(MK_OFFLINE), "offline");
	KUNIT_EXPECT_STREQ(test, mk_state_name(MK_LOADED), "loaded");
	KUNIT_EXPECT_STREQ(test, mk_state_name(MK_BOOTING), "booting");
	KUNIT_EXPECT_STREQ(test, mk_state_name(MK_RUNNING), "running");
	KUNIT_EXPECT_STREQ(test, mk_state_name(MK_STOPPING), "stopping");
	KUNIT_EXPECT_STREQ(test, mk_state_name(MK_CRASHED), "crashed");

	KUNIT_EXPECT_FALSE(test, mk_state_is_up(MK_OFFLINE));
	KUNIT_EXPECT_FALSE(test, mk_state_is_up(MK_LOADED));
	KUNIT_EXPECT_TRUE(test, mk_state_is_up(MK_BOOTING));
	KUNIT_EXPECT_TRUE(test, mk_state_is_up(MK_RUNNING));
	KUNIT_EXPECT_TRUE(test, mk_state_is_up(MK_STOPPING));
	KUNIT_EXPECT_TRUE(test, mk_state_is_up(MK_HUNG));
	KUNIT_EXPECT_TRUE(test, mk_state_is_up(MK_UPDATING));
	KUNIT_EXPECT_TRUE(test, mk_state_boots(MK_UPDATING));
	KUNIT_EXPECT_TRUE(test, mk_state_boots(MK_BOOTING));
	KUNIT_EXPECT_FALSE(test, mk_state_boots(MK_RUNNING));
	KUNIT_EXPECT_FALSE(test, mk_state_is_up(MK_CRASHED));
}

/* An arrow is taken, counted and told; what is none leaves all as it was */
static void state_try(struct kunit *test, struct mk_instance *inst, enum mk_state from,
		      enum mk_state to)
{
	bool may = state_arrows[from][to] == 'x';
	unsigned long changes = inst->events.state_changes;
	unsigned int notified = state_notified;

	inst->state = from;
	mk_instance_set_state(inst, to);
	KUNIT_EXPECT_EQ(test, inst->state, may ? to : from);
	KUNIT_EXPECT_EQ(test, inst->events.state_changes, changes + may);
	KUNIT_EXPECT_EQ(test, state_notified, notified + may);
}

static void state_test_arrows(struct kunit *test)
{
	struct mk_instance *inst = state_create(test, "state-arrows");
	enum mk_state from, to;

	guard(mutex)(&inst->lock);
	for (from = 0; from < MK_NR_STATES; from++)
		for (to = 0; to < MK_NR_STATES; to++)
			if (state_arrows[from][to] == 'x')
				state_try(test, inst, from, to);
}

/* Each of the others is a bug in the caller, and says so */
static void state_test_no_arrows(struct kunit *test)
{
	struct mk_instance *inst = state_create(test, "state-no-arrows");
	enum mk_state from, to;
	int wrong = 0;

	guard(mutex)(&inst->lock);
	kunit_warning_suppress(test) {
		for (from = 0; from < MK_NR_STATES; from++) {
			for (to = 0; to < MK_NR_STATES; to++) {
				if (state_arrows[from][to] == 'x')
					continue;
				state_try(test, inst, from, to);
				wrong++;
			}
		}
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, wrong);
	}
}

static void state_test_no_listener(struct kunit *test)
{
	struct mk_instance *inst = state_create(test, "state-no-listener");

	mk_instance_notify = NULL;
	guard(mutex)(&inst->lock);
	mk_instance_set_state(inst, MK_LOADED);
	KUNIT_EXPECT_EQ(test, inst->state, MK_LOADED);
}

static void state_test_new(struct kunit *test)
{
	struct mk_instance *inst = state_create(test, "state-new");

	KUNIT_EXPECT_STREQ(test, inst->name, "state-new");
	KUNIT_EXPECT_STREQ(test, inst->reason, "none");
	KUNIT_EXPECT_EQ(test, inst->state, MK_OFFLINE);
	KUNIT_EXPECT_FALSE(test, inst->dead);
	KUNIT_EXPECT_TRUE(test, cpumask_empty(inst->cpus));
	KUNIT_EXPECT_EQ(test, inst->mem.pages, 0);
	KUNIT_EXPECT_EQ(test, inst->epoch, 0);
	KUNIT_EXPECT_GE(test, inst->id, 1);
	KUNIT_EXPECT_LE(test, inst->id, 2047);
}

static void state_test_names(struct kunit *test)
{
	static const char * const good[] = { "a", "0", "A.b_c-9", "-", "_", "a..b" };
	static const char * const bad[] = {
		"", ".", "..", ".a", "a/b", "a b", "a\nb", "a\x80", "a\x7f", "a*", "a:b",
	};
	char name[MULTIKERNEL_NAME_MAX + 2];
	struct mk_instance *inst;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		KUNIT_EXPECT_STREQ(test, state_create(test, good[i])->name, good[i]);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		inst = mk_instance_create(bad[i]);
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR(inst), -EINVAL, "name %u", i);
	}

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	KUNIT_EXPECT_EQ(test, PTR_ERR(mk_instance_create(name)), -EINVAL);
	name[sizeof(name) - 2] = '\0';
	KUNIT_EXPECT_STREQ(test, state_create(test, name)->name, name);
}

static void state_test_ids(struct kunit *test)
{
	struct mk_instance *a = state_create(test, "state-a");
	struct mk_instance *b = state_create(test, "state-b");
	u32 id = a->id;

	KUNIT_EXPECT_NE(test, a->id, b->id);
	KUNIT_EXPECT_EQ(test, mk_instance_set_id(a, b->id), -EBUSY);
	KUNIT_EXPECT_EQ(test, mk_instance_set_id(a, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_instance_set_id(a, 2048), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_instance_set_id(a, U32_MAX), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_instance_set_id(a, id), 0);
	KUNIT_EXPECT_EQ(test, a->id, id);
	KUNIT_EXPECT_EQ(test, mk_instance_set_id(a, 2047), 0);
	KUNIT_EXPECT_EQ(test, a->id, 2047);
	KUNIT_EXPECT_PTR_EQ(test, mk_instance_get_by_id(id), NULL);
	/* Free again for the next */
	KUNIT_EXPECT_EQ(test, mk_instance_set_id(b, id), 0);
}

/* The ledger knows owners by their ids, so who owns something keeps his */
static void state_test_id_stays(struct kunit *test)
{
	struct mk_instance *inst = state_create(test, "state-owner");
	u32 id = inst->id;

	cpumask_set_cpu(0, inst->cpus);
	KUNIT_EXPECT_EQ(test, mk_instance_set_id(inst, 2047), -EBUSY);
	cpumask_clear_cpu(0, inst->cpus);
	inst->image = (struct kimage *)inst;
	KUNIT_EXPECT_EQ(test, mk_instance_set_id(inst, 2047), -EBUSY);
	inst->image = NULL;
	KUNIT_EXPECT_EQ(test, inst->id, id);
}

static void state_test_find(struct kunit *test)
{
	struct mk_instance *inst = state_create(test, "state-find");

	KUNIT_EXPECT_EQ(test, refcount_read(&inst->ref), 1);
	KUNIT_EXPECT_PTR_EQ(test, mk_instance_get_by_id(inst->id), inst);
	KUNIT_EXPECT_EQ(test, refcount_read(&inst->ref), 2);
	mk_instance_get(inst);
	KUNIT_EXPECT_EQ(test, refcount_read(&inst->ref), 3);
	mk_instance_put(inst);
	mk_instance_put(inst);
	KUNIT_EXPECT_EQ(test, refcount_read(&inst->ref), 1);
	KUNIT_EXPECT_PTR_EQ(test, mk_instance_get_by_id(0), NULL);
}

static void state_test_retire(struct kunit *test)
{
	struct mk_instance *inst = mk_instance_create("state-retire");
	u32 id;

	KUNIT_ASSERT_FALSE(test, IS_ERR(inst));
	id = inst->id;
	inst->state = MK_RUNNING;
	KUNIT_EXPECT_EQ(test, mk_instance_retire(inst), -EBUSY);
	KUNIT_EXPECT_FALSE(test, inst->dead);
	inst->state = MK_CRASHED;
	KUNIT_EXPECT_EQ(test, mk_instance_retire(inst), 0);
	KUNIT_EXPECT_EQ(test, inst->state, MK_OFFLINE);
	KUNIT_EXPECT_TRUE(test, inst->dead);
	KUNIT_EXPECT_PTR_EQ(test, mk_instance_get_by_id(id), NULL);
	KUNIT_EXPECT_EQ(test, mk_instance_retire(inst), -EBUSY);
	mk_instance_put(inst);
}

static struct kunit_case state_cases[] = {
	KUNIT_CASE(state_test_table),
	KUNIT_CASE(state_test_words),
	KUNIT_CASE(state_test_arrows),
	KUNIT_CASE(state_test_no_arrows),
	KUNIT_CASE(state_test_no_listener),
	KUNIT_CASE(state_test_new),
	KUNIT_CASE(state_test_names),
	KUNIT_CASE(state_test_ids),
	KUNIT_CASE(state_test_id_stays),
	KUNIT_CASE(state_test_find),
	KUNIT_CASE(state_test_retire),
	{}
};

static struct kunit_suite state_suite = {
	.name = "mk_state",
	.init = state_init,
	.exit = state_exit,
	.test_cases = state_cases,
};

kunit_test_suite(state_suite);
