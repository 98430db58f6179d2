/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_RING_STEPS_H
#define _MULTIKERNEL_RING_STEPS_H

#include "../ring.h"

/**
 * struct ring_steps - who looks on while ring.c is at work
 * @count: accesses so far
 * @hook: called before each access, with its number; may change the memory, and
 *        need not return
 * @arg: for @hook
 *
 * For one thread at a time.
 */
struct ring_steps {
	unsigned long count;
	void (*hook)(void *arg, unsigned long count);
	void *arg;
};

extern struct ring_steps ring_steps;

void ring_step(void);

/* As the functions of ring.h without "step_" */
size_t step_mk_ring_size(u32 slots);
void step_mk_ring_tx_init(struct mk_ring_tx *tx, void *mem, u32 slots, u32 epoch);
void step_mk_ring_rx_init(struct mk_ring_rx *rx, void *mem, u32 slots, u32 epoch);
void step_mk_ring_tx_resume(struct mk_ring_tx *tx, void *mem, u32 slots, u32 epoch);
void step_mk_ring_rx_resume(struct mk_ring_rx *rx, void *mem, u32 slots, u32 epoch);
void step_mk_ring_rx_buf(struct mk_ring_rx *rx, void *buf, u32 max);
int step_mk_ring_push(struct mk_ring_tx *tx, u16 type, const void *data, size_t len);
bool step_mk_ring_tx_room(struct mk_ring_tx *tx, size_t len);
bool step_mk_ring_wants_bell(struct mk_ring_tx *tx);
bool step_mk_ring_pop(struct mk_ring_rx *rx, struct mk_msg *msg);
bool step_mk_ring_pending(const struct mk_ring_rx *rx);
void step_mk_ring_publish(struct mk_ring_rx *rx);
void step_mk_ring_arm(struct mk_ring_rx *rx);
void step_mk_ring_disarm(struct mk_ring_rx *rx);
void step_mk_ring_tx_wait(struct mk_ring_tx *tx);
void step_mk_ring_tx_wake(struct mk_ring_tx *tx);
bool step_mk_ring_wants_room(struct mk_ring_rx *rx);

#endif /* _MULTIKERNEL_RING_STEPS_H */
