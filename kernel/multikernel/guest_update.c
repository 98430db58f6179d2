// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: guest_update.c - this kernel makes way for the next one
 *
 * kexec_file_load() in an instance loads a kernel into memory of the instance, and reboot(2)
 * enters it there.  The architecture adds to its boot parameters what makes it the
 * instance that this one was, and asks the host before it goes; see update.c for what the
 * host does then.
 *
 * Not to be had:
 *
 * - kexec_load(), whose caller makes the boot parameters and does not know of us;
 * - a crash kernel: a panic is the host's affair, which has a core file of it;
 * - any of it at a host that does not know of MK_BOOT_F_UPDATE.
 *
 * As long as a kernel is loaded no memory goes to the host: it may be where that kernel
 * is going to be.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/delay.h>
#include <linux/kexec.h>
#include <linux/multikernel.h>
#include <linux/printk.h>
#include <asm/barrier.h>
#include <asm/multikernel.h>

#include "../kexec_internal.h"
#include "guest.h"
#include "internal.h"

/*
 * How long to wait for the host, which stops and parks CPUs: microseconds for each on
 * hardware.  300,000 x 100 us = 30 s.
 */
#define MK_UPDATE_WAIT_US	100
#define MK_UPDATE_WAIT_MAX	300000

/**
 * mk_kexec_may_load() - may this kernel load one to be entered by kexec?
 * @file: by kexec_file_load()
 * @crash: to be entered in a panic
 *
 * Return: 0; -EOPNOTSUPP in an instance that may not.
 */
int mk_kexec_may_load(bool file, bool crash)
{
	if (!mk_is_instance())
		return 0;
	if (crash)
		pr_notice("no crash kernel in an instance: the host has its vmcore\n");
	else if (!file)
		pr_notice("an instance loads its next kernel by kexec_file_load(), not by kexec_load()\n");
	else if (!(mk_guest_link()->features & MK_BOOT_F_UPDATE))
		pr_notice("the host does not know of kernels that enter another one\n");
	else
		return 0;
	return -EOPNOTSUPP;
}

/**
 * mk_guest_hold_memory() - may memory go to the host?  If so, no kernel is loaded meanwhile
 *
 * Return: true if so; to be followed by mk_guest_release_memory().
 */
bool mk_guest_hold_memory(void)
{
	if (!kexec_trylock())
		return false;
	if (!kexec_image)
		return true;
	kexec_unlock();
	pr_notice("no memory goes to the host as long as a kernel is loaded by kexec\n");
	return false;
}

/**
 * mk_guest_release_memory() - undo mk_guest_hold_memory()
 */
void mk_guest_release_memory(void)
{
	kexec_unlock();
}

/**
 * mk_guest_update() - tell the host that another kernel comes, and wait until it has made way
 * @phys_id: of this CPU
 *
 * Afterwards the shared area is the next kernel's.
 *
 * Context: interrupts are off, the other CPUs halted.
 * Return: 0 or -ETIMEDOUT.
 */
int mk_guest_update(u32 phys_id)
{
	struct mk_update *update = &mk_guest_link()->words->update;
	unsigned int i;

	WRITE_ONCE(update->phys_id, phys_id);
	mk_guest_last_words(MK_END_KEXEC, NULL);
	for (i = 0; i < MK_UPDATE_WAIT_MAX; i++) {
		/* Pairs with mk_update_go() in the host */
		if (smp_load_acquire(&update->epoch))
			return 0;
		udelay(MK_UPDATE_WAIT_US);
	}
	return -ETIMEDOUT;
}
