/* SPDX-License-Identifier: MIT */
#include "plan/areas/runit-unit.h"
#include "plan/unit.h"

/* What systemd's units say of each other, for runit: what a boot starts, in which order, and who waits for whom. */

/* Those that a boot reaches by itself. */
static const char *const boot_targets[] = {
	"basic.target", "default.target", "getty.target", "local-fs.target", "multi-user.target", "network.target",
	"paths.target", "remote-fs.target", "slices.target", "sockets.target", "swap.target", "sysinit.target",
	"timers.target", NULL};

static const json_t *entries(const struct viv_config *config)
{
	return viv_config_get(config, "systemd.services");
}

/* "foo.service": that entry, if it can be started. */
static const json_t *entry_of(const struct viv_config *config, const char *unit)
{
	VIV_FREE char *name = NULL;
	const json_t *entry;

	if (!viv_ends_with(unit, ".service"))
		return NULL;
	name = viv_strndup(unit, strlen(unit) - strlen(".service"));
	entry = json_object_get(entries(config), name);
	return json_is_true(json_object_get(entry, "enable")) ? entry : NULL;
}

static bool is_oneshot(const json_t *entry)
{
	VIV_CLEANUP(viv_service_free) struct viv_service s;
	VIV_FREE char *type = NULL;

	viv_service_get("", entry, &s);
	type = viv_service_setting(&s, "Type");
	return type && viv_streq(type, "oneshot");
}

static bool is_listed(const json_t *entry, const char *field, const char *unit)
{
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(entry, field), i, v)
		if (viv_streq(json_string_value(v), unit))
			return true;
	return false;
}

static bool is_pulled(const json_t *entry, const struct viv_strv *reached)
{
	for (size_t i = 0; i < reached->count; i++)
		if (is_listed(entry, "wantedBy", reached->items[i]) ||
		    is_listed(entry, "requiredBy", reached->items[i]))
			return true;
	return false;
}

static void push_new(struct viv_strv *v, const json_t *units)
{
	json_t *unit;
	size_t i;

	json_array_foreach((json_t *)units, i, unit)
		if (!viv_strv_has(v, json_string_value(unit)))
			viv_strv_push(v, json_string_value(unit));
}

void viv_runit_reach(const struct viv_config *config, struct viv_strv *ret)
{
	const char *name;
	json_t *entry;
	size_t before;

	viv_strv_push_all(ret, boot_targets);
	do {
		before = ret->count;
		json_object_foreach((json_t *)entries(config), name, entry) {
			VIV_FREE char *unit = viv_asprintf("%s.service", name);
			bool there = viv_strv_has(ret, unit);

			if (!json_is_true(json_object_get(entry, "enable")) || (!there && !is_pulled(entry, ret)))
				continue;
			if (!there)
				viv_strv_push(ret, unit);
			push_new(ret, json_object_get(entry, "wants"));
			push_new(ret, json_object_get(entry, "requires"));
		}
	} while (ret->count > before);
}

/* Does it wait for the other? */
static bool is_after(const struct viv_config *config, const char *name, const char *other)
{
	VIV_FREE char *unit = viv_asprintf("%s.service", name), *other_unit = viv_asprintf("%s.service", other);

	return is_listed(json_object_get(entries(config), name), "after", other_unit) ||
	       is_listed(json_object_get(entries(config), other), "before", unit);
}

struct order {
	const struct viv_config *config;
	struct viv_strv names, way, *done; /* way: those that are waited for, for messages */
};

static int visit(struct order *o, const char *name, struct viv_error *err)
{
	int r = 0;

	if (viv_strv_has(o->done, name))
		return 0;
	if (viv_strv_has(&o->way, name)) {
		VIV_FREE char *option = viv_unit_option("systemd.services", name);
		VIV_FREE char *way = NULL;

		viv_strv_push(&o->way, name);
		way = viv_strv_join(&o->way, " -> ");
		return viv_error_say(err, ELOOP, "%s: %s: a cycle of services that wait for each other: %s",
				     viv_config_place(o->config, option), option, way);
	}
	viv_strv_push(&o->way, name);
	for (size_t i = 0; r == 0 && i < o->names.count; i++)
		if (is_after(o->config, name, o->names.items[i]))
			r = visit(o, o->names.items[i], err);
	free(o->way.items[--o->way.count]);
	o->way.items[o->way.count] = NULL;
	viv_strv_push(o->done, name);
	return r;
}

int viv_runit_sort(const struct viv_config *config, struct viv_strv *ret, struct viv_error *err)
{
	struct order o = {.config = config, .done = ret};
	int r = 0;

	viv_json_keys(entries(config), &o.names);
	for (size_t i = 0; r == 0 && i < o.names.count; i++)
		r = visit(&o, o.names.items[i], err);
	viv_strv_free(&o.names);
	viv_strv_free(&o.way);
	return r;
}

/* One unit that a field names. Targets are reached before services start, or never. */
static int check_unit(const struct viv_runit_unit *u, const char *field, const char *name, struct viv_error *err)
{
	const json_t *other = entry_of(u->config, name);
	bool order = viv_streq(field, "after") || viv_streq(field, "before");

	if (viv_ends_with(name, ".target"))
		return 0;
	if (!other && viv_ends_with(name, ".service") && (order || viv_streq(field, "wants")))
		return 0; /* systemd passes over them, too */
	if (!other)
		return viv_runit_refuse(u, field, err, "there is no %s", name);
	if (viv_streq(field, "after") && u->oneshot && !is_oneshot(other))
		return viv_runit_refuse(u, field, err, "what runs once runs before %s and all services: it can't wait "
					"for it", name);
	if (viv_streq(field, "before") && !u->oneshot && is_oneshot(other))
		return viv_runit_refuse(u, field, err, "%s runs once, before all services: it can't wait for one", name);
	if ((viv_streq(field, "wants") || viv_streq(field, "requires")) && is_oneshot(other) &&
	    !viv_strv_has(u->reached, name))
		return viv_runit_refuse(u, field, err, "%s runs once, at boot, and nothing starts it then: this", name);
	return 0;
}

int viv_runit_check_units(const struct viv_runit_unit *u, struct viv_error *err)
{
	static const char *const fields[] = {"after", "before", "wants", "requires", "wantedBy", "requiredBy"};
	json_t *unit;
	size_t k;
	int r = 0;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(fields); i++)
		json_array_foreach(json_object_get(u->service.all, fields[i]), k, unit)
			if (r == 0)
				r = check_unit(u, fields[i], json_string_value(unit), err);
	return r;
}

/* A oneshot that is required must have come to its end, where it was waited for. */
static void add_requirements(struct viv_runit_unit *u)
{
	json_t *unit;
	size_t i;

	json_array_foreach(json_object_get(u->service.all, "requires"), i, unit) {
		const char *name = json_string_value(unit);
		const json_t *other = entry_of(u->config, name);
		VIV_FREE char *base = NULL;

		if (!other || !is_oneshot(other))
			continue;
		base = viv_strndup(name, strlen(name) - strlen(".service"));
		if (u->oneshot && !is_after(u->config, u->service.name, base))
			continue;
		viv_str_add(&u->run, "[ -e " VIV_RUNIT_DONE);
		viv_str_add_quoted(&u->run, base);
		viv_str_add(&u->run, " ] || { echo ");
		viv_str_add_quoted(&u->run, base);
		viv_str_add(&u->run, " failed, which is required; exit 1; }\n");
	}
}

static void add_wait(struct viv_runit_unit *u, const char *how, const char *unit, bool must)
{
	VIV_FREE char *name = viv_strndup(unit, strlen(unit) - strlen(".service"));

	viv_str_addf(&u->run, "/usr/lib/viv/service-wait %s ", how);
	viv_str_add_quoted(&u->run, name);
	viv_str_add(&u->run, must ? " || exit 1\n" : " || :\n");
}

/* What it wants, where no boot has started that along with it. */
static void add_starts(struct viv_runit_unit *u, const char *field)
{
	json_t *unit;
	size_t i;

	if (u->wanted)
		return;
	json_array_foreach(json_object_get(u->service.all, field), i, unit) {
		const json_t *other = entry_of(u->config, json_string_value(unit));

		if (other && !is_oneshot(other))
			add_wait(u, "start", json_string_value(unit), viv_streq(field, "requires"));
	}
}

void viv_runit_add_waits(struct viv_runit_unit *u)
{
	const char *name;
	json_t *entry, *unit;
	size_t i;

	add_requirements(u);
	if (u->oneshot)
		return;
	add_starts(u, "requires");
	add_starts(u, "wants");
	json_array_foreach(json_object_get(u->service.all, "after"), i, unit) {
		const json_t *other = entry_of(u->config, json_string_value(unit));

		/* What is not of the file may be an option's: then it is there when it is looked for. */
		if (viv_ends_with(json_string_value(unit), ".service") && (!other || !is_oneshot(other)))
			add_wait(u, "check", json_string_value(unit), false);
	}
	json_object_foreach((json_t *)entries(u->config), name, entry) {
		VIV_FREE char *own = viv_asprintf("%s.service", u->service.name);
		VIV_FREE char *other = viv_asprintf("%s.service", name);

		if (is_listed(entry, "before", own) && entry_of(u->config, other) && !is_oneshot(entry) &&
		    !is_listed(u->service.all, "after", other))
			add_wait(u, "check", other, false);
	}
}
