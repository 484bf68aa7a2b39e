#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A cold build of the reference machine, and of one with about 400 packages, beside mmdebstrap.
# Both have the archives already; "cold" is: the lock file and the .debs, nothing imported.
set -euo pipefail

reference="systemd systemd-sysv udev dbus openssh-server iproute2 htop vim-tiny kmod"
large="$reference postgresql nginx postfix docker.io mariadb-server git gcc make python3 perl"

one() { # NAME PACKAGES…
	local name=$1 dir=$BENCH/$1 include
	shift
	mkdir -p "$dir/store" "$dir/cache"
	printf 'networking.hostName = "%s"\nenvironment.systemPackages = { %s }\n' "$name" \
		"$(printf '"%s", ' "$@")" >"$dir/vm.lua"
	export VIV_STORE=$dir/store
	(cd "$dir" && "$VIV" build -q >/dev/null)
	include=$(jq -r '[.packages | to_entries[] | select(.key | startswith("linux-image") | not) | "\(.key)"] | join(",")' "$dir/vm.lock")
	# mmdebstrap's archives: it copies what lies in its own cache folder.
	mkdir -p "$dir/debs"
	cat >"$dir/mm" <<SH
#!/bin/sh
exec mmdebstrap -q --variant=apt --include=$include --aptopt='Dir::Etc::Parts "/dev/null"' \
	--aptopt='Acquire::Check-Valid-Until "false"' \
	--setup-hook='mkdir -p "\$1/var/cache/apt/archives" && cp $dir/debs/*.deb "\$1/var/cache/apt/archives/" 2>/dev/null || true' \
	--customize-hook='cp -n "\$1"/var/cache/apt/archives/*.deb $dir/debs/ 2>/dev/null || true' --skip=cleanup/apt \
	trixie "$dir/root.tar"
SH
	chmod +x "$dir/mm"
	"$dir/mm"
	echo "### Cold build, $name: $(jq '.packages | length' "$dir/vm.lock") packages"
	echo
	hyperfine -N --runs "${RUNS:-5}" --export-json "$dir/times.json" --style none \
		--prepare "true" -n "mmdebstrap (tar)" "$dir/mm" \
		--prepare "$VIV store gc --all --keep-archives -q" \
		-n "viv build" "$VIV build -q --no-link $dir/vm.lua" >/dev/null
	table "$dir/times.json"
}

# shellcheck disable=SC2086
one reference $reference
# shellcheck disable=SC2086
RUNS=3 one large $large
