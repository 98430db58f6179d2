// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of ledger.c: a claim that is wrong about the owner fails and changes
 * nothing, "away" is true exactly as long as someone but the host owns a CPU,
 * and of two claims at the same moment one wins.  The same for memory, where a
 * claim is wrong if it is about one byte that somebody else has.
 *
 * The ledger is that of the running kernel.  The tests use the two last CPUs it
 * could have, which stay online; no interrupt and no CPU hotplug depends on the
 * ledger as long as nobody asks.  Each test gives back what it took.
 */

#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>

#include "../internal.h"

/* No instance has these ids when the unit tests run, and none gets them */
#define LEDGER_ID_A		2046
#define LEDGER_ID_B		2047

#define LEDGER_RACES		20000

/* Where no machine has memory: nobody looks there */
#define LEDGER_MEM		BIT_ULL(50)

/**
 * struct ledger_fix - CPUs to play with
 * @cpu: the last two possible ones; the same one twice if there is but one
 * @nr: how many there are
 */
struct ledger_fix {
	unsigned int cpu[2];
	unsigned int nr;
};

static void ledger_give_back(struct ledger_fix *fix)
{
	unsigned int i;

	for (i = 0; i < fix->nr; i++)
		mk_ledger_claim_cpu(fix->cpu[i], mk_ledger_cpu_owner(fix->cpu[i]),
				    MK_OWNER_HOST);
}

static int ledger_init(struct kunit *test)
{
	struct ledger_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	unsigned int cpu;

	KUNIT_ASSERT_NOT_NULL(test, fix);
	if (mk_ledger_cpus_away())
		kunit_skip(test, "CPUs are away");
	for_each_possible_cpu(cpu) {
		fix->cpu[0] = fix->cpu[1];
		fix->cpu[1] = cpu;
		fix->nr = min(fix->nr + 1, 2U);
	}
	test->priv = fix;
	return 0;
}

static int ledger_mem(u64 start, u64 end, u16 from, u16 to)
{
	return mk_ledger_claim_mem(LEDGER_MEM + start, end - start, from, to);
}

/* Nothing else tells who has what: only its owner can claim something for itself */
static u16 ledger_mem_owner(u64 start, u64 end)
{
	static const u16 owners[] = {
		MK_OWNER_HOST, LEDGER_ID_A, LEDGER_ID_B, MK_OWNER_QUARANTINE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(owners); i++)
		if (!ledger_mem(start, end, owners[i], owners[i]))
			return owners[i];
	return LEDGER_ID_A - 1;
}

/* If the count were wrong now, the next test would be skipped for it */
static void ledger_exit(struct kunit *test)
{
	if (!test->priv)
		return;
	ledger_give_back(test->priv);
	KUNIT_EXPECT_FALSE(test, mk_ledger_cpus_away());
}

static void ledger_test_claim(struct kunit *test)
{
	struct ledger_fix *fix = test->priv;
	unsigned int cpu = fix->cpu[1];

	KUNIT_EXPECT_EQ(test, mk_ledger_cpu_owner(cpu), MK_OWNER_HOST);
	KUNIT_EXPECT_EQ(test, mk_ledger_claim_cpu(cpu, MK_OWNER_HOST, LEDGER_ID_A), 0);
	KUNIT_EXPECT_EQ(test, mk_ledger_cpu_owner(cpu), LEDGER_ID_A);
	KUNIT_EXPECT_EQ(test, mk_ledger_claim_cpu(cpu, LEDGER_ID_A, LEDGER_ID_B), 0);
	KUNIT_EXPECT_EQ(test, mk_ledger_cpu_owner(cpu), LEDGER_ID_B);
	KUNIT_EXPECT_EQ(test, mk_ledger_claim_cpu(cpu, LEDGER_ID_B, MK_OWNER_HOST), 0);
	KUNIT_EXPECT_EQ(test, mk_ledger_cpu_owner(cpu), MK_OWNER_HOST);
}

static void ledger_expect_refused(struct kunit *test, u16 from, u16 to)
{
	struct ledger_fix *fix = test->priv;
	u16 owner = mk_ledger_cpu_owner(fix->cpu[1]);
	bool away = mk_ledger_cpus_away();

	KUNIT_EXPECT_EQ(test, mk_ledger_claim_cpu(fix->cpu[1], from, to), -EBUSY);
	KUNIT_EXPECT_EQ(test, mk_ledger_cpu_owner(fix->cpu[1]), owner);
	KUNIT_EXPECT_EQ(test, mk_ledger_cpus_away(), away);
}

/* Whoever is wrong about the owner gets nothing, the owner itself included */
static void ledger_test_double_claim(struct kunit *test)
{
	struct ledger_fix *fix = test->priv;
	unsigned int cpu = fix->cpu[1];

	ledger_expect_refused(test, LEDGER_ID_A, MK_OWNER_HOST);
	ledger_expect_refused(test, LEDGER_ID_A, LEDGER_ID_B);
	KUNIT_ASSERT_EQ(test, mk_ledger_claim_cpu(cpu, MK_OWNER_HOST, LEDGER_ID_A), 0);
	ledger_expect_refused(test, MK_OWNER_HOST, LEDGER_ID_B);
	ledger_expect_refused(test, MK_OWNER_HOST, LEDGER_ID_A);
	ledger_expect_refused(test, MK_OWNER_QUARANTINE, LEDGER_ID_B);
	ledger_expect_refused(test, LEDGER_ID_B, MK_OWNER_HOST);
	KUNIT_ASSERT_EQ(test, mk_ledger_claim_cpu(cpu, LEDGER_ID_A, MK_OWNER_QUARANTINE), 0);
	ledger_expect_refused(test, LEDGER_ID_A, MK_OWNER_HOST);
	ledger_expect_refused(test, MK_OWNER_HOST, LEDGER_ID_A);
}

/* A CPU is away once, however often it changes hands there */
static void ledger_test_away_once(struct kunit *test)
{
	static const u16 hands[] = {
		MK_OWNER_HOST, MK_OWNER_HOST, LEDGER_ID_A, LEDGER_ID_B, LEDGER_ID_B,
		MK_OWNER_QUARANTINE, MK_OWNER_HOST, LEDGER_ID_B, MK_OWNER_HOST,
	};
	struct ledger_fix *fix = test->priv;
	unsigned int i;

	KUNIT_EXPECT_FALSE(test, mk_ledger_cpus_away());
	for (i = 1; i < ARRAY_SIZE(hands); i++) {
		KUNIT_ASSERT_EQ(test, mk_ledger_claim_cpu(fix->cpu[1], hands[i - 1], hands[i]), 0);
		KUNIT_EXPECT_EQ_MSG(test, mk_ledger_cpus_away(), hands[i] != MK_OWNER_HOST,
				    "step %u", i);
	}
}

static void ledger_test_away_counts(struct kunit *test)
{
	struct ledger_fix *fix = test->priv;

	if (fix->nr < 2)
		kunit_skip(test, "one CPU");
	KUNIT_ASSERT_EQ(test, mk_ledger_claim_cpu(fix->cpu[0], MK_OWNER_HOST, LEDGER_ID_A), 0);
	KUNIT_ASSERT_EQ(test, mk_ledger_claim_cpu(fix->cpu[1], MK_OWNER_HOST, LEDGER_ID_B), 0);
	KUNIT_EXPECT_TRUE(test, mk_ledger_cpus_away());
	KUNIT_ASSERT_EQ(test, mk_ledger_claim_cpu(fix->cpu[0], LEDGER_ID_A, MK_OWNER_HOST), 0);
	KUNIT_EXPECT_TRUE(test, mk_ledger_cpus_away());
	KUNIT_ASSERT_EQ(test, mk_ledger_claim_cpu(fix->cpu[1], LEDGER_ID_B, MK_OWNER_HOST), 0);
	KUNIT_EXPECT_FALSE(test, mk_ledger_cpus_away());
}

static bool ledger_shows(struct kunit *test, const char *line)
{
	struct seq_file sf = { .size = PAGE_SIZE };

	sf.buf = kunit_kzalloc(test, sf.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sf.buf);
	mk_ledger_show_quarantine(&sf);
	return strnstr(sf.buf, line, sf.count);
}

static void ledger_test_quarantine(struct kunit *test)
{
	struct ledger_fix *fix = test->priv;
	unsigned int cpu = fix->cpu[1];
	char line[32];

	snprintf(line, sizeof(line), "cpu %u\n", cpu);
	KUNIT_EXPECT_FALSE(test, ledger_shows(test, line));
	KUNIT_ASSERT_EQ(test, mk_ledger_claim_cpu(cpu, MK_OWNER_HOST, LEDGER_ID_A), 0);
	KUNIT_EXPECT_FALSE(test, ledger_shows(test, line));
	KUNIT_ASSERT_EQ(test, mk_ledger_claim_cpu(cpu, LEDGER_ID_A, MK_OWNER_QUARANTINE), 0);
	KUNIT_EXPECT_TRUE(test, ledger_shows(test, line));
	KUNIT_ASSERT_EQ(test, mk_ledger_claim_cpu(cpu, MK_OWNER_QUARANTINE, MK_OWNER_HOST), 0);
	KUNIT_EXPECT_FALSE(test, ledger_shows(test, line));
}

static void ledger_test_mem_claim(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ledger_mem_owner(0, SZ_1M), MK_OWNER_HOST);
	KUNIT_EXPECT_EQ(test, ledger_mem(0, SZ_1M, MK_OWNER_HOST, LEDGER_ID_A), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem_owner(0, SZ_1M), LEDGER_ID_A);
	KUNIT_EXPECT_EQ(test, ledger_mem(0, SZ_1M, LEDGER_ID_A, LEDGER_ID_B), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem_owner(0, SZ_1M), LEDGER_ID_B);
	KUNIT_EXPECT_EQ(test, ledger_mem(0, SZ_1M, LEDGER_ID_B, MK_OWNER_HOST), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem_owner(0, SZ_1M), MK_OWNER_HOST);
}

static void ledger_test_mem_no_memory(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ledger_mem(0, 0, MK_OWNER_HOST, LEDGER_ID_A), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_ledger_claim_mem(SZ_1M, U64_MAX, MK_OWNER_HOST,
						  LEDGER_ID_A), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_ledger_claim_mem(U64_MAX, 2, MK_OWNER_HOST,
						  LEDGER_ID_A), -EINVAL);
}

struct ledger_overlap {
	const char *what;
	u64 start;
	u64 end;
	bool free;
};

/* While somebody has what lies between 1 MiB and 2 MiB */
static const struct ledger_overlap ledger_overlaps[] = {
	{ "the same", SZ_1M, SZ_2M, false },
	{ "its first byte", SZ_1M, SZ_1M + 1, false },
	{ "its last byte", SZ_2M - 1, SZ_2M, false },
	{ "the middle", SZ_1M + SZ_4K, SZ_1M + SZ_8K, false },
	{ "up to its first byte", 0, SZ_1M + 1, false },
	{ "from its last byte", SZ_2M - 1, SZ_4M, false },
	{ "all around it", 0, SZ_4M, false },
	{ "right before it", 0, SZ_1M, true },
	{ "right behind it", SZ_2M, SZ_4M, true },
};

KUNIT_ARRAY_PARAM_DESC(ledger_overlap, ledger_overlaps, what);

static void ledger_test_mem_overlap(struct kunit *test)
{
	const struct ledger_overlap *c = test->param_value;
	int want = c->free ? 0 : -EBUSY;

	KUNIT_ASSERT_EQ(test, ledger_mem(SZ_1M, SZ_2M, MK_OWNER_HOST, LEDGER_ID_A), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem(c->start, c->end, MK_OWNER_HOST, LEDGER_ID_B), want);
	KUNIT_EXPECT_EQ(test, ledger_mem_owner(SZ_1M, SZ_2M), LEDGER_ID_A);
	if (!want)
		KUNIT_EXPECT_EQ(test, ledger_mem(c->start, c->end, LEDGER_ID_B,
						 MK_OWNER_HOST), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem(SZ_1M, SZ_2M, LEDGER_ID_A, MK_OWNER_HOST), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem_owner(0, SZ_4M), MK_OWNER_HOST);
}

/* Whoever is wrong about the owner gets nothing, and takes nothing away */
static void ledger_test_mem_wrong_owner(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ledger_mem(0, SZ_1M, LEDGER_ID_A, MK_OWNER_HOST), -EBUSY);
	KUNIT_ASSERT_EQ(test, ledger_mem(0, SZ_1M, MK_OWNER_HOST, LEDGER_ID_A), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem(0, SZ_1M, LEDGER_ID_B, MK_OWNER_HOST), -EBUSY);
	KUNIT_EXPECT_EQ(test, ledger_mem(0, SZ_1M, MK_OWNER_QUARANTINE, LEDGER_ID_B), -EBUSY);
	/* More than it has, to either side and to both */
	KUNIT_EXPECT_EQ(test, ledger_mem(0, SZ_1M + 1, LEDGER_ID_A, MK_OWNER_HOST), -EBUSY);
	KUNIT_ASSERT_EQ(test, ledger_mem(0, SZ_4K, LEDGER_ID_A, LEDGER_ID_B), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem(0, SZ_1M, LEDGER_ID_A, MK_OWNER_HOST), -EBUSY);
	KUNIT_EXPECT_EQ(test, ledger_mem(0, SZ_1M, LEDGER_ID_B, MK_OWNER_HOST), -EBUSY);
	KUNIT_EXPECT_EQ(test, ledger_mem(0, SZ_4K, LEDGER_ID_B, MK_OWNER_HOST), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem(SZ_4K, SZ_1M, LEDGER_ID_A, MK_OWNER_HOST), 0);
}

/* Pieces go back from both ends and from the middle; the rest stays where it is */
static void ledger_test_mem_pieces(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, ledger_mem(0, SZ_4M, MK_OWNER_HOST, LEDGER_ID_A), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem(SZ_4M - SZ_4K, SZ_4M, LEDGER_ID_A, MK_OWNER_HOST), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem(0, SZ_4K, LEDGER_ID_A, MK_OWNER_HOST), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem(SZ_1M, SZ_2M, LEDGER_ID_A, LEDGER_ID_B), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem_owner(0, SZ_4K), MK_OWNER_HOST);
	KUNIT_EXPECT_EQ(test, ledger_mem_owner(SZ_4K, SZ_1M), LEDGER_ID_A);
	KUNIT_EXPECT_EQ(test, ledger_mem_owner(SZ_1M, SZ_2M), LEDGER_ID_B);
	KUNIT_EXPECT_EQ(test, ledger_mem_owner(SZ_2M, SZ_4M - SZ_4K), LEDGER_ID_A);
	KUNIT_EXPECT_EQ(test, ledger_mem_owner(SZ_4M - SZ_4K, SZ_4M), MK_OWNER_HOST);
	KUNIT_EXPECT_EQ(test, ledger_mem(SZ_4K, SZ_1M, LEDGER_ID_A, MK_OWNER_HOST), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem(SZ_1M, SZ_2M, LEDGER_ID_B, MK_OWNER_HOST), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem(SZ_2M, SZ_4M - SZ_4K, LEDGER_ID_A,
					 MK_OWNER_HOST), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem_owner(0, SZ_4M), MK_OWNER_HOST);
}

/* Nobody gets it while it is there, and the file shows it, to the byte */
static void ledger_test_mem_quarantine(struct kunit *test)
{
	const char *line = "memory 0x0004000000100000 4096\n";

	KUNIT_ASSERT_EQ(test, ledger_mem(0, SZ_2M, MK_OWNER_HOST, LEDGER_ID_A), 0);
	KUNIT_EXPECT_FALSE(test, ledger_shows(test, line));
	KUNIT_ASSERT_EQ(test, ledger_mem(SZ_1M, SZ_1M + SZ_4K, LEDGER_ID_A,
					 MK_OWNER_QUARANTINE), 0);
	KUNIT_EXPECT_TRUE(test, ledger_shows(test, line));
	KUNIT_EXPECT_EQ(test, ledger_mem(SZ_1M, SZ_1M + SZ_4K, LEDGER_ID_A,
					 MK_OWNER_HOST), -EBUSY);
	KUNIT_EXPECT_EQ(test, ledger_mem(SZ_1M, SZ_1M + SZ_4K, MK_OWNER_HOST,
					 LEDGER_ID_B), -EBUSY);
	KUNIT_ASSERT_EQ(test, ledger_mem(SZ_1M, SZ_1M + SZ_4K, MK_OWNER_QUARANTINE,
					 MK_OWNER_HOST), 0);
	KUNIT_EXPECT_FALSE(test, ledger_shows(test, line));
	KUNIT_EXPECT_EQ(test, ledger_mem(0, SZ_1M, LEDGER_ID_A, MK_OWNER_HOST), 0);
	KUNIT_EXPECT_EQ(test, ledger_mem(SZ_1M + SZ_4K, SZ_2M, LEDGER_ID_A,
					 MK_OWNER_HOST), 0);
}

/**
 * struct ledger_race - two who want the same CPU
 * @cpu: the CPU
 * @arrived: counts up at each gate, for both
 * @ret: what each claim of the round returned
 * @wrong: rounds that did not have exactly one winner, or not the owner
 * @late: one did not come to a gate in time
 */
struct ledger_race {
	unsigned int cpu;
	atomic_t arrived;
	int ret[2];
	unsigned int wrong;
	bool late;
};

struct ledger_racer {
	struct ledger_race *race;
	unsigned int me;
};

/* Nobody goes on before both are here */
static bool ledger_gate(struct ledger_race *race, int gate)
{
	unsigned long end = jiffies + 10 * HZ;
	unsigned int spins = 0;

	atomic_inc(&race->arrived);
	while (atomic_read(&race->arrived) < 2 * gate) {
		if (time_after(jiffies, end) || READ_ONCE(race->late)) {
			WRITE_ONCE(race->late, true);
			return false;
		}
		if (!(++spins % 1024))
			cond_resched();
		cpu_relax();
	}
	return true;
}

static void ledger_judge(struct ledger_race *race)
{
	u16 owner = mk_ledger_cpu_owner(race->cpu);
	unsigned int winner = race->ret[0] ? 1 : 0;

	if (race->ret[winner] != 0 || race->ret[!winner] != -EBUSY ||
	    owner != (winner ? LEDGER_ID_B : LEDGER_ID_A) || !mk_ledger_cpus_away())
		race->wrong++;
	if (mk_ledger_claim_cpu(race->cpu, owner, MK_OWNER_HOST))
		race->wrong++;
}

static int ledger_race_thread(void *data)
{
	struct ledger_racer *racer = data;
	struct ledger_race *race = racer->race;
	u16 id = racer->me ? LEDGER_ID_B : LEDGER_ID_A;
	int i;

	for (i = 0; i < LEDGER_RACES; i++) {
		if (!ledger_gate(race, 2 * i + 1))
			break;
		race->ret[racer->me] = mk_ledger_claim_cpu(race->cpu, MK_OWNER_HOST, id);
		if (!ledger_gate(race, 2 * i + 2))
			break;
		if (!racer->me)
			ledger_judge(race);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return i;
}

static void ledger_test_race(struct kunit *test)
{
	struct ledger_fix *fix = test->priv;
	struct ledger_race race = { .cpu = fix->cpu[1] };
	struct ledger_racer racer[2] = { { &race, 0 }, { &race, 1 } };
	struct task_struct *task[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		task[i] = kthread_run(ledger_race_thread, &racer[i], "mk-racer/%u", i);
		/* Without a second one the first comes back from its gate late */
		KUNIT_EXPECT_FALSE(test, IS_ERR(task[i]));
	}
	while (atomic_read(&race.arrived) < 4 * LEDGER_RACES && !READ_ONCE(race.late))
		schedule_timeout_uninterruptible(1);
	for (i = 0; i < 2; i++)
		if (!IS_ERR(task[i]))
			KUNIT_EXPECT_EQ(test, kthread_stop(task[i]), LEDGER_RACES);
	KUNIT_EXPECT_FALSE(test, race.late);
	KUNIT_EXPECT_EQ(test, race.wrong, 0);
	KUNIT_EXPECT_FALSE(test, mk_ledger_cpus_away());
	KUNIT_EXPECT_EQ(test, mk_ledger_cpu_owner(race.cpu), MK_OWNER_HOST);
}

static struct kunit_case ledger_cases[] = {
	KUNIT_CASE(ledger_test_claim),
	KUNIT_CASE(ledger_test_double_claim),
	KUNIT_CASE(ledger_test_away_once),
	KUNIT_CASE(ledger_test_away_counts),
	KUNIT_CASE(ledger_test_quarantine),
	KUNIT_CASE(ledger_test_race),
	KUNIT_CASE(ledger_test_mem_claim),
	KUNIT_CASE(ledger_test_mem_no_memory),
	KUNIT_CASE_PARAM(ledger_test_mem_overlap, ledger_overlap_gen_params),
	KUNIT_CASE(ledger_test_mem_wrong_owner),
	KUNIT_CASE(ledger_test_mem_pieces),
	KUNIT_CASE(ledger_test_mem_quarantine),
	{}
};

static struct kunit_suite ledger_suite = {
	.name = "mk_ledger",
	.init = ledger_init,
	.exit = ledger_exit,
	.test_cases = ledger_cases,
};

kunit_test_suite(ledger_suite);
