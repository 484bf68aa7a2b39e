/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

#define CRASH_GRACE_MS 10000 /* after an oops what was waited for may never come */

/* Kinds after which a kernel may not go on as it should. */
#define GRAVE (~(VIV_REPORT_BIT(VIV_REPORT_BUG) - 1) | VIV_REPORT_BIT(VIV_REPORT_SOFT_LOCKUP) | \
	       VIV_REPORT_BIT(VIV_REPORT_HARD_LOCKUP) | VIV_REPORT_BIT(VIV_REPORT_RCU_STALL))

void runner_crash_free_contents(struct runner_crash *c)
{
	free(c->what);
	viv_str_free(&c->details);
	viv_strv_free(&c->expected);
	*c = (struct runner_crash){0};
}

void runner_expect(struct runner *r, const char *machine, const char *what)
{
	viv_strv_pushf(&r->crash.expected, "%s:%s", machine, what);
}

void runner_expect_all(struct runner *r, const json_t *list)
{
	size_t i;
	json_t *what;

	json_array_foreach((json_t *)list, i, what)
		if (json_is_string(what))
			runner_expect(r, "*", json_string_value(what));
}

static bool is_said(const struct viv_trouble_report *report, const char *text)
{
	if (viv_streq(viv_trouble_report_name(report->kind), text) || strstr(report->what, text))
		return true;
	for (size_t i = 0; i < report->lines.count; i++)
		if (strstr(report->lines.items[i], text))
			return true;
	return false;
}

static bool is_expected(const struct runner *r, const struct guest *g, const struct viv_trouble_report *report)
{
	for (size_t i = 0; i < r->crash.expected.count; i++) {
		const char *one = r->crash.expected.items[i], *what = strchr(one, ':') + 1;
		size_t n = (size_t)(what - one) - 1;

		if ((viv_starts_with(one, "*:") || (strlen(g->name) == n && memcmp(one, g->name, n) == 0)) &&
		    is_said(report, what))
			return true;
	}
	return false;
}

static int on_crash_limit(struct viv_source *s, void *arg)
{
	struct guest *g = arg;

	g->crash_limit = NULL;
	g->hopeless = true;
	g->events.changed(g, g->events.arg);
	return 0;
}

static void tell(struct runner *r, const struct guest *g, const struct viv_trouble_report *report, bool expected)
{
	json_t *j = viv_trouble_report_json(report);

	json_object_set_new(j, "machine", viv_json_text(g->name));
	json_object_set_new(j, "text", viv_json_text(report->what));
	json_object_set_new(j, "expected", json_boolean(expected));
	viv_events_tell(&r->out, "kernel", j);
}

void runner_on_report(struct guest *g, const struct viv_trouble_report *report, void *arg)
{
	struct runner *r = arg;
	bool expected;

	/* What it says is known when its last line has come. */
	if (report->open)
		return;
	expected = is_expected(r, g, report);
	r->crash.met += expected;
	tell(r, g, report, expected);
	runner_wake(r);
	if (expected || !(VIV_REPORT_DEFAULT & VIV_REPORT_BIT(report->kind)))
		return;
	if (!g->crash_limit && !g->hopeless && (GRAVE & VIV_REPORT_BIT(report->kind)))
		viv_loop_add_timer(r->loop, CRASH_GRACE_MS, on_crash_limit, g, &g->crash_limit, NULL);
	if (r->crash.what)
		return;
	r->crash.what = viv_asprintf("%s: its kernel: %s", g->name, report->what);
	viv_str_addf(&r->crash.details, "kernel of %s (%s):\n", g->name, viv_trouble_report_name(report->kind));
	for (size_t i = 0; i < report->lines.count; i++)
		viv_str_addf(&r->crash.details, "  %s\n", report->lines.items[i]);
}

struct expecting {
	struct runner *runner;
	unsigned before;
};

static bool is_met(void *arg)
{
	const struct expecting *e = arg;

	return e->runner->crash.met > e->before;
}

/* The function may fail as it likes: its machine is about to die. */
static int do_expect_crash(struct call *c)
{
	struct expecting e = {c->r, c->r->crash.met};
	const char *what = call_text(c, 0);
	VIV_CLEANUP(runner_failure_free_contents) struct runner_failure f = {0};
	int code;

	call_step(c, "expecting a report of its kernel: %s", what);
	runner_expect(c->r, c->g->name, what);
	if (c->n < 2 || lua_isnil(c->L, c->first + 1))
		return 0;
	lua_pushvalue(c->L, c->first + 1);
	if (call_lua(c, 0, 0) < 0) {
		if (c->raised != -EINVAL)
			return -1;
		call_take_error(c, &f);
		lua_pop(c->L, 1);
		c->raised = 0;
	}
	code = runner_wait(c->r, c->g, is_met, &e, c->deadline);
	if (code == 0)
		return 0;
	if (f.reason)
		call_details(c, "the function said: %s\n", f.reason);
	return call_waited(c, code, "a report of its kernel: %s", what);
}

const struct method methods_crash[] = {
	{"expect_crash", "s?f", "(what, function, {timeout})", "",
	 "a report of its kernel of this kind (\"oops\") or with this text fails nothing; with a function: it must come", do_expect_crash,
	 .early = true},
	{0},
};
