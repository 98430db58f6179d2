// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: debug.c - what this kernel knows of channels and peers, for those who look
 *
 * Files in /sys/kernel/debug/multikernel, in the host and in every instance.
 *
 * channels
 *	One line for each open channel, "name=value" each: whose (peer, channel), the
 *	CPU chosen for its doorbell (cpu) and the one that is rung now (rung), and
 *	counters; and one for all that have been closed.  The line "PEER CHANNEL CPU"
 *	written to it has the doorbell of that channel ring on that CPU, see
 *	mk_channel_set_cpu().
 *
 * peers
 *	One line for each peer that is there: name, id, epoch.
 *
 * peer_events
 *	The last 64 events that notifiers have heard of, "up" or "down" before what a
 *	line of peers has.
 *
 * fail_stop
 *	The number of a CPU that can't be stopped when the host next wants to: nothing
 *	is sent to it, and it counts as lost.  For tests of the quarantine, which has
 *	it until the machine is reset.  4294967295: none.
 *
 * stop_deadline_ms
 *	How long an orderly stop may take before the instance is killed.
 *
 * resize_timeout_ms
 *	How long the host waits for an instance to take or to give a CPU or a block of
 *	memory, for tests of answers that come too late.
 *
 * fail_resize
 *	Fails steps of such a change, see resize.c.
 *
 * unknown_format
 *	In an instance, with CONFIG_MULTIKERNEL_BENCH: the name of a format in which another
 *	kernel could hand over, and that this one shall claim not to know.
 *
 * PEER is the name of an instance, or "host".
 */

#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/multikernel.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "internal.h"

/* Where other parts may put files of their own */
struct dentry *mk_debug_dir;

static ssize_t mk_debug_channels_write(struct file *file, const char __user *buf,
				       size_t len, loff_t *pos)
{
	char line[MK_PEER_NAME_LEN + 24], peer[MK_PEER_NAME_LEN];
	unsigned int id, cpu;
	int ret;

	if (len >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, len))
		return -EFAULT;
	line[len] = '\0';
	if (sscanf(line, "%63s %u %u", peer, &id, &cpu) != 3)
		return -EINVAL;
	ret = mk_link_set_cpu(peer, id, cpu);
	return ret ?: len;
}

static int mk_debug_channels_show(struct seq_file *sf, void *unused)
{
	mk_link_show(sf);
	return 0;
}
DEFINE_SHOW_STORE_ATTRIBUTE(mk_debug_channels);

/**
 * struct mk_debug_event - what a notifier has heard
 * @event: MK_PEER_UP or MK_PEER_DOWN
 * @peer: of whom
 */
struct mk_debug_event {
	unsigned long event;
	struct mk_peer peer;
};

static struct mk_debug_event mk_debug_events[64];
static unsigned int mk_debug_nr_events;
static DEFINE_MUTEX(mk_debug_lock);

static int mk_debug_peer_event(struct notifier_block *nb, unsigned long event, void *peer)
{
	struct mk_debug_event *entry;

	guard(mutex)(&mk_debug_lock);
	entry = &mk_debug_events[mk_debug_nr_events++ % ARRAY_SIZE(mk_debug_events)];
	entry->event = event;
	entry->peer = *(struct mk_peer *)peer;
	return NOTIFY_DONE;
}

static struct notifier_block mk_debug_peer_nb = {
	.notifier_call = mk_debug_peer_event,
};

static int mk_debug_show_peer(const struct mk_peer *peer, void *sf)
{
	seq_printf(sf, "%s %u %u\n", peer->id ? peer->name : "host", peer->id,
		   peer->epoch);
	return 0;
}

static int mk_debug_peers_show(struct seq_file *sf, void *unused)
{
	return mk_peer_walk(mk_debug_show_peer, sf);
}
DEFINE_SHOW_ATTRIBUTE(mk_debug_peers);

static int mk_debug_peer_events_show(struct seq_file *sf, void *unused)
{
	const unsigned int max = ARRAY_SIZE(mk_debug_events);
	unsigned int i;

	guard(mutex)(&mk_debug_lock);
	for (i = max(mk_debug_nr_events, max) - max; i < mk_debug_nr_events; i++) {
		struct mk_debug_event *entry = &mk_debug_events[i % max];

		seq_puts(sf, entry->event == MK_PEER_UP ? "up " : "down ");
		mk_debug_show_peer(&entry->peer, sf);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mk_debug_peer_events);

static u32 mk_debug_fail_stop = U32_MAX;

/**
 * mk_debug_stop_fails() - shall a test find that this CPU can't be stopped?
 * @cpu: logical number
 *
 * Return: true if so, once.
 */
bool mk_debug_stop_fails(unsigned int cpu)
{
	return cmpxchg(&mk_debug_fail_stop, cpu, U32_MAX) == cpu;
}

/**
 * mk_debug_stop_would_fail() - the same, for who has it stopped in another way then
 * @cpu: logical number
 *
 * Return: true if mk_debug_stop_fails() is going to say so.
 */
bool mk_debug_stop_would_fail(unsigned int cpu)
{
	return READ_ONCE(mk_debug_fail_stop) == cpu;
}

static int __init mk_debug_init(void)
{
	mk_debug_dir = debugfs_create_dir("multikernel", NULL);
	debugfs_create_file("channels", 0600, mk_debug_dir, NULL,
			    &mk_debug_channels_fops);
	debugfs_create_file("peers", 0400, mk_debug_dir, NULL, &mk_debug_peers_fops);
	debugfs_create_file("peer_events", 0400, mk_debug_dir, NULL,
			    &mk_debug_peer_events_fops);
	debugfs_create_u32("fail_stop", 0600, mk_debug_dir, &mk_debug_fail_stop);
	debugfs_create_u32("stop_deadline_ms", 0600, mk_debug_dir, &mk_stop_deadline_ms);
	debugfs_create_u32("succeed_ready_ms", 0600, mk_debug_dir, &mk_succeed_ready_ms);
	debugfs_create_u32("succeed_serve_ms", 0600, mk_debug_dir, &mk_succeed_serve_ms);
	return mk_peer_notifier_register(&mk_debug_peer_nb);
}
subsys_initcall(mk_debug_init);
