/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_BENCH_H
#define _MULTIKERNEL_BENCH_H

#include <linux/sizes.h>

#include "internal.h"

/* Calls begin with one of these; messages are a stream, or are sent back */
#define BENCH_ECHO		0	/* answer with the same */
#define BENCH_REPORT		1	/* how was the stream? struct bench_report */
#define BENCH_POLL		2	/* poll for the next .count pings */
#define BENCH_RAW		3	/* bounce a cache line .count times */
#define BENCH_MEMCPY		4	/* copy .size bytes .count times: ns */

/* Types of messages */
#define BENCH_STREAM		1	/* struct bench_head */
#define BENCH_PING		2	/* send it back */
#define BENCH_COPY		3	/* pages: copy what lies there */
#define BENCH_GIVE		4	/* pages: hand them back */
#define BENCH_SINK		5	/* forget it */

/* Pages of a channel that shall have some */
#define BENCH_PAGES		(SZ_8M / PAGE_SIZE)
#define BENCH_PAGES_MAX		SZ_4M	/* of one message */

#define BENCH_SLOTS		1024

#define BENCH_COUNT_SERVICE	"bench-count"

/* Under emulation, and where all is checked, a busy CPU is kept waiting for many seconds */
#define BENCH_TIMEOUT		(120 * HZ)

/**
 * struct bench_req - begin of a call
 * @op: BENCH_*
 * @count: see there
 * @size: see there
 */
struct bench_req {
	u32 op;
	u32 count;
	u32 size;
};

/**
 * struct bench_head - begin of a message of a stream
 * @seq: its number, from 0
 * @crc: of all that follows
 * @len: length of that
 */
struct bench_head {
	u64 seq;
	u32 crc;
	u32 len;
};

/**
 * struct bench_report - what came in of a stream
 * @received: messages
 * @misplaced: messages with another number than expected
 * @damaged: messages with a wrong checksum or length
 * @bells: doorbells that the receiver has got meanwhile
 */
struct bench_report {
	u64 received;
	u64 misplaced;
	u64 damaged;
	u64 bells;
};

/* A word of the line that is bounced, in the part of a ring that nobody uses then */
static inline u64 *bench_line(struct mk_ring_mem *mem)
{
	return &mem->reserved3[6];
}

extern unsigned int bench_cpu;

int bench_service_init(void);
int bench_count_init(void);
struct mk_channel *bench_count_connect(const char *peer);
int bench_count_run(struct mk_channel *ch, u32 kernels, u32 count, u64 *sent);
void bench_count_show(char *buf, size_t size, u64 sent);
struct mk_channel *bench_self_connect(const char *service, const struct mk_channel_ops *ops,
				      void *priv);
struct mk_channel *bench_self_other(void);
void bench_self_close(void);

#endif /* _MULTIKERNEL_BENCH_H */
