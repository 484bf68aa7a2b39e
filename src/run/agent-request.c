/* SPDX-License-Identifier: MIT */
#include "run/agent-private.h"

void agent_free_requests(struct viv_agent *a)
{
	while (a->requests) {
		struct request *q = a->requests;

		a->requests = q->next;
		free(q);
	}
}

void agent_fail_requests(struct viv_agent *a)
{
	while (a->requests && !a->dead) {
		struct request *q = a->requests, copy = *q;

		a->requests = q->next;
		free(q);
		if (copy.done)
			copy.done(a, -ENOTCONN, copy.arg);
	}
}

void agent_take_answer(struct viv_agent *a, const struct viv_frame *f)
{
	uint32_t code = viv_get32(f->payload);

	for (struct request **q = &a->requests; *q; q = &(*q)->next) {
		struct request copy = **q;

		if (copy.id != f->channel)
			continue;
		free(*q);
		*q = copy.next;
		a->n_open--;
		if (copy.done)
			copy.done(a, code > 4095 ? -EPROTO : -(int)code, copy.arg);
		return;
	}
	agent_violation(a, f);
}

static int ask(struct viv_agent *a, enum viv_proto_type type, const void *payload, size_t len,
	       viv_agent_done_fn fn, void *arg, struct viv_error *err)
{
	struct request *q;
	uint32_t id;
	int r = agent_new_id(a, &id, err);

	if (r < 0)
		return r;
	q = viv_new(struct request);
	*q = (struct request){.next = a->requests, .id = id, .done = fn, .arg = arg};
	a->requests = q;
	agent_send(a, type, 0, id, payload, len);
	agent_flush(a);
	return 0;
}

int viv_agent_mount(struct viv_agent *a, const struct viv_agent_mount *m, viv_agent_done_fn fn,
		    void *arg, struct viv_error *err)
{
	const char *const strings[] = {m->kind, m->tag, m->folder ? m->folder : "", m->target,
				       m->overlay ? "overlay" : m->read_only ? "ro" : ""};
	VIV_STR payload = VIV_STR_INIT;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(strings); i++)
		viv_str_add_bytes(&payload, strings[i], strlen(strings[i]) + 1);
	if (payload.len > VIV_PROTO_MAX_PAYLOAD)
		return viv_error_say(err, ENAMETOOLONG, "%.100s…: too long a path", m->target);
	return ask(a, VIV_PROTO_MOUNT, payload.data, payload.len, fn, arg, err);
}

int viv_agent_poweroff(struct viv_agent *a, struct viv_error *err)
{
	return ask(a, VIV_PROTO_POWEROFF, NULL, 0, NULL, NULL, err);
}

int viv_agent_sync(struct viv_agent *a, viv_agent_done_fn fn, void *arg, struct viv_error *err)
{
	return ask(a, VIV_PROTO_SYNC, NULL, 0, fn, arg, err);
}

int viv_agent_set_clock(struct viv_agent *a, uint64_t ns, viv_agent_done_fn fn, void *arg,
			struct viv_error *err)
{
	uint8_t payload[8];

	viv_put64(payload, ns);
	return ask(a, VIV_PROTO_CLOCK, payload, sizeof(payload), fn, arg, err);
}

int viv_agent_seed(struct viv_agent *a, const void *seed, size_t len, viv_agent_done_fn fn,
		   void *arg, struct viv_error *err)
{
	if (len == 0 || len > VIV_PROTO_MAX_SEED)
		return viv_error_say(err, EINVAL, "a seed has 1 to %d bytes", VIV_PROTO_MAX_SEED);
	return ask(a, VIV_PROTO_SEED, seed, len, fn, arg, err);
}

int viv_agent_set_network(struct viv_agent *a, const char *text, viv_agent_done_fn fn, void *arg,
			  struct viv_error *err)
{
	size_t len = strlen(text);

	if (len == 0 || len > VIV_PROTO_MAX_PAYLOAD)
		return viv_error_say(err, EINVAL, "the guest's networks take %zu bytes to describe, "
				     "not 1 to %d", len, VIV_PROTO_MAX_PAYLOAD);
	return ask(a, VIV_PROTO_NETWORK, text, len, fn, arg, err);
}

int viv_agent_set_hostname(struct viv_agent *a, const char *name, viv_agent_done_fn fn, void *arg,
			   struct viv_error *err)
{
	size_t len = strlen(name);

	if (len == 0 || len > VIV_PROTO_MAX_HOSTNAME)
		return viv_error_say(err, EINVAL, "%s: a host name has 1 to %d characters", name,
				     VIV_PROTO_MAX_HOSTNAME);
	return ask(a, VIV_PROTO_HOSTNAME, name, len, fn, arg, err);
}
