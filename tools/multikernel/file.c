// SPDX-License-Identifier: GPL-2.0
/*
 * The files of /sys/fs/multikernel, below one directory that is opened once.
 *
 * Each function takes the name of an instance, or NULL for files that belong
 * to none (info/, pool/). All of them set errno when they fail and say
 * nothing: whoever knows what the user wanted says what went wrong.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mkctl.h"

/* "instances/" + name + "/" + the longest name of a file */
#define PATH_BYTES	(10 + MK_NAME_MAX + 1 + 64)

static int root_fd = -1;

/*
 * mk_file_root() - Where the filesystem is mounted.
 *
 * MKCTL_ROOT in the environment names another directory, for a mount
 * elsewhere and for tests of this tool.
 */
const char *mk_file_root(void)
{
	const char *root = getenv("MKCTL_ROOT");

	return root ? root : MK_ROOT;
}

/*
 * mk_file_find() - Open that directory, and say nothing.
 *
 * Return: 0, or -1 with errno; ENODEV if nothing is mounted there.
 */
int mk_file_find(void)
{
	if (root_fd < 0)
		root_fd = open(mk_file_root(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -1;
	if (!faccessat(root_fd, "instances", F_OK, 0))
		return 0;
	errno = ENODEV;
	return -1;
}

/*
 * mk_file_init() - Find the mounted filesystem.
 *
 * Return: MK_OK, or MK_FAILED after it has said why.
 */
int mk_file_init(void)
{
	const char *root = mk_file_root();

	if (!mk_file_find())
		return MK_OK;
	if (root_fd < 0)
		return mk_error("%s: %s\n  This needs a kernel built with CONFIG_MULTIKERNEL=y.",
				root, strerror(errno));
	return mk_error("nothing is mounted on %s\n  Run: mount -t multikernel none %s",
			root, root);
}

/* The name becomes a part of a path, so what the kernel refuses ends here. */
bool mk_file_name_ok(const char *name)
{
	static const char ok[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(name);

	if (!len || len > MK_NAME_MAX || strspn(name, ok) != len)
		return false;
	return *name != '.';
}

static int make_path(char *path, const char *name, const char *file)
{
	int n;

	if (!name)
		n = snprintf(path, PATH_BYTES, "%s", file);
	else
		n = snprintf(path, PATH_BYTES, "instances/%s/%s", name, file);
	if (n < PATH_BYTES)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

bool mk_file_exists(const char *name, const char *file)
{
	char path[PATH_BYTES];

	return !make_path(path, name, file) &&
	       !faccessat(root_fd, path, F_OK, 0);
}

int mk_file_open(const char *name, const char *file, int flags)
{
	char path[PATH_BYTES];

	if (make_path(path, name, file))
		return -1;
	return openat(root_fd, path, flags | O_CLOEXEC);
}

/* Reads until the end; the kernel's files are short, but have no known size. */
char *mk_file_read_all(int fd, size_t *len)
{
	size_t used = 0, size = 0;
	char *buf = NULL;
	ssize_t n;

	do {
		if (size - used < 2) {
			size = size ? 2 * size : 4096;
			buf = realloc(buf, size);
			if (!buf)
				mk_error_out_of_memory();
		}
		n = read(fd, buf + used, size - used - 1);
		if (n > 0)
			used += n;
	} while (n > 0 || (n < 0 && errno == EINTR));

	if (n < 0) {
		free(buf);
		return NULL;
	}
	buf[used] = '\0';
	if (len)
		*len = used;
	return buf;
}

/*
 * mk_file_read() - Read a whole file.
 * @len: how many bytes it has, for files that may hold zeros; or NULL
 *
 * Return: the text, which the caller frees, or NULL with errno.
 */
char *mk_file_read(const char *name, const char *file, size_t *len)
{
	int fd = mk_file_open(name, file, O_RDONLY);
	char *text;
	int err;

	if (fd < 0)
		return NULL;
	text = mk_file_read_all(fd, len);
	err = errno;
	close(fd);
	errno = err;
	return text;
}

/* Takes the newline at the end away, and what a terminal obeys. */
char *mk_file_trim(char *text)
{
	size_t len = text ? strlen(text) : 0;

	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	if (text)
		mk_text_clean(text);
	return text;
}

/* The same without the newline at the end, and without what a terminal obeys. */
char *mk_file_word(const char *name, const char *file)
{
	return mk_file_trim(mk_file_read(name, file, NULL));
}

/* A write is all or nothing, so the whole text goes down in one call. */
int mk_file_write(const char *name, const char *file, const char *text)
{
	int fd = mk_file_open(name, file, O_WRONLY | O_TRUNC);
	char *line;
	ssize_t n;
	int len, err;

	if (fd < 0)
		return -1;
	len = asprintf(&line, "%s\n", text);
	if (len < 0)
		mk_error_out_of_memory();
	n = write(fd, line, len);
	err = n < 0 ? errno : EIO;
	free(line);
	close(fd);
	errno = err;
	return n == len ? 0 : -1;
}

int mk_file_mkdir(const char *name)
{
	char path[PATH_BYTES];

	if (make_path(path, name, ""))
		return -1;
	return mkdirat(root_fd, path, 0755);
}

int mk_file_rmdir(const char *name)
{
	char path[PATH_BYTES];

	if (make_path(path, name, ""))
		return -1;
	return unlinkat(root_fd, path, AT_REMOVEDIR);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char * const *)a, *(char * const *)b);
}

static DIR *open_instances(void)
{
	int fd = mk_file_open(NULL, "instances", O_RDONLY | O_DIRECTORY);

	return fd < 0 ? NULL : fdopendir(fd);
}

/*
 * mk_file_list() - The names of all instances, sorted.
 *
 * Any of them can be gone by the time the caller looks.
 *
 * Return: how many there are; the caller frees with mk_file_list_free().
 */
size_t mk_file_list(char ***names)
{
	DIR *dir = open_instances();
	struct dirent *d;
	size_t n = 0;

	*names = NULL;
	while (dir && (d = readdir(dir))) {
		if (d->d_type != DT_DIR || !mk_file_name_ok(d->d_name))
			continue;
		*names = realloc(*names, (n + 1) * sizeof(**names));
		if (!*names)
			mk_error_out_of_memory();
		(*names)[n] = strdup(d->d_name);
		if (!(*names)[n++])
			mk_error_out_of_memory();
	}
	if (dir)
		closedir(dir);
	if (n)
		qsort(*names, n, sizeof(**names), by_name);
	return n;
}

void mk_file_list_free(char **names, size_t n)
{
	while (n)
		free(names[--n]);
	free(names);
}
