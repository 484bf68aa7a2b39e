/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

#include "run/state.h"
#include "test/monitor.h"
#include "test/process.h"
#include "test/saved.h"

#include <sys/random.h>
#include <time.h>

/*
 * save and restore. QEMU stops the machine, writes its state to a socket of ours (a migration), and has its disks written out
 * then: that is when they are copied. A new QEMU that waits for a state is given it back. The guest's agent finds a host
 * that greets it anew, which begins a connection whatever was on its way before (docs/agent-protocol.md).
 */

#define MORE_MIB  512u /* than RAM: the screen's memory, the shared one, devices */
#define BANDWIDTH ((json_int_t)1 << 40) /* bytes a second: the default is a network's */
#define END_MS	  10000
#define FD_NAME	  "state"

struct moving {
	struct guest *g;
	struct runner *r;
	unsigned start; /* the machine's, whose state it is */
	bool done;
	int code;	/* ours */
	int waited;	/* as runner_wait: what the waiting for both ends came to */
	uint64_t bytes;
};

static void on_moved(struct viv_state_transfer *t, int code, void *arg)
{
	struct moving *m = arg;

	m->done = true;
	m->code = code;
	runner_wake(m->r);
}

static bool migration_is(const struct guest *g, const char *status)
{
	return g->migration && viv_streq(g->migration, status);
}

/* QEMU is over it. arg: the guest. */
static bool is_over(void *arg)
{
	return migration_is(arg, "completed") || migration_is(arg, "failed") || migration_is(arg, "cancelled");
}

static bool is_moved(void *arg)
{
	struct moving *m = arg;

	return m->g->starts != m->start || (m->done && is_over(m->g));
}

static int wait_until_moved(struct call *c, struct moving *m)
{
	int code = runner_wait(c->r, c->g, is_moved, m, c->deadline);

	return code == 0 && c->g->starts != m->start ? -ENOTCONN : code;
}

/* Its events are what is waited for; and it is to be quick. */
static int prepare(struct call *c)
{
	json_t *events = json_pack("{s:[{s:s, s:b}]}", "capabilities", "capability", "events", "state", true);
	json_t *limits = json_pack("{s:I}", "max-bandwidth", BANDWIDTH);
	int code = methods_qmp(c, "migrate-set-capabilities", events, NULL);

	if (code == 0)
		return methods_qmp(c, "migrate-set-parameters", limits, NULL);
	json_decref(limits);
	return code;
}

static int hand_over(struct call *c, int fd)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int code = monitor_give(c->r, c->g, FD_NAME, fd, c->deadline, &err);

	if (code < 0)
		code = err.code ? call_error(c, &err) : call_waited(c, code, "QEMU's answer");
	viv_error_clear(&err);
	free(viv_steal(c->g->migration));
	return code;
}

/* Between QEMU and the file. -1: the call has failed; else m says what became of it. */
static int move_state(struct call *c, int file, bool out, struct moving *m)
{
	VIV_CLEANUP(viv_state_freep) struct viv_state_transfer *t = NULL;
	uint64_t max = (uint64_t)(c->g->machine.memory_mib + MORE_MIB) << 20;
	VIV_ERROR err = VIV_ERROR_INIT;
	int theirs, code;

	*m = (struct moving){.g = c->g, .r = c->r, .start = c->g->starts};
	code = out ? viv_state_take(c->r->loop, file, max, on_moved, m, &theirs, &t, &err)
		   : viv_state_give(c->r->loop, file, on_moved, m, &theirs, &t, &err);
	if (code < 0) {
		code = call_error(c, &err);
		viv_error_clear(&err);
		return code;
	}
	code = hand_over(c, theirs);
	if (code == 0)
		code = methods_qmp(c, out ? "migrate" : "migrate-incoming", json_pack("{s:s}", "uri", "fd:" FD_NAME), NULL);
	if (code < 0)
		return code;
	m->waited = wait_until_moved(c, m);
	m->bytes = viv_state_bytes(t);
	return 0;
}

/* Nothing of the guest's is left from before: its clock stood still, and its random numbers may have been another's. */
static void refresh(struct guest *g)
{
	struct viv_agent *a = viv_vm_agent(g->vm);
	unsigned char seed[32];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	viv_agent_set_clock(a, (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, NULL, NULL, NULL);
	if (getrandom(seed, sizeof(seed), 0) == sizeof(seed))
		viv_agent_seed(a, seed, sizeof(seed), NULL, NULL, NULL);
}

/* Saving */

/* Commands are the host's as much as the guest's; others begin some, too (viv exec). */
static int check_quiet(struct call *c)
{
	const char *program = viv_agent_runs(viv_vm_agent(c->g->vm));

	for (const struct process *p = c->g->processes; p; p = p->next)
		if (p->command)
			return call_fail(c, VIV_VERDICT_ERROR, "%s: it can't be saved while what was spawned in it runs: %.200s", c->g->name,
					 p->text);
	if (program)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: it can't be saved while a command runs in it (viv exec, say): %.200s",
				 c->g->name, program);
	return 0;
}

/* What else QEMU has that it can't save: it knows that before it is asked to. */
static int check_devices(struct call *c)
{
	VIV_JSON *about = NULL;
	const char *why;
	int code = methods_qmp(c, "query-migrate", NULL, &about);

	if (code < 0)
		return code;
	why = json_string_value(json_array_get(json_object_get(about, "blocked-reasons"), 0));
	if (!why)
		return 0;
	return call_fail(c, VIV_VERDICT_ERROR, "%s: it can't be saved: QEMU: %.500s%s", c->g->name, why,
			 c->g->machine.extra.count ? "\nleave that out of virtualisation.qemu.options" : "");
}

static int check(struct call *c, const char *name)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_JSON *status = NULL;
	const char *is;
	int code = saved_check_machine(&c->g->machine, &err);

	if (code < 0)
		viv_error_context(&err, "it can't be saved");
	else
		code = saved_check_name(c->g, name, &err);
	if (code < 0)
		code = call_error(c, &err);
	viv_error_clear(&err);
	if (code == 0)
		code = check_quiet(c);
	if (code == 0)
		code = check_devices(c);
	if (code == 0)
		code = methods_qmp(c, "query-status", NULL, &status);
	is = viv_json_str(status, "status");
	if (code == 0 && (!is || !viv_streq(is, "running")))
		return call_fail(c, VIV_VERDICT_ERROR, "%s: it can't be saved: QEMU says that it is %s, not running", c->g->name,
				 is ? is : "?");
	return code;
}

/* Why QEMU gave it up, where it says so. */
static int say_failed(struct call *c, int ours)
{
	VIV_JSON *about = NULL;
	const char *why = NULL;

	if (ours == -EFBIG)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: it can't be saved: its state is larger than its memory", c->g->name);
	if (ours < 0 && ours != -EPIPE)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: it can't be saved: %s\nstates are in TMPDIR, or /var/tmp", c->g->name,
				 strerror(-ours));
	if (methods_qmp(c, "query-migrate", NULL, &about) == 0)
		why = viv_json_str(about, "error-desc");
	return call_fail(c, VIV_VERDICT_ERROR, "%s: it can't be saved: QEMU: %s", c->g->name, why ? why : "it failed");
}

/* From a machine that stands still. */
static int save_memory(struct call *c, struct saved *s)
{
	struct moving m;
	int code = move_state(c, s->memory, true, &m);

	if (code < 0)
		return code;
	if (m.waited < 0)
		return call_waited(c, m.waited, "its state");
	s->bytes = m.bytes;
	return m.code == 0 && migration_is(c->g, "completed") ? 0 : say_failed(c, m.code);
}

/* g, NULL for none: whose they are is to run meanwhile. */
static int copy_disks(struct call *c, const struct guest *g, const int *from, size_t n, int **ret)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int code = saved_copy_disks(c->r, g, from, n, c->deadline, ret, &err);

	if (code < 0 && err.code)
		code = call_fail(c, VIV_VERDICT_ERROR, "%s: %s\nstates are in TMPDIR, or /var/tmp",
				 c->g->name, err.msg);
	else if (code < 0)
		code = call_waited(c, code, "copies of its disks");
	viv_error_clear(&err);
	return code;
}

static int save_all(struct call *c, struct saved *s)
{
	int code = save_memory(c, s);

	if (code == 0)
		code = copy_disks(c, c->g, c->g->disks, c->g->n_disks, &s->disks);
	if (code == 0)
		s->n_disks = c->g->n_disks;
	return code;
}

/* Without the call's time, of which nothing may be left. The next migration is refused until this one is over. */
static void give_up(struct call *c)
{
	struct viv_qmp *q = viv_vm_qmp(c->g->vm);

	viv_qmp_execute(q, "migrate_cancel", NULL, NULL, NULL, NULL);
	viv_qmp_execute(q, "cont", NULL, NULL, NULL, NULL);
	if (c->g->migration)
		runner_wait(c->r, c->g, is_over, c->g, viv_now_ms() + END_MS);
}

/* What is saved is not lost for the moment that this takes: the call's time may be at its end. */
static int resume(struct call *c)
{
	int64_t deadline = c->deadline;
	int code;

	c->deadline = deadline ? VIV_MAX(deadline, viv_now_ms() + END_MS) : 0;
	code = methods_qmp(c, "cont", NULL, NULL);
	c->deadline = deadline;
	return code;
}

/* Whatever became of it. */
static int go_on(struct call *c, int code)
{
	if (!guest_is_on(c->g))
		return code < 0 ? code : call_waited(c, -ENOTCONN, "its state");
	if (code < 0)
		give_up(c);
	else
		code = resume(c);
	if (c->g->ready)
		refresh(c->g);
	return code;
}

static int save(struct call *c, struct saved *s)
{
	int code = prepare(c);

	if (code == 0)
		code = methods_qmp(c, "stop", NULL, NULL);
	/* Until it stood still one could begin. */
	if (code == 0)
		code = check_quiet(c);
	if (code == 0)
		code = save_all(c, s);
	return go_on(c, code);
}

static int do_save(struct call *c)
{
	VIV_CLEANUP(saved_freep) struct saved *s = NULL;
	const char *name = call_text(c, 0);
	VIV_ERROR err = VIV_ERROR_INIT;
	bool checking = c->r->checking;
	int code = check(c, name);

	if (code == 0 && saved_new(c->g, name, &s, &err) < 0)
		code = call_error(c, &err);
	viv_error_clear(&err);
	if (code < 0)
		return code;
	call_step(c, "saving its state as %s", name);
	c->r->checking = true; /* conditions may want something of a machine that stands still */
	code = save(c, s);
	c->r->checking = checking;
	if (code < 0)
		return code;
	call_step(c, "saved %s: %.0f MiB", name, (double)s->bytes / (1 << 20));
	saved_keep(c->g, viv_steal(s));
	return 0;
}

/* Going back */

static bool is_off(void *arg)
{
	return !guest_is_on(arg);
}

static bool is_ready(void *arg)
{
	return ((const struct guest *)arg)->ready;
}

static bool is_up(void *arg)
{
	const struct guest *g = arg;

	return g->ready && g->booted;
}

static int turn_off(struct call *c)
{
	int code = 0;

	if (guest_is_on(c->g)) {
		methods_want_end(c->g);
		viv_vm_kill(c->g->vm);
		code = runner_wait(c->r, NULL, is_off, c->g, c->deadline);
	}
	c->g->end_told = true;
	return code < 0 ? call_waited(c, code, "its end") : 0;
}

/* With these disks, which are taken over. */
static int start_from(struct call *c, const struct saved *s, int *disks)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int code = 0;

	saved_close_disks(c->g->disks, c->g->n_disks);
	c->g->disks = disks;
	c->g->n_disks = s->n_disks;
	c->g->from = s;
	if (guest_start(c->g, c->r->store, c->r->runtime, &c->r->report, &err) < 0)
		code = call_error(c, &err);
	c->g->from = NULL;
	viv_error_clear(&err);
	return code;
}

/* QEMU ends over a state that it can't load; why, it has said to nobody but its stderr. */
static int say_refused(struct call *c, const struct saved *s, int ours)
{
	VIV_FREE char *end = NULL;

	if (ours < 0 && ours != -EPIPE)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: its state %s can't be read: %s", c->g->name, s->name, strerror(-ours));
	if (runner_wait(c->r, NULL, is_off, c->g, viv_now_ms() + END_MS) == 0) {
		c->g->end_told = true;
		end = guest_end_text(c->g);
	}
	return call_fail(c, VIV_VERDICT_ERROR, "%s: QEMU can't go back to its state %s: %s", c->g->name, s->name,
			 end ? end : "it doesn't say why");
}

static int load_memory(struct call *c, const struct saved *s)
{
	struct moving m;
	int code = prepare(c);

	if (code == 0)
		code = move_state(c, s->memory, false, &m);
	if (code < 0)
		return code;
	if (m.waited < 0 && m.waited != -ENOTCONN)
		return call_waited(c, m.waited, "its state to be loaded");
	return m.waited == 0 && migration_is(c->g, "completed") ? 0 : say_refused(c, s, m.code);
}

static int wake_up(struct call *c)
{
	int code = methods_qmp(c, "cont", NULL, NULL);

	if (code < 0)
		return code;
	code = runner_wait(c->r, c->g, is_ready, c->g, c->deadline);
	if (code < 0)
		return call_waited(c, code, "its agent");
	refresh(c->g);
	code = runner_wait(c->r, c->g, is_up, c->g, c->deadline);
	return code < 0 ? call_waited(c, code, "its system") : 0;
}

/* What may fail for want of room or time comes first: then nothing has become of the machine. */
static int restore(struct call *c, const struct saved *s)
{
	int *disks, code = copy_disks(c, NULL, s->disks, s->n_disks, &disks);

	if (code < 0)
		return code;
	code = turn_off(c);
	if (code < 0)
		saved_close_disks(disks, s->n_disks);
	else
		code = start_from(c, s, disks);
	if (code < 0)
		return code;
	code = load_memory(c, s);
	if (code == 0)
		code = wake_up(c);
	if (code < 0 && guest_is_on(c->g)) {
		/* One that is half there is of no use. */
		methods_want_end(c->g);
		c->g->end_told = true;
		viv_vm_kill(c->g->vm);
		runner_wait(c->r, NULL, is_off, c->g, viv_now_ms() + END_MS);
	}
	return code;
}

static int do_restore(struct call *c)
{
	const char *name = call_text(c, 0);
	const struct saved *s = saved_find(c->g, name);
	bool checking = c->r->checking;
	VIV_ERROR err = VIV_ERROR_INIT;
	int code;

	if (!s) {
		saved_unknown(c->g, name, &err);
		code = call_error(c, &err);
		viv_error_clear(&err);
		return code;
	}
	call_step(c, "going back to its state %s", name);
	c->g->end_told |= !guest_is_on(c->g); /* however it ended: that is what it is for */
	c->r->checking = true;
	code = restore(c, s);
	c->r->checking = checking;
	return code;
}

const struct method methods_save[] = {
	{"save", "s", "(name, {timeout})", "",
	 "saves its memory, devices and disks under a name, for restore, until the test ends; one of that name is replaced", do_save},
	{"restore", "s", "(name, {timeout})", "", "makes it what it was when that was saved, running, whatever it does now or if it is off",
	 do_restore, .early = true},
	{0},
};
