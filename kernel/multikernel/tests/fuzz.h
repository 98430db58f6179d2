/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_FUZZ_H
#define _MULTIKERNEL_FUZZ_H

#include <kunit/test.h>
#include <linux/prandom.h>

#define FUZZ_CLASSES_MAX	24

/*
 * What a case costs in which threads take turns, or one is started, or memory of a
 * connection changes hands: milliseconds under emulation, where others take ten
 * microseconds.  Of a million of those there would be hours.
 */
#define FUZZ_SLOW		50

/**
 * struct fuzz - what a fuzzing test has done
 * @test: the test
 * @rnd: where its cases come from
 * @names: of the classes, by number
 * @nr: number of classes
 * @cases: how many cases shall be tried
 * @count: cases of each class
 */
struct fuzz {
	struct kunit *test;
	struct rnd_state rnd;
	const char * const *names;
	unsigned int nr;
	unsigned long cases;
	unsigned long count[FUZZ_CLASSES_MAX];
};

/* Each case is of one class */
static inline void fuzz_is(struct fuzz *fuzz, unsigned int class)
{
	fuzz->count[class]++;
}

static inline u32 fuzz_u32(struct fuzz *fuzz)
{
	return prandom_u32_state(&fuzz->rnd);
}

/* 0 to @below - 1 */
static inline u32 fuzz_below(struct fuzz *fuzz, u32 below)
{
	return prandom_u32_state(&fuzz->rnd) % below;
}

/* One of each class has been there */
static inline bool fuzz_has_all(const struct fuzz *fuzz)
{
	unsigned int i;

	for (i = 0; i < fuzz->nr; i++)
		if (!fuzz->count[i])
			return false;
	return true;
}

void fuzz_begin(struct fuzz *fuzz, struct kunit *test, const char * const *names,
		unsigned int nr, unsigned int cost);
void fuzz_end(struct fuzz *fuzz);
u32 fuzz_word(struct rnd_state *rnd, u32 near);

#endif /* _MULTIKERNEL_FUZZ_H */
