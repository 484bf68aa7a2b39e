/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The user's terminal handed to a guest: raw mode, key by key, with the keys that end the run taken
 * out, and its size followed. The keys come out of a pipe, or of a function.
 */

#include "base/loop.h"
#include "run/terminal.h"

struct viv_keyboard;

struct viv_keyboard_spec {
	int fd;	    /* where keys come from; need not be a terminal */
	int out_fd; /* the terminal whose size counts */
	enum viv_escape_kind escape;
	/* Lines as the terminal edits them, no escapes, no size: only so that it is us who read. */
	bool plain;
	void (*resized)(unsigned short rows, unsigned short columns, void *arg);
	/* The user asked for the end. */
	void (*cut_off)(void *arg);
	/* NULL: keys are read from viv_keyboard_fd. */
	void (*typed)(const char *data, size_t len, void *arg);
	void *arg;
};

int viv_keyboard_new(struct viv_loop *loop, const struct viv_keyboard_spec *spec,
		     struct viv_keyboard **ret, struct viv_error *err);
/* No more keys are taken, and the terminal is as before. Allowed in the callbacks. NULL is fine. */
void viv_keyboard_stop(struct viv_keyboard *k);
/* Not in a callback. */
void viv_keyboard_free(struct viv_keyboard *k);
/* The reading end of the pipe; stays the keyboard's. -1 with `typed`. */
int viv_keyboard_fd(const struct viv_keyboard *k);
