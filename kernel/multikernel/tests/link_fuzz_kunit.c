// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of link.c, channel.c and bootblock.c with a peer that keeps to no rule: any
 * message on the control channel through the real receiver, words of the rings that
 * change, any reply to a call, and boot blocks and lists of rings that are wrong in
 * few places or in all.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/ctype.h>
#include <linux/kthread.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "fuzz.h"
#include "link_test.h"

#define LFUZZ_CANARY	0xa5

/**
 * struct lfuzz_fix - a link with a hostile end
 * @link: both ends
 * @fuzz: what the hostile end does, and what came of it
 * @hellos: hellos that came in
 * @shutdowns: shutdowns that came in
 * @calls: calls that the layer above has got
 * @refuse: it says that they can't be
 * @bells: doorbells that were asked for, and refused
 * @msg: what was sent last
 * @data: its payload
 */
struct lfuzz_fix {
	struct link_fix link;
	struct fuzz fuzz;
	unsigned int hellos;
	unsigned int shutdowns;
	unsigned int calls;
	bool refuse;
	unsigned long bells;
	struct mk_msg msg;
	u8 data[2 * MK_CTL_MAX];
};

/* Whatever the peer says of its release, it can be shown */
static void lfuzz_hello(struct mk_link *link, const struct mk_msg_hello *hello)
{
	struct lfuzz_fix *fix = link->owner;
	const char *c;

	fix->hellos++;
	/* Expected and not asserted: this may not end here */
	KUNIT_EXPECT_LT(fix->fuzz.test, strnlen(hello->release, sizeof(hello->release)),
			sizeof(hello->release));
	for (c = hello->release; *c && c < hello->release + sizeof(hello->release); c++)
		KUNIT_EXPECT_TRUE(fix->fuzz.test, isascii(*c) && isprint(*c));
}

static void lfuzz_shutdown(struct mk_link *link)
{
	struct lfuzz_fix *fix = link->owner;

	fix->shutdowns++;
}

static bool lfuzz_drain(struct mk_link *link, struct mk_ring_rx *rx)
{
	return false;
}

static bool lfuzz_call(struct mk_link *link, const struct mk_msg *msg)
{
	struct lfuzz_fix *fix = link->owner;

	fix->calls++;
	KUNIT_EXPECT_LE(fix->fuzz.test, msg->len, MK_CTL_MAX);
	return !fix->refuse;
}

/* Or the peer would have this machine's CPUs interrupted by any vector */
static bool lfuzz_bell_ok(struct mk_link *link, u32 phys_id)
{
	struct lfuzz_fix *fix = link->owner;

	fix->bells++;
	return false;
}

static const struct mk_link_ops lfuzz_host_ops = {
	.hello		= lfuzz_hello,
	.drain		= lfuzz_drain,
	.call		= lfuzz_call,
	.bell_ok	= lfuzz_bell_ok,
};

static const struct mk_link_ops lfuzz_guest_ops = {
	.hello		= lfuzz_hello,
	.shutdown	= lfuzz_shutdown,
	.drain		= lfuzz_drain,
	.call		= lfuzz_call,
	.bell_ok	= lfuzz_bell_ok,
};

static int lfuzz_init(struct kunit *test)
{
	struct lfuzz_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fix);
	link_fix_init(test, &fix->link, &lfuzz_host_ops, &lfuzz_guest_ops, fix);
	test->priv = fix;
	return 0;
}

static void lfuzz_exit(struct kunit *test)
{
	struct lfuzz_fix *fix = test->priv;

	if (fix)
		link_fix_exit(&fix->link);
}

enum lfuzz_class {
	LFUZZ_HELLO,
	LFUZZ_SHUTDOWN,
	LFUZZ_NOP,
	LFUZZ_CALL,
	LFUZZ_REFUSED,
	LFUZZ_REPLY,
	LFUZZ_BAD,
	LFUZZ_DROPPED,
	LFUZZ_SCRIBBLED,
	LFUZZ_SCRIBBLED_LOST,
	LFUZZ_NR
};

static const char * const lfuzz_names[LFUZZ_NR] = {
	[LFUZZ_HELLO]		= "hello",
	[LFUZZ_SHUTDOWN]	= "shutdown",
	[LFUZZ_NOP]		= "nop answered",
	[LFUZZ_CALL]		= "call",
	[LFUZZ_REFUSED]		= "call refused",
	[LFUZZ_REPLY]		= "reply",
	[LFUZZ_BAD]		= "bad message",
	[LFUZZ_DROPPED]		= "dropped as too long",
	[LFUZZ_SCRIBBLED]	= "scribbled over, delivered",
	[LFUZZ_SCRIBBLED_LOST]	= "scribbled over, nothing there",
};

/* Types and lengths near to those that are known */
static void lfuzz_make(struct lfuzz_fix *fix)
{
	static const u16 types[] = {
		MK_MSG_HELLO, MK_MSG_HELLO, MK_MSG_SHUTDOWN, MK_TYPE_CALL, MK_TYPE_CALL,
		MK_TYPE_CALL, MK_TYPE_REPLY, MK_TYPE_ERROR,
	};
	static const u32 lens[] = {
		sizeof(struct mk_msg_hello), sizeof(struct mk_nop), sizeof(__s32),
		sizeof(struct mk_ctl_connect), sizeof(struct mk_ctl_open), MK_CTL_MAX,
	};
	struct fuzz *fuzz = &fix->fuzz;
	u32 bits = fuzz_u32(fuzz);
	u16 *type = &fix->msg.type;

	*type = types[bits % ARRAY_SIZE(types)];
	if (*type >= MK_TYPE_CALL)
		*type |= (bits >> 8) % (bits >> 29 ? MK_CALLS + 8 : 0x1000);
	if (bits >> 27 == 7)
		*type = (bits >> 4) % 0x7fff;
	bits = fuzz_u32(fuzz);
	fix->msg.len = lens[bits % ARRAY_SIZE(lens)];
	if (bits >> 30)
		fix->msg.len = (bits >> 8) % (bits >> 28 == 4 ? sizeof(fix->data) : 64);
	prandom_bytes_state(&fuzz->rnd, fix->data, fix->msg.len);
	if (fuzz_below(fuzz, 8))
		*(__u32 *)fix->data = fuzz_below(fuzz, MK_CTL_CLOSE + 3);
}

static __u32 lfuzz_op(const struct lfuzz_fix *fix)
{
	__u32 op = 0;

	memcpy(&op, fix->data, min_t(size_t, fix->msg.len, sizeof(op)));
	return op;
}

/* A later version's may be longer, and versions may be anything but upside down */
static bool lfuzz_is_hello(const struct lfuzz_fix *fix)
{
	struct mk_msg_hello hello = {};

	if (fix->msg.type != MK_MSG_HELLO || fix->msg.len < MK_HELLO_MIN)
		return false;
	memcpy(&hello, fix->data, min_t(size_t, fix->msg.len, sizeof(hello)));
	return hello.version && hello.version >= hello.version_min;
}

/* What must come of it at the receiver @ch */
static enum lfuzz_class lfuzz_foretell(struct lfuzz_fix *fix, struct mk_channel *ch)
{
	const struct mk_msg *msg = &fix->msg;
	unsigned int nr = msg->type & MK_TYPE_NR;

	if (msg->len > MK_CTL_MAX)
		return LFUZZ_DROPPED;
	switch (msg->type >> 12) {
	case 4:
		if (lfuzz_op(fix) == MK_CTL_ECHO || lfuzz_op(fix) == MK_CTL_FAIL)
			return LFUZZ_NOP;
		return fix->refuse ? LFUZZ_REFUSED : LFUZZ_CALL;
	case 5:
	case 6:
		return nr < MK_CALLS && ch->calls[nr] ? LFUZZ_REPLY : LFUZZ_BAD;
	}
	if (lfuzz_is_hello(fix))
		return LFUZZ_HELLO;
	if (msg->type == MK_MSG_SHUTDOWN && ch->link == &fix->link.guest)
		return LFUZZ_SHUTDOWN;
	return LFUZZ_BAD;
}

/**
 * struct lfuzz_was - what a channel had counted before
 * @dropped: messages that were too long
 * @bad: messages that made no sense, those too
 * @sent: messages sent
 * @received: messages received
 * @calls: calls whose reply has not come in
 */
struct lfuzz_was {
	u64 dropped;
	u64 bad;
	u64 sent;
	u64 received;
	unsigned int calls;
};

static struct lfuzz_was lfuzz_count(struct mk_channel *ch)
{
	struct lfuzz_was was = {
		.dropped = ch->rx.bad,
		.bad = mk_channel_stat(ch, bad),
		.sent = mk_channel_stat(ch, sent),
		.received = mk_channel_stat(ch, received),
	};
	unsigned int nr;

	for (nr = 0; nr < MK_CALLS; nr++)
		was.calls += !!ch->calls[nr];
	return was;
}

/* What the receiver has counted since, in the same words */
static enum lfuzz_class lfuzz_seen(struct lfuzz_fix *fix, struct mk_channel *ch,
				   const struct lfuzz_was *was)
{
	struct lfuzz_was now = lfuzz_count(ch);

	if (now.dropped != was->dropped)
		return LFUZZ_DROPPED;
	if (now.bad != was->bad)
		return LFUZZ_BAD;
	if (now.calls != was->calls)
		return LFUZZ_REPLY;
	if (fix->calls)
		return now.sent != was->sent ? LFUZZ_REFUSED : LFUZZ_CALL;
	if (now.sent != was->sent)
		return LFUZZ_NOP;
	return fix->hellos ? LFUZZ_HELLO : LFUZZ_SHUTDOWN;
}

/* The receiver works here, and nowhere else */
static void lfuzz_poll(struct kunit *test, struct mk_channel *ch)
{
	while (!mk_channel_poll_begin(ch))
		mk_channel_flush(ch);
	KUNIT_ASSERT_LE(test, mk_channel_poll(ch), 64);
	mk_channel_poll_end(ch);
	mk_channel_flush(ch);
}

/* The peer takes what it was answered, so that there is room for the next */
static void lfuzz_take_answers(struct mk_channel *peer)
{
	struct mk_msg msg;

	while (mk_ring_pop(&peer->rx, &msg))
		;
	mk_ring_publish(&peer->rx);
}

static void lfuzz_one(struct kunit *test, struct mk_channel *ch, struct mk_channel *peer)
{
	struct lfuzz_fix *fix = test->priv;
	enum lfuzz_class class, want;
	struct lfuzz_was was;

	fix->refuse = fuzz_below(&fix->fuzz, 2);
	ch->calls[fuzz_below(&fix->fuzz, MK_CALLS)] = MK_CALL_LATE;
	lfuzz_take_answers(peer);
	lfuzz_make(fix);
	want = lfuzz_foretell(fix, ch);
	was = lfuzz_count(ch);
	fix->hellos = 0;
	fix->shutdowns = 0;
	fix->calls = 0;
	KUNIT_ASSERT_EQ(test, mk_ring_push(&peer->tx, fix->msg.type, fix->data,
					   fix->msg.len), 0);
	lfuzz_poll(test, ch);
	class = lfuzz_seen(fix, ch, &was);
	KUNIT_ASSERT_EQ_MSG(test, class, want, "type 0x%x, %u bytes", fix->msg.type,
			    fix->msg.len);
	KUNIT_ASSERT_EQ(test, mk_channel_stat(ch, received) - was.received,
			want != LFUZZ_DROPPED);
	KUNIT_ASSERT_EQ(test, ch->rx.tail, peer->tx.head);
	fuzz_is(&fix->fuzz, class);
}

/* Any words of both rings change; then the peer dies, and is started anew */
static void lfuzz_scribble(struct kunit *test, struct mk_channel *ch, struct mk_channel *peer)
{
	struct lfuzz_fix *fix = test->priv;
	struct fuzz *fuzz = &fix->fuzz;
	unsigned int i, n;
	u64 received;

	for (n = fuzz_below(fuzz, 4) ? fuzz_below(fuzz, 80) : 0; n; n--) {
		lfuzz_make(fix);
		mk_ring_push(&peer->tx, fix->msg.type, fix->data, fix->msg.len);
	}
	for (i = 0; i < 2; i++) {
		u64 *words = i ? (u64 *)ch->tx.mem : (u64 *)ch->rx.mem;

		for (n = fuzz_below(fuzz, 6); n; n--)
			words[fuzz_below(fuzz, 32 + 64 * 16)] ^= BIT_ULL(fuzz_below(fuzz, 64));
		for (n = fuzz_below(fuzz, 3); n; n--)
			words[fuzz_below(fuzz, 3) * 8] = ((u64)ch->rx.epoch << 32) | fuzz_u32(fuzz);
		words[1] = fuzz_u32(fuzz);
	}
	received = mk_channel_stat(ch, received);
	lfuzz_poll(test, ch);
	lfuzz_poll(test, ch);
	fuzz_is(fuzz, mk_channel_stat(ch, received) != received ? LFUZZ_SCRIBBLED :
								   LFUZZ_SCRIBBLED_LOST);
	KUNIT_ASSERT_LE(test, ch->tx.head - ch->tx.tail, ch->tx.slots);
	KUNIT_ASSERT_LE(test, ch->rx.bad + mk_channel_stat(ch, received), 4 * 65);

	/* As the host does it: such a peer may have written words of epochs to come */
	memset(ch->rx.mem, 0, mk_ring_size(ch->rx.slots));
	memset(ch->tx.mem, 0, mk_ring_size(ch->tx.slots));
	fix->link.block.epoch++;
	link_fix_attach(test, &fix->link);
	KUNIT_ASSERT_FALSE(test, mk_ring_pending(&ch->rx));
	KUNIT_ASSERT_FALSE(test, mk_ring_pending(&peer->rx));
}

static void lfuzz_test_control(struct kunit *test)
{
	struct lfuzz_fix *fix = test->priv;
	struct mk_channel *host = &fix->link.host_boot[MK_CLASS_CONTROL];
	struct mk_channel *guest = &fix->link.guest_boot[MK_CLASS_CONTROL];
	struct fuzz *fuzz = &fix->fuzz;
	unsigned long i;

	fuzz_begin(fuzz, test, lfuzz_names, LFUZZ_NR, 1);
	link_fix_attach(test, &fix->link);
	for (i = 0; i < fuzz->cases; i++) {
		bool swap = i / 64 % 2;

		if (i % 16 == 15)
			lfuzz_scribble(test, swap ? guest : host, swap ? host : guest);
		else
			lfuzz_one(test, swap ? guest : host, swap ? host : guest);
		if (!(i % 256))
			cond_resched();
	}
	kunit_info(test, "%lu doorbells refused\n", fix->bells);
	fuzz_end(fuzz);
}

enum lfuzz_reply_class {
	LFUZZ_R_ANSWER,
	LFUZZ_R_TOO_LONG,
	LFUZZ_R_ERROR,
	LFUZZ_R_NO_ERROR,
	LFUZZ_R_NR
};

static const char * const lfuzz_reply_names[LFUZZ_R_NR] = {
	[LFUZZ_R_ANSWER]	= "answer",
	[LFUZZ_R_TOO_LONG]	= "answer too long",
	[LFUZZ_R_ERROR]		= "error",
	[LFUZZ_R_NO_ERROR]	= "error that is none",
};

/**
 * struct lfuzz_caller - somebody who calls the hostile peer
 * @ch: where
 * @size: room for the reply
 * @ret: what he was told
 * @go: he shall call
 * @ended: he has been told
 * @stop: there are no more calls
 * @reply: the reply, and a canary
 */
struct lfuzz_caller {
	struct mk_channel *ch;
	size_t size;
	ssize_t ret;
	struct completion go;
	struct completion ended;
	bool stop;
	u8 reply[2 * MK_CTL_MAX];
};

static int lfuzz_caller_thread(void *data)
{
	struct lfuzz_caller *caller = data;

	for (;;) {
		wait_for_completion(&caller->go);
		if (caller->stop)
			kthread_complete_and_exit(&caller->ended, 0);
		memset(caller->reply, LFUZZ_CANARY, sizeof(caller->reply));
		caller->ret = mk_call(caller->ch, "who?", 4, caller->reply, caller->size,
				      100 * HZ);
		complete(&caller->ended);
	}
}

static void lfuzz_caller_stop(void *data)
{
	struct lfuzz_caller *caller = data;

	/* If a test has been given up then the caller still waits for a reply */
	mk_link_close(caller->ch->link);
	caller->stop = true;
	complete(&caller->go);
	wait_for_completion(&caller->ended);
}

/* Sends replies until one must have ended the call; returns what the caller must get */
static ssize_t lfuzz_replies(struct kunit *test, struct mk_channel *peer, unsigned int nr,
			     size_t size)
{
	struct lfuzz_fix *fix = test->priv;
	struct fuzz *fuzz = &fix->fuzz;
	__s32 err;

	for (;;) {
		u32 len = fuzz_below(fuzz, fuzz_below(fuzz, 4) ? 2 * size + 2 : 300);
		bool error = !fuzz_below(fuzz, 4);
		u32 to = fuzz_below(fuzz, 3) ? nr : fuzz_below(fuzz, 0x1000);

		if (error && fuzz_below(fuzz, 4))
			len = sizeof(err);
		prandom_bytes_state(&fuzz->rnd, fix->data, len);
		err = -(s32)fuzz_below(fuzz, MAX_ERRNO + 10);
		if (error && fuzz_below(fuzz, 2))
			memcpy(fix->data, &err, sizeof(err));
		memcpy(&err, fix->data, sizeof(err));
		KUNIT_ASSERT_EQ(test, mk_send_wait(peer, (error ? MK_TYPE_ERROR : MK_TYPE_REPLY) |
						   to, fix->data, len, 20 * HZ), 0);
		if (to != nr || len > MK_CTL_MAX)
			continue;
		if (error)
			return len == sizeof(err) && err < 0 && err >= -MAX_ERRNO ? err : -EPROTO;
		return len <= size ? (ssize_t)len : -EMSGSIZE;
	}
}

static void lfuzz_call_once(struct kunit *test, struct lfuzz_caller *caller,
			    struct mk_channel *peer)
{
	struct lfuzz_fix *fix = test->priv;
	struct mk_msg msg;
	ssize_t want;

	caller->size = fuzz_below(&fix->fuzz, MK_CTL_MAX + 1);
	complete(&caller->go);
	while (!mk_ring_pop(&peer->rx, &msg))
		cond_resched();
	mk_ring_publish(&peer->rx);
	want = lfuzz_replies(test, peer, msg.type & MK_TYPE_NR, caller->size);
	/* A doorbell rings only for CPUs that the peer may ring */
	mk_channel_kick(caller->ch);
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&caller->ended, 60 * HZ), 0);
	KUNIT_ASSERT_EQ(test, caller->ret, want);
	if (want >= 0)
		KUNIT_ASSERT_MEMEQ(test, caller->reply, fix->data, want);
	KUNIT_ASSERT_NULL(test, memchr_inv(caller->reply + max(want, 0), LFUZZ_CANARY,
					   sizeof(caller->reply) - max(want, 0)));
	if (want >= 0)
		fuzz_is(&fix->fuzz, LFUZZ_R_ANSWER);
	else if (want == -EMSGSIZE)
		fuzz_is(&fix->fuzz, LFUZZ_R_TOO_LONG);
	else
		fuzz_is(&fix->fuzz, want == -EPROTO ? LFUZZ_R_NO_ERROR : LFUZZ_R_ERROR);
}

static void lfuzz_test_replies(struct kunit *test)
{
	struct lfuzz_fix *fix = test->priv;
	struct mk_channel *peer = &fix->link.guest_boot[MK_CLASS_CONTROL];
	struct lfuzz_caller *caller = kunit_kzalloc(test, sizeof(*caller), GFP_KERNEL);
	unsigned long i;

	KUNIT_ASSERT_NOT_NULL(test, caller);
	fuzz_begin(&fix->fuzz, test, lfuzz_reply_names, LFUZZ_R_NR, FUZZ_SLOW);
	link_fix_attach(test, &fix->link);
	mk_link_open(&fix->link.host);
	caller->ch = &fix->link.host_boot[MK_CLASS_CONTROL];
	init_completion(&caller->go);
	init_completion(&caller->ended);
	KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(lfuzz_caller_thread, caller, "mk-caller")));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, lfuzz_caller_stop, caller), 0);
	for (i = 0; i < fix->fuzz.cases; i++)
		lfuzz_call_once(test, caller, peer);
	fuzz_end(&fix->fuzz);
	kunit_release_action(test, lfuzz_caller_stop, caller);
}

enum lfuzz_block_class {
	LFUZZ_B_NO_BLOCK,
	LFUZZ_B_VERSION,
	LFUZZ_B_BAD_RING,
	LFUZZ_B_NO_RING,
	LFUZZ_B_ATTACHED,
	LFUZZ_B_NR
};

static const char * const lfuzz_block_names[LFUZZ_B_NR] = {
	[LFUZZ_B_NO_BLOCK]	= "no boot block",
	[LFUZZ_B_VERSION]	= "another version",
	[LFUZZ_B_BAD_RING]	= "bad ring",
	[LFUZZ_B_NO_RING]	= "ring missing",
	[LFUZZ_B_ATTACHED]	= "attached",
};

/* A ring that can be used without leaving the area */
static void lfuzz_check_ring(struct kunit *test, void *mem, u32 slots, void *area, size_t size)
{
	size_t off = mem - area;

	KUNIT_ASSERT_TRUE(test, is_power_of_2(slots) && slots <= SZ_64K);
	KUNIT_ASSERT_EQ(test, off % 64, 0);
	KUNIT_ASSERT_LE(test, off, size);
	KUNIT_ASSERT_LE(test, 192 + 64 * (size_t)slots, size - off);
}

/* Both rings of a channel, at both ends of each; KASAN looks on */
static void lfuzz_use(struct kunit *test, struct mk_channel *ch, void *area, size_t size)
{
	static const u8 data[MK_CTL_MAX];
	struct mk_msg msg;
	unsigned int i;

	lfuzz_check_ring(test, ch->tx.mem, ch->tx.slots, area, size);
	lfuzz_check_ring(test, ch->rx.mem, ch->rx.slots, area, size);
	ch->tx.head = ch->tx.slots - 2;
	ch->tx.tail = ch->tx.slots - 2;
	for (i = 0; i < 3; i++) {
		int ret = mk_ring_push(&ch->tx, 2, data, i * 100);

		KUNIT_ASSERT_TRUE(test, !ret || ch->tx.slots < 8);
		mk_ring_wants_bell(&ch->tx);
	}
	ch->rx.tail = ch->rx.slots - 1;
	mk_ring_pop(&ch->rx, &msg);
	mk_ring_publish(&ch->rx);
	mk_ring_arm(&ch->rx);
	mk_ring_tx_wait(&ch->tx);
	mk_ring_wants_room(&ch->rx);
}

static void lfuzz_damage(struct fuzz *fuzz, struct mk_boot_block *block, void *area,
			 size_t size)
{
	struct mk_boot_ring *rings = area + block->rings_off;
	u32 *words = (u32 *)block, *field;
	unsigned int n;

	for (n = fuzz_below(fuzz, 3); n; n--) {
		field = (u32 *)&rings[fuzz_below(fuzz, block->nr_rings)] + fuzz_below(fuzz, 4);
		*field = fuzz_word(&fuzz->rnd, fuzz_below(fuzz, 3) ? *field : size);
	}
	if (!fuzz_below(fuzz, 3)) {
		field = &words[fuzz_below(fuzz, sizeof(*block) / sizeof(u32))];
		*field = fuzz_word(&fuzz->rnd, *field);
	}
	if (!fuzz_below(fuzz, 8)) {
		field = &block->words_off + fuzz_below(fuzz, 7);
		*field = fuzz_word(&fuzz->rnd, fuzz_below(fuzz, 2) ? size : *field);
	}
	if (!fuzz_below(fuzz, 16)) {
		block->version = fuzz_below(fuzz, 5);
		block->version_min = fuzz_below(fuzz, 5);
	}
	if (!fuzz_below(fuzz, 64))
		prandom_bytes_state(&fuzz->rnd, area + sizeof(*block),
				    PAGE_SIZE - sizeof(*block));
}

/* As the instance does it in its first moments, and the host before a start */
static enum lfuzz_block_class lfuzz_attach(struct kunit *test, void *area, size_t size)
{
	struct lfuzz_fix *fix = test->priv;
	bool host = fuzz_below(&fix->fuzz, 2);
	struct mk_boot_block block;
	unsigned int class;
	int ret;

	mk_boot_block_read(&block, area);
	ret = mk_boot_block_check(&block, size);
	if (ret)
		return ret == -EPROTONOSUPPORT ? LFUZZ_B_VERSION : LFUZZ_B_NO_BLOCK;
	ret = mk_link_attach(&fix->link.host, area, size, &block, host);
	KUNIT_ASSERT_TRUE(test, !ret || ret == -EINVAL || ret == -ENOENT);
	if (ret) {
		for (class = 0; class < MK_NR_CLASSES; class++) {
			KUNIT_ASSERT_NULL(test, fix->link.host_boot[class].tx.mem);
			KUNIT_ASSERT_NULL(test, fix->link.host_boot[class].rx.mem);
		}
		return ret == -ENOENT ? LFUZZ_B_NO_RING : LFUZZ_B_BAD_RING;
	}
	for (class = 0; class < MK_NR_CLASSES; class++) {
		struct mk_channel *ch = &fix->link.host_boot[class];

		lfuzz_use(test, ch, area, size);
		ch->tx.mem = NULL;
		ch->rx.mem = NULL;
	}
	/* The cause words are taken by atomic operations, which may not cross a line */
	KUNIT_ASSERT_EQ(test, ((void *)fix->link.host.words - area) % 64, 0);
	WRITE_ONCE(*fix->link.host.cause_in, 0);
	xchg(fix->link.host.cause_out, 0);
	memset(&fix->link.host.words->last, 0, sizeof(struct mk_last_words));
	return LFUZZ_B_ATTACHED;
}

static void lfuzz_kfree(void *area)
{
	kfree(area);
}

/* Areas that are as long as it says, and no byte longer */
static void lfuzz_test_block(struct kunit *test)
{
	struct lfuzz_fix *fix = test->priv;
	struct fuzz *fuzz = &fix->fuzz;
	size_t size = fix->link.size;
	void *area = NULL;
	unsigned long i;

	fuzz_begin(fuzz, test, lfuzz_block_names, LFUZZ_B_NR, 1);
	for (i = 0; i < fuzz->cases; i++) {
		if (!(i % 256)) {
			if (area)
				kunit_release_action(test, lfuzz_kfree, area);
			size = fix->link.size - (i % 512 ? fuzz_below(fuzz, SZ_64K) : 0);
			area = kmalloc(size, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, area);
			KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, lfuzz_kfree, area),
					0);
			prandom_bytes_state(&fuzz->rnd, area, size);
			cond_resched();
		}
		memcpy(area, fix->link.shared, PAGE_SIZE);
		lfuzz_damage(fuzz, area, area, size);
		fuzz_is(fuzz, lfuzz_attach(test, area, size));
	}
	fuzz_end(fuzz);
}

static struct kunit_case lfuzz_cases[] = {
	KUNIT_CASE_SLOW(lfuzz_test_control),
	KUNIT_CASE_SLOW(lfuzz_test_replies),
	KUNIT_CASE_SLOW(lfuzz_test_block),
	{}
};

static struct kunit_suite lfuzz_suite = {
	.name = "mk_link_fuzz",
	.init = lfuzz_init,
	.exit = lfuzz_exit,
	.test_cases = lfuzz_cases,
};

kunit_test_suite(lfuzz_suite);
