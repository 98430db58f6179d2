// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of pages.c with both ends of a channel in this kernel: whose a page is at each
 * moment, what a peer may say of pages and what not, and many hand-overs at random.
 */

#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/prandom.h>

#include "../internal.h"
#include "../pages.h"
#include "fuzz.h"

#define PAGES_SLOTS	16
#define PAGES_NR	16
#define PAGES_HALF	(PAGES_NR / 2)

/**
 * struct pages_fix - a channel with a pool
 * @link: a link for both ends
 * @mem: the rings
 * @pages: the pool
 * @ch: the ends
 * @seen: buffers that have come in and are still to be put
 * @nr_seen: their number
 * @last: the last message
 * @refuse: what comes in is not wanted
 */
struct pages_fix {
	struct mk_link link;
	void *mem[2];
	void *pages;
	struct mk_channel *ch[2];
	void *seen[2][PAGES_NR];
	unsigned int nr_seen[2];
	struct mk_msg last;
	bool refuse;
};

static bool pages_receive(struct mk_channel *ch, const struct mk_msg *msg)
{
	struct pages_fix *fix = mk_channel_priv(ch);
	unsigned int side = ch == fix->ch[1];

	fix->last = *msg;
	if (fix->refuse)
		return false;
	if (msg->pages)
		fix->seen[side][fix->nr_seen[side]++] = msg->pages;
	return true;
}

static const struct mk_channel_ops pages_ops = { .receive = pages_receive };
static const struct mk_link_ops pages_link_ops;

static int pages_init(struct kunit *test)
{
	struct pages_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	unsigned int side;

	KUNIT_ASSERT_NOT_NULL(test, fix);
	mk_link_init(&fix->link, &pages_link_ops, NULL, fix);
	for (side = 0; side < 2; side++) {
		fix->mem[side] = kunit_kzalloc(test, mk_ring_size(PAGES_SLOTS), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, fix->mem[side]);
	}
	fix->pages = alloc_pages_exact(PAGES_NR * PAGE_SIZE, GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, fix->pages);
	test->priv = fix;
	for (side = 0; side < 2; side++) {
		struct mk_channel *ch = kunit_kzalloc(test, sizeof(*ch), GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, ch);
		KUNIT_ASSERT_EQ(test, mk_channel_init(ch, &fix->link, 5), 0);
		mk_channel_set_ops(ch, &pages_ops, fix);
		mk_ring_tx_init(&ch->tx, fix->mem[side], PAGES_SLOTS, 7);
		mk_ring_rx_init(&ch->rx, fix->mem[!side], PAGES_SLOTS, 7);
		fix->ch[side] = ch;
		ch->pool = mk_pool_new(fix->pages, PAGES_NR * PAGE_SIZE, !side);
		KUNIT_ASSERT_NOT_NULL(test, ch->pool);
	}
	return 0;
}

static void pages_exit(struct kunit *test)
{
	struct pages_fix *fix = test->priv;
	unsigned int side;

	if (!fix)
		return;
	for (side = 0; side < 2 && fix->ch[side]; side++) {
		mk_channels_end(fix->ch[side], 1);
		mk_pool_free(fix->ch[side]->pool);
		mk_channel_exit(fix->ch[side]);
	}
	free_pages_exact(fix->pages, PAGES_NR * PAGE_SIZE);
}

/* One end looks at what is there */
static void pages_poll(struct kunit *test, unsigned int side)
{
	struct pages_fix *fix = test->priv;

	KUNIT_ASSERT_TRUE(test, mk_channel_poll_begin(fix->ch[side]));
	while (mk_channel_poll(fix->ch[side]) > 0)
		;
	mk_channel_poll_end(fix->ch[side]);
	mk_channel_flush(fix->ch[side]);
}

static unsigned int pages_count(struct kunit *test, unsigned int side,
				enum mk_page_state state)
{
	struct pages_fix *fix = test->priv;
	struct mk_pool *pool = fix->ch[side]->pool;
	unsigned int i, n = 0;

	for (i = 0; i < pool->nr; i++)
		n += pool->page[i].state == state;
	return n;
}

static void *pages_get(struct kunit *test, unsigned int side, unsigned int nr)
{
	struct pages_fix *fix = test->priv;
	void *pages = mk_pages_alloc(fix->ch[side], nr * PAGE_SIZE);

	KUNIT_ASSERT_NOT_NULL(test, pages);
	return pages;
}

static void pages_test_halves(struct kunit *test)
{
	struct pages_fix *fix = test->priv;
	unsigned int side;

	for (side = 0; side < 2; side++) {
		struct mk_channel *ch = fix->ch[side];
		void *pages;

		KUNIT_EXPECT_NULL(test, mk_pages_alloc(ch, 0));
		KUNIT_EXPECT_NULL(test, mk_pages_alloc(ch, PAGES_HALF * PAGE_SIZE + 1));
		KUNIT_EXPECT_NULL(test, mk_pages_alloc(ch, SIZE_MAX));
		pages = pages_get(test, side, PAGES_HALF);
		KUNIT_EXPECT_PTR_EQ(test, pages,
				    fix->pages + side * PAGES_HALF * PAGE_SIZE);
		KUNIT_EXPECT_NULL(test, mk_pages_alloc(ch, 1));
		mk_pages_put(ch, pages);
		KUNIT_EXPECT_EQ(test, pages_count(test, side, MK_PAGE_FREE), PAGES_HALF);
	}
}

static void pages_test_give(struct kunit *test)
{
	struct pages_fix *fix = test->priv;
	struct mk_channel *ch = fix->ch[0];
	char *pages = pages_get(test, 0, 3);

	strscpy(pages, "three pages", PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, mk_pages_give(ch, 9, pages, 3 * PAGE_SIZE + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_pages_give(ch, 9, pages, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_pages_give(ch, 9, pages + PAGE_SIZE, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_pages_give(ch, 9, fix, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_pages_give(ch, MK_TYPE_PAGES, pages, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_pages_give(ch, 9, pages, 2 * PAGE_SIZE + 5), 0);
	/* It is not ours any more */
	KUNIT_EXPECT_EQ(test, mk_pages_give(ch, 9, pages, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, pages_count(test, 0, MK_PAGE_THEIRS), PAGES_HALF + 3);

	pages_poll(test, 1);
	KUNIT_EXPECT_EQ(test, fix->last.type, 9);
	KUNIT_EXPECT_EQ(test, fix->last.len, 2 * PAGE_SIZE + 5);
	KUNIT_EXPECT_PTR_EQ(test, fix->last.pages, (void *)pages);
	KUNIT_EXPECT_STREQ(test, fix->last.data, "three pages");
	mk_pages_put(fix->ch[1], pages);
	KUNIT_EXPECT_EQ(test, pages_count(test, 1, MK_PAGE_FREE), PAGES_HALF + 3);
}

static void pages_test_lend(struct kunit *test)
{
	struct pages_fix *fix = test->priv;
	void *pages = pages_get(test, 0, PAGES_HALF);

	KUNIT_EXPECT_EQ(test, mk_pages_lend(fix->ch[0], 9, pages, 1), 0);
	KUNIT_EXPECT_NULL(test, mk_pages_alloc(fix->ch[0], 1));
	pages_poll(test, 1);
	KUNIT_EXPECT_EQ(test, pages_count(test, 1, MK_PAGE_BORROWED), PAGES_HALF);
	/* What is borrowed can't be given on */
	KUNIT_EXPECT_EQ(test, mk_pages_give(fix->ch[1], 9, pages, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_pages_lend(fix->ch[1], 9, pages, 1), -EINVAL);
	mk_pages_put(fix->ch[1], pages);
	KUNIT_EXPECT_EQ(test, pages_count(test, 1, MK_PAGE_THEIRS), PAGES_HALF);
	KUNIT_EXPECT_NULL(test, mk_pages_alloc(fix->ch[0], 1));
	pages_poll(test, 0);
	KUNIT_EXPECT_EQ(test, pages_count(test, 0, MK_PAGE_FREE), PAGES_HALF);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(fix->ch[0], bad), 0);
}

/* That it goes back can't be said at once, but is not forgotten */
static void pages_test_back_waits(struct kunit *test)
{
	struct pages_fix *fix = test->priv;
	void *a = pages_get(test, 0, 2), *b = pages_get(test, 0, 3);

	KUNIT_ASSERT_EQ(test, mk_pages_lend(fix->ch[0], 9, a, 1), 0);
	KUNIT_ASSERT_EQ(test, mk_pages_lend(fix->ch[0], 9, b, 1), 0);
	pages_poll(test, 1);
	while (!mk_send(fix->ch[1], 1, NULL, 0))
		;
	mk_pages_put(fix->ch[1], a);
	mk_pages_put(fix->ch[1], b);
	KUNIT_EXPECT_EQ(test, pages_count(test, 1, MK_PAGE_RETURNING), 5);
	pages_poll(test, 0);
	KUNIT_EXPECT_EQ(test, pages_count(test, 0, MK_PAGE_LENT), 5);
	/* The receiver looks when there is room */
	mk_channel_kick(fix->ch[1]);
	mk_channel_flush(fix->ch[1]);
	KUNIT_EXPECT_EQ(test, pages_count(test, 1, MK_PAGE_RETURNING), 0);
	pages_poll(test, 0);
	KUNIT_EXPECT_EQ(test, pages_count(test, 0, MK_PAGE_FREE), PAGES_HALF);
}

static void pages_test_refused(struct kunit *test)
{
	struct pages_fix *fix = test->priv;
	void *lent = pages_get(test, 0, 2), *given = pages_get(test, 0, 3);

	fix->refuse = true;
	KUNIT_ASSERT_EQ(test, mk_pages_lend(fix->ch[0], 9, lent, 1), 0);
	KUNIT_ASSERT_EQ(test, mk_pages_give(fix->ch[0], 9, given, 1), 0);
	pages_poll(test, 1);
	pages_poll(test, 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(fix->ch[1], bad), 2);
	KUNIT_EXPECT_EQ(test, pages_count(test, 0, MK_PAGE_FREE), PAGES_HALF - 3);
	KUNIT_EXPECT_EQ(test, pages_count(test, 1, MK_PAGE_FREE), PAGES_HALF + 3);
}

/**
 * struct pages_lie - what a hostile peer may say
 * @what: in words
 * @type: of the message
 * @desc: the message
 *
 * Pages 0 and 1 were lent to the peer as one buffer, page 2 is ours to use, pages 3 to
 * 7 are ours and free, page 8 was borrowed from the peer, all others are the peer's.
 */
struct pages_lie {
	const char *what;
	u16 type;
	struct mk_pages desc;
};

static const struct pages_lie pages_lies[] = {
	{ "nothing", MK_TYPE_PAGES, { 9, 0, 0, 0 } },
	{ "no bytes", MK_TYPE_PAGES, { 9, 1, 0, 0 } },
	{ "more bytes than pages", MK_TYPE_PAGES, { 9, 1, PAGE_SIZE + 1, 0 } },
	{ "as many bytes as there are", MK_TYPE_PAGES, { 9, 1, U32_MAX, 0 } },
	{ "behind the end", MK_TYPE_PAGES, { PAGES_NR, 1, 1, 0 } },
	{ "past the end", MK_TYPE_PAGES, { PAGES_NR - 1, 2, 1, 0 } },
	{ "a sum that wraps", MK_TYPE_PAGES, { U32_MAX, 2, 1, 0 } },
	{ "as many pages as there are", MK_TYPE_PAGES, { 9, U32_MAX, 1, 0 } },
	{ "an unknown flag", MK_TYPE_PAGES, { 9, 1, 1, 2 } },
	{ "ours and free", MK_TYPE_PAGES, { 3, 1, 1, 0 } },
	{ "ours and in use", MK_TYPE_PAGES, { 2, 1, 1, 0 } },
	{ "ours, lent to it, as its own", MK_TYPE_PAGES, { 0, 2, 1, MK_PAGES_LENT } },
	{ "lent to us already", MK_TYPE_PAGES, { 8, 1, 1, 0 } },
	{ "partly ours", MK_TYPE_PAGES, { 7, 3, 1, 0 } },
	{ "back, but not lent", MK_TYPE_BACK, { 2, 1, 0, 0 } },
	{ "back, but free", MK_TYPE_BACK, { 3, 1, 0, 0 } },
	{ "back, but its own", MK_TYPE_BACK, { 9, 1, 0, 0 } },
	{ "back in part", MK_TYPE_BACK, { 0, 1, 0, 0 } },
	{ "back from the middle", MK_TYPE_BACK, { 1, 1, 0, 0 } },
	{ "back and more", MK_TYPE_BACK, { 0, 3, 0, 0 } },
	{ "back from behind the end", MK_TYPE_BACK, { U32_MAX, 1, 0, 0 } },
	{ "back, but nothing", MK_TYPE_BACK, { 0, 0, 0, 0 } },
	{ "an unknown kind", MK_TYPE_BACK + 1, { 0, 2, 0, 0 } },
};

KUNIT_ARRAY_PARAM_DESC(pages_lies, pages_lies, what);

static void pages_test_lies(struct kunit *test)
{
	const struct pages_lie *lie = test->param_value;
	struct pages_fix *fix = test->priv;
	struct mk_pool *pool = fix->ch[0]->pool;
	struct mk_page before[PAGES_NR];
	void *lent = pages_get(test, 0, 2), *theirs = pages_get(test, 1, 1);

	pages_get(test, 0, 1);
	KUNIT_ASSERT_EQ(test, mk_pages_lend(fix->ch[0], 9, lent, 1), 0);
	KUNIT_ASSERT_EQ(test, mk_pages_lend(fix->ch[1], 9, theirs, 1), 0);
	pages_poll(test, 0);
	memcpy(before, pool->page, sizeof(before));
	fix->nr_seen[0] = 0;

	KUNIT_ASSERT_EQ(test, mk_send(fix->ch[1], lie->type, &lie->desc, sizeof(lie->desc)), 0);
	pages_poll(test, 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(fix->ch[0], bad), 1);
	KUNIT_EXPECT_EQ(test, fix->nr_seen[0], 0);
	KUNIT_EXPECT_MEMEQ(test, before, pool->page, sizeof(before));
	/* A word too short or too long is none */
	KUNIT_ASSERT_EQ(test, mk_send(fix->ch[1], lie->type, &lie->desc,
				      sizeof(lie->desc) - 1), 0);
	pages_poll(test, 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(fix->ch[0], bad), 2);
	KUNIT_EXPECT_MEMEQ(test, before, pool->page, sizeof(before));
}

/* A channel that has none does not know of pages */
static void pages_test_no_pool(struct kunit *test)
{
	struct mk_pages desc = { .first = PAGES_HALF, .pages = 1, .len = 1 };
	struct pages_fix *fix = test->priv;
	struct mk_pool *pool = fix->ch[0]->pool;

	fix->ch[0]->pool = NULL;
	KUNIT_EXPECT_NULL(test, mk_pages_alloc(fix->ch[0], 1));
	KUNIT_EXPECT_EQ(test, PTR_ERR(mk_pages_alloc_wait(fix->ch[0], 1, 1)), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, mk_pages_give(fix->ch[0], 9, fix->pages, 1), -EINVAL);
	KUNIT_ASSERT_EQ(test, mk_send(fix->ch[1], MK_TYPE_PAGES, &desc, sizeof(desc)), 0);
	KUNIT_ASSERT_EQ(test, mk_send(fix->ch[1], MK_TYPE_BACK, &desc, sizeof(desc)), 0);
	pages_poll(test, 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(fix->ch[0], bad), 2);
	fix->ch[0]->pool = pool;
}

static void pages_test_wait(struct kunit *test)
{
	struct pages_fix *fix = test->priv;
	struct mk_channel *ch = fix->ch[0];

	KUNIT_EXPECT_EQ(test, PTR_ERR(mk_pages_alloc_wait(ch, PAGES_NR * PAGE_SIZE + 1, 1)),
			-EMSGSIZE);
	pages_get(test, 0, PAGES_HALF);
	KUNIT_EXPECT_EQ(test, PTR_ERR(mk_pages_alloc_wait(ch, 1, 1)), -ETIMEDOUT);
	mk_channels_end(ch, 1);
	KUNIT_EXPECT_EQ(test, PTR_ERR(mk_pages_alloc_wait(ch, 1, 10 * HZ)), -ENOTCONN);
}

/* For each page what the one end takes it for fits what the other one does */
static void pages_check(struct kunit *test)
{
	static const enum mk_page_state fits[][2] = {
		{ MK_PAGE_FREE, MK_PAGE_THEIRS },
		{ MK_PAGE_USED, MK_PAGE_THEIRS },
		{ MK_PAGE_LENT, MK_PAGE_BORROWED },
	};
	struct pages_fix *fix = test->priv;
	unsigned int i, k;

	for (i = 0; i < PAGES_NR; i++) {
		u8 a = fix->ch[0]->pool->page[i].state, b = fix->ch[1]->pool->page[i].state;

		for (k = 0; k < ARRAY_SIZE(fits); k++)
			if ((a == fits[k][0] && b == fits[k][1]) ||
			    (a == fits[k][1] && b == fits[k][0]))
				break;
		KUNIT_ASSERT_LT_MSG(test, k, ARRAY_SIZE(fits), "page %u: %u and %u", i, a, b);
	}
}

static void pages_test_random(struct kunit *test)
{
	struct pages_fix *fix = test->priv;
	unsigned int i, lent = 0, given = 0;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 3);
	for (i = 0; i < 5000; i++) {
		unsigned int side = prandom_u32_state(&rnd) % 2;
		unsigned int nr = 1 + prandom_u32_state(&rnd) % 3;
		struct mk_channel *ch = fix->ch[side];
		void *pages;

		if (fix->nr_seen[side] && prandom_u32_state(&rnd) % 2) {
			mk_pages_put(ch, fix->seen[side][--fix->nr_seen[side]]);
		} else {
			pages = mk_pages_alloc(ch, nr * PAGE_SIZE);
			if (pages && prandom_u32_state(&rnd) % 2)
				lent += !mk_pages_lend(ch, 9, pages, 1);
			else if (pages)
				given += !mk_pages_give(ch, 9, pages, 1);
		}
		pages_poll(test, !side);
		pages_poll(test, side);
		pages_check(test);
	}
	KUNIT_EXPECT_GT(test, lent, 500);
	KUNIT_EXPECT_GT(test, given, 500);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(fix->ch[0], bad), 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(fix->ch[1], bad), 0);
}

enum pages_class {
	PAGES_SHORT,
	PAGES_NOT_THEIRS,
	PAGES_NO_SENSE,
	PAGES_GIVEN,
	PAGES_LENT,
	PAGES_REFUSED,
	PAGES_NOT_LENT,
	PAGES_BACK,
	PAGES_CLASSES
};

static const char * const pages_names[PAGES_CLASSES] = {
	[PAGES_SHORT]		= "wrong length",
	[PAGES_NOT_THEIRS]	= "not the peer's",
	[PAGES_NO_SENSE]	= "no sense",
	[PAGES_GIVEN]		= "given",
	[PAGES_LENT]		= "lent",
	[PAGES_REFUSED]		= "not wanted",
	[PAGES_NOT_LENT]	= "not lent",
	[PAGES_BACK]		= "returned",
};

/* Mostly what could be right, and always what a careless reader would fall for */
static void pages_fuzz_desc(struct fuzz *fuzz, struct mk_pages *desc)
{
	desc->first = fuzz_below(fuzz, PAGES_NR);
	desc->pages = 1 + fuzz_below(fuzz, 3);
	desc->len = 1 + fuzz_below(fuzz, desc->pages * PAGE_SIZE);
	desc->flags = fuzz_below(fuzz, 2) * MK_PAGES_LENT;
	switch (fuzz_below(fuzz, 12)) {
	case 0:
		desc->first = fuzz_word(&fuzz->rnd, PAGES_NR);
		break;
	case 1:
		desc->pages = fuzz_word(&fuzz->rnd, PAGES_NR);
		break;
	case 2:
		desc->len = fuzz_word(&fuzz->rnd, desc->pages * PAGE_SIZE);
		break;
	case 3:
		desc->flags = fuzz_u32(fuzz);
		break;
	}
}

/* Whether the books say that all of it is in this state; what the code under test decides */
static bool pages_all(const struct mk_page *books, const struct mk_pages *desc, u8 state)
{
	u64 end = (u64)desc->first + desc->pages, i;

	if (!desc->pages || end > PAGES_NR)
		return false;
	for (i = desc->first; i < end; i++)
		if (books[i].state != state)
			return false;
	return true;
}

static bool pages_is_buffer(const struct mk_page *books, const struct mk_pages *desc)
{
	return desc->first < PAGES_NR && books[desc->first].first &&
	       books[desc->first].pages == desc->pages;
}

static enum pages_class pages_expect(struct pages_fix *fix, const struct mk_page *books,
				     const struct mk_pages *desc, size_t len, bool back)
{
	if (len != sizeof(*desc))
		return PAGES_SHORT;
	if (back)
		return pages_all(books, desc, MK_PAGE_LENT) && pages_is_buffer(books, desc) ?
		       PAGES_BACK : PAGES_NOT_LENT;
	if (!desc->len || (u64)desc->len > (u64)desc->pages * PAGE_SIZE ||
	    desc->flags & ~MK_PAGES_LENT)
		return PAGES_NO_SENSE;
	if (!pages_all(books, desc, MK_PAGE_THEIRS))
		return PAGES_NOT_THEIRS;
	if (fix->refuse)
		return PAGES_REFUSED;
	return desc->flags ? PAGES_LENT : PAGES_GIVEN;
}

/* Only the pages that were spoken of have changed, and as they should */
static void pages_fuzz_check(struct kunit *test, const struct mk_page *books,
			     const struct mk_pages *desc, enum pages_class class)
{
	static const u8 states[PAGES_CLASSES] = {
		[PAGES_GIVEN]	= MK_PAGE_USED,
		[PAGES_LENT]	= MK_PAGE_BORROWED,
		[PAGES_BACK]	= MK_PAGE_FREE,
	};
	struct pages_fix *fix = test->priv;
	struct mk_pool *pool = fix->ch[0]->pool;
	bool taken = class == PAGES_GIVEN || class == PAGES_LENT || class == PAGES_BACK;
	unsigned int i;

	KUNIT_ASSERT_PTR_EQ(test, pool->base, fix->pages);
	KUNIT_ASSERT_EQ(test, pool->nr, PAGES_NR);
	if (class == PAGES_REFUSED)
		return;
	for (i = 0; i < PAGES_NR; i++) {
		if (taken && i >= desc->first && i - desc->first < desc->pages)
			KUNIT_ASSERT_EQ(test, pool->page[i].state, states[class]);
		else
			KUNIT_ASSERT_EQ(test, pool->page[i].state, books[i].state);
	}
	if (!taken)
		KUNIT_ASSERT_MEMEQ(test, pool->page, books, sizeof(*books) * PAGES_NR);
	if (class == PAGES_GIVEN || class == PAGES_LENT) {
		KUNIT_ASSERT_PTR_EQ(test, fix->last.pages,
				    fix->pages + desc->first * PAGE_SIZE);
		KUNIT_ASSERT_EQ(test, fix->last.len, desc->len);
	}
}

/* The honest end goes on: puts what it has, lends and gives what is its own */
static void pages_fuzz_go_on(struct kunit *test, struct fuzz *fuzz)
{
	struct pages_fix *fix = test->priv;
	struct mk_channel *ch = fix->ch[0];
	void *pages;

	while (fix->nr_seen[0] && fuzz_below(fuzz, 4))
		mk_pages_put(ch, fix->seen[0][--fix->nr_seen[0]]);
	pages = fuzz_below(fuzz, 2) ? mk_pages_alloc(ch, (1 + fuzz_below(fuzz, 3)) * PAGE_SIZE) :
				      NULL;
	if (pages && (fuzz_below(fuzz, 4) ? mk_pages_lend(ch, 9, pages, 1) :
					    mk_pages_give(ch, 9, pages, 1)))
		mk_pages_put(ch, pages);
}

/* The peer reads whatever has been sent, and believes none of it */
static void pages_fuzz_swallow(struct pages_fix *fix)
{
	struct mk_msg msg;

	while (mk_ring_pop(&fix->ch[1]->rx, &msg))
		;
	mk_ring_publish(&fix->ch[1]->rx);
}

static void pages_test_fuzz(struct kunit *test)
{
	struct pages_fix *fix = test->priv;
	struct mk_page books[PAGES_NR];
	struct fuzz fuzz;
	unsigned long i;

	fuzz_begin(&fuzz, test, pages_names, PAGES_CLASSES, 1);
	for (i = 0; i < fuzz.cases; i++) {
		u8 data[sizeof(struct mk_pages) + 8] = {};
		struct mk_pages desc = {};
		size_t len = sizeof(desc);
		enum pages_class class;
		bool back = fuzz_below(&fuzz, 2);
		u64 bad;

		pages_fuzz_go_on(test, &fuzz);
		pages_fuzz_swallow(fix);
		pages_poll(test, 0);
		pages_fuzz_desc(&fuzz, &desc);
		if (!fuzz_below(&fuzz, 16))
			len = fuzz_below(&fuzz, sizeof(desc) + 9);
		fix->refuse = !fuzz_below(&fuzz, 8);
		memcpy(books, fix->ch[0]->pool->page, sizeof(books));
		class = pages_expect(fix, books, &desc, len, back);
		bad = mk_channel_stat(fix->ch[0], bad);
		memcpy(data, &desc, sizeof(desc));
		KUNIT_ASSERT_EQ(test, mk_send(fix->ch[1], back ? MK_TYPE_BACK :
					      MK_TYPE_PAGES | 9, data, len), 0);
		pages_poll(test, 0);
		pages_fuzz_check(test, books, &desc, class);
		KUNIT_ASSERT_EQ(test, mk_channel_stat(fix->ch[0], bad) - bad,
				class != PAGES_GIVEN && class != PAGES_LENT && class != PAGES_BACK);
		fuzz_is(&fuzz, class);
		if (!(i % 256))
			cond_resched();
	}
	fuzz_end(&fuzz);
}

static struct kunit_case pages_cases[] = {
	KUNIT_CASE(pages_test_halves),
	KUNIT_CASE(pages_test_give),
	KUNIT_CASE(pages_test_lend),
	KUNIT_CASE(pages_test_back_waits),
	KUNIT_CASE(pages_test_refused),
	KUNIT_CASE_PARAM(pages_test_lies, pages_lies_gen_params),
	KUNIT_CASE(pages_test_no_pool),
	KUNIT_CASE(pages_test_wait),
	KUNIT_CASE(pages_test_random),
	KUNIT_CASE_SLOW(pages_test_fuzz),
	{}
};

static struct kunit_suite pages_suite = {
	.name = "mk_pages",
	.init = pages_init,
	.exit = pages_exit,
	.test_cases = pages_cases,
};

kunit_test_suite(pages_suite);
