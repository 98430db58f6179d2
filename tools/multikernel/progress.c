// SPDX-License-Identifier: GPL-2.0
/*
 * A bar or a line on stderr where a person waits, and nothing where none does.
 */
#include <stdarg.h>
#include <unistd.h>

#include "mkctl.h"

/* Whoever waits for less needs no bar */
#define FIRST_MS	500
#define AGAIN_MS	100

#define BAR_COLUMNS	30

/*
 * mk_progress_at() - So much of it is done.
 * @bar: with its title and total, zeroed otherwise
 */
void mk_progress_at(struct mk_progress *bar, unsigned long long done)
{
	static const char hashes[] = "##############################";
	long long now = mk_wait_now();
	char size[32];
	int part;

	if (!bar->next_ms)
		bar->next_ms = now + FIRST_MS;
	if (now < bar->next_ms || !isatty(STDERR_FILENO))
		return;
	bar->next_ms = now + AGAIN_MS;
	bar->drawn = true;
	part = bar->total ? (int)(done * BAR_COLUMNS / bar->total) : BAR_COLUMNS;
	mk_text_short(size, sizeof(size), done);
	fprintf(stderr, "\r%.20s [%-*.*s] %s \033[K", bar->title, BAR_COLUMNS, part, hashes, size);
}

/* Nothing of it stays. */
void mk_progress_end(struct mk_progress *bar)
{
	if (bar->drawn)
		fputs("\r\033[K", stderr);
	bar->drawn = false;
}

/* mk_progress_say() - What is waited for, in one line. */
void mk_progress_say(const char *fmt, ...)
{
	va_list args;

	if (!isatty(STDERR_FILENO))
		return;
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputs("...\n", stderr);
}
