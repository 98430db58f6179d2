// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: main.c - bring up the host's side
 *
 * Nothing here runs in a kernel that was itself started as an instance: one
 * machine has one host.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/init.h>
#include <linux/printk.h>
#include <linux/workqueue.h>
#include <asm/multikernel.h>

#include "internal.h"

/*
 * mk_wq - looks after instances
 *
 * High priority, because somebody may wait; unbound, because its CPU may leave.
 */
struct workqueue_struct *mk_wq;

/*
 * mk_rx_wq - runs the receivers of channels whose callbacks sleep
 *
 * Each where its doorbell rings: a peer that has much to say takes that CPU's time and
 * no other one's.  A work item whose CPU leaves goes on elsewhere.
 */
struct workqueue_struct *mk_rx_wq;

static int __init mk_wq_init(void)
{
	mk_wq = alloc_workqueue("multikernel", WQ_HIGHPRI | WQ_UNBOUND, 0);
	mk_rx_wq = alloc_workqueue("multikernel-rx", WQ_HIGHPRI | WQ_PERCPU, 0);
	return mk_wq && mk_rx_wq ? 0 : -ENOMEM;
}
core_initcall(mk_wq_init);

static int __init mk_host_init(void)
{
	int ret;

	if (mk_is_instance() || !mk_wq || !mk_rx_wq)
		return 0;
	ret = mk_arch_host_init() ?: mk_cpus_init() ?: mk_power_init() ?:
	      mk_uevent_init() ?: mk_fs_init();
	if (ret)
		pr_warn("no instances on this machine: %pe\n", ERR_PTR(ret));
	else
		mk_resume_all();
	return ret;
}
late_initcall(mk_host_init);
