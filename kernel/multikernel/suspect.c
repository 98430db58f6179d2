// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: suspect.c - who rings without a cause?
 *
 * An interrupt does not say who sent it.  If doorbells without a cause become a flood,
 * see flood.c, and there is more than one peer, the host listens to one peer at a time:
 *
 * 1. All bells are set to 0, which means that we can't be interrupted and look by
 *    ourselves.  A peer that goes by them does not ring then.
 * 2. Those of one peer are restored.  If there are doorbells without a cause now, they
 *    are its own: nobody else may ring.
 * 3. Both once more, so that a single stray moment convicts nobody; then that peer is
 *    ended, and the next one listened to, as there may be more than one of them.
 * 4. All bells are restored.
 *
 * A peer that rings while no bell is set does not go by its bells, and can't be found
 * like this; the host says so.  Nor is this a proof against malice: one that knows what
 * happens here, and rings blindly when it guesses that another one is listened to, may
 * have the blame put on that one.  The order is drawn by lot, so it has to guess right
 * each time, and between two turns nobody may ring at all.
 *
 * What it costs: a peer has at most four turns of MK_SUSPECT_SETTLE_MS +
 * MK_SUSPECT_LISTEN_MS, in half of which nobody rings; and the next inquiry begins
 * MK_SUSPECT_AGAIN_MS after this one at the earliest, unless someone was found.  Nothing
 * is lost meanwhile: at each turn all receivers look.  So a message may be late by one
 * turn.
 *
 * Locking
 * -------
 *
 * One work item, so one inquiry at a time.  Peers come and go meanwhile: they are known
 * by a number that is never used again.  See mk_link_silence() for the bells.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/smp.h>
#include <linux/workqueue.h>

#include "internal.h"

/* A peer that has read its bell before needs so long, at most, to ring by it */
#define MK_SUSPECT_SETTLE_MS	10

/* How long a turn is: no longer than a person notices */
#define MK_SUSPECT_LISTEN_MS	50

/* Doorbells without a cause in one turn, more than were asked for: 640 in a second */
#define MK_SUSPECT_PROOF	32

/* How often it has to be the same */
#define MK_SUSPECT_TIMES	2

/* How soon to begin again after nobody was found */
#define MK_SUSPECT_AGAIN_MS	60000

/* So many peers at a time; if there are more it may take more than one inquiry */
#define MK_SUSPECTS_MAX		64

static void mk_suspect_inquire(struct work_struct *work);
static DECLARE_WORK(mk_suspect_work, mk_suspect_inquire);
static unsigned long mk_suspect_next = INITIAL_JIFFIES;
static bool mk_suspect_busy;

/* Are there doorbells without a cause while this peer alone may ring?  0 for nobody */
static bool mk_suspect_is_loud(u64 serial)
{
	s64 before;

	mk_link_silence(true, serial);
	msleep(MK_SUSPECT_SETTLE_MS);
	before = mk_link_bare_excess();
	msleep(MK_SUSPECT_LISTEN_MS);
	return mk_link_bare_excess() - before >= MK_SUSPECT_PROOF;
}

/* -EDEADLK if somebody rings whom nobody asks to */
static int mk_suspect_try(u64 serial)
{
	unsigned int i;

	for (i = 0; i < MK_SUSPECT_TIMES; i++) {
		if (mk_suspect_is_loud(0))
			return -EDEADLK;
		if (!mk_suspect_is_loud(serial))
			return 0;
	}
	mk_link_accuse(serial);
	return 1;
}

static void mk_suspect_shuffle(u64 *serials, unsigned int nr)
{
	while (nr > 1) {
		unsigned int other = get_random_u32_below(nr--);

		swap(serials[nr], serials[other]);
	}
}

/* Returns how many were found */
static unsigned int mk_suspect_try_all(u64 *serials, unsigned int nr)
{
	unsigned int i, found = 0;
	int ret = 0;

	for (i = 0; i < nr && ret >= 0; i++) {
		ret = mk_suspect_try(serials[i]);
		found += ret > 0;
	}
	mk_link_silence(false, 0);
	if (ret < 0)
		pr_warn("someone rings without a cause, also while no bell is set: can't tell who\n");
	return found;
}

static void mk_suspect_inquire(struct work_struct *work)
{
	static u64 serials[MK_SUSPECTS_MAX];
	unsigned int nr = mk_link_serials(serials, MK_SUSPECTS_MAX);

	mk_suspect_shuffle(serials, nr);
	if (nr >= 2 && !mk_suspect_try_all(serials, nr))
		WRITE_ONCE(mk_suspect_next, jiffies + msecs_to_jiffies(MK_SUSPECT_AGAIN_MS));
	mk_flood_believe(mk_link_bare_excess());
	/* Pairs with mk_suspect_begin() */
	smp_store_release(&mk_suspect_busy, false);
}

/**
 * mk_suspect_begin() - look for the one who rings without a cause
 *
 * Context: any but NMI, also the CPU that is flooded, which may not come to do anything
 * else.
 * Return: true if an inquiry begins now.
 */
bool mk_suspect_begin(void)
{
	unsigned int cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());

	if (time_before(jiffies, READ_ONCE(mk_suspect_next)) || xchg(&mk_suspect_busy, true))
		return false;
	if (cpu < nr_cpu_ids)
		return queue_work_on(cpu, system_percpu_wq, &mk_suspect_work);
	return queue_work(system_dfl_wq, &mk_suspect_work);
}

/**
 * mk_suspect_flush() - wait for an inquiry to end; for tests
 *
 * Context: may sleep.
 */
void mk_suspect_flush(void)
{
	flush_work(&mk_suspect_work);
}
