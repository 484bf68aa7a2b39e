/* SPDX-License-Identifier: MIT */
#include "plan/minimal.h"

#include "base/fd.h"
#include "base/path.h"
#include "deb/take.h"
#include "image/squashfs.h"
#include "plan/unit.h"

#include <sys/stat.h>

#define PRIORITY_DEFAULT 1000 /* mkDefault's */

/* What base-passwd would have made, as far as anybody here needs it. */
static const char passwd[] = "root:*:0:0:root:/root:/bin/sh\n"
			     "nobody:*:65534:65534:nobody:/nonexistent:/bin/false\n";
static const char group[] = "root:*:0:\ntty:*:5:\ndisk:*:6:\nshadow:*:42:\nutmp:*:43:\nusers:*:100:\n"
			    "nogroup:*:65534:\n";
static const char shadow[] = "root:*:::::::\nnobody:*:::::::\n";
static const char gshadow[] = "root:*::\ntty:*::\ndisk:*::\nshadow:*::\nutmp:*::\nusers:*::\nnogroup:*::\n";

static const struct {
	char type;
	const char *path;
	unsigned mode;
	const char *target;
} skeleton[] = {
	{'l', "bin", 0777, "usr/bin"}, {'l', "sbin", 0777, "usr/sbin"}, {'l', "lib", 0777, "usr/lib"},
	{'l', "lib64", 0777, "usr/lib64"}, {'d', "usr/bin", 0755, NULL}, {'d', "usr/sbin", 0755, NULL},
	{'d', "usr/lib", 0755, NULL}, {'d', "usr/lib64", 0755, NULL}, {'d', "dev", 0755, NULL},
	{'d', "etc", 0755, NULL}, {'d', "home", 0755, NULL}, {'d', "mnt", 0755, NULL},
	{'d', "proc", 0555, NULL}, {'d', "root", 0700, NULL}, {'d', "run", 0755, NULL},
	{'d', "sys", 0555, NULL}, {'d', "tmp", 01777, NULL}, {'d', "var/lib", 0755, NULL},
	{'d', "var/log", 0755, NULL}, {'d', "var/tmp", 01777, NULL}, {'l', "var/run", 0777, "/run"},
	{'l', "etc/service", 0777, "runit/runsvdir/default"}, {'l', "etc/mtab", 0777, "/proc/self/mounts"},
};

/* "htop=3.4": the name. The caller frees it. */
static char *name_of(const char *package)
{
	return viv_strndup(package, strcspn(package, "="));
}

static const json_t *patterns_of(const struct viv_plan *p, const char *name)
{
	const json_t *all = viv_config_get(p->config, "system.minimal.packages");

	return json_object_get(json_object_get(all, name), "files");
}

json_t *viv_minimal_describe(const struct viv_plan *p)
{
	json_t *packages = json_object();

	for (size_t i = 0; i < p->packages.count; i++) {
		VIV_FREE char *name = name_of(p->packages.items[i]);
		const json_t *files = patterns_of(p, name);

		json_object_set_new(packages, name, files ? json_deep_copy(files) : json_array());
	}
	return json_pack("{s:o, s:O}", "packages", packages, "links",
			 viv_config_get(p->config, "system.minimal.links"));
}

static int take(struct viv_plan *p, const char *folder, struct viv_report *report, struct viv_pack *pack,
		int64_t *ret_epoch, struct viv_take_wishes *ret_wishes, struct viv_error *err)
{
	size_t n = p->packages.count;
	VIV_FREE struct viv_take_package *packages = viv_new_array(struct viv_take_package, n);
	VIV_FREE struct viv_strv *patterns = viv_new_array(struct viv_strv, n);
	VIV_STRV texts = VIV_STRV_INIT;
	struct viv_take_request req = {.store = p->store, .source = &p->request.source, .lock = p->lock,
				       .packages = packages, .n_packages = n, .folder = folder};
	int r;

	for (size_t i = 0; i < n; i++) {
		char *name = name_of(p->packages.items[i]);
		VIV_FREE char *option = viv_unit_option("system.minimal.packages", name);
		json_t *pattern;
		size_t k;

		viv_strv_take(&texts, name);
		json_array_foreach((json_t *)patterns_of(p, name), k, pattern)
			viv_strv_push(&patterns[i], json_string_value(pattern));
		packages[i] = (struct viv_take_package){.name = name, .patterns = &patterns[i]};
		viv_strv_pushf(&texts, "%s: %s", viv_config_place(p->config, option), option);
		packages[i].place = texts.items[texts.count - 1];
	}
	r = viv_deb_take(&req, report, pack, ret_epoch, ret_wishes, err);
	for (size_t i = 0; i < n; i++)
		viv_strv_free(&patterns[i]);
	return r;
}

/* What options write stands over what packages have, as a layer would. */
static void drop_hidden(const struct viv_plan *p, struct viv_pack *pack)
{
	for (size_t i = 0; i < pack->n; i++)
		for (size_t k = 0; k < p->etc.n_files; k++) {
			struct viv_pack_entry *e = &pack->entries[i];

			if (!viv_streq(e->path, p->etc.files[k].path))
				continue;
			free(e->path);
			free(e->from);
			free(e->origin);
			*e = pack->entries[--pack->n];
			i--;
			break;
		}
}

static int write_content(const char *path, const struct viv_str *s, struct viv_error *err)
{
	VIV_FD fd = viv_open(path, O_WRONLY | O_CREAT | O_EXCL, 0644, err);

	return fd < 0 ? fd : viv_write_all(fd, s->data ? s->data : "", s->len, path, err);
}

static int add_etc(const struct viv_plan *p, const char *folder, struct viv_pack *pack, struct viv_error *err)
{
	static const char types[] = {[VIV_ETC_FILE] = 'f', [VIV_ETC_LINK] = 'l', [VIV_ETC_FOLDER] = 'd'};

	for (size_t i = 0; i < p->etc.n_files; i++) {
		const struct viv_etc_file *f = &p->etc.files[i];
		VIV_FREE char *content = viv_asprintf("%s/%zu", folder, i);
		const char *from = f->kind == VIV_ETC_FILE ? content : f->content.data;
		struct viv_pack_entry *e = viv_pack_add(pack, types[f->kind], f->path, f->mode, from,
							f->option ? f->option : "the machine");
		int r = f->kind == VIV_ETC_FILE ? write_content(content, &f->content, err) : 0;

		if (r < 0)
			return r;
		e->uid = f->uid;
		e->gid = f->gid;
	}
	return 0;
}

/* Does something of a package, or of another option, go before it? */
static bool is_default(const struct viv_config *config, const char *option)
{
	VIV_JSON *all = NULL;
	json_t *d;
	size_t i;

	if (viv_config_why(config, option, &all, NULL) < 0)
		return false;
	json_array_foreach(all, i, d)
		if (json_is_true(json_object_get(d, "used")))
			return json_integer_value(json_object_get(d, "priority")) >= PRIORITY_DEFAULT;
	return false;
}

static int add_link(const struct viv_plan *p, const char *path, const char *target, struct viv_pack *pack,
		    struct viv_error *err)
{
	VIV_FREE char *inside = viv_take_path(path), *option = viv_asprintf("system.minimal.links[\"%s\"]", path);
	const struct viv_pack_entry *there = inside ? viv_pack_find(pack, inside) : NULL;

	if (there && is_default(p->config, option))
		return 0;
	if (there)
		return viv_error_say(err, EEXIST, "%s: %s: /%s is there already, from %s",
				     viv_config_place(p->config, option), option, inside, there->origin);
	viv_pack_add(pack, 'l', inside ? inside : path, 0777, target, option);
	return 0;
}

static int add_skeleton(const struct viv_plan *p, struct viv_pack *pack, struct viv_error *err)
{
	const char *path;
	json_t *target;
	int r = 0;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(skeleton); i++)
		viv_pack_add(pack, skeleton[i].type, skeleton[i].path, skeleton[i].mode, skeleton[i].target,
			     "the minimal root");
	json_object_foreach((json_t *)viv_config_get(p->config, "system.minimal.links"), path, target)
		if (r == 0)
			r = add_link(p, path, json_string_value(target), pack, err);
	return r;
}

/* As it was finished. */
static const char *account_file(const struct viv_plan *p, const char *path)
{
	const struct viv_etc_file *f = viv_etc_find(&p->etc, path);

	return f && f->content.data ? f->content.data : "";
}

static bool is_in_pack(const void *pack, const char *path)
{
	return viv_pack_find(pack, path) != NULL;
}

static int make(struct viv_plan *p, const char *folder, const char *dest, struct viv_report *report,
		struct viv_error *err)
{
	VIV_CLEANUP(viv_pack_free) struct viv_pack pack = {0};
	VIV_CLEANUP(viv_take_wishes_free) struct viv_take_wishes wishes = {0};
	VIV_FREE char *files = viv_path_join(folder, "files"), *etc = viv_path_join(folder, "etc");
	VIV_JSON *below = json_pack("{s:s, s:s, s:s, s:s}", "passwd", passwd, "group", group, "shadow", shadow,
				    "gshadow", gshadow);
	const struct viv_manifests none = {0}; /* there are no layers */
	int64_t epoch = 0;
	int r = viv_mkdir_p(files, 0755, err);

	if (r == 0)
		r = viv_mkdir_p(etc, 0755, err);
	if (r == 0)
		r = take(p, files, report, &pack, &epoch, &wishes, err);
	if (r == 0)
		r = viv_plan_finish_etc(p, below, &none, err);
	if (r == 0) {
		drop_hidden(p, &pack);
		viv_minimal_settle_owners(&pack, account_file(p, "etc/passwd"), account_file(p, "etc/group"), report);
		viv_minimal_say_wishes(&wishes, &pack, account_file(p, "etc/passwd"), account_file(p, "etc/group"), report);
		r = add_etc(p, etc, &pack, err);
	}
	if (r == 0)
		r = add_skeleton(p, &pack, err);
	if (r == 0)
		r = viv_plan_check_named(p, is_in_pack, &pack, err);
	if (r == 0)
		r = viv_squashfs_write(&pack, dest, epoch, err);
	return r < 0 ? r : viv_commands_check(&p->commands, p->config, &pack, folder, report, err);
}

int viv_build_root(struct viv_plan *p, const struct viv_step *s, const char *dest,
		   struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *folder = viv_asprintf("%s.tree", dest);
	int r = make(p, folder, dest, report, err);

	viv_remove_tree(folder, NULL);
	return r;
}
