# SPDX-License-Identifier: MIT
# A minimal root: what can't be had; one squashfs image, its size; four files that QEMU boots without viv. minimal.test.lua
# has one under viv.
. "$(dirname "$0")/lib.sh"

command -v gensquashfs >/dev/null || skip "gensquashfs is missing"
[ ! -f "$shared/minimal.lock" ] || cp "$shared/minimal.lock" vm.lock

# What can't be had is said: a pattern that nothing matches, a root that is no single image.
cat >bad.lua <<'E2'
imports = { "profiles/minimal" }
system.minimal.packages.tzdata.files = { "usr/share/nothing/*" }
E2
expect 125 "$VIV" build -q bad.lua
err_has 'bad.lua:2: system.minimal.packages.tzdata.files: "usr/share/nothing/*" matches no file of tzdata'
printf 'system.init = "runit"\n' >layers.lua
expect 125 "$VIV" build -t dist layers.lua
err_has 'a root of layers is no single image'
printf 'imports = { "profiles/minimal" }\nboot.crashDump.enable = true\n' >crash.lua
expect 125 "$VIV" build -t dist crash.lua
err_has 'crash.lua:2: boot.crashDump.enable: the disk that a dump goes to is made by viv run'
expect 125 "$VIV" build -t floppy layers.lua
err_has 'no target "floppy": there are vm, dist'
printf 'imports = { "profiles/minimal" }\nsystem.minimal.links["/usr/bin/busybox"] = "x"\n' >twice.lua
expect 125 "$VIV" build -q twice.lua
err_has 'system.minimal.links["/usr/bin/busybox"]: /usr/bin/busybox is there already, from package busybox'

# What is taken of packages is checked by its own programs, and goes before busybox's names.
check_fails() { # FILE WHAT IS SAID; the machine is stdin
	cat >"$1.lua"
	expect 125 "$VIV" build -q --no-link "$1.lua"
	err_has "$2"
}
check_fails bogus 'unknown directive "bogus"' <<'E2'
imports = { "profiles/minimal" }
services.nginx = { enable = true, appendConfig = "bogus on;" }
E2
check_fails garbage 'garbage.lua:3: security.sudo.extraConfig: ' <<'E2'
imports = { "profiles/minimal" }
security.sudo.enable = true
security.sudo.extraConfig = "garbage"
E2
check_fails wrong 'wrong.lua:2: services.openssh.settings: ' <<'E2'
imports = { "profiles/minimal" }
services.openssh = { enable = true, settings = { Wrong = true } }
E2

# Promised sizes: 5 MB by itself, 12 MB with an ssh server (and a web server).
size_at_most() { # FILE BYTES
	local size
	size=$(stat -L -c %s "$1") || fail "no $1"
	echo "$1: $size bytes"
	[ "$size" -le "$2" ] || fail "$1 has $size bytes, more than $2"
}
printf 'imports = { "profiles/minimal" }\n' >bare.lua
expect 0 "$VIV" build -q -t dist -o bare bare.lua
size_at_most bare/root.squashfs 5000000

ssh-keygen -q -t ed25519 -N '' -f key
cp "$tests/../examples/minimal/vm.lua" example.lua
cat >vm.lua <<'E2'
imports = { "./example.lua" }
users.users.root.openssh.authorizedKeys.keyFiles = { "./key.pub" }
users.users.paul.isNormalUser = true
users.users.paul.openssh.authorizedKeys.keyFiles = { "./key.pub" }
systemd.services.job = {
	script = "mkfifo -m 666 /run/job/who || :; id -un > /run/job/who; exec sleep 100000",
	serviceConfig = { User = "paul", Group = "users", RuntimeDirectory = "job" },
	wantedBy = { "multi-user.target" },
}
E2
expect 0 "$VIV" build -q -t dist -o dist
cp vm.lock "$shared/minimal.lock.$$"
mv "$shared/minimal.lock.$$" "$shared/minimal.lock"
size_at_most dist/root.squashfs 12000000
[ "$(ls dist)" = "$(printf '%s\n' command-line initrd kernel root.squashfs)" ] || fail "dist: $(ls dist)"
expect 0 grep -q "viv.init=runit" dist/command-line
! grep -qa "PRIVATE KEY" dist/root.squashfs || fail "a private key is in the image"

# The command of docs/artifacts.md, and nothing of viv's.
cp -rL dist away
read -r ssh http https <<<"$(python3 -c 'import socket
s = [socket.create_server(("127.0.0.1", 0)) for i in range(3)]
print(*[x.getsockname()[1] for x in s])')"

timeout 1000 qemu-system-x86_64 -M q35 -m 256 -cpu qemu64,-cx16 -nodefaults -no-reboot -display none -serial stdio \
	-kernel away/kernel -initrd away/initrd -append "$(cat away/command-line) no_timer_check" \
	-drive file=away/root.squashfs,format=raw,if=none,id=root,readonly=on \
	-device virtio-blk-pci,drive=root,serial=viv-layer-0 -device virtio-rng-pci \
	-netdev user,id=net,hostfwd=tcp:127.0.0.1:$ssh-:22,hostfwd=tcp:127.0.0.1:$http-:80,hostfwd=tcp:127.0.0.1:$https-:443 \
	-device virtio-net-pci,netdev=net </dev/null >console.log 2>&1 &
qemu=$!
trap 'kill $qemu 2>/dev/null; cleanup' EXIT
get() { curl -sS --retry 300 --retry-all-errors --retry-delay 1 --max-time 60 "$@"; }
expect 0 get -k "https://127.0.0.1:$https/"
out_has "It works."
expect 0 get "http://127.0.0.1:$http/"
out_has "It works."
guest() {
	ssh -F none -p "$ssh" -i key -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=known -o LogLevel=ERROR -o ConnectTimeout=300 "${login:-root}@127.0.0.1" "$@"
}
expect 0 guest 'id -un; hostname; cat /proc/1/comm; mkdir -p /run/job; mkfifo -m 666 /run/job/who 2>/dev/null; timeout 300 cat /run/job/who
	ls -ld /root /tmp /etc/shadow | cut -c1-10 | tr "\n" " "; touch /usr/x && echo written'
out_is "root
minimal
runit
paul
-rw-r----- drwx------ drwxrwxrwt written"
login=paul expect 0 guest 'echo $SHELL'
out_is /bin/sh
guest poweroff
wait $qemu || fail "QEMU: $?: $(tail -n 20 console.log)"
for line in "enter stage: /etc/runit/1" "enter stage: /etc/runit/2" "enter stage: /etc/runit/3" "power off"; do
	grep -qF "$line" console.log || fail "the console has no \"$line\": $(tail -n 20 console.log)"
done
