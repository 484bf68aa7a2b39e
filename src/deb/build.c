/* SPDX-License-Identifier: MIT */
#include "deb/deb.h"

#include "base/fd.h"
#include "base/path.h"
#include "deb/ahead.h"
#include "deb/fetch.h"
#include "deb/install.h"
#include "deb/layer.h"
#include "image/erofs.h"

#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

/* An import to be made. */
struct import {
	const struct viv_lock_package *package;
	char *id;
	struct viv_store_build *build; /* NULL: it is there, or was committed */
	json_t *recipe;
};

struct building {
	struct viv_store *store;
	const struct viv_deb_source *source;
	const struct viv_lock *lock;
	const struct viv_deb_plan *plan;
	struct viv_store_build **layers; /* NULL: there */
	size_t n_layers;		 /* up to the highest that is missing */
	struct import *imports;
	size_t n_imports;
};

/* The path of a build, or of an object, as the sandbox sees it. */
static char *seen_inside(const struct viv_store *store, const char *path)
{
	VIV_FREE char *objects = viv_path_join(viv_store_root(store), "objects/");
	VIV_FREE char *tmp = viv_path_join(viv_store_root(store), "tmp/");

	if (viv_starts_with(path, objects))
		return viv_asprintf(VIV_INSTALL_OBJECTS "/%s", path + strlen(objects));
	if (viv_starts_with(path, tmp))
		return viv_asprintf(VIV_INSTALL_BUILDS "/%s", path + strlen(tmp));
	return NULL;
}

static char *object_inside(const struct viv_store *store, const char *id)
{
	VIV_FREE char *path = viv_store_object_path(store, id);

	return seen_inside(store, path);
}

static void building_clear(struct building *b)
{
	for (size_t i = 0; i < b->n_layers; i++)
		viv_store_abort(b->layers[i]);
	for (size_t i = 0; i < b->n_imports; i++) {
		viv_store_abort(b->imports[i].build);
		free(b->imports[i].id);
		json_decref(b->imports[i].recipe);
	}
	free(b->layers);
	free(b->imports);
}

static bool is_listed(const struct building *b, const char *id)
{
	for (size_t i = 0; i < b->n_imports; i++)
		if (viv_streq(b->imports[i].id, id))
			return true;
	return false;
}

/* Every package of the layers to be built, once. */
static void list_imports(struct building *b)
{
	size_t most = 0;

	for (size_t i = 0; i < b->n_layers; i++)
		most += b->layers[i] ? b->lock->layers[i].n_packages : 0;
	b->imports = viv_new_array(struct import, most);
	for (size_t i = 0; i < b->n_layers; i++) {
		const struct viv_lock_layer *l = &b->lock->layers[i];

		for (size_t k = 0; b->layers[i] && k < l->n_packages; k++) {
			char *id = viv_import_id(&l->packages[k]);

			if (is_listed(b, id)) {
				free(id);
				continue;
			}
			b->imports[b->n_imports++] = (struct import){
				&l->packages[k], id, NULL, viv_import_recipe(&l->packages[k])};
		}
	}
}

static int begin_layers(struct building *b, struct viv_report *report, struct viv_error *err)
{
	size_t n = b->plan->n_layers;
	VIV_STRV ids = VIV_STRV_INIT;
	int r;

	b->layers = viv_new_array(struct viv_store_build *, n);
	for (size_t i = 0; i < n; i++)
		viv_strv_push(&ids, b->plan->layers[i].id);
	r = viv_store_begin_many(b->store, (const char *const *)ids.items, n, report, b->layers,
				 err);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (b->layers[i])
			b->n_layers = i + 1;
	return r;
}

static int begin_imports(struct building *b, struct viv_report *report, struct viv_error *err)
{
	struct viv_store_build **builds = viv_new_array(struct viv_store_build *, b->n_imports);
	VIV_STRV ids = VIV_STRV_INIT;
	int r;

	for (size_t i = 0; i < b->n_imports; i++)
		viv_strv_push(&ids, b->imports[i].id);
	r = viv_store_begin_many(b->store, (const char *const *)ids.items, b->n_imports, report,
				 builds, err);
	for (size_t i = 0; r == 0 && i < b->n_imports; i++)
		b->imports[i].build = builds[i];
	free(builds);
	return r;
}

/* Archives are needed of what is to be imported, and the kernel's. */
static int fetch(struct building *b, struct viv_report *report, struct viv_error *err)
{
	const struct viv_lock_package **list =
		viv_new_array(const struct viv_lock_package *, b->n_imports + 1);
	const struct viv_lock_package *kernel = b->plan->kernel_deb ? b->lock->kernel : NULL;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < b->n_imports; i++)
		if (b->imports[i].build)
			list[n++] = b->imports[i].package;
	for (size_t i = 0; i < n && kernel; i++)
		if (viv_streq(list[i]->sha256, kernel->sha256))
			kernel = NULL; /* it is among the packages, too */
	if (kernel)
		list[n++] = kernel;
	r = n ? viv_deb_fetch(b->store, b->source, b->lock, list, n, report, err) : 0;
	free(list);
	return r;
}

static const struct import *find_import(const struct building *b, const char *id)
{
	for (size_t i = 0; i < b->n_imports; i++)
		if (viv_streq(b->imports[i].id, id))
			return &b->imports[i];
	return NULL;
}

static void describe_deb(const struct building *b, const struct viv_lock_package *p,
			 struct viv_install_deb *ret)
{
	VIV_FREE char *archive = viv_archive_id(p);
	const struct import *import;

	ret->package = p;
	ret->id = viv_import_id(p);
	import = find_import(b, ret->id);
	ret->import = import && import->build;
	ret->archive = object_inside(b->store, archive);
	ret->plain = ret->import ? seen_inside(b->store, viv_store_build_path(import->build))
				 : object_inside(b->store, ret->id);
}

static void describe(const struct building *b, struct viv_install *ret)
{
	*ret = (struct viv_install){
		.layers = viv_new_array(struct viv_install_layer, b->n_layers),
		.n_layers = b->n_layers,
		.architecture = b->lock->architecture,
		.without = &b->lock->without,
		.script_timeout_ms = b->source->script_timeout_ms,
	};
	for (size_t i = 0; i < b->n_layers; i++) {
		const struct viv_lock_layer *l = &b->lock->layers[i];
		struct viv_install_layer *x = &ret->layers[i];

		x->lock = l;
		x->id = viv_strdup(b->plan->layers[i].id);
		if (!b->layers[i]) {
			x->there = object_inside(b->store, x->id);
			continue;
		}
		x->out = seen_inside(b->store, viv_store_build_path(b->layers[i]));
		x->debs = viv_new_array(struct viv_install_deb, l->n_packages);
		for (size_t k = 0; k < l->n_packages; k++)
			describe_deb(b, &l->packages[k], &x->debs[k]);
	}
}

/* How often and how an attempt is made: see run_sandbox. */
struct attempt {
	struct viv_deb_ahead *ahead; /* NULL: from the beginning */
	bool on_disk;
	bool one_by_one;
};

/* For an image and what else the store takes meanwhile; where less is left it is the disk that is full. */
#define DISK_LEFT (UINT64_C(32) << 20)

/* Did an attempt fail because the tree was too large for memory? */
static bool memory_was_full(const struct building *b, int r, const struct viv_error *err)
{
	struct statvfs fs;

	if (r == -ENOMEM)
		return true;
	if (r != -ENOSPC && !strstr(err->msg ? err->msg : "", "No space left on device"))
		return false;
	return statvfs(viv_store_root(b->store), &fs) == 0 &&
	       (uint64_t)fs.f_bavail * fs.f_frsize >= DISK_LEFT;
}

/* Commits the imports that the sandbox says it made, each with its hash. */
static int commit_imports(struct building *b, const json_t *made, struct viv_error *err)
{
	struct viv_store_commit *items = viv_new_array(struct viv_store_commit, b->n_imports);
	size_t n = 0;
	int r;

	for (size_t i = 0; i < b->n_imports; i++) {
		struct import *x = &b->imports[i];
		const char *sha256 = viv_json_str(made, x->id);

		if (x->build && sha256)
			items[n++] = (struct viv_store_commit){viv_steal(x->build), x->recipe, NULL,
							       sha256};
	}
	r = viv_store_commit_many(b->store, items, n, err);
	free(items);
	return r;
}

static int commit_layers(struct building *b, struct viv_error *err)
{
	struct viv_store_commit *items = viv_new_array(struct viv_store_commit, b->n_layers);
	struct viv_strv *refs = viv_new_array(struct viv_strv, b->n_layers);
	json_t **recipes = viv_new_array(json_t *, b->n_layers);
	VIV_STRV lower = VIV_STRV_INIT;
	VIV_FREE char *erofs = NULL;
	size_t n = 0;
	int r = viv_erofs_version(&erofs, err);

	for (size_t i = 0; r == 0 && i < b->n_layers; i++) {
		recipes[i] = viv_layer_recipe(b->lock, i, &lower, erofs);
		if (lower.count)
			viv_strv_push_all(&refs[i], (const char *const *)lower.items);
		if (b->layers[i])
			items[n++] = (struct viv_store_commit){viv_steal(b->layers[i]), recipes[i],
							       &refs[i], NULL};
		viv_strv_push(&lower, b->plan->layers[i].id);
	}
	if (r == 0)
		r = viv_store_commit_many(b->store, items, n, err);
	for (size_t i = 0; i < b->n_layers; i++) {
		json_decref(recipes[i]);
		viv_strv_free(&refs[i]);
	}
	free(items);
	free(refs);
	free(recipes);
	return r;
}

/* What the layers gave out goes into the lock file, for the day it is renewed. */
static void record_accounts(const struct building *b, const json_t *accounts,
			    struct viv_report *report)
{
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_JSON *merged = NULL;
	const char *name;
	json_t *made;

	if (!b->lock->file || access(b->lock->file, W_OK) < 0 ||
	    viv_lock_read(b->lock->file, b->lock->machine, &l, NULL) < 0 || !l->n_layers)
		return;
	merged = json_deep_copy(l->accounts);
	json_object_foreach((json_t *)accounts, name, made)
		if (json_object_size(json_object_get(made, "users")) ||
		    json_object_size(json_object_get(made, "groups")))
			json_object_set(merged, name, made);
	if (json_equal(merged, l->accounts))
		return;
	json_decref(l->accounts);
	l->accounts = json_incref(merged);
	if (viv_lock_write(l, b->lock->file, &err) < 0)
		viv_say(report, VIV_WARNING, "%s", err.msg);
	viv_lock_tell(l, report);
}

/* What a failed attempt left; the builds are still ours. */
static void sweep(struct building *b)
{
	for (size_t i = 0; i < b->n_layers; i++)
		if (b->layers[i])
			viv_remove_tree(viv_store_build_path(b->layers[i]), NULL);
	for (size_t i = 0; i < b->n_imports; i++)
		if (b->imports[i].build)
			viv_remove_tree(viv_store_build_path(b->imports[i].build), NULL);
}

/* One attempt; what was imported is kept in any case. */
static int run_once(struct building *b, const struct attempt *how, struct viv_report *report,
		    json_t **ret_accounts, struct viv_error *err)
{
	VIV_CLEANUP(viv_deb_room_clear) struct viv_deb_room room = {0};
	VIV_CLEANUP(viv_install_clear) struct viv_install job;
	VIV_ERROR first = VIV_ERROR_INIT;
	VIV_STR text = VIV_STR_INIT;
	VIV_JSON *result = NULL;
	int r, c = 0;

	describe(b, &job);
	job.one_by_one = how->one_by_one;
	if (how->ahead) {
		r = viv_deb_ahead_go_on(how->ahead, &job, b->lock, report, &text, &first);
	} else {
		viv_deb_room_describe(b->store, b->source->memory, how->on_disk, &room);
		r = viv_sandbox_call(&room.spec, viv_install_run, &job, report, &text, &first);
	}
	if (text.len)
		c = viv_json_parse(text.data, text.len, "sandbox", &result, r < 0 ? NULL : &first);
	if (c == 0)
		c = commit_imports(b, json_object_get(result, "imports"), r < 0 ? NULL : &first);
	if (r < 0 || c < 0)
		return viv_error_move(err, &first);
	*ret_accounts = json_incref(json_object_get(result, "accounts"));
	return 0;
}

/* What was unpacked ahead is good if just that is there, and what is to be built comes on top. */
static struct viv_deb_ahead *take_ahead(const struct building *b)
{
	struct viv_deb_ahead *ahead = b->plan->ahead;
	size_t n = viv_deb_ahead_layers(ahead, b->plan);

	for (size_t i = 0; i < n; i++)
		if (b->layers[i])
			n = 0;
	if (n && n < b->n_layers && viv_install_fits_memory(b->lock, n, b->n_layers))
		return ahead;
	viv_deb_ahead_drop(ahead);
	return NULL;
}

/* Tries again, once each: without overlap, if scripts don't bear it; on disk, if memory was too small. */
static int run_sandbox(struct building *b, struct viv_report *report, struct viv_error *err)
{
	struct attempt how = {.ahead = take_ahead(b)};
	VIV_JSON *accounts = NULL;
	int r;

	how.on_disk = !how.ahead && !viv_install_fits_memory(b->lock, 0, b->n_layers);
	for (;;) {
		VIV_ERROR now = VIV_ERROR_INIT;

		r = run_once(b, &how, report, &accounts, &now);
		how.ahead = NULL;
		if (r == -EAGAIN && !how.one_by_one) {
			how.one_by_one = true;
		} else if (r < 0 && !how.on_disk && memory_was_full(b, r, &now)) {
			how.on_disk = true;
			viv_say(report, VIV_INFO,
				"the layers don't fit into memory: they are built on disk instead");
		} else if (r < 0) {
			return viv_error_move(err, &now);
		} else {
			break;
		}
		sweep(b);
	}
	r = commit_layers(b, err);
	if (r == 0)
		record_accounts(b, accounts, report);
	return r;
}

/* dpkg and the packages' scripts are the machine's own programs: can they run here? */
static int check_architecture(const struct building *b, struct viv_error *err)
{
	static const struct {
		const char *debian, *machine;
	} names[] = {{"amd64", "x86_64"}, {"arm64", "aarch64"}, {"riscv64", "riscv64"}};
	const char *wanted = b->lock->architecture;
	struct utsname here;

	if (!b->n_layers || uname(&here) < 0)
		return 0;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(names); i++) {
		VIV_FREE char *handler =
			viv_asprintf("/proc/sys/fs/binfmt_misc/qemu-%s", names[i].machine);

		if (!viv_streq(wanted, names[i].debian) ||
		    viv_streq(here.machine, names[i].machine) || viv_exists(handler))
			continue;
		viv_error_say(err, EOPNOTSUPP, "packages of %s can't be installed on this %s system",
			      wanted, here.machine);
		viv_error_hint(err, "Set virtualisation.architecture to this system's, or install "
				    "qemu-user-static, which lets their scripts run here.");
		return -EOPNOTSUPP;
	}
	return 0;
}

int viv_deb_build(struct viv_store *store, const struct viv_deb_source *source,
		  const struct viv_lock *lock, const struct viv_deb_plan *plan,
		  struct viv_report *report, struct viv_error *err)
{
	VIV_CLEANUP(building_clear) struct building b = {
		.store = store, .source = source, .lock = lock, .plan = plan};
	int r = begin_layers(&b, report, err);

	if (r < 0)
		return r;
	r = check_architecture(&b, err);
	if (r < 0)
		return r;
	list_imports(&b);
	r = b.n_imports ? begin_imports(&b, report, err) : 0;
	if (r == 0)
		r = fetch(&b, report, err);
	return r == 0 && b.n_layers ? run_sandbox(&b, report, err) : r;
}

void viv_deb_record_accounts(struct viv_store *store, const struct viv_lock *lock,
			     const struct viv_deb_plan *plan, struct viv_report *report)
{
	struct building b = {.store = store, .lock = lock, .plan = plan};
	VIV_JSON *known = json_object();

	for (size_t i = 0; i < plan->n_layers; i++) {
		const char *name = plan->layers[i].name;
		VIV_FREE char *object = viv_store_object_path(store, plan->layers[i].id);
		VIV_JSON *info = NULL;

		if (!json_object_get(lock->accounts, name) &&
		    viv_store_has(store, plan->layers[i].id) &&
		    viv_layer_read_info(object, &info, NULL) == 0)
			json_object_set(known, name, json_object_get(info, "accounts"));
	}
	if (json_object_size(known))
		record_accounts(&b, known, report);
}
