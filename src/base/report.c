/* SPDX-License-Identifier: MIT */
#include "base/report.h"

#include "base/str.h"

void viv_say(struct viv_report *r, enum viv_level level, const char *fmt, ...)
{
	VIV_STR text = VIV_STR_INIT;
	va_list ap;

	if (!r || !r->message)
		return;
	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	r->message(r, level, text.data);
}

void viv_task_begin(struct viv_report *r, uint64_t total, const char *fmt, ...)
{
	VIV_STR text = VIV_STR_INIT;
	va_list ap;

	if (!r || !r->begin)
		return;
	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	r->begin(r, text.data, total);
}

void viv_task_advance(struct viv_report *r, uint64_t done, const char *detail)
{
	if (r && r->advance)
		r->advance(r, done, detail);
}

void viv_task_end(struct viv_report *r, bool ok)
{
	if (r && r->end)
		r->end(r, ok);
}

/* The length of the character at p, that a terminal shows and does not obey; 0: there is none. */
static size_t shown(const unsigned char *p)
{
	/* Lead byte, range of the second (Unicode, table 3-7), bytes after it. C2 80 to 9F:
	 * controls. */
	static const struct {
		unsigned char first, last, from, to, more;
	} rows[] = {
		{'\t', '\n', 0, 0, 0},	     {0x20, 0x7e, 0, 0, 0},
		{0xc2, 0xc2, 0xa0, 0xbf, 1}, {0xc3, 0xdf, 0x80, 0xbf, 1},
		{0xe0, 0xe0, 0xa0, 0xbf, 2}, {0xe1, 0xec, 0x80, 0xbf, 2},
		{0xed, 0xed, 0x80, 0x9f, 2}, {0xee, 0xef, 0x80, 0xbf, 2},
		{0xf0, 0xf0, 0x90, 0xbf, 3}, {0xf1, 0xf3, 0x80, 0xbf, 3},
		{0xf4, 0xf4, 0x80, 0x8f, 3},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		size_t n = 1;

		if (*p < rows[i].first || *p > rows[i].last)
			continue;
		if (rows[i].more && (p[1] < rows[i].from || p[1] > rows[i].to))
			return 0;
		for (n = 1; n < rows[i].more + 1u; n++)
			if ((p[n] & 0xc0) != 0x80)
				return 0;
		return n;
	}
	return 0;
}

char *viv_report_text(const char *text)
{
	VIV_STR s = VIV_STR_INIT;

	while (*text) {
		size_t n = shown((const unsigned char *)text);

		if (n)
			viv_str_add_bytes(&s, text, n);
		else
			viv_str_addf(&s, "\\x%02x", (unsigned char)*text);
		text += n ? n : 1;
	}
	return viv_str_steal(&s);
}
