// SPDX-License-Identifier: GPL-2.0
/*
 * mkagent: what mkctl exec and mkctl cp speak to inside of an instance.
 *
 * It listens on a port of vsock(7) for the host, and serves each connection by a process
 * of its own. It listens to nobody else: the host is known by its context id, and root there
 * by a port below 1024. What it does is what it is asked, with the rights that it
 * runs with; --allow makes that less.
 *
 * With --init it is the first process of a root file system that has not been made for
 * that; see agent_init.c.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

#include "agent.h"

#define SESSIONS_MAX	64

/* The last port that only root can bind to */
#define PORT_RESERVED	1023

static const struct {
	const char *word;
	enum mk_frame_type type;
} requests[] = {
	{ "exec", MK_FRAME_EXEC },
	{ "put", MK_FRAME_PUT },
	{ "get", MK_FRAME_GET },
	{ "connect", MK_FRAME_CONNECT },
};

static unsigned int allowed = ~0u;

static void say_usage(FILE *out)
{
	fputs("usage: mkagent [--allow exec,put,get,connect] [--init [PROGRAM [ARGUMENTS]]]\n"
	      "\n"
	      "Serves 'mkctl exec' and 'mkctl cp' of the host, in an instance of multikernel.\n"
	      "  --allow LIST  what it does of that; all if not given. Commands get neither\n"
	      "                variables nor a directory by the host then\n"
	      "  --init        be the first process: mount what is missing, serve, and become\n"
	      "                PROGRAM, or /sbin/init, or stay if there is none\n"
	      "  --poweroff    ask the first process, if it is mkagent, to end the instance\n",
	      out);
}

static int parse_allow(char *list)
{
	char *word;
	size_t i;

	allowed = 0;
	while ((word = strsep(&list, ","))) {
		for (i = 0; i < ARRAY_SIZE(requests); i++)
			if (!strcmp(word, requests[i].word))
				break;
		if (i == ARRAY_SIZE(requests)) {
			fprintf(stderr, "mkagent: '%s' is none of exec, put, get, connect\n",
				word);
			return -1;
		}
		allowed |= 1u << requests[i].type;
	}
	return 0;
}

/*
 * agent_fail() - Tell the host why a request came to nothing.
 * @err: an errno
 * @what: what could not be done, or NULL
 */
void agent_fail(int fd, int err, const char *what)
{
	char buf[1024];
	uint32_t code = err;
	int n;

	memcpy(buf, &code, sizeof(code));
	n = snprintf(buf + sizeof(code), sizeof(buf) - sizeof(code), "%s%s%s", what ? what : "",
		     what ? ": " : "", strerror(err));
	if (n > (int)(sizeof(buf) - sizeof(code) - 1))
		n = sizeof(buf) - sizeof(code) - 1;
	mk_frame_send(fd, MK_FRAME_FAIL, buf, sizeof(code) + n);
}

static void serve(int fd)
{
	static struct mk_frames in;
	struct mk_frame req;

	if (mk_frame_wait(&in, fd, &req) != 1)
		return;
	if (req.type >= 32 || !(allowed & (1u << req.type))) {
		agent_fail(fd, EPERM, "the agent does not do that here");
		return;
	}
	switch (req.type) {
	case MK_FRAME_EXEC:
		agent_exec(fd, &in, &req, allowed != ~0u);
		break;
	case MK_FRAME_PUT:
		agent_put(fd, &in, &req);
		break;
	case MK_FRAME_GET:
		agent_get(fd, &req);
		break;
	case MK_FRAME_CONNECT:
		agent_connect(fd, &in, &req);
		break;
	default:
		agent_fail(fd, EOPNOTSUPP, "the agent knows no such request");
	}
}

static int listen_vsock(void)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = MK_AGENT_PORT,
	};
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 16)) {
		fprintf(stderr, "mkagent: vsock: %s\n", strerror(errno));
		return -1;
	}
	return fd;
}

/* The host, and root there */
static bool is_host(const struct sockaddr_vm *addr)
{
	return addr->svm_family == AF_VSOCK && addr->svm_cid == MK_CID_HOST &&
	       addr->svm_port <= PORT_RESERVED;
}

/* Only so that accept() returns */
static void on_child(int sig)
{
	(void)sig;
}

static void reap(unsigned int *sessions, bool wait)
{
	while (*sessions && waitpid(-1, NULL, wait ? 0 : WNOHANG) > 0) {
		--*sessions;
		wait = false;
	}
}

/*
 * agent_listen() - Serve until something goes wrong with the socket itself.
 *
 * Return: an exit status.
 */
int agent_listen(void)
{
	unsigned int sessions = 0;
	struct sockaddr_vm addr;
	socklen_t len;
	const struct sigaction child = { .sa_handler = on_child };
	int listener = listen_vsock(), fd;

	if (listener < 0)
		return EXIT_FAILURE;
	sigaction(SIGCHLD, &child, NULL);
	for (;;) {
		len = sizeof(addr);
		fd = accept4(listener, (struct sockaddr *)&addr, &len, SOCK_CLOEXEC);
		reap(&sessions, sessions == SESSIONS_MAX);
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED || errno == ECONNRESET))
			continue;
		if (fd < 0)
			break;
		if (is_host(&addr)) {
			switch (fork()) {
			case -1:
				agent_fail(fd, errno, "fork");
				break;
			case 0:
				close(listener);
				signal(SIGCHLD, SIG_DFL);
				serve(fd);
				_exit(EXIT_SUCCESS);
			default:
				sessions++;
			}
		}
		close(fd);
	}
	fprintf(stderr, "mkagent: accept: %s\n", strerror(errno));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "allow", required_argument, NULL, 'a' },
		{ "init", no_argument, NULL, 'i' },
		{ "poweroff", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	bool init = false;
	int c;

	while ((c = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (c) {
		case 'a':
			if (parse_allow(optarg))
				return 2;
			break;
		case 'i':
			init = true;
			break;
		case 'p':
			return agent_poweroff();
		case 'h':
			say_usage(stdout);
			return EXIT_SUCCESS;
		default:
			say_usage(stderr);
			return 2;
		}
	}
	signal(SIGPIPE, SIG_IGN);
	/* What a kernel's command line has for its init is no program unless it looks like one */
	if (getpid() == 1 && !init && optind < argc && *argv[optind] != '/')
		optind = argc;
	if (init || getpid() == 1)
		return agent_init(argv + optind);
	if (optind < argc) {
		say_usage(stderr);
		return 2;
	}
	return agent_listen();
}
