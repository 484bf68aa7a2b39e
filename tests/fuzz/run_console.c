/* SPDX-License-Identifier: MIT */
/* A console's text, recognised for trouble: bounded, and fit for a terminal whatever comes. */
#include "run/trouble-report.h"
#include "run/trouble.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	assert(strlen(text) <= VIV_TROUBLE_LINE_MAX);
	for (const char *p = text; *p; p++)
		assert(*p >= 0x20 && *p < 0x7f);
}

static void check_reports(struct viv_trouble_reports *list)
{
	viv_trouble_reports_end(list);
	assert(list->count <= VIV_REPORTS_MAX);
	for (size_t i = 0; i < list->count; i++) {
		struct viv_trouble_report *r = &list->items[i];

		assert(!r->open && r->kind && r->lines.count && r->lines.count <= VIV_REPORT_LINES_MAX + 1);
		check_text(r->what);
		for (size_t n = 0; n < r->lines.count; n++)
			check_text(r->lines.items[n]);
	}
	viv_trouble_reports_free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct viv_slice rest = {(const char *)data, size}, line;
	struct viv_trouble t = {0};
	struct viv_trouble_reports reports = {0};

	while (viv_slice_line(&rest, &line)) {
		viv_trouble_feed(&t, line);
		viv_trouble_reports_feed(&reports, line);
	}
	check_reports(&reports);
	assert(t.lines.count <= VIV_TROUBLE_LINES_MAX + 1);
	for (size_t i = 0; i < t.lines.count; i++)
		check_text(t.lines.items[i]);
	if (t.what)
		check_text(t.what);
	if (t.fatal)
		check_text(t.fatal);
	viv_trouble_free_contents(&t);
	return 0;
}
