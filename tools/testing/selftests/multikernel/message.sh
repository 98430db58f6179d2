#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Messages between host and instance: none is lost, they are counted, and an
# instance that is left alone gets no doorbell.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
CPU=$(last_cpus 1) || :

stat_of()
{
	get web "stats/$1"
}

an_instance_starts()
{
	mk_boot web "$CPU"
}

a_thousand_round_trips_lose_none()
{
	local sent received

	sent=$(stat_of messages_sent) received=$(stat_of messages_received)
	is "$(put web nop 1000)" OK 'writing 1000 to nop'
	is "$(counter web nop rounds)" 1000 'rounds'
	is "$(counter web nop lost)" 0 'lost'
	note "$(get web nop)"
	between $((sent + 1000)) "$(stat_of messages_sent)" $((sent + 2000)) \
		'messages sent'
	between $((received + 1000)) "$(stat_of messages_received)" \
		$((received + 2000)) 'messages received'
	is "$(stat_of bad_messages)" 0 'bad messages'
}

times_are_in_order()
{
	local min median max

	is "$(put web nop 100)" OK 'writing 100 to nop'
	min=$(counter web nop min_ns)
	median=$(counter web nop median_ns)
	max=$(counter web nop max_ns)
	between 1 "$min" "$median" 'the least of the times'
	between "$min" "$median" "$max" 'the median'
}

one_is_enough()
{
	is "$(put web nop 1)" OK 'writing 1 to nop'
	is "$(counter web nop rounds)" 1 'rounds'
}

nonsense_is_refused()
{
	refused -m '1 to 1000000 rounds, not 0' EINVAL 'no round at all' put web nop 0
	refused -m '1 to 1000000 rounds, not 1000001' EINVAL 'more than a million' put web nop 1000001
	refused -m 'is not a number of rounds' EINVAL 'a word' put web nop many
	refused -m 'is not a number of rounds' EINVAL 'a negative number' put web nop -1
}

messages_go_on_beside_the_console()
{
	mk_send web 'seq 1 20000; echo MK""DONE'
	is "$(put web nop 1000)" OK 'writing 1000 to nop'
	is "$(counter web nop lost)" 0 'lost'
	wait_until 'the end of the output' \
		grep -q MKDONE "$MK_FS/instances/web/log"
	is "$(stat_of bad_messages)" 0 'bad messages'
}

messages_go_on_when_the_instance_is_busy()
{
	mk_run web 'for i in 1 2 3 4; do (while :; do :; done) & done'
	is "$(put web nop 200)" OK 'writing 200 to nop'
	is "$(counter web nop lost)" 0 'lost'
	ok mkctl kill web
	mk_start web
}

several_at_once()
{
	local i pids=

	for i in 1 2 3 4; do
		mkctl ping web -c ${i}00 > "$MK_TMP/ping.$i" 2>&1 & pids="$pids $!"
	done
	for i in $pids; do
		wait "$i" || { note "$(cat "$MK_TMP"/ping.*)"; return 1; }
	done
	for i in 1 2 3 4; do
		has "$(cat "$MK_TMP/ping.$i")" "^web: ${i}00 round trips, 0 lost," \
			"what ping $i says"
	done
}

first_answered()
{
	[ "$(stat_of messages_received)" -gt "$1" ]
}

# A caller in the middle of a series is told, and leaves the rings alone, which
# the next start uses anew.
a_kill_ends_a_series_of_messages()
{
	local pid before

	before=$(stat_of messages_received)
	put web nop 1000000 > "$MK_TMP/series" & pid=$!
	wait_until 'the series has begun' first_answered $((before + 10))
	ok mkctl kill web
	wait $pid || :
	is "$(cat "$MK_TMP/series")" ECONNRESET 'what the series has come to'
	mk_start web
	is "$(put web nop 100)" OK 'writing 100 to nop'
	is "$(counter web nop lost)" 0 'lost'
}

counters()
{
	local file

	for file in messages_sent messages_received doorbells_sent; do
		printf '%s %s\n' $file "$(stat_of $file)"
	done
}

# Quiet is when two looks at the counters, as many seconds apart as given,
# show the same.
quiet_for()
{
	local before end

	before=$(counters) end=$(($(now) + $1))
	wait_until "$1 s pass" eval "[ \$(now) -ge $end ]"
	[ "$(counters)" = "$before" ]
}

an_idle_instance_gets_no_message()
{
	wait_until 'it is quiet for five seconds' quiet_for 5
	ok answers web
}

nobody_there_is_no_answer()
{
	ok mkctl kill web
	refused -m ', not running' EBUSY 'messages to what does not run' put web nop 1
}

mk_main \
	an_instance_starts \
	a_thousand_round_trips_lose_none \
	times_are_in_order \
	one_is_enough \
	nonsense_is_refused \
	messages_go_on_beside_the_console \
	messages_go_on_when_the_instance_is_busy \
	several_at_once \
	a_kill_ends_a_series_of_messages \
	an_idle_instance_gets_no_message \
	nobody_there_is_no_answer
