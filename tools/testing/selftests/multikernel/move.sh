#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# CPUs and memory go from one running instance to another in one step, each or
# none.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
THREE=$(last_cpus 3) || :
C=${THREE##*,}
B=${THREE%,*}
B=${B##*,}
A=${THREE%%,*}
ONLINE=$(cat "$MK_CPUS/online")
FAULT=/sys/kernel/debug/multikernel/fail_resize

# have WEB DB WHAT: numbers of CPUs, in the files and inside
have()
{
	is "$(each_cpu "$(get web cpus)" | wc -l) $(each_cpu "$(get db cpus)" | wc -l)" "$1 $2" "cpus $3"
	is "$(cpus_inside web) $(cpus_inside db)" "$1 $2" "CPUs inside $3"
}

two_instances_start()
{
	mk_boot web "$A,$C" 256M
	mk_boot db "$B" 256M
	have 2 1 'at first'
}

a_cpu_moves()
{
	local left

	left=$(cat "$MK_CPUS/online")
	is "$(put web move "cpus $C db")" OK 'to move it'
	have 1 2 'afterwards'
	has "$(get db cpus)" "$C\$" 'cpus of db'
	is "$(cat "$MK_CPUS/online")" "$left" 'CPUs of the host'
	ok mk_run db 'taskset -c "$(sed "s/.*[,-]//" /sys/devices/system/cpu/online)" true'
	is "$(put db move "cpus $C web")" OK 'to move it back'
	have 2 1 'when it is back'
	ok answers web
	ok answers db
}

memory_moves()
{
	local web db map text=mkgivenaway

	web=$(kb_inside web)
	db=$(kb_inside db)
	is "$(put web memory 512M)" OK 'to grow'
	map=$(get web memory.map | sed -n '2,$s/ .*//p')
	mk_run web "mkdir -p /mnt && mount -t tmpfs none /mnt && $(fills /mnt/x "$text")"
	mk_run web 'rm /mnt/x; umount /mnt'
	between 1000 "$(pages_with $text "$map")" 100000 'pages with the text'
	is "$(put web move 'memory 256M db')" OK 'to move it'
	is "$(get web memory) $(get db memory)" '256M 512M' 'memory'
	is "$(get web memory.wanted) $(get db memory.wanted)" '256M 512M' 'what each is to have'
	is "$(kb_inside web)" "$web" 'MemTotal of web'
	between $((db + 250000)) "$(kb_inside db)" $((db + 262144)) 'MemTotal of db'
	is "$(pages_with $text "$map")" 0 'pages with the text afterwards'
	is "$(get db memory.map | sed -n '2,$s/ .*//p' | sort)" "$(echo "$map" | sort)" 'where it lies'
	ok mk_run db "$(eats 60) && rm /mnt/x && umount /mnt"
	is "$(put db memory 256M)" OK 'back to the host'
	is "$(kb_inside db)" "$db" 'MemTotal of db at last'
}

what_can_not_be()
{
	refused -m 'no instance' ENOENT 'to nobody' put web move "cpus $C nobody"
	refused -m 'has it already' EINVAL 'to itself' put web move "cpus $C web"
	refused -m 'it takes' EINVAL 'no name' put web move "cpus $C"
	refused -m 'none of cpus, memory' EINVAL 'something else' put web move "disks $C db"
	refused -m 'has CPUs' EINVAL "another's CPU" put web move "cpus $B db"
	refused -m 'no CPU' EINVAL 'nothing' put web move 'cpus  db'
	refused -m 'keeps at least one' EINVAL 'its last CPU' put db move "cpus $B web"
	refused -m 'does not let go' EBUSY 'its first CPU' put web move "cpus $A db"
	refused -m 'multiples of 128M' EINVAL 'an odd size' put web move 'memory 100M db'
	refused -m 'multiples of 128M' EINVAL 'no memory' put web move 'memory 0 db'
	refused EBUSY 'more than it can spare' put web move 'memory 256M db'
	have 2 1 'after all that'
}

what_is_used_stays()
{
	local kb

	is "$(put web memory 512M)" OK 'to grow'
	kb=$(kb_inside web)
	ok mk_run web "$(eats 75)"
	refused -m 'uses the rest' EBUSY 'memory that is used' put web move 'memory 256M db'
	between $((kb - 1)) "$(kb_inside web)" $((kb + 1)) 'MemTotal of web'
	mk_run web 'rm /mnt/x; umount /mnt'
	is "$(put web memory 256M)" OK 'to shrink'
}

# Whichever step fails: all is as it was.
each_step_fails_once()
{
	local n=0 got

	[ -w $FAULT/times ] || skip 'needs CONFIG_FAULT_INJECTION_DEBUG_FS'
	while :; do
		echo 0 > $FAULT/verbose
		echo 1 > $FAULT/times
		echo $n > $FAULT/space
		echo 100 > $FAULT/probability
		got=$(put web move "cpus $C db") || :
		echo 0 > $FAULT/probability
		[ "$(cat $FAULT/times)" = 0 ] || break
		[ "$got" != OK ] || { note "OK although step $n failed"; return 1; }
		have 2 1 "after step $n failed"
		n=$((n + 1))
	done
	is "$got" OK 'when nothing fails'
	ok [ $n -ge 4 ]
	is "$(put db move "cpus $C web")" OK 'and back'
	have 2 1 'at last'
}

# Who is to take it dies while the other one is asked.
a_death_ends_a_move()
{
	local pid out=$MK_TMP/move

	# To see that it does not answer takes as long as to call it hung, and then nothing moves
	is "$(put db hang_ms 0)" OK 'hang_ms'
	mk_send db 'exec sh -c "echo HARDLOCKUP > /sys/kernel/debug/provoke-crash/DIRECT"'
	wait_until 'db does not answer' deaf db
	put web move "cpus $C db" > "$out" & pid=$!
	wait_until 'the CPU has left web' test_cpus web 1
	ok mkctl kill db
	wait $pid || :
	is "$(cat "$out")" ECONNRESET 'the move'
	has "$(last_error)" 'has ended meanwhile' 'last_error'
	is "$(put db hang_ms 10000)" OK 'hang_ms'
	mk_start db
	have 2 1 'afterwards'
}

deaf() { ! answers "$1"; }
test_cpus() { [ "$(each_cpu "$(get "$1" cpus)" | wc -l)" = "$2" ]; }

everything_goes_back()
{
	ok mkctl kill db
	refused -m 'is loaded, and only what runs' EBUSY 'to what does not run' put web move "cpus $C db"
	ok mkctl rm -f web
	ok mkctl rm -f db
	is "$(cat "$MK_CPUS/online")" "$ONLINE" 'CPUs of the host'
	is "$(cat "$MK_FS/pool/quarantine")" '' 'quarantine'
}

mk_main \
	two_instances_start \
	a_cpu_moves \
	memory_moves \
	what_can_not_be \
	what_is_used_stays \
	each_step_fails_once \
	a_death_ends_a_move \
	everything_goes_back
