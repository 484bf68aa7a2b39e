# SPDX-License-Identifier: MIT
# viv build --plan says what would be built, and why. Boots nothing.
. "$(dirname "$0")/lib.sh"

plan() { expect 0 "$VIV" build -q --plan "$@"; }

quick_machine
plan
grep -q 'would be built' "$work/out" && fail "something would be built after a build"
plan --set networking.hostName=other
out_has "would be built: first build"
expect 0 "$VIV" build -q
plan --set networking.hostName=other
out_has "etc            would be built: etc/hostname changed, etc/hosts changed"
out_has "other          would be built: etc changed"
plan --set 'users.users.anna={"isNormalUser":true}'
out_has "would be built: users.users.anna added"
# A password in plain text stays out of the store: recipes are kept there, too.
expect 0 "$VIV" build -q --no-link --set 'users.users.anna={"isNormalUser":true,"password":"pass-of-anna"}'
! grep -rl pass-of-anna "$VIV_STORE" || fail "the password is in the store"
plan --add boot.kernelParams=quiet
out_has "would be built: kernel parameter quiet added"
expect 0 "$VIV" build -q --plan --json --set boot.initrd.kernelModules=nbd
out_has '"module nbd added"'
out_has '"there": true'

# The link is there, what it points to is not.
expect 0 env VIV_STORE="$work/empty" "$VIV" build -q --plan
out_has "would be built: the last build is no longer in the store"

# A lock file that was made anew gets what the layers gave out; a machine that is gone leaves it.
cp vm.lua gone.lua
expect 0 "$VIV" build -q --no-link gone.lua
rm gone.lua
python3 - <<'PY'
import json
lock = json.load(open("vm.lock"))
assert "gone.lua" in lock["machines"]
lock["machines"]["vm.lua"]["accounts"] = {}
json.dump(lock, open("vm.lock", "w"))
PY
expect 0 "$VIV" build --no-link
err_has "vm.lock: gone.lua is no longer recorded: there is no such file"
python3 - <<'PY' || fail "vm.lock is not mended"
import json
machines = json.load(open("vm.lock"))["machines"]
assert "gone.lua" not in machines and machines["vm.lua"]["accounts"]["base"]["groups"]
PY
