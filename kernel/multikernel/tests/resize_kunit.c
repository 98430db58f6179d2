// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of resize.c and move.c against a model: two instances that run, as far as these
 * files see, and a machine, in which each step can fail in each way.  Whatever happens,
 * each CPU and each block has one owner, nobody gets what another one still uses, and a
 * healthy instance is not stopped.  What must come out is foretold.
 *
 * The ledger is the real one; CPU hotplug, the stopping and parking of CPUs, memory and what
 * instances answer are stubs.
 */

#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/multikernel/abi/control.h>
#include <linux/sizes.h>

#include "fuzz.h"
#include "../internal.h"
#include "../resize.h"

/* Nobody looks into these pages, so there need be none */
#define RESIZE_BASE	BIT_ULL(40)
#define RESIZE_BLOCK	((u64)SZ_2M)
#define RESIZE_BLOCKS	12

/**
 * enum resize_fault - what becomes of a step
 * @FAULT_NONE: it succeeds
 * @FAULT_REFUSE: it is refused
 * @FAULT_MUTE: it is not done, and nobody says so
 * @FAULT_LATE: it is done, and nobody says so
 * @FAULT_DIE: the instance ends instead
 * @FAULT_DIE_AFTER: the instance ends when it has done it
 * @NR_FAULTS: number of them
 */
enum resize_fault {
	FAULT_NONE,
	FAULT_REFUSE,
	FAULT_MUTE,
	FAULT_LATE,
	FAULT_DIE,
	FAULT_DIE_AFTER,
	NR_FAULTS,
};

/**
 * struct resize_side - what an instance knows of itself
 * @inst: what the host knows of it
 * @runs: CPUs that it runs on
 * @parked: CPUs that wait for it
 * @pinned: the one of @runs that it does not let go of
 * @uses: blocks of memory that it has, by number
 * @busy: blocks that it does not let go of
 */
struct resize_side {
	struct mk_instance *inst;
	struct cpumask runs;
	struct cpumask parked;
	unsigned int pinned;
	unsigned long uses;
	unsigned long busy;
};

/**
 * struct resize_plan - a change
 * @cpus: CPUs shall change, otherwise memory
 * @move: from the first instance to the second, otherwise of the first one
 * @want: as mk_resize.want
 * @size: as mk_resize.size
 */
struct resize_plan {
	bool cpus;
	bool move;
	struct cpumask want;
	u64 size;
};

/* One at a time */
static struct resize_world {
	struct kunit *test;
	struct resize_side side[2];
	unsigned int step;
	unsigned int fail_at;
	enum resize_fault fault;
	bool fired;
	bool lost;	/* a CPU could not be stopped */
} world;

static struct resize_side *resize_side_of(struct mk_instance *inst)
{
	return &world.side[inst == world.side[1].inst];
}

static enum resize_fault resize_step(void)
{
	if (world.step++ != world.fail_at)
		return FAULT_NONE;
	world.fired |= world.fault != FAULT_NONE;
	return world.fault;
}

static void resize_die(struct resize_side *side)
{
	WRITE_ONCE(side->inst->state, MK_CRASHED);
	cpumask_clear(&side->runs);
	cpumask_clear(&side->parked);
	side->uses = 0;
}

static unsigned int resize_block_of(phys_addr_t pa)
{
	return (pa - RESIZE_BASE) / RESIZE_BLOCK;
}

static unsigned long resize_owned(const struct mk_instance *inst)
{
	unsigned long blocks = 0;
	unsigned int i;

	for (i = 0; i < inst->mem.nr; i++)
		blocks |= BIT(resize_block_of(page_to_phys(inst->mem.range[i].page)));
	return blocks;
}

static bool resize_runs_anywhere(unsigned int cpu)
{
	return cpumask_test_cpu(cpu, &world.side[0].runs) ||
	       cpumask_test_cpu(cpu, &world.side[1].runs);
}

static bool resize_used_anywhere(phys_addr_t pa)
{
	return (world.side[0].uses | world.side[1].uses) & BIT(resize_block_of(pa));
}

/* --- the instances ------------------------------------------------------ */

static int resize_inside_cpu(struct resize_side *side, u32 op, unsigned int cpu)
{
	if (op == MK_CTL_CPU_DEL) {
		if (cpu == side->pinned)
			return -EBUSY;
		if (cpumask_test_and_clear_cpu(cpu, &side->runs))
			cpumask_set_cpu(cpu, &side->parked);
		return 0;
	}
	KUNIT_EXPECT_EQ(world.test, mk_ledger_cpu_owner(cpu), side->inst->id);
	if (cpumask_test_cpu(cpu, &side->runs))
		return 0;
	if (!cpumask_test_and_clear_cpu(cpu, &side->parked))
		return -EIO;
	cpumask_set_cpu(cpu, &side->runs);
	return 0;
}

static int resize_inside_mem(struct resize_side *side, u32 op, phys_addr_t pa)
{
	unsigned long block = BIT(resize_block_of(pa));

	if (op == MK_CTL_MEM_DEL) {
		if (side->uses & side->busy & block)
			return -EBUSY;
		side->uses &= ~block;
		return 0;
	}
	KUNIT_EXPECT_TRUE(world.test, resize_owned(side->inst) & block);
	side->uses |= block;
	return 0;
}

static int resize_ask(struct mk_resize *rs, u32 op, unsigned int cpu, phys_addr_t pa)
{
	struct resize_side *side = resize_side_of(rs->inst);
	enum resize_fault fault = resize_step();
	int ret = 0;

	guard(mutex)(&rs->inst->lock);
	if (!mk_resize_runs(rs))
		return -ECONNRESET;
	if (fault == FAULT_REFUSE)
		return -EBUSY;
	if (fault == FAULT_MUTE)
		return -ETIMEDOUT;
	if (fault != FAULT_DIE)
		ret = pa ? resize_inside_mem(side, op, pa) : resize_inside_cpu(side, op, cpu);
	if (fault == FAULT_DIE || fault == FAULT_DIE_AFTER) {
		resize_die(side);
		return -ECONNRESET;
	}
	return fault == FAULT_LATE ? -ETIMEDOUT : ret;
}

static int resize_stub_ask_cpu(struct mk_resize *rs, u32 op, unsigned int cpu)
{
	return resize_ask(rs, op, cpu, 0);
}

static int resize_stub_ask_mem(struct mk_resize *rs, u32 op, phys_addr_t pa, u64 size)
{
	KUNIT_EXPECT_EQ(world.test, size, RESIZE_BLOCK);
	return resize_ask(rs, op, 0, pa);
}

/* --- the machine ------------------------------------------------------------ */

static int resize_stub_add_cpus(struct mk_instance *inst, const struct cpumask *add)
{
	unsigned int cpu;

	lockdep_assert_held(&inst->lock);
	for_each_cpu(cpu, add)
		if (!cpu || mk_ledger_cpu_owner(cpu) != MK_OWNER_HOST)
			return mk_fail(-EBUSY, "CPU %u is not to be had", cpu);
	if (!cpumask_empty(add) && resize_step())
		return mk_fail(-EBUSY, "the host keeps them");
	for_each_cpu(cpu, add) {
		KUNIT_EXPECT_EQ(world.test,
				mk_ledger_claim_cpu(cpu, MK_OWNER_HOST, inst->id), 0);
		cpumask_set_cpu(cpu, inst->cpus);
	}
	return 0;
}

static int resize_stub_park_cpu(struct mk_instance *inst, unsigned int cpu)
{
	struct resize_side *side = resize_side_of(inst);

	lockdep_assert_held(&inst->lock);
	KUNIT_EXPECT_EQ(world.test, mk_ledger_cpu_owner(cpu), inst->id);
	KUNIT_EXPECT_FALSE(world.test, resize_runs_anywhere(cpu));
	if (resize_step())
		return -EIO;
	cpumask_set_cpu(cpu, &side->parked);
	return 0;
}

/* A CPU that can't be stopped ends its instance: see mk_life_stop_cpu() */
static int resize_stub_stop_cpu(struct mk_instance *inst, unsigned int cpu)
{
	struct resize_side *side = resize_side_of(inst);

	lockdep_assert_held(&inst->lock);
	KUNIT_EXPECT_FALSE(world.test, resize_runs_anywhere(cpu));
	cpumask_clear_cpu(cpu, &side->parked);
	if (!resize_step())
		return 0;
	world.lost = true;
	KUNIT_EXPECT_EQ(world.test, mk_ledger_claim_cpu(cpu, inst->id, MK_OWNER_QUARANTINE), 0);
	cpumask_clear_cpu(cpu, inst->cpus);
	resize_die(side);
	return mk_fail(-ETIMEDOUT, "CPU %u can't be stopped", cpu);
}

static void resize_stub_return_cpu(struct mk_instance *inst, unsigned int cpu)
{
	lockdep_assert_held(&inst->lock);
	KUNIT_EXPECT_FALSE(world.test, resize_runs_anywhere(cpu));
	KUNIT_EXPECT_FALSE(world.test, cpumask_test_cpu(cpu, &resize_side_of(inst)->parked));
	KUNIT_EXPECT_EQ(world.test, mk_ledger_claim_cpu(cpu, inst->id, MK_OWNER_HOST), 0);
	cpumask_clear_cpu(cpu, inst->cpus);
}

static void resize_put_block(struct mk_memory *mem, phys_addr_t pa)
{
	mem->range[mem->nr++] = (struct mk_range){
		.page = pfn_to_page(PHYS_PFN(pa)),
		.nr = RESIZE_BLOCK / PAGE_SIZE,
	};
	mem->pages += RESIZE_BLOCK / PAGE_SIZE;
}

static void resize_take_block(struct mk_memory *mem, phys_addr_t pa)
{
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		if (page_to_phys(mem->range[i].page) != pa)
			continue;
		mem->range[i] = mem->range[--mem->nr];
		mem->pages -= RESIZE_BLOCK / PAGE_SIZE;
		return;
	}
	KUNIT_FAIL(world.test, "block %u is not there", resize_block_of(pa));
}

static unsigned long resize_free_blocks(void)
{
	return GENMASK(RESIZE_BLOCKS - 1, 0) & ~resize_owned(world.side[0].inst) &
	       ~resize_owned(world.side[1].inst);
}

static int resize_stub_add_mem(struct mk_instance *inst, u64 size, phys_addr_t *pa)
{
	unsigned long left = resize_free_blocks();

	lockdep_assert_held(&inst->lock);
	KUNIT_EXPECT_EQ(world.test, size, RESIZE_BLOCK);
	if (resize_step() || !left)
		return -ENOMEM;
	*pa = RESIZE_BASE + __ffs(left) * RESIZE_BLOCK;
	resize_put_block(&inst->mem, *pa);
	return 0;
}

static void resize_stub_del_mem(struct mk_instance *inst, phys_addr_t pa, u64 size)
{
	lockdep_assert_held(&inst->lock);
	KUNIT_EXPECT_EQ(world.test, size, RESIZE_BLOCK);
	KUNIT_EXPECT_FALSE(world.test, resize_used_anywhere(pa));
	resize_take_block(&inst->mem, pa);
}

static int resize_stub_hand_mem(struct mk_instance *from, struct mk_instance *to,
				phys_addr_t pa, u64 size)
{
	lockdep_assert_held(&from->lock);
	lockdep_assert_held(&to->lock);
	KUNIT_EXPECT_FALSE(world.test, resize_used_anywhere(pa));
	if (!mk_memory_contains(&from->mem, pa, size))
		return -ENOENT;
	if (resize_step())
		return -ENOMEM;
	resize_take_block(&from->mem, pa);
	resize_put_block(&to->mem, pa);
	return 0;
}

/* --- the world -------------------------------------------------------------- */

/* Each has one owner, who knows of it, and is used by no other */
static void resize_check(void)
{
	struct kunit *test = world.test;
	unsigned int cpu, i;

	for (cpu = 1; cpu < nr_cpu_ids; cpu++) {
		u16 owner = mk_ledger_cpu_owner(cpu);

		for (i = 0; i < 2; i++) {
			struct resize_side *side = &world.side[i];
			bool own = owner == side->inst->id;

			KUNIT_EXPECT_EQ(test, cpumask_test_cpu(cpu, side->inst->cpus), own);
			KUNIT_EXPECT_TRUE(test, own || !cpumask_test_cpu(cpu, &side->runs));
		}
	}
	for (i = 0; i < 2; i++) {
		struct mk_instance *inst = world.side[i].inst;

		KUNIT_EXPECT_EQ(test, world.side[i].uses & ~resize_owned(inst), 0);
		KUNIT_EXPECT_EQ(test, hweight_long(resize_owned(inst)), inst->mem.nr);
		KUNIT_EXPECT_EQ(test, inst->mem.pages,
				inst->mem.nr * (RESIZE_BLOCK / PAGE_SIZE));
	}
	KUNIT_EXPECT_EQ(test, resize_owned(world.side[0].inst) & resize_owned(world.side[1].inst),
			0);
}

static void resize_own_cpu(struct resize_side *side)
{
	unsigned int cpu;

	for (cpu = 1; cpu < nr_cpu_ids && cpumask_empty(side->inst->cpus); cpu++)
		if (!mk_ledger_claim_cpu(cpu, MK_OWNER_HOST, side->inst->id))
			cpumask_set_cpu(cpu, side->inst->cpus);
}

/* A new run, with all that is its own */
static void resize_start(struct resize_side *side)
{
	struct mk_instance *inst = side->inst;

	resize_own_cpu(side);
	side->pinned = cpumask_first(inst->cpus);
	cpumask_copy(&side->runs, inst->cpus);
	cpumask_clear(&side->parked);
	side->uses = resize_owned(inst);
	inst->epoch++;
	WRITE_ONCE(inst->state, MK_RUNNING);
}

static void resize_restart_all(void)
{
	unsigned int cpu;

	for (cpu = 1; cpu < nr_cpu_ids; cpu++)
		if (mk_ledger_cpu_owner(cpu) == MK_OWNER_QUARANTINE)
			mk_ledger_claim_cpu(cpu, MK_OWNER_QUARANTINE, MK_OWNER_HOST);
	resize_start(&world.side[0]);
	resize_start(&world.side[1]);
	world.lost = false;
}

static void resize_free_inst(void *data)
{
	struct mk_instance *inst = data;
	unsigned int cpu;

	for (cpu = 1; cpu < nr_cpu_ids; cpu++) {
		mk_ledger_claim_cpu(cpu, inst->id, MK_OWNER_HOST);
		mk_ledger_claim_cpu(cpu, MK_OWNER_QUARANTINE, MK_OWNER_HOST);
	}
	cpumask_clear(inst->cpus);
	inst->mem.nr = 0;
	inst->mem.pages = 0;
	WRITE_ONCE(inst->state, MK_OFFLINE);
	mk_instance_retire(inst);
	mk_instance_put(inst);
}

static void resize_make_inst(struct kunit *test, struct resize_side *side, const char *name)
{
	struct mk_instance *inst = mk_instance_create(name);
	unsigned int cpu;

	KUNIT_ASSERT_FALSE(test, IS_ERR(inst));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, resize_free_inst, inst), 0);
	side->inst = inst;
	inst->mem_block = RESIZE_BLOCK;
	for (cpu = 0; cpu < nr_cpu_ids && cpu < MK_CPUS_MAX; cpu++)
		inst->slot_cpu[inst->nr_slots++] = cpu;
}

static int resize_init(struct kunit *test)
{
	unsigned int i;

	if (!IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP) || nr_cpu_ids < 4)
		kunit_skip(test, "needs four CPUs, and pages without memory");
	world = (struct resize_world){ .test = test, .fail_at = UINT_MAX };
	resize_make_inst(test, &world.side[0], "resize-test-a");
	resize_make_inst(test, &world.side[1], "resize-test-b");
	kunit_activate_static_stub(test, mk_resize_ask_cpu, resize_stub_ask_cpu);
	kunit_activate_static_stub(test, mk_resize_ask_mem, resize_stub_ask_mem);
	kunit_activate_static_stub(test, mk_cpus_add, resize_stub_add_cpus);
	kunit_activate_static_stub(test, mk_cpus_return_one, resize_stub_return_cpu);
	kunit_activate_static_stub(test, mk_arch_park_cpu, resize_stub_park_cpu);
	kunit_activate_static_stub(test, mk_life_stop_cpu, resize_stub_stop_cpu);
	kunit_activate_static_stub(test, mk_memory_add, resize_stub_add_mem);
	kunit_activate_static_stub(test, mk_memory_del, resize_stub_del_mem);
	kunit_activate_static_stub(test, mk_memory_hand, resize_stub_hand_mem);
	for (i = 0; i < RESIZE_BLOCKS / 3; i++)
		resize_put_block(&world.side[0].inst->mem, RESIZE_BASE + i * RESIZE_BLOCK);
	world.side[0].inst->mem_wanted = i * RESIZE_BLOCK;
	resize_restart_all();
	return 0;
}

static void resize_exit(struct kunit *test)
{
	mk_arch_refresh_ipis();
	mk_error_clear();
}

/* --- plans ------------------------------------------------------------------ */

static int resize_carry_out(const struct resize_plan *plan)
{
	struct mk_resize *rs = kunit_kzalloc(world.test, 2 * sizeof(*rs), GFP_KERNEL);
	int ret;

	KUNIT_ASSERT_NOT_NULL(world.test, rs);
	rs[0].inst = world.side[0].inst;
	rs[0].epoch = rs[0].inst->epoch;
	rs[1].inst = world.side[1].inst;
	rs[1].epoch = rs[1].inst->epoch;
	rs->cpus = plan->cpus;
	rs->size = plan->size;
	cpumask_copy(&rs->want, &plan->want);
	world.step = 0;
	world.fired = false;
	mk_error_clear();
	ret = plan->move ? mk_move(&rs[0], &rs[1]) : mk_resize_do(rs);
	KUNIT_EXPECT_TRUE(world.test, !ret || mk_error_is_set());
	kunit_kfree(world.test, rs);
	return ret;
}

static int resize_foretell_cpus(const struct resize_plan *plan)
{
	const struct resize_side *side = &world.side[0];
	bool pinned = cpumask_test_cpu(side->pinned, &plan->want);
	unsigned int cpu;

	if (cpumask_empty(&plan->want))
		return -EINVAL;
	if (plan->move) {
		if (!cpumask_subset(&plan->want, side->inst->cpus) ||
		    cpumask_equal(&plan->want, side->inst->cpus))
			return -EINVAL;
		return pinned ? -EBUSY : 0;
	}
	for_each_cpu(cpu, &plan->want)
		if (!cpumask_test_cpu(cpu, side->inst->cpus) &&
		    (!cpu || mk_ledger_cpu_owner(cpu) != MK_OWNER_HOST))
			return -EBUSY;
	return pinned ? 0 : -EBUSY;
}

static int resize_foretell_mem(const struct resize_plan *plan)
{
	const struct resize_side *side = &world.side[0];
	u64 have = side->inst->mem.pages * PAGE_SIZE;
	u64 loose = hweight_long(resize_owned(side->inst) & ~side->busy) * RESIZE_BLOCK;

	if (plan->size % RESIZE_BLOCK)
		return -EINVAL;
	if (plan->move) {
		if (!plan->size)
			return -EINVAL;
		return plan->size <= loose ? 0 : -EBUSY;
	}
	if (plan->size > have)
		return plan->size - have <= hweight_long(resize_free_blocks()) * RESIZE_BLOCK ?
		       0 : -ENOMEM;
	return have - plan->size <= loose ? 0 : -EBUSY;
}

/* What is an instance's it uses, unless there was no reason yet to ask it for that */
static void resize_expect_used(const struct resize_plan *plan)
{
	unsigned int i;

	for (i = 0; i <= plan->move; i++) {
		struct resize_side *side = &world.side[i];

		KUNIT_EXPECT_TRUE(world.test, cpumask_equal(&side->runs, side->inst->cpus));
		KUNIT_EXPECT_EQ(world.test, side->uses, resize_owned(side->inst));
	}
}

struct resize_before {
	struct cpumask cpus[2];
	u64 mem[2];
	u64 wanted[2];
};

static void resize_expect_done(const struct resize_plan *plan, const struct resize_before *was)
{
	struct kunit *test = world.test;
	struct mk_instance *a = world.side[0].inst, *b = world.side[1].inst;
	struct cpumask want;

	if (plan->cpus && plan->move) {
		cpumask_andnot(&want, &was->cpus[0], &plan->want);
		KUNIT_EXPECT_TRUE(test, cpumask_equal(a->cpus, &want));
		cpumask_or(&want, &was->cpus[1], &plan->want);
		KUNIT_EXPECT_TRUE(test, cpumask_equal(b->cpus, &want));
	} else if (plan->cpus) {
		KUNIT_EXPECT_TRUE(test, cpumask_equal(a->cpus, &plan->want));
	} else if (plan->move) {
		KUNIT_EXPECT_EQ(test, a->mem.pages * PAGE_SIZE, was->mem[0] - plan->size);
		KUNIT_EXPECT_EQ(test, b->mem.pages * PAGE_SIZE, was->mem[1] + plan->size);
		KUNIT_EXPECT_EQ(test, a->mem_wanted,
				was->wanted[0] - min(was->wanted[0], plan->size));
		KUNIT_EXPECT_EQ(test, b->mem_wanted, was->wanted[1] + plan->size);
	} else {
		KUNIT_EXPECT_EQ(test, a->mem.pages * PAGE_SIZE, plan->size);
		KUNIT_EXPECT_EQ(test, a->mem_wanted, plan->size);
		KUNIT_EXPECT_EQ(test, b->mem_wanted, was->wanted[1]);
	}
	resize_expect_used(plan);
}

/* Memory may have come back in part */
static void resize_expect_undone(const struct resize_plan *plan, const struct resize_before *was)
{
	struct kunit *test = world.test;
	struct mk_instance *a = world.side[0].inst, *b = world.side[1].inst;
	u64 have = a->mem.pages * PAGE_SIZE;
	int i;

	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_TRUE(test, cpumask_equal(world.side[i].inst->cpus, &was->cpus[i]));
	resize_expect_used(plan);
	KUNIT_EXPECT_EQ(test, b->mem.pages * PAGE_SIZE, was->mem[1]);
	KUNIT_EXPECT_EQ(test, b->mem_wanted, was->wanted[1]);
	KUNIT_EXPECT_EQ(test, a->mem_wanted, have == was->mem[0] ? was->wanted[0] : plan->size);
	if (!plan->cpus && !plan->move && plan->size < was->mem[0])
		KUNIT_EXPECT_TRUE(test, have > plan->size && have <= was->mem[0]);
	else
		KUNIT_EXPECT_EQ(test, have, was->mem[0]);
}

/* It has ended meanwhile: what it gave back until then it shall not have again */
static void resize_expect_wanted(const struct resize_plan *plan, const struct resize_before *was)
{
	struct mk_instance *a = world.side[0].inst;
	bool less = a->mem.pages * PAGE_SIZE < was->mem[0];

	if (!plan->cpus && !plan->move)
		KUNIT_EXPECT_EQ(world.test, a->mem_wanted, less ? plan->size : was->wanted[0]);
}

static bool resize_both_run(void)
{
	return world.side[0].inst->state == MK_RUNNING && world.side[1].inst->state == MK_RUNNING;
}

/* What an instance has not answered for is settled before the plan */
static bool resize_is_unsure(const struct resize_side *side)
{
	const struct mk_unsure *unsure = &side->inst->unsure;

	return unsure->epoch == side->inst->epoch &&
	       (unsure->nr || !cpumask_empty(&unsure->cpus));
}

static int resize_try(const struct resize_plan *plan)
{
	bool unsure = resize_is_unsure(&world.side[0]) ||
		      (plan->move && resize_is_unsure(&world.side[1]));
	int ret, told = plan->cpus ? resize_foretell_cpus(plan) : resize_foretell_mem(plan);
	struct resize_before was;
	int i;

	for (i = 0; i < 2; i++) {
		cpumask_copy(&was.cpus[i], world.side[i].inst->cpus);
		was.mem[i] = world.side[i].inst->mem.pages * PAGE_SIZE;
		was.wanted[i] = world.side[i].inst->mem_wanted;
	}
	ret = resize_carry_out(plan);
	resize_check();
	if (!world.fired)
		KUNIT_EXPECT_EQ(world.test, ret, told);
	/* A fault may have been met there */
	if (world.fired && unsure)
		return ret;
	if (!resize_both_run()) {
		if (world.fired)
			resize_expect_wanted(plan, &was);
		return ret;
	}
	if (!ret)
		resize_expect_done(plan, &was);
	else if (!world.fired || (world.fault == FAULT_REFUSE && !told))
		resize_expect_undone(plan, &was);
	return ret;
}

/* --- tests ------------------------------------------------------------------ */

static struct resize_plan resize_plan_cpus(bool move, unsigned long mask)
{
	struct resize_plan plan = { .cpus = true, .move = move };
	unsigned int cpu;

	for_each_set_bit(cpu, &mask, BITS_PER_LONG)
		cpumask_set_cpu(cpu, &plan.want);
	return plan;
}

static struct resize_plan resize_plan_mem(bool move, unsigned int blocks)
{
	return (struct resize_plan){ .move = move, .size = blocks * RESIZE_BLOCK };
}

/* The first instance starts on CPU 1, the second on CPU 2; 4 blocks are the first one's */
static void resize_test_plans(struct kunit *test)
{
	struct resize_plan plan;

	plan = resize_plan_cpus(false, BIT(1) | BIT(3));
	KUNIT_EXPECT_EQ(test, resize_try(&plan), 0);
	plan = resize_plan_cpus(false, BIT(1) | BIT(2));
	KUNIT_EXPECT_EQ(test, resize_try(&plan), -EBUSY);
	plan = resize_plan_cpus(false, BIT(0) | BIT(1));
	KUNIT_EXPECT_EQ(test, resize_try(&plan), -EBUSY);
	plan = resize_plan_cpus(false, BIT(3));
	KUNIT_EXPECT_EQ(test, resize_try(&plan), -EBUSY);
	plan = resize_plan_cpus(false, 0);
	KUNIT_EXPECT_EQ(test, resize_try(&plan), -EINVAL);
	plan = resize_plan_cpus(true, 0);
	KUNIT_EXPECT_EQ(test, resize_try(&plan), -EINVAL);
	plan = resize_plan_cpus(true, BIT(2));
	KUNIT_EXPECT_EQ(test, resize_try(&plan), -EINVAL);
	plan = resize_plan_cpus(true, BIT(1) | BIT(3));
	KUNIT_EXPECT_EQ(test, resize_try(&plan), -EINVAL);
	plan = resize_plan_cpus(true, BIT(1));
	KUNIT_EXPECT_EQ(test, resize_try(&plan), -EBUSY);
	plan = resize_plan_cpus(true, BIT(3));
	KUNIT_EXPECT_EQ(test, resize_try(&plan), 0);
	KUNIT_EXPECT_EQ(test, mk_ledger_cpu_owner(3), world.side[1].inst->id);

	plan = resize_plan_mem(false, RESIZE_BLOCKS);
	KUNIT_EXPECT_EQ(test, resize_try(&plan), 0);
	plan = resize_plan_mem(false, RESIZE_BLOCKS + 1);
	KUNIT_EXPECT_EQ(test, resize_try(&plan), -ENOMEM);
	plan.size -= PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, resize_try(&plan), -EINVAL);
	world.side[0].busy = GENMASK(3, 0);
	plan = resize_plan_mem(true, RESIZE_BLOCKS - 3);
	KUNIT_EXPECT_EQ(test, resize_try(&plan), -EBUSY);
	plan = resize_plan_mem(true, 0);
	KUNIT_EXPECT_EQ(test, resize_try(&plan), -EINVAL);
	plan = resize_plan_mem(true, 2);
	KUNIT_EXPECT_EQ(test, resize_try(&plan), 0);
	plan = resize_plan_mem(false, 1);
	KUNIT_EXPECT_EQ(test, resize_try(&plan), -EBUSY);
	/* All but those in use have come back */
	KUNIT_EXPECT_EQ(test, resize_owned(world.side[0].inst), GENMASK(3, 0));
}

/* What its kernel can't do, and what it has not been told of */
static void resize_test_refusals(struct kunit *test)
{
	struct resize_plan plan = resize_plan_mem(false, 5);
	struct mk_instance *a = world.side[0].inst;

	a->mem_block = 0;
	KUNIT_EXPECT_EQ(test, resize_carry_out(&plan), -EOPNOTSUPP);
	plan = resize_plan_mem(true, 1);
	KUNIT_EXPECT_EQ(test, resize_carry_out(&plan), -EOPNOTSUPP);
	a->mem_block = RESIZE_BLOCK;
	a->nr_slots = 2;
	plan = resize_plan_cpus(false, BIT(1) | BIT(3));
	KUNIT_EXPECT_EQ(test, resize_carry_out(&plan), -ENOSPC);
	a->nr_slots = 4;
	KUNIT_EXPECT_EQ(test, resize_carry_out(&plan), 0);
	world.side[1].inst->nr_slots = 3;
	plan = resize_plan_cpus(true, BIT(3));
	KUNIT_EXPECT_EQ(test, resize_carry_out(&plan), -ENOSPC);
	resize_die(&world.side[1]);
	KUNIT_EXPECT_EQ(test, resize_carry_out(&plan), -ECONNRESET);
	resize_check();
}

struct resize_scene {
	const char *what;
	bool cpus;
	bool move;
	unsigned long want;	/* CPUs, or blocks */
};

/* From CPUs 1 and 3 and four blocks */
static const struct resize_scene resize_scenes[] = {
	{ "CPUs, some for others", true, false, BIT(1) | ~GENMASK(3, 0) },
	{ "a CPU less", true, false, BIT(1) },
	{ "a CPU to another", true, true, BIT(3) },
	{ "three blocks more", false, false, 7 },
	{ "three blocks less", false, false, 1 },
	{ "three blocks to another", false, true, 3 },
};

KUNIT_ARRAY_PARAM_DESC(resize_scene, resize_scenes, what);

static struct resize_plan resize_scene_plan(const struct resize_scene *scene)
{
	unsigned long possible = GENMASK(min(nr_cpu_ids, BITS_PER_LONG) - 1, 0);

	return scene->cpus ? resize_plan_cpus(scene->move, scene->want & possible) :
			     resize_plan_mem(scene->move, scene->want);
}

static void resize_set_scene(struct kunit *test)
{
	struct resize_plan plan;

	world.fail_at = UINT_MAX;
	resize_restart_all();
	world.side[0].pinned = 1;
	world.side[0].busy = 0;
	plan = resize_plan_mem(false, RESIZE_BLOCKS / 3);
	KUNIT_ASSERT_EQ(test, resize_carry_out(&plan), 0);
	plan = resize_plan_cpus(false, BIT(1) | BIT(3));
	if (cpumask_test_cpu(3, world.side[1].inst->cpus)) {
		KUNIT_ASSERT_EQ(test, mk_ledger_claim_cpu(3, world.side[1].inst->id, MK_OWNER_HOST),
				0);
		cpumask_clear_cpu(3, world.side[1].inst->cpus);
		cpumask_clear_cpu(3, &world.side[1].runs);
	}
	KUNIT_ASSERT_EQ(test, resize_carry_out(&plan), 0);
	world.side[1].inst->mem.nr = 0;
	world.side[1].inst->mem.pages = 0;
	world.side[1].uses = 0;
}

/* Each step fails in turn, in each way */
static void resize_test_faults(struct kunit *test)
{
	const struct resize_scene *scene = test->param_value;
	struct resize_plan plan = resize_scene_plan(scene);
	unsigned int fault, step;

	for (fault = FAULT_REFUSE; fault < NR_FAULTS; fault++) {
		for (step = 0; step < 100; step++) {
			resize_set_scene(test);
			world.fault = fault;
			world.fail_at = step;
			resize_try(&plan);
			if (!world.fired)
				break;
		}
		KUNIT_EXPECT_GE(test, step, scene->cpus ? 2 : 3);
		KUNIT_EXPECT_LT(test, step, 100);
	}
}

static const char * const resize_fuzz_names[] = {
	"granted", "refused", "not answered", "ended", "a CPU was lost",
};

static void resize_fuzz_plan(struct fuzz *fuzz, struct resize_plan *plan)
{
	unsigned int cpu;

	*plan = (struct resize_plan){
		.cpus = fuzz_below(fuzz, 2),
		.move = fuzz_below(fuzz, 2),
		.size = fuzz_below(fuzz, RESIZE_BLOCKS + 2) * RESIZE_BLOCK,
	};
	if (!fuzz_below(fuzz, 16))
		plan->size += PAGE_SIZE;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (!fuzz_below(fuzz, cpu ? 3 : 20))
			cpumask_set_cpu(cpu, &plan->want);
	/* Else few plans would make sense */
	if (plan->move && fuzz_below(fuzz, 4))
		cpumask_and(&plan->want, &plan->want, &world.side[0].runs);
	if (plan->move && fuzz_below(fuzz, 4))
		cpumask_clear_cpu(world.side[0].pinned, &plan->want);
	if (!plan->move && fuzz_below(fuzz, 4))
		cpumask_set_cpu(world.side[0].pinned, &plan->want);
	if (!plan->move && fuzz_below(fuzz, 4))
		cpumask_andnot(&plan->want, &plan->want, world.side[1].inst->cpus);
}

static unsigned int resize_fuzz_class(int ret)
{
	if (world.lost)
		return 4;
	if (!resize_both_run())
		return 3;
	return ret == -ETIMEDOUT ? 2 : ret ? 1 : 0;
}

/* One after the other; only who has ended is started again */
static void resize_test_fuzz(struct kunit *test)
{
	struct resize_plan plan;
	struct fuzz fuzz;
	unsigned long i;

	fuzz_begin(&fuzz, test, resize_fuzz_names, ARRAY_SIZE(resize_fuzz_names), 1);
	for (i = 0; i < fuzz.cases; i++) {
		if (fuzz_below(&fuzz, 2))
			swap(world.side[0], world.side[1]);
		resize_fuzz_plan(&fuzz, &plan);
		/* What it is given now it has not begun to use */
		world.side[0].busy = fuzz_u32(&fuzz) & fuzz_u32(&fuzz) &
				     resize_owned(world.side[0].inst);
		world.side[1].busy = 0;
		world.fault = fuzz_below(&fuzz, NR_FAULTS);
		world.fail_at = fuzz_below(&fuzz, 12);
		fuzz_is(&fuzz, resize_fuzz_class(resize_try(&plan)));
		if (!resize_both_run())
			resize_restart_all();
		if (!(i % 64))
			cond_resched();
	}
	fuzz_end(&fuzz);
}

static struct kunit_case resize_cases[] = {
	KUNIT_CASE(resize_test_plans),
	KUNIT_CASE(resize_test_refusals),
	KUNIT_CASE_PARAM(resize_test_faults, resize_scene_gen_params),
	KUNIT_CASE_SLOW(resize_test_fuzz),
	{}
};

static struct kunit_suite resize_suite = {
	.name = "mk_resize",
	.init = resize_init,
	.exit = resize_exit,
	.test_cases = resize_cases,
};

kunit_test_suite(resize_suite);
