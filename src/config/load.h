/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One evaluation, from files to data, in this process: what the child does (child.h), and what
 * tests call where a crash is to be seen.
 */

#include "config/config.h"
#include "config/lua/lua.h"

/* What comes back. */
struct viv_config_answer {
	json_t *values; /* of every option, nested by the dots in names */
	json_t *declared; /* by a test file (viv_config_declared); else NULL */
	/*
	 * Every definition: "name", "place", "places of items" (of a list of sets, one a line), "priority
	 * used" (as %lld %d), "value as JSON", each with its NUL; those of one option together, what counts first. Text and not JSON because
	 * it is as large as the values and hardly ever read.
	 */
	struct viv_str definitions;
};

void viv_config_answer_clear(struct viv_config_answer *a);

/* Fills *ret. EINVAL: the message has every error of the files, one a line. */
int viv_config_evaluate(const struct viv_config_request *req, const char *folder,
			struct viv_report *report, struct viv_lua_note *note,
			struct viv_config_answer *ret, struct viv_error *err);
