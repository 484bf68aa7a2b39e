# SPDX-License-Identifier: MIT
# A machine in the background, and everything that can be asked of it. One boot, then a crash.
. "$(dirname "$0")/lib.sh"

terminal=$tests/e2e/terminal.py
quick_machine
here=$(pwd -P)
trap '"$VIV" stop --all --now >/dev/null 2>&1; cleanup' EXIT

# Before there is one.
expect 125 "$VIV" exec nobody -- true
err_has "no machine named nobody is running: none is"
expect 125 "$VIV" shell </dev/null
err_has "no machine of this folder is running"
expect 0 "$VIV" ps --json
out_is "[]"
expect 125 "$VIV" run -d -q -- true
err_has "viv exec"

# What does not come up is said by the one who waits for it.
expect 121 env QEMU_KERNEL_PARAMS='viv.layers=0' "$VIV" run -d -q
err_has "the guest could not start"
[ -z "$(ls -A "$XDG_RUNTIME_DIR/viv")" ] || fail "left: $(ls -A "$XDG_RUNTIME_DIR/viv")"

# It says its name, and nothing of ours holds the caller's pipe.
expect 0 timeout 300 sh -c '"$VIV" run -d -q | cat'
out_is vm
expect 0 "$VIV" ps
out_has "vm              running"
out_has "$here"
expect 0 "$VIV" ps --json
out_has "\"folder\": \"$here\""
expect 0 "$VIV" ps --names
out_is vm
[ "$(stat -c %a "$XDG_RUNTIME_DIR/viv/vm") $(stat -c %a "$XDG_RUNTIME_DIR/viv/vm/control")" = "700 600" ] ||
	fail "the machine's directory is open to others"

# exec: streams, statuses, arguments that are not UTF-8, environment, user, folder.
expect 7 "$VIV" exec vm -- sh -c 'cat; echo err >&2; exit 7' <<<in
out_is in
err_has err
expect 0 "$VIV" exec -- printf '%s|' $'\xff\xc3' 'a  b'
[ "$(od -An -c "$work/out" | tr -d ' \n')" = '377303|ab|' ] || fail "bytes were changed"
expect 127 "$VIV" exec -- no-such-program
expect 126 "$VIV" exec -- /etc/passwd
expect 143 "$VIV" exec -- sh -c 'kill $$'
expect 125 "$VIV" exec -u nobody-at-all -- true
A=ours expect 0 env A=ours "$VIV" exec -e A -e B=2 -C /usr -u daemon -- sh -c 'echo $A $B $(pwd) $(id -un)'
out_is "ours 2 /usr daemon"
expect 124 "$VIV" exec --timeout 1s -- sleep 300
expect 125 "$VIV" exec vmm -- true
err_has "did you mean vm?"
expect 125 "$VIV" exec vm
(cd / && expect 125 "$VIV" exec -- true && err_has "there is: vm") || exit 1
# 64 MiB both ways, at once with others.
head -c 67108864 /dev/zero >zeros
"$VIV" exec -- cat <zeros | cmp - zeros &
copy=$!
expect 0 "$VIV" exec -- true
wait $copy || fail "cat: not what went in"
# --status: how the command ended, or that nothing was learnt about it.
status_has() { grep -q "$1" status.json || fail "no $1: $(cat status.json)"; }
expect 7 "$VIV" exec --status status.json vm -- sh -c 'exit 7'
for s in '"status": 7' '"kind": "exit"' '"command": 7' '"reason": null' '"trouble": null'; do status_has "$s"; done
expect 124 "$VIV" exec --status status.json --timeout 100ms -- sleep 300
for s in '"kind": "timeout"' '"command": null' '"reason": "time limit reached"'; do status_has "$s"; done
expect 125 "$VIV" exec --status status.json vmm -- true
for s in '"status": 125' '"kind": "environment"' 'vmm'; do status_has "$s"; done
rm status.json
expect 125 "$VIV" exec --status status.json vm
status_has '"reason": "what is to be run'
expect 125 "$VIV" exec --status nowhere/status.json -- touch /tmp/never
expect 1 "$VIV" exec -- test -e /tmp/never
# nohup: it goes on when the terminal is closed.
mkfifo keys said
(trap '' HUP && exec "$VIV" exec -- sh -c 'echo up; read -r x; exit $x') <keys >said &
nohup=$!
exec 7>keys
read -r line <said
kill -HUP $nohup
echo 9 >&7
wait $nohup
[ $? = 9 ] || fail "SIGHUP was ignored, and ended it"
exec 7>&-
# Whose caller is gone does not go on.
"$VIV" exec -- sh -c 'echo $$ >/tmp/pid; exec sleep 301' &
sleep=$!
expect 0 timeout 300 "$VIV" exec -- sh -c 'until [ -s /tmp/pid ]; do :; done'
kill -9 $sleep
expect 0 timeout 300 "$VIV" exec -- sh -c 'while kill -0 $(cat /tmp/pid) 2>/dev/null; do :; done'

# Lines from a terminal, when the rest is not one.
expect 0 "$terminal" 300 '' 'typed\r' 'typed' '' '' '\x04' -- sh -c '"$VIV" exec -- cat >lines; echo ended'
grep -q typed lines || fail "what was typed did not come"

# A shell: a terminal that resizes, Ctrl-C, its status; ~. leaves it; the console.
expect 5 "$terminal" 300 '# ' '@40x100' '' 'stty size\r' '40 100' '' '# ' 'sh -c "echo g""o; exec sleep 300"\r' \
	'go' '\x03' '# ' 'exit 5\r' -- "$VIV" shell
expect 130 "$terminal" 300 '# ' 'echo typed\r' 'typed' '\r~.' -- "$VIV" shell vm
expect 0 "$VIV" shell <<<'echo from stdin'
out_is "from stdin"
# Who reads there waits for what is typed, and what it answers is waited for.
timeout 300 "$VIV" exec -- sh -c 'read -r line </dev/ttyS0; echo "on the console: $line" >/dev/ttyS0' &
shout=$!
expect 0 "$terminal" 300 '' 'typed\r' 'on the console: typed' '\x01x' -- "$VIV" shell --console
wait $shout || fail "nobody reads what is typed at the console"

expect 0 timeout 60 "$VIV" shell --console </dev/null
err_has "the machine runs on"

# cp: a tree with modes, links, holes; a name; back again; what can't be.
mkdir -p tree/sub
echo text >tree/sub/file
ln -s file tree/sub/link
chmod 750 tree/sub
chmod 400 tree/sub/file
truncate -s 300M tree/sparse
echo end >>tree/sparse
touch -d '2001-02-03 04:05:06 UTC' tree/sub/file
expect 0 "$VIV" cp tree vm:/tmp
expect 0 "$VIV" exec -- sh -c 'cd /tmp/tree; stat -c "%a %u %Y" sub/file; stat -c %a sub; readlink sub/link
	[ $(du -k sparse | cut -f1) -lt 100 ] && tail -c 4 sparse'
out_is "400 0 981173106
750
file
end"
expect 0 "$VIV" cp :/tmp/tree/ back
expect 0 diff -r --no-dereference tree back
[ "$(stat -c '%a %Y' back/sub/file) $(du -k back/sparse | cut -f1)" = "400 981173106 $(du -k tree/sparse | cut -f1)" ] ||
	fail "modes, times or holes are lost"
# Large ones go through shared memory, where the guest's user may have it and nobody else has.
head -c 20000001 /dev/urandom >large
expect 0 "$VIV" cp large :/tmp/large
"$VIV" cp :/tmp/large large-2 &
second=$!
expect 0 "$VIV" cp -u daemon large :/tmp/large-3
wait $second || fail "two copies at once: $?"
expect 0 "$VIV" cp vm:/tmp/large vm:/tmp/large-3 back
for f in large-2 back/large back/large-3; do cmp large $f || fail "$f is another"; done
expect 0 "$VIV" cp tree/sub/file :/tmp/renamed
expect 0 "$VIV" cp vm:/tmp/renamed vm:/etc/hostname .
[ "$(cat renamed)" = text ] && [ -s hostname ] || fail "not copied"
expect 1 "$VIV" cp vm:/no/such/file .
err_has "/no/such/file: No such file or directory"
expect 1 "$VIV" cp renamed vm:/no/such/folder/
err_has "/no/such/folder/: No such file or directory"
expect 1 "$VIV" cp renamed :/dev/null
err_has "not a regular file"
expect 1 "$VIV" cp -u daemon renamed :/root/x
err_has "Permission denied"
expect 2 "$VIV" cp tree back
err_has "which machine?"

# logs, screenshot.
expect 0 "$VIV" logs
out_has "on the console"
expect 0 "$VIV" logs -n 1
[ "$(wc -l <out)" -le 1 ] || fail "more than one line"
# The part of a long log that was put aside; its last line goes on in what follows.
printf 'first\nsecond\nbegun: ' >"$XDG_RUNTIME_DIR/viv/vm/console.log.1"
expect 0 "$VIV" logs -n 1
! grep -q '^begun: ' out || fail "logs -n 1 shows too much"
expect 0 "$VIV" logs -n 100000
[ "$(head -n 1 out)" = first ] && grep -q '^begun: ' out || fail "logs -n does not look into console.log.1"
expect 0 "$VIV" logs
[ "$(head -n 1 out)" = first ] || fail "logs does not begin with console.log.1"
rm "$XDG_RUNTIME_DIR/viv/vm/console.log.1"
(timeout 300 "$VIV" logs -f >follow || fail "logs -f: $?") &
follow=$!
expect 125 "$VIV" screenshot picture.png
err_has "virtualisation.graphics"

# Two of one description, by their names.
expect 0 "$VIV" run -d -q
out_is vm-2
expect 125 "$VIV" exec -- true
err_has "several machines of this folder are running: vm, vm-2"
expect 0 "$VIV" exec vm-2 -- true
expect 125 "$VIV" run -d -q --name vm
err_has "a machine named vm is running"

# stop: both at once; who waits is told how they ended; who follows the log comes to its end.
"$VIV" wait vm 2>wait.err &
waits=$!
(expect 121 "$VIV" exec vm -- sleep 302) &
lost=$!
expect 0 timeout 300 "$VIV" exec vm -- sh -c 'until pidof sleep >/dev/null || grep -qs "^sleep.302" /proc/[0-9]*/cmdline; do :; done'
expect 0 timeout 300 "$VIV" stop --json vm vm-2
[ "$(grep -c '"stopped": true' out)" = 2 ] && out_has '"status": 0' || fail "stop --json"
wait $waits || fail "viv wait: $?"
wait $lost || exit 1
wait $follow || exit 1
grep -q "on the console" follow || fail "logs -f saw nothing"
[ -z "$(ls -A "$XDG_RUNTIME_DIR/viv")" ] || fail "left: $(ls -A "$XDG_RUNTIME_DIR/viv")"

# An agent that was killed answers nobody: the command is lost. (The machine might be shutting down: it has its time.)
expect 0 "$VIV" run -d -q
(expect 121 "$VIV" exec vm -- sh -c 'echo >/tmp/started; exec sleep 303') &
lost=$!
expect 121 timeout 300 "$VIV" exec vm -- sh -c 'until [ -s /tmp/started ]; do :; done
	for p in /proc/[0-9]*; do read -r c <$p/cmdline; case $c in @viv-agent*) kill -9 ${p#/proc/};; esac; done; sleep 304'
wait $lost || exit 1
expect 0 timeout 300 "$VIV" stop --now vm

# A supervisor that is killed takes its machine along; what it leaves is nobody's machine.
expect 0 "$VIV" run -d -q
read -r viv qemu <"$XDG_RUNTIME_DIR/viv/vm/pid"
kill -STOP "$viv"
expect 124 "$VIV" wait --timeout 1s vm
err_is "viv: time limit reached"
kill -9 "$viv"
wait_dead "$qemu"
expect 0 "$VIV" ps --json
out_is "[]"
expect 125 "$VIV" exec vm -- true
err_has "none is"
expect 0 "$VIV" run -q -- true
