// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: abi.c - kernels of different versions
 *
 * Each kernel states the newest version of the ABI that it speaks and the oldest that it
 * still speaks: the host in the boot block, and both in their hello.  They speak the
 * lesser of the two newest, and what both know of MK_BOOT_F_*; each works that out by
 * itself, from the same numbers.  If one of the two does not speak that version any more
 * they have none in common, and whoever sees it first refuses the other by a sentence
 * that says so:
 *
 * - An instance sees it in the boot block, before it has used anything else in the
 *   shared area.  It leaves the sentence as its last words and parks; see "What
 *   never changes" in include/linux/multikernel/abi/boot.h.
 * - The host sees it in the hello, and ends the instance.
 *
 * For tests, and with CONFIG_MULTIKERNEL_BENCH only, "multikernel.abi=OLDEST-NEWEST" on
 * the command line of a kernel makes it state other versions.  It does not speak them.
 * With ",blind" behind it an instance does not look what the host speaks, so that
 * the host has to refuse.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/cache.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "abi.h"

static struct mk_abi mk_abi __ro_after_init = {
	.newest = MK_BOOT_VERSION,
	.oldest = MK_BOOT_VERSION_MIN,
	.features = MK_BOOT_F_X86_PARK | MK_BOOT_F_PEERS | MK_BOOT_F_RESIZE |
		    MK_BOOT_F_BEAT | MK_BOOT_F_DUMP | MK_BOOT_F_WINSIZE |
		    MK_BOOT_F_UPDATE | MK_BOOT_F_AWAY |
		    (IS_ENABLED(CONFIG_MULTIKERNEL_SUCCESSOR) ?
		     MK_BOOT_F_SUCCEED | MK_BOOT_F_INHERIT : 0),
};

static bool mk_abi_is_blind __ro_after_init;

#ifdef CONFIG_MULTIKERNEL_BENCH
static int __init mk_abi_param(char *arg)
{
	struct mk_abi abi = mk_abi;
	char rest[8] = "";

	if (!arg || sscanf(arg, "%u-%u%7s", &abi.oldest, &abi.newest, rest) < 2 ||
	    !mk_abi_ok(&abi) || (rest[0] && strcmp(rest, ",blind"))) {
		pr_warn("multikernel.abi takes OLDEST-NEWEST or OLDEST-NEWEST,blind\n");
		return 0;
	}
	mk_abi = abi;
	mk_abi_is_blind = rest[0];
	return 0;
}
early_param("multikernel.abi", mk_abi_param);
#endif

/**
 * mk_abi_ours() - what this kernel speaks
 *
 * Return: versions and features.
 */
const struct mk_abi *mk_abi_ours(void)
{
	return &mk_abi;
}

/**
 * mk_abi_blind() - shall an instance leave it to the host to refuse?
 *
 * Return: true in a test of that.
 */
bool mk_abi_blind(void)
{
	return mk_abi_is_blind;
}

/**
 * mk_abi_of() - what a kernel says of itself
 * @version: the newest version
 * @version_min: the oldest one, or 0 from a kernel that knows of one alone
 * @features: MK_BOOT_F_*
 *
 * Return: the same; to be checked by mk_abi_ok().
 */
struct mk_abi mk_abi_of(u32 version, u32 version_min, u64 features)
{
	return (struct mk_abi){
		.newest = version,
		.oldest = version_min ?: version,
		.features = features,
	};
}

/**
 * mk_abi_ok() - can a kernel speak this?
 * @abi: what it says
 *
 * Return: true if so.
 */
bool mk_abi_ok(const struct mk_abi *abi)
{
	return abi->oldest && abi->oldest <= abi->newest;
}

/**
 * mk_abi_agree() - which version do two kernels speak with each other?
 * @a: what one speaks
 * @b: what the other one speaks
 *
 * Return: the version, or 0 if there is none in common.
 */
u32 mk_abi_agree(const struct mk_abi *a, const struct mk_abi *b)
{
	u32 version = min(a->newest, b->newest);

	return version >= max(a->oldest, b->oldest) ? version : 0;
}

static void mk_abi_range(char *buf, size_t size, const struct mk_abi *abi)
{
	if (abi->oldest == abi->newest)
		scnprintf(buf, size, "%u", abi->newest);
	else
		scnprintf(buf, size, "%u to %u", abi->oldest, abi->newest);
}

/**
 * mk_abi_refuse() - say why two kernels can't speak with each other
 * @buf: where to
 * @size: space there, in bytes
 * @who: one of them
 * @theirs: what it speaks
 * @host: what the host speaks
 */
void mk_abi_refuse(char *buf, size_t size, const char *who, const struct mk_abi *theirs,
		   const struct mk_abi *host)
{
	char one[28], other[28];

	mk_abi_range(one, sizeof(one), theirs);
	mk_abi_range(other, sizeof(other), host);
	scnprintf(buf, size, "%s speaks ABI version%s %s, the host %s: no common one",
		  who, theirs->oldest == theirs->newest ? "" : "s", one, other);
}

/**
 * mk_abi_refuse_pair() - say why two instances can't speak with each other
 * @buf: where to
 * @size: space there, in bytes
 * @a: name of one of them
 * @a_abi: what it speaks
 * @b: name of the other one
 * @b_abi: what that speaks
 */
void mk_abi_refuse_pair(char *buf, size_t size, const char *a, const struct mk_abi *a_abi,
			const char *b, const struct mk_abi *b_abi)
{
	char one[28], other[28];

	mk_abi_range(one, sizeof(one), a_abi);
	mk_abi_range(other, sizeof(other), b_abi);
	scnprintf(buf, size,
		  "instance %s speaks ABI version%s %s, instance %s %s: no common one, and so no connection",
		  a, a_abi->oldest == a_abi->newest ? "" : "s", one, b, other);
}
