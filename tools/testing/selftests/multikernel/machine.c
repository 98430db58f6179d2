// SPDX-License-Identifier: GPL-2.0
/*
 * The state of the machine that an instance must leave alone.
 *
 * "legacy" prints the state of the devices that a PC has once: PIC, ELCR,
 * PIT, CMOS, UARTs, I/O APIC; one line each, without what changes by itself
 * (clocks, pins, delivery bits). Most kernels would leave these devices in
 * the very state in which they found them, so a comparison alone proves
 * little: "plant" first puts values there that no driver would choose, and
 * prints what was there for "restore".
 *
 * "mapped" tells how much of a physical range is in the host's direct map,
 * "scan" looks through a physical range for a text.
 *
 * "map" maps a page of physical memory, "port" asks for a port, "msr" writes to a
 * model-specific register.
 *
 * "canary" keeps memory with a pattern, and looks at it for each line that it reads.
 *
 * "tsc" prints the time-stamp counter, which host and instances share.
 *
 * "nmi" sends an NMI to a CPU by the local APIC of the one that it runs on, which has to
 * be in xAPIC mode.
 *
 * "laps" stays on a CPU and counts how far a loop gets in windows of WINDOW_MS; it
 * prints "MS LAPS" for each, where MS is when the window ended, as /proc/uptime has it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "mkprobe.h"

#define PIC_MASTER_MASK	0x21
#define PIC_SLAVE_MASK	0xa1
#define ELCR_LOW	0x4d0
#define ELCR_HIGH	0x4d1
#define PIT_CHANNEL(n)	(0x40 + (n))
#define PIT_COMMAND	0x43
#define CMOS_INDEX	0x70
#define CMOS_DATA	0x71
#define CMOS_SHUTDOWN	0x0f
#define UART_LCR	3
#define UART_SCR	7

/* Port numbers above this mean a CMOS register in what plant prints. */
#define IN_CMOS		0x10000

#define PAGE		4096UL

#define IOAPIC_PA	0xfec00000

#define LAPIC_PA	0xfee00000
#define LAPIC_ICR_LOW	0x300
#define LAPIC_ICR_HIGH	0x310
#define ICR_ASSERT_NMI	0x4400

#define WINDOW_MS	5

static const __u16 uarts[] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };

static int ports;

static void open_ports(void)
{
	ports = open("/dev/port", O_RDWR);
	if (ports < 0) {
		perror("/dev/port");
		exit(2);
	}
}

static __u8 in(__u16 port)
{
	__u8 b;

	if (pread(ports, &b, 1, port) != 1) {
		perror("reading a port");
		exit(2);
	}
	return b;
}

static void out(__u16 port, __u8 b)
{
	if (pwrite(ports, &b, 1, port) != 1) {
		perror("writing a port");
		exit(2);
	}
}

static __u8 cmos_read(__u8 reg)
{
	out(CMOS_INDEX, reg);
	return in(CMOS_DATA);
}

static void cmos_write(__u8 reg, __u8 b)
{
	out(CMOS_INDEX, reg);
	out(CMOS_DATA, b);
}

static void show_pic(void)
{
	printf("pic mask %02x %02x\n", in(PIC_MASTER_MASK), in(PIC_SLAVE_MASK));
	printf("elcr %02x %02x\n", in(ELCR_LOW), in(ELCR_HIGH));
}

/* Read-back of the status alone; bits 7 and 6 are the pin and a count. */
static void show_pit(void)
{
	int i;

	out(PIT_COMMAND, 0xee);
	for (i = 0; i < 3; i++)
		printf("pit %d mode %02x\n", i, in(PIT_CHANNEL(i)) & 0x3f);
}

/* All but the clock: 0x00 to 0x0d with its status registers, the century. */
static void show_cmos(void)
{
	int reg;

	for (reg = 0x0e; reg < 0x80; reg++)
		if (reg != 0x32)
			printf("cmos %02x %02x\n", reg, cmos_read(reg));
}

static void show_uarts(void)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		printf("uart %03x lcr %02x scr %02x\n", uarts[i],
		       in(uarts[i] + UART_LCR), in(uarts[i] + UART_SCR));
}

static __u32 mmio_read(const __u32 *reg)
{
	__u32 value;

	asm volatile("movl %1, %0" : "=r" (value) : "m" (*reg));
	return value;
}

static void mmio_write(__u32 *reg, __u32 value)
{
	asm volatile("movl %1, %0" : "=m" (*reg) : "r" (value));
}

/* An index register, and a window to what it names 16 bytes further. */
static __u32 ioapic_read(__u32 *io, __u32 index)
{
	mmio_write(io, index);
	return mmio_read(io + 4);
}

/* Bits 12 and 14 of an entry move by themselves. */
static void show_ioapic(void)
{
	int fd = open("/dev/mem", O_RDWR | O_SYNC);
	__u32 index, high, low, *io;
	int i, n;

	io = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IOAPIC_PA);
	if (io == MAP_FAILED) {
		perror("/dev/mem");
		exit(2);
	}
	index = mmio_read(io);
	n = (ioapic_read(io, 1) >> 16 & 0xff) + 1;
	for (i = 0; i < n; i++) {
		low = ioapic_read(io, 0x10 + 2 * i) & ~(1u << 12 | 1u << 14);
		high = ioapic_read(io, 0x11 + 2 * i);
		printf("ioapic %02d %08x%08x\n", i, high, low);
	}
	mmio_write(io, index);
	munmap(io, 4096);
	close(fd);
}

int machine_legacy(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	open_ports();
	show_pic();
	show_pit();
	show_cmos();
	show_uarts();
	show_ioapic();
	return 0;
}

static void plant(__u32 where, __u8 b)
{
	if (where & IN_CMOS) {
		printf("%x %x\n", where, cmos_read(where));
		cmos_write(where, b);
	} else {
		printf("%x %x\n", where, in(where));
		out(where, b);
	}
}

/*
 * Every interrupt of the PICs that is let through here is one that no device
 * of the machine raises, or is behind the cascade that stays masked.
 */
int machine_plant(int argc, char **argv)
{
	unsigned int i;

	(void)argc;
	(void)argv;
	open_ports();
	plant(PIC_MASTER_MASK, 0x7f);
	plant(PIC_SLAVE_MASK, 0xfd);
	/* Interrupt 9, the SCI, is what a kernel without I/O APIC makes level */
	plant(ELCR_LOW, in(ELCR_LOW) ^ 0x20);
	plant(ELCR_HIGH, (in(ELCR_HIGH) ^ 0x10) & ~0x02);
	plant(IN_CMOS | CMOS_SHUTDOWN, 0x42);
	for (i = 0; i < 4; i++)
		plant(uarts[i] + UART_SCR, 0x5a);
	/* Channel 2 as a square wave; calibration makes it a one-shot */
	out(PIT_COMMAND, 0xb6);
	out(PIT_CHANNEL(2), 0x34);
	out(PIT_CHANNEL(2), 0x12);
	return 0;
}

int machine_restore(int argc, char **argv)
{
	unsigned int where, b;

	(void)argc;
	(void)argv;
	open_ports();
	while (scanf("%x %x", &where, &b) == 2) {
		if (where & IN_CMOS)
			cmos_write(where, b);
		else
			out(where, b);
	}
	return 0;
}

/* Whether a page has the text, each letter of it moved on by one. */
static int page_has(const char *page, const char *text, size_t len)
{
	const char *at = page, *last = page + PAGE - len;
	size_t i;

	for (; at <= last && (at = memchr(at, text[0] + 1, last + 1 - at)); at++) {
		for (i = 1; i < len && at[i] == text[i] + 1; i++)
			;
		if (i == len)
			return 1;
	}
	return 0;
}

/*
 * Counts the pages that have the text. It is compared letter by letter and
 * never put together here, so that no page of this program can have it.
 */
int machine_scan(int argc, char **argv)
{
	unsigned long at = probe_number(argv[0]), end = probe_number(argv[1]);
	int fd = open("/dev/mem", O_RDONLY);
	size_t len = strlen(argv[2]);
	unsigned long found = 0;
	char *page;

	(void)argc;
	for (; at < end; at += PAGE) {
		page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, at);
		if (page == MAP_FAILED) {
			perror("/dev/mem");
			return 2;
		}
		found += page_has(page, argv[2], len);
		munmap(page, PAGE);
	}
	printf("%lu\n", found);
	return 0;
}

/*
 * read() of /dev/mem goes through the direct map, mmap() does not, and where the
 * map has a hole read() fails with EFAULT. (The dump of the page tables in
 * debugfs does not tell: it passes over large pages that are not present.)
 */
int machine_mapped(int argc, char **argv)
{
	unsigned long at = probe_number(argv[0]), end = probe_number(argv[1]);
	int fd = open("/dev/mem", O_RDONLY);
	unsigned long mapped = 0;
	char byte;

	(void)argc;
	for (; at < end; at += PAGE) {
		if (pread(fd, &byte, 1, at) == 1) {
			mapped += PAGE;
		} else if (errno != EFAULT) {
			perror("/dev/mem");
			return 2;
		}
	}
	printf("%lu\n", mapped);
	return 0;
}

/* Can a page of physical memory be mapped? */
int machine_map(int argc, char **argv)
{
	int fd = open("/dev/mem", O_RDONLY | O_SYNC);
	void *page;

	(void)argc;
	if (fd < 0)
		return probe_result(fd);
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, probe_number(argv[0]));
	return probe_result(page == MAP_FAILED ? -1 : 0);
}

/* May this program touch a port? It asks by both system calls. */
int machine_port(int argc, char **argv)
{
	(void)argc;
	probe_result(ioperm(probe_number(argv[0]), 1, 1));
	return probe_result(iopl(3));
}

/* Writes what it reads of a model-specific register of CPU 0. */
int machine_msr(int argc, char **argv)
{
	int fd = open("/dev/cpu/0/msr", O_RDWR);
	unsigned long reg = probe_number(argv[0]);
	__u64 value;

	(void)argc;
	if (fd < 0 || pread(fd, &value, sizeof(value), reg) != sizeof(value)) {
		perror("/dev/cpu/0/msr");
		return 2;
	}
	return probe_result(pwrite(fd, &value, sizeof(value), reg) < 0 ? -1 : 0);
}

/* Fills memory, locked, with a pattern, and for each line says whether all of it is whole. */
int machine_canary(int argc, char **argv)
{
	unsigned long words = probe_number(argv[0]) << 17, i;
	unsigned long *mem, bad;
	char line[64];

	(void)argc;
	mem = mmap(NULL, words * sizeof(*mem), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (mem == MAP_FAILED || mlock(mem, words * sizeof(*mem)))
		return probe_result(-1);
	for (i = 0; i < words; i++)
		mem[i] = i * 0x9e3779b97f4a7c15UL;
	while (fgets(line, sizeof(line), stdin)) {
		for (i = bad = 0; i < words; i++)
			bad += mem[i] != i * 0x9e3779b97f4a7c15UL;
		if (bad)
			printf("%lu words are others\n", bad);
		else
			puts("whole");
		fflush(stdout);
	}
	return 0;
}

int machine_tsc(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("%llu\n", __builtin_ia32_rdtsc());
	return 0;
}

int machine_nmi(int argc, char **argv)
{
	__u32 dest = probe_number(argv[0]) << 24;
	__u32 *lapic;
	int fd = open("/dev/mem", O_RDWR | O_SYNC);

	(void)argc;
	lapic = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, LAPIC_PA);
	if (fd < 0 || lapic == MAP_FAILED) {
		perror("/dev/mem");
		return 2;
	}
	__atomic_store_n(&lapic[LAPIC_ICR_HIGH / 4], dest, __ATOMIC_RELEASE);
	__atomic_store_n(&lapic[LAPIC_ICR_LOW / 4], ICR_ASSERT_NMI, __ATOMIC_RELEASE);
	return 0;
}

static __u64 now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000;
}

int machine_laps(int argc, char **argv)
{
	unsigned long windows = probe_number(argv[1]);
	cpu_set_t set;

	(void)argc;
	CPU_ZERO(&set);
	CPU_SET(probe_number(argv[0]), &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("sched_setaffinity");
		return 2;
	}
	while (windows--) {
		__u64 end = now_us() + WINDOW_MS * 1000, laps = 0, now;

		do {
			unsigned int i;

			for (i = 0; i < 1000; i++)
				asm volatile("");
			laps++;
			now = now_us();
		} while (now < end);
		printf("%llu %llu\n", now / 1000, laps);
		fflush(stdout);
	}
	return 0;
}

/*
 * Sleeps for ten milliseconds at a time, and prints each time that was longer than any
 * before: how long this kernel has not let it run, in ms.
 */
int machine_gaps(int argc, char **argv)
{
	__u64 before = now_us(), longest = 0;

	(void)argc;
	(void)argv;
	for (;;) {
		__u64 now;

		usleep(10000);
		now = now_us();
		if (now - before > longest) {
			longest = now - before;
			printf("%llu\n", longest / 1000);
			fflush(stdout);
		}
		before = now;
	}
}
