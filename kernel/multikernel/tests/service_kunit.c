// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of service.c with both ends of a connection in this kernel: what the host
 * says of a connection and can't be, services that refuse, messages of any length
 * through an end, and ends that go in every order.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>

#include "../internal.h"
#include "../service.h"
#include "fuzz.h"

#define SERVICE_SLOTS	64
#define SERVICE_RING	PAGE_ALIGN(256 + SERVICE_SLOTS * 128)
#define SERVICE_MAX	(SERVICE_SLOTS * MK_SLOT_PAYLOAD)

/**
 * struct service_fix - a connection between two links of this kernel
 * @words: cause words
 * @area: memory of the connection
 * @link: both sides
 * @open: what each is told
 * @end: the ends, as far as they are open
 * @released: how often each has let go of the memory
 * @closed: because the layer above closed it
 */
struct service_fix {
	struct mk_pair_words *words;
	void *area;
	struct mk_link link[2];
	struct mk_ctl_open open[2];
	struct mk_end *end[2];
	unsigned int released[2];
	unsigned int closed[2];
};

/* What the service has seen; one test runs at a time */
static struct {
	unsigned int accepted, gone, received;
	int refuse;
	u16 type;
	u32 len;
	u8 data[SERVICE_MAX];
} service_seen;

static int service_accept(struct mk_channel *ch)
{
	service_seen.accepted++;
	return service_seen.refuse;
}

static bool service_receive(struct mk_channel *ch, const struct mk_msg *msg)
{
	service_seen.received++;
	service_seen.type = msg->type;
	service_seen.len = msg->len;
	memcpy(service_seen.data, msg->data, min_t(u32, msg->len, SERVICE_MAX));
	return true;
}

static void service_call(struct mk_channel *ch, const struct mk_msg *msg)
{
	mk_reply(ch, msg->type, msg->data, msg->len);
}

static void service_gone(struct mk_channel *ch)
{
	service_seen.gone++;
}

static const struct mk_channel_ops service_ops = {
	.receive	= service_receive,
	.call		= service_call,
	.gone		= service_gone,
};

static const struct mk_channel_ops service_heir_ops = {
	.receive	= service_receive,
	.call		= service_call,
	.gone		= service_gone,
	.inheritable	= true,
};

static const struct mk_channel_ops service_client_ops = {
	.gone		= service_gone,
};

static struct mk_service service_test = {
	.name		= "kunit",
	.ops		= &service_ops,
	.priv		= &service_seen,
	.accept		= service_accept,
};

static void service_release(struct mk_end *end, bool closed)
{
	struct service_fix *fix = end->arg;
	unsigned int side = end != fix->end[0];

	fix->released[side]++;
	fix->closed[side] += closed;
}

static void service_heir_release(struct mk_end *end, bool closed)
{
}

static const struct mk_link_ops service_link_ops;

static void service_describe(struct service_fix *fix, unsigned int side)
{
	fix->open[side] = (struct mk_ctl_open){
		.op = MK_CTL_OPEN,
		/* In the host one number stands for both ends: here it must not */
		.conn = 0xfffffff0 + side,
		.area_pa = PAGE_SIZE,
		.area_size = 2 * SERVICE_RING,
		.pair_pa = 8 * PAGE_SIZE,
		.side = side,
		.channel = 5,
		.epoch = 77,
		.slots = SERVICE_SLOTS,
		.tx_off = side ? SERVICE_RING : 0,
		.rx_off = side ? 0 : SERVICE_RING,
		.peer = "somebody",
		.service = "kunit",
	};
}

static int service_init(struct kunit *test)
{
	struct service_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	unsigned int side;

	KUNIT_ASSERT_NOT_NULL(test, fix);
	memset(&service_seen, 0, sizeof(service_seen));
	fix->words = kunit_kzalloc(test, sizeof(*fix->words), GFP_KERNEL);
	fix->area = alloc_pages_exact(2 * SERVICE_RING, GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, fix->words);
	KUNIT_ASSERT_NOT_NULL(test, fix->area);
	for (side = 0; side < 2; side++) {
		struct mk_link *link = &fix->link[side];

		mk_link_init(link, &service_link_ops, NULL, fix);
		link->cause_in = (unsigned long *)&fix->words->cause[side].word;
		link->cause_out = (unsigned long *)&fix->words->cause[!side].word;
		mk_link_open(link);
		service_describe(fix, side);
	}
	test->priv = fix;
	return 0;
}

static void service_exit(struct kunit *test)
{
	struct service_fix *fix = test->priv;

	if (!fix)
		return;
	if (fix->end[0])
		mk_close(&fix->end[0]->ch);
	if (fix->end[1])
		mk_end_gone(fix->open[1].conn);
	mk_link_close(&fix->link[0]);
	mk_link_close(&fix->link[1]);
	free_pages_exact(fix->area, 2 * SERVICE_RING);
}

/* Side 0 connects, side 1 is the service's */
static void service_open(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	unsigned int side;

	for (side = 0; side < 2; side++) {
		fix->end[side] = mk_end_prepare(&fix->link[side], fix->area, &fix->open[side],
						side ? NULL : &service_client_ops, fix);
		KUNIT_ASSERT_FALSE(test, IS_ERR(fix->end[side]));
		KUNIT_ASSERT_EQ(test, mk_end_publish(fix->end[side], service_release, fix), 0);
	}
	KUNIT_EXPECT_EQ(test, service_seen.accepted, 1);
	KUNIT_EXPECT_STREQ(test, mk_channel_peer(&fix->end[1]->ch), "somebody");
	KUNIT_EXPECT_PTR_EQ(test, mk_channel_priv(&fix->end[1]->ch), (void *)&service_seen);
	KUNIT_EXPECT_PTR_EQ(test, mk_channel_priv(&fix->end[0]->ch), (void *)fix);
}

static bool service_drain(struct mk_channel *ch, struct mk_ring_rx *rx)
{
	return false;
}

static void service_test_names(struct kunit *test)
{
	struct mk_service bad = { .name = "", .ops = &service_ops };
	const struct mk_channel_ops drain = { .drain = service_drain };

	KUNIT_EXPECT_EQ(test, mk_service_register(&bad), -EINVAL);
	bad.name = "a name of more than thirty-one bytes";
	KUNIT_EXPECT_EQ(test, mk_service_register(&bad), -EINVAL);
	bad.name = "kunit";
	KUNIT_EXPECT_EQ(test, mk_service_register(&bad), -EEXIST);
	bad.name = "other";
	bad.ops = NULL;
	KUNIT_EXPECT_EQ(test, mk_service_register(&bad), -EINVAL);
	bad.ops = &drain;
	KUNIT_EXPECT_EQ(test, mk_service_register(&bad), -EINVAL);
}

static void service_test_slots(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, mk_service_slots(0), 256);
	KUNIT_EXPECT_EQ(test, mk_service_slots(1), 16);
	KUNIT_EXPECT_EQ(test, mk_service_slots(16), 16);
	KUNIT_EXPECT_EQ(test, mk_service_slots(17), 32);
	KUNIT_EXPECT_EQ(test, mk_service_slots(4096), 4096);
	KUNIT_EXPECT_EQ(test, mk_service_slots(U32_MAX), 4096);
}

/**
 * struct service_damage - a connection that can't be
 * @what: in words
 * @off: of the field
 * @value: what is there
 */
struct service_damage {
	const char *what;
	size_t off;
	u64 value;
};

#define DAMAGE(_what, _field, _value) \
	{ _what, offsetof(struct mk_ctl_open, _field), _value }

static const struct service_damage service_damages[] = {
	DAMAGE("pages out of the area", pages, 2),
	DAMAGE("an odd number of pages", pages, 1),
	DAMAGE("all the pages there are", pages, U32_MAX - 1),
	DAMAGE("no slots", slots, 0),
	DAMAGE("63 slots", slots, 63),
	DAMAGE("more slots than fit", slots, 128),
	DAMAGE("2^13 slots", slots, 8192),
	DAMAGE("2^31 slots", slots, BIT(31)),
	DAMAGE("no epoch", epoch, 0),
	DAMAGE("side 2", side, 2),
	DAMAGE("the control channel", channel, 0),
	DAMAGE("the console", channel, 1),
	DAMAGE("channel 32", channel, 32),
	DAMAGE("channel out of any array", channel, U32_MAX),
	DAMAGE("an area of one ring", area_size, SERVICE_RING),
	DAMAGE("a small area", area_size, PAGE_SIZE),
	DAMAGE("half a page more", area_size, 2 * SERVICE_RING + SZ_2K),
	DAMAGE("no area", area_pa, 0),
	DAMAGE("between two pages", area_pa, PAGE_SIZE + 64),
	DAMAGE("words between two pages", pair_pa, 64),
	DAMAGE("one ring for both", tx_off, SERVICE_RING),
	DAMAGE("rings that overlap", tx_off, SERVICE_RING - 128),
	DAMAGE("a ring out of the area", tx_off, 2 * SERVICE_RING - 128),
	DAMAGE("a ring at the end", tx_off, 2 * SERVICE_RING),
	DAMAGE("offset near 2^32", tx_off, U32_MAX - 127),
	DAMAGE("between two lines", tx_off, 8),
	DAMAGE("the other between two lines", rx_off, SERVICE_RING + 8),
	DAMAGE("the other out of the area", rx_off, 2 * SERVICE_RING),
};

KUNIT_ARRAY_PARAM_DESC(service_damage, service_damages, what);

static void service_test_damage(struct kunit *test)
{
	const struct service_damage *damage = test->param_value;
	struct service_fix *fix = test->priv;
	struct mk_ctl_open open = fix->open[0];

	KUNIT_ASSERT_EQ(test, mk_service_check_open(&open), 0);
	/* Addresses and the size of the area are the only ones of 64 bits */
	memcpy((void *)&open + damage->off, &damage->value,
	       damage->off >= offsetof(struct mk_ctl_open, area_pa) &&
	       damage->off < offsetof(struct mk_ctl_open, peer_id) ? 8 : 4);
	KUNIT_EXPECT_EQ(test, mk_service_check_open(&open), -EINVAL);
}

static void service_test_unended_names(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	struct mk_ctl_open open = fix->open[0];

	memset(open.peer, 'x', sizeof(open.peer));
	KUNIT_EXPECT_EQ(test, mk_service_check_open(&open), -EINVAL);
	open = fix->open[0];
	memset(open.service, 'x', sizeof(open.service));
	KUNIT_EXPECT_EQ(test, mk_service_check_open(&open), -EINVAL);
}

static const char * const service_fuzz_names[] = { "refused", "accepted", "nothing changed" };

/* Whatever is accepted is two rings that lie within the area, apart from each other */
static void service_check_accepted(struct kunit *test, const struct mk_ctl_open *open)
{
	size_t size = 256 + (size_t)open->slots * 128;

	KUNIT_ASSERT_TRUE(test, open->slots && !(open->slots & (open->slots - 1)));
	KUNIT_ASSERT_LE(test, open->slots, 4096);
	KUNIT_ASSERT_LE(test, open->tx_off + size, open->area_size);
	KUNIT_ASSERT_LE(test, open->rx_off + size, open->area_size);
	KUNIT_ASSERT_GE(test, abs_diff(open->tx_off, open->rx_off), size);
	KUNIT_ASSERT_EQ(test, (open->tx_off | open->rx_off) % 128, 0);
	KUNIT_ASSERT_EQ(test, (open->area_pa | open->area_size | open->pair_pa) % 4096, 0);
	KUNIT_ASSERT_NE(test, open->area_pa, 0);
	KUNIT_ASSERT_NE(test, open->epoch, 0);
	KUNIT_ASSERT_LT(test, open->side, 2);
	KUNIT_ASSERT_GE(test, open->channel, 2);
	KUNIT_ASSERT_LT(test, open->channel, 32);
	KUNIT_ASSERT_LT(test, strnlen(open->peer, 64), 64);
	KUNIT_ASSERT_LT(test, strnlen(open->service, 32), 32);
}

static void service_test_fuzz(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	struct fuzz fuzz;
	unsigned long i;
	unsigned int n;

	fuzz_begin(&fuzz, test, service_fuzz_names, ARRAY_SIZE(service_fuzz_names), 1);
	for (i = 0; i < fuzz.cases; i++) {
		struct mk_ctl_open open = fix->open[i % 2];
		u32 *words = (u32 *)&open;
		unsigned int class = 0;

		for (n = fuzz_below(&fuzz, 3); n; n--) {
			u32 *word = &words[fuzz_below(&fuzz, 15)];

			*word = fuzz_word(&fuzz.rnd, fuzz_below(&fuzz, 4) ? *word :
							2 * SERVICE_RING);
		}
		if (!fuzz_below(&fuzz, 32))
			memset(&open.peer, 'x', sizeof(open.peer) - fuzz_below(&fuzz, 2));
		if (!mk_service_check_open(&open)) {
			service_check_accepted(test, &open);
			class = memcmp(&open, &fix->open[i % 2], sizeof(open)) ? 1 : 2;
		}
		fuzz_is(&fuzz, class);
		if (!(i % 1024))
			cond_resched();
	}
	fuzz_end(&fuzz);
}

static void service_test_refused(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	struct mk_end *end;

	strscpy(fix->open[1].service, "nobody");
	end = mk_end_prepare(&fix->link[1], fix->area, &fix->open[1], NULL, NULL);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(end), -ECONNREFUSED);

	service_seen.refuse = -EDQUOT;
	service_describe(fix, 1);
	end = mk_end_prepare(&fix->link[1], fix->area, &fix->open[1], NULL, NULL);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(end), -EDQUOT);
	KUNIT_EXPECT_EQ(test, service_seen.accepted, 1);
	KUNIT_EXPECT_EQ(test, service_seen.gone, 0);
}

/* Two channels of one id: the second one is not, and its service hears of it */
static void service_test_id_taken(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	struct mk_end *end;

	service_open(test);
	end = mk_end_prepare(&fix->link[1], fix->area, &fix->open[1], NULL, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(end));
	KUNIT_EXPECT_EQ(test, mk_end_publish(end, service_release, fix), -EADDRINUSE);
	mk_end_abandon(end);
	KUNIT_EXPECT_EQ(test, service_seen.gone, 1);
}

/* The other side is told by a real doorbell */
static void service_test_messages(struct kunit *test)
{
	static const u32 lens[] = { 0, 1, 119, 120, 121, 240, 1000, SERVICE_MAX };
	struct service_fix *fix = test->priv;
	u8 *data = kunit_kmalloc(test, 2 * SERVICE_MAX, GFP_KERNEL);
	struct mk_channel *ch, *to;
	struct rnd_state rnd;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, data);
	service_open(test);
	ch = &fix->end[0]->ch;
	to = &fix->end[1]->ch;
	prandom_seed_state(&rnd, 5);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		prandom_bytes_state(&rnd, data, lens[i]);
		KUNIT_ASSERT_EQ(test, mk_send_wait(ch, 0x1ff0 + i, data, lens[i], 20 * HZ), 0);
		/* A call comes after what was sent before */
		KUNIT_ASSERT_EQ(test, mk_call(ch, data, lens[i], data + SERVICE_MAX, lens[i],
					      20 * HZ), lens[i]);
		KUNIT_EXPECT_EQ(test, service_seen.received, i + 1);
		KUNIT_EXPECT_EQ(test, service_seen.type, 0x1ff0 + i);
		KUNIT_EXPECT_EQ(test, service_seen.len, lens[i]);
		KUNIT_EXPECT_MEMEQ(test, service_seen.data, data, lens[i]);
		KUNIT_EXPECT_MEMEQ(test, data + SERVICE_MAX, data, lens[i]);
	}
	KUNIT_EXPECT_EQ(test, mk_send(ch, 1, data, SERVICE_MAX + 1), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(to, bad), 0);
	KUNIT_EXPECT_EQ(test, to->rx.bad, 0);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(to, bells_missed), 0);
}

/* First cut, then gone, then closed: each thing happens once */
static void service_test_gone(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	struct mk_channel *ch;

	service_open(test);
	ch = &fix->end[0]->ch;
	mk_end_cut(fix->open[0].conn);
	mk_end_cut(fix->open[0].conn);
	KUNIT_EXPECT_EQ(test, mk_send(ch, 1, "x", 1), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, service_seen.gone, 0);
	KUNIT_EXPECT_EQ(test, fix->released[0], 0);

	KUNIT_EXPECT_EQ(test, mk_end_gone(fix->open[0].conn), 0);
	KUNIT_EXPECT_EQ(test, mk_end_gone(fix->open[0].conn), -ENOENT);
	KUNIT_EXPECT_EQ(test, service_seen.gone, 1);
	KUNIT_EXPECT_EQ(test, fix->released[0], 1);
	KUNIT_EXPECT_EQ(test, fix->closed[0], 0);
	mk_close(ch);
	fix->end[0] = NULL;
	KUNIT_EXPECT_EQ(test, fix->released[0], 1);

	KUNIT_EXPECT_EQ(test, mk_end_gone(fix->open[1].conn), 0);
	fix->end[1] = NULL;
	KUNIT_EXPECT_EQ(test, service_seen.gone, 2);
	KUNIT_EXPECT_EQ(test, mk_end_gone(fix->open[1].conn), -ENOENT);
}

static void service_test_close(struct kunit *test)
{
	struct service_fix *fix = test->priv;

	service_open(test);
	mk_close(&fix->end[0]->ch);
	KUNIT_EXPECT_EQ(test, fix->released[0], 1);
	KUNIT_EXPECT_EQ(test, fix->closed[0], 1);
	KUNIT_EXPECT_EQ(test, service_seen.gone, 0);
	KUNIT_EXPECT_EQ(test, mk_end_gone(fix->open[0].conn), -ENOENT);
	fix->end[0] = NULL;
}

/* What lies in the ring when the peer goes is still handled */
static void service_test_last_messages(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	unsigned int i;

	service_open(test);
	KUNIT_ASSERT_TRUE(test, mk_channel_poll_begin(&fix->end[1]->ch));
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, mk_send(&fix->end[0]->ch, 1, &i, sizeof(i)), 0);
	KUNIT_EXPECT_EQ(test, service_seen.received, 0);
	mk_channel_poll_end(&fix->end[1]->ch);
	KUNIT_EXPECT_EQ(test, mk_end_gone(fix->open[1].conn), 0);
	fix->end[1] = NULL;
	KUNIT_EXPECT_EQ(test, service_seen.received, 10);
}

/**
 * struct service_going - an end that goes while another thread looks
 * @conn: its number
 * @ret: what mk_end_gone() said
 * @in: a callback of the layer above runs
 * @go: it may go on
 * @done: mk_end_gone() has returned
 * @close: what the callback closes, or calls, before it returns
 */
struct service_going {
	u32 conn;
	int ret;
	struct completion in;
	struct completion go;
	struct completion done;
	struct mk_channel *close;
};

static struct service_going service_going;

static void service_going_init(u32 conn)
{
	service_going = (struct service_going){ .conn = conn };
	init_completion(&service_going.in);
	init_completion(&service_going.go);
	init_completion(&service_going.done);
}

static int service_going_thread(void *unused)
{
	service_going.ret = mk_end_gone(service_going.conn);
	kthread_complete_and_exit(&service_going.done, 0);
}

static void service_going_run(struct kunit *test)
{
	KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(service_going_thread, NULL, "mk-going")));
}

static void service_going_pause(void)
{
	complete(&service_going.in);
	wait_for_completion(&service_going.go);
}

static void service_slow_gone(struct mk_channel *ch)
{
	service_going_pause();
	service_gone(ch);
}

static bool service_slow_receive(struct mk_channel *ch, const struct mk_msg *msg)
{
	service_going_pause();
	mk_close(service_going.close);
	return true;
}

static const struct mk_channel_ops service_slow_gone_ops = {
	.gone		= service_slow_gone,
};

static const struct mk_channel_ops service_slow_ops = {
	.receive	= service_slow_receive,
	.sleeps		= true,
};

/* As long as the layer above is told, nobody takes the memory for free */
static void service_test_slow_gone(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	u32 conn = fix->open[0].conn;
	int ret;

	service_open(test);
	mk_channel_flush(&fix->end[0]->ch);
	mk_channel_set_ops(&fix->end[0]->ch, &service_slow_gone_ops, fix);
	service_going_init(conn);
	service_going_run(test);
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&service_going.in, 20 * HZ), 0);
	KUNIT_EXPECT_EQ(test, mk_end_gone(conn), -EAGAIN);
	KUNIT_EXPECT_EQ(test, mk_end_gone_within(conn, 1), -EAGAIN);
	KUNIT_EXPECT_EQ(test, fix->released[0], 0);
	complete(&service_going.go);
	/* It may have gone before we ask */
	ret = mk_end_gone_within(conn, 20 * HZ);
	KUNIT_EXPECT_TRUE_MSG(test, !ret || ret == -ENOENT, "%d", ret);
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&service_going.done, 20 * HZ), 0);
	KUNIT_EXPECT_EQ(test, service_going.ret, 0);
	KUNIT_EXPECT_EQ(test, fix->released[0], 1);
	KUNIT_EXPECT_EQ(test, mk_end_gone(conn), -ENOENT);
	KUNIT_EXPECT_EQ(test, mk_end_gone_within(conn, 1), -ENOENT);
}

/* What an end has counted is in the sums once, also while and after it goes */
static void service_test_sums(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	struct mk_link *link = &fix->link[1];
	struct mk_channel *ch;
	int i;

	service_open(test);
	ch = &fix->end[1]->ch;
	mk_channel_flush(ch);
	mk_channel_set_ops(ch, &service_slow_ops, fix);
	ch->tx.bad_tails = 2;
	service_going_init(fix->open[1].conn);
	service_going.close = &fix->end[0]->ch;
	KUNIT_ASSERT_EQ(test, mk_send(service_going.close, 1, "x", 1), 0);
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&service_going.in, 20 * HZ), 0);
	KUNIT_EXPECT_EQ(test, mk_link_stat(link, offsetof(struct mk_channel_stats, received)), 1);
	KUNIT_EXPECT_EQ(test, mk_link_bad_tails(link), 2);
	service_going_run(test);
	for (i = 0; i < 5000 && !READ_ONCE(ch->ending); i++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_EQ(test, mk_link_stat(link, offsetof(struct mk_channel_stats, received)), 1);
	KUNIT_EXPECT_EQ(test, mk_link_bad_tails(link), 2);
	complete(&service_going.go);
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&service_going.done, 20 * HZ), 0);
	fix->end[0] = NULL;
	fix->end[1] = NULL;
	KUNIT_EXPECT_EQ(test, mk_link_stat(link, offsetof(struct mk_channel_stats, received)), 1);
	KUNIT_EXPECT_EQ(test, mk_link_bad_tails(link), 2);
}

static void service_test_gone_within(struct kunit *test)
{
	struct service_fix *fix = test->priv;

	service_open(test);
	KUNIT_EXPECT_EQ(test, mk_end_gone_within(fix->open[1].conn, 20 * HZ), 0);
	fix->end[1] = NULL;
	KUNIT_EXPECT_EQ(test, fix->released[1], 1);
	KUNIT_EXPECT_EQ(test, service_seen.gone, 1);
}

/* A callback of a channel that goes closes another one, which goes for two reasons */
static void service_test_close_other(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	struct mk_channel *ch;
	int i;

	service_open(test);
	ch = &fix->end[1]->ch;
	mk_channel_flush(ch);
	mk_channel_set_ops(ch, &service_slow_ops, fix);
	service_going_init(fix->open[1].conn);
	service_going.close = &fix->end[0]->ch;
	KUNIT_ASSERT_EQ(test, mk_send(service_going.close, 1, "x", 1), 0);
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&service_going.in, 20 * HZ), 0);
	service_going_run(test);
	for (i = 0; i < 1000 && !READ_ONCE(ch->ending); i++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(ch->ending));
	complete(&service_going.go);
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&service_going.done, 20 * HZ), 0);
	fix->end[0] = NULL;
	fix->end[1] = NULL;
	KUNIT_EXPECT_EQ(test, service_going.ret, 0);
	KUNIT_EXPECT_EQ(test, fix->closed[0], 1);
	KUNIT_EXPECT_EQ(test, fix->released[1], 1);
}

/* Answers by more than there is room for, and waits */
static bool service_full_receive(struct mk_channel *ch, const struct mk_msg *msg)
{
	mk_send_wait(ch, 1, "x", 1, MAX_SCHEDULE_TIMEOUT);
	return true;
}

static const struct mk_channel_ops service_full_ops = {
	.receive	= service_full_receive,
	.sleeps		= true,
};

/* A receiver that waits for the peer itself does not wait for ever */
static void service_test_gone_full(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	struct mk_channel *ch;
	int i;

	service_open(test);
	ch = &fix->end[1]->ch;
	mk_channel_flush(ch);
	mk_channel_set_ops(ch, &service_full_ops, fix);
	mk_channel_flush(&fix->end[0]->ch);
	KUNIT_ASSERT_TRUE(test, mk_channel_poll_begin(&fix->end[0]->ch));
	while (!mk_send(ch, 1, "x", 1))
		;
	KUNIT_ASSERT_EQ(test, mk_send(&fix->end[0]->ch, 1, "x", 1), 0);
	for (i = 0; i < 5000 && !wq_has_sleeper(&ch->tx_wait); i++)
		usleep_range(1000, 2000);
	KUNIT_ASSERT_TRUE(test, wq_has_sleeper(&ch->tx_wait));
	service_going_init(fix->open[1].conn);
	service_going_run(test);
	fix->end[1] = NULL;
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&service_going.done, 20 * HZ), 0);
	mk_channel_poll_end(&fix->end[0]->ch);
	KUNIT_EXPECT_EQ(test, service_going.ret, 0);
}

/* Calls another channel, which does not answer, and keeps what came of it */
static bool service_cross_receive(struct mk_channel *ch, const struct mk_msg *msg)
{
	complete(&service_going.in);
	service_seen.refuse = mk_call(service_going.close, "x", 1, NULL, 0, 600 * HZ);
	return true;
}

static const struct mk_channel_ops service_cross_ops = {
	.receive	= service_cross_receive,
	.sleeps		= true,
};

/* Nor does one that waits for the peer on another channel, whichever of them ends first */
static void service_test_gone_cross(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	struct mk_ctl_open open = fix->open[1];
	struct mk_end *end;
	struct mk_channel *ch;
	void *area;

	service_open(test);
	area = alloc_pages_exact(2 * SERVICE_RING, GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, area);
	open.conn += 2;
	open.channel++;
	end = mk_end_prepare(&fix->link[1], area, &open, &service_client_ops, fix);
	KUNIT_ASSERT_FALSE(test, IS_ERR(end));
	KUNIT_ASSERT_EQ(test, mk_end_publish(end, service_release, fix), 0);

	ch = &fix->end[1]->ch;
	mk_channel_flush(ch);
	mk_channel_set_ops(ch, &service_cross_ops, fix);
	service_going_init(fix->open[1].conn);
	service_going.close = &end->ch;
	KUNIT_ASSERT_EQ(test, mk_send(&fix->end[0]->ch, 1, "x", 1), 0);
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&service_going.in, 20 * HZ), 0);
	mk_link_doom(&fix->link[1]);
	service_going_run(test);
	fix->end[1] = NULL;
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&service_going.done, 20 * HZ), 0);
	/* It was doomed while it waited, or before it began */
	if (service_seen.refuse != -ENOTCONN)
		KUNIT_EXPECT_EQ(test, service_seen.refuse, -ECONNRESET);
	KUNIT_EXPECT_EQ(test, mk_call(&end->ch, "x", 1, NULL, 0, HZ), -ENOTCONN);
	mk_close(&end->ch);
	free_pages_exact(area, 2 * SERVICE_RING);
}

static struct mk_service service_leaves = {
	.name		= "kunit-leaves",
	.ops		= &service_ops,
	.priv		= &service_seen,
	.accept		= service_accept,
};

static int service_leave_thread(void *unused)
{
	mk_service_unregister(&service_leaves);
	kthread_complete_and_exit(&service_going.done, 0);
}

/* Its channels are closed, and the one that somebody is about to open, too */
static void service_test_unregister(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	struct mk_end *end;

	KUNIT_ASSERT_EQ(test, mk_service_register(&service_leaves), 0);
	strscpy(fix->open[1].service, "kunit-leaves");
	service_open(test);
	end = mk_end_prepare(&fix->link[0], fix->area, &fix->open[1], NULL, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(end));
	service_going_init(0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(service_leave_thread, NULL, "mk-leaves")));
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&service_going.done, HZ / 5), 0);
	KUNIT_EXPECT_EQ(test, fix->released[1], 1);
	KUNIT_EXPECT_EQ(test, fix->closed[1], 1);
	KUNIT_EXPECT_EQ(test, service_seen.gone, 1);
	fix->end[1] = NULL;
	mk_end_abandon(end);
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&service_going.done, 20 * HZ), 0);
	KUNIT_EXPECT_EQ(test, service_seen.gone, 2);
	end = mk_end_prepare(&fix->link[1], fix->area, &fix->open[1], NULL, NULL);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(end), -ECONNREFUSED);
	/* And again */
	KUNIT_EXPECT_EQ(test, mk_service_register(&service_leaves), 0);
	mk_service_unregister(&service_leaves);
	strscpy(fix->open[1].service, "kunit");
}

static void service_test_link_closed(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	struct mk_end *end;

	mk_link_close(&fix->link[0]);
	end = mk_end_prepare(&fix->link[0], fix->area, &fix->open[0], &service_client_ops, fix);
	KUNIT_ASSERT_FALSE(test, IS_ERR(end));
	KUNIT_EXPECT_EQ(test, mk_end_publish(end, service_release, fix), -ENOTCONN);
	mk_end_abandon(end);
	KUNIT_EXPECT_EQ(test, service_seen.gone, 0);
}

static void service_test_connect(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, PTR_ERR(mk_connect("", "kunit", 0, &service_client_ops, NULL)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(mk_connect("no such", "", 0, &service_client_ops, NULL)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(mk_connect("no such", "kunit", 0, NULL, NULL)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(mk_connect("no such", "kunit", 0, &service_client_ops,
						 NULL)), -ENOENT);
}

/* A service stays for good: one for all tests */
static int service_suite_init(struct kunit_suite *suite)
{
	static bool registered;
	int ret = registered ? 0 : mk_service_register(&service_test);

	registered |= !ret;
	return ret;
}

/* Sends from side 0, and lets the receiver at the other end, which may be any, look */
static void service_say(struct kunit *test, const char *text, struct mk_end *to)
{
	struct service_fix *fix = test->priv;

	KUNIT_EXPECT_EQ(test, mk_send(&fix->end[0]->ch, 1, text, strlen(text)), 0);
	mk_channel_kick(&to->ch);
	mk_channel_flush(&to->ch);
}

/* Those that nobody may inherit, or of which there is no place to speak, go on */
static void service_test_hold(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	u32 conn = 0;

	service_open(test);
	KUNIT_EXPECT_EQ(test, mk_ends_hold(&conn, 1), 0);
	service_say(test, "one", fix->end[1]);
	KUNIT_EXPECT_EQ(test, service_seen.received, 1);
	service_test.ops = &service_heir_ops;
	fix->end[1]->ch.ops = &service_heir_ops;
	KUNIT_EXPECT_EQ(test, mk_ends_hold(&conn, 0), 0);
	service_say(test, "two", fix->end[1]);
	KUNIT_EXPECT_EQ(test, service_seen.received, 2);
	/* Its reply could be taken for that of another call */
	KUNIT_EXPECT_TRUE(test, mk_channel_poll_begin(&fix->end[0]->ch));
	KUNIT_EXPECT_EQ(test, mk_call(&fix->end[1]->ch, "", 0, NULL, 0, 0), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, mk_ends_hold(&conn, 1), 0);
	service_say(test, "three", fix->end[1]);
	KUNIT_EXPECT_EQ(test, service_seen.received, 3);
	mk_channel_poll_end(&fix->end[0]->ch);
	mk_channel_kick(&fix->end[0]->ch);
	mk_channel_flush(&fix->end[0]->ch);
	mk_channel_kick(&fix->end[1]->ch);
	mk_channel_flush(&fix->end[1]->ch);
	KUNIT_EXPECT_FALSE(test, mk_channel_calls(&fix->end[1]->ch));

	KUNIT_EXPECT_EQ(test, mk_ends_hold(&conn, 1), 1);
	KUNIT_EXPECT_EQ(test, conn, fix->open[1].conn);
	service_say(test, "four", fix->end[1]);
	KUNIT_EXPECT_EQ(test, service_seen.received, 3);
	mk_ends_release();
	mk_channel_flush(&fix->end[1]->ch);
	KUNIT_EXPECT_EQ(test, service_seen.received, 4);
	service_test.ops = &service_ops;
}

/* As in another kernel, which has a link and a service of its own */
static void service_test_inherited(struct kunit *test)
{
	struct mk_link *link = kunit_kzalloc(test, sizeof(*link), GFP_KERNEL);
	struct service_fix *fix = test->priv;
	struct mk_ctl_open open = fix->open[1];
	struct mk_end *heir;
	u32 conn;

	KUNIT_ASSERT_NOT_NULL(test, link);
	service_test.ops = &service_heir_ops;
	service_open(test);
	service_say(test, "one", fix->end[1]);
	KUNIT_EXPECT_EQ(test, mk_ends_hold(&conn, 1), 1);
	service_say(test, "two", fix->end[1]);
	KUNIT_EXPECT_EQ(test, service_seen.received, 1);

	mk_link_init(link, &service_link_ops, NULL, fix);
	link->cause_in = fix->link[1].cause_in;
	link->cause_out = fix->link[1].cause_out;
	mk_link_open(link);
	open.conn += 2;
	open.flags = MK_OPEN_INHERITED;
	KUNIT_EXPECT_EQ(test, mk_service_check_open(&open), 0);
	service_test.ops = &service_ops;
	heir = mk_end_prepare(link, fix->area, &open, NULL, NULL);
	KUNIT_EXPECT_PTR_EQ(test, heir, (struct mk_end *)ERR_PTR(-ECONNREFUSED));
	service_test.ops = &service_heir_ops;
	heir = mk_end_prepare(link, fix->area, &open, NULL, NULL);
	service_test.ops = &service_ops;
	KUNIT_ASSERT_FALSE(test, IS_ERR(heir));
	KUNIT_ASSERT_EQ(test, mk_end_publish(heir, service_heir_release, fix), 0);
	mk_channel_flush(&heir->ch);
	KUNIT_EXPECT_EQ(test, service_seen.received, 2);
	KUNIT_EXPECT_MEMEQ(test, service_seen.data, "two", 3);
	service_say(test, "three", heir);
	KUNIT_EXPECT_EQ(test, service_seen.received, 3);
	KUNIT_EXPECT_MEMEQ(test, service_seen.data, "three", 5);
	/* And the other way */
	KUNIT_EXPECT_EQ(test, mk_send(&heir->ch, 1, "four", 4), 0);
	mk_channel_kick(&fix->end[0]->ch);
	mk_channel_flush(&fix->end[0]->ch);
	KUNIT_EXPECT_EQ(test, mk_channel_stat(&fix->end[0]->ch, received), 1);
	KUNIT_EXPECT_EQ(test, mk_end_gone(open.conn), 0);
	mk_link_close(link);
}

static void service_test_open_flags(struct kunit *test)
{
	struct service_fix *fix = test->priv;
	struct mk_ctl_open open = fix->open[1];

	open.flags = MK_OPEN_INHERITED << 1;
	KUNIT_EXPECT_EQ(test, mk_service_check_open(&open), -EINVAL);
	open.flags = MK_OPEN_INHERITED;
	open.pages = 2;
	open.pages_off = open.area_size;
	open.area_size += 2 * PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, mk_service_check_open(&open), -EINVAL);
	open.flags = 0;
	KUNIT_EXPECT_EQ(test, mk_service_check_open(&open), 0);
}

static struct kunit_case service_cases[] = {
	KUNIT_CASE(service_test_names),
	KUNIT_CASE(service_test_slots),
	KUNIT_CASE_PARAM(service_test_damage, service_damage_gen_params),
	KUNIT_CASE(service_test_unended_names),
	KUNIT_CASE_SLOW(service_test_fuzz),
	KUNIT_CASE(service_test_refused),
	KUNIT_CASE(service_test_id_taken),
	KUNIT_CASE(service_test_messages),
	KUNIT_CASE(service_test_hold),
	KUNIT_CASE(service_test_inherited),
	KUNIT_CASE(service_test_open_flags),
	KUNIT_CASE(service_test_gone),
	KUNIT_CASE(service_test_close),
	KUNIT_CASE(service_test_slow_gone),
	KUNIT_CASE(service_test_gone_within),
	KUNIT_CASE(service_test_close_other),
	KUNIT_CASE(service_test_sums),
	KUNIT_CASE(service_test_unregister),
	KUNIT_CASE(service_test_gone_full),
	KUNIT_CASE(service_test_gone_cross),
	KUNIT_CASE(service_test_last_messages),
	KUNIT_CASE(service_test_link_closed),
	KUNIT_CASE(service_test_connect),
	{}
};

static struct kunit_suite service_suite = {
	.name = "mk_service",
	.suite_init = service_suite_init,
	.init = service_init,
	.exit = service_exit,
	.test_cases = service_cases,
};

kunit_test_suite(service_suite);
