#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The host reboots while two instances run: one whose userspace shuts down when it is asked
# to, and one that has just stopped to take interrupts. dev/check looks at what the host
# says until the machine resets.

. /selftests/multikernel/lib.sh

mkdir -p "$MK_TMP"
set -e
CPUS=$(last_cpus 2)
mk_boot web "${CPUS%,*}" 128M
mk_boot deaf "${CPUS#*,}" 128M
ok answers web
ok answers deaf
# One that is known to hang is not asked
is "$(put deaf hang_ms 600000)" OK 'hang_ms'
mk_send deaf 'echo HARDLOCKUP > /sys/kernel/debug/provoke-crash/DIRECT'
wait_until 'it does not answer' eval '! mkctl ping deaf -c 1'
echo 'hostdown: reboot' > /dev/kmsg
reboot -f
sleep 60
