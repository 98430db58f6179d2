// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: service.c - named services, and this kernel's ends of connections
 *
 * A service is a name on which other kernels may open channels to this one:
 * mk_service_register().  A channel to a service of another kernel comes from
 * mk_connect().  Once it is open the two sides are equal.
 *
 * How the two ends come to share memory is not decided here: broker.c does it in the
 * host, which owns that memory, and remote.c asks for it in an instance.
 *
 * An end goes in two steps.  First it is cut: its rings are not used any more,
 * senders and callers get an error.  Then the layer above hears that its peer is gone.
 * A channel that a service has accepted is freed after that; who has connected calls
 * mk_close().  The end stays in the list until all of this is done, so that nobody
 * takes memory for free that the layer above may still look at: who asks meanwhile is
 * told to ask again.
 *
 * An end that a service has accepted may be inherited, see &mk_channel_ops.inheritable: when
 * this kernel gets a successor its rings are held, mk_ends_hold(), and the successor's end
 * goes on with them, while the peer's stays what it is.
 *
 * What host and instance ask of each other on the control channel is done by jobs, those
 * of one peer one after the other: see mk_job_queue().
 *
 * Locking
 * -------
 *
 * mk_link.jobs_lock protects the jobs of a link, and is innermost.
 * mk_services_lock protects the services.  mk_ends_lock protects the list of ends, and
 * who cuts an end (mk_end.cutting) and who takes it down (mk_end.going); the one who
 * does works without it, and the others wait in mk_ends_wait.  Nobody waits for a peer
 * under either; callbacks of the layer above run under none, except mk_service.accept
 * under mk_services_lock, so they may open and close other channels.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/delay.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <asm/multikernel.h>

#include "internal.h"
#include "pages.h"
#include "service.h"

/*
 * For how many looks, of 50 to 100 us, a callback may go on when the channels are held: the
 * peers of all of them wait meanwhile.
 */
#define MK_HOLD_LOOKS		200

static LIST_HEAD(mk_services);
static DEFINE_MUTEX(mk_services_lock);
static LIST_HEAD(mk_ends);
static DEFINE_SPINLOCK(mk_ends_lock);
static DECLARE_WAIT_QUEUE_HEAD(mk_ends_wait);

static struct mk_service *mk_service_find(const char *name)
{
	struct mk_service *service;

	lockdep_assert_held(&mk_services_lock);
	list_for_each_entry(service, &mk_services, node)
		if (!strcmp(service->name, name))
			return service;
	return NULL;
}

/**
 * mk_service_register() - let other kernels open channels
 * @service: the service, zeroed but for what the layer above fills in; stays until
 *           mk_service_unregister()
 *
 * Context: may sleep.
 * Return: 0; -EINVAL for a name that is empty or too long, or without operations;
 * -EEXIST if there is one of this name.
 */
int mk_service_register(struct mk_service *service)
{
	size_t len = strlen(service->name);

	if (!len || len >= MK_SERVICE_NAME_LEN || !service->ops ||
	    service->ops->drain || (service->ops->sleeps && service->ops->in_irq))
		return -EINVAL;
	guard(mutex)(&mk_services_lock);
	if (mk_service_find(service->name))
		return -EEXIST;
	list_add_tail(&service->node, &mk_services);
	return 0;
}
EXPORT_SYMBOL_GPL(mk_service_register);

/**
 * mk_service_slots() - the size of a ring
 * @wanted: slots that shall be there, 0 for no wish
 *
 * Return: a power of two.
 */
u32 mk_service_slots(u32 wanted)
{
	if (!wanted)
		return MK_SLOTS_DEFAULT;
	return roundup_pow_of_two(clamp(wanted, MK_SLOTS_MIN, MK_SLOTS_MAX));
}

/**
 * mk_service_check_open() - can this be a connection?
 * @open: private copy of what the host says
 *
 * Return: 0 or -EINVAL.
 */
int mk_service_check_open(const struct mk_ctl_open *open)
{
	size_t size;

	if (!is_power_of_2(open->slots) || open->slots > MK_SLOTS_MAX ||
	    !open->epoch || open->side > 1 || open->channel >= MK_LINK_CHANNELS ||
	    open->channel < MK_NR_CLASSES)
		return -EINVAL;
	size = mk_ring_size(open->slots);
	if (open->area_size < size || open->tx_off > open->area_size - size ||
	    open->rx_off > open->area_size - size ||
	    !IS_ALIGNED(open->tx_off | open->rx_off, sizeof(struct mk_slot)) ||
	    abs_diff(open->tx_off, open->rx_off) < size)
		return -EINVAL;
	if (open->pages % 2 || open->pages > MK_PAGES_MAX)
		return -EINVAL;
	if (open->flags & ~MK_OPEN_INHERITED || (open->flags && open->pages))
		return -EINVAL;
	if (open->pages &&
	    (!PAGE_ALIGNED(open->pages_off) || open->pages_off > open->area_size ||
	     open->pages > (open->area_size - open->pages_off) / PAGE_SIZE ||
	     open->pages_off < max(open->tx_off, open->rx_off) + size))
		return -EINVAL;
	if (!PAGE_ALIGNED(open->area_pa) || !PAGE_ALIGNED(open->area_size) ||
	    !PAGE_ALIGNED(open->pair_pa) || !open->area_pa)
		return -EINVAL;
	if (strnlen(open->peer, sizeof(open->peer)) == sizeof(open->peer) ||
	    strnlen(open->service, sizeof(open->service)) == sizeof(open->service))
		return -EINVAL;
	return 0;
}

static void mk_end_gone_work(struct work_struct *work);

static struct mk_end *mk_end_alloc(const struct mk_ctl_open *open)
{
	u32 max = min_t(u32, open->slots * MK_SLOT_PAYLOAD, MK_MSG_MAX);
	struct mk_end *end = kzalloc_obj(*end);

	if (!end)
		return NULL;
	end->buf = kvmalloc(max, GFP_KERNEL);
	if (!end->buf) {
		kfree(end);
		return NULL;
	}
	init_completion(&end->told);
	INIT_WORK(&end->gone_work, mk_end_gone_work);
	end->conn = open->conn;
	strscpy(end->peer, open->peer);
	strscpy(end->service, open->service);
	return end;
}

static void mk_end_free(struct mk_end *end)
{
	if (end->of) {
		scoped_guard(spinlock, &mk_ends_lock)
			end->of->ends--;
		wake_up_all(&mk_ends_wait);
	}
	mk_pool_free(end->ch.pool);
	mk_channel_exit(&end->ch);
	kvfree(end->buf);
	kfree(end);
}

static int mk_end_accept(struct mk_end *end, bool inherited)
{
	struct mk_service *service;
	int ret = 0;

	guard(mutex)(&mk_services_lock);
	service = mk_service_find(end->service);
	if (!service || (inherited && !service->ops->inheritable))
		return -ECONNREFUSED;
	end->accepted = true;
	scoped_guard(spinlock, &mk_ends_lock) {
		end->of = service;
		service->ends++;
	}
	mk_channel_set_ops(&end->ch, service->ops, service->priv);
	if (service->accept)
		ret = service->accept(&end->ch);
	/* On the wire that asks to come again */
	return ret == -EAGAIN ? -EBUSY : ret;
}

/* Calls of one peer that wait for their turn; more are told to come again */
#define MK_JOBS_MAX		8

/* How long an answer waits for room: the peer has asked, and so should read */
#define MK_JOB_REPLY_MS		5000

/* How soon to come again */
#define MK_JOB_RETRY_MS		20

/**
 * struct mk_job - a call on a control channel that needs process context
 * @node: in mk_link.jobs
 * @ops: what does it
 * @epoch: which life of the caller's
 * @type: type of the message
 * @len: length of @data
 * @data: the message, zeroed behind it
 * @reply: the answer
 */
struct mk_job {
	struct list_head node;
	const struct mk_job_ops *ops;
	u32 epoch;
	u16 type;
	u32 len;
	u8 data[MK_CTL_MAX] __aligned(8);
	u8 reply[MK_CTL_MAX] __aligned(8);
};

static void mk_job_do(struct mk_link *link, struct mk_job *job)
{
	struct mk_channel *ch = &link->boot[MK_CLASS_CONTROL];
	ssize_t ret = job->ops->call(link, job->data, job->len, job->reply);
	long timeout = msecs_to_jiffies(MK_JOB_REPLY_MS);
	u16 nr = job->type & MK_TYPE_NR;
	__s32 err = ret;
	int sent;

	if (ret < 0)
		sent = mk_reply_wait(ch, job->epoch, MK_TYPE_ERROR | nr, &err, sizeof(err),
				     timeout);
	else
		sent = mk_reply_wait(ch, job->epoch, MK_TYPE_REPLY | nr, job->reply, ret,
				     timeout);
	if (sent && ret >= 0 && job->ops->lost)
		job->ops->lost(link, job->data, job->reply);
}

/* The next one, which stays in the list until it is done; then it is not looked at */
static void mk_job_work(struct work_struct *work)
{
	struct mk_link *link = container_of(work, struct mk_link, job_work);
	struct mk_job *job;

	scoped_guard(spinlock_bh, &link->jobs_lock)
		job = list_first_entry(&link->jobs, struct mk_job, node);
	mk_job_do(link, job);
	scoped_guard(spinlock_bh, &link->jobs_lock) {
		list_del(&job->node);
		link->jobs_nr--;
		if (!list_empty(&link->jobs))
			queue_work(system_dfl_wq, &link->job_work);
	}
	/* The last one may take the link with it */
	if (job->ops->put)
		job->ops->put(link);
	kfree(job);
}

/**
 * mk_job_init() - prepare a link for jobs
 * @link: the link
 */
void mk_job_init(struct mk_link *link)
{
	spin_lock_init(&link->jobs_lock);
	INIT_LIST_HEAD(&link->jobs);
	INIT_WORK(&link->job_work, mk_job_work);
}

/**
 * mk_job_queue() - answer a call on a control channel from process context
 * @link: to the caller
 * @msg: the call
 * @ops: what does it
 *
 * What one peer asks for is done in the order in which it has asked: what it takes
 * back has been done before.  It also bounds what it can have of this kernel's time
 * to one thread.
 *
 * Context: BH.
 * Return: true; false if it can't be done now, and no one of @ops will be called.
 */
bool mk_job_queue(struct mk_link *link, const struct mk_msg *msg,
		  const struct mk_job_ops *ops)
{
	struct mk_job *job;

	guard(spinlock_bh)(&link->jobs_lock);
	if (link->jobs_nr == MK_JOBS_MAX)
		return false;
	job = kzalloc_obj(*job, GFP_ATOMIC);
	if (!job)
		return false;
	job->ops = ops;
	job->epoch = link->boot[MK_CLASS_CONTROL].rx.epoch;
	job->type = msg->type;
	job->len = msg->len;
	memcpy(job->data, msg->data, msg->len);
	if (!link->jobs_nr++)
		queue_work(system_dfl_wq, &link->job_work);
	list_add_tail(&job->node, &link->jobs);
	return true;
}

/**
 * mk_job_call() - make a call that the peer answers by a job
 * @ch: the control channel
 * @data: what to ask
 * @len: its length in bytes
 * @reply: where to put the answer, or NULL
 * @size: space there in bytes
 * @timeout: how long to wait at most, in jiffies
 *
 * A peer that has too much to do answers -EAGAIN, and is asked again.
 *
 * Context: process; may sleep.  Not from a callback of the channel.
 * Return: as mk_call(); -EAGAIN if the peer had too much to do all the time.
 */
ssize_t mk_job_call(struct mk_channel *ch, const void *data, size_t len, void *reply,
		    size_t size, long timeout)
{
	unsigned long deadline = jiffies + timeout;
	long left = timeout;
	ssize_t ret;

	for (;;) {
		ret = mk_call(ch, data, len, reply, size, left);
		left = deadline - jiffies;
		if (ret != -EAGAIN || left <= 0)
			return ret;
		if (signal_pending(current))
			return -EINTR;
		schedule_timeout_interruptible(msecs_to_jiffies(MK_JOB_RETRY_MS));
	}
}

/**
 * mk_end_prepare() - set up this kernel's end of a connection
 * @link: to the other end
 * @area: memory of the connection, as this kernel maps it
 * @open: checked, private copy of what the host says
 * @ops: of the one who connects, or NULL for the service to accept
 * @priv: for @ops
 *
 * To be followed by mk_end_publish() or mk_end_abandon().
 *
 * Context: may sleep.
 * Return: the end, or an ERR_PTR(): -ECONNREFUSED if there is no such service,
 * -ENOMEM, or what the service says.
 */
struct mk_end *mk_end_prepare(struct mk_link *link, void *area,
			      const struct mk_ctl_open *open,
			      const struct mk_channel_ops *ops, void *priv)
{
	struct mk_end *end = mk_end_alloc(open);
	struct mk_channel *ch;
	int ret;

	if (!end)
		return ERR_PTR(-ENOMEM);
	ch = &end->ch;
	if (mk_channel_init(ch, link, open->channel)) {
		mk_end_free(end);
		return ERR_PTR(-ENOMEM);
	}
	if (open->flags & MK_OPEN_INHERITED) {
		mk_ring_tx_resume(&ch->tx, area + open->tx_off, open->slots, open->epoch);
		mk_ring_rx_resume(&ch->rx, area + open->rx_off, open->slots, open->epoch);
	} else {
		mk_ring_tx_init(&ch->tx, area + open->tx_off, open->slots, open->epoch);
		mk_ring_rx_init(&ch->rx, area + open->rx_off, open->slots, open->epoch);
	}
	mk_ring_rx_buf(&ch->rx, end->buf,
		       min_t(u32, open->slots * MK_SLOT_PAYLOAD, MK_MSG_MAX));
	if (open->pages) {
		ch->pool = mk_pool_new(area + open->pages_off, open->pages * PAGE_SIZE,
				       ops);
		if (!ch->pool) {
			mk_end_free(end);
			return ERR_PTR(-ENOMEM);
		}
	}
	if (ops) {
		mk_channel_set_ops(ch, ops, priv);
		return end;
	}
	ret = mk_end_accept(end, open->flags & MK_OPEN_INHERITED);
	if (ret) {
		mk_end_free(end);
		return ERR_PTR(ret);
	}
	return end;
}

/**
 * mk_end_publish() - messages come in from now on
 * @end: from mk_end_prepare()
 * @release: called when the rings are not used any more; with true if the layer
 *           above has closed the channel
 * @arg: for @release
 *
 * Context: process; does not wait for anyone.
 * Return: 0; -EADDRINUSE if there is a channel of that id; -ENOTCONN if the link is
 * not open.
 */
int mk_end_publish(struct mk_end *end,
		   void (*release)(struct mk_end *end, bool closed), void *arg)
{
	int ret;

	guard(spinlock)(&mk_ends_lock);
	end->release = release;
	end->arg = arg;
	ret = mk_link_add(end->ch.link, &end->ch);
	if (!ret)
		list_add_tail(&end->node, &mk_ends);
	/* The service may be about to go */
	wake_up_all(&mk_ends_wait);
	return ret;
}

/**
 * mk_end_abandon() - an end that was not published will not be
 * @end: from mk_end_prepare()
 *
 * Context: may sleep.
 */
void mk_end_abandon(struct mk_end *end)
{
	if (end->accepted && end->ch.ops->gone)
		end->ch.ops->gone(&end->ch);
	mk_end_free(end);
}

static struct mk_end *mk_end_find(u32 conn)
{
	struct mk_end *end;

	lockdep_assert_held(&mk_ends_lock);
	list_for_each_entry(end, &mk_ends, node)
		if (end->conn == conn)
			return end;
	return NULL;
}

/**
 * mk_end_pass() - the peer at the other end is another one from now on
 * @conn: the host's number of the connection
 * @link: to that other one
 * @id: of the channel there
 *
 * Context: process.
 * Return: 0; -ENOENT if there is no such end, or it is about to go; or as mk_link_pass().
 */
int mk_end_pass(u32 conn, struct mk_link *link, unsigned int id)
{
	struct mk_end *end;

	guard(spinlock)(&mk_ends_lock);
	end = mk_end_find(conn);
	if (!end || end->cutting || end->going)
		return -ENOENT;
	return mk_link_pass(link, &end->ch, id);
}

/* By the one who has set mk_end.cutting.  The end may be gone when this returns */
static void mk_end_delete(struct mk_end *end)
{
	mk_link_del(end->ch.link, &end->ch);
	/* Pairs with mk_end_do_cut() */
	smp_store_release(&end->cut, true);
	wake_up_all(&mk_ends_wait);
}

/* By the one who has set mk_end.going: nobody else frees it */
static void mk_end_do_cut(struct mk_end *end)
{
	bool first;

	scoped_guard(spinlock, &mk_ends_lock) {
		first = !end->cutting;
		end->cutting = true;
	}
	if (first)
		mk_end_delete(end);
	else
		/* Pairs with mk_end_delete() */
		wait_event(mk_ends_wait, smp_load_acquire(&end->cut));
}

static bool mk_end_is_cut(u32 conn)
{
	struct mk_end *end;

	guard(spinlock)(&mk_ends_lock);
	end = mk_end_find(conn);
	return !end || end->cut;
}

static bool mk_end_is_there(u32 conn)
{
	guard(spinlock)(&mk_ends_lock);
	return mk_end_find(conn);
}

/**
 * mk_end_cut() - do not use the rings any more
 * @conn: the host's number of the connection
 *
 * Context: may sleep; not from callbacks of the channel.
 */
void mk_end_cut(u32 conn)
{
	struct mk_end *end;
	bool first = false;

	scoped_guard(spinlock, &mk_ends_lock) {
		end = mk_end_find(conn);
		if (end && !end->cutting) {
			end->cutting = true;
			first = true;
		}
	}
	if (first)
		mk_end_delete(end);
	else
		wait_event(mk_ends_wait, mk_end_is_cut(conn));
}

/* Whoever gets 0 takes it down */
static int mk_end_claim(u32 conn, struct mk_end **end)
{
	guard(spinlock)(&mk_ends_lock);
	*end = mk_end_find(conn);
	if (!*end)
		return -ENOENT;
	if ((*end)->going)
		return -EAGAIN;
	(*end)->going = true;
	return 0;
}

static void mk_end_unlist(struct mk_end *end)
{
	guard(spinlock)(&mk_ends_lock);
	list_del_init(&end->node);
}

static void mk_end_do_gone(struct mk_end *end, bool closed)
{
	mk_end_do_cut(end);
	/* Before the memory goes: the layer above may have pages of it */
	if (end->ch.ops->gone)
		end->ch.ops->gone(&end->ch);
	end->release(end, closed);
	mk_end_unlist(end);
	if (end->accepted)
		mk_end_free(end);
	else
		complete_all(&end->told);
	wake_up_all(&mk_ends_wait);
}

static void mk_end_gone_work(struct work_struct *work)
{
	mk_end_do_gone(container_of(work, struct mk_end, gone_work), false);
}

/**
 * mk_end_gone() - the peer is gone: cut the end, and tell the layer above
 * @conn: the host's number of the connection
 *
 * Context: may sleep; not from callbacks of the channel.
 * Return: 0 when it has let go of the memory; -ENOENT if there is no such end;
 * -EAGAIN if somebody else is about to take it down, who is not waited for.
 */
int mk_end_gone(u32 conn)
{
	struct mk_end *end;
	int ret = mk_end_claim(conn, &end);

	if (!ret)
		mk_end_do_gone(end, false);
	return ret;
}

/**
 * mk_end_gone_within() - the same, for those who can't wait for the layer above
 * @conn: the host's number of the connection
 * @timeout: how long they can, in jiffies
 *
 * Context: may sleep.
 * Return: 0 when it has let go of the memory, also because of someone else; -ENOENT
 * if there was no such end; -EAGAIN if that takes longer.
 */
int mk_end_gone_within(u32 conn, long timeout)
{
	struct mk_end *end;
	int ret = mk_end_claim(conn, &end);

	if (ret == -ENOENT)
		return ret;
	if (!ret)
		queue_work(system_dfl_wq, &end->gone_work);
	return wait_event_timeout(mk_ends_wait, !mk_end_is_there(conn), timeout) ? 0 :
										   -EAGAIN;
}

/* One that nobody takes down yet is about to be: by its own work item */
static bool mk_end_gone_any(const struct mk_link *link)
{
	struct mk_end *end;

	guard(spinlock)(&mk_ends_lock);
	list_for_each_entry(end, &mk_ends, node) {
		if (end->going || end->ch.link != link)
			continue;
		end->going = true;
		queue_work(system_dfl_wq, &end->gone_work);
		return true;
	}
	return false;
}

static bool mk_end_none(const struct mk_link *link)
{
	struct mk_end *end;

	guard(spinlock)(&mk_ends_lock);
	list_for_each_entry(end, &mk_ends, node)
		if (end->ch.link == link)
			return false;
	return true;
}

/**
 * mk_end_gone_all() - a peer is gone, for those who can't wait for the layers above
 * @link: to it
 * @timeout: how long they can, in jiffies
 *
 * Nobody may open another end meanwhile.
 *
 * Context: may sleep.
 * Return: true when no end of a connection to it uses its memory any more.
 */
bool mk_end_gone_all(const struct mk_link *link, long timeout)
{
	while (mk_end_gone_any(link))
		;
	return wait_event_timeout(mk_ends_wait, mk_end_none(link), timeout);
}

/* True if there is one to come back for: somebody receives there.  @any: one is held */
static bool mk_ends_try_hold(bool *any)
{
	struct mk_end *end;
	bool busy = false;

	guard(spinlock)(&mk_ends_lock);
	list_for_each_entry(end, &mk_ends, node) {
		if (!end->accepted || end->going || end->held || end->ch.pool ||
		    !end->ch.ops->inheritable)
			continue;
		end->held = mk_channel_hold(&end->ch);
		*any |= end->held;
		busy |= !end->held;
	}
	return busy;
}

/* Whoever waits for a reply would do so in vain, and another one take it for its own */
static unsigned int mk_ends_held(u32 *conns, unsigned int max)
{
	struct mk_end *end;
	unsigned int nr = 0;

	guard(spinlock)(&mk_ends_lock);
	list_for_each_entry(end, &mk_ends, node) {
		if (!end->held)
			continue;
		if (nr < max && !mk_channel_calls(&end->ch)) {
			conns[nr++] = end->conn;
		} else {
			end->held = false;
			mk_channel_release(&end->ch);
		}
	}
	return nr;
}

/**
 * mk_ends_hold() - leave what a successor may inherit as it is, until mk_ends_release()
 * @conns: where to put the numbers of those connections
 * @max: space there
 *
 * Those at which somebody works on a message for longer, or waits for a reply, are left out,
 * and go on.
 *
 * Context: process; may sleep.
 * Return: their number.
 */
unsigned int mk_ends_hold(u32 *conns, unsigned int max)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < MK_HOLD_LOOKS && mk_ends_try_hold(&any); i++)
		usleep_range(50, 100);
	if (!any)
		return 0;
	/* A message that is half written; the peer waits for us meanwhile */
	synchronize_rcu_expedited();
	return mk_ends_held(conns, max);
}

/**
 * mk_ends_release() - go on after mk_ends_hold(), if that has been
 *
 * Context: process.
 */
void mk_ends_release(void)
{
	struct mk_end *end;

	guard(spinlock)(&mk_ends_lock);
	list_for_each_entry(end, &mk_ends, node) {
		if (!end->held)
			continue;
		end->held = false;
		mk_channel_release(&end->ch);
	}
}

/* An end of this service that nobody takes down yet: it is the caller's to do */
static struct mk_end *mk_end_claim_of(const struct mk_service *service)
{
	struct mk_end *end;

	guard(spinlock)(&mk_ends_lock);
	list_for_each_entry(end, &mk_ends, node) {
		if (end->of != service || end->going)
			continue;
		end->going = true;
		return end;
	}
	return NULL;
}

/* Either there are none, or one that can be taken down has come */
static bool mk_end_any_of(const struct mk_service *service)
{
	struct mk_end *end;

	guard(spinlock)(&mk_ends_lock);
	if (!service->ends)
		return true;
	list_for_each_entry(end, &mk_ends, node)
		if (end->of == service && !end->going)
			return true;
	return false;
}

static bool mk_end_none_of(const struct mk_service *service)
{
	guard(spinlock)(&mk_ends_lock);
	return !service->ends;
}

/**
 * mk_service_unregister() - let nobody open channels any more, and close those there are
 * @service: from mk_service_register()
 *
 * &mk_channel_ops.gone is called for each channel, and the peer hears that we are gone.
 * When this returns no callback of the service runs, or will.
 *
 * Context: may sleep; not from callbacks of the service.
 */
void mk_service_unregister(struct mk_service *service)
{
	struct mk_end *end;

	scoped_guard(mutex, &mk_services_lock)
		list_del(&service->node);
	do {
		while ((end = mk_end_claim_of(service)))
			mk_end_do_gone(end, true);
		/* One that is about to be opened, or that somebody else takes down */
		wait_event(mk_ends_wait, mk_end_any_of(service));
	} while (!mk_end_none_of(service));
}
EXPORT_SYMBOL_GPL(mk_service_unregister);

/**
 * mk_close() - give a channel up
 * @ch: from mk_connect()
 *
 * Messages that have come in are handled first, those that the peer has not read
 * yet stay there for it.  The peer hears that we are gone.
 *
 * Context: may sleep; not from callbacks of the channel.
 */
void mk_close(struct mk_channel *ch)
{
	struct mk_end *end = container_of(ch, struct mk_end, ch);
	bool ours;

	scoped_guard(spinlock, &mk_ends_lock) {
		ours = !end->going;
		end->going = true;
	}
	if (ours) {
		mk_end_do_cut(end);
		end->release(end, true);
		mk_end_unlist(end);
		wake_up_all(&mk_ends_wait);
	} else {
		wait_for_completion(&end->told);
	}
	mk_end_free(end);
}
EXPORT_SYMBOL_GPL(mk_close);

/**
 * mk_channel_peer() - who is at the other end?
 * @ch: from mk_connect(), or accepted by a service
 *
 * Return: name of the instance, or an empty string for the host.
 */
const char *mk_channel_peer(struct mk_channel *ch)
{
	return container_of(ch, struct mk_end, ch)->peer;
}
EXPORT_SYMBOL_GPL(mk_channel_peer);

/**
 * mk_channel_priv() - what the layer above has left there
 * @ch: a channel
 *
 * Return: the pointer given to mk_connect(), that of the service, or the last one
 * of mk_channel_set_priv().
 */
void *mk_channel_priv(struct mk_channel *ch)
{
	return ch->priv;
}
EXPORT_SYMBOL_GPL(mk_channel_priv);

/**
 * mk_channel_set_priv() - leave something there
 * @ch: a channel
 * @priv: a pointer; to be set in &mk_service.accept at the latest
 */
void mk_channel_set_priv(struct mk_channel *ch, void *priv)
{
	ch->priv = priv;
}
EXPORT_SYMBOL_GPL(mk_channel_set_priv);

/**
 * mk_connect() - open a channel to a service of another kernel
 * @peer: name of an instance, or an empty string for the host
 * @service: name of the service
 * @slots: slots that each ring shall have, 0 for no wish; a message may be as long
 *         as a ring
 * @ops: what becomes of messages; may not have &mk_channel_ops.drain
 * @priv: for mk_channel_priv()
 *
 * Context: may sleep.
 * Return: the channel, to be given to mk_close(), or an ERR_PTR(): -ENOENT if there
 * is no such instance; -EHOSTDOWN if it does not run; -EPROTONOSUPPORT if the two have
 * no version of the ABI in common; -ECONNREFUSED if it has no such
 * service; -EINVAL for a name that can't be, or this kernel itself; -ENOSPC if too
 * many channels are open between the two; -EAGAIN if one of the kernels in between has
 * too much to do; -EINTR for a signal; -ETIMEDOUT; -ECONNRESET if one of the two
 * ended meanwhile; -ENOMEM; or what the service says.
 */
struct mk_channel *mk_connect(const char *peer, const char *service, u32 slots,
			      const struct mk_channel_ops *ops, void *priv)
{
	struct mk_ctl_connect req = { .op = MK_CTL_CONNECT, .slots = slots };
	struct mk_end *end;

	if (ops)
		req.pages = ops->pages;
	if (strscpy(req.peer, peer) < 0 || strscpy(req.service, service) <= 0 ||
	    !ops || ops->drain || (ops->sleeps && ops->in_irq))
		return ERR_PTR(-EINVAL);
	end = mk_is_instance() ? mk_remote_connect(&req, ops, priv) :
				 mk_broker_connect(&req, ops, priv);
	return IS_ERR(end) ? ERR_CAST(end) : &end->ch;
}
EXPORT_SYMBOL_GPL(mk_connect);
