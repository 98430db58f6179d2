#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Kernels that state other versions of the ABI than the host: they agree on one
# that both speak, or refuse each other by a sentence, and nothing stays behind.
# Needs CONFIG_MULTIKERNEL_BENCH, without which no kernel states what it does
# not speak. To be run with and without multikernel.abi=3-4 for the host.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

BOTH=$(last_cpus 2) || :
A=${BOTH%,*}
B=${BOTH#*,}
[ -d "$MK_FS/instances" ] || mount -t multikernel none "$MK_FS" 2> /dev/null || :
NEWEST=$(cat "$MK_FS/info/abi" 2> /dev/null) || :
OLDEST=$(cat "$MK_FS/info/abi_oldest" 2> /dev/null) || :
OURS=$NEWEST
[ "$OLDEST" = "$NEWEST" ] || OURS="$OLDEST to $NEWEST"

need_bench()
{
	[ -w $BENCH ] || skip 'needs CONFIG_MULTIKERNEL_BENCH'
}

# states NAME RANGE [CPU]: an instance with a kernel that states that
states()
{
	need_bench
	mk_create "$1" "${3:-$A}"
	mk_load "$1" "multikernel.abi=$2"
}

# speaks NAME AGREED NEWEST OLDEST: it runs, and messages flow
speaks()
{
	mk_start "$1"
	is "$(counter "$1" abi agreed)" "$2" 'the version agreed on'
	is "$(counter "$1" abi newest)" "$3" 'its newest'
	is "$(counter "$1" abi oldest)" "$4" 'its oldest'
	is "$(counter "$1" abi features)" 0x3ff 'features'
	ok answers "$1"
	flows host "$1" 64 100
	flows "$1" host 4096 100
	is "$(get "$1" stats/bad_messages)" 0 'bad messages'
	has "$(mkctl logs "$1")" "ABI version $2\$" 'the log of the instance'
}

# refuses_with NAME SENTENCE: it ends by itself, and says this
refuses_with()
{
	ok mkctl start "$1"
	wait_for_state "$1" crashed
	is "$(get "$1" reason)" "$2" 'the reason'
	is "$(counter "$1" abi agreed)" 0 'the version agreed on'
	is "$(counter "$1" events crashes)" 1 'crashes'
}

the_host_says_what_it_speaks()
{
	between 1 "$OLDEST" "$NEWEST" 'the oldest version'
}

one_that_states_the_same()
{
	states a "$OLDEST-$NEWEST"
	is "$(counter a abi agreed)" 0 'the version agreed on before a start'
	speaks a "$NEWEST" "$NEWEST" "$OLDEST"
	ok mkctl kill a
	is "$(counter a abi agreed)" "$NEWEST" 'that of the last run'
}

a_newer_one_that_still_speaks_ours()
{
	states a "$NEWEST-$((NEWEST + 5))"
	speaks a "$NEWEST" $((NEWEST + 5)) "$NEWEST"
}

one_that_speaks_more_on_both_ends()
{
	states a "1-$((NEWEST + 5))"
	speaks a "$NEWEST" $((NEWEST + 5)) 1
}

an_older_one_that_we_still_speak()
{
	states a "1-$OLDEST"
	speaks a "$OLDEST" "$OLDEST" 1
}

one_of_our_versions_alone()
{
	states a "$OLDEST-$OLDEST"
	speaks a "$OLDEST" "$OLDEST" "$OLDEST"
}

a_newer_one_refuses_the_host()
{
	local before

	before=$(host_free)
	states a "$((NEWEST + 1))-$((NEWEST + 3))"
	refuses_with a "panic: this kernel speaks ABI versions $((NEWEST + 1)) to $((NEWEST + 3)), the host $OURS: no common one"
	ok mkctl rm a
	ok cpu_works "$A"
	free_again "$before" 'after a refusal'
}

an_older_one_refuses_the_host()
{
	states a "$((OLDEST - 1))-$((OLDEST - 1))"
	refuses_with a "panic: this kernel speaks ABI version $((OLDEST - 1)), the host $OURS: no common one"
}

# With panic= on its command line it must not go on to reset the machine.
a_refusal_leaves_the_machine_alone()
{
	states a "$((NEWEST + 1))-$((NEWEST + 1)) panic=1"
	refuses_with a "panic: this kernel speaks ABI version $((NEWEST + 1)), the host $OURS: no common one"
	mk_boot b "$B"
	flows host b 64 100
}

# The kernel that was refused is not the last one.
another_kernel_may_be_better()
{
	states a "$((NEWEST + 1))-$((NEWEST + 1))"
	ok mkctl start a
	wait_for_state a crashed
	mk_load a
	mk_start a
	ok answers a
}

# In its hello it says what it should have seen in the boot block.
the_host_refuses_an_instance()
{
	local why before

	before=$(host_free)
	why="instance a speaks ABI versions $((NEWEST + 2)) to $((NEWEST + 3)), the host $OURS: no common one"
	states a "$((NEWEST + 2))-$((NEWEST + 3)),blind"
	refuses_with a "$why"
	is "$(last_error)" "$why" 'last_error'
	is "$(counter a abi newest)" $((NEWEST + 3)) 'its newest'
	is "$(counter a abi oldest)" $((NEWEST + 2)) 'its oldest'
	ok mkctl rm a
	ok cpu_works "$A"
	free_again "$before" 'after a refusal'
}

# Both have a version in common with the host, and none with each other.
two_that_have_none_in_common()
{
	need_bench
	if [ "$OLDEST" = "$NEWEST" ]; then
		note 'this host speaks one version: all that speak with it have it in common'
		return 0
	fi
	states a "$OLDEST-$OLDEST"
	states b "$NEWEST-$NEWEST" "$B"
	speaks a "$OLDEST" "$OLDEST" "$OLDEST"
	speaks b "$NEWEST" "$NEWEST" "$NEWEST"
	has "$(bench a 'rtt b 64 1' || :)" 'Protocol not supported' 'a connection'
	has "$(dmesg)" "instance a speaks ABI version $OLDEST, instance b $NEWEST: no common one" \
		'the log of the host'
	has "$(bench b 'rtt a 64 1' || :)" 'Protocol not supported' 'a connection'
	has "$(dmesg)" "instance b speaks ABI version $NEWEST, instance a $OLDEST: no common one" \
		'the log, the other way'
	ok mkctl kill b
	mk_load b "multikernel.abi=1-9"
	mk_start b
	flows a b 64 100
	flows b a 64 100
}

nonsense_is_no_version()
{
	local range

	for range in 3-2 0-2 x 2 2-3,deaf; do
		states a "$range"
		mk_start a
		has "$(mkctl logs a)" 'multikernel.abi takes' "the log for $range"
		is "$(counter a abi oldest)" "$OLDEST" "its oldest for $range"
		ok mkctl rm -f a
	done
}

mk_main \
	the_host_says_what_it_speaks \
	one_that_states_the_same \
	a_newer_one_that_still_speaks_ours \
	one_that_speaks_more_on_both_ends \
	an_older_one_that_we_still_speak \
	one_of_our_versions_alone \
	a_newer_one_refuses_the_host \
	an_older_one_refuses_the_host \
	a_refusal_leaves_the_machine_alone \
	another_kernel_may_be_better \
	the_host_refuses_an_instance \
	two_that_have_none_in_common \
	nonsense_is_no_version
