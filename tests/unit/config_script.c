/* SPDX-License-Identifier: MIT */

/* Functions of test files that run: what they see, how their errors come out, how they are ended. */

#include "unit.h"

#include "base/fd.h"
#include "base/loop.h"
#include "base/path.h"
#include "config/lua/script.h"

#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <sys/time.h>

static const char *const reserved[] = {"log", "subtest", NULL};

struct fixture {
	struct viv_report report; /* first */
	struct viv_str printed;
	char *folder;
	struct viv_lua_script *script;
	struct viv_lua_note note;
	int saved; /* what client.save was given */
	int (*lookup)(lua_State *L, void *arg);
};

/* ---- what the driver would have ---- */

/* client:save(n): n is kept; returns n + 1. client:fail(what): raises what it is given. */
static int client_save(lua_State *L)
{
	struct fixture *f = lua_touserdata(L, lua_upvalueindex(1));

	f->saved = (int)luaL_checkinteger(L, 2);
	lua_pushinteger(L, f->saved + 1);
	return 1;
}

static int client_fail(lua_State *L)
{
	luaL_checkany(L, 2);
	lua_settop(L, 2);
	return lua_error(L);
}

/* A wait that ends at the deadline. */
static int client_wait(lua_State *L)
{
	viv_lua_script_stop(viv_lua_script_of(L), -ETIMEDOUT);
}

/* subtest(name, fn): calls it, errors go on. */
static int subtest(lua_State *L)
{
	struct viv_lua_script *s = viv_lua_script_of(L);
	int r;

	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	r = viv_lua_script_call(s, 0, 0, NULL);
	if (r < 0)
		viv_lua_script_raise(s, r);
	return 0;
}

static int lookup(lua_State *L, void *arg)
{
	const char *name = lua_tostring(L, -1);

	if (viv_streq(name, "subtest")) {
		lua_pushcfunction(L, subtest);
		return 1;
	}
	if (!viv_streq(name, "client") && !viv_streq(name, "web_1"))
		return 0;
	lua_newtable(L);
	lua_pushlightuserdata(L, arg);
	lua_pushcclosure(L, client_save, 1);
	lua_setfield(L, -2, "save");
	lua_pushcfunction(L, client_fail);
	lua_setfield(L, -2, "fail");
	lua_pushcfunction(L, client_wait);
	lua_setfield(L, -2, "wait");
	return 1;
}

static void keep(struct viv_report *r, enum viv_level level, const char *text)
{
	viv_str_addf(&((struct fixture *)r)->printed, "%s\n", text);
}

static int load(struct fixture *f, const char *text, struct viv_error *err)
{
	const struct viv_config_test test = {.reserved = reserved};
	VIV_FREE char *path = viv_path_join(f->folder, "web.test.lua");
	const struct viv_lua_script_spec spec = {.path = path,
						 .shown = "web.test.lua",
						 .test = &test,
						 .report = &f->report,
						 .lookup = f->lookup,
						 .arg = f,
						 .note = &f->note};

	assert_int_equal(viv_write_file(path, text, strlen(text), 0644, NULL), 0);
	viv_lua_script_free(viv_steal(f->script));
	return viv_lua_script_load(&spec, &f->script, err);
}

/* Runs test a of the file; the error's text and then its trace, a line each. */
static int run_within(struct fixture *f, const char *text, int64_t ms, struct viv_str *ret)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STRV trace = VIV_STRV_INIT;
	lua_State *L;
	int r = load(f, text, &err), top;

	if (r < 0)
		print_error("%s\n", err.msg);
	assert_int_equal(r, 0);
	L = viv_lua_script_state(f->script);
	top = lua_gettop(L);
	assert_false(viv_lua_script_push(f->script, "none"));
	assert_true(viv_lua_script_push(f->script, "a"));
	viv_lua_script_set_deadline(f->script, viv_now_ms() + ms);
	r = viv_lua_script_call(f->script, 0, 0, &trace);
	viv_str_clear(ret);
	if (r == -EINVAL) {
		viv_str_addf(ret, "%s\n", lua_isstring(L, -1) ? lua_tostring(L, -1) : luaL_typename(L, -1));
		lua_pop(L, 1);
	}
	for (size_t i = 0; i < trace.count; i++)
		viv_str_addf(ret, "%s\n", trace.items[i]);
	assert_int_equal(lua_gettop(L), top);
	return r;
}

static int run(struct fixture *f, const char *text, struct viv_str *ret)
{
	return run_within(f, text, 60000, ret);
}

static int set_up(void **state)
{
	struct fixture *f = viv_new(struct fixture);

	f->report.message = keep;
	f->lookup = lookup;
	f->folder = test_dir("script");
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	viv_lua_script_free(f->script);
	viv_str_free(&f->printed);
	viv_remove_tree(f->folder, NULL);
	free(f->folder);
	free(f);
	return 0;
}

/* ---- the tests ---- */

static void globals(void **state)
{
	struct fixture *f = *state;
	VIV_STR out = VIV_STR_INIT;
	VIV_FREE char *lib = viv_path_join(f->folder, "lib.lua");
	static const char library[] = "local M = {}\n"
				      "function M.twice(n) return client:save(n) * 2 end\n"
				      "return M\n";

	assert_int_equal(viv_write_file(lib, library, strlen(library), 0644, NULL), 0);
	assert_int_equal(
		run(f,
		    "local lib = require './lib.lua'\n"
		    "machines.client.virtualisation.cores = 2\n"
		    "machines['web-1'] = './no-such-file.lua'\n" /* the configuration's affair */
		    "limit = 5 print('its evaluation printed this')\n"
		    "function helper(n) limit = limit + n; return limit end\n"
		    "test('a', function()\n"
		    "  print(client:save(helper(2)), limit, lib.twice(20), { 1, 2 })\n"
		    "  kept = 'x'\n"
		    "  assert(kept == 'x')\n"
		    "  print(pcall(function() return 1, 2 end))\n"
		    "  print(pcall(error, 'plain'))\n"
		    "  print(pcall(function() error('placed') end))\n"
		    "  print(xpcall(function() error('handled') end, function(m) return '<' .. m .. '>' end))\n"
		    "  print(select('#', pcall(client.fail, client, {})))\n"
		    "  print(math.random(1000) == math.random(1000), web_1 ~= nil)\n"
		    "  for k, v in pairs({ b = 1, a = 2 }) do print(k, v) end\n"
		    "  subtest('x', function() print('in it') end)\n"
		    "end)\n",
		    &out),
		0);
	assert_string_equal(f->printed.data, "8\t7\t42\t[1,2]\n"
					     "true\t1\t2\n"
					     "false\tplain\n"
					     "false\tweb.test.lua:12: placed\n"
					     "false\t<web.test.lua:13: handled>\n"
					     "2\n"
					     "false\ttrue\n"
					     "a\t2\n"
					     "b\t1\n"
					     "in it\n");
	assert_int_equal(f->saved, 20);
}

static void errors(void **state)
{
	static const struct {
		const char *body, *want;
	} cases[] = {
		{"error('oh')", "web.test.lua:3: oh\nweb.test.lua:3: in test 'a'\n"},
		{"check(nil)", "web.test.lua:2: no\n"
			       "web.test.lua:2: in function 'check'\n"
			       "web.test.lua:3: in test 'a'\n"},
		{"subtest('x', function()\ncheck(nil)\nend)\n",
		 "web.test.lua:2: no\n"
		 "web.test.lua:2: in function 'check'\n"
		 "web.test.lua:4: in a function\n"
		 "web.test.lua:3: in test 'a'\n"},
		{"subtest('x', function()\nclient:fail({})\nend)\n",
		 "table\n"
		 "web.test.lua:4: in a function\n"
		 "web.test.lua:3: in test 'a'\n"},
		{"pcall(subtest, 'x', function() error('one') end)\nerror('two')",
		 "web.test.lua:4: two\nweb.test.lua:4: in test 'a'\n"},
		{"clinet:save(3)", "web.test.lua:3: clinet is not defined (did you mean client?)\n"
				   "web.test.lua:3: in test 'a'\n"},
		{"lgo('x')", "web.test.lua:3: lgo is not defined (did you mean log?)\n"
			     "web.test.lua:3: in test 'a'\n"},
		{"print(nothing_like_it)", "web.test.lua:3: nothing_like_it is not defined; this file's machines: client\n"
					   "web.test.lua:3: in test 'a'\n"},
		{"io.open('x')", "web.test.lua:3: no io here: a test reads no files: path(\"./file\") names one\n"
				 "web.test.lua:3: in test 'a'\n"},
		{"load('x')", "web.test.lua:3: no load here: a test runs no code from text: require \"./lib.lua\" "
			      "loads a file\nweb.test.lua:3: in test 'a'\n"},
		{"rawget({}, 1)", "web.test.lua:3: no rawget here: tests do without it\n"
				  "web.test.lua:3: in test 'a'\n"},
		{"os.exit()", "web.test.lua:3: no os here: a test gives the same result on every "
			      "machine: there is no clock and no environment\n"
			      "web.test.lua:3: in test 'a'\n"},
		{"setmetatable({}, { __close = print })",
		 "web.test.lua:3: __close is not there in tests\n"
		 "web.test.lua:3: in test 'a'\n"},
		{"virtualisation.cores = 3",
		 "web.test.lua:3: virtualisation is an option: settings stand outside of test(…)\n"
		 "web.test.lua:3: in test 'a'\n"},
		{"test('b', function() end)",
		 "web.test.lua:3: test(…) stands at the top level of the file, not in a test\n"
		 "web.test.lua:3: in test 'a'\n"},
		{"m('x')", "web.test.lua:3: matrix(…) stands at the top level of the file, not in a test\n"
			   "web.test.lua:3: in test 'a'\n"},
		{"c:save(3)", "web.test.lua:3: machines.client is the description of a machine here; the "
			      "machine itself is client\n"
			      "web.test.lua:3: in test 'a'\n"},
		{"c.virtualisation = {}",
		 "web.test.lua:3: machines.client is the description of a machine here; the "
		 "machine itself is client\n"
		 "web.test.lua:3: in test 'a'\n"},
		{"client = 3", "web.test.lua:3: client is a machine of this file and can't be assigned "
			       "(local names start with local)\n"
			       "web.test.lua:3: in test 'a'\n"},
		{"subtest = 3", "web.test.lua:3: subtest is a function of tests and can't be assigned "
				"(local names start with local)\n"
				"web.test.lua:3: in test 'a'\n"},
		{"string.x = 3",
		 "web.test.lua:3: the libraries can't be changed (local names start with local)\n"
		 "web.test.lua:3: in test 'a'\n"},
		{"pairs(c)", "web.test.lua:3: machines.client is a machine, not a value\n"
			     "web.test.lua:3: in test 'a'\n"},
		{"local x = pkgs.htop .. 'x'", "web.test.lua:3: the package htop can only be assigned\n"
					       "web.test.lua:3: in test 'a'\n"},
		{"local function f() return 1 + f() end f()",
		 "web.test.lua:3: a function calls itself without an end\n"},
		{"local x = nil; x.y = 3",
		 "web.test.lua:3: attempt to index a nil value (local 'x')\n"
		 "web.test.lua:3: in test 'a'\n"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_FREE char *text = viv_asprintf(
			"machines.client = {} local c, m = machines.client, matrix\n"
			"function check(x) assert(x, 'no') end\n"
			"test('a', function() %s\nend)\n",
			cases[i].body);
		VIV_STR out = VIV_STR_INIT;

		text[strlen(text) - 1] = '\n';
		/* The body stands on a line of its own. */
		assert_int_equal(run(f, text, &out), -EINVAL);
		if (strstr(cases[i].body, "local function f()"))
			out.data[strlen(cases[i].want)] = '\0';
		assert_string_equal(out.data, cases[i].want);
	}
}

static void stopped(void **state)
{
	static const struct {
		const char *body;
		int want;
		const char *trace;
	} cases[] = {
		{"while true do end", -ETIMEDOUT, "web.test.lua:2: in test 'a'\n"},
		{"while true do pcall(function()\nwhile true do end end) end", -ETIMEDOUT,
		 "web.test.lua:3: in a function\nweb.test.lua:2: in test 'a'\n"},
		{"while true do xpcall(function()\nwhile true do end end, function() while true do end "
		 "end) end",
		 -ETIMEDOUT, "web.test.lua:3: in a function\nweb.test.lua:2: in test 'a'\n"},
		{"pcall(error, setmetatable({}, { __tostring = function() while true do end end }))\n"
		 "while true do pcall(subtest, 'x', function()\nwhile true do end end) end",
		 -ETIMEDOUT, "web.test.lua:4: in a function\nweb.test.lua:3: in test 'a'\n"},
		/* What is to be done when a variable goes out of use has no time either. */
		{"local t, new = {}\n"
		 "local function close() local a <close>, b = new() local c <close> = new() while true do end end\n"
		 "function new() t.__close = nil local v = setmetatable({}, t) t.__close = close return v end\n"
		 "local a <close> = new()\n"
		 "while true do end",
		 -ETIMEDOUT, "web.test.lua:6: in test 'a'\n"},
		{"pcall(client.wait)", -ETIMEDOUT, "web.test.lua:2: in test 'a'\n"},
		{"subtest('x', function()\npcall(client.wait) end)", -ETIMEDOUT,
		 "web.test.lua:3: in a function\nweb.test.lua:2: in test 'a'\n"},
		{"local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1e6) .. i end", -ENOMEM, "web.test.lua:2: out of memory\n"},
		{"pcall(function() local t = {}\nfor i = 1, 1e9 do t[i] = ('x'):rep(1e6) .. i end end)\n"
		 "error('not this')",
		 -ENOMEM, NULL},
		{"\nlocal s = ('x'):rep(3e8)", -ENOMEM, "web.test.lua:3: out of memory\n"},
		{"local s = 'x' while true do\ns = s .. s end", -ENOMEM, "web.test.lua:3: out of memory\n"},
		{"local function f() pcall(f)\nf() end f()", -ETIMEDOUT, NULL},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_FREE char *text = viv_asprintf("machines.client = {}\ntest('a', function() %s\nend)\n",
						   cases[i].body);
		VIV_STR out = VIV_STR_INIT;
		lua_State *L;

		assert_int_equal(run_within(f, text, cases[i].want == -ETIMEDOUT ? 100 : 60000, &out),
				 cases[i].want);
		if (cases[i].trace)
			assert_string_equal(out.data, cases[i].trace);
		assert_string_equal(f->note.file, "web.test.lua");
		/* It goes on after that, for what cleans up. */
		L = viv_lua_script_state(f->script);
		viv_lua_script_set_deadline(f->script, 0);
		lua_getglobal(L, "x");
		lua_pop(L, 1);
		lua_pushcfunction(L, subtest);
		lua_pushnil(L);
		lua_pushnil(L);
		assert_int_equal(viv_lua_script_call(f->script, 2, 0, NULL), -EINVAL);
		lua_pop(L, 1);
	}
}

static struct viv_lua_script *interrupted;

static void on_alarm(int signal)
{
	viv_lua_script_interrupt(interrupted);
}

static void interruption(void **state)
{
	struct fixture *f = *state;
	struct sigaction sa = {.sa_handler = on_alarm};
	const struct itimerval soon = {.it_value.tv_usec = 20000};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STRV trace = VIV_STRV_INIT;

	assert_int_equal(load(f, "test('a', function()\n while true do pcall(function() end) end end)\n"
				 "test('b', function() end)\n", &err), 0);
	interrupted = f->script;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_true(viv_lua_script_push(f->script, "a"));
	assert_int_equal(viv_lua_script_call(f->script, 0, 0, &trace), -EINTR);
	assert_int_equal(trace.count > 0, 1);
	assert_string_equal(trace.items[trace.count - 1], "web.test.lua:2: in test 'a'");
	assert_false(viv_lua_script_interrupted(f->script));
	assert_true(viv_lua_script_push(f->script, "b"));
	assert_int_equal(viv_lua_script_call(f->script, 0, 0, NULL), 0);
}

/* Many errors that are caught, variables that come and go, and much that is printed, leave nothing behind. */
static void no_leak(void **state)
{
	struct fixture *f = *state;
	VIV_STR out = VIV_STR_INIT;

	assert_int_equal(run(f, "test('a', function()\n"
				" for i = 1, 20000 do pcall(error, ('x'):rep(10000)) end\n"
				" for i = 1, 1000 do\n"
				"  print({ ('x'):rep(40000), print, setmetatable({}, {}) }) end\n"
				" local name = ('n'):rep(200)\n"
				" for i = 1, 400000 do _ENV[name] = i _ENV[name] = nil end\n"
				"end)\n", &out), 0);
	assert_true(f->printed.len > 40000000);
}

/* retry: a call whose time is up, or that fails, and what comes after it goes on. */
static int retry(lua_State *L)
{
	struct viv_lua_script *s = viv_lua_script_of(L);
	int64_t deadline = viv_lua_script_deadline(s);
	int r;

	lua_settop(L, 1);
	lua_pushvalue(L, 1);
	viv_lua_script_set_deadline(s, viv_now_ms() + 30);
	r = viv_lua_script_call(s, 0, 0, NULL);
	viv_lua_script_set_deadline(s, deadline);
	lua_settop(L, 1);
	if (r == 0)
		return 0;
	lua_pushinteger(L, r);
	lua_setglobal(L, "result");
	r = viv_lua_script_call(s, 0, 0, NULL);
	if (r < 0)
		viv_lua_script_raise(s, r);
	return 0;
}

static int lookup_retry(lua_State *L, void *arg)
{
	if (!viv_streq(lua_tostring(L, -1), "retry"))
		return 0;
	lua_pushcfunction(L, retry);
	return 1;
}

static void nested(void **state)
{
	struct fixture *f = *state;
	VIV_STR out = VIV_STR_INIT;

	f->lookup = lookup_retry;
	assert_int_equal(run(f, "n = 0\ntest('a', function()\n"
				"  retry(function() n = n + 1 if n == 1 then while true do end end end)\n"
				"  print(n)\n"
				"  retry(function() n = n + 1 if n == 3 then error('x') end end)\n"
				"  print(n)\n"
				"end)\n", &out), 0);
	assert_string_equal(f->printed.data, "2\n4\n");
	assert_int_equal(run(f, "test('a', function()\n"
				"  retry(function()\n error('x') end)\n"
				"end)\n", &out), -EINVAL);
	assert_string_equal(out.data, "web.test.lua:3: x\n"
				      "web.test.lua:3: in a function\n"
				      "web.test.lua:2: in test 'a'\n");
}

/* Libraries and files that a test names while it runs. */
static int take_path(lua_State *L)
{
	const char *path = viv_lua_script_check_path(L, 1);

	lua_pushstring(L, viv_path_base(path));
	lua_pushboolean(L, path[0] == '/');
	return 2;
}

static int lookup_path(lua_State *L, void *arg)
{
	if (!viv_streq(lua_tostring(L, -1), "take"))
		return 0;
	lua_pushcfunction(L, take_path);
	return 1;
}

static void files(void **state)
{
	static const struct {
		const char *body, *want;
	} cases[] = {
		{"require './none.lua'", "web.test.lua:1: cannot read none.lua: No such file or "
					 "directory\n"
					 "web.test.lua:1: in test 'a'\n"},
		{"require './bad.lua'", "bad.lua:2: not valid Lua: unexpected symbol near '='\n"
					"web.test.lua:1: in test 'a'\n"},
		{"take('x')", "web.test.lua:1: \"x\": a file's path starts with ./, ../, / or ~/\n"
			      "web.test.lua:1: in test 'a'\n"},
		{"take({})",
		 "web.test.lua:1: a file is expected, \"./file\" or path(\"./file\"), got a table\n"
		 "web.test.lua:1: in test 'a'\n"},
		{"path('x')", "web.test.lua:1: \"x\": a file's path starts with ./, ../, / or ~/\n"
			      "web.test.lua:1: in test 'a'\n"},
		{"print(take('./x'), take(path('./y/../z')))", NULL},
	};
	struct fixture *f = *state;
	VIV_FREE char *bad = viv_path_join(f->folder, "bad.lua");

	assert_int_equal(viv_write_file(bad, "return\n =", 9, 0644, NULL), 0);
	f->lookup = lookup_path;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_FREE char *text = viv_asprintf("test('a', function() %s end)", cases[i].body);
		VIV_STR out = VIV_STR_INIT;

		assert_int_equal(run(f, text, &out), cases[i].want ? -EINVAL : 0);
		if (cases[i].want)
			assert_string_equal(out.data, cases[i].want);
	}
	assert_string_equal(f->printed.data, "x\tz\ttrue\n");
}

static void bad_files(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"test('a', function( end)", "web.test.lua:1: not valid Lua: <name> or '...' expected near 'end'"},
		{"client:succeed('x')\nmachines.client = {}\ntest('a', function() end)",
		 "web.test.lua:1: client is a machine: it is used inside test(…), when it runs (its "
		 "settings are machines.client)"},
		{"machines.client = {}\n", "web.test.lua: no test in this file: write test(\"name\", "
					   "function() … end)"},
		{"while true do end\n", "web.test.lua:1: " VIV_LUA_TIME_IS_UP},
		{"local x = pcall(print)\ntest('a', function() end)",
		 "web.test.lua:1: no pcall here: an error ends a machine file, nothing catches it"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_ERROR err = VIV_ERROR_INIT;

		assert_int_equal(load(f, cases[i].text, &err), -EINVAL);
		assert_string_equal(err.msg, cases[i].want);
		assert_null(f->script);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(globals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(errors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(stopped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(interruption, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_leak, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nested, set_up, tear_down),
		cmocka_unit_test_setup_teardown(files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_files, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
