/* SPDX-License-Identifier: MIT */
#include "plan/units.h"

#include "base/path.h"
#include "plan/area.h"
#include "plan/unit.h"

static const char *const types[] = {".service", ".socket", ".target", ".mount", ".automount", ".swap",
				    ".timer",	".path",   ".slice",  ".scope", ".device"};

static const char *type_of(const char *unit)
{
	const char *dot = strrchr(unit, '.');

	for (size_t i = 0; dot && i < VIV_ARRAY_SIZE(types); i++)
		if (viv_streq(dot, types[i]))
			return dot;
	return NULL;
}

bool viv_unit_of_file(const struct viv_etc_file *f, char **ret_unit, const char **ret_type)
{
	VIV_FREE char *unit = NULL;
	const char *rest = f->path + strlen(VIV_ETC_UNITS), *slash;

	if (f->kind != VIV_ETC_FILE || !viv_starts_with(f->path, VIV_ETC_UNITS))
		return false;
	slash = strchr(rest, '/');
	if (slash && (slash - rest < 3 || memcmp(slash - 2, ".d", 2) != 0 || strchr(slash + 1, '/') ||
		      !viv_ends_with(slash, ".conf")))
		return false;
	unit = slash ? viv_strndup(rest, (size_t)(slash - 2 - rest)) : viv_strdup(rest);
	if (!type_of(unit))
		return false;
	*ret_type = type_of(unit);
	*ret_unit = viv_steal(unit);
	return true;
}

int viv_units_check(const struct viv_etc *etc, const struct viv_config *config, bool placed,
		    struct viv_error *err)
{
	for (size_t i = 0; i < etc->n_files; i++) {
		const struct viv_etc_file *f = &etc->files[i];
		const struct viv_slice text = {f->content.data, f->content.len};
		VIV_FREE char *unit = NULL, *where = NULL;
		const char *type;

		if (!viv_unit_of_file(f, &unit, &type) || viv_unit_parse(text, type, NULL, NULL, err) == 0)
			continue;
		where = viv_etc_where(config, f);
		return viv_error_context(err, "%s: %s", where, viv_path_base(f->path));
	}
	return viv_units_check_order(etc, config, placed, err);
}
