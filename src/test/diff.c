/* SPDX-License-Identifier: MIT */
#include "test/diff.h"

#include "test/text.h"

#define AROUND	  3	  /* lines that are the same, before and after those that are not */
#define SHOWN_MAX 400	  /* lines */
#define WIDTH_MAX 4096	  /* bytes of each */
#define LINES_MAX 100000  /* of each text that are compared, from the first that differs on */
#define BEFORE_MAX 60     /* bytes that are the same, of a long line */
#define CELLS_MAX 1000000 /* of the table; texts that differ over more lines are shown one after the other */

struct lines {
	struct viv_slice *items;
	size_t n, cap;
};

/* What is shown in the end: '-', '+' or ' ' and a line. */
struct change {
	char sign;
	struct viv_slice line;
};

struct changes {
	struct change *items;
	size_t n, cap;
};

/* True: there are more. */
static bool split(struct viv_slice text, size_t max, struct lines *ret)
{
	struct viv_slice line;

	while (ret->n < max && text.len && viv_slice_line(&text, &line)) {
		ret->items = viv_grow(ret->items, &ret->cap, ret->n + 1, sizeof(line));
		ret->items[ret->n++] = line;
	}
	return text.len;
}

/* Takes the last line off the text. */
static struct viv_slice last_line(struct viv_slice *text)
{
	size_t end = text->len - (text->data[text->len - 1] == '\n'), from = end;

	while (from && text->data[from - 1] != '\n')
		from--;
	text->len = from;
	return (struct viv_slice){text->data + from, end - from};
}

static bool same(struct viv_slice a, struct viv_slice b)
{
	return a.len == b.len && (!a.len || memcmp(a.data, b.data, a.len) == 0);
}

static void add(struct changes *c, char sign, const struct viv_slice *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		c->items = viv_grow(c->items, &c->cap, c->n + 1, sizeof(*c->items));
		c->items[c->n++] = (struct change){sign, lines[i]};
	}
}

/* The longest common subsequence, by the table of its lengths from each pair of lines on. */
static void compare(const struct viv_slice *a, size_t n, const struct viv_slice *b, size_t m, struct changes *ret)
{
	VIV_FREE uint32_t *table = NULL;
	size_t width = m + 1, i = n, k;

	if (n + 1 > CELLS_MAX / width) {
		add(ret, '-', a, n);
		add(ret, '+', b, m);
		return;
	}
	table = viv_new_array(uint32_t, (n + 1) * width);
	while (i-- > 0)
		for (k = m; k-- > 0;)
			table[i * width + k] = same(a[i], b[k]) ? table[(i + 1) * width + k + 1] + 1
							       : VIV_MAX(table[(i + 1) * width + k], table[i * width + k + 1]);
	for (i = k = 0; i < n || k < m;) {
		if (i < n && k < m && same(a[i], b[k])) {
			add(ret, ' ', &a[i++], 1);
			k++;
		} else if (i < n && (k == m || table[(i + 1) * width + k] >= table[i * width + k + 1])) {
			add(ret, '-', &a[i++], 1);
		} else {
			add(ret, '+', &b[k++], 1);
		}
	}
}

static bool is_near(const struct changes *c, size_t at)
{
	for (size_t i = at > AROUND ? at - AROUND : 0; i < c->n && i <= at + AROUND; i++)
		if (c->items[i].sign != ' ')
			return true;
	return false;
}

static void show_line(const struct change *c, struct viv_str *ret)
{
	struct viv_slice line = c->line;
	VIV_FREE char *text = NULL;

	if (line.len > WIDTH_MAX)
		for (line.len = WIDTH_MAX; line.len && ((unsigned char)line.data[line.len] & 0xc0) == 0x80;)
			line.len--;
	text = viv_test_whole(line);
	viv_str_addf(ret, "%c %s%s\n", c->sign, text, line.len < c->line.len ? "…" : "");
}

/* more: than the changes are. */
static void show(const struct changes *c, bool more, struct viv_str *ret)
{
	bool left_out = false;
	size_t shown = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (!is_near(c, i) || shown == SHOWN_MAX) {
			viv_str_add(ret, left_out ? "" : "  …\n");
			left_out = true;
			continue;
		}
		show_line(&c->items[i], ret);
		left_out = false;
		shown++;
	}
	viv_str_add(ret, more && !left_out ? "  …\n" : "");
}

/* Takes the lines off both that they begin with; how many. */
static size_t skip_begin(struct viv_slice *a, struct viv_slice *b)
{
	struct viv_slice x = *a, y = *b, line, other;
	size_t n = 0;

	while (x.len && y.len && viv_slice_line(&x, &line) && viv_slice_line(&y, &other) && same(line, other)) {
		*a = x;
		*b = y;
		n++;
	}
	return n;
}

static void skip_end(struct viv_slice *a, struct viv_slice *b)
{
	struct viv_slice x = *a, y = *b;

	while (x.len && y.len && same(last_line(&x), last_line(&y))) {
		*a = x;
		*b = y;
	}
}

size_t viv_test_diff(struct viv_slice old, struct viv_slice new, struct viv_str *ret)
{
	struct viv_slice x = old, y = new, before, after = {0};
	struct lines a = {0}, b = {0}, around = {0};
	struct changes c = {0};
	size_t begin = skip_begin(&x, &y);
	bool more;

	if (!x.len && !y.len)
		return 0;
	/* A line more than is shown: a … stands for it. */
	before = (struct viv_slice){old.data, old.len - x.len};
	for (size_t i = 0; i <= AROUND && before.len; i++)
		last_line(&before);
	if (old.len)
		split((struct viv_slice){old.data + before.len, old.len - x.len - before.len}, AROUND + 1, &around);
	add(&c, ' ', around.items, around.n);
	skip_end(&x, &y);
	more = split(x, LINES_MAX, &a);
	more |= split(y, LINES_MAX, &b);
	compare(a.items, a.n, b.items, b.n, &c);
	/* What follows those that are left out does not follow these. */
	if (!more && old.len)
		after = (struct viv_slice){x.data + x.len, (size_t)(old.data + old.len - (x.data + x.len))};
	around.n = 0;
	split(after, AROUND + 1, &around);
	add(&c, ' ', around.items, around.n);
	show(&c, more, ret);
	free(a.items);
	free(b.items);
	free(around.items);
	free(c.items);
	return begin + 1;
}

static bool has_lines(struct viv_slice text)
{
	return text.len && memchr(text.data, '\n', text.len - 1);
}

char *viv_test_differs(struct viv_slice got, struct viv_slice wanted, struct viv_str *ret_lines)
{
	VIV_FREE char *a = NULL, *b = NULL;
	VIV_STR lines = VIV_STR_INIT;
	size_t first = has_lines(got) || has_lines(wanted) ? viv_test_diff(wanted, got, &lines) : 0, from = 0;

	if (first) {
		viv_str_addf(ret_lines, "expected (-), got (+):\n%s", lines.data);
		return viv_asprintf("the texts differ from line %zu on", first);
	}
	while (from < got.len && from < wanted.len && got.data[from] == wanted.data[from])
		from++;
	from = from > 2 * BEFORE_MAX ? from - BEFORE_MAX : 0;
	a = viv_test_quoted(got, from);
	b = viv_test_quoted(wanted, from);
	return viv_asprintf("expected %s, got %s", b, a);
}
