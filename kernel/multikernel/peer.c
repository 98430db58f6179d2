// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: peer.c - kernels that come and go
 *
 * The peers of the host are the instances that run: from the moment when they have said
 * hello until they have ended.  Those of an instance are the host, and the other
 * instances that run.
 *
 * The host knows by itself.  After a change it sends MK_MSG_PEERS to its instances,
 * which says no more than that; an instance then asks by MK_CTL_PEER for one peer after
 * the other, and compares.  The table of notifiers is as simple: it has, for each peer,
 * which life it is in, and of which life the notifiers have been told, and a work item
 * makes the second follow the first.  So nothing is queued for those who are slow,
 * however often a peer comes and goes meanwhile: of a life that is over before they could
 * hear of it they hear nothing.
 *
 * Order: notifiers hear MK_PEER_UP and MK_PEER_DOWN of a peer in turn, both with the
 * same epoch, whatever the speed of those who listen.
 *
 * A channel may outlive such a life, see Documentation/multikernel/update.rst.  Whether one is
 * there is said by &mk_channel_ops.gone alone.
 *
 * Locking
 * -------
 *
 * mk_peers_lock protects the table.  It is innermost, and nobody waits under it.
 * mk_peers_told_lock is held while notifiers are told, registered or unregistered, and
 * protects what they have been told; callbacks run under it alone, in process context.
 * They may sleep, look peers up, and call mk_connect() and mk_close(): nothing that
 * these wait for ever takes it.  One that takes long delays what others hear.
 * Lock order: mk_peers_told_lock -> mk_peers_lock; mk_instance.lock -> mk_peers_lock.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/multikernel.h>

#include "guest.h"
#include "internal.h"
#include "service.h"

/* How soon an instance asks again if the host has not answered, and the other way */
#define MK_PEER_RETRY_MS	1000

/* The host answers from a kernel thread */
#define MK_PEER_TIMEOUT_MS	5000

/**
 * struct mk_peer_entry - a kernel that has been there
 * @node: in the table, by id
 * @now: who it is, or was last
 * @life: which of its lives, never the same twice; 0 if it is not there
 * @told: of whom the notifiers have been told
 * @told_life: of which life they have been told, 0 if of none
 * @tell: host: this instance has still to hear that something has changed
 */
struct mk_peer_entry {
	struct list_head node;
	struct mk_peer now;
	u32 life;
	struct mk_peer told;
	u32 told_life;
	bool tell;
};

static LIST_HEAD(mk_peers);
static DEFINE_MUTEX(mk_peers_lock);
static u32 mk_peers_lives;

static RAW_NOTIFIER_HEAD(mk_peers_chain);
static DEFINE_MUTEX(mk_peers_told_lock);

/* The first one of at least this id */
static struct mk_peer_entry *mk_peer_from(u32 id)
{
	struct mk_peer_entry *entry;

	lockdep_assert_held(&mk_peers_lock);
	list_for_each_entry(entry, &mk_peers, node)
		if (entry->now.id >= id)
			return entry;
	return NULL;
}

static struct mk_peer_entry *mk_peer_up_from(u32 id)
{
	struct mk_peer_entry *entry = mk_peer_from(id);

	while (entry && !entry->life)
		entry = mk_peer_from(entry->now.id + 1);
	return entry;
}

static struct mk_peer_entry *mk_peer_entry_get(u32 id)
{
	struct mk_peer_entry *next = mk_peer_from(id), *entry;

	if (next && next->now.id == id)
		return next;
	entry = kzalloc_obj(*entry);
	if (!entry)
		return NULL;
	entry->now.id = id;
	list_add_tail(&entry->node, next ? &next->node : &mk_peers);
	return entry;
}

/* What the notifiers have still to hear; false if they know all */
static bool mk_peer_next_event(unsigned long *event, struct mk_peer *peer)
{
	struct mk_peer_entry *entry;

	lockdep_assert_held(&mk_peers_told_lock);
	guard(mutex)(&mk_peers_lock);
	list_for_each_entry(entry, &mk_peers, node) {
		if (entry->told_life == entry->life)
			continue;
		*event = entry->told_life ? MK_PEER_DOWN : MK_PEER_UP;
		if (!entry->told_life)
			entry->told = entry->now;
		*peer = entry->told;
		entry->told_life = entry->told_life ? 0 : entry->life;
		return true;
	}
	return false;
}

/* Those that are gone, and known to be */
static void mk_peer_forget(void)
{
	struct mk_peer_entry *entry, *next;

	guard(mutex)(&mk_peers_lock);
	list_for_each_entry_safe(entry, next, &mk_peers, node) {
		if (entry->life || entry->told_life)
			continue;
		list_del(&entry->node);
		kfree(entry);
	}
}

static void mk_peer_tell_notifiers(struct work_struct *work)
{
	unsigned long event;
	struct mk_peer peer;

	guard(mutex)(&mk_peers_told_lock);
	while (mk_peer_next_event(&event, &peer))
		raw_notifier_call_chain(&mk_peers_chain, event, &peer);
	mk_peer_forget();
}

static DECLARE_WORK(mk_peer_notify_work, mk_peer_tell_notifiers);

static bool mk_peer_next_told(u32 id, struct mk_peer *peer)
{
	struct mk_peer_entry *entry;

	guard(mutex)(&mk_peers_lock);
	entry = mk_peer_from(id);
	while (entry && !entry->told_life)
		entry = mk_peer_from(entry->now.id + 1);
	if (entry)
		*peer = entry->told;
	return entry;
}

/**
 * mk_peer_notifier_register() - hear of peers that come and go
 * @nb: called with MK_PEER_UP or MK_PEER_DOWN and a &struct mk_peer; returns
 *      NOTIFY_DONE
 *
 * It is called with MK_PEER_UP for each peer that is there already, before this
 * returns.  For what a callback may do see the top of this file; registering and
 * unregistering is not among it.
 *
 * Context: may sleep; not from a callback, nor under a lock that one takes.
 * Return: 0, or -EEXIST if it is registered.
 */
int mk_peer_notifier_register(struct notifier_block *nb)
{
	struct mk_peer peer;
	u32 id = 0;
	int ret;

	guard(mutex)(&mk_peers_told_lock);
	ret = raw_notifier_chain_register(&mk_peers_chain, nb);
	while (!ret && mk_peer_next_told(id, &peer)) {
		nb->notifier_call(nb, MK_PEER_UP, &peer);
		id = peer.id + 1;
	}
	return ret;
}
EXPORT_SYMBOL_GPL(mk_peer_notifier_register);

/**
 * mk_peer_notifier_unregister() - hear no more
 * @nb: from mk_peer_notifier_register()
 *
 * When this returns its callback does not run any more.
 *
 * Context: may sleep; not from a callback, nor under a lock that one takes.
 * Return: 0, or -ENOENT if it is not registered.
 */
int mk_peer_notifier_unregister(struct notifier_block *nb)
{
	guard(mutex)(&mk_peers_told_lock);
	return raw_notifier_chain_unregister(&mk_peers_chain, nb);
}
EXPORT_SYMBOL_GPL(mk_peer_notifier_unregister);

/**
 * mk_peer_find() - is there a peer of this name?
 * @name: name of an instance, or an empty string for the host
 * @peer: what to fill
 *
 * Context: may sleep; also from a notifier, which may have to hear of it yet.
 * Return: 0, or -ENOENT if it is not there now.
 */
int mk_peer_find(const char *name, struct mk_peer *peer)
{
	struct mk_peer_entry *entry;

	guard(mutex)(&mk_peers_lock);
	list_for_each_entry(entry, &mk_peers, node) {
		if (!entry->life || strcmp(entry->now.name, name))
			continue;
		*peer = entry->now;
		return 0;
	}
	return -ENOENT;
}
EXPORT_SYMBOL_GPL(mk_peer_find);

/**
 * mk_self() - which kernel is this?
 *
 * Context: any.
 * Return: the id of this instance, or 0, MULTIKERNEL_ID_HOST.
 */
u32 mk_self(void)
{
	return mk_is_instance() ? READ_ONCE(mk_guest_block()->instance_id) : MULTIKERNEL_ID_HOST;
}
EXPORT_SYMBOL_GPL(mk_self);

static bool mk_peer_next(u32 id, struct mk_peer *peer)
{
	struct mk_peer_entry *entry;

	guard(mutex)(&mk_peers_lock);
	entry = mk_peer_up_from(id);
	if (entry)
		*peer = entry->now;
	return entry;
}

/**
 * mk_peer_walk() - do something for each peer
 * @fn: what; returns 0 to go on.  Called without locks
 * @data: for @fn
 *
 * In order of ids, the host first.  One that comes or goes meanwhile may be missed.
 *
 * Context: may sleep; also from a notifier.
 * Return: 0, or what @fn returned last.
 */
int mk_peer_walk(int (*fn)(const struct mk_peer *peer, void *data), void *data)
{
	struct mk_peer peer;
	u32 id = 0;
	int ret = 0;

	while (!ret && mk_peer_next(id, &peer)) {
		ret = fn(&peer, data);
		id = peer.id + 1;
	}
	return ret;
}
EXPORT_SYMBOL_GPL(mk_peer_walk);

static void mk_peer_tell_instances(struct work_struct *work);
static DECLARE_DELAYED_WORK(mk_peer_tell_work, mk_peer_tell_instances);

/* 0 if there is none that has still to hear, from this id on */
static u32 mk_peer_next_to_tell(u32 id)
{
	struct mk_peer_entry *entry;

	guard(mutex)(&mk_peers_lock);
	entry = mk_peer_up_from(id);
	while (entry && !entry->tell)
		entry = mk_peer_up_from(entry->now.id + 1);
	if (!entry)
		return 0;
	entry->tell = false;
	return entry->now.id;
}

/* One whose ring is full has other things to do */
static bool mk_peer_tell(u32 id)
{
	struct mk_instance *inst = mk_instance_get_by_id(id);
	int ret = 0;

	if (!inst)
		return true;
	if (READ_ONCE(inst->link.features) & MK_BOOT_F_PEERS)
		ret = mk_send(&inst->boot[MK_CLASS_CONTROL], MK_MSG_PEERS, NULL, 0);
	mk_instance_put(inst);
	return ret != -EAGAIN;
}

static void mk_peer_tell_later(u32 id)
{
	struct mk_peer_entry *entry;

	guard(mutex)(&mk_peers_lock);
	entry = mk_peer_from(id);
	if (entry && entry->now.id == id)
		entry->tell = true;
	queue_delayed_work(system_dfl_wq, &mk_peer_tell_work,
			   msecs_to_jiffies(MK_PEER_RETRY_MS));
}

static void mk_peer_tell_instances(struct work_struct *work)
{
	u32 id = 1, next;

	for (; (next = mk_peer_next_to_tell(id)); id = next + 1)
		if (!mk_peer_tell(next))
			mk_peer_tell_later(next);
}

static void mk_peer_changed(void)
{
	struct mk_peer_entry *entry;

	lockdep_assert_held(&mk_peers_lock);
	queue_work(system_dfl_wq, &mk_peer_notify_work);
	if (mk_is_instance())
		return;
	list_for_each_entry(entry, &mk_peers, node)
		entry->tell = true;
	mod_delayed_work(system_dfl_wq, &mk_peer_tell_work, 0);
}

/**
 * mk_peer_up() - a kernel is there
 * @peer: who
 * @life: of its lives, not 0; or 0 for one that has not been before
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM, in which case nobody will hear of it.
 */
int mk_peer_up(const struct mk_peer *peer, u32 life)
{
	struct mk_peer_entry *entry;

	guard(mutex)(&mk_peers_lock);
	entry = mk_peer_entry_get(peer->id);
	if (!entry)
		return -ENOMEM;
	if (life && entry->life == life)
		return 0;
	entry->now = *peer;
	entry->life = life ?: ++mk_peers_lives ?: ++mk_peers_lives;
	mk_peer_changed();
	return 0;
}

/**
 * mk_peer_down() - kernels are not there any more, if they were
 * @from: the first id
 * @to: the last id
 *
 * Context: may sleep.
 */
void mk_peer_down(u32 from, u32 to)
{
	struct mk_peer_entry *entry;

	guard(mutex)(&mk_peers_lock);
	for (entry = mk_peer_up_from(from); entry && entry->now.id <= to;
	     entry = mk_peer_up_from(entry->now.id + 1)) {
		entry->life = 0;
		mk_peer_changed();
	}
}

/**
 * mk_peer_lives() - how many lives have there been?
 *
 * Context: may sleep.
 * Return: their number; the number of the last one.
 */
u32 mk_peer_lives(void)
{
	guard(mutex)(&mk_peers_lock);
	return mk_peers_lives;
}

/**
 * mk_peer_set_lives() - there have been lives before, of which others know the numbers
 * @lives: how many
 *
 * Context: may sleep; before there is one.
 */
void mk_peer_set_lives(u32 lives)
{
	guard(mutex)(&mk_peers_lock);
	mk_peers_lives = lives;
}

/**
 * mk_peer_asked() - MK_CTL_PEER: an instance asks who is there
 * @self: its id
 * @req: what it says
 * @reply: the answer
 *
 * Context: may sleep.
 * Return: length of the answer, or -ENOENT if there is no other.
 */
ssize_t mk_peer_asked(u32 self, const struct mk_ctl_peer *req, struct mk_ctl_peer *reply)
{
	struct mk_peer_entry *entry;

	guard(mutex)(&mk_peers_lock);
	entry = mk_peer_up_from(req->id);
	if (entry && entry->now.id == self)
		entry = mk_peer_up_from(self + 1);
	if (!entry)
		return -ENOENT;
	*reply = (struct mk_ctl_peer){
		.op = MK_CTL_PEER,
		.id = entry->now.id,
		.epoch = entry->now.epoch,
		.life = entry->life,
	};
	strscpy(reply->name, entry->now.name);
	return sizeof(*reply);
}

/**
 * mk_peer_check() - can this be a peer?
 * @reply: private copy of what the host says
 * @from: the least id that was asked for
 *
 * Return: 0 or -EPROTO.
 */
int mk_peer_check(const struct mk_ctl_peer *reply, u32 from)
{
	if (reply->id < from || reply->id < MULTIKERNEL_ID_MIN ||
	    reply->id > MULTIKERNEL_ID_MAX || !reply->epoch || !reply->life)
		return -EPROTO;
	if (!memchr(reply->name, '\0', sizeof(reply->name)) || !mk_name_ok(reply->name))
		return -EPROTO;
	return 0;
}

/* The next one from @id on; asked and told by the same words */
static int mk_peer_ask_one(u32 id, struct mk_ctl_peer *reply)
{
	struct mk_ctl_peer req = { .op = MK_CTL_PEER, .id = id };
	ssize_t ret;

	ret = mk_call(mk_guest_control(), &req, sizeof(req), reply, sizeof(*reply),
		      msecs_to_jiffies(MK_PEER_TIMEOUT_MS));
	if (ret < 0)
		return ret;
	return ret == sizeof(*reply) ? mk_peer_check(reply, id) : -EPROTO;
}

static int mk_peer_ask_all(void)
{
	struct mk_ctl_peer reply;
	u32 id = MULTIKERNEL_ID_MIN;
	int ret;

	while (!(ret = mk_peer_ask_one(id, &reply))) {
		struct mk_peer peer = { .id = reply.id, .epoch = reply.epoch };

		strscpy(peer.name, reply.name);
		if (id < reply.id)
			mk_peer_down(id, reply.id - 1);
		ret = mk_peer_up(&peer, reply.life);
		if (ret)
			return ret;
		id = reply.id + 1;
	}
	if (ret == -ENOENT)
		mk_peer_down(id, MULTIKERNEL_ID_MAX);
	return ret == -ENOENT ? 0 : ret;
}

static void mk_peer_ask(struct work_struct *work)
{
	/* Which host it is, beginning with the one that has started this kernel */
	u32 life = mk_guest_hosts();
	const struct mk_peer host = { .id = MULTIKERNEL_ID_HOST, .epoch = life };
	int ret;

	if (mk_guest_is_away())
		return;
	ret = mk_peer_up(&host, life);
	if (READ_ONCE(mk_guest_link()->features) & MK_BOOT_F_PEERS)
		ret = mk_peer_ask_all() ?: ret;
	if (ret == -EPROTO)
		pr_warn_ratelimited("the host names a peer that can't be\n");
	else if (ret)
		queue_delayed_work(system_dfl_wq, to_delayed_work(work),
				   msecs_to_jiffies(MK_PEER_RETRY_MS));
}

static DECLARE_DELAYED_WORK(mk_peer_ask_work, mk_peer_ask);

/**
 * mk_peer_look() - an instance asks the host who is there
 *
 * Context: any but NMI.
 */
void mk_peer_look(void)
{
	mod_delayed_work(system_dfl_wq, &mk_peer_ask_work, 0);
}

/**
 * mk_peer_leave() - the host is not there any more, until mk_peer_look()
 *
 * Of others there is nobody to tell us, so they are what they were.
 *
 * Context: may sleep.
 */
void mk_peer_leave(void)
{
	cancel_delayed_work_sync(&mk_peer_ask_work);
	mk_peer_down(MULTIKERNEL_ID_HOST, MULTIKERNEL_ID_HOST);
}
