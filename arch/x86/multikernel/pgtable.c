// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: pgtable.c - identity-mapped page tables
 *
 * For CPUs that are between two kernels.  Unlike kernel_ident_mapping_init() this
 * maps single pages with the rights that each needs, and four or five levels
 * whatever the running kernel uses.  The top level lies below 4 GiB, because a
 * CPU loads it before it is in 64-bit mode.
 *
 * Reference: Intel SDM volume 3, section 5.5 "4-Level Paging and 5-Level Paging".
 */

#include <linux/gfp.h>
#include <linux/kexec_handover.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <asm/pgtable_types.h>

#include "pgtable.h"

#define MK_PGT_ADDR	GENMASK_ULL(51, 12)

static u64 *mk_pgt_new_page(struct mk_pgt *pgt, gfp_t gfp)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO | gfp);

	if (!page)
		return NULL;
	list_add(&page->lru, &pgt->pages);
	return page_address(page);
}

/**
 * mk_pgt_init() - empty tables
 * @pgt: to be filled
 * @levels: 4 or 5
 *
 * Return: 0 or -ENOMEM.
 */
int mk_pgt_init(struct mk_pgt *pgt, unsigned int levels)
{
	INIT_LIST_HEAD(&pgt->pages);
	pgt->levels = levels;
	pgt->root = mk_pgt_new_page(pgt, GFP_DMA32);
	return pgt->root ? 0 : -ENOMEM;
}

/**
 * mk_pgt_free() - free the tables
 * @pgt: from mk_pgt_init(), or all zero
 */
void mk_pgt_free(struct mk_pgt *pgt)
{
	struct page *page, *next;

	if (!pgt->root)
		return;
	list_for_each_entry_safe(page, next, &pgt->pages, lru)
		__free_page(page);
	pgt->root = NULL;
}

static u64 *mk_pgt_entry(u64 *table, unsigned int level, u64 va)
{
	return &table[(va >> (PAGE_SHIFT + 9 * (level - 1))) & 511];
}

static u64 *mk_pgt_next(struct mk_pgt *pgt, u64 *entry)
{
	u64 *table;

	if (*entry & _PAGE_PRESENT)
		return *entry & _PAGE_PSE ? NULL : __va(*entry & MK_PGT_ADDR);
	table = mk_pgt_new_page(pgt, 0);
	if (table)
		*entry = __pa(table) | _PAGE_PRESENT | _PAGE_RW;
	return table;
}

static u64 *mk_pgt_walk(struct mk_pgt *pgt, u64 va, unsigned int level)
{
	u64 *table = pgt->root;
	unsigned int l;

	for (l = pgt->levels; l > level && table; l--)
		table = mk_pgt_next(pgt, mk_pgt_entry(table, l, va));
	return table ? mk_pgt_entry(table, level, va) : NULL;
}

/**
 * mk_pgt_map() - map physical memory at its own address
 * @pgt: the tables
 * @pa: first byte, page-aligned
 * @size: in bytes, a multiple of the page size
 * @prot: _PAGE_RW and _PAGE_NX, as wanted
 *
 * Large pages are used where they fit.  What is mapped already is mapped anew,
 * but a large page is not split.
 *
 * Return: 0, or -ENOMEM.
 */
int mk_pgt_map(struct mk_pgt *pgt, u64 pa, u64 size, u64 prot)
{
	u64 end = pa + size;

	while (pa < end) {
		bool large = IS_ALIGNED(pa, SZ_2M) && end - pa >= SZ_2M;
		u64 *entry = mk_pgt_walk(pgt, pa, large ? 2 : 1);

		if (!entry)
			return -ENOMEM;
		*entry = pa | prot | _PAGE_PRESENT | (large ? _PAGE_PSE : 0);
		pa += large ? SZ_2M : PAGE_SIZE;
	}
	return 0;
}

#ifdef CONFIG_KEXEC_HANDOVER
/**
 * mk_pgt_unkeep() - undo mk_pgt_keep()
 * @pgt: the tables
 * @end: the first page of the list that has not been preserved; NULL if all have been
 */
void mk_pgt_unkeep(struct mk_pgt *pgt, const struct page *end)
{
	struct page *page;

	list_for_each_entry(page, &pgt->pages, lru) {
		if (page == end)
			return;
		kho_unpreserve_pages(page, 1);
	}
}

/**
 * mk_pgt_keep() - have the tables preserved for the next kernel
 * @pgt: the tables
 *
 * Return: 0, or what kho_preserve_pages() says, and nothing is preserved.
 */
int mk_pgt_keep(struct mk_pgt *pgt)
{
	struct page *page;
	int ret;

	list_for_each_entry(page, &pgt->pages, lru) {
		ret = kho_preserve_pages(page, 1);
		if (ret) {
			mk_pgt_unkeep(pgt, page);
			return ret;
		}
	}
	return 0;
}

static int mk_pgt_resume_table(struct mk_pgt *pgt, u64 pa, unsigned int level)
{
	struct page *page = kho_restore_pages(pa, 1);
	u64 *table;
	unsigned int i;
	int ret = 0;

	if (!page)
		return -EFAULT;
	list_add(&page->lru, &pgt->pages);
	table = page_address(page);
	for (i = 0; level > 1 && i < PTRS_PER_PTE && !ret; i++)
		if ((table[i] & _PAGE_PRESENT) && !(table[i] & _PAGE_PSE))
			ret = mk_pgt_resume_table(pgt, table[i] & MK_PGT_ADDR, level - 1);
	return ret;
}

/**
 * mk_pgt_resume() - find tables that the kernel before has had preserved
 * @pgt: to be filled
 * @root_pa: physical address of the top level
 * @levels: 4 or 5
 *
 * Return: 0; -EINVAL if there can't be such tables; -EFAULT if one was not preserved.
 */
int mk_pgt_resume(struct mk_pgt *pgt, u64 root_pa, unsigned int levels)
{
	int ret;

	if (!root_pa || !IS_ALIGNED(root_pa, PAGE_SIZE) || levels < 4 || levels > 5)
		return -EINVAL;
	INIT_LIST_HEAD(&pgt->pages);
	pgt->levels = levels;
	pgt->root = __va(root_pa);
	ret = mk_pgt_resume_table(pgt, root_pa, levels);
	if (ret)
		mk_pgt_free(pgt);
	return ret;
}
#endif
