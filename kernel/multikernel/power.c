// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: power.c - the host goes down, or wants to sleep
 *
 * Reboot, poweroff, halt and kexec -e end every instance that is up, by force:
 * after that nothing runs in memory, or on CPUs, that the next kernel takes for
 * its own.  Who wants instances to shut down in order stops them first.
 *
 * Suspend and hibernation are refused while CPUs are lent.  They would cut the
 * power under instances, or save memory that the host does not map.
 *
 * A panic of the host calls nothing here.  It may have happened under any lock,
 * and what it sends goes to CPUs that are online in the host, which lent CPUs
 * are not: instances go on until the machine is reset.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/suspend.h>

#include "internal.h"

static void mk_power_end(struct mk_instance *inst)
{
	if (mk_state_is_up(inst->state))
		mk_life_kill(inst, "the host went down");
}

static int mk_power_down(struct notifier_block *nb, unsigned long action, void *data)
{
	mk_instances_for_each(mk_power_end);
	return NOTIFY_DONE;
}

static int mk_power_sleep(struct notifier_block *nb, unsigned long action, void *data)
{
	if (action != PM_SUSPEND_PREPARE && action != PM_HIBERNATION_PREPARE)
		return NOTIFY_DONE;
	if (!mk_ledger_cpus_away())
		return NOTIFY_DONE;
	pr_warn("no suspend while CPUs are lent to instances\n");
	return notifier_from_errno(-EBUSY);
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
