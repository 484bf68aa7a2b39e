/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a package's scripts would do that only its text tells: for those whose scripts don't run (take.h). Inside deb/
 * only. A guess: what a script has in variables, or does by other means, nobody sees.
 */

#include "base/str.h"

/*
 * The commands of a shell script that make accounts (adduser, useradd and their like) or give files capabilities, owners
 * and modes (setcap, dpkg-statoverride), their words with one blank between them, without
 * quotes. Pushed.
 */
void viv_script_commands(struct viv_slice script, struct viv_strv *ret);
/* The same of a file of sysusers.d(5): its lines that make accounts. */
void viv_script_sysusers(struct viv_slice text, struct viv_strv *ret);
