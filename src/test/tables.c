/* SPDX-License-Identifier: MIT */
#include "test/methods.h"
#include "test/reference.h"

const struct method *const method_tables[] = {
	methods_run, methods_units, methods_waits, methods_files, methods_network,
	methods_life, methods_save, methods_console, methods_crash,
	methods_screen, methods_input, methods_monitor, methods_terminal, methods_desktop,
	methods_script,
	methods_prompt,
	NULL,
};
const struct method *const function_tables[] = {functions_script, functions_network, functions_condition, NULL};

const char *const *viv_test_reserved(void)
{
	/* The functions of functions_script, and what the front end has itself. */
	static const char *const names[] = {"start_all", "join_all", "subtest", "retry", "skip", "attempt", "log",
					    "capture", "stop_capture", "polling_condition", "t", NULL};

	return names;
}

void viv_test_reference(void (*fn)(const char *of, const char *name, const char *parameters, const char *text, void *arg),
			void *arg)
{
	for (const struct method *const *t = method_tables; *t; t++)
		for (const struct method *m = *t; m->name; m++)
			fn("machine:", m->name, m->shown, m->text, arg);
	for (const struct method *const *t = function_tables; *t; t++)
		for (const struct method *m = *t; m->name; m++)
			fn("", m->name, m->shown, m->text, arg);
	for (const struct method *m = functions_assert; m->name; m++)
		fn("t.", m->name, m->shown, m->text, arg);
}
