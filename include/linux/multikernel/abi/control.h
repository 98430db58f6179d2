/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_MULTIKERNEL_ABI_CONTROL_H
#define _LINUX_MULTIKERNEL_ABI_CONTROL_H

#include <linux/types.h>

/**
 * DOC: Control calls
 *
 * Calls on the control channel between host and instance.  Each begins with a word
 * that says what is wanted; what is not known is answered by -EOPNOTSUPP.  Each side
 * works on what the other one wants in the order in which it came, one after the other.
 * It keeps a few calls in store; for more it answers -EAGAIN, which means to ask again
 * a little later.
 *
 * The host owns the memory of every connection and introduces its two ends to each
 * other; what they say does not pass through it.  An instance asks by
 * MK_CTL_CONNECT, and the reply is a &struct mk_ctl_open.  The other end is told by
 * MK_CTL_OPEN with a &struct mk_ctl_open of its own, unless it is the host.
 * Whoever gives a connection up says MK_CTL_CLOSE.  The host says it to the other
 * end and answers when that one has, and the host reuses the memory when neither end
 * maps it any more, or has ended.
 *
 * An instance learns which other instances there are by asking for one after the
 * other, MK_CTL_PEER; the reply is a &struct mk_ctl_peer, too, or -ENOENT.  After a
 * change the host sends MK_MSG_PEERS to each instance that knows it.
 *
 * The host changes what a running instance has by MK_CTL_CPU_ADD and MK_CTL_MEM_ADD,
 * when it owns what it is told of, and by MK_CTL_CPU_DEL and MK_CTL_MEM_DEL, which it
 * answers when it uses it no more, or does not let go.  A CPU that is added is parked,
 * see abi/x86.h, and is parked again when it goes.  What is the case already is no error.
 *
 * An instance that runs may be succeeded by another one that runs, see
 * kernel/multikernel/succeed.c.  The one says by MK_CTL_FORMATS in which formats it would
 * hand over what it preserves, and the other one is asked by MK_CTL_UNDERSTANDS whether it
 * knows them, both a &struct mk_ctl_formats.  The successor is told of the memory of the other,
 * MK_CTL_ADOPT_MEM, which it adds and does not use; MK_CTL_AWAITED is answered by -EAGAIN as
 * long as nobody in its userspace waits for a state.  That other one has its userspace told
 * by MK_CTL_PREPARE, and freezes it by MK_CTL_FREEZE, answered by a &struct mk_ctl_frozen;
 * MK_CTL_THAW undoes it.  With MK_BOOT_F_INHERIT that says of which connections the rings are
 * held: it reads no more there, has published what it has read, and writes no more.  These
 * are opened by the successor, MK_OPEN_INHERITED, when the other one is stopped, and it goes on
 * where that one came to.  The successor looks at what was preserved, MK_CTL_ADOPT, and asks
 * by MK_CTL_TAKE_OVER as soon as its userspace wants it; the reply is a &struct mk_ctl_self.
 * Afterwards it may use the rest of that memory, MK_CTL_ADOPT_REST.
 *
 * A host that makes way for its own next kernel, and leaves its instances running, says
 * MK_CTL_AWAY, answered when the instance has let go of all connections with the host.  Those
 * with other instances go on.  See &struct mk_away for how it goes on.
 *
 * This is a contract between kernels of different versions: a change of the
 * meaning of any field must raise MK_BOOT_VERSION.  Fields may be added at the end.
 */

#define MK_CTL_ECHO		0	/* &struct mk_nop: answer with the same */
#define MK_CTL_FAIL		1	/* &struct mk_nop: answer with mk_nop.error */
#define MK_CTL_CONNECT		2	/* instance to host: &struct mk_ctl_connect */
#define MK_CTL_OPEN		3	/* host to instance: &struct mk_ctl_open */
#define MK_CTL_CLOSE		4	/* either way: &struct mk_ctl_close */
#define MK_CTL_PEER		5	/* instance to host: &struct mk_ctl_peer */
#define MK_CTL_CPU_ADD		6	/* host to instance: &struct mk_ctl_cpu */
#define MK_CTL_CPU_DEL		7	/* host to instance: &struct mk_ctl_cpu */
#define MK_CTL_MEM_ADD		8	/* host to instance: &struct mk_ctl_mem */
#define MK_CTL_MEM_DEL		9	/* host to instance: &struct mk_ctl_mem */
#define MK_CTL_PREPARE		10	/* host to instance: &struct mk_ctl_op */
#define MK_CTL_FREEZE		11	/* host to instance: &struct mk_ctl_op */
#define MK_CTL_THAW		12	/* host to instance: &struct mk_ctl_op */
#define MK_CTL_ADOPT_MEM	13	/* host to instance: &struct mk_ctl_mem */
#define MK_CTL_ADOPT		14	/* host to instance: &struct mk_ctl_adopt */
#define MK_CTL_TAKE_OVER	15	/* instance to host: &struct mk_ctl_op */
#define MK_CTL_ADOPT_REST	16	/* host to instance: &struct mk_ctl_op */
#define MK_CTL_AWAITED		17	/* host to instance: &struct mk_ctl_op */
#define MK_CTL_FORMATS		18	/* host to instance: &struct mk_ctl_formats */
#define MK_CTL_UNDERSTANDS	19	/* host to instance: &struct mk_ctl_formats */
#define MK_CTL_AWAY		20	/* host to instance: &struct mk_ctl_op */

/* The longest call or reply on a control channel, in bytes */
#define MK_CTL_MAX		256

#define MK_PEER_NAME_LEN	64
#define MK_SERVICE_NAME_LEN	32
#define MK_FORMATS_LEN		240
#define MK_FROZEN_CONNS		60

/**
 * struct mk_nop - MK_CTL_ECHO or MK_CTL_FAIL
 * @op: which of the two
 * @error: a negative errno
 */
struct mk_nop {
	__u32 op;
	__s32 error;
};

/**
 * struct mk_ctl_connect - MK_CTL_CONNECT
 * @op: MK_CTL_CONNECT
 * @slots: slots that each ring shall have at least
 * @peer: name of the instance at the other end, or empty for the host
 * @service: what shall be spoken
 * @pages: pages that the two ends shall have together for data that changes hands
 * @reserved: zero
 */
struct mk_ctl_connect {
	__u32 op;
	__u32 slots;
	char peer[MK_PEER_NAME_LEN];
	char service[MK_SERVICE_NAME_LEN];
	__u32 pages;
	__u32 reserved;
};

/**
 * struct mk_ctl_open - MK_CTL_OPEN, or the reply to MK_CTL_CONNECT
 * @op: MK_CTL_OPEN
 * @conn: the host's number of the connection
 * @area_pa: memory of the connection, which is the host's
 * @area_size: its size in bytes
 * @pair_pa: page of the host's with a &struct mk_pair_words; 0 if the other end is
 *           the host, whose words are in the shared area
 * @peer_id: number of the other end, the same for all connections to it until it
 *           ends
 * @side: which of the two cause words is ours to take
 * @channel: id of the channel in the cause words
 * @epoch: of both rings
 * @slots: of each ring
 * @tx_off: offset in the area of the ring that we fill
 * @rx_off: offset in the area of the ring that we empty
 * @peer: name of the other end, empty for the host
 * @service: what is spoken
 * @pages: pages for data that changes hands; who has connected owns the first half
 *         of them at first, who was asked the second
 * @pages_off: offset of these in the area
 * @version: of the ABI, which both ends speak; 0 for that of host and receiver
 * @flags: MK_OPEN_*; only with MK_BOOT_F_INHERIT, otherwise zero
 */
struct mk_ctl_open {
	__u32 op;
	__u32 conn;
	__u64 area_pa;
	__u64 area_size;
	__u64 pair_pa;
	__u32 peer_id;
	__u32 side;
	__u32 channel;
	__u32 epoch;
	__u32 slots;
	__u32 tx_off;
	__u32 rx_off;
	char peer[MK_PEER_NAME_LEN];
	char service[MK_SERVICE_NAME_LEN];
	__u32 pages;
	__u64 pages_off;
	__u32 version;
	__u32 flags;
};

/* The rings are in use: go on with them.  Only with MK_CTL_OPEN, and without pages */
#define MK_OPEN_INHERITED	1

/**
 * struct mk_ctl_close - MK_CTL_CLOSE
 * @op: MK_CTL_CLOSE
 * @conn: the host's number of the connection
 */
struct mk_ctl_close {
	__u32 op;
	__u32 conn;
};

/**
 * struct mk_ctl_peer - MK_CTL_PEER, and its reply
 * @op: MK_CTL_PEER
 * @id: asked: the least id that is wanted; told: of an instance that runs, the next
 *      one other than the one who asks
 * @epoch: told: counts the starts of that instance
 * @life: told: not 0, and never the same for two lives of any instance
 * @name: told: its name, NUL-terminated
 */
struct mk_ctl_peer {
	__u32 op;
	__u32 id;
	__u32 epoch;
	__u32 life;
	char name[MK_PEER_NAME_LEN];
};

/**
 * struct mk_ctl_cpu - MK_CTL_CPU_ADD or MK_CTL_CPU_DEL
 * @op: which of the two
 * @phys_id: the CPU, one of the list in the boot block
 * @node: its NUMA node, in the host's numbers
 * @reserved: zero
 */
struct mk_ctl_cpu {
	__u32 op;
	__u32 phys_id;
	__u32 node;
	__u32 reserved;
};

/**
 * struct mk_ctl_mem - MK_CTL_MEM_ADD, MK_CTL_MEM_DEL or MK_CTL_ADOPT_MEM
 * @op: which of them
 * @node: NUMA node, in the host's numbers
 * @start_pa: first byte, a multiple of the instance's memory blocks
 * @size: in bytes, the same
 */
struct mk_ctl_mem {
	__u32 op;
	__u32 node;
	__u64 start_pa;
	__u64 size;
};

/**
 * struct mk_ctl_op - a call that says no more
 * @op: MK_CTL_*
 * @reserved: zero
 */
struct mk_ctl_op {
	__u32 op;
	__u32 reserved;
};

/**
 * struct mk_ctl_formats - MK_CTL_FORMATS or MK_CTL_UNDERSTANDS, and their replies
 * @op: which of the two
 * @first: MK_CTL_FORMATS: how many are to be left out, which have been told before
 * @next: told by MK_CTL_FORMATS: the value of @first for those that did not fit, or 0
 * @reserved: zero
 * @names: told by MK_CTL_FORMATS, and asked by MK_CTL_UNDERSTANDS: the formats' names, each
 *         ended by NUL, and NULs up to the end; told by MK_CTL_UNDERSTANDS: the first one of
 *         them that is not understood, or nothing.  A name is of graphic ASCII characters
 *         and means the same in each kernel that knows it, as "kho:kho-v4" or
 *         "file:memfd-v2".
 */
struct mk_ctl_formats {
	__u32 op;
	__u32 first;
	__u32 next;
	__u32 reserved;
	char names[MK_FORMATS_LEN];
};

/**
 * struct mk_ctl_frozen - the reply to MK_CTL_FREEZE
 * @fdt_pa: physical address of the FDT of KHO (Documentation/core-api/kho/abi.rst)
 * @nr_conns: how many connections a successor may inherit
 * @reserved: zero
 * @conns: the host's numbers of them, then zeros
 *
 * Without MK_BOOT_F_INHERIT it ends behind @fdt_pa.
 */
struct mk_ctl_frozen {
	__u64 fdt_pa;
	__u32 nr_conns;
	__u32 reserved;
	__u32 conns[MK_FROZEN_CONNS];
};

/**
 * struct mk_ctl_adopt - MK_CTL_ADOPT
 * @op: MK_CTL_ADOPT
 * @reserved: zero
 * @fdt_pa: what the other kernel has said, see &struct mk_ctl_frozen
 */
struct mk_ctl_adopt {
	__u32 op;
	__u32 reserved;
	__u64 fdt_pa;
};

/**
 * struct mk_ctl_self - the reply to MK_CTL_TAKE_OVER
 * @id: what the instance is from now on
 * @epoch: its own, which does not change
 * @name: what its name is from now on, NUL-terminated
 */
struct mk_ctl_self {
	__u32 id;
	__u32 epoch;
	char name[MK_PEER_NAME_LEN];
};

/**
 * struct mk_pair_words - cause words of two instances
 * @cause: MK_CAUSE_*, each taken by the side of that number
 */
struct mk_pair_words {
	struct {
		__u64 word;
		__u64 reserved[7];
	} cause[2];
};

#endif /* _LINUX_MULTIKERNEL_ABI_CONTROL_H */
