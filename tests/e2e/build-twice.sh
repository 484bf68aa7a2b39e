# SPDX-License-Identifier: MIT
# Two builds at once in one store; a build that is killed; what they leave.
. "$(dirname "$0")/lib.sh"

quick_machine
# Another machine on the same packages: only the layers on top are built, in a store of their own.
export VIV_STORE=$work/store
cp -r "$shared/quick.lock" vm.lock

"$VIV" build --no-link -q >one 2>one.err &
first=$!
"$VIV" build --no-link -q >two 2>two.err &
second=$!
wait $first || fail "the first of two builds: $(cat one.err)"
wait $second || fail "the second of two builds: $(cat two.err)"
[ "$(cat one)" = "$(cat two)" ] || fail "two builds at once gave $(cat one) and $(cat two)"
expect 0 "$VIV" store verify
expect 0 "$VIV" store du

# The same bytes as in the other store; the run script beside the system names its store.
a=$(readlink -f "$(cat one)/system")
[ -e "$a/layer-0-base" ] || fail "no layers in $a"
for f in "$a"/layer-*; do
	cmp "$f" "$shared/store/objects/$(basename "$a")/$(basename "$f")" || fail "$(basename "$f") differs"
done
