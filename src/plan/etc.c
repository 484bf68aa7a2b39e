/* SPDX-License-Identifier: MIT */
#include "plan/etc-parts.h"

#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"

#define MAX_SOURCE ((size_t)64 << 20)

struct viv_etc_file *viv_etc_add(struct viv_etc *etc, const char *path, enum viv_etc_kind kind,
				 unsigned mode, struct viv_str *content)
{
	struct viv_etc_file *f;

	etc->files = viv_realloc(etc->files, (etc->n_files + 1) * sizeof(*etc->files));
	f = &etc->files[etc->n_files++];
	*f = (struct viv_etc_file){.path = viv_strdup(path), .kind = kind, .mode = mode};
	if (content) {
		f->content = *content;
		*content = VIV_STR_INIT;
	}
	return f;
}

void viv_etc_add_text(struct viv_etc *etc, const char *path, const char *text)
{
	struct viv_str s = VIV_STR_INIT;

	viv_str_add(&s, text);
	viv_etc_add(etc, path, VIV_ETC_FILE, 0644, &s);
}

void viv_etc_add_link(struct viv_etc *etc, const char *path, const char *target)
{
	struct viv_str s = VIV_STR_INIT;

	viv_str_add(&s, target);
	viv_etc_add(etc, path, VIV_ETC_LINK, 0777, &s);
}

/* environment(5) as pam_env and our agent read it: NAME="value", one a line. */
static int add_variables(struct viv_etc *etc, const struct viv_config *config,
			 struct viv_error *err)
{
	VIV_STR s = VIV_STR_INIT;
	VIV_STRV names = VIV_STRV_INIT;
	const json_t *all = viv_config_get(config, "environment.variables");

	viv_json_keys(all, &names);
	for (size_t i = 0; i < names.count; i++) {
		const char *value = viv_json_str(all, names.items[i]);
		VIV_FREE char *option = viv_asprintf("environment.variables.%s", names.items[i]);

		if (!value || strpbrk(value, "\n\"\\"))
			return viv_error_say(err, EINVAL,
					     "%s: %s: a value can't hold a newline, a double quote or "
					     "a backslash",
					     viv_config_place(config, option), option);
		viv_str_addf(&s, "%s=\"%s\"\n", names.items[i], value);
	}
	viv_etc_add(etc, "etc/environment", VIV_ETC_FILE, 0644, &s);
	return 0;
}

static void add_time_zone(struct viv_etc *etc, const struct viv_config *config)
{
	const char *zone = viv_config_string(config, "time.timeZone");
	VIV_FREE char *target = NULL, *line = NULL;

	if (!zone)
		return;
	target = viv_asprintf("/usr/share/zoneinfo/%s", zone);
	line = viv_asprintf("%s\n", zone);
	viv_etc_add_link(etc, "etc/localtime", target);
	viv_etc_add_text(etc, "etc/timezone", line);
}

/* Units that do nothing but take time in a machine without a display, EFI variables or a text console. */
static void mask_units(struct viv_etc *etc, const struct viv_config *config)
{
	static const char *const units[] = {"getty@tty1.service", "modprobe@drm.service",
					    "modprobe@efi_pstore.service", "systemd-pstore.service"};

	if (viv_config_bool(config, "virtualisation.graphics"))
		return;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(units); i++) {
		VIV_FREE char *path = viv_asprintf(VIV_ETC_UNITS "%s", units[i]);

		viv_etc_add_link(etc, path, "/dev/null");
	}
}

#define AUTOLOGIN "/sbin/agetty --autologin root --noclear "

/* On a screen somebody logs in as on the serial console; a watchdog is kept from biting. */
static void add_device_files(struct viv_etc *etc, const struct viv_config *config)
{
	VIV_FREE char *watchdog = NULL;

	if (viv_config_bool(config, "virtualisation.graphics"))
		viv_etc_add_text(etc, VIV_ETC_UNITS "getty@tty1.service.d/viv.conf",
			 "[Service]\n"
			 "ExecStart=\n"
			 "ExecStart=-" AUTOLOGIN "- $TERM\n");
	if (!viv_config_bool(config, "virtualisation.watchdog.enable"))
		return;
	watchdog = viv_asprintf("[Manager]\nRuntimeWatchdogSec=%llds\n",
				(long long)viv_config_int(config, "virtualisation.watchdog.timeout"));
	viv_etc_add_text(etc, "etc/systemd/system.conf.d/viv-watchdog.conf", watchdog);
}

/* Nobody can log in there; the host waits for a system that does not come. */
static void add_emergency(struct viv_etc *etc)
{
	viv_etc_add_text(etc, VIV_ETC_UNITS "viv-emergency.service",
		 "[Unit]\n"
		 "Description=Tell the host that the system does not come up\n"
		 "ConditionPathExists=/run/viv/agent\n"
		 "DefaultDependencies=no\n"
		 "[Service]\n"
		 "Type=oneshot\n"
		 "ExecStart=/bin/sh -c 'for t in $$(findmnt -snlo TARGET); do "
		 "findmnt -n \"$$t\" >/dev/null || bad=\"$$bad $$t\"; done; "
		 "printf \"\\nviv-init: fatal: the system is in emergency mode%%s\\n\" "
		 "\"$${bad:+, not mounted:$$bad}\" >/dev/console; "
		 "exec systemctl --force poweroff'\n");
	viv_etc_add_link(etc, VIV_ETC_UNITS "emergency.target.wants/viv-emergency.service",
			 "../viv-emergency.service");
}

/* What makes a booted systemd tell the agent so, and what spares it work that the build did. */
static void add_systemd(struct viv_etc *etc, const struct viv_config *config)
{
	const json_t *modules = viv_config_get(config, "boot.kernelModules"), *m;
	VIV_STR list = VIV_STR_INIT;
	size_t i;

	viv_etc_add_text(etc, VIV_ETC_UNITS "viv-booted.service",
		 "[Unit]\n"
		 "Description=Tell the host that the system is up\n"
		 "ConditionPathExists=/run/viv/agent\n"
		 "After=multi-user.target\n"
		 "[Service]\n"
		 "Type=oneshot\n"
		 "ExecStart=/run/viv/agent --booted\n");
	viv_etc_add_link(etc, VIV_ETC_UNITS "multi-user.target.wants/viv-booted.service", "../viv-booted.service");
	add_emergency(etc);
	viv_etc_add_link(etc, VIV_ETC_UNITS "default.target", "/usr/lib/systemd/system/multi-user.target");
	viv_etc_add_text(etc, VIV_ETC_UNITS "serial-getty@ttyS0.service.d/viv.conf",
		 "[Service]\n"
		 "ExecStart=\n"
		 "ExecStart=-" AUTOLOGIN "--keep-baud 115200,57600 - $TERM\n");
	/* Empty, not missing: this is no first boot that asks questions, and each machine gets its own. */
	viv_etc_add_text(etc, "etc/machine-id", "");
	/* ConditionNeedsUpdate: sysusers, hwdb, catalog, ldconfig ran when the packages were installed. */
	viv_etc_add_text(etc, "etc/.updated", "");
	viv_etc_add_text(etc, "var/.updated", "");
	viv_etc_add_first_boot(etc);
	mask_units(etc, config);
	add_device_files(etc, config);
	json_array_foreach((json_t *)modules, i, m)
		viv_str_addf(&list, "%s\n", json_string_value(m));
	if (list.len)
		viv_etc_add(etc, "etc/modules-load.d/viv.conf", VIV_ETC_FILE, 0644, &list);
}

static bool parse_mode(const char *text, unsigned *ret)
{
	unsigned mode = 0;

	if (!text || !*text || strlen(text) > 5)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '7')
			return false;
		mode = mode * 8 + (unsigned)(*text - '0');
	}
	*ret = mode;
	return mode <= 07777;
}

/* Anybody who can read the store can read what is in it. */
static int check_no_key(const struct viv_str *content, const char *place, const char *option,
			struct viv_error *err)
{
	static const char mark[] = "PRIVATE KEY-----";

	if (!content->len || !memmem(content->data, content->len, mark, sizeof(mark) - 1))
		return 0;
	viv_error_say(err, EACCES, "%s: %s holds a private key", place, option);
	viv_error_hint(err, "Secrets never enter the store: let the machine make the key, or copy it "
			    "in when it runs.");
	return -EACCES;
}

/* One environment.etc.<path>. */
static int add_entry(struct viv_etc *etc, const struct viv_config *config, const char *path,
		     const json_t *entry, struct viv_error *err)
{
	const char *text = viv_json_str(entry, "text"), *source = viv_json_str(entry, "source");
	const char *mode = viv_json_str(entry, "mode"), *user = viv_json_str(entry, "user");
	const char *group = viv_json_str(entry, "group");
	VIV_FREE char *option = viv_asprintf("environment.etc[\"%s\"]", path);
	VIV_FREE char *full = viv_asprintf("etc/%s", path);
	const char *place = viv_config_place(config, option);
	VIV_STR content = VIV_STR_INIT;
	struct viv_etc_file *f;
	unsigned bits = 0644;

	if (!viv_path_is_safe(path))
		return viv_error_say(err, EINVAL, "%s: %s: a path below /etc, without \"..\"", place,
				     option);
	if (!text == !source)
		return viv_error_say(err, EINVAL, "%s: %s: give text or source", place, option);
	if (mode && !parse_mode(mode, &bits))
		return viv_error_say(err, EINVAL, "%s: %s.mode: expected octal digits, got \"%s\"",
				     place, option, mode);
	if (text)
		viv_str_add(&content, text);
	else if (viv_read_file(source, MAX_SOURCE, &content, err) < 0)
		return viv_error_context(err, "%s: %s.source", place, option);
	if (check_no_key(&content, place, option, err) < 0)
		return -EACCES;
	f = viv_etc_add(etc, full, VIV_ETC_FILE, bits, &content);
	f->user = viv_strdup(user);
	f->group = viv_strdup(group);
	f->place = place;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct viv_etc_file *)a)->path, ((const struct viv_etc_file *)b)->path);
}

/* A user's file stands over ours; two of the same kind can't be (the option is one table). */
static int sort_and_check(struct viv_etc *etc, struct viv_error *err)
{
	size_t n = 0;

	qsort(etc->files, etc->n_files, sizeof(*etc->files), compare);
	for (size_t i = 0; i < etc->n_files; i++) {
		struct viv_etc_file *f = &etc->files[i], *last = n ? &etc->files[n - 1] : NULL;

		if (!last || !viv_streq(last->path, f->path)) {
			etc->files[n++] = *f;
			continue;
		}
		return viv_error_say(err, EEXIST,
				     "%s: environment.etc[\"%s\"]: another option writes this file",
				     f->place ? f->place : last->place, f->path + strlen("etc/"));
	}
	etc->n_files = n;
	return 0;
}

int viv_etc_collect(const struct viv_config *config, struct viv_etc *ret, struct viv_error *err)
{
	const json_t *entries = viv_config_get(config, "environment.etc");
	struct viv_etc etc = {0};
	const char *path;
	json_t *entry;
	int r;

	viv_etc_add_names(&etc, config);
	add_time_zone(&etc, config);
	viv_etc_add_fstab(&etc, config);
	r = add_variables(&etc, config, err);
	if (r == 0)
		r = viv_etc_add_ssh(&etc, config, err);
	if (r == 0)
		r = viv_etc_add_dhcp(&etc, config, err);
	if (viv_streq(viv_config_string(config, "system.init"), "systemd"))
		add_systemd(&etc, config);
	json_object_foreach((json_t *)entries, path, entry) {
		if (r == 0)
			r = add_entry(&etc, config, path, entry, err);
	}
	if (r == 0)
		r = sort_and_check(&etc, err);
	if (r < 0) {
		viv_etc_free_contents(&etc);
		return r;
	}
	*ret = etc;
	return 0;
}

void viv_etc_free_contents(struct viv_etc *etc)
{
	for (size_t i = 0; i < etc->n_files; i++) {
		struct viv_etc_file *f = &etc->files[i];

		free(f->path);
		free(f->user);
		free(f->group);
		viv_str_free(&f->content);
	}
	free(etc->files);
	*etc = (struct viv_etc){0};
}

json_t *viv_etc_describe(const struct viv_etc *etc)
{
	json_t *all = json_array();

	for (size_t i = 0; i < etc->n_files; i++) {
		const struct viv_etc_file *f = &etc->files[i];
		char hex[VIV_SHA256_HEX];

		viv_sha256_of(f->content.data ? f->content.data : "", f->content.len, hex);
		json_array_append_new(all, json_pack("{s:s, s:i, s:i, s:s?, s:s?, s:s}", "path",
						     f->path, "kind", (int)f->kind, "mode",
						     (int)f->mode, "user", f->user, "group",
						     f->group, "sha256", hex));
	}
	return all;
}
