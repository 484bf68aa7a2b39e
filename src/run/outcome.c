/* SPDX-License-Identifier: MIT */
#include "run/outcome.h"

#include "base/status.h"

#include <signal.h>

void viv_outcome_free_contents(struct viv_outcome *o)
{
	free(o->reason);
	*o = (struct viv_outcome){0};
}

static void set(struct viv_outcome *o, int status, const char *kind, char *reason)
{
	o->status = status;
	o->kind = kind;
	o->reason = reason;
}

/* The worst trouble that the user wants to fail on, and that happened. */
static bool of_trouble(const struct viv_run_facts *f, struct viv_outcome *o)
{
	static const char *const words[] = {NULL, "warned", "oopsed", "panicked"};
	const struct viv_trouble *t = f->trouble;
	enum viv_trouble_kind kind = t ? t->kind : VIV_TROUBLE_NONE;

	if (f->end == VIV_VM_PANIC && kind < VIV_TROUBLE_PANIC) {
		/* The device says so, though the console was silent. */
		if (!(f->fail_on & VIV_TROUBLE_BIT(VIV_TROUBLE_PANIC)))
			return false;
		set(o, VIV_EXIT_PANIC, "panic", viv_strdup("the guest's kernel panicked"));
		o->show_trouble = kind != VIV_TROUBLE_NONE;
		o->show_console = !o->show_trouble;
		return true;
	}
	/* Init's own failure ends in a panic, too; its words say more. */
	if (f->end == VIV_VM_INIT || !t || !(t->seen & f->fail_on))
		return false;
	while (!(VIV_TROUBLE_BIT(kind) & f->fail_on & t->seen))
		kind--;
	set(o, VIV_EXIT_PANIC, viv_trouble_name(kind),
	    viv_asprintf("the guest's kernel %s: %s", words[kind], t->what));
	o->show_trouble = true;
	return true;
}

static bool of_signal(const struct viv_run_facts *f, struct viv_outcome *o)
{
	if (f->signal)
		set(o, VIV_EXIT_SIGNAL + f->signal, "signal",
		    viv_asprintf("ended by %s",
				 f->signal == SIGINT	? "Ctrl-C"
				 : f->signal == SIGTERM ? "SIGTERM"
							: "SIGHUP"));
	else if (f->cut_off)
		set(o, f->console ? 0 : VIV_EXIT_SIGNAL + SIGINT, "signal",
		    f->console ? NULL : viv_strdup("ended by ~."));
	return f->signal || f->cut_off;
}

static bool of_stop(const struct viv_run_facts *f, struct viv_outcome *o)
{
	if (f->stopped)
		set(o, f->no_command ? 0 : VIV_EXIT_SIGNAL + SIGTERM, "stopped",
		    viv_strdup("ended by viv stop"));
	return f->stopped;
}

static bool of_timeout(const struct viv_run_facts *f, struct viv_outcome *o)
{
	double s = (double)f->timeout_ms / 1000;

	if (f->timed_out)
		set(o, VIV_EXIT_TIMEOUT, "timeout",
		    viv_asprintf("time limit of %g s reached%s", s,
				 f->booted ? "" : " before the system was up"));
	if (f->timed_out)
		o->show_console = !f->booted;
	return f->timed_out;
}

static const char *before_what(const struct viv_run_facts *f)
{
	return f->booted ? "before the command had ended" : "before the system was up";
}

static void of_gone(const struct viv_run_facts *f, struct viv_outcome *o)
{
	char *reason = NULL;

	switch (f->end) {
	case VIV_VM_POWEROFF:
		reason = viv_asprintf("the guest powered off %s", before_what(f));
		break;
	case VIV_VM_REBOOT:
		reason = viv_asprintf("the guest wanted to reboot %s", before_what(f));
		break;
	case VIV_VM_PANIC:
		reason = viv_asprintf("the guest's kernel panicked %s", before_what(f));
		break;
	case VIV_VM_WINDOW:
		reason = viv_asprintf("the machine's window was closed %s", before_what(f));
		break;
	case VIV_VM_WATCHDOG:
		reason = viv_asprintf("the guest's watchdog expired %s", before_what(f));
		break;
	case VIV_VM_INIT:
		reason = viv_asprintf("the guest could not start: %s", f->end_text);
		break;
	case VIV_VM_STOPPED:
		reason = f->command_error ? viv_asprintf("the guest went away: %s", f->command_error)
			 : f->boot_timed_out
				 ? viv_asprintf("the system did not come up: %s",
						f->agent_seen ? "its services never got ready"
							      : "its agent never answered")
				 : viv_strdup("the guest went away");
		break;
	case VIV_VM_OUTSIDE:
	case VIV_VM_QEMU:
		reason = viv_strdup(f->end_text ? f->end_text : "QEMU ended");
		break;
	}
	set(o, VIV_EXIT_GONE, "gone", reason);
	o->show_console = !f->booted;
}

/* What init says of the disk that the machine writes to (disk_name() in guest/init.h). */
static bool is_about_disk(const char *text)
{
	return text && (viv_starts_with(text, "the disk viv-disk ") ||
			viv_starts_with(text, "the disk /dev/"));
}

/*
 * QEMU did not take its arguments, the host took it away, or a kept disk does not suit the machine:
 * nothing that the guest did.
 */
static bool is_host_failure(const struct viv_run_facts *f)
{
	if (f->end == VIV_VM_INIT)
		return is_about_disk(f->end_text);
	return f->end == VIV_VM_OUTSIDE || (f->end == VIV_VM_QEMU && !f->agent_seen && f->end_text &&
					    strstr(f->end_text, "exit status"));
}

void viv_outcome_of(const struct viv_run_facts *f, struct viv_outcome *ret)
{
	struct viv_outcome o = {0};

	if (of_trouble(f, &o) || of_signal(f, &o) || of_stop(f, &o) ||
	    of_timeout(f, &o)) {
		/* set */
	} else if (f->command_done) {
		set(&o, f->command_status, "exit", viv_strdup(f->command_error));
	} else if (f->command_error && f->command_status == VIV_EXIT_ENVIRONMENT) {
		set(&o, VIV_EXIT_ENVIRONMENT, "environment", viv_strdup(f->command_error));
	} else if (is_host_failure(f)) {
		set(&o, VIV_EXIT_ENVIRONMENT, "environment", viv_strdup(f->end_text));
		o.show_console = f->end == VIV_VM_INIT;
	} else if (f->no_command && (f->end == VIV_VM_POWEROFF || f->end == VIV_VM_REBOOT ||
				     f->end == VIV_VM_WINDOW)) {
		set(&o, 0, "exit", NULL);
	} else {
		of_gone(f, &o);
	}
	*ret = o;
}

json_t *viv_result_json(int status, const char *kind, const char *reason, json_t *command,
			json_t *trouble)
{
	/* QEMU's words may be in the reason. */
	return json_pack("{s:i, s:s, s:o, s:o, s:o}", "status", status, "kind", kind, "reason",
			 viv_json_text(reason), "command", command, "trouble", trouble);
}

json_t *viv_outcome_json(const struct viv_outcome *o, const struct viv_run_facts *f)
{
	return viv_result_json(o->status, o->kind, o->reason,
			       f->command_done ? json_integer(f->command_status) : json_null(),
			       viv_trouble_json(f->trouble));
}
