// SPDX-License-Identifier: GPL-2.0
/*
 * The service "bench-count", which successors inherit, and who counts its answers: each
 * message has a number, and is answered by that number and the number of the kernel that has
 * it.  So this side sees whether one was lost or came twice, in either direction, and how
 * many kernels have answered.
 */

#include <linux/crc32.h>
#include <linux/delay.h>
#include <linux/random.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "bench.h"

/* Messages of up to so many bytes, of all lengths in turn */
#define BENCH_COUNT_MAX		1000

/* Messages without an answer: the answers find room, whatever the other side does */
#define BENCH_COUNT_WINDOW	64

/* Each how many messages there is a call, and a rest */
#define BENCH_COUNT_CALL	8
#define BENCH_COUNT_REST_US	1000

/**
 * struct bench_counted - the answer
 * @seq: number of the message
 * @who: kernel that has it
 * @whole: its checksum is right
 */
struct bench_counted {
	u64 seq;
	u32 who;
	u32 whole;
};

/**
 * struct bench_count - what has come of the messages
 * @wait: for answers
 * @answered: messages, and the number of the next one
 * @misplaced: answers with another number than that
 * @damaged: messages that were, or answers that make no sense
 * @kernels: that have answered
 * @who: the last one of them
 * @by_last: how many it has answered
 * @last_ns: time of the last answer
 * @gap_ns: the longest time between two answers
 */
struct bench_count {
	wait_queue_head_t wait;
	u64 answered;
	u64 misplaced;
	u64 damaged;
	u32 kernels;
	u32 who;
	u32 by_last;
	u64 last_ns;
	u64 gap_ns;
};

static struct bench_count bench_count = {
	.wait = __WAIT_QUEUE_HEAD_INITIALIZER(bench_count.wait),
};

static u32 bench_who;

static bool bench_count_receive(struct mk_channel *ch, const struct mk_msg *msg)
{
	struct bench_counted counted = { .who = bench_who };
	struct bench_head head;

	if (msg->type != BENCH_STREAM || msg->len < sizeof(head))
		return false;
	memcpy(&head, msg->data, sizeof(head));
	counted.seq = head.seq;
	counted.whole = head.len == msg->len - sizeof(head) &&
			head.crc == crc32_le(~0, msg->data + sizeof(head), head.len);
	return !mk_send(ch, BENCH_STREAM, &counted, sizeof(counted));
}

static void bench_count_call(struct mk_channel *ch, const struct mk_msg *msg)
{
	mk_reply(ch, msg->type, msg->data, msg->len);
}

static const struct mk_channel_ops bench_count_service_ops = {
	.receive	= bench_count_receive,
	.call		= bench_count_call,
	.inheritable	= true,
};

static struct mk_service bench_count_service = {
	.name	= BENCH_COUNT_SERVICE,
	.ops	= &bench_count_service_ops,
};

static bool bench_count_answer(struct mk_channel *ch, const struct mk_msg *msg)
{
	struct bench_count *bc = &bench_count;
	struct bench_counted counted;
	u64 now = local_clock();

	if (msg->type != BENCH_STREAM || msg->len != sizeof(counted)) {
		bc->damaged++;
		return false;
	}
	memcpy(&counted, msg->data, sizeof(counted));
	bc->damaged += !counted.whole;
	if (bc->last_ns)
		bc->gap_ns = max(bc->gap_ns, now - bc->last_ns);
	bc->last_ns = now;
	bc->misplaced += counted.seq != bc->answered;
	if (!bc->kernels || counted.who != bc->who) {
		bc->who = counted.who;
		bc->by_last = 0;
		WRITE_ONCE(bc->kernels, bc->kernels + 1);
	}
	WRITE_ONCE(bc->by_last, bc->by_last + 1);
	WRITE_ONCE(bc->answered, bc->answered + 1);
	wake_up(&bc->wait);
	return true;
}

static const struct mk_channel_ops bench_count_ops = {
	.receive	= bench_count_answer,
};

/**
 * bench_count_connect() - connect to who answers to messages with numbers
 * @peer: name of an instance, or an empty string for the host
 *
 * Context: may sleep; one at a time.
 * Return: as mk_connect().
 */
struct mk_channel *bench_count_connect(const char *peer)
{
	struct bench_count *bc = &bench_count;

	bc->answered = 0;
	bc->misplaced = 0;
	bc->damaged = 0;
	bc->kernels = 0;
	bc->by_last = 0;
	bc->last_ns = 0;
	bc->gap_ns = 0;
	return mk_connect(peer, BENCH_COUNT_SERVICE, BENCH_SLOTS, &bench_count_ops, NULL);
}

static int bench_count_wait(struct bench_count *bc, u64 sent, unsigned int window)
{
	long left = wait_event_interruptible_timeout(bc->wait,
				sent - READ_ONCE(bc->answered) <= window, BENCH_TIMEOUT);

	return left > 0 ? 0 : left ?: -ETIMEDOUT;
}

static int bench_count_one(struct mk_channel *ch, struct bench_head *head, u64 seq)
{
	u8 *data = (u8 *)(head + 1);

	head->seq = seq;
	head->len = 1 + seq % (BENCH_COUNT_MAX - sizeof(*head));
	data[head->len - 1] = seq;
	head->crc = crc32_le(~0, data, head->len);
	return mk_send_wait(ch, BENCH_STREAM, head, sizeof(*head) + head->len, BENCH_TIMEOUT);
}

/* Between messages, and answered by the same service */
static int bench_count_ask(struct mk_channel *ch, u64 seq)
{
	u64 echo = 0;
	ssize_t ret;

	ret = mk_call(ch, &seq, sizeof(seq), &echo, sizeof(echo), BENCH_TIMEOUT);
	if (ret < 0)
		return ret;
	return ret == sizeof(echo) && echo == seq ? 0 : -EBADMSG;
}

/**
 * bench_count_run() - send messages with numbers until so many kernels have answered
 * @ch: from bench_count_connect()
 * @kernels: how many, one after the other
 * @count: how many messages the last one shall have answered
 * @sent: how many were sent
 *
 * Context: may sleep.
 * Return: 0; -ETIMEDOUT if an answer did not come; -EBADMSG for that to a call; or as
 * mk_send_wait() and mk_call().
 */
int bench_count_run(struct mk_channel *ch, u32 kernels, u32 count, u64 *sent)
{
	struct bench_head *head __free(kfree) = kzalloc(BENCH_COUNT_MAX, GFP_KERNEL);
	struct bench_count *bc = &bench_count;
	int ret = 0;

	*sent = 0;
	if (!head)
		return -ENOMEM;
	while (!ret && (READ_ONCE(bc->kernels) < kernels || READ_ONCE(bc->by_last) < count)) {
		ret = bench_count_one(ch, head, *sent);
		if (ret)
			break;
		++*sent;
		ret = bench_count_wait(bc, *sent, BENCH_COUNT_WINDOW);
		if (ret || *sent % BENCH_COUNT_CALL)
			continue;
		ret = bench_count_ask(ch, *sent);
		usleep_range(BENCH_COUNT_REST_US, 2 * BENCH_COUNT_REST_US);
	}
	return ret ?: bench_count_wait(bc, *sent, 0);
}

/**
 * bench_count_show() - what has come of it
 * @buf: where to write
 * @size: space there
 * @sent: messages
 */
void bench_count_show(char *buf, size_t size, u64 sent)
{
	const struct bench_count *bc = &bench_count;

	scnprintf(buf, size,
		  "sent %llu\nanswered %llu\nmisplaced %llu\ndamaged %llu\nkernels %u\ngap_ns %llu\n",
		  sent, bc->answered, bc->misplaced, bc->damaged, bc->kernels, bc->gap_ns);
}

/**
 * bench_count_init() - let others count
 *
 * Return: as mk_service_register().
 */
int __init bench_count_init(void)
{
	bench_who = get_random_u32();
	return mk_service_register(&bench_count_service);
}
