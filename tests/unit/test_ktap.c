/* SPDX-License-Identifier: MIT */

/* Each tests/data/ktap/<name>.txt, and what is made of it: <name>.want. VIV_UPDATE_GOLDEN=1 writes these anew. */

#include "unit.h"

#include "base/fd.h"
#include "test/ktap.h"

#define SUMMARY VIV_CLEANUP(viv_ktap_summary_free_contents) struct viv_ktap_summary

static const char *const names[] = {
	"kselftest", "kunit", "kunit-crash", "tap13", "tap14", "bail", "several", "lying", "skipped", "indented", "empty",
	"other", "kselftest-real", "kunit-log-real", "kunit-results-real",
};

/* In pieces of `chunk` bytes. */
static void parse(const char *text, size_t len, size_t chunk, struct viv_ktap_summary *ret)
{
	struct viv_ktap *k = viv_ktap_new();

	for (size_t at = 0; at < len; at += chunk)
		viv_ktap_feed(k, text + at, VIV_MIN(chunk, len - at));
	viv_ktap_finish(k, ret);
	viv_ktap_free(k);
}

static void show(const struct viv_ktap_summary *s, struct viv_str *ret)
{
	viv_str_clear(ret);
	if (!s->found) {
		viv_str_add(ret, "no TAP\n");
		return;
	}
	viv_str_addf(ret, "%s%s%s\n", viv_verdict_name(s->verdict), s->reason ? ": " : "", s->reason ? s->reason : "");
	viv_str_addf(ret, "passed %zu, failed %zu, skipped %zu\n", s->passed, s->failed, s->skipped);
	for (size_t i = 0; i < s->subtests.count; i++) {
		const struct viv_test_subtest *t = &s->subtests.items[i];

		viv_str_addf(ret, "%*s%s %s", (int)t->depth * 2, "", viv_verdict_name(t->verdict), t->name);
		if (t->ms >= 0)
			viv_str_addf(ret, " (%lld ms)", (long long)t->ms);
		viv_str_addf(ret, "%s%s\n", t->reason ? " | " : "", t->reason ? t->reason : "");
	}
}

static void test_samples(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(names); i++) {
		VIV_FREE char *in = viv_asprintf("%s/ktap/%s.txt", TEST_DATA, names[i]);
		VIV_FREE char *out = viv_asprintf("%s/ktap/%s.want", TEST_DATA, names[i]);
		VIV_STR text = VIV_STR_INIT, want = VIV_STR_INIT, got = VIV_STR_INIT;

		assert_int_equal(viv_read_file(in, 1 << 20, &text, NULL), 0);
		for (size_t chunk = 1; chunk < 5000; chunk = chunk * 7 + 1) {
			SUMMARY s = {0};

			parse(text.data, text.len, chunk, &s);
			show(&s, &got);
			if (getenv("VIV_UPDATE_GOLDEN"))
				assert_int_equal(viv_write_file(out, got.data, got.len, 0644, NULL), 0);
			viv_str_clear(&want);
			assert_int_equal(viv_read_file(out, 1 << 20, &want, NULL), 0);
			if (!viv_streq(got.data, want.data))
				fail_msg("%s, in pieces of %zu: got\n%s\nnot\n%s", names[i], chunk, got.data, want.data);
		}
	}
}

/* What we write ourselves (tests/data/results) can be read. */
static void test_own(void **state)
{
	VIV_STR text = VIV_STR_INIT;
	SUMMARY s = {0};

	assert_int_equal(viv_read_file(TEST_DATA "/results/results.tap", 1 << 20, &text, NULL), 0);
	parse(text.data, text.len, text.len, &s);
	assert_true(s.found);
	assert_int_equal(s.subtests.count, 8 + 7);
	assert_int_equal(s.subtests.items[0].ms, 2);
	assert_string_equal(s.subtests.items[0].name, "bad.test.lua: bad");
	assert_string_equal(s.subtests.items[0].reason, "bad.test.lua:3: syntax error near 'end'");
	assert_string_equal(s.subtests.items[14].name, "tests/web.test.lua: page [fs=xfs]");
}

/* Deeper than anything, longer than anything, more than anything. */
static void test_bounds(void **state)
{
	VIV_STR text = VIV_STR_INIT;
	SUMMARY s = {0};
	const struct viv_test_subtest *t;

	viv_str_add(&text, "TAP version 13\n");
	for (int i = 200; i >= 0; i--)
		viv_str_addf(&text, "%*sok 1 x\n", i, "");
	for (int i = 0; i < 200; i++)
		viv_str_addf(&text, "%*sok 1 x\n", i, "");
	for (int i = 0; i < 100; i++) {
		for (int n = 0; n < i; n++)
			viv_str_add(&text, "# ");
		viv_str_add(&text, "1..1\n");
	}
	for (int i = 0; i < 3 * VIV_TEST_SUBTESTS_MAX; i++)
		viv_str_addf(&text, "ok %d y\n", i);
	viv_str_add(&text, "not ok 1 ");
	for (int i = 0; i < 100000; i++)
		viv_str_add_char(&text, 'z');
	parse(text.data, text.len, 100, &s);
	assert_true(s.found);
	assert_int_equal(s.verdict, VIV_VERDICT_FAIL);
	assert_int_equal(s.subtests.count, VIV_TEST_SUBTESTS_MAX);
	assert_true(s.subtests.dropped > VIV_TEST_SUBTESTS_MAX);
	for (t = s.subtests.items; t < s.subtests.items + s.subtests.count; t++)
		assert_true(t->depth <= VIV_TEST_DEPTH_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
