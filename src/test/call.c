/* SPDX-License-Identifier: MIT */
#include "test/end.h"
#include "test/methods.h"
#include "test/text.h"

#define GUEST_TYPE   "viv.machine"
#define FAILURE_TYPE "viv.failure"
#define OBJECT_TYPE  "viv.machine.object"
#define TABLE_TYPE   "viv.assertions"
#define RUNNER_KEY   "viv.runner"
#define DETAILS_MAX  (256u << 10)
#define TO_TEXT_MS   1000 /* for an error value's own __tostring */
#define WHILE_MS     100 /* what took less is not told of again */

void runner_failure_free_contents(struct runner_failure *f)
{
	free(f->reason);
	free(f->details);
	*f = (struct runner_failure){0};
}

static struct runner *runner_of(lua_State *L)
{
	struct runner *r;

	lua_getfield(L, LUA_REGISTRYINDEX, RUNNER_KEY);
	r = lua_touserdata(L, -1);
	lua_pop(L, 1);
	return r;
}

/* Failures */

int call_fail(struct call *c, enum viv_verdict verdict, const char *fmt, ...)
{
	VIV_STR text = VIV_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	free(c->failure.reason);
	c->failure.reason = viv_str_steal(&text);
	c->failure.verdict = verdict;
	return -1;
}

int call_error(struct call *c, struct viv_error *err)
{
	return call_fail(c, VIV_VERDICT_ERROR, "%s%s%s", c->g ? c->g->name : "", c->g ? ": " : "", err->msg);
}

void call_details(struct call *c, const char *fmt, ...)
{
	VIV_STR text = VIV_STR_INIT;
	va_list ap;

	viv_str_add(&text, c->failure.details ? c->failure.details : "");
	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	if (text.len > DETAILS_MAX) {
		text.data[DETAILS_MAX] = '\0';
		text.len = DETAILS_MAX;
	}
	free(c->failure.details);
	c->failure.details = viv_str_steal(&text);
}

void call_add_console(struct call *c)
{
	VIV_STR tail = VIV_STR_INIT;

	if (c->g)
		guest_add_tail(c->g, &tail);
	if (tail.len)
		call_details(c, "%s", tail.data);
}

/* What became of a machine that was there: it may have started anew meanwhile. */
static char *end_of(const struct guest *g)
{
	bool rebooted = g->how == VIV_VM_REBOOT && g->starts > 1 && !g->hopeless && !g->lost;

	return guest_is_on(g) && !rebooted ? viv_strdup("its kernel is in trouble") : guest_end_text(g);
}

/* What did not come within the call's own limit. */
static void fail_late(struct call *c, const char *what)
{
	static const struct { const char *what, *said; } rows[] = {
		{"its system", "its system was not up"}, {"its agent", "its agent did not answer"},
		{"its end", "it did not end"}, {"its state", "its state was not saved"}, {"QEMU's answer", "QEMU did not answer"},
	};
	const char *of = c->g ? c->g->name : c->method->name;
	double seconds = (double)c->limit_ms / 1000;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		if (viv_streq(what, rows[i].what)) {
			call_fail(c, VIV_VERDICT_FAIL, "%s: %s within %g s", of, rows[i].said, seconds);
			return;
		}
	}
	call_fail(c, VIV_VERDICT_FAIL, "%s: not within %g s: %s", of, seconds, what);
}

/* It has ended between two methods. */
static void fail_lost(struct call *c)
{
	VIV_FREE char *text = guest_lost_text(c->g);

	call_fail(c, c->g->how == VIV_VM_PANIC ? VIV_VERDICT_CRASH : VIV_VERDICT_FAIL, "%s: %s", c->g->name, text);
}

/* It is another one that has died. */
static void fail_dead(struct call *c, const char *what)
{
	const struct guest *dead = runner_dead_guest(c->r);
	const char *crash = c->r->crash.what;
	VIV_FREE char *end = crash ? NULL : guest_end_text(dead);

	call_fail(c, crash ? VIV_VERDICT_CRASH : VIV_VERDICT_FAIL, "%s: no longer waiting for %s, because of %s%s%s",
		  c->g ? c->g->name : c->method->name, what, crash ? crash : dead->name, crash ? "" : ": ", crash ? "" : end);
}

int call_waited(struct call *c, int code, const char *fmt, ...)
{
	VIV_STR what = VIV_STR_INIT;
	VIV_FREE char *end = NULL;
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&what, fmt, ap);
	va_end(ap);
	if (c->r->signal)
		return call_fail(c, VIV_VERDICT_ERROR, "interrupted");
	if (runner_time_is_up(c->r))
		call_fail(c, VIV_VERDICT_TIMEOUT, "the test's time was up while waiting for %s", what.data);
	else if (code == -ESHUTDOWN && c->g)
		fail_lost(c);
	else if (code == -ECONNABORTED && runner_dead_guest(c->r))
		fail_dead(c, what.data);
	else if (code == -ECANCELED && c->r->broken)
		call_fail(c, VIV_VERDICT_FAIL, "%s, while waiting for %s", c->r->broken, what.data);
	else if (code == -ETIMEDOUT)
		fail_late(c, what.data);
	else if (code == -ENOTCONN && c->g) {
		c->g->end_told = !guest_is_on(c->g);
		end = end_of(c->g);
		call_fail(c, c->g->how == VIV_VM_PANIC || c->g->hopeless ? VIV_VERDICT_CRASH : VIV_VERDICT_FAIL, "%s: %s, while waiting for %s",
			  c->g->name, end, what.data);
	} else
		call_fail(c, VIV_VERDICT_ERROR, "%s: %s", what.data, strerror(-code));
	call_add_console(c);
	return -1;
}

static int failure_to_text(lua_State *L)
{
	const struct runner_failure *f = luaL_checkudata(L, 1, FAILURE_TYPE);

	lua_pushstring(L, f->reason ? f->reason : "?");
	return 1;
}

static int failure_gc(lua_State *L)
{
	runner_failure_free_contents(luaL_checkudata(L, 1, FAILURE_TYPE));
	return 0;
}

/* Raises it; takes its contents over. */
static _Noreturn void raise(lua_State *L, struct runner_failure *failure)
{
	struct runner_failure *f = lua_newuserdatauv(L, sizeof(*f), 0);

	*f = *failure;
	luaL_setmetatable(L, FAILURE_TYPE);
	lua_error(L);
	__builtin_unreachable();
}

/* What __tostring of the value on the stack says. NULL: it has none, or says nothing that is text, or not in time. */
static char *own_text(lua_State *L)
{
	struct runner *r = runner_of(L);
	int64_t deadline = viv_lua_script_deadline(r->script);
	char *text = NULL;
	int code;

	if (luaL_getmetafield(L, -1, "__tostring") == LUA_TNIL)
		return NULL;
	lua_pushvalue(L, -2);
	r->expecting++;
	viv_lua_script_set_deadline(r->script, viv_now_ms() + TO_TEXT_MS);
	code = viv_lua_script_call(r->script, 1, 1, NULL);
	viv_lua_script_set_deadline(r->script, deadline);
	r->expecting--;
	if (code == 0 && lua_type(L, -1) == LUA_TSTRING)
		text = viv_strdup(lua_tostring(L, -1));
	if (code == 0 || code == -EINVAL)
		lua_pop(L, 1);
	return text;
}

void call_take_value(lua_State *L, struct runner_failure *ret)
{
	const struct runner_failure *f = luaL_testudata(L, -1, FAILURE_TYPE);
	char *text;

	if (f) {
		*ret = (struct runner_failure){f->verdict, viv_strdup(f->reason), viv_strdup(f->details), f->own};
		return;
	}
	text = lua_type(L, -1) == LUA_TSTRING ? viv_strdup(lua_tostring(L, -1)) : own_text(L);
	if (!text) {
		VIV_FREE char *shown = methods_shown(L, lua_gettop(L));

		text = viv_asprintf("an error that is no text: %s", shown);
	}
	*ret = (struct runner_failure){VIV_VERDICT_FAIL, text, NULL, true};
}

void call_take_error(const struct call *c, struct runner_failure *ret)
{
	const struct runner_failure *f = &c->r->final;

	if (c->raised == -EINVAL)
		call_take_value(c->L, ret);
	else
		*ret = (struct runner_failure){c->raised == -ETIMEDOUT ? VIV_VERDICT_TIMEOUT : VIV_VERDICT_ERROR,
					       viv_strdup(f->reason ? f->reason : strerror(-c->raised)), NULL};
}

int call_lua(struct call *c, int nargs, int nresults)
{
	c->raised = viv_lua_script_call(c->r->script, nargs, nresults, NULL);
	return c->raised < 0 ? -1 : 0;
}

/* What is wrong with a call */

static _Noreturn void misuse(lua_State *L, const char *fmt, ...)
{
	struct runner_failure f = {.verdict = VIV_VERDICT_ERROR};
	VIV_STR text = VIV_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	f.reason = viv_str_steal(&text);
	raise(L, &f);
}

static bool is_type(lua_State *L, int index, char letter)
{
	switch (letter) {
	case 's':
	case 'S': return lua_type(L, index) == LUA_TSTRING || lua_type(L, index) == LUA_TNUMBER;
	case 'w':
	case 'W': return lua_type(L, index) == LUA_TSTRING;
	case 'u': return lua_type(L, index) == LUA_TSTRING || lua_isinteger(L, index);
	case 'd':
	case 'q': return lua_type(L, index) == LUA_TSTRING || lua_type(L, index) == LUA_TNUMBER;
	case 'i': return lua_isinteger(L, index);
	case 'n': return lua_type(L, index) == LUA_TNUMBER;
	case 'b': return lua_isboolean(L, index);
	case 'f': return lua_isfunction(L, index);
	case 't': return lua_istable(L, index);
	case 'm': return luaL_testudata(L, index, GUEST_TYPE) != NULL;
	default: return true;
	}
}

static const char *type_text(char letter)
{
	static const struct { char letter; const char *text; } texts[] = {
		{'s', "a text"}, {'S', "a text"}, {'i', "a whole number"}, {'n', "a number"}, {'b', "true or false"},
		{'f', "a function"}, {'t', "a table"}, {'m', "a machine"}, {'w', "text"}, {'W', "text"},
		{'u', "text or a whole number"}, {'d', "a number or text"}, {'q', "a number or text"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(texts); i++)
		if (texts[i].letter == letter)
			return texts[i].text;
	return "something";
}

/* "machine:succeed(command…)" or "subtest(name, fn)" */
static const char *usage(const struct call *c, char *buffer, size_t size)
{
	const char *of = c->type ? c->type->name : c->g ? c->g->global : NULL;

	snprintf(buffer, size, "%s%s%s%s", of ? of : "", of ? ":" : "", c->method->name,
		 c->method->shown);
	return buffer;
}

/* Paths, commands and names end at the first one. */
static bool is_cut(lua_State *L, int index, char letter)
{
	return strchr("swudq", letter) && lua_type(L, index) == LUA_TSTRING &&
	       strlen(lua_tostring(L, index)) != lua_rawlen(L, index);
}

static void check_type(struct call *c, int i, char letter)
{
	char shown[256];

	if (is_cut(c->L, c->first + i, letter))
		misuse(c->L, "%s: argument %d has a NUL byte in it", usage(c, shown, sizeof(shown)), i + 1);

	if (!is_type(c->L, c->first + i, letter))
		misuse(c->L, "%s: argument %d is to be %s, and is a %s", usage(c, shown, sizeof(shown)), i + 1,
		       type_text(letter), luaL_typename(c->L, c->first + i));
}

static void check_arguments(struct call *c)
{
	bool optional = false;
	char shown[256];
	int i = 0;

	for (const char *p = c->method->params; *p; p++) {
		bool many = p[1] == '*';

		if (*p == '?') {
			optional = true;
		} else if (i >= c->n && !optional) {
			misuse(c->L, "%s: argument %d is missing: %s", usage(c, shown, sizeof(shown)), i + 1, type_text(*p));
		} else if (i >= c->n || (optional && lua_isnil(c->L, c->first + i))) {
			i++;
		} else {
			do
				check_type(c, i++, *p);
			while (many && i < c->n);
		}
		p += many;
	}
	if (i < c->n)
		misuse(c->L, "%s: too many arguments: %d", usage(c, shown, sizeof(shown)), c->n);
}

/* "user:u cwd:w": the letter of one of them; 0: it is none. */
static char option_letter(const char *options, const char *name)
{
	struct viv_slice rest = viv_slice(options), w;
	size_t len = strlen(name);

	while (viv_slice_word(&rest, &w))
		if (w.len == len + 2 && memcmp(w.data, name, len) == 0 && w.data[len] == ':')
			return w.data[len + 1];
	return viv_streq(name, "timeout") ? 'd' : '\0';
}

/* Frees what is known. */
static _Noreturn void unknown(lua_State *L, const char *what, const char *name, struct viv_strv *known)
{
	struct viv_strv near = VIV_STRV_INIT;
	char text[512], list[256] = "";

	viv_suggest(name, (const char *const *)known->items, known->count, 3, &near);
	for (size_t i = 0, n = 0; i < near.count && n < sizeof(list); i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "", near.items[i]);
	snprintf(text, sizeof(text), "%s %.60s%s%s%s", what, name, *list ? " (did you mean " : "", list, *list ? "?)" : "");
	viv_strv_free(&near);
	viv_strv_free(known);
	misuse(L, "%s", text);
}

static _Noreturn void unknown_option(struct call *c, const char *name)
{
	struct viv_slice rest = viv_slice(c->method->options), w;
	struct viv_strv known = VIV_STRV_INIT;
	char what[96];

	while (viv_slice_word(&rest, &w))
		viv_strv_take(&known, viv_slice_dup((struct viv_slice){w.data, w.len - 2}));
	viv_strv_push(&known, "timeout");
	snprintf(what, sizeof(what), "%s has no option", c->method->name);
	unknown(c->L, what, name, &known);
}

/* The value on the stack. */
static void check_option(struct call *c, const char *name)
{
	char letter = option_letter(c->method->options, name);

	if (!letter)
		unknown_option(c, name);
	if (!is_type(c->L, -1, letter))
		misuse(c->L, "%s: %s: expected %s, got a %s", c->method->name, name, type_text(letter), luaL_typename(c->L, -1));
	if (is_cut(c->L, -1, letter))
		misuse(c->L, "%s: %s has a NUL byte in it", c->method->name, name);
	if (letter == 'd' && call_option_seconds(c, name, 0) < 0)
		misuse(c->L, "%s: %s is to be seconds, or a time such as \"5m\"", c->method->name, name);
	if (letter == 'u') /* of the copy: the script's own table stays as it is */
		lua_tostring(c->L, -1);
}

/* Checks them all, and puts a copy in their place that nothing of the script's can change or compute. */
static void check_options(struct call *c)
{
	lua_State *L = c->L;

	lua_newtable(L);
	lua_pushnil(L);
	while (lua_next(L, c->options)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			misuse(L, "%s: options have names: { timeout = 30 }", c->method->name);
		check_option(c, lua_tostring(L, -2));
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_rawset(L, -4);
	}
	lua_replace(L, c->options);
}

static void set_deadline(struct call *c)
{
	double seconds = call_option_seconds(c, "timeout", -1);

	if (seconds == 0)
		misuse(c->L, "%s: timeout is to be more than 0 seconds", c->method->name);
	c->limit_ms = seconds < 0 ? c->r->run->wait_ms : VIV_MAX((int64_t)(seconds * 1000), 1);
	c->deadline = viv_now_ms() + c->limit_ms;
	if (c->r->check_limit)
		c->deadline = VIV_MIN(c->deadline, c->r->check_limit);
}

static int count_needed(const char *params)
{
	int n = 0;

	for (; *params && *params != '?'; params++)
		n += *params != '*';
	return n;
}

static void parse(struct call *c, lua_State *L, int first)
{
	const char *p = c->method->params;

	c->L = L;
	c->first = first;
	c->n = lua_gettop(L) - first + 1;
	/* A function of the script's own hands on options that it was not given. */
	for (int needed = count_needed(p); c->n > needed && lua_isnil(L, -1); c->n--)
		lua_pop(L, 1);
	if (c->method->options && c->n > 0 && lua_istable(L, -1) && !(c->n == 1 && strpbrk(p, "ta"))) {
		c->options = lua_gettop(L);
		c->n--;
	}
	check_arguments(c);
	if (c->options)
		check_options(c);
	set_deadline(c);
}

static int need(struct call *c, bool early)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int code = runner_need(c->r, c->g, early, c->deadline, &err);

	if (code == 0)
		return 0;
	return err.code ? call_error(c, &err) : call_waited(c, code, "its system");
}

int call_need(struct call *c)
{
	return need(c, call_option_bool(c, "early", false));
}

int call_need_early(struct call *c)
{
	return need(c, true);
}

static int perform(struct call *c)
{
	if (c->g && !c->method->early && call_need(c) < 0)
		return -1;
	return c->method->fn(c);
}

/* Tells how long the step took. */
static void end_step(struct call *c, bool failed)
{
	VIV_FREE char *step = viv_steal(c->step), *text = NULL;
	int64_t took = viv_now_ms() - c->step_begun;
	json_t *j;

	if (!step || took < WHILE_MS)
		return;
	text = viv_test_cut(step, VIV_EVENT_TEXT_MAX, true);
	j = json_pack("{s:o, s:o, s:I}", "machine", viv_json_text(c->g ? c->g->name : NULL), "text", viv_json_text(text),
		      "took_ms", (json_int_t)took);
	if (failed)
		json_object_set_new(j, "failed", json_true());
	viv_events_tell(&c->r->out, "done", j);
}

static int finish(struct call *c, int results)
{
	end_step(c, results < 0);
	if (results < 0 && c->raised < 0) {
		runner_failure_free_contents(&c->failure);
		viv_lua_script_raise(c->r->script, c->raised);
	}
	if (results < 0 && !c->failure.reason)
		call_fail(c, VIV_VERDICT_ERROR, "%s: it failed, and did not say why", c->method->name);
	if (results < 0 && (c->r->signal || c->failure.verdict == VIV_VERDICT_TIMEOUT)) {
		/* No pcall of the test's may go on from here. */
		runner_failure_free_contents(&c->r->final);
		c->r->final = c->failure;
		viv_lua_script_stop(c->r->script, c->r->signal ? -EINTR : -ETIMEDOUT);
	}
	if (results < 0)
		raise(c->L, &c->failure);
	runner_failure_free_contents(&c->failure);
	return results;
}

/* As Lua has it. */
struct object {
	const struct call_type *type;
	struct guest *g;
	void *object;
};

/* t:equal(1, 2) */
static void check_dot(struct call *c, lua_State *L)
{
	bool same;

	if (!lua_istable(L, 1) || !lua_getmetatable(L, 1))
		return;
	luaL_getmetatable(L, TABLE_TYPE);
	same = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	if (same)
		misuse(L, "t:%s is called with a colon: did you mean t.%s%s?", c->method->name, c->method->name, c->method->shown);
}

/* Upvalues: the method, the machine that it was taken from (a function has none), or the type of object. */
static int dispatch(lua_State *L)
{
	struct call c = {.r = runner_of(L), .method = lua_touserdata(L, lua_upvalueindex(1))};
	const struct guest *of = lua_touserdata(L, lua_upvalueindex(2));
	const struct call_type *type = lua_touserdata(L, lua_upvalueindex(3));

	if (type) {
		const struct object *o = luaL_testudata(L, 1, OBJECT_TYPE);

		if (!o || o->type != type)
			misuse(L, "%s.%s is called with a dot: did you mean %s:%s%s?", type->name, c.method->name, type->name,
			       c.method->name, c.method->shown);
		c.g = o->g;
		c.object = o->object;
		c.type = type;
	} else if (of) {
		struct guest **g = luaL_testudata(L, 1, GUEST_TYPE);

		if (!g)
			misuse(L, "%s.%s is called with a dot: did you mean %s:%s%s?", of->global, c.method->name,
			       of->global, c.method->name, c.method->shown);
		c.g = *g;
	} else {
		check_dot(&c, L);
	}
	parse(&c, L, of || type ? 2 : 1);
	return finish(&c, perform(&c));
}

void call_step(struct call *c, const char *fmt, ...)
{
	VIV_STR text = VIV_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	end_step(c, false);
	viv_events_say(&c->r->out, "step", c->g ? c->g->name : NULL, "%s", text.data);
	c->step = viv_str_steal(&text);
	c->step_begun = viv_now_ms();
}

/* Names */

static const struct method *find_in(const struct method *m, const char *name)
{
	while (m->name && !viv_streq(m->name, name))
		m++;
	return m->name ? m : NULL;
}

static const struct method *find(const struct method *const *tables, const char *name)
{
	const struct method *m = NULL;

	for (; *tables && !m; tables++)
		m = find_in(*tables, name);
	return m;
}

static void names(const struct method *const *tables, struct viv_strv *ret)
{
	for (; *tables; tables++)
		for (const struct method *m = *tables; m->name; m++)
			viv_strv_push(ret, m->name);
}

static int guest_index(lua_State *L)
{
	struct guest **g = luaL_checkudata(L, 1, GUEST_TYPE);
	const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
	const struct method *m = find(method_tables, name);

	if (viv_streq(name, "name")) {
		lua_pushstring(L, (*g)->name);
		return 1;
	}
	if (!m) {
		struct viv_strv known = VIV_STRV_INIT;

		names(method_tables, &known);
		unknown(L, "a machine has no method", name, &known);
	}
	lua_pushlightuserdata(L, (void *)m);
	lua_pushlightuserdata(L, *g);
	lua_pushcclosure(L, dispatch, 2);
	return 1;
}

static int object_index(lua_State *L)
{
	const struct object *o = luaL_checkudata(L, 1, OBJECT_TYPE);
	const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
	const struct method *const tables[] = {o->type->methods, NULL};
	const struct method *m = find(tables, name);

	if (!m) {
		struct viv_strv known = VIV_STRV_INIT;
		char what[64];

		names(tables, &known);
		snprintf(what, sizeof(what), "a %s has no method", o->type->name);
		unknown(L, what, name, &known);
	}
	lua_pushlightuserdata(L, (void *)m);
	lua_pushnil(L);
	lua_pushlightuserdata(L, (void *)o->type);
	lua_pushcclosure(L, dispatch, 3);
	return 1;
}

static int object_to_text(lua_State *L)
{
	const struct object *o = luaL_checkudata(L, 1, OBJECT_TYPE);

	lua_pushfstring(L, "%s on %s", o->type->name, o->g->name);
	return 1;
}

void call_push_object(struct call *c, const struct call_type *type, void *object)
{
	*(struct object *)lua_newuserdatauv(c->L, sizeof(struct object), 0) = (struct object){type, c->g, object};
	luaL_setmetatable(c->L, OBJECT_TYPE);
}

static int guest_set(lua_State *L)
{
	misuse(L, "a machine's settings stand outside of tests: here it runs");
}

static int guest_to_text(lua_State *L)
{
	struct guest **g = luaL_checkudata(L, 1, GUEST_TYPE);

	lua_pushstring(L, (*g)->name);
	return 1;
}

void call_push_guest(lua_State *L, struct guest *g)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, g) != LUA_TNIL)
		return;
	lua_pop(L, 1);
	*(struct guest **)lua_newuserdatauv(L, sizeof(g), 0) = g;
	luaL_setmetatable(L, GUEST_TYPE);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, g);
}

void call_push(lua_State *L, const struct method *m)
{
	lua_pushlightuserdata(L, (void *)m);
	lua_pushcclosure(L, dispatch, 1);
}

static int table_index(lua_State *L)
{
	struct viv_strv known = VIV_STRV_INIT;

	for (const struct method *m = functions_assert; m->name; m++)
		viv_strv_push(&known, m->name);
	unknown(L, "there is no assertion", lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?", &known);
}

/* A table of functions; what isn't in it is a mistake. */
static void push_table(lua_State *L, const struct method *m)
{
	lua_newtable(L);
	for (; m->name; m++) {
		lua_pushlightuserdata(L, (void *)m);
		lua_pushcclosure(L, dispatch, 1);
		lua_setfield(L, -2, m->name);
	}
	luaL_newmetatable(L, TABLE_TYPE);
	lua_pushcfunction(L, table_index);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);
}

int call_mistake(lua_State *L, void *arg)
{
	misuse(L, "%s", lua_tostring(L, -1));
}

int call_lookup(lua_State *L, void *arg)
{
	struct runner *r = arg;
	const char *name = lua_tostring(L, -1);
	const struct method *m = find(function_tables, name);

	for (size_t i = 0; i < r->n_guests; i++) {
		if (viv_streq(r->guests[i]->global, name)) {
			call_push_guest(L, r->guests[i]);
			return 1;
		}
	}
	if (!m && r->prompt)
		m = find_in(functions_prompt, name);
	if (viv_streq(name, "machines") || viv_streq(name, "nodes")) {
		call_push_machines(r, L);
		return 1;
	}
	if (viv_streq(name, "t")) {
		push_table(L, functions_assert);
		return 1;
	}
	if (!m)
		return 0;
	lua_pushlightuserdata(L, (void *)m);
	lua_pushcclosure(L, dispatch, 1);
	return 1;
}

static void add_type(lua_State *L, const char *name, const luaL_Reg *functions)
{
	luaL_newmetatable(L, name);
	luaL_setfuncs(L, functions, 0);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
}

void call_open(struct runner *r, lua_State *L)
{
	static const luaL_Reg guest[] = {
		{"__index", guest_index}, {"__newindex", guest_set}, {"__tostring", guest_to_text}, {NULL, NULL}};
	static const luaL_Reg object[] = {{"__index", object_index}, {"__tostring", object_to_text}, {NULL, NULL}};
	static const luaL_Reg failure[] = {
		{"__tostring", failure_to_text}, {"__gc", failure_gc}, {NULL, NULL}};

	lua_pushlightuserdata(L, r);
	lua_setfield(L, LUA_REGISTRYINDEX, RUNNER_KEY);
	add_type(L, GUEST_TYPE, guest);
	add_type(L, OBJECT_TYPE, object);
	add_type(L, FAILURE_TYPE, failure);
}
