/* SPDX-License-Identifier: MIT */
/*
 * Boots a machine from explicit parts (parts.h), asks its agent for what changes the system (clock, seed,
 * hostname), runs the command, and lets the agent power off. Ends with the command's status; 125 where
 * an answer was not 0, or the machine did not end by powering off.
 */
#include "parts.h"

#include "base/path.h"
#include "run/vm.h"

#define LIMIT_MS 300000
#define CLOCK_NS 2000000000000000000u /* in May 2033 */

struct asked {
	struct boot b;
	struct viv_loop *loop;
	struct viv_vm *vm;
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
	viv_vm_poweroff(a->vm, LIMIT_MS);
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
		viv_loop_quit(a->loop, -EIO);
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
		viv_loop_quit(a->loop, -EIO);
}

static void on_ended(struct viv_vm *vm, enum viv_vm_end how, const char *text, void *arg)
{
	struct asked *a = arg;

	if (how != VIV_VM_POWEROFF || a->bad) {
		fprintf(stderr, "requests: not powered off: %d %s\n", how, text ? text : "");
		a->bad = true;
	}
	viv_loop_quit(a->loop, 0);
}

static int on_limit(struct viv_source *s, void *arg)
{
	return -ETIMEDOUT;
}

static int run(struct asked *a, struct viv_error *err)
{
	const struct viv_vm_events events = {.booted = on_booted, .ended = on_ended, .arg = a};
	struct viv_machine_dir *dir = &a->b.spec.dir;
	VIV_FREE char *runtime = NULL;
	int r = viv_loop_new(&a->loop, err);

	if (r == 0)
		r = viv_dir_runtime(&runtime, err);
	if (r == 0)
		r = viv_machine_dir_take(runtime, a->b.spec.name, false, dir, err);
	if (r == 0)
		r = viv_loop_add_timer(a->loop, LIMIT_MS, on_limit, NULL, NULL, err);
	if (r == 0)
		r = viv_vm_start(a->loop, &a->b.machine, dir, &events, &a->vm, err);
	if (r == 0)
		r = viv_loop_run(a->loop, err);
	viv_vm_free(a->vm);
	viv_machine_dir_release(dir);
	viv_loop_free(a->loop);
	return r;
}

int main(int argc, char **argv)
{
	struct asked a = {.b = BOOT_INIT};
	VIV_ERROR err = VIV_ERROR_INIT;
	int r = boot_parse(&a.b, argv, &err);

	if (r == 0)
		r = run(&a, &err);
	if (r < 0)
		fprintf(stderr, "requests: %s\n", err.msg ? err.msg : strerror(-r));
	boot_free_contents(&a.b);
	return r < 0 || a.bad ? 125 : a.status;
}
