/* SPDX-License-Identifier: MIT */
#include "base/str.h"

#include "base/utf8.h"

bool viv_slice_eq(struct viv_slice s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct viv_slice viv_slice_trim(struct viv_slice s)
{
	while (s.len && is_blank(s.data[0]))
		s.data++, s.len--;
	while (s.len && is_blank(s.data[s.len - 1]))
		s.len--;
	return s;
}

bool viv_slice_line(struct viv_slice *rest, struct viv_slice *ret_line)
{
	const char *nl;

	if (!rest->len)
		return false;
	nl = memchr(rest->data, '\n', rest->len);
	ret_line->data = rest->data;
	ret_line->len = nl ? (size_t)(nl - rest->data) : rest->len;
	rest->len -= ret_line->len + (nl ? 1 : 0);
	rest->data += ret_line->len + (nl ? 1 : 0);
	return true;
}

bool viv_slice_word(struct viv_slice *rest, struct viv_slice *ret_word)
{
	while (rest->len && is_blank(rest->data[0]))
		rest->data++, rest->len--;
	if (!rest->len)
		return false;
	ret_word->data = rest->data;
	while (rest->len && !is_blank(rest->data[0]))
		rest->data++, rest->len--;
	ret_word->len = (size_t)(rest->data - ret_word->data);
	return true;
}

char *viv_slice_dup(struct viv_slice s)
{
	char *p = viv_malloc(s.len + 1);

	memcpy(p, s.data, s.len);
	p[s.len] = '\0';
	return p;
}

/* Bytes of the range from p + n on. */
static size_t skip(const char *p, size_t len, size_t n, unsigned char from, unsigned char to)
{
	while (n < len && (unsigned char)p[n] >= from && (unsigned char)p[n] <= to)
		n++;
	return n;
}

/* A string for the terminal: ends with ST (ESC \), of xterm's OSC also with BEL. Without its end it is none: 2. */
static size_t string_length(const char *p, size_t len)
{
	size_t n = 2;

	while (n < len && (unsigned char)p[n] >= ' ' && p[n] != 0x7f)
		n++;
	if (n < len && p[n] == '\a' && p[1] == ']')
		return n + 1;
	return n + 1 < len && p[n] == '\033' && p[n + 1] == '\\' ? n + 2 : 2;
}

/*
 * The length of a terminal's control sequence at p (ECMA-48): CSI, ESC [ parameters final; strings (OSC, DCS, SOS,
 * PM, APC); ESC intermediates final. What breaks off is left out as far as it goes.
 */
static size_t escape_length(const char *p, size_t len)
{
	bool csi = len > 1 && p[1] == '[';
	size_t n;

	if (len > 1 && p[1] && strchr("]PX^_", p[1]))
		return string_length(p, len);
	n = csi ? skip(p, len, 2, 0x20, 0x3f) : skip(p, len, 1, 0x20, 0x2f);
	return n < len && p[n] >= (csi ? 0x40 : 0x30) && p[n] <= 0x7e ? n + 1 : n;
}

char *viv_slice_printable(struct viv_slice s)
{
	char *text = viv_malloc(s.len + 1);
	size_t n = 0, used;

	for (; s.len; s.data += used, s.len -= used) {
		bool shown;

		if (*s.data == '\033') {
			used = escape_length(s.data, s.len);
			continue;
		}
		used = viv_utf8_next(s.data, s.len, &shown);
		if (shown) {
			memcpy(text + n, s.data, used);
			n += used;
		} else {
			text[n++] = *s.data == '\t' ? ' ' : '?';
		}
	}
	text[n] = '\0';
	return text;
}

bool viv_slice_u64(struct viv_slice s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!s.len)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)(s.data[i] - '0');

		if (s.data[i] < '0' || digit > 9)
			return false;
		if (v > (max - digit) / 10 || digit > max)
			return false;
		v = v * 10 + digit;
	}
	*ret = v;
	return true;
}

void viv_str_free(struct viv_str *s)
{
	free(s->data);
	*s = VIV_STR_INIT;
}

void viv_str_clear(struct viv_str *s)
{
	s->len = 0;
	if (s->data)
		s->data[0] = '\0';
}

char *viv_str_reserve(struct viv_str *s, size_t n)
{
	if (n > SIZE_MAX - s->len - 1)
		viv_oom();
	s->data = viv_grow(s->data, &s->cap, s->len + n + 1, 1);
	return s->data + s->len;
}

void viv_str_added(struct viv_str *s, size_t n)
{
	s->len += n;
	s->data[s->len] = '\0';
}

void viv_str_add_bytes(struct viv_str *s, const void *data, size_t len)
{
	char *p = viv_str_reserve(s, len);

	if (len)
		memcpy(p, data, len);
	viv_str_added(s, len);
}

void viv_str_add(struct viv_str *s, const char *text)
{
	viv_str_add_bytes(s, text, strlen(text));
}

void viv_str_add_char(struct viv_str *s, char c)
{
	viv_str_add_bytes(s, &c, 1);
}

void viv_str_addv(struct viv_str *s, const char *fmt, va_list ap)
{
	VIV_FREE char *text = NULL;
	int n = vasprintf(&text, fmt, ap);

	if (n < 0)
		viv_oom();
	viv_str_add_bytes(s, text, (size_t)n);
}

void viv_str_addf(struct viv_str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(s, fmt, ap);
	va_end(ap);
}

void viv_str_drop(struct viv_str *s, size_t n)
{
	if (!n)
		return;
	memmove(s->data, s->data + n, s->len - n);
	s->len -= n;
	s->data[s->len] = '\0';
}

char *viv_str_steal(struct viv_str *s)
{
	char *p = s->data ? s->data : viv_strdup("");

	*s = VIV_STR_INIT;
	return p;
}

void viv_str_add_quoted(struct viv_str *s, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "@%+=:,./_-";

	if (*word && strspn(word, plain) == strlen(word)) {
		viv_str_add(s, word);
		return;
	}
	viv_str_add_char(s, '\'');
	for (const char *p = word; *p; p++) {
		if (*p == '\'')
			viv_str_add(s, "'\\''");
		else
			viv_str_add_char(s, *p);
	}
	viv_str_add_char(s, '\'');
}
