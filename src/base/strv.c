/* SPDX-License-Identifier: MIT */
#include "base/str.h"

void viv_strv_free(struct viv_strv *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i]);
	free(v->items);
	*v = VIV_STRV_INIT;
}

void viv_strv_take(struct viv_strv *v, char *s)
{
	v->items = viv_grow(v->items, &v->cap, v->count + 2, sizeof(*v->items));
	v->items[v->count++] = s;
	v->items[v->count] = NULL;
}

void viv_strv_push(struct viv_strv *v, const char *s)
{
	viv_strv_take(v, viv_strdup(s));
}

void viv_strv_pushf(struct viv_strv *v, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		viv_oom();
	viv_strv_take(v, s);
}

void viv_strv_push_all(struct viv_strv *v, const char *const *list)
{
	for (; list && *list; list++)
		viv_strv_push(v, *list);
}

bool viv_strv_has(const struct viv_strv *v, const char *s)
{
	for (size_t i = 0; i < v->count; i++)
		if (viv_streq(v->items[i], s))
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void viv_strv_sort(struct viv_strv *v)
{
	if (v->count)
		qsort(v->items, v->count, sizeof(*v->items), compare);
}

void viv_strv_uniq(struct viv_strv *v)
{
	size_t n = 0;

	viv_strv_sort(v);
	for (size_t i = 0; i < v->count; i++) {
		if (n && viv_streq(v->items[n - 1], v->items[i]))
			free(v->items[i]);
		else
			v->items[n++] = v->items[i];
	}
	v->count = n;
	if (v->items)
		v->items[n] = NULL;
}

char *viv_strv_join(const struct viv_strv *v, const char *between)
{
	struct viv_str s = VIV_STR_INIT;

	for (size_t i = 0; i < v->count; i++) {
		if (i)
			viv_str_add(&s, between);
		viv_str_add(&s, v->items[i]);
	}
	return viv_str_steal(&s);
}
