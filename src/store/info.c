/* SPDX-License-Identifier: MIT */
#include "store/internal.h"

#include <sys/stat.h>
#include <unistd.h>

json_t *viv_info_make(const char *id, const json_t *recipe, const struct viv_strv *refs,
		      const struct viv_tree_facts *facts, const char *sha256)
{
	VIV_STRV sorted = VIV_STRV_INIT;
	json_t *list = json_array();

	for (size_t i = 0; refs && i < refs->count; i++)
		viv_strv_push(&sorted, refs->items[i]);
	viv_strv_uniq(&sorted);
	for (size_t i = 0; i < sorted.count; i++)
		json_array_append_new(list, json_string(sorted.items[i]));
	return json_pack("{s:s, s:s, s:O, s:o, s:I, s:s}", "id", id, "kind", facts->kind, "recipe",
			 recipe, "refs", list, "size", (json_int_t)facts->size, "sha256", sha256);
}

static bool refs_are_fine(const json_t *refs, const char *id)
{
	const json_t *ref;
	size_t i;

	if (!json_is_array(refs))
		return false;
	json_array_foreach(refs, i, ref)
	{
		const char *name = json_string_value(ref);

		if (!name || !viv_store_id_is_valid(name) || viv_streq(name, id))
			return false;
	}
	return true;
}

int viv_info_check(const json_t *info, const char *id, struct viv_error *err)
{
	const char *own = viv_json_str(info, "id"), *kind = viv_json_str(info, "kind");
	const char *sha256 = viv_json_str(info, "sha256");
	const json_t *recipe = json_object_get(info, "recipe");
	const char *bad = NULL;
	uint64_t size;

	if (!own || !viv_streq(own, id))
		bad = "id";
	else if (!kind || (!viv_streq(kind, "file") && !viv_streq(kind, "executable") &&
			   !viv_streq(kind, "folder")))
		bad = "kind";
	else if (!sha256 || !viv_sha256_is_hex(sha256))
		bad = "sha256";
	else if (!viv_json_u64(info, "size", INT64_MAX, &size))
		bad = "size";
	else if (!refs_are_fine(json_object_get(info, "refs"), id))
		bad = "refs";
	else if (!recipe || !viv_store_recipe_fits(id, recipe))
		bad = "recipe";
	if (bad)
		return viv_error_say(err, EBADMSG, "the info file of %s has a wrong %s", id, bad);
	return 0;
}

int viv_store_info(const struct viv_store *s, const char *id, json_t **ret, struct viv_error *err)
{
	VIV_FREE char *path = NULL;
	VIV_JSON *info = NULL;
	VIV_ERROR e = VIV_ERROR_INIT;
	int r;

	if (!viv_store_id_is_valid(id))
		return viv_error_say(err, EINVAL, "not the id of an object: %s", id);
	path = viv_store_info_path(s, id);
	r = viv_json_read_file(path, VIV_INFO_MAX, &info, &e);
	if (r == -ENOENT)
		return viv_error_say(err, ENOENT, "no object %s in the store %s", id, s->root);
	if (r == -EINVAL)
		return viv_error_say(err, EBADMSG, "%s", e.msg);
	if (r < 0)
		return viv_error_move(err, &e);
	r = viv_info_check(info, id, err);
	if (r == 0)
		*ret = viv_steal(info);
	return r;
}

/* How many entries of a folder a cheap look takes in. */
#define LOOK_AT 64

struct look {
	uint64_t size, entries;
};

static int look_at_entry(const struct viv_tree_visit *v, void *arg, struct viv_error *err)
{
	struct look *l = arg;

	if (!v->after && !S_ISDIR(v->st.st_mode))
		l->size += (uint64_t)v->st.st_size;
	return ++l->entries > LOOK_AT ? -E2BIG : 0;
}

/* A truncated file is what a crash of the disk leaves. A folder with many entries is believed. */
static bool looks_whole(const struct viv_store *s, const json_t *info)
{
	VIV_FREE char *path = viv_store_object_path(s, viv_json_str(info, "id"));
	uint64_t size = (uint64_t)json_integer_value(json_object_get(info, "size"));
	bool folder = viv_streq(viv_json_str(info, "kind"), "folder");
	struct look look = {0};
	struct stat st;
	int r;

	if (lstat(path, &st) < 0 || S_ISDIR(st.st_mode) != folder)
		return false;
	if (!folder)
		return (uint64_t)st.st_size == size;
	r = viv_tree_walk(path, look_at_entry, &look, NULL);
	return r == -E2BIG || (r == 0 && look.size == size);
}

/* Adds what can be reached from the ids in todo. Is all of it whole? */
static bool look_at_closure(const struct viv_store *s, struct viv_strv *todo)
{
	bool whole = true;

	for (size_t i = 0; i < todo->count; i++) {
		VIV_JSON *info = NULL;
		const json_t *ref;
		size_t k;

		if (viv_store_info(s, todo->items[i], &info, NULL) < 0) {
			whole = false;
			continue;
		}
		whole = whole && looks_whole(s, info);
		json_array_foreach (json_object_get(info, "refs"), k, ref)
			if (!viv_strv_has(todo, json_string_value(ref)))
				viv_strv_push(todo, json_string_value(ref));
	}
	return whole;
}

bool viv_store_has_closure(const struct viv_store *s, const char *id)
{
	VIV_STRV todo = VIV_STRV_INIT;

	viv_strv_push(&todo, id);
	return look_at_closure(s, &todo);
}

int viv_store_mend(struct viv_store *s, const struct viv_strv *ids, struct viv_report *report,
		   struct viv_error *err)
{
	VIV_STRV there = VIV_STRV_INIT;
	struct viv_store_problems found = {0};
	int r;

	for (size_t i = 0; i < ids->count; i++)
		if (viv_store_has(s, ids->items[i]) && !viv_strv_has(&there, ids->items[i]))
			viv_strv_push(&there, ids->items[i]);
	if (look_at_closure(s, &there))
		return 0;
	r = viv_store_verify(s, &there, true, report, &found, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < found.n; i++)
		viv_say(report, VIV_WARNING, "damaged, will be made again: %s: %s",
			found.items[i].id, found.items[i].what);
	r = found.n ? 1 : 0;
	viv_store_problems_free(&found);
	return r;
}
