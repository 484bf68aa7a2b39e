/* SPDX-License-Identifier: MIT */
#include "config/lua/test.h"

#include "base/path.h"

/* matrix and param: what is another value in another run of a test file. */

void viv_lua_check_top_level(struct viv_lua *lua, const char *function)
{
	if (lua->script)
		luaL_error(lua->L, "%s(…) stands at the top level of the file, not in a test",
			   function);
	if (lua->evaluating)
		luaL_error(lua->L, "%s(…) stands at the top level of the file, not in a value",
			   function);
	if (lua->cond)
		luaL_error(lua->L, "%s(…) can't depend on a condition", function);
}

const char *viv_lua_check_label(struct viv_lua *lua, int index, const char *what)
{
	size_t n;
	const char *s = lua_tolstring(lua->L, index, &n);

	if (!n || n > VIV_LUA_MAX_LABEL || !viv_lua_is_text(s, n) || !viv_rule_line.ok(s))
		luaL_error(lua->L, "%s: expected text of one line, at most %d bytes", what,
			   VIV_LUA_MAX_LABEL);
	return viv_arena_strdup(lua->arena, s);
}

/* A choice by its name, of several the last; NULL: there is none. */
static const char *chosen(const struct viv_config_choice *all, size_t n, const char *name)
{
	for (size_t i = n; i > 0; i--)
		if (viv_streq(all[i - 1].name, name))
			return all[i - 1].value;
	return NULL;
}

/* What a value is called: pushes text. */
static void push_label(struct viv_lua *lua, int index, const char *axis, lua_Integer number)
{
	lua_State *L = lua->L;
	struct viv_lua_object *o = viv_lua_to_object(L, index);
	int type = lua_type(L, index);

	index = lua_absindex(L, index);
	if (type == LUA_TSTRING || type == LUA_TNUMBER || type == LUA_TBOOLEAN) {
		luaL_tolstring(L, index, NULL);
		return;
	}
	if (o && o->value->kind == VIV_VALUE_PACKAGE) {
		lua_pushstring(L, o->value->text);
		return;
	}
	if (o && o->value->kind == VIV_VALUE_PATH) {
		lua_pushstring(L, viv_path_base(o->value->text));
		return;
	}
	if (type == LUA_TTABLE) {
		lua_pushliteral(L, "name");
		if (lua_rawget(L, index) == LUA_TSTRING)
			return;
	}
	luaL_error(L,
		   "matrix \"%s\": value %I needs a name: write { name = \"…\", … } and use what "
		   "is in it",
		   axis, number);
}

static void add_label(struct viv_lua *lua, struct viv_lua_axis *a, const char *label)
{
	for (size_t i = 0; i < a->n; i++)
		if (viv_streq(a->labels[i], label))
			luaL_error(lua->L, "matrix \"%s\": two values are called \"%s\"", a->name,
				   label);
	a->labels[a->n++] = label;
}

/* Labels of the list at index 2. */
static void take_labels(struct viv_lua *lua, struct viv_lua_axis *a)
{
	lua_State *L = lua->L;
	lua_Integer n = (lua_Integer)lua_rawlen(L, 2), keys = 0;

	lua_pushnil(L);
	for (; lua_next(L, 2); keys++)
		lua_pop(L, 1);
	if (n < 1)
		luaL_error(L, "matrix \"%s\": expected a list of values", a->name);
	if (n > VIV_LUA_MAX_VALUES || keys != n)
		luaL_error(L, keys != n ? "matrix \"%s\": expected a list of values, without names or "
					  "holes"
					: "matrix \"%s\" has too many values",
			   a->name);
	a->labels = viv_arena_array(lua->arena, const char *, (size_t)n);
	for (lua_Integer i = 1; i <= n; i++) {
		lua_rawgeti(L, 2, i);
		push_label(lua, -1, a->name, i);
		add_label(lua, a, viv_lua_check_label(lua, -1, "a value's name in a matrix"));
		lua_pop(L, 2);
	}
}

static size_t choose(struct viv_lua *lua, const struct viv_lua_axis *a)
{
	const struct viv_config_test *spec = lua->test->spec;
	const char *want = chosen(spec->matrix, spec->n_matrix, a->name);
	VIV_STR all = VIV_STR_INIT;

	for (size_t i = 0; i < a->n; i++) {
		if (!want || viv_streq(a->labels[i], want))
			return i;
		viv_str_addf(&all, "%s%s", i ? ", " : "", a->labels[i]);
	}
	viv_fault_add(lua->faults, a->origin, NULL, "matrix \"%s\" has no value \"%.200s\" (it has %s)",
		      a->name, want, all.data);
	return 0;
}

static bool is_axis_name(const char *s)
{
	return viv_rule_word.ok(s) && !strpbrk(s, "=,[]");
}

/* matrix("fs", { "ext4", "xfs" }): this run's value */
int viv_lua_matrix(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_lua_test_file *t = lua->test;
	struct viv_lua_axis a = {.origin = viv_lua_here(lua)};

	viv_lua_check_top_level(lua, "matrix");
	if (lua_gettop(L) != 2 || lua_type(L, 1) != LUA_TSTRING || !lua_istable(L, 2))
		return luaL_error(L, "it is written matrix(\"name\", { value, value, … })");
	a.name = viv_lua_check_label(lua, 1, "a matrix's name");
	if (!is_axis_name(a.name))
		return luaL_error(L, "a matrix's name is a word without blanks, = and ,");
	for (size_t i = 0; i < t->n_axes; i++)
		if (viv_streq(t->axes[i].name, a.name))
			return luaL_error(L, "matrix \"%s\" is there already, in %s", a.name,
					  viv_lua_place_text(lua, t->axes[i].origin));
	if (t->n_axes >= VIV_LUA_MAX_AXES)
		return luaL_error(L, "more than %d matrices", VIV_LUA_MAX_AXES);
	take_labels(lua, &a);
	t->axes = viv_arena_grow(lua->arena, t->axes, &t->cap_axes, t->n_axes + 1, sizeof(a));
	t->axes[t->n_axes++] = a;
	lua_rawgeti(L, 2, (lua_Integer)choose(lua, &a) + 1);
	return 1;
}

/* ---- parameters ---- */

static bool same_fallback(const struct viv_value *a, const struct viv_value *b)
{
	return a && b ? viv_value_equal(a, b) : a == b;
}

static void add_param(struct viv_lua *lua, const struct viv_lua_param *new)
{
	struct viv_lua_test_file *t = lua->test;

	for (size_t i = 0; i < t->n_params; i++) {
		if (!viv_streq(t->params[i].name, new->name))
			continue;
		if (!same_fallback(t->params[i].fallback, new->fallback))
			luaL_error(lua->L, "param \"%s\" has another default in %s", new->name,
				   viv_lua_place_text(lua, t->params[i].origin));
		return;
	}
	if (t->n_params >= VIV_LUA_MAX_VALUES)
		luaL_error(lua->L, "more than %d parameters", VIV_LUA_MAX_VALUES);
	t->params = viv_arena_grow(lua->arena, t->params, &t->cap_params, t->n_params + 1,
				   sizeof(*new));
	t->params[t->n_params++] = *new;
}

/* Pushes the text as the default's type has it. False: it isn't such a value. */
static bool push_converted(lua_State *L, const char *text, int type)
{
	switch (type) {
	case LUA_TNUMBER:
		return lua_stringtonumber(L, text) == strlen(text) + 1;
	case LUA_TBOOLEAN:
		lua_pushboolean(L, viv_streq(text, "true"));
		return viv_streq(text, "true") || viv_streq(text, "false");
	default:
		lua_pushstring(L, text);
		return viv_lua_is_text(text, strlen(text));
	}
}

/* param("size", 4): what --param size=… gives, or the default */
int viv_lua_param(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	const struct viv_config_test *spec = lua->test->spec;
	struct viv_lua_param p = {.origin = viv_lua_here(lua)};
	struct viv_name none = {0};
	int type;
	const char *text;

	viv_lua_check_top_level(lua, "param");
	type = lua_type(L, 2);
	if (lua_type(L, 1) != LUA_TSTRING || lua_gettop(L) > 2 ||
	    (type != LUA_TNONE && type != LUA_TNUMBER && type != LUA_TBOOLEAN &&
	     type != LUA_TSTRING))
		return luaL_error(L, "it is written param(\"name\") or param(\"name\", default), with "
				     "text, a number, true or false as the default");
	p.name = viv_lua_check_label(lua, 1, "a parameter's name");
	if (!is_axis_name(p.name))
		return luaL_error(L, "a parameter's name is a word without blanks, = and ,");
	if (type != LUA_TNONE)
		p.fallback = viv_lua_copy(lua, 2, viv_lua_here(lua), &none);
	add_param(lua, &p);
	text = chosen(spec->params, spec->n_params, p.name);
	if (!text && type == LUA_TNONE)
		return luaL_error(L, "param \"%s\" must be given: --param %s=…", p.name, p.name);
	if (!text)
		return 1;
	if (!push_converted(L, text, type))
		return luaL_error(L, "--param %s=%s: expected %s", p.name, text,
				  type == LUA_TNUMBER    ? "a number"
				  : type == LUA_TBOOLEAN ? "true or false"
							 : "text in UTF-8");
	return 1;
}
