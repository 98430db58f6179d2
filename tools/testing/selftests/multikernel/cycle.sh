#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The same again and again: no page and no CPU is lost on the way.
#
# MK_CYCLES is how often an instance is started and killed with its CPUs
# going back to the host in between (50), MK_PANICS how often one panics and is
# started again (10).

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
CPUS=$(last_cpus 2) || :
CYCLES=${MK_CYCLES:-50}
PANICS=${MK_PANICS:-10}

# A first life, before anything is measured: what the host allocates once
# (caches, pages of its own for the instance) is there afterwards.
an_instance_lives_once()
{
	mk_boot web "$CPUS"
	ok mkctl kill web
}

one_cycle()
{
	local cpu

	ok mkctl start web --wait --timeout "$MK_LIMIT"
	ok mkctl ping web -c 10
	ok mkctl kill web
	is "$(put web cpus '')" OK 'giving the CPUs back'
	for cpu in $(each_cpu "$CPUS"); do
		ok cpu_works "$cpu"
	done
	is "$(put web cpus "$CPUS")" OK 'giving them again'
}

# In the first ten cycles or so the host's slabs grow by a megabyte and stay so; the
# second half has to do without more memory. Free memory moves by up to 2 MB from
# one cycle to the next, so the slack is that of free_again(). It does not grow with
# the number of cycles: of 50, one may not leak more than 123 kB.
start_kill_and_start_again()
{
	local i free

	for i in $(seq 1 "$CYCLES"); do
		[ "$i" -ne $((CYCLES / 2 + 1)) ] || free=$(host_free)
		[ $((i % 5)) -ne 0 ] || note "cycle $i of $CYCLES, $(mem_use)"
		one_cycle
	done
	free_again "$free" "the second half of $CYCLES cycles"
}

# What the host has free, and where the rest may have gone
mem_use()
{
	local free

	free=$(host_free)
	awk -v free="$free" '/^(Slab|KernelStack|PageTables|Percpu):/ { s = s ", " $1 " " $2 }
		END { print free " kB free" s }' /proc/meminfo
}

panic_and_start_again()
{
	local i free

	mk_start web
	free=$(host_free)
	for i in $(seq 1 "$PANICS"); do
		note "panic $i of $PANICS, $(host_free) kB free"
		mk_send web 'echo c > /proc/sysrq-trigger'
		wait_for_state web crashed
		mk_start web
	done
	free_again "$free" "$PANICS panics"
	ok mkctl kill web
}

start_to_finish()
{
	ok mkctl create short --cpus "$1" --memory 128M
	ok mkctl load short --initrd "$MK_INITRD" "$MK_KERNEL"
	ok mkctl start short --wait --timeout "$MK_LIMIT"
	ok mkctl rm -f short
}

create_and_remove_again()
{
	local i cpu free

	is "$(put web cpus '')" OK 'giving the CPUs back'
	cpu=$(last_cpus 1)
	start_to_finish "$cpu"
	free=$(host_free)
	for i in 1 2 3; do
		note "life $i of 3, $(host_free) kB free"
		start_to_finish "$cpu"
		ok cpu_works "$cpu"
	done
	free_again "$free" 'three lives'
}

the_host_is_whole_afterwards()
{
	local quarantined cpu

	quarantined=$(cat "$MK_FS/pool/quarantine")
	is "$quarantined" '' 'what is in quarantine'
	ok mkctl rm -f web
	for cpu in $(each_cpu "$CPUS"); do
		ok cpu_works "$cpu"
	done
}

mk_main \
	an_instance_lives_once \
	start_kill_and_start_again \
	panic_and_start_again \
	create_and_remove_again \
	the_host_is_whole_afterwards
