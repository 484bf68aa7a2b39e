# SPDX-License-Identifier: MIT
# Packages from source: a patched one of the archive's, own trees, and what goes wrong. Boots nothing.
. "$(dirname "$0")/lib.sh"

for p in git curl make patch perl dpkg-source dpkg-gencontrol; do
	command -v $p >/dev/null || skip "$p is missing"
done
tiny_machine greeter own
sh "$tests/data/deb/make-repo" "$work/tiny" sources >make.log 2>&1 || fail "make-repo: $(tail -n 5 make.log)"
cp vm.lua plain.lua
overlay() { # the body of an overlay's table
	cp plain.lua vm.lua
	printf 'packages.overlays = { function(final, prev) return {\n%s\n} end }\n' "$1" >>vm.lua
}
fails() { # MESSAGE…
	local m
	expect 125 "$VIV" build
	for m in "$@"; do err_has "$m"; done
}
built() { # PACKAGE FILE: prints the file of the newest one
	dpkg-deb --fsys-tarfile "$(ls -tc "$VIV_STORE"/objects/*-"$1"_*viv*.deb | head -n 1)" | tar -xO "./$2"
}
has() { [ "$(built "$1" "$2" | tr '\n' ' ')" = "$3 " ] || fail "$1 has in $2: $(built "$1" "$2")"; }

commit() { git -C tree add -A && git -C tree -c user.name=x -c user.email=x@example.org commit -qm x; }
mkdir tree
echo one >tree/a.src
echo two >tree/b.src
cat >tree/Makefile <<'M'
own: $(patsubst %.src,%.o,$(wildcard *.src))
	cc $@ $^
%.o: %.src
	cc $@ $<
install:
	install -D -m 644 own $(DESTDIR)/usr/share/own
	cat /usr/share/greeting >>$(DESTDIR)/usr/share/own
M
echo 'ignored*' >tree/.gitignore
git init -q tree
commit
printf -- '--- a/greeting\n+++ b/greeting\n@@ -1 +1 @@\n-hello from Debian\n+hello from here\n' >fix.patch
good='greeter = prev.greeter:override{ patches = { "./fix.patch" } },
own = mkPackage{ name = "own", src = fetchGit "./tree", depends = { "hello" }, buildInputs = { final.greeter } },'

# A source package patched and built again; an own tree, built with it
overlay "$good"
tiny_builds
has greeter usr/share/greeting "hello from here"
has own usr/share/own "one two hello from here"
cat "$VIV_STORE"/objects/*-tiny-local/manifest >local
grep -q ' usr/share/greeting$' local && grep -q ' usr/share/own$' local || fail "they are not in the machine"
grep -q ' usr/share/hello/text ' "$VIV_STORE"/objects/*-tiny-packages/manifest || fail "own's dependency is not there"
grep -q '"vm.lua#greeter"' vm.lock || fail "the lock file has no build of greeter"
grep -q 'greeter_1.0.dsc' vm.lock || fail "the lock file has no source of greeter"

# Another release's source is none of this one's
cp vm.lock before.lock
sed -i 's/"release": "tiny"/"release": "older"/; s/greeter_1\.0\.dsc/greeter_0.9.dsc/' vm.lock
! grep -q greeter_1.0.dsc vm.lock || fail "the lock file is not edited"
tiny_builds
cmp vm.lock before.lock || fail "another release's source was kept"

# One changed file: it alone is compiled. Uncommitted and new files count, ignored ones don't.
compiled() { sort cache/viv/builds/own-*/compiled; } # make works on several at a time
[ "$(compiled)" = "$(printf 'compiled a.o b.o\ncompiled a.src\ncompiled b.src')" ] || fail "compiled: $(compiled)"
: >"$(echo cache/viv/builds/own-*/compiled)"
echo changed >tree/b.src
echo ignored >tree/ignored.src
cp vm.lock before.lock
expect 125 "$VIV" build
err_has "taking $work/tree with 1 uncommitted change"
[ "$(compiled)" = "$(printf 'compiled a.o b.o\ncompiled b.src')" ] || fail "compiled: $(compiled)"
has own usr/share/own "one changed hello from here"
cmp vm.lock before.lock || fail "a changed tree changes the lock file"
: >"$(echo cache/viv/builds/own-*/compiled)"
tiny_builds --locked
[ -z "$(compiled)" ] || fail "nothing changed, but compiled: $(compiled)"
echo new >tree/c.src
rm tree/a.src
expect 125 "$VIV" build
err_has "taking $work/tree with 3 uncommitted changes"
has own usr/share/own "changed new hello from here"
commit
expect 125 "$VIV" build
! grep -q uncommitted err || fail "all is committed"

# An overlay counts for what another package brings along, and the lock file stays as it is
mkdir greet
printf 'install:; mkdir -p $(DESTDIR)/usr/lib/greet; echo mine >$(DESTDIR)/usr/lib/greet/data\n' >greet/Makefile
overlay 'own = prev.hello,
libgreet = prev.libgreet:override{ version = "2.0", src = path("./greet"), build = ":" },'
tiny_builds
has libgreet usr/lib/greet/data mine
grep -q ' usr/lib/greet/extra -> 0:0$' "$VIV_STORE"/objects/*-tiny-local/manifest || fail "Debian's libgreet was not replaced"
cp vm.lock before.lock
tiny_builds --locked
cmp vm.lock before.lock || fail "the lock file is not the same"

# A commit, a tar file, a plain folder
rev=$(git -C tree rev-parse HEAD)
echo later >tree/b.src
overlay "own = mkPackage{ name = \"own\", src = fetchGit{ url = \"file://$work/tree\", rev = \"$rev\" }, install = \"install -D -m 644 own \$DESTDIR/usr/share/own\" },"
tiny_builds
has own usr/share/own "changed new"
git -C tree archive --prefix=x/ HEAD | gzip -n >tree.tar.gz
sum=$(sha256sum tree.tar.gz | cut -d' ' -f1)
tarball() { overlay "own = mkPackage{ name = \"own\", src = fetchTarball{ url = \"file://$work/tree.tar.gz\", sha256 = \"$1\" }, patches = { \"./tar.patch\" }, install = \"install -D -m 644 own \$DESTDIR/usr/share/own\" },"; }
printf -- '--- a/b.src\n+++ b/b.src\n@@ -1 +1 @@\n-changed\n+patched\n' >tar.patch
tarball "$sum"
tiny_builds
has own usr/share/own "patched new"
mkdir plain
echo '$(info $(WORD))' >plain/Makefile
echo 'install:; mkdir -p $(DESTDIR)/usr/share; echo $(WORD) >$(DESTDIR)/usr/share/own' >>plain/Makefile
overlay 'own = mkPackage{ name = "own", version = "2.5", src = path("./plain"), build = ":", env = { WORD = "plain" } },'
tiny_builds
has own usr/share/own plain
ls "$VIV_STORE"/objects/*-own_2.5+viv1.* >/dev/null || fail "own has not the version 2.5"

# A build that puts a link in its tree's place is led nowhere the next time: it begins from nothing
mkdir outside swap
echo precious >outside/Makefile
echo one >swap/word
: >swap/Makefile
overlay "own = mkPackage{ name = \"own\", src = path(\"./swap\"), build = \":\", install = \"install -D -m 644 word \$DESTDIR/usr/share/own; cd /build; mv src old; ln -s $work/outside src\" },"
tiny_builds
kept=cache/viv/builds/own-$(printf %s "$work/swap" | sha256sum | cut -c1-12)
[ -L "$kept/src" ] || fail "the build made no link"
echo two >swap/word
rm swap/Makefile
tiny_builds
has own usr/share/own two
[ "$(ls outside) $(cat outside/Makefile)" = "Makefile precious" ] || fail "a build wrote into a folder outside: $(ls outside)"

# What goes wrong is said, with its place
tarball "$(echo "$sum" | tr 0-9 1-90)"
fails "vm.lua:9: own: file://$work/tree.tar.gz has the sha256 $sum, not "
sed -i 's/greeting/other/' fix.patch
overlay "$good"
fails "vm.lua:9: greeter: the patch fix.patch does not apply" "can't find file to patch" "The whole log: "
printf -- '--- a/greeting\n+++ b/greeting\n@@ -1 +1 @@\n-hello from nobody\n+hello from here\n' >fix.patch
fails "vm.lua:9: greeter: the patch fix.patch does not apply" "Hunk #1 FAILED at 1."
rm fix.patch
fails "vm.lua:9: greeter: patches: " "fix.patch: No such file or directory"
overlay 'own = mkPackage{ name = "own", src = fetchGit "./nowhere" },'
fails "vm.lua:9: own: the source $work/nowhere: No such file or directory"
overlay 'own = mkPackage{ name = "own", src = fetchGit "./plain" },'
fails "vm.lua:9: own: $work/plain is no git repository"
mkdir empty
touch empty/file
overlay 'own = mkPackage{ name = "own", src = path("./empty") },'
fails "vm.lua:9: own: it is not known how $work/empty is built" 'Say it: build = "…", install = "…"'
overlay 'own = mkPackage{ name = "own", src = path("./empty"), install = ":" },'
fails 'vm.lua:9: own: its install step put nothing into $DESTDIR'
overlay 'own = mkPackage{ name = "own", src = path("./empty"), build = "echo the disk of tears is missing; exit 3", install = ":" },'
fails "vm.lua:9: own: its build failed (exit status 3):" "  the disk of tears is missing"
log=$(sed -n 's/^The whole log: //p' err)
grep -q "the disk of tears is missing" "$log" || fail "no log"
overlay 'own = prev.owm:override{ version = "1" },'
fails "vm.lua:9: owm: tiny has no source package owm"
overlay 'own = mkPackage{ name = "own", src = path("./empty"), install = ":", buildInputs = { final.own } },'
fails "packages need each other to be built: own -> own"
overlay 'own = prev.greeter:override{ build = "make" },'
fails "vm.lua:9: greeter: configure, build and install go with a src of its own"
overlay 'own = mkPackage{ name = "own", src = fetchGit{ url = "file:///x", rev = "main" } },'
fails 'vm.lua:9: own: fetchGit: rev "main" is not a whole commit'
overlay 'large = prev.large:override{ src = path("./plain") },'
fails "vm.lua:9: large: a kernel's package can't be built from source"
rm vm.lock
overlay 'own = mkPackage{ name = "own", src = path("./plain") },'
expect 125 "$VIV" build --locked
err_has "vm.lock is not up to date"

# One that hangs is ended; Ctrl-C ends it and leaves nothing
overlay 'own = mkPackage{ name = "own", src = path("./empty"), build = "echo it waits; sleep 1000", install = ":" },'
echo 'packages.buildTimeout = 1' >>vm.lua
fails "vm.lua:9: own: its build: it printed nothing for 1 s and was ended" "  it waits"
sed -i '/buildTimeout/d' vm.lua
kept=cache/viv/builds/own-$(printf %s "$work/empty" | sha256sum | cut -c1-12)
env --default-signal=INT "$VIV" build -q >out 2>err &
viv=$!
timeout 300 tail -s 0.1 --pid=$viv -c +1 -F "$kept/log" 2>/dev/null | { # ends with viv
	grep -q -m 1 "it waits"
	kill -INT $viv
}
wait $viv
[ $? = 130 ] || fail "SIGINT did not end it: $(cat err)"
[ -z "$(ls -A "$VIV_STORE/tmp")$(ls -A "$VIV_STORE/pins")" ] || fail "left behind: $(ls "$VIV_STORE/tmp" "$VIV_STORE/pins")"
