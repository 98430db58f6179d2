/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _X86_MULTIKERNEL_X86_H
#define _X86_MULTIKERNEL_X86_H

#include <linux/types.h>

/* bzimage.c */
int mk_bzimage_complete(struct mk_instance *inst);
bool mk_bzimage_wants_la57(struct mk_instance *inst);

/* ipi.c */
int mk_ipi_init(void);
void mk_ipi_allow(void);
u32 mk_ipi_phys_id(void);

/* guest_smp.c */
int mk_guest_smp_init(const struct mk_boot_block *block);

#endif /* _X86_MULTIKERNEL_X86_H */
