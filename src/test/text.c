/* SPDX-License-Identifier: MIT */
#include "test/text.h"

#include "base/report.h"

#define QUOTED_MAX 500 /* bytes */

/* U+FFFE and U+FFFF are UTF-8 like any other, but no characters. */
static bool is_no_character(const char *p)
{
	return (unsigned char)p[0] == 0xef && (unsigned char)p[1] == 0xbf &&
	       (unsigned char)p[2] >= 0xbe;
}

char *viv_test_text(const char *text)
{
	VIV_FREE char *shown = viv_report_text(text);
	VIV_STR s = VIV_STR_INIT;

	for (const char *p = shown; *p; p++) {
		if (is_no_character(p)) {
			viv_str_addf(&s, "\\xef\\xbf\\x%02x", (unsigned char)p[2]);
			p += 2;
		} else {
			viv_str_add_char(&s, *p);
		}
	}
	return viv_str_steal(&s);
}

char *viv_test_line(const char *text)
{
	VIV_FREE char *shown = viv_test_text(text);

	for (char *p = shown; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	return viv_slice_dup(viv_slice_trim(viv_slice(shown)));
}

char *viv_test_no_nul(struct viv_slice text)
{
	VIV_STR s = VIV_STR_INIT;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i])
			viv_str_add_char(&s, text.data[i]);
		else
			viv_str_add(&s, "\\x00");
	}
	return viv_str_steal(&s);
}

char *viv_test_whole(struct viv_slice text)
{
	VIV_FREE char *whole = viv_test_no_nul(text);

	return viv_report_text(whole);
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

char *viv_test_cut(const char *text, size_t max, bool middle)
{
	static const size_t room = 64; /* for the words between */
	size_t len = strlen(text), head, tail;

	if (len <= max)
		return viv_strdup(text);
	if (!middle || max <= room) {
		head = max;
		tail = len;
	} else {
		head = (max - room) / 2;
		tail = len - (max - room) / 2;
	}
	while (head && is_continuation(text[head]))
		head--;
	while (tail < len && is_continuation(text[tail]))
		tail++;
	if (tail == len)
		return viv_strndup(text, head);
	return viv_asprintf("%.*s\n[… %zu bytes …]\n%s", (int)head, text, tail - head, text + tail);
}

char *viv_test_quoted(struct viv_slice text, size_t from)
{
	VIV_STR s = VIV_STR_INIT;
	size_t end;

	while (from && from < text.len && is_continuation(text.data[from]))
		from--;
	end = VIV_MIN(text.len, from + QUOTED_MAX);
	while (end > from && end < text.len && is_continuation(text.data[end]))
		end--;
	viv_str_add(&s, from ? "…\"" : "\"");
	for (size_t i = from; i < end; i++) {
		if (text.data[i] == '\n')
			viv_str_add(&s, "\\n");
		else if (text.data[i] == '\0')
			viv_str_add(&s, "\\x00");
		else
			viv_str_add_char(&s, text.data[i]);
	}
	viv_str_add(&s, end < text.len ? "\"…" : "\"");
	return viv_str_steal(&s);
}
