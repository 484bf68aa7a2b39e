/* SPDX-License-Identifier: MIT */
#include "deb/lock.h"

#include "base/fd.h"
#include "base/path.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

struct viv_lock *viv_lock_new(const char *machine)
{
	struct viv_lock *l = viv_new(struct viv_lock);

	l->machine = viv_strdup(machine);
	l->indexes = json_object();
	l->accounts = json_object();
	l->ids = json_object();
	return l;
}

void viv_lock_package_clear(struct viv_lock_package *p)
{
	free(p->name);
	free(p->version);
	free(p->architecture);
	free(p->path);
	free(p->index);
}

void viv_lock_package_copy(struct viv_lock_package *to, const struct viv_lock_package *from)
{
	*to = *from;
	to->name = viv_strdup(from->name);
	to->version = viv_strdup(from->version);
	to->architecture = viv_strdup(from->architecture);
	to->path = viv_strdup(from->path);
	to->index = viv_strdup(from->index);
}

void viv_lock_layer_clear(struct viv_lock_layer *layer)
{
	free(layer->name);
	viv_strv_free(&layer->requested);
	for (size_t i = 0; i < layer->n_packages; i++)
		viv_lock_package_clear(&layer->packages[i]);
	free(layer->packages);
	viv_strv_free(&layer->bootstrap);
	viv_strv_free(&layer->unpack);
	viv_strv_free(&layer->configure);
	json_decref(layer->accounts);
}

void viv_lock_free(struct viv_lock *l)
{
	if (!l)
		return;
	free(l->machine);
	free(l->release);
	free(l->architecture);
	viv_strv_free(&l->components);
	viv_strv_free(&l->without);
	json_decref(l->indexes);
	for (size_t i = 0; i < l->n_layers; i++)
		viv_lock_layer_clear(&l->layers[i]);
	free(l->layers);
	free(l->kernel_requested);
	if (l->kernel)
		viv_lock_package_clear(l->kernel);
	free(l->kernel);
	json_decref(l->accounts);
	json_decref(l->ids);
	json_decref(l->source);
	json_decref(l->rest);
	viv_strv_free(&l->pruned);
	free(l->file);
	free(l);
}

struct viv_lock_layer *viv_lock_add_layer(struct viv_lock *l, const char *name)
{
	struct viv_lock_layer *layer;

	l->layers = viv_grow(l->layers, &l->cap_layers, l->n_layers + 1, sizeof(*l->layers));
	layer = &l->layers[l->n_layers++];
	*layer = (struct viv_lock_layer){.name = viv_strdup(name)};
	return layer;
}

struct viv_lock_package *viv_lock_add_package(struct viv_lock_layer *layer)
{
	struct viv_lock_package *p;

	layer->packages = viv_grow(layer->packages, &layer->cap_packages, layer->n_packages + 1,
				   sizeof(*layer->packages));
	p = &layer->packages[layer->n_packages++];
	*p = (struct viv_lock_package){0};
	return p;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct viv_lock_package *)a)->name,
		      ((const struct viv_lock_package *)b)->name);
}

void viv_lock_layer_sort(struct viv_lock_layer *layer)
{
	if (layer->n_packages)
		qsort(layer->packages, layer->n_packages, sizeof(*layer->packages), by_name);
}

const struct viv_lock_package *viv_lock_layer_find(const struct viv_lock_layer *layer,
						   const char *name)
{
	struct viv_lock_package key = {.name = (char *)name};

	return layer->n_packages ? bsearch(&key, layer->packages, layer->n_packages, sizeof(key),
					   by_name)
				 : NULL;
}

const struct viv_lock_package *viv_lock_find(const struct viv_lock *l, const char *name)
{
	for (size_t i = l->n_layers; i-- > 0;) {
		const struct viv_lock_package *p = viv_lock_layer_find(&l->layers[i], name);

		if (p)
			return p;
	}
	return NULL;
}

char *viv_lock_package_key(const struct viv_lock_package *p)
{
	size_t n = strcspn(p->name, ":");

	return viv_asprintf("%.*s_%s_%s", (int)n, p->name, p->version, p->architecture);
}

static json_t *strv_to_json(const struct viv_strv *v)
{
	json_t *a = json_array();

	for (size_t i = 0; i < v->count; i++)
		json_array_append_new(a, json_string(v->items[i]));
	return a;
}

/*
 * The index's key in the table that is written. Another process may have written it since we read the
 * file, as it was at another time; others' packages came from that.
 */
static char *enter_index(const struct viv_lock *l, const char *name, json_t *indexes)
{
	json_t *ours = json_object_get(l->indexes, name), *theirs = json_object_get(indexes, name);
	const char *hash = viv_json_str(ours, "sha256");
	char *key;

	if (theirs && !hash)
		return viv_strdup(name);
	key = theirs && !json_equal(ours, theirs)
		      ? viv_asprintf("%.*s@%.8s", (int)strcspn(name, "@"), name, hash)
		      : viv_strdup(name);
	json_object_set(indexes, key, ours);
	return key;
}

/*
 * The package's key, with some of its hash if another archive's package of that name and version has
 * it; it is entered in the table of packages, and its index in the one of indexes.
 */
static json_t *enter_package(const struct viv_lock *l, const struct viv_lock_package *p,
			     json_t *packages, json_t *indexes)
{
	VIV_FREE char *key = viv_lock_package_key(p), *index = NULL;
	const char *taken = viv_json_str(json_object_get(packages, key), "sha256");

	if (taken && !viv_streq(taken, p->sha256)) {
		char *plain = key;

		key = viv_asprintf("%s@%.8s", plain, p->sha256);
		free(plain);
	}
	if (json_object_get(packages, key)) /* the same one, maybe of its index at another time */
		return json_string(key);
	index = enter_index(l, p->index, indexes);
	json_object_set_new(packages, key,
			    json_pack("{s:s, s:s, s:s, s:I}", "path", p->path, "index", index,
				      "sha256", p->sha256, "size", (json_int_t)p->size));
	return json_string(key);
}

static json_t *layer_to_json(const struct viv_lock *l, const struct viv_lock_layer *layer,
			     json_t *packages, json_t *indexes)
{
	json_t *list = json_array(), *j;

	for (size_t i = 0; i < layer->n_packages; i++)
		json_array_append_new(list, enter_package(l, &layer->packages[i], packages,
							  indexes));
	j = json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", layer->name, "requested",
		      strv_to_json(&layer->requested), "packages", list, "unpack",
		      strv_to_json(&layer->unpack), "configure", strv_to_json(&layer->configure));
	if (layer->bootstrap.count)
		json_object_set_new(j, "bootstrap", strv_to_json(&layer->bootstrap));
	if (layer->accounts)
		json_object_set(j, "accounts", layer->accounts);
	return j;
}

static json_t *machine_to_json(const struct viv_lock *l, json_t *packages, json_t *indexes)
{
	json_t *layers = json_array(), *kernel = json_null(), *j;

	for (size_t i = 0; i < l->n_layers; i++)
		json_array_append_new(layers, layer_to_json(l, &l->layers[i], packages, indexes));
	if (l->kernel)
		kernel = json_pack("{s:s, s:o}", "requested", l->kernel_requested, "package",
				   enter_package(l, l->kernel, packages, indexes));
	j = json_pack("{s:s, s:s, s:o, s:b, s:o, s:o, s:O, s:O}", "release", l->release,
		      "architecture", l->architecture, "components", strv_to_json(&l->components),
		      "recommends", l->recommends, "layers", layers, "kernel", kernel, "accounts",
		      l->accounts, "ids", l->ids);
	if (l->source)
		json_object_set(j, "source", l->source);
	if (l->without.count)
		json_object_set_new(j, "without", strv_to_json(&l->without));
	return j;
}

/* What another machine refers to comes along. */
static void copy_reference(const json_t *rest, const json_t *key, json_t *packages, json_t *indexes)
{
	const char *name = json_string_value(key);
	json_t *p = name ? json_object_get(json_object_get(rest, "packages"), name) : NULL;
	const char *index = viv_json_str(p, "index");

	if (!p || !index)
		return;
	json_object_set(packages, name, p);
	if (!json_object_get(indexes, index))
		json_object_set(indexes, index,
				json_object_get(json_object_get(rest, "indexes"), index));
}

static void copy_machine(const json_t *rest, const json_t *machine, json_t *packages,
			 json_t *indexes)
{
	json_t *layers = json_object_get(machine, "layers");

	for (size_t i = 0; i < json_array_size(layers); i++) {
		json_t *list = json_object_get(json_array_get(layers, i), "packages");

		for (size_t k = 0; k < json_array_size(list); k++)
			copy_reference(rest, json_array_get(list, k), packages, indexes);
	}
	copy_reference(rest, json_object_get(json_object_get(machine, "kernel"), "package"),
		       packages, indexes);
}

void viv_lock_format(const struct viv_lock *l, struct viv_str *ret)
{
	json_t *machines = json_object(), *packages = json_object(), *indexes = json_object();
	json_t *other;
	const char *name;
	VIV_JSON *j = NULL;

	json_object_foreach(json_object_get(l->rest, "machines"), name, other) {
		if (viv_streq(name, l->machine))
			continue;
		json_object_set(machines, name, other);
		copy_machine(l->rest, other, packages, indexes);
	}
	json_object_set_new(machines, l->machine, machine_to_json(l, packages, indexes));
	j = json_pack("{s:i, s:o, s:o, s:o}", "version", 1, "machines", machines, "indexes", indexes,
		      "packages", packages);
	viv_json_pretty(j, ret);
}

/* Another process may have written another machine's part since we read ours. */
static void take_newest_rest(struct viv_lock *l, const char *path)
{
	json_t *now = NULL;

	if (viv_json_read_file(path, VIV_LOCK_MAX_BYTES, &now, NULL) < 0)
		return;
	json_decref(l->rest);
	l->rest = now;
}

/*
 * Reading the others' parts and writing all of them is one step: the folder is locked meanwhile, as
 * the file itself is replaced. Where it can't be (some network file systems) we go on without.
 */
static int lock_folder(const char *path)
{
	VIV_FREE char *dir = viv_path_dir(path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
	return fd;
}

/*
 * The file of "web.lua", "web.lua#htop", "web.test.lua:client[fs=ext4]": it may have a colon in its own name. NULL: it is
 * not there. The caller frees it.
 */
static char *file_of(const char *dir, const char *machine)
{
	VIV_FREE char *path = viv_path_join(dir, machine);

	path[strlen(path) - strlen(machine) + strcspn(machine, "#")] = '\0';
	while (!viv_exists(path)) {
		char *part = strrchr(path, ':');

		if (!part)
			return NULL;
		*part = '\0';
	}
	return viv_steal(path);
}

/*
 * Machines whose files are gone are forgotten. Names without a folder say where that was only in a
 * folder's own vm.lock: a lock file of another name, or one that isn't beside this machine's file, may
 * serve several folders, and there were machines of elsewhere without their folder's name once.
 */
static void prune(struct viv_lock *l, const char *path)
{
	json_t *machines = json_object_get(l->rest, "machines"), *machine;
	VIV_FREE char *dir = viv_path_dir(path), *own = file_of(dir, l->machine);
	bool beside = viv_streq(viv_path_base(path), "vm.lock") && !strchr(l->machine, '/');
	const char *name;
	void *next;

	if (!own)
		return;
	json_object_foreach_safe(machines, next, name, machine) {
		VIV_FREE char *owner = viv_strndup(name, strcspn(name, "#")), *file = file_of(dir, name);
		bool gone = file ? l->parts && viv_streq(file, own) && !viv_strv_has(l->parts, owner)
				 : beside || strchr(name, '/');

		if (!gone || viv_streq(owner, "default") || viv_streq(name, l->machine))
			continue;
		viv_strv_push(&l->pruned, name);
		json_object_del(machines, name);
	}
}

int viv_lock_write(struct viv_lock *l, const char *path, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT, old = VIV_STR_INIT;
	VIV_UNUSED VIV_FD folder = lock_folder(path); /* the lock, until we return */
	VIV_UNUSED VIV_FREE char *before = viv_steal(l->file); /* it may be `path` */
	int r;

	l->file = viv_strdup(path);
	take_newest_rest(l, path);
	prune(l, path);
	viv_lock_format(l, &text);
	if (viv_read_file(path, VIV_LOCK_MAX_BYTES, &old, NULL) == 0 && old.len == text.len &&
	    memcmp(old.data, text.data, text.len) == 0)
		return 0;
	r = viv_write_file(path, text.data, text.len, 0644, err);
	if (r == -EACCES || r == -EPERM || r == -EROFS)
		viv_error_hint(err, "The lock file can't be written there: packages.lockFile names "
				    "another place.");
	return r;
}

void viv_lock_tell(const struct viv_lock *l, struct viv_report *report)
{
	for (size_t i = 0; i < l->pruned.count; i++)
		viv_say(report, VIV_INFO, "%s: %s is no longer recorded: there is no such %s",
			viv_path_base(l->file), l->pruned.items[i], l->parts ? "machine" : "file");
}

static void package_strings(const struct viv_lock *l, struct viv_strv *names)
{
	for (size_t i = 0; i < l->n_layers; i++)
		for (size_t k = 0; k < l->layers[i].n_packages; k++)
			viv_strv_push(names, l->layers[i].packages[k].name);
	viv_strv_uniq(names);
}

static void compare_one(const char *name, const struct viv_lock_package *a,
			const struct viv_lock_package *b, struct viv_strv *ret)
{
	if (!a)
		viv_strv_pushf(ret, "+ %s %s", name, b->version);
	else if (!b)
		viv_strv_pushf(ret, "- %s %s", name, a->version);
	else if (!viv_streq(a->version, b->version))
		viv_strv_pushf(ret, "%s %s -> %s", name, a->version, b->version);
	else if (!viv_streq(a->sha256, b->sha256))
		viv_strv_pushf(ret, "%s %s: another file", name, a->version);
}

void viv_lock_compare(const struct viv_lock *old, const struct viv_lock *now, struct viv_strv *ret)
{
	VIV_STRV names = VIV_STRV_INIT;

	package_strings(old, &names);
	package_strings(now, &names);
	for (size_t i = 0; i < names.count; i++)
		compare_one(names.items[i], viv_lock_find(old, names.items[i]),
			    viv_lock_find(now, names.items[i]), ret);
	if (old->kernel && now->kernel && viv_streq(old->kernel->name, now->kernel->name))
		compare_one(now->kernel->name, old->kernel, now->kernel, ret);
	else {
		if (old->kernel)
			compare_one(old->kernel->name, old->kernel, NULL, ret);
		if (now->kernel)
			compare_one(now->kernel->name, NULL, now->kernel, ret);
	}
}
