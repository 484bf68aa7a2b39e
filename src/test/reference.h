/* SPDX-License-Identifier: MIT */
#pragma once

/* What a test's script can call, for people and for tools. */

/*
 * Each of them, as the tables have them. of: "machine:" for a machine's methods, "t." for assertions, "" for
 * functions; parameters: "(command…, {timeout, …})".
 */
void viv_test_reference(void (*fn)(const char *of, const char *name, const char *parameters, const char *text, void *arg),
			void *arg);
