// SPDX-License-Identifier: GPL-2.0
/*
 * A channel from this kernel to itself, for bench.c to compare with: the same code and
 * the same kind of memory, but nobody else.
 */

#include <linux/mm.h>
#include <linux/slab.h>

#include "bench.h"
#include "service.h"

/* Numbers that the host gives to no connection */
#define BENCH_SELF_CONN		0xffffff00

/**
 * struct bench_self - both ends of a connection
 * @words: cause words
 * @area: the rings
 * @size: size of that in bytes
 * @link: from one end to the other
 * @end: the ends; the second one is the service's
 */
static struct bench_self {
	struct mk_pair_words *words;
	void *area;
	size_t size;
	struct mk_link link[2];
	struct mk_end *end[2];
} *bench_self;

static const struct mk_link_ops bench_self_ops;

static void bench_self_release(struct mk_end *end, bool closed)
{
}

static int bench_self_open(struct bench_self *self, unsigned int side, const char *service,
			   const struct mk_channel_ops *ops, void *priv)
{
	size_t ring = self->size / 2;
	struct mk_ctl_open open = {
		.conn = BENCH_SELF_CONN + side,
		.channel = MK_NR_CLASSES,
		.epoch = 1,
		.slots = BENCH_SLOTS,
		.tx_off = side ? ring : 0,
		.rx_off = side ? 0 : ring,
	};
	struct mk_end *end;
	int ret;

	strscpy(open.service, service);
	mk_link_init(&self->link[side], &bench_self_ops, NULL, self);
	self->link[side].cause_in = (unsigned long *)&self->words->cause[side].word;
	self->link[side].cause_out = (unsigned long *)&self->words->cause[!side].word;
	mk_link_open(&self->link[side]);
	end = mk_end_prepare(&self->link[side], self->area, &open, ops, priv);
	if (IS_ERR(end))
		return PTR_ERR(end);
	ret = mk_end_publish(end, bench_self_release, self);
	if (ret)
		mk_end_abandon(end);
	else
		self->end[side] = end;
	return ret;
}

/**
 * bench_self_connect() - connect this kernel to itself
 * @service: one of bench_service.c
 * @ops: what becomes of messages at the end that connects
 * @priv: for @ops
 *
 * One at a time; to be followed by bench_self_close() if it succeeds.
 *
 * Context: may sleep.
 * Return: the end that connects, or an ERR_PTR().
 */
struct mk_channel *bench_self_connect(const char *service, const struct mk_channel_ops *ops,
				      void *priv)
{
	int ret;

	bench_self = kzalloc_obj(*bench_self);
	if (!bench_self)
		return ERR_PTR(-ENOMEM);
	bench_self->size = 2 * PAGE_ALIGN(mk_ring_size(BENCH_SLOTS));
	bench_self->area = alloc_pages_exact(bench_self->size, GFP_KERNEL | __GFP_ZERO);
	bench_self->words = (void *)get_zeroed_page(GFP_KERNEL);
	ret = bench_self->area && bench_self->words ? 0 : -ENOMEM;
	ret = ret ?: bench_self_open(bench_self, 1, service, NULL, NULL) ?:
	      bench_self_open(bench_self, 0, service, ops, priv);
	if (!ret)
		return &bench_self->end[0]->ch;
	bench_self_close();
	return ERR_PTR(ret);
}

/**
 * bench_self_other() - the service's end
 *
 * Return: the channel, or NULL if there is none.
 */
struct mk_channel *bench_self_other(void)
{
	return bench_self ? &bench_self->end[1]->ch : NULL;
}

/**
 * bench_self_close() - undo bench_self_connect()
 *
 * Context: may sleep.
 */
void bench_self_close(void)
{
	unsigned int side;

	if (bench_self->end[0])
		mk_close(&bench_self->end[0]->ch);
	if (bench_self->end[1])
		mk_end_gone(BENCH_SELF_CONN + 1);
	for (side = 0; side < 2; side++)
		if (bench_self->link[side].ops)
			mk_link_close(&bench_self->link[side]);
	if (bench_self->area)
		free_pages_exact(bench_self->area, bench_self->size);
	free_page((unsigned long)bench_self->words);
	kfree(bench_self);
	bench_self = NULL;
}
