// SPDX-License-Identifier: GPL-2.0
/*
 * top: the map in a compact form, and what passes between the kernels.
 *
 * The kernel counts; two looks at its counters make a rate. They begin anew
 * with each start of an instance, so one that has become less was zero in
 * between. Without a terminal each interval is a block of text, or a line of
 * JSON.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "machine.h"

#define INTERVAL_MS	2000
#define INTERVAL_MS_MIN	100

#define NODE_LABEL	13	/* "Node 0   512M", columns before the bar */

enum counter { MESSAGES, BYTES, DOORBELLS, FULL, COUNTERS };

/* What is added up for each of them, at most two files of stats/ */
static const char * const files[COUNTERS][2] = {
	[MESSAGES] = { "messages_sent", "messages_received" },
	[BYTES] = { "bytes_sent", "bytes_received" },
	[DOORBELLS] = { "doorbells_sent", "doorbells_received" },
	[FULL] = { "ring_full" },
};

struct counts {
	unsigned long long n[COUNTERS];
};

struct sample {
	struct mk_machine m;
	struct counts *counts;		/* of each owner, so that it is easy to find */
	long long when;			/* ms, of a clock that never jumps */
};

struct top {
	struct sample before, now;
	unsigned int ms;
	bool json;
};

static long long now_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void read_counts(const char *name, struct counts *counts)
{
	char file[64], *word;
	int c, i;

	for (c = 0; c < COUNTERS; c++) {
		for (i = 0; i < 2 && files[c][i]; i++) {
			snprintf(file, sizeof(file), "stats/%s", files[c][i]);
			word = mk_file_word(name, file);
			if (word)
				counts->n[c] += strtoull(word, NULL, 10);
			free(word);
		}
	}
}

static void sample_read(struct sample *s)
{
	size_t i;

	mk_machine_read(&s->m);
	s->counts = calloc(s->m.nr_owners, sizeof(*s->counts));
	if (!s->counts)
		mk_error_out_of_memory();
	for (i = MK_OWNER_FIRST; i < s->m.nr_owners; i++)
		read_counts(s->m.owners[i].name, &s->counts[i]);
	s->when = now_ms(CLOCK_MONOTONIC);
}

static void sample_free(struct sample *s)
{
	mk_machine_free(&s->m);
	free(s->counts);
	memset(s, 0, sizeof(*s));
}

static void next_sample(struct top *top)
{
	sample_free(&top->before);
	top->before = top->now;
	sample_read(&top->now);
}

/* What it was before; NULL if it was not there. */
static const struct counts *counts_before(const struct top *top, size_t owner)
{
	const struct mk_machine *m = &top->before.m;
	size_t i;

	for (i = MK_OWNER_FIRST; i < m->nr_owners; i++)
		if (!strcmp(m->owners[i].name, top->now.m.owners[owner].name))
			return &top->before.counts[i];
	return NULL;
}

/* How many per second; false if that cannot be known yet. */
static bool rate(const struct top *top, size_t owner, enum counter c,
		 unsigned long long *value)
{
	const struct counts *before = counts_before(top, owner);
	unsigned long long n = top->now.counts[owner].n[c];
	long long ms = top->now.when - top->before.when;

	if (!before || ms <= 0)
		return false;
	if (n >= before->n[c])
		n -= before->n[c];
	*value = (__uint128_t)n * 1000 / ms;
	return true;
}

/* A number in five columns or a little more. */
static void short_count(char *buf, size_t size, unsigned long long n)
{
	if (n < 100000)
		snprintf(buf, size, "%llu", n);
	else if (n < 100000000)
		snprintf(buf, size, "%lluk", n / 1000);
	else
		snprintf(buf, size, "%lluM", n / 1000000);
}

/* The columns of the table; the last ones are left out where it is narrow. */
struct column {
	const char *title;
	int width;
};

static const struct column columns[] = {
	{ "STATE", -8 }, { "CPUS", 4 }, { "MEMORY", 6 }, { "MSG/S", 6 },
	{ "BYTES/S", 7 }, { "BELLS/S", 7 }, { "FULL", 6 },
};

#define COLUMN_BYTES	32

static void show_rate(const struct top *top, size_t owner, enum counter c, char *buf)
{
	unsigned long long n;

	if (!rate(top, owner, c, &n))
		snprintf(buf, COLUMN_BYTES, "-");
	else if (c == BYTES)
		mk_text_short(buf, COLUMN_BYTES, n);
	else
		short_count(buf, COLUMN_BYTES, n);
}

static void make_columns(const struct top *top, size_t owner,
			 char text[ARRAY_SIZE(columns)][COLUMN_BYTES])
{
	const struct mk_owner *o = &top->now.m.owners[owner];

	snprintf(text[0], COLUMN_BYTES, "%s", o->state);
	snprintf(text[1], COLUMN_BYTES, "%u", o->cpus);
	mk_text_short(text[2], COLUMN_BYTES, o->memory);
	show_rate(top, owner, MESSAGES, text[3]);
	show_rate(top, owner, BYTES, text[4]);
	show_rate(top, owner, DOORBELLS, text[5]);
	short_count(text[6], COLUMN_BYTES, top->now.counts[owner].n[FULL]);
}

static int columns_width(size_t n)
{
	int width = 0;
	size_t i;

	for (i = 0; i < n; i++)
		width += abs(columns[i].width) + 1;
	return width;
}

/* How many columns there is room for behind a name that can be read. */
static size_t columns_shown(const struct mk_draw *d)
{
	size_t n = ARRAY_SIZE(columns);

	while (n > 1 && 2 + 8 + columns_width(n) > d->width)
		n--;
	return n;
}

static int name_width(const struct mk_draw *d, const struct mk_machine *m, size_t n)
{
	int most = d->width - 2 - columns_width(n), width = 4, len;
	size_t i;

	for (i = MK_OWNER_FIRST; i < m->nr_owners; i++) {
		len = strlen(m->owners[i].name);
		if (len > width)
			width = len;
	}
	if (width > most)
		width = most;
	return width > 4 ? width : 4;
}

static void draw_table(struct mk_draw *d, const struct top *top)
{
	const struct mk_machine *m = &top->now.m;
	char text[ARRAY_SIZE(columns)][COLUMN_BYTES];
	size_t n = columns_shown(d), c, i;
	int width = name_width(d, m, n);

	mk_draw_begin(d);
	mk_draw_text(d, "  %-*s", width, "NAME");
	for (c = 0; c < n; c++)
		mk_draw_text(d, " %*s", columns[c].width, columns[c].title);
	mk_draw_end(d);
	for (i = MK_OWNER_FIRST; i < m->nr_owners; i++) {
		make_columns(top, i, text);
		mk_draw_begin(d);
		mk_draw_cells(d, m, i, 1);
		mk_draw_text(d, " %-*.*s", width, width, m->owners[i].name);
		for (c = 0; c < n; c++)
			mk_draw_text(d, " %*s", columns[c].width, text[c]);
		mk_draw_end(d);
	}
}

/* CPUs in the order of their numbers, with a gap after each eight. */
static void draw_cpus(struct mk_draw *d, const struct mk_machine *m)
{
	size_t n, first, i;

	n = (d->width - NODE_LABEL) / 9 * 8;
	if (n < 8)
		n = 8;
	for (first = 0; first < m->nr_cpus; first += n) {
		mk_draw_begin(d);
		mk_draw_text(d, "CPU %-8zu ", first);
		for (i = first; i < first + n && i < m->nr_cpus; i++) {
			if (i > first && i % 8 == 0)
				mk_draw_text(d, " ");
			if (m->cpus[i].present)
				mk_draw_cells(d, m, m->cpus[i].owner, 1);
			else
				mk_draw_text(d, " ");
		}
		mk_draw_end(d);
	}
}

static void draw_nodes(struct mk_draw *d, const struct mk_machine *m)
{
	char size[32];
	size_t i;

	for (i = 0; i < m->nr_nodes; i++) {
		mk_text_short(size, sizeof(size), m->nodes[i].memory);
		mk_draw_begin(d);
		mk_draw_text(d, "Node %-2d %4s ", m->nodes[i].number, size);
		if (m->nodes[i].memory)
			mk_draw_bar(d, m, &m->nodes[i]);
		mk_draw_end(d);
	}
}

/* Words that are shown as a whole or not at all. */
static void draw_if_room(struct mk_draw *d, const char *text)
{
	if ((int)strlen(text) <= mk_draw_room(d))
		mk_draw_text(d, "%s", text);
}

static void draw_title(struct mk_draw *d, const struct top *top, bool screen)
{
	time_t now = time(NULL);
	char every[32];
	struct tm tm;

	localtime_r(&now, &tm);
	mk_draw_begin(d);
	mk_draw_text(d, "%02d:%02d:%02d  ", tm.tm_hour, tm.tm_min, tm.tm_sec);
	mk_draw_summary(d, &top->now.m);
	snprintf(every, sizeof(every), "  every %u.%u s", top->ms / 1000,
		 top->ms / 100 % 10);
	draw_if_room(d, every);
	if (screen)
		draw_if_room(d, "  q quits");
	mk_draw_end(d);
}

static void draw_legend(struct mk_draw *d, const struct mk_machine *m)
{
	size_t i;

	mk_draw_begin(d);
	for (i = 0; i < MK_OWNER_FIRST; i++) {
		if (!m->owners[i].cpus && !m->owners[i].memory)
			continue;
		mk_draw_cells(d, m, i, 1);
		mk_draw_text(d, " %s  ", m->owners[i].name);
	}
	mk_draw_end(d);
}

static void draw(struct mk_draw *d, const struct top *top, bool screen)
{
	d->frame = false;
	draw_title(d, top, screen);
	draw_cpus(d, &top->now.m);
	draw_nodes(d, &top->now.m);
	draw_legend(d, &top->now.m);
	draw_table(d, top);
}

static void json_owned(struct mk_json *json, const struct top *top, size_t owner)
{
	const struct mk_machine *m = &top->now.m;
	bool *has = calloc(m->nr_cpus + 1, sizeof(*has));
	char *list;
	size_t i;

	if (!has)
		mk_error_out_of_memory();
	for (i = 0; i < m->nr_cpus; i++)
		has[i] = m->cpus[i].present && m->cpus[i].owner == owner;
	list = mk_text_list_of(has, m->nr_cpus);
	mk_text_json_string(json, "cpus", list);
	mk_text_json_number(json, "memory", m->owners[owner].memory);
	free(list);
	free(has);
}

static void json_instance(struct mk_json *json, const struct top *top, size_t owner)
{
	static const char * const keys[] = {
		"messages_per_second", "bytes_per_second", "doorbells_per_second"
	};
	unsigned long long n;
	size_t c;

	mk_text_json_open(json, NULL, '{');
	mk_text_json_string(json, "name", top->now.m.owners[owner].name);
	mk_text_json_string(json, "state", top->now.m.owners[owner].state);
	json_owned(json, top, owner);
	for (c = 0; c < ARRAY_SIZE(keys); c++)
		mk_text_json_number(json, keys[c], rate(top, owner, c, &n) ? n : 0);
	mk_text_json_number(json, "ring_full", top->now.counts[owner].n[FULL]);
	mk_text_json_close(json, '}');
}

static void print_json(const struct top *top)
{
	struct mk_json json = { .out = stdout, .one_line = true };
	size_t i;

	mk_text_json_open(&json, NULL, '{');
	mk_text_json_number(&json, "time_ms", now_ms(CLOCK_REALTIME));
	mk_text_json_number(&json, "interval_ms", top->now.when - top->before.when);
	for (i = 0; i < MK_OWNER_FIRST; i++) {
		mk_text_json_open(&json, top->now.m.owners[i].name, '{');
		json_owned(&json, top, i);
		mk_text_json_close(&json, '}');
	}
	mk_text_json_open(&json, "instances", '[');
	for (i = MK_OWNER_FIRST; i < top->now.m.nr_owners; i++)
		json_instance(&json, top, i);
	mk_text_json_close(&json, ']');
	mk_text_json_close(&json, '}');
}

static void print_block(const struct top *top)
{
	struct mk_draw d;

	if (top->json) {
		print_json(top);
	} else {
		mk_draw_init(&d, stdout);
		draw(&d, top, false);
		fputc('\n', stdout);
	}
	fflush(stdout);
}

/* Blocks one after the other, each about the interval before it. */
static int run_plain(struct top *top, unsigned int count)
{
	unsigned int i;

	sample_read(&top->now);
	for (i = 0; (!count || i < count) && !ferror(stdout); i++) {
		poll(NULL, 0, top->ms);
		next_sample(top);
		print_block(top);
	}
	return ferror(stdout) ? MK_FAILED : MK_OK;
}

static void show(const struct top *top)
{
	struct mk_draw d;
	size_t size;
	char *text;
	unsigned short rows, width;

	mk_draw_init(&d, open_memstream(&text, &size));
	if (!d.out)
		mk_error_out_of_memory();
	mk_terminal_size(&rows, &width);
	d.width = width;
	draw(&d, top, true);
	fclose(d.out);
	mk_screen_show(text);
	free(text);
}

static int run_screen(struct top *top, unsigned int count)
{
	long long deadline = mk_wait_deadline(top->ms);
	enum mk_screen_event event;
	unsigned int i = 0;

	sample_read(&top->now);
	do {
		show(top);
		event = mk_screen_wait(deadline);
		if (event != MK_SCREEN_TIME)
			continue;
		deadline = mk_wait_deadline(top->ms);
		next_sample(top);
		i++;
	} while (event != MK_SCREEN_QUIT && (!count || i < count));
	mk_screen_leave();
	return MK_OK;
}

int mk_top(int argc, char **argv)
{
	struct top top = { };
	unsigned int count = 0;
	int ms = INTERVAL_MS, ret;
	const struct mk_opt opts[] = {
		{ "delay", 'd', MK_OPT_MS, &ms },
		{ "count", 'n', MK_OPT_COUNT, &count },
		{ "json", 'j', MK_OPT_FLAG, &top.json },
		{ }
	};

	if (mk_opts_parse(argc, argv, opts, NULL, 0, 0))
		return MK_USAGE;
	if (ms < INTERVAL_MS_MIN)
		return mk_opts_usage("the delay is 0.1 seconds at least", NULL);
	top.ms = ms;
	if (top.json || mk_screen_enter())
		ret = run_plain(&top, count);
	else
		ret = run_screen(&top, count);
	sample_free(&top.before);
	sample_free(&top.now);
	return ret;
}
