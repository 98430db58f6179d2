// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: cpus.c - CPUs leave the host and come back
 *
 * A CPU leaves by CPU hotplug: it is claimed in the ledger, then taken offline,
 * so that from the first moment on no broadcast interrupt of the host can reach
 * it (see mk_arch_refresh_ipis()) and nobody can bring it online again: a
 * hotplug callback refuses CPUs that the ledger gives to someone else, whoever
 * asks: sysfs, SMT control or resume.
 *
 * It comes back only when it is proven to run nothing of the instance; without
 * the proof it is in quarantine (see life.c).  If it can't be brought online, it
 * is the host's and offline.
 *
 * The host may be asked to keep some of its CPUs, come what may.
 *
 * A change is all or nothing: first everything is checked and claimed, then the
 * CPUs go offline one by one, and on failure those that went come back.
 *
 * Locking
 * -------
 *
 * Called under the instance's lock; takes the locks of CPU hotplug.
 * Lock order: mk_instance.lock; device_hotplug_lock; cpu_hotplug_lock.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <kunit/static_stub.h>
#include <linux/cleanup.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/seq_file.h>
#include <linux/topology.h>

#include "internal.h"

/* How long a CPU's way back waits for others who keep CPU hotplug off */
#define MK_HOTPLUG_WAIT_MS	5000

/* CPUs that the host keeps, whoever asks; without a lock: each is looked at by itself */
static struct cpumask mk_cpus_kept;

static int mk_cpus_check_one(struct mk_instance *inst, unsigned int cpu)
{
	u16 owner = mk_ledger_cpu_owner(cpu);

	if (!cpu_present(cpu))
		return mk_fail(-EINVAL, "CPU %u is not there; present are %*pbl",
			       cpu, cpumask_pr_args(cpu_present_mask));
	if (owner == MK_OWNER_QUARANTINE)
		return mk_fail(-EBUSY, "CPU %u is in quarantine", cpu);
	if (owner != MK_OWNER_HOST)
		return mk_fail(-EBUSY, "CPU %u belongs to instance %u", cpu, owner);
	if (cpumask_test_cpu(cpu, &mk_cpus_kept))
		return mk_fail(-EBUSY, "CPU %u is the host's to keep: pool/keep_cpus has %*pbl",
			       cpu, cpumask_pr_args(&mk_cpus_kept));
	if (!cpu_online(cpu))
		return mk_fail(-EBUSY, "CPU %u is offline; bring it online first",
			       cpu);
	return mk_arch_cpu_may_leave(cpu);
}

static int mk_cpus_check(struct mk_instance *inst, const struct cpumask *add)
{
	unsigned int cpu;
	int ret;

	/* First: where a boot CPU may not leave, its refusal would hide this one */
	if (cpumask_subset(cpu_online_mask, add))
		return mk_fail(-EBUSY, "the host keeps at least one CPU");
	for_each_cpu(cpu, add) {
		ret = mk_cpus_check_one(inst, cpu);
		if (ret)
			return ret;
	}
	return 0;
}

/* Drivers hold CPU hotplug off while they probe, some for seconds */
static int mk_cpus_online(unsigned int cpu)
{
	ktime_t deadline = ktime_add_ms(ktime_get(), MK_HOTPLUG_WAIT_MS);
	int ret;

	do {
		/* Positive: it was online already */
		ret = min(add_cpu(cpu), 0);
		if (ret != -EBUSY)
			return ret;
		msleep(20);
	} while (ktime_before(ktime_get(), deadline));
	return ret;
}

/**
 * mk_cpus_return_one() - a CPU is the host's again
 * @inst: the instance that it comes from
 * @cpu: logical number; it is proven to run nothing
 *
 * It comes online unless the host itself keeps it offline (SMT control) or can't: then it
 * is an offline CPU of the host as any other.  To be followed by mk_arch_refresh_ipis().
 *
 * Context: process, under the instance's lock.
 */
void mk_cpus_return_one(struct mk_instance *inst, unsigned int cpu)
{
	int ret;

	KUNIT_STATIC_STUB_REDIRECT(mk_cpus_return_one, inst, cpu);
	cpumask_clear_cpu(cpu, inst->cpus);
	if (mk_ledger_claim_cpu(cpu, inst->id, MK_OWNER_HOST))
		return;		/* in quarantine already */
	ret = mk_cpus_online(cpu);
	if (ret)
		pr_warn("CPU %u is the host's again, but stays offline (%pe)\n",
			cpu, ERR_PTR(ret));
}

static void mk_cpus_return(struct mk_instance *inst, const struct cpumask *mask)
{
	unsigned int cpu;

	for_each_cpu(cpu, mask)
		mk_cpus_return_one(inst, cpu);
	mk_arch_refresh_ipis();
}

static int mk_cpus_take_one(struct mk_instance *inst, unsigned int cpu)
{
	int ret;

	if (mk_ledger_claim_cpu(cpu, MK_OWNER_HOST, inst->id))
		return mk_fail(-EBUSY, "CPU %u was taken by someone else", cpu);
	cpumask_set_cpu(cpu, inst->cpus);
	mk_arch_refresh_ipis();
	ret = remove_cpu(cpu);
	if (!ret)
		return 0;
	if (ret > 0) {
		/* By somebody else, who wants it to be the host's and offline */
		cpumask_clear_cpu(cpu, inst->cpus);
		mk_ledger_claim_cpu(cpu, inst->id, MK_OWNER_HOST);
		mk_arch_refresh_ipis();
		return mk_fail(-EBUSY, "CPU %u went offline by itself", cpu);
	}
	return mk_fail(ret, "CPU %u could not be taken offline (error %d)", cpu,
		       ret);
}

static int mk_cpus_take(struct mk_instance *inst, const struct cpumask *add)
{
	unsigned int cpu;
	cpumask_var_t taken;
	int ret = 0;

	if (!zalloc_cpumask_var(&taken, GFP_KERNEL))
		return -ENOMEM;
	for_each_cpu(cpu, add) {
		ret = mk_cpus_take_one(inst, cpu);
		if (cpumask_test_cpu(cpu, inst->cpus))
			cpumask_set_cpu(cpu, taken);
		if (ret)
			break;
	}
	if (ret)
		mk_cpus_return(inst, taken);
	free_cpumask_var(taken);
	return ret;
}

static int mk_cpus_take_held(struct mk_instance *inst, const struct cpumask *add)
{
	int ret;

	if (cpumask_empty(add))
		return 0;
	ret = mk_power_hold();
	if (ret)
		return ret;
	ret = mk_cpus_take(inst, add);
	mk_power_release();
	return ret;
}

/**
 * mk_cpus_add() - give an instance more CPUs
 * @inst: an instance in any state
 * @add: logical numbers of CPUs that it does not have
 *
 * They are offline then, and run nothing.
 *
 * Context: process, under the instance's lock.
 * Return: as mk_cpus_set().  Unless 0, nothing has changed.
 */
int mk_cpus_add(struct mk_instance *inst, const struct cpumask *add)
{
	KUNIT_STATIC_STUB_REDIRECT(mk_cpus_add, inst, add);
	return mk_cpus_check(inst, add) ?: mk_cpus_take_held(inst, add);
}

/**
 * mk_cpus_set() - give an instance exactly these CPUs
 * @inst: an instance that is not up
 * @want: logical numbers
 *
 * Context: process, under the instance's lock.
 * Return: 0; -EBUSY if a CPU is the boot CPU, offline or not the host's, if the
 * instance is up, or if the host goes down or to sleep; -EINVAL if one is absent;
 * -ENOMEM; or what CPU hotplug says.  Unless 0, nothing has changed.
 */
int mk_cpus_set(struct mk_instance *inst, const struct cpumask *want)
{
	cpumask_var_t add, del;
	int ret;

	if (mk_state_is_up(inst->state))
		return mk_fail(-EBUSY, "instance %s is %s; stop it first",
			       inst->name, mk_state_name(inst->state));
	if (!zalloc_cpumask_var(&add, GFP_KERNEL))
		return -ENOMEM;
	if (!zalloc_cpumask_var(&del, GFP_KERNEL)) {
		free_cpumask_var(add);
		return -ENOMEM;
	}

	cpumask_andnot(add, want, inst->cpus);
	cpumask_andnot(del, inst->cpus, want);
	ret = mk_cpus_add(inst, add);
	if (!ret)
		mk_cpus_return(inst, del);

	free_cpumask_var(del);
	free_cpumask_var(add);
	return ret;
}

/**
 * mk_cpus_give_back() - take all CPUs from an instance
 * @inst: an instance that is not up
 *
 * Context: process, under the instance's lock.
 */
void mk_cpus_give_back(struct mk_instance *inst)
{
	mk_cpus_return(inst, inst->cpus);
}

/**
 * mk_cpus_keep() - which CPUs shall never leave the host?
 * @keep: logical numbers; those that are away come back as they would have
 *
 * Context: any.
 */
void mk_cpus_keep(const struct cpumask *keep)
{
	cpumask_copy(&mk_cpus_kept, keep);
}

/**
 * mk_cpus_show_kept() - list them
 * @sf: where to
 */
void mk_cpus_show_kept(struct seq_file *sf)
{
	seq_printf(sf, "%*pbl\n", cpumask_pr_args(&mk_cpus_kept));
}

/**
 * mk_cpus_show_pool() - list the CPUs that the host could give
 * @sf: where to
 * @nid: of this node; NUMA_NO_NODE for all
 *
 * CPU 0 is the boot CPU, unless a crash kernel runs.
 */
void mk_cpus_show_pool(struct seq_file *sf, int nid)
{
	cpumask_var_t pool;
	unsigned int cpu;

	if (!zalloc_cpumask_var(&pool, GFP_KERNEL))
		return;
	for_each_online_cpu(cpu)
		if (cpu && (nid == NUMA_NO_NODE || cpu_to_node(cpu) == nid) &&
		    mk_ledger_cpu_owner(cpu) == MK_OWNER_HOST &&
		    !cpumask_test_cpu(cpu, &mk_cpus_kept))
			cpumask_set_cpu(cpu, pool);
	seq_printf(sf, "%*pbl\n", cpumask_pr_args(pool));
	free_cpumask_var(pool);
}

static int mk_cpus_refuse_online(unsigned int cpu)
{
	if (mk_ledger_cpu_owner(cpu) == MK_OWNER_HOST)
		return 0;
	pr_notice_ratelimited("CPU %u belongs to instance %u: not brought online\n",
			      cpu, mk_ledger_cpu_owner(cpu));
	return -EBUSY;
}

/**
 * mk_cpus_init() - refuse to bring lent CPUs online
 *
 * More than once does no harm.
 *
 * Return: 0 or a negative errno.
 */
int __init mk_cpus_init(void)
{
	static bool done __initdata;
	int ret;

	if (done)
		return 0;
	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "multikernel:prepare",
					mk_cpus_refuse_online, NULL);
	done = ret >= 0;
	return min(ret, 0);
}
