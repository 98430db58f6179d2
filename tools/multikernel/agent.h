/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mkagent; agent_exec() is in agent_exec.c, agent_connect() in agent_connect.c, the files' in
 * agent_file.c, those of the first process in agent_init.c, and the rest is in mkagent.c.
 */
#ifndef MK_AGENT_H
#define MK_AGENT_H

#include <stdbool.h>

#include "frame.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

int agent_listen(void);
void agent_fail(int fd, int err, const char *what);
void agent_exec(int fd, struct mk_frames *in, const struct mk_frame *req, bool plain);
void agent_put(int fd, struct mk_frames *in, const struct mk_frame *req);
void agent_get(int fd, const struct mk_frame *req);
void agent_connect(int fd, struct mk_frames *in, const struct mk_frame *req);
int agent_init(char **program);
int agent_poweroff(void);

#endif /* MK_AGENT_H */
