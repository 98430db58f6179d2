// SPDX-License-Identifier: GPL-2.0
/*
 * The decompressor of a multikernel instance has no console that anybody sees, and
 * where a kernel of its own would reset the machine, other kernels run on it.
 *
 * So there is a handler for each exception, and what error() has to say goes into
 * the last words, which the host reads; see include/linux/multikernel/abi/boot.h.
 */
#include "error.h"
#include "misc.h"

#include <asm/bootparam.h>
#include <linux/multikernel/abi/boot.h>
#include <linux/stddef.h>

#define MK_PREFIX	"decompressor: "

static const struct mk_boot_locator *mk_find_locator(void)
{
	const struct mk_boot_locator *locator;
	const struct setup_data *node;
	u64 pa = boot_params_ptr->hdr.setup_data;

	for (; pa; pa = node->next) {
		node = (const void *)(unsigned long)pa;
		locator = (const void *)node->data;
		if (node->type == SETUP_MULTIKERNEL && node->len >= sizeof(*locator) &&
		    locator->magic == MK_BOOT_MAGIC)
			return locator;
	}
	return NULL;
}

static struct mk_last_words *mk_find_words(void)
{
	const struct mk_boot_locator *locator = mk_find_locator();
	const struct mk_boot_block *block;
	u32 off;

	if (!locator || locator->shared_size < sizeof(*block))
		return NULL;
	block = (const void *)(unsigned long)locator->shared_pa;
	off = READ_ONCE(block->words_off);
	if (block->magic != MK_BOOT_MAGIC || off % 8 || off > locator->shared_size ||
	    locator->shared_size - off < sizeof(struct mk_words))
		return NULL;
	return (void *)block + off + offsetof(struct mk_words, last);
}

/**
 * mk_boot_error() - the decompressor gives up
 * @what: why
 *
 * To be called when page faults are handled, or never matter.  The memory that is
 * touched is mapped by them.
 */
void mk_boot_error(const char *what)
{
	struct mk_last_words *last;
	unsigned int n = sizeof(MK_PREFIX) - 1;
	static bool again;

	/* Not by a fault in here, nor before there is anybody to ask */
	if (again || !boot_params_ptr)
		return;
	again = true;
	last = mk_find_words();
	if (!last || READ_ONCE(last->reason) != MK_END_NONE)
		return;
	memcpy(last->text, MK_PREFIX, n);
	while (*what && n < MK_LAST_WORDS_LEN - 1)
		last->text[n++] = *what++;
	last->text[n] = '\0';
	/* Stores are not reordered on x86: the reason is seen after the text */
	barrier();
	WRITE_ONCE(last->reason, MK_END_PANIC);
}

static char *mk_put_hex(char *at, unsigned long n)
{
	int shift = 60;

	while (shift && !(n >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*at++ = "0123456789abcdef"[n >> shift & 15];
	return at;
}

/**
 * do_boot_trap() - an exception that nothing here provokes
 * @vector: its number
 * @ip: where it happened
 */
void __noreturn do_boot_trap(unsigned long vector, unsigned long ip)
{
	static const char what[] = "exception 0x", where[] = " at offset 0x";
	char text[sizeof(what) + sizeof(where) + 32], *at = text;

	memcpy(at, what, sizeof(what) - 1);
	at = mk_put_hex(at + sizeof(what) - 1, vector);
	memcpy(at, where, sizeof(where) - 1);
	at = mk_put_hex(at + sizeof(where) - 1, ip - (unsigned long)_head);
	*at = '\0';
	error(text);
}
