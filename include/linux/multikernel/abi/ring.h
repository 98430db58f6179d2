/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_MULTIKERNEL_ABI_RING_H
#define _LINUX_MULTIKERNEL_ABI_RING_H

#include <linux/bits.h>
#include <linux/types.h>

/**
 * DOC: Rings on the wire
 *
 * A ring carries messages one way between two kernels, from one producer to one
 * consumer.  It is an array of slots, each a pair of cache lines, because that is
 * what CPUs prefetch: the control word, which is written last, and 120 bytes of
 * payload.  Up to 56 of them lie in the same line as the control word, so that one
 * line moves from core to core for a short message.  The control word states the
 * position of the slot in the stream plus one; the consumer knows the position that
 * it waits for, so the ring needs no head index in shared memory, and a slot of an
 * earlier round is never taken for a new one.
 *
 * A message takes as many slots as it needs, at least one.  The first slot's control
 * word has its type and the length of all of it, and is the last that is written.  The
 * other slots bear a copy of it, which no consumer reads as long as all goes well: it
 * states the position of another slot, so what is left in a slot of an earlier round
 * is never taken for a message, whatever the payload.
 *
 * The consumer publishes how far it has read (tail) and whether it sleeps
 * (armed), each in a line of its own: a producer that does not wait for room
 * looks at the second alone, and that line stays where it is as long as the
 * consumer is awake.
 *
 * Every word states the epoch of the ring, which its two ends agree on before
 * either uses it.  What was written in another epoch counts as not written.
 *
 * This is a contract between kernels of different versions: a change of the
 * meaning of any field must raise MK_BOOT_VERSION.
 */

#define MK_SLOT_PAYLOAD		120
#define MK_MSG_MAX		65536	/* bytes of a message */

/* Control word */
#define MK_CTL_SEQ		GENMASK_ULL(63, 40)	/* low bits of position + 1 */
#define MK_CTL_EPOCH		GENMASK_ULL(39, 32)	/* low bits of the epoch */
#define MK_CTL_STAMP		GENMASK_ULL(63, 32)	/* both */
#define MK_CTL_TYPE		GENMASK_ULL(31, 17)	/* MK_MSG_* or MK_TYPE_* */
#define MK_CTL_LEN		GENMASK_ULL(16, 0)	/* bytes, 0 to MK_MSG_MAX */

/* Words that are no control words */
#define MK_WORD_EPOCH		GENMASK_ULL(63, 32)
#define MK_WORD_VALUE		GENMASK_ULL(31, 0)

/**
 * struct mk_slot - a message, or a part of one
 * @ctl: control word, written last
 * @payload: the bytes that count come first
 */
struct mk_slot {
	__u64 ctl;
	__u8 payload[MK_SLOT_PAYLOAD];
} __aligned(64);

/* How to interrupt a side; all 0 as long as it can't be interrupted */
#define MK_BELL_VECTOR		GENMASK_ULL(63, 32)
#define MK_BELL_PHYS_ID		GENMASK_ULL(31, 0)

/**
 * struct mk_ring_mem - a ring in the shared area
 * @armed: MK_WORD_*; odd while the consumer sleeps and wants a doorbell.  Each time
 *         that it goes to sleep this goes up, so that the producer rings once for
 *         each sleep, for a message that @tail has not passed
 * @bell: MK_BELL_*; whom to ring then
 * @reserved: zero
 * @tail: MK_WORD_*; position of the next slot that the consumer will read
 * @reserved2: zero
 * @waiting: MK_WORD_*; odd while the producer sleeps until there is room; the
 *           consumer rings once for each value, with the next tail
 * @reserved3: zero
 * @slot: the slots; rings lie at multiples of the size of one
 *
 * The producer writes @waiting and @slot, the consumer the rest.  The producer is
 * rung by the bell of the ring in the other direction.
 */
struct mk_ring_mem {
	__u64 armed;
	__u64 bell;
	__u64 reserved[6];
	__u64 tail;
	__u64 reserved2[7];
	__u64 waiting;
	__u64 reserved3[15];
	struct mk_slot slot[];
};

/*
 * Cause words: who rings sets the bit of the channel in the cause word that he
 * shares with the one who is rung.
 */
#define MK_LINK_CHANNELS	32
#define MK_CAUSE_MESSAGE(id)	(1ULL << (id))		/* there is a message */
#define MK_CAUSE_ROOM(id)	(1ULL << (32 + (id)))	/* there is room again */

/*
 * Types.  The peer is known by the ring that a message lies in; no message states
 * its sender.  A reply states the number of the call that it answers.
 */
#define MK_TYPE_PAGES		0x2000	/* | type: &struct mk_pages, pages for the peer */
#define MK_TYPE_CALL		0x4000	/* | number: wants a reply */
#define MK_TYPE_REPLY		0x5000	/* | number: what was asked for */
#define MK_TYPE_ERROR		0x6000	/* | number: __s32, a negative errno */
#define MK_TYPE_BACK		0x7000	/* &struct mk_pages: what was lent comes back */
#define MK_TYPE_KIND		0x7000
#define MK_TYPE_NR		0x0fff

/* Flags of &struct mk_pages */
#define MK_PAGES_LENT		1	/* the peer wants them back */

/**
 * struct mk_pages - MK_TYPE_PAGES or MK_TYPE_BACK
 * @first: number of the first page in the pool of the connection
 * @pages: how many, one after the other; for MK_TYPE_BACK as they were lent
 * @len: how much of them counts, in bytes; for MK_TYPE_BACK 0
 * @flags: MK_PAGES_*; for MK_TYPE_BACK 0
 */
struct mk_pages {
	__u32 first;
	__u32 pages;
	__u32 len;
	__u32 flags;
};

/* Messages of the channels that the boot block lists */
#define MK_MSG_HELLO		1	/* struct mk_msg_hello, first in each direction */
#define MK_MSG_SHUTDOWN		4	/* host asks: power off in order */
#define MK_MSG_CONSOLE		5	/* bytes of the console, either way */
#define MK_MSG_PEERS		6	/* host says: other instances have come or gone */
#define MK_MSG_WINSIZE		7	/* host says: struct mk_msg_winsize */
#define MK_NR_MSGS		8

/**
 * struct mk_msg_hello - MK_MSG_HELLO
 * @version: the newest version that the sender speaks, see MK_BOOT_VERSION
 * @nr_cpus: CPUs that are online at the sender
 * @features: MK_BOOT_F_* that the sender knows
 * @release: start of the sender's kernel release, NUL-terminated
 * @version_min: the oldest version that the sender speaks; 0 if it knows @version alone
 * @mem_shift: of an instance: log2 of the size in bytes of the blocks in which it takes
 *             and gives memory while it runs; 0 if it can't
 *
 * May end behind @release, or have further fields: what a sender does not have is zero,
 * and what a receiver does not know is ignored.
 */
struct mk_msg_hello {
	__u32 version;
	__u32 nr_cpus;
	__u64 features;
	char release[40];
	__u32 version_min;
	__u32 mem_shift;
};

/**
 * struct mk_msg_winsize - MK_MSG_WINSIZE: the terminal that reads the console
 * @rows: its lines
 * @columns: its columns
 */
struct mk_msg_winsize {
	__u16 rows;
	__u16 columns;
};

/* Size of a hello when MK_BOOT_VERSION became 3: no sender has less */
#define MK_HELLO_MIN	56

#endif /* _LINUX_MULTIKERNEL_ABI_RING_H */
