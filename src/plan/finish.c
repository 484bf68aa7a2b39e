/* SPDX-License-Identifier: MIT */
#include "plan/step.h"

#include "base/path.h"
#include "plan/accounts.h"
#include "plan/area.h"
#include "plan/unit.h"
#include "plan/units.h"

/* The files of the etc layer, when it is known what the layers below have. */

static void add_texts(struct viv_etc *etc, struct viv_accounts *a)
{
	struct {
		const char *path;
		struct viv_str *text;
		unsigned mode;
		const char *group;
	} files[] = {
		{"etc/passwd", &a->passwd, 0644, NULL},
		{"etc/group", &a->group, 0644, NULL},
		{"etc/shadow", &a->shadow, 0640, "shadow"},
		{"etc/gshadow", &a->gshadow, 0640, "shadow"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(files); i++) {
		struct viv_str copy = VIV_STR_INIT;
		struct viv_etc_file *f;

		viv_str_add(&copy, files[i].text->data ? files[i].text->data : "");
		f = viv_etc_add(etc, "users.users", files[i].path, VIV_ETC_FILE, files[i].mode, &copy);
		f->group = viv_strdup(files[i].group);
	}
}

/* What no layer may have, as it is the kernel's or a file system of its own, or of a root that has none. */
static bool is_system_folder(const char *path)
{
	static const char *const folders[] = {
		"/",	"/bin", "/boot", "/etc",  "/home", "/lib",  "/lib32", "/lib64", "/media", "/mnt",
		"/opt", "/root", "/run", "/sbin", "/srv",  "/tmp",  "/usr",   "/usr/bin", "/usr/lib",
		"/usr/sbin", "/usr/share", "/usr/local", "/var", "/var/cache", "/var/lib", "/var/log", "/var/tmp",
	};
	static const char *const whole[] = {"/dev", "/proc", "/sys"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(folders); i++)
		if (viv_streq(path, folders[i]))
			return true;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(whole); i++)
		if (viv_path_is_within(path, whole[i]))
			return true;
	return false;
}

static int refuse_home(const struct viv_plan *p, const struct viv_home *h, const char *option, const char *entry,
		       struct viv_error *err)
{
	const char *place = viv_config_place(p->config, option);

	if (viv_streq(place, "default"))
		place = viv_config_place(p->config, entry);
	viv_error_say(err, EINVAL, "%s: %s: %s is the system's and can't be given to %s", place, option, h->path,
		      h->user);
	viv_error_hint(err, "With createHome = false it stays as it is.");
	return -EINVAL;
}

/* What a package has stays its owner's. */
static int add_home(struct viv_plan *p, const struct viv_home *h, const struct viv_manifests *layers,
		    struct viv_error *err)
{
	VIV_FREE char *entry = viv_unit_option("users.users", h->user), *option = viv_asprintf("%s.home", entry);
	struct viv_there there;
	bool is_there = h->path[1] && viv_manifests_find(layers, h->path + 1, &there);
	struct viv_etc_file *f;

	if (is_there && there.type == 'd' && there.uid == h->uid && there.gid == h->gid)
		return 0;
	if (is_there || is_system_folder(h->path))
		return refuse_home(p, h, option, entry, err);
	f = viv_etc_add(&p->etc, option, h->path + 1, VIV_ETC_FOLDER, 0700, NULL);
	f->uid = h->uid;
	f->gid = h->gid;
	return 0;
}

static int add_accounts(struct viv_plan *p, struct viv_accounts *a, const struct viv_manifests *layers,
			struct viv_error *err)
{
	int r = 0;

	add_texts(&p->etc, a);
	for (size_t i = 0; r == 0 && i < a->n_homes; i++)
		r = add_home(p, &a->homes[i], layers, err);
	return r;
}

/* Names become numbers, now that the accounts are known. */
static int resolve_owner(const struct viv_plan *p, const struct viv_etc_file *f, const char *text,
			 const char *kind, const char *name, unsigned *ret, struct viv_error *err)
{
	bool is_users = f->option && viv_starts_with(f->option, "environment.etc");
	VIV_FREE char *option = is_users ? viv_asprintf("%s.%s", f->option, kind) : NULL;
	const char *place = f->option ? viv_config_place(p->config, option ? option : f->option) : NULL;
	int64_t id;

	if (!name)
		return 0;
	id = viv_account_id(text, name);
	if (id < 0)
		return viv_error_say(err, EINVAL, "%s%s%s: no %s \"%s\"", place ? place : "",
				     place ? ": " : "", option ? option : f->path, kind, name);
	*ret = (unsigned)id;
	return 0;
}

static int resolve_owners(struct viv_plan *p, const struct viv_accounts *a, struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->etc.n_files; i++) {
		struct viv_etc_file *f = &p->etc.files[i];

		r = resolve_owner(p, f, a->passwd.data, "user", f->user, &f->uid, err);
		if (r == 0)
			r = resolve_owner(p, f, a->group.data, "group", f->group, &f->gid, err);
	}
	return r;
}

static bool is_in_layers(const void *layers, const char *path)
{
	struct viv_there there;

	return viv_manifests_find(layers, path, &there);
}

int viv_plan_finish_etc(struct viv_plan *p, const json_t *below, const struct viv_manifests *layers,
			struct viv_error *err)
{
	struct viv_accounts_request req = {
		.below = below,
		.users = viv_config_get(p->config, "users.users"),
		.groups = p->groups,
		.ids = p->ids,
		.shell = viv_config_string(p->config, "users.defaultUserShell"),
		.config = p->config,
		.open_root = true,
	};
	struct viv_accounts a = {0};
	/* A minimal root is no layer: it is looked at when all of it is there. */
	int r = layers->n ? viv_plan_check_named(p, is_in_layers, layers, err) : 0;

	if (r == 0)
		r = viv_plan_check_syntax(p->config, err);
	if (r == 0)
		r = viv_accounts_make(&req, &a, err);
	if (r < 0)
		return r;
	r = add_accounts(p, &a, layers, err);
	if (r == 0)
		r = resolve_owners(p, &a, err);
	if (r == 0)
		r = viv_plan_check_runs_as(p, &a, layers, err);
	viv_accounts_free_contents(&a);
	if (r < 0)
		return r;
	viv_etc_place_units(&p->etc, layers);
	r = viv_etc_check(&p->etc, p->config, err);
	if (r == 0 && viv_uses_systemd(p->config))
		r = viv_units_check_partners(&p->etc, layers, p->config, err);
	if (r == 0)
		r = viv_etc_add_parents(&p->etc, layers, p->config, err);
	return r < 0 ? r : viv_etc_check(&p->etc, p->config, err);
}
