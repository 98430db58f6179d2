// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: guest_beat.c - an instance shows that it lives
 *
 * On each CPU a timer counts up a word in the shared area, and has the highest scheduling
 * class there is (see kernel/stop_machine.c) count up another one: what keeps the first from
 * counting has interrupts off, and what keeps the second has preemption off, whatever
 * priorities tasks have.  A CPU that the timer finds idle has nothing else to run, and need
 * not be woken for the second.  An NMI from the host is answered in a third word.  See
 * watch.c for what the host makes of it.
 *
 * A CPU that is offline here counts nothing, and its first word is zero.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/cpuhotplug.h>
#include <linux/hrtimer.h>
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/multikernel.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/stop_machine.h>

#include "guest.h"
#include "internal.h"

/**
 * struct mk_beater - one CPU's
 * @timer: counts &mk_beat.irq
 * @stop: counts &mk_beat.task
 * @busy: @stop has not run yet
 * @beat: where; NULL if the host has not told of this CPU
 */
struct mk_beater {
	struct hrtimer timer;
	struct cpu_stop_work stop;
	bool busy;
	struct mk_beat *beat;
};

static DEFINE_PER_CPU(struct mk_beater, mk_beaters);

static int mk_beat_stop(void *data)
{
	struct mk_beater *it = data;

	WRITE_ONCE(it->beat->task, it->beat->task + 1);
	WRITE_ONCE(it->busy, false);
	return 0;
}

static enum hrtimer_restart mk_beat_timer(struct hrtimer *timer)
{
	struct mk_beater *it = container_of(timer, struct mk_beater, timer);

	/* Never zero again */
	WRITE_ONCE(it->beat->irq, (it->beat->irq + 1) ?: 1);
	if (READ_ONCE(it->busy)) {
		/* Not yet */
	} else if (is_idle_task(current) && !need_resched()) {
		WRITE_ONCE(it->beat->task, it->beat->task + 1);
	} else {
		WRITE_ONCE(it->busy, true);
		stop_one_cpu_nowait(smp_processor_id(), mk_beat_stop, it, &it->stop);
	}
	hrtimer_forward_now(timer, ms_to_ktime(mk_guest_block()->beat_ms));
	return HRTIMER_RESTART;
}

static struct mk_beat *mk_beat_of(unsigned int cpu)
{
	const struct mk_boot_block *block = mk_guest_block();
	const struct mk_boot_cpu *cpus = mk_guest_shared() + block->cpus_off;
	struct mk_beat *beats = mk_guest_shared() + block->beats_off;
	unsigned int i;

	for (i = 0; i < block->nr_cpus + block->nr_spare; i++)
		if (READ_ONCE(cpus[i].phys_id) == mk_arch_phys_id(cpu))
			return &beats[i];
	return NULL;
}

static int mk_beat_online(unsigned int cpu)
{
	struct mk_beater *it = this_cpu_ptr(&mk_beaters);

	it->beat = mk_beat_of(cpu);
	it->busy = false;
	if (!it->beat)
		return 0;
	WRITE_ONCE(it->beat->task, it->beat->task + 1);
	WRITE_ONCE(it->beat->irq, 1);
	hrtimer_setup(&it->timer, mk_beat_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&it->timer, ms_to_ktime(mk_guest_block()->beat_ms),
		      HRTIMER_MODE_REL_PINNED_HARD);
	return 0;
}

static int mk_beat_offline(unsigned int cpu)
{
	struct mk_beater *it = this_cpu_ptr(&mk_beaters);

	if (!it->beat)
		return 0;
	hrtimer_cancel(&it->timer);
	WRITE_ONCE(it->beat->irq, 0);
	return 0;
}

/**
 * mk_guest_beat_nmi() - is this NMI a question of the host?
 * @regs: registers that it found, which are kept for a core file
 *
 * Context: NMI.
 * Return: true if so; it has been answered.
 */
bool mk_guest_beat_nmi(struct pt_regs *regs)
{
	struct mk_beat *beat = __this_cpu_read(mk_beaters.beat);
	u64 asked;

	if (!beat)
		return false;
	asked = READ_ONCE(beat->asked);
	if (asked == READ_ONCE(beat->answered))
		return false;
	mk_guest_dump_cpu(regs);
	/* The host may read them now */
	smp_store_release(&beat->answered, asked);
	return true;
}

/**
 * mk_guest_beat_init() - begin
 *
 * Nothing happens if the host does not want it, or does not know of it.
 *
 * Return: 0 or a negative errno.
 */
int __init mk_guest_beat_init(void)
{
	int ret;

	if (!(mk_guest_link()->features & MK_BOOT_F_BEAT) || !mk_guest_block()->beat_ms)
		return 0;
	ret = mk_arch_beat_init();
	if (!ret)
		ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "multikernel:beat",
					mk_beat_online, mk_beat_offline);
	return min(ret, 0);
}
