/* SPDX-License-Identifier: MIT */
#include "run/agent-private.h"

#define SINCE_VERSION 3

static void free_watch(struct viv_watch *w)
{
	viv_str_free(&w->answer);
	free(w);
}

void agent_free_watches(struct viv_agent *a)
{
	while (a->watches) {
		struct viv_watch *w = a->watches;

		a->watches = w->next;
		free_watch(w);
	}
}

/* It is out of the list. May call back. */
static void end(struct viv_watch *w, int code)
{
	struct viv_agent *a = w->agent;

	a->n_open--;
	if (w->done)
		w->done(a, code, w->answer.data ? w->answer.data : "", w->arg);
	free_watch(w);
}

void agent_fail_watches(struct viv_agent *a)
{
	while (a->watches && !a->dead) {
		struct viv_watch *w = a->watches;

		a->watches = w->next;
		viv_str_clear(&w->answer);
		end(w, -ENOTCONN);
	}
}

static void take_answer(struct viv_watch *w, const struct viv_frame *f)
{
	if (f->flags != VIV_PROTO_STDOUT || w->answer.len + f->len > VIV_PROTO_MAX_ANSWER)
		agent_violation(w->agent, f);
	else if (w->done)
		viv_str_add_bytes(&w->answer, f->payload, f->len);
}

/* Those that a guest may answer; others are ours, or nobody's. */
static int code_of(uint32_t code)
{
	static const int known[] = {0, ENOTRECOVERABLE, ENOENT, ESRCH, EINVAL, EOPNOTSUPP, EAGAIN, ENAMETOOLONG};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(known); i++)
		if (code == (uint32_t)known[i])
			return -known[i];
	return -EPROTO;
}

bool agent_watch_frame(struct viv_agent *a, const struct viv_frame *f)
{
	struct viv_watch **link = &a->watches, *w;
	int code;

	while (*link && (*link)->id != f->channel)
		link = &(*link)->next;
	w = *link;
	if (!w || f->type == VIV_PROTO_PAD)
		return false;
	switch (f->type) {
	case VIV_PROTO_DATA:
		take_answer(w, f);
		break;
	case VIV_PROTO_DONE:
		*link = w->next;
		code = code_of(viv_get32(f->payload));
		if (code == -EPROTO && !w->answer.len)
			viv_str_addf(&w->answer, "its agent says: %s", strerror((int)VIV_MIN(viv_get32(f->payload), 4095u)));
		end(w, code);
		break;
	default:
		agent_violation(a, f);
	}
	return true;
}

static int put_words(struct viv_str *payload, const struct viv_watch_spec *spec, struct viv_error *err)
{
	size_t n = 0;

	viv_str_add_bytes(payload, spec->kind, strlen(spec->kind) + 1);
	for (; spec->words && spec->words[n]; n++) {
		if (!*spec->words[n])
			return viv_error_say(err, EINVAL, "%s: an empty word", spec->kind);
		viv_str_add_bytes(payload, spec->words[n], strlen(spec->words[n]) + 1);
	}
	if (n > VIV_PROTO_WATCH_WORDS || payload->len > VIV_PROTO_MAX_WATCH)
		return viv_error_say(err, EINVAL, "%s: what is waited for is too long", spec->kind);
	return 0;
}

int viv_agent_watch(struct viv_agent *a, const struct viv_watch_spec *spec, viv_agent_watch_fn done,
		    void *arg, struct viv_watch **ret, struct viv_error *err)
{
	VIV_STR payload = VIV_STR_INIT;
	struct viv_watch *w;
	uint32_t id;
	int r = put_words(&payload, spec, err);

	if (r == 0 && a->state == AGENT_READY && a->version < SINCE_VERSION)
		r = viv_error_say(err, EOPNOTSUPP, "this machine's agent is older than this viv, and can't wait for anything");
	if (r == 0)
		r = agent_new_id(a, &id, err);
	if (r < 0)
		return r;
	w = viv_new(struct viv_watch);
	*w = (struct viv_watch){.agent = a, .next = a->watches, .id = id, .done = done, .arg = arg};
	a->watches = w;
	agent_send(a, VIV_PROTO_WATCH, 0, id, payload.data, payload.len);
	agent_flush(a);
	if (ret)
		*ret = w;
	return 0;
}

/* Its channel is open until the guest has heard of it. */
void viv_agent_unwatch(struct viv_watch *w)
{
	if (!w || !w->done)
		return;
	w->done = NULL;
	if (w->agent->fd < 0)
		return;
	agent_send(w->agent, VIV_PROTO_CLOSE, VIV_PROTO_STDOUT, w->id, NULL, 0);
	agent_flush(w->agent);
}
