/* SPDX-License-Identifier: MIT */
#include "test/durations.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"

#include <dirent.h>
#include <unistd.h>

#define LOCK_MS	 60000
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

char *viv_test_durations_part(const char *path, unsigned shard, unsigned shards)
{
	return viv_asprintf("%s.%u-of-%u", path, shard, shards);
}

/* "FILE.2-of-4" of "FILE". */
static bool is_part_of(const char *base, const char *name)
{
	const char *digits = "0123456789";
	size_t i, n;

	if (!viv_starts_with(name, base) || name[strlen(base)] != '.')
		return false;
	name += strlen(base) + 1;
	i = strspn(name, digits);
	if (!i || !viv_starts_with(name + i, "-of-"))
		return false;
	name += i + strlen("-of-");
	n = strspn(name, digits);
	return n && !name[n];
}

/* Paths of what shards have left beside it, sorted. A folder that isn't there has none. */
static void find_parts(const char *path, struct viv_strv *ret)
{
	VIV_FREE char *folder = viv_path_dir(path);
	const char *base = viv_path_base(path);
	DIR *d = opendir(folder);

	for (struct dirent *e; d && (e = readdir(d));)
		if (is_part_of(base, e->d_name))
			viv_strv_take(ret, viv_path_join(folder, e->d_name));
	if (d)
		closedir(d);
	viv_strv_sort(ret);
}

static int read_with(const char *path, const struct viv_strv *parts, struct viv_test_durations *ret,
		     struct viv_error *err)
{
	int r = viv_test_durations_read(path, ret, err);

	for (size_t i = 0; r == 0 && i < parts->count; i++) {
		VIV_TEST_DURATIONS part = {0};

		r = viv_test_durations_read(parts->items[i], &part, err);
		if (r == 0)
			json_object_update(ret->map, part.map);
	}
	return r;
}

int viv_test_durations_read_all(const char *path, struct viv_test_durations *ret, struct viv_error *err)
{
	VIV_STRV parts = VIV_STRV_INIT;

	find_parts(path, &parts);
	return read_with(path, &parts, ret, err);
}

static bool says_how_long(const struct viv_test_result *r)
{
	return r->verdict != VIV_VERDICT_SKIP && r->verdict != VIV_VERDICT_ERROR;
}

/* Its folder, held as long as the descriptor is open: the file itself is another one after each writing. */
static int lock_folder_of(const char *path, struct viv_error *err)
{
	VIV_FREE char *folder = viv_path_dir(path);
	int fd = viv_open(folder, O_RDONLY | O_DIRECTORY, 0, err), r;

	if (fd < 0)
		return fd;
	r = viv_lock_within(fd, LOCK_MS, err);
	if (r == 0)
		return fd;
	viv_close(fd);
	return r == -ETIMEDOUT ? viv_error_say(err, ETIMEDOUT, "%s: another process keeps it locked", folder) : r;
}

int viv_test_durations_merge(const char *path, const struct viv_test_results *list,
			     struct viv_error *err)
{
	VIV_TEST_DURATIONS d = {0};
	VIV_STRV parts = VIV_STRV_INIT;
	size_t n = 0;
	VIV_FREE const struct viv_test_result **final = viv_test_results_final(list, &n);
	VIV_FD lock = lock_folder_of(path, err);
	int r = lock;

	if (r >= 0) {
		find_parts(path, &parts);
		r = read_with(path, &parts, &d, err);
	}
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (says_how_long(final[i]))
			json_object_set_new(d.map, final[i]->title,
					    json_integer(VIV_MIN(VIV_MAX(final[i]->ms - final[i]->prepared, 0), MS_MAX)));
	r = viv_json_write_file(path, d.map, 0644, err);
	for (size_t i = 0; r == 0 && i < parts.count; i++)
		unlink(parts.items[i]); /* one that stays is read again */
	return r;
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
