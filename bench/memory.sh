#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The peak memory of viv itself in a cold build of the reference machine: of each of its processes, by the
# kernel's own count, but not of apt, dpkg, mkfs.erofs and what else it starts. Needs perf and root.
set -euo pipefail
mkdir -p "$BENCH/memory" && cd "$BENCH/memory"
export VIV_STORE=${BENCH_STORE:-$BENCH/store}
printf 'environment.systemPackages = pkgs[[ openssh-server iproute2 htop vim-tiny kmod ]]\n' >vm.lua
"$VIV" build -q --no-link >/dev/null
"$VIV" store gc --all --keep-archives -q

echo "### viv's own memory in a cold build"
echo
if ! perf record -q -e kmem:rss_stat -m 4M -o sizes -- "$VIV" build -q --no-link >/dev/null 2>perf.log; then
	echo "not measured: $(tail -n 1 perf.log)"
	exit 0
fi
# A process has several kinds of pages; each line has the new size of one. A program that is started
# gets a new mm_id: those that viv's own code ran in are counted.
perf script -i sizes -F comm,trace 2>/dev/null | awk '
	$1 == "viv" && match($0, /mm_id=[0-9]+/) {
		mm = substr($0, RSTART, RLENGTH)
		match($0, /type=[A-Z_]+/); kind = substr($0, RSTART, RLENGTH)
		match($0, /size=-?[0-9]+/); size = substr($0, RSTART + 5, RLENGTH - 5)
		all[mm] += size - old[mm, kind]
		old[mm, kind] = size
		if (all[mm] > peak[mm]) peak[mm] = all[mm]
	}
	END { for (mm in peak) printf "%d\n", peak[mm] / 1048576 + 0.5 }' | sort -rn >peaks
echo "$(wc -l <peaks) processes; the five largest: $(head -n 5 peaks | paste -sd' ') MiB (wanted: under 64)"
