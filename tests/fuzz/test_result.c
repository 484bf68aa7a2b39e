/* SPDX-License-Identifier: MIT */
/* Results as somebody wrote them: what is taken can be written again, as JSON, TAP and XML, and the TAP can be read. */
#include "test/junit.h"
#include "test/ktap.h"
#include "test/tap.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_json(const struct viv_test_result *r)
{
	struct viv_test_result back = {0};
	VIV_JSON *j = viv_test_result_json(r);

	assert(viv_test_result_parse(j, &back, NULL) == 0);
	viv_test_result_free_contents(&back);
}

static void check_writers(const struct viv_test_results *list)
{
	struct viv_ktap *k = viv_ktap_new();
	struct viv_ktap_summary s = {0};
	VIV_STR tap = VIV_STR_INIT, junit = VIV_STR_INIT;

	viv_test_tap(list, &tap);
	viv_test_junit(list, &junit);
	for (const char *p = junit.data; *p; p++)
		assert((unsigned char)*p >= 0x20 || *p == '\n' || *p == '\t');
	viv_ktap_feed(k, tap.data, tap.len);
	viv_ktap_finish(k, &s);
	assert(s.found);
	viv_ktap_summary_free_contents(&s);
	viv_ktap_free(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct viv_slice rest = {(const char *)data, size}, line;
	struct viv_test_results list = {0};

	while (viv_slice_line(&rest, &line)) {
		struct viv_test_result r = {0};
		VIV_JSON *j = NULL;

		if (viv_json_parse(line.data, line.len, "x", &j, NULL) < 0 ||
		    viv_test_result_parse(j, &r, NULL) < 0)
			continue;
		check_json(&r);
		viv_test_results_take(&list, &r);
	}
	check_writers(&list);
	viv_test_results_free(&list);
	return 0;
}
