/* SPDX-License-Identifier: MIT */
#pragma once

/* Text out of a picture of a screen: a console's exactly (test/console-text.h), anything else's by tesseract. */

#include "test/picture.h"
#include "test/runner.h"

/*
 * Dark text on light ground and light text on dark are read each for itself, both at once; what is first in `ret`
 * is of the kind that most of the screen is. ENOENT: there is no tesseract; err says where it is to be had. Without
 * a message (err->code 0): as runner_wait.
 */
int ocr_read(struct runner *r, struct guest *g, const struct picture *p, bool both, int64_t deadline,
	     char *ret_texts[2], struct viv_error *err);
