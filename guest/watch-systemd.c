/* SPDX-License-Identifier: MIT */
#include "dbus-connection.h"
#include "watch.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * A unit of systemd's, or of a user's own systemd. Signals only say that it is time to ask again.
 *
 * While the machine boots a connection is dear: PID 1 makes each signal of each unit for it (docs/agent-protocol.md, Units). So
 * a unit that is asked for then, and is not there yet, is waited for without one: see `quiet`.
 */

#define SOCKET	"/run/systemd/private"
#define PASSWD_FILE "/etc/passwd"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define UNIT	"org.freedesktop.systemd1.Unit"
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define ROOT	"/org/freedesktop/systemd1"
/* A link that systemd makes before it executes anything of the service NAME, and removes when that has ended. */
#define INVOCATION "/run/systemd/units/invocation:"

#define WORD_MAX 64 /* a state's name */
#define NAME_LEN 300
#define JOBS_MS	 200

struct systemd {
	struct watch_path path; /* of the socket, until it is there; of the sign that ends the quiet; of the users */
	struct watch_path booted;
	struct dbus_connection c;
	char user_socket[64]; /* of a user's systemd; "": the unit is the system's, or the user isn't known yet */
	char user_unit[64];   /* by which the system has it: user@1000.service */
	bool at_user;	      /* that runs, and is asked */
	bool awaits_socket;   /* that runs, but its socket isn't there, which `path` is for then */
	char name[NAME_LEN];
	char unit[1024]; /* the object of the unit that is asked for now */
	char sign[NAME_LEN + 64]; /* a path that is there when it may be more than inactive; "": nothing shows that */
	bool quiet;	 /* not connected, because nothing can have changed until `sign` or the end of the boot is there */
	bool changed;	 /* a signal has come that can mean another answer */
	bool jobs_ended; /* of whatever unit, since jobs_ms; at boot there are hundreds: see is_due */
	int64_t jobs_ms;
};

static bool has_ending(const char *name, const char *const *endings)
{
	const char *dot = strrchr(name, '.');

	for (; dot && *endings; endings++)
		if (strcmp(dot, *endings) == 0)
			return true;
	return false;
}

/* As systemctl does it: "nginx" is nginx.service. */
static bool has_type(const char *name)
{
	static const char *const types[] = {".service", ".socket", ".target", ".mount",	 ".automount", ".swap",
					    ".device",	".path",   ".timer",  ".slice", ".scope", NULL};

	return has_ending(name, types);
}

/* There without a file that says what it is: when there is such a thing. */
static bool comes_by_itself(const char *name)
{
	static const char *const types[] = {".mount", ".swap", ".device", ".scope", NULL};

	return has_ending(name, types);
}

/* What the end of the boot is ordered after. */
static bool is_goal(const char *name)
{
	return strcmp(name, "multi-user.target") == 0 || strcmp(name, "graphical.target") == 0;
}

/* The system's systemd is asked for the user's. */
static bool looks_for_user(const struct systemd *s)
{
	return s->user_socket[0] && !s->at_user;
}

static const char *name_of(const struct systemd *s)
{
	return looks_for_user(s) ? s->user_unit : s->name;
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void take_signal(const struct dbus_message *m, void *arg)
{
	struct systemd *s = arg;

	if (!m || dbus_is(m->member, "Reloading")) {
		s->changed = true;
	} else if (dbus_is(m->member, "PropertiesChanged")) {
		s->changed |= dbus_is(m->path, s->unit);
	} else if (!s->jobs_ended &&
		   (dbus_is(m->member, "JobRemoved") || dbus_is(m->member, "StartupFinished"))) {
		s->jobs_ended = true;
		s->jobs_ms = clock_ms();
	}
}

/* 0: he is known. What makes him may still be to come, as long as it boots. */
static int find_user(struct watch *w, struct systemd *s)
{
	const char *name = w->words[2];
	const struct passwd *pw;
	bool booted;

	/* Before he is looked for, so that nothing is missed. */
	watch_path_look(w, &s->path, PASSWD_FILE, NULL);
	watch_path_look(w, &s->booted, BOOTED_FILE, NULL);
	booted = is_there(BOOTED_FILE);
	pw = getpwnam(name);
	if (!pw && booted)
		return watch_say(w, EINVAL, "there is no user %.100s in the guest", name);
	if (!pw)
		return WATCH_NOT_YET;
	snprintf(s->user_socket, sizeof(s->user_socket), "/run/user/%lu/systemd/private", (unsigned long)pw->pw_uid);
	snprintf(s->user_unit, sizeof(s->user_unit), "user@%lu.service", (unsigned long)pw->pw_uid);
	watch_path_end(w, &s->booted);
	watch_path_end(w, &s->path);
	watch_path_begin(w, &s->path);
	return 0;
}

int watch_systemd_begin(struct watch *w)
{
	struct systemd *s = calloc(1, sizeof(*s));

	if (!s)
		return ENOMEM;
	w->own = s;
	s->c.fd = -1;
	s->c.on_signal = take_signal;
	s->c.arg = s;
	snprintf(s->name, sizeof(s->name), "%s%s", w->words[0], has_type(w->words[0]) ? "" : ".service");
	watch_path_begin(w, &s->path);
	s->booted.inotify = s->booted.mounts = -1;
	if (w->n > 2)
		watch_path_begin(w, &s->booted);
	return WATCH_NOT_YET;
}

static void disconnect(struct watch *w, struct systemd *s)
{
	watch_remove(w, s->c.fd);
	dbus_disconnect(&s->c);
	watch_path_end(w, &s->path);
	watch_path_begin(w, &s->path);
	s->changed = s->jobs_ended = s->awaits_socket = false;
}

/*
 * Questions: 0, or LOST where the connection has ended or the answer makes no sense, or the errno that the unit's own
 * name deserves.
 */
#define LOST (-2)

static int load_unit(struct watch *w, struct systemd *s)
{
	const struct dbus_call c = {ROOT, MANAGER, "LoadUnit", {name_of(s)}};
	struct dbus_string path;
	struct dbus_message m;
	ssize_t n = dbus_ask(&s->c, &c, &m);
	int r = LOST;

	if (n < 0)
		return LOST;
	if (m.type == DBUS_ERROR) {
		if (!dbus_get_string(&m, &path))
			path = m.error;
		r = watch_say(w, EINVAL, "%.*s", (int)(path.len < 500 ? path.len : 500), path.data);
	} else if (dbus_get_string(&m, &path) && path.len < sizeof(s->unit)) {
		memcpy(s->unit, path.data, path.len);
		s->unit[path.len] = '\0';
		r = 0;
	}
	dbus_drop(&s->c, (size_t)n);
	return r;
}

static int get_word(struct systemd *s, const char *property, char *ret, size_t size)
{
	const struct dbus_call c = {s->unit, PROPERTIES, "Get", {UNIT, property}};
	struct dbus_string word;
	struct dbus_message m;
	ssize_t n = dbus_ask(&s->c, &c, &m);
	int r = LOST;

	if (n < 0)
		return LOST;
	if (m.type == DBUS_RETURN && dbus_get_string(&m, &word) && word.len < size) {
		memcpy(ret, word.data, word.len);
		ret[word.len] = '\0';
		r = 0;
	}
	dbus_drop(&s->c, (size_t)n);
	return r;
}

static int get_jobs(struct systemd *s, uint32_t *ret)
{
	const struct dbus_call c = {ROOT, PROPERTIES, "Get", {MANAGER, "NJobs"}};
	struct dbus_message m;
	ssize_t n = dbus_ask(&s->c, &c, &m);
	int r;

	if (n < 0)
		return LOST;
	r = m.type == DBUS_RETURN && dbus_get_number(&m, ret) ? 0 : LOST;
	dbus_drop(&s->c, (size_t)n);
	return r;
}

static bool is_wanted(const struct watch *w, const struct systemd *s, const char *state)
{
	return strcmp(state, looks_for_user(s) ? "active" : w->words[1]) == 0;
}

/*
 * It is so; of the user's systemd that is no answer yet: now that is asked. As long as it has no socket it is both looked for
 * that, and at the unit, which may end before.
 */
static int reached(struct watch *w, struct systemd *s, const char *state)
{
	if (!looks_for_user(s))
		return watch_say(w, 0, "%s", state);
	if (!s->awaits_socket)
		watch_path_begin(w, &s->path);
	s->awaits_socket = true;
	if (watch_path_look(w, &s->path, s->user_socket, NULL) != 0)
		return WATCH_NOT_YET;
	s->at_user = true;
	disconnect(w, s);
	return WATCH_NOT_YET;
}

static int never(struct watch *w, const struct systemd *s, int code, const char *state)
{
	if (!looks_for_user(s))
		return watch_say(w, code, "%s", state);
	return strcmp(state, "inactive") == 0
		       ? watch_say(w, ESRCH, "no systemd runs for %.100s, who has no session and does not linger (loginctl "
					     "enable-linger %.100s, with the package libpam-systemd)", w->words[2], w->words[2])
		       : watch_say(w, ESRCH, "the systemd of %.100s is not there: %s is %s (it needs the package libpam-systemd)",
				   w->words[2], s->user_unit, state);
}

/*
 * Inactive, or not there: for good, unless something is under way that may start or make it, whatever that is (as in
 * NixOS's tests).
 */
static int ask_inactive(struct watch *w, struct systemd *s)
{
	char state[WORD_MAX], load[WORD_MAX];
	uint32_t jobs;
	bool there;

	if (get_word(s, "LoadState", load, sizeof(load)) < 0)
		return LOST;
	there = strcmp(load, "loaded") == 0 || strcmp(load, "merged") == 0 || strcmp(load, "stub") == 0;
	if (!there && !comes_by_itself(s->name)) /* no job can be for it */
		return never(w, s, ENOENT, load);
	if (get_jobs(s, &jobs) < 0 || get_word(s, "ActiveState", state, sizeof(state)) < 0)
		return LOST;
	if (is_wanted(w, s, state))
		return reached(w, s, state);
	if (jobs || strcmp(state, "inactive") != 0)
		return WATCH_NOT_YET;
	return there ? never(w, s, ENOTRECOVERABLE, state) : never(w, s, ENOENT, load);
}

static int ask(struct watch *w, struct systemd *s)
{
	char state[WORD_MAX];

	s->changed = s->jobs_ended = false;
	if (get_word(s, "ActiveState", state, sizeof(state)) < 0)
		return LOST;
	if (is_wanted(w, s, state))
		return reached(w, s, state);
	if (strcmp(state, "failed") == 0)
		return never(w, s, ENOTRECOVERABLE, state);
	return strcmp(state, "inactive") == 0 ? ask_inactive(w, s) : WATCH_NOT_YET;
}

/* The unit's own name: `nginx` may be another's, too. */
static int find_sign(const struct watch *w, struct systemd *s)
{
	char id[NAME_LEN];

	s->sign[0] = '\0';
	if (s->at_user || (!looks_for_user(s) && strcmp(w->words[1], "active") != 0) || is_there(BOOTED_FILE))
		return 0;
	if (get_word(s, "Id", id, sizeof(id)) < 0)
		return LOST;
	if (is_goal(id))
		snprintf(s->sign, sizeof(s->sign), BOOTED_FILE);
	else if (has_ending(id, (const char *const[]){".service", NULL}))
		snprintf(s->sign, sizeof(s->sign), INVOCATION "%s", id);
	return 0;
}

/* Both are looked at, so that both wake. */
static bool shows(struct watch *w, struct systemd *s)
{
	watch_path_look(w, &s->path, s->sign, NULL);
	watch_path_look(w, &s->booted, BOOTED_FILE, NULL);
	return is_there(s->sign) || is_there(BOOTED_FILE);
}

/* After an answer that was none: from now on without a connection, if there is something else to wait for. */
static void be_quiet(struct watch *w, struct systemd *s)
{
	if (!s->sign[0] || is_there(s->sign) || is_there(BOOTED_FILE))
		return;
	disconnect(w, s);
	watch_path_begin(w, &s->booted);
	s->quiet = true;
}

static bool stays_quiet(struct watch *w, struct systemd *s)
{
	if (!s->quiet || !shows(w, s))
		return s->quiet;
	watch_path_end(w, &s->booted);
	s->quiet = false;
	return false;
}

/* LOST, too, as long as systemd is not there, or executes itself anew. */
static int begin_connection(struct watch *w, struct systemd *s)
{
	const char *socket = s->at_user ? s->user_socket : SOCKET;
	int r;

	if (watch_path_look(w, &s->path, socket, NULL) != 0) {
		s->at_user = false; /* its socket is gone again: perhaps for good, as the system's knows */
		return WATCH_NOT_YET;
	}
	watch_path_end(w, &s->path);
	r = dbus_connect(&s->c, socket) ? load_unit(w, s) : LOST;
	if (r == 0)
		r = find_sign(w, s);
	if (r)
		return r;
	watch_add(w, s->c.fd, POLLIN);
	s->changed = true;
	return 0;
}

/* Jobs that have ended are asked about when there is a pause, or when there was none for long. */
static bool is_due(const struct watch *w, const struct systemd *s)
{
	return s->changed || (s->jobs_ended && (!w->woken || clock_ms() - s->jobs_ms >= JOBS_MS));
}

/* Without waiting for anything but answers. */
static int look(struct watch *w, struct systemd *s)
{
	int r = s->c.fd < 0 ? begin_connection(w, s) : 0;

	if (r)
		return r;
	s->changed |= s->awaits_socket;
	/* After each answer, too: what came with it makes no event of its own. */
	for (r = dbus_take_signals(&s->c); r == 0 && is_due(w, s); r = dbus_take_signals(&s->c)) {
		int state = ask(w, s);

		if (state != WATCH_NOT_YET || s->c.fd < 0)
			return state;
	}
	if (r == 0 && s->jobs_ended)
		watch_look_again(w);
	return r < 0 ? LOST : WATCH_NOT_YET;
}

/* The connection has ended: nobody listens at a socket that may be there. A user's systemd may be gone for good. */
static void lose(struct watch *w, struct systemd *s)
{
	disconnect(w, s);
	s->at_user = false;
	watch_look_again(w);
}

int watch_systemd_look(struct watch *w)
{
	struct systemd *s = w->own;
	bool at_user;
	int r = w->n > 2 && !s->user_socket[0] ? find_user(w, s) : 0;

	if (r)
		return r;
	do {
		if (stays_quiet(w, s))
			return WATCH_NOT_YET;
		at_user = s->at_user;
		r = look(w, s);
		if (r == WATCH_NOT_YET && s->c.fd >= 0)
			be_quiet(w, s);
	} while (r == WATCH_NOT_YET && (s->quiet || at_user != s->at_user));
	if (r != LOST)
		return r;
	lose(w, s);
	return WATCH_NOT_YET;
}
