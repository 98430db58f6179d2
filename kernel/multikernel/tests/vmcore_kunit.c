// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of vmcore.c: what an instance says of its notes is input.
 */

#include <kunit/test.h>
#include <linux/elfcore.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "../internal.h"

#define VMCORE_MEM	SZ_4M
#define VMCORE_MAX	SZ_1K

static void vmcore_drop(void *data)
{
	struct mk_instance *inst = data;

	mk_instance_retire(inst);
	mk_instance_put(inst);
	mk_error_clear();
}

static struct mk_instance *vmcore_inst(struct kunit *test)
{
	struct mk_instance *inst = mk_instance_create("vmcore-test");
	int ret;

	KUNIT_ASSERT_FALSE(test, IS_ERR(inst));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, vmcore_drop, inst), 0);
	scoped_guard(mutex, &inst->lock)
		ret = mk_memory_set(inst, VMCORE_MEM);
	if (ret == -ENOMEM)
		kunit_skip(test, "no contiguous memory");
	KUNIT_ASSERT_EQ(test, ret, 0);
	return inst;
}

struct vmcore_case {
	const char *what;
	u32 namesz;
	u32 descsz;
	size_t off;		/* in the first range */
	size_t size;		/* that is wanted */
};

#define VMCORE_HEAD	sizeof(struct elf_note)

static const struct vmcore_case vmcore_cases_note[] = {
	{ "as kdump writes them", 5, 336, 0, VMCORE_HEAD + 8 + 336 },
	{ "odd lengths", 11, 3, 16, VMCORE_HEAD + 12 + 4 },
	{ "no contents", 5, 0, 0, VMCORE_HEAD + 8 },
	{ "the longest", 8, VMCORE_MAX - VMCORE_HEAD - 8, 0, VMCORE_MAX },
	{ "one more", 8, VMCORE_MAX - VMCORE_HEAD - 7, 0, 0 },
	{ "not filled in", 0, 0, 0, 0 },
	{ "no name", 0, 336, 0, 0 },
	{ "a name beyond all", U32_MAX, 16, 0, 0 },
	{ "contents beyond all", 5, U32_MAX, 0, 0 },
	{ "both", U32_MAX - 3, U32_MAX - 3, 0, 0 },
	{ "lengths whose sum is small", U32_MAX - 15, 16, 0, 0 },
	{ "it ends where the memory does", 8, 12, VMCORE_MEM - 32, 32 },
	{ "it ends behind it", 8, 16, VMCORE_MEM - 32, 0 },
};

KUNIT_ARRAY_PARAM_DESC(vmcore_note, vmcore_cases_note, what);

static void vmcore_test_note(struct kunit *test)
{
	const struct vmcore_case *c = test->param_value;
	struct elf_note note = { .n_namesz = c->namesz, .n_descsz = c->descsz, .n_type = 7 };
	struct mk_instance *inst = vmcore_inst(test);
	u8 *to = kunit_kzalloc(test, VMCORE_MAX + 8, GFP_KERNEL);
	phys_addr_t pa;

	KUNIT_ASSERT_NOT_NULL(test, to);
	if (inst->mem.nr != 1)
		kunit_skip(test, "no memory in one piece");
	pa = page_to_phys(inst->mem.range[0].page) + c->off;
	memset(to, 0xaa, VMCORE_MAX + 8);

	guard(mutex)(&inst->lock);
	KUNIT_ASSERT_EQ(test, mk_memory_write(inst, pa, &note, sizeof(note)), 0);
	KUNIT_EXPECT_EQ(test, mk_vmcore_note(inst, pa, to, VMCORE_MAX), c->size);
	if (c->size)
		KUNIT_EXPECT_MEMEQ(test, to, &note, sizeof(note));
	KUNIT_EXPECT_EQ(test, to[c->size], 0xaa);
}

/* Nor is anything read that is not the instance's */
static void vmcore_test_elsewhere(struct kunit *test)
{
	struct mk_instance *inst = vmcore_inst(test);
	u8 *to = kunit_kzalloc(test, VMCORE_MAX, GFP_KERNEL);
	phys_addr_t start = page_to_phys(inst->mem.range[0].page);

	KUNIT_ASSERT_NOT_NULL(test, to);
	guard(mutex)(&inst->lock);
	KUNIT_EXPECT_EQ(test, mk_vmcore_note(inst, 0, to, VMCORE_MAX), 0);
	KUNIT_EXPECT_EQ(test, mk_vmcore_note(inst, start - 4, to, VMCORE_MAX), 0);
	KUNIT_EXPECT_EQ(test, mk_vmcore_note(inst, virt_to_phys(to), to, VMCORE_MAX), 0);
	KUNIT_EXPECT_EQ(test, mk_vmcore_note(inst, ~0ULL, to, VMCORE_MAX), 0);
	KUNIT_EXPECT_EQ(test, mk_vmcore_note(inst, ~0ULL - 11, to, VMCORE_MAX), 0);
}

static struct kunit_case vmcore_cases[] = {
	KUNIT_CASE_PARAM(vmcore_test_note, vmcore_note_gen_params),
	KUNIT_CASE(vmcore_test_elsewhere),
	{}
};

static struct kunit_suite vmcore_suite = {
	.name = "mk_vmcore",
	.test_cases = vmcore_cases,
};

kunit_test_suite(vmcore_suite);
