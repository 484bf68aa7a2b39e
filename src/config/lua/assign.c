/* SPDX-License-Identifier: MIT */
#include "config/lua/test.h"

/* name = value: a definition, or a declaration below `options`. */

void viv_lua_add_def(struct viv_lua *lua, const struct viv_name *name, struct viv_value *v,
		     struct viv_origin *origin)
{
	struct viv_lua_def *d;

	lua->defs = viv_arena_grow(lua->arena, lua->defs, &lua->cap_defs, lua->n_defs + 1,
				   sizeof(*lua->defs));
	d = &lua->defs[lua->n_defs++];
	*d = (struct viv_lua_def){.name = *name, .value = v, .origin = origin, .cond = lua->cond};
	d->seq = lua->next_seq++;
	d->major = lua->major ? lua->major : d->seq;
}

/* options.a = { b = mkOption{…} } or options.a.b = mkOption{…}; `index` is the value. */
static void declare(struct viv_lua *lua, const struct viv_name *name, int index,
		    struct viv_origin *origin, unsigned depth)
{
	struct viv_option *o = viv_lua_to_option(lua->L, index);
	lua_State *L = lua->L;

	if (o) {
		o->name = viv_name_text(lua->arena, name);
		lua->declarations =
			viv_arena_grow(lua->arena, lua->declarations, &lua->cap_declarations,
				       lua->n_declarations + 1, sizeof(*lua->declarations));
		lua->declarations[lua->n_declarations++] =
			(struct viv_lua_declaration){*name, o, origin};
		return;
	}
	if (lua_type(L, index) != LUA_TTABLE || depth > VIV_LUA_MAX_NESTING) {
		if (!viv_lua_is_broken(L, index))
			viv_fault_add(lua->faults, origin, name,
				      "options%s%s: expected mkOption{ type = …, description = … }",
				      name->count ? "." : "", viv_name_text(lua->arena, name));
		return;
	}
	luaL_checkstack(L, 5, NULL);
	lua_pushnil(L);
	while (lua_next(L, index)) {
		if (lua_type(L, -2) == LUA_TSTRING) {
			struct viv_name inner = viv_name_with(
				lua->arena, name,
				viv_arena_strdup(lua->arena, viv_lua_check_text(L, -2)));

			declare(lua, &inner, lua_gettop(L), origin, depth + 1);
		} else {
			viv_fault_add(lua->faults, origin, name, "options: expected names");
		}
		lua_pop(L, 1);
	}
}

static void start_assignment(struct viv_lua *lua, const struct viv_lua_scope *scope,
			     struct viv_origin *origin, const struct viv_name *name)
{
	origin->lhs = *name;
	if (scope) {
		origin->within = scope->written;
		origin->lhs = viv_name_join(lua->arena, &scope->written, name);
	}
	origin->is_end = true;
	if (lua->evaluating)
		luaL_error(lua->L,
			   "%s is assigned within a value's function: a function only "
			   "returns a value",
			   viv_name_text(lua->arena, &origin->lhs));
}

/* A slip of the pen; machine1 is none. */
static bool is_near_machines(const char *name)
{
	static const char *const names[] = {"machines", "nodes"};
	VIV_STRV near = VIV_STRV_INIT;

	viv_suggest(name, names, VIV_ARRAY_SIZE(names), 1, &near);
	return near.count && !strchr("0123456789", name[strlen(name) - 1]);
}

/* In a test file, where nothing but machines has settings. */
static void report_plain_setting(struct viv_lua *lua, const struct viv_name *name,
				 const struct viv_origin *origin)
{
	const char *text = viv_name_text(lua->arena, name), *first = name->parts[0];
	struct viv_name none = {0}, rest = viv_name_rest(name, 0), one;
	size_t used;

	one = viv_name_with(lua->arena, &none, first);
	if (is_near_machines(first)) {
		viv_fault_add(lua->faults, origin, name, "%s = …: did you mean machines?", text);
		return;
	}
	if (!viv_slot_find(lua->ev, &one, &used) && name->count > 1 && viv_rule_host_name.ok(first))
		viv_fault_add(lua->faults, origin, name,
			      "%s = … in a test file: the settings of a machine %s are written "
			      "machines%s%s",
			      text, first, viv_name_is_identifier(first) ? "." : "",
			      viv_name_text(lua->arena, &rest));
	else
		viv_fault_add(lua->faults, origin, name,
			      "%s = … in a test file: write machines[\"*\"].%s, for all of its "
			      "machines, or machine.%s, for the only one",
			      text, text, text);
}

void viv_lua_declare(struct viv_lua *lua, const struct viv_name *name, int index,
		     struct viv_origin *origin)
{
	if (lua->cond)
		luaL_error(lua->L, "options are declared outside of mkIf");
	declare(lua, name, index, origin, 0);
}

void viv_lua_assign(struct viv_lua *lua, const struct viv_lua_scope *scope,
		    const struct viv_name *name, bool declaration, int index)
{
	struct viv_origin *origin = viv_lua_here(lua);
	size_t faults = lua->faults->count;
	struct viv_value *v;

	start_assignment(lua, scope, origin, name);
	if (declaration && scope && !scope->wanted)
		return;
	if (declaration) {
		viv_lua_declare(lua, name, index, origin);
		return;
	}
	v = viv_lua_copy(lua, index, origin, name);
	if (scope && !scope->wanted)
		lua->faults->count = faults; /* said when that machine is evaluated */
	else if (!scope && lua->test && viv_lua_in_test_file(lua))
		report_plain_setting(lua, name, origin);
	else
		viv_lua_add_def(lua, name, v, origin);
}

bool viv_lua_set_machine(struct viv_lua *lua, const struct viv_lua_scope *scope, const char *part,
			int index)
{
	struct viv_name none = {0}, name = viv_name_with(lua->arena, &none, part);

	if (scope->machines) {
		viv_lua_assign_machine(lua, viv_lua_machine_scope(lua, scope, part), index, NULL);
	} else if (viv_streq(part, "imports")) {
		struct viv_origin *origin = viv_lua_here(lua);

		start_assignment(lua, scope, origin, &name);
		if (lua->cond)
			luaL_error(lua->L, "imports can't depend on a condition");
		if (scope->wanted)
			viv_lua_add_imports(lua, lua->test->file, index, origin);
	} else if (viv_streq(part, "options")) {
		viv_lua_assign(lua, scope, &none, true, index);
	} else {
		return false;
	}
	return true;
}
