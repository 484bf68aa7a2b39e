/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Text and bytes: slices for what is read, one growing buffer for what is written, and a vector of
 * owned strings for command lines and lists.
 */

#include "base/util.h"

#include <stdarg.h>

/* Borrowed bytes; not terminated. */
struct viv_slice {
	const char *data;
	size_t len;
};

#define VIV_SLICE(literal) ((struct viv_slice){(literal), sizeof(literal) - 1})
static inline struct viv_slice viv_slice(const char *s)
{
	return (struct viv_slice){s, strlen(s)};
}
bool viv_slice_eq(struct viv_slice s, const char *text);
struct viv_slice viv_slice_trim(struct viv_slice s);
/* Takes the next line (without its newline) off *rest. False at the end. */
bool viv_slice_line(struct viv_slice *rest, struct viv_slice *ret_line);
/* Takes the next word (separated by blanks, tabs or newlines) off *rest. False at the end. */
bool viv_slice_word(struct viv_slice *rest, struct viv_slice *ret_word);
char *viv_slice_dup(struct viv_slice s);
/*
 * Fit for a terminal: without control sequences (what sets a title or asks for an answer, too), tabs become blanks,
 * each character that is not shown (base/utf8.h) or no UTF-8 a "?". Never longer than `s`.
 */
char *viv_slice_printable(struct viv_slice s);
/* A whole decimal number and nothing else, at most `max`. False otherwise; *ret untouched. */
bool viv_slice_u64(struct viv_slice s, uint64_t max, uint64_t *ret);

/* A growing buffer. `data` is NULL while nothing was added, else always followed by a NUL. */
struct viv_str {
	char *data;
	size_t len, cap;
};

#define VIV_STR_INIT ((struct viv_str){0})
#define VIV_STR	     VIV_CLEANUP(viv_str_free) struct viv_str

void viv_str_free(struct viv_str *s); /* frees the contents; usable again */
void viv_str_clear(struct viv_str *s); /* empty, keeps its memory */
void viv_str_add(struct viv_str *s, const char *text);
void viv_str_add_bytes(struct viv_str *s, const void *data, size_t len);
void viv_str_add_char(struct viv_str *s, char c);
void viv_str_addf(struct viv_str *s, const char *fmt, ...) VIV_PRINTF(2, 3);
void viv_str_addv(struct viv_str *s, const char *fmt, va_list ap);
/* Room for `n` more bytes; returns where they start. Call viv_str_added with what was used. */
char *viv_str_reserve(struct viv_str *s, size_t n);
void viv_str_added(struct viv_str *s, size_t n);
/* Drops the first `n` bytes. */
void viv_str_drop(struct viv_str *s, size_t n);
/* Hands the text over ("" if none); *s is empty afterwards. Free with free(). */
char *viv_str_steal(struct viv_str *s);
/* Adds a word quoted for a POSIX shell; nothing is quoted that needs no quotes. */
void viv_str_add_quoted(struct viv_str *s, const char *word);

/* Owned strings. `items` is NULL or ends with a NULL pointer, so it can serve as an argv. */
struct viv_strv {
	char **items;
	size_t count, cap;
};

#define VIV_STRV_INIT ((struct viv_strv){0})
#define VIV_STRV      VIV_CLEANUP(viv_strv_free) struct viv_strv

void viv_strv_free(struct viv_strv *v);
void viv_strv_push(struct viv_strv *v, const char *s);
void viv_strv_pushf(struct viv_strv *v, const char *fmt, ...) VIV_PRINTF(2, 3);
void viv_strv_take(struct viv_strv *v, char *s); /* takes ownership of s */
void viv_strv_push_all(struct viv_strv *v, const char *const *list); /* NULL-terminated */
bool viv_strv_has(const struct viv_strv *v, const char *s);
void viv_strv_sort(struct viv_strv *v);
/* Sorts and removes doubles. */
void viv_strv_uniq(struct viv_strv *v);
char *viv_strv_join(const struct viv_strv *v, const char *between);

/*
 * Near names, for "did you mean …?". Up to `max` of the candidates that are close to `name`, best
 * first, are pushed to *ret; none when nothing is close.
 */
void viv_suggest(const char *name, const char *const *candidates, size_t n_candidates, size_t max,
		 struct viv_strv *ret);
