#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A cold build of the reference machine, and of one with about 400 packages, beside mmdebstrap with the
# same packages. Both have the archives already; for viv "cold" is: the lock file and the .debs, nothing
# imported. mmdebstrap runs apt update, as it always does; viv unpacks a kernel and makes an initrd, too.
# ONLY=reference or ONLY=large: just that one; LARGE_RUNS: of the large one (3).
set -euo pipefail

reference="openssh-server iproute2 htop vim-tiny kmod"
large="$reference postgresql nginx postfix docker.io mariadb-server git gcc make python3-full perl
	network-manager samba bind9 ruby nodejs emacs-nox gdb tshark" # some 400 with all that they need

one() { # NAME PACKAGES…
	local name=$1 dir=$BENCH/$1
	shift
	mkdir -p "$dir/store" "$dir/debs"
	export VIV_STORE=$dir/store
	printf 'environment.systemPackages = pkgs[[ %s ]]\n' "$*" >"$dir/vm.lua"
	"$VIV" build -q --no-link "$dir/vm.lua" >/dev/null
	jq -r '.packages | keys[] | select(startswith("linux-image") | not) | split("_")[0]' "$dir/vm.lock" |
		paste -sd, >"$dir/include"
	sources >"$dir/sources"
	# The archives stay in a folder of ours: copied in before, as apt would have them.
	cat >"$dir/mm" <<SH
#!/bin/sh
exec mmdebstrap -q --variant=apt --include=$(cat "$dir/include") \
	--skip=download/empty --skip=essential/unlink --skip=cleanup/apt \
	--setup-hook='mkdir -p "\$1/var/cache/apt/archives"' \
	--setup-hook='cp -n $dir/debs/*.deb "\$1/var/cache/apt/archives/" 2>/dev/null || true' \
	\$EXTRA trixie $dir/root.tar - <$dir/sources
SH
	sed 's#\$EXTRA#--customize-hook='"'"'cp -n "$1"/var/cache/apt/archives/*.deb '"$dir/debs/'"'#' "$dir/mm" >"$dir/mm-first"
	sed -i 's#\$EXTRA##' "$dir/mm"
	chmod +x "$dir/mm" "$dir/mm-first"
	"$dir/mm-first"
	echo "### Cold build, $name: $(tr ',' '\n' <"$dir/include" | wc -l) packages"
	echo
	hyperfine --runs "${RUNS:-5}" --export-json "$dir/times.json" --style none \
		--prepare true -n "mmdebstrap" "$dir/mm" \
		--prepare "$VIV store gc --all --keep-archives -q" \
		-n "viv build" "$VIV build -q --no-link $dir/vm.lua" >/dev/null
	table "$dir/times.json"
	echo
}

# shellcheck disable=SC2086
[ "${ONLY:-reference}" != reference ] || one reference $reference
# shellcheck disable=SC2086
[ "${ONLY:-large}" != large ] || RUNS=${LARGE_RUNS:-3} one large $large
