#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The demo, run in the host kernel: one Linux starts another beside itself,
# talks to it, sees it panic, starts it again and takes everything back.
#
# Whatever is printed behind a "$" line is what that command has just said.
# Each step checks that what it claims has come true; the first one that
# does not ends the demo with a status other than 0.

KERNEL=/boot/bzImage
INITRD=/boot/initramfs.cpio.gz
LIMIT=90			# seconds that any single wait may take
TMP=/tmp/demo.$$

heading()
{
	printf '\n== %s\n\n' "$*"
}

die()
{
	printf '\nThe demo has failed: %s\n' "$*"
	mkctl ps 2>&1
	echo "--- the last words of the instance"
	mkctl logs web 2> /dev/null | tr -d '\r' | tail -n 15
	exit 1
}

# What is typed, then what it prints. Dies if it fails.
must()
{
	local status

	printf '$ %s\n' "$1"
	{ sh -c "$1" 2>&1; echo $? > "$TMP/status"; } | tr -d '\r' | sed 's/^/  /'
	status=$(cat "$TMP/status")
	[ "$status" = 0 ] || die "'$1' ended with status $status"
}

# Hundredths of seconds since this kernel was started.
now()
{
	local up

	up=$(cut -d' ' -f1 /proc/uptime)
	echo $((${up%.*} * 100 + 1${up#*.} - 100))
}

# Hundredths as seconds with one decimal.
seconds()
{
	local tenths=$((($1 + 5) / 10))

	echo "$((tenths / 10)).$((tenths % 10))"
}

# As lib.sh of the selftests has it: with what lies on the lists of the CPUs, which are
# emptied when a CPU goes
mem_free()
{
	sync
	[ ! -w /proc/sys/vm/drop_caches ] || echo 3 > /proc/sys/vm/drop_caches
	awk '/^ *nr_free_pages / { n += $2 } / count: / { n += $2 } END { print 4 * n }' /proc/zoneinfo
}

# A shell that reads this prints a line for each question, between two marks
# with a number. They are put together there, so that no echo has them.
look()
{
	sed "s/NUMBER/$1/" <<'END'
stty -echo 2> /dev/null; PS1= PS2=
{ echo "MK""BEGIN NUMBER"
uname -sr
nproc
cut -d. -f1 /proc/uptime
sed -n "s/^MemTotal: *\([0-9]*\) kB/\1/p" /proc/meminfo
date -u +%T
echo "MK""END NUMBER"; }
END
}

# answer FILE NUMBER: what is between its marks, without kernel messages
answer()
{
	tr -d '\r' < "$1" | grep -v '^\[ *[0-9]*\.[0-9]*\]' |
		sed -e "/MKBEGIN $2\$/,/MKEND $2\$/!d" \
			-e '/MKBEGIN/d' -e '/MKEND/d'
}

# Types the questions at the console of web until its shell answers.
ask_web()
{
	local end=$(($(now) + LIMIT * 100)) n

	while [ "$(now)" -lt $end ]; do
		n=$(now)
		look "$n" |
			mkctl console web --new --until "MKEND $n" --timeout 10 \
				> "$TMP/answer" 2>&1 &&
			[ "$(answer "$TMP/answer" "$n" | wc -l)" = 5 ] && {
			answer "$TMP/answer" "$n" > "$TMP/there"
			return
		}
		mkctl wait web running --timeout 0 > /dev/null 2>&1 || break
	done
	die 'the shell of web does not answer'
}

row()
{
	printf '  %-22s %-22s %s\n' "$1" "$2" "$3"
}

side_by_side()
{
	look 0 > "$TMP/look"
	# So that what is measured next is not the wait for the shell to come up
	ask_web
	mkctl console web --new --until "MKEND 0" --timeout "$LIMIT" \
		< "$TMP/look" > "$TMP/answer" 2>&1 &
	sh "$TMP/look" < /dev/null > "$TMP/here"
	wait $! || die 'web does not answer'
	answer "$TMP/answer" 0 > "$TMP/there"
	answer "$TMP/here" 0 > "$TMP/host"
	{ read -r version; read -r cpus; read -r up; read -r mem; read -r time; } \
		< "$TMP/there"
	{ read -r hversion; read -r hcpus; read -r hup; read -r hmem; read -r htime; } \
		< "$TMP/host"
	row '' 'this kernel' web
	row 'version' "$hversion" "$version"
	row 'CPUs' "$hcpus" "$cpus"
	row 'uptime' "$hup s" "$up s"
	row 'memory' "$((hmem / 1024)) MiB" "$((mem / 1024)) MiB"
	row '  of that lent' "$(cat /sys/fs/multikernel/instances/web/memory)" '-'
	row 'time of day (UTC)' "$htime" "$time"
	[ "$cpus" = 2 ] || die "web has $cpus CPUs"
	[ "$up" -lt "$hup" ] || die 'web is not younger than this kernel'
	[ "$mem" -le 524288 ] || die 'web has more memory than it was given'
}

start_web()
{
	local begin

	begin=$(now)
	must 'mkctl start web --wait'
	took=$(($(now) - begin))
}

[ -d /sys/fs/multikernel/instances ] || {
	echo 'This kernel has no /sys/fs/multikernel.'
	exit 1
}
mkdir -p "$TMP" || exit 1
trap 'rm -rf "$TMP"' EXIT
count=$(nproc)
[ "$count" -ge 3 ] || die 'three CPUs are needed at least'
give=$((count - 2))-$((count - 1))

heading '1. The machine before: one Linux has all of it'
must 'uname -sr'
must 'cat /sys/devices/system/cpu/online'
must "grep -E 'MemTotal|MemFree' /proc/meminfo"
online=$(cat /sys/devices/system/cpu/online)
free=$(mem_free)

heading "2. It gives away CPUs $give and 512 MiB, to an instance named web"
must "mkctl create web --cpus $give --memory 512M"
must 'mkctl ps'
must 'cat /sys/devices/system/cpu/online'
must "grep -E 'MemFree' /proc/meminfo"
[ "$(nproc)" = $((count - 2)) ] || die 'the CPUs have not left this kernel'
given=$((free - $(mem_free)))
# 512 MiB are 524288 kB; what a boot leaves behind may still be coming back
[ $given -gt 450000 ] || die 'the memory has not left this kernel'

heading '3. A second Linux is started there: the image of this very kernel'
must "mkctl load web --initrd $INITRD $KERNEL"
start_web
first=$took
must 'mkctl ps'
must 'mkctl map --width 76'
must 'mkctl logs web | head -n 2 | cut -c 1-76'

heading '4. Two kernels at the same moment: the same questions to both'
echo '  One script is run here, and typed into the console of web.'
side_by_side
echo
echo '  A command in it, by its agent:'
must 'mkctl exec web -- uptime'

heading '5. They send each other messages'
must 'mkctl ping web -c 1000'
median=$(sed -n 's/^median_ns //p' /sys/fs/multikernel/instances/web/nop)

heading '6. The second kernel panics'
before=$(now)
must 'echo "echo c > /proc/sysrq-trigger" | mkctl console web --new --timeout 30 | grep -a -E "Kernel panic|end Kernel"'
must "mkctl wait web crashed --timeout $LIMIT"
must 'mkctl ps'
mkctl ps | grep -q 'crashed.*panic: ' || die 'no reason is told'
echo
echo '  And this kernel? Its clock goes on, and it does its work:'
must 'cat /proc/uptime'
[ "$(now)" -gt "$before" ] || die 'the clock of this kernel stands still'

heading '7. It is started again, from what this kernel has kept of the image'
must "rm $KERNEL $INITRD"
start_web
again=$took
ask_web
up=$(sed -n 3p "$TMP/there")
printf '  web is up again, for %s s\n' "$up"
must 'mkctl ps'

heading '8. It shuts down in order, and everything returns'
must 'mkctl stop web'
must 'mkctl ps'
must 'mkctl rm web'
must 'cat /sys/devices/system/cpu/online'
must "grep -E 'MemTotal|MemFree' /proc/meminfo"
[ "$(cat /sys/devices/system/cpu/online)" = "$online" ] ||
	die "CPUs $online were online before"
# 4 MiB are what a Linux moves about by itself in the meantime
back=$(mem_free)
[ "$back" -ge $((free - 4096)) ] ||
	die "$free kB were free before, $back kB are now"

heading 'What you have seen'
cat <<END
  A running Linux gave two of its $count CPUs and 512 MiB of its memory away and
  started a second, complete Linux there. No hypervisor is involved: each
  kernel runs on CPUs and memory of its own.

  From 'start' to the second kernel's first message:  $(seconds "$first") s
  There and back for a message between them (median): $((median / 1000)) us
  From 'start' to running again after its panic:      $(seconds "$again") s

  When it panicked, it ended alone, and said why. Then it was started again
  without any file, shut down, and removed: CPUs $online are online
  as before, and $((back / 1024)) MiB are free ($((free / 1024)) MiB before).

  Try it yourself: 'make shell', then 'mkctl help'.
END
