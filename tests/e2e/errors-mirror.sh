# SPDX-License-Identifier: MIT
# Mirrors that lie, are away, or break off. Boots nothing.
. "$(dirname "$0")/lib.sh"

# apt waits longer before every new attempt: one is enough here.
echo 'Acquire::Retries "0";' >apt.conf
export APT_CONFIG=$work/apt.conf

tiny_machine
tiny_builds
cp vm.lock good.lock
release=$work/tiny/repo/dists/tiny/InRelease
cp "$release" right

unchanged() {
	cmp -s vm.lock good.lock || fail "the lock file was changed"
}

# A bad signature; a key that isn't ours
sed -i 's/^Label: Tiny/Label: Tine/' "$release"
expect 125 "$VIV" update -q
err_has "the signature of an index is wrong"
err_has "name another mirror in packages.mirrors"
unchanged
cp right "$release"
GNUPGHOME=$work/tiny/gpg gpg --batch --quiet --passphrase '' \
	--quick-generate-key 'Other <other@example.org>' ed25519 sign never 2>/dev/null
GNUPGHOME=$work/tiny/gpg gpg --batch --quiet --export other@example.org >other.gpg
GNUPGHOME=$work/tiny/gpg gpgconf --kill gpg-agent
expect 125 "$VIV" update -q --set "packages.keyring=$work/other.gpg"
err_has "not signed by a key that is trusted"
err_has "packages.keyring names others"
unchanged
expect 125 "$VIV" update -q --set packages.keyring=/nowhere/key.gpg
err_has "the keyring /nowhere/key.gpg: No such file or directory"

# Other content than the lock file has: not taken; the right one later on is
hello=$(echo "$work"/tiny/repo/pool/main/hello_*.deb)
cp "$hello" hello.deb
printf X | dd of="$hello" bs=1 seek=300 conv=notrunc status=none
export VIV_STORE=$work/second
expect 125 "$VIV" build -q
err_has "content of hello 1.0 is not what the lock file says"
err_has "It was thrown away. Try again later"
expect 0 "$VIV" store ls
! grep -q hello out || fail "the wrong package is in the store"
unchanged
rm "$hello"
expect 125 "$VIV" build -q
err_has "no mirror has hello 1.0 any more"
err_has "viv update takes newer versions"
cp hello.deb "$hello"
tiny_builds
unchanged

# No mirror answers
export VIV_STORE=$work/third no_proxy=127.0.0.1
sed -i 's,file://[^ ]*,http://127.0.0.1:1/,' vm.lua
expect 125 "$VIV" build -q
err_has "could not fetch apt 1, tiny-base 1"
err_has "the next attempt goes on from there"
unchanged
expect 125 "$VIV" update -q
err_has "the package lists could not be fetched"
err_has "Is the network up?"
unchanged
rm vm.lock
expect 125 "$VIV" build -q
[ ! -e vm.lock ] || fail "half a lock file"
cp good.lock vm.lock

# A mirror that breaks off in the middle of a package, for good; later on the rest is asked for
command -v python3 >/dev/null || skip "python3 is missing (all but the resumed download was tested)"
cat >mirror.py <<'PY'
import http.server, os, sys
root, log, broken = sys.argv[1:4]
class Mirror(http.server.BaseHTTPRequestHandler):
	protocol_version = "HTTP/1.1"
	def log_message(self, *args): pass
	def do_GET(self):
		path = root + self.path
		if not os.path.isfile(path):
			return self.send_error(404)
		data, start = open(path, "rb").read(), 0
		asked = self.headers.get("Range", "")
		if asked.startswith("bytes="):
			start = int(asked[6:].split("-")[0])
		large = "large" in path
		if large:
			print(start, file=open(log, "a"))
		self.send_response(206 if start else 200)
		self.send_header("Content-Length", str(len(data) - start))
		self.send_header("Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT")
		if start:
			self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
		self.end_headers()
		if large and os.path.exists(broken):
			self.wfile.write(data[start:start + (0 if start else 1000000)])
			self.wfile.flush()
			self.close_connection = True
		else:
			self.wfile.write(data[start:])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
print(server.server_port, flush=True)
server.serve_forever()
PY
touch broken
mkfifo port
python3 mirror.py "$work/tiny/repo" "$work/asked" "$work/broken" >port 2>mirror.log &
mirror=$!
trap 'kill $mirror 2>/dev/null; cleanup' EXIT
read -r port <port
sed -i "s,http://127.0.0.1:1/,http://127.0.0.1:$port/," vm.lua
export VIV_STORE=$work/fourth
expect 125 "$VIV" build -q
err_has "could not fetch large 1.0"
err_has "the next attempt goes on from there"
! "$VIV" store ls 2>/dev/null | grep -q large || fail "half a package is in the store"
rm broken
: >asked
tiny_builds
grep -qx '[1-9][0-9]*' asked || fail "all of it was asked for again: $(cat asked)"
! grep -qx 0 asked || fail "it was asked for from the start: $(cat asked)"
unchanged
