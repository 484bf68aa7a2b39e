/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

#include "test/process.h"

#include <limits.h>
#include <signal.h>

#define COLUMNS	  80
#define ROWS	  24
#define HANG_UP_MS 5000 /* from the hang-up to SIGKILL, and from that to giving up */
#define TAIL_MAX  8192	/* of its output, in a failure's details */

/* Virtual terminals: the agent watches them */

/* "1", "tty1": NixOS's are numbers. */
static const char *number_of(const char *tty)
{
	return viv_starts_with(tty, "tty") ? tty + 3 : tty;
}

/* Splits the watch's answer: a line with the mark, then the text. */
static const char *split(char *answer)
{
	char *end = strchr(answer, '\n');

	if (!end)
		return "";
	*end = '\0';
	return end + 1;
}

static int do_get_tty_text(struct call *c)
{
	const char *const words[] = {number_of(call_text(c, 0)), NULL};
	VIV_FREE char *answer = NULL;
	int code = methods_watch(c, "tty", words, &answer);

	if (code < 0)
		return methods_watched(c, code, answer, "its terminal's text");
	lua_pushstring(c->L, split(answer));
	return 1;
}

static int do_wait_until_tty_matches(struct call *c)
{
	const char *tty = number_of(call_text(c, 0)), *pattern = call_text(c, 1), *text = "";
	VIV_FREE char *what = viv_asprintf("\"%s\" on tty%s", pattern, tty);
	VIV_FREE char *last = NULL;

	call_step(c, "waiting for %s", what);
	for (;;) {
		const char *const words[] = {tty, last, NULL};
		VIV_FREE char *answer = NULL;
		int code = methods_watch(c, "tty", words, &answer);

		if (code < 0) {
			methods_watched(c, code, answer, what);
			if (last)
				call_details(c, "tty%s:\n%s\n", tty, text);
			return -1;
		}
		text = split(answer);
		if (methods_matches(pattern, text))
			return 0;
		free(last);
		last = viv_steal(answer);
	}
}

/* Commands on a terminal of their own */

static const struct call_type type_process;

/* False: it is no size that a terminal can have, and the call has failed. */
static bool read_size(struct call *c, const char *option, unsigned short otherwise, unsigned short *ret)
{
	double size = call_option_number(c, option, otherwise);

	if (size < 1 || size > USHRT_MAX)
		return call_fail(c, VIV_VERDICT_ERROR, "spawn: %s is to be from 1 to %d", option, USHRT_MAX) == 0;
	*ret = (unsigned short)size;
	return true;
}

static int do_spawn(struct call *c)
{
	const char *shell = call_option_text(c, "shell"), *command = call_text(c, 0);
	const char *argv[] = {shell ? shell : "sh", "-c", command, NULL};
	VIV_STRV env = VIV_STRV_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;
	struct viv_command_spec spec = {
		.argv = argv,
		.user = call_option_text(c, "user"),
		.cwd = call_option_text(c, "cwd"),
	};
	struct process *p;

	if (!read_size(c, "rows", ROWS, &spec.rows) || !read_size(c, "columns", COLUMNS, &spec.columns))
		return -1;
	if (!methods_read_env(c, &env))
		return call_fail(c, VIV_VERDICT_ERROR, "spawn: env is to be { NAME = \"value\" }");
	spec.env = (const char *const *)env.items;
	call_step(c, "on a terminal: %s", command);
	if (process_start(c->g, command, &spec, &p, &err) < 0) {
		call_error(c, &err);
		viv_error_clear(&err);
		return -1;
	}
	call_push_object(c, &type_process, p);
	return 1;
}

static void add_output(struct call *c, const struct process *p)
{
	size_t skip = p->out.len > TAIL_MAX ? p->out.len - TAIL_MAX : 0;
	struct viv_str tail = {.data = p->out.data ? p->out.data + skip : NULL, .len = p->out.len - skip};

	call_details(c, "command on %s:\n  %s\n", c->g->name, p->text);
	methods_add_stream(c, "its output", &tail);
}

static int do_send(struct call *c)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	struct process *p = c->object;
	size_t len;
	const char *text = lua_tolstring(c->L, c->first, &len);
	VIV_FREE char *shown = methods_shown(c->L, c->first);

	call_step(c, "typing: %s", shown);
	if (process_type(p, text, len, &err) == 0)
		return 0;
	call_fail(c, VIV_VERDICT_FAIL, "%s: %s: %s", c->g->name, p->text, err.msg);
	add_output(c, p);
	viv_error_clear(&err);
	return -1;
}

struct listening {
	const struct process *p;
	size_t heard;
};

static bool has_more(void *arg)
{
	const struct listening *l = arg;

	return l->p->out.len != l->heard || !l->p->command;
}

/*
 * string.find(output, pattern, from) as Lua has it. 1: it is there, and its captures, or all of it, are on the
 * stack; *ret_n says how many.
 */
static int find(struct call *c, struct process *p, int *ret_n)
{
	lua_State *L = c->L;
	int top = lua_gettop(L), code;
	size_t end;

	lua_pushlstring(L, p->out.data ? p->out.data + p->from : "", p->out.len - p->from);
	luaL_getmetafield(L, -1, "__index");
	lua_getfield(L, -1, "find");
	lua_pushvalue(L, top + 1);
	lua_pushvalue(L, c->first);
	code = call_lua(c, 2, LUA_MULTRET);
	if (code < 0)
		return code;
	if (lua_isnil(L, top + 3)) {
		lua_settop(L, top);
		return 0;
	}
	end = (size_t)lua_tointeger(L, top + 4);
	*ret_n = lua_gettop(L) - (top + 4);
	if (!*ret_n) {
		size_t begin = (size_t)lua_tointeger(L, top + 3) - 1;

		lua_pushlstring(L, p->out.data ? p->out.data + p->from + begin : "", end - begin);
		*ret_n = 1;
	}
	p->from += end;
	return 1;
}

static int do_expect(struct call *c)
{
	struct process *p = c->object;
	const char *pattern = call_text(c, 0);
	struct listening l = {.p = p};
	int code, n;

	call_step(c, "expecting \"%s\"", pattern);
	for (;;) {
		bool over = !p->command;

		l.heard = p->out.len;
		code = find(c, p, &n);
		if (code)
			return code < 0 ? code : n;
		if (over) {
			call_fail(c, VIV_VERDICT_FAIL, "%s: %s ended with status %d and did not say \"%s\"%s%s", c->g->name,
				  p->text, p->status, pattern, p->error ? ": " : "", p->error ? p->error : "");
			add_output(c, p);
			return -1;
		}
		code = runner_wait(c->r, c->g, has_more, &l, c->deadline);
		if (code < 0) {
			call_waited(c, code, "\"%s\" of %s", pattern, p->text);
			add_output(c, p);
			return -1;
		}
	}
}

static bool is_over(void *arg)
{
	return !((const struct process *)arg)->command;
}

static int do_wait(struct call *c)
{
	struct process *p = c->object;
	int code;

	call_step(c, "waiting for the end of %s", p->text);
	code = runner_wait(c->r, c->g, is_over, p, c->deadline);
	if (code < 0 && !is_over(p)) {
		call_waited(c, code, "the end of %s", p->text);
		add_output(c, p);
		return -1;
	}
	lua_pushinteger(c->L, p->status);
	return 1;
}

static int do_output(struct call *c)
{
	const struct process *p = c->object;

	lua_pushlstring(c->L, p->out.data ? p->out.data : "", p->out.len);
	return 1;
}

/* As a terminal's window that is closed; what does not mind is killed. */
static int do_close(struct call *c)
{
	static const int signals[] = {SIGHUP, SIGKILL};
	struct process *p = c->object;

	call_step(c, "closing the terminal of %s", p->text);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(signals) && p->command && guest_is_on(c->g); i++) {
		int64_t limit = VIV_MIN(c->deadline, viv_now_ms() + HANG_UP_MS);
		int code;

		viv_command_signal(p->command, signals[i]);
		code = runner_wait(c->r, c->g, is_over, p, limit);
		if (code == -EINTR)
			return call_waited(c, code, "the end of %s", p->text);
	}
	return 0;
}

static const struct method methods_process[] = {
	{"send", "S", "(text)", NULL, "types text at its terminal: \"\\n\" is the return key, \"\\3\" Ctrl-C, \"\\4\" Ctrl-D", do_send,
	 .early = true},
	{"expect", "S", "(pattern, {timeout})", "",
	 "waits until it says what a pattern of Lua's matches, after what was expected before; returns its captures, or the match",
	 do_expect, .early = true},
	{"wait", "", "({timeout})", "", "waits for its end; returns its status", do_wait, .early = true},
	{"output", "", "()", NULL, "what it has said so far", do_output, .early = true},
	{"close", "", "()", NULL, "closes its terminal, and waits for its end", do_close, .early = true},
	{0},
};

static const struct call_type type_process = {"process", methods_process};

const struct method methods_terminal[] = {
	{"get_tty_text", "s", "(tty)", NULL, "the text of a virtual terminal: \"1\", \"tty1\"", do_get_tty_text},
	{"wait_until_tty_matches", "ss", "(tty, text or regular expression, {timeout})", "early:b",
	 "waits until a virtual terminal shows text", do_wait_until_tty_matches},
	{"spawn", "s", "(command, {user, cwd, env, shell, rows, columns})", "user:u cwd:w env:t shell:w rows:i columns:i early:b",
	 "a command on a terminal of its own; returns an object with send, expect, wait, output, close", do_spawn},
	{0},
};
