// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: uevent.c - userspace hears of each change of state
 *
 * A "change" event of /sys/kernel/multikernel/instances, with the environment
 * MULTIKERNEL_INSTANCE, MULTIKERNEL_ID, MULTIKERNEL_STATE and MULTIKERNEL_REASON, for rules of
 * udev.  Who has the files open uses poll() on "events" instead.
 */

#include <linux/init.h>
#include <linux/kobject.h>
#include <linux/slab.h>

#include "internal.h"

static struct kobject *mk_uevent_kobj;

static void mk_uevent_release(struct kobject *kobj)
{
	kfree(kobj);
}

static const struct kobj_type mk_uevent_type = {
	.release	= mk_uevent_release,
	.sysfs_ops	= &kobj_sysfs_ops,
};

/**
 * mk_uevent() - tell of the state that an instance has now
 * @inst: the instance, locked
 *
 * Nobody hears of it if there is no memory.
 *
 * Context: may sleep.
 */
void mk_uevent(struct mk_instance *inst)
{
	char name[sizeof(inst->name) + 24], id[32], state[40], reason[sizeof(inst->reason) + 24];
	char *env[5] = { name, id, state, reason };

	if (!mk_uevent_kobj)
		return;
	scnprintf(name, sizeof(name), "MULTIKERNEL_INSTANCE=%s", inst->name);
	scnprintf(id, sizeof(id), "MULTIKERNEL_ID=%u", inst->id);
	scnprintf(state, sizeof(state), "MULTIKERNEL_STATE=%s", mk_state_name(inst->state));
	scnprintf(reason, sizeof(reason), "MULTIKERNEL_REASON=%s", inst->reason);
	kobject_uevent_env(mk_uevent_kobj, KOBJ_CHANGE, env);
}

/**
 * mk_uevent_init() - make the object that the events are of
 *
 * Return: 0 or -ENOMEM.
 */
int __init mk_uevent_init(void)
{
	struct kset *kset = kset_create_and_add("multikernel", NULL, kernel_kobj);
	struct kobject *kobj;
	int ret;

	if (!kset)
		return -ENOMEM;
	kobj = kzalloc_obj(*kobj);
	if (!kobj) {
		kset_unregister(kset);
		return -ENOMEM;
	}
	kobj->kset = kset;
	ret = kobject_init_and_add(kobj, &mk_uevent_type, NULL, "instances");
	if (ret)
		kobject_put(kobj);
	else
		mk_uevent_kobj = kobj;
	return ret;
}
