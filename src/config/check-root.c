/* SPDX-License-Identifier: MIT */
#include "config/check-private.h"

/* system.root = "minimal": what takes a root that packages are installed in. */

static bool is_text(const struct viv_slot *s, const char *text)
{
	return s->state == VIV_SLOT_DONE && s->value && s->value->kind == VIV_VALUE_STRING &&
	       viv_streq(s->value->text, text);
}

static void check_off(struct viv_eval *ev, const char *name)
{
	const struct viv_slot *s = option(ev, name);

	if (s->state == VIV_SLOT_DONE && s->value && s->value->kind == VIV_VALUE_BOOL && s->value->b)
		fault(ev, s, s, "takes the programs of a whole Debian: it can't be had with system.root = \"minimal\"");
}

void viv_check_root(struct viv_eval *ev)
{
	const struct viv_slot *init = option(ev, "system.init");

	if (!is_text(option(ev, "system.root"), "minimal"))
		return;
	if (is_text(init, "systemd"))
		fault(ev, init, origin_of(init) ? init : option(ev, "system.root"),
		      "systemd takes a whole Debian: with system.root = \"minimal\" it is \"runit\" or \"none\"");
	check_off(ev, "virtualisation.useBootLoader");
}
