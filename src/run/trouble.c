/* SPDX-License-Identifier: MIT */
#include "run/trouble.h"

#include "run/trouble-line.h"

static const char *const kind_names[] = {"none", "warn", "oops", "panic"};

const char *viv_trouble_name(enum viv_trouble_kind kind)
{
	return kind_names[kind];
}

static bool add_kind(struct viv_slice word, unsigned *set)
{
	if (viv_slice_eq(word, "none"))
		return true;
	for (unsigned i = VIV_TROUBLE_WARN; i <= VIV_TROUBLE_PANIC; i++)
		if (viv_slice_eq(word, kind_names[i])) {
			*set |= VIV_TROUBLE_BIT(i);
			return true;
		}
	return false;
}

int viv_trouble_parse_set(const char *text, unsigned *ret, struct viv_error *err)
{
	unsigned set = 0;

	for (const char *p = text; *p;) {
		size_t n = strcspn(p, ",");

		if (!add_kind((struct viv_slice){p, n}, &set))
			return viv_error_say(err, EINVAL, "\"%.*s\" is none of panic, oops, warn, none",
					     (int)n, p);
		p += n + (p[n] == ',');
	}
	*ret = set;
	return 0;
}

void viv_trouble_free_contents(struct viv_trouble *t)
{
	free(t->what);
	free(t->fatal);
	viv_strv_free(&t->lines);
	*t = (struct viv_trouble){0};
}

static enum viv_trouble_kind classify(struct viv_slice line, bool *stamped, struct viv_slice *ret_message)
{
	int64_t us;
	const struct viv_trouble_mark *mark = viv_trouble_find(line, stamped, ret_message, &us);

	return mark ? mark->kind : VIV_TROUBLE_NONE;
}

enum viv_trouble_kind viv_trouble_classify(struct viv_slice line, struct viv_slice *ret_message)
{
	bool stamped = false;

	return classify(line, &stamped, ret_message);
}

static bool is_end(struct viv_slice m)
{
	return viv_trouble_begins(m, "---[ end");
}

/*
 * A worse report begins: keep what led to it if that is still being written. Not a warning before an
 * oops: many have no end, and what came since then would leave the oops no room.
 */
static void raise_kind(struct viv_trouble *t, enum viv_trouble_kind kind, struct viv_slice message)
{
	if (!t->open || kind == VIV_TROUBLE_OOPS)
		viv_strv_free(&t->lines);
	free(t->what);
	t->what = viv_slice_printable(message);
	t->kind = kind;
	t->open = true;
}

static void keep_line(struct viv_trouble *t, struct viv_slice line, bool important)
{
	size_t max = VIV_TROUBLE_LINES_MAX;

	/* The panic's own line must get in, however long the oops before it was. */
	if (t->lines.count >= max + (important ? 1 : 0))
		return;
	viv_strv_take(&t->lines, viv_slice_printable(line));
}

char *viv_trouble_warning(struct viv_slice line)
{
	static const char mark[] = "viv-init: warning: ";
	struct viv_slice m;
	bool stamped = false;
	int64_t us;

	viv_trouble_find(line, &stamped, &m, &us);
	if (!viv_trouble_begins(m, mark))
		return NULL;
	return viv_slice_printable((struct viv_slice){m.data + sizeof(mark) - 1, m.len - (sizeof(mark) - 1)});
}

static bool feed_fatal(struct viv_trouble *t, struct viv_slice m)
{
	static const char mark[] = "viv-init: fatal: ";
	const char *at = m.len ? memmem(m.data, m.len, mark, sizeof(mark) - 1) : NULL;

	if (!at || t->fatal)
		return false;
	at += sizeof(mark) - 1;
	t->fatal = viv_slice_printable((struct viv_slice){at, (size_t)(m.data + m.len - at)});
	return true;
}

static bool feed_dump(struct viv_trouble *t, struct viv_slice m)
{
	/* Anybody can write such a line as long as the kernel is alive. */
	if (t->kind < VIV_TROUBLE_OOPS || !viv_trouble_contains(m, "viv-init: crash dump: "))
		return false;
	t->dumping = true;
	t->open = false;
	return true;
}

bool viv_trouble_feed(struct viv_trouble *t, struct viv_slice line)
{
	struct viv_slice message;
	enum viv_trouble_kind kind;
	bool worse;

	line = viv_trouble_clip(line);
	kind = classify(line, &t->stamped, &message);
	if (feed_dump(t, message))
		return true;
	t->seen |= kind ? VIV_TROUBLE_BIT(kind) : 0;
	worse = kind > t->kind;
	if (worse)
		raise_kind(t, kind, message);
	if (t->open)
		keep_line(t, line, worse);
	if (is_end(message))
		t->open = false;
	return feed_fatal(t, message) || worse;
}

json_t *viv_trouble_json(const struct viv_trouble *t)
{
	json_t *lines;

	if (!t || !t->kind)
		return json_null();
	lines = json_array();
	for (size_t i = 0; i < t->lines.count; i++)
		json_array_append_new(lines, json_string(t->lines.items[i]));
	return json_pack("{s:s, s:s, s:o}", "kind", viv_trouble_name(t->kind), "what", t->what,
			 "lines", lines);
}
