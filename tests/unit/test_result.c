/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "test/result.h"
#include "test/text.h"

#define RESULT VIV_CLEANUP(viv_test_result_free_contents) struct viv_test_result

static void fill(struct viv_test_result *r)
{
	struct viv_test_subtest *s;

	r->file = viv_strdup("web.test.lua");
	r->line = 7;
	r->name = viv_strdup("page");
	r->combination = viv_strdup("fs=ext4");
	r->title = viv_strdup("web.test.lua: page [fs=ext4]");
	r->verdict = VIV_VERDICT_FAIL;
	r->begun = 1700000000123;
	r->ms = 4567;
	r->attempt = 2;
	r->reason = viv_strdup("must succeed: false: status 1");
	r->place = viv_strdup("web.test.lua:12");
	r->details = viv_strdup("one\ntwo\n");
	r->folder = viv_strdup("web.test.lua-page");
	s = viv_test_subtests_add(&r->subtests, 0, "parent");
	s->verdict = VIV_VERDICT_FAIL;
	s->reason = viv_strdup("child failed");
	s = viv_test_subtests_add(&r->subtests, 1, "child");
	s->ms = 12;
	r->subtests.dropped = 3;
	viv_strv_push(&r->machines, "web-1");
	viv_strv_push(&r->running, "web-1 (started at web.test.lua:9)");
}

static void test_round_trip(void **state)
{
	RESULT r = {0}, back = {0};
	VIV_JSON *j = NULL, *again = NULL;

	fill(&r);
	j = viv_test_result_json(&r);
	assert_int_equal(viv_test_result_parse(j, &back, NULL), 0);
	again = viv_test_result_json(&back);
	assert_true(json_equal(j, again));
	assert_string_equal(back.title, r.title);
	assert_int_equal(back.begun, r.begun);
	assert_int_equal(back.attempt, 2);
	assert_int_equal(back.subtests.count, 2);
	assert_int_equal(back.subtests.items[0].ms, -1);
	assert_int_equal(back.subtests.items[1].depth, 1);
	assert_int_equal(back.subtests.dropped, 3);
	assert_string_equal(back.machines.items[0], "web-1");
	assert_string_equal(back.running.items[0], "web-1 (started at web.test.lua:9)");
}

static void test_verdicts(void **state)
{
	for (unsigned i = 0; i < VIV_VERDICT_COUNT; i++) {
		enum viv_verdict v = VIV_VERDICT_COUNT;

		assert_true(viv_verdict_parse(viv_verdict_name(i), &v));
		assert_int_equal(v, i);
	}
	assert_false(viv_verdict_parse("passed", &(enum viv_verdict){0}));
	assert_true(viv_verdict_is_ok(VIV_VERDICT_SKIP));
	assert_false(viv_verdict_is_ok(VIV_VERDICT_ERROR));
}

/* Whatever text there is, what is written can be read. */
static void test_any_text(void **state)
{
	RESULT r = {0}, back = {0};
	VIV_JSON *j = NULL;
	char *big = viv_malloc(300001);

	fill(&r);
	memset(big, 'x', 300000);
	memcpy(big, "begin", 5);
	memcpy(big + 299997, "end", 4);
	free(r.details);
	r.details = big;
	free(r.reason);
	r.reason = viv_strdup("\x1b[31mred\xff");
	free(r.title);
	r.title = viv_strndup(big, 100000);
	j = viv_test_result_json(&r);
	assert_int_equal(viv_test_result_parse(j, &back, NULL), 0);
	assert_string_equal(back.reason, "\\x1b[31mred\\xff");
	assert_int_equal(strlen(back.title), VIV_TEST_TEXT_MAX);
	assert_true(strlen(back.details) <= VIV_TEST_DETAILS_MAX);
	assert_true(viv_starts_with(back.details, "begin"));
	assert_true(viv_ends_with(back.details, "end"));
}

static void test_cut(void **state)
{
	VIV_FREE char *whole = viv_test_cut("abc", 3, false), *umlaut = viv_test_cut("a\xc3\xa4", 2, false);

	assert_string_equal(whole, "abc");
	assert_string_equal(umlaut, "a");
}

static const struct {
	const char *json, *error;
} bad[] = {
	{"[]", "a result: expected an object"},
	{"{}", "verdict: expected pass, fail, skip, error, timeout or crash"},
	{"{\"verdict\":\"passed\"}", "verdict: expected pass, fail, skip, error, timeout or crash"},
	{"{\"verdict\":\"pass\"}", "file: expected a text of at most 4096 bytes"},
	{"{\"verdict\":\"pass\",\"file\":1}", "file: expected a text of at most 4096 bytes"},
#define HEAD "{\"verdict\":\"pass\",\"file\":\"f\",\"name\":\"n\",\"title\":\"t\","
	{HEAD "\"folder\":\"../x\"}", "folder: expected a plain name"},
	{HEAD "\"folder\":\"/x\"}", "folder: expected a plain name"},
	{HEAD "\"folder\":\"a/b\"}", "folder: expected a plain name"},
	{HEAD "\"folder\":\"\"}", "folder: expected a plain name"},
	{HEAD "\"line\":-1}", "line: expected a number up to 2147483647"},
	{HEAD "\"line\":1.5}", "line: expected a number up to 2147483647"},
#define NUMBERS HEAD "\"line\":1,\"begun\":2,\"ms\":3,\"attempt\":1,"
	{NUMBERS "\"subtests\":{}}", "subtests: expected a list of at most 10000"},
	{NUMBERS "\"subtests\":[1]}", "subtests, 1: expected an object"},
	{NUMBERS "\"subtests\":[{\"name\":\"x\",\"verdict\":\"pass\",\"depth\":1}]}",
	 "subtests, 1: depth: expected a number up to 0"},
	{NUMBERS "\"subtests\":[{\"name\":\"x\",\"verdict\":\"\",\"depth\":0}]}",
	 "subtests, 1: verdict: expected pass, fail, skip, error, timeout or crash"},
	{NUMBERS "\"machines\":[1]}", "machines: expected names"},
};

static void test_bad(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(bad); i++) {
		RESULT r = {0};
		VIV_JSON *j = NULL;
		VIV_ERROR err = VIV_ERROR_INIT;

		assert_int_equal(viv_json_parse(bad[i].json, strlen(bad[i].json), "x", &j, NULL), 0);
		assert_int_equal(viv_test_result_parse(j, &r, &err), -EINVAL);
		assert_string_equal(err.msg, bad[i].error);
		assert_null(r.file);
	}
}

static void test_subtests(void **state)
{
	VIV_CLEANUP(viv_test_subtests_free) struct viv_test_subtests list = {0};

	assert_int_equal(viv_test_subtests_add(&list, 5, "a")->depth, 0);
	assert_int_equal(viv_test_subtests_add(&list, 5, "b")->depth, 1);
	assert_string_equal(viv_test_subtests_insert(&list, 0, 0, "first")->name, "first");
	assert_string_equal(list.items[1].name, "a");
	while (list.count < VIV_TEST_SUBTESTS_MAX)
		viv_test_subtests_add(&list, 0, "x");
	assert_null(viv_test_subtests_add(&list, 0, "y"));
	assert_int_equal(list.dropped, 1);
}

static void add(struct viv_test_results *list, const char *file, int line, const char *title, unsigned attempt)
{
	RESULT r = {0};

	r.file = viv_strdup(file);
	r.line = line;
	r.title = viv_strdup(title);
	r.attempt = attempt;
	viv_test_results_take(list, &r);
	assert_null(r.file);
}

static void test_final(void **state)
{
	VIV_CLEANUP(viv_test_results_free) struct viv_test_results list = {0};
	VIV_FREE const struct viv_test_result **final = NULL;
	size_t n = 9;

	final = viv_test_results_final(&list, &n);
	assert_int_equal(n, 0);
	free(viv_steal(final));
	add(&list, "b", 1, "b: one", 1);
	add(&list, "a", 9, "a: two", 1);
	add(&list, "a", 2, "a: one", 1);
	add(&list, "a", 9, "a: two", 2);
	add(&list, "a", 12, "a: two", 1); /* two tests may have one name */
	final = viv_test_results_final(&list, &n);
	assert_int_equal(n, 4);
	assert_string_equal(final[0]->title, "a: one");
	assert_int_equal(final[1]->attempt, 2);
	assert_int_equal(final[2]->line, 12);
	assert_string_equal(final[3]->title, "b: one");
}

/* What nobody judged has not passed. */
static void test_zero(void **state)
{
	struct viv_test_result r = {0};

	assert_int_equal(r.verdict, VIV_VERDICT_ERROR);
	assert_false(viv_verdict_is_ok(r.verdict));
}

/* The longest result fits into a line. */
static void test_whole_is_bounded(void **state)
{
	RESULT r = {0}, back = {0};
	VIV_JSON *j = NULL;
	VIV_FREE char *text = NULL, *name = viv_malloc(VIV_TEST_TEXT_MAX + 1);

	fill(&r);
	for (size_t i = 0; i < VIV_TEST_TEXT_MAX; i += 2)
		memcpy(name + i, "\xc3\xa4", 2);
	name[VIV_TEST_TEXT_MAX] = '\0';
	while (r.subtests.count < VIV_TEST_SUBTESTS_MAX)
		viv_test_subtests_add(&r.subtests, 0, name)->reason = viv_strdup(name);
	j = viv_test_result_json(&r);
	text = json_dumps(j, JSON_ENSURE_ASCII);
	assert_true(strlen(text) < VIV_TEST_LINE_MAX);
	assert_int_equal(viv_test_result_parse(j, &back, NULL), 0);
	assert_int_equal(back.subtests.count + back.subtests.dropped, r.subtests.count + r.subtests.dropped);
	assert_true(back.subtests.count < r.subtests.count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_any_text),   cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bad),	   cmocka_unit_test(test_subtests),
		cmocka_unit_test(test_final),	   cmocka_unit_test(test_zero),
		cmocka_unit_test(test_whole_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
