/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdalign.h>

#define BLOCK_SIZE 65536

struct viv_arena_block {
	struct viv_arena_block *next;
	size_t size, used;
	alignas(max_align_t) char data[];
};

static struct viv_arena_block *add_block(struct viv_arena *a, size_t size)
{
	size_t room = VIV_MAX(size, (size_t)BLOCK_SIZE);
	struct viv_arena_block *b;

	if (room > SIZE_MAX / 2)
		viv_oom();
	b = viv_calloc(1, sizeof(*b) + room);
	b->size = room;
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

void *viv_arena_alloc(struct viv_arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct viv_arena_block *b = a->blocks;
	void *p;

	if (size > SIZE_MAX / 2)
		viv_oom();
	size = (size + align - 1) / align * align;
	if (!b || b->size - b->used < size)
		b = add_block(a, size);
	p = b->data + b->used;
	b->used += size;
	a->used += size;
	return p;
}

char *viv_arena_strndup(struct viv_arena *a, const char *s, size_t n)
{
	char *p = viv_arena_alloc(a, n + 1);

	memcpy(p, s, n);
	return p;
}

char *viv_arena_strdup(struct viv_arena *a, const char *s)
{
	return viv_arena_strndup(a, s, strlen(s));
}

char *viv_arena_printf(struct viv_arena *a, const char *fmt, ...)
{
	VIV_STR s = VIV_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&s, fmt, ap);
	va_end(ap);
	return viv_arena_strndup(a, s.data ? s.data : "", s.len);
}

void *viv_arena_grow(struct viv_arena *a, void *p, size_t *cap, size_t want, size_t item_size)
{
	size_t more = VIV_MAX(*cap * 2, VIV_MAX(want, (size_t)8));
	void *bigger;

	if (want <= *cap)
		return p;
	if (more > SIZE_MAX / 2 / item_size)
		viv_oom();
	bigger = viv_arena_alloc(a, more * item_size);
	if (*cap)
		memcpy(bigger, p, *cap * item_size);
	*cap = more;
	return bigger;
}

void viv_arena_free(struct viv_arena *a)
{
	struct viv_arena_block *next;

	for (struct viv_arena_block *b = a->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	*a = VIV_ARENA_INIT;
}
