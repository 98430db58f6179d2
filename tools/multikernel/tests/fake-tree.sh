#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# fake-tree.sh DIR: a machine made of files, for tests of mkctl without a kernel that
# has multikernel.
#
# DIR/mk, DIR/sys and DIR/proc are what MKCTL_ROOT, MKCTL_SYSFS and MKCTL_PROC take. Two
# sockets with a node each, eight CPUs, 4 GiB; "web" runs and "db" has crashed; a CPU and
# some memory are in quarantine.
set -eu

dir=$1
mk=$dir/mk
sys=$dir/sys/devices/system
rm -rf "$dir"

# put FILE LINE...
put()
{
	file=$1
	shift
	mkdir -p "${file%/*}"
	[ $# -eq 0 ] || printf '%s\n' "$@" > "$file"
	[ $# -gt 0 ] || : > "$file"
}

# node NUMBER CPU...: 2 GiB in blocks of 128 MiB. The links of CPUs stay when these go.
node()
{
	n=$1
	shift
	put "$sys/node/node$n/meminfo" "Node $n MemTotal:        2097152 kB" \
		"Node $n MemFree:          819200 kB"
	block=$((n * 16))
	while [ $block -lt $((n * 16 + 16)) ]; do
		mkdir -p "$sys/node/node$n/memory$block"
		block=$((block + 1))
	done
	for cpu; do
		mkdir -p "$sys/node/node$n/cpu$cpu"
	done
}

# cpu NUMBER SOCKET|-: one that is offline does not tell its socket
cpu()
{
	mkdir -p "$sys/cpu/cpu$1"
	[ "$1" = 0 ] || put "$sys/cpu/cpu$1/online" "$([ "$2" = - ] && echo 0 || echo 1)"
	[ "$2" = - ] || put "$sys/cpu/cpu$1/topology/physical_package_id" "$2"
}

# instance NAME ID STATE CPUS MEMORY REASON
instance()
{
	i=$mk/instances/$1
	put "$i/id" "$2"
	put "$i/state" "$3"
	put "$i/cpus" "$4"
	put "$i/memory" "$5"
	put "$i/reason" "$6"
	put "$i/cmdline" 'quiet'
	put "$i/memory.wanted" "$5"
	put "$i/numa" ''
	put "$i/heartbeat_ms" 1000
	put "$i/successor"
	put "$i/image" 'kernel_name bzImage' 'kernel_size 10000000' \
		'initrd_size 5000000' \
		"kernel_sha256 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	put "$i/abi" 'agreed 1' 'newest 1' 'oldest 1' 'features 0x7'
	put "$i/events" 'starts 2' 'stops 1' 'crashes 1' 'hangs 0' 'restarts 0' \
		'updates 3' 'state_changes 9'
	put "$i/nop" 'rounds 10' 'lost 0' 'min_ns 4100' 'median_ns 5200' 'max_ns 99000'
	put "$i/log" 'Linux version 7.3'
	put "$i/console" 'Linux version 7.3'
	for stat in messages_sent messages_received bytes_sent bytes_received \
		    doorbells_sent doorbells_received doorbells_suppressed \
		    doorbells_missed ring_full bad_messages console_dropped channels; do
		put "$i/stats/$stat" 1000
	done
}

put "$sys/cpu/present" 0-7
put "$sys/cpu/online" 0-3
for n in 0 1 2 3; do
	cpu $n $((n / 4))
done
for n in 4 5 6 7; do
	cpu $n -
done
put "$sys/memory/block_size_bytes" 8000000
node 0 0 1 2 3
node 1 4 5 6 7
put "$sys/clocksource/clocksource0/current_clocksource" tsc
put "$sys/clocksource/clocksource0/available_clocksource" 'tsc hpet acpi_pm '
put "$dir/sys/kernel/security/lockdown" '[none] integrity confidentiality'

put "$dir/proc/filesystems" 'nodev	sysfs' 'nodev	multikernel'
put "$dir/proc/cpuinfo" 'processor	: 0' 'flags		: fpu tsc apic nx lm'
put "$dir/proc/meminfo" 'MemTotal:        4194304 kB' 'MemAvailable:    1638400 kB'
put "$dir/proc/sys/kernel/kexec_load_disabled" 0
put "$dir/proc/sys/kernel/kexec_load_limit_reboot" -1

put "$mk/info/version" 1
put "$mk/info/last_error" ok
put "$mk/pool/cpus" 1-3
put "$mk/pool/memory" 1500M
put "$mk/pool/keep_cpus" ''
put "$mk/pool/keep_memory" 0
put "$mk/pool/quarantine" 'cpu 7' 'memory 0x00000000f8000000 67108864'
for n in 0 1; do
	put "$mk/pool/node$n/cpus" "$([ $n != 0 ] || echo 1-3)"
	put "$mk/pool/node$n/memory" 800M
done
instance web 1 running 4-5 640M none
put "$mk/instances/web/memory.map" '0x90000000-0xb0000000 node1' \
	'0x40000000-0x48000000 node0'
instance db 2 crashed 6 256M 'panic: out of luck'
put "$mk/instances/db/memory.map" '0xb0000000-0xc0000000 node1'
printf '\177ELF and the rest of a core\n' > "$mk/instances/db/vmcore"
