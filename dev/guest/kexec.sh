#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kexec -e and KHO work as before: the machine's kernel is replaced by itself,
# with what the kernel's own KHO test (lib/test_kho.c) preserves, alone or, with
# "test.beside" on the command line, while an instance runs. What the next
# kernel is, it says here too: this script is its command as well.

. ./lib.sh
. ./next-lib.sh

mkdir -p "$MK_TMP"
dmesg=$(dmesg)

check()
{
	local title status

	title=$(echo "$1" | tr _ ' ')
	# Not as a condition, in which set -e would mean nothing
	( set -e; "$1" )
	status=$?
	if [ $status -eq 0 ]; then
		echo "ok $2 $title"
	else
		echo "not ok $2 $title"
	fi
}

kho_has_saved()
{
	is "$(cat /sys/kernel/kexec_loaded)" 0 kexec_loaded
	if printf '%s\n' "$dmesg" | grep -q 'KHO restore'; then
		note 'there is something to restore already'
		return 1
	fi
	ok grep -qw kho=on /proc/cmdline
}

an_instance_runs()
{
	mk_boot web "$(last_cpus 2)"
	ok mkctl ping web -c 10
}

the_next_kernel_is_loaded()
{
	is "$(next_load /boot/bzImage './kexec.sh next')" OK load
}

kho_has_restored()
{
	has "$dmesg" 'KHO restore succeeded' 'log of the next kernel'
}

all_cpus_are_online()
{
	is "$(cat "$MK_CPUS/online")" "$(cat "$MK_CPUS/present")" 'CPUs online'
}

beside=$(grep -cw test.beside /proc/cmdline)
if [ "${1:-first}" = first ]; then
	echo 'TAP version 13'
	echo "1..6"
	check kho_has_saved 1
	if [ "$beside" = 1 ]; then
		check an_instance_runs 2
	else
		echo 'ok 2 no instance runs'
	fi
	check the_next_kernel_is_loaded 3
	mkprobe kexec
	echo 'not ok 4 there is a next kernel'
	exit 1
fi
check kho_has_restored 4
check all_cpus_are_online 5
check an_instance_runs 6
