/* SPDX-License-Identifier: MIT */
#pragma once

/* A picture of a screen, in grey: from what QEMU writes to what a program for reading text reads well. */

#include "base/error.h"
#include "base/str.h"

#define PICTURE_SIDE_MAX 16384u

struct picture {
	unsigned width, height;
	uint8_t *grey; /* row by row, 0 is black */
};

void picture_free(struct picture *p);

/* PPM, binary, of 8 bits (netpbm's ppm(5)): QEMU's screendump. EPROTO: it is none. */
int picture_read(const char *data, size_t len, struct picture *ret, struct viv_error *err);

/* Is most of it dark? A text console is. */
bool picture_is_dark(const struct picture *p);

/*
 * As PGM: larger, for programs that read text are made for scanned paper, where a letter has thirty rows and not
 * sixteen; from black to white; inverted on request, as paper has dark letters.
 */
void picture_write(const struct picture *p, bool inverted, struct viv_str *ret);
