// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: multikernel transport for vsock
 *
 * Sockets between the kernels of a machine, see vsock(7): the host has the context id 2,
 * VMADDR_CID_HOST, as ever, and the instance with the id N has 2 + N.  An instance reaches
 * the host and the other instances.
 *
 * Packets and credit are those of virtio-vsock (virtio specification 1.2, section 5.10),
 * by virtio_transport_common.c.  A packet is one message of a channel: its header and what
 * it carries.  One that is too long for a message becomes two.
 *
 * A channel to a peer is opened when something is to be sent, by whoever has something to
 * send; both may do so at the same time, and then there are two.  Each side sends on the
 * one that it had first, and listens to both, so the order within a socket is kept.
 * Channels stay until the peer ends.  Then all connections to it are reset.
 *
 * A peer is not trusted: addresses and lengths are checked.  What a peer makes this kernel
 * say is dropped if it does not listen: see MK_VSOCK_QUEUE_MAX.
 *
 * Locking
 * -------
 *
 * mk_vsock_peer.lock protects the pointers to channels, and is innermost.
 * mk_vsock_peer.sending is held while something is sent, and by who waits until the
 * channel is not used any more.
 */

#define pr_fmt(fmt) "mk_vsock: " fmt

#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/multikernel.h>
#include <linux/mutex.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/virtio_vsock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/af_vsock.h>
#include <net/sock.h>

#define MK_VSOCK_SERVICE	"vsock"

/* Slots of a ring: a message of 60 KiB fits */
#define MK_VSOCK_SLOTS		512
#define MK_VSOCK_MSG_MAX	(MK_VSOCK_SLOTS * MK_SLOT_PAYLOAD)
#define MK_VSOCK_PAYLOAD_MAX	(MK_VSOCK_MSG_MAX - sizeof(struct virtio_vsock_hdr))

/* Type of the messages */
#define MK_VSOCK_PACKET		1

/*
 * Packets that wait for a peer.  What carries data is bounded by credit; what does not is
 * dropped beyond this, as a peer can ask for as many answers as it likes.
 */
#define MK_VSOCK_QUEUE_MAX	4096

/* How often a peer that is busy, or not ready yet, is asked for a channel, and how soon */
#define MK_VSOCK_TRIES		50
#define MK_VSOCK_RETRY_MS	20

/**
 * struct mk_vsock_peer - another kernel of the machine
 * @cid: its context id
 * @queue: packets to send to it
 * @work: sends them
 * @lock: protects what follows, but for @sending
 * @tx: the channel to send on: @ours, @theirs, or NULL
 * @ours: from mk_connect()
 * @theirs: accepted from the peer
 * @ended: from mk_connect(), gone, and to be closed
 * @epoch: which life of the peer the channels belong to
 * @sending: held while @tx is used
 * @buf: a message that is put together, under @sending
 *
 * Once there, it stays.
 */
struct mk_vsock_peer {
	u32 cid;
	struct sk_buff_head queue;
	struct work_struct work;
	spinlock_t lock;		/* see above */
	struct mk_channel *tx;
	struct mk_channel *ours;
	struct mk_channel *theirs;
	struct mk_channel *ended;
	u32 epoch;
	struct mutex sending;		/* likewise */
	u8 *buf;
};

static DEFINE_XARRAY(mk_vsock_peers);
static struct workqueue_struct *mk_vsock_wq;
static struct virtio_transport mk_vsock_transport;

static u32 mk_vsock_cid(u32 id)
{
	return VMADDR_CID_HOST + id;
}

static u32 mk_vsock_local_cid(void)
{
	return mk_vsock_cid(mk_self());
}

static void mk_vsock_work(struct work_struct *work);

static void mk_vsock_peer_free(struct mk_vsock_peer *peer)
{
	kvfree(peer->buf);
	kfree(peer);
}

static struct mk_vsock_peer *mk_vsock_peer_alloc(u32 cid)
{
	struct mk_vsock_peer *peer = kzalloc_obj(*peer);

	if (!peer)
		return NULL;
	peer->buf = kvmalloc(MK_VSOCK_MSG_MAX, GFP_KERNEL);
	if (!peer->buf) {
		kfree(peer);
		return NULL;
	}
	peer->cid = cid;
	skb_queue_head_init(&peer->queue);
	INIT_WORK(&peer->work, mk_vsock_work);
	spin_lock_init(&peer->lock);
	mutex_init(&peer->sending);
	return peer;
}

/* Makes it if it is not there; NULL if there is no memory */
static struct mk_vsock_peer *mk_vsock_peer_get(u32 cid)
{
	struct mk_vsock_peer *peer = xa_load(&mk_vsock_peers, cid), *new, *old;

	if (peer)
		return peer;
	new = mk_vsock_peer_alloc(cid);
	if (!new)
		return NULL;
	old = xa_cmpxchg(&mk_vsock_peers, cid, NULL, new, GFP_KERNEL);
	if (!old)
		return new;
	mk_vsock_peer_free(new);
	return xa_is_err(old) ? NULL : old;
}

static int mk_vsock_match(const struct mk_peer *peer, void *data)
{
	struct mk_peer *found = data;

	if (peer->id != found->id)
		return 0;
	*found = *peer;
	return 1;
}

/* Who is it, if it runs? */
static bool mk_vsock_find(u32 cid, struct mk_peer *peer)
{
	if (cid < VMADDR_CID_HOST || cid > mk_vsock_cid(MULTIKERNEL_ID_MAX))
		return false;
	peer->id = cid - VMADDR_CID_HOST;
	return mk_peer_walk(mk_vsock_match, peer) == 1;
}

/* The connection is over, as if the peer had said so */
static void mk_vsock_reset(struct sock *sk)
{
	sock_set_flag(sk, SOCK_DONE);
	vsock_sk(sk)->peer_shutdown = SHUTDOWN_MASK;
	sk->sk_state = SS_UNCONNECTED;
	sk->sk_err = ECONNRESET;
	sk_error_report(sk);
}

/* As in vhost: without the lock of the socket, and not if it is being closed */
static void mk_vsock_reset_orphan(struct sock *sk)
{
	struct vsock_sock *vsk = vsock_sk(sk);
	struct mk_vsock_peer *peer = xa_load(&mk_vsock_peers, vsk->remote_addr.svm_cid);

	if ((!peer || !READ_ONCE(peer->tx)) && !vsk->close_work_scheduled)
		mk_vsock_reset(sk);
}

/* The peer has ended.  One channel hears of it first, but none of its life is of use */
static void mk_vsock_gone(struct mk_channel *ch)
{
	struct mk_vsock_peer *peer = mk_channel_priv(ch);

	scoped_guard(spinlock, &peer->lock) {
		WRITE_ONCE(peer->tx, NULL);
		if (peer->theirs == ch)
			peer->theirs = NULL;
		else
			peer->ended = ch;
		if (peer->ours == ch)
			peer->ours = NULL;
	}
	/* Who sends on it fails by now */
	scoped_guard(mutex, &peer->sending)
		virtio_vsock_skb_queue_purge(&peer->queue);
	vsock_for_each_connected_socket(&mk_vsock_transport.transport, mk_vsock_reset_orphan);
	queue_work(mk_vsock_wq, &peer->work);
}

/* Can this be from that peer, and for this kernel?  @hdr is a private copy */
static bool mk_vsock_header_ok(const struct virtio_vsock_hdr *hdr, size_t len, u32 from,
			       u32 to)
{
	return le64_to_cpu(hdr->src_cid) == from && le64_to_cpu(hdr->dst_cid) == to &&
	       le32_to_cpu(hdr->len) == len;
}

/* A byte of a stream can't be missing: rather there is no stream */
static void mk_vsock_break(const struct virtio_vsock_hdr *hdr)
{
	struct sockaddr_vm src, dst;
	struct sock *sk;

	vsock_addr_init(&src, le64_to_cpu(hdr->src_cid), le32_to_cpu(hdr->src_port));
	vsock_addr_init(&dst, le64_to_cpu(hdr->dst_cid), le32_to_cpu(hdr->dst_port));
	sk = vsock_find_connected_socket_net(&src, &dst, NULL);
	if (!sk)
		return;
	lock_sock(sk);
	mk_vsock_reset(sk);
	release_sock(sk);
	sock_put(sk);
}

static bool mk_vsock_receive(struct mk_channel *ch, const struct mk_msg *msg)
{
	struct mk_vsock_peer *peer = mk_channel_priv(ch);
	struct virtio_vsock_hdr hdr;
	struct sk_buff *skb;
	size_t len;

	if (msg->type != MK_VSOCK_PACKET || msg->len < sizeof(hdr))
		return false;
	len = msg->len - sizeof(hdr);
	memcpy(&hdr, msg->data, sizeof(hdr));
	if (!mk_vsock_header_ok(&hdr, len, peer->cid, mk_vsock_local_cid()))
		return false;
	skb = virtio_vsock_alloc_skb(msg->len, GFP_KERNEL);
	if (!skb) {
		mk_vsock_break(&hdr);
		return true;
	}
	memcpy(virtio_vsock_hdr(skb), &hdr, sizeof(hdr));
	if (len) {
		virtio_vsock_skb_put(skb, len);
		skb_store_bits(skb, 0, msg->data + sizeof(hdr), len);
	}
	virtio_transport_deliver_tap_pkt(skb);
	/* In all namespaces that share the global context ids */
	virtio_transport_recv_pkt(&mk_vsock_transport, skb, NULL);
	return true;
}

static const struct mk_channel_ops mk_vsock_ops = {
	.receive	= mk_vsock_receive,
	.gone		= mk_vsock_gone,
	.sleeps		= true,
};

/* Channels of an earlier life are still to be heard of, or there is one */
static int mk_vsock_adopt(struct mk_vsock_peer *peer, struct mk_channel *ch, u32 epoch)
{
	guard(spinlock)(&peer->lock);
	if (peer->theirs || (peer->ours && peer->epoch != epoch))
		return -EBUSY;
	peer->epoch = epoch;
	peer->theirs = ch;
	if (!peer->tx)
		WRITE_ONCE(peer->tx, ch);
	return 0;
}

static int mk_vsock_accept(struct mk_channel *ch)
{
	struct mk_vsock_peer *peer;
	struct mk_peer who;

	/* An instance hears of others a little later than the host */
	if (mk_peer_find(mk_channel_peer(ch), &who))
		return -EAGAIN;
	peer = mk_vsock_peer_get(mk_vsock_cid(who.id));
	if (!peer)
		return -ENOMEM;
	mk_channel_set_priv(ch, peer);
	return mk_vsock_adopt(peer, ch, who.epoch);
}

static struct mk_service mk_vsock_service = {
	.name	= MK_VSOCK_SERVICE,
	.ops	= &mk_vsock_ops,
	.accept	= mk_vsock_accept,
};

static struct mk_channel *mk_vsock_connect(const struct mk_peer *who,
					   struct mk_vsock_peer *peer)
{
	struct mk_channel *ch;
	unsigned int tries;

	for (tries = 0; tries < MK_VSOCK_TRIES; tries++) {
		ch = mk_connect(who->name, MK_VSOCK_SERVICE, MK_VSOCK_SLOTS, &mk_vsock_ops,
				peer);
		if (ch != ERR_PTR(-EAGAIN) && ch != ERR_PTR(-EBUSY))
			return ch;
		/* It may have come to us meanwhile */
		if (READ_ONCE(peer->tx))
			return NULL;
		schedule_timeout_uninterruptible(msecs_to_jiffies(MK_VSOCK_RETRY_MS));
	}
	return ch;
}

static void mk_vsock_close_ended(struct mk_vsock_peer *peer)
{
	struct mk_channel *ch;

	scoped_guard(spinlock, &peer->lock) {
		ch = peer->ended;
		peer->ended = NULL;
	}
	if (ch)
		mk_close(ch);
}

/* There is a channel to send on, or an error: only one work item opens channels */
static int mk_vsock_open(struct mk_vsock_peer *peer)
{
	struct mk_channel *ch;
	struct mk_peer who;

	if (READ_ONCE(peer->tx))
		return 0;
	/* Of a life that is over: what is heard of it later would end the next one */
	if (READ_ONCE(peer->ours))
		return -ENOTCONN;
	mk_vsock_close_ended(peer);
	if (!mk_vsock_find(peer->cid, &who))
		return -EHOSTDOWN;
	ch = mk_vsock_connect(&who, peer);
	if (IS_ERR_OR_NULL(ch))
		return PTR_ERR_OR_ZERO(ch);
	guard(spinlock)(&peer->lock);
	if (peer->ended == ch)
		return -ENOTCONN;
	peer->ours = ch;
	peer->epoch = who.epoch;
	if (!peer->tx)
		WRITE_ONCE(peer->tx, ch);
	return 0;
}

/* One message of a packet: @len bytes from @offset on */
static int mk_vsock_send_part(struct mk_vsock_peer *peer, struct mk_channel *ch,
			      struct sk_buff *skb, u32 offset, u32 len)
{
	struct virtio_vsock_hdr *hdr = (struct virtio_vsock_hdr *)peer->buf;
	bool last = offset + len == skb->len;

	*hdr = *virtio_vsock_hdr(skb);
	hdr->len = cpu_to_le32(len);
	if (!last)
		hdr->flags &= ~cpu_to_le32(VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR);
	if (skb_copy_bits(skb, offset, peer->buf + sizeof(*hdr), len))
		return -EFAULT;
	return mk_send_wait(ch, MK_VSOCK_PACKET, peer->buf, sizeof(*hdr) + len,
			    MAX_SCHEDULE_TIMEOUT);
}

static int mk_vsock_send_skb(struct mk_vsock_peer *peer, struct sk_buff *skb)
{
	struct mk_channel *ch;
	u32 offset = 0, len;
	int ret;

	guard(mutex)(&peer->sending);
	scoped_guard(spinlock, &peer->lock)
		ch = peer->tx;
	if (!ch)
		return -ENOTCONN;
	do {
		len = min_t(u32, skb->len - offset, MK_VSOCK_PAYLOAD_MAX);
		ret = mk_vsock_send_part(peer, ch, skb, offset, len);
		offset += len;
	} while (!ret && offset < skb->len);
	return ret;
}

/* It can't be delivered: the socket hears what the peer would say that has no such socket */
static void mk_vsock_refuse(struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb), *rst;
	struct sk_buff *reply;

	if (le16_to_cpu(hdr->op) == VIRTIO_VSOCK_OP_RST)
		return;
	reply = virtio_vsock_alloc_skb(VIRTIO_VSOCK_SKB_HEADROOM, GFP_KERNEL);
	if (!reply)
		return;
	rst = virtio_vsock_hdr(reply);
	*rst = (struct virtio_vsock_hdr){
		.src_cid	= hdr->dst_cid,
		.dst_cid	= hdr->src_cid,
		.src_port	= hdr->dst_port,
		.dst_port	= hdr->src_port,
		.type		= hdr->type,
		.op		= cpu_to_le16(VIRTIO_VSOCK_OP_RST),
	};
	virtio_transport_recv_pkt(&mk_vsock_transport, reply, NULL);
}

static void mk_vsock_work(struct work_struct *work)
{
	struct mk_vsock_peer *peer = container_of(work, struct mk_vsock_peer, work);
	struct sk_buff *skb;
	int ret;

	mk_vsock_close_ended(peer);
	while ((skb = virtio_vsock_skb_dequeue(&peer->queue))) {
		virtio_transport_deliver_tap_pkt(skb);
		ret = mk_vsock_open(peer) ?: mk_vsock_send_skb(peer, skb);
		if (ret)
			mk_vsock_refuse(skb);
		virtio_transport_consume_skb_sent(skb, true);
	}
}

static int mk_vsock_send_pkt(struct sk_buff *skb, struct net *net)
{
	u64 cid = le64_to_cpu(virtio_vsock_hdr(skb)->dst_cid);
	struct mk_vsock_peer *peer = NULL;
	int len = skb->len, ret = -ENODEV;
	struct mk_peer who;

	if (cid <= U32_MAX)
		peer = xa_load(&mk_vsock_peers, cid);
	if (!peer && cid <= U32_MAX && mk_vsock_find(cid, &who))
		peer = mk_vsock_peer_get(cid);
	if (!peer)
		goto drop;
	ret = -ENOBUFS;
	if (!len && skb_queue_len_lockless(&peer->queue) >= MK_VSOCK_QUEUE_MAX)
		goto drop;
	virtio_vsock_skb_queue_tail(&peer->queue, skb);
	queue_work(mk_vsock_wq, &peer->work);
	return len;
drop:
	kfree_skb(skb);
	return ret;
}

static int mk_vsock_cancel_pkt(struct vsock_sock *vsk)
{
	struct mk_vsock_peer *peer = xa_load(&mk_vsock_peers, vsk->remote_addr.svm_cid);

	if (!peer)
		return -ENODEV;
	virtio_transport_purge_skbs(vsk, &peer->queue);
	return 0;
}

static bool mk_vsock_has_remote_cid(struct vsock_sock *vsk, u32 cid)
{
	struct mk_peer who;

	return mk_vsock_find(cid, &who);
}

static bool mk_vsock_stream_allow(struct vsock_sock *vsk, u32 cid, u32 port)
{
	return vsock_net_mode_global(vsk);
}

static bool mk_vsock_seqpacket_allow(struct vsock_sock *vsk, u32 remote_cid)
{
	return vsock_net_mode_global(vsk);
}

static struct virtio_transport mk_vsock_transport = {
	.transport = {
		.module                   = THIS_MODULE,

		.get_local_cid            = mk_vsock_local_cid,
		.has_remote_cid           = mk_vsock_has_remote_cid,

		.init                     = virtio_transport_do_socket_init,
		.destruct                 = virtio_transport_destruct,
		.release                  = virtio_transport_release,
		.connect                  = virtio_transport_connect,
		.shutdown                 = virtio_transport_shutdown,
		.cancel_pkt               = mk_vsock_cancel_pkt,

		.dgram_bind               = virtio_transport_dgram_bind,
		.dgram_dequeue            = virtio_transport_dgram_dequeue,
		.dgram_enqueue            = virtio_transport_dgram_enqueue,
		.dgram_allow              = virtio_transport_dgram_allow,

		.stream_dequeue           = virtio_transport_stream_dequeue,
		.stream_enqueue           = virtio_transport_stream_enqueue,
		.stream_has_data          = virtio_transport_stream_has_data,
		.stream_has_space         = virtio_transport_stream_has_space,
		.stream_rcvhiwat          = virtio_transport_stream_rcvhiwat,
		.stream_is_active         = virtio_transport_stream_is_active,
		.stream_allow             = mk_vsock_stream_allow,

		.seqpacket_dequeue        = virtio_transport_seqpacket_dequeue,
		.seqpacket_enqueue        = virtio_transport_seqpacket_enqueue,
		.seqpacket_allow          = mk_vsock_seqpacket_allow,
		.seqpacket_has_data       = virtio_transport_seqpacket_has_data,

		.notify_poll_in           = virtio_transport_notify_poll_in,
		.notify_poll_out          = virtio_transport_notify_poll_out,
		.notify_recv_init         = virtio_transport_notify_recv_init,
		.notify_recv_pre_block    = virtio_transport_notify_recv_pre_block,
		.notify_recv_pre_dequeue  = virtio_transport_notify_recv_pre_dequeue,
		.notify_recv_post_dequeue = virtio_transport_notify_recv_post_dequeue,
		.notify_send_init         = virtio_transport_notify_send_init,
		.notify_send_pre_block    = virtio_transport_notify_send_pre_block,
		.notify_send_pre_enqueue  = virtio_transport_notify_send_pre_enqueue,
		.notify_send_post_enqueue = virtio_transport_notify_send_post_enqueue,
		.notify_buffer_size       = virtio_transport_notify_buffer_size,
		.notify_set_rcvlowat      = virtio_transport_notify_set_rcvlowat,

		.unsent_bytes             = virtio_transport_unsent_bytes,

		.read_skb                 = virtio_transport_read_skb,
	},

	.send_pkt = mk_vsock_send_pkt,
};

static int __init mk_vsock_init(void)
{
	int ret;

	BUILD_BUG_ON(MK_VSOCK_MSG_MAX > MK_MSG_MAX);
	mk_vsock_wq = alloc_workqueue("mk_vsock", WQ_UNBOUND, 0);
	if (!mk_vsock_wq)
		return -ENOMEM;
	ret = vsock_core_register(&mk_vsock_transport.transport,
				  mk_self() ? VSOCK_TRANSPORT_F_G2H : VSOCK_TRANSPORT_F_H2G);
	if (ret)
		goto out_wq;
	ret = mk_service_register(&mk_vsock_service);
	if (!ret)
		return 0;
	vsock_core_unregister(&mk_vsock_transport.transport);
out_wq:
	destroy_workqueue(mk_vsock_wq);
	return ret;
}

/* No way out: as long as a peer lives its channels are open */
module_init(mk_vsock_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("multikernel transport for vsock");
MODULE_ALIAS_NETPROTO(PF_VSOCK);
