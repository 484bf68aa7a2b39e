/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The check of what users' units say by the systemd that will read them: the systemd-analyze(1) of the
 * machine's own packages, run in a sandbox. So what a newer or older one on the host knows is of no
 * importance. Inside plan/ only.
 */

#include "base/report.h"
#include "plan/units.h"
#include "store/store.h"

/*
 * The program with its libraries, taken out of that layer (an id) and kept as an object: *ret_path, the
 * caller's. Empty where it has none, or none that runs here.
 */
int viv_unit_checker(struct viv_store *store, const char *layer, struct viv_report *report, char **ret_path,
		     struct viv_error *err);

/* Is it a file that follows from options where anything can be written: systemd.*, environment.etc? */
bool viv_unit_is_users(const struct viv_etc_file *f);
/* Any unit among those? */
bool viv_units_any_users(const struct viv_etc *etc);

/*
 * Runs it on users' units, which are placed (viv_etc_place_units). EINVAL: what systemd would pass over or
 * refuse, a line each with its place. A program that is not there is no error: it may come at run time.
 */
int viv_units_verify(const struct viv_etc *etc, const struct viv_config *config, const char *checker,
		     struct viv_error *err);

/* The half of it that reads what systemd-analyze printed. */
int viv_units_judge(const struct viv_etc *etc, const struct viv_config *config, const char *said,
		    struct viv_error *err);
