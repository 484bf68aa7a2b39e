#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What eight idle machines cost the host in memory, each: QEMU, viv's supervisor and virtiofsd together, as
# the kernel shares out what several of them have in common (PSS), and what it is. Needs to read /proc/PID/smaps.
set -euo pipefail
mkdir -p "$BENCH/idle" "$BENCH/runtime" && cd "$BENCH/idle"
export VIV_STORE=${BENCH_STORE:-$BENCH/store} XDG_RUNTIME_DIR=$BENCH/runtime
chmod 700 "$BENCH/runtime"
count=${COUNT:-8}
echo 'system.init = "none"' >vm.lua
"$VIV" build -q --no-link >/dev/null
trap '"$VIV" stop --all --now' EXIT
for i in $(seq "$count"); do "$VIV" run -d -q --name "idle-$i" >/dev/null; done

# Every process below a supervisor, and the supervisor.
tree() {
	local child
	echo "$1"
	for child in $(cat /proc/"$1"/task/*/children); do tree "$child"; done
}
pids=$(for i in $(seq "$count"); do tree "$(cut -d' ' -f1 "$XDG_RUNTIME_DIR/viv/idle-$i/pid")"; done)
echo "### Memory of $count idle machines (init none), each"
echo
for pid in $pids; do
	echo "Process: $(cat "/proc/$pid/comm")"
	cat "/proc/$pid/smaps"
done | awk -v count="$count" '
	$1 == "Process:" { process = $2; next }
	$1 ~ /^[0-9a-f]+-[0-9a-f]+$/ {
		kind = "QEMU: the rest"
		if (process !~ /^qemu/) kind = "viv and virtiofsd"
		else if ($6 ~ /memory-backend/) kind = "guest RAM"
		else if ($2 ~ /x/ && $6 == "") kind = "QEMU: translated code"
		else if ($6 ~ /^\//) kind = "QEMU: program, libraries, kernel image"
	}
	$1 == "Pss:" { pss[kind] += $2; total += $2 }
	END {
		print "| | MiB |\n|---|---|"
		for (kind in pss) printf "| %s | %.1f |\n", kind, pss[kind] / 1024 / count | "sort"
		close("sort")
		printf "| together | %.1f |\n", total / 1024 / count
	}'
