/* SPDX-License-Identifier: MIT */
#include "config/lua/test.h"

/* What to say to people who write as they are used to from Nix, shells and other languages. */

#define ONE_FILE(text)	"a machine file " text, "a test " text
#define ALL_FILES(text) "machine files " text, "tests " text

static const struct {
	const char *name, *hint;
	const char *in_tests; /* in functions of a test; NULL: the same */
} foreign_names[] = {
	{"lib", "mkForce, mkIf and the others are there without it: write mkForce(…)"},
	{"config", "the configuration is known when all files are read: write "
		   "function(config) return … end as the value"},
	{"builtins", "Nix's builtins are not there; Lua's string, table and math are"},
	{"with", "there is no with: write pkgs[[ htop tmux ]]"},
	{"rec", "there is no rec: write local names above"},
	{"inherit", "there is no inherit: write name = name"},
	{"let", "a variable is written local name = value"},
	{"import", "other files are named in imports = { \"./file.lua\" }, libraries with require"},
	{"yes", "write true"},
	{"no", "write false"},
	{"on", "write true"},
	{"off", "write false"},
	{"True", "write true"},
	{"False", "write false"},
	{"None", "write null"},
	{"undefined", "write null"},
	{"io", ONE_FILE("reads no files: path(\"./file\") names one")},
	{"os", ONE_FILE("gives the same result on every machine: there is no clock and no "
			"environment")},
	{"debug", ALL_FILES("do without it")},
	{"package", "require \"./lib.lua\" loads a file"},
	{"coroutine", ALL_FILES("do without it")},
	{"load", ONE_FILE("runs no code from text: require \"./lib.lua\" loads a file")},
	{"loadstring", ONE_FILE("runs no code from text: require \"./lib.lua\" loads a file")},
	{"loadfile", "require \"./lib.lua\" loads a file"},
	{"dofile", "require \"./lib.lua\" loads a file, imports = { \"./file.lua\" } a part of the "
		   "machine"},
	{"pcall", "an error ends a machine file, nothing catches it"},
	{"xpcall", "an error ends a machine file, nothing catches it"},
	{"collectgarbage", ALL_FILES("do without it")},
	{"rawget", ALL_FILES("do without it")},
	{"rawset", ALL_FILES("do without it")},
	{"rawequal", ALL_FILES("do without it")},
	{"rawlen", ALL_FILES("do without it")},
	{"_G", ALL_FILES("do without it")},
	{"_VERSION", ALL_FILES("do without it")},
};

/* The sandbox's functions and the options' first parts: what a global may be meant to be. */
static void suggest_global(struct viv_lua *lua, const char *name, bool call, struct viv_strv *ret)
{
	VIV_STRV names = VIV_STRV_INIT;
	lua_State *L = lua->L;

	lua_rawgeti(L, LUA_REGISTRYINDEX, lua->libraries);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		if (lua_isfunction(L, -1) || !call)
			viv_strv_push(&names, lua_tostring(L, -2));
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	for (size_t i = 0; !call && i < lua->ev->root->n_children; i++)
		viv_strv_push(&names, lua->ev->root->children[i]->key);
	viv_strv_sort(&names);
	viv_suggest(name, (const char *const *)names.items, names.count, 1, ret);
}

const char *viv_lua_foreign_hint(const struct viv_lua *lua, const char *name)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(foreign_names); i++)
		if (viv_streq(foreign_names[i].name, name))
			return lua->script && foreign_names[i].in_tests ? foreign_names[i].in_tests
									: foreign_names[i].hint;
	return NULL;
}

static void report_global(struct viv_lua *lua, const struct viv_lua_read *r)
{
	const char *name = r->name.parts[0], *into = viv_name_text(lua->arena, &r->into);
	const char *between = r->into.count ? ": " : "", *hint = viv_lua_foreign_hint(lua, name);
	VIV_STRV near = VIV_STRV_INIT;

	if (hint) {
		viv_fault_add(lua->faults, r->origin, &r->into, "%s%sno %s here: %s", into, between,
			      name, hint);
		return;
	}
	if (r->use == VIV_LUA_CALLED || r->use == VIV_LUA_OPERATED)
		hint = viv_lua_syntax_hint(lua, r->origin->file, r->origin->line);
	if (hint) {
		viv_fault_add(lua->faults, r->origin, &r->into, "%s", hint);
		return;
	}
	suggest_global(lua, name, r->use == VIV_LUA_CALLED, &near);
	if (r->use == VIV_LUA_CALLED && near.count)
		viv_fault_add(lua->faults, r->origin, &r->into, "no function %s (did you mean %s?)",
			      name, near.items[0]);
	else if (r->use == VIV_LUA_CALLED)
		viv_fault_add(lua->faults, r->origin, &r->into, "no function %s", name);
	else if (r->use == VIV_LUA_OPERATED)
		viv_fault_add(lua->faults, r->origin, &r->into,
			      "%s is not defined (a name with a dash in it is written "
			      "[\"a-b\"], text \"a-b\")",
			      name);
	else
		viv_fault_add(lua->faults, r->origin, &r->into,
			      "%s%s%s is not defined (text and packages are written in quotes: "
			      "\"%s\")",
			      into, between, name, name);
}

void viv_lua_report_method(struct viv_lua *lua, const struct viv_lua_scope *scope, const char *method,
			   const struct viv_origin *origin)
{
	viv_fault_add(lua->faults, origin, NULL,
		      "%s:%s(…): a machine's methods are called inside test(…), when it runs",
		      viv_name_text(lua->arena, &scope->written), method);
}

/* What is there in a test file, but not at its top level or not in a library. */
static const char *test_hint(struct viv_lua *lua, const char *name, const struct viv_origin *origin)
{
	const struct viv_lua_file *file = (const struct viv_lua_file *)origin->file;
	const struct viv_lua_machine *m = viv_lua_machine_of_global(lua, name);
	bool special = viv_streq(name, "machines") || viv_streq(name, "nodes") ||
		       viv_streq(name, "machine");

	if (!lua->test)
		return special || viv_lua_is_test_function(lua, name)
			       ? "is there in test files, which viv test reads"
			       : NULL;
	if (viv_lua_is_reserved(lua, name))
		return "is there inside test(…), when the machines run";
	if (m)
		return viv_arena_printf(lua->arena,
					"is a machine: it is used inside test(…), when it runs (its "
					"settings are %s)",
					viv_lua_machine_written(lua, m->name));
	if (special && file && file->library)
		return "is there in the test file: a library's functions are handed machines as arguments";
	if (special || viv_lua_is_test_function(lua, name))
		return "is there in the test file itself, and this is another";
	return NULL;
}

void viv_lua_report_undefined(struct viv_lua *lua, const struct viv_lua_read *r)
{
	const char *first = r->name.parts[0], *hint;
	struct viv_lua_read whole = *r;

	if (r->scope && r->use == VIV_LUA_CALLED && r->name.count == 1) {
		viv_lua_report_method(lua, r->scope, first, r->origin);
		return;
	}
	if (r->scope) {
		viv_eval_unknown(lua->ev, &r->name, r->origin);
		return;
	}
	hint = test_hint(lua, first, r->origin);
	if (hint) {
		viv_fault_add(lua->faults, r->origin, &r->into, "%s %s", first, hint);
		return;
	}
	whole.name.count = 1;
	if (viv_lua_foreign_hint(lua, first))
		report_global(lua, &whole);
	else if (r->name.count == 1)
		report_global(lua, r);
	else
		viv_eval_unknown(lua->ev, &r->name, r->origin);
}

/* ---- syntax errors ---- */

/*
 * Tokens i, i+1, …: each a text, or a class: "NAME", "STRING", "VALUE" (one of these or a number), "PLAIN" (a VALUE that
 * is not called: no method's name).
 */
struct pattern {
	const char *tokens[5];
	const char *hint;
	bool opens_line; /* the first is the first on its line */
};

static const struct pattern patterns[] = {
	{{"=", "["}, "a list is written { \"a\", \"b\" }, not [ … ]", false},
	{{"(", "["}, "a list is written { \"a\", \"b\" }, not [ … ]", false},
	{{";", "["},
	 "a list is written { \"a\", \"b\" }, not [ … ]; packages pkgs[[ a b ]]",
	 false},
	{{"with", "NAME", ";"}, "there is no with: write pkgs[[ htop tmux ]]", false},
	{{"let", "NAME"}, "a variable is written local name = value", false},
	{{"inherit", "NAME"}, "there is no inherit: write name = name", false},
	{{"rec", "{"}, "there is no rec: write local names above", false},
	{{"#"}, "a comment starts with --, not #", true},
	{{"/", "/"}, "a comment starts with --, not //", true},
	{{"//"}, "a comment starts with --, not //", true},
	{{"/", "*"}, "a comment starts with --, not /*", false},
	{{"++"}, "lists are joined by assigning twice, or mkMerge{ a, b }", false},
	{{"!="}, "unequal is written ~=", false},
	{{"&&"}, "write and, not &&", false},
	{{"||"}, "write or, not ||", false},
	{{"!"}, "write not, not !", false},
	{{"=", ".", "/"}, "a path is written in quotes: \"./file\"", false},
	{{"{", ".", "/"}, "a path is written in quotes: \"./file\"", false},
	{{",", ".", "/"}, "a path is written in quotes: \"./file\"", false},
	{{"(", ".", "/"}, "a path is written in quotes: \"./file\"", false},
	{{"{", "..", "/"}, "a path is written in quotes: \"../file\"", false},
	{{"=", "..", "/"}, "a path is written in quotes: \"../file\"", false},
	{{"mkIf", "NAME"},
	 "it is written mkIf(condition, value), with brackets and a comma",
	 false},
	{{"mkForce", "VALUE"}, "it is written mkForce(value), with brackets", false},
	{{"mkDefault", "VALUE"}, "it is written mkDefault(value), with brackets", false},
	{{"mkVMOverride", "VALUE"}, "it is written mkVMOverride(value), with brackets", false},
	{{"mkOverride", "VALUE"}, "it is written mkOverride(priority, value)", false},
	{{"=", "if"}, "a value that depends is written condition and a or b", false},
	{{"=", ";"}, "a value is missing before ;", false},
	{{"NAME", ":", "PLAIN"}, "a setting is written name = value, not name: value", false},
	{{"STRING", ":"}, "a setting is written name = value, not \"name\": value", false},
	{{"STRING", "="}, "a name in quotes is written [\"name\"] = value", false},
};

/* A name with arguments behind it; the last token is always the end. */
static bool is_called(const struct viv_token *t)
{
	return t->kind == VIV_TOKEN_NAME &&
	       (viv_token_is(&t[1], "(") || viv_token_is(&t[1], "{") || t[1].kind == VIV_TOKEN_STRING);
}

static bool matches(const struct viv_token *t, const char *want)
{
	if (viv_streq(want, "PLAIN"))
		return matches(t, "VALUE") && !is_called(t);
	if (viv_streq(want, "NAME"))
		return t->kind == VIV_TOKEN_NAME;
	if (viv_streq(want, "STRING"))
		return t->kind == VIV_TOKEN_STRING;
	if (viv_streq(want, "VALUE"))
		return t->kind == VIV_TOKEN_NAME || t->kind == VIV_TOKEN_STRING ||
		       t->kind == VIV_TOKEN_NUMBER;
	return viv_token_is(t, want);
}

static bool matches_all(const struct viv_token *t, const struct pattern *p)
{
	if (p->opens_line && !t->opens_line)
		return false;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(p->tokens) && p->tokens[i]; i++)
		if (t[i].kind == VIV_TOKEN_END || !matches(&t[i], p->tokens[i]))
			return false;
	return true;
}

/* name - name …, then "=" or ".": a name with dashes. */
static const char *dashed(struct viv_lua *lua, const struct viv_tokens *all, size_t i)
{
	const struct viv_token *t = all->items + i;
	VIV_STR name = VIV_STR_INIT, before = VIV_STR_INIT;
	size_t n = 1;

	if (t->kind != VIV_TOKEN_NAME || !viv_token_is(&t[1], "-") ||
	    (i && viv_token_is(&t[-1], "-")))
		return NULL;
	viv_str_add_bytes(&name, t->text.data, t->text.len);
	while (viv_token_is(&t[n], "-") &&
	       (t[n + 1].kind == VIV_TOKEN_NAME || t[n + 1].kind == VIV_TOKEN_NUMBER)) {
		viv_str_addf(&name, "-%.*s", (int)t[n + 1].text.len, t[n + 1].text.data);
		n += 2;
	}
	if (n == 1 || (!viv_token_is(&t[n], "=") && !viv_token_is(&t[n], ".")))
		return NULL;
	for (size_t k = 1; k + 1 <= i && viv_token_is(&t[-(ptrdiff_t)k], ".") && k + 1 <= i;
	     k += 2) {
		VIV_STR longer = VIV_STR_INIT;
		const struct viv_token *part = &t[-(ptrdiff_t)k - 1];

		if (part->kind != VIV_TOKEN_NAME)
			break;
		viv_str_addf(&longer, "%.*s%s%s", (int)part->text.len, part->text.data,
			     before.len ? "." : "", before.len ? before.data : "");
		viv_str_clear(&before);
		viv_str_add(&before, longer.data);
	}
	return viv_arena_printf(lua->arena, "a name with a dash is written %s[\"%s\"]",
				before.len ? before.data : "", name.data);
}

/* A file that begins as Nix files do: { config, pkgs, ... }: */
static bool is_nix(const struct viv_tokens *all)
{
	const struct viv_token *t = all->items;
	size_t i = 1;

	if (!all->count || !viv_token_is(&t[0], "{"))
		return false;
	while (i < all->count && (t[i].kind == VIV_TOKEN_NAME || viv_token_is(&t[i], ",") ||
				  viv_token_is(&t[i], "...")))
		i++;
	return i + 1 < all->count && viv_token_is(&t[i], "}") && viv_token_is(&t[i + 1], ":");
}

static const char *hint_at(struct viv_lua *lua, const struct viv_tokens *all, size_t i)
{
	const struct viv_token *t = &all->items[i];
	const char *hint = dashed(lua, all, i);

	if (hint)
		return hint;
	if (t->kind == VIV_TOKEN_STRING && !t->text.len && !t->long_string &&
	    t[1].kind == VIV_TOKEN_STRING && t->text.data[-1] == '\'' &&
	    t[1].text.data == t->text.data + 2)
		return "a string of several lines is written [[ … ]], not '' … ''";
	if (t->kind == VIV_TOKEN_STRING && !t->text.len && !t->long_string &&
	    t->text.data[-1] == '\'' &&
	    (t[1].kind == VIV_TOKEN_NAME || t[1].kind == VIV_TOKEN_OP) &&
	    !viv_token_is(&t[1], ",") && !viv_token_is(&t[1], "}") && !viv_token_is(&t[1], ")"))
		return "a string of several lines is written [[ … ]], not '' … ''";
	for (size_t k = 0; k < VIV_ARRAY_SIZE(patterns); k++)
		if (matches_all(t, &patterns[k]))
			return patterns[k].hint;
	return NULL;
}

const char *viv_lua_syntax_hint(struct viv_lua *lua, const struct viv_file *file, int line)
{
	struct viv_slice text = {file->text, file->len};
	struct viv_tokens all = viv_scan(lua->arena, text);

	if (is_nix(&all))
		return "this looks like Nix; machine files are in Lua (viv init writes one to "
		       "start "
		       "from)";
	for (int back = 0; back < 2; back++) {
		for (size_t i = 0; i < all.count && all.items[i].line <= line; i++) {
			const char *hint =
				all.items[i].line == line - back ? hint_at(lua, &all, i) : NULL;

			if (hint)
				return hint;
		}
	}
	return NULL;
}
