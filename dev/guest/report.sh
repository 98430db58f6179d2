#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Starts an instance TURNS times and prints for each "START TICKS": by the TSC,
# which all CPUs share, from the write to its state to the first line of its
# /init. Run by dev/report.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
mkdir -p "$MK_TMP"

die() { echo "report: $*" >&2; get web log | tail -n 20 >&2; exit 1; }

# reached: prints the TSC in /init, if it has come so far
reached()
{
	get web log | sed -nE 's/.*init reached.* tsc ([0-9]+).*/\1/p' | grep .
}

# Who follows the logs for dev/vm would take time from those who write them
kill "$(pidof mkctl)"
# The idle loop is another one before
until [ "$(cat /sys/devices/system/clocksource/*/current_clocksource)" = tsc ]; do
	sleep 0.1
done
mk_create web "$(last_cpus "$REPORT_CPUS")" "$REPORT_MEMORY" || die 'not created'
mk_load web "$REPORT_CMDLINE" || die 'not loaded'
for _ in $(seq "$TURNS"); do
	begin=$(mkprobe tsc)
	echo start > "$MK_FS/instances/web/state" || die 'not started'
	# Asleep, so that the host takes no time from it
	mkctl wait web running --timeout "$MK_LIMIT" || die 'does not run'
	wait_until 'its /init' reached || die 'no /init'
	echo "START $(($(reached) - begin))"
	mkctl kill web || die 'not killed'
done
# For those who want to know where the time has gone
get web log
