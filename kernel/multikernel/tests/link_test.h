/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MULTIKERNEL_LINK_TEST_H
#define _MULTIKERNEL_LINK_TEST_H

#include <kunit/test.h>
#include <linux/mm.h>

#include "../internal.h"

/**
 * struct link_fix - a shared area and the links of its two sides, in this kernel
 * @block: its boot block
 * @shared: the area
 * @size: in bytes
 * @host: the host's end
 * @host_boot: its channels
 * @guest: the instance's end
 * @guest_boot: its channels
 */
struct link_fix {
	struct mk_boot_block block;
	void *shared;
	size_t size;
	struct mk_link host;
	struct mk_channel host_boot[MK_NR_CLASSES];
	struct mk_link guest;
	struct mk_channel guest_boot[MK_NR_CLASSES];
};

/* Lays a shared area out; @priv is the owner of both links */
static inline void link_fix_init(struct kunit *test, struct link_fix *fix,
				 const struct mk_link_ops *host_ops,
				 const struct mk_link_ops *guest_ops, void *priv)
{
	struct mk_instance *inst = kunit_kzalloc(test, sizeof(*inst), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, inst);
	KUNIT_ASSERT_EQ(test, mk_boot_block_layout(&fix->block, 1, 0, 1, &fix->size), 0);
	fix->shared = kunit_kzalloc(test, fix->size + PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fix->shared);
	fix->shared = PTR_ALIGN(fix->shared, PAGE_SIZE);
	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&inst->cpus, GFP_KERNEL));
	inst->shared.va = fix->shared;
	inst->epoch = 1;
	mk_boot_block_fill(inst, &fix->block);
	memcpy(fix->shared, &fix->block, sizeof(fix->block));
	free_cpumask_var(inst->cpus);
	KUNIT_ASSERT_EQ(test, mk_link_init(&fix->host, host_ops, fix->host_boot, priv), 0);
	KUNIT_ASSERT_EQ(test, mk_link_init(&fix->guest, guest_ops, fix->guest_boot, priv), 0);
}

static inline void link_fix_attach(struct kunit *test, struct link_fix *fix)
{
	KUNIT_ASSERT_EQ(test, mk_link_attach(&fix->host, fix->shared, fix->size,
					     &fix->block, true), 0);
	KUNIT_ASSERT_EQ(test, mk_link_attach(&fix->guest, fix->shared, fix->size,
					     &fix->block, false), 0);
}

static inline void link_fix_exit(struct link_fix *fix)
{
	mk_link_close(&fix->host);
	mk_link_close(&fix->guest);
	mk_link_destroy(&fix->host);
	mk_link_destroy(&fix->guest);
}

#endif /* _MULTIKERNEL_LINK_TEST_H */
