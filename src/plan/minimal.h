/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * system.root = "minimal": the root is one squashfs image, of files of packages (deb/take.h), links and the
 * files that options write. It takes the place of all layers. Inside plan/ only.
 */

#include "plan/step.h"

/* What of p->packages is taken, for the recipe: {"packages": {name: [patterns]}, "links": {path: target}}. */
json_t *viv_minimal_describe(const struct viv_plan *p);

/* The step's builder. */
int viv_build_root(struct viv_plan *p, const struct viv_step *s, const char *dest,
		   struct viv_report *report, struct viv_error *err);
