// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: x86: placing a bzImage
 *
 * An x86 kernel is entered at its 64-bit entry point with a struct boot_params,
 * see Documentation/arch/x86/boot.rst.  Its image has the boot_params in segment
 * 0, whether it comes from kexec_file_load(), for which mk_arch_place() makes
 * the segments, or from kexec_load(), whose caller does.  Before each start
 * mk_bzimage_complete() fills in what only the host knows: memory map, our
 * setup_data, a seed for the random number generator, and that there is no
 * firmware, no screen and no disk.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/kexec.h>
#include <linux/overflow.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <asm/bootparam.h>
#include <asm/cmdline.h>
#include <asm/cpuid/api.h>
#include <asm/e820/types.h>
#include <asm/setup.h>

#include "../../../kernel/multikernel/internal.h"
#include "x86.h"

#define MK_RNG_SEED_LEN		32

/* The first version of the boot protocol that has kernel_info, and what is always there */
#define MK_BZIMAGE_PROTOCOL	0x20f
#define MK_BZIMAGE_INFO_MIN	16

/* Where mk_arch_place() leaves the boot_params until they are loaded */
struct mk_bzimage_data {
	void *params;
};

/* What follows the words in their page of the shared area */
struct mk_setup_data {
	struct setup_data locator_node;
	struct mk_boot_locator locator;
	struct setup_data seed_node;
	u8 seed[MK_RNG_SEED_LEN];
} __packed;

static int mk_bzimage_cleanup(void *loader_data)
{
	struct mk_bzimage_data *data = loader_data;

	if (data)
		kvfree(data->params);
	return 0;
}

static const struct kexec_file_ops mk_bzimage_ops = {
	.cleanup = mk_bzimage_cleanup,
};

static unsigned long mk_bzimage_setup_size(const struct setup_header *hdr)
{
	return ((hdr->setup_sects ?: 4) + 1) * 512;
}

static int mk_bzimage_check_header(const struct setup_header *hdr)
{
	if (hdr->boot_flag != 0xaa55 || hdr->header != 0x53726448)
		return mk_fail(-ENOEXEC, "not a bzImage");
	if (!hdr->relocatable_kernel)
		return mk_fail(-ENOEXEC,
			       "the kernel is not relocatable (CONFIG_RELOCATABLE) and would unpack into the host's memory");
	if (!(hdr->xloadflags & XLF_KERNEL_64) ||
	    !(hdr->xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G))
		return mk_fail(-ENOEXEC,
			       "the kernel has no 64-bit entry point, or can't run above 4 GiB");
	return 0;
}

/* An entry of the variable part of kernel_info, of @size bytes at least */
static const __le32 *mk_bzimage_info(const void *kernel, size_t len, u32 magic, size_t size)
{
	const struct setup_header *hdr = kernel + offsetof(struct boot_params, hdr);
	const __le32 *word;
	size_t at, end;

	if (len < sizeof(struct boot_params) || hdr->version < MK_BZIMAGE_PROTOCOL ||
	    check_add_overflow(mk_bzimage_setup_size(hdr),
			       (unsigned long)hdr->kernel_info_offset, &at) ||
	    at > len || len - at < MK_BZIMAGE_INFO_MIN)
		return NULL;
	word = kernel + at;
	if (memcmp(word, "LToP", 4) || le32_to_cpu(word[2]) > len - at)
		return NULL;
	end = at + le32_to_cpu(word[2]);
	at += le32_to_cpu(word[1]);
	/* Whose size is less than that of its head ends the list */
	while (at < end && end - at >= 8) {
		word = kernel + at;
		if (le32_to_cpu(word[0]) == magic)
			return end - at >= size && le32_to_cpu(word[1]) >= size ? word : NULL;
		if (le32_to_cpu(word[1]) < 8)
			return NULL;
		at += le32_to_cpu(word[1]);
	}
	return NULL;
}

/**
 * mk_bzimage_knows_us() - does a kernel know of the boot block?
 * @kernel: the bzImage
 * @len: its length in bytes
 *
 * Return: true if its kernel_info says so.
 */
bool mk_bzimage_knows_us(const void *kernel, size_t len)
{
	return mk_bzimage_info(kernel, len, MK_BOOT_INFO_MAGIC, 8);
}

/**
 * mk_bzimage_keeps() - does a kernel take over the instances of the one before it?
 * @kernel: the bzImage
 * @len: its length in bytes
 *
 * Return: MK_KEEP_VERSION of that kernel, or 0 if it does not.
 */
u32 mk_bzimage_keeps(const void *kernel, size_t len)
{
	const __le32 *info = mk_bzimage_info(kernel, len, MK_BOOT_INFO_KEEP, 12);

	return info ? le32_to_cpu(info[2]) : 0;
}

static int mk_bzimage_check_file(struct kimage *image, const struct setup_header *hdr)
{
	int ret = mk_bzimage_check_header(hdr);

	if (ret)
		return ret;
	if (image->kernel_buf_len <= mk_bzimage_setup_size(hdr))
		return mk_fail(-ENOEXEC, "the bzImage is truncated");
	/* The kernel's figure is without the NUL at the end, the buffer's with it */
	if (image->cmdline_buf_len > (u64)hdr->cmdline_size + 1)
		return mk_fail(-EINVAL, "the command line has %lu bytes, the kernel takes %u",
			       image->cmdline_buf_len - 1, hdr->cmdline_size);
	if (image->mk->firmware == MK_FIRMWARE_BLOCK &&
	    !mk_bzimage_knows_us(image->kernel_buf, image->kernel_buf_len))
		return mk_fail(-ENOEXEC,
			       "the kernel is without CONFIG_MULTIKERNEL; it takes \"acpi\" in firmware");
	return 0;
}

static int mk_bzimage_add(struct kimage *image, void *buf, size_t bufsz,
			  size_t memsz, size_t align, bool top_down,
			  unsigned long *pa)
{
	struct kexec_buf kbuf = {
		.image = image,
		.buffer = buf,
		.bufsz = bufsz,
		.memsz = memsz,
		.buf_align = align,
		.buf_max = ULONG_MAX,
		.top_down = top_down,
		.mem = KEXEC_BUF_MEM_UNKNOWN,
	};
	int ret = kexec_add_buffer(&kbuf);

	*pa = kbuf.mem;
	return ret;
}

static void mk_bzimage_init_params(struct kimage *image, struct boot_params *params)
{
	size_t hdr_off = offsetof(struct boot_params, hdr);
	/* The header ends where the jump at its start goes to */
	size_t hdr_end = 0x202 + *(u8 *)(image->kernel_buf + 0x201);

	memcpy(&params->hdr, image->kernel_buf + hdr_off,
	       min(hdr_end - hdr_off, sizeof(params->hdr)));
	params->hdr.type_of_loader = 0xff;
	params->hdr.loadflags = 0;
	memcpy(params + 1, image->cmdline_buf, image->cmdline_buf_len);
}

static void mk_bzimage_set_pointers(struct kimage *image, struct boot_params *params,
				    unsigned long params_pa, unsigned long initrd_pa)
{
	u64 cmdline_pa = params_pa + sizeof(*params);

	params->hdr.cmd_line_ptr = lower_32_bits(cmdline_pa);
	params->ext_cmd_line_ptr = upper_32_bits(cmdline_pa);
	params->hdr.ramdisk_image = lower_32_bits(initrd_pa);
	params->ext_ramdisk_image = upper_32_bits(initrd_pa);
	params->hdr.ramdisk_size = lower_32_bits(image->initrd_buf_len);
	params->ext_ramdisk_size = upper_32_bits(image->initrd_buf_len);
}

static int mk_bzimage_place(struct kimage *image, struct boot_params *params,
			    size_t params_size)
{
	struct setup_header *hdr = &params->hdr;
	unsigned long setup_size = mk_bzimage_setup_size(hdr);
	unsigned long params_pa, kernel_pa, initrd_pa = 0;
	size_t kernel_len = image->kernel_buf_len - setup_size;
	int ret;

	ret = mk_bzimage_add(image, params, params_size, params_size, PAGE_SIZE,
			     true, &params_pa);
	/* init_size: what the kernel uses while it unpacks itself */
	if (!ret)
		ret = mk_bzimage_add(image, image->kernel_buf + setup_size,
				     kernel_len,
				     max_t(size_t, hdr->init_size, kernel_len),
				     hdr->kernel_alignment, false, &kernel_pa);
	if (!ret && image->initrd_buf_len)
		ret = mk_bzimage_add(image, image->initrd_buf, image->initrd_buf_len,
				     image->initrd_buf_len, PAGE_SIZE, true,
				     &initrd_pa);
	if (ret)
		return ret;

	/* All is placed; the host need not keep the zeroes that follow the kernel */
	image->segment[1].memsz = PAGE_ALIGN(kernel_len);
	image->start = kernel_pa + 0x200;
	mk_bzimage_set_pointers(image, params, params_pa, initrd_pa);
	return 0;
}

/**
 * mk_arch_place() - see kernel/multikernel/internal.h
 * @image: with the files read and checked, without segments
 *
 * Return: 0; -ENOEXEC if the kernel can't run as an instance; -EINVAL if the
 * command line is too long; -ENOSPC if the parts do not fit; -ENOMEM.
 */
int mk_arch_place(struct kimage *image)
{
	const struct setup_header *hdr = image->kernel_buf +
					 offsetof(struct boot_params, hdr);
	size_t params_size = sizeof(struct boot_params) + image->cmdline_buf_len + 1;
	struct mk_bzimage_data *data;
	struct boot_params *params;
	int ret;

	ret = mk_bzimage_check_file(image, hdr);
	if (ret)
		return ret;
	data = kzalloc_obj(*data);
	params = kvzalloc(params_size, GFP_KERNEL);
	if (!data || !params) {
		kfree(data);
		kvfree(params);
		return -ENOMEM;
	}
	/* From here on cleanup frees both */
	data->params = params;
	image->image_loader_data = data;
	image->fops = &mk_bzimage_ops;

	mk_bzimage_init_params(image, params);
	return mk_bzimage_place(image, params, params_size);
}

/**
 * mk_arch_check_image() - see kernel/multikernel/internal.h
 * @image: with its segments in place
 * @inst: whose image it shall be
 *
 * Return: 0, -ENOEXEC, -EADDRNOTAVAIL, -ENOMEM.
 */
int mk_arch_check_image(struct kimage *image, struct mk_instance *inst)
{
	struct boot_params *params;
	int ret;

	if (!image->nr_segments || image->segment[0].memsz < sizeof(*params))
		return mk_fail(-ENOEXEC, "segment 0 must be the boot_params");
	if (!mk_memory_contains(&inst->mem, image->start, 1))
		return mk_fail(-EADDRNOTAVAIL,
			       "the entry point 0x%lx does not lie in the memory of %s",
			       image->start, inst->name);
	params = kimage_map_segment(image, 0);
	if (!params)
		return -ENOMEM;
	ret = mk_bzimage_check_header(&params->hdr);
	kimage_unmap_segment(params);
	return ret;
}

static void mk_bzimage_add_e820(struct boot_params *params, u64 addr, u64 size,
				enum e820_type type)
{
	struct boot_e820_entry *entry = &params->e820_table[params->e820_entries++];

	entry->addr = addr;
	entry->size = size;
	entry->type = type;
}

static int mk_bzimage_cmp_e820(const void *a, const void *b)
{
	const struct boot_e820_entry *x = a, *y = b;

	return cmp_int(x->addr, y->addr);
}

static void mk_bzimage_set_memory(struct mk_instance *inst, struct boot_params *params)
{
	struct mk_x86_start *start = inst->arch;
	unsigned int i;

	params->e820_entries = 0;
	for (i = 0; i < inst->mem.nr; i++)
		mk_bzimage_add_e820(params, page_to_phys(inst->mem.range[i].page),
				    (u64)inst->mem.range[i].nr * PAGE_SIZE,
				    E820_TYPE_RAM);
	if (start->low)
		mk_bzimage_add_e820(params, __pa(start->low),
				    MK_LOW_SLICE_PAGES * PAGE_SIZE, E820_TYPE_RAM);
	mk_bzimage_add_e820(params, inst->shared.pa, inst->shared.size,
			    E820_TYPE_RESERVED);
	sort(params->e820_table, params->e820_entries,
	     sizeof(params->e820_table[0]), mk_bzimage_cmp_e820, NULL);
}

/* Our entries go before what the caller of kexec_load() may have listed */
static void mk_bzimage_set_setup_data(struct mk_instance *inst,
				      struct boot_params *params)
{
	size_t off = PAGE_SIZE + sizeof(struct mk_words);
	struct mk_setup_data *sd = inst->shared.va + off;
	u64 pa = inst->shared.pa + off;

	BUILD_BUG_ON(sizeof(struct mk_words) + sizeof(*sd) > PAGE_SIZE);
	sd->locator_node.type = SETUP_MULTIKERNEL;
	sd->locator_node.len = sizeof(sd->locator);
	sd->locator_node.next = pa + offsetof(struct mk_setup_data, seed_node);
	sd->locator.magic = MK_BOOT_MAGIC;
	sd->locator.shared_pa = inst->shared.pa;
	sd->locator.shared_size = inst->shared.size;

	sd->seed_node.type = SETUP_RNG_SEED;
	sd->seed_node.len = MK_RNG_SEED_LEN;
	sd->seed_node.next = params->hdr.setup_data;
	get_random_bytes(sd->seed, MK_RNG_SEED_LEN);
	params->hdr.setup_data = pa;
}

/**
 * mk_bzimage_complete() - fill in the boot_params in the instance's memory
 * @inst: its image has been copied there, its shared area laid out
 * @block: the layout
 *
 * Return: 0, -ENOMEM, -EFAULT.
 */
int mk_bzimage_complete(struct mk_instance *inst, const struct mk_boot_block *block)
{
	phys_addr_t pa = inst->image->segment[0].mem;
	struct boot_params *params __free(kfree) = kmalloc_obj(*params);
	int ret;

	if (!params)
		return -ENOMEM;
	ret = mk_memory_read(&inst->mem, pa, params, sizeof(*params));
	if (ret)
		return ret;

	memset(&params->screen_info, 0, sizeof(params->screen_info));
	memset(&params->efi_info, 0, sizeof(params->efi_info));
	params->acpi_rsdp_addr = 0;
	params->eddbuf_entries = 0;
	params->edd_mbr_sig_buf_entries = 0;
	params->hdr.hardware_subarch = X86_SUBARCH_PC;
	/* Tells the kernel that the fields above are meant */
	params->sentinel = 0;
	mk_bzimage_set_memory(inst, params);
	if (inst->firmware == MK_FIRMWARE_ACPI)
		params->acpi_rsdp_addr = inst->shared.pa + mk_boot_tables_off(block);
	else
		mk_bzimage_set_setup_data(inst, params);
	return mk_memory_write(inst, pa, params, sizeof(*params));
}

/**
 * mk_bzimage_has_la57() - will a kernel use five levels of page tables on this CPU?
 * @params: its boot_params
 * @no5lvl: its command line says "no5lvl"
 *
 * The rule is that of configure_5level_paging() in
 * arch/x86/boot/compressed/pgtable_64.c.  It asks the CPU: a kernel that uses four levels has
 * cleared X86_FEATURE_LA57.
 *
 * Return: true if so.
 */
bool mk_bzimage_has_la57(const struct boot_params *params, bool no5lvl)
{
	return cpuid_eax(0) >= 7 && cpuid_ecx(7) & BIT(16) &&
	       params->hdr.xloadflags & XLF_5LEVEL_ENABLED && !no5lvl;
}

static bool mk_bzimage_no5lvl(struct mk_instance *inst, const struct boot_params *params)
{
	char *cmdline __free(kfree) = kzalloc(COMMAND_LINE_SIZE, GFP_KERNEL);
	u64 pa = params->hdr.cmd_line_ptr | (u64)params->ext_cmd_line_ptr << 32;
	unsigned int len = COMMAND_LINE_SIZE - 1;

	if (!cmdline)
		return false;
	/* It may end close to the end of a range */
	while (len && mk_memory_read(&inst->mem, pa, cmdline, len))
		len /= 2;
	return cmdline_find_option_bool(cmdline, "no5lvl");
}

/**
 * mk_bzimage_wants_la57() - will the kernel use five levels of page tables?
 * @inst: its image has been copied into its memory
 *
 * It must be entered in the mode that it wants: to change it, the decompressor
 * would borrow a page below 1 MiB, which is the host's.
 *
 * Return: true if so.
 */
bool mk_bzimage_wants_la57(struct mk_instance *inst)
{
	struct boot_params *params __free(kfree) = kmalloc_obj(*params);

	if (!params)
		return false;
	if (mk_memory_read(&inst->mem, inst->image->segment[0].mem, params,
			   sizeof(*params)))
		return false;
	return mk_bzimage_has_la57(params, mk_bzimage_no5lvl(inst, params));
}
