#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A kernel that is locked down loads nothing for instances that it would not
# load for itself. There is no way back but a reboot, so this script has the
# machine for itself. MK_KERNEL is signed by a key that it trusts, MK_UNSIGNED
# (/boot/bzImage.unsigned) is not.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
CPU=$(last_cpus 1) || :
UNSIGNED=${MK_UNSIGNED:-/boot/bzImage.unsigned}
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
# loads all of them.
files_are_treated_like_classic_ones()
{
	local classic

	locked
	classic=$(mkprobe file-load - "$MK_KERNEL" - x) || :
	mkprobe file-unload - > /dev/null || :
	is "$classic" OK 'a classic image'
	is "$(mkprobe file-load "$ID" "$MK_KERNEL" "$MK_INITRD" after)" \
		OK 'an image for an instance'
	is "$(get web cmdline)" after 'cmdline'
}

need_signatures()
{
	locked
	has_config CONFIG_KEXEC_BZIMAGE_VERIFY_SIG ||
		skip 'needs CONFIG_KEXEC_BZIMAGE_VERIFY_SIG'
}

without_a_signature_it_is_refused()
{
	need_signatures
	[ -r "$UNSIGNED" ] || skip "needs an image without signature, as $UNSIGNED"
	is "$(mkprobe file-load - "$UNSIGNED" - x)" EPERM 'a classic image'
	refused_early EPERM 'an image for an instance' \
		mkprobe file-load "$ID" "$UNSIGNED" "$MK_INITRD" x
}

# One byte is another than when it was signed.
with_a_wrong_signature_it_is_refused()
{
	need_signatures
	cp "$MK_KERNEL" "$MK_TMP/wrong"
	printf X | dd of="$MK_TMP/wrong" bs=1 seek=1000000 conv=notrunc 2> /dev/null
	is "$(mkprobe file-load - "$MK_TMP/wrong" - x)" EPERM 'a classic image'
	refused_early EPERM 'an image for an instance' \
		mkprobe file-load "$ID" "$MK_TMP/wrong" "$MK_INITRD" x
}

what_is_loaded_starts()
{
	locked
	mk_start web
	is "$(mk_run web 'cat /proc/cmdline')" after 'command line inside'
	ok mkctl kill web
}

mk_main \
	an_instance_is_loaded_before \
	segments_are_refused \
	files_are_treated_like_classic_ones \
	without_a_signature_it_is_refused \
	with_a_wrong_signature_it_is_refused \
	what_is_loaded_starts
