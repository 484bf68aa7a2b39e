/* SPDX-License-Identifier: MIT */
#include "run/mounts.h"

struct viv_mounts {
	struct viv_machine *machine;
	struct viv_mounts_events events;
	size_t next;
	bool busy;
};

struct viv_mounts *viv_mounts_new(struct viv_machine *m, const struct viv_mounts_events *events)
{
	struct viv_mounts *ms;

	if (!m->n_shares)
		return NULL;
	ms = viv_new(struct viv_mounts);
	ms->machine = m;
	ms->events = *events;
	return ms;
}

bool viv_mounts_are_busy(const struct viv_mounts *ms)
{
	return ms && ms->busy;
}

void viv_mounts_free(struct viv_mounts *ms)
{
	free(ms);
}

static void finish(struct viv_mounts *ms, const char *error)
{
	ms->busy = false;
	ms->events.done(error, ms->events.arg);
}

static const char *kind_name(const struct viv_share *s)
{
	return s->kind == VIV_SHARE_9P ? "9p" : "virtiofs";
}

static char *explain(const struct viv_share *s, int code)
{
	const char *why = code == -ENODEV ? "the guest's kernel has no " : strerror(-code);
	const char *kind = code == -ENODEV ? kind_name(s) : "";

	if (code == -EROFS)
		why = "its folder is not there, and the machine's root is read-only";
	return viv_asprintf("cannot mount the share %s at %s in the guest: %s%s",
			    s->source ? s->source : s->tag, s->target, why, kind);
}

static void mount_next(struct viv_mounts *ms, struct viv_agent *a);

static void on_mounted(struct viv_agent *a, int code, void *arg)
{
	struct viv_mounts *ms = arg;
	struct viv_share *s = &ms->machine->shares[ms->next];
	VIV_FREE char *text = code < 0 ? explain(s, code) : NULL;

	if (code == -ENOTCONN)
		return;
	if (code < 0 && !s->optional) {
		finish(ms, text);
		return;
	}
	if (code < 0) {
		s->missing = true;
		ms->events.missing(s, text, ms->events.arg);
	}
	ms->next++;
	mount_next(ms, a);
}

static void mount_next(struct viv_mounts *ms, struct viv_agent *a)
{
	const struct viv_machine *m = ms->machine;
	const struct viv_share *s;
	VIV_ERROR err = VIV_ERROR_INIT;
	bool virtiofs;

	while (ms->next < m->n_shares && m->shares[ms->next].missing)
		ms->next++;
	if (ms->next == m->n_shares) {
		finish(ms, NULL);
		return;
	}
	s = &m->shares[ms->next];
	virtiofs = s->kind == VIV_SHARE_VIRTIOFS;
	if (viv_agent_mount(a,
			    &(struct viv_agent_mount){
				    .kind = kind_name(s),
				    .tag = virtiofs ? VIV_SHARE_DEVICE : s->tag,
				    .folder = virtiofs ? s->tag : NULL,
				    .target = s->target,
				    .read_only = s->read_only,
				    .overlay = s->overlay,
			    },
			    on_mounted, ms, &err) < 0)
		finish(ms, err.msg);
}

void viv_mounts_make(struct viv_mounts *ms, struct viv_agent *a)
{
	ms->next = 0;
	ms->busy = true;
	mount_next(ms, a);
}
