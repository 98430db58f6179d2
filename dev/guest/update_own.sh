#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The kernel's own tests of the live update orchestrator, tools/testing/selftests/liveupdate,
# and of KHO, lib/test_kho.c, pass inside an instance, which enters its next kernel by an
# unmodified kexec. dev/vm --with kexec brings them.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
OWN=/with/kexec
KHO='kho=on liveupdate=on'

the_tools_are_there()
{
	[ -d $OWN/liveupdate ] || skip 'needs what dev/fetch-kexec brings'
	mk_create web "$(last_cpus 2)" 512M
	# The instance has all of it, and a kernel to enter
	(cd / && {
		printf '%s\n' with with/kexec boot boot/bzImage
		find with/kexec/bin with/kexec/lib with/kexec/liveupdate
	} | cpio -o -H newc 2> /dev/null) > "$MK_TMP/more"
	# What is not compressed has to be aligned
	{
		cat "$MK_INITRD"
		head -c $((-$(wc -c < "$MK_INITRD") & 3)) /dev/zero
		cat "$MK_TMP/more"
	} > "$MK_TMP/initrd"
	ok mkctl load web --initrd "$MK_TMP/initrd" --cmdline "first $KHO" "$MK_KERNEL"
	mk_start web
	the_kexec_works
}

the_kexec_works()
{
	is "$(mk_run web 'mkdir -p /lib64; ln -s /with/kexec/lib/ld-linux-x86-64.so.2 /lib64; echo $?')" \
		0 'the way to its libraries'
	has "$(mk_run web "$(own kexec --version)")" '^kexec-tools' 'kexec --version'
}

own() { echo "LD_LIBRARY_PATH=$OWN/lib $OWN/bin/$*"; }

# run TEST: a program of the tests
run() { mk_run web "$OWN/liveupdate/$1"; }

# As do_kexec.sh has it, but for the initrd, which the next kernel needs as well
enters()
{
	local n

	n=$(($(counter web events updates) + 1))
	ok mkctl cp "$MK_TMP/initrd" web:/tmp/initrd
	is "$(mk_run web "$(own kexec) -l -s --reuse-cmdline /boot/bzImage --initrd=/tmp/initrd; echo \$?")" \
		0 'kexec -l'
	mk_send web "$(own kexec) -e"
	wait_until 'the next kernel is entered' eval "[ \"\$(counter web events updates)\" = $n ]"
	wait_until 'the next kernel runs' eval '[ "$(get web state)" = running ]'
	mk_login web
	the_kexec_works
}

the_test_of_the_calls_passes()
{
	local out

	[ -d $OWN/liveupdate ] || skip 'no tools'
	out=$(run liveupdate)
	note "$out"
	has "$out" '^# Totals: pass:[1-9][0-9]* fail:0 .*error:0' 'liveupdate'
}

# survives TEST WORDS: its first stage, kexec, its second stage
survives()
{
	local out

	[ -d $OWN/liveupdate ] || skip 'no tools'
	# The first stage leaves a process behind, which holds the sessions
	note "$(run "$1 -s 1")"
	enters
	out=$(run "$1 -s 2")
	note "$out"
	has "$out" "$2" "$1"
}

a_session_survives() { survives luo_kexec_simple 'SIMPLE KEXEC TEST PASSED'; }
several_survive() { survives luo_multi_session 'MULTI-SESSION KEXEC TEST PASSED'; }

many_sessions_survive() { survives luo_stress_sessions 'TEST PASSED'; }
many_files_survive() { survives luo_stress_files 'TEST PASSED'; }

# It is built in: one kernel leaves something, the next one finds it, and so on
the_test_of_kho_has_passed()
{
	[ -d $OWN/liveupdate ] || skip 'no tools'
	is "$(get web log | grep -c 'test_kho: KHO restore succeeded')" 2 'kernels in which KHO works'
	is "$(counter web events crashes)" 0 'crashes'
}

mk_main \
	the_tools_are_there \
	the_test_of_the_calls_passes \
	a_session_survives \
	several_survive \
	many_sessions_survive \
	many_files_survive \
	the_test_of_kho_has_passed
