/* SPDX-License-Identifier: MIT */
#pragma once

/* script.sh, embedded in the program. */
extern const char viv_script_body[];
