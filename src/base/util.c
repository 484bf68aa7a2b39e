/* SPDX-License-Identifier: MIT */
#include "base/util.h"

#include "base/status.h"

#include <stdarg.h>
#include <unistd.h>

_Noreturn void viv_die(const char *msg)
{
	const char *parts[] = {"viv: ", msg, "\n"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(parts); i++)
		if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0)
			_exit(VIV_EXIT_ENVIRONMENT);
	_exit(VIV_EXIT_ENVIRONMENT);
}

_Noreturn void viv_oom(void)
{
	viv_die("out of memory");
}

static void *check(void *p)
{
	if (!p)
		viv_oom();
	return p;
}

void *viv_malloc(size_t size)
{
	return check(malloc(size ? size : 1));
}

void *viv_calloc(size_t count, size_t size)
{
	return check(calloc(count ? count : 1, size ? size : 1));
}

void *viv_realloc(void *p, size_t size)
{
	return check(realloc(p, size ? size : 1));
}

void *viv_grow(void *p, size_t *cap, size_t want, size_t item_size)
{
	size_t n = *cap ? *cap : 8;

	if (want <= *cap)
		return p;
	while (n < want) {
		if (n > SIZE_MAX / 2)
			viv_oom();
		n *= 2;
	}
	if (n > SIZE_MAX / item_size)
		viv_oom();
	p = viv_realloc(p, n * item_size);
	*cap = n;
	return p;
}

char *viv_strdup(const char *s)
{
	return s ? check(strdup(s)) : NULL;
}

char *viv_strndup(const char *s, size_t n)
{
	return check(strndup(s, n));
}

char *viv_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		viv_oom();
	return s;
}

bool viv_ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}
