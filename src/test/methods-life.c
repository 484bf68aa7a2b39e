/* SPDX-License-Identifier: MIT */
#include "test/end.h"
#include "test/methods.h"

int methods_start(struct call *c, bool by_name)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int code;

	if (guest_is_on(c->g))
		return 0;
	call_step(c, "starting");
	code = runner_start(c->r, c->g, by_name, &err);
	if (code < 0)
		code = err.code ? call_error(c, &err) : call_waited(c, code, "its start");
	viv_error_clear(&err);
	return code;
}

static int do_start(struct call *c)
{
	bool was_on = guest_is_on(c->g);

	if (methods_start(c, true) < 0)
		return -1;
	if (!was_on)
		c->g->reboots = call_option_bool(c, "allow_reboot", false);
	return 0;
}

static bool is_off(void *arg)
{
	return !guest_is_on(arg);
}

void methods_want_end(struct guest *g)
{
	g->ending = true;
	g->asked |= GUEST_ASKED_END;
}

int methods_ended(struct call *c, struct guest *g, unsigned also)
{
	unsigned good = 1u << VIV_VM_POWEROFF | also;
	VIV_FREE char *text = NULL;

	good |= g->reboots ? 1u << VIV_VM_REBOOT : 0;
	good |= g->doomed ? 1u << VIV_VM_PANIC : 0;
	g->end_told = true;
	if (good & 1u << g->how)
		return 0;
	text = guest_end_text(g);
	c->g = g;
	call_fail(c, g->how == VIV_VM_PANIC ? VIV_VERDICT_CRASH : VIV_VERDICT_FAIL, "%s: %s: it did not power off", g->name, text);
	call_add_console(c);
	return -1;
}

static int wait_for_end(struct call *c, unsigned also)
{
	int code = runner_wait(c->r, NULL, is_off, c->g, c->deadline);

	return code < 0 ? call_waited(c, code, "its end") : methods_ended(c, c->g, also);
}

/* How it ended before, if nothing has said so. */
static int has_ended(struct call *c, unsigned also)
{
	return c->g->starts && !c->g->end_told ? methods_ended(c, c->g, also) : 0;
}

static int do_shutdown(struct call *c)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int code;

	if (!guest_is_on(c->g))
		return has_ended(c, 0);
	/* Before that nobody is there to do it, but it may be on its way down by itself. */
	code = runner_need(c->r, c->g, true, c->deadline, &err);
	if (code < 0 && guest_is_on(c->g))
		return call_waited(c, code, "its agent");
	call_step(c, "shutting down");
	methods_want_end(c->g);
	if (guest_is_on(c->g))
		viv_vm_poweroff(c->g->vm, VIV_MAX(c->deadline - viv_now_ms(), 1));
	return wait_for_end(c, 0);
}

static int do_wait_for_shutdown(struct call *c)
{
	call_step(c, "waiting for it to power off");
	if (!guest_is_on(c->g))
		return has_ended(c, 0);
	methods_want_end(c->g); /* that it goes is what is wanted */
	return wait_for_end(c, 0);
}

static int do_crash(struct call *c)
{
	if (!guest_is_on(c->g))
		return 0;
	call_step(c, "ending it as a power cut does");
	methods_want_end(c->g);
	viv_vm_kill(c->g->vm);
	return wait_for_end(c, 1u << VIV_VM_STOPPED);
}

/* In good order, and anew: QEMU ends at a guest's reset, so it is the same for a boot loader. */
static int do_reboot(struct call *c)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int code;

	if (guest_is_on(c->g)) {
		code = do_shutdown(c);
	} else {
		code = methods_start(c, true);
	}
	if (code < 0)
		return code;
	code = runner_need(c->r, c->g, false, c->deadline, &err);
	if (code < 0 && err.code)
		return call_error(c, &err);
	return code < 0 ? call_waited(c, code, "its system") : 0;
}

static int do_is_up(struct call *c)
{
	lua_pushboolean(c->L, guest_is_on(c->g));
	return 1;
}

static int do_wait_for_boot(struct call *c)
{
	return 0; /* that is done for every method that needs it */
}

const struct method methods_life[] = {
	{"start", "", "({allow_reboot})", "allow_reboot:b", "starts it, and does not wait for it", do_start, .early = true},
	{"wait_until_up", "", "({timeout})", "", "starts it if need be, and waits until its system is up",
	 do_wait_for_boot},
	{"shutdown", "", "({timeout})", "", "powers it off in good order, and waits for that", do_shutdown, .early = true},
	{"wait_for_shutdown", "", "({timeout})", "", "waits until it has powered off by itself", do_wait_for_shutdown,
	 .early = true},
	{"reboot", "", "({timeout})", "", "powers it off in good order and starts it again, with its disks", do_reboot,
	 .early = true},
	{"crash", "", "()", NULL, "ends it at once, as a power cut does", do_crash, .early = true},
	{"is_up", "", "()", NULL, "is it running?", do_is_up, .early = true},
	{0},
};
