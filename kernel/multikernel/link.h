/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_LINK_H
#define _MULTIKERNEL_LINK_H

#include <linux/multikernel/abi/control.h>
#include <linux/rculist.h>

#include "abi.h"
#include "channel.h"

struct seq_file;

/**
 * struct mk_link_ops - what a link needs from the layer above
 * @hello: the peer has introduced itself; process context
 * @peers: the host says that other instances have come or gone; BH context.
 *         Optional
 * @winsize: the terminal of the host's that reads our console has this size; BH
 *           context
 * @shutdown: the host asks this instance to power off; process context
 * @drain: consume and publish the ring of class MK_CLASS_CONSOLE; process context;
 *         returns false if it takes no more for now and will look again by itself
 * @call: the peer wants something on the control channel; BH context; false if
 *        that can't be now, and it shall ask again.  Optional
 * @late: the reply to a call on the control channel that nobody waits for any more; BH
 *        context.  Optional
 * @bell: the doorbell rang; any context, may not sleep
 * @flood: the peer floods us, with what: a string that stays.  Any context but NMI;
 *         once in each run.  Optional
 * @bell_ok: may the CPU with this physical id be interrupted for the peer?
 */
struct mk_link_ops {
	void (*hello)(struct mk_link *link, const struct mk_msg_hello *hello);
	void (*peers)(struct mk_link *link);
	void (*shutdown)(struct mk_link *link);
	void (*winsize)(struct mk_link *link, const struct mk_msg_winsize *size);
	bool (*drain)(struct mk_link *link, struct mk_ring_rx *rx);
	bool (*call)(struct mk_link *link, const struct mk_msg *msg);
	void (*late)(struct mk_link *link, const struct mk_msg *msg);
	void (*bell)(struct mk_link *link);
	void (*flood)(struct mk_link *link, const char *what);
	bool (*bell_ok)(struct mk_link *link, u32 phys_id);
};

/**
 * struct mk_link - this kernel's end of all that it shares with one peer
 * @node: in the list of open links; RCU
 * @ops: the layer above
 * @owner: for @ops
 * @peer: name of the peer, for those who look
 * @serial: which opening of which link, never the same twice
 * @theirs: what the peer has said that it speaks
 * @version: of the ABI, which both sides speak; 0 as long as that is not known
 * @features: MK_BOOT_F_* that both sides know
 * @words: single words in the shared area
 * @cause_in: which channels the peer has rung for, in the shared area
 * @cause_out: which channels we have rung for, in the shared area
 * @ch: open channels by their id; RCU
 * @boot: channels that the boot block lists, by class; NULL if the peer is another
 *        instance
 * @control_buf: for messages on the control channel that are longer than a slot
 * @jobs: calls of the peer that are to be worked on, the first one is; see service.c
 * @jobs_lock: protects them
 * @jobs_nr: their number
 * @job_work: works on them, one after the other
 * @counted: channels whose counters are not in @past yet: those in @ch, and those that
 *           are about to end
 * @past: counters of channels that have ended
 * @past_bad: what lay in their rings and could be no message, or no tail
 * @past_asked: doorbells that the peer was asked for by channels that have ended
 * @bells: doorbells with a cause
 * @bells_least: the least by which these were more than was asked for, see flood.c
 * @bells_bare: doorbells without one that can be nobody else's
 * @bare_least: the same of these
 * @bad: messages that make no sense
 * @flooded: the layer above has been told of a flood
 * @muted: the peer shall not ring, see mk_link_mute()
 */
struct mk_link {
	struct list_head node;
	const struct mk_link_ops *ops;
	void *owner;
	const char *peer;
	u64 serial;
	struct mk_abi theirs;
	u32 version;
	u64 features;
	struct mk_words *words;
	unsigned long *cause_in;
	unsigned long *cause_out;
	struct mk_channel __rcu *ch[MK_LINK_CHANNELS];
	struct mk_channel *boot;
	u8 control_buf[MK_CTL_MAX];
	struct list_head jobs;
	spinlock_t jobs_lock;	/* see service.c */
	unsigned int jobs_nr;
	struct work_struct job_work;
	struct mk_channel *counted[MK_LINK_CHANNELS];
	struct mk_channel_stats past;
	u64 past_bad;
	u64 past_asked;
	atomic_long_t bells;
	s64 bells_least;
	u64 bells_bare;
	s64 bare_least;
	atomic_long_t bad;
	bool flooded;
	bool muted;
};

int mk_link_init(struct mk_link *link, const struct mk_link_ops *ops,
		 struct mk_channel *boot, void *owner);
int mk_link_attach(struct mk_link *link, void *shared, size_t size,
		   const struct mk_boot_block *block, bool host);
void mk_link_move(struct mk_link *link, ptrdiff_t move);
void mk_link_open(struct mk_link *link);
void mk_link_doom(struct mk_link *link);
void mk_link_close(struct mk_link *link);
void mk_link_destroy(struct mk_link *link);
void mk_link_kick(struct mk_link *link);
int mk_link_add(struct mk_link *link, struct mk_channel *ch);
int mk_link_pass(struct mk_link *to, struct mk_channel *ch, unsigned int id);
void mk_link_del(struct mk_link *link, struct mk_channel *ch);
bool mk_link_agree(struct mk_link *link, const struct mk_abi *theirs);
int mk_link_hello(struct mk_link *link);
void mk_link_doorbell(void);
unsigned int mk_link_serials(u64 *serials, unsigned int max);
void mk_link_silence(bool silent, u64 but);
void mk_link_mute(struct mk_link *link);
void mk_link_forget_bells(struct mk_link *link);
void mk_link_accuse(u64 serial);
s64 mk_link_bare_excess(void);
int mk_link_set_cpu(const char *peer, unsigned int id, unsigned int cpu);
void mk_link_show(struct seq_file *sf);
u64 mk_link_stat(struct mk_link *link, size_t offset);
u64 mk_link_bells_saved(struct mk_link *link);
u64 mk_link_bad_tails(struct mk_link *link);
void mk_clean_text(char *text);
void mk_job_init(struct mk_link *link);

/* How often mk_flood_forgive() is called */
#define MK_FLOOD_FORGIVE_MS	60000

u64 mk_flood_keep(struct mk_link *link, struct mk_channel *ch);
void mk_flood_kept(struct mk_link *link, struct mk_channel *ch, u64 kept);
void mk_flood_forgive(struct mk_link *link);
void mk_flood_end(struct mk_link *link, const char *what);
void mk_flood_close(struct mk_link *link);
s64 mk_flood_bare_excess(struct list_head *links);
void mk_flood_believe(s64 excess);
void mk_flood_rung(struct mk_link *link);
void mk_flood_nobody(struct list_head *links);
void mk_flood_bad(struct mk_link *link, unsigned int count);
u64 mk_flood_bare(void);

/* suspect.c */
bool mk_suspect_begin(void);
void mk_suspect_flush(void);

#endif /* _MULTIKERNEL_LINK_H */
