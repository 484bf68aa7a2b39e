/* SPDX-License-Identifier: MIT */
#include "run/control-private.h"

#include "base/fd.h"
#include "base/path.h"

#include <unistd.h>

#define ANSWER_MS    8000 /* less than callers wait */
#define SCREENS_MAX  8

/* A picture that QEMU was asked for. QEMU may answer when nobody waits any more, or never. */
struct control_screen {
	struct control_screen *next;
	struct viv_control *control;
	struct control_caller *caller; /* NULL: gone, or told that it takes too long */
	struct viv_source *limit;
	char *path;
};

void control_screen_leave(struct control_caller *k)
{
	if (!k->screen)
		return;
	viv_source_remove(k->screen->limit);
	k->screen->limit = NULL;
	k->screen->caller = NULL;
	k->screen = NULL;
}

static void free_screen(struct control_screen *s)
{
	struct control_screen **at = &s->control->screens;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	if (s->caller)
		control_screen_leave(s->caller);
	unlink(s->path);
	free(s->path);
	free(s);
}

void control_screens_free(struct viv_control *c)
{
	while (c->screens)
		free_screen(c->screens);
}

static void answer(struct control_caller *k, const char *path, const char *error)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_FD fd = -1;

	if (!error)
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) {
		control_answer(k, json_pack("{s:b}", "screen", true), &fd, 1);
		return;
	}
	viv_error_say(&err, EIO, "QEMU takes no screenshot: %s", error ? error : strerror(errno));
	if (error && strstr(error, "no console"))
		viv_error_hint(&err, "The machine has no display: set virtualisation.graphics = true.");
	control_error(k, &err);
}

static void on_answer(struct viv_qmp *q, const json_t *ret, const char *error, void *arg)
{
	struct control_screen *s = arg;

	if (s->caller)
		answer(s->caller, s->path, error);
	free_screen(s);
}

static int on_limit(struct viv_source *source, void *arg)
{
	struct control_screen *s = arg;
	VIV_ERROR err = VIV_ERROR_INIT;

	s->limit = NULL;
	viv_error_say(&err, ETIMEDOUT, "QEMU takes no screenshot: it does not answer");
	control_error(s->caller, &err);
	control_screen_leave(s->caller);
	return 0;
}

static size_t count(const struct viv_control *c)
{
	size_t n = 0;

	for (const struct control_screen *s = c->screens; s; s = s->next)
		n++;
	return n;
}

int control_screenshot(struct control_caller *k, struct viv_error *err)
{
	struct viv_control *c = k->control;
	VIV_FREE char *name = viv_asprintf("screen-%u.png", c->n_screens++);
	struct control_screen *s;
	int r;

	if (!c->host.qmp)
		return viv_error_say(err, ENOTCONN, "QEMU is gone");
	if (count(c) >= SCREENS_MAX)
		return viv_error_say(err, EBUSY, "QEMU has not answered the last %d screenshots", SCREENS_MAX);
	s = viv_new(struct control_screen);
	s->control = c;
	s->path = viv_path_join(c->host.dir, name);
	s->next = c->screens;
	c->screens = s;
	r = viv_qmp_execute(c->host.qmp, "screendump",
			    json_pack("{s:s, s:s}", "filename", s->path, "format", "png"), on_answer, s, err);
	if (r == 0)
		r = viv_loop_add_timer(c->loop, c->host.qemu_ms ? c->host.qemu_ms : ANSWER_MS, on_limit, s,
				       &s->limit, err);
	if (r < 0) {
		free_screen(s);
		return r;
	}
	s->caller = k;
	k->screen = s;
	return 0;
}
