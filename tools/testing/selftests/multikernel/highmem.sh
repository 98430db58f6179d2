#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An instance whose memory is above 4 GiB. Needs a host with more memory up
# there than below (dev/vm --memory 8G).

. "$(dirname "$(readlink -f "$0")")/lib.sh"

CPUS=$(last_cpus 2) || :
FOUR_GIB=4294967296

# Bytes of an instance's memory that are above 4 GiB.
above()
{
	local line start end sum=0

	for line in $(get "$1" memory.map | cut -d' ' -f1); do
		start=$((${line%-*})) end=$((${line#*-}))
		[ $start -ge $FOUR_GIB ] || start=$FOUR_GIB
		[ $end -le $start ] || sum=$((sum + end - start))
	done
	echo $sum
}

# RAM of the machine that ends below 4 GiB, in MiB.
low_ram()
{
	local range what sum=0 start end

	while IFS=' ' read -r range _ what; do
		[ "$what" = 'System RAM' ] || continue
		start=$((0x${range%-*})) end=$((0x${range#*-}))
		[ $end -ge $FOUR_GIB ] || sum=$((sum + end - start))
	done < /proc/iomem
	echo $((sum / 1048576))
}

an_instance_boots_above_four_gib()
{
	local size

	size=$(($(low_ram) + 256))
	[ $((size + 512)) -lt $(($(host_total) / 1024)) ] ||
		skip 'needs a machine with more memory above 4 GiB than below'
	mk_create web "$CPUS" "${size}M"
	between 1 "$(above web)" $((size * 1048576)) 'bytes above 4 GiB'
	mk_load web
	mk_start web
	is "$(mk_run web nproc)" 2 'nproc'
	between $((size * 1024 * 2 / 3)) \
		"$(mk_run web "sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo")" \
		$((size * 1024)) 'MemTotal inside, in kB'
	# It has no devices that would need them
	is "$(get web log | grep -c 'IO TLB: mapped')" 0 'bounce buffers below 4 GiB'
	ok mkctl ping web -c 100
	ok mkctl kill web
	mk_start web
}

mk_main an_instance_boots_above_four_gib
