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
	MK_OPT_MS,		/* value is an int, given in seconds, kept in ms */
	MK_OPT_COUNT,		/* value is an unsigned int above 0 */
};

struct mk_opt {
	const char *name;
	char letter;
	enum mk_opt_kind kind;
	void *value;
};

void mk_opts_command(const struct mk_command *cmd);
int mk_opts_usage(const char *why, const char *what);
int mk_opts_parse(int argc, char **argv, const struct mk_opt *opts,
		  const char **pos, int min, int max);

/* file.c: the files of an instance */
int mk_file_init(void);
bool mk_file_name_ok(const char *name);
bool mk_file_exists(const char *name, const char *file);
int mk_file_open(const char *name, const char *file, int flags);
char *mk_file_read(const char *name, const char *file, size_t *len);
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
long long mk_wait_deadline(int ms);
int mk_wait_left(long long deadline);
int mk_wait_state(const char *name, const char *states, int ms, char *state);
bool mk_wait_state_in(const char *state, const char *states);

/* text.c: numbers and text for people and for programs */
struct mk_json {
	FILE *out;
	int depth;
	bool filled;
};

unsigned long long mk_text_bytes(const char *text);
void mk_text_size(char *buf, size_t size, unsigned long long bytes);
void mk_text_ns(char *buf, size_t size, unsigned long long ns);
bool mk_text_pair(char **lines, char **key, char **value);
void mk_text_clean(char *text);
void mk_text_json_open(struct mk_json *json, const char *key, char bracket);
void mk_text_json_close(struct mk_json *json, char bracket);
void mk_text_json_string(struct mk_json *json, const char *key, const char *s);
void mk_text_json_number(struct mk_json *json, const char *key,
			 unsigned long long n);

/* life.c: create, set, start, stop, kill, rm, wait, ping */
int mk_life_create(int argc, char **argv);
int mk_life_set(int argc, char **argv);
int mk_life_move(int argc, char **argv);
int mk_life_start(int argc, char **argv);
int mk_life_stop(int argc, char **argv);
int mk_life_kill(int argc, char **argv);
int mk_life_rm(int argc, char **argv);
int mk_life_wait(int argc, char **argv);
int mk_life_ping(int argc, char **argv);

/* load.c: images */
int mk_load(int argc, char **argv);
int mk_load_unload(int argc, char **argv);

/* show.c: ps and inspect */
int mk_show_ps(int argc, char **argv);
int mk_show_inspect(int argc, char **argv);

/* console.c and logs.c: what an instance says */
int mk_console(int argc, char **argv);
int mk_logs(int argc, char **argv);

#endif /* MKCTL_H */
