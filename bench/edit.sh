#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a change costs: nothing changed, a user's name, one package more. The reference machine.
set -euo pipefail
mkdir -p "$BENCH/edit" && cd "$BENCH/edit"
export VIV_STORE=${BENCH_STORE:-$BENCH/store}
machine() { printf 'environment.systemPackages = pkgs[[ openssh-server iproute2 htop vim-tiny kmod %s ]]\nusers.users.%s.isNormalUser = true\n' "$2" "$1"; }

# Once with the package, so that its archive is there; the result link keeps the machine without it.
machine paul tmux >vm.lua
"$VIV" build -q --no-link >/dev/null
rm vm.lock
machine paul '' >vm.lua
"$VIV" build -q >/dev/null
cp vm.lock before.lock
cp vm.lua before.lua

cat >rename-user <<'SH'
#!/bin/sh
sed -i "s/^users.*/users.users.u$(date +%N).isNormalUser = true/" vm.lua
SH
cat >add-package <<'SH'
#!/bin/sh
cp before.lock vm.lock
"$VIV" store gc --all --keep-archives -q
sed 's/kmod/kmod tmux/' before.lua >vm.lua
SH
chmod +x rename-user add-package

echo "### What a change costs"
echo
hyperfine -N --runs "${RUNS:-10}" --warmup 1 --export-json times.json --style none \
	--prepare true -n "nothing changed: viv build" "$VIV build -q --no-link" \
	--prepare ./rename-user -n "a changed user name: viv build" "$VIV build -q --no-link" \
	--prepare ./add-package -n "one package more: viv build" "$VIV build -q --no-link" >/dev/null
table times.json
