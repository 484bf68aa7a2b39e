/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Results as JUnit XML, as CI systems read it: valid by the schema of Jenkins's xUnit plugin
 * (junit-10.xsd, which is what Surefire and pytest write, too). A test file is a test suite. A test's
 * last attempt counts; those before it are `flakyFailure` where it then passed, else `rerunFailure`.
 * Verdicts: error is `error`; fail, timeout and crash are `failure`, its type says which.
 */

#include "test/result.h"

void viv_test_junit(const struct viv_test_results *list, struct viv_str *ret);
