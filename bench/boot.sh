#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `viv run -- true` beside the floor: the same kernel with an initrd whose init powers off at once; and
# a systemd machine up to a command's output, beside debvm-run up to its login prompt.
set -euo pipefail
cd "$BENCH"
export VIV_STORE=${BENCH_STORE:-$BENCH/store}
mkdir -p none sd floor
echo 'system.init = "none"' >none/vm.lua
echo 'environment.systemPackages = { "openssh-server", "iproute2" }' >sd/vm.lua
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
# Runs a command until it has printed a text, then ends it.
cat >until <<'SH'
#!/usr/bin/env bash
text=$1; shift
coproc P { exec setsid "$@" 2>&1 </dev/null; }
pid=$P_PID
seen=
while IFS= read -r -n 1 -d '' c <&"${P[0]}"; do
	seen=${seen: -200}$c
	[[ $seen == *"$text"* ]] && break
done
kill -- -"$pid"
wait "$pid" 2>/dev/null
exit 0
SH
chmod +x floor/run until

echo "### A command in a machine without an init system"
echo
hyperfine -N --runs "${RUNS:-7}" --warmup 1 --export-json none.json --style none \
	-n "the floor: kernel, power off" "$BENCH/floor/run" \
	-n "viv run -- true (init none)" "$VIV run -q none/vm.lua -- true" >/dev/null
table none.json
echo
command -v debvm-create >/dev/null || { echo "debvm is not installed: no comparison with it"; exit 0; }
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
debvm-create -o debvm.ext4 -r trixie -- "$mirror" >/dev/null 2>&1
echo "### A systemd machine: to a command's output, and to a login prompt"
echo
hyperfine -N --runs "${RUNS:-5}" --export-json sd.json --style none \
	-n "debvm-run, to its login prompt" "$BENCH/until login: debvm-run -i $BENCH/debvm.ext4" \
	-n "viv run -- echo up, to the output" "$BENCH/until up $VIV run -q sd/vm.lua -- echo up" >/dev/null
table sd.json
