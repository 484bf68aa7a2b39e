# SPDX-License-Identifier: MIT
# The older release as a guest: systemd, and without an init system.
. "$(dirname "$0")/lib.sh"

cat >vm.lua <<'LUA'
packages.release = "bookworm"
networking.hostName = "older"
users.users.paul = { isNormalUser = true, initialPassword = "x" }
systemd.services.foo = { script = "echo ran >/run/foo", serviceConfig = { Type = "oneshot" }, wantedBy = { "multi-user.target" } }
LUA
expect 0 "$VIV" run -q -- sh -ec '
	. /etc/os-release
	[ "$VERSION_CODENAME" = bookworm ]
	[ -L /bin ] # hard links of packages name files below it
	[ /bin/uncompress -ef /usr/bin/gunzip ]
	dpkg-query -s usr-is-merged >/dev/null # and not usrmerge, which takes perl along
	[ ! -e /var/lib/dpkg/info/usrmerge.list ]
	dpkg -V
	[ "$(cat /run/foo)" = ran ]
	[ "$(systemctl --failed --quiet)" = "" ]
	su -c "id -un" paul'
out_is paul
sed -i /systemd/d vm.lua
expect 0 "$VIV" run -q --set system.init=none -- sh -ec '. /etc/os-release; [ ! -e /run/systemd ]; dpkg -V; echo "$VERSION_CODENAME"'
out_is bookworm
