#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An instance touches none of the devices that the machine has once: PIC,
# ELCR, PIT, CMOS, UARTs, I/O APIC.
#
# Values that no driver would choose are put there before the start (see
# machine.c), so that a driver which only "initializes" shows as well.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
CPUS=$(last_cpus 2) || :

compare()
{
	mkprobe legacy > "$MK_TMP/after"
	cmp -s "$MK_TMP/before" "$MK_TMP/after" && return 0
	note "$1: changed, from - to +"
	note "$(diff -U0 "$MK_TMP/before" "$MK_TMP/after" | tail -n +3)"
	return 1
}

a_change_would_be_seen()
{
	local what

	if [ ! -c /dev/port ] || [ ! -c /dev/mem ]; then
		skip 'needs /dev/port and /dev/mem'
	fi
	mk_create web "$CPUS"
	mk_load web
	mkprobe legacy > "$MK_TMP/found"
	mkprobe plant > "$MK_TMP/planted"
	mkprobe legacy > "$MK_TMP/before"
	for what in 'pic mask' elcr 'cmos 0f' 'uart 2f8'; do
		ok test "$(grep "^$what" "$MK_TMP/found")" != \
			"$(grep "^$what" "$MK_TMP/before")"
	done
	is "$(grep -c '^ioapic' "$MK_TMP/before")" 24 'entries of the I/O APIC'
	is "$(sed -n 's/^pit 2 mode //p' "$MK_TMP/before")" 36 'mode of the PIT'
	compare 'nobody did anything'
}

# planted: the first test has not been skipped
planted()
{
	[ -e "$MK_TMP/before" ] || skip 'nothing to compare with'
}

a_boot_touches_nothing()
{
	planted
	mk_start web
	compare 'after the boot'
}

a_panic_touches_nothing()
{
	planted
	mk_send web 'echo c > /proc/sysrq-trigger'
	wait_for_state web crashed
	compare 'after a panic'
}

a_reboot_touches_nothing()
{
	planted
	mk_start web
	mk_send web 'reboot -f'
	wait_for_state web loaded
	compare 'after a reboot'
}

a_kill_touches_nothing()
{
	planted
	mk_start web
	ok mkctl kill web
	compare 'after a kill'
}

values_are_put_back()
{
	planted
	mkprobe restore < "$MK_TMP/planted"
	grep -v '^pit 2' "$MK_TMP/found" > "$MK_TMP/before"
	mkprobe legacy | grep -v '^pit 2' > "$MK_TMP/after"
	is "$(cat "$MK_TMP/after")" "$(cat "$MK_TMP/before")" 'as it was found'
}

mk_main \
	a_change_would_be_seen \
	a_boot_touches_nothing \
	a_panic_touches_nothing \
	a_reboot_touches_nothing \
	a_kill_touches_nothing \
	values_are_put_back
