// SPDX-License-Identifier: GPL-2.0
/*
 * cp: a file into an instance, or out of it, by its agent. It is there under its name
 * once it is whole, and not before, on either side.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frame.h"
#include "mkctl.h"

#define AGENT_MS	10000

/* One end of a copy: in an instance if it has a name */
struct place {
	char name[MK_NAME_MAX + 1];
	char path[4096];
};

/* The file that is being made here, for a signal that ends it */
static char *unfinished;

static void on_signal(int sig)
{
	if (unfinished)
		unlink(unfinished);
	_exit(128 + sig);
}

/* "NAME:PATH"; a path that has a slash before the colon is one here, as for scp */
static int parse_place(struct place *p, const char *text)
{
	const char *colon = strchr(text, ':'), *slash = strchr(text, '/');
	size_t len = colon && (!slash || colon < slash) ? colon - text : 0;

	p->name[0] = '\0';
	if (colon == text)
		return mk_opts_usage("a name before the colon", text);
	if (len > MK_NAME_MAX)
		return mk_opts_usage("no such instance", text);
	memcpy(p->name, text, len);
	p->name[len] = '\0';
	if (len)
		text = colon + 1;
	if (len && *text != '/')
		return mk_opts_usage("a path in an instance begins with a slash", text);
	if (snprintf(p->path, sizeof(p->path), "%s", text) >= (int)sizeof(p->path))
		return mk_opts_usage("too long", text);
	return len && mk_opts_check_name(p->name) ? MK_FAILED : MK_OK;
}

/* Into a directory it goes by the name that it has */
static int add_name(char *path, size_t size, const char *from)
{
	char copy[4096];
	size_t len = strlen(path);

	snprintf(copy, sizeof(copy), "%s", from);
	if (snprintf(path + len, size - len, "%s%s", path[len - 1] == '/' ? "" : "/",
		     basename(copy)) < (int)(size - len))
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

static int send_request(int fd, enum mk_frame_type type, const char *path,
			struct mk_frame_file *head)
{
	char buf[sizeof(*head) + 4096];
	size_t len = strlen(path);

	head->version = MK_FRAME_VERSION;
	memcpy(buf, head, sizeof(*head));
	memcpy(buf + sizeof(*head), path, len);
	return mk_frame_send(fd, type, buf, sizeof(*head) + len);
}

/* The next frame, if it is of that type; otherwise it is told why not */
static int expect(const char *name, int fd, struct mk_frames *in, enum mk_frame_type type,
		  struct mk_frame *f)
{
	if (mk_frame_wait(in, fd, f) != 1)
		return mk_error("%s has ended, or its agent has", name);
	if (f->type == type)
		return MK_OK;
	if (f->type == MK_FRAME_FAIL)
		mk_vsock_say_fail(name, f);
	else
		mk_error("the agent of %s says what makes no sense", name);
	return MK_FAILED;
}

static int send_data(int fd, int file, uint64_t size, struct mk_progress *bar)
{
	char buf[MK_FRAME_MAX];
	uint64_t left = size;
	ssize_t n;

	/* As much as was promised, even if it grows */
	while (left) {
		n = read(file, buf, left < sizeof(buf) ? left : sizeof(buf));
		if (n < 0)
			return -1;
		if (!n) {
			errno = ENODATA;
			return -1;
		}
		/* That nobody takes it is told by the other side */
		if (mk_frame_send(fd, MK_FRAME_DATA, buf, n))
			return 0;
		left -= n;
		mk_progress_at(bar, size - left);
	}
	mk_frame_send(fd, MK_FRAME_END, NULL, 0);
	return 0;
}

static int put_open(const char *name, int fd, int file, const char *from, const char *path)
{
	static struct mk_frames in;
	struct mk_progress bar = { .title = from };
	struct mk_frame_file head = { 0 };
	struct mk_frame f;
	struct stat st;
	int ret;

	if (fstat(file, &st) || !S_ISREG(st.st_mode))
		return mk_error("%s: only regular files can be copied", from);
	head.mode = st.st_mode & 07777;
	head.size = st.st_size;
	bar.total = st.st_size;
	if (send_request(fd, MK_FRAME_PUT, path, &head))
		return mk_error("cp: %s", strerror(errno));
	ret = expect(name, fd, &in, MK_FRAME_READY, &f);
	if (ret)
		return ret;
	ret = send_data(fd, file, head.size, &bar);
	mk_progress_end(&bar);
	if (ret)
		return mk_error("%s: %s", from, errno == ENODATA ? "it has become shorter" :
				strerror(errno));
	return expect(name, fd, &in, MK_FRAME_DONE, &f);
}

static int put(const char *from, struct place *to)
{
	int file = open(from, O_RDONLY | O_CLOEXEC), fd, ret;

	if (file < 0)
		return mk_error("%s: %s", from, strerror(errno));
	if (to->path[strlen(to->path) - 1] == '/' &&
	    add_name(to->path, sizeof(to->path), from))
		return mk_error("%s: %s", to->path, strerror(errno));
	fd = mk_vsock_connect(to->name, AGENT_MS);
	if (fd < 0)
		return MK_FAILED;
	ret = put_open(to->name, fd, file, from, to->path);
	close(fd);
	close(file);
	return ret;
}

static int receive(const char *name, int fd, struct mk_frames *in, int file, uint64_t size)
{
	struct mk_progress bar = { .title = name, .total = size };
	uint64_t got = 0;
	struct mk_frame f;
	int ret = MK_OK;

	for (;;) {
		if (mk_frame_wait(in, fd, &f) != 1) {
			ret = mk_error("%s has ended, or its agent has", name);
			break;
		}
		if (f.type == MK_FRAME_END)
			break;
		if (f.type != MK_FRAME_DATA) {
			mk_vsock_say_fail(name, &f);
			ret = MK_FAILED;
			break;
		}
		if (mk_frame_write(file, f.data, f.len)) {
			ret = mk_error("cp: %s", strerror(errno));
			break;
		}
		got += f.len;
		mk_progress_at(&bar, got);
	}
	mk_progress_end(&bar);
	return ret;
}

static int get_open(struct place *from, int fd, const char *to)
{
	static struct mk_frames in;
	char temp[4096 + 8];
	struct mk_frame_file head = { 0 };
	struct mk_frame f;
	int file, ret;

	if (send_request(fd, MK_FRAME_GET, from->path, &head))
		return mk_error("cp: %s", strerror(errno));
	ret = expect(from->name, fd, &in, MK_FRAME_READY, &f);
	if (ret)
		return ret;
	if (f.len != sizeof(head))
		return mk_error("the agent of %s says what makes no sense", from->name);
	memcpy(&head, f.data, sizeof(head));
	snprintf(temp, sizeof(temp), "%s.XXXXXX", to);
	file = mkostemp(temp, O_CLOEXEC);
	if (file < 0)
		return mk_error("%s: %s", to, strerror(errno));
	unfinished = temp;
	ret = receive(from->name, fd, &in, file, head.size);
	/* An instance may not make what is set-user-id here */
	if (!ret && (fchmod(file, head.mode & 0777) || rename(temp, to)))
		ret = mk_error("%s: %s", to, strerror(errno));
	if (ret)
		unlink(temp);
	unfinished = NULL;
	close(file);
	return ret;
}

static int get(struct place *from, char *to, size_t size)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct stat st;
	int fd, ret;

	if (!stat(to, &st) && S_ISDIR(st.st_mode)) {
		if (add_name(to, size, from->path))
			return mk_error("%s: %s", to, strerror(errno));
	} else if (!stat(to, &st) && !S_ISREG(st.st_mode)) {
		return mk_error("%s: it is there, and no regular file", to);
	}
	fd = mk_vsock_connect(from->name, AGENT_MS);
	if (fd < 0)
		return MK_FAILED;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	ret = get_open(from, fd, to);
	close(fd);
	return ret;
}

int mk_cp(int argc, char **argv)
{
	const struct mk_opt opts[] = { { } };
	struct place from, to;
	const char *pos[2];
	int ret;

	if (mk_opts_parse(argc, argv, opts, pos, 2, 2))
		return MK_USAGE;
	ret = parse_place(&from, pos[0]);
	if (!ret)
		ret = parse_place(&to, pos[1]);
	if (ret)
		return ret;
	if (!*from.name == !*to.name)
		return mk_opts_usage("one of the two is NAME:PATH", NULL);
	signal(SIGPIPE, SIG_IGN);
	return *to.name ? put(from.path, &to) : get(&from, to.path, sizeof(to.path));
}
