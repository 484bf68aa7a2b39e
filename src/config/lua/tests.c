/* SPDX-License-Identifier: MIT */
#include "config/lua/test.h"

#include "base/duration.h"
#include "base/path.h"

/* What a test file declares: its tests, and all of it for whoever runs them. */

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

static void add_test(struct viv_lua *lua, const struct viv_lua_test *new)
{
	struct viv_lua_test_file *t = lua->test;

	for (size_t i = 0; i < t->n_tests; i++) {
		if (!viv_streq(t->tests[i].name, new->name))
			continue;
		viv_fault_add(lua->faults, new->origin, NULL, "there is a test \"%s\" already, in %s",
			      new->name, viv_lua_place_text(lua, t->tests[i].origin));
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

/* An empty text is in every report. */
static void check_expected(struct viv_lua *lua, const struct viv_value *v)
{
	if (v->kind == VIV_VALUE_STRING && !*v->text)
		luaL_error(lua->L, "test: expect: expected a kind of report, or text of one, not an empty one");
}

/* What the host must have: said before anything is built. */
static void check_needed(struct viv_lua *lua, const struct viv_value *v)
{
	if (v->kind != VIV_VALUE_STRING || !*v->text || (v->text[0] != '/' && strchr(v->text, '/')))
		luaL_error(lua->L, "test: needs: expected names of programs of this host, or paths that begin with /");
}

/* A list, or what would be its only item. */
static void take_list(struct viv_lua *lua, int index, const char *option,
		      void (*check)(struct viv_lua *lua, const struct viv_value *v), struct viv_value **to)
{
	struct viv_name none = {0}, name = viv_name_with(lua->arena, &none, option);
	struct viv_value *v = viv_lua_copy(lua, index, viv_lua_here(lua), &name);

	if (v->kind == VIV_VALUE_EMPTY)
		return;
	if (v->kind != VIV_VALUE_LIST) {
		(*to)->list.items = viv_arena_array(lua->arena, struct viv_value *, 1);
		(*to)->list.items[0] = v;
		(*to)->list.count = 1;
	} else {
		*to = v;
	}
	for (size_t i = 0; i < (*to)->list.count; i++)
		check(lua, (*to)->list.items[i]);
}

static void take_expect(struct viv_lua *lua, int index, struct viv_lua_test *to)
{
	take_list(lua, index, "expect", check_expected, &to->expect);
}

static void take_needs(struct viv_lua *lua, int index, struct viv_lua_test *to)
{
	take_list(lua, index, "needs", check_needed, &to->needs);
}

static void take_skip(struct viv_lua *lua, int index, struct viv_lua_test *to)
{
	if (lua_type(lua->L, index) != LUA_TSTRING)
		luaL_error(lua->L, "test: skip: expected the reason, as text");
	to->skip = viv_lua_check_label(lua, index, "test: skip");
}

static const struct {
	const char *name;
	void (*take)(struct viv_lua *lua, int index, struct viv_lua_test *to);
} test_options[] = {
	{"expect", take_expect},
	{"needs", take_needs},
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
	luaL_error(L, "test: no option %s (there are expect, needs, skip and timeout)", key);
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
	t.needs = viv_value_new(lua->arena, VIV_VALUE_LIST, t.origin);
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

	viv_lua_check_top_level(lua, "test");
	if (last < 2 || last > 3 || lua_type(L, 1) != LUA_TSTRING || !lua_isfunction(L, last) ||
	    (last == 3 && !lua_istable(L, 2)))
		return luaL_error(L, "%s", test_usage);
	t = new_test(lua, last);
	t.name = viv_lua_check_label(lua, 1, "a test's name");
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

	viv_lua_check_top_level(lua, "test");
	t = new_test(lua, index);
	t.name = base_name(lua);
	add_test(lua, &t);
}

void viv_lua_open_tests(struct viv_lua *lua)
{
	static const luaL_Reg functions[] = {
		{"test", make_test}, {"matrix", viv_lua_matrix}, {"param", viv_lua_param}, {NULL, NULL}};

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
		json_object_set_new(j, "needs", viv_value_to_json(x->needs));
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
