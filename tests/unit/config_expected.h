/* SPDX-License-Identifier: MIT */
#pragma once

/* Descriptions below tests/data, each with what it gives beside it: FILE.lua, FILE.txt. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/fd.h"
#include "base/util.h"

#include <dirent.h>

static VIV_UNUSED void list_lua(const char *folder, struct viv_strv *ret)
{
	DIR *d = opendir(folder);

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		if (viv_ends_with(e->d_name, ".lua"))
			viv_strv_push(ret, e->d_name);
	closedir(d);
	viv_strv_sort(ret);
	assert_true(ret->count > 0);
}

/* Its suffix in the place of ".lua". The caller frees it. */
static VIV_UNUSED char *beside(const char *file, const char *suffix)
{
	return viv_asprintf("%.*s%s", (int)(strlen(file) - 4), file, suffix);
}

/* Is `got` what stands in the .txt beside it? With VIV_TEST_UPDATE it is written there. */
static VIV_UNUSED bool is_as_expected(const char *file, const char *got)
{
	VIV_FREE char *path = beside(file, ".txt");
	VIV_STR want = VIV_STR_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	if (getenv("VIV_TEST_UPDATE")) {
		assert_int_equal(viv_write_file(path, got, strlen(got), 0644, &err), 0);
		return true;
	}
	if (viv_read_file(path, 1 << 20, &want, &err) < 0) {
		print_error("%s\n", err.msg);
		return false;
	}
	if (viv_streq(want.data, got))
		return true;
	print_error("%s: expected\n%sgot\n%s", file, want.data, got);
	return false;
}
