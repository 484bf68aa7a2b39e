/* SPDX-License-Identifier: MIT */
#include "base/path.h"
#include "deb/ahead.h"

/* A sandbox with layers unpacked, for programs that are no packages' scripts. */

#define BINDS_MAX 8

struct inside {
	const struct viv_install *job;
	viv_sandbox_fn fn;
	void *arg;
};

static int run(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
	       struct viv_str *result, struct viv_error *err)
{
	const struct inside *x = arg;
	VIV_FREE char *root = viv_path_join(view->scratch, VIV_DEB_ROOT);
	int r, u;

	viv_task_begin(report, 0, "unpacking what it is built with");
	r = viv_install_restore(view, x->job, report, err);
	viv_task_end(report, r == 0);
	if (r == 0)
		r = viv_sandbox_mount_api(root, err);
	if (r < 0)
		return r;
	r = x->fn(view, x->arg, report, result, err);
	u = viv_sandbox_unmount_api(root, r < 0 ? NULL : err);
	return r < 0 ? r : u;
}

int viv_deb_run_in(struct viv_store *store, const struct viv_deb_source *source,
		   const struct viv_lock *lock, const struct viv_deb_plan *plan,
		   const struct viv_sandbox_bind *binds, size_t n_binds, viv_sandbox_fn fn, void *arg,
		   struct viv_report *report, struct viv_str *result, struct viv_error *err)
{
	VIV_CLEANUP(viv_deb_room_clear) struct viv_deb_room room = {0};
	VIV_CLEANUP(viv_install_clear) struct viv_install job = {
		.layers = viv_new_array(struct viv_install_layer, plan->n_layers),
		.n_layers = plan->n_layers,
	};
	struct viv_sandbox_bind all[BINDS_MAX];
	struct inside x = {&job, fn, arg};

	viv_deb_room_describe(store, source->memory,
			      !viv_install_fits_memory(lock, 0, plan->n_layers), &room);
	if (n_binds + 1 > BINDS_MAX)
		return viv_error_say(err, E2BIG, "too many folders for a sandbox");
	all[0] = room.binds[0]; /* objects: to be read */
	for (size_t i = 0; i < n_binds; i++)
		all[i + 1] = binds[i];
	room.spec.binds = all;
	room.spec.n_binds = n_binds + 1;
	for (size_t i = 0; i < plan->n_layers; i++) {
		job.layers[i].lock = &lock->layers[i];
		job.layers[i].there =
			viv_asprintf(VIV_INSTALL_OBJECTS "/%s", plan->layers[i].id);
	}
	return viv_sandbox_call(&room.spec, run, &x, report, result, err);
}
