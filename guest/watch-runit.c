/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A service of runit's: what runsv(8) says of it in supervise/status, 20 bytes, which it writes anew (a rename) at each
 * change: a time, the process's id (little endian, at 12), paused (16), wanted 'u' or 'd' (17), asked to end (18), and
 * what it is (19): 0 down, 1 run, 2 finish. There is no "failed". What is no service is known by its name: targets
 * are reached when stage 2 begins.
 */

#define SERVICES "/etc/sv/"
#define STATUS	 20

struct service {
	struct watch_path path;
	char folder[300], status[330];
	bool target;
};

int watch_runit_begin(struct watch *w)
{
	const char *name = w->words[0], *dot = strrchr(name, '.');
	struct service *s = calloc(1, sizeof(*s));
	size_t len = dot && strcmp(dot, ".service") == 0 ? (size_t)(dot - name) : strlen(name);

	if (!s)
		return ENOMEM;
	w->own = s;
	if (w->n > 2)
		return watch_say(w, EOPNOTSUPP, "with runit a user has no units");
	if (len == 0 || name[0] == '.')
		return watch_say(w, EINVAL, "%.100s: not a unit", name);
	s->target = dot && strcmp(dot, ".target") == 0;
	snprintf(s->folder, sizeof(s->folder), SERVICES "%.*s", (int)len, name);
	snprintf(s->status, sizeof(s->status), "%s/supervise/status", s->folder);
	watch_path_begin(w, &s->path);
	return WATCH_NOT_YET;
}

static const char *state_of(const uint8_t status[STATUS])
{
	bool up = status[17] == 'u';

	switch (status[19]) {
	case 1:
		return "active";
	case 2:
		return up ? "activating" : "deactivating";
	default:
		return up ? "activating" : "inactive"; /* up: started again in a second */
	}
}

/* "activating" as long as nothing is known. */
static const char *read_state(const struct service *s)
{
	int fd = open(s->status, O_RDONLY | O_CLOEXEC);
	uint8_t status[STATUS];
	ssize_t n = fd < 0 ? -1 : read(fd, status, sizeof(status));

	if (fd >= 0)
		close(fd);
	return n == STATUS ? state_of(status) : "activating";
}

/* Not wanted at boot, another service may start it at any time; else it has ended, and stays so. */
static bool may_start_later(const struct service *s)
{
	char down[sizeof(s->folder) + 8];

	snprintf(down, sizeof(down), "%s/down", s->folder);
	return access(down, F_OK) == 0;
}

int watch_runit_look(struct watch *w)
{
	struct service *s = w->own;
	const char *state;

	if (s->target) {
		state = watch_path_look(w, &s->path, BOOTED_FILE, NULL) == 0 ? "active" : "inactive";
		return strcmp(state, w->words[1]) == 0 ? watch_say(w, 0, "%s", state) : WATCH_NOT_YET;
	}
	watch_path_look(w, &s->path, s->status, NULL);
	if (access(s->folder, F_OK) < 0)
		return strcmp("inactive", w->words[1]) == 0 ? watch_say(w, 0, "inactive")
							    : watch_say(w, ENOENT, "not-found");
	state = read_state(s);
	if (strcmp(state, w->words[1]) == 0)
		return watch_say(w, 0, "%s", state);
	if (strcmp(state, "inactive") == 0 && !may_start_later(s))
		return watch_say(w, ENOTRECOVERABLE, "inactive");
	return WATCH_NOT_YET;
}
