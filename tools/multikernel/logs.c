// SPDX-License-Identifier: GPL-2.0
/*
 * logs: what an instance has said, and what it says next.
 *
 * Without -f it is the log file, which a dead instance has too. With -f the
 * console file is followed, which tells by its end that the instance has
 * ended. With --all every instance is followed, those that do not exist yet
 * included: a follower of an instance that has ended sleeps on its events
 * file, and opens the console anew when the count of starts has moved on.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "mkctl.h"

#define LINE_MAX_BYTES	4096

struct follower {
	struct follower *next;
	char name[MK_NAME_MAX + 1];
	int console;			/* -1 while nothing runs */
	int events;
	unsigned long long starts;	/* which life the console shows */
	char line[LINE_MAX_BYTES];
	size_t used;
	bool gone;
};

static struct follower *followers;

static void print_line(struct follower *f)
{
	if (f->used && f->line[f->used - 1] == '\r')
		f->used--;
	printf("%s: ", f->name);
	fwrite(f->line, 1, f->used, stdout);
	putchar('\n');
	f->used = 0;
}

static void print_lines(struct follower *f, const char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (buf[i] == '\n') {
			print_line(f);
			continue;
		}
		if (f->used == sizeof(f->line))
			print_line(f);
		f->line[f->used++] = buf[i];
	}
}

static unsigned long long count_starts(struct follower *f)
{
	struct mk_events events;

	if (!mk_wait_events(f->events, &events))
		return events.starts;
	f->gone = true;
	return f->starts;
}

static void follower_close(struct follower *f)
{
	if (f->used)
		print_line(f);
	if (f->console >= 0)
		close(f->console);
	f->console = -1;
}

/*
 * Opens the console anew if there was a start since it was opened last. The
 * text of a new life begins at the beginning of the file, so a position in
 * the old one means nothing there.
 */
static void follower_look(struct follower *f)
{
	unsigned long long starts = count_starts(f);

	if (f->gone || starts == f->starts)
		return;
	follower_close(f);
	f->starts = starts;
	f->console = mk_file_open(f->name, "console", O_RDONLY | O_NONBLOCK);
}

static ssize_t follower_read(struct follower *f)
{
	char buf[4096];
	ssize_t n;

	follower_look(f);
	n = f->console < 0 ? -1 : read(f->console, buf, sizeof(buf));
	if (n > 0)
		print_lines(f, buf, n);
	else if (!n || (errno != EAGAIN && errno != EINTR))
		follower_close(f);
	return n;
}

static void follower_add(const char *name)
{
	struct follower *f;

	for (f = followers; f; f = f->next)
		if (!strcmp(f->name, name) && !f->gone)
			return;
	f = calloc(1, sizeof(*f));
	if (!f)
		mk_error_out_of_memory();
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->console = -1;
	f->events = mk_file_open(name, "events", O_RDONLY);
	f->next = followers;
	followers = f;
	follower_look(f);
}

static void remove_gone(void)
{
	struct follower **p = &followers, *f;

	while ((f = *p)) {
		if (!f->gone) {
			p = &f->next;
			continue;
		}
		*p = f->next;
		follower_close(f);
		if (f->events >= 0)
			close(f->events);
		free(f);
	}
}

static void add_new(void)
{
	char **names;
	size_t i, n = mk_file_list(&names);

	for (i = 0; i < n; i++)
		follower_add(names[i]);
	mk_file_list_free(names, n);
}

static struct pollfd *poll_table(int watch, int end, size_t *count)
{
	struct pollfd *fds;
	struct follower *f;
	size_t n = 2;

	for (f = followers; f; f = f->next)
		n++;
	fds = calloc(n, sizeof(*fds));
	if (!fds)
		mk_error_out_of_memory();
	fds[0] = (struct pollfd){ .fd = watch, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = end, .events = POLLIN };
	n = 2;
	for (f = followers; f; f = f->next, n++) {
		fds[n].fd = f->console >= 0 ? f->console : f->events;
		fds[n].events = f->console >= 0 ? POLLIN : POLLPRI;
	}
	*count = n;
	return fds;
}

/*
 * One turn: sleep until someone has something to say, then let them all. False
 * if it is time to go.
 */
static bool follow_once(int watch, int end)
{
	struct follower *f;
	struct pollfd *fds;
	size_t i = 2, n;
	bool go_on;

	fds = poll_table(watch, end, &n);
	poll(fds, n, MK_LOOK_AGAIN_MS);
	go_on = !(fds[1].revents & POLLIN);
	for (f = followers; f; f = f->next, i++) {
		if (f->console < 0)
			follower_look(f);
		else if (fds[i].revents)
			follower_read(f);
	}
	free(fds);
	mk_wait_drain(watch);
	remove_gone();
	add_new();
	fflush(stdout);
	return go_on;
}

static void print_the_rest(void)
{
	struct follower *f;

	add_new();
	for (f = followers; f; f = f->next) {
		while (follower_read(f) > 0)
			;
		follower_close(f);
	}
	fflush(stdout);
}

static int follow_all(void)
{
	int watch = mk_wait_watch(), end;
	sigset_t term;

	/* Who is asked to end prints what is there, then goes */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	end = signalfd(-1, &term, SFD_CLOEXEC);
	if (end < 0)
		return mk_error("signalfd: %s", strerror(errno));

	add_new();
	while (follow_once(watch, end) && !ferror(stdout))
		;
	print_the_rest();
	return ferror(stdout) ? MK_FAILED : MK_OK;
}

static int copy_log(const char *name)
{
	size_t len;
	char *text = mk_file_read(name, "log", &len);
	bool done;

	if (!text)
		return mk_error_op("logs", name, errno);
	done = fwrite(text, 1, len, stdout) == len && !fflush(stdout);
	free(text);
	return done ? MK_OK : MK_FAILED;
}

/* mk_logs_follow() - Copy one life of an instance, until it ends or another one begins. */
int mk_logs_follow(const char *name)
{
	struct follower f = {
		.console = mk_file_open(name, "console", O_RDONLY | O_NONBLOCK),
		.events = mk_file_open(name, "events", O_RDONLY),
	};
	struct pollfd pfd = { .fd = f.console, .events = POLLIN };
	char buf[4096];
	ssize_t n;

	if (f.console < 0 || f.events < 0)
		return mk_error_op("logs", name, errno);
	f.starts = count_starts(&f);
	do {
		n = read(f.console, buf, sizeof(buf));
		if (n > 0 && fwrite(buf, 1, n, stdout) != (size_t)n)
			break;
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			fflush(stdout);
			poll(&pfd, 1, MK_FOREVER);
			n = 1;
		}
	} while (n > 0 && count_starts(&f) == f.starts && !f.gone);
	fflush(stdout);
	close(f.console);
	close(f.events);
	return ferror(stdout) ? MK_FAILED : MK_OK;
}

int mk_logs(int argc, char **argv)
{
	bool follow = false, all = false;
	const struct mk_opt opts[] = {
		{ "follow", 'f', MK_OPT_FLAG, &follow },
		{ "all", 'a', MK_OPT_FLAG, &all },
		{ }
	};
	const char *name;

	if (mk_opts_parse(argc, argv, opts, &name, 0, 1))
		return MK_USAGE;
	if (all && name)
		return mk_opts_usage("either --all or one name", name);
	if (all)
		return follow_all();
	if (!name)
		return mk_opts_usage("a name, or --all", NULL);
	if (!mk_file_name_ok(name))
		return mk_error_op("logs", name, ENOENT);
	return follow ? mk_logs_follow(name) : copy_log(name);
}
