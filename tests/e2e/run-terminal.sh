# SPDX-License-Identifier: MIT
# What a person sees: a shell in a terminal, its size, its keys, the console.
. "$(dirname "$0")/lib.sh"

terminal=$(cd "$(dirname "$0")" && pwd)/terminal.py
quick_machine

# A shell: the terminal's size, also when it changes; Ctrl-C is the guest's; exit powers off.
expect 5 "$terminal" 120 '# ' '@40x100' '' 'stty size\r' '40 100' 'sleep 300\r' \
	'sleep 300' '\x03' '# ' 'tty\r' '/dev/pts' 'exit 5\r' -- "$VIV" run -q
# A machine that hangs is left by ~.
expect 130 "$terminal" 120 '# ' 'echo typed\r' 'typed' '\r~.' -- "$VIV" run -q
# A command in a terminal has one; its status is ours.
expect 3 "$terminal" 120 -- "$VIV" run -q -- sh -c 'test -t 0 && test -t 1 && exit 3'
# Powering off inside is a regular end of a shell.
expect 0 "$terminal" 120 '# ' 'kill -USR2 1\r' -- "$VIV" run -q
# Ctrl-C before there is a command.
expect 130 "$terminal" 60 'booting' '\x03' -- "$VIV" run -- true
# The console, with the kernel's own words, until Ctrl-A X.
expect 0 "$terminal" 120 'Linux version' '\x01x' -- env QEMU_KERNEL_PARAMS='ignore_loglevel' "$VIV" run -q --console
# Afterwards the terminal is as before.
expect 0 "$terminal" 120 '# ' 'exit\r' -- sh -c "before=\$(stty -g); $VIV run -q; test \"\$before\" = \"\$(stty -g)\""
