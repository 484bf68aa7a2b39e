/* SPDX-License-Identifier: MIT */
#pragma once

/* What most unit tests include: cmocka with what it wants before it, and a folder to work in. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/util.h"

/* A fresh folder; the test removes and frees it. */
static inline VIV_UNUSED char *test_dir(const char *name)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = viv_asprintf("%s/viv-test-%s-XXXXXX", tmp ? tmp : "/tmp", name);

	if (!mkdtemp(dir))
		fail_msg("cannot make %s", dir);
	return dir;
}
