// SPDX-License-Identifier: GPL-2.0
/*
 * Images by system call, with flags that no well-behaved tool would give.
 *
 * An ID of "-" leaves the multikernel flag out: the classic image is meant.
 */
#define _GNU_SOURCE
#include <asm/bootparam.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mk_uapi.h"
#include "mkprobe.h"

#define PAGE		4096UL

/* Offset of the 64-bit entry point in the loaded kernel */
#define ENTRY_64	0x200

static unsigned long align_up(unsigned long n, unsigned long align)
{
	return (n + align - 1) / align * align;
}

static unsigned long file_flags(const char *id)
{
	if (!strcmp(id, "-"))
		return 0;
	return KEXEC_FILE_MULTIKERNEL |
	       KEXEC_FILE_MULTIKERNEL_ID(probe_number(id));
}

int image_file_load(int argc, char **argv)
{
	unsigned long flags = file_flags(argv[0]);
	int kernel = open(argv[1], O_RDONLY), initrd = -1;

	if (!strcmp(argv[2], "-"))
		flags |= KEXEC_FILE_NO_INITRAMFS;
	else
		initrd = open(argv[2], O_RDONLY);
	if (kernel < 0 || (initrd < 0 && strcmp(argv[2], "-"))) {
		perror("mkprobe: open");
		return 2;
	}
	if (argc > 4)
		flags |= probe_number(argv[4]);
	return probe_result(syscall(SYS_kexec_file_load, kernel, initrd,
				    strlen(argv[3]) + 1, argv[3], flags));
}

int image_file_unload(int argc, char **argv)
{
	unsigned long flags = file_flags(argv[0]) | KEXEC_FILE_UNLOAD |
			      KEXEC_FILE_NO_INITRAMFS;

	if (argc > 1)
		flags |= probe_number(argv[1]);
	return probe_result(syscall(SYS_kexec_file_load, -1, -1, 0, NULL, flags));
}

/* A range of the instance's memory, and how much of it is taken. */
struct room {
	unsigned long start, end;
};

/* The largest range of a memory.map file. */
static struct room find_room(const char *path)
{
	struct room best = { }, now;
	FILE *f = fopen(path, "r");
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx", &now.start, &now.end) == 2 &&
		    now.end - now.start > best.end - best.start)
			best = now;
	if (f)
		fclose(f);
	if (best.end)
		return best;
	fprintf(stderr, "mkprobe: %s names no memory\n", path);
	exit(2);
}

static unsigned long take(struct room *room, unsigned long size,
			  unsigned long align)
{
	unsigned long at = align_up(room->start, align);

	if (at + size > room->end) {
		fputs("mkprobe: no room for the segments\n", stderr);
		exit(2);
	}
	room->start = at + align_up(size, PAGE);
	return at;
}

static struct kexec_segment *add_segment(struct kexec_segment *seg,
					 struct room *room, const void *buf,
					 unsigned long size,
					 unsigned long memsz,
					 unsigned long align)
{
	seg->buf = buf;
	seg->bufsz = size;
	seg->memsz = align_up(memsz, PAGE);
	seg->mem = (void *)take(room, memsz, align);
	return seg;
}

/* The zero page as the 64-bit boot protocol wants it: the header copied in. */
static struct boot_params *make_params(const char *kernel)
{
	struct boot_params *params = calloc(1, PAGE);
	const struct setup_header *hdr = (const void *)(kernel + 0x1f1);
	unsigned long end = 0x202 + (unsigned char)kernel[0x201];

	memcpy(&params->hdr, hdr, end - 0x1f1);
	params->hdr.type_of_loader = 0xff;
	return params;
}

static void point_to(struct boot_params *params,
		     const struct kexec_segment *cmdline,
		     const struct kexec_segment *initrd)
{
	unsigned long at = (unsigned long)cmdline->mem;

	params->hdr.cmd_line_ptr = at;
	params->ext_cmd_line_ptr = at >> 32;
	at = (unsigned long)initrd->mem;
	params->hdr.ramdisk_image = at;
	params->ext_ramdisk_image = at >> 32;
	params->hdr.ramdisk_size = initrd->bufsz;
	params->ext_ramdisk_size = initrd->bufsz >> 32;
}

static long kexec_load(unsigned long entry, unsigned long nr,
		       struct kexec_segment *segs, const char *id,
		       unsigned long arch)
{
	if (strcmp(id, "-"))
		arch |= KEXEC_MULTIKERNEL | KEXEC_MULTIKERNEL_ID(probe_number(id));
	return syscall(SYS_kexec_load, entry, nr, segs, arch);
}

/* Where arch/x86/boot/compressed/head_64.S calls extract_kernel() */
static void put_trap(char *kernel, unsigned long size)
{
	static const char call[] = "\x4c\x89\xff\x48\x89\xee\xe8";
	char *at = memmem(kernel, size, call, sizeof(call) - 1);

	if (!at) {
		fputs("mkprobe: this is another decompressor\n", stderr);
		exit(2);
	}
	memcpy(at, "\x0f\x0b", 2);
}

/*
 * Segments 0 to 3: zero page, kernel, command line, initramfs. "outside"
 * puts the kernel where no instance is, at 16 MiB; "large" lets the initramfs
 * go on behind the end of the memory; "static" says that the kernel can't be
 * moved, and "arch" that the image is for another architecture.
 *
 * For kernels that don't come far: with "first" the first instruction is an invalid one,
 * with "pointer" the command line is where no address can be, with "trap" there is an
 * invalid instruction in the decompressor, with "damaged" a page in the middle of what it is
 * to decompress is zero.
 */
int image_load(int argc, char **argv)
{
	const char *how = argc > 5 ? argv[5] : "";
	struct room room = find_room(argv[4]);
	unsigned long kernel_size, initrd_size, setup;
	char *kernel = probe_read_file(argv[1], &kernel_size);
	char *initrd = probe_read_file(argv[2], &initrd_size);
	struct boot_params *params = make_params(kernel);
	struct kexec_segment segs[4];
	unsigned long arch = KEXEC_ARCH_X86_64;

	setup = (params->hdr.setup_sects + 1) * 512;
	add_segment(&segs[1], &room, kernel + setup, kernel_size - setup,
		    params->hdr.init_size, params->hdr.kernel_alignment);
	add_segment(&segs[0], &room, params, PAGE, PAGE, PAGE);
	add_segment(&segs[2], &room, argv[3], strlen(argv[3]) + 1, PAGE, PAGE);
	add_segment(&segs[3], &room, initrd, initrd_size, initrd_size, PAGE);
	point_to(params, &segs[2], &segs[3]);

	if (!strcmp(how, "outside"))
		segs[1].mem = (void *)0x1000000;
	if (!strcmp(how, "large"))
		segs[3].memsz = room.end - (unsigned long)segs[3].mem + PAGE;
	if (!strcmp(how, "static"))
		params->hdr.relocatable_kernel = 0;
	if (!strcmp(how, "first"))
		memcpy(kernel + setup + ENTRY_64, "\x0f\x0b", 2);
	if (!strcmp(how, "trap"))
		put_trap(kernel, kernel_size);
	if (!strcmp(how, "pointer"))
		params->ext_cmd_line_ptr = 0x80000000;
	if (!strcmp(how, "damaged"))
		memset(kernel + setup + (kernel_size - setup) / 2, 0, PAGE);
	if (!strcmp(how, "arch"))
		arch = KEXEC_ARCH_AARCH64;
	return probe_result(kexec_load((unsigned long)segs[1].mem + ENTRY_64,
				       4, segs, argv[0], arch));
}

int image_unload(int argc, char **argv)
{
	(void)argc;
	return probe_result(kexec_load(0, 0, NULL, argv[0], KEXEC_ARCH_X86_64));
}

int image_reboot(int argc, char **argv)
{
	(void)argc;
	return probe_result(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1,
				    LINUX_REBOOT_MAGIC2,
				    LINUX_REBOOT_CMD_MULTIKERNEL,
				    (void *)probe_number(argv[0])));
}

int image_kexec(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return probe_result(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1,
				    LINUX_REBOOT_MAGIC2,
				    LINUX_REBOOT_CMD_KEXEC, NULL));
}
