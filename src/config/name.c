/* SPDX-License-Identifier: MIT */
#include "config/name.h"

#include <ctype.h>

bool viv_name_is_identifier(const char *part)
{
	if (!isalpha((unsigned char)*part) && *part != '_')
		return false;
	while (isalnum((unsigned char)*part) || *part == '_')
		part++;
	return *part == '\0';
}

bool viv_name_is_index(const char *part)
{
	size_t n = *part == '[' ? strspn(part + 1, "0123456789") : 0;

	return n && part[n + 1] == ']' && !part[n + 2];
}

void viv_name_add(const struct viv_name *name, struct viv_str *ret)
{
	for (size_t i = 0; i < name->count; i++) {
		const char *part = name->parts[i];

		if (viv_name_is_index(part))
			viv_str_add(ret, part);
		else if (viv_name_is_identifier(part))
			viv_str_addf(ret, "%s%s", i ? "." : "", part);
		else
			viv_str_addf(ret, "[\"%s\"]", part);
	}
}

char *viv_name_text(struct viv_arena *arena, const struct viv_name *name)
{
	VIV_STR s = VIV_STR_INIT;

	viv_name_add(name, &s);
	return viv_arena_strdup(arena, s.data ? s.data : "");
}

/* The part at *text: quoted in brackets, or up to the next dot or bracket. NULL if there is none.
 */
static const char *parse_part(struct viv_arena *arena, const char **text, bool first)
{
	const char *t = *text, *end;

	if (t[0] == '[' && (t[1] == '"' || t[1] == '\'')) {
		char close[] = {t[1], ']', '\0'};

		end = strstr(t + 2, close);
		if (!end)
			return NULL;
		*text = end + 2;
		return viv_arena_strndup(arena, t + 2, (size_t)(end - t - 2));
	}
	if (!first) {
		if (*t != '.')
			return NULL;
		t++;
	}
	end = t + strcspn(t, ".[");
	if (end == t)
		return NULL;
	*text = end;
	return viv_arena_strndup(arena, t, (size_t)(end - t));
}

bool viv_name_parse(struct viv_arena *arena, const char *text, struct viv_name *ret)
{
	const char **parts = NULL;
	size_t n = 0, cap = 0;

	do {
		const char *part = parse_part(arena, &text, n == 0);

		if (!part)
			return false;
		parts = viv_arena_grow(arena, parts, &cap, n + 1, sizeof(*parts));
		parts[n++] = part;
	} while (*text);
	*ret = (struct viv_name){parts, n};
	return true;
}

struct viv_name viv_name_join(struct viv_arena *arena, const struct viv_name *a,
			      const struct viv_name *b)
{
	const char **parts = viv_arena_array(arena, const char *, a->count + b->count + 1);

	for (size_t i = 0; i < a->count; i++)
		parts[i] = a->parts[i];
	for (size_t i = 0; i < b->count; i++)
		parts[a->count + i] = b->parts[i];
	return (struct viv_name){parts, a->count + b->count};
}

struct viv_name viv_name_with(struct viv_arena *arena, const struct viv_name *name,
			      const char *part)
{
	struct viv_name one = {&part, 1};

	return viv_name_join(arena, name, &one);
}

struct viv_name viv_name_rest(const struct viv_name *name, size_t n)
{
	n = VIV_MIN(n, name->count);
	if (!n)
		return *name;
	return (struct viv_name){name->parts + n, name->count - n};
}
