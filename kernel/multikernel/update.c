// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: update.c - an instance enters its next kernel
 *
 * A kernel that is an instance may be replaced by another one by kexec, as on any machine
 * (Documentation/multikernel/update.rst).  The host takes part, because it plays firmware:
 *
 * 1. The kernel that goes has shut down its devices and halted its other CPUs.  It writes
 *    the last words MK_END_KEXEC, and waits; see guest_update.c.
 * 2. The host takes the other CPUs away by INIT, as at an end.  It ends the channels, lays
 *    out the shared area anew, at the same place and in a new epoch, with the CPUs and the
 *    memory that the instance has by now, and parks the other CPUs there.
 * 3. It says that it has done so, and the kernel that goes enters the next one.  For the
 *    host that one boots, with the deadline boot_ms, until it says hello.
 *
 * What does not change: name, id, CPUs, memory, console with its text, and the image that
 * is kept.  That is the one that was loaded here; it is what starts if the next kernel does
 * not come up, or crashes, and "recovery" is set.
 *
 * Nobody has stopped the CPU that waits, so this relies on the kernel that goes to keep to
 * itself: by then that is one loop with interrupts off, and what copies the next kernel
 * into place.
 *
 * Locking
 * -------
 *
 * All under the instance's lock.  A change of its CPUs or memory that is under way finds
 * another epoch, and leaves to the instance what is the instance's; see resize.c.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/cpumask.h>

#include "internal.h"
#include "service.h"

/* Which CPU waits, as the instance says */
static unsigned int mk_update_cpu(struct mk_instance *inst)
{
	u32 phys_id = READ_ONCE(inst->link.words->update.phys_id);
	unsigned int cpu;

	for_each_cpu(cpu, inst->cpus)
		if (mk_arch_phys_id(cpu) == phys_id)
			return cpu;
	return nr_cpu_ids;
}

static int mk_update_layout(struct mk_instance *inst, unsigned int first,
			    struct mk_boot_block *block)
{
	unsigned int nr_cpus = cpumask_weight(inst->cpus);
	size_t size;
	int ret;

	ret = mk_life_list_cpus(inst, first) ?:
	      mk_boot_block_layout(block, nr_cpus, inst->nr_slots - nr_cpus, inst->mem.nr,
				   &size);
	if (!ret && size != inst->shared.size)
		ret = mk_fail(-E2BIG, "the shared area of %s has %zu bytes and %zu are needed",
			      inst->name, inst->shared.size, size);
	return ret;
}

static int mk_update_stop_others(struct mk_instance *inst, unsigned int first)
{
	unsigned int cpu;

	for_each_cpu(cpu, inst->cpus)
		if (cpu != first && (mk_debug_stop_would_fail(cpu) || mk_arch_stop_cpu(cpu)))
			return -ETIMEDOUT;
	return 0;
}

static int mk_update_open(struct mk_instance *inst, struct mk_boot_block *block)
{
	int ret;

	inst->epoch++;
	memset(inst->shared.va, 0, inst->shared.size);
	mk_boot_block_fill(inst, block);
	mk_arch_update(inst, block);
	memcpy(inst->shared.va, block, sizeof(*block));
	inst->block = *block;
	ret = mk_link_attach(&inst->link, inst->shared.va, inst->shared.size, block, true);
	if (!ret)
		mk_link_open(&inst->link);
	return ret;
}

static int mk_update_park_others(struct mk_instance *inst, unsigned int first)
{
	unsigned int cpu;
	int ret;

	for_each_cpu(cpu, inst->cpus) {
		ret = cpu == first ? 0 : mk_arch_park_cpu(inst, cpu);
		if (ret)
			return ret;
	}
	return 0;
}

static void mk_update_go(struct mk_instance *inst)
{
	inst->events.updates++;
	strscpy(inst->reason, "none");
	mk_recover_cancel(inst);
	mk_instance_set_state(inst, MK_UPDATING);
	mk_watch_boot(inst);
	queue_delayed_work(mk_wq, &inst->poll_work, 0);
	pr_info("instance %s enters its next kernel on CPU %u\n", inst->name,
		inst->slot_cpu[0]);
	/* Pairs with mk_guest_update() */
	smp_store_release(&inst->link.words->update.epoch, inst->epoch);
}

/**
 * mk_update() - make way for the next kernel of an instance
 * @inst: the instance, locked and up; its last words are MK_END_KEXEC
 *
 * If that can't be the instance ends.
 *
 * Context: may sleep.
 */
void mk_update(struct mk_instance *inst)
{
	unsigned int first = mk_update_cpu(inst);
	struct mk_boot_block block;

	if (first >= nr_cpu_ids) {
		mk_life_end(inst, MK_CRASHED, "kexec on a CPU that it does not have");
		return;
	}
	/* One after the other costs the host no more than a kernel's boot does the instance */
	if (inst->greeted != inst->epoch) {
		mk_life_end(inst, MK_CRASHED, "kexec before it has said hello");
		return;
	}
	if (!mk_state_may(inst->state, MK_UPDATING)) {
		mk_life_end(inst, MK_LOADED, "kexec when it was to shut down");
		return;
	}
	mk_watch_end(inst);
	if (mk_update_layout(inst, first, &block)) {
		mk_life_end(inst, MK_CRASHED, "kexec, and no room to describe its machine");
		return;
	}
	if (mk_update_stop_others(inst, first)) {
		mk_life_end(inst, MK_CRASHED, "kexec, and a CPU of it can't be stopped");
		return;
	}
	mk_life_cut(inst);
	if (mk_update_open(inst, &block) || mk_update_park_others(inst, first)) {
		mk_life_end(inst, MK_CRASHED, "kexec, and a CPU of it did not start");
		return;
	}
	mk_update_go(inst);
}
