/* SPDX-License-Identifier: MIT */
#include "config/lua/test.h"

/*
 * The machines of a test file. `machines.client` is a name like those of options, one that begins
 * with a machine: what is set below it is a definition of that machine. One machine is evaluated at a
 * time; what is set for the others is looked at and dropped.
 */

const struct viv_lua_machine *viv_lua_machine_of_global(const struct viv_lua *lua, const char *name)
{
	const struct viv_lua_test_file *t = lua->test;

	for (size_t i = 0; t && i < t->n_machines; i++)
		if (viv_streq(t->machines[i].global, name))
			return &t->machines[i];
	return NULL;
}

const char *viv_lua_machine_written(struct viv_lua *lua, const char *name)
{
	const char *parts[] = {"machines", name};

	return viv_name_text(lua->arena, &(struct viv_name){parts, 2});
}

const char *viv_lua_machine_global(const struct viv_lua *lua, const char *name)
{
	const struct viv_lua_test_file *t = lua->test;

	for (size_t i = 0; t && i < t->n_machines; i++)
		if (viv_streq(t->machines[i].name, name))
			return t->machines[i].global;
	return viv_streq(name, "machine") ? name : "the global of its name";
}

const char *viv_lua_place_text(struct viv_lua *lua, const struct viv_origin *origin)
{
	struct viv_place p = {origin->file, origin->line};
	VIV_STR text = VIV_STR_INIT;

	viv_place_add(&p, &text);
	return viv_arena_strdup(lua->arena, text.data);
}

/* `machine` is for a lone one: said once, at the later of both. */
static void check_mixed(struct viv_lua *lua, const struct viv_origin *here)
{
	struct viv_lua_test_file *t = lua->test;
	const struct viv_lua_machine *m = t->n_machines ? &t->machines[0] : NULL;

	if (t->mixed || !t->lone || !m)
		return;
	t->mixed = true;
	if (here == t->lone)
		viv_fault_add(lua->faults, here, NULL,
			      "machine is the name of a lone machine, and %s is described in %s: write "
			      "machines.machine here",
			      m->name, viv_lua_place_text(lua, m->origin));
	else
		viv_fault_add(lua->faults, here, NULL,
			      "machines.… beside a lone machine, which is described in %s: write "
			      "machines.machine there",
			      viv_lua_place_text(lua, t->lone));
}

static bool is_keyword(struct viv_lua *lua, const char *word)
{
	struct viv_tokens t = viv_scan(lua->arena, viv_slice(word));

	return t.count && t.items[0].role & VIV_TOKEN_KEYWORD;
}

static bool is_library(struct viv_lua *lua, const char *name)
{
	bool found;

	lua_rawgeti(lua->L, LUA_REGISTRYINDEX, lua->libraries);
	lua_pushstring(lua->L, name);
	found = lua_rawget(lua->L, -2) != LUA_TNIL;
	lua_pop(lua->L, 2);
	return found;
}

static bool is_variable(const struct viv_lua_test_file *t, const char *name)
{
	for (size_t i = 0; i < t->n_variables; i++)
		if (viv_streq(t->variables[i], name))
			return true;
	return false;
}

static void check_name(struct viv_lua *lua, const char *name, const char *global,
		       const struct viv_origin *here)
{
	const struct viv_lua_machine *same = viv_lua_machine_of_global(lua, global);

	if (same)
		viv_fault_add(lua->faults, here, NULL,
			      "the machines %s and %s (%s) would both be %s in Lua: give one of them "
			      "another name",
			      name, same->name, viv_lua_place_text(lua, same->origin), global);
	else if (!viv_rule_host_name.ok(name))
		viv_fault_add(lua->faults, here, NULL, "a machine's name: expected %s, got \"%.80s\"",
			      viv_rule_host_name.expected, name);
	else if (!viv_name_is_identifier(global) || is_keyword(lua, global))
		viv_fault_add(lua->faults, here, NULL,
			      "the machine %s can't be a global of that name in Lua: give it another name",
			      name);
	else if (is_library(lua, global) || viv_lua_is_reserved(lua, global) ||
		 viv_lua_is_test_function(lua, global) || viv_streq(global, "machines") ||
		 viv_streq(global, "nodes"))
		viv_fault_add(lua->faults, here, NULL,
			      "the machine %s would hide %s, which tests have: give it another name", name,
			      global);
	else if (is_variable(lua->test, global))
		viv_fault_add(lua->faults, here, NULL,
			      "the machine %s would be %s in Lua, which is a variable of this file: give "
			      "one of them another name",
			      name, global);
}

static void add_machine(struct viv_lua *lua, const char *name)
{
	struct viv_lua_test_file *t = lua->test;
	struct viv_origin *here = viv_lua_here(lua);
	char *global = viv_arena_strdup(lua->arena, name);

	for (size_t i = 0; i < t->n_machines; i++)
		if (viv_streq(t->machines[i].name, name))
			return;
	if (lua->cond)
		luaL_error(lua->L, "machines.%s: machines can't depend on a condition: name it outside "
				   "of mkIf first", name);
	if (t->n_machines >= VIV_LUA_MAX_MACHINES)
		luaL_error(lua->L, "more than %d machines", VIV_LUA_MAX_MACHINES);
	for (char *p = global; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", *p))
			*p = '_';
	check_name(lua, name, global, here);
	t->machines = viv_arena_grow(lua->arena, t->machines, &t->cap_machines, t->n_machines + 1,
				     sizeof(*t->machines));
	t->machines[t->n_machines++] =
		(struct viv_lua_machine){.name = name, .global = global, .origin = here};
	check_mixed(lua, here);
}

static struct viv_lua_scope *new_scope(struct viv_lua *lua, const struct viv_name *outer,
				       const char *name, bool wanted)
{
	struct viv_lua_scope *s = viv_arena_new(lua->arena, struct viv_lua_scope);

	s->written = viv_name_with(lua->arena, outer, name);
	s->wanted = wanted;
	return s;
}

static bool is_wanted(const struct viv_lua *lua, const char *name)
{
	const char *wanted = lua->test->spec->machine;

	return wanted && !lua->script && (viv_streq(name, "*") || viv_streq(name, wanted));
}

const struct viv_lua_scope *viv_lua_machine_scope(struct viv_lua *lua,
						  const struct viv_lua_scope *machines,
						  const char *name)
{
	if (!viv_streq(name, "*"))
		add_machine(lua, name);
	return new_scope(lua, &machines->written, name, is_wanted(lua, name));
}

static const struct viv_lua_scope *lone_scope(struct viv_lua *lua)
{
	struct viv_lua_test_file *t = lua->test;
	struct viv_name none = {0};

	if (!t->lone) {
		t->lone = viv_lua_here(lua);
		check_mixed(lua, t->lone);
		if (is_variable(t, "machine"))
			viv_fault_add(lua->faults, t->lone, NULL,
				      "machine is a variable of this file: give it another name");
	}
	return new_scope(lua, &none, "machine", is_wanted(lua, "machine"));
}

static const struct viv_lua_scope *all_scope(struct viv_lua *lua, const char *key)
{
	struct viv_name none = {0};
	struct viv_lua_scope *s = new_scope(lua, &none, key, true);

	s->machines = true;
	return s;
}

void viv_lua_push_machines(struct viv_lua *lua, const char *key)
{
	if (viv_streq(key, "machine"))
		viv_lua_push_scope(lua, lone_scope(lua));
	else
		viv_lua_push_scope(lua, all_scope(lua, key));
}

/*
 * Pushes a machine's table without its imports and options, which are no definitions and are taken
 * here.
 */
static void push_settings(struct viv_lua *lua, int index, const struct viv_origin *where)
{
	static const char *const others[] = {"imports", "options"};
	struct viv_name none = {0};
	lua_State *L = lua->L;

	lua_newtable(L);
	lua_pushnil(L);
	while (lua_next(L, index)) {
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_rawset(L, -4);
	}
	for (size_t i = 0; i < VIV_ARRAY_SIZE(others); i++) {
		struct viv_origin *origin = viv_arena_new(lua->arena, struct viv_origin);

		*origin = *where;
		if (lua_getfield(L, -1, others[i]) != LUA_TNIL && i == 0)
			viv_lua_add_imports(lua, lua->test->file, lua_gettop(L), origin);
		else if (!lua_isnil(L, -1))
			viv_lua_declare(lua, &none, lua_gettop(L), origin);
		lua_pop(L, 1);
		lua_pushnil(L);
		lua_setfield(L, -2, others[i]);
	}
}

/* Of any machine: as machines.web.imports = … in a block. */
static void check_imports(struct viv_lua *lua, int index)
{
	if (lua->cond && lua_istable(lua->L, index)) {
		lua_pushliteral(lua->L, "imports");
		if (lua_rawget(lua->L, index) != LUA_TNIL)
			luaL_error(lua->L, "imports can't depend on a condition");
		lua_pop(lua->L, 1);
	}
}

static void refuse_value(struct viv_lua *lua, const struct viv_lua_scope *scope,
			 const struct viv_value *v, const struct viv_origin *origin)
{
	VIV_STR got = VIV_STR_INIT;

	viv_value_describe(v, &got);
	viv_fault_add(lua->faults, origin, NULL,
		      "%s: expected a file (\"./%s.lua\") or settings ({ name = value, … }), got %s",
		      viv_name_text(lua->arena, &scope->written),
		      viv_name_is_identifier(scope->written.parts[scope->written.count - 1])
			      ? scope->written.parts[scope->written.count - 1]
			      : "machine",
		      got.data);
}

static void take_value(struct viv_lua *lua, const struct viv_lua_scope *scope, struct viv_value *v,
		       struct viv_origin *origin)
{
	struct viv_name none = {0};

	if (v->kind == VIV_VALUE_STRING || v->kind == VIV_VALUE_PATH) {
		if (lua->cond)
			luaL_error(lua->L, "a machine's file can't depend on a condition");
		viv_lua_add_import(lua, lua->test->file, v->text, origin, &none);
	} else if (v->kind == VIV_VALUE_SET || viv_value_is_wrapper(v)) {
		viv_lua_add_def(lua, &none, v, origin);
	} else if (v->kind != VIV_VALUE_EMPTY && v->kind != VIV_VALUE_BROKEN) {
		refuse_value(lua, scope, v, origin);
	}
}

void viv_lua_assign_machine(struct viv_lua *lua, const struct viv_lua_scope *scope, int index,
			    const struct viv_origin *where)
{
	struct viv_origin *origin = viv_lua_here(lua);
	size_t faults = lua->faults->count;
	struct viv_name none = {0};
	struct viv_value *v;
	int top;

	if (lua->evaluating)
		luaL_error(lua->L, "%s is assigned within a value's function: a function only returns a "
				   "value", viv_name_text(lua->arena, &scope->written));
	if (where)
		*origin = *where;
	else
		origin->lhs = scope->written;
	origin->within = scope->written;
	origin->is_end = true;
	index = lua_absindex(lua->L, index);
	top = lua_gettop(lua->L);
	check_imports(lua, index);
	if (!scope->wanted) {
		viv_lua_copy(lua, index, origin, &none); /* so that what is in it counts as used */
		lua->faults->count = faults;		 /* said when that machine is evaluated */
		return;
	}
	if (lua_istable(lua->L, index) && !lua_getmetatable(lua->L, index))
		push_settings(lua, index, origin);
	else
		lua_pushvalue(lua->L, index);
	v = viv_lua_copy(lua, -1, origin, &none);
	lua_settop(lua->L, top);
	take_value(lua, scope, v, origin);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of a table in their order; NULL: they aren't all names. Ends with NULL. */
static const char **keys_of(struct viv_lua *lua, int index)
{
	lua_State *L = lua->L;
	const char **all = NULL;
	size_t n = 0, cap = 0;
	bool ok = true;

	lua_pushnil(L);
	while (lua_next(L, index)) {
		lua_pop(L, 1);
		all = viv_arena_grow(lua->arena, all, &cap, n + 2, sizeof(*all));
		if (lua_type(L, -1) == LUA_TSTRING)
			all[n++] = viv_arena_strdup(lua->arena, viv_lua_check_text(L, -1));
		else
			ok = false;
	}
	if (n)
		qsort(all, n, sizeof(*all), compare_names);
	else
		all = viv_arena_array(lua->arena, const char *, 1);
	all[n] = NULL;
	return ok ? all : NULL;
}

/* machines = { client = …, … } */
static void assign_all(struct viv_lua *lua, const char *key, int index)
{
	const struct viv_lua_scope *all = all_scope(lua, key);
	struct viv_origin *origin = viv_lua_here(lua);
	const char **names = NULL;

	origin->lhs = all->written;
	if (lua_istable(lua->L, index))
		names = keys_of(lua, index);
	if (!names)
		viv_fault_add(lua->faults, origin, NULL,
			      "%s: expected { name = { … }, … }: machines by their names", key);
	for (; names && *names; names++) {
		lua_pushstring(lua->L, *names);
		lua_rawget(lua->L, index);
		viv_lua_assign_machine(lua, viv_lua_machine_scope(lua, all, *names), -1, origin);
		lua_pop(lua->L, 1);
	}
}

void viv_lua_assign_machines(struct viv_lua *lua, const char *key, int index)
{
	if (viv_streq(key, "machine"))
		viv_lua_assign_machine(lua, lone_scope(lua), index, NULL);
	else
		assign_all(lua, key, index);
}

bool viv_lua_in_test_file(struct viv_lua *lua)
{
	lua_Debug ar;

	for (int level = 0; level < 1000 && lua_getstack(lua->L, level, &ar); level++) {
		const struct viv_lua_file *f;

		lua_getinfo(lua->L, "S", &ar);
		f = (const struct viv_lua_file *)viv_lua_file_of_chunk(lua, ar.source);
		if (f && !f->library)
			return f == lua->test->file;
	}
	return true;
}

bool viv_lua_statement_option(const struct viv_lua *lua, const struct viv_lua_file *file,
			      const struct viv_name *written, struct viv_name *ret)
{
	size_t n = viv_streq(written->parts[0], "machine") ? 1 : 2;

	if (file != lua->test->file) {
		*ret = *written;
		return true;
	}
	if (n == 2 && !viv_streq(written->parts[0], "machines") &&
	    !viv_streq(written->parts[0], "nodes"))
		return false;
	if (written->count <= n || !is_wanted(lua, written->parts[n - 1]))
		return false;
	*ret = viv_name_rest(written, n);
	return true;
}

static void define_default(struct viv_lua *lua, struct viv_origin *origin, const char *option, struct viv_value *value)
{
	struct viv_value *v = viv_value_new(lua->arena, VIV_VALUE_OVERRIDE, origin);
	struct viv_name name;

	viv_name_parse(lua->arena, option, &name);
	v->height = value->height + 1;
	v->wrap.number = VIV_PRIORITY_TEST;
	v->wrap.inner = value;
	viv_lua_add_def(lua, &name, v, origin);
}

void viv_lua_define_machine(struct viv_lua *lua)
{
	struct viv_lua_test_file *t = lua->test;
	struct viv_origin *origin = viv_arena_new(lua->arena, struct viv_origin);
	VIV_JSON *vlans = json_pack("[i]", 1);
	struct viv_value *level;

	if (!t->spec->machine || !t->file)
		return;
	t->defined = true;
	origin->file = &t->file->file;
	for (size_t i = 0; i < t->n_machines; i++)
		if (viv_streq(t->machines[i].name, t->spec->machine))
			*origin = *t->machines[i].origin;
	if (t->lone)
		*origin = *t->lone;
	define_default(lua, origin, "networking.hostName",
		       viv_value_text(lua->arena, VIV_VALUE_STRING, t->spec->machine, origin));
	/* Warnings are seen on the console: what lockdep finds is one. */
	level = viv_value_new(lua->arena, VIV_VALUE_INT, origin);
	level->i = 5;
	define_default(lua, origin, "boot.consoleLogLevel", level);
	define_default(lua, origin, "virtualisation.vlans", viv_value_from_json(lua->arena, vlans, origin));
}
