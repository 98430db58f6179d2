#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The end of an instance, by itself and by the host: it ends alone, the host
# knows why, and it can be started again.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
CPUS=$(last_cpus 2) || :

an_instance_starts()
{
	mk_boot web "$CPUS"
	# What hangs on purpose here is a matter of hang.sh
	is "$(put web hang_ms 0)" OK 'hang_ms'
}

# ended STATE REASON WHAT: it has, and starts again from what is kept
ended()
{
	wait_for_state web "$1"
	has "$(get web reason)" "^$2" "reason after $3"
	refused -m ', not running' EBUSY 'messages to what has ended' put web nop 1
	refused -m 'instance web is' ENOTCONN 'input for what has ended' put web console x
	mk_start web
	is "$(get web reason)" none 'reason while it runs'
}

poweroff_inside()
{
	mk_send web poweroff
	ended loaded 'poweroff$' poweroff
}

forced_poweroff_inside()
{
	mk_send web 'poweroff -f'
	ended loaded 'poweroff$' 'poweroff -f'
}

reboot_inside()
{
	mk_send web reboot
	ended loaded 'reboot$' reboot
}

forced_reboot_inside()
{
	mk_send web 'reboot -f'
	ended loaded 'reboot$' 'reboot -f'
}

halt_inside()
{
	mk_send web halt
	ended loaded 'halt$' halt
}

forced_halt_inside()
{
	mk_send web 'halt -f'
	ended loaded 'halt$' 'halt -f'
}

panic_inside()
{
	local crashes

	crashes=$(counter web events crashes)
	mk_send web 'echo c > /proc/sysrq-trigger'
	wait_for_state web crashed
	is "$(counter web events crashes)" $((crashes + 1)) 'crashes'
	has "$(mkctl logs web)" 'Kernel panic' 'its last words'
	ended crashed 'panic: .*sysrq' 'a panic'
}

# panic=1 asks for a reboot after it; no machine reset comes of that.
panic_with_a_reboot_inside()
{
	ok mkctl kill web
	mk_load web 'panic=1'
	mk_start web
	mk_send web 'echo c > /proc/sysrq-trigger'
	ended crashed 'panic: .*sysrq' 'a panic that wants a reboot'
	ok mkctl kill web
	mk_load web
	mk_start web
}

# Needs CONFIG_LKDTM.
panic_in_a_hard_interrupt_inside()
{
	local knob=/sys/kernel/debug/provoke-crash/DIRECT

	mk_run web "test -w $knob" || skip 'needs an image with CONFIG_LKDTM'
	mk_send web "echo PANIC_IN_HARDIRQ > $knob"
	ended crashed 'panic: from hard IRQ context' 'a panic in a hard interrupt'
}

# An interrupt that nothing disables; the host sends it. Needs CONFIG_DEVMEM.
panic_in_an_nmi_inside()
{
	local knob=/proc/sys/kernel/unknown_nmi_panic apic

	[ -w /dev/mem ] || skip 'needs CONFIG_DEVMEM'
	mk_run web "echo 1 > $knob"
	apic=$(mk_run web 'sed -n "s/^apicid.*: //p" /proc/cpuinfo | head -n1')
	mkprobe nmi "$apic"
	ended crashed 'panic: NMI: Not continuing' 'a panic in an NMI'
}

sysrq_reboot_inside()
{
	mk_send web 'echo b > /proc/sysrq-trigger'
	ended loaded 'reboot' 'an emergency restart'
}

panic_for_want_of_an_init()
{
	ok mkctl kill web
	ok mkctl load web --cmdline 'rdinit=/nowhere init=/nowhere' --initrd "$MK_INITRD" \
		"$MK_KERNEL"
	ok mkctl start web
	wait_for_state web crashed
	has "$(get web reason)" '^panic: ' 'reason'
	mk_load web
	mk_start web
}

# busybox init says this when it is asked for an orderly shutdown.
stop_is_orderly()
{
	local stops

	stops=$(counter web events stops)
	ok mkctl stop web
	is "$(get web state)" loaded 'state'
	is "$(get web reason)" poweroff 'reason'
	is "$(counter web events stops)" $((stops + 1)) 'stops'
	has "$(mkctl logs web)" 'going down NOW' 'the words of its init'
	mk_start web
}

# The program that the kernel calls for an orderly shutdown does nothing.
disobey()
{
	mk_run web 'rm /bin/poweroff; printf "#!/bin/sh\n" > /bin/poweroff; chmod 755 /bin/poweroff'
}

# The deadline is the kernel's, 30 s.
stop_kills_what_does_not_obey()
{
	disobey
	is "$(put web state stop)" OK 'stop'
	is "$(get web state)" stopping 'state right after it'
	wait_for_state web loaded
	is "$(get web reason)" 'shutdown timed out, killed' 'reason'
	mk_start web
}

a_stop_can_be_cut_short()
{
	disobey
	is "$(put web state stop)" OK 'stop'
	refused -m 'is stopping; stop it first' EBUSY 'rmdir while it stops' mkprobe rmdir "$MK_FS/instances/web"
	refused -m 'is stopping, not running' EBUSY 'stop while it stops' put web state stop
	is "$(put web state kill)" OK 'kill while it stops'
	is "$(get web state)" loaded 'state'
	is "$(get web reason)" killed 'reason'
	mk_start web
}

kill_ends_it_at_once()
{
	is "$(put web state kill)" OK 'kill'
	is "$(get web state)" loaded 'state'
	is "$(get web reason)" killed 'reason'
	refused -m 'nothing to kill' EBUSY 'kill of what has ended' put web state kill
	mk_start web
}

kill_ends_what_is_busy_on_all_cpus()
{
	mk_run web 'for i in 1 2 3 4; do (while :; do :; done) & done'
	is "$(put web state kill)" OK 'kill'
	is "$(get web reason)" killed 'reason'
	mk_start web
}

kill_ends_what_is_booting()
{
	ok mkctl kill web
	is "$(put web state start)" OK 'start'
	refused -m 'is booting; stop it first' EBUSY 'rmdir while it boots' mkprobe rmdir "$MK_FS/instances/web"
	is "$(put web state kill)" OK 'kill right after it'
	is "$(get web state)" loaded 'state'
	is "$(get web reason)" killed 'reason'
	mk_start web
}

does_not_answer()
{
	! mkctl ping web -c 1
}

# One interrupt to all CPUs, that none returns from. A command for each CPU could find the
# CPU that it has to pass on its way to its own already gone.
spin_with_interrupts_off()
{
	local knob=$MK_DEBUG/fault

	mk_run web "test -w $knob" || skip 'needs an image with CONFIG_MULTIKERNEL_BENCH'
	mk_send web "echo spin_all > $knob"
	wait_until 'it does not answer any more' does_not_answer
}

kill_ends_what_spins_with_interrupts_off()
{
	local cpu

	spin_with_interrupts_off
	is "$(get web state)" running 'state'
	is "$(put web state kill)" OK 'kill'
	is "$(get web reason)" killed 'reason'
	is "$(put web cpus '')" OK 'giving the CPUs back'
	for cpu in $(each_cpu "$CPUS"); do
		ok cpu_works "$cpu"
	done
	is "$(put web cpus "$CPUS")" OK 'giving them again'
	mk_start web
}

stop_kills_what_spins_with_interrupts_off()
{
	spin_with_interrupts_off
	# A kernel that spins is no fun to wait for
	[ ! -w $MK_DEBUG/stop_deadline_ms ] || echo 3000 > $MK_DEBUG/stop_deadline_ms
	is "$(put web state stop)" OK 'stop'
	wait_for_state web loaded
	is "$(get web reason)" 'shutdown timed out, killed' 'reason'
	[ ! -w $MK_DEBUG/stop_deadline_ms ] || echo 30000 > $MK_DEBUG/stop_deadline_ms
	mk_start web
}

# armed FILE: the poller has read the events and sleeps
armed()
{
	grep -q armed "$1"
}

# poll_wakes WHAT COMMAND...: a poller of events sleeps, and the command ends
# its sleep
poll_wakes()
{
	local what="$1" out="$MK_TMP/poll" pid

	shift
	: > "$out"
	mkprobe poll "$MK_FS/instances/web/events" "$MK_LIMIT" > "$out" & pid=$!
	wait_until 'the poller sleeps' armed "$out"
	"$@" > /dev/null
	wait $pid || :
	has "$(cat "$out")" '^woken$' "a poller of events at $what"
}

poll_on_events_wakes()
{
	poll_wakes 'a kill' put web state kill
	poll_wakes 'a start' put web state start
	wait_for_state web running
	mk_login web
	poll_wakes 'a panic' mk_send web 'echo c > /proc/sysrq-trigger'
	wait_for_state web crashed
	mk_start web
}

the_host_is_whole_afterwards()
{
	local cpu

	ok mkctl rm -f web
	for cpu in $(each_cpu "$CPUS"); do
		ok cpu_works "$cpu"
	done
}

# "running" is said by the kernel; the first program of this one hears nothing for a while.
a_stop_is_not_lost_on_one_that_has_no_init_yet()
{
	mk_create late "$(last_cpus 1)"
	mk_load late 'rdinit=/bin/sh -- -c "sleep 7; exec /init"'
	ok mkctl start late --wait --timeout "$MK_LIMIT"
	is "$(put late state stop)" OK 'stop'
	wait_until 'it has ended' eval '[ "$(get late state)" = loaded ]'
	is "$(get late reason)" poweroff 'reason'
	ok mkctl rm late
}

mk_main \
	an_instance_starts \
	poweroff_inside \
	forced_poweroff_inside \
	reboot_inside \
	forced_reboot_inside \
	halt_inside \
	forced_halt_inside \
	panic_inside \
	panic_with_a_reboot_inside \
	panic_in_a_hard_interrupt_inside \
	panic_in_an_nmi_inside \
	sysrq_reboot_inside \
	panic_for_want_of_an_init \
	stop_is_orderly \
	a_stop_is_not_lost_on_one_that_has_no_init_yet \
	stop_kills_what_does_not_obey \
	a_stop_can_be_cut_short \
	kill_ends_it_at_once \
	kill_ends_what_is_busy_on_all_cpus \
	kill_ends_what_is_booting \
	kill_ends_what_spins_with_interrupts_off \
	stop_kills_what_spins_with_interrupts_off \
	poll_on_events_wakes \
	the_host_is_whole_afterwards
