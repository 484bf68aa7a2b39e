# SPDX-License-Identifier: MIT
# slow
# examples/kernel-vm/vm.lua, the whole of it, in one boot: each line does what it says. And it crashes.
. "$(dirname "$0")/lib.sh"

cp -r "$tests/../examples/kernel-vm" .
cd kernel-vm || fail cd
# Smaller than it says, so that it fits beside other tests; --set stands over the file.
small=(--set virtualisation.memorySize=1536 --set virtualisation.cores=2)

cat >look <<'END'
say() { printf '%s: ' "$1"; shift; "$@" 2>&1 | tr '\n' ' ' | sed 's/ *$//'; echo; }
say kernel sh -c 'uname -r | grep -c cloud'
say params grep -o 'console=ttyS0,115200n8 console=ttyS0' /proc/cmdline
say level cut -f1 /proc/sys/kernel/printk
say order sh -c 'dmesg | grep -o "Not much to do before systemd :)\|systemd.1.: Detected virtualization\|This service runs right near login"'
say crash cat /sys/kernel/kexec_crash_loaded
say password sh -c 'getent shadow root | cut -d: -f2'
say login sh -c 'systemctl show -P ExecStart serial-getty@ttyS0 | grep -o -- "--autologin root"'
say help cat /etc/issue.d/viv-help.issue
say name hostname
say firewall sh -c 'systemctl is-enabled nftables; ls /etc/nftables.conf'
say dhcp sh -c 'systemctl is-active systemd-networkd dhcpcd'
say man sh -c 'ls /usr/share/man /usr/share/info | grep -v : | grep -v ^dir$'
say doc sh -c 'find /usr/share/doc -type f ! -name copyright | head -3'
say completion sh -c 'ls /usr/share/bash-completion/bash_completion /etc/profile.d/bash_completion.sh 2>/dev/null'
say notfound sh -c 'command -v command-not-found'
say foo systemctl show -P Type -P Result foo
say term env -i TERM= sh -c 'set -a; . /etc/environment; echo $TERM'
say disk sh -c 'df -m --output=size / | tail -1 | xargs'
say memory sh -c 'free -m | sed -n "s/Mem: *//p" | cut -d" " -f1'
say disks sh -c 'lsblk -dno SIZE /dev/disk/by-id/virtio-empty0 /dev/disk/by-id/virtio-empty1 | xargs'
say xfstests xfstests-check /dev/disk/by-id/virtio-empty1
say paul sh -c 'getent passwd paul | cut -d: -f5-6'
say packages sh -c 'dpkg-query -W -f "\${db:Status-Abbrev}" htop util-linux xfstests vim tmux fsverity trace-cmd perf-tools-unstable linux-perf openssl'
say perf sh -c 'perf --version | cut -d. -f1'
echo c >/proc/sysrq-trigger
END
expect 120 "$VIV" run "${small[@]}" --timeout 15m -- sh <look
line() { out_has "$1"; }
line "kernel: 0"
line "params: console=ttyS0,115200n8 console=ttyS0"
line "level: 7"
line "order: Not much to do before systemd :) systemd[1]: Detected virtualization This service runs right near login"
line "crash: 1"
grep -q '^password: $' "$work/out" || fail "root has a password"
line "login: --autologin root"
line 'help: Log in as "root" with an empty password. If you are connect via serial console: Type CTRL-A X to exit QEMU'
line "name: vm"
grep -q '^firewall: .*enabled' "$work/out" && fail "there is a firewall"
grep -q '^dhcp: .*\bactive' "$work/out" && fail "there is a DHCP client"
grep -q '^man: .*[a-z][1-9]' "$work/out" && fail "there are manual pages"
grep -q '^doc: $' "$work/out" || fail "there is documentation"
grep -q '^completion: $' "$work/out" || fail "there is completion"
grep -q '^notfound: $' "$work/out" || fail "there is command-not-found"
line "foo: oneshot success"
line "term: xterm"
[ "$(sed -n 's/^disk: //p' "$work/out")" -gt 19000 ] || fail "the disk is not 20000 MiB"
line "disks: 8G 4G"
line "xfstests: page size 4096 passed on /dev/disk/by-id/virtio-empty1"
line "paul: Test user:/home/paul"
line "packages: ii ii ii ii ii ii ii ii ii ii"
line "perf: perf version 6"
grep -aq 'This service runs right near login' vm.vmcore || fail "the dump is not this machine's"
err_has "viv: crash dump: $PWD/vm.vmcore"
