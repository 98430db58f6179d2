/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_RING_H
#define _MULTIKERNEL_RING_H

#include <linux/multikernel.h>

/**
 * struct mk_ring_tx - producer's side of a ring, private to the producer
 * @mem: the ring in the shared area
 * @slots: number of slots, a power of two
 * @head: position of the next message
 * @tail: last tail of the consumer that made sense
 * @rung: the last value of mk_ring_mem.armed for which the bell was rung
 * @bad_tails: how often the consumer published a tail that can't be
 */
struct mk_ring_tx {
	struct mk_ring_mem *mem;
	u32 slots;
	u32 head;
	u32 tail;
	u32 rung;
	u64 bad_tails;
};

/**
 * struct mk_ring_rx - consumer's side of a ring, private to the consumer
 * @mem: the ring in the shared area
 * @slots: number of slots, a power of two
 * @tail: position of the next message
 * @armed: what mk_ring_mem.armed was last set to
 * @bad: messages that were dropped because they made no sense
 */
struct mk_ring_rx {
	struct mk_ring_mem *mem;
	u32 slots;
	u32 tail;
	u32 armed;
	u64 bad;
};

size_t mk_ring_size(u32 slots);
void mk_ring_tx_init(struct mk_ring_tx *tx, void *mem, u32 slots);
void mk_ring_rx_init(struct mk_ring_rx *rx, void *mem, u32 slots);
int mk_ring_push(struct mk_ring_tx *tx, u16 type, const void *data, size_t len);
bool mk_ring_tx_room(struct mk_ring_tx *tx);
bool mk_ring_wants_bell(struct mk_ring_tx *tx);
bool mk_ring_pop(struct mk_ring_rx *rx, struct mk_msg *msg);
bool mk_ring_pending(const struct mk_ring_rx *rx);
void mk_ring_publish(struct mk_ring_rx *rx);
void mk_ring_arm(struct mk_ring_rx *rx);
void mk_ring_disarm(struct mk_ring_rx *rx);

#endif /* _MULTIKERNEL_RING_H */
