# SPDX-License-Identifier: MIT
# What goes through a command's stdin, stdout and stderr arrives whole and in its own stream.
. "$(dirname "$0")/lib.sh"

size=67108864
quick_machine
head -c $size /dev/urandom >in
sum=$(sha256sum <in)

# All three at once; what viv itself has to say stands before the command's stderr.
"$VIV" run vm.lua -- sh -c 'tee /proc/self/fd/2' <in >out 2>err || fail "exit status $?"
[ "$(sha256sum <out)" = "$sum" ] || fail "stdout is not what went in ($(stat -c %s out) bytes)"
[ "$(tail -c $size err | sha256sum)" = "$sum" ] || fail "stderr is not what went in"
rm out err

# A reader that goes away ends the command as in a pipeline here.
"$VIV" run vm.lua -- yes 2>err | head -n 2 >out
got=${PIPESTATUS[0]}
[ "$got" = 141 ] || fail "exit status $got, not 141"
[ "$(cat out)" = "$(printf 'y\ny')" ] || fail "not what yes says"

# An empty stdin, and one that the command doesn't read.
expect 0 "$VIV" run vm.lua -- wc -c </dev/null
out_is 0
expect 7 "$VIV" run vm.lua -- sh -c 'exit 7' <in
