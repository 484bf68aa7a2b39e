/* SPDX-License-Identifier: MIT */
#include "run/session.h"

#include "base/fd.h"
#include "base/hold.h"
#include "base/path.h"
#include "base/status.h"
#include "run/control.h"
#include "run/crash.h"
#include "run/display.h"
#include "run/keyboard.h"
#include "run/local.h"
#include "run/vm.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#define BOOT_MS	      600000 /* until the system is up, under the slowest emulation */
#define POWEROFF_MS   30000
#define SETTLE_MS     12000 /* a shutdown that goes on without the agent writes disks for 10 s */
#define OOPS_GRACE_MS 10000 /* after an oops the command may hang for ever */
#define DUMP_GRACE_MS 60000 /* or the kernel for crash dumps may be starting */
#define AGENT_GONE_MS 2000 /* from the agent's end to the machine's, if the one is due to the other */
#define TAIL_LINES    20

/*
 * BOOTING: no command yet. RUNNING: there is one, or the machine is there for others. ENDING: it is
 * over, or was given up; the machine is on its way down.
 */
enum state { BOOTING, RUNNING, ENDING };

struct session {
	const struct viv_session_spec *spec;
	struct viv_loop *loop;
	struct viv_machine_dir dir;
	struct viv_vm *vm;
	struct viv_control *control;
	struct viv_command *command; /* while RUNNING */
	struct viv_keyboard *keyboard;
	struct sink out; /* VIV_SESSION_CONSOLE */
	struct viv_source *boot_limit, *time_limit, *oops_limit, *agent_gone;
	enum state state;
	bool task_open; /* a task of the report's */
	bool lost;	/* ENDING because the agent has gone */
	int interrupts;
	struct viv_run_facts facts;
	char *command_error, *end_text;
	int dump_fd; /* of the disk for crash dumps; -1: there is none */
	int64_t started, up, done; /* viv_now_ms */
	time_t since;
};

static void end_task(struct session *s, bool ok)
{
	if (s->task_open)
		viv_task_end(s->spec->report, ok);
	s->task_open = false;
}

static void stop_limits(struct session *s)
{
	viv_source_remove(s->boot_limit);
	viv_source_remove(s->time_limit);
	viv_source_remove(s->oops_limit);
	viv_source_remove(s->agent_gone);
	s->boot_limit = s->time_limit = s->oops_limit = s->agent_gone = NULL;
}

static void enter_ending(struct session *s)
{
	s->state = ENDING;
	s->command = NULL;
	end_task(s, false);
	stop_limits(s);
	viv_keyboard_stop(s->keyboard); /* it is the user's again */
}

static void end_clean(struct session *s)
{
	enter_ending(s);
	viv_vm_poweroff(s->vm, POWEROFF_MS);
}

static void end_quick(struct session *s)
{
	enter_ending(s);
	viv_vm_kill(s->vm);
}

/* The command */

static void on_command_done(struct viv_command *c, int status, const char *error, void *arg)
{
	struct session *s = arg;

	s->done = viv_now_ms();
	free(s->command_error);
	s->command_error = viv_strdup(error);
	s->facts.command_done = !error || status == VIV_EXIT_EXEC || status == VIV_EXIT_FIND;
	/* A shell that is hung up on is in a machine that goes down, which ends its terminals first. */
	if (s->spec->kind == VIV_SESSION_SHELL && status == VIV_EXIT_SIGNAL + SIGHUP)
		s->facts.command_done = false;
	s->facts.command_status = status;
	s->command = NULL;
	/* Where the guest went away, on_agent_lost follows. A command may end with 121 itself. */
	if (s->state == RUNNING && !(error && status == VIV_EXIT_GONE))
		end_clean(s);
}

static void on_resize(unsigned short rows, unsigned short columns, void *arg)
{
	struct session *s = arg;

	if (s->command)
		viv_command_resize(s->command, rows, columns);
}

static void on_cut_off(void *arg)
{
	struct session *s = arg;

	s->facts.cut_off = true;
	end_quick(s);
}

static void on_console_key(const char *data, size_t len, void *arg)
{
	struct session *s = arg;

	viv_console_write(viv_vm_console(s->vm), data, len);
}

static int open_keyboard(struct session *s, struct viv_error *err)
{
	bool console = s->spec->kind == VIV_SESSION_CONSOLE;
	const struct viv_keyboard_spec spec = {
		.fd = s->spec->in_fd,
		.out_fd = s->spec->out_fd,
		.escape = console ? VIV_ESCAPE_CTRL_A : VIV_ESCAPE_TILDE,
		.resized = on_resize,
		.cut_off = on_cut_off,
		.typed = console ? on_console_key : NULL,
		.arg = s,
	};

	return viv_keyboard_new(s->loop, &spec, &s->keyboard, err);
}

/* Where commands start; NULL: the guest could not mount that folder. */
static const char *find_cwd(const struct session *s)
{
	const struct viv_machine *m = s->spec->machine;

	for (size_t i = 0; i < m->n_shares; i++)
		if (s->spec->cwd && m->shares[i].missing &&
		    viv_streq(m->shares[i].target, s->spec->cwd))
			return NULL;
	return s->spec->cwd;
}

static int start_command(struct session *s, struct viv_error *err)
{
	struct viv_command_spec c = {
		.argv = s->spec->argv,
		.cwd = find_cwd(s),
		.user = s->spec->user,
		.pty = s->spec->pty,
		.in_fd = s->spec->in_fd,
		.out_fd = s->spec->out_fd,
		.err_fd = s->spec->pty ? -1 : s->spec->err_fd,
	};
	VIV_FREE char *term = NULL;
	const char *env[2] = {NULL, NULL};
	int r;

	if (s->spec->pty) {
		const char *name = getenv("TERM");

		term = viv_asprintf("TERM=%s", name && name[0] ? name : "linux");
		env[0] = term;
		c.env = env;
		viv_terminal_size(s->spec->out_fd, &c.rows, &c.columns);
		r = open_keyboard(s, err);
		if (r < 0)
			return r;
		c.in_fd = viv_keyboard_fd(s->keyboard);
	}
	return viv_agent_run(viv_vm_agent(s->vm), &c, on_command_done, s, &s->command, err);
}

/* The machine's events */

static void on_agent_ready(struct viv_vm *vm, void *arg)
{
	struct session *s = arg;

	s->facts.agent_seen = true;
	viv_control_ready(s->control);
	if (s->task_open)
		viv_task_advance(s->spec->report, 0, "services are starting");
}

static void on_booted(struct viv_vm *vm, void *arg)
{
	struct session *s = arg;
	VIV_ERROR err = VIV_ERROR_INIT;

	if (s->up) /* a guest can say it as often as it likes */
		return;
	s->up = viv_now_ms();
	s->facts.booted = s->facts.agent_seen; /* of a machine without one nobody knows */
	viv_source_remove(s->boot_limit);
	s->boot_limit = NULL;
	viv_control_up(s->control);
	if (s->state != BOOTING || s->spec->kind == VIV_SESSION_CONSOLE)
		return;
	end_task(s, true);
	s->state = RUNNING;
	if (s->spec->up)
		s->spec->up(&s->dir, s->spec->up_arg);
	if (s->spec->kind != VIV_SESSION_IDLE && start_command(s, &err) < 0) {
		free(s->command_error);
		s->command_error = viv_strdup(err.msg);
		end_quick(s);
	}
}

static int on_agent_gone(struct viv_source *src, void *arg)
{
	struct session *s = arg;

	s->agent_gone = NULL;
	viv_control_agent_gone(s->control);
	return 0;
}

static void on_agent_lost(struct viv_vm *vm, const char *why, void *arg)
{
	struct session *s = arg;

	if (s->state == ENDING)
		return;
	/* If the machine ends with it, that says more. */
	viv_loop_add_timer(s->loop, AGENT_GONE_MS, on_agent_gone, s, &s->agent_gone, NULL);
	if (s->spec->kind == VIV_SESSION_CONSOLE) /* which does without an agent */
		return;
	if (!s->command_error)
		s->command_error = viv_strdup(why);
	/* QEMU may be about to end by itself, and then knows better why: give it the time. */
	s->state = ENDING;
	s->lost = true;
	s->command = NULL;
	viv_vm_kill_soon(vm);
}

static int on_oops_limit(struct viv_source *src, void *arg)
{
	struct session *s = arg;

	s->oops_limit = NULL;
	end_quick(s);
	return 0;
}

static void on_trouble(struct viv_vm *vm, const struct viv_trouble *t, void *arg)
{
	struct session *s = arg;

	if (t->dumping && s->dump_fd >= 0) {
		viv_source_remove(s->oops_limit);
		s->oops_limit = NULL;
		if (s->task_open)
			viv_task_advance(s->spec->report, 0, "crash dump");
		return;
	}
	if (!s->oops_limit && s->state != ENDING && s->spec->kind == VIV_SESSION_COMMAND &&
	    (s->facts.fail_on & VIV_TROUBLE_BIT(VIV_TROUBLE_OOPS)) && t->kind == VIV_TROUBLE_OOPS)
		viv_loop_add_timer(s->loop, s->dump_fd < 0 ? OOPS_GRACE_MS : DUMP_GRACE_MS, on_oops_limit, s, &s->oops_limit, NULL);
}

/* The console's output goes as fast as its reader takes it; all else must go on meanwhile. */
static int on_console_room(struct viv_source *src, int fd, uint32_t events, void *arg)
{
	struct session *s = arg;
	int code;

	sink_flush(&s->out, &code);
	if (sink_is_empty(&s->out)) {
		local_watch(&s->out.local, s->loop, 0, on_console_room, s, NULL);
		viv_console_pause(viv_vm_console(s->vm), false);
	}
	return 0;
}

static void on_console_output(struct viv_vm *vm, const char *data, size_t len, void *arg)
{
	struct session *s = arg;
	int code;

	viv_control_output(s->control, data, len);
	if (s->spec->kind != VIV_SESSION_CONSOLE || s->out.closed)
		return;
	sink_write(&s->out, data, len, &code);
	if (sink_is_empty(&s->out))
		return;
	viv_console_pause(viv_vm_console(vm), true);
	local_watch(&s->out.local, s->loop, EPOLLOUT, on_console_room, s, NULL);
}

static void on_warning(struct viv_vm *vm, const char *text, void *arg)
{
	struct session *s = arg;

	viv_say(s->spec->report, VIV_WARNING, "%s", text);
}

static void on_ended(struct viv_vm *vm, enum viv_vm_end how, const char *text, void *arg)
{
	struct session *s = arg;

	enter_ending(s);
	s->facts.end = how;
	s->end_text = viv_strdup(text);
	viv_loop_quit(s->loop, 0);
}

/* Limits and signals */

static int on_boot_limit(struct viv_source *src, void *arg)
{
	struct session *s = arg;

	s->boot_limit = NULL;
	s->facts.boot_timed_out = true;
	end_quick(s);
	return 0;
}

static int on_time_limit(struct viv_source *src, void *arg)
{
	struct session *s = arg;

	s->time_limit = NULL;
	s->facts.timed_out = true;
	end_quick(s);
	return 0;
}

static int on_interrupt(struct viv_source *src, int signo, void *arg)
{
	struct session *s = arg;

	if (s->interrupts++ == 0 && s->command) {
		viv_command_signal(s->command, SIGINT);
		return 0;
	}
	if (!s->facts.command_done)
		s->facts.signal = signo;
	end_quick(s);
	return 0;
}

static int on_terminate(struct viv_source *src, int signo, void *arg)
{
	struct session *s = arg;

	if (s->state == ENDING && !s->lost)
		return 0;
	s->facts.signal = signo;
	if (s->lost)
		viv_vm_poweroff(s->vm, SETTLE_MS);
	else if (s->facts.agent_seen)
		end_clean(s);
	else
		end_quick(s);
	return 0;
}

/* What others ask for (run/control.h) */

static void on_stop(bool hard, int64_t limit_ms, void *arg)
{
	struct session *s = arg;

	/* What ended for a reason of its own keeps that. */
	if (s->state != ENDING || s->lost)
		s->facts.stopped = true;
	if (s->state != ENDING)
		enter_ending(s);
	if (hard || !s->facts.agent_seen)
		viv_vm_kill(s->vm);
	else
		viv_vm_poweroff(s->vm, limit_ms);
}

static json_t *words(const char *const *list)
{
	json_t *j = json_array();

	for (; list && *list; list++)
		json_array_append_new(j, viv_json_text(*list));
	return j;
}

static json_t *on_status(void *arg)
{
	static const char *const states[] = {"booting", "running", "stopping"};
	const struct session *s = arg;
	/* With the console as its only task it is never RUNNING here. */
	enum state state = s->state == BOOTING && s->up ? RUNNING : s->state;
	json_t *j = viv_control_status(s->dir.name, states[state], s->spec->machine, viv_vm_pid(s->vm), s->since,
				       viv_now_ms() - s->started);

	json_object_set_new(j, "command", s->spec->kind == VIV_SESSION_COMMAND ? words(s->spec->argv) : json_null());
	if (s->spec->about)
		json_object_update(j, (json_t *)s->spec->about);
	return j;
}

static int open_control(struct session *s, struct viv_error *err)
{
	const struct viv_control_host host = {
		.agent = viv_vm_agent(s->vm),
		.console = viv_vm_console(s->vm),
		.qmp = viv_vm_qmp(s->vm),
		.machine = s->spec->machine,
		.early_units = s->spec->early_units,
		.shared = viv_vm_shared(s->vm),
		.dir = s->dir.path,
		.status = on_status,
		.stop = on_stop,
		.arg = s,
	};

	return viv_control_new(s->loop, &s->dir, &host, &s->control, err);
}

static int watch_signals(struct session *s, struct viv_error *err)
{
	int r = viv_loop_add_signal(s->loop, SIGINT, on_interrupt, s, NULL, err);

	if (r == 0)
		r = viv_loop_add_signal(s->loop, SIGTERM, on_terminate, s, NULL, err);
	if (r == 0 && !viv_signal_is_ignored(SIGHUP)) /* nohup viv run … */
		r = viv_loop_add_signal(s->loop, SIGHUP, on_terminate, s, NULL, err);
	return r;
}

/*
 * A signal that came before the loop ran; 0: none. Programs that a start takes may have had it as well,
 * and their end is what the start failed for.
 */
static int take_pending_signal(void)
{
	const struct timespec now = {0};
	int signo = viv_hold_pending();
	sigset_t set;

	sigemptyset(&set);
	if (signo)
		sigaddset(&set, signo);
	return signo && sigtimedwait(&set, NULL, &now) == signo ? signo : 0;
}

static int start_limits(struct session *s, struct viv_error *err)
{
	int r = 0;

	if (s->spec->machine->foreign) /* nobody inside will say so */
		on_booted(s->vm, s);
	else if (s->spec->kind != VIV_SESSION_CONSOLE)
		r = viv_loop_add_timer(s->loop, BOOT_MS, on_boot_limit, s, &s->boot_limit, err);
	if (r == 0 && s->spec->timeout_ms)
		r = viv_loop_add_timer(s->loop, s->spec->timeout_ms, on_time_limit, s,
				       &s->time_limit, err);
	return r;
}

static int take_dir(struct session *s, struct viv_error *err)
{
	VIV_FREE char *runtime = NULL;
	int r;

	if (s->dir.path)
		return 0;
	r = viv_dir_runtime(&runtime, err);
	return r < 0 ? r : viv_machine_dir_take(runtime, s->spec->name, false, &s->dir, err);
}

static void say_screen(const struct session *s)
{
	VIV_FREE char *advice = viv_display_advice(&s->spec->machine->devices);

	if (advice)
		viv_say(s->spec->report, VIV_INFO, "%s", advice);
}

static int start(struct session *s, struct viv_error *err)
{
	const struct viv_vm_events events = {
		.agent_ready = on_agent_ready,
		.booted = on_booted,
		.agent_lost = on_agent_lost,
		.trouble = on_trouble,
		.console_output = on_console_output,
		.warning = on_warning,
		.ended = on_ended,
		.arg = s,
	};
	int r = viv_loop_new(&s->loop, err);

	if (r == 0)
		r = take_dir(s, err);
	if (r == 0)
		r = watch_signals(s, err);
	if (r < 0)
		return r;
	free(s->spec->machine->name);
	s->spec->machine->name = viv_strdup(s->dir.name);
	s->started = viv_now_ms();
	s->since = time(NULL);
	if (s->spec->kind == VIV_SESSION_CONSOLE) {
		r = open_keyboard(s, err);
	} else {
		viv_task_begin(s->spec->report, 0, "booting %s", s->dir.name);
		s->task_open = true;
	}
	if (r == 0)
		r = viv_vm_start(s->loop, s->spec->machine, &s->dir, &events, &s->vm, err);
	if (r == 0)
		say_screen(s);
	if (r == 0)
		r = open_control(s, err);
	return r == 0 ? start_limits(s, err) : r;
}

/* The result */

static void add_times(const struct session *s, json_t *j)
{
	int64_t end = viv_now_ms();

	json_object_set_new(j, "machine", json_string(s->dir.name));
	json_object_set_new(j, "accelerator",
			    json_string(s->spec->machine->accel == VIV_ACCEL_KVM ? "kvm" : "tcg"));
	json_object_set_new(j, "boot_ms", s->up ? json_integer(s->up - s->started) : json_null());
	json_object_set_new(j, "command_ms",
			    s->up && s->done ? json_integer(s->done - s->up) : json_null());
	json_object_set_new(j, "total_ms", json_integer(end - s->started));
}

static void conclude(struct session *s, struct viv_session_result *ret)
{
	struct viv_console *console = s->vm ? viv_vm_console(s->vm) : NULL;
	struct viv_strv lines = VIV_STRV_INIT;

	s->facts.trouble = console ? viv_console_trouble(console) : NULL;
	s->facts.command_error = s->command_error;
	s->facts.end_text = s->end_text;
	viv_outcome_of(&s->facts, &ret->outcome);
	ret->json = viv_outcome_json(&ret->outcome, &s->facts);
	add_times(s, ret->json);
	if (ret->outcome.show_trouble)
		viv_strv_push_all(&lines, (const char *const *)s->facts.trouble->lines.items);
	else if (ret->outcome.show_console && s->spec->kind != VIV_SESSION_CONSOLE)
		viv_console_tail(console, TAIL_LINES, &lines);
	ret->lines = lines;
}

/* The machine has ended. */
static void fetch_dump(const struct session *s, struct viv_session_result *ret)
{
	VIV_ERROR err = VIV_ERROR_INIT;

	if (viv_crash_fetch(s->dump_fd, s->spec->crash_dump, s->dir.name, &ret->crash_dump, &err) < 0)
		viv_say(s->spec->report, VIV_WARNING, "%s", err.msg);
	if (s->dump_fd >= 0)
		json_object_set_new(ret->json, "crash_dump", viv_json_text(ret->crash_dump));
}

void viv_session_result_free_contents(struct viv_session_result *r)
{
	viv_outcome_free_contents(&r->outcome);
	json_decref(r->json);
	viv_strv_free(&r->lines);
	free(r->crash_dump);
	*r = (struct viv_session_result){0};
}

int viv_session_run(struct viv_session_spec *spec, struct viv_session_result *ret,
		    struct viv_error *err)
{
	struct session s = {.spec = spec, .dir = spec->dir, .dump_fd = viv_crash_watch(spec->machine)};
	int r;

	spec->dir = VIV_MACHINE_DIR_INIT;
	sink_open(&s.out, spec->kind == VIV_SESSION_CONSOLE ? spec->out_fd : -1);
	s.facts.fail_on = spec->fail_on;
	s.facts.timeout_ms = spec->timeout_ms;
	s.facts.no_command = spec->kind != VIV_SESSION_COMMAND;
	s.facts.console = spec->kind == VIV_SESSION_CONSOLE;
	r = start(&s, err);
	if (r == 0)
		r = viv_loop_run(s.loop, err);
	else if (s.loop && (s.facts.signal = take_pending_signal()))
		r = 0;
	end_task(&s, false);
	viv_keyboard_stop(s.keyboard);
	if (r == 0) {
		if (err)
			viv_error_clear(err); /* of what a signal has interrupted */
		conclude(&s, ret);
		fetch_dump(&s, ret);
	}
	viv_vm_free(s.vm);
	viv_keyboard_free(s.keyboard);
	sink_close(&s.out);
	viv_machine_dir_release(&s.dir);
	if (r == 0 && s.control)
		viv_control_finish(s.control, ret->json); /* its name is free again */
	viv_control_free(s.control);
	viv_loop_free(s.loop);
	free(s.command_error);
	free(s.end_text);
	viv_close(s.dump_fd);
	return r;
}
