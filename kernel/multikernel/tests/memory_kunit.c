// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of memory.c: what lies in the memory of an instance and what does not,
 * up to the last byte and to the last address there is; and some real memory
 * that leaves the host, is written and read, and comes back.
 */

#include <kunit/test.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sizes.h>

#include "../internal.h"

/* Nobody looks into these pages, so there need be none */
#define MEMORY_LOW		SZ_16M
#define MEMORY_HIGH		(5ULL * SZ_1G)

/* No instance has it when the unit tests run */
#define MEMORY_ID		2047

/* 4 MiB above 16 MiB, right behind it one page, and 1 GiB above 5 GiB */
static const struct {
	u64 start;
	u64 size;
} memory_ranges[] = {
	{ MEMORY_HIGH, SZ_1G },
	{ MEMORY_LOW, SZ_4M },
	{ MEMORY_LOW + SZ_4M, SZ_4K },
};

struct memory_case {
	const char *what;
	u64 pa;
	u64 size;
	bool inside;
};

static const struct memory_case memory_cases_contains[] = {
	{ "all of a range", MEMORY_LOW, SZ_4M, true },
	{ "first byte", MEMORY_LOW, 1, true },
	{ "last byte", MEMORY_LOW + SZ_4M - 1, 1, true },
	{ "the middle", MEMORY_LOW + SZ_1M + 7, SZ_1M, true },
	{ "the byte before", MEMORY_LOW - 1, 1, false },
	{ "from the byte before", MEMORY_LOW - 1, 2, false },
	{ "one byte too long", MEMORY_LOW + 1, SZ_4M, false },
	{ "the small range", MEMORY_LOW + SZ_4M, SZ_4K, true },
	{ "behind the small range", MEMORY_LOW + SZ_4M + SZ_4K, 1, false },
	{ "out of the small range", MEMORY_LOW + SZ_4M, SZ_4K + 1, false },
	{ "out of one range into the next", MEMORY_LOW + SZ_4M - 1, 2, false },
	{ "around everything", 0, U64_MAX, false },
	{ "around one range", MEMORY_LOW - SZ_1M, SZ_16M, false },
	{ "between the ranges", SZ_1G, SZ_4K, false },
	{ "above 4 GiB", MEMORY_HIGH, SZ_1G, true },
	{ "last byte above 4 GiB", MEMORY_HIGH + SZ_1G - 1, 1, true },
	{ "behind the last", MEMORY_HIGH + SZ_1G, 1, false },
	{ "the same in 32 bits", MEMORY_HIGH & U32_MAX, SZ_4K, false },
	{ "the same above 2^32", MEMORY_LOW + BIT_ULL(32), 1, false },
	{ "the size is too large for 32 bits", MEMORY_LOW, BIT_ULL(32) + 1, false },
	{ "the end wraps to the start", MEMORY_LOW + 1, U64_MAX, false },
	{ "the end wraps into the range", MEMORY_LOW + SZ_1M, U64_MAX - SZ_4K, false },
	{ "the last address", U64_MAX, 1, false },
	{ "from the last address", U64_MAX, MEMORY_LOW + 2, false },
	{ "null", 0, 1, false },
};

KUNIT_ARRAY_PARAM_DESC(memory_contains, memory_cases_contains, what);

static void memory_fill(struct mk_memory *mem)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(memory_ranges); i++) {
		mem->range[i].page = pfn_to_page(PHYS_PFN(memory_ranges[i].start));
		mem->range[i].nr = memory_ranges[i].size / PAGE_SIZE;
		mem->pages += mem->range[i].nr;
	}
	mem->nr = i;
}

static void memory_test_contains(struct kunit *test)
{
	const struct memory_case *c = test->param_value;
	struct mk_memory mem = {};

	if (!IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP))
		kunit_skip(test, "no page without memory");
	memory_fill(&mem);
	KUNIT_EXPECT_EQ(test, mk_memory_contains(&mem, c->pa, c->size), c->inside);
}

/* Ranges behind the last one that counts are not the instance's any more */
static void memory_test_old_ranges(struct kunit *test)
{
	struct mk_memory mem = {};

	if (!IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP))
		kunit_skip(test, "no page without memory");
	KUNIT_EXPECT_FALSE(test, mk_memory_contains(&mem, 0, 1));
	memory_fill(&mem);
	mem.nr = 1;
	KUNIT_EXPECT_TRUE(test, mk_memory_contains(&mem, MEMORY_HIGH, 1));
	KUNIT_EXPECT_FALSE(test, mk_memory_contains(&mem, MEMORY_LOW, 1));
	mem.nr = 0;
	KUNIT_EXPECT_FALSE(test, mk_memory_contains(&mem, MEMORY_HIGH, 1));
}

static void memory_put_back(void *data)
{
	struct mk_instance *inst = data;

	guard(mutex)(&inst->lock);
	inst->state = MK_OFFLINE;
	inst->image = NULL;
	mk_memory_set(inst, 0);
	free_cpumask_var(inst->cpus);
	mk_error_clear();
}

/* An instance with memory of its own, as far as memory.c looks */
static struct mk_instance *memory_inst(struct kunit *test, u64 size)
{
	struct mk_instance *inst = kunit_kzalloc(test, sizeof(*inst), GFP_KERNEL);
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, inst);
	inst->id = MEMORY_ID;
	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&inst->cpus, GFP_KERNEL));
	mutex_init(&inst->lock);
	INIT_LIST_HEAD(&inst->vmcores);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, memory_put_back, inst), 0);
	scoped_guard(mutex, &inst->lock)
		ret = mk_memory_set(inst, size);
	if (ret == -ENOMEM)
		kunit_skip(test, "no contiguous memory");
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_ASSERT_EQ(test, inst->mem.pages, size / PAGE_SIZE);
	return inst;
}

static int memory_set(struct mk_instance *inst, u64 size)
{
	guard(mutex)(&inst->lock);
	return mk_memory_set(inst, size);
}

static void memory_test_resize(struct kunit *test)
{
	struct mk_instance *inst = memory_inst(test, SZ_4M);
	phys_addr_t pa = page_to_phys(inst->mem.range[0].page);

	KUNIT_EXPECT_EQ(test, memory_set(inst, SZ_4M + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, memory_set(inst, SZ_4K - 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, memory_set(inst, BIT_ULL(60)), -ENOMEM);
	KUNIT_EXPECT_EQ(test, memory_set(inst, (u64)-SZ_4K), -ENOMEM);
	KUNIT_EXPECT_EQ(test, inst->mem.pages, SZ_4M / SZ_4K);
	KUNIT_EXPECT_EQ(test, inst->mem_wanted, SZ_4M);
	KUNIT_EXPECT_EQ(test, memory_set(inst, SZ_4M - SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, inst->mem_wanted, SZ_4M - SZ_4K);
	KUNIT_EXPECT_EQ(test, inst->mem.pages, SZ_4M / SZ_4K - 1);
	/* The front stays where it is */
	KUNIT_EXPECT_TRUE(test, mk_memory_contains(&inst->mem, pa, SZ_4K));
	KUNIT_EXPECT_EQ(test, memory_set(inst, SZ_8M), 0);
	KUNIT_EXPECT_EQ(test, inst->mem.pages, SZ_8M / SZ_4K);
	KUNIT_EXPECT_EQ(test, inst->mem_wanted, SZ_8M);
	KUNIT_EXPECT_EQ(test, memory_set(inst, 0), 0);
	KUNIT_EXPECT_EQ(test, inst->mem.nr, 0);
	KUNIT_EXPECT_EQ(test, inst->mem.pages, 0);
}

/* A multiple of 128 MiB can be hot-added block by block, wherever it lies */
static void memory_test_blocks(struct kunit *test)
{
	struct mk_instance *inst = memory_inst(test, 3 * SZ_128M);
	unsigned int i;

	for (i = 0; i < inst->mem.nr; i++) {
		phys_addr_t pa = page_to_phys(inst->mem.range[i].page);
		u64 size = (u64)inst->mem.range[i].nr * PAGE_SIZE;

		if (size < SZ_128M)
			kunit_skip(test, "no contiguous memory");
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED(pa | size, SZ_128M));
	}
}

/*
 * An eighth of what a node shall give: 1046 MiB halve to 512, 256 and 128 MiB, of which the
 * last is no crumb.
 */
static void memory_test_least(struct kunit *test)
{
	unsigned long min = max(SZ_2M / SZ_4K, pageblock_nr_pages);

	KUNIT_EXPECT_EQ(test, mk_memory_least(0), min);
	KUNIT_EXPECT_EQ(test, mk_memory_least(SZ_16M / SZ_4K), min);
	KUNIT_EXPECT_EQ(test, mk_memory_least(1016UL * (SZ_1M / SZ_4K)), SZ_1M / SZ_4K * 127);
	KUNIT_EXPECT_EQ(test, mk_memory_least(SZ_1G / SZ_4K), SZ_128M / SZ_4K);
	KUNIT_EXPECT_EQ(test, mk_memory_least(1046UL * (SZ_1M / SZ_4K)), SZ_128M / SZ_4K);
	KUNIT_EXPECT_EQ(test, mk_memory_least(2047UL * (SZ_1M / SZ_4K)), SZ_128M / SZ_4K);
	KUNIT_EXPECT_EQ(test, mk_memory_least(SZ_2G / SZ_4K), SZ_256M / SZ_4K);
}

/* What it has, nobody else can get; what it has given back, the host has */
static void memory_test_ledger(struct kunit *test)
{
	struct mk_instance *inst = memory_inst(test, SZ_4M);
	phys_addr_t pa = page_to_phys(inst->mem.range[0].page);
	phys_addr_t last = pa + (u64)inst->mem.range[0].nr * PAGE_SIZE - PAGE_SIZE;

	KUNIT_EXPECT_EQ(test, mk_ledger_claim_mem(pa, PAGE_SIZE, MK_OWNER_HOST, 1), -EBUSY);
	KUNIT_EXPECT_EQ(test, mk_ledger_claim_mem(last, 1, MK_OWNER_HOST, 1), -EBUSY);
	KUNIT_EXPECT_EQ(test, mk_ledger_claim_mem(pa, PAGE_SIZE, MEMORY_ID, MEMORY_ID), 0);
	KUNIT_EXPECT_EQ(test, memory_set(inst, 0), 0);
	KUNIT_EXPECT_EQ(test, mk_ledger_claim_mem(pa, PAGE_SIZE, MEMORY_ID, 1), -EBUSY);
	KUNIT_EXPECT_EQ(test, mk_ledger_claim_mem(last, PAGE_SIZE, MEMORY_ID, 1), -EBUSY);
}

static void memory_test_busy(struct kunit *test)
{
	struct mk_instance *inst = memory_inst(test, SZ_2M);

	inst->state = MK_RUNNING;
	KUNIT_EXPECT_EQ(test, memory_set(inst, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, memory_set(inst, SZ_4M), -EBUSY);
	inst->state = MK_LOADED;
	inst->image = (struct kimage *)inst;
	KUNIT_EXPECT_EQ(test, memory_set(inst, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, memory_set(inst, SZ_2M), 0);
	KUNIT_EXPECT_EQ(test, inst->mem.pages, SZ_2M / SZ_4K);
}

static void memory_expect_zero(struct kunit *test, struct mk_instance *inst, void *buf)
{
	phys_addr_t pa = page_to_phys(inst->mem.range[0].page);
	u64 off;

	for (off = 0; off < (u64)inst->mem.range[0].nr * PAGE_SIZE; off += SZ_256K) {
		memset(buf, 0xff, SZ_256K);
		KUNIT_ASSERT_EQ(test, mk_memory_read(&inst->mem, pa + off, buf, SZ_256K), 0);
		KUNIT_ASSERT_NULL(test, memchr_inv(buf, 0, SZ_256K));
	}
}

/* More than one window, not aligned, and no byte beside it is touched */
static void memory_test_copy(struct kunit *test)
{
	const size_t len = 50 * PAGE_SIZE + 123, off = PAGE_SIZE - 57;
	struct mk_instance *inst = memory_inst(test, SZ_2M);
	u8 *src = kunit_kzalloc(test, SZ_256K, GFP_KERNEL);
	u8 *dst = kunit_kzalloc(test, SZ_256K, GFP_KERNEL);
	phys_addr_t pa = page_to_phys(inst->mem.range[0].page);
	size_t i;

	KUNIT_ASSERT_NOT_NULL(test, src);
	KUNIT_ASSERT_NOT_NULL(test, dst);
	memory_expect_zero(test, inst, dst);
	for (i = 0; i < len; i++)
		src[off + i] = 1 + (i ^ (i >> 8)) % 255;
	KUNIT_EXPECT_EQ(test, mk_memory_write(inst, pa + off, src + off, len), 0);
	KUNIT_EXPECT_EQ(test, mk_memory_read(&inst->mem, pa, dst, SZ_256K), 0);
	KUNIT_EXPECT_TRUE(test, !memcmp(src, dst, SZ_256K));
	memset(dst, 0, SZ_256K);
	KUNIT_EXPECT_EQ(test, mk_memory_read(&inst->mem, pa + off, dst + off, len), 0);
	KUNIT_EXPECT_TRUE(test, !memcmp(src, dst, SZ_256K));
	KUNIT_EXPECT_EQ(test, mk_memory_read(&inst->mem, pa, dst, 0), 0);
}

static void memory_test_copy_outside(struct kunit *test)
{
	struct mk_instance *inst = memory_inst(test, SZ_2M);
	u8 *buf = kunit_kzalloc(test, SZ_256K, GFP_KERNEL);
	phys_addr_t pa = page_to_phys(inst->mem.range[0].page);
	phys_addr_t end = pa + (u64)inst->mem.range[0].nr * PAGE_SIZE;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_EXPECT_EQ(test, mk_memory_write(inst, end - 1, buf, 2), -EFAULT);
	KUNIT_EXPECT_EQ(test, mk_memory_write(inst, pa - 1, buf, 2), -EFAULT);
	KUNIT_EXPECT_EQ(test, mk_memory_read(&inst->mem, end, buf, 1), -EFAULT);
	KUNIT_EXPECT_EQ(test, mk_memory_read(&inst->mem, virt_to_phys(buf), buf, 1), -EFAULT);
	KUNIT_EXPECT_EQ(test, mk_memory_read(&inst->mem, end - 1, buf, 1), 0);
}

/* What a node owes, in pages of 4 KiB: shares are even, and multiples of 2 MiB */
static void memory_test_share(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, mk_nodes_lack(512, 1, 0), 512);
	KUNIT_EXPECT_EQ(test, mk_nodes_lack(512, 1, 500), 12);
	KUNIT_EXPECT_EQ(test, mk_nodes_lack(512, 1, 512), 0);
	KUNIT_EXPECT_EQ(test, mk_nodes_lack(512, 1, 513), 0);
	KUNIT_EXPECT_EQ(test, mk_nodes_lack(0, 3, 0), 0);
	KUNIT_EXPECT_EQ(test, mk_nodes_lack(4 * 512, 2, 0), 2 * 512);
	KUNIT_EXPECT_EQ(test, mk_nodes_lack(4 * 512 + 1, 2, 0), 3 * 512);
	KUNIT_EXPECT_EQ(test, mk_nodes_lack(4 * 512, 3, 512), 512);
	KUNIT_EXPECT_EQ(test, mk_nodes_lack(1, 64, 0), 512);
}

/* The one of which there is least, the lowest of several */
static void memory_test_next_node(struct kunit *test)
{
	int nid = first_online_node;
	nodemask_t nodes = nodemask_of_node(nid);
	struct mk_memory mem = {
		.nr = 2,
		.range = {
			{ .page = pfn_to_page(node_start_pfn(nid)), .nr = 3 },
			{ .page = pfn_to_page(node_start_pfn(nid)), .nr = 4 },
		},
	};

	if (nid + 2 >= MAX_NUMNODES)
		kunit_skip(test, "needs three nodes that could be");
	KUNIT_EXPECT_EQ(test, mk_nodes_pages(&mem, nid), 7);
	KUNIT_EXPECT_EQ(test, mk_nodes_pages(&mem, nid + 1), 0);
	KUNIT_EXPECT_EQ(test, mk_nodes_next(&mem, &nodes), nid);
	node_set(nid + 1, nodes);
	node_set(nid + 2, nodes);
	KUNIT_EXPECT_EQ(test, mk_nodes_next(&mem, &nodes), nid + 1);
	mem.nr = 0;
	KUNIT_EXPECT_EQ(test, mk_nodes_next(&mem, &nodes), nid);
}

static void memory_test_prefer(struct kunit *test)
{
	struct mk_instance *inst = memory_inst(test, SZ_2M);
	nodemask_t nodes = nodemask_of_node(first_memory_node), got;

	guard(mutex)(&inst->lock);
	KUNIT_EXPECT_EQ(test, mk_nodes_prefer(inst, &nodes), 0);
	mk_nodes_of(inst, &got);
	KUNIT_EXPECT_TRUE(test, nodes_equal(got, nodes));
	if (!node_state(MAX_NUMNODES - 1, N_MEMORY)) {
		node_set(MAX_NUMNODES - 1, nodes);
		KUNIT_EXPECT_EQ(test, mk_nodes_prefer(inst, &nodes), -EINVAL);
		mk_nodes_of(inst, &got);
		KUNIT_EXPECT_FALSE(test, nodes_equal(got, nodes));
	}
	/* Those of its CPUs, of which there are none yet */
	nodes_clear(nodes);
	KUNIT_EXPECT_EQ(test, mk_nodes_prefer(inst, &nodes), 0);
	mk_nodes_of(inst, &got);
	KUNIT_EXPECT_EQ(test, nodes_weight(got), 1);
	cpumask_set_cpu(0, inst->cpus);
	mk_nodes_of(inst, &got);
	nodes = nodemask_of_node(cpu_to_node(0));
	KUNIT_EXPECT_TRUE(test, nodes_equal(got, nodes));
}

static struct kunit_case memory_cases[] = {
	KUNIT_CASE(memory_test_share),
	KUNIT_CASE(memory_test_next_node),
	KUNIT_CASE(memory_test_prefer),
	KUNIT_CASE_PARAM(memory_test_contains, memory_contains_gen_params),
	KUNIT_CASE(memory_test_old_ranges),
	KUNIT_CASE(memory_test_resize),
	KUNIT_CASE_SLOW(memory_test_blocks),
	KUNIT_CASE(memory_test_least),
	KUNIT_CASE(memory_test_ledger),
	KUNIT_CASE(memory_test_busy),
	KUNIT_CASE(memory_test_copy),
	KUNIT_CASE(memory_test_copy_outside),
	{}
};

static struct kunit_suite memory_suite = {
	.name = "mk_memory",
	.test_cases = memory_cases,
};

kunit_test_suite(memory_suite);
