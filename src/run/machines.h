/* SPDX-License-Identifier: MIT */
#pragma once

/* The machines that run: all of them, and the one that a user means. */

#include "run/messages.h"

/*
 * What each says of itself (control's "status"), by name: a new array. One that does not answer in
 * time is {"name": …, "state": "unresponsive"} with "pid" where it is known. What a killed supervisor left behind does not count.
 */
int viv_machines_list(const char *runtime, json_t **ret, struct viv_error *err);
/* Their names, without asking them anything; pushed to *ret, sorted. */
int viv_machines_names(const char *runtime, struct viv_strv *ret, struct viv_error *err);

/*
 * Connects to the machine named, or, with NULL, to the one whose machine file is in `folder`. ENOENT
 * says what was meant, or what there is.
 */
int viv_machines_connect(const char *runtime, const char *name, const char *folder,
			 struct viv_messages *ret, char **ret_name, struct viv_error *err);
