# SPDX-License-Identifier: MIT
# The store's commands, on a store that an import has filled. Boots nothing.
streams=$(cd "$(dirname "$0")/../fuzz/corpus/store_import" && pwd)
. "$(dirname "$0")/lib.sh"

export VIV_STORE=$work/store
file=aaca06892a90ca87f852b458a0e33430-a
folder=5ad634a354a50d5973ee067f29c3e681-b

expect 0 "$VIV" store ls
out_is ""
expect 0 "$VIV" store import -q "$streams/closure.tar"
out_is "$file
$folder"
expect 0 "$VIV" store ls
out_has "$file"
out_has "  t  "
expect 0 "$VIV" store ls --json b
out_has "\"id\": \"$folder\""
expect 0 "$VIV" store closure "${folder%"${folder#????}"}"
out_is "$file
$folder"
expect 0 "$VIV" store du --json
out_has '"closureSize": 8'
expect 0 "$VIV" store du
out_has "2 objects"

# what can't be
expect 125 "$VIV" store closure nothing
err_has 'no object "nothing" in the store'
expect 2 "$VIV" store closure
expect 2 "$VIV" store gc --max-size much
err_has 'expected a size such as 20G, got "much"'
expect 2 "$VIV" store gc --all --max-size 20G
expect 125 env VIV_STORE="$work/third" "$VIV" store import -q "$streams/through-link.tar"
err_has "is not in a folder of the same object"
expect 125 env VIV_STORE=/usr "$VIV" store ls
err_has "is not a store"

# export, to a file and through a pipe, and into another store
expect 0 "$VIV" store export -q b -o file.tar
"$VIV" store export -q b | cat >pipe.tar
cmp -s file.tar pipe.tar || fail "an export to a file and one to a pipe differ"
expect 0 env VIV_STORE="$work/other" "$VIV" store import -q <pipe.tar
VIV_STORE=$work/other "$VIV" store export -q b >other.tar
cmp -s file.tar other.tar || fail "an export of an import differs"

# damage
expect 0 "$VIV" store verify
out_is "everything is as it was stored"
chmod u+w "$VIV_STORE/objects/$file"
printf y >"$VIV_STORE/objects/$file"
expect 1 "$VIV" store verify -q --dry-run
out_has "$file: the content has changed"
out_has "$folder: refers to $file, which is damaged"
expect 1 "$VIV" store verify -q
expect 0 "$VIV" store verify -q
expect 0 "$VIV" store import -q "$streams/closure.tar"

# collection
ln -s "$VIV_STORE/objects/$folder" result
expect 0 "$VIV" store gc -q
expect 0 "$VIV" store gc --dry-run --all
out_has "would remove 2 objects (8 B), kept 0 (0 B)"
expect 0 "$VIV" store gc --max-size 7
out_has "removed 1 objects (7 B), kept 1 (1 B)"
expect 0 "$VIV" store gc --all --json
out_has "\"$file\""
[ -z "$(find "$VIV_STORE" -mindepth 2)" ] || fail "left in the store: $(find "$VIV_STORE" -mindepth 2)"

# nobody may write there
if [ "$(id -u)" != 0 ]; then
	chmod a-w "$VIV_STORE/lock" "$VIV_STORE"
	expect 125 "$VIV" store gc
	err_has "can only be read"
	expect 0 "$VIV" store ls
fi
