/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "run/outcome.h"

#include <signal.h>

#define BOTH VIV_TROUBLE_ON_DEFAULT
#define WARN VIV_TROUBLE_BIT(VIV_TROUBLE_WARN)
#define OOPS VIV_TROUBLE_BIT(VIV_TROUBLE_OOPS)
#define PANIC VIV_TROUBLE_BIT(VIV_TROUBLE_PANIC)
#define DONE(n) .command_done = true, .command_status = (n), UP
#define STARTING .agent_seen = true
#define UP STARTING, .booted = true

/* trouble: the kinds seen, made into a struct below. */
static const struct {
	const char *name;
	struct viv_run_facts facts;
	unsigned trouble;
	int status;
	const char *kind, *reason;
} rows[] = {
	{"success", {DONE(0), .end = VIV_VM_POWEROFF}, 0, 0, "exit", NULL},
	{"seven", {DONE(7), .end = VIV_VM_POWEROFF}, 0, 7, "exit", NULL},
	{"signal", {DONE(143), .end = VIV_VM_STOPPED}, 0, 143, "exit", NULL},
	{"not found", {DONE(127), .end = VIV_VM_POWEROFF, .command_error = "no: not found"}, 0, 127,
	 "exit", "no: not found"},
	{"the guest can't say 120 for a panic", {DONE(120), .end = VIV_VM_POWEROFF}, 0, 120, "exit",
	 NULL},
	{"panic", {UP, .end = VIV_VM_PANIC}, PANIC, 120, "panic",
	 "the guest's kernel panicked: what"},
	{"panic, silent console", {UP, .end = VIV_VM_PANIC}, 0, 120, "panic",
	 "the guest's kernel panicked"},
	{"panic after oops", {UP, .end = VIV_VM_PANIC}, OOPS | PANIC, 120, "panic",
	 "the guest's kernel panicked: what"},
	{"panic after success", {DONE(0), .end = VIV_VM_PANIC}, PANIC, 120, "panic",
	 "the guest's kernel panicked: what"},
	{"panic not wanted", {UP, .end = VIV_VM_PANIC, .fail_on = OOPS}, PANIC, 121, "gone",
	 "the guest's kernel panicked before the command had ended"},
	{"oops, command fine", {DONE(0), .end = VIV_VM_POWEROFF}, OOPS, 120, "oops",
	 "the guest's kernel oopsed: what"},
	{"oops, then Ctrl-C", {UP, .end = VIV_VM_STOPPED, .signal = SIGINT}, OOPS, 120, "oops",
	 "the guest's kernel oopsed: what"},
	{"oops, then the limit", {UP, .end = VIV_VM_STOPPED, .timed_out = true}, OOPS, 120, "oops",
	 "the guest's kernel oopsed: what"},
	{"oops not wanted", {DONE(3), .end = VIV_VM_POWEROFF, .fail_on = PANIC}, OOPS, 3, "exit", NULL},
	{"warn", {DONE(0), .end = VIV_VM_POWEROFF}, WARN, 0, "exit", NULL},
	{"warn wanted", {DONE(0), .end = VIV_VM_POWEROFF, .fail_on = WARN}, WARN, 120, "warn",
	 "the guest's kernel warned: what"},
	{"warn wanted, oops seen", {DONE(0), .end = VIV_VM_POWEROFF, .fail_on = WARN}, WARN | OOPS,
	 120, "warn", "the guest's kernel warned: what"},
	{"Ctrl-C", {UP, .end = VIV_VM_STOPPED, .signal = SIGINT}, 0, 130, "signal",
	 "ended by Ctrl-C"},
	{"SIGTERM", {.end = VIV_VM_STOPPED, .signal = SIGTERM}, 0, 143, "signal", "ended by SIGTERM"},
	{"SIGHUP", {UP, .end = VIV_VM_POWEROFF, .signal = SIGHUP}, 0, 129, "signal",
	 "ended by SIGHUP"},
	{"time limit", {UP, .end = VIV_VM_STOPPED, .timed_out = true, .timeout_ms = 90000}, 0, 124,
	 "timeout", "time limit of 90 s reached"},
	{"time limit, booting", {.end = VIV_VM_STOPPED, .timed_out = true, .timeout_ms = 500}, 0, 124,
	 "timeout", "time limit of 0.5 s reached before the system was up"},
	{"time limit, services starting", {STARTING, .end = VIV_VM_STOPPED, .timed_out = true, .timeout_ms = 500}, 0, 124,
	 "timeout", "time limit of 0.5 s reached before the system was up"},
	{"powered off", {UP, .end = VIV_VM_POWEROFF}, 0, 121, "gone",
	 "the guest powered off before the command had ended"},
	{"powered off, services starting", {STARTING, .end = VIV_VM_POWEROFF}, 0, 121, "gone",
	 "the guest powered off before the system was up"},
	{"rebooted", {.end = VIV_VM_REBOOT}, 0, 121, "gone",
	 "the guest wanted to reboot before the system was up"},
	{"watchdog", {UP, .end = VIV_VM_WATCHDOG}, 0, 121, "gone",
	 "the guest's watchdog expired before the command had ended"},
	{"watchdog, shell", {UP, .no_command = true, .end = VIV_VM_WATCHDOG}, 0, 121, "gone",
	 "the guest's watchdog expired before the command had ended"},
	{"window closed", {.end = VIV_VM_WINDOW}, 0, 121, "gone",
	 "the machine's window was closed before the system was up"},
	{"window closed, shell", {UP, .no_command = true, .end = VIV_VM_WINDOW}, 0, 0, "exit", NULL},
	{"init", {.end = VIV_VM_INIT, .end_text = "no disk"}, 0, 121, "gone",
	 "the guest could not start: no disk"},
	{"init, then panic", {.end = VIV_VM_INIT, .end_text = "no disk"}, PANIC, 121, "gone",
	 "the guest could not start: no disk"},
	{"kept disk", {.end = VIV_VM_INIT, .end_text = "the disk viv-disk is of others"}, 0, 125,
	 "environment", "the disk viv-disk is of others"},
	{"QEMU crashed", {UP, .end = VIV_VM_QEMU, .end_text = "QEMU ended: killed by signal 11"}, 0,
	 121, "gone", "QEMU ended: killed by signal 11"},
	{"QEMU killed", {UP, .end = VIV_VM_OUTSIDE, .end_text = "killed from outside"}, 0, 125,
	 "environment", "killed from outside"},
	{"QEMU killed early", {.end = VIV_VM_OUTSIDE, .end_text = "killed from outside"}, 0, 125,
	 "environment", "killed from outside"},
	{"QEMU killed, command lost", {UP, .end = VIV_VM_OUTSIDE, .end_text = "killed from outside",
	 .command_status = 121, .command_error = "closed"}, 0, 125, "environment",
	 "killed from outside"},
	{"QEMU killed, command done", {DONE(4), .end = VIV_VM_OUTSIDE, .end_text = "killed"}, 0, 4,
	 "exit", NULL},
	{"QEMU killed after an oops", {UP, .end = VIV_VM_OUTSIDE, .end_text = "killed"}, OOPS, 120,
	 "oops", "the guest's kernel oopsed: what"},
	{"QEMU refuses", {.end = VIV_VM_QEMU, .end_text = "QEMU ended: exit status 1\nno memory"}, 0,
	 125, "environment", "QEMU ended: exit status 1\nno memory"},
	{"protocol broken", {UP, .end = VIV_VM_STOPPED, .command_error = "a frame too long"}, 0, 121,
	 "gone", "the guest went away: a frame too long"},
	{"no user nobody", {UP, .end = VIV_VM_POWEROFF, .command_status = 125, .command_error = "no user"},
	 0, 125, "environment", "no user"},
	{"no agent", {.end = VIV_VM_STOPPED, .boot_timed_out = true}, 0, 121, "gone",
	 "the system did not come up: its agent never answered"},
	{"never booted", {STARTING, .end = VIV_VM_STOPPED, .boot_timed_out = true}, 0, 121, "gone",
	 "the system did not come up: its services never got ready"},
	{"shell, powered off", {UP, .no_command = true, .end = VIV_VM_POWEROFF}, 0, 0, "exit", NULL},
	{"shell, status of exit", {DONE(3), .no_command = true, .end = VIV_VM_POWEROFF}, 0, 3, "exit",
	 NULL},
	{"console, Ctrl-A X", {.no_command = true, .console = true, .cut_off = true,
	 .end = VIV_VM_STOPPED}, 0, 0,
	 "signal", NULL},
	{"pty, ~.", {UP, .no_command = true, .cut_off = true, .end = VIV_VM_STOPPED}, 0, 130, "signal",
	 "ended by ~."},
};

static void make_trouble(unsigned seen, struct viv_trouble *t)
{
	*t = (struct viv_trouble){.seen = seen, .what = viv_strdup("what")};
	for (unsigned k = VIV_TROUBLE_WARN; k <= VIV_TROUBLE_PANIC; k++)
		if (seen & VIV_TROUBLE_BIT(k))
			t->kind = k;
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		struct viv_run_facts facts = rows[i].facts;
		struct viv_trouble trouble;
		struct viv_outcome o;
		VIV_JSON *j = NULL;

		make_trouble(rows[i].trouble, &trouble);
		facts.trouble = &trouble;
		if (!facts.fail_on)
			facts.fail_on = BOTH;
		viv_outcome_of(&facts, &o);
		if (o.status != rows[i].status)
			fail_msg("%s: %d, not %d", rows[i].name, o.status, rows[i].status);
		assert_string_equal(o.kind, rows[i].kind);
		if (rows[i].reason)
			assert_string_equal(o.reason, rows[i].reason);
		else
			assert_null(o.reason);
		j = viv_outcome_json(&o, &facts);
		assert_int_equal(json_integer_value(json_object_get(j, "status")), o.status);
		viv_outcome_free_contents(&o);
		viv_trouble_free_contents(&trouble);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
