/* SPDX-License-Identifier: MIT */
#include "config/fault.h"

#include "config/frontend.h"

void viv_fault_add(struct viv_faults *f, const struct viv_origin *origin,
		   const struct viv_name *name, const char *fmt, ...)
{
	VIV_STR text = VIV_STR_INIT;
	struct viv_fault *fault;
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	if (f->count && origin && f->items[f->count - 1].origin.file == origin->file &&
	    f->items[f->count - 1].origin.line == origin->line &&
	    viv_streq(f->items[f->count - 1].text, text.data))
		return; /* from a loop */
	f->items = viv_arena_grow(f->arena, f->items, &f->cap, f->count + 1, sizeof(*f->items));
	fault = &f->items[f->count];
	*fault = (struct viv_fault){.number = f->count};
	if (origin)
		fault->origin = *origin;
	if (name)
		fault->name = *name;
	fault->text = viv_arena_strdup(f->arena, text.data);
	f->count++;
}

void viv_place_add(const struct viv_place *p, struct viv_str *ret)
{
	if (!p->file)
		viv_str_add(ret, "default");
	else if (p->line > 0)
		viv_str_addf(ret, "%s:%d", p->file->shown, p->line);
	else
		viv_str_add(ret, p->file->shown);
}

/* Faults in files before those in none; then by file, line, discovery. */
static int compare(const void *a, const void *b)
{
	const struct viv_fault *x = a, *y = b;
	const struct viv_file *fx = x->origin.file, *fy = y->origin.file;

	if (fx != fy) {
		if (!fx || !fy)
			return fx ? -1 : 1;
		if (fx->tier != fy->tier)
			return fx->tier < fy->tier ? -1 : 1;
		if (fx->rank != fy->rank)
			return fx->rank > fy->rank ? -1 : 1;
		if (!viv_streq(fx->shown, fy->shown)) /* settings each have a file of that name */
			return strcmp(fx->shown, fy->shown);
	}
	if (x->origin.line != y->origin.line)
		return x->origin.line < y->origin.line ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

static void add_message(const struct viv_fault *f, struct viv_str *ret)
{
	struct viv_place p = {f->origin.file, f->origin.line};

	if (p.file) {
		viv_place_add(&p, ret);
		viv_str_add(ret, ": ");
	}
	viv_str_add(ret, f->text);
}

static void locate(struct viv_frontend *fe, struct viv_fault *f)
{
	struct viv_place p = {f->origin.file, f->origin.line};

	if (!fe || !fe->locate || !p.file)
		return;
	fe->locate(fe, &f->origin, &f->name, &p);
	f->origin.line = p.line;
}

void viv_faults_format(struct viv_faults *f, struct viv_frontend *fe, size_t max,
		       struct viv_str *ret)
{
	const struct viv_fault *last = NULL;
	size_t shown = 0;

	for (size_t i = 0; i < f->count; i++)
		locate(fe, &f->items[i]);
	if (f->count)
		qsort(f->items, f->count, sizeof(*f->items), compare);
	for (size_t i = 0; i < f->count; i++) {
		const struct viv_fault *x = &f->items[i];

		if (last && last->origin.file == x->origin.file &&
		    last->origin.line == x->origin.line && viv_streq(last->text, x->text))
			continue;
		if (shown++ >= max)
			continue;
		if (last)
			viv_str_add_char(ret, '\n');
		add_message(x, ret);
		last = x;
	}
	if (shown > max)
		viv_str_addf(ret, "\nand %zu errors more", shown - max);
}
