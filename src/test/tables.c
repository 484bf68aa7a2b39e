/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

const struct method *const method_tables[] = {methods_run, methods_life, methods_console, methods_crash, NULL};
const struct method *const function_tables[] = {functions_script, NULL};

const char *const *viv_test_reserved(void)
{
	/* The functions of functions_script, and what the front end has itself. */
	static const char *const names[] = {"start_all", "join_all", "subtest", "retry", "skip", "log", "t", NULL};

	return names;
}
