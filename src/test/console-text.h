/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Text of a console, read exactly out of a picture: in a PC's text mode, and on Linux's framebuffer console with its
 * usual font, every character is one of the 256 pictures of 8x16 pixels in the VGA's ROM (a few of Linux's are its own), in
 * its own place. QEMU has that ROM as a file. A program for reading scanned text reads this font badly.
 */

#include "test/picture.h"

#define CONSOLE_FONT_SIZE (256u * 16)

struct console_font {
	uint8_t rows[256][16]; /* the leftmost pixel is the highest bit */
};

/* Finds it in a VGA's ROM; false: it has another one. */
bool console_font_find(const char *rom, size_t len, struct console_font *ret);
/* The same in QEMU's files on this host. */
bool console_font_load(struct console_font *ret);

/*
 * A row a line, without the blanks at its end and the empty rows at the screen's; what is not ASCII, and the cursor's
 * place, are blanks. False: it is no such console (too much on it is no character).
 */
bool console_text_read(const struct picture *p, const struct console_font *font, struct viv_str *ret);
