/* SPDX-License-Identifier: MIT */
/* The start of an image that somebody gave us, as one of the formats. */
#include "run/disk-image.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const formats[] = {"raw", "qcow2"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(formats); i++) {
		VIV_FREE char *exact = viv_malloc(size ? size : 1); /* so that one byte more is noticed */
		VIV_ERROR err = VIV_ERROR_INIT;
		int r;

		memcpy(exact, data, size);
		r = viv_disk_image_check("image", formats[i], exact, size, &err);
		assert((r < 0) == (err.msg != NULL));
	}
	return 0;
}
