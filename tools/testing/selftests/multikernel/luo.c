// SPDX-License-Identifier: GPL-2.0
/*
 * The commands of mkprobe on memory that outlives its kernel: a memfd in a session of the
 * live update orchestrator.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/liveupdate.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#include "mkprobe.h"

#define DEVICE		"/dev/liveupdate"
#define TOKEN		1
#define MIB		1048576UL

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

/* The pattern in a memfd, which is preserved in a session */
static unsigned long *keep(const char *name, unsigned long size, unsigned long seed)
{
	struct liveupdate_session_preserve_fd arg = { .size = sizeof(arg), .token = TOKEN };
	int fd = memfd_create(name, 0), ses;
	unsigned long *p, i;

	if (fd < 0 || ftruncate(fd, size)) {
		perror("mkprobe: memfd");
		exit(2);
	}
	p = map_all(fd, size);
	/* It is given back folio by folio, so let them be large, if this kernel has such */
	madvise(p, size, MADV_HUGEPAGE);
	for (i = 0; i < size / sizeof(*p); i++)
		p[i] = word_of(seed, i);
	ses = session(name, LIVEUPDATE_IOCTL_CREATE_SESSION);
	arg.fd = fd;
	return ses < 0 || ioctl(ses, LIVEUPDATE_SESSION_PRESERVE_FD, &arg) < 0 ? NULL : p;
}

/* Of which @from words are of somebody else's making; -1 if none of the rest is wrong */
static long first_wrong(const unsigned long *p, unsigned long size, unsigned long seed,
			unsigned long from)
{
	unsigned long i;

	for (i = from; i < size / sizeof(*p); i++)
		if (p[i] != word_of(seed, i))
			return i * sizeof(*p);
	return -1;
}

/* What was kept there; NULL, and errno, if it can't be had */
static unsigned long *take_out(const char *name, unsigned long size, int *ses)
{
	struct liveupdate_session_retrieve_fd arg = { .size = sizeof(arg), .token = TOKEN };

	*ses = session(name, LIVEUPDATE_IOCTL_RETRIEVE_SESSION);
	if (*ses < 0 || ioctl(*ses, LIVEUPDATE_SESSION_RETRIEVE_FD, &arg) < 0)
		return NULL;
	if (lseek(arg.fd, 0, SEEK_END) == (off_t)size)
		return map_all(arg.fd, size);
	errno = ERANGE;
	return NULL;
}

static int finish(int ses)
{
	struct liveupdate_session_finish end = { .size = sizeof(end) };

	return ioctl(ses, LIVEUPDATE_SESSION_FINISH, &end);
}

/* Goes on in a process of its own, as the session ends with its fd */
static int stay_behind(void (*work)(unsigned long *p), unsigned long *p)
{
	switch (fork()) {
	case -1:
		return -1;
	case 0:
		setsid();
		close(0);
		close(1);
		close(2);
		for (;;)
			work(p);
	}
	return 0;
}

static void rest(unsigned long *p)
{
	(void)p;
	pause();
}

/* As one that answers requests: each millisecond is a time at which it was there */
static void stamp(unsigned long *p)
{
	__atomic_store_n(&p[0], __rdtsc(), __ATOMIC_RELAXED);
	usleep(1000);
}

/* Until another kernel has left some */
static int wait_for_sessions(void)
{
	struct pollfd pfd = { .fd = open(DEVICE, O_RDWR), .events = POLLIN };
	int ret;

	if (pfd.fd < 0)
		return -1;
	ret = poll(&pfd, 1, -1);
	close(pfd.fd);
	return ret == 1 ? 0 : -1;
}

/* luo-keep SESSION MIB SEED */
int luo_keep(int argc, char **argv)
{
	unsigned long *p = keep(argv[0], probe_number(argv[1]) * MIB, probe_number(argv[2]));

	(void)argc;
	return probe_result(p ? stay_behind(rest, p) : -1);
}

/* luo-find SESSION MIB SEED: takes it out, and says whether each byte is what it was */
int luo_find(int argc, char **argv)
{
	unsigned long size = probe_number(argv[1]) * MIB;
	unsigned long *p;
	long wrong;
	int ses;

	(void)argc;
	p = take_out(argv[0], size, &ses);
	if (!p)
		return probe_result(-1);
	wrong = first_wrong(p, size, probe_number(argv[2]), 0);
	if (wrong >= 0) {
		printf("byte %ld is wrong\n", wrong);
		return 1;
	}
	return probe_result(finish(ses));
}

/* luo-serve SESSION MIB: keeps it, and writes the time into it */
int luo_serve(int argc, char **argv)
{
	unsigned long *p = keep(argv[0], probe_number(argv[1]) * MIB, 0);

	(void)argc;
	return probe_result(p ? stay_behind(stamp, p) : -1);
}

/*
 * luo-gap SESSION MIB: ticks of the time-stamp counter from the last time that was written
 * until it could be read, of which how many in this process, and whether all else is whole.
 */
int luo_gap(int argc, char **argv)
{
	unsigned long size = probe_number(argv[1]) * MIB, begin = __rdtsc(), now;
	unsigned long *p;
	int ses;

	(void)argc;
	p = take_out(argv[0], size, &ses);
	now = __rdtsc();
	if (!p)
		return probe_result(-1);
	if (first_wrong(p, size, 0, 1) >= 0) {
		puts("damaged");
		return 1;
	}
	printf("%lu %lu\n", now - p[0], now - begin);
	return finish(ses) < 0;
}

/* luo-wait: until there is something, and for ever then */
int luo_wait(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (wait_for_sessions())
		return probe_result(-1);
	for (;;)
		pause();
}

/* luo-succeed SESSION MIB: luo-gap as soon as there is something, and serves from then on */
int luo_succeed(int argc, char **argv)
{
	unsigned long size = probe_number(argv[1]) * MIB, begin, now;
	unsigned long *p;
	int ses;

	(void)argc;
	if (wait_for_sessions())
		return probe_result(-1);
	begin = __rdtsc();
	p = take_out(argv[0], size, &ses);
	now = __rdtsc();
	if (!p)
		return probe_result(-1);
	printf("%lu %lu\n", now - p[0], now - begin);
	if (first_wrong(p, size, 0, 1) >= 0) {
		puts("damaged");
		return 1;
	}
	if (finish(ses) < 0)
		return 1;
	fflush(stdout);
	return stay_behind(stamp, p) ? 1 : 0;
}
