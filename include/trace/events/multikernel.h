/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM multikernel

#if !defined(_TRACE_MULTIKERNEL_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_MULTIKERNEL_H

#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(mk_message,
		    TP_PROTO(const void *ch, u32 epoch, u32 id, u16 type, size_t len),
		    TP_ARGS(ch, epoch, id, type, len),
		    TP_STRUCT__entry(__field(const void *, ch)
				     __field(u32, epoch)
				     __field(u32, id)
				     __field(u16, type)
				     __field(u32, len)),
		    TP_fast_assign(__entry->ch = ch;
				   __entry->epoch = epoch;
				   __entry->id = id;
				   __entry->type = type;
				   __entry->len = len;),
		    TP_printk("ch=%p epoch=%u id=%u type=0x%x len=%u",
			      __entry->ch, __entry->epoch, __entry->id,
			      __entry->type, __entry->len)
);

/* A message has been put into a ring */
DEFINE_EVENT(mk_message, mk_send,
	     TP_PROTO(const void *ch, u32 epoch, u32 id, u16 type, size_t len),
	     TP_ARGS(ch, epoch, id, type, len)
);

/* A message has been taken out of a ring, and is about to be handled */
DEFINE_EVENT(mk_message, mk_receive,
	     TP_PROTO(const void *ch, u32 epoch, u32 id, u16 type, size_t len),
	     TP_ARGS(ch, epoch, id, type, len)
);

/* A message made no sense */
DEFINE_EVENT(mk_message, mk_bad,
	     TP_PROTO(const void *ch, u32 epoch, u32 id, u16 type, size_t len),
	     TP_ARGS(ch, epoch, id, type, len)
);

/* We ring a peer */
TRACE_EVENT(mk_ring,
	    TP_PROTO(const void *ch, u64 cause, u64 bell),
	    TP_ARGS(ch, cause, bell),
	    TP_STRUCT__entry(__field(const void *, ch)
			     __field(u64, cause)
			     __field(u64, bell)),
	    TP_fast_assign(__entry->ch = ch;
			   __entry->cause = cause;
			   __entry->bell = bell;),
	    TP_printk("ch=%p cause=0x%llx cpu=%u vector=%u", __entry->ch,
		      __entry->cause, (u32)__entry->bell,
		      (u32)(__entry->bell >> 32))
);

/* A peer has rung us */
TRACE_EVENT(mk_rung,
	    TP_PROTO(const void *link, u64 cause),
	    TP_ARGS(link, cause),
	    TP_STRUCT__entry(__field(const void *, link)
			     __field(u64, cause)),
	    TP_fast_assign(__entry->link = link;
			   __entry->cause = cause;),
	    TP_printk("link=%p cause=0x%llx", __entry->link, __entry->cause)
);

DECLARE_EVENT_CLASS(mk_connection,
		    TP_PROTO(u32 nr, const char *from, const char *to,
			     const char *service),
		    TP_ARGS(nr, from, to, service),
		    TP_STRUCT__entry(__field(u32, nr)
				     __string(from, from)
				     __string(to, to)
				     __string(service, service)),
		    TP_fast_assign(__entry->nr = nr;
				   __assign_str(from);
				   __assign_str(to);
				   __assign_str(service);),
		    TP_printk("conn=%u from=%s to=%s service=%s", __entry->nr,
			      __get_str(from), __get_str(to),
			      __get_str(service))
);

/* The host has made a connection */
DEFINE_EVENT(mk_connection, mk_connected,
	     TP_PROTO(u32 nr, const char *from, const char *to, const char *service),
	     TP_ARGS(nr, from, to, service)
);

/* An end of a connection, "from", does not use its memory any more */
DEFINE_EVENT(mk_connection, mk_disconnected,
	     TP_PROTO(u32 nr, const char *from, const char *to, const char *service),
	     TP_ARGS(nr, from, to, service)
);

/* An instance goes to another state */
TRACE_EVENT(mk_state,
	    TP_PROTO(const char *name, const char *from, const char *to),
	    TP_ARGS(name, from, to),
	    TP_STRUCT__entry(__string(name, name)
			     __string(from, from)
			     __string(to, to)),
	    TP_fast_assign(__assign_str(name);
			   __assign_str(from);
			   __assign_str(to);),
	    TP_printk("name=%s from=%s to=%s", __get_str(name), __get_str(from),
		      __get_str(to))
);

/* An instance is on its way to take the place of another, see succeed.c */
TRACE_EVENT(mk_succeed,
	    TP_PROTO(const char *from, const char *to, const char *phase),
	    TP_ARGS(from, to, phase),
	    TP_STRUCT__entry(__string(from, from)
			     __string(to, to)
			     __string(phase, phase)),
	    TP_fast_assign(__assign_str(from);
			   __assign_str(to);
			   __assign_str(phase);),
	    TP_printk("from=%s to=%s phase=%s", __get_str(from), __get_str(to),
		      __get_str(phase))
);

#endif /* _TRACE_MULTIKERNEL_H */

#include <trace/define_trace.h>
