/* SPDX-License-Identifier: MIT */
#pragma once

/* The steps of resolving a machine's packages. Inside deb/ only. */

#include "deb/records.h"

struct viv_resolution {
	const struct viv_deb_request *req;
	struct viv_apt *apt;
	struct viv_lock *lock;	      /* being made */
	struct viv_lock_layer prefer; /* packages whose versions and places are to be kept */
	struct viv_records installed; /* what the layers so far have */
	json_t *index_names;	      /* the key in lock->indexes of "trixie/main"; NULL: none yet */
};

/* name, name=version: nothing that apt would take for a pattern, an option or a removal. */
int viv_resolve_check_names(const struct viv_strv *names, struct viv_error *err);
/* Sorted, each once; `from` may be NULL. */
void viv_resolve_copy_names(const struct viv_strv *from, struct viv_strv *to);

/* Each adds to x->lock. */
int viv_resolve_base(struct viv_resolution *x, struct viv_error *err);
int viv_resolve_packages(struct viv_resolution *x, const char *name, const struct viv_strv *wanted,
			 struct viv_error *err);
int viv_resolve_kernel(struct viv_resolution *x, struct viv_error *err);

/*
 * Makes apt prefer the versions in x->prefer, also those that no index has any more but whose
 * records were kept. viv_resolve_forget undoes it.
 */
int viv_resolve_prefer(struct viv_resolution *x, struct viv_error *err);
int viv_resolve_forget(struct viv_apt *a, struct viv_error *err);
