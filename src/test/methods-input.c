/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

#include "test/keys.h"

#define KEY_MS	    10	   /* a key is down for so long, and up for so long before the next one */
#define POINTER_MAX 0x7fff /* where the screen ends, for a pointer (QEMU's input-send-event) */

static int64_t hold_ms(const struct call *c)
{
	double delay = call_option_seconds(c, "delay", -1);

	return delay >= 0 && delay <= 60 ? VIV_MAX((int64_t)(delay * 1000), 1) : KEY_MS;
}

/*
 * QEMU presses one after the other, each for the time, and releases them the same way; it answers at once. What
 * comes meanwhile it queues up to a limit, and a keyboard's own queue is short: so it is given its time.
 */
static int press(struct call *c, json_t *keys, int64_t hold)
{
	size_t n = json_array_size(keys);
	int code = methods_qmp(c, "send-key", json_pack("{s:o, s:I}", "keys", keys, "hold-time", (json_int_t)hold),
		       NULL);

	if (code < 0)
		return code;
	code = methods_pause(c, hold * (int64_t)n * 2);
	return code < 0 ? call_waited(c, code, "a key to be released") : 0;
}

static int do_send_key(struct call *c)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	json_t *keys;
	int code = methods_start(c, false);

	if (code < 0)
		return code;
	call_step(c, "sending key %s", call_text(c, 0));
	if (keys_of(call_text(c, 0), &keys, &err) < 0) {
		code = call_fail(c, VIV_VERDICT_ERROR, "send_key: \"%.60s\": %s", call_text(c, 0), err.msg);
		viv_error_clear(&err);
		return code;
	}
	code = press(c, keys, hold_ms(c));
	if (code < 0 && c->failure.reason && strstr(c->failure.reason, "does not accept value"))
		call_details(c, "names of keys are QEMU's (a, ret, spc, esc, f1, ctrl, alt, shift, delete, up, …)\n");
	return code;
}

static int do_send_chars(struct call *c)
{
	const char *text = call_text(c, 0);
	int code = methods_start(c, false);

	call_step(c, "typing: %s", text);
	for (const char *p = text; *p; p++) {
		json_t *keys = keys_of_char(*p);

		json_decref(keys);
		if (!keys)
			return call_fail(c, VIV_VERDICT_ERROR, "send_chars: no key has character %d of \"%.60s\"",
					 (int)(p - text) + 1, text);
	}
	for (const char *p = text; code == 0 && *p; p++)
		code = press(c, keys_of_char(*p), hold_ms(c));
	return code;
}

static void add_axis(json_t *events, const char *axis, double at, unsigned size)
{
	double value = size > 1 ? at * POINTER_MAX / (size - 1) : 0;

	json_array_append_new(events, json_pack("{s:s, s:{s:s, s:i}}", "type", "abs", "data", "axis", axis, "value",
						(int)VIV_MIN(VIV_MAX(value, 0.0), (double)POINTER_MAX)));
}

/* Nil: fine, it is absent. */
static int get_place(struct call *c, const char *name, bool *ret_there, double *ret)
{
	int type = lua_getfield(c->L, c->first, name);

	*ret_there = type != LUA_TNIL;
	*ret = type == LUA_TNUMBER ? lua_tonumber(c->L, -1) : 0;
	lua_pop(c->L, 1);
	return type == LUA_TNIL || type == LUA_TNUMBER ? 0 : call_fail(c, VIV_VERDICT_ERROR, "mouse: %s is to be a number", name);
}

static int move(struct call *c)
{
	VIV_CLEANUP(picture_free) struct picture p = {0};
	VIV_STR bytes = VIV_STR_INIT;
	bool has_x, has_y;
	double x, y;
	json_t *events;
	int code = get_place(c, "x", &has_x, &x);

	if (code == 0)
		code = get_place(c, "y", &has_y, &y);
	if (code < 0 || (!has_x && !has_y))
		return code;
	code = methods_take_picture(c, &p, &bytes);
	if (code < 0)
		return code;
	if (x < 0 || y < 0 || x >= p.width || y >= p.height)
		return call_fail(c, VIV_VERDICT_ERROR, "mouse: its screen has %ux%u pixels: there is no %g,%g", p.width, p.height, x, y);
	events = json_array();
	if (has_x)
		add_axis(events, "x", x, p.width);
	if (has_y)
		add_axis(events, "y", y, p.height);
	return methods_qmp(c, "input-send-event", json_pack("{s:o}", "events", events), NULL);
}

static int click(struct call *c, const char *button, bool down)
{
	int code = methods_qmp(c, "input-send-event", json_pack("{s:[{s:s, s:{s:s, s:b}}]}", "events", "type", "btn", "data", "button", button,
							"down", down), NULL);

	if (code == 0)
		code = methods_pause(c, KEY_MS);
	return code < 0 && !c->failure.reason ? call_waited(c, code, "a button") : code;
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (size_t i = 0; names[i]; i++)
		if (viv_streq(names[i], name))
			return true;
	return false;
}

/* Its fields are all there is: a misspelt one is noticed. */
static int check_mouse(struct call *c)
{
	static const char *const fields[] = {"x", "y", "button", "clicks", NULL};
	int code = 0;

	lua_pushnil(c->L);
	while (code == 0 && lua_next(c->L, c->first)) {
		const char *name = lua_type(c->L, -2) == LUA_TSTRING ? lua_tostring(c->L, -2) : "?";

		if (!is_one_of(name, fields))
			code = call_fail(c, VIV_VERDICT_ERROR, "mouse: there is no %.40s: it takes x, y, button, clicks", name);
		lua_pop(c->L, 1);
	}
	if (code < 0)
		lua_pop(c->L, 1);
	return code;
}

static int do_mouse(struct call *c)
{
	static const char *const buttons[] = {"left", "middle", "right", "wheel-up", "wheel-down", "side", "extra", NULL};
	VIV_FREE char *button = NULL;
	double clicks = 1;
	bool there;
	int code = check_mouse(c);

	if (code == 0)
		code = methods_need_screen(c);
	if (code < 0)
		return code;
	if (c->g->machine.devices.is_text)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: it has no pointer: set virtualisation.graphics = true", c->g->name);
	if (lua_getfield(c->L, c->first, "button") == LUA_TSTRING)
		button = viv_strdup(lua_tostring(c->L, -1));
	lua_pop(c->L, 1);
	code = get_place(c, "clicks", &there, &clicks);
	if (code == 0 && button && !is_one_of(button, buttons))
		code = call_fail(c, VIV_VERDICT_ERROR, "mouse: no button \"%.40s\": left, middle, right, wheel-up, wheel-down", button);
	call_step(c, "moving its pointer");
	if (code == 0)
		code = move(c);
	for (int i = 0; code == 0 && button && i < (there ? (int)VIV_MIN(clicks, 100) : 1); i++) {
		code = click(c, button, true);
		if (code == 0)
			code = click(c, button, false);
	}
	return code;
}

const struct method methods_input[] = {
	{"send_key", "s", "(key, {delay})", "delay:d", "presses keys and releases them: \"ctrl-alt-delete\"", do_send_key, .early = true},
	{"send_chars", "s", "(text, {delay})", "delay:d", "types text on its keyboard, as a US one has it", do_send_chars, .early = true},
	{"mouse", "t", "({x, y, button, clicks})", NULL, "moves its pointer to a place in pixels, and presses a button", do_mouse,
	 .early = true},
	{0},
};
