/* SPDX-License-Identifier: MIT */
#include "test/suite.h"

#include "base/path.h"
#include "base/process.h"
#include "test/command.h"
#include "test/files.h"
#include "test/run.h"
#include "test/runner.h"
#include "test/select.h"

#include <unistd.h>

void viv_test_case_free_contents(struct viv_test_case *c)
{
	char *owned[] = {c->file, c->text, c->shown, c->name, c->combination, c->title, c->skip, c->error};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(owned); i++)
		free(owned[i]);
	viv_strv_free(&c->axes);
	viv_strv_free(&c->labels);
	json_decref(c->machines);
	json_decref(c->expect);
}

void viv_suite_free_contents(struct viv_suite *s)
{
	for (size_t i = 0; i < s->n; i++)
		viv_test_case_free_contents(&s->cases[i]);
	free(s->cases);
	viv_strv_free(&s->unused_params);
	viv_strv_free(&s->unread);
	*s = (struct viv_suite){0};
}

struct viv_config_choice *viv_test_case_choices(const struct viv_test_case *c)
{
	struct viv_config_choice *choices = viv_new_array(struct viv_config_choice, c->axes.count + 1);

	for (size_t i = 0; i < c->axes.count; i++)
		choices[i] = (struct viv_config_choice){c->axes.items[i], c->labels.items[i]};
	return choices;
}

/* One file on its way. */
struct collecting {
	const struct viv_suite_spec *spec;
	struct viv_report *report;
	struct viv_suite *suite;
	const char *shown;
	char *file;
	const char *text; /* NULL: it is a file */
	unsigned number;
};

static struct viv_test_case *add_case(struct collecting *c)
{
	struct viv_suite *s = c->suite;
	struct viv_test_case *one;

	s->cases = viv_grow(s->cases, &s->cap, s->n + 1, sizeof(*s->cases));
	one = &s->cases[s->n++];
	*one = (struct viv_test_case){.file = viv_strdup(c->file), .text = viv_strdup(c->text),
				      .shown = viv_strdup(c->shown), .file_number = c->number};
	return one;
}

static void add_wrong(struct collecting *c, const char *combination, const struct viv_error *err)
{
	struct viv_test_case *one = add_case(c);

	one->combination = viv_strdup(combination);
	one->title = combination ? viv_asprintf("%s [%s]", c->shown, combination) : viv_strdup(c->shown);
	one->error = viv_strdup(err->msg);
}

static int load(const struct collecting *c, const char *machine, const struct viv_test_case *combination,
		struct viv_config **ret, struct viv_error *err)
{
	VIV_FREE struct viv_config_choice *choices = viv_test_case_choices(combination);
	const struct viv_config_test test = {
		.machine = machine,
		.matrix = choices,
		.n_matrix = combination->axes.count,
		.params = c->spec->params,
		.n_params = c->spec->n_params,
		.reserved = viv_test_reserved(),
		.text = c->text,
	};
	const struct viv_config_request req = {
		.file = c->shown, .settings = c->spec->settings, .n_settings = c->spec->n_settings, .test = &test};

	return viv_config_load(&req, machine ? NULL : c->report, ret, err);
}

/* What its machines take of the host. */
static int measure(const struct collecting *c, const json_t *declared, struct viv_test_case *combination,
		   struct viv_error *err)
{
	size_t i;
	json_t *name;

	json_array_foreach(json_object_get(declared, "machines"), i, name) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
		int r = load(c, json_string_value(name), combination, &config, err);

		if (r < 0)
			return r;
		combination->memory_mib += (uint64_t)viv_config_int(config, "virtualisation.memorySize");
		combination->cores += (uint64_t)viv_config_int(config, "virtualisation.cores");
	}
	return 0;
}

/* Of what it needs the first that this host has not; NULL: all is there. The caller frees it. */
static char *why_skipped(const json_t *test)
{
	const char *skip = viv_json_str(test, "skip");
	size_t i;
	json_t *need;

	if (skip)
		return viv_strdup(skip);
	json_array_foreach(json_object_get(test, "needs"), i, need) {
		const char *name = json_string_value(need);
		VIV_FREE char *program = name[0] == '/' ? NULL : viv_find_program(name);

		if (!program && (name[0] != '/' || access(name, F_OK) < 0))
			return viv_asprintf("%s is missing", name);
	}
	return NULL;
}

/* The first that can't be meant. */
static char *wrong_expectation(const char *file, const json_t *test)
{
	size_t i;
	json_t *what;

	json_array_foreach(json_object_get(test, "expect"), i, what) {
		VIV_FREE char *wrong = json_is_string(what) ? runner_expect_wrong(json_string_value(what)) : NULL;

		if (wrong)
			return viv_asprintf("%s:%d: test: expect: %s", file, (int)json_integer_value(json_object_get(test, "line")), wrong);
	}
	return NULL;
}

static void add_test(struct collecting *c, const json_t *declared, const json_t *test,
		     const struct viv_test_case *combination)
{
	const char *name = viv_json_str(test, "name");
	VIV_FREE char *title = c->text ? viv_strdup(c->shown)
			       : combination->combination
				       ? viv_asprintf("%s: %s [%s]", c->shown, name, combination->combination)
				       : viv_asprintf("%s: %s", c->shown, name);
	struct viv_test_case *one;

	one = add_case(c);
	one->name = viv_strdup(name);
	one->skip = why_skipped(test);
	one->line = (int)json_integer_value(json_object_get(test, "line"));
	one->limit_ms = json_integer_value(json_object_get(test, "timeout_ms"));
	one->combination = viv_strdup(combination->combination);
	viv_strv_push_all(&one->axes, (const char *const *)combination->axes.items);
	viv_strv_push_all(&one->labels, (const char *const *)combination->labels.items);
	one->memory_mib = combination->memory_mib;
	one->cores = combination->cores;
	one->machines = json_incref(json_object_get(declared, "machines"));
	one->expect = json_incref(json_object_get(test, "expect"));
	one->title = viv_steal(title);
	one->error = wrong_expectation(c->shown, test);
}

static void add_tests(struct collecting *c, const json_t *declared, struct viv_test_case *combination)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	size_t i;
	json_t *test;

	if (measure(c, declared, combination, &err) < 0) {
		add_wrong(c, combination->combination, &err);
		return;
	}
	json_array_foreach(json_object_get(declared, "tests"), i, test)
		add_test(c, declared, test, combination);
}

/* What stands between labels is none of them: "a\\,b=c". */
static void add_label(struct viv_str *text, const char *label)
{
	for (; *label; label++) {
		if (strchr(",=\\", *label))
			viv_str_add_char(text, '\\');
		viv_str_add_char(text, *label);
	}
}

/* The number-th combination, the last axis changing fastest; false: there are no more. */
static bool choose(const json_t *matrix, uint64_t number, struct viv_test_case *ret)
{
	VIV_STR text = VIV_STR_INIT;
	uint64_t all = 1, rest;
	size_t i;
	json_t *axis;

	json_array_foreach((json_t *)matrix, i, axis)
		all *= json_array_size(json_object_get(axis, "values"));
	if (number >= all)
		return false;
	rest = number;
	json_array_foreach((json_t *)matrix, i, axis) {
		const json_t *values = json_object_get(axis, "values");
		const char *name = viv_json_str(axis, "name"), *label;

		all /= json_array_size(values);
		label = json_string_value(json_array_get(values, rest / all));
		rest %= all;
		viv_strv_push(&ret->axes, name);
		viv_strv_push(&ret->labels, label);
		viv_str_addf(&text, "%s%s=", text.len ? "," : "", name);
		add_label(&text, label);
	}
	ret->combination = text.len ? viv_str_steal(&text) : NULL;
	return true;
}

static uint64_t count_combinations(const json_t *matrix)
{
	uint64_t all = 1;
	size_t i;
	json_t *axis;

	json_array_foreach((json_t *)matrix, i, axis)
		if (all <= VIV_SUITE_COMBINATIONS_MAX)
			all *= json_array_size(json_object_get(axis, "values"));
	return all;
}

static void note_params(struct viv_suite *s, const json_t *declared)
{
	size_t i;
	json_t *param;

	json_array_foreach(json_object_get(declared, "params"), i, param)
		for (size_t k = 0; k < s->unused_params.count; k++)
			if (viv_streq(s->unused_params.items[k], viv_json_str(param, "name"))) {
				free(s->unused_params.items[k]);
				s->unused_params.items[k] = s->unused_params.items[--s->unused_params.count];
				s->unused_params.items[s->unused_params.count] = NULL;
				break;
			}
}

/* A combination may declare other axes than the first one did: that would be none that anybody could name. */
static bool same_matrix(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, "matrix"), json_object_get(b, "matrix"));
}

static int collect_combination(struct collecting *c, const json_t *first, uint64_t number, struct viv_error *err)
{
	VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
	VIV_CLEANUP(viv_test_case_free_contents) struct viv_test_case combination = {0};
	const json_t *declared = first;

	if (!choose(json_object_get(first, "matrix"), number, &combination))
		return 0;
	if (number > 0) {
		int r = load(c, NULL, &combination, &config, err);

		if (r < 0) {
			add_wrong(c, combination.combination, err);
			viv_error_clear(err);
			return 1;
		}
		declared = viv_config_declared(config);
		if (!same_matrix(first, declared)) {
			viv_error_say(err, EINVAL, "%s: with %s it has other matrix(…) calls than without: what stands in "
				      "them must not depend on one another", c->shown, combination.combination);
			add_wrong(c, combination.combination, err);
			viv_error_clear(err);
			return 1;
		}
	}
	add_tests(c, declared, &combination);
	return 1;
}

static void collect_file(struct collecting *c)
{
	VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
	const struct viv_test_case none = {0};
	VIV_ERROR err = VIV_ERROR_INIT;
	const json_t *first = NULL;
	int r = c->text ? 0 : viv_path_absolute(c->shown, &c->file, &err);

	if (r == 0)
		r = load(c, NULL, &none, &config, &err);
	if (r == 0) {
		first = viv_config_declared(config);
		note_params(c->suite, first);
		if (count_combinations(json_object_get(first, "matrix")) > VIV_SUITE_COMBINATIONS_MAX)
			r = viv_error_say(&err, E2BIG, "%s: its matrix has more than %d combinations", c->shown,
					  VIV_SUITE_COMBINATIONS_MAX);
	}
	if (r < 0) {
		add_wrong(c, NULL, &err);
		return;
	}
	for (uint64_t number = 0; collect_combination(c, first, number, &err) > 0; number++)
		;
}

static int collect_command(const struct viv_suite_spec *spec, struct viv_report *report, struct viv_suite *suite,
			   struct viv_error *err)
{
	VIV_CLEANUP(viv_test_command_free_contents) struct viv_test_command command = {0};
	struct collecting c = {.spec = spec, .report = report, .suite = suite};
	int r = viv_test_command_make(spec->command, spec->machine, &command, err);

	if (r < 0)
		return r;
	c.shown = command.shown;
	c.text = command.text;
	c.file = viv_strdup(command.file);
	collect_file(&c);
	free(c.file);
	return 0;
}

struct viv_test_result viv_test_case_result(const struct viv_test_case *c, enum viv_verdict verdict)
{
	return (struct viv_test_result){
		.file = viv_strdup(c->shown),
		.line = c->line,
		.name = viv_strdup(c->name ? c->name : c->shown),
		.combination = viv_strdup(c->combination),
		.title = viv_strdup(c->title),
		.attempt = 1,
		.verdict = verdict,
	};
}

int viv_suite_collect(const struct viv_suite_spec *spec, struct viv_report *report, struct viv_suite *ret,
		      struct viv_error *err)
{
	VIV_CLEANUP(viv_suite_free_contents) struct viv_suite suite = {0};
	VIV_STRV files = VIV_STRV_INIT;
	int r = spec->command ? collect_command(spec, report, &suite, err)
			      : viv_test_files(spec->paths, &files, &suite.unread, err);

	if (r < 0)
		return r;
	if (files.count > VIV_SUITE_FILES_MAX)
		return viv_error_say(err, E2BIG, "more than %d files with tests", VIV_SUITE_FILES_MAX);
	for (size_t i = 0; i < spec->n_params; i++)
		viv_strv_push(&suite.unused_params, spec->params[i].name);
	for (size_t i = 0; i < files.count; i++) {
		struct collecting c = {.spec = spec, .report = report, .suite = &suite, .shown = files.items[i],
				       .number = (unsigned)i};

		collect_file(&c);
		free(c.file);
	}
	r = viv_suite_select(&suite, spec->only, err);
	if (r < 0)
		return r;
	*ret = suite;
	suite = (struct viv_suite){0};
	return 0;
}
