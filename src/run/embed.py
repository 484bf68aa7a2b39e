# SPDX-License-Identifier: MIT
"""Writes a text as a C string: embed.py NAME INPUT OUTPUT"""
import sys

name, source, output = sys.argv[1:]
data = open(source, "rb").read() + b"\0"
with open(output, "w") as out:
    out.write(f"extern const char {name}[];\n")
    out.write(f"const char {name}[] = {{{','.join(str(b) for b in data)}}};\n")
