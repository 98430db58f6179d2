/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_LINUX_MULTIKERNEL_H
#define _UAPI_LINUX_MULTIKERNEL_H

/*
 * What userspace needs to know of multikernel beyond the files under
 * /sys/fs/multikernel.  The flags of kexec_load(2) and kexec_file_load(2)
 * are in <linux/kexec.h>, the command of reboot(2) in <linux/reboot.h>.
 */

/* Magic number of the filesystem, as statfs(2) shows it: "MKFS" */
#define MULTIKERNEL_SUPER_MAGIC	0x4d4b4653

/*
 * Instance ids.  0 is the host.  Eleven bits, because the flags of
 * kexec_load(2) have no more to spare below the architecture field.
 */
#define MULTIKERNEL_ID_HOST	0
#define MULTIKERNEL_ID_MIN	1
#define MULTIKERNEL_ID_MAX	2047

/* Longest name of an instance, without the terminating NUL */
#define MULTIKERNEL_NAME_MAX	63

#endif /* _UAPI_LINUX_MULTIKERNEL_H */
