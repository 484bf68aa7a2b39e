#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A command in a machine that runs, and files into it and out of it.
set -euo pipefail
cd "$BENCH"
export VIV_STORE=${BENCH_STORE:-$BENCH/store} XDG_RUNTIME_DIR=$BENCH/runtime
mkdir -p hand runtime
chmod 700 runtime
cd hand
printf 'system.init = "none"\nvirtualisation.diskSize = "8G"\nvirtualisation.memorySize = "4G"\n' >vm.lua
size=${SIZE:-1073741824}
head -c "$size" /dev/urandom >file
"$VIV" run -d -q >/dev/null
trap '"$VIV" stop --all --now' EXIT

echo "### A command in a machine that runs"
echo
hyperfine -N --runs "${RUNS:-100}" --warmup 10 --export-json exec.json --style none \
	-n "viv --version (the program's own start)" "$VIV --version" \
	-n "viv exec -- true" "$VIV exec vm -- true" \
	-n "viv exec -- sh -c 'exit 0'" "$VIV exec vm -- sh -c 'exit 0'" >/dev/null
table exec.json
echo
echo "### A file of $((size >> 20)) MiB"
echo
hyperfine -N --runs 3 --export-json cp.json --style none \
	--prepare "$VIV exec vm -- rm -f /var/in" -n "in: viv cp" "$VIV cp -q file vm:/var/in" \
	--prepare "rm -f out" -n "out: viv cp" "$VIV cp -q vm:/var/in out" \
	--prepare "$VIV exec vm -- rm -f /var/copy" -n "in the guest: cp" "$VIV exec vm -- cp /var/in /var/copy" >/dev/null
table cp.json
cmp file out
