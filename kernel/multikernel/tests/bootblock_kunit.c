// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of bootblock.c: what the host lays out and fills is what the instance
 * accepts; nothing overlaps; what does not fit is refused; and no damage to the
 * block gets a list accepted that leaves the shared area.
 */

#include <kunit/test.h>
#include <linux/align.h>
#include <linux/mm.h>
#include <linux/multikernel/abi/x86.h>
#include <linux/sizes.h>

#include "../internal.h"
#include "fuzz.h"

/* Any two parts of the shared area, in bytes from its start */
struct block_part {
	u64 off;
	u64 size;
};

#define BLOCK_MAX_PARTS		16

struct block_parts {
	struct block_part part[BLOCK_MAX_PARTS];
	unsigned int nr;
};

static void block_exit(struct kunit *test)
{
	mk_error_clear();
}

struct block_size_case {
	unsigned int cpus;
	unsigned int mem;
};

static const struct block_size_case block_sizes[] = {
	{ 1, 1 }, { 1, MK_MEM_RANGES }, { 2, 3 }, { 15, 1 }, { 16, 1 }, { 17, 1 },
	{ 64, MK_MEM_RANGES }, { 256, 8 },
};

static void block_size_desc(const struct block_size_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u CPUs, %u ranges", c->cpus, c->mem);
}

KUNIT_ARRAY_PARAM(block_size, block_sizes, block_size_desc);

/* Parts may touch, not overlap, and all lie inside */
static void block_add_part(struct kunit *test, struct block_parts *parts, u64 off,
			   u64 size, u64 area)
{
	unsigned int i;

	KUNIT_ASSERT_LT(test, parts->nr, BLOCK_MAX_PARTS);
	KUNIT_ASSERT_LE(test, off + size, area);
	for (i = 0; i < parts->nr; i++) {
		struct block_part *old = &parts->part[i];

		KUNIT_EXPECT_TRUE_MSG(test, off >= old->off + old->size || old->off >= off + size,
				      "%llu+%llu hits %llu+%llu", off, size, old->off, old->size);
	}
	parts->part[parts->nr++] = (struct block_part){ .off = off, .size = size };
}

static void block_check_parts(struct kunit *test, const struct mk_boot_block *block,
			      struct block_parts *parts, u64 size)
{
	block_add_part(test, parts, 0, sizeof(*block), size);
	block_add_part(test, parts, block->mem_off, block->nr_mem * 24, PAGE_SIZE);
	block_add_part(test, parts, block->rings_off, block->nr_rings * 16, PAGE_SIZE);
	block_add_part(test, parts, block->cpus_off, block->nr_cpus * 8, PAGE_SIZE);
	block_add_part(test, parts, block->words_off, sizeof(struct mk_words), size);
	/* The page of the park code lies between the words and the slots */
	block_add_part(test, parts, block->words_off + PAGE_SIZE, PAGE_SIZE, size);
	block_add_part(test, parts, block->x86.slots_off, block->nr_cpus * 256, size);
	block_add_part(test, parts, block->beats_off, block->nr_cpus * 64, size);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(block->beats_off, 64));
	block_add_part(test, parts, block->nodes_off, block->nr_nodes * 4, size);
	block_add_part(test, parts, block->distances_off, block->nr_nodes * block->nr_nodes, size);
	KUNIT_EXPECT_TRUE(test, PAGE_ALIGNED(block->words_off));
	KUNIT_EXPECT_TRUE(test, PAGE_ALIGNED(block->x86.slots_off));
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(block->mem_off, 8));
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(block->rings_off, 4));
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(block->cpus_off, 4));
}

/* Two kernels of different builds meet here: the numbers are the contract */
static void block_test_abi(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_boot_locator), 24);
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_boot_cpu), 8);
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_beat), 64);
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_boot_mem), 24);
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_boot_ring), 16);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_block, name), 32);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_block, words_off), 112);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_block, x86), 144);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_block, version_min), 176);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_block, nr_nodes), 180);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_block, distances_off), 188);
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_boot_block), 200);
	/* What never changes */
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_block, version), 8);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_block, size), 12);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_words, last), 128);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_last_words, text), 16);
	KUNIT_EXPECT_EQ(test, MK_END_PANIC, 1);
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_words), 64 + 64 + 256 + 64 + 64 + 64);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_words, update), 448);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_words, cause_to_instance), 64);
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_park_slot), MK_PARK_SLOT_SIZE);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_park_slot, cmd), MK_PARK_CMD);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_park_slot, state), MK_PARK_STATE);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_park_slot, cr3), MK_PARK_CR3);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_park_slot, entry), MK_PARK_ENTRY);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_park_slot, arg), MK_PARK_ARG);
}

static void block_test_layout(struct kunit *test)
{
	const struct block_size_case *c = test->param_value;
	struct block_parts parts = {};
	struct mk_boot_block block;
	size_t size = 0;

	KUNIT_ASSERT_EQ(test, mk_boot_block_layout(&block, c->cpus, 0, c->mem, &size), 0);
	KUNIT_EXPECT_EQ(test, block.magic, MK_BOOT_MAGIC);
	KUNIT_EXPECT_EQ(test, block.version, MK_BOOT_VERSION);
	KUNIT_EXPECT_EQ(test, block.version_min, MK_BOOT_VERSION_MIN);
	KUNIT_EXPECT_EQ(test, block.size, 200);
	KUNIT_EXPECT_EQ(test, block.nr_cpus, c->cpus);
	KUNIT_EXPECT_EQ(test, block.nr_mem, c->mem);
	KUNIT_EXPECT_TRUE(test, PAGE_ALIGNED(size));
	block_check_parts(test, &block, &parts, size);
	KUNIT_EXPECT_EQ(test, mk_boot_block_check(&block, size), 0);
}

/* Which of the CPUs are the instance's does not change the layout: see update.c */
static void block_test_same_layout(struct kunit *test)
{
	struct mk_boot_block a, b;
	size_t one, other;
	unsigned int own;

	KUNIT_ASSERT_EQ(test, mk_boot_block_layout(&a, 1, MK_CPUS_MAX - 1, 1, &one), 0);
	for (own = 2; own <= MK_CPUS_MAX; own++) {
		KUNIT_ASSERT_EQ(test, mk_boot_block_layout(&b, own, MK_CPUS_MAX - own,
							   MK_MEM_RANGES, &other), 0);
		KUNIT_EXPECT_EQ(test, one, other);
		KUNIT_EXPECT_EQ(test, a.words_off, b.words_off);
		KUNIT_EXPECT_EQ(test, a.x86.slots_off, b.x86.slots_off);
		KUNIT_EXPECT_EQ(test, a.beats_off, b.beats_off);
	}
}

/* The first page holds so many CPUs, and not one more */
static void block_test_too_many(struct kunit *test)
{
	struct mk_boot_block block;
	size_t size = 12345;
	unsigned int mem, most;

	for (mem = 1; mem <= MK_MEM_RANGES; mem++) {
		most = (4096 - 256 - mem * 24 - 4 * 16) / 8;
		KUNIT_EXPECT_EQ(test, mk_boot_block_layout(&block, most, 0, mem, &size), 0);
		size = 12345;
		KUNIT_EXPECT_EQ(test, mk_boot_block_layout(&block, most + 1, 0, mem, &size),
				-E2BIG);
		KUNIT_EXPECT_EQ(test, mk_boot_block_layout(&block, most, 1, mem, &size), -E2BIG);
		KUNIT_EXPECT_EQ(test, mk_boot_block_layout(&block, U32_MAX, 0, mem, &size), -E2BIG);
		KUNIT_EXPECT_EQ(test, size, 12345);
	}
	KUNIT_EXPECT_EQ(test, mk_boot_block_layout(&block, 1, 0, 1000, &size), -E2BIG);
	KUNIT_EXPECT_EQ(test, mk_boot_block_layout(&block, 1, 0, U32_MAX, &size), -E2BIG);
	KUNIT_EXPECT_EQ(test, mk_boot_block_layout(&block, U32_MAX, 0, U32_MAX, &size), -E2BIG);
}

/**
 * struct block_fix - an instance that was never made, and its shared area
 * @inst: the instance: two CPUs' worth of names and two ranges
 * @block: its boot block, laid out and filled
 * @size: of the shared area
 */
struct block_fix {
	struct mk_instance *inst;
	struct mk_boot_block block;
	size_t size;
};

static void block_free_cpus(void *inst)
{
	free_cpumask_var(((struct mk_instance *)inst)->cpus);
}

static void block_make_inst(struct kunit *test, struct block_fix *fix)
{
	struct mk_instance *inst = kunit_kzalloc(test, sizeof(*inst), GFP_KERNEL);
	unsigned int cpu;

	KUNIT_ASSERT_NOT_NULL(test, inst);
	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&inst->cpus, GFP_KERNEL));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, block_free_cpus, inst), 0);
	cpumask_copy(inst->cpus, cpu_present_mask);
	for_each_present_cpu(cpu)
		inst->slot_cpu[inst->nr_slots++] = cpu;
	/* One that it does not have */
	inst->slot_cpu[inst->nr_slots++] = cpumask_last(cpu_present_mask);
	inst->id = 77;
	inst->epoch = 3;
	strscpy(inst->name, "block-test");
	inst->mem.range[0] = (struct mk_range){ .page = virt_to_page(inst), .nr = 512 };
	inst->mem.range[1] = (struct mk_range){ .page = virt_to_page(inst) + 7, .nr = 1 };
	inst->mem.nr = 2;
	fix->inst = inst;
}

static struct block_fix *block_make(struct kunit *test)
{
	struct block_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	unsigned int cpus;
	void *space;

	KUNIT_ASSERT_NOT_NULL(test, fix);
	block_make_inst(test, fix);
	cpus = cpumask_weight(fix->inst->cpus);
	KUNIT_ASSERT_EQ(test, mk_boot_block_layout(&fix->block, cpus, 1, 2, &fix->size), 0);
	space = kunit_kzalloc(test, fix->size + PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, space);
	fix->inst->shared.va = PTR_ALIGN(space, PAGE_SIZE);
	fix->inst->shared.size = fix->size;
	mk_boot_block_fill(fix->inst, &fix->block);
	return fix;
}

static void block_test_fill(struct kunit *test)
{
	struct block_fix *fix = block_make(test);
	struct mk_boot_cpu *cpus = fix->inst->shared.va + fix->block.cpus_off;
	struct mk_boot_mem *mem = fix->inst->shared.va + fix->block.mem_off;
	unsigned int cpu, i = 0;

	KUNIT_EXPECT_EQ(test, mk_boot_block_check(&fix->block, fix->size), 0);
	KUNIT_EXPECT_EQ(test, fix->block.instance_id, 77);
	KUNIT_EXPECT_EQ(test, fix->block.epoch, 3);
	KUNIT_EXPECT_STREQ(test, fix->block.name, "block-test");
	for_each_present_cpu(cpu) {
		KUNIT_EXPECT_EQ(test, cpus[i].phys_id, mk_arch_phys_id(cpu));
		KUNIT_EXPECT_EQ(test, cpus[i++].node, cpu_to_node(cpu));
	}
	KUNIT_EXPECT_EQ(test, fix->block.nr_cpus, i);
	KUNIT_EXPECT_EQ(test, fix->block.nr_spare, 1);
	KUNIT_EXPECT_EQ(test, cpus[i].phys_id,
			mk_arch_phys_id(cpumask_last(cpu_present_mask)));
	KUNIT_EXPECT_EQ(test, mem[0].start_pa, __pa((unsigned long)fix->inst & PAGE_MASK));
	KUNIT_EXPECT_EQ(test, mem[0].size, SZ_2M);
	KUNIT_EXPECT_EQ(test, mem[1].start_pa, mem[0].start_pa + 7 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, mem[1].size, SZ_4K);
	KUNIT_EXPECT_EQ(test, mem[0].reserved, 0);
}

static void block_test_nodes(struct kunit *test)
{
	struct block_fix *fix = block_make(test);
	__u32 *node = fix->inst->shared.va + fix->block.nodes_off;
	__u8 *distance = fix->inst->shared.va + fix->block.distances_off;
	unsigned int i = 0, j = 0;
	int from, to;

	for_each_online_node(from) {
		KUNIT_EXPECT_EQ(test, node[i++], from);
		for_each_online_node(to)
			KUNIT_EXPECT_EQ(test, distance[j++], node_distance(from, to));
	}
	KUNIT_EXPECT_EQ(test, fix->block.nr_nodes, i);
	KUNIT_EXPECT_EQ(test, distance[0], LOCAL_DISTANCE);
}

/* Each direction and class once, apart from each other and from all the rest */
static void block_test_rings(struct kunit *test)
{
	struct block_fix *fix = block_make(test);
	struct mk_boot_ring *ring = fix->inst->shared.va + fix->block.rings_off;
	struct block_parts parts = {};
	unsigned int i, seen = 0;

	block_check_parts(test, &fix->block, &parts, fix->size);
	KUNIT_ASSERT_EQ(test, fix->block.nr_rings, 2 * MK_NR_CLASSES);
	for (i = 0; i < fix->block.nr_rings; i++, ring++) {
		KUNIT_ASSERT_LE(test, ring->dir, MK_RING_TO_HOST);
		KUNIT_ASSERT_LT(test, ring->class, MK_NR_CLASSES);
		seen |= BIT(ring->class * 2 + ring->dir);
		KUNIT_EXPECT_EQ(test, ring->slots & (ring->slots - 1), 0);
		KUNIT_EXPECT_GT(test, ring->slots, 1);
		KUNIT_EXPECT_EQ(test, ring->reserved, 0);
		KUNIT_EXPECT_TRUE(test, PAGE_ALIGNED(ring->ring_off));
		block_add_part(test, &parts, ring->ring_off, 64 + ring->slots * 64ULL, fix->size);
	}
	KUNIT_EXPECT_EQ(test, seen, 0xf);
}

/**
 * struct block_damage - one field that is not as it was
 * @field: its name
 * @off: its offset
 * @len: its size, 4 or 8; 12 for both versions, the oldest in the upper half
 * @value: what is written there
 * @from_end: @value is added to the size of the shared area
 * @ret: what the check has to say
 */
struct block_damage {
	const char *field;
	size_t off;
	size_t len;
	u64 value;
	bool from_end;
	int ret;
};

#define OFF(field)	offsetof(struct mk_boot_block, field)

/* The one version that this kernel speaks */
#define V	((u64)MK_BOOT_VERSION)

/* For a block of 4 CPUs, 2 ranges, 4 rings and 2 nodes */
static const struct block_damage block_damages[] = {
	{ "magic", OFF(magic), 8, 0, false, -EINVAL },
	{ "magic", OFF(magic), 8, MK_BOOT_MAGIC ^ 1, false, -EINVAL },
	{ "magic", OFF(magic), 8, MK_BOOT_MAGIC ^ BIT_ULL(63), false, -EINVAL },
	{ "version", OFF(version), 4, 0, false, -EINVAL },
	{ "version", OFF(version), 4, MK_BOOT_VERSION_MIN - 1, false, -EINVAL },
	/* Later, and still speaks ours; or no longer */
	{ "version", OFF(version), 4, MK_BOOT_VERSION + 1, false, 0 },
	{ "version", OFF(version), 4, U32_MAX, false, 0 },
	{ "versions", OFF(version), 12, ((V + 1) << 32) | (V + 1), false, -EPROTONOSUPPORT },
	{ "versions", OFF(version), 12, ((V + 3) << 32) | (V + 5), false, -EPROTONOSUPPORT },
	{ "versions", OFF(version), 12, (1ULL << 32) | (V - 1), false, -EPROTONOSUPPORT },
	{ "versions", OFF(version), 12, (1ULL << 32) | V, false, 0 },
	{ "versions", OFF(version), 12, (1ULL << 32) | (V + 7), false, 0 },
	{ "versions", OFF(version), 12, ((V + 1) << 32) | V, false, -EINVAL },
	/* Knows of one alone */
	{ "versions", OFF(version), 12, V, false, 0 },
	{ "versions", OFF(version), 12, V + 1, false, -EPROTONOSUPPORT },
	{ "versions", OFF(version), 12, V - 1, false, -EPROTONOSUPPORT },
	{ "version_min", OFF(version_min), 4, 0, false, 0 },
	{ "version_min", OFF(version_min), 4, U32_MAX, false, -EINVAL },
	{ "size", OFF(size), 4, 0, false, -EINVAL },
	{ "size", OFF(size), 4, 175, false, -EINVAL },
	{ "nr_cpus", OFF(nr_cpus), 4, 0, false, -EINVAL },
	{ "nr_cpus", OFF(nr_cpus), 4, 0x00ffffff, false, -EINVAL },
	/* times 8, and times 256, this is 2^32 */
	{ "nr_cpus", OFF(nr_cpus), 4, 0x20000000, false, -EINVAL },
	{ "nr_cpus", OFF(nr_cpus), 4, 0x01000000, false, -EINVAL },
	{ "nr_cpus", OFF(nr_cpus), 4, U32_MAX, false, -EINVAL },
	{ "cpus_off", OFF(cpus_off), 4, -4 * 8, true, 0 },
	{ "cpus_off", OFF(cpus_off), 4, -4 * 8 + 1, true, -EINVAL },
	{ "cpus_off", OFF(cpus_off), 4, 0, true, -EINVAL },
	{ "cpus_off", OFF(cpus_off), 4, U32_MAX, false, -EINVAL },
	{ "cpus_off", OFF(cpus_off), 4, U32_MAX - 31, false, -EINVAL },
	{ "nr_mem", OFF(nr_mem), 4, 0, false, -EINVAL },
	{ "nr_mem", OFF(nr_mem), 4, 0x0aaaaaab, false, -EINVAL },
	{ "nr_mem", OFF(nr_mem), 4, U32_MAX, false, -EINVAL },
	{ "mem_off", OFF(mem_off), 4, -2 * 24, true, 0 },
	{ "mem_off", OFF(mem_off), 4, -2 * 24 + 1, true, -EINVAL },
	{ "mem_off", OFF(mem_off), 4, U32_MAX, false, -EINVAL },
	{ "mem_off", OFF(mem_off), 4, U32_MAX - 47, false, -EINVAL },
	{ "nr_rings", OFF(nr_rings), 4, 0x10000000, false, -EINVAL },
	{ "nr_rings", OFF(nr_rings), 4, U32_MAX, false, -EINVAL },
	{ "rings_off", OFF(rings_off), 4, -4 * 16, true, 0 },
	{ "rings_off", OFF(rings_off), 4, -4 * 16 + 1, true, -EINVAL },
	{ "rings_off", OFF(rings_off), 4, U32_MAX, false, -EINVAL },
	{ "rings_off", OFF(rings_off), 4, U32_MAX - 63, false, -EINVAL },
	{ "words_off", OFF(words_off), 4, -576, true, 0 },
	{ "words_off", OFF(words_off), 4, -576 + 1, true, -EINVAL },
	{ "words_off", OFF(words_off), 4, -576, true, 0 },
	{ "words_off", OFF(words_off), 4, -576 + 8, true, -EINVAL },
	{ "words_off", OFF(words_off), 4, U32_MAX, false, -EINVAL },
	{ "words_off", OFF(words_off), 4, U32_MAX - 447, false, -EINVAL },
	{ "x86.slots_off", OFF(x86.slots_off), 4, -4 * 256, true, 0 },
	{ "x86.slots_off", OFF(x86.slots_off), 4, -4 * 256 + 1, true, -EINVAL },
	{ "x86.slots_off", OFF(x86.slots_off), 4, -5 * 256 + 4, true, -EINVAL },
	{ "x86.slots_off", OFF(x86.slots_off), 4, U32_MAX, false, -EINVAL },
	{ "x86.slots_off", OFF(x86.slots_off), 4, U32_MAX - 1023, false, -EINVAL },
	{ "nr_nodes", OFF(nr_nodes), 4, 0, false, 0 },
	{ "nr_nodes", OFF(nr_nodes), 4, 64, false, 0 },
	{ "nr_nodes", OFF(nr_nodes), 4, 65, false, -EINVAL },
	/* squared this is 0 in 32 bits */
	{ "nr_nodes", OFF(nr_nodes), 4, 0x10000, false, -EINVAL },
	{ "nr_nodes", OFF(nr_nodes), 4, U32_MAX, false, -EINVAL },
	{ "beats_off", OFF(beats_off), 4, -4 * 64, true, 0 },
	{ "beats_off", OFF(beats_off), 4, -4 * 64 + 64, true, -EINVAL },
	{ "beats_off", OFF(beats_off), 4, -4 * 64 - 8, true, -EINVAL },
	{ "beats_off", OFF(beats_off), 4, U32_MAX - 63, false, -EINVAL },
	{ "beat_ms", OFF(beat_ms), 4, 0, false, 0 },
	{ "beat_ms", OFF(beat_ms), 4, U32_MAX, false, 0 },
	{ "nodes_off", OFF(nodes_off), 4, -2 * 4, true, 0 },
	{ "nodes_off", OFF(nodes_off), 4, -2 * 4 + 4, true, -EINVAL },
	{ "nodes_off", OFF(nodes_off), 4, -2 * 4 - 2, true, -EINVAL },
	{ "nodes_off", OFF(nodes_off), 4, U32_MAX - 3, false, -EINVAL },
	{ "distances_off", OFF(distances_off), 4, -2 * 2, true, 0 },
	{ "distances_off", OFF(distances_off), 4, -2 * 2 + 1, true, -EINVAL },
	{ "distances_off", OFF(distances_off), 4, U32_MAX, false, -EINVAL },
	/* A later host says more than we can read */
	{ "size", OFF(size), 4, 177, false, 0 },
	{ "size", OFF(size), 4, U32_MAX, false, 0 },
	{ "features", OFF(features), 8, U64_MAX, false, 0 },
	/* Not followed anywhere, or missed later: a list without rings is -ENOENT */
	{ "nr_rings", OFF(nr_rings), 4, 0, false, 0 },
	{ "instance_id", OFF(instance_id), 4, U32_MAX, false, 0 },
	{ "epoch", OFF(epoch), 4, U32_MAX, false, 0 },
	{ "wall_ns", OFF(wall_ns), 8, U64_MAX, false, 0 },
	{ "wall_tsc", OFF(wall_tsc), 8, U64_MAX, false, 0 },
	{ "nr_spare", OFF(nr_spare), 4, U32_MAX, false, -EINVAL },
	/* With the 4 CPUs: more than 32 bits, 0, 1 */
	{ "nr_spare", OFF(nr_spare), 4, U32_MAX - 3, false, -EINVAL },
	{ "nr_spare", OFF(nr_spare), 4, U32_MAX - 2, false, -EINVAL },
	{ "nr_spare", OFF(nr_spare), 4, 0x20000000, false, -EINVAL },
};

static void block_damage_desc(const struct block_damage *d, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s = %s%lld", d->field, d->from_end ? "end " : "",
		 (s64)d->value);
}

KUNIT_ARRAY_PARAM(block_damage, block_damages, block_damage_desc);

/* As on a machine of two nodes, for which there is room */
static void block_lay_out(struct kunit *test, struct mk_boot_block *block, size_t *size)
{
	KUNIT_ASSERT_EQ(test, mk_boot_block_layout(block, 4, 0, 2, size), 0);
	block->beat_ms = 1000;
	block->nr_nodes = 2;
	block->distances_off = block->nodes_off + 2 * 4;
}

static void block_test_damage(struct kunit *test)
{
	const struct block_damage *damage = test->param_value;
	struct mk_boot_block block;
	size_t size;
	u64 value;

	block_lay_out(test, &block, &size);
	KUNIT_ASSERT_EQ(test, mk_boot_block_check(&block, size), 0);
	value = damage->value + (damage->from_end ? size : 0);
	if (damage->len == 12) {
		block.version = value;
		block.version_min = value >> 32;
	} else {
		memcpy((void *)&block + damage->off, &value, damage->len);
	}
	KUNIT_EXPECT_EQ(test, mk_boot_block_check(&block, size), damage->ret);
}

static void block_test_name(struct kunit *test)
{
	struct mk_boot_block block;
	size_t size;

	KUNIT_ASSERT_EQ(test, mk_boot_block_layout(&block, 4, 0, 2, &size), 0);
	memset(block.name, 'x', sizeof(block.name) - 1);
	KUNIT_EXPECT_EQ(test, mk_boot_block_check(&block, size), 0);
	block.name[sizeof(block.name) - 1] = 'x';
	KUNIT_EXPECT_EQ(test, mk_boot_block_check(&block, size), -EINVAL);
}

/* A shared area that is shorter than the block says */
static void block_test_short_area(struct kunit *test)
{
	struct mk_boot_block block;
	size_t size, cut;

	block_lay_out(test, &block, &size);
	for (cut = 0; cut < block.beats_off + 4 * 64; cut += 4)
		KUNIT_EXPECT_EQ(test, mk_boot_block_check(&block, cut), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_boot_block_check(&block, cut), 0);
}

/* In 64 bits nothing here can overflow: 2^32 * 256 + 2^32 */
static bool block_inside(u64 off, u64 nr, u64 entry, u64 size)
{
	return off + nr * entry <= size;
}

static int block_foretell(const struct mk_boot_block *b, u64 size)
{
	u32 oldest = b->version_min ? b->version_min : b->version;
	u64 slots;

	if (b->magic != MK_BOOT_MAGIC || b->size < 176)
		return -EINVAL;
	if (!b->version || oldest > b->version)
		return -EINVAL;
	if (b->version < V || oldest > V)
		return -EPROTONOSUPPORT;
	if (strnlen(b->name, 64) == 64)
		return -EINVAL;
	if (!b->nr_cpus || !b->nr_mem)
		return -EINVAL;
	if (b->words_off % 64 || b->x86.slots_off % 64 || b->beats_off % 64)
		return -EINVAL;
	if (b->nr_nodes > 64 || b->nodes_off % 4)
		return -EINVAL;
	slots = (u64)b->nr_cpus + b->nr_spare;
	return block_inside(b->cpus_off, slots, 8, size) &&
	       block_inside(b->mem_off, b->nr_mem, 24, size) &&
	       block_inside(b->rings_off, b->nr_rings, 16, size) &&
	       block_inside(b->beats_off, b->beat_ms ? slots : 0, 64, size) &&
	       block_inside(b->nodes_off, b->nr_nodes, 4, size) &&
	       block_inside(b->distances_off, b->nr_nodes * b->nr_nodes, 1, size) &&
	       block_inside(b->words_off, 1, 576, size) &&
	       block_inside(b->x86.slots_off, slots, 256, size) ? 0 : -EINVAL;
}

static const char * const block_fuzz_names[] = { "refused", "another version", "accepted" };

/* The counts and offsets get most of the damage */
static void block_fuzz_damage(struct rnd_state *rnd, struct mk_boot_block *block, size_t size)
{
	u32 *words = (u32 *)block;
	unsigned int first = offsetof(struct mk_boot_block, words_off) / sizeof(u32);
	unsigned int n = prandom_u32_state(rnd) % 4;

	while (n--)
		words[first + prandom_u32_state(rnd) % 8] = fuzz_word(rnd, size);
	if (prandom_u32_state(rnd) % 4 == 0)
		words[offsetof(struct mk_boot_block, nr_nodes) / sizeof(u32) +
		      prandom_u32_state(rnd) % 5] = fuzz_word(rnd, size);
	if (prandom_u32_state(rnd) % 4 == 0)
		block->x86.slots_off = fuzz_word(rnd, size) & ~(prandom_u32_state(rnd) % 64);
	if (prandom_u32_state(rnd) % 8 == 0)
		words[prandom_u32_state(rnd) % (sizeof(*block) / sizeof(u32))] ^=
			fuzz_word(rnd, 0);
	if (prandom_u32_state(rnd) % 16 == 0) {
		block->version = prandom_u32_state(rnd) % 6;
		block->version_min = prandom_u32_state(rnd) % 6;
	}
	if (prandom_u32_state(rnd) % 64 == 0)
		prandom_bytes_state(rnd, &block->words_off,
				    sizeof(*block) - offsetof(struct mk_boot_block, words_off));
}

static void block_test_fuzz(struct kunit *test)
{
	struct mk_boot_block good, block;
	struct fuzz fuzz;
	size_t size, area;
	unsigned long i;
	int ret;

	block_lay_out(test, &good, &size);
	fuzz_begin(&fuzz, test, block_fuzz_names, ARRAY_SIZE(block_fuzz_names), 1);
	for (i = 0; i < fuzz.cases; i++) {
		block = good;
		area = fuzz_below(&fuzz, 8) ? size : fuzz_word(&fuzz.rnd, size);
		block_fuzz_damage(&fuzz.rnd, &block, area);
		ret = mk_boot_block_check(&block, area);
		KUNIT_ASSERT_EQ(test, ret, block_foretell(&block, area));
		fuzz_is(&fuzz, !ret ? 2 : ret == -EPROTONOSUPPORT);
		if (!(i % 1024))
			cond_resched();
	}
	fuzz_end(&fuzz);
}

/* A writer of an earlier version has fewer fields: ours then read as zero */
static void block_test_read_smaller(struct kunit *test)
{
	u8 *shared = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct mk_boot_block block;

	KUNIT_ASSERT_NOT_NULL(test, shared);
	memset(shared, 0xff, PAGE_SIZE);
	((struct mk_boot_block *)shared)->size = 0;
	mk_boot_block_read(&block, shared);
	KUNIT_EXPECT_EQ(test, block.size, 0);
	KUNIT_EXPECT_EQ(test, block.magic, U64_MAX);
	KUNIT_EXPECT_NULL(test, memchr_inv((void *)&block + MK_BOOT_BLOCK_MIN, 0,
					   sizeof(block) - MK_BOOT_BLOCK_MIN));
	((struct mk_boot_block *)shared)->size = sizeof(block) + 64;
	mk_boot_block_read(&block, shared);
	KUNIT_EXPECT_MEMEQ(test, &block, shared, sizeof(block));
}

static struct kunit_case block_cases[] = {
	KUNIT_CASE(block_test_abi),
	KUNIT_CASE_PARAM(block_test_layout, block_size_gen_params),
	KUNIT_CASE(block_test_same_layout),
	KUNIT_CASE(block_test_too_many),
	KUNIT_CASE(block_test_fill),
	KUNIT_CASE(block_test_nodes),
	KUNIT_CASE(block_test_rings),
	KUNIT_CASE_PARAM(block_test_damage, block_damage_gen_params),
	KUNIT_CASE(block_test_name),
	KUNIT_CASE(block_test_short_area),
	KUNIT_CASE_SLOW(block_test_fuzz),
	KUNIT_CASE(block_test_read_smaller),
	{}
};

static struct kunit_suite block_suite = {
	.name = "mk_bootblock",
	.exit = block_exit,
	.test_cases = block_cases,
};

kunit_test_suite(block_suite);
