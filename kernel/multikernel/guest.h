/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_GUEST_H
#define _MULTIKERNEL_GUEST_H

#include <linux/multikernel/abi/control.h>

#include "ring.h"

int mk_guest_remap(void);
struct mk_link *mk_guest_link(void);
struct mk_channel *mk_guest_control(void);
int mk_guest_print(const void *text, size_t len);
bool mk_guest_may_print(void);
void mk_guest_lose(size_t len);
void *mk_guest_shared(void);
bool mk_guest_owns(phys_addr_t pa, size_t size);
void *mk_guest_map(phys_addr_t pa, size_t size);
phys_addr_t mk_guest_shared_pa(void);
size_t mk_guest_shared_size(void);
struct mk_ring_rx *mk_guest_set_input(bool (*input)(void));
void mk_guest_set_winsize(void (*fn)(const struct mk_msg_winsize *size));

int mk_guest_beat_init(void);
bool mk_guest_beat_nmi(struct pt_regs *regs);
#ifdef CONFIG_CRASH_DUMP
void mk_guest_dump_cpu(struct pt_regs *regs);
void mk_guest_dump_panic(void);
#else
static inline void mk_guest_dump_cpu(struct pt_regs *regs) {}
static inline void mk_guest_dump_panic(void) {}
#endif
int mk_guest_resize_call(const void *data, size_t len);
bool mk_guest_mem_ok(const struct mk_ctl_mem *req);
bool mk_guest_can_describe(u64 size);
void mk_guest_become(const struct mk_ctl_self *self);
#ifdef CONFIG_MULTIKERNEL_SUCCESSOR
ssize_t mk_guest_handover_call(const void *data, size_t len, void *reply);
ssize_t mk_guest_adopt_call(const void *data, size_t len, void *reply);
#else
static inline ssize_t mk_guest_handover_call(const void *data, size_t len, void *reply)
{
	return -EOPNOTSUPP;
}

static inline ssize_t mk_guest_adopt_call(const void *data, size_t len, void *reply)
{
	return -EOPNOTSUPP;
}
#endif
bool mk_guest_is_away(void);
u32 mk_guest_hosts(void);
int mk_guest_away_call(void);
void mk_guest_set_epoch(u32 epoch);
bool mk_guest_read_input(void);
bool mk_guest_hold_memory(void);
void mk_guest_release_memory(void);
int mk_guest_update(u32 phys_id);

/* The host's node as we know it */
static inline int mk_guest_node(u32 node)
{
	return node < MAX_NUMNODES && node_possible(node) ? node : first_online_node;
}

#endif /* _MULTIKERNEL_GUEST_H */
