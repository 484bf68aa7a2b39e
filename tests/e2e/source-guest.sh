# SPDX-License-Identifier: MIT
# slow
# A changed file of a tree is compiled alone, by Debian's compiler. source-guest.test.lua has the packages in a guest.
. "$(dirname "$0")/lib.sh"

command -v git >/dev/null || skip "git is missing"
cp -r "$tests/e2e/source-guest/tree" .
echo "/* $work */" | tee -a tree/a.c >>tree/b.c # as no earlier run built it
git init -q tree
cat >vm.lua <<'V'
packages.release = "trixie"
system.init = "none"
packages.overlays = {
	function(final, prev) return { alone = mkPackage{ name = "alone", src = fetchGit "./tree" } } end,
}
environment.systemPackages = { "alone" }
V
expect 0 "$VIV" build --no-link
log=$(ls -d "$XDG_CACHE_HOME"/viv/builds/alone-*/log | head -n 1)
grep -q 'a\.c' "$log" && grep -q 'b\.c' "$log" || fail "not both were compiled: $(cat "$log")"
sed -i s/42/43/ tree/b.c
expect 0 "$VIV" build --no-link --locked
grep -q 'b\.c' "$log" && ! grep -q 'a\.c' "$log" || fail "not b.c alone was compiled: $(cat "$log")"
rm -rf "$XDG_CACHE_HOME"/viv/builds/alone-*
