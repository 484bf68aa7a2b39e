/* SPDX-License-Identifier: MIT */
#include "config/eval.h"

/* Values and conditions that need themselves: the way round, "a (vm.lua:1) -> b (vm.lua:2) -> a".
 */

#define MAX_WAY 64

static bool same(const struct viv_step *a, const struct viv_step *b)
{
	return a->slot == b->slot && a->cond == b->cond;
}

static const struct viv_origin *origin_of(const struct viv_step *step)
{
	if (step->cond)
		return step->cond->origin;
	return step->slot->n_defs ? step->slot->defs[0].origin : NULL;
}

static const char *name_of(struct viv_eval *ev, const struct viv_step *step)
{
	struct viv_name name;

	if (step->cond)
		return "mkIf";
	name = viv_slot_name(ev, step->slot);
	return viv_name_text(ev->arena, &name);
}

static void add_step(struct viv_eval *ev, const struct viv_step *step, struct viv_str *way)
{
	const struct viv_origin *origin = origin_of(step);
	struct viv_name none = {0};
	struct viv_name name = step->slot ? viv_slot_name(ev, step->slot) : none;
	struct viv_place p;

	viv_str_add(way, name_of(ev, step));
	if (origin) {
		p = (struct viv_place){origin->file, origin->line};
		if (ev->fe && ev->fe->locate && step->slot)
			ev->fe->locate(ev->fe, origin, &name, &p);
		viv_str_add(way, " (");
		viv_place_add(&p, way);
		viv_str_add(way, ")");
	}
	viv_str_add(way, " -> ");
}

void viv_eval_cycle(struct viv_eval *ev, struct viv_slot *s, const struct viv_cond *c)
{
	const struct viv_step here = {.slot = s, .cond = c}, *round[MAX_WAY];
	const struct viv_origin *origin = NULL;
	const char *text = name_of(ev, &here);
	VIV_STR way = VIV_STR_INIT;
	struct viv_name name = {0};
	size_t n = 0;

	for (const struct viv_step *step = ev->steps; step && n < MAX_WAY; step = step->outer) {
		if (n == 0 || !same(round[n - 1], step))
			round[n++] = step;
		if (same(step, &here))
			break;
	}
	while (n-- > 0) {
		add_step(ev, round[n], &way);
		if (!origin)
			origin = origin_of(round[n]);
	}
	if (s)
		name = viv_slot_name(ev, s);
	viv_fault_add(ev->faults, origin, &name, "%s %s: %s%s", text,
		      s ? "needs its own value" : "depends on what is set in its own block",
		      way.data ? way.data : "", text);
}
