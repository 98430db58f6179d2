// SPDX-License-Identifier: GPL-2.0
/*
 * mkagent: a command. Its input comes from the host and its output goes there; on a
 * terminal of its own, or on pipes.
 *
 * It is over when the command is, even if others still hold its output. When the host goes
 * away first, the command and what it has left in its session hears SIGHUP, and SIGKILL
 * if it does not listen.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

/* So often its output is looked at when it has exited: more than is left of it, unless
 * others go on
 */
#define LAST_TURNS	64

/* How long a command may take to end after SIGHUP, in steps of 10 ms */
#define HANGUP_STEPS	200

struct command {
	int sock;
	pid_t pid;
	int in;			/* -1: closed, or not to be written to any more */
	int out;		/* the terminal, or a pipe; -1: at its end */
	int err;		/* -1 with a terminal, too */
	bool tty;
	bool in_ends;		/* behind what is pending */
	bool sock_open;
	bool exited;
	unsigned int turns;	/* since it has exited */
	uint32_t status;
	size_t pending;		/* input that has not gone down yet */
	char input[MK_FRAME_MAX];
};

struct words {
	struct mk_frame_exec head;
	const char *dir;
	char *argv[MK_EXEC_WORDS_MAX + 1];
	char *env[MK_EXEC_WORDS_MAX + 1];
};

/* Why there is no command */
struct failure {
	int err;		/* 0 if there is one */
	bool dir;		/* it was where it should run */
};

/* The next string, or NULL */
static char *take_string(char **pos, char *end)
{
	char *s = *pos, *nul = memchr(s, '\0', end - s);

	if (!nul)
		return NULL;
	*pos = nul + 1;
	return s;
}

static bool take_strings(char **to, uint32_t count, char **pos, char *end)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		to[i] = take_string(pos, end);
		if (!to[i])
			return false;
	}
	to[i] = NULL;
	return true;
}

/* Each has a name */
static bool is_env(const struct words *w)
{
	uint32_t i;

	for (i = 0; i < w->head.env; i++)
		if (*w->env[i] == '=' || !strchr(w->env[i], '='))
			return false;
	return true;
}

/* The strings stay in the frame */
static bool parse(struct words *w, const struct mk_frame *req)
{
	char *pos = req->data + sizeof(w->head), *end = req->data + req->len;

	if (req->len < sizeof(w->head))
		return false;
	memcpy(&w->head, req->data, sizeof(w->head));
	if (w->head.version != MK_FRAME_VERSION || (w->head.flags & ~MK_EXEC_TTY) ||
	    !w->head.args || w->head.args > MK_EXEC_WORDS_MAX ||
	    w->head.env > MK_EXEC_WORDS_MAX)
		return false;
	w->dir = take_string(&pos, end);
	return w->dir && take_strings(w->argv, w->head.args, &pos, end) &&
	       take_strings(w->env, w->head.env, &pos, end) && pos == end && is_env(w);
}

/* Nothing but what a command on a terminal can't do without */
static bool is_plain(const struct words *w)
{
	bool term = w->head.env == 1 && (w->head.flags & MK_EXEC_TTY) &&
		    !strncmp(w->env[0], "TERM=", 5);

	return !*w->dir && (!w->head.env || term);
}

/* In the child. What goes wrong is told by a pipe that a good exec closes */
static void become(const struct words *w, int tell)
{
	struct failure f = { 0 };
	uint32_t i;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (!getenv("PATH"))
		setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	if (!getenv("HOME"))
		setenv("HOME", "/root", 1);
	for (i = 0; i < w->head.env; i++)
		putenv(w->env[i]);
	f.dir = chdir(*w->dir ? w->dir : "/");
	if (!f.dir)
		execvp(w->argv[0], w->argv);
	f.err = errno;
	if (write(tell, &f, sizeof(f)) < 0)
		_exit(126);
	_exit(127);
}

static pid_t start_on_terminal(struct command *c, const struct words *w, int tell)
{
	struct winsize size = {
		.ws_row = w->head.size.rows,
		.ws_col = w->head.size.columns,
	};
	pid_t pid = forkpty(&c->out, NULL, NULL, &size);

	if (!pid)
		become(w, tell);
	if (pid > 0)
		c->in = dup(c->out);
	return pid;
}

static pid_t start_on_pipes(struct command *c, const struct words *w, int tell)
{
	int in[2], out[2], err[2];
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		setsid();
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		become(w, tell);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	c->in = in[1];
	c->out = out[0];
	c->err = err[0];
	return pid;
}

static struct failure start(struct command *c, const struct words *w)
{
	struct failure f = { 0 };
	int tell[2];

	c->tty = w->head.flags & MK_EXEC_TTY;
	c->pid = -1;
	if (!pipe2(tell, O_CLOEXEC))
		c->pid = c->tty ? start_on_terminal(c, w, tell[1]) : start_on_pipes(c, w, tell[1]);
	if (c->pid < 0) {
		f.err = errno;
		return f;
	}
	close(tell[1]);
	if (read(tell[0], &f, sizeof(f)) == sizeof(f))
		waitpid(c->pid, NULL, 0);
	else
		f.err = 0;
	close(tell[0]);
	if (c->in >= 0)
		fcntl(c->in, F_SETFL, fcntl(c->in, F_GETFL) | O_NONBLOCK);
	return f;
}

static void close_input(struct command *c)
{
	/* A terminal has no end but a key for it */
	static const char end = 'D' & 0x1f;

	if (c->in < 0)
		return;
	if (c->tty && write(c->in, &end, 1) < 0)
		c->pending = 0;
	close(c->in);
	c->in = -1;
}

static void write_input(struct command *c)
{
	ssize_t n = 0;

	if (c->in >= 0 && c->pending) {
		n = write(c->in, c->input, c->pending);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			/* Nobody reads it any more */
			close(c->in);
			c->in = -1;
		}
	}
	if (n > 0) {
		c->pending -= n;
		memmove(c->input, c->input + n, c->pending);
	}
	if (c->in < 0)
		c->pending = 0;
	if (!c->pending && c->in_ends)
		close_input(c);
}

/* One frame of the host's; there is no input pending */
static bool take_frame(struct command *c, const struct mk_frame *f)
{
	struct mk_frame_size size;
	struct winsize win = { 0 };
	uint32_t sig;

	switch (f->type) {
	case MK_FRAME_DATA:
		memcpy(c->input, f->data, f->len);
		c->pending = f->len;
		write_input(c);
		return true;
	case MK_FRAME_END:
		c->in_ends = true;
		write_input(c);
		return true;
	case MK_FRAME_SIZE:
		if (f->len != sizeof(size))
			return false;
		memcpy(&size, f->data, sizeof(size));
		win.ws_row = size.rows;
		win.ws_col = size.columns;
		if (c->tty && c->out >= 0)
			ioctl(c->out, TIOCSWINSZ, &win);
		return true;
	case MK_FRAME_SIGNAL:
		if (f->len != sizeof(sig))
			return false;
		memcpy(&sig, f->data, sizeof(sig));
		if (sig && sig < NSIG && !c->exited)
			kill(-c->pid, sig);
		return true;
	default:
		return false;
	}
}

static void take_frames(struct command *c, struct mk_frames *in)
{
	struct mk_frame f;
	int ret = 1;

	while (c->sock_open && !c->pending && ret) {
		ret = mk_frame_next(in, &f);
		if (ret < 0 || (ret && !take_frame(c, &f)))
			c->sock_open = false;
	}
}

/* False at the end of it */
static bool copy_output(struct command *c, int fd, enum mk_frame_type type)
{
	char buf[MK_FRAME_MAX];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n > 0 && c->sock_open && mk_frame_send(c->sock, type, buf, n))
		c->sock_open = false;
	return n > 0;
}

static void copy_outputs(struct command *c, const struct pollfd *out, const struct pollfd *err)
{
	if (out->revents && !copy_output(c, c->out, MK_FRAME_OUT)) {
		close(c->out);
		c->out = -1;
	}
	if (err->revents && !copy_output(c, c->err, MK_FRAME_ERR)) {
		close(c->err);
		c->err = -1;
	}
}

/* One turn: false when all is said */
static bool turn(struct command *c, struct mk_frames *in, int child)
{
	struct pollfd fds[] = {
		{ .fd = c->sock, .events = c->pending ? POLLRDHUP : POLLIN },
		{ .fd = c->pending ? c->in : -1, .events = POLLOUT },
		{ .fd = c->out, .events = POLLIN },
		{ .fd = c->err, .events = POLLIN },
		{ .fd = c->exited ? -1 : child, .events = POLLIN },
	};
	int n = poll(fds, 5, c->exited ? 0 : -1);

	if (n < 0 && errno != EINTR)
		return false;
	if (c->exited && (n <= 0 || c->turns++ == LAST_TURNS))
		return false;
	if (fds[0].revents && (c->pending || mk_frame_fill(in, c->sock) <= 0))
		c->sock_open = false;
	if (fds[1].revents)
		write_input(c);
	take_frames(c, in);
	copy_outputs(c, &fds[2], &fds[3]);
	if (fds[4].revents && waitpid(c->pid, (int *)&c->status, WNOHANG) == c->pid)
		c->exited = true;
	return c->sock_open;
}

static void hang_up(struct command *c)
{
	int i;

	if (c->out >= 0)
		close(c->out);
	kill(-c->pid, SIGHUP);
	kill(-c->pid, SIGCONT);
	for (i = 0; i < HANGUP_STEPS && !c->exited; i++) {
		c->exited = waitpid(c->pid, NULL, WNOHANG) == c->pid;
		if (!c->exited)
			usleep(10000);
	}
	kill(-c->pid, SIGKILL);
}

static int watch_child(void)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*
 * agent_exec() - Serve a request for a command.
 * @in: what has come in behind it
 * @plain: variables and a directory are refused
 */
void agent_exec(int fd, struct mk_frames *in, const struct mk_frame *req, bool plain)
{
	static struct command c = { .in = -1, .out = -1, .err = -1 };
	static struct words w;
	/* Before the start, so that no end is missed */
	int child = watch_child();
	struct failure f;

	if (!parse(&w, req)) {
		agent_fail(fd, EPROTO, "a request that this agent does not understand");
		return;
	}
	if (plain && !is_plain(&w)) {
		agent_fail(fd, EPERM,
			   "an agent with --allow takes no variables and no directory");
		return;
	}
	f = start(&c, &w);
	if (f.err) {
		agent_fail(fd, f.err, f.dir ? w.dir : w.argv[0]);
		return;
	}
	c.sock = fd;
	c.sock_open = !mk_frame_send(fd, MK_FRAME_READY, NULL, 0);
	/* Some may have come with the request */
	take_frames(&c, in);
	while (turn(&c, in, child))
		;
	if (c.sock_open)
		mk_frame_send(fd, MK_FRAME_EXIT, &c.status, sizeof(c.status));
	else
		hang_up(&c);
}
