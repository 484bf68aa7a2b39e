/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PAUSE_FIRST_MS 20
#define PAUSE_LAST_MS  200
#define FRESH_LOOKS    3

static const struct watch_kind kinds[] = {
	{"file", 1, 1, watch_file_begin, watch_file_look},
	{"no-file", 1, 1, watch_file_begin, watch_no_file_look},
	{"port", 2, 3, watch_port_begin, watch_port_look},
	{"no-port", 2, 3, watch_port_begin, watch_no_port_look},
	{"unix", 1, 2, watch_unix_begin, watch_unix_look},
	{"unit", 2, 3, watch_unit_begin, watch_unit_look},
	{"tty", 1, 2, watch_tty_begin, watch_tty_look},
};

int watch_say(struct watch *w, int code, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(w->answer, sizeof(w->answer), fmt, ap);
	va_end(ap);
	w->answer_len = n < 0 ? 0 : (size_t)n < sizeof(w->answer) ? (size_t)n : sizeof(w->answer) - 1;
	return code;
}

bool watch_add(struct watch *w, int fd, short events)
{
	if (fd < 0 || w->n_fds == WATCH_FDS) {
		watch_look_again(w);
		return false;
	}
	w->fds[w->n_fds++] = (struct pollfd){.fd = fd, .events = events};
	return true;
}

void watch_remove(struct watch *w, int fd)
{
	for (unsigned i = 0; i < w->n_fds; i++)
		if (w->fds[i].fd == fd)
			w->fds[i--] = w->fds[--w->n_fds];
}

void watch_look_again(struct watch *w)
{
	if (w->pausing)
		return;
	w->pausing = true;
	w->pause_ms = w->pause_ms < 0 ? PAUSE_FIRST_MS : w->pause_ms * 2;
	if (w->pause_ms > PAUSE_LAST_MS)
		w->pause_ms = PAUSE_LAST_MS;
}

static int wait_for(struct watch *w, const struct watch_kind *kind)
{
	int r = kind->begin ? kind->begin(w) : WATCH_NOT_YET;

	while (r == WATCH_NOT_YET) {
		w->pausing = false;
		r = kind->look(w);
		if (!w->pausing)
			w->pause_ms = -1;
		if (w->fresh)
			w->fresh--;
		/* An event begins the pauses anew: what it announces may come a moment later. */
		w->woken = r == WATCH_NOT_YET && poll(w->fds, w->n_fds, w->pausing ? w->pause_ms : w->idle_ms) > 0;
		if (w->woken) {
			w->pause_ms = -1;
			w->fresh = FRESH_LOOKS;
		}
	}
	return r;
}

static int watch(struct watch *w, const uint8_t *payload, size_t len)
{
	const struct viv_frame f = {.payload = payload, .len = len};
	struct viv_proto_watch m;

	if (!viv_proto_get_watch(&f, &m))
		return EINVAL;
	w->words = m.words;
	w->n = m.n;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, m.kind) == 0)
			return m.n < kinds[i].min || m.n > kinds[i].max
				       ? watch_say(w, EINVAL, "%s: %u words", m.kind, m.n)
				       : wait_for(w, &kinds[i]);
	return watch_say(w, EOPNOTSUPP, "%s: this guest's agent does not know how to wait for that", m.kind);
}

_Noreturn void watch_main(enum agent_init init, pid_t agent, const uint8_t *payload, size_t len, int fd)
{
	struct watch *w;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != agent) /* it ended before that */
		_exit(ECANCELED);
	child_reset_signals();
	/* Descriptors 0 to 2 are taken (agent.c), so this is at least 3. */
	if (fd != 3 && dup2(fd, 3) < 0)
		_exit(errno);
	child_close_others(4);
	w = calloc(1, sizeof(*w));
	if (!w)
		_exit(ENOMEM);
	w->init = init;
	w->pause_ms = w->idle_ms = -1;
	r = watch(w, payload, len);
	/* The pipe takes all of it (agent-watch.c). */
	if (w->answer_len && write(3, w->answer, w->answer_len) < 0)
		_exit(errno);
	_exit(r);
}
