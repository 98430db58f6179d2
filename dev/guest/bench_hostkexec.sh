#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Measures what an instance feels when its host enters the next kernel: the longest gap of its
# own work, a process that wakes up each 10 ms, beside the same while the host is merely busy
# for as long; and for how long it had no host. Run by dev/bench, which reads the lines "pause",
# in milliseconds: gap, gap with a busy host, time without a host.
#
# bench_hostkexec.sh MIB: an instance of one CPU that holds so much
#
# The next kernel's userspace goes on here, with the number of kexecs so far.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$MK_DIR/bench-lib.sh"
. "$MK_DIR/next-lib.sh"
PROBE=/selftests/multikernel/mkprobe
MIB=$1
DONE=${2:-0}
TURNS=${MK_BENCH_TURNS:-3}
BUSY_MS=6000

# gaps_begin: forgets those before
gaps_begin()
{
	mk_run web "killall mkprobe 2> /dev/null; $PROBE gaps > /tmp/gaps &"
}

gaps_longest() { mk_run web 'tail -n 1 /tmp/gaps'; }

# All of the host's CPUs, for as long as a kexec takes
busy()
{
	local end pids=

	for _ in $(seq "$(nproc)"); do
		while :; do :; done &
		pids="$pids $!"
	done
	end=$(($(now_ms) + BUSY_MS))
	wait_until 'time goes by' eval "[ \$(now_ms) -ge $end ]"
	kill $pids
}

# Between the two lines of its log, the last ones
away()
{
	mk_run web dmesg | sed 's/^\[ *//' | awk '
		/the host makes way/ { from = $1 }
		/another host is there/ { to = $1 }
		END { printf "%.0f", (to - from) * 1000 }'
}

cd "$MK_DIR" || exit 1
if [ "$DONE" -gt 0 ]; then
	ok mkctl wait web running --timeout "$MK_LIMIT" || die 'web is lost'
	mk_login web >&2 || die 'no shell'
	gap=$(gaps_longest)
	gaps_begin
	busy
	echo "pause $gap $(gaps_longest) $(away)"
else
	mk_boot web "$(last_cpus 1)" $((MIB + 256 - MIB % 128))M >&2 || die 'no instance'
	mk_run web "dd if=/dev/urandom of=/dev/shm/held bs=1M count=$MIB 2> /dev/null"
fi
[ "$DONE" -lt "$TURNS" ] || exit 0
[ "$(next_load /boot/bzImage "env MK_BENCH_TURNS=$TURNS ./bench_hostkexec.sh $MIB $((DONE + 1))" \
	bench-lib.sh)" = OK ] || die 'kexec_file_load'
gaps_begin
exec mkprobe kexec
