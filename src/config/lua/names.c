/* SPDX-License-Identifier: MIT */
#include "config/lua/test.h"

/*
 * Names of options in a machine file. `networking.hostName = "vm"` reads the global `networking`,
 * which is a proxy, and assigns to a field of it, which becomes a definition. Nothing that is done
 * with a proxy is silently nothing: reading an option's value, using a name that isn't there,
 * arithmetic and so on are reported at their line; what they give is then an object that swallows
 * everything, so that the rest of the file is looked at too.
 */

#define NAME_CLASS   "viv.name"
#define BROKEN_CLASS "viv.broken"

struct name_proxy {
	struct viv_name name;
	const struct viv_lua_scope *scope; /* the machine of a test file; NULL: the machine */
	size_t read; /* index in lua->reads + 1; 0: a known group or set */
	struct viv_origin *origin;
	bool declaration; /* below `options` */
};

enum known { KNOWN_NOT, KNOWN_GROUP, KNOWN_SET, KNOWN_VALUE };

/* What a name is, as far as the options that are there now tell. */
static enum known classify(struct viv_lua *lua, const struct viv_name *name)
{
	size_t used = 0;
	struct viv_slot *s = viv_slot_find(lua->ev, name, &used);
	const struct viv_type *t = s ? s->type : NULL;

	if (!s)
		return KNOWN_NOT;
	for (; t && used < name->count; used++) {
		const struct viv_type *next = NULL;

		if (t->kind == VIV_TYPE_SET)
			next = t->of;
		for (size_t i = 0; t->kind == VIV_TYPE_SUBMODULE && i < t->n_fields; i++)
			if (viv_streq(t->fields[i].name, name->parts[used]))
				next = t->fields[i].type;
		if (!next)
			return viv_type_is_branch(t) ? KNOWN_NOT : KNOWN_VALUE;
		t = next;
	}
	return !t ? KNOWN_GROUP : viv_type_is_branch(t) ? KNOWN_SET : KNOWN_VALUE;
}

void viv_lua_push_broken(lua_State *L)
{
	lua_getfield(L, LUA_REGISTRYINDEX, "viv.the_broken");
}

bool viv_lua_is_broken(lua_State *L, int index)
{
	return luaL_testudata(L, index, BROKEN_CLASS) != NULL;
}

static struct name_proxy *to_name(lua_State *L, int index)
{
	return luaL_testudata(L, index, NAME_CLASS);
}

static void push_name(struct viv_lua *lua, const struct viv_lua_scope *scope,
		      const struct viv_name *name, size_t read, bool decl)
{
	struct name_proxy *p = lua_newuserdatauv(lua->L, sizeof(*p), 0);

	*p = (struct name_proxy){
		.name = *name, .scope = scope, .read = read, .declaration = decl};
	p->origin = read ? lua->reads[read - 1].origin : viv_lua_here(lua);
	luaL_setmetatable(lua->L, NAME_CLASS);
}

static size_t add_read(struct viv_lua *lua, const struct viv_lua_scope *scope,
		       const struct viv_name *name)
{
	struct viv_origin *here = viv_lua_here(lua);
	struct viv_lua_read *last = lua->n_reads ? &lua->reads[lua->n_reads - 1] : NULL;

	/* A loop reads the same one over and over. */
	if (last && !last->done && last->scope == scope && last->name.count == name->count &&
	    last->origin->file == here->file && last->origin->line == here->line &&
	    viv_streq(last->name.parts[name->count - 1], name->parts[name->count - 1]))
		return lua->n_reads;
	lua->reads = viv_arena_grow(lua->arena, lua->reads, &lua->cap_reads, lua->n_reads + 1,
				    sizeof(*lua->reads));
	lua->reads[lua->n_reads++] =
		(struct viv_lua_read){.name = *name, .scope = scope, .origin = here};
	return lua->n_reads;
}

static void report_value_read(struct viv_lua *lua, const struct viv_lua_scope *scope, const struct viv_name *name,
			      const struct viv_origin *origin)
{
	bool several = scope && scope->written.count > 1; /* the reader may be another of them */
	const char *text = viv_name_text(lua->arena, name);
	struct viv_name none = {0};

	/* NixOS's name: there the kernel is another option. */
	if (viv_streq(text, "boot.kernel")) {
		viv_fault_add(lua->faults, origin, &none, "%s is the kernel's package, and nothing is within it: the "
			      "settings of boot.kernel.sysctl are boot.sysctl; elsewhere write "
			      "function(config) return config.%s end, or ref \"%s\"", text, text, text);
		return;
	}
	viv_fault_add(lua->faults, origin, &none,
		      "%s: its value is only known when all files are read: write "
		      "function(config) return config.%s end, or ref \"%s\"%s",
		      text, text, text, several ? " (for another machine: a variable of the file, local x = …)" : "");
}

void viv_lua_push_read(struct viv_lua *lua, const struct viv_lua_scope *scope,
		       const struct viv_name *name)
{
	if (scope && !scope->wanted) {
		push_name(lua, scope, name, 0, false);
		return;
	}
	switch (classify(lua, name)) {
	case KNOWN_VALUE:
		report_value_read(lua, scope, name, viv_lua_here(lua));
		viv_lua_push_broken(lua->L);
		break;
	case KNOWN_NOT:
		push_name(lua, scope, name, add_read(lua, scope, name), false);
		break;
	default:
		push_name(lua, scope, name, 0, false);
	}
}

void viv_lua_push_options(struct viv_lua *lua, const struct viv_lua_scope *scope)
{
	push_name(lua, scope, &(struct viv_name){0}, 0, true);
}

void viv_lua_push_scope(struct viv_lua *lua, const struct viv_lua_scope *scope)
{
	push_name(lua, scope, &(struct viv_name){0}, 0, false);
}

void viv_lua_raise_faults(struct viv_lua *lua)
{
	const struct viv_fault *f = lua->faults->items;

	if (!lua->script || !lua->faults->count)
		return;
	lua->faults->count = 0;
	if (f->origin.line > 0 && f->origin.file != (const struct viv_file *)viv_lua_file_here(lua)) {
		/* In a library that doesn't load. */
		lua_pushfstring(lua->L, "%s:%d: %s", f->origin.file->shown, f->origin.line, f->text);
		lua_error(lua->L);
	}
	luaL_error(lua->L, "%s", f->text);
}

/* What is used as a value and is none: the message. In the arena. */
static const char *no_value(struct viv_lua *lua, const struct name_proxy *p)
{
	const char *text = viv_name_text(lua->arena, &p->name);

	if (!p->scope || p->name.count)
		return viv_arena_printf(lua->arena,
					"%s is a group of options, not a value (forgot the quotes?)",
					text);
	text = viv_name_text(lua->arena, &p->scope->written);
	return viv_arena_printf(lua->arena, p->scope->machines
						    ? "%s are the machines of the file, not a value"
						    : "%s is a machine, not a value",
				text);
}

/* machine:succeed(…) at the top level. */
static bool is_method(const struct name_proxy *p, enum viv_lua_use use)
{
	return use == VIV_LUA_CALLED && p->scope && p->name.count == 1 && !p->scope->machines;
}

#define OF_ANOTHER \
	"a machine's description sees no other's. What both need is a variable of the file (local x = …); " \
	"machines find each other by name"

/*
 * Of a machine that isn't evaluated now. What is wrong with its own settings is said when it is; here
 * only what would be wrong with another's.
 */
static void report_other_machine(struct viv_lua *lua, const struct name_proxy *p,
				 enum viv_lua_use use, const struct viv_name *into)
{
	struct viv_name whole = viv_name_join(lua->arena, &p->scope->written, &p->name);

	if (is_method(p, use))
		viv_lua_report_method(lua, p->scope, p->name.parts[0], p->origin);
	else if (use == VIV_LUA_COPIED)
		viv_fault_add(lua->faults, p->origin, into,
			      "%s%s%s can't be read here: " OF_ANOTHER,
			      into && into->count ? viv_name_text(lua->arena, into) : "",
			      into && into->count ? ": " : "", viv_name_text(lua->arena, &whole));
}

bool viv_lua_use_name(struct viv_lua *lua, int index, enum viv_lua_use use,
		      const struct viv_name *into)
{
	struct name_proxy *p = to_name(lua->L, index);

	if (!p)
		return viv_lua_is_broken(lua->L, index);
	if (p->scope && !p->scope->wanted && !p->scope->machines && p->name.count) {
		report_other_machine(lua, p, use, into);
		return true;
	}
	if (p->read) {
		struct viv_lua_read *r = &lua->reads[p->read - 1];

		r->use = use;
		if (into)
			r->into = *into;
		return true;
	}
	viv_fault_add(lua->faults, p->origin, into, "%s%s%s",
		      into && into->count ? viv_name_text(lua->arena, into) : "",
		      into && into->count ? ": " : "", no_value(lua, p));
	return true;
}

/* An item of another machine's list. */
static void report_item(struct viv_lua *lua, const struct name_proxy *p)
{
	struct viv_name whole = viv_name_join(lua->arena, &p->scope->written, &p->name);

	viv_fault_add(lua->faults, viv_lua_here(lua), NULL, "%s[…] can't be read here: " OF_ANOTHER,
		      viv_name_text(lua->arena, &whole));
}

/* Any key as part of a name; NULL: raises no error, the fault is reported. */
static const char *key_part(struct viv_lua *lua, int index, const struct name_proxy *p, bool reads)
{
	const struct viv_name *name = p->scope && !p->name.count ? &p->scope->written : &p->name;

	if (lua_type(lua->L, index) == LUA_TSTRING)
		return viv_arena_strdup(lua->arena, viv_lua_check_text(lua->L, index));
	if (reads && p->scope && !p->scope->wanted && p->name.count && lua_type(lua->L, index) == LUA_TNUMBER) {
		report_item(lua, p);
		return NULL;
	}
	viv_fault_add(
		lua->faults, viv_lua_here(lua), NULL,
		"%s[…]: a name is expected there, got a %s: lists are assigned whole, and append",
		viv_name_text(lua->arena, name), luaL_typename(lua->L, index));
	return NULL;
}

/* A description has no methods, and what is set now is set too late. */
static void refuse_running(struct viv_lua *lua, const struct name_proxy *p)
{
	const struct viv_name *written = p->scope ? &p->scope->written : NULL;

	if (lua->script && written)
		luaL_error(lua->L,
			   "%s is the description of a machine here; the machine itself is %s",
			   viv_name_text(lua->arena, written),
			   viv_lua_machine_global(lua, written->parts[written->count - 1]));
	if (lua->script)
		luaL_error(lua->L, "%s is an option: settings stand outside of test(…)",
			   viv_name_text(lua->arena, &p->name));
}

static int name_index(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct name_proxy *p = to_name(L, 1);
	const char *part;
	struct viv_name name;

	refuse_running(lua, p);
	part = key_part(lua, 2, p, true);
	if (part && p->scope && p->scope->machines) {
		viv_lua_push_scope(lua, viv_lua_machine_scope(lua, p->scope, part));
		return 1;
	}
	if (part && p->scope && !p->name.count && viv_streq(part, "options")) {
		viv_lua_push_options(lua, p->scope);
		return 1;
	}
	if (!part) {
		viv_lua_push_broken(L);
		return 1;
	}
	name = viv_name_with(lua->arena, &p->name, part);
	if (p->declaration) {
		push_name(lua, p->scope, &name, 0, true);
		return 1;
	}
	if (p->read)
		lua->reads[p->read - 1].done = true;
	viv_lua_push_read(lua, p->scope, &name);
	return 1;
}

static int name_newindex(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct name_proxy *p = to_name(L, 1);
	const char *part;
	struct viv_name name;

	refuse_running(lua, p);
	part = key_part(lua, 2, p, false);
	if (p->read)
		lua->reads[p->read - 1].done = true;
	if (part && p->scope && !p->name.count && !p->declaration &&
	    viv_lua_set_machine(lua, p->scope, part, 3))
		return 0;
	if (!part)
		return 0;
	name = viv_name_with(lua->arena, &p->name, part);
	viv_lua_assign(lua, p->scope, &name, p->declaration, 3);
	return 0;
}

/* Whatever else is done with one of our objects. */
static int misuse(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	bool seen = false;

	for (int i = 1; i <= 2 && i <= lua_gettop(L); i++)
		if (lua_isuserdata(L, i) && viv_lua_use_name(lua, i, VIV_LUA_OPERATED, NULL))
			seen = true;
	for (int i = 1; !seen && i <= 2 && i <= lua_gettop(L); i++) {
		struct viv_lua_object *o = viv_lua_to_object(L, i);
		VIV_STR text = VIV_STR_INIT;

		if (!o)
			continue;
		viv_value_describe(o->value, &text);
		viv_fault_add(
			lua->faults, viv_lua_here(lua), NULL, "%s can only be assigned%s",
			text.data,
			o->value->kind == VIV_VALUE_REF
				? ": to compute with the value write function(config) return … end"
				: "");
		seen = true;
	}
	if (!seen)
		return luaL_error(L, "this can't be done with it");
	viv_lua_raise_faults(lua);
	viv_lua_push_broken(L);
	return 1;
}

static int misuse_call(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);

	if (!viv_lua_use_name(lua, 1, VIV_LUA_CALLED, NULL))
		return misuse(L);
	viv_lua_raise_faults(lua);
	viv_lua_push_broken(L);
	return 1;
}

void viv_lua_add_misuse(lua_State *L)
{
	static const char *const events[] = {
		"__add",    "__sub",  "__mul", "__div",	 "__mod",   "__pow",	  "__unm",
		"__idiv",   "__band", "__bor", "__bxor", "__bnot",  "__shl",	  "__shr",
		"__concat", "__len",  "__lt",  "__le",	 "__index", "__newindex", "__tostring",
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(events); i++) {
		lua_pushcfunction(L, misuse);
		lua_setfield(L, -2, events[i]);
	}
	lua_pushcfunction(L, misuse_call);
	lua_setfield(L, -2, "__call");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
}

static int broken_any(lua_State *L)
{
	viv_lua_push_broken(L);
	return 1;
}

static int broken_text(lua_State *L)
{
	lua_pushliteral(L, "?");
	return 1;
}

/* Swallows everything; ends loops (a call of it would be one: for x in broken do). */
static void open_broken(lua_State *L)
{
	static const char *const any[] = {"__add", "__sub", "__mul",  "__div",	  "__mod",
					  "__pow", "__unm", "__idiv", "__concat", "__index"};

	lua_newuserdatauv(L, 1, 0);
	luaL_newmetatable(L, BROKEN_CLASS);
	viv_lua_add_misuse(L);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(any); i++) {
		lua_pushcfunction(L, broken_any);
		lua_setfield(L, -2, any[i]);
	}
	lua_pushcfunction(L, broken_text);
	lua_setfield(L, -2, "__tostring");
	lua_setmetatable(L, -2);
	lua_setfield(L, LUA_REGISTRYINDEX, "viv.the_broken");
}

void viv_lua_open_names(struct viv_lua *lua)
{
	lua_State *L = lua->L;

	luaL_newmetatable(L, NAME_CLASS);
	viv_lua_add_misuse(L);
	lua_pushcfunction(L, name_index);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, name_newindex);
	lua_setfield(L, -2, "__newindex");
	lua_pop(L, 1);
	open_broken(L);
}

static void report_read(struct viv_lua *lua, struct viv_lua_read *r)
{
	const char *name = viv_name_text(lua->arena, &r->name);
	const char *into = viv_name_text(lua->arena, &r->into);
	const char *between = r->into.count ? ": " : "";
	enum known k = classify(lua, &r->name);

	if (k == KNOWN_VALUE)
		report_value_read(lua, r->scope, &r->name, r->origin);
	else if (k != KNOWN_NOT && r->use == VIV_LUA_READ)
		return;
	else if (k != KNOWN_NOT)
		viv_fault_add(lua->faults, r->origin, &r->into,
			      "%s%s%s is a group of options, not a value (forgot the quotes?)",
			      into, between, name);
	else
		viv_lua_report_undefined(lua, r);
}

void viv_lua_report_reads(struct viv_lua *lua)
{
	for (size_t i = 0; i < lua->n_reads; i++) {
		struct viv_lua_read *r = &lua->reads[i];

		if (!r->done)
			report_read(lua, r);
		r->done = true;
	}
}
