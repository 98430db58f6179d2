// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of broker.c with two instances that keep to no rule: they ask for and give up
 * whatever comes to mind, refuse or answer with nonsense what the host asks of them,
 * and end at any time.  Each request goes the real way, from the ring to the work item
 * that answers it.  At last nothing of it is left.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kthread.h>

#include "../internal.h"
#include "../service.h"
#include "fuzz.h"

#define BROKER_SERVICE	"kunit-broker"
#define BROKER_NAMES	"kunit-broker-%u"

/* As many as one instance may have */
#define BROKER_CONNS	64

/**
 * struct broker_inst - an instance whose kernel is played here
 * @inst: as the host sees it
 * @block: its boot block
 * @size: of the shared area
 * @link: its own end
 * @boot: channels of @link
 * @rnd: what it answers
 * @told: what the host has asked of it
 * @bad: what made no sense there
 * @open: connections that it believes to have
 * @to_host: those of them whose other end is the host
 * @nr: number of them
 * @hold: it does not answer the next MK_CTL_OPEN
 * @held: type of that call
 * @obliging: it does all that it is asked to
 * @opened: the last MK_CTL_OPEN
 * @closes: how often it was asked to let go
 */
struct broker_inst {
	struct mk_instance *inst;
	struct mk_boot_block block;
	size_t size;
	struct mk_link link;
	struct mk_channel boot[MK_NR_CLASSES];
	struct rnd_state rnd;
	unsigned long told;
	unsigned long bad;
	u32 open[BROKER_CONNS];
	bool to_host[BROKER_CONNS];
	unsigned int nr;
	bool hold;
	u16 held;
	bool obliging;
	struct mk_ctl_open opened;
	unsigned int closes;
};

/**
 * struct broker_fix - two of them
 * @it: the instances
 * @fuzz: what they ask, and what came of it
 * @greedy: they only want connections to the host
 * @foreign: the connection of this request is not that of the one who asks
 * @asked: the one who asked from a thread has got an answer
 * @req: a request
 * @reply: the answer
 */
struct broker_fix {
	struct broker_inst it[2];
	struct fuzz fuzz;
	bool greedy;
	bool foreign;
	struct completion asked;
	u8 req[MK_CTL_MAX];
	u8 reply[MK_CTL_MAX];
};

enum broker_class {
	BROKER_TO_HOST,
	BROKER_TO_OTHER,
	BROKER_BY_HOST,
	BROKER_REFUSED,
	BROKER_NOBODY,
	BROKER_NO_SENSE,
	BROKER_NO_SPACE,
	BROKER_CLOSED,
	BROKER_NOT_OPEN,
	BROKER_UNKNOWN,
	BROKER_ENDED,
	BROKER_NR
};

static const char * const broker_names[BROKER_NR] = {
	[BROKER_TO_HOST]	= "connected to the host",
	[BROKER_TO_OTHER]	= "connected to the other",
	[BROKER_BY_HOST]	= "connected by the host",
	[BROKER_REFUSED]	= "refused",
	[BROKER_NOBODY]		= "no such instance",
	[BROKER_NO_SENSE]	= "no sense",
	[BROKER_NO_SPACE]	= "too many",
	[BROKER_CLOSED]		= "closed",
	[BROKER_NOT_OPEN]	= "not open",
	[BROKER_UNKNOWN]	= "unknown",
	[BROKER_ENDED]		= "ended",
};

static bool broker_receive(struct mk_channel *ch, const struct mk_msg *msg)
{
	return true;
}

static const struct mk_channel_ops broker_ops = { .receive = broker_receive };

static struct mk_service broker_service = {
	.name	= BROKER_SERVICE,
	.ops	= &broker_ops,
};

static void broker_hello(struct mk_link *link, const struct mk_msg_hello *hello)
{
}

static bool broker_drain(struct mk_link *link, struct mk_ring_rx *rx)
{
	return false;
}

/* What the host says makes sense, even to those who make none */
static bool broker_said_ok(const struct mk_msg *msg)
{
	const struct mk_ctl_open *open = (const void *)msg->data;

	switch (*(const __u32 *)msg->data) {
	case MK_CTL_OPEN:
		return msg->len == sizeof(*open) && !mk_service_check_open(open) &&
		       open->area_size <= SZ_32M + SZ_1M + 2 * PAGE_SIZE;
	case MK_CTL_CLOSE:
		return msg->len == sizeof(struct mk_ctl_close);
	default:
		return false;
	}
}

/* Answers at once: that a call may have to wait is tested elsewhere */
static bool broker_call(struct mk_link *link, const struct mk_msg *msg)
{
	struct mk_channel *ch = &link->boot[MK_CLASS_CONTROL];
	struct broker_inst *it = link->owner;
	u32 bits = prandom_u32_state(&it->rnd);

	it->told++;
	it->bad += !broker_said_ok(msg);
	if (*(const __u32 *)msg->data == MK_CTL_CLOSE)
		WRITE_ONCE(it->closes, it->closes + 1);
	else
		memcpy(&it->opened, msg->data, min(msg->len, sizeof(it->opened)));
	if (it->hold) {
		it->hold = false;
		WRITE_ONCE(it->held, msg->type);
		return true;
	}
	switch (it->obliging ? 3 : bits % 16) {
	case 0:
		return !mk_reply(ch, msg->type, msg->data, 1 + (bits >> 8) % msg->len);
	case 1:
		return !mk_reply_error(ch, msg->type, -(s32)(bits >> 20));
	case 2:
		mk_reply_error(ch, msg->type, -ECONNREFUSED);
		return !mk_reply(ch, msg->type, NULL, 0);
	default:
		return !mk_reply(ch, msg->type, NULL, 0);
	}
}

static const struct mk_link_ops broker_link_ops = {
	.hello	= broker_hello,
	.drain	= broker_drain,
	.call	= broker_call,
};

static void broker_make(struct kunit *test, struct broker_inst *it, unsigned int nr)
{
	struct mk_instance *inst;
	char name[32];

	snprintf(name, sizeof(name), BROKER_NAMES, nr);
	inst = mk_instance_create(name);
	KUNIT_ASSERT_FALSE(test, IS_ERR(inst));
	it->inst = inst;
	prandom_seed_state(&it->rnd, nr + 1);
	KUNIT_ASSERT_EQ(test, mk_boot_block_layout(&it->block, 1, 0, 1, &it->size), 0);
	inst->shared.va = alloc_pages_exact(it->size, GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, inst->shared.va);
	inst->shared.size = it->size;
	inst->epoch = 1;
	/* The instance's kernel is in this one, and is rung here */
	cpumask_set_cpu(0, inst->cpus);
	mk_boot_block_fill(inst, &it->block);
	KUNIT_ASSERT_EQ(test, mk_link_init(&it->link, &broker_link_ops, it->boot, it), 0);
}

static void broker_start(struct kunit *test, struct broker_inst *it)
{
	struct mk_instance *inst = it->inst;

	it->block.epoch = inst->epoch;
	KUNIT_ASSERT_EQ(test, mk_link_attach(&inst->link, inst->shared.va, it->size,
					     &it->block, true), 0);
	KUNIT_ASSERT_EQ(test, mk_link_attach(&it->link, inst->shared.va, it->size,
					     &it->block, false), 0);
	KUNIT_ASSERT_TRUE(test, mk_link_agree(&inst->link, mk_abi_ours()));
	KUNIT_ASSERT_TRUE(test, mk_link_agree(&it->link, mk_abi_ours()));
	mk_link_open(&inst->link);
	mk_link_open(&it->link);
	WRITE_ONCE(inst->state, MK_RUNNING);
	mk_broker_begin(inst);
	it->nr = 0;
}

/* As mk_life_end(), once its CPUs are stopped: its own end of the link is dead first */
static void broker_stop(struct broker_inst *it)
{
	struct mk_instance *inst = it->inst;

	mk_link_close(&it->link);
	mk_broker_end(inst, true);
	mk_link_close(&inst->link);
	WRITE_ONCE(inst->state, MK_OFFLINE);
	inst->epoch++;
}

/* Nothing refers to it any more but the list */
static bool broker_is_alone(struct broker_inst *it)
{
	int i;

	for (i = 0; i < 3000; i++) {
		if (!mk_broker_count(it->inst) && refcount_read(&it->inst->ref) == 1)
			return true;
		usleep_range(5000, 10000);
	}
	return false;
}

static void broker_destroy(struct broker_inst *it)
{
	if (!it->inst)
		return;
	broker_stop(it);
	mk_link_destroy(&it->link);
	if (!broker_is_alone(it))
		return;
	cpumask_clear(it->inst->cpus);
	mk_instance_retire(it->inst);
	mk_instance_put(it->inst);
}

static int broker_init(struct kunit *test)
{
	struct broker_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, fix);
	test->priv = fix;
	for (i = 0; i < 2; i++) {
		broker_make(test, &fix->it[i], i);
		broker_start(test, &fix->it[i]);
	}
	return 0;
}

static void broker_exit(struct kunit *test)
{
	struct broker_fix *fix = test->priv;

	if (!fix)
		return;
	broker_destroy(&fix->it[0]);
	broker_destroy(&fix->it[1]);
	mk_error_clear();
}

static void broker_make_connect(struct fuzz *fuzz, struct mk_ctl_connect *req, bool greedy)
{
	req->op = MK_CTL_CONNECT;
	req->slots = fuzz_word(&fuzz->rnd, 64);
	if (!greedy)
		req->pages = fuzz_below(fuzz, 64) ? fuzz_below(fuzz, 4) :
						    fuzz_word(&fuzz->rnd, 64);
	if (!greedy && fuzz_below(fuzz, 2))
		snprintf(req->peer, sizeof(req->peer), BROKER_NAMES, fuzz_below(fuzz, 3));
	strscpy(req->service, fuzz_below(fuzz, 8) ? BROKER_SERVICE : "nobody's");
	if (!fuzz_below(fuzz, 16))
		memset(req->peer, 'x', sizeof(req->peer) - fuzz_below(fuzz, 2));
	if (!fuzz_below(fuzz, 16))
		memset(req->service, 'x', sizeof(req->service) - fuzz_below(fuzz, 2));
}

/* Its own, the other one's, or any */
static u32 broker_some_conn(struct broker_fix *fix, struct broker_inst *it)
{
	struct broker_inst *from = fuzz_below(&fix->fuzz, 4) ? it : &fix->it[it == fix->it];
	unsigned int i;

	if (!from->nr || !fuzz_below(&fix->fuzz, 8))
		return fuzz_word(&fix->fuzz.rnd, from->nr);
	i = fuzz_below(&fix->fuzz, from->nr);
	fix->foreign = from != it && from->to_host[i];
	return from->open[i];
}

/* Returns the length of the request */
static size_t broker_make_request(struct broker_fix *fix, struct broker_inst *it)
{
	struct mk_ctl_close *close = (void *)fix->req;
	struct fuzz *fuzz = &fix->fuzz;
	size_t len;

	memset(fix->req, 0, sizeof(fix->req));
	fix->foreign = false;
	switch (fix->greedy ? 15 : fuzz_below(fuzz, 16)) {
	case 0:
		prandom_bytes_state(&fuzz->rnd, fix->req, sizeof(fix->req));
		*(__u32 *)fix->req = fuzz_word(&fuzz->rnd, MK_CTL_CLOSE) | 2;
		len = fuzz_below(fuzz, MK_CTL_MAX + 1);
		break;
	case 1 ... 5:
		close->op = MK_CTL_CLOSE;
		close->conn = broker_some_conn(fix, it);
		len = sizeof(*close);
		break;
	default:
		broker_make_connect(fuzz, (void *)fix->req, fix->greedy);
		len = sizeof(struct mk_ctl_connect);
	}
	return fuzz_below(fuzz, 16) ? len : fuzz_below(fuzz, len + 1);
}

static void broker_forget_nth(struct broker_inst *it, unsigned int i)
{
	it->nr--;
	it->open[i] = it->open[it->nr];
	it->to_host[i] = it->to_host[it->nr];
}

static void broker_forget(struct broker_inst *it, u32 conn)
{
	unsigned int i;

	for (i = it->nr; i-- > 0;)
		if (it->open[i] == conn)
			broker_forget_nth(it, i);
}

static enum broker_class broker_connected(struct kunit *test, struct broker_inst *it)
{
	struct broker_fix *fix = test->priv;
	const struct mk_ctl_open *open = (void *)fix->reply;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, open->op, MK_CTL_OPEN);
	KUNIT_ASSERT_EQ(test, mk_service_check_open(open), 0);
	KUNIT_ASSERT_LE(test, open->area_size, SZ_32M + SZ_1M + 2 * PAGE_SIZE);
	KUNIT_ASSERT_NE(test, open->conn, 0);
	for (i = 0; i < it->nr; i++)
		KUNIT_ASSERT_NE(test, open->conn, it->open[i]);
	/* The other end may have given up some of them */
	if (it->nr == BROKER_CONNS)
		broker_forget_nth(it, fuzz_below(&fix->fuzz, BROKER_CONNS));
	it->to_host[it->nr] = !open->pair_pa;
	it->open[it->nr++] = open->conn;
	return open->pair_pa ? BROKER_TO_OTHER : BROKER_TO_HOST;
}

static enum broker_class broker_request(struct kunit *test, struct broker_inst *it)
{
	struct broker_fix *fix = test->priv;
	size_t len = broker_make_request(fix, it);
	__u32 op = 0;
	ssize_t ret;

	memcpy(&op, fix->req, min(len, sizeof(op)));
	ret = mk_call(&it->boot[MK_CLASS_CONTROL], fix->req, len, fix->reply,
		      sizeof(fix->reply), 60 * HZ);
	/* Unless it is what the one who was asked has answered */
	KUNIT_ASSERT_TRUE(test, ret != -ETIMEDOUT || op == MK_CTL_CONNECT);
	if (ret == -EINVAL)
		return BROKER_NO_SENSE;
	if (op == MK_CTL_CLOSE) {
		broker_forget(it, ((struct mk_ctl_close *)fix->req)->conn);
		KUNIT_ASSERT_TRUE(test, !ret || ret == -ENOENT);
		/* Nobody closes what is between the other one and the host */
		KUNIT_ASSERT_TRUE(test, ret || !fix->foreign);
		return ret ? BROKER_NOT_OPEN : BROKER_CLOSED;
	}
	if (op != MK_CTL_CONNECT) {
		KUNIT_ASSERT_TRUE(test, ret == -EOPNOTSUPP || op <= MK_CTL_FAIL);
		return BROKER_UNKNOWN;
	}
	if (ret == -ENOENT)
		return BROKER_NOBODY;
	if (ret == -ENOSPC)
		return BROKER_NO_SPACE;
	if (ret < 0)
		return BROKER_REFUSED;
	KUNIT_ASSERT_EQ(test, ret, sizeof(struct mk_ctl_open));
	return broker_connected(test, it);
}

/* The host's own kernel code connects to an instance */
static enum broker_class broker_by_host(struct kunit *test, struct broker_inst *it)
{
	struct mk_channel *ch = mk_connect(it->inst->name, "any", 16, &broker_ops, NULL);

	if (IS_ERR(ch))
		return PTR_ERR(ch) == -ENOSPC ? BROKER_NO_SPACE : BROKER_REFUSED;
	mk_send(ch, 1, "x", 1);
	mk_close(ch);
	return BROKER_BY_HOST;
}

static void broker_test_fuzz(struct kunit *test)
{
	struct broker_fix *fix = test->priv;
	struct fuzz *fuzz = &fix->fuzz;
	unsigned long i;

	fuzz_begin(fuzz, test, broker_names, BROKER_NR, FUZZ_SLOW);
	for (i = 0; i < fuzz->cases; i++) {
		struct broker_inst *it = &fix->it[fuzz_below(fuzz, 2)];
		u32 what = fuzz_below(fuzz, 256);

		fix->greedy = i / 200 % 2;
		if (what == 0) {
			broker_stop(it);
			broker_start(test, it);
			fuzz_is(fuzz, BROKER_ENDED);
		} else if (what < 20) {
			fuzz_is(fuzz, broker_by_host(test, it));
		} else {
			fuzz_is(fuzz, broker_request(test, it));
		}
		KUNIT_ASSERT_LE(test, mk_broker_count(it->inst), BROKER_CONNS);
	}
	KUNIT_EXPECT_GT(test, fix->it[0].told, 0);
	KUNIT_EXPECT_GT(test, fix->it[1].told, 0);
	KUNIT_EXPECT_EQ(test, fix->it[0].bad + fix->it[1].bad, 0);
	for (i = 0; i < 2; i++)
		broker_stop(&fix->it[i]);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_TRUE(test, broker_is_alone(&fix->it[i]));
		KUNIT_EXPECT_EQ(test, fix->it[i].inst->boot[MK_CLASS_CONTROL].rx.bad, 0);
		KUNIT_EXPECT_EQ(test, fix->it[i].inst->channels_used[0],
				BIT(MK_NR_CLASSES) - 1);
	}
	fuzz_end(fuzz);
}

static int broker_ask_thread(void *data)
{
	struct mk_ctl_connect req = { .op = MK_CTL_CONNECT };
	struct broker_fix *fix = data;

	snprintf(req.peer, sizeof(req.peer), BROKER_NAMES, 1);
	strscpy(req.service, BROKER_SERVICE);
	mk_call(&fix->it[0].boot[MK_CLASS_CONTROL], &req, sizeof(req), NULL, 0, 20 * HZ);
	kthread_complete_and_exit(&fix->asked, 0);
}

/*
 * The one who asks ends while the other one is being told of the connection.  That one
 * must not be asked to let go before it has answered.
 */
static void broker_test_ends_while_made(struct kunit *test)
{
	struct broker_fix *fix = test->priv;
	struct broker_inst *it = &fix->it[1];
	int i;

	it->hold = true;
	init_completion(&fix->asked);
	KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(broker_ask_thread, fix, "mk-asks")));
	for (i = 0; i < 5000 && !READ_ONCE(it->held); i++)
		usleep_range(1000, 2000);
	KUNIT_ASSERT_NE(test, it->held, 0);
	broker_stop(&fix->it[0]);
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&fix->asked, 20 * HZ), 0);
	msleep(100);
	KUNIT_EXPECT_EQ(test, READ_ONCE(it->closes), 0);
	KUNIT_EXPECT_EQ(test, mk_broker_count(it->inst), 1);
	mk_reply(&it->boot[MK_CLASS_CONTROL], it->held, NULL, 0);
	for (i = 0; i < 5000 && !READ_ONCE(it->closes); i++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_GE(test, READ_ONCE(it->closes), 1);
}

/* It passes, if @conn is among what @from has held */
static void broker_succeed(struct broker_inst *from, struct broker_inst *to, u32 conn)
{
	struct mk_bequest bequest = { .heir = to->inst, .nr = 1, .conns = { conn } };

	mk_link_close(&from->link);
	mk_broker_bequeath(from->inst, &bequest);
	broker_stop(from);
	mk_broker_inherit(to->inst);
}

static void broker_expect_message(struct kunit *test, struct mk_ring_rx *rx, const char *text)
{
	struct mk_msg msg;

	KUNIT_ASSERT_TRUE(test, mk_ring_pop(rx, &msg));
	KUNIT_EXPECT_EQ(test, msg.len, strlen(text));
	KUNIT_EXPECT_MEMEQ(test, msg.data, text, strlen(text));
}

/* The host's end stays what it is, and what the old kernel has not read is the new one's */
static void broker_test_host_end_passes(struct kunit *test)
{
	struct broker_fix *fix = test->priv;
	struct broker_inst *old = &fix->it[0], *new = &fix->it[1];
	struct mk_channel *ch, *other;
	struct mk_ctl_open open;
	struct mk_ring_rx rx;

	old->obliging = true;
	new->obliging = true;
	/* So that the ids differ */
	other = mk_connect(new->inst->name, "any", 16, &broker_ops, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	ch = mk_connect(old->inst->name, "any", 16, &broker_ops, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ch));
	open = old->opened;
	KUNIT_EXPECT_EQ(test, open.flags, 0);
	mk_ring_rx_init(&rx, phys_to_virt(open.area_pa) + open.rx_off, open.slots, open.epoch);
	KUNIT_ASSERT_EQ(test, mk_send(ch, 1, "one", 3), 0);
	KUNIT_ASSERT_EQ(test, mk_send(ch, 1, "two", 3), 0);
	broker_expect_message(test, &rx, "one");
	mk_ring_publish(&rx);

	broker_succeed(old, new, open.conn);
	KUNIT_EXPECT_EQ(test, mk_broker_count(old->inst), 0);
	KUNIT_EXPECT_EQ(test, old->closes + new->closes, 0);
	KUNIT_EXPECT_EQ(test, new->bad, 0);
	KUNIT_EXPECT_EQ(test, new->opened.flags, MK_OPEN_INHERITED);
	KUNIT_EXPECT_EQ(test, new->opened.conn, open.conn);
	KUNIT_EXPECT_EQ(test, new->opened.area_pa, open.area_pa);
	KUNIT_EXPECT_EQ(test, new->opened.epoch, open.epoch);
	KUNIT_EXPECT_NE(test, new->opened.channel, open.channel);
	KUNIT_EXPECT_PTR_EQ(test, ch->link, &new->inst->link);
	KUNIT_EXPECT_EQ(test, ch->id, new->opened.channel);
	KUNIT_EXPECT_EQ(test, mk_send(ch, 1, "three", 5), 0);
	mk_ring_rx_resume(&rx, phys_to_virt(open.area_pa) + open.rx_off, open.slots,
			  open.epoch);
	broker_expect_message(test, &rx, "two");
	broker_expect_message(test, &rx, "three");

	mk_close(ch);
	mk_close(other);
	KUNIT_EXPECT_TRUE(test, broker_is_alone(new));
	KUNIT_EXPECT_EQ(test, new->closes, 2);
	KUNIT_EXPECT_EQ(test, new->inst->channels_used[0], BIT(MK_NR_CLASSES) - 1);
	KUNIT_EXPECT_TRUE(test, broker_is_alone(old));
}

/* One that the old kernel does not hold ends with it */
static void broker_test_other_end_does_not_pass(struct kunit *test)
{
	struct broker_fix *fix = test->priv;
	struct broker_inst *old = &fix->it[0], *new = &fix->it[1];
	struct mk_channel *ch;

	old->obliging = true;
	new->obliging = true;
	ch = mk_connect(old->inst->name, "any", 16, &broker_ops, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ch));
	broker_succeed(old, new, old->opened.conn + 1);
	KUNIT_EXPECT_EQ(test, mk_send(ch, 1, "x", 1), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, new->told, 0);
	mk_close(ch);
	KUNIT_EXPECT_TRUE(test, broker_is_alone(old));
}

/* A successor that refuses, and one that is gone before it hears of it */
static void broker_test_heir_does_not_want(struct kunit *test)
{
	struct broker_fix *fix = test->priv;
	struct broker_inst *old = &fix->it[0], *new = &fix->it[1];
	struct mk_bequest bequest = { .heir = new->inst, .nr = 1 };
	struct mk_channel *ch;
	int i;

	old->obliging = true;
	ch = mk_connect(old->inst->name, "any", 16, &broker_ops, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ch));
	bequest.conns[0] = old->opened.conn;
	mk_link_close(&old->link);
	mk_broker_bequeath(old->inst, &bequest);
	broker_stop(old);
	KUNIT_EXPECT_EQ(test, mk_send(ch, 1, "x", 1), 0);
	broker_stop(new);
	mk_broker_inherit(new->inst);
	for (i = 0; i < 5000 && mk_send(ch, 1, "x", 1) != -ENOTCONN; i++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_EQ(test, mk_send(ch, 1, "x", 1), -ENOTCONN);
	mk_close(ch);
	KUNIT_EXPECT_TRUE(test, broker_is_alone(new));
	KUNIT_EXPECT_TRUE(test, broker_is_alone(old));
}

/* It does not answer once: then it is not waited for as often as there are connections */
static void broker_test_heir_does_not_answer(struct kunit *test)
{
	struct broker_fix *fix = test->priv;
	struct broker_inst *old = &fix->it[0], *new = &fix->it[1];
	struct mk_bequest bequest = { .heir = new->inst, .nr = 2 };
	struct mk_channel *ch[2];
	int i, ret[2] = {};

	old->obliging = true;
	new->obliging = true;
	for (i = 0; i < 2; i++) {
		ch[i] = mk_connect(old->inst->name, "any", 16, &broker_ops, NULL);
		KUNIT_ASSERT_FALSE(test, IS_ERR(ch[i]));
		bequest.conns[i] = old->opened.conn;
	}
	new->hold = true;
	mk_link_close(&old->link);
	mk_broker_bequeath(old->inst, &bequest);
	broker_stop(old);
	mk_broker_inherit(new->inst);
	KUNIT_EXPECT_EQ(test, new->told, 1);
	for (i = 0; i < 5000 && ret[0] != -ENOTCONN && ret[1] != -ENOTCONN; i++) {
		usleep_range(1000, 2000);
		ret[0] = mk_send(ch[0], 1, "x", 1);
		ret[1] = mk_send(ch[1], 1, "x", 1);
	}
	/* The other one it may have opened */
	KUNIT_EXPECT_NE(test, ret[0] == -ENOTCONN, ret[1] == -ENOTCONN);
	mk_close(ch[0]);
	mk_close(ch[1]);
	broker_stop(new);
	KUNIT_EXPECT_TRUE(test, broker_is_alone(new));
	KUNIT_EXPECT_TRUE(test, broker_is_alone(old));
}

/* Of another instance: it goes on to know the one at the other end by the same pair */
static void broker_test_pair_passes(struct kunit *test)
{
	struct broker_inst *peer = kunit_kzalloc(test, sizeof(*peer), GFP_KERNEL);
	struct mk_ctl_connect req = { .op = MK_CTL_CONNECT };
	struct broker_fix *fix = test->priv;
	struct broker_inst *old = &fix->it[0], *new = &fix->it[1];
	struct mk_ctl_open theirs = {};
	ssize_t ret;

	KUNIT_ASSERT_NOT_NULL(test, peer);
	broker_make(test, peer, 2);
	broker_start(test, peer);
	old->obliging = true;
	new->obliging = true;
	peer->obliging = true;
	strscpy(req.peer, old->inst->name);
	strscpy(req.service, "any");
	ret = mk_call(&peer->boot[MK_CLASS_CONTROL], &req, sizeof(req), &theirs, sizeof(theirs),
		      20 * HZ);
	KUNIT_EXPECT_EQ(test, ret, sizeof(theirs));
	broker_succeed(old, new, theirs.conn);
	KUNIT_EXPECT_EQ(test, peer->told, 0);
	KUNIT_EXPECT_EQ(test, new->opened.conn, theirs.conn);
	KUNIT_EXPECT_EQ(test, new->opened.flags, MK_OPEN_INHERITED);
	KUNIT_EXPECT_EQ(test, new->opened.peer_id, theirs.peer_id);
	KUNIT_EXPECT_EQ(test, new->opened.pair_pa, theirs.pair_pa);
	KUNIT_EXPECT_EQ(test, new->opened.channel, theirs.channel);
	KUNIT_EXPECT_EQ(test, new->opened.side, !theirs.side);
	KUNIT_EXPECT_EQ(test, new->opened.tx_off, theirs.rx_off);
	KUNIT_EXPECT_STREQ(test, new->opened.peer, peer->inst->name);
	broker_stop(peer);
	KUNIT_EXPECT_TRUE(test, broker_is_alone(new));
	KUNIT_EXPECT_EQ(test, new->closes, 1);
	broker_destroy(peer);
}

/* A service stays for good: one for all tests */
static int broker_suite_init(struct kunit_suite *suite)
{
	static bool registered;
	int ret = registered ? 0 : mk_service_register(&broker_service);

	registered |= !ret;
	return ret;
}

static struct kunit_case broker_cases[] = {
	KUNIT_CASE(broker_test_ends_while_made),
	KUNIT_CASE(broker_test_host_end_passes),
	KUNIT_CASE(broker_test_other_end_does_not_pass),
	KUNIT_CASE(broker_test_heir_does_not_want),
	KUNIT_CASE_SLOW(broker_test_heir_does_not_answer),
	KUNIT_CASE(broker_test_pair_passes),
	KUNIT_CASE_SLOW(broker_test_fuzz),
	{}
};

static struct kunit_suite broker_suite = {
	.name = "mk_broker",
	.suite_init = broker_suite_init,
	.init = broker_init,
	.exit = broker_exit,
	.test_cases = broker_cases,
};

kunit_test_suite(broker_suite);
