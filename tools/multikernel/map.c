// SPDX-License-Identifier: GPL-2.0
/*
 * map: a picture of the machine. CPUs stand in frames by socket and node, the
 * memory of each node is a bar with the ranges that are lent below it, and a
 * legend says who is who.
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

/* As many CPUs stand side by side, with a gap after each eight */
#define ROW_MAX		32
#define ROW_GAP		8

#define SIZE_BYTES	32

static int digits(size_t n)
{
	int count = 1;

	while (n >= 10) {
		n /= 10;
		count++;
	}
	return count;
}

/* How many CPUs fit into a row behind the numbers of its first and last. */
static int row_length(const struct mk_draw *d, int label)
{
	int room = mk_draw_room(d) - 2 - label, n;

	for (n = ROW_MAX; n > ROW_GAP; n /= 2)
		if (n * 2 + n / ROW_GAP <= room)
			return n;
	return ROW_GAP;
}

static bool same_place(const struct mk_machine_cpu *a, const struct mk_machine_cpu *b)
{
	return a->present && b->present && a->socket == b->socket && a->node == b->node;
}

/* The next CPU of a place, from @i on; the number of all if there is none. */
static size_t next_of(const struct mk_machine *m, const struct mk_machine_cpu *place,
		      size_t i)
{
	while (i < m->nr_cpus && !same_place(&m->cpus[i], place))
		i++;
	return i;
}

/* Draws CPUs from @first to @n behind it, and returns where the next row begins. */
static size_t draw_row(struct mk_draw *d, const struct mk_machine *m,
		       const struct mk_machine_cpu *place, size_t first, size_t n)
{
	int width = digits(m->nr_cpus - 1);
	size_t last = first, next, i;
	char label[48];

	for (next = first; next < first + n && next < m->nr_cpus;
	     next = next_of(m, place, next + 1))
		last = next;
	if (first == last)
		snprintf(label, sizeof(label), "%zu", first);
	else
		snprintf(label, sizeof(label), "%zu-%zu", first, last);
	mk_draw_begin(d);
	mk_draw_text(d, "%*s ", 2 * width + 1, label);
	for (i = first; i <= last; i++) {
		mk_draw_text(d, "%s", i > first && i % ROW_GAP == 0 ? "  " : " ");
		if (same_place(&m->cpus[i], place))
			mk_draw_cells(d, m, m->cpus[i].owner, 1);
		else
			mk_draw_text(d, " ");
	}
	mk_draw_end(d);
	return next;
}

static void draw_place(struct mk_draw *d, const struct mk_machine *m,
		       const struct mk_machine_cpu *place)
{
	size_t n = row_length(d, 2 * digits(m->nr_cpus - 1) + 2), first;
	char title[64] = "CPUs";

	if (place->socket >= 0 && place->node >= 0)
		snprintf(title, sizeof(title), "Socket %d, node %d", place->socket,
			 place->node);
	else if (place->socket >= 0)
		snprintf(title, sizeof(title), "Socket %d", place->socket);
	else if (place->node >= 0)
		snprintf(title, sizeof(title), "Node %d", place->node);
	mk_draw_open(d, title);
	for (first = next_of(m, place, 0); first < m->nr_cpus;)
		first = draw_row(d, m, place, first, n);
	mk_draw_close(d);
}

/* Each socket and node in the order of their first CPUs. */
static void draw_cpus(struct mk_draw *d, const struct mk_machine *m)
{
	size_t i;

	for (i = 0; i < m->nr_cpus; i++)
		if (m->cpus[i].present && next_of(m, &m->cpus[i], 0) == i)
			draw_place(d, m, &m->cpus[i]);
}

static void draw_range(struct mk_draw *d, const struct mk_machine *m,
		       const struct mk_machine_range *range)
{
	char where[64], size[SIZE_BYTES];

	snprintf(where, sizeof(where), "%#llx-%#llx", range->start,
		 range->start + range->size);
	mk_text_short(size, sizeof(size), range->size);
	mk_draw_begin(d);
	mk_draw_text(d, "%-21s %5s ", where, size);
	mk_draw_cells(d, m, range->owner, 1);
	mk_draw_text(d, " %s", m->owners[range->owner].name);
	mk_draw_end(d);
}

static void draw_node(struct mk_draw *d, const struct mk_machine *m,
		      const struct mk_machine_node *node)
{
	char title[64], size[SIZE_BYTES];
	size_t i;

	mk_text_short(size, sizeof(size), node->memory);
	snprintf(title, sizeof(title), "Memory of node %d, %s", node->number, size);
	mk_draw_open(d, title);
	mk_draw_begin(d);
	if (node->memory)
		mk_draw_bar(d, m, node);
	mk_draw_end(d);
	for (i = 0; i < m->nr_ranges; i++)
		if (m->ranges[i].node == node->number)
			draw_range(d, m, &m->ranges[i]);
	mk_draw_close(d);
}

/* Whoever has nothing is of interest only if it is an instance. */
static bool in_legend(const struct mk_machine *m, size_t owner)
{
	const struct mk_owner *o = &m->owners[owner];

	return owner >= MK_OWNER_FIRST || o->cpus || o->memory;
}

/* The columns behind the name take 23. */
static int name_width(const struct mk_draw *d, const struct mk_machine *m)
{
	int width = 5, most = mk_draw_room(d) - 4 - 23, len;
	size_t i;

	for (i = 0; i < m->nr_owners; i++) {
		len = strlen(m->owners[i].name);
		if (in_legend(m, i) && len > width)
			width = len;
	}
	if (width > most)
		width = most;
	return width > 5 ? width : 5;
}

static void draw_legend(struct mk_draw *d, const struct mk_machine *m)
{
	char size[SIZE_BYTES];
	int width = name_width(d, m);
	size_t i;

	mk_draw_open(d, "Owners");
	mk_draw_begin(d);
	mk_draw_text(d, "  %-*s %4s %7s  STATE", width, "NAME", "CPUS", "MEMORY");
	mk_draw_end(d);
	for (i = 0; i < m->nr_owners; i++) {
		const struct mk_owner *o = &m->owners[i];

		if (!in_legend(m, i))
			continue;
		mk_text_short(size, sizeof(size), o->memory);
		mk_draw_begin(d);
		mk_draw_cells(d, m, i, 1);
		mk_draw_text(d, " %-*.*s %4u %7s  %s", width, width, o->name,
			     o->cpus, size, o->state);
		mk_draw_end(d);
	}
	mk_draw_close(d);
}

static void draw_map(struct mk_draw *d, const struct mk_machine *m)
{
	size_t i;

	d->frame = false;
	mk_draw_begin(d);
	mk_draw_summary(d, m);
	mk_draw_end(d);
	d->frame = true;
	draw_cpus(d, m);
	for (i = 0; i < m->nr_nodes; i++)
		draw_node(d, m, &m->nodes[i]);
	draw_legend(d, m);
}

static const char *kind_of(size_t owner)
{
	static const char * const kinds[] = { "host", "pool", "quarantine", "offline" };

	return owner < MK_OWNER_FIRST ? kinds[owner] : "instance";
}

/* An instance can be called "host", so its name stands by itself. */
static void json_owner(struct mk_json *json, const struct mk_machine *m, size_t owner)
{
	mk_text_json_string(json, "owner", kind_of(owner));
	if (owner >= MK_OWNER_FIRST)
		mk_text_json_string(json, "instance", m->owners[owner].name);
}

static void json_cpus(struct mk_json *json, const struct mk_machine *m)
{
	size_t i;

	mk_text_json_open(json, "cpus", '[');
	for (i = 0; i < m->nr_cpus; i++) {
		const struct mk_machine_cpu *cpu = &m->cpus[i];

		if (!cpu->present)
			continue;
		mk_text_json_open(json, NULL, '{');
		mk_text_json_number(json, "cpu", i);
		if (cpu->socket >= 0)
			mk_text_json_number(json, "socket", cpu->socket);
		if (cpu->node >= 0)
			mk_text_json_number(json, "node", cpu->node);
		mk_text_json_bool(json, "online", cpu->online);
		json_owner(json, m, cpu->owner);
		mk_text_json_close(json, '}');
	}
	mk_text_json_close(json, ']');
}

static void json_nodes(struct mk_json *json, const struct mk_machine *m)
{
	size_t i;

	mk_text_json_open(json, "nodes", '[');
	for (i = 0; i < m->nr_nodes; i++) {
		mk_text_json_open(json, NULL, '{');
		mk_text_json_number(json, "node", m->nodes[i].number);
		mk_text_json_number(json, "memory", m->nodes[i].memory);
		mk_text_json_number(json, "host", m->nodes[i].host);
		mk_text_json_number(json, "pool", m->nodes[i].pool);
		mk_text_json_number(json, "lent", m->nodes[i].lent);
		mk_text_json_number(json, "quarantine", m->nodes[i].lost);
		mk_text_json_close(json, '}');
	}
	mk_text_json_close(json, ']');
}

static void json_ranges(struct mk_json *json, const struct mk_machine *m)
{
	size_t i;

	mk_text_json_open(json, "ranges", '[');
	for (i = 0; i < m->nr_ranges; i++) {
		mk_text_json_open(json, NULL, '{');
		mk_text_json_number(json, "start", m->ranges[i].start);
		mk_text_json_number(json, "size", m->ranges[i].size);
		mk_text_json_number(json, "node", m->ranges[i].node < 0 ? 0 :
				    m->ranges[i].node);
		json_owner(json, m, m->ranges[i].owner);
		mk_text_json_close(json, '}');
	}
	mk_text_json_close(json, ']');
}

static void json_owners(struct mk_json *json, const struct mk_machine *m)
{
	char letter[2] = "";
	size_t i;

	mk_text_json_open(json, "owners", '[');
	for (i = 0; i < m->nr_owners; i++) {
		letter[0] = m->owners[i].letter;
		mk_text_json_open(json, NULL, '{');
		json_owner(json, m, i);
		mk_text_json_string(json, "letter", letter);
		mk_text_json_number(json, "cpus", m->owners[i].cpus);
		mk_text_json_number(json, "memory", m->owners[i].memory);
		if (i >= MK_OWNER_FIRST)
			mk_text_json_string(json, "state", m->owners[i].state);
		mk_text_json_close(json, '}');
	}
	mk_text_json_close(json, ']');
}

static void print_json(const struct mk_machine *m)
{
	struct mk_json json = { .out = stdout };

	mk_text_json_open(&json, NULL, '{');
	json_cpus(&json, m);
	json_nodes(&json, m);
	json_ranges(&json, m);
	json_owners(&json, m);
	mk_text_json_close(&json, '}');
}

int mk_map(int argc, char **argv)
{
	const char *colour = "auto";
	unsigned int width = 0;
	bool json = false;
	const struct mk_opt opts[] = {
		{ "json", 'j', MK_OPT_FLAG, &json },
		{ "color", 'c', MK_OPT_TEXT, &colour },
		{ "width", 'w', MK_OPT_COUNT, &width },
		{ }
	};
	struct mk_machine m;
	struct mk_draw d;

	if (mk_opts_parse(argc, argv, opts, NULL, 0, 0))
		return MK_USAGE;
	mk_draw_init(&d, stdout);
	if (mk_draw_colour(&d, colour))
		return mk_opts_usage("--color takes always, never or auto, not", colour);
	if (width)
		d.width = width > 1000 ? 1000 : width;
	mk_machine_read(&m);
	if (json)
		print_json(&m);
	else
		draw_map(&d, &m);
	mk_machine_free(&m);
	return MK_OK;
}
