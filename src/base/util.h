/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The few things that every file uses: scoped clean-up, array lengths, memory that never fails,
 * and the list of C functions that we don't use.
 *
 * Out of memory ends the program in viv_oom(), in one place; nobody checks for NULL after these.
 * The guest's programs don't use this header: they must survive a failed allocation.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIV_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define VIV_MIN(a, b)	  ((a) < (b) ? (a) : (b))
#define VIV_MAX(a, b)	  ((a) > (b) ? (a) : (b))

#define VIV_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#define VIV_UNUSED		    __attribute__((unused))
#define VIV_WARN_UNUSED		    __attribute__((warn_unused_result))

/* Runs fn(&variable) when the variable leaves its scope. */
#define VIV_CLEANUP(fn) __attribute__((cleanup(fn)))

/* Declares <name>p(T **), which frees *p with fn, for use as VIV_CLEANUP(<name>p). NULL is fine. */
#define VIV_DEFINE_CLEANUP(type, fn)                                                               \
	static inline VIV_UNUSED void fn##p(type **p)                                              \
	{                                                                                          \
		if (*p)                                                                            \
			fn(*p);                                                                    \
	}

/* Takes the value out of a variable, leaving NULL (or -1 for a descriptor) behind. */
#define viv_steal(p)                                                                               \
	({                                                                                         \
		__typeof__(p) *steal_p_ = &(p);                                                    \
		__typeof__(p) steal_v_ = *steal_p_;                                                \
		*steal_p_ = NULL;                                                                  \
		steal_v_;                                                                          \
	})

static inline int viv_steal_fd(int *fd)
{
	int v = *fd;
	*fd = -1;
	return v;
}

static inline void viv_freep(void *p)
{
	free(*(void **)p);
}
#define VIV_FREE VIV_CLEANUP(viv_freep)

/*
 * Ends the program with status 125, saying why on stderr. Only for what every program takes for
 * granted: memory, and the library that hashes.
 */
_Noreturn void viv_die(const char *msg);
_Noreturn void viv_oom(void);

void *viv_malloc(size_t size);
void *viv_calloc(size_t count, size_t size);
void *viv_realloc(void *p, size_t size);
/* Grows an array to hold at least `want` items, doubling; *cap is in items. */
void *viv_grow(void *p, size_t *cap, size_t want, size_t item_size);
char *viv_strdup(const char *s); /* NULL gives NULL */
char *viv_strndup(const char *s, size_t n);
char *viv_asprintf(const char *fmt, ...) VIV_PRINTF(1, 2);

#define viv_new(type)	      ((type *)viv_calloc(1, sizeof(type)))
#define viv_new_array(type, n) ((type *)viv_calloc((n), sizeof(type)))

static inline bool viv_streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static inline bool viv_starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool viv_ends_with(const char *s, const char *suffix);

/* Functions without a bound, or with a surprising one. Use str.h and viv_asprintf. */
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll
