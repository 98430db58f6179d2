/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_SERVICE_H
#define _MULTIKERNEL_SERVICE_H

#include <linux/completion.h>
#include <linux/multikernel/abi/control.h>

#include "link.h"

struct mk_keep;
struct mk_keep_conn;

/* Slots of a ring: least, unless asked for, and most (256 KiB) */
#define MK_SLOTS_MIN		16
#define MK_SLOTS_DEFAULT	256
#define MK_SLOTS_MAX		4096

/* Pages of a connection (32 MiB) */
#define MK_PAGES_MAX		8192

/**
 * struct mk_end - this kernel's end of a connection
 * @node: in the list of ends
 * @ch: the channel
 * @conn: the host's number of the connection
 * @peer: name of the other end, empty for the host
 * @service: what is spoken
 * @buf: for messages longer than a slot
 * @accepted: by a service, and not made by mk_connect()
 * @of: that service
 * @held: see mk_ends_hold()
 * @cutting: somebody cuts it
 * @cut: the rings are not used any more
 * @going: somebody takes it down, and nobody else may
 * @told: the layer above knows that the peer is gone
 * @gone_work: takes it down for mk_end_gone_within()
 * @release: lets go of the memory, when the rings are not used any more
 * @arg: for @release
 */
struct mk_end {
	struct list_head node;
	struct mk_channel ch;
	u32 conn;
	char peer[MK_PEER_NAME_LEN];
	char service[MK_SERVICE_NAME_LEN];
	void *buf;
	bool accepted;
	struct mk_service *of;
	bool held;
	bool cutting;
	bool cut;
	bool going;
	struct completion told;
	struct work_struct gone_work;
	void (*release)(struct mk_end *end, bool closed);
	void *arg;
};

struct mk_end *mk_end_prepare(struct mk_link *link, void *area,
			      const struct mk_ctl_open *open,
			      const struct mk_channel_ops *ops, void *priv);
int mk_end_publish(struct mk_end *end,
		   void (*release)(struct mk_end *end, bool closed), void *arg);
void mk_end_abandon(struct mk_end *end);
int mk_end_pass(u32 conn, struct mk_link *link, unsigned int id);
unsigned int mk_ends_hold(u32 *conns, unsigned int max);
void mk_ends_release(void);
void mk_end_cut(u32 conn);
int mk_end_gone(u32 conn);
int mk_end_gone_within(u32 conn, long timeout);
bool mk_end_gone_all(const struct mk_link *link, long timeout);
int mk_service_check_open(const struct mk_ctl_open *open);
u32 mk_service_slots(u32 wanted);

/**
 * struct mk_job_ops - what does a call that needs process context
 * @call: does it; returns the length of the answer or a negative errno.  May sleep
 * @lost: the answer, which was no error, has not reached the caller.  Optional
 * @put: called at last; the link is not used any more.  Optional
 */
struct mk_job_ops {
	ssize_t (*call)(struct mk_link *link, const void *data, size_t len, void *reply);
	void (*lost)(struct mk_link *link, const void *data, const void *reply);
	void (*put)(struct mk_link *link);
};

bool mk_job_queue(struct mk_link *link, const struct mk_msg *msg,
		  const struct mk_job_ops *ops);
ssize_t mk_job_call(struct mk_channel *ch, const void *data, size_t len, void *reply,
		    size_t size, long timeout);

/**
 * struct mk_bequest - what an instance leaves to its successor, besides its memory
 * @heir: the successor, locked and up
 * @nr: number of @conns
 * @conns: connections whose rings are as MK_CTL_FREEZE has left them
 */
struct mk_bequest {
	struct mk_instance *heir;
	unsigned int nr;
	u32 conns[MK_FROZEN_CONNS];
};

/* broker.c: in the host */
struct mk_end *mk_broker_connect(const struct mk_ctl_connect *req,
				 const struct mk_channel_ops *ops, void *priv);
ssize_t mk_broker_call(struct mk_link *link, const void *data, size_t len, void *reply);
void mk_broker_lost(struct mk_link *link, const void *data, const void *reply);
void mk_broker_begin(struct mk_instance *inst);
unsigned int mk_broker_count(struct mk_instance *inst);
void mk_broker_pause(struct mk_instance *inst);
void mk_broker_bequeath(struct mk_instance *inst, const struct mk_bequest *bequest);
void mk_broker_inherit(struct mk_instance *inst);
void mk_broker_end(struct mk_instance *inst, bool proven);
void mk_broker_leave(struct mk_instance *inst);
int mk_broker_keep(struct mk_keep *keep);
void mk_broker_unkeep(const struct mk_keep *keep);
bool mk_broker_check_kept(const struct mk_keep_conn *rec);
void mk_broker_resume_begin(const struct mk_keep *keep);
void mk_broker_resume(const struct mk_keep *keep);

/* peer.c */
int mk_peer_up(const struct mk_peer *peer, u32 life);
void mk_peer_down(u32 from, u32 to);
ssize_t mk_peer_asked(u32 self, const struct mk_ctl_peer *req, struct mk_ctl_peer *reply);
int mk_peer_check(const struct mk_ctl_peer *reply, u32 from);
void mk_peer_look(void);
void mk_peer_leave(void);
u32 mk_peer_lives(void);
void mk_peer_set_lives(u32 lives);

/* remote.c: in an instance */
struct mk_end *mk_remote_connect(const struct mk_ctl_connect *req,
				 const struct mk_channel_ops *ops, void *priv);
void mk_remote_late(struct mk_link *link, const struct mk_msg *msg);
int mk_remote_leave(void);
ssize_t mk_remote_call(struct mk_link *link, const void *data, size_t len, void *reply);

#endif /* _MULTIKERNEL_SERVICE_H */
