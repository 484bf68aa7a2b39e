/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "config/lua/script.h"
#include "test/prompt.h"

#include <lauxlib.h>

static void completes(const char *line, const char *want, size_t want_from)
{
	struct guest web = {.global = (char *)"web_1"}, machine = {.global = (char *)"machine"};
	struct guest *guests[] = {&web, &machine};
	const struct runner r = {.guests = guests, .n_guests = 2};
	VIV_STRV list = VIV_STRV_INIT;
	VIV_FREE char *got = NULL;
	size_t from = 999;

	prompt_complete(&r, line, strlen(line), &list, &from);
	got = viv_strv_join(&list, " ");
	assert_string_equal(got, want);
	assert_int_equal(from, want_from);
}

static void test_completion(void **state)
{
	completes("mach", "machine", 0);
	completes("print(we", "web_1", 6);
	completes("web_1:get_console", "get_console_log(", 6);
	completes("x = machine:require_u", "require_unit_state(", 12);
	completes("other:suc", "", 6);
	completes("t.rai", "raises(", 2);
	completes("x.rai", "", 2);
	completes("sub", "subtest(", 0);
	completes("cont", "continue(", 0);
}

/* What a prompt sees while a function has failed. */
struct failing {
	struct viv_lua_script *script;
	unsigned times;
	lua_Debug frame;
};

static void check(struct failing *f, const char *text, const char *want)
{
	lua_State *L = viv_lua_script_state(f->script);
	int top = lua_gettop(L);

	assert_int_equal(viv_lua_script_compile(f->script, text, &f->frame), 0);
	assert_int_equal(viv_lua_script_call(f->script, 0, 1, NULL), 0);
	assert_string_equal(luaL_tolstring(L, -1, NULL), want);
	lua_settop(L, top);
}

static void on_failed(lua_State *L, void *arg)
{
	struct failing *f = arg;

	f->times++;
	assert_true(viv_lua_script_frame(f->script, &f->frame));
	check(f, "v .. y .. outer", "34inner7"); /* of two `y` the inner one; an upvalue; a global */
	check(f, "y == nil", "false");
	check(f, "outer .. '!'", "7!");
	check(f, "y, outer, v, fresh = 'Y', 'O', 'V', 'F'", "nil");
	check(f, "y .. outer .. v .. fresh", "YOVF");
	check(f, "helper()", "V");
	assert_int_equal(viv_lua_script_compile(f->script, "for i = 1, 3 do", NULL), -EAGAIN);
	assert_int_equal(viv_lua_script_compile(f->script, "x = = 1", NULL), -EINVAL);
	assert_non_null(strstr(lua_tostring(L, -1), "prompt:1: "));
}

static void test_frame(void **state)
{
	static const char text[] = "v = '3'\nlocal outer = 7\nfunction helper() return v end\n"
				   "test('a', function()\n  local y = 1\n  do\n    local y = '4inner'\n"
				   "    pcall(error, 'caught')\n    error(y .. outer)\n  end\nend)\n";
	const struct viv_config_test test = {.text = text};
	struct failing f = {0};
	const struct viv_lua_script_spec spec = {
		.path = "/none.test.lua", .shown = "none.test.lua", .test = &test, .failed = on_failed, .arg = &f};
	VIV_STRV trace = VIV_STRV_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	if (viv_lua_script_load(&spec, &f.script, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(viv_lua_script_push(f.script, "a"));
	assert_int_equal(viv_lua_script_call(f.script, 0, 0, &trace), -EINVAL);
	assert_string_equal(lua_tostring(viv_lua_script_state(f.script), -1), "none.test.lua:9: 4inner7");
	assert_int_equal(trace.count, 1);
	assert_string_equal(trace.items[0], "none.test.lua:9: in test 'a'");
	assert_int_equal(f.times, 1);
	viv_lua_script_free(f.script);
}

/* The host's allocator, that gives so many times more. */
struct scarce {
	lua_Alloc from;
	void *arg;
	unsigned left;
};

static void *allocate(void *arg, void *old, size_t before, size_t size)
{
	struct scarce *s = arg;

	if (size > (old ? before : 0) && s->left-- == 0) {
		s->left = 0;
		return NULL;
	}
	return s->from(s->arg, old, before, size);
}

/* Wherever memory ends, that is an answer, and no end of the program. */
static void test_no_memory(void **state)
{
	static const char text[] = "test('a', function() end)\n";
	const struct viv_config_test test = {.text = text};
	const struct viv_lua_script_spec spec = {.path = "/none.test.lua", .shown = "none.test.lua", .test = &test};
	struct viv_lua_script *script;
	struct scarce scarce = {0};
	lua_State *L;
	int r = -ENOMEM;

	assert_int_equal(viv_lua_script_load(&spec, &script, NULL), 0);
	L = viv_lua_script_state(script);
	scarce.from = lua_getallocf(L, &scarce.arg);
	for (unsigned n = 0; r != 0; n++) {
		int top = lua_gettop(L);

		scarce.left = n;
		lua_setallocf(L, allocate, &scarce);
		r = viv_lua_script_compile(script, "1 + 1", NULL);
		lua_setallocf(L, scarce.from, scarce.arg);
		assert_true(r == 0 || r == -ENOMEM);
		assert_int_equal(lua_gettop(L), top + 1);
		lua_settop(L, top);
		assert_true(n < 1000);
	}
	viv_lua_script_free(script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_completion),
		cmocka_unit_test(test_frame),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
