/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Lines that a person types while other things go on: with editing, history and completion by libedit on a
 * terminal, as they come where there is none or libedit is missing.
 */

#include "base/error.h"
#include "base/str.h"

#include <stdio.h>

struct viv_line;

struct viv_line_spec {
	int in_fd;	     /* borrowed */
	FILE *out;	     /* borrowed; also the terminal's */
	const char *history; /* a file; NULL: none is kept */
	/* Returns when in_fd can be read: 0; below 0: it is not to be read any more. */
	int (*wait)(int in_fd, void *arg);
	/* What could stand before the cursor instead of what begins at *ret_from. */
	void (*complete)(const char *line, size_t cursor, struct viv_strv *ret, size_t *ret_from, void *arg);
	void *arg;
};

struct viv_line *viv_line_new(const struct viv_line_spec *spec);
void viv_line_free(struct viv_line *l); /* writes the history; NULL is fine */
/* *ret, the caller's: without its newline. -ENODATA: the end; what spec.wait returned. */
int viv_line_read(struct viv_line *l, const char *prompt, char **ret);
/* Around what is written to the terminal by others while a line is being typed; at other times nothing. */
void viv_line_hide(struct viv_line *l);
void viv_line_show(struct viv_line *l);
