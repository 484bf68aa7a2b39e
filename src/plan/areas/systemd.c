/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

/* system.init = "systemd": how it starts, and what it is spared. */

/* Units that do nothing but take time in a machine without a display, EFI variables or a text console. */
static void mask_units(struct viv_etc *etc, const struct viv_config *config)
{
	static const char *const units[] = {"getty@tty1.service", "modprobe@drm.service",
					    "modprobe@efi_pstore.service", "systemd-pstore.service"};

	if (viv_has_screen(config))
		return;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(units); i++) {
		VIV_FREE char *path = viv_asprintf(VIV_ETC_UNITS "%s", units[i]);

		viv_etc_add_link(etc, NULL, path, "/dev/null");
	}
}

/* agetty(8), as in the package's unit but for who logs in. */
static void add_login(struct viv_etc *etc, const struct viv_config *config, const char *getty, const char *options)
{
	static const char option[] = "services.getty.autologinUser";
	const char *user = viv_config_string(config, option);
	VIV_FREE char *path = viv_asprintf(VIV_ETC_UNITS "%s.service.d/autologin.conf", getty);
	VIV_FREE char *text = NULL;

	if (!user)
		return;
	text = viv_asprintf("[Service]\n"
			    "ExecStart=\n"
			    "ExecStart=-/sbin/agetty --autologin %s --noclear %s- $TERM\n",
			    user, options);
	viv_etc_add_text(etc, option, path, text);
}

/* issue(5): agetty shows it whatever starts it. */
void viv_etc_add_help_line(struct viv_etc *etc, const struct viv_config *config)
{
	static const char help[] = "services.getty.helpLine";
	const char *lines = viv_config_string(config, help);
	VIV_FREE char *issue = NULL;

	if (!lines || !*lines)
		return;
	issue = viv_asprintf("%s%s\n", lines, viv_ends_with(lines, "\n") ? "" : "\n");
	viv_etc_add_text(etc, help, "etc/issue.d/viv-help.issue", issue);
}

/* On a screen somebody logs in as on the serial console. */
static void add_logins(struct viv_etc *etc, const struct viv_config *config)
{
	add_login(etc, config, "serial-getty@ttyS0", "--keep-baud 115200,57600 ");
	if (viv_has_screen(config))
		add_login(etc, config, "getty@tty1", "");
	viv_etc_add_help_line(etc, config);
}

/* Nobody can log in there; the host waits for a system that does not come. */
static void add_emergency(struct viv_etc *etc)
{
	viv_etc_add_text(etc, NULL, VIV_ETC_UNITS "viv-emergency.service",
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
	viv_etc_add_link(etc, NULL, VIV_ETC_UNITS "emergency.target.wants/viv-emergency.service",
			 "../viv-emergency.service");
}

/*
 * What makes a booted systemd tell the agent so. The network is the agent's, which is no unit that would want its target;
 * and nobody else's, unless networkd is there.
 */
static void add_booted(struct viv_etc *etc)
{
	viv_etc_add_text(etc, NULL, VIV_ETC_UNITS "viv-booted.service",
			 "[Unit]\n"
			 "Description=Tell the host that the system is up\n"
			 "ConditionPathExists=/run/viv/agent\n"
			 "Wants=network.target\n"
			 "After=multi-user.target network.target\n"
			 "[Service]\n"
			 "Type=oneshot\n"
			 "ExecStart=/run/viv/agent --booted\n");
	viv_etc_add_link(etc, NULL, VIV_ETC_WANTED "viv-booted.service", "../viv-booted.service");
	viv_etc_add_link(etc, NULL, VIV_ETC_UNITS "default.target",
			 "/usr/lib/systemd/system/multi-user.target");
}

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	if (!viv_uses_systemd(config))
		return 0;
	add_booted(etc);
	add_emergency(etc);
	add_logins(etc, config);
	/* Empty, not missing: this is no first boot that asks questions, and each machine gets its own. */
	viv_etc_add_text(etc, NULL, "etc/machine-id", "");
	/* ConditionNeedsUpdate: sysusers, hwdb, catalog, ldconfig ran when the packages were installed. */
	viv_etc_add_text(etc, NULL, "etc/.updated", "");
	viv_etc_add_text(etc, NULL, "var/.updated", "");
	viv_etc_add_first_boot(etc);
	mask_units(etc, config);
	return 0;
}

static void packages(const struct viv_config *config, struct viv_strv *base, struct viv_strv *ret)
{
	static const char *const needed[] = {"systemd", "systemd-sysv", "udev", "dbus", "kmod", NULL};

	if (viv_uses_systemd(config))
		viv_strv_push_all(base, needed);
}

/* eth0 is eth0 (networking.usePredictableInterfaceNames of NixOS's machines is false, too). */
static void params(const struct viv_config *config, struct viv_strv *ret)
{
	if (viv_uses_systemd(config))
		viv_strv_push(ret, "net.ifnames=0");
}

const struct viv_area viv_area_systemd = {.files = files, .packages = packages, .params = params};
