/* SPDX-License-Identifier: MIT */
#include "base/fd.h"
#include "base/path.h"
#include "run/script-private.h"

#define CONFIG_MAX (4 << 20)

static bool kernel_has_9p(const struct viv_system *system)
{
	VIV_STR config = VIV_STR_INIT;

	return system->kernel_config && viv_read_file(system->kernel_config, CONFIG_MAX, &config, NULL) == 0 &&
	       strstr(config.data, "\nCONFIG_9P_FS=") &&
	       strstr(config.data, "\nCONFIG_NET_9P_VIRTIO=");
}

static void add_param(const char *tag, const char *target, bool read_only, struct viv_machine *m)
{
	viv_strv_pushf(&m->kernel_params, "viv.share=%s:9p:%s%s", tag, target, read_only ? ":ro" : "");
}

/* A line of the script's list has bars between its parts, the kernel's command line blanks and colons. */
static bool can_be_said(const char *source, const char *target)
{
	return !strpbrk(source, "|\n") && !strpbrk(target, "|: \t\n\"");
}

static void add_one(const struct viv_config *config, const char *tag, const json_t *v, bool has_9p,
		    struct viv_report *report, struct viv_machine *m, struct viv_strv *lines)
{
	const char *source = viv_json_str(v, "source"), *target = viv_json_str(v, "target");
	bool read_only = !json_is_false(json_object_get(v, "readOnly"));
	VIV_FREE char *path = NULL;

	if (!source || !target)
		return;
	path = viv_path_join(viv_config_folder(config), source);
	if (!can_be_said(path, target)) {
		viv_say(report, VIV_WARNING,
			"the run script leaves virtualisation.sharedDirectories.%s out: it can't have "
			"such characters in its paths", tag);
		return;
	}
	viv_strv_pushf(lines, "%s|%s|%s|%s", tag, path, target, read_only ? "ro" : "rw");
	if (has_9p)
		add_param(tag, target, read_only, m);
}

void viv_script_add_shares(const struct viv_config *config, const struct viv_system *system,
			   struct viv_report *report, struct viv_machine *m,
			   struct viv_script_shares *ret)
{
	const json_t *all = viv_config_get(config, "virtualisation.sharedDirectories");
	VIV_STRV tags = VIV_STRV_INIT, lines = VIV_STRV_INIT;

	ret->has_9p = kernel_has_9p(system);
	if (ret->has_9p && viv_config_bool(config, "virtualisation.exchangeFolders")) {
		add_param("xchg", "/tmp/xchg", false, m);
		add_param("shared", "/tmp/shared", false, m);
	}
	viv_json_keys(all, &tags);
	for (size_t i = 0; i < tags.count; i++)
		add_one(config, tags.items[i], json_object_get(all, tags.items[i]), ret->has_9p, report,
			m, &lines);
	ret->lines = viv_strv_join(&lines, "\n");
}
