/* SPDX-License-Identifier: MIT */
#include "test/monitor.h"

/*
 * A command that QEMU has. It may answer when nobody waits any more, or never. Who waits for it frees it, since the machine
 * may go meanwhile, or start anew; one that nobody waits for any more goes with the machine.
 */
struct monitor_ask {
	struct monitor_ask *next;
	struct guest *g; /* NULL: the machine that had it is gone */
	bool waited;	 /* for */
	bool done;
	json_t *ret;
	char *error;
};

/* It is its guest's no more. */
static void unlink_ask(struct monitor_ask *a)
{
	struct monitor_ask **at = &a->g->asks;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	a->g = NULL;
}

static void free_ask(struct monitor_ask *a)
{
	if (a->g)
		unlink_ask(a);
	json_decref(a->ret);
	free(a->error);
	free(a);
}

static void on_answer(struct viv_qmp *q, const json_t *ret, const char *error, void *arg)
{
	struct monitor_ask *a = arg;

	a->done = true;
	a->ret = json_incref((json_t *)ret);
	a->error = viv_strdup(error);
	a->g->events.changed(a->g, a->g->events.arg);
}

/* Or will never be. */
static bool is_over(void *arg)
{
	const struct monitor_ask *a = arg;

	return a->done || !a->g;
}

/* fd is taken over; -1: none goes along. */
static int ask(struct runner *r, struct guest *g, const char *command, json_t *arguments, int fd, int64_t deadline,
	       json_t **ret, struct viv_error *err)
{
	struct viv_qmp *q = viv_vm_qmp(g->vm);
	struct monitor_ask *a = viv_new(struct monitor_ask);
	int code;

	a->g = g;
	a->waited = true;
	a->next = g->asks;
	g->asks = a;
	code = fd < 0 ? viv_qmp_execute(q, command, arguments, on_answer, a, err)
		      : viv_qmp_execute_fd(q, command, arguments, fd, on_answer, a, err);
	if (code < 0) {
		free_ask(a);
		return code;
	}
	code = runner_wait(r, g, is_over, a, deadline);
	a->waited = false;
	if (!a->done && a->g)
		return code; /* it stays until the machine goes */
	if (!a->done)
		code = -ENOTCONN;
	else
		code = a->error ? viv_error_say(err, EIO, "QEMU: %s: %s", command, a->error) : 0;
	if (code == 0 && ret)
		*ret = json_incref(a->ret);
	free_ask(a);
	return code;
}

int monitor_ask(struct runner *r, struct guest *g, const char *command, json_t *arguments, int64_t deadline,
		json_t **ret, struct viv_error *err)
{
	return ask(r, g, command, arguments, -1, deadline, ret, err);
}

int monitor_give(struct runner *r, struct guest *g, const char *name, int fd, int64_t deadline, struct viv_error *err)
{
	return ask(r, g, "getfd", json_pack("{s:s}", "fdname", name), fd, deadline, NULL, err);
}

void monitor_keep(struct guest *g, const char *name, const json_t *data)
{
	json_t *event = json_pack("{s:s}", "event", name);

	if (data)
		json_object_set(event, "data", (json_t *)data);
	if (!g->qmp_events)
		g->qmp_events = json_array();
	if (json_array_size(g->qmp_events) >= GUEST_QMP_EVENTS_MAX)
		json_array_remove(g->qmp_events, 0);
	json_array_append_new(g->qmp_events, event);
	g->n_qmp_events++;
}

void monitor_forget(struct guest *g)
{
	while (g->asks) {
		struct monitor_ask *a = g->asks;

		if (a->waited)
			unlink_ask(a);
		else
			free_ask(a);
	}
	json_decref(viv_steal(g->qmp_events));
	g->n_qmp_events = g->qmp_from = 0;
}
