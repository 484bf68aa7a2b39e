#!/bin/sh
# Makes what disks, raid and lvm declare, where there is nothing; what is there is looked at and left alone.
# viv's init runs it before all else of the system: docs/disks.md of vivarium. Its end is the declaration.
#
# A disk that is begun gets a mark, where no table and no file system has anything, and loses it when it and what
# stands on it is made: one that has it at the next start was interrupted. It is made from its beginning if what is
# on it was never used. Marks go in steps, so that of several disks none is taken for half-made that isn't.
#
# What is several devices, or an option or none, is words.
# shellcheck disable=SC2086
set -u
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin MDADM_NO_UDEV=1 LVM_SUPPRESS_FD_WARNINGS=1
lf='
'
run=''
kinds=' '  # DEVICE:KIND, where a disk has its mark
new=' '    # devices that are empty, or were a moment ago
ours=' '   # devices, and lvm.NAME, on which all is an earlier start's that was interrupted
marked=' ' # devices that this run has begun
pvs=''     # for lvm, which otherwise looks at all that there is

fail() {
	echo "$*" >&2
	exit 1
}

# On the console, from which the host takes it, and in the system's log.
say() {
	echo "<3>viv-init: warning: $*" >/dev/kmsg
}

# The first line that a program says is why.
must() { # ABOUT COMMAND…
	about=$1
	shift
	out=$("$@" 2>&1 </dev/null) || fail "$about: ${out%%"$lf"*}"
}

# Marks

mark_sector() { # DEVICE KIND
	case $2 in
	table) echo 40 ;; # between the table and the first partition
	part) echo 7 ;;   # arrays and volume groups begin at 4096
	end) echo $(($(blockdev --getsz "$1") - 1)) ;; # content() leaves it out of the file system
	esac
}

kind_of() { # DEVICE
	for k in table part end; do
		case "$kinds" in *" $1:$k "*) echo $k ;; esac
	done
}

# In the last sector others have files.
is_in_vfat() { # DEVICE KIND
	[ "$2" = end ] && [ "$(type_of "$1")" = vfat ] || return 1
	sectors=$(od -An -tu2 -j19 -N2 "$1")
	[ $sectors != 0 ] || sectors=$(od -An -tu4 -j32 -N4 "$1")
	[ $((sectors * $(od -An -tu2 -j11 -N2 "$1"))) -gt $(($(mark_sector "$1" end) * 512)) ]
}

read_mark() { # DEVICE KIND: "making ID", "made ID" or nothing
	is_in_vfat "$1" "$2" && return
	dd if="$1" bs=512 skip="$(mark_sector "$1" "$2")" count=1 2>/dev/null | tr -d '\0' |
		sed -n 's/^viv-disks \(ma[a-z]* [0-9a-f-]\{36\}\) *$/\1/p'
}

write_mark() { # DEVICE KIND TEXT
	if [ -n "$3" ]; then
		printf '%-511s\n' "viv-disks $3"
	else
		head -c 512 /dev/zero
	fi | dd of="$1" bs=512 seek="$(mark_sector "$1" "$2")" count=1 iflag=fullblock conv=notrunc,fsync 2>/dev/null ||
		fail "the disk $1 can't be written"
}

begin() { # DEVICE: a disk that is empty; of partitions the disk is marked already
	new="$new$1 "
	kind=$(kind_of "$1")
	[ -n "$kind" ] || return 0
	[ -n "$run" ] || run=$(cat /proc/sys/kernel/random/uuid)
	write_mark "$1" "$kind" "making $run"
	marked="$marked$1 "
}

# First they get an ID of their own: others may be begun still.
made() { # DEVICE…: they are whole, and so is what stands on them
	whole=''
	for d; do
		case "$marked" in *" $d "*) whole="$whole $d" ;; esac
	done
	[ -n "$whole" ] || return 0
	sync
	run=$(cat /proc/sys/kernel/random/uuid)
	for text in "making $run" "made $run" ''; do
		for d in $whole; do write_mark "$d" "$(kind_of "$d")" "$text"; done
	done
	for d in $whole; do marked="${marked%%" $d "*} ${marked#*" $d "}"; done
}

# What somebody had there: it must not be taken for what this run has begun.
foreign() { # DEVICE
	for d in $marked; do write_mark "$d" "$(kind_of "$d")" ''; done
	fail "the disk $1 is new, but where it lies is $(holds "$1") already: it is left as it is"
}

clear() { # DEVICE
	must "the disk $1" wipefs -q -a "$1"
	must "the disk $1" dd if=/dev/zero of="$1" bs=64k count=2 conv=notrunc,fsync
}

wipe() { # DEVICE KIND: what was begun and not ended
	say "the disk $1 was not made to its end: it is made anew"
	for p in $(partitions_of "$1"); do clear "$p"; done
	clear "$1"
	[ "$2" != end ] || write_mark "$1" end ''
	blockdev --rereadpt "$1" 2>/dev/null
	new="$new$1 "
	ours="$ours$1 "
}

# All disks, before anything is done to one.
look_for_marks() { # DEVICE:KIND…
	done=' ' begun=' ' half=''
	for disk; do
		[ -b "${disk%:*}" ] || continue
		kinds="$kinds$disk "
		mark=$(read_mark "${disk%:*}" "${disk##*:}")
		case $mark in
		"made "*) done="$done${mark#* } " begun="$begun$disk:${mark#* } " ;;
		"making "*) begun="$begun$disk:${mark#* } " ;;
		esac
	done
	for mark in $begun; do
		disk=${mark%:*}
		case "$done" in
		*" ${mark##*:} "*) write_mark "${disk%:*}" "${disk##*:}" '' ;;
		*) half="$half $disk" ;;
		esac
	done
	[ -z "$half" ] || look_for_use $half
	for disk in $half; do wipe "${disk%:*}" "${disk##*:}"; done
}

# What half-made disks hold

in_use() { # DEVICE
	fail "the disk $1 is not made to its end, but may have been used: it is left as it is. wipefs -a frees it"
}

has_files() { # DEVICE TYPE
	mkdir -p /run/viv-look
	mount -t "$2" -o ro "$1" /run/viv-look 2>/dev/null || return 0
	files=$(ls -A /run/viv-look) || files=unknown
	umount /run/viv-look
	[ -n "$files" ]
}

never_used() { # DEVICE
	about=$(blkid -p -o value -s TYPE "$1")
	case $?:$about in
	[02]: | 0:swap | 0:linux_raid_member | 0:LVM2_member) ;;
	0:ext4) dumpe2fs -h "$1" 2>/dev/null | grep -q '^Mount count: *0$' ;;
	0:vfat | 0:xfs | 0:btrfs) ! has_files "$1" "$about" ;;
	*) return 1 ;;
	esac
}

of_type() { # TYPE DEVICE…
	type=$1
	shift
	for d; do
		[ "$(type_of "$d")" != "$type" ] || echo "$d"
	done
}

# Also in arrays and volumes, which are there for as long as that takes.
look_for_use() { # DEVICE:KIND…
	all='' arrays=''
	for disk; do all="$all ${disk%:*} $(partitions_of "${disk%:*}")"; done
	for d in $all; do never_used "$d" || in_use "$d"; done
	parts=$(of_type linux_raid_member $all)
	if [ -n "$parts" ]; then
		echo DEVICE $parts >/run/viv-look.conf
		echo 1 >/sys/module/md_mod/parameters/start_ro # until something writes
		mdadm --assemble --scan --run --quiet --config=/run/viv-look.conf >/dev/null 2>&1
		echo 0 >/sys/module/md_mod/parameters/start_ro
		for d in $parts; do
			array=$(array_of "$d")
			{ [ -n "$array" ] && never_used "$array"; } || in_use "$d"
			case " $arrays " in *" $array "*) ;; *) arrays="$arrays $array" ;; esac
		done
	fi
	pvs=$(of_type LVM2_member $all $arrays | paste -sd,)
	if [ -n "$pvs" ]; then
		lvm_ vgchange -q -a y >/dev/null 2>&1
		for d in $(lvm_ lvs --noheadings -o lv_path 2>/dev/null); do
			{ [ -b "$d" ] && never_used "$d"; } || in_use "$d"
		done
		must "the volumes of what is half made" lvm_ vgchange -q -a n
	fi
	for d in $arrays; do must "the disk $d" mdadm --stop --quiet "$d"; done
	pvs=''
}

array_of() { # DEVICE: where it is a part of one that runs
	disk_=$(readlink -f "$1")
	for f in /sys/class/block/"${disk_##*/}"/holders/md*; do
		[ ! -e "$f" ] || [ "$(cat "$f/md/array_state")" = inactive ] || echo "/dev/${f##*/}"
	done
}

# What is there

partitions_of() { # DEVICE: their names below /dev
	disk_=$(readlink -f "$1")
	disk_=${disk_##*/}
	for f in /sys/class/block/"$disk_"/"$disk_"*; do
		[ ! -e "$f/partition" ] || echo "/dev/${f##*/}"
	done
}

# udev's links, for partitions that are new.
link_partitions() { # DEVICE
	case $1 in /dev/disk/*) ;; *) return ;; esac
	for p in $(partitions_of "$1"); do
		ln -sf "../../${p##*/}" "$1-part$(cat "/sys/class/block/${p##*/}/partition")"
	done
}

partition() { # DEVICE NUMBER
	case $1 in
	/dev/disk/*) echo "$1-part$2" ;;
	*[0-9]) echo "$1p$2" ;;
	*) echo "$1$2" ;;
	esac
}

is_there() {
	[ -b "$1" ] || fail "the disk $1 is not there"
}

is_new() {
	case "$new" in *" $1 "*) return 0 ;; esac
	return 1
}

is_ours() {
	case "$ours" in *" $1 "*) return 0 ;; esac
	return 1
}

unreadable() {
	fail "the disk $1 can't be read${2:+: $2}: it is left as it is"
}

# Nothing but zeros in 128 KiB, or up to the disk's end. What can't be read is no answer.
nothing_at() { # DEVICE SECTOR
	bytes=$((size - $2 * 512))
	[ $bytes -le 131072 ] || bytes=131072
	[ $bytes -gt 0 ] || return 0
	cmp -s -i $(($2 * 512)):0 -n $bytes "$1" /dev/zero 2>/dev/null
	case $? in
	0) ;;
	1) return 1 ;;
	*) unreadable "$1" ;;
	esac
}

# blkid and wipefs take what they can't read for nothing, and they look at the end, too.
is_empty() { # DEVICE [SECTOR…]: where else nothing may be
	is_new "$1" && return 0
	device=$1
	size=$(blockdev --getsize64 "$1") || unreadable "$1"
	shift
	for sector in 0 "$@"; do nothing_at "$device" "$sector" || return 1; done
	last=$((size < 1048576 ? size : 1048576))
	[ "$(dd if="$device" bs=64k iflag=skip_bytes skip=$((size - last)) 2>/dev/null | wc -c)" = $last ] ||
		unreadable "$device"
	signatures=$(wipefs -n "$device" 2>&1) || unreadable "$device" "$signatures"
	[ -z "$signatures" ] || return 1
	signatures=$(blkid -p -o value -s TYPE -s PTTYPE "$device")
	case $?:$signatures in
	2: | 0:) ;; # of a partition it knows that it is one
	[08]:*) return 1 ;;
	*) unreadable "$device" ;;
	esac
}

# What is made a moment ago; on a disk that was found empty something can lie further in.
is_made() { # DEVICE OURS
	if [ -n "$2" ]; then
		clear "$1"
		ours="$ours$1 "
	else
		is_empty "$1" || foreign "$1"
	fi
	new="$new$1 "
}

all_ours() { # DEVICE…
	for d; do is_ours "$d" || return; done
	echo yes
}

# As blkid names it: ext4, swap, LVM2_member, linux_raid_member, … or nothing.
type_of() { # DEVICE [TAG]
	blkid -p -o value -s "${2:-TYPE}" "$1"
}

holds() { # DEVICE
	what=$(type_of "$1")
	[ -n "$what" ] || what=$(type_of "$1" PTTYPE)
	echo "${what:-something unknown}"
}

other() { # DEVICE WANTED
	fail "the disk $1 holds $(holds "$1"), and $2 is declared: it is left as it is"
}

# Tables

check_partition() { # DEVICE NUMBER START SIZE NAME; sectors, - where it doesn't matter
	p=$(partition "$1" "$2")
	[ -b "$p" ] || fail "the disk $1 has no partition $2, which is declared"
	sys=$(readlink -f "$p")
	sys=/sys/class/block/${sys##*/}
	read -r is_start <"$sys/start"
	read -r is_size <"$sys/size"
	[ "$is_start" = "$3" ] ||
		fail "the disk $1: partition $2 begins at sector $is_start, and $3 is declared"
	[ "$4" = - ] || [ "$is_size" = "$4" ] ||
		fail "the disk $1: partition $2 has $is_size sectors, and $4 are declared"
	[ "$5" = - ] || grep -qxF "PARTNAME=$5" "$sys/uevent" ||
		fail "the disk $1: partition $2 has another name than $5, which is declared"
}

# Standard input: START SIZE TYPE NAME of each partition.
table() { # gpt|dos DEVICE
	is_there "$2"
	made='' lines=$(cat)
	starts=$(echo "$lines" | cut -d' ' -f1)
	if is_empty "$2" $starts; then
		made=yes
		begin "$2"
	elif [ "$(type_of "$2" PTTYPE)" != "$1" ]; then
		other "$2" "a table ($1)"
	fi
	text="label: $1" n=0
	while read -r start size type name; do
		n=$((n + 1))
		[ -n "$made" ] || check_partition "$2" $n "$start" "$size" "$name"
		text="$text${lf}start=$start, type=$type"
		[ "$size" = - ] || text="$text, size=$size"
		[ "$name" = - ] || text="$text, name=\"$name\""
	done <<-EOF
		$lines
	EOF
	if [ -n "$made" ]; then
		out=$(echo "$text" | sfdisk -q --wipe never --wipe-partitions never "$2" 2>&1) ||
			fail "the disk $2: ${out%%"$lf"*}"
		link_partitions "$2"
		while [ $n -gt 0 ]; do
			is_made "$(partition "$2" $n)" "$(all_ours "$2")"
			n=$((n - 1))
		done
	elif [ "$(partitions_of "$2" | wc -l)" -gt $n ]; then
		fail "the disk $2 has more partitions than the $n that are declared"
	fi
}

# What is made of several disks

sort_out() { # TYPE ABOUT DEVICE…: into parts, blank and gone
	wanted=$1 owner=$2 parts='' blank='' gone=''
	shift 2
	for d; do
		if [ ! -b "$d" ]; then
			gone="$gone $d"
		elif is_empty "$d"; then
			blank="$blank $d"
		elif [ "$(type_of "$d")" = "$wanted" ]; then
			parts="$parts $d"
		else
			other "$d" "a part of $owner"
		fi
	done
}

# Arrays

raid() { # NAME LEVEL DEVICE…
	name=$1 level=$2 md=/dev/md/$1
	shift 2
	number=$#
	sort_out linux_raid_member "raid.$name" "$@"
	if [ -n "$parts" ]; then
		start_raid
	else
		[ -z "$gone" ] || fail "the disk$gone is not there, and raid.$name is not made yet"
		for d in $blank; do begin "$d"; done
		clean=''
		[ "$level" != 1 ] || clean=--assume-clean # of nothing there are as many copies as one likes
		must "the disk $md" mdadm --create "$md" --run --quiet --level="$level" --raid-devices=$number \
			--metadata=1.2 --homehost=any --name="$name" $clean $blank
		is_made "$md" "$(all_ours $blank)"
	fi
}

start_raid() {
	must "the disk $md" mdadm --assemble --run --quiet "$md" $parts
	about=$(mdadm --detail --export "$md")
	case $lf$about$lf in *"${lf}MD_LEVEL=raid$level$lf"*) ;; *)
		fail "the disk $md is not of level $level, which is declared" ;;
	esac
	case $lf$about$lf in *"${lf}MD_DEVICES=$number$lf"*) ;; *)
		fail "the disk $md has not $number parts, which are declared" ;;
	esac
	for d in $blank; do
		say "the disk $d is empty: raid.$name is copied onto it"
		begin "$d"
		must "the disk $d" mdadm --quiet "$md" --add "$d"
	done
	node=$(readlink -f "$md")
	# While it is copied it has one copy less, too; that was said.
	if [ -z "$blank" ] && [ "$(cat "/sys/class/block/${node##*/}/md/degraded" 2>/dev/null || echo 0)" != 0 ]; then
		say "raid.$name is degraded${gone:+:$gone is not there}: what is written now has one copy less"
	fi
}

# Volumes

# Nobody answers for udev yet, and the root may be read-only.
lvm_() {
	command=$1
	shift
	lvm "$command" --devices "$pvs" --config 'activation { udev_sync=0 udev_rules=0 monitoring=0 }
		backup { backup=0 archive=0 } global { use_lvmpolld=0 }' "$@"
}

group() { # NAME DEVICE…
	name=$1
	shift
	sort_out LVM2_member "lvm.$name" "$@"
	for d; do
		is_there "$d"
		pvs="$pvs${pvs:+,}$d"
	done
	if [ -z "$parts" ]; then
		for d in $blank; do begin "$d"; done
		must "the disk${blank}" lvm_ pvcreate -q -y $blank
		must "lvm.$name" lvm_ vgcreate -q -y "$name" $blank
		new="${new}lvm.$name "
		[ -z "$(all_ours $blank)" ] || ours="${ours}lvm.$name "
		return
	fi
	[ -z "$blank" ] ||
		fail "the disk$blank is empty, but there is a volume group $name without it: vgextend adds it"
	for d in $parts; do
		is=$(lvm_ pvs --noheadings -o vg_name "$d" | tr -d ' ')
		[ "$is" = "$name" ] ||
			fail "the disk $d belongs to the volume group ${is:-of nobody}, and $name is declared"
	done
	must "the disk$parts" lvm_ vgchange -q -a y "$name"
}

volume() { # GROUP NAME MIB; - is the rest
	is=$(lvm_ lvs --noheadings --nosuffix --units m -o lv_size "$1/$2" 2>/dev/null | tr -d ' ')
	is=${is%%.*}
	if [ -z "$is" ]; then
		size="-l 100%FREE"
		[ "$3" = - ] || size="-L ${3}m"
		keep='' # in a group that was there lvm knows what is free
		is_new "lvm.$1" && keep='-Z n -W n'
		must "the disk /dev/$1/$2" lvm_ lvcreate -q -y $keep $size -n "$2" "$1"
		is_new "lvm.$1" || new="$new/dev/$1/$2 "
		is_new "/dev/$1/$2" || is_made "/dev/$1/$2" "$(all_ours "lvm.$1")"
	elif [ "$3" != - ] && [ "$is" != "$3" ]; then
		fail "the disk /dev/$1/$2 has $is MiB, and $3 are declared"
	fi
}

# File systems

content() { # TYPE LABEL DEVICE; - is no label
	is_there "$3"
	if ! is_empty "$3"; then
		[ "$(type_of "$3")" = "$1" ] || other "$3" "$1"
		[ "$2" = - ] || [ "$(type_of "$3" LABEL)" = "$2" ] ||
			fail "the disk $3 has the label \"$(type_of "$3" LABEL)\", and $2 is declared"
		return
	fi
	is_new "$3" || begin "$3"
	label="-L $2"
	[ "$2" != - ] || label=''
	case $1 in
	swap) must "the disk $3" mkswap $label "$3" ;;
	vfat)
		room=''
		[ "$(kind_of "$3")" != end ] || room=$(($(blockdev --getsz "$3") / 2 - 64)) # KiB; the mark is behind it
		must "the disk $3" mkfs.vfat -I --mbr=no ${label:+-n "$2"} "$3" $room
		;;
	ext4) must "the disk $3" mkfs.ext4 -q -F $label "$3" ;;
	*) must "the disk $3" mkfs."$1" -q -f $label "$3" ;;
	esac
}

