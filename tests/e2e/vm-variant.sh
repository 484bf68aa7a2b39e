# SPDX-License-Identifier: MIT
# slow
# examples/vm-variant: what is said of real hardware is not in the way of its virtual machine.
. "$(dirname "$0")/lib.sh"

cp "$tests/../examples/vm-variant/vm.lua" .
expect 0 "$VIV" run -q -- sh -c 'hostname; findmnt -n -o SOURCE,FSTYPE /srv; df --output=size -m /srv | tail -n 1
	swapon --noheadings; systemctl is-system-running; systemctl --failed --no-legend; rsync --version | head -c 5'
[ "$(sed 's/^ *//; s,/dev/vd[a-z],disk,' out | grep -v '^4[0-9][0-9]$')" = "archive-vm
disk xfs
running
rsync" ] || fail "not the machine of the example"
