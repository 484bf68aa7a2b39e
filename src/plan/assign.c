/* SPDX-License-Identifier: MIT */
#include "plan/accounts.h"

#define FIRST_NORMAL 1000
#define FIRST_SYSTEM 400

static const json_t *recorded_id(const json_t *recorded, const char *kind, const char *name)
{
	const json_t *id = json_object_get(json_object_get(recorded, kind), name);

	return json_is_integer(id) ? id : NULL;
}

static bool has_value(const json_t *ids, json_int_t id)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)ids, name, v)
		if (json_integer_value(v) == id)
			return true;
	return false;
}

/* Does the configuration itself give the id to somebody? */
static bool is_asked_for(const json_t *accounts, const char *key, json_int_t id)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)accounts, name, v)
	{
		const json_t *asked = json_object_get(v, key);

		if (json_is_integer(asked) && json_integer_value(asked) == id)
			return true;
	}
	return false;
}

struct assignment {
	const json_t *users, *groups, *recorded;
	json_t *ids; /* the result */
};

static bool is_taken(const struct assignment *a, json_int_t id)
{
	static const char *const kinds[] = {"users", "groups"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(kinds); i++)
		if (has_value(json_object_get(a->recorded, kinds[i]), id) ||
		    has_value(json_object_get(a->ids, kinds[i]), id))
			return true;
	return is_asked_for(a->users, "uid", id) || is_asked_for(a->groups, "gid", id);
}

static void assign(struct assignment *a, const char *kind, const char *name, bool system)
{
	const json_t *old = recorded_id(a->recorded, kind, name);
	const json_t *same = recorded_id(a->ids, "users", name);
	json_int_t id = system ? FIRST_SYSTEM : FIRST_NORMAL;

	if (old)
		id = json_integer_value(old);
	else if (same) /* a user's own group has the user's number */
		id = json_integer_value(same);
	else
		while (is_taken(a, id))
			id++;
	json_object_set_new(json_object_get(a->ids, kind), name, json_integer(id));
}

/* Does a user say so in extraGroups or group? */
static bool is_named(const json_t *users, const char *group)
{
	const char *name;
	json_t *user, *v;
	size_t i;

	json_object_foreach((json_t *)users, name, user) {
		const char *own = viv_json_str(user, "group");

		if (own && viv_streq(own, group))
			return true;
		json_array_foreach(json_object_get(user, "extraGroups"), i, v)
			if (viv_streq(json_string_value(v), group))
				return true;
	}
	return false;
}

json_t *viv_accounts_groups(const json_t *users, const json_t *groups, bool wheel)
{
	json_t *all = json_deep_copy(groups);

	if ((wheel || is_named(users, "wheel")) && !json_object_get(all, "wheel"))
		json_object_set_new(all, "wheel", json_pack("{s:b}", "isSystemGroup", true));
	return all;
}

json_t *viv_accounts_assign(const json_t *users, const json_t *groups, const json_t *recorded)
{
	struct assignment a = {users, groups, recorded, json_pack("{s:{},s:{}}", "users", "groups")};
	VIV_STRV names = VIV_STRV_INIT, group_names = VIV_STRV_INIT;

	/* Sorted: ids must not depend on how a table was written down. */
	viv_json_keys(users, &names);
	for (size_t i = 0; i < names.count; i++) {
		const json_t *user = json_object_get(users, names.items[i]);
		bool system = json_is_true(json_object_get(user, "isSystemUser"));
		bool made = system || json_is_true(json_object_get(user, "isNormalUser"));

		if (!made || json_is_integer(json_object_get(user, "uid")))
			continue;
		assign(&a, "users", names.items[i], system);
		if (!json_is_string(json_object_get(user, "group")) &&
		    !json_object_get(groups, names.items[i]))
			assign(&a, "groups", names.items[i], system);
	}
	viv_json_keys(groups, &group_names);
	for (size_t i = 0; i < group_names.count; i++) {
		const json_t *group = json_object_get(groups, group_names.items[i]);

		if (!json_is_integer(json_object_get(group, "gid")))
			assign(&a, "groups", group_names.items[i],
			       json_is_true(json_object_get(group, "isSystemGroup")));
	}
	return a.ids;
}
