# SPDX-License-Identifier: MIT
# slow
# What the host asks of the agent beside commands: clock, seed, hostname, sync, power off.
. "$(dirname "$0")/lib.sh"

tool=$(dirname "$VIV")/tests/tools/requests
[ -x "$tool" ] || skip "$tool was not built"
quick_machine
expect 0 "$VIV" build -q --no-link --json
mapfile -t parts < <(python3 -c 'import json, sys
j = json.load(sys.stdin)
print(j["kernel"], j["initrd"], *j["layers"], sep="\n")' <out)
mkdir layers
files=("${parts[@]:0:2}")
for layer in "${parts[@]:2}"; do # the tool tells layers by their ending
	ln -s "$layer" "layers/${#files[@]}.erofs"
	files+=("layers/${#files[@]}.erofs")
done

# The command sees them; it ends with 9, and the agent powers off.
expect 9 "$tool" "${files[@]}" viv.init=none -- sh -c 'hostname; date -u +%Y-%m; exit 9'
out_is "renamed
2033-05"
