#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The face: names, ids, the files of an instance, what info/ says.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

DIR=$MK_FS/instances

info_tells_what_this_is()
{
	has "$(cat "$MK_FS/info/version")" '[0-9]' 'info/version'
	has "$(cat "$MK_FS/info/abi")" '^[0-9]' 'info/abi'
	ok test -r "$MK_FS/info/features"
	ok test -r "$MK_FS/pool/quarantine"
}

features_are_those_of_this_kernel()
{
	local want=0

	[ -r /proc/config.gz ] || skip 'needs CONFIG_IKCONFIG_PROC'
	! zcat /proc/config.gz | grep -q '^CONFIG_KEXEC=y' || want=1
	is "$(grep -cw kexec_load "$MK_FS/info/features")" $want 'kexec_load in info/features'
	is "$(grep -cw kexec_file_load "$MK_FS/info/features")" 1 \
		'kexec_file_load in info/features'
}

mkdir_makes_an_instance_with_all_its_files()
{
	local file

	is "$(mkprobe mkdir "$DIR/web")" OK 'mkdir'
	for file in id state reason cpus memory memory.map memory.wanted cmdline image \
		    firmware console log events nop stats/messages_sent \
		    stats/messages_received stats/bytes_sent \
		    stats/bytes_received stats/channels stats/doorbells_received \
		    stats/doorbells_sent \
		    stats/doorbells_suppressed stats/doorbells_missed \
		    stats/ring_full stats/bad_messages stats/console_dropped; do
		ok test -f "$DIR/web/$file"
	done
	is "$(get web state)" offline 'state'
	is "$(get web reason)" none 'reason'
	is "$(get web image)" '' 'image'
	is "$(get web cmdline)" '' 'cmdline'
	is "$(counter web events starts)" 0 'starts'
}

rmdir_removes_it()
{
	is "$(mkprobe mkdir "$DIR/web")" OK 'mkdir'
	is "$(mkprobe rmdir "$DIR/web")" OK 'rmdir'
	ok test ! -e "$DIR/web"
	is "$(mkprobe rmdir "$DIR/web")" ENOENT 'rmdir again'
}

long_name()
{
	printf "%${1}s" '' | tr ' ' x
}

names_are_checked()
{
	local name

	for name in a A-b_c.9 _ -dash "$(long_name 63)"; do
		is "$(mkprobe mkdir "$DIR/$name")" OK "the name '$name'"
		is "$(mkprobe rmdir "$DIR/$name")" OK "removing '$name'"
	done
	for name in .hidden 'a b' 'a:b' 'a+b' "$(printf 'a\nb')" "$(printf '\303\244')" \
		    "$(long_name 64)"; do
		refused -m 'a name has 1 to 63' EINVAL "the name '$name'" mkprobe mkdir "$DIR/$name"
	done
}

a_name_is_there_once()
{
	is "$(mkprobe mkdir "$DIR/web")" OK 'mkdir'
	refused_early EEXIST 'the same name again' mkprobe mkdir "$DIR/web"
}

directories_are_made_nowhere_else()
{
	is "$(mkprobe mkdir "$DIR/web")" OK 'mkdir'
	refused -m 'can be made in instances/ only' EPERM 'mkdir in an instance' mkprobe mkdir "$DIR/web/sub"
	refused -m 'can be made in instances/ only' EPERM 'mkdir at the top' mkprobe mkdir "$MK_FS/sub"
	refused -m 'only directories in instances' EPERM 'rmdir of instances' mkprobe rmdir "$DIR"
}

ids_are_given_and_can_be_chosen()
{
	local a b

	ok mkctl create a
	ok mkctl create b
	a=$(get a id) b=$(get b id)
	between 1 "$a" 2047 'id of a'
	between 1 "$b" 2047 'id of b'
	ok test "$a" != "$b"
	is "$(put a id 2047)" OK 'the highest id'
	is "$(get a id)" 2047 'id'
	is "$(put a id 2047)" OK 'its own id again'
	refused -m 'id 2047 belongs to' EBUSY 'an id that another has' put b id 2047
	refused -m 'ids go from 1 to 2047' EINVAL 'id 0, which is the host' put b id 0
	refused -m 'ids go from 1 to 2047' EINVAL 'id 2048' put b id 2048
	refused -m 'is not a number' EINVAL 'a word' put b id one
	refused -m 'is not a number' EINVAL 'nothing' put b id ''
	ok mkctl rm a
	is "$(put b id 2047)" OK 'an id that has become free'
}

# The ledger knows owners by their ids.
an_id_stays_once_it_owns_something()
{
	ok mkctl create web --memory 4M
	refused -m 'its id stays' EBUSY 'another id with memory' put web id 77
	is "$(put web memory 0)" OK 'giving it back'
	ok mkctl create a --cpus "$(last_cpus 1)"
	refused -m 'its id stays' EBUSY 'another id with a CPU' put a id 78
	is "$(put web id 77)" OK 'another id without either'
}

an_id_stays_once_an_image_is_loaded()
{
	mk_create web "$(last_cpus 1)"
	mk_load web
	refused -m 'its id stays' EBUSY 'another id after the load' put web id 77
}

state_takes_three_words()
{
	ok mkctl create web
	refused -m 'is none of start, stop, kill' EINVAL 'an unknown word' put web state dance
	refused -m 'is none of start, stop, kill' EINVAL 'nothing' put web state ''
	refused -m 'is none of start, stop, kill' EINVAL 'a state that is no order' put web state running
	refused -m 'nothing is loaded' EINVAL 'start without anything' put web state start
	refused -m 'offline, not running' EBUSY 'stop of what does not run' put web state stop
	refused -m 'nothing to kill' EBUSY 'kill of what does not run' put web state kill
}

# As reboot(2) does, which starts instances too: root without it may look alone.
start_stop_and_kill_take_the_privilege_to_boot()
{
	local word

	mk_create web "$(last_cpus 1)"
	mk_load web
	for word in start stop kill; do
		refused -m 'take CAP_SYS_BOOT' EPERM "$word without CAP_SYS_BOOT" \
			mkprobe no-cap write "$DIR/web/state" $word
	done
	is "$(put web state start)" OK 'start with it'
	wait_for_state web running
	refused -m 'take CAP_SYS_BOOT' EPERM 'kill of what runs, without' \
		mkprobe no-cap write "$DIR/web/state" kill
	ok answers web
	is "$(put web state kill)" OK 'kill with it'
}

firmware_takes_two_words()
{
	ok mkctl create web
	is "$(get web firmware)" block 'firmware'
	refused -m 'is none of block, acpi' EINVAL 'an unknown word' put web firmware bios
	is "$(put web firmware acpi)" OK 'acpi'
	is "$(get web firmware)" acpi 'firmware'
	is "$(put web firmware block)" OK 'block'
}

start_needs_all_three()
{
	local cpu

	cpu=$(last_cpus 1)
	ok mkctl create web --cpus "$cpu" --memory "$MK_MEM"
	refused -m 'nothing is loaded' EINVAL 'start without an image' put web state start
	mk_load web
	is "$(put web cpus '')" OK 'giving the CPUs back'
	refused -m 'has no CPU' EINVAL 'start without a CPU' put web state start
}

what_is_for_reading_is_not_written()
{
	local file

	ok mkctl create web
	for file in reason memory.map memory.wanted cmdline image log events stats/bad_messages; do
		refused_early EACCES "writing $file" put web $file x
	done
}

last_error_speaks_of_the_last_request()
{
	ok mkctl create web
	is "$(last_error)" ok 'after what was granted'
	is "$(put web id 0)" EINVAL 'id 0'
	has "$(last_error)" '[a-z]* [a-z]*' 'a sentence after a refusal'
	is "$(last_error | wc -l)" 1 'lines of it'
	is "$(put web id 99)" OK 'id 99'
	is "$(last_error)" ok 'after what was granted'
}

a_running_instance_is_not_removed()
{
	mk_boot web "$(last_cpus 1)"
	refused -m 'is running; stop it first' EBUSY 'rmdir while it runs' mkprobe rmdir "$DIR/web"
	ok answers web
	ok mkctl kill web
	is "$(mkprobe rmdir "$DIR/web")" OK 'rmdir after its end'
}

many_can_be_made_and_removed()
{
	local i ids

	for i in $(seq 1 40); do
		is "$(mkprobe mkdir "$DIR/m$i")" OK "mkdir m$i"
	done
	ids=$(cat "$DIR"/m*/id | sort -u | wc -l)
	is "$ids" 40 'different ids'
	for i in $(seq 1 40); do
		is "$(mkprobe rmdir "$DIR/m$i")" OK "rmdir m$i"
	done
}

mk_main \
	info_tells_what_this_is \
	features_are_those_of_this_kernel \
	mkdir_makes_an_instance_with_all_its_files \
	rmdir_removes_it \
	names_are_checked \
	a_name_is_there_once \
	directories_are_made_nowhere_else \
	ids_are_given_and_can_be_chosen \
	an_id_stays_once_it_owns_something \
	an_id_stays_once_an_image_is_loaded \
	state_takes_three_words \
	start_stop_and_kill_take_the_privilege_to_boot \
	firmware_takes_two_words \
	start_needs_all_three \
	what_is_for_reading_is_not_written \
	last_error_speaks_of_the_last_request \
	a_running_instance_is_not_removed \
	many_can_be_made_and_removed
