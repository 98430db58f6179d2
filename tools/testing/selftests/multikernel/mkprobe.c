// SPDX-License-Identifier: GPL-2.0
/*
 * The command table of mkprobe, and its commands on files.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "mkprobe.h"

struct command {
	const char *name;
	const char *args;
	int (*run)(int argc, char **argv);
	int min;		/* arguments that have to be there */
};

static const char *error_name(int err)
{
	static const struct { int err; const char *name; } names[] = {
#define NAME(e) { e, #e }
		NAME(E2BIG), NAME(EACCES), NAME(EADDRNOTAVAIL), NAME(EAGAIN), NAME(EBADF),
		NAME(EBUSY), NAME(ECANCELED), NAME(ECONNRESET), NAME(EEXIST),
		NAME(EFAULT), NAME(EINTR),
		NAME(EINVAL), NAME(EIO), NAME(EISDIR), NAME(EKEYREJECTED),
		NAME(ENODATA), NAME(ENODEV), NAME(ENOENT), NAME(ENOEXEC),
		NAME(ENOMEM), NAME(ENOSPC), NAME(ENOTCONN), NAME(ENOTDIR),
		NAME(ENOTEMPTY), NAME(ENXIO), NAME(EOPNOTSUPP), NAME(EPERM),
		NAME(EPIPE), NAME(EPROTO), NAME(ERANGE), NAME(EROFS), NAME(ESTALE), NAME(ETIMEDOUT),
#undef NAME
	};
	static char number[16];
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].err == err)
			return names[i].name;
	snprintf(number, sizeof(number), "errno=%d", err);
	return number;
}

/* Says how a system call ended; to be called right behind it. */
int probe_result(long ret)
{
	puts(ret < 0 ? error_name(errno) : "OK");
	return ret < 0;
}

unsigned long probe_number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (end == text || *end) {
		fprintf(stderr, "mkprobe: %s is not a number\n", text);
		exit(2);
	}
	return n;
}

void *probe_read_file(const char *path, unsigned long *size)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *buf = NULL;

	if (fd >= 0 && !fstat(fd, &st))
		buf = malloc(st.st_size + 1);
	if (!buf || read(fd, buf, st.st_size) != st.st_size) {
		perror(path);
		exit(2);
	}
	close(fd);
	*size = st.st_size;
	return buf;
}

/* One write() of the whole text, none for a file that does not open. */
static int file_write(int argc, char **argv)
{
	int fd = open(argv[0], O_WRONLY);
	size_t len = strlen(argv[1]);
	ssize_t n;

	(void)argc;
	if (fd < 0)
		return probe_result(fd);
	n = write(fd, argv[1], len);
	if (n >= 0 && (size_t)n != len) {
		printf("only %zd of %zu bytes\n", n, len);
		return 1;
	}
	return probe_result(n);
}

/* Writes that must succeed, one after the other: how many microseconds they took */
static int file_timed(int argc, char **argv)
{
	struct timespec from, to;
	int i, fd;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (i = 0; i + 1 < argc; i += 2) {
		fd = open(argv[i], O_WRONLY);
		if (fd < 0 || write(fd, argv[i + 1], strlen(argv[i + 1])) < 0) {
			perror(argv[i]);
			return 1;
		}
		close(fd);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("%lld\n", (to.tv_sec - from.tv_sec) * 1000000LL +
			 (to.tv_nsec - from.tv_nsec) / 1000);
	return 0;
}

static int file_mkdir(int argc, char **argv)
{
	(void)argc;
	return probe_result(mkdir(argv[0], 0755));
}

static int file_rmdir(int argc, char **argv)
{
	(void)argc;
	return probe_result(rmdir(argv[0]));
}

/* One read() without waiting: its length, or why there is none. */
static int file_try_read(int argc, char **argv)
{
	int fd = open(argv[0], O_RDONLY | O_NONBLOCK);
	char buf[4096];
	ssize_t n, all = 0;

	(void)argc;
	if (fd < 0)
		return probe_result(fd);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		all += n;
	if (n < 0)
		return probe_result(n);
	printf("end after %zd\n", all);
	return 0;
}

/*
 * Sleeps in poll() on a file that was read before, without looking at it
 * again: only the kernel can end that, by waking its pollers.
 */
static int file_poll(int argc, char **argv)
{
	struct pollfd pfd = { .fd = open(argv[0], O_RDONLY), .events = POLLPRI };
	char buf[4096];
	int n;

	(void)argc;
	if (pfd.fd < 0 || read(pfd.fd, buf, sizeof(buf)) < 0)
		return probe_result(-1);
	puts("armed");
	fflush(stdout);
	n = poll(&pfd, 1, probe_number(argv[1]) * 1000);
	if (n < 0)
		return probe_result(n);
	puts(n && (pfd.revents & POLLPRI) ? "woken" : "not woken");
	return !n;
}

/* What a file of a directory says, without the newline; NULL if it can't be read */
static const char *file_word(int fd)
{
	static char buf[64];
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	if (n < 0)
		return NULL;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

/* Sleeps until DIR/state is STATE, and prints the time-stamp counter of that moment. */
static int file_await(int argc, char **argv)
{
	int dir = open(argv[0], O_RDONLY | O_DIRECTORY);
	int state = openat(dir, "state", O_RDONLY);
	struct pollfd pfd = { .fd = openat(dir, "events", O_RDONLY), .events = POLLPRI };
	const char *now;

	(void)argc;
	if (dir < 0 || state < 0 || pfd.fd < 0)
		return probe_result(-1);
	for (;;) {
		if (!file_word(pfd.fd))
			return probe_result(-1);
		now = file_word(state);
		if (now && !strcmp(now, argv[1]))
			return machine_tsc(0, NULL);
		if (poll(&pfd, 1, probe_number(argv[2]) * 1000) <= 0)
			return 1;
	}
}

/*
 * Registers FILE with epoll, removes DIR, in which it lies, and takes it out of
 * epoll again by closing it: what a poller sleeps on has to outlive the file.
 */
static int file_outlive(int argc, char **argv)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = open(argv[0], O_RDONLY);
	int ep = epoll_create1(0);

	(void)argc;
	if (fd < 0 || ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) ||
	    rmdir(argv[1]))
		return probe_result(-1);
	close(fd);
	return probe_result(epoll_wait(ep, &event, 1, 0));
}

static const struct command *find(const char *name);

static void drop(struct __user_cap_data_struct *data, int cap)
{
	data[cap / 32].effective &= ~(1u << cap % 32);
	data[cap / 32].permitted &= ~(1u << cap % 32);
}

/* Runs another command of this program without the privileges to boot and to see memory. */
static int no_cap(int argc, char **argv)
{
	struct __user_cap_header_struct hdr = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	const struct command *cmd = find(argv[0]);

	if (!cmd || argc - 1 < cmd->min)
		return 2;
	if (syscall(SYS_capget, &hdr, data))
		return 2;
	drop(data, CAP_SYS_BOOT);
	drop(data, CAP_SYS_RAWIO);
	if (syscall(SYS_capset, &hdr, data))
		return 2;
	return cmd->run(argc - 1, argv + 1);
}

static const struct command commands[] = {
	{ "write", "FILE TEXT", file_write, 2 },
	{ "timed", "FILE TEXT...", file_timed, 2 },
	{ "mkdir", "DIR", file_mkdir, 1 },
	{ "rmdir", "DIR", file_rmdir, 1 },
	{ "try-read", "FILE", file_try_read, 1 },
	{ "poll", "FILE SECONDS", file_poll, 2 },
	{ "await", "DIR STATE SECONDS", file_await, 3 },
	{ "outlive", "FILE DIR", file_outlive, 2 },
	{ "no-cap", "COMMAND...", no_cap, 1 },
	{ "file-load", "ID|- KERNEL INITRD|- CMDLINE [FLAGS]", image_file_load, 4 },
	{ "file-unload", "ID|- [FLAGS]", image_file_unload, 1 },
	{ "load", "ID KERNEL INITRD CMDLINE MAP [outside|large|static|arch]", image_load, 5 },
	{ "unload", "ID|-", image_unload, 1 },
	{ "reboot", "ID", image_reboot, 1 },
	{ "kexec", "", image_kexec, 0 },
	{ "luo-keep", "SESSION MIB SEED", luo_keep, 3 },
	{ "luo-find", "SESSION MIB SEED", luo_find, 3 },
	{ "luo-serve", "SESSION MIB", luo_serve, 2 },
	{ "luo-gap", "SESSION MIB", luo_gap, 2 },
	{ "luo-wait", "", luo_wait, 0 },
	{ "luo-succeed", "SESSION MIB", luo_succeed, 2 },
	{ "legacy", "", machine_legacy, 0 },
	{ "plant", "", machine_plant, 0 },
	{ "restore", "< what plant has printed", machine_restore, 0 },
	{ "scan", "START END TEXT", machine_scan, 3 },
	{ "mapped", "START END", machine_mapped, 2 },
	{ "map", "ADDRESS", machine_map, 1 },
	{ "port", "PORT", machine_port, 1 },
	{ "msr", "REGISTER", machine_msr, 1 },
	{ "canary", "MIB < lines", machine_canary, 1 },
	{ "tsc", "", machine_tsc, 0 },
	{ "nmi", "APICID", machine_nmi, 1 },
	{ "laps", "CPU WINDOWS", machine_laps, 2 },
	{ "gaps", "", machine_gaps, 0 },
	{ "core", "FILE", core_info, 1 },
	{ "core-find", "FILE TEXT", core_find, 2 },
	{ "core-same", "FILE", core_same, 1 },
	{ "core-hold", "FILE < a line", core_hold, 1 },
	{ "core-timed", "FILE", core_timed, 1 },
	{ "vsock-listen", "PORT COUNT", sock_listen, 2 },
	{ "vsock", "CID PORT [FROM]", sock_connect, 2 },
	{ "pty", "ROWS COLUMNS COMMAND...", sock_pty, 3 },
};

static const struct command *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *cmd = argc > 1 ? find(argv[1]) : NULL;
	unsigned int i;

	if (cmd && argc - 2 >= cmd->min)
		return cmd->run(argc - 2, argv + 2);
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		fprintf(stderr, "mkprobe %s %s\n", commands[i].name,
			commands[i].args);
	return 2;
}
