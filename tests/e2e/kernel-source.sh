# SPDX-License-Identifier: MIT
# What is compiled of a kernel's source when patches, settings or the tree change. The kernel is a pretended one, of
# three files, and so the build ends with its image refused. Boots nothing.
. "$(dirname "$0")/lib.sh"

for p in git make patch perl awk cmp; do
	command -v $p >/dev/null || skip "$p is missing"
done
tiny_machine
sh "$tests/data/deb/make-repo" "$work/tiny" sources >make.log 2>&1 || fail "make-repo: $(tail -n 5 make.log)"
sed -i '/boot.kernel/d' vm.lua
cat >>vm.lua <<'V'
boot.kernel = "./tree"
kernel.baseConfig = "tinyconfig"
V
cp vm.lua plain.lua

mkdir tree
for f in a b c; do printf '%s: first\n%s: second\n' $f $f >tree/$f.c; done
cat >tree/Makefile <<'M'
objects := $(sort $(patsubst %.c,$(O)/%.o,$(wildcard *.c)))
tinyconfig:; printf 'CONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\n' >$(O)/.config
olddefconfig:; sed -i /CONFIG_NONE/d $(O)/.config
bzImage: $(objects)
	mkdir -p $(O)/arch/x86/boot $(O)/include/config
	cat $^ >$(O)/arch/x86/boot/bzImage
	echo 1.2.3 >$(O)/include/config/kernel.release
$(O)/%.o: %.c
	cc $@ $<
M
git init -q tree
git -C tree add -A
git -C tree -c user.name=x -c user.email=x@example.org commit -qm x

patch_of() { # NAME FILE OLD NEW
	printf -- '--- a/%s\n+++ b/%s\n@@ -1,2 +1,2 @@\n-%s: %s\n+%s: %s\n %s: second\n' "$2" "$2" "${2%.c}" "$3" "${2%.c}" "$4" "${2%.c}" >"$1"
}
builds() { # LINE FILE…: with that in vm.lua; these are compiled
	local want
	cp plain.lua vm.lua
	printf '%s\n' "$1" >>vm.lua
	shift
	want=${1:+$(printf 'compiled %s ' "$@")}
	rm -f cache/viv/builds/kernel-*/compiled
	expect 125 "$VIV" build -q
	err_has "building kernel: "
	err_has "bzImage"
	[ "$(sort cache/viv/builds/kernel-*/compiled 2>/dev/null | tr '\n' ' ')" = "$want" ] ||
		fail "not $* but: $(cat cache/viv/builds/kernel-*/compiled)"
	[ -z "$(git -C tree status --porcelain)" ] || [ "${changed:-}" ] || fail "the tree was changed"
	[ "$(cat tree/?.c)" = "$(cat cache/viv/builds/kernel-*/src/?.c)" ] || fail "the copy is left as something else"
}
made() { # FILE TEXT: of the newest kernel
	dpkg-deb --fsys-tarfile "$(ls -tc "$VIV_STORE"/objects/*-kernel_*viv*.deb | head -n 1)" | tar -xO "./$1" | grep -qxF -- "$2" ||
		fail "the kernel's $1 has no \"$2\""
}

patch_of a.patch a.c first one
patch_of b.patch b.c first one
builds 'boot.kernelPatches = { "./a.patch" }' a.c b.c c.c
made boot/vmlinuz-1.2.3 "a: one"
made boot/vmlinuz-1.2.3 "b: first"
grep -q '"vm.lua#kernel"' vm.lock || fail "the lock file has no build of the kernel"
patch_of a.patch a.c first two
builds 'boot.kernelPatches = { "./a.patch" }' a.c
made boot/vmlinuz-1.2.3 "a: two"
builds 'boot.kernelPatches = { "./a.patch", { name = "b", patch = "./b.patch", extraConfig = "C y\nZ? y" } }' b.c
made boot/vmlinuz-1.2.3 "b: one"
made boot/config-1.2.3 CONFIG_C=y
made boot/config-1.2.3 CONFIG_A=y

# One that doesn't apply leaves all as it is: then the same files with other patches are not compiled
patch_of wrong.patch c.c other two
cp plain.lua vm.lua
echo 'boot.kernelPatches = { "./a.patch", { name = "wrong one", patch = "./wrong.patch" } }' >>vm.lua
echo 'boot.kernelPatches = { "./b.patch" }' >>vm.lua
expect 125 "$VIV" build
err_has "vm.lua:8: boot.kernelPatches: wrong one: the patch wrong.patch does not apply: patch failed"
err_has "The whole log: "
sed -i '$d; s/, { name = "wrong one".*/ }/' vm.lua
expect 125 "$VIV" build -q --add 'boot.kernelPatches=["./wrong.patch"]'
err_has "command line: boot.kernelPatches: the patch wrong.patch does not apply: patch failed"
sed -i '1i a comment' a.patch
echo "# CONFIG_A is not set" >some.config
builds 'boot.kernelPatches = { "./a.patch", "./b.patch" } kernel.config = { "./some.config" }'
made boot/config-1.2.3 "# CONFIG_A is not set"
made boot/vmlinuz-1.2.3 "b: one"

# A file that a patch brings, and takes along again; patches that are gone; a tree that changed below a patch
printf -- '--- /dev/null\n+++ b/d.c\n@@ -0,0 +1 @@\n+d: new\n' >d.patch
builds 'boot.kernelPatches = { "./d.patch", "./b.patch" }' a.c d.c
made boot/vmlinuz-1.2.3 "d: new"
builds 'boot.kernelPatches = { "./a.patch" }' a.c b.c
! grep -q "d: new" cache/viv/builds/kernel-*/dest/boot/vmlinuz-1.2.3 || fail "d.c is still there"
changed=1
echo "a: third" >>tree/a.c
echo "c: third" >>tree/c.c
builds 'boot.kernelPatches = { "./a.patch" }' a.c c.c
made boot/vmlinuz-1.2.3 "a: third"
made boot/vmlinuz-1.2.3 "a: two"

# A setting that doesn't come true
echo 'kernel.config = { "./none.config" }' >>vm.lua
echo "NONE y" >none.config
expect 125 "$VIV" build -q
err_has "CONFIG_NONE=y is asked for, but it is not set"
echo "NONE? y" >none.config
expect 125 "$VIV" build -q
err_has "bzImage"

# Packages with modules: one that has none, one that compiles later, one that a machine has twice
tiny_machine
echo 'boot.extraModulePackages = { "hello" }' >>vm.lua
expect 125 "$VIV" build -q
err_has "vm.lua:7: boot.extraModulePackages: "
err_has "hello_1.0_$(dpkg --print-architecture).deb: no kernel module in this package"
grep -q '"vm.lua#hello"' vm.lock || fail "the lock file has not the package"
sed -i '$d' vm.lua
echo 'boot.extraModulePackages = { mkPackage{ name = "driver", src = path("./tree") } }' >>vm.lua
expect 125 "$VIV" build -q
err_has "vm.lua:7: which package has the headers of large is not known"
echo 'environment.systemPackages = { "driver" }' >>vm.lua
expect 125 "$VIV" build -q
err_has "vm.lua:7: driver: it is in boot.extraModulePackages, and so can be nothing else's"
