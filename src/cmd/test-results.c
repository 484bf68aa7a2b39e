/* SPDX-License-Identifier: MIT */
#include "cmd/test.h"

#include "base/path.h"
#include "test/durations.h"
#include "test/tap.h"

#include <unistd.h>

/* Where runs go that are started in this folder. */
static int place_here(char **ret, struct viv_error *err)
{
	VIV_FREE char *here = getcwd(NULL, 0);

	if (!here)
		return viv_error_set(err, errno, "the current folder");
	return viv_test_folder_place(here, ret, err);
}

int viv_test_open_results(const char *wanted, struct viv_test_folder **ret, struct viv_error *err)
{
	VIV_FREE char *place = NULL;
	int r;

	if (wanted)
		return viv_test_folder_open(wanted, ret, err);
	r = place_here(&place, err);
	return r < 0 ? r : viv_test_folder_new(place, ret, err);
}

/* Of each test the last attempt is what came of it. */
static int judge(struct viv_test_log *log, const struct viv_test_results *list)
{
	VIV_FREE const struct viv_test_result **final = NULL;
	bool ok = true;
	size_t n;

	final = viv_test_results_final(list, &n);
	log->n = n;
	for (size_t i = 0; i < n; i++) {
		viv_test_log_end(log, final[i], true);
		ok = ok && viv_verdict_is_ok(final[i]->verdict);
	}
	return ok ? VIV_EXIT_OK : VIV_EXIT_FAILED;
}

int viv_test_report(struct viv_cmd *cmd, const char *wanted, bool tap, struct viv_error *err)
{
	VIV_CLEANUP(viv_test_results_free) struct viv_test_results list = {0};
	VIV_STRV unfinished = VIV_STRV_INIT;
	VIV_FREE char *place = NULL, *last = NULL;
	VIV_STR text = VIV_STR_INIT;
	struct viv_test_log log = viv_test_log_new(cmd, false);
	int r = wanted ? 0 : place_here(&place, err), status;

	if (r == 0 && !wanted)
		r = viv_test_folder_last(place, &last, err);
	if (r == 0)
		r = viv_test_folder_read(wanted ? wanted : last, &list, &unfinished, err);
	if (r < 0)
		return r;
	if (tap || cmd->json) {
		if (tap)
			viv_test_tap(&list, &text);
		for (size_t i = 0; !tap && i < list.count; i++) {
			VIV_JSON *j = viv_test_result_json(&list.items[i]);

			viv_json_canonical(j, &text);
			viv_str_add_char(&text, '\n');
		}
		fputs(text.data ? text.data : "", stdout);
		log.mute = true;
	}
	status = judge(&log, &list);
	for (size_t i = 0; i < unfinished.count; i++)
		viv_cmd_print(stderr, "viv: %s: has no result: the run was cut off\n", unfinished.items[i]);
	viv_test_log_summary(&log);
	viv_cmd_print(stderr, "viv: results: %s\n", wanted ? wanted : last);
	return unfinished.count ? VIV_EXIT_FAILED : status;
}

static int read_shard(const char *text, unsigned *ret_i, unsigned *ret_n)
{
	const char *slash = strchr(text, '/');
	uint64_t i, n;

	if (!slash || !viv_slice_u64((struct viv_slice){text, (size_t)(slash - text)}, 100000, &i) ||
	    !viv_slice_u64(viv_slice(slash + 1), 100000, &n) || i < 1 || i > n)
		return -EINVAL;
	*ret_i = (unsigned)i;
	*ret_n = (unsigned)n;
	return 0;
}

/* Only this shard's cases stay, the longest first where it is known how long they take. */
int viv_test_arrange(struct viv_suite *suite, const char *shard, const char *durations, char **ret_durations,
		     struct viv_error *err)
{
	VIV_TEST_DURATIONS known = {0};
	VIV_FREE const char **titles = viv_new_array(const char *, suite->n);
	VIV_FREE size_t *order = viv_new_array(size_t, suite->n);
	VIV_FREE bool *mine = viv_new_array(bool, suite->n);
	VIV_FREE struct viv_test_case *sorted = viv_new_array(struct viv_test_case, suite->n);
	unsigned i = 1, n = 1;
	size_t kept = 0;
	int r = 0;

	if (shard && read_shard(shard, &i, &n) < 0)
		return viv_error_say(err, EINVAL, "--shard %s: expected I/N, such as 1/4 for the first of four", shard);
	/* All shards must see the same: not what one of them has left already. */
	if (durations)
		r = n > 1 ? viv_test_durations_read(durations, &known, err)
			  : viv_test_durations_read_all(durations, &known, err);
	if (r < 0)
		return r;
	for (size_t k = 0; k < suite->n; k++)
		titles[k] = suite->cases[k].title;
	viv_test_order(titles, suite->n, &known, order);
	viv_test_shard(titles, suite->n, &known, i, n, mine);
	for (size_t k = 0; k < suite->n; k++)
		if (mine[order[k]])
			sorted[kept++] = suite->cases[order[k]];
	for (size_t k = 0; k < suite->n; k++)
		if (!mine[k])
			viv_test_case_free_contents(&suite->cases[k]);
	memcpy(suite->cases, sorted, kept * sizeof(*sorted));
	suite->n = kept;
	if (durations)
		*ret_durations = n > 1 ? viv_test_durations_part(durations, i, n) : viv_strdup(durations);
	return 0;
}
