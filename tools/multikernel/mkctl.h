/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mkctl: a thin tool over the files of /sys/fs/multikernel and two system
 * calls. It keeps no state of its own; the kernel is the truth.
 *
 * A function's prefix names the file that it is in: mk_file_*() is in file.c.
 */
#ifndef MKCTL_H
#define MKCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#define MK_ROOT		"/sys/fs/multikernel"
#define MK_NAME_MAX	63	/* characters in the name of an instance */
#define MK_STATE_MAX	32	/* bytes for a word of the state file */
#define MK_FOREVER	(-1)	/* a time in ms that never runs out */

/*
 * The longest sleep without another look. A kernel that wakes its pollers
 * makes this superfluous; what it costs is one read a second.
 */
#define MK_LOOK_AGAIN_MS	1000

/* States in which no CPU of the instance runs its kernel */
#define MK_STATES_ENDED	"offline,loaded,crashed"

enum mk_exit {
	MK_OK = 0,
	MK_FAILED = 1,
	MK_USAGE = 2,
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* The compiler checks the arguments like those of printf() */
#define MK_LIKE_PRINTF	__format__(__printf__, 1, 2)

/* mkctl.c: the command table */
struct mk_command {
	const char *name;
	const char *args;
	const char *help;
	int (*run)(int argc, char **argv);
};

/* opts.c: command lines */
enum mk_opt_kind {
	MK_OPT_FLAG,		/* value is a bool */
	MK_OPT_TEXT,		/* value is a const char * */
	MK_OPT_TEXTS,		/* value is a struct mk_texts; may be given again */
	MK_OPT_MS,		/* value is an int, given in seconds, kept in ms */
	MK_OPT_COUNT,		/* value is an unsigned int above 0 */
};

struct mk_opt {
	const char *name;
	char letter;
	enum mk_opt_kind kind;
	void *value;
};

struct mk_texts {
	const char **text;
	size_t n;
};

void mk_opts_command(const struct mk_command *cmd);
int mk_opts_usage(const char *why, const char *what);
int mk_opts_parse(int argc, char **argv, const struct mk_opt *opts,
		  const char **pos, int min, int max);
int mk_opts_check_name(const char *name);
int mk_opts_parse_name(int argc, char **argv, const struct mk_opt *opts,
		       const char **name);

int mk_opts_parse_command(int argc, char **argv, const struct mk_opt *opts,
			  const char **first, char ***command);

/* file.c: the files of an instance */
const char *mk_file_root(void);
int mk_file_find(void);
int mk_file_init(void);
bool mk_file_name_ok(const char *name);
bool mk_file_exists(const char *name, const char *file);
int mk_file_open(const char *name, const char *file, int flags);
char *mk_file_read(const char *name, const char *file, size_t *len);
char *mk_file_read_all(int fd, size_t *len);
char *mk_file_trim(char *text);
char *mk_file_word(const char *name, const char *file);
int mk_file_write(const char *name, const char *file, const char *text);
int mk_file_mkdir(const char *name);
int mk_file_rmdir(const char *name);
size_t mk_file_list(char ***names);
void mk_file_list_free(char **names, size_t n);

/* error.c: what went wrong, and what to do about it */
int __attribute__((MK_LIKE_PRINTF)) mk_error(const char *fmt, ...);
int mk_error_op(const char *op, const char *name, int err);
noreturn void mk_error_out_of_memory(void);

/* wait.c: time, and changes of state */
struct mk_events {
	unsigned long long starts, stops, crashes, hangs, restarts, updates,
			   state_changes;
};

long long mk_wait_now(void);
long long mk_wait_deadline(int ms);
int mk_wait_left(long long deadline);
int mk_wait_state(const char *name, const char *states, int ms, char *state);
bool mk_wait_state_in(const char *state, const char *states);
int mk_wait_events(int fd, struct mk_events *events);
int mk_wait_watch(void);
void mk_wait_drain(int watch);

/* text.c: numbers and text for people and for programs */
struct mk_json {
	FILE *out;
	int depth;
	bool filled;
	bool one_line;
};

unsigned long long mk_text_bytes(const char *text);
void mk_text_size(char *buf, size_t size, unsigned long long bytes);
void mk_text_short(char *buf, size_t size, unsigned long long bytes);
void mk_text_ns(char *buf, size_t size, unsigned long long ns);
bool mk_text_pair(char **lines, char **key, char **value);
void mk_text_list(const char *text, bool *has, unsigned long max);
char *mk_text_list_of(const bool *has, unsigned long max);
char *mk_text_copy(const char *text);
void mk_text_clean(char *text);
void mk_text_json_open(struct mk_json *json, const char *key, char bracket);
void mk_text_json_close(struct mk_json *json, char bracket);
void mk_text_json_string(struct mk_json *json, const char *key, const char *s);
void mk_text_json_number(struct mk_json *json, const char *key,
			 unsigned long long n);
void mk_text_json_bool(struct mk_json *json, const char *key, bool value);

/* progress.c: a bar or a line where a person waits */
struct mk_progress {
	const char *title;
	unsigned long long total;	/* bytes */
	long long next_ms;
	bool drawn;
};

void mk_progress_at(struct mk_progress *bar, unsigned long long done);
void mk_progress_end(struct mk_progress *bar);
void __attribute__((MK_LIKE_PRINTF)) mk_progress_say(const char *fmt, ...);

/* terminal.c: the user's terminal */
bool mk_terminal_raw(void);
void mk_terminal_restore(void);
void mk_terminal_size(unsigned short *rows, unsigned short *columns);

/* What an instance owns: memory comes from the nodes of its CPUs, or those asked for */
struct mk_owned {
	const char *cpus;
	const char *numa;
	const char *memory;
};

/* life.c: create, set, start, stop, kill, rm, wait */
int mk_life_own(const char *name, const struct mk_owned *own);
int mk_life_boot(const char *name, int ms);
int mk_life_end(const char *name);
int mk_life_discard(const char *name);
int mk_life_create(int argc, char **argv);
int mk_life_set(int argc, char **argv);
int mk_life_move(int argc, char **argv);
int mk_life_start(int argc, char **argv);
int mk_life_stop(int argc, char **argv);
int mk_life_kill(int argc, char **argv);
int mk_life_rm(int argc, char **argv);
int mk_life_wait(int argc, char **argv);

/* ping.c and bench.c: what a message takes */
struct mk_ping {
	unsigned long long rounds, lost, min, median, max;
};

int mk_ping_measure(const char *op, const char *name, unsigned int count,
		    struct mk_ping *ping);
void mk_ping_json(struct mk_json *json, const struct mk_ping *ping);
int mk_ping(int argc, char **argv);
int mk_bench(int argc, char **argv);

/* load.c: images */
int mk_load_image(const char *name, const char *kernel, const char *initrd,
		  const char *cmdline);
int mk_load(int argc, char **argv);
int mk_load_unload(int argc, char **argv);

/* show.c: ps and inspect */
int mk_show_ps(int argc, char **argv);
int mk_show_inspect(int argc, char **argv);

/* console.c and logs.c: what an instance says */
int mk_console_attach(const char *name);
int mk_console(int argc, char **argv);
int mk_logs_follow(const char *name);
int mk_logs(int argc, char **argv);

/* map.c, top.c and events.c: the machine, and what changes */
int mk_map(int argc, char **argv);
int mk_top(int argc, char **argv);
int mk_events(int argc, char **argv);

/* check.c: is this machine fit? */
int mk_check(int argc, char **argv);

/* dump.c: the memory of the dead */
int mk_dump(int argc, char **argv);

/* vsock.c: to the agent of an instance */
struct mk_frame;

int mk_vsock_connect(const char *name, int ms);
int mk_vsock_say_fail(const char *name, struct mk_frame *frame);

/* exec.c, cp.c and forward.c: what the agent does */
struct mk_exec {
	bool input;		/* standard input goes there */
	bool tty;		/* on a terminal */
	const char *dir;	/* where to run, or NULL */
	struct mk_texts env;	/* NAME=VALUE, or NAME as it is here */
	int agent_ms;		/* how long to wait for the agent */
};

int mk_exec_run(const char *name, char *const *argv, const struct mk_exec *how);
int mk_exec(int argc, char **argv);
int mk_cp(int argc, char **argv);
int mk_forward(int argc, char **argv);

/* rootfs.c: a root file system without a disk */
char *mk_rootfs_build(const char *dir, const char *path);
void mk_rootfs_remove(const char *dir);
const char *mk_rootfs_cmdline(void);

/* guard.c: nothing is left half done */
#define MK_GUARD_FAILED	125	/* as docker has it, so that it is no command's */

int mk_guard_run(const char *name, int (*work)(void *arg), bool (*stays)(void *arg), void *arg);
int mk_guard_started(void);
const char *mk_guard_dir(void);

/* spec.c: what an instance is to be */
struct mk_spec {
	struct mk_owned own;
	const char *kernel, *initrd, *rootfs, *cmdline;
};

int mk_spec_check(const struct mk_spec *spec);
int mk_spec_read(struct mk_spec *spec, const char *path);
int mk_spec_start(const char *name, const struct mk_spec *spec, int ms);

/* run.c: all of it in one line; up.c: by a file */
int mk_run(int argc, char **argv);
int mk_up(int argc, char **argv);
int mk_down(int argc, char **argv);

/* update.c: another kernel behind the name */
int mk_update(int argc, char **argv);

#endif /* MKCTL_H */
