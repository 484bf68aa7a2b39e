# SPDX-License-Identifier: MIT
# Machine files, lock files and outputs that can't be read or written: what is said, and that
# nothing is lost. Boots nothing.
. "$(dirname "$0")/lib.sh"

# The machine file
mkdir folder.lua
expect 125 "$VIV" build folder.lua
err_has "cannot read folder.lua: it is a folder"
head -c 5000 "$VIV" >binary.lua
expect 125 "$VIV" eval binary.lua
err_has "cannot read binary.lua: it is not text"
expect 125 "$VIV" build nothing.lua
err_has "cannot read nothing.lua: No such file or directory"
expect 2 "$VIV" build one.lua two.lua
expect 2 "$VIV" build --no-such-option

# The output
echo 'networking.hostName = "x"' >vm.lua
for words in --help --version "help run" "store --help" eval options; do
	# shellcheck disable=SC2086
	expect 125 sh -c '"$@" >/dev/full' sh "$VIV" $words
	err_has "cannot write the output"
done
expect 0 sh -c '"$@" >&-' sh "$VIV" eval # nobody wants it
"$VIV" options 2>err | true
[ ! -s err ] || fail "words about a pipe whose reader has had enough"

# The lock file
tiny_machine
tiny_builds
cp vm.lock good.lock
expect 125 "$VIV" build -q --locked -p diverts
err_has "vm.lock is not up to date:
  packages: + diverts"
err_has "Run without --locked"
for name in helo:hello writes-in-plcae:writes-in-place; do
	expect 125 "$VIV" build -q -p ${name%:*}
	err_has "tiny has no package ${name%:*} (did you mean ${name#*:}?)"
done
echo 'environment.systemPackages = { "helo" }' >>vm.lua
expect 125 "$VIV" build -q
err_has "vm.lua:$(wc -l <vm.lua): environment.systemPackages: tiny has no package helo (did you mean hello?)"
sed -i '$d' vm.lua
expect 125 "$VIV" build -q -p hello=9
err_has "Version '9' for 'hello' was not found"
cmp vm.lock good.lock || fail "a build that failed changed the lock file"

damaged() { # WHAT
	cp vm.lock bad.lock
	for command in build update; do
		expect 125 "$VIV" $command -q
		err_has "$1"
		err_has "Take it from version control, or remove it"
		cmp vm.lock bad.lock || fail "the damaged lock file was changed"
	done
}
head -c 700 good.lock >vm.lock
damaged "vm.lock:3"
: >vm.lock
damaged "vm.lock:1:"
head -c 900 "$VIV" >vm.lock
damaged "vm.lock:1:"
sed 's/"sha256": "[0-9a-f]*"/"sha256": "x"/' good.lock >vm.lock
damaged "not a SHA-256"
rm vm.lock
expect 125 "$VIV" build -q --locked
err_has "the machine vm.lua is not in it"
[ ! -e vm.lock ] || fail "--locked made a lock file"
tiny_builds
expect 0 "$VIV" build -q --locked --plan

# Two folders with one lock file: each machine has its own part of it
mkdir -p one two
for d in one two; do
	{
		cat vm.lua
		echo 'packages.lockFile = "../shared.lock"'
		[ $d = one ] || echo 'environment.systemPackages = { "large" }'
	} >$d/vm.lua
	expect 0 "$VIV" update -q $d/vm.lua
done
cp shared.lock both.lock
for d in one two; do expect 0 "$VIV" build -q --locked --plan $d/vm.lua; done
(cd one && expect 0 "$VIV" build -q --locked --plan)
cmp -s shared.lock both.lock || fail "one folder's machine changed the other's"
sed 's,"one/vm.lua","vm.lua",' both.lock >shared.lock # as it was named once
expect 125 "$VIV" build -q --locked --plan one/vm.lua # that name is vm.lua's of this folder
mv vm.lua aside.lua
expect 0 "$VIV" build -q --locked --plan one/vm.lua
mv aside.lua vm.lua
rm -r one two

# A folder that can't be written: root can, so for root it is a mount.
mkdir fixed && cp vm.lua fixed
if [ "$(id -u)" = 0 ]; then
	needs_root
	expect 125 mounted "mount --bind fixed fixed; mount -o remount,ro,bind fixed" \
		"$VIV" build -q fixed/vm.lua
else
	chmod a-w fixed
	expect 125 "$VIV" build -q fixed/vm.lua
fi
err_has "fixed/vm.lock: "
err_has "packages.lockFile names another place"
[ "$(ls fixed)" = vm.lua ] || fail "left in the folder: $(ls fixed)"

# A test file's machines, in all combinations: each has its entry, which goes with it, and stays when another file is built.
{
	echo 'local colour = matrix("colour", { "red", "blue" })'
	grep -v '^environment' vm.lua | sed 's/^/machines["*"]./'
	echo 'machines.web.environment.systemPackages = { "hello" }'
	echo 'machines.client.environment.etc.colour.text = colour'
	echo 'test("x", function() end)'
} >few.test.lua
entries() { grep -o '"few.test.lua[^"]*"' vm.lock | sort -u | tr -d '"' | tr '\n' ' '; }
expect 0 "$VIV" update few.test.lua
out_has 'web[colour=blue]: + hello 1.0'
[ "$(grep -c 'resolving packages' err)" = 2 ] || fail "not asked once for each set of packages"
sed -i s/client/server/ few.test.lua
expect 0 "$VIV" update vm.lua few.test.lua
err_has 'vm.lock: few.test.lua:client[colour=red] is no longer recorded: there is no such machine'
[ "$(entries)" = 'few.test.lua:server[colour=blue] few.test.lua:server[colour=red] few.test.lua:web[colour=blue] few.test.lua:web[colour=red] ' ] ||
	fail "the entries: $(entries)"
tiny_builds
[ "$(entries | wc -w)" = 4 ] || fail "forgotten: $(entries)"
expect 0 "$VIV" update vm.lua few.test.lua
! grep "no longer recorded" err || fail "something is forgotten again"
expect 125 "$VIV" update none.test.lua

# Several files with lock files of their own, and machines of the same names: each is asked for, and forgotten, for itself.
mkdir d1 d2
sed '/^local/d; /etc.colour/d' few.test.lua | sed 's,\.\./,,' >d1/few.test.lua
cp d1/few.test.lua d2
expect 0 "$VIV" update d1/few.test.lua d2/few.test.lua
out_has 'd1/few.test.lua: web: + hello 1.0'
out_has 'd2/few.test.lua: web: + hello 1.0'
sed -i 's/web/www/' d2/few.test.lua
expect 0 "$VIV" update d1/few.test.lua d2/few.test.lua
[ "$(grep -c 'resolving packages' err)" = 2 ] || fail "the second was not asked for"
err_has 'vm.lock: few.test.lua:web is no longer recorded'
grep -q '"few.test.lua:web"' d1/vm.lock || fail "forgotten in the other lock file"
! grep -q '"few.test.lua:web"' d2/vm.lock || fail "still recorded"

# Machines of one file with lock files of their own, and a parameter that says what is in one of them.
mkdir d3
{
	sed 's,\.\./,,' d1/few.test.lua | grep -v systemPackages
	echo 'machines.web.environment.systemPackages = { param("package", "hello") }'
	echo 'machines.server.packages.lockFile = "./server.lock"'
} >d3/few.test.lua
expect 0 "$VIV" update d3/few.test.lua --param package=diverts
out_has 'web: + diverts'
expect 0 "$VIV" update d3/few.test.lua
out_has 'web: - diverts'
grep -q '"few.test.lua:web"' d3/vm.lock && ! grep -q '"few.test.lua:server"' d3/vm.lock || fail "the file's own lock file"
grep -q '"few.test.lua:server"' d3/server.lock && ! grep -q '"few.test.lua:web"' d3/server.lock || fail "the other's own"
cp d3/vm.lock before.lock
expect 125 "$VIV" update d3/few.test.lua --param package=diverts --param colour=red
cmp d3/vm.lock before.lock || fail "renewed with a parameter that nothing asks for"
err_has '--param colour: no test file asks for it'
expect 2 "$VIV" update d3/few.test.lua --param colour
echo 'this is wrong' >d3/wrong.test.lua
expect 125 "$VIV" update d3/wrong.test.lua --param colour=red
err_has 'd3/wrong.test.lua:1'
