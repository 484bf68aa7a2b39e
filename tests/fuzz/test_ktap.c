/* SPDX-License-Identifier: MIT */
/* Results in a command's output: a bounded tree, and one that can be stored and read again. */
#include "test/ktap.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct viv_ktap_summary *s)
{
	assert(s->subtests.count <= VIV_TEST_SUBTESTS_MAX);
	assert(s->verdict != VIV_VERDICT_PASS || !s->reason);
	for (size_t i = 0; i < s->subtests.count; i++) {
		const struct viv_test_subtest *t = &s->subtests.items[i];

		assert(t->depth <= VIV_TEST_DEPTH_MAX);
		assert(t->depth <= (i ? t[-1].depth + 1 : 0));
		assert(t->name[0]);
	}
}

/* As a result it goes into the results folder. */
static void store(struct viv_ktap_summary *s)
{
	struct viv_test_result r = {.attempt = 1, .subtests = s->subtests}, back = {0};
	VIV_JSON *j = NULL;

	r.file = viv_strdup("f");
	r.name = viv_strdup("n");
	r.title = viv_strdup("t");
	s->subtests = (struct viv_test_subtests){0};
	j = viv_test_result_json(&r);
	assert(viv_test_result_parse(j, &back, NULL) == 0);
	assert(back.subtests.count == r.subtests.count);
	viv_test_result_free_contents(&r);
	viv_test_result_free_contents(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct viv_ktap *k = viv_ktap_new();
	struct viv_ktap_summary s = {0};

	viv_ktap_feed(k, data, size / 2);
	viv_ktap_feed(k, data + size / 2, size - size / 2);
	viv_ktap_finish(k, &s);
	check(&s);
	store(&s);
	viv_ktap_summary_free_contents(&s);
	viv_ktap_free(k);
	return 0;
}
