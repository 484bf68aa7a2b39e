/* SPDX-License-Identifier: MIT */
#pragma once

/* A machine file's text, evaluated. */

#include "unit.h"

#include "base/fd.h"
#include "base/path.h"
#include "config/config.h"

#include <unistd.h>

/* Places are "vm.lua:1". The folder is gone again: nothing that the text names is there. */
static inline VIV_UNUSED int test_machine(const char *text, struct viv_config **ret, struct viv_error *err)
{
	VIV_FREE char *dir = test_dir("machine");
	const struct viv_config_request req = {.file = "vm.lua", .no_site_files = true};
	int r;

	assert_int_equal(chdir(dir), 0);
	assert_int_equal(viv_write_file("vm.lua", text, strlen(text), 0644, NULL), 0);
	r = viv_config_load(&req, NULL, ret, err);
	assert_int_equal(chdir("/"), 0);
	viv_remove_tree(dir, NULL);
	return r;
}

/* One without a fault. */
static inline VIV_UNUSED void test_good_machine(const char *text, struct viv_config **ret)
{
	VIV_ERROR err = VIV_ERROR_INIT;

	if (test_machine(text, ret, &err) < 0)
		fail_msg("%s", err.msg);
}
