// SPDX-License-Identifier: GPL-2.0
/*
 * bench: what a message to an instance costs, beside what is well known.
 *
 * A time by itself says little about a machine that one does not know. So in
 * the same run, on the host alone, two processes on CPUs of their own wake
 * each other, by a futex and by pipes, and system calls are timed that do
 * nothing.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mkctl.h"

#define COUNT_DEFAULT	1000
#define COUNT_MAX	1000000	/* as many as the file nop takes */

/* One call is too short for the clock: as many are timed together */
#define CALLS		100

/* A partner that does not answer for so long is dead */
#define ANSWER_S	5

#define ROWS		4

struct row {
	const char *id;
	char what[128];
	struct mk_ping time;
};

struct bench {
	unsigned int count;
	unsigned long long *ns;
	int cpu[2];		/* where the two processes run; may be the same */
	struct row rows[ROWS];
	size_t nr;
};

/* How the two reach each other. */
struct partner {
	uint32_t *word;		/* 1: the other one's turn; 2: go home */
	int to[2], from[2];
	pid_t pid;
};

struct kind {
	const char *id;
	const char *text;
	int (*round)(struct partner *p);
	void (*answer)(struct partner *p);
};

static unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	const unsigned long long *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void sum_up(struct bench *b, struct mk_ping *time)
{
	qsort(b->ns, b->count, sizeof(*b->ns), by_size);
	time->rounds = b->count;
	time->min = b->ns[0];
	time->median = b->ns[b->count / 2];
	time->max = b->ns[b->count - 1];
}

static struct row *add_row(struct bench *b, const char *id)
{
	struct row *row = &b->rows[b->nr++];

	row->id = id;
	return row;
}

static long futex(uint32_t *word, int op, uint32_t value)
{
	const struct timespec limit = { .tv_sec = ANSWER_S };

	return syscall(SYS_futex, word, op, value, &limit, NULL, 0);
}

static void futex_set(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
	futex(word, FUTEX_WAKE, 1);
}

/* Sleeps while the word is @value; -1 if that lasts too long. */
static int futex_while(uint32_t *word, uint32_t value)
{
	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == value)
		if (futex(word, FUTEX_WAIT, value) && errno == ETIMEDOUT)
			return -1;
	return 0;
}

static int futex_round(struct partner *p)
{
	futex_set(p->word, 1);
	return futex_while(p->word, 1);
}

static void futex_answer(struct partner *p)
{
	while (__atomic_load_n(p->word, __ATOMIC_SEQ_CST) != 2) {
		if (futex_while(p->word, 0))
			return;
		if (__atomic_load_n(p->word, __ATOMIC_SEQ_CST) == 1)
			futex_set(p->word, 0);
	}
}

static int pipe_round(struct partner *p)
{
	char byte = 0;

	return write(p->to[1], &byte, 1) == 1 && read(p->from[0], &byte, 1) == 1 ? 0 : -1;
}

static void pipe_answer(struct partner *p)
{
	char byte;

	while (read(p->to[0], &byte, 1) == 1)
		if (write(p->from[1], &byte, 1) != 1)
			return;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* The other process. It ends with us, whatever becomes of us. */
static pid_t start_partner(struct partner *p, const struct kind *kind, int cpu)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(p->to[1]);
	close(p->from[0]);
	pin(cpu);
	kind->answer(p);
	_exit(0);
}

static int open_partner(struct partner *p)
{
	p->word = mmap(NULL, sizeof(*p->word), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->word == MAP_FAILED)
		return -1;
	if (pipe(p->to))
		return -1;
	return pipe(p->from);
}

static void end_partner(struct partner *p)
{
	close(p->to[1]);
	close(p->from[0]);
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	munmap(p->word, sizeof(*p->word));
}

static int run_rounds(struct bench *b, struct partner *p, const struct kind *kind)
{
	unsigned long long start;
	unsigned int i;

	/* The first one waits until the partner is there */
	if (kind->round(p))
		return -1;
	for (i = 0; i < b->count; i++) {
		start = now_ns();
		if (kind->round(p))
			return -1;
		b->ns[i] = now_ns() - start;
	}
	return 0;
}

static int bench_wakes(struct bench *b, const struct kind *kind)
{
	struct row *row = add_row(b, kind->id);
	struct partner p = { };
	int ret;

	snprintf(row->what, sizeof(row->what), "%s, CPU %d and %d", kind->text,
		 b->cpu[0], b->cpu[1]);
	if (open_partner(&p))
		return mk_error("bench: %s", strerror(errno));
	p.pid = start_partner(&p, kind, b->cpu[1]);
	if (p.pid < 0)
		return mk_error("bench: cannot start a process: %s", strerror(errno));
	close(p.to[0]);
	close(p.from[1]);
	ret = run_rounds(b, &p, kind);
	end_partner(&p);
	if (ret)
		return mk_error("bench: the other process does not answer: %s", kind->text);
	sum_up(b, &row->time);
	return MK_OK;
}

static void bench_calls(struct bench *b)
{
	struct row *row = add_row(b, "getppid");
	unsigned long long start;
	unsigned int i, k;

	snprintf(row->what, sizeof(row->what), "getppid(), CPU %d", b->cpu[0]);
	for (i = 0; i < b->count; i++) {
		start = now_ns();
		for (k = 0; k < CALLS; k++)
			syscall(SYS_getppid);
		b->ns[i] = (now_ns() - start) / CALLS;
	}
	sum_up(b, &row->time);
}

/* The first two CPUs on which we may run; one has to do if there is no other. */
static void choose_cpus(struct bench *b)
{
	cpu_set_t set;
	int cpu, n = 0;

	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	for (cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			b->cpu[n++] = cpu;
	if (n == 1)
		b->cpu[1] = b->cpu[0];
}

/* The references run behind the instance, where the first process is pinned. */
static int run_all(struct bench *b, const char *name)
{
	static const struct kind kinds[] = {
		{ "futex", "two processes, futex", futex_round, futex_answer },
		{ "pipe", "two processes, pipes", pipe_round, pipe_answer },
	};
	struct row *row = add_row(b, "instance");
	int ret = mk_ping_measure("bench", name, b->count, &row->time);
	size_t i;

	snprintf(row->what, sizeof(row->what), "message to %s", name);
	if (ret)
		return ret;
	choose_cpus(b);
	pin(b->cpu[0]);
	for (i = 0; i < ARRAY_SIZE(kinds) && !ret; i++)
		ret = bench_wakes(b, &kinds[i]);
	if (!ret)
		bench_calls(b);
	return ret;
}

/* In hundredths of the instance's median; 0 if there is none. */
static unsigned long long ratio(const struct bench *b, const struct row *row)
{
	unsigned long long base = b->rows[0].time.median;

	return base ? (__uint128_t)row->time.median * 100 / base : 0;
}

static void print_notes(const struct bench *b, const char *name)
{
	printf("\nmessage: the host's kernel sends one to %s and waits for the answer,\n", name);
	printf("  %llu times one after the other, %llu lost; timed in the kernel.\n",
	       b->rows[0].time.rounds, b->rows[0].time.lost);
	printf("two processes: one wakes the other and sleeps until it is woken by it;\n");
	printf("  timed there and back, with the system calls%s.\n",
	       b->cpu[0] == b->cpu[1] ?
	       ", on one CPU, as the host has no second one here" : "");
	printf("getppid(): the mean of %d calls in a row is one round.\n", CALLS);
	puts("ratio: the median beside that of the message.");
}

static void print(const struct bench *b, const char *name)
{
	char min[32], median[32], max[32];
	int width = 15, len;
	size_t i;

	for (i = 0; i < b->nr; i++) {
		len = strlen(b->rows[i].what);
		if (len > width)
			width = len;
	}
	printf("%-*s  %7s  %9s  %9s  %9s  %6s\n", width, "THERE AND BACK", "ROUNDS",
	       "MIN", "MEDIAN", "MAX", "RATIO");
	for (i = 0; i < b->nr; i++) {
		const struct row *row = &b->rows[i];

		mk_text_ns(min, sizeof(min), row->time.min);
		mk_text_ns(median, sizeof(median), row->time.median);
		mk_text_ns(max, sizeof(max), row->time.max);
		printf("%-*s  %7llu  %9s  %9s  %9s  %3llu.%02llu\n", width, row->what,
		       row->time.rounds, min, median, max, ratio(b, row) / 100,
		       ratio(b, row) % 100);
	}
	print_notes(b, name);
}

static void print_json(const struct bench *b, const char *name)
{
	struct mk_json json = { .out = stdout };
	size_t i;

	mk_text_json_open(&json, NULL, '{');
	mk_text_json_string(&json, "name", name);
	mk_text_json_open(&json, "results", '[');
	for (i = 0; i < b->nr; i++) {
		mk_text_json_open(&json, NULL, '{');
		mk_text_json_string(&json, "id", b->rows[i].id);
		mk_text_json_string(&json, "what", b->rows[i].what);
		mk_ping_json(&json, &b->rows[i].time);
		mk_text_json_number(&json, "ratio_percent", ratio(b, &b->rows[i]));
		mk_text_json_close(&json, '}');
	}
	mk_text_json_close(&json, ']');
	mk_text_json_close(&json, '}');
}

int mk_bench(int argc, char **argv)
{
	struct bench b = { .count = COUNT_DEFAULT };
	bool json = false;
	const struct mk_opt opts[] = {
		{ "count", 'c', MK_OPT_COUNT, &b.count },
		{ "json", 'j', MK_OPT_FLAG, &json },
		{ }
	};
	const char *name;
	int ret = mk_opts_parse_name(argc, argv, opts, &name);

	if (ret)
		return ret;
	if (b.count > COUNT_MAX)
		return mk_opts_usage("a count is 1000000 at most", NULL);
	b.ns = calloc(b.count, sizeof(*b.ns));
	if (!b.ns)
		mk_error_out_of_memory();
	signal(SIGPIPE, SIG_IGN);
	ret = run_all(&b, name);
	free(b.ns);
	if (ret)
		return ret;
	signal(SIGPIPE, SIG_DFL);
	if (json)
		print_json(&b, name);
	else
		print(&b, name);
	return b.rows[0].time.lost || b.rows[0].time.rounds != b.count ?
	       MK_FAILED : MK_OK;
}
