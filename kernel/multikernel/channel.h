/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_CHANNEL_H
#define _MULTIKERNEL_CHANNEL_H

#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "ring.h"

struct mk_channel;

/**
 * struct mk_channel_ops - what a channel needs from the layer above
 * @hello: the peer has introduced itself; process context
 * @shutdown: the host asks this instance to power off; process context
 * @drain: consume and publish the ring of class MK_CLASS_CONSOLE; process context;
 *         returns false if it takes no more for now and will look again by itself
 * @bell: the doorbell rang; any context, may not sleep
 * @bell_ok: may the CPU with this physical id be interrupted for the peer?
 */
struct mk_channel_ops {
	void (*hello)(struct mk_channel *ch, const struct mk_msg_hello *hello);
	void (*shutdown)(struct mk_channel *ch);
	bool (*drain)(struct mk_channel *ch, struct mk_ring_rx *rx);
	void (*bell)(struct mk_channel *ch);
	bool (*bell_ok)(struct mk_channel *ch, u32 phys_id);
};

/**
 * struct mk_channel_stats - counters, updated without a lock by one side each
 * @sent: messages sent
 * @received: messages received
 * @bells_sent: doorbells rung
 * @bells_suppressed: messages that needed none
 * @full: sends that found the ring full
 * @bad: messages of an unknown type or of a wrong length
 * @bells_missed: messages that lay there although the receiver slept
 */
struct mk_channel_stats {
	u64 sent;
	u64 received;
	u64 bells_sent;
	u64 bells_suppressed;
	u64 full;
	u64 bad;
	u64 bells_missed;
};

/**
 * struct mk_nop - one nop call at a time
 * @lock: one caller at a time
 * @done: the reply is here
 * @cookie: what the reply must carry
 */
struct mk_nop {
	struct mutex lock;	/* one caller at a time */
	struct completion done;
	u64 cookie;
};

/**
 * struct mk_channel - this kernel's end of the rings between it and one peer
 * @node: in the list of open channels; RCU
 * @ops: the layer above
 * @owner: for @ops
 * @words: single words in the shared area
 * @peer_bell: how to ring the peer, in the shared area
 * @tx_lock: protects @tx and the sender's counters
 * @tx: rings to the peer, by class
 * @rx: rings from the peer, by class; @work consumes that of MK_CLASS_CONTROL,
 *      and who is behind @ops->drain the other
 * @watched: tails at the last look of the watch, see mk_channel_watch()
 * @work: the receiver
 * @stats: counters
 * @nop: see &struct mk_nop
 */
struct mk_channel {
	struct list_head node;
	const struct mk_channel_ops *ops;
	void *owner;
	struct mk_words *words;
	struct mk_doorbell *peer_bell;
	raw_spinlock_t tx_lock;
	struct mk_ring_tx tx[MK_NR_CLASSES];
	struct mk_ring_rx rx[MK_NR_CLASSES];
	u32 watched[MK_NR_CLASSES];
	struct work_struct work;
	struct mk_channel_stats stats;
	struct mk_nop nop;
};

void mk_channel_init(struct mk_channel *ch, const struct mk_channel_ops *ops,
		     void *owner);
int mk_channel_attach(struct mk_channel *ch, void *shared, size_t size,
		      const struct mk_boot_block *block, bool host);
void mk_channel_open(struct mk_channel *ch);
void mk_channel_close(struct mk_channel *ch);
void mk_channel_kick(struct mk_channel *ch);
void mk_channel_ring_peer(struct mk_channel *ch);
int mk_channel_hello(struct mk_channel *ch);
void mk_channel_doorbell(void);
void mk_channel_clean_text(char *text);

void mk_nop_init(struct mk_nop *nop);
void mk_nop_answer(struct mk_channel *ch, const struct mk_msg *msg);
void mk_nop_reply(struct mk_channel *ch, const struct mk_msg *msg);
void mk_nop_abort(struct mk_channel *ch);

#endif /* _MULTIKERNEL_CHANNEL_H */
