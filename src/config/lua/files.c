/* SPDX-License-Identifier: MIT */
#include "config/lua/test.h"

#include "base/fd.h"
#include "base/path.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/* Machine files and what they import; libraries that they require. */

static struct viv_lua_file *find_file(struct viv_lua *lua, const char *path, bool library)
{
	for (size_t i = 0; i < lua->n_files; i++) {
		struct viv_lua_file *f = lua->files[i];

		if (f->library == library && f->file.path && viv_streq(f->file.path, path))
			return f;
	}
	return NULL;
}

static struct viv_lua_file *add_file(struct viv_lua *lua, const char *path, const char *shown,
				     int tier)
{
	struct viv_lua_file *f = viv_arena_new(lua->arena, struct viv_lua_file);

	lua->files = viv_arena_grow(lua->arena, lua->files, &lua->cap_files, lua->n_files + 1,
				    sizeof(struct viv_lua_file *));
	lua->files[lua->n_files++] = f;
	if (lua->test && !lua->test->file)
		lua->test->file = f;
	f->file.shown = shown;
	f->file.path = path;
	f->file.tier = tier;
	return f;
}

/* Relative to the current folder when that is shorter. */
static const char *shorten(struct viv_lua *lua, const char *path)
{
	char cwd[PATH_MAX];
	size_t n;

	if (path[0] != '/' || !getcwd(cwd, sizeof(cwd)))
		return path;
	n = strlen(cwd);
	if (strncmp(path, cwd, n) == 0 && path[n] == '/')
		return viv_arena_strdup(lua->arena, path + n + 1);
	return path;
}

/* As the file that names it is shown: "examples/vm.lua" and "./common.lua": "examples/common.lua".
 */
static const char *shown_beside(struct viv_lua *lua, const struct viv_lua_file *from,
				const char *path, const char *absolute)
{
	VIV_FREE char *dir = viv_path_dir(from->file.shown);
	VIV_FREE char *joined = viv_path_join(viv_streq(dir, ".") ? "" : dir, path);
	VIV_FREE char *clean = viv_path_clean(joined);
	const char *near = shorten(lua, absolute);

	if (path[0] == '/' || from->stock || strlen(near) < strlen(clean))
		return near;
	return viv_arena_strdup(lua->arena, clean);
}

/* Without "..": links in it are not followed, so that messages name what the user wrote. */
static char *fold(const char *path)
{
	VIV_FREE char *clean = viv_path_clean(path);
	struct viv_str out = VIV_STR_INIT;

	for (const char *p = clean; *p;) {
		size_t n;

		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			while (out.len && out.data[--out.len] != '/')
				;
			if (out.data)
				out.data[out.len] = '\0';
		} else if (n) {
			viv_str_add_char(&out, '/');
			viv_str_add_bytes(&out, p, n);
		}
		p += n;
	}
	if (!out.len)
		viv_str_add_char(&out, '/');
	return viv_str_steal(&out);
}

const char *viv_lua_resolve(struct viv_lua *lua, const struct viv_lua_file *from, const char *path,
			    const struct viv_origin *origin, const struct viv_name *name)
{
	VIV_FREE char *joined = NULL, *folded = NULL;

	if (viv_starts_with(path, "~/") && getenv("HOME")) {
		joined = viv_path_join(getenv("HOME"), path + 2);
		folded = fold(joined);
		return viv_arena_strdup(lua->arena, folded);
	}
	if (path[0] != '/' && !viv_starts_with(path, "./") && !viv_starts_with(path, "../") &&
	    !viv_streq(path, ".") && !viv_streq(path, "..")) {
		viv_fault_add(lua->faults, origin, name,
			      "\"%s\": a file's path starts with ./, ../, / or ~/", path);
		return NULL;
	}
	if (path[0] != '/' && !from->file.folder) {
		viv_fault_add(lua->faults, origin, name, "\"%s\": a stock module has no folder",
			      path);
		return NULL;
	}
	joined = viv_path_join(path[0] == '/' ? "/" : from->file.folder, path);
	folded = fold(joined);
	return viv_arena_strdup(lua->arena, folded);
}

/* Reads a file into f->file.text. */
static bool read_text(struct viv_lua *lua, struct viv_lua_file *f, const struct viv_origin *origin,
		      const struct viv_name *name)
{
	VIV_STR text = VIV_STR_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;
	struct stat st;
	int r = -1;

	if (lua->test && lua->test->file == f && lua->test->spec->text) {
		f->file.text = viv_arena_strdup(lua->arena, lua->test->spec->text);
		f->file.len = strlen(f->file.text);
		return true;
	}
	if (lua->n_files > VIV_LUA_MAX_FILES)
		viv_error_say(&err, EMFILE, "more than %d files", VIV_LUA_MAX_FILES);
	else if (viv_ends_with(f->file.path, ".nix"))
		viv_error_say(&err, EINVAL, "%s is in Nix; machine files are in Lua (see viv init)",
			      f->file.shown);
	else if (stat(f->file.path, &st) < 0)
		viv_error_set(&err, errno, "cannot read %s", f->file.shown);
	else if (!S_ISREG(st.st_mode))
		viv_error_say(&err, EINVAL, "cannot read %s: %s", f->file.shown,
			      S_ISDIR(st.st_mode) ? "it is a folder" : "it is no file");
	else
		r = viv_read_file(f->file.path, VIV_LUA_MAX_FILE, &text, &err);
	if (r == 0 && text.len && text.data[0] != '\x1b' && memchr(text.data, '\0', text.len))
		r = viv_error_say(&err, EINVAL, "cannot read %s: it is not text", f->file.shown);
	if (r < 0) {
		viv_fault_add(lua->faults, origin, name, "%s", err.msg);
		return false;
	}
	f->file.text = viv_arena_strndup(lua->arena, text.data ? text.data : "", text.len);
	f->file.len = text.len;
	return true;
}

static void syntax_error(struct viv_lua *lua, struct viv_lua_file *f)
{
	const char *text = lua_tostring(lua->L, -1), *hint;
	struct viv_origin at = {.file = &f->file};
	uint64_t line = 0;
	size_t n = text ? strcspn(text, ":") : 0, digits;

	if (!text)
		text = "cannot be read";
	if (text[0] == '#' && text[n] == ':') {
		digits = strspn(text + n + 1, "0123456789");
		viv_slice_u64((struct viv_slice){text + n + 1, digits}, INT32_MAX, &line);
		text += n + 1 + digits;
		text += strspn(text, ": ");
	}
	at.line = (int)line;
	hint = viv_lua_syntax_hint(lua, &f->file, at.line);
	if (strstr(text, "C stack overflow"))
		hint = "brackets, blocks or functions too deep in each other";
	if (hint)
		viv_fault_add(lua->faults, &at, NULL, "%s", hint);
	else
		viv_fault_add(lua->faults, &at, NULL, "not valid Lua: %.500s", text);
}

/* Compiles a file's text; pushes its function. */
static bool compile(struct viv_lua *lua, struct viv_lua_file *f)
{
	lua_State *L = lua->L;
	char chunk[32];
	const char *text = f->file.text;
	size_t len = f->file.len, number = 0;

	while (lua->files[number] != f)
		number++;
	snprintf(chunk, sizeof(chunk), "=#%zu", number);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3, len -= 3;
	lua->failed_at = (struct viv_origin){.file = &f->file};
	if (len && text[0] == '\033') {
		viv_fault_add(lua->faults, &lua->failed_at, NULL, "this is compiled Lua, not text");
		return false;
	}
	if (luaL_loadbufferx(L, text, len, chunk, "t") != LUA_OK) {
		syntax_error(lua, f);
		lua_pop(L, 1);
		return false;
	}
	viv_lua_push_env(lua, f);
	if (lua->test && lua->test->file == f) {
		lua_pushvalue(L, -1);
		lua->test->env = luaL_ref(L, LUA_REGISTRYINDEX);
	}
	lua_setupvalue(L, -2, 1);
	return true;
}

/* A table keeps no trace of a nil that was written into it: it is looked for in the text. */
static void report_nils(struct viv_lua *lua, struct viv_lua_file *f)
{
	VIV_STR open = VIV_STR_INIT;
	const struct viv_tokens *t;
	size_t at = 0;
	bool member;

	if (!memmem(f->file.text, f->file.len, "nil", 3))
		return;
	t = &viv_lua_scanned(lua, f)->tokens;
	while (viv_scan_nil(*t, &open, &at, &member)) {
		struct viv_origin origin = {.file = &f->file, .line = t->items[at - 1].line};

		/* What tests do when they run is theirs. */
		if (lua->test && lua->test->file == f && memchr(open.data, 'f', open.len))
			continue;
		viv_fault_add(lua->faults, &origin, NULL, "%s (a value of null is written null)",
			      member ? "a name in a table is given nil, which sets nothing: leave it out"
				     : "nil in a list leaves a hole in it: leave it out");
	}
}

static void load_imports(struct viv_lua *lua, struct viv_lua_file *f);

static void run_file(struct viv_lua *lua, struct viv_lua_file *f)
{
	size_t from = lua->n_wrappers;

	if (compile(lua, f)) {
		report_nils(lua, f);
		if (viv_lua_call(lua, 0, NULL))
			lua_pop(lua->L, 1);
		viv_lua_take_blocks(lua, from);
	}
	load_imports(lua, f);
	f->file.rank = lua->next_rank++; /* after those that it imports */
}

static const char *folder_of(struct viv_lua *lua, const char *path)
{
	VIV_FREE char *dir = viv_path_dir(path);

	return viv_arena_strdup(lua->arena, dir);
}

static void load(struct viv_lua *lua, const char *path, const char *shown, int tier,
		 const struct viv_lua_import *by)
{
	char real[PATH_MAX];
	const char *kept;
	struct viv_lua_file *f;

	kept = viv_arena_strdup(lua->arena, realpath(path, real) ? real : path);
	f = find_file(lua, kept, false);
	if (f && lua->test && f == lua->test->file)
		viv_fault_add(lua->faults, by->origin, &by->name,
			      "imports: %s is the test file: a machine can't import it", shown);
	if (f)
		return;
	f = add_file(lua, kept, shown, tier);
	f->file.folder = folder_of(lua, path);
	if (read_text(lua, f, by->origin, &by->name))
		run_file(lua, f);
}

static void unknown_module(struct viv_lua *lua, const struct viv_lua_import *by)
{
	VIV_STRV near = VIV_STRV_INIT;
	const char *names[256];
	size_t n = 0;

	while (viv_lua_modules[n].name && n < VIV_ARRAY_SIZE(names)) {
		names[n] = viv_lua_modules[n].name;
		n++;
	}
	viv_suggest(by->module, names, n, 1, &near);
	if (near.count)
		viv_fault_add(lua->faults, by->origin, &by->name,
			      "imports: no stock module \"%s\" (did you mean \"%s\"?)", by->module,
			      near.items[0]);
	else
		viv_fault_add(lua->faults, by->origin, &by->name,
			      "imports: no stock module \"%s\" (a file is written \"./%s\")",
			      by->module, by->module);
}

static void load_stock(struct viv_lua *lua, const struct viv_lua_import *by, int tier)
{
	const struct viv_lua_module *m = viv_lua_modules;
	struct viv_lua_file *f;

	while (m->name && !viv_streq(m->name, by->module))
		m++;
	if (!m->name) {
		unknown_module(lua, by);
		return;
	}
	if (find_file(lua, m->name, false))
		return;
	f = add_file(lua, m->name, m->name, tier);
	f->stock = true;
	f->file.text = m->text;
	f->file.len = m->len;
	run_file(lua, f);
}

static void load_import(struct viv_lua *lua, struct viv_lua_file *from,
			const struct viv_lua_import *import)
{
	const char *name = import->module, *path;

	if (name[0] != '.' && name[0] != '/') {
		load_stock(lua, import, from->file.tier);
		return;
	}
	path = viv_lua_resolve(lua, from, name, import->origin, &import->name);
	if (path)
		load(lua, path, shown_beside(lua, from, name, path), from->file.tier, import);
}

static void load_imports(struct viv_lua *lua, struct viv_lua_file *f)
{
	for (size_t i = 0; i < f->n_imports; i++)
		load_import(lua, f, &f->imports[i]);
}

void viv_lua_add_import(struct viv_lua *lua, struct viv_lua_file *file, const char *module,
			const struct viv_origin *origin, const struct viv_name *name)
{
	file->imports = viv_arena_grow(lua->arena, file->imports, &file->cap_imports,
				       file->n_imports + 1, sizeof(*file->imports));
	file->imports[file->n_imports++] =
		(struct viv_lua_import){.module = module, .origin = origin, .name = *name};
}

static void add_import(struct viv_lua *lua, struct viv_lua_file *file, const struct viv_value *v,
		       size_t index, const struct viv_origin *origin)
{
	struct viv_name name = viv_name_rest(&origin->lhs, origin->within.count);
	VIV_STR got = VIV_STR_INIT;

	if (v->kind == VIV_VALUE_BROKEN)
		return;
	name = viv_name_with(lua->arena, &name,
			     viv_arena_printf(lua->arena, "[%zu]", index));
	if (v->kind != VIV_VALUE_STRING && v->kind != VIV_VALUE_PATH) {
		viv_value_describe(v, &got);
		viv_fault_add(lua->faults, origin, &name,
			      "imports: expected \"./file.lua\" or a stock module's name, got %s",
			      got.data);
		return;
	}
	viv_lua_add_import(lua, file, v->text, origin, &name);
}

void viv_lua_add_imports(struct viv_lua *lua, struct viv_lua_file *file, int index,
			 struct viv_origin *origin)
{
	struct viv_name none = {0}, name = viv_name_with(lua->arena, &none, "imports");
	struct viv_value *v;

	v = viv_lua_copy(lua, index, origin, &name);
	if (v->kind == VIV_VALUE_LIST) {
		for (size_t i = 0; i < v->list.count; i++)
			add_import(lua, file, v->list.items[i], i + 1, origin);
	} else if (v->kind == VIV_VALUE_STRING || v->kind == VIV_VALUE_PATH) {
		viv_fault_add(lua->faults, origin, NULL,
			      "imports: expected a list: write { \"%s\" }", v->text);
	} else if (v->kind != VIV_VALUE_EMPTY && v->kind != VIV_VALUE_BROKEN) {
		viv_fault_add(lua->faults, origin, NULL, "imports: expected a list of file names");
	}
}

/* require "./lib.lua": a file of functions and values, run once. */
static int require_file(lua_State *L)
{
	struct viv_lua *lua = viv_lua_of(L);
	struct viv_lua_file *from = viv_lua_file_here(lua), *f;
	struct viv_origin *origin = viv_lua_here(lua);
	const char *path;

	if (lua_type(L, 1) != LUA_TSTRING || !from)
		return luaL_error(L, "it is written require \"./lib.lua\"");
	path = viv_lua_resolve(lua, from, viv_lua_check_text(L, 1), origin, NULL);
	if (!path)
		viv_lua_silent(L);
	f = find_file(lua, path, true);
	if (f && f->running)
		return luaL_error(L, "%s requires itself", f->file.shown);
	if (!f) {
		f = add_file(lua, path, shown_beside(lua, from, lua_tostring(L, 1), path),
			     from->file.tier);
		f->library = true;
		f->file.folder = folder_of(lua, path);
		f->file.rank = from->file.rank;
		f->result = LUA_NOREF;
		if (!read_text(lua, f, origin, NULL) || !compile(lua, f))
			viv_lua_silent(L);
		f->running = true;
		lua_call(L, 0, 1);
		f->running = false;
		if (lua_isnil(L, -1))
			return luaL_error(L,
					  "%s returns nothing: a required file ends with return …",
					  f->file.shown);
		f->result = luaL_ref(L, LUA_REGISTRYINDEX);
	}
	if (f->result == LUA_NOREF)
		viv_lua_silent(L);
	lua_rawgeti(L, LUA_REGISTRYINDEX, f->result);
	return 1;
}

void viv_lua_open_files(struct viv_lua *lua)
{
	lua_rawgeti(lua->L, LUA_REGISTRYINDEX, lua->libraries);
	lua_pushcfunction(lua->L, require_file);
	lua_setfield(lua->L, -2, "require");
	lua_pop(lua->L, 1);
}

void viv_lua_load(struct viv_lua *lua, const char *path, const char *shown, int tier)
{
	struct viv_lua_import by = {0};
	bool text = lua->test && !lua->test->file && lua->test->spec->text;

	load(lua, viv_arena_printf(lua->arena, "%s%s", path, text ? ".test" : ""), viv_arena_strdup(lua->arena, shown), tier,
	     &by);
}

void viv_lua_load_text(struct viv_lua *lua, const char *text, size_t len, const char *shown)
{
	struct viv_lua_file *f = add_file(lua, NULL, shown, 0);

	f->file.text = viv_arena_strndup(lua->arena, text, len);
	f->file.len = len;
	run_file(lua, f);
}
