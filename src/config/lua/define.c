/* SPDX-License-Identifier: MIT */
#include "config/lua/test.h"

/* When all files are read: what they declared and set goes to the evaluation. */

static int compare_defs(const void *a, const void *b)
{
	const struct viv_lua_def *x = a, *y = b;
	unsigned rx = x->origin->file->rank, ry = y->origin->file->rank;

	if (rx != ry)
		return rx < ry ? -1 : 1;
	if (x->major != y->major)
		return x->major < y->major ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

static int compare_declarations(const void *a, const void *b)
{
	const struct viv_lua_declaration *x = a, *y = b;

	if (x->origin->file != y->origin->file)
		return x->origin->file->rank < y->origin->file->rank ? -1 : 1;
	if (x->origin->line != y->origin->line)
		return x->origin->line < y->origin->line ? -1 : 1;
	return strcmp(x->option->name, y->option->name);
}

/* foo = 3 in a file that means a variable of its own. */
static bool is_stray_variable(struct viv_lua *lua, const struct viv_lua_def *d)
{
	const char *names[256];
	VIV_STRV near = VIV_STRV_INIT;
	const struct viv_slot *root = lua->ev->root;
	size_t n = VIV_MIN(root->n_children, VIV_ARRAY_SIZE(names));

	for (size_t i = 0; i < n; i++) {
		names[i] = root->children[i]->key;
		if (viv_streq(names[i], d->name.parts[0]))
			return false;
	}
	if (d->name.count > 1)
		return false;
	viv_suggest(d->name.parts[0], names, n, 1, &near);
	if (near.count)
		return false;
	viv_fault_add(lua->faults, d->origin, &d->name,
		      "no option %s (a variable of your own is written local %s = …)",
		      viv_name_text(lua->arena, &d->name), d->name.parts[0]);
	return true;
}

void viv_lua_define(struct viv_lua *lua)
{
	if (lua->test && !lua->test->defined)
		viv_lua_define_machine(lua);
	if (lua->n_declarations)
		qsort(lua->declarations, lua->n_declarations, sizeof(*lua->declarations),
		      compare_declarations);
	for (size_t i = 0; i < lua->n_declarations; i++) {
		const struct viv_lua_declaration *d = &lua->declarations[i];

		viv_eval_declare(lua->ev, &d->name, d->option, d->origin);
	}
	if (lua->n_defs)
		qsort(lua->defs, lua->n_defs, sizeof(*lua->defs), compare_defs);
	for (size_t i = 0; i < lua->n_defs; i++) {
		const struct viv_lua_def *d = &lua->defs[i];
		struct viv_def def = viv_def_new(lua->ev, d->origin, d->value);

		def.cond = d->cond;
		if (d->origin->within.count || !is_stray_variable(lua, d))
			viv_eval_define(lua->ev, &d->name, &def);
	}
	viv_lua_expect_blocks(lua);
	lua->evaluating = true;
}

void viv_lua_settle(struct viv_lua *lua)
{
	viv_lua_settle_blocks(lua);
	viv_lua_report_reads(lua);
}

/* Made in a block that does not hold. */
static bool is_void(const struct viv_lua_wrapper *w)
{
	for (const struct viv_cond *c = w->cond; c; c = c->outer)
		if (c->state == VIV_COND_FALSE)
			return true;
	return false;
}

void viv_lua_finish(struct viv_lua *lua)
{
	viv_lua_report_reads(lua);
	for (size_t i = 0; i < lua->n_wrappers; i++) {
		const struct viv_lua_wrapper *w = &lua->wrappers[i];

		if (!w->used && !lua->exhausted && !is_void(w))
			viv_fault_add(lua->faults, w->value->origin, NULL,
				      "%s(…) does nothing here: assign it to an option",
				      w->made_by);
	}
}
