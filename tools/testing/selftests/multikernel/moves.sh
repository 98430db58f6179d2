#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# CPUs and memory go at random from and to the host and three instances, while all are
# busy and messages flow: nothing is lost, nothing leaks, and nobody stands still for
# longer than in plain CPU hotplug. MK_MOVES is how many moves, MK_SEED makes them others,
# MK_STRESS is a directory with bin/stress-ng and its libraries in lib.
#
# Notes a line "ROW name value unit reference n -" for each figure.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
MOVES=${MK_MOVES:-40}
STRESS=${MK_STRESS:-}
ALL="a b c"
CPUS=$(last_cpus 7) || :
# The first three are the instances' own, the others go round
OWN=$(echo "$CPUS" | cut -d, -f1-3 | tr , ' ')
LOOSE=$(echo "$CPUS" | cut -d, -f4- | tr , ' ')
ONLINE=$(cat "$MK_CPUS/online")
# In the instances, too
PROBE=$(command -v mkprobe) || :

# What an instance does by itself, from its start on: it is busy, watches for gaps, and
# talks to a peer as soon as /go is there, until /stop is.
load_script()
{
	cat <<END
s=/load/stress
if [ -d \$s ]; then
	setsid \$s/lib/ld-linux-x86-64.so.2 --library-path \$s/lib \$s/bin/stress-ng \\
		--cpu 1 --vm 1 --vm-bytes 32M --switch 1 --temp-path /tmp > /stress.log 2>&1 &
else
	while :; do :; done &
	while :; do head -c 16M /dev/zero | tail -n 1 > /dev/null; done &
fi
while :; do $PROBE gaps > /gaps; done &
case \$1 in
a) peer=host ;;
b) peer=c ;;
*) exit ;;
esac
until [ -e /go ]; do usleep 100000; done
# Of a peer that has just come the others hear a moment later
until echo stream \$peer 64 1 > $BENCH; do usleep 100000; done 2> /dev/null
until [ -e /stop ]; do
	if echo stream \$peer 64 2000 > $BENCH; then cat $BENCH; else echo failed; fi
	usleep 200000
done > /talk 2>&1
: > /stopped
END
}

# An archive behind the initramfs: a kernel unpacks one after the other.
initrd_with_load()
{
	mkdir -p "$MK_TMP/add/load"
	load_script > "$MK_TMP/add/load/run"
	[ -z "$STRESS" ] || ln -s "$STRESS" "$MK_TMP/add/load/stress"
	{
		cat "$MK_INITRD"
		(cd "$MK_TMP/add" && find load -follow | cpio -o -L -H newc 2> /dev/null) | gzip
	} > "$MK_TMP/initrd"
	MK_INITRD=$MK_TMP/initrd
}

three_instances_start()
{
	local k cpu

	[ -w $BENCH ] || skip 'needs CONFIG_MULTIKERNEL_BENCH'
	[ "$(count_cpus "$CPUS")" -ge 5 ] || skip 'needs five CPUs to give'
	initrd_with_load
	host_free > "$MK_TMP/free"
	set -- $OWN
	for k in $ALL; do
		cpu=$1
		shift
		mk_boot "$k" "$cpu" 512M "init.run=\"sh /load/run $k\""
	done
	# What its kernel leaves of it, which is less where all is checked
	kb_inside a > "$MK_TMP/kb"
}

all_are_busy()
{
	local k

	for k in $ALL; do
		[ -z "$STRESS" ] || wait_until "stress-ng is at work in $k" \
			mk_run "$k" 'grep -q dispatching /stress.log'
		mk_run "$k" ': > /go'
	done
	for k in a b; do
		wait_until "$k talks" mk_run "$k" 'grep -q sent /talk'
	done
}

# Of all that watch for gaps, the longest since the last call, in ms
longest_gap()
{
	local k

	for k in $ALL; do
		mk_run "$k" 'tail -n 1 /gaps; killall mkprobe'
	done | sort -n | tail -n 1
}

# The reference: CPUs go offline and online here, as often as they will move.
plain_hotplug()
{
	local cpu

	longest_gap > /dev/null
	for _ in $(seq $((MOVES / 4 + 1))); do
		for cpu in $LOOSE; do
			echo 0 > "$MK_CPUS/cpu$cpu/online"
			echo 1 > "$MK_CPUS/cpu$cpu/online"
		done
	done
	longest_gap > "$MK_TMP/gap.plain"
	note "longest gap of plain hotplug: $(cat "$MK_TMP/gap.plain") ms"
}

# owner CPU: who has it
owner()
{
	local k

	for k in $ALL; do
		each_cpu "$(get "$k" cpus)" | grep -qx "$1" && echo "$k" && return
	done
	echo host
}

# mb NAME: its memory
mb() { echo $(($(bytes "$(get "$1" memory)") / 1048576)); }

# A line "KIND THING FROM TO" for each move
plans()
{
	awk -v n="$MOVES" -v seed="${MK_SEED:-1}" -v loose="$LOOSE" 'BEGIN {
		srand(seed)
		cpus = split(loose, cpu, " ")
		split("host a b c", who, " ")
		for (i = 0; i < n; i++)
			if (rand() < 0.7)
				print "cpu", cpu[1 + int(rand() * cpus)], who[1 + int(rand() * 4)]
			else
				print "memory", who[1 + int(rand() * 4)], who[1 + int(rand() * 4)]
	}'
}

# move_cpu CPU TO: from wherever it is
move_cpu()
{
	local from

	from=$(owner "$1")
	[ "$from" != "$2" ] || { echo OK; return; }
	if [ "$from" = host ]; then
		put "$2" cpus "$(get "$2" cpus),$1"
	elif [ "$2" = host ]; then
		put "$from" cpus "$(each_cpu "$(get "$from" cpus)" | grep -vx "$1" | paste -s -d, -)"
	else
		put "$from" move "cpus $1 $2"
	fi
}

# move_memory FROM TO: a block of 128 MiB, as long as it leaves 384
move_memory()
{
	if [ "$1" = "$2" ]; then
		echo OK
	elif [ "$1" = host ]; then
		[ "$(mb "$2")" -lt 1024 ] || { echo OK; return; }
		put "$2" memory $(($(mb "$2") + 128))M
	elif [ "$(mb "$1")" -le 512 ]; then
		echo OK
	elif [ "$2" = host ]; then
		put "$1" memory $(($(mb "$1") - 128))M
	else
		put "$1" move "memory 128M $2"
	fi
}

# An instance may keep a block that it uses; everything else is granted.
random_moves()
{
	local what x y got n=0 kept=0

	longest_gap > /dev/null
	plans > "$MK_TMP/plans"
	while read -r what x y; do
		n=$((n + 1))
		got=$(move_$what "$x" "$y" < /dev/null) || :
		case $what-$got in
		*-OK) ;;
		memory-EBUSY) kept=$((kept + 1)) ;;
		*) note "move $n, $what $x $y: $got: $(last_error)"; return 1 ;;
		esac
	done < "$MK_TMP/plans"
	is "$n" "$MOVES" 'moves'
	longest_gap > "$MK_TMP/gap.moves"
	note "$n moves, $kept of them refused as memory was in use"
	note "longest gap: $(cat "$MK_TMP/gap.moves") ms"
	note "ROW moves_refused $kept moves - $n -"
}

# A second more than plain hotplug has
nobody_stood_still()
{
	note "ROW moves_longest_gap $(cat "$MK_TMP/gap.moves") ms $(cat "$MK_TMP/gap.plain") $MOVES -"
	between 0 "$(cat "$MK_TMP/gap.moves")" $(($(cat "$MK_TMP/gap.plain") + 1000)) \
		'longest gap in ms'
}

all_have_what_is_theirs()
{
	local k least

	least=$(cat "$MK_TMP/kb")
	for k in $ALL; do
		is "$(cpus_inside "$k")" "$(count_cpus "$(get "$k" cpus)")" "CPUs of $k"
		between $(($(mb "$k") * least / 524288 - 16)) $(($(kb_inside "$k") / 1024)) \
			"$(mb "$k")" "MiB of $k"
	done
	is "$({ each_cpu "$(cat "$MK_CPUS/online")"
		for k in $ALL; do each_cpu "$(get "$k" cpus)"; done; } | sort -n | paste -s -d, -)" \
		"$(each_cpu "$ONLINE" | paste -s -d, -)" 'all CPUs, each once'
	is "$(cat "$MK_FS/pool/quarantine")" '' 'quarantine'
}

no_message_is_lost()
{
	local k sum lost=0 sent=0 failed

	for k in a b; do
		mk_run "$k" ': > /stop'
		wait_until "$k has said all" mk_run "$k" '[ -e /stopped ]'
		sum=$(mk_run "$k" "awk '/^failed/ { f++ } \$1 == \"sent\" { s += \$2 } \$1 == \"received\" { r += \$2 } \$1 == \"misplaced\" || \$1 == \"damaged\" { d += \$2 } END { print s + 0, s - r + d, f + 0 }' /talk")
		note "$k: sent, lost, failed: $sum"
		failed=${sum##* }
		[ "$failed" = 0 ] || note "$(mk_run "$k" 'grep -n -B 2 -A 2 ^failed /talk')"
		is "$failed" 0 "calls of $k that failed"
		sent=$((sent + ${sum%% *}))
		sum=${sum#* }
		lost=$((lost + ${sum% *}))
	done
	note "ROW moves_messages_lost $lost messages - $sent -"
	is "$lost" 0 'messages that were lost, moved or damaged'
	between 2000 "$sent" 999999999 'messages sent'
}

nothing_leaks()
{
	local k

	for k in $ALL; do
		ok mkctl rm -f "$k"
	done
	is "$(cat "$MK_CPUS/online")" "$ONLINE" 'CPUs online'
	free_again "$(cat "$MK_TMP/free")" 'after all moves'
	note "ROW moves_leaked_kb $(($(cat "$MK_TMP/free") - $(host_free))) kB $(slack) $MOVES -"
}

mk_main \
	three_instances_start \
	all_are_busy \
	plain_hotplug \
	random_moves \
	nobody_stood_still \
	all_have_what_is_theirs \
	no_message_is_lost \
	nothing_leaks
