/* SPDX-License-Identifier: MIT */
#pragma once

/* Several apt-helper programs at a time. Inside deb/ only. */

#include "deb/apt.h"

struct viv_download {
	const char *uri, *to, *sha256;
	uint64_t size;
};

/*
 * Tries to fetch each once; a file that is there in part is gone on with. Failures are no errors:
 * look which files came. What was said of them is added to *ret_said. When `stop_fd` (may be -1) can be
 * read from, it is given up in a way that can be gone on with: EINTR.
 */
int viv_download(const struct viv_apt *a, const struct viv_download *list, size_t n, int stop_fd,
		 struct viv_report *report, struct viv_str *ret_said, struct viv_error *err);
