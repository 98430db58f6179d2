#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The kernels that succeed each other are of different builds: the host's own, and one that
# was configured otherwise (MK_OTHER, a bzImage). Either takes over from the other one.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$MK_DIR/succeed-lib.sh"

export MK_KEEP=1
TWO=$(last_cpus 2) || :
OTHER=${MK_OTHER:-}

# update_to KERNEL CPU WORD: web goes to that kernel, whose userspace looks what there is
update_to()
{
	mk_run web 'kill $(pidof mkprobe) 2> /dev/null || :'
	is "$(mk_run web "$PROBE luo-serve state $SIZE")" OK 'to serve'
	mk_run web 'uname -r' > "$MK_TMP/before"
	ok mkctl update web --kernel "$1" --initrd "$MK_INITRD" --cpus "$2" --memory "$EACH" \
		--cmdline "$3 $KHO init.run=\"$PROBE luo-succeed state $SIZE > /tmp/found 2>&1\""
	is "$(get web state)" running 'state'
	mk_login web
	is "$(words_of web)" "$3" 'its command line'
	wait_until 'it serves' has_found web
	note "gap: $(found web)"
	has "$(found web)" '^[0-9]* [0-9]*$' 'what it has found'
	serves web
	mk_run web 'uname -r' > "$MK_TMP/after"
	note "from $(cat "$MK_TMP/before") to $(cat "$MK_TMP/after")"
	! cmp -s "$MK_TMP/before" "$MK_TMP/after" || { note 'that is the same build'; return 1; }
	ok mkctl ping web -c 100
}

the_hosts_own_serves()
{
	[ -r "$OTHER" ] || skip 'needs a kernel of another build, named by MK_OTHER'
	mk_boot web "${TWO#*,}" "$EACH" "first $KHO"
}

another_build_takes_over() { update_to "$OTHER" "${TWO%,*}" second; }
and_back() { update_to "$MK_KERNEL" "${TWO#*,}" third; }
once_more() { update_to "$OTHER" "${TWO%,*}" fourth; }

mk_main the_hosts_own_serves another_build_takes_over and_back once_more
