// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: guest_dump.c - an instance says where a reader of its memory begins
 *
 * The notes that the kernel prepares for kdump do not depend on how the memory is read
 * afterwards: VMCOREINFO, and for each CPU its registers.  The host is told where they
 * are, see vmcore.c.  The registers are those of a panic, or of the moment in which the host
 * asked by an NMI whether a CPU hangs.
 */

#include <linux/crash_core.h>
#include <linux/init.h>
#include <linux/kexec.h>
#include <linux/mm.h>
#include <linux/multikernel.h>
#include <linux/percpu.h>
#include <linux/vmcore_info.h>
#include <asm/multikernel.h>

#include "guest.h"
#include "internal.h"

/* Where the note of each CPU is: physical addresses */
static u64 mk_dump_notes[NR_CPUS];

/**
 * mk_guest_dump_cpu() - keep the registers of this CPU for a core file
 * @regs: registers
 *
 * Context: any, NMI included.
 */
void mk_guest_dump_cpu(struct pt_regs *regs)
{
	/* Allocated by a subsys_initcall */
	if (crash_notes)
		crash_save_cpu(regs, raw_smp_processor_id());
}

/* Its own frame is part of what is kept, and @regs is not in it */
static noinline void mk_dump_here(struct pt_regs *regs)
{
	crash_setup_regs(regs, NULL);
	mk_guest_dump_cpu(regs);
}

/**
 * mk_guest_dump_panic() - all that is to be kept of a panic
 *
 * The other CPUs have been stopped, and have kept their registers.
 *
 * Context: as a panic notifier.
 */
void mk_guest_dump_panic(void)
{
	struct pt_regs regs;

	mk_dump_here(&regs);
	crash_save_vmcoreinfo();
}

static int __init mk_guest_dump_init(void)
{
	struct mk_dump *dump;
	unsigned int cpu;

	if (!mk_is_instance() || !(mk_guest_link()->features & MK_BOOT_F_DUMP))
		return 0;
	dump = &mk_guest_link()->words->dump;
	if (crash_notes)
		for_each_possible_cpu(cpu)
			mk_dump_notes[cpu] = per_cpu_ptr_to_phys(per_cpu_ptr(crash_notes, cpu));
	WRITE_ONCE(dump->direct_map_va, (unsigned long)__va(0));
	WRITE_ONCE(dump->notes_pa, __pa_symbol(mk_dump_notes));
	WRITE_ONCE(dump->nr_notes, nr_cpu_ids);
	if (vmcoreinfo_note)
		WRITE_ONCE(dump->vmcoreinfo_pa, paddr_vmcoreinfo_note());
	return 0;
}

/* After crash_notes and vmcoreinfo_note */
fs_initcall(mk_guest_dump_init);
