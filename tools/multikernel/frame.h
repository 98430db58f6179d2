/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What mkctl and mkagent say to each other on a vsock stream.
 *
 * Each has its say in frames: a head and up to MK_FRAME_MAX bytes. Numbers are those of the
 * machine, as both ends are on one. A stream begins with a request by mkctl and serves
 * that one request.
 *
 *	EXEC	struct mk_frame_exec, strings	a command
 *	PUT	struct mk_frame_file, path	a file that comes in
 *	GET	struct mk_frame_file, path	a file that goes out
 *	CONNECT	struct mk_frame_connect		a TCP connection to a port in the instance
 *
 * Behind it go, in either direction where that makes sense, DATA and END, and to the agent
 * SIZE and SIGNAL. The agent's answer is READY once it begins, OUT and ERR for what a
 * command says, and, last, EXIT, DONE or FAIL.
 */
#ifndef MK_FRAME_H
#define MK_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* Both ports are below 1024, so only root speaks, and only root is spoken to */
#define MK_AGENT_PORT		700
#define MK_FRAME_VERSION	1
#define MK_FRAME_MAX		32768

/* The host's context id; an instance has its own id behind that one */
#define MK_CID_HOST		2

enum mk_frame_type {
	MK_FRAME_EXEC = 1,
	MK_FRAME_PUT,
	MK_FRAME_GET,
	MK_FRAME_DATA,
	MK_FRAME_END,
	MK_FRAME_SIZE,		/* struct mk_frame_size */
	MK_FRAME_SIGNAL,	/* uint32_t */
	MK_FRAME_READY,		/* GET: struct mk_frame_file; otherwise nothing */
	MK_FRAME_OUT,
	MK_FRAME_ERR,
	MK_FRAME_EXIT,		/* uint32_t, as wait(2) gives it */
	MK_FRAME_DONE,
	MK_FRAME_FAIL,		/* uint32_t, an errno; text */
	MK_FRAME_CONNECT,
};

struct mk_frame_size {
	uint16_t rows;
	uint16_t columns;
};

#define MK_EXEC_TTY	1u	/* on a terminal of its own */

/* As many words a command may have, and as many variables */
#define MK_EXEC_WORDS_MAX	1024

/*
 * Behind it, each ended by a NUL: where to run, or nothing, @args words, and @env of
 * "NAME=value", of which a later one counts if it has the name of an earlier one
 */
struct mk_frame_exec {
	uint32_t version;
	uint32_t flags;
	uint32_t args;
	uint32_t env;
	struct mk_frame_size size;
};

/* Behind it, in a request, the path, without a NUL */
struct mk_frame_file {
	uint32_t version;
	uint32_t mode;
	uint64_t size;
};

struct mk_frame_connect {
	uint32_t version;
	uint32_t port;
};

struct mk_frame_head {
	uint32_t len;
	uint32_t type;
};

/* What has come in and has not been taken */
struct mk_frames {
	size_t start;
	size_t used;
	char buf[2 * (sizeof(struct mk_frame_head) + MK_FRAME_MAX)];
};

struct mk_frame {
	enum mk_frame_type type;
	size_t len;
	char *data;	/* a NUL stands behind it */
};

int mk_frame_send(int fd, enum mk_frame_type type, const void *data, size_t len);
int mk_frame_write(int fd, const char *data, size_t len);
int mk_frame_fill(struct mk_frames *in, int fd);
int mk_frame_next(struct mk_frames *in, struct mk_frame *frame);
int mk_frame_wait(struct mk_frames *in, int fd, struct mk_frame *frame);

/* relay.c */
void mk_relay(int bytes, int frames, struct mk_frames *in);

#endif /* MK_FRAME_H */
