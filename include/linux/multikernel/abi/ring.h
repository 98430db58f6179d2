/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_MULTIKERNEL_ABI_RING_H
#define _LINUX_MULTIKERNEL_ABI_RING_H

#include <linux/bits.h>
#include <linux/types.h>

/**
 * DOC: Rings on the wire
 *
 * A ring carries messages one way between two kernels, from one producer to one
 * consumer.  It is an array of slots, each one cache line: 56 bytes of payload
 * and the control word, which is written last, so that one line moves from core
 * to core for a message.  The control word states the position of the message
 * in the stream plus one; the consumer knows the position that it waits for, so
 * the ring needs no head index in shared memory, and a slot of an earlier round
 * is never taken for a new one.
 *
 * The consumer publishes how far it has read (tail) and whether it sleeps
 * (armed) in a line of its own, before the slots.
 *
 * This is a contract between kernels of different versions: a change of the
 * meaning of any field must raise MK_BOOT_VERSION.
 */

#define MK_SLOT_PAYLOAD		56

/* Control word */
#define MK_CTL_SEQ		GENMASK_ULL(63, 32)	/* position + 1, modulo 2^32 */
#define MK_CTL_TYPE		GENMASK_ULL(31, 16)	/* MK_MSG_* */
#define MK_CTL_LEN		GENMASK_ULL(15, 8)	/* bytes of payload, 0 to 56 */

/**
 * struct mk_slot - one message
 * @payload: the first MK_CTL_LEN bytes count
 * @ctl: control word, written last
 */
struct mk_slot {
	__u8 payload[MK_SLOT_PAYLOAD];
	__u64 ctl;
} __aligned(64);

/**
 * struct mk_ring_mem - a ring in the shared area
 * @tail: position of the next message that the consumer will read
 * @armed: odd while the consumer sleeps and wants a doorbell; it goes up by one
 *         at each change, so that the producer rings once for each sleep, for a
 *         message that @tail has not passed
 * @reserved: zero
 * @slot: the slots
 *
 * All but @slot is written by the consumer.
 */
struct mk_ring_mem {
	__u32 tail;
	__u32 armed;
	__u32 reserved[14];
	struct mk_slot slot[];
};

/*
 * Messages.  The peer is known by the ring that a message lies in; no message
 * states its sender.
 */
#define MK_MSG_HELLO		1	/* struct mk_msg_hello, first in each direction */
#define MK_MSG_NOP		2	/* any payload; answered by MK_MSG_NOP_REPLY */
#define MK_MSG_NOP_REPLY	3	/* the same payload */
#define MK_MSG_SHUTDOWN		4	/* host asks: power off in order */
#define MK_MSG_CONSOLE		5	/* bytes of the console, either way */
#define MK_NR_MSGS		6

/**
 * struct mk_msg_hello - MK_MSG_HELLO
 * @version: MK_BOOT_VERSION of the sender
 * @nr_cpus: CPUs that are online at the sender
 * @features: MK_BOOT_F_* that the sender knows
 * @release: start of the sender's kernel release, NUL-terminated
 */
struct mk_msg_hello {
	__u32 version;
	__u32 nr_cpus;
	__u64 features;
	char release[40];
};

#endif /* _LINUX_MULTIKERNEL_ABI_RING_H */
