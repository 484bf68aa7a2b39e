/* SPDX-License-Identifier: MIT */
#include "test/ktap.h"

#include "test/ktap-line.h"
#include "test/text.h"

#define NAME_LENGTH   512
#define REASON_LENGTH 1024

/* A document, or a part of one: the points that stand equally far in. */
struct level {
	unsigned hashes, indent;
	size_t first;	   /* in the list: where what belongs to it begins */
	bool opened;	   /* by a version, a plan, a name: its points need no numbers */
	bool has_plan;
	uint64_t planned, ran;
	struct viv_str name; /* by its header; len 0: not known */
	struct viv_str bad;  /* the first of its tests that failed; len 0: none */
	struct viv_str bail; /* why it was given up; len 0: it was not */
	struct viv_str skip; /* why all of it was skipped */
};

struct viv_ktap {
	struct viv_str line;
	struct viv_test_subtests list; /* what has no parent yet has depth 0 */
	struct level levels[VIV_KTAP_LEVELS_MAX];
	unsigned top;
	struct viv_str header;	   /* names the next level */
	struct viv_str diagnostic; /* what may explain why the next point fails */
	bool found, any, nothing_planned;
	bool bad; /* a test failed, whether the list had room for it or not */
	/* The YAML block behind the last point, while there may be one. */
	bool after_point, in_yaml;
	unsigned yaml_hashes, yaml_indent;
	size_t last; /* that point; SIZE_MAX: it was dropped */
};

static void free_level(struct level *l)
{
	viv_str_free(&l->name);
	viv_str_free(&l->bad);
	viv_str_free(&l->bail);
	viv_str_free(&l->skip);
}

void viv_ktap_summary_free_contents(struct viv_ktap_summary *s)
{
	free(s->reason);
	viv_test_subtests_free(&s->subtests);
	*s = (struct viv_ktap_summary){0};
}

struct viv_ktap *viv_ktap_new(void)
{
	return viv_new(struct viv_ktap);
}

void viv_ktap_free(struct viv_ktap *k)
{
	if (!k)
		return;
	for (unsigned i = 0; i <= k->top; i++)
		free_level(&k->levels[i]);
	viv_str_free(&k->line);
	viv_str_free(&k->header);
	viv_str_free(&k->diagnostic);
	viv_test_subtests_free(&k->list);
	free(k);
}

static struct level *top(struct viv_ktap *k)
{
	return &k->levels[k->top];
}

static void set_slice(struct viv_str *s, struct viv_slice text)
{
	viv_str_clear(s);
	viv_str_add_bytes(s, text.data, text.len);
}

static bool is_bad(enum viv_verdict v)
{
	return !viv_verdict_is_ok(v);
}

/*
 * A test of the top level. What the list has from `first` on are its subtests, which all go one further in.
 * NULL: no room.
 */
static struct viv_test_subtest *put(struct viv_ktap *k, size_t first, const char *name,
				    enum viv_verdict verdict, const char *reason)
{
	VIV_FREE char *short_name = viv_test_cut(name, NAME_LENGTH, false);
	VIV_FREE char *short_reason = reason ? viv_test_cut(reason, REASON_LENGTH, false) : NULL;
	struct viv_test_subtest *s = viv_test_subtests_insert(&k->list, first, 0, short_name);

	if (is_bad(verdict)) {
		k->bad = true;
		if (!top(k)->bad.len)
			viv_str_addf(&top(k)->bad, "%s%s%s", short_name, reason ? ": " : "",
				     reason ? short_reason : "");
	}
	k->any = true;
	if (!s)
		return NULL;
	s->verdict = verdict;
	s->reason = viv_steal(short_reason);
	for (size_t i = first + 1; i < k->list.count; i++)
		if (k->list.items[i].depth < VIV_TEST_DEPTH_MAX)
			k->list.items[i].depth++;
	return s;
}

/*
 * A document's end: were there as many as planned? Programs of kselftest that plan, and print no point at all (kcmp_test), are judged
 * by their status, which is the line that kselftest's runner writes.
 */
static void end_document(struct viv_ktap *k)
{
	struct level *l = top(k);
	VIV_FREE char *why = NULL;

	if (l->bail.len)
		why = viv_asprintf("Bail out! %s", l->bail.data);
	else if (l->has_plan && l->planned != l->ran && (l->ran || !l->hashes))
		why = viv_asprintf("planned %llu, ran %llu", (unsigned long long)l->planned,
				   (unsigned long long)l->ran);
	if (why)
		put(k, k->list.count, l->bail.len ? "bail out" : "plan", VIV_VERDICT_FAIL, why);
	l->has_plan = l->opened = false;
	l->planned = l->ran = 0;
	viv_str_clear(&l->bail);
}

/* What a level that is over leaves to the line after it: its tests, which are that line's subtests. */
struct orphans {
	bool any;
	size_t first;
	struct viv_str name, bad, skip; /* as in a level */
};

static void free_orphans(struct orphans *o)
{
	viv_str_free(&o->name);
	viv_str_free(&o->bad);
	viv_str_free(&o->skip);
	*o = (struct orphans){0};
}

/* Their parent's result never came: it gets one. */
static void adopt(struct viv_ktap *k, struct orphans *o)
{
	if (o->any && o->first < k->list.count) {
		put(k, o->first, o->name.len ? o->name.data : "(no name)", VIV_VERDICT_FAIL,
		    "ended before its result");
		top(k)->ran++;
	}
	free_orphans(o);
}

static void pop(struct viv_ktap *k, struct orphans *o)
{
	struct level *l = top(k);

	end_document(k);
	o->any = true;
	o->first = l->first;
	o->name = l->name;
	o->bad = l->bad;
	o->skip = l->skip;
	viv_str_free(&l->bail);
	*l = (struct level){0};
	k->top--;
}

static int compare(const struct ktap_line *line, const struct level *l)
{
	if (line->hashes != l->hashes)
		return line->hashes > l->hashes ? 1 : -1;
	return line->indent == l->indent ? 0 : line->indent > l->indent ? 1 : -1;
}

/* Ends the levels that stand further in than this line. The last one's tests are left in *ret. */
static void pop_deeper(struct viv_ktap *k, const struct ktap_line *line, struct orphans *ret)
{
	while (k->top > 0 && compare(line, top(k)) < 0) {
		adopt(k, ret);
		pop(k, ret);
	}
}

static bool push(struct viv_ktap *k, const struct ktap_line *line, size_t first)
{
	struct level *l;

	if (k->top + 1 >= VIV_KTAP_LEVELS_MAX)
		return false;
	k->top++;
	l = top(k);
	*l = (struct level){.hashes = line->hashes, .indent = line->indent, .first = first};
	l->name = k->header;
	k->header = VIV_STR_INIT;
	return true;
}

/* The level of a line that begins or continues a document. False: too far in. */
static bool reach(struct viv_ktap *k, const struct ktap_line *line)
{
	struct orphans o = {0};
	bool ok = true;

	pop_deeper(k, line, &o);
	adopt(k, &o);
	if (compare(line, top(k)) > 0)
		ok = push(k, line, k->list.count);
	return ok;
}

static void on_version(struct viv_ktap *k, const struct ktap_line *line)
{
	/* All of it may be indented. */
	if (!k->found && !k->any && k->top == 0) {
		top(k)->hashes = line->hashes;
		top(k)->indent = line->indent;
	}
	if (!reach(k, line))
		return;
	if (top(k)->ran || top(k)->has_plan)
		end_document(k);
	top(k)->opened = true;
	k->found = true;
}

static void on_plan(struct viv_ktap *k, const struct ktap_line *line)
{
	struct level *l;

	if (!reach(k, line))
		return;
	if (top(k)->has_plan)
		end_document(k);
	l = top(k);
	l->opened = l->has_plan = true;
	l->planned = line->number;
	k->found = true;
	if (!line->number) {
		k->nothing_planned |= k->top == 0;
		set_slice(&l->skip, line->text);
	}
}

/* A name for the level that stands there or, if none does, for the next one. */
static void on_header(struct viv_ktap *k, const struct ktap_line *line)
{
	if (k->top && compare(line, top(k)) == 0 && top(k)->opened && !top(k)->has_plan &&
	    !top(k)->ran) {
		set_slice(&top(k)->name, line->text);
		return;
	}
	set_slice(&k->header, line->text);
	if (compare(line, top(k)) > 0 && push(k, line, k->list.count))
		top(k)->opened = true;
}

static void on_bail(struct viv_ktap *k, const struct ktap_line *line)
{
	/* One of a program that kselftest runs concerns that one alone. */
	if (line->hashes && compare(line, top(k)) != 0)
		return;
	set_slice(&top(k)->bail, line->text);
	if (!line->text.len)
		viv_str_add(&top(k)->bail, "(no reason)");
}

static void on_comment(struct viv_ktap *k, const struct ktap_line *line)
{
	static const char *const words[] = {"xpect", "EXPECT", "ssert", "ASSERT"};

	if (k->diagnostic.len)
		return;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(words); i++)
		if (line->text.len && memmem(line->text.data, line->text.len, words[i], strlen(words[i]))) {
			set_slice(&k->diagnostic, line->text);
			return;
		}
}

static char *reason_of(struct viv_ktap *k, const struct ktap_line *line, enum viv_verdict verdict,
		       const struct orphans *subtests)
{
	VIV_FREE char *data = viv_ktap_unescape(line->data);
	const struct viv_str *why = subtests->bad.len ? &subtests->bad : &k->diagnostic;

	if (line->expected)
		return viv_asprintf("expected to fail%s%s", data[0] ? ": " : "", data);
	if (verdict == VIV_VERDICT_TIMEOUT)
		return viv_asprintf("timed out%s%s", data[0] ? ": " : "", data);
	if (is_bad(verdict) && why->len)
		return viv_asprintf("%s%s%s", data, data[0] ? ": " : "", why->data);
	if (verdict == VIV_VERDICT_SKIP && !data[0] && subtests->skip.len)
		return viv_ktap_unescape((struct viv_slice){subtests->skip.data, subtests->skip.len});
	return data[0] ? viv_steal(data) : NULL;
}

static void add_point(struct viv_ktap *k, const struct ktap_line *line, size_t first,
		      const struct orphans *subtests)
{
	/* One that says that it passed, though one of its own did not, has not. */
	enum viv_verdict verdict = line->verdict == VIV_VERDICT_PASS && subtests->bad.len
					   ? VIV_VERDICT_FAIL
					   : line->verdict;
	VIV_FREE char *reason = reason_of(k, line, verdict, subtests), *name = viv_ktap_unescape(line->text);
	struct viv_test_subtest *s;

	top(k)->ran++;
	if (!name[0]) {
		free(name);
		name = viv_asprintf("test %llu", (unsigned long long)(line->number ? line->number
										   : top(k)->ran));
	}
	s = put(k, first, name, verdict, reason);
	k->last = s ? (size_t)(s - k->list.items) : SIZE_MAX;
}

/* Is it one, or a sentence that begins like one? */
static bool counts(struct viv_ktap *k, const struct ktap_line *line)
{
	for (unsigned i = 0; i <= k->top; i++)
		if (compare(line, &k->levels[i]) == 0)
			return k->levels[i].opened || (line->number && !line->hashes);
	return line->number && !line->hashes;
}

static void on_point(struct viv_ktap *k, const struct ktap_line *line)
{
	struct orphans o = {0};
	size_t first;

	if (!counts(k, line))
		return;
	pop_deeper(k, line, &o);
	first = o.any ? o.first : k->list.count;
	if (compare(line, top(k)) <= 0 || push(k, line, first)) {
		add_point(k, line, first, &o);
		k->after_point = true;
		k->yaml_hashes = line->hashes;
		k->yaml_indent = line->indent + 2;
	}
	free_orphans(&o);
	viv_str_clear(&k->header);
	viv_str_clear(&k->diagnostic);
}

/* "key: value", the value perhaps in quotes. */
static bool yaml_value(struct viv_slice text, const char *key, struct viv_slice *ret)
{
	size_t n = strlen(key);

	if (text.len <= n || memcmp(text.data, key, n) != 0 || text.data[n] != ':')
		return false;
	text = viv_slice_trim((struct viv_slice){text.data + n + 1, text.len - n - 1});
	if (text.len >= 2 && (text.data[0] == '"' || text.data[0] == '\'') &&
	    text.data[text.len - 1] == text.data[0])
		text = (struct viv_slice){text.data + 1, text.len - 2};
	*ret = text;
	return text.len > 0;
}

static void on_yaml_text(struct viv_ktap *k, const struct ktap_line *line)
{
	struct viv_test_subtest *s = k->last < k->list.count ? &k->list.items[k->last] : NULL;
	struct viv_slice value;
	uint64_t ms;
	size_t n = 0;

	if (!s || line->indent != k->yaml_indent)
		return;
	if (yaml_value(line->text, "message", &value) && !s->reason && is_bad(s->verdict) &&
	    value.data[0] != '|' && value.data[0] != '>') {
		struct viv_str *bad = &top(k)->bad;

		s->reason = viv_strndup(value.data, VIV_MIN(value.len, REASON_LENGTH));
		/* The first that failed, until now without a reason. */
		if (bad->len && viv_streq(bad->data, s->name))
			viv_str_addf(bad, ": %s", s->reason);
	}
	if (!yaml_value(line->text, "duration_ms", &value))
		return;
	while (n < value.len && value.data[n] != '.')
		n++;
	if (viv_slice_u64((struct viv_slice){value.data, n}, INT32_MAX, &ms))
		s->ms = (int64_t)ms;
}

/* True: the line belongs to a block. */
static bool in_yaml(struct viv_ktap *k, const struct ktap_line *line)
{
	bool here = line->hashes == k->yaml_hashes;
	bool empty = line->kind == KTAP_OTHER && !line->text.len;

	if (!k->in_yaml) {
		if (line->kind == KTAP_COMMENT || empty)
			return false;
		k->in_yaml = k->after_point && line->kind == KTAP_YAML && here &&
			     line->indent == k->yaml_indent;
		k->after_point = false;
		return k->in_yaml;
	}
	/* Less far in: its end is missing. */
	if (!empty && (!here || line->indent < k->yaml_indent)) {
		k->in_yaml = false;
		return false;
	}
	if (line->indent == k->yaml_indent && viv_slice_eq(line->text, "..."))
		k->in_yaml = false;
	else
		on_yaml_text(k, line);
	return true;
}

static void on_line(struct viv_ktap *k, struct viv_slice text)
{
	struct ktap_line line;

	viv_ktap_line(text, &line);
	if (in_yaml(k, &line))
		return;
	switch (line.kind) {
	case KTAP_VERSION: on_version(k, &line); break;
	case KTAP_PLAN: on_plan(k, &line); break;
	case KTAP_POINT: on_point(k, &line); break;
	case KTAP_BAIL: on_bail(k, &line); break;
	case KTAP_HEADER: on_header(k, &line); break;
	case KTAP_COMMENT: on_comment(k, &line); break;
	case KTAP_YAML:
	case KTAP_OTHER: break;
	}
}

static void end_line(struct viv_ktap *k)
{
	/* Names are C strings. */
	for (size_t i = 0; i < k->line.len; i++)
		if (!k->line.data[i])
			k->line.data[i] = '?';
	on_line(k, (struct viv_slice){k->line.data, k->line.len});
	viv_str_clear(&k->line);
}

void viv_ktap_feed(struct viv_ktap *k, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		const char *end = memchr(p, '\n', len);
		size_t n = end ? (size_t)(end - p) : len;

		viv_str_add_bytes(&k->line, p, VIV_MIN(n, VIV_KTAP_LINE_MAX - k->line.len));
		if (!end)
			return;
		end_line(k);
		p += n + 1;
		len -= n + 1;
	}
}

static void count(struct viv_ktap_summary *s)
{
	for (size_t i = 0; i < s->subtests.count; i++) {
		const struct viv_test_subtest *t = &s->subtests.items[i];

		if (i + 1 < s->subtests.count && t[1].depth > t->depth)
			continue;
		if (t->verdict == VIV_VERDICT_SKIP)
			s->skipped++;
		else if (t->verdict == VIV_VERDICT_PASS)
			s->passed++;
		else
			s->failed++;
	}
}

static void judge(struct viv_ktap *k, struct viv_ktap_summary *s)
{
	const struct viv_str *why = &k->levels[0].skip;

	if (k->bad) {
		s->verdict = VIV_VERDICT_FAIL;
		s->reason = viv_strdup(k->levels[0].bad.len ? k->levels[0].bad.data : "a subtest failed");
	} else if (!k->any && !k->nothing_planned) {
		s->verdict = VIV_VERDICT_FAIL;
		s->reason = viv_strdup("no results came");
	} else if (!s->passed) {
		s->verdict = VIV_VERDICT_SKIP;
		s->reason = why->len ? viv_ktap_unescape((struct viv_slice){why->data, why->len})
				     : viv_strdup("all subtests were skipped");
	}
}

void viv_ktap_finish(struct viv_ktap *k, struct viv_ktap_summary *ret)
{
	static const struct ktap_line end = {.kind = KTAP_OTHER};
	struct viv_ktap_summary s = {.found = k->found, .verdict = VIV_VERDICT_PASS};
	struct orphans o = {0};

	if (k->line.len)
		viv_ktap_feed(k, "\n", 1);
	pop_deeper(k, &end, &o);
	adopt(k, &o);
	end_document(k);
	if (s.found) {
		s.subtests = k->list;
		k->list = (struct viv_test_subtests){0};
		count(&s);
		judge(k, &s);
	}
	viv_ktap_summary_free_contents(ret);
	*ret = s;
}
