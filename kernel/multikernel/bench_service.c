// SPDX-License-Identifier: GPL-2.0
/*
 * The services that bench.c measures: "bench" in BH context, "bench-irq" in the
 * doorbell's hard interrupt, "bench-pages" in a thread, with pages, and "bench-give" with
 * pages in BH context.
 */

#include <linux/crc32.h>
#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bench.h"

/**
 * struct bench_peer - the other side of a measurement
 * @report: see there
 * @task: polls, once
 * @polls: pings that it still has to answer
 * @raw: rounds of a bare cache line
 * @to: where to copy to
 * @from: where to copy from, if nobody sends
 */
struct bench_peer {
	struct bench_report report;
	struct task_struct *task;
	u32 polls;
	u32 raw;
	u8 *to;
	u8 *from;
};

/* Under mk_channel_poll_begin(), so that the rings stay */
static void bench_serve_raw(struct mk_channel *ch, struct bench_peer *peer)
{
	u64 *in = bench_line(ch->rx.mem), *out = bench_line(ch->tx.mem);
	u64 i;

	for (i = 1; i <= peer->raw; i++) {
		while (READ_ONCE(*in) != i) {
			if (READ_ONCE(ch->ending))
				return;
			cpu_relax();
		}
		WRITE_ONCE(*out, i);
	}
}

static bool bench_receive(struct mk_channel *ch, const struct mk_msg *msg)
{
	struct bench_peer *peer = mk_channel_priv(ch);
	struct bench_head head;

	if (msg->type == BENCH_SINK)
		return true;
	if (msg->type == BENCH_PING) {
		peer->polls -= !!peer->polls;
		return !mk_send(ch, BENCH_PING, msg->data, msg->len);
	}
	if (msg->type != BENCH_STREAM || msg->len < sizeof(head))
		return false;
	memcpy(&head, msg->data, sizeof(head));
	if (head.seq != peer->report.received)
		peer->report.misplaced++;
	if (head.len != msg->len - sizeof(head) ||
	    head.crc != crc32_le(~0, msg->data + sizeof(head), msg->len - sizeof(head)))
		peer->report.damaged++;
	peer->report.received++;
	return true;
}

static void bench_serve_polled(struct mk_channel *ch, struct bench_peer *peer)
{
	struct mk_msg msg;
	int ret = 0;

	while (peer->polls && ret >= 0) {
		ret = mk_channel_recv(ch, &msg);
		if (ret > 0) {
			bench_receive(ch, &msg);
		} else {
			cpu_relax();
			cond_resched();
		}
	}
}

static int bench_serve(void *data)
{
	struct mk_channel *ch = data;
	struct bench_peer *peer = mk_channel_priv(ch);

	while (!mk_channel_poll_begin(ch) && !READ_ONCE(ch->ending))
		cpu_relax();
	if (!READ_ONCE(ch->ending)) {
		if (peer->raw)
			bench_serve_raw(ch, peer);
		else
			bench_serve_polled(ch, peer);
		mk_channel_poll_end(ch);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void bench_peer_free(struct bench_peer *peer)
{
	kvfree(peer->to);
	kvfree(peer->from);
	kfree(peer);
}

static int bench_accept_pages(struct mk_channel *ch)
{
	struct bench_peer *peer = kzalloc_obj(*peer);

	if (!peer)
		return -ENOMEM;
	peer->to = kvzalloc(BENCH_PAGES_MAX, GFP_KERNEL);
	peer->from = kvzalloc(BENCH_PAGES_MAX, GFP_KERNEL);
	if (!peer->to || !peer->from) {
		bench_peer_free(peer);
		return -ENOMEM;
	}
	mk_channel_set_priv(ch, peer);
	return 0;
}

/* A thread is made ready at accept time: none can be made in BH context */
static int bench_accept(struct mk_channel *ch)
{
	struct bench_peer *peer = kzalloc_obj(*peer);

	if (!peer)
		return -ENOMEM;
	mk_channel_set_priv(ch, peer);
	peer->task = kthread_create(bench_serve, ch, "mk-bench");
	if (IS_ERR(peer->task)) {
		int ret = PTR_ERR(peer->task);

		kfree(peer);
		return ret;
	}
	/* If it is not there now it was, and the doorbell goes where all go */
	mk_channel_set_cpu(ch, READ_ONCE(bench_cpu));
	return 0;
}

static void bench_gone(struct mk_channel *ch)
{
	struct bench_peer *peer = mk_channel_priv(ch);

	if (peer->task)
		kthread_stop(peer->task);
	bench_peer_free(peer);
}

static bool bench_receive_pages(struct mk_channel *ch, const struct mk_msg *msg)
{
	struct bench_peer *peer = mk_channel_priv(ch);

	if (msg->type == BENCH_STREAM) {
		if (!bench_receive(ch, msg))
			return false;
	} else if (msg->len > BENCH_PAGES_MAX) {
		return false;
	} else if (msg->type == BENCH_COPY) {
		memcpy(peer->to, msg->data, msg->len);
		peer->report.received++;
	} else if (msg->type == BENCH_GIVE) {
		peer->report.received++;
		return !mk_pages_give(ch, BENCH_GIVE, msg->pages, msg->len);
	}
	if (msg->pages)
		mk_pages_put(ch, msg->pages);
	return true;
}

static u64 bench_memcpy(struct bench_peer *peer, u32 size, u32 count)
{
	u64 start = local_clock();
	u32 i;

	/* From as many places as a sender has, so that caches do no more for it */
	for (i = 0; i < count; i++) {
		memcpy(peer->to, peer->from + i % (BENCH_PAGES_MAX / size) * size, size);
		barrier_data(peer->to);
	}
	return local_clock() - start;
}

static void bench_call(struct mk_channel *ch, const struct mk_msg *msg)
{
	struct bench_peer *peer = mk_channel_priv(ch);
	struct bench_req req = {};
	u64 ns;

	memcpy(&req, msg->data, min_t(size_t, msg->len, sizeof(req)));
	switch (req.op) {
	case BENCH_ECHO:
		mk_reply(ch, msg->type, msg->data, msg->len);
		return;
	case BENCH_REPORT:
		peer->report.bells = atomic_long_read(&ch->link->bells);
		mk_reply(ch, msg->type, &peer->report, sizeof(peer->report));
		return;
	case BENCH_MEMCPY:
		if (!peer->from || !req.size || req.size > BENCH_PAGES_MAX) {
			mk_reply_error(ch, msg->type, -EINVAL);
			return;
		}
		ns = bench_memcpy(peer, req.size, req.count);
		mk_reply(ch, msg->type, &ns, sizeof(ns));
		return;
	case BENCH_POLL:
	case BENCH_RAW:
		if (!peer->task || peer->polls || peer->raw) {
			mk_reply_error(ch, msg->type, -EBUSY);
			return;
		}
		*(req.op == BENCH_POLL ? &peer->polls : &peer->raw) = req.count;
		wake_up_process(peer->task);
		mk_reply(ch, msg->type, NULL, 0);
		return;
	default:
		mk_reply_error(ch, msg->type, -EOPNOTSUPP);
	}
}

static const struct mk_channel_ops bench_service_ops = {
	.receive	= bench_receive,
	.call		= bench_call,
	.gone		= bench_gone,
};

static bool bench_receive_irq(struct mk_channel *ch, const struct mk_msg *msg)
{
	return msg->type == BENCH_PING && !mk_send(ch, BENCH_PING, msg->data, msg->len);
}

static const struct mk_channel_ops bench_irq_ops = {
	.receive	= bench_receive_irq,
	.call		= bench_call,
	.gone		= bench_gone,
	.in_irq		= true,
};

static const struct mk_channel_ops bench_pages_ops = {
	.receive	= bench_receive_pages,
	.call		= bench_call,
	.gone		= bench_gone,
	.sleeps		= true,
};

static const struct mk_channel_ops bench_give_ops = {
	.receive	= bench_receive_pages,
	.call		= bench_call,
	.gone		= bench_gone,
};

static struct mk_service bench_services[] = {
	{ .name = "bench", .ops = &bench_service_ops, .accept = bench_accept },
	{ .name = "bench-irq", .ops = &bench_irq_ops, .accept = bench_accept },
	{ .name = "bench-give", .ops = &bench_give_ops, .accept = bench_accept_pages },
	{ .name = "bench-pages", .ops = &bench_pages_ops, .accept = bench_accept_pages },
};

/**
 * bench_service_init() - let others measure
 *
 * Return: as mk_service_register().
 */
int __init bench_service_init(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(bench_services) && !ret; i++)
		ret = mk_service_register(&bench_services[i]);
	return ret;
}
