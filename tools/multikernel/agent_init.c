// SPDX-License-Identifier: GPL-2.0
/*
 * mkagent --init: the first process of a root file system that comes from a container's
 * image or from debootstrap. It mounts what is missing, starts the agent beside itself, and
 * becomes the init that is there. If there is none it stays, reaps who is left over, and
 * ends the instance when it is asked to.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

/* How long processes may take to end after SIGTERM, in steps of 100 ms */
#define TERM_STEPS	50

static const struct {
	const char *type, *dir, *options;
	unsigned long flags;
} mounts[] = {
	{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "devtmpfs", "/dev", "mode=0755", MS_NOSUID },
	{ "devpts", "/dev/pts", "mode=0620,ptmxmode=0666", MS_NOSUID | MS_NOEXEC },
	{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV },
	{ "tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV },
};

static void mount_missing(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mounts); i++) {
		mkdir(mounts[i].dir, 0755);
		/* What is there already, or not in this kernel, is no harm */
		mount(mounts[i].type, mounts[i].dir, mounts[i].type, mounts[i].flags,
		      mounts[i].options);
	}
}

/* As every init does: the kernel gives it a console only if /dev was there before */
static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR);

	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* Programs speak to each other by 127.0.0.1 */
static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (!ioctl(fd, SIOCGIFFLAGS, &ifr)) {
		ifr.ifr_flags |= IFF_UP;
		ioctl(fd, SIOCSIFFLAGS, &ifr);
	}
	close(fd);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "mkagent: %s: %s\n", path, strerror(errno));
	close(fd);
}

/* What the kernel starts when the host wants this instance to end */
static void be_what_ends(void)
{
	char self[4096], command[sizeof(self) + 16];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return;
	self[n] = '\0';
	snprintf(command, sizeof(command), "%s --poweroff", self);
	write_file("/proc/sys/kernel/poweroff_cmd", command);
}

static void end_all(void)
{
	int i;

	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
	for (i = 0; i < TERM_STEPS; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (kill(-1, 0) && errno == ESRCH)
			break;
		usleep(100000);
	}
	kill(-1, SIGKILL);
	sync();
	reboot(RB_POWER_OFF);
}

static int stay(void)
{
	sigset_t awaited;
	int sig;

	sigemptyset(&awaited);
	sigaddset(&awaited, SIGTERM);
	sigaddset(&awaited, SIGCHLD);
	sigprocmask(SIG_BLOCK, &awaited, NULL);
	be_what_ends();
	puts("mkagent: ready");
	fflush(stdout);
	do {
		sigwait(&awaited, &sig);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	} while (sig != SIGTERM);
	end_all();
	return EXIT_FAILURE;
}

/*
 * agent_init() - Be the first process.
 * @program: what to become, and its arguments, or only a NULL
 *
 * Return: an exit status, if this is not the first process.
 */
int agent_init(char **program)
{
	static char *const inits[] = { "/sbin/init", "/lib/systemd/systemd", "/bin/systemd" };
	size_t i;

	if (getpid() != 1) {
		fputs("mkagent: --init is for the first process\n", stderr);
		return EXIT_FAILURE;
	}
	mount_missing();
	open_console();
	loopback_up();
	switch (fork()) {
	case 0:
		setsid();
		return agent_listen();
	case -1:
		fprintf(stderr, "mkagent: fork: %s\n", strerror(errno));
	}
	if (*program) {
		execvp(*program, program);
		fprintf(stderr, "mkagent: %s: %s\n", *program, strerror(errno));
	}
	for (i = 0; !*program && i < ARRAY_SIZE(inits); i++)
		execv(inits[i], (char *[]){ inits[i], NULL });
	return stay();
}

/*
 * agent_poweroff() - Ask the first process to end the instance.
 *
 * Return: an exit status.
 */
int agent_poweroff(void)
{
	if (!kill(1, SIGTERM))
		return EXIT_SUCCESS;
	fprintf(stderr, "mkagent: %s\n", strerror(errno));
	return EXIT_FAILURE;
}
