/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

/*
 * X servers in a machine, whoever started them, and the windows that they show. The agent's program tells these, and again
 * whenever they have changed (guest/windows.h).
 */

#define SOCKET	    "/tmp/.X11-unix/X0"
#define UNIT	    "display-manager.service"
#define NAMES_MAX   16385 /* of windows at a time: as many as the agent looks at, and the root's */
#define NAME_BYTES  512	  /* bytes of each (guest/x11.h) */
#define STDERR_MAX  65536
#define AGAIN_MS    100   /* from a server that went to the next look for one */
#define SOME	    8	  /* windows that a failure shows */

struct windows {
	const char *pattern; /* NULL: any state will do */
	struct viv_strv coming, names; /* what is being told; all that were shown last */
	const char *match;   /* of names */
	bool told, enough;
	bool wrong; /* what is told can't be */
};

static void windows_free(struct windows *w)
{
	viv_strv_free(&w->coming);
	viv_strv_free(&w->names);
}

/* An empty line ends what is shown now. */
static bool on_line(struct viv_slice line, void *arg)
{
	struct windows *w = arg;

	w->wrong = line.len > NAME_BYTES || (line.len && w->coming.count == NAMES_MAX);
	if (w->wrong)
		return false;
	if (line.len) {
		viv_strv_pushf(&w->coming, "%.*s", (int)line.len, line.data);
		return true;
	}
	viv_strv_free(&w->names);
	w->names = w->coming;
	w->coming = (struct viv_strv)VIV_STRV_INIT;
	w->match = NULL;
	for (size_t i = 0; w->pattern && !w->match && i < w->names.count; i++)
		if (methods_matches(w->pattern, w->names.items[i]))
			w->match = w->names.items[i];
	w->told = true;
	w->enough = !w->pattern || w->match;
	return !w->enough;
}

/* Until it is enough, or the server goes: then *out says why. Else as runner_command_run, or METHODS_SAID. */
static int look(struct call *c, struct windows *w, struct runner_output *out)
{
	static const char *const argv[] = {"/proc/self/exe", "--windows", NULL};
	const struct runner_command spec = {
		.argv = argv, .deadline = c->deadline, .max_output = STDERR_MAX, .line = on_line, .arg = w,
		.forget_lines = true};
	VIV_ERROR err = VIV_ERROR_INIT;
	int code;

	viv_strv_free(&w->coming);
	code = runner_command_run(c->r, c->g, &spec, out, &err);
	if (code < 0 && err.code) {
		call_error(c, &err);
		return METHODS_SAID;
	}
	if (w->wrong) {
		call_fail(c, VIV_VERDICT_FAIL, "%s: it tells of more than %d windows, or of a name longer than %d bytes", c->g->name,
			  NAMES_MAX, NAME_BYTES);
		return METHODS_SAID;
	}
	return code;
}

/* A socket, and before it the unit that is to make it, for that can fail. */
static int wait_for_server(struct call *c)
{
	static const char *const unit[] = {UNIT, "active", NULL}, *const socket[] = {SOCKET, "stream", NULL};
	bool ours = viv_config_bool(c->g->config, "services.xserver.enable");
	const char *what = ours ? "X server" : "X server (services.xserver.enable = true makes one)";
	VIV_FREE char *answer = NULL;
	int code = ours ? methods_watch(c, "unit", unit, &answer) : 0;

	if (code == 0)
		code = methods_watch(c, "unix", socket, NULL);
	if (code == -ENOTRECOVERABLE)
		call_fail(c, VIV_VERDICT_FAIL, "%s: there is no X server: " UNIT " is %s", c->g->name, answer);
	else if (code < 0)
		methods_watched(c, code, answer, what);
	if (ours && (code == -ENOTRECOVERABLE || code == -ETIMEDOUT))
		methods_add_status(c, NULL, UNIT);
	return code < 0 ? -1 : 0;
}

/* Of no use to wait for, or gone again, while it is waited for. */
static int wait_again(struct call *c, const struct runner_output *out)
{
	if (out->error || out->status != 1) {
		call_fail(c, VIV_VERDICT_ERROR, "%s: its X server can't be asked", c->g->name);
		methods_add_stream(c, "stderr", &out->err);
		return METHODS_SAID;
	}
	return methods_pause(c, AGAIN_MS);
}

/* Waits until w has enough: 0, as runner_wait, or METHODS_SAID. */
static int watch(struct call *c, struct windows *w)
{
	int code = 0;

	while (code == 0) {
		VIV_CLEANUP(runner_output_free) struct runner_output out = {0};

		if (wait_for_server(c) < 0)
			return METHODS_SAID;
		code = look(c, w, &out);
		if (w->enough)
			return 0;
		if (code == 0)
			code = wait_again(c, &out);
	}
	return code;
}

static int do_wait_for_x(struct call *c)
{
	VIV_CLEANUP(windows_free) struct windows w = {0};
	int code;

	call_step(c, "waiting for an X server");
	code = watch(c, &w);
	if (code < 0 && code != METHODS_SAID)
		call_waited(c, code, "an X server that answers");
	return code < 0 ? -1 : 0;
}

/* Those that there are, for who misspelt one. */
static int fail_window(struct call *c, int code, const struct windows *w)
{
	VIV_STR some = VIV_STR_INIT;

	for (size_t i = 0; i < w->names.count && i < SOME; i++) {
		VIV_FREE char *name = viv_slice_printable(viv_slice(w->names.items[i]));

		viv_str_addf(&some, "%s\"%.60s\"", i ? ", " : "", name);
	}
	if (w->names.count > SOME)
		viv_str_addf(&some, " and %zu more", w->names.count - SOME);
	return call_waited(c, code, "window \"%s\" (shown: %s)", w->pattern,
			   !w->told ? "not known" : w->names.count ? some.data : "none");
}

static int do_wait_for_window(struct call *c)
{
	VIV_CLEANUP(windows_free) struct windows w = {.pattern = call_text(c, 0)};
	int code;

	call_step(c, "waiting for a window \"%s\"", w.pattern);
	code = watch(c, &w);
	if (code == 0)
		lua_pushstring(c->L, w.match);
	else if (code != METHODS_SAID)
		fail_window(c, code, &w);
	return code == 0 ? 1 : -1;
}

static int do_get_window_names(struct call *c)
{
	VIV_CLEANUP(windows_free) struct windows w = {0};
	VIV_CLEANUP(runner_output_free) struct runner_output out = {0};
	int code = look(c, &w, &out);

	if (code < 0)
		return code == METHODS_SAID ? -1 : call_waited(c, code, "the names of its windows");
	if (!w.enough) {
		call_fail(c, VIV_VERDICT_FAIL, "%s: its X server can't be asked for windows", c->g->name);
		methods_add_stream(c, "stderr", &out.err);
		return -1;
	}
	lua_newtable(c->L);
	for (size_t i = 0; i < w.names.count; i++) {
		lua_pushstring(c->L, w.names.items[i]);
		lua_seti(c->L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

const struct method methods_desktop[] = {
	{"wait_for_x", "", "({timeout})", "", "waits until an X server takes clients", do_wait_for_x},
	{"wait_for_window", "s", "(text or regular expression, {timeout})", "",
	 "waits until a window is shown with that in its name; returns the name", do_wait_for_window},
	{"get_window_names", "", "({timeout})", "", "the names of the windows that are shown, a list", do_get_window_names},
	{0},
};
