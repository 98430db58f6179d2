// SPDX-License-Identifier: GPL-2.0
/*
 * Frames on a stream, for mkctl and for mkagent; see frame.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "frame.h"

/*
 * mk_frame_send() - Send a frame, and sleep until all of it is on its way.
 * @len: at most MK_FRAME_MAX
 *
 * Return: 0, or -1 with errno.
 */
int mk_frame_send(int fd, enum mk_frame_type type, const void *data, size_t len)
{
	struct mk_frame_head head = { .len = len, .type = type };
	struct iovec iov[2] = {
		{ .iov_base = &head, .iov_len = sizeof(head) },
		{ .iov_base = (void *)data, .iov_len = len },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	while (msg.msg_iovlen) {
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		while (msg.msg_iovlen && (size_t)n >= msg.msg_iov->iov_len) {
			n -= msg.msg_iov->iov_len;
			msg.msg_iov++;
			msg.msg_iovlen--;
		}
		if (msg.msg_iovlen) {
			msg.msg_iov->iov_base = (char *)msg.msg_iov->iov_base + n;
			msg.msg_iov->iov_len -= n;
		}
	}
	return 0;
}

/*
 * mk_frame_write() - Write what a frame has brought to a file or a pipe, all of it.
 *
 * Return: 0, or -1 with errno.
 */
int mk_frame_write(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= n;
	}
	return 0;
}

/*
 * mk_frame_fill() - Take what has come in on a stream, by one read.
 *
 * To be called when mk_frame_next() has nothing left.
 *
 * Return: 1; 0 at the end of the stream; -1 with errno.
 */
int mk_frame_fill(struct mk_frames *in, int fd)
{
	ssize_t n;

	memmove(in->buf, in->buf + in->start, in->used);
	in->start = 0;
	n = read(fd, in->buf + in->used, sizeof(in->buf) - in->used - 1);
	if (n <= 0)
		return n;
	in->used += n;
	return 1;
}

/*
 * mk_frame_next() - Take the next frame.
 * @frame: stays as it is until the next call of mk_frame_fill() or this
 *
 * Return: 1; 0 if there is none that is complete; -1 with EPROTO if this can't be one.
 */
int mk_frame_next(struct mk_frames *in, struct mk_frame *frame)
{
	struct mk_frame_head head;

	if (in->used < sizeof(head))
		return 0;
	memcpy(&head, in->buf + in->start, sizeof(head));
	if (head.len > MK_FRAME_MAX) {
		errno = EPROTO;
		return -1;
	}
	if (in->used < sizeof(head) + head.len)
		return 0;
	frame->type = head.type;
	frame->len = head.len;
	/* To where the head was: there is room for a NUL behind then */
	frame->data = in->buf + in->start;
	memmove(frame->data, frame->data + sizeof(head), head.len);
	frame->data[head.len] = '\0';
	in->start += sizeof(head) + head.len;
	in->used -= sizeof(head) + head.len;
	return 1;
}

/*
 * mk_frame_wait() - Sleep until there is a frame.
 *
 * Return: 1; 0 at the end of the stream; -1 with errno.
 */
int mk_frame_wait(struct mk_frames *in, int fd, struct mk_frame *frame)
{
	int ret;

	while (!(ret = mk_frame_next(in, frame))) {
		ret = mk_frame_fill(in, fd);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret <= 0)
			return ret;
	}
	return ret;
}
