// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: recover.c - an instance that has failed is started again
 *
 * As remoteproc's "recovery" does, if userspace has asked for it: after a crash, or a hang,
 * which ends it first.  It starts from the image that is kept.  The first time that is a
 * second later, and each time twice as long, up to a minute; an instance that has run for
 * a minute begins anew.  After MK_RECOVER_MAX failures in a row it is left as it is.
 *
 * It waits for those who have its vmcore open: there would be another kernel in it.
 *
 * An end in order, a kill, or whatever else somebody has asked for is no failure.
 *
 * Locking
 * -------
 *
 * All under mk_instance.lock, which the work takes.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/jiffies.h>
#include <linux/minmax.h>

#include "internal.h"

#define MK_RECOVER_MAX		5
#define MK_RECOVER_FIRST_MS	1000
#define MK_RECOVER_LAST_MS	60000

/**
 * mk_recover_delay_ms() - how long to wait
 * @failures: how many there have been in a row, this one not counted
 *
 * Return: in ms; 0 for never.
 */
unsigned int mk_recover_delay_ms(unsigned int failures)
{
	if (failures >= MK_RECOVER_MAX)
		return 0;
	return min(MK_RECOVER_FIRST_MS << failures, MK_RECOVER_LAST_MS);
}

/**
 * mk_recover_later() - an instance has crashed or hangs
 * @inst: the instance, locked
 */
void mk_recover_later(struct mk_instance *inst)
{
	unsigned int ms;

	if (!inst->recovery || inst->dead)
		return;
	if (inst->greeted == inst->epoch &&
	    time_after(jiffies, inst->ran_at + msecs_to_jiffies(MK_RECOVER_LAST_MS)))
		inst->failures = 0;
	ms = mk_recover_delay_ms(inst->failures);
	if (!ms) {
		pr_warn("instance %s has failed %u times in a row and is not started again\n",
			inst->name, inst->failures);
		return;
	}
	inst->failures++;
	mod_delayed_work(system_dfl_wq, &inst->recover_work, msecs_to_jiffies(ms));
}

/**
 * mk_recover_cancel() - it goes on by itself, or somebody takes care of it
 * @inst: the instance, locked
 */
void mk_recover_cancel(struct mk_instance *inst)
{
	cancel_delayed_work(&inst->recover_work);
}

static void mk_recover_work(struct work_struct *work)
{
	struct mk_instance *inst = container_of(to_delayed_work(work), struct mk_instance,
						recover_work);
	int ret;

	guard(mutex)(&inst->lock);
	if (!inst->recovery || inst->dead)
		return;
	if (mk_vmcore_in_use(inst)) {
		mod_delayed_work(system_dfl_wq, &inst->recover_work,
				 msecs_to_jiffies(MK_RECOVER_FIRST_MS));
		return;
	}
	if (inst->state == MK_HUNG)
		mk_life_crash(inst);
	if (inst->state != MK_CRASHED)
		return;
	pr_info("instance %s is started again, as it has failed: %s\n", inst->name, inst->reason);
	ret = mk_life_start(inst);
	if (!ret) {
		inst->events.restarts++;
		return;
	}
	pr_warn("instance %s could not be started again (%pe)\n", inst->name, ERR_PTR(ret));
	mk_recover_later(inst);
}

/**
 * mk_recover_set() - shall it be?
 * @inst: the instance, locked
 * @on: true if so
 *
 * What has failed before is left as it is.
 */
void mk_recover_set(struct mk_instance *inst, bool on)
{
	inst->recovery = on;
	inst->failures = 0;
	if (!on)
		mk_recover_cancel(inst);
}

/**
 * mk_recover_init() - prepare a new instance
 * @inst: the instance
 */
void mk_recover_init(struct mk_instance *inst)
{
	INIT_DELAYED_WORK(&inst->recover_work, mk_recover_work);
}

/**
 * mk_recover_destroy() - an instance goes
 * @inst: the instance, which is dead
 *
 * Context: may sleep.
 */
void mk_recover_destroy(struct mk_instance *inst)
{
	cancel_delayed_work_sync(&inst->recover_work);
}
