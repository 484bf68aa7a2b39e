/* SPDX-License-Identifier: MIT */
#include "plan/whose.h"

#include "plan/unit.h"

static bool names(const json_t *item, const char *name)
{
	const char *text = json_string_value(item);
	size_t len = strlen(name);

	return text && strncmp(text, name, len) == 0 && (!text[len] || text[len] == '=');
}

/* The option's value is the name, or a list that has it. */
static char *whose(const struct viv_config *config, const char *option, const char *name)
{
	const json_t *value = viv_config_find(config, option);
	VIV_FREE char *place = NULL;

	if (names(value, name))
		return viv_asprintf("%s: %s", viv_config_place(config, option), option);
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (!names(json_array_get(value, i), name))
			continue;
		place = viv_config_item_place(config, option, i);
		return viv_asprintf("%s: %s", place, option);
	}
	return NULL;
}

/* An option within a set: "users.users", "packages". */
static char *whose_of_set(const struct viv_config *config, const char *set, const char *field, const char *name)
{
	const json_t *all = viv_config_get(config, set);
	char *found = NULL;
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)all, key, v) {
		VIV_FREE char *of = viv_unit_option(set, key), *option = viv_asprintf("%s.%s", of, field);

		found = whose(config, option, name);
		if (found)
			break;
	}
	return found;
}

char *viv_whose_package(const void *config, const char *package)
{
	static const char *const options[] = {"environment.systemPackages", "boot.kernel", "boot.extraModulePackages"};
	char *found = NULL;

	for (size_t i = 0; !found && i < VIV_ARRAY_SIZE(options); i++)
		found = whose(config, options[i], package);
	if (!found)
		found = whose_of_set(config, "users.users", "packages", package);
	return found ? found : whose_of_set(config, "systemd.services", "path", package);
}

int viv_whose_module(const struct viv_config *config, struct viv_error *err)
{
	static const char *const options[] = {"boot.initrd.kernelModules", "boot.kernelModules"};
	const char *said = err && err->msg ? strstr(err->msg, "no module ") : NULL;
	VIV_FREE char *module = said ? viv_strndup(said + 10, strcspn(said + 10, " ")) : NULL, *found = NULL;

	for (size_t i = 0; module && !found && i < VIV_ARRAY_SIZE(options); i++)
		found = whose(config, options[i], module);
	return found ? viv_error_context(err, "%s", found) : -ENOENT;
}
