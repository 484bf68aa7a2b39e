# SPDX-License-Identifier: MIT
# slow
# Packages from source in a guest: Debian's compiler, a patched Debian package, a C tree of two files.
. "$(dirname "$0")/lib.sh"

command -v git >/dev/null || skip "git is missing"
mkdir tree
printf '#include <stdio.h>\nint b(void);\nint main(void) { return printf("own %%d\\n", b()) < 0; }\n' >tree/a.c
echo 'int b(void) { return 42; }' >tree/b.c
printf 'own: a.o b.o\n\t$(CC) -o $@ $^\ninstall:\n\tinstall -D own $(DESTDIR)/usr/bin/own\n' >tree/Makefile
git init -q tree
cat >fix.patch <<'P'
--- a/sl.c
+++ b/sl.c
@@ -78,6 +78,7 @@
     }
 }
 
+static const char viv_patched[] __attribute__((used)) = "patched by vivarium";
 int main(int argc, char *argv[])
 {
     int x, i;
P
cat >vm.lua <<'V'
packages.release = "trixie"
system.init = "none"
packages.overlays = {
	function(final, prev)
		return {
			sl = prev.sl:override{ patches = { "./fix.patch" } },
			own = mkPackage{ name = "own", src = fetchGit "./tree" },
		}
	end,
}
environment.systemPackages = { "sl", "own" }
V
expect 0 "$VIV" build --no-link
expect 0 "$VIV" run -q -- sh -c 'own; dpkg-query -W -f "\${Package} \${Version}\n" sl own; grep -c "patched by vivarium" /usr/games/sl; dpkg -V'
out_has "own 42"
grep -q '^sl 5.*+viv1\.[0-9a-f]\{8\}$' out || fail "sl is not ours: $(cat out)"
grep -q '^own 0+viv1\.[0-9a-f]\{8\}$' out || fail "own is not ours: $(cat out)"
grep -qx 1 out || fail "sl is not patched: $(cat out)"
echo 'int b(void) { return 43; }' >tree/b.c
expect 0 "$VIV" build --no-link
log=$(ls -d "$XDG_CACHE_HOME"/viv/builds/own-*/log | head -n 1)
grep -q 'b\.c' "$log" && ! grep -q 'a\.c' "$log" || fail "not b.c alone was compiled: $(cat "$log")"
expect 0 "$VIV" run -q --locked -- own
out_is "own 43"
rm -rf "$XDG_CACHE_HOME"/viv/builds/own-*
