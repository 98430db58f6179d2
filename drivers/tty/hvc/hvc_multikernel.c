// SPDX-License-Identifier: GPL-2.0
/*
 * Console of a multikernel instance: hvc over the console rings to the host.
 *
 * Output that finds the ring full is offered again by hvc.  The host empties the
 * ring whether anyone reads or not, so a ring that stays full means that the
 * host is stopped or gone; then the kernel log's text is dropped after a while,
 * rather than to stop this kernel too.  How much that was is printed when there is
 * room again.
 */

#include <linux/console.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/multikernel.h>
#include <linux/mutex.h>
#include <asm/multikernel.h>

#include "../../../kernel/multikernel/guest.h"
#include "hvc_console.h"

/* hvc's own buffer for the tty, larger than what a message holds */
#define HVC_MK_OUTBUF		256

/* How long the kernel log waits for a full ring: 200,000 x 50 us = 10 s */
#define HVC_MK_STALL_US		50
#define HVC_MK_STALL_MAX	200000

static struct hvc_struct *hvc_mk_hp;
static struct mk_ring_rx *hvc_mk_rx;
static struct mk_msg hvc_mk_in;
static unsigned int hvc_mk_in_used;
static unsigned int hvc_mk_stalls;
static bool hvc_mk_emptied;	/* a reader has found the ring empty */

static ssize_t hvc_mk_put_chars(u32 vtermno, const u8 *buf, size_t count)
{
	size_t len = min_t(size_t, count, MK_SLOT_PAYLOAD);
	int ret;

	ret = mk_guest_print(buf, len);
	if (!ret) {
		hvc_mk_stalls = 0;
		return len;
	}
	if (ret == -EAGAIN && hvc_mk_stalls < HVC_MK_STALL_MAX)
		return -EAGAIN;
	/* What the tty has it offers again; the kernel log drops it and goes on */
	if (!hvc_mk_hp || buf != (const u8 *)hvc_mk_hp->outbuf)
		mk_guest_lose(len);
	return 0;
}

/* The kernel log calls this, without @wait, after each -EAGAIN */
static int hvc_mk_flush(u32 vtermno, bool wait)
{
	if (!wait && !mk_guest_may_print()) {
		hvc_mk_stalls++;
		udelay(HVC_MK_STALL_US);
	}
	return 0;
}

/* Called by hvc under the lock of hvc_mk_hp, so for one reader at a time */
static ssize_t hvc_mk_get_chars(u32 vtermno, u8 *buf, size_t count)
{
	size_t len;

	if (!hvc_mk_rx || mk_guest_is_away())
		return 0;
	if (hvc_mk_in_used == hvc_mk_in.len) {
		if (!mk_ring_pop(hvc_mk_rx, &hvc_mk_in)) {
			WRITE_ONCE(hvc_mk_emptied, true);
			return 0;
		}
		mk_ring_publish(hvc_mk_rx);
		hvc_mk_in_used = 0;
	}
	len = min_t(size_t, count, hvc_mk_in.len - hvc_mk_in_used);
	memcpy(buf, hvc_mk_in.data + hvc_mk_in_used, len);
	hvc_mk_in_used += len;
	return len;
}

/*
 * hvc's own thread reads as well.  If no reader has found the ring empty since we
 * began, then hvc has stopped before, and comes back by itself: its thread has
 * been kicked, or will be when the tty is opened or takes input again.
 */
static bool hvc_mk_input(void)
{
	WRITE_ONCE(hvc_mk_emptied, false);
	if (hvc_poll(hvc_mk_hp))
		hvc_kick();
	return READ_ONCE(hvc_mk_emptied);
}

static int hvc_mk_notifier_add(struct hvc_struct *hp, int data)
{
	/* Doorbells tell us of input: hvc need not poll */
	hp->irq_requested = 1;
	/* What was heard while the tty was not open had nobody to tell */
	if (hp->ws.ws_row)
		hvc_resize(hp, hp->ws);
	return 0;
}

static void hvc_mk_notifier_del(struct hvc_struct *hp, int data)
{
	hp->irq_requested = 0;
}

static const struct hv_ops hvc_mk_ops = {
	.get_chars = hvc_mk_get_chars,
	.put_chars = hvc_mk_put_chars,
	.flush = hvc_mk_flush,
	.notifier_add = hvc_mk_notifier_add,
	.notifier_del = hvc_mk_notifier_del,
	.notifier_hangup = hvc_mk_notifier_del,
};

static int __init hvc_mk_console_init(void)
{
	if (!mk_is_instance())
		return 0;
	if (mk_guest_remap())
		return -ENOMEM;
	return hvc_instantiate(0, 0, &hvc_mk_ops);
}
console_initcall(hvc_mk_console_init);

static void hvc_mk_winsize(const struct mk_msg_winsize *size)
{
	hvc_resize(hvc_mk_hp, (struct winsize){
		.ws_row = size->rows,
		.ws_col = size->columns,
	});
}

static int __init hvc_mk_init(void)
{
	if (!mk_is_instance())
		return 0;
	hvc_mk_hp = hvc_alloc(0, 0, &hvc_mk_ops, HVC_MK_OUTBUF);
	if (IS_ERR(hvc_mk_hp))
		return PTR_ERR(hvc_mk_hp);
	hvc_mk_rx = mk_guest_set_input(hvc_mk_input);
	mk_guest_set_winsize(hvc_mk_winsize);
	return 0;
}
device_initcall(hvc_mk_init);
