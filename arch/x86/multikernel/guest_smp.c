// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: x86: CPUs of an instance start without real mode
 *
 * All CPUs of an instance are in 64-bit mode when its kernel begins: the first
 * runs it, the others are parked by the host's code, see
 * include/linux/multikernel/abi/x86.h.  To start one, its slot gets the address
 * of secondary_startup_64 and page tables that map both this kernel and the park
 * code.  So this kernel needs no memory below 1 MiB, no trampoline of its own
 * (a real_mode_header stands in for generic code that wants to know where one is),
 * and works wherever KASLR puts it.
 *
 * A CPU that goes offline here parks again, and can be started again.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/multikernel.h>
#include <linux/multikernel/abi/x86.h>
#include <linux/panic.h>
#include <linux/pgtable.h>
#include <linux/sched/hotplug.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/realmode.h>
#include <asm/reboot.h>
#include <asm/x86_init.h>

#include "../../../kernel/multikernel/internal.h"
#include "../../../kernel/multikernel/guest.h"
#include "start.h"
#include "x86.h"

/* Our own code parks within microseconds; see MK_CPU_TIMEOUT_US for the bound */
#define MK_SLOT_TIMEOUT_US	2000000

static struct real_mode_header mk_no_real_mode;

/*
 * Page tables under which a CPU comes from and goes to the park code: this kernel
 * in the upper half, and the one page of the park code at its own address.
 */
static struct {
	pgd_t pgd[PTRS_PER_PGD];
	u64 p4d[512];
	u64 pud[512];
	u64 pmd[512];
	u64 pte[512];
} mk_wake __aligned(PAGE_SIZE);

static u64 mk_wake_link(u64 *table)
{
	return __pa_symbol(table) | _PAGE_PRESENT | _PAGE_RW;
}

static void mk_wake_map(u64 pa)
{
	u64 top = pgtable_l5_enabled() ? mk_wake_link(mk_wake.p4d) :
					 mk_wake_link(mk_wake.pud);

	mk_wake.pte[(pa >> PAGE_SHIFT) & 511] = pa | _PAGE_PRESENT;
	mk_wake.pmd[(pa >> PMD_SHIFT) & 511] = mk_wake_link(mk_wake.pte);
	mk_wake.pud[(pa >> PUD_SHIFT) & 511] = mk_wake_link(mk_wake.pmd);
	mk_wake.p4d[(pa >> 39) & 511] = mk_wake_link(mk_wake.pud);
	mk_wake.pgd[pgd_index(pa)] = __pgd(top);
	clone_pgd_range(mk_wake.pgd + KERNEL_PGD_BOUNDARY,
			swapper_pg_dir + KERNEL_PGD_BOUNDARY, KERNEL_PGD_PTRS);
}

static int mk_slot_index(u32 apicid)
{
	const struct mk_boot_block *block = mk_guest_block();
	const struct mk_boot_cpu *cpus = mk_guest_shared() + block->cpus_off;
	unsigned int i;

	for (i = 0; i < block->nr_cpus + block->nr_spare; i++)
		if (READ_ONCE(cpus[i].phys_id) == apicid)
			return i;
	return -ENODEV;
}

static int mk_slot_wait(const u32 *word, u32 want)
{
	unsigned int us;

	for (us = 0; us < MK_SLOT_TIMEOUT_US; us++) {
		if (READ_ONCE(*word) == want)
			return 0;
		udelay(1);
	}
	return -ETIMEDOUT;
}

static int mk_wakeup_cpu(u32 apicid, unsigned long start_ip, unsigned int cpu)
{
	const struct mk_boot_block *block = mk_guest_block();
	struct mk_park_slot *slot = mk_guest_shared() + block->x86.slots_off;
	int i = mk_slot_index(apicid);

	if (i < 0)
		return i;
	slot += i;
	if (mk_slot_wait(&slot->state, MK_PARK_PARKED))
		return -ETIMEDOUT;

	mk_wake_map(block->x86.park_entry_pa);
	slot->cr3 = __pa_symbol(mk_wake.pgd);
	slot->entry = (unsigned long)secondary_startup_64_no_verify;
	slot->arg = 0;
	/* The parked CPU reads the rest after it has seen the command */
	smp_store_release(&slot->cmd, MK_PARK_RUN);
	/* Writing the ICR of an x2APIC serializes nothing: the command goes first */
	mb();
	scoped_guard(preempt) {
		apic_icr_write(APIC_DM_NMI, apicid);
		safe_apic_wait_icr_idle();
	}
	return mk_slot_wait(&slot->cmd, 0);
}

#ifdef CONFIG_HOTPLUG_CPU
static void mk_play_dead(void)
{
	const struct mk_boot_block *block = mk_guest_block();
	u32 apicid = per_cpu(x86_cpu_to_apicid, smp_processor_id());
	u64 slots_pa = mk_guest_shared_pa() + block->x86.slots_off;
	int i = mk_slot_index(apicid);

	play_dead_common();
	if (i >= 0)
		mk_park_this_cpu(slots_pa + i * MK_PARK_SLOT_SIZE,
				 block->x86.park_cr3, block->x86.park_entry_pa,
				 __pa_symbol(mk_wake.pgd));
	hlt_play_dead();
}
#endif

static void (*mk_stop_native)(int wait) __ro_after_init;

static void mk_dump_cpu(int cpu, struct pt_regs *regs)
{
	mk_guest_dump_cpu(regs);
}

/*
 * In a panic as kdump does it, so that the others keep their registers.  The host takes
 * them away when it hears of the panic; until then they halt.
 */
static void mk_stop_other_cpus(int wait)
{
	if (IS_ENABLED(CONFIG_CRASH_DUMP) && panic_in_progress())
		nmi_shootdown_cpus(mk_dump_cpu);
	else
		mk_stop_native(wait);
}

/**
 * mk_arch_add_cpu() - see kernel/multikernel/internal.h
 * @phys_id: its APIC id
 *
 * As ACPI does when a processor is plugged in: drivers/acpi/acpi_processor.c.
 *
 * Return: its logical number, or a negative errno.
 */
int mk_arch_add_cpu(u32 phys_id)
{
	int cpu, ret;

	cpu_maps_update_begin();
	cpus_write_lock();
	cpu = topology_hotplug_apic(phys_id, CPU_ACPIID_INVALID);
	if (cpu >= 0)
		mk_numa_add_cpu(cpu, phys_id);
	ret = cpu < 0 ? cpu : arch_register_cpu(cpu);
	if (ret && cpu >= 0)
		topology_hotunplug_apic(cpu);
	cpus_write_unlock();
	cpu_maps_update_done();
	return ret ?: cpu;
}

/**
 * mk_arch_del_cpu() - see kernel/multikernel/internal.h
 * @cpu: logical number
 */
void mk_arch_del_cpu(unsigned int cpu)
{
	cpu_maps_update_begin();
	cpus_write_lock();
	arch_unregister_cpu(cpu);
	topology_hotunplug_apic(cpu);
	cpus_write_unlock();
	cpu_maps_update_done();
}

/**
 * mk_guest_smp_init() - start CPUs by their park slots
 * @block: the boot block
 *
 * Return: 0, or -EOPNOTSUPP if the host's CPUs are not parked as we know it.
 */
int __init mk_guest_smp_init(const struct mk_boot_block *block)
{
	if (!(block->features & MK_BOOT_F_X86_PARK))
		return -EOPNOTSUPP;
	real_mode_header = &mk_no_real_mode;
	/* One after the other: the slots' owners are known by their APIC ids */
	x86_cpuinit.parallel_bringup = false;
	apic_update_callback(wakeup_secondary_cpu_64, mk_wakeup_cpu);
	mk_stop_native = smp_ops.stop_other_cpus;
	smp_ops.stop_other_cpus = mk_stop_other_cpus;
#ifdef CONFIG_HOTPLUG_CPU
	smp_ops.play_dead = mk_play_dead;
#endif
	return 0;
}
