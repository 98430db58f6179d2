// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: x86: faults that only the architecture can make; see kernel/multikernel/fault.c
 */

#include <linux/compiler.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/nmi.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/desc.h>
#include <asm/trapnr.h>

#include "../../../kernel/multikernel/internal.h"
#include "x86.h"

/* Of chipsets by Intel and others: the reset control register, and a hard reset in it */
#define RESET_PORT	0xcf9
#define RESET_HARD	0x06

static bool mk_fault_early_wanted __initdata;

static int __init mk_fault_early_setup(char *value)
{
	mk_fault_early_wanted = true;
	return 0;
}
early_param("multikernel_fault_early", mk_fault_early_setup);

/**
 * mk_fault_early() - go wrong in setup_arch(), if that is wanted
 */
void __init mk_fault_early(void)
{
	if (mk_fault_early_wanted)
		mk_arch_fault_bug();
}

static bool mk_fault_oops;
static unsigned int mk_fault_cpu;

static int mk_fault_nmi(unsigned int type, struct pt_regs *regs)
{
	int *nothing = NULL;

	if (raw_smp_processor_id() != READ_ONCE(mk_fault_cpu))
		return NMI_DONE;
	OPTIMIZER_HIDE_VAR(nothing);
	if (mk_fault_oops)
		WRITE_ONCE(*nothing, 1);
	/* There is always another one on its way */
	__apic_send_IPI(mk_fault_cpu, NMI_VECTOR);
	return NMI_HANDLED;
}

/**
 * mk_arch_fault_nmi() - see kernel/multikernel/internal.h
 * @oops: oops in the first one
 *
 * Return: 0 or a negative errno.
 */
int mk_arch_fault_nmi(bool oops)
{
	int ret;

	mk_fault_oops = oops;
	WRITE_ONCE(mk_fault_cpu, raw_smp_processor_id());
	ret = register_nmi_handler(NMI_LOCAL, mk_fault_nmi, 0, "mk-fault");
	if (!ret)
		__apic_send_IPI(mk_fault_cpu, NMI_VECTOR);
	return ret;
}

/**
 * mk_arch_fault_bug() - see kernel/multikernel/internal.h
 */
void mk_arch_fault_bug(void)
{
	/* Not the instruction itself, behind which objtool expects nothing */
	asm volatile("int %0" : : "i"(X86_TRAP_UD));
}

/**
 * mk_arch_fault_mce() - see kernel/multikernel/internal.h
 */
void mk_arch_fault_mce(void)
{
	asm volatile("int %0" : : "i"(X86_TRAP_MC));
}

/**
 * mk_arch_fault_triple() - see kernel/multikernel/internal.h
 */
void mk_arch_fault_triple(void)
{
	static const struct desc_ptr none = {};

	local_irq_disable();
	load_idt(&none);
	asm volatile("int3");
}

/**
 * mk_arch_fault_reset() - see kernel/multikernel/internal.h
 */
void mk_arch_fault_reset(void)
{
	outb(RESET_HARD, RESET_PORT);
}
