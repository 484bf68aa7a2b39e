/* SPDX-License-Identifier: MIT */
/*
 * Boots a machine from explicit parts (parts.h) and runs the command a hundred times, one after the other, over one
 * connection to the agent: how long each took, in microseconds, from viv_agent_run to `done`.
 */
#include "parts.h"

#include <time.h>

#define RUNS	 100
#define WARM_UP	 5 /* the first ones, which translate and load */

struct asked {
	struct boot b;
	int n;
	int64_t begun, took[RUNS];
	int status;
	bool bad;
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static void next_run(struct asked *a);

static void on_command_done(struct viv_command *c, int status, const char *error, void *arg)
{
	struct asked *a = arg;

	a->status = status;
	if (a->n >= WARM_UP)
		a->took[a->n - WARM_UP] = now_us() - a->begun;
	a->n++;
	if (error)
		fprintf(stderr, "roundtrip: %s\n", error);
	if (a->n == RUNS + WARM_UP)
		viv_vm_poweroff(a->b.vm, BOOT_LIMIT_MS);
	else
		next_run(a);
}

static void next_run(struct asked *a)
{
	const struct viv_command_spec c = {.argv = a->b.spec.argv, .in_fd = -1, .out_fd = 1, .err_fd = 2};
	VIV_ERROR err = VIV_ERROR_INIT;

	a->begun = now_us();
	if (viv_agent_run(viv_vm_agent(a->b.vm), &c, on_command_done, a, NULL, &err) < 0)
		viv_loop_quit(a->b.loop, -EIO);
}

static void on_booted(struct viv_vm *vm, void *arg)
{
	next_run(arg);
}

static int compare(const void *x, const void *y)
{
	const int64_t *a = x, *b = y;

	return *a < *b ? -1 : *a > *b;
}

static void show(struct asked *a)
{
	qsort(a->took, RUNS, sizeof(*a->took), compare);
	printf("least %lld, median %lld, 90%% %lld, most %lld us\n", (long long)a->took[0],
	       (long long)a->took[RUNS / 2], (long long)a->took[RUNS * 9 / 10], (long long)a->took[RUNS - 1]);
}

static void on_ended(struct viv_vm *vm, enum viv_vm_end how, const char *text, void *arg)
{
	struct asked *a = arg;

	if (how != VIV_VM_POWEROFF || a->bad) {
		fprintf(stderr, "roundtrip: not powered off: %d %s\n", how, text ? text : "");
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
		fprintf(stderr, "roundtrip: %s\n", err.msg ? err.msg : strerror(-r));
	else if (!a.bad)
		show(&a);
	boot_free_contents(&a.b);
	return r < 0 || a.bad ? 125 : a.status;
}
