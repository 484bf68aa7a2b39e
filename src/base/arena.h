/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Memory for data that dies together: it is handed out piece by piece and freed at once. Nothing
 * in it is freed alone, and what it holds owns nothing outside it.
 */

#include "base/str.h"

struct viv_arena {
	struct viv_arena_block *blocks; /* newest first */
	size_t used;			/* bytes handed out: for whoever sets a limit */
};

#define VIV_ARENA_INIT ((struct viv_arena){0})
#define VIV_ARENA      VIV_CLEANUP(viv_arena_free) struct viv_arena

/* Zeroed, aligned for any type. */
void *viv_arena_alloc(struct viv_arena *a, size_t size);
char *viv_arena_strndup(struct viv_arena *a, const char *s, size_t n);
char *viv_arena_strdup(struct viv_arena *a, const char *s);
char *viv_arena_printf(struct viv_arena *a, const char *fmt, ...) VIV_PRINTF(2, 3);
/* A larger copy of an array (the old one stays until the end), doubling; *cap is in items. */
void *viv_arena_grow(struct viv_arena *a, void *p, size_t *cap, size_t want, size_t item_size);
/* Frees everything; the arena can be used again. */
void viv_arena_free(struct viv_arena *a);

#define viv_arena_new(a, type)		((type *)viv_arena_alloc((a), sizeof(type)))
#define viv_arena_array(a, type, count) ((type *)viv_arena_alloc((a), sizeof(type) * (count)))
