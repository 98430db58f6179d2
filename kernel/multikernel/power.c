// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: power.c - the host goes down, or wants to sleep
 *
 * Reboot, poweroff, halt and kexec -e end every instance that is up, and none is started
 * any more: nothing runs in memory, or on CPUs, that the next kernel takes for its own.
 * First those that run are asked to shut down, all at once; what is still there after the
 * parameter shutdown_ms (multikernel.shutdown_ms= on the command line, 0 to ask nobody) is
 * killed, and so is at once what boots, hangs or takes no messages.  A CPU that can't be
 * stopped is named in the log, and the host goes on; only a reset helps against it.
 *
 * With the parameter keep_instances (multikernel.keep_instances=1) kexec -e leaves those that run
 * to the next kernel, if that takes them; see keep.c.
 *
 * Suspend and hibernation are refused while CPUs are lent, and so is the restore
 * of a hibernated host.  They would cut the power under instances, or save or
 * overwrite memory that the host does not map.  From the moment when they are
 * allowed until the host is back no CPU is lent.
 *
 * A panic of the host may have happened under any lock.  What it sends goes to CPUs that are
 * online in the host, which lent CPUs are not: instances go on, beside a crash kernel too, until
 * the machine is reset.  With the parameter panic_stop (multikernel.panic_stop=1) their CPUs are
 * stopped by INIT first, so that nothing but the crash kernel runs while it takes its dump.
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
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/panic_notifier.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/rwsem.h>
#include <linux/suspend.h>

#include "internal.h"

/* How often it is looked whether they have shut down */
#define MK_POWER_POLL_MS	20

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

/* As long as a watchdog of the machine may be expected to wait */
static unsigned int mk_power_shutdown_ms = 10000;
#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "multikernel."
module_param_cb(shutdown_ms, &param_ops_uint, &mk_power_shutdown_ms, 0644);

static bool mk_power_keep_instances;
module_param_cb(keep_instances, &param_ops_bool, &mk_power_keep_instances, 0644);

/* True if one of them may do it */
static bool mk_power_ask_all(void)
{
	struct mk_instance *inst = NULL;
	bool asked = false;

	while ((inst = mk_instance_get_next(inst))) {
		guard(mutex)(&inst->lock);
		asked |= inst->state == MK_RUNNING && !inst->kept && !mk_life_stop(inst);
	}
	return asked;
}

static bool mk_power_stopping(void)
{
	struct mk_instance *inst = NULL;
	bool stopping = false;

	while ((inst = mk_instance_get_next(inst)))
		stopping |= READ_ONCE(inst->state) == MK_STOPPING;
	return stopping;
}

static int mk_power_down(struct notifier_block *nb, unsigned long action, void *data)
{
	unsigned int ms = READ_ONCE(mk_power_shutdown_ms);
	unsigned long end = jiffies + msecs_to_jiffies(ms);
	struct mk_instance *inst = NULL;

	scoped_guard(rwsem_write, &mk_power_sem)
		mk_power_down_begun = true;
	if (READ_ONCE(mk_power_keep_instances))
		mk_keep_all();
	if (ms && mk_power_ask_all())
		while (mk_power_stopping() && time_before(jiffies, end))
			msleep(MK_POWER_POLL_MS);
	/* None is started any more */
	while ((inst = mk_instance_get_next(inst))) {
		guard(mutex)(&inst->lock);
		if (mk_state_is_up(inst->state) && !inst->kept)
			mk_life_kill(inst, "the host went down");
	}
	return NOTIFY_DONE;
}

static bool mk_power_panic_stop;
module_param_cb(panic_stop, &param_ops_bool, &mk_power_panic_stop, 0644);

/**
 * mk_power_crash() - the host panics
 *
 * Context: any; called once or twice.
 */
void mk_power_crash(void)
{
	if (READ_ONCE(mk_power_panic_stop))
		mk_arch_crash_stop();
}

static int mk_power_panic(struct notifier_block *nb, unsigned long action, void *data)
{
	mk_power_crash();
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

static struct notifier_block mk_power_panic_nb = {
	.notifier_call = mk_power_panic,
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
	atomic_notifier_chain_register(&panic_notifier_list, &mk_power_panic_nb);
	return register_reboot_notifier(&mk_power_down_nb) ?:
	       register_pm_notifier(&mk_power_sleep_nb);
}
