// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: guest_resize.c - an instance takes and gives CPUs and memory
 *
 * What the host asks of a running instance, see resize.c.  Both go the ways that
 * hotplug of a machine's CPUs and memory goes, with all checks that others have
 * put there: a task that can't leave a CPU, or a page that can't leave a block, makes
 * the instance refuse, and then nothing has changed.
 *
 * A question may come twice, if an answer was lost: what is the case already is no
 * error.
 *
 * Memory that comes at run time is for what can be moved (ZONE_MOVABLE), so that it
 * can go again, and its page structures lie in memory that was there at the start.
 *
 * Nor does it take memory that it can't afford to describe.
 *
 * What is used stays: a block goes only if as much as it holds, and some more, is
 * available elsewhere.  To empty it may take for ever all the same, as long as somebody
 * holds one of its pages.  The kernel gives up when the task that wants it has a signal,
 * so a thread of its own does it, which gets one at the deadline.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/ioport.h>
#include <linux/jiffies.h>
#include <linux/kasan.h>
#include <linux/kthread.h>
#include <linux/log2.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/multikernel/abi/control.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "guest.h"
#include "internal.h"

/* Somewhat less than MK_RESIZE_TIMEOUT_MS, so that the host hears the answer */
#define MK_EMPTY_TIMEOUT_MS	10000

/* What must be left available: a thirty-second of all, and at least so much */
#define MK_SPARE_SHARE		32
#define MK_SPARE_MIN_PAGES	(SZ_16M / PAGE_SIZE)

static int mk_guest_find_cpu(u32 phys_id)
{
	unsigned int cpu;

	for_each_present_cpu(cpu)
		if (mk_arch_phys_id(cpu) == phys_id)
			return cpu;
	return -ENODEV;
}

static int mk_guest_add_cpu(const struct mk_ctl_cpu *req)
{
	int cpu = mk_guest_find_cpu(req->phys_id), ret;

	if (cpu < 0)
		cpu = mk_arch_add_cpu(req->phys_id);
	if (cpu < 0)
		return cpu;
	/* Positive: it is online already */
	ret = add_cpu(cpu);
	if (ret < 0)
		mk_arch_del_cpu(cpu);
	return min(ret, 0);
}

static int mk_guest_del_cpu(const struct mk_ctl_cpu *req)
{
	int cpu = mk_guest_find_cpu(req->phys_id), ret;

	if (cpu < 0)
		return 0;
	/* Positive: it is offline already */
	ret = remove_cpu(cpu);
	if (ret < 0)
		return ret;
	mk_arch_del_cpu(cpu);
	return 0;
}

#ifdef CONFIG_MEMORY_HOTREMOVE
/**
 * mk_guest_mem_shift() - in which units does this kernel take and give memory?
 *
 * Return: log2 of their size in bytes; 0 if it can't.
 */
u32 mk_guest_mem_shift(void)
{
	return ilog2(memory_block_size_bytes());
}

/**
 * mk_guest_mem_ok() - can this be memory that comes or goes?
 * @req: what the host says
 *
 * Return: true if it is in whole memory blocks.
 */
bool mk_guest_mem_ok(const struct mk_ctl_mem *req)
{
	u64 block = memory_block_size_bytes();

	return req->size && IS_ALIGNED(req->start_pa | req->size, block) &&
	       req->start_pa + req->size > req->start_pa;
}

/* What must be left after that; it must not end in the OOM killer's hands */
static bool mk_guest_can_spare(u64 size)
{
	unsigned long reserve = max(totalram_pages() / MK_SPARE_SHARE, MK_SPARE_MIN_PAGES);

	return si_mem_available() >= (long)(size / PAGE_SIZE + reserve);
}

/* Memory that is there already and describes what comes */
static u64 mk_guest_mem_cost(u64 size)
{
	u64 cost = size / PAGE_SIZE * sizeof(struct page);

#ifdef CONFIG_KASAN_GENERIC
	cost += size >> KASAN_SHADOW_SCALE_SHIFT;
#endif
	return cost;
}

/* What the kernel itself could have: not of what came at run time, which is movable */
static unsigned long mk_guest_kernel_pages(void)
{
	unsigned long pages = 0, zone_pages;
	struct zone *zone;

	for_each_populated_zone(zone) {
		if (zone_idx(zone) >= ZONE_MOVABLE)
			continue;
		zone_pages = zone_page_state(zone, NR_FREE_PAGES) +
			     zone_page_state(zone, NR_ZONE_INACTIVE_FILE) +
			     zone_page_state(zone, NR_ZONE_ACTIVE_FILE);
		pages += zone_pages - min(zone_pages, high_wmark_pages(zone));
	}
	return pages;
}

/**
 * mk_guest_can_describe() - is there memory for the page structures of more?
 * @size: of what comes, in bytes
 *
 * Return: true if so.
 */
bool mk_guest_can_describe(u64 size)
{
	return mk_guest_kernel_pages() >= mk_guest_mem_cost(size) / PAGE_SIZE +
					  MK_SPARE_MIN_PAGES;
}

static int mk_guest_add_mem(const struct mk_ctl_mem *req)
{
	if (!mk_guest_mem_ok(req))
		return -EINVAL;
	/* The host did not hear that it is ours, or still is */
	if (region_intersects(req->start_pa, req->size, IORESOURCE_SYSTEM_RAM,
			      IORES_DESC_NONE) == REGION_INTERSECTS)
		return 0;
	if (region_intersects(req->start_pa, req->size, IORESOURCE_MEM,
			      IORES_DESC_NONE) != REGION_DISJOINT)
		return -EINVAL;
	if (!mk_guest_can_describe(req->size))
		return -ENOMEM;
	return __add_memory_driver_managed(mk_guest_node(req->node), req->start_pa, req->size,
					   "System RAM (multikernel)", MHP_NONE,
					   MMOP_ONLINE_MOVABLE);
}

/**
 * struct mk_emptying - a block of memory is to be given
 * @start: physical address
 * @size: in bytes
 * @done: it is, or can't be
 * @ret: 0 or a negative errno
 */
struct mk_emptying {
	u64 start;
	u64 size;
	struct completion done;
	int ret;
};

static int mk_guest_empty(void *data)
{
	struct mk_emptying *em = data;

	allow_kernel_signal(SIGTERM);
	em->ret = offline_and_remove_memory(em->start, em->size);
	complete(&em->done);
	return 0;
}

static int mk_guest_del_mem(const struct mk_ctl_mem *req)
{
	struct mk_emptying em = { .start = req->start_pa, .size = req->size };
	struct task_struct *task;

	if (!mk_guest_mem_ok(req))
		return -EINVAL;
	if (region_intersects(req->start_pa, req->size, IORESOURCE_SYSTEM_RAM,
			      IORES_DESC_NONE) == REGION_DISJOINT)
		return 0;
	/* To empty a block fills others */
	if (!mk_guest_can_spare(req->size) || !mk_guest_hold_memory())
		return -EBUSY;
	init_completion(&em.done);
	task = kthread_create(mk_guest_empty, &em, "mk-empty");
	if (IS_ERR(task)) {
		mk_guest_release_memory();
		return PTR_ERR(task);
	}
	get_task_struct(task);
	wake_up_process(task);
	if (!wait_for_completion_timeout(&em.done,
					 msecs_to_jiffies(MK_EMPTY_TIMEOUT_MS))) {
		send_sig(SIGTERM, task, 1);
		wait_for_completion(&em.done);
	}
	put_task_struct(task);
	mk_guest_release_memory();
	/* The signal was ours */
	return em.ret == -EINTR ? -EBUSY : em.ret;
}
#else
u32 mk_guest_mem_shift(void)
{
	return 0;
}

static int mk_guest_add_mem(const struct mk_ctl_mem *req)
{
	return -EOPNOTSUPP;
}

static int mk_guest_del_mem(const struct mk_ctl_mem *req)
{
	return -EOPNOTSUPP;
}
#endif

/**
 * mk_guest_resize_call() - the host wants to give or to take
 * @data: a call, in private memory, zero up to MK_CTL_MAX
 * @len: how much of it
 *
 * Context: may sleep.
 * Return: 0; -EOPNOTSUPP for something else; -EINVAL for what can't be; -ENODEV or -ENOSPC
 * for a CPU that was not announced at the start; or what hotplug says.
 */
int mk_guest_resize_call(const void *data, size_t len)
{
	switch (*(const __u32 *)data) {
	case MK_CTL_CPU_ADD:
		return len < sizeof(struct mk_ctl_cpu) ? -EINVAL : mk_guest_add_cpu(data);
	case MK_CTL_CPU_DEL:
		return len < sizeof(struct mk_ctl_cpu) ? -EINVAL : mk_guest_del_cpu(data);
	case MK_CTL_MEM_ADD:
		return len < sizeof(struct mk_ctl_mem) ? -EINVAL : mk_guest_add_mem(data);
	case MK_CTL_MEM_DEL:
		return len < sizeof(struct mk_ctl_mem) ? -EINVAL : mk_guest_del_mem(data);
	default:
		return -EOPNOTSUPP;
	}
}
