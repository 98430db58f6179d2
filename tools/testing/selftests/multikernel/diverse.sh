#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Kernels of different builds and versions at the same time: the host's own, one with
# PREEMPT_RT (MK_RT), a small one for one job (MK_TINY), and one of a distribution that
# knows nothing of multikernel (MK_STOCK); each is a bzImage.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$MK_DIR/stock-lib.sh"

export MK_KEEP=1
CPUS=$(last_cpus 5) || :
RT=${MK_RT:-}
TINY=${MK_TINY:-}
STOCK=${MK_STOCK:-}

cpu() { echo "$CPUS" | cut -d, -f"$1"; }

a_realtime_kernel_starts()
{
	[ -r "$RT" ] || skip 'needs a kernel with PREEMPT_RT, named by MK_RT'
	[ -n "$CPUS" ] || skip 'needs five CPUs to give'
	MK_KERNEL=$RT
	mk_boot rt "$(cpu 1),$(cpu 2)" 256M
	has "$(mk_run rt 'uname -v')" PREEMPT_RT 'what it is'
	is "$(cpus_inside rt)" 2 'CPUs inside'
}

a_small_kernel_starts()
{
	[ -r "$TINY" ] || skip 'needs a small kernel, named by MK_TINY'
	# shellcheck disable=SC2034 # for lib.sh
	MK_KERNEL=$TINY
	mk_boot tiny "$(cpu 3)" 128M
	note "$(wc -c < "$TINY") bytes, and $(wc -c < /boot/bzImage) of the host's"
	between 1 "$(wc -c < "$TINY")" $(($(wc -c < /boot/bzImage) * 2 / 3)) 'its size'
	has "$(mk_run tiny 'ls /proc')" uptime '/proc'
	is "$(mk_run tiny '[ ! -e /proc/net ]; echo $?')" 0 'no network in it'
}

a_kernel_of_another_version_starts()
{
	[ -r "$STOCK" ] || skip "needs a kernel of a distribution, named by MK_STOCK"
	stock_boots "$(cpu 4)"
}

the_hosts_own_starts()
{
	mk_boot own "$(cpu 5)"
	is "$(mk_run own 'uname -v')" "$(uname -v)" 'what it is'
}

# instances: those that can be talked to
instances()
{
	local k

	for k in rt tiny own; do
		[ ! -d "$MK_FS/instances/$k" ] || echo $k
	done
}

all_run_at_the_same_time()
{
	local k pids=

	for k in $(instances); do
		mkctl ping "$k" -c 300 > "$MK_TMP/ping.$k" 2>&1 & pids="$pids $!"
	done
	for k in $pids; do
		wait "$k" || { note "$(cat "$MK_TMP"/ping.*)"; return 1; }
	done
	between 2 "$(instances | wc -l)" 3 'instances that answer'
	[ ! -r "$STOCK" ] || is "$(get stock state)" booting 'state of the stock one'
}

# Each by the hotplug of its own build.
cpus_and_memory_move_between_builds()
{
	[ -r "$RT" ] && [ -r "$TINY" ] || skip 'needs both'
	is "$(put tiny memory 256M)" OK 'memory to the small one'
	is "$(put rt move "cpus $(cpu 2) tiny")" OK 'a CPU from the realtime one'
	is "$(cpus_inside tiny)" 2 'CPUs of the small one'
	is "$(put tiny move "memory 128M own")" OK 'memory to one like the host'
	is "$(get own memory)" 384M 'its memory'
	is "$(put tiny cpus "$(cpu 3)")" OK 'the CPU back to the host'
	is "$(cpus_inside rt)" 1 'CPUs of the realtime one'
	ok answers rt
	ok answers tiny
}

crashed() { [ "$(get "$1" state)" = crashed ]; }

each_ends_alone()
{
	local k

	for k in $(instances); do
		[ "$k" != rt ] || continue
		mk_send "$k" 'poweroff'
		wait_for_state "$k" loaded
		is "$(get "$k" reason)" poweroff "reason of $k"
	done
	if [ -r "$RT" ]; then
		ok answers rt
		mk_send rt 'echo c > /proc/sysrq-trigger'
		wait_until 'it is noticed' crashed rt
		has "$(get rt reason)" '^panic: ' 'its reason'
	fi
}

# A kernel that sleeps where it must not says so in its own log.
none_has_complained()
{
	local k

	for k in $(instances); do
		mkctl logs "$k" | grep -E "$MK_SPLAT|scheduling while atomic" > "$MK_TMP/bad" || continue
		note "$k: $(cat "$MK_TMP/bad")"
		return 1
	done
}

mk_main \
	a_realtime_kernel_starts \
	a_small_kernel_starts \
	a_kernel_of_another_version_starts \
	the_hosts_own_starts \
	all_run_at_the_same_time \
	cpus_and_memory_move_between_builds \
	none_has_complained \
	each_ends_alone
