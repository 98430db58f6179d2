// SPDX-License-Identifier: GPL-2.0
/*
 * The user's terminal while it is somebody else's: every key goes through, and it is as
 * before at the end, whatever the end is.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "mkctl.h"

static struct termios saved;
static bool is_raw;

/*
 * mk_terminal_restore() - Have it as before; nothing happens if it is.
 *
 * May be called by a signal handler.
 */
void mk_terminal_restore(void)
{
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
	is_raw = false;
}

static void on_signal(int sig)
{
	mk_terminal_restore();
	_exit(128 + sig);
}

/*
 * mk_terminal_raw() - Every key goes through, Ctrl-C too.
 *
 * Return: false, with errno, if standard input is no terminal.
 */
bool mk_terminal_raw(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &saved))
		return false;
	is_raw = true;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	atexit(mk_terminal_restore);
	raw = saved;
	cfmakeraw(&raw);
	return !tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

/* Its size, or 24 by 80 if there is none. */
void mk_terminal_size(unsigned short *rows, unsigned short *columns)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	*rows = size.ws_row;
	*columns = size.ws_col;
}
