#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a program in a terminal and types into it.

usage: terminal.py SECONDS [WAIT-FOR TYPE]… -- PROGRAM ARGUMENT…

Each WAIT-FOR is a text that must appear, after the one before, until TYPE (with \\r, \\x03… as in Python) is typed; "@ROWSxCOLUMNS"
resizes the terminal, "!SIGNAL" sends a signal instead. Prints what appeared; ends with the program's status,
or 124.
"""

import codecs
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time


def act(fd, pid, what):
    if what.startswith("@"):
        rows, columns = map(int, what[1:].split("x"))
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    elif what.startswith("!"):
        os.kill(pid, getattr(signal, what[1:]))
    else:
        os.write(fd, codecs.decode(what, "unicode_escape").encode("latin-1"))


def main():
    split = sys.argv.index("--")
    deadline = time.monotonic() + float(sys.argv[1])
    words = sys.argv[2:split]
    steps = list(zip(words[::2], words[1::2]))
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[split + 1], sys.argv[split + 1 :])
    seen = b""
    done = 0
    while True:
        while steps and (at := seen.find(steps[0][0].encode(), done)) >= 0:
            done = at + len(steps[0][0].encode())
            act(fd, pid, steps.pop(0)[1])
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            sys.stdout.buffer.write(seen)
            print(f"\nterminal.py: time is up, waiting for {steps[:1]}")
            os.kill(pid, signal.SIGKILL)
            sys.exit(124)
        try:
            data = os.read(fd, 65536)
        except OSError:
            data = b""
        if not data:
            break
        seen += data
    sys.stdout.buffer.write(seen)
    sys.stdout.flush()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    sys.exit(128 - code if code < 0 else code)  # as a shell counts: viv may end by the signal itself


if __name__ == "__main__":
    main()
