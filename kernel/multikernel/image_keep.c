// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: image_keep.c - an image outlives the kernel that has loaded it
 *
 * The pristine parts of an image lie in pages of the host that kexec's list names, and the
 * list lies in pages itself.  All of them are preserved as they are, and the next host begins
 * where the list does.  See keep.c and resume.c.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/kexec.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/multikernel/abi/keep.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"
#include "../kexec_internal.h"

static int mk_image_keep_page(phys_addr_t pa)
{
	return kho_preserve_pages(pfn_to_page(PHYS_PFN(pa)), 1);
}

static int mk_image_unkeep_page(phys_addr_t pa)
{
	kho_unpreserve_pages(pfn_to_page(PHYS_PFN(pa)), 1);
	return 0;
}

/* As kexec has allocated it */
static int mk_image_resume_page(phys_addr_t pa)
{
	struct page *page = kho_restore_pages(pa, 1);

	if (!page)
		return -EFAULT;
	SetPageReserved(page);
	set_page_private(page, 0);
	return 0;
}

/*
 * For each page of the list that begins at @ptr, those of the list before those that they
 * name; @done says for how many, at most @max, it went well.
 */
static int mk_image_each_page(const kimage_entry_t *ptr, int (*fn)(phys_addr_t pa),
			      unsigned long max, unsigned long *done)
{
	kimage_entry_t entry;
	int ret;

	for (*done = 0; *done < max && (entry = *ptr) && !(entry & IND_DONE); ) {
		if (entry & (IND_SOURCE | IND_INDIRECTION)) {
			ret = fn(entry & PAGE_MASK);
			if (ret)
				return ret;
			++*done;
		}
		if (entry & IND_INDIRECTION)
			ptr = boot_phys_to_virt(entry & PAGE_MASK);
		else
			ptr++;
	}
	return 0;
}

static bool mk_image_can_keep(const struct kimage *image, const struct mk_image_info *info)
{
	unsigned long i;

	for (i = 0; i < image->nr_segments; i++)
		if (image->segment_cma[i])
			return false;
	return image->nr_segments <= MK_KEEP_SEGMENTS &&
	       strlen(info->cmdline ?: "") < MK_KEEP_CMDLINE;
}

static void mk_image_describe(const struct kimage *image, const struct mk_image_info *info,
			      struct mk_keep_image *rec)
{
	unsigned long i;

	rec->start = image->start;
	rec->nr_segments = image->nr_segments;
	for (i = 0; i < image->nr_segments; i++) {
		rec->segment[i].mem = image->segment[i].mem;
		rec->segment[i].memsz = image->segment[i].memsz;
		rec->segment[i].bufsz = image->segment[i].bufsz;
	}
	if (image->file_mode)
		rec->flags |= MK_KEEP_FILE;
	if (info->cmdline) {
		rec->flags |= MK_KEEP_HAS_CMDLINE;
		strscpy(rec->cmdline, info->cmdline);
	}
	strscpy(rec->kernel_name, info->kernel_name);
	strscpy(rec->initrd_name, info->initrd_name);
	rec->kernel_size = info->kernel_size;
	rec->initrd_size = info->initrd_size;
	rec->segments = info->segments;
	rec->segments_size = info->segments_size;
	memcpy(rec->kernel_sha256, info->kernel_sha256, sizeof(rec->kernel_sha256));
	memcpy(rec->initrd_sha256, info->initrd_sha256, sizeof(rec->initrd_sha256));
}

/**
 * mk_image_keep() - have the image of an instance preserved for the next host
 * @inst: the instance, locked
 * @rec: zeroed; where to write it down
 *
 * Without an image, or with one that can't be written down, nothing is.
 *
 * Return: 0, or what KHO says, and nothing is preserved.
 */
int mk_image_keep(struct mk_instance *inst, struct mk_keep_image *rec)
{
	struct kimage *image = inst->image;
	unsigned long done, undone;
	int ret;

	if (!image || !mk_image_can_keep(image, &inst->info))
		return 0;
	ret = mk_image_each_page(&image->head, mk_image_keep_page, ULONG_MAX, &done);
	if (ret) {
		mk_image_each_page(&image->head, mk_image_unkeep_page, done, &undone);
		return ret;
	}
	mk_image_describe(image, &inst->info, rec);
	rec->head = image->head;
	return 0;
}

/**
 * mk_image_unkeep() - undo mk_image_keep()
 * @inst: the instance, locked
 */
void mk_image_unkeep(struct mk_instance *inst)
{
	unsigned long undone;

	mk_image_each_page(&inst->image->head, mk_image_unkeep_page, ULONG_MAX, &undone);
}

static int mk_image_info_resume(struct mk_image_info *info, const struct mk_keep_image *rec)
{
	if (rec->flags & MK_KEEP_HAS_CMDLINE) {
		info->cmdline = kstrdup(rec->cmdline, GFP_KERNEL);
		if (!info->cmdline)
			return -ENOMEM;
	}
	strscpy(info->kernel_name, rec->kernel_name);
	strscpy(info->initrd_name, rec->initrd_name);
	info->kernel_size = rec->kernel_size;
	info->initrd_size = rec->initrd_size;
	info->segments = rec->segments;
	info->segments_size = rec->segments_size;
	memcpy(info->kernel_sha256, rec->kernel_sha256, sizeof(rec->kernel_sha256));
	memcpy(info->initrd_sha256, rec->initrd_sha256, sizeof(rec->initrd_sha256));
	return 0;
}

/**
 * mk_image_resume() - an instance has the image that the host before had loaded
 * @inst: the instance, locked, with its memory
 * @rec: what is written down of it, checked
 *
 * Return: 0, also if there was none; -EFAULT if a page was not preserved; -ENOMEM.
 */
int mk_image_resume(struct mk_instance *inst, const struct mk_keep_image *rec)
{
	struct kimage *image;
	unsigned long i, done;
	int ret;

	if (!rec->head)
		return 0;
	image = do_kimage_alloc_init();
	if (!image)
		return -ENOMEM;
	image->mk = inst;
	image->head = rec->head;
	image->start = rec->start;
	image->file_mode = !!(rec->flags & MK_KEEP_FILE);
	image->nr_segments = rec->nr_segments;
	for (i = 0; i < rec->nr_segments; i++) {
		image->segment[i].mem = rec->segment[i].mem;
		image->segment[i].memsz = rec->segment[i].memsz;
		image->segment[i].bufsz = rec->segment[i].bufsz;
	}
	ret = mk_image_each_page(&image->head, mk_image_resume_page, ULONG_MAX, &done) ?:
	      mk_image_info_resume(&inst->info, rec);
	if (ret) {
		/* Some of its pages may not be ours: lost, with what names them */
		kfree(image);
		return ret;
	}
	inst->image = image;
	return 0;
}
