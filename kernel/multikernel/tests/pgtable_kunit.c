// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of arch/x86/multikernel/pgtable.c.  The tables are read by a walker of
 * their own, that takes every number from the manual (Intel SDM volume 3,
 * section 5.5) and none from the code: what was asked for is mapped at its own
 * address with the rights that were asked for, and nothing else is mapped.
 */

#include <kunit/test.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "../../../arch/x86/multikernel/pgtable.h"

/* Bits of an entry, from the manual */
#define PGT_P			BIT_ULL(0)
#define PGT_W			BIT_ULL(1)
#define PGT_PS			BIT_ULL(7)
#define PGT_NX			BIT_ULL(63)
#define PGT_ADDR		0x000ffffffffff000ULL
/* Neither cache control nor a bit that is reserved or means a user's page */
#define PGT_KNOWN		(PGT_P | PGT_W | PGT_PS | PGT_NX | PGT_ADDR)

/* Rights, as the CPU puts them together from all levels */
#define PGT_READ		0
#define PGT_WRITE		1
#define PGT_EXEC		2

/**
 * struct pgt_leaf - what the CPU would find for an address
 * @pa: physical address of the byte
 * @rights: PGT_WRITE and PGT_EXEC
 * @size: of the page, 0 if nothing is mapped
 */
struct pgt_leaf {
	u64 pa;
	u32 rights;
	u64 size;
};

/* The next table; NULL if the entry leads to none of ours */
static const u64 *pgt_table(const struct mk_pgt *pgt, u64 entry)
{
	struct page *page;

	list_for_each_entry(page, &pgt->pages, lru)
		if (page_to_phys(page) == (entry & PGT_ADDR))
			return page_address(page);
	return NULL;
}

/* What the CPU does with an address; it knows the number of levels from CR4 */
static struct pgt_leaf pgt_walk(const struct mk_pgt *pgt, unsigned int levels, u64 va)
{
	struct pgt_leaf leaf = { .rights = PGT_WRITE | PGT_EXEC };
	const u64 *table = pgt->root;
	unsigned int shift = levels == 5 ? 48 : 39;
	u64 entry;

	for (;; shift -= 9) {
		entry = table[(va >> shift) & 0x1ff];
		if (!(entry & PGT_P))
			return (struct pgt_leaf){};
		if (!(entry & PGT_W))
			leaf.rights &= ~PGT_WRITE;
		if (entry & PGT_NX)
			leaf.rights &= ~PGT_EXEC;
		if (shift == 12 || (entry & PGT_PS))
			break;
		table = pgt_table(pgt, entry);
		if (!table)
			return (struct pgt_leaf){};
	}
	leaf.size = 1ULL << shift;
	leaf.pa = (entry & PGT_ADDR) + (va & (leaf.size - 1));
	return leaf;
}

/* Sum of all that is mapped anywhere; each entry on the way is looked at */
static u64 pgt_mapped(struct kunit *test, const struct mk_pgt *pgt, const u64 *table,
		      unsigned int shift, u64 va)
{
	u64 sum = 0, at;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL_MSG(test, table, "at %llx", va);
	for (i = 0; i < 512; i++) {
		at = va + ((u64)i << shift);
		if (!table[i])
			continue;
		KUNIT_EXPECT_TRUE(test, table[i] & PGT_P);
		KUNIT_EXPECT_EQ_MSG(test, table[i] & ~PGT_KNOWN, 0, "at %llx", at);
		if (shift > 12 && !(table[i] & PGT_PS)) {
			sum += pgt_mapped(test, pgt, pgt_table(pgt, table[i]), shift - 9, at);
			continue;
		}
		/* 1 GiB pages are not in every CPU, and bit 7 of a 4 KiB one is another */
		KUNIT_EXPECT_TRUE(test, shift == 21 || (shift == 12 && !(table[i] & PGT_PS)));
		KUNIT_EXPECT_EQ(test, table[i] & PGT_ADDR, at);
		sum += 1ULL << shift;
	}
	return sum;
}

static void pgt_free(void *pgt)
{
	mk_pgt_free(pgt);
}

static struct mk_pgt *pgt_new(struct kunit *test, unsigned int levels)
{
	struct mk_pgt *pgt = kunit_kzalloc(test, sizeof(*pgt), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pgt);
	KUNIT_ASSERT_EQ(test, mk_pgt_init(pgt, levels), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, pgt_free, pgt), 0);
	KUNIT_ASSERT_LT(test, virt_to_phys(pgt->root), BIT_ULL(32));
	KUNIT_ASSERT_EQ(test, virt_to_phys(pgt->root) % SZ_4K, 0);
	return pgt;
}

static u64 pgt_sum(struct kunit *test, const struct mk_pgt *pgt, unsigned int levels)
{
	return pgt_mapped(test, pgt, pgt->root, levels == 5 ? 48 : 39, 0);
}

static u64 pgt_prot(u32 rights)
{
	return (rights & PGT_WRITE ? PGT_W : 0) | (rights & PGT_EXEC ? 0 : PGT_NX);
}

static void pgt_expect(struct kunit *test, const struct mk_pgt *pgt, unsigned int levels,
		       u64 va, u32 rights, u64 size)
{
	struct pgt_leaf leaf = pgt_walk(pgt, levels, va);

	KUNIT_EXPECT_EQ_MSG(test, leaf.size, size, "at %llx", va);
	if (!size)
		return;
	KUNIT_EXPECT_EQ_MSG(test, leaf.pa, va, "at %llx", va);
	KUNIT_EXPECT_EQ_MSG(test, leaf.rights, rights, "at %llx", va);
}

static void pgt_expect_none(struct kunit *test, const struct mk_pgt *pgt,
			    unsigned int levels, u64 va)
{
	pgt_expect(test, pgt, levels, va, 0, 0);
}

/* Large exactly where 2 MiB fit, in the numbers of the manual */
static u64 pgt_page_size(u64 va, u64 start, u64 end)
{
	u64 large = va & ~(SZ_2M - 1ULL);

	return large >= start && large + SZ_2M <= end ? SZ_2M : SZ_4K;
}

struct pgt_case {
	const char *what;
	u64 start;
	u64 size;
};

static const struct pgt_case pgt_cases_map[] = {
	{ "the first page", 0, SZ_4K },
	{ "a page below 1 MiB", 0x9d000, SZ_4K },
	{ "a large page", SZ_2M, SZ_2M },
	{ "a large page less one", SZ_2M, SZ_2M - SZ_4K },
	{ "2 MiB beside the border", SZ_2M + SZ_4K, SZ_2M },
	{ "pages, large pages, pages", SZ_4M - 3 * SZ_4K, SZ_8M + 5 * SZ_4K },
	{ "across 1 GiB", SZ_1G - SZ_4K, SZ_2M + 2 * SZ_4K },
	{ "across 4 GiB", BIT_ULL(32) - SZ_4M - SZ_4K, SZ_8M },
	{ "a page above 4 GiB", 5ULL * SZ_1G + SZ_4K, SZ_4K },
	{ "1 GiB above 4 GiB", 5ULL * SZ_1G, SZ_1G },
	{ "across 512 GiB", BIT_ULL(39) - SZ_2M, SZ_4M },
	{ "up to 128 TiB", BIT_ULL(47) - SZ_4M - SZ_4K, SZ_4M + SZ_4K },
	{ "across 256 TiB", BIT_ULL(48) - SZ_4M, SZ_8M },
	{ "a page above 256 TiB", BIT_ULL(50) + SZ_4K, SZ_4K },
	{ "the last pages of 52 bits", BIT_ULL(52) - SZ_2M - SZ_4K, SZ_2M + SZ_4K },
};

KUNIT_ARRAY_PARAM_DESC(pgt_map, pgt_cases_map, what);

static void pgt_try_map(struct kunit *test, unsigned int levels, u64 start, u64 size)
{
	struct mk_pgt *pgt = pgt_new(test, levels);
	u64 end = start + size, va;

	KUNIT_EXPECT_EQ(test, pgt_sum(test, pgt, levels), 0);
	KUNIT_ASSERT_EQ(test, mk_pgt_map(pgt, start, size, pgt_prot(PGT_WRITE)), 0);
	for (va = start; va < end; va += SZ_4K)
		pgt_expect(test, pgt, levels, va, PGT_WRITE, pgt_page_size(va, start, end));
	pgt_expect(test, pgt, levels, end - 1, PGT_WRITE,
		   pgt_page_size(end - SZ_4K, start, end));
	if (start)
		pgt_expect_none(test, pgt, levels, start - 1);
	KUNIT_EXPECT_EQ(test, pgt_sum(test, pgt, levels), size);
}

/* Four levels reach 47 bits of the lower half, where addresses are their own */
static void pgt_test_map(struct kunit *test)
{
	const struct pgt_case *c = test->param_value;

	if (c->start + c->size <= BIT_ULL(47))
		pgt_try_map(test, 4, c->start, c->size);
	pgt_try_map(test, 5, c->start, c->size);
}

static const unsigned int pgt_level_counts[] = { 4, 5 };

static void pgt_levels_desc(const unsigned int *levels, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u levels", *levels);
}

KUNIT_ARRAY_PARAM(pgt_levels, pgt_level_counts, pgt_levels_desc);

/* As for parked CPUs: code that nobody writes beside slots that nobody runs */
static void pgt_test_rights(struct kunit *test)
{
	static const u32 rights[] = {
		PGT_EXEC, PGT_WRITE, PGT_READ, PGT_WRITE | PGT_EXEC, PGT_WRITE, PGT_EXEC,
	};
	unsigned int levels = *(const unsigned int *)test->param_value;
	struct mk_pgt *pgt = pgt_new(test, levels);
	u64 base = 6ULL * SZ_1G + SZ_2M - 3 * SZ_4K;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rights); i++)
		KUNIT_ASSERT_EQ(test, mk_pgt_map(pgt, base + i * SZ_4K, SZ_4K,
						 pgt_prot(rights[i])), 0);
	for (i = 0; i < ARRAY_SIZE(rights); i++)
		pgt_expect(test, pgt, levels, base + i * SZ_4K, rights[i], SZ_4K);
	KUNIT_EXPECT_EQ(test, pgt_sum(test, pgt, levels), ARRAY_SIZE(rights) * SZ_4K);
}

static void pgt_test_rights_large(struct kunit *test)
{
	static const u32 rights[] = { PGT_EXEC, PGT_WRITE, PGT_READ, PGT_WRITE | PGT_EXEC };
	unsigned int levels = *(const unsigned int *)test->param_value;
	struct mk_pgt *pgt = pgt_new(test, levels);
	u64 base = 7ULL * SZ_1G - SZ_4M;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rights); i++)
		KUNIT_ASSERT_EQ(test, mk_pgt_map(pgt, base + i * SZ_2M, SZ_2M,
						 pgt_prot(rights[i])), 0);
	for (i = 0; i < ARRAY_SIZE(rights); i++)
		pgt_expect(test, pgt, levels, base + i * SZ_2M + 0x12345, rights[i], SZ_2M);
	KUNIT_EXPECT_EQ(test, pgt_sum(test, pgt, levels), ARRAY_SIZE(rights) * (u64)SZ_2M);
}

/* Mapped anew: the last word counts, and the neighbours keep what they have */
static void pgt_test_again(struct kunit *test)
{
	unsigned int levels = *(const unsigned int *)test->param_value;
	struct mk_pgt *pgt = pgt_new(test, levels);
	u64 base = 9ULL * SZ_1G;

	KUNIT_ASSERT_EQ(test, mk_pgt_map(pgt, base, 3 * SZ_4K, pgt_prot(PGT_WRITE)), 0);
	KUNIT_ASSERT_EQ(test, mk_pgt_map(pgt, base + SZ_4K, SZ_4K, pgt_prot(PGT_EXEC)), 0);
	pgt_expect(test, pgt, levels, base, PGT_WRITE, SZ_4K);
	pgt_expect(test, pgt, levels, base + SZ_4K, PGT_EXEC, SZ_4K);
	pgt_expect(test, pgt, levels, base + 2 * SZ_4K, PGT_WRITE, SZ_4K);
	KUNIT_EXPECT_EQ(test, pgt_sum(test, pgt, levels), 3 * SZ_4K);

	/* A large page in place of small ones */
	KUNIT_ASSERT_EQ(test, mk_pgt_map(pgt, base, SZ_2M, pgt_prot(PGT_READ)), 0);
	pgt_expect(test, pgt, levels, base + SZ_4K, PGT_READ, SZ_2M);
	KUNIT_EXPECT_EQ(test, pgt_sum(test, pgt, levels), SZ_2M);
}

/* A large page is not split: an error, and what was mapped stays */
static void pgt_test_no_split(struct kunit *test)
{
	unsigned int levels = *(const unsigned int *)test->param_value;
	struct mk_pgt *pgt = pgt_new(test, levels);
	u64 base = 9ULL * SZ_1G;

	KUNIT_ASSERT_EQ(test, mk_pgt_map(pgt, base, SZ_2M, pgt_prot(PGT_WRITE)), 0);
	KUNIT_EXPECT_EQ(test, mk_pgt_map(pgt, base + SZ_4K, SZ_4K, pgt_prot(PGT_EXEC)), -ENOMEM);
	pgt_expect(test, pgt, levels, base + SZ_4K, PGT_WRITE, SZ_2M);
	KUNIT_EXPECT_EQ(test, pgt_sum(test, pgt, levels), SZ_2M);
}

static void pgt_test_nothing(struct kunit *test)
{
	unsigned int levels = *(const unsigned int *)test->param_value;
	struct mk_pgt *pgt = pgt_new(test, levels);

	KUNIT_EXPECT_EQ(test, mk_pgt_map(pgt, SZ_1G, 0, PGT_W), 0);
	KUNIT_EXPECT_EQ(test, pgt_sum(test, pgt, levels), 0);
}

static void pgt_test_free(struct kunit *test)
{
	struct mk_pgt pgt = {};

	mk_pgt_free(&pgt);
	KUNIT_ASSERT_EQ(test, mk_pgt_init(&pgt, 4), 0);
	KUNIT_EXPECT_EQ(test, mk_pgt_map(&pgt, 0, SZ_8M + SZ_4K, PGT_W), 0);
	mk_pgt_free(&pgt);
	KUNIT_EXPECT_NULL(test, pgt.root);
	mk_pgt_free(&pgt);
}

static struct kunit_case pgt_cases[] = {
	KUNIT_CASE_PARAM(pgt_test_map, pgt_map_gen_params),
	KUNIT_CASE_PARAM(pgt_test_rights, pgt_levels_gen_params),
	KUNIT_CASE_PARAM(pgt_test_rights_large, pgt_levels_gen_params),
	KUNIT_CASE_PARAM(pgt_test_again, pgt_levels_gen_params),
	KUNIT_CASE_PARAM(pgt_test_no_split, pgt_levels_gen_params),
	KUNIT_CASE_PARAM(pgt_test_nothing, pgt_levels_gen_params),
	KUNIT_CASE(pgt_test_free),
	{}
};

static struct kunit_suite pgt_suite = {
	.name = "mk_pgtable",
	.test_cases = pgt_cases,
};

kunit_test_suite(pgt_suite);
