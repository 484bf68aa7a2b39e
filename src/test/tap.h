/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Results as TAP, version 14 (testanything.org/tap-version-14-specification.html): a test point a
 * test, its subtests before it, indented by four, and a YAML block after it that says what happened.
 * Understood by readers of version 13, too. A test's last attempt counts.
 */

#include "test/result.h"

void viv_test_tap(const struct viv_test_results *list, struct viv_str *ret);
