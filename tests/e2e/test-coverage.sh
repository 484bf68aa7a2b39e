# SPDX-License-Identifier: MIT
# slow
# gcov's data of a program that is built from source: collected in a test, read by gcov on this host.
. "$(dirname "$0")/lib.sh"

command -v gcov >/dev/null || skip "gcov is missing"
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
case $release in
bookworm | trixie) ;;
*) skip "gcov reads what a compiler of its own version built, and that is bookworm's or trixie's" ;;
esac

# Another one each time, so that it is built, and the build folder is there.
mkdir greet
cat >greet/greet.c <<C
/* $work */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "nobody") == 0)
			puts("...");
		else
			printf("hello, %s\n", argv[i]);
	return 0;
}
C
cat >greet/Makefile <<'M'
CFLAGS = -O0 --coverage
greet: greet.o
	$(CC) $(CFLAGS) -o $@ $^
install:
	install -D greet $(DESTDIR)/usr/bin/greet
M
cat >a.test.lua <<EOF
machine.packages.release = "$release"
machine.system.init = "none"
machine.environment.systemPackages = { mkPackage{ name = "greet", src = path("./greet") } }
test("coverage", function()
	machine:succeed("GCOV_PREFIX=/tmp/gcov greet world world")
	machine:collect_coverage("/tmp/gcov")
end)
EOF
kept=$XDG_CACHE_HOME/viv/builds
before=$(ls -d "$kept"/* 2>/dev/null)
trap 'for f in "$kept"/greet-*; do grep -qxF "$f" <<<"$before" || rm -rf "$f"; done; cleanup' EXIT
expect 0 "$VIV" test --log --results results a.test.lua

line() { # LINE: how often it ran
	awk -F: -v line="$1" 'index($0, line) { gsub(/ /, "", $1); print $1; exit }' greet.c.gcov
}
cd results/a.test.lua*/coverage/machine/gcov/build/src || fail "nothing of the program"
cp -r "$(ls -td "$kept"/greet-*/ | head -n 1)src/." .
expect 0 gcov greet.gcda
[ "$(line 'printf("hello')" = 2 ] || fail "the program's line: $(cat greet.c.gcov)"
[ "$(line 'puts("...")')" = "#####" ] || fail "the line that did not run: $(cat greet.c.gcov)"
