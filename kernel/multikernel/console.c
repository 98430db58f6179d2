// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: console.c - what an instance prints, kept by the host
 *
 * The receiver empties the console ring at once, whether anyone reads or not,
 * so an instance never waits for a reader.  The text of the current or last run
 * is kept in chunks that are allocated as it grows; readers, as many as there
 * are, each go through it at their own pace, by file offset.
 *
 * When MK_CONSOLE_CHUNKS are full, the oldest chunk is given up: its offsets
 * read as NUL bytes, as a hole in a file does, and are counted as dropped.
 *
 * Locking
 * -------
 *
 * mk_console.lock protects all of it; innermost; it may be taken in process
 * context only.
 */

#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>

#include "internal.h"

/* 16 MiB of text: a chatty boot is a few dozen KiB, so this is days of logs */
#define MK_CONSOLE_CHUNK	SZ_64K
#define MK_CONSOLE_CHUNKS	256
#define MK_CONSOLE_SIZE		((u64)MK_CONSOLE_CHUNKS * MK_CONSOLE_CHUNK)

/**
 * struct mk_console - text of one instance
 * @lock: protects all
 * @wait: readers that sleep in read(); pollers do so with kernfs
 * @start: offset of the first byte that is kept
 * @end: offset after the last byte
 * @dropped: bytes that no reader can get any more
 * @chunk: the text; offset o lies in chunk (o / MK_CONSOLE_CHUNK) modulo their
 *         number
 */
struct mk_console {
	struct mutex lock;	/* protects all */
	wait_queue_head_t wait;
	u64 start;
	u64 end;
	u64 dropped;
	char *chunk[MK_CONSOLE_CHUNKS];
};

/**
 * mk_console_alloc() - a console without text
 *
 * Return: the console, or NULL.
 */
struct mk_console *mk_console_alloc(void)
{
	struct mk_console *con = kvzalloc_obj(*con);

	if (con) {
		mutex_init(&con->lock);
		init_waitqueue_head(&con->wait);
	}
	return con;
}

static void mk_console_clear(struct mk_console *con)
{
	unsigned int i;

	for (i = 0; i < MK_CONSOLE_CHUNKS; i++) {
		kvfree(con->chunk[i]);
		con->chunk[i] = NULL;
	}
	con->start = 0;
	con->end = 0;
}

/**
 * mk_console_free() - free a console
 * @con: the console, or NULL
 */
void mk_console_free(struct mk_console *con)
{
	if (!con)
		return;
	mk_console_clear(con);
	kvfree(con);
}

/**
 * mk_console_restart() - a new run begins: forget the text of the last
 * @con: the console
 */
void mk_console_restart(struct mk_console *con)
{
	guard(mutex)(&con->lock);
	mk_console_clear(con);
}

/**
 * mk_console_wake() - have readers look whether the run has ended
 * @con: the console
 */
void mk_console_wake(struct mk_console *con)
{
	wake_up_interruptible_all(&con->wait);
}

static char **mk_console_chunk(struct mk_console *con, u64 off)
{
	return &con->chunk[(off / MK_CONSOLE_CHUNK) % MK_CONSOLE_CHUNKS];
}

static void mk_console_append(struct mk_console *con, const u8 *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		char **chunk = mk_console_chunk(con, con->end);
		u64 in = con->end % MK_CONSOLE_CHUNK;

		if (!in && con->end - con->start >= MK_CONSOLE_SIZE)
			con->start += MK_CONSOLE_CHUNK;
		if (!in && !*chunk)
			*chunk = kvmalloc(MK_CONSOLE_CHUNK, GFP_KERNEL);
		if (*chunk)
			(*chunk)[in] = text[i];
		else
			con->dropped++;
		con->end++;
	}
}

/**
 * mk_console_drain() - take text out of the ring
 * @con: the console
 * @rx: the ring
 *
 * At most one ring full, so that a peer that never stops can't hold the caller.
 *
 * Return: true if there was any.
 */
bool mk_console_drain(struct mk_console *con, struct mk_ring_rx *rx)
{
	unsigned int budget = rx->slots;
	struct mk_msg msg;
	bool any = false;

	scoped_guard(mutex, &con->lock) {
		u64 start = con->start;

		while (budget-- && mk_ring_pop(rx, &msg)) {
			mk_console_append(con, msg.data, msg.len);
			any = true;
		}
		mk_ring_publish(rx);
		con->dropped += con->start - start;
	}
	if (any)
		wake_up_interruptible_all(&con->wait);
	return any;
}

/**
 * mk_console_read() - copy text
 * @con: the console
 * @buf: where to
 * @len: at most so much
 * @off: from this offset on
 *
 * Return: the number of bytes, 0 at the end.
 */
ssize_t mk_console_read(struct mk_console *con, char *buf, size_t len, loff_t off)
{
	size_t done = 0;

	guard(mutex)(&con->lock);
	while (done < len && off < con->end) {
		char *chunk = *mk_console_chunk(con, off);
		size_t in = off % MK_CONSOLE_CHUNK;
		size_t step = min3((u64)(len - done), con->end - off,
				   (u64)(MK_CONSOLE_CHUNK - in));

		if (off < con->start || !chunk)
			memset(buf + done, 0, step);
		else
			memcpy(buf + done, chunk + in, step);
		done += step;
		off += step;
	}
	return done;
}

/**
 * mk_console_end() - how much text is there?
 * @con: the console
 *
 * Return: the offset after the last byte.
 */
u64 mk_console_end(struct mk_console *con)
{
	return READ_ONCE(con->end);
}

/**
 * mk_console_dropped() - how much text is lost?
 * @con: the console
 *
 * Return: bytes, over all runs.
 */
u64 mk_console_dropped(struct mk_console *con)
{
	return READ_ONCE(con->dropped);
}

/**
 * mk_console_waitq() - where readers wait
 * @con: the console
 *
 * Return: the wait queue.
 */
wait_queue_head_t *mk_console_waitq(struct mk_console *con)
{
	return &con->wait;
}

/**
 * mk_console_input() - type something
 * @inst: to whom
 * @buf: what
 * @len: how much
 *
 * Return: how much was taken, at least 1; -EAGAIN if the instance takes no more
 * now; -ENOTCONN if it was never started.
 */
ssize_t mk_console_input(struct mk_instance *inst, const char *buf, size_t len)
{
	size_t done = 0;
	int ret;

	while (done < len) {
		size_t step = min(len - done, (size_t)MK_SLOT_PAYLOAD);

		ret = mk_send(&inst->link.boot[MK_CLASS_CONSOLE], MK_MSG_CONSOLE,
			      buf + done, step);
		if (ret)
			return done ?: ret;
		done += step;
	}
	return done;
}
