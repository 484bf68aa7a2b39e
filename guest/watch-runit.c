/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A service of runit's: what runsv(8) says of it in supervise/status, 20 bytes, which it writes anew (a rename) at each
 * change: a time, the process's id (little endian, at 12), paused (16), wanted 'u' or 'd' (17), asked to end (18), and
 * what it is (19): 0 down, 1 run, 2 finish. There is no "failed" of these.
 * What runs once, at boot, is a piece of stage 1 (etc/runit/boot.d/50-00001-NAME), which leaves files named NAME when
 * it has ended, and before that when it has succeeded. A target that the plan has listed is reached when stage 2 begins.
 */

#define SERVICES "/etc/sv/"
#define PIECES	 "/etc/runit/boot.d"
#define ENDED	 "/run/runit/ended/"
#define DONE	 "/run/runit/done/"
#define TARGETS	 "/etc/runit/targets"
#define STATUS	 20

struct service {
	struct watch_path path;
	bool target, once;
	char name[260];
	char folder[300], status[330];
	char ended[300], done[300]; /* of what runs once */
};

/* Is it "50-00001-NAME"? */
static bool is_piece_of(const char *file, const char *name)
{
	return strncmp(file, "50-", 3) == 0 && strspn(file + 3, "0123456789") >= 5 && file[8] == '-' &&
	       strcmp(file + 9, name) == 0;
}

static bool runs_once(const char *name)
{
	DIR *dir = opendir(PIECES);
	bool found = false;
	struct dirent *e;

	while (dir && !found && (e = readdir(dir)))
		found = is_piece_of(e->d_name, name);
	if (dir)
		closedir(dir);
	return found;
}

static bool is_listed(const char *target)
{
	FILE *f = fopen(TARGETS, "re");
	bool found = false;
	char line[512];

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		found = strcmp(line, target) == 0;
	}
	if (f)
		fclose(f);
	return found;
}

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
	snprintf(s->name, sizeof(s->name), "%.*s", (int)len, name);
	snprintf(s->folder, sizeof(s->folder), SERVICES "%s", s->name);
	snprintf(s->status, sizeof(s->status), "%s/supervise/status", s->folder);
	snprintf(s->ended, sizeof(s->ended), ENDED "%s", s->name);
	snprintf(s->done, sizeof(s->done), DONE "%s", s->name);
	s->once = !s->target && runs_once(s->name);
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

static const char *look_at_target(struct watch *w, struct service *s)
{
	if (!is_listed(s->name))
		return NULL;
	return watch_path_look(w, &s->path, BOOTED_FILE, NULL) == 0 ? "active" : "activating";
}

static const char *look_at_piece(struct watch *w, struct service *s)
{
	if (watch_path_look(w, &s->path, s->ended, NULL))
		return "activating";
	return access(s->done, F_OK) == 0 ? "active" : "failed";
}

static const char *look_at_service(struct watch *w, struct service *s)
{
	watch_path_look(w, &s->path, s->status, NULL);
	return access(s->folder, F_OK) == 0 ? read_state(s) : NULL;
}

/* Of those that stay so: what has ended, and nobody starts it again. */
static bool is_final(const struct service *s, const char *state)
{
	if (s->once)
		return strcmp(state, "activating") != 0;
	return !s->target && strcmp(state, "inactive") == 0 && !may_start_later(s);
}

int watch_runit_look(struct watch *w)
{
	struct service *s = w->own;
	const char *state = s->target ? look_at_target(w, s)
			    : s->once ? look_at_piece(w, s)
				      : look_at_service(w, s);

	if (strcmp(state ? state : "inactive", w->words[1]) == 0)
		return watch_say(w, 0, "%s", w->words[1]);
	if (!state)
		return watch_say(w, ENOENT, "not-found");
	return is_final(s, state) ? watch_say(w, ENOTRECOVERABLE, "%s", state) : WATCH_NOT_YET;
}
