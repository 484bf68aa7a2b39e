/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How a function says what went wrong. What can fail returns int, 0 or a negative errno, and takes
 * `struct viv_error *err` last; err may be NULL when the caller only wants the number. An error is
 * made and returned in one expression:
 *
 *	return viv_error_set(err, errno, "cannot open %s", path);     // "...: No such file…" is added
 *	return viv_error_say(err, EINVAL, "%s: expected a size", where);    // nothing is added
 *
 * A caller may put context in front. The first error wins: setting one that is set changes nothing.
 * A message can have several lines; the lines after the first say what to do about it.
 */

#include "base/util.h"

#include <errno.h>
#include <stdarg.h>

struct viv_error {
	int code;  /* a positive errno; 0: no error */
	char *msg; /* owned by this struct */
};

#define VIV_ERROR_INIT ((struct viv_error){0})

/* Both return -code. */
int viv_error_set(struct viv_error *err, int code, const char *fmt, ...) VIV_PRINTF(3, 4);
int viv_error_say(struct viv_error *err, int code, const char *fmt, ...) VIV_PRINTF(3, 4);
int viv_error_sayv(struct viv_error *err, int code, const char *fmt, va_list ap);

/* Puts "<text>: " in front of the message. Returns -err->code. */
int viv_error_context(struct viv_error *err, const char *fmt, ...) VIV_PRINTF(2, 3);

/* Adds a line to the message: what the user can do. Returns -err->code. */
int viv_error_hint(struct viv_error *err, const char *fmt, ...) VIV_PRINTF(2, 3);

/* Moves src into dst if dst has none yet; src is empty afterwards. Returns the negative code. */
int viv_error_move(struct viv_error *dst, struct viv_error *src);

/* Frees the message; the struct can be used again. */
void viv_error_clear(struct viv_error *err);

#define VIV_ERROR VIV_CLEANUP(viv_error_clear) struct viv_error
