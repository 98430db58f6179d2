/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_MULTIKERNEL_ABI_X86_H
#define _LINUX_MULTIKERNEL_ABI_X86_H

/**
 * DOC: Parked CPUs on x86
 *
 * Every CPU of an instance waits in the park code until it is told where to go.
 * The park code and its page tables belong to the host and outlive each kernel
 * that runs in the instance.  A parked CPU halts with interrupts off; an NMI
 * makes it look into its slot.  To send it off: wait until @state is
 * MK_PARK_PARKED, fill @cr3, @entry and @arg, store MK_PARK_RUN to @cmd, send
 * one NMI.  It clears @cmd, loads @cr3, which must map the park code at its own
 * physical address, and jumps to @entry with @arg in RSI, in 64-bit mode with
 * CS 0x10 and the data segments 0x18, interrupts off, and no stack.
 *
 * To park: with interrupts off and page tables loaded that map the park code,
 * jump to mk_boot_x86.park_entry_pa with the slot's physical address in RDI
 * and mk_boot_x86.park_cr3 in RSI.
 */

#define MK_PARK_SLOT_SIZE	256

/* Offsets, for the assembler */
#define MK_PARK_CMD		0
#define MK_PARK_STATE		4
#define MK_PARK_CR3		8
#define MK_PARK_ENTRY		16
#define MK_PARK_ARG		24

/* mk_park_slot.cmd */
#define MK_PARK_RUN		1

/* mk_park_slot.state */
#define MK_PARK_PARKED		1
#define MK_PARK_RUNNING		2

#ifndef __ASSEMBLER__
#include <linux/types.h>

/**
 * struct mk_park_slot - mailbox and stack of one parked CPU
 * @cmd: MK_PARK_RUN, cleared by the CPU
 * @state: MK_PARK_PARKED or MK_PARK_RUNNING, written by the CPU
 * @cr3: page tables to load
 * @entry: where to jump to, an address under those page tables
 * @arg: goes into RSI
 * @stack: for the NMI frame
 */
struct mk_park_slot {
	__u32 cmd;
	__u32 state;
	__u64 cr3;
	__u64 entry;
	__u64 arg;
	__u8 stack[MK_PARK_SLOT_SIZE - 32];
};
#endif /* __ASSEMBLER__ */

#endif /* _LINUX_MULTIKERNEL_ABI_X86_H */
