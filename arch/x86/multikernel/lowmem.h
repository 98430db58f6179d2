/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _X86_MULTIKERNEL_LOWMEM_H
#define _X86_MULTIKERNEL_LOWMEM_H

void mk_low_init(void);
void *mk_low_alloc(unsigned int nr);
void mk_low_free(void *va, unsigned int nr);

#endif /* _X86_MULTIKERNEL_LOWMEM_H */
