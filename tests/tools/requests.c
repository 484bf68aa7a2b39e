/* SPDX-License-Identifier: MIT */
/*
 * Boots a machine from explicit parts (parts.h), asks its agent for what changes the system (clock, seed,
 * hostname), runs the command, and lets the agent power off. Ends with the command's status; 125 where
 * an answer was not 0, or the machine did not end by powering off.
 */
#include "parts.h"

#define CLOCK_NS 2000000000000000000u /* in May 2033 */

struct asked {
	struct boot b;
	int open; /* answers that have not come */
	int status;
	bool bad;
};

static void on_command_done(struct viv_command *c, int status, const char *error, void *arg)
{
	struct asked *a = arg;

	a->status = status;
	if (error)
		fprintf(stderr, "requests: %s\n", error);
	viv_vm_poweroff(a->b.vm, BOOT_LIMIT_MS);
}

static void on_answer(struct viv_agent *agent, int code, void *arg)
{
	struct asked *a = arg;
	const struct viv_command_spec c = {
		.argv = a->b.spec.argv, .in_fd = -1, .out_fd = 1, .err_fd = 2};
	VIV_ERROR err = VIV_ERROR_INIT;

	if (code) {
		fprintf(stderr, "requests: an answer: %s\n", strerror(-code));
		a->bad = true;
	}
	if (--a->open == 0 && viv_agent_run(agent, &c, on_command_done, a, NULL, &err) < 0)
		viv_loop_quit(a->b.loop, -EIO);
}

static void on_booted(struct viv_vm *vm, void *arg)
{
	static const char seed[32] = "random as thirty-two bytes are";
	struct viv_agent *agent = viv_vm_agent(vm);
	struct asked *a = arg;

	a->open = 4;
	if (viv_agent_set_clock(agent, CLOCK_NS, on_answer, a, NULL) < 0 ||
	    viv_agent_seed(agent, seed, sizeof(seed), on_answer, a, NULL) < 0 ||
	    viv_agent_set_hostname(agent, "renamed", on_answer, a, NULL) < 0 ||
	    viv_agent_sync(agent, on_answer, a, NULL) < 0)
		viv_loop_quit(a->b.loop, -EIO);
}

static void on_ended(struct viv_vm *vm, enum viv_vm_end how, const char *text, void *arg)
{
	struct asked *a = arg;

	if (how != VIV_VM_POWEROFF || a->bad) {
		fprintf(stderr, "requests: not powered off: %d %s\n", how, text ? text : "");
		a->bad = true;
	}
	viv_loop_quit(a->b.loop, 0);
}

int main(int argc, char **argv)
{
	struct asked a = {.b = BOOT_INIT};
	const struct viv_vm_events events = {.booted = on_booted, .ended = on_ended, .arg = &a};
	VIV_ERROR err = VIV_ERROR_INIT;
	int r = boot_parse(&a.b, argv, &err);

	if (r == 0)
		r = boot_run(&a.b, &events, &err);
	if (r < 0)
		fprintf(stderr, "requests: %s\n", err.msg ? err.msg : strerror(-r));
	boot_free_contents(&a.b);
	return r < 0 || a.bad ? 125 : a.status;
}
