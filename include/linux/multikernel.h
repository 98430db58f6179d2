/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_MULTIKERNEL_H
#define _LINUX_MULTIKERNEL_H

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/multikernel/abi/boot.h>
#include <linux/multikernel/abi/ring.h>
#include <linux/types.h>
#include <uapi/linux/multikernel.h>

struct kexec_buf;
struct kimage;
struct mk_channel;
struct mk_instance;
struct mk_ring_rx;
struct notifier_block;
struct resource;

/**
 * struct mk_msg - a received message, in the receiver's private memory
 * @type: MK_MSG_*
 * @len: its length in bytes
 * @data: what the peer sent; hostile input
 * @pages: pages that the peer gives or lends, the same as @data, and then not private:
 *         to be put by mk_pages_put(), or given on.  Otherwise NULL
 * @payload: where @data points if the message is short
 */
struct mk_msg {
	u16 type;
	u32 len;
	const u8 *data;
	void *pages;
	u8 payload[MK_SLOT_PAYLOAD];
};

/**
 * struct mk_channel_ops - what becomes of the messages of a channel
 * @receive: a message; false if it makes no sense, which is counted.  Optional
 * @call: a message that wants a reply, see mk_reply().  Optional: without it calls
 *        are answered by -EOPNOTSUPP
 * @late: the reply to a call that nobody waits for any more, because of its deadline or a
 *        signal.  Optional
 * @gone: the peer has ended, or given the channel up: nothing comes any more, and
 *        what is sent returns -ENOTCONN.  Its pages may not be used after this has
 *        returned.  Process context, may sleep.  A channel
 *        that a service has accepted is freed afterwards.  Optional
 * @drain: instead of the others: consumes and publishes the ring itself; returns
 *         false if it takes no more for now and will look again by itself
 * @pages: how many pages the two ends shall have together for data that changes hands
 *         without being copied, see mk_pages_alloc(), for who connects.  Optional
 * @sleeps: the callbacks may sleep, and run in a workqueue; otherwise in BH context
 * @in_irq: the callbacks are short, and fit for hard interrupts: the first messages
 *          are handled in the doorbell's interrupt, further ones in BH context.
 *          Not with @sleeps or @drain
 * @inheritable: of a service: when this kernel gets a successor, the service of the same name
 *               there may go on with the channel, whose other end stays open.  No message
 *               is lost or comes twice, but what this side keeps of the channel is gone, so
 *               all that matters should be in messages, or be handed over otherwise.  Calls
 *               must be answered before their callback returns.  Not with @pages of the one
 *               who connects; nor while this side waits for a reply: then the channel ends
 *
 * A channel has one receiver: its callbacks never run at the same time.
 */
struct mk_channel_ops {
	bool (*receive)(struct mk_channel *ch, const struct mk_msg *msg);
	void (*call)(struct mk_channel *ch, const struct mk_msg *msg);
	void (*late)(struct mk_channel *ch, const struct mk_msg *msg);
	void (*gone)(struct mk_channel *ch);
	bool (*drain)(struct mk_channel *ch, struct mk_ring_rx *rx);
	u32 pages;
	bool sleeps;
	bool in_irq;
	bool inheritable;
};

/**
 * struct mk_service - a name on which other kernels may open channels
 * @node: for the framework
 * @ends: for the framework
 * @name: 1 to 31 bytes
 * @ops: what becomes of messages
 * @priv: for mk_channel_priv()
 * @accept: somebody opens a channel; 0, or a negative errno to refuse, of which the
 *          other side is told; -EBUSY for -EAGAIN.  May sleep, and may set another
 *          pointer for mk_channel_priv().  Optional
 */
struct mk_service {
	struct list_head node;
	unsigned int ends;
	const char *name;
	const struct mk_channel_ops *ops;
	void *priv;
	int (*accept)(struct mk_channel *ch);
};

/**
 * struct mk_peer - another kernel
 * @name: of the instance, or an empty string for the host
 * @id: of the instance, or 0 for the host
 * @epoch: counts its starts; for the host, how many this kernel has had, this one included
 */
struct mk_peer {
	char name[MULTIKERNEL_NAME_MAX + 1];
	u32 id;
	u32 epoch;
};

/* What a notifier hears of a peer */
/*
 * It has ended; what was open to it is being closed.  Or it has another kernel, or there is
 * another host: then it is up again soon, and a channel that stays is none of this event's.
 */
#define MK_PEER_DOWN	0
#define MK_PEER_UP	1	/* it runs: mk_connect() will find it */

#ifdef CONFIG_MULTIKERNEL

/* Kernels that come and go: kernel/multikernel/peer.c */
u32 mk_self(void);
int mk_peer_notifier_register(struct notifier_block *nb);
int mk_peer_notifier_unregister(struct notifier_block *nb);
int mk_peer_find(const char *name, struct mk_peer *peer);
int mk_peer_walk(int (*fn)(const struct mk_peer *peer, void *data), void *data);

/* Services and channels to them: kernel/multikernel/service.c */
int mk_service_register(struct mk_service *service);
void mk_service_unregister(struct mk_service *service);
struct mk_channel *mk_connect(const char *peer, const char *service, u32 slots,
			      const struct mk_channel_ops *ops, void *priv);
void mk_close(struct mk_channel *ch);
const char *mk_channel_peer(struct mk_channel *ch);
void *mk_channel_priv(struct mk_channel *ch);
void mk_channel_set_priv(struct mk_channel *ch, void *priv);

/* Messages: kernel/multikernel/channel.c */
int mk_send(struct mk_channel *ch, u16 type, const void *data, size_t len);
int mk_send_wait(struct mk_channel *ch, u16 type, const void *data, size_t len,
		 long timeout);
ssize_t mk_call(struct mk_channel *ch, const void *data, size_t len, void *reply,
		size_t size, long timeout);
int mk_reply(struct mk_channel *ch, u16 call, const void *data, size_t len);
int mk_reply_error(struct mk_channel *ch, u16 call, int err);
bool mk_channel_has_room(struct mk_channel *ch, size_t len);
int mk_channel_set_cpu(struct mk_channel *ch, unsigned int cpu);
bool mk_channel_poll_begin(struct mk_channel *ch);
int mk_channel_poll(struct mk_channel *ch);
int mk_channel_recv(struct mk_channel *ch, struct mk_msg *msg);
void mk_channel_poll_end(struct mk_channel *ch);

/* Pages that change hands: kernel/multikernel/pages.c */
void *mk_pages_alloc(struct mk_channel *ch, size_t len);
void *mk_pages_alloc_wait(struct mk_channel *ch, size_t len, long timeout);
int mk_pages_give(struct mk_channel *ch, u16 type, void *pages, size_t len);
int mk_pages_lend(struct mk_channel *ch, u16 type, void *pages, size_t len);
void mk_pages_put(struct mk_channel *ch, void *pages);

/* Hooks for kexec: kernel/multikernel/image.c */
struct mk_instance *mk_kimage_begin(unsigned int id);
void mk_kimage_end(struct mk_instance *inst, int ret);
void *mk_kimage_place(struct kimage *image, int kernel_fd, int initrd_fd);
int mk_kimage_locate(struct kexec_buf *kbuf,
		     int (*func)(struct resource *res, void *arg));
int mk_kimage_finish(struct kimage *image);
int mk_kimage_unload(struct mk_instance *inst);

/* Hook for kexec in an instance: kernel/multikernel/guest_update.c */
int mk_kexec_may_load(bool file, bool crash);

/* Hook for reboot(2): kernel/multikernel/life.c */
int mk_reboot_start(unsigned long id);

#else /* !CONFIG_MULTIKERNEL */

static inline u32 mk_self(void)
{
	return MULTIKERNEL_ID_HOST;
}

static inline int mk_peer_notifier_register(struct notifier_block *nb)
{
	return -EOPNOTSUPP;
}

static inline int mk_peer_notifier_unregister(struct notifier_block *nb)
{
	return -EOPNOTSUPP;
}

static inline int mk_peer_find(const char *name, struct mk_peer *peer)
{
	return -ENOENT;
}

static inline int mk_peer_walk(int (*fn)(const struct mk_peer *peer, void *data),
			       void *data)
{
	return 0;
}

static inline int mk_service_register(struct mk_service *service)
{
	return -EOPNOTSUPP;
}

static inline void mk_service_unregister(struct mk_service *service)
{
}

static inline struct mk_channel *mk_connect(const char *peer, const char *service,
					    u32 slots, const struct mk_channel_ops *ops,
					    void *priv)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static inline void mk_close(struct mk_channel *ch)
{
}

static inline const char *mk_channel_peer(struct mk_channel *ch)
{
	return "";
}

static inline void *mk_channel_priv(struct mk_channel *ch)
{
	return NULL;
}

static inline void mk_channel_set_priv(struct mk_channel *ch, void *priv)
{
}

static inline int mk_send(struct mk_channel *ch, u16 type, const void *data, size_t len)
{
	return -EOPNOTSUPP;
}

static inline int mk_send_wait(struct mk_channel *ch, u16 type, const void *data,
			       size_t len, long timeout)
{
	return -EOPNOTSUPP;
}

static inline ssize_t mk_call(struct mk_channel *ch, const void *data, size_t len,
			      void *reply, size_t size, long timeout)
{
	return -EOPNOTSUPP;
}

static inline int mk_reply(struct mk_channel *ch, u16 call, const void *data, size_t len)
{
	return -EOPNOTSUPP;
}

static inline int mk_reply_error(struct mk_channel *ch, u16 call, int err)
{
	return -EOPNOTSUPP;
}

static inline bool mk_channel_has_room(struct mk_channel *ch, size_t len)
{
	return false;
}

static inline int mk_channel_set_cpu(struct mk_channel *ch, unsigned int cpu)
{
	return -EOPNOTSUPP;
}

static inline bool mk_channel_poll_begin(struct mk_channel *ch)
{
	return false;
}

static inline int mk_channel_poll(struct mk_channel *ch)
{
	return -EOPNOTSUPP;
}

static inline int mk_channel_recv(struct mk_channel *ch, struct mk_msg *msg)
{
	return -EOPNOTSUPP;
}

static inline void mk_channel_poll_end(struct mk_channel *ch)
{
}

static inline void *mk_pages_alloc(struct mk_channel *ch, size_t len)
{
	return NULL;
}

static inline void *mk_pages_alloc_wait(struct mk_channel *ch, size_t len, long timeout)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static inline int mk_pages_give(struct mk_channel *ch, u16 type, void *pages, size_t len)
{
	return -EOPNOTSUPP;
}

static inline int mk_pages_lend(struct mk_channel *ch, u16 type, void *pages, size_t len)
{
	return -EOPNOTSUPP;
}

static inline void mk_pages_put(struct mk_channel *ch, void *pages)
{
}

static inline void *mk_kimage_place(struct kimage *image, int kernel_fd,
				    int initrd_fd)
{
	return NULL;
}

static inline int mk_kimage_locate(struct kexec_buf *kbuf,
				   int (*func)(struct resource *res, void *arg))
{
	return -EOPNOTSUPP;
}

static inline int mk_kexec_may_load(bool file, bool crash)
{
	return 0;
}

#endif /* CONFIG_MULTIKERNEL */

#endif /* _LINUX_MULTIKERNEL_H */
