# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# For tests of kernels that know nothing of multikernel, as a distribution ships them. To be
# sourced behind lib.sh. STOCK is the bzImage.
#
# What reaches the host of such a kernel is nothing: it has no channel. So its init fills
# memory with words that are put together there, and the host looks for them in the memory
# that it has lent.

# What Documentation/multikernel/admin-guide.rst asks for.
PARAMS='pci=off noapic no_ipi_broadcast=1 tsc=reliable'

tsc_khz()
{
	sed -n 's/^cpu MHz[^0-9]*\([0-9]*\)\.\([0-9]*\)$/\1\2/p' /proc/cpuinfo | head -n 1
}

# An archive behind the initramfs: a kernel unpacks one after the other.
stock_initrd()
{
	mkdir -p "$MK_TMP/add"
	cat > "$MK_TMP/add/mark" <<'END'
#!/bin/sh
mount -t proc none /proc
read -r _ _ release _ < /proc/version
while :; do
	yes "up:$release" | tr ' -}' '!-~' | head -c 4194304 > /words
	sleep 0.2
done
END
	chmod 755 "$MK_TMP/add/mark"
	{
		cat "$MK_INITRD"
		(cd "$MK_TMP/add" && echo mark | cpio -o -H newc 2> /dev/null) | gzip
	} > "$MK_TMP/initrd"
}

# Its release, as the image's header has it: 0x20e points to it.
stock_release()
{
	local at

	at=$(od -A n -t u2 -j 526 -N 2 "$STOCK")
	dd if="$STOCK" bs=1 skip=$((at + 512)) count=64 2> /dev/null |
		tr '\000 ' '\n\n' | head -n 1
}

# marked TEXT: it is in the memory of the instance, each letter one further on
marked()
{
	[ "$(pages_with "$1" "$(get stock memory.map | cut -d' ' -f1)")" -gt 500 ]
}

# stock_boots CPU: returns when its init runs
stock_boots()
{
	local release

	release=$(stock_release)
	note "Linux $release"
	ok test -n "$release"
	ok test "$release" != "$(uname -r)"
	stock_initrd
	mk_create stock "$1" 384M
	refused -m 'without CONFIG_MULTIKERNEL' ENOEXEC 'to load it as one that knows us' \
		mkprobe file-load "$(get stock id)" "$STOCK" "$MK_TMP/initrd" x
	is "$(put stock firmware acpi)" OK 'firmware'
	ok mkctl load stock --initrd "$MK_TMP/initrd" \
		--cmdline "$PARAMS tsc_early_khz=$(tsc_khz) rdinit=/mark" "$STOCK"
	ok mkctl start stock
	wait_until 'the words of its init are in its memory' \
		marked "up:$release"
	is "$(get stock state)" booting 'state, of a kernel that cannot say hello'
}
