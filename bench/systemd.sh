#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The reference machine with systemd up to multi-user.target, beside the same packages in an ext4 image
# with Debian's own initrd, as initramfs-tools makes it. Same kernel, memory, processors, devices.
set -euo pipefail
mkdir -p "$BENCH/systemd" && cd "$BENCH/systemd"
export VIV_STORE=${BENCH_STORE:-$BENCH/store}
mark=MULTI-USER-IS-UP
unit="[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo $mark >/dev/console'"

cat >vm.lua <<LUA
virtualisation.cores = 2
environment.systemPackages = pkgs[[ openssh-server iproute2 htop vim-tiny kmod ]]
environment.etc["systemd/system/mark.service"].text = [[
$unit
]]
environment.etc["systemd/system/multi-user.target.d/mark.conf"].text = "[Unit]\\nWants=mark.service\\n"
LUA
"$VIV" build -q --no-link --json vm.lua >built
jq -r '.packages | keys[] | split("_")[0]' vm.lock | paste -sd, >include
sources >sources
printf '%s\n' "$unit" >mark.service
printf '[Unit]\nWants=mark.service\n' >mark.conf
mmdebstrap -q --variant=apt --include="$(cat include),initramfs-tools" \
	--customize-hook='upload mark.service /etc/systemd/system/mark.service' \
	--customize-hook='mkdir "$1"/etc/systemd/system/multi-user.target.d' \
	--customize-hook='upload mark.conf /etc/systemd/system/multi-user.target.d/mark.conf' \
	--customize-hook='echo "/dev/vda / ext4 defaults 0 1" >"$1/etc/fstab"' \
	--customize-hook='echo peer >"$1/etc/hostname"; chroot "$1" passwd -qd root' \
	--customize-hook='mkdir -p out; cp "$1"/boot/vmlinuz-* out/vmlinuz; cp "$1"/boot/initrd.img-* out/initrd' \
	trixie root.tar - <sources
truncate -s 4G peer.ext4
mkdir root && tar -C root --numeric-owner -xpf root.tar && mke2fs -q -t ext4 -d root peer.ext4 && rm -rf root root.tar
cat >peer <<SH
#!/bin/sh
exec qemu-system-x86_64 -M q35 -accel tcg -cpu qemu64,-cx16 -smp 2 -m 1024 -nodefaults -no-user-config -display none -no-reboot \
	-serial stdio -kernel out/vmlinuz -initrd out/initrd -append 'root=/dev/vda rw console=ttyS0 loglevel=4' \
	-drive file=peer.ext4,format=raw,if=virtio,snapshot=on -nic user,model=virtio-net-pci -device virtio-rng-pci
SH
chmod +x peer
viv="$VIV run -q --console vm.lua"

echo "### A systemd machine to multi-user.target"
echo
hyperfine -N --runs "${RUNS:-5}" --export-json times.json --style none \
	-n "initramfs-tools, ext4" "$TOOLS/until $mark ./peer" \
	-n "viv run" "$TOOLS/until $mark $viv" >/dev/null
table times.json
