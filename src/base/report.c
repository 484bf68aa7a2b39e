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
