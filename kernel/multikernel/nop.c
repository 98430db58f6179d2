// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: nop.c - the service that does nothing
 *
 * A call is answered with what it brought, or by the error that it asks for.  It
 * measures what a message costs, and shows that the peer is alive.
 */

#include <linux/ktime.h>
#include <linux/string.h>

#include "internal.h"

/**
 * mk_nop_answer() - a nop came in
 * @ch: the channel
 * @msg: the call; &struct mk_nop and anything
 *
 * If the ring back is full there is no answer; the caller has a deadline.
 */
void mk_nop_answer(struct mk_channel *ch, const struct mk_msg *msg)
{
	struct mk_nop nop = {};

	memcpy(&nop, msg->data, min_t(size_t, msg->len, sizeof(nop)));
	if (nop.op == MK_CTL_FAIL)
		mk_reply_error(ch, msg->type, nop.error);
	else
		mk_reply(ch, msg->type, msg->data, msg->len);
}

/**
 * mk_nop() - one round trip to the peer
 * @ch: the channel
 * @error: the error that the peer shall answer, 0 for none
 * @timeout_ms: how long to wait, in ms
 * @ns: where to store the time it took, in ns
 *
 * Context: may sleep.
 * Return: 0; -EBADMSG if something else came back; or as mk_call().
 */
int mk_nop(struct mk_channel *ch, int error, unsigned int timeout_ms, u64 *ns)
{
	u8 data[MK_SLOT_PAYLOAD] = {}, back[MK_SLOT_PAYLOAD];
	struct mk_nop nop = { .op = error ? MK_CTL_FAIL : MK_CTL_ECHO, .error = error };
	u64 start = ktime_get_ns();
	ssize_t ret;

	memcpy(data, &nop, sizeof(nop));
	memcpy(data + sizeof(nop), &start, sizeof(start));
	ret = mk_call(ch, data, sizeof(data), back, sizeof(back),
		      msecs_to_jiffies(timeout_ms));
	*ns = ktime_get_ns() - start;
	if (ret < 0)
		return ret;
	return ret == sizeof(data) && !memcmp(data, back, ret) ? 0 : -EBADMSG;
}
