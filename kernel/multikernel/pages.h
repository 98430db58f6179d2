/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_PAGES_H
#define _MULTIKERNEL_PAGES_H

#include <linux/multikernel.h>
#include <linux/spinlock.h>

/* What becomes of a page, as this side knows it; never read from shared memory */
enum mk_page_state {
	MK_PAGE_THEIRS,		/* the peer's, to do with as it likes */
	MK_PAGE_FREE,		/* ours, and nobody needs it */
	MK_PAGE_USED,		/* ours, and the layer above has it */
	MK_PAGE_LENT,		/* ours, and the peer has it until it says otherwise */
	MK_PAGE_BORROWED,	/* the peer's, and the layer above has it */
	MK_PAGE_RETURNING,	/* the peer's, which is still to be told */
};

/**
 * struct mk_page - a page of a pool
 * @state: enum mk_page_state
 * @first: the first of a buffer; none are in pages that are free, or the peer's
 * @pages: length of the buffer, if @first
 * @word: all of it, to set many at once; 0 for a page that is the peer's
 */
struct mk_page {
	union {
		struct {
			u8 state;
			bool first;
			u16 pages;
		};
		u32 word;
	};
};

/**
 * struct mk_pool - pages that the two ends of a channel hand over to each other
 * @lock: protects what follows
 * @base: the pages
 * @nr: their number
 * @returning: buffers of which the peer is still to be told
 * @page: each of them
 */
struct mk_pool {
	raw_spinlock_t lock;
	void *base;
	u32 nr;
	u32 returning;
	struct mk_page page[] __counted_by(nr);
};

struct mk_pool *mk_pool_new(void *base, size_t size, bool first_half);
void mk_pool_free(struct mk_pool *pool);
bool mk_pool_receive(struct mk_channel *ch, struct mk_msg *msg);
bool mk_pool_returned(struct mk_channel *ch, const struct mk_msg *msg);
void mk_pool_flush(struct mk_channel *ch);

#endif /* _MULTIKERNEL_PAGES_H */
