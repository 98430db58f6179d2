#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A running instance takes the place of another: what it takes over, what is as before for
# whoever looks, and who goes on if something fails on the way.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$MK_DIR/succeed-lib.sh"

export MK_KEEP=1
THREE=$(last_cpus 3) || :
A=${THREE%%,*}
REST=${THREE#*,}
B=${REST%,*}
C=${REST#*,}
DEBUG=/sys/kernel/debug/multikernel
FAULT=$DEBUG/fail_resize
EVENT=/sys/kernel/tracing/events/multikernel/mk_succeed
HOOK=/bin/multikernel-update
UNKNOWN=$DEBUG/unknown_format

is_in() { [ "$(get "$1" state)" = "$2" ]; }

# Its userspace waits for what the other one leaves, and serves from then on
waits()
{
	mk_run "$1" "rm -f /tmp/found; $PROBE luo-succeed state $SIZE > /tmp/found 2>&1 &"
}

# Its userspace waits, and takes nothing. What is typed while a shell begins another command
# may end it, so there is one line
idles()
{
	mk_run "$1" "$PROBE luo-wait > /dev/null 2>&1 &"
}

# not_by NAME ERROR TEXT: it does not succeed, and the text is in the reason; the old one goes on
not_by()
{
	is "$(put web successor "$1")" "$2" "to be succeeded by $1"
	has "$(last_error)" "$3" 'last_error'
	serves web
}

# again NAME: it has been ended, and is there once more to succeed
again()
{
	is "$(get "$1" state)" loaded "state of $1"
	mk_start "$1"
	mk_login "$1"
}

two_kernels_run()
{
	mk_boot web "$A" "$EACH" "first $KHO"
	mk_boot db "$B" "$EACH"
	mk_boot next "$C" "$EACH" "second $KHO"
	get web id > "$MK_TMP/id"
	is "$(mk_run web "$PROBE luo-serve state $SIZE")" OK 'to serve'
	serves web
}

who_can_not_be_is_refused()
{
	refused -m 'there is no instance' ENOENT 'by nobody' put web successor nobody
	refused -m 'it already' EINVAL 'by itself' put web successor web
	mk_create idle "" "" || :
	refused -m 'is offline' EBUSY 'by one that does not run' put web successor idle
	ok rmdir "$MK_FS/instances/idle"
	serves web
}

# db has no live update, and goes on as web does
one_that_can_not_adopt_is_refused()
{
	not_by db EOPNOTSUPP 'live update is off in db'
	is "$(get db state)" running 'state of db'
}

# Before either is asked to do anything, so that nobody is ended
what_it_does_not_understand_is_refused()
{
	[ "$(mk_run next "[ -w $UNKNOWN ]; echo \$?")" = 0 ] || skip 'needs CONFIG_MULTIKERNEL_BENCH in next'
	mk_run web "printf '#!/bin/sh\necho \$1 >> /tmp/told\n' > $HOOK && chmod 755 $HOOK"
	idles next
	for format in kho:kho-v4 luo:luo-v5 file:memfd-v2; do
		mk_run next "echo $format > $UNKNOWN"
		not_by next EPROTO "next does not understand $format, in which web hands over"
		mk_run next "echo > $UNKNOWN"
		is "$(get next state)" running 'state of next'
	done
	is "$(mk_run web 'cat /tmp/told 2> /dev/null')" '' 'what web was told'
	mk_run web "rm $HOOK"
}

# Its answer is waited for, and decides.
userspace_may_refuse()
{
	mk_run web "printf '#!/bin/sh\necho \$1 >> /tmp/told\n[ ! -e /tmp/\$1 ]\n' > $HOOK && chmod 755 $HOOK"
	for step in prepare freeze; do
		mk_run web "rm -f /tmp/told; : > /tmp/$step"
		idles next
		not_by next ECANCELED 'error -125'
		mk_run web "rm /tmp/$step"
		again next
	done
	is "$(mk_run web 'cat /tmp/told 2> /dev/null' | paste -s -d, -)" 'prepare,freeze' 'what it was told'
}

# Nobody has been asked for anything then, and both go on.
nobody_waits()
{
	[ -w $DEBUG/succeed_ready_ms ] || skip 'needs CONFIG_DEBUG_FS'
	cat $DEBUG/succeed_ready_ms > "$MK_TMP/ready_ms"
	echo 1000 > $DEBUG/succeed_ready_ms
	mk_run web 'rm -f /tmp/told'
	not_by next ETIMEDOUT 'nobody in next waits at /dev/liveupdate'
	cat "$MK_TMP/ready_ms" > $DEBUG/succeed_ready_ms
	is "$(mk_run web 'cat /tmp/told 2> /dev/null' | paste -s -d, -)" '' 'what it was told'
	is "$(get next state)" running 'state of next'
}

nobody_takes_over()
{
	[ -w $DEBUG/succeed_serve_ms ] || skip 'needs CONFIG_DEBUG_FS'
	idles next
	cat $DEBUG/succeed_serve_ms > "$MK_TMP/serve_ms"
	echo 1000 > $DEBUG/succeed_serve_ms
	mk_run web 'rm -f /tmp/told'
	not_by next ETIMEDOUT 'nobody in next retrieves a session in time'
	cat "$MK_TMP/serve_ms" > $DEBUG/succeed_serve_ms
	is "$(mk_run web 'cat /tmp/told 2> /dev/null' | paste -s -d, -)" 'prepare,freeze,thaw' 'what it was told'
	again next
}

# Whoever asks for what is not there does not stop the one that has it
nobody_takes_over_what_is_not_there()
{
	[ -w $DEBUG/succeed_serve_ms ] || skip 'needs CONFIG_DEBUG_FS'
	mk_run next "$PROBE luo-succeed another $SIZE > /dev/null 2>&1 &"
	cat $DEBUG/succeed_serve_ms > "$MK_TMP/serve_ms"
	echo 1000 > $DEBUG/succeed_serve_ms
	not_by next ETIMEDOUT 'nobody in next retrieves a session in time'
	cat "$MK_TMP/serve_ms" > $DEBUG/succeed_serve_ms
	again next
}

offered() { grep -q 'phase=offer' /sys/kernel/tracing/trace; }

# succeeds_until_offered: in the background; what it says is in $MK_TMP/said
succeeds_until_offered()
{
	echo > /sys/kernel/tracing/trace
	echo 1 > $EVENT/enable
	put web successor next > "$MK_TMP/said" 2>&1 &
	wait_until 'it is offered' offered
}

the_successor_dies_before()
{
	[ -e $EVENT/enable ] || skip 'needs CONFIG_FTRACE'
	idles next
	succeeds_until_offered
	ok mkctl kill next
	wait
	is "$(cat "$MK_TMP/said")" ECONNRESET 'what is said'
	serves web
	again next
}

# begins_to_count KERNELS: host and db send messages with numbers to whoever is web, until so
# many kernels have answered, the last one 500 of them
begins_to_count()
{
	{ echo "count web $1 500" > $BENCH && cat $BENCH; } > "$MK_TMP/count" 2>&1 &
	mk_run db ": > /tmp/count; { echo count web $1 500 > $BENCH && cat $BENCH; } > /tmp/count 2>&1 &"
	wait_until 'the host is connected' grep -q 'peer=web channel=[2-9]' $DEBUG/channels
	wait_until 'db is connected' mk_run db "grep -q 'peer=web channel=[2-9]' $DEBUG/channels"
}

others_count()
{
	[ -e $BENCH ] || skip 'needs CONFIG_MULTIKERNEL_BENCH'
	begins_to_count 2
}

each_step_fails_once()
{
	local n=0 again failed=0 got

	[ -w $FAULT/times ] || skip 'needs CONFIG_FAULT_INJECTION_DEBUG_FS'
	mk_run web "rm -f $HOOK"
	waits next
	# Each of them MK_EACH_STEP times, before the next one
	while :; do
		echo 0 > $FAULT/verbose
		echo 1 > $FAULT/times
		echo $n > $FAULT/space
		echo 100 > $FAULT/probability
		got=$(put web successor next) || :
		echo 0 > $FAULT/probability
		[ "$(updates_of web)" = 0 ] || break
		[ "$got" != OK ] || { note "OK although step $n failed"; return 1; }
		is "$(words_of web)" first "who serves after step $n failed"
		serves web
		failed=$((failed + 1))
		again=$((again + 1))
		[ $again -lt "${MK_EACH_STEP:-1}" ] || { n=$((n + 1)); again=0; }
		# Nothing has been asked of it
		! is_in next running || continue
		again next
		waits next
	done
	note "$n steps, $failed failures"
	between 8 "$n" 40 'steps that failed'
	is "$got" OK 'when nothing fails'
}

# As the last test has left it.
the_second_has_taken_the_place_of_the_first()
{
	is "$(get web state) $(get web id)" "running $(cat "$MK_TMP/id")" 'state and id'
	is "$(get next state):$(get next cpus)" 'offline:' 'the other one'
	is "$(updates_of web)" 1 'updates'
	mk_login web
	is "$(words_of web)" second 'its command line'
	wait_until 'it serves' has_found web
	note "gap: $(found web)"
	has "$(found web)" '^[0-9]* [0-9]*$' 'what it has found'
	serves web
	has "$(get web log)" 'Command line: first' 'the log of the first'
	ok mkctl ping web -c 100
	ok rmdir "$MK_FS/instances/next"
}

# counted WHO KERNELS TEXT: all of its messages were answered once and in order
counted()
{
	is "$(printf '%s\n' "$3" | sed -n '/^misplaced /p; /^damaged /p; /^kernels /p' | paste -s -d ' ')" \
		"misplaced 0 damaged 0 kernels $2" "what $1 has counted"
	between 500 "$(value sent "$3")" 1000000000 "messages of $1"
	is "$(value answered "$3")" "$(value sent "$3")" "answers to $1"
	note "$1: $(value sent "$3") messages, none for up to $(($(value gap_ns "$3") / 1000000)) ms"
}

host_has_counted() { grep -q . "$MK_TMP/count"; }
db_has_counted() { mk_run db 'grep -q . /tmp/count'; }

# have_counted KERNELS: who is connected to the first is connected to the last one of them,
# without having noticed
have_counted()
{
	wait_until 'the host has counted' host_has_counted
	counted 'the host' "$1" "$(cat "$MK_TMP/count")"
	wait_until 'db has counted' db_has_counted
	counted db "$1" "$(mk_run db 'cat /tmp/count')"
}

no_message_is_lost_or_comes_twice()
{
	[ -e $BENCH ] || skip 'needs CONFIG_MULTIKERNEL_BENCH'
	have_counted 2
}

# update ARGUMENT...: web by a third kernel, whose userspace waits by itself. To be called
# in a subshell, which becomes mkctl, and gets its signals
update()
{
	exec mkctl update web --kernel "$MK_KERNEL" --initrd "$MK_INITRD" \
		--cmdline "third $KHO init.run=\"$PROBE luo-succeed state $SIZE > /tmp/found 2>&1\"" "$@"
}

nothing_is_left()
{
	is "$(ls "$MK_FS/instances" | paste -s -d ' ')" 'db web' 'instances'
	is "$(words_of web)" second 'who serves'
	serves web
}

mkctl_refuses_what_can_not_be()
{
	ok mkctl set web --cpus "$C"
	says 2 '--kernel and --cpus are needed' 'no CPUs' update
	says 2 '--kernel and --cpus are needed' 'no kernel' mkctl update web --cpus "$A"
	says 1 'no such instance' 'nobody' mkctl update nobody --kernel "$MK_KERNEL" --cpus "$A"
	says 1 'create db: File exists' 'a shadow that is there' update --cpus "$A" --as db
	says 1 'No such file' 'no file' update --cpus "$A" --kernel /no/kernel
	says 1 'load web-next: ' 'a file that is no kernel' update --cpus "$A" --kernel /etc/profile
	says 1 'cpus web-next: ' 'a CPU that is lent' update --cpus "$B"
	says 1 'memory web-next: ' 'too much memory' update --cpus "$A" --memory 999T
	nothing_is_left
	ok cpu_works "$A"
}

boots() { is_in web-next booting; }

mkctl_interrupted_leaves_nothing()
{
	local pid sig got

	for sig in TERM HUP; do
		update --cpus "$A" > "$MK_TMP/out" 2>&1 < /dev/null & pid=$!
		wait_until 'it boots' boots
		kill -$sig $pid
		got=0
		wait $pid || got=$?
		between 126 $got 255 'status'
		nothing_is_left
	done
	ok cpu_works "$A"
}

# The kernel is at it by then, and finds that the successor has ended
mkctl_ended_when_web_prepares_leaves_nothing()
{
	local pid got=0

	mk_run web "printf '#!/bin/sh\n: > /tmp/at-\$1\nsleep 2\n' > $HOOK && chmod 755 $HOOK"
	update --cpus "$A" > "$MK_TMP/out" 2>&1 < /dev/null & pid=$!
	wait_until 'the hook runs' mk_run web 'test -e /tmp/at-prepare'
	kill -TERM $pid
	wait $pid || got=$?
	between 126 $got 255 'status'
	nothing_is_left
	mk_run web "rm $HOOK"
	ok cpu_works "$A"
	is "$(updates_of web)" 1 'updates'
}

# It wants to be asked, and then says no; nor does anybody want it
what_fails_is_rolled_back_by_mkctl()
{
	mk_run web "printf '#!/bin/sh\n[ \$1 != prepare ]\n' > $HOOK && chmod 755 $HOOK"
	says 1 'web does not prepare for its successor' 'the hook' update --cpus "$A"
	says 1 '/sbin/multikernel-update' 'what to do' update --cpus "$A"
	mk_run web "rm $HOOK"
	nothing_is_left
	says 1 'kho=on' 'a kernel without KHO' update --cpus "$A" --cmdline ''
	nothing_is_left
	ok cpu_works "$A"
}

# gave_back SIZE: web has so much memory again, or what it keeps was said
gave_back()
{
	is "$(get web memory.wanted)" "$1" 'what it is to have'
	[ "$(get web memory)" != "$1" ] || { is "$(cat "$MK_TMP/said")" '' 'what it complains of'; return; }
	is "$(grep -c '' "$MK_TMP/said")" 1 'lines of complaint'
	has "$(cat "$MK_TMP/said")" "web keeps memory $(get web memory), not $1: instance web has let go" \
		'what it complains of'
}

mkctl_updates_it()
{
	local memory

	# A kernel that checks all it does needs its time from its hello to its init
	[ ! -w $DEBUG/succeed_serve_ms ] || echo 60000 > $DEBUG/succeed_serve_ms
	mk_run web 'kill $(pidof mkprobe)'
	is "$(mk_run web "$PROBE luo-serve state $SIZE")" OK 'to serve'
	memory=$(get web memory.wanted)
	is "$(update --cpus "$A" 2> "$MK_TMP/said")" 'web has a new kernel' 'what it says'
	gave_back "$memory"
	is "$(ls "$MK_FS/instances" | paste -s -d ' ')" 'db web' 'instances'
	is "$(get web state) $(get web id)" "running $(cat "$MK_TMP/id")" 'state and id'
	is "$(updates_of web)" 2 'updates'
	is "$(count_cpus "$(get web cpus)")" 1 'CPUs'
	mk_login web
	is "$(words_of web)" third 'its command line'
	wait_until 'it serves' has_found web
	has "$(found web)" '^[0-9]* [0-9]*$' 'what it has found'
	note "gap: $(found web)"
	serves web
	ok cpu_works "$C"
	ok mkctl ping web -c 100
}

# That of the two which web has not got
other_cpu() { [ "$(get web cpus)" = "$A" ] && echo "$C" || echo "$A"; }

# web_found: it has a new kernel, which has found what the old one has left, and serves
web_found()
{
	mk_login web
	wait_until 'it serves' has_found web
	has "$(found web)" '^[0-9]* [0-9]*$' 'what it has found'
	serves web
}

# Its state and who is connected to it go from each to the next
one_succeeds_the_other()
{
	local i n=${MK_SUCCESSIONS:-2} before memory most=0 now

	before=$(updates_of web)
	memory=$(get web memory.wanted)
	[ ! -e $BENCH ] || begins_to_count $((n + 1))
	for i in $(seq "$n"); do
		mk_run web 'kill $(pidof mkprobe)'
		is "$(mk_run web "$PROBE luo-serve state $SIZE")" OK "to serve, $i"
		is "$(update --cpus "$(other_cpu)" 2> "$MK_TMP/said")" 'web has a new kernel' "what it says, $i"
		is "$(updates_of web)" $((before + i)) 'updates'
		web_found
		gave_back "$memory"
		now=$(bytes "$(get web memory)")
		[ "$now" -le $most ] || most=$now
	done
	note "web is to have $memory, and had up to $((most >> 20))M behind an update"
	# What it keeps does not add up
	between "$(bytes "$memory")" $most $((2 * $(bytes "$memory"))) 'the most that it had'
	[ ! -e $BENCH ] || have_counted $((n + 1))
	is "$(ls "$MK_FS/instances" | paste -s -d ' ')" 'db web' 'instances'
	is "$(count_cpus "$(get web cpus)")" 1 'CPUs'
}

# All that the two had is its own then
mkctl_updates_it_and_keeps_all()
{
	local memory

	mk_run web 'kill $(pidof mkprobe)'
	is "$(mk_run web "$PROBE luo-serve state $SIZE")" OK 'to serve'
	memory=$(($(bytes "$(get web memory)") + $(bytes "$(get web memory.wanted)")))
	ok update --cpus "$(other_cpu)" --as other --keep
	is "$(ls "$MK_FS/instances" | paste -s -d ' ')" 'db web' 'instances'
	is "$(get web cpus)" "$A,$C" 'CPUs'
	is "$(bytes "$(get web memory)")" $memory 'memory'
	is "$(get web memory.wanted)" "$(get web memory)" 'what it is to have'
	mk_login web
	is "$(cpus_inside web)" 2 'CPUs inside'
	wait_until 'it serves' has_found web
	serves web
}

mk_main two_kernels_run who_can_not_be_is_refused one_that_can_not_adopt_is_refused \
	what_it_does_not_understand_is_refused \
	userspace_may_refuse nobody_waits nobody_takes_over nobody_takes_over_what_is_not_there the_successor_dies_before others_count each_step_fails_once \
	no_message_is_lost_or_comes_twice \
	the_second_has_taken_the_place_of_the_first mkctl_refuses_what_can_not_be \
	mkctl_interrupted_leaves_nothing mkctl_ended_when_web_prepares_leaves_nothing \
	what_fails_is_rolled_back_by_mkctl mkctl_updates_it one_succeeds_the_other \
	mkctl_updates_it_and_keeps_all
