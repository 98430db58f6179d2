// SPDX-License-Identifier: GPL-2.0
/*
 * mkctl: start Linux kernels beside this one, look at them, end them.
 *
 * Exit status: 0 done, 1 the operation failed, 2 wrong use.
 */
#include <stdlib.h>
#include <string.h>

#include "mkctl.h"

static const struct mk_command commands[] = {
	{ "run", "--cpus LIST --memory SIZE [--name NAME] [--initrd FILE | --rootfs DIR|TAR]\n"
	  "           [--cmdline TEXT] [-i] [-t] [-d] [--rm] KERNEL [-- COMMAND...]",
	  "Create, load, start and attach, or run COMMAND and end with its status.", mk_run },
	{ "up", "[-f] [--config FILE] NAME",
	  "Have the instance that /etc/multikernel/NAME.conf describes; -f stays with its log.",
	  mk_up },
	{ "down", "NAME", "End it, in order if it can be, and remove it.", mk_down },
	{ "create", "NAME [--cpus LIST] [--memory SIZE] [--numa NODES] [--id N]",
	  "Make an instance and give it CPUs and memory of this machine.",
	  mk_life_create },
	{ "set", "NAME [--cpus LIST] [--memory SIZE] [--numa NODES]",
	  "Change what an instance owns; \"\" gives all CPUs back, 0 all memory.",
	  mk_life_set },
	{ "move", "FROM TO [--cpus LIST] [--memory SIZE]",
	  "Move CPUs and memory from one running instance to another.",
	  mk_life_move },
	{ "update", "NAME --kernel FILE --cpus LIST [--initrd FILE] [--cmdline TEXT]\n"
	  "           [--memory SIZE] [--as SHADOW] [--keep] [--timeout SECONDS]",
	  "Boot its next kernel beside it, on these CPUs, and have that one take its place.",
	  mk_update },
	{ "load", "NAME [--initrd FILE] [--cmdline TEXT] KERNEL",
	  "Load a bzImage for an instance.", mk_load },
	{ "unload", "NAME", "Drop the image of an instance.", mk_load_unload },
	{ "start", "NAME [--wait] [--timeout SECONDS]",
	  "Start the loaded image; --wait returns when its kernel says hello.",
	  mk_life_start },
	{ "stop", "NAME [--timeout SECONDS]",
	  "Ask for an orderly shutdown and wait for its end.", mk_life_stop },
	{ "kill", "NAME", "End it now, without its help.", mk_life_kill },
	{ "rm", "NAME [-f]",
	  "Remove it; CPUs and memory return. -f kills it first.", mk_life_rm },
	{ "ps", "[--json]", "List the instances.", mk_show_ps },
	{ "inspect", "NAME [--json]", "Show all about one.", mk_show_inspect },
	{ "console", "NAME [--new] [--until TEXT] [--timeout SECONDS]",
	  "Attach to its terminal; Ctrl-] detaches.", mk_console },
	{ "exec", "[-i] [-t] [-w DIR] [-e NAME[=VALUE]]... NAME [--] COMMAND...",
	  "Run a command in it; status and output are the command's.", mk_exec },
	{ "cp", "FILE NAME:PATH | NAME:PATH FILE", "Copy a file in or out.", mk_cp },
	{ "forward", "NAME [PORT:]PORT", "Make a TCP port of it one of 127.0.0.1 here.",
	  mk_forward },
	{ "logs", "[-f] NAME | --all",
	  "Print what it said; -f goes on, --all follows everyone.", mk_logs },
	{ "map", "[--json] [--color always|never|auto] [--width COLUMNS]",
	  "Draw the machine: whose are which CPUs and which memory?", mk_map },
	{ "top", "[-d SECONDS] [-n COUNT] [--json]",
	  "Watch the map and the traffic of all instances; q quits.", mk_top },
	{ "events", "[-f] [NAME] [--json]",
	  "Count starts, ends and failures; -f tells of each change.", mk_events },
	{ "ping", "NAME [-c COUNT] [--json]",
	  "Send messages there and back, and show the time they take.", mk_ping },
	{ "bench", "NAME [-c COUNT] [--json]",
	  "Compare them with what the host alone takes for the like.", mk_bench },
	{ "dump", "NAME FILE",
	  "Save the memory of a dead instance as an ELF core; - is stdout.",
	  mk_dump },
	{ "check", "[--json]",
	  "Are this machine and this kernel fit? Needs nothing mounted.", mk_check },
	{ "wait", "NAME STATE[,STATE...] [--timeout SECONDS]",
	  "Wait until it is in a state: offline, loaded, booting, running, stopping, crashed, hung or updating.",
	  mk_life_wait },
};

static void say_commands(FILE *out)
{
	size_t i;

	fputs("usage: mkctl COMMAND [ARGUMENTS]\n\n", out);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-8s %s\n           %s\n", commands[i].name,
			commands[i].args, commands[i].help);
	fputs("\nmkctl COMMAND --help explains one command; mkctl(8) explains all.\n",
	      out);
}

static const struct mk_command *find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static bool wants_help(const char *word)
{
	return !strcmp(word, "help") || !strcmp(word, "--help") ||
	       !strcmp(word, "-h");
}

/* "mkctl COMMAND --help" works on any kernel. */
static bool only_help(int argc, char **argv)
{
	return argc > 2 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h"));
}

/* It is there to say what is missing. */
static bool works_anywhere(const struct mk_command *cmd)
{
	return cmd->run == mk_check;
}

int main(int argc, char **argv)
{
	const struct mk_command *cmd;

	if (argc < 2) {
		say_commands(stderr);
		return MK_USAGE;
	}
	if (wants_help(argv[1])) {
		say_commands(stdout);
		return MK_OK;
	}
	cmd = find(argv[1]);
	if (!cmd) {
		mk_error("there is no command '%s'; 'mkctl help' lists them",
			 argv[1]);
		return MK_USAGE;
	}
	mk_opts_command(cmd);
	if (!only_help(argc, argv) && !works_anywhere(cmd) && mk_file_init())
		return MK_FAILED;
	/* getopt begins its complaints with this word */
	argv[1] = "mkctl";
	return cmd->run(argc - 1, argv + 1);
}
