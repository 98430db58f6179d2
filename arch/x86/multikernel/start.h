/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _X86_MULTIKERNEL_START_H
#define _X86_MULTIKERNEL_START_H

/* The code of start.S is copied, so it knows the layout of these by offset */
#define MK_TR_ACK		8
#define MK_TR_MODE		12
#define MK_TR_CR3		16
#define MK_TR_CR4		20
#define MK_TR_FAR		24
#define MK_TR_SLOT		32
#define MK_TR_PARK_ENTRY	40

/* mk_trampoline_data.mode */
#define MK_TR_HALT		0
#define MK_TR_PARK		1

#define MK_PARK_VECTORS		32

#ifndef __ASSEMBLER__
#include <linux/types.h>

/**
 * struct mk_trampoline_data - what the host tells a CPU that it starts
 * @gdt_limit: for LGDT
 * @gdt_base: for LGDT, a physical address
 * @pad: zero
 * @ack: counted up by the CPU as its first act
 * @mode: MK_TR_HALT or MK_TR_PARK
 * @cr3: page tables below 4 GiB that map trampoline, park code and park slots
 * @cr4: PAE, and LA57 if those have five levels
 * @far_off: physical address of the trampoline's 64-bit part
 * @far_sel: its code segment
 * @pad2: zero
 * @slot: physical address of the CPU's park slot
 * @park_entry: physical address of the park code
 */
struct mk_trampoline_data {
	u16 gdt_limit;
	u32 gdt_base;
	u16 pad;
	u32 ack;
	u32 mode;
	u32 cr3;
	u32 cr4;
	u32 far_off;
	u16 far_sel;
	u16 pad2;
	u64 slot;
	u64 park_entry;
} __packed;

extern const char mk_trampoline[], mk_trampoline_end[];
extern const char mk_trampoline_64[], mk_trampoline_gdt[], mk_trampoline_data[];
extern const char mk_park[], mk_park_end[];
extern const char mk_park_nmi[], mk_park_fault[], mk_park_gdt[];
extern const char mk_park_gdt_ptr[], mk_park_idt_ptr[], mk_park_idt[];

void mk_park_this_cpu(u64 slot_pa, u64 park_cr3, u64 park_entry_pa, u64 wake_cr3);
#endif /* __ASSEMBLER__ */

#endif /* _X86_MULTIKERNEL_START_H */
