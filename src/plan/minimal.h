/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * system.root = "minimal": the root is one squashfs image, of files of packages (deb/take.h), links and the
 * files that options write. It takes the place of all layers. Inside plan/ only.
 */

#include "deb/take.h"
#include "image/squashfs.h"
#include "plan/step.h"

/* What of p->packages is taken, for the recipe: {"packages": {name: [patterns]}, "links": {path: target}}. */
json_t *viv_minimal_describe(const struct viv_plan *p);

/*
 * Owners of packages' files, by the numbers in their archives: those that are base-passwd's, the same in every Debian,
 * are kept where these texts, passwd(5) and group(5), have them under its names. All else is root's, without set-id bits; of a file that is said.
 */
void viv_minimal_settle_owners(struct viv_pack *pack, const char *users, const char *groups, struct viv_report *report);

/* Says what packages' scripts would have done and nobody does: accounts that are not there, files' owners and capabilities. */
void viv_minimal_say_wishes(const struct viv_take_wishes *wishes, const struct viv_pack *pack, const char *users,
			    const char *groups, struct viv_report *report);

/* The step's builder. */
int viv_build_root(struct viv_plan *p, const struct viv_step *s, const char *dest,
		   struct viv_report *report, struct viv_error *err);
