#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Measures what it costs to move CPUs and memory between running kernels, and to run many
# of them, each beside a reference in the same machine. Rows as those of bench.sh. Run by
# dev/bench: "elastic" on a machine of four CPUs, "many" on one of eighteen.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
mkdir -p "$MK_TMP"
TURNS=${MK_BENCH_TURNS:-5}
BLOCK=128
INST=$MK_FS/instances

die() { echo "bench: $*" >&2; mk_diagnose >&2; exit 1; }

# The median of the numbers of a file
middle() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# took FILE TEXT...: microseconds of these writes
took() { mkprobe timed "$@" || die "could not write: $*"; }

now_ms() { awk '{ printf "%.0f\n", $1 * 1000 }' /proc/uptime; }

row() { echo "ROW $1 $2 $3 $4 $5 -"; }

# A CPU to an instance, and back: one takes a CPU offline here and brings it online
# there, as its reference does here.
cpu_move()
{
	local turn online=$MK_CPUS/cpu$2/online cpus=$INST/web/cpus

	for turn in $(seq "$TURNS"); do
		took "$online" 0 "$online" 1 >> "$MK_TMP/ref"
		took "$cpus" "$1-$2" "$cpus" "$1" | awk '{ print $1 / 2 }' >> "$MK_TMP/move"
	done
	row cpu_move "$(middle "$MK_TMP/move")" us "$(middle "$MK_TMP/ref")" $((2 * TURNS))
}

# The number of the memory block that was given last
block_of()
{
	local range

	range=$(tail -n 1 $INST/web/memory.map)
	range=${range%-*}
	echo $((range / (BLOCK * 1048576)))
}

# So much memory to an instance and back, without the time in which it is zeroed, beside
# offline and online of the same memory here. Zeroing is most of it, so each is
# measured by itself, often, and the medians are added up.
memory_move()
{
	local turn state memory=$INST/web/memory size=$((BLOCK * 1048576)) zero give take

	[ "0x$(cat /sys/devices/system/memory/block_size_bytes)" = "$(printf '0x%x' $size)" ] ||
		die 'memory blocks are of another size'
	# The first time the machine itself gets its memory from what emulates it
	took $memory $((256 + BLOCK))M $memory 256M > /dev/null
	for turn in $(seq $((3 * TURNS))); do
		echo "zero $size" > "$BENCH" || die 'no zero'
		sed -n 's/^ns //p' "$BENCH" >> "$MK_TMP/zero"
		took $memory $((256 + BLOCK))M >> "$MK_TMP/give"
		state=/sys/devices/system/memory/memory$(block_of)/state
		took $memory 256M >> "$MK_TMP/take"
		took "$state" offline "$state" online >> "$MK_TMP/mref"
	done
	zero=$(($(middle "$MK_TMP/zero") / 1000))
	give=$(middle "$MK_TMP/give") take=$(middle "$MK_TMP/take")
	row memory_zero $zero us - $((3 * TURNS))
	row memory_move $((give + take - 2 * zero)) us "$(middle "$MK_TMP/mref")" $((3 * TURNS))
}

# init_after NAME TSC: the time stamp at which its init began, if that was later
init_after()
{
	mkctl logs "$1" | sed -nE 's/.*init reached.* tsc ([0-9]+).*/\1/p' |
		awk -v from="$2" '$1 > from { print; n = 1 } END { exit !n }'
}

# start_of NAME: ticks of the time-stamp counter from "start" to its init
start_of()
{
	local from

	from=$(mkprobe tsc)
	ok mkctl start "$1" --wait --timeout "$MK_LIMIT" >&2 || die "$1 did not start"
	wait_until "init of $1" init_after "$1" "$from" || die "$1 has no userspace"
	echo $(($(init_after "$1" "$from") - from))
}

# All in turn, so that each of them sees the same noise
start_all()
{
	local n ticks

	for n in $(seq 16); do
		ticks=$(start_of "k$n") || exit 1
		echo "$ticks" >> "$MK_TMP/start.$n"
	done
}

kill_all()
{
	local n

	for n in $(seq 16); do
		mkctl kill "k$n"
	done
}

# ms TICKS
ms() { awk -v t="$1" -v khz="$khz" 'BEGIN { printf "%.0f", t / khz }'; }

many()
{
	local n cpu before after kept turn from khz

	mk_create warm "$(last_cpus 1)" 128M && mk_load warm && mk_start warm && mkctl rm -f warm ||
		die 'the first did not start'
	from="$(mkprobe tsc) $(now_ms)"
	before=$(host_free)
	n=0
	for cpu in $(each_cpu "$(last_cpus 16)"); do
		n=$((n + 1))
		mk_create "k$n" "$cpu" 128M >&2 || die "no k$n"
		mk_load "k$n" >&2 || die "k$n has no image"
	done
	for turn in $(seq "$TURNS"); do
		[ "$turn" = 1 ] || kill_all
		start_all
		[ "$turn" != 1 ] || after=$(host_free)
	done
	kept=$(awk '/^(kernel|initrd)_size/ { s += $2 } END { print s }' $INST/k1/image)
	khz=$(echo "$from $(mkprobe tsc) $(now_ms)" | awk '{ printf "%d", ($3 - $1) / ($4 - $2) }')
	for n in 8 16; do
		echo "  start $n: $(tr '\n' ' ' < "$MK_TMP/start.$n")of $(tr '\n' ' ' < "$MK_TMP/start.1")" >&2
	done
	n=$(middle "$MK_TMP/start.1")
	row start_8 "$(ms "$(middle "$MK_TMP/start.8")")" ms "$(ms "$n")" "$TURNS"
	row start_flat "$(ms "$(middle "$MK_TMP/start.16")")" ms "$(ms "$n")" "$TURNS"
	row instance_overhead_bytes \
		$(((before - after) * 1024 / 16 - 128 * 1048576 - kept)) bytes 1048576 16
}

case $1 in
elastic)
	cpu=$(last_cpus 2)
	mk_boot web "${cpu%,*}" 256M >&2 || die 'the instance did not start'
	cpu_move "${cpu%,*}" "${cpu#*,}"
	memory_move ;;
many)
	many ;;
esac
mk_cleanup >&2
