#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The root file system of a distribution in an instance, and a program of it that the host
# uses. MK_DEBIAN names a tar archive of a Debian with redis-server in it, as debootstrap
# makes it.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
CPUS=$(last_cpus 2) || :
PORT=6379

it_boots()
{
	[ -r "${MK_DEBIAN:-}" ] || skip 'MK_DEBIAN names no archive'
	ok mkctl run -d --name redis --cpus "$CPUS" --memory 768M --rootfs "$MK_DEBIAN" \
		--timeout "$MK_LIMIT" "$MK_KERNEL"
	has "$(mkctl exec --timeout "$MK_LIMIT" redis cat /etc/os-release)" '^ID=debian' 'os-release'
	is "$(mkctl exec redis nproc)" 2 'CPUs'
}

its_programs_run()
{
	has "$(mkctl exec redis -- dpkg-query -W -f '${Status}' redis-server)" 'installed' 'dpkg'
	has "$(mkctl exec redis -- perl -e 'print "$^O\n"')" '^linux' 'perl'
	is "$(mkctl exec redis -- bash -c 'echo ${BASH_VERSION%%.*}')" 5 'bash'
}

pongs()
{
	[ "$(mkctl exec redis redis-cli ping)" = PONG ]
}

a_server_serves()
{
	ok mkctl exec redis -- redis-server --daemonize yes --save ''
	wait_until 'redis answers' pongs
}

# redis WORD...: a request of one line, from this kernel
redis()
{
	printf '%s\r\nQUIT\r\n' "$*" | nc 127.0.0.1 $PORT | tr -d '\r'
}

answers_here()
{
	[ "$(redis PING | head -n 1)" = +PONG ]
}

the_host_uses_it()
{
	local pid i

	mkctl forward redis $PORT 2> /dev/null & pid=$!
	wait_until 'redis answers here' answers_here
	is "$(redis SET kernel host | head -n 1)" +OK 'SET'
	is "$(mkctl exec redis redis-cli GET kernel)" host 'GET there'
	for i in $(seq 20); do
		is "$(redis INCR count | head -n 1)" ":$i" 'INCR'
	done
	kill $pid
	wait $pid || :
}

it_ends_in_order()
{
	ok mkctl stop redis
	is "$(get redis reason)" poweroff 'reason'
	ok mkctl rm redis
}

mk_main \
	it_boots \
	its_programs_run \
	a_server_serves \
	the_host_uses_it \
	it_ends_in_order
