/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_MULTIKERNEL_H
#define _LINUX_MULTIKERNEL_H

#include <linux/errno.h>
#include <linux/multikernel/abi/boot.h>
#include <linux/multikernel/abi/ring.h>
#include <linux/types.h>
#include <uapi/linux/multikernel.h>

struct kexec_buf;
struct kimage;
struct mk_channel;
struct mk_instance;
struct resource;

/**
 * struct mk_msg - a received message, in the receiver's private memory
 * @type: MK_MSG_*
 * @len: bytes of @payload that count
 * @payload: what the peer sent; hostile input
 */
struct mk_msg {
	u16 type;
	u8 len;
	u8 payload[MK_SLOT_PAYLOAD];
};

#ifdef CONFIG_MULTIKERNEL

/* Messages: kernel/multikernel/channel.c, nop.c */
int mk_channel_send(struct mk_channel *ch, unsigned int class, u16 type,
		    const void *data, size_t len);
bool mk_channel_has_room(struct mk_channel *ch, unsigned int class);
int mk_channel_nop(struct mk_channel *ch, unsigned int timeout_ms, u64 *ns);
struct mk_channel *mk_channel_host(void);

/* Hooks for kexec: kernel/multikernel/image.c */
struct mk_instance *mk_kimage_begin(unsigned int id);
void mk_kimage_end(struct mk_instance *inst, int ret);
void *mk_kimage_place(struct kimage *image);
int mk_kimage_locate(struct kexec_buf *kbuf,
		     int (*func)(struct resource *res, void *arg));
int mk_kimage_finish(struct kimage *image);
int mk_kimage_unload(struct mk_instance *inst);

/* Hook for reboot(2): kernel/multikernel/life.c */
int mk_reboot_start(unsigned long id);

#else /* !CONFIG_MULTIKERNEL */

static inline int mk_channel_send(struct mk_channel *ch, unsigned int class,
				  u16 type, const void *data, size_t len)
{
	return -ENODEV;
}

static inline bool mk_channel_has_room(struct mk_channel *ch,
				       unsigned int class)
{
	return false;
}

static inline int mk_channel_nop(struct mk_channel *ch,
				 unsigned int timeout_ms, u64 *ns)
{
	return -ENODEV;
}

static inline struct mk_channel *mk_channel_host(void)
{
	return NULL;
}

static inline void *mk_kimage_place(struct kimage *image)
{
	return NULL;
}

static inline int mk_kimage_locate(struct kexec_buf *kbuf,
				   int (*func)(struct resource *res, void *arg))
{
	return -EOPNOTSUPP;
}

#endif /* CONFIG_MULTIKERNEL */

#endif /* _LINUX_MULTIKERNEL_H */
