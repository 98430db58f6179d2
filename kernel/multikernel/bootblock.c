// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: bootblock.c - layout, writing and checking of the boot block
 *
 * The host lays out the shared area of an instance with mk_boot_block_layout()
 * and fills the boot block with mk_boot_block_fill(); the architecture adds its
 * part.  The instance copies the block and checks the copy with
 * mk_boot_block_check() before it believes a word of it.
 * See include/linux/multikernel/abi/boot.h for the contract.
 */

#include <linux/align.h>
#include <linux/cache.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/multikernel/abi/x86.h>

#include "internal.h"

/*
 * Slots of the rings.  Control: each message is small and answered soon, so one
 * page of them is plenty.  Console: what a kernel prints before the host first
 * looks is some 20 KiB, at up to 120 bytes a message; typing needs less.
 */
static const struct mk_boot_ring mk_boot_rings[] = {
	{ .dir = MK_RING_TO_INSTANCE, .class = MK_CLASS_CONTROL, .slots = 64 },
	{ .dir = MK_RING_TO_HOST, .class = MK_CLASS_CONTROL, .slots = 64 },
	{ .dir = MK_RING_TO_INSTANCE, .class = MK_CLASS_CONSOLE, .slots = 64 },
	{ .dir = MK_RING_TO_HOST, .class = MK_CLASS_CONSOLE, .slots = 1024 },
};

/*
 * Room for the architecture's tables: 1 KiB, and 16 bytes for each CPU, which is
 * what ACPI's entry for a local x2APIC takes.
 */
static size_t mk_boot_tables_size(u32 nr_cpus)
{
	return PAGE_ALIGN(SZ_1K + nr_cpus * 16);
}

/**
 * mk_boot_tables_off() - where the architecture's tables lie
 * @block: a block that has been laid out
 *
 * Return: offset in the shared area, page-aligned.
 */
u32 mk_boot_tables_off(const struct mk_boot_block *block)
{
	u32 slots = block->nr_cpus + block->nr_spare;

	return PAGE_ALIGN(block->x86.slots_off + slots * MK_PARK_SLOT_SIZE);
}

static u32 mk_boot_nodes_off(const struct mk_boot_block *block)
{
	/* All: the layout is the same whichever of them are the instance's */
	return mk_boot_tables_off(block) +
	       mk_boot_tables_size(block->nr_cpus + block->nr_spare);
}

static size_t mk_boot_nodes_size(u32 nr)
{
	return PAGE_ALIGN(nr * sizeof(__u32) + nr * nr);
}

static u32 mk_boot_beats_off(const struct mk_boot_block *block)
{
	return mk_boot_nodes_off(block) + mk_boot_nodes_size(block->nr_nodes);
}

static u32 mk_boot_rings_start(const struct mk_boot_block *block)
{
	u32 slots = block->nr_cpus + block->nr_spare;

	return PAGE_ALIGN(mk_boot_beats_off(block) + slots * sizeof(struct mk_beat));
}

static void mk_boot_layout_nodes(struct mk_boot_block *block)
{
	unsigned int nr = num_online_nodes();

	if (nr > MK_BOOT_NODES_MAX)
		return;
	block->nr_nodes = nr;
	block->nodes_off = mk_boot_nodes_off(block);
	block->distances_off = block->nodes_off + nr * sizeof(__u32);
}

/**
 * mk_boot_block_layout() - lay out a shared area
 * @block: the block, whose offsets and counts are set
 * @nr_cpus: CPUs of the instance
 * @nr_spare: CPUs that it may be given later
 * @nr_mem: ranges of its memory
 * @size: where to store the size of the shared area
 *
 * Return: 0, or -E2BIG if the lists do not fit into the first page.
 */
int mk_boot_block_layout(struct mk_boot_block *block, unsigned int nr_cpus,
			 unsigned int nr_spare, unsigned int nr_mem, size_t *size)
{
	size_t end = ALIGN(sizeof(*block), 64);
	unsigned int i;

	memset(block, 0, sizeof(*block));
	block->magic = MK_BOOT_MAGIC;
	block->version = mk_abi_ours()->newest;
	block->version_min = mk_abi_ours()->oldest;
	block->size = sizeof(*block);
	block->features = mk_abi_ours()->features;

	block->nr_mem = nr_mem;
	block->mem_off = end;
	end += nr_mem * sizeof(struct mk_boot_mem);
	block->nr_rings = ARRAY_SIZE(mk_boot_rings);
	block->rings_off = end;
	end += sizeof(mk_boot_rings);
	block->nr_cpus = nr_cpus;
	block->nr_spare = nr_spare;
	block->cpus_off = end;
	end += size_mul(size_add(nr_cpus, nr_spare), sizeof(struct mk_boot_cpu));
	if (end > PAGE_SIZE)
		return mk_fail(-E2BIG,
			       "%u CPUs and %u ranges of memory do not fit into the boot block",
			       nr_cpus, nr_mem);

	block->words_off = PAGE_SIZE;
	/* The page after the words is the architecture's code */
	block->x86.slots_off = 3 * PAGE_SIZE;
	mk_boot_layout_nodes(block);
	block->beats_off = mk_boot_beats_off(block);
	end = mk_boot_rings_start(block);
	for (i = 0; i < ARRAY_SIZE(mk_boot_rings); i++)
		end += PAGE_ALIGN(mk_ring_size(mk_boot_rings[i].slots));
	*size = end;
	return 0;
}

static void mk_boot_block_fill_rings(void *shared, const struct mk_boot_block *block)
{
	struct mk_boot_ring *ring = shared + block->rings_off;
	size_t off = mk_boot_rings_start(block);
	unsigned int i;

	for (i = 0; i < block->nr_rings; i++, ring++) {
		*ring = mk_boot_rings[i];
		ring->ring_off = off;
		off += PAGE_ALIGN(mk_ring_size(ring->slots));
	}
}

static void mk_boot_block_fill_nodes(void *shared, struct mk_boot_block *block)
{
	__u32 *node = shared + block->nodes_off;
	__u8 *distance = shared + block->distances_off;
	unsigned int nr = 0, i, j;
	int nid;

	for_each_online_node(nid)
		if (nr < block->nr_nodes)
			node[nr++] = nid;
	/* One may have gone offline */
	block->nr_nodes = nr;
	for (i = 0; i < nr; i++)
		for (j = 0; j < nr; j++)
			*distance++ = node_distance(node[i], node[j]);
}

/**
 * mk_boot_block_fill() - write what is the same on all architectures
 * @inst: the instance; its shared area is zeroed
 * @block: from mk_boot_block_layout(); the caller copies it into the shared area
 *
 * The architecture adds its own part and the time of day.
 */
void mk_boot_block_fill(struct mk_instance *inst, struct mk_boot_block *block)
{
	void *shared = inst->shared.va;
	struct mk_boot_cpu *cpus = shared + block->cpus_off;
	struct mk_boot_mem *mem = shared + block->mem_off;
	unsigned int i;

	block->instance_id = inst->id;
	block->epoch = inst->epoch;
	block->beat_ms = inst->beat_ms;
	strscpy(block->name, inst->name);

	for (i = 0; i < inst->nr_slots; i++) {
		cpus[i].phys_id = mk_arch_phys_id(inst->slot_cpu[i]);
		cpus[i].node = cpu_to_node(inst->slot_cpu[i]);
	}
	for (i = 0; i < inst->mem.nr; i++) {
		struct mk_range *range = &inst->mem.range[i];

		mem[i].start_pa = page_to_phys(range->page);
		mem[i].size = (u64)range->nr * PAGE_SIZE;
		mem[i].node = page_to_nid(range->page);
	}
	mk_boot_block_fill_nodes(shared, block);
	mk_boot_block_fill_rings(shared, block);
}

/**
 * mk_boot_block_resume() - lay out the rings of an instance that runs, once more
 * @inst: the instance, locked, in a new epoch; it uses nothing of the shared area but what
 *        &struct mk_away says
 *
 * Everything lies where it lay.
 */
void mk_boot_block_resume(struct mk_instance *inst)
{
	struct mk_boot_block *block = &inst->block;
	size_t rings = mk_boot_rings_start(block);
	void *shared = inst->shared.va;
	struct mk_words *words = shared + block->words_off;

	block->version = mk_abi_ours()->newest;
	block->version_min = mk_abi_ours()->oldest;
	block->features = mk_abi_ours()->features;
	block->epoch = inst->epoch;
	memset(shared + rings, 0, inst->shared.size - rings);
	mk_boot_block_fill_rings(shared, block);
	words->cause_to_host = 0;
	words->cause_to_instance = 0;
	memcpy(shared, block, sizeof(*block));
}

static bool mk_boot_list_ok(u32 off, u32 nr, size_t entry, size_t size)
{
	size_t end;

	return !check_mul_overflow((size_t)nr, entry, &end) &&
	       !check_add_overflow(end, (size_t)off, &end) && end <= size;
}

/**
 * mk_boot_block_read() - copy a boot block that another version may have written
 * @block: where to
 * @shared: the shared area, at least a page
 *
 * Fields that the writer did not know are zero in the copy, which is still to be
 * checked.
 */
void mk_boot_block_read(struct mk_boot_block *block, const void *shared)
{
	size_t size;

	memcpy(block, shared, sizeof(*block));
	size = clamp_t(size_t, block->size, MK_BOOT_BLOCK_MIN, sizeof(*block));
	memset((void *)block + size, 0, sizeof(*block) - size);
}

/**
 * mk_boot_block_abi() - what does the host speak?
 * @block: private copy of the block
 *
 * Return: what it says, not checked.
 */
struct mk_abi mk_boot_block_abi(const struct mk_boot_block *block)
{
	return mk_abi_of(block->version, block->version_min, block->features);
}

/**
 * mk_boot_block_check() - is this a boot block that we understand?
 * @block: private copy of the block
 * @size: size of the shared area
 *
 * Return: 0, -EINVAL if it is none or damaged, -EPROTONOSUPPORT if host and instance
 * have no version in common.
 */
int mk_boot_block_check(const struct mk_boot_block *block, size_t size)
{
	struct mk_abi theirs = mk_boot_block_abi(block);
	u32 nr_cpus;

	if (block->magic != MK_BOOT_MAGIC || block->size < MK_BOOT_BLOCK_MIN ||
	    !mk_abi_ok(&theirs))
		return -EINVAL;
	if (!mk_abi_agree(mk_abi_ours(), &theirs) && !mk_abi_blind())
		return -EPROTONOSUPPORT;
	if (!block->nr_cpus || !block->nr_mem ||
	    !memchr(block->name, '\0', sizeof(block->name)))
		return -EINVAL;
	/* Both are used by atomic operations, which may not cross a line */
	if (!IS_ALIGNED(block->words_off | block->x86.slots_off | block->beats_off,
			SMP_CACHE_BYTES))
		return -EINVAL;
	if (check_add_overflow(block->nr_cpus, block->nr_spare, &nr_cpus) ||
	    !mk_boot_list_ok(block->cpus_off, nr_cpus, sizeof(struct mk_boot_cpu), size) ||
	    !mk_boot_list_ok(block->mem_off, block->nr_mem,
			     sizeof(struct mk_boot_mem), size) ||
	    !mk_boot_list_ok(block->rings_off, block->nr_rings,
			     sizeof(struct mk_boot_ring), size) ||
	    !mk_boot_list_ok(block->beats_off, block->beat_ms ? nr_cpus : 0,
			     sizeof(struct mk_beat), size) ||
	    block->nr_nodes > MK_BOOT_NODES_MAX ||
	    !IS_ALIGNED(block->nodes_off, sizeof(__u32)) ||
	    !mk_boot_list_ok(block->nodes_off, block->nr_nodes, sizeof(__u32), size) ||
	    !mk_boot_list_ok(block->distances_off, block->nr_nodes * block->nr_nodes, 1, size) ||
	    !mk_boot_list_ok(block->words_off, 1, sizeof(struct mk_words), size) ||
	    !mk_boot_list_ok(block->x86.slots_off, nr_cpus, MK_PARK_SLOT_SIZE, size))
		return -EINVAL;
	return 0;
}
