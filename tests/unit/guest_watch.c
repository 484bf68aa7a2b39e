/* SPDX-License-Identifier: MIT */
/* Watches of units: a systemd, and a runit, that the test plays, in a mount namespace with a /run and /etc of its own. */
#include "guest_watch.h"

#include "../../guest/dbus.c"
#include "../../guest/dbus-connection.c"
#include "../../guest/watch-path.c"
#include "../../guest/watch-runit.c"
#include "../../guest/watch-silent.c"
#include "../../guest/watch-systemd.c"

#include "base/path.h"
#include "base/str.h"
#include "plan/areas/runit-unit.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

/* The kinds that are not looked at here. */
NOT_HERE(watch_port_begin)
NOT_HERE(watch_port_look)
NOT_HERE(watch_no_port_look)

/* An event is there, without which the watch would not look. */
static void assert_woken(void)
{
	assert_true(poll(the_watch.fds, the_watch.n_fds, 60000) > 0);
}

/* runit */

static void write_status(const char *service, char want, char state)
{
	VIV_FREE char *folder = viv_asprintf("/etc/sv/%s/supervise", service);
	VIV_FREE char *fresh = viv_asprintf("%s/status.new", folder), *path = viv_asprintf("%s/status", folder);
	char status[STATUS] = {[17] = want, [19] = state};

	assert_int_equal(viv_mkdir_p(folder, 0755, NULL), 0);
	assert_int_equal(viv_write_file(fresh, status, sizeof(status), 0644, NULL), 0);
	assert_int_equal(rename(fresh, path), 0);
}

static void check_runit(int code, const char *answer)
{
	assert_int_equal(watch_runit_look(&the_watch), code);
	if (code != WATCH_NOT_YET)
		assert_string_equal(the_watch.answer, answer);
}

static void runit_services(void **state)
{
	assert_int_equal(begin(INIT_RUNIT, (const char *[3]){"web.service", "active"}, watch_runit_begin), WATCH_NOT_YET);
	check_runit(ENOENT, "not-found");
	assert_int_equal(viv_mkdir_p("/etc/sv/web", 0755, NULL), 0);
	check_runit(WATCH_NOT_YET, "");
	write_status("web", 'u', 0);
	assert_woken();
	check_runit(WATCH_NOT_YET, "");
	write_status("web", 'u', 1);
	assert_woken();
	check_runit(0, "active");
	/* The whole name, and the other state. */
	assert_int_equal(begin(INIT_RUNIT, (const char *[3]){"web", "inactive"}, watch_runit_begin), WATCH_NOT_YET);
	check_runit(WATCH_NOT_YET, "");
	write_status("web", 'd', 2);
	assert_woken();
	check_runit(WATCH_NOT_YET, "");
	write_status("web", 'd', 0);
	assert_woken();
	check_runit(0, "inactive");
}

/* One that has ended stays so; one that was not wanted at boot can be started by another. */
static void runit_ends(void **state)
{
	write_status("done", 'u', 0);
	assert_int_equal(begin(INIT_RUNIT, (const char *[3]){"done", "active"}, watch_runit_begin), WATCH_NOT_YET);
	check_runit(WATCH_NOT_YET, "");
	write_status("done", 'd', 0);
	check_runit(ENOTRECOVERABLE, "inactive");
	assert_int_equal(viv_write_file("/etc/sv/done/down", "", 0, 0644, NULL), 0);
	check_runit(WATCH_NOT_YET, "");
	assert_int_equal(viv_write_file("/etc/sv/done/supervise/status", "short", 5, 0644, NULL), 0);
	check_runit(WATCH_NOT_YET, "");
	assert_int_equal(begin(INIT_RUNIT, (const char *[3]){"..", "active"}, watch_runit_begin), EINVAL);
	assert_int_equal(begin(INIT_RUNIT, (const char *[3]){".service", "active"}, watch_runit_begin), EINVAL);
}

static void make_file(const char *path, const char *text)
{
	VIV_FREE char *folder = viv_strndup(path, (size_t)(strrchr(path, '/') - path));

	assert_int_equal(viv_mkdir_p(folder, 0755, NULL), 0);
	assert_int_equal(viv_write_file(path, text, strlen(text), 0644, NULL), 0);
}

static void begin_runit(const char *name, const char *wanted)
{
	assert_int_equal(begin(INIT_RUNIT, (const char *[3]){name, wanted}, watch_runit_begin), WATCH_NOT_YET);
}

/* What runs once, at boot. */
static void runit_pieces(void **state)
{
	make_file("/etc/runit/boot.d/50-00003-set-up", "");
	make_file("/etc/runit/boot.d/10-firewall", "");
	begin_runit("set-up.service", "active");
	check_runit(WATCH_NOT_YET, "");
	assert_int_equal(viv_mkdir_p(DONE, 0755, NULL), 0);
	make_file(ENDED "other", "");
	make_file(DONE "set-up", "");
	check_runit(WATCH_NOT_YET, ""); /* that of a moment before its end */
	make_file(ENDED "set-up", "");
	assert_woken();
	check_runit(0, "active");
	begin_runit("set-up", "failed");
	check_runit(ENOTRECOVERABLE, "active");
	assert_int_equal(unlink(DONE "set-up"), 0);
	begin_runit("set-up", "active");
	check_runit(ENOTRECOVERABLE, "failed");
	begin_runit("set-up", "failed");
	check_runit(0, "failed");
	for (const char *const *name = (const char *[]){"up", "00003-set-up", "firewall", "set-u", NULL}; *name; name++) {
		begin_runit(*name, "active");
		check_runit(ENOENT, "not-found");
	}
}

static void runit_targets(void **state)
{
	make_file("/" VIV_RUNIT_TARGETS, "basic.target\nmulti-user.target\n");
	begin_runit("multi-user.target", "active");
	check_runit(WATCH_NOT_YET, "");
	assert_int_equal(viv_mkdir_p("/run/viv", 0755, NULL), 0);
	check_runit(WATCH_NOT_YET, "");
	make_file(BOOTED_FILE, "");
	assert_woken();
	check_runit(0, "active");
	begin_runit("multi-usr.target", "active");
	check_runit(ENOENT, "not-found");
	begin_runit("multi-usr.target", "inactive");
	check_runit(0, "inactive");
}

/* systemd: what it says is a list of steps, which a process of its own goes through. */

/*
 * AWAY: the watch hangs up; then the file `text` is made (NULL: none), and it comes again. USERS: it comes to the user's.
 * GONE: his socket is removed, THERE: it is there again.
 */
enum action {
	AUTH, REPLY_STRING, REPLY_PATH, REPLY_NUMBER, FAIL, SIGNAL, LONG_SIGNAL, SIGNALS, HANG_UP, AWAY, USERS, GONE, THERE,
	STEPS_END,
};

struct step {
	enum action action;
	const char *text; /* the reply; the signal's member */
	const char *asked; /* what the call has to contain; the signal's path */
	uint32_t number;
};

#define USERS_SOCKET "/run/user/1234/systemd/private"
#define USERS_LATER  "/run/later"

static int listen_at(const char *path)
{
	VIV_FREE char *folder = viv_strndup(path, (size_t)(strrchr(path, '/') - path));
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_int_equal(viv_mkdir_p(folder, 0755, NULL), 0);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static void expect(bool ok)
{
	if (!ok)
		_exit(3);
}

static void take_auth(int fd)
{
	static const char start[] = "\0AUTH EXTERNAL 30\r\nBEGIN\r\n", answer[] = "OK 0123456789abcdef\r\n";
	char in[sizeof(start) - 1];

	expect(recv(fd, in, sizeof(in), MSG_WAITALL) == sizeof(in) && memcmp(in, start, sizeof(in)) == 0);
	expect(send(fd, answer, strlen(answer), 0) > 0);
}

/* A call that has the text somewhere. Its serial. */
static uint32_t take_call(int fd, const char *text)
{
	uint8_t in[DBUS_CALL_MAX];
	struct dbus_message m;
	size_t len;

	expect(recv(fd, in, DBUS_FIXED, MSG_WAITALL) == DBUS_FIXED);
	len = dbus_length(in);
	expect(len >= DBUS_FIXED && len <= sizeof(in));
	expect(recv(fd, in + DBUS_FIXED, len - DBUS_FIXED, MSG_WAITALL) == (ssize_t)(len - DBUS_FIXED));
	expect(dbus_parse(in, len, &m) && m.type == DBUS_CALL);
	expect(memmem(in, len, text, strlen(text)) != NULL);
	return m.serial;
}

struct out {
	uint8_t data[4096];
	struct writer w;
};

static void head(struct out *o, enum dbus_type type)
{
	const uint8_t fixed[DBUS_FIXED] = {'l', (uint8_t)type, 1, 1, [8] = 7};

	o->w = (struct writer){.data = o->data};
	put(&o->w, fixed, sizeof(fixed));
}

static void put_reply_serial(struct out *o, uint32_t serial)
{
	static const uint8_t field[] = {REPLY_SERIAL, 1, 'u', 0, 0, 0, 0, 0};

	put_align(&o->w, 8);
	put(&o->w, field, sizeof(field));
	set32(&o->w, o->w.len - 4, serial);
}

/* In pieces, the last of `more` zeros: messages come as they like. */
static void send_out(struct out *o, int fd, size_t body, size_t more)
{
	static const uint8_t zeros[1000];

	set32(&o->w, 4, (uint32_t)(o->w.len - body + more));
	expect(send(fd, o->data, 5, 0) == 5);
	expect(send(fd, o->data + 5, o->w.len - 5, 0) == (ssize_t)(o->w.len - 5));
	for (; more; more -= sizeof(zeros))
		expect(send(fd, zeros, sizeof(zeros), 0) == sizeof(zeros));
}

static size_t end_fields(struct out *o)
{
	set32(&o->w, 12, (uint32_t)(o->w.len - DBUS_FIXED));
	put_align(&o->w, 8);
	return o->w.len;
}

static void say_signal(int fd, const struct step *s, size_t more)
{
	struct out o;

	head(&o, DBUS_SIGNAL);
	put_field(&o.w, PATH, 'o', s->asked);
	put_field(&o.w, MEMBER, 's', s->text);
	put_field(&o.w, SIGNATURE, 'g', "a{sv}as");
	send_out(&o, fd, end_fields(&o), more);
}

static void reply(int fd, const struct step *s)
{
	struct out o;
	size_t body;

	head(&o, s->action == FAIL ? DBUS_ERROR : DBUS_RETURN);
	put_reply_serial(&o, take_call(fd, s->asked));
	if (s->action == FAIL)
		put_field(&o.w, ERROR_NAME, 's', "org.example.Wrong");
	put_field(&o.w, SIGNATURE, 'g', s->action == FAIL ? "s" : s->action == REPLY_PATH ? "o" : "v");
	body = end_fields(&o);
	if (s->action == REPLY_STRING)
		put(&o.w, "\1s", 3);
	if (s->action == REPLY_NUMBER) {
		put(&o.w, "\1u\0\0\0\0\0", 8);
		set32(&o.w, o.w.len - 4, s->number);
	} else {
		put_string(&o.w, s->text);
	}
	send_out(&o, fd, body, 0);
}

/* So many that the watch hardly ever pauses, until it asks something. */
static void say_signals(int fd, const struct step *s)
{
	struct pollfd call = {.fd = fd, .events = POLLIN};

	while (poll(&call, 1, 5) == 0)
		say_signal(fd, s, 0);
}

static int next_visit(int fd, int listener)
{
	expect(recv(fd, &(char){0}, 1, 0) == 0);
	close(fd);
	return accept(listener, NULL, NULL);
}

static void play(int listener, int users, const struct step *s)
{
	int fd = accept(listener, NULL, NULL);

	for (; s->action != STEPS_END; s++) {
		if (s->action == AUTH)
			take_auth(fd);
		else if (s->action == SIGNAL || s->action == LONG_SIGNAL)
			say_signal(fd, s, s->action == SIGNAL ? 0 : 100000);
		else if (s->action == SIGNALS)
			say_signals(fd, s);
		else if (s->action == HANG_UP)
			close(fd), fd = accept(listener, NULL, NULL);
		else if (s->action == USERS)
			fd = next_visit(fd, users);
		else if (s->action == GONE)
			expect(rename(USERS_SOCKET, USERS_LATER) == 0);
		else if (s->action == THERE)
			expect(rename(USERS_LATER, USERS_SOCKET) == 0);
		else if (s->action == AWAY && s->text)
			expect(recv(fd, &(char){0}, 1, 0) == 0 && symlink("it", s->text) == 0), fd = next_visit(fd, listener);
		else if (s->action == AWAY)
			fd = next_visit(fd, listener);
		else
			reply(fd, s);
	}
	_exit(recv(fd, &(char){0}, 1, 0) == 0 ? 0 : 4); /* nothing else is asked */
}

static void check_watch(const struct step *steps, const char *const watched[3], int code, const char *answer)
{
	const struct watch_kind going_on = {"unit", 2, 3, NULL, watch_systemd_look};
	int listener = listen_at(SOCKET), users = listen_at(USERS_SOCKET), status;
	pid_t pid = fork();

	if (pid == 0)
		play(listener, users, steps);
	close(listener);
	close(users);
	assert_int_equal(begin(INIT_SYSTEMD, watched, watch_systemd_begin), WATCH_NOT_YET);
	assert_int_equal(wait_for(&the_watch, &going_on), code);
	assert_string_equal(the_watch.answer, answer);
	dbus_disconnect(&((struct systemd *)the_watch.own)->c);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void check_systemd(const struct step *steps, const char *name, const char *wanted, int code, const char *answer)
{
	check_watch(steps, (const char *[3]){name, wanted}, code, answer);
}

#define OBJECT "/org/freedesktop/systemd1/unit/web_2eservice"
#define LOADED_AS(name) {AUTH}, {REPLY_PATH, OBJECT, name}
#define LOADED LOADED_AS("web.service")
#define STATE(s) {REPLY_STRING, s, "ActiveState"}
#define INACTIVE(load, jobs) STATE("inactive"), {REPLY_STRING, load, "LoadState"}, {REPLY_NUMBER, NULL, "NJobs", jobs}, STATE("inactive")

#define NO_UNIT(load) STATE("inactive"), {REPLY_STRING, load, "LoadState"}
#define ID(name) {REPLY_STRING, name, "Id"}

static void systemd_units(void **state)
{
	check_systemd((struct step[]){LOADED, STATE("active"), {STEPS_END}}, "web.service", "active", 0, "active");
	check_systemd((struct step[]){LOADED, STATE("activating"), {SIGNAL, "PropertiesChanged", "/other"},
				      {SIGNAL, "JobNew", ROOT}, {SIGNAL, "PropertiesChanged", OBJECT},
				      {SIGNAL, "UnitNew", ROOT}, STATE("active"), {STEPS_END}},
		      "web", "active", 0, "active");
	check_systemd((struct step[]){LOADED, STATE("activating"), {LONG_SIGNAL, "PropertiesChanged", "/other"},
				      STATE("failed"), {STEPS_END}},
		      "web.service", "active", ENOTRECOVERABLE, "failed");
	check_systemd((struct step[]){LOADED, STATE("failed"), {STEPS_END}}, "web", "failed", 0, "failed");
}

/* Inactive is final when nothing is under way any more. */
static void systemd_inactive(void **state)
{
	check_systemd((struct step[]){LOADED, INACTIVE("loaded", 1), {SIGNAL, "JobRemoved", ROOT}, INACTIVE("loaded", 0), {STEPS_END}},
		      "web", "active", ENOTRECOVERABLE, "inactive");
	/* With others' signals all the time, too. */
	check_systemd((struct step[]){LOADED, INACTIVE("loaded", 1), {SIGNAL, "JobRemoved", ROOT}, {SIGNALS, "JobNew", ROOT},
				      INACTIVE("loaded", 0), {STEPS_END}},
		      "web", "active", ENOTRECOVERABLE, "inactive");
	/* Whatever else is under way, no job can be for it. */
	check_systemd((struct step[]){LOADED, NO_UNIT("not-found"), {STEPS_END}}, "web", "active", ENOENT, "not-found");
	check_systemd((struct step[]){LOADED, NO_UNIT("masked"), {STEPS_END}}, "web", "active", ENOENT, "masked");
	/* But what needs no file may come. */
	check_systemd((struct step[]){LOADED_AS("srv.mount"), INACTIVE("not-found", 1), {SIGNAL, "JobRemoved", ROOT},
				      INACTIVE("not-found", 0), {STEPS_END}},
		      "srv.mount", "active", ENOENT, "not-found");
	check_systemd((struct step[]){LOADED_AS("srv.mount"), INACTIVE("not-found", 1), {SIGNAL, "Reloading", ROOT}, STATE("activating"),
				      {SIGNAL, "PropertiesChanged", OBJECT}, STATE("active"), {STEPS_END}},
		      "srv.mount", "active", 0, "active");
	check_systemd((struct step[]){LOADED, STATE("inactive"), {STEPS_END}}, "web", "inactive", 0, "inactive");
	check_systemd((struct step[]){{AUTH}, {FAIL, "Unit name is wrong", "LoadUnit"}, {STEPS_END}}, "w b", "active", EINVAL,
		      "Unit name is wrong");
}

/* systemd executes itself anew. */
static void systemd_again(void **state)
{
	check_systemd((struct step[]){LOADED, STATE("activating"), {HANG_UP}, LOADED, STATE("active"), {STEPS_END}}, "web",
		      "active", 0, "active");
}

/* While it boots: a connection, for which systemd has much to do, only when there may be an answer. */
static void systemd_boots(void **state)
{
	unlink(BOOTED_FILE);
	assert_int_equal(viv_mkdir_p("/run/systemd/units", 0755, NULL), 0);
	assert_int_equal(viv_mkdir_p("/run/viv", 0755, NULL), 0);
	check_systemd((struct step[]){LOADED, ID("web.service"), STATE("active"), {STEPS_END}}, "web", "active", 0, "active");
	check_systemd((struct step[]){LOADED, ID("web.service"), NO_UNIT("not-found"), {STEPS_END}}, "web", "active", ENOENT,
		      "not-found");
	/* By another name than its own. */
	check_systemd((struct step[]){LOADED, ID("nginx.service"), INACTIVE("loaded", 7), {AWAY, INVOCATION "nginx.service"}, LOADED,
				      ID("nginx.service"), STATE("activating"), {SIGNAL, "PropertiesChanged", OBJECT}, STATE("active"),
				      {STEPS_END}},
		      "web", "active", 0, "active");
	/* What executes nothing is followed; so is what shall have failed. */
	check_systemd((struct step[]){LOADED_AS("a.socket"), ID("a.socket"), INACTIVE("loaded", 7), {SIGNAL, "PropertiesChanged", OBJECT},
				      STATE("active"), {STEPS_END}},
		      "a.socket", "active", 0, "active");
	check_systemd((struct step[]){LOADED, INACTIVE("loaded", 7), {SIGNAL, "PropertiesChanged", OBJECT}, STATE("failed"), {STEPS_END}},
		      "web", "failed", 0, "failed");
	/* The end of the boot is one, and of what has not come until then. */
	check_systemd((struct step[]){LOADED_AS("multi-user.target"), ID("multi-user.target"), INACTIVE("loaded", 7),
				      {AWAY, BOOTED_FILE}, LOADED_AS("multi-user.target"), STATE("active"), {STEPS_END}},
		      "multi-user.target", "active", 0, "active");
	unlink(BOOTED_FILE);
	check_systemd((struct step[]){LOADED_AS("off.service"), ID("off.service"), INACTIVE("loaded", 7),
				      {AWAY, BOOTED_FILE}, LOADED_AS("off.service"), INACTIVE("loaded", 0), {STEPS_END}},
		      "off", "active", ENOTRECOVERABLE, "inactive");
}

#define USERS_OWN {AUTH}, {REPLY_PATH, OBJECT, "user@1234.service"}

/* First the system's systemd says whether the user's runs. */
static void systemd_of_user(void **state)
{
	static const char *const watched[] = {"web", "active", "paul"};

	make_file("/etc/passwd", "root:x:0:0::/:/bin/sh\npaul:x:1234:1234::/:/bin/sh\n");
	check_watch((struct step[]){USERS_OWN, STATE("active"), {USERS}, LOADED, STATE("activating"),
				    {SIGNAL, "PropertiesChanged", OBJECT}, STATE("active"), {STEPS_END}},
		    watched, 0, "active");
	check_watch((struct step[]){USERS_OWN, STATE("activating"), {SIGNAL, "PropertiesChanged", OBJECT}, STATE("active"), {USERS},
				    LOADED, NO_UNIT("not-found"), {STEPS_END}},
		    watched, ENOENT, "not-found");
	check_watch((struct step[]){USERS_OWN, INACTIVE("loaded", 0), {STEPS_END}}, watched, ESRCH,
		    "no systemd runs for paul, who has no session and does not linger (loginctl enable-linger paul, with the package "
		    "libpam-systemd)");
	check_watch((struct step[]){USERS_OWN, STATE("failed"), {STEPS_END}}, watched, ESRCH,
		    "the systemd of paul is not there: user@1234.service is failed (it needs the package libpam-systemd)");
}

/* It has no socket yet, or no more: it may come, and it may be over. */
static void systemd_of_user_goes(void **state)
{
	static const char *const watched[] = {"web", "active", "paul"};

	/* The second question shows that it has looked. */
	check_watch((struct step[]){{GONE}, USERS_OWN, STATE("active"), {SIGNAL, "PropertiesChanged", OBJECT}, STATE("activating"),
				    {THERE}, STATE("active"), {USERS}, LOADED, STATE("active"), {STEPS_END}},
		    watched, 0, "active");
	check_watch((struct step[]){{GONE}, USERS_OWN, STATE("active"), {SIGNAL, "PropertiesChanged", OBJECT},
				    INACTIVE("loaded", 0), {STEPS_END}},
		    watched, ESRCH,
		    "no systemd runs for paul, who has no session and does not linger (loginctl enable-linger paul, with the package "
		    "libpam-systemd)");
	unlink(USERS_LATER);
}

/* Whom something makes that runs at boot. */
static void systemd_of_nobody(void **state)
{
	static const char *const watched[] = {"web", "active", "pual"};

	unlink(BOOTED_FILE);
	assert_int_equal(begin(INIT_SYSTEMD, watched, watch_systemd_begin), WATCH_NOT_YET);
	assert_int_equal(watch_systemd_look(&the_watch), WATCH_NOT_YET);
	assert_int_equal(poll(the_watch.fds, the_watch.n_fds, 0), 0);
	make_file("/etc/passwd.new", "root:x:0:0::/:/bin/sh\npaul:x:1234:1234::/:/bin/sh\npual:x:1235:1235::/:/bin/sh\n");
	assert_int_equal(rename("/etc/passwd.new", "/etc/passwd"), 0);
	assert_woken();
	assert_int_equal(find_user(&the_watch, the_watch.own), 0);
	assert_string_equal(((struct systemd *)the_watch.own)->user_unit, "user@1235.service");
	make_file("/etc/passwd", "root:x:0:0::/:/bin/sh\npaul:x:1234:1234::/:/bin/sh\n");
	assert_int_equal(begin(INIT_SYSTEMD, watched, watch_systemd_begin), WATCH_NOT_YET);
	assert_int_equal(watch_systemd_look(&the_watch), WATCH_NOT_YET);
	make_file(BOOTED_FILE, "");
	assert_woken();
	assert_int_equal(watch_systemd_look(&the_watch), EINVAL);
	assert_string_equal(the_watch.answer, "there is no user pual in the guest");
}

static void systemd_later(void **state)
{
	VIV_FD listener = -1;

	unlink("/run/systemd/private");
	rmdir("/run/systemd");
	assert_int_equal(begin(INIT_SYSTEMD, (const char *[3]){"web", "active"}, watch_systemd_begin), WATCH_NOT_YET);
	assert_int_equal(watch_systemd_look(&the_watch), WATCH_NOT_YET);
	listener = listen_at(SOCKET);
	assert_woken();
}

static void dbus_calls(void **state)
{
	struct dbus_call c = {"/p", "i.f", "Do", {"a", "longer"}};
	VIV_FREE char *word = viv_malloc(DBUS_CALL_MAX + 1);
	uint8_t out[DBUS_CALL_MAX];
	struct dbus_message m;
	size_t len = dbus_put_call(out, 9, &c);

	assert_int_equal(dbus_length(out), len);
	assert_true(dbus_parse(out, len, &m));
	assert_int_equal(m.serial, 9);
	assert_string_equal(m.path.data, "/p");
	assert_string_equal(m.interface.data, "i.f");
	assert_string_equal(m.member.data, "Do");
	assert_string_equal(m.signature.data, "ss");
	assert_memory_equal(m.body, "\1\0\0\0a\0\0\0\6\0\0\0longer", m.body_len);
	assert_int_equal(m.body_len, 19);
	for (size_t cut = 0; cut < len; cut++)
		assert_false(dbus_parse(out, cut, &m));
	memset(word, 'x', DBUS_CALL_MAX);
	word[DBUS_CALL_MAX] = '\0';
	c.args[0] = word;
	assert_int_equal(dbus_put_call(out, 9, &c), 0);
}

/* Where nothing tells of changes: sysfs, and an overlay over it, whose layers' names have what its options escape. */
static void silent_folders(void **state)
{
	struct watch_overlay last = {0};
	char layers[] = "a\\:b:/c d::e", *rest = layers;

	assert_string_equal(next_layer(&rest), "a:b");
	assert_string_equal(next_layer(&rest), "/c d");
	assert_string_equal(next_layer(&rest), "");
	assert_string_equal(next_layer(&rest), "e");
	assert_null(next_layer(&rest));
	assert_int_equal(watch_silence_of("/run", &last), WATCH_TELLS);
	assert_int_equal(watch_silence_of("/nowhere", &last), WATCH_TELLS);
	assert_int_equal(watch_silence_of("/sys", &last), WATCH_SILENT);
	make_file("/run/over/l,o:w er/file", "");
	for (const char *const *folder = (const char *[]){"upper", "work", "quiet", "silent", NULL}; *folder; folder++) {
		VIV_FREE char *path = viv_asprintf("/run/over/%s", *folder);

		assert_int_equal(mkdir(path, 0755), 0);
	}
	if (mount("o", "/run/over/quiet", "overlay", 0, "lowerdir=/run/over/l\\,o\\:w er,upperdir=/run/over/upper,workdir=/run/over/work") < 0 ||
	    mount("o", "/run/over/silent", "overlay", 0, "lowerdir=/run/over/l\\,o\\:w er:/sys/kernel") < 0) {
		print_message("no overlay here: %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(watch_silence_of("/run/over/quiet", &last), WATCH_TELLS);
	assert_int_equal(watch_silence_of("/run/over/silent", &last), WATCH_SILENT_OVERLAY);
	assert_int_equal(watch_silence_of("/run/over/silent", &last), WATCH_SILENT_OVERLAY);
}

static int watch_nothing(struct watch *w)
{
	return WATCH_NOT_YET;
}

/* What was not there when it was waited for comes below the overlay. */
static void silent_overlay(void **state)
{
	struct watch_path path;
	struct stat st;

	if (access("/run/over/silent/file", F_OK) < 0)
		skip();
	assert_int_equal(begin(INIT_NONE, (const char *[3]){"/run/over/silent/new", ""}, watch_nothing), WATCH_NOT_YET);
	watch_path_begin(&the_watch, &path);
	assert_int_equal(watch_path_look(&the_watch, &path, "/run/over/silent/new", NULL), ENOENT);
	assert_true(the_watch.pausing);
	make_file("/run/over/l,o:w er/new", "");
	assert_int_equal(watch_path_look(&the_watch, &path, "/run/over/silent/new", &st), 0);
	watch_path_end(&the_watch, &path);
	/* A link on the way that may change. */
	assert_int_equal(symlink("/run", "/run/over/l,o:w er/link"), 0);
	watch_path_begin(&the_watch, &path);
	the_watch.pausing = false;
	assert_int_equal(watch_path_look(&the_watch, &path, "/run/over/silent/link/nothing", NULL), ENOENT);
	assert_true(the_watch.pausing);
	watch_path_end(&the_watch, &path);
	umount("/run/over/silent");
	umount("/run/over/quiet");
}

static bool enter_namespace(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("run", "/run", "tmpfs", 0, NULL) == 0 && mount("etc", "/etc", "tmpfs", 0, NULL) == 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runit_services), cmocka_unit_test(runit_ends),
		cmocka_unit_test(runit_targets), cmocka_unit_test(runit_pieces),  cmocka_unit_test(systemd_units),
		cmocka_unit_test(systemd_inactive), cmocka_unit_test(systemd_again),
		cmocka_unit_test(systemd_boots),  cmocka_unit_test(systemd_of_user),
		cmocka_unit_test(systemd_of_user_goes), cmocka_unit_test(systemd_of_nobody),
		cmocka_unit_test(systemd_later),  cmocka_unit_test(dbus_calls),
		cmocka_unit_test(silent_folders), cmocka_unit_test(silent_overlay),
	};
	int failed;

	if (geteuid() != 0 || !enter_namespace()) {
		printf("needs root, and to be allowed to mount\n");
		return 77;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(the_watch.own);
	return failed;
}
