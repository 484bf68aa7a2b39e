# SPDX-License-Identifier: MIT
# What a person sees: a shell in a terminal, its size, its keys, the console.
. "$(dirname "$0")/lib.sh"

terminal=$tests/e2e/terminal.py
quick_machine

# A shell: the terminal's size, also when it changes; Ctrl-C is the guest's; exit powers off. Typing waits
# for the prompt: between two the guest may drop what is typed. What sleeps says "go" itself: Ctrl-C between
# two commands of one line is not always heard by bash (the same on any terminal).
expect 5 "$terminal" 300 '# ' '@40x100' '' 'stty size\r' '40 100' '' '# ' 'sh -c "echo g""o; exec sleep 300"\r' \
	'go' '\x03' '# ' 'tty\r' '/dev/pts' '' '# ' 'exit 5\r' -- "$VIV" run -q
# A machine that hangs is left by ~.
expect 130 "$terminal" 300 '# ' 'echo typed\r' 'typed' '\r~.' -- "$VIV" run -q
# A command in a terminal has one; its status is ours.
expect 3 "$terminal" 300 -- "$VIV" run -q -- sh -c 'test -t 0 && test -t 1 && exit 3'
# Powering off inside is a regular end of a shell.
expect 0 "$terminal" 300 '# ' 'kill -USR2 1\r' -- "$VIV" run -q
# Ctrl-C before there is a command.
expect 130 "$terminal" 300 'booting' '\x03' -- "$VIV" run -- true
# The console, with the kernel's own words, until Ctrl-A X.
expect 0 "$terminal" 300 'Linux version' '\x01x' -- env QEMU_KERNEL_PARAMS='ignore_loglevel' "$VIV" run -q --console
# Afterwards the terminal is as before.
expect 0 "$terminal" 300 '# ' 'exit\r' -- sh -c "before=\$(stty -g); $VIV run -q; test \"\$before\" = \"\$(stty -g)\""

# A console whose reader takes nothing does not hold up the limit, nor a signal; a slow one gets it all.
mkfifo pipe
exec 7<>pipe
verbose='ignore_loglevel initcall_debug'
expect 124 timeout -s KILL 300 env QEMU_KERNEL_PARAMS="$verbose" "$VIV" run -q --console --timeout 8s </dev/null 1>&7
exec 7>&-
rm pipe
# (With a parameter that makes no sense the guest powers off by itself.)
QEMU_KERNEL_PARAMS="$verbose viv.layers=0" "$VIV" run -q --console --timeout 3m </dev/null |
	python3 -c 'import fcntl, sys
fcntl.fcntl(0, 1031, 4096) # F_SETPIPE_SZ
while data := sys.stdin.buffer.read(1000): sys.stdout.buffer.write(data)' >out
for text in "Linux version" "viv-init: fatal" "Power down"; do
	grep -aqF "$text" out || fail "the console's output has no \"$text\""
done

# What was typed ahead and not taken does not hold up ~.
lines=$(printf 'echo %01000d\\r%.0s' $(seq 100))
expect 130 "$terminal" 300 '# ' 'sh -c "echo g""o; exec sleep 300"\r' 'go' "$lines" 'echo' '\r~.' -- "$VIV" run -q
