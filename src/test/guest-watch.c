/* SPDX-License-Identifier: MIT */
#include "test/runner.h"

#define END_MS 40000 /* from the agent's end to the machine's (run/vm.h, viv_vm_kill_soon) */

struct watching {
	struct runner *r;
	struct guest *g;
	unsigned start; /* the machine's, in which it was asked for: it goes with its agent */
	struct viv_watch *watch;
	bool done;
	int code;
	char *answer;
};

static void on_answer(struct viv_agent *a, int code, const char *answer, void *arg)
{
	struct watching *w = arg;

	w->done = true;
	w->watch = NULL;
	w->code = code;
	w->answer = viv_strdup(answer);
	runner_wake(w->r);
}

static bool is_there(const struct watching *w)
{
	return w->g->vm && w->g->starts == w->start;
}

static bool is_over(void *arg)
{
	const struct watching *w = arg;

	return w->done || !is_there(w);
}

static bool is_off(void *arg)
{
	return !guest_is_on(arg);
}

int runner_watch(struct runner *r, struct guest *g, const struct viv_watch_spec *spec, int64_t deadline,
		 char **ret_answer, struct viv_error *err)
{
	struct watching w = {.r = r, .g = g, .start = g->starts};
	int code = viv_agent_watch(viv_vm_agent(g->vm), spec, on_answer, &w, &w.watch, err);

	if (code < 0)
		return code;
	code = runner_wait(r, g, is_over, &w, deadline);
	if (!w.done && is_there(&w))
		viv_agent_unwatch(w.watch);
	if (code == 0)
		code = w.done ? w.code : -ENOTCONN;
	/* The agent is gone: why is known when the machine is, too. */
	if (code == -ENOTCONN && is_there(&w))
		runner_wait(r, g, is_off, g, viv_now_ms() + END_MS);
	if (ret_answer)
		*ret_answer = w.answer ? viv_steal(w.answer) : viv_strdup("");
	free(w.answer);
	return code;
}
