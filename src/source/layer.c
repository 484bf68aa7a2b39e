/* SPDX-License-Identifier: MIT */
#include "source/private.h"

/* Which of the built packages a machine gets, and as a layer. */

static const json_t *find_built(const struct viv_source_set *s, const char *name)
{
	const char *key;
	json_t *debs, *d;
	size_t i;

	json_object_foreach(s->built, key, debs)
		json_array_foreach(debs, i, d)
			if (viv_streq(viv_json_str(d, "name"), name))
				return d;
	return NULL;
}

static void add_depends(const struct viv_source_set *s, const json_t *deb, struct viv_strv *chosen,
			struct viv_strv *ret)
{
	static const char *const fields[] = {"depends", "preDepends"};
	VIV_STRV names = VIV_STRV_INIT;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(fields); i++)
		viv_deb_depends_names(viv_slice(viv_json_str(deb, fields[i])), s->req.source.architecture, &names);
	for (size_t i = 0; i < names.count; i++) {
		struct viv_strv *to = find_built(s, names.items[i]) ? chosen : ret;

		if (!viv_strv_has(to, names.items[i]))
			viv_strv_push(to, names.items[i]);
	}
}

/* Those asked for and those that replace one of the lock's; then whatever these need. */
static void choose(const struct viv_source_set *s, const struct viv_strv *wanted,
		   const struct viv_lock *lock, struct viv_strv *ret_chosen, struct viv_strv *ret_depends)
{
	const char *key;
	json_t *debs, *d;
	size_t i;

	json_object_foreach(s->built, key, debs)
		json_array_foreach(debs, i, d) {
			const char *name = viv_json_str(d, "name");

			if (viv_strv_has(wanted, name) || (lock && viv_lock_find(lock, name)))
				viv_strv_push(ret_chosen, name);
		}
	for (size_t k = 0; k < ret_chosen->count; k++)
		add_depends(s, find_built(s, ret_chosen->items[k]), ret_chosen, ret_depends);
	viv_strv_uniq(ret_chosen);
}

void viv_source_depends(struct viv_source_set *s, const struct viv_strv *wanted,
			const struct viv_lock *lock, struct viv_strv *ret_depends)
{
	VIV_STRV chosen = VIV_STRV_INIT;

	choose(s, wanted, lock, &chosen, ret_depends);
}

static const char layer_name[] = "local", index_name[] = "local";

void viv_source_add_layer(struct viv_source_set *s, const struct viv_strv *wanted, struct viv_lock *lock)
{
	VIV_STRV chosen = VIV_STRV_INIT, depends = VIV_STRV_INIT;
	struct viv_lock_layer *layer;

	choose(s, wanted, lock, &chosen, &depends);
	if (!chosen.count)
		return;
	json_object_set_new(lock->indexes, index_name, json_object());
	layer = viv_lock_add_layer(lock, layer_name);
	viv_strv_push_all(&layer->requested, (const char *const *)chosen.items);
	for (size_t i = 0; i < chosen.count; i++) {
		const json_t *d = find_built(s, chosen.items[i]);
		struct viv_lock_package *p = viv_lock_add_package(layer);
		uint64_t size = 0;

		viv_json_u64(d, "size", INT64_MAX, &size);
		*p = (struct viv_lock_package){
			.name = viv_strdup(chosen.items[i]), .version = viv_strdup(viv_json_str(d, "version")),
			.architecture = viv_strdup(viv_json_str(d, "architecture")),
			.path = viv_asprintf("local/%s.deb", chosen.items[i]), .index = viv_strdup(index_name),
			.size = size};
		memcpy(p->sha256, viv_json_str(d, "sha256"), VIV_SHA256_HEX);
		viv_strv_push(&layer->unpack, chosen.items[i]);
		viv_strv_push(&layer->configure, chosen.items[i]);
	}
	viv_lock_layer_sort(layer);
}
