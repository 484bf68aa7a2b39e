/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Layers unpacked while apt resolves what comes on top of them: apt takes a second on one processor,
 * so another can do this meanwhile. It is a guess. If the answer is another one, what was unpacked is
 * thrown away and the build goes the ordinary way; nothing outside the sandbox was changed. Inside
 * deb/ only.
 */

#include "deb/install.h"

/* What a sandbox in which layers are made is given of this system. Its address must not change. */
struct viv_deb_room {
	char *objects, *builds;
	struct viv_sandbox_bind binds[2];
	struct viv_sandbox_spec spec;
};
void viv_deb_room_describe(const struct viv_store *store, uint64_t memory, bool on_disk,
			   struct viv_deb_room *ret);
void viv_deb_room_clear(struct viv_deb_room *room);

/*
 * Starts unpacking the lock's layers; `a` may be NULL. Does nothing where that can't be done or is not
 * worth it: layers that are not in the store, little memory, one processor. That is no error.
 */
void viv_deb_ahead_start(struct viv_deb_ahead *a, const struct viv_deb_source *source,
			 const struct viv_lock *lock);
/* How many layers of the plan are unpacked; 0: none, or others than the plan's. */
size_t viv_deb_ahead_layers(const struct viv_deb_ahead *a, const struct viv_deb_plan *plan);
/* viv_install_run on top of what is unpacked; afterwards nothing is. */
int viv_deb_ahead_go_on(struct viv_deb_ahead *a, const struct viv_install *job,
			const struct viv_lock *lock, struct viv_report *report,
			struct viv_str *result, struct viv_error *err);
/* Throws away what is unpacked, if anything is. */
void viv_deb_ahead_drop(struct viv_deb_ahead *a);
