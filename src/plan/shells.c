/* SPDX-License-Identifier: MIT */
#include "plan/step.h"

/* Login shells that users name: a login with one that is not there ends at once. */

/* Where packages put programs; what is elsewhere (/srv, /opt) can be on a disk that nobody knows here. */
static bool is_in_packages(const char *path)
{
	static const char *const folders[] = {"/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(folders); i++)
		if (viv_starts_with(path, folders[i]))
			return true;
	return false;
}

static int check(const struct viv_plan *p, const struct viv_manifests *layers, const char *option, const char *shell,
		 struct viv_error *err)
{
	/* /bin is a link to /usr/bin. */
	VIV_FREE char *merged = viv_asprintf("usr%s", viv_starts_with(shell, "/usr/") ? shell + 4 : shell);
	struct viv_there there;

	if (!is_in_packages(shell) || viv_manifests_find(layers, merged, &there) ||
	    viv_manifests_find(layers, shell + 1, &there) || viv_etc_find(&p->etc, merged) ||
	    viv_etc_find(&p->etc, shell + 1))
		return 0;
	return viv_error_say(err, EINVAL, "%s: %s: there is no %s in the machine: have its package in it "
			     "(environment.systemPackages)", viv_config_place(p->config, option), option, shell);
}

int viv_plan_check_shells(const struct viv_plan *p, const struct viv_manifests *layers, struct viv_error *err)
{
	static const char fallback[] = "users.defaultUserShell";
	const char *name, *common = viv_config_string(p->config, fallback);
	bool is_set = !viv_streq(viv_config_place(p->config, fallback), "default");
	json_t *user;
	int r;

	if (!layers->n)
		return 0; /* a minimal root: its files are chosen one by one */
	r = is_set ? check(p, layers, fallback, common, err) : 0;
	json_object_foreach((json_t *)viv_config_get(p->config, "users.users"), name, user) {
		VIV_FREE char *option = viv_asprintf("users.users.%s.shell", name);
		const char *shell = viv_json_str(user, "shell");

		if (r == 0 && shell)
			r = check(p, layers, option, shell, err);
	}
	return r;
}
