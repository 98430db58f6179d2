#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A kernel from one line: run, what it leaves behind, and root file systems without a disk.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

CPUS=$(last_cpus 1) || :
ROOT=$MK_TMP/root

# run_here ARGUMENT...
run_here()
{
	mkctl run --name web --cpus "$CPUS" --memory "$MK_MEM" --initrd "$MK_INITRD" "$@"
}

nothing_is_left()
{
	is "$(ls "$MK_FS/instances")" '' 'instances'
	is "$(cat "$MK_CPUS/online")" "$(cat "$MK_CPUS/present")" 'CPUs online'
	is "$(find /tmp -name 'mkctl.*')" '' 'temporary directories'
}

a_command_in_a_kernel_of_its_own()
{
	is "$(run_here --rm "$MK_KERNEL" -- sh -c 'hostname; nproc')" "$(printf 'instance\n1')" 'output'
	nothing_is_left
	says 42 '' 'exit 42' run_here --rm "$MK_KERNEL" -- sh -c 'exit 42'
	nothing_is_left
	is "$(echo word | run_here --rm -i "$MK_KERNEL" -- cat)" word 'input'
	nothing_is_left
}

without_rm_it_stays()
{
	is "$(run_here "$MK_KERNEL" -- echo finished)" finished 'output'
	is "$(get web state)" loaded 'state'
	is "$(get web reason)" poweroff 'it was ended in order'
}

detached_it_runs()
{
	is "$(run_here -d "$MK_KERNEL")" web 'output'
	is "$(get web state)" running 'state'
	ok mkctl exec web true
	says 125 'File exists' 'the same name' run_here "$MK_KERNEL"
	is "$(get web state)" running 'the one that was there'
	says 125 'nobody waits' '-d and --rm' run_here -d --rm "$MK_KERNEL"
}

# Standard input is the console's: the shell there ends it
attached_to_its_console()
{
	local out

	out=$(echo 'echo he""llo; poweroff' | run_here --rm "$MK_KERNEL")
	has "$out" '^hello' 'what the shell there says'
	nothing_is_left
	out=$(echo 'echo c > /proc/sysrq-trigger' | run_here --rm "$MK_KERNEL") && got=0 || got=$?
	is $got 1 'status after a panic'
	nothing_is_left
}

a_name_of_its_own()
{
	is "$(mkctl run --cpus "$CPUS" --memory "$MK_MEM" --initrd "$MK_INITRD" -d "$MK_KERNEL" |
		grep -c '^run-[0-9]*$')" 1 'its name'
	is "$(find "$MK_FS/instances" -name 'run-*' | wc -l)" 1 'instances'
}

what_fails_leaves_nothing()
{
	says 125 'are needed' 'no CPUs' mkctl run --memory "$MK_MEM" "$MK_KERNEL"
	says 125 'something is missing' 'no kernel' mkctl run --memory "$MK_MEM" --cpus "$CPUS"
	says 125 'No such file' 'no such kernel' run_here /no/kernel
	says 125 'mkctl' 'no kernel' run_here /etc/profile
	says 125 'mkctl' "the host's CPU" mkctl run --name web --cpus 0 --memory "$MK_MEM" "$MK_KERNEL"
	says 125 'mkctl' 'too much memory' mkctl run --name web --cpus "$CPUS" --memory 999T "$MK_KERNEL"
	says 125 'either' 'two root file systems' run_here --rootfs / "$MK_KERNEL"
	says 125 'cannot be the name' 'no name' run_here --name ../web "$MK_KERNEL"
	# It says hello before it looks for an init
	says 1 'panic' 'one that panics' run_here --rm --cmdline 'rdinit=/none init=/none' "$MK_KERNEL"
	nothing_is_left
}

boots()
{
	[ "$(get web state 2> /dev/null)" = booting ]
}

# run_in_background ARGUMENT...: sets $pid. A shell has SIGINT ignored in the background
run_in_background()
{
	mkctl run --name web --cpus "$CPUS" --memory "$MK_MEM" --initrd "$MK_INITRD" "$@" \
		> "$MK_TMP/out" 2>&1 < /dev/null & pid=$!
}

interrupted_it_leaves_nothing()
{
	local pid sig got

	for sig in TERM HUP; do
		run_in_background --cmdline init.run='"sleep 1000"' "$MK_KERNEL" -- true
		wait_until 'it boots' boots
		got=0
		kill -$sig $pid
		wait $pid || got=$?
		ok test $got -gt 125
		nothing_is_left
	done
	# While the command runs, with --rm
	run_in_background --rm "$MK_KERNEL" -- sleep 1000
	wait_until 'the command runs' eval 'mkctl exec web -- sh -c "ps | grep -q [s]leep.1000"'
	kill -TERM $pid
	wait $pid || :
	nothing_is_left
}

# A root with nothing but a busybox, as an image for a container may be
make_root()
{
	local applet

	mkdir -p "$ROOT/bin" "$ROOT/etc"
	cp /bin/busybox "$ROOT/bin"
	for applet in sh cat echo grep ls ps mount ip sleep hostname stat; do
		ln -sf busybox "$ROOT/bin/$applet"
	done
	echo 'of a directory' > "$ROOT/etc/which root"
	chmod 640 "$ROOT/etc/which root"
}

in_root()
{
	mkctl run --name web --cpus "$CPUS" --memory "$MK_MEM" --rm "$@"
}

a_directory_is_a_root()
{
	make_root
	is "$(in_root --rootfs "$ROOT" "$MK_KERNEL" -- cat '/etc/which root')" 'of a directory' 'its file'
	is "$(in_root --rootfs "$ROOT" "$MK_KERNEL" -- stat -c %a '/etc/which root')" 640 'its mode'
	nothing_is_left
	is "$(in_root --rootfs "$ROOT" "$MK_KERNEL" -- sh -c 'mount | grep -cE "^(proc|sysfs|devtmpfs|devpts) "')" 4 \
		'what is mounted'
	is "$(in_root --rootfs "$ROOT" "$MK_KERNEL" -- sh -c 'ip addr show lo | grep -c 127.0.0.1')" 1 'lo'
	ok test ! -e "$ROOT/.multikernel"
}

a_tar_is_a_root()
{
	make_root
	echo 'of a tar' > "$ROOT/etc/which root"
	tar -cf "$MK_TMP/root.tar" -C "$ROOT" .
	is "$(in_root --rootfs "$MK_TMP/root.tar" "$MK_KERNEL" -- cat '/etc/which root')" 'of a tar' 'its file'
	gzip -c "$MK_TMP/root.tar" > "$MK_TMP/root.tar.gz"
	is "$(in_root --rootfs "$MK_TMP/root.tar.gz" "$MK_KERNEL" -- cat '/etc/which root')" 'of a tar' 'its file'
	nothing_is_left
	says 125 'tar could not' 'what is no tar' in_root --rootfs "$MK_KERNEL" "$MK_KERNEL" -- true
	says 125 'No such file' 'nothing' in_root --rootfs /no/root "$MK_KERNEL" -- true
	says 125 'The agent is built with' 'no agent' env MKCTL_AGENT=/no/agent \
		mkctl run --name web --cpus "$CPUS" --memory "$MK_MEM" --rootfs "$ROOT" "$MK_KERNEL" -- true
	nothing_is_left
}

# The agent is the first process there: it reaps, and ends the instance in order
its_first_process()
{
	make_root
	ok mkctl run --name web --cpus "$CPUS" --memory "$MK_MEM" -d --rootfs "$ROOT" "$MK_KERNEL"
	ok mkctl exec --timeout "$MK_LIMIT" web -- sh -c '(sleep 0.1 &) ; sleep 1'
	is "$(mkctl exec web -- sh -c 'ps -o stat | grep -c ^Z')" 0 'zombies'
	ok mkctl stop web
	is "$(get web reason)" poweroff 'reason'
}

# An init of its own is what it gets
an_init_of_its_own()
{
	make_root
	mkdir -p "$ROOT/sbin"
	printf '#!/bin/sh\necho my own init > /run/init\nwhile :; do sleep 1; done\n' > "$ROOT/sbin/init"
	chmod 755 "$ROOT/sbin/init"
	ok mkctl run --name web --cpus "$CPUS" --memory "$MK_MEM" -d --rootfs "$ROOT" "$MK_KERNEL"
	wait_until 'its init runs' mkctl exec web cat /run/init
	is "$(mkctl exec web -- cat /proc/1/comm)" init 'the first process'
	ok mkctl rm -f web
	nothing_is_left
}

# config LINE...: a file that describes an instance
config()
{
	{
		printf 'kernel = %s\n\n# a comment\n  initrd=%s\ncpus = %s\nmemory = %s\n' \
			"$MK_KERNEL" "$MK_INITRD" "$CPUS" "$MK_MEM"
		printf '%s\n' "$@"
	} > "$MK_TMP/web.conf"
}

up()
{
	mkctl up --config "$MK_TMP/web.conf" "$@"
}

up_and_down_by_a_file()
{
	config 'cmdline = one=1 two="2 3"'
	ok up web
	is "$(get web state)" running 'state'
	has "$(mkctl exec web cat /proc/cmdline)" 'one=1 two="2 3"' 'its command line'
	says 1 'File exists' 'once more' up web
	ok mkctl down web
	nothing_is_left
	says 1 'no such instance' 'nobody' mkctl down web
}

a_file_that_can_not_be()
{
	says 1 'No such file' 'no file' mkctl up --config /no/file web
	says 1 '/etc/multikernel/web.conf' 'no file of its own' mkctl up web
	config 'colour = blue'
	says 1 "web.conf:7: there is no key 'colour'" 'a key that is none' up web
	config 'cpus = 1'
	says 1 "web.conf:7: 'cpus' is there twice" 'a key twice' up web
	config 'what is this'
	says 1 'is not KEY = VALUE' 'no key' up web
	config 'rootfs = /'
	says 2 'either initrd or rootfs' 'two roots' up web
	echo "kernel = $MK_KERNEL" > "$MK_TMP/web.conf"
	says 2 'are needed' 'no CPUs' up web
	config 'numa = 77'
	says 1 'mkctl: numa' 'a node that is none' up web
	nothing_is_left
}

said()
{
	grep -q "$1" "$MK_TMP/out"
}

# As a service manager has it
up_in_the_foreground()
{
	local pid got=0

	config
	up -f web > "$MK_TMP/out" 2>&1 & pid=$!
	wait_until 'its log comes' said 'init reached'
	ok mkctl stop web
	wait $pid || got=$?
	is $got 0 'status after an orderly end'
	has "$(cat "$MK_TMP/out")" 'Linux version' 'its log'
	ok mkctl rm web
	up -f web > "$MK_TMP/out" 2>&1 & pid=$!
	wait_until 'its log comes' said 'init reached'
	ok mkctl exec --timeout "$MK_LIMIT" web true
	mkctl exec web -- sh -c 'echo c > /proc/sysrq-trigger' > /dev/null 2>&1 || :
	got=0
	wait $pid || got=$?
	is $got 1 'status after a panic'
	has "$(cat "$MK_TMP/out")" 'web has ended: panic' 'what is said of it'
	ok mkctl down web
	nothing_is_left
	# Not yet up, it is taken back
	mkctl up -f --config "$MK_TMP/web.conf" web > /dev/null 2>&1 & pid=$!
	wait_until 'it boots' boots
	kill -TERM $pid
	wait $pid 2> /dev/null || :
	nothing_is_left
}

mk_main \
	a_command_in_a_kernel_of_its_own \
	without_rm_it_stays \
	detached_it_runs \
	attached_to_its_console \
	a_name_of_its_own \
	what_fails_leaves_nothing \
	interrupted_it_leaves_nothing \
	a_directory_is_a_root \
	a_tar_is_a_root \
	its_first_process \
	up_and_down_by_a_file \
	a_file_that_can_not_be \
	up_in_the_foreground \
	an_init_of_its_own
