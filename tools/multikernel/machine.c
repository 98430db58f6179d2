// SPDX-License-Identifier: GPL-2.0
/*
 * The machine: CPUs, nodes and memory, and whose they are.
 *
 * Two sources are put together: what the host says of its hardware in
 * /sys/devices/system, and what multikernel says of owners. Nothing stands
 * still between two reads, so neither is believed to fit the other: of two
 * owners the first one counts, and what is missing is unknown.
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define CPU_DIR		"devices/system/cpu"
#define NODE_DIR	"devices/system/node"

/* Room for one more behind @n elements. */
static void *grow(void *array, size_t n, size_t size)
{
	array = realloc(array, (n + 1) * size);
	if (!array)
		mk_error_out_of_memory();
	memset((char *)array + n * size, 0, size);
	return array;
}

static char *word_or_empty(const char *name, const char *file)
{
	char *word = mk_file_word(name, file);

	return word ? word : mk_text_copy("");
}

/* Adds the CPUs of a list that is read from a file, which is freed. */
static void take_list(char *list, bool *has)
{
	memset(has, 0, MK_MACHINE_CPUS);
	if (list)
		mk_text_list(list, has, MK_MACHINE_CPUS);
	free(list);
}

static void add_owner(struct mk_machine *m, char letter, const char *name,
		      char *state)
{
	struct mk_owner *o;

	m->owners = grow(m->owners, m->nr_owners, sizeof(*o));
	o = &m->owners[m->nr_owners++];
	o->letter = letter;
	o->name = mk_text_copy(name);
	o->state = state;
}

static bool letter_free(const struct mk_machine *m, char letter)
{
	size_t i;

	for (i = 0; i < m->nr_owners; i++)
		if (m->owners[i].letter == letter)
			return false;
	return true;
}

/* One of its name that is free, so that it can be remembered; else any. */
static char choose_letter(const struct mk_machine *m, const char *name)
{
	static const char others[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const char *c;

	for (c = name; *c; c++) {
		char letter = *c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c;

		if (letter >= 'a' && letter <= 'z' && letter_free(m, letter))
			return letter;
	}
	for (c = others; *c; c++)
		if (letter_free(m, *c))
			return *c;
	return '+';
}

static void read_owners(struct mk_machine *m)
{
	char **names, *state;
	size_t i, n = mk_file_list(&names);

	add_owner(m, 'H', "host", mk_text_copy(""));
	add_owner(m, '.', "pool", mk_text_copy("free"));
	add_owner(m, 'X', "quarantine", mk_text_copy("lost"));
	add_owner(m, '-', "offline", mk_text_copy(""));
	for (i = 0; i < n; i++) {
		state = mk_file_word(names[i], "state");
		if (!state)
			continue;
		/* No state is as long as that, and none has two words */
		state[strcspn(state, " \t\n")] = '\0';
		if (strlen(state) >= MK_STATE_MAX)
			state[MK_STATE_MAX - 1] = '\0';
		add_owner(m, choose_letter(m, names[i]), names[i], state);
	}
	mk_file_list_free(names, n);
}

static void read_present(struct mk_machine *m)
{
	bool *has = calloc(MK_MACHINE_CPUS, sizeof(*has));
	size_t i;

	m->cpus = calloc(MK_MACHINE_CPUS, sizeof(*m->cpus));
	if (!has || !m->cpus)
		mk_error_out_of_memory();
	take_list(mk_sysfs_read(CPU_DIR "/present"), has);
	for (i = 0; i < MK_MACHINE_CPUS; i++) {
		m->cpus[i].present = has[i];
		m->cpus[i].socket = -1;
		m->cpus[i].node = -1;
		m->cpus[i].owner = MK_OWNER_OFFLINE;
		if (has[i])
			m->nr_cpus = i + 1;
	}
	take_list(mk_sysfs_read(CPU_DIR "/online"), has);
	for (i = 0; i < m->nr_cpus; i++)
		m->cpus[i].online = has[i];
	free(has);
}

static void read_sockets(struct mk_machine *m)
{
	char *text;
	size_t i;

	for (i = 0; i < m->nr_cpus; i++) {
		if (!m->cpus[i].present)
			continue;
		text = mk_sysfs_read(CPU_DIR "/cpu%zu/topology/physical_package_id", i);
		if (text && *text >= '0' && *text <= '9')
			m->cpus[i].socket = strtoul(text, NULL, 10) & 0xffff;
		free(text);
	}
}

static void read_node_cpus(struct mk_machine *m, int node)
{
	unsigned int *cpus;
	char dir[64];
	size_t i, n;

	snprintf(dir, sizeof(dir), NODE_DIR "/node%d", node);
	n = mk_sysfs_numbers(dir, "cpu", &cpus);
	for (i = 0; i < n; i++)
		if (cpus[i] < m->nr_cpus)
			m->cpus[cpus[i]].node = node;
	free(cpus);
}

static void add_node(struct mk_machine *m, int number, char *meminfo)
{
	struct mk_machine_node *node;

	m->nodes = grow(m->nodes, m->nr_nodes, sizeof(*node));
	node = &m->nodes[m->nr_nodes++];
	node->number = number;
	node->memory = mk_sysfs_meminfo(meminfo, "MemTotal:");
	node->free = mk_sysfs_meminfo(meminfo, "MemFree:");
	free(meminfo);
}

/* Without nodes in /sys all is on the first one. */
static void read_nodes(struct mk_machine *m)
{
	unsigned int *numbers;
	size_t i, n = mk_sysfs_numbers(NODE_DIR, "node", &numbers);

	for (i = 0; i < n && numbers[i] < MK_MACHINE_NODES; i++) {
		add_node(m, numbers[i],
			 mk_sysfs_read(NODE_DIR "/node%u/meminfo", numbers[i]));
		read_node_cpus(m, numbers[i]);
	}
	free(numbers);
	if (m->nr_nodes)
		return;
	add_node(m, 0, mk_sysfs_proc("meminfo"));
	for (i = 0; i < m->nr_cpus; i++)
		m->cpus[i].node = 0;
}

/*
 * The socket of a CPU that is offline is not told. It is that of the others of
 * its node, as far as one of them is online.
 */
static void guess_socket(struct mk_machine *m, struct mk_machine_cpu *cpu)
{
	size_t i;

	for (i = 0; i < m->nr_cpus; i++) {
		const struct mk_machine_cpu *other = &m->cpus[i];

		if (!other->present || !other->online || other->socket < 0)
			continue;
		if (other->node == cpu->node) {
			cpu->socket = other->socket;
			return;
		}
	}
}

static void guess_sockets(struct mk_machine *m)
{
	size_t i;

	for (i = 0; i < m->nr_cpus; i++)
		if (m->cpus[i].present && m->cpus[i].socket < 0)
			guess_socket(m, &m->cpus[i]);
}

/* Of two that claim a CPU the first one has it. */
static void own_cpus(struct mk_machine *m, size_t owner, const bool *has)
{
	size_t i;

	for (i = 0; i < m->nr_cpus; i++) {
		struct mk_machine_cpu *cpu = &m->cpus[i];

		if (!has[i] || !cpu->present || cpu->owner != MK_OWNER_OFFLINE)
			continue;
		cpu->owner = owner;
	}
}

static struct mk_machine_node *find_node(const struct mk_machine *m, int number)
{
	size_t i;

	for (i = 0; i < m->nr_nodes; i++)
		if (m->nodes[i].number == number)
			return &m->nodes[i];
	return NULL;
}

static void add_range(struct mk_machine *m, size_t owner, unsigned long long start,
		      unsigned long long size, int node)
{
	struct mk_machine_node *n = find_node(m, node);

	m->ranges = grow(m->ranges, m->nr_ranges, sizeof(*m->ranges));
	m->ranges[m->nr_ranges++] = (struct mk_machine_range){
		.start = start, .size = size, .node = node, .owner = owner,
	};
	m->owners[owner].memory += size;
	if (n && owner == MK_OWNER_QUARANTINE)
		n->lost += size;
	else if (n)
		n->lent += size;
}

/* Which node the blocks of memory hotplug say; the first if there are none. */
static int node_of(const struct mk_machine *m, unsigned long long pa)
{
	char *text = mk_sysfs_read("devices/system/memory/block_size_bytes");
	unsigned long long size = text ? strtoull(text, NULL, 16) : 0;
	size_t i;

	free(text);
	for (i = 0; size && i < m->nr_nodes; i++)
		if (mk_sysfs_exists(NODE_DIR "/node%d/memory%llu",
				    m->nodes[i].number, pa / size))
			return m->nodes[i].number;
	return m->nr_nodes ? m->nodes[0].number : 0;
}

static void read_quarantine(struct mk_machine *m, bool *has)
{
	char *text = word_or_empty(NULL, "pool/quarantine"), *rest = text, *line;
	unsigned long long pa, size;
	unsigned long cpu;

	memset(has, 0, MK_MACHINE_CPUS);
	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "memory %llx %llu", &pa, &size) == 2)
			add_range(m, MK_OWNER_QUARANTINE, pa, size, node_of(m, pa));
		else if (sscanf(line, "cpu %lu", &cpu) == 1 && cpu < MK_MACHINE_CPUS)
			has[cpu] = true;
	}
	free(text);
	own_cpus(m, MK_OWNER_QUARANTINE, has);
}

static void read_ranges(struct mk_machine *m, size_t owner)
{
	char *text = word_or_empty(m->owners[owner].name, "memory.map");
	char *rest = text, *line;
	unsigned long long start, end;
	int node;

	while ((line = strsep(&rest, "\n")))
		if (sscanf(line, "%llx-%llx node%9d", &start, &end, &node) == 3 &&
		    end > start)
			add_range(m, owner, start, end - start, node);
	free(text);
}

static void read_what_is_owned(struct mk_machine *m)
{
	bool *has = calloc(MK_MACHINE_CPUS, sizeof(*has));
	size_t i;

	if (!has)
		mk_error_out_of_memory();
	read_quarantine(m, has);
	for (i = MK_OWNER_FIRST; i < m->nr_owners; i++) {
		take_list(mk_file_word(m->owners[i].name, "cpus"), has);
		own_cpus(m, i, has);
		read_ranges(m, i);
	}
	take_list(mk_file_word(NULL, "pool/cpus"), has);
	own_cpus(m, MK_OWNER_POOL, has);
	for (i = 0; i < m->nr_cpus; i++)
		has[i] = m->cpus[i].online;
	own_cpus(m, MK_OWNER_HOST, has);
	free(has);
	for (i = 0; i < m->nr_cpus; i++)
		if (m->cpus[i].present)
			m->owners[m->cpus[i].owner].cpus++;
}

static unsigned long long less(unsigned long long from, unsigned long long what)
{
	return from > what ? from - what : 0;
}

/*
 * What the host could give is told for all nodes at once. It is shared out
 * like what is free on each, which says no word of caches that could go.
 */
static void share_pool(struct mk_machine *m)
{
	char *text = word_or_empty(NULL, "pool/memory");
	unsigned long long pool = mk_text_bytes(text), all = 0, rest;
	size_t i;

	free(text);
	for (i = 0; i < m->nr_nodes; i++)
		all += m->nodes[i].free;
	for (i = 0; i < m->nr_nodes; i++) {
		struct mk_machine_node *n = &m->nodes[i];

		rest = less(less(n->memory, n->lent), n->lost);
		n->pool = all ? (__uint128_t)pool * n->free / all : 0;
		if (n->pool > rest)
			n->pool = rest;
		n->host = rest - n->pool;
		m->owners[MK_OWNER_HOST].memory += n->host;
		m->owners[MK_OWNER_POOL].memory += n->pool;
	}
}

static int by_start(const void *a, const void *b)
{
	const struct mk_machine_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* What there is at this moment; mk_machine_free() frees it. */
void mk_machine_read(struct mk_machine *m)
{
	memset(m, 0, sizeof(*m));
	read_owners(m);
	read_present(m);
	read_sockets(m);
	read_nodes(m);
	guess_sockets(m);
	read_what_is_owned(m);
	share_pool(m);
	if (m->nr_ranges)
		qsort(m->ranges, m->nr_ranges, sizeof(*m->ranges), by_start);
}

void mk_machine_free(struct mk_machine *m)
{
	size_t i;

	for (i = 0; i < m->nr_owners; i++) {
		free(m->owners[i].name);
		free(m->owners[i].state);
	}
	free(m->owners);
	free(m->cpus);
	free(m->nodes);
	free(m->ranges);
}

/* How many CPUs there are. */
unsigned int mk_machine_count(const struct mk_machine *m)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < m->nr_cpus; i++)
		n += m->cpus[i].present;
	return n;
}

unsigned long long mk_machine_memory(const struct mk_machine *m)
{
	unsigned long long bytes = 0;
	size_t i;

	for (i = 0; i < m->nr_nodes; i++)
		bytes += m->nodes[i].memory;
	return bytes;
}
