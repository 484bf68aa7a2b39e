# SPDX-License-Identifier: MIT
# The host's folders in the guest: the current one, --share, sharedDirectories, /tmp/xchg; their owners,
# what leads out of them, and what becomes of virtiofsd. services.test.lua has them with systemd.
. "$(dirname "$0")/lib.sh"

for p in virtiofsd /usr/libexec/virtiofsd /usr/lib/virtiofsd /usr/lib/qemu/virtiofsd; do
	command -v $p >/dev/null && virtiofsd=$(command -v $p) && break
done
[ -n "${virtiofsd:-}" ] || skip "there is no virtiofsd"

quick_machine
mkdir -p 'proj, 1/sub' data/in
cp vm.* 'proj, 1'
echo secret >secret
echo host >data/in/file
cd 'proj, 1' || exit 1
echo mine >file
ln -s ../secret relative
ln -s "$work/secret" absolute
echo "virtualisation.sharedDirectories.data = { source = \"../data\", target = \"/srv/a/data\" }" >>vm.lua
vm() { "$VIV" run -q --timeout 5m "$@"; }

# One boot: where commands start, what is thrown away, what can't be written, what leads nowhere.
cat >script <<'S'
set -e
[ "$(pwd)" = "$1" ] && [ "$(cat file)" = mine ]
echo changed >file; echo new >new; rm -r sub; mkdir d; mv d e; echo x >e/f
[ "$(cat file)" = changed ]
! cat relative; ! cat absolute; ! cat ../secret
[ "$(cat /srv/a/data/in/file)" = host ]
! touch /srv/a/data/x; ! rm /srv/a/data/in/file
! mount -o remount,rw,bind /srv/a/data || ! touch /srv/a/data/x
echo out >"/mnt/w:r/out"; ! mknod /mnt/w:r/null c 1 3
echo exchange >/tmp/xchg/x; [ "$(cat /tmp/shared/x)" = exchange ]
[ "$(stat -c %d-%i /srv/a/data)" != "$(stat -c %d-%i .)" ]
S
mkdir "$work/w:r"
expect 0 vm --share "${work/:/\\:}/w\:r:/mnt/w\:r:rw" -- sh script "$PWD"
[ "$(cat file)" = mine ] && [ ! -e new ] && [ -d sub ] || fail "the guest has written to the current folder"
[ "$(ls -A ../data)" = in ] && [ -e ../data/in/file ] || fail "the guest has written to a read-only share"
[ "$(ls "$work/w:r")" = out ] || fail "the guest could not write to a share, or made a device in it"
[ -z "$(ls -A "$XDG_RUNTIME_DIR/viv")" ] || fail "left: $(ls -A "$XDG_RUNTIME_DIR/viv")"

# A folder that can be written, and a change of the host's that the guest sees.
mkfifo go
exec {ends}<>go
"$VIV" run -q --timeout 5m --rw -- sh -c 'echo old >seen; cat seen; grep -q new seen || timeout 300 sh -c "until grep -q new seen; do :; done"
	cat seen' <go >out 2>err &
viv=$!
until [ -s seen ]; do timeout 1 tail -f --pid=$viv /dev/null; kill -0 $viv || fail "the guest did not come"; done
echo new >seen.tmp && mv seen.tmp seen
exec {ends}<&-
wait $viv || fail "the guest did not see the host's change"
grep -q new out || fail "not seen: $(cat out)"
[ "$(stat -c %u seen)" = "$(id -u)" ] || fail "wrong owner"

# Folders that would hide the machine's own, and one's home.
expect 0 sh -c "cd / && exec \"$VIV\" run '$PWD/vm.lua' -- pwd"
out_is /root
err_has "the current folder / is not in the guest"
expect 0 env HOME="$PWD" "$VIV" run --no-cwd -q -- pwd
out_is /root
for where in usr/bin etc var/lib; do
	(cd /$where && "$VIV" run --dry-run "$work/proj, 1/vm.lua" -- true) >"$work/out" 2>"$work/err" || fail "dry run in /$where"
	err_has "the current folder /$where is not in the guest"
done
expect 0 env HOME="$PWD" "$VIV" run --dry-run -- true
err_has "home folder"
# In another share's place: not that one, and nothing is made in it.
expect 0 "$VIV" run --dry-run --share "$work/data:$work" -- true
err_has "the current folder $PWD is not in the guest: another share is there in the guest"

# A command line for others says what it is without.
expect 0 "$VIV" run --dry-run --share "$work/data:/mnt/data" -- true
err_has "the command line is without what only viv run can share: "
for what in "$work/data" /tmp/shared /tmp/xchg "$PWD"; do
	err_has "$what"
done
! grep -q fsdev "$work/out" || fail "a share without a folder"

# Errors before anything is built or started.
bad() { # TEXT ARGUMENT…
	local text=$1
	shift
	expect 125 "$VIV" run -q "$@" -- true
	err_has "$text"
}
bad "--share /nonexistent: /nonexistent: No such file or directory" --share /nonexistent
bad "Not a directory" --share file
bad "would hide the machine's own files" --share /tmp:/etc
bad "expected an absolute path in the guest" --share /tmp:etc
bad "is the target of another share" --share /tmp:/srv/a/data
bad "expected PATH, PATH:TARGET or PATH:TARGET:rw" --share /tmp:/mnt:rx
bad "a target has no \"..\" in it" --share /tmp:/mnt/../etc
bad "--rw and --no-cwd exclude each other" --rw --no-cwd
# What was asked for is not left out in silence.
expect 125 env HOME="$PWD" "$VIV" run -q --rw -- true
err_has "--rw: the current folder $PWD can't be in the guest: it is your home folder"
bad "--rw: the current folder $PWD can't be in the guest: another share is there in the guest" --rw --share "$work/data:$PWD:rw"
bad "--rw: the current folder is in a share that is read-only (--share $work)" --rw --share "$work"
echo 'virtualisation.sharedDirectories.x = {
	source = "./nowhere",
	target = "/mnt" }' >>vm.lua
bad "vm.lua:4: virtualisation.sharedDirectories.x: $PWD/nowhere: No such file or directory"
sed -i '$d;s|"./nowhere",|"./." }|' vm.lua
bad "virtualisation.sharedDirectories.x: target, where it is in the guest, is missing"
sed -i '3,$d' vm.lua
bad "a share's name" --set 'virtualisation.sharedDirectories={"viv.x": {"source": "/tmp", "target": "/mnt"}}'
bad "at most 36" --set "virtualisation.sharedDirectories={\"$(printf %037d 0)\": {}}"
bad "with 9p a tag has at most 31" --set \
	"virtualisation.sharedDirectories={\"$(printf %032d 0)\": {\"source\": \"/tmp\", \"target\": \"/mnt\", \"kind\": \"9p\"}}"

# Whoever is killed, nothing stays behind.
servers() {
	local p
	for p in /proc/[0-9]*; do
		[[ "$(tr '\0' ' ' 2>/dev/null <"$p/cmdline")" != *virtiofsd\ *"$XDG_RUNTIME_DIR/viv/"* ]] || echo "${p#/proc/}"
	done 2>/dev/null
}
start() {
	mkfifo up
	"$VIV" run -q -- sh -c "echo up; sleep 300" >up 2>err &
	viv=$!
	read -r line <up
	[ "$line" = up ] || fail "the machine did not come up"
	rm up
	pids=$(servers)
	[ -n "$pids" ] || fail "no virtiofsd runs"
	# What QEMU might make for a guest over 9p, root's QEMU, too: no device nodes (capability 27).
	qemu=$(cut -d' ' -f2 "$XDG_RUNTIME_DIR/viv/vm/pid")
	((((0x$(sed -n 's/^CapEff:\t//p' "/proc/$qemu/status") >> 27) & 1) == 0)) || fail "QEMU may make device nodes"
	for pid in $pids; do cat "/proc/$pid/mountinfo"; done 2>/dev/null |
		grep -E " (/xchg|/viv.cwd|.*/shares/(xchg|viv.cwd)) " >seen || fail "virtiofsd sees no folder"
	! grep -v 'nosuid,nodev' seen || fail "devices or set-user-ID programs count in the folders that virtiofsd sees"
}
gone() {
	local pid
	for pid in $pids; do timeout 300 tail --pid="$pid" -f /dev/null; done
	[ -z "$(servers)" ] || fail "virtiofsd still runs: $(servers)"
}
start
kill -9 $viv
wait $viv 2>/dev/null
gone
start
# Commands of others start where their callers stand, if the guest has that.
expect 0 "$VIV" exec -- pwd
out_is "$PWD"
expect 0 sh -c "cd sub && exec \"$VIV\" exec vm -- pwd"
out_is "$PWD/sub"
expect 0 sh -c "cd ../data && echo pwd | \"$VIV\" shell vm"
out_is /root
# One that waits for its folder, on a host that does not answer, holds up no other.
mkdir later
# shellcheck disable=SC2086
kill -STOP $pids
(cd later && exec timeout 120 "$VIV" exec vm -- pwd >"$work/later") &
later=$!
cd ../data || exit 1
for i in 1 2; do
	expect 0 timeout 60 "$VIV" exec vm -- echo "$i"
	expect 0 timeout 60 "$VIV" exec --user root vm -- echo "$i"
done
cd - >/dev/null || exit 1
kill -0 $later || fail "the folder was there without virtiofsd"
# shellcheck disable=SC2086
kill -CONT $pids
wait $later || fail "status $? after virtiofsd went on"
[ "$(cat "$work/later")" = "$PWD/later" ] || fail "not in the folder: $(cat "$work/later")"
# shellcheck disable=SC2086
kill -9 $pids
wait $viv
[ $? = 125 ] || fail "virtiofsd was killed: not 125"
grep -qF "virtiofsd ended: killed by signal 9" err || fail "not said: $(cat err)"
gone
expect 0 vm -- cat file
out_is mine

# A kernel that turns out to have no virtiofs, as one's own may.
sed -i 2d vm.lua
export QEMU_KERNEL_PARAMS=initcall_blacklist=virtio_fs_init
expect 0 "$VIV" run -q -- pwd
out_is /root
err_has "the guest's kernel has no virtiofs"
expect 0 "$VIV" run -q --no-cwd -- true
err_is ""
expect 125 "$VIV" run -q --rw -- true
err_has "the guest's kernel has no virtiofs"
unset QEMU_KERNEL_PARAMS

# Without virtiofsd, and a kernel without 9p.
needs_root
hide="mount --bind /dev/null $virtiofsd"
expect 0 mounted "$hide" "$VIV" run -q -- pwd
out_is /root
err_has "the current folder: virtiofs can't be had: virtiofsd is not there"
expect 125 mounted "$hide" "$VIV" run -q --share /tmp:/mnt -- true
err_has "--share /tmp:/mnt: virtiofs can't be had"
err_has "boot.kernel"

# Where mounts are forbidden, as in most containers.
expect 0 setpriv --bounding-set=-sys_admin "$VIV" run -q -- pwd
out_is /root
err_has "the current folder: virtiofs can't be had: cannot make a sandbox"
err_has "Folders are shared from namespaces of their own, and these are forbidden here."
