# From here on the same in every run script. A status of 125 says that there was no machine.
set -ef
umask 077
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
me=${0##*/}

say() {
	printf '%s: %s\n' "$me" "$*" >&2
}

fail() {
	say "$@"
	exit 125
}

need() { # PROGRAM PACKAGE
	command -v "$1" >/dev/null || fail "there is no $1: install it (Debian: apt install $2)"
}

# VIV_STORE, else the store that this file is in, else the one it was made in.
find_store() {
	self=$(readlink -f -- "$0") || self=
	if [ -n "${VIV_STORE:-}" ]; then
		store=$VIV_STORE
	elif [ -e "${self%/*/*/*/*}/objects/$system" ] && [ -n "${self%/*/*/*/*}" ]; then
		store=${self%/*/*/*/*}
	else
		store=$made_in
	fi
	case $store in /*) ;; *) store=$PWD/$store ;; esac
	[ -e "$store/objects/$system" ] || fail "the store $store does not hold the machine any more:
call viv build again; VIV_STORE names another store"
	# QEMU wants commas doubled.
	store_q=$(printf %s "$store" | sed 's/,/,,/g')
}

find_kernel() {
	case $kernel in /*) ;; *) kernel=$store/$kernel ;; esac
	kernel=${VIV_KERNEL:-${other_kernel:-$kernel}}
	[ -r "$kernel" ] || fail "cannot read the kernel $kernel"
}

find_qemu() {
	command -v "$qemu" >/dev/null || fail "there is no $qemu: install QEMU (Debian: apt install qemu-system-x86)"
	major=$("$qemu" --version | sed -n '1s/^[^0-9]*\([0-9]*\)\..*/\1/p')
}

# Why KVM can't be used here; nothing where it can. /dev/kvm alone says little: where viv has tried
# it since the host was started its answer counts, else the processor's own module must be there.
kvm_trouble() {
	[ -e /dev/kvm ] || { echo "there is no /dev/kvm"; return; }
	if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
		echo "/dev/kvm may not be opened"
		return
	fi
	known=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/viv/kvm.json
	boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null) || boot=
	if [ -n "$boot" ] && [ -r "$known" ] && grep -qF "\"$boot\"" "$known"; then
		tr -d '\n' <"$known" | sed -n 's/.*"why": *"\([^"]*\)".*/\1/p'
	elif [ ! -d /sys/module/kvm_intel ] && [ ! -d /sys/module/kvm_amd ]; then
		echo "neither kvm_intel nor kvm_amd is loaded"
	fi
}

choose_accel() {
	accel=${VIV_ACCEL:-$accel}
	case $accel in
	tcg) why= ;;
	auto | kvm) why=$(kvm_trouble) ;;
	*) fail "VIV_ACCEL: no accelerator \"$accel\": auto, kvm or tcg" ;;
	esac
	[ "$accel" != kvm ] || [ -z "$why" ] || fail "KVM does not work: $why"
	[ -z "$why" ] || say "using TCG, which is slow: $why"
	if [ "$accel" = tcg ] || [ -n "$why" ]; then
		accel=tcg cpu=qemu64
		# Its cmpxchg16b is broken in a way that kills Linux 6.12 now and then.
		[ "${major:-0}" -ge 8 ] || cpu=qemu64,-cx16
		params="$params_tcg $params"
	else
		accel=kvm cpu=host
	fi
}

starts_as_qcow2() {
	[ "$(head -c 4 -- "$1" | od -An -tx1 | tr -d ' \n')" = 514649fb ]
}

# Under another name until it is whole. Where the host can't format it, the guest does.
make_disk() { # FILE MIB BLANK
	new=$1.new-$$
	trap 'rm -f -- "$new" "$new.raw"' EXIT
	trap 'exit 130' HUP INT TERM
	truncate -s "${2}M" -- "$new.raw" || fail "cannot make the disk $1"
	if [ -z "$3" ] && command -v mke2fs >/dev/null; then
		mke2fs -q -F -t ext4 -m 0 -L viv-disk \
			-E nodiscard,lazy_itable_init=1,lazy_journal_init=1 "$new.raw" ||
			fail "cannot format the disk $1"
	fi
	case $1 in
	*.qcow2)
		need qemu-img qemu-utils
		qemu-img convert -f raw -O qcow2 "$new.raw" "$new" || fail "cannot make the disk $1" ;;
	*) mv -f -- "$new.raw" "$new" ;;
	esac
	# Another run may have been faster: then its disk is as good.
	ln -- "$new" "$1" 2>/dev/null || [ -e "$1" ] || mv -f -- "$new" "$1"
	rm -f -- "$new" "$new.raw"
	trap - EXIT HUP INT TERM
}

# Of a declared disk: made with the first start.
make_kept() { # FILE MIB
	[ -e "$1" ] || make_disk "$1" "$2" yes
}

# The name says what it is, never the content alone: a guest can write what it likes onto a raw disk.
find_disk() {
	disk=${VIV_DISK_IMAGE:-${NIX_DISK_IMAGE:-$disk}}
	case $disk in /*) ;; *) disk=$PWD/$disk ;; esac
	case $disk in *.qcow2) format=qcow2 ;; *) format=raw ;; esac
	[ -e "$disk" ] || make_disk "$disk" "$disk_mib" "$disk_blank"
	if [ $format = qcow2 ]; then
		starts_as_qcow2 "$disk" || fail "$disk is not a qcow2 image: name a raw one otherwise"
	elif starts_as_qcow2 "$disk"; then
		fail "$disk begins like a qcow2 image: give it a name that ends in .qcow2"
	fi
	# shellcheck disable=SC2034
	disk_q=$(printf %s "$disk" | sed 's/,/,,/g')
}

# A window where there is a desktop and QEMU can make one, else a socket for a viewer.
choose_display() {
	if [ "$display" = auto ]; then
		display=vnc
		[ -z "${WAYLAND_DISPLAY:-}${DISPLAY:-}" ] ||
			display=$({ "$qemu" -display help; echo vnc; } | grep -xE 'gtk|sdl|vnc' | head -n 1)
	fi
	case $display in
	gtk | sdl)
		# Else their libraries start programs, for which QEMU's sandbox kills it.
		export DBUS_SESSION_BUS_ADDRESS=disabled: NO_AT_BRIDGE=1 ;;
	vnc)
		screen=$PWD/${me%.sh}.vnc
		say "the screen is at $screen (vncviewer)"
		display=vnc=unix:$(printf %s "$screen" | sed 's/,/,,/g') ;;
	spice)
		fail "virtualisation.display: a run script has no spice" ;;
	esac
}

# Its state is kept beside the disk; without one it is in a new folder, which stays.
start_tpm() {
	need swtpm swtpm
	tpm=$disk.tpm
	if [ -z "$disk" ]; then
		tpm=$(mktemp -d "${TMPDIR:-/tmp}/viv-tpm.XXXXXXXXXX") || fail "cannot make a folder for the TPM"
	fi
	case $tpm in *,*) fail "$tpm: swtpm takes no path with a comma" ;; esac
	mkdir -p -- "$tpm" || fail "cannot make $tpm"
	swtpm socket --daemon --terminate --tpm2 --tpmstate "dir=$tpm" \
		--ctrl "type=unixio,path=$tpm/socket" || fail "cannot start swtpm"
	# shellcheck disable=SC2034
	tpm_q=$(printf %s "$tpm" | sed 's/,/,,/g')
}

# All in one sparse file without a name, open as 3: gone when QEMU ends.
make_blanks() {
	new=$(mktemp "${TMPDIR:-/var/tmp}/viv-disk-XXXXXX") || fail "cannot make the blank disks"
	if ! truncate -s "${blank_mib}M" -- "$new"; then
		rm -f -- "$new"
		fail "cannot make blank disks of $blank_mib MiB together"
	fi
	exec 3<>"$new"
	rm -f -- "$new"
}

# UEFI's: beside the disk that is kept, else gone when QEMU ends.
find_variables() {
	[ -r "$uefi" ] || fail "there is no $uefi: install the firmware (Debian: apt install ovmf)"
	variables=$disk$keep_variables
	if [ -z "$disk" ] || [ -z "$keep_variables" ]; then
		new=$(mktemp "${TMPDIR:-/var/tmp}/viv-efi-XXXXXX") || fail "cannot copy $uefi"
		cat -- "$uefi" >"$new" || fail "cannot copy $uefi"
		exec 9<>"$new"
		rm -f -- "$new"
		variables=/proc/self/fd/9
	elif [ ! -e "$variables" ]; then
		cat -- "$uefi" >"$variables.new-$$" || fail "cannot make $variables"
		mv -f -- "$variables.new-$$" "$variables" || fail "cannot make $variables"
	fi
	# shellcheck disable=SC2034
	variables_q=$(printf %s "$variables" | sed 's/,/,,/g')
}

# For files of this run: TMPDIR itself, if USE_TMPDIR says so, else a folder there, which stays.
make_tmp() {
	tmp=${TMPDIR:-/tmp}
	if [ -z "${USE_TMPDIR:-}" ] || [ -z "${TMPDIR:-}" ]; then
		tmp=$(mktemp -d "$tmp/viv-vm.XXXXXXXXXX") || fail "cannot make a folder in $tmp"
	fi
	(umask 022 && mkdir -p -- "$tmp/xchg") || fail "cannot make $tmp/xchg"
}

find_store
[ -z "$kernel" ] || find_kernel
find_qemu
choose_accel
if [ -n "$disk" ]; then
	find_disk
elif [ -n "${VIV_DISK_IMAGE:-}${NIX_DISK_IMAGE:-}" ]; then
	say "the machine has no disk of its own: VIV_DISK_IMAGE has no effect"
fi
[ -z "$display" ] || choose_display
[ -z "$tpm" ] || start_tpm
[ "$blank_mib" = 0 ] || make_blanks
[ -z "$uefi" ] || find_variables
if [ -n "$kernel" ]; then
	params="$params${QEMU_KERNEL_PARAMS:+ $QEMU_KERNEL_PARAMS}"
elif [ -n "${QEMU_KERNEL_PARAMS:-}${VIV_KERNEL:-}" ]; then
	say "the kernel and its parameters are on the boot disk: QEMU_KERNEL_PARAMS, VIV_KERNEL have no effect"
fi

# What QEMU is told of a folder, in fsdev and device.
share() { # TAG SOURCE ro|rw
	source=$2
	case $source in /*) ;; *) source=$PWD/$source ;; esac
	[ -d "$source" ] || fail "$1: there is no folder $source"
	source=$(printf %s "$source" | sed 's/,/,,/g')
	[ "$3" = rw ] && mode=off || mode=on
	fsdev=local,id=share$n,security_model=none,multidevs=remap,readonly=$mode,path=$source
	device=virtio-9p-pci,fsdev=share$n,mount_tag=$1
	n=$((n + 1))
}

# The host's folders, by QEMU's own 9p; where they go in the guest its kernel's parameters say.
if [ -n "$plan9" ]; then
	make_tmp
	n=0
	share xchg "$tmp/xchg" rw
	set -- -fsdev "$fsdev" -device "$device" "$@"
	share shared "${SHARED_DIR:-$tmp/xchg}" rw
	set -- -fsdev "$fsdev" -device "$device" "$@"
	while IFS='|' read -r tag folder _ mode; do
		[ -n "$tag" ] || continue
		share "$tag" "$folder" "$mode"
		set -- -fsdev "$fsdev" -device "$device" "$@"
	done <<LIST
$shares
LIST
elif [ -n "${SHARED_DIR:-}$shares" ]; then
	say "nothing is shared: the kernel has no 9p (boot.kernel = \"linux-image-amd64\" has)"
fi
