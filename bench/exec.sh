#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A command in a machine that runs, and files into it and out of it.
set -euo pipefail
cd "$BENCH"
export VIV_STORE=${BENCH_STORE:-$BENCH/store} XDG_RUNTIME_DIR=$BENCH/runtime
mkdir -p hand runtime share
chmod 700 runtime
cd hand
printf 'system.init = "none"\nvirtualisation.diskSize = "8G"\nvirtualisation.memorySize = "4G"\n' >vm.lua
size=${SIZE:-1073741824}
head -c "$size" /dev/urandom >file
"$VIV" run -d -q --share "$PWD:/mnt/in" --share "$BENCH/share:/mnt/out:rw" >/dev/null
trap '"$VIV" stop --all --now' EXIT

echo "### A command in a machine that runs"
echo
hyperfine -N --runs "${RUNS:-100}" --warmup 10 --export-json exec.json --style none \
	-n "viv --version (the program's own start)" "$VIV --version" \
	-n "viv exec -- true" "$VIV exec vm -- true" \
	-n "viv exec -- sh -c 'exit 0'" "$VIV exec vm -- sh -c 'exit 0'" >/dev/null
table exec.json

# Both ways end on the guest's disk, or on the host's; what was there before is gone.
clear_in="$VIV exec vm -- rm -f /var/in"
echo
echo "### A file of $((size >> 20)) MiB into the machine"
echo
hyperfine -N --runs "${COPIES:-3}" --export-json in.json --style none \
	--prepare "$clear_in" -n "cp in the guest, from a share" "$VIV exec vm -- cp /mnt/in/file /var/in" \
	--prepare "$clear_in" -n "viv cp" "$VIV cp -q file vm:/var/in" >/dev/null
table in.json
echo
echo "### and out of it"
echo
hyperfine -N --runs "${COPIES:-3}" --export-json out.json --style none \
	--prepare "rm -f $BENCH/share/out" -n "cp in the guest, to a share" "$VIV exec vm -- cp /var/in /mnt/out/out" \
	--prepare "rm -f out" -n "viv cp" "$VIV cp -q vm:/var/in out" >/dev/null
table out.json
cmp file out
cmp file "$BENCH/share/out"
