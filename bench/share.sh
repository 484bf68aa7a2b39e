#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `git status` of 5,000 files on a share, beside the same tree over 9p as plain QEMU does it (msize 1 MiB,
# no cache), in one guest with Debian's full kernel. Each tree's index is brought up to date in the guest first.
set -euo pipefail
mkdir -p "$BENCH/share" && cd "$BENCH/share"
export VIV_STORE=${BENCH_STORE:-$BENCH/store}
cat >vm.lua <<'L'
system.init = "none"
boot.kernel = "linux-image-amd64"
environment.systemPackages = { "git", "kmod" }
L
rm -rf a b && mkdir a
for d in $(seq 50); do mkdir a/$d; for f in $(seq 100); do echo "$d $f" >a/$d/$f; done; done
git -C a init -q && git -C a add -A
git -C a -c user.name=bench -c user.email=bench@example.org commit -qm tree
cp -a a b
cat >guest <<'S'
set -e
modprobe -a 9p 9pnet_virtio
mkdir -p /mnt/b
mount -t 9p -o trans=virtio,version=9p2000.L,msize=1048576 bench /mnt/b
for tree in /mnt/a /mnt/b; do git -C $tree update-index -q --refresh; done
for i in $(seq "$1"); do
	for tree in /mnt/a /mnt/b; do
		echo 3 >/proc/sys/vm/drop_caches
		begun=$(date +%s%N)
		git -C $tree status >/dev/null
		echo "$tree $((($(date +%s%N) - begun) / 1000000))"
	done
done
S
QEMU_OPTS="-fsdev local,id=bench,path=$PWD/b,security_model=none -device virtio-9p-pci,fsdev=bench,mount_tag=bench" \
	"$VIV" run -q --share "$PWD/a:/mnt/a:rw" -- sh guest "${RUNS:-5}" >times
echo "### git status of 5,000 files on a share, nothing cached in the guest"
echo
echo "| | median |"
echo "|---|---|"
for tree in a b; do
	sort -k2n times | awk -v t=/mnt/$tree -v n="$([ $tree = a ] && echo "viv's share (virtiofs)" || echo '9p, plain QEMU')" \
		'$1 == t { v[++c] = $2 } END { printf "| %s | %d ms |\n", n, v[int((c + 1) / 2)] }'
done
