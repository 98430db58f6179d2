#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The host enters its next kernel by kexec, once and once more, while instances run on: what
# they do goes on, the next host has them as they were, and can do with them what the first
# one could. What is not kept ends. With test.kexecs=N it is N times, with "test.other" the
# next kernel is one that does not take instances over.
#
# What the next kernel is, it says here too: this script is its command as well, with the
# number of kexecs so far.

. ./lib.sh
. ./next-lib.sh

# Of the smaller instances; the other one has twice as much
export MK_EACH="${MK_EACH:-128}"
COUNT=${1:-0}
TESTS=${2:-0}
KEXECS=$(sed -n 's/.*test\.kexecs=\([0-9]*\).*/\1/p' /proc/cmdline)
KEXECS=${KEXECS:-2}
OTHER=$(grep -cw test.other /proc/cmdline)
PROBE=/selftests/multikernel/mkprobe
DEBUG=/sys/kernel/debug/multikernel

all_of_it() { [ "$1" -le 2 ] || [ $(($1 % 10)) -eq 0 ]; }

planned()
{
	local i n=$((6 + 4 * KEXECS))

	for i in $(seq "$KEXECS"); do
		! all_of_it "$i" || n=$((n + 2))
	done
	echo $n
}

check()
{
	local title status

	title=$(echo "$1" | tr _ ' ')
	[ "$COUNT" = 0 ] || title="$title, after kexec $COUNT"
	# Not as a condition, in which set -e would mean nothing
	( set -e; "$1" )
	status=$?
	TESTS=$((TESTS + 1))
	if [ $status -eq 0 ]; then
		echo "ok $TESTS $title"
	else
		mk_diagnose
		echo "not ok $TESTS $title"
	fi
}

# What does not change as long as it is the same kernel that runs
story()
{
	mk_run "$1" 'cat /proc/sys/kernel/random/boot_id; sha256sum < /tmp/data; hostname'
}

# ... and of what the host has of it
shape()
{
	local f

	for f in image cmdline id cpus memory memory.map memory.wanted hang_ms heartbeat_ms boot_ms recovery numa winsize; do
		echo "$f: $(get "$1" $f)"
	done
	counter "$1" events starts
}

counted() { mk_run web 'wc -l < /tmp/count'; }

# What db has sent to web on the channel that it has opened when the first host was there
sent_by_db()
{
	mk_run db "sed -n 's/^peer=web channel=[2-9].* sent=\([0-9]*\) .*/\1/p' $DEBUG/channels" | sort -n | tail -n 1
}
db_has_sent_more() { [ "$(sent_by_db)" -gt "$1" ]; }

# What web has with the one that dies
knows_dead() { mk_run web "grep -q 'peer=dead channel=[2-9]' $DEBUG/channels"; }
knows_dead_no_more() { ! knows_dead; }

stream_beyond() { [ "$(mk_run db 'wc -l < /tmp/stream')" -gt "$1" ]; }

# db sends messages with numbers to web, without end
db_counts()
{
	mk_run db "(echo count web 2 1 > $BENCH) 2> /dev/null & echo \$! > /tmp/counter"
	wait_until 'db counts' db_has_sent_more 100
}

# ... and each one has been answered once, but for those under way
db_has_counted()
{
	local out

	out=$(mk_run db "kill \$(cat /tmp/counter); cat $BENCH")
	is "$(value misplaced "$out") $(value damaged "$out") $(value kernels "$out")" '0 0 1' \
		'misplaced and damaged answers, and who has answered'
	between 100 "$(value answered "$out")" 10000000000 'answers'
	between $(($(value sent "$out") - 65)) "$(value answered "$out")" "$(value sent "$out")" 'answers'
	note "db: $(value sent "$out") messages"
}

instances_run()
{
	mk_boot web 3,4 $((2 * MK_EACH))M
	mk_boot db 5 "${MK_EACH}M"
	mk_boot dead 6 "${MK_EACH}M"
	mk_create idle 7 "${MK_EACH}M"
	mk_load idle
	is "$(put web hang_ms 5000)" OK 'hang_ms'
	is "$(put web boot_ms 60000)" OK 'boot_ms'
	is "$(put web winsize '33 99')" OK 'winsize'
	mk_run web 'dd if=/dev/urandom of=/tmp/data bs=1M count=32 2> /dev/null'
	mk_run db 'dd if=/dev/urandom of=/tmp/data bs=1M count=8 2> /dev/null'
	mk_send web "(while echo; do usleep 1000; done > /tmp/count &) ; $PROBE gaps > /tmp/gaps &"
	# It ends while there is no host, and so does what it has with web
	mk_run dead "echo hold web > $BENCH"
	ok knows_dead
	mk_send dead 'until dmesg | grep -q "makes way"; do usleep 10000; done; sleep 1; echo c > /proc/sysrq-trigger'
	flows db web 4096 100
	ok mkctl exec web true
	db_counts
	# A socket between two instances, on which a line goes there and back now and then
	mk_send web "$PROBE vsock-listen 4001 1 > /dev/null &"
	mk_send db "(while echo x; do usleep 50000; done) | $PROBE vsock $(($(get web id) + 2)) 4001 > /tmp/stream &"
	wait_until 'the socket is connected' stream_beyond 2
}

stories()
{
	story web
	shape web
	story db
	shape db
}

# What the next host shall find is written down in the archive that it gets.
the_next_kernel_is_loaded()
{
	local kernel=/boot/bzImage

	if [ "$OTHER" = 1 ]; then
		kernel=/tmp/other
		sed 's/MKho/MKhx/' /boot/bzImage > $kernel
	fi
	stories > known
	is "$(next_load $kernel "env MK_EACH=$MK_EACH MK_LIMIT=$MK_LIMIT ./hostkexec.sh $((COUNT + 1)) $((TESTS + 1))" known)" \
		OK load
}

they_run_on()
{
	ok mkctl wait web running --timeout "$MK_LIMIT"
	ok mkctl wait db running --timeout "$MK_LIMIT"
	is "$(get web reason)" none 'reason of web'
	is "$(get db reason)" none 'reason of db'
	mk_login web
	mk_login db
	stories > now
	is "$(cat now)" "$(cat known)" 'what they are'
}

they_have_not_stood_still()
{
	local n gap

	n=$(counted)
	wait_until 'it counts on' eval "[ \$(counted) -gt $n ]"
	n=$(sent_by_db)
	wait_until 'db sends on' db_has_sent_more "$n"
	n=$(mk_run db 'wc -l < /tmp/stream')
	wait_until 'the socket is connected' stream_beyond "$n"
	gap=$(mk_run web 'tail -n 1 /tmp/gaps')
	note "longest gap of web's own work: $gap ms"
	echo "gap $gap"
	# No interrupt of the host's hardware has come to them
	hasnt "$(mk_run web dmesg)" 'No irq handler|spurious|WARNING|BUG' 'log of web'
	hasnt "$(mk_run db dmesg)" 'No irq handler|spurious|WARNING|BUG' 'log of db'
}

hasnt()
{
	! printf '%s\n' "$1" | grep -E "$2" || { note "$3 has what it should not"; return 1; }
}

the_host_has_the_other_cpus()
{
	local want=0-2,6-7

	# Who has died gives its CPU back when it is removed
	[ "$COUNT" -gt 1 ] || want=0-2,7
	is "$(cat "$MK_CPUS/online")" "$want" 'CPUs online'
}

they_can_be_reached()
{
	ok mkctl ping web -c 10
	ok mkctl ping db -c 10
	is "$(mkctl exec web hostname)" "$(mk_run web hostname)" 'what mkctl exec says'
	flows host web 4096 100
	flows web host 4096 100
	db_has_counted
	flows db web 4096 100
	flows web db 4096 100
	db_counts
	# What the host before has left in the console has been read there
	is "$(mk_run web 'echo $((6 * 7))')" 42 'console'
}

cpus_and_memory_move()
{
	is "$(put db cpus 5,7)" OK 'one CPU more'
	is "$(cpus_inside db)" 2 'CPUs in db'
	is "$(put web cpus 3)" OK 'one CPU less'
	is "$(cpus_inside web)" 1 'CPUs in web'
	is "$(put db memory $((2 * MK_EACH))M)" OK 'more memory'
	is "$(put db cpus 5)" OK 'CPUs of db'
	is "$(put web cpus 3,4)" OK 'CPUs of web'
	is "$(put db memory "${MK_EACH}M")" OK 'less memory'
}

who_did_not_run_is_not_there()
{
	[ ! -d "$MK_FS/instances/idle" ]
}

who_has_died_meanwhile_is_known_to()
{
	wait_for_state dead crashed
	has "$(get dead reason)" '^panic: sysrq' 'its reason'
	has "$($PROBE core-find "$MK_FS/instances/dead/vmcore" "sysrq triggered crash")" . "its core"
	wait_until 'web hears that it has ended' knows_dead_no_more
	ok mkctl rm dead
}

one_dies_and_starts_anew()
{
	mk_send web 'echo c > /proc/sysrq-trigger'
	wait_for_state web crashed
	has "$(get web reason)" '^panic: sysrq' 'its reason'
	has "$($PROBE core-find "$MK_FS/instances/web/vmcore" "sysrq triggered crash")" . "its core"
	# The image is the one that the first host has loaded
	mk_start web
	ok answers web
}

the_other_one_shuts_down()
{
	ok mkctl stop db --timeout "$MK_LIMIT"
	is "$(get db state)" loaded 'state'
	is "$(get db reason)" poweroff 'reason'
}

all_is_the_hosts_again()
{
	ok mkctl rm -f web
	ok mkctl rm -f db
	is "$(cat "$MK_CPUS/online")" "$(cat "$MK_CPUS/present")" 'CPUs online'
	is "$(cat "$MK_FS/pool/quarantine")" '' 'quarantine'
	is "$(dmesg | grep -E 'multikernel: .*(in quarantine|lost|taken over)' || :)" '' 'complaints'
}

# With test.other
none_has_been_left()
{
	is "$(ls "$MK_FS/instances")" '' 'instances'
	is "$(cat "$MK_CPUS/online")" "$(cat "$MK_CPUS/present")" 'CPUs online'
}

mkdir -p "$MK_TMP"
if [ "$COUNT" = 0 ]; then
	echo 'TAP version 13'
	if [ "$OTHER" = 1 ]; then
		echo 1..3
	else
		echo "1..$(planned)"
	fi
	check instances_run
elif [ "$OTHER" = 1 ]; then
	check none_has_been_left
	exit 0
else
	check they_run_on
	check they_have_not_stood_still
	check the_host_has_the_other_cpus
	if all_of_it "$COUNT"; then
		check they_can_be_reached
		check cpus_and_memory_move
	fi
	if [ "$COUNT" = 1 ]; then
		check who_did_not_run_is_not_there
		check who_has_died_meanwhile_is_known_to
	fi
fi
if [ "$COUNT" -lt "$KEXECS" ]; then
	check the_next_kernel_is_loaded
	mkprobe kexec
	echo "not ok $((TESTS + 1)) there is a next kernel"
	exit 1
fi
check one_dies_and_starts_anew
check the_other_one_shuts_down
check all_is_the_hosts_again
