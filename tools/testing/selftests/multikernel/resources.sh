#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What an instance owns: CPUs and memory leave the host and come back, and
# whatever cannot be given is refused whole.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

CPUS=$(last_cpus 2) || :
CPU=$(last_cpus 1) || :
OTHER=${CPUS%,*}
TOTAL=$(host_total)

is_lent()
{
	[ "$(cat "$MK_CPUS/cpu$1/online")" = 0 ]
}

cpus_leave_the_host_and_come_back()
{
	local cpu

	ok mkctl create a
	is "$(get a cpus)" '' 'a new instance has no CPU'
	is "$(put a cpus "$CPUS")" OK "giving it CPUs $CPUS"
	is "$(each_cpu "$(get a cpus)" | paste -s -d , -)" "$CPUS" 'its CPUs'
	for cpu in $(each_cpu "$CPUS"); do
		ok is_lent "$cpu"
	done
	is "$(put a cpus "$CPU")" OK 'giving one back'
	ok cpu_works "$OTHER"
	ok is_lent "$CPU"
	is "$(put a cpus '')" OK 'giving all back'
	is "$(get a cpus)" '' 'its CPUs'
	ok cpu_works "$CPU"
}

removing_it_gives_cpus_back()
{
	ok mkctl create a --cpus "$CPUS"
	ok is_lent "$CPU"
	ok mkctl rm a
	ok cpu_works "$CPU"
	ok cpu_works "$OTHER"
}

cpus_that_cannot_be_given_are_refused()
{
	local absent

	absent=$(($(sed 's/.*-//' "$MK_CPUS/possible") + 1))
	ok mkctl create a
	refused -m 'CPU 0 is the boot CPU' EBUSY 'the boot CPU' put a cpus 0
	refused -m 'CPU 0 is the boot CPU' EBUSY 'the boot CPU among others' put a cpus "0,$CPU"
	refused -m 'the host keeps at least one CPU' EBUSY 'all CPUs of the host' put a cpus "$(cat "$MK_CPUS/online")"
	refused -m "CPU $absent is not there\\|is not a list of CPUs" EINVAL 'a CPU that is not there' put a cpus "$absent"
	refused -m "CPU $absent is not there\\|is not a list of CPUs" EINVAL 'such a CPU among others' put a cpus "$CPU,$absent"
	refused -m 'is not a list of CPUs' EINVAL 'a number beyond all' put a cpus 99999
	refused -m 'is not a list of CPUs' EINVAL 'words' put a cpus 'all of them'
	refused -m 'is not a list of CPUs' EINVAL 'half a range' put a cpus "$CPU-"
	refused -m 'is not a list of CPUs' EINVAL 'a range backwards' put a cpus "$CPU-$OTHER"
	refused -m 'is not a list of CPUs' EINVAL 'a negative number' put a cpus '-1'
}

an_offline_cpu_is_refused()
{
	ok mkctl create a
	echo 0 > "$MK_CPUS/cpu$CPU/online"
	refused -m "CPU $CPU is offline" EBUSY 'an offline CPU' put a cpus "$CPU" ||
		{ echo 1 > "$MK_CPUS/cpu$CPU/online"; return 1; }
	refused -m "CPU $CPU is offline" EBUSY 'an offline CPU among others' put a cpus "$CPUS" ||
		{ echo 1 > "$MK_CPUS/cpu$CPU/online"; return 1; }
	echo 1 > "$MK_CPUS/cpu$CPU/online"
	is "$(put a cpus "$CPU")" OK 'the same CPU when it is online'
}

a_lent_cpu_is_refused_to_others()
{
	ok mkctl create a --cpus "$CPU"
	ok mkctl create b
	refused -m "CPU $CPU belongs to instance" EBUSY 'a CPU that another has' put b cpus "$CPU"
	refused -m "CPU $CPU belongs to instance" EBUSY 'such a CPU among others' put b cpus "$CPUS"
	is "$(put b cpus "$OTHER")" OK 'one that is free'
}

a_lent_cpu_cannot_be_onlined()
{
	ok mkctl create a --cpus "$CPU"
	refused_early EBUSY 'onlining a lent CPU' \
		mkprobe write "$MK_CPUS/cpu$CPU/online" 1
	mk_boot web "$OTHER"
	refused_early EBUSY 'onlining the CPU of a running instance' \
		mkprobe write "$MK_CPUS/cpu$OTHER/online" 1
	ok answers web
	ok mkctl rm -f web
	ok cpu_works "$OTHER"
}

the_host_does_not_sleep_under_a_lent_cpu()
{
	[ -w /sys/power/state ] || skip 'needs CONFIG_SUSPEND'
	ok mkctl create a --cpus "$CPU"
	refused_early EBUSY 'suspend with a lent CPU' \
		mkprobe write /sys/power/state freeze
}

smt_control_does_not_take_a_lent_cpu()
{
	local smt=$MK_CPUS/smt/control

	[ "$(cat "$smt" 2> /dev/null)" = on ] ||
		skip 'the CPUs of this machine have no threads to switch'
	# The other thread of its core stays in the host
	mk_boot web "$CPU"
	is "$(mkprobe write "$smt" off)" OK 'switching threads off'
	is "$(mkprobe write "$smt" on)" EBUSY 'switching them on, with one lent'
	ok is_lent "$CPU"
	ok cpu_works "$OTHER"
	ok answers web
	is "$(mkprobe write "$smt" off)" OK 'switching threads off again'
	ok mkctl rm -f web
	is "$(cat "$MK_CPUS/cpu$CPU/online")" 0 "a second thread, CPU $CPU, online"
	is "$(cat "$MK_FS/pool/quarantine")" '' 'what is in quarantine'
	is "$(mkprobe write "$smt" on)" OK 'switching threads on'
	ok cpu_works "$CPU"
}

# fail_hotplug CPU STATE: its next step through this state fails
fail_hotplug()
{
	sed -n "s/^ *\([0-9]*\): $2\$/\1/p" "$MK_CPUS/hotplug/states" \
		> "$MK_CPUS/cpu$1/hotplug/fail"
}

a_cpu_that_does_not_go_offline_leaves_all_as_it_was()
{
	ok mkctl create a
	fail_hotplug "$CPU" sched:active
	refused -m "CPU $CPU could not be taken offline" EAGAIN 'two CPUs, of which the second stays' put a cpus "$CPUS"
	ok cpu_works "$CPU"
	ok cpu_works "$OTHER"
	is "$(put a cpus "$CPUS")" OK 'once more'
}

a_cpu_that_does_not_come_online_is_the_hosts()
{
	ok mkctl create a --cpus "$CPUS"
	fail_hotplug "$CPU" workqueue:prepare
	is "$(put a cpus '')" OK 'giving both back'
	ok cpu_works "$OTHER"
	is "$(cat "$MK_CPUS/cpu$CPU/online")" 0 "CPU $CPU online"
	is "$(cat "$MK_FS/pool/quarantine")" '' 'what is in quarantine'
	echo 1 > "$MK_CPUS/cpu$CPU/online"
	ok cpu_works "$CPU"
}

sum_of_ranges()
{
	local line start end sum=0

	for line in $(get "$1" memory.map | cut -d' ' -f1); do
		start=${line%-*} end=${line#*-}
		sum=$((sum + end - start))
	done
	echo $sum
}

memory_leaves_the_host_and_comes_back()
{
	local before after size

	size=$(bytes "$MK_MEM")
	ok mkctl create a
	before=$(host_free)
	is "$(bytes "$(get a memory)")" 0 'a new instance has no memory'
	is "$(put a memory "$MK_MEM")" OK "giving it $MK_MEM"
	is "$(bytes "$(get a memory)")" "$size" 'its memory'
	is "$(sum_of_ranges a)" "$size" 'the sum of its ranges'
	has "$(get a memory.map)" '^0x[0-9a-f]*000-0x[0-9a-f]*000 node[0-9]*$' \
		'the form of memory.map'
	# 8 MB for what moves by itself, a thirtieth of what is looked for
	after=$(host_free)
	between $((before - size / 1024 - 8192)) "$after" \
		$((before - size / 1024 + 8192)) 'free memory of the host in kB'
	is "$(put a memory 0)" OK 'giving it back'
	is "$(get a memory.map)" '' 'its ranges'
	free_again "$before" 'memory given back'
}

memory_can_grow_and_shrink_before_a_load()
{
	local range

	ok mkctl create a --memory 64M
	is "$(put a memory 128M)" OK 'growing'
	is "$(sum_of_ranges a)" "$(bytes 128M)" 'the sum of its ranges'
	is "$(put a memory 32M)" OK 'shrinking'
	is "$(sum_of_ranges a)" "$(bytes 32M)" 'the sum of its ranges'
	is "$(put a memory "$(bytes 32M)")" OK 'the same, as plain bytes'
	is "$(get a memory.wanted)" 32M 'what it is to have'
	is "$(put a memory 0)" OK 'giving it back'
	is "$(put a memory 384M)" OK 'what is no power of two'
	is "$(get a memory.wanted)" 384M 'what it is to have'
	for range in $(get a memory.map | cut -d' ' -f1); do
		is $(((${range%-*} | ${range#*-}) & 0x7ffffff)) 0 "$range in whole blocks"
	done
}

memory_that_cannot_be_given_is_refused()
{
	ok mkctl create a --memory 64M
	refused -m 'not a multiple of the page size' EINVAL 'one byte more than a page' put a memory 4097
	refused -m 'not a multiple of the page size' EINVAL 'half a page' put a memory 2048
	refused -m 'is not a size' EINVAL 'words' put a memory 'a lot'
	refused -m 'is not a size' EINVAL 'something behind the size' put a memory 64Mx
	refused -m 'is not a size' EINVAL 'nothing' put a memory ''
	refused -m 'is not a size' EINVAL 'a negative size' put a memory -4096
	refused -m "can't be had" ENOMEM 'twice what the machine has' \
		put a memory $((TOTAL * 2))K
	refused -m "can't be had" ENOMEM 'all that the machine has' \
		put a memory $((TOTAL / 4 * 4))K
	refused -m 'is not a' EINVAL 'more than an address can say' \
		put a memory 16777216T
	is "$(sum_of_ranges a)" "$(bytes 64M)" 'what it had before'
}

# How much of an instance's memory the host has in its direct map.
mapped()
{
	local line

	for line in $1; do
		mkprobe mapped "${line%-*}" "${line#*-}"
	done | awk '{ sum += $1 } END { print sum + 0 }'
}

the_host_has_no_mapping_of_lent_memory()
{
	local map

	[ -c /dev/mem ] || skip 'needs /dev/mem'
	# Each page is looked at, which takes its time
	ok mkctl create a --memory 64M
	map=$(get a memory.map | cut -d' ' -f1)
	is "$(mapped "$map")" 0 'bytes mapped while lent'
	is "$(put a memory 0)" OK 'giving it back'
	is "$(mapped "$map")" "$(bytes 64M)" 'bytes mapped afterwards'
}

# The text is written one letter further on inside than it is known here, so
# that what is found in memory was written there and is no copy of ours.
memory_is_scrubbed_before_the_host_gets_it()
{
	local text=abcdefghijklmnop map range

	mk_boot web "$CPU" 128M
	mk_run web "yes \$(echo $text | tr a-y b-z) | head -c 33554432 > /tmp/secret; sync"
	ok mkctl kill web
	map=$(get web memory.map | cut -d' ' -f1)
	between 1000 "$(pages_with $text "$map")" 10000 'pages with the text while it is lent'
	ok mkctl unload web
	is "$(put web memory 0)" OK 'giving it back'
	for range in $map; do
		is "$(mkprobe scan "${range%-*}" "${range#*-}" $text)" 0 \
			"pages with the text in $range afterwards"
	done
}

what_is_fixed_while_an_image_is_loaded_or_runs()
{
	mk_create web "$CPU"
	mk_load web
	refused -m 'an image is loaded' EBUSY 'memory with an image loaded' put web memory 64M
	mk_start web
	refused -m 'is running; stop it first' EBUSY 'other firmware while it runs' put web firmware acpi
	ok answers web
}

everything_is_as_it_was()
{
	local online free pool round

	online=$(cat "$MK_CPUS/online") pool=$(grep . "$MK_FS"/pool/[ckq]* || :)
	free=$(host_free)
	for round in 1 2 3; do
		note "round $round"
		ok mkctl create a --cpus "$CPU" --memory 128M
		ok mkctl create b --cpus "$OTHER" --memory 128M
		ok mkctl rm a
		ok mkctl rm b
	done
	is "$(cat "$MK_CPUS/online")" "$online" 'CPUs online'
	is "$(host_total)" "$TOTAL" 'MemTotal'
	is "$(grep . "$MK_FS"/pool/[ckq]* || :)" "$pool" 'pool'
	free_again "$free" 'three rounds of create and rm'
}

mk_main \
	cpus_leave_the_host_and_come_back \
	removing_it_gives_cpus_back \
	cpus_that_cannot_be_given_are_refused \
	an_offline_cpu_is_refused \
	a_lent_cpu_is_refused_to_others \
	a_lent_cpu_cannot_be_onlined \
	the_host_does_not_sleep_under_a_lent_cpu \
	smt_control_does_not_take_a_lent_cpu \
	a_cpu_that_does_not_go_offline_leaves_all_as_it_was \
	a_cpu_that_does_not_come_online_is_the_hosts \
	memory_leaves_the_host_and_comes_back \
	memory_can_grow_and_shrink_before_a_load \
	memory_that_cannot_be_given_is_refused \
	the_host_has_no_mapping_of_lent_memory \
	memory_is_scrubbed_before_the_host_gets_it \
	what_is_fixed_while_an_image_is_loaded_or_runs \
	everything_is_as_it_was
