# SPDX-License-Identifier: MIT
# slow
# gcov's data of a kernel that is built from source, and what its own tests say: collected in a test, read by gcov on this host.
. "$(dirname "$0")/lib.sh"

needs_root
command -v gcov >/dev/null || skip "gcov is missing"
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
case $release in
bookworm | trixie) ;;
*) skip "gcov reads what a compiler of its own version built, and that is bookworm's or trixie's" ;;
esac

# Its name is another one each time, so that it is built, and the build folder is there. KUnit's tests of faults would be a
# crash of the machine's.
{
	small_kernel
	printf 'CONFIG_%s=y\n' DEBUG_FS GCOV_KERNEL GCOV_PROFILE_ALL KUNIT KUNIT_TEST KUNIT_EXAMPLE_TEST
	echo "KUNIT_FAULT_TEST? n"
	echo "CONFIG_LOCALVERSION=\"-gcov$$\""
} >small.config
cat >a.test.lua <<EOF
machine.packages.release = "$release"
machine.system.init = "none"
machine.virtualisation.diskImage = null
machine.kernel.baseConfig = "tinyconfig"
machine.kernel.config = { "./small.config" }
test("coverage", function()
	machine:collect_coverage()
	-- What the kernel's own tests came to, as it stands in its log.
	local passed, skipped = machine:succeed_tap("dmesg")
	t.is_true(passed > 10, passed .. " tests of the kernel's passed")
	t.is_true(skipped > 0, "some were skipped")
end)
EOF
kept=$XDG_CACHE_HOME/viv/builds
before=$(ls -d "$kept"/* 2>/dev/null)
trap 'for f in "$kept"/kernel-*; do grep -qxF "$f" <<<"$before" || rm -rf "$f"; done; cleanup' EXIT
expect 0 "$VIV" test --log --results results a.test.lua
grep -q '"name":"example_skip_test"' results/results.jsonl || fail "no subtest of KUnit's in the results"

# The kernel's notes and sources are where it was built, /build.
cd results/a.test.lua*/coverage/machine/kernel/build/obj || fail "nothing of the kernel"
[ "$(find . -name '*.gcda' -size +0 | wc -l)" -gt 300 ] || fail "only $(find . -name '*.gcda' -size +0 | wc -l) files of the kernel"
[ -z "$(find . -name '*.gcda' -size 0)" ] || fail "empty: $(find . -name '*.gcda' -size 0)"
mkdir -p "$work"/root/{usr,build,here}
for d in bin lib lib32 lib64; do [ ! -L /$d ] || ln -s "$(readlink /$d)" "$work/root/$d"; done
expect 0 mounted "cd $work/root && mount --bind /usr usr && mount --bind $(ls -td "$kept"/kernel-*/ | head -n 1) build &&
	mount --bind $PWD here" chroot "$work/root" sh -c 'cd /here && gcov init/main.gcda'
ran=$(awk -F: 'index($0, "void start_kernel(void)") { gsub(/ /, "", $1); print $1; exit }' main.c.gcov)
[ "$ran" = 1 ] || fail "start_kernel: $(grep -F 'start_kernel(void)' main.c.gcov)"
