// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: move.c - CPUs and memory go from one running instance to another
 *
 * In one step, as far as anyone sees: each or none.  What moves does not become the
 * host's in between: the ledger knows it as the first instance's until that has let go
 * of all of it, and from then on as the second one's.
 *
 * 1. The first instance is asked to let go of each CPU, or each block.  If it refuses
 *    one it gets back those before it, and that is all.
 * 2. CPUs are stopped, which is the proof, and memory is zeroed; then they change hands.
 * 3. The second instance is asked to take each.  If it refuses one, all change hands
 *    again and are offered to the first one, from which they came.
 *
 * If an instance ends meanwhile what is its own at that moment stays with it, and it has
 * that when it is started again.
 *
 * Locking
 * -------
 *
 * Both instances' resize_lock, and where things change hands both instances' lock, of the
 * lesser address first.  See resize.c.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/cleanup.h>
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/multikernel/abi/control.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "internal.h"
#include "resize.h"

/**
 * mk_move_lock() - lock two instances
 * @a: the one
 * @b: the other one
 *
 * The order is by address: ids may change hands, see succeed.c.
 */
void mk_move_lock(struct mk_instance *a, struct mk_instance *b)
{
	if (a > b)
		swap(a, b);
	mutex_lock(&a->lock);
	mutex_lock_nested(&b->lock, SINGLE_DEPTH_NESTING);
}

/**
 * mk_move_unlock() - undo mk_move_lock()
 * @a: the one
 * @b: the other one
 */
void mk_move_unlock(struct mk_instance *a, struct mk_instance *b)
{
	mutex_unlock(&a->lock);
	mutex_unlock(&b->lock);
}

/* Of an instance that has let go of it, or ended: its new owner has not started it yet */
static int mk_move_hand_cpu(struct mk_resize *from, struct mk_resize *to, unsigned int cpu)
{
	struct mk_instance *a = from->inst, *b = to->inst;
	int ret = 0;

	mk_move_lock(a, b);
	if (!cpumask_test_cpu(cpu, a->cpus) ||
	    (mk_state_is_up(a->state) && !mk_resize_runs(from)))
		ret = mk_resize_gone(from);
	else if (!mk_resize_runs(to))
		ret = mk_resize_gone(to);
	else if (mk_resize_runs(from))
		ret = mk_life_stop_cpu(a, cpu);
	if (!ret)
		ret = mk_ledger_claim_cpu(cpu, a->id, b->id);
	if (!ret) {
		cpumask_clear_cpu(cpu, a->cpus);
		cpumask_set_cpu(cpu, b->cpus);
		mk_link_forget_bells(&a->link);
	}
	mk_move_unlock(a, b);
	return ret;
}

/* It was the first one's before: there again, if that runs, and if not its own all the same */
static void mk_move_cpu_back(struct mk_resize *from, struct mk_resize *to, unsigned int cpu)
{
	int ret = mk_move_hand_cpu(to, from, cpu), hand = ret;

	ret = ret ?: mk_resize_offer_cpu(from, cpu, false);
	if (!ret)
		return;
	mk_settle_note_cpu(hand ? to : from, cpu);
	pr_warn("CPU %u does not get back to instance %s (error %d)\n", cpu,
		from->inst->name, ret);
}

static int mk_move_check_cpus(struct mk_resize *from, struct mk_resize *to)
{
	struct mk_instance *a = from->inst, *b = to->inst;
	int ret;

	mk_move_lock(a, b);
	if (!mk_resize_runs(from) || !mk_resize_runs(to))
		ret = mk_resize_gone(mk_resize_runs(from) ? to : from);
	else if (cpumask_empty(&from->want))
		ret = mk_fail(-EINVAL, "no CPU is to move");
	else if (!cpumask_subset(&from->want, a->cpus))
		ret = mk_fail(-EINVAL, "instance %s has CPUs %*pbl, not %*pbl", a->name,
			      cpumask_pr_args(a->cpus), cpumask_pr_args(&from->want));
	else if (cpumask_equal(&from->want, a->cpus))
		ret = mk_fail(-EINVAL, "instance %s runs, and keeps at least one CPU", a->name);
	else
		ret = mk_resize_check_slots(b, &from->want);
	mk_move_unlock(a, b);
	return ret;
}

/* Hands all of them over, and offers them; &to->add are those that were handed over */
static int mk_move_give_cpus(struct mk_resize *from, struct mk_resize *to)
{
	unsigned int cpu;
	int ret;

	for_each_cpu(cpu, &from->want) {
		ret = mk_move_hand_cpu(from, to, cpu);
		if (ret)
			return ret;
		cpumask_set_cpu(cpu, &to->add);
	}
	for_each_cpu(cpu, &from->want) {
		ret = mk_resize_offer_cpu(to, cpu, false);
		if (ret == -ECONNRESET)
			return mk_resize_gone(to);
		if (ret)
			return mk_fail(ret, "instance %s did not bring CPU %u up (error %d)",
				       to->inst->name, cpu, ret);
	}
	return 0;
}

static void mk_move_undo_cpus(struct mk_resize *from, struct mk_resize *to)
{
	unsigned int cpu;
	int ret;

	for_each_cpu(cpu, &to->add) {
		/* One that it has not got is no error */
		ret = mk_resize_ask_cpu(to, MK_CTL_CPU_DEL, cpu);
		if (!ret || ret == -ECONNRESET) {
			mk_move_cpu_back(from, to, cpu);
			continue;
		}
		mk_settle_note_cpu(to, cpu);
		pr_warn("CPU %u stays with instance %s, which does not let go of it (error %d)\n",
			cpu, to->inst->name, ret);
	}
	/* Let go of, and not handed over */
	cpumask_andnot(&from->del, &from->del, &to->add);
	mk_resize_undo_cpus(from);
}

static int mk_move_do_cpus(struct mk_resize *from, struct mk_resize *to)
{
	int ret;

	ret = mk_move_check_cpus(from, to);
	if (ret)
		return ret;
	ret = mk_resize_take_cpus(from, &from->want);
	if (ret) {
		mk_resize_undo_cpus(from);
		return ret;
	}
	ret = mk_move_give_cpus(from, to);
	if (ret)
		mk_move_undo_cpus(from, to);
	return ret;
}

/* Zeroed, from one that has let go of it or ended */
static int mk_move_hand_mem(struct mk_resize *from, struct mk_resize *to, phys_addr_t pa,
			    u64 size)
{
	struct mk_instance *a = from->inst, *b = to->inst;
	int ret = 0;

	mk_move_lock(a, b);
	if (mk_state_is_up(a->state) && !mk_resize_runs(from))
		ret = mk_resize_gone(from);
	else if (!mk_resize_runs(to))
		ret = mk_resize_gone(to);
	else
		ret = mk_memory_hand(a, b, pa, size);
	mk_move_unlock(a, b);
	return ret;
}

/**
 * struct mk_move_mem - blocks of memory that move
 * @block: size of each, in bytes
 * @nr: how many there are to be
 * @freed: how many the first instance has let go of
 * @handed: how many of these were handed over
 * @pa: where they are
 */
struct mk_move_mem {
	u64 block;
	unsigned int nr;
	unsigned int freed;
	unsigned int handed;
	phys_addr_t pa[] __counted_by(nr);
};

static struct mk_move_mem *mk_move_plan_mem(struct mk_resize *from, struct mk_resize *to)
{
	struct mk_move_mem *mv;
	u64 block;

	/* Powers of two; who has the lesser one can take and give several at a time */
	block = max(READ_ONCE(from->inst->mem_block), READ_ONCE(to->inst->mem_block));
	if (!READ_ONCE(from->inst->mem_block) || !READ_ONCE(to->inst->mem_block))
		return ERR_PTR(mk_fail(-EOPNOTSUPP,
				       "the kernel of %s or %s can't change its memory while it runs",
				       from->inst->name, to->inst->name));
	if (!from->size || from->size % block || from->size / block > MK_MEM_RANGES)
		return ERR_PTR(mk_fail(-EINVAL,
				       "between %s and %s memory moves by multiples of %lluM, at most %u of them",
				       from->inst->name, to->inst->name, block / SZ_1M,
				       MK_MEM_RANGES));
	mv = kzalloc_flex(*mv, pa, from->size / block);
	if (!mv)
		return ERR_PTR(-ENOMEM);
	mv->nr = from->size / block;
	mv->block = block;
	return mv;
}

static int mk_move_free_mem(struct mk_resize *from, struct mk_move_mem *mv)
{
	phys_addr_t pa = PHYS_ADDR_MAX;
	int ret;

	while (mv->freed < mv->nr) {
		pa = mk_resize_next_block(from, mv->block, pa);
		if (!pa)
			return mk_fail(-EBUSY,
				       "instance %s would let go of %llu of %llu MiB and uses the rest",
				       from->inst->name, mv->freed * mv->block / SZ_1M,
				       from->size / SZ_1M);
		ret = mk_resize_ask_mem(from, MK_CTL_MEM_DEL, pa, mv->block);
		if (ret == -ECONNRESET)
			return mk_resize_gone(from);
		/* It may still do it: then it is to take it again */
		if (!ret || mk_resize_unknown(ret))
			mv->pa[mv->freed++] = pa;
		if (mk_resize_unknown(ret))
			return mk_fail(ret, "instance %s does not answer", from->inst->name);
	}
	return 0;
}

static int mk_move_give_mem(struct mk_resize *from, struct mk_resize *to,
			    struct mk_move_mem *mv)
{
	unsigned int i;
	int ret;

	for (; mv->handed < mv->nr; mv->handed++) {
		ret = mk_move_hand_mem(from, to, mv->pa[mv->handed], mv->block);
		if (ret && !mk_error_is_set())
			mk_fail(ret, "%llu MiB could not be handed from %s to %s (error %d)",
				mv->block / SZ_1M, from->inst->name, to->inst->name, ret);
		if (ret)
			return ret;
	}
	for (i = 0; i < mv->nr; i++) {
		ret = mk_resize_ask_mem(to, MK_CTL_MEM_ADD, mv->pa[i], mv->block);
		if (ret == -ECONNRESET)
			return mk_resize_gone(to);
		if (ret)
			return mk_fail(ret, "instance %s did not take %llu MiB (error %d)",
				       to->inst->name, mv->block / SZ_1M, ret);
	}
	return 0;
}

/* Back to the first one: from the second, which may not even have it, and at last inside */
static void mk_move_mem_back(struct mk_resize *from, struct mk_resize *to, phys_addr_t pa,
			     u64 size, bool handed)
{
	struct mk_resize *owner = handed ? to : from;
	int ret = 0;

	if (handed) {
		ret = mk_resize_ask_mem(to, MK_CTL_MEM_DEL, pa, size);
		if (!ret || ret == -ECONNRESET)
			ret = mk_move_hand_mem(to, from, pa, size);
		if (!ret)
			owner = from;
	}
	ret = ret ?: mk_resize_ask_mem(from, MK_CTL_MEM_ADD, pa, size);
	if (!ret)
		return;
	mk_settle_note_mem(owner, pa, size);
	pr_warn("memory at %pap does not get back to instance %s (error %d)\n", &pa,
		from->inst->name, ret);
}

static void mk_move_undo_mem(struct mk_resize *from, struct mk_resize *to,
			     struct mk_move_mem *mv)
{
	unsigned int i;

	for (i = 0; i < mv->freed; i++)
		mk_move_mem_back(from, to, mv->pa[i], mv->block, i < mv->handed);
}

static void mk_move_want(struct mk_resize *from, struct mk_resize *to)
{
	struct mk_instance *a = from->inst, *b = to->inst;

	mk_move_lock(a, b);
	a->mem_wanted -= min(a->mem_wanted, from->size);
	b->mem_wanted += from->size;
	mk_move_unlock(a, b);
}

static int mk_move_do_memory(struct mk_resize *from, struct mk_resize *to)
{
	struct mk_move_mem *mv __free(kfree) = mk_move_plan_mem(from, to);
	int ret;

	if (IS_ERR(mv))
		return PTR_ERR(no_free_ptr(mv));
	ret = mk_move_free_mem(from, mv) ?: mk_move_give_mem(from, to, mv);
	if (ret)
		mk_move_undo_mem(from, to, mv);
	else
		mk_move_want(from, to);
	return ret;
}

/**
 * mk_move() - carry out a move
 * @from: from where, and what
 * @to: where to
 *
 * Context: process; may sleep for as long as the instances take.
 * Return: as mk_resize_cpus() and mk_resize_memory(), of either instance; -EINVAL also for
 * what the first one does not have.  Unless 0 all is as it was, but for what an instance
 * does not answer for.
 */
int mk_move(struct mk_resize *from, struct mk_resize *to)
{
	struct mutex *first = &from->inst->resize_lock, *second = &to->inst->resize_lock;
	int ret;

	if (from->inst > to->inst)
		swap(first, second);
	mutex_lock(first);
	mutex_lock_nested(second, SINGLE_DEPTH_NESTING);
	ret = mk_settle(from) ?: mk_settle(to);
	if (!ret)
		ret = from->cpus ? mk_move_do_cpus(from, to) : mk_move_do_memory(from, to);
	mutex_unlock(second);
	mutex_unlock(first);
	return ret;
}
