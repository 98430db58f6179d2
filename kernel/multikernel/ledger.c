// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: ledger.c - who owns each CPU and each page
 *
 * Every CPU and every page has exactly one owner: the host, one instance, or the
 * quarantine, which has what could not be proven free and gives nothing back.
 *
 * CPUs are a table.  Of memory, what is not the host's is a list of ranges; the
 * host has the rest, and its page allocator knows of what the rest consists.
 *
 * A change of owner is a claim: from the owner that the caller believes in to
 * the next.  It fails and changes nothing if the belief is wrong, for one byte of
 * a range as well, so two claims for the same CPU or page can't both succeed.
 *
 * Locking
 * -------
 *
 * mk_ledger_lock protects the tables; innermost.  Owners of CPUs are read without
 * it: a claim is one store.
 */

#include <linux/cleanup.h>
#include <linux/cpumask.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "internal.h"

/**
 * struct mk_owned_range - memory that is not the host's
 * @node: in the list of all, which is in no order; no two overlap
 * @start: physical address
 * @last: physical address of its last byte
 * @owner: an instance, or MK_OWNER_QUARANTINE
 */
struct mk_owned_range {
	struct list_head node;
	phys_addr_t start;
	phys_addr_t last;
	u16 owner;
};

static DEFINE_SPINLOCK(mk_ledger_lock);
static u16 mk_cpu_owner[NR_CPUS];
static unsigned int mk_nr_away;
static LIST_HEAD(mk_owned_ranges);

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

/* The first range that shares a byte with these */
static struct mk_owned_range *mk_ledger_overlap(phys_addr_t start, phys_addr_t last)
{
	struct mk_owned_range *range;

	list_for_each_entry(range, &mk_owned_ranges, node)
		if (start <= range->last && range->start <= last)
			return range;
	return NULL;
}

static void mk_ledger_add(struct mk_owned_range *range, phys_addr_t start,
			  phys_addr_t last, u16 owner)
{
	range->start = start;
	range->last = last;
	range->owner = owner;
	list_add_tail(&range->node, &mk_owned_ranges);
}

/*
 * Cut a piece out of the middle, or off an end, of a range that contains it.  What
 * is left in front stays in @range, and what is left behind goes into @spare.
 */
static void mk_ledger_cut(struct mk_owned_range *range, phys_addr_t start,
			  phys_addr_t last, struct mk_owned_range **spare)
{
	if (last != range->last) {
		mk_ledger_add(*spare, last + 1, range->last, range->owner);
		*spare = NULL;
	}
	if (start != range->start) {
		range->last = start - 1;
		return;
	}
	list_del(&range->node);
	kfree(range);
}

/**
 * mk_ledger_claim_mem() - change the owner of memory
 * @start: physical address
 * @size: in bytes, not 0
 * @from: the owner as the caller knows it
 * @to: the new owner
 *
 * What is taken from an instance lies in one range that went to it in one claim.
 * A claim from the owner to itself only tells whether it is the owner.
 *
 * Context: may sleep.
 * Return: 0; -EINVAL if there is no such memory; -EBUSY if @from is not the owner
 * of all of it, or not by one claim.
 */
int mk_ledger_claim_mem(phys_addr_t start, u64 size, u16 from, u16 to)
{
	/* What lets go of memory must not fail for want of some */
	struct mk_owned_range *rest __free(kfree) =
		kzalloc_obj(*rest, GFP_KERNEL | __GFP_NOFAIL);
	struct mk_owned_range *next __free(kfree) =
		kzalloc_obj(*next, GFP_KERNEL | __GFP_NOFAIL);
	struct mk_owned_range *range;
	phys_addr_t last = start + size - 1;

	if (!size || last < start)
		return -EINVAL;
	guard(spinlock)(&mk_ledger_lock);
	range = mk_ledger_overlap(start, last);
	if (from == MK_OWNER_HOST && range)
		return -EBUSY;
	if (from != MK_OWNER_HOST &&
	    (!range || range->owner != from || start < range->start || last > range->last))
		return -EBUSY;
	if (from == to)
		return 0;
	if (range)
		mk_ledger_cut(range, start, last, &rest);
	if (to != MK_OWNER_HOST)
		mk_ledger_add(no_free_ptr(next), start, last, to);
	return 0;
}

/**
 * mk_ledger_show_quarantine() - list what is lost
 * @sf: where to
 */
void mk_ledger_show_quarantine(struct seq_file *sf)
{
	struct mk_owned_range *range;
	unsigned int cpu;

	guard(spinlock)(&mk_ledger_lock);
	for_each_possible_cpu(cpu)
		if (mk_cpu_owner[cpu] == MK_OWNER_QUARANTINE)
			seq_printf(sf, "cpu %u\n", cpu);
	list_for_each_entry(range, &mk_owned_ranges, node)
		if (range->owner == MK_OWNER_QUARANTINE)
			seq_printf(sf, "memory %pap %llu\n", &range->start,
				   (u64)(range->last - range->start) + 1);
}
