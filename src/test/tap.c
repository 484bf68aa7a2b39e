/* SPDX-License-Identifier: MIT */
#include "test/tap.h"

#include "test/text.h"

static void indent(struct viv_str *s, unsigned blanks)
{
	viv_str_addf(s, "%*s", (int)blanks, "");
}

/* A name or a reason in a test line. */
static void add_escaped(struct viv_str *s, const char *text)
{
	VIV_FREE char *line = viv_test_line(text);

	for (const char *p = line; *p; p++) {
		if (*p == '#' || *p == '\\')
			viv_str_add_char(s, '\\');
		viv_str_add_char(s, *p);
	}
}

static void add_point(struct viv_str *s, unsigned blanks, size_t number, const char *name,
		      enum viv_verdict verdict, const char *reason)
{
	indent(s, blanks);
	viv_str_addf(s, "%sok %zu - ", viv_verdict_is_ok(verdict) ? "" : "not ", number);
	add_escaped(s, name);
	if (verdict == VIV_VERDICT_SKIP) {
		viv_str_add(s, " # SKIP ");
		add_escaped(s, reason ? reason : "");
	}
	while (s->data[s->len - 1] == ' ')
		s->data[--s->len] = 0;
	viv_str_add_char(s, '\n');
}

/* Quoted as in JSON, which YAML holds to be its own. */
static void add_yaml(struct viv_str *s, unsigned blanks, const char *key, const char *text)
{
	VIV_FREE char *line = text ? viv_test_line(text) : NULL;
	VIV_JSON *j = line ? json_string(line) : NULL;
	VIV_STR quoted = VIV_STR_INIT;

	if (!j)
		return;
	viv_json_canonical(j, &quoted);
	indent(s, blanks);
	viv_str_addf(s, "%s: %s\n", key, quoted.data);
}

/*
 * A block of lines. Perl's reader takes the indentation from the first line and nothing from an empty
 * one: so the first doesn't begin with a blank, and empty ones are as far in as the others.
 */
static void add_yaml_lines(struct viv_str *s, unsigned blanks, const char *key, const char *text)
{
	VIV_FREE char *shown = viv_test_text(text ? text : "");
	struct viv_slice rest = viv_slice_trim(viv_slice(shown)), line;

	if (!rest.len)
		return;
	indent(s, blanks);
	viv_str_addf(s, "%s: |\n", key);
	while (viv_slice_line(&rest, &line)) {
		indent(s, blanks + 2);
		viv_str_add_bytes(s, line.data, line.len);
		viv_str_add_char(s, '\n');
	}
}

static void add_subtests(struct viv_str *s, const struct viv_test_subtest *items, size_t n,
			 unsigned blanks);

static void add_subtest(struct viv_str *s, const struct viv_test_subtest *t, size_t n_children,
			size_t number, unsigned blanks)
{
	bool ok = viv_verdict_is_ok(t->verdict);

	if (n_children) {
		indent(s, blanks);
		viv_str_add(s, "# Subtest: ");
		add_escaped(s, t->name);
		viv_str_add_char(s, '\n');
		add_subtests(s, t + 1, n_children, blanks + 4);
	}
	add_point(s, blanks, number, t->name, t->verdict, t->reason);
	if (ok && t->ms < 0)
		return;
	indent(s, blanks);
	viv_str_add(s, "  ---\n");
	if (!ok)
		add_yaml(s, blanks + 2, "verdict", viv_verdict_name(t->verdict));
	if (!ok)
		add_yaml(s, blanks + 2, "message", t->reason);
	if (t->ms >= 0) {
		indent(s, blanks);
		viv_str_addf(s, "  duration_ms: %lld\n", (long long)t->ms);
	}
	indent(s, blanks);
	viv_str_add(s, "  ...\n");
}

/* The depth of items[0] is that of all that are not below one of these. */
static void add_subtests(struct viv_str *s, const struct viv_test_subtest *items, size_t n,
			 unsigned blanks)
{
	size_t number = 0;

	for (size_t i = 0, next; i < n; i = next) {
		next = i + 1;
		while (next < n && items[next].depth > items[i].depth)
			next++;
		add_subtest(s, &items[i], next - i - 1, ++number, blanks);
	}
	indent(s, blanks);
	viv_str_addf(s, "1..%zu\n", number);
}

static void add_block(struct viv_str *s, const struct viv_test_result *r)
{
	viv_str_add(s, "  ---\n");
	add_yaml(s, 2, "verdict", viv_verdict_name(r->verdict));
	if (r->verdict != VIV_VERDICT_SKIP)
		add_yaml(s, 2, "message", r->reason);
	add_yaml(s, 2, "at", r->place);
	viv_str_addf(s, "  duration_ms: %lld\n", (long long)r->ms);
	if (r->attempt > 1)
		viv_str_addf(s, "  attempt: %u\n", r->attempt);
	add_yaml(s, 2, "folder", r->folder);
	add_yaml_lines(s, 2, "details", r->details);
	viv_str_add(s, "  ...\n");
}

static void add_result(struct viv_str *s, const struct viv_test_result *r, size_t number)
{
	if (r->subtests.count) {
		viv_str_add(s, "# Subtest: ");
		add_escaped(s, r->title);
		viv_str_add_char(s, '\n');
		add_subtests(s, r->subtests.items, r->subtests.count, 4);
		if (r->subtests.dropped)
			viv_str_addf(s, "# %llu more subtests were left out\n",
				     (unsigned long long)r->subtests.dropped);
	}
	add_point(s, 0, number, r->title, r->verdict, r->reason);
	add_block(s, r);
}

void viv_test_tap(const struct viv_test_results *list, struct viv_str *ret)
{
	size_t n = 0;
	VIV_FREE const struct viv_test_result **final = viv_test_results_final(list, &n);

	viv_str_addf(ret, "TAP version 14\n1..%zu%s\n", n, n ? "" : " # no tests");
	for (size_t i = 0; i < n; i++)
		add_result(ret, final[i], i + 1);
}
