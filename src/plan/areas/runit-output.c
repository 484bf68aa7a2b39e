/* SPDX-License-Identifier: MIT */
#include "plan/areas/runit-unit.h"

#include "config/type.h"

/* StandardOutput=, StandardError= and SyslogIdentifier= on runit: svlogd's log stands for the journal. */

/* Those that are a path of their own: "append:/x". */
static const struct {
	const char *prefix, *redirect;
} files[] = {{"append:", ">>"}, {"truncate:", ">"}, {"file:", "<>"}};

static const struct {
	const char *name, *path; /* NULL: the log */
} words[] = {{"journal", NULL},	    {"journal+console", NULL},	  {"syslog", NULL},
	     {"tty", "/dev/console"}, {"kmsg", "/dev/kmsg"}, {"null", "/dev/null"}};

static bool wants_console(const struct viv_runit_unit *u)
{
	VIV_FREE char *out = viv_service_setting(&u->service, "StandardOutput");
	VIV_FREE char *error = viv_service_setting(&u->service, "StandardError");

	return (out && viv_streq(out, "journal+console")) || (error && viv_streq(error, "journal+console"));
}

/* " 2>>/x" to *ret; *ret_log: it stays as it is, runit's log. */
static int add_stream(const struct viv_runit_unit *u, const char *key, int fd, const char *value, struct viv_str *ret,
		      bool *ret_log, struct viv_error *err)
{
	*ret_log = false;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(files); i++) {
		const char *path = value + strlen(files[i].prefix);

		if (!viv_starts_with(value, files[i].prefix))
			continue;
		if (!viv_rule_guest_path.ok(path) || strchr(path, '%'))
			return viv_runit_refuse_setting(u, key, err, "\"%s\" is no path that can be had", path);
		viv_str_addf(ret, " %d%s", fd, files[i].redirect);
		viv_str_add_quoted(ret, path);
		return 0;
	}
	for (size_t i = 0; i < VIV_ARRAY_SIZE(words); i++) {
		if (!viv_streq(value, words[i].name))
			continue;
		*ret_log = !words[i].path;
		if (words[i].path)
			viv_str_addf(ret, " %d>%s", fd, words[i].path);
		return 0;
	}
	return viv_runit_refuse_setting(u, key, err, "\"%s\" can't be had (journal, journal+console, tty, kmsg, null, and "
					"append:, truncate: and file: with a path can)", value);
}

int viv_runit_add_output(struct viv_runit_unit *u, struct viv_str *ret, struct viv_error *err)
{
	VIV_FREE char *out = viv_service_setting(&u->service, "StandardOutput");
	VIV_FREE char *error = viv_service_setting(&u->service, "StandardError");
	VIV_FREE char *name = viv_service_setting(&u->service, "SyslogIdentifier");
	VIV_STR redirects = VIV_STR_INIT;
	bool out_logs, error_logs;
	int r = add_stream(u, "StandardOutput", 1, out ? out : "journal", &redirects, &out_logs, err);

	/* The script's head has made both one. */
	error_logs = out_logs;
	if (r == 0 && error && !viv_streq(error, "inherit"))
		r = add_stream(u, "StandardError", 2, error, &redirects, &error_logs, err);
	else if (r == 0 && !out_logs)
		viv_str_add(&redirects, " 2>&1");
	if (r < 0)
		return r;
	if (name && u->oneshot)
		return viv_runit_refuse_setting(u, "SyslogIdentifier", err, "what runs once writes to the console: it has "
						"no log for this");
	if (name && (!viv_rule_line.ok(name) || strchr(name, '%')))
		return viv_runit_refuse_setting(u, "SyslogIdentifier", err, "\"%s\" can't be had", name);
	if (redirects.len)
		viv_str_addf(ret, "exec%s\n", redirects.data);
	u->logs = out_logs || error_logs;
	return 0;
}

char *viv_runit_log(const struct viv_runit_unit *u)
{
	VIV_FREE char *name = viv_service_setting(&u->service, "SyslogIdentifier");
	VIV_FREE char *folder = viv_asprintf("/var/log/%s", u->service.name);
	VIV_STR s = VIV_STR_INIT;

	if (!u->logs)
		return NULL;
	viv_str_add(&s, "log=");
	viv_str_add_quoted(&s, folder);
	viv_str_add(&s, "\nmkdir -p \"$log\"\n");
	if (name) { /* svlogd(8): what stands in front of each line */
		VIV_FREE char *line = viv_asprintf("p%s: ", name);

		viv_str_add(&s, "printf '%s\\n' ");
		viv_str_add_quoted(&s, line);
		viv_str_add(&s, " >\"$log/config\"\n");
	}
	viv_str_addf(&s, "%ssvlogd -tt \"$log\"\n", wants_console(u) ? "tee -a /dev/console | " : "exec ");
	return viv_str_steal(&s);
}
