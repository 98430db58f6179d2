#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Classic kexec and kdump users see no change: load and unload of both kinds
# of image, first without any instance, then beside one that runs.
#
# The crash image needs a host booted with crashkernel=.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
CPU=$(last_cpus 1) || :

CRASH=2		# KEXEC_FILE_ON_CRASH

load()
{
	mkprobe file-load - "$MK_KERNEL" "$MK_INITRD" 'console=ttyS0' "${1:-0}"
}

loaded()
{
	cat "/sys/kernel/$1"
}

classic_image()
{
	is "$(loaded kexec_loaded)" 0 'kexec_loaded before'
	is "$(load)" OK 'load'
	is "$(loaded kexec_loaded)" 1 'kexec_loaded'
	is "$(loaded kexec_crash_loaded)" 0 'kexec_crash_loaded'
	is "$(load)" OK 'replace'
	is "$(mkprobe file-unload -)" OK 'unload'
	is "$(loaded kexec_loaded)" 0 'kexec_loaded after unload'
}

crash_image()
{
	[ "$(loaded kexec_crash_size)" -gt 0 ] ||
		skip 'the host was booted without crashkernel='
	is "$(loaded kexec_crash_loaded)" 0 'kexec_crash_loaded before'
	is "$(load $CRASH)" OK 'load'
	is "$(loaded kexec_crash_loaded)" 1 'kexec_crash_loaded'
	is "$(loaded kexec_loaded)" 0 'kexec_loaded'
	is "$(mkprobe file-unload - $CRASH)" OK 'unload'
	is "$(loaded kexec_crash_loaded)" 0 'kexec_crash_loaded after unload'
}

classic_refusals()
{
	echo 'just a line' > "$MK_TMP/line"
	is "$(mkprobe file-load - "$MK_TMP/line" - x)" ENOEXEC 'no image'
	is "$(mkprobe no-cap file-load - "$MK_KERNEL" - x)" EPERM \
		'without CAP_SYS_BOOT'
	is "$(mkprobe file-load - "$MK_KERNEL" - x 0x80)" EINVAL 'unknown flag'
}

an_instance_starts()
{
	mk_boot web "$CPU"
}

classic_image_beside_an_instance()
{
	classic_image
	ok answers web
}

crash_image_beside_an_instance()
{
	crash_image
	ok answers web
}

classic_refusals_beside_an_instance()
{
	classic_refusals
	ok answers web
}

images_do_not_touch_each_other()
{
	local image

	image=$(get web image)
	is "$(load)" OK 'loading a classic image'
	is "$(get web image)" "$image" 'image of the instance'
	ok mkctl kill web
	ok mkctl unload web
	is "$(loaded kexec_loaded)" 1 'kexec_loaded after the unload of web'
	mk_load web again
	is "$(mkprobe file-unload -)" OK 'unloading the classic image'
	is "$(get web state)" loaded 'state of web'
	is "$(get web cmdline)" again 'command line of web'
	mk_start web
}

mk_main \
	classic_image \
	crash_image \
	classic_refusals \
	an_instance_starts \
	classic_image_beside_an_instance \
	crash_image_beside_an_instance \
	classic_refusals_beside_an_instance \
	images_do_not_touch_each_other
