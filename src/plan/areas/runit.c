/* SPDX-License-Identifier: MIT */
#include "plan/areas/runit-unit.h"

#include "plan/areas/areas.h"
#include "plan/unit.h"

#define SCRIPT_HEAD \
	"#!/bin/sh\n" \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n" \
	"export PATH\n"

static void add_script(struct viv_etc *etc, const char *option, const char *path, const char *text)
{
	struct viv_str s = VIV_STR_INIT;

	if (!viv_starts_with(text, "#!"))
		viv_str_add(&s, SCRIPT_HEAD "exec 2>&1\n");
	viv_str_add(&s, text);
	if (!viv_ends_with(text, "\n"))
		viv_str_add_char(&s, '\n');
	viv_etc_add(etc, option, path, VIV_ETC_FILE, 0755, &s);
}

/* What runsv writes is in memory: the service's folder may be read-only. */
static void add_state(struct viv_etc *etc, const char *option, const char *folder, const char *name)
{
	VIV_FREE char *link = viv_asprintf("%s/supervise", folder);
	VIV_FREE char *target = viv_asprintf("/run/runit/supervise/%s", name);

	viv_etc_add_link(etc, option, link, target);
}

void viv_runit_add_service(struct viv_etc *etc, const char *option, const struct viv_runit_service *s)
{
	VIV_FREE char *folder = viv_asprintf("etc/sv/%s", s->name);
	VIV_FREE char *run = viv_asprintf("%s/run", folder), *finish = viv_asprintf("%s/finish", folder);
	VIV_FREE char *log = viv_asprintf("%s/log", folder), *log_run = viv_asprintf("%s/run", log);
	VIV_FREE char *log_name = viv_asprintf("%s.log", s->name), *down = viv_asprintf("%s/down", folder);
	VIV_FREE char *link = viv_asprintf("etc/runit/runsvdir/default/%s", s->name);
	VIV_FREE char *target = viv_asprintf("/etc/sv/%s", s->name);

	add_script(etc, option, run, s->run);
	if (s->finish && *s->finish)
		add_script(etc, option, finish, s->finish);
	if (s->log && *s->log) {
		add_script(etc, option, log_run, s->log);
		add_state(etc, option, log, log_name);
	}
	if (s->down)
		viv_etc_add_text(etc, option, down, "");
	add_state(etc, option, folder, s->name);
	viv_etc_add_link(etc, option, link, target);
}

void viv_runit_add_boot(struct viv_etc *etc, const char *option, const char *name, const char *text)
{
	VIV_FREE char *path = viv_asprintf("etc/runit/boot.d/%s", name);

	viv_etc_add_text(etc, option, path, text);
}

/*
 * What has no disk below it is not looked at. The root comes before the disk that it writes to, which viv-init shows
 * (guest/init-root.c).
 */
#define SETTLE \
	"# What still runs ends, and is waited for: what it had open is let go of then.\n" \
	"/run/viv/agent --end\n" \
	"sync\n" \
	"# Disks are left clean: read-only, the last one that was mounted first.\n" \
	"set --\n" \
	"again= root= upper=/run/viv/upper/disk\n" \
	"while read -r device where _; do\n" \
	"\tcase $device:$where in\n" \
	"\t/dev/*:/ | *:$upper) root=/ ;;\n" \
	"\t/dev/*) set -- \"$(printf %b \"$where\")\" \"$@\" ;;\n" \
	"\tesac\n" \
	"done </proc/self/mounts\n" \
	"[ -d $upper ] || upper=\n" \
	"for where in \"$@\" $root $upper; do\n" \
	"\tmount -o remount,ro none \"$where\" 2>/dev/null && continue\n" \
	"\t[ $again ] || /run/viv/agent --end # what has begun meanwhile\n" \
	"\tagain=1\n" \
	"\tmount -o remount,ro none \"$where\" ||\n" \
	"\t\tprintf '\\nviv-init: warning: %s\\n' \"$where is still in use: its disk may not be clean\"\n" \
	"done\n"

/* The three stages. What udev and systemd do besides, viv-init has done (docs/boot.md). */
static void add_stages(struct viv_etc *etc)
{
	add_script(etc, NULL, "etc/runit/1",
		   SCRIPT_HEAD
		   "# Stage 1: what is done once.\n"
		   "mkdir -p /run/runit/supervise " VIV_RUNIT_ENDED "\n"
		   "[ -d /etc/service/. ] || mkdir -p /etc/runit/runsvdir/default # of a system without services\n"
		   "for f in /etc/runit/boot.d/*; do\n"
		   "\t[ -f \"$f\" ] || continue\n"
		   "\t(set -e; . \"$f\") # not before ||, where shells pass over -e\n"
		   "\tstatus=$?\n"
		   "\tcase $f in\n"
		   "\t*/" VIV_RUNIT_BOOT_SERVICES "-[0-9]*-*) : >\"" VIV_RUNIT_ENDED "${f#*/" VIV_RUNIT_BOOT_SERVICES "-*-}\" ;;\n"
		   "\tesac\n"
		   "\t[ ! -e " VIV_RUNIT_END " ] || exit 100 # to stage 3\n"
		   "\t[ $status = 0 ] || printf '\\nviv-init: warning: %s\\n' \"$f ended with status $status\"\n"
		   "done\n");
	add_script(etc, NULL, "etc/runit/2",
		   SCRIPT_HEAD
		   "# Stage 2: services, for as long as the machine runs.\n"
		   "[ ! -x /run/viv/agent ] || /run/viv/agent --booted &\n"
		   "# At a TERM it does no more than end, but may look at it 5 s later: nobody waits for that.\n"
		   "runsvdir -P /etc/service &\n"
		   "trap 'kill -KILL $!; exit 0' TERM\n"
		   "wait $!\n");
	add_script(etc, NULL, "etc/runit/3",
		   SCRIPT_HEAD
		   "# Stage 3: the end. runit powers off after it.\n"
		   "set -- /etc/service/*\n"
		   "if [ -e \"$1\" ]; then\n"
		   "\tsv -w 10 force-stop \"$@\"\n"
		   "\tsv exit \"$@\"\n"
		   "fi >/dev/null 2>&1\n"
		   "if [ -d /etc/runit/stop.d ]; then\n"
		   "\tfor f in /etc/runit/stop.d/*; do (. \"$f\"); done\n"
		   "fi\n" SETTLE);
	/* Where runit looks for what it is to do; releases differ in which. */
	viv_etc_add_link(etc, NULL, "etc/runit/stopit", "/run/runit.stopit");
	viv_etc_add_link(etc, NULL, "etc/runit/reboot", "/run/runit.reboot");
}

/* As root would call them; nobody else's, for the package has none of its own. */
static void add_tools(struct viv_etc *etc)
{
	static const struct {
		const char *path, *mode;
	} tools[] = {{"usr/local/sbin/poweroff", "000"}, {"usr/local/sbin/reboot", "100"}};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(tools); i++) {
		VIV_FREE char *text = viv_asprintf(
			"#!/bin/sh\n"
			"# runit's way (runit(8)): files that it looks at when it is signalled.\n"
			"touch /run/runit.reboot /run/runit.stopit &&\n"
			"chmod %s /run/runit.reboot &&\n"
			"chmod 100 /run/runit.stopit &&\n"
			"exec kill -s CONT 1\n",
			tools[i].mode);

		add_script(etc, NULL, tools[i].path, text);
	}
	add_script(etc, NULL, "etc/runit/ctrlaltdel", "exec reboot\n");
}

/* A terminal is hung up on: shells at one don't mind a TERM, and the end would wait 10 s for them. */
static void add_hang_up(struct viv_etc *etc, const char *service)
{
	VIV_FREE char *path = viv_asprintf("etc/sv/%s/control/t", service);

	add_script(etc, "services.getty.autologinUser", path, "exec kill -s HUP \"$(cat supervise/pid)\"\n");
}

static void add_getty(struct viv_etc *etc, const char *user, const char *line, const char *options)
{
	VIV_FREE char *name = viv_asprintf("getty-%s", line);
	VIV_FREE char *login = user ? viv_asprintf("--autologin %s --noclear ", user) : viv_strdup("");
	VIV_FREE char *run = viv_asprintf("exec chpst -P /sbin/agetty %s%s\n", login, options);

	viv_runit_add_service(etc, "services.getty.autologinUser", &(struct viv_runit_service){.name = name, .run = run});
	add_hang_up(etc, name);
}

/* A minimal root has no agetty; on a screen there is a shell. */
static void add_shell(struct viv_etc *etc)
{
	static const char run[] = "export HOME=/root\ncd\nexec chpst -P getty -n -l /bin/sh 0 tty1 linux\n";

	viv_runit_add_service(etc, "services.getty.autologinUser",
			      &(struct viv_runit_service){.name = "getty-tty1", .run = run});
	add_hang_up(etc, "getty-tty1");
}

/* Logins as systemd has them: on the serial console, and on a screen. */
static void add_logins(struct viv_etc *etc, const struct viv_config *config)
{
	const char *user = viv_config_string(config, "services.getty.autologinUser");

	if (viv_is_minimal(config)) {
		if (viv_has_screen(config) && user && viv_streq(user, "root"))
			add_shell(etc);
		return;
	}
	add_getty(etc, user, "ttyS0", "--keep-baud ttyS0 115200,57600 vt220");
	if (viv_has_screen(config))
		add_getty(etc, user, "tty1", "tty1 linux");
	viv_etc_add_help_line(etc, config);
}

static int add_services(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	const char *name;
	json_t *service;

	json_object_foreach((json_t *)viv_config_get(config, "runit.services"), name, service) {
		VIV_FREE char *option = viv_unit_option("runit.services", name);
		struct viv_runit_service s = {.name = name,
					      .run = viv_json_str(service, "run"),
					      .finish = viv_json_str(service, "finish"),
					      .log = viv_json_str(service, "log")};

		if (!s.run || !*s.run)
			return viv_error_say(err, EINVAL, "%s: %s: give its run script",
					     viv_config_place(config, option), option);
		viv_runit_add_service(etc, option, &s);
	}
	return 0;
}

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	int r;

	if (!viv_uses_runit(config))
		return 0;
	add_stages(etc);
	add_tools(etc);
	viv_runit_add_first_boot(etc);
	add_logins(etc, config);
	r = add_services(etc, config, err);
	return r < 0 ? r : viv_runit_add_units(etc, config, err);
}

static void packages(const struct viv_config *config, struct viv_strv *base, struct viv_strv *ret)
{
	if (viv_uses_runit(config))
		viv_strv_push(base, "runit");
	if (viv_uses_runit(config) && !viv_is_minimal(config))
		viv_strv_push(base, "mount");
}

const struct viv_area viv_area_runit = {.files = files, .packages = packages};
