# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts in dev/ share: where things are, how to fail, how to call
# git without the user's configuration. Sourced, never run.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$TOP/build
TREE=$BUILD/linux
PATCHES=$TOP/patches

# Commits of the series carry no person and no moment, so that a patch file
# changes only when its content does.
MK_NAME='multikernel contributors'
MK_EMAIL='contributors@multikernel.invalid'
MK_DATE='2026-01-01T00:00:00+0000'

# A commit made here never depends on the user's git configuration.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_COMMITTER_NAME=$MK_NAME GIT_COMMITTER_EMAIL=$MK_EMAIL
export GIT_COMMITTER_DATE=$MK_DATE
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

# Nor is a make started here told things by the make that started us.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

say()
{
	printf '%s\n' "$*"
}

# tgit: git on the kernel tree. rgit: git on this repository.
tgit() { git -c safe.directory='*' -c gc.auto=0 -C "$TREE" "$@"; }
rgit() { git -c safe.directory='*' -C "$TOP" "$@"; }

# The stems of the series, in order.
stems()
{
	[ -f "$PATCHES/series" ] || return 0
	sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$PATCHES/series"
}

# The stems that have a patch, in order; each is one commit of the tree.
patch_stems()
{
	local s

	for s in $(stems); do
		if [ -f "$PATCHES/$s.patch" ]; then
			printf '%s\n' "$s"
		elif [ ! -f "$PATCHES/$s.files" ]; then
			die "patches/series names '$s', but there is neither patches/$s.patch nor patches/$s.files"
		fi
	done
}

# A checksum that changes when the patches of the tree do.
series_sum()
{
	local s list

	list=$(patch_stems)
	for s in $list; do
		sha256sum < "$PATCHES/$s.patch"
	done | sha256sum | cut -d' ' -f1
}

# The files of this repository that are new files of a kernel tree.
new_files()
{
	rgit ls-files -co --exclude-standard -- . \
		':!dev' ':!patches' ':!build' ':!.ci' ':!/.gitignore' \
		':!/README*' ':!/Makefile' ':!/COPYING' |
	while IFS= read -r f; do
		[ ! -f "$TOP/$f" ] || printf '%s\n' "$f"
	done | LC_ALL=C sort -u
}

need_tree()
{
	[ -e "$TREE/.git" ] || die "there is no kernel tree in build/linux; run 'make tree' first"
}

# An index and a HEAD without files, so that commits can be made while the
# kernel tree, and the times of its files, stay as they are: git am takes
# from the index what it does not find on disk.
# $1: the commit to start from. Sets $side; removed when the script ends.
side_tree()
{
	side=$(mktemp -d "$BUILD/side.XXXXXX")
	trap 'side_remove' EXIT
	tgit worktree add -q --no-checkout --detach --force "$side" "$1"
	sgit read-tree HEAD
}

sgit() { git -c safe.directory='*' -c gc.auto=0 -c core.hooksPath=/dev/null -C "$side" "$@"; }

side_remove()
{
	rm -rf "$side" "$side.patch"
	tgit worktree prune
}

# A commit as a patch file, in a form that changes only with its content:
# no number, no stat, only the line that ends the message.
format_patch()
{
	tgit format-patch -1 --stdout --zero-commit --no-signature -N --no-stat \
		--abbrev=12 --no-renames --diff-algorithm=histogram "$1" |
		sed '0,/^diff --git /s/^diff --git /---\n&/'
}
