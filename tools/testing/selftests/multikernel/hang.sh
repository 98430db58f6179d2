#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The host notices when an instance hangs, says how, and starts it again if it is asked
# to. Needs CONFIG_LKDTM, and CONFIG_MULTIKERNEL_BENCH for a hang that passes.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
CPUS=$(last_cpus 2) || :
FIRST=${CPUS%,*}
SECOND=${CPUS#*,}
DIRECT=/sys/kernel/debug/provoke-crash/DIRECT
HANG=3000

an_instance_starts()
{
	mk_create web "$CPUS"
	refused -m 'not two in hang_ms' EINVAL 'fewer beats than are waited for' \
		put web heartbeat_ms 5001
	is "$(get web heartbeat_ms)" 1000 'heartbeat_ms of a new one'
	is "$(get web hang_ms)" 10000 'hang_ms of a new one'
	is "$(get web recovery)" disabled 'recovery of a new one'
	is "$(put web heartbeat_ms 200)" OK 'heartbeat_ms'
	is "$(put web hang_ms $HANG)" OK 'hang_ms'
	mk_load web
	mk_start web
	mk_run web "test -w $DIRECT" || skip 'needs an image with CONFIG_LKDTM'
}

nonsense_is_refused()
{
	refused -m 'stop it first' EBUSY 'another period while it runs' put web heartbeat_ms 500
	refused -m 'milliseconds' EINVAL 'less than two beats' put web hang_ms 300
	refused -m 'milliseconds' EINVAL 'a word' put web hang_ms long
	refused -m 'milliseconds' EINVAL 'more than an hour' put web hang_ms 3600001
	refused -m 'none of disabled, restart' EINVAL 'another word' put web recovery maybe
	is "$(put web hang_ms 0)" OK 'never'
	is "$(put web hang_ms $HANG)" OK 'and again'
}

quiet_for()
{
	local end

	end=$(($(now) + $1))
	wait_until "$1 s pass" eval "[ \$(now) -ge $end ]"
}

# Idle CPUs, busy ones, one that is offline, and one that comes later.
what_lives_is_left_alone()
{
	mk_run web 'for i in 1 2 3; do (while :; do :; done) & done'
	quiet_for 6
	is "$(put web cpus "$FIRST")" OK 'a CPU less'
	quiet_for 6
	is "$(put web cpus "$CPUS")" OK 'a CPU more'
	quiet_for 6
	is "$(get web state)" running 'state'
	is "$(counter web events hangs)" 0 'hangs'
	ok answers web
}

# hangs_as PATTERN WHAT: it is noticed, who polls is woken, and it can be killed
hangs_as()
{
	local hangs

	hangs=$(counter web events hangs)
	wait_for_state web hung
	is "$(counter web events hangs)" $((hangs + 1)) 'hangs'
	has "$(get web reason)" "^hung: CPU $1, for $((HANG / 1000)) s\$" "reason of $2"
	is "$(put web state kill)" OK 'kill'
	is "$(get web reason)" killed 'reason after the kill'
	mk_start web
	is "$(get web state)" running 'state'
	is "$(get web reason)" none 'reason'
}

# Which of its CPUs is which of the host's: the first one starts the kernel.
interrupts_off()
{
	mk_send web "taskset -c 1 sh -c 'echo HARDLOCKUP > $DIRECT'"
	hangs_as "$SECOND takes no interrupts" 'interrupts off'
}

preemption_off()
{
	mk_send web "taskset -c 1 sh -c 'echo SOFTLOCKUP > $DIRECT'"
	hangs_as "$SECOND schedules nothing" 'preemption off'
}

# The first one waits, with preemption off, for an IPI that the second one does not get done.
who_waits_for_another_is_not_named()
{
	mk_send web "taskset -c 0 sh -c 'echo SMP_CALL_LOCKUP > $DIRECT'"
	hangs_as "$SECOND takes no interrupts" 'an IPI without an end'
}

# listens PID: for uevents, netlink's protocol 15
listens() { awk -v pid="$1" '$2 == 15 && $3 == pid { n = 1 } END { exit !n }' /proc/net/netlink; }

# And userspace hears of both.
it_is_no_hang_any_more()
{
	local pid out=$MK_TMP/uevents

	mk_run web "test -w $BENCH" || skip 'needs an image with CONFIG_MULTIKERNEL_BENCH'
	: > "$out"
	uevent sh -c "env | grep ^MULTIKERNEL_ >> $out" & pid=$!
	wait_until 'somebody listens for uevents' listens $pid
	mk_send web "taskset -c 1 sh -c 'echo stall 8000 > $BENCH'"
	wait_for_state web hung
	wait_for_state web running
	is "$(get web reason)" none 'reason'
	ok answers web
	wait_until 'the uevent of its end' grep -q '^MULTIKERNEL_STATE=running' "$out"
	kill $pid
	has "$(cat "$out")" '^MULTIKERNEL_INSTANCE=web' 'uevents'
	has "$(cat "$out")" '^MULTIKERNEL_STATE=hung' 'uevents'
	has "$(cat "$out")" "^MULTIKERNEL_REASON=hung: CPU $SECOND takes no interrupts" 'uevents'
}

restarts() { [ "$(counter web events restarts)" = "$1" ] && [ "$(get web state)" = running ]; }

a_crash_is_recovered_from()
{
	is "$(put web recovery restart)" OK 'recovery'
	is "$(get web recovery)" restart 'recovery'
	mk_send web 'echo c > /proc/sysrq-trigger'
	wait_until 'it has been started again' restarts 1
	mk_login web
	ok answers web
}

a_hang_is_recovered_from()
{
	mk_send web "taskset -c 1 sh -c 'echo HARDLOCKUP > $DIRECT'"
	wait_until 'it has been started again' restarts 2
	mk_login web
	ok answers web
}

# What somebody has asked for.
an_end_in_order_stays()
{
	ok mkctl stop web
	quiet_for 4
	is "$(get web state)" loaded 'state after a stop'
	mk_start web
	ok mkctl kill web
	quiet_for 4
	is "$(get web state)" loaded 'state after a kill'
	is "$(counter web events restarts)" 2 'restarts'
}

gave_up() { dmesg | grep -q 'instance web has failed 5 times in a row and is not started again'; }

what_never_works_is_given_up()
{
	is "$(put web recovery restart)" OK 'a new count'
	mk_load web 'rdinit=/nowhere init=/nowhere'
	ok mkctl start web
	wait_until 'it is given up' gave_up
	is "$(get web state)" crashed 'state'
	is "$(counter web events restarts)" 7 'restarts'
	is "$(put web recovery disabled)" OK 'no more'
	mk_load web
	mk_start web
	mk_send web 'echo c > /proc/sysrq-trigger'
	wait_for_state web crashed
	quiet_for 4
	is "$(get web state)" crashed 'state without recovery'
	ok mkctl rm -f web
}

mk_main \
	an_instance_starts \
	nonsense_is_refused \
	what_lives_is_left_alone \
	interrupts_off \
	preemption_off \
	who_waits_for_another_is_not_named \
	it_is_no_hang_any_more \
	a_crash_is_recovered_from \
	a_hang_is_recovered_from \
	an_end_in_order_stays \
	what_never_works_is_given_up
