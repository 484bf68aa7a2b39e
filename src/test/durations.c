/* SPDX-License-Identifier: MIT */
#include "test/durations.h"

#include "base/fd.h"

#define FILE_MAX (64u << 20)
#define MS_MAX	 ((int64_t)1 << 40) /* 34 years: sums of them don't overflow */

void viv_test_durations_free(struct viv_test_durations *d)
{
	json_decref(d->map);
	d->map = NULL;
}

static bool is_duration(const json_t *v)
{
	return json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= MS_MAX;
}

int viv_test_durations_read(const char *path, struct viv_test_durations *ret, struct viv_error *err)
{
	VIV_ERROR why = VIV_ERROR_INIT;
	VIV_JSON *map = NULL;
	const char *title;
	json_t *v;
	int r = viv_json_read_file(path, FILE_MAX, &map, &why);

	if (r == -ENOENT)
		map = json_object();
	else if (r < 0)
		return viv_error_move(err, &why);
	if (!json_is_object(map))
		return viv_error_say(err, EINVAL, "%s: expected {\"title\": milliseconds, …}", path);
	json_object_foreach(map, title, v)
		if (!is_duration(v))
			return viv_error_say(err, EINVAL, "%s: %s: expected milliseconds", path, title);
	viv_test_durations_free(ret);
	ret->map = viv_steal(map);
	return 0;
}

static bool says_how_long(const struct viv_test_result *r)
{
	return r->verdict != VIV_VERDICT_SKIP && r->verdict != VIV_VERDICT_ERROR;
}

int viv_test_durations_merge(const char *path, const struct viv_test_results *list,
			     struct viv_error *err)
{
	VIV_TEST_DURATIONS d = {0};
	size_t n = 0;
	VIV_FREE const struct viv_test_result **final = viv_test_results_final(list, &n);
	int r = viv_test_durations_read(path, &d, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (says_how_long(final[i]))
			json_object_set_new(d.map, final[i]->title,
					    json_integer(VIV_MIN(VIV_MAX(final[i]->ms, 0), MS_MAX)));
	return viv_json_write_file(path, d.map, 0644, err);
}

int64_t viv_test_duration(const struct viv_test_durations *d, const char *title)
{
	const json_t *v = json_object_get(d->map, title);

	return v ? json_integer_value(v) : -1;
}

struct item {
	const char *title;
	size_t place;
	int64_t ms;
};

/* Of those known, 0 if none is. */
static int64_t mean(const struct item *items, size_t n)
{
	int64_t sum = 0;
	size_t known = 0;

	for (size_t i = 0; i < n; i++)
		if (items[i].ms >= 0) {
			sum += items[i].ms;
			known++;
		}
	return known ? sum / (int64_t)known : 0;
}

static struct item *items_of(const char *const *titles, size_t n, const struct viv_test_durations *d)
{
	struct item *items = viv_new_array(struct item, n + 1);
	int64_t usual;

	for (size_t i = 0; i < n; i++)
		items[i] = (struct item){titles[i], i, viv_test_duration(d, titles[i])};
	usual = mean(items, n);
	for (size_t i = 0; i < n; i++)
		if (items[i].ms < 0)
			items[i].ms = usual;
	return items;
}

static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->ms != y->ms)
		return x->ms < y->ms ? 1 : -1;
	return (x->place > y->place) - (x->place < y->place);
}

void viv_test_order(const char *const *titles, size_t n, const struct viv_test_durations *d,
		    size_t *ret_order)
{
	VIV_FREE struct item *items = items_of(titles, n, d);

	qsort(items, n, sizeof(*items), compare);
	for (size_t i = 0; i < n; i++)
		ret_order[i] = items[i].place;
}

/* The one that has least to do, of these the one with the fewest tests: where nothing is known, numbers decide. */
static unsigned least(const int64_t *load, const size_t *tests, unsigned shards)
{
	unsigned best = 0;

	for (unsigned i = 1; i < shards; i++)
		if (load[i] < load[best] || (load[i] == load[best] && tests[i] < tests[best]))
			best = i;
	return best;
}

void viv_test_shard(const char *const *titles, size_t n, const struct viv_test_durations *d,
		    unsigned shard, unsigned shards, bool *ret_mine)
{
	VIV_FREE struct item *items = items_of(titles, n, d);
	VIV_FREE int64_t *load = viv_new_array(int64_t, shards);
	VIV_FREE size_t *tests = viv_new_array(size_t, shards);

	qsort(items, n, sizeof(*items), compare);
	for (size_t i = 0; i < n; i++) {
		unsigned to = least(load, tests, shards);

		load[to] += items[i].ms;
		tests[to]++;
		ret_mine[items[i].place] = to + 1 == shard;
	}
}
