/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine as map and top see it: who owns which CPUs and which memory.
 */
#ifndef MK_MACHINE_H
#define MK_MACHINE_H

#include "mkctl.h"

/* The compiler checks the arguments like those of fprintf() */
#define MK_LIKE_FPRINTF	__format__(__printf__, 2, 3)

#define MK_MACHINE_CPUS		8192	/* as many as a kernel can be built for */
#define MK_MACHINE_NODES	1024

/* Owners; the numbers from MK_OWNER_FIRST on are instances. */
enum mk_owner_number {
	MK_OWNER_HOST,
	MK_OWNER_POOL,		/* the host's, which would give it */
	MK_OWNER_QUARANTINE,
	MK_OWNER_OFFLINE,	/* nobody's: the host has it, and does not use it */
	MK_OWNER_FIRST,
};

struct mk_owner {
	char letter;
	char *name;
	char *state;
	unsigned int cpus;
	unsigned long long memory;
};

/* A CPU that is there; -1 is a socket or a node that nobody knows. */
struct mk_machine_cpu {
	bool present;
	bool online;
	int socket;
	int node;
	size_t owner;
};

struct mk_machine_range {
	unsigned long long start, size;
	int node;
	size_t owner;
};

struct mk_machine_node {
	int number;
	unsigned long long memory, free;
	unsigned long long host, pool, lent, lost;
};

struct mk_machine {
	struct mk_owner *owners;
	size_t nr_owners;
	struct mk_machine_cpu *cpus;	/* by their numbers */
	size_t nr_cpus;			/* one more than the highest number */
	struct mk_machine_node *nodes;
	size_t nr_nodes;
	struct mk_machine_range *ranges;
	size_t nr_ranges;
};

/* machine.c */
void mk_machine_read(struct mk_machine *m);
void mk_machine_free(struct mk_machine *m);
unsigned int mk_machine_count(const struct mk_machine *m);
unsigned long long mk_machine_memory(const struct mk_machine *m);

/* draw.c: lines of text and coloured cells, as wide as is wanted */
struct mk_draw {
	FILE *out;
	int width;
	int column;
	bool colour;
	bool utf8;
	bool frame;
};

void mk_draw_init(struct mk_draw *d, FILE *out);
int mk_draw_colour(struct mk_draw *d, const char *when);
void mk_draw_open(struct mk_draw *d, const char *title);
void mk_draw_close(struct mk_draw *d);
void mk_draw_begin(struct mk_draw *d);
void mk_draw_end(struct mk_draw *d);
int mk_draw_room(const struct mk_draw *d);
void __attribute__((MK_LIKE_FPRINTF))
mk_draw_text(struct mk_draw *d, const char *fmt, ...);
void mk_draw_cells(struct mk_draw *d, const struct mk_machine *m, size_t owner,
		   int n);
void mk_draw_bar(struct mk_draw *d, const struct mk_machine *m,
		 const struct mk_machine_node *node);
void mk_draw_summary(struct mk_draw *d, const struct mk_machine *m);

/* screen.c: a terminal that is drawn anew again and again */
enum mk_screen_event {
	MK_SCREEN_TIME,		/* the time is over */
	MK_SCREEN_REDRAW,
	MK_SCREEN_QUIT,
};

int mk_screen_enter(void);
void mk_screen_leave(void);
void mk_screen_show(const char *text);
enum mk_screen_event mk_screen_wait(long long deadline);

/* sysfs.c: what the host's own files say */
char *__attribute__((MK_LIKE_PRINTF)) mk_sysfs_read(const char *fmt, ...);
bool __attribute__((MK_LIKE_PRINTF)) mk_sysfs_exists(const char *fmt, ...);
char *mk_sysfs_proc(const char *file);
unsigned long long mk_sysfs_meminfo(const char *text, const char *key);
size_t mk_sysfs_numbers(const char *dir, const char *prefix, unsigned int **numbers);

#endif /* MK_MACHINE_H */
