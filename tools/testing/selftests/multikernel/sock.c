// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets between kernels, and a terminal for what wants one.
 *
 * "vsock-listen PORT COUNT" serves so many connections, one after the other, and sends back
 * what comes; it prints "CID PORT" of each.
 *
 * "vsock CID PORT FROM" connects from the port FROM, or any if it is 0, prints how that
 * ended, sends its input, says that this was all, and prints what comes back. What goes
 * wrong later is printed too.
 *
 * "pty ROWS COLUMNS COMMAND..." runs the command on a terminal of that size. What comes in
 * is typed there, and what is said there is printed. SIGUSR1 makes it 10 rows higher.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

#include "mkprobe.h"

static int make_socket(unsigned int port)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = port ? port : VMADDR_PORT_ANY,
	};
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -1;
	return fd;
}

static int write_all(int fd, const char *buf, ssize_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, buf, len);
		if (n < 0)
			return -1;
		buf += n;
		len -= n;
	}
	return 0;
}

int sock_listen(int argc, char **argv)
{
	int fd = make_socket(probe_number(argv[0])), one;
	struct sockaddr_vm addr;
	char buf[65536];
	unsigned long i;
	socklen_t len;
	ssize_t n;

	(void)argc;
	if (fd < 0 || listen(fd, 8))
		return probe_result(-1);
	for (i = probe_number(argv[1]); i; i--) {
		len = sizeof(addr);
		one = accept(fd, (struct sockaddr *)&addr, &len);
		if (one < 0)
			return probe_result(-1);
		printf("%u %u\n", addr.svm_cid, addr.svm_port);
		fflush(stdout);
		while ((n = read(one, buf, sizeof(buf))) > 0 && !write_all(one, buf, n))
			;
		close(one);
	}
	return 0;
}

/* Both ways at once: otherwise the two sides could wait for each other */
static int exchange(int fd)
{
	struct pollfd fds[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	char buf[65536], out[65536];
	ssize_t n, left = 0, at = 0;

	for (;;) {
		fds[0].events = POLLIN | (left ? POLLOUT : 0);
		if (poll(fds, left ? 1 : 2, -1) < 0)
			return -1;
		if (fds[0].revents & ~POLLOUT) {
			n = read(fd, buf, sizeof(buf));
			if (n <= 0)
				return n;
			if (write_all(STDOUT_FILENO, buf, n))
				return -1;
		}
		if (left && fds[0].revents & POLLOUT) {
			n = send(fd, out + at, left, MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n < 0 && errno != EAGAIN)
				return -1;
			at += n > 0 ? n : 0;
			left -= n > 0 ? n : 0;
		} else if (!left && fds[1].fd >= 0 && fds[1].revents) {
			left = read(STDIN_FILENO, out, sizeof(out));
			at = 0;
			if (left <= 0) {
				left = 0;
				fds[1].fd = -1;
				shutdown(fd, SHUT_WR);
			}
		}
	}
}

int sock_connect(int argc, char **argv)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = probe_number(argv[0]),
		.svm_port = probe_number(argv[1]),
	};
	int fd = make_socket(argc > 2 ? probe_number(argv[2]) : 0), ret;

	/* To other instances the way is the one to the host */
	if (fd < 0)
		return probe_result(-1);
	ret = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
	if (ret && errno == ENODEV) {
		addr.svm_flags = VMADDR_FLAG_TO_HOST;
		ret = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
	}
	if (ret)
		return probe_result(-1);
	probe_result(0);
	fflush(stdout);
	if (exchange(fd))
		return probe_result(-1);
	return 0;
}

static bool higher;

static void on_usr1(int sig)
{
	(void)sig;
	__atomic_store_n(&higher, true, __ATOMIC_RELAXED);
}

static void relay(int pty, struct winsize *size)
{
	struct pollfd fds[2] = {
		{ .fd = pty, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	char buf[4096];
	ssize_t n;

	for (;;) {
		if (__atomic_exchange_n(&higher, false, __ATOMIC_RELAXED)) {
			size->ws_row += 10;
			ioctl(pty, TIOCSWINSZ, size);
		}
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents) {
			n = read(pty, buf, sizeof(buf));
			if (n <= 0 || write_all(STDOUT_FILENO, buf, n))
				return;
		}
		if (fds[1].revents) {
			n = read(STDIN_FILENO, buf, sizeof(buf));
			if (n <= 0)
				fds[1].fd = -1;
			else if (write_all(pty, buf, n))
				return;
		}
	}
}

int sock_pty(int argc, char **argv)
{
	struct winsize size = { .ws_row = probe_number(argv[0]), .ws_col = probe_number(argv[1]) };
	struct sigaction sa = { .sa_handler = on_usr1 };
	int pty, status;
	pid_t pid;

	(void)argc;
	pid = forkpty(&pty, NULL, NULL, &size);
	if (!pid) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (pid < 0)
		return probe_result(-1);
	sigaction(SIGUSR1, &sa, NULL);
	relay(pty, &size);
	close(pty);
	if (waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
