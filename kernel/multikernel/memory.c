// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: memory.c - memory leaves the host and comes back
 *
 * Memory for an instance is allocated at run time in physically contiguous
 * ranges, as few and as large as there are, without a boot parameter.  It is
 * zeroed, marked PageOffline() so that dump tools and /proc/kcore pass it over,
 * and taken out of the host's direct map: a stray access of the host faults
 * where it happens.  To load an image or to look at a dead kernel the host maps
 * what it needs for that moment.
 *
 * On the way back the memory is mapped again, zeroed, and freed.  Memory that
 * can't be mapped again goes into quarantine.  The ledger has each range from the
 * moment of its allocation to that before it is freed.
 *
 * The host may be asked to keep so much available, as /proc/meminfo has it, which then
 * is not for instances.
 *
 * Locking
 * -------
 *
 * Called under the instance's lock.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <kunit/static_stub.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/kexec.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/page-flags.h>
#include <linux/set_memory.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>
#include <asm/tlbflush.h>

#include "internal.h"

/*
 * Ranges below this are not worth an entry in a memory map: a large page.  Nor less than the
 * blocks in which the page allocator isolates memory: the first one of a zone may begin
 * before the zone, which CONFIG_DEBUG_VM does not forgive.
 */
#define MK_MEM_MIN_PAGES	max(SZ_2M / PAGE_SIZE, pageblock_nr_pages)

/* Memory blocks of an instance, but for machines on which they are larger */
#define MK_MEM_BLOCK_PAGES	(SZ_128M / PAGE_SIZE)

/* A piece of less than about this part of what a node shall give is not worth a range */
#define MK_MEM_CRUMBS		8

/* Pages that are mapped at a time to copy to or from an instance */
#define MK_MEM_WINDOW		16

static int mk_range_direct_map(const struct mk_range *range, bool valid)
{
	unsigned long va = (unsigned long)page_address(range->page);
	unsigned long done, nr;
	int ret = 0;

	/* The interface counts pages in an unsigned int */
	for (done = 0; done < range->nr && !ret; done += nr) {
		nr = min(range->nr - done, 1UL << 30);
		ret = set_direct_map_valid_noflush(range->page + done, nr, valid);
	}
	if (!valid)
		flush_tlb_kernel_range(va, va + range->nr * PAGE_SIZE);
	return ret;
}

static void mk_range_clear(const struct mk_range *range)
{
	unsigned long i;

	for (i = 0; i < range->nr; i++) {
		clear_page(page_address(range->page + i));
		if (!(i % 1024))
			cond_resched();
	}
}

static void mk_range_mark(const struct mk_range *range, bool offline)
{
	unsigned long i;

	for (i = 0; i < range->nr; i++) {
		if (offline)
			__SetPageOffline(range->page + i);
		else
			__ClearPageOffline(range->page + i);
	}
}

static int mk_range_claim(const struct mk_range *range, u16 from, u16 to)
{
	return mk_ledger_claim_mem(page_to_phys(range->page),
				   (u64)range->nr * PAGE_SIZE, from, to);
}

/* Back to the host, which can't have it before it is mapped and zeroed */
static void mk_range_free(const struct mk_range *range, u16 owner)
{
	phys_addr_t start = page_to_phys(range->page);

	if (mk_range_direct_map(range, true)) {
		pr_err("memory at %pap can't be mapped again: in quarantine\n",
		       &start);
		WARN_ON(mk_range_claim(range, owner, MK_OWNER_QUARANTINE));
		return;
	}
	mk_range_clear(range);
	mk_range_mark(range, false);
	/* Not the owner's: then nobody may have it */
	if (WARN_ON(mk_range_claim(range, owner, MK_OWNER_HOST)))
		return;
	free_contig_range(page_to_pfn(range->page), range->nr);
}

/* From these nodes, or any, the ones nearest to @nid first */
static int mk_range_alloc(struct mk_range *range, unsigned long nr, int nid,
			  nodemask_t *nodes, u16 owner)
{
	struct page *page;

	page = alloc_contig_pages(nr, GFP_KERNEL | __GFP_NOWARN, nid, nodes);
	if (!page)
		return -ENOMEM;

	*range = (struct mk_range){ .page = page, .nr = nr };
	/* The ledger gives it to another: then the page allocator is wrong */
	if (WARN_ON(mk_range_claim(range, MK_OWNER_HOST, owner)))
		return -ENOMEM;
	mk_range_clear(range);
	mk_range_mark(range, true);
	if (!mk_range_direct_map(range, false))
		return 0;
	mk_range_free(range, owner);
	return -ENOMEM;
}

/*
 * The page allocator aligns a power of two to its size. So what is in memory blocks is taken
 * in such pieces, which are whole blocks for whoever gets them at run time.
 */
static unsigned long mk_memory_piece(unsigned long nr)
{
	return nr < MK_MEM_BLOCK_PAGES ? nr : rounddown_pow_of_two(nr);
}

/**
 * mk_memory_least() - what is too little for a node to give, as it would use up the ranges?
 * @nr: how much it shall give, in pages
 *
 * Return: a number of pages: the smallest piece that is taken from it.
 */
unsigned long mk_memory_least(unsigned long nr)
{
	/* As the pieces are, which are halved: else twice as much would be the smallest */
	return max(mk_memory_piece(nr / MK_MEM_CRUMBS), MK_MEM_MIN_PAGES);
}

/*
 * The largest pieces first: halve what is asked for until it can be had, or is less than
 * is worth a range.
 */
static void mk_memory_grow_from(struct mk_instance *inst, unsigned long nr, int nid,
				nodemask_t *nodes, unsigned long least)
{
	struct mk_memory *mem = &inst->mem;
	unsigned long piece = mk_memory_piece(nr);

	/* More ranges may be left from when it ran */
	while (nr && mem->nr < MK_MEM_START_RANGES) {
		piece = min(piece, mk_memory_piece(nr));
		if (!mk_range_alloc(&mem->range[mem->nr], piece, nid, nodes, inst->id)) {
			mem->nr++;
			mem->pages += piece;
			nr -= piece;
			continue;
		}
		if (piece < 2 * least)
			return;
		piece = ALIGN(piece / 2, MK_MEM_MIN_PAGES);
	}
}

/* From each node that it prefers its share, and what they do not have from others */
static int mk_memory_grow(struct mk_instance *inst, unsigned long want)
{
	struct mk_memory *mem = &inst->mem;
	nodemask_t nodes, one;
	unsigned long lack;
	int nid;

	mk_nodes_of(inst, &nodes);
	for_each_node_mask(nid, nodes) {
		lack = mk_nodes_lack(want, nodes_weight(nodes), mk_nodes_pages(mem, nid));
		lack = min(lack, want - mem->pages);
		init_nodemask_of_node(&one, nid);
		mk_memory_grow_from(inst, lack, nid, &one, mk_memory_least(lack));
	}
	mk_memory_grow_from(inst, want - mem->pages, first_node(nodes), NULL,
			    MK_MEM_MIN_PAGES);
	return mem->pages == want ? 0 : -ENOMEM;
}

static void mk_memory_shrink(struct mk_instance *inst, unsigned long pages)
{
	struct mk_memory *mem = &inst->mem;

	if (mem->pages > pages)
		mk_vmcore_revoke(inst);
	while (mem->pages > pages) {
		struct mk_range *last = &mem->range[mem->nr - 1];
		unsigned long nr = min(mem->pages - pages, last->nr);
		struct mk_range tail = {
			.page = last->page + (last->nr - nr),
			.nr = nr,
		};

		mk_range_free(&tail, inst->id);
		last->nr -= nr;
		mem->pages -= nr;
		if (!last->nr)
			mem->nr--;
	}
}

/* In bytes; written and read as one word */
static u64 mk_memory_keeps;

/**
 * mk_memory_keep() - how much shall the host always have available?
 * @size: in bytes
 *
 * Context: any.
 */
void mk_memory_keep(u64 size)
{
	WRITE_ONCE(mk_memory_keeps, size);
}

/**
 * mk_memory_kept() - what mk_memory_keep() was last told
 *
 * Return: bytes.
 */
u64 mk_memory_kept(void)
{
	return READ_ONCE(mk_memory_keeps);
}

/**
 * mk_memory_pool() - how much could the host give?
 *
 * Return: bytes; not all of it need be in pieces that are large enough.
 */
u64 mk_memory_pool(void)
{
	u64 keep = mk_memory_kept(), there = (u64)max(si_mem_available(), 0L) * PAGE_SIZE;

	return there > keep ? there - keep : 0;
}

/* May the host give so much? */
static int mk_memory_check_kept(u64 size)
{
	u64 keep = mk_memory_kept(), there = (u64)si_mem_available() * PAGE_SIZE;

	if (!keep || size <= mk_memory_pool())
		return 0;
	return mk_fail(-ENOMEM,
		       "the host keeps %llu MiB (pool/keep_memory), and has %llu MiB: no %llu MiB to give",
		       keep / SZ_1M, there / SZ_1M, size / SZ_1M);
}

/**
 * mk_memory_set() - give an instance exactly this much memory
 * @inst: an instance that is not up and has no image
 * @size: in bytes
 *
 * Context: process, under the instance's lock.
 * Return: 0; -EBUSY if the instance is up or has an image; -EINVAL if @size is
 * not a multiple of the page size; -ENOMEM if there is not so much.  Unless 0,
 * nothing has changed.
 */
int mk_memory_set(struct mk_instance *inst, u64 size)
{
	struct mk_memory *mem = &inst->mem;
	unsigned long want, had = mem->pages;
	int ret;

	if (size % PAGE_SIZE)
		return mk_fail(-EINVAL, "%llu bytes is not a multiple of the page size, %lu",
			       size, PAGE_SIZE);
	want = size / PAGE_SIZE;
	if (mk_state_is_up(inst->state))
		return mk_fail(-EBUSY, "instance %s is %s; stop it first",
			       inst->name, mk_state_name(inst->state));
	if (inst->image && want != had)
		return mk_fail(-EBUSY, "an image is loaded into the memory of %s; unload it first",
			       inst->name);

	if (want <= had) {
		mk_memory_shrink(inst, want);
		inst->mem_wanted = size;
		return 0;
	}
	ret = mk_memory_check_kept((u64)(want - had) * PAGE_SIZE);
	if (ret)
		return ret;
	if (want - had > totalram_pages() ||
	    mk_memory_grow(inst, want)) {
		mk_memory_shrink(inst, had);
		return mk_fail(-ENOMEM, "%llu MiB can't be had in large pieces; %lu MiB are free",
			       size / SZ_1M,
			       (unsigned long)(si_mem_available() * PAGE_SIZE / SZ_1M));
	}
	inst->mem_wanted = size;
	return 0;
}

/* A piece at the end of @range, which becomes a range of its own.  Under MK_MEM_RANGES */
static void mk_memory_split(struct mk_memory *mem, struct mk_range *range, unsigned long nr)
{
	mem->range[mem->nr++] = (struct mk_range){
		.page = range->page + (range->nr - nr),
		.nr = nr,
	};
	range->nr -= nr;
}

static struct mk_range *mk_memory_find(struct mk_memory *mem, phys_addr_t pa, u64 size)
{
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		phys_addr_t start = page_to_phys(mem->range[i].page);
		u64 len = (u64)mem->range[i].nr * PAGE_SIZE;

		if (pa >= start && size <= len && pa - start <= len - size)
			return &mem->range[i];
	}
	return NULL;
}

/* From the node of those that it prefers of which it has least, or any */
static int mk_memory_alloc_one(struct mk_instance *inst, struct mk_range *range,
			       unsigned long nr)
{
	nodemask_t nodes, left, one;
	int nid;

	mk_nodes_of(inst, &nodes);
	left = nodes;
	while (!nodes_empty(left)) {
		nid = mk_nodes_next(&inst->mem, &left);
		init_nodemask_of_node(&one, nid);
		if (!mk_range_alloc(range, nr, nid, &one, inst->id))
			return 0;
		node_clear(nid, left);
	}
	return mk_range_alloc(range, nr, first_node(nodes), NULL, inst->id);
}

/**
 * mk_memory_add() - one more range, for an instance that runs
 * @inst: the instance
 * @size: in bytes, a power of two, and at least a page
 * @pa: where to store its physical address, a multiple of @size
 *
 * Context: process, under the instance's lock.
 * Return: 0; -ENOMEM, also if the host keeps it; -ENOSPC if there are too many ranges.
 */
int mk_memory_add(struct mk_instance *inst, u64 size, phys_addr_t *pa)
{
	struct mk_memory *mem = &inst->mem;
	struct mk_range *range = &mem->range[mem->nr];
	int ret;

	KUNIT_STATIC_STUB_REDIRECT(mk_memory_add, inst, size, pa);
	if (mem->nr == MK_MEM_RANGES)
		return -ENOSPC;
	ret = mk_memory_check_kept(size);
	if (ret)
		return ret;
	ret = mk_memory_alloc_one(inst, range, size / PAGE_SIZE);
	if (ret)
		return ret;
	*pa = page_to_phys(range->page);
	mem->pages += range->nr;
	mem->nr++;
	return 0;
}

/* Cuts a piece out; false if nothing is left to note its neighbours in */
static bool mk_memory_cut(struct mk_memory *mem, phys_addr_t pa, u64 size,
			  struct mk_range *piece)
{
	struct mk_range *range = mk_memory_find(mem, pa, size);
	unsigned long nr = size / PAGE_SIZE, behind;

	if (!range || mem->nr == MK_MEM_RANGES)
		return false;
	behind = range->nr - (PHYS_PFN(pa) - page_to_pfn(range->page)) - nr;
	if (behind)
		mk_memory_split(mem, range, behind);
	*piece = (struct mk_range){ .page = pfn_to_page(PHYS_PFN(pa)), .nr = nr };
	range->nr -= nr;
	mem->pages -= nr;
	/* Of no size: the last one takes its place */
	if (!range->nr)
		*range = mem->range[--mem->nr];
	return true;
}

/**
 * mk_memory_del() - a piece is the host's again
 * @inst: an instance that uses it no more
 * @pa: physical address
 * @size: in bytes; see mk_memory_contains()
 *
 * If nothing is left to note its neighbours in it stays the instance's, unused.
 *
 * Context: process, under the instance's lock.
 */
void mk_memory_del(struct mk_instance *inst, phys_addr_t pa, u64 size)
{
	struct mk_range piece;

	KUNIT_STATIC_STUB_REDIRECT(mk_memory_del, inst, pa, size);
	mk_vmcore_revoke(inst);
	if (mk_memory_cut(&inst->mem, pa, size, &piece))
		mk_range_free(&piece, inst->id);
}

/**
 * mk_memory_hand() - a piece is another instance's
 * @from: one that uses it no more
 * @to: the other one
 * @pa: physical address
 * @size: in bytes; see mk_memory_contains()
 *
 * It is zeroed, for which the host maps it a last time.
 *
 * Context: process, under the locks of both.
 * Return: 0; -ENOENT if it is not the first one's; -ENOSPC if one of the two has too many
 * ranges; -ENOMEM if it can't be mapped.
 */
int mk_memory_hand(struct mk_instance *from, struct mk_instance *to, phys_addr_t pa,
		   u64 size)
{
	struct mk_memory *mem = &to->mem;
	struct mk_range piece = {
		.page = pfn_to_page(PHYS_PFN(pa)),
		.nr = size / PAGE_SIZE,
	};

	KUNIT_STATIC_STUB_REDIRECT(mk_memory_hand, from, to, pa, size);
	if (!mk_memory_find(&from->mem, pa, size))
		return -ENOENT;
	if (from->mem.nr == MK_MEM_RANGES || mem->nr == MK_MEM_RANGES)
		return -ENOSPC;
	mk_vmcore_revoke(from);
	if (mk_range_direct_map(&piece, true)) {
		/* What was mapped before it failed */
		mk_range_direct_map(&piece, false);
		return -ENOMEM;
	}
	mk_range_clear(&piece);
	/* It was not mapped a moment ago, so nothing has to be split for it */
	WARN_ON(mk_range_direct_map(&piece, false));
	if (WARN_ON(mk_range_claim(&piece, from->id, to->id)))
		return -ENOENT;
	mk_memory_cut(&from->mem, pa, size, &piece);
	mem->range[mem->nr++] = piece;
	mem->pages += piece.nr;
	return 0;
}

/**
 * mk_memory_rename() - the owner of all memory of an instance has another id
 * @inst: the instance
 * @to: that id
 *
 * Context: under the instance's lock.
 * Return: 0, or what mk_ledger_claim_mem() says.
 */
int mk_memory_rename(struct mk_instance *inst, u16 to)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < inst->mem.nr && !ret; i++)
		ret = mk_range_claim(&inst->mem.range[i], inst->id, to);
	return ret;
}

/**
 * mk_memory_inherit() - all memory of an instance becomes another one's, as it is
 * @from: one that runs no more
 * @to: its successor
 *
 * Context: under the locks of both.
 * Return: 0; -ENOSPC if there are too many ranges, and nothing has changed; or what
 * mk_ledger_claim_mem() says.
 */
int mk_memory_inherit(struct mk_instance *from, struct mk_instance *to)
{
	struct mk_memory *a = &from->mem, *b = &to->mem;
	int ret;

	if (a->nr + b->nr > MK_MEM_RANGES)
		return -ENOSPC;
	mk_vmcore_revoke(from);
	ret = mk_memory_rename(from, to->id);
	if (ret)
		return ret;
	memcpy(&b->range[b->nr], a->range, a->nr * sizeof(a->range[0]));
	b->nr += a->nr;
	b->pages += a->pages;
	*a = (struct mk_memory){};
	return 0;
}

/**
 * mk_memory_resume() - an instance has this memory since before this kernel began
 * @inst: the instance
 * @page: its first page; this kernel's, allocated, and mapped
 * @nr: number of pages
 *
 * What is in it stays as it is.
 *
 * Context: process, under the instance's lock.
 * Return: 0; -ENOSPC if there are too many ranges; -EBUSY if it is another one's; -ENOMEM.
 */
int mk_memory_resume(struct mk_instance *inst, struct page *page, unsigned long nr)
{
	struct mk_memory *mem = &inst->mem;
	struct mk_range range = { .page = page, .nr = nr };
	int ret;

	if (mem->nr == MK_MEM_RANGES)
		return -ENOSPC;
	ret = mk_range_claim(&range, MK_OWNER_HOST, inst->id);
	if (ret)
		return ret;
	mk_range_mark(&range, true);
	mem->range[mem->nr++] = range;
	mem->pages += nr;
	return mk_range_direct_map(&range, false) ? -ENOMEM : 0;
}

static bool mk_memory_has_image(struct mk_instance *inst, phys_addr_t pa, u64 size)
{
	unsigned long i;

	for (i = 0; inst->image && i < inst->image->nr_segments; i++) {
		struct kexec_segment *seg = &inst->image->segment[i];

		if (seg->mem < pa + size && pa < seg->mem + seg->memsz)
			return true;
	}
	return false;
}

/**
 * mk_memory_block_below() - which block to ask an instance for next
 * @inst: the instance
 * @block: size of its memory blocks in bytes, a power of two
 * @below: end of the last one that it was asked for
 *
 * From the highest to the lowest, so that each is asked for once.  Not where the image is
 * to be put at the next start.
 *
 * Context: process, under the instance's lock.
 * Return: physical address of a block that lies in one range; 0 if there is none.
 */
phys_addr_t mk_memory_block_below(struct mk_instance *inst, u64 block, phys_addr_t below)
{
	struct mk_memory *mem = &inst->mem;
	phys_addr_t best = 0;
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		phys_addr_t start = ALIGN(page_to_phys(mem->range[i].page), block);
		phys_addr_t end = page_to_phys(mem->range[i].page) +
				  (u64)mem->range[i].nr * PAGE_SIZE;
		phys_addr_t pa = ALIGN_DOWN(min(end, below), block);

		while (pa >= start + block && mk_memory_has_image(inst, pa - block, block))
			pa -= block;
		if (pa >= start + block)
			best = max(best, pa - block);
	}
	return best;
}

/**
 * mk_memory_quarantine() - lose all memory of an instance
 * @inst: an instance of which something may run that can't be stopped
 *
 * The pages stay allocated, marked and out of the direct map for ever.
 *
 * Context: process, under the instance's lock.
 */
void mk_memory_quarantine(struct mk_instance *inst)
{
	struct mk_memory *mem = &inst->mem;
	unsigned int i;

	mk_vmcore_revoke(inst);
	for (i = 0; i < mem->nr; i++)
		WARN_ON(mk_range_claim(&mem->range[i], inst->id, MK_OWNER_QUARANTINE));
	mem->nr = 0;
	mem->pages = 0;
}

/**
 * mk_memory_contains() - does this lie in the instance's memory?
 * @mem: the memory
 * @pa: physical address
 * @size: in bytes, not 0
 *
 * Return: true if all of it lies in one range.
 */
bool mk_memory_contains(const struct mk_memory *mem, phys_addr_t pa, u64 size)
{
	return mk_memory_find((struct mk_memory *)mem, pa, size);
}

static int mk_memory_copy_window(phys_addr_t pa, void *buf, size_t len, bool write)
{
	struct page *pages[MK_MEM_WINDOW];
	unsigned int nr = DIV_ROUND_UP(offset_in_page(pa) + len, PAGE_SIZE);
	unsigned int i;
	void *va;

	for (i = 0; i < nr; i++)
		pages[i] = pfn_to_page(PHYS_PFN(pa) + i);
	va = vmap(pages, nr, VM_MAP, PAGE_KERNEL);
	if (!va)
		return -ENOMEM;
	if (write)
		memcpy(va + offset_in_page(pa), buf, len);
	else
		memcpy(buf, va + offset_in_page(pa), len);
	vunmap(va);
	return 0;
}

static int mk_memory_copy(const struct mk_memory *mem, phys_addr_t pa, void *buf,
			  size_t len, bool write)
{
	size_t step;
	int ret;

	if (len && !mk_memory_contains(mem, pa, len))
		return -EFAULT;
	for (; len; pa += step, buf += step, len -= step) {
		step = min(len, MK_MEM_WINDOW * PAGE_SIZE - offset_in_page(pa));
		ret = mk_memory_copy_window(pa, buf, step, write);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/**
 * mk_memory_write() - copy into the memory of an instance
 * @inst: the instance
 * @pa: physical address, in one of its ranges
 * @src: what to copy
 * @len: in bytes
 *
 * Context: may sleep.
 * Return: 0, -EFAULT if it is not the instance's memory, -ENOMEM.
 */
int mk_memory_write(struct mk_instance *inst, phys_addr_t pa, const void *src,
		    size_t len)
{
	return mk_memory_copy(&inst->mem, pa, (void *)src, len, true);
}

/**
 * mk_memory_read() - copy from the memory of an instance
 * @mem: its memory, or a copy of how it was, none of which has been freed
 * @pa: physical address, in one of its ranges
 * @dst: where to copy to
 * @len: in bytes
 *
 * Context: may sleep.
 * Return: 0, -EFAULT if it is not that memory, -ENOMEM.
 */
int mk_memory_read(const struct mk_memory *mem, phys_addr_t pa, void *dst, size_t len)
{
	return mk_memory_copy(mem, pa, dst, len, false);
}
