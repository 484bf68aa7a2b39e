/* SPDX-License-Identifier: MIT */
#pragma once

/* What most unit tests include: cmocka with what it wants before it, and a folder to work in. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/path.h"
#include "base/util.h"

#include <unistd.h>

/* A fresh folder; the test removes and frees it. */
static inline VIV_UNUSED char *test_dir(const char *name)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = viv_asprintf("%s/viv-test-%s-XXXXXX", tmp ? tmp : "/tmp", name);

	if (!mkdtemp(dir))
		fail_msg("cannot make %s", dir);
	return dir;
}

/* For cmocka_unit_test_setup_teardown: the test stands in a fresh folder, its state, which goes with all in it. */
static inline VIV_UNUSED int enter_folder(void **state)
{
	*state = test_dir("in");
	return chdir(*state);
}

static inline VIV_UNUSED int leave_folder(void **state)
{
	int r = chdir("/");

	viv_remove_tree(*state, NULL);
	free(*state);
	return r;
}
