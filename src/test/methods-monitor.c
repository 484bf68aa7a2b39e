/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

#include "test/end.h"
#include "test/monitor.h"

/* QEMU's monitor: commands, and what it tells by itself. */

/* Its end, then, is what the test wants. */
static void note_command(struct guest *g, const char *command)
{
	if (viv_streq(command, "quit") || viv_streq(command, "q") || viv_streq(command, "system_reset"))
		g->asked |= GUEST_ASKED_END;
}

static void note_event(struct guest *g, const json_t *event)
{
	static const char *const ends[] = {"SHUTDOWN", "RESET", "WATCHDOG", "GUEST_PANICKED"};
	const char *name = viv_json_str(event, "event");

	for (size_t i = 0; name && i < VIV_ARRAY_SIZE(ends); i++)
		if (viv_streq(name, ends[i]))
			g->asked |= GUEST_ASKED_EVENT;
}

int methods_qmp(struct call *c, const char *command, json_t *arguments, json_t **ret)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int code = monitor_ask(c->r, c->g, command, arguments, c->deadline, ret, &err);

	if (code < 0)
		code = err.code ? call_error(c, &err) : call_waited(c, code, "QEMU's answer to %s", command);
	viv_error_clear(&err);
	return code;
}

static int do_send_monitor_command(struct call *c)
{
	VIV_JSON *answer = NULL;
	VIV_STR text = VIV_STR_INIT;
	const char *line = call_text(c, 0);
	json_t *arguments = json_pack("{s:s}", "command-line", line);
	int code = methods_start(c, false);

	call_step(c, "QEMU: %s", line);
	if (code == 0 && !arguments)
		return call_fail(c, VIV_VERDICT_ERROR, "send_monitor_command: the line is not UTF-8");
	if (code < 0) {
		json_decref(arguments);
		return code;
	}
	note_command(c->g, line);
	code = methods_qmp(c, "human-monitor-command", arguments, &answer);
	if (code < 0)
		return code;
	/* Its lines end as a terminal's. */
	for (const char *p = json_string_value(answer); p && *p; p++)
		if (*p != '\r')
			viv_str_add_char(&text, *p);
	lua_pushlstring(c->L, text.data ? text.data : "", text.len);
	return 1;
}

static int do_qmp(struct call *c)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_JSON *answer = NULL, *arguments = NULL;
	const char *command = call_text(c, 0);
	int code = c->n > 1 && !lua_isnil(c->L, c->first + 1)
			   ? methods_to_json(c->L, c->first + 1, &arguments, &err) : 0;

	if (code < 0) {
		code = call_error(c, &err);
		viv_error_clear(&err);
		return code;
	}
	code = methods_start(c, false);
	call_step(c, "QEMU: %s", command);
	if (code == 0) {
		note_command(c->g, command);
		code = methods_qmp(c, command, viv_steal(arguments), &answer);
	}
	if (code < 0)
		return code;
	methods_push_json(c->L, answer);
	return 1;
}

/* Is all of `want` in `is`? */
static bool has(const json_t *is, const json_t *want)
{
	const char *key;
	json_t *value;

	if (!json_is_object(want))
		return json_equal(is, want);
	json_object_foreach((json_t *)want, key, value)
		if (!json_object_get(is, key) || !has(json_object_get(is, key), value))
			return false;
	return true;
}

/* The i-th since the start; NULL: it is gone, or not there yet. */
static const json_t *event_at(const struct guest *g, uint64_t i)
{
	uint64_t first = g->n_qmp_events - json_array_size(g->qmp_events);

	return i < first ? NULL : json_array_get(g->qmp_events, (size_t)(i - first));
}

struct expecting {
	struct guest *g;
	const json_t *want; /* NULL: whatever comes is looked at outside */
	json_t *found;	    /* ours */
};

static bool has_come(void *arg)
{
	struct expecting *e = arg;
	struct guest *g = e->g;

	g->qmp_from = VIV_MAX(g->qmp_from, g->n_qmp_events - json_array_size(g->qmp_events));
	while (!e->found && g->qmp_from < g->n_qmp_events) {
		const json_t *event = event_at(g, g->qmp_from++);

		if (!e->want || has(event, e->want))
			e->found = json_incref((json_t *)event);
	}
	return e->found != NULL;
}

/* 1: the script's function takes this event. */
static int is_taken(struct call *c, const json_t *event)
{
	int code, taken;

	lua_pushvalue(c->L, c->first);
	methods_push_json(c->L, event);
	code = call_lua(c, 1, 1);
	if (code < 0)
		return code;
	taken = lua_toboolean(c->L, -1);
	lua_pop(c->L, 1);
	return taken;
}

/* A name, a table of what is to be in it, or a function that says whether it is the one. */
static int what_to_expect(struct call *c, json_t **ret)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int type = lua_type(c->L, c->first), code = 0;

	if (type == LUA_TSTRING)
		*ret = json_pack("{s:s}", "event", lua_tostring(c->L, c->first));
	else if (type == LUA_TTABLE)
		code = methods_to_json(c->L, c->first, ret, &err);
	else if (type != LUA_TFUNCTION)
		code = viv_error_say(&err, EINVAL, "wait_for_qmp_event: give an event's name, a table or a function");
	if (code < 0)
		code = call_error(c, &err);
	viv_error_clear(&err);
	return code;
}

/* From where the last wait of this kind ended, and from the machine's start. */
static int do_wait_for_qmp_event(struct call *c)
{
	VIV_JSON *want = NULL;
	struct expecting e = {.g = c->g};
	const char *name;
	int code = what_to_expect(c, &want);

	/* Of one that has ended the last events are of interest, too. */
	if (code == 0 && !c->g->vm)
		code = methods_start(c, false);
	if (code < 0)
		return code;
	e.want = want;
	name = viv_json_str(want, "event");
	call_step(c, "waiting for QEMU's event%s%s", name ? " " : "", name ? name : "");
	for (;;) {
		VIV_JSON *found = NULL;

		code = runner_wait(c->r, c->g, has_come, &e, c->deadline);
		found = viv_steal(e.found);
		if (code < 0)
			return call_waited(c, code, "%s of QEMU's", name ? name : "such event");
		code = want ? 1 : is_taken(c, found);
		if (code > 0) {
			note_event(c->g, found);
			methods_push_json(c->L, found);
		}
		if (code)
			return code;
	}
}

const struct method methods_monitor[] = {
	{"send_monitor_command", "s", "(line, {timeout})", "", "gives QEMU's monitor a command as people type it; returns its answer",
	 do_send_monitor_command, .early = true},
	{"qmp", "s?t", "(command, arguments)", NULL, "gives QEMU a command of QMP; returns its answer as a table", do_qmp,
	 .early = true},
	{"wait_for_qmp_event", "a", "(name or {event = …, data = …} or function, {timeout})", "",
	 "waits for an event of QEMU's since the start, or since the last wait for one; returns it", do_wait_for_qmp_event,
	 .early = true},
	{0},
};
