#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Sockets between kernels, and what the agent does with them: exec and cp.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
CPUS=$(last_cpus 2) || :
FIRST=${CPUS%,*}
SECOND=${CPUS#*,}
PROBE=/selftests/multikernel/mkprobe
AGENT=/usr/libexec/multikernel/mkagent
AGENT_PORT=700
BIG=$MK_TMP/big

cid_of()
{
	echo $(($(get "$1" id) + 2))
}

a_command_runs()
{
	mk_boot web "$FIRST"
	mk_boot db "$SECOND"
	is "$(mkctl exec web -- echo hello there)" 'hello there' 'output'
	is "$(mkctl exec web uname -r)" "$(uname -r)" 'without dashes'
	is "$(mkctl exec web -- sh -c 'cat /proc/cpuinfo | grep -c ^processor')" 1 'its CPUs'
	ok answers web
}

# env_of ARGUMENT...: what the variables A and B are for a command
env_of()
{
	mkctl exec "$@" -- sh -c 'echo "<${A-none}><${B-none}>"'
}

variables_are_passed_on()
{
	is "$(env_of web)" '<none><none>' 'none'
	is "$(env_of -e A=1 web)" '<1><none>' 'one'
	is "$(env_of -e A=1 -e 'B=two words' web)" '<1><two words>' 'two'
	is "$(env_of -e A=a=b --env B= web)" '<a=b><>' 'one with = in it, and an empty one'
	is "$(env_of -e "A=$(printf 'two\nlines')" web)" "$(printf '<two\nlines><none>')" 'two lines'
	is "$(env_of -e A=1 web -e A=2)" '<2><none>' 'the last one counts'
	is "$(A='from here' env_of -e A -e B web)" '<from here><none>' 'from here, if it is here'
	# shellcheck disable=SC2046 # words are wanted
	is "$(mkctl exec $(seq 1024 | sed 's/.*/-e V&=&/') web env | grep -c '^V\([0-9]*\)=\1$')" 1024 \
		'as many as there can be'
	says 127 'No such file' 'PATH is the one that is given' mkctl exec -e PATH=/nowhere web true
	has "$(pty mkctl exec -t -e TERM=vt52 web -- sh -c 'echo $TERM')" '^vt52' 'TERM'
}

where_it_runs()
{
	is "$(mkctl exec web pwd)" / 'if nothing is said'
	is "$(mkctl exec -w /proc/sys web pwd)" /proc/sys '-w'
	is "$(mkctl exec --workdir /tmp -e A=1 web -- sh -c 'pwd; echo $A')" "$(printf '/tmp\n1')" 'both'
	says 127 '/no/dir: No such file' 'no such directory' mkctl exec -w /no/dir web true
	says 125 '/etc/profile: Not a directory' 'a file' mkctl exec -w /etc/profile web true
}

# starts_nothing PATTERN ARGUMENT...
starts_nothing()
{
	local pattern="$1"

	shift
	says 125 "$pattern" "exec $(echo "$*" | head -c 40)" mkctl exec "$@" web touch /tmp/started
	ok mkctl exec web test ! -e /tmp/started
}

# shellcheck disable=SC2046 # words are wanted
what_is_refused_starts_nothing()
{
	starts_nothing '-e wants NAME=VALUE or NAME' -e ''
	starts_nothing '-e wants NAME=VALUE or NAME: =x' -e =x
	starts_nothing '-e wants NAME=VALUE or NAME: =$' -e A=1 -e =
	starts_nothing '1024 variables at most' $(seq 1025 | sed 's/.*/-e V&=/')
	starts_nothing 'too long' -e "A=$(head -c 40000 /dev/zero | tr '\0' x)"
	A=$(head -c 40000 /dev/zero | tr '\0' x) starts_nothing 'too long' -e A
	starts_nothing 'begins with a slash: tmp' -w tmp
	starts_nothing 'begins with a slash' -w ''
	says 125 'requires an argument' 'nothing behind -e' mkctl exec web -e
	says 125 '1024 words at most' 'a long command' mkctl exec web true $(seq 1024)
}

status_is_the_commands()
{
	says 0 '^$' true mkctl exec web true
	says 1 '^$' false mkctl exec web false
	says 42 '^$' 'exit 42' mkctl exec web -- sh -c 'exit 42'
	says 143 '^$' 'a signal' mkctl exec web -- sh -c 'kill -TERM $$'
	says 127 'No such file' 'no such command' mkctl exec web -- /no/such/command
	says 126 'Permission denied' 'what is no program' mkctl exec web -- /etc/profile
}

its_two_outputs_are_two()
{
	is "$(mkctl exec web -- sh -c 'echo out; echo err >&2' 2> "$MK_TMP/err")" out 'output'
	is "$(cat "$MK_TMP/err")" err 'errors'
}

# 3 MB each way at once: neither side may wait for the other
input_goes_in_and_comes_out()
{
	head -c 3000000 /dev/urandom > "$BIG"
	mkctl exec -i web cat < "$BIG" > "$BIG.back"
	ok cmp "$BIG" "$BIG.back"
	is "$(mkctl exec web -- sh -c 'cat | wc -c')" 0 'without -i there is none'
	is "$(echo word | mkctl exec -i web -- sh -c 'read w; echo "<$w>"')" '<word>' 'a line'
	# A command that reads none of it
	says 0 '^$' 'input that nobody reads' sh -c "mkctl exec -i web true < $BIG"
}

one_that_is_over_is_over()
{
	is "$(mkctl exec web -- sh -c 'sleep 1000 & echo over')" over 'what it leaves behind'
	ok mkctl exec web -- sh -c 'killall sleep'
}

# mkctl exec stands on terminal in these
pty()
{
	mkprobe pty 33 101 "$@"
}

shows()
{
	grep -q "$1" "$MK_TMP/shown"
}

a_terminal()
{
	local pid got=0

	says 125 'wants a terminal' 'no terminal' mkctl exec -t web true
	has "$(pty mkctl exec -t web tty)" '^/dev/pts/' 'its terminal'
	has "$(pty mkctl exec -t web stty size)" '^33 101' 'its size'
	has "$(TERM=vt102 pty mkctl exec -t web -- sh -c 'echo $TERM')" '^vt102' 'its kind'
	# Ctrl-C is the command's
	mkfifo "$MK_TMP/keys"
	pty mkctl exec -it web sh < "$MK_TMP/keys" > "$MK_TMP/shown" & pid=$!
	exec 9> "$MK_TMP/keys"
	echo 'echo it ru""ns; sleep 1000' >&9
	wait_until 'a command runs' shows 'it runs'
	printf '\003' >&9
	echo 'echo sta""tus $?' >&9
	wait_until 'Ctrl-C ends it' shows 'status 130'
	echo 'exit 7' >&9
	wait $pid || got=$?
	exec 9>&-
	is $got 7 'status'
}

sees()
{
	grep -q "$1" "$MK_TMP/size"
}

a_terminal_that_grows()
{
	local pid

	: > "$MK_TMP/size"
	mkprobe pty 33 101 mkctl exec -t web -- sh -c \
		'trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.1; done' \
		> "$MK_TMP/size" & pid=$!
	wait_until 'the command runs' sees ready
	kill -USR1 $pid
	wait_until 'it hears of the size' sees '^43 101'
	wait $pid || :
}

sleeps()
{
	[ "$(mkctl exec web -- sh -c 'ps | grep -c "[s]leep 4321"')" = "$1" ]
}

signals_are_passed_on()
{
	local pid got=0

	mkctl exec web sleep 4321 & pid=$!
	wait_until 'it runs' sleeps 1
	kill -TERM $pid
	wait $pid || got=$?
	is $got 143 'status after SIGTERM'
	ok sleeps 0
}

# Not even SIGKILL leaves a command behind
who_goes_takes_the_command_along()
{
	local pid

	mkctl exec web sleep 4321 & pid=$!
	wait_until 'it runs' sleeps 1
	kill -KILL $pid
	wait_until 'it has ended' sleeps 0
	mkctl exec web -- sh -c 'trap "" HUP; sleep 4321' & pid=$!
	wait_until 'it runs' sleeps 1
	kill -KILL $pid
	wait_until 'one that does not listen has ended' sleeps 0
}

many_at_once()
{
	local i pids=

	for i in 1 2 3 4 5 6 7 8; do
		(is "$(mkctl exec web -- sh -c "head -c 200000 /dev/zero; echo $i" | tail -c 2)" $i \
			"output of $i") & pids="$pids $!"
	done
	for i in $pids; do
		wait "$i"
	done
}

# restart_agent ARGUMENT...
restart_agent()
{
	stop_agent
	ok mk_run web "$AGENT $* > /dev/null 2>&1 & sleep 0"
}

# And it is gone
stop_agent()
{
	ok mk_run web 'killall mkagent; while pidof mkagent; do usleep 10000; done'
}

what_can_not_be()
{
	says 125 'no such instance' 'nobody' mkctl exec nobody true
	says 125 'something is missing' 'no name' mkctl exec
	says 125 'a command' 'no command' mkctl exec web
	says 125 "cannot be the name" 'no name' mkctl exec ../web true
	ok mkctl create idle
	says 125 'mkctl start' 'one that does not run' mkctl exec idle true
	ok mkctl rm idle
	stop_agent
	says 125 'no agent answers in web' 'no agent' mkctl exec --timeout 0.5 web true
	ok mk_run web "$AGENT > /dev/null 2>&1 & sleep 0"
	ok mkctl exec web true
}

what_is_not_allowed()
{
	restart_agent --allow get,put
	says 125 'does not do that here' 'a command' mkctl exec web true
	says 125 'does not do that here' 'with a variable' mkctl exec -e A=1 web true
	says 125 'does not do that here' 'with a directory' mkctl exec -w /tmp web true
	restart_agent --allow exec
	starts_nothing 'no variables and no directory' -e A=1
	starts_nothing 'no variables and no directory' -e LD_PRELOAD=/tmp/x.so
	starts_nothing 'no variables and no directory' -e TERM=linux
	starts_nothing 'no variables and no directory' -w /tmp
	starts_nothing 'no variables and no directory' -w /
	is "$(env_of web)" '<none><none>' 'a command'
	is "$(env_of -e NOT_HERE web)" '<none><none>' 'none that is here'
	has "$(TERM=vt102 pty mkctl exec -t web -- sh -c 'echo $TERM')" '^vt102' 'one with a terminal'
	has "$(pty mkctl exec -t -e A=1 web true)" 'no variables' 'and with a variable'
	says 1 'does not do that here' 'a file' mkctl cp /etc/profile web:/tmp/x
	restart_agent
	is "$(env_of -e A=1 web)" '<1><none>' 'all of it again'
}

# From a port that anyone may have, and from an instance: not a word
others_are_not_served()
{
	is "$(mkprobe vsock "$(cid_of web)" $AGENT_PORT 5000 < /dev/null | head -n 1)" OK 'a connection'
	is "$(echo nonsense | mkprobe vsock "$(cid_of web)" $AGENT_PORT 5000 | tail -n +2 | grep -v E)" '' \
		'to anyone'
	is "$(mk_run db "echo x | $PROBE vsock $(cid_of web) $AGENT_PORT 600" | grep -vE 'OK|ECONNRESET|EPIPE')" '' \
		'to another instance'
	says 125 '^mkctl' 'nonsense by the host' sh -c \
		"head -c 100 /dev/zero | mkprobe vsock $(cid_of web) $AGENT_PORT 600 > /dev/null; mkctl exec nobody x"
	ok mkctl exec web true
}

listens()
{
	[ -s "$MK_TMP/listen" ]
}

instances_have_sockets()
{
	local words

	# To the host
	mkprobe vsock-listen 4000 1 > "$MK_TMP/listen" &
	words=$(mk_run web "echo to the host | $PROBE vsock 2 4000")
	has "$words" '^to the host' 'what comes back from the host'
	has "$(cat "$MK_TMP/listen")" "^$(cid_of web) " 'whom the host sees'
	# To each other, 1 MB
	mk_send web "$PROBE vsock-listen 4001 1 > /tmp/who &"
	wait_until 'an instance reaches the other' mk_run db \
		"head -c 1000000 /dev/zero | tr '\\0' x | $PROBE vsock $(cid_of web) 4001 > /tmp/back && grep -q OK /tmp/back"
	is "$(mk_run db 'tail -n +2 /tmp/back | wc -c')" 1000000 'bytes that come back'
	has "$(mk_run web 'cat /tmp/who')" "^$(cid_of db) " 'whom it sees'
	# Nobody there
	is "$(mkprobe vsock 2000 4000)" ENODEV 'no such instance'
	is "$(mkprobe vsock "$(cid_of web)" 4999)" ECONNRESET 'nobody listens'
}

a_file_goes_in_and_out()
{
	head -c 3000001 /dev/urandom > "$BIG"
	chmod 751 "$BIG"
	ok mkctl cp "$BIG" web:/tmp/big
	is "$(mkctl exec web stat -c '%a %s' /tmp/big)" '751 3000001' 'mode and size'
	ok mkctl cp web:/tmp/big "$BIG.back"
	ok cmp "$BIG" "$BIG.back"
	is "$(stat -c %a "$BIG.back")" 751 'mode'
	mkdir -p "$MK_TMP/dir"
	ok mkctl cp web:/tmp/big "$MK_TMP/dir"
	ok cmp "$BIG" "$MK_TMP/dir/big"
	ok mkctl cp "$BIG" web:/root/
	is "$(mkctl exec web sha256sum /root/big | cut -d ' ' -f 1)" "$(sha256sum < "$BIG" | cut -d ' ' -f 1)" 'its sum'
	: > "$MK_TMP/empty"
	ok mkctl cp "$MK_TMP/empty" web:/tmp/big
	is "$(mkctl exec web stat -c %s /tmp/big)" 0 'an empty file'
}

files_that_can_not_be()
{
	mkctl exec web ls /tmp > "$MK_TMP/before"
	says 2 'one of the two' 'two here' mkctl cp "$BIG" "$BIG.2"
	says 2 'one of the two' 'two there' mkctl cp web:/a db:/b
	says 2 'begins with a slash' 'a relative path' mkctl cp "$BIG" web:big
	says 1 'No such file' 'no file here' mkctl cp /no/file web:/tmp/x
	says 1 'No such file' 'no file there' mkctl cp web:/no/file "$MK_TMP/x"
	says 1 'No such file' 'no directory there' mkctl cp "$BIG" web:/no/dir/x
	says 1 'Is a directory' 'a directory there' mkctl cp "$BIG" web:/tmp
	says 1 'only regular files' 'a directory here' mkctl cp "$MK_TMP" web:/tmp/x
	says 1 'Invalid argument' 'a device there' mkctl cp "$BIG" web:/dev/null
	says 1 'Invalid argument' 'a device from there' mkctl cp web:/dev/null "$MK_TMP/x"
	says 1 'no regular file' 'a device here' mkctl cp web:/etc/profile /dev/null
	ok test ! -e "$MK_TMP/x"
	is "$(mkctl exec web ls /tmp)" "$(cat "$MK_TMP/before")" 'what is there'
}

# A file that does not fit leaves nothing
a_file_that_is_too_large()
{
	ok mkctl exec web -- sh -c 'mkdir -p /tmp/s; mount -t tmpfs -o size=1M none /tmp/s'
	says 1 'No space left' 'one too large' mkctl cp "$BIG" web:/tmp/s/big
	is "$(mkctl exec web ls /tmp/s)" '' 'what is left'
	ok mkctl exec web umount /tmp/s
}

reaches()
{
	[ "$(echo words | nc -w 20 127.0.0.1 7000 2> /dev/null)" = words ]
}

# echo by inetd's habit: busybox nc runs a cat for each connection
a_port_is_forwarded()
{
	local pid

	ok mkctl exec web -- sh -c 'nc -ll -p 7001 -e cat > /dev/null 2>&1 &'
	mkctl forward web 7000:7001 2> "$MK_TMP/forward" & pid=$!
	wait_until 'words go there and back' reaches
	head -c 1000000 "$BIG" > "$BIG.part"
	nc -w 60 127.0.0.1 7000 < "$BIG.part" > "$BIG.back"
	ok cmp "$BIG.part" "$BIG.back"
	ok mkctl exec web killall nc
	is "$(echo words | nc -w 20 127.0.0.1 7000)" '' 'nobody listens there'
	has "$(cat "$MK_TMP/forward")" 'Connection refused' 'what is said of it'
	says 1 'in use' 'a port that is taken' mkctl forward web 7000
	kill $pid
	wait $pid 2> /dev/null || :
	says 2 'not a port' 'no port' mkctl forward web 70000
	says 1 'no such instance' 'nobody' mkctl forward nobody 7002
}

its_death_ends_all()
{
	local pid got=0

	mkctl exec web sleep 4321 > "$MK_TMP/out" 2>&1 & pid=$!
	wait_until 'it runs' sleeps 1
	is "$(put web state kill)" OK 'kill'
	wait $pid || got=$?
	is $got 125 'status'
	has "$(cat "$MK_TMP/out")" 'has ended' 'words'
	is "$(mkctl exec db echo here)" here 'the other one'
}

a_new_life_is_served()
{
	local i

	for i in 1 2 3 4 5; do
		is "$(put web state start)" OK 'start'
		# From the first moment on: the agent comes later
		is "$(mkctl exec --timeout "$MK_LIMIT" web echo $i)" $i "life $i"
		is "$(put web state kill)" OK 'kill'
	done
	mk_start web
	is "$(mkctl exec web cat /proc/sys/kernel/hostname)" instance 'and at the end'
}

mk_main \
	a_command_runs \
	variables_are_passed_on \
	where_it_runs \
	what_is_refused_starts_nothing \
	status_is_the_commands \
	its_two_outputs_are_two \
	input_goes_in_and_comes_out \
	one_that_is_over_is_over \
	a_terminal \
	a_terminal_that_grows \
	signals_are_passed_on \
	who_goes_takes_the_command_along \
	many_at_once \
	what_can_not_be \
	what_is_not_allowed \
	others_are_not_served \
	instances_have_sockets \
	a_file_goes_in_and_out \
	files_that_can_not_be \
	a_file_that_is_too_large \
	a_port_is_forwarded \
	its_death_ends_all \
	a_new_life_is_served
