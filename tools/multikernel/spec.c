// SPDX-License-Identifier: GPL-2.0
/*
 * What an instance is to be, from a command line (run) or from a file (up): CPUs, memory,
 * a kernel, a root. And how it becomes that.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mkctl.h"

struct key {
	const char *name;
	const char **value;
};

/*
 * mk_spec_check() - Could this be an instance?
 *
 * Return: MK_OK, or another exit status after it has said why not.
 */
int mk_spec_check(const struct mk_spec *spec)
{
	const char *const files[] = { spec->kernel, spec->initrd, spec->rootfs };
	size_t i;

	if (!spec->own.cpus || !spec->own.memory || !spec->kernel)
		return mk_opts_usage("cpus, memory and kernel are needed", NULL);
	if (spec->initrd && spec->rootfs)
		return mk_opts_usage("either initrd or rootfs", NULL);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i] && access(files[i], R_OK))
			return mk_error("%s: %s", files[i], strerror(errno));
	return MK_OK;
}

static int load(const char *name, const struct mk_spec *spec)
{
	const char *cmdline = spec->cmdline ? spec->cmdline : "";
	char *initrd, *with_root;
	int ret = MK_FAILED;

	if (!spec->rootfs)
		return mk_load_image(name, spec->kernel, spec->initrd, cmdline);
	initrd = mk_rootfs_build(mk_guard_dir(), spec->rootfs);
	if (initrd) {
		if (asprintf(&with_root, "%s %s", mk_rootfs_cmdline(), cmdline) < 0)
			mk_error_out_of_memory();
		ret = mk_load_image(name, spec->kernel, initrd, with_root);
		free(with_root);
		free(initrd);
	}
	/* It is large, and the kernel has its copy */
	mk_rootfs_remove(mk_guard_dir());
	return ret;
}

/*
 * mk_spec_start() - Make an instance that is there, and has nothing, what it is to be.
 * @ms: how long it may take to say hello
 *
 * Return: MK_OK, or MK_FAILED after it has said why; then it is for the caller to remove it.
 */
int mk_spec_start(const char *name, const struct mk_spec *spec, int ms)
{
	int ret = mk_life_own(name, &spec->own);

	if (!ret)
		ret = load(name, spec);
	return ret ? ret : mk_life_boot(name, ms);
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (isspace((unsigned char)*text))
		text++;
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text;
}

static int take_line(const struct key *keys, char *line, const char *path, unsigned int nr)
{
	char *value = strchr(line, '=');
	const struct key *k;

	if (!value)
		return mk_error("%s:%u: '%s' is not KEY = VALUE", path, nr, line);
	*value++ = '\0';
	line = trim(line);
	for (k = keys; k->name; k++)
		if (!strcmp(k->name, line))
			break;
	if (!k->name) {
		mk_error("%s:%u: there is no key '%s'", path, nr, line);
		fputs("  Keys are:", stderr);
		for (k = keys; k->name; k++)
			fprintf(stderr, " %s", k->name);
		fputs("\n", stderr);
		return MK_FAILED;
	}
	if (*k->value)
		return mk_error("%s:%u: '%s' is there twice", path, nr, line);
	*k->value = mk_text_copy(trim(value));
	return MK_OK;
}

/*
 * mk_spec_read() - Read a file of lines "KEY = VALUE"; "#" begins a comment line.
 * @spec: zeroed; its strings stay until the end of the program
 *
 * Return: MK_OK, or MK_FAILED after it has said what is wrong, and in which line.
 */
int mk_spec_read(struct mk_spec *spec, const char *path)
{
	const struct key keys[] = {
		{ "kernel", &spec->kernel },
		{ "initrd", &spec->initrd },
		{ "rootfs", &spec->rootfs },
		{ "cmdline", &spec->cmdline },
		{ "cpus", &spec->own.cpus },
		{ "memory", &spec->own.memory },
		{ "numa", &spec->own.numa },
		{ }
	};
	FILE *file = fopen(path, "re");
	unsigned int nr = 0;
	char *line = NULL, *text;
	size_t size = 0;
	int ret = MK_OK;

	if (!file)
		return mk_error("%s: %s", path, strerror(errno));
	while (!ret && getline(&line, &size, file) >= 0) {
		nr++;
		text = trim(line);
		if (*text && *text != '#')
			ret = take_line(keys, text, path, nr);
	}
	if (!ret && ferror(file))
		ret = mk_error("%s: %s", path, strerror(errno));
	free(line);
	fclose(file);
	return ret;
}
