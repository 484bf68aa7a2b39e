/* SPDX-License-Identifier: MIT */
#include "test/end.h"

/* What wants each, any of these. A panic at the test's end is its kernel's report to judge (crash.c). */
static const unsigned wanted[] = {
	[VIV_VM_POWEROFF] = GUEST_ASKED_END | GUEST_ASKED_EVENT | GUEST_STARTS | GUEST_TEST_OVER,
	[VIV_VM_REBOOT] = GUEST_ASKED_END | GUEST_ASKED_EVENT | GUEST_MAY_REBOOT | GUEST_MAY_PANIC,
	[VIV_VM_PANIC] = GUEST_ASKED_EVENT | GUEST_MAY_PANIC | GUEST_TEST_OVER,
	[VIV_VM_WATCHDOG] = GUEST_ASKED_EVENT,
	[VIV_VM_WINDOW] = GUEST_ASKED_END | GUEST_ASKED_EVENT,
	[VIV_VM_INIT] = 0,
	[VIV_VM_STOPPED] = GUEST_ASKED_END,
	[VIV_VM_OUTSIDE] = 0,
	[VIV_VM_QEMU] = 0,
};

/* What would have been the way to want it. */
static const char *const advice[VIV_ARRAY_SIZE(wanted)] = {
	[VIV_VM_POWEROFF] = "; wait_for_shutdown() or start() asks for it",
	[VIV_VM_REBOOT] = "; start({ allow_reboot = true }) asks for it",
};

bool guest_end_is_wanted(enum viv_vm_end how, unsigned asked)
{
	return wanted[how] & asked;
}

bool guest_is_lost(const struct guest *g, unsigned also)
{
	unsigned asked = g->asked | also;

	asked |= g->reboots ? GUEST_MAY_REBOOT : 0;
	asked |= g->doomed ? GUEST_MAY_PANIC : 0;
	return g->starts && !guest_is_on(g) && !g->end_told && !guest_end_is_wanted(g->how, asked);
}

char *guest_lost_text(const struct guest *g)
{
	VIV_FREE char *end = guest_end_text(g);

	return viv_asprintf("it ended %.1f s ago, %.1f s after its start, and the test had not asked for that: %s%s",
			    (double)(viv_now_ms() - g->ended_at) / 1000, (double)(g->ended_at - g->started) / 1000, end,
			    advice[g->how] ? advice[g->how] : "");
}
