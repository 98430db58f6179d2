#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What goes wrong before an instance has said hello: the machine goes on, and the host says
# why, as far as it can be known.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
CPUS=$(last_cpus 2) || :
MAP=$MK_FS/instances/web/memory.map

# comes_to_nothing HOW WHAT: its CPU halts
comes_to_nothing()
{
	is "$(mkprobe load "$(get web id)" "$MK_KERNEL" "$MK_INITRD" '' "$MAP" "$1")" OK "load: $2"
	is "$(put web state start)" OK "start: $2"
	wait_for_state web hung
	is "$(get web reason)" 'hung: has not come up, for 3 s' "reason: $2"
	is "$(put web state kill)" OK 'kill'
	is "$(get web state)" loaded 'state'
}

# Under the IDT of the park code, and under the decompressor's before it has moved itself.
a_start_that_comes_to_nothing()
{
	mk_create web "$CPUS"
	is "$(get web boot_ms)" 120000 'boot_ms of a new one'
	refused -m 'milliseconds' EINVAL 'a word' put web boot_ms soon
	refused -m 'milliseconds' EINVAL 'too soon' put web boot_ms 9
	is "$(put web boot_ms 3000)" OK 'boot_ms'
	comes_to_nothing first 'an invalid first instruction'
	comes_to_nothing pointer 'a command line that is nowhere'
}

# says HOW PATTERN: its decompressor tells what is wrong
says()
{
	is "$(mkprobe load "$(get web id)" "$MK_KERNEL" "$MK_INITRD" '' "$MAP" "$1")" OK "load: $1"
	is "$(put web state start)" OK "start: $1"
	wait_for_state web crashed
	has "$(get web reason)" "^panic: decompressor: $2" 'reason'
}

# Nobody would see what it prints.
a_decompressor_tells_what_is_wrong()
{
	says damaged '[a-zA-Z]'
	says trap 'exception 0x6 at offset 0x[0-9a-f]*$'
}

a_start_that_comes_late()
{
	mk_load web
	is "$(put web boot_ms 10)" OK 'boot_ms'
	is "$(put web state start)" OK 'start'
	wait_for_state web hung
	wait_for_state web running
	is "$(get web reason)" none 'reason'
	is "$(counter web events hangs)" 3 'hangs'
	mk_login web
	ok answers web
}

# In setup_arch(). Needs CONFIG_MULTIKERNEL_BENCH.
an_exception_before_there_are_handlers()
{
	ok mkctl kill web
	is "$(put web boot_ms 120000)" OK 'boot_ms'
	mk_load web multikernel_fault_early
	is "$(put web state start)" OK 'start'
	wait_for_state web crashed
	has "$(get web reason)" '^panic: early exception 0x06 at mk_fault_early' 'reason'
	mk_load web
	mk_start web
}

mk_main \
	a_start_that_comes_to_nothing \
	a_decompressor_tells_what_is_wrong \
	a_start_that_comes_late \
	an_exception_before_there_are_handlers
