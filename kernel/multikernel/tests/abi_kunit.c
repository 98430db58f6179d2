// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of abi.c: which version two kernels speak with each other, whoever of them
 * reckons, and what they say if there is none.
 */

#include <kunit/test.h>

#include "../abi.h"

/**
 * struct abi_case - two kernels
 * @a: newest and oldest of one
 * @b: newest and oldest of the other
 * @agreed: what they speak, 0 if nothing
 */
struct abi_case {
	u32 a[2];
	u32 b[2];
	u32 agreed;
};

static const struct abi_case abi_cases[] = {
	{ { 2, 2 }, { 2, 2 }, 2 },
	/* One has learned something new */
	{ { 2, 2 }, { 3, 2 }, 2 },
	{ { 2, 2 }, { 7, 1 }, 2 },
	{ { 3, 2 }, { 5, 3 }, 3 },
	{ { 3, 2 }, { 5, 2 }, 3 },
	{ { 9, 3 }, { 5, 5 }, 5 },
	/* And forgotten something old */
	{ { 2, 2 }, { 3, 3 }, 0 },
	{ { 3, 2 }, { 7, 5 }, 0 },
	{ { 1, 1 }, { 2, 2 }, 0 },
	{ { U32_MAX, 1 }, { 2, 2 }, 2 },
	{ { U32_MAX, U32_MAX }, { 2, 2 }, 0 },
	{ { U32_MAX, U32_MAX }, { U32_MAX, 1 }, U32_MAX },
};

static void abi_case_desc(const struct abi_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u..%u and %u..%u", c->a[1], c->a[0],
		 c->b[1], c->b[0]);
}

KUNIT_ARRAY_PARAM(abi_case, abi_cases, abi_case_desc);

static void abi_test_agree(struct kunit *test)
{
	const struct abi_case *c = test->param_value;
	struct mk_abi a = mk_abi_of(c->a[0], c->a[1], 0);
	struct mk_abi b = mk_abi_of(c->b[0], c->b[1], 0);

	KUNIT_EXPECT_TRUE(test, mk_abi_ok(&a) && mk_abi_ok(&b));
	KUNIT_EXPECT_EQ(test, mk_abi_agree(&a, &b), c->agreed);
	KUNIT_EXPECT_EQ(test, mk_abi_agree(&b, &a), c->agreed);
}

static void abi_test_ours(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, mk_abi_ok(mk_abi_ours()));
	KUNIT_EXPECT_EQ(test, mk_abi_agree(mk_abi_ours(), mk_abi_ours()),
			mk_abi_ours()->newest);
	KUNIT_EXPECT_FALSE(test, mk_abi_blind());
}

static void abi_test_of(struct kunit *test)
{
	struct mk_abi abi = mk_abi_of(5, 0, 9);

	/* From one that has no field for it */
	KUNIT_EXPECT_EQ(test, abi.newest, 5);
	KUNIT_EXPECT_EQ(test, abi.oldest, 5);
	KUNIT_EXPECT_EQ(test, abi.features, 9);
	KUNIT_EXPECT_TRUE(test, mk_abi_ok(&abi));
	abi = mk_abi_of(0, 0, 0);
	KUNIT_EXPECT_FALSE(test, mk_abi_ok(&abi));
	abi = mk_abi_of(0, 1, 0);
	KUNIT_EXPECT_FALSE(test, mk_abi_ok(&abi));
	abi = mk_abi_of(4, 5, 0);
	KUNIT_EXPECT_FALSE(test, mk_abi_ok(&abi));
}

static void abi_expect_refusal(struct kunit *test, struct mk_abi theirs, struct mk_abi host,
			       const char *want)
{
	char buf[MK_LAST_WORDS_LEN];

	mk_abi_refuse(buf, sizeof(buf), "this kernel", &theirs, &host);
	KUNIT_EXPECT_STREQ(test, buf, want);
}

static void abi_test_refuse(struct kunit *test)
{
	abi_expect_refusal(test, mk_abi_of(3, 2, 0), mk_abi_of(7, 5, 0),
			   "this kernel speaks ABI versions 2 to 3, the host 5 to 7: no common one");
	abi_expect_refusal(test, mk_abi_of(1, 1, 0), mk_abi_of(2, 2, 0),
			   "this kernel speaks ABI version 1, the host 2: no common one");
	abi_expect_refusal(test, mk_abi_of(U32_MAX, U32_MAX - 1, 0),
			   mk_abi_of(U32_MAX - 2, U32_MAX - 3, 0),
			   "this kernel speaks ABI versions 4294967294 to 4294967295, the host 4294967292 to 4294967293: no common one");
}

static struct kunit_case abi_test_cases[] = {
	KUNIT_CASE_PARAM(abi_test_agree, abi_case_gen_params),
	KUNIT_CASE(abi_test_ours),
	KUNIT_CASE(abi_test_of),
	KUNIT_CASE(abi_test_refuse),
	{}
};

static struct kunit_suite abi_suite = {
	.name = "mk_abi",
	.test_cases = abi_test_cases,
};

kunit_test_suite(abi_suite);
