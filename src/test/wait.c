/* SPDX-License-Identifier: MIT */
#include "test/runner.h"

#include "run/firmware.h"
#include "test/end.h"

struct waiting {
	bool (*until)(void *arg);
	void *arg;
};

void runner_wake(struct runner *r)
{
	viv_loop_quit(r->loop, 0);
}

static int on_deadline(struct viv_source *s, void *arg)
{
	bool *late = arg;

	*late = true;
	viv_loop_quit(viv_source_loop(s), 0);
	return 0;
}

/* The earlier of both; 0: there is none. */
static int64_t earlier(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}

/* Those that rebooted and may: QEMU ends with every reset. */
static void runner_restart(struct runner *r)
{
	VIV_ERROR err = VIV_ERROR_INIT;

	for (size_t i = 0; i < r->n_guests; i++) {
		struct guest *g = r->guests[i];

		if (!g->ended || g->how != VIV_VM_REBOOT || !g->reboots || g->ending)
			continue;
		viv_events_say(&r->out, "step", g->name, "rebooting");
		if (guest_start(g, r->store, r->runtime, &r->report, &err) < 0) {
			viv_events_say(&r->out, "warning", g->name, "%s", err.msg);
			viv_error_clear(&err);
			g->reboots = false;
		}
	}
}

static int on_due(struct viv_source *s, void *arg)
{
	*(struct viv_source **)arg = NULL;
	viv_loop_quit(viv_source_loop(s), 0);
	return 0;
}

/* Until something happens, or a condition is to be looked at. */
static int run_loop(struct runner *r)
{
	struct viv_source *timer = NULL;
	int64_t due = runner_conditions_due(r);
	int code = 0;

	if (due)
		code = viv_loop_add_timer(r->loop, VIV_MAX(due - viv_now_ms(), 0), on_due, &timer, &timer, NULL);
	if (code == 0)
		code = viv_loop_run(r->loop, NULL);
	viv_source_remove(timer);
	return code;
}

/* What a kernel's report has settled stays so; that one ended the test may know meanwhile. At a prompt others go on. */
const struct guest *runner_dead_guest(const struct runner *r)
{
	for (size_t i = 0; i < r->n_guests && !r->prompt && !r->over; i++)
		if (r->guests[i]->hopeless && (r->crash.what || guest_is_lost(r->guests[i], GUEST_TEST_OVER)))
			return r->guests[i];
	return NULL;
}

int runner_wait(struct runner *r, const struct guest *g, bool (*until)(void *arg), void *arg, int64_t deadline)
{
	int64_t at = earlier(earlier(deadline, r->deadline), r->check_limit);
	struct viv_source *limit = NULL;
	bool late = false, there;
	int code = 0;

	if (at)
		code = viv_loop_add_timer(r->loop, VIV_MAX(at - viv_now_ms(), 0), on_deadline, &late, &limit, NULL);
	for (;;) {
		if (code == 0)
			code = runner_check_conditions(r, at);
		runner_restart(r);
		there = until(arg);
		if (code < 0 || there || late || r->signal || (g && (!guest_is_on(g) || g->hopeless)) || runner_dead_guest(r))
			break;
		code = run_loop(r);
	}
	if (!late)
		viv_source_remove(limit);
	if (there)
		return 0;
	if (r->signal)
		return -EINTR;
	if (g && (!guest_is_on(g) || g->hopeless))
		return -ENOTCONN;
	if (code == 0 && !late && runner_dead_guest(r))
		return -ECONNABORTED;
	return code < 0 ? code : -ETIMEDOUT;
}

int runner_wait_out(struct runner *r, const struct guest *g, bool (*until)(void *arg), void *arg, int64_t ms)
{
	int64_t deadline = r->deadline, check_limit = r->check_limit;
	bool over = r->over, checking = r->checking;
	int code;

	r->deadline = r->check_limit = 0;
	r->over = r->checking = true;
	code = runner_wait(r, g, until, arg, viv_now_ms() + ms);
	r->deadline = deadline;
	r->check_limit = check_limit;
	r->over = over;
	r->checking = checking;
	return code;
}

static bool is_ready(void *arg)
{
	const struct guest *g = arg;

	return g->ready;
}

static bool is_booted(void *arg)
{
	const struct guest *g = arg;

	return g->ready && g->booted;
}

int runner_start(struct runner *r, struct guest *g, bool by_name, struct viv_error *err)
{
	bool lost = guest_is_lost(g, by_name ? GUEST_STARTS : 0);

	if (guest_is_on(g))
		return 0;
	g->end_told = true;
	return lost ? -ESHUTDOWN : guest_start(g, r->store, r->runtime, &r->report, err);
}

int runner_need(struct runner *r, struct guest *g, bool early, int64_t deadline, struct viv_error *err)
{
	int code;

	if (viv_firmware_is_foreign(g->config))
		return viv_error_say(err, EINVAL, "%s: it starts from its own disk or CD-ROM and has no agent: its console, "
				     "screen and keyboard are what a test has of it", g->name);
	if (!guest_is_on(g) && !guest_is_lost(g, 0))
		viv_events_say(&r->out, "step", g->name, "starting");
	code = runner_start(r, g, false, err);
	if (code < 0)
		return code;
	if (early ? is_ready(g) : is_booted(g))
		return 0;
	viv_events_say(&r->out, "step", g->name, "waiting for its system");
	code = runner_wait(r, g, early ? is_ready : is_booted, g, deadline);
	if (code == 0)
		viv_events_say(&r->out, "step", g->name, "up after %.1f s", (double)(viv_now_ms() - g->started) / 1000);
	return code;
}
