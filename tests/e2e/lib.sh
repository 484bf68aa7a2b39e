# SPDX-License-Identifier: MIT
# Sourced by every end-to-end test. Sets up folders of the test's own; nothing is read from or left in
# the home of who runs it. The store, apt's lists and the default machine's lock are shared by the
# tests of a run, so that a machine is built once: VIV_TEST_DIR.
set -u

: "${VIV:?the viv to be tested}"
shared=${VIV_TEST_DIR:-${TMPDIR:-/tmp}/viv-e2e-$(id -u)}
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/viv-e2e-XXXXXX")
mkdir -p "$shared"/{store,cache,state} "$work"/{runtime,config,home}
chmod 700 "$work/runtime"
export HOME=$work/home XDG_RUNTIME_DIR=$work/runtime XDG_CONFIG_HOME=$work/config
export XDG_CACHE_HOME=$shared/cache XDG_STATE_HOME=$shared/state XDG_DATA_HOME=$shared
export VIV_STORE=${VIV_STORE:-$shared/store}
unset VIV_ACCEL QEMU_OPTS QEMU_NET_OPTS QEMU_KERNEL_PARAMS

cleanup() {
	cd /
	chmod -R u+w "$work" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'trap "" TERM; exit 143' TERM # timeout sends several, and the first one's clean-up shall come to its end
cd "$work" || exit 1

fail() {
	echo "FAILED: $*"
	[ ! -s "$work/out" ] || { echo "--- stdout"; tail -c 2000 "$work/out"; }
	[ ! -s "$work/err" ] || { echo "--- stderr"; tail -c 4000 "$work/err"; }
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

# Runs a command; its status must be the one named. Output is in $work/out and $work/err.
expect() { # STATUS COMMAND…
	local want=$1 got
	shift
	"$@" >"$work/out" 2>"$work/err"
	got=$?
	[ "$got" = "$want" ] || fail "exit status $got, not $want: $*"
}

out_is() { [ "$(cat "$work/out")" = "$1" ] || fail "stdout is not \"$1\""; }
err_is() { [ "$(cat "$work/err")" = "$1" ] || fail "stderr is not \"$1\""; }
out_has() { grep -qF -- "$1" "$work/out" || fail "stdout has no \"$1\""; }
err_has() { grep -qF -- "$1" "$work/err" || fail "stderr has no \"$1\""; }

# A copy of viv where an ordinary user may read it, wherever this tree is.
public_viv() {
	chmod 755 "$work"
	mkdir -p "$work/public/guest"
	cp "$VIV" "$work/public"
	cp "$(dirname "$VIV")"/guest/viv-{init,agent} "$work/public/guest"
	VIV=$work/public/viv
}

# The machine of vm.lua, built, in the store of an ordinary user of its own, with subordinate ids:
# his folder is $work/u/proj, and `as` runs his commands. Needs root.
user=65534
user_machine() {
	needs_root
	command -v newuidmap >/dev/null || skip "newuidmap is missing"
	expect 0 "$VIV" build -q
	"$VIV" store export -q -o system.tar "$(basename "$(readlink result)")"
	grep -v "^$user:" /etc/subuid >subuid; echo "$user:300000:65536" >>subuid
	grep -v "^$user:" /etc/subgid >subgid; echo "$user:300000:65536" >>subgid
	mkdir -p u/{home,run,proj}
	chmod 700 u/run
	cp vm.lua vm.lock u/proj
	chown -R $user:$user u
	public_viv
	as "$VIV" --version >/dev/null || fail "an ordinary user can't run $VIV"
	expect 0 as "$VIV" store import -q system.tar
	rm system.tar
}
as() { # COMMAND…: after the mounts of $mounts
	mounted "mount --bind $work/subuid /etc/subuid; mount --bind $work/subgid /etc/subgid${mounts:+; $mounts}" \
		setpriv --reuid $user --regid $user --groups 4 env HOME="$work/u/home" \
		XDG_CACHE_HOME="$work/u/c" XDG_CONFIG_HOME="$work/u/cfg" XDG_STATE_HOME="$work/u/s" \
		XDG_RUNTIME_DIR="$work/u/run" VIV_STORE="$work/u/store" "$@"
}
owner_is() { [ "$(stat -c %u:%g "$1")" = "$2" ] || fail "$1 belongs to $(stat -c %u:%g "$1"), not $2"; }

# A machine without an init system: the quickest to build and to boot.
quick_machine() {
	printf 'system.init = "none"\n' >vm.lua
	[ ! -f "$shared/quick.lock" ] || cp "$shared/quick.lock" vm.lock
	expect 0 "$VIV" build --no-link
	cp vm.lock "$shared/quick.lock.$$"
	mv "$shared/quick.lock.$$" "$shared/quick.lock" # at once: others read it
}

# A machine of small packages, from a signed archive of our own in $work/tiny: builds in a second.
# Its kernel package has no kernel, so that a build ends there, with everything else done: tiny_builds.
tiny_machine() { # [PACKAGE…]
	local p
	for p in apt-get dpkg-deb gpg ldd; do
		command -v $p >/dev/null || skip "$p is missing"
	done
	[ -d "$work/tiny" ] || sh "$tests/data/deb/make-repo" "$work/tiny" >/dev/null 2>&1 ||
		fail "make-repo"
	{
		echo 'system.init = "none"'
		echo 'packages.release = "tiny"'
		echo "packages.mirrors = { \"file://$work/tiny/repo tiny\" }"
		echo "packages.keyring = \"$work/tiny/key.gpg\""
		echo 'boot.kernel = "large"'
		for p in "${@:-hello}"; do echo "environment.systemPackages = { \"$p\" }"; done
	} >vm.lua
	export VIV_STORE=$work/store XDG_CACHE_HOME=$work/cache
}
tiny_builds() { # [ARGUMENT…]
	expect 125 "$VIV" build -q "$@"
	err_has "no kernel in this package"
	expect 0 "$VIV" store verify
}

# For kernel.config, on top of "tinyconfig": a kernel that compiles in minutes and that a machine can have.
small_kernel() {
	local name
	# What viv's machines need, on top of as good as nothing
	for name in 64BIT PRINTK MULTIUSER BINFMT_ELF BINFMT_SCRIPT FUTEX EPOLL SIGNALFD TIMERFD EVENTFD SHMEM POSIX_TIMERS \
		FILE_LOCKING BLOCK BLK_DEV BLK_DEV_INITRD ACPI PCI HYPERVISOR_GUEST PVH VIRTIO_MENU VIRTIO_PCI VIRTIO_BLK \
		VIRTIO_CONSOLE NET UNIX INET NETDEVICES NET_CORE VIRTIO_NET TTY SERIAL_8250 SERIAL_8250_CONSOLE DEVTMPFS \
		TMPFS PROC_FS SYSFS MISC_FILESYSTEMS EROFS_FS OVERLAY_FS MODULES; do
		echo "CONFIG_$name=y"
	done
	# and without what is there by itself, so that it takes less time
	for name in IPV6 WLAN WIRELESS ETHERNET INPUT VT HWMON SERIO USB_SUPPORT HID_SUPPORT INTEL_MEI PERF_EVENTS_INTEL_UNCORE \
		PERF_EVENTS_INTEL_RAPL PERF_EVENTS_INTEL_CSTATE X86_MCE MICROCODE CPU_MITIGATIONS ETHTOOL_NETLINK INET_DIAG ACPI_AC \
		ACPI_BATTERY ACPI_FAN ACPI_THERMAL ACPI_PROCESSOR ACPI_TABLE_UPGRADE ACPI_PRMT ACPI_SPCR_TABLE; do
		echo "$name? n"
	done
}

# Gone, or a zombie that its new parent has yet to reap.
is_dead() { ! grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status" 2>/dev/null; }
wait_dead() { # PID; tail ends when the process does
	timeout 300 tail --pid="$1" -f /dev/null
	is_dead "$1" || fail "process $1 still runs"
}

# Commands with mounts of their own, which only root can make.
needs_root() {
	[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || skip "needs root, and to be allowed to mount"
}
mounted() { # SCRIPT COMMAND…: runs the script's mounts, then the command
	local script=$1
	shift
	unshare -m sh -c "$script; exec \"\$@\"" sh "$@"
}
