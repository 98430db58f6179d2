// SPDX-License-Identifier: GPL-2.0
/*
 * Lines of text and of coloured cells, never wider than is wanted.
 *
 * A cell is a letter, so that who sees no colours misses nothing. Frames are
 * drawn with lines where the locale has them, else with what ASCII has.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "machine.h"

#define WIDTH_DEFAULT	80
#define WIDTH_MIN	20
#define WIDTH_MAX	1000

/* Background and letters, which any palette keeps apart */
static const char * const colours[] = {
	[MK_OWNER_HOST] = "97;44",
	[MK_OWNER_POOL] = "30;42",
	[MK_OWNER_QUARANTINE] = "97;41",
	[MK_OWNER_OFFLINE] = "37;100",
	[MK_OWNER_FIRST] = "30;43", "30;46", "97;45", "30;103", "30;106", "30;105",
};

static bool wants_utf8(void)
{
	static const char * const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *locale = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names) && (!locale || !*locale); i++)
		locale = getenv(names[i]);
	return locale && (strcasestr(locale, "UTF-8") || strcasestr(locale, "utf8"));
}

static bool wants_colour(int fd)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(fd) && term && strcmp(term, "dumb") && (!no || !*no);
}

static int find_width(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (!ioctl(fd, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return columns ? atoi(columns) : 0;
}

/* As the terminal and the environment have it. */
void mk_draw_init(struct mk_draw *d, FILE *out)
{
	memset(d, 0, sizeof(*d));
	d->out = out;
	d->width = find_width(STDOUT_FILENO);
	if (d->width <= 0)
		d->width = WIDTH_DEFAULT;
	d->colour = wants_colour(STDOUT_FILENO);
	d->utf8 = wants_utf8();
	d->frame = true;
}

/* Takes "always", "never" or "auto"; -1 for something else. */
int mk_draw_colour(struct mk_draw *d, const char *when)
{
	if (!strcmp(when, "always"))
		d->colour = true;
	else if (!strcmp(when, "never"))
		d->colour = false;
	else if (strcmp(when, "auto"))
		return -1;
	return 0;
}

static int width_of(const struct mk_draw *d)
{
	if (d->width < WIDTH_MIN)
		return WIDTH_MIN;
	return d->width > WIDTH_MAX ? WIDTH_MAX : d->width;
}

/* How many more columns this line has. */
int mk_draw_room(const struct mk_draw *d)
{
	return width_of(d) - (d->frame ? 2 : 0) - d->column;
}

static void frame_piece(struct mk_draw *d, const char *utf8, const char *ascii)
{
	fputs(d->utf8 ? utf8 : ascii, d->out);
}

/* The upper edge of a frame, with its title. */
void mk_draw_open(struct mk_draw *d, const char *title)
{
	int i, n = width_of(d) - 5;

	frame_piece(d, "\u250c\u2500 ", "+- ");
	i = fprintf(d->out, "%.*s ", n - 1, title);
	for (; i < n + 1; i++)
		frame_piece(d, "\u2500", "-");
	frame_piece(d, "\u2510\n", "+\n");
}

void mk_draw_close(struct mk_draw *d)
{
	int i;

	frame_piece(d, "\u2514", "+");
	for (i = 0; i < width_of(d) - 2; i++)
		frame_piece(d, "\u2500", "-");
	frame_piece(d, "\u2518\n", "+\n");
}

void mk_draw_begin(struct mk_draw *d)
{
	d->column = 0;
	if (!d->frame)
		return;
	frame_piece(d, "\u2502 ", "| ");
	d->column = 2;
}

/* What is in a frame ends where the frame does. */
void mk_draw_end(struct mk_draw *d)
{
	if (d->frame) {
		fprintf(d->out, "%*s", mk_draw_room(d) + 1, "");
		frame_piece(d, "\u2502", "|");
	}
	fputc('\n', d->out);
	d->column = 0;
}

/* Text in ASCII; what there is no room for is left out. */
void mk_draw_text(struct mk_draw *d, const char *fmt, ...)
{
	int room = mk_draw_room(d), len;
	va_list args;
	char *text;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		mk_error_out_of_memory();
	if (len > room)
		len = room > 0 ? room : 0;
	fwrite(text, 1, len, d->out);
	d->column += len;
	free(text);
}

static const char *colour_of(size_t owner)
{
	const size_t others = ARRAY_SIZE(colours) - MK_OWNER_FIRST;

	if (owner >= MK_OWNER_FIRST)
		owner = MK_OWNER_FIRST + (owner - MK_OWNER_FIRST) % others;
	return colours[owner];
}

/* So many cells of one owner. */
void mk_draw_cells(struct mk_draw *d, const struct mk_machine *m, size_t owner,
		   int n)
{
	int i;

	if (n > mk_draw_room(d))
		n = mk_draw_room(d);
	if (n <= 0)
		return;
	if (d->colour)
		fprintf(d->out, "\033[%sm", colour_of(owner));
	for (i = 0; i < n; i++)
		fputc(m->owners[owner].letter, d->out);
	if (d->colour)
		fputs("\033[0m", d->out);
	d->column += n;
}

/* Cells for a part of a whole; what is there has one at least. */
static int share(unsigned long long part, unsigned long long whole, int cells)
{
	int n;

	if (!part || !whole)
		return 0;
	if (part >= whole)
		return cells;
	n = (__uint128_t)part * cells / whole;
	return n ? n : 1;
}

static int lent_cells(const struct mk_machine *m, const struct mk_machine_node *node,
		      struct mk_draw *d, int room)
{
	int n, sum = 0;
	size_t i;

	for (i = 0; i < m->nr_ranges && sum < room; i++) {
		if (m->ranges[i].node != node->number)
			continue;
		n = share(m->ranges[i].size, node->memory, room);
		sum += n;
		if (d)
			mk_draw_cells(d, m, m->ranges[i].owner, n);
	}
	return sum < room ? sum : room;
}

/*
 * mk_draw_bar() - The memory of a node, to the end of the line.
 *
 * Not by address: the host's is everywhere. What is lent is in the order of
 * its addresses, behind what the host uses and what it could give.
 */
void mk_draw_bar(struct mk_draw *d, const struct mk_machine *m,
		 const struct mk_machine_node *node)
{
	int room = mk_draw_room(d), rest, pool;

	if (room <= 0)
		return;
	rest = room - lent_cells(m, node, NULL, room);
	pool = share(node->pool, node->pool + node->host, rest);
	/* It has something, as long as it runs */
	if (pool == rest && pool > 1 && node->host)
		pool--;
	mk_draw_cells(d, m, MK_OWNER_HOST, node->memory ? rest - pool : 0);
	mk_draw_cells(d, m, MK_OWNER_POOL, pool);
	lent_cells(m, node, d, room);
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* The machine in one line. */
void mk_draw_summary(struct mk_draw *d, const struct mk_machine *m)
{
	size_t cpus = mk_machine_count(m), instances = m->nr_owners - MK_OWNER_FIRST;
	char size[32];

	mk_text_short(size, sizeof(size), mk_machine_memory(m));
	mk_draw_text(d, "%zu CPU%s, %s, %zu instance%s", cpus, plural(cpus), size,
		     instances, plural(instances));
}
