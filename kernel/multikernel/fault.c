// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fault.c - an instance goes wrong on purpose
 *
 * For a campaign of faults: /sys/kernel/debug/multikernel/fault, in instances only.  A line
 * "CLASS" or "CLASS SEED" written to it makes that happen, at once and for real; reading it
 * lists the classes.  What LKDTM can do is not here::
 *
 *	bug_softirq	the instruction of BUG() in a softirq
 *	bug_hardirq	the same in a hard interrupt
 *	oops_nmi	a write through NULL in an NMI
 *	spin_all	all CPUs spin with interrupts off
 *	busy_all	all CPUs spin with preemption off
 *	deadlock	a spinlock is taken twice
 *	wild_host	a write, in the direct map, at memory that is not this kernel's
 *	wild_map	a write to such memory, by memremap()
 *	wild_own	writes all over this kernel's memory, until one hits what is read-only
 *	wild_data	the same, past what is read-only
 *	words		nonsense in all words that are shared with the host
 *	packets		packets of sockets to the host that are almost right
 *	nmi_storm	NMIs without end, to this CPU
 *	mce		a machine check that the hardware knows nothing of
 *	triple		a triple fault: the machine is reset
 *	reset		a write to the port that resets the machine
 *
 * On x86 the parameter multikernel_fault_early makes a boot end by an exception before there
 * are handlers for it.
 *
 * SEED makes the addresses others; the same one makes the same.
 */

#include <linux/debugfs.h>
#include <linux/hrtimer.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/multikernel.h>
#include <linux/prandom.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/virtio_vsock.h>
#include <linux/vm_sockets.h>
#include <asm/multikernel.h>

#include "guest.h"
#include "internal.h"

#define FAULT_WRITES	4096
#define FAULT_PACKET	512

static enum hrtimer_restart fault_timer_bug(struct hrtimer *timer)
{
	mk_arch_fault_bug();
	return HRTIMER_NORESTART;
}

static int fault_bug_softirq(struct rnd_state *rnd)
{
	static struct hrtimer timer;

	hrtimer_setup(&timer, fault_timer_bug, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	hrtimer_start(&timer, 0, HRTIMER_MODE_REL_SOFT);
	return 0;
}

static void fault_irq_bug(struct irq_work *work)
{
	mk_arch_fault_bug();
}

static int fault_bug_hardirq(struct rnd_state *rnd)
{
	static struct irq_work work = IRQ_WORK_INIT_HARD(fault_irq_bug);

	irq_work_queue(&work);
	return 0;
}

static int fault_oops_nmi(struct rnd_state *rnd)
{
	return mk_arch_fault_nmi(true);
}

static int fault_nmi_storm(struct rnd_state *rnd)
{
	return mk_arch_fault_nmi(false);
}

static int fault_mce(struct rnd_state *rnd)
{
	mk_arch_fault_mce();
	return 0;
}

static int fault_triple(struct rnd_state *rnd)
{
	mk_arch_fault_triple();
	return 0;
}

static int fault_reset(struct rnd_state *rnd)
{
	mk_arch_fault_reset();
	return 0;
}

static void fault_spin(void *unused)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static int fault_spin_all(struct rnd_state *rnd)
{
	on_each_cpu(fault_spin, NULL, false);
	return 0;
}

static DEFINE_SPINLOCK(fault_lock);

static int fault_deadlock(struct rnd_state *rnd)
{
	spin_lock(&fault_lock);
	spin_lock(&fault_lock);
	spin_unlock(&fault_lock);
	spin_unlock(&fault_lock);
	return 0;
}

static int fault_busy(void *unused)
{
	preempt_disable();
	for (;;)
		cpu_relax();
	return 0;
}

static int fault_busy_all(struct rnd_state *rnd)
{
	struct task_struct *task;
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		task = kthread_run_on_cpu(fault_busy, NULL, cpu, "mk-fault/%u");
		if (IS_ERR(task))
			return PTR_ERR(task);
	}
	return 0;
}

/* A page of the first 4 GiB */
static int fault_wild_host(struct rnd_state *rnd)
{
	u64 pa;

	do {
		pa = (u64)prandom_u32_state(rnd) & PAGE_MASK;
	} while (mk_guest_owns(pa, PAGE_SIZE));
	WRITE_ONCE(*(u64 *)__va(pa), pa);
	return 0;
}

/* The same by a mapping that is made for it */
static int fault_wild_map(struct rnd_state *rnd)
{
	u64 pa, *va;

	do {
		pa = (u64)prandom_u32_state(rnd) & PAGE_MASK;
	} while (mk_guest_owns(pa, PAGE_SIZE));
	va = memremap(pa, PAGE_SIZE, MEMREMAP_WB);
	if (!va)
		return -EPERM;
	WRITE_ONCE(*va, pa);
	memunmap(va);
	return 0;
}

/* A word of this kernel's memory, in the direct map */
static u64 *fault_own_word(struct rnd_state *rnd)
{
	const struct mk_boot_block *block = mk_guest_block();
	const struct mk_boot_mem *mem = mk_guest_shared() + block->mem_off;
	const struct mk_boot_mem *one = &mem[prandom_u32_state(rnd) % block->nr_mem];
	u64 word = prandom_u32_state(rnd) % (one->size / sizeof(u64));

	return __va(one->start_pa + word * sizeof(u64));
}

static int fault_wild_own(struct rnd_state *rnd)
{
	unsigned int i;

	for (i = 0; i < FAULT_WRITES; i++)
		WRITE_ONCE(*fault_own_word(rnd), prandom_u32_state(rnd));
	return 0;
}

/* What is read-only is so in the direct map too: at one word in sixteen or so it would end */
static int fault_wild_data(struct rnd_state *rnd)
{
	unsigned int i;

	for (i = 0; i < FAULT_WRITES; i++) {
		u64 *word = fault_own_word(rnd);
		u64 value = prandom_u32_state(rnd);

		copy_to_kernel_nofault(word, &value, sizeof(value));
	}
	return 0;
}

static int fault_words(struct rnd_state *rnd)
{
	u64 *shared = mk_guest_shared();
	size_t i;

	for (i = 0; i < mk_guest_shared_size() / sizeof(*shared); i++)
		WRITE_ONCE(shared[i], (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd));
	return 0;
}

/* One field of the header is anything; the rest could be */
static void fault_packet(struct rnd_state *rnd, u8 *data, u32 len)
{
	struct virtio_vsock_hdr hdr = {
		.src_cid	= cpu_to_le64(VMADDR_CID_HOST + mk_self()),
		.dst_cid	= cpu_to_le64(VMADDR_CID_HOST),
		.src_port	= cpu_to_le32(prandom_u32_state(rnd) % 1024),
		.dst_port	= cpu_to_le32(prandom_u32_state(rnd) % 1024),
		.len		= cpu_to_le32(len),
		.type		= cpu_to_le16(1 + prandom_u32_state(rnd) % 2),
		.op		= cpu_to_le16(prandom_u32_state(rnd) % 9),
		.flags		= cpu_to_le32(prandom_u32_state(rnd) % 4),
		.buf_alloc	= cpu_to_le32(prandom_u32_state(rnd)),
		.fwd_cnt	= cpu_to_le32(prandom_u32_state(rnd)),
	};

	prandom_bytes_state(rnd, data + sizeof(hdr), len);
	memcpy(data, &hdr, sizeof(hdr));
	if (prandom_u32_state(rnd) % 2)
		data[prandom_u32_state(rnd) % sizeof(hdr)] = prandom_u32_state(rnd);
}

static const struct mk_channel_ops fault_packet_ops = {};

static int fault_packets(struct rnd_state *rnd)
{
	u8 *data __free(kfree) = kmalloc(FAULT_PACKET, GFP_KERNEL);
	const u32 hdr = sizeof(struct virtio_vsock_hdr);
	struct mk_channel *ch;
	unsigned int i;
	int ret = 0;

	if (!data)
		return -ENOMEM;
	ch = mk_connect("", "vsock", 0, &fault_packet_ops, NULL);
	if (IS_ERR(ch))
		return PTR_ERR(ch);
	for (i = 0; i < FAULT_WRITES && !ret; i++) {
		u32 len = prandom_u32_state(rnd) % (FAULT_PACKET - hdr);

		fault_packet(rnd, data, len);
		/* Now and then another type of message, or half a header */
		ret = mk_send_wait(ch, i % 16 ? 1 : prandom_u32_state(rnd) % 4, data,
				   i % 32 == 1 ? len % hdr : hdr + len,
				   10 * HZ);
	}
	mk_close(ch);
	return ret;
}

static const struct fault {
	const char *name;
	int (*run)(struct rnd_state *rnd);
} faults[] = {
	{ "bug_softirq", fault_bug_softirq },
	{ "bug_hardirq", fault_bug_hardirq },
	{ "oops_nmi", fault_oops_nmi },
	{ "spin_all", fault_spin_all },
	{ "busy_all", fault_busy_all },
	{ "deadlock", fault_deadlock },
	{ "wild_host", fault_wild_host },
	{ "wild_map", fault_wild_map },
	{ "wild_own", fault_wild_own },
	{ "wild_data", fault_wild_data },
	{ "words", fault_words },
	{ "packets", fault_packets },
	{ "nmi_storm", fault_nmi_storm },
	{ "mce", fault_mce },
	{ "triple", fault_triple },
	{ "reset", fault_reset },
};

static ssize_t fault_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	char line[48], name[16];
	struct rnd_state rnd;
	unsigned int seed = 0, i;
	int ret;

	if (len >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, len))
		return -EFAULT;
	line[len] = '\0';
	if (sscanf(line, "%15s %u", name, &seed) < 1)
		return -EINVAL;
	prandom_seed_state(&rnd, seed);
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (strcmp(name, faults[i].name))
			continue;
		ret = faults[i].run(&rnd);
		return ret ?: len;
	}
	return -EINVAL;
}

static int fault_show(struct seq_file *sf, void *unused)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		seq_printf(sf, "%s\n", faults[i].name);
	return 0;
}

DEFINE_SHOW_STORE_ATTRIBUTE(fault);

static int __init fault_init(void)
{
	if (mk_is_instance())
		debugfs_create_file("fault", 0600, mk_debug_dir, NULL, &fault_fops);
	return 0;
}
device_initcall(fault_init);
