/* SPDX-License-Identifier: MIT */
#include "test/ktap-line.h"

#include <ctype.h>
#include <strings.h>

#define NUMBER_MAX 999999999

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void drop(struct viv_slice *s, size_t n)
{
	s->data += n;
	s->len -= n;
}

static void skip_blanks(struct viv_slice *s)
{
	while (s->len && is_blank(s->data[0]))
		drop(s, 1);
}

static bool begins(struct viv_slice s, const char *text)
{
	return s.len >= strlen(text) && strncasecmp(s.data, text, strlen(text)) == 0;
}

/* Takes the text away if it begins so. */
static bool take(struct viv_slice *s, const char *text)
{
	if (s->len < strlen(text) || memcmp(s->data, text, strlen(text)) != 0)
		return false;
	drop(s, strlen(text));
	return true;
}

static bool take_number(struct viv_slice *s, uint64_t *ret)
{
	size_t n = 0;

	while (n < s->len && isdigit((unsigned char)s->data[n]))
		n++;
	if (n < s->len && !is_blank(s->data[n]))
		return false;
	if (!viv_slice_u64((struct viv_slice){s->data, n}, NUMBER_MAX, ret))
		return false;
	drop(s, n);
	return true;
}

/* "[    1.234567]", "[   T12]", "[  C0]": of these brackets one, or 0. */
static size_t bracket(struct viv_slice s)
{
	bool caller, point = false;
	size_t n = 1;

	if (!s.len || s.data[0] != '[')
		return 0;
	while (n < s.len && s.data[n] == ' ')
		n++;
	caller = n < s.len && (s.data[n] == 'T' || s.data[n] == 'C');
	n += caller;
	if (n >= s.len || !isdigit((unsigned char)s.data[n]))
		return 0;
	for (; n < s.len && (isdigit((unsigned char)s.data[n]) || s.data[n] == '.'); n++)
		point |= s.data[n] == '.';
	return n < s.len && s.data[n] == ']' && point != caller ? n + 1 : 0;
}

/* Level, time, caller, as printk and dmesg put them before a message; a blank separates them from it. */
static void skip_stamp(struct viv_slice *s)
{
	struct viv_slice rest = *s;
	bool any = false;

	if (rest.len > 2 && rest.data[0] == '<' && isdigit((unsigned char)rest.data[1]) &&
	    rest.data[2] == '>')
		drop(&rest, 3);
	for (size_t n; (n = bracket(rest)) > 0; any = true)
		drop(&rest, n);
	if (!any)
		return;
	if (rest.len && rest.data[0] == ' ')
		drop(&rest, 1);
	*s = rest;
}

/* Where the first "#" is that stands by itself and isn't escaped; s.len if there is none. */
static size_t find_hash(struct viv_slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '\\' && i + 1 < s.len)
			i++;
		else if (s.data[i] == '#' && (i == 0 || is_blank(s.data[i - 1])))
			return i;
	}
	return s.len;
}

/* Takes a word that begins so ("SKIP", "SKIPPED:") off. */
static bool take_directive(struct viv_slice *s, const char *name, bool prefix)
{
	size_t n = strlen(name);

	if (!begins(*s, name))
		return false;
	while (n < s->len && !is_blank(s->data[n])) {
		if (!prefix && isalnum((unsigned char)s->data[n]))
			return false;
		n++;
	}
	drop(s, n);
	skip_blanks(s);
	return true;
}

/* What stands behind the "#" of a point. */
static void parse_directive(struct ktap_line *l, bool ok)
{
	if (take_directive(&l->data, "SKIP", true)) {
		l->verdict = VIV_VERDICT_SKIP;
	} else if (take_directive(&l->data, "XFAIL", false)) {
		l->verdict = VIV_VERDICT_SKIP;
		l->expected = true;
	} else if (take_directive(&l->data, "TODO", true)) {
		l->expected = !ok;
		l->verdict = ok ? VIV_VERDICT_PASS : VIV_VERDICT_SKIP;
	} else if (!ok && take_directive(&l->data, "TIMEOUT", false)) {
		l->verdict = VIV_VERDICT_TIMEOUT;
	} else if (!ok && take_directive(&l->data, "ERROR", false)) {
		l->verdict = VIV_VERDICT_ERROR;
	}
}

static bool parse_point(struct viv_slice s, struct ktap_line *l)
{
	bool ok = !take(&s, "not ");
	size_t hash;

	if (!take(&s, "ok") || (s.len && !is_blank(s.data[0])))
		return false;
	l->kind = KTAP_POINT;
	l->verdict = ok ? VIV_VERDICT_PASS : VIV_VERDICT_FAIL;
	skip_blanks(&s);
	if (!take_number(&s, &l->number))
		l->number = 0;
	skip_blanks(&s);
	if (s.len == 1 ? take(&s, "-") : take(&s, "- "))
		skip_blanks(&s);
	hash = find_hash(s);
	l->text = viv_slice_trim((struct viv_slice){s.data, hash});
	if (hash < s.len) {
		drop(&s, hash + 1);
		l->data = viv_slice_trim(s);
		parse_directive(l, ok);
	}
	return true;
}

static bool parse_plan(struct viv_slice s, struct ktap_line *l)
{
	if (!take(&s, "1..") || !take_number(&s, &l->number))
		return false;
	skip_blanks(&s);
	if (s.len && s.data[0] != '#')
		return false;
	take(&s, "#");
	skip_blanks(&s);
	take_directive(&s, "SKIP", true);
	l->kind = KTAP_PLAN;
	l->text = s;
	return true;
}

static bool parse_version(struct viv_slice s, struct ktap_line *l)
{
	uint64_t version;

	if ((!take(&s, "TAP version ") && !take(&s, "KTAP version ")) || !take_number(&s, &version))
		return false;
	l->kind = KTAP_VERSION;
	return true;
}

static bool parse_comment(struct viv_slice s, struct ktap_line *l)
{
	/* "# " may have been taken for one that kselftest put there. */
	bool behind = take(&s, "#");

	if (!behind && !l->hashes)
		return false;
	skip_blanks(&s);
	l->kind = KTAP_COMMENT;
	if (take(&s, "Subtest: ")) {
		l->kind = KTAP_HEADER;
		if (!behind)
			l->hashes--;
	}
	l->text = s;
	return true;
}

static bool parse_bail(struct viv_slice s, struct ktap_line *l)
{
	static const char mark[] = "Bail out!";

	if (!begins(s, mark))
		return false;
	drop(&s, strlen(mark));
	l->kind = KTAP_BAIL;
	l->text = viv_slice_trim(s);
	return true;
}

void viv_ktap_line(struct viv_slice line, struct ktap_line *ret)
{
	struct ktap_line l = {.kind = KTAP_OTHER};
	struct viv_slice s = line;

	while (s.len && isspace((unsigned char)s.data[s.len - 1]))
		s.len--;
	skip_stamp(&s);
	while (take(&s, "# "))
		l.hashes++;
	for (; s.len && is_blank(s.data[0]); drop(&s, 1))
		l.indent += s.data[0] == '\t' ? 8 - l.indent % 8 : 1;
	if (!s.len || parse_version(s, &l) || parse_plan(s, &l) || parse_point(s, &l) ||
	    parse_bail(s, &l)) {
		*ret = l;
		return;
	}
	if (viv_slice_eq(s, "---"))
		l.kind = KTAP_YAML;
	else
		parse_comment(s, &l);
	if (l.kind == KTAP_OTHER)
		l.text = s;
	*ret = l;
}

char *viv_ktap_unescape(struct viv_slice text)
{
	VIV_STR s = VIV_STR_INIT;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\\' && i + 1 < text.len &&
		    (text.data[i + 1] == '#' || text.data[i + 1] == '\\'))
			i++;
		viv_str_add_char(&s, text.data[i]);
	}
	return viv_str_steal(&s);
}
