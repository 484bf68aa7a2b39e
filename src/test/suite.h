/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * From paths to what is to be run: every test of every file, once per combination of its matrix. Files are
 * evaluated in a child with limits, as machine files are; a file that can't be is a case with an error, so that the
 * others run all the same.
 */

#include "base/report.h"
#include "config/config.h"
#include "test/result.h"

#define VIV_SUITE_FILES_MAX	   10000
#define VIV_SUITE_COMBINATIONS_MAX 1000 /* of one file */

struct viv_test_case {
	char *file;  /* absolute; NULL: the default machine (a command) */
	char *text;  /* see struct viv_config_test */
	char *shown; /* as the user named it */
	char *name;  /* of the test; NULL: the file is wrong */
	char *combination; /* "fs=ext4,kernel=6.12"; NULL: no matrix */
	char *title; /* "web.test.lua: page [fs=ext4]" */
	int line;
	struct viv_strv axes, labels; /* this combination: an axis each, and its value */
	int64_t limit_ms;     /* 0: the default */
	uint64_t memory_mib;  /* of its machines together */
	uint64_t cores;
	json_t *machines, *expect; /* as viv_config_declared has them */
	char *skip;  /* why it isn't run; NULL: it is */
	char *error; /* what is wrong with the file; NULL: nothing */
	unsigned file_number; /* of its file, in the order in which they are run */
};

struct viv_suite {
	struct viv_test_case *cases;
	size_t n, cap;
	struct viv_strv unused_params; /* that no file asked for */
	struct viv_strv unread; /* folders that could not be looked into, and why */
};

struct viv_suite_spec {
	const char *const *paths; /* files and folders, as the user named them; NULL or empty: here */
	const char *const *command; /* instead of files: a single test, see test/command.h; NULL: none */
	const char *machine; /* the command's; NULL: vm.lua if there is one, else the default machine */
	const struct viv_config_choice *params;
	size_t n_params;
	const struct viv_config_setting *settings; /* for each machine */
	size_t n_settings;
	const char *const *only; /* which tests, see test/select.h; NULL: all */
};

/* ENOENT: a path is not there, or `only` names what is none. What files print goes to report. */
int viv_suite_collect(const struct viv_suite_spec *spec, struct viv_report *report, struct viv_suite *ret,
		      struct viv_error *err);
void viv_suite_free_contents(struct viv_suite *s);
void viv_test_case_free_contents(struct viv_test_case *c);

/* The result of a case's first attempt, with the verdict and nothing else of it; the caller's to free the contents of. */
struct viv_test_result viv_test_case_result(const struct viv_test_case *c, enum viv_verdict verdict);

/* The cases' choices as the evaluation takes them. The caller frees it as one; texts are the case's. */
struct viv_config_choice *viv_test_case_choices(const struct viv_test_case *c);
