#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kexec_load() for instances: segments that userspace has laid out, the zero
# page first, all within the instance's memory.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

CPUS=$(last_cpus 2) || :

prepared()
{
	mk_create web "$CPUS"
	ID=$(get web id)
	MAP=$MK_FS/instances/web/memory.map
}

# load ID CMDLINE [outside|large|arch|static]
load()
{
	mkprobe load "$1" "$MK_KERNEL" "$MK_INITRD" "$2" "$MAP" "${3:-}"
}

an_instance_starts_from_segments()
{
	prepared
	is "$(load "$ID" 'mk.test=segments')" OK 'load'
	is "$(get web state)" loaded 'state'
	is "$(counter web image segments)" 4 'segments'
	between "$(($(stat -c %s "$MK_INITRD") + 4194304))" "$(counter web image segments_size)" \
		"$(($(stat -c %s "$MK_INITRD" "$MK_KERNEL" | paste -s -d + -) + 65536))" \
		'bytes in segments'
	is "$(get web image | grep -c name)" 0 'names of files that it knows'
	mk_start web
	has "$(mk_run web 'cat /proc/cmdline')" 'mk\.test=segments' \
		'command line inside'
	is "$(mk_run web nproc)" 2 'nproc'
	ok mkctl kill web
	is "$(get web state)" loaded 'state after kill'
	mk_start web
	is "$(counter web events starts)" 2 'starts'
}

no_segments_unload()
{
	prepared
	is "$(load "$ID" x)" OK 'load'
	is "$(mkprobe unload "$ID")" OK 'unload'
	is "$(get web state)" offline 'state'
	refused -m 'nothing is loaded' EINVAL 'start of what was unloaded' put web state start
}

one_system_call_replaces_the_others_image()
{
	prepared
	mk_load web 'from files'
	is "$(load "$ID" 'mk.test=segments')" OK 'load'
	mk_start web
	has "$(mk_run web 'cat /proc/cmdline')" 'mk\.test=segments' \
		'command line inside'
}

segments_elsewhere_are_refused()
{
	prepared
	refused -m 'does not lie in the memory of web' EADDRNOTAVAIL 'a segment in the memory of the host' \
		load "$ID" x outside
}

more_than_its_memory_is_refused()
{
	prepared
	refused -m 'does not lie in the memory of web' EADDRNOTAVAIL \
		'a segment larger than its memory' load "$ID" x large
	is "$(load "$ID" x)" OK 'one that fits'
}

# It would unpack itself where it was linked to run: in the host.
an_image_that_cannot_be_moved_is_refused()
{
	prepared
	refused -m 'the kernel is not relocatable' ENOEXEC \
		'an image that is not relocatable' load "$ID" x static
	is "$(load "$ID" x)" OK 'the same image as it is'
}

another_architecture_is_refused()
{
	prepared
	refused_early EINVAL 'segments for arm64' load "$ID" x arch
}

no_such_instance_is_refused()
{
	prepared
	refused -m 'no instance with id 2046' ENOENT 'an id that nobody has' load 2046 x
	refused -m 'no instance with id 2046' ENOENT 'unload for it' mkprobe unload 2046
}

a_running_instance_is_refused()
{
	prepared
	mk_load web
	mk_start web
	refused -m 'stop it before loading' EBUSY 'load while it runs' load "$ID" x
	refused -m 'stop it before loading' EBUSY 'unload while it runs' mkprobe unload "$ID"
	ok answers web
}

without_the_privilege_it_is_refused()
{
	prepared
	refused_early EPERM 'load without CAP_SYS_BOOT' mkprobe no-cap load \
		"$ID" "$MK_KERNEL" "$MK_INITRD" x "$MAP"
}

mk_main \
	an_instance_starts_from_segments \
	no_segments_unload \
	one_system_call_replaces_the_others_image \
	segments_elsewhere_are_refused \
	more_than_its_memory_is_refused \
	an_image_that_cannot_be_moved_is_refused \
	another_architecture_is_refused \
	no_such_instance_is_refused \
	a_running_instance_is_refused \
	without_the_privilege_it_is_refused
