/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_FS_H
#define _MULTIKERNEL_FS_H

#include <linux/kernfs.h>

#include "internal.h"

/**
 * struct mk_file - one file of the filesystem
 * @name: its name
 * @mode: permissions
 * @show: print the file; may be NULL
 * @write: take what was written, without white space around; may be NULL
 * @ops: NULL, or the file's own operations instead of @show and @write
 *
 * @show and @write get NULL for the instance in files that belong to none.
 */
struct mk_file {
	const char *name;
	umode_t mode;
	int (*show)(struct mk_instance *inst, struct seq_file *sf);
	int (*write)(struct mk_instance *inst, char *buf);
	const struct kernfs_ops *ops;
};

/**
 * struct mk_node - what a file's kernfs node points to
 * @file: which file
 * @inst: of which instance, or NULL
 * @nid: of which node of the machine, in pool/node<N>
 * @link: in the list of the instance's files
 */
struct mk_node {
	const struct mk_file *file;
	struct mk_instance *inst;
	int nid;
	struct list_head link;
};

/* vmcore.c */
extern const struct kernfs_ops mk_vmcore_ops;

/* files.c; each table ends with an entry without a name */
extern const struct mk_file mk_instance_files[];
extern const struct mk_file mk_stats_files[];
extern const struct mk_file mk_info_files[];
extern const struct mk_file mk_pool_files[];
extern const struct mk_file mk_pool_node_files[];

/* fs.c */
struct mk_instance *mk_of_inst(struct kernfs_open_file *of);
struct mk_console *mk_of_console(struct kernfs_open_file *of);
bool mk_of_is(struct kernfs_open_file *of, const struct mk_instance *inst);
int mk_fs_show(struct seq_file *sf, void *unused);

#endif /* _MULTIKERNEL_FS_H */
