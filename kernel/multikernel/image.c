// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: image.c - kexec images of instances
 *
 * kexec knows one image to reboot into and one for a crash.  Here are the images
 * of instances: one for each, tracked with the instance, beside those two and
 * independent of them.  Loading one does not take the kexec lock, so that the
 * host can always jump into its crash kernel.
 *
 * Life of an image:
 *
 * 1. kexec_file_load() or kexec_load() with the multikernel flag finds the
 *    instance by its id: mk_kimage_begin() locks it.
 * 2. The file's format and signature are checked by the existing code;
 *    mk_kimage_place() finds places for its parts in the memory of the instance.
 *    For kexec_load() the caller has chosen them.
 * 3. mk_kimage_finish() copies the parts into pages of the host and makes the
 *    image the instance's, in place of an older one.
 * 4. Each start copies the parts to their places: mk_image_install().  The
 *    pristine parts stay in the host, so that a restart needs no file.
 * 5. mk_kimage_unload(), or the end of the instance, drops it.
 *
 * Locking
 * -------
 *
 * All under the instance's lock.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/kexec.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <crypto/sha2.h>

#include "internal.h"
#include "../kexec_internal.h"

/**
 * mk_kimage_begin() - a load for an instance begins
 * @id: the instance's id, from the flags of the system call
 *
 * Return: the instance, locked, to be passed to mk_kimage_end(); or an
 * ERR_PTR(): -ENOENT if there is none, -EBUSY if it is up.
 */
struct mk_instance *mk_kimage_begin(unsigned int id)
{
	struct mk_instance *inst;

	mk_error_clear();
	inst = mk_instance_get_by_id(id);
	if (!inst)
		return ERR_PTR(mk_fail(-ENOENT, "there is no instance with id %u",
				       id));
	mutex_lock(&inst->lock);
	if (inst->dead || mk_state_is_up(inst->state)) {
		mk_fail(-EBUSY, "instance %s is %s; stop it before loading",
			inst->name, mk_state_name(inst->state));
		mk_kimage_end(inst, -EBUSY);
		return ERR_PTR(-EBUSY);
	}
	return inst;
}

/* kexec's own checks give a number alone */
static void mk_kimage_explain(int err)
{
	switch (err) {
	case -ENOEXEC:
		mk_fail(err,
			"no loader of kexec takes this kernel file; a relocatable bzImage for 64-bit x86 is expected");
		break;
	case -ENODATA:
	case -ENOKEY:
	case -EKEYREJECTED:
	case -EBADMSG:
		mk_fail(err, "the signature of the kernel file is missing or not accepted");
		break;
	default:
		mk_error_default(err);
	}
}

/**
 * mk_kimage_end() - a load has ended
 * @inst: from mk_kimage_begin()
 * @ret: 0, or the error with which it ended
 */
void mk_kimage_end(struct mk_instance *inst, int ret)
{
	if (ret && !mk_error_is_set())
		mk_kimage_explain(ret);
	kfree(inst->new_info.cmdline);
	inst->new_info = (struct mk_image_info){};
	mutex_unlock(&inst->lock);
	mk_instance_put(inst);
}

/* For people: who puts another file there meanwhile is told of that one */
static void mk_kimage_name(char name[NAME_MAX + 1], int fd)
{
	struct name_snapshot snap;

	CLASS(fd, f)(fd);
	if (fd_empty(f))
		return;
	take_dentry_name_snapshot(&snap, fd_file(f)->f_path.dentry);
	strscpy(name, snap.name.name, NAME_MAX + 1);
	release_dentry_name_snapshot(&snap);
	mk_clean_text(name);
}

/**
 * mk_kimage_place() - find places for the parts of a kernel file
 * @image: with the files read and checked
 * @kernel_fd: where the kernel was read from
 * @initrd_fd: where the initrd was read from, if there is one
 *
 * Return: data for the image's cleanup, or an ERR_PTR().
 */
void *mk_kimage_place(struct kimage *image, int kernel_fd, int initrd_fd)
{
	struct mk_image_info *info = &image->mk->new_info;
	int ret;

	mk_kimage_name(info->kernel_name, kernel_fd);
	if (image->initrd_buf_len)
		mk_kimage_name(info->initrd_name, initrd_fd);
	info->kernel_size = image->kernel_buf_len;
	info->initrd_size = image->initrd_buf_len;
	sha256(image->kernel_buf, image->kernel_buf_len, info->kernel_sha256);
	sha256(image->initrd_buf, image->initrd_buf_len, info->initrd_sha256);
	info->cmdline = kstrdup(image->cmdline_buf ?: "", GFP_KERNEL);
	if (!info->cmdline)
		return ERR_PTR(-ENOMEM);

	ret = mk_arch_place(image);
	return ret ? ERR_PTR(ret) : image->image_loader_data;
}

/**
 * mk_kimage_locate() - search for a place in the instance's memory
 * @kbuf: what to place, and where it may lie
 * @func: tries one range, non-zero if the buffer fits
 *
 * Return: 0, or -ENOSPC if there is no room.
 */
int mk_kimage_locate(struct kexec_buf *kbuf,
		     int (*func)(struct resource *res, void *arg))
{
	struct mk_memory *mem = &kbuf->image->mk->mem;
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		phys_addr_t start = page_to_phys(mem->range[i].page);
		struct resource res = {
			.start = start,
			.end = start + (u64)mem->range[i].nr * PAGE_SIZE - 1,
		};

		if (func(&res, kbuf))
			return 0;
	}
	return mk_fail(-ENOSPC, "no room for %lu KiB in the %lu MiB of instance %s",
		       kbuf->memsz / SZ_1K, mem->pages / (SZ_1M / PAGE_SIZE),
		       kbuf->image->mk->name);
}

static int mk_kimage_check(struct kimage *image)
{
	struct mk_instance *inst = image->mk;
	unsigned long i;
	int ret;

	ret = sanity_check_segment_list(image);
	if (ret)
		return mk_fail(ret, "the segments overlap, are not page-aligned or too large");
	for (i = 0; i < image->nr_segments; i++) {
		struct kexec_segment *seg = &image->segment[i];

		if (!seg->memsz)
			return mk_fail(-EINVAL, "segment %lu is empty", i);
		if (!mk_memory_contains(&inst->mem, seg->mem, seg->memsz))
			return mk_fail(-EADDRNOTAVAIL,
				       "segment %lu (0x%lx, %zu bytes) does not lie in the memory of %s",
				       i, seg->mem, seg->memsz, inst->name);
	}
	return 0;
}

/* All that can be told of an image whose parts have no names */
static void mk_kimage_count(const struct kimage *image, struct mk_image_info *info)
{
	unsigned long i;

	info->segments = image->nr_segments;
	for (i = 0; i < image->nr_segments; i++)
		info->segments_size += image->segment[i].bufsz;
}

/**
 * mk_kimage_finish() - copy the segments and make the image the instance's
 * @image: with its segments placed; the instance's from now on if all went well
 *
 * Return: 0 or a negative errno.  On an error the caller frees @image, and the
 * instance has what it had.
 */
int mk_kimage_finish(struct kimage *image)
{
	struct mk_instance *inst = image->mk;
	unsigned long i;
	int ret;

	ret = mk_kimage_check(image);
	for (i = 0; i < image->nr_segments && !ret; i++)
		ret = kimage_load_segment(image, i);
	if (ret)
		return ret;
	kimage_terminate(image);
	ret = mk_arch_check_image(image, inst);
	if (ret)
		return ret;
	if (image->file_mode)
		kimage_file_post_load_cleanup(image);
	else
		mk_kimage_count(image, &inst->new_info);

	kimage_free(inst->image);
	inst->image = image;
	swap(inst->info, inst->new_info);
	mk_instance_set_state(inst, MK_LOADED);
	return 0;
}

/**
 * mk_image_drop() - forget the image
 * @inst: an instance that is not up, locked
 */
void mk_image_drop(struct mk_instance *inst)
{
	kimage_free(inst->image);
	inst->image = NULL;
	kfree(inst->info.cmdline);
	inst->info = (struct mk_image_info){};
	if (inst->state != MK_OFFLINE)
		mk_instance_set_state(inst, MK_OFFLINE);
}

/**
 * mk_kimage_unload() - unload on behalf of a system call
 * @inst: from mk_kimage_begin()
 *
 * Return: 0.
 */
int mk_kimage_unload(struct mk_instance *inst)
{
	mk_image_drop(inst);
	return 0;
}

/**
 * struct mk_install - pages on their way into the memory of an instance
 * @dest: physical address where the first goes
 * @nr: how many wait
 * @page: the pages; so many as are mapped in one go
 */
struct mk_install {
	phys_addr_t dest;
	unsigned int nr;
	struct page *page[64];
};

static int mk_install_flush(struct mk_instance *inst, struct mk_install *in)
{
	void *src;
	int ret;

	if (!in->nr)
		return 0;
	src = vmap(in->page, in->nr, VM_MAP, PAGE_KERNEL_RO);
	if (!src)
		return -ENOMEM;
	ret = mk_memory_write(inst, in->dest, src, in->nr * PAGE_SIZE);
	vunmap(src);
	in->dest += in->nr * PAGE_SIZE;
	in->nr = 0;
	return ret;
}

static int mk_install_entry(struct mk_instance *inst, struct mk_install *in,
			    kimage_entry_t entry)
{
	int ret = 0;

	if (entry & IND_DESTINATION) {
		ret = mk_install_flush(inst, in);
		in->dest = entry & PAGE_MASK;
	} else if (entry & IND_SOURCE) {
		in->page[in->nr++] = boot_pfn_to_page(entry >> PAGE_SHIFT);
		if (in->nr == ARRAY_SIZE(in->page))
			ret = mk_install_flush(inst, in);
	}
	return ret;
}

/**
 * mk_image_install() - copy the pristine image into the instance's memory
 * @inst: an instance that is not up and has an image, locked
 *
 * Goes through kexec's list of pages, as machine_kexec() does.
 *
 * Return: 0, -ENOMEM, -EFAULT.
 */
int mk_image_install(struct mk_instance *inst)
{
	kimage_entry_t *ptr = &inst->image->head, entry;
	struct mk_install in = {};
	int ret = 0;

	while (!ret && (entry = *ptr) && !(entry & IND_DONE)) {
		ret = mk_install_entry(inst, &in, entry);
		if (entry & IND_INDIRECTION)
			ptr = boot_phys_to_virt(entry & PAGE_MASK);
		else
			ptr++;
	}
	return ret ?: mk_install_flush(inst, &in);
}
