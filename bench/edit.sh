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
cat >change-unit <<'SH'
#!/bin/sh
sed -i "s/^Description.*/Description=$(date +%N)/; s/sleep [0-9]*/sleep $(date +%N)/" units/vm.lua
SH
chmod +x rename-user add-package change-unit

# Units are verified by the machine's own systemd.
mkdir units && cp vm.lock units/
cat before.lua - >units/vm.lua <<'LUA'
systemd.services.foo = { script = "sleep 1", serviceConfig = { Type = "oneshot" }, wantedBy = { "multi-user.target" } }
environment.etc["systemd/system/bar.service"].text = [[
[Unit]
Description=bar
[Service]
ExecStart=/bin/true
]]
environment.etc.motd.text = "Welcome"
LUA
"$VIV" build -q --no-link units/vm.lua >/dev/null

echo "### What a change costs"
echo
hyperfine -N --runs "${RUNS:-10}" --warmup 1 --export-json times.json --style none \
	--prepare true -n "nothing changed: viv build" "$VIV build -q --no-link" \
	--prepare ./rename-user -n "a changed user name: viv build" "$VIV build -q --no-link" \
	--prepare ./change-unit -n "two changed units: viv build" "$VIV build -q --no-link units/vm.lua" \
	--prepare ./add-package -n "one package more: viv build" "$VIV build -q --no-link" >/dev/null
table times.json
