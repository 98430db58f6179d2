#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# CPUs and memory move while an instance runs: to it, back, all or nothing, and
# whatever the instance does meanwhile.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
BOTH=$(last_cpus 2) || :
A=${BOTH%,*}
B=${BOTH#*,}
ONLINE=$(cat "$MK_CPUS/online")

an_instance_starts()
{
	mk_boot web "$A" 256M
	is "$(put web hang_ms 0)" OK 'hang_ms'
	is "$(cpus_inside web)" 1 'CPUs inside'
}

# runs_on_last NAME: a program runs on its CPU of the highest number, and its clock ticks
runs_on_last()
{
	local cpu

	cpu=$(mk_run "$1" 'sed "s/.*[,-]//" /sys/devices/system/cpu/online')
	is "$(mk_run "$1" "taskset -c $cpu sh -c 'sleep 0.05; cut -d\" \" -f39 /proc/self/stat'")" \
		"$cpu" "a program on CPU $cpu of $1"
}

a_cpu_comes_and_goes()
{
	is "$(put web cpus "$BOTH")" OK 'to give it'
	is "$(get web cpus)" "$(echo "$BOTH" | tr , -)" 'cpus'
	is "$(cpus_inside web)" 2 'CPUs inside'
	runs_on_last web
	ok [ "$(cat "$MK_CPUS/cpu$B/online")" = 0 ]
	is "$(put web cpus "$A")" OK 'to take it back'
	is "$(get web cpus)" "$A" 'cpus afterwards'
	is "$(cpus_inside web)" 1 'CPUs inside afterwards'
	is "$(mk_run web 'cat /sys/devices/system/cpu/online')" 0 'online inside'
	ok cpu_works "$B"
	ok answers web
}

# Tasks and interrupts that were there go elsewhere.
many_times()
{
	local i

	mk_run web 'while :; do :; done & while :; do :; done &'
	for i in $(seq "${MK_MOVES:-5}"); do
		is "$(put web cpus "$BOTH")" OK "to give it, $i"
		is "$(put web cpus "$A")" OK "to take it back, $i"
	done
	ok cpu_works "$B"
	ok answers web
	mk_run web 'kill $! $(($! - 1)); wait' || :
}

# It has one CPU, and the other way round it would be the one that boots.
the_last_one_stays()
{
	refused -m 'keeps at least one CPU' EINVAL 'no CPU' put web cpus ''
	refused -m "does not let go of CPU $A" EBUSY 'its first CPU' put web cpus "$B"
	is "$(cpus_inside web)" 1 'CPUs inside'
	ok cpu_works "$B"
	ok answers web
}

what_the_host_refuses_changes_nothing()
{
	refused -m 'boot CPU' EBUSY 'the boot CPU' put web cpus "0,$A"
	refused -m 'not a list' EINVAL 'an absent CPU' put web cpus "$A,63"
	refused -m 'not a list' EINVAL 'no list' put web cpus "$A,x"
	echo 0 > "$MK_CPUS/cpu$B/online"
	refused -m 'is offline' EBUSY 'an offline CPU' put web cpus "$BOTH"
	echo 1 > "$MK_CPUS/cpu$B/online"
	ok answers web
}

# One that the instance keeps: all goes back.
a_refusal_inside_is_undone()
{
	is "$(put web cpus "$BOTH")" OK 'to give it'
	refused -m 'does not let go' EBUSY 'the first of two' put web cpus "$B"
	is "$(cpus_inside web)" 2 'CPUs inside'
	runs_on_last web
	is "$(put web cpus "$A")" OK 'to take it back'
}

# What it was given it has after a new start, too.
it_keeps_them_over_a_restart()
{
	is "$(put web cpus "$BOTH")" OK 'to give it'
	ok mkctl kill web
	is "$(get web cpus)" "$(echo "$BOTH" | tr , -)" 'cpus of a dead one'
	mk_start web
	is "$(cpus_inside web)" 2 'CPUs inside'
	is "$(put web cpus "$A")" OK 'to take one back'
	is "$(cpus_inside web)" 1 'CPUs inside afterwards'
	ok cpu_works "$B"
}

memory_comes_and_goes()
{
	local before had

	before=$(kb_inside web)
	had=$(host_free)
	is "$(put web memory 512M)" OK 'to grow'
	is "$(get web memory)" 512M 'memory'
	between $((before + 250000)) "$(kb_inside web)" $((before + 262144)) 'MemTotal inside'
	between $((had - 280000)) "$(host_free)" $((had - 250000)) 'free memory of the host'
	# It can be used, all of it
	ok mk_run web 'mkdir -p /mnt && mount -t tmpfs -o size=400M none /mnt && dd if=/dev/zero of=/mnt/x bs=1M count=300 2> /dev/null && rm /mnt/x && umount /mnt'
	is "$(put web memory 256M)" OK 'to shrink'
	is "$(get web memory)" 256M 'memory afterwards'
	is "$(kb_inside web)" "$before" 'MemTotal inside afterwards'
	free_again "$had" 'after it has shrunk'
	# The host can use it, too: all that is free but 128 MiB
	mkdir -p "$MK_TMP/mnt"
	ok mount -t tmpfs -o size=90% none "$MK_TMP/mnt"
	ok dd if=/dev/zero of="$MK_TMP/mnt/x" bs=1M count=$((had / 1024 - 128))
	ok umount "$MK_TMP/mnt"
	free_again "$had" 'after the host has used it'
	ok answers web
}

# What an instance has written there nobody else reads.
memory_comes_back_scrubbed()
{
	local map text=mkgivenback

	[ -c /dev/mem ] || skip 'needs /dev/mem'
	is "$(put web memory 512M)" OK 'to grow'
	map=$(get web memory.map | sed -n '2,$s/ .*//p')
	ok mk_run web "mkdir -p /mnt && mount -t tmpfs -o size=400M none /mnt && $(fills /mnt/x "$text")"
	between 10000 "$(pages_with $text "$map")" 100000 'pages with the text'
	mk_run web 'rm /mnt/x; umount /mnt'
	is "$(put web memory 256M)" OK 'to shrink'
	is "$(pages_with $text "$map")" 0 'pages with the text afterwards'
}

memory_that_is_used_stays()
{
	is "$(put web memory 512M)" OK 'to grow'
	ok mk_run web "$(eats 75)"
	is "$(put web memory 256M)" EBUSY 'to take what is full'
	has "$(last_error)" 'has let go of [0-9]* of 256 MiB' 'last_error'
	ok answers web
	mk_run web 'rm /mnt/x; umount /mnt'
	is "$(put web memory 256M)" OK 'when it is empty'
	is "$(get web memory)" 256M 'memory afterwards'
}

sizes_that_can_not_be()
{
	refused -m 'multiples of 128M' EINVAL 'a page more' put web memory 268439552
	refused -m 'multiples of 128M' EINVAL 'an odd size' put web memory 300M
	refused -m 'page size' EINVAL 'less than a page' put web memory 1000
	refused -m 'does not have' ENOMEM 'more than there is' put web memory 1024G
	# All but one block of the machine's, which the host itself does not fit into
	refused ENOMEM 'more than is free' put web memory "$((($(host_total) / 131072 + 1) * 128))M"
	ok answers web
}

memory_is_kept_over_a_restart()
{
	local kb

	kb=$(kb_inside web)
	is "$(put web memory 512M)" OK 'to grow'
	ok mkctl kill web
	mk_start web
	is "$(get web memory)" 512M 'memory'
	# From its start it has a part of it for what it knows of the rest
	between $((kb + 190000)) "$(kb_inside web)" $((kb + 262144)) 'MemTotal inside'
	ok mkctl kill web
	ok mkctl unload web
	is "$(put web memory 256M)" OK 'back, when it does not run'
	mk_load web
	mk_start web
}

FAULT=/sys/kernel/debug/multikernel/fail_resize

# fail_after N: the step after N others fails, once
fail_after()
{
	echo 0 > $FAULT/verbose
	echo 1 > $FAULT/times
	echo "$1" > $FAULT/space
	echo 100 > $FAULT/probability
}

# step_by_step FILE BASE OTHER: whichever step fails, all is as it was, or can be put so
step_by_step()
{
	local n=0 got

	[ -w $FAULT/times ] || skip 'needs CONFIG_FAULT_INJECTION_DEBUG_FS'
	while :; do
		fail_after $n
		got=$(put web "$1" "$3") || :
		echo 0 > $FAULT/probability
		[ "$got" != OK ] || [ "$(cat $FAULT/times)" = 0 ] || break
		if [ "$got" = OK ]; then
			note "$3 into $1: OK although step $n failed"
			return 1
		fi
		has "$(last_error)" "$([ "$got" = EIO ] || echo .)" "last_error after step $n"
		ok answers web
		is "$(put web "$1" "$2")" OK "$2 into $1 after step $n failed"
		as_at_first "after step $n of $1 failed" || return 1
		n=$((n + 1))
	done
	[ $n -ge 2 ] || { note "only $n steps of $1 can fail"; return 1; }
	note "$1: each of $n steps has failed"
	is "$(put web "$1" "$2")" OK "$2 into $1 at last"
	as_at_first "when no step of $1 has failed"
}

as_at_first()
{
	is "$(get web cpus)" "$A" "cpus $1"
	is "$(get web memory)" 256M "memory $1"
	is "$(cpus_inside web)" 1 "CPUs inside $1"
	is "$(kb_inside web)" "$KB" "MemTotal inside $1"
	is "$(cat "$MK_CPUS/online")" "$LEFT" "CPUs of the host $1"
}

each_step_fails_once()
{
	KB=$(kb_inside web)
	LEFT=$(cat "$MK_CPUS/online")
	step_by_step cpus "$A" "$BOTH"
	step_by_step memory 256M 512M
}

# The other way: what was let go of goes back.
each_step_back_fails_once()
{
	local n=0 got

	[ -w $FAULT/times ] || skip 'needs CONFIG_FAULT_INJECTION_DEBUG_FS'
	while :; do
		is "$(put web cpus "$BOTH")" OK 'to give it'
		fail_after $n
		got=$(put web cpus "$A") || :
		echo 0 > $FAULT/probability
		[ "$(cat $FAULT/times)" = 0 ] || break
		[ "$got" != OK ] || { note "OK although step $n failed"; return 1; }
		is "$(get web cpus)" "$(echo "$BOTH" | tr , -)" "cpus after step $n failed"
		is "$(cpus_inside web)" 2 "CPUs inside after step $n failed"
		is "$(put web cpus "$A")" OK 'to take it back'
		n=$((n + 1))
	done
	is "$got" OK 'when nothing fails'
	ok [ $n -ge 2 ]
}

the_host_keeps_what_it_was_told_to()
{
	echo "$B" > "$MK_FS/pool/keep_cpus"
	is "$(cat "$MK_FS/pool/keep_cpus")" "$B" 'keep_cpus'
	refused -m "host's to keep" EBUSY 'a CPU that it keeps' put web cpus "$BOTH"
	echo > "$MK_FS/pool/keep_cpus"
	is "$(put web cpus "$BOTH")" OK 'when it does not'
	is "$(put web cpus "$A")" OK 'and back'
	echo 100G > "$MK_FS/pool/keep_memory"
	is "$(cat "$MK_FS/pool/keep_memory")" 102400M 'keep_memory'
	refused -m 'host keeps 102400 MiB' ENOMEM 'memory that it keeps' put web memory 512M
	mkctl create other
	refused -m 'host keeps 102400 MiB' ENOMEM 'memory that it keeps, for a new one' put other memory 2M
	echo 0 > "$MK_FS/pool/keep_memory"
	is "$(put other memory 2M)" OK 'when it does not'
	ok mkctl rm other
	refused -m 'not a list' EINVAL 'no list' mkprobe write "$MK_FS/pool/keep_cpus" x
	refused -m 'not a size' EINVAL 'no size' mkprobe write "$MK_FS/pool/keep_memory" x
}

TIMEOUT=$MK_DEBUG/resize_timeout_ms

gets_to() { [ "$(get web memory)" = "$1" ] && [ "$(kb_inside web)" -gt "$2" ]; }

# The change goes on without the writer.
a_signal_to_the_writer_changes_nothing()
{
	local pid out=$MK_TMP/change size=768M kb

	# A kernel that checks all it does can't afford to describe so much
	[ "$(put web memory $size)" = OK ] || size=512M
	is "$(put web memory 256M)" OK 'to shrink'
	kb=$(kb_inside web)
	mkprobe write "$MK_FS/instances/web/memory" $size > "$out" & pid=$!
	wait_until 'the first block has come' eval '[ "$(get web memory)" != 256M ]'
	kill $pid
	wait $pid || :
	is "$(cat "$out")" '' 'what the writer got to say'
	has "$(last_error)" 'a signal came; the change of web goes on' 'last_error'
	wait_until 'all of it has come' gets_to $size $((kb + (${size%M} - 256) * 1024 - 20000))
	is "$(put web memory 256M)" OK 'to shrink'
}

# late FILE TEXT OTHER: TEXT is written, and the answer comes too late; that depends on
# who gets to run, so it may take several times. OTHER undoes it.
late()
{
	local got

	echo 0 > "$TIMEOUT"
	got=$(put web "$1" "$2") || :
	echo 30000 > "$TIMEOUT"
	[ "$got" != ETIMEDOUT ] || return 0
	[ "$got" = OK ] && is "$(put web "$1" "$3")" OK "$3 into $1"
	return 1
}

# For the host it has not answered; it is at work all the same, and done some time later.
# What nobody knows of stays its own, and is settled before the next change.
an_answer_may_come_too_late()
{
	local kb both

	[ -w "$TIMEOUT" ] || skip 'needs debugfs'
	kb=$(kb_inside web) both=$(echo "$BOTH" | tr , -)
	wait_until 'memory is taken too late' late memory 384M 256M
	is "$(get web memory)" 384M 'memory, of which nobody knows whether it is used'
	is "$(put web memory 384M)" OK 'the same again'
	between $((kb + 100000)) "$(kb_inside web)" $((kb + 131072)) 'MemTotal inside'
	wait_until 'memory is given too late' late memory 256M 384M
	is "$(get web memory)" 384M 'memory, as nobody knows'
	is "$(put web memory 512M)" OK 'more memory'
	between $((kb + 230000)) "$(kb_inside web)" $((kb + 262144)) 'MemTotal inside'
	is "$(put web memory 256M)" OK 'all of it back'
	is "$(kb_inside web)" "$kb" 'MemTotal inside'

	wait_until 'a CPU is taken too late' late cpus "$BOTH" "$A"
	is "$(get web cpus)" "$both" 'cpus, as nobody knows'
	is "$(put web cpus "$BOTH")" OK 'the same again'
	is "$(cpus_inside web)" 2 'CPUs inside'
	wait_until 'a CPU is given too late' late cpus "$A" "$BOTH"
	is "$(get web cpus)" "$both" 'cpus, as nobody knows'
	is "$(put web cpus "$A")" OK 'the same again'
	is "$(cpus_inside web)" 1 'CPUs inside'
	ok cpu_works "$B"
	ok answers web
}

hangs() { ! answers "$1"; }

has_left() { [ "$(cat "$MK_CPUS/cpu$1/online")" = 0 ]; }

# The instance does not answer, and is killed by somebody else meanwhile.
a_kill_ends_a_change()
{
	local pid out=$MK_TMP/change

	mk_send web 'exec sh -c "echo HARDLOCKUP > /sys/kernel/debug/provoke-crash/DIRECT"'
	wait_until 'it hangs' hangs web
	put web cpus "$BOTH" > "$out" & pid=$!
	wait_until 'the CPU has left' has_left "$B"
	ok mkctl kill web
	wait $pid || :
	is "$(cat "$out")" ECONNRESET 'the change'
	has "$(last_error)" 'has ended meanwhile' 'last_error'
	is "$(get web cpus)" "$A" 'cpus afterwards'
	ok cpu_works "$B"
	mk_start web
	is "$(cpus_inside web)" 1 'CPUs inside'
}

everything_goes_back()
{
	ok mkctl rm -f web
	is "$(cat "$MK_CPUS/online")" "$ONLINE" 'CPUs of the host'
	is "$(cat "$MK_FS/pool/quarantine")" '' 'quarantine'
}

mk_main \
	an_instance_starts \
	a_cpu_comes_and_goes \
	many_times \
	the_last_one_stays \
	what_the_host_refuses_changes_nothing \
	a_refusal_inside_is_undone \
	it_keeps_them_over_a_restart \
	memory_comes_and_goes \
	memory_comes_back_scrubbed \
	memory_that_is_used_stays \
	sizes_that_can_not_be \
	memory_is_kept_over_a_restart \
	each_step_fails_once \
	each_step_back_fails_once \
	the_host_keeps_what_it_was_told_to \
	a_signal_to_the_writer_changes_nothing \
	an_answer_may_come_too_late \
	a_kill_ends_a_change \
	everything_goes_back
