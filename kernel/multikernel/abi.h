/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_ABI_H
#define _MULTIKERNEL_ABI_H

#include <linux/multikernel/abi/boot.h>
#include <linux/types.h>

/**
 * struct mk_abi - what a kernel speaks
 * @newest: version of the ABI
 * @oldest: version of the ABI that it still speaks
 * @features: MK_BOOT_F_* that it knows
 */
struct mk_abi {
	u32 newest;
	u32 oldest;
	u64 features;
};

const struct mk_abi *mk_abi_ours(void);
bool mk_abi_blind(void);
struct mk_abi mk_abi_of(u32 version, u32 version_min, u64 features);
bool mk_abi_ok(const struct mk_abi *abi);
u32 mk_abi_agree(const struct mk_abi *a, const struct mk_abi *b);
void mk_abi_refuse(char *buf, size_t size, const char *who, const struct mk_abi *theirs,
		   const struct mk_abi *host);
void mk_abi_refuse_pair(char *buf, size_t size, const char *a, const struct mk_abi *a_abi,
			const char *b, const struct mk_abi *b_abi);

#endif /* _MULTIKERNEL_ABI_H */
