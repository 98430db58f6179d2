// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: settle.c - what an instance has not answered for
 *
 * If an instance does not say in time whether it has taken or let go of a CPU or a block
 * of memory, that stays its own, and nobody knows whether it uses it.  So it is noted, and
 * before anything else is changed the instance is asked to take it: what it has already
 * is no error.  If that fails it is asked to let go of it, and then it is the host's.
 *
 * A new start takes all that is its own, so the notes are of one run.
 *
 * Locking
 * -------
 *
 * mk_instance.resize_lock protects the notes.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/cpumask.h>
#include <linux/multikernel/abi/control.h>

#include "internal.h"
#include "resize.h"

static struct mk_unsure *mk_settle_notes(struct mk_resize *rs)
{
	struct mk_unsure *unsure = &rs->inst->unsure;

	lockdep_assert_held(&rs->inst->resize_lock);
	if (unsure->epoch == rs->epoch)
		return unsure;
	unsure->epoch = rs->epoch;
	cpumask_clear(&unsure->cpus);
	unsure->nr = 0;
	return unsure;
}

/**
 * mk_settle_note_cpu() - nobody knows whether the instance uses this CPU of its own
 * @rs: the change
 * @cpu: logical number in the host
 *
 * Context: under mk_instance.resize_lock.
 */
void mk_settle_note_cpu(struct mk_resize *rs, unsigned int cpu)
{
	cpumask_set_cpu(cpu, &mk_settle_notes(rs)->cpus);
}

/**
 * mk_settle_note_mem() - nobody knows whether the instance uses this memory of its own
 * @rs: the change
 * @pa: physical address
 * @size: in bytes
 *
 * Context: under mk_instance.resize_lock.
 */
void mk_settle_note_mem(struct mk_resize *rs, phys_addr_t pa, u64 size)
{
	struct mk_unsure *unsure = mk_settle_notes(rs);
	unsigned int i;

	for (i = 0; i < unsure->nr; i++)
		if (unsure->mem[i].pa == pa)
			return;
	/* A change notes no more than it moves, and the next one settles them first */
	if (WARN_ON(unsure->nr == ARRAY_SIZE(unsure->mem)))
		return;
	unsure->mem[unsure->nr].pa = pa;
	unsure->mem[unsure->nr++].size = size;
}

static int mk_settle_fails(struct mk_resize *rs, int ret)
{
	if (ret == -ECONNRESET)
		return mk_resize_gone(rs);
	return mk_fail(ret, "instance %s still does not say what it uses (error %d)",
		       rs->inst->name, ret);
}

static int mk_settle_cpus(struct mk_resize *rs, struct mk_unsure *unsure)
{
	unsigned int cpu;
	int ret;

	for_each_cpu(cpu, &unsure->cpus) {
		ret = mk_resize_offer_cpu(rs, cpu, true);
		if (ret && ret != -ECONNRESET && !mk_resize_unknown(ret)) {
			ret = mk_resize_ask_cpu(rs, MK_CTL_CPU_DEL, cpu);
			if (!ret)
				mk_resize_return_cpu(rs, cpu);
		}
		if (ret)
			return mk_settle_fails(rs, ret);
		cpumask_clear_cpu(cpu, &unsure->cpus);
	}
	return 0;
}

static int mk_settle_mem(struct mk_resize *rs, struct mk_unsure *unsure)
{
	int ret;

	for (; unsure->nr; unsure->nr--) {
		phys_addr_t pa = unsure->mem[unsure->nr - 1].pa;
		u64 size = unsure->mem[unsure->nr - 1].size;

		ret = mk_resize_ask_mem(rs, MK_CTL_MEM_ADD, pa, size);
		if (ret && ret != -ECONNRESET && !mk_resize_unknown(ret)) {
			ret = mk_resize_ask_mem(rs, MK_CTL_MEM_DEL, pa, size);
			if (!ret)
				mk_resize_return_mem(rs, pa, size);
		}
		if (ret)
			return mk_settle_fails(rs, ret);
	}
	return 0;
}

/**
 * mk_settle() - find out what the instance uses, if it did not say
 * @rs: the change, which has not begun
 *
 * Context: may sleep, under mk_instance.resize_lock.
 * Return: 0 if that is known; -ETIMEDOUT, -ECONNRESET, or what else became of the question.
 */
int mk_settle(struct mk_resize *rs)
{
	struct mk_unsure *unsure = mk_settle_notes(rs);

	return mk_settle_cpus(rs, unsure) ?: mk_settle_mem(rs, unsure);
}
