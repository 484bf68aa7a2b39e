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
		for when in first again; do
			begun=$(date +%s%N)
			git -C $tree status >/dev/null
			echo "$tree $when $((($(date +%s%N) - begun) / 1000000))"
		done
	done
done
S
QEMU_OPTS="-fsdev local,id=bench,path=$PWD/b,security_model=none -device virtio-9p-pci,fsdev=bench,mount_tag=bench" \
	"$VIV" run -q --share "$PWD/a:/mnt/a:rw" -- sh guest "${RUNS:-5}" >times
echo "### git status of 5,000 files on a share"
echo
awk '
	{ n[$1 $2]++; t[$1 $2, n[$1 $2]] = $3 }
	function median(key,	i, j, v) {
		for (i = 2; i <= n[key]; i++)
			for (j = i; j > 1 && t[key, j - 1] > t[key, j]; j--) {
				v = t[key, j]; t[key, j] = t[key, j - 1]; t[key, j - 1] = v
			}
		return t[key, int((n[key] + 1) / 2)]
	}
	function row(name, tree) {
		printf "| %s | %d ms | %d ms |\n", name, median(tree "first"), median(tree "again")
	}
	END {
		print "| medians | nothing cached in the guest | once more |\n|---|---|---|"
		row("9p, plain QEMU", "/mnt/b")
		row("a share of viv (virtiofs)", "/mnt/a")
		printf "| × the first | %.2f | %.2f |\n", median("/mnt/afirst") / median("/mnt/bfirst"),
			median("/mnt/aagain") / median("/mnt/bagain")
	}' times
