#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What no software contains: an instance runs into a triple fault, or its kernel writes to
# the port that resets the machine. Which one it is says "test.lost=" on the host's command
# line. The machine resets; that is looked at outside.

. /selftests/multikernel/lib.sh

WHAT=$(sed -n 's/.*test\.lost=\([a-z]*\).*/\1/p' /proc/cmdline)

# It has not been lost: the instance has ended alone, or goes on
not_lost()
{
	[ "$(get web state)" != running ] || mkctl logs web | grep -q 'goes on'
}

mkdir -p "$MK_TMP"
set -e
mk_boot web "$(last_cpus 2)"
ok answers web
echo "lost: $WHAT"
# What is not out by then is lost as well
stty -F /dev/ttyS1 -echo
mk_send web "echo $WHAT > $MK_DEBUG/fault; echo goes' 'on"
wait_until 'the machine is not lost' not_lost
note "$(get web state): $(get web reason)"
