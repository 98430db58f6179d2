// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: bench.c - measures messages, and proves that none is lost
 *
 * A service "bench" that other kernels connect to, and a file in debugfs to do so:
 * /sys/kernel/debug/multikernel/bench.  A line written to it runs one measurement,
 * reading it shows the result, one "name value" in a line.  Times are in ns::
 *
 *	rtt PEER SIZE ROUNDS	calls, the other side asleep before each, and answered in
 *				its BH context
 *	irq PEER SIZE ROUNDS	the same, answered in the doorbell's hard interrupt
 *	wake PEER SIZE ROUNDS	messages to and fro, the other side asleep before each, and
 *				sent back by its callback in the doorbell's hard
 *				interrupt; this side polls
 *	poll PEER SIZE ROUNDS	messages to and fro, both sides polling
 *	raw PEER 0 ROUNDS	a cache line to and fro, without messages
 *	stream PEER SIZE COUNT	messages with number and checksum, as fast as they go
 *	pages PEER SIZE COUNT	the same in pages, lent and handed over in turns
 *	copy PEER SIZE COUNT	pages are lent, and copied once by the receiver
 *	give PEER SIZE COUNT	pages are handed over, and back again
 *	memcpy PEER SIZE COUNT	the receiver copies memory, and nothing else
 *	flood PEER KIND COUNT	doorbells with a cause (0), without (1), or messages
 *				that make no sense (2)
 *	count PEER KERNELS COUNT	messages with numbers, until so many kernels have
 *				answered, one the successor of the other, and the last
 *				one so many messages
 *	hold PEER		a channel that stays open until the next line
 *	greet CALLS		calls each peer, now and when it comes, until the next line
 *	cpu CPU			where doorbells of later channels ring, also of those
 *				that other kernels open
 *	zero SIZE		zeroes so many bytes in one piece
 *	stall MS		interrupts of this CPU are off for so long
 *	ipi CPU ROUNDS		smp_call_function_single(), waiting, within this kernel
 *
 *	cost self SIZE COUNT	for 64 messages, without doorbells and on one CPU: what
 *				it takes to send, to receive by callback, to receive by
 *				mk_channel_recv(), and there and back by that
 *
 * PEER is the name of an instance, "host", or "self" for a channel of this kernel to
 * itself, which has no pages.
 *
 * A timed interval is a whole round; of all rounds the least, the median and the
 * 99th percentile are shown.
 */

#define pr_fmt(fmt) "multikernel: bench: " fmt

#include <linux/bitfield.h>
#include <linux/crc32.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/init.h>
#include <linux/notifier.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sched/clock.h>
#include <linux/smp.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "bench.h"

#define BENCH_MAX_ROUNDS	10000000

/* Bytes that can be zeroed in one go */
#define BENCH_ZERO_MAX		SZ_1G

/* In ms */
#define BENCH_STALL_MAX		60000

static DEFINE_MUTEX(bench_lock);
static struct mk_channel *bench_held;
unsigned int bench_cpu;
static bool bench_greets;
static u32 bench_greet_calls;
static atomic_t bench_greeted, bench_ungreeted;
static char bench_result[512];

/* The side that measures counts what is sent back */
static bool bench_pong(struct mk_channel *ch, const struct mk_msg *msg)
{
	u32 *pongs = mk_channel_priv(ch);

	++*pongs;
	if (msg->pages)
		mk_pages_put(ch, msg->pages);
	return msg->type == BENCH_PING || msg->type == BENCH_GIVE;
}

static const struct mk_channel_ops bench_client_ops = {
	.receive	= bench_pong,
};

static const struct mk_channel_ops bench_client_pages_ops = {
	.receive	= bench_pong,
	.pages		= BENCH_PAGES,
};

static u32 bench_pongs;

static struct mk_channel *bench_connect(const char *peer, const char *service)
{
	struct mk_channel *ch;

	if (!strcmp(peer, "self"))
		return bench_self_connect(service, &bench_client_ops, &bench_pongs);
	if (!strcmp(service, BENCH_COUNT_SERVICE))
		return bench_count_connect(strcmp(peer, "host") ? peer : "");
	ch = mk_connect(strcmp(peer, "host") ? peer : "", service, BENCH_SLOTS,
			strcmp(service, "bench-pages") && strcmp(service, "bench-give") ?
			&bench_client_ops : &bench_client_pages_ops,
			&bench_pongs);
	if (!IS_ERR(ch))
		mk_channel_set_cpu(ch, bench_cpu);
	return ch;
}

/* From a notifier, which may do all of this */
static int bench_greet_one(const struct mk_peer *peer)
{
	struct bench_req req = { .op = BENCH_ECHO };
	struct mk_channel *ch;
	ssize_t ret = sizeof(req);
	u32 i;

	ch = mk_connect(peer->name, "bench", 0, &bench_client_ops, &bench_pongs);
	if (IS_ERR(ch))
		return PTR_ERR(ch);
	for (i = 0; i < bench_greet_calls && ret == sizeof(req); i++)
		ret = mk_call(ch, &req, sizeof(req), &req, sizeof(req), BENCH_TIMEOUT);
	mk_close(ch);
	return ret == sizeof(req) ? 0 : -EIO;
}

static int bench_peer_event(struct notifier_block *nb, unsigned long event, void *peer)
{
	if (event == MK_PEER_UP)
		atomic_inc(bench_greet_one(peer) ? &bench_ungreeted : &bench_greeted);
	return NOTIFY_DONE;
}

static struct notifier_block bench_peer_nb = {
	.notifier_call = bench_peer_event,
};

static int bench_greet(const char *calls)
{
	int ret;

	ret = kstrtou32(calls, 10, &bench_greet_calls);
	if (ret)
		return ret;
	atomic_set(&bench_greeted, 0);
	atomic_set(&bench_ungreeted, 0);
	ret = mk_peer_notifier_register(&bench_peer_nb);
	bench_greets = !ret;
	return ret;
}

static void bench_let_go(void)
{
	if (bench_greets)
		mk_peer_notifier_unregister(&bench_peer_nb);
	bench_greets = false;
	if (bench_held)
		mk_close(bench_held);
	bench_held = NULL;
}

static int bench_set_cpu(const char *number)
{
	unsigned int cpu;

	if (kstrtouint(number, 10, &cpu) || cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -EINVAL;
	WRITE_ONCE(bench_cpu, cpu);
	return 0;
}

static int bench_cmp(const void *a, const void *b)
{
	return cmp_int(*(const u32 *)a, *(const u32 *)b);
}

static void bench_show_times(u32 *ns, u32 n)
{
	sort(ns, n, sizeof(*ns), bench_cmp, NULL);
	scnprintf(bench_result, sizeof(bench_result),
		  "rounds %u\nmin %u\nmedian %u\np99 %u\nmax %u\n", n, ns[0], ns[n / 2],
		  ns[n - 1 - n / 100], ns[n - 1]);
}

/*
 * The other side goes to sleep, and no longer lingers.  Not by a timer: it would come
 * with the ticks of all CPUs.
 */
static void bench_pause(void)
{
	u64 end = local_clock() + 130 * NSEC_PER_USEC;

	while (local_clock() < end)
		cpu_relax();
	cond_resched();
}

static int bench_calls(struct mk_channel *ch, u32 size, u32 rounds, u32 *ns)
{
	u8 *data __free(kfree) = kzalloc(2 * MK_MSG_MAX, GFP_KERNEL);
	ssize_t ret;
	u32 i;

	if (!data)
		return -ENOMEM;
	if (size > MK_MSG_MAX)
		return -EMSGSIZE;
	for (i = 0; i < rounds; i++) {
		u64 start;

		bench_pause();
		start = local_clock();
		ret = mk_call(ch, data, size, data + MK_MSG_MAX, size, BENCH_TIMEOUT);
		ns[i] = min_t(u64, local_clock() - start, U32_MAX);
		if (ret < 0)
			return ret;
		if (ret != size)
			return -EBADMSG;
		if (signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/* The other side begins to poll, and needs a CPU for it first */
static int bench_start(struct mk_channel *ch, u32 op, u32 rounds)
{
	struct bench_req req = { .op = op, .count = rounds };
	ssize_t ret;

	ret = mk_call(ch, &req, sizeof(req), NULL, 0, BENCH_TIMEOUT);
	if (ret)
		return ret < 0 ? ret : -EBADMSG;
	msleep(20);
	while (!mk_channel_poll_begin(ch))
		if (READ_ONCE(ch->ending))
			return -ENOTCONN;
	return 0;
}

/* One message there and back; negative errno or 0 */
static int bench_ping(struct mk_channel *ch, const void *data, u32 size)
{
	struct mk_msg msg __uninitialized;
	int ret = mk_send(ch, BENCH_PING, data, size);

	while (!ret) {
		ret = mk_channel_recv(ch, &msg);
		if (ret)
			break;
		cpu_relax();
		if (unlikely(signal_pending(current)))
			ret = -EINTR;
	}
	if (ret < 0)
		return ret;
	return msg.len == size ? 0 : -EBADMSG;
}

static int bench_pings(struct mk_channel *ch, u32 size, u32 rounds, u32 *ns)
{
	u8 *data __free(kfree) = kzalloc(MK_MSG_MAX, GFP_KERNEL);
	int ret;
	u32 i;

	if (!data)
		return -ENOMEM;
	if (size > MK_MSG_MAX)
		return -EMSGSIZE;
	ret = bench_start(ch, BENCH_POLL, rounds);
	if (ret)
		return ret;
	for (i = 0; i < rounds && !ret; i++) {
		u64 start = local_clock();

		ret = bench_ping(ch, data, size);
		ns[i] = min_t(u64, local_clock() - start, U32_MAX);
	}
	mk_channel_poll_end(ch);
	return ret;
}

static int bench_wakes(struct mk_channel *ch, u32 size, u32 rounds, u32 *ns)
{
	u8 *data __free(kfree) = kzalloc(MK_MSG_MAX, GFP_KERNEL);
	int ret = 0;
	u32 i;

	if (!data)
		return -ENOMEM;
	if (size > MK_MSG_MAX)
		return -EMSGSIZE;
	while (!mk_channel_poll_begin(ch))
		if (READ_ONCE(ch->ending))
			return -ENOTCONN;
	for (i = 0; i < rounds && !ret; i++) {
		u64 start;

		bench_pause();
		start = local_clock();
		ret = bench_ping(ch, data, size);
		ns[i] = min_t(u64, local_clock() - start, U32_MAX);
	}
	mk_channel_poll_end(ch);
	return ret;
}

static int bench_raw(struct mk_channel *ch, u32 size, u32 rounds, u32 *ns)
{
	u64 *out = bench_line(ch->tx.mem), *in = bench_line(ch->rx.mem);
	int ret = bench_start(ch, BENCH_RAW, rounds);
	u64 i;

	if (ret)
		return ret;
	for (i = 1; i <= rounds && !ret; i++) {
		u64 start = local_clock();

		WRITE_ONCE(*out, i);
		while (READ_ONCE(*in) != i && !ret) {
			if (READ_ONCE(ch->ending) || signal_pending(current))
				ret = -EINTR;
			cpu_relax();
		}
		ns[i - 1] = min_t(u64, local_clock() - start, U32_MAX);
	}
	mk_channel_poll_end(ch);
	return ret;
}

/* What one message of a stream consists of; the number last */
static void bench_fill(struct bench_head *head, u32 size, u64 seq)
{
	u8 *data = (u8 *)(head + 1);

	head->len = size - sizeof(*head);
	if (head->len)
		data[seq % head->len] = seq;
	head->crc = crc32_le(~0, data, head->len);
	head->seq = seq;
}

static int bench_send_pages(struct mk_channel *ch, u16 type, u32 size, u32 seq)
{
	void *pages = mk_pages_alloc_wait(ch, size, BENCH_TIMEOUT);
	int ret;

	if (IS_ERR(pages))
		return PTR_ERR(pages);
	if (type == BENCH_STREAM)
		bench_fill(pages, size, seq);
	else
		*(u64 *)pages = seq;
	do {
		if (type == BENCH_GIVE)
			ret = mk_pages_give(ch, type, pages, size);
		else
			ret = mk_pages_lend(ch, type, pages, size);
		if (ret == -EAGAIN)
			schedule_timeout_interruptible(1);
	} while (ret == -EAGAIN && !signal_pending(current));
	if (ret)
		mk_pages_put(ch, pages);
	return ret;
}

/* A call comes after all that was sent before */
static int bench_report(struct mk_channel *ch, struct bench_report *report)
{
	struct bench_req req = { .op = BENCH_REPORT };
	ssize_t ret = mk_call(ch, &req, sizeof(req), report, sizeof(*report),
			      BENCH_TIMEOUT);

	if (ret == sizeof(*report))
		return 0;
	return ret < 0 ? ret : -EBADMSG;
}

static int bench_pages(struct mk_channel *ch, u16 type, u32 size, u32 count)
{
	struct bench_report report;
	u64 start, ns;
	int ret = 0;
	u32 i;

	if (size < sizeof(struct bench_head) || size > BENCH_PAGES_MAX)
		return -EMSGSIZE;
	start = local_clock();
	for (i = 0; i < count && !ret; i++)
		ret = bench_send_pages(ch, type, size, i);
	ret = ret ?: bench_report(ch, &report);
	ns = local_clock() - start;
	if (ret)
		return ret;
	scnprintf(bench_result, sizeof(bench_result),
		  "sent %u\nreceived %llu\nmisplaced %llu\ndamaged %llu\nns %llu\n",
		  count, report.received, report.misplaced, report.damaged, ns);
	return 0;
}

static int bench_peer_memcpy(struct mk_channel *ch, u32 size, u32 count)
{
	struct bench_req req = { .op = BENCH_MEMCPY, .count = count, .size = size };
	ssize_t ret;
	u64 ns;

	ret = mk_call(ch, &req, sizeof(req), &ns, sizeof(ns), BENCH_TIMEOUT);
	if (ret != sizeof(ns))
		return ret < 0 ? ret : -EBADMSG;
	scnprintf(bench_result, sizeof(bench_result), "ns %llu\n", ns);
	return 0;
}

static int bench_stream(struct mk_channel *ch, u32 size, u32 count)
{
	u8 *data __free(kfree) = kzalloc(MK_MSG_MAX, GFP_KERNEL);
	struct bench_report before, after;
	struct bench_head *head = (void *)data;
	u64 bells = mk_channel_stat(ch, bells_sent), full = mk_channel_stat(ch, full);
	u64 start, ns;
	int ret;
	u32 i;

	if (!data)
		return -ENOMEM;
	if (size < sizeof(*head))
		return -EINVAL;
	if (size > MK_MSG_MAX)
		return -EMSGSIZE;
	ret = bench_report(ch, &before);
	if (ret)
		return ret;
	start = local_clock();
	for (i = 0; i < count; i++) {
		bench_fill(head, size, i);
		ret = mk_send_wait(ch, BENCH_STREAM, data, size, BENCH_TIMEOUT);
		if (ret)
			return ret;
	}
	ret = bench_report(ch, &after);
	ns = local_clock() - start;
	if (ret)
		return ret;
	scnprintf(bench_result, sizeof(bench_result),
		  "sent %u\nreceived %llu\nmisplaced %llu\ndamaged %llu\nns %llu\nbells %llu\nfull %llu\n",
		  count, after.received, after.misplaced, after.damaged, ns,
		  mk_channel_stat(ch, bells_sent) - bells, mk_channel_stat(ch, full) - full);
	return 0;
}

static void bench_nothing(void *unused)
{
}

static int bench_ipi(u32 cpu, u32 rounds, u32 *ns)
{
	u32 i;

	for (i = 0; i < rounds; i++) {
		u64 start;
		int ret;

		bench_pause();
		start = local_clock();
		ret = smp_call_function_single(cpu, bench_nothing, NULL, true);
		ns[i] = min_t(u64, local_clock() - start, U32_MAX);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * struct bench_kind - a measurement with a peer
 * @name: first word of the line
 * @service: whom to connect to
 * @times: shows times, one for each round
 * @run: does it
 */
struct bench_kind {
	const char *name;
	const char *service;
	bool times;
	int (*run)(struct mk_channel *ch, u32 size, u32 count, u32 *ns);
};

static int bench_run_stream(struct mk_channel *ch, u32 size, u32 count, u32 *ns)
{
	return bench_stream(ch, size, count);
}

static int bench_run_pages(struct mk_channel *ch, u32 size, u32 count, u32 *ns)
{
	return bench_pages(ch, BENCH_STREAM, size, count);
}

static int bench_run_copy(struct mk_channel *ch, u32 size, u32 count, u32 *ns)
{
	return bench_pages(ch, BENCH_COPY, size, count);
}

static int bench_run_give(struct mk_channel *ch, u32 size, u32 count, u32 *ns)
{
	return bench_pages(ch, BENCH_GIVE, size, count);
}

static int bench_run_memcpy(struct mk_channel *ch, u32 size, u32 count, u32 *ns)
{
	return bench_peer_memcpy(ch, size, count);
}

static int bench_flood(struct mk_channel *ch, u32 kind, u32 count, u32 *ns)
{
	int ret = 0;

	while (count-- && !ret && !signal_pending(current)) {
		u64 bell = READ_ONCE(ch->tx.mem->bell);

		if (kind == 2) {
			ret = mk_send_wait(ch, 0x1234, NULL, 0, BENCH_TIMEOUT);
			continue;
		}
		/* Asked not to ring: for how long, it does not know */
		if (!bell) {
			count++;
			cond_resched();
			continue;
		}
		guard(preempt)();
		if (!kind)
			mk_channel_ring(ch, MK_CAUSE_MESSAGE(ch->id));
		else if (mk_arch_bell_ok(bell))
			mk_arch_ring(bell);
	}
	return ret;
}

/* Of one time, the least that was seen */
static void bench_least(u64 *least, u64 *since)
{
	u64 now = local_clock();

	*least = min(*least, now - *since);
	*since = local_clock();
}

static int bench_cost(struct mk_channel *ch, u32 size, u32 rounds, u32 *ns)
{
	u8 *data __free(kfree) = kzalloc(MK_MSG_MAX, GFP_KERNEL);
	struct mk_channel *other = bench_self_other();
	u64 send = U64_MAX, receive = U64_MAX, recv = U64_MAX, both = U64_MAX, since;
	struct mk_msg msg;
	int i, ret = 0;

	if (!other)
		return -EINVAL;
	if (!data)
		return -ENOMEM;
	if (size > MK_MSG_MAX || (size / MK_SLOT_PAYLOAD + 1) * 64 > BENCH_SLOTS)
		return -EMSGSIZE;
	if (!mk_channel_poll_begin(ch))
		return -EBUSY;
	if (!mk_channel_poll_begin(other)) {
		mk_channel_poll_end(ch);
		return -EBUSY;
	}
	while (rounds-- && !ret) {
		since = local_clock();
		for (i = 0; i < 64; i++)
			ret = ret ?: mk_send(ch, BENCH_SINK, data, size);
		bench_least(&send, &since);
		if (mk_channel_poll(other) != 64)
			ret = -EBADMSG;
		bench_least(&receive, &since);
		for (i = 0; i < 64; i++)
			ret = ret ?: mk_send(ch, BENCH_SINK, data, size);
		since = local_clock();
		for (i = 0; i < 64; i++)
			mk_channel_recv(other, &msg);
		bench_least(&recv, &since);
		for (i = 0; i < 64 && !ret; i++) {
			ret = mk_send(ch, BENCH_PING, data, size);
			if (mk_channel_recv(other, &msg) == 1)
				ret = ret ?: mk_send(other, BENCH_PING, msg.data, msg.len);
			if (mk_channel_recv(ch, &msg) != 1)
				ret = -EBADMSG;
		}
		bench_least(&both, &since);
		cond_resched();
	}
	mk_channel_poll_end(other);
	mk_channel_poll_end(ch);
	if (!ret)
		scnprintf(bench_result, sizeof(bench_result),
			  "send %llu\nreceive %llu\nrecv %llu\nboth %llu\n", send, receive,
			  recv, both);
	return ret;
}

/* What it costs to zero so much memory, in one piece as it is when it changes hands */
static int bench_zero(const char *text)
{
	unsigned long nr, i;
	struct page *page;
	u32 size;
	u64 since;

	if (kstrtou32(text, 10, &size) || !size || size > BENCH_ZERO_MAX)
		return -EINVAL;
	nr = DIV_ROUND_UP(size, PAGE_SIZE);
	page = alloc_contig_pages(nr, GFP_KERNEL | __GFP_NOWARN, numa_mem_id(), NULL);
	if (!page)
		return -ENOMEM;
	since = local_clock();
	for (i = 0; i < nr; i++) {
		clear_page(page_address(page + i));
		if (!(i % 1024))
			cond_resched();
	}
	scnprintf(bench_result, sizeof(bench_result), "ns %llu\n", local_clock() - since);
	free_contig_range(page_to_pfn(page), nr);
	return 0;
}

/* This CPU is away for a while: for tests of the watch */
static int bench_stall(const char *text)
{
	u32 ms;

	if (kstrtou32(text, 10, &ms) || ms > BENCH_STALL_MAX)
		return -EINVAL;
	guard(irqsave)();
	mdelay(ms);
	return 0;
}

static int bench_run_hold(struct mk_channel *ch, u32 size, u32 count, u32 *ns)
{
	bench_held = ch;
	return 0;
}

/* What has come of it is worth to be known also if it was cut short */
static int bench_run_count(struct mk_channel *ch, u32 kernels, u32 count, u32 *ns)
{
	u64 sent;
	int ret = bench_count_run(ch, kernels, count, &sent);

	bench_count_show(bench_result, sizeof(bench_result), sent);
	return ret;
}

static const struct bench_kind bench_kinds[] = {
	{ "rtt", "bench", true, bench_calls },
	{ "irq", "bench-irq", true, bench_calls },
	{ "wake", "bench-irq", true, bench_wakes },
	{ "poll", "bench", true, bench_pings },
	{ "raw", "bench", true, bench_raw },
	{ "stream", "bench", false, bench_run_stream },
	{ "pages", "bench-pages", false, bench_run_pages },
	{ "copy", "bench-pages", false, bench_run_copy },
	{ "give", "bench-give", false, bench_run_give },
	{ "memcpy", "bench-pages", false, bench_run_memcpy },
	{ "flood", "bench", false, bench_flood },
	{ "cost", "bench", false, bench_cost },
	{ "hold", "bench", false, bench_run_hold },
	{ "count", BENCH_COUNT_SERVICE, false, bench_run_count },
};

static int bench_with_peer(const struct bench_kind *kind, const char *peer, u32 size,
			   u32 count, u32 *ns)
{
	struct mk_channel *ch = bench_connect(peer, kind->service);
	int ret;

	if (IS_ERR(ch))
		return PTR_ERR(ch);
	ret = kind->run(ch, size, count, ns);
	if (bench_self_other())
		bench_self_close();
	else if (bench_held != ch)
		mk_close(ch);
	if (!ret && kind->times)
		bench_show_times(ns, count);
	return ret;
}

static int bench_run(char *line)
{
	u32 *ns __free(kvfree) = NULL;
	char what[16], peer[MK_PEER_NAME_LEN];
	u32 size = 0, count = 1, cpu;
	unsigned int i;
	int ret;

	if (sscanf(line, "%15s %63s %u %u", what, peer, &size, &count) < 2)
		return -EINVAL;
	if ((!strcmp(what, "hold") || !strcmp(what, "count")) && !strcmp(peer, "self"))
		return -EINVAL;
	if (!strcmp(what, "cpu"))
		return bench_set_cpu(peer);
	if (!strcmp(what, "greet"))
		return bench_greet(peer);
	if (!strcmp(what, "zero"))
		return bench_zero(peer);
	if (!strcmp(what, "stall"))
		return bench_stall(peer);
	if (!strcmp(what, "ipi"))
		count = size;
	if (!count || count > BENCH_MAX_ROUNDS)
		return -EINVAL;
	ns = kvmalloc_array(count, sizeof(*ns), GFP_KERNEL);
	if (!ns)
		return -ENOMEM;
	if (!strcmp(what, "ipi")) {
		if (kstrtou32(peer, 10, &cpu))
			return -EINVAL;
		ret = bench_ipi(cpu, count, ns);
		if (!ret)
			bench_show_times(ns, count);
		return ret;
	}
	for (i = 0; i < ARRAY_SIZE(bench_kinds); i++)
		if (!strcmp(what, bench_kinds[i].name))
			return bench_with_peer(&bench_kinds[i], peer, size, count, ns);
	return -EINVAL;
}

static ssize_t bench_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	char line[128];
	int ret;

	if (len >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, len))
		return -EFAULT;
	line[len] = '\0';
	guard(mutex)(&bench_lock);
	bench_let_go();
	bench_result[0] = '\0';
	ret = bench_run(line);
	return ret ?: len;
}

static int bench_show(struct seq_file *sf, void *unused)
{
	guard(mutex)(&bench_lock);
	seq_puts(sf, bench_result);
	if (bench_greets)
		seq_printf(sf, "greeted %d\nungreeted %d\n", atomic_read(&bench_greeted),
			   atomic_read(&bench_ungreeted));
	return 0;
}

DEFINE_SHOW_STORE_ATTRIBUTE(bench);

static int __init bench_init(void)
{
	debugfs_create_file("bench", 0600, mk_debug_dir, NULL, &bench_fops);
	return bench_service_init() ?: bench_count_init();
}
device_initcall(bench_init);
