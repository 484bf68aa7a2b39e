/* SPDX-License-Identifier: MIT */
/* Which ends of a test's machines are no failure. */
#include "unit.h"

#include "test/end.h"

static void test_table(void **state)
{
	static const struct { enum viv_vm_end how; unsigned asked; bool wanted; } rows[] = {
		{VIV_VM_POWEROFF, 0, false},
		{VIV_VM_POWEROFF, GUEST_ASKED_END, true},
		{VIV_VM_POWEROFF, GUEST_STARTS, true},
		{VIV_VM_POWEROFF, GUEST_TEST_OVER, true},
		{VIV_VM_POWEROFF, GUEST_MAY_REBOOT | GUEST_MAY_PANIC, false},
		{VIV_VM_REBOOT, 0, false},
		{VIV_VM_REBOOT, GUEST_STARTS, false},
		{VIV_VM_REBOOT, GUEST_TEST_OVER, false},
		{VIV_VM_REBOOT, GUEST_MAY_REBOOT, true},
		{VIV_VM_REBOOT, GUEST_MAY_PANIC, true},
		{VIV_VM_REBOOT, GUEST_ASKED_EVENT, true},
		{VIV_VM_PANIC, 0, false},
		{VIV_VM_PANIC, GUEST_ASKED_END | GUEST_STARTS | GUEST_MAY_REBOOT, false},
		{VIV_VM_PANIC, GUEST_MAY_PANIC, true},
		{VIV_VM_PANIC, GUEST_TEST_OVER, true},
		{VIV_VM_WATCHDOG, GUEST_ASKED_END | GUEST_STARTS | GUEST_MAY_REBOOT | GUEST_TEST_OVER, false},
		{VIV_VM_WATCHDOG, GUEST_ASKED_EVENT, true},
		{VIV_VM_WINDOW, GUEST_TEST_OVER, false},
		{VIV_VM_WINDOW, GUEST_ASKED_END, true},
		{VIV_VM_STOPPED, 0, false},
		{VIV_VM_STOPPED, GUEST_STARTS | GUEST_TEST_OVER, false},
		{VIV_VM_STOPPED, GUEST_ASKED_END, true},
		{VIV_VM_INIT, ~0u, false},
		{VIV_VM_OUTSIDE, ~0u, false},
		{VIV_VM_QEMU, ~0u, false},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++)
		if (guest_end_is_wanted(rows[i].how, rows[i].asked) != rows[i].wanted)
			fail_msg("row %zu", i);
}

static void test_lost(void **state)
{
	struct guest g = {.how = VIV_VM_REBOOT};

	assert_false(guest_is_lost(&g, 0)); /* never started */
	g.starts = 1;
	assert_true(guest_is_lost(&g, 0));
	assert_true(guest_is_lost(&g, GUEST_STARTS));
	g.reboots = true;
	assert_false(guest_is_lost(&g, 0));
	g.how = VIV_VM_PANIC;
	assert_true(guest_is_lost(&g, 0));
	g.doomed = true;
	assert_false(guest_is_lost(&g, 0));
	g.how = VIV_VM_OUTSIDE;
	assert_true(guest_is_lost(&g, GUEST_TEST_OVER));
	g.end_told = true;
	assert_false(guest_is_lost(&g, 0));
	g.end_told = false;
	g.vm = (struct viv_vm *)&g; /* it runs */
	assert_false(guest_is_lost(&g, 0));
}

static void test_text(void **state)
{
	const struct guest g = {.starts = 1, .how = VIV_VM_REBOOT, .started = 1000, .ended_at = 4500};
	VIV_FREE char *text = guest_lost_text(&g);

	assert_true(viv_starts_with(text, "it ended "));
	assert_non_null(strstr(text, " s ago, 3.5 s after its start, and the test had not asked for that: it rebooted; start({ allow_reboot = true }) asks for it"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
