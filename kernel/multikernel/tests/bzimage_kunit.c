// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of arch/x86/multikernel/bzimage.c: what a kernel finds in its boot_params.
 * Its memory map has its own memory, the slice below 1 MiB if it has one, and the
 * shared area as reserved, in order and without overlap; a kernel that knows us
 * finds the locator and a seed in the list of setup_data, before what was there;
 * one that does not finds the ACPI tables; and nothing of the host's firmware is
 * left in it.  And which kernels know us.
 */

#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/kexec.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <asm/bootparam.h>
#include <asm/e820/types.h>
#include <asm/setup_data.h>

#include "../internal.h"
#include "../../../arch/x86/multikernel/x86.h"

/* No instance has it when the unit tests run */
#define BZIMAGE_ID	2045

/* What the caller of kexec_load() may have listed */
#define BZIMAGE_OTHERS	0x12345678ULL

/**
 * struct bzimage_fix - an instance that is about to be started
 * @inst: as far as bzimage.c looks
 * @image: its segment 0 are the boot_params, in its memory
 * @start: of the architecture
 * @block: layout of the shared area
 * @low: stands for a slice below 1 MiB
 * @params: what is in its memory
 */
struct bzimage_fix {
	struct mk_instance inst;
	struct kimage image;
	struct mk_x86_start start;
	struct mk_boot_block block;
	void *low;
	struct boot_params params;
};

static void bzimage_memory_set(struct mk_instance *inst, u64 size)
{
	guard(mutex)(&inst->lock);
	inst->image = NULL;
	mk_memory_set(inst, size);
	mk_error_clear();
}

static int bzimage_init(struct kunit *test)
{
	struct bzimage_fix *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	struct mk_instance *inst;

	KUNIT_ASSERT_NOT_NULL(test, fix);
	inst = &fix->inst;
	inst->id = BZIMAGE_ID;
	mutex_init(&inst->lock);
	INIT_LIST_HEAD(&inst->vmcores);
	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&inst->cpus, GFP_KERNEL));
	test->priv = fix;
	/* In two pieces, the later of which may lie lower */
	bzimage_memory_set(inst, SZ_2M);
	bzimage_memory_set(inst, SZ_4M);
	if (inst->mem.nr < 2)
		kunit_skip(test, "no contiguous memory");
	KUNIT_ASSERT_EQ(test, mk_boot_block_layout(&fix->block, 1, 0, inst->mem.nr,
						   &inst->shared.size), 0);
	inst->shared.va = alloc_pages_exact(inst->shared.size, GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, inst->shared.va);
	inst->shared.pa = virt_to_phys(inst->shared.va);
	fix->low = alloc_pages_exact(MK_LOW_SLICE_PAGES * PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fix->low);
	inst->arch = &fix->start;
	inst->image = &fix->image;
	fix->image.segment[0].mem = page_to_phys(inst->mem.range[0].page) + PAGE_SIZE;
	return 0;
}

static void bzimage_exit(struct kunit *test)
{
	struct bzimage_fix *fix = test->priv;

	if (!fix)
		return;
	if (fix->inst.shared.va)
		free_pages_exact(fix->inst.shared.va, fix->inst.shared.size);
	if (fix->low)
		free_pages_exact(fix->low, MK_LOW_SLICE_PAGES * PAGE_SIZE);
	bzimage_memory_set(&fix->inst, 0);
	free_cpumask_var(fix->inst.cpus);
}

/* The kernel's own fields are full of the host's firmware before */
static struct boot_params *bzimage_complete(struct kunit *test)
{
	struct bzimage_fix *fix = test->priv;
	struct boot_params *params = &fix->params;
	phys_addr_t pa = fix->image.segment[0].mem;

	memset(params, 0xff, sizeof(*params));
	params->hdr.setup_data = BZIMAGE_OTHERS;
	KUNIT_ASSERT_EQ(test, mk_memory_write(&fix->inst, pa, params, sizeof(*params)), 0);
	KUNIT_ASSERT_EQ(test, mk_bzimage_complete(&fix->inst, &fix->block), 0);
	KUNIT_ASSERT_EQ(test, mk_memory_read(&fix->inst.mem, pa, params, sizeof(*params)), 0);
	return params;
}

/* The one entry that is exactly this */
static void bzimage_expect_entry(struct kunit *test, u64 addr, u64 size, enum e820_type type)
{
	struct bzimage_fix *fix = test->priv;
	unsigned int i, found = 0;

	for (i = 0; i < fix->params.e820_entries; i++) {
		struct boot_e820_entry *entry = &fix->params.e820_table[i];

		found += entry->addr == addr && entry->size == size && entry->type == type;
	}
	KUNIT_EXPECT_EQ_MSG(test, found, 1, "0x%llx, %llu bytes, type %u", addr, size, type);
}

static void bzimage_expect_map(struct kunit *test, unsigned int more)
{
	struct bzimage_fix *fix = test->priv;
	struct mk_memory *mem = &fix->inst.mem;
	struct boot_params *params = &fix->params;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, params->e820_entries, mem->nr + 1 + more);
	for (i = 1; i < params->e820_entries; i++)
		KUNIT_EXPECT_LE(test, params->e820_table[i - 1].addr +
				params->e820_table[i - 1].size, params->e820_table[i].addr);
	for (i = 0; i < mem->nr; i++)
		bzimage_expect_entry(test, page_to_phys(mem->range[i].page),
				     (u64)mem->range[i].nr * PAGE_SIZE, E820_TYPE_RAM);
	bzimage_expect_entry(test, fix->inst.shared.pa, fix->inst.shared.size,
			     E820_TYPE_RESERVED);
}

static void bzimage_test_map(struct kunit *test)
{
	bzimage_complete(test);
	bzimage_expect_map(test, 0);
}

static void bzimage_test_map_with_low_slice(struct kunit *test)
{
	struct bzimage_fix *fix = test->priv;

	fix->start.low = fix->low;
	bzimage_complete(test);
	bzimage_expect_map(test, 1);
	bzimage_expect_entry(test, virt_to_phys(fix->low), MK_LOW_SLICE_PAGES * PAGE_SIZE,
			     E820_TYPE_RAM);
}

/* As many ranges as an instance may have, and what comes on top */
static void bzimage_test_map_has_room(struct kunit *test)
{
	KUNIT_EXPECT_LE(test, MK_MEM_RANGES + 2, E820_MAX_ENTRIES_ZEROPAGE);
}

static void bzimage_test_no_firmware(struct kunit *test)
{
	struct boot_params *params = bzimage_complete(test);

	KUNIT_EXPECT_EQ(test, params->acpi_rsdp_addr, 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(&params->screen_info, 0, sizeof(params->screen_info)));
	KUNIT_EXPECT_NULL(test, memchr_inv(&params->efi_info, 0, sizeof(params->efi_info)));
	KUNIT_EXPECT_EQ(test, params->eddbuf_entries, 0);
	KUNIT_EXPECT_EQ(test, params->edd_mbr_sig_buf_entries, 0);
	KUNIT_EXPECT_EQ(test, params->sentinel, 0);
	KUNIT_EXPECT_EQ(test, params->hdr.hardware_subarch, X86_SUBARCH_PC);
}

/* An entry of setup_data, which has to lie in the shared area with all its payload */
static struct setup_data *bzimage_setup_data(struct kunit *test, u64 pa, u32 type, u32 len)
{
	struct mk_shared *shared = &((struct bzimage_fix *)test->priv)->inst.shared;
	struct setup_data *data = shared->va + (pa - shared->pa);

	KUNIT_ASSERT_GE(test, pa, shared->pa + PAGE_SIZE + sizeof(struct mk_words));
	KUNIT_ASSERT_LE(test, pa + sizeof(*data) + len, shared->pa + 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, data->type, type);
	KUNIT_ASSERT_EQ(test, data->len, len);
	return data;
}

static void bzimage_test_setup_data(struct kunit *test)
{
	struct bzimage_fix *fix = test->priv;
	struct boot_params *params = bzimage_complete(test);
	struct mk_boot_locator *locator;
	struct setup_data *data;
	u8 seed[32];

	data = bzimage_setup_data(test, params->hdr.setup_data, SETUP_MULTIKERNEL,
				  sizeof(*locator));
	locator = (void *)data->data;
	KUNIT_EXPECT_EQ(test, locator->magic, MK_BOOT_MAGIC);
	KUNIT_EXPECT_EQ(test, locator->shared_pa, fix->inst.shared.pa);
	KUNIT_EXPECT_EQ(test, locator->shared_size, fix->inst.shared.size);
	data = bzimage_setup_data(test, data->next, SETUP_RNG_SEED, sizeof(seed));
	KUNIT_EXPECT_EQ(test, data->next, BZIMAGE_OTHERS);
	KUNIT_EXPECT_NOT_NULL(test, memchr_inv(data->data, 0, sizeof(seed)));

	/* Another start, another seed */
	memcpy(seed, data->data, sizeof(seed));
	bzimage_complete(test);
	KUNIT_EXPECT_MEMNEQ(test, seed, data->data, sizeof(seed));
}

static void bzimage_test_acpi(struct kunit *test)
{
	struct bzimage_fix *fix = test->priv;
	struct boot_params *params;

	fix->inst.firmware = MK_FIRMWARE_ACPI;
	params = bzimage_complete(test);
	KUNIT_EXPECT_EQ(test, params->acpi_rsdp_addr,
			fix->inst.shared.pa + mk_boot_tables_off(&fix->block));
	/* A kernel that does not know us gets nothing that it does not know */
	KUNIT_EXPECT_EQ(test, params->hdr.setup_data, BZIMAGE_OTHERS);
}

/* A bzImage as far as its kernel_info */
struct bzimage_file {
	u8 setup[0x1f1];
	struct setup_header hdr;
	u8 rest[5 * 512 - 0x1f1 - sizeof(struct setup_header)];
	u8 code[2048];
	__le32 info[4];
	__le32 var[9];
} __packed;

static struct bzimage_file *bzimage_file_of(struct kunit *test)
{
	struct bzimage_file *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->hdr.version = 0x20f;
	f->hdr.kernel_info_offset = offsetof(struct bzimage_file, info) - 5 * 512;
	memcpy(f->info, "LToP", 4);
	f->info[1] = cpu_to_le32(16);
	f->info[2] = cpu_to_le32(16 + sizeof(f->var));
	/* Something that others have put there, and us */
	memcpy(f->var, "EsT0", 4);
	f->var[1] = cpu_to_le32(16);
	memcpy(&f->var[4], "MKin", 4);
	f->var[5] = cpu_to_le32(8);
	memcpy(&f->var[6], "MKho", 4);
	f->var[7] = cpu_to_le32(12);
	f->var[8] = cpu_to_le32(5);
	return f;
}

static void bzimage_test_kernel_info(struct kunit *test)
{
	struct bzimage_file *f = bzimage_file_of(test);
	size_t len;
	u32 i;

	KUNIT_EXPECT_TRUE(test, mk_bzimage_knows_us(f, sizeof(*f)));
	for (len = 0; len < sizeof(*f); len++)
		KUNIT_EXPECT_FALSE(test, mk_bzimage_knows_us(f, len));
	f->hdr.version = 0x20e;
	KUNIT_EXPECT_FALSE(test, mk_bzimage_knows_us(f, sizeof(*f)));
	f->hdr.version = 0x20f;
	/* Whatever stands there, nothing beyond the file is read: KASAN looks on */
	for (i = 0; i < 4096; i++) {
		u32 off = f->hdr.kernel_info_offset;

		f->hdr.kernel_info_offset = i * 0x00100401;
		mk_bzimage_knows_us(f, sizeof(*f));
		f->hdr.kernel_info_offset = off;
		f->info[1] = cpu_to_le32(i * 0x00080801);
		mk_bzimage_knows_us(f, sizeof(*f));
		f->info[1] = cpu_to_le32(16);
		f->var[1] = cpu_to_le32(i);
		KUNIT_EXPECT_EQ(test, mk_bzimage_knows_us(f, sizeof(*f)), i == 16);
		f->var[1] = cpu_to_le32(16);
	}
	KUNIT_EXPECT_TRUE(test, mk_bzimage_knows_us(f, sizeof(*f)));
	f->info[2] = cpu_to_le32(16);
	KUNIT_EXPECT_FALSE(test, mk_bzimage_knows_us(f, sizeof(*f)));
}

static void bzimage_test_keeps(struct kunit *test)
{
	struct bzimage_file *f = bzimage_file_of(test);
	size_t len;

	KUNIT_EXPECT_EQ(test, mk_bzimage_keeps(f, sizeof(*f)), 5);
	for (len = 0; len < sizeof(*f); len++)
		KUNIT_EXPECT_EQ(test, mk_bzimage_keeps(f, len), 0);
	/* Too short for a version, by itself or where the list ends */
	f->var[7] = cpu_to_le32(8);
	KUNIT_EXPECT_EQ(test, mk_bzimage_keeps(f, sizeof(*f)), 0);
	f->var[7] = cpu_to_le32(12);
	f->info[2] = cpu_to_le32(16 + sizeof(f->var) - 4);
	KUNIT_EXPECT_EQ(test, mk_bzimage_keeps(f, sizeof(*f)), 0);
	KUNIT_EXPECT_TRUE(test, mk_bzimage_knows_us(f, sizeof(*f)));
	f->info[2] = cpu_to_le32(16 + sizeof(f->var));
	memcpy(&f->var[6], "MKhi", 4);
	KUNIT_EXPECT_EQ(test, mk_bzimage_keeps(f, sizeof(*f)), 0);
}

static struct kunit_case bzimage_cases[] = {
	KUNIT_CASE(bzimage_test_map),
	KUNIT_CASE(bzimage_test_map_with_low_slice),
	KUNIT_CASE(bzimage_test_map_has_room),
	KUNIT_CASE(bzimage_test_no_firmware),
	KUNIT_CASE(bzimage_test_setup_data),
	KUNIT_CASE(bzimage_test_acpi),
	KUNIT_CASE(bzimage_test_kernel_info),
	KUNIT_CASE(bzimage_test_keeps),
	{}
};

static struct kunit_suite bzimage_suite = {
	.name = "mk_bzimage",
	.init = bzimage_init,
	.exit = bzimage_exit,
	.test_cases = bzimage_cases,
};

kunit_test_suite(bzimage_suite);
