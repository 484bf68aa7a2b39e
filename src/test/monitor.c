/* SPDX-License-Identifier: MIT */
#include "test/monitor.h"

/* A command that QEMU has. It may answer when nobody waits any more, or never. */
struct monitor_ask {
	struct monitor_ask *next;
	struct guest *g;
	bool done;
	json_t *ret;
	char *error;
};

static void free_ask(struct monitor_ask *a)
{
	struct monitor_ask **at = &a->g->asks;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
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

static bool is_answered(void *arg)
{
	return ((const struct monitor_ask *)arg)->done;
}

/* fd is taken over; -1: none goes along. */
static int ask(struct runner *r, struct guest *g, const char *command, json_t *arguments, int fd, int64_t deadline,
	       json_t **ret, struct viv_error *err)
{
	struct viv_qmp *q = viv_vm_qmp(g->vm);
	struct monitor_ask *a = viv_new(struct monitor_ask);
	int code;

	a->g = g;
	a->next = g->asks;
	g->asks = a;
	code = fd < 0 ? viv_qmp_execute(q, command, arguments, on_answer, a, err)
		      : viv_qmp_execute_fd(q, command, arguments, fd, on_answer, a, err);
	if (code < 0) {
		free_ask(a);
		return code;
	}
	code = runner_wait(r, g, is_answered, a, deadline);
	if (!a->done)
		return code; /* it stays until the machine goes */
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
	while (g->asks)
		free_ask(g->asks);
	json_decref(viv_steal(g->qmp_events));
	g->n_qmp_events = g->qmp_from = 0;
}
