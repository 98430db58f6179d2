// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: pages.c - data that changes hands without being copied
 *
 * A channel may have a pool of pages beside its rings.  At first each end owns half
 * of it.  An end takes a buffer out of its pages, writes to it, and hands it over or
 * lends it: a message says where it lies.  What is handed over is the receiver's from
 * then on; what is lent comes back when the receiver puts it.  The sender's CPU copies
 * nothing, and the receiver only if it wants to.
 *
 * Each end keeps its own books on whose a page is, in private memory.  A peer can
 * only give what is its own, and return what was lent to it, as a whole; anything
 * else is a bad message and changes nothing.  Nothing but decency keeps a peer from
 * writing to pages that are not its own any more, or not yet: who looks at them twice
 * may see two things.  A receiver that does not trust its peer copies what it checks,
 * once, and then checks it.
 *
 * What was written to a buffer is there when the message that says where it lies has
 * been received, because that is published after it and read before it (ordering 1 in
 * ring.c); the same holds for what comes back.
 *
 * A buffer belongs to the channel: no pointer to it may be used after
 * &mk_channel_ops.gone has returned, or mk_close() has been called.
 *
 * Locking
 * -------
 *
 * mk_pool.lock protects the books.  mk_channel.tx_lock nests inside of it, so that a
 * page is handed over in the books and on the wire in one step.
 */

#include <linux/build_bug.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "internal.h"
#include "pages.h"

/**
 * mk_pool_new() - this end's books of a pool
 * @base: the pages
 * @size: their size in bytes, a multiple of two pages
 * @first_half: this end owns the first half at the beginning, otherwise the second
 *
 * Context: may sleep.
 * Return: the pool, or NULL without memory.
 */
struct mk_pool *mk_pool_new(void *base, size_t size, bool first_half)
{
	u32 nr = size / PAGE_SIZE, i;
	struct mk_pool *pool = kvzalloc_flex(*pool, page, nr);

	if (!pool)
		return NULL;
	raw_spin_lock_init(&pool->lock);
	pool->base = base;
	pool->nr = nr;
	for (i = 0; i < nr; i++)
		pool->page[i].state = (i < nr / 2) == first_half ? MK_PAGE_FREE :
								   MK_PAGE_THEIRS;
	return pool;
}

/**
 * mk_pool_free() - forget a pool
 * @pool: from mk_pool_new(), or NULL
 */
void mk_pool_free(struct mk_pool *pool)
{
	kvfree(pool);
}

static void mk_pool_set(struct mk_pool *pool, u32 first, u32 pages,
			enum mk_page_state state)
{
	struct mk_page page = { .state = state };

	BUILD_BUG_ON(sizeof(page) != sizeof(u32));
	memset32(&pool->page[first].word, page.word, pages);
	if (state == MK_PAGE_THEIRS || state == MK_PAGE_FREE)
		return;
	pool->page[first].first = true;
	pool->page[first].pages = pages;
}

static bool mk_pool_is_theirs(struct mk_pool *pool, u32 first, u32 pages)
{
	BUILD_BUG_ON(MK_PAGE_THEIRS);
	return !memchr_inv(&pool->page[first], 0, pages * sizeof(struct mk_page));
}

/* The buffer at this address, in this state; its number of pages or 0 */
static u32 mk_pool_find(struct mk_pool *pool, const void *pages, enum mk_page_state state,
			u32 *first)
{
	size_t off = pages - pool->base;

	lockdep_assert_held(&pool->lock);
	if (pages < pool->base || off % PAGE_SIZE || off / PAGE_SIZE >= pool->nr)
		return 0;
	*first = off / PAGE_SIZE;
	if (!pool->page[*first].first || pool->page[*first].state != state)
		return 0;
	return pool->page[*first].pages;
}

/* First fit: pools are small, and buffers few */
static void *mk_pool_take(struct mk_pool *pool, u32 pages)
{
	u32 i, run = 0;

	lockdep_assert_held(&pool->lock);
	for (i = 0; i < pool->nr; i++) {
		if (pool->page[i].first)
			i += pool->page[i].pages - 1;
		run = pool->page[i].state == MK_PAGE_FREE ? run + 1 : 0;
		if (run == pages) {
			mk_pool_set(pool, i + 1 - pages, pages, MK_PAGE_USED);
			return pool->base + (i + 1 - pages) * PAGE_SIZE;
		}
	}
	return NULL;
}

/**
 * mk_pages_alloc() - take a buffer out of a channel's pages
 * @ch: the channel
 * @len: how much is needed, in bytes
 *
 * To be given to mk_pages_give(), mk_pages_lend() or mk_pages_put().
 *
 * Context: any but NMI; does not sleep.
 * Return: contiguous pages, with whatever was in them; or NULL if there are not so
 * many of our own that are free, or the channel has none.
 */
void *mk_pages_alloc(struct mk_channel *ch, size_t len)
{
	struct mk_pool *pool = ch->pool;

	if (!pool || !len || len > pool->nr * PAGE_SIZE)
		return NULL;
	guard(raw_spinlock_irqsave)(&pool->lock);
	return mk_pool_take(pool, PFN_UP(len));
}
EXPORT_SYMBOL_GPL(mk_pages_alloc);

static bool mk_pages_or_end(struct mk_channel *ch, size_t len, void **pages)
{
	if (READ_ONCE(ch->ending))
		return true;
	*pages = mk_pages_alloc(ch, len);
	return *pages;
}

/**
 * mk_pages_alloc_wait() - take a buffer, and sleep until there is one
 * @ch: the channel
 * @len: how much is needed, in bytes
 * @timeout: how long to sleep at most, in jiffies
 *
 * Context: process; may sleep.
 * Return: as mk_pages_alloc(), or an ERR_PTR(): -EMSGSIZE if the channel will never
 * have so many pages; -ETIMEDOUT; -EINTR for a signal; -ENOTCONN if the channel has
 * ended, also meanwhile.
 */
void *mk_pages_alloc_wait(struct mk_channel *ch, size_t len, long timeout)
{
	void *pages = NULL;

	if (!ch->pool || !len || len > ch->pool->nr * PAGE_SIZE)
		return ERR_PTR(-EMSGSIZE);
	timeout = wait_event_interruptible_timeout(ch->tx_wait,
						   mk_pages_or_end(ch, len, &pages),
						   timeout);
	if (pages)
		return pages;
	if (timeout < 0)
		return ERR_PTR(-EINTR);
	return ERR_PTR(timeout ? -ENOTCONN : -ETIMEDOUT);
}
EXPORT_SYMBOL_GPL(mk_pages_alloc_wait);

static int mk_pages_send(struct mk_channel *ch, u16 type, void *pages, size_t len, bool lend)
{
	struct mk_pages desc = { .len = len, .flags = lend ? MK_PAGES_LENT : 0 };
	struct mk_pool *pool = ch->pool;
	u32 first, nr;
	int ret;

	if (!pool || type >= MK_TYPE_PAGES)
		return -EINVAL;
	guard(raw_spinlock_irqsave)(&pool->lock);
	nr = mk_pool_find(pool, pages, MK_PAGE_USED, &first);
	if (!nr || !len || PFN_UP(len) > nr)
		return -EINVAL;
	desc.first = first;
	desc.pages = nr;
	ret = mk_send(ch, MK_TYPE_PAGES | type, &desc, sizeof(desc));
	if (!ret)
		mk_pool_set(pool, first, nr, lend ? MK_PAGE_LENT : MK_PAGE_THEIRS);
	return ret;
}

/**
 * mk_pages_give() - hand a buffer over
 * @ch: the channel
 * @type: what the two sides have agreed on, below MK_TYPE_PAGES
 * @pages: from mk_pages_alloc(), or handed over to us
 * @len: how much of it counts, in bytes
 *
 * The whole buffer is the peer's from then on.
 *
 * Context: any but NMI; does not sleep.
 * Return: 0; -EINVAL for something that is not our buffer, or shorter than @len;
 * -EAGAIN or -ENOTCONN as mk_send(), and the buffer is still ours.
 */
int mk_pages_give(struct mk_channel *ch, u16 type, void *pages, size_t len)
{
	return mk_pages_send(ch, type, pages, len, false);
}
EXPORT_SYMBOL_GPL(mk_pages_give);

/**
 * mk_pages_lend() - lend a buffer
 * @ch: the channel
 * @type: what the two sides have agreed on, below MK_TYPE_PAGES
 * @pages: from mk_pages_alloc(), or handed over to us
 * @len: how much of it counts, in bytes
 *
 * It is free for mk_pages_alloc() again when the peer has put it.
 *
 * Context: any but NMI; does not sleep.
 * Return: as mk_pages_give().
 */
int mk_pages_lend(struct mk_channel *ch, u16 type, void *pages, size_t len)
{
	return mk_pages_send(ch, type, pages, len, true);
}
EXPORT_SYMBOL_GPL(mk_pages_lend);

static void mk_pages_wake(struct mk_channel *ch)
{
	if (wq_has_sleeper(&ch->tx_wait))
		wake_up_all(&ch->tx_wait);
}

/* False if there is no room */
static bool mk_pool_return(struct mk_channel *ch, u32 first)
{
	struct mk_pool *pool = ch->pool;
	struct mk_pages desc = { .first = first, .pages = pool->page[first].pages };

	if (mk_send_or_ring(ch, MK_TYPE_BACK, &desc, sizeof(desc)) == -EAGAIN)
		return false;
	mk_pool_set(pool, first, desc.pages, MK_PAGE_THEIRS);
	pool->returning--;
	return true;
}

/**
 * mk_pages_put() - done with a buffer
 * @ch: the channel
 * @pages: from mk_pages_alloc(), or received
 *
 * What was lent to us goes back; other buffers are free for mk_pages_alloc().
 *
 * Context: any but NMI; does not sleep.
 */
void mk_pages_put(struct mk_channel *ch, void *pages)
{
	struct mk_pool *pool = ch->pool;
	bool ours = false, told = true;
	u32 first, nr;

	scoped_guard(raw_spinlock_irqsave, &pool->lock) {
		nr = mk_pool_find(pool, pages, MK_PAGE_USED, &first);
		ours = nr;
		if (!nr)
			nr = mk_pool_find(pool, pages, MK_PAGE_BORROWED, &first);
		if (WARN_ON_ONCE(!nr))
			return;
		mk_pool_set(pool, first, nr, ours ? MK_PAGE_FREE : MK_PAGE_RETURNING);
		if (!ours) {
			pool->returning++;
			told = mk_pool_return(ch, first);
		}
	}
	if (ours)
		mk_pages_wake(ch);
	/* There may be room by now */
	else if (!told)
		mk_pool_flush(ch);
}
EXPORT_SYMBOL_GPL(mk_pages_put);

/**
 * mk_pool_flush() - tell the peer of buffers that go back to it
 * @ch: a channel with a pool
 *
 * As far as there is room; the peer rings when there is more.
 *
 * Context: any but NMI.
 */
void mk_pool_flush(struct mk_channel *ch)
{
	struct mk_pool *pool = ch->pool;
	u32 i;

	if (!READ_ONCE(pool->returning))
		return;
	guard(raw_spinlock_irqsave)(&pool->lock);
	for (i = 0; i < pool->nr && pool->returning; i++)
		if (pool->page[i].state == MK_PAGE_RETURNING && pool->page[i].first &&
		    !mk_pool_return(ch, i))
			return;
}

/* Private copy of what the peer says; false if that can't be */
static bool mk_pool_desc(struct mk_pool *pool, const struct mk_msg *msg,
			 struct mk_pages *desc)
{
	if (!pool || msg->len != sizeof(*desc))
		return false;
	memcpy(desc, msg->data, sizeof(*desc));
	return desc->pages && desc->pages <= pool->nr &&
	       desc->first <= pool->nr - desc->pages;
}

/**
 * mk_pool_receive() - a message says that the peer gives or lends pages
 * @ch: the channel
 * @msg: the message; becomes one that has them as its data
 *
 * Return: false if it makes no sense, and then nothing has changed.
 */
bool mk_pool_receive(struct mk_channel *ch, struct mk_msg *msg)
{
	struct mk_pool *pool = ch->pool;
	struct mk_pages desc;

	if (!mk_pool_desc(pool, msg, &desc) || !desc.len ||
	    PFN_UP((u64)desc.len) > desc.pages || desc.flags & ~MK_PAGES_LENT)
		return false;
	guard(raw_spinlock_irqsave)(&pool->lock);
	if (!mk_pool_is_theirs(pool, desc.first, desc.pages))
		return false;
	mk_pool_set(pool, desc.first, desc.pages,
		    desc.flags & MK_PAGES_LENT ? MK_PAGE_BORROWED : MK_PAGE_USED);
	msg->type &= ~MK_TYPE_PAGES;
	msg->pages = pool->base + desc.first * PAGE_SIZE;
	msg->data = msg->pages;
	msg->len = desc.len;
	return true;
}

/**
 * mk_pool_returned() - a message says that the peer has put what was lent to it
 * @ch: the channel
 * @msg: the message
 *
 * Return: false if it makes no sense, and then nothing has changed.
 */
bool mk_pool_returned(struct mk_channel *ch, const struct mk_msg *msg)
{
	struct mk_pool *pool = ch->pool;
	struct mk_pages desc;

	if (!mk_pool_desc(pool, msg, &desc))
		return false;
	scoped_guard(raw_spinlock_irqsave, &pool->lock) {
		struct mk_page *page = &pool->page[desc.first];

		if (!page->first || page->state != MK_PAGE_LENT ||
		    page->pages != desc.pages)
			return false;
		mk_pool_set(pool, desc.first, desc.pages, MK_PAGE_FREE);
	}
	mk_pages_wake(ch);
	return true;
}
