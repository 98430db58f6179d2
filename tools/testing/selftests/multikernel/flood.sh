#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An instance that floods the host with doorbells or with messages that make no
# sense is ended; one that has much to say is not. Needs CONFIG_MULTIKERNEL_BENCH.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
BOTH=$(last_cpus 2) || :
A=${BOTH%,*}
B=${BOTH#*,}
MANY=10000000

two_instances_start()
{
	if [ ! -w $BENCH ]; then
		skip 'needs CONFIG_MULTIKERNEL_BENCH'
	fi
	mk_boot a "$A"
	mk_boot b "$B"
	mk_login a
	mk_login b
}

# Each call rings twice at most, for 20,000 messages nobody rings more often than
# the receiver sleeps.
much_traffic_is_no_flood()
{
	flows a host 64 200000
	flows b host 64 200000
	bench a 'rtt host 64 3000' > /dev/null
	bench host 'rtt a 64 3000' > /dev/null
	bench b 'irq host 64 3000' > /dev/null
	bench host 'irq b 64 3000' > /dev/null
	bench a 'rtt b 64 3000' > /dev/null
	is "$(get a state)" running 'state of a'
	is "$(get b state)" running 'state of b'
	is "$(get a stats/bad_messages)" 0 'bad messages of a'
}

crashed() { [ "$(get "$1" state)" = crashed ]; }

# floods NAME KIND WHAT: it is ended for that, and comes back
floods()
{
	mk_send "$1" "echo flood host $2 $MANY > $BENCH"
	wait_until "$1 is ended" crashed "$1"
	is "$(get "$1" reason)" "flooded the host with $3" "reason of $1"
	mk_start "$1"
	mk_login "$1"
	flows host "$1" 64 1000
}

doorbells_end_it() { floods a 0 doorbells; }

messages_without_sense_end_it() { floods a 2 'messages that make no sense'; }

others_go_on()
{
	flows host b 64 1000
	flows b host 64 1000
	flows a b 64 1000
}

muted() { mk_run b dmesg | grep -q 'instance a floods us with doorbells'; }

# One instance can't end another one; both go on, and so do their messages.
an_instance_is_asked_not_to_ring()
{
	mk_send a "echo flood b 0 $MANY > $BENCH &"
	wait_until 'b has heard enough' muted
	is "$(get a state)" running 'state of a'
	is "$(get b state)" running 'state of b'
	flows host b 64 1000
	# What is left of the flood waits for a bell
	# shellcheck disable=SC2016 # the shell of the instance knows it
	mk_run a 'kill $!; wait'
	flows a b 64 1000
	flows b a 64 1000
}

# Of two the host listens to one at a time, and the other one lives.
a_doorbell_without_cause_is_traced()
{
	local bare=$MK_FS/info/doorbells_bare before

	before=$(cat "$bare")
	flows b host 64 20000
	floods a 1 'doorbells without a cause'
	between $((before + 65536)) "$(cat "$bare")" 9999999999 'doorbells without a cause'
	has "$(dmesg)" 'a rings without a cause' 'the log'
	is "$(get b state)" running 'state of b'
	flows b host 64 1000
	flows host b 64 1000
	floods b 1 'doorbells without a cause'
	is "$(get a state)" running 'state of a'
	flows a host 64 1000
	flows a b 64 1000
}

# An only one it can be.
a_doorbell_without_cause_ends_the_only_one()
{
	ok mkctl kill b
	floods a 1 'doorbells without a cause'
}

mk_main \
	two_instances_start \
	much_traffic_is_no_flood \
	doorbells_end_it \
	messages_without_sense_end_it \
	others_go_on \
	an_instance_is_asked_not_to_ring \
	a_doorbell_without_cause_is_traced \
	a_doorbell_without_cause_ends_the_only_one
