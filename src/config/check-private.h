/* SPDX-License-Identifier: MIT */
#pragma once

/* For rules between options: what they ask of evaluated values, and how they report. Private to check*.c. */

#include "config/merge.h"

void viv_check_desktop(struct viv_eval *ev);
void viv_check_devices(struct viv_eval *ev);
void viv_check_everyday(struct viv_eval *ev);
void viv_check_disks(struct viv_eval *ev);
void viv_check_boot(struct viv_eval *ev);
void viv_check_init(struct viv_eval *ev);
void viv_check_root(struct viv_eval *ev);
void viv_check_nginx(struct viv_eval *ev);
void viv_check_system(struct viv_eval *ev);
void viv_check_units(struct viv_eval *ev);

/* A part of a slot whose value is there and is not null; NULL otherwise. */
static inline const struct viv_slot *given(const struct viv_slot *s, const char *field)
{
	for (size_t i = 0; i < s->n_children; i++) {
		const struct viv_slot *f = s->children[i];

		if (viv_streq(f->key, field) && f->state == VIV_SLOT_DONE && f->value &&
		    f->value->kind != VIV_VALUE_NULL)
			return f;
	}
	return NULL;
}

static inline const struct viv_value *list_of(const struct viv_slot *s)
{
	return s && s->state == VIV_SLOT_DONE && s->value && s->value->kind == VIV_VALUE_LIST ? s->value : NULL;
}

static inline const struct viv_slot *child(const struct viv_slot *s, const char *key)
{
	for (size_t i = 0; s && i < s->n_children; i++)
		if (viv_streq(s->children[i]->key, key))
			return s->children[i];
	return NULL;
}

static inline const struct viv_origin *origin_of(const struct viv_slot *s)
{
	for (size_t i = 0; s && i < s->n_defs; i++)
		if (s->defs[i].used && s->defs[i].origin)
			return s->defs[i].origin;
	return NULL;
}

static inline void VIV_PRINTF(4, 5) fault(struct viv_eval *ev, const struct viv_slot *about,
					  const struct viv_slot *where, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	viv_slot_faultv(ev, about, where, origin_of(where), fmt, ap);
	va_end(ap);
}

static inline const struct viv_slot *option(struct viv_eval *ev, const char *text)
{
	struct viv_name name;
	size_t used;
	struct viv_slot *s;

	if (!viv_name_parse(ev->arena, text, &name))
		abort();
	s = viv_slot_find(ev, &name, &used);
	if (!s)
		abort();
	return s;
}

/* An option's value; JSON null where another fault left it without one. The caller owns it. */
static inline json_t *value_of(struct viv_eval *ev, const char *name)
{
	struct viv_value *v = NULL;

	return viv_slot_value(ev, (struct viv_slot *)option(ev, name), &v) == 0 && v
		       ? viv_value_to_json(v)
		       : json_null();
}

/* "virtualisation.forwardPorts[2]" at its own line. */
static inline void VIV_PRINTF(4, 5) item_fault(struct viv_eval *ev, const struct viv_slot *list, size_t i,
					const char *fmt, ...)
{
	struct viv_slot item = {.parent = (struct viv_slot *)list,
				.key = viv_arena_printf(ev->arena, "[%zu]", i + 1)};
	const struct viv_origin *origin = list->value->list.items[i]->origin;
	va_list ap;

	va_start(ap, fmt);
	viv_slot_faultv(ev, &item, &item, origin ? origin : origin_of(list), fmt, ap);
	va_end(ap);
}
