/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

#define CRASH_GRACE_MS	10000 /* after an oops what was waited for may never come */
#define REPORT_GRACE_MS 10000 /* what a kernel has printed is on its way, and ends with VIV_REPORT_PAUSE_MS */

/* Kinds after which a kernel may not go on as it should. */
#define GRAVE (~(VIV_REPORT_BIT(VIV_REPORT_BUG) - 1) | VIV_REPORT_BIT(VIV_REPORT_SOFT_LOCKUP) | \
	       VIV_REPORT_BIT(VIV_REPORT_HARD_LOCKUP) | VIV_REPORT_BIT(VIV_REPORT_RCU_STALL))

void runner_crash_free_contents(struct runner_crash *c)
{
	free(c->what);
	viv_str_free(&c->details);
	for (size_t i = 0; i < c->n_expected; i++) {
		free(c->expected[i].machine);
		free(c->expected[i].what);
	}
	free(c->expected);
	*c = (struct runner_crash){0};
}

size_t runner_expect(struct runner *r, const char *machine, const char *what)
{
	struct runner_crash *c = &r->crash;

	c->expected = viv_grow(c->expected, &c->cap_expected, c->n_expected + 1, sizeof(*c->expected));
	c->expected[c->n_expected] = (struct runner_expectation){.machine = viv_strdup(machine), .what = viv_strdup(what)};
	return c->n_expected++;
}

char *runner_expect_wrong(const char *what)
{
	const char *kinds[VIV_REPORT_KINDS];
	VIV_STRV near = VIV_STRV_INIT;
	enum viv_trouble_report_kind kind;
	size_t n = 0;

	if (what[strspn(what, "abcdefghijklmnopqrstuvwxyz-")] || viv_trouble_report_parse(what, &kind))
		return NULL;
	for (unsigned i = VIV_REPORT_NONE + 1; i < VIV_REPORT_KINDS; i++)
		kinds[n++] = viv_trouble_report_name(i);
	viv_suggest(what, kinds, n, 1, &near);
	if (!near.count || near.items[0][0] != *what)
		return NULL;
	return viv_asprintf("there is no kind of report called %s (did you mean %s?)", what, near.items[0]);
}

void runner_expect_all(struct runner *r, const json_t *list)
{
	size_t i;
	json_t *what;

	json_array_foreach((json_t *)list, i, what)
		if (json_is_string(what))
			runner_expect(r, NULL, json_string_value(what));
}

static bool is_said(const struct viv_trouble_report *report, const char *text)
{
	enum viv_trouble_report_kind kind;

	/* "bug" is also a part of many a function's name. */
	if (viv_trouble_report_parse(text, &kind))
		return report->kind == kind;
	if (strstr(report->what, text))
		return true;
	for (size_t i = 0; i < report->lines.count; i++)
		if (strstr(report->lines.items[i], text))
			return true;
	return false;
}

/* Each that it fits counts it. */
static bool is_expected(struct runner *r, const struct guest *g, const struct viv_trouble_report *report)
{
	bool expected = false;

	for (size_t i = 0; i < r->crash.n_expected; i++) {
		struct runner_expectation *e = &r->crash.expected[i];

		if (e->over || (e->machine && !viv_streq(e->machine, g->name)) || !is_said(report, e->what))
			continue;
		e->met++;
		expected = true;
	}
	return expected;
}

static int on_crash_limit(struct viv_source *s, void *arg)
{
	struct guest *g = arg;

	g->crash_limit = NULL;
	g->hopeless = true;
	g->events.changed(g, g->events.arg);
	return 0;
}

void runner_give_up_soon(struct runner *r, struct guest *g)
{
	if (!g->crash_limit && !g->hopeless)
		viv_loop_add_timer(r->loop, CRASH_GRACE_MS, on_crash_limit, g, &g->crash_limit, NULL);
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
	g->doomed |= expected && report->kind == VIV_REPORT_PANIC;
	tell(r, g, report, expected);
	runner_wake(r);
	if (expected || !(VIV_REPORT_DEFAULT & VIV_REPORT_BIT(report->kind)))
		return;
	if (GRAVE & VIV_REPORT_BIT(report->kind))
		runner_give_up_soon(r, g);
	if (r->crash.what)
		return;
	r->crash.what = viv_asprintf("%s: its kernel: %s", g->name, report->what);
	viv_str_addf(&r->crash.details, "kernel of %s (%s):\n", g->name, viv_trouble_report_name(report->kind));
	for (size_t i = 0; i < report->lines.count; i++)
		viv_str_addf(&r->crash.details, "  %s\n", report->lines.items[i]);
}

struct expecting {
	struct runner *runner;
	size_t which;
};

static bool is_met(void *arg)
{
	const struct expecting *e = arg;

	return e->runner->crash.expected[e->which].met > 0;
}

/* What a method failed with may be how the machine died; a mistake, an assertion or a skip is not. */
static bool may_be_its_end(const struct runner_failure *f)
{
	return !f->own && (f->verdict == VIV_VERDICT_FAIL || f->verdict == VIV_VERDICT_CRASH);
}

static bool is_over(const struct runner *r)
{
	return r->signal || runner_time_is_up(r);
}

static int none_came(struct call *c, const char *what)
{
	enum viv_trouble_report_kind kind;

	if (viv_trouble_report_parse(what, &kind))
		call_fail(c, VIV_VERDICT_FAIL, "%s: no %s came", c->g->name, what);
	else
		call_fail(c, VIV_VERDICT_FAIL, "%s: no report of its kernel with \"%s\" came", c->g->name, what);
	call_add_console(c);
	return -1;
}

static int while_expected(struct call *c, struct expecting *e)
{
	VIV_CLEANUP(runner_failure_free_contents) struct runner_failure f = {0};
	bool limited = call_option_seconds(c, "timeout", -1) >= 0;
	const char *what;
	int code;

	lua_pushvalue(c->L, c->first + 1);
	c->r->expecting++;
	code = call_lua(c, 0, 0);
	c->r->expecting--;
	if (code < 0) {
		if (c->raised != -EINVAL)
			return -1;
		call_take_error(c, &f);
		if (!may_be_its_end(&f))
			return -1;
		lua_pop(c->L, 1);
		c->raised = 0;
	}
	if (!limited)
		c->deadline = viv_now_ms() + REPORT_GRACE_MS;
	code = runner_wait(c->r, c->g, is_met, e, c->deadline);
	if (code == 0)
		return 0;
	if (f.reason)
		call_details(c, "the function said: %s\n", f.reason);
	what = c->r->crash.expected[e->which].what;
	if (code == -ETIMEDOUT && !limited && !is_over(c->r))
		return none_came(c, what);
	return call_waited(c, code, "a report of its kernel: %s", what);
}

static int do_expect_crash(struct call *c)
{
	struct expecting e = {.runner = c->r};
	const char *what = call_text(c, 0);
	VIV_FREE char *wrong = NULL;
	int code;

	if (!*what)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: expect_crash: an empty text is in every report", c->g->name);
	wrong = runner_expect_wrong(what);
	if (wrong)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: expect_crash: %s", c->g->name, wrong);
	call_step(c, "expecting a report of its kernel: %s", what);
	e.which = runner_expect(c->r, c->g->name, what);
	if (c->n < 2 || lua_isnil(c->L, c->first + 1))
		return 0;
	code = while_expected(c, &e);
	c->r->crash.expected[e.which].over = true;
	return code;
}

const struct method methods_crash[] = {
	{"expect_crash", "s?f", "(what, function, {timeout})", "",
	 "a report of its kernel of this kind (\"oops\") or with this text fails nothing; with a function: it must come while that runs, or (10 s, or within the timeout) just afterwards",
	 do_expect_crash,
	 .early = true},
	{0},
};
