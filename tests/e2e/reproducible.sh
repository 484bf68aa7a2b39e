# SPDX-License-Identifier: MIT
# slow
# Packages whose scripts make databases, keys and key stores: built twice from one vm.lock, in two stores,
# the layers are the same bytes; and what was taken out of them comes back at first boot.
. "$(dirname "$0")/lib.sh"

apt-get indextargets 2>/dev/null | grep -q '^Origin: Debian' || skip "this system's apt knows no Debian mirror"
[ "$(id -u)" = 0 ] || unshare --user true 2>/dev/null || skip "no user namespaces here"

cat >vm.lua <<'L'
environment.systemPackages = { "postgresql", "mariadb-server", "default-jre-headless", "nginx", "postfix", "cron", "docker.io" }
virtualisation.memorySize = 2048
L
first=$work/first second=$work/second
export VIV_STORE=$first
expect 0 "$VIV" build --no-link
one=$(cat "$work/out")

# The second has the archives, and nothing else.
cp -al "$first" "$second"
export VIV_STORE=$second
expect 0 "$VIV" store gc --all --keep-archives
[ ! -e "$second/objects/$(basename "$one")" ] || fail "the first build is still there"
expect 0 "$VIV" build --no-link --locked

for layer in "$first"/objects/*-trixie-*/; do
	name=$(basename "$layer")
	diff "$layer/manifest" "$second/objects/$name/manifest" >"$work/out" || fail "$name: these files differ"
done
# The machine's script names its store, so the whole has a path in it; its parts have none.
for object in "$second"/objects/*; do
	case $object in
	*-vm-vm) continue ;;
	esac
	diff -r "$object" "$first/objects/$(basename "$object")" >"$work/out" || fail "$(basename "$object") differs"
done

# Services with time limits of their own may fail on a slow host: those two have none.
cat >look.sh <<'S'
fail=0
check() { "$@" || { echo "FAILED: $*"; fail=1; }; }
systemctl is-system-running --wait
check systemctl is-active postgresql@17-main
check systemctl is-active mariadb
check test "$(su postgres -c "psql -Atc 'show server_encoding'")" = UTF8
check test "$(mariadb -N -e 'select 40 + 2')" = 42
check test "$(mariadb -N -e "show variables like 'datadir'" | cut -f2)" = /var/lib/mysql/
check test -e /var/lib/mysql/debian-*.flag
check keytool -list -cacerts -storepass changeit >/tmp/list
check test "$(grep -c trustedCertEntry /tmp/list)" -gt 100
[ $fail = 0 ] || systemctl --failed --no-legend
exit $fail
S
expect 0 "$VIV" run -q --timeout 20m -- sh -c "$(cat look.sh)"

# A minimal root is the same bytes, too: all of what -t dist makes.
command -v gensquashfs >/dev/null || { echo "gensquashfs is missing: no minimal root"; exit 0; }
mkdir minimal && cp "$tests/../examples/minimal/vm.lua" minimal/vm.lua
export VIV_STORE=$first
expect 0 "$VIV" build -q -t dist --no-link minimal/vm.lua
one=$(cat "$work/out")
find "$second" -type d -exec chmod u+w {} + && rm -r "$second"
cp -al "$first" "$second"
export VIV_STORE=$second
expect 0 "$VIV" store gc --all --keep-archives
expect 0 "$VIV" build -q -t dist --no-link --locked minimal/vm.lua
two=$(cat "$work/out")
[ "$(stat -c %i "$one/root.squashfs")" != "$(stat -c %i "$two/root.squashfs")" ] ||
	fail "the second minimal root was not built again"
expect 0 diff -r "$one" "$two"
