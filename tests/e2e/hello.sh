# SPDX-License-Identifier: MIT
# The README's example: a systemd machine, up to a command's output.
. "$(dirname "$0")/lib.sh"

root=$(cd "$(dirname "$0")/../.." && pwd)
cp "$root/examples/hello/vm.lua" .
expect 0 "$VIV" run vm.lua -- sh -c 'uname -s; . /etc/os-release; echo $VERSION_CODENAME; hostname; htop --version | head -n 1; systemctl is-active multi-user.target; systemctl --failed --no-legend'
grep -q '^Linux$' out || fail "no uname"
out_has trixie
out_has hello
out_has "htop 3"
out_has active
[ "$(tail -n 1 out)" = active ] || fail "failed units: $(tail -n +6 out)"
# The package database is whole.
expect 0 "$VIV" run vm.lua -- sh -c 'dpkg --audit; dpkg -l htop | tail -n 1; dpkg -V'
out_has "ii  htop"
