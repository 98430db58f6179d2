#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Two instances beside each other: nothing is shared, and the end of one is
# no affair of the other.  Where there is room they have two CPUs each: what a
# kernel sends to all of its CPUs but one is sent only if it has another.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
ALL=$(last_cpus 4 || last_cpus 3 || last_cpus 2) || :
A=$(echo "$ALL" | cut -d , -f 1,2)
B=$(echo "$ALL" | cut -s -d , -f 3-)
[ -n "$B" ] || { A=${ALL%,*} B=${ALL#*,}; }

two_instances_start()
{
	mk_create a "$A"
	mk_create b "$B"
	mk_load a
	mk_load b
	ok mkctl start a
	ok mkctl start b
	wait_for_state a running
	wait_for_state b running
	mk_login a
	mk_login b
}

they_have_their_cpus()
{
	is "$(mk_run a nproc)" "$(count_cpus "$A")" 'nproc in a'
	is "$(mk_run b nproc)" "$(count_cpus "$B")" 'nproc in b'
	note "a has $(count_cpus "$A"), b has $(count_cpus "$B")"
}

they_are_two()
{
	ok test "$(get a id)" != "$(get b id)"
	mk_run a 'hostname first'
	mk_run b 'hostname second'
	is "$(mk_run a hostname)" first 'name of the first'
	is "$(mk_run b hostname)" second 'name of the second'
}

# Sorted by their start, each range ends before the next begins.
their_memory_does_not_overlap()
{
	local line end=0

	cat "$MK_FS/instances/a/memory.map" "$MK_FS/instances/b/memory.map" |
		cut -d' ' -f1 | while read -r line; do
		echo $((${line%-*})) $((${line#*-}))
	done | sort -n > "$MK_TMP/ranges"
	between 2 "$(wc -l < "$MK_TMP/ranges")" 1000 'ranges'
	while read -r from to; do
		between "$end" "$from" "$to" 'start of a range'
		end=$to
	done < "$MK_TMP/ranges"
}

both_answer_at_the_same_time()
{
	local one two

	mkctl ping a -c 300 > "$MK_TMP/a" 2>&1 & one=$!
	mkctl ping b -c 300 > "$MK_TMP/b" 2>&1 & two=$!
	wait $one || { note "$(cat "$MK_TMP/a")"; return 1; }
	wait $two || { note "$(cat "$MK_TMP/b")"; return 1; }
}

# each_cpu_works NAME NUMBER: one that was stopped would not run this
each_cpu_works()
{
	local i=0

	while [ $i -lt "$2" ]; do
		is "$(mk_run "$1" "taskset -c $i sh -c 'cut -d\" \" -f39 /proc/self/stat'")" \
			$i "a program on CPU $i of $1"
		i=$((i + 1))
	done
}

# untouched COMMAND...: b lives on in the same life while it is run
untouched()
{
	local starts mark cpus

	cpus=$(mk_run b nproc)
	mark="life $(unique)"
	mk_run b "echo $mark > /tmp/life"
	starts=$(counter b events starts)
	"$@"
	is "$(get b state)" running 'state of b'
	is "$(counter b events starts)" "$starts" 'starts of b'
	is "$(mk_run b 'cat /tmp/life')" "$mark" 'what was left in b'
	each_cpu_works b "$cpus"
	ok answers b
}

kill_a()
{
	ok mkctl kill a
	mk_start a
}

panic_a()
{
	mk_send a 'echo c > /proc/sysrq-trigger'
	wait_for_state a crashed
	mk_start a
}

reboot_a()
{
	mk_send a 'reboot -f'
	wait_for_state a loaded
	mk_start a
}

stop_a()
{
	ok mkctl stop a
	mk_start a
}

remove_a()
{
	local cpu

	ok mkctl rm -f a
	for cpu in $(each_cpu "$A"); do
		ok cpu_works "$cpu"
	done
	mk_boot a "$A"
}

a_kill_leaves_the_other_alone()
{
	untouched kill_a
}

a_panic_leaves_the_other_alone()
{
	untouched panic_a
}

a_reboot_leaves_the_other_alone()
{
	untouched reboot_a
}

a_stop_leaves_the_other_alone()
{
	untouched stop_a
}

a_removal_leaves_the_other_alone()
{
	untouched remove_a
}

both_panic_at_once()
{
	mk_send a 'echo c > /proc/sysrq-trigger'
	mk_send b 'echo c > /proc/sysrq-trigger'
	wait_for_state a crashed
	wait_for_state b crashed
	mk_start a
	mk_start b
	ok answers a
	ok answers b
}

mk_main \
	two_instances_start \
	they_have_their_cpus \
	they_are_two \
	their_memory_does_not_overlap \
	both_answer_at_the_same_time \
	a_kill_leaves_the_other_alone \
	a_panic_leaves_the_other_alone \
	a_reboot_leaves_the_other_alone \
	a_stop_leaves_the_other_alone \
	a_removal_leaves_the_other_alone \
	both_panic_at_once
