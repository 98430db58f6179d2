// SPDX-License-Identifier: GPL-2.0
/*
 * Nothing is left half done, whatever ends a command: a second process makes the
 * instance, and this one waits for it and cleans up behind it. So a signal may come in the
 * middle of any system call.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mkctl.h"

static pid_t worker;
static int started[2];		/* a pipe: a byte comes when it runs */
static char dir[4096];

/* The terminal sends its signals to both; those of others come to this one alone */
static void pass_on(int sig)
{
	pid_t pid = __atomic_load_n(&worker, __ATOMIC_RELAXED);

	if (pid > 0)
		kill(pid, sig);
}

/* mk_guard_dir() - A directory for what is needed on the way; it goes at the end. */
const char *mk_guard_dir(void)
{
	return dir;
}

/* mk_guard_started() - By the worker: it is made, and no more to be taken back. */
int mk_guard_started(void)
{
	int ret = write(started[1], "", 1) == 1 ? MK_OK : MK_FAILED;

	close(started[1]);
	return ret;
}

static bool has_started(void)
{
	char byte;

	return read(started[0], &byte, 1) == 1;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return MK_GUARD_FAILED;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void handle_signals(void (*handler)(int))
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction sa = { .sa_handler = handler };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, NULL);
}

static int guard(int (*work)(void *arg), void *arg)
{
	int ret;
	pid_t pid;

	handle_signals(pass_on);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		handle_signals(SIG_DFL);
		close(started[0]);
		exit(work(arg));
	}
	__atomic_store_n(&worker, pid, __ATOMIC_RELAXED);
	close(started[1]);
	ret = pid < 0 ? MK_GUARD_FAILED : wait_for(pid);
	__atomic_store_n(&worker, 0, __ATOMIC_RELAXED);
	return ret;
}

/*
 * mk_guard_run() - Make an instance, and have nothing left of it if that fails.
 * @work: calls mk_guard_started() once it is made; its return is the exit status
 * @stays: is it to stay once it was made? NULL: it is
 * @arg: for both
 *
 * Return: what @work returned, 128 and the number of the signal that has ended it, or
 * MK_GUARD_FAILED.
 */
int mk_guard_run(const char *name, int (*work)(void *arg), bool (*stays)(void *arg), void *arg)
{
	const char *tmp = getenv("TMPDIR");
	int ret;

	snprintf(dir, sizeof(dir), "%s/mkctl.XXXXXX", tmp ? tmp : "/tmp");
	if (pipe(started) || !mkdtemp(dir)) {
		mk_error("%s: %s", dir, strerror(errno));
		return MK_GUARD_FAILED;
	}
	if (mk_file_mkdir(name)) {
		mk_error_op("create", name, errno);
		ret = MK_GUARD_FAILED;
	} else {
		ret = guard(work, arg);
		if ((!has_started() || (stays && !stays(arg))) && mk_life_discard(name))
			ret = MK_GUARD_FAILED;
	}
	mk_rootfs_remove(dir);
	rmdir(dir);
	return ret;
}
