/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * From what happened to an exit status and one line that says why (docs/viv.1, EXIT STATUS). Pure:
 * the whole mapping is one function of one structure.
 */

#include "base/json.h"
#include "run/trouble.h"
#include "run/vm.h"

/* Signals by which a user ends a run; in `signal`. */
struct viv_run_facts {
	bool command_done;	   /* it was executed and has ended, or could not be executed */
	int command_status;	   /* as a shell counts; 121, 125: see viv_command_done_fn */
	const char *command_error; /* why it did not run to its end; then command_done is false */
	bool agent_seen;	   /* the agent has answered; services may be starting yet */
	bool booted;		   /* the system came up */
	bool no_command;	   /* a shell, the console, nothing: powering off is a regular end */
	bool console;		   /* the serial console: leaving it is a regular end, too */
	bool timed_out;		   /* --timeout */
	int64_t timeout_ms;
	bool boot_timed_out; /* the agent did not come */
	int signal;	     /* SIGINT (the second), SIGTERM, SIGHUP ended the run; 0: none */
	bool stopped;	     /* by `viv stop` */
	bool cut_off;	     /* the user's escape sequence ended it */
	enum viv_vm_end end;
	const char *end_text;
	const struct viv_trouble *trouble; /* may be NULL */
	unsigned fail_on;		   /* VIV_TROUBLE_BIT */
};

struct viv_outcome {
	int status;
	const char *kind; /* "exit", "panic", "oops", "warn", "gone", "timeout", "signal", "stopped", "environment" */
	char *reason;	  /* one line; NULL when the command just ended */
	bool show_trouble; /* the kernel's lines belong to the reason */
	bool show_console; /* the console's last lines may explain it */
};

void viv_outcome_of(const struct viv_run_facts *f, struct viv_outcome *ret);
void viv_outcome_free_contents(struct viv_outcome *o);

/* As below; takes over `command` and `trouble`. */
json_t *viv_result_json(int status, const char *kind, const char *reason, json_t *command,
			json_t *trouble);
/* For --status: {status, kind, reason, command, trouble}. The caller owns it. */
json_t *viv_outcome_json(const struct viv_outcome *o, const struct viv_run_facts *f);
