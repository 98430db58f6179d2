// SPDX-License-Identifier: GPL-2.0
/*
 * A peer that owns all of a ring and keeps to no rule.  It writes what a careless
 * reader would fall for: positions, epochs, types and lengths that are right but for
 * one thing, old words, whole messages that are good, single bits, and anything.
 */

#include "ring_test.h"

/* A control word that a careless consumer would fall for */
static u64 scribble_ctl(struct rnd_state *rnd, u32 pos)
{
	u32 bits = prandom_u32_state(rnd);

	switch (bits >> 29) {
	case 0:
		return ring_ctl(pos, bits, bits >> 12);
	case 1:
		return ring_ctl(pos + bits % 3 - 1, bits, bits % 121);
	case 2:
		return ring_ctl(pos, bits, bits % 121) ^ BIT_ULL(32 + bits % 8);
	case 3:
	case 4:
		return ring_ctl(pos - 1 - bits % 7, bits, bits % (RING_MAX + 2));
	case 5:
		return ring_ctl(pos, bits, 121 + bits % 400);
	default:
		return ring_ctl(pos, bits, bits % 121);
	}
}

/* A message of several slots, good but for one thing or for none */
static void scribble_long(struct ring_fix *fix, struct rnd_state *rnd, u32 pos)
{
	u32 bits = prandom_u32_state(rnd);
	u32 len = 121 + (bits >> 30 ? bits % 120 : bits % (RING_MAX - 121));
	u32 i, slots = ring_slots_of(len);
	u64 ctl = ring_ctl(pos, bits & 0x3fff, len + (bits >> 31));

	for (i = 1; i < slots; i++)
		WRITE_ONCE(ring_slot(fix, pos + i)->ctl, ctl);
	if (bits % 16 == 0)
		WRITE_ONCE(ring_slot(fix, pos + 1 + (bits >> 8) % (slots - 1))->ctl,
			   scribble_ctl(rnd, pos + 1));
	WRITE_ONCE(ring_slot(fix, pos)->ctl, ctl);
}

static u32 scribble_u32(struct rnd_state *rnd, u32 near)
{
	u32 bits = prandom_u32_state(rnd);

	return bits & 1 ? bits : near + bits % (4 * RING_SLOTS) - 2 * RING_SLOTS;
}

/* One of the single words, seldom with another epoch */
static void scribble_word(struct rnd_state *rnd, u64 *word, u32 near)
{
	u32 bits = prandom_u32_state(rnd);
	u64 value = ring_word(scribble_u32(rnd, near));

	if (bits % 8 == 0)
		value ^= BIT_ULL(32 + (bits >> 27));
	WRITE_ONCE(*word, value);
}

/* Any word: another one, with one bit changed, or what stands somewhere else */
static void scribble_any(struct ring_fix *fix, struct rnd_state *rnd)
{
	u32 what = prandom_u32_state(rnd), nr = RING_BYTES / sizeof(u64);
	u64 *words = (u64 *)fix->mem, *to = &words[(what >> 8) % nr];

	switch (what % 3) {
	case 0:
		WRITE_ONCE(*to, (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd));
		break;
	case 1:
		WRITE_ONCE(*to, READ_ONCE(*to) ^ BIT_ULL(what >> 26));
		break;
	default:
		WRITE_ONCE(*to, READ_ONCE(words[prandom_u32_state(rnd) % nr]));
	}
}

/**
 * ring_scribble() - the peer writes something
 * @fix: the ring; its private ends are read for what would be right, as a peer
 *       could know it, and may be in use at this moment
 * @rnd: what it writes
 */
void ring_scribble(struct ring_fix *fix, struct rnd_state *rnd)
{
	struct mk_ring_mem *mem = fix->mem;
	u32 what = prandom_u32_state(rnd);
	u32 pos = READ_ONCE(fix->rx.tail) + (what >> 4) % 3;

	switch (what % 12) {
	case 0:
	case 1:
		scribble_any(fix, rnd);
		break;
	case 2:
		scribble_word(rnd, &mem->tail, READ_ONCE(fix->tx.head));
		break;
	case 3:
		scribble_word(rnd, &mem->armed, READ_ONCE(fix->tx.rung));
		break;
	case 4:
		scribble_word(rnd, &mem->waiting, READ_ONCE(fix->rx.rung));
		break;
	case 5:
		scribble_word(rnd, &mem->bell, what);
		break;
	case 6:
	case 7:
		scribble_long(fix, rnd, pos);
		break;
	default:
		WRITE_ONCE(ring_slot(fix, pos)->ctl, scribble_ctl(rnd, pos));
	}
}
