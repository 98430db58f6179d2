// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: remote.c - connections of an instance
 *
 * An instance asks the host for a connection, or is told of one, and maps the memory
 * that the host names, see broker.c.  The host is believed in what it owns; what it
 * says is still checked for sense, and memory of this kernel itself is never taken
 * for shared.
 *
 * Another instance is known as a link of its own, which lives as long as there are
 * channels to it.
 *
 * The host frees a connection when both ends have given it up, so it has to hear of it.
 * If it does not answer in time, or the caller has a signal, a work item says it again
 * until it has heard.  The same holds for a connection that it has made for a caller
 * who does not wait any more: the late reply says which one it is.
 *
 * Locking
 * -------
 *
 * mk_remote_lock protects the list of links to other instances and their counts.
 * mk_remote_byes_lock protects the lists of what the host has still to hear, and of what
 * may have to be said.  Nobody waits for a peer under either.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "guest.h"
#include "internal.h"
#include "service.h"

/* The host may have to ask another instance, which has five seconds itself */
#define MK_CONNECT_TIMEOUT_MS	10000

/* How soon the host hears again of a connection that we have given up */
#define MK_BYE_RETRY_MS		1000

/* How long other calls of the host's wait for a channel that goes; it asks again */
#define MK_GONE_WAIT_MS		1000

/* How long users of connections have to let go when the host makes way for another one */
#define MK_LEAVE_WAIT_MS	3000
#define MK_LEAVE_POLL_MS	10

/**
 * struct mk_remote - another instance
 * @node: in the list of them
 * @id: the host's number of it
 * @name: its name
 * @refs: channels
 * @link: to it
 * @words: cause words
 */
struct mk_remote {
	struct list_head node;
	u32 id;
	char name[MK_PEER_NAME_LEN];
	unsigned int refs;
	struct mk_link link;
	struct mk_pair_words *words;
};

/**
 * struct mk_remote_conn - what an end of a connection has mapped
 * @node: in mk_remote_byes or mk_remote_spare
 * @conn: the host's number of the connection, in mk_remote_byes
 * @area: memory of the connection
 * @remote: the other instance, or NULL for the host
 */
struct mk_remote_conn {
	struct list_head node;
	u32 conn;
	void *area;
	struct mk_remote *remote;
};

/*
 * An instance can't end another one, and the host would not take its word for it.  So
 * the flooder is asked not to ring; if it does not care it is as good as malicious, and
 * what it costs is said in Documentation/multikernel/security.rst.
 */
static void mk_remote_flood(struct mk_link *link, const char *what)
{
	pr_warn("instance %s floods us with %s: it is not to ring any more\n", link->peer, what);
	mk_link_mute(link);
}

static const struct mk_link_ops mk_remote_ops = { .flood = mk_remote_flood };
static LIST_HEAD(mk_remotes);
static DEFINE_MUTEX(mk_remote_lock);
static atomic_t mk_remote_connecting;

/* What the host has still to hear that we have given up */
static LIST_HEAD(mk_remote_byes);

/* For what may have to be given up: one for each request whose answer may come late */
static LIST_HEAD(mk_remote_spare);
static unsigned int mk_remote_spares;
static DEFINE_SPINLOCK(mk_remote_byes_lock);

/* Not what this kernel takes for its own */
static bool mk_remote_foreign(phys_addr_t pa, size_t size)
{
	return size && pa + size > pa &&
	       region_intersects(pa, size, IORESOURCE_SYSTEM_RAM,
				 IORES_DESC_NONE) == REGION_DISJOINT;
}

static struct mk_remote *mk_remote_new(const struct mk_ctl_open *open)
{
	struct mk_remote *remote = kzalloc_obj(*remote);

	if (!remote)
		return NULL;
	remote->words = mk_guest_map(open->pair_pa, PAGE_SIZE);
	if (!remote->words) {
		kfree(remote);
		return NULL;
	}
	remote->id = open->peer_id;
	strscpy(remote->name, open->peer);
	mk_link_init(&remote->link, &mk_remote_ops, NULL, remote);
	remote->link.peer = remote->name;
	remote->link.version = open->version ?: mk_guest_link()->version;
	remote->link.cause_in =
		(unsigned long *)&remote->words->cause[open->side].word;
	remote->link.cause_out =
		(unsigned long *)&remote->words->cause[!open->side].word;
	mk_link_open(&remote->link);
	list_add(&remote->node, &mk_remotes);
	return remote;
}

static struct mk_remote *mk_remote_get(const struct mk_ctl_open *open)
{
	struct mk_remote *remote;

	guard(mutex)(&mk_remote_lock);
	list_for_each_entry(remote, &mk_remotes, node)
		if (remote->id == open->peer_id)
			goto found;
	remote = mk_remote_new(open);
	if (!remote)
		return NULL;
found:
	remote->refs++;
	return remote;
}

static void mk_remote_put(struct mk_remote *remote)
{
	if (!remote)
		return;
	guard(mutex)(&mk_remote_lock);
	if (--remote->refs)
		return;
	list_del(&remote->node);
	mk_link_close(&remote->link);
	memunmap(remote->words);
	kfree(remote);
}

static void mk_remote_unmap(struct mk_remote_conn *rc)
{
	mk_remote_put(rc->remote);
	if (rc->area)
		memunmap(rc->area);
	rc->remote = NULL;
	rc->area = NULL;
}

static int mk_remote_say_close(u32 conn)
{
	struct mk_ctl_close req = { .op = MK_CTL_CLOSE, .conn = conn };
	ssize_t ret;

	ret = mk_job_call(mk_guest_control(), &req, sizeof(req), NULL, 0,
			  msecs_to_jiffies(MK_CONNECT_TIMEOUT_MS));
	return ret < 0 ? ret : 0;
}

static void mk_remote_say_byes(struct work_struct *work);
static DECLARE_DELAYED_WORK(mk_remote_bye_work, mk_remote_say_byes);

static void mk_remote_bye_later(struct mk_remote_conn *rc, unsigned int ms)
{
	scoped_guard(spinlock_bh, &mk_remote_byes_lock)
		list_add_tail(&rc->node, &mk_remote_byes);
	queue_delayed_work(system_dfl_wq, &mk_remote_bye_work, msecs_to_jiffies(ms));
}

/* False if the host has to hear it again */
static bool mk_remote_bye(struct mk_remote_conn *rc)
{
	switch (mk_remote_say_close(rc->conn)) {
	case -EAGAIN:
	case -EBUSY:
	case -EINTR:
	case -ETIMEDOUT:
	/* The next host has to hear it */
	case -ENOTCONN:
	case -ECONNRESET:
		mk_remote_bye_later(rc, MK_BYE_RETRY_MS);
		return false;
	default:
		kfree(rc);
		return true;
	}
}

static struct mk_remote_conn *mk_remote_next(struct list_head *list)
{
	struct mk_remote_conn *rc;

	guard(spinlock_bh)(&mk_remote_byes_lock);
	rc = list_first_entry_or_null(list, struct mk_remote_conn, node);
	if (rc)
		list_del(&rc->node);
	if (rc && list == &mk_remote_spare)
		mk_remote_spares--;
	return rc;
}

static void mk_remote_say_byes(struct work_struct *work)
{
	struct mk_remote_conn *rc;

	do
		rc = mk_remote_next(&mk_remote_byes);
	while (rc && mk_remote_bye(rc));
}

/* If the host has said it then its call is answered, see mk_remote_closed() */
static void mk_remote_release(struct mk_end *end, bool closed)
{
	struct mk_remote_conn *rc = end->arg;

	mk_remote_unmap(rc);
	rc->conn = end->conn;
	if (closed)
		mk_remote_bye(rc);
	else
		kfree(rc);
}

static struct mk_end *mk_remote_map(const struct mk_ctl_open *open,
				    const struct mk_channel_ops *ops, void *priv,
				    struct mk_remote_conn *rc)
{
	struct mk_link *link = mk_guest_link();
	struct mk_end *end;
	int ret;

	rc->area = mk_guest_map(open->area_pa, open->area_size);
	if (!rc->area)
		return ERR_PTR(-ENOMEM);
	if (open->pair_pa) {
		rc->remote = mk_remote_get(open);
		if (!rc->remote)
			return ERR_PTR(-ENOMEM);
		link = &rc->remote->link;
	}
	end = mk_end_prepare(link, rc->area, open, ops, priv);
	if (IS_ERR(end))
		return end;
	ret = mk_end_publish(end, mk_remote_release, rc);
	if (ret) {
		mk_end_abandon(end);
		return ERR_PTR(ret);
	}
	return end;
}

static struct mk_end *mk_remote_open(const struct mk_ctl_open *open,
				     const struct mk_channel_ops *ops, void *priv,
				     struct mk_remote_conn *rc)
{
	struct mk_end *end;

	if (mk_service_check_open(open) || open->version > mk_guest_link()->version ||
	    !mk_remote_foreign(open->area_pa, open->area_size) ||
	    (open->pair_pa && !mk_remote_foreign(open->pair_pa, PAGE_SIZE)))
		return ERR_PTR(-EPROTO);
	end = mk_remote_map(open, ops, priv, rc);
	if (IS_ERR(end))
		mk_remote_unmap(rc);
	return end;
}

static bool mk_remote_spare_put(struct mk_remote_conn *rc)
{
	guard(spinlock_bh)(&mk_remote_byes_lock);
	list_add(&rc->node, &mk_remote_spare);
	return ++mk_remote_spares > MK_CALLS;
}

/* The reply, or something that is none: then the host may still answer */
static ssize_t mk_remote_ask(const struct mk_ctl_connect *req, struct mk_ctl_open *open,
			     struct mk_remote_conn **rc)
{
	bool enough = mk_remote_spare_put(*rc);
	ssize_t ret;

	ret = mk_job_call(mk_guest_control(), req, sizeof(*req), open, sizeof(*open),
			  msecs_to_jiffies(MK_CONNECT_TIMEOUT_MS));
	/* There can't be more that are late than there are calls without a reply */
	if ((ret == -EINTR || ret == -ETIMEDOUT) && !enough)
		*rc = NULL;
	else
		*rc = mk_remote_next(&mk_remote_spare);
	return ret;
}

/**
 * mk_remote_connect() - an instance connects to the host or to another instance
 * @req: whom to ask for what
 * @ops: what becomes of messages
 * @priv: for @ops
 *
 * Context: may sleep.
 * Return: the end, or an ERR_PTR() as mk_connect().
 */
struct mk_end *mk_remote_connect(const struct mk_ctl_connect *req,
				 const struct mk_channel_ops *ops, void *priv)
{
	struct mk_remote_conn *rc = kzalloc_obj(*rc);
	struct mk_ctl_open open = {};
	struct mk_end *end;
	ssize_t ret;

	if (!rc)
		return ERR_PTR(-ENOMEM);
	/* A close that overtakes us has to wait */
	atomic_inc(&mk_remote_connecting);
	/* Pairs with mk_remote_leave() */
	smp_mb__after_atomic();
	if (mk_guest_is_away()) {
		atomic_dec(&mk_remote_connecting);
		kfree(rc);
		return ERR_PTR(-EHOSTDOWN);
	}
	ret = mk_remote_ask(req, &open, &rc);
	if (ret == sizeof(open))
		end = mk_remote_open(&open, ops, priv, rc);
	else
		end = ERR_PTR(ret < 0 ? ret : -EPROTO);
	atomic_dec(&mk_remote_connecting);
	if (!IS_ERR(end))
		return end;
	if (ret == sizeof(open)) {
		rc->conn = open.conn;
		mk_remote_bye(rc);
	} else {
		kfree(rc);
	}
	return end;
}

/**
 * mk_remote_late() - a reply of the host's for which nobody waits any more
 * @link: to the host
 * @msg: the reply
 *
 * Context: BH.
 */
void mk_remote_late(struct mk_link *link, const struct mk_msg *msg)
{
	struct mk_remote_conn *rc;
	struct mk_ctl_open open;

	if ((msg->type & MK_TYPE_KIND) != MK_TYPE_REPLY || msg->len != sizeof(open))
		return;
	memcpy(&open, msg->data, sizeof(open));
	if (open.op != MK_CTL_OPEN)
		return;
	rc = mk_remote_next(&mk_remote_spare);
	if (!rc)
		return;
	rc->conn = open.conn;
	mk_remote_bye_later(rc, 0);
}

static ssize_t mk_remote_opened(const struct mk_ctl_open *open)
{
	struct mk_remote_conn *rc = kzalloc_obj(*rc);
	struct mk_end *end;

	if (!rc)
		return -ENOMEM;
	end = mk_remote_open(open, NULL, NULL, rc);
	if (IS_ERR(end))
		kfree(rc);
	return PTR_ERR_OR_ZERO(end);
}

/* While the layer above takes its time the host is told to ask again */
static ssize_t mk_remote_closed(const struct mk_ctl_close *req)
{
	int ret = mk_end_gone_within(req->conn, msecs_to_jiffies(MK_GONE_WAIT_MS));

	if (ret == -ENOENT && atomic_read(&mk_remote_connecting))
		return -EAGAIN;
	return ret;
}

/**
 * mk_remote_leave() - let go of the connections with the host, which frees their memory
 *
 * When mk_guest_is_away() is true already.
 *
 * Context: may sleep.
 * Return: 0; -EBUSY if some are still in use.
 */
int mk_remote_leave(void)
{
	unsigned long end = jiffies + msecs_to_jiffies(MK_LEAVE_WAIT_MS);

	/* Pairs with mk_remote_connect() */
	smp_mb();
	while (atomic_read(&mk_remote_connecting)) {
		if (time_after(jiffies, end))
			return -EBUSY;
		msleep(MK_LEAVE_POLL_MS);
	}
	if (!mk_end_gone_all(mk_guest_link(), msecs_to_jiffies(MK_LEAVE_WAIT_MS)))
		return -EBUSY;
	return 0;
}

/**
 * mk_remote_call() - the host says something
 * @link: to the host
 * @data: what it says, in private memory, zero up to MK_CTL_MAX
 * @len: how much of it
 * @reply: where to put the answer, MK_CTL_MAX bytes
 *
 * Context: may sleep.
 * Return: length of the answer, or a negative errno.
 */
ssize_t mk_remote_call(struct mk_link *link, const void *data, size_t len, void *reply)
{
	switch (*(const __u32 *)data) {
	case MK_CTL_OPEN:
		if (len < sizeof(struct mk_ctl_open))
			return -EINVAL;
		return mk_remote_opened(data);
	case MK_CTL_CLOSE:
		if (len < sizeof(struct mk_ctl_close))
			return -EINVAL;
		return mk_remote_closed(data);
	case MK_CTL_CPU_ADD:
	case MK_CTL_CPU_DEL:
	case MK_CTL_MEM_ADD:
	case MK_CTL_MEM_DEL:
		return mk_guest_resize_call(data, len);
	case MK_CTL_PREPARE:
	case MK_CTL_FREEZE:
	case MK_CTL_THAW:
	case MK_CTL_FORMATS:
		return mk_guest_handover_call(data, len, reply);
	case MK_CTL_AWAY:
		return mk_guest_away_call();
	default:
		return mk_guest_adopt_call(data, len, reply);
	}
}
