# SPDX-License-Identifier: MIT
# Ways to a mirror: through a proxy, to a snapshot of the recorded time, interrupted. Boots nothing.
. "$(dirname "$0")/lib.sh"

command -v python3 >/dev/null || skip "python3 is missing"
unset http_proxy https_proxy all_proxy no_proxy
echo 'Acquire::Retries "0";' >apt.conf
export APT_CONFIG=$work/apt.conf
tiny_machine
mkfifo port
: >asked
python3 "$tests/data/deb/mirror.py" "$work/tiny/repo" "$work/asked" "$work/stall" >port 2>mirror.log &
mirror=$!
trap 'kill $mirror 2>/dev/null; cleanup' EXIT
read -r port <port

asked() { grep -q "$1" asked || fail "nobody asked for $1: $(cat asked)"; }

# A proxy: of the environment, and of this system's apt configuration
sed -i 's,file://[^ ]*,http://deb.example.org,' vm.lua
http_proxy=http://127.0.0.1:$port tiny_builds
asked "^http://deb.example.org/dists/tiny/InRelease"
asked "^http://deb.example.org/pool/main/hello"
: >asked
echo "Acquire::http::Proxy \"http://127.0.0.1:$port\";" >>apt.conf
expect 0 "$VIV" update -q
asked "^http://deb.example.org/dists/tiny/InRelease"
VIV_STORE=$work/second tiny_builds
asked "^http://deb.example.org/pool/main/hello"
sed -i '/Proxy/d' apt.conf

# The mirror has it no more: the snapshot of the time when its index was made is asked
sed -i "s,http://deb.example.org,http://127.0.0.1:$port," vm.lua
export VIV_STORE=$work/third
hello=$(cd tiny/repo && echo pool/main/hello_*.deb)
: >asked
mv "tiny/repo/$hello" gone.deb
expect 125 "$VIV" build -q
err_has "no mirror has hello 1.0 any more"
err_has "viv update takes newer versions; packages.snapshotMirrors names"
sed -i "s,^packages.mirrors.*,&\npackages.snapshotMirrors = { \"http://127.0.0.1:$port/snapshot\" }," vm.lua
expect 125 "$VIV" build -q
err_has "no mirror has hello 1.0 any more"
err_has "viv update"
asked "^/snapshot/20231114T221320Z/$hello "
mv gone.deb "tiny/repo/$hello"
# Where only the snapshot has it
sed -i "s,^\(packages.mirrors.*\)http://127.0.0.1:$port,\1http://127.0.0.1:$port/none," vm.lua
: >asked
tiny_builds --locked
asked "^/none/$hello "
asked "^/snapshot/20231114T221320Z/$hello "

# A login goes to apt alone: not into messages, the lock file, the store, or what others may read
secret='s3c%2fret#x' secret_plain='s3c/ret#x'
leaks() { # none of both forms, in what was said and what is kept
	grep -l -r -F -e "$secret" -e "$secret_plain" out err vm.lock "$VIV_STORE"
	[ $? = 1 ] || fail "the login is in there, or something of it could not be read"
	find cache -type f -exec grep -l -F -e "$secret" -e "$secret_plain" {} + | while read -r f; do
		[ "$(stat -c %a "$f")" = 600 ] || echo "$f"
	done >readable
	[ ! -s readable ] || fail "others may read a login: $(cat readable)"
}
cp vm.lua plain.lua
sed -i "s,/none,,; /snapshotMirrors/d; s,http://127.0.0.1:$port,http://paul:$secret@127.0.0.1:$port," vm.lua
echo "paul:$secret_plain" >asked.login
export VIV_STORE=$work/login
expect 0 "$VIV" update -v
leaks
tiny_builds -v
leaks
# Another's with the same mirror, who has none, does not take it away.
logins() { find cache -name 'auth*' -exec sha256sum {} + | sort; }
logins >before
sed "s,paul:$secret@,," vm.lua >without.lua
expect 125 "$VIV" update -q without.lua
logins | cmp - before || fail "another machine's logins are not what they were"
rm without.lua
expect 0 "$VIV" update -q
echo "paul:other" >asked.login
expect 125 "$VIV" update
err_has "a mirror asks for a login, or refuses the one it was given"
err_has "https://NAME:PASSWORD@deb.example.org/debian"
leaks
# of the host's apt configuration
sed -i "s,paul:$secret@,," vm.lua
mkdir -p aptetc/auth.conf.d
echo "Dir::Etc \"$work/aptetc\";" >>apt.conf
expect 125 "$VIV" update -q
for f in auth.conf auth.conf.d/mirror.conf; do
	echo "machine http://127.0.0.1:$port/ login paul password other" >aptetc/$f
	expect 0 "$VIV" update -q
	rm aptetc/$f
done
# a snapshot's
sed -i "s,^\(packages.mirrors.*\)http://127.0.0.1:$port\(.*\),\1http://127.0.0.1:$port/none\2\npackages.snapshotMirrors = { \"http://paul:$secret@127.0.0.1:$port/snapshot\" }," vm.lua
echo "paul:$secret_plain" >asked.login
export VIV_STORE=$work/login-snapshot
tiny_builds -v --locked
leaks
rm asked.login
sed -i '/Dir::Etc/d' apt.conf
mv plain.lua vm.lua

# An IPv6 address, where this system has any
mkfifo port6
MIRROR_ADDRESS=::1 python3 "$tests/data/deb/mirror.py" "$work/tiny/repo" "$work/asked" "$work/stall" >port6 2>mirror6.log &
mirror6=$!
trap 'kill $mirror $mirror6 2>/dev/null; cleanup' EXIT
if read -r port6 <port6; then
	sed "s,http://127.0.0.1:$port/none,http://[::1]:$port6," vm.lua >six.lua
	expect 0 "$VIV" update -q six.lua
else
	echo "not tested: no IPv6 here: $(tail -n 1 mirror6.log)"
fi

# Ctrl-C in the middle of a package: ended as by the signal, and gone on with next time
sed -i "s,/none,,; /snapshotMirrors/d" vm.lua
export VIV_STORE=$work/fourth
rm -rf cache/viv/archives
mv tiny/repo/pool/main/large_*.deb aside.deb
expect 125 "$VIV" build -q # all but the package that the signals are to meet
err_has "no mirror has large 1.0"
mv aside.deb "tiny/repo/pool/main/$(basename "$(grep -o 'large_[^ "]*deb' vm.lock | head -n 1)")"
echo large >stall
: >asked
sum=$(sha256sum tiny/repo/pool/main/large_*.deb | cut -d' ' -f1)
fetched=cache/viv/archives/$(printf %s "$VIV_STORE" | sha256sum | cut -c1-12)
mkdir -p "$fetched"
for signal in INT TERM; do
	rm -f "$fetched"/*
	env --default-signal=INT "$VIV" build -q >out 2>err &
	viv=$!
	timeout 300 tail -s 0.1 --pid=$viv -c +1 -F "$fetched/$sum" 2>/dev/null |
		head -c 900000 >/dev/null
	if [ $signal = TERM ]; then # another store's build fetches the same meanwhile
		rm stall
		VIV_STORE=$work/fifth tiny_builds
		echo large >stall
	fi
	kill -$signal $viv
	wait $viv
	status=$?
	[ $status = $((128 + $(kill -l $signal))) ] || fail "SIG$signal: exit status $status"
	[ -s "$fetched/$sum" ] || fail "SIG$signal: what was fetched is gone"
	err_has "interrupted; what was fetched is kept"
	[ -z "$(ls -A fourth/tmp)$(ls -A fourth/pins)" ] ||
		fail "SIG$signal: left behind: $(ls -A fourth/tmp fourth/pins)"
	for p in /proc/[0-9]*; do
		tr '\0' ' ' 2>/dev/null <"$p/environ" | grep -q "APT_CONFIG=$work/cache" || continue
		timeout 300 tail -s 0.1 --pid="${p#/proc/}" -f /dev/null || # it may be on its way out
			fail "SIG$signal: still running: $(tr '\0' ' ' <"$p/cmdline")"
	done
done
rm stall
: >asked
tiny_builds
grep -q "large.* [1-9][0-9]*$" asked || fail "all of it was asked for again: $(cat asked)"
! grep -q "large.* 0$" asked || fail "it was asked for from the start: $(cat asked)"
expect 0 env VIV_STORE="$work/fifth" "$VIV" store verify
