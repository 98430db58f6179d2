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

# start_of NAME: milliseconds from "start" to its hello, when it has reached userspace
start_of()
{
	local from to

	from=$(awk '{ print $1 * 1000 }' /proc/uptime)
	ok mkctl start "$1" --wait --timeout "$MK_LIMIT" >&2 || die "$1 did not start"
	mk_login "$1" >&2 || die "$1 has no shell"
	to=$(awk '{ print $1 * 1000 }' /proc/uptime)
	echo $((to - from))
}

# start_times NAME FILE: of several starts
start_times()
{
	local turn

	for turn in $(seq "$TURNS"); do
		start_of "$1" >> "$2"
		[ "$turn" = "$TURNS" ] || mkctl kill "$1"
	done
}

many()
{
	local n cpu before after kept

	mk_create warm "$(last_cpus 1)" 128M && mk_load warm && mk_start warm && mkctl rm -f warm ||
		die 'the first did not start'
	before=$(host_free)
	n=0
	for cpu in $(each_cpu "$(last_cpus 16)"); do
		n=$((n + 1))
		mk_create "k$n" "$cpu" 128M >&2 || die "no k$n"
		mk_load "k$n" >&2 || die "k$n has no image"
		case $n in
		1|8|16) start_times "k$n" "$MK_TMP/start.$n" ;;
		*) start_of "k$n" > /dev/null ;;
		esac
	done
	after=$(host_free)
	kept=$(awk '/^(kernel|initrd)_size/ { s += $2 } END { print s }' $INST/k1/image)
	row start_8 "$(middle "$MK_TMP/start.8")" ms "$(middle "$MK_TMP/start.1")" "$TURNS"
	row start_flat "$(middle "$MK_TMP/start.16")" ms "$(middle "$MK_TMP/start.1")" "$TURNS"
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
