/* SPDX-License-Identifier: MIT */
#pragma once

/* Runs of dpkg in a tree. Inside the sandbox only. */

#include "base/error.h"
#include "base/report.h"
#include "base/str.h"

struct viv_dpkg {
	const char *root;
	int64_t epoch;	       /* SOURCE_DATE_EPOCH */
	int script_timeout_ms; /* nothing happened for so long: a script hangs */
	struct viv_report *report;
	uint64_t done; /* packages unpacked or configured, for the report */
};

/*
 * `dpkg <action…>` with the packages (paths inside root, or names). EPROTO: a script failed; the
 * message names package and script and shows its last lines. ETIMEDOUT: it hung.
 */
int viv_dpkg_run(struct viv_dpkg *d, const char *const *action, const struct viv_strv *packages,
		 struct viv_error *err);
/* Are all packages installed and configured? EPROTO names those that aren't. */
int viv_dpkg_check(const char *root, struct viv_error *err);
