// SPDX-License-Identifier: GPL-2.0
/*
 * Commands of mkprobe on core files: ELF as in the System V ABI, notes as in
 * Documentation/admin-guide/kdump/vmcoreinfo.rst.
 */
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/user.h>
#include <time.h>
#include <unistd.h>

#include "mkprobe.h"

#define STEP 0x100000UL

struct core {
	int fd;
	unsigned long size;
	const unsigned char *map;
};

static int core_open(struct core *core, const char *path)
{
	off_t size;

	core->fd = open(path, O_RDONLY);
	if (core->fd < 0)
		return -1;
	size = lseek(core->fd, 0, SEEK_END);
	if (size <= 0 || lseek(core->fd, 0, SEEK_SET))
		return -1;
	core->size = size;
	core->map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, core->fd, 0);
	return core->map == MAP_FAILED ? -1 : 0;
}

static void core_note(const Elf64_Nhdr *note)
{
	const char *name = (const char *)(note + 1);
	const char *desc = name + ((note->n_namesz + 3) & ~3U);
	const char *release;

	if (!strcmp(name, "VMCOREINFO")) {
		release = memmem(desc, note->n_descsz, "OSRELEASE=", 10);
		if (release)
			printf("release %.*s\n", (int)strcspn(release + 10, "\n"), release + 10);
		printf("crashed %s\n",
		       memmem(desc, note->n_descsz, "CRASHTIME=", 10) ? "yes" : "no");
	} else if (!strcmp(name, "CORE") && note->n_type == NT_PRSTATUS &&
		   note->n_descsz >= sizeof(struct elf_prstatus)) {
		const struct elf_prstatus *status = (const void *)desc;
		const struct user_regs_struct *regs = (const void *)status->pr_reg;

		printf("cpu pid %d ip 0x%llx\n", status->pr_pid, (unsigned long long)regs->rip);
	} else {
		printf("note %s %u\n", name, note->n_type);
	}
}

/* One line for a fact, so that a script can compare words. */
int core_info(int argc, char **argv)
{
	const Elf64_Ehdr *elf;
	const Elf64_Phdr *phdr;
	struct core core;
	unsigned int i;

	(void)argc;
	if (core_open(&core, argv[0]))
		return probe_result(-1);
	elf = (const void *)core.map;
	if (memcmp(elf->e_ident, ELFMAG, SELFMAG) || elf->e_phentsize != sizeof(*phdr)) {
		puts("no ELF");
		return 1;
	}
	printf("type %u\nmachine %u\n", elf->e_type, elf->e_machine);
	phdr = (const void *)(core.map + elf->e_phoff);
	for (i = 0; i < elf->e_phnum; i++, phdr++) {
		unsigned long at = phdr->p_offset, end = at + phdr->p_filesz;

		if (end > core.size) {
			puts("truncated");
			return 1;
		}
		if (phdr->p_type == PT_LOAD)
			printf("load 0x%llx-0x%llx at 0x%llx\n", (unsigned long long)phdr->p_paddr,
			       (unsigned long long)(phdr->p_paddr + phdr->p_memsz),
			       (unsigned long long)phdr->p_vaddr);
		while (phdr->p_type == PT_NOTE && at < end) {
			const Elf64_Nhdr *note = (const void *)(core.map + at);

			core_note(note);
			at += sizeof(*note) + ((note->n_namesz + 3) & ~3U) +
			      ((note->n_descsz + 3) & ~3U);
		}
	}
	return 0;
}

/* Are the bytes that are read those that are mapped? */
int core_same(int argc, char **argv)
{
	unsigned char *buf = malloc(STEP);
	unsigned long at = 0;
	struct core core;
	ssize_t n;

	(void)argc;
	if (!buf || core_open(&core, argv[0]))
		return probe_result(-1);
	while ((n = read(core.fd, buf, STEP)) > 0) {
		if (memcmp(core.map + at, buf, n)) {
			printf("other bytes from %lu\n", at);
			return 1;
		}
		at += n;
	}
	if (n < 0)
		return probe_result(n);
	puts(at == core.size ? "same" : "another size");
	return at != core.size;
}

/* Prints the words that follow TEXT there, each once for each time */
int core_find(int argc, char **argv)
{
	size_t len = strlen(argv[1]);
	const unsigned char *at, *end;
	struct core core;

	(void)argc;
	if (core_open(&core, argv[0]))
		return probe_result(-1);
	end = core.map + core.size;
	for (at = core.map; (at = memmem(at, end - at, argv[1], len));) {
		for (at += len; at < end && isgraph(*at); at++)
			putchar(*at);
		putchar('\n');
	}
	return 0;
}

static sigjmp_buf gone;

static void on_sigbus(int sig)
{
	siglongjmp(gone, sig);
}

static void core_touch(const struct core *core)
{
	unsigned char byte;

	memcpy(&byte, core->map + core->size - 1, 1);
	__asm__ volatile("" : : "r"(byte));
}

/* Opens and maps it, waits for a line, and says what has become of both. */
int core_hold(int argc, char **argv)
{
	struct core core;
	char buf[64];

	(void)argc;
	if (core_open(&core, argv[0]))
		return probe_result(-1);
	core_touch(&core);
	puts("held");
	fflush(stdout);
	if (!fgets(buf, sizeof(buf), stdin))
		return 2;
	signal(SIGBUS, on_sigbus);
	if (sigsetjmp(gone, 1)) {
		puts("mapping gone");
	} else {
		core_touch(&core);
		puts("mapping there");
	}
	return probe_result(pread(core.fd, buf, sizeof(buf), core.size - sizeof(buf)));
}

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static long long core_copy_all(const unsigned char *from, unsigned long size, unsigned char *to)
{
	long long begin = now_ns();
	unsigned long at;

	for (at = 0; at < size; at += STEP)
		memcpy(to, from + at, size - at < STEP ? size - at : STEP);
	return now_ns() - begin;
}

/* How long it takes to map and copy it, and to copy as many bytes of one's own: in ns */
int core_timed(int argc, char **argv)
{
	unsigned char *buf = malloc(STEP), *own;
	long long begin, map;
	struct core core;

	(void)argc;
	begin = now_ns();
	if (!buf || core_open(&core, argv[0]))
		return probe_result(-1);
	map = now_ns() - begin;
	own = mmap(NULL, core.size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (own == MAP_FAILED)
		return probe_result(-1);
	memset(buf, 1, STEP);
	memset(own, 1, core.size);
	printf("bytes %lu\nmap %lld\ncopy %lld\n", core.size, map,
	       core_copy_all(core.map, core.size, buf));
	printf("memcpy %lld\n", core_copy_all(own, core.size, buf));
	return 0;
}
