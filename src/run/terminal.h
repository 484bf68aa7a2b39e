/* SPDX-License-Identifier: MIT */
#pragma once

/* The user's terminal while a guest has it: raw mode, its size, and the keys that are for us. */

#include "base/error.h"

#include <termios.h>

struct viv_terminal {
	int fd; /* -1: nothing to restore */
	struct termios before;
};

#define VIV_TERMINAL_INIT ((struct viv_terminal){.fd = -1})

/* Raw mode on a terminal; what is there already when fd is none. */
int viv_terminal_raw(int fd, struct viv_terminal *ret, struct viv_error *err);
/* As it was before. Nothing to do: fine. */
void viv_terminal_restore(struct viv_terminal *t);
/* 24 by 80 where it can't be told. */
void viv_terminal_size(int fd, unsigned short *ret_rows, unsigned short *ret_columns);

/*
 * Which typed bytes end the run: Ctrl-A X as at QEMU's own console (Ctrl-A Ctrl-A is one Ctrl-A), or
 * ~. at the start of a line as with ssh (~~ is one ~), which leaves Ctrl-A to the shell.
 */
enum viv_escape_kind { VIV_ESCAPE_CTRL_A, VIV_ESCAPE_TILDE };

struct viv_escape {
	enum viv_escape_kind kind;
	bool at_start, armed; /* state: a new line begins; the first key was seen */
};

#define VIV_ESCAPE_INIT(k) ((struct viv_escape){.kind = (k), .at_start = true})

/*
 * Takes typed bytes, leaves in `out` (room for 2 * len) what is for the guest. Returns true when
 * the user asked for the end; what was typed after it is dropped.
 */
bool viv_escape_feed(struct viv_escape *e, const char *in, size_t len, char *out, size_t *ret_len);
