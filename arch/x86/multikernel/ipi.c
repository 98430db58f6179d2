// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: x86: doorbells and broadcasts
 *
 * A doorbell is a fixed interrupt with physical destination on
 * X86_PLATFORM_IPI_VECTOR.  That vector has an entry in every x86 kernel and a
 * callback that only SGI UV's RTC uses; where it is taken there are no instances.
 * Each side tells the other its vector, so that kernels of other versions may
 * use another one.
 *
 * Broadcasts with a destination shorthand reach every CPU of the machine, also
 * those of other kernels.  So they are off in an instance for good, and in the
 * host as long as any CPU is away: apic_smt_update() asks
 * mk_shorthand_forbidden().
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/bitfield.h>
#include <linux/cpu.h>
#include <linux/hardirq.h>
#include <linux/multikernel.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/barrier.h>
#include <asm/hw_irq.h>
#include <asm/irq_vectors.h>
#include <asm/multikernel.h>

#include "../../../kernel/multikernel/internal.h"
#include "x86.h"

static bool mk_ipi_allowed __ro_after_init;

/**
 * mk_ipi_init() - take the doorbell's vector
 *
 * Return: 0, or -EBUSY if it is in use.
 */
int __init mk_ipi_init(void)
{
	if (x86_platform_ipi_callback) {
		pr_warn("the platform IPI vector is in use\n");
		return -EBUSY;
	}
	x86_platform_ipi_callback = mk_link_doorbell;
	return 0;
}

/**
 * mk_ipi_allow() - the local APIC works: interrupts can be sent
 */
void __init mk_ipi_allow(void)
{
	mk_ipi_allowed = true;
}

/**
 * mk_arch_phys_id() - see kernel/multikernel/internal.h
 * @cpu: logical number
 *
 * Return: its APIC id.
 */
u32 mk_arch_phys_id(unsigned int cpu)
{
	return per_cpu(x86_cpu_to_apicid, cpu);
}

/**
 * mk_arch_bell() - see kernel/multikernel/internal.h
 * @cpu: logical number
 *
 * Return: its APIC id, and the vector.
 */
u64 mk_arch_bell(unsigned int cpu)
{
	return FIELD_PREP(MK_BELL_PHYS_ID, mk_arch_phys_id(cpu)) |
	       FIELD_PREP(MK_BELL_VECTOR, X86_PLATFORM_IPI_VECTOR);
}

/**
 * mk_arch_bell_ok() - see kernel/multikernel/internal.h
 * @bell: MK_BELL_*
 *
 * Return: true if the local APIC works, and it is no exception's vector.
 */
bool mk_arch_bell_ok(u64 bell)
{
	u64 vector = FIELD_GET(MK_BELL_VECTOR, bell);

	return mk_ipi_allowed && vector >= FIRST_EXTERNAL_VECTOR && vector < NR_VECTORS;
}

/**
 * mk_arch_ring() - see kernel/multikernel/internal.h
 * @bell: one that mk_arch_bell_ok() has let pass
 */
void mk_arch_ring(u64 bell)
{
	/* An xAPIC's ICR is two registers, and an NMI may come between them */
	bool nested = in_nmi() && !x2apic_mode;
	u32 high = nested ? apic_read(APIC_ICR2) : 0;

	lockdep_assert_preemption_disabled();
	/* What was written goes first: an x2APIC's ICR write orders nothing itself */
	weak_wrmsr_fence();
	safe_apic_wait_icr_idle();
	apic_icr_write(APIC_DEST_PHYSICAL | APIC_DM_FIXED | FIELD_GET(MK_BELL_VECTOR, bell),
		       FIELD_GET(MK_BELL_PHYS_ID, bell));
	if (unlikely(nested))
		apic_write(APIC_ICR2, high);
}

/**
 * mk_shorthand_forbidden() - would a broadcast hit another kernel?
 *
 * Return: true if this kernel must not use destination shorthands.
 */
bool mk_shorthand_forbidden(void)
{
	return mk_is_instance() || mk_ledger_cpus_away();
}

/**
 * mk_arch_refresh_ipis() - see kernel/multikernel/internal.h
 */
void mk_arch_refresh_ipis(void)
{
	/* As CPU hotplug does, so that the one who looks last also writes last */
	cpu_maps_update_begin();
	apic_smt_update();
	cpu_maps_update_done();
}
