# SPDX-License-Identifier: MIT
# slow
# Debian's kernel from source with a patch and a small configuration, and another patch; a module of one's own that is
# built with the headers of Debian's kernel.
. "$(dirname "$0")/lib.sh"

small_kernel >small.config
patched() { # WORD: what the kernel says
	printf -- '--- a/init/main.c\n+++ b/init/main.c\n@@ -895 +895 @@\n' >word.patch
	printf -- '-\tpr_notice("%%s", linux_banner);\n' >>word.patch
	printf -- '+\tpr_notice("%%s", linux_banner); pr_notice("patched: %s\\n");\n' "$1" >>word.patch
}
patched one
cat >vm.lua <<'V'
packages.release = "trixie"
system.init = "none"
virtualisation.diskImage = null
kernel.baseConfig = "tinyconfig"
kernel.config = { "./small.config" }
boot.kernelPatches = {
	"./word.patch",
	{ name = "dummy", structuredExtraConfig = { DUMMY = "m" } },
}
boot.kernelModules = { "dummy" }
V
folder=$XDG_CACHE_HOME/viv/builds/kernel-$(printf '%s vm.lua' "$work/vm.lock" | sha256sum | cut -c1-12)
trap 'rm -rf "$folder"*; cleanup' EXIT
says() { # WORD
	expect 0 "$VIV" run -q -- sh -c 'dmesg | grep -o "patched: .*"; ls -d /sys/module/dummy; cat /proc/version'
	out_has "patched: $1"
	out_has /sys/module/dummy
	out_has "viv@localhost"
}
compiled() { grep -c '^  CC ' "$folder/log"; }

expect 0 "$VIV" build
says one
all=$(compiled)
[ "$all" -gt 300 ] || fail "only $all files were compiled"

# Another patch: what it names is compiled, and what the settings concern
patched two
expect 0 "$VIV" build --plan
out_has "kernel         would be built: the kernel's source, patches or configuration changed"
expect 0 "$VIV" build --no-link
grep -q '^  CC      init/main.o' "$folder/log" || fail "init/main.c was not compiled"
[ "$(compiled)" -lt 30 ] || fail "$(compiled) files were compiled for one that changed"
says two
! grep -q patched: "$folder/src/init/main.c" || fail "the tree is left patched"

# What doesn't apply, and what doesn't come true, is said with its place; then all is as it was
sed 's/linux_banner/other_banner/' word.patch >wrong.patch
expect 125 "$VIV" build -q --no-link --add 'boot.kernelPatches=["./wrong.patch"]'
err_has "command line: boot.kernelPatches: the patch wrong.patch does not apply: patch failed"
sed -i 's/DUMMY = "m"/DUMMY = "m", NO_SUCH_THING = true/' vm.lua
expect 125 "$VIV" build -q --no-link
err_has "vm.lua:6: boot.kernelPatches: configuring it failed"
err_has "CONFIG_NO_SUCH_THING=y is asked for, but it is not set"

# The configuration of Debian's package, but for what would make it large: nothing of that is compiled here
sed -i '/kernel.baseConfig/d; /kernel.config/d' vm.lua
expect 125 "$VIV" build -q --no-link
err_has "CONFIG_NO_SUCH_THING=y is asked for, but it is not set"
for setting in CONFIG_DUMMY=m CONFIG_DEBUG_INFO_NONE=y CONFIG_NF_TABLES=m CONFIG_VIRTIO_CONSOLE=y; do
	grep -qx "$setting" "$folder/obj/.config" || fail "the kernel's configuration has no $setting"
done

# A module, with the headers of Debian's kernel
mkdir hello
echo 'obj-m := hello.o' >hello/Makefile
cat >hello/hello.c <<'C'
#include <linux/init.h>
#include <linux/module.h>
static int __init start(void) { pr_info("hello from a package\n"); return 0; }
module_init(start);
MODULE_LICENSE("GPL");
C
cat >vm.lua <<'V'
packages.release = "trixie"
system.init = "none"
boot.extraModulePackages = { mkPackage{ name = "hello-module", src = path("./hello") } }
boot.kernelModules = { "hello" }
V
expect 0 "$VIV" build --no-link
expect 0 "$VIV" run -q -- sh -c 'dmesg | grep -o "hello from.*"; cd /lib/modules/*/updates && find . -type f; dpkg -l hello-module || :'
out_has "hello from a package"
grep -q '^\./.*/hello\.ko$' out || fail "no module in updates: $(cat out)"
grep -q '^ii' out && fail "the package is in the machine, too"
expect 0 "$VIV" build --plan --locked
! grep -q 'would be built' out || fail "something would be built again"
rm -rf "$XDG_CACHE_HOME"/viv/builds/hello-module-*
