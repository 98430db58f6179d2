/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _X86_MULTIKERNEL_PGTABLE_H
#define _X86_MULTIKERNEL_PGTABLE_H

#include <linux/list.h>
#include <linux/types.h>

/**
 * struct mk_pgt - page tables for a CPU between two kernels
 * @root: top level
 * @levels: 4 or 5
 * @pages: all pages of the tables
 */
struct mk_pgt {
	u64 *root;
	unsigned int levels;
	struct list_head pages;
};

int mk_pgt_init(struct mk_pgt *pgt, unsigned int levels);
int mk_pgt_map(struct mk_pgt *pgt, u64 pa, u64 size, u64 prot);
void mk_pgt_free(struct mk_pgt *pgt);

#endif /* _X86_MULTIKERNEL_PGTABLE_H */
