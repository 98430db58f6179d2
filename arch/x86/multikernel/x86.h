/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _X86_MULTIKERNEL_X86_H
#define _X86_MULTIKERNEL_X86_H

#include <linux/types.h>

#include "pgtable.h"

/* acpi.c */
void mk_acpi_build(void *base, u64 pa, const struct mk_boot_cpu *cpus, u32 nr);

/*
 * A slice of low memory for an instance that starts its CPUs in real mode: its
 * trampoline takes up to 8 pages; twice that leaves room for later versions.
 */
#define MK_LOW_SLICE_PAGES	16

/**
 * struct mk_x86_start - what one start of an instance needs, in the host's memory
 * @park: page tables of the park code
 * @entry: page tables under which the kernel is entered
 * @low: slice of memory below 1 MiB, or NULL
 * @trampoline: what @park maps of ours there
 * @slots_off: offset of the park slots in the shared area
 */
struct mk_x86_start {
	struct mk_pgt park;
	struct mk_pgt entry;
	void *low;
	void *trampoline;
	u32 slots_off;
};

/* bzimage.c */
int mk_bzimage_complete(struct mk_instance *inst, const struct mk_boot_block *block);
bool mk_bzimage_has_la57(const struct boot_params *params, bool no5lvl);
bool mk_bzimage_wants_la57(struct mk_instance *inst);
bool mk_bzimage_knows_us(const void *kernel, size_t len);
u32 mk_bzimage_keeps(const void *kernel, size_t len);

/* keep.c */
#ifdef CONFIG_KEXEC_HANDOVER
void mk_next_loaded(const struct kimage *image);
#else
static inline void mk_next_loaded(const struct kimage *image) { }
#endif

/* ipi.c */
int mk_ipi_init(void);
void mk_ipi_allow(void);

/* guest_kexec.c */
void mk_kexec_memory(void);
void mk_kexec_shutdown(void);

/* guest_smp.c */
int mk_guest_smp_init(const struct mk_boot_block *block);

#ifdef CONFIG_MULTIKERNEL_BENCH
/* fault.c */
void mk_fault_early(void);
#else
static inline void mk_fault_early(void) { }
#endif

#ifdef CONFIG_NUMA
/* numa.c */
void mk_numa_add_cpu(unsigned int cpu, u32 phys_id);
#else
static inline void mk_numa_add_cpu(unsigned int cpu, u32 phys_id) { }
#endif

#endif /* _X86_MULTIKERNEL_X86_H */
