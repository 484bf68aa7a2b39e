# SPDX-License-Identifier: MIT
"""Writes the stock modules as C data: embed.py FOLDER OUTPUT FILE…"""
import os
import sys

folder, output, files = sys.argv[1], sys.argv[2], sorted(sys.argv[3:])
with open(output, "w") as out:
    out.write('#include "config/lua/lua.h"\n')
    for i, path in enumerate(files):
        data = open(path, "rb").read()
        bytes_ = ",".join(str(b) for b in data + b"\0")
        out.write(f"static const char m{i}[] = {{{bytes_}}};\n")
    out.write("const struct viv_lua_module viv_lua_modules[] = {\n")
    for i, path in enumerate(files):
        name = os.path.relpath(path, folder).removesuffix(".lua")
        out.write(f'\t{{"{name}", m{i}, sizeof(m{i}) - 1}},\n')
    out.write("\t{0},\n};\n")
