// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of life.c and update.c: whatever an instance writes where the CPU for its
 * doorbell stands, the host interrupts CPUs of that instance and no others; in which
 * order its CPUs are, and who may enter the next kernel.
 */

#include <kunit/test.h>
#include <linux/bitfield.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>

#include "../internal.h"

/**
 * struct life_fix - an instance whose kernel is this one
 * @inst: as the host sees it
 * @block: its boot block
 * @size: of the shared area
 */
struct life_fix {
	struct mk_instance *inst;
	struct mk_boot_block block;
	size_t size;
};

static int life_init(struct kunit *test)
{
	struct life_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	struct mk_instance *inst;

	KUNIT_ASSERT_NOT_NULL(test, fix);
	inst = mk_instance_create("kunit-life");
	KUNIT_ASSERT_FALSE(test, IS_ERR(inst));
	fix->inst = inst;
	test->priv = fix;
	KUNIT_ASSERT_EQ(test, mk_boot_block_layout(&fix->block, 1, 0, 1, &fix->size), 0);
	inst->shared.va = alloc_pages_exact(fix->size, GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, inst->shared.va);
	inst->shared.size = fix->size;
	inst->epoch = 1;
	/* It is rung here, where a bell without a message does no harm */
	cpumask_set_cpu(0, inst->cpus);
	mk_boot_block_fill(inst, &fix->block);
	KUNIT_ASSERT_EQ(test, mk_link_attach(&inst->link, inst->shared.va, fix->size,
					     &fix->block, true), 0);
	mk_link_open(&inst->link);
	return 0;
}

static void life_exit(struct kunit *test)
{
	struct life_fix *fix = test->priv;

	if (!fix)
		return;
	mk_link_close(&fix->inst->link);
	cpumask_clear(fix->inst->cpus);
	mk_instance_retire(fix->inst);
	mk_instance_put(fix->inst);
}

/* True if the host rings when the instance has written this */
static bool life_rings(struct kunit *test, u64 bell)
{
	struct life_fix *fix = test->priv;
	struct mk_link *link = &fix->inst->link;
	struct mk_channel *ch = &fix->inst->boot[MK_CLASS_CONTROL];
	u64 before = mk_channel_stat(ch, bells_sent);
	u64 cause = MK_CAUSE_MESSAGE(MK_CLASS_CONTROL);
	bool rung;

	WRITE_ONCE(ch->tx.mem->bell, bell);
	*link->cause_out = 0;
	scoped_guard(irqsave)
		mk_channel_ring(ch, cause);
	rung = mk_channel_stat(ch, bells_sent) != before;
	KUNIT_EXPECT_EQ(test, *link->cause_out, rung ? cause : 0);
	return rung;
}

static u64 life_bell_for(u32 phys_id)
{
	return (mk_arch_bell(0) & ~MK_BELL_PHYS_ID) | FIELD_PREP(MK_BELL_PHYS_ID, phys_id);
}

static void life_test_bell_of_another(struct kunit *test)
{
	unsigned int cpu;

	KUNIT_EXPECT_FALSE(test, life_rings(test, 0));
	for_each_present_cpu(cpu)
		KUNIT_EXPECT_EQ_MSG(test, life_rings(test, mk_arch_bell(cpu)), !cpu,
				    "CPU %u", cpu);
	KUNIT_EXPECT_FALSE(test, life_rings(test, life_bell_for(U32_MAX)));
	KUNIT_EXPECT_FALSE(test, life_rings(test, life_bell_for(0xffff)));
	KUNIT_EXPECT_TRUE(test, life_rings(test, mk_arch_bell(0)));
}

/* One that was its own does not make the next one so */
static void life_test_bell_moves(struct kunit *test)
{
	struct life_fix *fix = test->priv;
	unsigned int cpu = cpumask_last(cpu_present_mask);

	if (!cpu)
		kunit_skip(test, "one CPU");
	KUNIT_EXPECT_TRUE(test, life_rings(test, mk_arch_bell(0)));
	KUNIT_EXPECT_FALSE(test, life_rings(test, mk_arch_bell(cpu)));
	KUNIT_EXPECT_TRUE(test, life_rings(test, mk_arch_bell(0)));
	/* With the CPU goes the right to be rung there, from the next run on */
	cpumask_clear(fix->inst->cpus);
	mk_link_close(&fix->inst->link);
	KUNIT_ASSERT_EQ(test, mk_link_attach(&fix->inst->link, fix->inst->shared.va,
					     fix->size, &fix->block, true), 0);
	mk_link_open(&fix->inst->link);
	KUNIT_EXPECT_FALSE(test, life_rings(test, mk_arch_bell(0)));
}

/* The one that enters the kernel, the instance's others, those that it may be given */
static void life_test_order_of_cpus(struct kunit *test)
{
	struct life_fix *fix = test->priv;
	struct mk_instance *inst = fix->inst;
	unsigned int first, i, own;

	cpumask_copy(inst->cpus, cpu_present_mask);
	own = min(cpumask_weight(inst->cpus), 3);
	while (cpumask_weight(inst->cpus) > own)
		cpumask_clear_cpu(cpumask_last(inst->cpus), inst->cpus);
	for_each_cpu(first, inst->cpus) {
		KUNIT_ASSERT_EQ(test, mk_life_list_cpus(inst, first), 0);
		KUNIT_EXPECT_EQ(test, inst->slot_cpu[0], first);
		KUNIT_EXPECT_EQ(test, inst->nr_slots, min(num_present_cpus(), MK_CPUS_MAX));
		for (i = 0; i < inst->nr_slots; i++) {
			KUNIT_EXPECT_EQ(test, cpumask_test_cpu(inst->slot_cpu[i], inst->cpus),
					i < own);
			KUNIT_EXPECT_EQ(test, mk_instance_slot(inst, inst->slot_cpu[i]), i);
		}
	}
	cpumask_clear(inst->cpus);
	cpumask_set_cpu(0, inst->cpus);
}

/* One that has no CPU at all, so none is stopped here */
static void life_test_update_on_anothers_cpu(struct kunit *test)
{
	struct life_fix *fix = test->priv;
	struct mk_instance *inst = fix->inst;

	cpumask_clear(inst->cpus);
	WRITE_ONCE(inst->state, MK_RUNNING);
	inst->link.words->update.phys_id = mk_arch_phys_id(0);
	scoped_guard(mutex, &inst->lock)
		mk_update(inst);
	KUNIT_EXPECT_EQ(test, inst->state, MK_CRASHED);
	KUNIT_EXPECT_STREQ(test, inst->reason, "kexec on a CPU that it does not have");
	KUNIT_EXPECT_EQ(test, inst->events.updates, 0);
	WRITE_ONCE(inst->state, MK_OFFLINE);
	KUNIT_ASSERT_EQ(test, mk_link_attach(&inst->link, inst->shared.va, fix->size,
					     &fix->block, true), 0);
	mk_link_open(&inst->link);
}

static struct kunit_case life_cases[] = {
	KUNIT_CASE(life_test_bell_of_another),
	KUNIT_CASE(life_test_bell_moves),
	KUNIT_CASE(life_test_order_of_cpus),
	KUNIT_CASE(life_test_update_on_anothers_cpu),
	{}
};

static struct kunit_suite life_suite = {
	.name = "mk_life",
	.init = life_init,
	.exit = life_exit,
	.test_cases = life_cases,
};

kunit_test_suite(life_suite);
