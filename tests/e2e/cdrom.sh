# SPDX-License-Identifier: MIT
# A machine that starts from an ISO: nothing is built for it, its screen and console show what it does.
. "$(dirname "$0")/lib.sh"

terminal=$tests/e2e/terminal.py
iso=/usr/lib/grub-rescue/grub-rescue-cdrom.iso
[ -r $iso ] || skip "grub-rescue-pc is missing"
export VIV_STORE=$work/store

# Its menu on this terminal, too. The blank disk before it in the order is passed over.
expect 0 "$terminal" 300 'Memtest86+' '\x01x' -- "$VIV" run -q --cdrom $iso
expect 0 "$VIV" store ls
[ ! -s "$work/out" ] || fail "something was built"

# On the screen: a picture with something on it.
expect 0 "$VIV" run -q --detach --name rescue --cdrom $iso
trap '"$VIV" stop rescue 2>/dev/null; cleanup' EXIT
timeout 300 "$VIV" logs -f rescue | grep -q -m 1 'executed automatically' || fail "no menu"
expect 0 "$VIV" screenshot rescue menu.png
python3 - <<'PY' || fail "the screen is empty"
import struct, zlib
data = open("menu.png", "rb").read()
at, pixels = 8, b""
while at < len(data):
    n, kind = struct.unpack(">I4s", data[at:at + 8])
    if kind == b"IDAT":
        pixels += data[at + 8:at + 8 + n]
    at += 12 + n
width, height = struct.unpack(">II", data[16:24])
raw = zlib.decompress(pixels)
lit = sum(1 for b in raw if b) / len(raw)  # filtered: what is like its neighbour is 0
assert width >= 640 and height >= 400 and lit > 0.01
PY
expect 0 "$VIV" stop rescue

expect 125 "$VIV" run -q --cdrom $iso -- true
err_has "no command can be run in it"
expect 125 "$VIV" run -q --cdrom nowhere.iso
err_has "virtualisation.cdrom: $work/nowhere.iso: No such file or directory"
