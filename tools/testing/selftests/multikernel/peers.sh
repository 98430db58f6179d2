#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The host and two instances hear of each other, and of each end and start, in
# order. Needs debugfs, and CONFIG_MULTIKERNEL_BENCH for the calls.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
BOTH=$(last_cpus 2) || :
A=${BOTH%,*}
B=${BOTH#*,}

# debug WHICH FILE
debug()
{
	if [ "$1" = host ]; then
		cat "$MK_DEBUG/$2"
	else
		mk_run "$1" "cat $MK_DEBUG/$2"
	fi
}

# Peers as WHICH knows them: names and epochs, in one line.
peers() { debug "$1" peers | cut -d' ' -f1,3 | paste -s -d, -; }

knows() { [ "$(peers "$1")" = "$2" ]; }

# sees WHICH PEERS: after a while
sees()
{
	wait_until "$1 knows $2" knows "$1" "$2" ||
		{ note "it knows $(peers "$1")"; return 1; }
}

# heard WHICH EVENTS: the last of them, in this order
heard()
{
	local n

	n=$(printf '%s\n' "$2" | tr ',' '\n' | wc -l)
	is "$(debug "$1" peer_events | tail -n "$n" | cut -d' ' -f1,2,4 | paste -s -d, -)" \
		"$2" "what $1 has heard last"
}

# Each life begins before it ends, and ends before the next one begins.
in_order()
{
	debug "$1" peer_events > "$MK_TMP/events"
	awk '
		$1 == "up" && ($2 in up || $4 <= last[$2]) { bad = 1; print "twice: " $0 }
		$1 == "up" { up[$2] = $4; last[$2] = $4 }
		$1 == "down" && up[$2] != $4 { bad = 1; print "not up: " $0 }
		$1 == "down" { delete up[$2] }
		END { exit bad }' "$MK_TMP/events" ||
		{ note "$1 has heard:"; note "$(cat "$MK_TMP/events")"; return 1; }
}

two_instances_start()
{
	if [ ! -r $MK_DEBUG/peers ] || [ ! -w $BENCH ]; then
		skip 'needs CONFIG_MULTIKERNEL_BENCH'
	fi
	mk_boot a "$A"
	sees a 'host 1'
	is "$(peers host)" 'a 1' 'peers of the host'
	mk_boot b "$B"
	heard host 'up a 1,up b 1'
}

each_knows_the_others()
{
	sees host 'a 1,b 1'
	sees a 'host 1,b 1'
	sees b 'host 1,a 1'
	heard a 'up host 1,up b 1'
	is "$(debug b peers | sed -n 's/^a \([0-9]*\) .*/\1/p')" "$(get a id)" 'id of a'
}

killed_and_started()
{
	ok mkctl kill a
	sees host 'b 1'
	sees b 'host 1'
	heard host 'up a 1,up b 1,down a 1'
	heard b 'down a 1'
	mk_start a
	sees b 'host 1,a 2'
	sees a 'host 1,b 1'
	heard host 'down a 1,up a 2'
	heard b 'down a 1,up a 2'
}

# Faster than anybody has to hear of it.
many_lives()
{
	for _ in 1 2 3 4 5; do
		ok mkctl kill a
		ok mkctl start a --wait --timeout "$MK_LIMIT"
	done
	mk_send a 'echo c > /proc/sysrq-trigger'
	wait_for_state a crashed
	mk_start a
	sees host 'a 8,b 1'
	sees b 'host 1,a 8'
	in_order host
	in_order b
	heard host 'down a 7,up a 8'
}

# What never says hello was never there.
a_start_that_comes_to_nothing()
{
	ok mkctl kill a
	sees b 'host 1'
	ok mkctl start a
	ok mkctl kill a
	ok mkctl start a --wait --timeout "$MK_LIMIT"
	mk_login a
	sees b 'host 1,a 10'
	heard host 'down a 8,up a 10'
	in_order b
}

greeted() { [ "$(value greeted "$(debug "$1" bench)")" = "$2" ]; }

# Notifiers connect to those who come, in the host and in both instances, while
# all greet each other.
notifiers_may_connect()
{
	local k

	for k in host a b; do
		bench "$k" 'greet 5' > /dev/null
		wait_until "$k has greeted two" greeted "$k" 2
	done
	ok mkctl kill a
	mk_start a
	bench a 'greet 5' > /dev/null
	for k in a:2 b:3 host:3; do
		wait_until "greetings of $k" greeted "${k%:*}" "${k#*:}"
		is "$(value ungreeted "$(debug "${k%:*}" bench)")" 0 "failures of ${k%:*}"
	done
	for k in host a b; do
		bench "$k" x > /dev/null || :
	done
	wait_until 'all channels are closed' no_channels
}

no_channels() { [ "$(get a stats/channels)" = 0 ] && [ "$(get b stats/channels)" = 0 ]; }

# Killed at any moment of what a notifier does.
notifiers_meet_the_dying()
{
	bench host 'greet 2000' > /dev/null
	bench b 'greet 2000' > /dev/null
	for _ in 1 2 3 4 5; do
		ok mkctl kill a
		ok mkctl start a --wait --timeout "$MK_LIMIT"
	done
	mk_login a
	bench host x > /dev/null || :
	bench b x > /dev/null || :
	sees b "host 1,a $(counter a events starts)"
	in_order host
	in_order b
	wait_until 'all channels are closed' no_channels
}

another_of_the_same_id()
{
	local id

	id=$(get a id)
	ok mkctl rm -f a
	ok mkctl create c
	is "$(put c id "$id")" OK 'the id of a for c'
	is "$(put c cpus "$A")" OK 'its CPU'
	is "$(put c memory "$MK_MEM")" OK 'its memory'
	mk_load c
	mk_start c
	sees b 'host 1,c 1'
	heard b "down a $(debug b peer_events | sed -n 's/^down a .* //p' | tail -n 1),up c 1"
	in_order host
	in_order b
}

# Who is alone with the host gets no message.
it_is_silent_then()
{
	wait_until 'it is quiet for five seconds' quiet_for 5
}

received() { cat "$MK_FS"/instances/[bc]/stats/messages_* | paste -s -d' ' -; }

quiet_for()
{
	local before end

	before=$(received) end=$(($(now) + $1))
	wait_until "$1 s pass" eval "[ \$(now) -ge $end ]"
	[ "$(received)" = "$before" ]
}

mk_main \
	two_instances_start \
	each_knows_the_others \
	killed_and_started \
	many_lives \
	a_start_that_comes_to_nothing \
	notifiers_may_connect \
	notifiers_meet_the_dying \
	another_of_the_same_id \
	it_is_silent_then
