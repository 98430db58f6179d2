/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_MULTIKERNEL_ABI_BOOT_H
#define _LINUX_MULTIKERNEL_ABI_BOOT_H

/**
 * DOC: The boot block
 *
 * The host plays firmware.  What an instance must know of the machine it finds
 * in one structure, the boot block, which lies in the first page of the
 * *shared area*: a physically contiguous piece of memory that the host owns,
 * that the instance's memory map lists as reserved, and that both map.
 *
 * The instance finds the shared area by an entry of type SETUP_MULTIKERNEL in
 * the list of x86 setup_data (Documentation/arch/x86/boot.rst), whose payload
 * is &struct mk_boot_locator.  A kernel that does not know the type ignores it.
 *
 * Host and instance may be different builds and different versions.  So this
 * file is a contract: fields have a fixed width and little-endian order,
 * physical addresses end in _pa, offsets count from the start of the shared
 * area and end in _off.  A change of the meaning of any field must raise
 * MK_BOOT_VERSION; fields may be added at the end of the boot block, because a
 * reader takes those that the writer does not have, going by the size that the
 * writer states, for zero, and ignores those that it does not know.
 *
 * What never changes, in no version, so that any two kernels can refuse each other:
 * magic, version, size, words_off and version_min are where they are and mean what
 * they mean, and so does &mk_words.last with the reasons up to MK_END_HALT.  An
 * instance that has no version in common with its host looks at nothing else,
 * leaves a reason of MK_END_PANIC with a sentence there, and halts.
 *
 * Layout of the shared area, each part aligned to a page::
 *
 *   boot block | words | park code | park slots | firmware tables | nodes | beats | rings ...
 */

#include <linux/bits.h>
#include <linux/types.h>

/*
 * Type of our entry in the x86 setup_data list.  Not taken from the small
 * numbers of <asm/setup_data.h>, so that it means the same to kernels of all
 * versions, whatever mainline assigns next: "MK".
 */
#define SETUP_MULTIKERNEL	0x4d4b

/*
 * A kernel that looks for the entry says so in the variable part of its kernel_info
 * (Documentation/arch/x86/boot.rst): "MKin", and the size of both words, which is 8.
 */
#define MK_BOOT_INFO_MAGIC	0x6e694b4d

/*
 * One that finds instances which the host before it has left running says so there as well:
 * "MKho", the size of the three words, which is 12, and MK_KEEP_VERSION of abi/keep.h.
 */
#define MK_BOOT_INFO_KEEP	0x6f684b4d

#define MK_BOOT_MAGIC		0x544f4f424b4d4d4bULL	/* "KMMKBOOT" */
#define MK_BOOT_VERSION		3	/* the newest that this kernel speaks */
#define MK_BOOT_VERSION_MIN	3	/* the oldest; those before were never published */

/* Bits of mk_boot_block.features */
#define MK_BOOT_F_X86_PARK	BIT_ULL(0)	/* x86: parked CPUs, see mk_boot_x86 */
#define MK_BOOT_F_PEERS		BIT_ULL(1)	/* MK_MSG_PEERS and MK_CTL_PEER */
#define MK_BOOT_F_RESIZE	BIT_ULL(2)	/* MK_CTL_CPU_* and MK_CTL_MEM_* */
#define MK_BOOT_F_BEAT		BIT_ULL(3)	/* struct mk_beat */
#define MK_BOOT_F_DUMP		BIT_ULL(4)	/* struct mk_dump */
#define MK_BOOT_F_WINSIZE	BIT_ULL(5)	/* MK_MSG_WINSIZE */
#define MK_BOOT_F_UPDATE	BIT_ULL(6)	/* MK_END_KEXEC and struct mk_update */
#define MK_BOOT_F_SUCCEED	BIT_ULL(7)	/* MK_CTL_PREPARE to MK_CTL_AWAITED */
#define MK_BOOT_F_AWAY		BIT_ULL(8)	/* MK_CTL_AWAY and struct mk_away */
#define MK_BOOT_F_INHERIT	BIT_ULL(9)	/* mk_ctl_frozen.conns, MK_OPEN_INHERITED */

#define MK_BOOT_NAME_LEN	64
#define MK_BOOT_NODES_MAX	64	/* a machine that has more shows none */

/**
 * struct mk_boot_locator - payload of the SETUP_MULTIKERNEL setup_data entry
 * @magic: MK_BOOT_MAGIC
 * @shared_pa: physical address of the shared area
 * @shared_size: its size in bytes
 */
struct mk_boot_locator {
	__u64 magic;
	__u64 shared_pa;
	__u64 shared_size;
};

/**
 * struct mk_boot_cpu - one CPU of the instance
 * @phys_id: what the hardware calls it; on x86 the APIC id
 * @node: NUMA node, in the host's numbers
 *
 * The first entry is the CPU that enters the kernel.  Those from mk_boot_block.nr_cpus on
 * are not the instance's, but may become so while it runs, see abi/control.h.
 */
struct mk_boot_cpu {
	__u32 phys_id;
	__u32 node;
};

/**
 * struct mk_boot_mem - one range of the instance's memory
 * @start_pa: first byte
 * @size: in bytes
 * @node: NUMA node, in the host's numbers
 * @reserved: zero
 */
struct mk_boot_mem {
	__u64 start_pa;
	__u64 size;
	__u32 node;
	__u32 reserved;
};

/**
 * struct mk_beat - how a CPU of the instance shows that it lives
 * @irq: counted up by its timer interrupt; 0 if it is not online in the instance
 * @task: counted up by what its scheduler lets run before all else
 * @asked: written by the host, followed by an NMI
 * @answered: what @asked was when an NMI came
 * @reserved: zero
 *
 * One for each CPU in the order of the CPU list, to its end.
 */
struct mk_beat {
	__u64 irq;
	__u64 task;
	__u64 asked;
	__u64 answered;
	__u64 reserved[4];
};

/* mk_boot_ring.dir */
#define MK_RING_TO_INSTANCE	0
#define MK_RING_TO_HOST		1

/* mk_boot_ring.class: the id of its channel; control never waits behind bulk */
#define MK_CLASS_CONTROL	0
#define MK_CLASS_CONSOLE	1
#define MK_NR_CLASSES		2

/**
 * struct mk_boot_ring - where a ring lies, see abi/ring.h
 * @dir: MK_RING_TO_INSTANCE or MK_RING_TO_HOST
 * @class: MK_CLASS_*
 * @ring_off: offset of the struct mk_ring_mem
 * @slots: number of slots, a power of two
 * @reserved: zero
 */
struct mk_boot_ring {
	__u16 dir;
	__u16 class;
	__u32 ring_off;
	__u32 slots;
	__u32 reserved;
};

/**
 * struct mk_boot_x86 - what only x86 needs
 * @park_entry_pa: entry point of the park code, called in 64-bit mode
 * @park_cr3: page tables under which it runs
 * @slots_off: offset of the park slots, one &struct mk_park_slot for each CPU in
 *             the order of the CPU list, to its end; a multiple of 64
 * @tsc_khz: frequency of the time stamp counter
 * @apic_khz: frequency of the local APIC timer's input, 0 if not known
 * @reserved: zero
 */
struct mk_boot_x86 {
	__u64 park_entry_pa;
	__u64 park_cr3;
	__u32 slots_off;
	__u32 tsc_khz;
	__u32 apic_khz;
	__u32 reserved;
};

/**
 * struct mk_boot_block - everything that the host tells an instance at its start
 * @magic: MK_BOOT_MAGIC
 * @version: the newest version that the host speaks
 * @size: size of this structure at the host
 * @features: MK_BOOT_F_*
 * @instance_id: the instance's id, 1 to 2047
 * @epoch: counts the starts of this instance, from 1
 * @name: the instance's name, NUL-terminated
 * @wall_ns: time of day (CLOCK_REALTIME) in ns at the moment @wall_tsc
 * @wall_tsc: the time stamp counter at that moment
 * @words_off: offset of the &struct mk_words, a multiple of 64
 * @nr_cpus: entries at @cpus_off, each a &struct mk_boot_cpu
 * @cpus_off: see @nr_cpus
 * @nr_mem: entries at @mem_off, each a &struct mk_boot_mem
 * @mem_off: see @nr_mem
 * @nr_rings: entries at @rings_off, each a &struct mk_boot_ring
 * @rings_off: see @nr_rings
 * @nr_spare: further entries at @cpus_off, see &struct mk_boot_cpu
 * @x86: see &struct mk_boot_x86
 * @version_min: the oldest version that the host speaks; 0 if it knows @version alone
 * @nr_nodes: NUMA nodes of the machine, at most MK_BOOT_NODES_MAX; 0 if not known
 * @nodes_off: offset of their numbers, each a __u32, in ascending order
 * @distances_off: offset of @nr_nodes rows of @nr_nodes bytes, from a node to each, in
 *                 the order of @nodes_off and the units of ACPI's SLIT: 10 is the node's own
 * @beats_off: offset of the &struct mk_beat, a multiple of 64
 * @beat_ms: how often they are to be counted up, in ms; 0 for never
 */
struct mk_boot_block {
	__u64 magic;
	__u32 version;
	__u32 size;
	__u64 features;
	__u32 instance_id;
	__u32 epoch;
	char name[MK_BOOT_NAME_LEN];
	__u64 wall_ns;
	__u64 wall_tsc;
	__u32 words_off;
	__u32 nr_cpus;
	__u32 cpus_off;
	__u32 nr_mem;
	__u32 mem_off;
	__u32 nr_rings;
	__u32 rings_off;
	__u32 nr_spare;
	struct mk_boot_x86 x86;
	__u32 version_min;
	__u32 nr_nodes;
	__u32 nodes_off;
	__u32 distances_off;
	__u32 beats_off;
	__u32 beat_ms;
};

/* Size of the boot block when MK_BOOT_VERSION became 3: no writer has less */
#define MK_BOOT_BLOCK_MIN	176

/* mk_last_words.reason */
#define MK_END_NONE		0
#define MK_END_PANIC		1
#define MK_END_REBOOT		2
#define MK_END_POWEROFF		3
#define MK_END_HALT		4
#define MK_END_KEXEC		5	/* only with MK_BOOT_F_UPDATE */
#define MK_NR_ENDS		6

#define MK_LAST_WORDS_LEN	240

/**
 * struct mk_last_words - why the instance goes
 * @reason: MK_END_*, written last
 * @reserved: zero
 * @text: for a panic its message, NUL-terminated unless full
 */
struct mk_last_words {
	__u32 reason;
	__u32 reserved[3];
	char text[MK_LAST_WORDS_LEN];
};

/**
 * struct mk_dump - where a reader of the instance's memory begins
 * @vmcoreinfo_pa: physical address of the ELF note VMCOREINFO of its kernel, 0 if it has none
 * @direct_map_va: where its kernel maps the physical address 0, and all its memory from there
 * @notes_pa: physical address of @nr_notes physical addresses, each a __u64, of ELF notes
 *            NT_PRSTATUS with the registers of its CPUs; 0 for one that has none
 * @nr_notes: see @notes_pa
 * @reserved: zero
 *
 * Written by the instance, all in its own memory.
 */
struct mk_dump {
	__u64 vmcoreinfo_pa;
	__u64 direct_map_va;
	__u64 notes_pa;
	__u32 nr_notes;
	__u32 reserved[9];
};

/**
 * struct mk_update - another kernel comes, on the same CPUs and memory
 * @phys_id: of the CPU that enters it
 * @epoch: that of the boot block that the next kernel finds; 0 before it is there
 * @reserved: zero
 *
 * The instance writes @phys_id, and then the reason MK_END_KEXEC.  From then on it reads
 * @epoch, and nothing else in the shared area: the host stops its other CPUs, clears all of
 * the area, lays it out anew at the same place, and writes @epoch last.
 */
struct mk_update {
	__u32 phys_id;
	__u32 epoch;
	__u32 reserved[14];
};

/**
 * struct mk_away - the host goes, and another one comes
 * @closed: written by the instance: 1 when it uses nothing of the shared area any more but
 *          &mk_words.last, &mk_words.dump and the beats
 * @epoch: 0 until the next host has laid out the rings anew; then the one of the boot block,
 *         where the instance is to look what that host speaks
 * @reserved: zero
 *
 * The host that goes clears both, and says MK_CTL_AWAY.  Afterwards the two sides begin as
 * after a start, with the instance's hello.
 */
struct mk_away {
	__u32 closed;
	__u32 epoch;
	__u32 reserved[14];
};

/**
 * struct mk_words - single words of the two sides
 * @cause_to_host: MK_CAUSE_*, set by the instance, cleared by the host
 * @reserved: zero
 * @cause_to_instance: MK_CAUSE_*, set by the host, cleared by the instance
 * @reserved2: zero
 * @last: written by the instance
 * @dump: only with MK_BOOT_F_DUMP
 * @update: only with MK_BOOT_F_UPDATE
 * @away: only with MK_BOOT_F_AWAY
 */
struct mk_words {
	__u64 cause_to_host;
	__u64 reserved[7];
	__u64 cause_to_instance;
	__u64 reserved2[7];
	struct mk_last_words last;
	struct mk_dump dump;
	struct mk_update update;
	struct mk_away away;
};

#endif /* _LINUX_MULTIKERNEL_ABI_BOOT_H */
