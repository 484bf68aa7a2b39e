/* SPDX-License-Identifier: MIT */
#include "config/option.h"

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
		t = t->of;
	}
	viv_str_add(&name, ".");
	for (size_t i = 0; r == 0 && t->kind == VIV_TYPE_SUBMODULE && i < t->n_fields; i++)
		r = visit(name.data, &t->fields[i], fn, arg);
	return r;
}

int viv_option_each(each_fn fn, void *arg)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < viv_n_options; i++)
		r = visit("", &viv_options[i], fn, arg);
	return r;
}
