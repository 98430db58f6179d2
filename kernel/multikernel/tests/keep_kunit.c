// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of keep.c and resume.c: what one host writes down of an instance is what the next one
 * makes of it, and a blob that is damaged, or another version's, is refused.
 */

#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/multikernel/abi/keep.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "../internal.h"
#include "../service.h"
#include "fuzz.h"

#define KEEP_ID		2047	/* of no other test's, nor of a machine's that boots */

static void keep_put(void *data)
{
	struct mk_instance *inst = data;

	cpumask_clear(inst->cpus);
	mk_instance_retire(inst);
	mk_instance_put(inst);
}

static struct mk_instance *keep_create(struct kunit *test, const char *name)
{
	struct mk_instance *inst = mk_instance_create(name);

	KUNIT_ASSERT_FALSE(test, IS_ERR(inst));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, keep_put, inst), 0);
	KUNIT_ASSERT_EQ(test, mk_instance_set_id(inst, KEEP_ID), 0);
	return inst;
}

static void keep_fill(struct kunit *test, struct mk_instance *inst)
{
	size_t size;

	inst->nr_slots = 2;
	inst->slot_cpu[0] = num_possible_cpus() - 1;
	inst->slot_cpu[1] = 0;
	cpumask_set_cpu(inst->slot_cpu[0], inst->cpus);
	inst->epoch = 7;
	inst->recovery = true;
	inst->beat_ms = 300;
	inst->hang_ms = 4000;
	inst->boot_ms = 5000;
	inst->winsize = (struct mk_msg_winsize){ .rows = 24, .columns = 80 };
	inst->mem_block = 128 << 20;
	inst->mem_wanted = 512 << 20;
	node_set(0, inst->numa);
	inst->events = (struct mk_events){
		.starts = 1, .stops = 2, .crashes = 3, .hangs = 4, .restarts = 5, .updates = 6,
		.state_changes = 7,
	};
	KUNIT_ASSERT_EQ(test, mk_boot_block_layout(&inst->block, 1, 1, 1, &size), 0);
	inst->block.epoch = 7;
	inst->block.beat_ms = 300;
	strscpy(inst->block.name, inst->name);
	inst->shared.size = size;
}

static struct mk_keep *keep_blob(struct kunit *test, unsigned int nr, size_t *size)
{
	struct mk_instance *inst = keep_create(test, "keep");
	struct mk_keep_instance *rec;
	struct mk_keep *keep;
	unsigned int i;

	*size = sizeof(*keep) + nr * sizeof(*rec);
	keep = kunit_kzalloc(test, *size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, keep);
	keep->magic = MK_KEEP_MAGIC;
	keep->version = MK_KEEP_VERSION;
	keep->nr = nr;
	keep->entry_size = sizeof(*rec);
	keep->conn_size = sizeof(struct mk_keep_conn);
	keep->nr_conns = 1;
	keep->conns_pa = virt_to_phys(keep) & PAGE_MASK;
	rec = (void *)(keep + 1);
	keep_fill(test, inst);
	for (i = 0; i < nr; i++) {
		mk_keep_describe(inst, &rec[i]);
		rec[i].id -= i;
		rec[i].name[0] += i;
		rec[i].shared_pa = 0x10000000;
		rec[i].shared_size = inst->shared.size;
		rec[i].nr_ranges = 1;
		rec[i].range[0].pa = 0x20000000;
		rec[i].range[0].size = 0x8000000;
	}
	return keep;
}

static void keep_test_same(struct kunit *test)
{
	struct mk_instance *one = keep_create(test, "one"), *two;
	struct mk_keep_instance *rec = kunit_kzalloc(test, sizeof(*rec), GFP_KERNEL);
	unsigned int cpu;

	KUNIT_ASSERT_NOT_NULL(test, rec);
	keep_fill(test, one);
	mk_keep_describe(one, rec);
	KUNIT_EXPECT_STREQ(test, rec->name, "one");
	KUNIT_EXPECT_EQ(test, rec->id, KEEP_ID);
	kunit_release_action(test, keep_put, one);

	two = keep_create(test, "two");
	cpu = num_possible_cpus() - 1;
	/* The ledger does not say so yet */
	KUNIT_EXPECT_EQ(test, mk_resume_describe(two, rec), -ENODEV);
	KUNIT_EXPECT_TRUE(test, cpumask_empty(two->cpus));
	KUNIT_ASSERT_EQ(test, mk_ledger_claim_cpu(cpu, MK_OWNER_HOST, KEEP_ID), 0);
	KUNIT_EXPECT_EQ(test, mk_resume_describe(two, rec), 0);
	KUNIT_ASSERT_EQ(test, mk_ledger_claim_cpu(cpu, KEEP_ID, MK_OWNER_HOST), 0);
	KUNIT_EXPECT_EQ(test, two->nr_slots, 2);
	KUNIT_EXPECT_EQ(test, two->slot_cpu[0], cpu);
	KUNIT_EXPECT_EQ(test, two->slot_cpu[1], 0);
	KUNIT_EXPECT_EQ(test, cpumask_weight(two->cpus), 1);
	KUNIT_EXPECT_TRUE(test, cpumask_test_cpu(cpu, two->cpus));
	KUNIT_EXPECT_EQ(test, two->epoch, 7);
	KUNIT_EXPECT_TRUE(test, two->recovery);
	KUNIT_EXPECT_EQ(test, two->beat_ms, 300);
	KUNIT_EXPECT_EQ(test, two->hang_ms, 4000);
	KUNIT_EXPECT_EQ(test, two->boot_ms, 5000);
	KUNIT_EXPECT_EQ(test, two->winsize.rows, 24);
	KUNIT_EXPECT_EQ(test, two->winsize.columns, 80);
	KUNIT_EXPECT_EQ(test, two->mem_block, 128 << 20);
	KUNIT_EXPECT_EQ(test, two->mem_wanted, 512 << 20);
	KUNIT_EXPECT_TRUE(test, node_isset(0, two->numa));
	KUNIT_EXPECT_EQ(test, nodes_weight(two->numa), 1);
	KUNIT_EXPECT_EQ(test, two->events.starts, 1);
	KUNIT_EXPECT_EQ(test, two->events.stops, 2);
	KUNIT_EXPECT_EQ(test, two->events.crashes, 3);
	KUNIT_EXPECT_EQ(test, two->events.hangs, 4);
	KUNIT_EXPECT_EQ(test, two->events.restarts, 5);
	KUNIT_EXPECT_EQ(test, two->events.updates, 6);
	KUNIT_EXPECT_EQ(test, two->events.state_changes, 7);
	KUNIT_EXPECT_MEMEQ(test, &two->block, &rec->block, sizeof(two->block));
}

static void keep_test_missing_cpu(struct kunit *test)
{
	struct mk_instance *inst = keep_create(test, "keep");
	struct mk_keep_instance *rec = kunit_kzalloc(test, sizeof(*rec), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rec);
	keep_fill(test, inst);
	mk_keep_describe(inst, rec);
	cpumask_clear(inst->cpus);
	/* One that it could have been given is no loss */
	rec->phys_id[1] = U32_MAX;
	KUNIT_EXPECT_EQ(test, mk_resume_describe(inst, rec), -ENODEV);
	KUNIT_EXPECT_EQ(test, inst->slot_cpu[1], 0);
	rec->phys_id[0] = U32_MAX;
	KUNIT_EXPECT_EQ(test, mk_resume_describe(inst, rec), -ENODEV);
}

/**
 * struct keep_bad - a field that makes a blob bad
 * @name: its name
 * @off: its offset in the blob
 * @size: its size in bytes
 * @value: what makes it bad
 * @err: what is said of it
 */
struct keep_bad {
	const char *name;
	size_t off;
	size_t size;
	u64 value;
	int err;
};

#define KEEP_HEAD(field)	offsetof(struct mk_keep, field)
/* Of the second of two instances */
#define KEEP_SECOND(field)						\
	(sizeof(struct mk_keep) + sizeof(struct mk_keep_instance) +	\
	 offsetof(struct mk_keep_instance, field))

static const struct keep_bad keep_bads[] = {
	{ "magic", KEEP_HEAD(magic), 8, 0, -EINVAL },
	{ "version", KEEP_HEAD(version), 4, MK_KEEP_VERSION + 1, -EPROTONOSUPPORT },
	{ "entry_size", KEEP_HEAD(entry_size), 4, sizeof(struct mk_keep_instance) + 8,
	  -EPROTONOSUPPORT },
	{ "conn_size", KEEP_HEAD(conn_size), 4, sizeof(struct mk_keep_conn) + 8,
	  -EPROTONOSUPPORT },
	{ "nr", KEEP_HEAD(nr), 4, 3, -EINVAL },
	{ "nr", KEEP_HEAD(nr), 4, U32_MAX, -EINVAL },
	{ "nr_conns", KEEP_HEAD(nr_conns), 4, MK_LINK_CHANNELS + 1, -EINVAL },
	{ "conns_pa", KEEP_HEAD(conns_pa), 8, 0, -EINVAL },
	{ "conns_pa", KEEP_HEAD(conns_pa), 8, 1, -EINVAL },
	{ "conns_pa", KEEP_HEAD(conns_pa), 8, BIT_ULL(51), -EINVAL },
	{ "name[0]", KEEP_SECOND(name[0]), 1, 0, -EINVAL },
	{ "name[0]", KEEP_SECOND(name[0]), 1, '.', -EINVAL },
	{ "name of the first", KEEP_SECOND(name[0]), 1, 'k', -EINVAL },
	{ "id", KEEP_SECOND(id), 4, 0, -EINVAL },
	{ "id of the first", KEEP_SECOND(id), 4, KEEP_ID, -EINVAL },
	{ "id", KEEP_SECOND(id), 4, MULTIKERNEL_ID_MAX + 1, -EINVAL },
	{ "epoch", KEEP_SECOND(epoch), 4, 0, -EINVAL },
	{ "nr_slots", KEEP_SECOND(nr_slots), 4, 0, -EINVAL },
	{ "nr_slots", KEEP_SECOND(nr_slots), 4, 1, -EINVAL },
	{ "nr_slots", KEEP_SECOND(nr_slots), 4, MK_KEEP_SLOTS + 1, -EINVAL },
	{ "nr_ranges", KEEP_SECOND(nr_ranges), 4, 0, -EINVAL },
	{ "nr_ranges", KEEP_SECOND(nr_ranges), 4, MK_KEEP_RANGES + 1, -EINVAL },
	{ "range[0].pa", KEEP_SECOND(range[0].pa), 8, 0x20000001, -EINVAL },
	{ "range[0].size", KEEP_SECOND(range[0].size), 8, 0, -EINVAL },
	{ "range[0].size", KEEP_SECOND(range[0].size), 8, -PAGE_SIZE, -EINVAL },
	{ "shared_pa", KEEP_SECOND(shared_pa), 8, 1, -EINVAL },
	{ "shared_size", KEEP_SECOND(shared_size), 8, PAGE_SIZE, -EINVAL },
	{ "image.nr_segments", KEEP_SECOND(image.nr_segments), 4, MK_KEEP_SEGMENTS + 1, -EINVAL },
	{ "block.magic", KEEP_SECOND(block.magic), 8, 0, -EINVAL },
	{ "block.words_off", KEEP_SECOND(block.words_off), 4, 0xfffff000, -EINVAL },
	{ "block.nr_spare", KEEP_SECOND(block.nr_spare), 4, 0, -EINVAL },
};

static void keep_test_check(struct kunit *test)
{
	struct mk_keep *keep;
	unsigned int i;
	size_t size;

	keep = keep_blob(test, 2, &size);
	KUNIT_EXPECT_EQ(test, mk_resume_check(keep, size), 0);
	KUNIT_EXPECT_EQ(test, mk_resume_check(keep, size - 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_resume_check(keep, sizeof(*keep) - 1), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(keep_bads); i++) {
		const struct keep_bad *bad = &keep_bads[i];
		void *field = (void *)keep + bad->off;
		u64 old;

		/* Little-endian, as all of the blob */
		memcpy(&old, field, bad->size);
		memcpy(field, &bad->value, bad->size);
		KUNIT_EXPECT_EQ_MSG(test, mk_resume_check(keep, size), bad->err, "%s: %llx",
				    bad->name, bad->value);
		memcpy(field, &old, bad->size);
		KUNIT_EXPECT_EQ_MSG(test, mk_resume_check(keep, size), 0, "%s", bad->name);
	}
}

#define KEEP_CONN(field)	offsetof(struct mk_keep_conn, field)

static const struct keep_bad keep_bad_conns[] = {
	{ "nr", KEEP_CONN(nr), 4, 0 },
	{ "id[0]", KEEP_CONN(id[0]), 4, MULTIKERNEL_ID_MAX + 1 },
	{ "id[1]", KEEP_CONN(id[1]), 4, MULTIKERNEL_ID_MAX + 1 },
	{ "id[1]", KEEP_CONN(id[1]), 4, 3 },
	{ "pair", KEEP_CONN(pair), 4, 0 },
	{ "first", KEEP_CONN(first), 4, 2 },
	{ "channel", KEEP_CONN(channel), 4, MK_NR_CLASSES - 1 },
	{ "channel", KEEP_CONN(channel), 4, MK_LINK_CHANNELS },
	{ "slots", KEEP_CONN(slots), 4, 0 },
	{ "slots", KEEP_CONN(slots), 4, 255 },
	{ "slots", KEEP_CONN(slots), 4, 2 * MK_SLOTS_MAX },
	{ "pages", KEEP_CONN(pages), 4, 1 },
	{ "pages", KEEP_CONN(pages), 4, MK_PAGES_MAX + 2 },
	{ "words_pa", KEEP_CONN(words_pa), 8, 0 },
	{ "words_pa", KEEP_CONN(words_pa), 8, 0x1001 },
	{ "area_pa", KEEP_CONN(area_pa), 8, 0 },
	{ "area_pa", KEEP_CONN(area_pa), 8, 0x20000080 },
	{ "area_size", KEEP_CONN(area_size), 8, 0 },
	{ "area_size", KEEP_CONN(area_size), 8, 3 * SZ_64K },
	{ "service's end", KEEP_CONN(service[MK_SERVICE_NAME_LEN - 1]), 1, 'x' },
};

static void keep_test_check_conn(struct kunit *test)
{
	struct mk_keep_conn conn = {
		.nr = 9, .id = { 3, 4 }, .pair = 8, .channel = MK_NR_CLASSES, .slots = 256,
		.pages = 4, .version = MK_BOOT_VERSION, .words_pa = SZ_4K, .area_pa = SZ_64K,
		.area_size = 2 * PAGE_ALIGN(256 * 128 + 256) + 4 * PAGE_SIZE,
	};
	unsigned int i;

	memset(conn.service, 'x', sizeof(conn.service) - 1);
	KUNIT_EXPECT_TRUE(test, mk_broker_check_kept(&conn));
	conn.id[1] = 0;
	KUNIT_EXPECT_TRUE(test, mk_broker_check_kept(&conn));
	conn.id[1] = 4;
	for (i = 0; i < ARRAY_SIZE(keep_bad_conns); i++) {
		const struct keep_bad *bad = &keep_bad_conns[i];
		struct mk_keep_conn damaged = conn;

		memcpy((void *)&damaged + bad->off, &bad->value, bad->size);
		KUNIT_EXPECT_FALSE_MSG(test, mk_broker_check_kept(&damaged), "%s: %llx",
				       bad->name, bad->value);
	}
}

enum keep_class {
	KEEP_REFUSED,
	KEEP_ACCEPTED,
	KEEP_NR_CLASSES
};

static const char * const keep_classes[KEEP_NR_CLASSES] = {
	[KEEP_REFUSED]	= "refused",
	[KEEP_ACCEPTED]	= "accepted",
};

/* Whatever is in it: it is refused, or names nothing that lies outside of it */
static void keep_test_fuzz(struct kunit *test)
{
	struct mk_keep *good, *keep;
	struct fuzz fuzz;
	unsigned long i;
	size_t size;

	good = keep_blob(test, 2, &size);
	keep = kunit_kmalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, keep);
	fuzz_begin(&fuzz, test, keep_classes, KEEP_NR_CLASSES, 1);
	for (i = 0; i < fuzz.cases; i++) {
		size_t len = fuzz_below(&fuzz, 8) ? size : fuzz_below(&fuzz, size);
		unsigned int flips = 1 + fuzz_below(&fuzz, 4);

		memcpy(keep, good, size);
		while (flips--)
			((u8 *)keep)[fuzz_below(&fuzz, size)] = fuzz_u32(&fuzz);
		if (mk_resume_check(keep, len)) {
			fuzz_is(&fuzz, KEEP_REFUSED);
			continue;
		}
		fuzz_is(&fuzz, KEEP_ACCEPTED);
		KUNIT_EXPECT_LE(test, sizeof(*keep) + keep->nr * sizeof(struct mk_keep_instance),
				len);
	}
	fuzz_end(&fuzz);
}

static struct kunit_case keep_cases[] = {
	KUNIT_CASE(keep_test_same),
	KUNIT_CASE(keep_test_missing_cpu),
	KUNIT_CASE(keep_test_check),
	KUNIT_CASE(keep_test_check_conn),
	KUNIT_CASE(keep_test_fuzz),
	{}
};

static struct kunit_suite keep_suite = {
	.name = "mk_keep",
	.test_cases = keep_cases,
};

kunit_test_suite(keep_suite);
