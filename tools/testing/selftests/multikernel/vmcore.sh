#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The memory of an instance that has ended or hangs, as an ELF core. Needs CONFIG_LKDTM for
# the hang, and a kernel for the instance with CONFIG_CRASH_DUMP.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
CPUS=$(last_cpus 2) || :
SECOND=${CPUS#*,}
CORE=$MK_FS/instances/web/vmcore
DIRECT=/sys/kernel/debug/provoke-crash/DIRECT

core() { mkprobe core "$CORE"; }

# The facts of CORE of this name
facts() { core | sed -n "s/^$1 //p"; }

panic_web()
{
	mk_send web "$1"
	wait_for_state web crashed
}

there_is_none_before_a_start()
{
	mk_create web "$CPUS" 128M
	refused -m 'nothing has run' ENODATA 'the core of an empty instance' core
	mk_load web
	refused -m 'nothing has run' ENODATA 'the core of a loaded one' core
}

there_is_none_of_what_runs()
{
	is "$(put web heartbeat_ms 200)" OK 'heartbeat_ms'
	is "$(put web hang_ms 3000)" OK 'hang_ms'
	mk_start web
	refused -m 'is running' EBUSY 'the core of a running one' core
}

# The mark is put together in the instance, so that its only copies are there.
it_is_a_core_of_that_kernel()
{
	local n ip mark

	mark=$(cat /proc/sys/kernel/random/uuid)
	mk_run web "printf '%s-by-%s\n' $mark instance > /tmp/mark" > /dev/null
	printf '%s-by-%s\n' "$mark" host > "$MK_TMP/mark"
	panic_web 'taskset -c 1 sh -c "echo c > /proc/sysrq-trigger"'
	is "$(facts type)" 4 'ET_CORE'
	is "$(facts machine)" 62 'EM_X86_64'
	is "$(facts release)" "$(uname -r)" 'the release in its VMCOREINFO'
	is "$(facts crashed)" yes 'CRASHTIME'
	is "$(core | sed -n 's/^load \([^ ]*\) at .*/\1/p')" \
		"$(get web memory.map | sed 's/ .*//' | sort)" 'its segments'
	n=$(facts cpu | wc -l)
	is "$n" 2 'CPUs whose registers are there'
	for ip in $(facts cpu | sed 's/.* ip //'); do
		has "$ip" '^0xffffffff[89ab]' 'an address in the kernel'
	done
}

# The segments are where that kernel maps them: all as far from their physical address.
it_says_where_memory_is_mapped()
{
	local load from at base=

	core | sed -n 's/^load \(0x[^-]*\)-[^ ]* at \(.*\)/\1 \2/p' > "$MK_TMP/loads"
	while read -r from at; do
		load=$(printf '0x%x' $((at - from)))
		is "${base:=$load}" "$load" 'the same distance'
	done < "$MK_TMP/loads"
	has "$base" '^0xff' 'the address of the direct map'
}

its_memory_is_in_it_and_no_other()
{
	local mark

	mark=$(cut -d - -f 1-5 "$MK_TMP/mark")
	is "$(mkprobe core-find "$CORE" "$mark-by-" | sort -u)" instance \
		'the mark of the instance, and not that of the host'
	is "$(mkprobe core-same "$CORE")" same 'what is read and what is mapped'
}

only_the_privileged_may()
{
	is "$(stat -c %a "$CORE")" 400 'mode'
	refused -m CAP_SYS_RAWIO EPERM 'without a privilege' mkprobe no-cap core "$CORE"
}

# hold: a reader that waits for a line in the pipe
hold()
{
	rm -f "$MK_TMP/line"
	mkfifo "$MK_TMP/line"
	mkprobe core-hold "$CORE" < "$MK_TMP/line" > "$MK_TMP/held" 2>&1 &
	HOLDER=$!
	exec 9> "$MK_TMP/line"
	wait_until 'the core is open' grep -q held "$MK_TMP/held"
}

# let_go WANT: what the reader then says
let_go()
{
	echo go >&9
	exec 9>&-
	wait $HOLDER || :
	is "$(tail -n +2 "$MK_TMP/held" | paste -s -d ' ')" "$1" 'what has become of an open core'
}

it_stays_as_long_as_the_memory()
{
	hold
	let_go 'mapping there OK'
	hold
	mk_start web
	let_go 'mapping gone ESTALE'
	ok answers web
}

# Killed, it has no registers; what it last said in VMCOREINFO is there.
there_is_one_of_what_was_killed()
{
	ok mkctl kill web
	is "$(facts release)" "$(uname -r)" 'the release in its VMCOREINFO'
	is "$(facts crashed)" no 'CRASHTIME'
	is "$(facts cpu | wc -l)" 0 'CPUs whose registers are there'
}

memory_that_is_given_back_is_not_seen()
{
	hold
	ok mkctl unload web
	is "$(put web memory 64M)" OK 'less memory'
	let_go 'mapping gone ESTALE'
	is "$(core | sed -n 's/^load \([^ ]*\) at .*/\1/p')" \
		"$(get web memory.map | sed 's/ .*//' | sort)" 'the segments of the rest'
	hold
	is "$(put web memory 0)" OK 'no memory'
	let_go 'mapping gone ESTALE'
	refused -m 'nothing has run' ENODATA 'the core of no memory' core
}

# Its CPUs are asked by NMI what they do, the one with interrupts off too.
there_is_one_of_what_hangs()
{
	is "$(put web memory 128M)" OK 'memory'
	mk_load web
	mk_start web
	mk_run web "test -w $DIRECT" || skip 'needs an image with CONFIG_LKDTM'
	mk_send web "taskset -c 1 sh -c 'echo HARDLOCKUP > $DIRECT'"
	wait_for_state web hung
	is "$(get web reason)" "hung: CPU $SECOND takes no interrupts, for 3 s" 'reason'
	is "$(facts cpu | wc -l)" 2 'CPUs whose registers are there'
}

restarts() { [ "$(counter web events restarts)" = "$1" ]; }

recovery_waits_for_who_reads()
{
	local end

	ok mkctl kill web
	mk_start web
	is "$(put web recovery restart)" OK 'recovery'
	panic_web 'echo c > /proc/sysrq-trigger'
	hold
	end=$(($(now) + 4))
	wait_until '4 s pass' eval "[ \$(now) -ge $end ]"
	is "$(get web state)" crashed 'state while the core is open'
	let_go 'mapping there OK'
	wait_until 'it has been started again' restarts 1
	wait_for_state web running
	is "$(put web recovery disabled)" OK 'recovery'
}

# Who keeps it open does not keep the instance
it_goes_with_its_instance()
{
	panic_web 'echo c > /proc/sysrq-trigger'
	hold
	ok mkctl rm -f web
	let_go 'mapping gone ENODEV'
}

mk_main \
	there_is_none_before_a_start \
	there_is_none_of_what_runs \
	it_is_a_core_of_that_kernel \
	it_says_where_memory_is_mapped \
	its_memory_is_in_it_and_no_other \
	only_the_privileged_may \
	it_stays_as_long_as_the_memory \
	there_is_one_of_what_was_killed \
	memory_that_is_given_back_is_not_seen \
	there_is_one_of_what_hangs \
	recovery_waits_for_who_reads \
	it_goes_with_its_instance
