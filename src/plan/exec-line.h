/* SPDX-License-Identifier: MIT */
#pragma once

/* Command lines of systemd.service(5) for a shell. Inside plan/ only. */

#include "base/error.h"
#include "base/str.h"

struct viv_exec_line {
	bool may_fail; /* "-" in front */
	/* Words for a POSIX shell after set -f: "$NAME" is split into words, "${NAME}" stays one, and no file is looked for. */
	struct viv_str shell;
};

/*
 * EINVAL: what a shell can't do as systemd does it: other prefixes, specifiers (but %%), ";" between commands, a
 * quote that isn't closed, an escape that is not \\ \" \' \s \t \n. The message has no place.
 */
int viv_exec_line_parse(const char *text, struct viv_exec_line *ret, struct viv_error *err);
void viv_exec_line_free(struct viv_exec_line *l); /* the contents */

/* Words of a setting (Environment=): quotes and escapes taken away. EINVAL as above. */
int viv_exec_words(const char *text, struct viv_strv *ret, struct viv_error *err);
