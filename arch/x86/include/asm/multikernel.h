/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_MULTIKERNEL_H
#define _ASM_X86_MULTIKERNEL_H

#include <linux/errno.h>
#include <linux/types.h>

struct boot_params;
struct kimage;

#ifdef CONFIG_MULTIKERNEL

extern bool mk_instance_active;

/**
 * mk_is_instance() - was this kernel started by another one, beside it?
 *
 * Valid from mk_platform_init() on.
 *
 * Return: true if so.
 */
static inline bool mk_is_instance(void)
{
	return mk_instance_active;
}

void mk_platform_init(void);
void mk_early_exception(int trapnr, unsigned long ip);
bool mk_may_map(phys_addr_t pa, unsigned long size);
bool mk_shorthand_forbidden(void);
int mk_numa_init(void);
unsigned int mk_kexec_setup_size(void);
int mk_kexec_setup(const struct kimage *image, struct boot_params *params,
		   unsigned long params_pa, unsigned int off);

#else /* !CONFIG_MULTIKERNEL */

static inline bool mk_is_instance(void)
{
	return false;
}

static inline void mk_platform_init(void) { }
static inline void mk_early_exception(int trapnr, unsigned long ip) { }

static inline bool mk_may_map(phys_addr_t pa, unsigned long size)
{
	return true;
}

static inline bool mk_shorthand_forbidden(void)
{
	return false;
}

static inline int mk_numa_init(void)
{
	return -ENODEV;
}

static inline unsigned int mk_kexec_setup_size(void)
{
	return 0;
}

static inline int mk_kexec_setup(const struct kimage *image, struct boot_params *params,
				 unsigned long params_pa, unsigned int off)
{
	return 0;
}

#endif /* CONFIG_MULTIKERNEL */

#endif /* _ASM_X86_MULTIKERNEL_H */
