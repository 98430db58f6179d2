// SPDX-License-Identifier: GPL-2.0
/*
 * The commands of mkprobe on memory that outlives its kernel: a memfd in a session of the
 * live update orchestrator.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/liveupdate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mkprobe.h"

#define DEVICE		"/dev/liveupdate"
#define TOKEN		1
#define MIB		(1UL << 20)

static unsigned long *map_all(int fd, unsigned long size)
{
	unsigned long *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p != MAP_FAILED)
		return p;
	perror("mkprobe: mmap");
	exit(2);
}

/* No word is like the one before, and another seed makes each another one */
static unsigned long word_of(unsigned long seed, unsigned long i)
{
	return (i + seed * 0x9e3779b97f4a7c15UL) * 0xbf58476d1ce4e5b9UL;
}

/* Session fd of NAME by ioctl CMD; the two structures are alike */
static int session(const char *name, unsigned long cmd)
{
	struct liveupdate_ioctl_create_session arg = { .size = sizeof(arg) };
	int dev = open(DEVICE, O_RDWR), ret;

	if (dev < 0)
		return -1;
	snprintf((char *)arg.name, sizeof(arg.name), "%s", name);
	ret = ioctl(dev, cmd, &arg);
	close(dev);
	return ret < 0 ? -1 : arg.fd;
}

/* luo-keep SESSION MIB SEED: a process stays behind, as the session ends with its fd */
int luo_keep(int argc, char **argv)
{
	unsigned long size = probe_number(argv[1]) * MIB, seed = probe_number(argv[2]);
	struct liveupdate_session_preserve_fd arg = { .size = sizeof(arg), .token = TOKEN };
	int fd = memfd_create(argv[0], 0), ses, ret;
	unsigned long *p, i;

	(void)argc;
	if (fd < 0 || ftruncate(fd, size)) {
		perror("mkprobe: memfd");
		return 2;
	}
	p = map_all(fd, size);
	for (i = 0; i < size / sizeof(*p); i++)
		p[i] = word_of(seed, i);
	ses = session(argv[0], LIVEUPDATE_IOCTL_CREATE_SESSION);
	if (ses < 0)
		return probe_result(-1);
	arg.fd = fd;
	ret = ioctl(ses, LIVEUPDATE_SESSION_PRESERVE_FD, &arg);
	if (ret < 0)
		return probe_result(ret);
	switch (fork()) {
	case -1:
		return probe_result(-1);
	case 0:
		setsid();
		close(0);
		close(1);
		close(2);
		for (;;)
			pause();
	}
	return probe_result(0);
}

/* luo-find SESSION MIB SEED: takes it out, and says whether each byte is what it was */
int luo_find(int argc, char **argv)
{
	unsigned long size = probe_number(argv[1]) * MIB, seed = probe_number(argv[2]);
	struct liveupdate_session_retrieve_fd arg = { .size = sizeof(arg), .token = TOKEN };
	struct liveupdate_session_finish end = { .size = sizeof(end) };
	int ses = session(argv[0], LIVEUPDATE_IOCTL_RETRIEVE_SESSION);
	unsigned long *p, i;

	(void)argc;
	if (ses < 0 || ioctl(ses, LIVEUPDATE_SESSION_RETRIEVE_FD, &arg) < 0)
		return probe_result(-1);
	if (lseek(arg.fd, 0, SEEK_END) != (off_t)size) {
		puts("another size");
		return 1;
	}
	p = map_all(arg.fd, size);
	for (i = 0; i < size / sizeof(*p); i++) {
		if (p[i] != word_of(seed, i)) {
			printf("byte %lu is wrong\n", i * sizeof(*p));
			return 1;
		}
	}
	return probe_result(ioctl(ses, LIVEUPDATE_SESSION_FINISH, &end));
}
