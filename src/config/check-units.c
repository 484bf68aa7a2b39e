/* SPDX-License-Identifier: MIT */
#include "config/check-private.h"

/* Rules between the options of systemd.*. */

static const struct viv_slot *part(const struct viv_slot *s, const char *key)
{
	for (size_t i = 0; i < s->n_children; i++)
		if (viv_streq(s->children[i]->key, key))
			return s->children[i];
	return NULL;
}

/* A script is a command by another name. */
static void check_scripts(struct viv_eval *ev, const struct viv_slot *service)
{
	static const char *const rows[][2] = {
		{"script", "ExecStart"}, {"preStart", "ExecStartPre"}, {"postStart", "ExecStartPost"},
		{"preStop", "ExecStop"}, {"postStop", "ExecStopPost"}, {"reload", "ExecReload"},
	};
	const struct viv_slot *settings = part(service, "serviceConfig");

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		const struct viv_slot *script = given(service, rows[i][0]);

		if (!script || !*script->value->text || !settings || !given(settings, rows[i][1]))
			continue;
		fault(ev, script, script, "serviceConfig.%s is set, too: only one can be", rows[i][1]);
	}
}

static bool is_filled(const struct viv_slot *s)
{
	return s && s->value->kind == VIV_VALUE_LIST && s->value->list.count;
}

/* Only an instance of a template can be started. */
static void check_template(struct viv_eval *ev, const struct viv_slot *unit)
{
	static const char *const fields[] = {"wantedBy", "requiredBy"};

	for (size_t i = 0; viv_ends_with(unit->key, "@") && i < VIV_ARRAY_SIZE(fields); i++) {
		const struct viv_slot *f = given(unit, fields[i]);

		if (is_filled(f))
			fault(ev, f, f, "%s is a template, which can't be started: say it of an instance, "
			      "such as %sname", unit->key, unit->key);
	}
}

/* They become folders' names as they are. */
static void check_targets(struct viv_eval *ev, const struct viv_slot *unit)
{
	static const char *const fields[] = {"wantedBy", "requiredBy"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(fields); i++) {
		const struct viv_slot *f = given(unit, fields[i]);

		for (size_t k = 0; is_filled(f) && k < f->value->list.count; k++)
			if (f->value->list.items[k]->kind == VIV_VALUE_STRING &&
			    strchr(f->value->list.items[k]->text, '%'))
				item_fault(ev, f, k, "specifiers such as %%i are not replaced here: write the unit's name");
	}
}

static bool is_mode(struct viv_slice w)
{
	unsigned n = 0;
	size_t i = 0;

	if (viv_slice_eq(w, "-"))
		return true;
	while (i < w.len && strchr("~:", w.data[i]))
		i++;
	if (i == w.len)
		return false;
	for (; i < w.len && w.data[i] >= '0' && w.data[i] <= '7' && n <= 07777; i++)
		n = n * 8 + (unsigned)(w.data[i] - '0');
	return i == w.len && n <= 07777;
}

/*
 * tmpfiles.d(5): TYPE PATH MODE …; systemd-tmpfiles passes over others with a warning. Which word is which is known
 * where nothing is quoted. plan/runs_as.c looks for their users.
 */
static const char *wrong_rule(const char *line)
{
	struct viv_slice rest = viv_slice(line), type = {0}, path = {0}, mode = {0};
	size_t modifiers = 1;

	if (!viv_slice_word(&rest, &type) || type.data[0] == '#')
		return NULL;
	while (modifiers < type.len && strchr("+!-=~^?$", type.data[modifiers]))
		modifiers++;
	if (!strchr("fFwdDevqQpLcbCxXrRzZtThHaAm", type.data[0]) || modifiers < type.len)
		return "its first word is no type of tmpfiles.d(5)";
	if (!viv_slice_word(&rest, &path))
		return "it has no path";
	if (strchr("\"'", path.data[0]) && path.len > 1)
		path.data++;
	if (!strchr("/%", path.data[0]))
		return "its path is not absolute";
	if (strpbrk(line, "\"'\\") || !viv_slice_word(&rest, &mode) || is_mode(mode))
		return NULL;
	return "its third word is no mode, such as 0755";
}

static void check_tmpfiles(struct viv_eval *ev)
{
	const struct viv_slot *rules = option(ev, "systemd.tmpfiles.rules");

	if (rules->state != VIV_SLOT_DONE || !is_filled(rules))
		return;
	for (size_t i = 0; i < rules->value->list.count; i++) {
		const struct viv_value *rule = rules->value->list.items[i];
		const char *wrong = rule->kind == VIV_VALUE_STRING ? wrong_rule(rule->text) : NULL;

		if (wrong)
			item_fault(ev, rules, i, "%s", wrong);
	}
}

static const char *text_of(const struct viv_value *set, const char *key)
{
	const struct viv_value *v = viv_value_member(set, key);

	return v && v->kind == VIV_VALUE_STRING ? v->text : NULL;
}

static void check_mounts(struct viv_eval *ev)
{
	const struct viv_slot *mounts = option(ev, "systemd.mounts");

	if (mounts->state != VIV_SLOT_DONE || !mounts->value || mounts->value->kind != VIV_VALUE_LIST)
		return;
	for (size_t i = 0; i < mounts->value->list.count; i++) {
		const struct viv_value *one = mounts->value->list.items[i];
		const char *where = text_of(one, "where");

		if (!where)
			item_fault(ev, mounts, i, "it has no where");
		if (!text_of(one, "what"))
			item_fault(ev, mounts, i, "it has no what");
		for (size_t k = 0; where && k < i; k++) {
			const char *other = text_of(mounts->value->list.items[k], "where");

			if (other && viv_streq(other, where))
				item_fault(ev, mounts, i, "%s is mounted by [%zu] already", where, k + 1);
		}
	}
}

/* Else the console asks for ever. */
static void check_autologin(struct viv_eval *ev)
{
	const struct viv_slot *s = option(ev, "services.getty.autologinUser");
	const struct viv_slot *users = option(ev, "users.users");

	if (s->state != VIV_SLOT_DONE || !s->value || s->value->kind != VIV_VALUE_STRING ||
	    viv_streq(s->value->text, "root") || part(users, s->value->text))
		return;
	fault(ev, s, s, "no user %s in users.users", s->value->text);
}

void viv_check_units(struct viv_eval *ev)
{
	static const char *const sets[] = {"systemd.services", "systemd.sockets", "systemd.targets",
					   "systemd.timers"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(sets); i++) {
		const struct viv_slot *set = option(ev, sets[i]);

		for (size_t k = 0; k < set->n_children; k++) {
			check_template(ev, set->children[k]);
			check_targets(ev, set->children[k]);
			check_scripts(ev, set->children[k]);
		}
	}
	check_mounts(ev);
	check_tmpfiles(ev);
	check_autologin(ev);
}
