/* SPDX-License-Identifier: MIT */

/*
 * Machine files and what becomes of them, in tests/data/config:
 *   errors/, hostile/   NAME.lua gives exactly the message in NAME.txt
 *   valid/              NAME.lua gives the values in NAME.json ({ option: value, … })
 * With VIV_TEST_UPDATE=1 in the environment the messages are written instead of compared.
 */

#include "config_expected.h"

#include "base/fd.h"
#include "base/path.h"
#include "config/config.h"
#include "config/load.h"

#include <unistd.h>

static int load(const char *file, struct viv_config **ret, struct viv_error *err)
{
	struct viv_config_request req = {.file = file, .no_site_files = true};

	return viv_config_load(&req, NULL, ret, err);
}

/* In this process, where a sanitizer sees what happens. */
static int load_here(const char *file, struct viv_config **ret, struct viv_error *err)
{
	struct viv_config_request req = {.file = file, .no_site_files = true};
	struct viv_config_answer answer = {0};
	int r = viv_config_evaluate(&req, "/", NULL, NULL, &answer, err);

	viv_config_answer_clear(&answer);
	*ret = NULL;
	return r;
}

typedef int (*load_fn)(const char *file, struct viv_config **ret, struct viv_error *err);

static void check_messages(const char *folder, load_fn fn)
{
	VIV_STRV files = VIV_STRV_INIT;
	bool ok = true;

	assert_int_equal(chdir(TEST_DATA), 0);
	assert_int_equal(chdir("config"), 0);
	list_lua(folder, &files);
	assert_int_equal(chdir(folder), 0);
	for (size_t i = 0; i < files.count; i++) {
		VIV_ERROR err = VIV_ERROR_INIT;
		struct viv_config *c = NULL;
		int r = fn(files.items[i], &c, &err);
		VIV_STR line = VIV_STR_INIT;

		viv_config_free(c);
		viv_str_addf(&line, "%s\n", err.msg);
		if (r == 0)
			print_error("%s: no error\n", files.items[i]);
		ok &= r == -EINVAL && is_as_expected(files.items[i], line.data);
	}
	assert_true(ok);
}

static void errors(void **state)
{
	check_messages("errors", load);
}

static void errors_here(void **state)
{
	check_messages("errors", load_here);
}

static void hostile(void **state)
{
	check_messages("hostile", load);
}

static bool check_value(const char *file, const struct viv_config *c, const char *name,
			const json_t *want)
{
	const json_t *got = viv_config_find(c, name);
	VIV_STR a = VIV_STR_INIT, b = VIV_STR_INIT;

	if (got && json_equal(got, want))
		return true;
	viv_json_canonical(want, &a);
	if (got)
		viv_json_canonical(got, &b);
	print_error("%s: %s: expected %s, got %s\n", file, name, a.data,
		    b.data ? b.data : "nothing");
	return false;
}

static bool check_values(const char *file)
{
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
	VIV_FREE char *path = beside(file, ".json");
	VIV_ERROR err = VIV_ERROR_INIT;
	struct viv_config *none;
	VIV_JSON *want = NULL;
	const char *name;
	json_t *value;
	bool ok = true;

	if (viv_json_read_file(path, 1 << 20, &want, &err) < 0 || load(file, &c, &err) < 0 ||
	    load_here(file, &none, &err) < 0) {
		print_error("%s\n", err.msg);
		return false;
	}
	json_object_foreach(want, name, value) ok &= check_value(file, c, name, value);
	return ok;
}

static void valid(void **state)
{
	VIV_STRV files = VIV_STRV_INIT;
	bool ok = true;

	assert_int_equal(chdir(TEST_DATA), 0);
	assert_int_equal(chdir("config/valid"), 0);
	list_lua(".", &files);
	for (size_t i = 0; i < files.count; i++)
		ok &= check_values(files.items[i]);
	assert_true(ok);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid),
		cmocka_unit_test(errors),
		cmocka_unit_test(errors_here),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
