# SPDX-License-Identifier: MIT
# What a host can lack: programs, mirrors, a home, subordinate ids, user namespaces, a store that can
# be written, room on a disk. Boots nothing.
. "$(dirname "$0")/lib.sh"

# QEMU: said before anything is built
expect 125 env PATH=/nowhere "$VIV" run -q -- true
err_has "qemu-system-x86_64: no such program"
err_has "apt install qemu-system-x86"
[ ! -e vm.lock ] || fail "something was built without QEMU"

# A library that is loaded when it is needed
mkdir libraries
touch libraries/libarchive.so.13
expect 125 env LD_LIBRARY_PATH=libraries "$VIV" store import /dev/null
err_has "cannot load a library: libraries/libarchive.so.13: file too short"
err_has "install the package that has libarchive.so.13"
expect 1 env LD_LIBRARY_PATH=libraries "$VIV" doctor
out_has "install the package that has libarchive.so.13"
rm -r libraries

# A home
unset_all=(env -u XDG_CACHE_HOME -u XDG_STATE_HOME -u XDG_DATA_HOME -u XDG_CONFIG_HOME -u VIV_STORE)
touch file
expect 125 "${unset_all[@]}" HOME="$work/file" "$VIV" store ls
err_has "cannot make the store $work/file/.local/share/viv/store"
expect 0 env -u HOME -u XDG_RUNTIME_DIR "$VIV" store ls

needs_root
tiny_machine
tiny_builds
cp vm.lock good.lock

# apt, and mirrors
mkdir empty
expect 125 mounted "mount --bind /dev/null $(command -v apt-get)" "$VIV" update -q
err_has "apt is not installed"
err_has "Install the package apt"
echo 'system.init = "none"' >debian.lua
expect 125 mounted "mount --bind empty /etc/apt; mount --bind empty /var/lib/apt/lists" \
	env XDG_CACHE_HOME="$work/cache2" "$VIV" build -q debian.lua
err_has "no mirror of Debian trixie is known"
err_has 'packages.mirrors = { "http://deb.example.org/debian"'

# A store that can only be read
expect 125 mounted "mount --bind store store; mount -o remount,ro,bind store" "$VIV" build -q -p diverts
err_has "the store $VIV_STORE can only be read"
err_has "Set VIV_STORE to a folder that you can write."
expect 0 mounted "mount --bind store store; mount -o remount,ro,bind store" "$VIV" store ls
cp good.lock vm.lock
expect 125 mounted "mount --bind empty empty; mount -o remount,ro,bind empty" \
	env VIV_STORE="$work/empty/store" "$VIV" build -q
err_has "cannot make the store $work/empty/store"
err_has "Set VIV_STORE to a folder that you can write."

# A full disk, at several moments; then there is room, and the build goes on
for size in 64k 6m 12m; do
	cat >small.sh <<'S'
mount -t tmpfs -o size=$1 none empty || exit 77
export VIV_STORE=$PWD/empty/store
"$VIV" build -q >out 2>err
[ $? = 125 ] || exit 2
grep -q "No space left on device" err || exit 3
grep -q "'viv store gc --all' removes what nothing refers to; VIV_STORE moves" err ||
	grep -q "Set VIV_STORE" err || exit 4
"$VIV" store verify -q >/dev/null 2>&1 || exit 5
[ -z "$(ls -A empty/store/tmp)$(ls -A empty/store/pins)" ] || exit 6
mount -o remount,size=200m empty
"$VIV" build -q >out 2>err
grep -q "no kernel in this package" err || exit 7
"$VIV" store verify -q
S
	VIV=$VIV unshare -m bash small.sh $size
	status=$?
	[ $status != 77 ] || skip "no tmpfs can be mounted (a full disk was not tested)"
	[ $status = 0 ] || fail "a disk of $size: check $status of small.sh"
done
mkdir small
expect 125 mounted "mount -t tmpfs -o size=64k none small" \
	env XDG_CACHE_HOME="$work/small" "$VIV" update -q
err_has "No space left on device"
err_has "XDG_CACHE_HOME"
cmp vm.lock good.lock || fail "the lock file was changed"

# An ordinary user. Nobody has no subordinate ids; another user has some in a namespace where no
# further one may be made.
as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
chmod -R a+rX "$work/tiny"
chmod 755 "$work"
mkdir nobody && cp vm.lua vm.lock nobody && chown -R 65534:65534 nobody
home=(env HOME="$work/nobody" XDG_CACHE_HOME="$work/nobody/c" XDG_CONFIG_HOME="$work/nobody"
	XDG_STATE_HOME="$work/nobody/s" XDG_RUNTIME_DIR="$work/nobody" VIV_STORE="$work/nobody/store")
public_viv
"${as[@]}" "$VIV" --version >/dev/null || fail "an ordinary user can't run $VIV"
install -m 600 vm.lua nobody/secret.lua
expect 125 "${as[@]}" "${home[@]}" "$VIV" build -q nobody/secret.lua
err_has "nobody/secret.lua: Permission denied"
name=$(id -un 65534)
if grep -q "^\($name\|65534\):" /etc/subuid /etc/subgid; then
	skip "$name has subordinate ids (their lack was not tested)"
fi
command -v newuidmap >/dev/null || skip "newuidmap is missing (subordinate ids were not tested)"
expect 125 "${as[@]}" "${home[@]}" "$VIV" build -q nobody/vm.lua
err_has "$name has no subordinate ids. Add, as root,"
line=$(sed -n 's,^  to /etc/subuid the line  ,,p' err)
[[ $line =~ ^$name:[0-9]+:65536$ ]] || fail "not a line of /etc/subuid: $line"
# What it says helps.
cp /etc/subuid subuid && cp /etc/subgid subgid && echo "$line" >>subuid && echo "$line" >>subgid
expect 125 mounted "mount --bind subuid /etc/subuid; mount --bind subgid /etc/subgid" \
	"${as[@]}" "${home[@]}" "$VIV" build -q nobody/vm.lua
err_has "no kernel in this package"

# The programs that give it its ids
for p in newuidmap newgidmap; do
	expect 125 mounted "mount --bind /dev/null $(command -v $p)" \
		"${as[@]}" "${home[@]}" "$VIV" build -q nobody/vm.lua -p diverts
	err_has "cannot make a sandbox: $p is missing"
	err_has "Install the package uidmap"
done
cp vm.lock nobody/vm.lock

mkfifo up go
unshare -U sh -c 'echo >up; read _ <go; exec "$@"' sh setpriv --reuid 0 --regid 0 --clear-groups \
	sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh \
	"${as[@]}" "${home[@]}" "$VIV" build -q nobody/vm.lua -p diverts >out 2>err &
read -r _ <up
echo "0 0 65536" >/proc/$!/uid_map
echo "0 0 65536" >/proc/$!/gid_map
echo >go
wait $!
[ $? = 125 ] || fail "no user namespaces: not 125"
err_has "user namespaces are switched off (user.max_user_namespaces = 0)"
err_has "sudo sysctl --system"
