/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_CHANNEL_H
#define _MULTIKERNEL_CHANNEL_H

#include <linux/interrupt.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "ring.h"

struct mk_call;
struct mk_link;
struct mk_pool;

/* Calls of one channel that may wait for their replies at the same time */
#define MK_CALLS		32

/* In mk_channel.calls: its caller has given up, and its reply has not come in yet */
#define MK_CALL_LATE		((struct mk_call *)1)

/*
 * For how many looks, of 50 to 100 us, a reply that has come in may take to be handled
 * when the channel ends: what a machine takes to run a softirq whose virtual CPU is not run
 * itself for a while, and not long for those who clean up after the peer.
 */
#define MK_DOOM_LOOKS		2000

/* Bits of mk_channel.rx_state */
#define MK_RX_BUSY		0	/* somebody receives */
#define MK_RX_AGAIN		1	/* somebody else wanted to */

/**
 * struct mk_channel_stats - counters of one CPU
 * @sent: messages sent
 * @received: messages received
 * @bytes_sent: their payload in bytes
 * @bytes_received: their payload in bytes
 * @bells_sent: doorbells rung for messages
 * @bells_room: doorbells rung because there is room; by the receiver
 * @full: sends that found the ring full
 * @bad: messages of an unknown type or of a wrong length
 * @bells_missed: messages that lay there although the receiver slept
 */
struct mk_channel_stats {
	u64 sent;
	u64 received;
	u64 bytes_sent;
	u64 bytes_received;
	u64 bells_sent;
	u64 bells_room;
	u64 full;
	u64 bad;
	u64 bells_missed;
};

/**
 * struct mk_channel - this kernel's end of a pair of rings
 * @link: to the kernel at the other end
 * @id: its bit in the cause words of the link
 * @ops: the layer above
 * @priv: for @ops
 * @tx_lock: protects the word by which the peer is asked for room
 * @tx: ring to the peer
 * @asked_room: how often the peer was asked to ring when there is room
 * @bell_ok: the last bell of the peer that was found to be its own
 * @tx_wait: senders that sleep until there is room, or pages
 * @calls: who waits for a reply; see mk_call_begin()
 * @call_ns: how long a caller shall look for the reply itself
 * @rx: ring from the peer; for the one who has set MK_RX_BUSY
 * @rx_state: MK_RX_*
 * @pool: pages that change hands, or NULL
 * @cpu: where its doorbell shall ring, see mk_channel_set_cpu()
 * @bell_cpu: where it rings now: another one while @cpu is away
 * @asked_message: how often the peer was asked to ring with the next message
 * @ending: the rings are going
 * @held: the ring to the peer while mk_channel_hold() has taken it away
 * @misses: looks of mk_channel_poll() since the last message
 * @linger_ns: how long the receiver looks for another message before it sleeps
 * @sleeps: how often it went to sleep
 * @slept_at: when it did, in ns of local_clock(); 0 if nobody looked
 * @declined: the last turn left messages on purpose, see &mk_channel_ops.drain
 * @watched: tail at the last look of the watch, see mk_link_watch()
 * @tasklet: the receiver
 * @work: the receiver, if callbacks sleep
 * @stats: counters, see mk_count() and mk_channel_stat()
 */
struct mk_channel {
	struct mk_link *link;
	unsigned int id;
	const struct mk_channel_ops *ops;
	void *priv;

	raw_spinlock_t tx_lock ____cacheline_aligned;
	struct mk_ring_tx tx;
	u64 asked_room;
	u64 bell_ok;
	wait_queue_head_t tx_wait;

	struct mk_call *calls[MK_CALLS];
	unsigned int call_ns;

	struct mk_ring_rx rx ____cacheline_aligned;
	unsigned long rx_state;
	struct mk_pool *pool;
	unsigned int cpu;
	unsigned int bell_cpu;
	u64 asked_message;
	bool ending;
	struct mk_ring_mem *held;
	unsigned int misses;
	unsigned int linger_ns;
	unsigned int sleeps;
	u64 slept_at;
	bool declined;
	u32 watched;
	struct tasklet_struct tasklet;
	struct work_struct work;
	struct mk_channel_stats __percpu *stats;
};

int mk_channel_init(struct mk_channel *ch, struct mk_link *link, unsigned int id);
void mk_channel_exit(struct mk_channel *ch);
void mk_channel_set_ops(struct mk_channel *ch, const struct mk_channel_ops *ops,
			void *priv);
void mk_channel_doom(struct mk_channel *ch);
bool mk_channel_has_reply(struct mk_channel *ch);
bool mk_channel_hold(struct mk_channel *ch);
void mk_channel_release(struct mk_channel *ch);
bool mk_channel_calls(struct mk_channel *ch);
void mk_channel_abort_calls(struct mk_channel *ch);
void mk_channels_end(struct mk_channel *ch, unsigned int nr);
void mk_channel_kick(struct mk_channel *ch);
void mk_channel_rung(struct mk_channel *ch);
bool mk_channel_at_work(struct mk_channel *ch);
void mk_channel_flush(struct mk_channel *ch);
void mk_channel_ring(struct mk_channel *ch, u64 cause);
int mk_reply_epoch(struct mk_channel *ch, u32 epoch, u16 type, const void *data,
		   size_t len);
int mk_reply_wait(struct mk_channel *ch, u32 epoch, u16 type, const void *data, size_t len,
		  long timeout);
int mk_send_or_ring(struct mk_channel *ch, u16 type, const void *data, size_t len);
u64 mk_channel_stat_at(const struct mk_channel *ch, size_t offset);
void mk_channel_stats_reset(struct mk_channel *ch);

/* Any context.  For sums over all CPUs: mk_channel_stat() */
#define mk_count(ch, counter, n)	this_cpu_add((*(ch)->stats).counter, n)
#define mk_channel_stat(ch, counter) \
	mk_channel_stat_at(ch, offsetof(struct mk_channel_stats, counter))

#endif /* _MULTIKERNEL_CHANNEL_H */
