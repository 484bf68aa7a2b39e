/* SPDX-License-Identifier: MIT */
#include "test/result.h"

#include "base/path.h"
#include "test/text.h"

#define MS_MAX ((uint64_t)1 << 52) /* far more than a life, exact as a double */

/* Rows of text: what is written and what is read can't differ. */
static const struct text_row {
	const char *key;
	size_t offset, max;
	bool needed;
} texts[] = {
	{"file", offsetof(struct viv_test_result, file), VIV_TEST_TEXT_MAX, true},
	{"name", offsetof(struct viv_test_result, name), VIV_TEST_TEXT_MAX, true},
	{"title", offsetof(struct viv_test_result, title), VIV_TEST_TEXT_MAX, true},
	{"combination", offsetof(struct viv_test_result, combination), VIV_TEST_TEXT_MAX, false},
	{"reason", offsetof(struct viv_test_result, reason), VIV_TEST_TEXT_MAX, false},
	{"place", offsetof(struct viv_test_result, place), VIV_TEST_TEXT_MAX, false},
	{"details", offsetof(struct viv_test_result, details), VIV_TEST_DETAILS_MAX, false},
	{"folder", offsetof(struct viv_test_result, folder), 255, false},
};

static char **text_of(const struct viv_test_result *r, const struct text_row *row)
{
	return (char **)((char *)r + row->offset);
}

static json_t *text_json(const char *text, size_t max)
{
	VIV_FREE char *shown = viv_test_text(text ? text : "");
	VIV_FREE char *cut = viv_test_cut(shown, max, max == VIV_TEST_DETAILS_MAX);

	return json_string(cut);
}

static json_t *subtest_json(const struct viv_test_subtest *s)
{
	json_t *j = json_pack("{s:o, s:s, s:i}", "name", text_json(s->name, VIV_TEST_TEXT_MAX),
			      "verdict", viv_verdict_name(s->verdict), "depth", (int)s->depth);

	if (s->ms >= 0)
		json_object_set_new(j, "ms", json_integer(s->ms));
	if (s->reason)
		json_object_set_new(j, "reason", text_json(s->reason, VIV_TEST_TEXT_MAX));
	return j;
}

/* A parent stands before its children, so where the text gets too much the rest can be left out. */
static void add_subtests(json_t *to, const struct viv_test_subtests *list)
{
	size_t text = 0;

	for (size_t i = 0; i < list->count; i++) {
		json_t *j = subtest_json(&list->items[i]);

		text += json_string_length(json_object_get(j, "name")) + json_string_length(json_object_get(j, "reason"));
		if (text > VIV_TEST_SUBTESTS_TEXT_MAX) {
			json_decref(j);
			break;
		}
		json_array_append_new(to, j);
	}
}

static void set_names(json_t *j, const char *key, const struct viv_strv *names)
{
	json_t *list = json_array();

	for (size_t i = 0; i < VIV_MIN(names->count, VIV_TEST_MACHINES_MAX); i++)
		json_array_append_new(list, text_json(names->items[i], VIV_TEST_TEXT_MAX));
	if (names->count)
		json_object_set(j, key, list);
	json_decref(list);
}

static void set_lists(json_t *j, const struct viv_test_result *r)
{
	json_t *subtests = json_array();
	uint64_t dropped;

	add_subtests(subtests, &r->subtests);
	dropped = r->subtests.dropped + r->subtests.count - json_array_size(subtests);
	if (r->subtests.count)
		json_object_set(j, "subtests", subtests);
	if (dropped)
		json_object_set_new(j, "subtestsDropped",
				    json_integer((json_int_t)VIV_MIN(dropped, MS_MAX)));
	set_names(j, "machines", &r->machines);
	set_names(j, "running", &r->running);
	json_decref(subtests);
}

json_t *viv_test_result_json(const struct viv_test_result *r)
{
	json_t *j = json_pack("{s:i, s:s, s:I, s:I, s:i}", "line", VIV_MAX(r->line, 0), "verdict",
			      viv_verdict_name(r->verdict), "begun",
			      (json_int_t)VIV_MAX(r->begun, 0), "ms", (json_int_t)VIV_MAX(r->ms, 0),
			      "attempt", (int)VIV_MAX(r->attempt, 1u));

	for (size_t i = 0; i < VIV_ARRAY_SIZE(texts); i++) {
		const char *text = *text_of(r, &texts[i]);

		if (text || texts[i].needed)
			json_object_set_new(j, texts[i].key, text_json(text, texts[i].max));
	}
	if (r->prepared > 0)
		json_object_set_new(j, "prepareMs", json_integer((json_int_t)r->prepared));
	set_lists(j, r);
	return j;
}

/* *ret stays if the member is not there and need not be. */
static int take_text(const json_t *j, const char *key, size_t max, bool needed, char **ret,
		     struct viv_error *err)
{
	const json_t *v = json_object_get(j, key);

	if (!v && !needed)
		return 0;
	if (!json_is_string(v) || json_string_length(v) > max ||
	    strlen(json_string_value(v)) != json_string_length(v))
		return viv_error_say(err, EINVAL, "%s: expected a text of at most %zu bytes", key,
				     max);
	free(*ret);
	*ret = viv_strdup(json_string_value(v));
	return 0;
}

static int take_number(const json_t *j, const char *key, uint64_t max, bool needed, uint64_t *ret,
		       struct viv_error *err)
{
	if (!json_object_get(j, key) && !needed)
		return 0;
	if (!viv_json_u64(j, key, max, ret))
		return viv_error_say(err, EINVAL, "%s: expected a number up to %llu", key,
				     (unsigned long long)max);
	return 0;
}

static int take_verdict(const json_t *j, enum viv_verdict *ret, struct viv_error *err)
{
	const char *name = viv_json_str(j, "verdict");

	if (!name || !viv_verdict_parse(name, ret))
		return viv_error_say(err, EINVAL,
				     "verdict: expected pass, fail, skip, error, timeout or crash");
	return 0;
}

static int take_subtest(const json_t *j, struct viv_test_subtests *list, struct viv_error *err)
{
	unsigned most = list->count ? list->items[list->count - 1].depth + 1 : 0;
	uint64_t depth = 0, ms = 0;
	struct viv_test_subtest *s;
	int r = json_is_object(j) ? 0 : viv_error_say(err, EINVAL, "expected an object");

	if (r == 0)
		r = take_number(j, "depth", VIV_MIN(most, VIV_TEST_DEPTH_MAX), true, &depth, err);
	if (r == 0)
		r = take_number(j, "ms", MS_MAX, false, &ms, err);
	if (r < 0)
		return r;
	s = viv_test_subtests_add(list, (unsigned)depth, "");
	s->ms = json_object_get(j, "ms") ? (int64_t)ms : -1;
	r = take_text(j, "name", VIV_TEST_TEXT_MAX, true, &s->name, err);
	if (r == 0)
		r = take_text(j, "reason", VIV_TEST_TEXT_MAX, false, &s->reason, err);
	return r < 0 ? r : take_verdict(j, &s->verdict, err);
}

static int take_subtests(const json_t *j, struct viv_test_result *ret, struct viv_error *err)
{
	const json_t *list = json_object_get(j, "subtests");
	int r = 0;

	if (list && (!json_is_array(list) || json_array_size(list) > VIV_TEST_SUBTESTS_MAX))
		return viv_error_say(err, EINVAL, "subtests: expected a list of at most %d",
				     VIV_TEST_SUBTESTS_MAX);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		r = take_subtest(json_array_get(list, i), &ret->subtests, err);
		if (r < 0)
			viv_error_context(err, "subtests, %zu", i + 1);
	}
	return r < 0 ? r
		     : take_number(j, "subtestsDropped", MS_MAX, false, &ret->subtests.dropped, err);
}

static int take_names(const json_t *j, const char *key, struct viv_strv *ret, struct viv_error *err)
{
	const json_t *list = json_object_get(j, key);

	if (list && (!json_is_array(list) || json_array_size(list) > VIV_TEST_MACHINES_MAX))
		return viv_error_say(err, EINVAL, "%s: expected a list of at most %d", key,
				     VIV_TEST_MACHINES_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (!name || strlen(name) > VIV_TEST_TEXT_MAX)
			return viv_error_say(err, EINVAL, "%s: expected names", key);
		viv_strv_push(ret, name);
	}
	return 0;
}

static int take_numbers(const json_t *j, struct viv_test_result *ret, struct viv_error *err)
{
	uint64_t line = 0, begun = 0, ms = 0, prepared = 0, attempt = 1;
	int r = take_number(j, "line", INT32_MAX, true, &line, err);

	if (r == 0)
		r = take_number(j, "begun", MS_MAX, true, &begun, err);
	if (r == 0)
		r = take_number(j, "ms", MS_MAX, true, &ms, err);
	if (r == 0)
		r = take_number(j, "prepareMs", MS_MAX, false, &prepared, err);
	if (r == 0)
		r = take_number(j, "attempt", INT32_MAX, true, &attempt, err);
	ret->line = (int)line;
	ret->begun = (int64_t)begun;
	ret->ms = (int64_t)ms;
	ret->prepared = (int64_t)prepared;
	ret->attempt = (unsigned)attempt;
	return r;
}

static int take_all(const json_t *j, struct viv_test_result *ret, struct viv_error *err)
{
	int r = take_verdict(j, &ret->verdict, err);

	for (size_t i = 0; r == 0 && i < VIV_ARRAY_SIZE(texts); i++)
		r = take_text(j, texts[i].key, texts[i].max, texts[i].needed,
			      text_of(ret, &texts[i]), err);
	if (r == 0 && ret->folder && (!viv_path_is_safe(ret->folder) || strchr(ret->folder, '/')))
		r = viv_error_say(err, EINVAL, "folder: expected a plain name");
	if (r == 0)
		r = take_numbers(j, ret, err);
	if (r == 0)
		r = take_subtests(j, ret, err);
	if (r == 0)
		r = take_names(j, "machines", &ret->machines, err);
	return r < 0 ? r : take_names(j, "running", &ret->running, err);
}

int viv_test_result_parse(const json_t *j, struct viv_test_result *ret, struct viv_error *err)
{
	struct viv_test_result result = {0};
	int r = json_is_object(j) ? take_all(j, &result, err)
				  : viv_error_say(err, EINVAL, "a result: expected an object");

	if (r < 0) {
		viv_test_result_free_contents(&result);
		return r;
	}
	viv_test_result_free_contents(ret);
	*ret = result;
	return 0;
}
