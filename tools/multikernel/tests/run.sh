#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# run.sh DIR: tests of mkctl, which make has built in DIR together with fuzz and frames, on a
# machine that is made of files. Needs python3 for a second opinion on JSON and on widths;
# without tmux the test of the screen is left out, without systemd that of the units.
# FUZZ_RUNS and FUZZ_SEED say what is fuzzed.
set -u

here=$(dirname "$(readlink -f "$0")")
build=$(readlink -f "$1")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
PATH=$build:$PATH
export PATH
export MKCTL_ROOT="$tmp/m/mk" MKCTL_SYSFS="$tmp/m/sys" MKCTL_PROC="$tmp/m/proc"
export LC_ALL=C TERM=dumb
unset COLUMNS NO_COLOR LANG LC_CTYPE
passed=0 failed=0 skipped=0

fail()
{
	printf '# %s\n' "$1" | sed '2,$s/^/# /'
	return 1
}

# has TEXT PATTERN
has()
{
	printf '%s\n' "$1" | grep -q -e "$2" || fail "nothing like '$2' in:
$1"
}

hasnt()
{
	! printf '%s\n' "$1" | grep -q -e "$2" || fail "something like '$2' in:
$1"
}

# exits STATUS ARGUMENT...: prints what mkctl says
exits()
{
	want=$1 got=0
	shift
	mkctl "$@" < /dev/null 2>&1 || got=$?
	[ $got = "$want" ] || fail "mkctl $*: status $got, not $want" >&2
}

# json ARGUMENT...: what mkctl prints is JSON, each line if it goes on
json()
{
	mkctl "$@" > "$tmp/json" 2> "$tmp/err"
	if [ "$1" = top ]; then
		while IFS= read -r line; do
			printf '%s\n' "$line" | python3 -m json.tool > /dev/null || return 1
		done < "$tmp/json"
	else
		python3 -m json.tool < "$tmp/json" > /dev/null
	fi || fail "mkctl $*: no JSON: $(cat "$tmp/json" "$tmp/err")"
}

# at TEXT EXPRESSION: a look into JSON, by Python
at()
{
	printf '%s\n' "$1" | python3 -c "import json, sys; d = json.load(sys.stdin); print($2)"
}

is()
{
	[ "$1" = "$2" ] || fail "got '$1', wanted '$2'"
}

# widest: the longest line of stdin, in characters, without colours
widest()
{
	python3 -c '
import re, sys
text = sys.stdin.buffer.read().decode("utf-8")
print(max(len(re.sub("\033\\[[0-9;]*m", "", l)) for l in text.splitlines()))'
}

# --- map ----------------------------------------------------------------------

map_is_as_wide_as_wanted()
{
	for width in 40 80 132; do
		for locale in C C.UTF-8; do
			for colour in always never; do
				out=$(LC_ALL=$locale mkctl map --width $width --color $colour)
				is "$(printf '%s\n' "$out" | widest)" $width || return
			done
		done
	done
	is "$(COLUMNS=50 mkctl map | widest)" 50
}

map_tells_owners_apart_by_letters()
{
	out=$(mkctl map --width 40 --color never)
	has "$out" '^8 CPUs, 4G, 2 instances$' &&
		has "$out" '^| 0-3  H \. \. \. ' &&
		has "$out" '^| 4-7  w w d X ' &&
		has "$out" '^| H*\.*w*d*X* |$' &&
		has "$out" '^| 0xb0000000-0xc0000000  256M d db ' &&
		has "$out" '^| w web  *2  *640M  running ' &&
		has "$out" '^| d db  *1  *256M  crashed ' &&
		has "$out" '^| X quarantine  *1  *64M  lost '
}

map_is_ascii_without_utf8_and_has_lines_with_it()
{
	out=$(mkctl map)
	is "$(printf '%s' "$out" | tr -d '\n -~')" '' || return
	has "$(LC_ALL=C.UTF-8 mkctl map)" '^┌─ Owners ──' || return
	has "$(LC_ALL='' LANG=de_DE.utf8 mkctl map)" '^┌─ Owners ──'
}

map_has_colours_only_when_wanted()
{
	esc=$(printf '\033')
	has "$(mkctl map --color always)" "$esc" &&
		hasnt "$(mkctl map --color never)" "$esc" &&
		hasnt "$(TERM=xterm mkctl map)" "$esc"
}

map_json_has_it_all()
{
	json map --json || return
	out=$(mkctl map --json)
	is "$(at "$out" '[c["owner"] for c in d["cpus"]]')" \
		"['host', 'pool', 'pool', 'pool', 'instance', 'instance', 'instance', 'quarantine']" || return
	is "$(at "$out" 'd["ranges"][0]')" \
		"{'start': 1073741824, 'size': 134217728, 'node': 0, 'owner': 'instance', 'instance': 'web'}" || return
	is "$(at "$out" 'all(n["memory"] == n["host"] + n["pool"] + n["lent"] + n["quarantine"] for n in d["nodes"])')" True || return
	is "$(at "$out" '[o["memory"] for o in d["owners"] if o.get("instance") == "web"]')" '[671088640]'
}

map_of_a_large_machine()
{
	echo 0-1023 > "$MKCTL_SYSFS/devices/system/cpu/present"
	echo 0-1023 > "$MKCTL_SYSFS/devices/system/cpu/online"
	is "$(mkctl map --width 40 | widest)" 40 || return
	is "$(mkctl map --width 132 | widest)" 132
}

map_without_nodes()
{
	rm -rf "$MKCTL_SYSFS/devices/system/node"
	has "$(mkctl map)" 'Memory of node 0, 4G'
}

each_instance_has_a_letter_of_its_own()
{
	for i in 1 2 3 4 5 6 7 8 9; do
		cp -r "$MKCTL_ROOT/instances/db" "$MKCTL_ROOT/instances/db$i"
	done
	is "$(at "$(mkctl map --json)" 'len({o["letter"] for o in d["owners"]})')" 15
}

map_refuses_nonsense()
{
	has "$(exits 2 map --color pink)" 'always, never or auto, not: pink' &&
		has "$(exits 2 map --width no)" 'not a number that fits here: no' &&
		has "$(exits 2 map web)" 'one word too many: web'
}

# --- top ----------------------------------------------------------------------

top_prints_blocks_without_a_terminal()
{
	out=$(mkctl top -n 2 -d 0.1)
	is "$(printf '%s\n' "$out" | grep -c '^  NAME')" 2 &&
		has "$out" '^CPU 0  *H\.\.\.wwdX$' &&
		has "$out" '^Node 1  *2G H*\.*w*d*X*$' &&
		has "$out" '^w web  *running  *2  *640M  *0  *0  *0  *1000$'
}

top_shows_what_passes()
{
	mkctl top -n 3 -d 0.5 --json > "$tmp/top" & pid=$!
	i=0
	while [ $i -lt 1200 ] && kill -0 $pid 2> /dev/null; do
		i=$((i + 1))
		echo $((1000 + 100 * i)) > "$MKCTL_ROOT/instances/web/stats/messages_sent"
		sleep 0.1
	done
	wait $pid
	out=$(tail -n 1 "$tmp/top")
	is "$(at "$out" '[i["messages_per_second"] > 0 for i in d["instances"]]')" '[False, True]'
}

top_json_is_a_line_for_each_interval()
{
	json top --json -n 3 -d 0.1 && is "$(wc -l < "$tmp/json")" 3
}

top_survives_an_instance_that_goes()
{
	mkctl top -n 4 -d 0.3 > "$tmp/top" & pid=$!
	sleep 0.4
	rm -r "$MKCTL_ROOT/instances/db"
	wait $pid || fail "status $?" || return
	hasnt "$(tail -n 4 "$tmp/top")" '^d db'
}

top_refuses_nonsense()
{
	has "$(exits 2 top -d 0.01)" '0.1 seconds at least' &&
		has "$(exits 2 top -d soon)" 'not a number that fits here: soon' &&
		has "$(exits 2 top -n 0)" 'not a number that fits here: 0'
}

top_on_a_screen()
{
	command -v tmux > /dev/null || exit 4
	"$here/top.sh"
}

# --- events -------------------------------------------------------------------

events_counts()
{
	json events --json || return
	has "$(mkctl events)" '^web  *2  *1  *1  *0  *0  *3  *9$' &&
		is "$(mkctl events db | wc -l)" 2 &&
		has "$(exits 1 events nobody)" 'no such instance' &&
		has "$(exits 1 events nobody)" 'mkctl ps' &&
		has "$(exits 1 events -f nobody)" 'no such instance' &&
		has "$(exits 1 events ../pool)" 'cannot be the name'
}

# seen PATTERN: within two minutes
seen()
{
	i=0
	until grep -q -e "$1" "$tmp/follow"; do
		i=$((i + 1))
		[ $i -lt 1200 ] || { fail "never seen: $1: $(cat "$tmp/follow")"; return; }
		sleep 0.1
	done
}

# Nothing is said at the beginning, so one change is made until it is seen.
follow_is_up()
{
	i=0
	until [ -s "$tmp/follow" ]; do
		i=$((i + 1))
		[ $i -lt 1200 ] || { fail 'events -f says nothing'; return; }
		echo "state$i" > "$MKCTL_ROOT/instances/web/state"
		sleep 0.2
	done
}

events_f_tells_of_changes()
{
	mkctl events -f > "$tmp/follow" 2>&1 & pid=$!
	follow_is_up
	# It is read when the state has changed
	echo 'hung: CPU 4 takes no timer interrupt' > "$MKCTL_ROOT/instances/web/reason"
	echo hung > "$MKCTL_ROOT/instances/web/state"
	seen 'web: .* -> hung (hung: CPU 4 takes no timer interrupt)$'
	ok=$?
	cp -r "$MKCTL_ROOT/instances/db" "$tmp/new"
	mv "$tmp/new" "$MKCTL_ROOT/instances/new"
	seen 'new: - -> crashed (panic: out of luck)$' || ok=1
	rm -r "$MKCTL_ROOT/instances/new"
	seen 'new: crashed -> -$' || ok=1
	echo 'state_changes 15' > "$MKCTL_ROOT/instances/db/events"
	seen 'db: crashed -> crashed .*, 5 more in between$' || ok=1
	kill $pid
	wait $pid
	return $ok
}

events_f_of_one_says_nothing_of_others()
{
	mkctl events -f web --json > "$tmp/follow" 2>&1 & pid=$!
	follow_is_up
	echo hung > "$MKCTL_ROOT/instances/db/state"
	echo loaded > "$MKCTL_ROOT/instances/web/state"
	seen '"new": "loaded"'
	ok=$?
	kill $pid
	wait $pid
	hasnt "$(cat "$tmp/follow")" '"db"' || return
	python3 -m json.tool --json-lines < "$tmp/follow" > /dev/null && return $ok
}

# --- check --------------------------------------------------------------------

# What this machine has of its own is left out: root, kexec and vsock.
check_has_a_line_for_each()
{
	json check --json
	out=$(mkctl check)
	has "$out" '^ok  *role  *this kernel is no instance$' &&
		has "$out" '^ok  *kernel ' && has "$out" '^ok  *mount ' &&
		has "$out" '^ok  *hotplug  *7 CPUs can go offline$' &&
		has "$out" '^ok  *cpus  *the host could give CPUs 1-3$' &&
		has "$out" '^ok  *memory  *the host could give 1.4G$' &&
		has "$out" '^warning  *quarantine ' &&
		has "$out" '^ok  *lockdown  *not locked down$' &&
		has "$out" '^ok  *clock ' && has "$out" '^ok  *hypervisor '
}

check_says_what_is_missing()
{
	echo 'nodev	sysfs' > "$MKCTL_PROC/filesystems"
	echo 'flags		: fpu tsc apic lm hypervisor' > "$MKCTL_PROC/cpuinfo"
	echo 1 > "$MKCTL_PROC/sys/kernel/kexec_load_disabled"
	echo 'none [integrity] confidentiality' > "$MKCTL_SYSFS/kernel/security/lockdown"
	echo hpet > "$MKCTL_SYSFS/devices/system/clocksource/clocksource0/current_clocksource"
	echo hpet > "$MKCTL_SYSFS/devices/system/clocksource/clocksource0/available_clocksource"
	mkdir -p "$MKCTL_SYSFS/kernel/debug/multikernel"
	echo 'host 0 1' > "$MKCTL_SYSFS/kernel/debug/multikernel/peers"
	rm -f "$MKCTL_SYSFS"/devices/system/cpu/cpu*/online
	out=$(exits 1 check)
	has "$out" '^missing  *kernel .*CONFIG_MULTIKERNEL=y' || return
	mkdir -p "$MKCTL_SYSFS/module/multikernel"
	has "$(exits 1 check)" '^missing  *kernel .*dmesg | grep multikernel:' &&
		has "$out" '^missing  *role .*is an instance itself. Run it in the host' &&
		has "$out" '^missing  *processor .*lack nx' &&
		has "$out" '^missing  *kexec .*kexec_load_disabled is 1' &&
		has "$out" '^missing  *hotplug .*no CPU can go offline' &&
		has "$out" '^warning  *lockdown .*must be signed' &&
		has "$out" '^warning  *clock ' &&
		has "$out" '^note  *hypervisor ' &&
		has "$out" 'not fit'
}

check_works_without_the_filesystem()
{
	out=$(MKCTL_ROOT=$tmp/nowhere exits 1 check)
	has "$out" '^missing  *mount .*mount -t multikernel none' &&
		has "$out" '^note  *cpus  *unknown'
}

# --- dump, ping, bench ----------------------------------------------------------

dump_copies_with_holes()
{
	core=$MKCTL_ROOT/instances/db/vmcore
	truncate -s 64M "$core"
	printf 'end' | dd of="$core" bs=1 seek=33333333 conv=notrunc 2> /dev/null
	umask 000
	exits 0 dump db "$tmp/core" && cmp "$tmp/core" "$core" || return
	is "$(stat -c %a "$tmp/core")" 600 || return
	[ "$(du -k "$tmp/core" | cut -f 1)" -lt 1000 ] || fail 'there are no holes' || return
	mkctl dump db - | cmp - "$core"
}

dump_says_why_not()
{
	has "$(exits 1 dump web "$tmp/none")" 'there is no file vmcore' &&
		has "$(exits 1 dump nobody "$tmp/none")" 'no such instance' || return
	[ ! -e "$tmp/none" ] || fail 'a file is left' || return
	: > "$tmp/there"
	has "$(exits 1 dump db "$tmp/there")" 'is there already' &&
		has "$(exits 1 dump db /nowhere/core)" 'No such file or directory' &&
		has "$(exits 2 dump db)" 'something is missing' || return
	echo 'no core' > "$MKCTL_ROOT/instances/db/vmcore"
	has "$(exits 1 dump db "$tmp/none")" 'is no ELF core' || return
	[ ! -e "$tmp/none" ] || fail 'a file is left'
}

# Nobody waits until 64 GiB are read.
dump_leaves_nothing_when_it_is_ended()
{
	rm "$MKCTL_ROOT/instances/db/vmcore"
	truncate -s 64G "$MKCTL_ROOT/instances/db/vmcore"
	printf '\177ELF' | dd of="$MKCTL_ROOT/instances/db/vmcore" conv=notrunc 2> /dev/null
	for signal in INT TERM HUP; do
		env --default-signal=INT mkctl dump db "$tmp/core" & pid=$!
		i=0
		until [ -e "$tmp/core" ] || [ $i = 2400 ]; do
			i=$((i + 1))
			sleep 0.05
		done
		kill -s $signal $pid
		wait $pid
		[ $? -gt 128 ] || fail "SIG$signal did not end it" || return
		[ ! -e "$tmp/core" ] || fail "SIG$signal: a file is left" || return
	done
}

dump_says_that_the_disk_is_full()
{
	has "$(mkctl dump db - 2>&1 > /dev/full)" 'No space left on device'
}

ping_json()
{
	# A file takes any number, and does not answer
	json ping web --json && has "$(cat "$tmp/json")" '"median_ns": '
}

bench_says_what_was_measured()
{
	json bench web --json -c 50 || return
	is "$(at "$(cat "$tmp/json")" '[r["id"] for r in d["results"]]')" \
		"['instance', 'futex', 'pipe', 'getppid']" || return
	out=$(exits 1 bench web -c 50)
	has "$out" '^THERE AND BACK  *ROUNDS  *MIN  *MEDIAN  *MAX  *RATIO$' &&
		has "$out" '^two processes, futex, CPU [0-9]* and [0-9]*  *50 ' &&
		has "$out" '^message: the host' &&
		has "$(exits 1 bench nobody)" 'no such instance' &&
		has "$(exits 2 bench web -c 1000001)" '1000000 at most'
}

# --- exec -----------------------------------------------------------------------

# What cannot be is found before anyone is asked; what can be finds no agent here.
exec_refuses_nonsense()
{
	long=$(head -c 40000 /dev/zero | tr '\0' x)
	# shellcheck disable=SC2046 # words are wanted
	has "$(exits 125 exec -e '' web true)" '-e wants NAME=VALUE or NAME' &&
		has "$(exits 125 exec -e =x web true)" '-e wants NAME=VALUE or NAME: =x' &&
		has "$(exits 125 exec web -e)" 'requires an argument' &&
		has "$(exits 125 exec -w tmp web true)" 'begins with a slash: tmp' &&
		has "$(exits 125 exec $(seq 1025 | sed 's/.*/-e V&=/') web true)" \
			'1024 variables at most' &&
		has "$(exits 125 exec web true $(seq 1024))" '1024 words at most' &&
		has "$(exits 125 exec -e "A=$long" web true)" 'too long: .* 32748 bytes' &&
		has "$(A=$long exits 125 exec -e A web true)" 'too long' &&
		has "$(exits 125 exec web "$long")" 'too long' &&
		hasnt "$(exits 125 exec -e A=1 -e B --env C= -w / --timeout 0 web true)" 'usage\|too long\|at most'
}

requests_for_commands_are_answered()
{
	frames "${FUZZ_RUNS:-2000}" "${FUZZ_SEED:-1}" 2> "$tmp/err" ||
		fail "seed ${FUZZ_SEED:-1}: $(cat "$tmp/err")"
}

# --- update -----------------------------------------------------------------------

# updates STATUS NAME ARGUMENT...: by a kernel that is there
updates()
{
	status=$1 name=$2
	shift 2
	exits "$status" update "$name" --kernel "$tmp/kernel" --cpus 2 "$@"
}

# What the kernel refuses is for selftests: here is nothing but what mkctl itself finds.
update_refuses_nonsense()
{
	: > "$tmp/kernel"
	has "$(exits 2 update)" 'something is missing' &&
		has "$(exits 2 update web --kernel "$tmp/kernel")" '--kernel and --cpus are needed' &&
		has "$(exits 2 update web --cpus 2)" '--kernel and --cpus are needed' &&
		has "$(updates 2 web db)" 'one word too many: db' &&
		has "$(updates 1 nobody)" 'no such instance' &&
		has "$(updates 1 db)" 'it is crashed' &&
		has "$(updates 1 web --kernel /no/kernel)" '/no/kernel: No such file' &&
		has "$(updates 1 web --initrd /no/initrd)" '/no/initrd: No such file' &&
		has "$(updates 1 web --as db)" 'create db: File exists' &&
		has "$(updates 1 web --as web)" 'create web: File exists' &&
		has "$(updates 1 web --as ../db)" 'cannot be the name' || return
	rm "$MKCTL_ROOT/instances/web/successor"
	has "$(updates 1 web)" "the kernel of this host can't" || return
	is "$(ls "$MKCTL_ROOT/instances" | paste -s -d ' ')" 'db web'
}

# --- units ----------------------------------------------------------------------

# verify: what systemd says of the units in $tmp/root, where mkctl is what there is
verify()
{
	systemd-analyze verify --root="$tmp/root" --man=no --recursive-errors=no \
		multikernel@web.service sys-fs-multikernel.mount 2>&1
}

# units [EXPRESSION FILE]: as they are installed, one of them changed by sed
units()
{
	dir=$tmp/root/usr/lib/systemd/system
	rm -rf "$tmp/root"
	mkdir -p "$dir" "$tmp/root/usr/sbin"
	cp "$build/mkctl" "$tmp/root/usr/sbin"
	cp "$here/../multikernel@.service" "$here/../sys-fs-multikernel.mount" "$dir"
	[ $# = 0 ] || sed -i "$1" "$dir/$2"
}

# refuses PATTERN EXPRESSION FILE: a unit that is changed so is found wanting
refuses()
{
	units "$2" "$3"
	out=$(verify)
	has "$out" "$1"
}

systemd_accepts_the_units()
{
	command -v systemd-analyze > /dev/null || exit 4
	units
	out=$(verify) || fail "status $?: $out" || return
	is "$out" '' || return
	refuses 'mkctl' 's,/usr/sbin/mkctl,/no/mkctl,' multikernel@.service &&
		refuses 'Unknown key' 's/^RestartSec/RestartSecs/' multikernel@.service &&
		refuses 'restart' 's/^Restart=.*/Restart=sometimes/' multikernel@.service &&
		refuses 'Where=' 's/^Where=.*/Where=\/sys\/fs\/other/' sys-fs-multikernel.mount
}

# --- all ------------------------------------------------------------------------

the_others_print_json()
{
	json ps --json && json inspect web --json
}

nothing_that_a_terminal_obeys()
{
	printf 'panic: \033[2J\302\233mq\377\001\n' > "$MKCTL_ROOT/instances/db/reason"
	out=$(mkctl ps; mkctl inspect db; mkctl ps --json)
	is "$(printf '%s' "$out" | tr -d '\n\t -~')" '' &&
		has "$out" 'panic: ?\[2J??mq??'
}

completion_knows_commands_options_and_names()
{
	cat > "$tmp/complete" <<'END'
. "$1"
t() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mkctl; echo "${COMPREPLY[*]}"; }
t mkctl ma
t mkctl inspect w
t mkctl wait web crashed,run
t mkctl events --f
t mkctl map --j
t mkctl exec -w /tmp -e A = 1 w
t mkctl exec -e MKCTL_PR
t mkctl exec -
t mkctl run --ini
t mkctl upd
t mkctl update --cpus 2 w
t mkctl update web --me
END
	is "$(bash "$tmp/complete" "$here/../mkctl.bash-completion" 2>&1 | paste -s -d ' ')" \
		'map web crashed,running  --json web MKCTL_PROC -i -t -w -e --help --initrd update web --memory'
}

what_is_damaged_is_survived()
{
	fuzz "$tmp/m" "${FUZZ_RUNS:-2000}" "${FUZZ_SEED:-1}" 2> "$tmp/err" ||
		fail "seed ${FUZZ_SEED:-1}: $(cat "$tmp/err")"
}

# A test that cannot be run here ends with 4, as those of kselftest do.
run()
{
	"$here/fake-tree.sh" "$tmp/m" || exit 1
	rm -f "$tmp/core" "$tmp/follow" "$tmp/none"
	( "$1" ) > "$tmp/out" 2>&1
	case $? in
	0) word=ok passed=$((passed + 1)) ;;
	4) word=skipped skipped=$((skipped + 1)) ;;
	*) word=FAILED failed=$((failed + 1)) ;;
	esac
	printf '%-7s %s\n' $word "$(printf '%s' "$1" | tr _ ' ')"
	[ $word != FAILED ] || cat "$tmp/out"
}

for t in \
	map_is_as_wide_as_wanted \
	map_tells_owners_apart_by_letters \
	map_is_ascii_without_utf8_and_has_lines_with_it \
	map_has_colours_only_when_wanted \
	map_json_has_it_all \
	map_of_a_large_machine \
	map_without_nodes \
	each_instance_has_a_letter_of_its_own \
	map_refuses_nonsense \
	top_prints_blocks_without_a_terminal \
	top_shows_what_passes \
	top_json_is_a_line_for_each_interval \
	top_survives_an_instance_that_goes \
	top_refuses_nonsense \
	top_on_a_screen \
	events_counts \
	events_f_tells_of_changes \
	events_f_of_one_says_nothing_of_others \
	check_has_a_line_for_each \
	check_says_what_is_missing \
	check_works_without_the_filesystem \
	dump_copies_with_holes \
	dump_says_why_not \
	dump_leaves_nothing_when_it_is_ended \
	dump_says_that_the_disk_is_full \
	ping_json \
	bench_says_what_was_measured \
	exec_refuses_nonsense \
	requests_for_commands_are_answered \
	update_refuses_nonsense \
	systemd_accepts_the_units \
	the_others_print_json \
	nothing_that_a_terminal_obeys \
	completion_knows_commands_options_and_names \
	what_is_damaged_is_survived
do
	run "$t"
done
printf '%s passed, %s failed, %s skipped\n' $passed $failed $skipped
[ $failed = 0 ]
