// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: x86: this kernel is an instance
 *
 * There is no firmware and no legacy hardware here: no ACPI, PIC, PIT, I/O APIC,
 * CMOS, keyboard controller, VGA, serial port or PCI, and no memory below 1 MiB.
 * They exist in the machine, but belong to the host.  What this kernel needs is
 * in the boot block.  As for Jailhouse (arch/x86/kernel/jailhouse.c), a handful
 * of overrides in x86_init, x86_platform and machine_ops say so, and nothing
 * depends on the command line.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/acpi.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/multikernel.h>
#include <linux/nmi.h>
#include <linux/pm.h>
#include <linux/reboot.h>
#include <linux/serial_8250.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/bootparam.h>
#include <asm/cpu.h>
#include <asm/e820/types.h>
#include <asm/i8259.h>
#include <asm/io_apic.h>
#include <asm/iommu.h>
#include <asm/multikernel.h>
#include <asm/pci_x86.h>
#include <asm/reboot.h>
#include <asm/set_memory.h>
#include <asm/setup.h>
#include <asm/tsc.h>
#include <asm/x86_init.h>

#include "../../../kernel/multikernel/internal.h"
#include "../../../kernel/multikernel/guest.h"
#include "x86.h"

bool mk_instance_active __ro_after_init;

static unsigned long mk_tsc_khz(void)
{
	return mk_guest_block()->x86.tsc_khz;
}

static void mk_get_wallclock(struct timespec64 *now)
{
	const struct mk_boot_block *block = mk_guest_block();
	u64 cycles = rdtsc_ordered() - block->wall_tsc;

	*now = ns_to_timespec64(block->wall_ns +
				mul_u64_u64_div_u64(cycles, NSEC_PER_MSEC,
						    block->x86.tsc_khz));
}

static int mk_set_wallclock(const struct timespec64 *now)
{
	return -ENODEV;
}

static unsigned char mk_get_nmi_reason(void)
{
	return 0;
}

static void __init mk_timer_init(void)
{
	lapic_timer_period = div_u64((u64)mk_guest_block()->x86.apic_khz * 1000, HZ);
	/* Delays go by the TSC; without this each CPU but the first measures it again */
	if (!preset_lpj)
		preset_lpj = div_u64((u64)mk_tsc_khz() * 1000, HZ);
}

static void __init mk_intr_mode_init(void)
{
	/*
	 * The CPU that boots takes itself for the one to which the machine's PIC
	 * and NMI line are wired, and opens LINT0 and LINT1.  They are the host's,
	 * whose PIC may have an interrupt for whoever takes it.
	 */
	scoped_guard(irqsave) {
		apic_intr_mode_init();
		apic_write(APIC_LVT0, apic_read(APIC_LVT0) | APIC_LVT_MASKED);
		apic_write(APIC_LVT1, apic_read(APIC_LVT1) | APIC_LVT_MASKED);
	}
	mk_ipi_allow();
}

static bool __init mk_x2apic_available(void)
{
	/* As the host left it; this kernel has no say in interrupt remapping */
	return x2apic_enabled();
}

static void __init mk_parse_smp_cfg(void)
{
	const struct mk_boot_block *block = mk_guest_block();
	const struct mk_boot_cpu *cpus = mk_guest_shared() + block->cpus_off;
	unsigned int i;

	mk_fault_early();
	if (x2apic_enabled()) {
		/* Logical ids are each kernel's own invention */
#ifdef CONFIG_X86_X2APIC
		x2apic_phys = 1;
#endif
		default_acpi_madt_oem_check("", "");
	}
	register_lapic_address(APIC_DEFAULT_PHYS_BASE);
	for (i = 0; i < block->nr_cpus + block->nr_spare; i++)
		topology_register_apic(READ_ONCE(cpus[i].phys_id),
				       CPU_ACPIID_INVALID, i < block->nr_cpus);
	smp_found_config = 1;
}

/* A driver that asks before it touches ports is told that they are taken */
static struct resource mk_host_ports = {
	.name	= "host of this instance",
	.start	= 0,
	.end	= IO_SPACE_LIMIT,
	.flags	= IORESOURCE_IO | IORESOURCE_BUSY,
};

static void __init mk_reserve_ports(void)
{
	WARN_ON(request_resource(&ioport_resource, &mk_host_ports));
}

/**
 * mk_has_dev_port() - are the ports of this machine for everybody?
 *
 * Return: false if they are another kernel's.
 */
bool mk_has_dev_port(void)
{
	return !mk_is_instance();
}

static int __init mk_no_pci(void)
{
	return 0;
}

static void mk_hide_uart(int port, struct uart_port *up, u32 *capabilities)
{
	up->iobase = 0;
}

static void __noreturn mk_die(u32 reason)
{
	local_irq_disable();
	mk_guest_last_words(reason, NULL);
	for (;;)
		native_halt();
}

static void mk_restart(char *cmd)
{
	stop_other_cpus();
	mk_die(MK_END_REBOOT);
}

static void mk_emergency_restart(void)
{
	mk_die(MK_END_REBOOT);
}

static void mk_halt(void)
{
	stop_other_cpus();
	mk_die(MK_END_HALT);
}

static void mk_power_off(void)
{
	stop_other_cpus();
	mk_die(MK_END_POWEROFF);
}

static void __init mk_override_init(void)
{
	x86_init.resources.probe_roms		= x86_init_noop;
	x86_init.resources.reserve_resources	= mk_reserve_ports;
	x86_init.irqs.pre_vector_init		= x86_init_noop;
	x86_init.irqs.intr_mode_init		= mk_intr_mode_init;
	x86_init.timers.timer_init		= mk_timer_init;
	x86_init.timers.wallclock_init		= x86_init_noop;
	x86_init.mpparse.find_mptable		= x86_init_noop;
	x86_init.mpparse.early_parse_smp_cfg	= x86_init_noop;
	x86_init.mpparse.parse_smp_cfg		= mk_parse_smp_cfg;
	x86_init.pci.arch_init			= mk_no_pci;
	x86_init.hyper.x2apic_available		= mk_x2apic_available;
	pci_probe = 0;
	/* Without devices nothing wants the 64 MiB below 4 GiB that swiotlb would take */
	no_iommu = 1;
	legacy_pic = &null_legacy_pic;
	disable_ioapic_support();
	/* Nobody should complain about missing tables: there are none */
	disable_acpi();
}

static void __init mk_override_platform(void)
{
	x86_platform.calibrate_cpu	= mk_tsc_khz;
	x86_platform.calibrate_tsc	= mk_tsc_khz;
	x86_platform.get_wallclock	= mk_get_wallclock;
	x86_platform.set_wallclock	= mk_set_wallclock;
	x86_platform.get_nmi_reason	= mk_get_nmi_reason;
	x86_platform.realmode_reserve	= x86_init_noop;
	x86_platform.realmode_init	= x86_init_noop;
	x86_platform.legacy.rtc		= 0;
	x86_platform.legacy.warm_reset	= 0;
	x86_platform.legacy.no_vga	= 1;
	x86_platform.legacy.i8042	= X86_LEGACY_I8042_PLATFORM_ABSENT;
	x86_platform.legacy.devices.pnpbios = 0;
	x86_platform.legacy.reserve_bios_regions = 0;
	/* Threads of a core share them, so they are as the host has set them */
	setup_clear_cpu_cap(X86_FEATURE_MTRR);
	/* The host watches it; there is no other clock here to watch it with */
	setup_force_cpu_cap(X86_FEATURE_TSC_RELIABLE);
	setup_force_cpu_cap(X86_FEATURE_TSC_KNOWN_FREQ);
	/* As a module it would look for the host's ports unasked; see Kconfig */
	if (IS_BUILTIN(CONFIG_SERIAL_8250))
		serial8250_set_isa_configurator(mk_hide_uart);
}

static void __init mk_override_machine(void)
{
	machine_ops.shutdown		= mk_kexec_shutdown;
	machine_ops.restart		= mk_restart;
	machine_ops.emergency_restart	= mk_emergency_restart;
	machine_ops.halt		= mk_halt;
	machine_ops.power_off		= mk_power_off;
	/* Else poweroff would be turned into a halt */
	pm_power_off			= mk_power_off;
}

static bool __init mk_find_locator(struct mk_boot_locator *locator)
{
	u64 pa = boot_params.hdr.setup_data;
	struct setup_data node;
	void *map;

	while (pa) {
		map = early_memremap(pa, sizeof(node) + sizeof(*locator));
		memcpy(&node, map, sizeof(node));
		memcpy(locator, map + sizeof(node), sizeof(*locator));
		early_memunmap(map, sizeof(node) + sizeof(*locator));
		if (node.type == SETUP_MULTIKERNEL && node.len >= sizeof(*locator))
			return locator->magic == MK_BOOT_MAGIC;
		pa = node.next;
	}
	return false;
}

/* Before there is anything that a panic could use */
static void __init __noreturn mk_refuse(void *shared, size_t size,
					const struct mk_boot_block *block, int err)
{
	struct mk_abi host = mk_boot_block_abi(block);
	char why[MK_LAST_WORDS_LEN] = "the boot block is damaged";

	if (err == -EPROTONOSUPPORT)
		mk_abi_refuse(why, sizeof(why), "this kernel", mk_abi_ours(), &host);
	mk_guest_refuse(shared, size, block, why);
	mk_die(MK_END_PANIC);
}

/**
 * mk_platform_init() - are we an instance?  If so, set up its platform
 *
 * Called from setup_arch() when early_memremap() works, before anything looks for
 * firmware tables or touches legacy hardware.
 */
void __init mk_platform_init(void)
{
	struct mk_boot_locator locator;
	struct mk_boot_block block;
	void *shared;
	int ret;

	if (!mk_find_locator(&locator))
		return;
	/* First of all: from here on no end of this kernel may reset the machine */
	mk_instance_active = true;
	mk_override_machine();
	/* What early_memremap() can map in one go: 64 pages */
	if (locator.shared_size < PAGE_SIZE || locator.shared_size > SZ_256K)
		panic("multikernel: shared area of %llu bytes", locator.shared_size);
	shared = early_memremap(locator.shared_pa, locator.shared_size);
	mk_boot_block_read(&block, shared);
	ret = mk_boot_block_check(&block, locator.shared_size);
	if (ret)
		mk_refuse(shared, locator.shared_size, &block, ret);
	/* The time of day is divided by it */
	if (!block.x86.tsc_khz)
		panic("multikernel: boot block without the frequency of the TSC");

	mk_override_init();
	mk_override_platform();
	ret = mk_guest_attach(shared, locator.shared_pa, locator.shared_size, &block);
	if (ret)
		mk_refuse(shared, locator.shared_size, &block, ret);
	if (mk_ipi_init() || mk_guest_smp_init(&block))
		panic("multikernel: no doorbell or no way to start CPUs");
	mk_kexec_memory();
	pr_info("instance %s, %u CPUs, ABI version %u\n", block.name,
		block.nr_cpus, mk_guest_link()->version);
}

/**
 * mk_early_exception() - an exception before there are handlers that print
 * @trapnr: its number
 * @ip: where
 *
 * Called before this CPU halts for good.
 */
void __init mk_early_exception(int trapnr, unsigned long ip)
{
	char text[MK_LAST_WORDS_LEN];

	if (!mk_is_instance())
		return;
	scnprintf(text, sizeof(text), "early exception 0x%02x at %pS", trapnr, (void *)ip);
	mk_guest_last_words(MK_END_PANIC, text);
}

static int mk_beat_nmi(unsigned int type, struct pt_regs *regs)
{
	return mk_guest_beat_nmi(regs) ? NMI_HANDLED : NMI_DONE;
}

/**
 * mk_arch_beat_init() - see kernel/multikernel/internal.h
 *
 * Return: 0 or a negative errno.
 */
int __init mk_arch_beat_init(void)
{
	return register_nmi_handler(NMI_LOCAL, mk_beat_nmi, 0, "multikernel");
}

/*
 * Linux maps the first MiB on any machine.  Here it is the host's, with the host's
 * real-mode code, and after its boot an instance has no use for it.
 */
static int __init mk_unmap_low(void)
{
	if (!mk_is_instance())
		return 0;
	return set_memory_np((unsigned long)__va(0), ISA_END_ADDRESS >> PAGE_SHIFT);
}
late_initcall(mk_unmap_low);
