// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: x86: instances outlive the kernel that has started them
 *
 * CPUs of an instance that are offline there wait in the park code, under page tables of the
 * host's, and so will those that go offline later.  The tables are preserved, page by page,
 * and the next host finds them from their top level on.  The park code itself lies in the
 * shared area, and needs nothing else.
 *
 * Which kernels can be such a next host their kernel_info says.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/multikernel/abi/keep.h>
#include <linux/slab.h>

#include "../../../kernel/multikernel/internal.h"
#include "pgtable.h"
#include "x86.h"

/* What was last loaded to be entered by kexec -e, and whether it takes over instances */
static const struct kimage *mk_next_image;
static bool mk_next_keeps;

/**
 * mk_next_loaded() - a kernel is loaded to be entered by kexec
 * @image: not yet in use
 *
 * Context: under the lock of kexec.
 */
void mk_next_loaded(const struct kimage *image)
{
	if (image->type == KEXEC_TYPE_CRASH)
		return;
	mk_next_image = image;
	mk_next_keeps = mk_bzimage_keeps(image->kernel_buf, image->kernel_buf_len) ==
			MK_KEEP_VERSION;
}

/**
 * mk_arch_next_keeps() - see kernel/multikernel/internal.h
 * @image: what kexec enters
 *
 * Return: true if it says so.
 */
bool mk_arch_next_keeps(const struct kimage *image)
{
	return image == mk_next_image && mk_next_keeps;
}

/**
 * mk_arch_keep() - see kernel/multikernel/internal.h
 * @inst: the instance
 * @rec: where to write it down
 *
 * Return: 0, or what KHO says.
 */
int mk_arch_keep(struct mk_instance *inst, struct mk_keep_instance *rec)
{
	struct mk_x86_start *start = inst->arch;
	int ret = mk_pgt_keep(&start->park);

	if (ret)
		return ret;
	rec->x86.park_root_pa = __pa(start->park.root);
	rec->x86.park_levels = start->park.levels;
	return 0;
}

/**
 * mk_arch_unkeep() - see kernel/multikernel/internal.h
 * @inst: the instance
 */
void mk_arch_unkeep(struct mk_instance *inst)
{
	struct mk_x86_start *start = inst->arch;

	mk_pgt_unkeep(&start->park, NULL);
}

/**
 * mk_arch_resume() - see kernel/multikernel/internal.h
 * @inst: the instance
 * @rec: what the host before has written down
 *
 * Return: 0, -ENOMEM, -EFAULT, -EINVAL.
 */
int mk_arch_resume(struct mk_instance *inst, const struct mk_keep_instance *rec)
{
	struct mk_x86_start *start = kzalloc_obj(*start);
	int ret;

	if (!start)
		return -ENOMEM;
	/* Our trampoline is not in the tables yet: mk_arch_park_cpu() sees to that */
	start->slots_off = rec->block.x86.slots_off;
	ret = mk_pgt_resume(&start->park, rec->x86.park_root_pa, rec->x86.park_levels);
	if (ret) {
		kfree(start);
		return ret;
	}
	inst->arch = start;
	return 0;
}
