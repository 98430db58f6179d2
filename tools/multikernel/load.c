// SPDX-License-Identifier: GPL-2.0
/*
 * Images: kexec_file_load() with the id of an instance in its flags.
 *
 * The kernel reads, checks and keeps the files; nothing here looks into them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mk_uapi.h"
#include "mkctl.h"

static long get_id(const char *name)
{
	char *word = mk_file_word(name, "id");
	long id;

	if (!word)
		return -1;
	id = strtol(word, NULL, 10);
	free(word);
	if (id >= MULTIKERNEL_ID_MIN && id <= MULTIKERNEL_ID_MAX)
		return id;
	errno = ERANGE;
	return -1;
}

static long kexec_file(int kernel, int initrd, const char *cmdline,
		       unsigned long flags)
{
	return syscall(SYS_kexec_file_load, kernel, initrd,
		       cmdline ? strlen(cmdline) + 1 : 0, cmdline, flags);
}

static int open_image(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		mk_error("%s: %s", path, strerror(errno));
	return fd;
}

/* The call, with the id already known; files are open. */
static int load_files(const char *name, int kernel, int initrd,
		      const char *cmdline)
{
	unsigned long flags = KEXEC_FILE_MULTIKERNEL;
	long id = get_id(name);

	if (id < 0)
		return mk_error_op("load", name, errno);
	flags |= KEXEC_FILE_MULTIKERNEL_ID(id);
	if (initrd < 0)
		flags |= KEXEC_FILE_NO_INITRAMFS;
	if (kexec_file(kernel, initrd, cmdline, flags))
		return mk_error_op("load", name, errno);
	return MK_OK;
}

/*
 * mk_load_image() - Load an image.
 * @initrd: a path, or NULL
 *
 * Return: MK_OK, or MK_FAILED after it has said why.
 */
int mk_load_image(const char *name, const char *kernel, const char *initrd,
		  const char *cmdline)
{
	int kernel_fd, initrd_fd = -1, ret = MK_FAILED;

	kernel_fd = open_image(kernel);
	if (kernel_fd < 0)
		return MK_FAILED;
	if (initrd)
		initrd_fd = open_image(initrd);
	if (!initrd || initrd_fd >= 0)
		ret = load_files(name, kernel_fd, initrd_fd, cmdline);
	if (initrd_fd >= 0)
		close(initrd_fd);
	close(kernel_fd);
	return ret;
}

int mk_load(int argc, char **argv)
{
	const char *pos[2], *initrd = NULL, *cmdline = "";
	const struct mk_opt opts[] = {
		{ "initrd", 'i', MK_OPT_TEXT, &initrd },
		{ "cmdline", 'a', MK_OPT_TEXT, &cmdline },
		{ }
	};

	if (mk_opts_parse(argc, argv, opts, pos, 2, 2))
		return MK_USAGE;
	if (!mk_file_name_ok(pos[0]))
		return mk_error_op("load", pos[0], ENOENT);
	return mk_load_image(pos[0], pos[1], initrd, cmdline);
}

int mk_load_unload(int argc, char **argv)
{
	const struct mk_opt opts[] = { { } };
	const char *name;
	long id;

	if (mk_opts_parse(argc, argv, opts, &name, 1, 1))
		return MK_USAGE;
	if (!mk_file_name_ok(name))
		return mk_error_op("unload", name, ENOENT);
	id = get_id(name);
	if (id < 0)
		return mk_error_op("unload", name, errno);
	if (kexec_file(-1, -1, NULL, KEXEC_FILE_MULTIKERNEL |
		       KEXEC_FILE_MULTIKERNEL_ID(id) | KEXEC_FILE_UNLOAD |
		       KEXEC_FILE_NO_INITRAMFS))
		return mk_error_op("unload", name, errno);
	return MK_OK;
}
