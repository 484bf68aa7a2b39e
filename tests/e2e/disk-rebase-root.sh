# SPDX-License-Identifier: MIT
# slow
# The whole system on a disk: it is the tree of the layers, and follows other layers on demand.
. "$(dirname "$0")/lib.sh"

quick_machine
run() { "$VIV" run -q -p e2fsprogs "$@"; }
other='--set environment.etc.new.text=new'

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
