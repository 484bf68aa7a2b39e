#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a change costs: nothing changed, a user's name, one package more. The reference machine.
set -euo pipefail
mkdir -p "$BENCH/edit" && cd "$BENCH/edit"
export VIV_STORE=${BENCH_STORE:-$BENCH/store}
packages='"openssh-server", "iproute2", "htop", "vim-tiny", "kmod"'
machine() { printf 'environment.systemPackages = { %s%s }\nusers.users.%s.isNormalUser = true\n' "$packages" "$2" "$1"; }

machine paul '' >vm.lua
"$VIV" build -q --no-link >/dev/null
cp vm.lock vm.lock.before
machine paul ', "tmux"' >more.lua
# The archive is there, nothing else is: fetched once, then only the archives are kept of it.
cp -r vm.lock more.lock
"$VIV" build -q --no-link --set packages.lockFile=more.lock more.lua >/dev/null

cat >user <<'SH'
#!/bin/sh
sed -i "s/^users.*/users.users.u$(date +%N).isNormalUser = true/" vm.lua
SH
chmod +x user
cat >forget <<'SH'
#!/bin/sh
cp vm.lock.before more.lock
"$VIV" build -q --no-link more.lua --plan >/dev/null 2>&1 || true
for id in $("$VIV" store ls --json | jq -r '.[].id' | grep -- '-packages-2$'); do
	chmod -R u+w "$VIV_STORE/objects/$id"; rm -rf "$VIV_STORE/objects/$id" "$VIV_STORE/info/$id.json"
done
SH
chmod +x forget

echo "### What a change costs"
echo
hyperfine -N --runs "${RUNS:-10}" --warmup 1 --export-json times.json --style none \
	--prepare true -n "nothing changed: viv build" "$VIV build -q --no-link" \
	--prepare ./user -n "a changed user name: viv build" "$VIV build -q --no-link" \
	--prepare ./forget -n "one package more: viv build" \
	"$VIV build -q --no-link --set packages.lockFile=more.lock more.lua" >/dev/null
table times.json
