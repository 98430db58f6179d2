// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: x86: pages below 1 MiB
 *
 * A CPU can be started in real mode only, below 1 MiB.  The kernel reserves all
 * of it at boot and uses a few pages for its own trampoline; the rest lies idle.
 * One page of the rest is for our trampoline, for good.  Instances that boot from
 * firmware tables get a slice each, because a kernel that does not know us starts
 * its CPUs through a trampoline of its own.
 *
 * Locking
 * -------
 *
 * mk_low_lock protects the map of pages in use; innermost.
 */

#include <linux/bitmap.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <asm/realmode.h>

#include "lowmem.h"

/* Below it firmware is known to scribble, above it are video memory and ROMs */
#define MK_LOW_FIRST	(SZ_64K / PAGE_SIZE)
#define MK_LOW_END	(0xa0000 / PAGE_SIZE)

static DEFINE_SPINLOCK(mk_low_lock);
static DECLARE_BITMAP(mk_low_used, MK_LOW_END);

static bool mk_low_page_ok(unsigned long pfn)
{
	phys_addr_t pa = PFN_PHYS(pfn);
	phys_addr_t rm = real_mode_header ? __pa(real_mode_header) : 0;

	if (region_intersects(pa, PAGE_SIZE, IORESOURCE_SYSTEM_RAM,
			      IORES_DESC_NONE) != REGION_INTERSECTS)
		return false;
	if (!PageReserved(pfn_to_page(pfn)))
		return false;
	return !rm || pa + PAGE_SIZE <= rm || pa >= rm + real_mode_size_needed();
}

/**
 * mk_low_init() - find out which pages below 1 MiB lie idle
 */
void __init mk_low_init(void)
{
	unsigned long pfn;

	bitmap_fill(mk_low_used, MK_LOW_END);
	for (pfn = MK_LOW_FIRST; pfn < MK_LOW_END; pfn++)
		if (mk_low_page_ok(pfn))
			__clear_bit(pfn, mk_low_used);
}

/**
 * mk_low_alloc() - take pages below 1 MiB
 * @nr: how many, in one piece
 *
 * Return: their address in the direct map, zeroed, or NULL.
 */
void *mk_low_alloc(unsigned int nr)
{
	unsigned long pfn;

	scoped_guard(spinlock, &mk_low_lock) {
		pfn = bitmap_find_next_zero_area(mk_low_used, MK_LOW_END, 0, nr, 0);
		if (pfn >= MK_LOW_END)
			return NULL;
		bitmap_set(mk_low_used, pfn, nr);
	}
	return memset(__va(PFN_PHYS(pfn)), 0, nr * PAGE_SIZE);
}

/**
 * mk_low_free() - give pages back
 * @va: from mk_low_alloc(), or NULL
 * @nr: as given there
 */
void mk_low_free(void *va, unsigned int nr)
{
	if (!va)
		return;
	memset(va, 0, nr * PAGE_SIZE);
	guard(spinlock)(&mk_low_lock);
	bitmap_clear(mk_low_used, PHYS_PFN(__pa(va)), nr);
}
