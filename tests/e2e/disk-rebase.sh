# SPDX-License-Identifier: MIT
# slow
# A kept disk and the layers it was made on; disk-rebase-root.sh has a whole system on its disk.
. "$(dirname "$0")/lib.sh"

quick_machine
run() { "$VIV" run -q -p e2fsprogs "$@"; }
other='--set environment.etc.new.text=new'
hide='echo mine >/etc/mine; echo more >>/etc/motd; rm /usr/bin/ldd; rm -r /usr/share/doc/apt; mkdir /usr/share/doc/apt'

# Other layers, and nothing in the way of what is new: it goes on as it is.
expect 0 run --keep -- sh -c 'echo mine >/etc/mine'
expect 0 run --keep $other -- cat /etc/mine /etc/new
expect 0 run --keep -- sh -c "$hide"
# Something in the way
expect 125 run --keep $other -- true
for path in /etc/motd /usr/bin/ldd /usr/share/doc/apt; do
	err_has "the disk's $path hides another one"
done
err_has "3 of its files hide"
err_has "--rebase"
# Nothing was changed by asking.
expect 0 run --keep -- sh -c 'cat /etc/mine; [ ! -e /usr/bin/ldd ]'
out_is mine
expect 0 run --keep --rebase $other -- sh -c \
	'cat /etc/mine /etc/new; tail -n 1 /etc/motd; [ -x /usr/bin/ldd ] && [ -e /usr/share/doc/apt/copyright ]'
[ "$(tr -d '\n' <out)" = minenewmore ] || fail "not what was kept"
expect 0 run --keep $other -- cat /etc/mine
expect 0 run --keep --fresh -- sh -c '[ ! -e /etc/mine ]'
expect 125 run --keep --fresh --rebase -- true
