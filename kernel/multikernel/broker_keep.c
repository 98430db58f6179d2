// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: broker_keep.c - connections between instances outlive the host
 *
 * When the host enters its next kernel and instances run on, see keep.c, so do the connections
 * between them: the two speak with each other by memory that is preserved, and interrupt each
 * other's CPUs.  Of no message does the host know anything, so there is nothing to be stopped.
 * What it has of a connection is written down beside what it has of the instances; the next
 * host makes the same of it.
 *
 * One whose other end has ended, or has not been taken over, is given up as ever: the next
 * host tells the end that is left.  Who gives one up while there is no host says so to the
 * next one.
 *
 * Locking is that of broker.c.
 */

#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/multikernel/abi/keep.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "broker.h"
#include "internal.h"
#include "service.h"

static u32 mk_conn_kept_id(const struct mk_conn *conn, unsigned int side)
{
	const struct mk_instance *inst = conn->inst[side];

	return conn->open[side] && READ_ONCE(inst->kept) ? inst->id : 0;
}

static bool mk_conn_is_kept(const struct mk_conn *conn)
{
	return conn->pair && conn->area &&
	       (mk_conn_kept_id(conn, 0) || mk_conn_kept_id(conn, 1));
}

static unsigned int mk_conns_kept(void)
{
	const struct mk_conn *conn;
	unsigned int nr = 0;

	lockdep_assert_held(&mk_conns_lock);
	list_for_each_entry(conn, &mk_conns, node)
		nr += mk_conn_is_kept(conn);
	return nr;
}

static void mk_conn_describe_kept(const struct mk_conn *conn, struct mk_keep_conn *rec)
{
	*rec = (struct mk_keep_conn){
		.nr = conn->nr,
		.id = { mk_conn_kept_id(conn, 0), mk_conn_kept_id(conn, 1) },
		.pair = conn->pair->id,
		.first = conn->pair->inst[1] == conn->inst[0],
		.channel = conn->channel,
		.slots = conn->slots,
		.pages = conn->pages,
		.version = conn->version,
		.words_pa = virt_to_phys(conn->pair->words),
		.area_pa = virt_to_phys(conn->area),
		.area_size = conn->size,
	};
	strscpy(rec->service, conn->service);
}

/* One of a pair has its words */
static bool mk_conn_is_first(const struct mk_keep_conn *recs, unsigned int i)
{
	unsigned int j;

	for (j = 0; j < i; j++)
		if (recs[j].pair == recs[i].pair)
			return false;
	return true;
}

static int mk_conn_preserve(u64 pa, u64 size)
{
	return kho_preserve_pages(pfn_to_page(PHYS_PFN(pa)), size >> PAGE_SHIFT);
}

static void mk_conn_unpreserve(u64 pa, u64 size)
{
	kho_unpreserve_pages(pfn_to_page(PHYS_PFN(pa)), size >> PAGE_SHIFT);
}

static int mk_conn_keep(struct mk_keep_conn *recs, unsigned int i)
{
	int ret = mk_conn_preserve(recs[i].area_pa, recs[i].area_size);

	if (ret || !mk_conn_is_first(recs, i))
		return ret;
	ret = mk_conn_preserve(recs[i].words_pa, PAGE_SIZE);
	if (ret)
		mk_conn_unpreserve(recs[i].area_pa, recs[i].area_size);
	return ret;
}

static void mk_conns_unkeep(struct mk_keep_conn *recs, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		mk_conn_unpreserve(recs[i].area_pa, recs[i].area_size);
		if (mk_conn_is_first(recs, i))
			mk_conn_unpreserve(recs[i].words_pa, PAGE_SIZE);
	}
	kho_unpreserve_free(recs);
}

/**
 * mk_broker_keep() - leave the connections between instances to the next host
 * @keep: where to write what it has to know; the instances that are kept are marked so
 *
 * Context: may sleep; after the last of them has heard that this host goes.
 * Return: 0; -ENOMEM; or what KHO says.
 */
int mk_broker_keep(struct mk_keep *keep)
{
	struct mk_keep_conn *recs;
	struct mk_conn *conn;
	unsigned int nr, i = 0;
	int ret;

	guard(mutex)(&mk_conns_lock);
	keep->conn_size = sizeof(*recs);
	keep->conns_last = mk_conns_next;
	nr = mk_conns_kept();
	if (!nr)
		return 0;
	recs = kho_alloc_preserve(nr * sizeof(*recs));
	if (IS_ERR(recs))
		return PTR_ERR(recs);
	list_for_each_entry(conn, &mk_conns, node) {
		if (!mk_conn_is_kept(conn))
			continue;
		mk_conn_describe_kept(conn, &recs[i]);
		ret = mk_conn_keep(recs, i);
		if (ret) {
			mk_conns_unkeep(recs, i);
			return ret;
		}
		i++;
	}
	keep->conns_pa = virt_to_phys(recs);
	keep->nr_conns = nr;
	return 0;
}

/**
 * mk_broker_unkeep() - undo mk_broker_keep()
 * @keep: as that has left it
 */
void mk_broker_unkeep(const struct mk_keep *keep)
{
	if (keep->nr_conns)
		mk_conns_unkeep(phys_to_virt(keep->conns_pa), keep->nr_conns);
}

/**
 * mk_broker_check_kept() - can this be a connection between two instances?
 * @rec: what a host has left
 *
 * Return: true if so.
 */
bool mk_broker_check_kept(const struct mk_keep_conn *rec)
{
	const struct mk_conn conn = { .slots = rec->slots };

	if (!rec->nr || !rec->pair || rec->first > 1 || rec->id[0] > MULTIKERNEL_ID_MAX ||
	    rec->id[1] > MULTIKERNEL_ID_MAX || (rec->id[0] && rec->id[0] == rec->id[1]))
		return false;
	if (!is_power_of_2(rec->slots) || rec->slots > MK_SLOTS_MAX || rec->pages % 2 ||
	    rec->pages > MK_PAGES_MAX || rec->channel < MK_NR_CLASSES ||
	    rec->channel >= MK_LINK_CHANNELS)
		return false;
	return memchr(rec->service, '\0', sizeof(rec->service)) && rec->area_pa &&
	       rec->words_pa && PAGE_ALIGNED(rec->area_pa) && PAGE_ALIGNED(rec->words_pa) &&
	       rec->area_size == 2 * mk_conn_ring(&conn) + (u64)rec->pages * PAGE_SIZE;
}

static void *mk_conn_restore(u64 pa, u64 size)
{
	struct page *page = kho_restore_pages(pa, size >> PAGE_SHIFT);

	return page ? page_address(page) : NULL;
}

static struct mk_pair *mk_pair_find(u32 id)
{
	struct mk_pair *pair;

	lockdep_assert_held(&mk_conns_lock);
	list_for_each_entry(pair, &mk_pairs, node)
		if (pair->id == id)
			return pair;
	return NULL;
}

static struct mk_pair *mk_pair_resume_new(const struct mk_keep_conn *rec)
{
	struct mk_pair *pair = kzalloc_obj(*pair);

	if (!pair)
		return NULL;
	pair->words = mk_conn_restore(rec->words_pa, PAGE_SIZE);
	if (!pair->words) {
		kfree(pair);
		return NULL;
	}
	bitmap_set(pair->used, 0, MK_NR_CLASSES);
	pair->id = rec->pair;
	list_add(&pair->node, &mk_pairs);
	return pair;
}

/* An instance that is gone is none of the pair's for any connection to come */
static struct mk_pair *mk_pair_resume(const struct mk_keep_conn *rec,
				      struct mk_instance *inst[2])
{
	struct mk_pair *pair = mk_pair_find(rec->pair) ?: mk_pair_resume_new(rec);
	unsigned int side;

	if (!pair)
		return NULL;
	for (side = 0; side < 2; side++) {
		if (!inst[side])
			continue;
		pair->inst[side ^ rec->first] = inst[side];
		pair->epoch[side ^ rec->first] = inst[side]->epoch;
	}
	__set_bit(rec->channel, pair->used);
	pair->refs++;
	return pair;
}

static int mk_conn_resume_locked(struct mk_conn *conn, const struct mk_keep_conn *rec)
{
	unsigned int side;

	guard(mutex)(&mk_conns_lock);
	conn->pair = mk_pair_resume(rec, conn->inst);
	if (!conn->pair)
		return -ENOMEM;
	conn->channel = rec->channel;
	conn->making = true;
	conn->refs = 1;
	for (side = 0; side < 2; side++) {
		conn->open[side] = conn->inst[side];
		conn->dead |= !conn->inst[side];
		conn->refs += conn->open[side];
	}
	list_add_tail(&conn->node, &mk_conns);
	return 0;
}

static void mk_conn_resume_failed(struct mk_conn *conn)
{
	unsigned int side;

	for (side = 0; side < 2; side++)
		if (conn->inst[side])
			mk_instance_put(conn->inst[side]);
	kfree(conn);
}

/* What can't be had stays preserved for nobody, as both ends may still write there */
static int mk_conn_resume(const struct mk_keep_conn *rec)
{
	struct mk_conn *conn = mk_conn_alloc();
	unsigned int side;
	int ret;

	if (!conn)
		return -ENOMEM;
	for (side = 0; side < 2; side++)
		if (rec->id[side])
			conn->inst[side] = mk_instance_get_by_id(rec->id[side]);
	conn->nr = rec->nr;
	conn->slots = rec->slots;
	conn->pages = rec->pages;
	conn->version = rec->version;
	conn->size = rec->area_size;
	strscpy(conn->service, rec->service);
	conn->area = mk_conn_restore(rec->area_pa, rec->area_size);
	ret = conn->area ? mk_conn_resume_locked(conn, rec) : -EFAULT;
	if (ret) {
		mk_conn_resume_failed(conn);
		return ret;
	}
	/* Who is left hears of it, and one of which nobody is left ends */
	mk_broker_made(conn);
	return 0;
}

/**
 * mk_broker_resume_begin() - there are connections, which are not known yet
 * @keep: checked
 *
 * To be followed by mk_broker_resume().
 *
 * Context: may sleep; before there is an instance.
 */
void mk_broker_resume_begin(const struct mk_keep *keep)
{
	guard(mutex)(&mk_conns_lock);
	mk_conns_next = keep->conns_last;
	mk_conns_resuming = true;
}

/**
 * mk_broker_resume() - take over the connections between instances
 * @keep: checked
 *
 * Context: may sleep; when all instances are there that will be.
 */
void mk_broker_resume(const struct mk_keep *keep)
{
	struct mk_keep_conn *recs = keep->nr_conns ? phys_to_virt(keep->conns_pa) : NULL;
	u32 i;
	int ret;

	for (i = 0; i < keep->nr_conns; i++) {
		ret = mk_broker_check_kept(&recs[i]) ? mk_conn_resume(&recs[i]) : -EINVAL;
		if (ret)
			pr_err("connection %u of the host before can't be taken over (%pe)\n",
			       recs[i].nr, ERR_PTR(ret));
	}
	if (recs)
		kho_restore_free(recs);
	guard(mutex)(&mk_conns_lock);
	mk_conns_resuming = false;
}
