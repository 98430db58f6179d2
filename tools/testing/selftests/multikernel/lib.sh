# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What the multikernel tests share. They run in the host kernel, under any
# POSIX shell with "local"; busybox has all they call.
#
# A script defines one function for each test and hands their names to
# mk_main. A test runs in a subshell with "set -e": the first command that
# fails ends it and makes it fail. Helpers say with a "#" line what they
# expected. After each test every instance is removed, unless the script sets
# MK_KEEP for tests that share one.
#
# Nothing here sleeps for a time in the hope that something has happened by
# then: waits are for conditions, and MK_LIMIT seconds end a wait that would
# not end, on a slow machine too.

MK_DIR=$(dirname "$(readlink -f "$0")")
. "$MK_DIR/../kselftest/ktap_helpers.sh"

MK_FS=${MKCTL_ROOT:-/sys/fs/multikernel}
MK_CPUS=/sys/devices/system/cpu
MK_DEBUG=/sys/kernel/debug/multikernel
BENCH=$MK_DEBUG/bench
MK_LIMIT=${MK_LIMIT:-120}
MK_MEM=${MK_MEM:-256M}
MK_KERNEL=${MK_KERNEL:-/boot/bzImage}
MK_INITRD=${MK_INITRD:-/boot/initramfs.cpio.gz}
MK_TMP=${TMPDIR:-/tmp}/mk-test.$$
PATH=$MK_DIR:$PATH

# --- saying what happens -------------------------------------------------

note()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# is GOT WANTED WHAT
is()
{
	[ "$1" != "$2" ] || return 0
	note "$3: wanted '$2', got '$1'"
	return 1
}

# has TEXT PATTERN WHAT: a basic regular expression, in any line
has()
{
	printf '%s\n' "$1" | grep -q -e "$2" && return 0
	note "$3: nothing like '$2' in:"
	note "$1"
	return 1
}

# ok COMMAND...: shows what it said when it fails
ok()
{
	local out

	out=$("$@" 2>&1) && return 0
	note "failed: $*"
	note "$out"
	return 1
}

# says STATUS PATTERN WHAT COMMAND...: ends with it, having said something like that
says()
{
	local want="$1" pattern="$2" what="$3" got=0 out

	shift 3
	out=$("$@" 2>&1 < /dev/null) || got=$?
	is $got "$want" "status of $what" || { note "$out"; return 1; }
	has "$out" "$pattern" "words of $what"
}

# between LOW NUMBER HIGH WHAT
between()
{
	[ "$1" -le "$2" ] && [ "$2" -le "$3" ] && return 0
	note "$4: $2 is not between $1 and $3"
	return 1
}

# skip WHY: ends the test. A status alone could come from anywhere.
skip()
{
	note "skipped: $*"
	: > "$MK_TMP/skipped"
	exit "$KSFT_SKIP"
}

# --- waiting --------------------------------------------------------------

# Seconds since boot, without their fraction.
now()
{
	local up

	IFS=. read -r up _ < /proc/uptime
	echo "$up"
}

# wait_until WHAT COMMAND...
wait_until()
{
	local what="$1" end

	shift
	end=$(($(now) + MK_LIMIT))
	until "$@" > /dev/null 2>&1; do
		if [ "$(now)" -ge "$end" ]; then
			note "gave up after $MK_LIMIT s: $what"
			return 1
		fi
		sleep 0.1
	done
}

# wait_for_state NAME STATE[,STATE...]
wait_for_state()
{
	ok mkctl wait "$1" "$2" --timeout "$MK_LIMIT"
}

# --- the host ---------------------------------------------------------------

need_multikernel()
{
	local why=

	if [ "$(id -u)" != 0 ]; then
		why='run me as root'
	elif ! grep -qw multikernel /proc/filesystems; then
		why='this kernel has no multikernel'
	elif ! command -v mkctl > /dev/null; then
		why='mkctl is not on the PATH'
	elif ! command -v mkprobe > /dev/null; then
		why='mkprobe has not been built'
	elif [ "$(count_cpus "$(cat "$MK_CPUS/online")")" -lt 3 ]; then
		why='needs three CPUs at least'
	fi
	if [ -n "$why" ]; then
		ktap_skip_all "$why"
		exit "$KSFT_SKIP"
	fi
	[ -d "$MK_FS/instances" ] || mount -t multikernel none "$MK_FS"
}

# each_cpu LIST: the numbers in a list like 0,2-3, one a line
each_cpu()
{
	local range

	for range in $(printf '%s' "$1" | tr ',' ' '); do
		seq "${range%-*}" "${range#*-}"
	done
}

count_cpus()
{
	each_cpu "$1" | wc -l
}

# last_cpus N: a list of the N highest CPUs online, if one more is left
last_cpus()
{
	local online

	online=$(each_cpu "$(cat "$MK_CPUS/online")")
	[ "$(printf '%s\n' "$online" | wc -l)" -gt "$1" ] || return 1
	printf '%s\n' "$online" | tail -n "$1" | paste -s -d , -
}

# Free memory of the host in kB, without what it can drop at once. The pages on
# the lists of the CPUs are free too, and MemFree leaves them out: up to 8 MB
# after a few starts.
host_free()
{
	sync
	[ ! -w /proc/sys/vm/drop_caches ] || echo 3 > /proc/sys/vm/drop_caches
	awk '/^ *nr_free_pages / { n += $2 } / count: / { n += $2 } END { print 4 * n }' /proc/zoneinfo
}

host_total()
{
	sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo
}

# free_again BEFORE WHAT: the host has as much free memory as it had.
#
# Free memory moves by itself: slab caches and the pages of this shell come
# and go, some 100 kB here and there. So it gets MK_LIMIT seconds to come back
# within MK_SLACK kB: below the smallest thing that one start could leak whole
# (the kernel's image, 4 MB and more), and far below an instance's memory. KASAN keeps what
# was freed for a while, up to a 32nd of all memory.
free_again()
{
	local before="$1"

	wait_until "$2: $before kB were free before" enough_free "$before" ||
		{ note "$(host_free) kB are free now"; return 1; }
}

enough_free()
{
	[ "$(host_free)" -ge $(($1 - $(slack))) ]
}

slack()
{
	if [ -n "${MK_SLACK:-}" ]; then
		echo "$MK_SLACK"
	elif zcat /proc/config.gz 2> /dev/null | grep -q '^CONFIG_KASAN_GENERIC=y'; then
		echo $(($(host_total) / 32))
	else
		echo 2048
	fi
}

# bytes SIZE: 256M as a number of bytes
bytes()
{
	case $1 in
	*K) echo $((${1%K} * 1024)) ;;
	*M) echo $((${1%M} * 1048576)) ;;
	*G) echo $((${1%G} * 1073741824)) ;;
	*) echo "$1" ;;
	esac
}

# --- refusals ---------------------------------------------------------------

last_error()
{
	local line=

	IFS= read -r line < "$MK_FS/info/last_error" || :
	printf '%s\n' "$line"
}

# All that a refused request could have changed.
snapshot()
{
	local dir file

	set -- "$MK_CPUS/online" "$MK_FS"/pool/keep_* "$MK_FS/pool/quarantine"
	for dir in $MK_FS/instances/*/; do
		[ -d "$dir" ] || continue
		for file in id state reason cpus memory memory.map memory.wanted numa cmdline image; do
			set -- "$@" "$dir$file"
		done
	done
	grep '' "$@"
}

# refused_early ERRNO WHAT COMMAND...: the command, of mkprobe, fails with it
# and changes nothing. For what ends outside our code.
refused_early()
{
	local want="$1" what="$2" before got

	shift 2
	before=$(snapshot)
	got=$("$@" 2>&1) || :
	is "$got" "$want" "$what" || return 1
	is "$(snapshot)" "$before" "$what: nothing has changed"
}

# refused [-m PATTERN] ERRNO WHAT COMMAND...: the same, and info/last_error, which
# said "ok" before, says why, in words like the pattern.
refused()
{
	local pattern=

	[ "$1" != -m ] || { pattern="$2"; shift 2; }
	mkdir "$MK_FS/instances/granted" && rmdir "$MK_FS/instances/granted"
	is "$(last_error)" ok 'last_error after what was granted' || return 1
	refused_early "$@" || return 1
	case $(last_error) in
	ok|'')
		note "$2: info/last_error does not say why"
		return 1 ;;
	esac
	has "$(last_error)" "$pattern" "$2: info/last_error"
}

# put NAME FILE TEXT: writes, and prints OK or the name of the error
put()
{
	mkprobe write "$MK_FS/instances/$1/$2" "$3"
}

# get NAME FILE
get()
{
	cat "$MK_FS/instances/$1/$2"
}

# counter NAME FILE KEY: a value of a file of "key value" lines
counter()
{
	sed -n "s/^$3 //p" "$MK_FS/instances/$1/$2"
}

# --- instances --------------------------------------------------------------

# mk_create NAME CPUS [MEMORY]
mk_create()
{
	ok mkctl create "$1" --cpus "$2" --memory "${3:-$MK_MEM}"
}

# mk_load NAME [CMDLINE]
mk_load()
{
	ok mkctl load "$1" --initrd "$MK_INITRD" --cmdline "${2:-}" "$MK_KERNEL"
}

# mk_start NAME: returns when commands can be run in it
mk_start()
{
	ok mkctl start "$1" --wait --timeout "$MK_LIMIT" || return
	mk_login "$1"
}

# mk_boot NAME CPUS [MEMORY [CMDLINE]]: all of it
mk_boot()
{
	mk_create "$1" "$2" "${3:-}" || return
	mk_load "$1" "${4:-}" || return
	mk_start "$1"
}

# A number that no other call has had, in subshells too.
unique()
{
	echo x >> "$MK_TMP/unique"
	wc -l < "$MK_TMP/unique"
}

# mk_send NAME TEXT: types a line, and does not look at what comes of it
mk_send()
{
	printf '%s\n' "$2" > "$MK_FS/instances/$1/console"
}

# mk_login NAME: waits for the shell on its console, and makes it quiet.
#
# What is typed before the shell is there waits for it, so a late answer to
# an early try is possible; the mark tells the tries apart.
mk_login()
{
	local end n

	rm -f "$MK_TMP/login.$1"
	end=$(($(now) + MK_LIMIT))
	while [ "$(now)" -lt "$end" ]; do
		n=$(unique)
		printf '\nstty -echo; dmesg -n 1; PS1=; PS2=; printf "MK%%s\\n" "L_%s"\n' "$n" |
			mkctl console "$1" --new --until "MKL_$n" \
				--timeout 10 > /dev/null 2>&1 && {
			: > "$MK_TMP/login.$1"
			return 0
		}
		mkctl wait "$1" running --timeout 0 2> /dev/null || break
	done
	note "no shell on the console of $1, which is $(get "$1" state):"
	note "$(mkctl logs "$1" | tail -n 20)"
	return 1
}

# mk_run NAME COMMAND: runs it in the instance, prints what it printed, and
# returns its status. 124: no answer within MK_LIMIT seconds. A line of it
# has room for 800 characters.
#
# The marks are put together by the shell there, so that an echo of what was
# typed does not contain them.
mk_run()
{
	local n raw status=0

	[ -e "$MK_TMP/login.$1" ] || {
		note "nobody is logged in on $1"
		return 124
	}
	n=$(unique)
	raw=$MK_TMP/run.$n
	if ! printf 'printf "\\nMK%%s\\n" "B_%s"; { %s\n} 2>&1; printf "\\nMK%%s %%d MK%%s\\n" S $? "E_%s"\n' \
		"$n" "$2" "$n" |
	     mkctl console "$1" --new --until "MKE_$n" \
		--timeout "$MK_LIMIT" > "$raw" 2> "$raw.err"; then
		note "$1 did not answer: $2"
		note "$(cat "$raw.err")"
		note "$(tail -n 20 "$raw")"
		return 124
	fi
	mk_answer "$n" < "$raw" || status=$?
	# In a tmpfs, and long tests that count the memory of the host ask hundreds of times
	rm -f "$raw" "$raw.err"
	return $status
}

# Cuts the answer out. One newline before the mark at the end is ours.
mk_answer()
{
	awk -v begin="MKB_$1" -v end="MKE_$1" '
		{ sub(/\r+$/, "") }
		$0 == begin { on = 1; n = 0; next }
		$1 == "MKS" && $3 == end { status = $2; seen = 1; exit }
		on { line[n++] = $0 }
		END {
			if (!on || !seen)
				exit 125
			if (n && line[n - 1] == "")
				n--
			for (i = 0; i < n; i++)
				print line[i]
			exit status
		}'
}

# answers NAME: it can be talked to
answers()
{
	mkctl ping "$1" -c 1
}

# cpu_works CPU: it is online in the host and runs a program
cpu_works()
{
	[ "$(cat "$MK_CPUS/cpu$1/online" 2> /dev/null || echo 1)" = 1 ] &&
		[ "$(taskset -c "$1" sh -c 'cut -d" " -f39 /proc/self/stat')" = "$1" ]
}

# --- what an instance has ---------------------------------------------------

# As the instance sees it.
cpus_inside() { mk_run "$1" 'grep -c ^processor /proc/cpuinfo'; }
kb_inside() { mk_run "$1" 'sed -n "s/^MemTotal: *\([0-9]*\) kB/\1/p" /proc/meminfo'; }

# eats PERCENT: the command by which an instance fills a file in /mnt with so much of its
# available memory. How much that is depends on what its kernel checks.
eats()
{
	printf 'mkdir -p /mnt && mount -t tmpfs -o size=100%% none /mnt && '
	printf 'dd if=/dev/zero of=/mnt/x bs=1M count=$(($(%s) * %s / 102400)) 2> /dev/null' \
		'sed -n "s/^MemAvailable: *\([0-9]*\) kB/\1/p" /proc/meminfo' "$1"
}

# fills FILE TEXT: the command by which an instance fills 60 MiB of a file with lines of it,
# each letter one before. Programs that copy by the byte take minutes where all is checked.
fills()
{
	printf 'yes $(echo %s | tr a-y b-z) | head -c 65536 > %s.1 && ' "$2" "$1"
	printf 'for i in $(seq 16); do cat %s.1; done > %s.2 && ' "$1" "$1"
	printf 'for i in $(seq 60); do cat %s.2; done > %s; rm -f %s.1 %s.2' "$1" "$1" "$1" "$1"
}

# pages_with TEXT MAP: pages of the ranges that have it, each letter moved on by one
pages_with()
{
	local range found=0

	for range in $2; do
		found=$((found + $(mkprobe scan "${range%-*}" "${range#*-}" "$1")))
	done
	echo $found
}

# --- messages, with CONFIG_MULTIKERNEL_BENCH ---------------------------------

# bench FROM LINE: runs it in that kernel and prints the result, or the error
bench()
{
	if [ "$1" = host ]; then
		{ echo "$2" > $BENCH && cat $BENCH; } 2>&1
	else
		mk_run "$1" "{ echo $2 > $BENCH && cat $BENCH; } 2>&1"
	fi
}

# value NAME TEXT
value()
{
	printf '%s\n' "$2" | sed -n "s/^$1 //p"
}

# flows FROM TO SIZE COUNT [KIND]: all that was sent has come in, whole and in order
flows()
{
	local out

	out=$(bench "$1" "${5:-stream} $2 $3 $4") || :
	if [ "$(value sent "$out")" = "$4" ] && [ "$(value received "$out")" = "$4" ] &&
	   [ "$(value misplaced "$out")" = 0 ] && [ "$(value damaged "$out")" = 0 ]; then
		return 0
	fi
	note "$4 messages of $3 bytes from $1 to $2: $out"
	return 1
}

# --- running tests ----------------------------------------------------------

# Takes everything away that a test has left, and tells if that fails.
mk_cleanup()
{
	local dir name status=0

	for dir in $MK_FS/instances/*/; do
		[ -d "$dir" ] || continue
		name=$(basename "$dir")
		ok mkctl rm -f "$name" || status=1
	done
	return $status
}

# What a person wants to see of a test that has failed.
mk_diagnose()
{
	local dir name

	note "last_error: $(last_error)"
	note "$(mkctl ps)"
	for dir in $MK_FS/instances/*/; do
		[ -d "$dir" ] || continue
		name=$(basename "$dir")
		note "--- end of the log of $name"
		note "$(mkctl logs "$name" 2> /dev/null | tail -n 20)"
	done
	note '--- end of the log of the host'
	note "$(dmesg | tail -n 10)"
}

mk_one_test()
{
	local title status online

	title=$(printf '%s' "$1" | tr _ ' ')
	online=$(cat "$MK_CPUS/online")
	rm -f "$MK_TMP/skipped"
	( set -e; "$1" )
	status=$?
	[ -e "$MK_TMP/skipped" ] || [ $status -eq 0 ] || mk_diagnose
	if [ -z "${MK_KEEP:-}" ]; then
		mk_cleanup || status=1
		is "$(cat "$MK_CPUS/online")" "$online" \
			'CPUs of the host after the test' || status=1
	fi
	if [ -e "$MK_TMP/skipped" ] && [ $status -eq "$KSFT_SKIP" ]; then
		ktap_test_skip "$title"
	elif [ $status -eq 0 ]; then
		ktap_test_pass "$title"
	else
		ktap_test_fail "$title"
	fi
}

# What a kernel says when it has something to complain of.
MK_SPLAT='WARNING:|BUG:|UBSAN:|Oops|INFO: task|INFO: rcu|INFO: trying to register'
MK_SPLAT="$MK_SPLAT|[Ii]nvalid wait context|inconsistent lock state|suspicious RCU usage"
MK_SPLAT="$MK_SPLAT|list_.* corruption|general protection|unable to handle|possible .* lock"

# The last test of each script: the host had nothing to complain about.
the_host_kernel_has_warned_of_nothing()
{
	local bad

	bad=$(dmesg | sed "1,/$MK_MARK/d" |
		grep -E "$MK_SPLAT") || return 0
	note "$bad"
	return 1
}

# mk_main TEST...: runs the functions; never returns
mk_main()
{
	local t

	ktap_print_header
	need_multikernel
	mkdir -p "$MK_TMP"
	trap 'mk_cleanup > /dev/null; rm -rf "$MK_TMP"' EXIT
	MK_MARK="selftests: $(basename "$0") $$ begins"
	echo "$MK_MARK" > /dev/kmsg
	ktap_set_plan $(($# + 1))
	for t in "$@" the_host_kernel_has_warned_of_nothing; do
		mk_one_test "$t"
	done
	ktap_finished
}
