# SPDX-License-Identifier: MIT
# slow
# The whole system on xfs and btrfs: copied at the first start, found at the second, asked for when the
# description changes. (ext4: disk-rebase-root.sh, disks-systemd.sh)
. "$(dirname "$0")/lib.sh"

quick_machine
other='--set environment.etc.new.text=new'
for type in xfs btrfs; do
	run() { "$VIV" run -q --keep --set virtualisation.rootFileSystem=$type "$@"; }
	expect 0 run -- sh -c 'stat -f -c %T /; touch /usr/mine; rm /usr/bin/ldd'
	out_is $type
	expect 0 run -- sh -c 'ls /usr/mine; [ ! -e /usr/bin/ldd ]'
	expect 125 run $other -- true
	err_has "the disk viv-disk holds the system of another description"
	expect 0 run --rebase $other -- sh -c 'cat /etc/new; ls /usr/mine /usr/bin/ldd'
	rm vm.qcow2
done
