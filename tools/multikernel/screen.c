// SPDX-License-Identifier: GPL-2.0
/*
 * A terminal that is drawn anew again and again, and that is left as it was.
 *
 * Signals come by a file like the keys, so that each end is an ordinary one
 * and no handler has to know what the terminal looked like. Ctrl-Z gives the
 * terminal back until the user comes again.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "machine.h"

#define SCREEN_ENTER	"\033[?1049h\033[?25l"	/* the other screen, no cursor */
#define SCREEN_LEAVE	"\033[?25h\033[?1049l"

static struct termios saved;
static sigset_t signals;
static int signal_fd = -1;
static bool entered;

static void say(const char *text)
{
	fputs(text, stdout);
	fflush(stdout);
}

/* The terminal as it was before; to be called as often as one likes. */
void mk_screen_leave(void)
{
	if (!entered)
		return;
	entered = false;
	say(SCREEN_LEAVE);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
}

static int watch_signals(void)
{
	static const int which[] = {
		SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH
	};
	size_t i;

	sigemptyset(&signals);
	for (i = 0; i < ARRAY_SIZE(which); i++)
		sigaddset(&signals, which[i]);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return signal_fd < 0 ? -1 : atexit(mk_screen_leave);
}

/*
 * mk_screen_enter() - Take the terminal.
 *
 * Keys come at once and are not shown; Ctrl-C and Ctrl-Z mean what they
 * always do. mk_screen_leave() gives it back, as does each exit().
 *
 * Return: 0, or -1 if standard input and output are no terminal.
 */
int mk_screen_enter(void)
{
	struct termios keys;

	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &saved))
		return -1;
	if (signal_fd < 0 && watch_signals())
		return -1;
	keys = saved;
	keys.c_lflag &= ~(ICANON | ECHO);
	keys.c_cc[VMIN] = 1;
	keys.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &keys))
		return -1;
	entered = true;
	say(SCREEN_ENTER);
	return 0;
}

static int count_lines(const char *text)
{
	int n = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		n++;
	}
	return n;
}

/*
 * mk_screen_show() - Draw it all anew.
 * @text: lines that are not too wide; of those that do not fit the number is told
 *
 * A line is cleared before it is written: behind one that is full the cursor
 * still stands on its last character.
 */
void mk_screen_show(const char *text)
{
	unsigned short rows, columns, i;
	const char *end;

	mk_terminal_size(&rows, &columns);
	fputs("\033[H", stdout);
	for (i = 0; i < rows && *text; i++) {
		end = strchrnul(text, '\n');
		fputs(i ? "\r\n\033[K" : "\033[K", stdout);
		if (i == rows - 1 && count_lines(text) > 1) {
			fprintf(stdout, "(%d more lines)", count_lines(text));
			continue;
		}
		fwrite(text, 1, end - text, stdout);
		text = *end ? end + 1 : end;
	}
	if (i < rows)
		fputs("\r\n\033[J", stdout);
	fflush(stdout);
}

static void stop_here(void)
{
	mk_screen_leave();
	raise(SIGSTOP);
	mk_screen_enter();
}

static enum mk_screen_event take_signal(void)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return MK_SCREEN_REDRAW;
	if (info.ssi_signo == SIGTSTP)
		stop_here();
	else if (info.ssi_signo != SIGWINCH)
		return MK_SCREEN_QUIT;
	return MK_SCREEN_REDRAW;
}

static enum mk_screen_event take_key(void)
{
	char key;

	if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q')
		return MK_SCREEN_QUIT;
	return MK_SCREEN_REDRAW;
}

/* Sleeps until something is to be done, or until the time is over. */
enum mk_screen_event mk_screen_wait(long long deadline)
{
	struct pollfd fds[] = {
		{ .fd = signal_fd, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};

	if (poll(fds, ARRAY_SIZE(fds), mk_wait_left(deadline)) <= 0)
		return MK_SCREEN_TIME;
	return fds[0].revents ? take_signal() : take_key();
}
