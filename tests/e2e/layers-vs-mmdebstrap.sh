# SPDX-License-Identifier: MIT
# slow
# The layers, laid over each other, are the tree that mmdebstrap makes of the same packages: the same
# files, contents, owners and modes, but for what is listed below. And dpkg -V in the guest is clean.
. "$(dirname "$0")/lib.sh"

command -v mmdebstrap >/dev/null || skip "mmdebstrap is not installed"
apt-get indextargets 2>/dev/null | grep -q '^Origin: Debian' || skip "this system's apt knows no Debian mirror"
[ "$(id -u)" = 0 ] || unshare --user true 2>/dev/null || skip "no user namespaces here"

packages="systemd,systemd-sysv,udev,dbus,openssh-server,iproute2,htop,vim-tiny,kmod"
cat >vm.lua <<'L'
environment.systemPackages = { "openssh-server", "iproute2", "htop", "vim-tiny", "kmod" }
L
export VIV_STORE=$work/store
expect 0 "$VIV" build --no-link

# our tree: the manifests in order, later ones over earlier ones
for layer in base packages; do
	cat "$VIV_STORE"/objects/*-trixie-$layer/manifest
done | awk '
	{ path = $9 }
	$1 == "c" && $11 == "0:0" {
		for (p in seen) if (p == path || index(p, path "/") == 1) delete seen[p]
		next
	}
	{
		type = $1 == "h" ? "f" : $1
		seen[path] = type " " (type == "l" ? "-" : $2) " " $3 "/" $4 " " \
			(type == "f" ? $7 : type == "l" ? $11 : "-")
	}
	END { for (p in seen) print p, seen[p] }' | sort >ours

# the reference: owners and modes as the archive lists them, contents unpacked
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(ORIGIN)' 'Created-By: Packages' |
	awk '$3 == "Debian" { print $1, $2 }' | sort -u)
key="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
echo "$mirror" | while read -r uri suite; do
	case $suite in
	*-security) echo "deb $key $uri trixie-security main" ;;
	*-updates) echo "deb $key $uri trixie-updates main" ;;
	*-*) ;;
	*) echo "deb $key $uri trixie main" ;;
	esac
done >sources.list
expect 0 mmdebstrap --quiet --variant=minbase --include=$packages trixie reference.tar - <sources.list
mkdir reference
tar -C reference --exclude='./dev/*' --no-same-owner -xf reference.tar || fail "unpacking the reference"
(cd reference && find . -type f -exec sha256sum {} + | sed 's|^\([0-9a-f]*\)  \./|\1 |') >hashes
tar --numeric-owner --exclude='./dev/*' -tvf reference.tar | awk '
	function octal(s,  i, v, c, special) {
		v = special = 0
		for (i = 2; i <= 10; i++) {
			c = substr(s, i, 1)
			v = v * 2 + (c != "-" && c != "S" && c != "T")
			if (c ~ /[sS]/) special += i == 4 ? 4 : 2
			if (c ~ /[tT]/) special += 1
		}
		return sprintf("%d%d%d%d", special, int(v / 64), int(v / 8) % 8, v % 8)
	}
	NR == FNR { hash[$2] = $1; next }
	{
		type = substr($1, 1, 1)
		path = $6
		sub(/^\.\//, "", path); sub(/\/$/, "", path)
		if (path == "") path = "."
		if (type == "h") {
			to = $9; sub(/^\.\//, "", to)
			print path, line[to]
			next
		}
		if (type == "-") type = "f"
		line[path] = type " " (type == "l" ? "-" : octal($1)) " " $2 " " \
			(type == "f" ? hash[path] : type == "l" ? $8 : "-")
		print path, line[path]
	}' hashes - | sort >theirs

# What may differ, and why.
cat >allowed <<'A'
^dev/	devices come with each boot
^etc/(apt/sources.list|fstab|hostname|resolv.conf) 	mmdebstrap writes them; ours come from options
^etc/g?shadow-? 	days of passwords; the order of groups
^etc/machine-id 	its mode only
^etc/ssh/ssh_host_	made at first boot
^run/	memory, made at each boot
^var/(cache|lib)/apt/	apt installed the reference, dpkg ours
^var/(cache/debconf|lib/dpkg)/[^/]*-old 	what was there before the last change
^var/lib/dpkg/triggers/File 	the order that triggers were declared in
A
cut -f1 allowed >patterns
diff ours theirs | sed -n 's/^[<>] //p' | grep -vE -f patterns >out
[ ! -s out ] || fail "the trees differ ($(wc -l <out) lines)"
[ "$(wc -l <ours)" -gt 5000 ] || fail "only $(wc -l <ours) entries were compared"

expect 0 "$VIV" run -q --set system.init=none vm.lua -- dpkg -V
out_is ""
