// SPDX-License-Identifier: GPL-2.0
/*
 * console: the user's terminal becomes the instance's.
 *
 * One loop moves bytes both ways. The console file is opened twice: a file
 * of this kind serves one call at a time, and a reader that waits must not
 * hold up what the user types. Input that the instance has no room for yet
 * is kept, and nothing more is read from the user meanwhile, so that a
 * program which pipes text in loses none of it.
 *
 * Without a terminal it is a tool for scripts: stdin goes in, what comes out
 * is printed until the instance ends, --until is seen, or --timeout is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mkctl.h"

#define DETACH_KEY	(']' & 0x1f)	/* Ctrl-] */

/* How soon input is tried again that the instance had no room for. */
#define RETRY_MS	10

static bool resized;

struct console {
	const char *name;
	int in;			/* from the instance */
	int out;		/* to the instance */
	bool stdin_open;
	bool detached;
	bool ended;
	bool failed;

	char pending[4096];	/* input that has not gone down yet */
	size_t pending_used;

	const char *until;	/* stop when this is seen */
	size_t until_len;
	char *tail;		/* the last until_len - 1 bytes seen */
	size_t tail_len;
	bool seen;
};

static void print_all(struct console *con, const char *buf, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(STDOUT_FILENO, buf, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			con->failed = true;
			return;
		}
		buf += n;
		len -= n;
	}
}

/* The text can be cut in two by the end of a read, so the tail is kept. */
static void look_for_until(struct console *con, const char *buf, size_t len)
{
	size_t total = con->tail_len + len, keep;
	char *both = malloc(total);

	if (!both)
		mk_error_out_of_memory();
	memcpy(both, con->tail, con->tail_len);
	memcpy(both + con->tail_len, buf, len);
	if (memmem(both, total, con->until, con->until_len))
		con->seen = true;
	keep = con->until_len - 1;
	if (keep > total)
		keep = total;
	memcpy(con->tail, both + total - keep, keep);
	con->tail_len = keep;
	free(both);
}

static void from_instance(struct console *con)
{
	char buf[4096];
	ssize_t n = read(con->in, buf, sizeof(buf));

	if (n > 0) {
		print_all(con, buf, n);
		if (con->until)
			look_for_until(con, buf, n);
	} else if (!n || (errno != EAGAIN && errno != EINTR)) {
		con->ended = true;
	}
}

static void from_user(struct console *con, bool tty)
{
	ssize_t n = read(STDIN_FILENO, con->pending, sizeof(con->pending));
	char *key;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		con->stdin_open = false;
		return;
	}
	key = tty ? memchr(con->pending, DETACH_KEY, n) : NULL;
	if (key) {
		con->detached = true;
		n = key - con->pending;
	}
	con->pending_used = n;
}

static void to_instance(struct console *con)
{
	ssize_t n;

	if (!con->pending_used)
		return;
	n = write(con->out, con->pending, con->pending_used);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* It listens no more; what it said last is still to be read. */
	if (n < 0)
		n = con->pending_used;
	con->pending_used -= n;
	memmove(con->pending, con->pending + n, con->pending_used);
}

/* How long to sleep: until the deadline, or until input can be tried again. */
static int sleep_ms(const struct console *con, long long deadline)
{
	int left = mk_wait_left(deadline);

	if (con->pending_used && (left < 0 || left > RETRY_MS))
		return RETRY_MS;
	return left;
}

static void on_resize(int sig)
{
	(void)sig;
	__atomic_store_n(&resized, true, __ATOMIC_RELAXED);
}

/* A kernel that knows of no sizes has no such file */
static void tell_size(const struct console *con)
{
	unsigned short rows, columns;
	char text[32];

	__atomic_store_n(&resized, false, __ATOMIC_RELAXED);
	mk_terminal_size(&rows, &columns);
	snprintf(text, sizeof(text), "%u %u", rows, columns);
	mk_file_write(con->name, "winsize", text);
}

static void run(struct console *con, bool tty, int ms)
{
	long long deadline = mk_wait_deadline(ms);
	struct pollfd fds[2] = {
		{ .fd = con->in, .events = POLLIN },
		{ .events = POLLIN },
	};

	while (!con->ended && !con->seen && !con->detached && !con->failed) {
		if (!mk_wait_left(deadline))
			return;
		fds[1].fd = con->stdin_open && !con->pending_used ?
			    STDIN_FILENO : -1;
		fds[1].revents = 0;
		if (__atomic_load_n(&resized, __ATOMIC_RELAXED))
			tell_size(con);
		if (poll(fds, 2, sleep_ms(con, deadline)) < 0 && errno != EINTR)
			return;
		if (fds[0].revents)
			from_instance(con);
		if (fds[1].revents)
			from_user(con, tty);
		to_instance(con);
	}
}

/* Reads away what was said before now. */
static void skip_old(struct console *con)
{
	char buf[4096];

	while (read(con->in, buf, sizeof(buf)) > 0)
		;
}

static void say_end(const struct console *con)
{
	char *reason;

	if (con->detached)
		fprintf(stderr, "\r\n[detached from %s]\r\n", con->name);
	if (!con->ended)
		return;
	reason = mk_file_word(con->name, "reason");
	fprintf(stderr, "\r\n[%s has ended: %s]\r\n", con->name,
		reason ? reason : "removed");
	free(reason);
}

static bool runs(const char *name)
{
	char *state = mk_file_word(name, "state");
	bool over = state && mk_wait_state_in(state, MK_STATES_ENDED);

	if (over) {
		mk_error("console %s: it does not run, it is %s", name, state);
		fprintf(stderr, "  Start it: mkctl start %s; read what it said: mkctl logs %s\n",
			name, name);
	}
	free(state);
	return !over;
}

static int console_open(struct console *con, const char *until)
{
	if (!runs(con->name))
		return MK_FAILED;
	con->in = mk_file_open(con->name, "console", O_RDONLY | O_NONBLOCK);
	if (con->in < 0)
		return mk_error_op("console", con->name, errno);
	con->out = mk_file_open(con->name, "console", O_WRONLY | O_NONBLOCK);
	if (con->out < 0)
		return mk_error_op("console", con->name, errno);
	con->stdin_open = true;
	if (!until || !*until)
		return MK_OK;
	con->until = until;
	con->until_len = strlen(until);
	con->tail = malloc(con->until_len);
	if (!con->tail)
		mk_error_out_of_memory();
	return MK_OK;
}

static int attach(struct console *con, bool only_new, int ms)
{
	bool tty = isatty(STDIN_FILENO);

	if (only_new)
		skip_old(con);
	if (tty)
		fprintf(stderr, "[attached to %s; Ctrl-] detaches]\n", con->name);
	if (tty && !mk_terminal_raw())
		return mk_error("cannot set the terminal up: %s", strerror(errno));
	if (tty) {
		signal(SIGWINCH, on_resize);
		tell_size(con);
	}
	run(con, tty, ms);
	mk_terminal_restore();
	if (tty)
		say_end(con);
	return con->failed ? MK_FAILED : MK_OK;
}

/* mk_console_attach() - Until it ends, or the user goes. */
int mk_console_attach(const char *name)
{
	struct console con = { .name = name };
	int ret = console_open(&con, NULL);

	return ret ? ret : attach(&con, false, MK_FOREVER);
}

int mk_console(int argc, char **argv)
{
	const char *until = NULL;
	struct console con = { };
	bool only_new = false;
	int ms = MK_FOREVER, ret;
	const struct mk_opt opts[] = {
		{ "until", 'u', MK_OPT_TEXT, &until },
		{ "timeout", 't', MK_OPT_MS, &ms },
		{ "new", 'n', MK_OPT_FLAG, &only_new },
		{ }
	};

	if (mk_opts_parse(argc, argv, opts, &con.name, 1, 1))
		return MK_USAGE;
	if (!mk_file_name_ok(con.name))
		return mk_error_op("console", con.name, ENOENT);
	ret = console_open(&con, until);
	if (ret)
		return ret;
	ret = attach(&con, only_new, ms);
	free(con.tail);
	if (con.until && !con.seen && !con.failed && !con.detached)
		mk_error("console %s: %s without '%s'", con.name,
			 con.ended ? "it has ended" : "time ran out", con.until);
	return con.until && !con.seen ? MK_FAILED : ret;
}
