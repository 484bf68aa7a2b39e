/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "run/dir.h"

#include "base/fd.h"
#include "base/path.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char runtime[64];

static int set_up(void **state)
{
	snprintf(runtime, sizeof(runtime), "/tmp/viv-test-XXXXXX");
	return mkdtemp(runtime) ? 0 : -1;
}

static int tear_down(void **state)
{
	return viv_remove_tree(runtime, NULL);
}

static void test_names(void **state)
{
	static const char *const bad[] = {"", ".", "..", ".x", "-x", "a/b", "a b", "ä",
		"12345678901234567890123456789012345678901234567890123456789012345"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(bad); i++)
		assert_false(viv_machine_name_is_valid(bad[i]));
	assert_true(viv_machine_name_is_valid("vm"));
	assert_true(viv_machine_name_is_valid("web-1.example_org"));
}

static void test_counts_on(void **state)
{
	struct viv_machine_dir a, b, c;
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_int_equal(viv_machine_dir_take(runtime, "vm", false, &a, NULL), 0);
	assert_int_equal(viv_machine_dir_take(runtime, "vm", false, &b, NULL), 0);
	assert_string_equal(a.name, "vm");
	assert_string_equal(b.name, "vm-2");
	assert_int_equal(viv_machine_dir_take(runtime, "vm", true, &c, &err), -EBUSY);
	assert_string_equal(err.msg, "a machine named vm is running");
	viv_machine_dir_release(&a);
	assert_int_equal(viv_machine_dir_take(runtime, "vm", true, &c, NULL), 0);
	viv_machine_dir_release(&b);
	viv_machine_dir_release(&c);
	assert_int_equal(rmdir(runtime), 0); /* nothing is left */
	assert_int_equal(mkdir(runtime, 0700), 0);
}

/* The second one can be found by its name, too. */
static void test_longest_name(void **state)
{
	static const char name[] = "1234567890123456789012345678901234567890123456789012345678901234";
	struct viv_machine_dir a, b;

	assert_int_equal(viv_machine_dir_take(runtime, name, false, &a, NULL), 0);
	assert_int_equal(viv_machine_dir_take(runtime, name, false, &b, NULL), 0);
	assert_true(viv_machine_name_is_valid(b.name));
	assert_true(viv_ends_with(b.name, "012-2"));
	viv_machine_dir_release(&a);
	viv_machine_dir_release(&b);
}

/* What a killed process left behind is emptied and taken over. */
static void test_stale(void **state)
{
	struct viv_machine_dir d;
	VIV_FREE char *file = viv_asprintf("%s/vm/deep/pid", runtime);
	VIV_FREE char *deep = viv_path_dir(file);
	int ready[2], status;
	char c;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (viv_machine_dir_take(runtime, "vm", true, &d, NULL) < 0 ||
		    viv_mkdir_p(deep, 0700, NULL) < 0 ||
		    viv_write_file(file, "1", 1, 0600, NULL) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(viv_machine_dir_take(runtime, "vm", true, &d, NULL), -EBUSY);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(viv_machine_dir_take(runtime, "vm", true, &d, NULL), 0);
	assert_false(viv_exists(deep));
	viv_machine_dir_release(&d);
}

/* A link in the runtime directory leads nowhere. */
static void test_link(void **state)
{
	VIV_FREE char *path = viv_path_join(runtime, "vm");
	struct viv_machine_dir d;

	assert_int_equal(symlink("/tmp", path), 0);
	assert_true(viv_machine_dir_take(runtime, "vm", false, &d, NULL) < 0);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_counts_on),
		cmocka_unit_test(test_longest_name),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_link),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
