// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: guest_adopt.c - this kernel succeeds another one
 *
 * What the host asks of an instance that is to take the place of another, see succeed.c:
 *
 * 0. MK_CTL_UNDERSTANDS: does this kernel know the formats in which the other one hands over?
 * 1. MK_CTL_ADOPT_MEM, while the other kernel still runs and uses its memory: it is added
 *    here as by hotplug, and all of its pages stay out of the page allocator.  So the page
 *    structures are there when time is short.
 *    MK_CTL_AWAITED: does userspace wait for a state at /dev/liveupdate?
 * 2. MK_CTL_ADOPT, when the other kernel is frozen: what it preserves is taken note of, by
 *    kho_populate_late(), and offered to userspace.
 * 3. Userspace retrieves a session: the host is asked by MK_CTL_TAKE_OVER to stop the other
 *    kernel for good, and says who this kernel is from now on.
 * 4. MK_CTL_ADOPT_REST: what the other kernel did not preserve is this kernel's to use.
 *
 * Up to 3. nothing that belongs to the other kernel is written.  A successor that fails
 * before is ended by the host, and the other kernel goes on; so nothing is undone here.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/cleanup.h>
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/kexec_handover.h>
#include <linux/kthread.h>
#include <linux/liveupdate.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/multikernel/abi/control.h>
#include <linux/mutex.h>
#include <linux/range.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "guest.h"
#include "internal.h"
#include "service.h"

/* The host stops CPUs: milliseconds, and seconds under emulation */
#define MK_TAKE_OVER_MS		20000

/* Memory of the other kernel, as far as it has been added here */
static DEFINE_MUTEX(mk_adopt_lock);
static struct range mk_adopt_ranges[MK_MEM_RANGES];
static unsigned int mk_adopt_nr;

static bool mk_adopt_has(u64 pa)
{
	unsigned int i;

	for (i = 0; i < mk_adopt_nr; i++)
		if (pa >= mk_adopt_ranges[i].start && pa <= mk_adopt_ranges[i].end)
			return true;
	return false;
}

/* Each page that is not for us to use stays PageOffline() */
static void mk_adopt_online_page(struct page *page, unsigned int order)
{
	if (!mk_adopt_has(page_to_phys(page)))
		generic_online_page(page, order);
}

static int mk_adopt_add(const struct mk_ctl_mem *req)
{
	int ret = set_online_page_callback(mk_adopt_online_page);

	if (ret)
		return -EBUSY;
	/* Kernel memory: files that are preserved once more may not lie where it moves */
	ret = __add_memory_driver_managed(mk_guest_node(req->node), req->start_pa, req->size,
					  "System RAM (multikernel)", MHP_NONE, MMOP_ONLINE_KERNEL);
	restore_online_page_callback(mk_adopt_online_page);
	return ret;
}

static int mk_adopt_mem(const struct mk_ctl_mem *req)
{
	int ret;

	guard(mutex)(&mk_adopt_lock);
	if (!mk_guest_mem_ok(req))
		return -EINVAL;
	/* Found out when the other kernel is frozen it would cost time */
	if (is_kho_boot())
		return -EBUSY;
	if (mk_adopt_nr == MK_MEM_RANGES)
		return -ENOSPC;
	if (!mk_guest_can_describe(req->size))
		return -ENOMEM;
	mk_adopt_ranges[mk_adopt_nr++] = (struct range){
		.start = req->start_pa,
		.end = req->start_pa + req->size - 1,
	};
	ret = mk_adopt_add(req);
	if (ret)
		mk_adopt_nr--;
	return ret;
}

/* In the context of who retrieves a session */
static int mk_adopt_take_over(void)
{
	struct mk_ctl_self self = {};
	struct mk_ctl_op req = { .op = MK_CTL_TAKE_OVER };
	ssize_t ret;

	ret = mk_job_call(mk_guest_control(), &req, sizeof(req), &self, sizeof(self),
			  msecs_to_jiffies(MK_TAKE_OVER_MS));
	if (ret < 0)
		return ret;
	if (ret < sizeof(self))
		return -EPROTO;
	mk_guest_become(&self);
	return 0;
}

static int mk_adopt(const struct mk_ctl_adopt *req)
{
	guard(mutex)(&mk_adopt_lock);
	return kho_populate_late(req->fdt_pa, mk_adopt_ranges, mk_adopt_nr) ?:
	       liveupdate_late(mk_adopt_take_over);
}

static int mk_adopt_rest_thread(void *done)
{
	kho_populate_late_rest(mk_adopt_ranges, mk_adopt_nr);
	mk_adopt_nr = 0;
	complete(done);
	return 0;
}

/* Behind those who take out what was preserved: of that nobody serves until it is done */
static int mk_adopt_rest(void)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct task_struct *task;

	guard(mutex)(&mk_adopt_lock);
	task = kthread_create(mk_adopt_rest_thread, &done, "mk-adopt");
	if (IS_ERR(task))
		return PTR_ERR(task);
	set_user_nice(task, MAX_NICE);
	wake_up_process(task);
	wait_for_completion(&done);
	return 0;
}

#ifdef CONFIG_MULTIKERNEL_BENCH
/* A test has this kernel be one that does not know a format */
static char __rcu *mk_adopt_unknown;

static bool mk_adopt_understands(const char *name)
{
	const char *unknown;

	scoped_guard(rcu) {
		unknown = rcu_dereference(mk_adopt_unknown);
		if (unknown && !strcmp(name, unknown))
			return false;
	}
	return liveupdate_understands(name);
}

static int __init mk_adopt_debug_init(void)
{
	char *none = kstrdup("", GFP_KERNEL);

	if (!none)
		return -ENOMEM;
	RCU_INIT_POINTER(mk_adopt_unknown, none);
	debugfs_create_str("unknown_format", 0200, mk_debug_dir,
			   (char **)(void __force *)&mk_adopt_unknown);
	return 0;
}
late_initcall(mk_adopt_debug_init);
#else
static bool mk_adopt_understands(const char *name)
{
	return liveupdate_understands(name);
}
#endif

static int mk_adopt_compare(const struct mk_ctl_formats *req, struct mk_ctl_formats *reply)
{
	const char *name = req->names, *end = name + sizeof(req->names);

	*reply = (struct mk_ctl_formats){ .op = MK_CTL_UNDERSTANDS };
	for (; name < end && *name; name += strlen(name) + 1) {
		if (!memchr(name, '\0', end - name))
			return -EINVAL;
		if (mk_adopt_understands(name))
			continue;
		strscpy(reply->names, name);
		pr_notice("the other kernel hands over in format %s\n", name);
		break;
	}
	return 0;
}

/**
 * mk_guest_adopt_call() - the host says something of a kernel that this one succeeds
 * @data: a call, in private memory, zero up to MK_CTL_MAX
 * @len: how much of it
 * @reply: where to put the answer, MK_CTL_MAX bytes
 *
 * Context: may sleep.
 * Return: length of the answer; -EOPNOTSUPP for something else, or if live update is off here;
 * -EINVAL for memory or names that can't be, or if the other kernel preserves what can't be;
 * -EPROTO if it has another version of that; -EBUSY if this kernel has succeeded one already;
 * -ENOSPC; -ENOMEM; or what memory hotplug says.
 */
ssize_t mk_guest_adopt_call(const void *data, size_t len, void *reply)
{
	if (!liveupdate_enabled())
		return -EOPNOTSUPP;
	switch (*(const __u32 *)data) {
	case MK_CTL_UNDERSTANDS:
		if (len < sizeof(struct mk_ctl_formats))
			return -EINVAL;
		return mk_adopt_compare(data, reply) ?: sizeof(struct mk_ctl_formats);
	case MK_CTL_ADOPT_MEM:
		return len < sizeof(struct mk_ctl_mem) ? -EINVAL : mk_adopt_mem(data);
	case MK_CTL_ADOPT:
		return len < sizeof(struct mk_ctl_adopt) ? -EINVAL : mk_adopt(data);
	case MK_CTL_ADOPT_REST:
		return mk_adopt_rest();
	case MK_CTL_AWAITED:
		return liveupdate_is_awaited() ? 0 : -EAGAIN;
	default:
		return -EOPNOTSUPP;
	}
}
