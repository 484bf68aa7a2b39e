/* SPDX-License-Identifier: MIT */
#include "run/loader-menu.h"

static struct viv_str *add_file(struct viv_loader_menu *m, const char *path)
{
	m->files[m->n_files].path = path;
	return &m->files[m->n_files++].text;
}

/* In GRUB's language as in a shell's: only the quote itself needs care. */
static void add_quoted(struct viv_str *s, const char *text)
{
	viv_str_add_char(s, '\'');
	for (; *text; text++)
		*text == '\'' ? viv_str_add(s, "'\\''") : viv_str_add_char(s, *text);
	viv_str_add_char(s, '\'');
}

/* The `linux` command does that, whatever is written. */
static void warn_of_quotes(const struct viv_strv *params, struct viv_report *report)
{
	for (size_t i = 0; i < params->count; i++)
		if (strpbrk(params->items[i], "'\"\\"))
			viv_say(report, VIV_WARNING,
				"GRUB puts a backslash before quotes and backslashes: the kernel's "
				"parameter %s is not handed over as it is",
				params->items[i]);
}

static void add_lines(struct viv_str *s, const char *text)
{
	if (*text)
		viv_str_addf(s, "%s%s", text, viv_ends_with(text, "\n") ? "" : "\n");
}

/* Without a terminal command: the firmware's own console is on the screen and the serial port. */
static void write_grub(const struct viv_config *config, const struct viv_strv *params,
		       struct viv_loader_menu *m)
{
	struct viv_str *s = add_file(m, "boot/grub/grub.cfg");

	viv_str_addf(s, "set timeout=%lld\n", (long long)viv_config_int(config, "boot.loader.timeout"));
	add_lines(s, viv_config_string(config, "boot.loader.grub.extraConfig"));
	viv_str_add(s, "\nmenuentry ");
	add_quoted(s, viv_config_string(config, "networking.hostName"));
	viv_str_add(s, " {\n\tlinux /boot/kernel");
	for (size_t i = 0; i < params->count; i++) {
		viv_str_add_char(s, ' ');
		add_quoted(s, params->items[i]);
	}
	viv_str_add(s, "\n\tinitrd /boot/initrd\n}\n");
	add_lines(s, viv_config_string(config, "boot.loader.grub.extraEntries"));
}

static void write_systemd_boot(const struct viv_config *config, const struct viv_strv *params,
			       struct viv_loader_menu *m)
{
	struct viv_str *s = add_file(m, "loader/loader.conf");
	const char *mode = viv_config_string(config, "boot.loader.systemd-boot.consoleMode");

	viv_str_addf(s, "timeout %lld\neditor %s\nconsole-mode %s\n",
		     (long long)viv_config_int(config, "boot.loader.timeout"),
		     viv_config_bool(config, "boot.loader.systemd-boot.editor") ? "yes" : "no", mode);
	s = add_file(m, "loader/entries/viv.conf");
	viv_str_addf(s, "title %s\nlinux /boot/kernel\ninitrd /boot/initrd\noptions",
		     viv_config_string(config, "networking.hostName"));
	for (size_t i = 0; i < params->count; i++)
		viv_str_addf(s, " %s", params->items[i]);
	viv_str_add_char(s, '\n');
}

void viv_loader_menu_write(const struct viv_config *config, const struct viv_strv *params,
			   struct viv_report *report, struct viv_loader_menu *ret)
{
	*ret = (struct viv_loader_menu){0};
	if (viv_config_bool(config, "boot.loader.systemd-boot.enable")) {
		write_systemd_boot(config, params, ret);
		return;
	}
	warn_of_quotes(params, report);
	write_grub(config, params, ret);
}

json_t *viv_loader_menu_describe(const struct viv_loader_menu *m)
{
	json_t *j = json_object();

	for (size_t i = 0; i < m->n_files; i++)
		json_object_set_new(j, m->files[i].path, json_string(m->files[i].text.data));
	return j;
}

void viv_loader_menu_free(struct viv_loader_menu *m)
{
	for (size_t i = 0; i < m->n_files; i++)
		viv_str_free(&m->files[i].text);
	m->n_files = 0;
}
