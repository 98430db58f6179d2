#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The tool: exit status, what it says, what it leaves behind.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

CPUS=$(last_cpus 2) || :
CPU=$(last_cpus 1) || :

# exits STATUS ARGUMENT...: mkctl does, and says something when it fails
exits()
{
	local want="$1" got=0 out

	shift
	out=$(mkctl "$@" 2>&1 < /dev/null) || got=$?
	is $got "$want" "exit status of mkctl $*" || { note "$out"; return 1; }
	[ "$want" = 0 ] || has "$out" '[a-z]' "words of mkctl $*"
}

wrong_use_is_status_2()
{
	local cmd

	exits 2
	exits 2 dance
	for cmd in create set move update load unload start stop kill rm inspect console \
		   logs ping wait; do
		exits 2 $cmd
		exits 2 $cmd --no-such-option
		exits 0 $cmd --help
	done
	exits 2 ps web
	exits 2 set web
	exits 2 move web
	exits 2 move web db
	exits 2 wait web dancing
	exits 2 ping web -c none
	exits 0 help
}

failure_is_status_1()
{
	exits 1 start nobody
	exits 1 inspect nobody
	exits 1 logs nobody
	exits 1 console nobody
	exits 1 load nobody "$MK_KERNEL"
	exits 1 rm nobody
	exits 1 create 'not/a/name'
	ok mkctl create web
	exits 1 create web
	exits 1 start web
	exits 1 load web /nowhere
	exits 1 ping web
	exits 1 wait web running --timeout 0.1
}

an_error_says_why_and_what_to_do()
{
	local out

	ok mkctl create web
	out=$(mkctl start web 2>&1) || :
	has "$out" 'Invalid argument' 'errno'
	has "$out" "$(last_error | cut -c 1-20)" 'the sentence of the kernel'
	has "$out" 'mkctl inspect web' 'what to do'
}

a_create_that_fails_leaves_nothing()
{
	local online

	online=$(cat "$MK_CPUS/online")
	exits 1 create web --cpus "0,$CPU"
	ok test ! -e "$MK_FS/instances/web"
	exits 1 create web --cpus "$CPU" --memory 999T
	ok test ! -e "$MK_FS/instances/web"
	exits 1 create web --memory 64M --cpus 99999
	ok test ! -e "$MK_FS/instances/web"
	exits 1 create web --id 4711
	ok test ! -e "$MK_FS/instances/web"
	is "$(cat "$MK_CPUS/online")" "$online" 'CPUs online'
}

ps_and_inspect_show_it()
{
	local id

	ok mkctl create web --cpus "$CPU" --memory 64M --id 77
	id=$(get web id)
	is "$id" 77 'the id that was asked for'
	has "$(mkctl ps)" '^NAME *ID *STATE *CPUS *MEMORY *REASON$' 'the titles'
	has "$(mkctl ps)" "^web *77 *offline *$CPU *64M *-$" 'its line'
	has "$(mkctl ps --json)" '"name": "web"' 'its name in JSON'
	has "$(mkctl ps --json)" '"memory": 67108864' 'its memory in JSON'
	has "$(mkctl inspect web)" '^range *0x[0-9a-f]*-0x[0-9a-f]*' 'a range'
	has "$(mkctl inspect web --json)" '"memory_map": \[' 'ranges in JSON'
	has "$(mkctl inspect web --json)" '"memory_wanted": 67108864' 'what it is to have in JSON'
	has "$(mkctl inspect web)" '^wanted *64M$' 'what it is to have'
	has "$(mkctl inspect web)" '^abi *agreed [0-9]' 'the ABI'
	has "$(mkctl inspect web --json)" '"abi": {' 'the ABI in JSON'
}

set_changes_what_it_owns()
{
	ok mkctl create web --cpus "$CPU" --memory 64M
	ok mkctl set web --cpus "$CPUS" --memory 128M
	is "$(count_cpus "$(get web cpus)")" 2 'CPUs'
	is "$(bytes "$(get web memory)")" "$(bytes 128M)" 'memory'
	ok mkctl set web --cpus '' --memory 0
	is "$(get web cpus)" '' 'CPUs'
	is "$(get web memory.map)" '' 'memory'
}

memory_comes_from_the_nodes_that_are_named()
{
	local node

	node=$(each_cpu "$(cat /sys/devices/system/node/has_memory)" | tail -n 1)
	exits 1 create web --numa 99 --memory 64M
	[ ! -d "$MK_FS/instances/web" ]
	ok mkctl create web --cpus "$CPU" --numa "$node" --memory 64M
	is "$(get web numa)" "$node" 'nodes'
	ok mkctl set web --numa ''
	is "$(get web numa)" '' 'nodes'
}

what_runs_is_changed_and_moved()
{
	mk_boot a "$CPUS" 256M
	mk_boot b "$(last_cpus 1)" 256M
	ok mkctl set b --memory 384M
	is "$(get b memory)" 384M 'memory of b'
	exits 1 move a b --memory 1M
	exits 1 move a nobody --cpus "$CPU"
	ok mkctl move a b --cpus "$CPU"
	is "$(get a cpus)" "${CPUS%,*}" 'CPUs of a'
	is "$(count_cpus "$(get b cpus)")" 2 'CPUs of b'
	ok mkctl move b a --cpus "$CPU" --memory 128M
	is "$(get a memory)" 384M 'memory of a'
	is "$(count_cpus "$(get a cpus)")" 2 'CPUs of a'
}

a_life_by_hand()
{
	ok mkctl create web --cpus "$CPU" --memory "$MK_MEM"
	ok mkctl load web --initrd "$MK_INITRD" --cmdline 'by hand' "$MK_KERNEL"
	ok mkctl start --wait web
	has "$(mkctl ps)" '^web .* running ' 'ps'
	has "$(mkctl inspect web)" '^cmdline *by hand$' 'inspect'
	exits 1 start web
	exits 1 unload web
	exits 1 rm web
	has "$(mkctl ping web -c 5)" '5 round trips, 0 lost' 'ping'
	ok mkctl stop web
	ok mkctl unload web
	is "$(get web state)" offline 'state'
	ok mkctl rm web
	is "$(mkctl ps | wc -l)" 1 'lines of ps'
}

rm_f_removes_what_runs()
{
	mk_boot web "$CPU"
	exits 1 rm web
	exits 0 rm -f web
	ok test ! -e "$MK_FS/instances/web"
	ok cpu_works "$CPU"
}

console_until_and_timeout()
{
	mk_boot web "$CPU"
	exits 0 console web --until 'Linux version' --timeout "$MK_LIMIT"
	exits 1 console web --new --until 'never said' --timeout 0.3
	ok mkctl kill web
	exits 1 console web --until 'Linux version'
	has "$(mkctl console web 2>&1 || :)" 'mkctl logs web' 'what to do'
}

start_wait_tells_of_a_failure()
{
	mk_create web "$CPU"
	ok mkctl load web --cmdline 'rdinit=/nowhere init=/nowhere panic=0' \
		--initrd "$MK_INITRD" "$MK_KERNEL"
	mkctl start web --wait --timeout "$MK_LIMIT" || :
	wait_for_state web crashed
	exits 1 wait web running --timeout 0
	has "$(mkctl ps)" '^web .* crashed .* panic: ' 'ps'
}

gone()
{
	! kill -0 "$1"
}

# Follows instances that come, end, come back and go.
logs_of_all_go_on()
{
	local out="$MK_TMP/all" pid

	mkctl logs --all > "$out" 2>&1 & pid=$!
	mk_boot web "$CPU"
	wait_until 'the first life is followed' grep -q '^web: .*Linux version' "$out"
	mk_run web 'echo in the first life'
	wait_until 'a line is followed' grep -q '^web: in the first life' "$out"
	ok mkctl kill web
	mk_start web
	mk_run web 'echo in the second life'
	wait_until 'the second life is followed' \
		grep -q '^web: in the second life' "$out"
	is "$(grep -c '^web: .*Linux version' "$out")" 2 'banners'
	ok mkctl rm -f web
	mk_boot db "$CPU"
	wait_until 'another instance is followed' grep -q '^db: .*Linux version' "$out"
	ok kill $pid
	wait_until 'it ends' gone $pid
}

logs_f_ends_with_the_instance()
{
	local out="$MK_TMP/one" pid

	mk_boot web "$CPU"
	mkctl logs -f web > "$out" & pid=$!
	wait_until 'it is followed' grep -q 'Linux version' "$out"
	ok mkctl kill web
	wait_until 'it ends' gone $pid
	wait $pid
}

wait_waits()
{
	local pid

	mk_create web "$CPU"
	mk_load web
	mkctl wait web running --timeout "$MK_LIMIT" & pid=$!
	ok mkctl start web
	wait $pid
	is "$(get web state)" running 'state'
	mkctl wait web loaded,crashed --timeout "$MK_LIMIT" & pid=$!
	ok mkctl kill web
	wait $pid
	mkctl wait web running --timeout "$MK_LIMIT" 2> /dev/null & pid=$!
	ok mkctl rm web
	! wait $pid || return 1
}

mk_main \
	wrong_use_is_status_2 \
	failure_is_status_1 \
	an_error_says_why_and_what_to_do \
	a_create_that_fails_leaves_nothing \
	ps_and_inspect_show_it \
	set_changes_what_it_owns \
	memory_comes_from_the_nodes_that_are_named \
	what_runs_is_changed_and_moved \
	a_life_by_hand \
	rm_f_removes_what_runs \
	console_until_and_timeout \
	start_wait_tells_of_a_failure \
	logs_of_all_go_on \
	logs_f_ends_with_the_instance \
	wait_waits
