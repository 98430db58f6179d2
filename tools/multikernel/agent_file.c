// SPDX-License-Identifier: GPL-2.0
/*
 * mkagent: files that come in and go out. Only regular ones. One that comes in is
 * there under its name once it is whole, and not before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"

static bool parse(struct mk_frame_file *head, const char **path, const struct mk_frame *req)
{
	if (req->len <= sizeof(*head))
		return false;
	memcpy(head, req->data, sizeof(*head));
	*path = req->data + sizeof(*head);
	return head->version == MK_FRAME_VERSION && **path == '/' &&
	       strlen(*path) == req->len - sizeof(*head);
}

/* A name inside of the directory, if it is one; anything else that is there must be a file */
static int target_of(char *buf, size_t size, const char *path)
{
	struct stat st;

	if (snprintf(buf, size, "%s", path) >= (int)size)
		return -ENAMETOOLONG;
	if (stat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

/* Until the host says that this was all; 0 or a negative errno */
static int receive(int sock, struct mk_frames *in, int fd, uint64_t size)
{
	uint64_t left = size;
	struct mk_frame f;

	for (;;) {
		if (mk_frame_wait(in, sock, &f) != 1)
			return -ECONNRESET;
		if (f.type == MK_FRAME_END)
			return left ? -EPROTO : 0;
		if (f.type != MK_FRAME_DATA || f.len > left)
			return -EPROTO;
		if (mk_frame_write(fd, f.data, f.len))
			return -errno;
		left -= f.len;
	}
}

/*
 * agent_put() - Serve a request to take a file.
 */
void agent_put(int fd, struct mk_frames *in, const struct mk_frame *req)
{
	char target[4096], temp[sizeof(target) + 8];
	struct mk_frame_file head;
	const char *path;
	int out, err;

	if (!parse(&head, &path, req)) {
		agent_fail(fd, EPROTO, "a request that this agent does not understand");
		return;
	}
	err = target_of(target, sizeof(target), path);
	if (err) {
		agent_fail(fd, -err, path);
		return;
	}
	snprintf(temp, sizeof(temp), "%s.XXXXXX", target);
	out = mkostemp(temp, O_CLOEXEC);
	if (out < 0) {
		agent_fail(fd, errno, target);
		return;
	}
	err = mk_frame_send(fd, MK_FRAME_READY, NULL, 0) ? -errno : receive(fd, in, out, head.size);
	if (!err && (fchmod(out, head.mode & 07777) || rename(temp, target)))
		err = -errno;
	close(out);
	if (err) {
		unlink(temp);
		agent_fail(fd, -err, target);
		return;
	}
	mk_frame_send(fd, MK_FRAME_DONE, NULL, 0);
}

static int send_file(int sock, int fd)
{
	char buf[MK_FRAME_MAX];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (mk_frame_send(sock, MK_FRAME_DATA, buf, n))
			return -errno;
	return n ? -errno : 0;
}

/*
 * agent_get() - Serve a request for a file.
 */
void agent_get(int fd, const struct mk_frame *req)
{
	struct mk_frame_file head;
	const char *path;
	struct stat st;
	int in, err;

	if (!parse(&head, &path, req)) {
		agent_fail(fd, EPROTO, "a request that this agent does not understand");
		return;
	}
	/* What is no file could make open() wait */
	in = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (in < 0 || fstat(in, &st)) {
		agent_fail(fd, errno, path);
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		agent_fail(fd, S_ISDIR(st.st_mode) ? EISDIR : EINVAL, path);
		return;
	}
	head.mode = st.st_mode & 07777;
	head.size = st.st_size;
	if (mk_frame_send(fd, MK_FRAME_READY, &head, sizeof(head)))
		return;
	err = send_file(fd, in);
	if (err)
		agent_fail(fd, -err, path);
	else
		mk_frame_send(fd, MK_FRAME_END, NULL, 0);
}
