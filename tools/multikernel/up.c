// SPDX-License-Identifier: GPL-2.0
/*
 * up and down: an instance as a file describes it. With -f the log goes to standard output
 * until it ends, which is what a service manager wants; see multikernel@.service.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "mkctl.h"

#define CONFIG_DIR	"/etc/multikernel"
#define START_MS	60000

/* To the service manager that has started us, if one has: sd_notify(3) */
static void notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len;
	int fd;

	if (!path || strlen(path) >= sizeof(addr.sun_path))
		return;
	memcpy(addr.sun_path, path, strlen(path));
	len = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	/* An abstract name begins with a NUL, which is written as @ */
	if (*path == '@')
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&addr, len) < 0)
		mk_error("the service manager does not listen: %s", strerror(errno));
	close(fd);
}

static int follow(const char *name)
{
	int ret = mk_logs_follow(name);
	char *state = mk_file_word(name, "state"), *reason = mk_file_word(name, "reason");

	if (!ret && state && !strcmp(state, "crashed"))
		ret = mk_error("%s has ended: %s", name, reason ? reason : "removed");
	free(state);
	free(reason);
	return ret;
}

struct up {
	const char *name;
	struct mk_spec spec;
	bool foreground;
	int ms;
};

static int work(void *arg)
{
	struct up *u = arg;

	if (mk_spec_start(u->name, &u->spec, u->ms) || mk_guard_started())
		return MK_FAILED;
	if (!u->foreground)
		return MK_OK;
	notify("READY=1");
	return follow(u->name);
}

int mk_up(int argc, char **argv)
{
	struct up u = { .ms = START_MS };
	const char *config = NULL;
	const struct mk_opt opts[] = {
		{ "config", 'c', MK_OPT_TEXT, &config },
		{ "foreground", 'f', MK_OPT_FLAG, &u.foreground },
		{ "timeout", 't', MK_OPT_MS, &u.ms },
		{ }
	};
	char path[sizeof(CONFIG_DIR) + MK_NAME_MAX + 8];
	int ret = mk_opts_parse_name(argc, argv, opts, &u.name);

	if (ret)
		return ret;
	snprintf(path, sizeof(path), CONFIG_DIR "/%s.conf", u.name);
	ret = mk_spec_read(&u.spec, config ? config : path);
	if (!ret)
		ret = mk_spec_check(&u.spec);
	if (ret)
		return ret;
	ret = mk_guard_run(u.name, work, NULL, &u);
	return ret == MK_GUARD_FAILED ? MK_FAILED : ret;
}

int mk_down(int argc, char **argv)
{
	const struct mk_opt opts[] = { { } };
	const char *name;
	int ret = mk_opts_parse_name(argc, argv, opts, &name);

	if (!ret)
		ret = mk_life_end(name);
	return ret ? ret : mk_life_discard(name);
}
