# SPDX-License-Identifier: GPL-2.0
#
# The machine enters another kernel by kexec, and a test goes on there. Used after lib.sh.
#
# The archive of the next kernel's userspace has a command that goes on, the images, and then
# what every userspace here has.
#
# NEXT_KERNEL is the kernel, NEXT_FILES what the test wants there besides, from the
# directory in which it lies.

NEXT_KERNEL=${NEXT_KERNEL:-/boot/bzImage}
NEXT_FILES=${NEXT_FILES:-}

# next_load COMMAND: it is run in the directory of the tests, by the next kernel. Says OK
next_load()
{
	local file

	mkdir -p /next/vm /next/boot /next/selftests/multikernel
	for file in "$(basename "$0")" next-lib.sh $NEXT_FILES; do
		cp "$file" /next/selftests/multikernel || return
	done
	printf '#!/bin/sh\ncd /selftests/multikernel && exec %s\n' "$1" > /next/vm/command
	chmod 755 /next/vm/command
	cp /boot/bzImage /boot/initramfs.cpio.gz /next/boot
	(cd /next && find . | cpio -o -H newc 2> /dev/null) > /next.cpio
	cat /boot/initramfs.cpio.gz >> /next.cpio
	mkprobe file-load - "$NEXT_KERNEL" /next.cpio "$(cat /proc/cmdline)"
	rm -rf /next /next.cpio
}
