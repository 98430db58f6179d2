/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What mkctl and the selftests need of the kernel's user ABI, for machines
 * whose installed headers are older than the kernel that they run.
 */
#ifndef MK_UAPI_H
#define MK_UAPI_H

#include <linux/kexec.h>
#include <linux/reboot.h>

/* kexec_file_load(): the image is for an instance, whose id is in bits 16..26 */
#ifndef KEXEC_FILE_MULTIKERNEL
#define KEXEC_FILE_MULTIKERNEL		0x00000040
#define KEXEC_FILE_MULTIKERNEL_ID(id)	((unsigned long)(id) << 16)
#endif

/* kexec_load(): likewise, the id is in bits 5..15 */
#ifndef KEXEC_MULTIKERNEL
#define KEXEC_MULTIKERNEL		0x00000010
#define KEXEC_MULTIKERNEL_ID(id)	((unsigned long)(id) << 5)
#endif

/* reboot(): starts the instance whose id is the fourth argument */
#ifndef LINUX_REBOOT_CMD_MULTIKERNEL
#define LINUX_REBOOT_CMD_MULTIKERNEL	0x4d4b4558
#endif

/* Ids of instances; 0 stands for the host. In <linux/multikernel.h>, too. */
#ifndef MULTIKERNEL_ID_MAX
#define MULTIKERNEL_ID_MIN		1
#define MULTIKERNEL_ID_MAX		2047
#endif

#endif /* MK_UAPI_H */
