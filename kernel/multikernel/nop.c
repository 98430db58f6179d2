// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: nop.c - the service that does nothing
 *
 * A nop message is answered with the same payload.  It measures what a message
 * costs, and shows that the peer is alive.
 *
 * Locking
 * -------
 *
 * mk_nop.lock lets one caller at a time wait.  The cookie is written before the
 * message is sent and compared by the receiver, so that a late reply to a call
 * that timed out is not taken for that of the next.
 */

#include <linux/completion.h>
#include <linux/ktime.h>
#include <linux/string.h>

#include "channel.h"

/**
 * mk_nop_init() - prepare
 * @nop: what to prepare
 */
void mk_nop_init(struct mk_nop *nop)
{
	mutex_init(&nop->lock);
	init_completion(&nop->done);
}

/**
 * mk_nop_answer() - a nop came in: send it back
 * @ch: the channel
 * @msg: the nop
 *
 * If the ring back is full the answer is dropped; the caller at the other side
 * has a deadline.
 */
void mk_nop_answer(struct mk_channel *ch, const struct mk_msg *msg)
{
	mk_channel_send(ch, MK_CLASS_CONTROL, MK_MSG_NOP_REPLY, msg->payload,
			msg->len);
}

/**
 * mk_nop_reply() - the answer to a nop came in
 * @ch: the channel
 * @msg: the answer
 */
void mk_nop_reply(struct mk_channel *ch, const struct mk_msg *msg)
{
	u64 cookie;

	if (msg->len < sizeof(cookie))
		return;
	memcpy(&cookie, msg->payload, sizeof(cookie));
	if (cookie == READ_ONCE(ch->nop.cookie))
		complete(&ch->nop.done);
}

/**
 * mk_nop_abort() - nobody will answer any more
 * @ch: a channel that has been closed
 */
void mk_nop_abort(struct mk_channel *ch)
{
	WRITE_ONCE(ch->nop.cookie, READ_ONCE(ch->nop.cookie) + 1);
	complete(&ch->nop.done);
}

/**
 * mk_channel_nop() - one round trip to the peer
 * @ch: an open channel
 * @timeout_ms: how long to wait, in ms
 * @ns: where to store the time it took, in ns
 *
 * Context: may sleep.
 * Return: 0, -ETIMEDOUT, -EAGAIN if the ring is full, -ENOTCONN, -ECONNRESET if
 * the channel was closed meanwhile, or -EINTR.
 */
int mk_channel_nop(struct mk_channel *ch, unsigned int timeout_ms, u64 *ns)
{
	struct mk_nop *nop = &ch->nop;
	u64 payload[MK_SLOT_PAYLOAD / sizeof(u64)] = {};
	u64 start;
	long left;
	int ret;

	guard(mutex)(&nop->lock);
	payload[0] = READ_ONCE(nop->cookie) + 1;
	reinit_completion(&nop->done);
	WRITE_ONCE(nop->cookie, payload[0]);

	start = ktime_get_ns();
	ret = mk_channel_send(ch, MK_CLASS_CONTROL, MK_MSG_NOP, payload,
			      sizeof(payload));
	if (ret)
		return ret;
	left = wait_for_completion_interruptible_timeout(&nop->done,
							 msecs_to_jiffies(timeout_ms));
	*ns = ktime_get_ns() - start;
	if (left < 0)
		return -EINTR;
	if (!left)
		return -ETIMEDOUT;
	return READ_ONCE(nop->cookie) == payload[0] ? 0 : -ECONNRESET;
}
