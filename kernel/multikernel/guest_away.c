// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: guest_away.c - the host makes way for its next kernel, and this one runs on
 *
 * The host says MK_CTL_AWAY.  Then all connections with it end, as they do when a peer has gone.
 * When that is answered this end of the link is closed, and a word in the shared area says so:
 * from then on nothing there is used but what needs no host, the heartbeats and the last words.
 * Connections with other instances go on; new ones need a host, and so does it to hear of a peer
 * that comes or goes.
 *
 * Until the next host has written an epoch there it is looked for now and then.  Then the link
 * is opened anew, with a hello, as after a start: peers come back, and whoever connects finds
 * them.  See keep.c and resume.c for what the two hosts do.
 *
 * Meanwhile what userspace writes to the console waits, as for a reader that is slow; what
 * the kernel prints is left out there, and is in its log.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/jiffies.h>
#include <linux/multikernel.h>
#include <linux/printk.h>
#include <linux/workqueue.h>
#include <asm/barrier.h>

#include "guest.h"
#include "internal.h"
#include "service.h"

/* How often the next host is looked for */
#define MK_AWAY_POLL_MS		10

static bool mk_away;
static u32 mk_away_hosts = 1;

/**
 * mk_guest_is_away() - is this kernel on its own?
 *
 * Context: any.
 * Return: true from the moment when the host has said that it goes until another one is there.
 */
bool mk_guest_is_away(void)
{
	return READ_ONCE(mk_away);
}

/**
 * mk_guest_hosts() - how many hosts has this kernel had?
 *
 * Context: any.
 * Return: 1 for the one that has started it.
 */
u32 mk_guest_hosts(void)
{
	return READ_ONCE(mk_away_hosts);
}

static void mk_away_poll(struct work_struct *work);
static DECLARE_DELAYED_WORK(mk_away_poll_work, mk_away_poll);

static struct mk_words *mk_away_words(void)
{
	return mk_guest_shared() + mk_guest_block()->words_off;
}

/* All is laid out as for a start, where it was */
static int mk_away_attach(void)
{
	struct mk_link *link = mk_guest_link();
	struct mk_boot_block block;
	struct mk_abi theirs;
	int ret;

	mk_boot_block_read(&block, mk_guest_shared());
	ret = mk_boot_block_check(&block, mk_guest_shared_size()) ?:
	      mk_link_attach(link, mk_guest_shared(), mk_guest_shared_size(), &block, false);
	if (ret)
		return ret;
	theirs = mk_boot_block_abi(&block);
	if (!mk_link_agree(link, &theirs))
		return -EPROTONOSUPPORT;
	mk_guest_set_epoch(block.epoch);
	return 0;
}

static void mk_away_poll(struct work_struct *work)
{
	struct mk_words *words = mk_away_words();
	int ret;

	/* Pairs with mk_life_resume() in the host */
	if (!smp_load_acquire(&words->away.epoch)) {
		queue_delayed_work(system_dfl_wq, &mk_away_poll_work,
				   msecs_to_jiffies(MK_AWAY_POLL_MS));
		return;
	}
	ret = mk_away_attach();
	if (ret) {
		pr_err("the next host is none for this kernel (%pe)\n", ERR_PTR(ret));
		return;
	}
	WRITE_ONCE(mk_away_hosts, mk_away_hosts + 1);
	mk_link_open(mk_guest_link());
	WRITE_ONCE(mk_away, false);
	pr_info("another host is there, epoch %u\n", mk_guest_block()->epoch);
	mk_link_hello(mk_guest_link());
	/* What has waited for room */
	mk_guest_read_input();
}

static void mk_away_close(struct work_struct *work)
{
	struct mk_link *link = mk_guest_link();
	struct mk_words *words = mk_away_words();

	/* The answer goes first */
	flush_work(&link->job_work);
	mk_link_close(link);
	/* Last words go there as before */
	link->words = words;
	/* Pairs with mk_keep_part() in the host */
	smp_store_release(&words->away.closed, 1);
	queue_delayed_work(system_dfl_wq, &mk_away_poll_work, msecs_to_jiffies(MK_AWAY_POLL_MS));
}

static DECLARE_WORK(mk_away_close_work, mk_away_close);

/**
 * mk_guest_away_call() - MK_CTL_AWAY: the host makes way for another one
 *
 * Context: may sleep.
 * Return: 0; -EBUSY if connections are still in use.
 */
int mk_guest_away_call(void)
{
	int ret;

	WRITE_ONCE(mk_away, true);
	ret = mk_remote_leave();
	if (ret) {
		WRITE_ONCE(mk_away, false);
		pr_warn("the host wants to go, and a channel is still in use\n");
		return ret;
	}
	mk_peer_leave();
	pr_info("the host makes way for its next kernel\n");
	queue_work(system_dfl_wq, &mk_away_close_work);
	return 0;
}
