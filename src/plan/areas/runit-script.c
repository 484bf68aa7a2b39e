/* SPDX-License-Identifier: MIT */
#include "plan/areas/runit-unit.h"

#include "base/path.h"
#include "config/name.h"
#include "config/type.h"
#include "plan/exec-line.h"

#include <ctype.h>

/*
 * The scripts run and finish of a service: shell's lines for what systemd.exec(5) and systemd.service(5) say. Every
 * value is looked at or quoted, for root runs them.
 */

/* Looked up in the machine, whose packages make users, too; with all groups, which chpst(8) would take away. */
#define USER_SCRIPT "/usr/lib/viv/service-user"
static const char user_script[] =
	"# Sourced by services with a User or Group, $viv_user and $viv_group: a name or number.\n"
	"viv_uid=\n"
	"while IFS=: read -r name _ uid gid _ home shell; do\n"
	"\t[ \"$viv_user\" = \"$name\" ] || [ \"$viv_user\" = \"$uid\" ] || continue\n"
	"\tviv_uid=$uid viv_gid=$gid USER=$name LOGNAME=$name HOME=$home SHELL=${shell:-/bin/sh}\n"
	"\tbreak\n"
	"done </etc/passwd\n"
	"[ -n \"$viv_uid\" ] || { echo \"there is no user $viv_user\"; exit 1; }\n"
	"viv_more= viv_found=\n"
	"while IFS=: read -r name _ gid members; do\n"
	"\tcase ,$members, in *,\"$USER\",*) viv_more=$viv_more:$gid ;; esac\n"
	"\tif [ \"$viv_group\" = \"$name\" ] || [ \"$viv_group\" = \"$gid\" ]; then viv_found=$gid; fi\n"
	"done </etc/group\n"
	"[ -z \"$viv_group\" ] || [ -n \"$viv_found\" ] || { echo \"there is no group $viv_group\"; exit 1; }\n"
	"viv_gid=${viv_found:-$viv_gid}\n"
	"viv_ids=:$viv_uid:$viv_gid$viv_more # chpst -u\n";

/* That a supervisor is there is seen by who opens its fifo: runsvdir starts all at once, in any order. */
#define WAIT_SCRIPT "/usr/lib/viv/service-wait"
static const char wait_script[] =
	"#!/bin/sh\n"
	"# service-wait check|start SERVICE: until it is as it shall be (check), or runs (start); sv(8)\n"
	"ok=/run/runit/supervise/$2/ok\n"
	"[ -e \"/etc/service/$2\" ] || exit 0\n"
	"mkdir -p -m 0700 \"${ok%/*}\"\n"
	"mkfifo -m 0600 \"$ok\" 2>/dev/null\n"
	": >\"$ok\"\n"
	"exec sv -w 60 \"$1\" \"$2\" >/dev/null\n";

/* What useradd takes, and names of packages' that it would not: Debian-exim. */
static bool is_account(const char *s)
{
	size_t n = strlen(s), digits = strspn(s, "0123456789");

	if (!n || n > 32 || digits == n)
		return n && n <= 10 && strtoull(s, NULL, 10) < UINT32_MAX;
	if (digits || s[0] == '-' || s[0] == '.')
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("_-.", *s))
			return false;
	return true;
}

/* User= and Group= : $viv_ids, and in the environment what belongs to a user. *ret_prefix: what the commands run in. */
static int add_user(struct viv_runit_unit *u, struct viv_str *s, struct viv_str *ret_prefix, struct viv_error *err)
{
	static const char *const keys[] = {"User", "Group"};
	VIV_FREE char *user = viv_service_setting(&u->service, "User");
	VIV_FREE char *group = viv_service_setting(&u->service, "Group");
	VIV_FREE char *nice = viv_service_setting(&u->service, "Nice");
	const char *values[] = {user, group};
	char *end = nice;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(keys); i++)
		if (values[i] && !is_account(values[i]))
			return viv_runit_refuse_setting(u, keys[i], err, "\"%s\" can't be had (a name or a number can)",
							values[i]);
	if (nice && (!*nice || strtol(nice, &end, 10) < -20 || strtol(nice, NULL, 10) > 19 || *end))
		return viv_runit_refuse_setting(u, "Nice", err, "\"%s\" can't be had (-20 to 19 can)", nice);
	if (nice)
		viv_str_addf(ret_prefix, "chpst -n %s ", nice);
	if (!user && !group)
		return 0;
	viv_str_addf(s, "viv_user=%s viv_group=%s\n. " USER_SCRIPT "\n", user ? user : "root", group ? group : "");
	if (user)
		viv_str_add(s, "export USER LOGNAME HOME SHELL\n");
	viv_str_addf(ret_prefix, "%s-u \"$viv_ids\" ", nice ? "" : "chpst ");
	return 0;
}

static int push_words(struct viv_runit_unit *u, const char *key, struct viv_strv *ret, struct viv_error *err)
{
	VIV_STRV all = VIV_STRV_INIT;

	viv_service_settings(&u->service, key, &all);
	for (size_t i = 0; i < all.count; i++) {
		VIV_ERROR why = VIV_ERROR_INIT;

		if (viv_exec_words(all.items[i], ret, &why) < 0)
			return viv_runit_refuse_setting(u, key, err, "%s can't be had", why.msg);
	}
	return 0;
}

/* serviceConfig.Environment stands over environment, as in a unit. */
static int add_environment(struct viv_runit_unit *u, struct viv_str *s, struct viv_error *err)
{
	VIV_STRV names = VIV_STRV_INIT, words = VIV_STRV_INIT;
	int r;

	viv_json_keys(u->service.environment, &names);
	for (size_t i = 0; i < names.count; i++) {
		const char *value = viv_json_str(u->service.environment, names.items[i]);

		if (value)
			viv_strv_pushf(&words, "%s=%s", names.items[i], value);
	}
	r = push_words(u, "Environment", &words, err);
	for (size_t i = 0; r == 0 && i < words.count; i++) {
		const char *word = words.items[i], *equals = strchr(word, '=');
		VIV_FREE char *name = viv_strndup(word, strcspn(word, "="));

		if (!equals || !viv_name_is_identifier(name))
			return viv_runit_refuse_setting(u, "Environment", err, "\"%s\" is no NAME=value", word);
		viv_str_addf(s, "export %s=", name);
		viv_str_add_quoted(s, equals + 1);
		viv_str_add_char(s, '\n');
	}
	return r;
}

/* RuntimeDirectory= and its like: names below a folder, which belong to the user. */
static int add_folders(struct viv_runit_unit *u, struct viv_str *s, bool has_user, struct viv_error *err)
{
	static const char *const kinds[][2] = {{"RuntimeDirectory", "/run"}, {"StateDirectory", "/var/lib"},
					       {"CacheDirectory", "/var/cache"}, {"LogsDirectory", "/var/log"}};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(kinds); i++) {
		VIV_STRV names = VIV_STRV_INIT;
		int r = push_words(u, kinds[i][0], &names, err);

		for (size_t k = 0; r == 0 && k < names.count; k++) {
			VIV_FREE char *path = viv_asprintf("%s/%s", kinds[i][1], names.items[k]);

			if (!viv_path_is_safe(names.items[k]) || !viv_rule_guest_path.ok(path))
				return viv_runit_refuse_setting(u, kinds[i][0], err, "\"%s\" is no name of a folder "
								"that can be had", names.items[k]);
			viv_str_add(s, "mkdir -p ");
			viv_str_add_quoted(s, path);
			viv_str_addf(s, "\nchown %s ", has_user ? "\"$viv_uid:$viv_gid\"" : "0:0");
			viv_str_add_quoted(s, path);
			viv_str_add_char(s, '\n');
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_place(struct viv_runit_unit *u, struct viv_str *s, bool has_user, struct viv_error *err)
{
	VIV_FREE char *folder = viv_service_setting(&u->service, "WorkingDirectory");
	VIV_FREE char *mask = viv_service_setting(&u->service, "UMask");
	const char *path = folder && folder[0] == '-' ? folder + 1 : folder;

	if (mask && (strlen(mask) > 4 || strspn(mask, "01234567") != strlen(mask)))
		return viv_runit_refuse_setting(u, "UMask", err, "\"%s\" is no mask such as 0027", mask);
	if (path && !viv_streq(path, "~") && (!viv_rule_guest_path.ok(path) || strchr(path, '%')))
		return viv_runit_refuse_setting(u, "WorkingDirectory", err, "\"%s\" is no path that can be had", folder);
	if (path) {
		viv_str_add(s, "cd ");
		if (viv_streq(path, "~"))
			viv_str_add(s, has_user ? "\"$HOME\"" : "/root");
		else
			viv_str_add_quoted(s, path);
		viv_str_add(s, path > folder ? " || :\n" : "\n");
	}
	if (mask)
		viv_str_addf(s, "umask %s\n", mask);
	return 0;
}

/* What commands run in. -f: "$NAME" is split into words, and no more. */
static int add_context(struct viv_runit_unit *u, struct viv_str *s, struct viv_str *ret_prefix, struct viv_error *err)
{
	bool has_user;
	int r;

	viv_str_add(s, "set -ef\n");
	r = add_user(u, s, ret_prefix, err);
	has_user = viv_ends_with(ret_prefix->data ? ret_prefix->data : "", "\"$viv_ids\" ");
	if (r == 0)
		r = add_folders(u, s, has_user, err);
	if (r == 0)
		r = viv_runit_add_output(u, s, err);
	if (r == 0)
		r = add_place(u, s, has_user, err);
	return r == 0 ? add_environment(u, s, err) : r;
}

static bool restarts_by_result(const struct viv_runit_unit *u)
{
	VIV_FREE char *restart = viv_service_setting(&u->service, "Restart");

	return restart && !viv_streq(restart, "no") && !viv_streq(restart, "always");
}

/* All of a key's commands and its script. `before` is "exec " for what becomes the service. */
static int add_commands(struct viv_runit_unit *u, enum viv_script which, const char *prefix, const char *before,
			struct viv_str *to, size_t *ret_n, struct viv_error *err)
{
	const char *key = viv_script_kinds[which].key;
	VIV_STRV lines = VIV_STRV_INIT;

	viv_service_settings(&u->service, key, &lines);
	for (size_t i = 0; i < lines.count; i++) {
		VIV_CLEANUP(viv_exec_line_free) struct viv_exec_line l = {0};
		VIV_ERROR why = VIV_ERROR_INIT;

		if (viv_exec_line_parse(lines.items[i], &l, &why) < 0)
			return viv_runit_refuse_setting(u, key, err, "%s can't be had", why.msg);
		if (l.may_fail && *before && restarts_by_result(u))
			return viv_runit_refuse_setting(u, key, err, "the prefix \"-\" can't be had with this Restart");
		viv_str_addf(to, "%s%s%s%s\n", before, prefix, l.shell.data, l.may_fail && !*before ? " || :" : "");
	}
	if (u->service.scripts[which]) {
		VIV_FREE char *path = viv_service_script_path(&u->service, which);

		viv_str_addf(to, "%s%s", before, prefix);
		viv_str_add_quoted(to, path);
		viv_str_add_char(to, '\n');
	}
	*ret_n = lines.count + (u->service.scripts[which] != NULL);
	return 0;
}

static void add_mark(struct viv_runit_unit *u)
{
	viv_str_add(&u->run, "mkdir -p " VIV_RUNIT_DONE "\n: >" VIV_RUNIT_DONE);
	viv_str_add_quoted(&u->run, u->service.name);
	viv_str_add_char(&u->run, '\n');
}

static int add_run(struct viv_runit_unit *u, struct viv_error *err)
{
	VIV_STR prefix = VIV_STR_INIT;
	const char *in;
	size_t n = 0;
	int r;

	viv_runit_add_waits(u);
	r = add_context(u, &u->run, &prefix, err);
	in = prefix.data ? prefix.data : "";
	if (r == 0)
		r = add_commands(u, VIV_SCRIPT_PRE_START, in, "", &u->run, &n, err);
	if (r == 0)
		r = add_commands(u, VIV_SCRIPT_START, in, u->oneshot ? "" : "exec ", &u->run, &n, err);
	if (r < 0)
		return r;
	if (!n)
		return viv_runit_refuse(u, NULL, err, "it has neither script nor ExecStart: a package's unit is systemd's, "
					"and does nothing");
	if (n > 1 && !u->oneshot)
		return viv_runit_refuse_setting(u, "ExecStart", err, "one command runs for long, not %zu,", n);
	if (u->oneshot)
		add_mark(u);
	return 0;
}

/* Only where it is of a service that runs for long: what runs once has nothing that would look after its end. */
static int add_post_stop(struct viv_runit_unit *u, struct viv_error *err)
{
	VIV_STR prefix = VIV_STR_INIT, context = VIV_STR_INIT, commands = VIV_STR_INIT;
	size_t n = 0;
	int r = add_context(u, &context, &prefix, err);

	if (r == 0)
		r = add_commands(u, VIV_SCRIPT_POST_STOP, prefix.data ? prefix.data : "", "", &commands, &n, err);
	if (r < 0 || !n)
		return r;
	if (u->oneshot)
		return u->service.scripts[VIV_SCRIPT_POST_STOP]
			? viv_runit_refuse(u, "postStop", err, "what runs once can't have this")
			: viv_runit_refuse_setting(u, "ExecStopPost", err, "what runs once can't have this");
	viv_str_addf(&u->finish, "(\n%s%s)\n", context.data, commands.data);
	return 0;
}

/* When it is not started again, and how long that takes. runsv starts it again a second later. */
static int add_restart(struct viv_runit_unit *u, struct viv_error *err)
{
	static const char *const kinds[][2] = {
		{"no", "true"}, {"always", "false"}, {"on-failure", "[ \"$1\" = 0 ]"},
		{"on-success", "[ \"$1\" != 0 ]"}, {"on-abnormal", "[ \"$1\" != -1 ]"},
		{"on-abort", "[ \"$1\" != -1 ]"}};
	VIV_FREE char *restart = viv_service_setting(&u->service, "Restart");
	VIV_FREE char *pause = viv_service_setting(&u->service, "RestartSec");
	size_t digits = pause ? strspn(pause, "0123456789") : 0, i = 0;

	while (restart && i < VIV_ARRAY_SIZE(kinds) && !viv_streq(restart, kinds[i][0]))
		i++;
	if (i == VIV_ARRAY_SIZE(kinds) || (i && u->oneshot))
		return viv_runit_refuse_setting(u, "Restart", err, "\"%s\" can't be had%s", restart,
						u->oneshot ? " of what runs once" : "");
	if (pause && (!digits || !(viv_streq(pause + digits, "") || viv_streq(pause + digits, "s"))))
		return viv_runit_refuse_setting(u, "RestartSec", err, "\"%s\" can't be had (whole seconds can)", pause);
	if (i != 1)
		viv_str_addf(&u->finish, "if %s; then\n\tprintf d >supervise/control\n\texit\nfi\n", kinds[i][1]);
	if (pause)
		viv_str_addf(&u->finish, "sleep %.*s\n", (int)digits, pause);
	return 0;
}

static int check_timeout(const struct viv_runit_unit *u, struct viv_error *err)
{
	VIV_FREE char *limit = viv_service_setting(&u->service, "TimeoutStartSec");

	if (!limit || viv_streq(limit, "0") || viv_streq(limit, "infinity"))
		return 0;
	return viv_runit_refuse_setting(u, "TimeoutStartSec", err, "\"%s\" can't be had (infinity can)", limit);
}

int viv_runit_add_scripts(struct viv_runit_unit *u, struct viv_error *err)
{
	int r = check_timeout(u, err);

	if (r == 0)
		r = add_run(u, err);
	if (r == 0)
		r = add_post_stop(u, err);
	if (r == 0)
		r = add_restart(u, err);
	if (r < 0)
		return r;
	if (!viv_etc_find(u->etc, &WAIT_SCRIPT[1])) {
		viv_etc_add_script(u->etc, "systemd.services", &WAIT_SCRIPT[1], wait_script);
		viv_etc_add_text(u->etc, "systemd.services", &USER_SCRIPT[1], user_script);
	}
	viv_service_add_scripts(u->etc, &u->service);
	return 0;
}
