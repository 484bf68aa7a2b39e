# SPDX-License-Identifier: MIT
# A kept disk and the layers it was made on; the whole system on a disk.
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
rm vm.qcow2

# The same tree, on a file system of its own: owners, modes, times, links, capabilities.
cat >tree.sh <<'EOF'
cd /
skip='-path ./proc -o -path ./sys -o -path ./dev -o -path ./run -o -path ./tmp -o -path ./lost+found -o -path ./var/lib/viv'
find . -xdev \( $skip \) -prune -o ! -type d -printf '%p %y %m %U %G %s %T@ %l %n\n' | sort
find . -xdev -mindepth 1 \( $skip \) -prune -o -type d -printf '%p %y %m %U %G %T@\n' | sort
find . -xdev \( $skip \) -prune -o -type f -print0 | sort -z | xargs -0 cksum
EOF
root="--set virtualisation.rootFileSystem=ext4"
expect 0 run --set virtualisation.diskImage=null -- sh -c "$(cat tree.sh)"
mv out overlay
expect 0 run $root --keep -- sh -c "$(cat tree.sh); grep -q ' / ext4 ' /proc/mounts && touch /usr/mine"
cmp -s overlay out || { diff overlay out | head -20 >err; fail "the trees differ"; }
expect 0 run $root --keep -- rm /usr/mine /usr/bin/ldd
expect 125 run $root --keep $other -- true
err_has "holds the system of another description"
expect 0 run $root --keep --rebase $other -- sh -c 'cat /etc/new; [ -x /usr/bin/ldd ]'
out_is new
expect 125 run $root --set virtualisation.diskImage=null -- true
err_has "virtualisation.rootFileSystem: needs a disk"
