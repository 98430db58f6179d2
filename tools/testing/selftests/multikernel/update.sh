#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An instance enters its next kernel by kexec: on the same CPUs and memory, or on what it
# has by then; what it keeps, what it may not, and what becomes of one that does not come up.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
THREE=$(last_cpus 3) || :
A=${THREE%%,*}
REST=${THREE#*,}
B=${REST%,*}
C=${REST#*,}
PROBE=/selftests/multikernel/mkprobe
# A kernel that checks all it does would keep more for the next one than there is
KHO="kho=on liveupdate=on${MK_KHO:+ $MK_KHO}"
# Memory of web, in MiB: a multiple of 128, at least 256
EACH=${MK_EACH:-384}

# loads NAME CMDLINE: it loads the kernel that it has in /tmp
loads() { mk_run "$1" "$PROBE file-load - /tmp/kernel /tmp/initrd '$2'"; }

is_in() { [ "$(get "$1" state)" = "$2" ]; }
updates_of() { counter "$1" events updates; }
updated() { [ "$(updates_of "$1")" = "$2" ]; }

# enters NAME: its next kernel, which runs when this returns
enters()
{
	local n

	n=$(($(updates_of "$1") + 1))
	mk_send "$1" "$PROBE kexec"
	wait_until 'the next kernel is entered' updated "$1" $n
	wait_until 'the next kernel runs' is_in "$1" running
	mk_login "$1"
}

words_of() { mk_run "$1" 'sed "s/ .*//" /proc/cmdline'; }

an_instance_starts()
{
	mk_boot web "$A,$B" "${EACH}M" "first $KHO"
	mk_boot db "$C" 256M
	ok mkctl cp "$MK_KERNEL" web:/tmp/kernel
	ok mkctl cp "$MK_INITRD" web:/tmp/initrd
	is "$(words_of web)" first 'its command line'
}

it_enters_its_next_kernel()
{
	local id

	id=$(get web id)
	is "$(loads web "second $KHO")" OK 'to load'
	enters web
	is "$(words_of web)" second 'its command line'
	is "$(get web id) $(get web cpus) $(get web memory)" "$id $A-$B ${EACH}M" 'what it has'
	is "$(cpus_inside web)" 2 'CPUs inside'
	is "$(counter web events starts) $(counter web events stops) $(counter web events crashes)" \
		'1 0 0' 'starts, stops and crashes'
	is "$(get web reason)" none 'reason'
	ok mkctl ping web -c 100
	has "$(get web log)" 'MKL_' 'the log of the first'
	has "$(get web log)" 'Command line: second' 'the log of the second'
	# It is built in, and finds what the kernel before has left
	has "$(get web log)" 'KHO restore succeeded' "the kernel's own test of KHO"
	has "$(dmesg)" 'instance web enters its next kernel on CPU' 'the log of the host'
}

its_peers_find_it_again()
{
	[ -e $BENCH ] || skip 'needs CONFIG_MULTIKERNEL_BENCH'
	is "$(value rounds "$(bench db 'rtt web 64 100')")" 100 'from the other instance'
	has "$(mkctl exec web -- cat /proc/cmdline)" '^second ' 'what exec says'
}

memory_that_is_preserved_is_whole()
{
	local i size=48

	ok mkctl cp "$MK_KERNEL" web:/tmp/kernel
	ok mkctl cp "$MK_INITRD" web:/tmp/initrd
	is "$(mk_run web "$PROBE luo-keep one $size 7")" OK 'to keep it'
	for i in third fourth; do
		is "$(loads web "$i $KHO")" OK "to load the $i"
		enters web
		is "$(words_of web)" $i 'its command line'
		ok mkctl cp "$MK_KERNEL" web:/tmp/kernel
		ok mkctl cp "$MK_INITRD" web:/tmp/initrd
		is "$(mk_run web "$PROBE luo-find one $size 7")" OK 'what was kept'
		if [ $i = third ]; then
			size=$((size + 16))
			is "$(mk_run web "$PROBE luo-keep one $size 7")" OK 'to keep more'
		fi
	done
}

# Each finds what the one before has kept, and no memory melts away.
many_in_a_row()
{
	local i kb now

	is "$(mk_run web "$PROBE luo-keep row 16 0")" OK 'to keep'
	for i in $(seq "${MK_UPDATES:-7}"); do
		is "$(loads web "row$i $KHO")" OK "to load number $i"
		enters web
		is "$(words_of web)" "row$i" 'its command line'
		is "$(mk_run web "$PROBE luo-find row 16 $((i - 1))")" OK "what was kept, $i"
		now=$(kb_inside web)
		[ "$i" -gt 1 ] || kb=$now
		between $((kb - 1024)) "$now" $((kb + 1024)) "MemTotal inside, $i"
		is "$(mk_run web "$PROBE luo-keep row 16 $i")" OK 'to keep more'
		ok mkctl cp "$MK_KERNEL" web:/tmp/kernel
		ok mkctl cp "$MK_INITRD" web:/tmp/initrd
	done
	# Nobody will ask for it
	mk_run web 'killall mkprobe'
}

# The lists that the next kernel finds are of now, not of the start, nor of when it was
# loaded.
what_it_has_got_meanwhile_stays()
{
	local kb more=$((EACH + 128))M

	kb=$(kb_inside web)
	is "$(loads web fifth)" OK 'to load'
	is "$(put web cpus "$A")" OK 'a CPU goes'
	is "$(put web memory $more)" OK 'memory comes'
	refused -m 'uses the rest' EBUSY 'memory can not go while a kernel is loaded' \
		put web memory $((EACH - 128))M
	is "$(bytes "$(get web memory)")" "$(bytes $more)" 'memory'
	enters web
	is "$(words_of web)" fifth 'its command line'
	is "$(get web cpus) $(bytes "$(get web memory)")" "$A $(bytes $more)" 'what it has'
	is "$(cpus_inside web)" 1 'CPUs inside'
	between $((kb + 90000)) "$(kb_inside web)" $(((EACH + 128) * 1024)) 'MemTotal inside'
	is "$(put web cpus "$A,$B")" OK 'the CPU comes back'
	is "$(cpus_inside web)" 2 'CPUs inside'
	ok answers web
}

what_it_may_not_load()
{
	ok mkctl cp "$MK_KERNEL" web:/tmp/kernel
	ok mkctl cp "$MK_INITRD" web:/tmp/initrd
	is "$(mk_run web "$PROBE file-load - /tmp/kernel /tmp/initrd x 2")" EOPNOTSUPP \
		'a crash kernel'
	has "$(mk_run web 'dmesg | tail -n 3')" 'no crash kernel in an instance' 'why'
	is "$(mk_run web "$PROBE unload -")" EOPNOTSUPP 'by kexec_load()'
	has "$(mk_run web 'dmesg | tail -n 3')" 'by kexec_file_load(), not by kexec_load()' 'why'
	is "$(mk_run web "$PROBE file-load - /tmp/initrd /tmp/initrd x")" ENOEXEC 'no kernel'
	is "$(mk_run web "$PROBE kexec")" EINVAL 'to enter what is not there'
	# One that does not say that it can be an instance
	mk_run web 'sed "s/MKin/MKix/" /tmp/kernel > /tmp/unaware'
	is "$(mk_run web "$PROBE file-load - /tmp/unaware /tmp/initrd x; rm /tmp/unaware")" ENOEXEC \
		'a kernel that does not know of the boot block'
	has "$(mk_run web 'dmesg | tail -n 3')" 'would take the machine for its own' 'why'
	ok answers web
}

# Page tables of four or five levels: to change that takes memory that is not the instance's.
another_mode_of_paging()
{
	mk_run web 'grep -qw la57 /proc/cpuinfo' || skip 'needs CPUs with five levels of page tables'
	is "$(loads web 'x no5lvl')" EINVAL 'four levels after five'
	has "$(mk_run web 'dmesg | tail -n 3')" 'wants four levels' 'why'
	ok mkctl kill db
	mk_load db no5lvl
	mk_start db
	ok mkctl cp "$MK_KERNEL" db:/tmp/kernel
	ok mkctl cp "$MK_INITRD" db:/tmp/initrd
	is "$(loads db x)" EINVAL 'five levels after four'
	has "$(mk_run db 'dmesg | tail -n 3')" 'wants five levels' 'why'
	is "$(loads db 'again no5lvl')" OK 'four after four'
	enters db
	is "$(words_of db)" again 'its command line'
}

who_is_to_shut_down_does_not_come_back()
{
	is "$(loads web again)" OK 'to load'
	# What the kernel calls when the host wants it to end
	mk_run web "rm /bin/poweroff; printf '#!/bin/sh\nexec $PROBE kexec\n' > /bin/poweroff; chmod +x /bin/poweroff"
	is "$(put web state stop)" OK 'to stop it'
	wait_until 'it has ended' is_in web loaded
	is "$(get web reason)" 'kexec when it was to shut down' 'reason'
	mk_start web
	is "$(words_of web)" first 'the one that was loaded here'
	ok mkctl cp "$MK_KERNEL" web:/tmp/kernel
	ok mkctl cp "$MK_INITRD" web:/tmp/initrd
}

one_that_does_not_come_up_is_hung()
{
	is "$(loads web 'silent initcall_blacklist=mk_guest_say_hello')" OK 'to load it'
	is "$(put web boot_ms 20000)" OK 'boot_ms'
	mk_send web "$PROBE kexec"
	wait_until 'it is hung' is_in web hung
	has "$(get web reason)" 'hung: has not come up, for 20 s' 'reason'
	has "$(get web log)" 'Command line: silent' 'the log'
	is "$(counter web events hangs)" 1 'hangs'
	ok mkctl kill web
	is "$(put web boot_ms 120000)" OK 'boot_ms'
	mk_start web
	is "$(words_of web)" first 'the one that was loaded here'
}

# With the image that was loaded here; one that can't be unpacked says so.
the_old_one_is_started_again()
{
	ok mkctl cp "$MK_KERNEL" web:/tmp/kernel
	ok mkctl cp "$MK_INITRD" web:/tmp/initrd
	mk_run web 'dd if=/dev/zero of=/tmp/kernel bs=4096 count=64 seek=512 conv=notrunc 2> /dev/null'
	is "$(loads web damaged)" OK 'to load what is damaged'
	is "$(put web recovery restart)" OK 'recovery'
	mk_send web "$PROBE kexec"
	wait_until 'it is started again' eval '[ "$(counter web events restarts)" = 1 ]'
	has "$(dmesg)" 'web has ended: panic: decompressor' 'the log of the host'
	wait_until 'it runs' is_in web running
	mk_login web
	is "$(words_of web)" first 'its command line'
	is "$(put web recovery disabled)" OK 'recovery'
}

mk_main \
	an_instance_starts \
	it_enters_its_next_kernel \
	its_peers_find_it_again \
	memory_that_is_preserved_is_whole \
	many_in_a_row \
	what_it_has_got_meanwhile_stays \
	what_it_may_not_load \
	another_mode_of_paging \
	who_is_to_shut_down_does_not_come_back \
	one_that_does_not_come_up_is_hung \
	the_old_one_is_started_again
