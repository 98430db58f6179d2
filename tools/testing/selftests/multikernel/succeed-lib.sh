# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034
#
# For tests in which an instance is succeeded by another one: who serves, and what was found.

PROBE=/selftests/multikernel/mkprobe
# A kernel that checks all it does would keep more for the next one than there is
KHO="kho=on liveupdate=on${MK_KHO:+ $MK_KHO}"
SIZE=${MK_SIZE:-32}	# of what is preserved, in MiB
EACH=${MK_EACH:-256M}	# memory of an instance

words_of() { mk_run "$1" 'sed "s/ .*//" /proc/cmdline'; }
updates_of() { counter "$1" events updates; }

# How often the process that serves has slept, which is each millisecond
turns_of()
{
	mk_run "$1" 'sed -n "s/^voluntary_ctxt_switches:[[:space:]]*//p" /proc/$(pidof mkprobe)/status'
}
turns_beyond() { [ "$(turns_of "$1")" -gt "$2" ]; }
serves() { wait_until "$1 serves" turns_beyond "$1" "$(turns_of "$1")"; }

found() { mk_run "$1" 'cat /tmp/found'; }
has_found() { [ "$(found "$1" | wc -w)" -ge 1 ]; }
