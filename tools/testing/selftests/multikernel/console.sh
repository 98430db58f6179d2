#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The console of an instance: from its first line on, both ways, for several
# readers, and without loss when nobody reads.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
CPU=$(last_cpus 1) || :
CONSOLE=$MK_FS/instances/web/console

an_instance_starts()
{
	mk_boot web "$CPU"
}

early_messages_are_there()
{
	has "$(mkctl logs web)" 'Linux version' 'the banner'
	has "$(mkctl logs web)" 'Command line:' 'the command line'
	has "$(mkctl logs web)" 'init reached' 'its init'
}

# What the instance's kernel keeps of its own first words, without those that
# are for debugging only and go to no console.
nothing_of_the_boot_is_missing()
{
	local line missing=0

	mk_run web 'dmesg -r | sed -n "s/^<[0-6]>\[[^]]*\] //p" | head -n 60' \
		> "$MK_TMP/dmesg"
	mkctl logs web | tr -d '\r' > "$MK_TMP/log"
	between 30 "$(wc -l < "$MK_TMP/dmesg")" 60 'lines to look for'
	while IFS= read -r line; do
		grep -q -F -e "$line" "$MK_TMP/log" || {
			note "missing: $line"
			missing=$((missing + 1))
		}
	done < "$MK_TMP/dmesg"
	is $missing 0 'missing lines'
}

a_command_is_answered()
{
	is "$(mk_run web 'expr 6 \* 7')" 42 'an answer'
	is "$(mk_run web 'echo one; echo two')" "$(printf 'one\ntwo')" 'two lines'
}

# The tty on its console echoes what is typed, if it is told to.
it_is_a_terminal()
{
	mk_run web 'tty > /tmp/tty; stty -F /dev/hvc0 -a > /tmp/stty'
	has "$(mk_run web 'cat /tmp/tty')" '^/dev/' 'tty'
	has "$(mk_run web 'cat /tmp/stty')" 'speed' 'stty'
	mk_run web 'stty echo'
	printf '%s\n' ': an echo' |
		mkctl console web --new --until ': an echo' \
			--timeout "$MK_LIMIT" > "$MK_TMP/echo"
	has "$(cat "$MK_TMP/echo")" ': an echo' 'an echo'
	mk_login web
}

ctrl_c_ends_a_program()
{
	mk_send web 'sleep 100000'
	wait_until 'it ends' pressed_until_it_answers
	is "$(mk_run web 'pidof sleep | wc -w')" 0 'programs that sleep'
}

# Ctrl-C is sent again, because the first could come before the program.
pressed_until_it_answers()
{
	printf '\003' > "$CONSOLE"
	printf 'printf "MK%%s\\n" "_alive"\n' |
		mkctl console web --new --until MK_alive --timeout 2
}

# The reader comes when all has been written.
nothing_is_lost_when_nobody_reads()
{
	local line='0123456789012345678901234567890123456789'

	mk_send web "seq 1 4000 | sed 's/\$/ $line/'; echo MK''DONE"
	wait_until 'the end of 200 kB' grep -q MKDONE "$MK_FS/instances/web/log"
	tr -d '\r' < "$MK_FS/instances/web/log" | grep " $line\$" > "$MK_TMP/got"
	seq 1 4000 | sed "s/\$/ $line/" > "$MK_TMP/wanted"
	cmp "$MK_TMP/got" "$MK_TMP/wanted" || {
		is "$(wc -l < "$MK_TMP/got")" 4000 'lines'
		note "$(diff "$MK_TMP/got" "$MK_TMP/wanted" | head -n 5)"
		return 1
	}
	is "$(get web stats/console_dropped)" 0 'console_dropped'
}

several_readers_see_the_same()
{
	local i

	mkctl logs -f web > "$MK_TMP/r1" & one=$!
	mkctl logs -f web > "$MK_TMP/r2" & two=$!
	mk_run web 'seq 1 500' > /dev/null
	for i in 1 2; do
		wait_until "reader $i" grep -q '^500' "$MK_TMP/r$i"
	done
	kill $one $two
	i=$(wc -c < "$MK_TMP/r1")
	head -c "$i" "$MK_TMP/r2" > "$MK_TMP/r3"
	head -c "$(wc -c < "$MK_TMP/r3")" "$MK_TMP/r1" > "$MK_TMP/r4"
	ok cmp "$MK_TMP/r3" "$MK_TMP/r4"
	between 5000 "$(wc -c < "$MK_TMP/r4")" 100000000 'bytes in common'
}

sized()
{
	[ "$(mk_run web 'stty -F /dev/hvc0 size')" = "$1" ]
}

# As the terminal here has it, and a program there hears when that changes
it_has_the_size_of_a_terminal()
{
	local text

	is "$(get web winsize)" '0 0' 'winsize of a new one'
	for text in '' 24 '0 80' '24 0' '24 80 1' 'a b' '24 65536'; do
		refused -m 'rows and columns' EINVAL "winsize '$text'" put web winsize "$text"
	done
	is "$(put web winsize '33 101')" OK 'winsize'
	wait_until 'it has that size' sized '33 101'
	# Not the shell itself, which has a use of its own for that signal
	mk_send web "sh -c 'trap \"stty -F /dev/hvc0 size > /tmp/size\" WINCH; : > /tmp/waits
		while [ ! -s /tmp/size ]; do sleep 0.1; done'"
	wait_until 'a program waits' mkctl exec web test -e /tmp/waits
	is "$(put web winsize '24 80')" OK 'another'
	wait_until 'it has heard of it' mkctl exec web grep -q '^24 80' /tmp/size
	# By mkctl console, on a terminal of its own
	printf '\035' | mkprobe pty 44 120 mkctl console web > "$MK_TMP/pty"
	has "$(cat "$MK_TMP/pty")" 'detached from web' 'words of mkctl console'
	wait_until 'it has the size of that one' sized '44 120'
}

a_reader_without_patience_is_told_so()
{
	is "$(mkprobe try-read "$CONSOLE")" EAGAIN 'reading without waiting'
}

input_of_some_size_arrives_whole()
{
	local want

	seq 1 4000 > "$MK_TMP/input"
	want=$(md5sum < "$MK_TMP/input")
	mk_send web "stty -echo; head -n 4000 | md5sum > /tmp/sum; echo MK''SUM"
	mkctl console web --new --until MKSUM --timeout "$MK_LIMIT" \
		< "$MK_TMP/input" > /dev/null
	mk_login web
	is "$(mk_run web 'cat /tmp/sum')" "$want" 'sum of 18 kB of input'
}

# Reading ends when the instance does, and what it said can be read after.
its_end_is_the_end_of_the_file()
{
	mk_run web 'echo last words'
	mkctl logs -f web > "$MK_TMP/follow" & one=$!
	wait_until 'the reader is there' grep -q 'last words' "$MK_TMP/follow"
	ok mkctl kill web
	wait_until 'the reader ends' reader_is_gone $one
	has "$(mkctl logs web)" 'last words' 'the log of the dead'
	has "$(mkprobe try-read "$CONSOLE")" '^end after' 'the console of the dead'
}

reader_is_gone()
{
	! kill -0 "$1"
}

a_new_start_begins_a_new_log()
{
	mk_start web
	is "$(mkctl logs web | grep -c 'Linux version')" 1 'banners'
	is "$(mkctl logs web | grep -c 'last words')" 0 'words of the last life'
	# Said before its terminal was opened
	is "$(get web winsize)" '44 120' 'winsize'
	wait_until 'it has the size that was' sized '44 120'
}

# numbered LINES: the command that prints them, 50 bytes each
numbered()
{
	local line='%08d 0123456789abcdefghijklmnopqrstuvwxyzABCD\n'

	printf '%s\n' "awk 'BEGIN { for (i = 1; i <= $1; i++) printf \"$line\", i }'"
}

# until_end FILE MARK: waits as long as the file grows
until_end()
{
	local end size last=

	until tail -c 100 "$1" | grep -q "$2"; do
		size=$(stat -c %s "$1")
		[ "$size" = "$last" ] || end=$(($(now) + MK_LIMIT))
		last=$size
		if [ "$(now)" -ge $end ]; then
			note "gave up after $MK_LIMIT s without a byte: $size bytes are there"
			return 1
		fi
		sleep 1
	done
}

# between_marks FILE: what stands there, without the CR that the tty puts before each LF
between_marks()
{
	sed -n '/MKBIG_BEGIN/,/MKBIG_END/p' "$1" | sed '1d;$d;s/\r$//'
}

# Every byte, in order: as it comes for one who follows, and in what is kept (16 MiB)
megabytes_lose_no_byte()
{
	local lines=$((${MK_CONSOLE_MB:-10} * 20000)) begin follow=$MK_TMP/long file

	between 20000 $lines 300000 'lines'
	mkctl logs -f web > "$follow" & one=$!
	begin=$(now)
	mk_send web "echo MK''BIG_BEGIN; $(numbered $lines); echo MK''BIG_END"
	until_end "$follow" MKBIG_END
	note "$((lines / 20000)) MB in $(($(now) - begin)) s"
	kill $one
	numbered $lines | sh > "$MK_TMP/wanted"
	is "$(wc -c < "$MK_TMP/wanted")" $((lines * 50)) 'bytes to look for'
	for file in "$follow" "$MK_FS/instances/web/log"; do
		between_marks "$file" > "$MK_TMP/got"
		cmp "$MK_TMP/got" "$MK_TMP/wanted" || {
			is "$(wc -c < "$MK_TMP/got")" $((lines * 50)) "bytes in $file"
			note "$(diff "$MK_TMP/got" "$MK_TMP/wanted" | head -n 5)"
			return 1
		}
	done
	rm -f "$follow" "$MK_TMP/got" "$MK_TMP/wanted"
	is "$(get web stats/console_dropped)" 0 'console_dropped'
}

# through_init FILE: the lines of the kernel's log up to the first program. When
# one console takes over from another both print the lines that say so.
through_init()
{
	tr -d '\r' < "$1" | grep '^\[ *[0-9]*\.[0-9]*\]' |
		sed '/Run \/init as init process/q' | uniq
}

# A thousand lines, of which the first come faster than in any other boot.
no_line_of_a_talkative_boot_is_lost()
{
	local lines

	ok mkctl rm -f web
	mk_boot web "$CPU" '' 'ignore_loglevel initcall_debug memblock=debug log_buf_len=4M'
	mk_run web 'dmesg | grep "^\[ *[0-9]*\.[0-9]*\]" |
		sed "/Run \/init as init process/q" | uniq > /tmp/log'
	lines=$(mk_run web 'wc -l < /tmp/log')
	through_init "$MK_FS/instances/web/log" > "$MK_TMP/log"
	between 500 "$lines" 100000 'lines of its log'
	is "$(grep -c 'bytes lost' "$MK_FS/instances/web/log")" 0 'gaps that it told of'
	is "$(wc -l < "$MK_TMP/log")" "$lines" 'lines that came here'
	is "$(md5sum < "$MK_TMP/log")" "$(mk_run web 'md5sum < /tmp/log')" 'sum of the lines'
	is "$(get web stats/console_dropped)" 0 'console_dropped'
}

# With KASAN a wait queue that went with the instance would be noticed.
a_poller_may_outlive_the_instance()
{
	local file

	for file in console events; do
		ok mkctl create brief
		is "$(mkprobe outlive "$MK_FS/instances/brief/$file" "$MK_FS/instances/brief")" \
			OK "a poller of $file"
	done
}

mk_main \
	an_instance_starts \
	early_messages_are_there \
	nothing_of_the_boot_is_missing \
	a_command_is_answered \
	it_is_a_terminal \
	ctrl_c_ends_a_program \
	it_has_the_size_of_a_terminal \
	a_reader_without_patience_is_told_so \
	nothing_is_lost_when_nobody_reads \
	several_readers_see_the_same \
	input_of_some_size_arrives_whole \
	its_end_is_the_end_of_the_file \
	a_new_start_begins_a_new_log \
	megabytes_lose_no_byte \
	no_line_of_a_talkative_boot_is_lost \
	a_poller_may_outlive_the_instance
