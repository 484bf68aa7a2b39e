/* SPDX-License-Identifier: MIT */
#include "source/private.h"

#include "base/fd.h"
#include "base/path.h"
#include "deb/layer.h"

/* From an override to packages in the store. */

#define FORMAT	  1 /* to be raised when the same recipe would be built otherwise */
#define WAY_MAX	  50

struct viv_source_set *viv_source_set_new(const struct viv_source_request *req)
{
	struct viv_source_set *s = viv_new(struct viv_source_set);

	s->req = *req;
	s->built = json_object();
	return s;
}

void viv_source_set_free(struct viv_source_set *s)
{
	if (!s)
		return;
	json_decref(s->built);
	viv_strv_free(&s->way);
	free(s);
}

const json_t *viv_source_entry(const struct viv_source_set *s, const char *name, const char **ret_name)
{
	const json_t *e = json_object_get(s->req.packages, name);
	const char *package = viv_json_str(e, "package");

	*ret_name = package ? package : name;
	return viv_json_str(e, "place") ? e : NULL;
}

bool viv_source_is_module(const struct viv_source_job *j)
{
	return j->set->req.modules && viv_strv_has(j->set->req.modules, j->name);
}

void viv_source_set_kernel(struct viv_source_set *s, const char *release, const char *version)
{
	s->req.kernel_release = release;
	s->req.kernel_version = version;
}

static char *archive_id(const json_t *deb)
{
	struct viv_lock_package p = {.name = (char *)viv_json_str(deb, "name"),
				     .version = (char *)viv_json_str(deb, "version"),
				     .architecture = (char *)viv_json_str(deb, "architecture")};

	memcpy(p.sha256, viv_json_str(deb, "sha256"), VIV_SHA256_HEX);
	return viv_archive_id(&p);
}

void viv_source_push_archives(const json_t *debs, struct viv_strv *ret)
{
	json_t *deb;
	size_t i;

	json_array_foreach(debs, i, deb)
		viv_strv_take(ret, archive_id(deb));
}

void viv_source_archives(const struct viv_source_set *s, const char *name, struct viv_strv *ret)
{
	viv_source_push_archives(json_object_get(s->built, name), ret);
}

void viv_source_job_clear(struct viv_source_job *j)
{
	viv_own_tree_free(&j->tree);
	free(j->archive);
	viv_strv_free(&j->archive_files);
	json_decref(j->debian);
	json_decref(j->patches);
	viv_strv_free(&j->build_inputs);
	viv_lock_free(j->lock);
	viv_deb_plan_free(&j->root);
	json_decref(j->recipe);
	free(j->id);
	free(j->version);
}

int viv_source_read_patches(struct viv_source_job *j, struct viv_error *err)
{
	json_t *list = json_object_get(j->entry, "patches"), *v;
	size_t i;

	j->patches = json_array();
	json_array_foreach(list, i, v) {
		const char *file = json_string_value(v);
		VIV_STR text = VIV_STR_INIT;
		char hex[VIV_SHA256_HEX];
		int r = viv_read_file(file, VIV_SOURCE_PATCH_MAX, &text, err);

		if (r < 0)
			return viv_error_context(err, "patches");
		viv_sha256_of(text.data ? text.data : "", text.len, hex);
		json_array_append_new(j->patches, json_pack("{s:s, s:s}", "file", file, "sha256", hex));
	}
	return 0;
}

static int read_source(struct viv_source_job *j, struct viv_report *report, struct viv_error *err)
{
	const json_t *src = json_object_get(j->entry, "src");
	const char *how = viv_json_str(src, "fetch"), *path = viv_json_str(src, "path");
	int r;

	if (!src) {
		if (viv_json_str(j->entry, "configure") || viv_json_str(j->entry, "build") ||
		    viv_json_str(j->entry, "install"))
			return viv_error_say(err, EINVAL, "configure, build and install go with a src of its own: "
					     "Debian's is built as debian/rules says");
		j->style = VIV_STYLE_DEBIAN;
		return 0;
	}
	if (path && viv_json_str(src, "rev")) {
		VIV_FREE char *url = viv_asprintf("file://%s", path);
		VIV_JSON *remote = json_pack("{s:s, s:s, s:s}", "fetch", "git", "url", url, "rev",
					     viv_json_str(src, "rev"));

		r = viv_source_fetch_archive(j, remote, report, err);
	} else if (path) {
		r = viv_own_tree_read(path, viv_streq(how, "git"), report, &j->tree, err);
	} else {
		r = viv_source_fetch_archive(j, src, report, err);
	}
	if (r < 0)
		return r;
	j->style = viv_source_style_of(j);
	if (j->style == VIV_STYLE_NONE && !viv_json_str(j->entry, "install"))
		return viv_error_say(err, EINVAL, "it is not known how %s is built: it has no debian/rules, meson.build, "
				     "CMakeLists.txt, configure, configure.ac or Makefile\n"
				     "Say it: build = \"…\", install = \"…\" (into $DESTDIR).",
				     path ? path : "its source");
	return 0;
}

static json_t *layer_ids(const struct viv_deb_plan *root)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < root->n_layers; i++)
		json_array_append_new(ids, json_string(root->layers[i].id));
	return ids;
}

static json_t *describe_source(const struct viv_source_job *j)
{
	if (j->tree.path)
		return json_pack("{s:s}", "tree", j->tree.hash);
	if (j->archive)
		return json_pack("{s:s}", "archive", j->archive);
	if (j->kernel)
		return json_pack("{s:s}", "linux", j->kernel->version);
	return json_pack("{s:O}", "files", json_object_get(j->debian, "files"));
}

/* Names and what is in files, never where they are. */
static void make_recipe(struct viv_source_job *j)
{
	static const char *const parts[] = {"build", "configure", "depends", "env", "install", "version"};
	json_t *patches = json_array();

	for (size_t i = 0; i < json_array_size(j->patches); i++)
		json_array_append(patches, json_object_get(json_array_get(j->patches, i), "sha256"));
	j->recipe = json_pack("{s:s, s:i, s:s, s:s, s:i, s:o, s:o, s:o}", "kind", "package", "format", FORMAT,
			      "name", j->name, "architecture", j->set->req.source.architecture, "style",
			      (int)j->style, "source", describe_source(j), "patches", patches, "root",
			      layer_ids(&j->root));
	for (size_t i = 0; i < VIV_ARRAY_SIZE(parts); i++)
		if (json_object_get(j->entry, parts[i]))
			json_object_set(j->recipe, parts[i], json_object_get(j->entry, parts[i]));
	if (j->kernel)
		json_object_set_new(j->recipe, "config", viv_source_kernel_describe(j->kernel));
	j->id = viv_store_id(j->name, j->recipe);
}

/* Above Debian's of that version, another one for each recipe. */
static void make_version(struct viv_source_job *j)
{
	const char *own = viv_json_str(j->entry, "version"), *debian = viv_json_str(j->debian, "version");
	/* A lock file may come from a stranger, and this goes into a control file. */
	bool fine = debian && !debian[strspn(debian, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
						     "0123456789.+~:-")];
	const char *base = own ? own : fine ? debian : "0";
	bool digit = base[0] >= '0' && base[0] <= '9';

	j->version = viv_asprintf("%s%s+viv1.%.8s", digit ? "" : "0~", base, j->id);
}

void viv_source_make_recipe(struct viv_source_job *j)
{
	make_recipe(j);
	make_version(j);
}

/* The newest time that is in the build root, once that is there. */
static int find_epoch(struct viv_source_job *j, struct viv_report *report, struct viv_error *err)
{
	const struct viv_source_request *req = &j->set->req;
	VIV_FREE char *top = viv_store_object_path(req->store, j->root.layers[j->root.n_layers - 1].id);
	VIV_JSON *info = NULL;
	uint64_t epoch = 0;
	int r = viv_deb_build(req->store, &req->source, j->lock, &j->root, report, err);

	if (r == 0)
		r = viv_layer_read_info(top, &info, err);
	if (r == 0 && !viv_json_u64(info, "epoch", INT64_MAX, &epoch))
		r = viv_error_say(err, EINVAL, "%s has no epoch", top);
	j->epoch = (int64_t)epoch;
	return r;
}

/* The object is a list of the .debs, which it refers to. */
static int write_list(const char *dest, const json_t *debs, struct viv_strv *ret_refs, struct viv_error *err)
{
	viv_source_push_archives(debs, ret_refs);
	return viv_json_write_file(dest, debs, 0644, err);
}

int viv_source_build_or_take(struct viv_source_job *j, struct viv_report *report, json_t **ret,
			     struct viv_error *err)
{
	struct viv_store *store = j->set->req.store;
	VIV_FREE char *path = viv_store_object_path(store, j->id);
	struct viv_store_build *b = NULL;
	VIV_STRV refs = VIV_STRV_INIT;
	VIV_JSON *debs = NULL;
	int r;

	/* Its build root first: nobody holds a build and waits for another. */
	if (!viv_store_has_closure(store, j->id)) {
		r = find_epoch(j, report, err);
		if (r < 0)
			return r;
	}
	r = viv_store_begin(store, j->id, report, &b, err);
	if (r == 0) {
		r = viv_source_run(j, report, &debs, err);
		if (r == 0)
			r = write_list(viv_store_build_path(b), debs, &refs, err);
		r = viv_store_end(b, r, j->recipe, &refs, err);
	} else if (r == 1) {
		r = viv_json_read_file(path, 16 << 20, &debs, err);
	}
	if (r == 0)
		*ret = viv_steal(debs);
	return r;
}

static int build(struct viv_source_job *j, struct viv_report *report, struct viv_error *err)
{
	json_t *debs;
	int r = viv_source_read_patches(j, err);

	if (r == 0)
		r = read_source(j, report, err);
	if (r == 0)
		r = viv_source_make_root(j, report, err);
	if (r < 0)
		return r;
	viv_source_make_recipe(j);
	r = viv_source_build_or_take(j, report, &debs, err);
	if (r == 0)
		json_object_set_new(j->set->built, j->name, debs);
	return r;
}

static int check_way(const struct viv_source_set *s, const char *name, struct viv_error *err)
{
	VIV_STR way = VIV_STR_INIT;

	if (!viv_strv_has(&s->way, name) && s->way.count < WAY_MAX)
		return 0;
	for (size_t i = 0; i < s->way.count; i++)
		viv_str_addf(&way, "%s -> ", s->way.items[i]);
	return viv_error_say(err, ELOOP, "packages need each other to be built: %s%s", way.data, name);
}

int viv_source_build(struct viv_source_set *s, const char *name, struct viv_report *report,
		     struct viv_error *err)
{
	VIV_CLEANUP(viv_source_job_clear) struct viv_source_job j = {.set = s};
	VIV_ERROR why = VIV_ERROR_INIT;
	int r;

	j.entry = viv_source_entry(s, name, &j.name);
	if (!j.entry || json_object_get(s->built, j.name))
		return 0;
	r = check_way(s, j.name, err);
	if (r < 0)
		return r;
	viv_strv_push(&s->way, j.name);
	r = build(&j, report, &why);
	free(s->way.items[--s->way.count]);
	s->way.items[s->way.count] = NULL;
	if (r < 0) {
		viv_error_context(&why, "%s: %s", viv_json_str(j.entry, "place"), j.name);
		return viv_error_move(err, &why);
	}
	return 0;
}
