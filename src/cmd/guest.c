/* SPDX-License-Identifier: MIT */
#include "cmd/guest.h"

#include "base/path.h"

#include <limits.h>
#include <unistd.h>

static char *find(const char *folder, const char *name)
{
	VIV_FREE char *path = viv_path_join(folder, name);

	return access(path, X_OK) == 0 ? viv_steal(path) : NULL;
}

int viv_guest_programs_find(struct viv_guest_programs *ret, struct viv_error *err)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	VIV_FREE char *dir = NULL, *beside = NULL;
	const char *folders[2];

	exe[n > 0 ? n : 0] = '\0';
	dir = viv_path_dir(exe);
	beside = viv_path_join(dir, "guest");
	folders[0] = beside;
	folders[1] = VIV_LIBDIR;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(folders); i++) {
		struct viv_guest_programs g = {find(folders[i], "viv-init"),
					       find(folders[i], "viv-agent")};

		if (g.init && g.agent) {
			*ret = g;
			return 0;
		}
		viv_guest_programs_free(&g);
	}
	return viv_error_say(err, ENOENT,
			     "the guest's programs viv-init and viv-agent are neither in %s nor in %s\n"
			     "install viv again (make install)",
			     beside, VIV_LIBDIR);
}

void viv_guest_programs_free(struct viv_guest_programs *g)
{
	free(g->init);
	free(g->agent);
	*g = (struct viv_guest_programs){0};
}
