/* SPDX-License-Identifier: MIT */
#include "test/diff.h"
#include "test/methods.h"
#include "test/text.h"

#define SHOWN_DEPTH 3
#define SHOWN_ITEMS 20
#define ONE_LINE_MAX 200 /* bytes of a text that are shown on the line that says what failed */
#define DETAILS_MAX 8192 /* bytes of one that are shown below it */

static char *shown_within(lua_State *L, int index, unsigned depth);

/* {1, 2, name = "x"}: its list, then its names in no order; the first few. */
static char *shown_table(lua_State *L, int index, unsigned depth)
{
	VIV_STR text = VIV_STR_INIT;
	lua_Integer n = (lua_Integer)lua_rawlen(L, index);
	unsigned more = 0;

	if (!depth || !lua_checkstack(L, 4))
		return viv_strdup("{…}");
	for (lua_Integer i = 1; i <= VIV_MIN(n, SHOWN_ITEMS); i++) {
		VIV_FREE char *one = NULL;

		lua_rawgeti(L, index, i);
		one = shown_within(L, lua_gettop(L), depth - 1);
		lua_pop(L, 1);
		viv_str_addf(&text, "%s%s", text.len ? ", " : "", one);
	}
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
		VIV_FREE char *one = NULL;

		if (lua_type(L, -2) != LUA_TSTRING || ++more > SHOWN_ITEMS)
			continue;
		one = shown_within(L, lua_gettop(L), depth - 1);
		viv_str_addf(&text, "%s%.100s = %s", text.len ? ", " : "", lua_tostring(L, -2), one);
	}
	return viv_asprintf("{%s%s}", text.data ? text.data : "", n > SHOWN_ITEMS || more > SHOWN_ITEMS ? ", …" : "");
}

/* None: it is no text. */
static struct viv_slice text_of(lua_State *L, int index)
{
	struct viv_slice text = {0};

	if (lua_type(L, index) == LUA_TSTRING)
		text.data = lua_tolstring(L, index, &text.len);
	return text;
}

static char *shown_within(lua_State *L, int index, unsigned depth)
{
	switch (lua_type(L, index)) {
	case LUA_TSTRING:
		return viv_test_quoted(text_of(L, index), 0);
	case LUA_TTABLE:
		return shown_table(L, index, depth);
	case LUA_TNIL:
		return viv_strdup("nil");
	case LUA_TBOOLEAN:
		return viv_strdup(lua_toboolean(L, index) ? "true" : "false");
	case LUA_TNUMBER:
		return lua_isinteger(L, index) ? viv_asprintf("%lld", (long long)lua_tointeger(L, index))
					       : viv_asprintf("%.14g", lua_tonumber(L, index));
	case LUA_TUSERDATA: { /* ours, and so is its text */
		char *text = viv_strdup(luaL_tolstring(L, index, NULL));

		lua_pop(L, 1);
		return text;
	}
	default:
		return viv_asprintf("a %s", luaL_typename(L, index));
	}
}

/* A value as a message shows it: no code of the script's runs for it. The caller frees it. */
char *methods_shown(lua_State *L, int index)
{
	return shown_within(L, index, SHOWN_DEPTH);
}

/* Equal, tables by what is in them. */
static bool equal(lua_State *L, int a, int b, unsigned depth)
{
	bool same = true;
	int n = 0, m = 0;

	if (lua_compare(L, a, b, LUA_OPEQ))
		return true;
	if (!lua_istable(L, a) || !lua_istable(L, b) || depth > 50 || !lua_checkstack(L, 8))
		return false;
	for (lua_pushnil(L); same && lua_next(L, a); n++) {
		lua_pushvalue(L, -2);
		lua_rawget(L, b);
		same = equal(L, lua_gettop(L) - 1, lua_gettop(L), depth + 1);
		lua_pop(L, same ? 2 : 3);
	}
	for (lua_pushnil(L); same && lua_next(L, b); m++)
		lua_pop(L, 1);
	return same && n == m;
}

static int say(struct call *c, int told, const char *fmt, ...) VIV_PRINTF(3, 4);
static int say(struct call *c, int told, const char *fmt, ...)
{
	const char *what = call_text(c, told);
	VIV_STR text = VIV_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	call_fail(c, VIV_VERDICT_FAIL, "%s%s%s", what ? what : "", what ? ": " : "", text.data);
	c->failure.own = true;
	return -1;
}

static int compare(struct call *c, bool want)
{
	struct viv_slice got = text_of(c->L, c->first), wanted = text_of(c->L, c->first + 1);
	VIV_FREE char *a = NULL, *b = NULL;
	VIV_STR lines = VIV_STR_INIT;

	if (equal(c->L, c->first, c->first + 1, 0) == want)
		return 0;
	if (want && got.data && wanted.data) {
		a = viv_test_differs(got, wanted, &lines);
		say(c, 2, "%s", a);
		if (lines.len)
			call_details(c, "%s", lines.data);
		return -1;
	}
	a = methods_shown(c->L, c->first);
	b = methods_shown(c->L, c->first + 1);
	return want ? say(c, 2, "expected %s, got %s", b, a) : say(c, 2, "expected anything but %s", b);
}

static int do_equal(struct call *c)
{
	return compare(c, true);
}

static int do_not_equal(struct call *c)
{
	return compare(c, false);
}

static int truth(struct call *c, bool want)
{
	VIV_FREE char *a = NULL;

	if ((bool)lua_toboolean(c->L, c->first) == want)
		return 0;
	a = methods_shown(c->L, c->first);
	return say(c, 1, "expected something %s, got %s", want ? "true" : "false", a);
}

static int do_true(struct call *c)
{
	return truth(c, true);
}

static int do_false(struct call *c)
{
	return truth(c, false);
}

/* Of a long one the end. -1 */
static int add_text(struct call *c, struct viv_slice text)
{
	struct viv_slice line;

	call_details(c, "the text:\n");
	if (text.len > DETAILS_MAX) {
		call_details(c, "  … (%zu bytes before)\n", text.len - DETAILS_MAX);
		text = (struct viv_slice){text.data + text.len - DETAILS_MAX, DETAILS_MAX};
	}
	while (text.len && viv_slice_line(&text, &line)) {
		VIV_FREE char *shown = viv_test_whole(line);

		call_details(c, "  %s\n", shown);
	}
	return -1;
}

/* A long text is not for one line. */
static int do_contains(struct call *c)
{
	struct viv_slice text = {0}, part = {0};
	VIV_FREE char *shown = NULL, *missed = NULL;

	text.data = lua_tolstring(c->L, c->first, &text.len);
	part.data = lua_tolstring(c->L, c->first + 1, &part.len);
	if (!part.len || (text.len && memmem(text.data, text.len, part.data, part.len)))
		return 0;
	missed = viv_test_quoted(part, 0);
	if (text.len <= ONE_LINE_MAX) {
		shown = viv_test_quoted(text, 0);
		return say(c, 2, "%s has no %s in it", shown, missed);
	}
	say(c, 2, "the text has no %s in it", missed);
	return add_text(c, text);
}

static int do_fail(struct call *c)
{
	call_fail(c, VIV_VERDICT_FAIL, "%s", call_text(c, 0));
	c->failure.own = true;
	return -1;
}

/* The function must raise an error, whose text is returned. */
static int do_raises(struct call *c)
{
	VIV_CLEANUP(runner_failure_free_contents) struct runner_failure f = {0};
	const char *with = call_text(c, 1);
	int code;

	lua_pushvalue(c->L, c->first);
	c->r->expecting++;
	code = call_lua(c, 0, 0);
	c->r->expecting--;
	if (code == 0)
		return say(c, 2, "expected an error, and there was none");
	if (c->raised != -EINVAL)
		return -1;
	call_take_error(c, &f);
	/* A mistake in the test is not what it is to show, unless it says so. */
	if (f.verdict == VIV_VERDICT_SKIP || (f.verdict == VIV_VERDICT_ERROR && !(with && strstr(f.reason, with))))
		return -1;
	c->raised = 0;
	if (with && !strstr(f.reason, with))
		return say(c, 2, "expected an error with \"%s\" in it, got: %s", with, f.reason);
	lua_pushstring(c->L, f.reason);
	return 1;
}

const struct method functions_assert[] = {
	{"equal", "aa?s", "(got, wanted, what)", NULL, "both are equal; tables by what is in them", do_equal},
	{"not_equal", "aa?s", "(got, unwanted, what)", NULL, "both are not equal", do_not_equal},
	{"is_true", "a?s", "(value, what)", NULL, "it is neither false nor nil", do_true},
	{"is_false", "a?s", "(value, what)", NULL, "it is false or nil", do_false},
	{"contains", "SS?s", "(text, part, what)", NULL, "the text has the part in it", do_contains},
	{"raises", "f?s?s", "(function, text, what)", NULL, "the function fails, with that text; returns what it said",
	 do_raises},
	{"fail", "s", "(why)", NULL, "fails", do_fail},
	{0},
};
