# SPDX-License-Identifier: GPL-2.0
#
# The machine enters another kernel by kexec, and a test goes on there. Used after lib.sh.
#
# The archive of the next kernel's userspace has a command that goes on, the images, and then
# what every userspace here has.

# next_load KERNEL COMMAND [FILE...]: it is run in the directory of the tests, by that kernel;
# the files are there too, from this directory. Says OK
next_load()
{
	local kernel=$1 command=$2 file

	shift 2
	mkdir -p /next/vm /next/boot /next/selftests/multikernel
	for file in "$(basename "$0")" next-lib.sh "$@"; do
		cp "$file" /next/selftests/multikernel || return
	done
	printf '#!/bin/sh\ncd /selftests/multikernel && exec %s\n' "$command" > /next/vm/command
	chmod 755 /next/vm/command
	: > /next/vm/next
	cp /boot/bzImage /boot/initramfs.cpio.gz /next/boot
	(cd /next && find . | cpio -o -H newc 2> /dev/null) > /next.cpio
	cat /boot/initramfs.cpio.gz >> /next.cpio
	mkprobe file-load - "$kernel" /next.cpio "$(cat /proc/cmdline)"
	rm -rf /next /next.cpio
}
