/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Code that runs on a CPU between two kernels.
 *
 * mk_trampoline is copied to a page below 1 MiB, where a CPU begins after
 * INIT-SIPI, in real mode.  Its first act is to acknowledge: that proves to the
 * host that the CPU has left whatever it ran before.  Then it halts for good, or
 * goes straight from real mode to long mode and on to the park code.
 *
 * mk_park is copied to a page of the shared area.  See
 * include/linux/multikernel/abi/x86.h for what it promises.  It has an IDT of its
 * own: an NMI makes it look into its slot, anything else halts the CPU, so that
 * no event can make a parked CPU shut down the machine.
 *
 * Both are data for the kernel that copies them.
 */
#include <linux/linkage.h>
#include <linux/multikernel/abi/x86.h>
#include <asm/asm-offsets.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/processor-flags.h>
#include "start.h"

#define TR(sym)	((sym) - mk_trampoline)

	.section .rodata, "a"

	.code16
	.balign 16
SYM_DATA_START(mk_trampoline)
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	lock incl TR(mk_trampoline_data) + MK_TR_ACK
	cmpl	$MK_TR_PARK, TR(mk_trampoline_data) + MK_TR_MODE
	je	1f
0:	hlt
	jmp	0b

1:	lgdtl	TR(mk_trampoline_data)
	movl	TR(mk_trampoline_data) + MK_TR_CR4, %eax
	movl	%eax, %cr4
	movl	TR(mk_trampoline_data) + MK_TR_CR3, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	xorl	%edx, %edx
	movl	$(1 << _EFER_LME | 1 << _EFER_NX), %eax
	wrmsr
	/* Protection and paging at once: straight to long mode */
	movl	$CR0_STATE, %eax
	movl	%eax, %cr0
	ljmpl	*TR(mk_trampoline_data) + MK_TR_FAR

	.code64
SYM_INNER_LABEL(mk_trampoline_64, SYM_L_GLOBAL)
	movq	MK_TR_SLOT + .Ldata(%rip), %rdi
	movl	MK_TR_CR3 + .Ldata(%rip), %esi
	jmpq	*MK_TR_PARK_ENTRY + .Ldata(%rip)

	.balign 16
SYM_INNER_LABEL(mk_trampoline_gdt, SYM_L_GLOBAL)
	.quad	0
	.quad	0x00cf9b000000ffff	/* 0x08: 32-bit code */
	.quad	0x00af9b000000ffff	/* 0x10: 64-bit code */
	.quad	0x00cf93000000ffff	/* 0x18: data */

	.balign 16
SYM_INNER_LABEL(mk_trampoline_data, SYM_L_GLOBAL)
.Ldata:
	.fill	64, 1, 0
SYM_DATA_END_LABEL(mk_trampoline, SYM_L_GLOBAL, mk_trampoline_end)

	.balign 16
SYM_DATA_START(mk_park)
	/* RDI: physical address of the slot, RSI: page tables to park under */
	movq	%rsi, %cr3
	lgdt	.Lpark_gdt_ptr(%rip)
	lidt	.Lpark_idt_ptr(%rip)
	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	leaq	MK_PARK_SLOT_SIZE(%rdi), %rsp
	movl	$MK_PARK_PARKED, MK_PARK_STATE(%rdi)

	/*
	 * From the store above on an NMI may come at any instruction; its handler
	 * returns to .Llook, never here, so none is missed.
	 */
.Lhalt:	hlt
	jmp	.Lhalt

.Llook:	cmpl	$MK_PARK_RUN, MK_PARK_CMD(%rdi)
	jne	.Lhalt
	movq	MK_PARK_CR3(%rdi), %rax
	movq	MK_PARK_ENTRY(%rdi), %rcx
	movq	MK_PARK_ARG(%rdi), %rsi
	movl	$MK_PARK_RUNNING, MK_PARK_STATE(%rdi)
	movl	$0, MK_PARK_CMD(%rdi)
	movq	%rax, %cr3
	xorl	%eax, %eax
	xorl	%ebx, %ebx
	xorl	%edx, %edx
	xorl	%edi, %edi
	xorl	%ebp, %ebp
	jmpq	*%rcx

SYM_INNER_LABEL(mk_park_nmi, SYM_L_GLOBAL)
	leaq	.Llook(%rip), %rax
	movq	%rax, (%rsp)
	iretq

SYM_INNER_LABEL(mk_park_fault, SYM_L_GLOBAL)
	cli
	hlt
	jmp	mk_park_fault

	.balign 16
SYM_INNER_LABEL(mk_park_gdt, SYM_L_GLOBAL)
	.quad	0
	.quad	0x00cf9b000000ffff	/* 0x08: 32-bit code */
	.quad	0x00af9b000000ffff	/* 0x10: 64-bit code */
	.quad	0x00cf93000000ffff	/* 0x18: data */

SYM_INNER_LABEL(mk_park_gdt_ptr, SYM_L_GLOBAL)
.Lpark_gdt_ptr:
	.word	4 * 8 - 1
	.quad	0
SYM_INNER_LABEL(mk_park_idt_ptr, SYM_L_GLOBAL)
.Lpark_idt_ptr:
	.word	MK_PARK_VECTORS * 16 - 1
	.quad	0
	.balign 16
SYM_INNER_LABEL(mk_park_idt, SYM_L_GLOBAL)
	.fill	MK_PARK_VECTORS * 16, 1, 0
SYM_DATA_END_LABEL(mk_park, SYM_L_GLOBAL, mk_park_end)

/*
 * void mk_park_this_cpu(u64 slot_pa, u64 park_cr3, u64 park_entry_pa, u64 wake_cr3)
 *
 * Interrupts are off.  Does not return.  @wake_cr3 maps this kernel and the park
 * code.  CR4 keeps only what page tables and machine checks need: no PCID, so
 * that CR3 is an address; no CET, because the park code has no ENDBR.
 */
	.text
	.code64
SYM_FUNC_START(mk_park_this_cpu)
	movq	%cr4, %rax
	andq	$(X86_CR4_PAE | X86_CR4_LA57 | X86_CR4_MCE | X86_CR4_PSE), %rax
	movq	%rax, %cr4
	movq	%rcx, %cr3
	ANNOTATE_RETPOLINE_SAFE
	jmpq	*%rdx
SYM_FUNC_END(mk_park_this_cpu)
