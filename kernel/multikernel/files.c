// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: files.c - what each file shows and takes
 *
 * Tables of files, see Documentation/ABI/testing/sysfs-fs-multikernel.  A write
 * is all or nothing; on failure info/last_error has one sentence.
 */

#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/ctype.h>
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/vmstat.h>
#include <linux/wait.h>

#include "fs.h"
#include "service.h"

/* How long a writer to a console waits for an instance that takes no input */
#define MK_INPUT_WAIT_MS	10000

/* Bounds of periods: less would cost more than it tells, more is no watch at all */
#define MK_BEAT_MS_MIN		10

static void mk_show_size(struct seq_file *sf, u64 size)
{
	if (!size || size % SZ_1K)
		seq_printf(sf, "%llu\n", size);
	else if (size % SZ_1M)
		seq_printf(sf, "%lluK\n", size / SZ_1K);
	else
		seq_printf(sf, "%lluM\n", size / SZ_1M);
}

static int mk_id_show(struct mk_instance *inst, struct seq_file *sf)
{
	seq_printf(sf, "%u\n", inst->id);
	return 0;
}

static int mk_id_write(struct mk_instance *inst, char *buf)
{
	u32 id;

	if (kstrtou32(buf, 10, &id))
		return mk_fail(-EINVAL, "\"%s\" is not a number", buf);
	return mk_instance_set_id(inst, id);
}

static int mk_state_show(struct mk_instance *inst, struct seq_file *sf)
{
	seq_printf(sf, "%s\n", mk_state_name(READ_ONCE(inst->state)));
	return 0;
}

static int mk_state_write(struct mk_instance *inst, char *buf)
{
	/* As for reboot(2), which starts instances too */
	if (!capable(CAP_SYS_BOOT))
		return mk_fail(-EPERM, "start, stop and kill take CAP_SYS_BOOT");
	lockdep_assert_held(&inst->lock);
	if (!strcmp(buf, "start"))
		return mk_life_start(inst);
	if (!strcmp(buf, "stop"))
		return mk_life_stop(inst);
	if (!strcmp(buf, "kill"))
		return mk_life_kill(inst, "killed");
	return mk_fail(-EINVAL, "\"%s\" is none of start, stop, kill", buf);
}

static int mk_reason_show(struct mk_instance *inst, struct seq_file *sf)
{
	guard(mutex)(&inst->lock);
	seq_printf(sf, "%s\n", inst->reason);
	return 0;
}

static int mk_cpus_show(struct mk_instance *inst, struct seq_file *sf)
{
	guard(mutex)(&inst->lock);
	seq_printf(sf, "%*pbl\n", cpumask_pr_args(inst->cpus));
	return 0;
}

static int mk_parse_cpus(const char *buf, struct cpumask *cpus)
{
	if (!cpulist_parse(buf, cpus))
		return 0;
	return mk_fail(-EINVAL, "\"%s\" is not a list of CPUs; this machine has %*pbl",
		       buf, cpumask_pr_args(cpu_present_mask));
}

static int mk_parse_size(const char *buf, u64 *size)
{
	char *end;

	*size = memparse(buf, &end);
	if (isdigit(buf[0]) && !*end)
		return 0;
	return mk_fail(-EINVAL, "\"%s\" is not a size such as 512M", buf);
}

static int mk_cpus_change(struct mk_instance *inst, const struct cpumask *want)
{
	if (READ_ONCE(inst->state) == MK_RUNNING)
		return mk_resize_cpus(inst, want);
	guard(mutex)(&inst->lock);
	return inst->dead ? -ENODEV : mk_cpus_set(inst, want);
}

static int mk_cpus_write(struct mk_instance *inst, char *buf)
{
	cpumask_var_t want;
	int ret;

	if (!zalloc_cpumask_var(&want, GFP_KERNEL))
		return -ENOMEM;
	ret = mk_parse_cpus(buf, want) ?: mk_cpus_change(inst, want);
	free_cpumask_var(want);
	return ret;
}

static int mk_memory_show(struct mk_instance *inst, struct seq_file *sf)
{
	guard(mutex)(&inst->lock);
	mk_show_size(sf, (u64)inst->mem.pages * PAGE_SIZE);
	return 0;
}

/* Less than it has, if it did not let go of all that it should */
static int mk_memory_wanted_show(struct mk_instance *inst, struct seq_file *sf)
{
	guard(mutex)(&inst->lock);
	mk_show_size(sf, inst->mem_wanted);
	return 0;
}

static int mk_memory_write_file(struct mk_instance *inst, char *buf)
{
	u64 size;
	int ret = mk_parse_size(buf, &size);

	if (ret)
		return ret;
	if (size % PAGE_SIZE)
		return mk_fail(-EINVAL, "%llu bytes is not a multiple of the page size, %lu",
			       size, PAGE_SIZE);
	if (READ_ONCE(inst->state) == MK_RUNNING)
		return mk_resize_memory(inst, size);
	guard(mutex)(&inst->lock);
	return inst->dead ? -ENODEV : mk_memory_set(inst, size);
}

/* "cpus 3 db" or "memory 256M db" */
static int mk_move_to(struct mk_instance *inst, const char *what, const char *much,
		      struct mk_instance *to)
{
	cpumask_var_t cpus;
	u64 size;
	int ret;

	if (!strcmp(what, "memory"))
		return mk_parse_size(much, &size) ?: mk_resize_move_memory(inst, to, size);
	if (strcmp(what, "cpus"))
		return mk_fail(-EINVAL, "\"%s\" is none of cpus, memory", what);
	if (!zalloc_cpumask_var(&cpus, GFP_KERNEL))
		return -ENOMEM;
	ret = mk_parse_cpus(much, cpus) ?: mk_resize_move_cpus(inst, to, cpus);
	free_cpumask_var(cpus);
	return ret;
}

static int mk_move_write(struct mk_instance *inst, char *buf)
{
	char *what = strsep(&buf, " "), *much = strsep(&buf, " ");
	struct mk_instance *to;
	int ret;

	if (!what || !much || !buf)
		return mk_fail(-EINVAL, "it takes \"cpus LIST NAME\" or \"memory SIZE NAME\"");
	to = mk_instance_get_by_name(buf);
	if (!to)
		return mk_fail(-ENOENT, "there is no instance %s", buf);
	ret = mk_move_to(inst, what, much, to);
	mk_instance_put(to);
	return ret;
}

static int mk_successor_write(struct mk_instance *inst, char *buf)
{
	struct mk_instance *to __free(mk_instance) = mk_instance_get_by_name(buf);

	if (!to)
		return mk_fail(-ENOENT, "there is no instance %s", buf);
	return mk_resize_succeed(inst, to);
}

static int mk_memory_map_show(struct mk_instance *inst, struct seq_file *sf)
{
	unsigned int i;

	guard(mutex)(&inst->lock);
	for (i = 0; i < inst->mem.nr; i++) {
		struct mk_range *range = &inst->mem.range[i];
		u64 start = page_to_phys(range->page);

		seq_printf(sf, "0x%llx-0x%llx node%d\n", start,
			   start + (u64)range->nr * PAGE_SIZE,
			   page_to_nid(range->page));
	}
	return 0;
}

static int mk_numa_show(struct mk_instance *inst, struct seq_file *sf)
{
	guard(mutex)(&inst->lock);
	seq_printf(sf, "%*pbl\n", nodemask_pr_args(&inst->numa));
	return 0;
}

static int mk_numa_write(struct mk_instance *inst, char *buf)
{
	nodemask_t nodes;

	if (nodelist_parse(buf, nodes))
		return mk_fail(-EINVAL, "\"%s\" is not a list of nodes; this machine has %*pbl",
			       buf, nodemask_pr_args(&node_states[N_ONLINE]));
	guard(mutex)(&inst->lock);
	return mk_nodes_prefer(inst, &nodes);
}

static int mk_cmdline_show(struct mk_instance *inst, struct seq_file *sf)
{
	guard(mutex)(&inst->lock);
	if (inst->info.cmdline)
		seq_printf(sf, "%s\n", inst->info.cmdline);
	return 0;
}

static int mk_firmware_show(struct mk_instance *inst, struct seq_file *sf)
{
	bool acpi = READ_ONCE(inst->firmware) == MK_FIRMWARE_ACPI;

	seq_printf(sf, "%s\n", acpi ? "acpi" : "block");
	return 0;
}

static int mk_firmware_write(struct mk_instance *inst, char *buf)
{
	guard(mutex)(&inst->lock);
	if (mk_state_is_up(inst->state))
		return mk_fail(-EBUSY, "instance %s is %s; stop it first",
			       inst->name, mk_state_name(inst->state));
	if (!strcmp(buf, "block"))
		inst->firmware = MK_FIRMWARE_BLOCK;
	else if (!strcmp(buf, "acpi"))
		inst->firmware = MK_FIRMWARE_ACPI;
	else
		return mk_fail(-EINVAL, "\"%s\" is none of block, acpi", buf);
	return 0;
}

static int mk_image_show(struct mk_instance *inst, struct seq_file *sf)
{
	struct mk_image_info *info = &inst->info;

	guard(mutex)(&inst->lock);
	if (info->segments)
		seq_printf(sf, "segments %lu\nsegments_size %zu\n", info->segments,
			   info->segments_size);
	if (!info->kernel_size)
		return 0;
	seq_printf(sf, "kernel_name %s\n", info->kernel_name);
	seq_printf(sf, "kernel_size %zu\ninitrd_size %zu\n", info->kernel_size,
		   info->initrd_size);
	seq_printf(sf, "kernel_sha256 %*phN\n", SHA256_DIGEST_SIZE,
		   info->kernel_sha256);
	if (info->initrd_size)
		seq_printf(sf, "initrd_name %s\ninitrd_sha256 %*phN\n",
			   info->initrd_name, SHA256_DIGEST_SIZE,
			   info->initrd_sha256);
	return 0;
}

static int mk_inst_abi_show(struct mk_instance *inst, struct seq_file *sf)
{
	struct mk_link *link = &inst->link;

	guard(mutex)(&inst->lock);
	seq_printf(sf, "agreed %u\nnewest %u\noldest %u\nfeatures 0x%llx\n",
		   link->version, link->theirs.newest, link->theirs.oldest,
		   link->features);
	return 0;
}

static int mk_show_ms(struct seq_file *sf, unsigned int ms)
{
	seq_printf(sf, "%u\n", ms);
	return 0;
}

static int mk_parse_ms(const char *buf, unsigned int least, unsigned int *ms)
{
	unsigned int value;

	if (kstrtouint(buf, 10, &value) || value > MK_MS_MAX || (value && value < least))
		return mk_fail(-EINVAL, "\"%s\" is not 0, nor %u to %u milliseconds", buf,
			       least, MK_MS_MAX);
	WRITE_ONCE(*ms, value);
	return 0;
}

static int mk_beat_show(struct mk_instance *inst, struct seq_file *sf)
{
	return mk_show_ms(sf, READ_ONCE(inst->beat_ms));
}

static int mk_beat_write(struct mk_instance *inst, char *buf)
{
	unsigned int ms;
	int ret = mk_parse_ms(buf, MK_BEAT_MS_MIN, &ms);

	if (ret)
		return ret;
	guard(mutex)(&inst->lock);
	if (mk_state_is_up(inst->state))
		return mk_fail(-EBUSY, "instance %s is %s; stop it first", inst->name,
			       mk_state_name(inst->state));
	if (inst->hang_ms && ms > inst->hang_ms / 2)
		return mk_fail(-EINVAL,
			       "of heartbeats every %u ms there are not two in hang_ms, %u",
			       ms, inst->hang_ms);
	WRITE_ONCE(inst->beat_ms, ms);
	return 0;
}

static int mk_hang_show(struct mk_instance *inst, struct seq_file *sf)
{
	return mk_show_ms(sf, READ_ONCE(inst->hang_ms));
}

static int mk_hang_write(struct mk_instance *inst, char *buf)
{
	guard(mutex)(&inst->lock);
	return mk_parse_ms(buf, max(2 * inst->beat_ms, MK_BEAT_MS_MIN), &inst->hang_ms);
}

static int mk_boot_ms_show(struct mk_instance *inst, struct seq_file *sf)
{
	return mk_show_ms(sf, READ_ONCE(inst->boot_ms));
}

static int mk_boot_ms_write(struct mk_instance *inst, char *buf)
{
	int ret;

	guard(mutex)(&inst->lock);
	ret = mk_parse_ms(buf, MK_BEAT_MS_MIN, &inst->boot_ms);
	if (!ret)
		mk_watch_deadline(inst);
	return ret;
}

static int mk_winsize_show(struct mk_instance *inst, struct seq_file *sf)
{
	seq_printf(sf, "%u %u\n", READ_ONCE(inst->winsize.rows),
		   READ_ONCE(inst->winsize.columns));
	return 0;
}

static int mk_winsize_write(struct mk_instance *inst, char *buf)
{
	struct mk_msg_winsize size;
	char rest;

	if (sscanf(buf, "%hu %hu %c", &size.rows, &size.columns, &rest) != 2 ||
	    !size.rows || !size.columns)
		return mk_fail(-EINVAL, "'%s' is not two numbers, rows and columns, up to %u",
			       buf, U16_MAX);
	guard(mutex)(&inst->lock);
	inst->winsize = size;
	/* It may have no time: the next one is as good */
	mk_life_winsize(inst);
	return 0;
}

static int mk_recovery_show(struct mk_instance *inst, struct seq_file *sf)
{
	seq_printf(sf, "%s\n", READ_ONCE(inst->recovery) ? "restart" : "disabled");
	return 0;
}

static int mk_recovery_write(struct mk_instance *inst, char *buf)
{
	guard(mutex)(&inst->lock);
	if (!strcmp(buf, "restart"))
		mk_recover_set(inst, true);
	else if (!strcmp(buf, "disabled"))
		mk_recover_set(inst, false);
	else
		return mk_fail(-EINVAL, "\"%s\" is none of disabled, restart", buf);
	return 0;
}

static int mk_events_show(struct mk_instance *inst, struct seq_file *sf)
{
	guard(mutex)(&inst->lock);
	seq_printf(sf, "starts %lu\nstops %lu\ncrashes %lu\nhangs %lu\nrestarts %lu\nupdates %lu\nstate_changes %lu\n",
		   inst->events.starts, inst->events.stops, inst->events.crashes,
		   inst->events.hangs, inst->events.restarts, inst->events.updates,
		   inst->events.state_changes);
	return 0;
}

static int mk_nop_show(struct mk_instance *inst, struct seq_file *sf)
{
	struct mk_nop_result *res = &inst->nop;

	guard(mutex)(&inst->lock);
	seq_printf(sf, "rounds %u\nlost %u\nmin_ns %llu\nmedian_ns %llu\nmax_ns %llu\n",
		   res->rounds, res->lost, res->min_ns, res->median_ns,
		   res->max_ns);
	return 0;
}

static int mk_nop_write(struct mk_instance *inst, char *buf)
{
	unsigned int rounds;

	if (kstrtouint(buf, 10, &rounds))
		return mk_fail(-EINVAL, "\"%s\" is not a number of rounds", buf);
	return mk_life_nop(inst, rounds);
}

static ssize_t mk_log_read(struct kernfs_open_file *of, char *buf, size_t len,
			   loff_t off)
{
	return mk_console_read(mk_of_console(of), buf, len, off);
}

static const struct kernfs_ops mk_log_ops = {
	.read = mk_log_read,
};

static bool mk_of_is_up(struct kernfs_open_file *of)
{
	struct mk_instance *inst __free(mk_instance) = mk_of_inst(of);

	return mk_state_is_up(READ_ONCE(inst->state));
}

static bool mk_console_ready(struct kernfs_open_file *of, loff_t off)
{
	return mk_console_end(mk_of_console(of)) > off || !mk_of_is_up(of);
}

static ssize_t mk_console_file_read(struct kernfs_open_file *of, char *buf,
				    size_t len, loff_t off)
{
	struct mk_console *con = mk_of_console(of);
	int ret;

	if (!mk_console_ready(of, off)) {
		if (of->file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(*mk_console_waitq(con),
					       mk_console_ready(of, off));
		if (ret)
			return ret;
	}
	return mk_console_read(con, buf, len, off);
}

static ssize_t mk_console_file_write(struct kernfs_open_file *of, char *buf,
				     size_t len, loff_t off)
{
	struct mk_instance *inst __free(mk_instance) = mk_of_inst(of);
	unsigned long deadline = jiffies + msecs_to_jiffies(MK_INPUT_WAIT_MS);
	ssize_t ret;

	mk_error_clear();
	for (;;) {
		if (!mk_state_is_up(READ_ONCE(inst->state)))
			return mk_fail(-ENOTCONN, "instance %s is %s", inst->name,
				       mk_state_name(inst->state));
		ret = mk_console_input(inst, buf, len);
		if (ret != -EAGAIN || of->file->f_flags & O_NONBLOCK)
			return ret;
		if (time_after(jiffies, deadline))
			return mk_fail(-EAGAIN, "instance %s takes no input",
				       inst->name);
		if (schedule_timeout_interruptible(1))
			return -EINTR;
	}
}

static __poll_t mk_console_file_poll(struct kernfs_open_file *of,
				     struct poll_table_struct *pt)
{
	__poll_t mask = EPOLLOUT | EPOLLWRNORM;

	/* On a queue of kernfs, which lasts as long as the file is open */
	kernfs_generic_poll(of, pt);
	if (mk_console_ready(of, of->file->f_pos))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (!mk_of_is_up(of))
		mask |= EPOLLHUP;
	return mask;
}

static const struct kernfs_ops mk_console_ops = {
	.read = mk_console_file_read,
	.write = mk_console_file_write,
	.poll = mk_console_file_poll,
};

/* A kill that has waited for the lock must not hit what has taken the place meanwhile */
static ssize_t mk_state_file_write(struct kernfs_open_file *of, char *buf, size_t len,
				   loff_t off)
{
	struct mk_instance *inst __free(mk_instance) = mk_of_inst(of);
	int ret;

	mk_error_clear();
	guard(mutex)(&inst->lock);
	if (mk_of_is(of, inst))
		ret = mk_state_write(inst, strstrip(buf));
	else
		ret = mk_fail(-EBUSY, "instance %s has just changed its place with another",
			      inst->name);
	if (!ret)
		return len;
	mk_error_default(ret);
	return ret;
}

static const struct kernfs_ops mk_state_ops = {
	.seq_show = mk_fs_show,
	.write = mk_state_file_write,
	.atomic_write_len = PAGE_SIZE,
};

const struct mk_file mk_instance_files[] = {
	{ "id",		0644, mk_id_show,	mk_id_write },
	{ "state",	0644, mk_state_show,	.ops = &mk_state_ops },
	{ "reason",	0444, mk_reason_show },
	{ "cpus",	0644, mk_cpus_show,	mk_cpus_write },
	{ "memory",	0644, mk_memory_show,	mk_memory_write_file },
	{ "memory.map",	0444, mk_memory_map_show },
	{ "memory.wanted", 0444, mk_memory_wanted_show },
	{ "numa",	0644, mk_numa_show,	mk_numa_write },
	{ "move",	0200, NULL,		mk_move_write },
	{ "successor",	0200, NULL,		mk_successor_write },
	{ "cmdline",	0400, mk_cmdline_show },
	{ "image",	0444, mk_image_show },
	{ "firmware",	0644, mk_firmware_show,	mk_firmware_write },
	{ "abi",	0444, mk_inst_abi_show },
	{ "heartbeat_ms", 0644, mk_beat_show,	mk_beat_write },
	{ "hang_ms",	0644, mk_hang_show,	mk_hang_write },
	{ "boot_ms",	0644, mk_boot_ms_show,	mk_boot_ms_write },
	{ "recovery",	0644, mk_recovery_show,	mk_recovery_write },
	{ "events",	0444, mk_events_show },
	{ "nop",	0644, mk_nop_show,	mk_nop_write },
	{ "log",	0400, .ops = &mk_log_ops },
	{ "winsize",	0644, mk_winsize_show,	mk_winsize_write },
	{ "console",	0600, .ops = &mk_console_ops },
	{ "vmcore",	0400, .ops = &mk_vmcore_ops },
	{}
};

#define MK_STAT(_name, _value)							\
static int mk_stat_##_name(struct mk_instance *inst, struct seq_file *sf)	\
{										\
	seq_printf(sf, "%llu\n", (u64)(_value));				\
	return 0;								\
}

#define MK_SUM(_counter)							\
	mk_link_stat(&inst->link, offsetof(struct mk_channel_stats, _counter))

MK_STAT(sent, MK_SUM(sent))
MK_STAT(received, MK_SUM(received))
MK_STAT(bytes_sent, MK_SUM(bytes_sent))
MK_STAT(bytes_received, MK_SUM(bytes_received))
MK_STAT(bells_sent, MK_SUM(bells_sent) + MK_SUM(bells_room))
MK_STAT(bells_suppressed, mk_link_bells_saved(&inst->link))
MK_STAT(bells_missed, MK_SUM(bells_missed))
MK_STAT(full, MK_SUM(full))
MK_STAT(bad, MK_SUM(bad) + mk_link_bad_tails(&inst->link))
MK_STAT(bells, atomic_long_read(&inst->link.bells))
MK_STAT(channels, mk_broker_count(inst))
MK_STAT(dropped, mk_console_dropped(inst->console))

const struct mk_file mk_stats_files[] = {
	{ "messages_sent",	  0444, mk_stat_sent },
	{ "messages_received",	  0444, mk_stat_received },
	{ "bytes_sent",		  0444, mk_stat_bytes_sent },
	{ "bytes_received",	  0444, mk_stat_bytes_received },
	{ "doorbells_sent",	  0444, mk_stat_bells_sent },
	{ "doorbells_received",	  0444, mk_stat_bells },
	{ "doorbells_suppressed", 0444, mk_stat_bells_suppressed },
	{ "doorbells_missed",	  0444, mk_stat_bells_missed },
	{ "ring_full",		  0444, mk_stat_full },
	{ "bad_messages",	  0444, mk_stat_bad },
	{ "console_dropped",	  0444, mk_stat_dropped },
	{ "channels",		  0444, mk_stat_channels },
	{}
};

static int mk_version_show(struct mk_instance *inst, struct seq_file *sf)
{
	seq_puts(sf, "1\n");
	return 0;
}

static int mk_abi_show(struct mk_instance *inst, struct seq_file *sf)
{
	seq_printf(sf, "%u\n", mk_abi_ours()->newest);
	return 0;
}

static int mk_abi_oldest_show(struct mk_instance *inst, struct seq_file *sf)
{
	seq_printf(sf, "%u\n", mk_abi_ours()->oldest);
	return 0;
}

static int mk_features_show(struct mk_instance *inst, struct seq_file *sf)
{
	seq_printf(sf, "kexec_file_load %sconsole nop\n",
		   IS_ENABLED(CONFIG_KEXEC) ? "kexec_load " : "");
	return 0;
}

static int mk_bare_show(struct mk_instance *inst, struct seq_file *sf)
{
	seq_printf(sf, "%llu\n", mk_flood_bare());
	return 0;
}

static int mk_last_error_show(struct mk_instance *inst, struct seq_file *sf)
{
	mk_error_show(sf);
	return 0;
}

const struct mk_file mk_info_files[] = {
	{ "version",	0444, mk_version_show },
	{ "abi",	0444, mk_abi_show },
	{ "abi_oldest", 0444, mk_abi_oldest_show },
	{ "features",	0444, mk_features_show },
	{ "last_error",	0444, mk_last_error_show },
	{ "doorbells_bare", 0444, mk_bare_show },
	{}
};

static int mk_pool_quarantine_show(struct mk_instance *inst, struct seq_file *sf)
{
	mk_ledger_show_quarantine(sf);
	return 0;
}

static int mk_keep_cpus_show(struct mk_instance *inst, struct seq_file *sf)
{
	mk_cpus_show_kept(sf);
	return 0;
}

static int mk_keep_cpus_write(struct mk_instance *inst, char *buf)
{
	cpumask_var_t keep;
	int ret;

	if (!zalloc_cpumask_var(&keep, GFP_KERNEL))
		return -ENOMEM;
	ret = mk_parse_cpus(buf, keep);
	if (!ret)
		mk_cpus_keep(keep);
	free_cpumask_var(keep);
	return ret;
}

static int mk_keep_memory_show(struct mk_instance *inst, struct seq_file *sf)
{
	mk_show_size(sf, mk_memory_kept());
	return 0;
}

static int mk_keep_memory_write(struct mk_instance *inst, char *buf)
{
	u64 size;
	int ret = mk_parse_size(buf, &size);

	if (!ret)
		mk_memory_keep(size);
	return ret;
}

static int mk_sf_nid(struct seq_file *sf)
{
	struct kernfs_open_file *of = sf->private;
	struct mk_node *node = of->kn->priv;

	return node->nid;
}

static int mk_pool_cpus_show(struct mk_instance *inst, struct seq_file *sf)
{
	mk_cpus_show_pool(sf, mk_sf_nid(sf));
	return 0;
}

static int mk_pool_memory_show(struct mk_instance *inst, struct seq_file *sf)
{
	mk_show_size(sf, mk_memory_pool());
	return 0;
}

static int mk_pool_node_memory_show(struct mk_instance *inst, struct seq_file *sf)
{
	mk_show_size(sf, (u64)sum_zone_node_page_state(mk_sf_nid(sf), NR_FREE_PAGES) * PAGE_SIZE);
	return 0;
}

const struct mk_file mk_pool_node_files[] = {
	{ "cpus",	0444, mk_pool_cpus_show },
	{ "memory",	0444, mk_pool_node_memory_show },
	{}
};

const struct mk_file mk_pool_files[] = {
	{ "cpus",	0444, mk_pool_cpus_show },
	{ "memory",	0444, mk_pool_memory_show },
	{ "keep_cpus",	0644, mk_keep_cpus_show, mk_keep_cpus_write },
	{ "keep_memory", 0644, mk_keep_memory_show, mk_keep_memory_write },
	{ "quarantine",	0444, mk_pool_quarantine_show },
	{}
};
