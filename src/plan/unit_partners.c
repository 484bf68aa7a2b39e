/* SPDX-License-Identifier: MIT */
#include "plan/units.h"

#include "base/path.h"
#include "plan/area.h"
#include "plan/unit.h"
#include "plan/unit_verify.h"

/*
 * Timers and sockets start another unit: without it they stop with an error, or never do anything. What a unit requires
 * must be there, too: else it is never started.
 */

struct partner {
	const char *key; /* that names it */
	char *name;	 /* NULL: that of the same name */
	bool accept;	 /* a socket with an instance for each connection */
};

static int take_setting(const struct viv_unit_setting *s, void *arg, struct viv_error *err VIV_UNUSED)
{
	struct partner *p = arg;

	if (viv_slice_eq(s->key, p->key) && s->value.len) {
		free(p->name);
		p->name = viv_slice_dup(s->value);
	}
	if (viv_slice_eq(s->key, "Accept"))
		p->accept = s->value.len && strchr("1yYtToO", s->value.data[0]) &&
			    !viv_slice_eq(s->value, "off");
	return 0;
}

static bool is_there(const struct viv_etc *etc, const struct viv_manifests *layers, const char *folder,
		     const char *unit)
{
	VIV_FREE char *path = viv_asprintf("%s%s", folder, unit);
	struct viv_there there;

	return viv_etc_find(etc, path) || viv_manifests_find(layers, path, &there);
}

/* "x" of "x.service", which a generator may make a unit of. */
static bool is_old_script(const struct viv_manifests *layers, const char *unit)
{
	VIV_FREE char *path = viv_asprintf("etc/init.d/%.*s", (int)(strrchr(unit, '.') - unit), unit);
	struct viv_there there;

	return viv_ends_with(unit, ".service") && viv_manifests_find(layers, path, &there);
}

static bool exists(const struct viv_etc *etc, const struct viv_manifests *layers, const char *unit)
{
	static const char *const folders[] = {VIV_ETC_UNITS, "usr/lib/systemd/system/"};
	VIV_FREE char *template = viv_unit_template(unit);

	for (size_t i = 0; i < VIV_ARRAY_SIZE(folders); i++)
		if (is_there(etc, layers, folders[i], unit) ||
		    (template && is_there(etc, layers, folders[i], template)))
			return true;
	return is_old_script(layers, unit);
}

/* Services and targets stand in files; of others systemd makes some itself. */
static bool is_of_a_file(const char *unit)
{
	return (viv_ends_with(unit, ".service") || viv_ends_with(unit, ".target")) && !strchr(unit, '%');
}

static int check_one(const struct viv_etc *etc, const struct viv_etc_file *f, const char *unit, const char *type,
		     const struct viv_manifests *layers, const struct viv_config *config, struct viv_error *err)
{
	bool timer = viv_streq(type, ".timer");
	struct partner p = {.key = timer ? "Unit" : "Service"};
	int stem = (int)(strlen(unit) - strlen(type));
	VIV_FREE char *name = NULL, *where = NULL;
	int r = viv_unit_parse((struct viv_slice){f->content.data, f->content.len}, type, take_setting, &p, err);

	name = p.name ? viv_steal(p.name)
		      : viv_asprintf("%.*s%s.service", stem, unit, p.accept && !strchr(unit, '@') ? "@" : "");
	if (r < 0 || !is_of_a_file(name) || exists(etc, layers, name))
		return r;
	where = viv_etc_where(config, f);
	return viv_error_say(err, EINVAL, "%s: it is to start %s, which is neither an option's nor a package's",
			     where, name);
}

/* Of services that generators make, and whose template is in no file. */
static bool is_generated(const char *unit)
{
	return viv_starts_with(unit, "systemd-") || viv_starts_with(unit, "netplan-");
}

static bool is_masked(const struct viv_etc *etc, const char *unit)
{
	VIV_FREE char *path = viv_asprintf(VIV_ETC_UNITS "%s", unit);
	const struct viv_etc_file *f = viv_etc_find(etc, path);

	return f && f->kind == VIV_ETC_LINK && viv_streq(f->content.data, "/dev/null");
}

struct needs {
	const struct viv_etc *etc;
	const struct viv_etc_file *f;
	const struct viv_manifests *layers;
	const struct viv_config *config;
};

/* "vm.lua:2: systemd.services.x.requires", or what the unit as a whole follows from. */
static char *place_of(const struct needs *n, const char *field, const char *unit)
{
	VIV_FREE char *option = viv_asprintf("%s.%s", n->f->option, field);
	const json_t *list = viv_starts_with(option, "systemd.") ? viv_config_find(n->config, option) : NULL;
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)list, i, item)
		if (viv_streq(json_string_value(item), unit))
			return viv_asprintf("%s: %s", viv_config_place(n->config, option), option);
	return viv_etc_where(n->config, n->f);
}

static int check_need(const struct needs *n, const char *field, const char *unit, struct viv_error *err)
{
	bool masked = is_masked(n->etc, unit);
	VIV_FREE char *where = NULL;

	if (!is_of_a_file(unit) || is_generated(unit) || (!masked && exists(n->etc, n->layers, unit)))
		return 0;
	where = place_of(n, field, unit);
	if (masked)
		return viv_error_say(err, EINVAL, "%s: %s is masked (enable = false)", where, unit);
	return viv_error_say(err, EINVAL, "%s: there is no %s, neither an option's nor a package's", where, unit);
}

static int check_needs(const struct viv_unit_setting *s, void *arg, struct viv_error *err)
{
	static const struct {
		const char *key, *field;
	} keys[] = {{"Requires", "requires"}, {"Requisite", "requisite"}, {"BindsTo", "bindsTo"}};
	struct viv_slice rest = s->value, word;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(keys); i++)
		while (viv_slice_eq(s->key, keys[i].key) && viv_slice_word(&rest, &word)) {
			VIV_FREE char *unit = viv_slice_dup(word);
			int r = check_need(arg, keys[i].field, unit, err);

			if (r < 0)
				return r;
		}
	return 0;
}

int viv_units_check_partners(const struct viv_etc *etc, const struct viv_manifests *layers,
			     const struct viv_config *config, struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < etc->n_files; i++) {
		const struct viv_etc_file *f = &etc->files[i];
		VIV_FREE char *unit = NULL;
		struct needs needs = {etc, f, layers, config};
		const char *type;

		if (!viv_unit_is_users(f) || !viv_unit_of_file(f, &unit, &type))
			continue;
		r = viv_unit_parse((struct viv_slice){f->content.data, f->content.len}, type, check_needs, &needs, err);
		if (r == 0 && viv_ends_with(f->path, type) && (viv_streq(type, ".timer") || viv_streq(type, ".socket")))
			r = check_one(etc, f, unit, type, layers, config, err);
	}
	return r;
}
