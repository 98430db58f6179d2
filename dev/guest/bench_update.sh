#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Measures for how long nobody serves when a kernel is replaced: from the last millisecond in
# which a process has written the time into its memfd to the first one in which the next
# kernel's userspace can read it. Run by dev/bench, which reads the lines "gap":
#
# inside MIB   an instance of two CPUs and 3 GiB, by kexec with KHO and LUO
# succeed MIB  the same by an instance that runs already, of one CPU and 2 GiB
# plain MIB    the machine itself, by kexec with KHO and LUO: the reference

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$MK_DIR/bench-lib.sh"
. "$MK_DIR/next-lib.sh"
PROBE=/selftests/multikernel/mkprobe
KHO='kho=on liveupdate=on'
MIB=$2
TURNS=${MK_BENCH_TURNS:-3}	# instead of what bench-lib.sh has

# The userspace of the next kernel of the machine, which begins with this script again.
plain()
{
	local turn=${1:-0}

	if [ "$turn" -gt 0 ]; then
		echo "gap $($PROBE luo-gap bench "$MIB")"
	fi
	[ "$turn" -lt "$TURNS" ] || return 0
	cd "$MK_DIR" || die 'no tests'
	[ "$(next_load /boot/bzImage \
		"env MK_BENCH_TURNS=$TURNS ./bench_update.sh plain $MIB $((turn + 1))" bench-lib.sh)" = OK ] ||
		die 'kexec_file_load'
	[ "$($PROBE luo-serve bench "$MIB")" = OK ] || die 'no session'
	exec mkprobe kexec
}

updated() { [ "$(counter web events updates)" = "$1" ]; }
# The shell's prompt may stand before it
gaps() { mkctl logs web | sed -n 's/.*gap \([0-9][0-9]* [0-9][0-9]*\).*/gap \1/p'; }
has_gaps() { [ "$(gaps | wc -l)" = "$1" ]; }

# The next kernel's userspace looks by itself, so nobody has to log in first.
inside()
{
	local turn reads

	# On a line of its own: the shell has printed its prompt
	reads="init.run=\"(echo; echo gap \$($PROBE luo-gap bench $MIB)) > /dev/console\""
	mk_create web "$(last_cpus 2)" 3G >&2 || die 'no instance'
	mk_load web "$KHO" >&2 || die 'no image'
	mk_start web >&2 || die 'no start'
	khz begin
	for turn in $(seq "$TURNS"); do
		ok mkctl cp "$MK_KERNEL" web:/tmp/kernel || die 'no copy'
		ok mkctl cp "$MK_INITRD" web:/tmp/initrd || die 'no copy'
		[ "$(mk_run web "$PROBE file-load - /tmp/kernel /tmp/initrd '$KHO $reads'")" = OK ] ||
			die 'kexec_file_load'
		mk_run web 'rm /tmp/kernel /tmp/initrd'
		[ "$(mk_run web "$PROBE luo-serve bench $MIB")" = OK ] || die 'no session'
		mk_send web "$PROBE kexec"
		wait_until 'the next kernel' updated "$turn" || die 'no kexec'
		wait_until 'what it has found' has_gaps "$turn" || die 'nothing found'
		mk_login web >&2 || die 'no shell'
	done
	gaps
	echo "khz $(khz)"
}

found() { mk_run web 'cat /tmp/found'; }
has_found() { [ "$(found | wc -w)" -eq 2 ]; }

# Messages of the host's, some each millisecond, which web's kernel answers; what is said at last
# is for how long it has not.
asks()
{
	echo "count web 2 100" > $BENCH && cat $BENCH
}

# A new pair for each turn. What waits in the successor is there before the old one freezes.
succeed()
{
	local turn cpus counter

	cpus=$(last_cpus 3)
	khz begin
	for turn in $(seq "$TURNS"); do
		mk_boot web "${cpus#*,}" 2G "$KHO" >&2 || die 'no instance'
		mk_boot next "${cpus%%,*}" 2G "$KHO" >&2 || die 'no successor'
		[ "$(mk_run web "$PROBE luo-serve bench $MIB")" = OK ] || die 'no session'
		mk_run next "$PROBE luo-succeed bench $MIB > /tmp/found 2>&1 &"
		asks > asked & counter=$!
		wait_until 'web is asked' grep -q 'peer=web channel=[2-9]' $MK_DEBUG/channels ||
			die 'not connected'
		[ "$(put web successor next)" = OK ] || die "$(last_error)"
		wait $counter || die 'messages'
		[ "$(value answered "$(cat asked)")" = "$(value sent "$(cat asked)")" ] || die 'lost messages'
		echo "peer $(value gap_ns "$(cat asked)")"
		mk_login web >&2 || die 'no shell'
		wait_until 'what it has found' has_found || die 'nothing found'
		echo "gap $(found)"
		ok mkctl rm -f web || die 'no end'
		ok mkctl rm -f next || die 'no end'
	done
	echo "khz $(khz)"
}

case $1 in
inside) inside ;;
succeed) succeed ;;
plain) plain "${3:-0}" ;;
esac
