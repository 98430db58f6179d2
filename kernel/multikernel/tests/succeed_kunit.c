// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of succeed.c against a model: an old kernel that serves, and a successor, either of
 * which may refuse, be mute, or die at each step. Whatever happens, one of the two serves,
 * and never both, unless it was the old one that died, or a CPU of it can't be stopped; and
 * all that there is has one owner.
 *
 * The ledger, the instances and their exchange are the real ones; what the kernels answer,
 * the stopping and parking of CPUs, and what is told of peers are stubs.
 */

#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/multikernel/abi/control.h>
#include <linux/sizes.h>

#include "../internal.h"
#include "../resize.h"
#include "../service.h"

#define SUCCEED_BLOCK	((u64)SZ_2M)
#define SUCCEED_BLOCKS	3
#define SUCCEED_FDT	0x123000
#define SUCCEED_FORMATS	4
#define SUCCEED_CONN	77

/**
 * enum succeed_fault - what becomes of a step
 * @FAULT_NONE: it succeeds
 * @FAULT_REFUSE: it is refused
 * @FAULT_MUTE: it is not done, and nobody says so
 * @FAULT_LATE: it is done, and nobody says so
 * @FAULT_DIE: who is asked ends instead
 * @FAULT_DIE_AFTER: who is asked ends when it has done it
 * @FAULT_OTHER_DIES: the other one ends at that moment
 * @NR_FAULTS: number of them
 */
enum succeed_fault {
	FAULT_NONE,
	FAULT_REFUSE,
	FAULT_MUTE,
	FAULT_LATE,
	FAULT_DIE,
	FAULT_DIE_AFTER,
	FAULT_OTHER_DIES,
	NR_FAULTS,
};

/* Memory that there is */
static struct page *succeed_block[SUCCEED_BLOCKS];

/* One at a time */
static struct succeed_world {
	struct kunit *test;
	struct mk_instance *old;
	struct mk_instance *new;
	u32 old_id;
	u32 new_id;
	unsigned int adopted;	/* ranges */
	unsigned int inherited;	/* connections */
	const char *formats[SUCCEED_FORMATS];	/* of the old one */
	const char *more;	/* that it has when it is prepared */
	const char *known;	/* to the new one, besides the first; NULL: all */
	u32 next;		/* that the old one always says */
	bool frozen;		/* the old one */
	bool was_frozen;
	bool died;		/* the old one, by itself */
	bool lost;		/* a CPU of the old one could not be stopped */
	bool unready;		/* nobody in the new one waits */
	bool nobody;		/* in the new one retrieves a session */
	bool stiff;		/* the old one does not thaw */
	bool serves;		/* the new one */
	bool rest;
	unsigned int cpus;	/* that the new one has brought up */
	unsigned int step;
	unsigned int fail_at;
	enum succeed_fault fault;
	bool fired;
} world;

static enum succeed_fault succeed_step(void)
{
	if (world.step++ != world.fail_at)
		return FAULT_NONE;
	world.fired |= world.fault != FAULT_NONE;
	return world.fault;
}

static void succeed_die(struct mk_instance *inst)
{
	WRITE_ONCE(inst->state, MK_CRASHED);
	if (inst == world.old) {
		world.died = true;
		world.frozen = false;
	} else {
		world.serves = false;
	}
}

static int succeed_take(void)
{
	struct mk_ctl_self self = {};
	ssize_t ret;

	ret = mk_succeed_take_over(world.new, &self);
	if (ret < 0)
		return ret;
	KUNIT_EXPECT_EQ(world.test, ret, sizeof(self));
	KUNIT_EXPECT_EQ(world.test, self.id, world.old_id);
	KUNIT_EXPECT_STREQ(world.test, self.name, "succeed-test-old");
	KUNIT_EXPECT_FALSE(world.test, mk_state_is_up(world.old->state));
	world.serves = true;
	return 0;
}

/* Two at a time */
static int succeed_formats(const struct mk_ctl_formats *req, struct mk_ctl_formats *reply)
{
	size_t used = 0;
	unsigned int i;

	*reply = (struct mk_ctl_formats){ .op = req->op, .first = req->first };
	for (i = req->first; i < SUCCEED_FORMATS && world.formats[i]; i++) {
		if (i == req->first + 2) {
			reply->next = i;
			break;
		}
		/* One that is too long has no end */
		memcpy(reply->names + used, world.formats[i],
		       min(strlen(world.formats[i]) + 1, MK_FORMATS_LEN - used));
		used += strlen(world.formats[i]) + 1;
	}
	if (world.next)
		reply->next = world.next;
	return 0;
}

static int succeed_understands(const struct mk_ctl_formats *req, struct mk_ctl_formats *reply)
{
	const char *name;

	*reply = (struct mk_ctl_formats){ .op = req->op };
	for (name = req->names; *name; name += strlen(name) + 1) {
		if (!world.known || !strcmp(name, world.known) || !strcmp(name, world.formats[0]))
			continue;
		strscpy(reply->names, name);
		break;
	}
	return 0;
}

/* More connections than it can name are those that it names */
static void succeed_frozen(struct mk_ctl_frozen *reply)
{
	if (!(world.old->link.features & MK_BOOT_F_INHERIT)) {
		reply->fdt_pa = SUCCEED_FDT;
		return;
	}
	*reply = (struct mk_ctl_frozen){ .fdt_pa = SUCCEED_FDT, .nr_conns = UINT_MAX };
	reply->conns[0] = SUCCEED_CONN;
}

static int succeed_inside(struct mk_instance *inst, const void *data, void *reply)
{
	struct kunit *test = world.test;

	switch (*(const u32 *)data) {
	case MK_CTL_FORMATS:
		KUNIT_EXPECT_PTR_EQ(test, inst, world.old);
		KUNIT_EXPECT_FALSE(test, world.frozen);
		return succeed_formats(data, reply);
	case MK_CTL_UNDERSTANDS:
		KUNIT_EXPECT_PTR_EQ(test, inst, world.new);
		KUNIT_EXPECT_FALSE(test, world.frozen);
		return succeed_understands(data, reply);
	case MK_CTL_ADOPT_MEM:
		KUNIT_EXPECT_PTR_EQ(test, inst, world.new);
		KUNIT_EXPECT_FALSE(test, world.frozen);
		world.adopted++;
		return 0;
	case MK_CTL_AWAITED:
		KUNIT_EXPECT_PTR_EQ(test, inst, world.new);
		KUNIT_EXPECT_FALSE(test, world.frozen);
		return world.unready ? -EAGAIN : 0;
	case MK_CTL_PREPARE:
		KUNIT_EXPECT_PTR_EQ(test, inst, world.old);
		KUNIT_EXPECT_EQ(test, world.adopted, inst->mem.nr);
		world.formats[1] = world.more;
		return 0;
	case MK_CTL_FREEZE:
		KUNIT_EXPECT_PTR_EQ(test, inst, world.old);
		world.frozen = true;
		world.was_frozen = true;
		succeed_frozen(reply);
		return 0;
	case MK_CTL_THAW:
		KUNIT_EXPECT_PTR_EQ(test, inst, world.old);
		/* The new one may be anything but there */
		KUNIT_EXPECT_FALSE(test, mk_state_is_up(world.new->state));
		if (world.stiff)
			return -ETIME;
		world.frozen = false;
		return 0;
	case MK_CTL_ADOPT:
		KUNIT_EXPECT_PTR_EQ(test, inst, world.new);
		KUNIT_EXPECT_TRUE(test, world.frozen || world.died);
		KUNIT_EXPECT_EQ(test, ((const struct mk_ctl_adopt *)data)->fdt_pa, SUCCEED_FDT);
		if (!world.nobody)
			succeed_take();
		return 0;
	case MK_CTL_ADOPT_REST:
		KUNIT_EXPECT_PTR_EQ(test, inst, world.new);
		KUNIT_EXPECT_TRUE(test, world.serves);
		world.rest = true;
		return 0;
	}
	KUNIT_FAIL(test, "call %u", *(const u32 *)data);
	return -EOPNOTSUPP;
}

static int succeed_stub_ask(struct mk_resize *rs, const void *req, size_t len, void *reply,
			    size_t size, unsigned int ms)
{
	struct mk_instance *inst = rs->inst;
	enum succeed_fault fault = succeed_step();
	int ret = 0;

	if (!mk_state_is_up(inst->state))
		return -ECONNRESET;
	if (fault == FAULT_OTHER_DIES)
		succeed_die(inst == world.old ? world.new : world.old);
	if (fault == FAULT_REFUSE)
		return -EBUSY;
	if (fault == FAULT_MUTE)
		return -ETIMEDOUT;
	if (fault != FAULT_DIE)
		ret = succeed_inside(inst, req, reply);
	if (fault == FAULT_DIE || fault == FAULT_DIE_AFTER) {
		succeed_die(inst);
		return -ECONNRESET;
	}
	return fault == FAULT_LATE ? -ETIMEDOUT : ret;
}

/* As life.c has it: what can't be stopped is lost with all its memory */
static void succeed_stub_end(struct mk_instance *inst, enum mk_state state, const char *reason)
{
	lockdep_assert_held(&inst->lock);
	KUNIT_EXPECT_TRUE(world.test, mk_state_is_up(inst->state));
	if (inst->bequest) {
		KUNIT_EXPECT_PTR_EQ(world.test, inst, world.old);
		world.inherited = inst->bequest->nr;
		KUNIT_EXPECT_TRUE(world.test, !world.inherited ||
				  (inst->bequest->heir == world.new &&
				   inst->bequest->conns[0] == SUCCEED_CONN));
	}
	if (inst == world.old && succeed_step()) {
		world.lost = true;
		inst->shared.va = NULL;
	}
	WRITE_ONCE(inst->state, state);
}

static void succeed_stub_tell_up(struct mk_instance *inst)
{
	KUNIT_EXPECT_PTR_EQ(world.test, inst, world.new);
}

static int succeed_stub_park(struct mk_instance *inst, unsigned int cpu)
{
	KUNIT_EXPECT_PTR_EQ(world.test, inst, world.new);
	return succeed_step() ? -ETIMEDOUT : 0;
}

static int succeed_stub_ask_cpu(struct mk_resize *rs, u32 op, unsigned int cpu)
{
	KUNIT_EXPECT_PTR_EQ(world.test, rs->inst, world.new);
	KUNIT_EXPECT_EQ(world.test, mk_ledger_cpu_owner(cpu), rs->inst->id);
	if (succeed_step())
		return -EBUSY;
	world.cpus++;
	return 0;
}

/* --- the world -------------------------------------------------------------- */

static void succeed_put(struct mk_instance *inst, struct page *page)
{
	struct mk_memory *mem = &inst->mem;

	mem->range[mem->nr++] = (struct mk_range){
		.page = page,
		.nr = SUCCEED_BLOCK / PAGE_SIZE,
	};
	mem->pages += SUCCEED_BLOCK / PAGE_SIZE;
	KUNIT_ASSERT_EQ(world.test, mk_ledger_claim_mem(page_to_phys(page), SUCCEED_BLOCK,
							MK_OWNER_HOST, inst->id), 0);
}

static void succeed_own_cpu(struct mk_instance *inst)
{
	unsigned int cpu;

	for (cpu = 1; cpu < nr_cpu_ids; cpu++) {
		if (mk_ledger_claim_cpu(cpu, MK_OWNER_HOST, inst->id))
			continue;
		cpumask_set_cpu(cpu, inst->cpus);
		return;
	}
	KUNIT_FAIL(world.test, "no CPU");
}

static void succeed_free_inst(void *data)
{
	struct mk_instance *inst = data;
	unsigned int i, cpu;

	for_each_cpu(cpu, inst->cpus)
		mk_ledger_claim_cpu(cpu, inst->id, MK_OWNER_HOST);
	for (i = 0; i < inst->mem.nr; i++)
		mk_ledger_claim_mem(page_to_phys(inst->mem.range[i].page),
				    (u64)inst->mem.range[i].nr * PAGE_SIZE, inst->id,
				    MK_OWNER_HOST);
	cpumask_clear(inst->cpus);
	inst->mem = (struct mk_memory){};
	inst->shared.va = NULL;
	WRITE_ONCE(inst->state, MK_OFFLINE);
	mk_instance_retire(inst);
	mk_instance_put(inst);
}

static struct mk_instance *succeed_make_inst(struct kunit *test, const char *name)
{
	struct mk_instance *inst = mk_instance_create(name);
	unsigned int cpu;

	KUNIT_ASSERT_FALSE(test, IS_ERR(inst));
	inst->mem_block = SUCCEED_BLOCK;
	inst->epoch = 1;
	inst->shared.va = &world;
	for (cpu = 0; cpu < nr_cpu_ids && cpu < MK_CPUS_MAX; cpu++)
		inst->slot_cpu[inst->nr_slots++] = cpu;
	succeed_own_cpu(inst);
	WRITE_ONCE(inst->state, MK_RUNNING);
	return inst;
}

static void succeed_end_world(void)
{
	if (world.new)
		succeed_free_inst(world.new);
	if (world.old)
		succeed_free_inst(world.old);
	world.old = NULL;
	world.new = NULL;
}

static void succeed_begin_world(struct kunit *test)
{
	succeed_end_world();
	world = (struct succeed_world){ .test = test, .fail_at = UINT_MAX };
	world.formats[0] = "kho:kho-v4";
	world.old = succeed_make_inst(test, "succeed-test-old");
	world.new = succeed_make_inst(test, "succeed-test-new");
	world.old_id = world.old->id;
	world.new_id = world.new->id;
	succeed_put(world.old, succeed_block[0]);
	succeed_put(world.old, succeed_block[2]);
	succeed_put(world.new, succeed_block[1]);
}

static u32 succeed_ready_ms;
static u32 succeed_serve_ms;

static int succeed_init(struct kunit *test)
{
	unsigned int i;

	if (nr_cpu_ids < 4)
		kunit_skip(test, "needs four CPUs");
	for (i = 0; i < SUCCEED_BLOCKS; i++) {
		succeed_block[i] = alloc_pages(GFP_KERNEL, get_order(SUCCEED_BLOCK));
		if (!succeed_block[i])
			return -ENOMEM;
	}
	kunit_activate_static_stub(test, mk_succeed_ask, succeed_stub_ask);
	kunit_activate_static_stub(test, mk_life_end, succeed_stub_end);
	kunit_activate_static_stub(test, mk_life_tell_up, succeed_stub_tell_up);
	kunit_activate_static_stub(test, mk_arch_park_cpu, succeed_stub_park);
	kunit_activate_static_stub(test, mk_resize_ask_cpu, succeed_stub_ask_cpu);
	succeed_ready_ms = mk_succeed_ready_ms;
	succeed_serve_ms = mk_succeed_serve_ms;
	mk_succeed_ready_ms = 0;
	mk_succeed_serve_ms = 0;
	succeed_begin_world(test);
	return 0;
}

static void succeed_exit(struct kunit *test)
{
	unsigned int i;

	succeed_end_world();
	for (i = 0; i < SUCCEED_BLOCKS; i++) {
		if (succeed_block[i])
			__free_pages(succeed_block[i], get_order(SUCCEED_BLOCK));
		succeed_block[i] = NULL;
	}
	if (succeed_serve_ms) {
		mk_succeed_ready_ms = succeed_ready_ms;
		mk_succeed_serve_ms = succeed_serve_ms;
	}
	mk_arch_refresh_ipis();
	mk_error_clear();
}

/* --- what must hold ------------------------------------------------------------ */

static void succeed_check_owns(struct mk_instance *inst, unsigned int cpus, unsigned int ranges)
{
	struct kunit *test = world.test;
	unsigned int cpu, i;

	KUNIT_EXPECT_EQ(test, cpumask_weight(inst->cpus), cpus);
	for_each_cpu(cpu, inst->cpus)
		KUNIT_EXPECT_EQ(test, mk_ledger_cpu_owner(cpu), inst->id);
	KUNIT_EXPECT_EQ(test, inst->mem.nr, ranges);
	KUNIT_EXPECT_EQ(test, inst->mem.pages, ranges * (SUCCEED_BLOCK / PAGE_SIZE));
	/* By the ledger, too: it can be claimed from the owner alone */
	for (i = 0; i < inst->mem.nr; i++)
		KUNIT_EXPECT_EQ(test, mk_ledger_claim_mem(page_to_phys(inst->mem.range[i].page),
							  SUCCEED_BLOCK, inst->id, inst->id), 0);
}

static void succeed_check_new(void)
{
	struct kunit *test = world.test;

	KUNIT_EXPECT_FALSE(test, mk_state_is_up(world.old->state));
	KUNIT_EXPECT_STREQ(test, world.new->name, "succeed-test-old");
	KUNIT_EXPECT_STREQ(test, world.old->name, "succeed-test-new");
	KUNIT_EXPECT_EQ(test, world.new->id, world.old_id);
	KUNIT_EXPECT_EQ(test, world.old->id, world.new_id);
	KUNIT_EXPECT_EQ(test, world.new->events.updates, 1);
	succeed_check_owns(world.new, 2, 3);
	succeed_check_owns(world.old, 0, 0);
}

static void succeed_check_old(void)
{
	struct kunit *test = world.test;

	KUNIT_EXPECT_FALSE(test, world.frozen);
	KUNIT_EXPECT_STREQ(test, world.old->name, "succeed-test-old");
	KUNIT_EXPECT_EQ(test, world.old->id, world.old_id);
	KUNIT_EXPECT_EQ(test, world.new->id, world.new_id);
	KUNIT_EXPECT_EQ(test, world.old->events.updates, 0);
	succeed_check_owns(world.old, 1, 2);
	succeed_check_owns(world.new, 1, 1);
}

/* As before anything was asked */
static void succeed_check_untouched(void)
{
	KUNIT_EXPECT_EQ(world.test, world.adopted, 0);
	KUNIT_EXPECT_FALSE(world.test, world.was_frozen);
	KUNIT_EXPECT_EQ(world.test, world.old->state, MK_RUNNING);
	KUNIT_EXPECT_EQ(world.test, world.new->state, MK_RUNNING);
}

static int succeed_try(void)
{
	struct mk_resize *rs = kunit_kzalloc(world.test, 2 * sizeof(*rs), GFP_KERNEL);
	struct mk_ctl_self self;
	bool old;
	int ret;

	KUNIT_ASSERT_NOT_NULL(world.test, rs);
	rs[0].inst = world.old;
	rs[0].epoch = world.old->epoch;
	rs[1].inst = world.new;
	rs[1].epoch = world.new->epoch;
	ret = mk_succeed(&rs[0], &rs[1]);
	/* When all is over nobody takes over any more, but who has may not have heard of it */
	if (ret || !world.serves) {
		KUNIT_EXPECT_EQ(world.test, mk_succeed_take_over(world.new, &self), -ECANCELED);
	} else {
		KUNIT_EXPECT_EQ(world.test, mk_succeed_take_over(world.new, &self), sizeof(self));
		KUNIT_EXPECT_EQ(world.test, self.id, world.old_id);
	}
	KUNIT_EXPECT_EQ(world.test, mk_succeed_take_over(world.old, &self), -ECANCELED);
	old = world.old->state == MK_RUNNING && !world.frozen;
	KUNIT_EXPECT_FALSE(world.test, old && world.serves);
	if (!ret)
		succeed_check_new();
	else if (!world.lost)
		succeed_check_old();
	if (ret && !world.lost && !world.died)
		KUNIT_EXPECT_TRUE(world.test, old);
	return ret;
}

/* --- the tests ------------------------------------------------------------------ */

static void succeed_test_succeeds(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, succeed_try(), 0);
	KUNIT_EXPECT_TRUE(test, world.serves);
	KUNIT_EXPECT_TRUE(test, world.rest);
	KUNIT_EXPECT_EQ(test, world.adopted, 2);
	KUNIT_EXPECT_EQ(test, world.cpus, 1);
	KUNIT_EXPECT_EQ(test, world.old->state, MK_OFFLINE);
}

/* Only if both kernels know of it */
static void succeed_test_inherits(struct kunit *test)
{
	unsigned int both;

	for (both = 0; both < 4; both++) {
		succeed_begin_world(test);
		if (both & 1)
			world.old->link.features |= MK_BOOT_F_INHERIT;
		if (both & 2)
			world.new->link.features |= MK_BOOT_F_INHERIT;
		KUNIT_EXPECT_EQ(test, succeed_try(), 0);
		KUNIT_EXPECT_EQ(test, world.inherited, both == 3 ? MK_FROZEN_CONNS : 0);
		KUNIT_EXPECT_NULL(test, world.old->bequest);
	}
}

static void succeed_test_nobody(struct kunit *test)
{
	world.nobody = true;
	KUNIT_EXPECT_EQ(test, succeed_try(), -ETIMEDOUT);
	KUNIT_EXPECT_FALSE(test, world.serves);
	KUNIT_EXPECT_EQ(test, world.new->state, MK_LOADED);
}

static void succeed_test_unready(struct kunit *test)
{
	world.unready = true;
	KUNIT_EXPECT_EQ(test, succeed_try(), -ETIMEDOUT);
	KUNIT_EXPECT_FALSE(test, world.serves);
	succeed_check_untouched();
	world.unready = false;
	KUNIT_EXPECT_EQ(test, succeed_try(), 0);
}

/* Nothing is asked, and both go on */
static void succeed_test_refusals(struct kunit *test)
{
	/* Half of what it could add is somebody else's */
	world.new->mem_block = 2 * SUCCEED_BLOCK;
	KUNIT_EXPECT_EQ(test, succeed_try(), -EINVAL);
	world.new->mem_block = 0;
	KUNIT_EXPECT_EQ(test, succeed_try(), -EOPNOTSUPP);
	world.new->mem_block = SUCCEED_BLOCK;
	world.new->nr_slots = 1;
	KUNIT_EXPECT_EQ(test, succeed_try(), -ENOSPC);
	world.new->nr_slots = min(nr_cpu_ids, MK_CPUS_MAX);
	KUNIT_EXPECT_EQ(test, world.step, 0);
	KUNIT_EXPECT_EQ(test, world.old->state, MK_RUNNING);
	KUNIT_EXPECT_EQ(test, world.new->state, MK_RUNNING);
	KUNIT_EXPECT_EQ(test, succeed_try(), 0);
}

/* The last of those that do not fit into one answer, too */
static void succeed_test_unknown(struct kunit *test)
{
	world.formats[1] = "luo:luo-v5";
	world.formats[2] = "luo:luo-v5";
	world.formats[3] = "file:memfd-v2";
	world.known = "luo:luo-v5";
	KUNIT_EXPECT_EQ(test, succeed_try(), -EPROTO);
	succeed_check_untouched();
	world.known = NULL;
	world.more = "luo:luo-v5";
	KUNIT_EXPECT_EQ(test, succeed_try(), 0);
}

/* Files of a kind of which there were none before */
static void succeed_test_unknown_late(struct kunit *test)
{
	world.more = "file:memfd-v2";
	world.known = "luo:luo-v5";
	KUNIT_EXPECT_EQ(test, succeed_try(), -EPROTO);
	KUNIT_EXPECT_EQ(test, world.adopted, 2);
	KUNIT_EXPECT_FALSE(test, world.was_frozen);
	KUNIT_EXPECT_EQ(test, world.new->state, MK_LOADED);
}

/* What an instance says need not be what it should be */
static void succeed_test_formats_hostile(struct kunit *test)
{
	static const char long_name[MK_FORMATS_LEN + 1] = {
		[0 ... MK_FORMATS_LEN - 1] = 'a',
	};

	world.formats[0] = "kho:\nkho";
	KUNIT_EXPECT_EQ(test, succeed_try(), -EPROTO);
	world.formats[0] = "kho:\xe4";
	KUNIT_EXPECT_EQ(test, succeed_try(), -EPROTO);
	succeed_check_untouched();
	/* It never comes to an end */
	world.formats[0] = "kho:kho-v4";
	world.next = 1;
	KUNIT_EXPECT_EQ(test, succeed_try(), -EPROTO);
	world.next = UINT_MAX;
	KUNIT_EXPECT_EQ(test, succeed_try(), -EPROTO);
	succeed_check_untouched();
	world.next = 0;
	world.formats[0] = long_name;
	KUNIT_EXPECT_EQ(test, succeed_try(), -EPROTO);
	succeed_check_untouched();
}

static const enum succeed_fault succeed_faults[] = {
	FAULT_REFUSE, FAULT_MUTE, FAULT_LATE, FAULT_DIE, FAULT_DIE_AFTER, FAULT_OTHER_DIES,
};

static const char * const succeed_fault_names[NR_FAULTS] = {
	[FAULT_REFUSE]		= "refused",
	[FAULT_MUTE]		= "not done, not answered",
	[FAULT_LATE]		= "done, not answered",
	[FAULT_DIE]		= "it ends instead",
	[FAULT_DIE_AFTER]	= "it ends afterwards",
	[FAULT_OTHER_DIES]	= "the other one ends",
};

static void succeed_fault_desc(const enum succeed_fault *fault, char *desc)
{
	strscpy(desc, succeed_fault_names[*fault], KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(succeed_fault, succeed_faults, succeed_fault_desc);

static void succeed_test_faults(struct kunit *test)
{
	const enum succeed_fault *fault = test->param_value;
	unsigned int step, serving[2] = {};

	for (step = 0; step < 100; step++) {
		succeed_begin_world(test);
		world.fault = *fault;
		world.fail_at = step;
		succeed_try();
		if (!world.fired)
			break;
		serving[world.serves]++;
	}
	/* Formats twice, of both, two blocks, await, prepare, freeze, offer, the end, rest, CPU */
	KUNIT_EXPECT_GE(test, step, 14);
	KUNIT_EXPECT_LT(test, step, 100);
	KUNIT_EXPECT_GE(test, serving[false], 4);
}

/* A kernel that stays frozen serves nobody: it is one that has crashed */
static void succeed_test_does_not_thaw(struct kunit *test)
{
	struct mk_resize *rs = kunit_kzalloc(test, 2 * sizeof(*rs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rs);
	world.nobody = true;
	world.stiff = true;
	rs[0].inst = world.old;
	rs[0].epoch = world.old->epoch;
	rs[1].inst = world.new;
	rs[1].epoch = world.new->epoch;
	KUNIT_EXPECT_EQ(test, mk_succeed(&rs[0], &rs[1]), -ETIMEDOUT);
	KUNIT_EXPECT_TRUE(test, world.was_frozen);
	KUNIT_EXPECT_EQ(test, world.old->state, MK_CRASHED);
	KUNIT_EXPECT_EQ(test, world.new->state, MK_LOADED);
	KUNIT_EXPECT_STREQ(test, world.old->name, "succeed-test-old");
}

static struct kunit_case succeed_cases[] = {
	KUNIT_CASE(succeed_test_succeeds),
	KUNIT_CASE(succeed_test_inherits),
	KUNIT_CASE(succeed_test_nobody),
	KUNIT_CASE(succeed_test_unready),
	KUNIT_CASE(succeed_test_refusals),
	KUNIT_CASE(succeed_test_unknown),
	KUNIT_CASE(succeed_test_unknown_late),
	KUNIT_CASE(succeed_test_formats_hostile),
	KUNIT_CASE_PARAM(succeed_test_faults, succeed_fault_gen_params),
	KUNIT_CASE(succeed_test_does_not_thaw),
	{}
};

static struct kunit_suite succeed_suite = {
	.name = "mk_succeed",
	.init = succeed_init,
	.exit = succeed_exit,
	.test_cases = succeed_cases,
};

kunit_test_suite(succeed_suite);
