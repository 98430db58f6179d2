// SPDX-License-Identifier: GPL-2.0
/*
 * What went wrong, and what to do about it.
 *
 * A failed operation is told in up to three lines: what was tried with the
 * text of errno, the sentence that the kernel left in info/last_error, and
 * what to do next.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "mkctl.h"

struct hint {
	const char *op;		/* NULL: any */
	int err;
	const char *text;	/* %s becomes the name of the instance */
};

/* The first that fits is shown, so what fits everything stands at the end. */
static const struct hint hints[] = {
	{ "create", EEXIST, "Choose another name, or remove the old one: mkctl rm %s" },
	{ "create", EINVAL, "A name has 1 to 63 of A-Z a-z 0-9 . _ -, and no dot first." },
	{ "id", EBUSY, "Choose an id that 'mkctl ps' does not show, before the first load." },
	{ "id", EINVAL, "An id is a number from 1 to 2047." },
	{ "cpus", EBUSY, "Choose CPUs that the host has online, except its boot CPU." },
	{ "cpus", EINVAL, "Give a list of CPUs that this machine has, such as 2-3 or 2,5." },
	{ "memory", EINVAL, "Give a size that is a multiple of the page size, such as 512M." },
	{ "memory", ENOMEM, "Ask for less, or free memory in the host first." },
	{ "memory", ENOSPC, "Ask for less, or free memory in the host first." },
	{ "memory", EBUSY, "Stop it and unload its image first: mkctl unload %s" },
	{ "numa", EINVAL, "Give a list of nodes that have memory, such as 0 or 0,2-3." },
	{ "move", EINVAL, "Look at what it has: mkctl inspect %s" },
	{ "move", EBUSY, "Look at their states: mkctl ps" },
	{ "update", ECANCELED, "/sbin/multikernel-update in it has refused: mkctl logs %s" },
	{ "update", ETIMEDOUT,
	  "In the new kernel somebody has to wait at /dev/liveupdate, and to retrieve a session." },
	{ "update", EOPNOTSUPP,
	  "Both need CONFIG_MULTIKERNEL_SUCCESSOR, and on the command line kho=on liveupdate=on." },
	{ "update", EINVAL, "Its memory has to be in whole memory blocks: mkctl inspect %s" },
	{ "update", EPROTO, "They differ too much: stop this one, and start the new one." },
	{ "update", ENOMEM, "Give its next kernel more memory, by --memory SIZE." },
	{ "update", ENOSPC, "Look at what it has: mkctl inspect %s" },
	{ "update", EBUSY, "Look at their states: mkctl ps" },
	{ "update", ECONNRESET, "Look at their states: mkctl ps" },
	{ "load", ENOEXEC, "An image is an x86-64 bzImage built with CONFIG_RELOCATABLE=y." },
	{ "load", ENOSPC, "Give it more memory: mkctl unload %s; mkctl set %s --memory SIZE" },
	{ "load", EBUSY, "Stop it first: mkctl stop %s" },
	{ "load", EINVAL, "Look at what it has: mkctl inspect %s" },
	{ "load", EPERM, "It needs CAP_SYS_BOOT, and a signed image under lockdown." },
	{ "unload", EBUSY, "Stop it first: mkctl stop %s" },
	{ "start", EINVAL, "It needs CPUs, memory and an image first: mkctl inspect %s" },
	{ "start", EBUSY, "Look at its state: mkctl ps" },
	{ "stop", EBUSY, "Look at its state: mkctl ps; end it without its help: mkctl kill %s" },
	{ "kill", EBUSY, "Look at its state: mkctl ps" },
	{ "rm", EBUSY, "Stop it first: mkctl stop %s; or kill and remove it: mkctl rm -f %s" },
	{ "ping", EBUSY, "It has to run: mkctl start --wait %s" },
	{ "bench", EBUSY, "It has to run: mkctl start --wait %s" },
	{ "bench", EINVAL, "A count is a number from 1 to 1000000." },
	{ "ping", EINVAL, "A count is a number from 1 to 1000000." },
	{ "dump", EBUSY, "It must have ended, or hang: mkctl ps; to end it now: mkctl kill %s" },
	{ "dump", ENODATA, "There is something once it has run: mkctl start %s" },
	{ "dump", ESTALE, "It was started again, or its memory changed: what was is gone." },
	{ "dump", EPERM, "It takes CAP_SYS_RAWIO, and no lockdown for confidentiality." },
	{ NULL, ENOENT, "'mkctl ps' shows which instances there are." },
	{ NULL, EPERM, "Run mkctl as root." },
	{ NULL, EACCES, "Run mkctl as root." },
};

/*
 * mk_error() - Say one sentence on stderr.
 *
 * Return: MK_FAILED, so that callers can return it.
 */
int mk_error(const char *fmt, ...)
{
	va_list args;

	fputs("mkctl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return MK_FAILED;
}

void mk_error_out_of_memory(void)
{
	mk_error("out of memory");
	exit(MK_FAILED);
}

/*
 * The sentence speaks of the last request that reached multikernel. These end
 * before: in the filesystem, or in what kexec asks first.
 */
static bool ends_early(int err)
{
	return err == ENOENT || err == EEXIST || err == EACCES || err == EPERM;
}

static void say_kernels_reason(int err)
{
	char *why;

	if (ends_early(err))
		return;
	why = mk_file_word(NULL, "info/last_error");
	if (why && *why && strcmp(why, "ok"))
		fprintf(stderr, "  The kernel says: %s\n", why);
	free(why);
}

static void say_hint(const char *text, const char *name)
{
	fputs("  ", stderr);
	for (; *text; text++) {
		if (text[0] == '%' && text[1] == 's') {
			fputs(name, stderr);
			text++;
		} else {
			fputc(*text, stderr);
		}
	}
	fputc('\n', stderr);
}

/*
 * mk_error_op() - Explain why an operation on an instance failed.
 * @op: the command, or the file that was written
 * @name: the instance
 * @err: errno of the call that failed; to be called before any other call
 *	that could change info/last_error
 *
 * Return: MK_FAILED.
 */
int mk_error_op(const char *op, const char *name, int err)
{
	size_t i;

	mk_error("%s %s: %s", op, name,
		 err == ENOENT ? "no such instance" : strerror(err));
	say_kernels_reason(err);
	for (i = 0; i < ARRAY_SIZE(hints); i++) {
		if (hints[i].err != err ||
		    (hints[i].op && strcmp(hints[i].op, op)))
			continue;
		say_hint(hints[i].text, name);
		break;
	}
	return MK_FAILED;
}
