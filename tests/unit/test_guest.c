/* SPDX-License-Identifier: MIT */
/* What a test says of a machine that ended. */
#include "unit.h"

#include "test/guest.h"

static void check_end(enum viv_vm_end how, const char *text, const char *want)
{
	const struct guest g = {.starts = 1, .how = how, .end_text = (char *)text};
	VIV_FREE char *said = guest_end_text(&g);

	assert_string_equal(said, want);
}

static void test_ends(void **state)
{
	check_end(VIV_VM_POWEROFF, NULL, "it powered off");
	check_end(VIV_VM_QEMU, "QEMU ended: exit status 1; no memory", "QEMU ended: exit status 1; no memory");
	check_end(VIV_VM_QEMU, NULL, "QEMU ended");
	check_end(VIV_VM_INIT, "no root", "it did not find or start its system: no root");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
