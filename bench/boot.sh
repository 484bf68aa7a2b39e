#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `viv run -- true` beside the floor: the same kernel with an initrd whose init powers off at once; and
# a systemd machine up to a command's output, beside debvm-run up to its login prompt.
set -euo pipefail
cd "$BENCH"
export VIV_STORE=${BENCH_STORE:-$BENCH/store}
mkdir -p none sd floor
echo 'system.init = "none"' >none/vm.lua
echo 'virtualisation.cores = 2' >sd/vm.lua # as debvm-run gives its machine
"$VIV" build -q --no-link --json none/vm.lua >none/built
"$VIV" build -q --no-link --json sd/vm.lua >sd/built

cat >floor/init.c <<'C'
#include <sys/reboot.h>
int main(void) { reboot(RB_POWER_OFF); for (;;); }
C
musl-gcc -static -Os -s -o floor/init floor/init.c
(cd floor && echo init | cpio -o -H newc --quiet >initrd)
kernel=$(jq -r .kernel none/built)
params=$("$VIV" run --dry-run -q none/vm.lua -- true | sed -n "s/^ *-append '\([^']*\)'.*/\1/p")
cat >floor/run <<SH
#!/bin/sh
exec qemu-system-x86_64 -M q35 -accel tcg -m 1024 -nodefaults -no-user-config -display none -no-reboot \
	-serial file:$BENCH/floor/log -kernel $kernel -initrd $BENCH/floor/initrd -append '$params'
SH
cat >no-kvm <<'SH'
#!/bin/sh
# no-kvm COMMAND…: runs it where there is no /dev/kvm; debvm-run aborts where that is there but useless
exec unshare -m sh -c '
mkdir -p "$BENCH/dev" && mount --bind /dev "$BENCH/dev" && mount -t tmpfs dev /dev
for d in null zero full random urandom tty; do : >/dev/$d; mount --bind "$BENCH/dev/$d" /dev/$d; done
mkdir /dev/shm && mount -t tmpfs shm /dev/shm
ln -s /proc/self/fd /dev/fd; ln -s fd/0 /dev/stdin; ln -s fd/1 /dev/stdout; ln -s fd/2 /dev/stderr
exec "$@"' sh "$@"
SH
chmod +x floor/run no-kvm

echo "### A command in a machine without an init system"
echo
hyperfine -N --runs "${RUNS:-7}" --warmup 1 --export-json none.json --style none \
	-n "the floor: kernel, power off" "$BENCH/floor/run" \
	-n "viv run -- true (init none)" "$VIV run -q none/vm.lua -- true" >/dev/null
table none.json
echo
command -v debvm-create >/dev/null || { echo "debvm is not installed: no comparison with it"; exit 0; }
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
# On QEMU before 8.0 without KVM, trixie's kernel dies of its default CPU: debvm-run gets the one that viv uses.
debvm-create -o debvm.ext4 -r trixie -- "$mirror" >/dev/null 2>&1
echo "### A systemd machine: to a command's output, and to a login prompt"
echo
hyperfine -N --runs "${RUNS:-5}" --export-json sd.json --style none \
	-n "debvm-run, to its login prompt" "$BENCH/no-kvm $TOOLS/until login: debvm-run -i $BENCH/debvm.ext4 -- -cpu qemu64,-cx16" \
	-n "viv run -- echo up, to the output" "$TOOLS/until up $VIV run -q sd/vm.lua -- echo up" >/dev/null
table sd.json
