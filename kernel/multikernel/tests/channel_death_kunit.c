// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of channel.c and link.c with a peer that dies while this side waits for it:
 * for a reply, and for room.  The peer is a thread that ends for ever before the
 * first, the second, the n-th access to what is shared.  Whoever waits hears of it
 * when the link is closed, and a peer that is started anew hears nothing of the old.
 */

#include <kunit/test.h>
#include <linux/bitfield.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "link_test.h"
#include "ring_steps.h"

/* What a call has to end in; nothing here takes more than a few milliseconds */
#define LOSS_BOUND	(60 * HZ)

/**
 * struct loss_waiter - a thread of this kernel that waits for the peer
 * @ch: where
 * @call: for a reply, and not for room
 * @ended: it does not wait any more
 * @ret: what it was told
 * @reply: the reply
 */
struct loss_waiter {
	struct mk_channel *ch;
	bool call;
	struct completion ended;
	ssize_t ret;
	u8 reply[MK_CTL_MAX];
};

/**
 * struct loss_fix - a link whose peer dies
 * @link: both ends; the peer is the guest, and its link is not open
 * @call: waits for a reply on the control channel
 * @send: waits for room on the console
 * @reply_len: length of the reply
 * @kill_at: the access before which the peer dies
 * @dead: the peer is dead, or has done its work
 * @lived: it has done its work
 * @replied: accesses until the reply was complete
 * @served: calls that came in here
 * @data: the reply
 */
struct loss_fix {
	struct link_fix link;
	struct loss_waiter call;
	struct loss_waiter send;
	size_t reply_len;
	unsigned long kill_at;
	struct completion dead;
	bool lived;
	unsigned long replied;
	unsigned int served;
	u8 data[MK_CTL_MAX];
};

static struct mk_channel *loss_control(struct mk_link *link)
{
	return &link->boot[MK_CLASS_CONTROL];
}

static struct mk_channel *loss_console(struct mk_link *link)
{
	return &link->boot[MK_CLASS_CONSOLE];
}

static void loss_hello(struct mk_link *link, const struct mk_msg_hello *hello)
{
}

static bool loss_drain(struct mk_link *link, struct mk_ring_rx *rx)
{
	struct mk_msg msg;

	while (mk_ring_pop(rx, &msg))
		;
	mk_ring_publish(rx);
	return true;
}

static bool loss_call(struct mk_link *link, const struct mk_msg *msg)
{
	struct loss_fix *fix = link->owner;

	fix->served++;
	return !mk_reply(loss_control(link), msg->type, msg->data, msg->len);
}

static const struct mk_link_ops loss_ops = {
	.hello	= loss_hello,
	.drain	= loss_drain,
	.call	= loss_call,
};

static int loss_init(struct kunit *test)
{
	struct loss_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, fix);
	for (i = 0; i < sizeof(fix->data); i++)
		fix->data[i] = i * 11 + 3;
	link_fix_init(test, &fix->link, &loss_ops, &loss_ops, fix);
	test->priv = fix;
	return 0;
}

static void loss_exit(struct kunit *test)
{
	struct loss_fix *fix = test->priv;

	ring_steps = (struct ring_steps){};
	if (fix)
		link_fix_exit(&fix->link);
}

static int loss_waiter_thread(void *data)
{
	/* What is no nop: &struct mk_link_ops.call answers it */
	static const __u32 op = MK_CTL_CLOSE;
	struct loss_waiter *waiter = data;

	if (waiter->call)
		waiter->ret = mk_call(waiter->ch, &op, sizeof(op), waiter->reply,
				      sizeof(waiter->reply), 10 * LOSS_BOUND);
	else
		waiter->ret = mk_send_wait(waiter->ch, MK_MSG_CONSOLE, "last", 4,
					   MAX_SCHEDULE_TIMEOUT);
	complete(&waiter->ended);
	return 0;
}

static void loss_wait_begin(struct kunit *test, struct loss_waiter *waiter,
			    struct mk_channel *ch, bool call)
{
	struct task_struct *task;

	memset(waiter, 0, sizeof(*waiter));
	waiter->ch = ch;
	waiter->call = call;
	init_completion(&waiter->ended);
	task = kthread_run(loss_waiter_thread, waiter, "mk-waiter");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
}

static ssize_t loss_wait_end(struct kunit *test, struct loss_waiter *waiter)
{
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&waiter->ended, LOSS_BOUND), 0);
	return waiter->ret;
}

static void loss_await_sender(struct kunit *test, struct mk_channel *ch)
{
	int i;

	for (i = 0; i < 10000 && !(wq_has_sleeper(&ch->tx_wait) &&
				   READ_ONCE(ch->tx.waiting) % 2); i++)
		usleep_range(200, 1000);
	KUNIT_ASSERT_TRUE(test, wq_has_sleeper(&ch->tx_wait));
}

/* The host asks, has filled the console, and waits for the peer on both */
static void loss_begin(struct kunit *test)
{
	struct loss_fix *fix = test->priv;
	struct mk_channel *console = loss_console(&fix->link.host);
	struct mk_channel *control = loss_control(&fix->link.host);

	link_fix_attach(test, &fix->link);
	mk_link_open(&fix->link.host);
	while (!mk_send(console, MK_MSG_CONSOLE, "x", 1))
		;
	loss_wait_begin(test, &fix->send, console, false);
	loss_wait_begin(test, &fix->call, control, true);
	loss_await_sender(test, console);
	while (!mk_ring_pending(&loss_control(&fix->link.guest)->rx))
		schedule_timeout_uninterruptible(1);
}

/* A doorbell takes two accesses: the cause, and the interrupt */
static void loss_ring(struct loss_fix *fix, u64 cause)
{
	ring_step();
	set_bit(__ffs64(cause), fix->link.guest.cause_out);
	ring_step();
	/* As in the interrupt */
	guard(irqsave)();
	mk_link_doorbell();
}

/* What the peer's kernel does: takes the call, replies, and makes room */
static void loss_peer(struct loss_fix *fix)
{
	struct mk_channel *control = loss_control(&fix->link.guest);
	struct mk_channel *console = loss_console(&fix->link.guest);
	struct mk_msg msg;

	if (!step_mk_ring_pop(&control->rx, &msg))
		return;
	step_mk_ring_publish(&control->rx);
	step_mk_ring_push(&control->tx, MK_TYPE_REPLY | (msg.type & MK_TYPE_NR), fix->data,
			  fix->reply_len);
	fix->replied = ring_steps.count;
	if (step_mk_ring_wants_bell(&control->tx))
		loss_ring(fix, MK_CAUSE_MESSAGE(MK_CLASS_CONTROL));
	if (!step_mk_ring_pop(&console->rx, &msg))
		return;
	step_mk_ring_publish(&console->rx);
	if (step_mk_ring_wants_room(&console->rx))
		loss_ring(fix, MK_CAUSE_ROOM(MK_CLASS_CONSOLE));
}

static void loss_hook(void *arg, unsigned long count)
{
	struct loss_fix *fix = arg;

	if (count == fix->kill_at)
		kthread_complete_and_exit(&fix->dead, 0);
}

static int loss_thread(void *data)
{
	struct loss_fix *fix = data;

	loss_peer(fix);
	fix->lived = true;
	kthread_complete_and_exit(&fix->dead, 0);
}

static void loss_play(struct kunit *test, unsigned long kill_at)
{
	struct loss_fix *fix = test->priv;
	struct task_struct *task;

	fix->kill_at = kill_at;
	fix->lived = false;
	init_completion(&fix->dead);
	ring_steps = (struct ring_steps){ .hook = loss_hook, .arg = fix };
	task = kthread_run(loss_thread, fix, "mk-mortal");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for_completion(&fix->dead);
	ring_steps.hook = NULL;
}

/* Whoever waits is told, and a reply that was complete is not lost */
static void loss_expect_end(struct kunit *test, unsigned long replied)
{
	struct loss_fix *fix = test->priv;
	struct mk_ring_mem *ring = loss_console(&fix->link.guest)->rx.mem;
	bool room = FIELD_GET(MK_WORD_VALUE, READ_ONCE(ring->tail));
	ssize_t ret;

	mk_link_close(&fix->link.host);
	ret = loss_wait_end(test, &fix->call);
	if (fix->kill_at < replied) {
		KUNIT_ASSERT_EQ(test, ret, -ECONNRESET);
	} else {
		KUNIT_ASSERT_EQ(test, ret, fix->reply_len);
		KUNIT_ASSERT_MEMEQ(test, fix->call.reply, fix->data, fix->reply_len);
	}
	ret = loss_wait_end(test, &fix->send);
	KUNIT_ASSERT_TRUE(test, ret == -ENOTCONN || (!ret && room));
	KUNIT_ASSERT_EQ(test, mk_channel_stat(loss_control(&fix->link.host), bad), 0);
	KUNIT_ASSERT_NULL(test, memchr_inv(loss_control(&fix->link.host)->calls, 0,
					   sizeof(loss_control(&fix->link.host)->calls)));
}

/* The same memory, as it was left, in the next epoch */
static void loss_rebirth(struct kunit *test)
{
	struct loss_fix *fix = test->priv;
	struct mk_channel *host = loss_control(&fix->link.host);
	struct mk_channel *guest = loss_control(&fix->link.guest);
	unsigned int class;

	fix->link.block.epoch++;
	fix->served = 0;
	link_fix_attach(test, &fix->link);
	for (class = 0; class < MK_NR_CLASSES; class++) {
		KUNIT_ASSERT_FALSE(test, mk_ring_pending(&fix->link.host_boot[class].rx));
		KUNIT_ASSERT_FALSE(test, mk_ring_pending(&fix->link.guest_boot[class].rx));
	}
	mk_link_open(&fix->link.host);
	mk_link_open(&fix->link.guest);
	loss_wait_begin(test, &fix->call, host, true);
	KUNIT_ASSERT_EQ(test, loss_wait_end(test, &fix->call), sizeof(__u32));
	loss_wait_begin(test, &fix->call, guest, true);
	KUNIT_ASSERT_EQ(test, loss_wait_end(test, &fix->call), sizeof(__u32));
	mk_link_close(&fix->link.guest);
	mk_link_close(&fix->link.host);
	KUNIT_ASSERT_EQ(test, fix->served, 2);
	KUNIT_ASSERT_EQ(test, mk_channel_stat(host, received), 2);
	KUNIT_ASSERT_EQ(test, mk_channel_stat(guest, received), 2);
	KUNIT_ASSERT_EQ(test, mk_channel_stat(host, bad) + mk_channel_stat(guest, bad), 0);
	KUNIT_ASSERT_EQ(test, host->rx.bad + guest->rx.bad, 0);
	fix->link.block.epoch++;
}

static void loss_once(struct kunit *test, unsigned long kill_at, unsigned long replied)
{
	loss_begin(test);
	loss_play(test, kill_at);
	loss_expect_end(test, replied);
	loss_rebirth(test);
}

static void loss_each_step(struct kunit *test, size_t reply_len)
{
	struct loss_fix *fix = test->priv;
	unsigned long step = 0, replied;

	fix->reply_len = reply_len;
	loss_once(test, ULONG_MAX, 0);
	KUNIT_ASSERT_TRUE(test, fix->lived);
	replied = fix->replied;
	KUNIT_ASSERT_GT(test, replied, DIV_ROUND_UP(reply_len, 8));
	do
		loss_once(test, step, replied);
	while (!fix->lived && step++ < 10 * MK_CTL_MAX);
	KUNIT_EXPECT_TRUE(test, fix->lived);
	KUNIT_EXPECT_GT(test, step, replied + 4);
}

static void loss_test_short_reply(struct kunit *test)
{
	loss_each_step(test, 16);
}

static void loss_test_long_reply(struct kunit *test)
{
	loss_each_step(test, 150);
}

/*
 * A sender that waited for room in the old epoch, and does not get to run before
 * there is a new one, has nothing to say in it.
 */
static void loss_test_late_sender(struct kunit *test)
{
	struct loss_fix *fix = test->priv;
	struct mk_channel *console = loss_console(&fix->link.host);
	struct task_struct *task;

	link_fix_attach(test, &fix->link);
	mk_link_open(&fix->link.host);
	while (!mk_send(console, MK_MSG_CONSOLE, "x", 1))
		;
	memset(&fix->send, 0, sizeof(fix->send));
	fix->send.ch = console;
	init_completion(&fix->send.ended);
	task = kthread_create(loss_waiter_thread, &fix->send, "mk-waiter");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	kthread_bind(task, raw_smp_processor_id());
	set_cpus_allowed_ptr(current, cpumask_of(task_cpu(task)));
	wake_up_process(task);
	loss_await_sender(test, console);

	/* On this CPU nobody else runs now until we sleep */
	sched_set_fifo(current);
	mk_link_close(&fix->link.host);
	fix->link.block.epoch++;
	link_fix_attach(test, &fix->link);
	sched_set_normal(current, 0);

	KUNIT_EXPECT_EQ(test, loss_wait_end(test, &fix->send), -ENOTCONN);
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&loss_console(&fix->link.guest)->rx));
	KUNIT_EXPECT_EQ(test, mk_channel_stat(console, sent), 0);
}

static struct kunit_case loss_cases[] = {
	KUNIT_CASE_SLOW(loss_test_short_reply),
	KUNIT_CASE_SLOW(loss_test_long_reply),
	KUNIT_CASE(loss_test_late_sender),
	{}
};

static struct kunit_suite loss_suite = {
	.name = "mk_channel_death",
	.init = loss_init,
	.exit = loss_exit,
	.test_cases = loss_cases,
};

kunit_test_suite(loss_suite);
