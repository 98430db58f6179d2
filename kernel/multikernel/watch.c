// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: watch.c - does an instance still live?
 *
 * Each CPU of an instance counts from its timer interrupt, and from the scheduling class
 * that nothing else precedes; see guest_beat.c.  The host looks whether both go on.  What
 * has stood still for longer than hang_ms is a hang:
 *
 * ===========  ==========  ======================================================
 * timer        scheduler   what it is
 * ===========  ==========  ======================================================
 * goes on      counts      it lives, as far as its kernel can tell
 * goes on      stands      preemption is off: a loop in the kernel, a deadlock of
 *                          spinlocks
 * stands       stands      interrupts are off, if an NMI is answered; otherwise the
 *                          CPU runs nothing at all, or not that kernel
 * ===========  ==========  ======================================================
 *
 * One CPU is enough: what others wait for may be there.  One that takes no interrupts is named
 * before one that only does not schedule, as that may spin until the first has answered an
 * IPI.  The state is "hung" then, and "running" again if all go on, as they do if somebody
 * has looked at it with a debugger.  A hung instance is not ended for that; who wants it sets
 * "recovery".
 *
 * Before an instance has said hello there is nothing to look at.  One that has been booting
 * for boot_ms is hung as well; it may still come.
 *
 * What a kernel does that schedules, and does not get on, the host can't see.
 *
 * Locking
 * -------
 *
 * mk_instance.lock protects what is remembered.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/multikernel.h>
#include <linux/slab.h>

#include "internal.h"

/* So long a CPU may take to answer an NMI: it is a few microseconds on hardware */
#define MK_NMI_WAIT_MS		200

static bool mk_watch_wants(struct mk_instance *inst)
{
	return inst->state == MK_RUNNING || inst->state == MK_HUNG;
}

/* @now: the same for all CPUs of one look */
static void mk_watch_look(struct mk_watched *w, const struct mk_beat *beat, unsigned long now)
{
	u64 irq = READ_ONCE(beat->irq), task = READ_ONCE(beat->task);

	/* Offline there */
	if (irq != w->irq || !irq)
		w->irq_at = now;
	if (task != w->task || !irq)
		w->task_at = now;
	w->irq = irq;
	w->task = task;
}

/**
 * mk_watch_verdict() - what does this CPU do?
 * @irq_ms: how long its timer has stood still
 * @task_ms: how long its scheduler has
 * @limit_ms: how long they may
 *
 * Return: what it is.
 */
enum mk_verdict mk_watch_verdict(unsigned int irq_ms, unsigned int task_ms,
				 unsigned int limit_ms)
{
	if (irq_ms >= limit_ms)
		return MK_VERDICT_NO_IRQ;
	return task_ms >= limit_ms ? MK_VERDICT_NO_TASK : MK_VERDICT_ALIVE;
}

static enum mk_verdict mk_watch_one(const struct mk_watched *w, unsigned long now,
				    unsigned int limit_ms)
{
	return mk_watch_verdict(jiffies_to_msecs(now - w->irq_at),
				jiffies_to_msecs(now - w->task_at), limit_ms);
}

/**
 * mk_watch_judge() - which CPU does an instance hang for?
 * @watched: its CPUs, as they were at this look
 * @nr: how many
 * @now: when that was, in jiffies
 * @limit_ms: how long timers and schedulers may stand still
 * @beat_ms: how often they count
 * @slot: where to put which one it is, unless all live
 *
 * What one CPU does to another is seen one or two beats late: so long it is not said of one
 * that it schedules nothing while the timer of another stands, which may be why.
 *
 * Return: what that CPU does; MK_VERDICT_UNSURE if another look tells more.
 */
enum mk_verdict mk_watch_judge(const struct mk_watched *watched, unsigned int nr,
			       unsigned long now, unsigned int limit_ms,
			       unsigned int beat_ms, unsigned int *slot)
{
	enum mk_verdict verdict, worst = MK_VERDICT_ALIVE;
	bool stands = false;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		stands |= watched[i].irq_at != now;
		verdict = mk_watch_one(&watched[i], now, limit_ms);
		if (verdict <= worst)
			continue;
		worst = verdict;
		*slot = i;
	}
	if (worst != MK_VERDICT_NO_TASK || !stands)
		return worst;
	return mk_watch_one(&watched[*slot], now, limit_ms + 2 * beat_ms) ?
	       MK_VERDICT_NO_TASK : MK_VERDICT_UNSURE;
}

/* Online there */
static bool mk_watch_online(struct mk_instance *inst, unsigned int slot)
{
	return cpumask_test_cpu(inst->slot_cpu[slot], inst->cpus) &&
	       READ_ONCE(inst->beats[slot].irq);
}

static bool mk_watch_answered(struct mk_instance *inst, unsigned int slot, u64 asked)
{
	return READ_ONCE(inst->beats[slot].answered) == asked;
}

/*
 * All CPUs are sent an NMI: what they were doing is kept for a core file.  True if that one
 * has taken it; it may have interrupts off for good.  One wait for all.
 */
static bool mk_watch_nmi(struct mk_instance *inst, unsigned int slot)
{
	unsigned long end = jiffies + msecs_to_jiffies(MK_NMI_WAIT_MS);
	unsigned int i;

	for (i = 0; i < inst->nr_slots; i++) {
		if (!mk_watch_online(inst, i))
			continue;
		inst->watched[i].asked = READ_ONCE(inst->beats[i].answered) + 1;
		WRITE_ONCE(inst->beats[i].asked, inst->watched[i].asked);
		mk_arch_nmi(inst->slot_cpu[i]);
	}
	for (i = 0; i < inst->nr_slots; i++)
		while (mk_watch_online(inst, i) &&
		       !mk_watch_answered(inst, i, inst->watched[i].asked) &&
		       time_before(jiffies, end))
			usleep_range(100, 200);
	return mk_watch_online(inst, slot) &&
	       mk_watch_answered(inst, slot, inst->watched[slot].asked);
}

static void mk_watch_set_hung(struct mk_instance *inst)
{
	inst->events.hangs++;
	mk_instance_set_state(inst, MK_HUNG);
	pr_warn("instance %s is %s\n", inst->name, inst->reason);
	mk_recover_later(inst);
}

static void mk_watch_hung(struct mk_instance *inst, unsigned int slot, enum mk_verdict verdict)
{
	unsigned int cpu = inst->slot_cpu[slot], s = inst->hang_ms / MSEC_PER_SEC;
	const char *what = "schedules nothing";
	bool nmi = mk_watch_nmi(inst, slot);

	if (verdict == MK_VERDICT_NO_IRQ)
		what = nmi ? "takes no interrupts" : "takes no interrupts and no NMI";
	scnprintf(inst->reason, sizeof(inst->reason), "hung: CPU %u %s, for %u s", cpu, what, s);
	mk_watch_set_hung(inst);
}

static void mk_watch_lives(struct mk_instance *inst)
{
	if (inst->state != MK_HUNG)
		return;
	strscpy(inst->reason, "none");
	mk_instance_set_state(inst, MK_RUNNING);
	mk_recover_cancel(inst);
	pr_info("instance %s goes on\n", inst->name);
}

static void mk_watch_all(struct mk_instance *inst)
{
	enum mk_verdict verdict = MK_VERDICT_ALIVE;
	unsigned int i, slot = 0, limit = READ_ONCE(inst->hang_ms);
	unsigned long now = jiffies;

	for (i = 0; i < inst->nr_slots; i++) {
		struct mk_watched *w = &inst->watched[i];

		if (cpumask_test_cpu(inst->slot_cpu[i], inst->cpus)) {
			mk_watch_look(w, &inst->beats[i], now);
		} else {
			w->irq_at = now;
			w->task_at = now;
		}
	}
	if (limit)
		verdict = mk_watch_judge(inst->watched, inst->nr_slots, now, limit,
					 inst->beat_ms, &slot);
	if (verdict == MK_VERDICT_ALIVE)
		mk_watch_lives(inst);
	else if (verdict != MK_VERDICT_UNSURE && inst->state == MK_RUNNING)
		mk_watch_hung(inst, slot, verdict);
}

static void mk_watch_overdue(struct mk_instance *inst)
{
	unsigned long end = inst->started_at + msecs_to_jiffies(inst->boot_ms);

	/* One that can't say hello has as long as it wants */
	if (!inst->boot_ms || inst->firmware != MK_FIRMWARE_BLOCK)
		return;
	if (time_before(jiffies, end)) {
		queue_delayed_work(system_dfl_wq, &inst->watch_work, end - jiffies);
		return;
	}
	scnprintf(inst->reason, sizeof(inst->reason), "hung: has not come up, for %u s",
		  inst->boot_ms / (unsigned int)MSEC_PER_SEC);
	mk_watch_set_hung(inst);
}

static void mk_watch_work(struct work_struct *work)
{
	struct mk_instance *inst = container_of(to_delayed_work(work), struct mk_instance,
						watch_work);

	guard(mutex)(&inst->lock);
	if (mk_state_boots(inst->state)) {
		mk_watch_overdue(inst);
		return;
	}
	if (!mk_watch_wants(inst) || !inst->beats)
		return;
	mk_watch_all(inst);
	queue_delayed_work(system_dfl_wq, &inst->watch_work, msecs_to_jiffies(inst->beat_ms));
}

/**
 * mk_watch_deadline() - boot_ms of an instance has changed
 * @inst: the instance, locked
 */
void mk_watch_deadline(struct mk_instance *inst)
{
	if (mk_state_boots(inst->state))
		mod_delayed_work(system_dfl_wq, &inst->watch_work, 0);
}

/**
 * mk_watch_boot() - an instance has been started, or its next kernel has
 * @inst: the instance, locked and booting
 */
void mk_watch_boot(struct mk_instance *inst)
{
	inst->beats = NULL;
	inst->started_at = jiffies;
	mk_watch_deadline(inst);
}

/**
 * mk_watch_boots() - is an instance still to say hello?
 * @inst: the instance
 *
 * Return: true if so, although it may be late.
 */
bool mk_watch_boots(struct mk_instance *inst)
{
	enum mk_state state = READ_ONCE(inst->state);

	return mk_state_boots(state) || (state == MK_HUNG && !READ_ONCE(inst->beats));
}

/**
 * mk_watch_begin() - an instance has said hello
 * @inst: the instance, locked
 *
 * If it does not know of it, or there is no memory, it is not watched.
 */
void mk_watch_begin(struct mk_instance *inst)
{
	unsigned int i;

	inst->beats = NULL;
	if (!(inst->link.features & MK_BOOT_F_BEAT) || !inst->beat_ms)
		return;
	if (!inst->watched)
		inst->watched = kvcalloc(MK_CPUS_MAX, sizeof(*inst->watched), GFP_KERNEL);
	if (!inst->watched)
		return;
	for (i = 0; i < inst->nr_slots; i++)
		inst->watched[i] = (struct mk_watched){
			.irq_at = jiffies,
			.task_at = jiffies,
		};
	WRITE_ONCE(inst->beats, inst->shared.va + inst->block.beats_off);
	mod_delayed_work(system_dfl_wq, &inst->watch_work, msecs_to_jiffies(inst->beat_ms));
}

/**
 * mk_watch_end() - an instance has ended
 * @inst: the instance, locked
 */
void mk_watch_end(struct mk_instance *inst)
{
	WRITE_ONCE(inst->beats, NULL);
	cancel_delayed_work(&inst->watch_work);
}

/**
 * mk_watch_init() - prepare a new instance
 * @inst: the instance
 */
void mk_watch_init(struct mk_instance *inst)
{
	INIT_DELAYED_WORK(&inst->watch_work, mk_watch_work);
	inst->beat_ms = MK_BEAT_MS;
	inst->hang_ms = MK_HANG_MS;
	inst->boot_ms = MK_BOOT_MS;
}

/**
 * mk_watch_destroy() - an instance goes
 * @inst: the instance, which is not up
 *
 * Context: may sleep.
 */
void mk_watch_destroy(struct mk_instance *inst)
{
	cancel_delayed_work_sync(&inst->watch_work);
	kvfree(inst->watched);
}
