/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_BROKER_H
#define _MULTIKERNEL_BROKER_H

#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/multikernel/abi/control.h>
#include <linux/multikernel/abi/ring.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

struct mk_instance;

/* Of one instance, so that it can't have all of the host's memory */
#define MK_CONNS_MAX		64
#define MK_CONNS_SIZE_MAX	SZ_64M

/**
 * struct mk_pair - two instances that have a connection, or had one
 * @node: in the list of pairs
 * @inst: the two; each connection has references
 * @epoch: which of their lives
 * @id: number by which each knows the other
 * @words: cause words
 * @used: ids of channels
 * @refs: connections
 */
struct mk_pair {
	struct list_head node;
	struct mk_instance *inst[2];
	u32 epoch[2];
	u32 id;
	struct mk_pair_words *words;
	DECLARE_BITMAP(used, MK_LINK_CHANNELS);
	unsigned int refs;
};

/**
 * struct mk_conn - a connection
 * @node: in the list of connections
 * @refs: an end that is open, the one who makes it, a work item that is queued
 * @nr: its number
 * @inst: who has asked, and who was asked; NULL for the host; references
 * @open: this end may use the memory
 * @dead: one of the two has ended, or given it up
 * @making: somebody makes it, and tells the ends of it
 * @inherited: the end that was asked is a successor's, which has not opened it yet
 * @pair: of two instances
 * @channel: id of the channel
 * @slots: of each ring
 * @pages: pages that change hands
 * @version: of the ABI, that both speak
 * @area: the memory: the rings, then the pages
 * @size: its size in bytes
 * @service: what is spoken
 * @gone_work: tells the end that is left
 * @free_work: lets go of everything
 */
struct mk_conn {
	struct list_head node;
	unsigned int refs;
	u32 nr;
	struct mk_instance *inst[2];
	bool open[2];
	bool dead;
	bool making;
	bool inherited;
	struct mk_pair *pair;
	u32 channel;
	u32 slots;
	u32 pages;
	u32 version;
	void *area;
	size_t size;
	char service[MK_SERVICE_NAME_LEN];
	struct delayed_work gone_work;
	struct work_struct free_work;
};

/* See the top of broker.c for what is protected by the lock */
extern struct list_head mk_conns;
extern struct list_head mk_pairs;
extern struct mutex mk_conns_lock;
extern u32 mk_conns_next;

/* There are connections of which the host before has told, and which are not listed yet */
extern bool mk_conns_resuming;

struct mk_conn *mk_conn_alloc(void);
void mk_conn_put(struct mk_conn *conn);
void mk_conn_free_area(struct mk_conn *conn);
size_t mk_conn_ring(const struct mk_conn *conn);
int mk_conn_may_enter(struct mk_conn *conn, struct mk_instance *inst);
u32 mk_conn_version(const struct mk_instance *one, const struct mk_instance *other);
int mk_conn_open_there(struct mk_conn *conn, unsigned int side);
bool mk_conn_is_dead(struct mk_conn *conn);
void mk_conn_shut(struct mk_conn *conn, unsigned int side);
void mk_conn_queue_gone(struct mk_conn *conn, unsigned int ms);
void mk_broker_made(struct mk_conn *conn);

#endif /* _MULTIKERNEL_BROKER_H */
