#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# As many instances as the machine has CPUs to give, up to sixteen: all run at the same
# time, know of each other, and end without a trace. And many who write at once.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
MK_MEM=${MK_MANY_MEM:-128M}
POOL=$(each_cpu "$(cat "$MK_FS/pool/cpus" 2> /dev/null)" | head -n "${MK_MANY:-16}")
COUNT=$(printf '%s\n' "$POOL" | grep -c .)
ONLINE=$(cat "$MK_CPUS/online")

# The names of all
names()
{
	local i

	for i in $(seq "$COUNT"); do
		printf 'k%02d\n' "$i"
	done
}

cpu_of() { printf '%s\n' "$POOL" | sed -n "${1#k}p"; }

each_starts()
{
	local k

	[ "$COUNT" -ge 3 ] || skip 'needs three CPUs to give'
	host_free > "$MK_TMP/free"
	for k in $(names); do
		mk_create "$k" "$(cpu_of "$k")"
		mk_load "$k"
		ok mkctl start "$k" --wait --timeout "$MK_LIMIT"
	done
	note "$COUNT instances"
}

all_run()
{
	local k

	is "$(cat "$MK_FS"/instances/*/state | sort | uniq -c | tr -s ' ')" \
		" $COUNT running" 'states'
	for k in $(names); do
		ok answers "$k"
	done
	is "$(cat "$MK_FS"/instances/*/id | sort -u | wc -l)" "$COUNT" 'different ids'
}

# Each range ends before the next one begins.
their_memory_does_not_overlap()
{
	local from to end=0

	cut -d' ' -f1 "$MK_FS"/instances/*/memory.map | while read -r line; do
		echo $((${line%-*})) $((${line#*-}))
	done | sort -n > "$MK_TMP/ranges"
	between "$COUNT" "$(wc -l < "$MK_TMP/ranges")" 1000 'ranges'
	while read -r from to; do
		between "$end" "$from" "$to" 'start of a range'
		end=$to
	done < "$MK_TMP/ranges"
}

# peers_of NAME: how many it knows
peers_of() { mk_run "$1" "wc -l < $MK_DEBUG/peers"; }

knows_all() { [ "$(peers_of "$1")" = "$COUNT" ]; }

# The host and all others
they_know_each_other()
{
	local k

	for k in k01 "$(names | tail -n 1)"; do
		mk_login "$k"
		wait_until "$k knows all" knows_all "$k" ||
			{ note "it knows $(peers_of "$k") of $COUNT"; return 1; }
	done
}

they_talk_to_each_other()
{
	local last

	[ -w $BENCH ] || skip 'needs CONFIG_MULTIKERNEL_BENCH'
	last=$(names | tail -n 1)
	flows k01 "$last" 64 1000
	flows "$last" k01 64 1000
	flows host "$last" 64 1000
	flows "$last" host 64 1000
}

crashed() { [ "$(get "$1" state)" = crashed ]; }

one_dies_and_the_others_go_on()
{
	local k

	mk_login k02
	mk_send k02 'echo c > /proc/sysrq-trigger'
	wait_until 'it is noticed' crashed k02
	for k in $(names | grep -v k02); do
		ok answers "$k"
	done
	mk_start k02
	ok answers k02
}

all_end_without_a_trace()
{
	local k

	for k in $(names); do
		ok mkctl rm -f "$k"
	done
	is "$(cat "$MK_CPUS/online")" "$ONLINE" 'CPUs online'
	free_again "$(cat "$MK_TMP/free")" 'after all of them'
	is "$(cat "$MK_FS/pool/quarantine")" '' 'quarantine'
}

# Each a new instance, on whichever CPU, of a new name and id. The allocator's caches of
# each CPU fill in the first half, and no more in the second.
thirty_two_starts_in_sequence()
{
	local i before starts=${MK_STARTS:-32}

	for i in $(seq "$starts"); do
		[ "$i" != $((starts / 2)) ] || before=$(host_free)
		ok mkctl create "s$i" --id $((2048 - i)) --memory $MK_MEM \
			--cpus "$(cpu_of k$((1 + i % COUNT)))"
		mk_load "s$i"
		ok mkctl start "s$i" --wait --timeout "$MK_LIMIT"
		ok answers "s$i"
		ok mkctl rm -f "s$i"
	done
	is "$(cat "$MK_CPUS/online")" "$ONLINE" 'CPUs online'
	free_again "$before" 'after the second half'
}

# writer N: makes, fills and removes instances of its own; a CPU that another has is refused
writer()
{
	local i

	for i in $(seq "${MK_ROUNDS:-10}"); do
		mkdir "$MK_FS/instances/w$1-$i" || return
		put "w$1-$i" memory 8M > "$MK_TMP/writer.$1" || :
		[ "$(cat "$MK_TMP/writer.$1")" = OK ] || return
		# Of all, so that they fight for them
		case $(put "w$1-$i" cpus "$(cpu_of k$((1 + (i * $1) % COUNT)))") in
		OK|EBUSY) ;;
		*) return 1 ;;
		esac
		mkprobe mkdir "$MK_FS/instances/everybody" > /dev/null || :
		mkprobe rmdir "$MK_FS/instances/everybody" > /dev/null || :
		rmdir "$MK_FS/instances/w$1-$i" || return
	done
	echo 'done' > "$MK_TMP/writer.$1"
}

eight_writers_at_once()
{
	local i before pids=

	before=$(host_free)
	for i in 1 2 3 4 5 6 7 8; do
		writer $i > "$MK_TMP/writer.$i.err" 2>&1 & pids="$pids $!"
	done
	for i in $pids; do
		wait "$i" || :
	done
	for i in 1 2 3 4 5 6 7 8; do
		is "$(cat "$MK_TMP/writer.$i")" 'done' "what writer $i came to" ||
			{ note "$(cat "$MK_TMP/writer.$i.err")"; note "$(last_error)"; return 1; }
	done
	is "$(ls "$MK_FS/instances")" '' 'instances that are left'
	is "$(cat "$MK_CPUS/online")" "$ONLINE" 'CPUs online'
	free_again "$before" 'after the writers'
}

mk_main \
	each_starts \
	all_run \
	their_memory_does_not_overlap \
	they_know_each_other \
	they_talk_to_each_other \
	one_dies_and_the_others_go_on \
	all_end_without_a_trace \
	thirty_two_starts_in_sequence \
	eight_writers_at_once
