// SPDX-License-Identifier: GPL-2.0
/*
 * mkagent: a connection to a service of this instance, for mkctl forward.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.h"

/*
 * agent_connect() - Serve a request for a port of 127.0.0.1.
 * @in: what has come in behind it
 */
void agent_connect(int fd, struct mk_frames *in, const struct mk_frame *req)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct mk_frame_connect head;
	int sock;

	if (req->len == sizeof(head))
		memcpy(&head, req->data, sizeof(head));
	if (req->len != sizeof(head) || head.version != MK_FRAME_VERSION || !head.port ||
	    head.port > 65535) {
		agent_fail(fd, EPROTO, "a request that this agent does not understand");
		return;
	}
	addr.sin_port = htons(head.port);
	sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || connect(sock, (struct sockaddr *)&addr, sizeof(addr))) {
		agent_fail(fd, errno, "127.0.0.1");
		return;
	}
	if (!mk_frame_send(fd, MK_FRAME_READY, NULL, 0))
		mk_relay(sock, fd, in);
}
