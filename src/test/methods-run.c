/* SPDX-License-Identifier: MIT */
#include "base/path.h"
#include "test/diff.h"
#include "test/methods.h"
#include "test/missing.h"

#define OUTPUT_MAX    (16u << 20) /* bytes of a command's stdout, and of its stderr */
#define SHOWN_MAX     8192	  /* bytes of each that a failure shows */
#define WORD_MAX      (128u << 10) /* bytes of an argument, or of a variable, with its NUL: Linux's MAX_ARG_STRLEN with pages of 4 KiB */
#define MISSING_MAX   100	  /* programs of a test that are warned of */
#define RETRY_MS      50	  /* between two tries, at first; it doubles */
#define RETRY_MAX_MS  1000

/*
 * What a command runs under, as NixOS's driver has it: it ends at the first failure, and an unset variable is
 * one. pipefail where the shell knows it (dash does from trixie on). zsh's `command` knows no builtins.
 */
#define STRICT "set -eu; [ -n \"${ZSH_VERSION-}\" ] && set -o pipefail || command set -o pipefail 2>/dev/null || :; "

/*
 * The command comes in the environment, so that no process has it among its arguments: `pgrep -f` and `pkill -f` would find
 * their own shell. What the command starts does not see it. Its lines count from 1, though busybox (which has a FUNCNAME) counts
 * an eval's from 0: there the newline before it stays. bash counts on from the eval's own line, so that is the first.
 */
#define RUN	    "eval \"$_VIV\""
#define RUN_ENV	    "_VIV="
#define RUN_COMMAND "_viv=$_VIV_COMMAND; unset _VIV _VIV_COMMAND; [ -n \"${FUNCNAME+x}\" ] || _viv=${_viv#?}; eval \"$_viv\""
#define COMMAND_ENV "_VIV_COMMAND=\n"

/* A text that no NUL cuts short. */
static bool is_whole_text(lua_State *L, int index)
{
	return lua_type(L, index) == LUA_TSTRING && strlen(lua_tostring(L, index)) == lua_rawlen(L, index);
}

bool methods_read_env(struct call *c, struct viv_strv *ret)
{
	lua_State *L = c->L;
	bool ok = true;

	int top = lua_gettop(L), type = c->options ? lua_getfield(L, c->options, "env") : LUA_TNIL;

	if (type == LUA_TTABLE) {
		lua_pushnil(L);
		while (ok && lua_next(L, top + 1)) {
			ok = is_whole_text(L, -2) && (lua_type(L, -1) == LUA_TNUMBER || is_whole_text(L, -1));
			if (ok)
				viv_strv_pushf(ret, "%s=%s", lua_tostring(L, -2), lua_tostring(L, -1));
			lua_pop(L, 1);
		}
	}
	lua_settop(L, top);
	return ok && (type == LUA_TTABLE || type == LUA_TNIL);
}

static bool is_posix(const char *shell)
{
	static const char *const names[] = {"sh", "dash", "bash", "ash", "ksh", "mksh", "zsh"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(names); i++)
		if (viv_streq(viv_path_base(shell), names[i]))
			return true;
	return false;
}

/* The script that follows -c; what it needs is added to the environment. The caller frees it. */
static char *script_of(const struct call *c, const char *shell, const char *command, struct viv_strv *env)
{
	const char *strict = call_option_bool(c, "strict", true) ? STRICT : "";

	if (!is_posix(shell))
		return viv_asprintf("%s%s%s", strict, *strict ? "\n" : "", command);
	viv_strv_pushf(env, RUN_ENV "%s" RUN_COMMAND, strict);
	viv_strv_pushf(env, COMMAND_ENV "%s", command);
	return viv_strdup(RUN);
}

static bool is_too_long(const char *script, const struct viv_strv *env)
{
	bool is = strlen(script) >= WORD_MAX;

	for (size_t i = 0; i < env->count; i++)
		is |= strlen(env->items[i]) >= WORD_MAX;
	return is;
}

/* Runs it; a negative errno as runner_command_run, or -1 with the call's failure. */
static int run(struct call *c, const char *command, struct runner_output *out, int *ret_code)
{
	VIV_STRV env = VIV_STRV_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_FREE char *script = NULL;
	const char *given = call_option_text(c, "shell"), *shell = given ? given : "sh";
	const char *argv[] = {shell, "-c", NULL, NULL};
	struct runner_command spec = {
		.argv = argv,
		.user = call_option_text(c, "user"),
		.cwd = call_option_text(c, "cwd"),
		.input = call_option_bytes(c, "input"),
		.deadline = c->deadline,
		.max_output = OUTPUT_MAX,
	};

	if (!methods_read_env(c, &env))
		return call_fail(c, VIV_VERDICT_ERROR, "%s: env is to be { NAME = \"value\" }", c->method->name);
	argv[2] = script = script_of(c, shell, command, &env);
	if (is_too_long(script, &env))
		return call_fail(c, VIV_VERDICT_ERROR, "%s: the command, or a value of env, is too long for Linux (128 KiB): "
						       "input = … takes any size, and run_script runs a file", c->method->name);
	spec.env = (const char *const *)env.items;
	*ret_code = runner_command_run(c->r, c->g, &spec, out, &err);
	if (*ret_code < 0 && err.code)
		return call_error(c, &err);
	return 0;
}

/* Its lines, fit for a terminal; of much the end. */
static void lines_of(const struct viv_str *s, struct viv_strv *ret)
{
	size_t before = s->len > SHOWN_MAX ? s->len - SHOWN_MAX : 0;
	struct viv_slice rest = {s->len ? s->data + before : NULL, s->len - before}, line;

	if (before)
		viv_strv_pushf(ret, "… (%zu bytes before)", before);
	while (rest.len && viv_slice_line(&rest, &line))
		viv_strv_take(ret, viv_slice_printable(line));
}

void methods_add_stream(struct call *c, const char *name, const struct viv_str *s)
{
	VIV_STRV lines = VIV_STRV_INIT;

	lines_of(s, &lines);
	if (lines.count)
		call_details(c, "%s:\n", name);
	for (size_t i = 0; i < lines.count; i++)
		call_details(c, "  %s\n", lines.items[i]);
}

/* Of a command that did as it should: nothing else shows it. */
static void tell_stderr(struct call *c, const struct runner_output *out)
{
	VIV_STRV lines = VIV_STRV_INIT;

	lines_of(&out->err, &lines);
	for (size_t i = 0; i < lines.count; i++)
		viv_events_tell(&c->r->out, "output",
				json_pack("{s:o, s:o, s:s}", "machine", viv_json_text(c->g->name), "text",
					  viv_json_text(lines.items[i]), "stream", "stderr"));
}

/*
 * Any status but 0 is a failure, and a test may well look whether a program is there: but more often it was to do something.
 * Once for each program.
 */
static void warn_missing(struct call *c, const struct runner_output *out)
{
	VIV_FREE char *program = viv_test_missing(out->status, (struct viv_slice){out->err.data, out->err.len});
	VIV_FREE char *what = NULL, *hint = NULL;

	if (!program)
		return;
	what = viv_asprintf("%s %s", c->g->name, program);
	if (c->r->missing.count == MISSING_MAX || viv_strv_has(&c->r->missing, what))
		return;
	viv_strv_push(&c->r->missing, what);
	hint = viv_test_package_hint(program);
	viv_events_say(&c->r->out, "warning", c->g->name, "%s: not found (status %d): the command itself is missing%s%s", program,
		       out->status, hint ? "; " : "", hint ? hint : "");
}

/* All that there is to know of a command that did not do what it should. */
static int fail_command(struct call *c, const char *command, const struct runner_output *out, const char *fmt, ...)
	VIV_PRINTF(4, 5);
static int fail_command(struct call *c, const char *command, const struct runner_output *out, const char *fmt, ...)
{
	VIV_FREE char *missing = viv_test_missing(out->status, (struct viv_slice){out->err.data, out->err.len}), *hint = NULL;
	VIV_STR what = VIV_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&what, fmt, ap);
	va_end(ap);
	hint = missing ? viv_test_package_hint(missing) : NULL;
	if (hint)
		viv_str_addf(&what, " (%s)", hint);
	call_fail(c, VIV_VERDICT_FAIL, "%s: %s: %s", c->g->name, what.data, command);
	call_details(c, "command on %s:\n  %s\n", c->g->name, command);
	methods_add_stream(c, "stdout", &out->out);
	methods_add_stream(c, "stderr", &out->err);
	call_add_console(c);
	return -1;
}

/* For codes below 0 of runner_command_run. */
static int fail_run(struct call *c, const char *command, const struct runner_output *out, int code)
{
	VIV_FREE char *what = viv_asprintf("the end of: %s", command);

	if (code == -EFBIG)
		return fail_command(c, command, out, "more than %u MiB of output", OUTPUT_MAX >> 20);
	call_waited(c, code, "%s", what);
	methods_add_stream(c, "stdout", &out->out);
	methods_add_stream(c, "stderr", &out->err);
	return -1;
}

/* One that did not run to its end says nothing about what it was to do. */
static int fail_to_run(struct call *c, const char *command, const struct runner_output *out)
{
	fail_command(c, command, out, "did not run to its end: %s", out->error);
	c->failure.verdict = VIV_VERDICT_ERROR;
	return -1;
}

static int do_execute(struct call *c)
{
	VIV_CLEANUP(runner_output_free) struct runner_output out = {0};
	const char *command = call_text(c, 0);
	int code, r;

	call_step(c, "execute: %s", command);
	r = run(c, command, &out, &code);
	if (r < 0)
		return r;
	if (code == -ETIMEDOUT && !runner_time_is_up(c->r))
		out.status = VIV_EXIT_TIMEOUT; /* as timeout(1) has it: execute judges nothing */
	else if (code < 0)
		return fail_run(c, command, &out, code);
	tell_stderr(c, &out);
	lua_pushinteger(c->L, out.status);
	lua_pushlstring(c->L, out.out.data ? out.out.data : "", out.out.len);
	lua_pushlstring(c->L, out.err.data ? out.err.data : "", out.err.len);
	return 3;
}

/* Runs a command that is to succeed, or to fail: anything else is the call's failure. */
static int run_to(struct call *c, const char *command, bool want_failure, struct runner_output *out)
{
	int code, r;

	call_step(c, "must %s: %s", want_failure ? "fail" : "succeed", command);
	r = run(c, command, out, &code);
	if (r < 0)
		return r;
	if (code < 0)
		return fail_run(c, command, out, code);
	if (out->error)
		return fail_to_run(c, command, out);
	if (!out->status == want_failure)
		return want_failure ? fail_command(c, command, out, "succeeded, and was to fail")
				    : fail_command(c, command, out, "failed with status %d", out->status);
	return 0;
}

/* Every command of the call, as long as each does what it should; returns what they wrote. */
static int each(struct call *c, bool want_failure)
{
	VIV_STR all = VIV_STR_INIT;

	for (int i = 0; i < c->n; i++) {
		VIV_CLEANUP(runner_output_free) struct runner_output out = {0};
		const char *command = call_text(c, i);
		int r = run_to(c, command, want_failure, &out);

		if (r < 0)
			return r;
		tell_stderr(c, &out);
		warn_missing(c, &out);
		viv_str_add_bytes(&all, out.out.data, out.out.len);
	}
	lua_pushlstring(c->L, all.data ? all.data : "", all.len);
	return 1;
}

static int do_succeed(struct call *c)
{
	return each(c, false);
}

static int do_fail(struct call *c)
{
	return each(c, true);
}

/* One that was given without its last newline need not have it. */
static bool is_output(struct viv_slice got, struct viv_slice wanted)
{
	if (wanted.len && wanted.data[wanted.len - 1] != '\n' && got.len == wanted.len + 1 && got.data[wanted.len] == '\n')
		got.len--;
	return got.len == wanted.len && (!got.len || memcmp(got.data, wanted.data, got.len) == 0);
}

static int fail_output(struct call *c, const char *command, const struct runner_output *out, struct viv_slice wanted)
{
	VIV_STR lines = VIV_STR_INIT;
	VIV_FREE char *how = viv_test_differs((struct viv_slice){out->out.data, out->out.len}, wanted, &lines);

	call_fail(c, VIV_VERDICT_FAIL, "%s: %s: %s", c->g->name, how, command);
	call_details(c, "command on %s:\n  %s\n%s", c->g->name, command, lines.data ? lines.data : "");
	methods_add_stream(c, "stderr", &out->err);
	call_add_console(c);
	return -1;
}

static int do_prints(struct call *c)
{
	VIV_CLEANUP(runner_output_free) struct runner_output out = {0};
	const char *command = call_text(c, 0);
	struct viv_slice wanted = {0};
	int r = run_to(c, command, false, &out);

	if (r < 0)
		return r;
	wanted.data = lua_tolstring(c->L, c->first + 1, &wanted.len);
	if (!is_output((struct viv_slice){out.out.data, out.out.len}, wanted))
		return fail_output(c, command, &out, wanted);
	tell_stderr(c, &out);
	return 0;
}

static bool never(void *arg)
{
	return false;
}

int64_t methods_ms(double seconds)
{
	return seconds > 0 ? (int64_t)(VIV_MIN(seconds, 1e8) * 1000) : 0;
}

int methods_pause(struct call *c, int64_t ms)
{
	int64_t until = VIV_MIN(viv_now_ms() + ms, c->deadline);
	int code = runner_wait(c->r, c->g, never, NULL, until);

	return code == -ETIMEDOUT && !runner_time_is_up(c->r) ? 0 : code;
}

/* `last` is what the last attempt that ended came to, of the only one whatever came. cut: one was under way. */
static int fail_until(struct call *c, const char *command, bool want_failure, const struct runner_output *last, bool cut,
		      bool only)
{
	const char *what = want_failure ? "fail" : "succeed";

	if (cut && only)
		fail_command(c, command, last, "did not %s in time (the first attempt did not end)", what);
	else
		fail_command(c, command, last, "did not %s in time (status %d at last%s)", what, last->status,
			     cut ? ", and another attempt was under way" : "");
	if (runner_time_is_up(c->r))
		c->failure.verdict = VIV_VERDICT_TIMEOUT;
	return -1;
}

/* Again and again, with pauses that grow: that a command's result changes is no event. */
static int until(struct call *c, bool want_failure)
{
	VIV_CLEANUP(runner_output_free) struct runner_output last = {0};
	const char *command = call_text(c, 0);
	int64_t pause = RETRY_MS;

	call_step(c, "waiting for %s: %s", want_failure ? "failure" : "success", command);
	for (bool first = true;; first = false) {
		VIV_CLEANUP(runner_output_free) struct runner_output out = {0};
		int code, r = run(c, command, &out, &code);
		/* It went in a reboot, after which it can be tried again. */
		bool again = out.error && out.status == VIV_EXIT_GONE && c->g->reboots, ended = code == 0;

		if (r < 0)
			return r;
		if (code == 0 && out.error && !again)
			return fail_to_run(c, command, &out);
		if (code == 0)
			warn_missing(c, &out);
		if (code == 0 && !again && !out.status == !want_failure) {
			tell_stderr(c, &out);
			lua_pushlstring(c->L, out.out.data ? out.out.data : "", out.out.len);
			return 1;
		}
		if (code == 0)
			code = methods_pause(c, pause);
		if (code == 0 && viv_now_ms() >= c->deadline)
			code = -ETIMEDOUT;
		if (code < 0 && code != -ETIMEDOUT)
			return fail_run(c, command, &out, code);
		if (ended || first) {
			runner_output_free(&last);
			last = out;
			out = (struct runner_output){0};
		}
		if (code == -ETIMEDOUT)
			return fail_until(c, command, want_failure, &last, !ended, first);
		pause = VIV_MIN(pause * 2, RETRY_MAX_MS);
	}
}

static int do_wait_until_succeeds(struct call *c)
{
	return until(c, false);
}

static int do_wait_until_fails(struct call *c)
{
	return until(c, true);
}

static int do_sleep(struct call *c)
{
	double seconds = call_number(c, 0, 0);
	int code;

	if (!(seconds >= 0))
		return call_fail(c, VIV_VERDICT_ERROR, "sleep: seconds are to be 0 or more");
	call_step(c, "sleeping %g s", seconds);
	c->deadline = INT64_MAX;
	code = methods_pause(c, methods_ms(seconds));
	return code < 0 ? call_waited(c, code, "%g s to pass", seconds) : 0;
}

#define OPTIONS "user:u cwd:w env:t input:W shell:w strict:b early:b"

const struct method methods_run[] = {
	{"execute", "s", "(command, {timeout, user, cwd, env, input, shell, strict})", OPTIONS,
	 "runs a command and returns its status, stdout and stderr", do_execute},
	{"succeed", "s*", "(command…, {timeout, user, …})", OPTIONS,
	 "runs commands that must end with 0; returns what they wrote to stdout", do_succeed},
	{"fail", "s*", "(command…, {timeout, user, …})", OPTIONS,
	 "runs commands that must not end with 0; returns what they wrote to stdout", do_fail},
	{"prints", "sS", "(command, text, {timeout, user, …})", OPTIONS,
	 "runs a command that must end with 0 and write this to stdout; without its last newline it is the same", do_prints},
	{"wait_until_succeeds", "s", "(command, {timeout, user, …})", OPTIONS,
	 "runs a command again and again until it ends with 0", do_wait_until_succeeds},
	{"wait_until_fails", "s", "(command, {timeout, user, …})", OPTIONS,
	 "runs a command again and again until it does not end with 0", do_wait_until_fails},
	{"sleep", "n", "(seconds)", NULL, "lets time pass in which the machine goes on", do_sleep},
	{0},
};
