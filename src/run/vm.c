/* SPDX-License-Identifier: MIT */
#include "run/vm.h"

#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "base/process.h"
#include "run/crash.h"
#include "run/devices.h"
#include "run/display.h"
#include "run/disk-image.h"
#include "run/mounts.h"
#include "run/network.h"
#include "run/qmp.h"
#include "run/virtiofsd.h"
#include "run/wires.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STDERR_KEPT   8192u
#define QUIT_MS	      2000 /* from "quit" to SIGKILL */
#define LAST_WORDS_MS 2000 /* from a panic to the end of its report */
#define DUMP_MS	      600000 /* until a kernel for crash dumps says that it is further */
#define SHUTDOWN_MS   30000 /* from the agent's end to the guest's, which writes its disks meanwhile */
#define DRAIN_MS      3000 /* from a forced end to giving up on unread output */

struct viv_vm {
	struct viv_loop *loop;
	struct viv_vm_events events;
	char *qemu;
	pid_t pid; /* 0: reaped */
	int status; /* as of waitpid, once reaped */
	pid_t tpm;  /* swtpm; 0: none */
	struct viv_source *child, *deadline, *errors;
	int errors_fd, shared;
	struct viv_str said; /* QEMU's stderr, the end of it */
	struct viv_qmp *qmp;
	struct viv_agent *agent;
	struct viv_console *console;
	bool qmp_gone, agent_gone, console_gone;
	bool port_closed; /* the agent's, by the guest */
	bool dumps, dumping; /* it has a kernel for crash dumps; which is at work */
	bool panicked, watchdog_bit, poweroff_asked, kill_asked, killed, ended;
	int64_t poweroff_at; /* viv_now_ms: where it is killed while it powers off; 0: nowhere yet */
	char *shutdown_reason; /* QMP's word for it */
	char *fatal;	       /* what init said */
	struct viv_network *network;
	struct viv_virtiofsd *virtiofsd; /* NULL: no share is its */
	struct viv_mounts *mounts;	 /* NULL: there are no shares */
	char *virtiofsd_said;		 /* it has ended: how */
	char *unfit; /* what the machine can't do without and was not to be had */
	bool network_asked;    /* it was, and has not answered */
	bool booted;	       /* it said so meanwhile */
};

struct viv_agent *viv_vm_agent(struct viv_vm *vm)
{
	return vm->agent;
}

struct viv_console *viv_vm_console(struct viv_vm *vm)
{
	return vm->console;
}

int viv_vm_shared(const struct viv_vm *vm)
{
	return vm->shared;
}

struct viv_qmp *viv_vm_qmp(struct viv_vm *vm)
{
	return vm->qmp;
}

struct viv_network *viv_vm_network(struct viv_vm *vm)
{
	return vm->network;
}

pid_t viv_vm_pid(const struct viv_vm *vm)
{
	return vm->pid;
}

/* One deadline is enough: each step of ending replaces the one before. */
static void set_deadline(struct viv_vm *vm, int64_t ms, viv_timer_fn fn)
{
	viv_source_remove(vm->deadline);
	vm->deadline = NULL;
	viv_loop_add_timer(vm->loop, ms, fn, vm, &vm->deadline, NULL);
}

/* The end */

/* By a signal that is not ours. Those that QEMU can handle it reports. */
static bool was_killed(const struct viv_vm *vm)
{
	return !vm->killed && ((WIFSIGNALED(vm->status) && WTERMSIG(vm->status) == SIGKILL) ||
			       (vm->shutdown_reason && viv_streq(vm->shutdown_reason, "host-signal")));
}

static enum viv_vm_end how_ended(struct viv_vm *vm)
{
	const char *reason = vm->shutdown_reason ? vm->shutdown_reason : "";

	if (vm->fatal)
		return VIV_VM_INIT;
	if (vm->panicked)
		return VIV_VM_PANIC;
	if (vm->unfit)
		return VIV_VM_OUTSIDE;
	if (vm->watchdog_bit) /* on a busy host QEMU may need help to end */
		return VIV_VM_WATCHDOG;
	if (vm->kill_asked)
		return VIV_VM_STOPPED;
	if (was_killed(vm))
		return VIV_VM_OUTSIDE;
	if (WIFEXITED(vm->status) && WEXITSTATUS(vm->status) == 0) {
		if (viv_streq(reason, "guest-shutdown"))
			return VIV_VM_POWEROFF;
		if (viv_streq(reason, "guest-reset") || viv_streq(reason, "host-qmp-system-reset"))
			return VIV_VM_REBOOT;
		if (viv_streq(reason, "guest-panic"))
			return VIV_VM_PANIC;
		/* SDL's window, GTK's: "quit" was not said by us here. */
		if (viv_streq(reason, "host-ui") || viv_streq(reason, "host-qmp-quit"))
			return VIV_VM_WINDOW;
	}
	return VIV_VM_QEMU;
}

static const char *advice(const struct viv_vm *vm, struct viv_slice said)
{
	if (said.len && memmem(said.data, said.len, "Cannot allocate memory", 22))
		return "\nThis host has not enough memory for the guest: lower "
		       "virtualisation.memorySize, or end other machines.";
	if (WIFSIGNALED(vm->status) && WTERMSIG(vm->status) == SIGSYS)
		return "\nIts sandbox forbids what it, or a library of its window's, wanted to do: "
		       "try virtualisation.display = \"vnc\".";
	if (said.len && memmem(said.data, said.len, "tpm-emulator: ", 14))
		return "\nswtpm can't go on from the TPM's state: where that is kept it is in the folder "
		       "<disk>.tpm; without that it begins anew.";
	return "";
}

static char *end_text(struct viv_vm *vm, enum viv_vm_end how)
{
	VIV_FREE char *status = viv_process_status_text(vm->status);
	struct viv_slice said = viv_slice_trim((struct viv_slice){vm->said.data, vm->said.len});

	if (how == VIV_VM_INIT)
		return viv_strdup(vm->fatal);
	if (vm->unfit && how == VIV_VM_OUTSIDE)
		return viv_strdup(vm->unfit);
	if (how == VIV_VM_OUTSIDE && WIFSIGNALED(vm->status))
		return viv_strdup("QEMU was killed from outside (SIGKILL), perhaps for lack of memory: "
				  "the host's kernel log says so\nlower virtualisation.memorySize, "
				  "or end other machines");
	if (how == VIV_VM_OUTSIDE)
		return viv_strdup("QEMU was ended from outside, by a signal");
	if (how != VIV_VM_QEMU)
		return NULL;
	if (vm->killed)
		return viv_strdup("QEMU closed its monitor and was ended");
	return viv_asprintf("QEMU ended: %s%s%.*s%s%s%s", status, said.len ? "\n" : "", (int)said.len,
			    said.len ? said.data : "", advice(vm, said), vm->virtiofsd_said ? "\n" : "",
			    vm->virtiofsd_said ? vm->virtiofsd_said : "");
}

static void finish(struct viv_vm *vm)
{
	enum viv_vm_end how = how_ended(vm);
	VIV_FREE char *text = end_text(vm, how);

	if (vm->ended)
		return;
	vm->ended = true;
	viv_source_remove(vm->deadline);
	vm->deadline = NULL;
	if (vm->events.ended)
		vm->events.ended(vm, how, text, vm->events.arg);
}

/* All sockets to QEMU end with it: what it sent before is read first. */
static void finish_if_all_gone(struct viv_vm *vm)
{
	if (!vm->pid && vm->qmp_gone && vm->agent_gone && vm->console_gone && vm->errors_fd < 0)
		finish(vm);
}

static int on_drain_limit(struct viv_source *s, void *arg)
{
	struct viv_vm *vm = arg;

	vm->deadline = NULL;
	finish(vm);
	return 0;
}

static int on_child(struct viv_source *s, pid_t pid, int status, void *arg)
{
	struct viv_vm *vm = arg;

	vm->child = NULL;
	vm->pid = 0;
	vm->status = status;
	/* Output that nobody takes must not keep a machine that was stopped. */
	if (vm->kill_asked || vm->panicked)
		set_deadline(vm, DRAIN_MS, on_drain_limit);
	finish_if_all_gone(vm);
	return 0;
}

static int on_kill_limit(struct viv_source *s, void *arg)
{
	struct viv_vm *vm = arg;

	vm->deadline = NULL;
	vm->killed = true;
	if (vm->pid)
		kill(vm->pid, SIGKILL);
	return 0;
}

/* Towards the end, without saying whose wish it was. */
static void end_qemu(struct viv_vm *vm)
{
	if (vm->killed || !vm->pid)
		return;
	vm->killed = true;
	if (vm->qmp_gone || viv_qmp_execute(vm->qmp, "quit", NULL, NULL, NULL, NULL) < 0)
		kill(vm->pid, SIGKILL);
	else
		set_deadline(vm, QUIT_MS, on_kill_limit);
}

void viv_vm_kill(struct viv_vm *vm)
{
	vm->kill_asked = true;
	if (!vm->pid && !vm->ended)
		set_deadline(vm, DRAIN_MS, on_drain_limit);
	end_qemu(vm);
}

static int on_poweroff_limit(struct viv_source *s, void *arg)
{
	struct viv_vm *vm = arg;

	vm->deadline = NULL;
	viv_vm_kill(vm);
	return 0;
}

/* The shortest limit that was said counts. */
static void limit_poweroff(struct viv_vm *vm, int64_t ms)
{
	int64_t at = viv_now_ms() + ms;

	if (vm->poweroff_at && vm->poweroff_at <= at)
		return;
	vm->poweroff_at = at;
	set_deadline(vm, ms, on_poweroff_limit);
}

bool viv_vm_is_dumping(const struct viv_vm *vm)
{
	return !vm->killed && !vm->ended && (vm->dumping || (vm->dumps && vm->panicked));
}

void viv_vm_kill_soon(struct viv_vm *vm)
{
	/* An agent that has ended while QEMU runs may be the beginning of a shutdown. */
	if (!vm->killed && !vm->ended && vm->pid && !viv_vm_is_dumping(vm))
		limit_poweroff(vm, vm->port_closed ? SHUTDOWN_MS : LAST_WORDS_MS);
}

/* False: nobody is there to do it, nor is it under way. */
static bool ask_poweroff(struct viv_vm *vm)
{
	if (vm->agent_gone)
		return vm->port_closed;
	if (!vm->poweroff_asked)
		vm->poweroff_asked = viv_agent_poweroff(vm->agent, NULL) == 0;
	return vm->poweroff_asked;
}

void viv_vm_poweroff(struct viv_vm *vm, int64_t limit_ms)
{
	if (vm->killed || vm->ended)
		return;
	if (ask_poweroff(vm))
		limit_poweroff(vm, limit_ms);
	else
		viv_vm_kill(vm);
}

/* Trouble */

static int on_last_words(struct viv_source *s, void *arg)
{
	struct viv_vm *vm = arg;

	vm->deadline = NULL;
	end_qemu(vm);
	return 0;
}

/* A guest that can't go on gets a moment to say why; then it is ended. */
static void wait_for_last_words(struct viv_vm *vm)
{
	if (!vm->killed)
		set_deadline(vm, vm->dumps && !vm->fatal ? DUMP_MS : LAST_WORDS_MS, on_last_words);
}

/* Another kernel is at work: it powers off when it is done. */
static void let_dump(struct viv_vm *vm)
{
	if (!vm->dumps || vm->killed)
		return;
	vm->dumping = true;
	set_deadline(vm, DUMP_MS, on_last_words);
}

static void on_console_trouble(struct viv_console *c, const struct viv_trouble *t, void *arg)
{
	struct viv_vm *vm = arg;

	if (t->fatal && !vm->fatal) {
		vm->fatal = viv_strdup(t->fatal);
		wait_for_last_words(vm);
	}
	if (t->kind == VIV_TROUBLE_PANIC && !vm->panicked) {
		vm->panicked = true;
		wait_for_last_words(vm);
	}
	if (t->dumping)
		let_dump(vm);
	if (t->kind && vm->events.trouble)
		vm->events.trouble(vm, t, vm->events.arg);
}

static void on_console_warning(struct viv_console *c, const char *text, void *arg)
{
	struct viv_vm *vm = arg;
	VIV_FREE char *said = viv_asprintf("the guest: %s", text);

	if (vm->events.warning)
		vm->events.warning(vm, said, vm->events.arg);
}

static void on_console_report_end(struct viv_console *c, const struct viv_trouble *t, void *arg)
{
	struct viv_vm *vm = arg;

	if (t->kind == VIV_TROUBLE_PANIC && !vm->dumping)
		end_qemu(vm);
}

static void on_kernel_report(struct viv_console *c, const struct viv_trouble_report *r, void *arg)
{
	struct viv_vm *vm = arg;

	if (vm->events.kernel_report)
		vm->events.kernel_report(vm, r, vm->events.arg);
}

static void on_console_output(struct viv_console *c, const char *data, size_t len, void *arg)
{
	struct viv_vm *vm = arg;

	if (vm->events.console_output)
		vm->events.console_output(vm, data, len, vm->events.arg);
}

static void on_console_closed(struct viv_console *c, void *arg)
{
	struct viv_vm *vm = arg;

	vm->console_gone = true;
	finish_if_all_gone(vm);
}

static void on_qmp_event(struct viv_qmp *q, const char *name, const json_t *data, void *arg)
{
	struct viv_vm *vm = arg;
	const char *reason = viv_json_str(data, "reason"), *action = viv_json_str(data, "action");

	if (vm->events.qmp_event)
		vm->events.qmp_event(vm, name, data, vm->events.arg);
	if (viv_streq(name, "SHUTDOWN") && reason) {
		free(vm->shutdown_reason);
		vm->shutdown_reason = viv_strdup(reason);
	} else if (viv_streq(name, "RESET") && vm->console) {
		viv_console_reset(vm->console);
	} else if (viv_streq(name, "GUEST_PANICKED") && !vm->panicked) {
		vm->panicked = true;
		wait_for_last_words(vm);
	} else if (viv_streq(name, "VSERPORT_CHANGE")) {
		const char *port = viv_json_str(data, "id");

		/* Killed, say: nobody answers any more, and the socket stays as it is. */
		if (!port || !viv_streq(port, VIV_QEMU_AGENT_PORT) || !vm->agent || vm->agent_gone)
			return;
		vm->port_closed = json_is_false(json_object_get(data, "open"));
		if (vm->port_closed)
			viv_agent_hang_up(vm->agent);
		else
			viv_agent_greet(vm->agent);
	} else if (viv_streq(name, "WATCHDOG")) {
		/* QEMU ends by itself, unless qemu.options have it do something else. */
		vm->watchdog_bit = action && viv_streq(action, "reset");
	}
}

static void on_qmp_lost(struct viv_qmp *q, const char *why, void *arg)
{
	struct viv_vm *vm = arg;

	vm->qmp_gone = true;
	/* Without its monitor a machine can't be led any more. After QEMU's end this does nothing. */
	if (!vm->deadline)
		set_deadline(vm, QUIT_MS, on_kill_limit);
	finish_if_all_gone(vm);
}

/* The agent */

/* The guest has all that it is to be given. */
static void say_booted(struct viv_vm *vm)
{
	if (!vm->booted || vm->network_asked || viv_mounts_are_busy(vm->mounts) || vm->unfit)
		return;
	if (vm->events.booted)
		vm->events.booted(vm, vm->events.arg);
}

/* The machine is of no use without something of the host's. */
static void give_up(struct viv_vm *vm, const char *why)
{
	if (!vm->unfit && !vm->kill_asked)
		vm->unfit = viv_strdup(why);
	end_qemu(vm);
}

static void on_mounts_done(const char *error, void *arg)
{
	struct viv_vm *vm = arg;

	if (error)
		give_up(vm, error);
	else
		say_booted(vm);
}

/* The current folder's absence is worth a line; that of a folder to exchange files few will notice. */
static void on_mount_missing(const struct viv_share *s, const char *why, void *arg)
{
	struct viv_vm *vm = arg;

	if (s->overlay && vm->events.warning)
		vm->events.warning(vm, why, vm->events.arg);
}

static int on_virtiofsd_limit(struct viv_source *s, void *arg)
{
	struct viv_vm *vm = arg;

	vm->deadline = NULL;
	give_up(vm, vm->virtiofsd_said);
	return 0;
}

/* A QEMU that ends closes its connection: then this is in order. Else shares hang from now on. */
static void on_virtiofsd_ended(const char *how, void *arg)
{
	struct viv_vm *vm = arg;

	vm->virtiofsd_said = viv_strdup(how);
	if (!vm->ended && vm->pid && !vm->deadline)
		set_deadline(vm, QUIT_MS, on_virtiofsd_limit);
}

/* A guest without the interface (a kernel of its own) goes on without it. */
static void on_network_done(struct viv_agent *a, int code, void *arg)
{
	struct viv_vm *vm = arg;

	vm->network_asked = false;
	if (code < 0 && code != -ENOTCONN && vm->events.warning) {
		VIV_FREE char *text = viv_asprintf("the guest's network could not be set up: %s",
						   strerror(-code));

		vm->events.warning(vm, text, vm->events.arg);
	}
	if (code != -ENOTCONN)
		say_booted(vm);
}

static void tell_network(struct viv_vm *vm)
{
	VIV_FREE char *text = viv_network_text(vm->network);

	if (text && viv_agent_set_network(vm->agent, text, on_network_done, vm, NULL) == 0)
		vm->network_asked = true;
}

/* Other machines came or went. Before the agent is ready there is nobody to tell. */
static void on_network_changed(struct viv_network *n, void *arg)
{
	struct viv_vm *vm = arg;
	VIV_FREE char *text = viv_network_text(n);

	if (text && vm->agent && !vm->agent_gone && viv_agent_is_ready(vm->agent))
		viv_agent_set_network(vm->agent, text, NULL, NULL, NULL);
}

static void on_network_warning(struct viv_network *n, const char *text, void *arg)
{
	struct viv_vm *vm = arg;

	if (vm->pid && vm->events.warning) /* it ends with QEMU */
		vm->events.warning(vm, text, vm->events.arg);
}

static void on_agent_ready(struct viv_agent *a, void *arg)
{
	struct viv_vm *vm = arg;

	tell_network(vm);
	if (vm->mounts)
		viv_mounts_make(vm->mounts, a);
	if (vm->events.agent_ready)
		vm->events.agent_ready(vm, vm->events.arg);
}

static void on_agent_booted(struct viv_agent *a, void *arg)
{
	struct viv_vm *vm = arg;

	vm->booted = true;
	/* While it booted the guest may have mounted something over a share, such as its /tmp. */
	if (vm->mounts && !viv_mounts_are_busy(vm->mounts) && !vm->unfit)
		viv_mounts_make(vm->mounts, a);
	else
		say_booted(vm);
}

static void on_agent_lost(struct viv_agent *a, const char *why, void *arg)
{
	struct viv_vm *vm = arg;

	vm->agent_gone = true;
	if (vm->events.agent_lost)
		vm->events.agent_lost(vm, why, vm->events.arg);
	finish_if_all_gone(vm);
}

/* QEMU's own words */

static int on_errors(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct viv_vm *vm = arg;
	ssize_t n = read(fd, viv_str_reserve(&vm->said, 4096), 4096);

	if (n > 0) {
		viv_str_added(&vm->said, (size_t)n);
		if (vm->said.len > STDERR_KEPT)
			viv_str_drop(&vm->said, vm->said.len - STDERR_KEPT);
	} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
		viv_source_remove(s);
		vm->errors = NULL;
		vm->errors_fd = viv_close(fd);
		finish_if_all_gone(vm);
	}
	return 0;
}

/* The start */

/* Folders that nobody named are one of the machine's own, gone with it. */
static int make_own_folder(struct viv_machine *m, const struct viv_machine_dir *dir,
			   struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(dir->path, "xchg");

	for (size_t i = 0; i < m->n_shares; i++) {
		if (m->shares[i].source)
			continue;
		/* Any user of the guest's may write; here the directory above is ours alone. */
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return viv_error_set(err, errno, "%s", path);
		if (chmod(path, 01777) < 0)
			return viv_error_set(err, errno, "%s", path);
		m->shares[i].source = viv_strdup(path);
	}
	return 0;
}

static int start_shares(struct viv_vm *vm, struct viv_machine *m, const struct viv_machine_dir *dir,
			struct viv_wires *w, struct viv_error *err)
{
	const struct viv_mounts_events events = {
		.done = on_mounts_done, .missing = on_mount_missing, .arg = vm};
	int fd, r = make_own_folder(m, dir, err);

	vm->mounts = viv_mounts_new(m, &events);
	if (r < 0 || !viv_machine_has_shares(m, VIV_SHARE_VIRTIOFS))
		return r;
	r = viv_virtiofsd_start(vm->loop, m, dir, on_virtiofsd_ended, vm, &vm->virtiofsd, &fd, err);
	return r < 0 ? r : viv_wires_hand_over(w, fd, &m->virtiofs, err);
}

static int spawn(struct viv_vm *vm, const struct viv_machine *m, const struct viv_wires *w,
		 struct viv_error *err)
{
	VIV_STRV argv = VIV_STRV_INIT, env = VIV_STRV_INIT;
	struct viv_process_spec spec = {
		.fds = {-1, -1, w->errors_out},
		.keep = w->keep,
		.n_keep = w->n_keep,
		.new_session = true,
		.no_mknod = true, /* 9p would make a guest's on the host */
	};

	viv_qemu_command(m, &argv);
	viv_display_environment(&m->devices, environ, &env);
	spec.argv = (const char *const *)argv.items;
	spec.env = (const char *const *)env.items; /* NULL: ours */
	return viv_process_spawn(&spec, &vm->pid, NULL, err);
}

static int watch(struct viv_vm *vm, struct viv_wires *w, const char *log, struct viv_error *err)
{
	const struct viv_qmp_events qmp = {.event = on_qmp_event, .lost = on_qmp_lost, .arg = vm};
	const struct viv_agent_events agent = {.ready = on_agent_ready,
					       .booted = on_agent_booted,
					       .lost = on_agent_lost,
					       .arg = vm};
	const struct viv_console_events console = {.output = on_console_output,
						   .trouble = on_console_trouble,
						   .warning = on_console_warning,
						   .report_end = on_console_report_end,
						   .kernel_report = on_kernel_report,
						   .closed = on_console_closed,
						   .arg = vm};
	int r = viv_loop_add_child(vm->loop, vm->pid, on_child, vm, &vm->child, err);

	vm->errors_fd = viv_steal_fd(&w->errors);
	vm->shared = viv_steal_fd(&w->shared);
	if (r == 0)
		r = viv_loop_add_io(vm->loop, vm->errors_fd, EPOLLIN, on_errors, vm, &vm->errors, err);
	if (r == 0)
		r = viv_qmp_new(vm->loop, viv_steal_fd(&w->qmp), &qmp, &vm->qmp, err);
	if (r == 0)
		r = viv_console_new(vm->loop, viv_steal_fd(&w->console), log, &console,
				    &vm->console, err);
	if (r == 0)
		r = viv_agent_new(vm->loop, viv_steal_fd(&w->agent), &agent, &vm->agent, err);
	return r;
}

static void write_pids(const struct viv_vm *vm, const struct viv_machine_dir *dir)
{
	VIV_FREE char *path = viv_path_join(dir->path, "pid");
	VIV_FREE char *text = viv_asprintf("%d %d\n", (int)getpid(), (int)vm->pid);

	viv_write_file(path, text, strlen(text), 0600, NULL);
}

int viv_vm_start(struct viv_loop *loop, struct viv_machine *m, const struct viv_machine_dir *dir,
		 const struct viv_vm_events *events, struct viv_vm **ret, struct viv_error *err)
{
	struct viv_wires w = VIV_WIRES_INIT;
	VIV_FREE char *runtime = viv_path_dir(dir->path);
	VIV_FREE char *log = viv_path_join(dir->path, "console.log");
	struct viv_vm *vm = viv_new(struct viv_vm);
	const struct viv_network_events network = {
		.changed = on_network_changed, .warning = on_network_warning, .arg = vm};
	int r;

	vm->loop = loop;
	vm->events = *events;
	vm->errors_fd = vm->shared = -1;
	vm->dumps = viv_machine_find_drive(m, VIV_CRASH_SERIAL) != NULL;
	r = viv_network_open(loop, m, m->segments ? m->segments : runtime, &network, &vm->network, err);
	if (r == 0)
		r = viv_wires_make(m, &w, err);
	if (r == 0)
		r = viv_devices_start(&m->devices, dir, &w, &vm->tpm, err);
	if (r == 0)
		r = start_shares(vm, m, dir, &w, err);
	if (r == 0)
		r = spawn(vm, m, &w, err);
	viv_wires_close_theirs(&w);
	if (r == 0)
		r = watch(vm, &w, log, err);
	viv_wires_close(&w);
	if (r < 0) {
		viv_vm_free(vm);
		return r;
	}
	write_pids(vm, dir);
	viv_disk_image_note(m->drives, m->n_drives, dir);
	*ret = vm;
	return 0;
}

static void end_child(pid_t pid)
{
	if (!pid)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void viv_vm_free(struct viv_vm *vm)
{
	if (!vm)
		return;
	viv_source_remove(vm->child);
	viv_source_remove(vm->deadline);
	viv_source_remove(vm->errors);
	end_child(vm->pid);
	end_child(vm->tpm);
	viv_virtiofsd_free(vm->virtiofsd);
	viv_agent_free(vm->agent);
	viv_mounts_free(vm->mounts);
	viv_console_free(vm->console);
	viv_qmp_free(vm->qmp);
	viv_close(vm->errors_fd);
	viv_close(vm->shared);
	viv_str_free(&vm->said);
	free(vm->shutdown_reason);
	free(vm->fatal);
	viv_network_close(vm->network);
	free(vm->unfit);
	free(vm->virtiofsd_said);
	free(vm);
}
