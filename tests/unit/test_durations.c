/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/fd.h"
#include "base/path.h"
#include "test/durations.h"

static void set(struct viv_test_durations *d, const char *json)
{
	assert_int_equal(viv_json_parse(json, strlen(json), "x", &d->map, NULL), 0);
}

static void test_order(void **state)
{
	static const char *const titles[] = {"short", "new", "long", "also new", "middle"};
	static const size_t want[] = {2, 4, 1, 3, 0};
	VIV_TEST_DURATIONS d = {0}, none = {0};
	size_t order[5];

	set(&d, "{\"short\":1,\"long\":100,\"middle\":40,\"gone\":5000}");
	viv_test_order(titles, 5, &d, order);
	/* Those that are new count 47. */
	assert_int_equal(order[0], want[0]);
	assert_int_equal(order[1], 1);
	assert_int_equal(order[2], 3);
	assert_int_equal(order[3], 4);
	assert_int_equal(order[4], want[4]);
	viv_test_order(titles, 5, &none, order);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(order[i], i);
	viv_test_order(titles, 0, &none, order);
}

#define N 200

/* Each test in one shard, whatever is known; loads differ by no more than the longest test. */
static void check_shards(const struct viv_test_durations *d, unsigned shards, int64_t longest)
{
	char *titles[N];
	unsigned in[N] = {0};
	int64_t most = 0, fewest = INT64_MAX;

	for (size_t i = 0; i < N; i++)
		titles[i] = viv_asprintf("test %zu", i);
	for (unsigned s = 1; s <= shards; s++) {
		bool mine[N], again[N];
		int64_t load = 0;

		viv_test_shard((const char *const *)titles, N, d, s, shards, mine);
		viv_test_shard((const char *const *)titles, N, d, s, shards, again);
		assert_memory_equal(mine, again, sizeof(mine));
		for (size_t i = 0; i < N; i++) {
			in[i] += mine[i];
			load += mine[i] ? VIV_MAX(viv_test_duration(d, titles[i]), 1) : 0;
		}
		most = VIV_MAX(most, load);
		fewest = VIV_MIN(fewest, load);
	}
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(in[i], 1);
		free(titles[i]);
	}
	assert_true(most - fewest <= longest);
}

static void test_shards(void **state)
{
	VIV_TEST_DURATIONS d = {.map = json_object()}, none = {0};

	for (size_t i = 0; i < N; i++) {
		VIV_FREE char *title = viv_asprintf("test %zu", i);

		json_object_set_new(d.map, title, json_integer((json_int_t)(i * i % 977)));
	}
	for (unsigned shards = 1; shards < 9; shards++) {
		check_shards(&d, shards, 977);
		check_shards(&none, shards, 1);
	}
	check_shards(&none, 300, 1);
}

static void took(struct viv_test_results *list, const char *title, enum viv_verdict verdict, int64_t ms)
{
	struct viv_test_result r = {.verdict = verdict, .ms = ms + 5000, .prepared = 5000, .attempt = 1};

	r.file = viv_strdup("f");
	r.title = viv_strdup(title);
	viv_test_results_take(list, &r);
}

static void test_file(void **state)
{
	VIV_FREE char *dir = test_dir("durations"), *path = viv_path_join(dir, "d.json");
	VIV_CLEANUP(viv_test_results_free) struct viv_test_results list = {0};
	VIV_TEST_DURATIONS d = {0};
	VIV_STR text = VIV_STR_INIT;

	assert_int_equal(viv_test_durations_read(path, &d, NULL), 0);
	assert_int_equal(viv_test_duration(&d, "a"), -1);
	assert_int_equal(viv_write_file(path, "{\"a\":1,\"other\":7}", 17, 0644, NULL), 0);
	took(&list, "a", VIV_VERDICT_FAIL, 10);
	took(&list, "a", VIV_VERDICT_PASS, 20);
	took(&list, "b", VIV_VERDICT_SKIP, 30);
	took(&list, "c", VIV_VERDICT_ERROR, 40);
	took(&list, "d", VIV_VERDICT_TIMEOUT, 50);
	assert_int_equal(viv_test_durations_merge(path, &list, NULL), 0);
	assert_int_equal(viv_read_file(path, 1000, &text, NULL), 0);
	assert_string_equal(text.data, "{\n  \"a\": 20,\n  \"d\": 50,\n  \"other\": 7\n}\n");
	viv_remove_tree(dir, NULL);
}

/* A shard leaves the file as it is; a run of all takes in what shards have left. */
static void test_parts(void **state)
{
	VIV_FREE char *dir = test_dir("durations"), *path = viv_path_join(dir, "d.json");
	VIV_FREE char *one = viv_test_durations_part(path, 1, 2), *two = viv_test_durations_part(path, 2, 2);
	VIV_FREE char *other = viv_asprintf("%s.1-of-2.old", path);
	VIV_CLEANUP(viv_test_results_free) struct viv_test_results first = {0}, second = {0}, all = {0};
	VIV_TEST_DURATIONS d = {0};
	VIV_STR text = VIV_STR_INIT;

	assert_int_equal(viv_write_file(path, "{\"a\":1,\"b\":2}", 13, 0644, NULL), 0);
	assert_int_equal(viv_write_file(other, "[", 1, 0644, NULL), 0);
	took(&first, "a", VIV_VERDICT_PASS, 10);
	took(&second, "b", VIV_VERDICT_PASS, 20);
	took(&all, "c", VIV_VERDICT_PASS, 30);
	assert_int_equal(viv_test_durations_merge(one, &first, NULL), 0);
	assert_int_equal(viv_test_durations_merge(two, &second, NULL), 0);
	assert_int_equal(viv_test_durations_read(path, &d, NULL), 0);
	assert_int_equal(viv_test_duration(&d, "a"), 1);
	assert_int_equal(viv_test_durations_read_all(path, &d, NULL), 0);
	assert_int_equal(viv_test_duration(&d, "a"), 10);
	assert_int_equal(viv_test_durations_merge(path, &all, NULL), 0);
	assert_int_equal(viv_read_file(path, 1000, &text, NULL), 0);
	assert_string_equal(text.data, "{\n  \"a\": 10,\n  \"b\": 20,\n  \"c\": 30\n}\n");
	assert_false(viv_exists(one));
	assert_false(viv_exists(two));
	assert_true(viv_exists(other));
	viv_remove_tree(dir, NULL);
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"[]", "expected {\"title\": milliseconds, …}"},
		{"{\"a\": -1}", "a: expected milliseconds"},
		{"{\"a\": 1.5}", "a: expected milliseconds"},
		{"{\"a\": 9999999999999999}", "a: expected milliseconds"},
		{"{", "1: string or '}' expected near end of file"},
	};
	VIV_FREE char *dir = test_dir("durations"), *path = viv_path_join(dir, "d.json");

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_TEST_DURATIONS d = {0};
		VIV_ERROR err = VIV_ERROR_INIT;

		assert_int_equal(viv_write_file(path, rows[i].text, strlen(rows[i].text), 0644, NULL), 0);
		assert_int_equal(viv_test_durations_read(path, &d, &err), -EINVAL);
		assert_non_null(strstr(err.msg, rows[i].error));
	}
	viv_remove_tree(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_shards),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
