// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of link.c, channel.c and nop.c with both ends in this kernel, on a shared
 * area as the host lays it out: directions and classes, rings that can't be,
 * messages that make no sense, calls, senders that wait, and a receiver that leaves
 * no message lying.
 */

#include <kunit/test.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "../internal.h"

/**
 * struct chan_end - one of the two kernels
 * @link: its link
 * @boot: its channels
 * @hellos: hellos that came in
 * @shutdowns: shutdowns that came in
 * @text: bytes that came in on the console
 * @drains: calls of the console's receiver
 * @late: a message that the peer sends when the receiver has just looked
 * @last: the last hello
 */
struct chan_end {
	struct mk_link link;
	struct mk_channel boot[MK_NR_CLASSES];
	unsigned int hellos;
	unsigned int shutdowns;
	unsigned int text;
	unsigned int drains;
	struct chan_end *late;
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

static struct mk_channel *chan_control(struct chan_end *end)
{
	return &end->link.boot[MK_CLASS_CONTROL];
}

static struct mk_channel *chan_console(struct chan_end *end)
{
	return &end->link.boot[MK_CLASS_CONSOLE];
}

static void chan_hello(struct mk_link *link, const struct mk_msg_hello *hello)
{
	struct chan_end *end = link->owner;

	end->hellos++;
	end->last = *hello;
}

static void chan_shutdown(struct mk_link *link)
{
	struct chan_end *end = link->owner;

	end->shutdowns++;
}

static bool chan_drain(struct mk_link *link, struct mk_ring_rx *rx)
{
	struct chan_end *end = link->owner;
	struct mk_msg msg;

	end->drains++;
	while (mk_ring_pop(rx, &msg))
		end->text += msg.len;
	/* The peer sees that we are awake, and does not ring */
	if (end->late)
		mk_send(chan_console(end->late), MK_MSG_CONSOLE, "late", 4);
	end->late = NULL;
	mk_ring_publish(rx);
	return true;
}

/* As the instance has it, and as the host has it */
static const struct mk_link_ops chan_guest_ops = {
	.hello		= chan_hello,
	.shutdown	= chan_shutdown,
	.drain		= chan_drain,
};

static const struct mk_link_ops chan_host_ops = {
	.hello		= chan_hello,
	.drain		= chan_drain,
};

static int chan_init(struct kunit *test)
{
	struct chan_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	struct mk_instance *inst = kunit_kzalloc(test, sizeof(*inst), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fix);
	KUNIT_ASSERT_NOT_NULL(test, inst);
	KUNIT_ASSERT_EQ(test, mk_boot_block_layout(&fix->block, 1, 0, 1, &fix->size), 0);
	fix->shared = kunit_kzalloc(test, fix->size + PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fix->shared);
	fix->shared = PTR_ALIGN(fix->shared, PAGE_SIZE);

	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&inst->cpus, GFP_KERNEL));
	inst->shared.va = fix->shared;
	mk_boot_block_fill(inst, &fix->block);
	free_cpumask_var(inst->cpus);

	fix->block.epoch = 7;
	test->priv = fix;
	KUNIT_ASSERT_EQ(test, mk_link_init(&fix->host.link, &chan_host_ops, fix->host.boot,
					   &fix->host), 0);
	KUNIT_ASSERT_EQ(test, mk_link_init(&fix->guest.link, &chan_guest_ops,
					   fix->guest.boot, &fix->guest), 0);
	return 0;
}

/* Calls whose reply has not come in */
static unsigned int chan_calls(const struct mk_channel *ch)
{
	unsigned int nr, calls = 0;

	for (nr = 0; nr < MK_CALLS; nr++)
		calls += !!READ_ONCE(ch->calls[nr]);
	return calls;
}

static int chan_attach(struct chan_fix *fix, struct chan_end *end)
{
	return mk_link_attach(&end->link, fix->shared, fix->size, &fix->block,
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
	unsigned int class;

	for (class = 0; class < MK_NR_CLASSES; class++) {
		mk_channel_kick(&end->link.boot[class]);
		mk_channel_flush(&end->link.boot[class]);
	}
}

/* What one sends in a class the other finds in that class, and nobody else */
static void chan_expect_path(struct kunit *test, struct chan_end *from, struct chan_end *to,
			     unsigned int class)
{
	struct mk_msg msg;

	KUNIT_ASSERT_EQ(test, mk_send(&from->link.boot[class], 9, "abc", 3), 0);
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&to->link.boot[!class].rx));
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&from->link.boot[0].rx));
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&from->link.boot[1].rx));
	KUNIT_ASSERT_TRUE(test, mk_ring_pop(&to->link.boot[class].rx, &msg));
	KUNIT_EXPECT_EQ(test, msg.type, 9);
	KUNIT_EXPECT_MEMEQ(test, msg.payload, "abc", 3);
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&to->link.boot[class].rx));
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
	/* Each side sets the causes that the other takes */
	KUNIT_EXPECT_PTR_EQ(test, fix->guest.link.words, fix->shared + PAGE_SIZE);
	KUNIT_EXPECT_PTR_EQ(test, fix->host.link.cause_in, fix->guest.link.cause_out);
	KUNIT_EXPECT_PTR_EQ(test, fix->guest.link.cause_in, fix->host.link.cause_out);
	KUNIT_EXPECT_PTR_EQ(test, fix->host.link.cause_in,
			    (unsigned long *)&fix->host.link.words->cause_to_host);
}

static void chan_test_not_attached(struct kunit *test)
{
	struct chan_fix *fix = test->priv;

	KUNIT_EXPECT_EQ(test, mk_send(chan_control(&fix->host), 1, "x", 1), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, mk_send_wait(chan_control(&fix->host), 1, "x", 1, 1), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, mk_call(chan_control(&fix->host), "x", 1, NULL, 0, 1), -ENOTCONN);
	KUNIT_EXPECT_FALSE(test, mk_channel_has_room(chan_control(&fix->host), 0));
	KUNIT_EXPECT_FALSE(test, mk_channel_poll_begin(chan_control(&fix->host)));
	mk_link_close(&fix->host.link);
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
	{ "between two slots", { .ring_off = 3 * SZ_4K + 64 }, false, -EINVAL },
	{ "fits to the byte", { .ring_off = 256 + 1024 * 128 }, true, 0 },
	{ "a slot too far", { .ring_off = 128 + 1024 * 128 }, true, -EINVAL },
	{ "at the end", { .ring_off = 128 }, true, -EINVAL },
	{ "offset near 2^32", { .ring_off = U32_MAX - 127 }, false, -EINVAL },
	{ "end wraps in 32 bits", { .ring_off = U32_MAX - 128 * 1024 + 1 }, false, -EINVAL },
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
	KUNIT_ASSERT_EQ(test, mk_link_hello(&fix->guest.link), 0);
	chan_receive(&fix->host);
	KUNIT_EXPECT_EQ(test, fix->host.hellos, 1);
	KUNIT_EXPECT_EQ(test, fix->host.last.version, MK_BOOT_VERSION);
	KUNIT_EXPECT_EQ(test, fix->host.last.nr_cpus, num_online_cpus());
	KUNIT_EXPECT_EQ(test, mk_channel_stat(chan_control(&fix->host), received), 1);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(chan_control(&fix->host), bytes_received),
			sizeof(struct mk_msg_hello));
	KUNIT_EXPECT_EQ(test, mk_channel_stat(chan_control(&fix->host), bad), 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(chan_control(&fix->guest), sent), 1);
}

/* The peer's string ends where we say, not where it says */
static void chan_test_hello_unended(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_msg_hello hello;

	chan_attach_both(test);
	memset(&hello, 'x', sizeof(hello));
	KUNIT_ASSERT_EQ(test, mk_send(chan_control(&fix->guest), MK_MSG_HELLO, &hello,
				      sizeof(hello)), 0);
	chan_receive(&fix->host);
	KUNIT_EXPECT_EQ(test, fix->host.hellos, 1);
	KUNIT_EXPECT_EQ(test, strnlen(fix->host.last.release, 40), 39);
}

/* As the first senders of version 3 have it, and as later ones may */
static void chan_test_hello_lengths(struct kunit *test)
{
	static const u32 lens[] = { 56, 60, 64, 65, 112, 113, 256 };
	struct chan_fix *fix = test->priv;
	struct mk_channel *guest = chan_control(&fix->guest);
	u8 data[MK_CTL_MAX] = {};
	struct mk_msg_hello *hello = (void *)data;
	unsigned int i;

	chan_attach_both(test);
	memset(data, 0xff, sizeof(data));
	hello->version = 7;
	hello->version_min = 4;
	KUNIT_EXPECT_EQ(test, mk_send(guest, MK_MSG_HELLO, data, 55), 0);
	KUNIT_EXPECT_EQ(test, mk_send(guest, MK_MSG_HELLO, data, 0), 0);
	chan_receive(&fix->host);
	KUNIT_EXPECT_EQ(test, fix->host.hellos, 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(chan_control(&fix->host), bad), 2);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		KUNIT_EXPECT_EQ(test, mk_send(guest, MK_MSG_HELLO, data, lens[i]), 0);
		chan_receive(&fix->host);
		KUNIT_EXPECT_EQ(test, fix->host.hellos, i + 1);
		KUNIT_EXPECT_EQ(test, fix->host.last.version, 7);
		/* Parts of it are what has come and zeroes */
		KUNIT_EXPECT_EQ(test, fix->host.last.version_min,
				lens[i] == 56 ? 0 : 4);
		KUNIT_EXPECT_EQ(test, fix->host.last.mem_shift,
				lens[i] < 64 ? 0 : U32_MAX);
	}
	KUNIT_EXPECT_EQ(test, mk_channel_stat(chan_control(&fix->host), bad), 2);

	/* No range: nobody speaks nothing, or less than he still speaks */
	hello->version = 3;
	KUNIT_EXPECT_EQ(test, mk_send(guest, MK_MSG_HELLO, data, 64), 0);
	hello->version = 0;
	KUNIT_EXPECT_EQ(test, mk_send(guest, MK_MSG_HELLO, data, 56), 0);
	chan_receive(&fix->host);
	KUNIT_EXPECT_EQ(test, fix->host.hellos, i);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(chan_control(&fix->host), bad), 4);
}

/* Of versions and features it is what both have; a new start forgets it */
static void chan_test_agree(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_abi theirs = mk_abi_of(9, 1, BIT_ULL(63) | MK_BOOT_F_PEERS);

	chan_attach_both(test);
	KUNIT_EXPECT_EQ(test, fix->host.link.version, 0);
	KUNIT_EXPECT_TRUE(test, mk_link_agree(&fix->host.link, &theirs));
	KUNIT_EXPECT_EQ(test, fix->host.link.version, MK_BOOT_VERSION);
	KUNIT_EXPECT_EQ(test, fix->host.link.features, MK_BOOT_F_PEERS);
	KUNIT_EXPECT_EQ(test, fix->host.link.theirs.newest, 9);
	theirs = mk_abi_of(9, 8, 0);
	KUNIT_EXPECT_FALSE(test, mk_link_agree(&fix->host.link, &theirs));
	KUNIT_EXPECT_EQ(test, fix->host.link.version, 0);
	KUNIT_ASSERT_EQ(test, chan_attach(fix, &fix->host), 0);
	KUNIT_EXPECT_EQ(test, fix->host.link.theirs.newest, 0);
	KUNIT_EXPECT_EQ(test, fix->host.link.features, 0);
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
		mk_clean_text(buf);
		KUNIT_EXPECT_STREQ(test, buf, texts[i].to);
	}
}

/* A sender that comes after the end leaves alone what is not there any more */
static void chan_test_send_after_close(struct kunit *test)
{
	struct chan_fix *fix = test->priv;

	chan_attach_both(test);
	mk_link_open(&fix->host.link);
	KUNIT_EXPECT_EQ(test, mk_send(chan_control(&fix->host), 2, NULL, 0), 0);
	mk_link_close(&fix->host.link);
	KUNIT_EXPECT_EQ(test, mk_send(chan_control(&fix->host), 2, NULL, 0), -ENOTCONN);
	KUNIT_EXPECT_FALSE(test, mk_channel_has_room(chan_console(&fix->host), 0));
	KUNIT_EXPECT_EQ(test, mk_call(chan_control(&fix->host), "", 0, NULL, 0, 1), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, chan_attach(fix, &fix->host), 0);
	KUNIT_EXPECT_TRUE(test, mk_channel_has_room(chan_console(&fix->host), 0));
}

static void chan_test_nonsense(struct kunit *test)
{
	static const u16 types[] = {
		0, 2, MK_MSG_CONSOLE, MK_NR_MSGS, 0x3fff, 0x7000, 0x7ffe,
		/* Replies that nobody waits for, with numbers that can be and can't */
		MK_TYPE_REPLY, MK_TYPE_ERROR | 31, MK_TYPE_REPLY | 32, MK_TYPE_ERROR | 0xfff,
	};
	struct chan_fix *fix = test->priv;
	struct mk_channel *guest = chan_control(&fix->guest);
	u8 data[MK_SLOT_PAYLOAD] = {};
	unsigned int i;

	chan_attach_both(test);
	for (i = 0; i < ARRAY_SIZE(types); i++)
		KUNIT_ASSERT_EQ(test, mk_send(guest, types[i], data, 8), 0);
	/* A hello of a wrong length, and a shutdown: the host obeys nobody */
	mk_send(guest, MK_MSG_HELLO, data, 55);
	mk_send(guest, MK_MSG_SHUTDOWN, NULL, 0);
	chan_receive(&fix->host);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(chan_control(&fix->host), bad),
			ARRAY_SIZE(types) + 2);
	KUNIT_EXPECT_EQ(test, fix->host.hellos, 0);
	KUNIT_EXPECT_EQ(test, fix->host.shutdowns, 0);

	mk_send(chan_control(&fix->host), MK_MSG_SHUTDOWN, NULL, 0);
	chan_receive(&fix->guest);
	KUNIT_EXPECT_EQ(test, fix->guest.shutdowns, 1);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(guest, bad), 0);
}

static void chan_test_full(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_channel *console = chan_console(&fix->host);
	unsigned int n = 0;

	chan_attach_both(test);
	while (!mk_send(console, MK_MSG_CONSOLE, "x", 1))
		KUNIT_ASSERT_LE(test, ++n, 64);
	KUNIT_EXPECT_EQ(test, n, 64);
	KUNIT_EXPECT_FALSE(test, mk_channel_has_room(console, 0));
	KUNIT_EXPECT_EQ(test, mk_channel_stat(console, full), 1);
	/* Control does not wait behind bulk */
	KUNIT_EXPECT_TRUE(test, mk_channel_has_room(chan_control(&fix->host), 0));
	KUNIT_EXPECT_EQ(test, mk_send(chan_control(&fix->host), MK_MSG_SHUTDOWN, NULL, 0), 0);
	chan_receive(&fix->guest);
	KUNIT_EXPECT_EQ(test, fix->guest.text, 64);
	KUNIT_EXPECT_EQ(test, fix->guest.shutdowns, 1);
	KUNIT_EXPECT_TRUE(test, mk_channel_has_room(console, 0));
}

/* A call in progress, by a thread, and what became of it */
struct chan_caller {
	struct mk_channel *ch;
	struct task_struct *task;
	struct completion ended;
	ssize_t ret;
	bool send;
};

static int chan_caller_thread(void *data)
{
	struct chan_caller *caller = data;

	if (caller->send)
		caller->ret = mk_send_wait(caller->ch, MK_MSG_CONSOLE, "last", 4,
					   MAX_SCHEDULE_TIMEOUT);
	else
		caller->ret = mk_call(caller->ch, "who", 3, NULL, 0, 60 * HZ);
	complete(&caller->ended);
	return 0;
}

static void chan_begin(struct kunit *test, struct chan_caller *caller, struct mk_channel *ch,
		       bool send)
{
	*caller = (struct chan_caller){ .ch = ch, .send = send };
	init_completion(&caller->ended);
	caller->task = kthread_run(chan_caller_thread, caller, "mk-caller");
	KUNIT_ASSERT_FALSE(test, IS_ERR(caller->task));
}

/* It ends soon, with this */
static void chan_expect_end(struct kunit *test, struct chan_caller *caller, ssize_t ret)
{
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&caller->ended, 60 * HZ), 0);
	KUNIT_EXPECT_EQ(test, caller->ret, ret);
}

static void chan_await_sender(struct kunit *test, struct mk_channel *ch)
{
	int i;

	for (i = 0; i < 10000 && !wq_has_sleeper(&ch->tx_wait); i++)
		usleep_range(1000, 2000);
	KUNIT_ASSERT_TRUE(test, wq_has_sleeper(&ch->tx_wait));
}

static void chan_await_sleep(struct kunit *test, struct mk_channel *ch)
{
	chan_await_sender(test, ch);
	KUNIT_ASSERT_EQ(test, ch->tx.waiting % 2, 1);
}

/* A sender that waits goes on when there is room, and is rung for it */
static void chan_test_send_wait(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_channel *console = chan_console(&fix->host);
	struct chan_caller caller;

	chan_attach_both(test);
	mk_link_open(&fix->host.link);
	while (!mk_send(console, MK_MSG_CONSOLE, "x", 1))
		;
	KUNIT_EXPECT_EQ(test, mk_send_wait(console, MK_MSG_CONSOLE, "x", 1, 2), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, console->tx.waiting % 2, 0);
	chan_begin(test, &caller, console, true);
	chan_await_sleep(test, console);
	/* The bell rings here, and nobody else tells the sender */
	WRITE_ONCE(console->rx.mem->bell, mk_arch_bell(0));
	chan_receive(&fix->guest);
	chan_expect_end(test, &caller, 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(chan_console(&fix->guest), bells_room), 1);
	KUNIT_EXPECT_EQ(test, console->tx.waiting % 2, 0);
	chan_receive(&fix->guest);
	KUNIT_EXPECT_EQ(test, fix->guest.text, 64 + 4);
	mk_link_close(&fix->host.link);
}

static void chan_test_send_wait_close(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_channel *console = chan_console(&fix->host);
	struct chan_caller caller;

	chan_attach_both(test);
	mk_link_open(&fix->host.link);
	while (!mk_send(console, MK_MSG_CONSOLE, "x", 1))
		;
	chan_begin(test, &caller, console, true);
	chan_await_sleep(test, console);
	mk_link_close(&fix->host.link);
	chan_expect_end(test, &caller, -ENOTCONN);
}

/* A nop goes back with what it brought, or as the error that it asks for */
static void chan_test_nop_answer(struct kunit *test)
{
	static const struct mk_nop fail = { .op = MK_CTL_FAIL, .error = -EDOM };
	struct chan_fix *fix = test->priv;
	struct mk_channel *host = chan_control(&fix->host);
	struct mk_msg msg;
	__s32 err;

	chan_attach_both(test);
	mk_send(host, MK_TYPE_CALL | 3, "\0\0\0\0ping", 8);
	mk_send(host, MK_TYPE_CALL | 0xfff, &fail, sizeof(fail));
	chan_receive(&fix->guest);
	KUNIT_ASSERT_TRUE(test, mk_ring_pop(&host->rx, &msg));
	KUNIT_EXPECT_EQ(test, msg.type, MK_TYPE_REPLY | 3);
	KUNIT_EXPECT_EQ(test, msg.len, 8);
	KUNIT_EXPECT_MEMEQ(test, msg.payload, "\0\0\0\0ping", 8);
	KUNIT_ASSERT_TRUE(test, mk_ring_pop(&host->rx, &msg));
	KUNIT_EXPECT_EQ(test, msg.type, MK_TYPE_ERROR | 0xfff);
	KUNIT_ASSERT_EQ(test, msg.len, sizeof(err));
	memcpy(&err, msg.payload, sizeof(err));
	KUNIT_EXPECT_EQ(test, err, -EDOM);
}

/* A reply that comes too late is not that of the next call */
static void chan_test_late_reply(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_channel *host = chan_control(&fix->host);
	u64 ns;

	chan_attach_both(test);
	KUNIT_EXPECT_EQ(test, mk_nop(host, 0, 20, &ns), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, chan_calls(host), 1);
	KUNIT_EXPECT_EQ(test, mk_nop(host, 0, 20, &ns), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, chan_calls(host), 2);
	chan_receive(&fix->guest);
	chan_receive(&fix->host);
	KUNIT_EXPECT_EQ(test, chan_calls(host), 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(host, bad), 0);
	/* The same replies once more: nobody waits for them */
	mk_reply(chan_control(&fix->guest), 0, NULL, 0);
	chan_receive(&fix->host);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(host, bad), 1);
}

static void chan_test_too_many_calls(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_channel *host = chan_control(&fix->host);
	unsigned int i;

	chan_attach_both(test);
	for (i = 0; i < MK_CALLS; i++)
		KUNIT_EXPECT_EQ(test, mk_call(host, "", 0, NULL, 0, 0), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, mk_call(host, "", 0, NULL, 0, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(host, sent), MK_CALLS);
}

/* Who waits for a peer that goes hears of it */
static void chan_test_call_close(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_channel *host = chan_control(&fix->host);
	struct chan_caller caller[4];
	unsigned int i;

	chan_attach_both(test);
	mk_link_open(&fix->host.link);
	for (i = 0; i < ARRAY_SIZE(caller); i++)
		chan_begin(test, &caller[i], host, false);
	for (i = 0; i < 10000 && mk_channel_stat(host, sent) < ARRAY_SIZE(caller); i++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(host, sent), ARRAY_SIZE(caller));
	mk_link_close(&fix->host.link);
	for (i = 0; i < ARRAY_SIZE(caller); i++)
		chan_expect_end(test, &caller[i], -ECONNRESET);
	KUNIT_EXPECT_EQ(test, chan_calls(host), 0);
}

/* A channel that is held leaves all as it is; nothing of it is lost when it goes on */
static void chan_test_hold(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_channel *host = chan_control(&fix->host), *guest = chan_control(&fix->guest);
	struct chan_caller caller;
	u32 tail;

	chan_attach_both(test);
	mk_channel_release(guest);
	mk_send(host, MK_MSG_SHUTDOWN, NULL, 0);
	chan_receive(&fix->guest);
	KUNIT_ASSERT_TRUE(test, mk_channel_hold(guest));
	KUNIT_EXPECT_FALSE(test, mk_channel_hold(guest));
	tail = guest->rx.tail;
	KUNIT_EXPECT_EQ(test, guest->rx.mem->tail, mk_ring_word(7, tail));
	KUNIT_EXPECT_EQ(test, mk_send(host, MK_MSG_SHUTDOWN, NULL, 0), 0);
	chan_receive(&fix->guest);
	KUNIT_EXPECT_EQ(test, fix->guest.shutdowns, 1);
	KUNIT_EXPECT_EQ(test, guest->rx.tail, tail);
	KUNIT_EXPECT_FALSE(test, mk_channel_poll_begin(guest));

	KUNIT_EXPECT_FALSE(test, mk_channel_has_room(guest, 0));
	KUNIT_EXPECT_EQ(test, mk_send(guest, 1, "x", 1), -EAGAIN);
	KUNIT_EXPECT_EQ(test, mk_send_or_ring(guest, 1, "x", 1), -EAGAIN);
	KUNIT_EXPECT_EQ(test, mk_send_wait(guest, 1, "x", 1, 1), -ETIMEDOUT);
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&host->rx));
	chan_begin(test, &caller, guest, true);
	chan_await_sender(test, guest);

	mk_channel_release(guest);
	chan_expect_end(test, &caller, 0);
	mk_channel_flush(guest);
	KUNIT_EXPECT_EQ(test, fix->guest.shutdowns, 2);
	KUNIT_EXPECT_TRUE(test, mk_ring_pending(&host->rx));
	KUNIT_EXPECT_TRUE(test, mk_channel_has_room(guest, 0));
	KUNIT_EXPECT_EQ(test, mk_send(guest, 1, "x", 1), 0);
}

/* One that somebody polls, or that waits for a reply */
static void chan_test_hold_busy(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_channel *guest = chan_control(&fix->guest);

	chan_attach_both(test);
	KUNIT_ASSERT_TRUE(test, mk_channel_poll_begin(guest));
	KUNIT_EXPECT_FALSE(test, mk_channel_hold(guest));
	mk_channel_poll_end(guest);
	KUNIT_EXPECT_FALSE(test, mk_channel_calls(guest));
	KUNIT_EXPECT_EQ(test, mk_call(guest, "", 0, NULL, 0, 0), -ETIMEDOUT);
	/* Its reply would be taken for that of another call */
	KUNIT_EXPECT_TRUE(test, mk_channel_calls(guest));
	KUNIT_EXPECT_TRUE(test, mk_channel_hold(guest));
	mk_channel_release(guest);
}

/* Its end does not wait for anybody to let go of it */
static void chan_test_hold_close(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_channel *guest = chan_control(&fix->guest);
	struct chan_caller caller;

	chan_attach_both(test);
	mk_link_open(&fix->guest.link);
	mk_channel_flush(guest);
	KUNIT_ASSERT_TRUE(test, mk_channel_hold(guest));
	chan_begin(test, &caller, guest, true);
	chan_await_sender(test, guest);
	mk_link_close(&fix->guest.link);
	chan_expect_end(test, &caller, -ENOTCONN);
	KUNIT_EXPECT_EQ(test, mk_send(guest, 1, "x", 1), -ENOTCONN);
	mk_channel_release(guest);
	KUNIT_EXPECT_EQ(test, mk_send(guest, 1, "x", 1), -ENOTCONN);
	KUNIT_EXPECT_FALSE(test, mk_channel_hold(guest));
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
	struct mk_channel *host = chan_control(&fix->host);
	struct task_struct *task;
	u64 ns = 0;
	u8 buf[8];
	int i;

	chan_attach_both(test);
	task = kthread_run(chan_peer_thread, fix, "mk-peer");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, mk_nop(host, 0, 5000, &ns), 0);
	KUNIT_EXPECT_GT(test, ns, 0);
	KUNIT_EXPECT_EQ(test, mk_nop(host, -EXFULL, 5000, &ns), -EXFULL);
	/* What is no errno is none */
	KUNIT_EXPECT_EQ(test, mk_nop(host, -4096, 5000, &ns), -EPROTO);
	KUNIT_EXPECT_EQ(test, mk_nop(host, 1, 5000, &ns), -EPROTO);
	KUNIT_EXPECT_EQ(test, mk_call(host, "\0\0\0\0ping!", 9, buf, 8, 5 * HZ), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, mk_call(host, "\0\0\0\0ping", 8, buf, 8, 5 * HZ), 8);
	KUNIT_EXPECT_MEMEQ(test, buf, "\0\0\0\0ping", 8);
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
	fix->host.late = &fix->guest;
	chan_receive(&fix->host);
	mk_channel_flush(chan_console(&fix->host));
	KUNIT_EXPECT_EQ(test, mk_channel_stat(chan_console(&fix->guest), bells_sent), 0);
	KUNIT_EXPECT_EQ(test, fix->host.text, 4);
	KUNIT_EXPECT_FALSE(test, mk_ring_pending(&chan_console(&fix->host)->rx));
}

/* Who polls is not rung, and leaves nothing lying when he goes */
static void chan_test_poll(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_channel *host = chan_control(&fix->host);
	struct mk_channel *guest = chan_control(&fix->guest);

	chan_attach_both(test);
	mk_link_open(&fix->host.link);
	mk_channel_flush(host);
	KUNIT_ASSERT_TRUE(test, mk_channel_poll_begin(host));
	KUNIT_EXPECT_FALSE(test, mk_channel_poll_begin(host));
	KUNIT_EXPECT_EQ(test, mk_link_hello(&fix->guest.link), 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(guest, bells_sent), 0);
	/* The receiver does not get in */
	chan_receive(&fix->host);
	KUNIT_EXPECT_EQ(test, fix->host.hellos, 0);
	KUNIT_EXPECT_EQ(test, mk_channel_poll(host), 1);
	KUNIT_EXPECT_EQ(test, fix->host.hellos, 1);
	KUNIT_EXPECT_EQ(test, mk_channel_poll(host), 0);
	KUNIT_EXPECT_EQ(test, mk_link_hello(&fix->guest.link), 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(guest, bells_sent), 0);
	mk_channel_poll_end(host);
	mk_channel_flush(host);
	KUNIT_EXPECT_EQ(test, fix->host.hellos, 2);
	/* And is rung again */
	KUNIT_EXPECT_EQ(test, mk_link_hello(&fix->guest.link), 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(guest, bells_sent), 1);
	mk_link_close(&fix->host.link);
	KUNIT_EXPECT_FALSE(test, mk_channel_poll_begin(chan_console(&fix->host)));
}

/* Who polls may be handed messages, and gets no other's */
static void chan_test_recv(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_channel *host = chan_control(&fix->host);
	struct mk_channel *guest = chan_control(&fix->guest);
	struct mk_nop nop = { .op = MK_CTL_ECHO };
	struct mk_msg msg;

	chan_attach_both(test);
	KUNIT_ASSERT_TRUE(test, mk_channel_poll_begin(host));
	KUNIT_EXPECT_EQ(test, mk_channel_recv(host, &msg), 0);
	KUNIT_ASSERT_EQ(test, mk_send(guest, 9, "handed over", 12), 0);
	KUNIT_ASSERT_EQ(test, mk_send(guest, MK_TYPE_CALL | 3, &nop, sizeof(nop)), 0);
	KUNIT_ASSERT_EQ(test, mk_send(guest, MK_TYPE_PAGES | 9, &nop, sizeof(nop)), 0);
	KUNIT_ASSERT_EQ(test, mk_link_hello(&fix->guest.link), 0);
	KUNIT_ASSERT_EQ(test, mk_channel_recv(host, &msg), 1);
	KUNIT_EXPECT_EQ(test, msg.type, 9);
	KUNIT_EXPECT_EQ(test, msg.len, 12);
	KUNIT_EXPECT_STREQ(test, msg.data, "handed over");
	KUNIT_EXPECT_NULL(test, msg.pages);
	/* The call is answered on the way, and pages that nobody has are nothing */
	KUNIT_EXPECT_EQ(test, mk_channel_recv(host, &msg), 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(host, sent), 1);
	KUNIT_EXPECT_EQ(test, mk_channel_recv(host, &msg), 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(host, bad), 1);
	KUNIT_EXPECT_EQ(test, mk_channel_recv(host, &msg), 1);
	KUNIT_EXPECT_EQ(test, msg.type, MK_MSG_HELLO);
	KUNIT_EXPECT_EQ(test, fix->host.hellos, 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(host, received), 4);
	WRITE_ONCE(host->ending, true);
	KUNIT_EXPECT_EQ(test, mk_channel_recv(host, &msg), -ENOTCONN);
	WRITE_ONCE(host->ending, false);
	mk_channel_poll_end(host);
	mk_channel_flush(host);
}

/* The interrupt goes by the cause, whatever stands there */
/* As in the interrupt */
static void chan_doorbell(void)
{
	guard(irqsave)();
	mk_link_doorbell();
}

static void chan_test_cause(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	unsigned long *cause;

	chan_attach_both(test);
	mk_link_open(&fix->host.link);
	mk_channel_flush(chan_console(&fix->host));
	cause = fix->host.link.cause_in;
	fix->host.drains = 0;
	chan_doorbell();
	KUNIT_EXPECT_EQ(test, atomic_long_read(&fix->host.link.bells), 0);

	*cause = MK_CAUSE_MESSAGE(MK_CLASS_CONTROL);
	chan_doorbell();
	mk_channel_flush(chan_console(&fix->host));
	KUNIT_EXPECT_EQ(test, fix->host.drains, 0);
	*cause = MK_CAUSE_MESSAGE(MK_CLASS_CONSOLE);
	chan_doorbell();
	mk_channel_flush(chan_console(&fix->host));
	KUNIT_EXPECT_EQ(test, fix->host.drains, 1);
	*cause = MK_CAUSE_ROOM(MK_CLASS_CONSOLE);
	chan_doorbell();
	mk_channel_flush(chan_console(&fix->host));
	KUNIT_EXPECT_EQ(test, fix->host.drains, 2);
	*cause = ~0UL;
	chan_doorbell();
	KUNIT_EXPECT_EQ(test, *cause, 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&fix->host.link.bells), 4);
	mk_link_close(&fix->host.link);
}

/* A doorbell that tells of room gets lost: the watch finds who waits for it */
static void chan_test_room_missed(struct kunit *test)
{
	struct chan_fix *fix = test->priv;
	struct mk_channel *console = chan_console(&fix->host);
	struct chan_caller caller;

	chan_attach_both(test);
	mk_link_open(&fix->host.link);
	while (!mk_send(console, MK_MSG_CONSOLE, "x", 1))
		;
	chan_begin(test, &caller, console, true);
	chan_await_sleep(test, console);
	/* Nobody is rung */
	WRITE_ONCE(console->rx.mem->bell, 0);
	chan_receive(&fix->guest);
	chan_expect_end(test, &caller, 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(chan_console(&fix->guest), bells_room), 0);
}

/* A peer that has read the bell before it changed has rung where nobody is */
static void chan_lose_bell(struct kunit *test, struct chan_fix *fix)
{
	struct mk_ring_mem *mem = chan_control(&fix->host)->rx.mem;
	u64 bell = mem->bell;

	mk_channel_flush(chan_control(&fix->host));
	WRITE_ONCE(mem->bell, 0);
	KUNIT_EXPECT_EQ(test, mk_link_hello(&fix->guest.link), 0);
	WRITE_ONCE(mem->bell, bell);
}

/* The doorbell leaves a CPU that goes, with all that was rung for, and comes back */
static void chan_test_cpu(struct kunit *test)
{
	unsigned int cpu = cpumask_last(cpu_online_mask);
	struct chan_fix *fix = test->priv;
	struct mk_channel *host = chan_control(&fix->host);
	struct mk_ring_mem *mem;

	if (!cpu)
		kunit_skip(test, "needs two CPUs");
	chan_attach_both(test);
	mem = host->rx.mem;
	/* Before it is open it is a wish */
	KUNIT_EXPECT_EQ(test, mk_channel_set_cpu(host, cpu), 0);
	KUNIT_EXPECT_EQ(test, mem->bell, 0);
	mk_link_open(&fix->host.link);
	KUNIT_EXPECT_EQ(test, mem->bell, mk_arch_bell(cpu));
	KUNIT_EXPECT_EQ(test, chan_console(&fix->host)->rx.mem->bell, mk_arch_bell(0));
	KUNIT_EXPECT_EQ(test, mk_channel_set_cpu(host, 0), 0);
	KUNIT_EXPECT_EQ(test, mem->bell, mk_arch_bell(0));
	KUNIT_EXPECT_EQ(test, mk_channel_set_cpu(host, nr_cpu_ids), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_channel_set_cpu(host, U32_MAX), -EINVAL);
	KUNIT_EXPECT_EQ(test, mem->bell, mk_arch_bell(0));
	KUNIT_EXPECT_EQ(test, mk_channel_set_cpu(host, cpu), 0);

	chan_lose_bell(test, fix);
	KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
	KUNIT_EXPECT_EQ(test, mem->bell, mk_arch_bell(0));
	mk_channel_flush(host);
	KUNIT_EXPECT_EQ(test, fix->host.hellos, 1);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(host, bells_missed), 0);
	KUNIT_EXPECT_EQ(test, mk_channel_set_cpu(host, cpu), -ENXIO);

	chan_lose_bell(test, fix);
	KUNIT_ASSERT_EQ(test, add_cpu(cpu), 0);
	KUNIT_EXPECT_EQ(test, mem->bell, mk_arch_bell(cpu));
	mk_channel_flush(host);
	KUNIT_EXPECT_EQ(test, fix->host.hellos, 2);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(host, bells_missed), 0);
	KUNIT_EXPECT_EQ(test, chan_console(&fix->host)->rx.mem->bell, mk_arch_bell(0));
	mk_link_close(&fix->host.link);
}

static void chan_exit(struct kunit *test)
{
	struct chan_fix *fix = test->priv;

	if (!fix)
		return;
	mk_link_close(&fix->host.link);
	mk_link_destroy(&fix->host.link);
	mk_link_destroy(&fix->guest.link);
}

static struct kunit_case chan_cases[] = {
	KUNIT_CASE(chan_test_paths),
	KUNIT_CASE(chan_test_not_attached),
	KUNIT_CASE_PARAM(chan_test_damage, chan_damage_gen_params),
	KUNIT_CASE(chan_test_missing),
	KUNIT_CASE(chan_test_hello),
	KUNIT_CASE(chan_test_hello_unended),
	KUNIT_CASE(chan_test_hello_lengths),
	KUNIT_CASE(chan_test_agree),
	KUNIT_CASE(chan_test_clean_text),
	KUNIT_CASE(chan_test_send_after_close),
	KUNIT_CASE(chan_test_nonsense),
	KUNIT_CASE(chan_test_full),
	KUNIT_CASE(chan_test_send_wait),
	KUNIT_CASE(chan_test_send_wait_close),
	KUNIT_CASE(chan_test_nop_answer),
	KUNIT_CASE(chan_test_late_reply),
	KUNIT_CASE(chan_test_too_many_calls),
	KUNIT_CASE(chan_test_call_close),
	KUNIT_CASE(chan_test_hold),
	KUNIT_CASE(chan_test_hold_busy),
	KUNIT_CASE(chan_test_hold_close),
	KUNIT_CASE(chan_test_nop),
	KUNIT_CASE(chan_test_no_message_left),
	KUNIT_CASE(chan_test_poll),
	KUNIT_CASE(chan_test_recv),
	KUNIT_CASE(chan_test_cause),
	KUNIT_CASE(chan_test_room_missed),
	KUNIT_CASE(chan_test_cpu),
	{}
};

static struct kunit_suite chan_suite = {
	.name = "mk_channel",
	.init = chan_init,
	.exit = chan_exit,
	.test_cases = chan_cases,
};

kunit_test_suite(chan_suite);
