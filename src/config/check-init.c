/* SPDX-License-Identifier: MIT */
#include "config/check-private.h"

/* Options that some init systems can't fulfil (struct viv_option, inits). */

static bool is_asked_for(struct viv_eval *ev, const struct viv_slot *s)
{
	const struct viv_value *fallback;

	if (viv_type_is_branch(s->type))
		return s->n_children > 0;
	if (s->state != VIV_SLOT_DONE || !s->value || !origin_of(s))
		return false;
	fallback = viv_option_fallback(ev->arena, s->option);
	return !fallback || !viv_value_equal(fallback, s->value);
}

static void check_slot(struct viv_eval *ev, const struct viv_slot *s, enum viv_init have,
		       const char *name)
{
	if (s->option && s->option->inits && !(s->option->inits & have) && is_asked_for(ev, s)) {
		VIV_STR able = VIV_STR_INIT;
		const struct viv_slot *at = s->n_children ? s->children[0] : s;

		viv_init_describe(s->option->inits, &able);
		fault(ev, at, at, "needs system.init = %s, and it is \"%s\"", able.data, name);
		return;
	}
	for (size_t i = 0; i < s->n_children; i++)
		check_slot(ev, s->children[i], have, name);
}

void viv_check_init(struct viv_eval *ev)
{
	const struct viv_slot *init = option(ev, "system.init");

	if (init->state == VIV_SLOT_DONE && init->value)
		check_slot(ev, ev->root, viv_init_of(init->value->text), init->value->text);
}
