# SPDX-License-Identifier: MIT
# What is wrong with a call of `viv run` is said before anything is built, and stands in --status.
. "$(dirname "$0")/lib.sh"

export VIV_STORE=$work/store
printf 'system.init = "none"\n' >vm.lua
nothing_built() { [ ! -e "$work/store" ] || fail "the store was made"; }
reason_has() { grep -q '"reason": ".*'"$1" status.json || fail "no \"$1\": $(cat status.json)"; }

# The file can't be written.
mkdir folder
for file in "$work/nowhere/s.json" folder /dev/fd/9 /dev/full/s.json; do
	expect 125 "$VIV" run -q --status "$file" -- true
	err_has "--status: "
	err_has "$file"
	nothing_built
done
expect 125 sh -c '"$@" 7</dev/null' sh "$VIV" run -q --status /dev/fd/7 -- true
err_has "--status: /dev/fd/7"

# Every wrong call writes it, wherever the flag stands, and in place of an older one.
for call in --no-such-flag "--timeout soon" "--fail-on never" "--name a/b" "one two" \
	"--set virtualisation.cores=many" "--memory much" "no-such.lua" "--timeout"; do
	rm -f status.json
	expect 125 "$VIV" run $call --status status.json
	grep -q '"status": 125' status.json || fail "$call: $(cat status.json)"
	grep -q '"kind": "environment"' status.json || fail "$call: $(cat status.json)"
	nothing_built
done
echo old >status.json
expect 125 "$VIV" run --status=status.json --no-such-flag -- true
reason_has "unknown option --no-such-flag"
expect 125 "$VIV" run --status status.json --
reason_has "no command after --"
# What follows -- is the command's.
rm status.json
expect 125 "$VIV" run --no-such-flag -- true --status status.json
[ ! -e status.json ] || fail "--status of the command was taken for viv's"

# A name that can't be one, and one that is taken.
expect 125 "$VIV" run --name ../up --status status.json -- true
err_has "--name: \"../up\" can't be a machine's name"
reason_has "can't be a machine's name"
mkdir -p "$XDG_RUNTIME_DIR/viv/taken"
chmod 700 "$XDG_RUNTIME_DIR/viv"
expect 125 flock -n "$XDG_RUNTIME_DIR/viv/taken" "$VIV" run --name taken --status status.json -- true
err_has "--name: a machine named taken is running"
nothing_built

# What a machine file says does not reach the terminal as it is.
printf 'print("a\\27]0;b\\7")\nerror("c\\27[2Jd\\r")\n' >bad.lua
expect 125 "$VIV" run bad.lua -- true
err_has 'a\x1b]0;b\x07'
err_has 'c\x1b[2Jd\x0d'
! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" err || fail "control characters: $(cat -v err)"
expect 125 "$VIV" run "$(printf 'no\033[2J.lua')" -- true
err_has 'no\x1b[2J.lua'
