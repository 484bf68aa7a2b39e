/* SPDX-License-Identifier: MIT */
#include "sandbox/sandbox.h"

#include "base/path.h"

#include <unistd.h>

static int remove_inside(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
			 struct viv_str *result, struct viv_error *err)
{
	VIV_FREE char *path = viv_asprintf("%s/in/%s", view->scratch, (const char *)arg);

	return viv_remove_tree(path, err);
}

int viv_sandbox_remove_tree(const char *path, struct viv_error *err)
{
	VIV_ERROR first = VIV_ERROR_INIT;
	VIV_FREE char *folder = viv_path_dir(path);
	const struct viv_sandbox_bind bind = {.host = folder, .name = "in", .writable = true};
	const struct viv_sandbox_spec spec = {.binds = &bind, .n_binds = 1, .scratch_size = 1 << 20};
	int r = viv_remove_tree(path, &first);

	if (r == 0)
		return 0;
	if (geteuid() == 0)
		return viv_error_move(err, &first);
	r = viv_sandbox_call(&spec, remove_inside, (void *)viv_path_base(path), NULL, NULL, NULL);
	return r < 0 ? viv_error_move(err, &first) : 0;
}
