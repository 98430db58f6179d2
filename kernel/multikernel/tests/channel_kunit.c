// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of channel.c and nop.c with both ends in this kernel, on a shared area
 * as the host lays it out: directions and classes, rings that can't be, messages
 * that make no sense, and a receiver that leaves no message lying.
 */

#include <kunit/test.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "../internal.h"

/**
 * struct chan_end - one of the two kernels
 * @ch: its channel
 * @hellos: hellos that came in
 * @shutdowns: shutdowns that came in
 * @text: bytes that came in on the console
 * @drains: calls of the console's receiver
 * @late: a message that the peer sends when the receiver has just looked
 * @last: the last hello
 */
struct chan_end {
	struct mk_channel ch;
	unsigned int hellos;
	unsigned int shutdowns;
	unsigned int text;
	unsigned int drains;
	struct mk_channel *late;
	struct mk_msg_hello last;
};

/**
 * struct chan_fix - a shared area and its two ends
 * @block: its boot block
 * @shared: the area
 * @size: in bytes
 * @host: the host's end
 * @guest: the instance's end
 */
struct chan_fix {
	struct mk_boot_block block;
	void *shared;
	size_t size;
	struct chan_end host;
	struct chan_end guest;
};

static void chan_hello(struct mk_channel *ch, const struct mk_msg_hello *hello)
{
	struct chan_end *end = ch->owner;

	end->hellos++;
	end->last = *hello;
}

static void chan_shutdown(struct mk_channel *ch)
{
	struct chan_end *end = ch->owner;

	end->shutdowns++;
}

static bool chan_drain(struct mk_channel *ch, struct mk_ring_rx *rx)
{
	struct chan_end *end = ch->owner;
	struct mk_msg msg;

	end->drains++;
	while (mk_ring_pop(rx, &msg))
		end->text += msg.len;
	/* The peer sees that we are awake, and does not ring */
	if (end->late)
		mk_channel_send(end->late, MK_CLASS_CONSOLE, MK_MSG_CONSOLE, "late", 4);
	end->late = NULL;
	mk_ring_publish(rx);
	return true;
}

/* As the instance has it, and as the host has it */
static const struct mk_channel_ops chan_guest_ops = {
	.hello		= chan_hello,
	.shutdown	= chan_shutdown,
	.drain		= chan_drain,
};

static const struct mk_channel_ops chan_host_ops = {
	.hello		= chan_hello,
	.drain		= chan_drain,
};

static int chan_init(struct kunit *test)
{
	struct chan_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	struct mk_instance *inst = kunit_kzalloc(test, sizeof(*inst), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fix);
	KUNIT_ASSERT_NOT_NULL(test, inst);
	KUNIT_ASSERT_EQ(test, mk_boot_block_layout(&fix->block, 1, 1, &fix->size), 0);
	fix->shared = kunit_kzalloc(test, fix->size + PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fix->shared);
	fix->shared = PTR_ALIGN(fix->shared, PAGE_SIZE);

	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&inst->cpus, GFP_KERNEL));
	inst->shared.va = fix->shared;
	mk_boot_block_fill(inst, &fix->block);
	free_cpumask_var(inst->cpus);

	mk_channel_init(&fix->host.ch, &chan_host_ops, &fix->host);
	mk_channel_init(&fix->guest.ch, &chan_guest_ops, &fix->guest);
	test->priv = fix;
	return 0;
}

static int chan_attach(struct chan_fix *fix, struct chan_end *end)
{
	return mk_channel_attach(&end->ch, fix->shared, fix->size, &fix->block,
				 end == &fix->host);
}

static void chan_attach_both(struct kunit *test)
{
	struct chan_fix *fix = test->priv;

	KUNIT_ASSERT_EQ(test, chan_attach(fix, &fix->host), 0);
	KUNIT_ASSERT_EQ(test, chan_attach(fix, &fix->guest), 0);
}

static void chan_receive(struct chan_end *end)
{
	mk_channel_kick(&end->ch);
	flush_work(&end->ch.work);
}

/* What one sends in a class the other finds in that class, and nobody else */
static void chan_expect_path(struct kunit *test, struct chan_end *from, struct chan_end *to,
			     unsigned int class)
{
	struct mk_msg msg;

	KUNIT_ASSERT_EQ(test, mk_channel_send(&from->ch, class, 9, "abc", 3), 0);
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&to->ch.rx[!class]));
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&from->ch.rx[0]));
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&from->ch.rx[1]));
	KUNIT_ASSERT_TRUE(test, mk_ring_pop(&to->ch.rx[class], &msg));
	KUNIT_EXPECT_EQ(test, msg.type, 9);
	KUNIT_EXPECT_MEMEQ(test, msg.payload, "abc", 3);
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&to->ch.rx[class]));
}

static void chan_test_paths(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	unsigned int class;

	chan_attach_both(test);
	for (class = 0; class < MK_NR_CLASSES; class++) {
		chan_expect_path(test, &fix->host, &fix->guest, class);
		chan_expect_path(test, &fix->guest, &fix->host, class);
	}
	/* Each side rings the bell that the other has written */
	KUNIT_EXPECT_PTR_EQ(test, fix->host.ch.peer_bell, &fix->host.ch.words->instance_bell);
	KUNIT_EXPECT_PTR_EQ(test, fix->guest.ch.peer_bell, &fix->guest.ch.words->host_bell);
	KUNIT_EXPECT_PTR_EQ(test, fix->guest.ch.words, fix->shared + PAGE_SIZE);
}

static void chan_test_not_attached(struct kunit *test)
{
	struct chan_fix *fix = test->priv;

	KUNIT_EXPECT_EQ(test, mk_channel_send(&fix->host.ch, 0, 1, "x", 1), -ENOTCONN);
	KUNIT_EXPECT_FALSE(test, mk_channel_has_room(&fix->host.ch, 0));
	mk_channel_close(&fix->host.ch);
}

/**
 * struct chan_damage - a ring that is not as it was
 * @what: in words
 * @ring: the ring; its slots and offset are taken if not 0
 * @from_end: its offset is counted from the end of the area
 * @ret: what the attach has to say
 */
struct chan_damage {
	const char *what;
	struct mk_boot_ring ring;
	bool from_end;
	int ret;
};

/* Of the last one, the console from the instance to the host: 1024 slots */
static const struct chan_damage chan_damages[] = {
	{ "no slots", { .slots = BIT(31) }, false, -EINVAL },
	{ "3 slots", { .slots = 3 }, false, -EINVAL },
	{ "1023 slots", { .slots = 1023 }, false, -EINVAL },
	{ "2^17 slots", { .slots = BIT(17) }, false, -EINVAL },
	{ "twice the slots", { .slots = 2048 }, false, -EINVAL },
	{ "half the slots", { .slots = 512 }, false, 0 },
	{ "one slot", { .slots = 1 }, false, 0 },
	{ "between two lines", { .ring_off = 3 * SZ_4K + 8 }, false, -EINVAL },
	{ "fits to the byte", { .ring_off = 64 + 1024 * 64 }, true, 0 },
	{ "a line too far", { .ring_off = 1024 * 64 }, true, -EINVAL },
	{ "at the end", { .ring_off = 64 }, true, -EINVAL },
	{ "offset near 2^32", { .ring_off = U32_MAX - 63 }, false, -EINVAL },
	{ "end wraps in 32 bits", { .ring_off = U32_MAX - 64 * 1024 + 1 }, false, -EINVAL },
	{ "unknown direction", { .dir = 2 }, false, -ENOENT },
	{ "unknown class", { .class = MK_NR_CLASSES }, false, -ENOENT },
	{ "class out of any array", { .class = U16_MAX }, false, -ENOENT },
};

KUNIT_ARRAY_PARAM_DESC(chan_damage, chan_damages, what);

static void chan_test_damage(struct kunit *test)
{
	const struct chan_damage *damage = test->param_value;
	struct chan_fix *fix = test->priv;
	struct mk_boot_ring *ring = fix->shared + fix->block.rings_off;

	ring += fix->block.nr_rings - 1;
	KUNIT_ASSERT_EQ(test, ring->dir, MK_RING_TO_HOST);
	KUNIT_ASSERT_EQ(test, ring->class, MK_CLASS_CONSOLE);
	ring->dir = damage->ring.dir ?: ring->dir;
	ring->class = damage->ring.class ?: ring->class;
	if (damage->ring.slots)
		ring->slots = damage->ring.slots & ~BIT(31);
	if (damage->ring.ring_off)
		ring->ring_off = damage->from_end ? fix->size - damage->ring.ring_off :
						    damage->ring.ring_off;
	KUNIT_EXPECT_EQ(test, chan_attach(fix, &fix->host), damage->ret);
	KUNIT_EXPECT_EQ(test, chan_attach(fix, &fix->guest), damage->ret);
}

static void chan_test_missing(struct kunit *test)
{
	struct chan_fix *fix = test->priv;

	fix->block.nr_rings = 0;
	KUNIT_EXPECT_EQ(test, chan_attach(fix, &fix->host), -ENOENT);
	fix->block.nr_rings = 3;
	KUNIT_EXPECT_EQ(test, chan_attach(fix, &fix->host), -ENOENT);
	fix->block.nr_rings = PAGE_SIZE / sizeof(struct mk_boot_ring) + 1;
	KUNIT_EXPECT_EQ(test, chan_attach(fix, &fix->host), -EINVAL);
	fix->block.nr_rings = 4;
	fix->block.rings_off = fix->size;
	KUNIT_EXPECT_EQ(test, chan_attach(fix, &fix->host), -EINVAL);
}

static void chan_test_hello(struct kunit *test)
{
	struct chan_fix *fix = test->priv;

	chan_attach_both(test);
	KUNIT_ASSERT_EQ(test, mk_channel_hello(&fix->guest.ch), 0);
	chan_receive(&fix->host);
	KUNIT_EXPECT_EQ(test, fix->host.hellos, 1);
	KUNIT_EXPECT_EQ(test, fix->host.last.version, MK_BOOT_VERSION);
	KUNIT_EXPECT_EQ(test, fix->host.last.nr_cpus, num_online_cpus());
	KUNIT_EXPECT_EQ(test, fix->host.ch.stats.received, 1);
	KUNIT_EXPECT_EQ(test, fix->host.ch.stats.bad, 0);
	KUNIT_EXPECT_EQ(test, fix->guest.ch.stats.sent, 1);
}

/* The peer's string ends where we say, not where it says */
static void chan_test_hello_unended(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_msg_hello hello;

	chan_attach_both(test);
	memset(&hello, 'x', sizeof(hello));
	KUNIT_ASSERT_EQ(test, mk_channel_send(&fix->guest.ch, MK_CLASS_CONTROL, MK_MSG_HELLO,
					      &hello, sizeof(hello)), 0);
	chan_receive(&fix->host);
	KUNIT_EXPECT_EQ(test, fix->host.hellos, 1);
	KUNIT_EXPECT_EQ(test, strnlen(fix->host.last.release, 40), 39);
}

static void chan_test_clean_text(struct kunit *test)
{
	static const struct {
		const char *from, *to;
	} texts[] = {
		{ "", "" },
		{ "7.3.0 #1", "7.3.0 #1" },
		{ "two\nlines", "two" },
		{ "\x1b[2J\ttab", "?[2J?tab" },
		{ "\x9b\xc3\xa9\x7f", "????" },
	};
	unsigned int i;
	char buf[16];

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		strscpy(buf, texts[i].from);
		mk_channel_clean_text(buf);
		KUNIT_EXPECT_STREQ(test, buf, texts[i].to);
	}
}

/* A sender that comes after the end leaves alone what is not there any more */
static void chan_test_send_after_close(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	u64 ns;

	chan_attach_both(test);
	mk_channel_open(&fix->host.ch);
	KUNIT_EXPECT_EQ(test, mk_channel_send(&fix->host.ch, MK_CLASS_CONTROL, MK_MSG_NOP,
					      NULL, 0), 0);
	mk_channel_close(&fix->host.ch);
	KUNIT_EXPECT_EQ(test, mk_channel_send(&fix->host.ch, MK_CLASS_CONTROL, MK_MSG_NOP,
					      NULL, 0), -ENOTCONN);
	KUNIT_EXPECT_FALSE(test, mk_channel_has_room(&fix->host.ch, MK_CLASS_CONSOLE));
	KUNIT_EXPECT_EQ(test, mk_channel_nop(&fix->host.ch, 1, &ns), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, chan_attach(fix, &fix->host), 0);
	KUNIT_EXPECT_TRUE(test, mk_channel_has_room(&fix->host.ch, MK_CLASS_CONSOLE));
}

static void chan_test_nonsense(struct kunit *test)
{
	static const u16 types[] = { 0, MK_MSG_CONSOLE, MK_NR_MSGS, 0x8000, U16_MAX };
	struct chan_fix *fix = test->priv;
	u8 data[MK_SLOT_PAYLOAD] = {};
	unsigned int i;

	chan_attach_both(test);
	for (i = 0; i < ARRAY_SIZE(types); i++)
		mk_channel_send(&fix->guest.ch, MK_CLASS_CONTROL, types[i], data, 8);
	/* A hello of a wrong length, and a shutdown: the host obeys nobody */
	mk_channel_send(&fix->guest.ch, MK_CLASS_CONTROL, MK_MSG_HELLO, data, 55);
	mk_channel_send(&fix->guest.ch, MK_CLASS_CONTROL, MK_MSG_SHUTDOWN, NULL, 0);
	chan_receive(&fix->host);
	KUNIT_EXPECT_EQ(test, fix->host.ch.stats.bad, ARRAY_SIZE(types) + 2);
	KUNIT_EXPECT_EQ(test, fix->host.hellos, 0);
	KUNIT_EXPECT_EQ(test, fix->host.shutdowns, 0);

	mk_channel_send(&fix->host.ch, MK_CLASS_CONTROL, MK_MSG_SHUTDOWN, NULL, 0);
	chan_receive(&fix->guest);
	KUNIT_EXPECT_EQ(test, fix->guest.shutdowns, 1);
	KUNIT_EXPECT_EQ(test, fix->guest.ch.stats.bad, 0);
}

static void chan_test_full(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	unsigned int n = 0;

	chan_attach_both(test);
	while (!mk_channel_send(&fix->host.ch, MK_CLASS_CONSOLE, MK_MSG_CONSOLE, "x", 1))
		KUNIT_ASSERT_LE(test, ++n, 64);
	KUNIT_EXPECT_EQ(test, n, 64);
	KUNIT_EXPECT_FALSE(test, mk_channel_has_room(&fix->host.ch, MK_CLASS_CONSOLE));
	KUNIT_EXPECT_EQ(test, fix->host.ch.stats.full, 1);
	/* Control does not wait behind bulk */
	KUNIT_EXPECT_TRUE(test, mk_channel_has_room(&fix->host.ch, MK_CLASS_CONTROL));
	KUNIT_EXPECT_EQ(test, mk_channel_send(&fix->host.ch, MK_CLASS_CONTROL,
					      MK_MSG_SHUTDOWN, NULL, 0), 0);
	chan_receive(&fix->guest);
	KUNIT_EXPECT_EQ(test, fix->guest.text, 64);
	KUNIT_EXPECT_EQ(test, fix->guest.shutdowns, 1);
	KUNIT_EXPECT_TRUE(test, mk_channel_has_room(&fix->host.ch, MK_CLASS_CONSOLE));
}

/* A nop goes back with what it brought, as a reply */
static void chan_test_nop_answer(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_msg msg;

	chan_attach_both(test);
	mk_channel_send(&fix->host.ch, MK_CLASS_CONTROL, MK_MSG_NOP, "ping", 4);
	chan_receive(&fix->guest);
	KUNIT_ASSERT_TRUE(test, mk_ring_pop(&fix->host.ch.rx[0], &msg));
	KUNIT_EXPECT_EQ(test, msg.type, MK_MSG_NOP_REPLY);
	KUNIT_EXPECT_EQ(test, msg.len, 4);
	KUNIT_EXPECT_MEMEQ(test, msg.payload, "ping", 4);
}

/* Whoever answers what was not asked wakes nobody */
static void chan_test_nop_forged(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	u64 cookie[2] = { 4711 };
	u64 ns;

	chan_attach_both(test);
	mk_channel_send(&fix->guest.ch, MK_CLASS_CONTROL, MK_MSG_NOP_REPLY, cookie, 8);
	cookie[0] = 1;
	mk_channel_send(&fix->guest.ch, MK_CLASS_CONTROL, MK_MSG_NOP_REPLY, cookie, 7);
	chan_receive(&fix->host);
	KUNIT_EXPECT_FALSE(test, completion_done(&fix->host.ch.nop.done));
	/* Nobody answers */
	KUNIT_EXPECT_EQ(test, mk_channel_nop(&fix->host.ch, 20, &ns), -ETIMEDOUT);
	/* The answer comes when it is too late, and is none to the next call */
	chan_receive(&fix->guest);
	mk_channel_kick(&fix->host.ch);
	flush_work(&fix->host.ch.work);
	KUNIT_EXPECT_EQ(test, mk_channel_nop(&fix->host.ch, 20, &ns), -ETIMEDOUT);
}

static int chan_peer_thread(void *data)
{
	struct chan_fix *fix = data;

	while (!kthread_should_stop()) {
		chan_receive(&fix->guest);
		chan_receive(&fix->host);
		schedule_timeout_interruptible(1);
	}
	return 0;
}

static void chan_test_nop(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct task_struct *task;
	u64 ns = 0;
	int i;

	chan_attach_both(test);
	task = kthread_run(chan_peer_thread, fix, "mk-peer");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, mk_channel_nop(&fix->host.ch, 5000, &ns), 0);
	KUNIT_EXPECT_GT(test, ns, 0);
	kthread_stop(task);
}

/*
 * A message that comes when the receiver has looked and is not yet armed gets no
 * doorbell.  The receiver must find it by looking once more.
 */
static void chan_test_no_message_left(struct kunit *test)
{
	struct chan_fix *fix = test->priv;

	chan_attach_both(test);
	fix->host.late = &fix->guest.ch;
	chan_receive(&fix->host);
	flush_work(&fix->host.ch.work);
	KUNIT_EXPECT_EQ(test, fix->guest.ch.stats.bells_sent, 0);
	KUNIT_EXPECT_EQ(test, fix->host.text, 4);
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&fix->host.ch.rx[MK_CLASS_CONSOLE]));
}

static void chan_exit(struct kunit *test)
{
	struct chan_fix *fix = test->priv;

	if (!fix)
		return;
	cancel_work_sync(&fix->host.ch.work);
	cancel_work_sync(&fix->guest.ch.work);
}

static struct kunit_case chan_cases[] = {
	KUNIT_CASE(chan_test_paths),
	KUNIT_CASE(chan_test_not_attached),
	KUNIT_CASE_PARAM(chan_test_damage, chan_damage_gen_params),
	KUNIT_CASE(chan_test_missing),
	KUNIT_CASE(chan_test_hello),
	KUNIT_CASE(chan_test_hello_unended),
	KUNIT_CASE(chan_test_clean_text),
	KUNIT_CASE(chan_test_send_after_close),
	KUNIT_CASE(chan_test_nonsense),
	KUNIT_CASE(chan_test_full),
	KUNIT_CASE(chan_test_nop_answer),
	KUNIT_CASE(chan_test_nop_forged),
	KUNIT_CASE(chan_test_nop),
	KUNIT_CASE(chan_test_no_message_left),
	{}
};

static struct kunit_suite chan_suite = {
	.name = "mk_channel",
	.init = chan_init,
	.exit = chan_exit,
	.test_cases = chan_cases,
};

kunit_test_suite(chan_suite);
