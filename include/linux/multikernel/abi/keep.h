/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_MULTIKERNEL_ABI_KEEP_H
#define _LINUX_MULTIKERNEL_ABI_KEEP_H

/**
 * DOC: What a host leaves to the next one
 *
 * A host that enters its next kernel by kexec, with KHO
 * (Documentation/core-api/kho/index.rst), may leave its instances running.  What the next one
 * has to know of them is a blob in the sub-tree "multikernel": a &struct mk_keep, followed by
 * &mk_keep.nr entries of &mk_keep.entry_size bytes, each a &struct mk_keep_instance.
 *
 * Connections between these are written down apart, as &mk_keep.nr_conns entries of
 * &mk_keep.conn_size bytes, each a &struct mk_keep_conn.  Nobody stops using them.
 *
 * The memory of the instances, their shared areas, those of their connections, the page tables
 * under which their CPUs park, and the images that are loaded are preserved, page by page, and
 * so is the blob.
 *
 * The two hosts may be different builds.  A change of the meaning of any field, or of what a
 * host must do with it, must raise MK_KEEP_VERSION; one that finds another version than its
 * own leaves all of it alone.
 */

#include <linux/multikernel/abi/boot.h>
#include <linux/multikernel/abi/control.h>
#include <linux/types.h>

#define MK_KEEP_SUBTREE		"multikernel"
#define MK_KEEP_MAGIC		0x5045454b4b4d4d4bULL	/* "KMMKKEEP" */
#define MK_KEEP_VERSION		1

#define MK_KEEP_SLOTS		128
#define MK_KEEP_RANGES		64
#define MK_KEEP_NODES		1024
#define MK_KEEP_EVENTS		7
#define MK_KEEP_SEGMENTS	16
#define MK_KEEP_CMDLINE		4096
#define MK_KEEP_NAME		256
#define MK_KEEP_SHA256		32

/* Bits of mk_keep_instance.flags */
#define MK_KEEP_RECOVERY	BIT(0)	/* "recovery" is set to "restart" */

/**
 * struct mk_keep - what comes first
 * @magic: MK_KEEP_MAGIC
 * @version: MK_KEEP_VERSION
 * @nr: entries that follow
 * @entry_size: of each, in bytes
 * @lives: lives of instances so far; what the next host tells of begins behind that
 * @memory_kept: what pool/keep_memory says, in bytes
 * @conns_pa: physical address of the connections, if there are any
 * @nr_conns: their number
 * @conn_size: of each entry, in bytes
 * @conns_last: the greatest number that a connection or a pair of instances has had so far
 * @reserved: zero
 */
struct mk_keep {
	__u64 magic;
	__u32 version;
	__u32 nr;
	__u32 entry_size;
	__u32 lives;
	__u64 memory_kept;
	__u64 conns_pa;
	__u32 nr_conns;
	__u32 conn_size;
	__u32 conns_last;
	__u32 reserved;
};

/**
 * struct mk_keep_conn - a connection between two instances
 * @nr: the host's number of it
 * @id: who has asked for it, and who was asked; 0 for one who does not use it any more
 * @pair: number by which the two know each other
 * @first: which of @id takes the first cause word; the other one takes the second
 * @channel: id of the channel in the cause words
 * @slots: of each ring
 * @pages: pages for data that changes hands
 * @version: of the ABI, which both ends speak
 * @reserved: zero
 * @words_pa: page with a &struct mk_pair_words, the same for all connections of a pair
 * @area_pa: memory of the connection: the ring that the one fills who has asked, that of the
 *           other one, the pages
 * @area_size: its size in bytes
 * @service: what is spoken, NUL-terminated
 */
struct mk_keep_conn {
	__u32 nr;
	__u32 id[2];
	__u32 pair;
	__u32 first;
	__u32 channel;
	__u32 slots;
	__u32 pages;
	__u32 version;
	__u32 reserved;
	__u64 words_pa;
	__u64 area_pa;
	__u64 area_size;
	char service[MK_SERVICE_NAME_LEN];
};

/**
 * struct mk_keep_range - memory of an instance
 * @pa: physical address, a multiple of the page size
 * @size: in bytes, the same
 */
struct mk_keep_range {
	__u64 pa;
	__u64 size;
};

/**
 * struct mk_keep_x86 - what only x86 needs
 * @park_root_pa: top level of the page tables under which CPUs park
 * @park_levels: 4 or 5
 * @reserved: zero
 */
struct mk_keep_x86 {
	__u64 park_root_pa;
	__u32 park_levels;
	__u32 reserved;
};

/**
 * struct mk_keep_segment - part of an image
 * @mem: physical address where it goes
 * @memsz: size there, in bytes
 * @bufsz: how much of that the image has, in bytes
 */
struct mk_keep_segment {
	__u64 mem;
	__u64 memsz;
	__u64 bufsz;
};

/* Bits of mk_keep_image.flags */
#define MK_KEEP_FILE		BIT(0)	/* by kexec_file_load() */
#define MK_KEEP_HAS_CMDLINE	BIT(1)

/**
 * struct mk_keep_image - what a start puts into an instance's memory
 * @head: first entry of kexec's list of pages (include/linux/kexec.h); 0 if there is no image
 * @start: physical address where it is entered
 * @flags: MK_KEEP_FILE and so on
 * @nr_segments: entries of @segment
 * @segment: its parts
 * @kernel_size: of the kernel file, in bytes
 * @initrd_size: the same of the initrd
 * @segments: what the file "image" says of one from kexec_load(), or 0
 * @segments_size: the same
 * @kernel_sha256: hash of the kernel file
 * @initrd_sha256: the same of the initrd
 * @kernel_name: of the kernel file, NUL-terminated
 * @initrd_name: the same of the initrd
 * @cmdline: command line, NUL-terminated
 */
struct mk_keep_image {
	__u64 head;
	__u64 start;
	__u32 flags;
	__u32 nr_segments;
	struct mk_keep_segment segment[MK_KEEP_SEGMENTS];
	__u64 kernel_size;
	__u64 initrd_size;
	__u64 segments;
	__u64 segments_size;
	__u8 kernel_sha256[MK_KEEP_SHA256];
	__u8 initrd_sha256[MK_KEEP_SHA256];
	char kernel_name[MK_KEEP_NAME];
	char initrd_name[MK_KEEP_NAME];
	char cmdline[MK_KEEP_CMDLINE];
};

/**
 * struct mk_keep_instance - an instance that runs
 * @name: NUL-terminated
 * @id: 1 to 2047
 * @epoch: number of its current start
 * @flags: MK_KEEP_*
 * @hang_ms: as the file says
 * @boot_ms: as the file says
 * @rows: of the terminal that reads its console, 0 if not known
 * @cols: the same
 * @nr_slots: CPUs that it was told of at its start
 * @nr_ranges: of its memory
 * @mem_block: in which units its kernel takes memory, in bytes; 0 if it can't
 * @mem_wanted: how much memory it was asked to have, in bytes
 * @shared_pa: physical address of the shared area
 * @shared_size: its size in bytes
 * @block: what the boot block says, as the host knows it
 * @events: counters of the file "events", in the order of that file
 * @phys_id: of those CPUs, in the order of the boot block
 * @own: bitmap: which of them are its own
 * @numa: bitmap of nodes, as the file says
 * @range: its memory
 * @x86: see &struct mk_keep_x86
 * @image: what was loaded
 */
struct mk_keep_instance {
	char name[MK_BOOT_NAME_LEN];
	__u32 id;
	__u32 epoch;
	__u32 flags;
	__u32 hang_ms;
	__u32 boot_ms;
	__u16 rows;
	__u16 cols;
	__u32 nr_slots;
	__u32 nr_ranges;
	__u64 mem_block;
	__u64 mem_wanted;
	__u64 shared_pa;
	__u64 shared_size;
	struct mk_boot_block block;
	__u64 events[MK_KEEP_EVENTS];
	__u32 phys_id[MK_KEEP_SLOTS];
	__u64 own[MK_KEEP_SLOTS / 64];
	__u64 numa[MK_KEEP_NODES / 64];
	struct mk_keep_range range[MK_KEEP_RANGES];
	struct mk_keep_x86 x86;
	struct mk_keep_image image;
};

#endif /* _LINUX_MULTIKERNEL_ABI_KEEP_H */
