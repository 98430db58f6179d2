// SPDX-License-Identifier: GPL-2.0
/*
 * frames [RUNS [SEED]]: requests for commands, as mkagent takes them, without a kernel: the
 * agent is a child of this process, and a socket of two ends leads there.
 *
 * First what is to come of good and of bad ones; then RUNS that are damaged. Each has to be
 * answered, by a command that ends or by a refusal, and the sanitizers watch the memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

#define LIMIT_S		60	/* whoever takes longer never ends */

struct request {
	struct mk_frame_exec head;
	char text[8192];
};

struct wanted {
	bool plain;		/* --allow */
	uint32_t flags;
	const char *dir;
	const char *words[4];
	const char *env[4];
	uint32_t more_env;	/* so many of the same */
	const char *answer;	/* output, or what is in a refusal */
};

#define SHELL(text)	{ "/bin/sh", "-c", text }
#define NOT_UNDERSTOOD	"does not understand"
#define NOT_ALLOWED	"takes no variables and no directory"

static const struct wanted wanted[] = {
	{ .words = SHELL("echo $A-$B; pwd"), .env = { "A=1", "B=x=y" }, .answer = "1-x=y\n/\n" },
	{ .words = SHELL("echo $A"), .env = { "A=1", "A=2" }, .answer = "2\n" },
	{ .words = SHELL("echo ${A-none}"), .env = { "A=" }, .answer = "\n" },
	{ .dir = "/proc", .words = SHELL("pwd"), .answer = "/proc\n" },
	{ .dir = "/no/dir", .words = SHELL("pwd"), .answer = "/no/dir: No such file" },
	{ .words = { "sh" }, .env = { "PATH=/no/dir" }, .answer = "sh: No such file" },
	{ .words = SHELL("echo"), .env = { "A=1", "=1" }, .answer = NOT_UNDERSTOOD },
	{ .words = SHELL("echo"), .env = { "A" }, .answer = NOT_UNDERSTOOD },
	{ .words = SHELL("echo"), .env = { "" }, .answer = NOT_UNDERSTOOD },
	{ .words = SHELL("echo $A"), .more_env = MK_EXEC_WORDS_MAX, .answer = "more\n" },
	{ .words = SHELL("echo"), .more_env = MK_EXEC_WORDS_MAX + 1, .answer = NOT_UNDERSTOOD },
	{ .words = { NULL }, .answer = NOT_UNDERSTOOD },
	{ .flags = 2, .words = SHELL("echo"), .answer = NOT_UNDERSTOOD },
	{ .plain = true, .words = SHELL("echo ${A-none}"), .answer = "none\n" },
	{ .plain = true, .words = SHELL("echo"), .env = { "A=1" }, .answer = NOT_ALLOWED },
	{ .plain = true, .words = SHELL("echo"), .env = { "TERM=x" }, .answer = NOT_ALLOWED },
	{ .plain = true, .dir = "/", .words = SHELL("echo"), .answer = NOT_ALLOWED },
	{ .plain = true, .flags = MK_EXEC_TTY, .words = SHELL("echo $TERM"),
	  .env = { "TERM=x" }, .answer = "x\r\n" },
	{ .plain = true, .flags = MK_EXEC_TTY, .words = SHELL("echo"),
	  .env = { "TERM=x", "A=1" }, .answer = NOT_ALLOWED },
	{ .plain = true, .flags = MK_EXEC_TTY, .words = SHELL("echo"),
	  .env = { "TERMINFO=/tmp" }, .answer = NOT_ALLOWED },
};

static unsigned long seed;

static unsigned long below(unsigned long n)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (seed >> 33) % n;
}

static size_t append(struct request *r, size_t len, const char *text)
{
	return len + sprintf(r->text + len, "%s", text) + 1;
}

/* How many bytes it has */
static size_t make(struct request *r, const struct wanted *w)
{
	size_t len = append(r, 0, w->dir ? w->dir : "");
	uint32_t i;

	r->head = (struct mk_frame_exec){ .version = MK_FRAME_VERSION, .flags = w->flags };
	for (; w->words[r->head.args]; r->head.args++)
		len = append(r, len, w->words[r->head.args]);
	for (; w->env[r->head.env]; r->head.env++)
		len = append(r, len, w->env[r->head.env]);
	for (i = 0; i < w->more_env; i++)
		len = append(r, len, "A=more");
	r->head.env += w->more_env;
	return sizeof(r->head) + len;
}

/* As the agent does for each connection */
static void serve(int fd, bool plain)
{
	static struct mk_frames in;
	struct mk_frame req;

	if (mk_frame_wait(&in, fd, &req) != 1 || req.type != MK_FRAME_EXEC)
		_exit(2);
	agent_exec(fd, &in, &req, plain);
	_exit(0);
}

/* False if it goes on */
static bool take(const struct mk_frame *f, char *answer, size_t size)
{
	size_t len = strlen(answer);

	if (f->type == MK_FRAME_OUT)
		snprintf(answer + len, size - len, "%s", f->data);
	if (f->type == MK_FRAME_FAIL)
		snprintf(answer, size, "%s", f->data + sizeof(uint32_t));
	return f->type == MK_FRAME_EXIT || f->type == MK_FRAME_FAIL;
}

/* Whether there was an answer, and the agent has ended well */
static bool ask(const struct request *r, size_t len, bool plain, char *answer, size_t size)
{
	static struct mk_frames in;
	struct mk_frame f;
	bool over = false;
	int fds[2], status;
	pid_t pid;

	*answer = '\0';
	in.start = 0;
	in.used = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return false;
	pid = fork();
	if (!pid) {
		close(fds[0]);
		alarm(LIMIT_S);
		serve(fds[1], plain);
	}
	close(fds[1]);
	mk_frame_send(fds[0], MK_FRAME_EXEC, r, len);
	mk_frame_send(fds[0], MK_FRAME_END, NULL, 0);
	while (!over && mk_frame_wait(&in, fds[0], &f) == 1)
		over = take(&f, answer, size);
	close(fds[0]);
	return waitpid(pid, &status, 0) == pid && !status && over;
}

static bool is_as_wanted(const struct wanted *w)
{
	struct request r;
	char answer[512];
	size_t len = make(&r, w);

	if (ask(&r, len, w->plain, answer, sizeof(answer)) && strstr(answer, w->answer))
		return true;
	fprintf(stderr, "frames: wanted '%s', got '%s'\n", w->answer, answer);
	return false;
}

/* Any byte but those of the path of the command, so that none is run but that */
static size_t damage(struct request *r, size_t len)
{
	static const char bytes[] = { 0, 1, 2, 4, 'A', '=', '/', 0x7f, -1 };
	size_t first = sizeof(r->head) + 2 + strlen("/bin/true");
	size_t at = below(sizeof(r->head));

	if (below(2) && len > first)
		at = first + below(len - first);
	if (!below(4))
		return below(len + 1);
	((char *)r)[at] = bytes[below(sizeof(bytes))];
	return len;
}

static bool survives(unsigned long number)
{
	static const struct wanted good = {
		.dir = "/", .words = { "/bin/true", "x" }, .env = { "A=1", "B=2" },
	};
	struct request r;
	char answer[512];
	size_t len = make(&r, &good), n;

	for (n = below(4); n; n--)
		len = damage(&r, len);
	if (ask(&r, len, below(2), answer, sizeof(answer)))
		return true;
	fprintf(stderr, "frames: no answer to number %lu\n", number);
	return false;
}

int main(int argc, char **argv)
{
	unsigned long i, runs = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	bool ok = true;

	seed = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		ok &= is_as_wanted(&wanted[i]);
	for (i = 0; i < runs && ok; i++)
		ok = survives(i);
	return ok ? 0 : 1;
}
