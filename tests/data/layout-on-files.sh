# SPDX-License-Identifier: MIT
# The functions of src/plan/areas/layout.sh on files instead of disks; the unit plan_layout runs it, in a folder of
# its own with the whole script in layout.sh.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
{
	sed '/^look_for_marks .dev/,$d' layout.sh
	cat <<'X'
is_there() { :; }
say() { :; }
blockdev() {
	case $1 in
	--getsize64) stat -c %s "$2" ;;
	--getsz) echo $(($(stat -c %s "$2") / 512)) ;;
	esac
}
look() { # DEVICE:KIND, which need not be a block device
	kinds=" $1 "
	mark=$(read_mark "${1%:*}" "${1##*:}")
	[ -z "$mark" ] && return
	look_for_use "$1"
	wipe "${1%:*}" "${1##*:}"
}
mark() { # FILE SECTOR
	printf '%-511s\n' 'viv-disks making 11111111-2222-3333-4444-555555555555' |
		dd of="$1" bs=512 seek="$2" conv=notrunc 2>/dev/null
}
X
} >functions
blank() { # FILE…: from before this test
	for f; do
		rm -f "$f"
		truncate -s 8M "$f"
	done
}
gives() { # OUTPUT COMMANDS
	out=$( (
		. ./functions
		set +e
		eval "$2"
	) 2>&1) || :
	[ "$out" = "$1" ] || {
		printf '%s\nprinted: %s\nwanted:  %s\n' "$2" "$out" "$1" >&2
		exit 1
	}
}

# What can't be read is not empty.
blank d none
gives "the disk d can't be read: it is left as it is" 'cmp() { return 2; }; content swap - d'
gives "the disk d can't be read: it is left as it is" 'dd() { head -c 512 d; return 1; }; content swap - d'
gives "the disk d can't be read: it is left as it is" 'blkid() { return 4; }; content swap - d'
gives "the disk d can't be read: it is left as it is" 'blockdev() { return 1; }; content swap - d'
cmp d none

# Of a disk that lost its table, what was in a partition is still there.
mke2fs -q -t ext4 -E offset=1048576 d 4M
cp d was
gives 'the disk d holds something unknown, and a table (gpt) is declared: it is left as it is' \
	'echo 2048 - linux - | table gpt d'
cmp d was
gives 'the disk d is new, but where it lies is something unknown already: it is left as it is' \
	'kinds=" e:part "; truncate -s 8M e; begin e; read_mark e part >/dev/null; printf 1 >>d; printf 1 | dd of=d conv=notrunc 2>/dev/null; is_made d ""'
gives '' '. ./functions; read_mark e part'

# Half-made: only what was never used goes.
blank d
mke2fs -q -t ext4 d
gives '' 'mark d 7; look d:part; content swap - none >/dev/null; is_empty d || echo left; head -c 131072 d | tr -d "\0"'
blank d
mke2fs -q -t ext4 d
tune2fs -C 1 d >/dev/null
gives '' 'mark d 7'
cp d was
gives 'the disk d is not made to its end, but may have been used: it is left as it is. wipefs -a frees it' 'look d:part'
cmp d was
blank d
printf 'LUKS\272\276\0\1' | dd of=d conv=notrunc 2>/dev/null
gives 'used' 'never_used d || echo used'

# Vfat's mark lies behind it; what lies in it is a file's.
blank d
gives 'making 11111111-2222-3333-4444-555555555555' \
	'kinds=" d:end "; content vfat - d; mark d 16383; read_mark d end; fsck.vfat -n d >/dev/null || echo bad'
blank d
mkfs.vfat d >/dev/null
gives 'left' 'mark d 16383; look d:end; is_empty d || echo left'

# The mark goes when a disk is whole, of others it stays.
blank d e
gives 'making' 'kinds=" d:part e:part "; begin d; begin e; made d; read_mark d part; read_mark e part | cut -c-6; made e; read_mark e part'
