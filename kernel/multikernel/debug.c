// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: debug.c - what this kernel knows of its channels, for those who look
 *
 * Files in /sys/kernel/debug/multikernel, in the host and in every instance.
 *
 * channels
 *	One line for each open channel, "name=value" each: whose (peer, channel), the
 *	CPU chosen for its doorbell (cpu) and the one that is rung now (rung), and
 *	counters; and one for all that have been closed.  The line "PEER CHANNEL CPU" written to it has the doorbell of that
 *	channel ring on that CPU, see mk_channel_set_cpu().
 *
 * PEER is the name of an instance, or "host".
 */

#include <linux/debugfs.h>
#include <linux/init.h>
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

static int __init mk_debug_init(void)
{
	mk_debug_dir = debugfs_create_dir("multikernel", NULL);
	debugfs_create_file("channels", 0600, mk_debug_dir, NULL,
			    &mk_debug_channels_fops);
	return 0;
}
subsys_initcall(mk_debug_init);
