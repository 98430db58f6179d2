// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: broker.c - the host introduces two kernels to each other
 *
 * The host owns the memory of every connection: an area with a ring for each
 * direction, and for two instances a page with their cause words.  It tells each end
 * where these are, and after that it has no part in what they say.
 *
 * A connection is made in three steps: get memory and an id; open the end of the one
 * who is asked; open that of the one who asks.  Each end that may have seen the
 * memory counts as open until it has said otherwise, or has ended: an instance whose
 * CPUs are proven to be stopped has no end any more.  The memory is freed when no end
 * is open, so never while a kernel may still write to it.
 *
 * Connections that outlive one of the kernels are in broker_heir.c and broker_keep.c.
 *
 * An end is told that the other one is gone only after the connection has been made, or
 * that has failed: whoever is asked to let go of something has heard of it before, or
 * never will, and can be believed if it says that it does not have it.
 *
 * Locking
 * -------
 *
 * mk_conns_lock protects the lists of connections and pairs and all that is in them.
 * It is innermost but for mk_instances_lock, and nobody waits for an instance under
 * it.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/align.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/io.h>
#include <linux/ratelimit.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <trace/events/multikernel.h>

#include "broker.h"
#include "internal.h"
#include "service.h"

/* An instance answers from a kernel thread that may have to get memory */
#define MK_OPEN_TIMEOUT_MS	5000

/* How often an instance is asked to let go of a connection */
#define MK_GONE_RETRY_MS	1000

LIST_HEAD(mk_conns);
LIST_HEAD(mk_pairs);
DEFINE_MUTEX(mk_conns_lock);	/* see above */
u32 mk_conns_next;
bool mk_conns_resuming;

static struct mk_channel *mk_broker_control(struct mk_instance *inst)
{
	return &inst->boot[MK_CLASS_CONTROL];
}

static void mk_pair_put(struct mk_pair *pair)
{
	lockdep_assert_held(&mk_conns_lock);
	if (!pair || --pair->refs)
		return;
	list_del(&pair->node);
	free_page((unsigned long)pair->words);
	kfree(pair);
}

static struct mk_pair *mk_pair_new(struct mk_instance *a, struct mk_instance *b)
{
	struct mk_pair *pair = kzalloc_obj(*pair);

	if (!pair)
		return NULL;
	pair->words = (void *)get_zeroed_page(GFP_KERNEL);
	if (!pair->words) {
		kfree(pair);
		return NULL;
	}
	bitmap_set(pair->used, 0, MK_NR_CLASSES);
	pair->inst[0] = a;
	pair->inst[1] = b;
	pair->epoch[0] = a->epoch;
	pair->epoch[1] = b->epoch;
	pair->id = ++mk_conns_next;
	list_add(&pair->node, &mk_pairs);
	return pair;
}

static bool mk_pair_is(const struct mk_pair *pair, const struct mk_instance *a, int i)
{
	return pair->inst[i] == a && pair->epoch[i] == a->epoch;
}

static struct mk_pair *mk_pair_get(struct mk_instance *a, struct mk_instance *b)
{
	struct mk_pair *pair;

	lockdep_assert_held(&mk_conns_lock);
	list_for_each_entry(pair, &mk_pairs, node)
		if ((mk_pair_is(pair, a, 0) && mk_pair_is(pair, b, 1)) ||
		    (mk_pair_is(pair, a, 1) && mk_pair_is(pair, b, 0)))
			goto found;
	pair = mk_pair_new(a, b);
	if (!pair)
		return NULL;
found:
	pair->refs++;
	return pair;
}

static unsigned long *mk_conn_ids(struct mk_conn *conn)
{
	if (conn->pair)
		return conn->pair->used;
	return (conn->inst[0] ?: conn->inst[1])->channels_used;
}

size_t mk_conn_ring(const struct mk_conn *conn)
{
	return PAGE_ALIGN(mk_ring_size(conn->slots));
}

/* More than the page allocator has in one piece comes from where it can be moved away */
static bool mk_conn_is_big(const struct mk_conn *conn)
{
	return conn->size > PAGE_SIZE << MAX_PAGE_ORDER;
}

static void *mk_conn_alloc_area(struct mk_conn *conn)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN;
	struct page *page;

	if (!mk_conn_is_big(conn))
		return alloc_pages_exact(conn->size, gfp);
	page = alloc_contig_pages(conn->size / PAGE_SIZE,
				  GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN,
				  numa_mem_id(), NULL);
	return page ? page_address(page) : NULL;
}

void mk_conn_free_area(struct mk_conn *conn)
{
	if (mk_conn_is_big(conn))
		free_contig_range(PHYS_PFN(virt_to_phys(conn->area)),
				  conn->size / PAGE_SIZE);
	else
		free_pages_exact(conn->area, conn->size);
}

/* An instance whose last reference this was waits for its work items */
static void mk_conn_free(struct work_struct *work)
{
	struct mk_conn *conn = container_of(work, struct mk_conn, free_work);
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (conn->inst[i])
			mk_instance_put(conn->inst[i]);
	if (conn->area)
		mk_conn_free_area(conn);
	kfree(conn);
}

void mk_conn_put(struct mk_conn *conn)
{
	lockdep_assert_held(&mk_conns_lock);
	if (--conn->refs)
		return;
	list_del(&conn->node);
	if (conn->channel)
		__clear_bit(conn->channel, mk_conn_ids(conn));
	mk_pair_put(conn->pair);
	queue_work(system_dfl_wq, &conn->free_work);
}

/* While it is being made an end might hear this before it hears of the connection */
void mk_conn_queue_gone(struct mk_conn *conn, unsigned int ms)
{
	lockdep_assert_held(&mk_conns_lock);
	if (conn->making)
		return;
	if (queue_delayed_work(system_dfl_wq, &conn->gone_work, msecs_to_jiffies(ms)))
		conn->refs++;
}

static const char *mk_conn_name(const struct mk_conn *conn, unsigned int side)
{
	return conn->inst[side] ? conn->inst[side]->name : "";
}

/* This end does not use the memory any more; the other one is to hear of it */
void mk_conn_shut(struct mk_conn *conn, unsigned int side)
{
	guard(mutex)(&mk_conns_lock);
	conn->dead = true;
	if (!conn->open[side])
		return;
	trace_mk_disconnected(conn->nr, mk_conn_name(conn, side),
			      mk_conn_name(conn, !side), conn->service);
	conn->open[side] = false;
	if (conn->open[!side])
		mk_conn_queue_gone(conn, 0);
	mk_conn_put(conn);
}

/* True if this end has let go, or never had hold */
static bool mk_conn_tell(struct mk_conn *conn, unsigned int side)
{
	struct mk_ctl_close req = { .op = MK_CTL_CLOSE, .conn = conn->nr };
	ssize_t ret;

	ret = mk_call(mk_broker_control(conn->inst[side]), &req, sizeof(req), NULL, 0,
		      msecs_to_jiffies(MK_OPEN_TIMEOUT_MS));
	return !ret || ret == -ENOENT;
}

/*
 * Tells the end that is left.  The host's own end shuts it by its release.  An
 * instance that does not let go is asked again, until it has ended.
 */
static void mk_conn_gone(struct work_struct *work)
{
	struct mk_conn *conn = container_of(to_delayed_work(work), struct mk_conn,
					    gone_work);
	unsigned int side;

	for (side = 0; side < 2; side++) {
		if (!READ_ONCE(conn->open[side]))
			continue;
		if (!conn->inst[side])
			mk_end_gone(conn->nr);
		else if (mk_conn_tell(conn, side))
			mk_conn_shut(conn, side);
	}
	guard(mutex)(&mk_conns_lock);
	for (side = 0; side < 2; side++)
		if (conn->open[side] && conn->inst[side])
			mk_conn_queue_gone(conn, MK_GONE_RETRY_MS);
	mk_conn_put(conn);
}

static unsigned int mk_conns_of(const struct mk_instance *inst, size_t *size)
{
	struct mk_conn *conn;
	unsigned int n = 0;

	*size = 0;
	list_for_each_entry(conn, &mk_conns, node) {
		if (conn->inst[0] != inst && conn->inst[1] != inst)
			continue;
		*size += conn->size;
		n++;
	}
	return n;
}

/**
 * mk_broker_count() - how many connections has an instance?
 * @inst: the instance
 *
 * Context: may sleep.
 * Return: their number, also of those whose other end is still to let go.
 */
unsigned int mk_broker_count(struct mk_instance *inst)
{
	size_t size;

	guard(mutex)(&mk_conns_lock);
	return mk_conns_of(inst, &size);
}

int mk_conn_may_enter(struct mk_conn *conn, struct mk_instance *inst)
{
	size_t size;

	if (!inst->connectable)
		return -EHOSTDOWN;
	if (mk_conns_of(inst, &size) >= MK_CONNS_MAX ||
	    size + conn->size > MK_CONNS_SIZE_MAX)
		return -ENOSPC;
	return 0;
}

static int mk_conn_enter(struct mk_conn *conn, struct mk_instance *inst, unsigned int side)
{
	int ret;

	if (!inst)
		return 0;
	ret = mk_conn_may_enter(conn, inst);
	if (ret)
		return ret;
	mk_instance_get(inst);
	conn->inst[side] = inst;
	return 0;
}

/*
 * Two that the host, which is NULL, can speak with need not be able to speak with each
 * other
 */
u32 mk_conn_version(const struct mk_instance *one, const struct mk_instance *other)
{
	const struct mk_link *a, *b;
	u32 version;

	if (!one || !other)
		return (one ?: other)->link.version;
	a = &one->link;
	b = &other->link;
	version = min(a->version, b->version);
	return version >= max(a->theirs.oldest, b->theirs.oldest) ? version : 0;
}

/* last_error is for those who ask here: an instance must not write to it as it likes */
static int mk_conn_refuse(const struct mk_conn *conn)
{
	char why[224];

	mk_abi_refuse_pair(why, sizeof(why), conn->inst[0]->name,
			   &conn->inst[0]->link.theirs, conn->inst[1]->name,
			   &conn->inst[1]->link.theirs);
	pr_warn_ratelimited("%s\n", why);
	return -EPROTONOSUPPORT;
}

static int mk_conn_number(struct mk_conn *conn)
{
	unsigned long *ids;

	conn->version = mk_conn_version(conn->inst[0], conn->inst[1]);
	if (!conn->version && conn->inst[0] && conn->inst[1])
		return mk_conn_refuse(conn);
	if (!conn->version)
		return -EPROTONOSUPPORT;
	if (conn->inst[0] && conn->inst[1]) {
		conn->pair = mk_pair_get(conn->inst[0], conn->inst[1]);
		if (!conn->pair)
			return -ENOMEM;
	}
	ids = mk_conn_ids(conn);
	conn->channel = find_first_zero_bit(ids, MK_LINK_CHANNELS);
	if (conn->channel == MK_LINK_CHANNELS) {
		conn->channel = 0;
		return -ENOSPC;
	}
	__set_bit(conn->channel, ids);
	/* 0 is no epoch, and no number */
	conn->nr = ++mk_conns_next ?: ++mk_conns_next;
	return 0;
}

/* Nobody has it, and it is in no list */
struct mk_conn *mk_conn_alloc(void)
{
	struct mk_conn *conn = kzalloc_obj(*conn);

	if (!conn)
		return NULL;
	INIT_DELAYED_WORK(&conn->gone_work, mk_conn_gone);
	INIT_WORK(&conn->free_work, mk_conn_free);
	return conn;
}

static struct mk_conn *mk_conn_init(const struct mk_ctl_connect *req)
{
	struct mk_conn *conn = mk_conn_alloc();

	if (!conn)
		return NULL;
	strscpy(conn->service, req->service);
	conn->slots = mk_service_slots(req->slots);
	/* Each end owns half of them at first */
	conn->pages = min(round_up(req->pages, 2), MK_PAGES_MAX);
	conn->size = 2 * mk_conn_ring(conn) + conn->pages * PAGE_SIZE;
	conn->refs = 1;
	conn->making = true;
	return conn;
}

static int mk_conn_list(struct mk_conn *conn, struct mk_instance *a, struct mk_instance *b)
{
	int ret;

	guard(mutex)(&mk_conns_lock);
	ret = mk_conn_enter(conn, a, 0) ?: mk_conn_enter(conn, b, 1) ?:
	      mk_conn_number(conn);
	list_add_tail(&conn->node, &mk_conns);
	if (ret) {
		mk_conn_put(conn);
		return ret;
	}
	conn->open[0] = true;
	conn->open[1] = true;
	conn->refs += 2;
	return 0;
}

/* The one who made the connection is done with it; what is left keeps itself */
void mk_broker_made(struct mk_conn *conn)
{
	guard(mutex)(&mk_conns_lock);
	conn->making = false;
	if (conn->dead && (conn->open[0] || conn->open[1]))
		mk_conn_queue_gone(conn, 0);
	mk_conn_put(conn);
}

/* Clearing it takes a while, and others connect meanwhile */
static int mk_conn_get_area(struct mk_conn *conn)
{
	void *area = mk_conn_alloc_area(conn);

	guard(mutex)(&mk_conns_lock);
	conn->area = area;
	if (conn->dead)
		return -ECONNRESET;
	return area ? 0 : -ENOMEM;
}

/* With a reference for the caller, both ends open; to be followed by mk_broker_made() */
static struct mk_conn *mk_conn_new(struct mk_instance *a, struct mk_instance *b,
				   const struct mk_ctl_connect *req)
{
	struct mk_conn *conn = mk_conn_init(req);
	int ret;

	if (!conn)
		return ERR_PTR(-ENOMEM);
	ret = mk_conn_list(conn, a, b);
	if (ret)
		return ERR_PTR(ret);
	ret = mk_conn_get_area(conn);
	if (ret) {
		mk_conn_shut(conn, 0);
		mk_conn_shut(conn, 1);
		mk_broker_made(conn);
		return ERR_PTR(ret);
	}
	return conn;
}

static void mk_conn_describe(struct mk_conn *conn, unsigned int side,
			     struct mk_ctl_open *open)
{
	size_t ring = mk_conn_ring(conn);

	*open = (struct mk_ctl_open){
		.op = MK_CTL_OPEN,
		.conn = conn->nr,
		.area_pa = virt_to_phys(conn->area),
		.area_size = conn->size,
		.channel = conn->channel,
		.epoch = conn->nr,
		.slots = conn->slots,
		.version = conn->version,
		.tx_off = side ? ring : 0,
		.rx_off = side ? 0 : ring,
		.pages = conn->pages,
		.pages_off = 2 * ring,
		.flags = conn->inherited ? MK_OPEN_INHERITED : 0,
	};
	if (conn->pair) {
		open->pair_pa = virt_to_phys(conn->pair->words);
		open->peer_id = conn->pair->id;
		open->side = conn->pair->inst[1] == conn->inst[side];
	}
	if (conn->inst[!side])
		strscpy(open->peer, conn->inst[!side]->name);
	strscpy(open->service, conn->service);
}

/* The host's own end lets go */
static void mk_broker_release(struct mk_end *end, bool closed)
{
	struct mk_conn *conn = end->arg;

	mk_conn_shut(conn, conn->inst[0] ? 1 : 0);
}

/* Either the end can be found by the one who ends the connection, or it is late */
static int mk_conn_publish(struct mk_conn *conn, struct mk_end *end)
{
	guard(mutex)(&mk_conns_lock);
	if (conn->dead)
		return -ECONNRESET;
	return mk_end_publish(end, mk_broker_release, conn);
}

static struct mk_end *mk_conn_open_here(struct mk_conn *conn, unsigned int side,
					const struct mk_channel_ops *ops, void *priv)
{
	struct mk_ctl_open open;
	struct mk_end *end;
	int ret;

	mk_conn_describe(conn, side, &open);
	end = mk_end_prepare(&conn->inst[!side]->link, conn->area, &open, ops, priv);
	ret = PTR_ERR_OR_ZERO(end);
	if (!ret) {
		ret = mk_conn_publish(conn, end);
		if (ret)
			mk_end_abandon(end);
	}
	if (ret) {
		mk_conn_shut(conn, side);
		return ERR_PTR(ret);
	}
	return end;
}

/*
 * Without an answer the end may be open; it is shut when the instance ends.
 */
int mk_conn_open_there(struct mk_conn *conn, unsigned int side)
{
	struct mk_ctl_open open;
	ssize_t ret;

	mk_conn_describe(conn, side, &open);
	ret = mk_job_call(mk_broker_control(conn->inst[side]), &open, sizeof(open), NULL, 0,
			  msecs_to_jiffies(MK_OPEN_TIMEOUT_MS));
	if (!ret)
		return 0;
	if (ret != -ETIMEDOUT && ret != -EINTR && ret != -ECONNRESET)
		mk_conn_shut(conn, side);
	return ret < 0 ? ret : -EPROTO;
}

/* Opens the end of the one who was asked */
static struct mk_conn *mk_broker_make(struct mk_instance *a, struct mk_instance *b,
				      const struct mk_ctl_connect *req)
{
	struct mk_conn *conn = mk_conn_new(a, b, req);
	int ret;

	if (IS_ERR(conn))
		return conn;
	if (b)
		ret = mk_conn_open_there(conn, 1);
	else
		ret = PTR_ERR_OR_ZERO(mk_conn_open_here(conn, 1, NULL, NULL));
	if (!ret) {
		trace_mk_connected(conn->nr, mk_conn_name(conn, 0),
				   mk_conn_name(conn, 1), conn->service);
		return conn;
	}
	mk_conn_shut(conn, 0);
	mk_broker_made(conn);
	return ERR_PTR(ret);
}

bool mk_conn_is_dead(struct mk_conn *conn)
{
	guard(mutex)(&mk_conns_lock);
	return conn->dead;
}

/**
 * mk_broker_connect() - the host connects to an instance
 * @req: whom to ask for what
 * @ops: what becomes of messages
 * @priv: for @ops
 *
 * Context: may sleep.
 * Return: the end, or an ERR_PTR() as mk_connect().
 */
struct mk_end *mk_broker_connect(const struct mk_ctl_connect *req,
				 const struct mk_channel_ops *ops, void *priv)
{
	struct mk_instance *inst = mk_instance_get_by_name(req->peer);
	struct mk_conn *conn;
	struct mk_end *end;

	if (!req->peer[0])
		return ERR_PTR(-EINVAL);
	if (!inst)
		return ERR_PTR(-ENOENT);
	if (READ_ONCE(inst->state) == MK_RUNNING)
		conn = mk_broker_make(NULL, inst, req);
	else
		conn = ERR_PTR(-EHOSTDOWN);
	mk_instance_put(inst);
	if (IS_ERR(conn))
		return ERR_CAST(conn);

	end = mk_conn_open_here(conn, 0, ops, priv);
	mk_broker_made(conn);
	return end;
}

static ssize_t mk_broker_asked(struct mk_instance *inst, const struct mk_ctl_connect *req,
			       struct mk_ctl_open *reply)
{
	struct mk_instance *other = NULL;
	struct mk_conn *conn;
	bool dead;

	if (!memchr(req->peer, 0, sizeof(req->peer)) ||
	    !memchr(req->service, 0, sizeof(req->service)))
		return -EINVAL;
	if (req->peer[0]) {
		other = mk_instance_get_by_name(req->peer);
		if (!other)
			return -ENOENT;
	}
	if (other == inst)
		conn = ERR_PTR(-EINVAL);
	else if (other && READ_ONCE(other->state) != MK_RUNNING)
		conn = ERR_PTR(-EHOSTDOWN);
	else
		conn = mk_broker_make(inst, other, req);
	if (other)
		mk_instance_put(other);
	if (IS_ERR(conn))
		return PTR_ERR(conn);

	mk_conn_describe(conn, 0, reply);
	dead = mk_conn_is_dead(conn);
	if (dead)
		mk_conn_shut(conn, 0);
	mk_broker_made(conn);
	return dead ? -ECONNRESET : sizeof(*reply);
}

/* One that it has open, with a reference for the caller */
static struct mk_conn *mk_broker_find(struct mk_instance *inst, u32 nr, unsigned int *side)
{
	struct mk_conn *conn;

	guard(mutex)(&mk_conns_lock);
	list_for_each_entry(conn, &mk_conns, node) {
		*side = conn->inst[1] == inst;
		if (conn->nr != nr || conn->inst[*side] != inst || !conn->open[*side])
			continue;
		conn->refs++;
		return conn;
	}
	return NULL;
}

static void mk_broker_found(struct mk_conn *conn)
{
	guard(mutex)(&mk_conns_lock);
	mk_conn_put(conn);
}

static ssize_t mk_broker_closed(struct mk_instance *inst, const struct mk_ctl_close *req)
{
	struct mk_conn *conn;
	unsigned int side;

	conn = mk_broker_find(inst, req->conn, &side);
	if (!conn)
		return READ_ONCE(mk_conns_resuming) ? -EAGAIN : -ENOENT;
	mk_conn_shut(conn, side);
	mk_broker_found(conn);
	return 0;
}

/**
 * mk_broker_call() - an instance asks for something
 * @link: to it
 * @data: what it says, in private memory, zero up to MK_CTL_MAX
 * @len: how much of it
 * @reply: where to put the answer, MK_CTL_MAX bytes
 *
 * Context: may sleep.
 * Return: length of the answer, or a negative errno.
 */
ssize_t mk_broker_call(struct mk_link *link, const void *data, size_t len, void *reply)
{
	struct mk_instance *inst = link->owner;

	switch (*(const __u32 *)data) {
	case MK_CTL_CONNECT:
		if (len < sizeof(struct mk_ctl_connect))
			return -EINVAL;
		return mk_broker_asked(inst, data, reply);
	case MK_CTL_CLOSE:
		if (len < sizeof(struct mk_ctl_close))
			return -EINVAL;
		return mk_broker_closed(inst, data);
	case MK_CTL_PEER:
		if (len < sizeof(struct mk_ctl_peer))
			return -EINVAL;
		return mk_peer_asked(inst->id, data, reply);
	case MK_CTL_TAKE_OVER:
		return mk_succeed_take_over(inst, reply);
	default:
		return -EOPNOTSUPP;
	}
}

/**
 * mk_broker_lost() - the instance has not been told what it asked for
 * @link: to it
 * @data: what it has said
 * @reply: the answer
 *
 * It can't know of a connection that it has asked for, and never gives it up.
 *
 * Context: may sleep.
 */
void mk_broker_lost(struct mk_link *link, const void *data, const void *reply)
{
	const struct mk_ctl_open *open = reply;
	struct mk_ctl_close close = { .op = MK_CTL_CLOSE, .conn = open->conn };

	if (*(const __u32 *)data == MK_CTL_CONNECT)
		mk_broker_closed(link->owner, &close);
}

/**
 * mk_broker_begin() - an instance may have connections
 * @inst: the instance, whose link is attached
 */
void mk_broker_begin(struct mk_instance *inst)
{
	guard(mutex)(&mk_conns_lock);
	inst->connectable = true;
}

/**
 * mk_broker_pause() - an instance may have no more connections than it has
 * @inst: the instance
 */
void mk_broker_pause(struct mk_instance *inst)
{
	guard(mutex)(&mk_conns_lock);
	inst->connectable = false;
}

/* One that it still has open, with a reference for the caller; @all or with the host */
static struct mk_conn *mk_broker_next(struct mk_instance *inst, bool all, unsigned int *side)
{
	struct mk_conn *conn;

	guard(mutex)(&mk_conns_lock);
	inst->connectable = false;
	list_for_each_entry(conn, &mk_conns, node) {
		for (*side = 0; *side < 2; ++*side) {
			if (conn->inst[*side] != inst || !conn->open[*side] ||
			    (conn->pair && !all))
				continue;
			conn->dead = true;
			conn->refs++;
			return conn;
		}
	}
	return NULL;
}

static void mk_broker_shut_all(struct mk_instance *inst, bool all, bool proven)
{
	struct mk_conn *conn;
	unsigned int side;

	while ((conn = mk_broker_next(inst, all, &side))) {
		if (!conn->inst[!side])
			mk_end_cut(conn->nr);
		mk_conn_shut(conn, side);
		/* Nobody has been told of an area that is not there yet */
		if (proven || !READ_ONCE(conn->area))
			mk_broker_found(conn);
		else	/* Or the other end was lost before, and the area with it */
			mk_ledger_claim_mem(virt_to_phys(conn->area), conn->size,
					    MK_OWNER_HOST, MK_OWNER_QUARANTINE);
	}
}

/**
 * mk_broker_end() - an instance has ended
 * @inst: the instance
 * @proven: all of its CPUs are proven to be stopped; otherwise what it has shared is
 *          never used again
 *
 * Cuts the host's ends of its connections at once; that they are gone is told later,
 * as it is to other instances.
 *
 * Context: may sleep.
 */
void mk_broker_end(struct mk_instance *inst, bool proven)
{
	mk_broker_shut_all(inst, true, proven);
}

/**
 * mk_broker_leave() - an instance has let go of its connections with the host
 * @inst: the instance
 *
 * Those with other instances stay, see mk_broker_keep().
 *
 * Context: may sleep.
 */
void mk_broker_leave(struct mk_instance *inst)
{
	mk_broker_shut_all(inst, false, true);
}
