/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

#define DETAILS_MS 30000 /* for what helps to understand a failure: on a busy host systemctl alone takes seconds */

/* Programs that ask systemd as a user find his by this. Its own words for one that isn't there help nobody. */
#define OF_USER \
	"export XDG_RUNTIME_DIR=\"/run/user/$(id -u)\"\n" \
	"[ -S \"$XDG_RUNTIME_DIR/systemd/private\" ] || {\n" \
	"	echo \"no systemd runs for $(id -un), who has no session and does not linger" \
	" (loginctl enable-linger $(id -un), with the package libpam-systemd)\" >&2\n" \
	"	exit 1\n" \
	"}\n" \
	"exec systemctl --user "

static bool is_runit(const struct call *c)
{
	return viv_streq(viv_config_string(c->g->config, "system.init"), "runit");
}

/* Whose units they are: the last parameter, as in NixOS's tests, or an option. NULL: the system's. */
static const char *user_of(const struct call *c)
{
	const char *user = call_text(c, (int)strlen(c->method->params) - 2); /* one of them is the "?" */

	return user ? user : call_option_text(c, "user");
}

/* What has no units says so before it is even started. */
static int check(struct call *c)
{
	const char *user = user_of(c);

	if (viv_streq(viv_config_string(c->g->config, "system.init"), "none"))
		return call_fail(c, VIV_VERDICT_ERROR, "%s: %s: it has no units: system.init is \"none\"", c->g->name,
				 c->method->name);
	if (user && !*user)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: the user is empty", c->method->name);
	if (user && is_runit(c))
		return call_fail(c, VIV_VERDICT_ERROR, "%s: %s: with runit users have no units", c->g->name,
				 c->method->name);
	return 0;
}

static int check_and_need(struct call *c)
{
	return check(c) < 0 ? -1 : call_need(c);
}

/* What helps to understand a failure, which says enough by itself where this can't be had: -1. */
static int ask_more(struct call *c, const char *user, const char *const *argv, struct runner_output *ret)
{
	struct call ask = *c;
	int r;

	if (!guest_is_on(c->g) || c->r->signal || runner_time_is_up(c->r))
		return -1;
	ask.failure = (struct runner_failure){0};
	ask.deadline = viv_now_ms() + DETAILS_MS;
	r = methods_ask(&ask, argv, user, ret);
	runner_failure_free_contents(&ask.failure);
	return r;
}

/* systemctl of a unit, that user's (NULL: the system's); helps: for a failure (ask_more). */
static int control(struct call *c, const char *user, const char *verb, const char *unit, bool helps, struct runner_output *ret)
{
	const char *const systemd[] = {"sh", "-c", user ? OF_USER "--no-pager \"$@\"" : "exec systemctl --no-pager \"$@\"",
				       "sh", verb, "--", unit, NULL};
	const char *const runit[] = {"sh", "-c", methods_runit, "sh", verb, unit, NULL};
	const char *const *argv = is_runit(c) ? runit : systemd;

	return helps ? ask_more(c, user, argv, ret) : methods_ask(c, argv, user, ret);
}

void methods_add_status(struct call *c, const char *user, const char *unit)
{
	VIV_CLEANUP(runner_output_free) struct runner_output out = {0};
	struct viv_slice rest, line;

	if (control(c, user, "status", unit, true, &out) < 0 || !out.out.len)
		return;
	call_details(c, "status of %s:\n", unit);
	rest = (struct viv_slice){out.out.data, out.out.len};
	while (rest.len && viv_slice_line(&rest, &line)) {
		VIV_FREE char *text = viv_slice_printable(line);

		call_details(c, "  %s\n", text);
	}
}

static void push_stem(struct viv_strv *stems, struct viv_slice unit, const char *type)
{
	VIV_FREE char *stem = viv_slice_printable(unit);

	if (!viv_ends_with(stem, type))
		return;
	stem[strlen(stem) - strlen(type)] = '\0';
	if (!viv_strv_has(stems, stem))
		viv_strv_push(stems, stem);
}

/* Debian's name of a unit that NixOS calls so: too far from it to be near; NULL: none is known. */
static const char *debian_name(const char *stem)
{
	static const char *const names[][2] = {
		{"bind", "named"}, {"dovecot2", "dovecot"}, {"firewall", "nftables"}, {"httpd", "apache2"},
		{"mysql", "mariadb"}, {"redis", "redis-server"}, {"samba-smbd", "smbd"}, {"sshd", "ssh"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(names); i++)
		if (viv_streq(stem, names[i][0]))
			return names[i][1];
	return NULL;
}

/* " (did you mean nginx.service?)" of those of its type that the machine has; NULL: none is near, or they can't be had. */
static char *near_names(struct call *c, const char *unit)
{
	static const char list[] = "systemctl --plain --no-legend --no-pager list-unit-files\n"
				   "systemctl --plain --no-legend --no-pager --all list-units\n";
	const char *user = user_of(c);
	VIV_FREE char *of_user = viv_asprintf("systemctl() ( %s\"$@\" )\n%s", user ? OF_USER : "", list);
	const char *const systemd[] = {"sh", "-c", user ? of_user : list, NULL};
	const char *const runit[] = {"sh", "-c", methods_runit, "sh", "list-unit-files", NULL};
	VIV_CLEANUP(runner_output_free) struct runner_output out = {0};
	const char *dot = strrchr(unit, '.'), *type = dot ? dot : ".service";
	VIV_FREE char *stem = dot ? viv_strndup(unit, (size_t)(dot - unit)) : viv_strdup(unit);
	VIV_FREE char *joined = NULL, *between = viv_asprintf("%s, ", type);
	const char *debian = debian_name(stem);
	VIV_STRV names = VIV_STRV_INIT, near = VIV_STRV_INIT;
	struct viv_slice rest, line, word;

	if (ask_more(c, user, is_runit(c) ? runit : systemd, &out) < 0)
		return NULL;
	rest = (struct viv_slice){out.out.data, out.out.len};
	while (rest.len && viv_slice_line(&rest, &line))
		if (viv_slice_word(&line, &word))
			push_stem(&names, word, type);
	if (debian && viv_strv_has(&names, debian))
		viv_strv_push(&near, debian);
	else
		viv_suggest(stem, (const char *const *)names.items, names.count, 3, &near);
	joined = viv_strv_join(&near, between);
	return near.count ? viv_asprintf(" (did you mean %s%s?)", joined, type) : NULL;
}

static int fail_no_unit(struct call *c, const char *unit, const char *what, const char *answer)
{
	VIV_FREE char *near = near_names(c, unit);

	return call_fail(c, VIV_VERDICT_FAIL, "%s: there is no %s (%s)%s", c->g->name, what, answer, near ? near : "");
}

static int do_wait_for_unit(struct call *c)
{
	const char *unit = call_text(c, 0), *user = user_of(c);
	const char *const words[] = {unit, "active", user, NULL};
	VIV_FREE char *answer = NULL;
	VIV_FREE char *what = viv_asprintf("unit %s%s%s", unit, user ? " of " : "", user ? user : "");
	int code = check(c);

	/* systemd says itself when it is, which may be long before the end of the boot. */
	if (code == 0)
		code = is_runit(c) ? call_need(c) : call_need_early(c);
	if (code < 0)
		return code;
	call_step(c, "waiting for %s", what);
	code = methods_watch(c, "unit", words, &answer);
	if (code == 0)
		return 0;
	if (code == -ENOTRECOVERABLE)
		call_fail(c, VIV_VERDICT_FAIL, viv_streq(answer, "failed")
						       ? "%s: %s has failed"
						       : "%s: %s is inactive, and nothing is under way that would "
							 "start it", c->g->name, what);
	else if (code == -ENOENT)
		fail_no_unit(c, unit, what, answer);
	else
		methods_watched(c, code, answer, what);
	if (code == -ENOTRECOVERABLE || code == -ETIMEDOUT)
		methods_add_status(c, user, unit);
	return -1;
}

/* The line's value; false: it is none of "NAME=VALUE". */
static bool split(struct viv_slice line, struct viv_slice *name, struct viv_slice *value)
{
	const char *is = memchr(line.data, '=', line.len);

	if (!is || is == line.data)
		return false;
	*name = (struct viv_slice){line.data, (size_t)(is - line.data)};
	*value = (struct viv_slice){is + 1, line.len - name->len - 1};
	return true;
}

static int show(struct call *c, const char *unit, struct runner_output *out)
{
	int code = check_and_need(c);

	if (code == 0)
		code = control(c, user_of(c), "show", unit, false, out);
	if (code == 0 && out->status) {
		VIV_FREE char *text = viv_slice_printable(viv_slice_trim((struct viv_slice){out->err.data, out->err.len}));

		return call_fail(c, VIV_VERDICT_FAIL, "%s: what unit %s is can't be had (status %d): %s", c->g->name, unit,
				 out->status, text);
	}
	return code;
}

static int do_get_unit_info(struct call *c)
{
	VIV_CLEANUP(runner_output_free) struct runner_output out = {0};
	struct viv_slice rest, line, name, value;
	int code = show(c, call_text(c, 0), &out);

	if (code < 0)
		return code;
	lua_newtable(c->L);
	rest = (struct viv_slice){out.out.data, out.out.len};
	while (rest.len && viv_slice_line(&rest, &line)) {
		if (!split(line, &name, &value))
			continue;
		lua_pushlstring(c->L, name.data, name.len);
		lua_pushlstring(c->L, value.data, value.len);
		lua_rawset(c->L, -3);
	}
	return 1;
}

static int do_require_unit_state(struct call *c)
{
	VIV_CLEANUP(runner_output_free) struct runner_output out = {0};
	const char *unit = call_text(c, 0), *want = call_text(c, 1) ? call_text(c, 1) : "active";
	struct viv_slice rest, line, name, value;
	VIV_FREE char *state = NULL;
	int code;

	call_step(c, "unit %s must be %s", unit, want);
	code = show(c, unit, &out);
	if (code < 0)
		return code;
	rest = (struct viv_slice){out.out.data, out.out.len};
	while (!state && rest.len && viv_slice_line(&rest, &line))
		if (split(line, &name, &value) && viv_slice_eq(name, "ActiveState"))
			state = viv_slice_printable(value);
	if (state && viv_streq(state, want))
		return 0;
	call_fail(c, VIV_VERDICT_FAIL, "%s: unit %s is %s, and must be %s", c->g->name, unit, state ? state : "unknown", want);
	methods_add_status(c, user_of(c), unit);
	return -1;
}

static int push_output(struct call *c, const struct runner_output *out)
{
	lua_pushinteger(c->L, out->status);
	lua_pushlstring(c->L, out->out.data ? out->out.data : "", out->out.len);
	lua_pushlstring(c->L, out->err.data ? out->err.data : "", out->err.len);
	return 3;
}

/* Words as a shell takes them. */
static int do_systemctl(struct call *c)
{
	VIV_CLEANUP(runner_output_free) struct runner_output out = {0};
	const char *words = call_text(c, 0), *user = user_of(c);
	VIV_FREE char *script = is_runit(c) ? viv_asprintf("set -- %s\n%s", words, methods_runit)
					    : viv_asprintf("%s%s", user ? OF_USER : "exec systemctl ", words);
	const char *const argv[] = {"sh", "-c", script, NULL};
	int code = check_and_need(c);

	if (code < 0)
		return code;
	call_step(c, "systemctl %s", words);
	code = methods_ask(c, argv, user, &out);
	return code < 0 ? code : push_output(c, &out);
}

static int do_job(struct call *c, const char *verb)
{
	VIV_CLEANUP(runner_output_free) struct runner_output out = {0};
	int code = check_and_need(c);

	if (code < 0)
		return code;
	call_step(c, "%s of unit %s", verb, call_text(c, 0));
	code = control(c, user_of(c), verb, call_text(c, 0), false, &out);
	return code < 0 ? code : push_output(c, &out);
}

static int do_start_job(struct call *c)
{
	return do_job(c, "start");
}

static int do_stop_job(struct call *c)
{
	return do_job(c, "stop");
}

#define OPTIONS "user:u early:b"

const struct method methods_units[] = {
	{"wait_for_unit", "s?s", "(unit, user, {timeout, user})", OPTIONS,
	 "waits until a unit is active, a user's if one is named; fails at once when it has failed, or nothing would start it", do_wait_for_unit, .early = true},
	{"require_unit_state", "s?ss", "(unit, state, user, {user})", OPTIONS,
	 "fails unless the unit's state is this one, \"active\" if none is given", do_require_unit_state, .early = true},
	{"get_unit_info", "s?s", "(unit, user, {user})", OPTIONS, "the properties of a unit, a table", do_get_unit_info, .early = true},
	{"systemctl", "s?s", "(arguments, user, {user})", OPTIONS, "runs systemctl, a user's if one is named; returns its status, stdout and stderr",
	 do_systemctl, .early = true},
	{"start_job", "s?s", "(unit, user, {user})", OPTIONS, "starts a unit; returns systemctl's status, stdout and stderr",
	 do_start_job, .early = true},
	{"stop_job", "s?s", "(unit, user, {user})", OPTIONS, "stops a unit; returns systemctl's status, stdout and stderr",
	 do_stop_job, .early = true},
	{0},
};
