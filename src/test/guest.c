/* SPDX-License-Identifier: MIT */
#include "test/guest.h"

#include "base/fd.h"
#include "base/json.h"
#include "run/crash.h"
#include "run/firmware.h"
#include "run/make.h"
#include "test/dump.h"
#include "test/monitor.h"
#include "test/process.h"
#include "test/saved.h"

#include <time.h>
#include <unistd.h>

#define DEFAULT_LIMIT_MS 30000
#define TAIL_LINES	 20 /* of a console, in a failure */

/* "web-1" can't be a name in Lua. */
static char *global_of(const char *name)
{
	char *global = viv_strdup(name);

	for (char *p = global; *p; p++)
		if (*p == '-')
			*p = '_';
	return global;
}

struct guest *guest_new(struct viv_loop *loop, const char *name, struct viv_config *config, const char *segments,
			const char *results, const struct guest_events *events)
{
	struct guest *g = viv_new(struct guest);

	g->loop = loop;
	g->name = viv_strdup(name);
	g->global = global_of(name);
	g->config = config;
	g->segments = viv_strdup(segments);
	g->results = results ? viv_strdup(results) : NULL;
	g->events = *events;
	g->dir = VIV_MACHINE_DIR_INIT;
	g->log = g->dump = g->variables = -1;
	return g;
}

void guest_hear(struct guest *g)
{
	if (g->vm)
		viv_console_drain(viv_vm_console(g->vm));
}

void guest_take_down(struct guest *g)
{
	guest_hear(g);
	if (g->vm) /* of a report that is under way what has come counts */
		viv_console_end_report(viv_vm_console(g->vm));
	viv_source_remove(viv_steal(g->crash_limit));
	g->hopeless = false;
	/* Nobody is told of it: a test's machine goes when the test says so. */
	viv_control_free(viv_steal(g->control));
	viv_vm_free(viv_steal(g->vm));
	monitor_forget(g);
	free(viv_steal(g->migration));
	process_lose_all(g);
	viv_machine_dir_release(&g->dir);
	g->dir = VIV_MACHINE_DIR_INIT;
	g->dump = viv_close(g->dump);
	viv_machine_free_contents(&g->machine);
	viv_shares_free_contents(&g->shares);
	g->ready = g->booted = g->ended = g->ending = false;
}

void guest_free(struct guest *g)
{
	if (!g)
		return;
	guest_take_down(g);
	dump_drop_all(g);
	process_free_all(g);
	saved_free_all(g);
	saved_close_disks(g->disks, g->n_disks);
	viv_close(g->variables);
	viv_close(g->log);
	viv_system_free_contents(&g->system);
	viv_plan_freep(&g->plan);
	viv_config_freep(&g->config);
	viv_str_free(&g->console);
	free(g->end_text);
	free(g->lost);
	free(g->started_at);
	free(g->segments);
	free(g->results);
	free(g->global);
	free(g->name);
	free(g);
}

int guest_build(struct guest *g, struct viv_store *store, const struct guest_programs *programs,
		struct viv_report *report, struct viv_error *err)
{
	const struct viv_plan_options options = {
		.init_program = programs->init, .agent_program = programs->agent, .build = true};
	int r = viv_system_check_host(g->config, err);

	if (r < 0 || viv_firmware_is_foreign(g->config))
		return r;
	r = viv_plan_make(store, g->config, &options, report, &g->plan, err);
	return r == 0 ? viv_plan_build(g->plan, report, &g->system, err) : r;
}

/* The machine's events */

static void on_agent_ready(struct viv_vm *vm, void *arg)
{
	struct guest *g = arg;

	g->ready = true;
	viv_control_ready(g->control);
	g->events.changed(g, g->events.arg);
}

static void on_booted(struct viv_vm *vm, void *arg)
{
	struct guest *g = arg;

	if (g->booted)
		return;
	g->booted = true;
	viv_control_up(g->control);
	g->events.changed(g, g->events.arg);
}

static void on_agent_lost(struct viv_vm *vm, const char *why, void *arg)
{
	struct guest *g = arg;

	g->ready = false;
	if (!g->ending && !g->lost)
		g->lost = viv_strdup(why);
	/* If QEMU is about to end, that says more; if not, nothing can be asked of it any more. */
	if (!g->ending)
		viv_vm_kill_soon(vm);
	g->events.changed(g, g->events.arg);
}

static void on_report(struct viv_vm *vm, const struct viv_trouble_report *r, void *arg)
{
	struct guest *g = arg;

	g->events.report(g, r, g->events.arg);
}

static void on_warning(struct viv_vm *vm, const char *text, void *arg)
{
	struct guest *g = arg;

	g->events.warning(g, text, g->events.arg);
}

/* One whose console is silent, or shows nothing of it. */
static void tell_panic(struct guest *g)
{
	VIV_FREE char *what = viv_strdup("Kernel panic (QEMU says so, and the console does not)");
	const struct viv_trouble_report r = {.kind = VIV_REPORT_PANIC, .what = what};

	if (!(viv_console_reports(viv_vm_console(g->vm))->seen & VIV_REPORT_BIT(VIV_REPORT_PANIC)))
		g->events.report(g, &r, g->events.arg);
}

/* A line of advice may follow what happened: a test's reason is one line. */
static char *on_one_line(const char *text)
{
	VIV_STR s = VIV_STR_INIT;

	for (; *text; text++)
		viv_str_add(&s, *text == '\n' ? "; " : (const char[]){*text, '\0'});
	return viv_str_steal(&s);
}

static void on_ended(struct viv_vm *vm, enum viv_vm_end how, const char *text, void *arg)
{
	struct guest *g = arg;

	g->ended = true;
	g->ready = g->booted = false;
	g->how = how;
	g->ended_at = viv_now_ms();
	free(g->end_text);
	g->end_text = text ? on_one_line(text) : NULL;
	if (how == VIV_VM_PANIC)
		tell_panic(g);
	dump_fetch(g);
	g->events.ended(g, g->events.arg);
	g->events.changed(g, g->events.arg);
}

/* A loop of messages must not fill the disk: the file's last line says that there was more. */
static void log_line(struct guest *g, const char *line, size_t len)
{
	static const char end[] = "[viv: the console said more; this file ends here]\n";

	if (g->log < 0)
		return;
	if (g->logged + len > VIV_CONSOLE_LOG_MAX) {
		viv_write_all(g->log, end, sizeof(end) - 1, "console", NULL);
		g->log = viv_close(g->log);
		return;
	}
	g->logged += len;
	viv_write_all(g->log, line, len, "console", NULL);
}

static void hand_line_on(struct guest *g, struct viv_slice line)
{
	VIV_FREE char *text = NULL;

	while (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	text = viv_slice_printable(line);
	viv_str_add(&g->console, text);
	viv_str_add_char(&g->console, '\n');
	log_line(g, g->console.data + g->console_line, g->console.len - g->console_line);
	g->console_line = g->console.len;
	g->events.console(g, text, g->events.arg);
}

/* A test looks for text in what it can read itself. */
static void bound_console(struct guest *g)
{
	size_t drop = g->console.len / 2;

	if (g->console.len <= GUEST_CONSOLE_MAX)
		return;
	viv_str_drop(&g->console, drop);
	g->console_line -= VIV_MIN(drop, g->console_line);
	g->console_from -= VIV_MIN(drop, g->console_from);
	g->console_searched -= VIV_MIN(drop, g->console_searched);
	g->console_dropped = true;
}

static void on_console_output(struct viv_vm *vm, const char *data, size_t len, void *arg)
{
	struct guest *g = arg;
	struct viv_slice rest, line;
	VIV_STR all = VIV_STR_INIT;
	size_t whole;

	viv_control_output(g->control, data, len);
	/* An unfinished line stands at the end as it came, a prompt for example. */
	if (g->console.len > g->console_line)
		viv_str_add_bytes(&all, g->console.data + g->console_line, g->console.len - g->console_line);
	viv_str_add_bytes(&all, data, len);
	g->console.len = g->console_line;
	for (whole = all.len; whole && all.data[whole - 1] != '\n';)
		whole--;
	rest = (struct viv_slice){all.data, whole};
	while (viv_slice_line(&rest, &line))
		hand_line_on(g, line);
	/* A line without an end is one after all. */
	if (all.len - whole > VIV_TROUBLE_LINE_MAX * 8)
		hand_line_on(g, (struct viv_slice){all.data + whole, all.len - whole});
	else
		viv_str_add_bytes(&g->console, all.data + whole, all.len - whole);
	bound_console(g);
	g->events.changed(g, g->events.arg);
}

static void on_qmp_event(struct viv_vm *vm, const char *name, const json_t *data, void *arg)
{
	struct guest *g = arg;
	const char *status = viv_json_str(data, "status");

	if (viv_streq(name, "MIGRATION") && status) {
		free(g->migration);
		g->migration = viv_strdup(status);
	}
	monitor_keep(g, name, data);
	g->events.changed(g, g->events.arg);
}

/* What others ask for (run/control.h) */

static void on_stop(bool hard, int64_t limit_ms, void *arg)
{
	struct guest *g = arg;

	g->ending = true;
	if (hard || !g->ready)
		viv_vm_kill(g->vm);
	else
		viv_vm_poweroff(g->vm, limit_ms ? limit_ms : DEFAULT_LIMIT_MS);
}

static json_t *on_status(void *arg)
{
	const struct guest *g = arg;
	int64_t up = viv_now_ms() - g->started;
	json_t *j = viv_control_status(g->dir.name, g->ending ? "stopping" : g->booted ? "running" : "booting", &g->machine,
				       viv_vm_pid(g->vm), time(NULL) - up / 1000, up);

	json_object_set_new(j, "command", json_null());
	json_object_set_new(j, "detached", json_true());
	json_object_set_new(j, "folder", viv_json_text(viv_config_folder(g->config)));
	json_object_set_new(j, "file", viv_json_text(viv_config_file(g->config)));
	return j;
}

static int open_control(struct guest *g, struct viv_error *err)
{
	const struct viv_control_host host = {
		.agent = viv_vm_agent(g->vm),
		.console = viv_vm_console(g->vm),
		.qmp = viv_vm_qmp(g->vm),
		.machine = &g->machine,
		.early_units = viv_streq(viv_config_string(g->config, "system.init"), "systemd"),
		.shared = viv_vm_shared(g->vm),
		.dir = g->dir.path,
		.status = on_status,
		.stop = on_stop,
		.arg = g,
	};

	return viv_control_new(g->loop, &g->dir, &host, &g->control, err);
}

/* The start */

/* Files that have no name end with their last descriptor: *kept, ours, outlives QEMU, for the next start. */
static int keep_file(struct guest *g, int *fd, int *kept, struct viv_error *err)
{
	int ours = fcntl(*kept < 0 ? *fd : *kept, F_DUPFD_CLOEXEC, 0);

	if (ours < 0)
		return viv_error_set(err, errno, "%s: a disk can't be kept", g->name);
	if (*kept < 0) {
		*kept = ours;
		return 0;
	}
	viv_close(*fd);
	*fd = ours;
	return 0;
}

/* Also what firmware and TPM know. */
static int keep_disks(struct guest *g, struct viv_error *err)
{
	struct viv_machine *m = &g->machine;
	int r = 0;

	if (!g->disks) {
		g->n_disks = m->n_drives;
		g->disks = viv_new_array(int, g->n_disks);
		for (size_t i = 0; i < g->n_disks; i++)
			g->disks[i] = -1;
	}
	for (size_t i = 0; r == 0 && i < m->n_drives && i < g->n_disks; i++) {
		struct viv_drive *d = &m->drives[i];

		if (!d->file && d->fd >= 0 && !viv_streq(d->serial, VIV_CRASH_SERIAL))
			r = keep_file(g, &d->fd, &g->disks[i], err);
	}
	if (r == 0 && m->firmware.code && !m->firmware.variables)
		r = keep_file(g, &m->firmware.variables_fd, &g->variables, err);
	if (r == 0 && m->devices.tpm && !m->devices.tpm_state)
		m->devices.tpm_state = viv_asprintf("%s/%s.tpm", g->segments, g->name);
	return r;
}

static int make(struct guest *g, struct viv_store *store, const char *runtime, struct viv_report *report,
		struct viv_error *err)
{
	const struct viv_system_extra extra = {0};
	const struct viv_share_wish none = {0};
	VIV_FREE char *why = NULL;
	int r = viv_firmware_is_foreign(g->config) ? 0 : viv_shares_collect(g->config, &none, report, &g->shares, err);

	if (r == 0)
		r = viv_make_machine(store, g->config, &g->system, &g->shares, &extra, report, &g->machine, &why, err);
	/* A test opens no window unless it says so: a viewer may look in. */
	if (r == 0 && g->machine.devices.display && viv_streq(viv_config_string(g->config, "virtualisation.display"), "auto"))
		g->machine.devices.display = VIV_DISPLAY_VNC;
	if (r == 0)
		r = keep_disks(g, err);
	if (r == 0)
		r = viv_machine_dir_take(runtime, viv_config_string(g->config, "networking.hostName"), false,
					 &g->dir, err);
	if (r < 0)
		return r;
	g->dump = viv_crash_watch(&g->machine);
	free(g->machine.name);
	/* For the other machines of the test, whatever else runs here. */
	g->machine.name = viv_strdup(g->name);
	g->machine.segments = viv_strdup(g->segments);
	g->machine.incoming = g->from != NULL;
	/* Its addresses and names, which it has already. */
	for (size_t i = 0; g->from && i < g->machine.n_nics && i < VIV_NICS_MAX; i++)
		g->machine.nics[i].number = g->from->numbers[i];
	return 0;
}

int guest_start(struct guest *g, struct viv_store *store, const char *runtime,
		struct viv_report *report, struct viv_error *err)
{
	const struct viv_vm_events events = {
		.agent_ready = on_agent_ready,
		.booted = on_booted,
		.agent_lost = on_agent_lost,
		.kernel_report = on_report,
		.warning = on_warning,
		.console_output = on_console_output,
		.qmp_event = on_qmp_event,
		.ended = on_ended,
		.arg = g,
	};
	int r;

	if (guest_is_on(g))
		return viv_error_say(err, EALREADY, "%s runs already", g->name);
	guest_take_down(g);
	r = make(g, store, runtime, report, err);
	if (r == 0)
		r = viv_vm_start(g->loop, &g->machine, &g->dir, &events, &g->vm, err);
	if (r == 0)
		r = open_control(g, err);
	if (r < 0) {
		guest_take_down(g);
		return r;
	}
	g->started = viv_now_ms();
	g->starts++;
	g->doomed = g->end_told = false;
	g->asked = 0;
	free(viv_steal(g->lost));
	g->events.started(g, g->events.arg);
	return 0;
}

bool guest_is_on(const struct guest *g)
{
	return g->vm && !g->ended;
}

char *guest_end_text(const struct guest *g)
{
	static const char *const texts[] = {
		[VIV_VM_POWEROFF] = "it powered off",
		[VIV_VM_REBOOT] = "it rebooted",
		[VIV_VM_PANIC] = "its kernel panicked",
		[VIV_VM_WATCHDOG] = "its watchdog expired",
		[VIV_VM_WINDOW] = "its window was closed",
		[VIV_VM_INIT] = "it did not find or start its system",
		[VIV_VM_STOPPED] = "it was stopped",
		[VIV_VM_OUTSIDE] = "something else on this host ended it",
		[VIV_VM_QEMU] = "QEMU ended",
	};

	if (!g->starts)
		return viv_strdup("it was never started");
	if (g->lost && g->how == VIV_VM_STOPPED) /* by us, then */
		return viv_strdup(g->lost);
	if (g->how == VIV_VM_QEMU && g->end_text) /* it says so itself */
		return viv_strdup(g->end_text);
	return g->end_text && *g->end_text ? viv_asprintf("%s: %s", texts[g->how], g->end_text)
					   : viv_strdup(texts[g->how]);
}

void guest_add_tail(const struct guest *g, struct viv_str *ret)
{
	size_t at = g->console_line, lines = 0;
	struct viv_slice rest, line;

	while (at && (g->console.data[at - 1] != '\n' || lines++ < TAIL_LINES + (at == g->console_line ? 1 : 0)))
		at--;
	rest = (struct viv_slice){g->console.data + at, g->console.len - at};
	if (rest.len)
		viv_str_addf(ret, "console of %s:\n", g->name);
	while (rest.len && viv_slice_line(&rest, &line)) {
		VIV_FREE char *shown = viv_slice_printable(line);

		viv_str_addf(ret, "  %s\n", shown);
	}
}
