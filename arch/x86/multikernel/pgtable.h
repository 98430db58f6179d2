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

struct page;

#ifdef CONFIG_KEXEC_HANDOVER
int mk_pgt_keep(struct mk_pgt *pgt);
void mk_pgt_unkeep(struct mk_pgt *pgt, const struct page *end);
int mk_pgt_resume(struct mk_pgt *pgt, u64 root_pa, unsigned int levels);
#endif

#endif /* _X86_MULTIKERNEL_PGTABLE_H */
