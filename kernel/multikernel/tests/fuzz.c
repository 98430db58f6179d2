// SPDX-License-Identifier: GPL-2.0
/*
 * What the fuzzing tests share.  How much is tried is said on the kernel's command
 * line: multikernel_kunit.cases=N for each test, multikernel_kunit.seed=N to have
 * other cases; what was tried is printed, and a class of cases that has never been
 * met fails the test.
 */

#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>

#include "fuzz.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "multikernel_kunit."

/* A few seconds for all of them together, under emulation as well */
static unsigned long fuzz_param_cases = 20000;
static unsigned int fuzz_param_seed = 20260101;

/* Sparse takes the length of a parameter's name for no constant, here and elsewhere */
#ifndef __CHECKER__
module_param_named(cases, fuzz_param_cases, ulong, 0444);
module_param_named(seed, fuzz_param_seed, uint, 0444);
#endif

/* Fewer would not meet each class */
#define FUZZ_CASES_MIN		1000UL

/**
 * fuzz_begin() - a fuzzing test begins
 * @fuzz: to be filled
 * @test: the test
 * @names: of the classes of cases
 * @nr: number of classes
 * @cost: what a case costs, as a multiple of a cheap one; so fewer are tried
 */
void fuzz_begin(struct fuzz *fuzz, struct kunit *test, const char * const *names,
		unsigned int nr, unsigned int cost)
{
	KUNIT_ASSERT_LE(test, nr, FUZZ_CLASSES_MAX);
	*fuzz = (struct fuzz){
		.test = test,
		.names = names,
		.nr = nr,
		.cases = max(fuzz_param_cases / cost, FUZZ_CASES_MIN),
	};
	prandom_seed_state(&fuzz->rnd, fuzz_param_seed);
}

/**
 * fuzz_end() - a fuzzing test has tried all of its cases
 * @fuzz: from fuzz_begin()
 */
void fuzz_end(struct fuzz *fuzz)
{
	unsigned long sum = 0;
	unsigned int i;
	char text[512];
	int len = 0;

	for (i = 0; i < fuzz->nr; i++) {
		sum += fuzz->count[i];
		len += scnprintf(text + len, sizeof(text) - len, "%s%s %lu", i ? ", " : "",
				 fuzz->names[i], fuzz->count[i]);
	}
	kunit_info(fuzz->test, "fuzz: %lu cases of seed %u: %s\n", fuzz->cases,
		   fuzz_param_seed, text);
	KUNIT_EXPECT_EQ(fuzz->test, sum, fuzz->cases);
	for (i = 0; i < fuzz->nr; i++)
		KUNIT_EXPECT_NE_MSG(fuzz->test, fuzz->count[i], 0, "none was '%s'",
				    fuzz->names[i]);
}

/**
 * fuzz_word() - a word that a careless reader would fall for
 * @rnd: where it comes from
 * @near: what would be right, or a limit
 *
 * Return: the word.
 */
u32 fuzz_word(struct rnd_state *rnd, u32 near)
{
	u32 bits = prandom_u32_state(rnd);

	switch (bits % 7) {
	case 0:
		return prandom_u32_state(rnd);
	case 1:
		return U32_MAX - (bits >> 20);
	case 2:
		return near - (bits >> 21);
	case 3:
		return near ^ BIT(bits >> 27);
	case 4:
		return BIT(bits >> 27);
	case 5:
		return near + (bits >> 29) - 4;
	default:
		return bits >> 26;
	}
}
