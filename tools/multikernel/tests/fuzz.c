// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz DIR RUNS [SEED]: what mkctl shows of files full of nonsense.
 *
 * DIR was made by fake-tree.sh, and the environment leads mkctl there. In each
 * run some of its files are damaged, and one command looks at them, in this
 * process. The sanitizers watch the memory; here it is checked that JSON is
 * JSON, and that nothing comes out which a terminal would obey. The same seed
 * does the same again.
 */
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "mkctl.h"

#define FILES_MAX	1024
#define TEXT_MAX	4096
#define WORDS_MAX	8
#define DEPTH_MAX	64
#define RUN_S		60	/* whoever takes longer never ends */

struct file {
	char *path;
	char *text;
	size_t len;
};

static struct file files[FILES_MAX];
static size_t nr_files;
static unsigned long seed;

/* Commands that show something. top takes its time, so it comes seldom. */
static const char * const commands[][WORDS_MAX] = {
	{ "ps" }, { "ps", "--json" },
	{ "inspect", "web" }, { "inspect", "web", "--json" },
	{ "map", "--width", "20" }, { "map", "--width", "40" }, { "map", "--width", "132" },
	{ "map", "--json" },
	{ "events" }, { "events", "--json" }, { "events", "db" },
	{ "check" }, { "check", "--json" },
	{ "ping", "web" }, { "ping", "web", "--json" },
	{ "wait", "web", "running", "--timeout", "0" },
	{ "dump", "db", "-" },
	{ "top", "-n", "1", "-d", "0.1" }, { "top", "-n", "1", "-d", "0.1", "--json" },
};

#define SELDOM	2	/* so many at the end of the table */

/* What parsers stumble over */
static const char * const tokens[] = {
	"0", "-1", "4294967295", "18446744073709551615", "99999999999999999999999",
	"0x", "0xffffffffffffffff", "-", ",", "0-8191", "8191-0", "1-", "\n", "\n\n",
	" ", "\t", "node", "node-1", "node99999999999", "cpu ", "memory ", "K", "M", "E",
	"16E", "1 ", "\"", "\\", "{", "]", "%s%n", "\033[2J", "\302\233", "\377", "\300\200",
	"starts", "state_changes ", "running", "0x0-0xffffffffffffffff node0",
};

static unsigned long below(unsigned long n)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (seed >> 33) % n;
}

static void put(const struct file *f, const char *text, size_t len)
{
	int fd = open(f->path, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len) {
		perror(f->path);
		exit(2);
	}
	close(fd);
}

static int take(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct file *f = &files[nr_files];
	int fd;

	(void)st;
	(void)ftw;
	if (type != FTW_F || nr_files == FILES_MAX)
		return 0;
	fd = open(path, O_RDONLY);
	f->path = strdup(path);
	f->text = malloc(TEXT_MAX);
	if (fd < 0 || !f->path || !f->text) {
		perror(path);
		exit(2);
	}
	f->len = read(fd, f->text, TEXT_MAX);
	close(fd);
	nr_files++;
	return 0;
}

static size_t insert(char *text, size_t len, const char *what, size_t n)
{
	size_t at = below(len + 1);

	if (len + n > TEXT_MAX)
		return len;
	memmove(text + at + n, text + at, len - at);
	memcpy(text + at, what, n);
	return len + n;
}

static size_t damage(char *text, size_t len)
{
	const char *token = tokens[below(ARRAY_SIZE(tokens))];
	size_t i;

	switch (below(5)) {
	case 0:
		if (len)
			text[below(len)] = (char)below(256);
		return len;
	case 1:
		return below(len + 1);
	case 2:
		return insert(text, len, token, strlen(token));
	case 3:
		return insert(text, 0, token, strlen(token));
	default:
		len = below(200);
		for (i = 0; i < len; i++)
			text[i] = (char)below(256);
		return len;
	}
}

static void damage_file(const struct file *f)
{
	char text[TEXT_MAX];
	size_t len = f->len, i, n = 1 + below(4);

	memcpy(text, f->text, len);
	for (i = 0; i < n; i++)
		len = damage(text, len);
	put(f, text, len);
}

static const char *json_value(const char *s, int depth);

static const char *space(const char *s)
{
	return s ? s + strspn(s, "\n ") : NULL;
}

static const char *json_string(const char *s)
{
	if (*s++ != '"')
		return NULL;
	while (*s != '"') {
		if ((unsigned char)*s < ' ')
			return NULL;
		if (*s == '\\' && !strchr("\"\\nu", *++s))
			return NULL;
		s++;
	}
	return s + 1;
}

/* What is between brackets; an object has a key before each value. */
static const char *json_list(const char *s, char end, int depth)
{
	s = space(s + 1);
	if (*s == end)
		return s + 1;
	for (;;) {
		if (end == '}') {
			s = space(json_string(s));
			if (!s || *s++ != ':')
				return NULL;
		}
		s = space(json_value(space(s), depth + 1));
		if (!s || (*s != ',' && *s != end))
			return NULL;
		if (*s == end)
			return s + 1;
		s = space(s + 1);
	}
}

/* Behind the value that begins at @s; NULL if that is none. */
static const char *json_value(const char *s, int depth)
{
	size_t digits = strspn(s, "0123456789");

	if (depth > DEPTH_MAX)
		return NULL;
	if (*s == '{')
		return json_list(s, '}', depth);
	if (*s == '[')
		return json_list(s, ']', depth);
	if (*s == '"')
		return json_string(s);
	if (!strncmp(s, "true", 4))
		return s + 4;
	if (!strncmp(s, "false", 5))
		return s + 5;
	return digits ? s + digits : NULL;
}

static bool is_json(const char *text)
{
	const char *end = space(json_value(text, 0));

	return end && !*end;
}

static bool harmless(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (((unsigned char)text[i] < ' ' && !strchr("\n\t", text[i])) ||
		    !text[i] || text[i] == 0x7f ||
		    (text[i] == '\302' && (unsigned char)text[i + 1] < 0xa0))
			return false;
	return true;
}

static void run(const char * const *words, unsigned long number)
{
	char *argv[WORDS_MAX + 2] = { "mkctl" }, *text;
	const char *command = *words;
	bool json = false, bad;
	FILE *out = stdout;
	int argc = 1;
	size_t len;

	for (; *words; words++) {
		json |= !strcmp(*words, "--json");
		argv[argc++] = (char *)*words;
	}
	optind = 0;
	alarm(RUN_S);
	stdout = open_memstream(&text, &len);
	mkctl_main(argc, argv);
	alarm(0);
	fclose(stdout);
	stdout = out;
	bad = !harmless(text, len) || (json && len && !is_json(text));
	if (bad) {
		dprintf(2, "fuzz: number %lu, mkctl %s: bad output\n%s\n", number, command, text);
		exit(1);
	}
	free(text);
}

int main(int argc, char **argv)
{
	unsigned long i, runs, k;
	size_t which;

	if (argc < 3)
		return 2;
	runs = strtoul(argv[2], NULL, 10);
	seed = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
	if (nftw(argv[1], take, 16, FTW_PHYS) || !nr_files)
		return 2;
	/* dump writes there by number; what goes wrong is said on 2 */
	k = dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
	stderr = fopen("/dev/null", "w");
	for (i = 0; i < runs; i++) {
		for (k = 1 + below(6); k; k--)
			damage_file(&files[below(nr_files)]);
		which = below(ARRAY_SIZE(commands) - (below(20) ? SELDOM : 0));
		run(commands[which], i);
		if (!below(8))
			for (k = 0; k < nr_files; k++)
				put(&files[k], files[k].text, files[k].len);
	}
	dprintf(2, "%lu runs\n", runs);
	return 0;
}
