#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The kernel's own kexec selftests, tools/testing/selftests/kexec, pass as they
# do without multikernel: alone, and while an instance runs. dev/vm --with kexec
# brings them and what they call.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
OWN=/with/kexec
CPUS=$(last_cpus 2) || :

the_tools_are_there()
{
	[ -d $OWN ] || skip 'needs the tools that dev/fetch-kexec brings'
	mkdir -p /lib64
	ln -s $OWN/lib/ld-linux-x86-64.so.2 /lib64
	ln -s /boot/bzImage "/boot/vmlinuz-$(uname -r)"
	note "$(own_env kexec --version)"
}

own_env()
{
	PATH=$OWN/bin:$PATH LD_LIBRARY_PATH=$OWN/lib "$@"
}

# own TEST: it passes; a status of 4 says that it has skipped itself
own()
{
	local status=0

	[ -d $OWN ] || skip 'no tools'
	cd $OWN/tests || return
	own_env "./$1" > "$MK_TMP/own" 2>&1 || status=$?
	note "$(cat "$MK_TMP/own")"
	is $status 0 "status of $1"
}

kexec_load_alone() { own test_kexec_load.sh; }
kexec_file_load_alone() { own test_kexec_file_load.sh; }
kexec_jump_alone() { own test_kexec_jump.sh; }

an_instance_runs()
{
	[ -d $OWN ] || skip 'no tools'
	mk_boot web "$CPUS"
}

kexec_load_beside_an_instance() { own test_kexec_load.sh; }
kexec_file_load_beside_an_instance() { own test_kexec_file_load.sh; }
kexec_jump_beside_an_instance() { own test_kexec_jump.sh; }

the_instance_has_not_noticed()
{
	[ -d $OWN ] || skip 'no tools'
	is "$(counter web events starts)" 1 'starts'
	ok mkctl ping web -c 100
	is "$(mk_run web nproc)" 2 'nproc'
	ok mkctl rm -f web
	for cpu in $(each_cpu "$CPUS"); do
		ok cpu_works "$cpu"
	done
}

mk_main \
	the_tools_are_there \
	kexec_load_alone \
	kexec_file_load_alone \
	kexec_jump_alone \
	an_instance_runs \
	kexec_load_beside_an_instance \
	kexec_file_load_beside_an_instance \
	kexec_jump_beside_an_instance \
	the_instance_has_not_noticed
