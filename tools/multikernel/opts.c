// SPDX-License-Identifier: GPL-2.0
/*
 * Command lines: each command describes its options in a table, and gets
 * back what was given and the words that are no options.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "mkctl.h"

#define OPTS_MAX	16

static const struct mk_command *command;

/* Which command speaks, when something about its use has to be said. */
void mk_opts_command(const struct mk_command *cmd)
{
	command = cmd;
}

/*
 * mk_opts_usage() - Say how the command is used.
 * @why: what is wrong, or NULL
 * @what: the word that is meant, or NULL
 *
 * Return: MK_USAGE.
 */
int mk_opts_usage(const char *why, const char *what)
{
	if (why)
		mk_error("%s%s%s", why, what ? ": " : "", what ? what : "");
	fprintf(stderr, "usage: mkctl %s%s%s\n", command->name,
		*command->args ? " " : "", command->args);
	return MK_USAGE;
}

static int parse_ms(const char *text, int *ms)
{
	char *end;
	double s;

	errno = 0;
	s = strtod(text, &end);
	/* Written so that a NaN is refused as well */
	if (errno || end == text || *end || !(s >= 0 && s <= INT_MAX / 1000))
		return -1;
	*ms = (int)(s * 1000);
	return 0;
}

static int parse_count(const char *text, unsigned int *count)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || !n || n > UINT_MAX)
		return -1;
	*count = n;
	return 0;
}

static void add_text(struct mk_texts *texts, const char *text)
{
	texts->text = reallocarray(texts->text, texts->n + 1, sizeof(*texts->text));
	if (!texts->text)
		mk_error_out_of_memory();
	texts->text[texts->n++] = text;
}

static int set_value(const struct mk_opt *opt, const char *text)
{
	switch (opt->kind) {
	case MK_OPT_FLAG:
		*(bool *)opt->value = true;
		return 0;
	case MK_OPT_TEXT:
		*(const char **)opt->value = text;
		return 0;
	case MK_OPT_TEXTS:
		add_text(opt->value, text);
		return 0;
	case MK_OPT_MS:
		return parse_ms(text, opt->value);
	case MK_OPT_COUNT:
		return parse_count(text, opt->value);
	}
	return -1;
}

/* Turns our table into getopt's two; indices in our table become the values. */
static void make_tables(const struct mk_opt *opts, struct option *longs,
			char *shorts, bool stop)
{
	int i;

	if (stop)
		*shorts++ = '+';
	*shorts++ = 'h';
	for (i = 0; opts[i].name && i < OPTS_MAX; i++) {
		longs[i].name = opts[i].name;
		longs[i].has_arg = opts[i].kind != MK_OPT_FLAG;
		longs[i].flag = NULL;
		longs[i].val = opts[i].letter ? opts[i].letter : 256 + i;
		if (!opts[i].letter)
			continue;
		*shorts++ = opts[i].letter;
		if (longs[i].has_arg)
			*shorts++ = ':';
	}
	*shorts = '\0';
	longs[i++] = (struct option){ "help", no_argument, NULL, 'h' };
	memset(&longs[i], 0, sizeof(longs[i]));
}

static const struct mk_opt *find(const struct mk_opt *opts, int val)
{
	int i;

	for (i = 0; opts[i].name; i++)
		if (val == (opts[i].letter ? opts[i].letter : 256 + i))
			return &opts[i];
	return NULL;
}

static void help(void)
{
	printf("usage: mkctl %s%s%s\n%s\n", command->name,
	       *command->args ? " " : "", command->args, command->help);
	exit(MK_OK);
}

/* Up to the first word that is no option, or all of them. 0, or -1 after it has spoken */
static int take_options(int argc, char **argv, const struct mk_opt *opts, bool stop)
{
	char shorts[2 * OPTS_MAX + 3];
	struct option longs[OPTS_MAX + 2];
	const struct mk_opt *opt;
	int val;

	make_tables(opts, longs, shorts, stop);
	while ((val = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (val == 'h')
			help();
		opt = find(opts, val);
		if (!opt)
			return -mk_opts_usage(NULL, NULL);
		if (set_value(opt, optarg))
			return -mk_opts_usage("not a number that fits here", optarg);
	}
	return 0;
}

/*
 * mk_opts_parse() - Take a command line apart.
 * @opts: the options, ended by one without a name; at most OPTS_MAX
 * @pos: room for @max words that are no options; those not given become NULL
 * @min: how many of them there have to be
 * @max: how many there can be
 *
 * Return: 0, or -1 after it has said what is wrong.
 */
int mk_opts_parse(int argc, char **argv, const struct mk_opt *opts,
		  const char **pos, int min, int max)
{
	int i;

	if (take_options(argc, argv, opts, false))
		return -1;
	if (argc - optind < min)
		return -mk_opts_usage("something is missing", NULL);
	if (argc - optind > max)
		return -mk_opts_usage("one word too many", argv[optind + max]);
	for (i = 0; i < max; i++)
		pos[i] = optind + i < argc ? argv[optind + i] : NULL;
	return 0;
}

/*
 * mk_opts_parse_command() - Take a command line apart that has another one in it.
 * @first: the first word that is no option
 * @command: the words behind that, ended by NULL; options before them are this command's
 *
 * Return: 0, or -1 after it has said what is wrong.
 */
int mk_opts_parse_command(int argc, char **argv, const struct mk_opt *opts,
			  const char **first, char ***command)
{
	if (take_options(argc, argv, opts, true))
		return -1;
	if (optind == argc)
		return -mk_opts_usage("something is missing", NULL);
	*first = argv[optind++];
	if (take_options(argc, argv, opts, true))
		return -1;
	*command = argv + optind;
	return 0;
}

/* Says so if this cannot be the name of an instance, and returns -1. */
int mk_opts_check_name(const char *name)
{
	if (mk_file_name_ok(name))
		return 0;
	mk_error("'%s' cannot be the name of an instance", name);
	fputs("  A name has 1 to 63 of A-Z a-z 0-9 . _ -, and no dot first.\n",
	      stderr);
	return -1;
}

/* Reads the command line of a command that has options and one NAME. */
int mk_opts_parse_name(int argc, char **argv, const struct mk_opt *opts,
		       const char **name)
{
	if (mk_opts_parse(argc, argv, opts, name, 1, 1))
		return MK_USAGE;
	return mk_opts_check_name(*name) ? MK_FAILED : MK_OK;
}
