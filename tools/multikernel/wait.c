// SPDX-License-Identifier: GPL-2.0
/*
 * Time, and changes of state.
 *
 * The events file of an instance wakes a poller when its state changes after
 * the poller's last read of it. So the order is: read events, look at state,
 * sleep; a change between the look and the sleep ends the sleep at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "mkctl.h"

/* What a file of the kernel's can be at most here: a few lines. */
#define EVENTS_BYTES	1024

/* Of a clock that never jumps. */
long long mk_wait_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* The moment @ms from now, or MK_FOREVER. */
long long mk_wait_deadline(int ms)
{
	return ms < 0 ? MK_FOREVER : mk_wait_now() + ms;
}

/* How many ms are left, as poll() takes them: 0 is over, MK_FOREVER never is. */
int mk_wait_left(long long deadline)
{
	long long left;

	if (deadline < 0)
		return MK_FOREVER;
	left = deadline - mk_wait_now();
	if (left < 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

/* Whether @state is one of the words in @states, which commas separate. */
bool mk_wait_state_in(const char *state, const char *states)
{
	size_t len = strlen(state);
	const char *s = states;

	while (s) {
		if (!strncmp(s, state, len) && (!s[len] || s[len] == ','))
			return true;
		s = strchr(s, ',');
		if (s)
			s++;
	}
	return false;
}

static int get_state(const char *name, char *state)
{
	char *word = mk_file_word(name, "state");

	if (!word)
		return -1;
	snprintf(state, MK_STATE_MAX, "%s", word);
	free(word);
	return 0;
}

static void sleep_until_event(int fd, int left)
{
	struct pollfd pfd = { .fd = fd, .events = POLLPRI };
	char buf[256];

	if (left < 0 || left > MK_LOOK_AGAIN_MS)
		left = MK_LOOK_AGAIN_MS;
	poll(&pfd, 1, left);
	/* Its content does not matter here: reading it arms the next poll. */
	if (pread(fd, buf, sizeof(buf), 0) < 0)
		return;
}

/*
 * mk_wait_events() - Read the counters of an instance.
 * @fd: its file events; to read it arms the next poll
 *
 * Return: 0, or -1 if it is gone.
 */
int mk_wait_events(int fd, struct mk_events *events)
{
	struct { const char *key; unsigned long long *value; } const table[] = {
		{ "starts", &events->starts },
		{ "stops", &events->stops },
		{ "crashes", &events->crashes },
		{ "hangs", &events->hangs },
		{ "restarts", &events->restarts },
		{ "updates", &events->updates },
		{ "state_changes", &events->state_changes },
	};
	char buf[EVENTS_BYTES], *rest = buf, *key, *value;
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);
	size_t i;

	memset(events, 0, sizeof(*events));
	if (n < 0)
		return -1;
	buf[n] = '\0';
	while (mk_text_pair(&rest, &key, &value))
		for (i = 0; i < ARRAY_SIZE(table); i++)
			if (!strcmp(key, table[i].key))
				*table[i].value = strtoull(value, NULL, 10);
	return 0;
}

/* Wakes when an instance is made; without it the regular look finds them. */
int mk_wait_watch(void)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char path[4096];

	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/instances", mk_file_root());
	inotify_add_watch(fd, path, IN_CREATE | IN_DELETE);
	return fd;
}

/* Only that something was there matters, not what. */
void mk_wait_drain(int watch)
{
	char buf[4096];

	while (watch >= 0 && read(watch, buf, sizeof(buf)) > 0)
		;
}

/*
 * mk_wait_state() - Wait until an instance is in one of several states.
 * @states: the states, separated by commas
 * @ms: for how long, or MK_FOREVER
 * @state: the state in which it is at the end, MK_STATE_MAX bytes
 *
 * Return: 0, or -1 with errno: ETIMEDOUT, or ENOENT and ENODEV when the
 * instance is not there or goes away.
 */
int mk_wait_state(const char *name, const char *states, int ms, char *state)
{
	long long deadline = mk_wait_deadline(ms);
	int fd = mk_file_open(name, "events", O_RDONLY);
	char buf[256];
	int err = 0;

	if (fd < 0 || read(fd, buf, sizeof(buf)) < 0)
		err = errno;
	while (!err) {
		if (get_state(name, state))
			err = errno;
		else if (mk_wait_state_in(state, states))
			break;
		else if (!mk_wait_left(deadline))
			err = ETIMEDOUT;
		else
			sleep_until_event(fd, mk_wait_left(deadline));
	}
	if (fd >= 0)
		close(fd);
	errno = err;
	return err ? -1 : 0;
}
