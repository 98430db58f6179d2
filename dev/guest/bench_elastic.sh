#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Measures what it costs to move CPUs and memory between running kernels, and to run many
# of them, each beside a reference in the same machine. Rows as those of bench.sh. Run by
# dev/bench: "elastic" on a machine of four CPUs, "many" on one of eighteen.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$MK_DIR/bench-lib.sh"
BLOCK=128

# A CPU to an instance, and back: one takes a CPU offline here and brings it online
# there, as its reference does here.
cpu_move()
{
	local turn online=$MK_CPUS/cpu$2/online cpus=$INST/web/cpus

	for turn in $(seq "$TURNS"); do
		took "$online" 0 "$online" 1 >> "$MK_TMP/ref"
		took "$cpus" "$1-$2" "$cpus" "$1" | awk '{ print $1 / 2 }' >> "$MK_TMP/move"
	done
	simple_row cpu_move "$(middle "$MK_TMP/move")" us "$(middle "$MK_TMP/ref")" $((2 * TURNS))
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
	simple_row memory_zero $zero us - $((3 * TURNS))
	simple_row memory_move $((give + take - 2 * zero)) us "$(middle "$MK_TMP/mref")" $((3 * TURNS))
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

many()
{
	local n cpu before after kept turn khz

	mk_create warm "$(last_cpus 1)" 128M && mk_load warm && mk_start warm && mkctl rm -f warm ||
		die 'the first did not start'
	khz begin
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
	khz=$(khz)
	for n in 8 16; do
		echo "  start $n: $(tr '\n' ' ' < "$MK_TMP/start.$n")of $(tr '\n' ' ' < "$MK_TMP/start.1")" >&2
	done
	n=$(middle "$MK_TMP/start.1")
	simple_row start_8 "$(ms "$(middle "$MK_TMP/start.8")" "$khz")" ms "$(ms "$n" "$khz")" "$TURNS"
	simple_row start_flat "$(ms "$(middle "$MK_TMP/start.16")" "$khz")" ms "$(ms "$n" "$khz")" "$TURNS"
	simple_row instance_overhead_bytes \
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
