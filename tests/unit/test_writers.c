/* SPDX-License-Identifier: MIT */

/*
 * What is written of tests/data/results/results.jsonl, against the files beside it and other people's readers: xmllint
 * with a schema, python's XML parser, perl's TAP parser. VIV_UPDATE_GOLDEN=1 writes the files anew.
 */

#include "unit.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "test/junit.h"
#include "test/tap.h"

#define DATA TEST_DATA "/results/"
#define MAX  (1u << 20)

static void load(struct viv_test_results *ret)
{
	VIV_STR text = VIV_STR_INIT;
	struct viv_slice rest, line;

	assert_int_equal(viv_read_file(DATA "results.jsonl", MAX, &text, NULL), 0);
	rest = (struct viv_slice){text.data, text.len};
	while (viv_slice_line(&rest, &line)) {
		struct viv_test_result r = {0};
		VIV_JSON *j = NULL;

		assert_int_equal(viv_json_parse(line.data, line.len, "line", &j, NULL), 0);
		assert_int_equal(viv_test_result_parse(j, &r, NULL), 0);
		viv_test_results_take(ret, &r);
	}
}

static void compare(const char *path, const struct viv_str *text)
{
	VIV_STR want = VIV_STR_INIT;

	if (getenv("VIV_UPDATE_GOLDEN"))
		assert_int_equal(viv_write_file(path, text->data, text->len, 0644, NULL), 0);
	assert_int_equal(viv_read_file(path, MAX, &want, NULL), 0);
	assert_string_equal(text->data, want.data);
}

/* What a program makes of a file; its text is compared with another. */
static void run_reader(const char *const *argv, const char *want)
{
	VIV_FREE char *program = viv_find_program(argv[0]);
	VIV_STR out = VIV_STR_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	if (!program) {
		print_message("there is no %s\n", argv[0]);
		skip();
	}
	if (viv_process_check(argv, &out, MAX, 60000, &err) < 0)
		fail_msg("%s", err.msg);
	if (want)
		compare(want, &out);
}

static void test_tap(void **state)
{
	VIV_CLEANUP(viv_test_results_free) struct viv_test_results list = {0};
	VIV_STR text = VIV_STR_INIT;

	load(&list);
	viv_test_tap(&list, &text);
	compare(DATA "results.tap", &text);
}

static void test_tap_reader(void **state)
{
	static const char *const argv[] = {"perl", DATA "read-tap", DATA "results.tap", NULL};

	run_reader(argv, DATA "results.tap.read");
}

static void test_junit(void **state)
{
	VIV_CLEANUP(viv_test_results_free) struct viv_test_results list = {0};
	VIV_STR text = VIV_STR_INIT;

	load(&list);
	viv_test_junit(&list, &text);
	compare(DATA "junit.xml", &text);
}

static void test_junit_reader(void **state)
{
	static const char *const argv[] = {"python3", DATA "read-junit", DATA "junit.xml", NULL};

	run_reader(argv, DATA "junit.xml.read");
}

static void test_junit_schema(void **state)
{
	static const char *const argv[] = {"xmllint", "--noout", "--nonet", "--schema", DATA "junit.xsd", DATA "junit.xml",
					   NULL};

	run_reader(argv, NULL);
}

static void test_none(void **state)
{
	struct viv_test_results list = {0};
	VIV_STR tap = VIV_STR_INIT, junit = VIV_STR_INIT;

	viv_test_tap(&list, &tap);
	assert_string_equal(tap.data, "TAP version 14\n1..0 # no tests\n");
	viv_test_junit(&list, &junit);
	assert_string_equal(junit.data, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"viv\" tests=\"0\" "
					"failures=\"0\" errors=\"0\" time=\"0.000\">\n</testsuites>\n");
}

/* Every byte in every text: what is written is XML and TAP all the same. */
static void test_every_byte(void **state)
{
	VIV_CLEANUP(viv_test_results_free) struct viv_test_results list = {0};
	struct viv_test_result r = {.verdict = VIV_VERDICT_FAIL, .attempt = 1};
	VIV_FREE char *dir = test_dir("bytes"), *xml = viv_path_join(dir, "x.xml"), *tap = viv_path_join(dir, "x.tap");
	const char *const junit_argv[] = {"python3", DATA "read-junit", xml, NULL};
	const char *const tap_argv[] = {"perl", DATA "read-tap", tap, NULL};
	VIV_STR text = VIV_STR_INIT;
	char all[256];

	for (int i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = 0;
	r.file = viv_strdup(all);
	r.name = viv_strdup(all);
	r.title = viv_strdup(all);
	r.combination = viv_strdup(all);
	r.reason = viv_strdup(all);
	r.place = viv_asprintf("%s\xef\xbf\xbe\xef\xbf\xbf", all);
	r.details = viv_strdup(all);
	viv_test_subtests_add(&r.subtests, 0, all)->reason = viv_strdup(all);
	viv_test_results_take(&list, &r);
	viv_test_junit(&list, &text);
	assert_int_equal(viv_write_file(xml, text.data, text.len, 0644, NULL), 0);
	viv_str_clear(&text);
	viv_test_tap(&list, &text);
	assert_int_equal(viv_write_file(tap, text.data, text.len, 0644, NULL), 0);
	run_reader(junit_argv, NULL);
	run_reader(tap_argv, NULL);
	viv_remove_tree(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tap),	      cmocka_unit_test(test_tap_reader),
		cmocka_unit_test(test_junit),	      cmocka_unit_test(test_junit_reader),
		cmocka_unit_test(test_junit_schema), cmocka_unit_test(test_none),
		cmocka_unit_test(test_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
