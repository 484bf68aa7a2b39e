# SPDX-License-Identifier: MIT
# A machine that starts from an ISO: nothing is built for it, and it has this terminal. cdrom.test.lua has its screen.
. "$(dirname "$0")/lib.sh"

terminal=$tests/e2e/terminal.py
iso=/usr/lib/grub-rescue/grub-rescue-cdrom.iso
[ -r $iso ] || skip "grub-rescue-pc is missing"
export VIV_STORE=$work/store

# Its menu on this terminal, too. The blank disk before it in the order is passed over.
expect 0 "$terminal" 300 'Memtest86+' '\x01x' -- "$VIV" run -q --cdrom $iso
expect 0 "$VIV" store ls
[ ! -s "$work/out" ] || fail "something was built"

expect 125 "$VIV" run -q --cdrom $iso -- true
err_has "no command can be run in it"
expect 125 "$VIV" run -q --cdrom nowhere.iso
err_has "virtualisation.cdrom: $work/nowhere.iso: No such file or directory"
