// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: keep.c - the host enters its next kernel, and its instances run on
 *
 * ``kexec -e`` on the host ends its instances, unless the parameter keep_instances
 * (multikernel.keep_instances=1) is set, the next kernel was loaded by kexec_file_load() with
 * KHO, and says that it can take them over.  Then each that runs
 *
 * 1. has all of its memory, its shared area, the page tables of its park code, and its image
 *    preserved;
 * 2. is told by MK_CTL_AWAY to let go of its connections with the host, whose memory the next
 *    kernel uses for something else, and of the rings;
 * 3. is written down in a blob that the next kernel finds, see abi/keep.h.
 *
 * At last so are the connections between them, see broker_keep.c.
 *
 * Its CPUs are not touched: as long as CPUs are away the host sends no interrupt to all but
 * itself.  What it does by itself goes on; who asks the host for something waits, or hears
 * that it is not there.  See resume.c for what the next kernel does, guest_away.c for the
 * instance, and power.c for when this happens.
 *
 * One for which that can't be done, or that does not answer in time, ends as at any other
 * way down.  So do those that do not run: what is loaded into them stays behind.
 *
 * Locking
 * -------
 *
 * Each instance under its resize_lock and its lock, one after the other.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/multikernel/abi/keep.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "internal.h"
#include "service.h"

/*
 * So long an instance may take to let go: it ends channels, whose users have a second, and it
 * may be about to make another one.
 */
#define MK_AWAY_TIMEOUT_MS	10000
#define MK_AWAY_POLL_US		500

/* How often it is looked whether something is still being done to an instance */
#define MK_KEEP_POLL_MS		20

static int mk_keep_pages(phys_addr_t pa, u64 size)
{
	return kho_preserve_pages(pfn_to_page(PHYS_PFN(pa)), size >> PAGE_SHIFT);
}

static void mk_unkeep_pages(phys_addr_t pa, u64 size)
{
	kho_unpreserve_pages(pfn_to_page(PHYS_PFN(pa)), size >> PAGE_SHIFT);
}

static int mk_keep_memory(struct mk_instance *inst, struct mk_keep_instance *rec)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < inst->mem.nr && !ret; i++) {
		rec->range[i].pa = page_to_phys(inst->mem.range[i].page);
		rec->range[i].size = (u64)inst->mem.range[i].nr * PAGE_SIZE;
		ret = mk_keep_pages(rec->range[i].pa, rec->range[i].size);
		if (!ret)
			rec->nr_ranges++;
	}
	return ret;
}

static void mk_unkeep(struct mk_instance *inst, const struct mk_keep_instance *rec)
{
	unsigned int i;

	for (i = 0; i < rec->nr_ranges; i++)
		mk_unkeep_pages(rec->range[i].pa, rec->range[i].size);
	if (rec->shared_size)
		mk_unkeep_pages(rec->shared_pa, rec->shared_size);
	if (rec->x86.park_root_pa)
		mk_arch_unkeep(inst);
	if (rec->image.head)
		mk_image_unkeep(inst);
}

static int mk_keep_all_memory(struct mk_instance *inst, struct mk_keep_instance *rec)
{
	int ret;

	ret = mk_keep_memory(inst, rec);
	if (ret)
		return ret;
	ret = mk_keep_pages(inst->shared.pa, inst->shared.size);
	if (ret)
		return ret;
	rec->shared_pa = inst->shared.pa;
	rec->shared_size = inst->shared.size;
	return mk_arch_keep(inst, rec) ?: mk_image_keep(inst, &rec->image);
}

static void mk_keep_events(const struct mk_events *events, u64 to[MK_KEEP_EVENTS])
{
	to[0] = events->starts;
	to[1] = events->stops;
	to[2] = events->crashes;
	to[3] = events->hangs;
	to[4] = events->restarts;
	to[5] = events->updates;
	to[6] = events->state_changes;
}

/**
 * mk_keep_describe() - write an instance down
 * @inst: the instance, locked
 * @rec: zeroed; where its memory lies is not written here
 */
void mk_keep_describe(const struct mk_instance *inst, struct mk_keep_instance *rec)
{
	unsigned int i, nid;

	strscpy(rec->name, inst->name);
	rec->id = inst->id;
	rec->epoch = inst->epoch;
	rec->flags = inst->recovery ? MK_KEEP_RECOVERY : 0;
	rec->hang_ms = inst->hang_ms;
	rec->boot_ms = inst->boot_ms;
	rec->rows = inst->winsize.rows;
	rec->cols = inst->winsize.columns;
	rec->mem_block = inst->mem_block;
	rec->mem_wanted = inst->mem_wanted;
	rec->block = inst->block;
	mk_keep_events(&inst->events, rec->events);
	rec->nr_slots = inst->nr_slots;
	for (i = 0; i < inst->nr_slots; i++) {
		rec->phys_id[i] = mk_arch_phys_id(inst->slot_cpu[i]);
		if (cpumask_test_cpu(inst->slot_cpu[i], inst->cpus))
			rec->own[i / 64] |= BIT_ULL(i % 64);
	}
	for_each_node_mask(nid, inst->numa)
		rec->numa[nid / 64] |= BIT_ULL(nid % 64);
}

static int mk_keep_check(struct mk_instance *inst)
{
	if (inst->state != MK_RUNNING)
		return -EBUSY;
	if (inst->firmware != MK_FIRMWARE_BLOCK || !(inst->link.features & MK_BOOT_F_AWAY))
		return -EOPNOTSUPP;
	/* It may use a CPU or memory of which nobody knows whether it does */
	if (inst->unsure.epoch == inst->epoch &&
	    (inst->unsure.nr || !cpumask_empty(&inst->unsure.cpus)))
		return -EBUSY;
	return 0;
}

/* It has let go of everything that is not preserved */
static int mk_keep_part(struct mk_instance *inst)
{
	const struct mk_ctl_op req = { .op = MK_CTL_AWAY };
	struct mk_away *away = &inst->link.words->away;
	unsigned long end = jiffies + msecs_to_jiffies(MK_AWAY_TIMEOUT_MS);
	ssize_t ret;

	mk_broker_pause(inst);
	WRITE_ONCE(away->closed, 0);
	WRITE_ONCE(away->epoch, 0);
	ret = mk_job_call(&inst->boot[MK_CLASS_CONTROL], &req, sizeof(req), NULL, 0,
			  msecs_to_jiffies(MK_AWAY_TIMEOUT_MS));
	if (ret)
		return ret < 0 ? ret : -EPROTO;
	/* Pairs with mk_away_close() in the instance */
	while (!smp_load_acquire(&away->closed)) {
		if (time_after(jiffies, end))
			return -ETIMEDOUT;
		usleep_range(MK_AWAY_POLL_US, 2 * MK_AWAY_POLL_US);
	}
	return 0;
}

static int mk_keep_locked(struct mk_instance *inst, struct mk_keep_instance *rec)
{
	int ret;

	ret = mk_keep_check(inst) ?: mk_keep_all_memory(inst, rec) ?: mk_keep_part(inst);
	if (ret) {
		mk_unkeep(inst, rec);
		memset(rec, 0, sizeof(*rec));
		return ret;
	}
	mk_watch_end(inst);
	mk_life_cut(inst);
	mk_keep_describe(inst, rec);
	inst->kept = true;
	return 0;
}

/* Not for as long as a succession may take, of which nothing would be left */
static int mk_keep_hold(struct mk_instance *inst)
{
	unsigned long end = jiffies + msecs_to_jiffies(MK_AWAY_TIMEOUT_MS);

	while (!mutex_trylock(&inst->resize_lock)) {
		if (time_after(jiffies, end))
			return -EBUSY;
		msleep(MK_KEEP_POLL_MS);
	}
	return 0;
}

static bool mk_keep_one(struct mk_instance *inst, struct mk_keep_instance *rec)
{
	int ret = mk_keep_hold(inst);

	if (!ret) {
		scoped_guard(mutex, &inst->lock)
			ret = mk_keep_locked(inst, rec);
		mutex_unlock(&inst->resize_lock);
	}
	if (ret)
		pr_warn("instance %s can't go on without this kernel (%pe)\n", inst->name,
			ERR_PTR(ret));
	else
		pr_info("instance %s goes on without this kernel\n", inst->name);
	return !ret;
}

static unsigned int mk_keep_count(void)
{
	struct mk_instance *inst = NULL;
	unsigned int nr = 0;

	while ((inst = mk_instance_get_next(inst)))
		nr += READ_ONCE(inst->state) == MK_RUNNING;
	return nr;
}

/* The next kernel will not know of them, nor may it take their memory for somebody's */
static void mk_keep_none(const struct mk_keep_instance *rec, u32 nr)
{
	for (; nr; nr--, rec++) {
		struct mk_instance *inst __free(mk_instance) = mk_instance_get_by_id(rec->id);

		if (!inst)
			continue;
		guard(mutex)(&inst->lock);
		mk_unkeep(inst, rec);
		inst->kept = false;
	}
}

static bool mk_keep_can(void)
{
	if (!kexec_in_progress || !kexec_image)
		return false;
	if (!kho_is_enabled() || !kexec_image->kho.fdt)
		pr_warn("the next kernel was loaded without KHO: no instance goes on\n");
	else if (!mk_arch_next_keeps(kexec_image))
		pr_warn("the next kernel does not take over instances of this one: none goes on\n");
	else
		return true;
	return false;
}

/**
 * mk_keep_all() - leave the instances to the next kernel
 *
 * If the host enters one that can take them over.
 *
 * Context: a reboot notifier; may sleep.
 */
void mk_keep_all(void)
{
	unsigned int max = mk_keep_count();
	struct mk_instance *inst = NULL;
	struct mk_keep_instance *rec;
	struct mk_keep *keep;
	size_t size;

	if (!max || !mk_keep_can())
		return;
	size = sizeof(*keep) + max * sizeof(*rec);
	keep = kho_alloc_preserve(size);
	if (IS_ERR(keep)) {
		pr_warn("no memory to describe the instances: none goes on\n");
		return;
	}
	rec = (void *)(keep + 1);
	while ((inst = mk_instance_get_next(inst)))
		if (keep->nr < max && mk_state_is_up(READ_ONCE(inst->state)) &&
		    mk_keep_one(inst, &rec[keep->nr]))
			keep->nr++;
	keep->magic = MK_KEEP_MAGIC;
	keep->version = MK_KEEP_VERSION;
	keep->entry_size = sizeof(*rec);
	keep->lives = mk_peer_lives();
	keep->memory_kept = mk_memory_kept();
	if (keep->nr && !mk_broker_keep(keep)) {
		if (!kho_add_subtree(MK_KEEP_SUBTREE, keep, size))
			return;
		mk_broker_unkeep(keep);
	}
	if (keep->nr)
		pr_warn("no place to describe the instances: none goes on\n");
	mk_keep_none(rec, keep->nr);
	kho_unpreserve_free(keep);
}
