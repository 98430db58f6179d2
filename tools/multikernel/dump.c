// SPDX-License-Identifier: GPL-2.0
/*
 * dump: the memory of an instance that has ended or hangs, as a file.
 *
 * The kernel gives it as an ELF core. Pages of zeros become holes, which is
 * most of the memory of most instances. A copy that is not whole is worse
 * than none, so it is removed, whatever ends the command.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mkctl.h"

#define PIECE_BYTES	(256 * 1024)	/* read and written at a time */
#define PAGE_BYTES	4096		/* of what a hole is made */

struct dump {
	const char *name;
	const char *path;		/* NULL: standard output */
	int from, to;
	unsigned long long done;
	struct mk_progress bar;
	char buf[PIECE_BYTES];
};

static int ended_by;	/* the signal that came, for ended() */

/* Whoever reads or writes at that moment comes back with EINTR. */
static void on_signal(int sig)
{
	__atomic_store_n(&ended_by, sig, __ATOMIC_RELAXED);
}

static int ended(void)
{
	return __atomic_load_n(&ended_by, __ATOMIC_RELAXED);
}

static void catch_signals(void)
{
	static const int which[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction sa = { .sa_handler = on_signal };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(which); i++)
		sigaction(which[i], &sa, NULL);
	/* Who reads our pipe may go: write() tells */
	signal(SIGPIPE, SIG_IGN);
}

static bool all_zero(const char *page, size_t len)
{
	return !*page && !memcmp(page, page + 1, len - 1);
}

static int write_all(int fd, const char *buf, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, buf, len);
		if (n < 0 && errno == EINTR && !ended())
			continue;
		if (n <= 0)
			return -1;
		buf += n;
		len -= n;
	}
	return 0;
}

/* Writes page by page what is no hole; a pipe gets the zeros too. */
static int write_piece(struct dump *d, size_t len)
{
	size_t at, n;

	if (!d->path)
		return write_all(d->to, d->buf, len);
	for (at = 0; at < len; at += n) {
		n = len - at < PAGE_BYTES ? len - at : PAGE_BYTES;
		if (all_zero(d->buf + at, n)) {
			if (lseek(d->to, n, SEEK_CUR) < 0)
				return -1;
		} else if (write_all(d->to, d->buf + at, n)) {
			return -1;
		}
	}
	return 0;
}

/* The kernel gives a page at a time. Less than was asked for is the end. */
static ssize_t read_piece(struct dump *d)
{
	size_t used = 0;
	ssize_t n;

	while (used < sizeof(d->buf) && !ended()) {
		n = read(d->from, d->buf + used, sizeof(d->buf) - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		used += n;
	}
	return used;
}

static int say_write_failed(struct dump *d)
{
	int err = errno;

	mk_progress_end(&d->bar);
	return mk_error("%s: %s", d->path ? d->path : "standard output",
			strerror(err));
}

static int say_read_failed(struct dump *d)
{
	int err = errno;

	mk_progress_end(&d->bar);
	return mk_error_op("dump", d->name, err);
}

static int say_no_core(struct dump *d)
{
	mk_progress_end(&d->bar);
	return mk_error("dump %s: what its file vmcore has is no ELF core", d->name);
}

static int copy(struct dump *d)
{
	ssize_t n;

	do {
		mk_progress_at(&d->bar, d->done);
		n = read_piece(d);
		if (n < 0)
			return say_read_failed(d);
		if (ended())
			return MK_FAILED;
		if (!d->done && (n < SELFMAG || memcmp(d->buf, ELFMAG, SELFMAG)))
			return say_no_core(d);
		if (write_piece(d, n))
			return ended() ? MK_FAILED : say_write_failed(d);
		d->done += n;
	} while (n == sizeof(d->buf));
	/* What ends with a hole has to be made as long as it is */
	if (d->path && ftruncate(d->to, d->done))
		return say_write_failed(d);
	return MK_OK;
}

static int say_hint(const char *what, const char *hint)
{
	return mk_error("%s\n  %s", what, hint);
}

static int open_core(struct dump *d)
{
	struct stat st;
	off_t end;

	d->from = mk_file_open(d->name, "vmcore", O_RDONLY);
	if (d->from < 0 && errno == ENOENT && mk_file_exists(d->name, "state"))
		return say_hint("there is no file vmcore of instances",
				"This kernel is too old to keep the memory of the dead.");
	if (d->from < 0)
		return mk_error_op("dump", d->name, errno);
	if (fstat(d->from, &st))
		return mk_error_op("dump", d->name, errno);
	end = lseek(d->from, 0, SEEK_END);
	d->bar.total = end > 0 ? end : 0;
	if (lseek(d->from, 0, SEEK_SET) < 0)
		return mk_error_op("dump", d->name, errno);
	return MK_OK;
}

/* Nobody else may read it, and what is there already stays as it is. */
static int open_target(struct dump *d)
{
	d->to = STDOUT_FILENO;
	if (!d->path && isatty(STDOUT_FILENO))
		return say_hint("a core is nothing for a terminal",
				"Name a file, or use a pipe: mkctl dump NAME - | gzip > FILE");
	if (!d->path)
		return MK_OK;
	d->to = open(d->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (d->to < 0 && errno == EEXIST)
		return mk_error("%s is there already\n  Choose another name, or remove it first.",
				d->path);
	if (d->to < 0)
		return say_write_failed(d);
	return MK_OK;
}

static int copy_to_target(struct dump *d)
{
	int ret;

	catch_signals();
	ret = copy(d);
	mk_progress_end(&d->bar);
	if (!d->path)
		return ret;
	if (close(d->to) && !ret)
		ret = say_write_failed(d);
	if (ret)
		unlink(d->path);
	return ret;
}

static int dump(struct dump *d)
{
	int ret = open_core(d);

	if (!ret)
		ret = open_target(d);
	if (!ret)
		ret = copy_to_target(d);
	if (d->from >= 0)
		close(d->from);
	return ret;
}

int mk_dump(int argc, char **argv)
{
	const struct mk_opt opts[] = { { } };
	const char *pos[2];
	struct dump *d;
	int ret;

	if (mk_opts_parse(argc, argv, opts, pos, 2, 2))
		return MK_USAGE;
	if (mk_opts_check_name(pos[0]))
		return MK_FAILED;
	d = calloc(1, sizeof(*d));
	if (!d)
		mk_error_out_of_memory();
	d->name = pos[0];
	d->path = strcmp(pos[1], "-") ? pos[1] : NULL;
	d->bar.title = d->name;
	ret = dump(d);
	free(d);
	/* As if nothing had caught it, so that a shell knows */
	if (ended()) {
		signal(ended(), SIG_DFL);
		raise(ended());
	}
	return ret;
}
