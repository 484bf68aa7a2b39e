#!/bin/sh
# Makes what disks, raid and lvm declare, where there is nothing; what is there is looked at and left alone.
# viv's init runs it before all else of the system: docs/disks.md of vivarium. Its end is the declaration.
#
# A disk that is begun gets a mark, where no table and no file system has anything, and loses it when all is
# made: one that has it at the next start was interrupted, nobody has used it, and it is made from its
# beginning. Marks go in two steps, so that of several disks none is taken for half-made that isn't.
#
# What is several devices, or an option or none, is words.
# shellcheck disable=SC2086
set -u
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin MDADM_NO_UDEV=1 LVM_SUPPRESS_FD_WARNINGS=1
lf='
'
run=$(cat /proc/sys/kernel/random/uuid)
kinds=' '  # DEVICE:KIND, where a disk has its mark
new=' '    # devices that are empty, or were a moment ago
marked=' ' # DEVICE:KIND of this run
pvs=''     # for lvm, which otherwise looks at all that there is

fail() {
	echo "$*" >&2
	exit 1
}

# On the console, and in the system's log.
say() {
	echo "<3>viv-init: $*" >/dev/kmsg
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
	end) echo $(($(blockdev --getsz "$1") - 1)) ;;
	esac
}

read_mark() { # DEVICE KIND: "making ID", "made ID" or nothing
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
	for k in table part end; do
		case "$kinds" in *" $1:$k "*)
			write_mark "$1" "$k" "making $run"
			marked="$marked$1:$k "
			;;
		esac
	done
	new="$new$1 "
}

wipe() { # DEVICE KIND: what was begun and not ended
	say "the disk $1 was not made to its end: it is made anew"
	for p in $(partitions_of "$1"); do
		must "the disk $p" wipefs -q -a "$p"
	done
	must "the disk $1" wipefs -q -a "$1"
	must "the disk $1" dd if=/dev/zero of="$1" bs=64k count=2 conv=notrunc,fsync
	[ "$2" != end ] || write_mark "$1" end ''
	blockdev --rereadpt "$1" 2>/dev/null
	new="$new$1 "
}

# All disks, before anything is done to one.
look_for_marks() { # DEVICE:KIND…
	done=' ' begun=' '
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
		*) wipe "${disk%:*}" "${disk##*:}" ;;
		esac
	done
}

end() {
	[ "$marked" != ' ' ] || return 0
	sync
	for m in $marked; do
		write_mark "${m%:*}" "${m##*:}" "made $run"
	done
	for m in $marked; do
		write_mark "${m%:*}" "${m##*:}" ''
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

is_empty() {
	is_new "$1" && return 0
	signatures=$(wipefs -n "$1" 2>&1) || fail "the disk $1 can't be read: $signatures"
	[ -z "$signatures" ] && [ -z "$(head -c 131072 "$1" | tr -d '\0' | head -c 1)" ]
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
	made=''
	if is_empty "$2"; then
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
	done
	if [ -n "$made" ]; then
		out=$(echo "$text" | sfdisk -q --wipe always --wipe-partitions always "$2" 2>&1) ||
			fail "the disk $2: ${out%%"$lf"*}"
		link_partitions "$2"
		while [ $n -gt 0 ]; do
			new="$new$(partition "$2" $n) "
			n=$((n - 1))
		done
	elif [ "$(partitions_of "$2" | wc -l)" -gt $n ]; then
		fail "the disk $2 has more partitions than the $n that are declared"
	fi
}

# Arrays

raid() { # NAME LEVEL DEVICE…
	name=$1 level=$2 md=/dev/md/$1 parts='' blank='' gone=''
	shift 2
	number=$#
	for d; do
		if [ ! -b "$d" ]; then
			gone="$gone $d"
		elif is_empty "$d"; then
			blank="$blank $d"
		elif [ "$(type_of "$d")" = linux_raid_member ]; then
			parts="$parts $d"
		else
			other "$d" "a part of raid.$name"
		fi
	done
	if [ -n "$parts" ]; then
		start_raid
	else
		[ -z "$gone" ] || fail "the disk$gone is not there, and raid.$name is not made yet"
		for d in $blank; do begin "$d"; done
		clean=''
		[ "$level" != 1 ] || clean=--assume-clean # of nothing there are as many copies as one likes
		must "the disk $md" mdadm --create "$md" --run --quiet --level="$level" --raid-devices=$number \
			--metadata=1.2 --homehost=any --name="$name" $clean $blank
		must "the disk $md" wipefs -q -a "$md" # what lay there when the parts were others'
		new="$new$md "
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
		say "warning: raid.$name is degraded${gone:+:$gone is not there}: what is written now has one copy less"
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
	name=$1 parts='' blank=''
	shift
	for d; do
		is_there "$d"
		pvs="$pvs${pvs:+,}$d"
		if is_empty "$d"; then
			blank="$blank $d"
		elif [ "$(type_of "$d")" = LVM2_member ]; then
			parts="$parts $d"
		else
			other "$d" "a part of lvm.$name"
		fi
	done
	if [ -z "$parts" ]; then
		for d in $blank; do begin "$d"; done
		must "the disk${blank}" lvm_ pvcreate -q -y $blank
		must "lvm.$name" lvm_ vgcreate -q -y "$name" $blank
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
		must "the disk /dev/$1/$2" lvm_ lvcreate -q -y $size -n "$2" "$1"
		new="$new/dev/$1/$2 "
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
	vfat) must "the disk $3" mkfs.vfat -I --mbr=no ${label:+-n "$2"} "$3" ;;
	ext4) must "the disk $3" mkfs.ext4 -q -F $label "$3" ;;
	*) must "the disk $3" mkfs."$1" -q -f $label "$3" ;;
	esac
}

