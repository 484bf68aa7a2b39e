/* SPDX-License-Identifier: MIT */
#include "plan/service.h"

#include "plan/unit.h"

#define SCRIPTS "/usr/lib/viv/services"

const struct viv_script_kind viv_script_kinds[VIV_N_SCRIPTS] = {
	[VIV_SCRIPT_START] = {"script", "ExecStart", "start"},
	[VIV_SCRIPT_PRE_START] = {"preStart", "ExecStartPre", "pre-start"},
	[VIV_SCRIPT_POST_START] = {"postStart", "ExecStartPost", "post-start"},
	[VIV_SCRIPT_PRE_STOP] = {"preStop", "ExecStop", "pre-stop"},
	[VIV_SCRIPT_POST_STOP] = {"postStop", "ExecStopPost", "post-stop"},
	[VIV_SCRIPT_RELOAD] = {"reload", "ExecReload", "reload"},
};

void viv_service_get(const char *name, const json_t *entry, struct viv_service *ret)
{
	*ret = (struct viv_service){
		.name = name,
		.shell = "/bin/bash",
		.option = viv_unit_option("systemd.services", name),
		.enable = json_is_true(json_object_get(entry, "enable")),
		.description = viv_json_str(entry, "description"),
		.environment = json_object_get(entry, "environment"),
		.settings = json_object_get(entry, "serviceConfig"),
		.unit_settings = json_object_get(entry, "unitConfig"),
		.all = entry,
	};
	for (size_t i = 0; i < VIV_N_SCRIPTS; i++) {
		const char *text = viv_json_str(entry, viv_script_kinds[i].option);

		ret->scripts[i] = text && *text ? text : NULL;
	}
}

void viv_service_free(struct viv_service *s)
{
	free(s->option);
	*s = (struct viv_service){0};
}

void viv_service_settings(const struct viv_service *s, const char *key, struct viv_strv *ret)
{
	const json_t *v = json_object_get(s->settings, key);
	size_t n = json_is_array(v) ? json_array_size(v) : v != NULL;

	for (size_t i = 0; i < n; i++) {
		char *text = viv_unit_value(json_is_array(v) ? json_array_get(v, i) : v);

		if (text && *text) {
			viv_strv_take(ret, text);
			continue;
		}
		if (text)
			viv_strv_free(ret);
		free(text);
	}
}

char *viv_service_setting(const struct viv_service *s, const char *key)
{
	VIV_STRV all = VIV_STRV_INIT;

	viv_service_settings(s, key, &all);
	return all.count ? viv_strdup(all.items[all.count - 1]) : NULL;
}

char *viv_service_script_path(const struct viv_service *s, enum viv_script which)
{
	return viv_asprintf(SCRIPTS "/%s/%s", s->name, viv_script_kinds[which].file);
}

void viv_service_add_scripts(struct viv_etc *etc, const struct viv_service *s)
{
	for (size_t i = 0; i < VIV_N_SCRIPTS; i++) {
		VIV_FREE char *path = viv_service_script_path(s, i);
		VIV_FREE char *option = viv_asprintf("%s.%s", s->option, viv_script_kinds[i].option);
		struct viv_str text = VIV_STR_INIT;

		if (!s->scripts[i])
			continue;
		viv_str_addf(&text, "#!%s -e\n%s%s", s->shell, s->scripts[i],
			     viv_ends_with(s->scripts[i], "\n") ? "" : "\n");
		viv_etc_add(etc, option, path + 1, VIV_ETC_FILE, 0755, &text);
	}
}

void viv_service_push_packages(struct viv_strv *to, const struct viv_config *config)
{
	const char *name;
	json_t *entry, *package;
	size_t i;

	json_object_foreach((json_t *)viv_config_get(config, "systemd.services"), name, entry)
		json_array_foreach(json_object_get(entry, "path"), i, package)
			viv_strv_push(to, json_string_value(package));
}
