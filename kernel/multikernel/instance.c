// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: instance.c - the instance object and its states
 *
 * An instance is created by mkdir and removed by rmdir; in between it is a
 * refcounted object in one list.  Its state changes only along the arrows of one
 * table::
 *
 *   offline <-> loaded -> booting -> running -> stopping
 *                 ^          |          |           |
 *                 +----------+----------+-----------+   end in order, or kill
 *                 |          v          v           v
 *                 +------- crashed <----+-----------+   panic
 *
 * running and hung go to and fro, and a hung one ends as one that runs.  crashed goes on
 * to booting (the image is kept) or to offline (unload).
 *
 * Locking
 * -------
 *
 * mk_instances_lock protects the list, names, ids and references from the list.
 * mk_instance.lock protects everything else of an instance, and is never held
 * over a wait for the instance that has no bound.  A load holds it while files
 * are read, for as long as their filesystem takes; nobody waits for it there with
 * a lock that others need.
 * Lock order: mk_instance.resize_lock -> mk_instance.lock -> mk_instances_lock.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/ctype.h>
#include <linux/slab.h>
#include <trace/events/multikernel.h>

#include "internal.h"

static LIST_HEAD(mk_instances);
static DEFINE_MUTEX(mk_instances_lock);

/*
 * mk_instance_notify - called when an instance has printed something or, with
 * @state set, has changed its state
 *
 * Registered by the layer above.
 */
void (*mk_instance_notify)(struct mk_instance *inst, bool state);

/* Set by the layer above: two instances have exchanged what is known of them */
void (*mk_instance_exchanged)(struct mk_instance *a, struct mk_instance *b);

static const char * const mk_state_names[MK_NR_STATES] = {
	[MK_OFFLINE]	= "offline",
	[MK_LOADED]	= "loaded",
	[MK_BOOTING]	= "booting",
	[MK_RUNNING]	= "running",
	[MK_STOPPING]	= "stopping",
	[MK_CRASHED]	= "crashed",
	[MK_HUNG]	= "hung",
	[MK_UPDATING]	= "updating",
};

static const u8 mk_state_next[MK_NR_STATES] = {
	/* One that the host before has started goes on, see resume.c */
	[MK_OFFLINE]	= BIT(MK_LOADED) | BIT(MK_UPDATING),
	[MK_LOADED]	= BIT(MK_OFFLINE) | BIT(MK_LOADED) | BIT(MK_BOOTING),
	[MK_BOOTING]	= BIT(MK_LOADED) | BIT(MK_RUNNING) | BIT(MK_CRASHED) | BIT(MK_HUNG) |
			  BIT(MK_UPDATING),
	[MK_RUNNING]	= BIT(MK_LOADED) | BIT(MK_STOPPING) | BIT(MK_CRASHED) | BIT(MK_HUNG) |
			  BIT(MK_UPDATING),
	[MK_STOPPING]	= BIT(MK_LOADED) | BIT(MK_CRASHED),
	[MK_CRASHED]	= BIT(MK_OFFLINE) | BIT(MK_LOADED) | BIT(MK_BOOTING),
	[MK_HUNG]	= BIT(MK_LOADED) | BIT(MK_RUNNING) | BIT(MK_STOPPING) | BIT(MK_CRASHED) |
			  BIT(MK_UPDATING),
	[MK_UPDATING]	= BIT(MK_LOADED) | BIT(MK_RUNNING) | BIT(MK_CRASHED) | BIT(MK_HUNG) |
			  BIT(MK_UPDATING),
};

/**
 * mk_state_name() - a state in words
 * @state: the state
 *
 * Return: what the file "state" shows.
 */
const char *mk_state_name(enum mk_state state)
{
	return mk_state_names[state];
}

/**
 * mk_state_may() - is there an arrow?
 * @from: state
 * @to: state
 *
 * Return: true if an instance may go from @from to @to.
 */
bool mk_state_may(enum mk_state from, enum mk_state to)
{
	return mk_state_next[from] & BIT(to);
}

/**
 * mk_state_is_up() - may the instance's CPUs run something of it?
 * @state: its state
 *
 * Return: true if so.
 */
bool mk_state_is_up(enum mk_state state)
{
	return mk_state_boots(state) || state == MK_RUNNING || state == MK_STOPPING ||
	       state == MK_HUNG;
}

/**
 * mk_state_boots() - is a kernel on its way to say hello?
 * @state: its state
 *
 * Return: true if so.
 */
bool mk_state_boots(enum mk_state state)
{
	return state == MK_BOOTING || state == MK_UPDATING;
}

/**
 * mk_instance_set_state() - go to another state
 * @inst: the instance, locked
 * @state: the state to go to
 */
void mk_instance_set_state(struct mk_instance *inst, enum mk_state state)
{
	lockdep_assert_held(&inst->lock);
	if (WARN_ON_ONCE(!mk_state_may(inst->state, state)))
		return;
	trace_mk_state(inst->name, mk_state_name(inst->state), mk_state_name(state));
	WRITE_ONCE(inst->state, state);
	inst->events.state_changes++;
	if (mk_instance_notify)
		mk_instance_notify(inst, true);
}

/**
 * mk_name_ok() - can an instance have this name?
 * @name: the name
 *
 * Return: true if so.
 */
bool mk_name_ok(const char *name)
{
	size_t len = strlen(name);
	size_t i;

	if (!len || len > MULTIKERNEL_NAME_MAX || name[0] == '.')
		return false;
	for (i = 0; i < len; i++)
		if (!isalnum(name[i]) && !strchr("._-", name[i]))
			return false;
	return true;
}

static struct mk_instance *mk_instance_find(u32 id)
{
	struct mk_instance *inst;

	lockdep_assert_held(&mk_instances_lock);
	list_for_each_entry(inst, &mk_instances, node)
		if (inst->id == id)
			return inst;
	return NULL;
}

static u32 mk_instance_free_id(void)
{
	u32 id;

	for (id = MULTIKERNEL_ID_MIN; id <= MULTIKERNEL_ID_MAX; id++)
		if (!mk_instance_find(id))
			return id;
	return 0;
}

static void mk_instance_free(struct mk_instance *inst)
{
	mk_life_destroy(inst);
	mk_console_free(inst->console);
	free_cpumask_var(inst->cpus);
	kfree(inst);
}

static struct mk_instance *mk_instance_alloc(const char *name)
{
	struct mk_instance *inst = kzalloc_obj(*inst);

	if (!inst)
		return NULL;
	refcount_set(&inst->ref, 1);
	mutex_init(&inst->lock);
	mutex_init(&inst->resize_lock);
	INIT_LIST_HEAD(&inst->nodes);
	INIT_LIST_HEAD(&inst->vmcores);
	strscpy(inst->name, name);
	strscpy(inst->reason, "none");
	inst->console = mk_console_alloc();
	if (!inst->console || !zalloc_cpumask_var(&inst->cpus, GFP_KERNEL)) {
		mk_console_free(inst->console);
		kfree(inst);
		return NULL;
	}
	if (mk_life_init(inst)) {
		free_cpumask_var(inst->cpus);
		mk_console_free(inst->console);
		kfree(inst);
		return NULL;
	}
	return inst;
}

/**
 * mk_instance_create() - a new instance that owns nothing
 * @name: its name
 *
 * Return: the instance with a reference for the caller, or an ERR_PTR(): -EINVAL
 * for a bad name, -ENOSPC if there are no more ids, -ENOMEM.
 */
struct mk_instance *mk_instance_create(const char *name)
{
	struct mk_instance *inst;

	if (!mk_name_ok(name))
		return ERR_PTR(mk_fail(-EINVAL,
				       "a name has 1 to %u letters, digits, '.', '_' or '-', and does not begin with '.'",
				       MULTIKERNEL_NAME_MAX));
	inst = mk_instance_alloc(name);
	if (!inst)
		return ERR_PTR(-ENOMEM);

	scoped_guard(mutex, &mk_instances_lock) {
		inst->id = mk_instance_free_id();
		if (inst->id) {
			list_add_tail(&inst->node, &mk_instances);
			return inst;
		}
	}
	mk_instance_free(inst);
	return ERR_PTR(mk_fail(-ENOSPC, "all %u ids are in use",
			       MULTIKERNEL_ID_MAX));
}

/**
 * mk_instance_get_by_id() - find an instance
 * @id: its id
 *
 * Return: the instance with a reference for the caller, or NULL.
 */
struct mk_instance *mk_instance_get_by_id(u32 id)
{
	struct mk_instance *inst;

	guard(mutex)(&mk_instances_lock);
	inst = mk_instance_find(id);
	if (inst)
		refcount_inc(&inst->ref);
	return inst;
}

/**
 * mk_instance_get_by_name() - find an instance
 * @name: its name
 *
 * Return: the instance with a reference for the caller, or NULL.
 */
struct mk_instance *mk_instance_get_by_name(const char *name)
{
	struct mk_instance *inst;

	guard(mutex)(&mk_instances_lock);
	list_for_each_entry(inst, &mk_instances, node) {
		if (strcmp(inst->name, name))
			continue;
		refcount_inc(&inst->ref);
		return inst;
	}
	return NULL;
}

/**
 * mk_instance_get_next() - all of them in turn
 * @inst: the one before, whose reference goes back; NULL at first
 *
 * Those that come or go meanwhile may be left out.
 *
 * Return: one with a higher id, with a reference for the caller; NULL if there is none.
 */
struct mk_instance *mk_instance_get_next(struct mk_instance *inst)
{
	struct mk_instance *it, *next = NULL;
	u32 after = inst ? inst->id : 0;

	scoped_guard(mutex, &mk_instances_lock) {
		list_for_each_entry(it, &mk_instances, node)
			if (it->id > after && (!next || it->id < next->id))
				next = it;
		if (next)
			refcount_inc(&next->ref);
	}
	if (inst)
		mk_instance_put(inst);
	return next;
}

/**
 * mk_instance_get() - take another reference
 * @inst: an instance to which the caller has one
 */
void mk_instance_get(struct mk_instance *inst)
{
	refcount_inc(&inst->ref);
}

/**
 * mk_instance_put() - drop a reference
 * @inst: the instance, or NULL
 */
void mk_instance_put(struct mk_instance *inst)
{
	if (inst && refcount_dec_and_test(&inst->ref))
		mk_instance_free(inst);
}

/**
 * mk_instance_slot() - where a CPU stands in the instance's list
 * @inst: an instance that was started
 * @cpu: logical number
 *
 * Return: its index in the boot block and among the park slots; -ENOENT if the instance
 * was not told of it.
 */
int mk_instance_slot(const struct mk_instance *inst, unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < inst->nr_slots; i++)
		if (inst->slot_cpu[i] == cpu)
			return i;
	return -ENOENT;
}

/**
 * mk_instance_set_id() - give an instance the id that the user asked for
 * @inst: the instance, not locked
 * @id: the id
 *
 * Only as long as it owns nothing: the ledger knows owners by their ids.
 *
 * Return: 0, -EINVAL if there can't be such an id, -EBUSY if it is taken or the
 * instance has CPUs, memory or an image already.
 */
int mk_instance_set_id(struct mk_instance *inst, u32 id)
{
	struct mk_instance *other;

	if (id < MULTIKERNEL_ID_MIN || id > MULTIKERNEL_ID_MAX)
		return mk_fail(-EINVAL, "ids go from %u to %u",
			       MULTIKERNEL_ID_MIN, MULTIKERNEL_ID_MAX);

	guard(mutex)(&inst->lock);
	guard(mutex)(&mk_instances_lock);
	other = mk_instance_find(id);
	if (other == inst)
		return 0;
	if (other)
		return mk_fail(-EBUSY, "id %u belongs to instance %s", id,
			       other->name);
	if (inst->image || inst->mem.nr || !cpumask_empty(inst->cpus))
		return mk_fail(-EBUSY, "instance %s has CPUs, memory or an image; its id stays %u",
			       inst->name, inst->id);
	inst->id = id;
	return 0;
}

static void mk_instance_rename(struct mk_instance *inst, u32 id)
{
	unsigned int cpu;

	for_each_cpu(cpu, inst->cpus)
		WARN_ON(mk_ledger_claim_cpu(cpu, inst->id, id));
	WARN_ON(mk_memory_rename(inst, id));
}

/* How often a kernel that runs shows that it lives does not change */
static void mk_instance_mind_beat(struct mk_instance *inst)
{
	if (inst->hang_ms)
		inst->hang_ms = max(inst->hang_ms, 2 * inst->beat_ms);
}

/**
 * mk_instance_exchange() - each of two instances becomes the other one
 * @a: the one
 * @b: the other one
 *
 * That is for whoever looks from outside: name, id, directory, console with its text, and
 * what was set.  CPUs, memory, image, and what runs stay where they are.
 *
 * Context: under the locks of both.
 */
void mk_instance_exchange(struct mk_instance *a, struct mk_instance *b)
{
	char name[sizeof(a->name)];

	lockdep_assert_held(&a->lock);
	lockdep_assert_held(&b->lock);
	mk_instance_rename(a, b->id);
	mk_instance_rename(b, a->id);
	scoped_guard(mutex, &mk_instances_lock) {
		swap(a->id, b->id);
		strscpy(name, a->name);
		strscpy(a->name, b->name);
		strscpy(b->name, name);
	}
	swap(a->recovery, b->recovery);
	swap(a->hang_ms, b->hang_ms);
	mk_instance_mind_beat(a);
	mk_instance_mind_beat(b);
	swap(a->boot_ms, b->boot_ms);
	swap(a->winsize, b->winsize);
	swap(a->numa, b->numa);
	swap(a->mem_wanted, b->mem_wanted);
	swap(a->events, b->events);
	if (mk_instance_exchanged)
		mk_instance_exchanged(a, b);
	else
		swap(a->console, b->console);
}

/**
 * mk_instance_retire_from() - take everything back and forget the instance
 * @inst: the instance
 * @dir: what must be its directory; NULL if that does not matter
 *
 * The caller's reference stays.
 *
 * Return: 0, -EBUSY if the instance is up or retired already, or has another directory.
 */
int mk_instance_retire_from(struct mk_instance *inst, const struct kernfs_node *dir)
{
	scoped_guard(mutex, &inst->lock) {
		if (inst->dead || (dir && dir != inst->dir_kn))
			return -EBUSY;
		if (mk_state_is_up(inst->state))
			return mk_fail(-EBUSY, "instance %s is %s; stop it first",
				       inst->name, mk_state_name(inst->state));
		inst->dead = true;
		mk_image_drop(inst);
		mk_cpus_give_back(inst);
		mk_memory_set(inst, 0);
		mk_life_release(inst);
	}
	scoped_guard(mutex, &mk_instances_lock)
		list_del(&inst->node);
	return 0;
}
