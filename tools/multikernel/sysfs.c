// SPDX-License-Identifier: GPL-2.0
/*
 * What the host's own files say, those of /sys and /proc.
 *
 * MKCTL_SYSFS and MKCTL_PROC in the environment name other directories, for
 * tests of this tool.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"

#define PATH_BYTES	4096

static const char *root(const char *variable, const char *otherwise)
{
	const char *dir = getenv(variable);

	return dir ? dir : otherwise;
}

static int make_path(char *path, const char *fmt, va_list args)
{
	int n = snprintf(path, PATH_BYTES, "%s/", root("MKCTL_SYSFS", "/sys"));
	int more;

	if (n >= PATH_BYTES)
		return -1;
	more = vsnprintf(path + n, PATH_BYTES - n, fmt, args);
	return more < PATH_BYTES - n ? 0 : -1;
}

static char *read_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;

	if (fd < 0)
		return NULL;
	text = mk_file_trim(mk_file_read_all(fd, NULL));
	close(fd);
	return text;
}

/*
 * mk_sysfs_read() - Read a file below /sys.
 *
 * Return: what is in it without the newline at the end, which the caller
 * frees, or NULL.
 */
char *mk_sysfs_read(const char *fmt, ...)
{
	char path[PATH_BYTES];
	va_list args;
	int ret;

	va_start(args, fmt);
	ret = make_path(path, fmt, args);
	va_end(args);
	return ret ? NULL : read_path(path);
}

bool mk_sysfs_exists(const char *fmt, ...)
{
	char path[PATH_BYTES];
	va_list args;
	int ret;

	va_start(args, fmt);
	ret = make_path(path, fmt, args);
	va_end(args);
	return !ret && !access(path, F_OK);
}

/* The same for a file below /proc. */
char *mk_sysfs_proc(const char *file)
{
	char path[PATH_BYTES];

	if (snprintf(path, sizeof(path), "%s/%s", root("MKCTL_PROC", "/proc"),
		     file) >= (int)sizeof(path))
		return NULL;
	return read_path(path);
}

/*
 * mk_sysfs_meminfo() - Look something up in a meminfo, of all or of a node.
 * @text: the file, or NULL
 * @key: such as "MemTotal:"
 *
 * Return: bytes, 0 if there is no such line.
 */
unsigned long long mk_sysfs_meminfo(const char *text, const char *key)
{
	const char *at = text ? strstr(text, key) : NULL;

	return at ? strtoull(at + strlen(key), NULL, 10) * 1024 : 0;
}

static int by_number(const void *a, const void *b)
{
	const unsigned int *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/*
 * mk_sysfs_numbers() - Which directories with a number are there?
 * @dir: where, below /sys
 * @prefix: what is before the number
 * @numbers: where to store them, in ascending order; the caller frees them
 *
 * Return: how many.
 */
size_t mk_sysfs_numbers(const char *dir, const char *prefix, unsigned int **numbers)
{
	size_t n = 0, len = strlen(prefix);
	char path[PATH_BYTES], *end;
	struct dirent *d;
	DIR *handle;

	*numbers = NULL;
	if (snprintf(path, sizeof(path), "%s/%s", root("MKCTL_SYSFS", "/sys"),
		     dir) >= (int)sizeof(path))
		return 0;
	handle = opendir(path);
	while (handle && (d = readdir(handle))) {
		unsigned long number;

		if (strncmp(d->d_name, prefix, len))
			continue;
		number = strtoul(d->d_name + len, &end, 10);
		if (end == d->d_name + len || *end || number > 0xffffff)
			continue;
		*numbers = realloc(*numbers, (n + 1) * sizeof(**numbers));
		if (!*numbers)
			mk_error_out_of_memory();
		(*numbers)[n++] = number;
	}
	if (handle)
		closedir(handle);
	if (n)
		qsort(*numbers, n, sizeof(**numbers), by_number);
	return n;
}
