// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fs.c - the filesystem under /sys/fs/multikernel
 *
 * A kernfs of its own, like those of cgroup and resctrl: mkdir in instances/
 * creates an instance, rmdir removes it.  This file has no policy; which files
 * there are and what they do is in files.c.
 *
 * Locking
 * -------
 *
 * kernfs keeps a node alive while an operation on it runs (active reference).
 * rmdir drops its own, takes everything back from the instance under its lock,
 * and removes the directory after the lock is released, because operations on
 * files in it may be waiting for the lock.
 *
 * Two instances may exchange their directories while files in them are open and in use, see
 * succeed.c.  So an operation takes a reference to the instance that is behind the file at
 * that moment, under mk_nodes_lock, a leaf.  A console, with its text, belongs to the
 * directory: the file's active reference keeps it.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/nodemask.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "fs.h"

static struct kernfs_root *mk_root;
static struct kernfs_node *mk_instances_kn;
static DEFINE_SPINLOCK(mk_nodes_lock);

/**
 * mk_node_inst() - the instance behind a file
 * @node: what the file points to
 *
 * Return: the instance with a reference for the caller; NULL for a file of none.
 */
static struct mk_instance *mk_node_inst(const struct mk_node *node)
{
	guard(spinlock)(&mk_nodes_lock);
	if (node->inst)
		mk_instance_get(node->inst);
	return node->inst;
}

/**
 * mk_of_inst() - whose file is this?
 * @of: an open file of an instance
 *
 * Return: the instance with a reference for the caller.
 */
struct mk_instance *mk_of_inst(struct kernfs_open_file *of)
{
	return mk_node_inst(of->kn->priv);
}

/**
 * mk_of_console() - the console behind a file
 * @of: an open file of an instance
 *
 * Return: the console, which is there as long as the operation on the file lasts.
 */
struct mk_console *mk_of_console(struct kernfs_open_file *of)
{
	struct mk_node *node = of->kn->priv;

	guard(spinlock)(&mk_nodes_lock);
	return node->inst->console;
}

/**
 * mk_of_is() - is this instance still behind the file?
 * @of: an open file of an instance
 * @inst: what mk_of_inst() has said
 *
 * If the instance is locked it stays so.
 *
 * Return: true if so.
 */
bool mk_of_is(struct kernfs_open_file *of, const struct mk_instance *inst)
{
	struct mk_node *node = of->kn->priv;

	guard(spinlock)(&mk_nodes_lock);
	return node->inst == inst;
}

/**
 * mk_fs_show() - print a file, for operations of its own
 * @sf: where to
 * @unused: by kernfs
 *
 * Return: 0 or a negative errno.
 */
int mk_fs_show(struct seq_file *sf, void *unused)
{
	struct kernfs_open_file *of = sf->private;
	struct mk_node *node = of->kn->priv;
	struct mk_instance *inst __free(mk_instance) = mk_node_inst(node);

	return node->file->show(inst, sf);
}

static ssize_t mk_fs_write(struct kernfs_open_file *of, char *buf, size_t len,
			   loff_t off)
{
	struct mk_node *node = of->kn->priv;
	struct mk_instance *inst __free(mk_instance) = mk_node_inst(node);
	int ret;

	mk_error_clear();
	ret = node->file->write(inst, strstrip(buf));
	if (!ret)
		return len;
	mk_error_default(ret);
	return ret;
}

static const struct kernfs_ops mk_fs_ops_ro = {
	.seq_show = mk_fs_show,
};

/* A CPU list of many CPUs is the longest thing that is ever written */
static const struct kernfs_ops mk_fs_ops_rw = {
	.seq_show = mk_fs_show,
	.write = mk_fs_write,
	.atomic_write_len = PAGE_SIZE,
};

static const struct kernfs_ops *mk_fs_ops(const struct mk_file *file)
{
	if (file->ops)
		return file->ops;
	return file->write ? &mk_fs_ops_rw : &mk_fs_ops_ro;
}

static int mk_fs_add_files(struct kernfs_node *dir, const struct mk_file *file,
			   struct mk_instance *inst, int nid)
{
	for (; file->name; file++) {
		struct mk_node *node = kzalloc_obj(*node);
		struct kernfs_node *kn;

		if (!node)
			return -ENOMEM;
		node->file = file;
		node->inst = inst;
		node->nid = nid;
		kn = __kernfs_create_file(dir, file->name, file->mode,
					  GLOBAL_ROOT_UID, GLOBAL_ROOT_GID, 0,
					  mk_fs_ops(file), node, NULL, NULL);
		if (IS_ERR(kn)) {
			kfree(node);
			return PTR_ERR(kn);
		}
		if (inst) {
			list_add(&node->link, &inst->nodes);
			if (!strcmp(file->name, "events"))
				inst->events_kn = kn;
			if (!strcmp(file->name, "console"))
				inst->console_kn = kn;
		}
	}
	return 0;
}

static struct kernfs_node *mk_fs_add_dir(struct kernfs_node *parent, const char *name,
					 const struct mk_file *files,
					 struct mk_instance *inst, int nid)
{
	struct kernfs_node *kn;
	int ret;

	kn = kernfs_create_dir(parent, name, 0755, NULL);
	if (IS_ERR(kn))
		return kn;
	ret = mk_fs_add_files(kn, files, inst, nid);
	if (!ret)
		return kn;
	kernfs_remove(kn);
	return ERR_PTR(ret);
}

static void mk_fs_free_nodes(struct mk_instance *inst)
{
	struct mk_node *node, *next;

	list_for_each_entry_safe(node, next, &inst->nodes, link)
		kfree(node);
	INIT_LIST_HEAD(&inst->nodes);
}

static void mk_fs_forget(struct mk_instance *inst, struct kernfs_node *kn)
{
	kernfs_remove(kn);
	mk_fs_free_nodes(inst);
	mk_instance_put(inst);
}

static int mk_fs_populate(struct kernfs_node *kn, struct mk_instance *inst)
{
	struct kernfs_node *stats;
	int ret;

	ret = mk_fs_add_files(kn, mk_instance_files, inst, NUMA_NO_NODE);
	if (ret)
		return ret;
	stats = mk_fs_add_dir(kn, "stats", mk_stats_files, inst, NUMA_NO_NODE);
	return PTR_ERR_OR_ZERO(stats);
}

/**
 * mk_fs_add() - make the directory of an instance
 * @inst: one that has none
 *
 * Context: process, not under locks of the instance.
 * Return: 0 or a negative errno.
 */
int mk_fs_add(struct mk_instance *inst)
{
	struct kernfs_node *kn;
	int ret;

	kn = kernfs_create_dir(mk_instances_kn, inst->name, 0755, inst);
	if (IS_ERR(kn))
		return PTR_ERR(kn);
	ret = mk_fs_populate(kn, inst);
	if (!ret) {
		inst->dir_kn = kn;
		kernfs_activate(kn);
		return 0;
	}
	inst->events_kn = NULL;
	inst->console_kn = NULL;
	kernfs_remove(kn);
	mk_fs_free_nodes(inst);
	return ret;
}

static int mk_fs_create(const char *name)
{
	struct mk_instance *inst;
	int ret;

	inst = mk_instance_create(name);
	if (IS_ERR(inst))
		return PTR_ERR(inst);
	ret = mk_fs_add(inst);
	if (ret) {
		mk_instance_retire(inst);
		mk_instance_put(inst);
	}
	return ret;
}

static int mk_fs_mkdir(struct kernfs_node *parent, const char *name, umode_t mode)
{
	int ret;

	mk_error_clear();
	if (parent != mk_instances_kn)
		return mk_fail(-EPERM, "directories can be made in instances/ only");
	ret = mk_fs_create(name);
	if (ret)
		mk_error_default(ret);
	return ret;
}

static int mk_fs_rmdir(struct kernfs_node *kn)
{
	struct mk_instance *inst __free(mk_instance) = NULL;
	int ret;

	mk_error_clear();
	scoped_guard(spinlock, &mk_nodes_lock) {
		inst = kn->priv;
		if (inst)
			mk_instance_get(inst);
	}
	/* Only the directory of an instance points to something */
	if (!inst)
		return mk_fail(-EPERM, "only directories in instances/ can be removed");

	kernfs_break_active_protection(kn);
	/* Not if that is another one's directory by now */
	ret = mk_instance_retire_from(inst, kn);
	if (!ret)
		mk_fs_forget(inst, kn);
	kernfs_unbreak_active_protection(kn);
	return ret;
}

static struct kernfs_syscall_ops mk_fs_syscall_ops = {
	.mkdir = mk_fs_mkdir,
	.rmdir = mk_fs_rmdir,
};

static void mk_fs_notify(struct mk_instance *inst, bool state)
{
	if (state)
		mk_uevent(inst);
	if (state && inst->events_kn)
		kernfs_notify(inst->events_kn);
	if (inst->console_kn)
		kernfs_notify(inst->console_kn);
}

static void mk_fs_point_to(struct mk_instance *inst)
{
	struct mk_node *node;

	list_for_each_entry(node, &inst->nodes, link)
		node->inst = inst;
	/* A unit test's has no directory */
	if (inst->dir_kn)
		inst->dir_kn->priv = inst;
}

/* Files, open or not, and references stay with the directory */
static void mk_fs_exchange(struct mk_instance *a, struct mk_instance *b)
{
	LIST_HEAD(nodes);

	guard(spinlock)(&mk_nodes_lock);
	list_splice_init(&a->nodes, &nodes);
	list_splice_init(&b->nodes, &a->nodes);
	list_splice(&nodes, &b->nodes);
	swap(a->dir_kn, b->dir_kn);
	swap(a->events_kn, b->events_kn);
	swap(a->console_kn, b->console_kn);
	swap(a->console, b->console);
	mk_fs_point_to(a);
	mk_fs_point_to(b);
}

static int mk_fs_get_tree(struct fs_context *fc)
{
	return kernfs_get_tree(fc);
}

static void mk_fs_free_context(struct fs_context *fc)
{
	struct kernfs_fs_context *kfc = fc->fs_private;

	kernfs_free_fs_context(fc);
	kfree(kfc);
}

static const struct fs_context_operations mk_fs_context_ops = {
	.free = mk_fs_free_context,
	.get_tree = mk_fs_get_tree,
};

static int mk_fs_init_context(struct fs_context *fc)
{
	struct kernfs_fs_context *kfc = kzalloc_obj(*kfc);

	if (!kfc)
		return -ENOMEM;
	kfc->root = mk_root;
	kfc->magic = MULTIKERNEL_SUPER_MAGIC;
	fc->fs_private = kfc;
	fc->ops = &mk_fs_context_ops;
	fc->global = true;
	return 0;
}

static struct file_system_type mk_fs_type = {
	.name = "multikernel",
	.init_fs_context = mk_fs_init_context,
	.kill_sb = kernfs_kill_sb,
};

/* Nodes that come later have no directory of their own */
static int __init mk_fs_fill_pool(struct kernfs_node *root)
{
	struct kernfs_node *pool, *kn;
	char name[16];
	int nid;

	pool = mk_fs_add_dir(root, "pool", mk_pool_files, NULL, NUMA_NO_NODE);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	for_each_online_node(nid) {
		snprintf(name, sizeof(name), "node%d", nid);
		kn = mk_fs_add_dir(pool, name, mk_pool_node_files, NULL, nid);
		if (IS_ERR(kn))
			return PTR_ERR(kn);
	}
	return 0;
}

static int __init mk_fs_fill(void)
{
	struct kernfs_node *root = kernfs_root_to_node(mk_root);
	struct kernfs_node *kn;
	int ret;

	kn = mk_fs_add_dir(root, "info", mk_info_files, NULL, NUMA_NO_NODE);
	if (IS_ERR(kn))
		return PTR_ERR(kn);
	ret = mk_fs_fill_pool(root);
	if (ret)
		return ret;
	mk_instances_kn = kernfs_create_dir(root, "instances", 0755, NULL);
	return PTR_ERR_OR_ZERO(mk_instances_kn);
}

/**
 * mk_fs_init() - make the filesystem mountable
 *
 * Return: 0 or a negative errno.
 */
int __init mk_fs_init(void)
{
	int ret;

	mk_root = kernfs_create_root(&mk_fs_syscall_ops,
				     KERNFS_ROOT_CREATE_DEACTIVATED |
				     KERNFS_ROOT_EXTRA_OPEN_PERM_CHECK, NULL);
	if (IS_ERR(mk_root))
		return PTR_ERR(mk_root);
	ret = mk_fs_fill() ?: sysfs_create_mount_point(fs_kobj, "multikernel");
	if (ret)
		goto out_root;
	kernfs_activate(kernfs_root_to_node(mk_root));
	mk_instance_notify = mk_fs_notify;
	mk_instance_exchanged = mk_fs_exchange;
	ret = register_filesystem(&mk_fs_type);
	if (!ret)
		return 0;
	sysfs_remove_mount_point(fs_kobj, "multikernel");
out_root:
	kernfs_destroy_root(mk_root);
	return ret;
}
