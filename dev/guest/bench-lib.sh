# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What the benchmarks share. To be sourced behind lib.sh.
#
# A row is printed as a line "ROW name value unit reference n p99", where reference and p99
# may be "-". What is done meanwhile goes to stderr.

mkdir -p "$MK_TMP"
TURNS=${MK_BENCH_TURNS:-5}
INST=$MK_FS/instances

die() { echo "bench: $*" >&2; mk_diagnose >&2; exit 1; }

# The median of the numbers of a file
middle() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# took FILE TEXT...: microseconds of these writes
took() { mkprobe timed "$@" || die "could not write: $*"; }

# simple_row NAME VALUE UNIT REFERENCE N
simple_row() { echo "ROW $1 $2 $3 $4 $5 -"; }

now_ms() { awk '{ printf "%.0f\n", $1 * 1000 }' /proc/uptime; }

# Ticks of the time-stamp counter in a millisecond, between two calls: the first one begins
khz()
{
	if [ "${1:-}" = begin ]; then
		echo "$(mkprobe tsc) $(now_ms)" > "$MK_TMP/khz"
	else
		echo "$(cat "$MK_TMP/khz") $(mkprobe tsc) $(now_ms)" |
			awk '{ printf "%d", ($3 - $1) / ($4 - $2) }'
	fi
}

# ms TICKS KHZ
ms() { awk -v t="$1" -v khz="$2" 'BEGIN { printf "%.0f", t / khz }'; }

# init_after NAME TSC: the time stamp at which its init began, if that was later
init_after()
{
	mkctl logs "$1" | sed -nE 's/.*init reached.* tsc ([0-9]+).*/\1/p' |
		awk -v from="$2" '$1 > from { print; n = 1 } END { exit !n }'
}

# start_of NAME: ticks from "start" to its init
start_of()
{
	local from

	from=$(mkprobe tsc)
	ok mkctl start "$1" --wait --timeout "$MK_LIMIT" >&2 || die "$1 did not start"
	wait_until "init of $1" init_after "$1" "$from" || die "$1 has no userspace"
	echo $(($(init_after "$1" "$from") - from))
}
