/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_INTERNAL_H
#define _MULTIKERNEL_INTERNAL_H

#include <linux/cleanup.h>
#include <linux/cpumask.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/multikernel.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>
#include <crypto/sha2.h>

#include "link.h"

struct dentry;
struct kernfs_node;
struct seq_file;

/* error.c */
__printf(2, 3) int mk_fail(int err, const char *fmt, ...);
void mk_error_clear(void);
bool mk_error_is_set(void);
void mk_error_default(int err);
void mk_error_show(struct seq_file *sf);

/*
 * ledger.c: owners.  An instance's own id stands for it.
 */
#define MK_OWNER_HOST		0
#define MK_OWNER_QUARANTINE	0xffff

int mk_ledger_claim_cpu(unsigned int cpu, u16 from, u16 to);
u16 mk_ledger_cpu_owner(unsigned int cpu);
bool mk_ledger_cpus_away(void);
int mk_ledger_claim_mem(phys_addr_t start, u64 size, u16 from, u16 to);
void mk_ledger_show_quarantine(struct seq_file *sf);

/* cpus.c */
int mk_cpus_init(void);
int mk_cpus_set(struct mk_instance *inst, const struct cpumask *want);
int mk_cpus_add(struct mk_instance *inst, const struct cpumask *add);
void mk_cpus_return_one(struct mk_instance *inst, unsigned int cpu);
void mk_cpus_give_back(struct mk_instance *inst);
void mk_cpus_keep(const struct cpumask *keep);
void mk_cpus_show_kept(struct seq_file *sf);
void mk_cpus_show_pool(struct seq_file *sf, int nid);

/* keep.c, resume.c */
struct mk_bequest;
struct mk_keep;
struct mk_keep_instance;
#ifdef CONFIG_KEXEC_HANDOVER
void mk_keep_all(void);
void mk_keep_describe(const struct mk_instance *inst, struct mk_keep_instance *rec);
void mk_resume_all(void);
int mk_resume_check(const struct mk_keep *keep, size_t size);
int mk_resume_describe(struct mk_instance *inst, const struct mk_keep_instance *rec);
#else
static inline void mk_keep_all(void) {}
static inline void mk_resume_all(void) {}
#endif

/* power.c */
int mk_power_init(void);
int mk_power_hold(void);
void mk_power_release(void);
void mk_power_crash(void);

/*
 * memory.c.  Before a start each range is as large as the host could find in one
 * piece, and more than sixteen of them means memory in crumbs too small to be of use.
 * While an instance runs what comes and goes are memory blocks of its kernel, of 128 MiB
 * as a rule; as many ranges fit into the boot block beside the CPUs.
 */
#define MK_MEM_RANGES		64
#define MK_MEM_START_RANGES	16

/**
 * struct mk_range - physically contiguous memory of an instance
 * @page: its first page
 * @nr: number of pages
 */
struct mk_range {
	struct page *page;
	unsigned long nr;
};

/**
 * struct mk_memory - the memory of an instance
 * @nr: ranges in use, in no order
 * @pages: sum of their pages
 * @range: the ranges
 */
struct mk_memory {
	unsigned int nr;
	unsigned long pages;
	struct mk_range range[MK_MEM_RANGES];
};

unsigned long mk_memory_least(unsigned long nr);
int mk_memory_set(struct mk_instance *inst, u64 size);
void mk_memory_keep(u64 size);
u64 mk_memory_kept(void);
u64 mk_memory_pool(void);
int mk_memory_add(struct mk_instance *inst, u64 size, phys_addr_t *pa);
void mk_memory_del(struct mk_instance *inst, phys_addr_t pa, u64 size);
int mk_memory_hand(struct mk_instance *from, struct mk_instance *to, phys_addr_t pa,
		   u64 size);
phys_addr_t mk_memory_block_below(struct mk_instance *inst, u64 block, phys_addr_t below);
void mk_memory_quarantine(struct mk_instance *inst);
int mk_memory_write(struct mk_instance *inst, phys_addr_t pa, const void *src,
		    size_t len);
int mk_memory_read(const struct mk_memory *mem, phys_addr_t pa, void *dst, size_t len);
bool mk_memory_contains(const struct mk_memory *mem, phys_addr_t pa, u64 size);
int mk_memory_rename(struct mk_instance *inst, u16 to);
int mk_memory_inherit(struct mk_instance *from, struct mk_instance *to);
int mk_memory_resume(struct mk_instance *inst, struct page *page, unsigned long nr);

void mk_nodes_of(const struct mk_instance *inst, nodemask_t *nodes);
int mk_nodes_prefer(struct mk_instance *inst, const nodemask_t *nodes);
unsigned long mk_nodes_pages(const struct mk_memory *mem, int nid);
unsigned long mk_nodes_lack(unsigned long want, unsigned int nodes, unsigned long have);
int mk_nodes_next(const struct mk_memory *mem, const nodemask_t *nodes);

/**
 * struct mk_unsure - what an instance may use or not, see settle.c
 * @epoch: the run that is meant
 * @cpus: CPUs of its own, by logical number
 * @nr: entries of @mem
 * @mem: blocks of memory of its own: physical address, and size in bytes
 */
struct mk_unsure {
	u32 epoch;
	struct cpumask cpus;
	unsigned int nr;
	struct {
		phys_addr_t pa;
		u64 size;
	} mem[MK_MEM_RANGES];
};

/**
 * enum mk_state - what an instance does
 * @MK_OFFLINE: nothing is loaded
 * @MK_LOADED: an image is there, nothing runs
 * @MK_BOOTING: its CPUs have been started
 * @MK_RUNNING: it has said hello
 * @MK_STOPPING: its userspace was asked to shut down
 * @MK_CRASHED: it ended by a panic, or was refused; the image is still there
 * @MK_HUNG: a CPU of it does not get on, see watch.c
 * @MK_UPDATING: its kernel has made way for another one, see update.c
 * @MK_NR_STATES: number of states
 */
enum mk_state {
	MK_OFFLINE,
	MK_LOADED,
	MK_BOOTING,
	MK_RUNNING,
	MK_STOPPING,
	MK_CRASHED,
	MK_HUNG,
	MK_UPDATING,
	MK_NR_STATES
};

/**
 * enum mk_firmware - how an instance learns of its machine
 * @MK_FIRMWARE_BLOCK: from the boot block, for kernels that know it
 * @MK_FIRMWARE_ACPI: from firmware tables, for kernels that do not
 */
enum mk_firmware {
	MK_FIRMWARE_BLOCK,
	MK_FIRMWARE_ACPI,
};

/**
 * struct mk_image_info - what userspace is told of a loaded image
 * @kernel_name: the kernel file's, without its path
 * @initrd_name: the initrd file's
 * @kernel_size: in bytes; 0 from kexec_load()
 * @initrd_size: in bytes
 * @segments: from kexec_load() their number, which has no files; 0 otherwise
 * @segments_size: their contents in bytes
 * @kernel_sha256: hash of the kernel file
 * @initrd_sha256: hash of the initrd file
 * @cmdline: command line, NUL-terminated, or NULL
 */
struct mk_image_info {
	char kernel_name[NAME_MAX + 1];
	char initrd_name[NAME_MAX + 1];
	size_t kernel_size;
	size_t initrd_size;
	unsigned long segments;
	size_t segments_size;
	u8 kernel_sha256[SHA256_DIGEST_SIZE];
	u8 initrd_sha256[SHA256_DIGEST_SIZE];
	char *cmdline;
};

/**
 * struct mk_shared - the shared area of an instance
 * @va: as the host maps it
 * @pa: its physical address
 * @size: in bytes
 */
struct mk_shared {
	void *va;
	phys_addr_t pa;
	size_t size;
};

/**
 * struct mk_events - counters behind the file "events"
 * @starts: how often it was started
 * @stops: how often it ended other than by a panic
 * @crashes: how often it ended by a panic
 * @hangs: how often it was found to hang
 * @restarts: how often it was started again as it had failed
 * @updates: how often its kernel has made way for another one
 * @state_changes: how often its state changed
 */
struct mk_events {
	unsigned long starts;
	unsigned long stops;
	unsigned long crashes;
	unsigned long hangs;
	unsigned long restarts;
	unsigned long updates;
	unsigned long state_changes;
};

/**
 * struct mk_nop_result - outcome of the last series of nop calls
 * @rounds: calls made
 * @lost: calls without an answer
 * @min_ns: shortest
 * @median_ns: median
 * @max_ns: longest
 */
struct mk_nop_result {
	unsigned int rounds;
	unsigned int lost;
	u64 min_ns;
	u64 median_ns;
	u64 max_ns;
};

struct mk_console;

/*
 * CPUs that an instance has, or may be given while it runs: their park slots and the
 * rings together fit into what its kernel can map first, 256 KiB.
 */
#define MK_CPUS_MAX		128

/**
 * struct mk_instance - an instance, as the host sees it
 * @node: in the list of instances
 * @ref: references
 * @name: given at mkdir
 * @lock: protects all that follows; held over operations that change anything
 * @id: 1 to 2047
 * @state: written under @lock, read by anyone
 * @firmware: how it learns of its machine
 * @dead: rmdir has begun
 * @resize_lock: held while its CPUs or memory change and it runs; see resize.c
 * @unsure: what it has not answered for
 * @cpus: logical numbers of the host
 * @nr_slots: CPUs that it was told of at its start
 * @slot_cpu: their logical numbers, in the order of the boot block
 * @mem_block: in which units its kernel takes and gives memory, in bytes; 0 if it can't
 * @numa: nodes from which its memory shall come; none for those of its CPUs
 * @mem: its memory
 * @mem_wanted: how much that was asked to be, in bytes
 * @image: what is loaded
 * @info: what userspace is told of @image
 * @new_info: the same of an image that is being loaded
 * @shared: the shared area, from the first start on
 * @arch: data of the architecture while it is started
 * @epoch: number of the current or last start
 * @greeted: the start that has said hello
 * @took_over: the start that has taken the place of another instance; see succeed.c
 * @reason: why it ended last
 * @events: counters
 * @nop: last series of nop calls
 * @console: what it printed, and what is typed to it
 * @link: to it
 * @boot: control and console
 * @bequest: what a successor gets of its connections when it ends, or NULL; see succeed.c
 * @channels_used: ids of channels between it and the host; see broker.c
 * @connectable: it may have connections; see broker.c
 * @poll_work: looks at the rings as long as the instance can't ring
 * @end_work: handles its last words
 * @hello_work: handles its hello
 * @flood_work: ends it for what @flood says
 * @flood: what it has flooded the host with
 * @stop_work: deadline of an orderly stop
 * @beat_ms: how often its CPUs shall show that they live, in ms, from the next start on;
 *           0 for never
 * @hang_ms: how long one may stand still, in ms; 0 for ever
 * @winsize: of the terminal that reads the console; zero if nobody has said
 * @boot_ms: how long the instance may be booting, in ms; 0 for ever
 * @block: what the boot block says, which is in its hands
 * @kept: it goes on without this kernel, see keep.c
 * @beats: where they show it, in @shared, while it is watched, else NULL
 * @watched: what was seen of each CPU, in the order of @slot_cpu; see watch.c
 * @watch_work: looks
 * @recovery: it is started again when it has failed; see recover.c
 * @failures: how often it has failed in a row
 * @started_at: when it was started last, in jiffies
 * @ran_at: when it said hello last, in jiffies
 * @recover_work: starts it again
 * @vmcores: its core files that are open; see vmcore.c
 * @nodes: what its files point to; see fs.c
 * @dir_kn: its directory
 * @events_kn: its file "events"
 * @console_kn: its file "console"
 */
struct mk_instance {
	struct list_head node;
	refcount_t ref;
	char name[MULTIKERNEL_NAME_MAX + 1];
	struct mutex lock;	/* see instance.c */
	u32 id;
	enum mk_state state;
	enum mk_firmware firmware;
	bool dead;
	struct mutex resize_lock;	/* see resize.c */
	struct mk_unsure unsure;
	cpumask_var_t cpus;
	unsigned int nr_slots;
	u16 slot_cpu[MK_CPUS_MAX];
	u64 mem_block;
	nodemask_t numa;
	struct mk_memory mem;
	u64 mem_wanted;
	struct kimage *image;
	struct mk_image_info info;
	struct mk_image_info new_info;
	struct mk_shared shared;
	void *arch;
	u32 epoch;
	u32 greeted;
	u32 took_over;
	char reason[MK_LAST_WORDS_LEN + 16];
	struct mk_events events;
	struct mk_nop_result nop;
	struct mk_console *console;
	struct mk_link link;
	struct mk_channel boot[MK_NR_CLASSES];
	const struct mk_bequest *bequest;
	DECLARE_BITMAP(channels_used, MK_LINK_CHANNELS);
	bool connectable;
	struct delayed_work poll_work;
	struct work_struct end_work;
	struct work_struct hello_work;
	struct work_struct flood_work;
	const char *flood;
	struct delayed_work stop_work;
	unsigned int beat_ms;
	unsigned int hang_ms;
	struct mk_msg_winsize winsize;
	unsigned int boot_ms;
	struct mk_boot_block block;
	bool kept;
	struct mk_beat *beats;
	struct mk_watched *watched;
	struct delayed_work watch_work;
	bool recovery;
	unsigned int failures;
	unsigned long started_at;
	unsigned long ran_at;
	struct delayed_work recover_work;
	struct list_head vmcores;
	struct list_head nodes;
	struct kernfs_node *dir_kn;
	struct kernfs_node *events_kn;
	struct kernfs_node *console_kn;
};

extern struct workqueue_struct *mk_wq;
extern struct workqueue_struct *mk_rx_wq;

/* instance.c */
struct mk_instance *mk_instance_create(const char *name);
struct mk_instance *mk_instance_get_by_id(u32 id);
struct mk_instance *mk_instance_get_by_name(const char *name);
struct mk_instance *mk_instance_get_next(struct mk_instance *inst);
void mk_instance_get(struct mk_instance *inst);
void mk_instance_put(struct mk_instance *inst);
int mk_instance_retire_from(struct mk_instance *inst, const struct kernfs_node *dir);
void mk_instance_exchange(struct mk_instance *a, struct mk_instance *b);
int mk_instance_slot(const struct mk_instance *inst, unsigned int cpu);
int mk_instance_set_id(struct mk_instance *inst, u32 id);
void mk_instance_set_state(struct mk_instance *inst, enum mk_state state);
bool mk_name_ok(const char *name);
bool mk_state_may(enum mk_state from, enum mk_state to);
bool mk_state_is_up(enum mk_state state);
bool mk_state_boots(enum mk_state state);
const char *mk_state_name(enum mk_state state);
extern void (*mk_instance_notify)(struct mk_instance *inst, bool state);
extern void (*mk_instance_exchanged)(struct mk_instance *a, struct mk_instance *b);

DEFINE_FREE(mk_instance, struct mk_instance *, mk_instance_put(_T))

/* mk_instance_retire_from(), wherever it is */
static inline int mk_instance_retire(struct mk_instance *inst)
{
	return mk_instance_retire_from(inst, NULL);
}

/* image.c */
void mk_image_drop(struct mk_instance *inst);
int mk_image_install(struct mk_instance *inst);

/* image_keep.c */
struct mk_keep_image;
int mk_image_keep(struct mk_instance *inst, struct mk_keep_image *rec);
void mk_image_unkeep(struct mk_instance *inst);
int mk_image_resume(struct mk_instance *inst, const struct mk_keep_image *rec);

/* life.c */
int mk_life_start(struct mk_instance *inst);
int mk_life_winsize(struct mk_instance *inst);
int mk_life_stop(struct mk_instance *inst);
int mk_life_kill(struct mk_instance *inst, const char *reason);
int mk_life_list_cpus(struct mk_instance *inst, unsigned int first);
void mk_life_end(struct mk_instance *inst, enum mk_state state, const char *reason);
int mk_life_stop_cpu(struct mk_instance *inst, unsigned int cpu);
void mk_life_crash(struct mk_instance *inst);
void mk_life_tell_up(struct mk_instance *inst);
void mk_update(struct mk_instance *inst);
void mk_life_cut(struct mk_instance *inst);
int mk_life_resume(struct mk_instance *inst);
void mk_life_abandon(struct mk_instance *inst);

/* watch.c */
#define MK_BEAT_MS		1000
#define MK_HANG_MS		10000
#define MK_BOOT_MS		120000
#define MK_MS_MAX		3600000

/**
 * enum mk_verdict - what a CPU of an instance does
 * @MK_VERDICT_ALIVE: it gets on
 * @MK_VERDICT_NO_TASK: it takes interrupts, and schedules nothing
 * @MK_VERDICT_NO_IRQ: it takes no interrupts
 * @MK_VERDICT_UNSURE: it schedules nothing, and may wait for one that takes no interrupts
 */
enum mk_verdict {
	MK_VERDICT_ALIVE,
	MK_VERDICT_NO_TASK,
	MK_VERDICT_NO_IRQ,
	MK_VERDICT_UNSURE,
};

/**
 * struct mk_watched - what the host has seen of one CPU
 * @irq: &mk_beat.irq
 * @task: &mk_beat.task
 * @irq_at: when @irq was not what it had been, in jiffies
 * @task_at: the same for @task
 * @asked: what &mk_beat.asked was last set to
 */
struct mk_watched {
	u64 irq;
	u64 task;
	unsigned long irq_at;
	unsigned long task_at;
	u64 asked;
};

enum mk_verdict mk_watch_verdict(unsigned int irq_ms, unsigned int task_ms,
				 unsigned int limit_ms);
enum mk_verdict mk_watch_judge(const struct mk_watched *watched, unsigned int nr,
			       unsigned long now, unsigned int limit_ms,
			       unsigned int beat_ms, unsigned int *slot);
void mk_watch_boot(struct mk_instance *inst);
void mk_watch_deadline(struct mk_instance *inst);
bool mk_watch_boots(struct mk_instance *inst);
void mk_watch_begin(struct mk_instance *inst);
void mk_watch_end(struct mk_instance *inst);
void mk_watch_init(struct mk_instance *inst);
void mk_watch_destroy(struct mk_instance *inst);

/* recover.c */
unsigned int mk_recover_delay_ms(unsigned int failures);
void mk_recover_later(struct mk_instance *inst);
void mk_recover_cancel(struct mk_instance *inst);
void mk_recover_set(struct mk_instance *inst, bool on);
void mk_recover_init(struct mk_instance *inst);
void mk_recover_destroy(struct mk_instance *inst);
extern u32 mk_stop_deadline_ms;
int mk_life_nop(struct mk_instance *inst, unsigned int rounds);
int mk_life_init(struct mk_instance *inst);
void mk_life_release(struct mk_instance *inst);
void mk_life_destroy(struct mk_instance *inst);

/* resize.c */
int mk_resize_cpus(struct mk_instance *inst, const struct cpumask *want);
int mk_resize_memory(struct mk_instance *inst, u64 size);
int mk_resize_move_cpus(struct mk_instance *from, struct mk_instance *to,
			const struct cpumask *cpus);
int mk_resize_move_memory(struct mk_instance *from, struct mk_instance *to, u64 size);
int mk_resize_succeed(struct mk_instance *from, struct mk_instance *to);

/* succeed.c */
struct mk_ctl_self;
ssize_t mk_succeed_take_over(struct mk_instance *inst, struct mk_ctl_self *self);
extern u32 mk_succeed_ready_ms;
extern u32 mk_succeed_serve_ms;

/* bootblock.c */
u32 mk_boot_tables_off(const struct mk_boot_block *block);
int mk_boot_block_layout(struct mk_boot_block *block, unsigned int nr_cpus,
			 unsigned int nr_spare, unsigned int nr_mem, size_t *size);
void mk_boot_block_fill(struct mk_instance *inst, struct mk_boot_block *block);
void mk_boot_block_resume(struct mk_instance *inst);
void mk_boot_block_read(struct mk_boot_block *block, const void *shared);
struct mk_abi mk_boot_block_abi(const struct mk_boot_block *block);
int mk_boot_block_check(const struct mk_boot_block *block, size_t size);

/* console.c */
struct mk_console *mk_console_alloc(void);
void mk_console_free(struct mk_console *con);
void mk_console_restart(struct mk_console *con);
void mk_console_wake(struct mk_console *con);
bool mk_console_drain(struct mk_console *con, struct mk_ring_rx *rx);
ssize_t mk_console_read(struct mk_console *con, char *buf, size_t len, loff_t off);
ssize_t mk_console_input(struct mk_instance *inst, const char *buf, size_t len);
u64 mk_console_end(struct mk_console *con);
u64 mk_console_dropped(struct mk_console *con);
wait_queue_head_t *mk_console_waitq(struct mk_console *con);

/* nop.c */
void mk_nop_answer(struct mk_channel *ch, const struct mk_msg *msg);
int mk_nop(struct mk_channel *ch, int error, unsigned int timeout_ms, u64 *ns);

/* fs.c */
int mk_fs_init(void);
int mk_fs_add(struct mk_instance *inst);

/* vmcore.c */
struct elf_note;
size_t mk_vmcore_note(struct mk_instance *inst, phys_addr_t pa, void *to, size_t max);
void mk_vmcore_revoke(struct mk_instance *inst);
bool mk_vmcore_in_use(struct mk_instance *inst);

/* uevent.c */
void mk_uevent(struct mk_instance *inst);
int mk_uevent_init(void);

/* debug.c */
extern struct dentry *mk_debug_dir;
#ifdef CONFIG_DEBUG_FS
bool mk_debug_stop_fails(unsigned int cpu);
bool mk_debug_stop_would_fail(unsigned int cpu);
#else
static inline bool mk_debug_stop_would_fail(unsigned int cpu)
{
	return false;
}

static inline bool mk_debug_stop_fails(unsigned int cpu)
{
	return false;
}
#endif

/* guest.c */
int mk_guest_attach(void *shared, phys_addr_t pa, size_t size,
		    const struct mk_boot_block *block);
void mk_guest_refuse(void *shared, size_t size, const struct mk_boot_block *block,
		     const char *why);
void mk_guest_last_words(u32 reason, const char *text);
const struct mk_boot_block *mk_guest_block(void);

/* guest_resize.c */
u32 mk_guest_mem_shift(void);

/*
 * What the architecture provides.  See arch/x86/multikernel/.
 */

/**
 * mk_arch_host_init() - prepare to be a host
 *
 * Context: late init, once.
 * Return: 0 or a negative errno, in which case there will be no instances.
 */
int mk_arch_host_init(void);

/**
 * mk_arch_cpu_may_leave() - may this CPU ever leave the host?
 * @cpu: logical number of a present CPU
 *
 * Return: 0, or mk_fail() with the reason.
 */
int mk_arch_cpu_may_leave(unsigned int cpu);

/**
 * mk_arch_phys_id() - what the hardware calls a CPU
 * @cpu: logical number
 *
 * Return: the physical id that is in MK_BELL_PHYS_ID.
 */
u32 mk_arch_phys_id(unsigned int cpu);

/**
 * mk_arch_bell() - how to ring a CPU of this kernel
 * @cpu: logical number
 *
 * Return: MK_BELL_*.
 */
u64 mk_arch_bell(unsigned int cpu);

/**
 * mk_arch_bell_ok() - can this be a doorbell?
 * @bell: MK_BELL_*, as a peer says it
 *
 * Context: any.
 * Return: false if its vector can't be, or interrupts can't be sent yet.
 */
bool mk_arch_bell_ok(u64 bell);

/**
 * mk_arch_ring() - interrupt another kernel
 * @bell: MK_BELL_*, which mk_arch_bell_ok() has let pass
 *
 * Context: any, without preemption.
 */
void mk_arch_ring(u64 bell);

/**
 * mk_arch_place() - place a kernel file in an instance's memory
 * @image: with the files read and checked, without segments
 *
 * Context: process, under the instance's lock.
 * Return: 0 or a negative errno; -ENOSPC if it does not fit.
 */
int mk_arch_place(struct kimage *image);

/**
 * mk_arch_check_image() - can this image be an instance's?
 * @image: from kexec_load(), with its segments in place
 * @inst: whose image it shall be
 *
 * Return: 0, or mk_fail() with the reason.
 */
int mk_arch_check_image(struct kimage *image, struct mk_instance *inst);

/**
 * mk_arch_prepare() - all that the architecture needs before a start
 * @inst: its image has been copied into its memory, its shared area laid out
 * @block: the boot block, to be completed
 *
 * Context: process, under the instance's lock.
 * Return: 0 or a negative errno.
 */
int mk_arch_prepare(struct mk_instance *inst, struct mk_boot_block *block);

/**
 * mk_arch_start() - start the CPUs of a prepared instance
 * @inst: the instance
 *
 * Context: process, under the instance's lock.
 * Return: 0; -ETIMEDOUT if a CPU did not come up; -EAGAIN if the host has just lost
 * one and this start has to be prepared anew.  On an error all CPUs are to be stopped
 * before anything else is done with them.
 */
int mk_arch_start(struct mk_instance *inst);

/**
 * mk_arch_nmi() - send an NMI to a CPU that is an instance's
 * @cpu: logical number
 */
void mk_arch_nmi(unsigned int cpu);

/**
 * mk_arch_beat_init() - have NMIs of the host answered by mk_guest_beat_nmi()
 *
 * Return: 0 or a negative errno.
 */
int mk_arch_beat_init(void);

/**
 * mk_arch_fault_nmi() - NMIs to this CPU, each of which sends the next; see fault.c
 * @oops: write through NULL in the first one
 *
 * Return: 0 or a negative errno.
 */
int mk_arch_fault_nmi(bool oops);

/**
 * mk_arch_fault_bug() - what BUG() does
 */
void mk_arch_fault_bug(void);

/**
 * mk_arch_fault_mce() - a machine check without a cause
 */
void mk_arch_fault_mce(void);

/**
 * mk_arch_fault_triple() - what nothing contains
 */
void mk_arch_fault_triple(void);

/**
 * mk_arch_fault_reset() - reset the machine by its chipset
 */
void mk_arch_fault_reset(void);

/**
 * mk_arch_park_cpu() - park one more CPU of an instance that runs
 * @inst: the instance
 * @cpu: logical number of a CPU that is offline in this kernel, see mk_instance_slot()
 *
 * Context: process, under the instance's lock.
 * Return: 0; -ETIMEDOUT if it did not get there; -ENOMEM.  On an error it is to be stopped
 * before anything else is done with it.
 */
int mk_arch_park_cpu(struct mk_instance *inst, unsigned int cpu);

/**
 * mk_arch_stop_cpu() - take a CPU away from whatever it runs
 * @cpu: logical number of a CPU that is offline in this kernel
 *
 * Needs nothing of the software that runs there.
 *
 * Return: 0 if the CPU is proven to run nothing of it any more, -ETIMEDOUT
 * otherwise.
 */
int mk_arch_stop_cpu(unsigned int cpu);

/**
 * mk_arch_crash_stop() - stop all CPUs that are not this kernel's
 *
 * Sends what stops them, and does not look whether it does.
 *
 * Context: any, in a panic.
 */
void mk_arch_crash_stop(void);

/**
 * mk_arch_update() - lay out the shared area for the next kernel of an instance
 * @inst: the instance; its shared area has been cleared
 * @block: the boot block, to be completed
 */
void mk_arch_update(struct mk_instance *inst, struct mk_boot_block *block);

/**
 * mk_arch_next_keeps() - does the next kernel take over instances of this one?
 * @image: what kexec enters
 *
 * Return: true if it says so, in the version of ours.
 */
bool mk_arch_next_keeps(const struct kimage *image);

/**
 * mk_arch_keep() - have preserved what the CPUs of an instance need
 * @inst: the instance, locked, which runs
 * @rec: where to write it down; unless something was preserved nothing is
 *
 * Return: 0, or what KHO says.
 */
int mk_arch_keep(struct mk_instance *inst, struct mk_keep_instance *rec);

/**
 * mk_arch_unkeep() - undo mk_arch_keep()
 * @inst: the instance, locked
 */
void mk_arch_unkeep(struct mk_instance *inst);

/**
 * mk_arch_resume() - an instance runs that was started by the host before
 * @inst: the instance, locked
 * @rec: what that has written down, checked
 *
 * Return: 0, -ENOMEM, or -EFAULT if what it needs was not preserved.
 */
int mk_arch_resume(struct mk_instance *inst, const struct mk_keep_instance *rec);

/**
 * mk_arch_release() - undo mk_arch_prepare()
 * @inst: an instance none of whose CPUs runs
 */
void mk_arch_release(struct mk_instance *inst);

/**
 * mk_arch_add_cpu() - an instance has one more CPU
 * @phys_id: of a CPU that the boot block lists
 *
 * It is parked, and can be brought online afterwards.
 *
 * Context: process, in an instance.
 * Return: its logical number; -ENODEV if it is not listed; -ENOSPC; or an error of the
 * driver core.
 */
int mk_arch_add_cpu(u32 phys_id);

/**
 * mk_arch_del_cpu() - an instance has one CPU less
 * @cpu: logical number of one that is offline
 *
 * Context: process, in an instance.
 */
void mk_arch_del_cpu(unsigned int cpu);

/**
 * mk_arch_refresh_ipis() - CPUs have left or come back
 *
 * Has the architecture look at mk_ledger_cpus_away() again.
 */
void mk_arch_refresh_ipis(void);

#endif /* _MULTIKERNEL_INTERNAL_H */
