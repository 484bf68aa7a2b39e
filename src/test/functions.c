/* SPDX-License-Identifier: MIT */
#include "test/methods.h"
#include "test/text.h"

#define RETRY_LEAST_MS 10 /* between two tries */

static int do_start_all(struct call *c)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int code = 0;

	call_step(c, "starting all machines");
	for (size_t i = 0; code == 0 && i < c->r->n_guests; i++) {
		code = runner_start(c->r, c->r->guests[i], true, &err);
		if (code < 0) {
			c->g = c->r->guests[i];
			code = err.code ? call_error(c, &err) : call_waited(c, code, "its start");
		}
	}
	viv_error_clear(&err);
	return code;
}

static int do_join_all(struct call *c)
{
	int code;

	call_step(c, "waiting for all machines to power off");
	for (size_t i = 0; i < c->r->n_guests; i++)
		methods_want_end(c->r->guests[i]);
	code = runner_wait(c->r, NULL, runner_all_off, c->r, c->deadline);
	if (code < 0)
		return call_waited(c, code, "the machines' end");
	for (size_t i = 0; code == 0 && i < c->r->n_guests; i++)
		if (c->r->guests[i]->starts && !c->r->guests[i]->end_told)
			code = methods_ended(c, c->r->guests[i], 0);
	return code;
}

static void tell_subtest(struct runner *r, const char *name, const char *verdict, int64_t ms, const char *reason)
{
	VIV_FREE char *cut = viv_test_cut(name, VIV_TEST_TEXT_MAX, false);
	VIV_FREE char *why = reason ? viv_test_cut(reason, VIV_TEST_TEXT_MAX, false) : NULL;
	json_t *j = json_pack("{s:o, s:i}", "name", viv_json_text(cut), "depth", (int)r->depth);

	json_object_set_new(j, "verdict", viv_json_text(verdict));
	if (verdict)
		json_object_set_new(j, "took_ms", json_integer(ms));
	if (reason)
		json_object_set_new(j, "reason", viv_json_text(why));
	viv_events_tell(&r->out, "subtest", j);
}

/* What fails in it fails the test, as with NixOS's. */
static int do_subtest(struct call *c)
{
	struct runner *r = c->r;
	const char *name = call_text(c, 0);
	size_t at = r->result.subtests.count;
	bool kept = viv_test_subtests_add(&r->result.subtests, r->depth, name) != NULL;
	int64_t begun = viv_now_ms(), took;
	VIV_CLEANUP(runner_failure_free_contents) struct runner_failure f = {0};
	int code;

	tell_subtest(r, name, NULL, 0, NULL);
	r->depth++;
	lua_pushvalue(c->L, c->first + 1);
	code = call_lua(c, 0, 0);
	r->depth--;
	took = viv_now_ms() - begun;
	if (code < 0)
		call_take_error(c, &f);
	if (kept) {
		r->result.subtests.items[at].ms = took;
		r->result.subtests.items[at].verdict = code < 0 ? f.verdict : VIV_VERDICT_PASS;
		r->result.subtests.items[at].reason = viv_strdup(f.reason);
	}
	tell_subtest(r, name, viv_verdict_name(code < 0 ? f.verdict : VIV_VERDICT_PASS), took, f.reason);
	return code;
}

/* Until the function says true; pauses of a second, as NixOS's. */
static int do_retry(struct call *c)
{
	double seconds = call_option_seconds(c, "interval", 1);

	for (;;) {
		int code;
		bool last = viv_now_ms() >= c->deadline;

		lua_pushvalue(c->L, c->first);
		lua_pushboolean(c->L, last);
		code = call_lua(c, 1, 1);
		if (code < 0)
			return code;
		if (lua_toboolean(c->L, -1))
			return 1;
		lua_pop(c->L, 1);
		if (last)
			return call_fail(c, VIV_VERDICT_FAIL, "retry: the function did not return true in time");
		code = methods_pause(c, VIV_MAX(methods_ms(seconds), RETRY_LEAST_MS));
		if (code < 0)
			return call_waited(c, code, "another try");
	}
}

static int do_skip(struct call *c)
{
	const char *why = call_text(c, 0);

	return call_fail(c, VIV_VERDICT_SKIP, "%s", why ? why : "skipped");
}

static int do_log(struct call *c)
{
	struct viv_slice said = {0};
	VIV_FREE char *text = NULL;

	said.data = lua_tolstring(c->L, c->first, &said.len);
	text = said.data ? viv_test_no_nul(said) : methods_shown(c->L, c->first);
	viv_events_say(&c->r->out, "log", NULL, "%s", text);
	return 0;
}

static int do_attempt(struct call *c)
{
	lua_pushinteger(c->L, c->r->run->attempt);
	return 1;
}

const struct method functions_script[] = {
	{"start_all", "", "()", NULL, "starts all machines, and does not wait for them", do_start_all},
	{"join_all", "", "({timeout})", "", "waits until all machines have powered off by themselves", do_join_all},
	{"subtest", "sf", "(name, function)", NULL, "a part of the test with a result of its own", do_subtest},
	{"retry", "f", "(function, {timeout, interval})", "interval:d",
	 "calls a function until it returns true; its argument says whether it is the last time", do_retry},
	{"skip", "?s", "(why)", NULL, "ends the test: it can't be done here", do_skip},
	{"attempt", "", "()", NULL, "which attempt at the test this is: 1, and more with --retry", do_attempt},
	{"log", "a", "(value)", NULL, "says something in the log", do_log},
	{0},
};
