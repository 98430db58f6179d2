#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A CPU that can't be proven stopped: it is lost, with all that it might still
# write to, and nobody ever gets any of it. debugfs makes the proof fail; the CPU
# is not even asked, and runs on.
#
# What is lost stays so until the machine is reset, so each run of this is the
# last in its machine.

MK_MEM=${MK_MEM:-128M}
. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
CPU=$(last_cpus 1) || :
OTHER=$(last_cpus 2) || :
OTHER=${OTHER%,*}
FREE=$(host_free)

lost()
{
	cat "$MK_FS/pool/quarantine"
}

nothing_is_lost_before()
{
	[ -w "$MK_DEBUG/fail_stop" ] || skip 'needs CONFIG_DEBUG_FS'
	is "$(lost)" '' 'quarantine'
}

a_cpu_that_does_not_stop_is_lost_with_its_memory()
{
	local line

	mk_boot web "$CPU"
	get web memory.map | cut -d ' ' -f 1 > "$MK_TMP/map"
	echo "$CPU" > "$MK_DEBUG/fail_stop"
	is "$(put web state kill)" OK 'kill'
	is "$(get web state)" loaded 'state'
	is "$(get web cpus)" '' 'its CPUs'
	is "$(bytes "$(get web memory)")" 0 'its memory'
	lost > "$MK_TMP/lost"
	note "$(lost)"
	is "$(grep -c '^cpu ' "$MK_TMP/lost")" 1 'CPUs in quarantine'
	has "$(lost)" "^cpu $CPU\$" 'the CPU in quarantine'
	# All of its ranges, and the shared area
	is "$(grep -c '^memory ' "$MK_TMP/lost")" $(($(wc -l < "$MK_TMP/map") + 1)) \
		'ranges in quarantine'
	while read -r line; do
		lost_is $((${line%-*})) $((${line#*-}))
	done < "$MK_TMP/map"
}

# lost_is START END: exactly this range is in quarantine
lost_is()
{
	local kind start size

	while read -r kind start size; do
		if [ "$kind" = memory ] && [ $((start)) -eq "$1" ] &&
		   [ "$size" -eq $(($2 - $1)) ]; then
			return 0
		fi
	done < "$MK_TMP/lost"
	note "not in quarantine: $1-$2"
	return 1
}

nobody_gets_the_cpu()
{
	refused_early EBUSY 'onlining it' mkprobe write "$MK_CPUS/cpu$CPU/online" 1
	refused -m "CPU $CPU is in quarantine" EBUSY 'giving it back' put web cpus "$CPU"
	ok mkctl create b
	refused -m "CPU $CPU is in quarantine" EBUSY 'giving it to another' put b cpus "$CPU"
	refused -m "CPU $CPU is in quarantine" EBUSY 'giving it among others' \
		put b cpus "$OTHER,$CPU"
	is "$(put b cpus "$OTHER")" OK 'one that is free'
}

# All that the host can give goes to b; that is nothing of what is lost.
nobody_gets_the_memory()
{
	local size range line

	size=$(($(host_free) / 1024 / 2))
	while [ $size -gt 64 ] && put b memory ${size}M > /dev/null; do
		size=$((size + 64))
	done
	between 256 "$(($(bytes "$(get b memory)") / 1048576))" 65536 'MiB that b has'
	for range in $(get b memory.map | cut -d ' ' -f 1); do
		while read -r line; do
			[ $((${range#*-})) -le $((${line%-*})) ] ||
				[ $((${line#*-})) -le $((${range%-*})) ] || {
				note "$range is lost with $line"
				return 1
			}
		done < "$MK_TMP/map"
	done
	is "$(put b memory 0)" OK 'giving it back'
}

the_host_does_not_map_the_memory()
{
	local line

	[ -c /dev/mem ] || skip 'needs /dev/mem'
	while read -r line; do
		is "$(mkprobe mapped "${line%-*}" "${line#*-}")" 0 "bytes mapped of $line"
	done < "$MK_TMP/map"
}

it_can_start_again_with_other_cpus_and_memory()
{
	refused -m 'has no CPU' EINVAL 'start without a CPU' put web state start
	ok mkctl rm b
	ok mkctl unload web
	is "$(put web cpus "$OTHER")" OK 'another CPU'
	is "$(put web memory "$MK_MEM")" OK 'other memory'
	mk_load web
	mk_start web
	ok answers web
	is "$(lost)" "$(cat "$MK_TMP/lost")" 'quarantine'
}

its_removal_brings_nothing_of_it_back()
{
	ok mkctl rm -f web
	is "$(lost)" "$(cat "$MK_TMP/lost")" 'quarantine'
	ok cpu_works "$OTHER"
	is "$(cat "$MK_CPUS/cpu$CPU/online")" 0 'the CPU online'
	between 0 "$(host_free)" $((FREE - $(bytes "$MK_MEM") / 1024)) 'kB free, less than before'
}

# The same of one that a running instance has let go of: then it can't go on either.
a_cpu_that_is_given_back_and_does_not_stop()
{
	local three a b

	three=$(last_cpus 3) || skip 'needs three more CPUs to give'
	a=${three%%,*} b=${three##*,}
	mk_boot c "$a,$b"
	echo "$b" > "$MK_DEBUG/fail_stop"
	is "$(put c cpus "$a")" ETIMEDOUT 'the CPU back'
	is "$(get c state)" crashed 'state'
	has "$(get c reason)" "can't be stopped" 'reason'
	has "$(lost)" "^cpu $b\$" 'the CPU in quarantine'
	is "$(get c cpus)" "$a" 'its CPUs'
	is "$(bytes "$(get c memory)")" 0 'its memory'
	ok mkctl rm -f c
	ok cpu_works "$a"
	refused_early EBUSY 'onlining it' mkprobe write "$MK_CPUS/cpu$b/online" 1
}

# Nor does it get to another instance, which is not concerned.
a_cpu_that_moves_and_does_not_stop()
{
	local three a b c

	three=$(last_cpus 3) || skip 'needs three more CPUs to give'
	a=${three%%,*} c=${three##*,} b=${three#*,}
	b=${b%,*}
	mk_boot c "$a,$b"
	mk_boot d "$c"
	echo "$b" > "$MK_DEBUG/fail_stop"
	is "$(put c move "cpus $b d")" ETIMEDOUT 'the move'
	is "$(get c state)" crashed 'state of the one'
	is "$(get d state)" running 'state of the other one'
	is "$(get d cpus)" "$c" 'its CPUs'
	ok answers d
	has "$(lost)" "^cpu $b\$" 'the CPU in quarantine'
	ok mkctl rm -f c
	ok mkctl rm -f d
	ok cpu_works "$a"
	ok cpu_works "$c"
}

mk_main \
	nothing_is_lost_before \
	a_cpu_that_does_not_stop_is_lost_with_its_memory \
	nobody_gets_the_cpu \
	nobody_gets_the_memory \
	the_host_does_not_map_the_memory \
	it_can_start_again_with_other_cpus_and_memory \
	its_removal_brings_nothing_of_it_back \
	a_cpu_that_is_given_back_and_does_not_stop \
	a_cpu_that_moves_and_does_not_stop
