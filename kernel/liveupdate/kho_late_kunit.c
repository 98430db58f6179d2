// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of kho_populate_late(): what another kernel says that it preserves, as it should be
 * and in all ways in which it should not. That kernel's memory is a few pages of this one,
 * which no one else has.
 *
 * Part of kexec_handover.c.
 */

#include <kunit/test.h>
#include <linux/prandom.h>

#define LATE_ORDER	8
#define LATE_PAGES	BIT(LATE_ORDER)
#define LATE_CASES	20000

/* Pages of it: a node for each level, and what is preserved */
#define LATE_ROOT	0
#define LATE_LEAF	(KHO_TREE_MAX_DEPTH - 1)
#define LATE_DATA	16

struct late_world {
	struct page *page;
	phys_addr_t base;
	struct range range;
	struct kho_late late;
};

static void *late_at(struct late_world *w, unsigned long nr)
{
	return page_address(w->page + nr);
}

static phys_addr_t late_phys(struct late_world *w, unsigned long nr)
{
	return w->base + nr * PAGE_SIZE;
}

/* As page structures of memory that has been added, and not given to the allocator */
static void late_withhold(struct late_world *w)
{
	for (unsigned long i = 0; i < LATE_PAGES; i++) {
		if (!PageOffline(w->page + i))
			__SetPageOffline(w->page + i);
		w->page[i].private = 0;
	}
}

static int late_init(struct kunit *test)
{
	struct late_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	if (!w)
		return -ENOMEM;
	w->page = alloc_pages(GFP_KERNEL | __GFP_ZERO, LATE_ORDER);
	if (!w->page)
		return -ENOMEM;
	w->base = page_to_phys(w->page);
	w->range = (struct range){ .start = w->base, .end = w->base + LATE_PAGES * PAGE_SIZE - 1 };
	w->late = (struct kho_late){ .ranges = &w->range, .nr = 1 };
	late_withhold(w);
	test->priv = w;
	return 0;
}

static void late_exit(struct kunit *test)
{
	struct late_world *w = test->priv;

	if (!w)
		return;
	for (unsigned long i = 0; i < LATE_PAGES; i++) {
		if (PageOffline(w->page + i))
			__ClearPageOffline(w->page + i);
		w->page[i].private = 0;
	}
	__free_pages(w->page, LATE_ORDER);
}

/* A tree with one leaf, in which all keys of our few pages of one order are */
static void late_build(struct late_world *w, unsigned int order)
{
	unsigned long key = kho_encode_radix_key(late_phys(w, LATE_DATA), order);
	struct kho_radix_node *node;
	unsigned int level;

	for (level = KHO_TREE_MAX_DEPTH - 1; level > 0; level--) {
		node = late_at(w, LATE_LEAF - level);
		memset(node, 0, PAGE_SIZE);
		node->table[kho_radix_get_table_index(key, level)] =
			late_phys(w, LATE_LEAF - level + 1);
	}
	memset(late_at(w, LATE_LEAF), 0, PAGE_SIZE);
}

static void late_preserve(struct late_world *w, unsigned long nr, unsigned int order)
{
	unsigned long key = kho_encode_radix_key(late_phys(w, nr), order);
	struct kho_radix_leaf *leaf = late_at(w, LATE_LEAF);

	__set_bit(kho_radix_get_bitmap_index(key), leaf->bitmap);
}

static int late_mark(struct late_world *w)
{
	return kho_late_mark_node(&w->late, late_phys(w, LATE_ROOT), KHO_TREE_MAX_DEPTH - 1, 0);
}

/* Pages of which note was taken */
static unsigned long late_marked(struct late_world *w)
{
	unsigned long i, n = 0;

	for (i = 0; i < LATE_PAGES; i++)
		n += !PageOffline(w->page + i);
	return n;
}

static void late_test_marks(struct kunit *test)
{
	struct late_world *w = test->priv;
	union kho_page_info info;

	late_build(w, 0);
	late_preserve(w, LATE_DATA, 0);
	late_preserve(w, LATE_DATA + 5, 0);
	KUNIT_EXPECT_EQ(test, late_mark(w), 0);
	KUNIT_EXPECT_EQ(test, late_marked(w), 2);
	info.page_private = w->page[LATE_DATA + 5].private;
	KUNIT_EXPECT_EQ(test, info.magic, KHO_PAGE_MAGIC);
	KUNIT_EXPECT_EQ(test, info.order, 0);
	KUNIT_EXPECT_TRUE(test, kho_is_preserved(late_phys(w, LATE_DATA)));
	KUNIT_EXPECT_FALSE(test, kho_is_preserved(late_phys(w, LATE_DATA + 1)));
	kho_late_unmark(&w->late);
	KUNIT_EXPECT_EQ(test, late_marked(w), 0);
	KUNIT_EXPECT_FALSE(test, kho_is_preserved(late_phys(w, LATE_DATA)));
}

static void late_test_orders(struct kunit *test)
{
	struct late_world *w = test->priv;
	union kho_page_info info;

	late_build(w, 4);
	late_preserve(w, LATE_DATA, 4);
	KUNIT_EXPECT_EQ(test, late_mark(w), 0);
	KUNIT_EXPECT_EQ(test, late_marked(w), 16);
	info.page_private = w->page[LATE_DATA].private;
	KUNIT_EXPECT_EQ(test, info.order, 4);
	/* Only the first page says so */
	KUNIT_EXPECT_EQ(test, w->page[LATE_DATA + 1].private, 0);
}

/* Nothing is looked at outside, and what was done is undone by who calls */
static void late_test_nodes(struct kunit *test)
{
	struct late_world *w = test->priv;
	struct kho_radix_node *root = late_at(w, LATE_ROOT);
	const u64 bad[] = {
		w->base - PAGE_SIZE, w->base + LATE_PAGES * PAGE_SIZE, late_phys(w, 1) + 8, 1,
		PAGE_SIZE, ~0ULL, ~0ULL << PAGE_SHIFT, 1ULL << 63,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		late_build(w, 0);
		root->table[7] = bad[i];
		KUNIT_EXPECT_EQ_MSG(test, late_mark(w), -EINVAL, "node at %#llx", bad[i]);
	}
	/* A node that has itself below ends with the levels */
	late_build(w, 0);
	root->table[0] = late_phys(w, LATE_ROOT);
	late_mark(w);
}

static void late_test_keys(struct kunit *test)
{
	struct late_world *w = test->priv;
	const unsigned long bad[] = {
		0, 1, 2, BIT(20), BIT(21), BIT(52) - 1, BIT(52), BIT(53), ~0UL,
		kho_encode_radix_key(w->base - PAGE_SIZE, 0),
		kho_encode_radix_key(w->base + LATE_PAGES * PAGE_SIZE, 0),
		kho_encode_radix_key(w->base, LATE_ORDER + 1),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, kho_late_mark(&w->late, bad[i]), -EINVAL, "key %#lx",
				    bad[i]);
	KUNIT_EXPECT_EQ(test, late_marked(w), 0);
}

static void late_test_twice(struct kunit *test)
{
	struct late_world *w = test->priv;
	unsigned long one = kho_encode_radix_key(late_phys(w, LATE_DATA + 3), 0);
	unsigned long all = kho_encode_radix_key(late_phys(w, LATE_DATA), 3);

	KUNIT_EXPECT_EQ(test, kho_late_mark(&w->late, one), 0);
	KUNIT_EXPECT_EQ(test, kho_late_mark(&w->late, all), -EINVAL);
	kho_late_unmark(&w->late);
	KUNIT_EXPECT_EQ(test, late_marked(w), 0);
}

static void late_test_fdt(struct kunit *test)
{
	struct late_world *w = test->priv;
	void *fdt = late_at(w, 0), *copy;
	u64 map = late_phys(w, 1);

	KUNIT_EXPECT_EQ(test, PTR_ERR(kho_late_copy_fdt(&w->late, w->base)), -EPROTO);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kho_late_copy_fdt(&w->late, w->base + 8)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kho_late_copy_fdt(&w->late, w->base - PAGE_SIZE)), -EINVAL);
	fdt_create(fdt, PAGE_SIZE);
	fdt_finish_reservemap(fdt);
	fdt_begin_node(fdt, "");
	fdt_property_string(fdt, "compatible", KHO_FDT_COMPATIBLE);
	fdt_property(fdt, KHO_FDT_MEMORY_MAP_PROP_NAME, &map, sizeof(map));
	fdt_end_node(fdt);
	KUNIT_ASSERT_EQ(test, fdt_finish(fdt), 0);
	copy = kho_late_copy_fdt(&w->late, w->base);
	KUNIT_ASSERT_FALSE(test, IS_ERR(copy));
	KUNIT_EXPECT_EQ(test, kho_get_mem_map_phys(copy), map);
	free_page((unsigned long)copy);
	fdt_set_totalsize(fdt, PAGE_SIZE + 1);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kho_late_copy_fdt(&w->late, w->base)), -EPROTO);
}

static u64 late_word(struct rnd_state *rnd, struct late_world *w)
{
	u64 word = (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd);

	switch (prandom_u32_state(rnd) % 4) {
	case 0:
		return word;
	case 1:
		return late_phys(w, word % (LATE_PAGES + 2));
	case 2:
		return kho_encode_radix_key(late_phys(w, word % LATE_PAGES), word >> 60);
	default:
		return 0;
	}
}

/* Whatever is in the tree: it ends, in one of two ways, and all can be undone */
static void late_test_fuzz(struct kunit *test)
{
	struct late_world *w = test->priv;
	unsigned long i, j, ok = 0;
	struct rnd_state rnd;
	int ret;

	prandom_seed_state(&rnd, 1);
	for (i = 0; i < LATE_CASES; i++) {
		unsigned long order = prandom_u32_state(&rnd) % 4;

		late_build(w, order);
		for (j = prandom_u32_state(&rnd) % 4; j; j--)
			late_preserve(w, LATE_DATA + 16 * j, order);
		for (j = prandom_u32_state(&rnd) % 3; j; j--) {
			u64 *node = late_at(w, prandom_u32_state(&rnd) % (LATE_LEAF + 1));

			node[prandom_u32_state(&rnd) % (PAGE_SIZE / sizeof(*node))] =
				late_word(&rnd, w);
		}
		ret = late_mark(w);
		ok += !ret;
		if (ret)
			KUNIT_EXPECT_EQ(test, ret, -EINVAL);
		kho_late_unmark(&w->late);
		if (late_marked(w)) {
			KUNIT_FAIL(test, "case %lu is not undone", i);
			break;
		}
		cond_resched();
	}
	kunit_info(test, "%lu of %u were as they should be\n", ok, LATE_CASES);
	KUNIT_EXPECT_GT(test, ok, LATE_CASES / 10);
	KUNIT_EXPECT_LT(test, ok, LATE_CASES);
}

static struct kunit_case late_cases[] = {
	KUNIT_CASE(late_test_marks),
	KUNIT_CASE(late_test_orders),
	KUNIT_CASE(late_test_nodes),
	KUNIT_CASE(late_test_keys),
	KUNIT_CASE(late_test_twice),
	KUNIT_CASE(late_test_fdt),
	KUNIT_CASE_SLOW(late_test_fuzz),
	{}
};

static struct kunit_suite late_suite = {
	.name = "kho_late",
	.init = late_init,
	.exit = late_exit,
	.test_cases = late_cases,
};

kunit_test_suite(late_suite);
