#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The CPU on which a kernel wants to be rung comes and goes, in an instance, in
# the host, and because it is lent: no message is lost or late. Needs
# CONFIG_MULTIKERNEL_BENCH.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
THREE=$(last_cpus 3) || :
OURS=${THREE%%,*}
ROUNDS=20
CHANNELS=$MK_DEBUG/channels

# in_kernel WHICH COMMAND
in_kernel()
{
	if [ "$1" = host ]; then
		sh -c "$2"
	else
		mk_run "$1" "$2"
	fi
}

# rung WHICH PEER CHANNEL: the CPU whose doorbell that channel has there
rung()
{
	in_kernel "$1" "cat $CHANNELS" |
		sed -n "s/^peer=$2 channel=$3 .*rung=\([0-9]*\) .*/\1/p"
}

# follow WHICH PEER CPU: all channels of this kernel to the peer ring there
follow()
{
	in_kernel "$1" "echo $2 0 $3 > $CHANNELS && echo $2 1 $3 > $CHANNELS"
	bench "$1" "cpu $3"
	is "$(rung "$1" "$2" 0)" "$3" "CPU that $2 rings in $1 for control"
	is "$(rung "$1" "$2" 1)" "$3" "CPU that $2 rings in $1 for the console"
}

# Takes CPU $2 off and on until told to end, and counts how often.
cat_toggler()
{
	cat <<-EOF
	: > /tmp/on; n=0
	while [ -e /tmp/on ]; do
	$1
	n=\$((n + 1)); echo \$n > /tmp/rounds.new; mv /tmp/rounds.new /tmp/rounds
	done > /tmp/toggle.log 2>&1
	: > /tmp/ended
	EOF
}

off_and_on() { echo "echo 0 > $MK_CPUS/cpu$1/online; echo 1 > $MK_CPUS/cpu$1/online"; }

# toggle_begin WHICH SCRIPT
toggle_begin()
{
	in_kernel "$1" 'rm -f /tmp/ended; echo 0 > /tmp/rounds'
	if [ "$1" = host ]; then
		echo "$2" > /tmp/toggle
	else
		mk_send "$1" "cat > /tmp/toggle <<'END'
$2
END"
	fi
	in_kernel "$1" 'sh /tmp/toggle < /dev/null > /dev/null 2>&1 &'
}

toggle_rounds() { in_kernel "$1" 'cat /tmp/rounds'; }

toggle_end()
{
	in_kernel "$1" 'rm -f /tmp/on'
	wait_until 'the CPU rests' in_kernel "$1" '[ -e /tmp/ended ]'
	is "$(in_kernel "$1" 'cat /tmp/toggle.log')" '' 'what the toggler had to say'
}

# Messages and calls both ways, until the CPU has gone so often.
flows_meanwhile()
{
	local n=0

	while [ "$n" -lt $ROUNDS ]; do
		flows host a 64 2000
		flows a host 64 2000
		flows host a 4096 100
		flows a host 4096 100
		is "$(put a nop 50)" OK 'nop calls'
		is "$(counter a nop lost)" 0 'lost calls'
		is "$(value rounds "$(bench a 'rtt host 64 20')")" 20 'calls of the instance'
		n=$(toggle_rounds "$1")
	done
	note "CPU $2 of $1 has gone $n times"
}

nothing_missed()
{
	is "$(get a stats/doorbells_missed)" 0 'doorbells that the host has missed'
	is "$(mk_run a "cat $CHANNELS" | grep -v 'bells_missed=0$')" '' \
		'channels of the instance with doorbells missed'
}

an_instance_with_two_cpus_starts()
{
	if [ ! -w $BENCH ] || [ ! -w $CHANNELS ]; then
		skip 'needs CONFIG_MULTIKERNEL_BENCH'
	fi
	mk_boot a "${THREE#*,}"
	is "$(rung host a 0)" 0 'CPU that a rings in the host'
	is "$(rung a host 0)" 0 'CPU that the host rings in a'
}

a_cpu_that_can_not_be_is_refused()
{
	is "$(mkprobe write $CHANNELS 'a 0 4096')" EINVAL 'CPU 4096'
	is "$(mkprobe write $CHANNELS "a 0 ${THREE##*,}")" ENXIO 'a CPU that is lent'
	is "$(mkprobe write $CHANNELS 'a 7 0')" ENOENT 'a channel that is not'
	is "$(mkprobe write $CHANNELS 'b 0 0')" ENOENT 'an instance that is not'
	is "$(mkprobe write $CHANNELS 'a 0')" EINVAL 'no CPU'
	is "$(rung host a 0)" 0 'CPU that a rings in the host'
}

the_doorbell_follows()
{
	follow a host 1
	mk_run a "echo 0 > $MK_CPUS/cpu1/online"
	is "$(rung a host 0)" 0 'CPU rung while CPU 1 is away'
	flows host a 64 1000
	mk_run a "echo 1 > $MK_CPUS/cpu1/online"
	is "$(rung a host 0)" 1 'CPU rung when it is back'
	flows host a 64 1000
}

in_the_instance()
{
	toggle_begin a "$(cat_toggler "$(off_and_on 1)")"
	flows_meanwhile a 1
	toggle_end a
	nothing_missed
}

in_the_host()
{
	follow host a "$OURS"
	toggle_begin host "$(cat_toggler "$(off_and_on "$OURS")")"
	flows_meanwhile host "$OURS"
	toggle_end host
	is "$(rung host a 0)" "$OURS" 'CPU rung when it is back'
	nothing_missed
}

in_both_at_once()
{
	toggle_begin a "$(cat_toggler "$(off_and_on 1)")"
	toggle_begin host "$(cat_toggler "$(off_and_on "$OURS")")"
	flows_meanwhile host "$OURS"
	toggle_end host
	toggle_end a
	nothing_missed
}

# Lent to b and taken back, by the same files as ever.
because_it_is_lent()
{
	local b=$MK_FS/instances/b

	mk_create b ''
	toggle_begin host "$(cat_toggler "echo $OURS > $b/cpus; echo > $b/cpus")"
	flows_meanwhile host "$OURS"
	toggle_end host
	is "$(rung host a 0)" "$OURS" 'CPU rung when it is back'
	echo "$OURS" > "$b/cpus"
	ok test "$(rung host a 0)" != "$OURS"
	flows host a 64 1000
	flows a host 64 1000
	rmdir "$b"
	is "$(rung host a 0)" "$OURS" 'CPU rung when it is back'
	nothing_missed
}

last_words_are_heard()
{
	echo 0 > "$MK_CPUS/cpu$OURS/online"
	mk_send a 'poweroff -f'
	wait_for_state a loaded
	is "$(get a reason)" poweroff 'reason'
	echo 1 > "$MK_CPUS/cpu$OURS/online"
	mk_start a
	is "$(rung host a 0)" "$OURS" 'CPU rung after a restart'
	is "$(rung a host 0)" 0 'CPU rung in the new kernel'
	flows host a 64 1000
}

mk_main \
	an_instance_with_two_cpus_starts \
	a_cpu_that_can_not_be_is_refused \
	the_doorbell_follows \
	in_the_instance \
	in_the_host \
	in_both_at_once \
	because_it_is_lent \
	last_words_are_heard
