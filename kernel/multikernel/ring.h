/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_RING_H
#define _MULTIKERNEL_RING_H

#include <linux/multikernel.h>

/**
 * struct mk_ring_tx - producer's side of a ring, private to the producer
 * @mem: the ring in the shared area; NULL before there is one.  Read once by each
 *       sender, who does not sleep afterwards: it may become NULL meanwhile, and is
 *       mapped until all of them are done
 * @slots: number of slots, a power of two
 * @epoch: of the ring
 * @head: position of the next message; who moves it on owns the slots in between
 * @tail: last tail of the consumer that made sense
 * @rung: the last value of mk_ring_mem.armed for which the bell was rung
 * @waiting: what mk_ring_mem.waiting was last set to
 * @bad_tails: how often the consumer published a tail that can't be
 */
struct mk_ring_tx {
	struct mk_ring_mem *mem;
	u32 slots;
	u32 epoch;
	u32 head;
	u32 tail;
	u32 rung;
	u32 waiting;
	u32 bad_tails;
};

/**
 * struct mk_ring_rx - consumer's side of a ring, private to the consumer
 * @mem: the ring in the shared area
 * @slots: number of slots, a power of two
 * @epoch: of the ring
 * @tail: position of the next message
 * @published: the last tail that the producer was told
 * @rung: the last value of mk_ring_mem.waiting for which the bell was rung
 * @armed: what mk_ring_mem.armed was last set to
 * @max: longest message that is taken, in bytes
 * @buf: private memory for messages longer than a slot, @max bytes
 * @bad: messages that were dropped because they were too long
 * @popped: messages that mk_ring_pop() has taken
 * @popped_bytes: their payload
 */
struct mk_ring_rx {
	struct mk_ring_mem *mem;
	u32 slots;
	u32 epoch;
	u32 tail;
	u32 published;
	u32 rung;
	u32 armed;
	u32 max;
	u8 *buf;
	u64 bad;
	u64 popped;
	u64 popped_bytes;
};

size_t mk_ring_size(u32 slots);
void mk_ring_tx_init(struct mk_ring_tx *tx, void *mem, u32 slots, u32 epoch);
void mk_ring_rx_init(struct mk_ring_rx *rx, void *mem, u32 slots, u32 epoch);
void mk_ring_tx_resume(struct mk_ring_tx *tx, void *mem, u32 slots, u32 epoch);
void mk_ring_rx_resume(struct mk_ring_rx *rx, void *mem, u32 slots, u32 epoch);
void mk_ring_rx_buf(struct mk_ring_rx *rx, void *buf, u32 max);
int mk_ring_push(struct mk_ring_tx *tx, u16 type, const void *data, size_t len);
bool mk_ring_tx_room(struct mk_ring_tx *tx, size_t len);
bool mk_ring_pop(struct mk_ring_rx *rx, struct mk_msg *msg);
void mk_ring_tx_wait(struct mk_ring_tx *tx);
void mk_ring_tx_wake(struct mk_ring_tx *tx);

#include "ring_fast.h"

#endif /* _MULTIKERNEL_RING_H */
