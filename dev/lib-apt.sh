# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Packages from other suites of the machine's own archive than the one it runs: apt downloads
# and verifies them under a configuration of its own, so that the machine's package lists and
# sources stay as they are. To be sourced behind lib.sh.

APT=$BUILD/apt
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# The addresses of the archive that has the suite $1, as this machine has them.
sources()
{
	local code=$1 f

	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ ! -f "$f" ] || sed -nE "s/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+)[[:space:]]+${code}[[:space:]].*/\2/p" "$f"
	done
	for f in /etc/apt/sources.list.d/*.sources; do
		[ ! -f "$f" ] || awk -v code="$code" '
			function flush(i, n, s) {
				n = split(suites, s, " ")
				for (i = 1; i <= n; i++)
					if (s[i] == code) {
						split(uris, u, " "); print u[1]
					}
				suites = uris = key = ""
			}
			/^[[:space:]]*$/ { flush(); next }
			/^#/ { next }
			/^[^[:space:]]+:/ { key = tolower($1); $1 = "" }
			key == "suites:" { suites = suites " " $0 }
			key == "uris:" { uris = uris " " $0 }
			END { flush() }' "$f"
	done
}

code_name() { (. /etc/os-release && echo "${VERSION_CODENAME:-}"); }

# The archive of this machine's own suite; nothing if its apt sources name none
archive() { sources "$(code_name)" | head -n1; }

# All suites that may be asked, this machine's own first
suites()
{
	local code

	code=$(code_name)
	printf '%s\n' "$code" "$code-backports" trixie trixie-backports forky forky-backports sid |
		awk '!seen[$0]++'
}

private_apt()
{
	local tool=$1
	shift
	"$tool" -o Dir::Etc::sourcelist="$APT/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$APT/lists" \
		-o Dir::Cache="$APT/cache" \
		-o Acquire::Languages=none -o Acquire::Retries=1 \
		-o APT::Sandbox::User=root "$@"
}

# use_suite SUITE: what private_apt knows from now on
use_suite()
{
	mkdir -p "$APT/lists/partial" "$APT/cache/archives/partial"
	echo "deb [signed-by=$KEYRING] $(archive) $1 main" > "$APT/sources.list"
	private_apt apt-get -qq update 2> "$APT/log"
}
