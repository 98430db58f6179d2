// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: guest_handover.c - this kernel hands over to one that runs already
 *
 * What the host asks of an instance that gets a successor, see succeed.c:
 *
 * 0. MK_CTL_FORMATS, before anything else and once more after MK_CTL_PREPARE: in which formats
 *    is all that handed over?
 * 1. MK_CTL_PREPARE: userspace is told, by the hook, and has time.  It is where files go
 *    into sessions of the live update orchestrator; what they hold may still be written.
 * 2. MK_CTL_FREEZE: userspace is told once more, and then frozen as for suspend.  Connections
 *    that the successor may inherit are held, so that no message is handled of which the
 *    state does not know.  The orchestrator serializes its sessions, and the host learns
 *    where KHO's FDT is.  From then on nothing changes in what is preserved.
 * 3. Nothing more: this kernel's CPUs are stopped.  Or MK_CTL_THAW: the successor is not to
 *    be.  All is undone, and userspace goes on as if nothing had happened, but for the time.
 *
 * A kernel that is frozen goes on to answer the host, and to show that it lives.
 *
 * The hook is a program, /sbin/multikernel-update or the module parameter update_hook, as is
 * /sbin/poweroff.  Its argument is prepare, freeze or thaw; if it fails, so does the step.
 * Who has no such program is asked nothing.
 *
 * One task does it all, because the freezer and the orchestrator want to be undone by whom
 * they were called.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/completion.h>
#include <linux/freezer.h>
#include <linux/jiffies.h>
#include <linux/kexec_handover.h>
#include <linux/kmod.h>
#include <linux/kthread.h>
#include <linux/liveupdate.h>
#include <linux/module.h>
#include <linux/multikernel/abi/control.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/suspend.h>
#include <linux/umh.h>

#include "guest.h"
#include "internal.h"
#include "service.h"

/* Less than the host waits, so that it hears the answer; see succeed.c */
#define MK_HANDOVER_PREPARE_MS	50000
#define MK_HANDOVER_FREEZE_MS	8000

static char mk_handover_hook[64] = "/sbin/multikernel-update";
#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "multikernel."
static struct kparam_string mk_handover_hook_param = {
	.maxlen = sizeof(mk_handover_hook),
	.string = mk_handover_hook,
};
module_param_cb(update_hook, &param_ops_string, &mk_handover_hook_param, 0644);

/**
 * struct mk_handover - one attempt
 * @op: MK_CTL_PREPARE or MK_CTL_FREEZE
 * @conns: connections that are held
 * @nr_conns: their number
 * @done: the step is done
 * @ret: what came of it
 * @thaw: undo it
 * @thawed: it is undone, or there was nothing to undo
 */
struct mk_handover {
	u32 op;
	u32 conns[MK_FROZEN_CONNS];
	unsigned int nr_conns;
	struct completion done;
	int ret;
	struct completion thaw;
	struct completion thawed;
};

static DEFINE_MUTEX(mk_handover_lock);
static struct mk_handover mk_handover;
static bool mk_handover_runs;	/* its thread */

static int mk_handover_tell(const char *what)
{
	static char *envp[3] = { "HOME=/", "PATH=/sbin:/usr/sbin:/bin:/usr/bin", NULL };
	char *argv[3] = { mk_handover_hook, (char *)what, NULL };
	int ret = call_usermodehelper(argv[0], argv, envp, UMH_WAIT_PROC);

	if (!ret || ret == -ENOENT)
		return 0;
	pr_notice("%s %s failed (%d)\n", argv[0], what, ret);
	return -ECANCELED;
}

/* A host that can't have them inherited should not find them held */
static unsigned int mk_handover_hold(u32 *conns)
{
	if (!(mk_guest_link()->features & MK_BOOT_F_INHERIT))
		return 0;
	return mk_ends_hold(conns, MK_FROZEN_CONNS);
}

static int mk_handover_freeze(void)
{
	int ret = mk_handover_tell("freeze");

	if (ret)
		return ret;
	ret = freeze_processes();
	if (ret)
		goto out_tell;
	mk_handover.nr_conns = mk_handover_hold(mk_handover.conns);
	ret = liveupdate_reboot();
	if (!ret)
		return 0;
	mk_ends_release();
	thaw_processes();
out_tell:
	mk_handover_tell("thaw");
	return ret;
}

static void mk_handover_thaw(void)
{
	liveupdate_reboot_undo();
	mk_ends_release();
	thaw_processes();
	mk_handover_tell("thaw");
	pr_info("this kernel stays\n");
}

static int mk_handover_thread(void *unused)
{
	struct mk_handover *ho = &mk_handover;
	bool freeze = ho->op == MK_CTL_FREEZE;
	unsigned int flags = lock_system_sleep();

	ho->ret = freeze ? mk_handover_freeze() : mk_handover_tell("prepare");
	complete(&ho->done);
	if (freeze && !ho->ret) {
		wait_for_completion_state(&ho->thaw, TASK_IDLE);
		mk_handover_thaw();
	}
	unlock_system_sleep(flags);
	WRITE_ONCE(mk_handover_runs, false);
	complete_all(&ho->thawed);
	return 0;
}

/* It goes on without us if it takes too long, and undoes itself then */
static int mk_handover_step(u32 op, unsigned int ms)
{
	struct mk_handover *ho = &mk_handover;
	struct task_struct *task;

	lockdep_assert_held(&mk_handover_lock);
	if (READ_ONCE(mk_handover_runs))
		return -EBUSY;
	ho->op = op;
	init_completion(&ho->done);
	init_completion(&ho->thaw);
	init_completion(&ho->thawed);
	WRITE_ONCE(mk_handover_runs, true);
	task = kthread_run(mk_handover_thread, NULL, "mk-handover");
	if (IS_ERR(task)) {
		WRITE_ONCE(mk_handover_runs, false);
		complete_all(&ho->thawed);
		return PTR_ERR(task);
	}
	if (wait_for_completion_timeout(&ho->done, msecs_to_jiffies(ms)))
		return ho->ret;
	complete(&ho->thaw);
	return -ETIME;
}

static int mk_handover_undo(void)
{
	lockdep_assert_held(&mk_handover_lock);
	if (!READ_ONCE(mk_handover_runs))
		return 0;
	complete(&mk_handover.thaw);
	if (wait_for_completion_timeout(&mk_handover.thawed,
					msecs_to_jiffies(MK_HANDOVER_FREEZE_MS)))
		return 0;
	return -ETIME;
}

/* As many of their names as fit */
static int mk_handover_formats(const struct mk_ctl_formats *req, struct mk_ctl_formats *reply)
{
	char name[LIVEUPDATE_FORMAT_LENGTH];
	unsigned int index = req->first;
	size_t len, used = 0;
	int ret;

	*reply = (struct mk_ctl_formats){ .op = MK_CTL_FORMATS, .first = req->first };
	for (;;) {
		ret = liveupdate_format(index, name);
		if (ret)
			break;
		len = strlen(name) + 1;
		if (used + len > sizeof(reply->names)) {
			reply->next = index;
			return 0;
		}
		memcpy(reply->names + used, name, len);
		used += len;
		index++;
	}
	return ret == -ENOENT ? 0 : ret;
}

static ssize_t mk_handover_frozen(struct mk_ctl_frozen *reply)
{
	const struct mk_handover *ho = &mk_handover;

	*reply = (struct mk_ctl_frozen){
		.fdt_pa = kho_handover_fdt(),
		.nr_conns = ho->nr_conns,
	};
	memcpy(reply->conns, ho->conns, ho->nr_conns * sizeof(*reply->conns));
	if (!(mk_guest_link()->features & MK_BOOT_F_INHERIT))
		return offsetofend(struct mk_ctl_frozen, fdt_pa);
	return sizeof(*reply);
}

/**
 * mk_guest_handover_call() - the host says something of a successor
 * @data: a call, in private memory, zero up to MK_CTL_MAX
 * @len: how much of it
 * @reply: where to put the answer, MK_CTL_MAX bytes
 *
 * Context: may sleep.
 * Return: length of the answer; -EOPNOTSUPP for something else, or if live update is off here;
 * -EINVAL for a call that is too short; -EBUSY if there is an attempt already; -ECANCELED if
 * userspace does not want it; -ETIME if it took too long; or what the freezer and the
 * orchestrator say.
 */
ssize_t mk_guest_handover_call(const void *data, size_t len, void *reply)
{
	int ret;

	guard(mutex)(&mk_handover_lock);
	if (!liveupdate_enabled())
		return -EOPNOTSUPP;
	switch (*(const __u32 *)data) {
	case MK_CTL_FORMATS:
		if (len < sizeof(struct mk_ctl_formats))
			return -EINVAL;
		return mk_handover_formats(data, reply) ?: sizeof(struct mk_ctl_formats);
	case MK_CTL_PREPARE:
		return mk_handover_step(MK_CTL_PREPARE, MK_HANDOVER_PREPARE_MS);
	case MK_CTL_FREEZE:
		ret = mk_handover_step(MK_CTL_FREEZE, MK_HANDOVER_FREEZE_MS);
		return ret ?: mk_handover_frozen(reply);
	case MK_CTL_THAW:
		return mk_handover_undo();
	default:
		return -EOPNOTSUPP;
	}
}
