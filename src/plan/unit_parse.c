/* SPDX-License-Identifier: MIT */
#include "plan/unit.h"

/* Reading units: systemd.syntax(7), but that what systemd passes over with a warning is an error. */

#define LINE_MAX_BYTES ((size_t)1 << 20) /* as systemd has it */

struct parser {
	struct viv_slice rest;
	size_t line;		/* of the text, from 1 */
	struct viv_str logical; /* with what continues it */
	size_t first;		/* its first line */
	char *section;		/* NULL: none yet */
	struct viv_slice only;	/* the section that the unit's type has beside [Unit] and [Install] */
};

static bool is_comment(struct viv_slice line)
{
	return line.len && strchr("#;", line.data[0]);
}

/* Does a backslash that is not itself escaped end it? */
static bool continues(struct viv_slice line)
{
	size_t n = 0;

	while (n < line.len && line.data[line.len - 1 - n] == '\\')
		n++;
	return n % 2;
}

static int line_error(const struct parser *p, struct viv_error *err, const char *what)
{
	VIV_FREE char *shown = viv_slice_printable(
		(struct viv_slice){p->logical.data, VIV_MIN(p->logical.len, (size_t)60)});

	return viv_error_say(err, EINVAL, "line %zu %s: %s", p->first, what, shown);
}

/* The next line that says something, with those that continue it. False at the end. */
static bool next_line(struct parser *p)
{
	struct viv_slice line;
	bool more = false;

	viv_str_clear(&p->logical);
	while ((p->line++, viv_slice_line(&p->rest, &line))) {
		struct viv_slice bare = viv_slice_trim(line);

		if (is_comment(bare) || (!bare.len && !more))
			continue;
		if (!more)
			p->first = p->line;
		more = continues(line);
		if (more)
			line.len--;
		viv_str_add_bytes(&p->logical, line.data, line.len);
		if (!more)
			return true;
		viv_str_add_char(&p->logical, ' ');
	}
	return p->logical.len > 0;
}

static int open_section(struct parser *p, struct viv_slice line, struct viv_error *err)
{
	struct viv_slice name = {line.data + 1, line.len - 2};
	bool known;

	if (line.len < 3 || line.data[line.len - 1] != ']')
		return line_error(p, err, "is no section's name");
	known = viv_slice_eq(name, "Unit") || viv_slice_eq(name, "Install") ||
		(name.len == p->only.len && memcmp(name.data, p->only.data, name.len) == 0) ||
		(name.len > 2 && memcmp(name.data, "X-", 2) == 0);
	if (!known)
		return line_error(p, err, "is a section that such a unit hasn't got");
	free(p->section);
	p->section = viv_slice_dup(name);
	return 0;
}

static int assign(struct parser *p, struct viv_slice line, viv_unit_fn fn, void *arg, struct viv_error *err)
{
	const char *equals = memchr(line.data, '=', line.len);
	struct viv_unit_setting s = {.line = p->first, .section = p->section};

	if (!equals || equals == line.data)
		return line_error(p, err, "is no setting (KEY=VALUE)");
	if (!p->section)
		return line_error(p, err, "stands before the first section");
	s.key = viv_slice_trim((struct viv_slice){line.data, (size_t)(equals - line.data)});
	s.value = viv_slice_trim(
		(struct viv_slice){equals + 1, line.len - (size_t)(equals + 1 - line.data)});
	return fn ? fn(&s, arg, err) : 0;
}

/* "Service" of ".service": the name of the section that goes with a type. */
static struct viv_slice section_of(const char *type)
{
	static const struct {
		const char *type, *section;
	} rows[] = {
		{".service", "Service"}, {".socket", "Socket"}, {".mount", "Mount"}, {".swap", "Swap"},
		{".automount", "Automount"}, {".timer", "Timer"}, {".path", "Path"}, {".slice", "Slice"},
		{".scope", "Scope"}, {"journald.conf", "Journal"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++)
		if (viv_streq(rows[i].type, type))
			return viv_slice(rows[i].section);
	return viv_slice("Unit");
}

int viv_unit_parse(struct viv_slice text, const char *type, viv_unit_fn fn, void *arg, struct viv_error *err)
{
	struct parser p = {.rest = text, .only = section_of(type)};
	int r = 0;

	if (text.len && memchr(text.data, '\0', text.len))
		r = viv_error_say(err, EINVAL, "it is no text: there is a NUL byte in it");
	while (r == 0 && next_line(&p)) {
		struct viv_slice line = viv_slice_trim((struct viv_slice){p.logical.data, p.logical.len});

		if (line.len > LINE_MAX_BYTES)
			r = line_error(&p, err, "is too long");
		else if (line.len && line.data[0] == '[')
			r = open_section(&p, line, err);
		else if (line.len)
			r = assign(&p, line, fn, arg, err);
	}
	viv_str_free(&p.logical);
	free(p.section);
	return r;
}
