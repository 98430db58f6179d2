// SPDX-License-Identifier: GPL-2.0
/*
 * To the agent of an instance: a vsock(7) stream, from a port that only root has.
 *
 * An instance runs before its userspace does, and the agent comes later still, so whoever
 * connects tries again for a while.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

#include "frame.h"
#include "mkctl.h"

/* The ports from which an agent takes requests */
#define PORT_FIRST	512
#define PORT_LAST	1023

#define RETRY_MS	100

/* A socket that only root has, or -1 */
static int make_socket(void)
{
	struct sockaddr_vm addr = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY };
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned int tries, range = PORT_LAST - PORT_FIRST + 1;

	if (fd < 0)
		return -1;
	/* Each tries others first */
	for (tries = 0; tries < range; tries++) {
		addr.svm_port = PORT_FIRST + (getpid() + tries) % range;
		if (!bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
			return fd;
		if (errno != EADDRINUSE)
			break;
	}
	close(fd);
	return -1;
}

static int connect_once(unsigned int cid, int ms)
{
	struct timeval limit = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 + 1 };
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = cid,
		.svm_port = MK_AGENT_PORT,
	};
	int fd = make_socket(), err;

	if (fd < 0)
		return -1;
	setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &limit, sizeof(limit));
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

/* Nobody listens there yet, or nobody is known by that number yet */
static bool may_come(int err)
{
	return err == ECONNRESET || err == ETIMEDOUT || err == ENODEV || err == EINTR ||
	       err == ECONNREFUSED || err == EHOSTUNREACH;
}

static bool runs(const char *name)
{
	char *state = mk_file_word(name, "state");
	bool up = state && mk_wait_state_in(state, "booting,running,hung,stopping");

	if (state && !up) {
		mk_error("%s does not run, it is %s", name, state);
		fprintf(stderr, "  Start it: mkctl start --wait %s\n", name);
	}
	if (!state)
		mk_error_op("exec", name, errno);
	free(state);
	return up;
}

static int say_no_agent(const char *name, int err)
{
	if (err == EAFNOSUPPORT) {
		mk_error("this kernel has no sockets to instances");
		fputs("  It needs CONFIG_MULTIKERNEL_VSOCKETS: modprobe multikernel_transport\n",
		      stderr);
	} else if (err == EACCES || err == EPERM) {
		mk_error("exec %s: %s\n  Run mkctl as root.", name, strerror(err));
	} else {
		mk_error("no agent answers in %s: %s", name, strerror(err));
		fputs("  Its kernel needs CONFIG_MULTIKERNEL_VSOCKETS, and its userspace has\n"
		      "  to run mkagent; 'mkctl run --rootfs' brings one along.\n", stderr);
	}
	return -1;
}

/*
 * mk_vsock_connect() - Reach the agent of an instance.
 * @ms: how long to try
 *
 * Return: a socket, or -1 after it has said why.
 */
int mk_vsock_connect(const char *name, int ms)
{
	long long deadline = mk_wait_deadline(ms);
	char *id = mk_file_word(name, "id");
	unsigned int cid;
	int fd, left;

	if (!id) {
		mk_error_op("exec", name, errno);
		return -1;
	}
	cid = MK_CID_HOST + strtoul(id, NULL, 10);
	free(id);
	for (;;) {
		if (!runs(name))
			return -1;
		left = mk_wait_left(deadline);
		fd = connect_once(cid, left < 0 || left > 1000 ? 1000 : left);
		if (fd >= 0)
			return fd;
		if (!may_come(errno) || !left)
			return say_no_agent(name, errno);
		poll(NULL, 0, left < 0 || left > RETRY_MS ? RETRY_MS : left);
	}
}

/* What a frame of type MK_FRAME_FAIL says: an errno, and a sentence on stderr. */
int mk_vsock_say_fail(const char *name, struct mk_frame *frame)
{
	uint32_t err = EPROTO;

	if (frame->len >= sizeof(err)) {
		memcpy(&err, frame->data, sizeof(err));
		mk_text_clean(frame->data + sizeof(err));
		mk_error("in %s: %s", name, frame->data + sizeof(err));
	} else {
		mk_error("in %s: the agent says nothing that makes sense", name);
	}
	return err;
}
