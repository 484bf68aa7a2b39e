/* SPDX-License-Identifier: MIT */
#include "deb/layer.h"

#include "base/fd.h"
#include "base/path.h"
#include "image/erofs.h"

/* To be raised when the same packages would make other bytes. */
#define IMPORT_FORMAT 1
#define LAYER_FORMAT  5

#define ACCOUNTS_MAX (16 << 20)
#define MANIFEST_MAX ((size_t)1 << 30)

json_t *viv_archive_recipe(const struct viv_lock_package *p)
{
	return json_pack("{s:s, s:s}", "kind", "archive", "sha256", p->sha256);
}

static char *id_of(const struct viv_lock_package *p, const char *ending, json_t *recipe)
{
	VIV_FREE char *key = viv_lock_package_key(p);
	VIV_FREE char *name = viv_asprintf("%.150s%s", key, ending);
	char *id = viv_store_id(name, recipe);

	json_decref(recipe);
	return id;
}

char *viv_archive_id(const struct viv_lock_package *p)
{
	return id_of(p, ".deb", viv_archive_recipe(p));
}

json_t *viv_import_recipe(const struct viv_lock_package *p)
{
	return json_pack("{s:s, s:i, s:s}", "kind", "import", "format", IMPORT_FORMAT, "sha256",
			 p->sha256);
}

char *viv_import_id(const struct viv_lock_package *p)
{
	return id_of(p, ".plain.deb", viv_import_recipe(p));
}

static json_t *names(const struct viv_strv *v)
{
	json_t *a = json_array();

	for (size_t i = 0; i < v->count; i++)
		json_array_append_new(a, json_string(v->items[i]));
	return a;
}

json_t *viv_layer_recipe(const struct viv_lock *lock, size_t i, const struct viv_strv *lower,
			 const char *erofs)
{
	const struct viv_lock_layer *layer = &lock->layers[i];
	json_t *packages = json_object(), *j;

	for (size_t k = 0; k < layer->n_packages; k++) {
		VIV_FREE char *key = viv_lock_package_key(&layer->packages[k]);

		json_object_set_new(packages, key, json_string(layer->packages[k].sha256));
	}
	j = json_pack("{s:s, s:i, s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "kind", "layer",
		      "format", LAYER_FORMAT, "import", IMPORT_FORMAT, "name", layer->name, "image",
		      erofs, "architecture", lock->architecture, "lower", names(lower), "packages",
		      packages, "bootstrap", names(&layer->bootstrap), "unpack",
		      names(&layer->unpack), "configure", names(&layer->configure));
	/* The others lie on the base, and so on what is configured there. */
	if (i == 0 && lock->without.count)
		json_object_set_new(j, "without", names(&lock->without));
	if (layer->accounts)
		json_object_set(j, "accounts", layer->accounts);
	return j;
}

char *viv_layer_id(const struct viv_lock *lock, const json_t *recipe, size_t i)
{
	VIV_FREE char *name = viv_asprintf("%s-%s", lock->release, lock->layers[i].name);

	return viv_store_id(name, recipe);
}

int viv_layer_read_accounts(const char *layer, json_t **ret, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(layer, VIV_LAYER_ACCOUNTS);

	return viv_json_read_file(path, ACCOUNTS_MAX, ret, err);
}

int viv_layer_read_info(const char *layer, json_t **ret, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(layer, VIV_LAYER_INFO);

	return viv_json_read_file(path, ACCOUNTS_MAX, ret, err);
}

static int unpack(const char *layer, const char *root, const char *aside, struct viv_error *err)
{
	VIV_FREE char *image = viv_path_join(layer, VIV_LAYER_IMAGE);
	VIV_FREE char *list = viv_path_join(layer, VIV_LAYER_MANIFEST);
	VIV_STR text = VIV_STR_INIT;
	VIV_TREE manifest = VIV_TREE_INIT;
	int r = viv_read_file(list, MANIFEST_MAX, &text, err);

	if (r == 0)
		r = viv_tree_read_manifest(text.data ? text.data : "", text.len, list, &manifest, err);
	return r < 0 ? r : viv_erofs_extract(image, &manifest, root, aside, err);
}

struct inside {
	const struct viv_strv *names; /* of the layers, in the scratch */
	viv_sandbox_fn fn;
	void *arg;
};

static int lay_and_call(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
			struct viv_str *result, struct viv_error *err)
{
	const struct inside *x = arg;
	VIV_FREE char *root = viv_path_join(view->scratch, "root"), *aside = viv_path_join(view->scratch, "aside");
	int r = 0;

	for (size_t i = 0; r == 0 && i < x->names->count; i++) {
		VIV_FREE char *layer = viv_path_join(view->scratch, x->names->items[i]);

		r = unpack(layer, root, aside, err);
	}
	return r < 0 ? r : x->fn(view, x->arg, report, result, err);
}

int viv_layers_call(const struct viv_strv *layers, const char *out, viv_sandbox_fn fn, void *arg,
		    struct viv_report *report, struct viv_error *err)
{
	VIV_FREE struct viv_sandbox_bind *binds = viv_new_array(struct viv_sandbox_bind, layers->count + 1);
	struct viv_sandbox_spec spec = {.binds = binds, .n_binds = layers->count + 1};
	VIV_STRV names = VIV_STRV_INIT;
	struct inside x = {&names, fn, arg};

	for (size_t i = 0; i < layers->count; i++)
		viv_strv_pushf(&names, "layer%zu", i);
	for (size_t i = 0; i < layers->count; i++)
		binds[i] = (struct viv_sandbox_bind){.host = layers->items[i], .name = names.items[i]};
	binds[layers->count] = (struct viv_sandbox_bind){.host = out, .name = "out", .writable = true};
	return viv_sandbox_call(&spec, lay_and_call, &x, report, NULL, err);
}

int viv_deb_plan(struct viv_store *store, const struct viv_lock *lock, struct viv_deb_plan *ret,
		 struct viv_error *err)
{
	struct viv_deb_plan p = {.layers = viv_new_array(struct viv_deb_layer, lock->n_layers)};
	VIV_STRV lower = VIV_STRV_INIT;
	VIV_FREE char *erofs = NULL;
	int r = viv_erofs_version(&erofs, err);

	for (; r == 0 && p.n_layers < lock->n_layers; p.n_layers++) {
		size_t i = p.n_layers;
		VIV_JSON *recipe = viv_layer_recipe(lock, i, &lower, erofs);

		p.layers[i].name = viv_strdup(lock->layers[i].name);
		p.layers[i].id = viv_layer_id(lock, recipe, i);
		p.layers[i].recipe = json_incref(recipe);
		viv_strv_push(&lower, p.layers[i].id);
	}
	if (r == 0 && lock->kernel) {
		p.kernel_deb = viv_archive_id(lock->kernel);
		p.kernel_version = viv_strdup(lock->kernel->version);
	}
	if (r < 0)
		viv_deb_plan_free(&p);
	else
		*ret = p;
	return r;
}

void viv_deb_plan_drop_layers(struct viv_deb_plan *p)
{
	for (size_t i = 0; i < p->n_layers; i++) {
		free(p->layers[i].name);
		free(p->layers[i].id);
		json_decref(p->layers[i].recipe);
	}
	free(p->layers);
	p->layers = NULL;
	p->n_layers = 0;
}

void viv_deb_plan_free(struct viv_deb_plan *p)
{
	viv_deb_plan_drop_layers(p);
	free(p->kernel_deb);
	free(p->kernel_version);
	*p = (struct viv_deb_plan){0};
}
