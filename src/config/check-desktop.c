/* SPDX-License-Identifier: MIT */
#include "config/check-private.h"

/* Rules of services.xserver and who is logged in on it. */

static bool is_on(const struct viv_slot *s)
{
	return s->state == VIV_SLOT_DONE && s->value && s->value->kind == VIV_VALUE_BOOL && s->value->b;
}

static const char *text_of(const struct viv_slot *s)
{
	return s->state == VIV_SLOT_DONE && s->value && s->value->kind == VIV_VALUE_STRING ? s->value->text : NULL;
}

static bool has(const struct viv_value *set, const char *key)
{
	const struct viv_value *v = viv_value_member(set, key);

	return v && v->kind != VIV_VALUE_NULL;
}

static void check_resolutions(struct viv_eval *ev)
{
	const struct viv_slot *s = option(ev, "services.xserver.resolutions");
	const struct viv_value *list = list_of(s);

	for (size_t i = 0; list && i < list->list.count; i++) {
		const struct viv_value *x = viv_value_member(list->list.items[i], "x");

		if (!has(list->list.items[i], "x") || !has(list->list.items[i], "y"))
			item_fault(ev, s, i, "give both x and y");
		else if (x->kind == VIV_VALUE_INT && x->i % 8)
			item_fault(ev, s, i, "QEMU's card shows widths that are a multiple of 8, and %lld is none",
				   (long long)x->i);
	}
}

static void check_depth(struct viv_eval *ev)
{
	static const int64_t depths[] = {0, 8, 15, 16, 24, 30};
	const struct viv_slot *s = option(ev, "services.xserver.defaultDepth");

	if (s->state != VIV_SLOT_DONE || !s->value || s->value->kind != VIV_VALUE_INT)
		return;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(depths); i++)
		if (s->value->i == depths[i])
			return;
	fault(ev, s, s, "expected 0, 8, 15, 16, 24 or 30, got %lld", (long long)s->value->i);
}

/* Lines of one section can't begin or end another. */
static void check_monitor(struct viv_eval *ev)
{
	const struct viv_slot *s = option(ev, "services.xserver.monitorSection");
	struct viv_slice rest = viv_slice(text_of(s) ? text_of(s) : ""), line, word;

	while (viv_slice_line(&rest, &line)) {
		VIV_FREE char *text = viv_slice_word(&line, &word) ? viv_slice_dup(word) : viv_strdup("");

		if (strcasecmp(text, "Section") == 0 || strcasecmp(text, "EndSection") == 0)
			fault(ev, s, s, "these are lines of the section Monitor, without %s", text);
	}
}

static void check_user(struct viv_eval *ev)
{
	const struct viv_slot *s = option(ev, "services.displayManager.autoLogin.user");
	const char *user = text_of(s);

	if (is_on(option(ev, "services.displayManager.autoLogin.enable")) && user && !viv_streq(user, "root") &&
	    !child(option(ev, "users.users"), user))
		fault(ev, s, s, "no user %s in users.users", user);
}

static void check_managers(struct viv_eval *ev)
{
	const struct viv_slot *all = option(ev, "services.xserver.windowManager"), *first = NULL;

	for (size_t i = 0; i < all->n_children; i++) {
		const struct viv_slot *enable = given(all->children[i], "enable");

		if (!enable || !is_on(enable))
			continue;
		if (first)
			fault(ev, enable, enable, "a session has one window manager, and %s is enabled already", first->key);
		first = all->children[i];
	}
}

void viv_check_desktop(struct viv_eval *ev)
{
	const struct viv_slot *s = option(ev, "services.xserver.enable");

	if (is_on(s) && !is_on(option(ev, "virtualisation.graphics")))
		fault(ev, s, s, "the machine has no screen for it: set virtualisation.graphics = true, too");
	check_resolutions(ev);
	check_depth(ev);
	check_monitor(ev);
	check_managers(ev);
	if (is_on(s))
		check_user(ev);
}
