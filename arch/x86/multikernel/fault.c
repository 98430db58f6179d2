// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: x86: faults that only the architecture can make; see kernel/multikernel/fault.c
 */

#include <linux/compiler.h>
#include <linux/irqflags.h>
#include <linux/nmi.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/trapnr.h>

#include "../../../kernel/multikernel/internal.h"

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
