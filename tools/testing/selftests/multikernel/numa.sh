#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# On a machine of several NUMA nodes: memory comes from the nodes of the CPUs, or from those
# that were asked for, and an instance sees nodes, distances and CPUs as they are.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

NODES=/sys/devices/system/node

nodes() { each_cpu "$(cat $NODES/has_memory)"; }

# last_cpu_of NODE
last_cpu_of() { each_cpu "$(cat "$NODES/node$1/cpulist")" | tail -n 1; }

first_node() { nodes | head -n 1; }
last_node() { nodes | tail -n 1; }

# on_node NAME NODE: MiB that it has there
on_node()
{
	local range node sum=0

	while read -r range node; do
		[ "$node" != "node$2" ] || sum=$((sum + ${range#*-} - ${range%-*}))
	done < "$MK_FS/instances/$1/memory.map"
	echo $((sum / 1048576))
}

# mb_inside NAME NODE: its size as the instance sees it
mb_inside()
{
	local kb

	kb=$(mk_run "$1" "sed -n 's/.*MemTotal: *\([0-9]*\) kB/\1/p' $NODES/node$2/meminfo")
	echo $((kb / 1024))
}

there_are_nodes()
{
	[ "$(nodes | wc -l)" -ge 2 ] || skip 'needs a machine of two NUMA nodes'
}

memory_comes_from_the_node_of_the_cpu()
{
	local n

	there_are_nodes
	for n in $(nodes); do
		mk_create "web$n" "$(last_cpu_of "$n")" 128M
		is "$(get "web$n" numa)" '' "nodes that web$n asks for"
		is "$(on_node "web$n" "$n")" 128 "MiB of web$n on node $n"
	done
}

memory_comes_from_each_node_of_the_cpus()
{
	there_are_nodes
	mk_create web "$(last_cpu_of "$(first_node)"),$(last_cpu_of "$(last_node)")" 128M
	is "$(on_node web "$(first_node)")" 64 'MiB on the first node'
	is "$(on_node web "$(last_node)")" 64 'MiB on the last node'
	# What was there counts
	is "$(put web memory 256M)" OK 'more memory'
	is "$(on_node web "$(first_node)")" 128 'MiB on the first node'
	is "$(on_node web "$(last_node)")" 128 'MiB on the last node'
}

memory_comes_from_where_it_is_asked_for()
{
	local all

	there_are_nodes
	mk_create web "$(last_cpu_of "$(last_node)")" 0
	is "$(put web numa "$(first_node)")" OK 'the first node'
	is "$(get web numa)" "$(first_node)" 'numa'
	is "$(put web memory 128M)" OK 'memory'
	is "$(on_node web "$(first_node)")" 128 'MiB on the first node'
	is "$(put web memory 0)" OK 'no memory'
	all=$(cat $NODES/has_memory)
	is "$(put web numa "$all")" OK 'all nodes'
	is "$(get web numa)" "$all" 'numa'
	is "$(put web memory 256M)" OK 'memory'
	is "$(on_node web "$(first_node)")" $((256 / $(nodes | wc -l))) 'MiB on the first node'
	is "$(put web memory 0)" OK 'no memory'
	is "$(put web numa '')" OK 'the nodes of its CPUs'
	is "$(get web numa)" '' 'numa'
	is "$(put web memory 128M)" OK 'memory'
	is "$(on_node web "$(last_node)")" 128 'MiB on the last node'
}

nonsense_is_refused()
{
	there_are_nodes
	mk_create web ''
	refused -m 'not a list of nodes' EINVAL 'a word' put web numa near
	refused -m 'no memory on node' EINVAL 'a node that is not there' put web numa 63
	refused -m 'not a list of nodes' EINVAL 'more than there can be' put web numa 99999
}

free_on() { sed -n 's/.*MemFree: *\([0-9]*\) kB/\1/p' "$NODES/node$1/meminfo"; }

# Memory that is far is better than none. How much of what is free lies in large pieces is
# another thing with each boot.
what_a_node_has_not_comes_from_another()
{
	local much

	there_are_nodes
	much=$(($(free_on "$(last_node)") / 1024 + 64))
	mk_create web "$(last_cpu_of "$(last_node)")" "${much}M"
	between 64 $((much - $(on_node web "$(last_node)"))) $((much * 3 / 4)) \
		'MiB from other nodes'
}

an_instance_sees_its_nodes()
{
	local a b

	there_are_nodes
	a=$(first_node) b=$(last_node)
	mk_boot web "$(last_cpu_of "$b"),$(last_cpu_of "$a")" 256M
	is "$(each_cpu "$(mk_run web "cat $NODES/online")")" "$(printf '%s\n' "$a" "$b")" \
		'nodes online'
	is "$(mk_run web "cat $NODES/possible")" "$(cat $NODES/online)" 'nodes that can be'
	# CPUs are in the order of the host's numbers
	is "$(mk_run web "cat $NODES/node$a/cpulist")" 0 'CPUs of the first node'
	is "$(mk_run web "cat $NODES/node$b/cpulist")" 1 'CPUs of the last node'
	# The kernel itself lies somewhere, and what it knows of its memory
	between 8 "$(mb_inside web "$a")" 128 'MiB of the first node'
	between 8 "$(mb_inside web "$b")" 128 'MiB of the last node'
	# Only nodes that are online stand in a row
	is "$(mk_run web "cat $NODES/node$a/distance" | tr -s ' ')" \
		"10 $(distance "$a" "$b")" 'distances of the first node'
	is "$(mk_run web "cat $NODES/node$b/distance" | tr -s ' ')" \
		"$(distance "$b" "$a") 10" 'distances of the last node'
}

# distance FROM TO
distance()
{
	local n i=1

	for n in $(each_cpu "$(cat $NODES/online)"); do
		[ "$n" != "$2" ] || break
		i=$((i + 1))
	done
	tr -s ' ' < "$NODES/node$1/distance" | cut -d' ' -f$i
}

# It starts on the last node alone.
what_comes_later_lands_on_its_node()
{
	local a b cpu mb

	there_are_nodes
	a=$(first_node) b=$(last_node)
	cpu=$(last_cpu_of "$b")
	mk_boot web "$cpu" 256M
	mb=$(mb_inside web "$b")
	is "$(mk_run web "cat $NODES/online")" "$b" 'nodes online'
	is "$(put web memory 384M)" OK 'more memory'
	is "$(on_node web "$b")" 384 'MiB on the last node'
	between $((mb + 120)) "$(mb_inside web "$b")" $((mb + 128)) 'MiB of the last node inside'
	is "$(put web numa "$a")" OK 'another node'
	is "$(put web memory 512M)" OK 'memory of another node'
	is "$(on_node web "$a")" 128 'MiB on the first node'
	between 100 "$(mb_inside web "$a")" 128 'MiB of the first node inside'
	is "$(put web cpus "$(last_cpu_of "$a"),$cpu")" OK 'a CPU of another node'
	is "$(mk_run web "cat $NODES/node$a/cpulist")" 1 'CPUs of the first node inside'
	is "$(mk_run web "cat $NODES/node$b/cpulist")" 0 'CPUs of the last node inside'
	is "$(mk_run web "cat $NODES/node$a/distance" | tr -s ' ')" \
		"10 $(distance "$a" "$b")" 'distances of the first node'
	is "$(put web cpus "$cpu")" OK 'the CPU back'
	is "$(put web memory 256M)" OK 'all memory back'
	ok answers web
}

# A CPU of a node of which it has no memory.
a_cpu_may_come_first()
{
	local a b cpu

	there_are_nodes
	a=$(first_node) b=$(last_node)
	cpu=$(last_cpu_of "$b")
	mk_boot web "$cpu" 256M
	is "$(put web cpus "$(last_cpu_of "$a"),$cpu")" OK 'a CPU of another node'
	is "$(mk_run web "cat $NODES/node$a/cpulist")" 1 'CPUs of the first node inside'
	ok answers web
}

the_pool_is_shown_by_node()
{
	local n cpu pool=$MK_FS/pool before

	there_are_nodes
	for n in $(nodes); do
		before=$(bytes "$(cat "$pool/node$n/memory")")
		cpu=$(last_cpu_of "$n")
		mk_create "web$n" "$cpu" 128M
		between $((100 * 1048576)) \
			$((before - $(bytes "$(cat "$pool/node$n/memory")"))) \
			$((160 * 1048576)) "bytes that node $n has less"
		is "$(each_cpu "$(cat "$pool/node$n/cpus")" | grep -cx "$cpu" || :)" \
			0 "CPU $cpu in node $n of the pool"
	done
	is "$(cat "$pool"/node*/cpus | grep . | paste -s -d, | tr ',' '\n' | grep -cx 0 || :)" 0 \
		'the boot CPU in the pool'
	between 1 "$(bytes "$(cat "$pool/memory")")" $(($(host_total) * 1024)) 'memory of the pool'
}

mk_main \
	memory_comes_from_the_node_of_the_cpu \
	memory_comes_from_each_node_of_the_cpus \
	memory_comes_from_where_it_is_asked_for \
	nonsense_is_refused \
	what_a_node_has_not_comes_from_another \
	an_instance_sees_its_nodes \
	what_comes_later_lands_on_its_node \
	a_cpu_may_come_first \
	the_pool_is_shown_by_node
