/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/fd.h"
#include "base/path.h"
#include "test/folder.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER VIV_CLEANUP(viv_test_folder_freep) struct viv_test_folder
#define LIST   VIV_CLEANUP(viv_test_results_free) struct viv_test_results

static void write_text(const char *dir, const char *name, const char *text)
{
	VIV_FREE char *path = viv_path_join(dir, name);

	assert_int_equal(viv_write_file(path, text, strlen(text), 0644, NULL), 0);
}

static bool has(const char *dir, const char *name)
{
	VIV_FREE char *path = viv_path_join(dir, name);

	return viv_exists(path);
}

static void add(struct viv_test_folder *f, const char *title, const char *folder)
{
	struct viv_test_result r = {.verdict = VIV_VERDICT_PASS, .attempt = 1};

	r.file = viv_strdup("a.lua");
	r.name = viv_strdup("a");
	r.title = viv_strdup(title);
	r.folder = viv_strdup(folder);
	assert_int_equal(viv_test_folder_add(f, &r, NULL), 0);
	viv_test_result_free_contents(&r);
}

static void test_run(void **state)
{
	VIV_FREE char *dir = test_dir("folder"), *at = viv_path_join(dir, "new/results"), *name = NULL, *again = NULL;
	FOLDER *f = NULL;
	LIST list = {0};
	VIV_STRV unfinished = VIV_STRV_INIT;

	assert_int_equal(viv_test_folder_open(at, &f, NULL), 0);
	assert_int_equal(viv_test_folder_begin(f, "../tests/w\xc3\xa4.lua: page [fs=ext4]", &name, NULL), 0);
	assert_string_equal(name, "tests-w-.lua-page-fs=ext4-a7574d7f");
	assert_true(has(at, name));
	assert_int_equal(viv_test_folder_begin(f, "../tests/w\xc3\xa4.lua: page [fs=ext4]", &again, NULL), 0);
	assert_string_equal(again, "tests-w-.lua-page-fs=ext4-a7574d7f-2");
	add(f, "page", name);
	assert_false(has(at, "results.tap"));
	/* What a killed driver leaves can be read. */
	assert_int_equal(viv_test_folder_read(at, &list, &unfinished, NULL), 0);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].folder, name);
	assert_int_equal(unfinished.count, 1);
	assert_string_equal(unfinished.items[0], again);
	assert_int_equal(viv_test_folder_finish(f, NULL), 0);
	assert_true(has(at, "results.tap"));
	assert_true(has(at, "junit.xml"));
	viv_remove_tree(dir, NULL);
}

/* Half a line at the end is nothing; anything else that is broken is an error with its place. */
static void test_broken(void **state)
{
	VIV_FREE char *dir = test_dir("folder"), *want = viv_asprintf("%s/results.jsonl:2: a result: expected an object", dir);
	VIV_ERROR err = VIV_ERROR_INIT;
	LIST list = {0};

	assert_int_equal(viv_test_folder_read(dir, &list, NULL, NULL), -ENOENT);
	write_text(dir, ".viv-results", "viv test results 1\n../../x\n/etc\n\nsrc\nfine-0123abcd\n");
	write_text(dir, "results.jsonl",
		   "{\"file\":\"f\",\"name\":\"n\",\"title\":\"t\",\"verdict\":\"pass\",\"line\":1,\"begun\":1,\"ms\":1,\"attempt\":1}"
		   "\n{\"file\":");
	{
		VIV_STRV unfinished = VIV_STRV_INIT;

		assert_int_equal(viv_test_folder_read(dir, &list, &unfinished, NULL), 0);
		assert_int_equal(list.count, 1);
		assert_int_equal(unfinished.count, 1);
		assert_string_equal(unfinished.items[0], "fine-0123abcd");
	}
	write_text(dir, "results.jsonl",
		   "{\"file\":\"f\",\"name\":\"n\",\"title\":\"t\",\"verdict\":\"pass\",\"line\":1,\"begun\":1,\"ms\":1,\"attempt\":1}"
		   "\n[]\n");
	assert_int_equal(viv_test_folder_read(dir, &list, NULL, &err), -EINVAL);
	assert_string_equal(err.msg, want);
	assert_int_equal(list.count, 1);
	viv_remove_tree(dir, NULL);
}

static void test_refused(void **state)
{
	VIV_FREE char *dir = test_dir("folder");
	VIV_ERROR err = VIV_ERROR_INIT;
	FOLDER *f = NULL;

	write_text(dir, "thesis.tex", "x");
	assert_int_equal(viv_test_folder_open(dir, &f, &err), -ENOTEMPTY);
	assert_non_null(strstr(err.msg, "is not empty, and holds no results of viv test\nname another"));
	assert_true(has(dir, "thesis.tex"));
	assert_null(f);
	viv_remove_tree(dir, NULL);
}

/* Cut off in the second of three: each has its line. */
static void test_planned(void **state)
{
	static const char *const titles[] = {"one", "two", "three"};
	VIV_FREE char *dir = test_dir("folder"), *one = NULL, *two = NULL, *path = viv_path_join(dir, "results.tap");
	VIV_STRV unfinished = VIV_STRV_INIT;
	VIV_STR tap = VIV_STR_INIT;
	FOLDER *f = NULL;
	LIST planned = {0}, list = {0};

	for (size_t i = 0; i < 3; i++) {
		struct viv_test_result r = {.file = viv_strdup("a.lua"), .name = viv_strdup("a"), .title = viv_strdup(titles[i]),
					    .attempt = 1, .verdict = VIV_VERDICT_ERROR, .reason = viv_strdup("not run")};

		viv_test_results_take(&planned, &r);
	}
	assert_int_equal(viv_test_folder_open(dir, &f, NULL), 0);
	assert_int_equal(viv_test_folder_plan(f, &planned, NULL), 0);
	assert_int_equal(viv_test_folder_begin(f, "one", &one, NULL), 0);
	add(f, "one", one);
	assert_int_equal(viv_test_folder_begin(f, "two", &two, NULL), 0);
	assert_int_equal(viv_test_folder_read(dir, &list, &unfinished, NULL), 0);
	assert_int_equal(list.count, 3);
	assert_int_equal(unfinished.count, 0);
	assert_string_equal(list.items[1].reason, "the run was cut off before it ended");
	assert_string_equal(list.items[1].folder, two);
	assert_string_equal(list.items[2].reason, "not run");
	assert_int_equal(viv_test_folder_finish(f, NULL), 0);
	assert_int_equal(viv_read_file(path, 10000, &tap, NULL), 0);
	assert_non_null(strstr(tap.data, "1..3\nok 1 - one\n"));
	assert_non_null(strstr(tap.data, "not ok 2 - three\n  ---\n  verdict: \"error\"\n  message: \"not run\"\n"));
	viv_remove_tree(dir, NULL);
}

/* A second run takes the place of the first, and of nothing else. */
static void test_again(void **state)
{
	VIV_FREE char *dir = test_dir("folder"), *name = NULL, *mine = NULL;
	FOLDER *f = NULL, *second = NULL;
	LIST list = {0};

	assert_int_equal(viv_test_folder_open(dir, &f, NULL), 0);
	assert_int_equal(viv_test_folder_open(dir, &second, NULL), -EBUSY);
	assert_int_equal(viv_test_folder_begin(f, "one", &name, NULL), 0);
	mine = viv_path_join(dir, name);
	write_text(mine, "console.log", "x");
	add(f, "one", name);
	assert_int_equal(viv_test_folder_finish(f, NULL), 0);
	viv_test_folder_free(viv_steal(f));
	write_text(dir, "notes", "x");
	assert_int_equal(viv_test_folder_open(dir, &f, NULL), 0);
	assert_true(has(dir, "notes"));
	assert_false(has(dir, name));
	assert_false(has(dir, "results.tap"));
	assert_int_equal(viv_test_folder_read(dir, &list, NULL, NULL), 0);
	assert_int_equal(list.count, 0);
	viv_remove_tree(dir, NULL);
}

/* What a marker of somebody else's lists is no reason to remove it. */
static void test_foreign(void **state)
{
	static const struct {
		const char *name;
		bool goes;
	} rows[] = {
		{"src", false},		{"a-2", false},		    {"0123abcd", false},
		{"-0123abcd", true},	{"web-0123abcd", true},	    {"web-0123abcd-2", true},
		{"web-01234567", true}, {"web-0123abcg", false},    {"web-0123abcd-x", false},
		{"web0123abcd", false}, {"web-0123abcd-02", false}, {"web-0123abcd-", false},
		{"a-12345678-10", true},
	};
	VIV_FREE char *dir = test_dir("folder");
	VIV_STR text = VIV_STR_INIT;
	FOLDER *f = NULL;

	viv_str_add(&text, "viv test results 1\n");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_FREE char *path = viv_path_join(dir, rows[i].name);

		assert_int_equal(viv_mkdir_p(path, 0755, NULL), 0);
		write_text(path, "file", "x");
		viv_str_addf(&text, "%s\n", rows[i].name);
	}
	write_text(dir, ".viv-results", text.data);
	assert_int_equal(viv_test_folder_open(dir, &f, NULL), 0);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++)
		if (has(dir, rows[i].name) == rows[i].goes)
			fail_msg("%s", rows[i].name);
	viv_remove_tree(dir, NULL);
}

/* More than can be read again is not written. */
static void test_too_long(void **state)
{
	VIV_FREE char *dir = test_dir("folder"), *path = viv_path_join(dir, "results.jsonl");
	struct viv_test_result r = {.attempt = 1, .file = (char[]){"a"}, .name = (char[]){"a"}, .title = (char[]){"a"}};
	VIV_ERROR err = VIV_ERROR_INIT;
	FOLDER *f = NULL;

	assert_int_equal(viv_test_folder_open(dir, &f, NULL), 0);
	assert_int_equal(truncate(path, (256 << 20) - 10), 0);
	assert_int_equal(viv_test_folder_add(f, &r, &err), -EFBIG);
	assert_non_null(strstr(err.msg, "results.jsonl: more than 256 MiB of results"));
	viv_remove_tree(dir, NULL);
}

static void test_runs(void **state)
{
	VIV_FREE char *dir = test_dir("folder"), *place = viv_path_join(dir, "place"), *last = NULL, *want = NULL;
	FOLDER *first = NULL;

	assert_int_equal(viv_test_folder_last(place, &last, NULL), -ENOENT);
	assert_int_equal(viv_test_folder_new(place, &first, NULL), 0);
	for (int i = 0; i < 7; i++) {
		FOLDER *f = NULL;

		assert_int_equal(viv_test_folder_new(place, &f, NULL), 0);
	}
	assert_int_equal(viv_test_folder_last(place, &last, NULL), 0);
	want = viv_path_join(place, "8");
	assert_string_equal(last, want);
	/* The first is still being written. */
	assert_true(has(place, "1"));
	assert_false(has(place, "2"));
	assert_false(has(place, "3"));
	assert_true(has(place, "4"));
	viv_remove_tree(dir, NULL);
}

static void test_place(void **state)
{
	VIV_FREE char *a = NULL, *b = NULL, *state_dir = viv_dir_state();
	VIV_FREE char *want = viv_asprintf("%s/tests/work-", state_dir);

	assert_int_equal(viv_test_folder_place("/home/paul/work", &a, NULL), 0);
	assert_int_equal(viv_test_folder_place("/home/mary/work/", &b, NULL), 0);
	assert_true(viv_starts_with(a, want));
	assert_true(viv_starts_with(b, want));
	assert_string_not_equal(a, b);
}

/* Ended by SIGKILL in the middle of its work, again and again: what is left can be read. */
static void test_killed(void **state)
{
	VIV_FREE char *dir = test_dir("folder"), *at = viv_path_join(dir, "r");

	for (int i = 0; i < 10; i++) {
		LIST list = {0};
		int fds[2], status;
		char byte;
		pid_t pid;

		assert_int_equal(viv_pipe(fds, NULL), 0);
		pid = fork();
		if (pid == 0) {
			struct viv_test_folder *f = NULL;

			if (viv_test_folder_open(at, &f, NULL) < 0)
				_exit(1);
			for (int n = 0;; n++) {
				VIV_FREE char *title = viv_asprintf("test %d", n), *name = NULL;

				viv_test_folder_begin(f, title, &name, NULL);
				add(f, title, name);
				if (n == i && write(fds[1], "x", 1) != 1)
					_exit(1);
			}
		}
		assert_int_equal(read(fds[0], &byte, 1), 1);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		close(fds[0]);
		close(fds[1]);
		assert_int_equal(viv_test_folder_read(at, &list, NULL, NULL), 0);
		assert_true(list.count > (size_t)i);
	}
	viv_remove_tree(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run),	cmocka_unit_test(test_broken), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_again),	cmocka_unit_test(test_runs),   cmocka_unit_test(test_place),
		cmocka_unit_test(test_killed),	cmocka_unit_test(test_foreign), cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_planned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
