/* SPDX-License-Identifier: MIT */

/* Each tests/data/trouble/<name>.txt, and the reports in it: <name>.want. VIV_UPDATE_GOLDEN=1 writes these anew. */

#include "unit.h"

#include "base/fd.h"
#include "run/trouble-report.h"

#define REPORTS VIV_CLEANUP(viv_trouble_reports_free) struct viv_trouble_reports

static const char *const names[] = {"oops", "bug", "lockdep", "checkers", "stalls", "oom", "warn", "arm64"};

static void feed(struct viv_trouble_reports *list, const char *text)
{
	struct viv_slice rest = viv_slice(text), line;

	while (viv_slice_line(&rest, &line))
		viv_trouble_reports_feed(list, line);
}

static void test_samples(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(names); i++) {
		VIV_FREE char *in = viv_asprintf("%s/trouble/%s.txt", TEST_DATA, names[i]);
		VIV_FREE char *out = viv_asprintf("%s/trouble/%s.want", TEST_DATA, names[i]);
		VIV_STR text = VIV_STR_INIT, want = VIV_STR_INIT, got = VIV_STR_INIT;
		REPORTS list = {0};

		assert_int_equal(viv_read_file(in, 1 << 20, &text, NULL), 0);
		feed(&list, text.data);
		viv_trouble_reports_end(&list);
		for (size_t n = 0; n < list.count; n++) {
			const struct viv_trouble_report *r = &list.items[n];

			assert_false(r->open);
			viv_str_addf(&got, "%s: %s\n  %zu lines, last: %s\n", viv_trouble_report_name(r->kind), r->what,
				     r->lines.count, r->lines.items[r->lines.count - 1]);
		}
		if (getenv("VIV_UPDATE_GOLDEN"))
			assert_int_equal(viv_write_file(out, got.data, got.len, 0644, NULL), 0);
		assert_int_equal(viv_read_file(out, 1 << 20, &want, NULL), 0);
		if (!viv_streq(got.data, want.data))
			fail_msg("%s: got\n%s\nnot\n%s", names[i], got.data, want.data);
	}
}

struct events {
	int begun, ended;
};

static void on_begin(const struct viv_trouble_report *r, void *arg)
{
	assert_true(r->open);
	assert_int_equal(r->lines.count, 1);
	((struct events *)arg)->begun++;
}

static void on_end(const struct viv_trouble_report *r, void *arg)
{
	assert_false(r->open);
	((struct events *)arg)->ended++;
}

static void test_events(void **state)
{
	struct events e = {0};
	REPORTS list = {.begin = on_begin, .end = on_end, .arg = &e};

	feed(&list, "[    1.000000] BUG: kernel NULL pointer dereference\n");
	assert_int_equal(e.begun, 1);
	assert_int_equal(e.ended, 0);
	feed(&list, "[    1.000001] ---[ end trace 0 ]---\n");
	assert_int_equal(e.ended, 1);
	feed(&list, "[    2.000001] Out of memory: Killed process 1 (x)\n");
	assert_int_equal(e.begun, 2);
	assert_int_equal(e.ended, 2);
	feed(&list, "[    3.000001] UBSAN: x\n");
	viv_trouble_reports_end(&list);
	viv_trouble_reports_end(&list);
	assert_int_equal(e.ended, 3);
	assert_int_equal(list.seen, VIV_REPORT_BIT(VIV_REPORT_OOPS) | VIV_REPORT_BIT(VIV_REPORT_OOM_KILL) |
					    VIV_REPORT_BIT(VIV_REPORT_UBSAN));
}

/* However many and however long; the line that says how an OOM kill ended is there. */
static void test_bounds(void **state)
{
	REPORTS list = {0};
	char line[2000];

	feed(&list, "x invoked oom-killer: gfp_mask=0\n");
	for (int i = 0; i < 300; i++)
		feed(&list, "[ 1 ] a task\n");
	feed(&list, "Out of memory: Killed process 1 (x)\n");
	assert_int_equal(list.items[0].lines.count, VIV_REPORT_LINES_MAX + 1);
	assert_string_equal(list.items[0].lines.items[VIV_REPORT_LINES_MAX], "Out of memory: Killed process 1 (x)");
	assert_string_equal(list.items[0].what, "Out of memory: Killed process 1 (x)");
	feed(&list, "UBSAN: \033[2Jx\n");
	for (int i = 0; i < VIV_REPORT_LINES_AFTER; i++)
		feed(&list, "goes on\n");
	assert_false(list.now.open);
	assert_string_equal(list.items[1].what, "UBSAN: x");
	memset(line, 'x', sizeof(line));
	memcpy(line, "BUG: ", 5);
	for (int i = 0; i < 1000; i++)
		viv_trouble_reports_feed(&list, (struct viv_slice){line, sizeof(line)});
	assert_int_equal(list.count, VIV_REPORTS_MAX);
	viv_trouble_reports_end(&list);
	assert_int_equal(list.dropped, 1002 - VIV_REPORTS_MAX);
	feed(&list, "Kernel panic - not syncing: x\n");
	assert_true(list.seen & VIV_REPORT_BIT(VIV_REPORT_PANIC));
}

/* What is not kept any more is told all the same. */
static void test_all_are_told(void **state)
{
	struct events e = {0};
	REPORTS list = {.begin = on_begin, .end = on_end, .arg = &e};

	for (int i = 0; i < VIV_REPORTS_MAX; i++)
		feed(&list, "[    1.000000] WARNING: CPU: 0 PID: 1 at x.c:1 f+0x1/0x2\n[    1.000001] ---[ end trace 0 ]---\n");
	assert_int_equal(e.ended, VIV_REPORTS_MAX);
	feed(&list, "[    2.000000] BUG: KASAN: x\n[    2.000001] ---[ end trace 0 ]---\n");
	assert_int_equal(e.begun, VIV_REPORTS_MAX + 1);
	assert_int_equal(e.ended, VIV_REPORTS_MAX + 1);
	assert_int_equal(list.count, VIV_REPORTS_MAX);
	assert_int_equal(list.dropped, 1);
}

/* Time ends one, too; of the same report nothing begins another, but what comes later does. */
static void test_pause(void **state)
{
	struct events e = {0};
	REPORTS list = {.begin = on_begin, .end = on_end, .arg = &e};

	viv_trouble_reports_pause(&list);
	feed(&list, "[    1.000000] BUG: unable to handle page fault\n");
	viv_trouble_reports_pause(&list);
	viv_trouble_reports_pause(&list);
	assert_int_equal(e.ended, 1);
	feed(&list, "[    1.500000] Oops: 0002 [#1] SMP\n[    1.500001] RIP: x\n");
	assert_int_equal(e.begun, 1);
	feed(&list, "[    9.000000] Oops: 0002 [#2] SMP\n");
	assert_int_equal(e.begun, 2);
	viv_trouble_reports_end(&list);
	feed(&list, "[    9.000001] Oops: 0002 [#3] SMP\n");
	assert_int_equal(e.begun, 3);
}

static void test_names(void **state)
{
	enum viv_trouble_report_kind kind;

	for (unsigned i = VIV_REPORT_NONE + 1; i < VIV_REPORT_KINDS; i++) {
		assert_true(viv_trouble_report_parse(viv_trouble_report_name(i), &kind));
		assert_int_equal(kind, i);
	}
	assert_false(viv_trouble_report_parse("none", &kind));
	assert_false(viv_trouble_report_parse("Oops", &kind));
	assert_false(VIV_REPORT_DEFAULT & VIV_REPORT_BIT(VIV_REPORT_WARN));
	assert_false(VIV_REPORT_DEFAULT & VIV_REPORT_BIT(VIV_REPORT_NONE));
	assert_true(VIV_REPORT_DEFAULT & VIV_REPORT_BIT(VIV_REPORT_PANIC));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_all_are_told),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
