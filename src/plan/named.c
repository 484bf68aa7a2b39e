/* SPDX-License-Identifier: MIT */
#include "plan/step.h"

/*
 * Files of packages that options name. A login with a shell that is not there ends at once; a time zone that is not
 * is UTC, a font the kernel's, without a word.
 */

/* Where packages put programs; what is elsewhere (/srv, /opt) can be on a disk that nobody knows here. */
static bool is_in_packages(const char *path)
{
	static const char *const folders[] = {"/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(folders); i++)
		if (viv_starts_with(path, folders[i]))
			return true;
	return false;
}

struct looking {
	const struct viv_plan *plan;
	viv_is_there_fn is_there;
	const void *root;
};

static int check_shell(const struct looking *l, const char *option, const char *shell, struct viv_error *err)
{
	/* /bin is a link to /usr/bin. */
	VIV_FREE char *merged = viv_asprintf("usr%s", viv_starts_with(shell, "/usr/") ? shell + 4 : shell);

	if (!is_in_packages(shell) || l->is_there(l->root, merged) || l->is_there(l->root, shell + 1) ||
	    viv_etc_find(&l->plan->etc, merged) || viv_etc_find(&l->plan->etc, shell + 1))
		return 0;
	return viv_error_say(err, EINVAL, "%s: %s: there is no %s in the machine: have its package in it "
			     "(environment.systemPackages)", viv_config_place(l->plan->config, option), option, shell);
}

static int check_shells(const struct looking *l, struct viv_error *err)
{
	static const char fallback[] = "users.defaultUserShell";
	const struct viv_config *config = l->plan->config;
	const char *name, *common = viv_config_string(config, fallback);
	bool is_set = !viv_streq(viv_config_place(config, fallback), "default");
	json_t *user;
	int r = is_set ? check_shell(l, fallback, common, err) : 0;

	json_object_foreach((json_t *)viv_config_get(config, "users.users"), name, user) {
		const char *shell = viv_json_str(user, "shell");
		bool takes_common = !shell && json_is_true(json_object_get(user, "isNormalUser"));
		VIV_FREE char *option = viv_asprintf("users.users.%s%s", name, shell ? ".shell" : "");

		if (r == 0 && (shell || takes_common))
			r = check_shell(l, option, shell ? shell : common, err);
	}
	return r;
}

/* `format` makes the file's path of what the option says. */
static int check_file(const struct looking *l, const char *option, const char *what, const char *format,
		      const char *package, struct viv_error *err)
{
	const struct viv_config *config = l->plan->config;
	const char *name = viv_config_string(config, option);
	VIV_FREE char *path = name ? viv_asprintf(format, name) : NULL;

	if (!path || l->is_there(l->root, path) || viv_etc_find(&l->plan->etc, path))
		return 0;
	return viv_error_say(err, EINVAL, "%s: %s: there is no %s %s in the machine%s%s",
			     viv_config_place(config, option), option, what, name, package ? "; more are in the package " : "",
			     package ? package : "");
}

int viv_plan_check_named(const struct viv_plan *p, viv_is_there_fn is_there, const void *root, struct viv_error *err)
{
	const struct looking l = {p, is_there, root};
	const char *font = viv_config_string(p->config, "console.font");
	int r = check_shells(&l, err);

	if (r == 0)
		r = check_file(&l, "time.timeZone", "time zone", "usr/share/zoneinfo/%s", "tzdata-legacy", err);
	if (r == 0 && font)
		r = check_file(&l, "console.font", "font",
			       strstr(font, ".psf") ? "usr/share/consolefonts/%s" : "usr/share/consolefonts/%s.psf.gz",
			       NULL, err);
	return r;
}
