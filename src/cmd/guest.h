/* SPDX-License-Identifier: MIT */
#pragma once

/* Where the guest's static programs are: beside a viv that was just built, else installed. */

#include "base/error.h"

struct viv_guest_programs {
	char *init, *agent; /* paths, owned */
};

int viv_guest_programs_find(struct viv_guest_programs *ret, struct viv_error *err);
void viv_guest_programs_free(struct viv_guest_programs *g);
