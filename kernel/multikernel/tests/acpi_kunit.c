// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of arch/x86/multikernel/acpi.c: the tables as a kernel reads them that
 * knows nothing of us, from the RSDP on, for one CPU and for as many as fit into
 * the boot block.  Nothing is written outside of the room that the layout leaves.
 */

#include <kunit/test.h>
#include <linux/acpi.h>
#include <linux/cpumask.h>
#include <linux/mm.h>

#include "../internal.h"
#include "../../../arch/x86/multikernel/x86.h"

/* Where the tables say that they are; not where they are */
#define ACPI_PA		0x123456000ULL

#define ACPI_GUARD	0xa5

/**
 * struct acpi_fix - tables in their room, and a guard where the first ring begins
 * @area: a shared area
 * @base: the room
 * @room: its size in bytes
 * @cpus: CPUs of the instance; their ids are not in order
 * @nr: their number
 */
struct acpi_fix {
	void *area;
	void *base;
	size_t room;
	struct mk_boot_cpu *cpus;
	u32 nr;
};

/* Half of them need 32 bits, as x2APIC ids may */
static u32 acpi_id(u32 i)
{
	return i % 2 ? 0x10000 + i : 1000 - i;
}

/* The most that the boot block takes, with one range of memory */
static u32 acpi_max_cpus(void)
{
	struct mk_boot_block block;
	size_t size;
	u32 nr = 1;

	while (!mk_boot_block_layout(&block, nr + 1, 0, 1, &size))
		nr++;
	mk_error_clear();
	return nr;
}

static struct acpi_fix acpi_make(struct kunit *test, u32 nr)
{
	struct mk_instance *inst = kunit_kzalloc(test, sizeof(*inst), GFP_KERNEL);
	struct acpi_fix fix = { .nr = nr };
	struct mk_boot_block block;
	struct mk_boot_ring *rings;
	size_t size;
	u32 i;

	KUNIT_ASSERT_EQ(test, mk_boot_block_layout(&block, nr, 0, 1, &size), 0);
	fix.area = kunit_kzalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, inst);
	KUNIT_ASSERT_NOT_NULL(test, fix.area);
	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&inst->cpus, GFP_KERNEL));
	inst->shared.va = fix.area;
	mk_boot_block_fill(inst, &block);
	free_cpumask_var(inst->cpus);
	kunit_kfree(test, inst);

	rings = fix.area + block.rings_off;
	fix.base = fix.area + mk_boot_tables_off(&block);
	fix.room = rings[0].ring_off - mk_boot_tables_off(&block);
	fix.cpus = fix.area + block.cpus_off;
	memset(fix.base + fix.room, ACPI_GUARD, PAGE_SIZE);
	for (i = 0; i < nr; i++)
		fix.cpus[i].phys_id = acpi_id(i);
	mk_acpi_build(fix.base, ACPI_PA, fix.cpus, nr);
	return fix;
}

static u8 acpi_sum(const void *table, size_t len)
{
	const u8 *byte = table;
	u8 sum = 0;

	while (len--)
		sum += *byte++;
	return sum;
}

/* The table at this address: whole, in the room, with a sum of 0 */
static void *acpi_table(struct kunit *test, struct acpi_fix *fix, u64 pa, const char *signature)
{
	struct acpi_table_header *header;
	u64 off = pa - ACPI_PA;

	KUNIT_ASSERT_LE(test, off + sizeof(*header), fix->room);
	header = fix->base + off;
	KUNIT_EXPECT_MEMEQ(test, header->signature, signature, ACPI_NAMESEG_SIZE);
	KUNIT_ASSERT_GE(test, header->length, sizeof(*header));
	KUNIT_ASSERT_LE(test, off + header->length, fix->room);
	KUNIT_EXPECT_EQ(test, acpi_sum(header, header->length), 0);
	return header;
}

static struct acpi_table_xsdt *acpi_xsdt(struct kunit *test, struct acpi_fix *fix)
{
	struct acpi_table_rsdp *rsdp = fix->base;

	return acpi_table(test, fix, rsdp->xsdt_physical_address, ACPI_SIG_XSDT);
}

/* ACPICA declares an array of one */
static u64 acpi_entry(struct acpi_table_xsdt *xsdt, unsigned int i)
{
	u64 *entry = xsdt->table_offset_entry;

	return entry[i];
}

static void acpi_test_rsdp(struct kunit *test)
{
	struct acpi_fix fix = acpi_make(test, 1);
	struct acpi_table_rsdp *rsdp = fix.base;

	KUNIT_EXPECT_MEMEQ(test, rsdp->signature, ACPI_SIG_RSDP, 8);
	KUNIT_EXPECT_EQ(test, rsdp->revision, 2);
	KUNIT_EXPECT_EQ(test, rsdp->length, 36);
	KUNIT_EXPECT_EQ(test, acpi_sum(rsdp, 20), 0);
	KUNIT_EXPECT_EQ(test, acpi_sum(rsdp, 36), 0);
	KUNIT_EXPECT_EQ(test, rsdp->rsdt_physical_address, 0);
}

static void acpi_test_fadt(struct kunit *test)
{
	struct acpi_fix fix = acpi_make(test, 2);
	struct acpi_table_xsdt *xsdt = acpi_xsdt(test, &fix);
	struct acpi_table_header *dsdt;
	struct acpi_table_fadt *fadt;

	KUNIT_ASSERT_EQ(test, xsdt->header.length,
			struct_size(xsdt, table_offset_entry, 2));
	fadt = acpi_table(test, &fix, acpi_entry(xsdt, 0), ACPI_SIG_FADT);
	KUNIT_EXPECT_EQ(test, fadt->header.length, sizeof(*fadt));
	KUNIT_EXPECT_TRUE(test, fadt->flags & ACPI_FADT_HW_REDUCED);
	KUNIT_EXPECT_TRUE(test, fadt->boot_flags & ACPI_FADT_NO_CMOS_RTC);
	KUNIT_EXPECT_TRUE(test, fadt->boot_flags & ACPI_FADT_NO_VGA);
	/* No register of fixed hardware, which would be the host's */
	KUNIT_EXPECT_EQ(test, fadt->pm1a_event_block, 0);
	KUNIT_EXPECT_EQ(test, fadt->xpm1a_control_block.address, 0);
	KUNIT_EXPECT_EQ(test, fadt->smi_command, 0);
	KUNIT_EXPECT_EQ(test, fadt->reset_register.address, 0);
	dsdt = acpi_table(test, &fix, fadt->Xdsdt, ACPI_SIG_DSDT);
	KUNIT_EXPECT_EQ(test, dsdt->length, sizeof(*dsdt));
}

/* All CPUs of the instance in their order, and nothing else */
static void acpi_check_madt(struct kunit *test, struct acpi_fix *fix)
{
	struct acpi_table_xsdt *xsdt = acpi_xsdt(test, fix);
	struct acpi_madt_local_x2apic *apic;
	struct acpi_table_madt *madt;
	u32 i;

	madt = acpi_table(test, fix, acpi_entry(xsdt, 1), ACPI_SIG_MADT);
	KUNIT_ASSERT_EQ(test, madt->header.length, sizeof(*madt) + fix->nr * sizeof(*apic));
	KUNIT_EXPECT_EQ(test, madt->address, 0xfee00000);
	KUNIT_EXPECT_EQ(test, madt->flags, 0);	/* no 8259 */
	apic = (void *)(madt + 1);
	for (i = 0; i < fix->nr; i++, apic++) {
		KUNIT_EXPECT_EQ(test, apic->header.type, ACPI_MADT_TYPE_LOCAL_X2APIC);
		KUNIT_EXPECT_EQ(test, apic->header.length, sizeof(*apic));
		KUNIT_EXPECT_EQ(test, apic->local_apic_id, acpi_id(i));
		KUNIT_EXPECT_EQ(test, apic->lapic_flags, ACPI_MADT_ENABLED);
		KUNIT_EXPECT_EQ(test, apic->uid, i);
	}
}

static void acpi_check_guard(struct kunit *test, struct acpi_fix *fix)
{
	KUNIT_EXPECT_NULL(test, memchr_inv(fix->base + fix->room, ACPI_GUARD, PAGE_SIZE));
}

static void acpi_test_madt(struct kunit *test)
{
	struct acpi_fix fix = acpi_make(test, 3);

	acpi_check_madt(test, &fix);
	acpi_check_guard(test, &fix);
}

static void acpi_test_most_cpus(struct kunit *test)
{
	u32 nr = acpi_max_cpus();
	struct acpi_fix fix = acpi_make(test, nr);

	/* Else the test would show little: what one page of tables holds, and more */
	KUNIT_EXPECT_GE(test, nr, 128);
	acpi_check_madt(test, &fix);
	acpi_check_guard(test, &fix);
}

/* Where the room is about to grow by a page, not a byte too late */
static void acpi_test_each_number(struct kunit *test)
{
	u32 max = acpi_max_cpus(), nr;

	for (nr = 1; nr <= max; nr++) {
		struct acpi_fix fix = acpi_make(test, nr);

		acpi_check_guard(test, &fix);
		acpi_table(test, &fix, acpi_entry(acpi_xsdt(test, &fix), 1),
			   ACPI_SIG_MADT);
		kunit_kfree(test, fix.area);
	}
}

static struct kunit_case acpi_cases[] = {
	KUNIT_CASE(acpi_test_rsdp),
	KUNIT_CASE(acpi_test_fadt),
	KUNIT_CASE(acpi_test_madt),
	KUNIT_CASE(acpi_test_most_cpus),
	KUNIT_CASE(acpi_test_each_number),
	{}
};

static struct kunit_suite acpi_suite = {
	.name = "mk_acpi",
	.test_cases = acpi_cases,
};

kunit_test_suite(acpi_suite);
