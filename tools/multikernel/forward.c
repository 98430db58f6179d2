// SPDX-License-Identifier: GPL-2.0
/*
 * forward: a TCP port of this host that is one of an instance's, by its agent. There need
 * be no network between the two.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "mkctl.h"

#define AGENT_MS	10000

struct forward {
	const char *name;
	unsigned int here, there;
};

/* "PORT" or "HERE:THERE" */
static int parse(struct forward *f, const char *text)
{
	char rest;
	int n = sscanf(text, "%u:%u%c", &f->here, &f->there, &rest);

	if (n == 1 && strspn(text, "0123456789") == strlen(text)) {
		f->there = f->here;
		n = 2;
	}
	if (n != 2 || !f->here || f->here > 65535 || !f->there || f->there > 65535)
		return mk_opts_usage("not a port, nor two with a colon between", text);
	return MK_OK;
}

static int listen_here(unsigned int port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    !bind(fd, (struct sockaddr *)&addr, sizeof(addr)) && !listen(fd, 64))
		return fd;
	mk_error("127.0.0.1:%u: %s", port, strerror(errno));
	return -1;
}

/* In a process of its own */
static int serve(const struct forward *f, int sock)
{
	static struct mk_frames in;
	struct mk_frame_connect req = { .version = MK_FRAME_VERSION, .port = f->there };
	int fd = mk_vsock_connect(f->name, AGENT_MS);
	struct mk_frame frame;

	if (fd < 0)
		return MK_FAILED;
	if (mk_frame_send(fd, MK_FRAME_CONNECT, &req, sizeof(req)) ||
	    mk_frame_wait(&in, fd, &frame) != 1)
		return mk_error("%s has ended, or its agent has", f->name);
	if (frame.type != MK_FRAME_READY) {
		mk_vsock_say_fail(f->name, &frame);
		return MK_FAILED;
	}
	mk_relay(sock, fd, &in);
	return MK_OK;
}

static int accept_all(const struct forward *f, int listener)
{
	int sock;

	for (;;) {
		sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (sock < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (sock < 0)
			return mk_error("accept: %s", strerror(errno));
		switch (fork()) {
		case 0:
			close(listener);
			_exit(serve(f, sock));
		case -1:
			mk_error("fork: %s", strerror(errno));
		}
		close(sock);
	}
}

int mk_forward(int argc, char **argv)
{
	const struct mk_opt opts[] = { { } };
	struct forward f = { 0 };
	const char *pos[2];
	char *id;
	int fd;

	if (mk_opts_parse(argc, argv, opts, pos, 2, 2) || parse(&f, pos[1]))
		return MK_USAGE;
	if (mk_opts_check_name(pos[0]))
		return MK_FAILED;
	f.name = pos[0];
	id = mk_file_word(f.name, "id");
	if (!id)
		return mk_error_op("forward", f.name, errno);
	free(id);
	fd = listen_here(f.here);
	if (fd < 0)
		return MK_FAILED;
	/* Nobody waits for those who serve */
	signal(SIGCHLD, SIG_IGN);
	fprintf(stderr, "127.0.0.1:%u is port %u of %s; Ctrl-C ends that\n", f.here, f.there,
		f.name);
	return accept_all(&f, fd);
}
