// SPDX-License-Identifier: GPL-2.0
/*
 * The life of an instance, from create to rm.
 *
 * Each command is one write, mkdir or rmdir, and sometimes a wait. A command
 * of several steps that fails half way takes its steps back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mkctl.h"

/*
 * The kernel gives an instance 30 s for an orderly stop and then kills it, so
 * this runs out only if something is wrong.
 */
#define STOP_MS		45000
#define START_MS	60000

static int write_or_say(const char *op, const char *name, const char *file,
			const char *text)
{
	if (!text || !mk_file_write(name, file, text))
		return MK_OK;
	return mk_error_op(op, name, errno);
}

/* mk_life_own() - Give an instance what it is to own, or say why not. */
int mk_life_own(const char *name, const struct mk_owned *own)
{
	int ret = write_or_say("cpus", name, "cpus", own->cpus);

	if (!ret)
		ret = write_or_say("numa", name, "numa", own->numa);
	if (!ret)
		ret = write_or_say("memory", name, "memory", own->memory);
	return ret;
}

int mk_life_create(int argc, char **argv)
{
	const char *name, *id = NULL;
	struct mk_owned own = { 0 };
	const struct mk_opt opts[] = {
		{ "cpus", 'c', MK_OPT_TEXT, &own.cpus },
		{ "memory", 'm', MK_OPT_TEXT, &own.memory },
		{ "numa", 'n', MK_OPT_TEXT, &own.numa },
		{ "id", 'i', MK_OPT_TEXT, &id },
		{ }
	};
	int ret = mk_opts_parse_name(argc, argv, opts, &name);

	if (ret)
		return ret;
	if (mk_file_mkdir(name))
		return mk_error_op("create", name, errno);

	ret = write_or_say("id", name, "id", id);
	if (!ret)
		ret = mk_life_own(name, &own);
	if (ret && mk_file_rmdir(name))
		mk_error_op("rm", name, errno);
	return ret;
}

int mk_life_set(int argc, char **argv)
{
	const char *name;
	struct mk_owned own = { 0 };
	const struct mk_opt opts[] = {
		{ "cpus", 'c', MK_OPT_TEXT, &own.cpus },
		{ "memory", 'm', MK_OPT_TEXT, &own.memory },
		{ "numa", 'n', MK_OPT_TEXT, &own.numa },
		{ }
	};
	int ret = mk_opts_parse_name(argc, argv, opts, &name);

	if (ret)
		return ret;
	if (!own.cpus && !own.memory && !own.numa)
		return mk_opts_usage("nothing to set", NULL);
	return mk_life_own(name, &own);
}

static int move_one(const char *from, const char *to, const char *what,
		    const char *much)
{
	char text[8192];

	if (!much)
		return MK_OK;
	if (snprintf(text, sizeof(text), "%s %s %s", what, much, to) >=
	    (int)sizeof(text))
		return mk_opts_usage("too long", much);
	return write_or_say("move", from, "move", text);
}

int mk_life_move(int argc, char **argv)
{
	const char *name[2], *cpus = NULL, *memory = NULL;
	const struct mk_opt opts[] = {
		{ "cpus", 'c', MK_OPT_TEXT, &cpus },
		{ "memory", 'm', MK_OPT_TEXT, &memory },
		{ }
	};
	int ret;

	if (mk_opts_parse(argc, argv, opts, name, 2, 2))
		return MK_USAGE;
	if (mk_opts_check_name(name[0]) || mk_opts_check_name(name[1]))
		return MK_FAILED;
	if (!cpus && !memory)
		return mk_opts_usage("nothing to move", NULL);
	ret = move_one(name[0], name[1], "cpus", cpus);
	if (!ret)
		ret = move_one(name[0], name[1], "memory", memory);
	return ret;
}

static int say_ended(const char *name, const char *state)
{
	char *reason = mk_file_word(name, "reason");

	mk_error("%s is not running but %s; it ended because of: %s", name,
		 state, reason ? reason : "unknown");
	fprintf(stderr, "  Its last words: mkctl logs %s\n", name);
	free(reason);
	return MK_FAILED;
}

/* What a wait that failed has to say. */
static int say_waited(const char *name, const char *what, const char *state,
		      int err)
{
	if (err != ETIMEDOUT)
		return mk_error_op(what, name, err);
	mk_error("%s %s: time ran out while it is %s", what, name, state);
	fprintf(stderr, "  See what it says: mkctl logs %s; end it: mkctl kill %s\n",
		name, name);
	return MK_FAILED;
}

static int wait_running(const char *name, int ms)
{
	char state[MK_STATE_MAX] = "";

	if (mk_wait_state(name, "running," MK_STATES_ENDED, ms, state))
		return say_waited(name, "start", state, errno);
	return strcmp(state, "running") ? say_ended(name, state) : MK_OK;
}

/* mk_life_boot() - Start an instance and wait until it runs, or say why it does not. */
int mk_life_boot(const char *name, int ms)
{
	int ret = write_or_say("start", name, "state", "start");

	return ret ? ret : wait_running(name, ms);
}

int mk_life_start(int argc, char **argv)
{
	const char *name;
	bool wait = false;
	int ms = START_MS;
	const struct mk_opt opts[] = {
		{ "wait", 'w', MK_OPT_FLAG, &wait },
		{ "timeout", 't', MK_OPT_MS, &ms },
		{ }
	};
	int ret = mk_opts_parse_name(argc, argv, opts, &name);

	if (!ret)
		ret = write_or_say("start", name, "state", "start");
	return ret || !wait ? ret : wait_running(name, ms);
}

/* An instance that had to be killed has stopped, but its user wants to know. */
static void say_if_killed(const char *name)
{
	char *reason = mk_file_word(name, "reason");

	if (reason && strstr(reason, "killed"))
		fprintf(stderr, "mkctl: %s did not shut down in order: %s\n",
			name, reason);
	free(reason);
}

static int stop(const char *name, int ms)
{
	char state[MK_STATE_MAX] = "";
	int ret = write_or_say("stop", name, "state", "stop");

	if (ret)
		return ret;
	if (mk_wait_state(name, MK_STATES_ENDED, ms, state))
		return say_waited(name, "stop", state, errno);
	say_if_killed(name);
	return MK_OK;
}

/* mk_life_end() - See that an instance does not run, in order if it can be. */
int mk_life_end(const char *name)
{
	char *state = mk_file_word(name, "state");
	bool over = !state || mk_wait_state_in(state, MK_STATES_ENDED);

	free(state);
	return over ? MK_OK : stop(name, STOP_MS);
}

int mk_life_stop(int argc, char **argv)
{
	const char *name;
	int ms = STOP_MS;
	const struct mk_opt opts[] = {
		{ "timeout", 't', MK_OPT_MS, &ms },
		{ }
	};
	int ret = mk_opts_parse_name(argc, argv, opts, &name);

	return ret ? ret : stop(name, ms);
}

int mk_life_kill(int argc, char **argv)
{
	const struct mk_opt opts[] = { { } };
	const char *name;
	int ret = mk_opts_parse_name(argc, argv, opts, &name);

	return ret ? ret : write_or_say("kill", name, "state", "kill");
}

/* Ends it if it runs; that it has ended by itself meanwhile is fine too. */
static int kill_for_rm(const char *name)
{
	char *state = mk_file_word(name, "state");
	int err = state ? 0 : errno;

	if (state && !mk_wait_state_in(state, MK_STATES_ENDED) &&
	    mk_file_write(name, "state", "kill"))
		err = errno;
	free(state);
	if (!err || err == EBUSY)
		return MK_OK;
	return mk_error_op("rm", name, err);
}

/* mk_life_discard() - Remove an instance, whatever it does. */
int mk_life_discard(const char *name)
{
	int ret = kill_for_rm(name);

	if (!ret && mk_file_rmdir(name))
		ret = mk_error_op("rm", name, errno);
	return ret;
}

int mk_life_rm(int argc, char **argv)
{
	bool force = false;
	const struct mk_opt opts[] = {
		{ "force", 'f', MK_OPT_FLAG, &force },
		{ }
	};
	const char *name;
	int ret = mk_opts_parse_name(argc, argv, opts, &name);

	if (ret)
		return ret;
	if (force)
		return mk_life_discard(name);
	return mk_file_rmdir(name) ? mk_error_op("rm", name, errno) : MK_OK;
}

static bool states_ok(const char *states)
{
	static const char known[] = "offline,loaded,booting,running,stopping,crashed,hung,updating";
	char word[MK_STATE_MAX];
	size_t len;

	for (;; states += len + 1) {
		len = strcspn(states, ",");
		if (!len || len >= sizeof(word))
			return false;
		memcpy(word, states, len);
		word[len] = '\0';
		if (!mk_wait_state_in(word, known))
			return false;
		if (!states[len])
			return true;
	}
}

int mk_life_wait(int argc, char **argv)
{
	char state[MK_STATE_MAX] = "";
	const char *pos[2];
	int ms = MK_FOREVER;
	const struct mk_opt opts[] = {
		{ "timeout", 't', MK_OPT_MS, &ms },
		{ }
	};

	if (mk_opts_parse(argc, argv, opts, pos, 2, 2))
		return MK_USAGE;
	if (!states_ok(pos[1]))
		return mk_opts_usage("no such state", pos[1]);
	if (mk_opts_check_name(pos[0]))
		return MK_FAILED;
	if (mk_wait_state(pos[0], pos[1], ms, state))
		return say_waited(pos[0], "wait", state, errno);
	return MK_OK;
}
