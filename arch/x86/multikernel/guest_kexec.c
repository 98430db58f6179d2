// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: x86: an instance loads and enters its next kernel
 *
 * kexec_file_load() makes the boot parameters of the next kernel from what this one knows
 * of the machine.  In an instance that is no firmware and no legacy hardware, and what is
 * missing is added here: the memory as it is now, because some may have come or gone since
 * the start, and where the shared area lies.
 *
 * The next kernel is entered with as many levels of page tables as this one has.  It must
 * want as many: to change them its decompressor would borrow a page below 1 MiB, which is
 * the host's.
 *
 * What it is given by the host after this is added by mk_kexec_memory().
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/ioport.h>
#include <linux/kexec.h>
#include <linux/multikernel.h>
#include <linux/pgtable.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/bootparam.h>
#include <asm/cmdline.h>
#include <asm/e820/api.h>
#include <asm/multikernel.h>
#include <asm/setup.h>

#include "../../../kernel/multikernel/internal.h"
#include "../../../kernel/multikernel/guest.h"
#include "x86.h"

static int mk_kexec_add_e820(struct boot_params *params, u64 start, u64 size,
			     enum e820_type type)
{
	struct boot_e820_entry *entry = &params->e820_table[params->e820_entries];

	if (params->e820_entries == E820_MAX_ENTRIES_ZEROPAGE)
		return -E2BIG;
	*entry = (struct boot_e820_entry){ .addr = start, .size = size, .type = type };
	params->e820_entries++;
	return 0;
}

static int mk_kexec_add_ram(struct resource *res, void *params)
{
	return mk_kexec_add_e820(params, res->start, resource_size(res), E820_TYPE_RAM);
}

static bool mk_kexec_wants_la57(const struct kimage *image, const struct boot_params *params)
{
	return mk_bzimage_has_la57(params, image->cmdline_buf &&
				   cmdline_find_option_bool(image->cmdline_buf, "no5lvl"));
}

static void mk_kexec_set_locator(struct boot_params *params, unsigned long params_pa,
				 unsigned int off)
{
	struct setup_data *node = (void *)params + off;
	struct mk_boot_locator locator = {
		.magic = MK_BOOT_MAGIC,
		.shared_pa = mk_guest_shared_pa(),
		.shared_size = mk_guest_shared_size(),
	};

	node->type = SETUP_MULTIKERNEL;
	node->len = sizeof(locator);
	node->next = params->hdr.setup_data;
	memcpy(node->data, &locator, sizeof(locator));
	params->hdr.setup_data = params_pa + off;
}

/**
 * mk_kexec_setup_size() - how much room the next kernel's boot parameters need for us
 *
 * Return: in bytes.
 */
unsigned int mk_kexec_setup_size(void)
{
	return mk_is_instance() ? sizeof(struct setup_data) + sizeof(struct mk_boot_locator) : 0;
}

/**
 * mk_kexec_setup() - complete the boot parameters of the next kernel
 * @image: which is being loaded
 * @params: they
 * @params_pa: where they will be
 * @off: where in them mk_kexec_setup_size() bytes are ours
 *
 * In a kernel that is no instance there is nothing to add.
 *
 * Return: 0; -ENOEXEC if the kernel can't be an instance; -EINVAL if it wants another mode
 * of paging; -E2BIG if the memory is in too many pieces.
 */
int mk_kexec_setup(const struct kimage *image, struct boot_params *params,
		   unsigned long params_pa, unsigned int off)
{
	int ret;

	if (!mk_is_instance()) {
		mk_next_loaded(image);
		return 0;
	}
	if (!mk_bzimage_knows_us(image->kernel_buf, image->kernel_buf_len)) {
		pr_notice("the kernel is without CONFIG_MULTIKERNEL and would take the machine for its own\n");
		return -ENOEXEC;
	}
	if (mk_kexec_wants_la57(image, params) != pgtable_l5_enabled()) {
		pr_notice("the kernel wants %s levels of page tables, as this one does not: \"no5lvl\" decides\n",
			  pgtable_l5_enabled() ? "four" : "five");
		return -EINVAL;
	}
	params->e820_entries = 0;
	ret = walk_system_ram_res(0, ULONG_MAX, params, mk_kexec_add_ram) ?:
	      mk_kexec_add_e820(params, mk_guest_shared_pa(), mk_guest_shared_size(),
				E820_TYPE_RESERVED);
	if (!ret)
		mk_kexec_set_locator(params, params_pa, off);
	return ret;
}

/* How far does what is at @pa reach: an entry of the boot parameters, or a gap? */
static u64 __init mk_kexec_reach(u64 pa, u64 end, bool *known)
{
	u64 gap = end;
	unsigned int i;

	for (i = 0; i < boot_params.e820_entries; i++) {
		const struct boot_e820_entry *entry = &boot_params.e820_table[i];

		*known = pa >= entry->addr && pa - entry->addr < entry->size;
		if (*known)
			return min(end, entry->addr + entry->size);
		if (pa < entry->addr)
			gap = min(gap, entry->addr);
	}
	*known = false;
	return gap;
}

/**
 * mk_kexec_memory() - find memory that came after this kernel had been loaded
 *
 * The boot block lists it, the boot parameters do not.
 */
void __init mk_kexec_memory(void)
{
	const struct mk_boot_block *block = mk_guest_block();
	const struct mk_boot_mem *mem = mk_guest_shared() + block->mem_off;
	u64 pa, end, next;
	unsigned int i;
	bool known;

	for (i = 0; i < block->nr_mem; i++) {
		pa = READ_ONCE(mem[i].start_pa);
		end = pa + READ_ONCE(mem[i].size);
		for (; pa < end; pa = next) {
			next = mk_kexec_reach(pa, end, &known);
			if (!known)
				e820__range_add(pa, next - pa, E820_TYPE_RAM);
		}
	}
	e820__update_table(e820_table);
}

/**
 * mk_kexec_shutdown() - the last act of this kernel before the next one is entered
 *
 * As machine_ops.shutdown, which kexec alone calls here.  Does not return if the host has
 * no answer.
 */
void mk_kexec_shutdown(void)
{
	stop_other_cpus();
	local_irq_disable();
	if (mk_guest_update(per_cpu(x86_cpu_to_apicid, smp_processor_id())))
		panic("the host does not let this kernel go");
	lapic_shutdown();
}
