// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: ledger.c - who owns each CPU, and what may never be used again
 *
 * Every CPU has exactly one owner: the host, one instance, or the quarantine.
 * Memory that an instance owns is listed with the instance; what the host keeps
 * is the page allocator's; the ledger lists what is lost: pages
 * that could not be proven free.
 *
 * A change of owner is a claim: from the owner that the caller believes in to
 * the next.  It fails if the belief is wrong, so two claims for the same CPU
 * can't both succeed.
 *
 * Locking
 * -------
 *
 * mk_ledger_lock protects the tables; innermost.  Single owners are read without
 * it: a claim is one store.
 */

#include <linux/cpumask.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "internal.h"

struct mk_lost_range {
	struct list_head node;
	phys_addr_t start;
	u64 size;
};

static DEFINE_SPINLOCK(mk_ledger_lock);
static u16 mk_cpu_owner[NR_CPUS];
static unsigned int mk_nr_away;
static LIST_HEAD(mk_lost_ranges);

/**
 * mk_ledger_claim_cpu() - change the owner of a CPU
 * @cpu: logical number
 * @from: the owner as the caller knows it
 * @to: the new owner
 *
 * Return: 0, or -EBUSY if @from is not the owner.
 */
int mk_ledger_claim_cpu(unsigned int cpu, u16 from, u16 to)
{
	guard(spinlock)(&mk_ledger_lock);
	if (mk_cpu_owner[cpu] != from)
		return -EBUSY;
	WRITE_ONCE(mk_cpu_owner[cpu], to);
	if (from == MK_OWNER_HOST && to != MK_OWNER_HOST)
		WRITE_ONCE(mk_nr_away, mk_nr_away + 1);
	if (from != MK_OWNER_HOST && to == MK_OWNER_HOST)
		WRITE_ONCE(mk_nr_away, mk_nr_away - 1);
	return 0;
}

/**
 * mk_ledger_cpu_owner() - who owns a CPU?
 * @cpu: logical number
 *
 * Return: MK_OWNER_* or the id of an instance.
 */
u16 mk_ledger_cpu_owner(unsigned int cpu)
{
	return READ_ONCE(mk_cpu_owner[cpu]);
}

/**
 * mk_ledger_cpus_away() - does anyone but the host own a CPU?
 *
 * Context: any.
 * Return: true if so.
 */
bool mk_ledger_cpus_away(void)
{
	return READ_ONCE(mk_nr_away);
}

/**
 * mk_ledger_quarantine_mem() - memory that can't be proven free
 * @start: physical address
 * @size: in bytes
 *
 * The pages stay allocated for ever.
 */
void mk_ledger_quarantine_mem(phys_addr_t start, u64 size)
{
	struct mk_lost_range *range = kzalloc_obj(*range, GFP_KERNEL | __GFP_NOFAIL);

	range->start = start;
	range->size = size;
	guard(spinlock)(&mk_ledger_lock);
	list_add_tail(&range->node, &mk_lost_ranges);
}

/**
 * mk_ledger_show_quarantine() - list what is lost
 * @sf: where to
 */
void mk_ledger_show_quarantine(struct seq_file *sf)
{
	struct mk_lost_range *range;
	unsigned int cpu;

	guard(spinlock)(&mk_ledger_lock);
	for_each_possible_cpu(cpu)
		if (mk_cpu_owner[cpu] == MK_OWNER_QUARANTINE)
			seq_printf(sf, "cpu %u\n", cpu);
	list_for_each_entry(range, &mk_lost_ranges, node)
		seq_printf(sf, "memory %pap %llu\n", &range->start, range->size);
}
