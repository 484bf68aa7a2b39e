/* SPDX-License-Identifier: MIT */
#include "config/lua/state.h"

/*
 * Exact lines. A file is scanned when the first place that needs it is asked for, and only once:
 * what is on one line, as most things are, needs no scan.
 */

static void find_lines(struct viv_lua *lua, struct viv_lua_file *f)
{
	const char *end = f->file.text + f->file.len;
	size_t cap = 0;

	for (const char *p = f->file.text; p;) {
		f->lines = viv_arena_grow(lua->arena, f->lines, &cap, f->n_lines + 1,
					  sizeof(*f->lines));
		f->lines[f->n_lines++] = p;
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
}

/*
 * Lua gives the line of a statement's end. If that line begins with the name that is assigned to,
 * the statement begins there as well.
 */
static bool begins_there(struct viv_lua *lua, struct viv_lua_file *f, const struct viv_origin *o)
{
	const char *p;

	if (!f->lines)
		find_lines(lua, f);
	if (o->line < 1 || (size_t)o->line > f->n_lines)
		return false;
	p = f->lines[o->line - 1];
	p += strspn(p, " \t");
	return viv_starts_with(p, o->lhs.parts[0]);
}

struct viv_lua_scan *viv_lua_scanned(struct viv_lua *lua, struct viv_lua_file *f)
{
	struct viv_slice text = {f->file.text, f->file.len};

	if (!f->scanned) {
		f->scanned = viv_arena_new(lua->arena, struct viv_lua_scan);
		f->scanned->tokens = viv_scan(lua->arena, text);
		f->scanned->statements = viv_scan_statements(lua->arena, &f->scanned->tokens);
	}
	return f->scanned;
}

/* Does the statement assign to `lhs`, or to the end of it (through a local name for its start)? */
static bool assigns(const struct viv_statement *s, const struct viv_name *lhs)
{
	size_t n = VIV_MIN(s->lhs.count, lhs->count);

	if (!n || s->lhs.count > lhs->count)
		return false;
	if (s->lhs.count < lhs->count)
		n--; /* the local's name is another */
	for (size_t i = 1; i <= n; i++)
		if (!viv_streq(s->lhs.parts[s->lhs.count - i], lhs->parts[lhs->count - i]))
			return false;
	return n > 0 || s->lhs.count == lhs->count;
}

/* The statement that a line belongs to: of those around it the one that begins last. */
static const struct viv_statement *find_statement(const struct viv_statements *all, int line,
						  const struct viv_name *lhs)
{
	size_t low = 0, high = all->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (all->items[middle].first_line <= line)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i > 0; i--)
		if (all->items[i - 1].last_line >= line && assigns(&all->items[i - 1], lhs))
			return &all->items[i - 1];
	return NULL;
}

static struct viv_lua_file *own_file(struct viv_lua *lua, const struct viv_file *file)
{
	for (size_t i = 0; i < lua->n_files; i++)
		if (&lua->files[i]->file == file)
			return lua->files[i];
	return NULL;
}

void viv_lua_locate_place(struct viv_lua *lua, const struct viv_origin *origin,
			  const struct viv_name *name, struct viv_place *ret)
{
	struct viv_lua_file *f = own_file(lua, origin->file);
	const struct viv_statement *s;
	struct viv_name below;
	int line = 0;

	if (!f || !f->file.text || !origin->lhs.count)
		return;
	if (origin->is_end && begins_there(lua, f, origin))
		return;
	viv_lua_scanned(lua, f);
	s = find_statement(&f->scanned->statements, origin->line, &origin->lhs);
	if (!s)
		return;
	ret->line = s->first_line;
	below = origin->within.count ? viv_name_join(lua->arena, &origin->within, name) : *name;
	below = viv_name_rest(&below, origin->lhs.count);
	if (below.count)
		line = viv_scan_find(&f->scanned->tokens, s->value, s->end, &below);
	if (line)
		ret->line = line;
}

void viv_lua_locate(struct viv_frontend *fe, const struct viv_origin *origin,
		    const struct viv_name *name, struct viv_place *ret)
{
	viv_lua_locate_place((struct viv_lua *)fe, origin, name, ret);
}
