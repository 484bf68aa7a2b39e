/* SPDX-License-Identifier: MIT */
#include "test/junit.h"

#include "test/text.h"

#include <time.h>

struct counts {
	size_t tests, failures, errors, skipped;
	int64_t ms, begun; /* 0: not known */
};

static void add_attribute(struct viv_str *s, const char *name, const char *text)
{
	VIV_FREE char *line = viv_test_line(text);

	viv_str_addf(s, " %s=\"", name);
	for (const char *p = line; *p; p++)
		switch (*p) {
		case '&': viv_str_add(s, "&amp;"); break;
		case '<': viv_str_add(s, "&lt;"); break;
		case '>': viv_str_add(s, "&gt;"); break;
		case '"': viv_str_add(s, "&quot;"); break;
		default: viv_str_add_char(s, *p);
		}
	viv_str_add_char(s, '"');
}

static void add_content(struct viv_str *s, const char *text)
{
	VIV_FREE char *shown = viv_test_text(text);

	for (const char *p = shown; *p; p++)
		switch (*p) {
		case '&': viv_str_add(s, "&amp;"); break;
		case '<': viv_str_add(s, "&lt;"); break;
		case '>': viv_str_add(s, "&gt;"); break; /* in "]]>" it must be */
		default: viv_str_add_char(s, *p);
		}
}

/* No point but this one, whatever the locale. */
static void add_time(struct viv_str *s, int64_t ms)
{
	viv_str_addf(s, " time=\"%lld.%03d\"", (long long)(ms / 1000), (int)(ms % 1000));
}

static void add_timestamp(struct viv_str *s, int64_t begun)
{
	time_t t = (time_t)(begun / 1000);
	struct tm tm;
	char text[64];

	if (begun && gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		viv_str_addf(s, " timestamp=\"%s\"", text);
}

static void count(struct counts *c, const struct viv_test_result *r)
{
	c->tests++;
	if (r->verdict == VIV_VERDICT_SKIP)
		c->skipped++;
	else if (r->verdict == VIV_VERDICT_ERROR)
		c->errors++;
	else if (r->verdict != VIV_VERDICT_PASS)
		c->failures++;
	c->ms += r->ms;
	if (r->begun && (!c->begun || r->begun < c->begun))
		c->begun = r->begun;
}

/* "tests/web.test.lua" is tests.web: readers take what is before the last dot for a package. */
static void add_class(struct viv_str *s, const char *file)
{
	VIV_FREE char *class = viv_strdup(file);
	size_t len = strlen(class);

	if (viv_ends_with(class, ".lua"))
		class[len -= 4] = 0;
	if (viv_ends_with(class, ".test"))
		class[len -= 5] = 0;
	for (char *p = class; *p; p++)
		if (*p == '/')
			*p = '.';
	add_attribute(s, "classname", class[0] ? class : file);
}

/* An element with what happened: its type, the reason, the details. */
static void add_event(struct viv_str *s, const char *element, const struct viv_test_result *r)
{
	viv_str_addf(s, "      <%s", element);
	add_attribute(s, "type", viv_verdict_name(r->verdict));
	if (r->reason)
		add_attribute(s, "message", r->reason);
	if (r->verdict == VIV_VERDICT_SKIP || (!r->details && !r->place)) {
		viv_str_add(s, "/>\n");
		return;
	}
	viv_str_add_char(s, '>');
	add_content(s, r->place ? r->place : "");
	viv_str_add(s, r->place && r->details ? "\n" : "");
	add_content(s, r->details ? r->details : "");
	viv_str_addf(s, "</%s>\n", element);
}

static void add_earlier(struct viv_str *s, const struct viv_test_results *list,
			const struct viv_test_result *last)
{
	bool flaky = last->verdict == VIV_VERDICT_PASS;

	for (const struct viv_test_result *r = list->items; last->attempt > 1 && r < last; r++) {
		if (!viv_test_result_same(r, last) || viv_verdict_is_ok(r->verdict))
			continue;
		if (r->verdict == VIV_VERDICT_ERROR)
			add_event(s, flaky ? "flakyError" : "rerunError", r);
		else
			add_event(s, flaky ? "flakyFailure" : "rerunFailure", r);
	}
}

static void add_output(struct viv_str *s, const struct viv_test_result *r)
{
	VIV_STR text = VIV_STR_INIT;

	for (size_t i = 0; i < r->machines.count; i++)
		viv_str_addf(&text, "%s%s", i ? ", " : "machines: ", r->machines.items[i]);
	if (r->machines.count)
		viv_str_add_char(&text, '\n');
	if (r->folder)
		viv_str_addf(&text, "folder: %s\n", r->folder);
	for (size_t i = 0; i < r->subtests.count; i++) {
		const struct viv_test_subtest *t = &r->subtests.items[i];

		viv_str_addf(&text, "%*s%s: %s%s%s\n", (int)t->depth * 2, "",
			     viv_verdict_name(t->verdict), t->name, t->reason ? ": " : "",
			     t->reason ? t->reason : "");
	}
	if (r->subtests.dropped)
		viv_str_addf(&text, "%llu more subtests were left out\n",
			     (unsigned long long)r->subtests.dropped);
	if (!text.len)
		return;
	viv_str_add(s, "      <system-out>");
	add_content(s, text.data);
	viv_str_add(s, "</system-out>\n");
}

static void add_case(struct viv_str *s, const struct viv_test_results *list,
		     const struct viv_test_result *r)
{
	VIV_FREE char *name = r->combination ? viv_asprintf("%s [%s]", r->name, r->combination)
					     : viv_strdup(r->name);

	viv_str_add(s, "    <testcase");
	add_attribute(s, "name", name);
	add_class(s, r->file);
	add_time(s, r->ms);
	viv_str_add(s, ">\n");
	if (r->verdict == VIV_VERDICT_SKIP)
		add_event(s, "skipped", r);
	else if (r->verdict == VIV_VERDICT_ERROR)
		add_event(s, "error", r);
	else if (r->verdict != VIV_VERDICT_PASS)
		add_event(s, "failure", r);
	add_earlier(s, list, r);
	add_output(s, r);
	viv_str_add(s, "    </testcase>\n");
}

static void add_suite(struct viv_str *s, const struct viv_test_results *list,
		      const struct viv_test_result **of_file, size_t n)
{
	struct counts c = {0};

	for (size_t i = 0; i < n; i++)
		count(&c, of_file[i]);
	viv_str_add(s, "  <testsuite");
	add_attribute(s, "name", of_file[0]->file);
	viv_str_addf(s, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", c.tests,
		     c.failures, c.errors, c.skipped);
	add_time(s, c.ms);
	add_timestamp(s, c.begun);
	viv_str_add(s, ">\n");
	for (size_t i = 0; i < n; i++)
		add_case(s, list, of_file[i]);
	viv_str_add(s, "  </testsuite>\n");
}

void viv_test_junit(const struct viv_test_results *list, struct viv_str *ret)
{
	size_t n = 0;
	VIV_FREE const struct viv_test_result **final = viv_test_results_final(list, &n);
	struct counts c = {0};

	for (size_t i = 0; i < n; i++)
		count(&c, final[i]);
	viv_str_addf(ret,
		     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<testsuites name=\"viv\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"",
		     c.tests, c.failures, c.errors);
	add_time(ret, c.ms);
	viv_str_add(ret, ">\n");
	for (size_t i = 0, next; i < n; i = next) {
		next = i + 1;
		while (next < n && viv_streq(final[next]->file, final[i]->file))
			next++;
		add_suite(ret, list, &final[i], next - i);
	}
	viv_str_add(ret, "</testsuites>\n");
}
