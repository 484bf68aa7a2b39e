/* SPDX-License-Identifier: MIT */
#include "config/lua/scan.h"

#include <ctype.h>

#define MAX_TOKENS 2000000

struct scanner {
	const char *p, *end;
	int line;
	bool line_open; /* a token was seen on this line */
};

static bool at(const struct scanner *s, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(s->end - s->p) >= n && memcmp(s->p, text, n) == 0;
}

static void step(struct scanner *s)
{
	if (*s->p == '\n') {
		s->line++;
		s->line_open = false;
	}
	s->p++;
}

/* "[", "=" n times, "[": n + 1; else 0. */
static size_t long_bracket(const struct scanner *s)
{
	const char *p = s->p;
	size_t n = 1;

	if (p == s->end || *p != '[')
		return 0;
	for (p++; p < s->end && *p == '='; p++)
		n++;
	return p < s->end && *p == '[' ? n : 0;
}

/* At a long bracket of that level: what is within; ends after the closing one, or at the end. */
static struct viv_slice take_long(struct scanner *s, size_t level)
{
	struct viv_slice text;

	s->p += level + 1;
	text.data = s->p;
	while (s->p < s->end) {
		if (*s->p == ']' && (size_t)(s->end - s->p) > level && s->p[level] == ']' &&
		    strspn(s->p + 1, "=") >= level - 1) {
			text.len = (size_t)(s->p - text.data);
			s->p += level + 1;
			return text;
		}
		step(s);
	}
	text.len = (size_t)(s->p - text.data);
	return text;
}

static void skip_comment(struct scanner *s)
{
	size_t level;

	s->p += 2;
	level = long_bracket(s);
	if (level) {
		take_long(s, level);
		return;
	}
	while (s->p < s->end && *s->p != '\n')
		s->p++;
}

static void skip_blank(struct scanner *s)
{
	while (s->p < s->end) {
		if (isspace((unsigned char)*s->p))
			step(s);
		else if (at(s, "--"))
			skip_comment(s);
		else
			return;
	}
}

static struct viv_slice take_quoted(struct scanner *s)
{
	char quote = *s->p++;
	struct viv_slice text = {s->p, 0};

	while (s->p < s->end && *s->p != quote && *s->p != '\n') {
		if (*s->p == '\\' && s->end - s->p > 1)
			step(s);
		step(s);
	}
	text.len = (size_t)(s->p - text.data);
	if (s->p < s->end && *s->p == quote)
		s->p++;
	return text;
}

static struct viv_slice take_while(struct scanner *s, bool number)
{
	struct viv_slice text = {s->p, 0};

	while (s->p < s->end &&
	       (isalnum((unsigned char)*s->p) || *s->p == '_' || (number && *s->p == '.')))
		s->p++;
	text.len = (size_t)(s->p - text.data);
	return text;
}

static struct viv_slice take_op(struct scanner *s)
{
	static const char *const ops[] = {"...", "..", "==", "~=", "<=", ">=", "//",
					  "::",	 "<<", ">>", "!=", "&&", "||", "++"};
	struct viv_slice text = {s->p, 1};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(ops); i++) {
		if (at(s, ops[i])) {
			text.len = strlen(ops[i]);
			break;
		}
	}
	s->p += text.len;
	return text;
}

static const struct {
	const char *text;
	unsigned role;
} roles[] = {
	{"(", VIV_TOKEN_OPENS},
	{"[", VIV_TOKEN_OPENS},
	{"{", VIV_TOKEN_OPENS},
	{")", VIV_TOKEN_CLOSES | VIV_TOKEN_OPERAND},
	{"]", VIV_TOKEN_CLOSES | VIV_TOKEN_OPERAND},
	{"}", VIV_TOKEN_CLOSES | VIV_TOKEN_OPERAND},
	{",", VIV_TOKEN_STOPS},
	{";", VIV_TOKEN_STOPS},
	{"=", VIV_TOKEN_STOPS},
	{"...", VIV_TOKEN_OPERAND},
	{"function", VIV_TOKEN_KEYWORD | VIV_TOKEN_OPENS},
	{"if", VIV_TOKEN_KEYWORD | VIV_TOKEN_OPENS},
	{"do", VIV_TOKEN_KEYWORD | VIV_TOKEN_OPENS},
	{"repeat", VIV_TOKEN_KEYWORD | VIV_TOKEN_OPENS},
	{"end", VIV_TOKEN_KEYWORD | VIV_TOKEN_CLOSES | VIV_TOKEN_OPERAND},
	{"until", VIV_TOKEN_KEYWORD | VIV_TOKEN_CLOSES},
	{"and", VIV_TOKEN_KEYWORD | VIV_TOKEN_JOINS},
	{"or", VIV_TOKEN_KEYWORD | VIV_TOKEN_JOINS},
	{"break", VIV_TOKEN_KEYWORD},
	{"else", VIV_TOKEN_KEYWORD},
	{"elseif", VIV_TOKEN_KEYWORD},
	{"for", VIV_TOKEN_KEYWORD},
	{"goto", VIV_TOKEN_KEYWORD},
	{"in", VIV_TOKEN_KEYWORD},
	{"local", VIV_TOKEN_KEYWORD},
	{"not", VIV_TOKEN_KEYWORD},
	{"return", VIV_TOKEN_KEYWORD},
	{"then", VIV_TOKEN_KEYWORD},
	{"while", VIV_TOKEN_KEYWORD},
};

static unsigned role_of(const struct viv_token *t)
{
	if (t->kind == VIV_TOKEN_STRING || t->kind == VIV_TOKEN_NUMBER)
		return VIV_TOKEN_OPERAND;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(roles); i++)
		if (roles[i].text[0] == t->text.data[0] && viv_slice_eq(t->text, roles[i].text))
			return roles[i].role;
	return t->kind == VIV_TOKEN_NAME ? VIV_TOKEN_OPERAND : 0;
}

static int nesting(const struct viv_token *t)
{
	return t->role & VIV_TOKEN_OPENS ? 1 : t->role & VIV_TOKEN_CLOSES ? -1 : 0;
}

static struct viv_token take(struct scanner *s)
{
	struct viv_token t = {.line = s->line, .opens_line = !s->line_open};
	size_t level = long_bracket(s);

	s->line_open = true;
	if (level) {
		t.kind = VIV_TOKEN_STRING;
		t.long_string = true;
		t.text = take_long(s, level);
	} else if (*s->p == '"' || *s->p == '\'') {
		t.kind = VIV_TOKEN_STRING;
		t.text = take_quoted(s);
	} else if (isdigit((unsigned char)*s->p)) {
		t.kind = VIV_TOKEN_NUMBER;
		t.text = take_while(s, true);
	} else if (isalpha((unsigned char)*s->p) || *s->p == '_') {
		t.kind = VIV_TOKEN_NAME;
		t.text = take_while(s, false);
	} else {
		t.kind = VIV_TOKEN_OP;
		t.text = take_op(s);
	}
	t.role = role_of(&t);
	return t;
}

struct viv_tokens viv_scan(struct viv_arena *arena, struct viv_slice text)
{
	struct scanner s = {text.data, text.data + text.len, 1, false};
	struct viv_tokens all = {0};
	size_t cap = 0;

	for (skip_blank(&s); s.p < s.end && all.count < MAX_TOKENS; skip_blank(&s)) {
		all.items =
			viv_arena_grow(arena, all.items, &cap, all.count + 2, sizeof(*all.items));
		all.items[all.count++] = take(&s);
	}
	all.items = viv_arena_grow(arena, all.items, &cap, all.count + 1, sizeof(*all.items));
	all.items[all.count] = (struct viv_token){.kind = VIV_TOKEN_END, .line = s.line};
	return all;
}

bool viv_token_is(const struct viv_token *t, const char *text)
{
	return (t->kind == VIV_TOKEN_NAME || t->kind == VIV_TOKEN_OP) &&
	       viv_slice_eq(t->text, text);
}

/* The end of the expression that begins at `i`: at a comma, a closing bracket, the next statement.
 */
static size_t expression_end(const struct viv_tokens *t, size_t i, size_t to)
{
	int depth = 0;

	for (size_t from = i; i < to; i++) {
		const struct viv_token *x = &t->items[i];
		int n = nesting(x);

		if (depth == 0 && (n < 0 || x->role & VIV_TOKEN_STOPS))
			return i;
		if (depth == 0 && i > from && x[-1].role & VIV_TOKEN_OPERAND &&
		    x->kind == VIV_TOKEN_NAME && !(x->role & VIV_TOKEN_JOINS))
			return i;
		depth += n;
	}
	return to;
}

/* a.b["c"]: its parts; the token after it. 0: no such thing begins at i. */
static size_t parse_lhs(struct viv_arena *arena, const struct viv_tokens *t, size_t i,
			struct viv_name *ret)
{
	const char *parts[32];
	size_t n = 0;

	if (t->items[i].kind != VIV_TOKEN_NAME || t->items[i].role & VIV_TOKEN_KEYWORD)
		return 0;
	for (bool first = true; n < VIV_ARRAY_SIZE(parts); first = false) {
		const struct viv_token *x = &t->items[i];
		const struct viv_token *part = NULL;

		if (first) {
			part = x;
			i += 1;
		} else if (viv_token_is(x, ".") && x[1].kind == VIV_TOKEN_NAME) {
			part = &x[1];
			i += 2;
		} else if (viv_token_is(x, "[") && x[1].kind == VIV_TOKEN_STRING &&
			   viv_token_is(&x[2], "]")) {
			part = &x[1];
			i += 3;
		} else {
			break;
		}
		parts[n++] = viv_arena_strndup(arena, part->text.data, part->text.len);
	}
	if (!viv_token_is(&t->items[i], "="))
		return 0;
	*ret = viv_name_join(arena, &(struct viv_name){parts, n}, &(struct viv_name){0});
	return i;
}

/* What the tokens are within: '{' for a table, where `a = 1` is a member and no statement. */
static void track(struct viv_str *open, const struct viv_token *x)
{
	int n = nesting(x);

	if (n > 0)
		viv_str_add_char(open, x->text.data[0]);
	else if (n < 0 && open->len)
		open->data[--open->len] = '\0';
}

struct viv_statements viv_scan_statements(struct viv_arena *arena, const struct viv_tokens *t)
{
	struct viv_statements all = {0};
	VIV_STR open = VIV_STR_INIT;
	size_t cap = 0;

	for (size_t i = 0; i < t->count; i++) {
		struct viv_statement s = {0};
		bool in_table = open.len && open.data[open.len - 1] == '{';
		bool continues = i && (viv_token_is(&t->items[i - 1], ".") ||
				       viv_token_is(&t->items[i - 1], ":"));
		size_t equals = in_table || continues ? 0 : parse_lhs(arena, t, i, &s.lhs);

		track(&open, &t->items[i]);
		if (!equals)
			continue;
		s.value = equals + 1;
		s.end = expression_end(t, s.value, t->count);
		s.first_line = t->items[i].line;
		s.last_line = s.end > i ? t->items[s.end - 1].line : s.first_line;
		/* A string of several lines ends below where it begins. */
		s.last_line = VIV_MAX(s.last_line, t->items[s.end].line - 1);
		if (s.end < t->count && !t->items[s.end].opens_line)
			s.last_line = t->items[s.end].line;
		all.items =
			viv_arena_grow(arena, all.items, &cap, all.count + 1, sizeof(*all.items));
		all.items[all.count++] = s;
	}
	return all;
}

static int find_in_table(const struct viv_tokens *t, size_t from, size_t to,
			 const struct viv_name *name, unsigned depth);

/* In every table that stands in [from, to), not within another. */
static int find_in_value(const struct viv_tokens *t, size_t from, size_t to,
			 const struct viv_name *name, unsigned depth)
{
	for (size_t i = from; i < to && depth < 100; i++) {
		size_t open = i;
		int level = 1, line;

		if (!viv_token_is(&t->items[i], "{"))
			continue;
		while (level && ++i < to)
			level += viv_token_is(&t->items[i], "{") - viv_token_is(&t->items[i], "}");
		line = find_in_table(t, open + 1, i, name, depth + 1);
		if (line)
			return line;
	}
	return 0;
}

/* "[2]" -> 2; 0 for what is no item's number. */
static uint64_t item_number(const char *part)
{
	uint64_t n = 0;

	if (viv_name_is_index(part))
		viv_slice_u64((struct viv_slice){part + 1, strlen(part) - 2}, INT32_MAX, &n);
	return n;
}

/* The line of the n-th word of pkgs[[ a b c ]]; 0 for none, as for n = 0. */
static int find_word(const struct viv_tokens *t, size_t from, size_t to, uint64_t n)
{
	for (size_t i = from; n && i < to; i++) {
		const struct viv_token *x = &t->items[i];
		struct viv_slice rest = x->text, word = {0};
		int line = x->line;

		if (x->kind != VIV_TOKEN_STRING || i == from || !viv_token_is(&x[-1], "pkgs"))
			continue;
		for (uint64_t k = 0; k < n; k++)
			if (!viv_slice_word(&rest, &word))
				return 0;
		for (const char *p = x->text.data; p < word.data; p++)
			line += *p == '\n';
		return line;
	}
	return 0;
}

/* A member's key, or nothing for an item; *ret is where its value begins. */
static struct viv_slice member_key(const struct viv_tokens *t, size_t i, size_t *ret)
{
	const struct viv_token *x = &t->items[i];

	*ret = i;
	if (x->kind == VIV_TOKEN_NAME && viv_token_is(&x[1], "=")) {
		*ret = i + 2;
		return x->text;
	}
	if (viv_token_is(x, "[") && x[1].kind == VIV_TOKEN_STRING && viv_token_is(&x[2], "]") &&
	    viv_token_is(&x[3], "=")) {
		*ret = i + 4;
		return x[1].text;
	}
	return (struct viv_slice){0};
}

/* The rest of the name, from the member's value on; the member's own line if it isn't found. */
static int go_on(const struct viv_tokens *t, size_t from, size_t to, int line,
		 const struct viv_name *name, unsigned depth)
{
	struct viv_name rest = viv_name_rest(name, 1);
	int deeper;

	if (!rest.count)
		return line;
	deeper = find_word(t, from, to, item_number(rest.parts[0]));
	if (!deeper)
		deeper = find_in_value(t, from, to, &rest, depth);
	return deeper ? deeper : line;
}

static int find_in_table(const struct viv_tokens *t, size_t from, size_t to,
			 const struct viv_name *name, unsigned depth)
{
	bool index = viv_name_is_index(name->parts[0]);
	uint64_t wanted = item_number(name->parts[0]), item = 0;

	if (index && !wanted)
		return 0;
	for (size_t i = from, next; i < to; i = next + 1) {
		size_t value, end;
		struct viv_slice key = member_key(t, i, &value);
		int line = t->items[i].line, found;

		end = expression_end(t, value, to);
		next = VIV_MAX(end, i);
		if (!key.data && end > i)
			item++;
		if (index ? !key.data && item == wanted
			  : key.data && viv_slice_eq(key, name->parts[0]))
			return go_on(t, value, end, line, name, depth);
		/* mkMerge{ { a = 1 }, { b = 2 } }: members of its items. */
		found = key.data || index ? 0 : find_in_value(t, value, end, name, depth);
		if (found)
			return found;
	}
	return 0;
}

int viv_scan_find(const struct viv_tokens *t, size_t from, size_t to, const struct viv_name *name)
{
	int line;

	if (!name->count)
		return 0;
	line = find_word(t, from, to, item_number(name->parts[0]));
	return line ? line : find_in_value(t, from, to, name, 0);
}

bool viv_scan_nil(struct viv_tokens t, struct viv_str *open, size_t *at, bool *ret_member)
{
	for (; *at < t.count; (*at)++) {
		const struct viv_token *x = &t.items[*at];
		bool in_table = open->len && open->data[open->len - 1] == '{';

		track(open, x);
		if (!in_table || *at == 0 || !viv_token_is(x, "nil"))
			continue;
		if (!viv_token_is(&x[1], ",") && !viv_token_is(&x[1], ";") &&
		    !viv_token_is(&x[1], "}"))
			continue;
		*ret_member = viv_token_is(&x[-1], "=");
		if (*ret_member || viv_token_is(&x[-1], "{") || viv_token_is(&x[-1], ",") ||
		    viv_token_is(&x[-1], ";")) {
			(*at)++;
			return true;
		}
	}
	return false;
}
