#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# top.sh: what a person sees of mkctl top, in terminals of tmux. mkctl is on the PATH, and
# the environment leads it to what fake-tree.sh has made. SHOW=1 prints the screens.
set -u

export LC_ALL=C.UTF-8
count=0 server=
trap 'mux kill-server 2> /dev/null' EXIT
trap 'exit 1' INT TERM

mux()
{
	tmux -L "$server" -f /dev/null "$@"
}

screen()
{
	mux capture-pane -p
}

# Begins top in a shell in a terminal of this size; the shell is there when top ends.
begin()
{
	[ $count = 0 ] || mux kill-server 2> /dev/null
	# A server of its own: the one before may still be on its way out
	count=$((count + 1))
	server=mkctl-test.$$.$count
	mux new-session -d -x "$1" -y "$2" 'PS1="shell: " TERM=screen sh'
	shows '^shell:' || return
	mux send-keys "stty -a > '$MKCTL_ROOT/before'; echo in front; mkctl top -d 0.2" Enter
	shows 'NAME.*STATE' || return
	[ -z "${SHOW:-}" ] || { echo "--- $1x$2"; screen; }
}

# shows PATTERN: within two minutes
shows()
{
	i=0
	until screen 2> /dev/null | grep -q -e "$1"; do
		i=$((i + 1))
		if [ $i = 1200 ]; then
			echo "nothing like '$1' on the screen:"
			screen
			return 1
		fi
		sleep 0.1
	done
}

# The shell has its terminal again: as it was, with the text from before.
ended()
{
	shows '^in front' || return
	mux send-keys "stty -a | cmp - '$MKCTL_ROOT/before' && echo as be''fore" Enter
	shows 'as before$' || return
	[ "$(mux display-message -p '#{alternate_on}#{cursor_flag}')" = 01 ] && return
	echo 'the other screen is still there, or the cursor is not'
	return 1
}

# Nothing is wider or higher than the terminal, which would wrap or scroll
is_whole()
{
	shows "^[0-9:]*  8 CPUs, 4G, 2 instances" && shows '^CPU 0  *H\.\.\.wwdX' &&
		shows '^Node 1  *2G H*\.*w*d*X*$' && shows '^w web  *running  *2  *640M'
}

begin 40 15 && is_whole && shows 'MSG/S$' && mux send-keys q && ended || exit 1

begin 100 30 && is_whole && shows 'BYTES/S BELLS/S   FULL$' && shows 'q quits$' || exit 1
mux resize-window -x 50 -y 6
shows '^(3 more lines)$' && shows '^[0-9:]*  8 CPUs' || exit 1
mux resize-window -x 100 -y 30
is_whole && shows 'BELLS/S   FULL$' || exit 1
mux send-keys C-c
ended || exit 1

begin 80 24 && mux send-keys C-z && shows '^in front' || exit 1
mux send-keys 'fg' Enter
is_whole && mux send-keys Q && ended || exit 1

begin 80 24 || exit 1
mux send-keys C-z
shows '^in front' || exit 1
mux send-keys 'bg; sleep 1; kill %1' Enter
ended
