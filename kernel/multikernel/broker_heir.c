// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: broker_heir.c - connections that pass to the successor of an instance
 *
 * When an instance gets a successor, a connection may pass to that: the successor takes its
 * place in it while nobody uses that end, and is told to open it as one that is in use.  For
 * the other end nothing changes, be it another instance, which goes on to know this one by the
 * same pair, or the host itself, whose channel moves to the successor's link.
 *
 * Locking is that of broker.c.
 */

#include <linux/bitmap.h>

#include "broker.h"
#include "internal.h"
#include "service.h"

static bool mk_bequest_has(const struct mk_bequest *bequest, u32 nr)
{
	unsigned int i;

	for (i = 0; i < bequest->nr; i++)
		if (bequest->conns[i] == nr)
			return true;
	return false;
}

/* Side 1 is the one that was asked: what a service has accepted is what can be inherited */
static bool mk_conn_may_pass(struct mk_conn *conn, struct mk_instance *inst,
			     struct mk_instance *heir)
{
	return conn->inst[1] == inst && conn->inst[0] != heir &&
	       conn->open[0] && conn->open[1] && !conn->dead && !conn->making &&
	       !conn->pages && !mk_conn_may_enter(conn, heir) &&
	       mk_conn_version(conn->inst[0], heir) == conn->version;
}

/* The host's own end is moved to the link of the heir, under an id that is free there */
static bool mk_conn_pass_here(struct mk_conn *conn, struct mk_instance *inst,
			      struct mk_instance *heir)
{
	unsigned int id = find_first_zero_bit(heir->channels_used, MK_LINK_CHANNELS);

	if (id == MK_LINK_CHANNELS || mk_end_pass(conn->nr, &heir->link, id))
		return false;
	__clear_bit(conn->channel, inst->channels_used);
	__set_bit(id, heir->channels_used);
	conn->channel = id;
	return true;
}

/* Those of the pair that do not pass are about to end */
static void mk_pair_pass(struct mk_pair *pair, struct mk_instance *inst,
			 struct mk_instance *heir)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (pair->inst[i] != inst)
			continue;
		pair->inst[i] = heir;
		pair->epoch[i] = heir->epoch;
	}
}

static void mk_conn_pass(struct mk_conn *conn, struct mk_instance *inst,
			 struct mk_instance *heir)
{
	lockdep_assert_held(&mk_conns_lock);
	if (!conn->inst[0] && !mk_conn_pass_here(conn, inst, heir))
		return;
	if (conn->pair)
		mk_pair_pass(conn->pair, inst, heir);
	mk_instance_get(heir);
	conn->inst[1] = heir;
	mk_instance_put(inst);
	/* For mk_broker_inherit(); until then nobody tells the heir that the peer is gone */
	conn->inherited = true;
	conn->making = true;
	conn->refs++;
}

/**
 * mk_broker_bequeath() - some of an instance's connections pass to its successor
 * @inst: the instance, whose CPUs are stopped, but which has not ended yet
 * @bequest: to whom, and which; of these, those which can
 *
 * To be followed by mk_broker_inherit().
 *
 * Context: may sleep.
 */
void mk_broker_bequeath(struct mk_instance *inst, const struct mk_bequest *bequest)
{
	struct mk_instance *heir = bequest->heir;
	struct mk_conn *conn;

	guard(mutex)(&mk_conns_lock);
	list_for_each_entry(conn, &mk_conns, node)
		if (mk_bequest_has(bequest, conn->nr) && mk_conn_may_pass(conn, inst, heir))
			mk_conn_pass(conn, inst, heir);
}

/* One that it has not been told of yet; its reference goes to the caller */
static struct mk_conn *mk_broker_next_inherited(struct mk_instance *inst)
{
	struct mk_conn *conn;

	guard(mutex)(&mk_conns_lock);
	list_for_each_entry(conn, &mk_conns, node)
		if (conn->inst[1] == inst && conn->inherited)
			return conn;
	return NULL;
}

/**
 * mk_broker_inherit() - a successor opens its ends of the connections that it has inherited
 * @inst: the successor
 *
 * Those that it does not want end, of which the other end hears.  So do all that are left if it
 * does not answer.
 *
 * Context: may sleep.
 */
void mk_broker_inherit(struct mk_instance *inst)
{
	struct mk_conn *conn;
	bool answers = true;

	while ((conn = mk_broker_next_inherited(inst))) {
		/* The other end may have been closed meanwhile */
		if (!answers || mk_conn_is_dead(conn))
			mk_conn_shut(conn, 1);
		else
			answers = mk_conn_open_there(conn, 1) != -ETIMEDOUT;
		scoped_guard(mutex, &mk_conns_lock)
			conn->inherited = false;
		mk_broker_made(conn);
	}
}
