#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A campaign of faults: real code goes wrong in a real instance, while the host does work
# that it checks, and another instance stands by. After each run the host is alive, the
# pages that it has filled are whole, the other instance answers, the reason is right, CPUs
# and memory are the host's again, and the instance starts anew.
#
# MK_RUNS runs begin with seed MK_SEED, each with the next one, which says when it happens
# and where; classes take turns, those of MK_CLASSES, or all but those of MK_WITHOUT. A run is
# repeated by its seed and its class: MK_RUNS=1 MK_SEED=17 MK_CLASSES=words; several have commas
# between them. MK_UNTIL is for how many seconds new runs begin. Needs CONFIG_LKDTM and
# CONFIG_MULTIKERNEL_BENCH in the instances.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

RUNS=${MK_RUNS:-30}
SEED=${MK_SEED:-1}
CPUS=$(last_cpus 3) || :
BY=${CPUS%%,*}
PAIR=${CPUS#*,}
FIRST=${PAIR%,*}
LKDTM=/sys/kernel/debug/provoke-crash/DIRECT
FAULT=/sys/kernel/debug/multikernel/fault
HANG=3000

# class, where: a word for one of the functions below, what: its argument, the state at the
# end or "any", and a pattern for the reason. What is not the instance's own doing ends by
# a kill.
TABLE='
panic		shell	echo%c>/proc/sysrq-trigger	crashed	^panic:.sysrq
bug		lkdtm	BUG		crashed	^panic:.Fatal.exception
bug_softirq	fault	bug_softirq	crashed	^panic:.Fatal.exception.in.interrupt
bug_hardirq	fault	bug_hardirq	crashed	^panic:.Fatal.exception.in.interrupt
oops_nmi	fault	oops_nmi	crashed	^panic:
null_call	lkdtm	EXEC_NULL	crashed	^panic:.Fatal.exception
stack		lkdtm	EXHAUST_STACK	crashed	^panic:
write_ro	lkdtm	WRITE_RO	crashed	^panic:.Fatal.exception
exec_data	lkdtm	EXEC_DATA	crashed	^panic:.Fatal.exception
irqs_off	lkdtm	HARDLOCKUP	hung	takes.no.interrupts
irqs_off_all	fault	spin_all	hung	takes.no.interrupts
preempt_off	lkdtm	SOFTLOCKUP	hung	schedules.nothing
busy_all	fault	busy_all	hung	schedules.nothing
deadlock	fault	deadlock	hung	schedules.nothing
oom		shell	echo%1%>/proc/sys/vm/panic_on_oom;tail%/dev/zero	crashed	^panic:.Out
wild_host	fault	wild_host	crashed	^panic:.Fatal.exception
wild_map	fault	wild_map	running	^none$
wild_own	fault	wild_own	any	.
wild_data	fault	wild_data	any	.
words		fault	words		any	.
nonsense	bench	flood%host%2%10000000	crashed	^flooded.the.host
doorbells	bench	flood%host%0%10000000	crashed	^flooded.the.host
packets		fault	packets		any	.
nmi_storm	fault	nmi_storm	any	.
mce		fault	mce		any	.
port		port	-		running	^none$
early		early	-		crashed	^panic:.early.exception
boot		booting	-		loaded	^killed$
cpu_move	moving	cpus		crashed	^panic:
memory_move	moving	memory		crashed	^panic:
load		loading	-		loaded	^killed$
fork_bomb	bomb	-		any	.
clock		clock	-		running	^none$
'

# rnd N: R is a number below N
rnd()
{
	SEED=$(((SEED * 1103515245 + 12345) % 2147483648))
	R=$(((SEED / 65536) % $1))
}

# Up to so many ms
pause()
{
	rnd "$1"
	usleep $((R * 1000))
}

# On the second CPU as often as on the first one
on_a_cpu()
{
	rnd 2
	mk_send v "taskset -c $R sh -c '$1'"
}

shell() { mk_send v "$(echo "$1" | tr % ' ')"; }
lkdtm() { on_a_cpu "echo $1 > $LKDTM"; }
fault() { on_a_cpu "echo $1 $SEED > $FAULT"; }
bench() { mk_send v "echo $(echo "$1" | tr % ' ') > $BENCH"; }

# Something writes to the port by which the machine is reset, 0xcf9.
port()
{
	mk_send v "printf '\\006' | dd of=/dev/port bs=1 seek=3321"
}

# It came to setup_arch(), and no further.
early()
{
	ok mkctl kill v
	mk_load v multikernel_fault_early
	ok mkctl start v
}

# It was killed at a random moment of its boot.
booting()
{
	ok mkctl kill v
	ok mkctl start v
	pause 1500
	ok mkctl kill v
}

# It panics while the host gives it something, or takes it.
moving()
{
	case $1 in
	cpus) (put v cpus "$FIRST"; put v cpus "$PAIR") > /dev/null 2>&1 & ;;
	memory) (put v memory 256M; put v memory 128M) > /dev/null 2>&1 & ;;
	esac
	pause 400
	mk_send v 'echo c > /proc/sysrq-trigger'
	wait $! || :
}

# Who loads another image into it is killed.
loading()
{
	local pid

	ok mkctl kill v
	mkctl load v "$MK_KERNEL" --initrd "$MK_INITRD" > /dev/null 2>&1 & pid=$!
	pause 300
	kill -9 $pid 2> /dev/null || :
	wait $pid || :
	mk_load v oops=panic
}

bomb()
{
	mk_send v 'b() { b | b & }; b'
	pause 2000
}

# Theirs is not ours
clock()
{
	local year

	mk_run v 'date -s 2099-01-01' > /dev/null
	year=$(mk_run by 'date +%Y')
	[ "$year" != 2099 ] && [ "$(date +%Y)" != 2099 ] && [ "$(mk_run v 'date +%Y')" = 2099 ]
}

up()
{
	mk_create v "$PAIR" 128M
	is "$(put v heartbeat_ms 200)" OK 'heartbeat_ms'
	is "$(put v hang_ms $HANG)" OK 'hang_ms'
	mk_load v oops=panic
	mk_start v
	mk_login v
}

# judge STATE PATTERN: how did it end?
judge()
{
	case $1 in
	any)
		# For as long as a hang takes to be seen
		mkctl wait v crashed,hung --timeout 6 > /dev/null 2>&1 || : ;;
	*)	wait_for_state v "$1" ;;
	esac
	has "$(get v reason)" "$2" 'the reason'
	note "$(get v state): $(get v reason)"
	get v state > "$MK_TMP/outcome"
}

# The host and the one that stands by are as they were.
nobody_else_is_hurt()
{
	is "$(get by state)" running 'the one that stands by'
	ok answers by
	is "$(mk_run by 'echo $((6 * 7))')" 42 'what it reckons'
	echo check >&8
	wait_until 'the pages of the host have been looked at' \
		eval "[ \$(wc -l < $MK_TMP/canary) -gt $LOOKED ]"
	is "$(tail -n 1 "$MK_TMP/canary")" whole 'pages of the host'
}

# run WHERE WHAT STATE PATTERN: the instance is up before, and another one afterwards, of
# the same name, on the same CPUs, and from the memory that the host has back
run()
{
	[ -d "$MK_FS/instances/v" ] || up
	pause 300
	"$1" "$2"
	judge "$3" "$4"
	LOOKED=$(wc -l < "$MK_TMP/canary")
	nobody_else_is_hurt
	mkctl kill v > /dev/null 2>&1 || :
	ok mkctl rm -f v
	is "$(cat "$MK_CPUS/online")" "$ONLINE" 'CPUs of the host'
	free_again "$FREE" 'after a run'
	note "the host has $(host_free) kB free, and had $FREE"
	up
	ok answers v
}

# Their lines of the table
classes()
{
	echo "$TABLE" | awk -v only=",${MK_CLASSES:-}," -v but=",${MK_WITHOUT:-}," '
		NF && (only == ",," || index(only, "," $1 ",")) && !index(but, "," $1 ",")'
}

one_run()
{
	local n line class where what state pattern seed=$SEED status

	n=$(classes | wc -l)
	line=$(classes | sed -n "$((seed % n + 1))p")
	read -r class where what state pattern << END
$line
END
	SEED=$((seed * 7919 + 1))
	# Not as a condition, in which set -e would mean nothing
	( set -e; run "$where" "$what" "$state" "$pattern" )
	status=$?
	if [ $status -eq 0 ]; then
		echo "$class $(cat "$MK_TMP/outcome")" >> "$MK_TMP/outcomes"
		ktap_test_pass "$class, seed $seed"
	else
		echo "$class failed" >> "$MK_TMP/outcomes"
		mk_diagnose
		mkctl rm -f v > /dev/null 2>&1 || :
		ktap_test_fail "$class, seed $seed"
	fi
	SEED=$((seed + 1))
}

campaign()
{
	local i end

	end=$(($(now) + ${MK_UNTIL:-100000}))
	for i in $(seq "$RUNS"); do
		if [ "$(now)" -ge "$end" ]; then
			note "time is up after $((i - 1)) runs; go on with MK_SEED=$SEED"
			RUNS=$((i - 1))
			break
		fi
		one_run
	done
}

# Classes and how often which end came of them
summary()
{
	note "$(printf '%-12s %8s %8s %8s %8s %8s' class crashed hung running loaded failed)"
	note "$(sort "$MK_TMP/outcomes" | awk '
		function put() {
			if (class != "")
				printf "%-12s %8d %8d %8d %8d %8d\n", class, n["crashed"],
					n["hung"], n["running"], n["loaded"], n["failed"]
		}
		$1 != class { put(); class = $1; split("", n) }
		{ n[$2]++ }
		END { put() }')"
}

stand_by()
{
	mk_boot by "$BY" 128M && mk_login by
}

ktap_print_header
need_multikernel
mkdir -p "$MK_TMP"
trap 'kill $CANARY 2> /dev/null; mk_cleanup > /dev/null; rm -rf "$MK_TMP"' EXIT
echo "selftests: campaign.sh $$ begins" > /dev/kmsg
[ -n "${MK_UNTIL:-}" ] || ktap_set_plan $((RUNS + 1))
mkfifo "$MK_TMP/ask"
mkprobe canary 64 < "$MK_TMP/ask" > "$MK_TMP/canary" & CANARY=$!
exec 8> "$MK_TMP/ask"
if stand_by; then
	ktap_test_pass 'an instance stands by'
	ONLINE=$(cat "$MK_CPUS/online")
	# What the first one leaves behind in caches is no leak
	( set -e; up; ok mkctl rm -f v )
	FREE=$(host_free)
	campaign
	# How many there are in that time shows at the end
	[ -z "${MK_UNTIL:-}" ] || ktap_set_plan $((RUNS + 1))
	summary
else
	mk_diagnose
	ktap_test_fail 'an instance stands by'
fi
ktap_finished
