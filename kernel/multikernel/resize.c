// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: resize.c - CPUs and memory move while an instance runs
 *
 * A write to "cpus" or "memory" of a running instance states what it shall have.  The
 * host works out the difference, and each step is one of these:
 *
 * - A CPU to the instance: it leaves the host, is parked by our own code where the
 *   instance's other CPUs were, and the instance is asked to bring it up.
 * - A CPU back: the instance is asked to take it offline, which parks it.  The host stops
 *   it, which is the proof, and brings it online.
 * - Memory to the instance: the host allocates it, zeroed and out of its direct map, and
 *   the instance is asked to add it.
 * - Memory back: the instance is asked to take it offline and to forget it; then it is
 *   mapped, zeroed and freed here.
 *
 * Only the instance can let go of what it runs on; while it is healthy nothing is taken
 * by force.  CPUs are given first and taken only when the instance has let go of all
 * that it shall lose, so a refusal is undone by giving back what was let go and taking
 * back what was given.  Memory is taken back piece by piece, as much as can be had: what
 * the instance has let go of stays with the host, and the refusal says how much that was.
 *
 * The ledger names the instance as the owner from before the first step to after the
 * last one of either way.  If the instance ends in between, all that is its own then is
 * stopped, and what a failed write has added goes back.  If it does not answer in time
 * nobody knows whether it uses what it was offered: that stays its own, see settle.c.
 *
 * A write that a signal interrupts is finished without the writer.
 *
 * With CONFIG_FAULT_INJECTION_DEBUG_FS each step that can fail does so on demand:
 * /sys/kernel/debug/multikernel/fail_resize, see
 * Documentation/fault-injection/fault-injection.rst.  A step is to start a CPU, to get
 * memory, to ask the instance, and to hear its answer.
 *
 * Locking
 * -------
 *
 * mk_instance.resize_lock is held over all of it, so there is one at a time; nobody
 * else takes it.  mk_instance.lock protects each step, and is not held while the
 * instance is asked: so it can be killed meanwhile, which ends the question.
 * Lock order: mk_instance.resize_lock -> mk_instance.lock.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <kunit/static_stub.h>
#include <linux/cleanup.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/multikernel/abi/control.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "internal.h"
#include "resize.h"
#include "service.h"

/*
 * How long an instance may take for one CPU or one block of memory.  To empty a block
 * means to copy all of it; longer than an orderly stop it may not take.
 */
#define MK_RESIZE_TIMEOUT_MS	30000

/* A test may be less patient, see debug.c */
static u32 mk_resize_timeout_ms = MK_RESIZE_TIMEOUT_MS;

static DECLARE_FAULT_ATTR(mk_resize_fault);

/**
 * mk_resize_fails() - for tests: shall this step fail?
 *
 * Return: true if so.
 */
bool mk_resize_fails(void)
{
	return should_fail(&mk_resize_fault, 1);
}

static int __init mk_resize_debug_init(void)
{
	debugfs_create_u32("resize_timeout_ms", 0600, mk_debug_dir, &mk_resize_timeout_ms);
	if (IS_ENABLED(CONFIG_FAULT_INJECTION_DEBUG_FS))
		fault_create_debugfs_attr("fail_resize", mk_debug_dir, &mk_resize_fault);
	return 0;
}
late_initcall(mk_resize_debug_init);

/**
 * mk_resize_runs() - does the instance run as it did when the change began?
 * @rs: the change; its instance is locked
 *
 * One that hangs meanwhile still does; the questions have deadlines.
 *
 * Return: true if so.
 */
bool mk_resize_runs(struct mk_resize *rs)
{
	enum mk_state state = rs->inst->state;

	lockdep_assert_held(&rs->inst->lock);
	return (state == MK_RUNNING || state == MK_HUNG) && rs->inst->epoch == rs->epoch;
}

/**
 * mk_resize_gone() - say that it does not
 * @rs: the change
 *
 * Return: -ECONNRESET.
 */
int mk_resize_gone(struct mk_resize *rs)
{
	return mk_fail(-ECONNRESET, "instance %s has ended meanwhile", rs->inst->name);
}

/**
 * mk_resize_unknown() - can nobody say whether an instance has done it?
 * @ret: what came of the question
 *
 * Return: true if so.
 */
bool mk_resize_unknown(int ret)
{
	return ret == -ETIMEDOUT || ret == -EINTR;
}

/**
 * mk_resize_check_slots() - does an instance have a place for CPUs?
 * @inst: the instance, locked, which runs
 * @cpus: logical numbers; the boot CPU, and one that is not there, are refused for other
 *        reasons, and not here
 *
 * Return: 0, or -ENOSPC.
 */
int mk_resize_check_slots(const struct mk_instance *inst, const struct cpumask *cpus)
{
	unsigned int cpu;

	for_each_cpu(cpu, cpus)
		if (cpu && cpu_present(cpu) && mk_instance_slot(inst, cpu) < 0)
			return mk_fail(-ENOSPC,
				       "instance %s has no place for CPU %u: it was not there when it started",
				       inst->name, cpu);
	return 0;
}

static int mk_resize_ask(struct mk_resize *rs, const void *req, size_t len)
{
	ssize_t ret;

	if (mk_resize_fails())
		return -EIO;
	ret = mk_job_call(&rs->inst->link.boot[MK_CLASS_CONTROL], req, len, NULL, 0,
			  msecs_to_jiffies(READ_ONCE(mk_resize_timeout_ms)));
	if (ret == -ENOTCONN)
		ret = -ECONNRESET;
	if (mk_resize_fails())
		return -ETIMEDOUT;
	return min(ret, 0);
}

/**
 * mk_resize_ask_cpu() - ask the instance to take or to give a CPU
 * @rs: the change
 * @op: MK_CTL_CPU_*
 * @cpu: logical number in the host
 *
 * Context: may sleep for MK_RESIZE_TIMEOUT_MS.
 * Return: 0; -ECONNRESET if it has ended; see mk_resize_unknown(); or what it answers.
 */
int mk_resize_ask_cpu(struct mk_resize *rs, u32 op, unsigned int cpu)
{
	struct mk_ctl_cpu req = { .op = op };

	KUNIT_STATIC_STUB_REDIRECT(mk_resize_ask_cpu, rs, op, cpu);
	req.phys_id = mk_arch_phys_id(cpu);
	req.node = cpu_to_node(cpu);
	return mk_resize_ask(rs, &req, sizeof(req));
}

/**
 * mk_resize_offer_cpu() - an instance shall bring a CPU up that is its own
 * @rs: the change
 * @cpu: logical number in the host
 * @parked: it has let go of it, and it has not been stopped; otherwise it is sent to where
 *          the instance's other CPUs once were
 *
 * Context: may sleep for MK_RESIZE_TIMEOUT_MS.
 * Return: as mk_resize_ask_cpu(), or mk_arch_park_cpu().
 */
int mk_resize_offer_cpu(struct mk_resize *rs, unsigned int cpu, bool parked)
{
	int ret = 0;

	scoped_guard(mutex, &rs->inst->lock) {
		if (!mk_resize_runs(rs))
			return mk_resize_gone(rs);
		if (!parked)
			ret = mk_resize_fails() ? -EIO : mk_arch_park_cpu(rs->inst, cpu);
	}
	if (ret)
		return mk_fail(ret, "CPU %u did not start for instance %s", cpu,
			       rs->inst->name);
	return mk_resize_ask_cpu(rs, MK_CTL_CPU_ADD, cpu);
}

/**
 * mk_resize_return_cpu() - a CPU is the host's again
 * @rs: the change
 * @cpu: logical number; the instance has let go of it, or never had it
 *
 * One that can't be stopped ends the instance, see life.c.
 *
 * Context: may sleep.
 * Return: 0, or -ETIMEDOUT for that.
 */
int mk_resize_return_cpu(struct mk_resize *rs, unsigned int cpu)
{
	struct mk_instance *inst = rs->inst;
	int ret;

	guard(mutex)(&inst->lock);
	if (!cpumask_test_cpu(cpu, inst->cpus))
		return 0;
	if (mk_resize_runs(rs)) {
		ret = mk_life_stop_cpu(inst, cpu);
		if (ret)
			return ret;
		mk_link_forget_bells(&inst->link);
	} else if (mk_state_is_up(inst->state)) {
		/* A later run has begun with it */
		return 0;
	}
	mk_cpus_return_one(inst, cpu);
	mk_arch_refresh_ipis();
	return 0;
}

/**
 * mk_resize_undo_cpus() - give back what was let go of, and take back what was given
 * @rs: the change
 *
 * Context: may sleep.
 */
void mk_resize_undo_cpus(struct mk_resize *rs)
{
	unsigned int cpu;
	int ret;

	for_each_cpu(cpu, &rs->del) {
		ret = mk_resize_offer_cpu(rs, cpu, true);
		if (!ret)
			continue;
		mk_settle_note_cpu(rs, cpu);
		pr_warn("instance %s has let go of CPU %u and does not take it back (%pe)\n",
			rs->inst->name, cpu, ERR_PTR(ret));
	}
	for_each_cpu(cpu, &rs->add) {
		ret = mk_resize_ask_cpu(rs, MK_CTL_CPU_DEL, cpu);
		if (!ret || ret == -ECONNRESET) {
			mk_resize_return_cpu(rs, cpu);
			continue;
		}
		mk_settle_note_cpu(rs, cpu);
		pr_warn("CPU %u stays with instance %s, which does not let go of it (%pe)\n",
			cpu, rs->inst->name, ERR_PTR(ret));
	}
}

static int mk_resize_give_cpus(struct mk_resize *rs, struct cpumask *add)
{
	struct mk_instance *inst = rs->inst;
	unsigned int cpu, rest;
	int ret = 0;

	for_each_cpu(cpu, add) {
		ret = mk_resize_offer_cpu(rs, cpu, false);
		if (ret)
			break;
		cpumask_set_cpu(cpu, &rs->add);
	}
	if (!ret)
		return 0;
	if (ret == -ECONNRESET)
		mk_resize_gone(rs);
	else if (!mk_error_is_set())
		mk_fail(ret, "instance %s did not bring CPU %u up (error %d)", inst->name,
			cpu, ret);
	/* This one, and those whose turn did not come */
	for_each_cpu(rest, add) {
		if (cpumask_test_cpu(rest, &rs->add))
			continue;
		if (rest == cpu && mk_resize_unknown(ret))
			cpumask_set_cpu(rest, &rs->add);
		else
			mk_resize_return_cpu(rs, rest);
	}
	return ret;
}

/**
 * mk_resize_take_cpus() - an instance shall let go of CPUs
 * @rs: the change; its @del becomes those that it has let go of
 * @del: logical numbers in the host
 *
 * Context: may sleep.
 * Return: 0; -EBUSY if it does not let go of one; -ECONNRESET; see mk_resize_unknown().
 */
int mk_resize_take_cpus(struct mk_resize *rs, const struct cpumask *del)
{
	unsigned int cpu;
	int ret;

	for_each_cpu(cpu, del) {
		ret = mk_resize_ask_cpu(rs, MK_CTL_CPU_DEL, cpu);
		if (ret == -ECONNRESET)
			return mk_resize_gone(rs);
		/* It may still do it: then it is to bring it up again */
		if (!ret || mk_resize_unknown(ret))
			cpumask_set_cpu(cpu, &rs->del);
		if (ret)
			return mk_fail(mk_resize_unknown(ret) ? ret : -EBUSY,
				       "instance %s does not let go of CPU %u (error %d)",
				       rs->inst->name, cpu, ret);
	}
	return 0;
}

/* The plan, and all that can fail before the instance is asked */
static int mk_resize_plan_cpus(struct mk_resize *rs, struct cpumask *add,
			       struct cpumask *del)
{
	struct mk_instance *inst = rs->inst;

	guard(mutex)(&inst->lock);
	if (!mk_resize_runs(rs))
		return mk_resize_gone(rs);
	if (cpumask_empty(&rs->want))
		return mk_fail(-EINVAL, "instance %s runs, and keeps at least one CPU",
			       inst->name);
	cpumask_andnot(add, &rs->want, inst->cpus);
	cpumask_andnot(del, inst->cpus, &rs->want);
	return mk_resize_check_slots(inst, add) ?: mk_cpus_add(inst, add);
}

static int mk_resize_do_cpus(struct mk_resize *rs)
{
	cpumask_var_t add, del;
	unsigned int cpu;
	int ret;

	if (!zalloc_cpumask_var(&add, GFP_KERNEL))
		return -ENOMEM;
	if (!zalloc_cpumask_var(&del, GFP_KERNEL)) {
		free_cpumask_var(add);
		return -ENOMEM;
	}
	ret = mk_resize_plan_cpus(rs, add, del) ?: mk_resize_give_cpus(rs, add) ?:
	      mk_resize_take_cpus(rs, del);
	if (ret)
		mk_resize_undo_cpus(rs);
	else
		for_each_cpu(cpu, del)
			ret = mk_resize_return_cpu(rs, cpu) ?: ret;
	free_cpumask_var(del);
	free_cpumask_var(add);
	return ret;
}

/**
 * mk_resize_ask_mem() - ask the instance to take or to give memory
 * @rs: the change
 * @op: MK_CTL_MEM_*
 * @pa: physical address
 * @size: in bytes, a multiple of its memory blocks as @pa is
 *
 * Context: may sleep for MK_RESIZE_TIMEOUT_MS.
 * Return: as mk_resize_ask_cpu().
 */
int mk_resize_ask_mem(struct mk_resize *rs, u32 op, phys_addr_t pa, u64 size)
{
	struct mk_ctl_mem req = { .op = op, .start_pa = pa, .size = size };

	KUNIT_STATIC_STUB_REDIRECT(mk_resize_ask_mem, rs, op, pa, size);
	req.node = pfn_to_nid(PHYS_PFN(pa));
	return mk_resize_ask(rs, &req, sizeof(req));
}

/**
 * mk_resize_return_mem() - memory is the host's again
 * @rs: the change
 * @pa: physical address; the instance has let go of it, or never had it
 * @size: in bytes
 *
 * Unless somebody took it with the instance meanwhile.
 *
 * Context: may sleep.
 */
void mk_resize_return_mem(struct mk_resize *rs, phys_addr_t pa, u64 size)
{
	struct mk_instance *inst = rs->inst;

	guard(mutex)(&inst->lock);
	if (!mk_resize_runs(rs) && mk_state_is_up(inst->state))
		return;
	if (mk_memory_contains(&inst->mem, pa, size))
		mk_memory_del(inst, pa, size);
}

/* A block back from the instance, also if it ends meanwhile */
static int mk_resize_take_block(struct mk_resize *rs, phys_addr_t pa, u64 block)
{
	int ret = mk_resize_ask_mem(rs, MK_CTL_MEM_DEL, pa, block);

	if (!ret || ret == -ECONNRESET)
		mk_resize_return_mem(rs, pa, block);
	if (mk_resize_unknown(ret))
		mk_settle_note_mem(rs, pa, block);
	return ret;
}

static int mk_resize_give_block(struct mk_resize *rs, u64 block, phys_addr_t *pa)
{
	struct mk_instance *inst = rs->inst;
	int ret;

	scoped_guard(mutex, &inst->lock) {
		if (!mk_resize_runs(rs))
			return mk_resize_gone(rs);
		ret = mk_resize_fails() ? -ENOMEM : mk_memory_add(inst, block, pa);
	}
	if (ret && mk_error_is_set())
		return ret;
	if (ret)
		return mk_fail(ret, "another %llu MiB in one piece can't be had",
			       block / SZ_1M);
	ret = mk_resize_ask_mem(rs, MK_CTL_MEM_ADD, *pa, block);
	if (!ret)
		return 0;
	if (mk_resize_unknown(ret))
		mk_settle_note_mem(rs, *pa, block);
	else
		mk_resize_return_mem(rs, *pa, block);
	if (ret == -ECONNRESET)
		return mk_resize_gone(rs);
	return mk_fail(ret, "instance %s did not take %llu MiB (error %d)", inst->name,
		       block / SZ_1M, ret);
}

static int mk_resize_grow(struct mk_resize *rs, u64 block, u64 more)
{
	phys_addr_t *pa __free(kvfree) = NULL;
	unsigned int nr = more / block, done;
	int ret = 0;

	pa = kvcalloc(nr, sizeof(*pa), GFP_KERNEL);
	if (!pa)
		return -ENOMEM;
	for (done = 0; done < nr && !ret; done++)
		ret = mk_resize_give_block(rs, block, &pa[done]);
	if (!ret)
		return 0;
	/* All but the last one are the instance's, and stay so if it does not answer */
	for (done--; done--;) {
		int left = mk_resize_take_block(rs, pa[done], block);

		if (left && left != -ECONNRESET)
			pr_warn("instance %s keeps the memory at %pap, which it has just been given (%pe)\n",
				rs->inst->name, &pa[done], ERR_PTR(left));
		if (mk_resize_unknown(left))
			break;
	}
	return ret;
}

/**
 * mk_resize_next_block() - see mk_memory_block_below()
 * @rs: the change
 * @block: size of a block
 * @below: end of the last one
 *
 * Return: its physical address; 0 if there is none, or the instance has ended.
 */
phys_addr_t mk_resize_next_block(struct mk_resize *rs, u64 block, phys_addr_t below)
{
	guard(mutex)(&rs->inst->lock);
	return mk_resize_runs(rs) ? mk_memory_block_below(rs->inst, block, below) : 0;
}

/* Unless it has been started again meanwhile */
static void mk_resize_want(struct mk_resize *rs)
{
	struct mk_instance *inst = rs->inst;

	guard(mutex)(&inst->lock);
	if (mk_resize_runs(rs) || !mk_state_is_up(inst->state))
		inst->mem_wanted = rs->size;
}

static int mk_resize_shrink(struct mk_resize *rs, u64 block, u64 less)
{
	phys_addr_t pa = PHYS_ADDR_MAX;
	u64 done = 0;
	int ret = 0, why = -EBUSY;

	while (done < less) {
		pa = mk_resize_next_block(rs, block, pa);
		if (!pa)
			break;
		ret = mk_resize_take_block(rs, pa, block);
		/* What it uses now it need not have for ever */
		if (!ret || ret == -ECONNRESET)
			mk_resize_want(rs);
		if (ret == -ECONNRESET)
			return mk_resize_gone(rs);
		if (!ret)
			done += block;
		else
			why = ret;
		/* It is at work on this one; another may take as long */
		if (mk_resize_unknown(ret))
			break;
	}
	if (done == less)
		return 0;
	return mk_fail(why, "instance %s has let go of %llu of %llu MiB and uses the rest",
		       rs->inst->name, done / SZ_1M, less / SZ_1M);
}

static int mk_resize_do_memory(struct mk_resize *rs)
{
	struct mk_instance *inst = rs->inst;
	u64 have, block, diff;
	int ret;

	scoped_guard(mutex, &inst->lock) {
		if (!mk_resize_runs(rs))
			return mk_resize_gone(rs);
		have = (u64)inst->mem.pages * PAGE_SIZE;
		block = inst->mem_block;
	}
	diff = rs->size > have ? rs->size - have : have - rs->size;
	if (!diff) {
		mk_resize_want(rs);
		return 0;
	}
	if (!block)
		return mk_fail(-EOPNOTSUPP,
			       "the kernel of instance %s can't change its memory while it runs",
			       inst->name);
	if (diff % block)
		return mk_fail(-EINVAL,
			       "while instance %s runs its memory changes by multiples of %lluM, not from %lluM to %lluM",
			       inst->name, block / SZ_1M, have / SZ_1M, rs->size / SZ_1M);
	if (rs->size < have)
		return mk_resize_shrink(rs, block, diff);
	if (diff / PAGE_SIZE > totalram_pages())
		return mk_fail(-ENOMEM, "this machine does not have another %llu MiB",
			       diff / SZ_1M);
	ret = mk_resize_grow(rs, block, diff);
	if (!ret)
		mk_resize_want(rs);
	return ret;
}

static void mk_resize_free(struct kref *ref)
{
	struct mk_resize *rs = container_of(ref, struct mk_resize, ref);

	if (rs->to)
		kref_put(&rs->to->ref, mk_resize_free);
	mk_instance_put(rs->inst);
	kfree(rs);
}

/**
 * mk_resize_do() - carry out a change of one instance
 * @rs: the change
 *
 * Context: process; may sleep for as long as the instance takes.
 * Return: as mk_resize_cpus() and mk_resize_memory().
 */
int mk_resize_do(struct mk_resize *rs)
{
	int ret;

	guard(mutex)(&rs->inst->resize_lock);
	ret = mk_settle(rs);
	if (ret)
		return ret;
	return rs->cpus ? mk_resize_do_cpus(rs) : mk_resize_do_memory(rs);
}

static void mk_resize_work(struct work_struct *work)
{
	struct mk_resize *rs = container_of(work, struct mk_resize, work);

	if (rs->succeed)
		rs->ret = mk_succeed(rs, rs->to);
	else
		rs->ret = rs->to ? mk_move(rs, rs->to) : mk_resize_do(rs);
	complete(&rs->done);
	kref_put(&rs->ref, mk_resize_free);
}

static struct mk_resize *mk_resize_new(struct mk_instance *inst)
{
	struct mk_resize *rs = kzalloc_obj(*rs);

	if (!rs)
		return NULL;
	kref_init(&rs->ref);
	INIT_WORK(&rs->work, mk_resize_work);
	init_completion(&rs->done);
	mk_instance_get(inst);
	rs->inst = inst;
	rs->epoch = READ_ONCE(inst->epoch);
	return rs;
}

static int mk_resize_run(struct mk_resize *rs)
{
	int ret;

	kref_get(&rs->ref);
	queue_work(system_dfl_long_wq, &rs->work);
	if (wait_for_completion_interruptible(&rs->done))
		ret = mk_fail(-EINTR, "a signal came; the change of %s goes on without it",
			      rs->inst->name);
	else
		ret = rs->ret;
	kref_put(&rs->ref, mk_resize_free);
	return ret;
}

/**
 * mk_resize_cpus() - give a running instance exactly these CPUs
 * @inst: the instance, not locked
 * @want: logical numbers
 *
 * Context: process; may sleep for as long as the instance takes.
 * Return: 0; -EOPNOTSUPP if its kernel can't; -EINVAL for no CPU at all, or one that is
 * absent; -EBUSY if a CPU is the boot CPU, offline or not the host's, or the instance
 * refuses; -ENOSPC if it has no place for one; -ETIMEDOUT if it did not answer, or a CPU
 * that it let go of can't be stopped, which ends it;
 * -ECONNRESET if it has ended; -EINTR if the change goes on without the caller; -ENOMEM; or
 * what CPU hotplug says, of either kernel.  Unless 0 or -EINTR all is as it was, but
 * for what an instance does not answer for, which stays its own.
 */
int mk_resize_cpus(struct mk_instance *inst, const struct cpumask *want)
{
	struct mk_resize *rs;

	if (!(inst->link.features & MK_BOOT_F_RESIZE))
		return mk_fail(-EOPNOTSUPP,
			       "the kernel of instance %s can't change its CPUs while it runs",
			       inst->name);
	rs = mk_resize_new(inst);
	if (!rs)
		return -ENOMEM;
	rs->cpus = true;
	cpumask_copy(&rs->want, want);
	return mk_resize_run(rs);
}

/**
 * mk_resize_memory() - give a running instance exactly this much memory
 * @inst: the instance, not locked
 * @size: in bytes
 *
 * Context: process; may sleep for as long as the instance takes.
 * Return: 0; -EOPNOTSUPP if its kernel can't; -EINVAL if the difference is not a multiple
 * of its memory blocks; -ENOMEM if there is not so much; -EBUSY or what else the instance
 * says, and -ETIMEDOUT if it did not answer; -ECONNRESET if it has ended; -EINTR if the
 * change goes on without the caller.  Memory that was to be taken back may be so in part,
 * which info/last_error tells.
 */
int mk_resize_memory(struct mk_instance *inst, u64 size)
{
	struct mk_resize *rs = mk_resize_new(inst);

	if (!rs)
		return -ENOMEM;
	rs->size = size;
	return mk_resize_run(rs);
}

/* Of two that run; NULL without memory */
static struct mk_resize *mk_resize_new_move(struct mk_instance *from, struct mk_instance *to)
{
	struct mk_resize *rs = mk_resize_new(from);

	if (!rs)
		return NULL;
	rs->to = mk_resize_new(to);
	if (rs->to)
		return rs;
	kref_put(&rs->ref, mk_resize_free);
	return NULL;
}

static int mk_resize_check_move(struct mk_instance *from, struct mk_instance *to)
{
	struct mk_instance *idle = NULL;

	if (from == to)
		return mk_fail(-EINVAL, "%s has it already", to->name);
	if (READ_ONCE(to->state) != MK_RUNNING)
		idle = to;
	if (READ_ONCE(from->state) != MK_RUNNING)
		idle = from;
	if (!idle)
		return 0;
	return mk_fail(-EBUSY, "instance %s is %s, and only what runs can give or take",
		       idle->name, mk_state_name(idle->state));
}

/**
 * mk_resize_move_cpus() - CPUs go from one running instance to another
 * @from: the one, not locked
 * @to: the other one, not locked
 * @cpus: logical numbers
 *
 * Context: process; may sleep for as long as the instances take.
 * Return: as mk_move(); -EBUSY also if one of the two does not run.
 */
int mk_resize_move_cpus(struct mk_instance *from, struct mk_instance *to,
			const struct cpumask *cpus)
{
	struct mk_resize *rs;
	int ret;

	ret = mk_resize_check_move(from, to);
	if (ret)
		return ret;
	if (!(from->link.features & to->link.features & MK_BOOT_F_RESIZE))
		return mk_fail(-EOPNOTSUPP,
			       "the kernel of %s or %s can't change its CPUs while it runs",
			       from->name, to->name);
	rs = mk_resize_new_move(from, to);
	if (!rs)
		return -ENOMEM;
	rs->cpus = true;
	cpumask_copy(&rs->want, cpus);
	return mk_resize_run(rs);
}

/**
 * mk_resize_move_memory() - memory goes from one running instance to another
 * @from: the one, not locked
 * @to: the other one, not locked
 * @size: how much, in bytes
 *
 * Context: process; may sleep for as long as the instances take.
 * Return: as mk_move(); -EBUSY also if one of the two does not run.
 */
int mk_resize_move_memory(struct mk_instance *from, struct mk_instance *to, u64 size)
{
	struct mk_resize *rs;
	int ret;

	ret = mk_resize_check_move(from, to);
	if (ret)
		return ret;
	rs = mk_resize_new_move(from, to);
	if (!rs)
		return -ENOMEM;
	rs->size = size;
	return mk_resize_run(rs);
}

/**
 * mk_resize_succeed() - a running instance takes the place of another
 * @from: whose place, not locked
 * @to: the successor, not locked
 *
 * Context: process; may sleep for as long as the instances take.
 * Return: as mk_succeed(); -EBUSY also if one of the two does not run; -EINTR if it goes on
 * without the caller.
 */
int mk_resize_succeed(struct mk_instance *from, struct mk_instance *to)
{
	struct mk_resize *rs;
	int ret;

	ret = mk_resize_check_move(from, to);
	if (ret)
		return ret;
	if (!(from->link.features & to->link.features & MK_BOOT_F_SUCCEED))
		return mk_fail(-EOPNOTSUPP,
			       "the kernel of %s or %s can't be succeeded, or succeed: see CONFIG_MULTIKERNEL_SUCCESSOR",
			       from->name, to->name);
	rs = mk_resize_new_move(from, to);
	if (!rs)
		return -ENOMEM;
	rs->succeed = true;
	return mk_resize_run(rs);
}
