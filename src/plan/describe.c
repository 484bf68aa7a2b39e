/* SPDX-License-Identifier: MIT */
#include "plan/step.h"
#include "plan/why.h"

/* What a plan would build, and why: its recipes beside those of the machine's last build. */

#define MAX_NAMED 4 /* differences that one line names */

struct describing {
	const struct viv_plan *plan;
	json_t *last; /* the recipe of the last build's system; NULL: none known */
	bool gone;    /* there was one, but the store has it no more */
	json_t *list;
};

/* The recipe of an object of the last build; NULL if it isn't known. The caller owns it. */
static json_t *recipe_of(const struct viv_plan *p, const char *id)
{
	VIV_JSON *info = NULL;

	if (!id || viv_store_info(p->store, id, &info, NULL) < 0)
		return NULL;
	return json_incref(json_object_get(info, "recipe"));
}

/* The id that a step, or a layer of that name, had. */
static char *last_id(const struct describing *d, const char *name, const struct viv_step *s)
{
	json_t *layers = json_object_get(d->last, "layers"), *v;
	size_t i;

	if (s)
		return viv_strdup(viv_json_str(d->last, s->name));
	json_array_foreach(layers, i, v)
	{
		VIV_JSON *recipe = recipe_of(d->plan, json_string_value(v));

		if (recipe && viv_streq(viv_json_str(recipe, "name"), name))
			return viv_strdup(json_string_value(v));
	}
	return NULL;
}

static char *join(const struct viv_strv *changes)
{
	VIV_STR text = VIV_STR_INIT;

	for (size_t i = 0; i < changes->count && i < MAX_NAMED; i++)
		viv_str_addf(&text, "%s%s", i ? ", " : "", changes->items[i]);
	if (changes->count > MAX_NAMED)
		viv_str_addf(&text, " and %zu more", changes->count - MAX_NAMED);
	return viv_str_steal(&text);
}

static void find_changes(const struct describing *d, const char *name, const char *id,
			 const struct viv_step *s, const json_t *recipe, struct viv_strv *ret)
{
	bool system = s == &d->plan->steps[VIV_STEP_SYSTEM];
	VIV_FREE char *old = system ? NULL : last_id(d, name, s);
	VIV_JSON *before = system ? json_incref(d->last) : recipe_of(d->plan, old);

	if (d->gone)
		viv_strv_push(ret, "the last build is no longer in the store");
	else if (!d->last)
		viv_strv_push(ret, "first build");
	else if (old && viv_streq(old, id))
		viv_strv_push(ret, "the object was collected");
	else if (old && !before)
		viv_strv_push(ret, "changed; what it was is no longer in the store");
	else if (before && json_equal(before, recipe))
		viv_strv_push(ret, system ? "networking.hostName changed" : "its name changed");
	else
		viv_why_compare(before, recipe, ret);
}

static void describe_one(struct describing *d, const char *name, const char *id,
			 const struct viv_step *s, const json_t *recipe)
{
	bool there = viv_store_has(d->plan->store, id);
	VIV_FREE char *why = NULL;
	VIV_STRV changes = VIV_STRV_INIT;
	json_t *list = json_array();

	if (!there)
		find_changes(d, name, id, s, recipe, &changes);
	for (size_t i = 0; i < changes.count; i++)
		json_array_append_new(list, json_string(changes.items[i]));
	why = there ? viv_strdup("in the store") : join(&changes);
	json_array_append_new(d->list, json_pack("{s:s, s:s, s:b, s:s, s:o}", "step", name, "id",
						 id, "there", there, "why", why, "changes", list));
}

json_t *viv_plan_describe(const struct viv_plan *p, const char *last)
{
	struct describing d = {.plan = p, .last = recipe_of(p, last), .list = json_array()};

	d.gone = last && !d.last;
	for (size_t i = 0; i < p->deb.n_layers; i++)
		describe_one(&d, p->deb.layers[i].name, p->deb.layers[i].id, NULL,
			     p->deb.layers[i].recipe);
	for (size_t i = 0; i < VIV_N_STEPS; i++)
		if (p->steps[i].id)
			describe_one(&d, p->steps[i].name, p->steps[i].id, &p->steps[i],
				     p->steps[i].recipe);
	json_decref(d.last);
	return d.list;
}
