/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_RESIZE_H
#define _MULTIKERNEL_RESIZE_H

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/kref.h>
#include <linux/workqueue.h>

#include "internal.h"

/**
 * struct mk_resize - a change of a running instance, see resize.c
 * @ref: of the writer and of the one who does it
 * @work: does it
 * @done: it is done
 * @inst: the instance, with a reference
 * @epoch: the run that is meant
 * @want: CPUs that it shall have, or that shall move, if @cpus
 * @add: CPUs that it has been given so far
 * @del: CPUs that it has let go of so far
 * @cpus: CPUs shall be changed; otherwise memory
 * @size: memory that it shall have, in bytes
 * @to: where to, if @want or @size shall move to another instance; see move.c
 * @succeed: @to takes the place of @inst instead; see succeed.c
 * @ret: outcome
 */
struct mk_resize {
	struct kref ref;
	struct work_struct work;
	struct completion done;
	struct mk_instance *inst;
	u32 epoch;
	struct cpumask want;
	struct cpumask add;
	struct cpumask del;
	bool cpus;
	u64 size;
	struct mk_resize *to;
	bool succeed;
	int ret;
};

/* resize.c */
int mk_resize_do(struct mk_resize *rs);

/* For whoever holds mk_instance.resize_lock */
bool mk_resize_runs(struct mk_resize *rs);
int mk_resize_gone(struct mk_resize *rs);
bool mk_resize_unknown(int ret);
bool mk_resize_fails(void);
int mk_resize_check_slots(const struct mk_instance *inst, const struct cpumask *cpus);
int mk_resize_ask_cpu(struct mk_resize *rs, u32 op, unsigned int cpu);
int mk_resize_ask_mem(struct mk_resize *rs, u32 op, phys_addr_t pa, u64 size);
int mk_resize_offer_cpu(struct mk_resize *rs, unsigned int cpu, bool parked);
int mk_resize_take_cpus(struct mk_resize *rs, const struct cpumask *del);
void mk_resize_undo_cpus(struct mk_resize *rs);
int mk_resize_return_cpu(struct mk_resize *rs, unsigned int cpu);
void mk_resize_return_mem(struct mk_resize *rs, phys_addr_t pa, u64 size);
phys_addr_t mk_resize_next_block(struct mk_resize *rs, u64 block, phys_addr_t below);

/* settle.c */
void mk_settle_note_cpu(struct mk_resize *rs, unsigned int cpu);
void mk_settle_note_mem(struct mk_resize *rs, phys_addr_t pa, u64 size);
int mk_settle(struct mk_resize *rs);

/* move.c */
int mk_move(struct mk_resize *from, struct mk_resize *to);
void mk_move_lock(struct mk_instance *a, struct mk_instance *b);
void mk_move_unlock(struct mk_instance *a, struct mk_instance *b);

/* succeed.c */
int mk_succeed(struct mk_resize *from, struct mk_resize *to);
int mk_succeed_ask(struct mk_resize *rs, const void *req, size_t len, void *reply, size_t size,
		   unsigned int ms);

#endif /* _MULTIKERNEL_RESIZE_H */
