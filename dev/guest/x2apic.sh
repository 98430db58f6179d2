#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An instance on a machine whose local APICs are in x2APIC mode. dev/vm --x2apic
# makes such a machine where QEMU can.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

CPUS=$(last_cpus 2) || :

an_instance_boots_in_x2apic_mode()
{
	dmesg | grep -q 'x2apic enabled\|x2apic: enabled by BIOS' ||
		skip 'the local APICs of this machine are not in x2APIC mode'
	mk_boot web "$CPUS"
	is "$(mk_run web nproc)" 2 'nproc'
	has "$(mk_run web dmesg)" 'x2apic' 'log of the instance'
	ok mkctl ping web -c 1000
	ok mkctl kill web
	mk_start web
	ok mkctl rm -f web
}

mk_main an_instance_boots_in_x2apic_mode
