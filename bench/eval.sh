#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Evaluation of a machine of 300 lines with 5 imports.
set -euo pipefail
mkdir -p "$BENCH/eval" && cd "$BENCH/eval"
{
	echo 'imports = { "./one.lua", "./two.lua", "./three.lua", "./four.lua", "./five.lua" }'
	for i in $(seq 1 30); do
		echo "users.users.user$i = { isNormalUser = true, description = \"user $i\" }"
		echo "environment.etc[\"d/file$i\"].text = \"content $i\""
	done
	echo 'virtualisation.memorySize = "2G"'
} >vm.lua
n=30
for f in one two three four five; do
	for _ in $(seq 1 24); do
		n=$((n + 1))
		echo "environment.etc[\"d/file$n\"].text = function(config) return config.networking.hostName .. $n end"
		echo "environment.variables.V$n = mkDefault(\"$n\")"
	done >$f.lua
done
echo "### viv eval: $(cat ./*.lua | wc -l) lines, 5 imports"
echo
hyperfine -N --runs "${RUNS:-50}" --warmup 5 --export-json times.json --style none \
	-n "viv eval" "$VIV eval vm.lua" >/dev/null
table times.json
