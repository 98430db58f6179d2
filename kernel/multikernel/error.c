// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: error.c - one human sentence on why the last request failed
 *
 * An errno says little.  What was wrong, what is there, and what would work is
 * kept as one sentence and shown in info/last_error, as resctrl does with
 * info/last_cmd_status.
 *
 * Locking
 * -------
 *
 * mk_error_lock protects the sentence; innermost.
 */

#include <linux/err.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/stdarg.h>
#include <linux/string.h>

#include "internal.h"

static DEFINE_SPINLOCK(mk_error_lock);
static char mk_error_text[256] = "ok";

/**
 * mk_fail() - keep the reason of a failure
 * @err: negative errno
 * @fmt: the sentence, without full stop or newline
 *
 * Return: @err, for the caller to pass on.
 */
int mk_fail(int err, const char *fmt, ...)
{
	va_list args;

	guard(spinlock)(&mk_error_lock);
	va_start(args, fmt);
	vscnprintf(mk_error_text, sizeof(mk_error_text), fmt, args);
	va_end(args);
	return err;
}

/**
 * mk_error_clear() - a new request begins
 */
void mk_error_clear(void)
{
	guard(spinlock)(&mk_error_lock);
	strscpy(mk_error_text, "ok");
}

/**
 * mk_error_is_set() - has anybody said why the request failed?
 *
 * Return: true if so.
 */
bool mk_error_is_set(void)
{
	guard(spinlock)(&mk_error_lock);
	return strcmp(mk_error_text, "ok");
}

/**
 * mk_error_default() - a request failed; say so if nobody said why
 * @err: negative errno
 */
void mk_error_default(int err)
{
	guard(spinlock)(&mk_error_lock);
	if (!strcmp(mk_error_text, "ok"))
		scnprintf(mk_error_text, sizeof(mk_error_text), "error %pe",
			  ERR_PTR(err));
}

/**
 * mk_error_show() - print the sentence
 * @sf: where to
 */
void mk_error_show(struct seq_file *sf)
{
	guard(spinlock)(&mk_error_lock);
	seq_printf(sf, "%s\n", mk_error_text);
}
