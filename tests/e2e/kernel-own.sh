# SPDX-License-Identifier: MIT
# A kernel that is no package: a tree that is built, a file; what it must have; modules of one's own.
. "$(dirname "$0")/lib.sh"

quick_machine
expect 0 "$VIV" build -q -o made
kernel=$(dirname "$(realpath made/kernel)")
release=$(sed -n 's/.*"version": "\(.*\)".*/\1/p' "$kernel/kernel.json")
build() { "$VIV" build -q --no-link --set boot.kernel=./tree "$@"; }

# A tree, as make leaves it: the package's kernel, unpacked into the places of one.
mkdir -p tree/arch/x86/boot tree/include/config extra alone
touch tree/Kbuild tree/Kconfig
expect 125 "$VIV" build -q --set boot.kernel=./extra
err_has "boot.kernel: $work/extra is no kernel tree"
expect 125 build
err_has "boot.kernel: $work/tree is a kernel tree that is not built: there is no .config"
err_has "run make in it"
cp "$kernel/config" tree/.config
expect 125 build
err_has "there is no arch/x86/boot/bzImage"
cp "$kernel/bzImage" tree/arch/x86/boot
echo 6.0.0-old >tree/include/config/kernel.release
expect 125 build
err_has "its arch/x86/boot/bzImage is Linux $release, all else 6.0.0-old"
echo "$release" >tree/include/config/kernel.release
cp "$kernel"/modules/modules.builtin* tree
cp -r "$kernel"/modules/kernel/{arch,crypto,drivers,fs,lib,net} tree
chmod -R u+w tree
mv "$(find tree -name dummy.ko)" extra || fail "the kernel has no module dummy"
(cd tree && find . -name '*.ko' | sed 's:^\./::; s:\.ko$:.o:' | LC_ALL=C sort) >order
cat order >tree/modules.order
echo drivers/none.o >>tree/modules.order
expect 125 build
err_has "drivers/none.ko is in modules.order, but not built"
cp order tree/modules.order

cat >>vm.lua <<'END'
kernel.tree = "./tree"
boot.extraModulePackages = { "./extra" }
boot.kernelModules = { "dummy" }
boot.blacklistedKernelModules = { "virtio-rng" }
boot.postBootCommands = "echo nothing ran before this >/dev/kmsg"
system.requiredKernelConfig = {
	isEnabled "VIRTIO_BLK", isModule "EROFS_FS", isYes "EXPERIMENTAL",
	isNo "VIRTIO_NO_SUCH_THING",
}
END
touch stamp
expect 0 "$VIV" run -- sh -c 'uname -r; ls -d /sys/module/dummy /sys/module/virtio_rng 2>/dev/null
	ls /usr/lib/modules/*/updates; cat /etc/modprobe.d/viv-blacklist.conf; dmesg | grep -o "nothing ran.*"'
out_is "$release
/sys/module/dummy
dummy.ko
blacklist virtio-rng
nothing ran before this"
err_has "vm.lua:8: system.requiredKernelConfig: CONFIG_EXPERIMENTAL is not checked: Linux has it no more since 3.9"
[ -z "$(find tree extra -newer stamp)" ] || fail "the tree was changed: $(find tree extra -newer stamp)"

# The same bytes are the same kernel, others another one.
touch tree/arch/x86/boot/bzImage extra/dummy.ko
expect 0 "$VIV" build --plan
grep -q 'would be built' "$work/out" && fail "same bytes, and something would be built"
printf x >>extra/dummy.ko
expect 0 "$VIV" build --plan
out_has 'kernel         would be built'
sed -i "s/vermagic=$release/vermagic=${release/6/5}/" extra/dummy.ko
expect 125 "$VIV" build -q
err_has "extra/dummy.ko is built for Linux ${release/6/5}, the kernel is $release"
rm extra/dummy.ko
expect 125 "$VIV" build -q
err_has "boot.extraModulePackages: $work/extra: there is no kernel module (.ko)"

# What is wrong with a kernel is said, all of it, before the machine starts.
quick_machine
cat >>vm.lua <<'END'
system.requiredKernelConfig = { isYes "XFS_FS" }
END
expect 125 "$VIV" run -q --add 'system.requiredKernelConfig=[{"name":"EROFS_FS","state":"no"}]' -- true
err_has "boot.kernel: the kernel lacks what this machine needs:"
err_has "CONFIG_XFS_FS must be y, and is m: vm.lua:2: system.requiredKernelConfig"
err_has "CONFIG_EROFS_FS must not be set, and is m: command line: system.requiredKernelConfig"
sed -i 's/^CONFIG_OVERLAY_FS=.*/# CONFIG_OVERLAY_FS is not set/' tree/.config
expect 125 build
err_has "CONFIG_OVERLAY_FS must be y or m, and is not set: a root that can be written to"
expect 125 "$VIV" build -q --set 'boot.blacklistedKernelModules=["virtio-blk"]'
err_has "boot.blacklistedKernelModules: the machine needs virtio-blk to find its root"

# A file, with the configuration beside it, and modules from a folder.
quick_machine
cp "$kernel/bzImage" "alone/vmlinuz-$release"
file=./alone/vmlinuz-$release
expect 125 "$VIV" run -q --kernel "$file" --set 'system.requiredKernelConfig=[{"name":"PCI"}]' -- true
err_has "system.requiredKernelConfig: this kernel's configuration is not known"
cp "$kernel/config" "alone/config-$release"
expect 125 "$VIV" run -q --kernel "$file" -- true
err_has "CONFIG_EROFS_FS is m, and the kernel comes without modules: the layers of the root"
expect 125 "$VIV" build -q --set boot.kernelPackages="$file" --set boot.kernelModulesTree=./alone
err_has "$work/alone holds no modules of Linux $release"
expect 0 "$VIV" build -q -o other --set "virtualisation.directBoot.kernel=$file" \
	--set "boot.kernelModulesTree=$kernel/modules"
cmp other/bzImage "$kernel/bzImage" || fail "not the file's kernel"
cmp other/initrd made/initrd || fail "not the same modules"

# A kernel from source: what can't be built is said before anything is (kernel-patches.sh builds one)
refused() { # LINE MESSAGE: of vm.lua
	printf 'system.init = "none"\n%s\n' "$1" >vm.lua
	expect 125 "$VIV" build -q
	err_has "$2"
}
refused "boot.kernelPatches = { \"./none.patch\" } boot.kernel = \"$file\"" \
	"vm.lua:2: boot.kernelPatches: boot.kernel is $work/alone/vmlinuz-$release, and that is no kernel tree"
refused 'boot.kernelPatches = { { name = "odd", extraConfig = "XFS_FS y\nis odd enough" } }' \
	'vm.lua:2: boot.kernelPatches: odd: "is odd enough" sets nothing: it is written CONFIG_NAME=y'
refused 'boot.kernelPatches = { { name = "typed", path = "./x.patch" } }' "vm.lua:2: "
refused 'kernel.config = { "./none.config" }' "vm.lua:2: kernel.config: "
refused 'boot.kernel = "./tree" kernel.config = { "./some.config" } boot.kernelModulesTree = "./tree"' \
	"vm.lua:2: kernel.config: the kernel is built from source with its own modules"
touch some.config
refused 'boot.kernel = "./tree" kernel.config = { "./some.config" }' "vm.lua:2: kernel.config: $work/tree is no git repository"
rm tree/.config
refused 'boot.kernel = "./tree" kernel.config = { "./some.config" }' \
	"vm.lua:2: kernel.config: $work/tree is a kernel tree without a .config"
refused 'boot.extraModulePackages = { "zfs-dkms" }' "vm.lua:2: boot.extraModulePackages: zfs-dkms has a module's source"
refused 'kernel.baseConfig = "tinyconfig" boot.extraModulePackages = { "hello" }' "vm.lua:2: boot.extraModulePackages: hello: a package goes with"
