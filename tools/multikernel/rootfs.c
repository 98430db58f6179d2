// SPDX-License-Identifier: GPL-2.0
/*
 * A directory or a tar archive as the root file system of an instance, without a disk: it
 * becomes an initramfs, with the agent as its first process.
 *
 * cpio and tar do the work. An initramfs may be several archives one behind the other
 * (Documentation/driver-api/early-userspace/buffer-format.rst): the second one is the agent.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mkctl.h"

#ifndef MK_AGENT_PATH
#define MK_AGENT_PATH	"/usr/libexec/multikernel/mkagent"
#endif

/* Where it is in the instance */
#define AGENT_DIR	".multikernel"
#define AGENT_IN	AGENT_DIR "/mkagent"

/* $1: a directory, $2: the archive to write behind. A name with a newline in it would
 * become two
 */
#define PACK	"cd \"$1\" || exit 1\n" \
	"if find . -xdev -name '*\n*' | grep -q .; then\n" \
	"	echo 'a file has a newline in its name' >&2; exit 1\n" \
	"fi\n" \
	"find . -xdev | cpio -o -H newc >> \"$2\" 2> \"$2.err\" && exit\n" \
	"cat \"$2.err\" >&2; exit 1"

/* $1: the archive, $2: an empty directory. Not every tar finds out what has packed it */
#define UNPACK	"tar -xpf \"$1\" -C \"$2\" 2> \"$2.err\" && exit\n" \
	"zcat \"$1\" 2> /dev/null | tar -xp -C \"$2\" 2> /dev/null && exit\n" \
	"cat \"$2.err\" >&2; exit 1"

/* $1: the agent, $2: a directory */
#define ADD_AGENT	"mkdir -p \"$2/" AGENT_DIR "\" && cp \"$1\" \"$2/" AGENT_IN "\" && " \
	"chmod 755 \"$2/" AGENT_IN "\""

static int shell(const char *script, const char *one, const char *two)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		execlp("sh", "sh", "-c", script, "sh", one, two, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -1;
}

static const char *agent_path(void)
{
	const char *path = getenv("MKCTL_AGENT");

	return path ? path : MK_AGENT_PATH;
}

/* Not one that is on the way to the end of the path */
static char *join(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		mk_error_out_of_memory();
	return path;
}

static int pack(const char *dir, const char *from, const char *initrd)
{
	char *agent = join(dir, "agent");
	int ret = shell(PACK, from, initrd) || shell(ADD_AGENT, agent_path(), agent) ||
		  shell(PACK, agent, initrd);

	free(agent);
	return ret ? mk_error("%s could not be made an initramfs", from) : MK_OK;
}

static int unpack_and_pack(const char *dir, const char *tar, const char *initrd)
{
	char *root = join(dir, "root");
	int ret;

	if (mkdir(root, 0755) || shell(UNPACK, tar, root))
		ret = mk_error("%s: tar could not unpack it", tar);
	else
		ret = pack(dir, root, initrd);
	free(root);
	return ret;
}

static int say_no_agent(void)
{
	mk_error("%s: %s", agent_path(), strerror(errno));
	fputs("  The agent is built with mkctl: 'make -C tools/multikernel install';\n"
	      "  or say where it is by MKCTL_AGENT.\n", stderr);
	return MK_FAILED;
}

/*
 * mk_rootfs_build() - Make an initramfs of a directory or a tar archive.
 * @dir: an empty directory for it; to be given to mk_rootfs_remove() whatever comes of this
 *
 * Return: its path, which the caller frees; NULL after it has said why not.
 */
char *mk_rootfs_build(const char *dir, const char *path)
{
	char *full = realpath(path, NULL), *initrd = join(dir, "initrd");
	struct stat st;
	int ret;

	if (!full || stat(full, &st))
		ret = mk_error("%s: %s", path, strerror(errno));
	else if (access(agent_path(), R_OK))
		ret = say_no_agent();
	else if (S_ISDIR(st.st_mode))
		ret = pack(dir, full, initrd);
	else
		ret = unpack_and_pack(dir, full, initrd);
	free(full);
	if (!ret)
		return initrd;
	free(initrd);
	return NULL;
}

/* mk_rootfs_remove() - Remove all that is in its directory. */
void mk_rootfs_remove(const char *dir)
{
	if (shell("cd \"$1\" && rm -rf root* agent initrd*", dir, NULL))
		mk_error("what is in %s could not be removed", dir);
}

/* What the command line of the kernel needs to say for it. */
const char *mk_rootfs_cmdline(void)
{
	return "rdinit=/" AGENT_IN;
}
