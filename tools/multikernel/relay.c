// SPDX-License-Identifier: GPL-2.0
/*
 * A stream of bytes on one side, frames on the other, both ways, until both have said all;
 * for mkctl forward and for the agent.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"

struct relay {
	int bytes;		/* a socket */
	int frames;
	bool to_frames;		/* there may be more */
	bool to_bytes;
	size_t pending;		/* of @buf, on its way to @bytes */
	size_t left;		/* of @out, on its way to @frames */
	char buf[MK_FRAME_MAX];
	char out[sizeof(struct mk_frame_head) + MK_FRAME_MAX];
};

static void put_frame(struct relay *r, enum mk_frame_type type, size_t len)
{
	struct mk_frame_head head = { .len = len, .type = type };

	memcpy(r->out, &head, sizeof(head));
	r->left = sizeof(head) + len;
}

static void from_bytes(struct relay *r)
{
	ssize_t n = read(r->bytes, r->out + sizeof(struct mk_frame_head), MK_FRAME_MAX);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	r->to_frames = n > 0;
	put_frame(r, n > 0 ? MK_FRAME_DATA : MK_FRAME_END, n > 0 ? n : 0);
}

/* Bytes that nobody takes are dropped */
static bool send_some(int fd, char *buf, size_t *len)
{
	ssize_t n = send(fd, buf, *len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n < 0)
		return false;
	*len -= n;
	memmove(buf, buf + n, *len);
	return true;
}

/* False at the end of the other side, or for nonsense */
static bool take_frames(struct relay *r, struct mk_frames *in)
{
	struct mk_frame f;
	int ret;

	while (!r->pending && (ret = mk_frame_next(in, &f))) {
		if (ret < 0 || (f.type != MK_FRAME_DATA && f.type != MK_FRAME_END))
			return false;
		if (f.type == MK_FRAME_END) {
			r->to_bytes = false;
			shutdown(r->bytes, SHUT_WR);
			return true;
		}
		memcpy(r->buf, f.data, f.len);
		r->pending = f.len;
	}
	return true;
}

/*
 * While something is on its way to the bytes the frames are not looked at: what has come
 * in is delivered, even if the other side has gone meanwhile.
 */
static bool turn(struct relay *r, struct mk_frames *in)
{
	struct pollfd fds[2] = {
		{
			.fd = r->bytes,
			.events = (r->to_frames && !r->left ? POLLIN : 0) |
				  (r->pending ? POLLOUT : 0),
		}, {
			.fd = r->pending ? -1 : r->frames,
			.events = (r->to_bytes ? POLLIN : POLLRDHUP) |
				  (r->left ? POLLOUT : 0),
		},
	};

	/* One that has said all, and is not to be told anything, would only wake us */
	if (!fds[0].events)
		fds[0].fd = -1;
	if (poll(fds, 2, -1) < 0)
		return errno == EINTR;
	if (fds[1].revents & ~POLLOUT && (!r->to_bytes || mk_frame_fill(in, r->frames) <= 0))
		return false;
	if (r->pending && fds[0].revents && !send_some(r->bytes, r->buf, &r->pending))
		r->pending = 0;
	else if (r->to_frames && !r->left && fds[0].revents & ~POLLOUT)
		from_bytes(r);
	if (r->left && !r->pending && !send_some(r->frames, r->out, &r->left)) {
		/* Nobody listens; what was said before that is still to be read */
		r->left = 0;
		r->to_frames = false;
	}
	return take_frames(r, in);
}

/*
 * mk_relay() - Pass on what comes, both ways.
 * @bytes: a stream socket
 * @frames: one for frames
 * @in: what has come in there
 *
 * Returns when both sides have said all, or one is gone.
 */
void mk_relay(int bytes, int frames, struct mk_frames *in)
{
	static struct relay r;

	r = (struct relay){
		.bytes = bytes,
		.frames = frames,
		.to_frames = true,
		.to_bytes = true,
	};
	if (!take_frames(&r, in))
		return;
	while ((r.to_frames || r.to_bytes || r.pending || r.left) && turn(&r, in))
		;
}
