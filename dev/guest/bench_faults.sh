#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Measures what the end of an instance costs: until the host notices, until its CPU is stopped
# and the host's again, until it serves again, and to copy its memory. Run by dev/bench.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$MK_DIR/bench-lib.sh"
HANG=2000
LKDTM=/sys/kernel/debug/provoke-crash/DIRECT
CPU=$(last_cpus 1)
ONLINE=$MK_CPUS/cpu$CPU/online

# notice NAME STATE COMMAND: ticks from the command in the instance to the state
notice()
{
	local from to

	mk_login "$1" >&2 || die 'no shell'
	mkprobe await "$INST/$1" "$2" "$MK_LIMIT" > "$MK_TMP/at" & to=$!
	mk_send "$1" "echo \"began \$($PROBE tsc)\" > /dev/console; $3"
	wait $to || die "it is not $2"
	from=$(mkctl logs "$1" | sed -nE 's/^began ([0-9]+).*/\1/p' | tail -n 1)
	echo $(($(cat "$MK_TMP/at") - from))
}

ends()
{

	for _ in $(seq "$TURNS"); do
		start_of web >> "$MK_TMP/plain"
		notice web crashed 'echo c > /proc/sysrq-trigger' >> "$MK_TMP/panic"
		start_of web >> "$MK_TMP/respawn"
		notice web hung "echo HARDLOCKUP > $LKDTM" >> "$MK_TMP/hang"
		took $INST/web/state kill >> "$MK_TMP/kill"
		mkctl unload web
		took $INST/web/cpus '' >> "$MK_TMP/reclaim"
		took "$ONLINE" 0 >> "$MK_TMP/offline"
		took "$ONLINE" 1 >> "$MK_TMP/online"
		echo "$CPU" > $INST/web/cpus
		mk_load web >&2 || die 'no image'
	done
}

vmcore()
{

	start_of web > /dev/null
	mkctl kill web
	for _ in $(seq "$TURNS"); do
		mkprobe core-timed $INST/web/vmcore > "$MK_TMP/core" || die 'no core'
		awk '/^map|^copy/ { n += $2 } END { printf "%d\n", n / 1000 }' "$MK_TMP/core" >> "$MK_TMP/copy"
		awk '/^memcpy/ { printf "%d\n", $2 / 1000 }' "$MK_TMP/core" >> "$MK_TMP/memcpy"
	done
}

PROBE=$(command -v mkprobe)
khz begin
mk_create web "$CPU" 256M >&2 || die 'no instance'
echo 100 > $INST/web/heartbeat_ms
echo $HANG > $INST/web/hang_ms
mk_load web >&2 || die 'no image'
ends
vmcore
k=$(khz)
simple_row notice_panic "$(ms "$(middle "$MK_TMP/panic")" "$k")" ms - "$TURNS"
simple_row notice_hang "$(ms "$(middle "$MK_TMP/hang")" "$k")" ms $HANG "$TURNS"
simple_row kill "$(middle "$MK_TMP/kill")" us "$(middle "$MK_TMP/offline")" "$TURNS"
simple_row reclaim_cpus "$(middle "$MK_TMP/reclaim")" us "$(middle "$MK_TMP/online")" "$TURNS"
simple_row respawn "$(ms "$(middle "$MK_TMP/respawn")" "$k")" ms \
	"$(ms "$(middle "$MK_TMP/plain")" "$k")" "$TURNS"
simple_row vmcore_copy "$(middle "$MK_TMP/copy")" us "$(middle "$MK_TMP/memcpy")" "$TURNS"
mk_cleanup >&2
