/* SPDX-License-Identifier: MIT */
#include "run/trouble.h"

#include <ctype.h>

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

/*
 * What kernels print, matched at the start of a message (`anywhere`: inside it). The first row that
 * fits decides, so exceptions stand before the rule.
 */
static const struct row {
	const char *text;
	bool anywhere;
	enum viv_trouble_kind kind;
} rows[] = {
	{"Kernel panic - not syncing", false, VIV_TROUBLE_PANIC},
	{"---[ end Kernel panic", false, VIV_TROUBLE_PANIC},
	/* Time, not wrong-doing. */
	{"BUG: soft lockup", true, VIV_TROUBLE_WARN},
	{"BUG: workqueue lockup", true, VIV_TROUBLE_WARN},
	{"blocked for more than", true, VIV_TROUBLE_WARN},
	{"detected stalls on CPUs", true, VIV_TROUBLE_WARN},
	{"self-detected stall on CPU", true, VIV_TROUBLE_WARN},
	{"detected expedited stalls on CPUs", true, VIV_TROUBLE_WARN},
	/* Oopses: by the generic code, then by x86, arm64, riscv. */
	{"BUG: ", false, VIV_TROUBLE_OOPS},
	{"kernel BUG at ", false, VIV_TROUBLE_OOPS},
	{"Oops: ", false, VIV_TROUBLE_OOPS},
	{"Oops [#", false, VIV_TROUBLE_OOPS},
	{"general protection fault", false, VIV_TROUBLE_OOPS},
	{"invalid opcode: ", false, VIV_TROUBLE_OOPS},
	{"divide error: ", false, VIV_TROUBLE_OOPS},
	{"double fault: ", false, VIV_TROUBLE_OOPS},
	{"stack segment: ", false, VIV_TROUBLE_OOPS},
	{"int3: ", false, VIV_TROUBLE_OOPS},
	{"Unable to handle kernel ", false, VIV_TROUBLE_OOPS},
	{"Internal error: ", false, VIV_TROUBLE_OOPS},
	{"Kernel stack is corrupted", true, VIV_TROUBLE_OOPS},
	{"watchdog: Watchdog detected hard LOCKUP", false, VIV_TROUBLE_OOPS},
	{"NMI watchdog: Watchdog detected hard LOCKUP", false, VIV_TROUBLE_OOPS},
	/* Lockdep. */
	{"WARNING: possible circular locking dependency", false, VIV_TROUBLE_OOPS},
	{"WARNING: possible recursive locking", false, VIV_TROUBLE_OOPS},
	{"WARNING: possible irq lock inversion", false, VIV_TROUBLE_OOPS},
	{"WARNING: inconsistent lock state", false, VIV_TROUBLE_OOPS},
	{"WARNING: bad unlock balance", false, VIV_TROUBLE_OOPS},
	{"WARNING: held lock freed", false, VIV_TROUBLE_OOPS},
	{"WARNING: lock held when returning to user space", false, VIV_TROUBLE_OOPS},
	{"WARNING: suspicious RCU usage", false, VIV_TROUBLE_OOPS},
	{"-> possible unsafe locking scenario", true, VIV_TROUBLE_OOPS},
	{"lock order detected", true, VIV_TROUBLE_OOPS},
	{"INFO: trying to register non-static key", false, VIV_TROUBLE_WARN},
	{"UBSAN: ", false, VIV_TROUBLE_WARN},
	{"WARNING: CPU: ", false, VIV_TROUBLE_WARN},
};

/* "[    1.234567] ", as printk writes it; returns its length, or 0. */
static size_t stamp_at(const char *p, const char *end)
{
	const char *at = p;
	size_t digits = 0, fraction = 0;

	if (at >= end || *at++ != '[')
		return 0;
	while (at < end && *at == ' ')
		at++;
	for (; at < end && isdigit((unsigned char)*at); at++)
		digits++;
	if (at >= end || *at++ != '.' || !digits)
		return 0;
	for (; at < end && isdigit((unsigned char)*at); at++)
		fraction++;
	if (fraction != 6 || at >= end || *at++ != ']')
		return 0;
	return (size_t)(at - p);
}

/* "[    T1]", "[  C0]": the caller, where the kernel prints that too. */
static size_t caller_at(const char *p, const char *end)
{
	const char *at = p;

	if (at >= end || *at++ != '[')
		return 0;
	while (at < end && *at == ' ')
		at++;
	if (at >= end || (*at != 'T' && *at != 'C'))
		return 0;
	for (at++; at < end && isdigit((unsigned char)*at); at++)
		;
	return at < end && *at == ']' ? (size_t)(at + 1 - p) : 0;
}

/*
 * The kernel's message. What a program wrote without a newline may stand before it ("login: "), so
 * the stamp is looked for in the whole line; without one (printk.time=0) the line is the message.
 */
static struct viv_slice message_of(struct viv_slice line)
{
	const char *end = line.data + line.len, *at = line.data;
	size_t n = 0;

	for (const char *p = line.data; p < end && !n; p++) {
		n = *p == '[' ? stamp_at(p, end) : 0;
		if (n)
			at = p + n;
	}
	at += caller_at(at, end);
	return viv_slice_trim((struct viv_slice){at, (size_t)(end - at)});
}

static bool contains(struct viv_slice m, const char *text)
{
	return m.data && memmem(m.data, m.len, text, strlen(text));
}

static bool begins(struct viv_slice m, const char *text)
{
	return m.len >= strlen(text) && memcmp(m.data, text, strlen(text)) == 0;
}

static bool row_fits(const struct row *row, struct viv_slice m)
{
	return row->anywhere ? contains(m, row->text) : begins(m, row->text);
}

/* Since Linux 6.18: "WARNING: fs/inode.c:397 at drop_nlink+0x2a/0x40, CPU#1: rm/212". */
static bool is_new_warning(struct viv_slice m)
{
	return begins(m, "WARNING: ") && contains(m, " at ") && contains(m, ", CPU#");
}

enum viv_trouble_kind viv_trouble_classify(struct viv_slice line, struct viv_slice *ret_message)
{
	struct viv_slice m = message_of(line);

	*ret_message = m;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++)
		if (row_fits(&rows[i], m))
			return rows[i].kind;
	return is_new_warning(m) ? VIV_TROUBLE_WARN : VIV_TROUBLE_NONE;
}

static bool is_end(struct viv_slice m)
{
	return begins(m, "---[ end");
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
	struct viv_slice m = message_of(line);

	if (!begins(m, mark))
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
	if (t->kind < VIV_TROUBLE_OOPS || !contains(m, "viv-init: crash dump: "))
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

	line.len = VIV_MIN(line.len, VIV_TROUBLE_LINE_MAX);
	while (line.len && (line.data[line.len - 1] == '\r' || line.data[line.len - 1] == ' '))
		line.len--;
	kind = viv_trouble_classify(line, &message);
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
