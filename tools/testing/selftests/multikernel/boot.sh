#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An instance boots: the very image that runs here, with an empty command
# line, on two CPUs. Looks from inside at all that it should have of its own.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# One instance serves all tests; the first of them starts it.
export MK_KEEP=1
CPUS=$(last_cpus 2) || :
PROBE=$(command -v mkprobe) || :

an_instance_boots_to_a_shell()
{
	mk_boot web "$CPUS"
	is "$(get web state)" running 'state'
	is "$(get web reason)" none 'reason'
	is "$(counter web events starts)" 1 'starts'
	has "$(mk_run web 'uname -r')" "^$(uname -r)$" 'the same image runs'
}

it_needs_no_command_line_parameter()
{
	is "$(mk_run web 'cat /proc/cmdline')" '' 'command line inside'
	is "$(get web cmdline)" '' 'command line as the host knows it'
}

it_has_all_its_cpus_and_they_work()
{
	is "$(mk_run web nproc)" 2 'nproc'
	is "$(mk_run web 'cat /sys/devices/system/cpu/online')" 0-1 'online'
	for cpu in 0 1; do
		is "$(mk_run web "taskset -c $cpu sh -c 'cut -d\" \" -f39 /proc/self/stat'")" \
			$cpu "a program on CPU $cpu"
	done
}

it_can_take_a_cpu_offline_and_online()
{
	mk_run web 'echo 0 > /sys/devices/system/cpu/cpu1/online'
	is "$(mk_run web nproc)" 1 'nproc with one CPU offline'
	mk_run web 'echo 1 > /sys/devices/system/cpu/cpu1/online'
	is "$(mk_run web nproc)" 2 'nproc with both online again'
	ok answers web
}

# What it has to spend on itself (its kernel, page structures, KASAN's shadow, the
# initramfs that was unpacked) is less than half of 256 MiB.
its_memory_is_what_it_was_given()
{
	local given total

	given=$(($(bytes "$MK_MEM") / 1024))
	total=$(mk_run web "sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo")
	between $((given / 2)) "$total" "$given" 'MemTotal in kB'
}

# its FIRST END: these addresses lie in its memory
its()
{
	local range

	for range in $(get web memory.map | cut -d' ' -f1); do
		[ $((${range%-*})) -gt $(($1)) ] || [ $(($2)) -gt $((${range#*-})) ] ||
			return 0
	done
	note "$1-$2 is mapped, and not its own"
	return 1
}

# Where a stray pointer could get: the mapping of physical memory, which begins
# with address 0.
it_maps_no_memory_but_its_own()
{
	local table=/sys/kernel/debug/page_tables/kernel line range base='' n=0

	mk_run web "test -r $table" || skip 'needs CONFIG_PTDUMP_DEBUGFS'
	mk_run web "sed -n '/Low Kernel Mapping/,/^---.[^L]*---/p' $table | grep ^0x" > "$MK_TMP/map"
	while read -r line; do
		range=${line%% *}
		[ -n "$base" ] || base=${range%-*}
		case "$line" in
		*\ RW\ *|*\ ro\ *)
			its "$(printf '0x%x' $((${range%-*} - base)))" \
				"$(printf '0x%x' $((${range#*-} - base)))"
			n=$((n + 1)) ;;
		esac
	done < "$MK_TMP/map"
	between 1 $n 10000 'ranges that are mapped'
}

# Nor can any be mapped, by who has /dev/mem: not the host's, nor the local APIC, by which all
# CPUs of the machine can be reached.
it_can_map_no_memory_but_its_own()
{
	local own host=0x1000000 apic=0xfee00000

	mk_run web 'test -r /dev/mem' || skip 'needs an image with CONFIG_DEVMEM'
	own=$(get web memory.map | sed -n '1s/-.*//p')
	is "$(mk_run web "$PROBE map $own")" OK 'memory of its own'
	is "$(mk_run web "$PROBE map $host")" EINVAL 'memory of the host'
	is "$(mk_run web "$PROBE map $apic")" EINVAL 'the local APIC'
	is "$(mkprobe map $host)" OK 'the same in the host'
	has "$(mk_run web dmesg)" 'mkprobe .* wants to map 4096 bytes at 0x0*1000000.*refused' 'its log'
}

# A program would have to ask: the ports of the machine, what threads of a core share, and
# the types of memory are as the host has set them.
ports_and_msrs_are_the_hosts()
{
	mk_run web 'test -c /dev/cpu/0/msr' || skip 'needs an image with CONFIG_X86_MSR'
	# IA32_PAT
	is "$(mkprobe msr 0x277)" OK 'a register of the host'
	is "$(mk_run web "$PROBE msr 0x277")" EPERM 'a register'
	ok test -c /dev/port
	is "$(mk_run web 'ls /dev/port 2> /dev/null')" '' '/dev/port'
	is "$(mkprobe port 0xcf9)" "$(printf 'OK\nOK')" 'a port of the host'
	is "$(mk_run web "$PROBE port 0xcf9")" "$(printf 'EPERM\nEPERM')" 'a port'
	is "$(mk_run web 'cat /proc/ioports')" '0000-ffff : host of this instance' \
		'what a driver may take'
	ok grep -qw mtrr /proc/cpuinfo
	is "$(mk_run web 'grep -cw mtrr /proc/cpuinfo')" 0 'CPUs with MTRRs'
}

it_knows_the_time_of_day()
{
	local before inside after

	before=$(date +%s)
	inside=$(mk_run web 'date +%s')
	after=$(date +%s)
	between $((before - 2)) "$inside" $((after + 2)) 'seconds since 1970'
}

# The first number of a /proc/uptime, in hundredths of seconds
hundredths()
{
	local up rest

	# shellcheck disable=SC2034 # it takes what is behind the first
	read -r up rest
	echo $((${up%.*} * 100 + 1${up#*.} - 100))
}

# uptime_cs: uptime in hundredths of seconds, of the host or an instance
uptime_cs()
{
	if [ -n "${1:-}" ]; then
		mk_run "$1" 'cat /proc/uptime' | hundredths
	else
		hundredths < /proc/uptime
	fi
}

enough_time_has_passed()
{
	[ "$(uptime_cs)" -ge $(($1 + 500)) ]
}

# Each reading from inside lies between two of the host's, so the time that
# has passed inside is known to lie between two lengths; 2 % for the figures
# with which both kernels scale their TSC.
its_clock_runs_as_fast_as_ours()
{
	local a0 a1 b0 b1 in0 in1 low high

	has "$(mk_run web 'cat /sys/devices/system/clocksource/clocksource0/current_clocksource')" \
		'^tsc' 'clocksource'
	a0=$(uptime_cs) in0=$(uptime_cs web) a1=$(uptime_cs)
	wait_until 'five seconds pass' enough_time_has_passed "$a1"
	b0=$(uptime_cs) in1=$(uptime_cs web) b1=$(uptime_cs)
	low=$(((b0 - a1) * 98 / 100 - 1)) high=$(((b1 - a0) * 102 / 100 + 1))
	between "$low" $((in1 - in0)) "$high" 'hundredths of seconds inside'
}

# A timer that runs at the wrong speed ends each sleep too early or too late, by the same
# factor.  Its own clock tells, which runs as fast as ours: so the way there and back takes
# no time.  Five seconds, which a busy emulator may make nearly twice as long, but not quite.
each_cpu_sleeps_as_long_as_ours()
{
	local cpu begin end

	for cpu in 0 1; do
		mk_run web "cat /proc/uptime; taskset -c $cpu sleep 5; cat /proc/uptime" \
			> "$MK_TMP/times"
		begin=$(hundredths < "$MK_TMP/times")
		end=$(tail -n 1 "$MK_TMP/times" | hundredths)
		between 490 $((end - begin)) 950 \
			"hundredths of seconds for 'sleep 5' on CPU $cpu"
	done
}

timer_interrupts()
{
	mk_run web "sed -n 's/^ *LOC: *\([0-9]*\) *\([0-9]*\) .*/\\$1/p' /proc/interrupts"
}

ticked_since()
{
	[ "$(timer_interrupts "$1")" -gt "$2" ]
}

each_cpu_has_a_timer()
{
	local cpu count

	for cpu in 0 1; do
		count=$(timer_interrupts $((cpu + 1)))
		mk_run web "taskset -c $cpu sleep 0.2"
		wait_until "CPU $cpu has more than $count timer interrupts" \
			ticked_since $((cpu + 1)) "$count"
	done
}

# Without, a sleep would be rounded up to ticks.
it_has_high_resolution_timers()
{
	mk_run web 'test -r /proc/timer_list' || skip 'needs /proc/timer_list'
	is "$(mk_run web 'grep -c "hres_active *: 1" /proc/timer_list')" 2 \
		'CPUs with high-resolution timers'
}

its_log_is_free_of_warnings()
{
	is "$(mk_run web "dmesg | grep -E 'WARNING:|BUG:|Oops|Call Trace|NMI received for unknown' || :")" \
		'' 'complaints in the log of the instance'
}

text_address()
{
	mk_run web "sed -n 's/ T _text$//p' /proc/kallsyms"
}

# calls: how often all CPUs of a kernel have been called by others, from its
# /proc/interrupts on stdin
calls()
{
	awk '$1 == "CAL:" || $1 == "TLB:" { for (i = 2; $i ~ /^[0-9]+$/; i++) sum += $i }
		END { print sum }'
}

# To take memory out of the direct map and to bring it back all CPUs are called.
# All of the host: ours are called a few times, by our own doing.
it_gets_no_broadcast_of_the_host()
{
	local inside host i

	ok mkctl create other
	mk_run web 'cat /proc/interrupts' > "$MK_TMP/before"
	host=$(calls < /proc/interrupts)
	for i in $(seq 1 100); do
		is "$(put other memory 2M)" OK 'giving memory'
		is "$(put other memory 0)" OK 'giving it back'
	done
	host=$(($(calls < /proc/interrupts) - host))
	mk_run web 'cat /proc/interrupts' > "$MK_TMP/after"
	ok mkctl rm other
	between 200 $host 1000000 'calls in the host'
	inside=$(($(calls < "$MK_TMP/after") - $(calls < "$MK_TMP/before")))
	between 0 $inside 100 'calls inside'
	ok answers web
}

# Some 500 places are to be had, so two starts are alike now and then; four
# are not.
each_start_is_at_another_address()
{
	local first again i

	first=$(text_address)
	has "$first" '^ffffffff[0-9a-f]*$' 'address of _text'
	for i in 1 2 3; do
		ok mkctl kill web
		mk_start web
		again=$(text_address)
		has "$again" '^ffffffff[0-9a-f]*$' 'address of _text'
		[ "$again" = "$first" ] || return 0
		note "start $i is at $first again"
	done
	return 1
}

removed_it_leaves_the_host_whole()
{
	local cpu

	ok mkctl rm -f web
	for cpu in $(each_cpu "$CPUS"); do
		ok cpu_works "$cpu"
	done
}

# Three CPUs at least, so more than one that another starts.
all_cpus_but_one_can_be_given()
{
	local all n i

	n=$(($(count_cpus "$(cat "$MK_CPUS/online")") - 1))
	all=$(last_cpus $n)
	mk_boot many "$all"
	is "$(mk_run many nproc)" $n 'nproc'
	i=0
	while [ $i -lt $n ]; do
		is "$(mk_run many "taskset -c $i sh -c 'cut -d\" \" -f39 /proc/self/stat'")" \
			$i "a program on CPU $i"
		i=$((i + 1))
	done
	ok mkctl rm -f many
	for i in $(each_cpu "$all"); do
		ok cpu_works "$i"
	done
}

mk_main \
	an_instance_boots_to_a_shell \
	it_needs_no_command_line_parameter \
	it_has_all_its_cpus_and_they_work \
	its_memory_is_what_it_was_given \
	it_maps_no_memory_but_its_own \
	it_can_map_no_memory_but_its_own \
	ports_and_msrs_are_the_hosts \
	it_knows_the_time_of_day \
	its_clock_runs_as_fast_as_ours \
	each_cpu_sleeps_as_long_as_ours \
	each_cpu_has_a_timer \
	it_has_high_resolution_timers \
	it_gets_no_broadcast_of_the_host \
	it_can_take_a_cpu_offline_and_online \
	its_log_is_free_of_warnings \
	each_start_is_at_another_address \
	removed_it_leaves_the_host_whole \
	all_cpus_but_one_can_be_given
