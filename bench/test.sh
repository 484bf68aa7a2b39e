#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The test driver: not-os's boot test, a command's round trip, what lies between tests, the driver's memory.
set -euo pipefail

examples=$PWD/examples
dir=$BENCH/test
mkdir -p "$dir"
cd "$dir"
export VIV_STORE=${BENCH_STORE:-$BENCH/store} XDG_STATE_HOME=$dir/state

boot() {
	"$VIV" test "$examples/tests/boot.lua" >/dev/null # built, and in memory
	hyperfine -N --runs "${RUNS:-5}" --export-json boot.json \
		-n "\`viv test examples/tests/boot.lua\`" "$VIV test $examples/tests/boot.lua" >&2
	jq -r '.results[0] | "| \(.command) | \(.median * 100 | round / 100) s | \(.min * 100 | round / 100)–\(.max * 100 | round / 100) s | 6.36 s |"' boot.json
}

# From one step to the next, as the driver's events have it, of 500 in one machine.
round_trip() {
	cat >trip.test.lua <<-'EOF'
		machine.imports = { "profiles/minimal" }
		test("trip", function()
			for i = 1, 500 do machine:succeed("true") end
		end)
	EOF
	"$VIV" test trip.test.lua --json | jq -s '[.[] | select(.event == "step" and .text == "must succeed: true") | .ms]
		| [range(1; length) as $i | .[$i] - .[$i - 1]] | sort' >trip.json
	jq -r '"| `succeed(\"true\")`, 500 in one machine | \(.[length / 2 | floor]) ms | \(.[0])–\(.[-1]) ms | 10 ms |"' trip.json
}

# With two at once the n-th begins when the one ends that leaves two less behind; the driver's memory is its largest
# resident set at the last result.
many() {
	{
		echo 'machine.imports = { "profiles/minimal" }'
		for i in $(seq 40); do echo "test(\"$i\", function() machine:succeed(\"true\") end)"; done
	} >many.test.lua
	rm -f out
	mkfifo out
	"$VIV" test many.test.lua --jobs 2 --json >out &
	local pid=$! n=0 line
	: >many.jsonl
	while IFS= read -r line; do
		case $line in
		'{"event":"result"'*)
			echo "$line" >>many.jsonl
			n=$((n + 1))
			[ $n != 40 ] || awk '/VmHWM/ { printf "%d\n", $2 / 1024 + 0.5 }' /proc/$pid/status >memory ;;
		esac
	done <out
	wait $pid
	jq -s '[.[].result] | (sort_by(.begun) | map(.begun)) as $b | (map(.begun + .ms) | sort) as $e
		| [range(2; length) as $i | $b[$i] - $e[$i - 2]] | sort' many.jsonl >gaps.json
	jq -r '"| 40 tests, two at once: from one'"'"'s end to the next one'"'"'s begin | \(.[length / 2 | floor]) ms | \(.[0])–\(.[-1]) ms | 200 ms |"' gaps.json
	echo "| the driver's memory in that run | $(cat memory) MiB | | 64 MB |"
}

# Of the default machine's memory, 1 GiB; from one step's event to the next.
states() {
	cat >states.test.lua <<-'EOF'
		machine.imports = { "profiles/minimal" }
		machine.virtualisation.exchangeFolders = false
		test("states", function()
			machine:wait_until_up()
			for i = 1, 10 do machine:save("up") machine:restore("up") end
			machine:reboot()
		end)
	EOF
	"$VIV" test states.test.lua --json | jq -s '[.[] | select(.event == "step") | {ms, text}]
		| [range(1; length) as $i | {before: .[$i - 1].text, ms: (.[$i].ms - .[$i - 1].ms)}]
		| [("waiting for its system", "saving its state as up", "going back to its state up") as $t
			| [.[] | select(.before == $t) | .ms] | sort]' >states.json
	jq -r '["a boot, beside them", "`save`", "`restore`"] as $n | range(3) as $i
		| "| \($n[$i]) | \(.[$i] | .[length / 2 | floor]) ms | \(.[$i][0])–\(.[$i][-1]) ms | |"' states.json
}

echo "| the test driver | median | min–max | wanted |"
echo "|---|---|---|---|"
boot
round_trip
many
states
