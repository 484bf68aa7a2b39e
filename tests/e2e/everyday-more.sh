# SPDX-License-Identifier: MIT
# slow
# What everyday.sh has no time for: the second start of a kept disk, with users that stay the description's and
# with users that the machine may change; a real root on runit; packages without documentation.
. "$(dirname "$0")/lib.sh"

truncate -s 64M data.img

# Users are the description's again; what the machine made for itself is there; /tmp is on the disk, and empty.
mkdir kept && cd kept || exit 1
cat >vm.lua <<EOF
users.mutableUsers = false
users.users.anna = { isNormalUser = true, password = "one" }
boot.tmp.cleanOnBoot = true
virtualisation.qemu.drives = { { name = "data", file = "$work/data.img" } }
fileSystems["/data"] = { device = "/dev/disk/by-id/virtio-data", fsType = "ext4", autoFormat = true }
swapDevices = { { device = "/data/swap", size = 16 } }
services.nginx = { enable = true, virtualHosts = { web = { addSSL = true } } }
EOF
cat >guest.sh <<'EOF'
systemctl is-system-running --wait
echo one | setpriv --reuid nobody --regid nogroup --clear-groups su anna -c 'id -un' 2>/dev/null
swapon --show=NAME --noheadings
getent passwd eve
for f in /tmp/left /var/left; do [ -e $f ] && echo $f; done
stat -c %i /data/swap >/var/inode
cat /var/lib/viv/nginx/*.key >/var/key
for f in /var/inode /var/key; do
	[ -s $f ] || echo "no $f"
	[ ! -e $f.old ] || cmp $f.old $f
	mv $f $f.old
done
touch /tmp/left /var/left
useradd eve
echo anna:changed | chpasswd
EOF
expect 0 "$VIV" run -q --keep --timeout 15m -- sh -c "$(cat guest.sh)"
out_is "running
anna
/data/swap"
expect 0 "$VIV" run -q --keep --timeout 15m -- sh -c "$(cat guest.sh)"
out_is "running
anna
/data/swap
/var/left"
cd "$work" || exit 1

# By default a kept disk keeps what the machine changes of them.
mkdir mutable && cd mutable || exit 1
cat >vm.lua <<'EOF'
system.init = "none"
users.users.anna = { isNormalUser = true, password = "one" }
EOF
cat >guest.sh <<'EOF'
for p in one changed; do
	echo $p | setpriv --reuid 65534 --regid 65534 --clear-groups su anna -c 'id -un' 2>/dev/null || echo "not $p"
done
id -Gn eve 2>/dev/null && exit
groupadd makers
useradd -G makers eve
echo anna:changed | chpasswd
EOF
expect 0 "$VIV" run -q --keep --timeout 15m -- sh -c "$(cat guest.sh)"
out_is "anna
not changed"
expect 0 "$VIV" run -q --keep --timeout 15m -- sh -c "$(cat guest.sh)"
out_is "not one
anna
eve makers"
cd "$work" || exit 1

# On runit, and on a real root.
cat >runit.lua <<'EOF'
system.init = "runit"
users.mutableUsers = false
users.users.anna = { isNormalUser = true, extraGroups = { "wheel" } }
i18n.defaultLocale = "C.UTF-8"
boot.sysctl = { ["vm.swappiness"] = 7 }
documentation = { man = { enable = false }, doc = { enable = false } }
networking.firewall = { enable = true, allowedTCPPorts = { 80 } }
services.nginx = { enable = true, virtualHosts = { web = { addSSL = true, locations = { ["/"] = { ["return"] = "200 hello" } } } } }
swapDevices = { { device = "/var/swap", size = 8 }, { device = "/dev/disk/by-label/hardware" } }
zramSwap.enable = true
services.openssh = { enable = true, settings = { AllowUsers = { "root", "anna" } } }
virtualisation.rootFileSystem = "ext4"
virtualisation.diskImage = "./runit.qcow2"
EOF
cat >guest.sh <<'EOF'
cat /proc/sys/vm/swappiness
echo $LANG
id -Gn anna
nft list chain inet viv input | grep dport | grep -v 546
swapon --show=NAME --noheadings | sort
until (exec 3<>/dev/tcp/127.0.0.1/443) 2>/dev/null; do sv check nginx >/dev/null; done
until (exec 3<>/dev/tcp/127.0.0.1/22) 2>/dev/null; do sv check ssh >/dev/null; done
exec 3<>/dev/tcp/127.0.0.1/80; printf 'GET / HTTP/1.0\r\n\r\n' >&3; tail -n 1 <&3; echo
find /usr/share/man /usr/share/doc -type f ! -name copyright | wc -l
[ -e /usr/share/doc/nginx/copyright ] || echo "no copyright"
sshd -T 2>/dev/null | grep ^allowusers
exec 3<>/dev/tcp/127.0.0.1/22; head -c 7 <&3; echo
grep -c eve /etc/passwd; stat -c "%a %U:%G" /etc/group /etc/shadow
echo eve:x:2000:2000::/:/bin/sh >>/etc/passwd; chmod 600 /etc/group
EOF
for n in 1 2; do
	expect 0 "$VIV" run -q --timeout 15m runit.lua -- bash -c "$(cat guest.sh)"
	out_is "7
C.UTF-8
anna wheel
		tcp dport { 22, 80 } accept
/dev/zram0
/var/swap
hello
0
allowusers root
allowusers anna
SSH-2.0
0
644 root:root
640 root:shadow"
done
sed 's/AllowUsers = .*" }/Bogus = true/' runit.lua >vm.lua
expect 125 "$VIV" build -q --no-link
err_has "vm.lua:$(grep -n openssh vm.lua | cut -d: -f1): services.openssh.settings: "
err_has "Bad configuration option: Bogus"
