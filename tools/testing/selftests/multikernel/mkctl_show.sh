#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What mkctl shows of the machine and of instances: map, top, events, check, dump, bench.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

CPUS=$(last_cpus 2) || :
CPU=$(last_cpus 1) || :

# said STATUS PATTERN ARGUMENT...: mkctl ends so, and says something like that
said()
{
	local want="$1" pattern="$2" got=0 out

	shift 2
	out=$(mkctl "$@" 2>&1 < /dev/null) || got=$?
	is $got "$want" "exit status of mkctl $*" || { note "$out"; return 1; }
	has "$out" "$pattern" "mkctl $*"
}

# The brackets of JSON pair up, and no comma stands before one that closes.
json()
{
	local out

	out=$(mkctl "$@" | sed 's/"\([^"\\]\|\\.\)*"/s/g' | tr -d ' \n')
	while printf '%s' "$out" | grep -q '[{[][^][{}]*[]}]'; do
		case $out in
		*,]* | *,'}'*)
			note "mkctl $*: a comma before a bracket: $out"
			return 1 ;;
		esac
		out=$(printf '%s' "$out" | sed -e 's/{[^][{}]*}/0/g' -e 's/\[[^][{}]*\]/0/g')
	done
	has "$out" '^0*$' "JSON of mkctl $*"
}

wrong_use_is_status_2()
{
	local cmd

	for cmd in map top events check dump bench; do
		said 2 '^usage: mkctl ' $cmd --no-such-option
		said 0 '^usage: mkctl ' $cmd --help
	done
	said 2 'something is missing' dump web
	said 2 'something is missing' bench
	said 2 'one word too many: web' map web
	said 2 'one word too many: web' check web
	said 2 'always, never or auto, not: pink' map --color pink
	said 2 'not a number that fits here: 0' map --width 0
	said 2 '0.1 seconds at least' top -d 0.01
	said 2 '1000000 at most' bench web -c 1000001
}

failure_is_status_1_and_says_what_to_do()
{
	said 1 'no such instance' events nobody
	said 1 'mkctl ps' events nobody
	said 1 'no such instance' dump nobody "$MK_TMP/core"
	said 1 'no such instance' bench nobody
	said 1 'cannot be the name' events ../pool
	ok mkctl create web
	said 1 'mkctl start --wait web' bench web
	ok test ! -e "$MK_TMP/core"
}

the_map_shows_who_owns_what()
{
	local out range

	mk_create web "$CPUS" 256M
	out=$(mkctl map --width 40 --color never)
	has "$out" ', 1 instance$' 'the machine'
	has "$out" '^| .*H.* w w ' 'CPUs'
	has "$out" '^| H*\.*w*X* *|$' 'a bar of memory'
	has "$out" '^| w web  *2  *256M  offline' 'the legend'
	has "$out" '^| H host ' 'the legend'
	range=$(get web memory.map | sed -n '1s/ .*//p')
	has "$out" "^| $range .* w web" 'a range'
	is "$(printf '%s\n' "$out" | awk 'length > 40' | wc -l)" 0 'lines that are too long'
	[ -z "$(printf '%s' "$out" | tr -d '\n -~')" ]
	has "$(LC_ALL=C.UTF-8 mkctl map)" '┌─ Owners ─' 'lines'
	has "$(mkctl map --color always)" "$(printf '\033')" 'colours'
}

the_map_in_json()
{
	mk_create web "$CPUS" 256M
	json map --json
	has "$(mkctl map --json)" '"instance": "web"' 'an owner'
	is "$(mkctl map --json | grep -c '"cpu": ')" "$(count_cpus "$(cat "$MK_CPUS/present")")" 'CPUs'
	has "$(mkctl map --json)" '"memory": 268435456' 'its memory'
}

top_shows_what_passes()
{
	local out

	mk_boot web "$CPUS"
	mkctl top -n 4 -d 1 > "$MK_TMP/top" & out=$!
	for _ in 1 2 3 4 5 6 7 8; do
		ok mkctl ping web -c 500
	done
	wait $out
	is "$(grep -c '^  NAME *STATE' "$MK_TMP/top")" 4 'blocks'
	has "$(cat "$MK_TMP/top")" '^w web *running *2 *256M *[1-9]' 'messages per second'
	has "$(cat "$MK_TMP/top")" '^CPU 0 *H' 'the map'
	mkctl top --json -n 2 -d 0.2 > "$MK_TMP/top"
	is "$(wc -l < "$MK_TMP/top")" 2 'lines of JSON'
	has "$(cat "$MK_TMP/top")" '^{"time_ms": .*"name": "web", "state": "running".*}$' 'JSON'
	json top --json -n 1 -d 0.1
}

gone() { ! kill -0 "$1"; }

# saw PATTERN
saw() { wait_until "a line like $1" grep -q -e "$1" "$MK_TMP/events"; }

events_f_tells_of_each_change()
{
	local pid

	mkctl events -f > "$MK_TMP/events" 2>&1 & pid=$!
	# It has begun once it sees one come; those before were there already
	wait_until 'it follows' sees_new
	mk_create web "$CPUS"
	saw 'web: - -> offline'
	mk_load web
	saw 'web: .*-> loaded'
	ok mkctl start web --wait --timeout "$MK_LIMIT"
	saw 'web: .*-> running'
	ok mkctl kill web
	saw 'web: .*-> loaded (killed)'
	ok mkctl rm web
	saw 'web: .*-> -$'
	ok kill $pid
	wait_until 'it ends' gone $pid
}

sees_new()
{
	ok mkctl create new
	sleep 0.2
	ok mkctl rm new
	grep -q 'new: - -> offline' "$MK_TMP/events"
}

events_counts()
{
	mk_create web "$CPU"
	mk_load web
	ok mkctl start web --wait --timeout "$MK_LIMIT"
	ok mkctl kill web
	has "$(mkctl events)" '^NAME *STARTS *STOPS *CRASHES *HANGS' 'the titles'
	has "$(mkctl events web)" '^web *1 *1 *0 *0 *0 *0 *[1-9]' 'its line'
	json events --json
	has "$(mkctl events --json)" '"starts": 1' 'JSON'
}

this_host_is_fit()
{
	local out

	out=$(mkctl check)
	has "$out" '^ok *root ' 'root'
	has "$out" '^ok *kernel ' 'the kernel'
	has "$out" '^ok *mount ' 'the mount'
	has "$out" '^ok *role ' 'the role'
	has "$out" '^ok *kexec ' 'kexec'
	has "$out" '^[a-z]* *cpus ' 'CPUs'
	json check --json
	has "$(mkctl check --json)" '"fit": true' 'JSON'
	has "$(MKCTL_ROOT=/nowhere mkctl check)" 'mount -t multikernel none' 'what to do'
}

an_instance_is_not()
{
	local out status=0

	mk_boot web "$CPU"
	out=$(mk_run web 'mkctl check') || status=$?
	is $status 1 'status in an instance'
	has "$out" '^missing *role *this kernel is an instance itself' 'its role'
	has "$out" '^missing *kernel ' 'its kernel'
}

there_is_no_dump_of_what_runs()
{
	mk_create web "$CPU" 128M
	mk_load web
	said 1 'nothing has run' dump web "$MK_TMP/core"
	said 1 'mkctl start web' dump web "$MK_TMP/core"
	mk_start web
	said 1 'is running' dump web "$MK_TMP/core"
	said 1 'mkctl kill web' dump web "$MK_TMP/core"
	ok test ! -e "$MK_TMP/core"
}

the_dump_is_the_core()
{
	mk_boot web "$CPU" 128M
	ok mkctl kill web
	ok mkctl dump web "$MK_TMP/core"
	ok cmp "$MK_TMP/core" "$MK_FS/instances/web/vmcore"
	is "$(stat -c %a "$MK_TMP/core")" 600 'mode'
	has "$(mkprobe core "$MK_TMP/core")" '^type 4$' 'an ELF core'
	between 1 "$(du -k "$MK_TMP/core" | cut -f 1)" 120000 'kB on disk, of 131072'
	is "$(mkctl dump web - 2> /dev/null | cmp - "$MK_TMP/core" 2>&1)" '' 'what goes down a pipe'
	said 1 'is there already' dump web "$MK_TMP/core"
	rm "$MK_TMP/core"
	has "$(mkctl dump web - 2>&1 > /dev/full)" 'No space left' 'a full disk'
}

bench_compares()
{
	local out

	mk_boot web "$CPUS"
	out=$(mkctl bench web -c 100)
	has "$out" '^message to web *100 .* 1\.00$' 'the instance'
	has "$out" '^two processes, futex, CPU [0-9]* and [0-9]* *100 ' 'a futex'
	has "$out" '^two processes, pipes, CPU [0-9]* and [0-9]* *100 ' 'pipes'
	has "$out" '^getppid(), CPU [0-9]* *100 ' 'system calls'
	has "$out" 'timed in the kernel' 'what was measured'
	json bench web --json -c 100
	has "$(mkctl bench web --json -c 100)" '"id": "futex"' 'JSON'
	json ping web --json
	has "$(mkctl ping web --json -c 7)" '"rounds": 7' 'JSON of ping'
}

mk_main \
	wrong_use_is_status_2 \
	failure_is_status_1_and_says_what_to_do \
	the_map_shows_who_owns_what \
	the_map_in_json \
	top_shows_what_passes \
	events_f_tells_of_each_change \
	events_counts \
	this_host_is_fit \
	an_instance_is_not \
	there_is_no_dump_of_what_runs \
	the_dump_is_the_core \
	bench_compares
