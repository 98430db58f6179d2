#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What no software contains: an instance runs into a triple fault, or its kernel writes to
# the port that resets the machine. Which one it is says "test.lost=" on the host's command
# line. The machine resets; that is looked at outside.

. /selftests/multikernel/lib.sh

WHAT=$(sed -n 's/.*test\.lost=\([a-z]*\).*/\1/p' /proc/cmdline)
mkdir -p "$MK_TMP"
set -e
mk_boot web "$(last_cpus 2)"
ok answers web
echo "lost: $WHAT"
mk_send web "echo $WHAT > $MK_DEBUG/fault"
# shellcheck disable=SC2034 # for eval
quiet=$(($(now) + 30))
wait_until 'nothing happens' eval '[ "$(now)" -ge "$quiet" ]'
