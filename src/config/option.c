/* SPDX-License-Identifier: MIT */
#include "config/option.h"

static const struct {
	const char *name;
	enum viv_init init;
} inits[] = {{"systemd", VIV_INIT_SYSTEMD}, {"runit", VIV_INIT_RUNIT}, {"none", VIV_INIT_NONE}};

enum viv_init viv_init_of(const char *name)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(inits); i++)
		if (viv_streq(inits[i].name, name))
			return inits[i].init;
	return 0;
}

void viv_init_describe(unsigned set, struct viv_str *ret)
{
	bool any = false;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(inits); i++)
		if (set & inits[i].init) {
			viv_str_addf(ret, "%s\"%s\"", any ? " or " : "", inits[i].name);
			any = true;
		}
}

typedef int (*each_fn)(const char *name, const struct viv_option *o, void *arg);

static int visit(const char *prefix, const struct viv_option *o, each_fn fn, void *arg)
{
	VIV_STR name = VIV_STR_INIT;
	const struct viv_type *t = o->type;
	int r;

	viv_str_addf(&name, "%s%s", prefix, o->name);
	r = fn(name.data, o, arg);
	if (!t)
		return r;
	while (t->of) {
		if (t->kind == VIV_TYPE_SET)
			viv_str_addf(&name, ".%s", t->key ? t->key : "<name>");
		if (t->kind == VIV_TYPE_LIST)
			viv_str_add(&name, "[]");
		t = t->of;
	}
	viv_str_add(&name, ".");
	for (size_t i = 0; r == 0 && t->kind == VIV_TYPE_SUBMODULE && i < t->n_fields; i++)
		r = visit(name.data, &t->fields[i], fn, arg);
	return r;
}

static int by_name(const void *a, const void *b)
{
	const struct viv_option *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

const struct viv_option **viv_option_sorted(struct viv_arena *arena)
{
	const struct viv_option **all;
	size_t n = 0;

	VIV_FOREACH_OPTION(o)
		n++;
	all = viv_arena_array(arena, const struct viv_option *, n + 1);
	n = 0;
	VIV_FOREACH_OPTION(o)
		all[n++] = o;
	qsort(all, n, sizeof(*all), by_name);
	return all;
}

int viv_option_each(each_fn fn, void *arg)
{
	VIV_ARENA arena = VIV_ARENA_INIT;
	const struct viv_option **o = viv_option_sorted(&arena);
	int r = 0;

	for (; r == 0 && *o; o++)
		r = visit("", *o, fn, arg);
	return r;
}

/* Most defaults are these: they are there for each user, file and group. */
static struct viv_value *plain_fallback(struct viv_arena *arena, const char *text)
{
	struct viv_value *v;

	if (viv_streq(text, "null"))
		return viv_value_new(arena, VIV_VALUE_NULL, NULL);
	if (viv_streq(text, "[]"))
		return viv_value_new(arena, VIV_VALUE_LIST, NULL);
	if (viv_streq(text, "{}"))
		return viv_value_new(arena, VIV_VALUE_SET, NULL);
	if (!viv_streq(text, "true") && !viv_streq(text, "false"))
		return NULL;
	v = viv_value_new(arena, VIV_VALUE_BOOL, NULL);
	v->b = text[0] == 't';
	return v;
}

struct viv_value *viv_option_fallback(struct viv_arena *arena, const struct viv_option *o)
{
	struct viv_value *v;
	VIV_JSON *j = NULL;

	if (o->fallback_host)
		return viv_value_text(arena, VIV_VALUE_STRING, o->fallback_host(), NULL);
	if (!o->fallback)
		return NULL;
	v = plain_fallback(arena, o->fallback);
	if (v)
		return v;
	if (viv_json_parse(o->fallback, strlen(o->fallback), o->name, &j, NULL) < 0)
		abort();
	return viv_value_from_json(arena, j, NULL);
}
