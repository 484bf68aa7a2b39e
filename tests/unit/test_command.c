/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "test/command.h"
#include "test/suite.h"

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void make(const char *const *argv, const char *machine, const char *file, const char *text)
{
	VIV_CLEANUP(viv_test_command_free_contents) struct viv_test_command c = {0};

	assert_int_equal(viv_test_command_make(argv, machine, &c, NULL), 0);
	assert_string_equal(c.text, text);
	if (!file)
		assert_null(c.file);
	else
		assert_string_equal(viv_path_base(c.file), file);
}

static void refuse(const char *program, const char *machine, const char *with)
{
	VIV_CLEANUP(viv_test_command_free_contents) struct viv_test_command c = {0};
	const char *const argv[] = {program, NULL};
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_true(viv_test_command_make(argv, machine, &c, &err) < 0);
	assert_non_null(strstr(err.msg, with));
}

static void test_text(void **state)
{
	static const char *const guests[] = {"uname", "-r", NULL};
	static const char *const odd[] = {"printf", "a\"b\\\n\xc3\xa9", "7", NULL};
	static const char *const script[] = {"./s.sh", "x y", NULL};
	VIV_FREE char *text = NULL, *cwd = getcwd(NULL, 0);

	make(guests, NULL, NULL, "\ntest(\"uname\", function() machine:run_command(\"uname\", \"-r\") end)\n");
	make(odd, NULL, NULL, "\ntest(\"printf\", function() machine:run_command(\"printf\", "
			      "\"a\\034b\\092\\010\\195\\169\", \"7\") end)\n");
	write_file("s.sh", "true\n");
	write_file("vm.lua", "");
	text = viv_asprintf("machine = \"%s/vm.lua\"\ntest(\"s.sh\", function() machine:run_script(\"%s/s.sh\", \"x y\") end)\n",
			    cwd, cwd);
	make(script, NULL, "vm.lua", text);
	make(script, "./vm.lua", "vm.lua", text);
	refuse("./t.sh", NULL, "./t.sh: No such file");
	refuse("/", NULL, "no file that could be run");
	refuse("true", "other.lua", "--machine other.lua: No such file");
}

/* It is a case as any other; what is wrong with the machine file is said under its name. */
static void test_suite(void **state)
{
	static const char *const argv[] = {"uname", "-r", NULL};
	const struct viv_suite_spec spec = {.command = argv};
	VIV_CLEANUP(viv_suite_free_contents) struct viv_suite suite = {0}, wrong = {0};

	write_file("vm.lua", "virtualisation.memorySize = 333\n");
	assert_int_equal(viv_suite_collect(&spec, NULL, &suite, NULL), 0);
	assert_int_equal(suite.n, 1);
	assert_null(suite.cases[0].error);
	assert_string_equal(suite.cases[0].title, "uname -r");
	assert_string_equal(suite.cases[0].name, "uname");
	assert_int_equal(suite.cases[0].memory_mib, 333);
	write_file("vm.lua", "virtualisation.memorySize = \"much\"\n");
	assert_int_equal(viv_suite_collect(&spec, NULL, &wrong, NULL), 0);
	assert_int_equal(wrong.n, 1);
	assert_non_null(strstr(wrong.cases[0].error, "vm.lua:1: virtualisation.memorySize"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_text, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(test_suite, enter_folder, leave_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
