// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: bench.c - measures messages, and proves that none is lost
 *
 * A service "bench" that other kernels connect to, and a file in debugfs to do so:
 * /sys/kernel/debug/multikernel/bench.  A line written to it runs one measurement,
 * reading it shows the result, one "name value" in a line.  Times are in ns.
 *
 *	rtt PEER SIZE ROUNDS	calls, the other side asleep before each
 *	poll PEER SIZE ROUNDS	calls, both sides polling
 *	raw PEER ROUNDS		a cache line to and fro, without messages
 *	stream PEER SIZE COUNT	messages with number and checksum, as fast as they go
 *	hold PEER		a channel that stays open until the next line
 *	greet CALLS		calls each peer, now and when it comes, until the next line
 *	cpu CPU			where doorbells of later channels ring, also of those
 *				that other kernels open
 *	ipi CPU ROUNDS		smp_call_function_single(), waiting, within this kernel
 *
 * PEER is the name of an instance, or "host".
 *
 * A timed interval is a whole round; of all rounds the least, the median and the
 * 99th percentile are shown.
 */

#define pr_fmt(fmt) "multikernel: bench: " fmt

#include <linux/crc32.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/notifier.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sched/clock.h>
#include <linux/smp.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "service.h"

/* Calls begin with one of these; messages are a stream */
#define BENCH_ECHO		0	/* answer with the same */
#define BENCH_REPORT		1	/* how was the stream? struct bench_report */
#define BENCH_POLL		2	/* poll for the next .count calls */
#define BENCH_RAW		3	/* bounce a cache line .count times */

#define BENCH_MAX_ROUNDS	10000000
#define BENCH_TIMEOUT		(20 * HZ)
#define BENCH_SLOTS		1024

/**
 * struct bench_req - begin of a call
 * @op: BENCH_*
 * @count: see there
 */
struct bench_req {
	u32 op;
	u32 count;
};

/**
 * struct bench_head - begin of a message of a stream
 * @seq: its number, from 0
 * @crc: of all that follows
 * @len: length of that
 */
struct bench_head {
	u64 seq;
	u32 crc;
	u32 len;
};

/**
 * struct bench_report - what came in of a stream
 * @received: messages
 * @misplaced: messages with another number than expected
 * @damaged: messages with a wrong checksum or length
 * @bells: doorbells that the receiver has got meanwhile
 */
struct bench_report {
	u64 received;
	u64 misplaced;
	u64 damaged;
	u64 bells;
};

/**
 * struct bench_peer - the other side of a measurement
 * @report: see there
 * @task: polls, once
 * @polls: calls that it still has to answer
 * @raw: rounds of a bare cache line
 */
struct bench_peer {
	struct bench_report report;
	struct task_struct *task;
	u32 polls;
	u32 raw;
};

static DEFINE_MUTEX(bench_lock);
static struct mk_channel *bench_held;
static unsigned int bench_cpu;
static bool bench_greets;
static u32 bench_greet_calls;
static atomic_t bench_greeted, bench_ungreeted;
static char bench_result[512];

/* A word that the bounced line has, in the part of a ring that nobody uses then */
static u64 *bench_line(struct mk_ring_mem *mem)
{
	return &mem->reserved3[6];
}

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

static void bench_serve_polled(struct mk_channel *ch, struct bench_peer *peer)
{
	int ret = 0;

	while (peer->polls && ret >= 0) {
		ret = mk_channel_poll(ch);
		if (!ret)
			cond_resched();
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

	kthread_stop(peer->task);
	kfree(peer);
}

static bool bench_receive(struct mk_channel *ch, const struct mk_msg *msg)
{
	struct bench_peer *peer = mk_channel_priv(ch);
	struct bench_head head;

	if (msg->len < sizeof(head))
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

static void bench_call(struct mk_channel *ch, const struct mk_msg *msg)
{
	struct bench_peer *peer = mk_channel_priv(ch);
	struct bench_req req = {};

	memcpy(&req, msg->data, min_t(size_t, msg->len, sizeof(req)));
	switch (req.op) {
	case BENCH_ECHO:
		if (peer->polls)
			peer->polls--;
		mk_reply(ch, msg->type, msg->data, msg->len);
		return;
	case BENCH_REPORT:
		peer->report.bells = ch->link->bells;
		mk_reply(ch, msg->type, &peer->report, sizeof(peer->report));
		return;
	case BENCH_POLL:
	case BENCH_RAW:
		if (peer->polls || peer->raw) {
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

static struct mk_service bench_service = {
	.name		= "bench",
	.ops		= &bench_service_ops,
	.accept		= bench_accept,
};

/* The side that measures gets replies alone */
static const struct mk_channel_ops bench_client_ops;

static struct mk_channel *bench_connect(const char *peer)
{
	struct mk_channel *ch;

	ch = mk_connect(strcmp(peer, "host") ? peer : "", "bench", BENCH_SLOTS,
			&bench_client_ops, NULL);
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

	ch = mk_connect(peer->name, "bench", 0, &bench_client_ops, NULL);
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

/* The other side goes to sleep, and no longer lingers */
static void bench_pause(void)
{
	usleep_range(100, 200);
}

static int bench_calls(struct mk_channel *ch, u32 size, u32 rounds, u32 *ns, bool poll)
{
	u8 *data __free(kfree) = kzalloc(2 * MK_MSG_MAX, GFP_KERNEL);
	struct bench_req req = { .op = BENCH_POLL, .count = rounds };
	ssize_t ret;
	u32 i;

	if (!data)
		return -ENOMEM;
	if (poll) {
		ret = mk_call(ch, &req, sizeof(req), NULL, 0, BENCH_TIMEOUT);
		if (ret)
			return ret;
		/* It has to get the CPU first */
		msleep(20);
	}
	for (i = 0; i < rounds; i++) {
		u64 start;

		if (!poll)
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

static int bench_raw(struct mk_channel *ch, u32 rounds, u32 *ns)
{
	u64 *out = bench_line(ch->tx.mem), *in = bench_line(ch->rx.mem);
	struct bench_req req = { .op = BENCH_RAW, .count = rounds };
	ssize_t ret;
	u64 i;

	ret = mk_call(ch, &req, sizeof(req), NULL, 0, BENCH_TIMEOUT);
	if (ret)
		return ret;
	msleep(20);
	/* So that the rings stay */
	while (!mk_channel_poll_begin(ch))
		if (READ_ONCE(ch->ending))
			return -ENOTCONN;
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

static int bench_stream(struct mk_channel *ch, u32 size, u32 count)
{
	u8 *data __free(kfree) = kzalloc(MK_MSG_MAX, GFP_KERNEL);
	struct bench_req req = { .op = BENCH_REPORT };
	struct bench_report before, after;
	struct bench_head *head = (void *)data;
	struct mk_channel_stats sent = ch->stats;
	u64 start, ns;
	ssize_t ret;
	u32 i;

	if (!data)
		return -ENOMEM;
	if (size < sizeof(*head))
		return -EINVAL;
	ret = mk_call(ch, &req, sizeof(req), &before, sizeof(before), BENCH_TIMEOUT);
	if (ret != sizeof(before))
		return ret < 0 ? ret : -EBADMSG;
	head->len = size - sizeof(*head);
	start = local_clock();
	for (i = 0; i < count; i++) {
		head->seq = i;
		if (head->len)
			data[sizeof(*head) + i % head->len] = i;
		head->crc = crc32_le(~0, data + sizeof(*head), head->len);
		ret = mk_send_wait(ch, 1, data, size, BENCH_TIMEOUT);
		if (ret)
			return ret;
	}
	/* A call comes after all that was sent before */
	ret = mk_call(ch, &req, sizeof(req), &after, sizeof(after), BENCH_TIMEOUT);
	ns = local_clock() - start;
	if (ret != sizeof(after))
		return ret < 0 ? ret : -EBADMSG;
	scnprintf(bench_result, sizeof(bench_result),
		  "sent %u\nreceived %llu\nmisplaced %llu\ndamaged %llu\nns %llu\nbells %llu\nfull %llu\n",
		  count, after.received, after.misplaced, after.damaged, ns,
		  ch->stats.bells_sent - sent.bells_sent, ch->stats.full - sent.full);
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

static int bench_with_peer(const char *what, const char *peer, u32 size, u32 rounds, u32 *ns)
{
	struct mk_channel *ch = bench_connect(peer);
	int ret;

	if (IS_ERR(ch))
		return PTR_ERR(ch);
	if (!strcmp(what, "hold")) {
		bench_held = ch;
		return 0;
	}
	if (!strcmp(what, "stream"))
		ret = bench_stream(ch, size, rounds);
	else if (!strcmp(what, "raw"))
		ret = bench_raw(ch, rounds, ns);
	else
		ret = bench_calls(ch, size, rounds, ns, !strcmp(what, "poll"));
	mk_close(ch);
	if (!ret && strcmp(what, "stream"))
		bench_show_times(ns, rounds);
	return ret;
}

static int bench_run(char *line)
{
	u32 *ns __free(kvfree) = NULL;
	char what[16], peer[MK_PEER_NAME_LEN];
	u32 size = 0, rounds = 1, cpu;
	int ret;

	if (sscanf(line, "%15s %63s %u %u", what, peer, &size, &rounds) < 2)
		return -EINVAL;
	if (!strcmp(what, "cpu"))
		return bench_set_cpu(peer);
	if (!strcmp(what, "greet"))
		return bench_greet(peer);
	if (!strcmp(what, "raw") || !strcmp(what, "ipi"))
		rounds = size;
	if (!rounds || rounds > BENCH_MAX_ROUNDS || size > BENCH_MAX_ROUNDS)
		return -EINVAL;
	ns = kvmalloc_array(rounds, sizeof(*ns), GFP_KERNEL);
	if (!ns)
		return -ENOMEM;
	if (!strcmp(what, "ipi")) {
		if (kstrtou32(peer, 10, &cpu))
			return -EINVAL;
		ret = bench_ipi(cpu, rounds, ns);
		if (!ret)
			bench_show_times(ns, rounds);
		return ret;
	}
	if (strcmp(what, "rtt") && strcmp(what, "poll") && strcmp(what, "raw") &&
	    strcmp(what, "stream") && strcmp(what, "hold"))
		return -EINVAL;
	if (strcmp(what, "raw") && size > MK_MSG_MAX)
		return -EMSGSIZE;
	return bench_with_peer(what, peer, size, rounds, ns);
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

static int bench_open(struct inode *inode, struct file *file)
{
	return single_open(file, bench_show, NULL);
}

static const struct file_operations bench_fops = {
	.owner		= THIS_MODULE,
	.open		= bench_open,
	.read		= seq_read,
	.write		= bench_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

static int __init bench_init(void)
{
	debugfs_create_file("bench", 0600, mk_debug_dir, NULL, &bench_fops);
	return mk_service_register(&bench_service);
}
device_initcall(bench_init);
