#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The host panics, and an instance goes on: its kernel prints a line, again and
# again, straight to the port of the machine's second UART, where this script's
# output goes too. What comes after the panic is looked at outside.
#
# With "test.crash" on the command line the host jumps into a crash kernel, which
# says so here.

. /selftests/multikernel/lib.sh

mkdir -p "$MK_TMP"
set -e
mk_boot web "$(last_cpus 2)" '' 'earlycon=uart8250,io,0x2f8,115200 keep_bootcon quiet printk.devkmsg=on'
if grep -qw test.crash /proc/cmdline; then
	mkdir -p /next/vm
	printf '#!/bin/sh\necho "crash kernel up"; sleep 5\n' > /next/vm/command
	chmod 755 /next/vm/command
	(cd /next && find . | cpio -o -H newc 2> /dev/null) > /next.cpio
	cat /boot/initramfs.cpio.gz >> /next.cpio
	is "$(mkprobe file-load - /boot/bzImage /next.cpio \
		"console=ttyS0 nr_cpus=1 panic=-1" 2)" OK 'loading a crash kernel'
fi
mk_run web '(while :; do echo "<0>a sign of life" > /dev/kmsg; usleep 100000; done) &'
ok answers web
echo 15 > /proc/sys/kernel/panic
echo 'host panics'
# The boot CPU counts the seconds until the reset right; what others measured of
# their delay loops may be off on a machine that has other work
taskset -c 0 sh -c 'echo c > /proc/sysrq-trigger'
