# SPDX-License-Identifier: MIT
# Owners in shares of an ordinary user: what is his is root's in the guest, and the other way round.
. "$(dirname "$0")/lib.sh"

needs_root
command -v newuidmap >/dev/null || skip "newuidmap is missing"
quick_machine
user=65534
as() { # COMMAND…: as an ordinary user with subordinate ids
	mounted "mount --bind $work/subuid /etc/subuid; mount --bind $work/subgid /etc/subgid" \
		setpriv --reuid $user --regid $user --groups 4 env HOME="$work/u/home" \
		XDG_CACHE_HOME="$work/u/c" XDG_CONFIG_HOME="$work/u/cfg" XDG_STATE_HOME="$work/u/s" \
		XDG_RUNTIME_DIR="$work/u/run" VIV_STORE="$work/u/store" "$@"
}
grep -v "^$user:" /etc/subuid >subuid; echo "$user:300000:65536" >>subuid
grep -v "^$user:" /etc/subgid >subgid; echo "$user:300000:65536" >>subgid
chmod 755 "$work"
mkdir -p u/{home,run,proj}
chmod 700 u/run
"$VIV" build -q >/dev/null
"$VIV" store export -q -o system.tar "$(basename "$(readlink result)")"
cp vm.lua vm.lock u/proj
chown -R $user:$user u
public_viv
as "$VIV" --version >/dev/null || fail "an ordinary user can't run $VIV"
expect 0 as "$VIV" store import -q system.tar

cd u/proj || exit 1
echo yours >other && echo readable >readable && chmod 600 other
install -o $user -g $user -m 600 /dev/null private
cat >script <<'S'
set -e
[ "$(stat -c %u:%g .)" = 0:0 ] && [ "$(stat -c %u:%g private)" = 0:0 ]
[ "$(stat -c %u readable)" = 65534 ] && [ "$(cat readable)" = readable ]
! cat other; ! sh -c 'echo x >readable'; ! chown 0:0 readable
mkdir made; echo a >made/a; chmod 777 made; chown 1000:1000 made/a
! mknod made/null c 1 3
cat >as-1000 <<T
cd made && touch b && mkdir /tmp/xchg/d && touch /tmp/xchg/d/e
! touch ../c
T
setpriv --reuid 1000 --regid 1000 --clear-groups sh -e as-1000
S
chown $user:$user script
expect 0 as "$VIV" run -q --rw --timeout 5m -- sh script
owner_is() { [ "$(stat -c %u:%g "$1")" = "$2" ] || fail "$1 belongs to $(stat -c %u:%g "$1"), not $2"; }
owner_is made $user:$user
owner_is as-1000 $user:$user
owner_is made/a 300999:300999
owner_is made/b 300999:300999
owner_is readable 0:0
# What users of the guest's left in /tmp/xchg is gone, too.
[ -z "$(ls -A "$work/u/run/viv")" ] || fail "left: $(find "$work/u/run/viv")"
