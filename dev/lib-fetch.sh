# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Programs of the distribution's packages for the guest: in a directory, the programs in
# bin/ and the libraries that they load in lib/. apt downloads and verifies the packages;
# none is installed. To be sourced behind lib.sh by what sets
#
#   DEST      the directory
#   what      one word for what is said
#   packages  names of packages
#   programs  paths in them, those that are there are taken
#   opened    patterns of libraries that are opened by name, if any

# Where there is nothing to be had, that is said, and the status is 3.
none()
{
	say "  $(printf '%-8s' "$what") none: $*" >&2
	exit 3
}

fetch_download()
{
	local all

	command -v apt-get > /dev/null || none "this machine has no apt"
	# With the libraries that this machine does not have
	all=$(apt-get -s --no-install-recommends --reinstall install "${packages[@]}" 2> /dev/null |
		awk '$1 == "Inst" { print $2 }')
	[ -n "$all" ] || none "looked for ${packages[*]}, and apt does not know all of them"
	# shellcheck disable=SC2086 # words are wanted
	(cd "$DEST.new" && apt-get -q -o APT::Sandbox::User=root download $all) > "$BUILD/$what.log" 2>&1 ||
		none "apt-get download failed; build/$what.log says why"
}

# What ldd finds for these programs, and for what they open by name
fetch_libraries()
{
	local root=$1 dir p pattern more=()
	shift

	dir=$(find "$root" -name 'lib*.so*' -printf '%h\n' | sort -u | paste -s -d :)
	for pattern in "${opened[@]}"; do
		mapfile -t -O "${#more[@]}" more < <(find "$root" /usr/lib/x86_64-linux-gnu -name "$pattern")
	done
	[ ${#more[@]} -eq 0 ] || printf '%s\n' "${more[@]}"
	for p in "$@" "${more[@]}"; do
		LD_LIBRARY_PATH=$dir ldd "$p" | awk '$3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }'
	done
}

fetch_programs()
{
	local deb p found=()

	rm -rf "$DEST.new"
	mkdir -p "$DEST.new/root" "$DEST.new/bin" "$DEST.new/lib"
	fetch_download
	for deb in "$DEST.new"/*.deb; do
		dpkg-deb -x "$deb" "$DEST.new/root"
	done
	for p in "${programs[@]}"; do
		[ ! -f "$DEST.new/root/$p" ] || found+=("$DEST.new/root/$p")
	done
	cp "${found[@]}" "$DEST.new/bin"
	fetch_libraries "$DEST.new/root" "${found[@]}" |
		while read -r p; do
			cp -Ln "$p" "$DEST.new/lib"	# the first of a name
		done
	rm -rf "$DEST.new/root" "$DEST.new"/*.deb "$DEST"
	mv "$DEST.new" "$DEST"
	say "  $(printf '%-8s' "$what") ${packages[*]}"
}
