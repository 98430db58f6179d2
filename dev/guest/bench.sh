#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Measures messages between host and instance, each beside its reference in the
# same machine, in turns so that both see the same noise. Rows as bench-lib.sh has them.
# Run by dev/bench.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$MK_DIR/bench-lib.sh"
BENCH=/sys/kernel/debug/multikernel/bench
SOAK=${MK_BENCH_SOAK:-10000000}
SCALE=${MK_BENCH_SCALE:-200000}

# run LINE: on CPU 0, where doorbells go
run()
{
	echo "  $1" >&2
	taskset -c 0 sh -c "echo $1 > $BENCH && cat $BENCH" > "$MK_TMP/out" ||
		die "'$1' failed"
}

value() { sed -n "s/^$1 //p" "$MK_TMP/out"; }

# row NAME UNIT ROUNDS LINE REFERENCE: medians of both, in ns
row()
{

	rm -f "$MK_TMP"/v "$MK_TMP"/r "$MK_TMP"/p
	for _ in $(seq "$TURNS"); do
		run "$5 $3"
		value median >> "$MK_TMP/r"
		run "$4 $3"
		value median >> "$MK_TMP/v"
		value p99 >> "$MK_TMP/p"
	done
	echo "ROW $1 $(middle "$MK_TMP/v") $2 $(middle "$MK_TMP/r") $((TURNS * $3)) $(middle "$MK_TMP/p")"
}

doorbells() { cat "$MK_FS"/instances/a/stats/doorbells_sent "$MK_FS"/instances/a/stats/doorbells_received | awk '{ s += $1 } END { print s }'; }

# rate NAME UNIT LINE ROUNDS REFERENCE: rounds a second of both
rate()
{

	rm -f "$MK_TMP"/v "$MK_TMP"/r
	for _ in $(seq "$TURNS"); do
		run "$5 $4"
		value ns >> "$MK_TMP/r"
		run "$3 $4"
		value ns >> "$MK_TMP/v"
	done
	awk -v name="$1" -v unit="$2" -v n="$4" -v v="$(middle "$MK_TMP/v")" -v r="$(middle "$MK_TMP/r")" \
		-v turns="$TURNS" 'BEGIN { printf "ROW %s %.0f %s %.0f %d -\n",
			name, n / v * 1e9, unit, n / r * 1e9, n * turns }'
}

# laps FILE COMMAND...: how far other work gets on CPU 1, which has nothing to do with
# messages, until the command ends
laps()
{
	local pid out=$1

	shift
	mkprobe laps 1 100000 > "$out" & pid=$!
	"$@"
	awk '{ printf "%.0f\n", $1 * 1000 }' /proc/uptime > "$out.end"
	kill $pid
	wait $pid 2> /dev/null || :
}

# The reference: as many CPUs are busy as in a flood, so that this machine's own cores
# have as much to do
flood_none()
{
	local pid

	taskset -c 0 sh -c 'while :; do :; done' & pid=$!
	# shellcheck disable=SC2016 # the shell of the instance knows it
	mk_run a 'while :; do :; done & sleep 1; kill $!' > /dev/null
	kill $pid
	wait $pid 2> /dev/null || :
}

# What makes sense, as fast as it goes
flood_talk() { mk_run a "echo stream host 64 1000000 > $BENCH" > /dev/null; }

crashed() { [ "$(cat "$MK_FS/instances/a/state")" = crashed ]; }

# flood_with KIND: until the host has had enough, or for three seconds: who is busy
# enough, or slow enough, never takes that many
flood_with()
{
	local end

	end=$(($(now) + 3))
	mk_send a "echo flood host $1 10000000 > $BENCH"
	until crashed || [ "$(now)" -ge $end ]; do usleep 10000; done
}
flood_bells() { flood_with 0; }
flood_bare() { flood_with 1; }
flood_nonsense() { flood_with 2; }

storm() { simple_row "$1" "$v" laps "$r" "$(wc -l < "$MK_TMP/laps.none")"; }

# flooded: rows of two kinds of flood, and of the worst of all four. The instance is alone
# with the host.
flooded()
{
	local kind ms v r worst=

	rm -f "$MK_TMP"/laps.*
	for _ in $(seq "$TURNS"); do
		for kind in none talk bells bare nonsense; do
			echo "  flood, $kind" >&2
			laps "$MK_TMP/laps" "flood_$kind"
			ms=500
			[ $kind != nonsense ] || ms=60
			awk -v end="$(cat "$MK_TMP/laps.end")" -v ms=$ms '
				$1 <= end - 10 && $1 > end - ms { print $2 }' \
				"$MK_TMP/laps" >> "$MK_TMP/laps.$kind"
			case $kind in
			bells|bare|nonsense)
				crashed || mkctl kill a
				mk_start a ;;
			esac
		done
	done
	r=$(middle "$MK_TMP/laps.none")
	for kind in talk bells bare nonsense; do
		v=$(middle "$MK_TMP/laps.$kind")
		echo "  of $r laps $v, $kind" >&2
		[ -n "$worst" ] && [ "$v" -ge "$worst" ] || worst=$v
		case $kind in
		bare) storm storm_doorbell ;;
		nonsense) storm storm_message ;;
		esac
	done
	v=$worst
	storm flooded_host
}

# scaling NUMBER: so many instances send to the host at once; prints messages a second
scaling()
{
	local i

	for i in $(seq "$1"); do
		mk_run "i$i" "echo stream host 64 $SCALE > $BENCH && cat $BENCH" \
			> "$MK_TMP/out.$i" &
	done
	wait
	for i in $(seq "$1"); do
		sed -n 's/^ns //p' "$MK_TMP/out.$i"
	done | awk -v n="$SCALE" -v want="$1" '{ s += n / $1 * 1e9; k++ }
		END { if (k != want) exit 1; printf "%.0f\n", s }' || die 'a stream ended early'
}

[ -w $BENCH ] || die 'the kernel lacks CONFIG_MULTIKERNEL_BENCH'
if [ -n "${MK_BENCH_SCALING:-}" ]; then
	cpus=$(last_cpus 8)
	for i in $(seq 8); do
		mk_boot "i$i" "$(echo "$cpus" | cut -d, -f"$i")" 128M ||
			die 'an instance did not start'
		mk_login "i$i"
	done
	one=$(scaling 1)
	for i in 2 4; do
		echo "ROW rate_scaling_$i $(scaling "$i") messages/s $one $((i * SCALE)) -"
	done
	echo "ROW rate_scaling $(scaling 8) messages/s $one $((8 * SCALE)) -"
	exit
fi
if [ -n "${MK_BENCH_ICOUNT:-}" ]; then
	# The idle loop is another one before
	until [ "$(cat /sys/devices/system/clocksource/*/current_clocksource)" = tsc ]; do
		sleep 0.1
	done
fi
mk_boot a "$(last_cpus 1)" '' "${MK_BENCH_CMDLINE:-}" || die 'the instance did not start'

if [ -n "${MK_BENCH_ICOUNT:-}" ]; then
	TURNS=1
	run 'cost self 64 20'
	for what in send receive recv both; do
		echo "ROW icount_${what}_64 $(awk "BEGIN { print $(value $what) / 64 }") instructions - 64 -"
	done
	row icount_polled_rtt instructions 200 'poll a 64' 'raw a 0'
	row icount_sleeping_rtt instructions 500 'wake a 64' 'ipi 1'
	row icount_sleeping_call_irq instructions 500 'irq a 64' 'ipi 1'
	row icount_sleeping_call instructions 500 'rtt a 64' 'ipi 1'
	exit
fi

row polled_rtt_64 ns 20000 'poll a 64' 'raw a 0'
row sleeping_rtt ns 1000 'wake a 64' 'ipi 1'
row sleeping_call_irq ns 1000 'irq a 64' 'ipi 1'
row sleeping_call ns 1000 'rtt a 64' 'ipi 1'

run 'stream a 64 1000000'
[ "$(value received)" = 1000000 ] || die 'messages were lost'
echo "ROW doorbells_per_1000 $(awk "BEGIN { print $(value bells) / 1000 }") doorbells 1000 1000000 -"

rate copy_1m transfers/s 'copy a 1048576' 200 'memcpy a 1048576'
rate handover_1m transfers/s 'give a 1048576' 200 'memcpy a 1048576'
run 'cpu 1'
rate rate_64 messages/s 'stream a 64' 200000 'stream self 64'
run 'cpu 0'

run "stream a 64 $SOAK"
echo "ROW soak_lost $(($(value sent) - $(value received) + $(value misplaced) + $(value damaged))) messages - $SOAK -"
echo "ROW soak_rate $(awk "BEGIN { printf \"%.0f\", $SOAK / $(value ns) * 1e9 }") messages/s - $SOAK -"

run 'hold a'
before=$(doorbells)
sleep 10
echo "ROW idle_doorbells $(($(doorbells) - before)) doorbells - 10 -"

flooded
