// SPDX-License-Identifier: GPL-2.0
/*
 * update: the next kernel of an instance boots beside it, and takes its place.
 *
 * What must not fail half way is one write to the file successor: behind the name is a new
 * kernel then, or the old one goes on. Here is what comes before and after. The shadow, in
 * which the new kernel boots, is removed either way: it has not become what it was to be,
 * or the old kernel is in it, which has ended and owns nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"

#define START_MS	60000
#define SUCCEED_MS	180000	/* the kernel gives up before */
#define SHADOW_SUFFIX	"-next"

struct update {
	const char *name;
	char shadow[MK_NAME_MAX + sizeof(SHADOW_SUFFIX)];
	struct mk_spec spec;		/* of the shadow */
	char *cpus;			/* what it had before */
	char *memory;			/* what it was last set to have */
	bool keep;
	int start_ms;
};

/*
 * What is set stays with the name, but for this one: it counts for as long as a kernel runs.
 * Nobody need look whether the shadow hangs; each step has its time.
 */
static int set_heartbeat(const struct update *u)
{
	char *ms = mk_file_word(u->name, "heartbeat_ms");
	int ret = MK_OK;

	if (ms && (mk_file_write(u->shadow, "hang_ms", "0") ||
		   mk_file_write(u->shadow, "heartbeat_ms", ms)))
		ret = mk_error_op("heartbeat_ms", u->shadow, errno);
	free(ms);
	return ret;
}

/* The kernel goes on by itself if the write was interrupted (Ctrl-Z), and ends one of the two */
static bool has_succeeded(const struct update *u)
{
	char state[MK_STATE_MAX] = "";

	return !mk_wait_state(u->shadow, MK_STATES_ENDED, SUCCEED_MS, state) &&
	       !strcmp(state, "offline");
}

static int succeed(const struct update *u)
{
	int err;

	mk_progress_say("%s takes the place of %s", u->shadow, u->name);
	if (!mk_file_write(u->name, "successor", u->shadow))
		return MK_OK;
	err = errno;
	if (err == EINTR && has_succeeded(u))
		return MK_OK;
	return mk_error_op("update", u->name, err);
}

/*
 * As many CPUs as before, and the same as far as can be: a kernel never lets go of the one on
 * which it has booted, the first of the shadow. The last one goes instead of it.
 */
static char *cpus_afterwards(const char *before, const char *spare)
{
	static bool has[MK_MACHINE_CPUS], new[MK_MACHINE_CPUS];
	size_t first = 0, last = MK_MACHINE_CPUS;

	mk_text_list(before, has, MK_MACHINE_CPUS);
	mk_text_list(spare, new, MK_MACHINE_CPUS);
	while (first < MK_MACHINE_CPUS && !new[first])
		first++;
	while (last && !has[last - 1])
		last--;
	if (first == MK_MACHINE_CPUS || !last)
		return mk_text_copy(before);
	has[last - 1] = false;
	has[first] = true;
	return mk_text_list_of(has, MK_MACHINE_CPUS);
}

/* The new kernel may not let go of all that it is to; it serves, so this is no failure */
static void give_back(const struct update *u, const char *file, const char *want)
{
	char *have, *why;
	int ret;

	/* A change goes on without who is interrupted, and the next one waits for it */
	do {
		ret = mk_file_write(u->name, file, want);
	} while (ret && errno == EINTR);
	if (!ret)
		return;
	why = mk_file_word(NULL, "info/last_error");
	have = mk_file_word(u->name, file);
	mk_error("%s keeps %s %s, not %s: %s", u->name, file, have ? have : "as they are", want,
		 why ? why : "unknown");
	free(have);
	free(why);
}

static void give_all_back(const struct update *u, const char *spare)
{
	char *cpus = cpus_afterwards(u->cpus, spare);

	mk_progress_say("%s gives back what is more than before", u->name);
	give_back(u, "cpus", cpus);
	give_back(u, "memory", u->memory);
	free(cpus);
}

/* It has all that it shall have: the next update does not give it back either */
static void keep_all(const struct update *u)
{
	char *memory = mk_file_word(u->name, "memory");

	if (memory)
		give_back(u, "memory", memory);
	free(memory);
}

static int boot(const struct update *u, char **cpus)
{
	mk_progress_say("%s boots", u->shadow);
	if (set_heartbeat(u) || mk_spec_start(u->shadow, &u->spec, u->start_ms))
		return MK_FAILED;
	*cpus = mk_file_word(u->shadow, "cpus");
	return *cpus ? MK_OK : mk_error_op("update", u->shadow, errno);
}

static int work(void *arg)
{
	struct update *u = arg;
	char *spare;

	if (boot(u, &spare) || succeed(u))
		return MK_GUARD_FAILED;
	if (u->keep)
		keep_all(u);
	else
		give_all_back(u, spare);
	free(spare);
	printf("%s has a new kernel\n", u->name);
	return MK_OK;
}

static int check_runs(const char *name)
{
	char *state = mk_file_word(name, "state");
	int ret = MK_OK;

	if (!state)
		return mk_error_op("update", name, errno);
	if (strcmp(state, "running")) {
		mk_error("update %s: it is %s, and only what runs can be succeeded", name, state);
		fputs("  Look at its state: mkctl ps\n", stderr);
		ret = MK_FAILED;
	} else if (!mk_file_exists(name, "successor")) {
		ret = mk_error("update %s: the kernel of this host can't do it", name);
	}
	free(state);
	return ret;
}

/* What was not asked for is as it is */
static int fill_in(struct update *u)
{
	struct mk_spec *spec = &u->spec;

	u->cpus = mk_file_word(u->name, "cpus");
	/* Not with what it has kept since the last update */
	u->memory = mk_file_word(u->name, "memory.wanted");
	if (!spec->cmdline)
		spec->cmdline = mk_file_word(u->name, "cmdline");
	spec->own.numa = mk_file_word(u->name, "numa");
	if (!u->cpus || !u->memory || !spec->cmdline || !spec->own.numa)
		return mk_error_op("update", u->name, errno);
	if (!spec->own.memory)
		spec->own.memory = u->memory;
	return mk_spec_check(spec);
}

static unsigned long long count_updates(int events)
{
	struct mk_events e;

	return mk_wait_events(events, &e) ? 0 : e.updates;
}

/* Nothing is left of an update that a signal has ended, unless it came too late for that */
static int run(struct update *u)
{
	int events = mk_file_open(u->name, "events", O_RDONLY), ret;
	unsigned long long before;

	if (events < 0)
		return mk_error_op("update", u->name, errno);
	before = count_updates(events);
	ret = mk_guard_run(u->shadow, work, NULL, u);
	if (ret && count_updates(events) != before) {
		mk_error("%s has a new kernel all the same", u->name);
		fprintf(stderr, "  It may have more than before: mkctl inspect %s\n", u->name);
	}
	close(events);
	return ret == MK_GUARD_FAILED ? MK_FAILED : ret;
}

int mk_update(int argc, char **argv)
{
	static struct update u = { .start_ms = START_MS };
	const char *shadow = NULL;
	const struct mk_opt opts[] = {
		{ "kernel", 'k', MK_OPT_TEXT, &u.spec.kernel },
		{ "initrd", 'i', MK_OPT_TEXT, &u.spec.initrd },
		{ "cmdline", 'a', MK_OPT_TEXT, &u.spec.cmdline },
		{ "cpus", 'c', MK_OPT_TEXT, &u.spec.own.cpus },
		{ "memory", 'm', MK_OPT_TEXT, &u.spec.own.memory },
		{ "as", 0, MK_OPT_TEXT, &shadow },
		{ "keep", 0, MK_OPT_FLAG, &u.keep },
		{ "timeout", 't', MK_OPT_MS, &u.start_ms },
		{ }
	};
	int ret = mk_opts_parse_name(argc, argv, opts, &u.name);

	if (ret)
		return ret;
	if (!u.spec.kernel || !u.spec.own.cpus)
		return mk_opts_usage("--kernel and --cpus are needed", NULL);
	if (shadow && mk_opts_check_name(shadow))
		return MK_FAILED;
	if (shadow)
		snprintf(u.shadow, sizeof(u.shadow), "%s", shadow);
	else
		snprintf(u.shadow, sizeof(u.shadow), "%s" SHADOW_SUFFIX, u.name);
	if (mk_opts_check_name(u.shadow))
		return MK_FAILED;
	ret = check_runs(u.name);
	if (!ret)
		ret = fill_in(&u);
	return ret ? ret : run(&u);
}
