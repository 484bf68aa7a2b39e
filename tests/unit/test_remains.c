/* SPDX-License-Identifier: MIT */
/* What tests' processes hold while they run, and who takes away what is left of it. */
#include "unit.h"

#include "test/remains.h"

#include <signal.h>
#include <sys/wait.h>

#define TIMES 2000

/* Others look for remains while a test begins: its folder has a lock only after it is there. */
static void test_swept_meanwhile(void **state)
{
	const char *runtime = *state;
	pid_t sweeper = fork();

	if (sweeper == 0)
		for (;;)
			viv_test_remains_remove_all(runtime);
	for (int i = 0; i < TIMES; i++) {
		struct viv_machine_dir dir = VIV_MACHINE_DIR_INIT;
		VIV_ERROR err = VIV_ERROR_INIT;

		if (viv_test_dir_take(runtime, &dir, &err) < 0) {
			kill(sweeper, SIGKILL);
			fail_msg("after %d times: %s", i, err.msg);
		}
		assert_true(viv_exists(dir.path));
		viv_machine_dir_release(&dir);
	}
	kill(sweeper, SIGKILL);
	assert_int_equal(waitpid(sweeper, NULL, 0), sweeper);
}

/* That of a living process stays, that of a dead one goes. */
static void test_whose(void **state)
{
	const char *runtime = *state;
	struct viv_machine_dir dir = VIV_MACHINE_DIR_INIT;
	VIV_FREE char *dead = viv_asprintf("%s/.tests/999999999", runtime);

	assert_int_equal(viv_test_dir_take(runtime, &dir, NULL), 0);
	assert_int_equal(viv_mkdir_p(dead, 0700, NULL), 0);
	viv_test_remains_remove_all(runtime);
	assert_true(viv_exists(dir.path));
	assert_false(viv_exists(dead));
	viv_machine_dir_release(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_swept_meanwhile, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(test_whose, enter_folder, leave_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
