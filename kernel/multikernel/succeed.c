// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: succeed.c - one running instance takes the place of another
 *
 * The new kernel of an instance boots first, as an instance of its own on other CPUs and
 * other memory, while the old one serves.  Then it succeeds the old one:
 *
 * 0. *await*: the host waits until somebody in the userspace of the successor waits for a
 *    state, which also means that all is there that its kernel understands.  *Compare*: that
 *    must be all the formats in which the old kernel would hand over.
 * 1. *adopt*: the successor adds the memory of the old kernel, and uses none of it.
 * 2. *prepare*: the userspace of the old kernel is told, and puts its state into sessions of
 *    the live update orchestrator.  *Compare* once more: there may be files of a further kind.
 * 3. *freeze*: that userspace is frozen, and the state serialized.  From here on nobody
 *    serves.
 * 4. *offer*: the successor looks at what the old kernel preserves, and offers it to its
 *    userspace.
 * 5. *take over*: somebody there retrieves a session, and the successor asks the host.  The
 *    CPUs of the old kernel are stopped, and the two instances exchange their names.  From
 *    here on the successor serves.
 * 6. *rest*: the memory that was not preserved is the successor's, and the CPUs of the old
 *    kernel are brought up there.
 *
 * Before 1. nothing that goes wrong changes anything, and both go on.  From 1. up to 5. it ends
 * the successor, and the old kernel goes on: it is thawed, and has lost nothing but time; one
 * that does not thaw is ended as if it had crashed.  After 5. the old kernel is stopped, and
 * what becomes of the successor becomes of the instance.  It is the host that decides, under
 * one lock, so there is always one of the two.
 *
 * Name, id, console with its text, and what was set stay with the directory; the kernel, its
 * CPUs, memory, image and log of messages come from the other one.  Afterwards the other
 * directory has the old kernel's: it is offline, and owns nothing.
 *
 * Peers of the old kernel find the successor in a new epoch.  Connections whose service allows
 * it, see &mk_channel_ops.inheritable, pass to the successor: the old kernel holds their rings
 * from 3. on, broker.c gives them the successor for an owner in 5., and that one opens its end
 * of them in 6. and goes on where the rings are.  At the other end nothing happens but that
 * nobody reads for a while.  All other connections end, as they would at the end of the old
 * kernel.
 *
 * Locking
 * -------
 *
 * mk_instance.resize_lock of both is held over all of it, of the lesser address first, and the
 * locks of both in 5. as in move.c.  mk_successions_lock is outside those: it makes one
 * decision of "the successor takes over" and "the time is over".
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <kunit/static_stub.h>
#include <linux/cleanup.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/ctype.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/multikernel/abi/control.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <trace/events/multikernel.h>

#include "internal.h"
#include "resize.h"
#include "service.h"

/* How long each step may take; somewhat more than an instance itself waits */
#define MK_SUCCEED_PREPARE_MS	60000
#define MK_SUCCEED_STEP_MS	10000

/* From the offer to the first session that is retrieved; a test may be less patient */
#define MK_SUCCEED_SERVE_MS	10000
u32 mk_succeed_serve_ms = MK_SUCCEED_SERVE_MS;

/* How long its userspace may take to come so far that it waits; a test may be less patient */
#define MK_SUCCEED_READY_MS	120000
u32 mk_succeed_ready_ms = MK_SUCCEED_READY_MS;

/* So many names of formats are believed; a kernel has about five */
#define MK_SUCCEED_FORMATS	256

/* How often the host looks whether it does, or the successor is still there */
#define MK_SUCCEED_LOOK_MS	100

/**
 * struct mk_succession - one instance is about to take the place of another
 * @node: in the list of those whose successor may take over
 * @from: the old kernel
 * @to: its successor
 * @bequest: connections that the successor inherits
 * @over: the successor has taken over, or tried to
 * @ret: outcome of that
 */
struct mk_succession {
	struct list_head node;
	struct mk_resize *from;
	struct mk_resize *to;
	struct mk_bequest bequest;
	struct completion over;
	int ret;
};

static LIST_HEAD(mk_successions);
static DEFINE_MUTEX(mk_successions_lock);

static void mk_succeed_phase(struct mk_succession *sc, const char *phase)
{
	trace_mk_succeed(sc->from->inst->name, sc->to->inst->name, phase);
}

/**
 * mk_succeed_ask() - ask one of the two kernels
 * @rs: which
 * @req: the call
 * @len: its length
 * @reply: where to put the answer
 * @size: how long it is
 * @ms: for how long to wait
 *
 * Context: may sleep for @ms.
 * Return: 0; -ECONNRESET if it has ended; -EPROTO for an answer that is too short; see
 * mk_resize_unknown(); or what it answers.
 */
int mk_succeed_ask(struct mk_resize *rs, const void *req, size_t len, void *reply, size_t size,
		   unsigned int ms)
{
	ssize_t ret;

	KUNIT_STATIC_STUB_REDIRECT(mk_succeed_ask, rs, req, len, reply, size, ms);
	if (mk_resize_fails())
		return -EIO;
	ret = mk_job_call(&rs->inst->link.boot[MK_CLASS_CONTROL], req, len, reply, size,
			  msecs_to_jiffies(ms));
	if (ret == -ENOTCONN)
		ret = -ECONNRESET;
	if (mk_resize_fails())
		return -ETIMEDOUT;
	if (ret < 0)
		return ret;
	return (size_t)ret < size ? -EPROTO : 0;
}

static int mk_succeed_ask_op(struct mk_resize *rs, u32 op, unsigned int ms)
{
	struct mk_ctl_op req = { .op = op };

	return mk_succeed_ask(rs, &req, sizeof(req), NULL, 0, ms);
}

static int mk_succeed_check_memory(const struct mk_instance *a, const struct mk_instance *b)
{
	u64 block = b->mem_block;
	unsigned int i;

	if (!block)
		return mk_fail(-EOPNOTSUPP, "the kernel of %s can't take memory while it runs",
			       b->name);
	if (a->mem.nr + b->mem.nr > MK_MEM_RANGES)
		return mk_fail(-ENOSPC, "%s and %s have their memory in too many pieces, %u",
			       a->name, b->name, a->mem.nr + b->mem.nr);
	for (i = 0; i < a->mem.nr; i++) {
		phys_addr_t pa = page_to_phys(a->mem.range[i].page);
		u64 size = (u64)a->mem.range[i].nr * PAGE_SIZE;

		if (!IS_ALIGNED(pa | size, block))
			return mk_fail(-EINVAL,
				       "the memory of %s is not in whole blocks of %lluM: see memory.map",
				       a->name, block / SZ_1M);
	}
	return 0;
}

static int mk_succeed_check(struct mk_succession *sc)
{
	struct mk_instance *a = sc->from->inst, *b = sc->to->inst;
	int ret;

	mk_move_lock(a, b);
	ret = !mk_resize_runs(sc->from) ? mk_resize_gone(sc->from) :
	      !mk_resize_runs(sc->to) ? mk_resize_gone(sc->to) :
	      mk_succeed_check_memory(a, b) ?: mk_resize_check_slots(b, a->cpus);
	mk_move_unlock(a, b);
	return ret;
}

/* It may be anything, and is put into one sentence */
static bool mk_succeed_names_ok(const struct mk_ctl_formats *formats)
{
	unsigned int i;

	for (i = 0; i < sizeof(formats->names); i++) {
		char c = formats->names[i];

		if (c && !(isascii(c) && isgraph(c)))
			return false;
	}
	return !formats->names[sizeof(formats->names) - 1];
}

static int mk_succeed_off(struct mk_resize *rs)
{
	return mk_fail(-EOPNOTSUPP, "live update is off in %s: see kho= and liveupdate=",
		       rs->inst->name);
}

static int mk_succeed_ask_formats(struct mk_resize *rs, const struct mk_ctl_formats *req,
				  struct mk_ctl_formats *reply)
{
	int ret = mk_succeed_ask(rs, req, sizeof(*req), reply, sizeof(*reply),
				 MK_SUCCEED_STEP_MS);

	if (!ret && !mk_succeed_names_ok(reply))
		ret = -EPROTO;
	if (ret == -EOPNOTSUPP)
		return mk_succeed_off(rs);
	if (ret)
		return mk_fail(ret, "%s has no answer about formats (error %d)",
			       rs->inst->name, ret);
	return 0;
}

/* Found out when the old kernel is frozen it would cost time, or more than that */
static int mk_succeed_compare(struct mk_succession *sc)
{
	struct mk_ctl_formats req = { .op = MK_CTL_FORMATS }, formats, unknown;
	u32 next;
	int ret;

	static_assert(sizeof(req) <= MK_CTL_MAX);
	mk_succeed_phase(sc, "compare");
	do {
		ret = mk_succeed_ask_formats(sc->from, &req, &formats);
		if (ret)
			return ret;
		next = formats.next;
		formats.op = MK_CTL_UNDERSTANDS;
		ret = mk_succeed_ask_formats(sc->to, &formats, &unknown);
		if (ret)
			return ret;
		if (*unknown.names)
			return mk_fail(-EPROTO, "%s does not understand %s, in which %s hands over",
				       sc->to->inst->name, unknown.names, sc->from->inst->name);
		if (next && (next <= req.first || next > MK_SUCCEED_FORMATS))
			return mk_fail(-EPROTO, "%s hands over in too many formats",
				       sc->from->inst->name);
		req.first = next;
	} while (next);
	return 0;
}

/* The successor adds the memory of the old kernel */
static int mk_succeed_adopt(struct mk_succession *sc)
{
	struct mk_instance *a = sc->from->inst;
	struct mk_ctl_mem req = { .op = MK_CTL_ADOPT_MEM };
	unsigned int i, nr = a->mem.nr;
	int ret = 0;

	mk_succeed_phase(sc, "adopt");
	/* Nobody changes it while its resize_lock is held and it runs */
	for (i = 0; i < nr && !ret; i++) {
		scoped_guard(mutex, &a->lock) {
			if (!mk_resize_runs(sc->from))
				return mk_resize_gone(sc->from);
			req.start_pa = page_to_phys(a->mem.range[i].page);
			req.size = (u64)a->mem.range[i].nr * PAGE_SIZE;
		}
		req.node = pfn_to_nid(PHYS_PFN(req.start_pa));
		ret = mk_succeed_ask(sc->to, &req, sizeof(req), NULL, 0, MK_SUCCEED_PREPARE_MS);
	}
	if (ret)
		return mk_fail(ret, "%s does not take the memory of %s (error %d)",
			       sc->to->inst->name, a->name, ret);
	return 0;
}

/* Until somebody in the successor waits for what it is to be offered */
static int mk_succeed_await(struct mk_succession *sc)
{
	unsigned long end = jiffies + msecs_to_jiffies(READ_ONCE(mk_succeed_ready_ms));
	int ret;

	mk_succeed_phase(sc, "await");
	while ((ret = mk_succeed_ask_op(sc->to, MK_CTL_AWAITED, MK_SUCCEED_STEP_MS)) == -EAGAIN) {
		if (!mk_state_is_up(READ_ONCE(sc->from->inst->state)))
			return mk_resize_gone(sc->from);
		if (time_after(jiffies, end))
			return mk_fail(-ETIMEDOUT, "nobody in %s waits at /dev/liveupdate",
				       sc->to->inst->name);
		msleep(MK_SUCCEED_LOOK_MS);
	}
	if (ret == -ECONNRESET)
		return mk_resize_gone(sc->to);
	if (ret == -EOPNOTSUPP)
		return mk_succeed_off(sc->to);
	if (ret)
		return mk_fail(ret, "%s does not say whether anybody waits (error %d)",
			       sc->to->inst->name, ret);
	return 0;
}

/* What it says of its connections is checked when they pass */
static void mk_succeed_note_held(struct mk_succession *sc, const struct mk_ctl_frozen *frozen)
{
	struct mk_bequest *bequest = &sc->bequest;

	if (!(sc->to->inst->link.features & MK_BOOT_F_INHERIT))
		return;
	bequest->heir = sc->to->inst;
	bequest->nr = min_t(u32, frozen->nr_conns, MK_FROZEN_CONNS);
	memcpy(bequest->conns, frozen->conns, sizeof(bequest->conns));
}

static int mk_succeed_freeze(struct mk_succession *sc, struct mk_ctl_frozen *frozen)
{
	bool inherit = sc->from->inst->link.features & MK_BOOT_F_INHERIT;
	struct mk_ctl_op req = { .op = MK_CTL_FREEZE };
	int ret;

	static_assert(sizeof(*frozen) <= MK_CTL_MAX);
	*frozen = (struct mk_ctl_frozen){};

	mk_succeed_phase(sc, "prepare");
	ret = mk_succeed_ask_op(sc->from, MK_CTL_PREPARE, MK_SUCCEED_PREPARE_MS);
	if (ret)
		return mk_fail(ret, "%s does not prepare for its successor (error %d)",
			       sc->from->inst->name, ret);
	/* That may have taken long */
	if (!mk_state_is_up(READ_ONCE(sc->to->inst->state)))
		return mk_resize_gone(sc->to);
	ret = mk_succeed_compare(sc);
	if (ret)
		return ret;
	mk_succeed_phase(sc, "freeze");
	ret = mk_succeed_ask(sc->from, &req, sizeof(req), frozen,
			     inherit ? sizeof(*frozen) :
				       offsetofend(struct mk_ctl_frozen, fdt_pa),
			     MK_SUCCEED_STEP_MS);
	if (ret)
		return mk_fail(ret, "%s can't be frozen (error %d)", sc->from->inst->name, ret);
	mk_succeed_note_held(sc, frozen);
	return 0;
}

/* What is left of the time; wakes as soon as one of the two has ended */
static int mk_succeed_wait(struct mk_succession *sc)
{
	unsigned long end = jiffies + msecs_to_jiffies(READ_ONCE(mk_succeed_serve_ms));

	while (!wait_for_completion_timeout(&sc->over, msecs_to_jiffies(MK_SUCCEED_LOOK_MS))) {
		if (!mk_state_is_up(READ_ONCE(sc->to->inst->state)))
			return mk_resize_gone(sc->to);
		if (!mk_state_is_up(READ_ONCE(sc->from->inst->state)))
			return mk_resize_gone(sc->from);
		if (time_after(jiffies, end))
			return mk_fail(-ETIMEDOUT, "nobody in %s retrieves a session in time",
				       sc->to->inst->name);
	}
	return sc->ret;
}

static int mk_succeed_offer(struct mk_succession *sc, u64 fdt_pa)
{
	struct mk_ctl_adopt req = { .op = MK_CTL_ADOPT, .fdt_pa = fdt_pa };
	int ret;

	scoped_guard(mutex, &mk_successions_lock)
		list_add(&sc->node, &mk_successions);
	mk_succeed_phase(sc, "offer");
	ret = mk_succeed_ask(sc->to, &req, sizeof(req), NULL, 0, MK_SUCCEED_STEP_MS);
	if (ret)
		mk_fail(ret, "%s can't use what %s has left (error %d)", sc->to->inst->name,
			sc->from->inst->name, ret);
	else
		ret = mk_succeed_wait(sc);
	scoped_guard(mutex, &mk_successions_lock)
		list_del(&sc->node);
	/* It may have been faster than our look */
	return completion_done(&sc->over) ? sc->ret : ret;
}

static void mk_succeed_inherit(struct mk_instance *a, struct mk_instance *b)
{
	unsigned int cpu;

	for_each_cpu(cpu, a->cpus) {
		WARN_ON(mk_ledger_claim_cpu(cpu, a->id, b->id));
		cpumask_set_cpu(cpu, b->cpus);
	}
	cpumask_clear(a->cpus);
	WARN_ON(mk_memory_inherit(a, b));
}

static void mk_succeed_tell(const struct mk_instance *inst, struct mk_ctl_self *self)
{
	*self = (struct mk_ctl_self){ .id = inst->id, .epoch = inst->epoch };
	strscpy(self->name, inst->name);
}

/* Under mk_successions_lock and the locks of both: the old kernel's last moment */
static int mk_succeed_commit(struct mk_succession *sc, struct mk_ctl_self *self)
{
	struct mk_instance *a = sc->from->inst, *b = sc->to->inst;

	if (!mk_resize_runs(sc->from))
		return mk_resize_gone(sc->from);
	if (!mk_resize_runs(sc->to))
		return mk_resize_gone(sc->to);
	mk_peer_down(a->id, a->id);
	mk_peer_down(b->id, b->id);
	/* First: for whoever watches the name it goes on to run */
	mk_instance_exchange(a, b);
	a->bequest = &sc->bequest;
	mk_life_end(a, MK_LOADED, "its successor has taken over");
	a->bequest = NULL;
	/* A CPU of it may still run, and its memory is in quarantine */
	if (!a->shared.va) {
		mk_instance_exchange(a, b);
		return mk_fail(-ETIMEDOUT, "a CPU of %s can't be stopped", a->name);
	}
	mk_image_drop(a);
	mk_succeed_inherit(a, b);
	b->events.updates++;
	b->took_over = b->epoch;
	mk_succeed_tell(b, self);
	mk_life_tell_up(b);
	mk_life_winsize(b);
	if (mk_instance_notify)
		mk_instance_notify(b, true);
	pr_info("instance %s runs its successor\n", b->name);
	return 0;
}

/**
 * mk_succeed_take_over() - an instance wants to take the place of another
 * @inst: the instance
 * @self: to be told who it is from now on
 *
 * The question may come twice, if the answer was lost.
 *
 * Context: may sleep.
 * Return: size of @self; -ECANCELED if it is not to, or no more; -ECONNRESET if one of the two
 * has ended; -ETIMEDOUT if a CPU of the other can't be stopped.
 */
ssize_t mk_succeed_take_over(struct mk_instance *inst, struct mk_ctl_self *self)
{
	struct mk_succession *sc;

	guard(mutex)(&mk_successions_lock);
	list_for_each_entry(sc, &mk_successions, node) {
		if (sc->to->inst != inst || completion_done(&sc->over))
			continue;
		if (mk_resize_fails())
			return -EIO;
		mk_move_lock(sc->from->inst, sc->to->inst);
		sc->ret = mk_succeed_commit(sc, self);
		mk_move_unlock(sc->from->inst, sc->to->inst);
		complete_all(&sc->over);
		return sc->ret ?: sizeof(*self);
	}
	/* It did not hear that it has: there is nobody else to serve */
	guard(mutex)(&inst->lock);
	if (!mk_state_is_up(inst->state) || inst->took_over != inst->epoch)
		return -ECANCELED;
	mk_succeed_tell(inst, self);
	return sizeof(*self);
}

/* The successor is nobody, and the old kernel goes on */
static void mk_succeed_roll_back(struct mk_succession *sc, const char *why)
{
	struct mk_resize *from = sc->from, *to = sc->to;
	int ret;

	mk_succeed_phase(sc, "roll back");
	scoped_guard(mutex, &to->inst->lock)
		if (mk_resize_runs(to))
			mk_life_end(to->inst, MK_LOADED, why);
	ret = mk_succeed_ask_op(from, MK_CTL_THAW, MK_SUCCEED_STEP_MS);
	/* Once more: a test has it fail */
	if (ret && ret != -ECONNRESET)
		ret = mk_succeed_ask_op(from, MK_CTL_THAW, MK_SUCCEED_STEP_MS);
	if (!ret || ret == -ECONNRESET)
		return;
	pr_warn("%s does not thaw (%pe)\n", from->inst->name, ERR_PTR(ret));
	scoped_guard(mutex, &from->inst->lock)
		if (mk_resize_runs(from))
			mk_life_end(from->inst, MK_CRASHED,
				    "it was to go on without a successor, and does not thaw");
}

/* It serves; what it does not get now it may get later */
static void mk_succeed_rest(struct mk_succession *sc, const struct cpumask *cpus)
{
	struct mk_resize *to = sc->to;
	unsigned int cpu;
	int ret;

	mk_broker_inherit(to->inst);
	mk_succeed_phase(sc, "rest");
	ret = mk_succeed_ask_op(to, MK_CTL_ADOPT_REST, MK_SUCCEED_PREPARE_MS);
	/* Once more: it does no harm if it has been done */
	if (ret && ret != -ECONNRESET)
		ret = mk_succeed_ask_op(to, MK_CTL_ADOPT_REST, MK_SUCCEED_PREPARE_MS);
	if (ret)
		pr_warn("%s does not use all of its memory (%pe)\n", to->inst->name,
			ERR_PTR(ret));
	for_each_cpu(cpu, cpus) {
		ret = mk_resize_offer_cpu(to, cpu, false);
		if (!ret)
			continue;
		mk_settle_note_cpu(to, cpu);
		pr_warn("CPU %u does not come to %s (%pe)\n", cpu, to->inst->name, ERR_PTR(ret));
	}
	mk_succeed_phase(sc, "done");
}

static int mk_succeed_locked(struct mk_succession *sc)
{
	struct mk_ctl_frozen frozen;
	cpumask_var_t cpus;
	int ret;

	ret = mk_settle(sc->from) ?: mk_settle(sc->to) ?: mk_succeed_check(sc) ?:
	      mk_succeed_await(sc) ?: mk_succeed_compare(sc);
	if (ret)
		return ret;
	if (!alloc_cpumask_var(&cpus, GFP_KERNEL))
		return -ENOMEM;
	scoped_guard(mutex, &sc->from->inst->lock)
		cpumask_copy(cpus, sc->from->inst->cpus);
	ret = mk_succeed_adopt(sc) ?: mk_succeed_freeze(sc, &frozen) ?:
	      mk_succeed_offer(sc, frozen.fdt_pa);
	if (ret)
		mk_succeed_roll_back(sc, "it was to succeed another kernel and did not");
	else
		mk_succeed_rest(sc, cpus);
	free_cpumask_var(cpus);
	return ret;
}

/**
 * mk_succeed() - a running instance takes the place of another
 * @from: whose place; its instance runs
 * @to: the successor; its instance runs
 *
 * What can't be is refused, and both go on.  If it fails after that, up to the moment in which
 * the successor takes over, that one is ended, and the old kernel goes on.
 *
 * Context: process; may sleep for as long as the instances take.
 * Return: 0; -EINVAL if the memory of @from is not in whole blocks; -EOPNOTSUPP, -EPROTO or
 * -EBUSY if one of the kernels can't; -ENOSPC; -ENOMEM; -ECANCELED if userspace of @from does
 * not want it; -ECONNRESET if one of the two has ended; -ETIMEDOUT if one did not answer, or
 * nobody in @to waited, or took over, in time.
 */
int mk_succeed(struct mk_resize *from, struct mk_resize *to)
{
	struct mk_succession sc = { .from = from, .to = to };
	struct mk_instance *a = from->inst, *b = to->inst;

	if (a > b)
		swap(a, b);
	init_completion(&sc.over);
	guard(mutex)(&a->resize_lock);
	mutex_lock_nested(&b->resize_lock, SINGLE_DEPTH_NESTING);
	sc.ret = mk_succeed_locked(&sc);
	mutex_unlock(&b->resize_lock);
	return sc.ret;
}
