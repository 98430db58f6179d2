// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: x86: NUMA nodes of an instance
 *
 * An instance has the machine's node numbers and distances, from the boot block instead
 * of ACPI's SRAT and SLIT.  All nodes of the machine are possible, because CPUs and
 * memory may come from any of them later; online are those of which it has something.
 */

#include <linux/init.h>
#include <linux/multikernel.h>
#include <linux/nodemask.h>
#include <linux/numa_memblks.h>
#include <asm/multikernel.h>
#include <asm/numa.h>

#include "../../../kernel/multikernel/internal.h"
#include "../../../kernel/multikernel/guest.h"
#include "x86.h"

static bool __init mk_numa_knows(u32 node)
{
	return node < MAX_NUMNODES && node_isset(node, numa_nodes_parsed);
}

static int __init mk_numa_init_nodes(const struct mk_boot_block *block)
{
	const __u32 *shared = mk_guest_shared() + block->nodes_off;
	const __u8 *distance = mk_guest_shared() + block->distances_off;
	u32 node[MK_BOOT_NODES_MAX];
	unsigned int i, j;

	for (i = 0; i < block->nr_nodes; i++) {
		node[i] = READ_ONCE(shared[i]);
		if (node[i] >= MAX_NUMNODES)
			return -EINVAL;
		node_set(node[i], numa_nodes_parsed);
	}
	/* Its table is as large as the nodes that have been seen need it */
	for (i = 0; i < block->nr_nodes; i++)
		for (j = 0; j < block->nr_nodes; j++)
			numa_set_distance(node[i], node[j], READ_ONCE(*distance++));
	return 0;
}

/**
 * mk_numa_init() - tell of the nodes of this instance
 *
 * For numa_init(), while early_memremap() works.
 *
 * Return: 0; -ENODEV if the host says nothing of nodes; -EINVAL if that can't be, or is
 * more than this kernel can take: then it has one node.
 */
int __init mk_numa_init(void)
{
	const struct mk_boot_block *block = mk_guest_block();
	const struct mk_boot_cpu *cpus = mk_guest_shared() + block->cpus_off;
	const struct mk_boot_mem *mem = mk_guest_shared() + block->mem_off;
	unsigned int i;
	int ret;

	if (!block->nr_nodes)
		return -ENODEV;
	ret = mk_numa_init_nodes(block);
	if (ret)
		return ret;
	for (i = 0; i < block->nr_cpus + block->nr_spare; i++) {
		u32 node = READ_ONCE(cpus[i].node), phys_id = READ_ONCE(cpus[i].phys_id);

		if (!mk_numa_knows(node) || phys_id >= MAX_LOCAL_APIC)
			return -EINVAL;
		set_apicid_to_node(phys_id, node);
	}
	for (i = 0; i < block->nr_mem; i++) {
		u64 start = READ_ONCE(mem[i].start_pa), size = READ_ONCE(mem[i].size);
		u32 node = READ_ONCE(mem[i].node);

		if (!mk_numa_knows(node))
			return -EINVAL;
		ret = numa_add_memblk(node, start, start + size);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * mk_numa_add_cpu() - a CPU that was not there at the start is on its node
 * @cpu: its logical number
 * @phys_id: its APIC id
 *
 * As acpi_map_cpu2node() does.
 */
void mk_numa_add_cpu(unsigned int cpu, u32 phys_id)
{
	s16 node = __apicid_to_node[phys_id];

	if (node != NUMA_NO_NODE)
		numa_set_node(cpu, node);
}
