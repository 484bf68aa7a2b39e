/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Files and trees into a running machine and out of it: the agent's --put and --get at the other end
 * of a stream (src/transfer), run as a command through the machine's supervisor. What comes out of a
 * guest belongs to the caller, and stays where the caller said, whatever the guest sends.
 */

#include "base/report.h"
#include "run/messages.h"

struct viv_copy {
	const char *const *from; /* one or more */
	const char *to;
	bool folder;	  /* `to` must be a folder */
	bool owners;	  /* into the guest: keep owners, as numbers, and set-user-id bits */
	const char *user; /* of the guest; NULL: root */
	struct viv_report *report;
};

/*
 * Both return 0 or, with an error, less; complaints about single files (fit for a terminal, not too
 * many) are pushed to *complaints: there are none if all went well.
 */
int viv_copy_in(struct viv_messages *m, const struct viv_copy *copy, struct viv_strv *complaints,
		struct viv_error *err);
int viv_copy_out(struct viv_messages *m, const struct viv_copy *copy, struct viv_strv *complaints,
		 struct viv_error *err);
