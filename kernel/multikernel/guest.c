// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: guest.c - this kernel is an instance
 *
 * The part of an instance that is the same on all architectures: its link to
 * the host, its console until hvc takes over, its last words.
 *
 * 1. Very early the architecture finds the boot block, checks it, and calls
 *    mk_guest_attach() with an early mapping of the shared area.  From then on
 *    the kernel log goes into the console ring.  If the two can't speak with each
 *    other it calls mk_guest_refuse() instead.
 * 2. At console_initcall time the shared area is mapped for good and hvc takes
 *    the console over (drivers/tty/hvc/hvc_multikernel.c).
 * 3. At subsys_initcall time the link opens for doorbells.
 * 4. At late_initcall time this kernel says hello; the host then calls it
 *    running.
 * 5. What a core file of this kernel needs is told; see guest_dump.c.
 * 6. Panic, reboot, poweroff and halt write last words and ring the host.
 *
 * Step 2 comes before there are other CPUs.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/console.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/panic_notifier.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <asm/barrier.h>
#include <asm/early_ioremap.h>
#include <asm/multikernel.h>

#include "guest.h"
#include "internal.h"
#include "service.h"

/*
 * How long the kernel log waits for a full ring: 200,000 x 50 us = 10 s, and less
 * before the speed of delay loops is known.  As hvc_multikernel.c does later.
 */
#define MK_EARLY_STALL_US	50
#define MK_EARLY_STALL_MAX	200000

/* An init that has heard it is busy with that for longer, or gone */
#define MK_POWER_OFF_AGAIN_MS	5000

static struct mk_boot_block mk_block;
static struct mk_link mk_host_link;
static struct mk_channel mk_host_boot[MK_NR_CLASSES];
/* Needed before there is an allocator */
static DEFINE_PER_CPU(struct mk_channel_stats [MK_NR_CLASSES], mk_host_stats);
static void *mk_shared;
static phys_addr_t mk_shared_pa;
static size_t mk_shared_size;
static bool (*mk_guest_input)(void);
static atomic_long_t mk_guest_lost;	/* bytes, of which the host does not know yet */

/**
 * mk_guest_block() - what the host told us
 *
 * Return: the checked, private copy of the boot block.
 */
const struct mk_boot_block *mk_guest_block(void)
{
	return &mk_block;
}

/**
 * mk_guest_become() - this kernel has taken the place of another instance
 * @self: whose, as the host says it
 */
void mk_guest_become(const struct mk_ctl_self *self)
{
	char name[sizeof(mk_block.name)];

	memcpy(name, self->name, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	strscpy(mk_block.name, name);
	WRITE_ONCE(mk_block.instance_id, self->id);
	pr_info("instance %s, id %u from now on\n", mk_block.name, self->id);
}

/**
 * mk_guest_set_epoch() - another host counts on
 * @epoch: as it says
 */
void mk_guest_set_epoch(u32 epoch)
{
	WRITE_ONCE(mk_block.epoch, epoch);
}

/**
 * mk_guest_link() - the link to the host
 *
 * Return: the link; for good, if this kernel is an instance.
 */
struct mk_link *mk_guest_link(void)
{
	return &mk_host_link;
}

/**
 * mk_guest_control() - the control channel to the host
 *
 * Return: the channel; for good, if this kernel is an instance.
 */
struct mk_channel *mk_guest_control(void)
{
	return &mk_host_boot[MK_CLASS_CONTROL];
}

static int mk_guest_send_text(const void *text, size_t len)
{
	return mk_send(&mk_host_link.boot[MK_CLASS_CONSOLE], MK_MSG_CONSOLE, text, len);
}

/* As soon as there is room again, whoever reads is told that something is missing */
static bool mk_guest_told_lost(void)
{
	char text[MK_SLOT_PAYLOAD];
	long lost;
	int len;

	if (likely(!atomic_long_read(&mk_guest_lost)))
		return true;
	lost = atomic_long_xchg(&mk_guest_lost, 0);
	len = scnprintf(text, sizeof(text), "\n** console: %ld bytes lost **\n", lost);
	if (!mk_guest_send_text(text, len))
		return true;
	atomic_long_add(lost, &mk_guest_lost);
	return false;
}

/**
 * mk_guest_print() - send text to the host's console of this instance
 * @text: what
 * @len: how much, at most MK_SLOT_PAYLOAD
 *
 * Context: any.
 * Return: as mk_send().
 */
int mk_guest_print(const void *text, size_t len)
{
	if (unlikely(mk_guest_is_away()))
		return -EAGAIN;
	return mk_guest_told_lost() ? mk_guest_send_text(text, len) : -EAGAIN;
}

/**
 * mk_guest_may_print() - would the host's console take text?
 *
 * Return: true if so.
 */
bool mk_guest_may_print(void)
{
	return !mk_guest_is_away() &&
	       mk_channel_has_room(&mk_host_link.boot[MK_CLASS_CONSOLE], MK_SLOT_PAYLOAD);
}

/**
 * mk_guest_lose() - text for the host's console is dropped
 * @len: how much
 *
 * The console says so before what it prints next.
 */
void mk_guest_lose(size_t len)
{
	atomic_long_add(len, &mk_guest_lost);
}

/* The host says the same as in the boot block */
static bool mk_guest_knows(const struct mk_msg_hello *hello)
{
	const struct mk_abi *known = &mk_host_link.theirs;
	struct mk_abi said = mk_abi_of(hello->version, hello->version_min,
				       hello->features);

	return said.newest == known->newest && said.oldest == known->oldest &&
	       said.features == known->features;
}

static void mk_guest_hello(struct mk_link *link, const struct mk_msg_hello *hello)
{
	if (!mk_guest_knows(hello)) {
		mk_count(&link->boot[MK_CLASS_CONTROL], bad, 1);
		pr_warn_ratelimited("the host's hello is not what its boot block says\n");
		return;
	}
	pr_info("host runs Linux %s\n", hello->release);
	mk_peer_look();
}

static void mk_guest_peers(struct mk_link *link)
{
	mk_peer_look();
}

static void (*mk_guest_on_winsize)(const struct mk_msg_winsize *size);

static void mk_guest_winsize(struct mk_link *link, const struct mk_msg_winsize *size)
{
	void (*fn)(const struct mk_msg_winsize *size) = READ_ONCE(mk_guest_on_winsize);

	if (fn)
		fn(size);
}

/*
 * Init is sent a signal, and ignores those that it does not know yet.  The host wants this
 * kernel to end, so it is asked again until it does.
 */
static void mk_guest_power_off(struct work_struct *work)
{
	orderly_poweroff(true);
	queue_delayed_work(system_dfl_wq, to_delayed_work(work),
			   msecs_to_jiffies(MK_POWER_OFF_AGAIN_MS));
}

static DECLARE_DELAYED_WORK(mk_guest_power_off_work, mk_guest_power_off);

static void mk_guest_shutdown(struct mk_link *link)
{
	pr_info("the host asks for an orderly shutdown\n");
	queue_delayed_work(system_dfl_wq, &mk_guest_power_off_work, 0);
}

/**
 * mk_guest_read_input() - have the console look what the host has typed
 *
 * Context: process.
 * Return: true if it has all been read.
 */
bool mk_guest_read_input(void)
{
	/* Once set it stays */
	return READ_ONCE(mk_guest_input) && mk_guest_input();
}

static bool mk_guest_drain(struct mk_link *link, struct mk_ring_rx *rx)
{
	return mk_guest_read_input();
}

static const struct mk_job_ops mk_guest_job_ops = {
	.call		= mk_remote_call,
};

static bool mk_guest_call(struct mk_link *link, const struct mk_msg *msg)
{
	return mk_job_queue(link, msg, &mk_guest_job_ops);
}

static const struct mk_link_ops mk_guest_ops = {
	.hello		= mk_guest_hello,
	.peers		= mk_guest_peers,
	.call		= mk_guest_call,
	.late		= mk_remote_late,
	.shutdown	= mk_guest_shutdown,
	.winsize	= mk_guest_winsize,
	.drain		= mk_guest_drain,
};

/*
 * A full ring means that the host has not looked for a while, or is stopped or gone.
 * Once it has been waited for in vain, the rest is dropped without another wait
 * until there is room again, rather than to stop this kernel too.
 */
static bool mk_early_wait(void)
{
	static unsigned int stalls;

	while (!mk_guest_may_print()) {
		if (stalls == MK_EARLY_STALL_MAX)
			return false;
		stalls++;
		udelay(MK_EARLY_STALL_US);
	}
	stalls = 0;
	return true;
}

static void mk_early_write(struct console *con, const char *text, unsigned int len)
{
	while (len) {
		unsigned int step = min_t(unsigned int, len, MK_SLOT_PAYLOAD);

		if (!mk_early_wait() || mk_guest_print(text, step))
			mk_guest_lose(step);
		text += step;
		len -= step;
	}
}

static struct console mk_early_console = {
	.name	= "mkboot",
	.write	= mk_early_write,
	.flags	= CON_PRINTBUFFER | CON_BOOT | CON_ANYTIME,
	.index	= -1,
};

/**
 * mk_guest_last_words() - tell the host that this kernel goes
 * @reason: MK_END_*
 * @text: for a panic its message, or NULL
 *
 * The first reason stands: a panic may be followed by a reboot.
 *
 * Context: any, with the other CPUs in any state.
 */
void mk_guest_last_words(u32 reason, const char *text)
{
	struct mk_last_words *last;

	/* Before the link is attached there is nobody to tell */
	if (!mk_host_link.words)
		return;
	last = &mk_host_link.words->last;
	if (READ_ONCE(last->reason) == MK_END_NONE) {
		if (text)
			strscpy(last->text, text, sizeof(last->text));
		/* Pairs with the acquire in the host's mk_life_last_reason() */
		smp_store_release(&last->reason, reason);
	}
	/* A host that was refused before there were rings looks by itself */
	if (!mk_host_boot[MK_CLASS_CONTROL].tx.mem)
		return;
	/* If the host is rung where it no longer is: pairs with mk_link_aim() there */
	virt_mb();
	mk_channel_ring(&mk_host_link.boot[MK_CLASS_CONTROL],
			MK_CAUSE_MESSAGE(MK_CLASS_CONTROL));
}

/**
 * mk_guest_refuse() - this kernel can't be an instance of that host
 * @shared: early mapping of the shared area
 * @size: its size in bytes, a page at least
 * @block: private copy of the boot block, that may be of any version
 * @why: one sentence
 *
 * Leaves last words where they lie in all versions.  The caller parks.
 */
void __init mk_guest_refuse(void *shared, size_t size, const struct mk_boot_block *block,
			    const char *why)
{
	pr_emerg("%s\n", why);
	if (block->magic != MK_BOOT_MAGIC || !IS_ALIGNED(block->words_off, 8) ||
	    block->words_off > size - sizeof(struct mk_words))
		return;
	mk_host_link.words = shared + block->words_off;
	mk_guest_last_words(MK_END_PANIC, why);
}

static int mk_guest_panic(struct notifier_block *nb, unsigned long unused, void *text)
{
	mk_guest_dump_panic();
	mk_guest_last_words(MK_END_PANIC, text);
	return NOTIFY_DONE;
}

static struct notifier_block mk_guest_panic_nb = {
	.notifier_call = mk_guest_panic,
	/* Last: whoever else has something to print should have printed it */
	.priority = INT_MIN,
};

/**
 * mk_guest_attach() - this kernel is an instance
 * @shared: early mapping of the shared area
 * @pa: its physical address
 * @size: its size in bytes
 * @block: checked, private copy of the boot block
 *
 * Return: 0, or what mk_link_attach() says.
 */
int __init mk_guest_attach(void *shared, phys_addr_t pa, size_t size,
			   const struct mk_boot_block *block)
{
	struct mk_abi theirs;
	unsigned int class;
	int ret;

	mk_block = *block;
	mk_shared = shared;
	mk_shared_pa = pa;
	mk_shared_size = size;
	for (class = 0; class < MK_NR_CLASSES; class++)
		mk_host_boot[class].stats = &mk_host_stats[class];
	ret = mk_link_init(&mk_host_link, &mk_guest_ops, mk_host_boot, NULL);
	if (ret)
		return ret;
	mk_host_link.peer = "host";
	ret = mk_link_attach(&mk_host_link, shared, size, &mk_block, false);
	if (ret)
		return ret;
	theirs = mk_boot_block_abi(block);
	mk_link_agree(&mk_host_link, &theirs);
	atomic_notifier_chain_register(&panic_notifier_list, &mk_guest_panic_nb);
	register_console(&mk_early_console);
	/* hvc0 is the console unless the command line says otherwise */
	add_preferred_console("hvc", 0, NULL);
	return 0;
}

/**
 * mk_guest_shared() - the shared area, as this kernel maps it now
 *
 * Return: the mapping.
 */
void *mk_guest_shared(void)
{
	return mk_shared;
}

/**
 * mk_guest_shared_pa() - where the shared area lies
 *
 * Return: its physical address.
 */
phys_addr_t mk_guest_shared_pa(void)
{
	return mk_shared_pa;
}

/**
 * mk_guest_shared_size() - how large the shared area is
 *
 * Return: its size in bytes.
 */
size_t mk_guest_shared_size(void)
{
	return mk_shared_size;
}

/**
 * mk_guest_owns() - is this memory with which this kernel was started?
 * @pa: physical address
 * @size: in bytes
 *
 * Return: true if all of it lies in one range.
 */
bool mk_guest_owns(phys_addr_t pa, size_t size)
{
	const struct mk_boot_mem *mem = mk_shared + mk_block.mem_off;
	unsigned int i;

	for (i = 0; i < mk_block.nr_mem; i++) {
		u64 start = READ_ONCE(mem[i].start_pa), len = READ_ONCE(mem[i].size);

		if (pa >= start && size <= len && pa - start <= len - size)
			return true;
	}
	return false;
}

static DEFINE_MUTEX(mk_map_lock);
static struct task_struct *mk_mapper;

/**
 * mk_guest_map() - map memory that is shared with another kernel
 * @pa: physical address
 * @size: in bytes
 *
 * Context: process.
 * Return: the mapping, for memunmap(), or NULL.
 */
void *mk_guest_map(phys_addr_t pa, size_t size)
{
	void *va;

	guard(mutex)(&mk_map_lock);
	WRITE_ONCE(mk_mapper, current);
	va = memremap(pa, size, MEMREMAP_WB);
	WRITE_ONCE(mk_mapper, NULL);
	return va;
}

/**
 * mk_may_map() - may this kernel map these physical addresses?
 * @pa: physical address
 * @size: in bytes
 *
 * In an instance that is memory of another kernel, or a device of the host.  What its
 * memory map reserves in the memory of its start is its own.
 *
 * Context: may sleep.
 * Return: false, and a warning, if it may not.
 */
bool mk_may_map(phys_addr_t pa, unsigned long size)
{
	if (!mk_is_instance() || READ_ONCE(mk_mapper) == current || mk_guest_owns(pa, size))
		return true;
	/* What was added later */
	if (region_intersects(pa, size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) ==
	    REGION_INTERSECTS)
		return true;
	pr_warn_ratelimited("%s (%d) wants to map %lu bytes at %pa, which are not this kernel's: refused\n",
			    current->comm, task_pid_nr(current), size, &pa);
	return false;
}

/**
 * mk_guest_remap() - map the shared area for good
 *
 * Return: 0, or -ENOMEM.
 */
int __init mk_guest_remap(void)
{
	void *va = mk_guest_map(mk_shared_pa, mk_shared_size);

	if (!va)
		return -ENOMEM;
	mk_link_move(&mk_host_link, va - mk_shared);
	early_memunmap(mk_shared, mk_shared_size);
	mk_shared = va;
	return 0;
}

/**
 * mk_guest_set_input() - who reads what the host types
 * @input: called when there is something in the console ring; process context;
 *         returns as &mk_channel_ops.drain does
 *
 * Return: the console ring, for @input to empty.
 */
struct mk_ring_rx *mk_guest_set_input(bool (*input)(void))
{
	WRITE_ONCE(mk_guest_input, input);
	return &mk_host_link.boot[MK_CLASS_CONSOLE].rx;
}

/**
 * mk_guest_set_winsize() - who hears of the size of the host's terminal
 * @fn: called in BH context
 */
void mk_guest_set_winsize(void (*fn)(const struct mk_msg_winsize *size))
{
	WRITE_ONCE(mk_guest_on_winsize, fn);
}

static int __init mk_guest_open(void)
{
	if (mk_is_instance())
		mk_link_open(&mk_host_link);
	return 0;
}
subsys_initcall(mk_guest_open);

static int __init mk_guest_say_hello(void)
{
	if (!mk_is_instance())
		return 0;
	pr_info("instance %s, id %u, start %u\n", mk_block.name,
		mk_block.instance_id, mk_block.epoch);
	if (mk_guest_beat_init())
		pr_warn("no heartbeat: the host will not see if this kernel hangs\n");
	return mk_link_hello(&mk_host_link);
}
late_initcall(mk_guest_say_hello);
