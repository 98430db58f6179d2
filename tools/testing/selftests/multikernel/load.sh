#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kexec_file_load() for instances: load, replace, unload, start by reboot(),
# and all that has to be refused.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

CPU=$(last_cpus 1) || :

# prepared: an instance that lacks just the image
prepared()
{
	mk_create web "$CPU"
	ID=$(get web id)
}

# load ID KERNEL [INITRD [CMDLINE [FLAGS]]]
load()
{
	local id="$1" kernel="$2" initrd="${3:--}" cmdline="${4:-}" flags="${5:-0}"

	mkprobe file-load "$id" "$kernel" "$initrd" "$cmdline" "$flags"
}

sha256()
{
	sha256sum "$1" | cut -d' ' -f1
}

an_image_is_loaded()
{
	prepared
	is "$(load "$ID" "$MK_KERNEL" "$MK_INITRD" 'one two')" OK 'load'
	is "$(get web state)" loaded 'state'
	is "$(get web cmdline)" 'one two' 'cmdline'
	is "$(counter web image kernel_name)" "$(basename "$MK_KERNEL")" \
		'name of the kernel'
	is "$(counter web image initrd_name)" "$(basename "$MK_INITRD")" \
		'name of the initramfs'
	is "$(counter web image kernel_size)" "$(stat -c %s "$MK_KERNEL")" \
		'size of the kernel'
	is "$(counter web image initrd_size)" "$(stat -c %s "$MK_INITRD")" \
		'size of the initramfs'
	is "$(counter web image kernel_sha256)" "$(sha256 "$MK_KERNEL")" \
		'hash of the kernel'
	is "$(counter web image initrd_sha256)" "$(sha256 "$MK_INITRD")" \
		'hash of the initramfs'
}

# Whatever a file is called, it gets one line, and a terminal no command.
names_are_made_fit_to_be_shown()
{
	local name

	prepared
	name=$(printf 'a b\033[2Jc')
	cp "$MK_KERNEL" "$MK_TMP/$name"
	is "$(load "$ID" "$MK_TMP/$name")" OK 'load'
	is "$(counter web image kernel_name)" 'a b?[2Jc' 'name of the kernel'
	is "$(counter web image initrd_name)" '' 'name of no initramfs'
}

another_image_replaces_it()
{
	prepared
	is "$(load "$ID" "$MK_KERNEL" "$MK_INITRD" first)" OK 'load'
	is "$(load "$ID" "$MK_KERNEL" - second)" OK 'load again'
	is "$(get web state)" loaded 'state'
	is "$(get web cmdline)" second 'cmdline'
	is "$(counter web image initrd_size)" 0 'size of the initramfs'
}

an_image_is_unloaded()
{
	prepared
	is "$(load "$ID" "$MK_KERNEL" "$MK_INITRD" x)" OK 'load'
	is "$(mkprobe file-unload "$ID")" OK 'unload'
	is "$(get web state)" offline 'state'
	is "$(get web image)" '' 'image'
	is "$(get web cmdline)" '' 'cmdline'
	refused -m 'nothing is loaded' EINVAL 'start of what was unloaded' put web state start
}

loading_and_unloading_leaks_nothing()
{
	local before round

	prepared
	is "$(load "$ID" "$MK_KERNEL" "$MK_INITRD")" OK 'load'
	is "$(mkprobe file-unload "$ID")" OK 'unload'
	before=$(host_free)
	for round in 1 2 3 4 5; do
		is "$(load "$ID" "$MK_KERNEL" "$MK_INITRD")" OK "load $round"
		is "$(load "$ID" "$MK_KERNEL" "$MK_INITRD")" OK "replace $round"
		is "$(mkprobe file-unload "$ID")" OK "unload $round"
	done
	free_again "$before" 'five loads and unloads'
}

# The images are gone from the disk when the instance is started again.
a_restart_needs_no_file()
{
	prepared
	cp "$MK_KERNEL" "$MK_TMP/kernel"
	cp "$MK_INITRD" "$MK_TMP/initrd"
	is "$(load "$ID" "$MK_TMP/kernel" "$MK_TMP/initrd")" OK 'load'
	rm "$MK_TMP/kernel" "$MK_TMP/initrd"
	mk_start web
	ok mkctl kill web
	is "$(get web state)" loaded 'state after kill'
	mk_start web
	is "$(counter web events starts)" 2 'starts'
}

reboot_starts_it()
{
	prepared
	refused -m 'nothing is loaded' EINVAL 'reboot() without an image' mkprobe reboot "$ID"
	refused -m 'no instance with id 2046' ENOENT 'reboot() of an id that nobody has' mkprobe reboot 2046
	refused -m 'no instance with id 0' ENOENT 'reboot() of id 0' mkprobe reboot 0
	is "$(load "$ID" "$MK_KERNEL" "$MK_INITRD")" OK 'load'
	refused_early EPERM 'reboot() without CAP_SYS_BOOT' \
		mkprobe no-cap reboot "$ID"
	is "$(mkprobe reboot "$ID")" OK 'reboot()'
	wait_for_state web running
	refused -m 'is running' EBUSY 'reboot() of what runs' mkprobe reboot "$ID"
}

no_such_instance_is_refused()
{
	refused -m 'no instance with id 2046' ENOENT 'load for an id that nobody has' load 2046 "$MK_KERNEL"
	refused -m 'no instance with id 2046' ENOENT 'unload for it' mkprobe file-unload 2046
	refused -m 'no instance with id 0' ENOENT 'load for id 0, the host' load 0 "$MK_KERNEL"
}

a_running_instance_is_refused()
{
	mk_boot web "$CPU"
	ID=$(get web id)
	refused -m 'stop it before loading' EBUSY 'load while it runs' load "$ID" "$MK_KERNEL" "$MK_INITRD"
	refused -m 'stop it before loading' EBUSY 'unload while it runs' mkprobe file-unload "$ID"
	ok answers web
}

# patched OFFSET BYTES: a copy of the image with something else there
patched()
{
	cp "$MK_KERNEL" "$MK_TMP/patched"
	printf '%b' "$2" | dd of="$MK_TMP/patched" bs=1 seek="$1" \
		conv=notrunc 2> /dev/null
}

# The byte at 0x234 of the setup header is relocatable_kernel.
an_image_that_cannot_be_moved_is_refused()
{
	prepared
	patched 564 '\000'
	refused -m 'relocatable' ENOEXEC 'an image that is not relocatable' \
		load "$ID" "$MK_TMP/patched" "$MK_INITRD"
	patched 564 '\001'
	is "$(load "$ID" "$MK_TMP/patched" "$MK_INITRD")" OK \
		'the same with that byte as it was'
}

what_is_no_image_is_refused()
{
	prepared
	head -c 65536 /dev/zero > "$MK_TMP/zeros"
	refused -m 'a relocatable bzImage' ENOEXEC 'a file of zeros' load "$ID" "$MK_TMP/zeros"
	echo 'just a line' > "$MK_TMP/line"
	refused -m 'a relocatable bzImage' ENOEXEC 'a short file' load "$ID" "$MK_TMP/line"
	refused -m 'a relocatable bzImage' ENOEXEC 'a program' load "$ID" "$(command -v mkprobe)"
	refused -m 'a relocatable bzImage' ENOEXEC 'an initramfs' load "$ID" "$MK_INITRD"
	patched 510 '\000'
	refused -m 'a relocatable bzImage' ENOEXEC 'a boot flag that is wrong' load "$ID" "$MK_TMP/patched"
	patched 514 'XXXX'
	refused -m 'a relocatable bzImage' ENOEXEC 'a header that is wrong' load "$ID" "$MK_TMP/patched"
}

# An arm64 image has its magic, "ARM\x64", at 0x38. A bzImage for 32-bit
# x86 has no 64-bit entry point: bit 0 of the word at 0x236.
an_image_for_another_architecture_is_refused()
{
	prepared
	head -c 65536 /dev/zero > "$MK_TMP/arm64"
	printf 'ARM\144' | dd of="$MK_TMP/arm64" bs=1 seek=56 conv=notrunc \
		2> /dev/null
	refused -m 'a relocatable bzImage' ENOEXEC 'an arm64 image' load "$ID" "$MK_TMP/arm64"
	patched 566 '\000\000'
	refused -m 'bzImage for 64-bit x86' ENOEXEC 'a 32-bit bzImage' load "$ID" "$MK_TMP/patched"
}

what_is_larger_than_its_memory_is_refused()
{
	ok mkctl create web --cpus "$CPU" --memory 64M
	ID=$(get web id)
	head -c 83886080 /dev/zero > "$MK_TMP/large"
	refused -m 'no room for 81920 KiB in the 64 MiB of instance web' ENOSPC 'an initramfs of 80 MiB for 64 MiB' \
		load "$ID" "$MK_KERNEL" "$MK_TMP/large"
	rm "$MK_TMP/large"
	is "$(put web memory 4M)" OK 'having but 4 MiB'
	refused -m 'no room for .* in the 4 MiB' ENOSPC 'a kernel for 4 MiB' load "$ID" "$MK_KERNEL"
	is "$(put web memory 0)" OK 'having none'
	refused -m 'no room for .* in the 0 MiB' ENOSPC 'a kernel for no memory' load "$ID" "$MK_KERNEL"
}

# What was loaded before stays loaded when a replacement is refused.
a_refused_load_leaves_the_old_image()
{
	prepared
	is "$(load "$ID" "$MK_KERNEL" "$MK_INITRD" kept)" OK 'load'
	echo 'just a line' > "$MK_TMP/line"
	refused -m 'a relocatable bzImage' ENOEXEC 'a file that is no image' load "$ID" "$MK_TMP/line"
	is "$(get web cmdline)" kept 'cmdline'
	mk_start web
	is "$(mk_run web 'cat /proc/cmdline')" kept 'command line inside'
}

flags_are_checked()
{
	local before

	prepared
	before=$(snapshot)
	refused_early EINVAL 'an id without the flag for it' \
		load - "$MK_KERNEL" - x $((ID << 16))
	refused_early EINVAL 'a bit above the id' \
		load "$ID" "$MK_KERNEL" - x $((1 << 27))
	refused_early EINVAL 'a crash image for an instance' \
		load "$ID" "$MK_KERNEL" - x 2
	is "$(cat /sys/kernel/kexec_loaded)" 0 'a classic image'
	is "$(snapshot)" "$before" 'nothing has changed'
}

a_long_command_line_is_whole_or_refused()
{
	local line

	prepared
	line=$(printf '%1500s' '' | tr ' ' w)
	is "$(load "$ID" "$MK_KERNEL" "$MK_INITRD" "a=$line")" OK 'load'
	is "$(get web cmdline)" "a=$line" 'cmdline'
	# As many characters as the kernel says that it takes: COMMAND_LINE_SIZE - 1
	line=$(printf '%2045s' '' | tr ' ' w)
	is "$(load "$ID" "$MK_KERNEL" "$MK_INITRD" "a=$line")" OK 'the longest'
	is "$(get web cmdline)" "a=$line" 'cmdline'
	mk_start web
	mk_run web 'cat /proc/cmdline > /tmp/cmdline'
	is "$(mk_run web 'tr -d "\n" < /tmp/cmdline | wc -c')" 2047 'length inside'
	is "$(mk_run web 'tail -c 10 /tmp/cmdline')" wwwwwwwww 'its end'
	ok mkctl kill web
	refused -m 'has 2048 bytes, the kernel takes 2047' EINVAL 'one more' \
		load "$ID" "$MK_KERNEL" "$MK_INITRD" "a=${line}w"
	line=$(printf '%3000s' '' | tr ' ' w)
	refused -m 'has 3002 bytes' EINVAL 'a command line of 3002 bytes' \
		load "$ID" "$MK_KERNEL" "$MK_INITRD" "a=$line"
}

without_the_privilege_it_is_refused()
{
	prepared
	refused_early EPERM 'load without CAP_SYS_BOOT' \
		mkprobe no-cap file-load "$ID" "$MK_KERNEL" - x
	is "$(load "$ID" "$MK_KERNEL" "$MK_INITRD" x)" OK 'load with it'
	refused_early EPERM 'unload without it' mkprobe no-cap file-unload "$ID"
}

mk_main \
	an_image_is_loaded \
	names_are_made_fit_to_be_shown \
	another_image_replaces_it \
	an_image_is_unloaded \
	loading_and_unloading_leaks_nothing \
	a_restart_needs_no_file \
	reboot_starts_it \
	no_such_instance_is_refused \
	a_running_instance_is_refused \
	an_image_that_cannot_be_moved_is_refused \
	what_is_no_image_is_refused \
	an_image_for_another_architecture_is_refused \
	what_is_larger_than_its_memory_is_refused \
	a_refused_load_leaves_the_old_image \
	flags_are_checked \
	a_long_command_line_is_whole_or_refused \
	without_the_privilege_it_is_refused
