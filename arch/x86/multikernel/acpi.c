// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: x86: firmware tables for kernels that do not know us
 *
 * A kernel without multikernel support can be an instance if it is given what it
 * expects of a machine: ACPI tables.  They describe hardware-reduced ACPI (ACPI
 * specification 6.5, section 3.11.1), so no fixed hardware is used, and list the
 * CPUs of the instance and nothing else:
 *
 *   RSDP -> XSDT -> FADT -> DSDT (empty)
 *                -> MADT (local APICs)
 *
 * The tables lie in the shared area.  What such a kernel still needs on its
 * command line, and what it does to the machine, is in
 * Documentation/multikernel/admin-guide.rst.
 */

#include <linux/acpi.h>
#include <linux/multikernel.h>
#include <linux/string.h>
#include <asm/apicdef.h>

#include "../../../kernel/multikernel/internal.h"
#include "x86.h"

/* Offsets in the tables' part of the shared area; the MADT grows with the CPUs */
#define MK_ACPI_RSDP	0
#define MK_ACPI_XSDT	64
#define MK_ACPI_FADT	128
#define MK_ACPI_DSDT	448
#define MK_ACPI_MADT	512

static u8 mk_acpi_checksum(const void *table, size_t len)
{
	const u8 *byte = table;
	u8 sum = 0;

	while (len--)
		sum += *byte++;
	return -sum;
}

static void mk_acpi_header(struct acpi_table_header *header, const char *signature,
			   u8 revision, u32 length)
{
	memcpy(header->signature, signature, ACPI_NAMESEG_SIZE);
	header->length = length;
	header->revision = revision;
	memcpy(header->oem_id, "MKERNL", ACPI_OEM_ID_SIZE);
	memcpy(header->oem_table_id, "INSTANCE", ACPI_OEM_TABLE_ID_SIZE);
	memcpy(header->asl_compiler_id, "LNUX", ACPI_NAMESEG_SIZE);
}

static void mk_acpi_seal(struct acpi_table_header *header)
{
	header->checksum = 0;
	header->checksum = mk_acpi_checksum(header, header->length);
}

static void mk_acpi_rsdp(void *base, u64 pa)
{
	struct acpi_table_rsdp *rsdp = base + MK_ACPI_RSDP;

	memcpy(rsdp->signature, ACPI_SIG_RSDP, sizeof(rsdp->signature));
	memcpy(rsdp->oem_id, "MKERNL", ACPI_OEM_ID_SIZE);
	rsdp->revision = 2;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt_physical_address = pa + MK_ACPI_XSDT;
	/* The first covers what ACPI 1.0 knew of, the second all */
	rsdp->checksum = mk_acpi_checksum(rsdp, offsetof(struct acpi_table_rsdp, length));
	rsdp->extended_checksum = mk_acpi_checksum(rsdp, sizeof(*rsdp));
}

static void mk_acpi_xsdt(void *base, u64 pa)
{
	struct acpi_table_xsdt *xsdt = base + MK_ACPI_XSDT;
	/* ACPICA declares one; there are as many as the length says */
	u64 *entry = xsdt->table_offset_entry;

	mk_acpi_header(&xsdt->header, ACPI_SIG_XSDT, 1,
		       struct_size(xsdt, table_offset_entry, 2));
	entry[0] = pa + MK_ACPI_FADT;
	entry[1] = pa + MK_ACPI_MADT;
	mk_acpi_seal(&xsdt->header);
}

static void mk_acpi_fadt(void *base, u64 pa)
{
	struct acpi_table_fadt *fadt = base + MK_ACPI_FADT;
	struct acpi_table_header *dsdt = base + MK_ACPI_DSDT;

	BUILD_BUG_ON(MK_ACPI_FADT + sizeof(*fadt) > MK_ACPI_DSDT);
	mk_acpi_header(dsdt, ACPI_SIG_DSDT, 2, sizeof(*dsdt));
	mk_acpi_seal(dsdt);

	mk_acpi_header(&fadt->header, ACPI_SIG_FADT, 6, sizeof(*fadt));
	fadt->minor_revision = 5;
	fadt->flags = ACPI_FADT_HW_REDUCED | ACPI_FADT_WBINVD;
	fadt->boot_flags = ACPI_FADT_NO_VGA | ACPI_FADT_NO_CMOS_RTC;
	fadt->Xdsdt = pa + MK_ACPI_DSDT;
	mk_acpi_seal(&fadt->header);
}

static void mk_acpi_madt(void *base, const struct mk_boot_cpu *cpus, u32 nr)
{
	struct acpi_table_madt *madt = base + MK_ACPI_MADT;
	struct acpi_madt_local_x2apic *apic = (void *)(madt + 1);
	u32 i;

	mk_acpi_header(&madt->header, ACPI_SIG_MADT, 5,
		       sizeof(*madt) + nr * sizeof(*apic));
	madt->address = APIC_DEFAULT_PHYS_BASE;
	for (i = 0; i < nr; i++, apic++) {
		apic->header.type = ACPI_MADT_TYPE_LOCAL_X2APIC;
		apic->header.length = sizeof(*apic);
		apic->local_apic_id = cpus[i].phys_id;
		apic->lapic_flags = ACPI_MADT_ENABLED;
		apic->uid = i;
	}
	mk_acpi_seal(&madt->header);
}

/**
 * mk_acpi_build() - build the tables
 * @base: where, zeroed; the boot block's layout has left room
 * @pa: its physical address
 * @cpus: the CPUs of the instance
 * @nr: how many
 *
 * The RSDP is at the beginning.
 */
void mk_acpi_build(void *base, u64 pa, const struct mk_boot_cpu *cpus, u32 nr)
{
	mk_acpi_rsdp(base, pa);
	mk_acpi_xsdt(base, pa);
	mk_acpi_fadt(base, pa);
	mk_acpi_madt(base, cpus, nr);
}
