#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The tutorial, Documentation/multikernel/tutorial.rst: each block of commands is a test.
# It is run as it stands there, after those before it, and what it prints is what the
# document says. How blocks are marked stands at the head of the document.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

export MK_KEEP=1
TUTORIAL=$MK_DIR/tutorial.rst
[ -e "$TUTORIAL" ] || TUTORIAL=$MK_DIR/../../../../Documentation/multikernel/tutorial.rst
BLOCKS=$MK_TMP/blocks

# Takes the document apart: for the block N there are N.sh, its commands, and, if they
# are wanted, N.shown, N.expect and N.status; "names" has all names. Prints what is wrong.
take_apart()
{
	awk -v dir="$BLOCKS" '
		function wrong(why) {
			print "line " NR ": " why
			failed = 1
			exit 1
		}
		function keep(kind, text) {
			if (!n)
				wrong("there is no block before it")
			print text > (dir "/" n "." kind)
		}
		to != "" && /^ / {
			if (!indent)
				indent = match($0, /[^ ]/)
			keep(to, substr($0, indent))
			next
		}
		/^$/ { next }
		{ to = ""; indent = 0 }
		/^\.\. test: / {
			name = substr($0, 10)
			if (name !~ /^[A-Za-z][A-Za-z ]*$/ || name in seen)
				wrong("no name, or not its first use: " name)
			seen[name] = 1
			next
		}
		/^\.\. expect: / { keep("expect", substr($0, 12)); next }
		/^\.\. status: / { keep("status", substr($0, 12)); next }
		/^\.\. code-block:: sh$/ {
			if (name == "")
				wrong("a block of commands without a name")
			n++
			print name > (dir "/names")
			name = ""
			to = "sh"
			next
		}
		name != "" { wrong("no block of commands behind the name " name) }
		/^\.\. code-block:: text$/ { to = "shown" }
		END {
			if (!n && !failed)
				print "there are no blocks"
		}' "$TUTORIAL"
}

the_document_can_be_taken_apart()
{
	is "$WRONG" '' "$TUTORIAL"
}

# shows SHOWN OUTPUT: all lines of the first are in the second, in their order. Prints
# the first one that is not.
shows()
{
	awk -v shown="$1" '
		function pattern(s,   i, c, out) {
			for (i = 1; i <= length(s); i++) {
				c = substr(s, i, 1)
				if (substr(s, i, 3) == "...") {
					out = out ".*"
					i += 2
				} else if (c == " ") {
					while (substr(s, i + 1, 1) == " ")
						i++
					out = out " +"
				} else if (index("\\.[]^$*+?(){}|", c)) {
					out = out "\\" c
				} else {
					out = out c
				}
			}
			return "^" out " *$"
		}
		function next_line() {
			more = (getline text < shown) > 0
			if (more)
				want = pattern(text)
		}
		BEGIN { next_line() }
		more && $0 ~ want { next_line() }
		END {
			if (!more)
				exit 0
			print text
			exit 1
		}' "$2"
}

# What a shell needs that goes on where the last one ended: variables and directory.
script()
{
	cat <<-EOF
		cd "\$(cat $BLOCKS/cwd)"
		set -a
		[ ! -e $BLOCKS/variables ] || . $BLOCKS/variables
		trap 'export -p > $BLOCKS/variables; pwd > $BLOCKS/cwd' EXIT
		set -e
	EOF
	cat "$1"
}

judge()
{
	local want=0 line

	[ ! -e "$1.status" ] || read -r want < "$1.status"
	is "$2" "$want" 'the status of the block' || return 1
	if [ -e "$1.shown" ] && ! line=$(shows "$1.shown" "$1.out"); then
		note "this is not there, or not in this place: $line"
		return 1
	fi
	[ -e "$1.expect" ] || return 0
	while IFS= read -r line; do
		has "$(cat "$1.out")" "$line" 'what it has printed' || return 1
	done < "$1.expect"
}

# What comes behind a block that has failed would wait for what can't come.
block()
{
	local b="$BLOCKS/$1" got=0

	if [ -e "$BLOCKS/failed" ]; then
		note 'not run, because a block before it has failed'
		return 1
	fi
	script "$b.sh" > "$b.run"
	timeout "$MK_LIMIT" sh "$b.run" > "$b.raw" 2>&1 < /dev/null || got=$?
	tr -d '\r' < "$b.raw" > "$b.out"
	judge "$b" $got && return
	: > "$BLOCKS/failed"
	note 'the block:'
	note "$(cat "$b.sh")"
	note 'what it has printed:'
	note "$(cat "$b.out")"
	return 1
}

if [ "$(cat "$MK_CPUS/online")" != 0-3 ]; then
	ktap_print_header
	ktap_skip_all 'the tutorial is for a machine with the CPUs 0 to 3'
	exit "$KSFT_SKIP"
fi

mkdir -p "$BLOCKS"
echo / > "$BLOCKS/cwd"
WRONG=$(take_apart 2>&1) || WRONG=${WRONG:-awk has failed}

set -- the_document_can_be_taken_apart
n=0
[ -n "$WRONG" ] || while IFS= read -r title; do
	n=$((n + 1))
	name=$(printf '%s' "$title" | tr ' ' _)
	eval "$name() { block $n; }"
	set -- "$@" "$name"
done < "$BLOCKS/names"

mk_main "$@"
