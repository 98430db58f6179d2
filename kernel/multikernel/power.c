// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: power.c - the host goes down, or wants to sleep
 *
 * Reboot, poweroff, halt and kexec -e end every instance that is up, by force,
 * and none is started any more: nothing runs in memory, or on CPUs, that the next
 * kernel takes for its own.  A CPU that can't be stopped is named in the log, and
 * the host goes on; only a reset helps against it.  Who wants instances to shut
 * down in order stops them first.
 *
 * Suspend and hibernation are refused while CPUs are lent, and so is the restore
 * of a hibernated host.  They would cut the power under instances, or save or
 * overwrite memory that the host does not map.  From the moment when they are
 * allowed until the host is back no CPU is lent.
 *
 * A panic of the host calls nothing here.  It may have happened under any lock,
 * and what it sends goes to CPUs that are online in the host, which lent CPUs
 * are not: instances go on until the machine is reset.
 *
 * Locking
 * -------
 *
 * mk_power_sem: whoever lends CPUs or starts an instance holds it for reading
 * meanwhile, with a bound; to change what is allowed takes it for writing.
 * Lock order: mk_instance.lock -> mk_power_sem -> locks of CPU hotplug.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/cleanup.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/rwsem.h>
#include <linux/suspend.h>

#include "internal.h"

static DECLARE_RWSEM(mk_power_sem);
static bool mk_power_down_begun;
static bool mk_power_asleep;

/**
 * mk_power_hold() - the host stays up and awake until mk_power_release()
 *
 * Context: may sleep.
 * Return: 0, or -EBUSY if it goes down or to sleep.
 */
int mk_power_hold(void)
{
	down_read(&mk_power_sem);
	if (!mk_power_down_begun && !mk_power_asleep)
		return 0;
	up_read(&mk_power_sem);
	return mk_fail(-EBUSY, "the host goes %s",
		       mk_power_down_begun ? "down" : "to sleep");
}

/**
 * mk_power_release() - end of mk_power_hold()
 */
void mk_power_release(void)
{
	up_read(&mk_power_sem);
}

static int mk_power_down(struct notifier_block *nb, unsigned long action, void *data)
{
	struct mk_instance *inst;

	scoped_guard(rwsem_write, &mk_power_sem)
		mk_power_down_begun = true;
	/* Each kill leaves one less that is up, and there are no new ones */
	while ((inst = mk_instance_get_up())) {
		scoped_guard(mutex, &inst->lock)
			mk_life_kill(inst, "the host went down");
		mk_instance_put(inst);
	}
	return NOTIFY_DONE;
}

static int mk_power_sleep(struct notifier_block *nb, unsigned long action, void *data)
{
	guard(rwsem_write)(&mk_power_sem);
	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		if (mk_ledger_cpus_away()) {
			pr_warn("no suspend while CPUs are lent to instances\n");
			return notifier_from_errno(-EBUSY);
		}
		mk_power_asleep = true;
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		mk_power_asleep = false;
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block mk_power_down_nb = {
	.notifier_call = mk_power_down,
};

static struct notifier_block mk_power_sleep_nb = {
	.notifier_call = mk_power_sleep,
};

/**
 * mk_power_init() - hear of the end and of the sleep of the host
 *
 * Return: 0, or what the registration says.
 */
int __init mk_power_init(void)
{
	return register_reboot_notifier(&mk_power_down_nb) ?:
	       register_pm_notifier(&mk_power_sleep_nb);
}
