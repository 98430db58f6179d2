// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: life.c - start, stop and end of an instance
 *
 * A start:
 *
 * 1. lay out the shared area and fill the boot block;
 * 2. copy the pristine image into the instance's memory;
 * 3. the architecture builds page tables and boot parameters;
 * 4. open the link;
 * 5. start the CPUs: all are first parked by our own code, and only when every
 *    one has reported there does the first enter the instance's kernel.
 *
 * The instance is booting until its MK_MSG_HELLO arrives.  Until it can ring, the
 * host polls.  One that speaks no version of ours is refused then; see abi.c.
 *
 * An end comes from within (last words and a doorbell), from an orderly stop,
 * whose deadline turns it into a kill, or from a kill.  All ways lead to
 * mk_life_end(), which takes the CPUs away by means that need nothing of the
 * instance.  A CPU that can't be proven stopped goes into quarantine, and with it
 * all the memory that it might still write.
 *
 * Locking
 * -------
 *
 * All under the instance's lock; the work items take it.  Nothing here waits for
 * the instance but mk_arch_start(), which waits for our own code, with a bound.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <kunit/static_stub.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "internal.h"
#include "service.h"

/* How often the host looks at an instance that can't ring yet */
#define MK_POLL_MS		10

/*
 * How long the userspace of an instance may take to shut down before it is
 * killed: what service managers grant a service, a third of it.
 */
#define MK_STOP_DEADLINE_MS	30000

/* A test may be less patient, see debug.c */
u32 mk_stop_deadline_ms = MK_STOP_DEADLINE_MS;

/*
 * A nop is answered by the peer's softirq.  What is late is not lost: an emulator on a busy
 * machine keeps a CPU waiting for 3 s.
 */
#define MK_NOP_TIMEOUT_MS	10000
#define MK_NOP_MAX_LOST		3

/* Memory blocks of an instance: 2 GiB is the largest that x86 has; more is nonsense */
#define MK_MEM_SHIFT_MAX	31

static const char * const mk_end_names[MK_NR_ENDS] = {
	[MK_END_PANIC]		= "panic: ",
	[MK_END_REBOOT]		= "reboot",
	[MK_END_POWEROFF]	= "poweroff",
	[MK_END_HALT]		= "halt",
	[MK_END_KEXEC]		= "kexec",
};

static void mk_life_quarantine(struct mk_instance *inst, unsigned int cpu)
{
	pr_err("CPU %u of %s can't be proven stopped: in quarantine with the memory\n",
	       cpu, inst->name);
	mk_ledger_claim_cpu(cpu, inst->id, MK_OWNER_QUARANTINE);
	cpumask_clear_cpu(cpu, inst->cpus);
	mk_memory_quarantine(inst);
	if (inst->shared.va)
		WARN_ON(mk_ledger_claim_mem(inst->shared.pa, inst->shared.size,
					    MK_OWNER_HOST, MK_OWNER_QUARANTINE));
	inst->shared.va = NULL;
}

/**
 * mk_life_list_cpus() - in which order does the boot block have the CPUs?
 * @inst: the instance, locked, nothing of which watches its CPUs
 * @first: the one that enters the kernel
 *
 * The instance's own are before those that it may be given.
 *
 * Return: 0, or -E2BIG for too many.
 */
int mk_life_list_cpus(struct mk_instance *inst, unsigned int first)
{
	unsigned int cpu;

	inst->nr_slots = 0;
	inst->mem_block = 0;
	if (cpumask_weight(inst->cpus) > MK_CPUS_MAX)
		return mk_fail(-E2BIG, "an instance has at most %u CPUs", MK_CPUS_MAX);
	inst->slot_cpu[inst->nr_slots++] = first;
	for_each_cpu(cpu, inst->cpus)
		if (cpu != first)
			inst->slot_cpu[inst->nr_slots++] = cpu;
	if (inst->firmware != MK_FIRMWARE_BLOCK)
		return 0;
	/* Not the boot CPU, which never leaves the host */
	for_each_present_cpu(cpu)
		if (cpu && !cpumask_test_cpu(cpu, inst->cpus) &&
		    inst->nr_slots < MK_CPUS_MAX)
			inst->slot_cpu[inst->nr_slots++] = cpu;
	return 0;
}

/* True if all of them are proven to be stopped */
static bool mk_life_stop_cpus(struct mk_instance *inst)
{
	bool lost = false;
	unsigned int cpu;

	for_each_cpu(cpu, inst->cpus) {
		if (!mk_debug_stop_fails(cpu) && !mk_arch_stop_cpu(cpu))
			continue;
		mk_life_quarantine(inst, cpu);
		lost = true;
	}
	/* Page tables that a lost CPU may use are lost with it */
	if (!lost)
		mk_arch_release(inst);
	return !lost;
}

/**
 * mk_life_end() - nothing of an instance runs any more
 * @inst: the instance, locked and up
 * @state: MK_LOADED or MK_CRASHED
 * @reason: what its file "reason" shall say; not that of @inst
 *
 * Context: may sleep.
 */
void mk_life_end(struct mk_instance *inst, enum mk_state state, const char *reason)
{
	bool hung = inst->state == MK_HUNG, proven;

	KUNIT_STATIC_STUB_REDIRECT(mk_life_end, inst, state, reason);
	strscpy(inst->reason, reason);
	mk_watch_end(inst);
	proven = mk_life_stop_cpus(inst);
	cancel_delayed_work_sync(&inst->poll_work);
	/* What may still be written to is nobody's to inherit */
	if (proven && inst->bequest)
		mk_broker_bequeath(inst, inst->bequest);
	mk_link_doom(&inst->link);
	mk_broker_end(inst, proven);
	mk_link_close(&inst->link);
	cancel_delayed_work(&inst->stop_work);
	if (state == MK_CRASHED)
		inst->events.crashes++;
	else
		inst->events.stops++;
	mk_instance_set_state(inst, state);
	/* Its image was not handed over by the host that has started it: see resume.c */
	if (state == MK_LOADED && !inst->image)
		mk_instance_set_state(inst, MK_OFFLINE);
	/* One that hangs is going to be started again already, if it is to be */
	if (state != MK_CRASHED)
		mk_recover_cancel(inst);
	else if (!hung)
		mk_recover_later(inst);
	mk_peer_down(inst->id, inst->id);
	mk_console_wake(inst->console);
	pr_info("instance %s has ended: %s\n", inst->name, inst->reason);
}

/**
 * mk_life_cut() - nobody else knows of the shared area of an instance any more
 * @inst: the instance, locked and up; it uses no channel of the host
 *
 * Context: may sleep.
 */
void mk_life_cut(struct mk_instance *inst)
{
	cancel_delayed_work_sync(&inst->poll_work);
	mk_link_doom(&inst->link);
	mk_broker_leave(inst);
	mk_link_close(&inst->link);
	mk_vmcore_revoke(inst);
	mk_peer_down(inst->id, inst->id);
}

/* MK_END_NONE as well for a reason that can't be */
static u32 mk_life_last_reason(struct mk_instance *inst)
{
	/* Pairs with the release of the reason in mk_guest_last_words() */
	u32 reason = smp_load_acquire(&inst->link.words->last.reason);

	return reason < MK_NR_ENDS ? reason : MK_END_NONE;
}

/**
 * mk_life_stop_cpu() - take a CPU away from an instance that runs and has let go of it
 * @inst: the instance, locked
 * @cpu: logical number
 *
 * If it can't be proven stopped the instance ends, and the CPU is in quarantine with its
 * memory.
 *
 * Return: 0 or -ETIMEDOUT.
 */
int mk_life_stop_cpu(struct mk_instance *inst, unsigned int cpu)
{
	KUNIT_STATIC_STUB_REDIRECT(mk_life_stop_cpu, inst, cpu);
	if (!mk_debug_stop_would_fail(cpu) && !mk_arch_stop_cpu(cpu))
		return 0;
	/* Tries once more, with all of them */
	mk_life_end(inst, MK_CRASHED, "a CPU that it gave back can't be stopped");
	return mk_fail(-ETIMEDOUT, "CPU %u can't be stopped", cpu);
}

/**
 * mk_life_crash() - end an instance that hangs
 * @inst: the instance, locked
 *
 * The reason stays what it is.
 */
void mk_life_crash(struct mk_instance *inst)
{
	char why[sizeof(inst->reason)];

	strscpy(why, inst->reason);
	mk_life_end(inst, MK_CRASHED, why);
}

static void mk_life_end_work(struct work_struct *work)
{
	struct mk_instance *inst = container_of(work, struct mk_instance, end_work);
	char text[sizeof(inst->reason)];
	char last[MK_LAST_WORDS_LEN + 1];
	u32 reason;

	guard(mutex)(&inst->lock);
	if (!mk_state_is_up(inst->state))
		return;
	reason = mk_life_last_reason(inst);
	if (reason == MK_END_NONE)
		return;
	if (reason == MK_END_KEXEC) {
		mk_update(inst);
		return;
	}
	memcpy(last, inst->link.words->last.text, MK_LAST_WORDS_LEN);
	last[MK_LAST_WORDS_LEN] = '\0';
	mk_clean_text(last);
	scnprintf(text, sizeof(text), "%s%s", mk_end_names[reason],
		  reason == MK_END_PANIC ? last : "");
	mk_life_end(inst, reason == MK_END_PANIC ? MK_CRASHED : MK_LOADED, text);
}

static void mk_life_poll_work(struct work_struct *work)
{
	struct mk_instance *inst = container_of(to_delayed_work(work),
						struct mk_instance, poll_work);

	if (!mk_watch_boots(inst))
		return;
	mk_link_kick(&inst->link);
	if (mk_life_last_reason(inst))
		queue_work(system_dfl_wq, &inst->end_work);
	queue_delayed_work(mk_wq, &inst->poll_work, msecs_to_jiffies(MK_POLL_MS));
}

static void mk_life_stop_work(struct work_struct *work)
{
	struct mk_instance *inst = container_of(to_delayed_work(work),
						struct mk_instance, stop_work);

	guard(mutex)(&inst->lock);
	if (inst->state == MK_STOPPING)
		mk_life_end(inst, MK_LOADED, "shutdown timed out, killed");
}

/**
 * mk_life_tell_up() - tell other kernels that an instance runs
 * @inst: the instance, locked
 */
void mk_life_tell_up(struct mk_instance *inst)
{
	struct mk_peer peer = { .id = inst->id, .epoch = inst->epoch };

	KUNIT_STATIC_STUB_REDIRECT(mk_life_tell_up, inst);
	strscpy(peer.name, inst->name);
	if (mk_peer_up(&peer, 0))
		pr_warn("nobody will hear that instance %s runs: no memory\n",
			inst->name);
}

/* It may have messages that mean something else to us: not another word */
static void mk_life_refuse(struct mk_instance *inst)
{
	char why[sizeof(inst->reason)], who[MULTIKERNEL_NAME_MAX + 16];

	scnprintf(who, sizeof(who), "instance %s", inst->name);
	mk_abi_refuse(why, sizeof(why), who, &inst->link.theirs, mk_abi_ours());
	mk_fail(-EPROTONOSUPPORT, "%s", why);
	mk_life_end(inst, MK_CRASHED, why);
}

static void mk_life_comes(struct mk_instance *inst)
{
	if (inst->state == MK_HUNG) {
		strscpy(inst->reason, "none");
		mk_recover_cancel(inst);
		pr_info("instance %s comes late\n", inst->name);
	}
	mk_instance_set_state(inst, MK_RUNNING);
}

/* Runs while the lock may be held by someone who waits for the receiver */
static void mk_life_hello_work(struct work_struct *work)
{
	struct mk_instance *inst = container_of(work, struct mk_instance, hello_work);

	guard(mutex)(&inst->lock);
	/* Not by a hello of an earlier run that has come here late */
	if (!mk_watch_boots(inst) || inst->greeted != inst->epoch)
		return;
	if (!inst->link.version) {
		mk_life_refuse(inst);
		return;
	}
	mk_broker_begin(inst);
	mk_life_comes(inst);
	inst->ran_at = jiffies;
	mk_watch_begin(inst);
	mk_life_tell_up(inst);
	mk_life_winsize(inst);
}

static void mk_life_hello(struct mk_link *link, const struct mk_msg_hello *hello)
{
	struct mk_instance *inst = link->owner;
	struct mk_abi theirs;

	if (inst->greeted == inst->epoch || !hello->nr_cpus ||
	    hello->nr_cpus > cpumask_weight(inst->cpus)) {
		mk_count(&link->boot[MK_CLASS_CONTROL], bad, 1);
		return;
	}
	inst->greeted = inst->epoch;
	if (hello->mem_shift >= PAGE_SHIFT && hello->mem_shift <= MK_MEM_SHIFT_MAX)
		inst->mem_block = BIT_ULL(hello->mem_shift);
	theirs = mk_abi_of(hello->version, hello->version_min, hello->features);
	if (mk_link_agree(link, &theirs)) {
		pr_info("instance %s runs Linux %s on %u CPUs\n", inst->name,
			hello->release, hello->nr_cpus);
		mk_link_hello(link);
	}
	queue_work(system_dfl_wq, &inst->hello_work);
}

static bool mk_life_drain(struct mk_link *link, struct mk_ring_rx *rx)
{
	struct mk_instance *inst = link->owner;

	if (mk_console_drain(inst->console, rx) && mk_instance_notify)
		mk_instance_notify(inst, false);
	return true;
}

static void mk_life_bell(struct mk_link *link)
{
	struct mk_instance *inst = link->owner;

	if (mk_life_last_reason(inst))
		queue_work(system_dfl_wq, &inst->end_work);
}

/* An instance may be rung on its own CPUs only, whatever it writes */
static bool mk_life_bell_ok(struct mk_link *link, u32 phys_id)
{
	struct mk_instance *inst = link->owner;
	unsigned int cpu;

	for_each_cpu(cpu, inst->cpus)
		if (mk_arch_phys_id(cpu) == phys_id)
			return true;
	return false;
}

static void mk_life_flood_work(struct work_struct *work)
{
	struct mk_instance *inst = container_of(work, struct mk_instance, flood_work);
	char text[sizeof(inst->reason)];

	guard(mutex)(&inst->lock);
	/* Not by a flood of an earlier run */
	if (!mk_state_is_up(inst->state) || !inst->link.flooded)
		return;
	scnprintf(text, sizeof(text), "flooded the host with %s", READ_ONCE(inst->flood));
	mk_life_end(inst, MK_CRASHED, text);
}

/* The CPU that is flooded may not come to do anything else */
static void mk_life_flood(struct mk_link *link, const char *what)
{
	struct mk_instance *inst = link->owner;
	unsigned int cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());

	WRITE_ONCE(inst->flood, what);
	if (cpu < nr_cpu_ids)
		queue_work_on(cpu, system_percpu_wq, &inst->flood_work);
	else
		queue_work(system_dfl_wq, &inst->flood_work);
}

static void mk_life_put(struct mk_link *link)
{
	mk_instance_put(link->owner);
}

static const struct mk_job_ops mk_life_job_ops = {
	.call		= mk_broker_call,
	.lost		= mk_broker_lost,
	.put		= mk_life_put,
};

static bool mk_life_call(struct mk_link *link, const struct mk_msg *msg)
{
	mk_instance_get(link->owner);
	if (mk_job_queue(link, msg, &mk_life_job_ops))
		return true;
	/* Not the last one: an open link has its instance */
	mk_instance_put(link->owner);
	return false;
}

static const struct mk_link_ops mk_life_ops = {
	.hello		= mk_life_hello,
	.call		= mk_life_call,
	.drain		= mk_life_drain,
	.bell		= mk_life_bell,
	.flood		= mk_life_flood,
	.bell_ok	= mk_life_bell_ok,
};

static int mk_life_shared(struct mk_instance *inst, size_t size)
{
	struct mk_shared *shared = &inst->shared;

	if (shared->va && shared->size != size) {
		free_pages_exact(shared->va, shared->size);
		shared->va = NULL;
	}
	if (!shared->va)
		shared->va = alloc_pages_exact(size, GFP_KERNEL);
	if (!shared->va)
		return -ENOMEM;
	shared->pa = virt_to_phys(shared->va);
	shared->size = size;
	memset(shared->va, 0, size);
	return 0;
}

static int mk_life_check_start(struct mk_instance *inst)
{
	if (inst->dead || mk_state_is_up(inst->state))
		return mk_fail(-EBUSY, "instance %s is %s", inst->name,
			       mk_state_name(inst->state));
	if (!inst->image)
		return mk_fail(-EINVAL, "nothing is loaded into instance %s",
			       inst->name);
	if (cpumask_empty(inst->cpus))
		return mk_fail(-EINVAL, "instance %s has no CPU", inst->name);
	return 0;
}

static int mk_life_prepare(struct mk_instance *inst)
{
	unsigned int nr_cpus = cpumask_weight(inst->cpus);
	struct mk_boot_block block;
	size_t size;
	int ret;

	ret = mk_life_list_cpus(inst, cpumask_first(inst->cpus)) ?:
	      mk_boot_block_layout(&block, nr_cpus, inst->nr_slots - nr_cpus,
				   inst->mem.nr, &size) ?:
	      mk_life_shared(inst, size);
	if (ret)
		return ret;
	mk_vmcore_revoke(inst);
	inst->epoch++;
	mk_boot_block_fill(inst, &block);
	ret = mk_image_install(inst) ?: mk_arch_prepare(inst, &block);
	if (ret)
		return ret;
	memcpy(inst->shared.va, &block, sizeof(block));
	inst->block = block;
	ret = mk_link_attach(&inst->link, inst->shared.va, size, &block, true);
	if (ret)
		mk_arch_release(inst);
	return ret;
}

static int mk_life_start_held(struct mk_instance *inst)
{
	int ret;

	ret = mk_life_check_start(inst) ?: mk_life_prepare(inst);
	if (ret)
		return ret;

	mk_console_restart(inst->console);
	mk_link_open(&inst->link);
	ret = mk_arch_start(inst);
	if (ret) {
		mk_link_close(&inst->link);
		mk_life_stop_cpus(inst);
		return mk_fail(ret, "a CPU of instance %s did not start", inst->name);
	}
	mk_recover_cancel(inst);
	strscpy(inst->reason, "none");
	inst->events.starts++;
	mk_instance_set_state(inst, MK_BOOTING);
	mk_watch_boot(inst);
	queue_delayed_work(mk_wq, &inst->poll_work, 0);
	return 0;
}

/**
 * mk_life_start() - start an instance
 * @inst: the instance, locked
 *
 * Return: 0 when its CPUs have been started; -EBUSY if it is up, or the host goes
 * down or to sleep; -EINVAL if it lacks an image or a CPU; -ENOMEM; -E2BIG;
 * -ETIMEDOUT or -EAGAIN if a CPU did not start.
 */
int mk_life_start(struct mk_instance *inst)
{
	int ret = mk_power_hold();

	if (ret)
		return ret;
	ret = mk_life_start_held(inst);
	mk_power_release();
	return ret;
}

/**
 * mk_life_winsize() - tell an instance of the terminal that reads its console
 * @inst: the instance, locked
 *
 * One that does not run will hear of it when it does, and one that does not know of
 * sizes never.
 *
 * Return: 0; -EAGAIN if it takes no messages.
 */
int mk_life_winsize(struct mk_instance *inst)
{
	if (!inst->winsize.rows || !(inst->link.features & MK_BOOT_F_WINSIZE) ||
	    (inst->state != MK_RUNNING && inst->state != MK_HUNG) || mk_watch_boots(inst))
		return 0;
	return mk_send(&inst->link.boot[MK_CLASS_CONTROL], MK_MSG_WINSIZE, &inst->winsize,
		       sizeof(inst->winsize));
}

/**
 * mk_life_stop() - ask the instance to shut down in order
 * @inst: the instance, locked
 *
 * Return: 0 when it has been asked; -EBUSY if it does not run; -EAGAIN if it takes
 * no messages.
 */
int mk_life_stop(struct mk_instance *inst)
{
	int ret;

	if (inst->state != MK_RUNNING && inst->state != MK_HUNG)
		return mk_fail(-EBUSY, "instance %s is %s, not running", inst->name,
			       mk_state_name(inst->state));
	ret = mk_send(&inst->link.boot[MK_CLASS_CONTROL], MK_MSG_SHUTDOWN, NULL, 0);
	if (ret)
		return mk_fail(ret, "instance %s takes no messages; kill it",
			       inst->name);
	mk_recover_cancel(inst);
	mk_instance_set_state(inst, MK_STOPPING);
	queue_delayed_work(system_dfl_wq, &inst->stop_work,
			   msecs_to_jiffies(READ_ONCE(mk_stop_deadline_ms)));
	return 0;
}

/**
 * mk_life_resume() - go on with an instance that a host before this one has started
 * @inst: the instance, locked and offline, with all that it has
 *
 * Return: 0, or what mk_link_attach() says.
 */
int mk_life_resume(struct mk_instance *inst)
{
	struct mk_words *words = inst->shared.va + inst->block.words_off;
	int ret;

	inst->epoch++;
	mk_boot_block_resume(inst);
	ret = mk_link_attach(&inst->link, inst->shared.va, inst->shared.size, &inst->block,
			     true);
	if (ret)
		return ret;
	mk_link_open(&inst->link);
	mk_instance_set_state(inst, MK_UPDATING);
	mk_watch_boot(inst);
	queue_delayed_work(mk_wq, &inst->poll_work, 0);
	/* Pairs with mk_away_poll() in the instance */
	smp_store_release(&words->away.epoch, inst->epoch);
	return 0;
}

/**
 * mk_life_abandon() - an instance that a host before this one has started can't go on
 * @inst: the instance, locked
 *
 * Context: may sleep.
 */
void mk_life_abandon(struct mk_instance *inst)
{
	if (mk_state_is_up(inst->state))
		mk_life_end(inst, MK_LOADED, "its host did not take it over");
	else
		mk_life_stop_cpus(inst);
}

/**
 * mk_life_kill() - end the instance, whatever it does
 * @inst: the instance, locked
 * @reason: what its file "reason" shall say
 *
 * Return: 0, or -EBUSY if it is not up.
 */
int mk_life_kill(struct mk_instance *inst, const char *reason)
{
	if (!mk_state_is_up(inst->state))
		return mk_fail(-EBUSY, "instance %s is %s: nothing to kill",
			       inst->name, mk_state_name(inst->state));
	if (inst->kept)
		return mk_fail(-EBUSY, "instance %s goes on without this kernel", inst->name);
	mk_life_end(inst, MK_LOADED, reason);
	return 0;
}

static int mk_life_cmp_u64(const void *a, const void *b)
{
	return cmp_int(*(const u64 *)a, *(const u64 *)b);
}

/**
 * mk_life_nop() - a series of message round trips
 * @inst: the instance, not locked: it must be possible to kill it meanwhile
 * @rounds: how many
 *
 * The result is left in mk_instance.nop.
 *
 * Return: 0; -EINVAL for no or too many rounds; -EBUSY if the instance does not
 * run; -ENOMEM; or what mk_nop() says.
 */
int mk_life_nop(struct mk_instance *inst, unsigned int rounds)
{
	u64 *ns __free(kvfree) = NULL;
	struct mk_nop_result res = {};
	unsigned int got = 0;
	int ret = 0;

	if (!rounds || rounds > 1000000)
		return mk_fail(-EINVAL, "1 to 1000000 rounds, not %u", rounds);
	if (READ_ONCE(inst->state) != MK_RUNNING)
		return mk_fail(-EBUSY, "instance %s is %s, not running", inst->name,
			       mk_state_name(inst->state));
	ns = kvmalloc_array(rounds, sizeof(*ns), GFP_KERNEL);
	if (!ns)
		return -ENOMEM;

	while (res.rounds < rounds && res.lost < MK_NOP_MAX_LOST) {
		ret = mk_nop(&inst->link.boot[MK_CLASS_CONTROL], 0,
			     MK_NOP_TIMEOUT_MS, &ns[got]);
		if (ret == -ENOTCONN || ret == -ECONNRESET)
			return mk_fail(-ECONNRESET, "instance %s went away",
				       inst->name);
		if (ret && ret != -ETIMEDOUT)
			return ret;
		res.rounds++;
		if (ret)
			res.lost++;
		else
			got++;
	}
	sort(ns, got, sizeof(*ns), mk_life_cmp_u64, NULL);
	if (got) {
		res.min_ns = ns[0];
		res.median_ns = ns[got / 2];
		res.max_ns = ns[got - 1];
	}
	scoped_guard(mutex, &inst->lock)
		inst->nop = res;
	return 0;
}

/**
 * mk_life_init() - prepare a new instance
 * @inst: the instance
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int mk_life_init(struct mk_instance *inst)
{
	INIT_DELAYED_WORK(&inst->poll_work, mk_life_poll_work);
	INIT_DELAYED_WORK(&inst->stop_work, mk_life_stop_work);
	INIT_WORK(&inst->end_work, mk_life_end_work);
	INIT_WORK(&inst->hello_work, mk_life_hello_work);
	INIT_WORK(&inst->flood_work, mk_life_flood_work);
	mk_watch_init(inst);
	mk_recover_init(inst);
	inst->link.peer = inst->name;
	bitmap_set(inst->channels_used, 0, MK_NR_CLASSES);
	return mk_link_init(&inst->link, &mk_life_ops, inst->boot, inst);
}

/**
 * mk_life_release() - the instance will never start again
 * @inst: the instance, locked, not up, marked dead
 */
void mk_life_release(struct mk_instance *inst)
{
	struct mk_shared *shared = &inst->shared;

	if (shared->va)
		free_pages_exact(shared->va, shared->size);
	shared->va = NULL;
}

/**
 * mk_life_destroy() - nothing of this instance runs any more
 * @inst: the instance, not locked, without other users
 *
 * Context: may sleep.
 */
void mk_life_destroy(struct mk_instance *inst)
{
	cancel_delayed_work_sync(&inst->poll_work);
	cancel_delayed_work_sync(&inst->stop_work);
	cancel_work_sync(&inst->end_work);
	cancel_work_sync(&inst->hello_work);
	cancel_work_sync(&inst->flood_work);
	mk_watch_destroy(inst);
	mk_recover_destroy(inst);
	mk_link_destroy(&inst->link);
}

/**
 * mk_reboot_start() - start an instance on behalf of reboot(2)
 * @id: its id
 *
 * Return: 0, -ENOENT, or what mk_life_start() says.
 */
int mk_reboot_start(unsigned long id)
{
	struct mk_instance *inst = NULL;
	int ret;

	mk_error_clear();
	if (id <= MULTIKERNEL_ID_MAX)
		inst = mk_instance_get_by_id(id);
	if (!inst)
		return mk_fail(-ENOENT, "there is no instance with id %lu", id);
	mutex_lock(&inst->lock);
	ret = mk_life_start(inst);
	mutex_unlock(&inst->lock);
	mk_instance_put(inst);
	return ret;
}
