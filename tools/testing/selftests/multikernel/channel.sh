#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Channels to a named service, between the host and an instance and between
# two instances: nothing is lost or out of order, a peer that dies ends what
# waits for it, and nothing is left behind. Needs CONFIG_MULTIKERNEL_BENCH.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
BOTH=$(last_cpus 2) || :
A=${BOTH%,*}
B=${BOTH#*,}

# refuses FROM LINE WORDS: it ends with this error
refuses()
{
	has "$(bench "$1" "$2" || :)" "$3" "'$2' in $1"
}

two_instances_start()
{
	if [ ! -w $BENCH ]; then
		skip 'needs CONFIG_MULTIKERNEL_BENCH'
	fi
	mk_boot a "$A"
	mk_boot b "$B"
	mk_login a
	mk_login b
}

host_to_instance() { flows host a 64 20000; }

instance_to_host() { flows a host 64 20000; }

# The host carries what the two ask of it, and not what they say.
instance_to_instance()
{
	local before after

	before=$(get a stats/messages_received)
	flows a b 64 20000
	flows b a 64 20000
	after=$(get a stats/messages_received)
	between "$before" "$after" $((before + 100)) 'messages from a to the host'
}

messages_of_any_length()
{
	local size

	for size in 16 119 120 121 240 241 4096 65536; do
		flows host a "$size" 200
		flows a host "$size" 200
		flows a b "$size" 200
	done
	refuses host 'stream a 65537 1' 'Message too long'
	refuses a 'stream host 65537 1' 'Message too long'
	refuses a 'stream b 65537 1' 'Message too long'
	flows host a 65536 1
}

# In pages, lent and handed over, also when they are few.
pages_change_hands()
{
	local size

	for size in 16 4096 4097 300000 4194304; do
		flows host a "$size" 20 pages
		flows a host "$size" 20 pages
		flows a b "$size" 20 pages
	done
	flows a b 4096 5000 pages
	flows host a 1048576 100 give
	flows b a 1048576 100 give
	refuses host 'pages a 4194305 1' 'Message too long'
	is "$(get a stats/bad_messages)" 0 'bad messages of a'
	is "$(get b stats/bad_messages)" 0 'bad messages of b'
}

# timed FROM LINE ROUNDS
timed()
{
	local out

	out=$(bench "$1" "$2") || :
	is "$(value rounds "$out")" "$3" "rounds of '$2' in $1: $out"
	between 1 "$(value min "$out")" "$(value median "$out")" 'least of the times'
	between 1 "$(value median "$out")" "$(value max "$out")" 'median of the times'
}

calls_are_answered()
{
	timed host 'rtt a 64 200' 200
	timed a 'rtt host 64 200' 200
	timed a 'rtt b 1000 200' 200
	timed host 'irq a 64 200' 200
	timed b 'irq host 64 200' 200
}

polled_calls_are_answered()
{
	timed host 'poll a 64 200' 200
	timed a 'poll host 64 200' 200
	timed b 'raw a 0 200' 200
}

nonsense_is_refused()
{
	refuses host 'rtt nobody 64 1' 'No such file'
	refuses a 'rtt nobody 64 1' 'No such file'
	refuses a 'rtt a 64 1' 'Invalid argument'
	refuses host 'rtt host 64 1' 'Invalid argument'
	mk_create idle ''
	refuses host 'rtt idle 64 1' 'Host is down'
	refuses a 'rtt idle 64 1' 'Host is down'
	rmdir "$MK_FS/instances/idle"
}

# One call in each direction, as the kernels' own tracepoints show it.
it_can_be_watched()
{
	local what trace=/sys/kernel/tracing

	if [ ! -d $trace/events/multikernel ]; then
		skip 'needs event tracing'
	fi
	echo > $trace/trace
	echo 1 > $trace/events/multikernel/enable
	# The first one may find the other side still awake
	bench host 'rtt a 64 20' > /dev/null
	wait_until 'all channels are closed' no_channels
	echo 0 > $trace/events/multikernel/enable
	cat $trace/trace > "$MK_TMP/trace"
	for what in 'mk_connected: .*from= to=a service=bench' 'mk_send: .*type=0x4000 len=64' \
		    'mk_receive: .*type=0x5000 len=64' 'mk_ring: .*cause=0x4 ' \
		    'mk_disconnected: .*from= to=a service=bench'; do
		has "$(cat "$MK_TMP/trace")" "$what" 'the trace'
	done
}

no_channels() { [ "$(get a stats/channels)" = 0 ] && [ "$(get b stats/channels)" = 0 ]; }

# Memory of 200 connections would be 26 MB.
nothing_is_left_behind()
{
	local before i

	wait_until 'all channels are closed' no_channels
	before=$(host_free)
	for i in $(seq 100); do
		bench host 'rtt a 64 1' > /dev/null
	done
	mk_run a "for i in \$(seq 100); do echo rtt b 64 1 > $BENCH || echo no; done" \
		> "$MK_TMP/out"
	is "$(cat "$MK_TMP/out")" '' 'errors of the calls'
	wait_until 'all channels are closed' no_channels
	free_again "$before" 'after 200 connections'
}

# Nobody has anything to say: no doorbell rings.
doorbells() { cat "$MK_FS"/instances/[ab]/stats/doorbells_* | paste -s -d ' ' -; }

quiet_for()
{
	local before end

	before=$(doorbells) end=$(($(now) + $1))
	wait_until "$1 s pass" eval "[ \$(now) -ge $end ]"
	[ "$(doorbells)" = "$before" ]
}

an_open_channel_is_silent()
{
	bench host 'hold a'
	mk_run a "echo hold b > $BENCH"
	is "$(get a stats/channels)" 2 'channels of a'
	is "$(get b stats/channels)" 1 'channels of b'
	wait_until 'it is quiet for five seconds' quiet_for 5
	bench host x > /dev/null || :
	mk_run a "echo x > $BENCH" > /dev/null || :
	wait_until 'all channels are closed' no_channels
}

sends_to() { [ "$(get "$1" stats/bytes_sent)" -gt $(($2 + 100000)) ]; }

# Without it 10 million messages would take minutes.
a_dead_peer_ends_a_stream()
{
	local before pid begin

	before=$(get a stats/bytes_sent)
	bench host 'stream a 64 10000000' > "$MK_TMP/stream" & pid=$!
	wait_until 'it has begun' sends_to a "$before"
	begin=$(now)
	ok mkctl kill a
	wait "$pid" && { note 'the stream ended as if all had been sent'; return 1; }
	between 0 $(($(now) - begin)) 20 's until the stream ended'
	has "$(cat "$MK_TMP/stream")" 'not connected\|reset by peer' 'the error'
	wait_until 'all channels are closed' no_channels
}

sends_pages_to() { [ "$(get "$1" stats/messages_sent)" -gt $(($2 + 20)) ]; }

# Pages that the dead peer had come back to the host with the connection.
a_dead_peer_ends_pages()
{
	local before pid

	wait_until 'all channels are closed' no_channels
	before=$(get a stats/messages_sent)
	bench host 'pages a 300000 1000000' > "$MK_TMP/stream" & pid=$!
	wait_until 'it has begun' sends_pages_to a "$before"
	ok mkctl kill a
	wait "$pid" && { note 'the pages ended as if all had been sent'; return 1; }
	has "$(cat "$MK_TMP/stream")" 'not connected\|reset by peer' 'the error'
	wait_until 'all channels are closed' no_channels
	mk_start a
	mk_login a
	before=$(host_free)
	flows host a 300000 20 pages
	wait_until 'all channels are closed' no_channels
	free_again "$before" 'after pages changed hands'
}

it_comes_back()
{
	mk_start a
	mk_login a
	flows host a 64 1000
	flows a host 64 1000
	flows b a 64 1000
}

a_dead_instance_ends_a_stream_of_another()
{
	local end

	mk_send b "{ echo stream a 64 10000000 > $BENCH; echo ended; } 2>&1 | paste -s -d, -"
	wait_until 'it has begun' eval '[ "$(get a stats/channels)" = 1 ]'
	ok mkctl kill a
	wait_until 'the other hears of it' eval \
		'mkctl logs b | grep -q "\(not connected\|reset by peer\).*ended"'
	wait_until 'all channels are closed' no_channels
	ok answers b
}

# It is killed at another point of a row of connections each time, while another
# instance connects to it as well.
deaths_at_any_moment()
{
	local before i n

	mk_start a
	before=$(host_free)
	for i in 1 2 3 4 5 6 7 8 9; do
		mk_send b "for i in 1 2 3 4 5 6 7 8 9; do echo rtt a 64 1 > $BENCH; done 2> /dev/null"
		for n in 1 2 3 4 5 6 7 8 9; do
			bench host 'rtt a 64 1' > /dev/null || :
			[ "$n" != "$i" ] || ok mkctl kill a
		done
		wait_until 'all channels are closed' no_channels
		mk_start a
	done
	mk_login b
	flows b a 64 1000
	flows host a 64 1000
	wait_until 'all channels are closed' no_channels
	free_again "$before" 'after all deaths'
}

mk_main \
	two_instances_start \
	host_to_instance \
	instance_to_host \
	instance_to_instance \
	messages_of_any_length \
	pages_change_hands \
	calls_are_answered \
	polled_calls_are_answered \
	nonsense_is_refused \
	it_can_be_watched \
	an_open_channel_is_silent \
	nothing_is_left_behind \
	a_dead_peer_ends_a_stream \
	it_comes_back \
	a_dead_peer_ends_pages \
	a_dead_instance_ends_a_stream_of_another \
	deaths_at_any_moment
