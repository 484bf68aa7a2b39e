/* SPDX-License-Identifier: MIT */
#include "test/result.h"

static const char *const verdict_names[VIV_VERDICT_COUNT] = {
	[VIV_VERDICT_ERROR] = "error", [VIV_VERDICT_PASS] = "pass",	  [VIV_VERDICT_FAIL] = "fail",
	[VIV_VERDICT_SKIP] = "skip",   [VIV_VERDICT_TIMEOUT] = "timeout", [VIV_VERDICT_CRASH] = "crash",
};

const char *viv_verdict_name(enum viv_verdict verdict)
{
	return verdict_names[verdict];
}

bool viv_verdict_parse(const char *name, enum viv_verdict *ret)
{
	for (unsigned i = 0; i < VIV_VERDICT_COUNT; i++)
		if (viv_streq(name, verdict_names[i])) {
			*ret = i;
			return true;
		}
	return false;
}

bool viv_verdict_is_ok(enum viv_verdict verdict)
{
	return verdict == VIV_VERDICT_PASS || verdict == VIV_VERDICT_SKIP;
}

void viv_test_subtests_free(struct viv_test_subtests *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].reason);
	}
	free(list->items);
	*list = (struct viv_test_subtests){0};
}

struct viv_test_subtest *viv_test_subtests_insert(struct viv_test_subtests *list, size_t at,
						  unsigned depth, const char *name)
{
	struct viv_test_subtest *s;
	unsigned most = at ? list->items[at - 1].depth + 1 : 0;

	if (list->count >= VIV_TEST_SUBTESTS_MAX) {
		list->dropped++;
		return NULL;
	}
	list->items = viv_grow(list->items, &list->cap, list->count + 1, sizeof(*list->items));
	s = &list->items[at];
	memmove(s + 1, s, (list->count - at) * sizeof(*s));
	list->count++;
	*s = (struct viv_test_subtest){
		.name = viv_strdup(name),
		.verdict = VIV_VERDICT_PASS,
		.depth = VIV_MIN(VIV_MIN(depth, most), VIV_TEST_DEPTH_MAX),
		.ms = -1,
	};
	return s;
}

struct viv_test_subtest *viv_test_subtests_add(struct viv_test_subtests *list, unsigned depth,
					       const char *name)
{
	return viv_test_subtests_insert(list, list->count, depth, name);
}

void viv_test_result_free_contents(struct viv_test_result *r)
{
	free(r->file);
	free(r->name);
	free(r->combination);
	free(r->title);
	free(r->reason);
	free(r->place);
	free(r->details);
	free(r->folder);
	viv_test_subtests_free(&r->subtests);
	viv_strv_free(&r->machines);
	viv_strv_free(&r->running);
	*r = (struct viv_test_result){0};
}

void viv_test_results_free(struct viv_test_results *list)
{
	for (size_t i = 0; i < list->count; i++)
		viv_test_result_free_contents(&list->items[i]);
	free(list->items);
	*list = (struct viv_test_results){0};
}

void viv_test_results_take(struct viv_test_results *list, struct viv_test_result *r)
{
	list->items = viv_grow(list->items, &list->cap, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = *r;
	*r = (struct viv_test_result){0};
}

static int compare_tests(const struct viv_test_result *x, const struct viv_test_result *y)
{
	int c = strcmp(x->file, y->file);

	if (!c)
		c = (x->line > y->line) - (x->line < y->line);
	return c ? c : strcmp(x->title, y->title);
}

bool viv_test_result_same(const struct viv_test_result *a, const struct viv_test_result *b)
{
	return compare_tests(a, b) == 0;
}

static int compare_pointed(const void *a, const void *b)
{
	return compare_tests(*(const struct viv_test_result *const *)a, *(const struct viv_test_result *const *)b);
}

void viv_test_results_fill(struct viv_test_results *list, struct viv_test_results *more)
{
	VIV_FREE const struct viv_test_result **sorted = viv_calloc(list->count + 1, sizeof(*sorted));
	VIV_FREE bool *has = viv_new_array(bool, more->count);

	for (size_t i = 0; i < list->count; i++)
		sorted[i] = &list->items[i];
	qsort(sorted, list->count, sizeof(*sorted), compare_pointed);
	for (size_t i = 0, n = list->count; i < more->count; i++) {
		const struct viv_test_result *r = &more->items[i];

		has[i] = n && bsearch(&r, sorted, n, sizeof(*sorted), compare_pointed);
	}
	for (size_t i = 0; i < more->count; i++)
		if (!has[i])
			viv_test_results_take(list, &more->items[i]);
	viv_test_results_free(more);
}

/* Of one test in the order in which they ended: items of one array. */
static int compare_attempts(const void *a, const void *b)
{
	const struct viv_test_result *x = *(const struct viv_test_result *const *)a;
	const struct viv_test_result *y = *(const struct viv_test_result *const *)b;
	int c = compare_tests(x, y);

	return c ? c : (x > y) - (x < y);
}

const struct viv_test_result **viv_test_results_final(const struct viv_test_results *list,
						      size_t *ret_n)
{
	const struct viv_test_result **all = viv_calloc(list->count + 1, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; i < list->count; i++)
		all[i] = &list->items[i];
	qsort(all, list->count, sizeof(*all), compare_attempts);
	for (size_t i = 0; i < list->count; i++)
		if (i + 1 == list->count || !viv_test_result_same(all[i], all[i + 1]))
			all[n++] = all[i];
	*ret_n = n;
	return all;
}
