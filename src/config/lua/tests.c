/* SPDX-License-Identifier: MIT */
#include "config/lua/test.h"

#include "base/duration.h"
#include "base/path.h"

/* What a test file declares beside its machines: tests, the axes of its matrix, parameters. */

static const char test_usage[] =
	"it is written test(\"name\", function() … end) or test(\"name\", { timeout = \"5m\" }, "
	"function() … end)";

bool viv_lua_is_reserved(const struct viv_lua *lua, const char *name)
{
	const char *const *r = lua->test ? lua->test->spec->reserved : NULL;

	for (; r && *r; r++)
		if (viv_streq(*r, name))
			return true;
	return false;
}

static const char *place_of(struct viv_lua *lua, const struct viv_origin *origin)
{
	struct viv_place p = {origin->file, origin->line};
	VIV_STR text = VIV_STR_INIT;

	viv_place_add(&p, &text);
	return viv_arena_strdup(lua->arena, text.data);
}

/* These stand at the top level: the same in every run of the file. */
static void check_where(struct viv_lua *lua, const char *function)
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

/* A name for people and for folders: one line. In the arena; raises an error. */
static const char *check_label(struct viv_lua *lua, int index, const char *what)
{
	size_t n;
	const char *s = lua_tolstring(lua->L, index, &n);

	if (!n || n > VIV_LUA_MAX_LABEL || !viv_lua_is_text(s, n) || !viv_rule_line.ok(s))
		luaL_error(lua->L, "%s: expected text of one line, at most %d bytes", what,
			   VIV_LUA_MAX_LABEL);
	return viv_arena_strdup(lua->arena, s);
}

static void add_test(struct viv_lua *lua, const struct viv_lua_test *new)
{
	struct viv_lua_test_file *t = lua->test;

	for (size_t i = 0; i < t->n_tests; i++) {
		if (!viv_streq(t->tests[i].name, new->name))
			continue;
		viv_fault_add(lua->faults, new->origin, NULL, "there is a test \"%s\" already, in %s",
			      new->name, place_of(lua, t->tests[i].origin));
		return;
	}
	if (t->n_tests >= VIV_LUA_MAX_TESTS)
		luaL_error(lua->L, "more than %d tests in a file", VIV_LUA_MAX_TESTS);
	t->tests = viv_arena_grow(lua->arena, t->tests, &t->cap_tests, t->n_tests + 1,
				  sizeof(*t->tests));
	t->tests[t->n_tests++] = *new;
}

/* ---- a test's options; the table is at index 2 ---- */

static void take_timeout(struct viv_lua *lua, int index, struct viv_lua_test *to)
{
	lua_State *L = lua->L;
	double seconds = lua_type(L, index) == LUA_TNUMBER ? lua_tonumber(L, index) : 0;

	if (lua_type(L, index) == LUA_TSTRING &&
	    viv_parse_duration(lua_tostring(L, index), &to->timeout_ms, NULL) == 0)
		return;
	if (!(seconds >= 0.001 && seconds <= 1e9))
		luaL_error(L, "test: timeout: expected seconds or a time such as \"90s\" or \"5m\"");
	to->timeout_ms = (int64_t)(seconds * 1000);
}

static void take_expect(struct viv_lua *lua, int index, struct viv_lua_test *to)
{
	struct viv_name none = {0}, name = viv_name_with(lua->arena, &none, "expect");
	struct viv_value *v = viv_lua_copy(lua, index, viv_lua_here(lua), &name);

	if (v->kind == VIV_VALUE_EMPTY)
		return;
	if (v->kind != VIV_VALUE_LIST) {
		to->expect->list.items = viv_arena_array(lua->arena, struct viv_value *, 1);
		to->expect->list.items[0] = v;
		to->expect->list.count = 1;
		return;
	}
	to->expect = v;
}

static void take_skip(struct viv_lua *lua, int index, struct viv_lua_test *to)
{
	if (lua_type(lua->L, index) != LUA_TSTRING)
		luaL_error(lua->L, "test: skip: expected the reason, as text");
	to->skip = check_label(lua, index, "test: skip");
}

static const struct {
	const char *name;
	void (*take)(struct viv_lua *lua, int index, struct viv_lua_test *to);
} test_options[] = {
	{"expect", take_expect},
	{"skip", take_skip},
	{"timeout", take_timeout},
};

static void unknown_option(lua_State *L, const char *key)
{
	const char *names[VIV_ARRAY_SIZE(test_options)];
	VIV_STRV near = VIV_STRV_INIT;
	char nearest[32] = "";

	for (size_t i = 0; i < VIV_ARRAY_SIZE(test_options); i++)
		names[i] = test_options[i].name;
	viv_suggest(key, names, VIV_ARRAY_SIZE(names), 1, &near);
	if (near.count)
		snprintf(nearest, sizeof(nearest), "%s", near.items[0]);
	viv_strv_free(&near);
	if (*nearest)
		luaL_error(L, "test: no option %s (did you mean %s?)", key, nearest);
	luaL_error(L, "test: no option %s (there are expect, skip and timeout)", key);
}

static void take_options(struct viv_lua *lua, struct viv_lua_test *to)
{
	lua_State *L = lua->L;

	lua_pushnil(L);
	while (lua_next(L, 2)) {
		size_t i = 0;

		if (lua_type(L, -2) != LUA_TSTRING)
			luaL_error(L, "%s", test_usage);
		while (i < VIV_ARRAY_SIZE(test_options) &&
		       !viv_streq(test_options[i].name, lua_tostring(L, -2)))
			i++;
		if (i == VIV_ARRAY_SIZE(test_options))
			unknown_option(L, viv_lua_check_text(L, -2));
		test_options[i].take(lua, lua_gettop(L), to);
		lua_pop(L, 1);
	}
}

static struct viv_lua_test new_test(struct viv_lua *lua, int function)
{
	struct viv_lua_test t = {.origin = viv_lua_here(lua)};

	t.expect = viv_value_new(lua->arena, VIV_VALUE_LIST, t.origin);
	lua_pushvalue(lua->L, function);
	t.function = luaL_ref(lua->L, LUA_REGISTRYINDEX);
	return t;
}

/* test("page", function() … end), test("page", { timeout = 60 }, function() … end) */
static int make_test(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	int last = lua_gettop(L);
	struct viv_lua_test t;

	check_where(lua, "test");
	if (last < 2 || last > 3 || lua_type(L, 1) != LUA_TSTRING || !lua_isfunction(L, last) ||
	    (last == 3 && !lua_istable(L, 2)))
		return luaL_error(L, "%s", test_usage);
	t = new_test(lua, last);
	t.name = check_label(lua, 1, "a test's name");
	if (last == 3)
		take_options(lua, &t);
	add_test(lua, &t);
	return 0;
}

/* "net/web.test.lua": "web" */
static const char *base_name(struct viv_lua *lua)
{
	const char *name = viv_path_base(lua->test->file->file.shown);
	size_t n = strlen(name);

	n -= viv_ends_with(name, ".test.lua") ? 9 : viv_ends_with(name, ".lua") ? 4 : 0;
	return n ? viv_arena_strndup(lua->arena, name, n) : "test";
}

void viv_lua_add_lone_test(struct viv_lua *lua, int index)
{
	struct viv_lua_test t;

	check_where(lua, "test");
	t = new_test(lua, index);
	t.name = base_name(lua);
	add_test(lua, &t);
}

/* ---- matrix ---- */

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
		add_label(lua, a, check_label(lua, -1, "a value's name in a matrix"));
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
static int make_axis(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_lua_test_file *t = lua->test;
	struct viv_lua_axis a = {.origin = viv_lua_here(lua)};

	check_where(lua, "matrix");
	if (lua_gettop(L) != 2 || lua_type(L, 1) != LUA_TSTRING || !lua_istable(L, 2))
		return luaL_error(L, "it is written matrix(\"name\", { value, value, … })");
	a.name = check_label(lua, 1, "a matrix's name");
	if (!is_axis_name(a.name))
		return luaL_error(L, "a matrix's name is a word without blanks, = and ,");
	for (size_t i = 0; i < t->n_axes; i++)
		if (viv_streq(t->axes[i].name, a.name))
			return luaL_error(L, "matrix \"%s\" is there already, in %s", a.name,
					  place_of(lua, t->axes[i].origin));
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
				   place_of(lua, t->params[i].origin));
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
static int make_param(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	const struct viv_config_test *spec = lua->test->spec;
	struct viv_lua_param p = {.origin = viv_lua_here(lua)};
	struct viv_name none = {0};
	int type;
	const char *text;

	check_where(lua, "param");
	type = lua_type(L, 2);
	if (lua_type(L, 1) != LUA_TSTRING || lua_gettop(L) > 2 ||
	    (type != LUA_TNONE && type != LUA_TNUMBER && type != LUA_TBOOLEAN &&
	     type != LUA_TSTRING))
		return luaL_error(L, "it is written param(\"name\") or param(\"name\", default), with "
				     "text, a number, true or false as the default");
	p.name = check_label(lua, 1, "a parameter's name");
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

void viv_lua_open_tests(struct viv_lua *lua)
{
	static const luaL_Reg functions[] = {
		{"test", make_test}, {"matrix", make_axis}, {"param", make_param}, {NULL, NULL}};

	luaL_newlib(lua->L, functions);
	lua_setfield(lua->L, LUA_REGISTRYINDEX, VIV_LUA_TEST_FUNCTIONS);
}

bool viv_lua_is_test_function(struct viv_lua *lua, const char *name)
{
	bool found;

	lua_getfield(lua->L, LUA_REGISTRYINDEX, VIV_LUA_TEST_FUNCTIONS);
	lua_pushstring(lua->L, name);
	found = lua_rawget(lua->L, -2) != LUA_TNIL;
	lua_pop(lua->L, 2);
	return found;
}

/* ---- when the file was read ---- */

static bool has_machine(const struct viv_lua_test_file *t, const char *name)
{
	for (size_t i = 0; i < t->n_machines; i++)
		if (viv_streq(t->machines[i].name, name))
			return true;
	return !t->n_machines && viv_streq(name, "machine");
}

static const char *const *sorted_machines(struct viv_lua *lua)
{
	const struct viv_lua_test_file *t = lua->test;
	VIV_STRV names = VIV_STRV_INIT;
	const char **all = viv_arena_array(lua->arena, const char *, t->n_machines + 2);

	for (size_t i = 0; i < t->n_machines; i++)
		viv_strv_push(&names, t->machines[i].name);
	if (!t->n_machines)
		viv_strv_push(&names, "machine");
	viv_strv_sort(&names);
	for (size_t i = 0; i < names.count; i++)
		all[i] = viv_arena_strdup(lua->arena, names.items[i]);
	return all;
}

static void check(struct viv_lua *lua)
{
	struct viv_lua_test_file *t = lua->test;
	const char *wanted = t->spec->machine;
	struct viv_origin whole = {.file = t->file ? &t->file->file : NULL};
	VIV_STR all = VIV_STR_INIT;

	if (lua->faults->count)
		return; /* a file that was not read whole */
	if (!t->n_tests)
		viv_fault_add(lua->faults, &whole, NULL,
			      "no test in this file: write test(\"name\", function() … end)");
	if (!wanted || has_machine(t, wanted))
		return;
	for (const char *const *m = sorted_machines(lua); *m; m++)
		viv_str_addf(&all, "%s%s", all.len ? ", " : "", *m);
	viv_fault_add(lua->faults, &whole, NULL, "no machine \"%s\" (it has %s)", wanted, all.data);
}

static json_t *names_json(const char *const *names, size_t n)
{
	json_t *j = json_array();

	for (size_t i = 0; names && i < n && names[i]; i++)
		json_array_append_new(j, json_string(names[i]));
	return j;
}

static json_t *tests_json(const struct viv_lua_test_file *t)
{
	json_t *all = json_array();

	for (size_t i = 0; i < t->n_tests; i++) {
		const struct viv_lua_test *x = &t->tests[i];
		json_t *j = json_object();

		json_object_set_new(j, "name", json_string(x->name));
		json_object_set_new(j, "line", json_integer(x->origin->line));
		json_object_set_new(j, "timeout_ms",
				    x->timeout_ms ? json_integer(x->timeout_ms) : json_null());
		json_object_set_new(j, "skip", x->skip ? json_string(x->skip) : json_null());
		json_object_set_new(j, "expect", viv_value_to_json(x->expect));
		json_array_append_new(all, j);
	}
	return all;
}

json_t *viv_lua_test_declared(struct viv_lua *lua)
{
	struct viv_lua_test_file *t = lua->test;
	json_t *j = json_object(), *matrix = json_array(), *params = json_array();

	check(lua);
	for (size_t i = 0; i < t->n_axes; i++)
		json_array_append_new(
			matrix, json_pack("{s:s, s:o}", "name", t->axes[i].name, "values",
					  names_json(t->axes[i].labels, t->axes[i].n)));
	for (size_t i = 0; i < t->n_params; i++)
		json_array_append_new(
			params, json_pack("{s:s, s:o}", "name", t->params[i].name, "default",
					  t->params[i].fallback
						  ? viv_value_to_json(t->params[i].fallback)
						  : json_null()));
	json_object_set_new(j, "machines", names_json(sorted_machines(lua), SIZE_MAX));
	json_object_set_new(j, "lone", json_boolean(!t->n_machines));
	json_object_set_new(j, "tests", tests_json(t));
	json_object_set_new(j, "matrix", matrix);
	json_object_set_new(j, "params", params);
	return j;
}

void viv_lua_set_test(struct viv_lua *lua, const struct viv_config_test *test)
{
	lua->test = viv_arena_new(lua->arena, struct viv_lua_test_file);
	lua->test->spec = test;
}
