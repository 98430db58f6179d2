// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: resume.c - a host finds the instances that the host before it has left running
 *
 * See keep.c for how they were left.  Early, before any other CPU is started, the blob is
 * read, and the CPUs that it names are the instances' in the ledger: so CPU hotplug does not
 * start them, and they run on.  Their memory is in use for this kernel, as all that KHO has
 * preserved is.
 *
 * Late, when there can be instances, each is made from what is written down, with its memory,
 * as it was.  The rings in its shared area are laid out anew, in a new epoch, and a word there
 * tells it so.  It is *updating* until it says hello, with boot_ms as for a start; then it
 * runs as before, and everybody may connect to it.  One that has ended meanwhile has left its
 * last words.
 *
 * Not there any more: the text of its console, and what was being done to it through files of
 * the host before.  The connections between instances are taken over as they are.
 *
 * One that can't be made has its CPUs stopped; memory of it that can't be had is lost.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/multikernel/abi/keep.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <asm/multikernel.h>

#include "internal.h"
#include "service.h"

static struct mk_keep *mk_resume_keep __initdata;

static bool mk_resume_pages_ok(u64 pa, u64 size)
{
	return size && IS_ALIGNED(pa | size, PAGE_SIZE) && pa + size > pa;
}

static bool mk_resume_image_ok(const struct mk_keep_image *image)
{
	return image->nr_segments <= min(MK_KEEP_SEGMENTS, KEXEC_SEGMENT_MAX) &&
	       memchr(image->kernel_name, '\0', sizeof(image->kernel_name)) &&
	       memchr(image->initrd_name, '\0', sizeof(image->initrd_name)) &&
	       memchr(image->cmdline, '\0', sizeof(image->cmdline));
}

static bool mk_resume_instance_ok(const struct mk_keep_instance *rec)
{
	unsigned int i;

	if (!memchr(rec->name, '\0', sizeof(rec->name)) || !mk_name_ok(rec->name) ||
	    rec->id < MULTIKERNEL_ID_MIN || rec->id > MULTIKERNEL_ID_MAX || !rec->epoch)
		return false;
	if (!rec->nr_slots || rec->nr_slots > min(MK_KEEP_SLOTS, MK_CPUS_MAX) ||
	    !rec->nr_ranges || rec->nr_ranges > min(MK_KEEP_RANGES, MK_MEM_RANGES) ||
	    !mk_resume_pages_ok(rec->shared_pa, rec->shared_size) ||
	    mk_boot_block_check(&rec->block, rec->shared_size) ||
	    rec->block.nr_cpus + rec->block.nr_spare != rec->nr_slots ||
	    !mk_resume_image_ok(&rec->image))
		return false;
	for (i = 0; i < rec->nr_ranges; i++)
		if (!mk_resume_pages_ok(rec->range[i].pa, rec->range[i].size))
			return false;
	return true;
}

static bool mk_resume_conns_ok(const struct mk_keep *keep)
{
	u64 pairs = (u64)keep->nr * (keep->nr - 1) / 2;

	if (!keep->nr_conns)
		return true;
	return keep->nr_conns <= pairs * MK_LINK_CHANNELS && keep->conns_pa &&
	       mk_resume_pages_ok(keep->conns_pa, PAGE_SIZE) &&
	       pfn_to_online_page(PHYS_PFN(keep->conns_pa));
}

static bool mk_resume_is_there(const struct mk_keep_instance *rec, u32 nr,
			       const struct mk_keep_instance *other)
{
	for (; nr; nr--, rec++)
		if (rec->id == other->id || !strcmp(rec->name, other->name))
			return true;
	return false;
}

/**
 * mk_resume_check() - is this what a host has left, and can we take it over?
 * @keep: the blob
 * @size: its size in bytes
 *
 * Return: 0; -EPROTONOSUPPORT if it is of another version; -EINVAL if it is none, or makes
 * no sense.
 */
int mk_resume_check(const struct mk_keep *keep, size_t size)
{
	const struct mk_keep_instance *rec = (const void *)(keep + 1);
	size_t need;
	u32 i;

	if (size < sizeof(*keep) || keep->magic != MK_KEEP_MAGIC)
		return -EINVAL;
	if (keep->version != MK_KEEP_VERSION || keep->entry_size != sizeof(*rec) ||
	    keep->conn_size != sizeof(struct mk_keep_conn))
		return -EPROTONOSUPPORT;
	if (check_mul_overflow((size_t)keep->nr, sizeof(*rec), &need) ||
	    need > size - sizeof(*keep))
		return -EINVAL;
	for (i = 0; i < keep->nr; i++)
		if (!mk_resume_instance_ok(&rec[i]) || mk_resume_is_there(rec, i, &rec[i]))
			return -EINVAL;
	return mk_resume_conns_ok(keep) ? 0 : -EINVAL;
}

static unsigned int mk_resume_cpu(u32 phys_id)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		if (mk_arch_phys_id(cpu) == phys_id)
			return cpu;
	return nr_cpu_ids;
}

static bool mk_resume_owns(const struct mk_keep_instance *rec, unsigned int slot)
{
	return rec->own[slot / 64] & BIT_ULL(slot % 64);
}

static void __init mk_resume_claim(const struct mk_keep_instance *rec)
{
	unsigned int i, cpu;

	for (i = 0; i < rec->nr_slots; i++) {
		if (!mk_resume_owns(rec, i))
			continue;
		cpu = mk_resume_cpu(rec->phys_id[i]);
		if (cpu >= nr_cpu_ids || mk_ledger_claim_cpu(cpu, MK_OWNER_HOST, rec->id))
			pr_err("CPU with the physical id %u of instance %s is not there\n",
			       rec->phys_id[i], rec->name);
	}
}

/* Before the other CPUs are started */
static int __init mk_resume_early(void)
{
	struct mk_keep_instance *rec;
	struct mk_keep *keep;
	phys_addr_t pa;
	size_t size;
	u32 i;
	int ret;

	if (mk_is_instance() || kho_retrieve_subtree(MK_KEEP_SUBTREE, &pa, &size))
		return 0;
	keep = phys_to_virt(pa);
	ret = mk_resume_check(keep, size);
	if (ret) {
		pr_err("instances of the host before can't be taken over (%pe): they end, and their memory is lost\n",
		       ERR_PTR(ret));
		return 0;
	}
	ret = mk_cpus_init();
	if (ret)
		return ret;
	mk_resume_keep = keep;
	rec = (void *)(keep + 1);
	for (i = 0; i < keep->nr; i++)
		mk_resume_claim(&rec[i]);
	return 0;
}
early_initcall(mk_resume_early);

static void mk_resume_events(struct mk_events *events, const u64 from[MK_KEEP_EVENTS])
{
	*events = (struct mk_events){
		.starts = from[0],
		.stops = from[1],
		.crashes = from[2],
		.hangs = from[3],
		.restarts = from[4],
		.updates = from[5],
		.state_changes = from[6],
	};
}

/* All that are there, so that they can be stopped if one is not */
static int mk_resume_cpus(struct mk_instance *inst, const struct mk_keep_instance *rec)
{
	unsigned int i, cpu;
	int ret = 0;

	inst->nr_slots = rec->nr_slots;
	for (i = 0; i < rec->nr_slots; i++) {
		cpu = mk_resume_cpu(rec->phys_id[i]);
		/* What is not there any more it can't be given, nor the boot CPU */
		inst->slot_cpu[i] = cpu < nr_cpu_ids ? cpu : 0;
		if (!mk_resume_owns(rec, i))
			continue;
		if (cpu < nr_cpu_ids && mk_ledger_cpu_owner(cpu) == inst->id)
			cpumask_set_cpu(cpu, inst->cpus);
		else
			ret = -ENODEV;
	}
	return cpumask_empty(inst->cpus) ? -ENODEV : ret;
}

/**
 * mk_resume_describe() - an instance is as it is written down
 * @inst: a new one, locked
 * @rec: checked
 *
 * But for its memory.
 *
 * Return: 0, or -ENODEV if a CPU is not there.
 */
int mk_resume_describe(struct mk_instance *inst, const struct mk_keep_instance *rec)
{
	unsigned int nid;

	inst->epoch = rec->epoch;
	inst->recovery = rec->flags & MK_KEEP_RECOVERY;
	inst->beat_ms = rec->block.beat_ms;
	inst->hang_ms = rec->hang_ms;
	inst->boot_ms = rec->boot_ms;
	inst->winsize.rows = rec->rows;
	inst->winsize.columns = rec->cols;
	inst->mem_block = rec->mem_block;
	inst->mem_wanted = rec->mem_wanted;
	inst->block = rec->block;
	mk_resume_events(&inst->events, rec->events);
	for (nid = 0; nid < min(MAX_NUMNODES, MK_KEEP_NODES); nid++)
		if (rec->numa[nid / 64] & BIT_ULL(nid % 64))
			node_set(nid, inst->numa);
	return mk_resume_cpus(inst, rec);
}

static int __init mk_resume_shared(struct mk_instance *inst, const struct mk_keep_instance *rec)
{
	if (!kho_restore_pages(rec->shared_pa, rec->shared_size >> PAGE_SHIFT))
		return -EFAULT;
	inst->shared.pa = rec->shared_pa;
	inst->shared.va = phys_to_virt(rec->shared_pa);
	inst->shared.size = rec->shared_size;
	return 0;
}

static int __init mk_resume_memory(struct mk_instance *inst, const struct mk_keep_instance *rec)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < rec->nr_ranges && !ret; i++) {
		struct page *page = kho_restore_pages(rec->range[i].pa,
						      rec->range[i].size >> PAGE_SHIFT);

		ret = page ? mk_memory_resume(inst, page, rec->range[i].size >> PAGE_SHIFT) :
			     -EFAULT;
	}
	return ret;
}

static int __init mk_resume_parts(struct mk_instance *inst, const struct mk_keep_instance *rec)
{
	guard(mutex)(&inst->lock);
	return mk_resume_describe(inst, rec) ?: mk_resume_memory(inst, rec) ?:
	       mk_resume_shared(inst, rec) ?: mk_arch_resume(inst, rec) ?:
	       mk_image_resume(inst, &rec->image) ?: mk_life_resume(inst);
}

/* There is nobody else who could stop them; its memory stays preserved for nobody */
static void __init mk_resume_stop(const struct mk_keep_instance *rec)
{
	unsigned int i, cpu;
	u32 to;

	for (i = 0; i < rec->nr_slots; i++) {
		cpu = mk_resume_owns(rec, i) ? mk_resume_cpu(rec->phys_id[i]) : nr_cpu_ids;
		if (cpu >= nr_cpu_ids || mk_ledger_cpu_owner(cpu) != rec->id)
			continue;
		to = mk_arch_stop_cpu(cpu) ? MK_OWNER_QUARANTINE : MK_OWNER_HOST;
		mk_ledger_claim_cpu(cpu, rec->id, to);
	}
}

static int __init mk_resume_one(const struct mk_keep_instance *rec)
{
	struct mk_instance *inst = mk_instance_create(rec->name);
	int ret;

	if (IS_ERR(inst)) {
		mk_resume_stop(rec);
		return PTR_ERR(inst);
	}
	ret = mk_instance_set_id(inst, rec->id) ?: mk_resume_parts(inst, rec) ?: mk_fs_add(inst);
	if (!ret)
		return 0;
	scoped_guard(mutex, &inst->lock)
		mk_life_abandon(inst);
	mk_instance_retire(inst);
	mk_instance_put(inst);
	return ret;
}

/**
 * mk_resume_all() - take over what the host before has left
 *
 * Context: late init, when there can be instances.
 */
void __init mk_resume_all(void)
{
	const struct mk_keep_instance *rec;
	u32 i;
	int ret;

	if (!mk_resume_keep)
		return;
	rec = (void *)(mk_resume_keep + 1);
	mk_peer_set_lives(mk_resume_keep->lives);
	mk_memory_keep(mk_resume_keep->memory_kept);
	mk_arch_refresh_ipis();
	mk_broker_resume_begin(mk_resume_keep);
	for (i = 0; i < mk_resume_keep->nr; i++) {
		ret = mk_resume_one(&rec[i]);
		if (!ret) {
			pr_info("instance %s, id %u, runs on from the host before\n", rec[i].name,
				rec[i].id);
			continue;
		}
		pr_err("instance %s of the host before can't be taken over (%pe)\n", rec[i].name,
		       ERR_PTR(ret));
	}
	mk_broker_resume(mk_resume_keep);
	kho_restore_free(mk_resume_keep);
	mk_resume_keep = NULL;
}
