#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Debian's kexec with patches/kexec-tools: "kexec --multikernel=NAME" loads, starts and
# unloads instances, and without the option it does what it did. dev/vm --with kexecmk
# brings it, and the same source without the patches; --with kexec brings the program that
# the distribution has built.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

CPUS=$(last_cpus 2) || :
OWN=/with/kexecmk
DEBIAN=/with/kexec

# Under the one name that all of them call themselves in what they say
patched() { PATH=$MK_TMP/patched:$PATH kexec "$@"; }
plain() { PATH=$MK_TMP/plain:$PATH kexec "$@"; }
debian() { LD_LIBRARY_PATH=$DEBIAN/lib $DEBIAN/bin/kexec "$@"; }

tools()
{
	[ -d $OWN ] || skip 'needs the kexec that dev/fetch-kexecmk builds'
	[ ! -f $OWN/failed ] || { note "$(cat $OWN/failed)"; return 1; }
	mkdir -p "$MK_TMP/patched" "$MK_TMP/plain"
	head -c 65536 /dev/zero > /tmp/no-image
	ln -sf $OWN/bin/kexec "$MK_TMP/patched/kexec"
	ln -sf $OWN/bin/kexec-plain "$MK_TMP/plain/kexec"
}

prepared()
{
	tools
	mk_create web "$CPUS"
}

# ends STATUS PATTERN ARGUMENT...: the patched kexec ends so, and says something like the
# pattern, or nothing at all if that is empty
ends()
{
	local want="$1" pattern="$2" status=0 out

	shift 2
	out=$(patched "$@" 2>&1) || status=$?
	is $status "$want" "status of kexec $*" || { note "$out"; return 1; }
	if [ -n "$pattern" ]; then
		has "$out" "$pattern" "kexec $*"
	else
		is "$out" '' "what kexec $* says"
	fi
}

web() { ends "$1" "$2" --multikernel=web "$3" "$MK_KERNEL" --initrd="$MK_INITRD" --append="$4"; }

classic_loaded() { cat /sys/kernel/kexec_loaded; }

sha256() { sha256sum "$1" | cut -d' ' -f1; }

# runs CMDLINE: web does, with this on its command line
runs()
{
	wait_for_state web running
	mk_login web
	has "$(mk_run web 'cat /proc/cmdline')" "$1" 'command line inside'
	is "$(mk_run web nproc)" 2 'nproc'
}

# --- without the option -------------------------------------------------------

# What users of classic kexec do, and do wrong; where versions of kexec differ in which
# system call they take, it is named. Nothing here may leave an image loaded and
# then execute it: -e is given only where there is none.
habits="-S
-l -S
-l /boot/bzImage --initrd=/boot/initramfs.cpio.gz --append=quiet
-l -S
-l /boot/bzImage --reuse-cmdline
-u
-l -S
-c -l /boot/bzImage --initrd=/boot/initramfs.cpio.gz --append=quiet
-S -l
-c -u
-s -l /boot/bzImage --initrd=/boot/initramfs.cpio.gz
-s -u
-u
-e
-l
-l /nowhere
-l /tmp/no-image
-s -l /tmp/no-image
-s -l /boot/bzImage --initrd=/nowhere
-c -l /boot/bzImage --initrd=/nowhere
-l /boot/bzImage --nonsense
-l /boot/bzImage --mem-min=x
-p /boot/bzImage
-p -u
--load-preserve-context /boot/bzImage
--load-live-update /boot/bzImage
--print-ckr-size
--version
-S"

# each_habit PROGRAM [quiet]: how it ends, what is loaded then, and, unless quiet, what it says
each_habit()
{
	local line out status

	printf '%s\n' "$habits" | while read -r line; do
		status=0
		# shellcheck disable=SC2086 # words are wanted
		out=$("$1" $line < /dev/null 2>&1) || status=$?
		printf 'kexec %s: %s, loaded %s\n' "$line" $status "$(classic_loaded)"
		[ -n "${2:-}" ] || printf '%s\n' "$out"
	done
}

# same FILE FILE WHAT
same()
{
	is "$(classic_loaded)" 0 'kexec_loaded after all' || return
	diff "$1" "$2" > "$MK_TMP/diff" && return 0
	note "$3:"
	note "$(cat "$MK_TMP/diff")"
	return 1
}

# Five lines of usage are the option's
usage_without_the_option() { sed '/--multikernel=NAME/,/loaded, 0 if not/d'; }

without_the_option_nothing_has_changed()
{
	tools
	each_habit plain > "$MK_TMP/plain.said"
	each_habit patched | usage_without_the_option > "$MK_TMP/patched.said"
	note "$(grep '^kexec .*loaded .$' "$MK_TMP/plain.said")"
	same "$MK_TMP/plain.said" "$MK_TMP/patched.said" 'without the patch and with it'
	has "$(cat "$MK_TMP/plain.said")" '^kexec -l /boot/bzImage .*quiet: 0, loaded 1' 'a load'
	plain --help > "$MK_TMP/plain.help"
	patched --help | usage_without_the_option > "$MK_TMP/patched.help"
	same "$MK_TMP/plain.help" "$MK_TMP/patched.help" 'usage'
}

beside_an_instance_neither()
{
	prepared
	web 0 '' -l quiet
	is "$(get web state)" loaded 'state'
	each_habit plain > "$MK_TMP/plain.said"
	each_habit patched | usage_without_the_option > "$MK_TMP/patched.said"
	same "$MK_TMP/plain.said" "$MK_TMP/patched.said" 'without the patch and with it'
	is "$(get web cmdline)" quiet 'command line of web'
}

# It may be of another version, and put things into other words.
the_distributions_program_ends_in_the_same_ways()
{
	tools
	[ -x $DEBIAN/bin/kexec ] || skip 'needs the kexec that dev/fetch-kexec brings'
	mkdir -p /lib64
	ln -sf $DEBIAN/lib/ld-linux-x86-64.so.2 /lib64
	note "$(debian --version), $(patched --version)"
	each_habit debian quiet > "$MK_TMP/debian.said"
	each_habit patched quiet > "$MK_TMP/patched.said"
	same "$MK_TMP/debian.said" "$MK_TMP/patched.said" 'as the distribution has it and with the patch'
}

# --- with it ------------------------------------------------------------------

a_kernel_is_loaded_started_and_unloaded()
{
	prepared
	ends 0 '' --multikernel=web -S
	web 0 '' -l 'mk.test=kexec'
	ends 1 '' --multikernel=web -S
	is "$(get web state)" loaded 'state'
	is "$(get web cmdline)" 'mk.test=kexec' 'cmdline'
	is "$(counter web image kernel_sha256)" "$(sha256 "$MK_KERNEL")" 'hash of the kernel'
	is "$(counter web image initrd_sha256)" "$(sha256 "$MK_INITRD")" 'hash of the initramfs'
	is "$(classic_loaded)" 0 'kexec_loaded'
	ends 0 '' --multikernel=web -e
	runs 'mk\.test=kexec'
	ends 1 '' --multikernel=web -S
	ends 255 'The kernel says: instance web is running; stop it before loading' --multikernel=web -u
	ends 255 'The kernel says: instance web is running; stop it before loading' --multikernel=web -c -u
	web 255 'The kernel says: instance web is running; stop it before loading' -l x
	ends 255 'The kernel says: .*is running' --multikernel=web -e
	ok answers web
	ok mkctl stop web
	wait_for_state web loaded
	ends 0 '' --multikernel=web -u
	is "$(get web state)" offline 'state'
	ends 0 '' --multikernel=web -S
	ends 255 'The kernel says: .*nothing is loaded' --multikernel=web -e
}

segments_are_loaded_and_started()
{
	prepared
	web 0 '' -cl 'mk.test=segments'
	ends 1 '' --multikernel=web -S
	is "$(counter web image segments)" 3 'segments'
	is "$(get web image | grep -c name)" 0 'names of files that it knows'
	ends 0 '' --multikernel=web -e
	runs 'mk\.test=segments'
	ok mkctl kill web
	ends 0 '' --multikernel=web -e
	runs 'mk\.test=segments'
	ok mkctl kill web
	ends 0 '' --multikernel=web -c -u
	is "$(get web state)" offline 'state'
}

# Another instance makes it likely that it has more than one.
segments_lie_in_any_of_its_ranges()
{
	prepared
	mkdir "$MK_FS/instances/one"
	is "$(put one memory 64M)" OK 'memory of another'
	is "$(put web memory 384M)" OK 'more memory'
	note "$(get web memory.map)"
	web 0 '' -cl 'mk.test=ranges'
	ends 0 '' --multikernel=web -e
	runs 'mk\.test=ranges'
}

force_loads_and_starts()
{
	prepared
	web 0 '' -f 'mk.test=force'
	runs 'mk\.test=force'
}

each_system_call_can_be_asked_for()
{
	prepared
	web 0 '' -sl by-file
	is "$(counter web image kernel_sha256)" "$(sha256 "$MK_KERNEL")" 'hash after -s'
	web 0 '' -cl by-segments
	is "$(counter web image segments)" 3 'segments after -c'
	web 0 '' -al auto
	is "$(counter web image kernel_sha256)" "$(sha256 "$MK_KERNEL")" 'hash after -a'
	is "$(get web cmdline)" auto 'cmdline'
	ends 0 '' --multikernel=web -l "$MK_KERNEL"
	is "$(counter web image initrd_size)" 0 'size of no initramfs'
}

the_classic_image_is_another()
{
	prepared
	ends 0 '' -l "$MK_KERNEL" --initrd="$MK_INITRD" --append=classic
	web 0 '' -l mine
	ends 0 '' --multikernel=web -u
	is "$(classic_loaded)" 1 'kexec_loaded after the unload of web'
	web 0 '' -l mine
	ends 0 '' -u
	is "$(classic_loaded)" 0 'kexec_loaded after the unload'
	is "$(get web cmdline)" mine 'command line of web'
	ends 1 '' --multikernel=web -S
}

what_is_no_instance_is_refused()
{
	local name action

	prepared
	ends 255 "No instance .nobody. in $MK_FS/instances: No such file" \
		--multikernel=nobody -l "$MK_KERNEL"
	for action in -u -e -S; do
		ends 255 'No instance .nobody. in' --multikernel=nobody $action
	done
	for name in '' . .. .hidden ../info ../../instances/web web/../web; do
		ends 255 'cannot be the name of an instance' "--multikernel=$name" -S
	done
}

# elsewhere COMMAND: in a mount namespace where the filesystem is not where it was
elsewhere()
{
	# shellcheck disable=SC2016 # the other shell expands it
	unshare -m sh -c 'umount "$1" && eval "$2"' sh "$MK_FS" "$1"
}

the_filesystem_is_looked_for()
{
	local out status=0

	prepared
	out=$(elsewhere "$MK_TMP/patched/kexec --multikernel=web -S" 2>&1) || status=$?
	is $status 255 'status where it is not mounted'
	has "$out" "No multikernel filesystem at /sys/fs/multikernel: No such file" 'what it says'
	has "$out" 'Try: mount -t multikernel none /sys/fs/multikernel' 'what it says'
	mkdir "$MK_TMP/a place"
	status=0
	out=$(elsewhere "mount -t multikernel none '$MK_TMP/a place' &&
		$MK_TMP/patched/kexec --multikernel=web -l $MK_KERNEL" 2>&1) || status=$?
	is "$status $out" '0 ' 'load where it is mounted elsewhere'
	is "$(get web state)" loaded 'state'
}

what_is_no_image_is_refused()
{
	prepared
	ends 255 'No kernel specified' --multikernel=web -l
	ends 1 "Cannot open ./nowhere.: No such file" --multikernel=web -l /nowhere
	ends 255 'Could not open initrd file /nowhere' --multikernel=web -l "$MK_KERNEL" --initrd=/nowhere
	ends 255 'Cannot determine the file type' --multikernel=web -l /tmp/no-image
	ends 255 'Cannot determine the file type' --multikernel=web -cl /tmp/no-image
	cp "$MK_KERNEL" "$MK_TMP/fixed"
	printf '\000' | dd of="$MK_TMP/fixed" bs=1 seek=564 conv=notrunc 2> /dev/null
	ends 255 'The kernel says: the kernel is not relocatable' --multikernel=web -l "$MK_TMP/fixed"
	ends 255 'The kernel says: the kernel is not relocatable' --multikernel=web -cl "$MK_TMP/fixed"
	ends 255 'An instance has no 16bit or 32bit entry' --multikernel=web -cl --entry-32bit "$MK_KERNEL"
	is "$(get web state)" offline 'state'
}

what_does_not_fit_is_refused()
{
	prepared
	is "$(put web memory 4M)" OK 'having but 4 MiB'
	web 255 'The kernel says: no room for .* in the 4 MiB of instance web' -l x
	web 1 'Could not find a free area of memory' -cl x
	is "$(put web memory 0)" OK 'having none'
	web 255 'Instance .web. has no memory' -cl x
	is "$(get web state)" offline 'state'
}

options_for_a_successor_are_refused()
{
	local option

	prepared
	for option in -p -x -y --mem-min=0x1000000 --mem-max=0x8000000 --reuseinitrd --hotplug \
			--load-preserve-context --load-jump-back-helper --entry=0 --load-live-update; do
		ends 255 "^${option%%=*} makes no sense with --multikernel: " \
			--multikernel=web "$option" -l "$MK_KERNEL"
		ends 255 "^${option%%=*} makes no sense with --multikernel: " \
			-l "$MK_KERNEL" "$option" --multikernel=web
	done
	ends 1 'multikernel wants -l, -f, -e, -u or -S' --multikernel=web "$MK_KERNEL"
	ends 1 "option '--multikernel' requires an argument" --multikernel
	is "$(get web state)" offline 'state'
	is "$(classic_loaded)" 0 'kexec_loaded'
}

without_the_privilege_it_is_refused()
{
	local out status=0

	prepared
	web 0 '' -l kept
	out=$(su nobody -s /bin/sh -c "$MK_TMP/patched/kexec --multikernel=web -u" 2>&1) || status=$?
	is $status 255 'status of nobody'
	is "$out" 'kexec_file_load(unload) failed: Operation not permitted' 'what it says'
	is "$(get web cmdline)" kept 'cmdline'
}

mk_main \
	without_the_option_nothing_has_changed \
	beside_an_instance_neither \
	the_distributions_program_ends_in_the_same_ways \
	a_kernel_is_loaded_started_and_unloaded \
	segments_are_loaded_and_started \
	segments_lie_in_any_of_its_ranges \
	force_loads_and_starts \
	each_system_call_can_be_asked_for \
	the_classic_image_is_another \
	what_is_no_instance_is_refused \
	the_filesystem_is_looked_for \
	what_is_no_image_is_refused \
	what_does_not_fit_is_refused \
	options_for_a_successor_are_refused \
	without_the_privilege_it_is_refused
