// SPDX-License-Identifier: GPL-2.0
/*
 * exec: a command inside of an instance, by its agent. Input, output and status are the
 * command's.
 *
 * Output is always read, also while input can't be written: otherwise the two sides could
 * wait for each other.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "mkctl.h"

/* As a shell says it, and docker */
#define EXEC_FAILED	125
#define EXEC_NO_EXEC	126
#define EXEC_NOT_FOUND	127

#define AGENT_MS	10000

struct session {
	const char *name;
	int fd;
	int signals;
	bool input;		/* stdin is still read */
	int status;		/* -1 until it is known */
	size_t pending;		/* bytes of @out that have not gone down */
	char out[sizeof(struct mk_frame_head) + MK_FRAME_MAX];
	struct mk_frames in;
};

/* What is asked for; nothing fits any more once it is too long */
struct request {
	struct mk_frame_exec head;
	size_t len;		/* of @text */
	bool too_long;
	char text[MK_FRAME_MAX - sizeof(struct mk_frame_exec)];
};

static void append(struct request *r, const char *text)
{
	size_t len = strlen(text) + 1;

	if (len > sizeof(r->text) - r->len) {
		r->too_long = true;
		return;
	}
	memcpy(r->text + r->len, text, len);
	r->len += len;
}

static void append_env(struct request *r, const char *name, const char *value)
{
	append(r, name);
	if (value && !r->too_long) {
		r->text[r->len - 1] = '=';
		append(r, value);
	}
	r->head.env++;
}

/* One that is not here is not there, as docker has it */
static void append_texts(struct request *r, const struct mk_texts *env)
{
	const char *value;
	size_t i;

	for (i = 0; i < env->n; i++) {
		value = strchr(env->text[i], '=') ? NULL : getenv(env->text[i]);
		if (value || strchr(env->text[i], '='))
			append_env(r, env->text[i], value);
	}
}

/* Before anybody is asked, so that what can't be starts nothing. 0, or -1 after it has spoken */
static int make_request(struct request *r, char *const *argv, const struct mk_exec *how)
{
	const char *term = getenv("TERM");

	r->head.version = MK_FRAME_VERSION;
	r->head.flags = how->tty ? MK_EXEC_TTY : 0;
	append(r, how->dir ? how->dir : "");
	for (; argv[r->head.args]; r->head.args++)
		append(r, argv[r->head.args]);
	if (how->tty)
		append_env(r, "TERM", term ? term : "linux");
	append_texts(r, &how->env);
	if (r->head.args > MK_EXEC_WORDS_MAX)
		mk_error("a command has %u words at most", MK_EXEC_WORDS_MAX);
	else if (r->head.env > MK_EXEC_WORDS_MAX)
		mk_error("there can be %u variables at most, that of -t included",
			 MK_EXEC_WORDS_MAX);
	else if (r->too_long)
		mk_error("too long: command, variables and directory have %zu bytes together",
			 sizeof(r->text));
	else
		return 0;
	return -1;
}

/* 0, or -1 with errno */
static int send_request(int fd, struct request *r)
{
	char buf[MK_FRAME_MAX];

	mk_terminal_size(&r->head.size.rows, &r->head.size.columns);
	memcpy(buf, &r->head, sizeof(r->head));
	memcpy(buf + sizeof(r->head), r->text, r->len);
	return mk_frame_send(fd, MK_FRAME_EXEC, buf, sizeof(r->head) + r->len);
}

/* There is room: nothing is pending */
static void put_frame(struct session *s, enum mk_frame_type type, const void *data, size_t len)
{
	struct mk_frame_head head = { .len = len, .type = type };

	memcpy(s->out, &head, sizeof(head));
	if (len)
		memcpy(s->out + sizeof(head), data, len);
	s->pending = sizeof(head) + len;
}

static void flush_frame(struct session *s)
{
	ssize_t n;

	if (!s->pending)
		return;
	n = send(s->fd, s->out, s->pending, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		/* What it has said is still to be read */
		s->input = false;
		s->pending = 0;
		return;
	}
	s->pending -= n;
	memmove(s->out, s->out + n, s->pending);
}

static void take_input(struct session *s)
{
	char buf[MK_FRAME_MAX];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0) {
		put_frame(s, MK_FRAME_DATA, buf, n);
	} else {
		s->input = false;
		put_frame(s, MK_FRAME_END, NULL, 0);
	}
}

static void take_signal(struct session *s)
{
	struct signalfd_siginfo info;
	struct mk_frame_size size;
	uint32_t sig;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return;
	sig = info.ssi_signo;
	if (sig == SIGWINCH) {
		mk_terminal_size(&size.rows, &size.columns);
		put_frame(s, MK_FRAME_SIZE, &size, sizeof(size));
	} else {
		put_frame(s, MK_FRAME_SIGNAL, &sig, sizeof(sig));
	}
}

static int status_of(const struct mk_frame *f)
{
	uint32_t status = 0;

	if (f->len != sizeof(status))
		return EXEC_FAILED;
	memcpy(&status, f->data, sizeof(status));
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void take_frame(struct session *s, struct mk_frame *f)
{
	int err;

	switch (f->type) {
	case MK_FRAME_READY:
		break;
	case MK_FRAME_OUT:
	case MK_FRAME_ERR:
		if (mk_frame_write(f->type == MK_FRAME_OUT ? STDOUT_FILENO : STDERR_FILENO,
				   f->data, f->len))
			s->status = EXEC_FAILED;
		break;
	case MK_FRAME_EXIT:
		s->status = status_of(f);
		break;
	case MK_FRAME_FAIL:
		err = mk_vsock_say_fail(s->name, f);
		s->status = err == ENOENT ? EXEC_NOT_FOUND :
			    err == EACCES || err == ENOEXEC ? EXEC_NO_EXEC : EXEC_FAILED;
		break;
	default:
		mk_error("the agent of %s says what makes no sense", s->name);
		s->status = EXEC_FAILED;
	}
}

static void take_frames(struct session *s)
{
	struct mk_frame f;
	int ret = mk_frame_fill(&s->in, s->fd);

	if (ret <= 0 && !(ret < 0 && (errno == EINTR || errno == EAGAIN))) {
		mk_error("%s has ended, or its agent has", s->name);
		s->status = EXEC_FAILED;
	}
	while (s->status < 0 && (ret = mk_frame_next(&s->in, &f)) > 0)
		take_frame(s, &f);
	if (ret < 0 && s->status < 0)
		s->status = EXEC_FAILED;
}

static void run(struct session *s)
{
	struct pollfd fds[3];

	while (s->status < 0) {
		fds[0] = (struct pollfd){
			.fd = s->fd,
			.events = POLLIN | (s->pending ? POLLOUT : 0),
		};
		fds[1] = (struct pollfd){
			.fd = s->input && !s->pending ? STDIN_FILENO : -1,
			.events = POLLIN,
		};
		fds[2] = (struct pollfd){
			.fd = s->pending ? -1 : s->signals,
			.events = POLLIN,
		};
		if (poll(fds, 3, MK_FOREVER) < 0)
			continue;
		if (fds[0].revents & ~POLLOUT)
			take_frames(s);
		if (fds[2].revents)
			take_signal(s);
		else if (fds[1].revents)
			take_input(s);
		flush_frame(s);
	}
}

/* The command's to have. On a terminal its keys go through, and only the size is left */
static int watch_signals(bool tty)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, tty ? SIGWINCH : SIGINT);
	if (!tty) {
		sigaddset(&set, SIGTERM);
		sigaddset(&set, SIGHUP);
		sigaddset(&set, SIGQUIT);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*
 * mk_exec_run() - Run a command in an instance.
 * @argv: its words, ended by NULL
 *
 * Return: its status as a shell has it, or EXEC_FAILED after it has said why.
 */
int mk_exec_run(const char *name, char *const *argv, const struct mk_exec *how)
{
	static struct session s;
	static struct request r;

	if (how->tty && !isatty(STDIN_FILENO)) {
		mk_error("-t wants a terminal, and standard input is none");
		return EXEC_FAILED;
	}
	if (make_request(&r, argv, how))
		return EXEC_FAILED;
	s = (struct session){ .name = name, .status = -1, .input = how->input };
	s.fd = mk_vsock_connect(name, how->agent_ms);
	if (s.fd < 0)
		return EXEC_FAILED;
	if (send_request(s.fd, &r)) {
		close(s.fd);
		mk_error("exec %s: %s", name, strerror(errno));
		return EXEC_FAILED;
	}
	s.signals = watch_signals(how->tty);
	if (how->tty && !mk_terminal_raw())
		s.status = EXEC_FAILED;
	/* Without -i there is no input, and the command is told so */
	if (!how->input)
		put_frame(&s, MK_FRAME_END, NULL, 0);
	run(&s);
	mk_terminal_restore();
	close(s.signals);
	close(s.fd);
	return s.status;
}

/* 0, or -1 after it has said what is wrong */
static int check(const struct mk_exec *how)
{
	size_t i;

	for (i = 0; i < how->env.n; i++) {
		if (!*how->env.text[i] || *how->env.text[i] == '=')
			return -mk_opts_usage("-e wants NAME=VALUE or NAME", how->env.text[i]);
	}
	if (how->dir && *how->dir != '/')
		return -mk_opts_usage("-w wants a path that begins with a slash", how->dir);
	return 0;
}

int mk_exec(int argc, char **argv)
{
	static struct mk_exec how = { .agent_ms = AGENT_MS };
	const struct mk_opt opts[] = {
		{ "interactive", 'i', MK_OPT_FLAG, &how.input },
		{ "tty", 't', MK_OPT_FLAG, &how.tty },
		{ "workdir", 'w', MK_OPT_TEXT, &how.dir },
		{ "env", 'e', MK_OPT_TEXTS, &how.env },
		{ "timeout", 0, MK_OPT_MS, &how.agent_ms },
		{ }
	};
	const char *name;
	char **command;

	if (mk_opts_parse_command(argc, argv, opts, &name, &command) || check(&how))
		return EXEC_FAILED;
	if (!*command) {
		mk_opts_usage("a command", NULL);
		return EXEC_FAILED;
	}
	if (mk_opts_check_name(name))
		return EXEC_FAILED;
	return mk_exec_run(name, command, &how);
}
