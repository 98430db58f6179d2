#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# makedumpfile(8) reads the vmcore of an instance while the host goes on, and crash(8) what
# has been made or copied of it: it wants more in one read than kernfs gives. MK_CRASH is a
# directory with both, MK_DWARF one with a bzImage for the instance and the vmlinux with debug
# information that belongs to it.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
CPUS=$(last_cpus 2) || :
CORE=$MK_FS/instances/web/vmcore
DUMP=$MK_TMP/dump
DIRECT=/sys/kernel/debug/provoke-crash/DIRECT

need_tools()
{
	[ -x "$MK_CRASH/crash" ] && [ -x "$MK_CRASH/makedumpfile" ] ||
		skip 'needs crash and makedumpfile in MK_CRASH'
	[ -r "$MK_DWARF/vmlinux" ] || skip 'needs a kernel with debug information in MK_DWARF'
}

# asks CORE COMMAND...: what crash says
asks()
{
	local core=$1

	shift
	printf '%s\n' 'set scroll off' "$@" q > "$MK_TMP/input"
	"$MK_CRASH/crash" -s --no_modules -i "$MK_TMP/input" "$MK_DWARF/vmlinux" "$core" \
		2>&1 < /dev/null ||
		echo "crash has ended with $?"
}

an_instance_panics()
{
	need_tools
	mk_create web "$CPUS" 256M
	is "$(put web heartbeat_ms 200)" OK 'heartbeat_ms'
	is "$(put web hang_ms 3000)" OK 'hang_ms'
	MK_KERNEL=$MK_DWARF/bzImage mk_load web
	mk_start web
	mk_login web
	mk_run web 'sleep 12345 & echo' > /dev/null
	mk_send web 'taskset -c 1 sh -c "echo c > /proc/sysrq-trigger"'
	wait_for_state web crashed
}

# same_story CORE: what there is to see in the core and in what was made of it
same_story()
{
	local said

	said=$(asks "$1" sys 'bt' 'bt -a' ps 'kmem -i' log)
	has "$said" 'RELEASE: 7\.' 'sys'
	has "$said" 'CPUS: 2' 'sys'
	has "$said" 'PANIC: .*sysrq' 'sys'
	has "$said" 'sysrq_handle_crash' 'bt'
	has "$said" 'TASK: .*CPU: 0' 'bt -a'
	has "$said" 'TASK: .*CPU: 1' 'bt -a'
	has "$said" ' sleep$' 'ps'
	has "$said" 'TOTAL MEM  *[0-9]' 'kmem -i'
	has "$said" 'Run /init as init process' 'log'
	has "$said" 'Kernel panic - not syncing: sysrq triggered crash' 'log'
}

crash_opens_a_copy()
{
	need_tools
	cp "$CORE" "$DUMP"
	same_story "$DUMP"
	rm -f "$DUMP"
}

makedumpfile_reads_its_log()
{
	need_tools
	ok "$MK_CRASH/makedumpfile" --dump-dmesg "$CORE" "$MK_TMP/dmesg"
	has "$(cat "$MK_TMP/dmesg")" 'Kernel panic - not syncing: sysrq triggered crash' 'dmesg'
}

# Not -d 31: makedumpfile 1.7.8 does not know Linux 7.3, and takes pages of the kernel for
# those of user space.
makedumpfile_makes_it_small()
{
	need_tools
	ok "$MK_CRASH/makedumpfile" -c -d 23 "$CORE" "$DUMP"
	between 1 "$(stat -c %s "$DUMP")" $((64 << 20)) 'size of what is left of 256 MiB'
	same_story "$DUMP"
	rm -f "$DUMP"
}

# Of the CPU with interrupts off too, which an NMI has asked.
crash_shows_a_hang()
{
	local said

	need_tools
	mk_start web
	mk_login web
	mk_send web "taskset -c 1 sh -c 'echo HARDLOCKUP > $DIRECT'"
	wait_for_state web hung
	ok "$MK_CRASH/makedumpfile" -c -d 23 "$CORE" "$DUMP"
	said=$(asks "$DUMP" 'bt -a')
	has "$said" 'lkdtm_HARDLOCKUP' 'bt -a'
	has "$said" 'TASK: .*CPU: 0' 'bt -a'
	rm -f "$DUMP"
	ok mkctl rm -f web
}

mk_main \
	an_instance_panics \
	crash_opens_a_copy \
	makedumpfile_reads_its_log \
	makedumpfile_makes_it_small \
	crash_shows_a_hang
