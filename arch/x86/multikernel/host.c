// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: x86: the host starts and stops CPUs
 *
 * Any CPU but the machine's boot CPU can be taken from whatever it runs by INIT
 * and sent to real-mode code below 1 MiB by a startup IPI (Intel SDM volume 3,
 * section "MP Initialization").  One page there is ours; it holds a copy of the
 * trampoline of start.S, used for one CPU at a time.
 *
 * To start an instance, all its CPUs go through the trampoline to the park code
 * in the shared area and report there.  Then the first is sent into the kernel
 * under page tables that map the memory of the instance and the shared area,
 * and nothing else.
 *
 * To stop a CPU it is sent to the trampoline, which acknowledges and halts.  The
 * acknowledgment is the proof that nothing else runs there any more.
 *
 * Locking
 * -------
 *
 * mk_trampoline_lock protects the page below 1 MiB.
 * Lock order: mk_instance.lock -> mk_trampoline_lock.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <kunit/static_stub.h>
#include <linux/cc_platform.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kexec.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/multikernel/abi/x86.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <asm/apic.h>
#include <asm/desc_defs.h>
#include <asm/msr.h>
#include <asm/reboot.h>
#include <asm/trapnr.h>
#include <asm/tsc.h>

#include "../../../kernel/multikernel/internal.h"
#include "lowmem.h"
#include "pgtable.h"
#include "start.h"
#include "x86.h"

/*
 * A CPU is in the trampoline microseconds after its startup IPI.  The bound is
 * for emulators and busy hypervisors, which may not run it for a while.
 */
#define MK_CPU_TIMEOUT_US	2000000

/* Between the steps of INIT and SIPI; as arch/x86/kernel/smpboot.c of old, 10 us */
#define MK_ICR_GAP_US		10

static DEFINE_MUTEX(mk_trampoline_lock);
static void *mk_trampoline_page;

static struct mk_trampoline_data *mk_tr_data(void)
{
	return mk_trampoline_page + (mk_trampoline_data - mk_trampoline);
}

static void mk_trampoline_install(void)
{
	struct mk_trampoline_data *data = mk_tr_data();
	u32 pa = __pa(mk_trampoline_page);

	memcpy(mk_trampoline_page, mk_trampoline, mk_trampoline_end - mk_trampoline);
	data->gdt_limit = 4 * 8 - 1;
	data->gdt_base = pa + (mk_trampoline_gdt - mk_trampoline);
	data->far_off = pa + (mk_trampoline_64 - mk_trampoline);
	data->far_sel = 0x10;
}

/* A panic that goes to a crash kernel calls no notifiers before */
#ifdef CONFIG_CRASH_DUMP
static void (*mk_native_crash_shutdown)(struct pt_regs *regs) __ro_after_init;

static void mk_crash_shutdown(struct pt_regs *regs)
{
	mk_power_crash();
	mk_native_crash_shutdown(regs);
}

static void __init mk_crash_init(void)
{
	mk_native_crash_shutdown = machine_ops.crash_shutdown;
	machine_ops.crash_shutdown = mk_crash_shutdown;
}
#else
static void __init mk_crash_init(void) {}
#endif

/**
 * mk_arch_host_init() - see kernel/multikernel/internal.h
 *
 * Return: 0; -ENODEV without a local APIC, TSC or NX, with encrypted memory or
 * under Xen PV; -ENOMEM without a page below 1 MiB; -EBUSY if the doorbell's vector is taken.
 */
int __init mk_arch_host_init(void)
{
	BUILD_BUG_ON(sizeof(struct mk_trampoline_data) > 64);
	BUILD_BUG_ON(offsetof(struct mk_trampoline_data, ack) != MK_TR_ACK);
	BUILD_BUG_ON(offsetof(struct mk_trampoline_data, mode) != MK_TR_MODE);
	BUILD_BUG_ON(offsetof(struct mk_trampoline_data, cr3) != MK_TR_CR3);
	BUILD_BUG_ON(offsetof(struct mk_trampoline_data, cr4) != MK_TR_CR4);
	BUILD_BUG_ON(offsetof(struct mk_trampoline_data, far_off) != MK_TR_FAR);
	BUILD_BUG_ON(offsetof(struct mk_trampoline_data, slot) != MK_TR_SLOT);
	BUILD_BUG_ON(offsetof(struct mk_trampoline_data, park_entry) !=
		     MK_TR_PARK_ENTRY);
	BUILD_BUG_ON(sizeof(struct mk_park_slot) != MK_PARK_SLOT_SIZE);

	if (!boot_cpu_has(X86_FEATURE_APIC) || !tsc_khz ||
	    !boot_cpu_has(X86_FEATURE_NX))
		return -ENODEV;
	/*
	 * What a started CPU reads before it has page tables of its own is written
	 * as plain text here; and under Xen PV there is no INIT.
	 */
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT) || cpu_feature_enabled(X86_FEATURE_XENPV))
		return -ENODEV;
	mk_low_init();
	mk_trampoline_page = mk_low_alloc(1);
	if (!mk_trampoline_page)
		return -ENOMEM;
	mk_trampoline_install();
	mk_crash_init();
	mk_ipi_allow();
	return mk_ipi_init();
}

/**
 * mk_arch_cpu_may_leave() - see kernel/multikernel/internal.h
 * @cpu: logical number of an online CPU
 *
 * Return: 0, -EBUSY, -EOPNOTSUPP, or an error of the MSR access.
 */
int mk_arch_cpu_may_leave(unsigned int cpu)
{
	u64 base;
	int ret;

	if (apic->dest_mode_logical)
		return mk_fail(-EOPNOTSUPP,
			       "interrupts go by logical destination here; boot with x2apic_phys");
	/* INIT would send the machine's boot CPU to the firmware's reset vector */
	ret = rdmsrq_on_cpu(cpu, MSR_IA32_APICBASE, &base);
	if (ret)
		return ret;
	if (!cpu || base & MSR_IA32_APICBASE_BSP)
		return mk_fail(-EBUSY, "CPU %u is the boot CPU and never leaves the host",
			       cpu);
	return 0;
}

static void mk_send_init(u32 apicid)
{
	apic_icr_write(APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT, apicid);
	safe_apic_wait_icr_idle();
	udelay(MK_ICR_GAP_US);
	apic_icr_write(APIC_INT_LEVELTRIG | APIC_DM_INIT, apicid);
	safe_apic_wait_icr_idle();
}

static void mk_send_startup(u32 apicid)
{
	apic_icr_write(APIC_DM_STARTUP | (__pa(mk_trampoline_page) >> 12), apicid);
	safe_apic_wait_icr_idle();
	udelay(MK_ICR_GAP_US);
}

static int mk_wait_word(const u32 *word, u32 want)
{
	ktime_t deadline = ktime_add_us(ktime_get(), MK_CPU_TIMEOUT_US);

	while (READ_ONCE(*word) != want) {
		if (ktime_after(ktime_get(), deadline))
			return -ETIMEDOUT;
		usleep_range(20, 100);
	}
	return 0;
}

/*
 * A CPU that comes late must not answer for the next: it finds the page that was
 * there when it was sent, which is not used again.
 */
static void mk_trampoline_replace(void)
{
	void *page = mk_low_alloc(1);

	if (!page) {
		pr_err("no page below 1 MiB is left for another trampoline\n");
		return;
	}
	WRITE_ONCE(mk_trampoline_page, page);
	mk_trampoline_install();
}

/* Send a CPU to the trampoline; data->mode says what it does there */
static int mk_kick_cpu(unsigned int cpu)
{
	struct mk_trampoline_data *data = mk_tr_data();
	u32 apicid = mk_arch_phys_id(cpu);
	int ret;

	lockdep_assert_held(&mk_trampoline_lock);
	WRITE_ONCE(data->ack, 0);
	/* The CPU reads mode and ack; an x2APIC's ICR write orders nothing itself */
	mb();
	scoped_guard(preempt) {
		mk_send_init(apicid);
		mk_send_startup(apicid);
	}
	ret = mk_wait_word(&data->ack, 1);
	if (ret)
		mk_trampoline_replace();
	return ret;
}

/**
 * mk_arch_stop_cpu() - see kernel/multikernel/internal.h
 * @cpu: logical number
 *
 * Return: 0 or -ETIMEDOUT.
 */
int mk_arch_stop_cpu(unsigned int cpu)
{
	int ret;

	guard(mutex)(&mk_trampoline_lock);
	mk_tr_data()->mode = MK_TR_HALT;
	ret = mk_kick_cpu(cpu);
	if (ret)
		return ret;
	/* An NMI would wake it from its halt; now it waits for a startup IPI alone */
	guard(preempt)();
	mk_send_init(mk_arch_phys_id(cpu));
	return 0;
}

/**
 * mk_arch_crash_stop() - see kernel/multikernel/internal.h
 */
void mk_arch_crash_stop(void)
{
	unsigned int cpu;

	for_each_present_cpu(cpu)
		if (mk_ledger_cpu_owner(cpu) != MK_OWNER_HOST)
			mk_send_init(mk_arch_phys_id(cpu));
}

static u64 mk_park_pa(struct mk_instance *inst)
{
	return inst->shared.pa + 2 * PAGE_SIZE;
}

static void mk_park_gate(gate_desc *gate, u64 handler)
{
	*gate = (gate_desc){
		.offset_low = handler & 0xffff,
		.segment = 0x10,
		.bits = { .type = GATE_INTERRUPT, .p = 1 },
		.offset_middle = (handler >> 16) & 0xffff,
		.offset_high = handler >> 32,
	};
}

static void mk_park_install(struct mk_instance *inst)
{
	void *page = inst->shared.va + 2 * PAGE_SIZE;
	gate_desc *idt = page + (mk_park_idt - mk_park);
	u64 pa = mk_park_pa(inst);
	unsigned int i;

	memcpy(page, mk_park, mk_park_end - mk_park);
	*(u64 *)(page + (mk_park_gdt_ptr - mk_park) + 2) = pa + (mk_park_gdt - mk_park);
	*(u64 *)(page + (mk_park_idt_ptr - mk_park) + 2) = pa + (mk_park_idt - mk_park);
	for (i = 0; i < MK_PARK_VECTORS; i++)
		mk_park_gate(&idt[i], pa + (mk_park_fault - mk_park));
	mk_park_gate(&idt[X86_TRAP_NMI], pa + (mk_park_nmi - mk_park));
}

/* Trampoline and park code can be executed, the slots written; nothing both */
static int mk_map_park(struct mk_instance *inst, struct mk_x86_start *start,
		       const struct mk_boot_block *block)
{
	struct mk_pgt *pgt = &start->park;
	u64 slots = PAGE_ALIGN(inst->nr_slots * MK_PARK_SLOT_SIZE);

	return mk_pgt_map(pgt, __pa(start->trampoline), PAGE_SIZE, 0) ?:
	       mk_pgt_map(pgt, mk_park_pa(inst), PAGE_SIZE, 0) ?:
	       mk_pgt_map(pgt, inst->shared.pa + block->x86.slots_off, slots,
			  _PAGE_RW | _PAGE_NX);
}

/*
 * What the 64-bit boot protocol wants: the kernel, its parameters and its memory
 * at their own addresses.  The decompressor also looks at the top level of the
 * tables that it finds, and then leaves them.
 */
static int mk_map_entry(struct mk_instance *inst, struct mk_pgt *pgt)
{
	u64 shared = inst->shared.pa;
	unsigned int i;
	int ret;

	ret = mk_pgt_map(pgt, shared, 2 * PAGE_SIZE, _PAGE_RW | _PAGE_NX) ?:
	      mk_pgt_map(pgt, shared + 2 * PAGE_SIZE, PAGE_SIZE, 0) ?:
	      mk_pgt_map(pgt, shared + 3 * PAGE_SIZE,
			 inst->shared.size - 3 * PAGE_SIZE, _PAGE_RW | _PAGE_NX) ?:
	      mk_pgt_map(pgt, __pa(pgt->root), PAGE_SIZE, _PAGE_NX);
	for (i = 0; i < inst->mem.nr && !ret; i++)
		ret = mk_pgt_map(pgt, page_to_phys(inst->mem.range[i].page),
				 (u64)inst->mem.range[i].nr * PAGE_SIZE, _PAGE_RW);
	return ret;
}

static void mk_fill_block(struct mk_instance *inst, struct mk_x86_start *start,
			  struct mk_boot_block *block)
{
	start->slots_off = block->x86.slots_off;
	block->features |= MK_BOOT_F_X86_PARK;
	block->x86.park_entry_pa = mk_park_pa(inst);
	block->x86.park_cr3 = __pa(start->park.root);
	block->x86.tsc_khz = tsc_khz;
	block->x86.apic_khz = div_u64((u64)lapic_timer_period * HZ, 1000);
	/* One moment: a preemption in between would put the instance's clock back */
	scoped_guard(irqsave) {
		block->wall_ns = ktime_get_real_ns();
		block->wall_tsc = rdtsc_ordered();
	}
}

/**
 * mk_arch_prepare() - see kernel/multikernel/internal.h
 * @inst: the instance
 * @block: the boot block, to be completed
 *
 * Return: 0, -ENOMEM, -EFAULT, -EOPNOTSUPP without a clock.
 */
int mk_arch_prepare(struct mk_instance *inst, struct mk_boot_block *block)
{
	unsigned int levels = mk_bzimage_wants_la57(inst) ? 5 : 4;
	struct mk_x86_start *start;
	int ret;

	if (check_tsc_unstable())
		return mk_fail(-EOPNOTSUPP,
			       "the TSC of this machine is unstable, and an instance has no other clock");
	start = kzalloc_obj(*start);
	if (!start)
		return -ENOMEM;
	inst->arch = start;
	if (inst->firmware == MK_FIRMWARE_ACPI) {
		start->low = mk_low_alloc(MK_LOW_SLICE_PAGES);
		if (!start->low) {
			mk_arch_release(inst);
			return mk_fail(-ENOMEM,
				       "no memory below 1 MiB is left for a kernel that needs it");
		}
	}
	start->trampoline = READ_ONCE(mk_trampoline_page);
	ret = mk_bzimage_complete(inst, block) ?:
	      mk_pgt_init(&start->park, levels) ?:
	      mk_pgt_init(&start->entry, levels) ?:
	      mk_map_park(inst, start, block) ?:
	      mk_map_entry(inst, &start->entry);
	if (ret) {
		mk_arch_release(inst);
		return ret;
	}
	mk_park_install(inst);
	mk_acpi_build(inst->shared.va + mk_boot_tables_off(block),
		      inst->shared.pa + mk_boot_tables_off(block),
		      inst->shared.va + block->cpus_off, block->nr_cpus);
	mk_fill_block(inst, start, block);
	return 0;
}

/**
 * mk_arch_update() - see kernel/multikernel/internal.h
 * @inst: the instance
 * @block: the boot block, to be completed
 *
 * The page tables are those of its start: everything lies where it lay.
 */
void mk_arch_update(struct mk_instance *inst, struct mk_boot_block *block)
{
	mk_park_install(inst);
	mk_fill_block(inst, inst->arch, block);
}

/**
 * mk_arch_release() - see kernel/multikernel/internal.h
 * @inst: the instance
 */
void mk_arch_release(struct mk_instance *inst)
{
	struct mk_x86_start *start = inst->arch;

	if (!start)
		return;
	mk_pgt_free(&start->park);
	mk_pgt_free(&start->entry);
	mk_low_free(start->low, MK_LOW_SLICE_PAGES);
	kfree(start);
	inst->arch = NULL;
}

/* By what the host knows: the boot block is in the instance's hands */
static u64 mk_slot_pa(struct mk_instance *inst, unsigned int i)
{
	struct mk_x86_start *start = inst->arch;

	return inst->shared.pa + start->slots_off + i * MK_PARK_SLOT_SIZE;
}

static struct mk_park_slot *mk_slot(struct mk_instance *inst, unsigned int i)
{
	return inst->shared.va + (mk_slot_pa(inst, i) - inst->shared.pa);
}

static int mk_park_one(struct mk_instance *inst, unsigned int cpu)
{
	struct mk_trampoline_data *data = mk_tr_data();
	struct mk_x86_start *start = inst->arch;
	int i = mk_instance_slot(inst, cpu);
	int ret;

	lockdep_assert_held(&mk_trampoline_lock);
	if (WARN_ON(i < 0))
		return i;
	data->mode = MK_TR_PARK;
	data->cr3 = __pa(start->park.root);
	data->cr4 = X86_CR4_PAE | (start->park.levels == 5 ? X86_CR4_LA57 : 0);
	data->park_entry = mk_park_pa(inst);
	data->slot = mk_slot_pa(inst, i);
	/* What a life before has left there */
	WRITE_ONCE(mk_slot(inst, i)->cmd, 0);
	WRITE_ONCE(mk_slot(inst, i)->state, 0);
	ret = mk_kick_cpu(cpu) ?: mk_wait_word(&mk_slot(inst, i)->state, MK_PARK_PARKED);
	if (ret)
		pr_err("CPU %u did not reach the park code\n", cpu);
	return ret;
}

static int mk_park_cpus(struct mk_instance *inst)
{
	struct mk_x86_start *start = inst->arch;
	unsigned int cpu;
	int ret;

	guard(mutex)(&mk_trampoline_lock);
	/* Replaced since the page tables were made */
	if (start->trampoline != mk_trampoline_page)
		return -EAGAIN;
	for_each_cpu(cpu, inst->cpus) {
		ret = mk_park_one(inst, cpu);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * mk_arch_nmi() - see kernel/multikernel/internal.h
 * @cpu: logical number
 */
void mk_arch_nmi(unsigned int cpu)
{
	guard(preempt)();
	/* Writing the ICR of an x2APIC serializes nothing: what it is about goes first */
	mb();
	apic_icr_write(APIC_DM_NMI, mk_arch_phys_id(cpu));
	safe_apic_wait_icr_idle();
}

/**
 * mk_arch_park_cpu() - see kernel/multikernel/internal.h
 * @inst: the instance
 * @cpu: logical number
 *
 * Return: 0, -ETIMEDOUT, -ENOMEM.
 */
int mk_arch_park_cpu(struct mk_instance *inst, unsigned int cpu)
{
	struct mk_x86_start *start = inst->arch;
	int ret;

	KUNIT_STATIC_STUB_REDIRECT(mk_arch_park_cpu, inst, cpu);
	guard(mutex)(&mk_trampoline_lock);
	if (start->trampoline != mk_trampoline_page) {
		ret = mk_pgt_map(&start->park, __pa(mk_trampoline_page), PAGE_SIZE, 0);
		if (ret)
			return ret;
		start->trampoline = mk_trampoline_page;
	}
	return mk_park_one(inst, cpu);
}

/**
 * mk_arch_start() - see kernel/multikernel/internal.h
 * @inst: the instance
 *
 * Return: 0, -ETIMEDOUT, or -EAGAIN if it can be tried again.
 */
int mk_arch_start(struct mk_instance *inst)
{
	struct mk_park_slot *slot = mk_slot(inst, 0);
	struct mk_x86_start *start = inst->arch;
	u32 apicid = mk_arch_phys_id(cpumask_first(inst->cpus));
	int ret;

	ret = mk_park_cpus(inst);
	if (ret)
		return ret;

	slot->cr3 = __pa(start->entry.root);
	slot->entry = inst->image->start;
	slot->arg = inst->image->segment[0].mem;
	/* The parked CPU reads the rest after it has seen the command */
	smp_store_release(&slot->cmd, MK_PARK_RUN);
	/* Writing the ICR of an x2APIC serializes nothing: the command goes first */
	mb();
	scoped_guard(preempt) {
		apic_icr_write(APIC_DM_NMI, apicid);
		safe_apic_wait_icr_idle();
	}
	return mk_wait_word(&slot->cmd, 0);
}
