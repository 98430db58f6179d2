// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: nodes.c - from which NUMA nodes an instance's memory comes
 *
 * An instance prefers the nodes that its file "numa" names, or those of its CPUs, and gets
 * as much from each as it can.  What they do not have comes from the nodes nearest to
 * them: memory that is far is better than none, and memory.map tells where it is.
 */

#include <linux/align.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sizes.h>
#include <linux/topology.h>

#include "internal.h"

/* Shares are multiples of a large page */
#define MK_SHARE_PAGES	(SZ_2M / PAGE_SIZE)

/**
 * mk_nodes_of() - which nodes does an instance prefer?
 * @inst: the instance
 * @nodes: where to store them; never empty
 *
 * Context: under the instance's lock.
 */
void mk_nodes_of(const struct mk_instance *inst, nodemask_t *nodes)
{
	unsigned int cpu;

	*nodes = inst->numa;
	if (!nodes_empty(*nodes))
		return;
	for_each_cpu(cpu, inst->cpus)
		if (node_state(cpu_to_node(cpu), N_MEMORY))
			node_set(cpu_to_node(cpu), *nodes);
	if (!nodes_empty(*nodes))
		return;
	/* Memory of the nearest node to its first CPU, or to who asks */
	cpu = cpumask_first(inst->cpus);
	node_set(cpu < nr_cpu_ids ? cpu_to_node(cpu) : numa_mem_id(), *nodes);
}

/**
 * mk_nodes_prefer() - say where an instance's memory shall come from
 * @inst: the instance
 * @nodes: the nodes; none for those of its CPUs
 *
 * It counts for what it is given from now on.
 *
 * Context: under the instance's lock.
 * Return: 0, -EINVAL if there is no memory on one of them.
 */
int mk_nodes_prefer(struct mk_instance *inst, const nodemask_t *nodes)
{
	int nid;

	for_each_node_mask(nid, *nodes)
		if (!node_state(nid, N_MEMORY))
			return mk_fail(-EINVAL, "there is no memory on node %d; there is on %*pbl",
				       nid, nodemask_pr_args(&node_states[N_MEMORY]));
	inst->numa = *nodes;
	return 0;
}

/**
 * mk_nodes_pages() - how much of this memory is on a node?
 * @mem: the memory
 * @nid: the node
 *
 * Return: a number of pages.
 */
unsigned long mk_nodes_pages(const struct mk_memory *mem, int nid)
{
	unsigned long pages = 0;
	unsigned int i;

	for (i = 0; i < mem->nr; i++)
		if (page_to_nid(mem->range[i].page) == nid)
			pages += mem->range[i].nr;
	return pages;
}

/**
 * mk_nodes_lack() - what does a node still owe to an instance?
 * @want: pages that the instance shall have in all
 * @nodes: how many nodes it prefers
 * @have: pages that it has of this one
 *
 * Return: a number of pages.
 */
unsigned long mk_nodes_lack(unsigned long want, unsigned int nodes, unsigned long have)
{
	unsigned long share = ALIGN(DIV_ROUND_UP(want, nodes), MK_SHARE_PAGES);

	return share > have ? share - have : 0;
}

/**
 * mk_nodes_next() - from which node should the next piece come?
 * @mem: what the instance has
 * @nodes: those in question
 *
 * Return: the one of which it has least.
 */
int mk_nodes_next(const struct mk_memory *mem, const nodemask_t *nodes)
{
	unsigned long least = ULONG_MAX;
	int nid, best = first_node(*nodes);

	for_each_node_mask(nid, *nodes) {
		unsigned long pages = mk_nodes_pages(mem, nid);

		if (pages >= least)
			continue;
		least = pages;
		best = nid;
	}
	return best;
}
