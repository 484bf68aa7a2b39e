/* SPDX-License-Identifier: MIT */
#include "base/report.h"

#include "base/str.h"
#include "base/utf8.h"

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

char *viv_report_text(const char *text)
{
	size_t len = strlen(text);
	VIV_STR s = VIV_STR_INIT;

	while (len) {
		bool shown;
		size_t n = viv_utf8_next(text, len, &shown);

		shown = shown || *text == '\t' || *text == '\n';
		if (shown)
			viv_str_add_bytes(&s, text, n);
		for (size_t i = 0; i < n && !shown; i++)
			viv_str_addf(&s, "\\x%02x", (unsigned char)text[i]);
		text += n;
		len -= n;
	}
	return viv_str_steal(&s);
}
