// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: vmcore.c - the memory of an instance as an ELF core
 *
 * What /proc/vmcore is for the kernel before this one: a core file for crash, makedumpfile
 * and drgn, with the ELF notes that the instance's kernel has prepared for kdump, and one
 * segment for each range of its memory, in ascending order.  It is there when the instance
 * has ended or hangs, until it is started again or its memory changes; who has it open then
 * reads -ESTALE, and what they have mapped is gone.
 *
 * All that the instance says of itself, see &struct mk_dump, is checked to lie in its
 * memory; beyond that a core file is as true as the kernel that wrote it.
 *
 * Read as any file of kernfs it comes by the page, and is copied twice; mapped, which
 * makedumpfile does, not at all.
 *
 * Locking
 * -------
 *
 * mk_instance.lock protects the list of open files, and is taken before mk_vmcore.lock, which
 * is held while memory is read or mapped, and while that is being stopped.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/capability.h>
#include <linux/elf.h>
#include <linux/elfcore.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "fs.h"

/* Bounds of what is taken for a note: those of kdump are 4,140 and 376 bytes long */
#define MK_VMCOREINFO_MAX	SZ_8K
#define MK_CPU_NOTE_MAX		SZ_1K

/* Pages that a fault maps at most: a large page's */
#define MK_VMCORE_AROUND	512UL

/**
 * struct mk_vmcore - an open core file
 * @inst: whose memory it is, with a reference
 * @link: in mk_instance.vmcores
 * @lock: see above
 * @stale: the memory is not what it was any more
 * @mapping: where it may be mapped
 * @head: ELF header, program headers and notes
 * @head_size: in bytes, a multiple of the page size
 * @size: of the file
 * @mem: the memory, in ascending order
 */
struct mk_vmcore {
	struct mk_instance *inst;
	struct list_head link;
	struct mutex lock;	/* see above */
	bool stale;
	struct address_space *mapping;
	void *head;
	size_t head_size;
	u64 size;
	struct mk_memory mem;
};

static int mk_vmcore_cmp(const void *a, const void *b)
{
	const struct mk_range *x = a, *y = b;

	return x->page < y->page ? -1 : x->page > y->page;
}

/* Length of the note there, all in all, if it is one; 0 if not */
static size_t mk_vmcore_note_size(const struct elf_note *note, size_t max)
{
	size_t size;

	if (!note->n_namesz || note->n_namesz > max || note->n_descsz > max)
		return 0;
	size = sizeof(*note) + ALIGN(note->n_namesz, 4) + ALIGN(note->n_descsz, 4);
	return size <= max ? size : 0;
}

/**
 * mk_vmcore_note() - copy a note out of the memory of an instance
 * @inst: the instance, locked
 * @pa: where it says that there is one
 * @to: where to, @max bytes
 * @max: longest that there can be, in bytes
 *
 * Return: its length in bytes; 0 if there is none.
 */
size_t mk_vmcore_note(struct mk_instance *inst, phys_addr_t pa, void *to, size_t max)
{
	struct elf_note note;
	size_t size;

	if (!pa || mk_memory_read(&inst->mem, pa, &note, sizeof(note)))
		return 0;
	size = mk_vmcore_note_size(&note, max);
	if (!size || mk_memory_read(&inst->mem, pa, to, size))
		return 0;
	/* One that hangs may write there still */
	memcpy(to, &note, sizeof(note));
	return size;
}

static size_t mk_vmcore_notes(struct mk_instance *inst, const struct mk_dump *dump, void *to)
{
	size_t size = mk_vmcore_note(inst, dump->vmcoreinfo_pa, to, MK_VMCOREINFO_MAX);
	unsigned int i;
	u64 pa;

	for (i = 0; i < min(dump->nr_notes, MK_CPUS_MAX); i++)
		if (!mk_memory_read(&inst->mem, dump->notes_pa + i * sizeof(pa), &pa, sizeof(pa)))
			size += mk_vmcore_note(inst, pa, to + size, MK_CPU_NOTE_MAX);
	return size;
}

static size_t mk_vmcore_head_max(const struct mk_memory *mem, const struct mk_dump *dump)
{
	return PAGE_ALIGN(sizeof(struct elf64_hdr) + (mem->nr + 1) * sizeof(struct elf64_phdr) +
			  MK_VMCOREINFO_MAX + min(dump->nr_notes, MK_CPUS_MAX) * MK_CPU_NOTE_MAX);
}

static void mk_vmcore_fill(struct mk_vmcore *core, u64 direct_map, size_t notes_off,
			   size_t notes_size)
{
	struct elf64_hdr *elf = core->head;
	struct elf64_phdr *phdr = core->head + sizeof(*elf);
	u64 off = core->head_size;
	unsigned int i;

	memcpy(elf->e_ident, ELFMAG, SELFMAG);
	elf->e_ident[EI_CLASS] = ELFCLASS64;
	elf->e_ident[EI_DATA] = ELFDATA2LSB;
	elf->e_ident[EI_VERSION] = EV_CURRENT;
	elf->e_ident[EI_OSABI] = ELF_OSABI;
	elf->e_type = ET_CORE;
	elf->e_machine = ELF_ARCH;
	elf->e_version = EV_CURRENT;
	elf->e_phoff = sizeof(*elf);
	elf->e_ehsize = sizeof(*elf);
	elf->e_phentsize = sizeof(*phdr);
	elf->e_phnum = core->mem.nr + 1;

	*phdr++ = (struct elf64_phdr){
		.p_type = PT_NOTE,
		.p_offset = notes_off,
		.p_filesz = notes_size,
		.p_memsz = notes_size,
	};
	for (i = 0; i < core->mem.nr; i++) {
		phys_addr_t pa = page_to_phys(core->mem.range[i].page);
		u64 size = (u64)core->mem.range[i].nr * PAGE_SIZE;

		*phdr++ = (struct elf64_phdr){
			.p_type = PT_LOAD,
			.p_flags = PF_R | PF_W | PF_X,
			.p_offset = off,
			.p_paddr = pa,
			/* makedumpfile takes all ones for "not known" */
			.p_vaddr = direct_map ? direct_map + pa : ~0ULL,
			.p_filesz = size,
			.p_memsz = size,
		};
		off += size;
	}
	core->size = off;
}

static int mk_vmcore_head(struct mk_vmcore *core, struct mk_instance *inst)
{
	const struct mk_words *words;
	struct mk_dump dump = {};
	size_t max, notes_off, size;

	if (inst->link.features & MK_BOOT_F_DUMP) {
		words = inst->shared.va + inst->block.words_off;
		dump = words->dump;
		/* One that hangs may write there still: nothing is read twice */
		barrier();
	}
	core->mem = inst->mem;
	sort(core->mem.range, core->mem.nr, sizeof(core->mem.range[0]), mk_vmcore_cmp, NULL);
	max = mk_vmcore_head_max(&core->mem, &dump);
	core->head = alloc_pages_exact(max, GFP_KERNEL | __GFP_ZERO);
	if (!core->head)
		return -ENOMEM;
	core->head_size = max;
	notes_off = sizeof(struct elf64_hdr) + (core->mem.nr + 1) * sizeof(struct elf64_phdr);
	size = mk_vmcore_notes(inst, &dump, core->head + notes_off);
	mk_vmcore_fill(core, dump.direct_map_va, notes_off, size);
	return 0;
}

static int mk_vmcore_check(struct mk_instance *inst)
{
	if (inst->dead)
		return -ENODEV;
	if (mk_state_is_up(inst->state) && inst->state != MK_HUNG)
		return mk_fail(-EBUSY,
			       "instance %s is %s; there is a core of what has ended or hangs",
			       inst->name, mk_state_name(inst->state));
	if (!inst->epoch || !inst->shared.va || !inst->mem.nr)
		return mk_fail(-ENODATA, "nothing has run in the memory of instance %s",
			       inst->name);
	return 0;
}

static int mk_vmcore_open(struct kernfs_open_file *of)
{
	struct mk_instance *inst __free(mk_instance) = mk_of_inst(of);
	struct mk_vmcore *core;
	int ret;

	mk_error_clear();
	/* As for /proc/kcore: it may have anybody's secrets */
	if (!capable(CAP_SYS_RAWIO))
		return mk_fail(-EPERM, "the memory of an instance takes CAP_SYS_RAWIO");
	ret = security_locked_down(LOCKDOWN_KCORE);
	if (ret)
		return mk_fail(ret, "the lockdown of this kernel keeps memory secret");

	guard(mutex)(&inst->lock);
	ret = mk_vmcore_check(inst);
	if (ret)
		return ret;
	core = kzalloc_obj(*core);
	if (!core)
		return -ENOMEM;
	ret = mk_vmcore_head(core, inst);
	if (ret) {
		kfree(core);
		return ret;
	}
	mk_instance_get(inst);
	core->inst = inst;
	mutex_init(&core->lock);
	core->mapping = of->file->f_mapping;
	list_add(&core->link, &inst->vmcores);
	of->priv = core;
	return 0;
}

static void mk_vmcore_release(struct kernfs_open_file *of)
{
	struct mk_vmcore *core = of->priv;

	scoped_guard(mutex, &core->inst->lock)
		list_del(&core->link);
	mk_instance_put(core->inst);
	free_pages_exact(core->head, core->head_size);
	kfree(core);
}

/**
 * mk_vmcore_revoke() - the memory is about to become something else
 * @inst: the instance, locked
 *
 * When this returns nobody sees it by a core file any more.
 *
 * Context: process.
 */
void mk_vmcore_revoke(struct mk_instance *inst)
{
	struct mk_vmcore *core;

	list_for_each_entry(core, &inst->vmcores, link) {
		guard(mutex)(&core->lock);
		core->stale = true;
		unmap_mapping_range(core->mapping, 0, 0, 1);
	}
}

/**
 * mk_vmcore_in_use() - does anybody look into the memory?
 * @inst: the instance, locked
 *
 * Return: true if so.
 */
bool mk_vmcore_in_use(struct mk_instance *inst)
{
	struct mk_vmcore *core;

	list_for_each_entry(core, &inst->vmcores, link)
		if (!core->stale)
			return true;
	return false;
}

/* Where this byte of the file is, and how many more follow it there; below the size */
static phys_addr_t mk_vmcore_find(const struct mk_vmcore *core, u64 off, u64 *left)
{
	unsigned int i;

	if (off < core->head_size) {
		*left = core->head_size - off;
		return virt_to_phys(core->head + off);
	}
	off -= core->head_size;
	for (i = 0; i < core->mem.nr; i++) {
		u64 size = (u64)core->mem.range[i].nr * PAGE_SIZE;

		if (off < size) {
			*left = size - off;
			return page_to_phys(core->mem.range[i].page) + off;
		}
		off -= size;
	}
	*left = 0;
	return 0;
}

static ssize_t mk_vmcore_read(struct kernfs_open_file *of, char *buf, size_t len, loff_t off)
{
	struct mk_vmcore *core = of->priv;
	phys_addr_t pa;
	u64 left;
	int ret;

	guard(mutex)(&core->lock);
	if (core->stale)
		return -ESTALE;
	if (off >= core->size)
		return 0;
	pa = mk_vmcore_find(core, off, &left);
	len = min(len, left);
	if (off < core->head_size) {
		memcpy(buf, core->head + off, len);
		return len;
	}
	ret = mk_memory_read(&core->mem, pa, buf, len);
	return ret ?: len;
}

static loff_t mk_vmcore_llseek(struct kernfs_open_file *of, loff_t offset, int whence)
{
	struct mk_vmcore *core = of->priv;

	return fixed_size_llseek(of->file, offset, whence, core->size);
}

/*
 * By the fault, and not when it is mapped: mk_vmcore_revoke() finds a mapping only when that
 * has come about.  A fault takes its neighbours along.
 */
static vm_fault_t mk_vmcore_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mk_vmcore *core = vma->vm_private_data;
	pgoff_t at = max(ALIGN_DOWN(vmf->pgoff, MK_VMCORE_AROUND), vma->vm_pgoff);
	pgoff_t end = min(at + MK_VMCORE_AROUND, vma->vm_pgoff + vma_pages(vma));
	vm_fault_t ret = VM_FAULT_NOPAGE;
	phys_addr_t pa;
	u64 left;

	guard(mutex)(&core->lock);
	if (core->stale)
		return VM_FAULT_SIGBUS;
	for (; at < end && ret == VM_FAULT_NOPAGE; at++) {
		pa = mk_vmcore_find(core, (u64)at << PAGE_SHIFT, &left);
		ret = vmf_insert_pfn(vma, vma->vm_start + ((at - vma->vm_pgoff) << PAGE_SHIFT),
				     PHYS_PFN(pa));
	}
	return ret;
}

static const struct vm_operations_struct mk_vmcore_vm_ops = {
	.fault = mk_vmcore_fault,
};

static int mk_vmcore_mmap(struct kernfs_open_file *of, struct vm_area_struct *vma)
{
	struct mk_vmcore *core = of->priv;
	u64 size = vma->vm_end - vma->vm_start;

	if (vma->vm_flags & (VM_WRITE | VM_EXEC))
		return -EPERM;
	if (vma->vm_pgoff > core->size >> PAGE_SHIFT ||
	    size > core->size - ((u64)vma->vm_pgoff << PAGE_SHIFT))
		return -EINVAL;
	/* Read-only for good, so that a private mapping is no copy on write */
	vm_flags_mod(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY,
		     VM_MAYWRITE | VM_MAYEXEC);
	vma->vm_private_data = core;
	vma->vm_ops = &mk_vmcore_vm_ops;
	return 0;
}

const struct kernfs_ops mk_vmcore_ops = {
	.open = mk_vmcore_open,
	.release = mk_vmcore_release,
	.read = mk_vmcore_read,
	.llseek = mk_vmcore_llseek,
	.mmap = mk_vmcore_mmap,
};
