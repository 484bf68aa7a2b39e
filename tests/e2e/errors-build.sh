# SPDX-License-Identifier: MIT
# Builds that are interrupted, and a store with damage: the next build mends it. A guest larger than
# the host. Boots nothing.
. "$(dirname "$0")/lib.sh"

tiny_machine
tiny_builds

# A layer's image
layer=$(basename "$VIV_STORE"/objects/*-tiny-packages)
image=$(find "$VIV_STORE/objects/$layer" -type f -size +3k | head -n 1)
[ -n "$image" ] || fail "no image in $layer"
cp "$image" right.img
spoil() { # COMMAND…: with the image's name behind
	chmod u+w "$VIV_STORE/objects/$layer" "$image"
	"$@" "$image"
}
mended() {
	expect 0 "$VIV" store verify
	cmp "$image" right.img || fail "the layer that was made again is another"
}

# Too short, or gone: the build itself sees it.
for how in "truncate -s 4096" "rm"; do
	# shellcheck disable=SC2086
	spoil $how
	expect 125 "$VIV" build -q
	err_has "damaged, will be made again: $layer"
	err_has "no kernel in this package"
	mended
done

# Other bytes: `viv store verify` sees it, and the build after it.
flip() { printf '\377\000\377' | dd of="$1" bs=1 seek=1500 conv=notrunc status=none; }
spoil flip
expect 1 "$VIV" store verify -q
out_has "$layer: the content has changed"
expect 125 "$VIV" build -q
err_has "no kernel in this package"
mended

# What the store knows of it
chmod u+w "$VIV_STORE/info/$layer.json"
echo '{"id": ' >"$VIV_STORE/info/$layer.json"
expect 125 "$VIV" build -q
err_has "damaged, will be made again: $layer"
mended

# What layers and kernels are made of: archives, and their unpacked forms. A layer that is gone is
# made of them anew.
for part in "-large_1.0_*.deb" "-hello_1.0_*.plain.deb" "-hello_1.0_*64.deb"; do
	file=$(find "$VIV_STORE/objects" -name "*$part")
	chmod u+w "$file" && truncate -s 500 "$file"
	case $part in
	*64.deb) rm "$VIV_STORE"/info/*-hello_*.plain.deb.json ;;&
	-hello*) rm "$VIV_STORE/info/$layer.json" ;;
	esac
	expect 125 "$VIV" build -q
	err_has "damaged, will be made again: ${file##*/}"
	err_has "no kernel in this package"
	mended
done

# Ctrl-C (and the others) while a package's script runs: in a process namespace of its own, where
# whatever stays behind can be seen. Its child is a viv with the signals of a shell's foreground job.
tiny_machine hangs
cat >interrupt.sh <<'S'
mkfifo log
env --default-signal "$VIV" run --status ended.json -- true >out 2>log &
viv=$!
while read -r line <&3; do
	[ "$line" != "viv: installing the packages layer" ] || break
done 3<log 2>/dev/null
exec 3<log
kill -"$1" $viv
wait $viv
status=$?
[ $status = "$2" ] || { echo "SIG$1: status $status"; exit 1; }
grep -q "\"status\": $2" ended.json && grep -q '"kind": "signal"' ended.json ||
	{ echo "SIG$1: $(cat ended.json)"; exit 1; }
# The kernel may still be at ending them.
for pid in $(ps -e -o pid=); do
	[ "$pid" = $$ ] || timeout 60 tail -s 0.1 --pid="$pid" -f /dev/null
done
left=$(ps -e -o pid= -o args= | grep -v -e "ps -e" -e interrupt.sh -e grep)
[ -z "$left" ] || { echo "SIG$1: still there: $left"; exit 1; }
S
if [ "$(id -u)" = 0 ] && unshare -pf --mount-proc true 2>/dev/null; then
	for pair in INT:130 TERM:143 HUP:129; do
		rm -f log
		VIV=$VIV expect 0 timeout 300 unshare -pf --mount-proc bash interrupt.sh ${pair%:*} ${pair#*:}
		expect 0 "$VIV" store verify
		! "$VIV" store ls | grep -q "hangs.*layer" || fail "half a layer is in the store"
	done
else
	note="interruptions were not tested: they need root and a process namespace"
fi
tiny_machine hello diverts
tiny_builds
[ -z "$(ls -A "$VIV_STORE/tmp" "$VIV_STORE/pins" | grep -v :)" ] || fail "left: $(ls -A "$VIV_STORE/tmp" "$VIV_STORE/pins")"

# A guest that is larger than the host
command -v qemu-system-x86_64 >/dev/null || skip "no QEMU (a guest without memory was not tested) ${note:-}"
[ "$(cat /proc/sys/vm/overcommit_memory)" != 1 ] || skip "this host hands out memory that it hasn't ${note:-}"
export VIV_STORE=$shared/store XDG_CACHE_HOME=$shared/cache
quick_machine
expect 125 "$VIV" run -q --set virtualisation.memorySize=900G -- true
err_has "This host has not enough memory for the guest: lower virtualisation.memorySize"
[ -z "${note:-}" ] || skip "$note"
