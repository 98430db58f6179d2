#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A kernel that is locked down loads nothing for instances that it would not
# load for itself. There is no way back but a reboot, so this script has the
# machine for itself.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
CPU=$(last_cpus 1) || :
LOCKDOWN=/sys/kernel/security/lockdown

an_instance_is_loaded_before()
{
	[ -w $LOCKDOWN ] || skip 'needs CONFIG_SECURITY_LOCKDOWN_LSM'
	has "$(cat $LOCKDOWN)" '\[none\]' 'lockdown'
	mk_create web "$CPU"
	mk_load web before
	echo integrity > $LOCKDOWN
	has "$(cat $LOCKDOWN)" '\[integrity\]' 'lockdown'
}

locked()
{
	grep -q '\[integrity\]' $LOCKDOWN || skip 'the kernel is not locked down'
	ID=$(get web id)
}

segments_are_refused()
{
	locked
	refused_early EPERM 'kexec_load()' mkprobe load "$ID" "$MK_KERNEL" \
		"$MK_INITRD" x "$MK_FS/instances/web/memory.map"
}

has_config()
{
	zcat /proc/config.gz | grep -q "^$1=y"
}

# Without CONFIG_KEXEC_SIG a kernel has no means to tell images apart and
# loads all of them; with it, this one without a signature is refused.
files_are_treated_like_classic_ones()
{
	local classic want=OK

	locked
	if has_config CONFIG_KEXEC_SIG; then
		want=EPERM
	fi
	classic=$(mkprobe file-load - "$MK_KERNEL" - x) || :
	mkprobe file-unload - > /dev/null || :
	is "$classic" $want 'a classic image'
	if [ $want = OK ]; then
		is "$(mkprobe file-load "$ID" "$MK_KERNEL" "$MK_INITRD" after)" \
			OK 'an image for an instance'
	else
		refused_early EPERM 'an image for an instance' \
			mkprobe file-load "$ID" "$MK_KERNEL" - x
	fi
}

what_was_loaded_before_starts()
{
	locked
	mk_start web
	ok mkctl kill web
}

mk_main \
	an_instance_is_loaded_before \
	segments_are_refused \
	files_are_treated_like_classic_ones \
	what_was_loaded_before_starts
