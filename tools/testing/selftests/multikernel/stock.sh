#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A kernel that knows nothing of multikernel, as a distribution ships it, boots
# as an instance to its initramfs, by firmware tables that the host makes.
#
# MK_STOCK is its bzImage.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$MK_DIR/stock-lib.sh"

CPU=$(last_cpus 1) || :
STOCK=${MK_STOCK:-}

an_unmodified_kernel_boots_to_its_initramfs()
{
	[ -r "$STOCK" ] || skip "needs a kernel of a distribution, named by MK_STOCK"
	stock_boots "$CPU"
	ok mkctl kill stock
	is "$(get stock reason)" killed 'reason'
	ok mkctl rm stock
	ok cpu_works "$CPU"
}

mk_main an_unmodified_kernel_boots_to_its_initramfs
