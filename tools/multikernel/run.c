// SPDX-License-Identifier: GPL-2.0
/*
 * run: from nothing to another kernel in one line.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mkctl.h"

#define START_MS	60000

struct run {
	char name[MK_NAME_MAX + 1];
	struct mk_spec spec;
	char **command;
	struct mk_exec how;
	bool detach, remove;
	int start_ms;
};

static int attach(const char *name)
{
	int ret = mk_console_attach(name);
	char *state = mk_file_word(name, "state");

	if (!ret && state && !strcmp(state, "crashed"))
		ret = MK_FAILED;
	free(state);
	return ret;
}

static int work(void *arg)
{
	struct run *r = arg;
	int ret;

	if (mk_spec_start(r->name, &r->spec, r->start_ms) || mk_guard_started())
		return MK_GUARD_FAILED;
	if (r->detach) {
		puts(r->name);
		return MK_OK;
	}
	if (!*r->command)
		return attach(r->name);
	ret = mk_exec_run(r->name, r->command, &r->how);
	/* Who is to be removed need not end in order */
	if (!r->remove && mk_life_end(r->name))
		return MK_GUARD_FAILED;
	return ret;
}

/* It may have been detached from, and then it goes on */
static bool stays(void *arg)
{
	struct run *r = arg;
	char *state;
	bool up;

	if (!r->remove || *r->command)
		return !r->remove;
	state = mk_file_word(r->name, "state");
	up = state && !strcmp(state, "running");
	free(state);
	if (up)
		fprintf(stderr, "%s goes on; end it by: mkctl rm -f %s\n", r->name, r->name);
	return up;
}

static int check(const struct run *r, const char *name)
{
	if (r->detach && (r->remove || *r->command || r->how.input || r->how.tty))
		return mk_opts_usage("nobody waits with -d, so no --rm, -i, -t or COMMAND", NULL);
	if (name && mk_opts_check_name(name))
		return MK_FAILED;
	return mk_spec_check(&r->spec);
}

int mk_run(int argc, char **argv)
{
	static struct run r = { .start_ms = START_MS };
	const char *name = NULL;
	const struct mk_opt opts[] = {
		{ "name", 'n', MK_OPT_TEXT, &name },
		{ "cpus", 'c', MK_OPT_TEXT, &r.spec.own.cpus },
		{ "memory", 'm', MK_OPT_TEXT, &r.spec.own.memory },
		{ "numa", 0, MK_OPT_TEXT, &r.spec.own.numa },
		{ "initrd", 0, MK_OPT_TEXT, &r.spec.initrd },
		{ "rootfs", 0, MK_OPT_TEXT, &r.spec.rootfs },
		{ "cmdline", 'a', MK_OPT_TEXT, &r.spec.cmdline },
		{ "interactive", 'i', MK_OPT_FLAG, &r.how.input },
		{ "tty", 't', MK_OPT_FLAG, &r.how.tty },
		{ "detach", 'd', MK_OPT_FLAG, &r.detach },
		{ "rm", 0, MK_OPT_FLAG, &r.remove },
		{ "timeout", 0, MK_OPT_MS, &r.start_ms },
		{ }
	};
	int ret = mk_opts_parse_command(argc, argv, opts, &r.spec.kernel, &r.command);

	if (!ret)
		ret = check(&r, name);
	if (ret)
		return MK_GUARD_FAILED;
	r.how.agent_ms = r.start_ms;
	if (name)
		snprintf(r.name, sizeof(r.name), "%s", name);
	else
		snprintf(r.name, sizeof(r.name), "run-%d", getpid());
	return mk_guard_run(r.name, work, stays, &r);
}
