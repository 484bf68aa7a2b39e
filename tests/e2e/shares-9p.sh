# SPDX-License-Identifier: MIT
# slow
# Shares of an ordinary user over 9p, where there is no virtiofsd: one boot of Debian's full kernel.
. "$(dirname "$0")/lib.sh"

cat >vm.lua <<'L'
system.init = "none"
virtualisation.sharedDirectories.rw = { source = "./rw", target = "/mnt/rw", readOnly = false, kind = "9p" }
virtualisation.sharedDirectories.ro = { source = "./ro", target = "/mnt/ro", kind = "9p" }
L
mkdir rw ro # they have to be there for a build, too
user_machine
for p in virtiofsd /usr/libexec/virtiofsd /usr/lib/virtiofsd /usr/lib/qemu/virtiofsd; do
	! p=$(command -v $p) || mounts="${mounts:+$mounts; }mount --bind /dev/null $p"
done

echo secret >secret
cd u/proj || exit 1
mkdir -m 777 rw ro sub
echo mine >file
echo host >ro/file
echo theirs >rw/theirs
ln -s ../../../secret rw/relative
ln -s "$work/secret" rw/absolute
ln -s /proc/self/root/etc/hostname rw/name
chown -Rh $user:$user file rw ro sub
chown 0:0 rw/theirs
cat >script <<S
set -e
[ "\$(pwd)" = "$PWD" ] && [ "\$(cat file)" = mine ]
echo changed >file; echo new >new; rmdir sub; mkdir d; mv d e; echo x >e/f
[ "\$(cat file)" = changed ]
[ "\$(cat /mnt/ro/file)" = host ]; ! touch /mnt/ro/x; ! rm /mnt/ro/file
! mount -o remount,rw,bind /mnt/ro || ! touch /mnt/ro/x
cd /mnt/rw
[ "\$(stat -c %u:%g .)" = $user:$user ] && [ "\$(stat -c %u:%g theirs)" = 0:0 ]
! cat relative; ! cat absolute; [ "\$(cat name)" = vm ]
! sh -c 'echo x >theirs'; ! chown 0:0 .; ! mknod null c 1 3
mkdir made; echo a >made/a; chmod 640 made/a; ln made/a hard; ln -s made link; mv made moved
[ "\$(stat -c %u:%g:%a moved/a)" = $user:$user:640 ]
setpriv --reuid 1000 --regid 1000 --clear-groups sh -c 'echo b >by-1000; ! chmod 600 by-1000'
echo exchange >/tmp/xchg/x; [ "\$(cat /tmp/shared/x)" = exchange ]
S
expect 0 as "$VIV" run --timeout 5m -- sh script
err_has "shares: 9p, because virtiofsd is not there"
! grep -q "install the package" "$work/err" || fail "the reason is more than a line"
[ "$(cat file)" = mine ] && [ ! -e new ] && [ -d sub ] || fail "the guest has written to the current folder"
[ "$(ls -A ro)" = file ] || fail "the guest has written to a read-only share"
for f in rw/moved rw/moved/a rw/by-1000; do owner_is $f $user:$user; done
owner_is rw/theirs 0:0
[ "$(cat rw/hard)" = a ] && [ "$(readlink rw/link)" = made ] || fail "not what the guest made: $(ls -l rw)"
[ -z "$(ls -A "$work/u/run/viv")" ] || fail "left: $(find "$work/u/run/viv")"
