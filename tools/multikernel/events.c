// SPDX-License-Identifier: GPL-2.0
/*
 * events: how often an instance has started, ended and failed, and with -f a
 * line for each change as it comes.
 *
 * The kernel wakes who waits, and does not keep what was: between two looks a
 * state can have come and gone. The count of changes tells, so it is said how
 * many were not seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mkctl.h"

/* Looks until two counts around one state are the same; then one has to do. */
#define LOOKS_MAX	10

struct watched {
	struct watched *next;
	char name[MK_NAME_MAX + 1];
	int fd;				/* its file events */
	char *state;
	unsigned long long changes;
	bool gone;
};

static struct watched *all_watched;
static bool as_json;

static int read_one(const char *name, struct mk_events *events)
{
	int fd = mk_file_open(name, "events", O_RDONLY), ret;

	if (fd < 0)
		return -1;
	ret = mk_wait_events(fd, events);
	close(fd);
	return ret;
}

static void json_counters(struct mk_json *json, const char *name,
			  const struct mk_events *events)
{
	mk_text_json_open(json, NULL, '{');
	mk_text_json_string(json, "name", name);
	mk_text_json_number(json, "starts", events->starts);
	mk_text_json_number(json, "stops", events->stops);
	mk_text_json_number(json, "crashes", events->crashes);
	mk_text_json_number(json, "hangs", events->hangs);
	mk_text_json_number(json, "restarts", events->restarts);
	mk_text_json_number(json, "updates", events->updates);
	mk_text_json_number(json, "state_changes", events->state_changes);
	mk_text_json_close(json, '}');
}

static int name_width(char **names, size_t n)
{
	int width = 4, len;
	size_t i;

	for (i = 0; i < n; i++) {
		len = strlen(names[i]);
		if (len > width)
			width = len;
	}
	return width;
}

static void print_counters(char **names, size_t n)
{
	struct mk_json json = { .out = stdout };
	int width = name_width(names, n);
	struct mk_events ev;
	size_t i;

	if (as_json)
		mk_text_json_open(&json, NULL, '[');
	else
		printf("%-*s  STARTS  STOPS  CRASHES  HANGS  RESTARTS  UPDATES  CHANGES\n",
		       width, "NAME");
	for (i = 0; i < n; i++) {
		if (read_one(names[i], &ev))
			continue;
		if (as_json)
			json_counters(&json, names[i], &ev);
		else
			printf("%-*s  %6llu  %5llu  %7llu  %5llu  %8llu  %7llu  %7llu\n",
			       width, names[i], ev.starts, ev.stops, ev.crashes,
			       ev.hangs, ev.restarts, ev.updates, ev.state_changes);
	}
	if (as_json)
		mk_text_json_close(&json, ']');
}

static void print_time(const struct timespec *now)
{
	char date[64];
	struct tm tm;

	localtime_r(&now->tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s.%03ld ", date, now->tv_nsec / 1000000);
}

static void print_change_json(const char *name, const char *from, const char *to,
			      const char *reason, unsigned long long missed,
			      const struct timespec *now)
{
	struct mk_json json = { .out = stdout, .one_line = true };

	mk_text_json_open(&json, NULL, '{');
	mk_text_json_number(&json, "time_ms", now->tv_sec * 1000ULL +
			    now->tv_nsec / 1000000);
	mk_text_json_string(&json, "name", name);
	mk_text_json_string(&json, "old", from);
	mk_text_json_string(&json, "new", to);
	mk_text_json_string(&json, "reason", reason);
	mk_text_json_number(&json, "missed", missed);
	mk_text_json_close(&json, '}');
}

/* A state is the empty string before an instance comes, and after it went. */
static void print_change(const char *name, const char *from, const char *to,
			 unsigned long long missed)
{
	char *reason = *to ? mk_file_word(name, "reason") : NULL;
	const char *why = reason && strcmp(reason, "none") ? reason : "";
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (reason)
		reason[strcspn(reason, "\n")] = '\0';
	if (as_json) {
		print_change_json(name, from, to, why, missed, &now);
	} else {
		print_time(&now);
		printf("%s: %s -> %s", name, *from ? from : "-", *to ? to : "-");
		if (*why)
			printf(" (%s)", why);
		if (missed)
			printf(", %llu more in between", missed);
		putchar('\n');
	}
	free(reason);
}

/* State and count of changes that belong together; NULL if it is gone. */
static char *look(struct watched *w, unsigned long long *changes)
{
	struct mk_events before, after;
	char *state = NULL;
	int i = 0;

	do {
		free(state);
		state = NULL;
		if (mk_wait_events(w->fd, &before))
			return NULL;
		state = mk_file_word(w->name, "state");
		if (!state || mk_wait_events(w->fd, &after))
			break;
	} while (before.state_changes != after.state_changes && ++i < LOOKS_MAX);
	if (state)
		state[strcspn(state, "\n")] = '\0';
	*changes = before.state_changes;
	return state;
}

static void look_again(struct watched *w)
{
	unsigned long long changes, missed = 0;
	char *state = look(w, &changes);

	if (!state) {
		w->gone = true;
		print_change(w->name, w->state, "", 0);
		return;
	}
	if (changes > w->changes + 1)
		missed = changes - w->changes - 1;
	if (missed || strcmp(state, w->state))
		print_change(w->name, w->state, state, missed);
	free(w->state);
	w->state = state;
	w->changes = changes;
}

static void add(const char *name, bool first)
{
	struct watched *w;

	for (w = all_watched; w; w = w->next)
		if (!strcmp(w->name, name))
			return;
	w = calloc(1, sizeof(*w));
	if (!w)
		mk_error_out_of_memory();
	snprintf(w->name, sizeof(w->name), "%s", name);
	w->fd = mk_file_open(name, "events", O_RDONLY);
	w->state = w->fd < 0 ? NULL : look(w, &w->changes);
	if (!w->state) {
		if (w->fd >= 0)
			close(w->fd);
		free(w);
		return;
	}
	if (!first)
		print_change(name, "", w->state, 0);
	w->next = all_watched;
	all_watched = w;
}

/* @only: the one that is of interest, or NULL */
static void add_new(const char *only, bool first)
{
	char **names;
	size_t i, n;

	if (only) {
		add(only, first);
		return;
	}
	n = mk_file_list(&names);
	for (i = 0; i < n; i++)
		add(names[i], first);
	mk_file_list_free(names, n);
}

static void remove_gone(void)
{
	struct watched **p = &all_watched, *w;

	while ((w = *p)) {
		if (!w->gone) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		close(w->fd);
		free(w->state);
		free(w);
	}
}

static void sleep_until_change(int watch)
{
	struct pollfd *fds;
	struct watched *w;
	size_t n = 1;

	for (w = all_watched; w; w = w->next)
		n++;
	fds = calloc(n, sizeof(*fds));
	if (!fds)
		mk_error_out_of_memory();
	fds[0] = (struct pollfd){ .fd = watch, .events = POLLIN };
	n = 1;
	for (w = all_watched; w; w = w->next, n++)
		fds[n] = (struct pollfd){ .fd = w->fd, .events = POLLPRI };
	poll(fds, n, MK_LOOK_AGAIN_MS);
	free(fds);
	mk_wait_drain(watch);
}

static int follow(const char *only)
{
	int watch = mk_wait_watch();
	struct watched *w;

	add_new(only, true);
	while (!ferror(stdout)) {
		sleep_until_change(watch);
		for (w = all_watched; w; w = w->next)
			look_again(w);
		remove_gone();
		add_new(only, false);
		fflush(stdout);
	}
	return MK_FAILED;
}

int mk_events(int argc, char **argv)
{
	bool go_on = false;
	const struct mk_opt opts[] = {
		{ "follow", 'f', MK_OPT_FLAG, &go_on },
		{ "json", 'j', MK_OPT_FLAG, &as_json },
		{ }
	};
	const char *name;
	char **names, *one;
	size_t n;

	as_json = false;
	if (mk_opts_parse(argc, argv, opts, &name, 0, 1))
		return MK_USAGE;
	if (name && mk_opts_check_name(name))
		return MK_FAILED;
	if (name && !mk_file_exists(name, "events"))
		return mk_error_op("events", name, ENOENT);
	if (go_on)
		return follow(name);
	one = (char *)name;
	if (name) {
		print_counters(&one, 1);
		return MK_OK;
	}
	n = mk_file_list(&names);
	print_counters(names, n);
	mk_file_list_free(names, n);
	return MK_OK;
}
