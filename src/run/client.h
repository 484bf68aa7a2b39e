/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The other side of run/control.h: asking a running machine's supervisor for something. Whatever it
 * answers is checked; a supervisor that does not answer is given up on in time.
 */

#include "run/messages.h"

#define VIV_CLIENT_ANSWER_MS 10000

/*
 * Connects to a machine by its name. ENOENT: none of that name is running; ETIMEDOUT: it has taken no
 * callers for so long. `runtime` as viv_dir_runtime says. *ret is closed with viv_messages_close.
 */
int viv_client_connect(const char *runtime, const char *name, int64_t timeout_ms,
		       struct viv_messages *ret, struct viv_error *err);
/*
 * Does anybody serve the connection? Before what may take its time, so that whoever stands still is
 * noticed. ETIMEDOUT says whose process it is.
 */
int viv_client_check(struct viv_messages *m, const char *name, int64_t timeout_ms,
		     struct viv_error *err);

/* The process at the other end; 0 without a connection. */
pid_t viv_client_pid(const struct viv_messages *m);

/* Asks; takes the request over. ENOTCONN: the machine has ended. */
int viv_client_ask(struct viv_messages *m, json_t *request, struct viv_error *err);
/*
 * Waits for the answer, a new object; timeout_ms < 0: for ever. An answer that is an error is one here.
 * ENOTCONN: the machine ended before it answered.
 */
int viv_client_answer(struct viv_messages *m, int64_t timeout_ms, json_t **ret,
		      struct viv_error *err);
/* Both. */
int viv_client_call(struct viv_messages *m, json_t *request, int64_t timeout_ms, json_t **ret,
		    struct viv_error *err);

struct viv_client_command {
	const char *const *argv, *const *env; /* env: see viv_command_spec */
	const char *cwd, *user;		      /* may be NULL */
	const char *here; /* without cwd: in this folder of the host's if the guest has it; may be NULL */
	bool pty;		   /* the streams are terminals, and so are the command's */
	int in_fd, out_fd, err_fd; /* -1: empty, dropped */
	int64_t timeout_ms;	   /* 0: none */
	unsigned fail_on;	   /* VIV_TROUBLE_BIT */
};

/* Asks for a command; its streams go with the request and can be closed here. No answer is awaited. */
int viv_client_start(struct viv_messages *m, const struct viv_client_command *command,
		     struct viv_error *err);
/* Waits for the end of what viv_client_start has begun, without signals or a terminal. */
int viv_client_finish(struct viv_messages *m, int *ret_status, char **ret_reason,
		      struct viv_error *err);

/* How a command ended, as struct viv_outcome says it of a run. */
struct viv_client_result {
	int status;	 /* the exit status that viv takes (docs/viv.1) */
	char *kind;	 /* "exit": the command's own */
	char *reason;	 /* one line if it is not the command's own, else NULL */
	json_t *trouble; /* the kernel's report if that is the reason, else NULL */
};

void viv_client_result_free_contents(struct viv_client_result *r);
/* For --status: {status, kind, reason, command, trouble}. The caller owns it. */
json_t *viv_client_result_json(const struct viv_client_result *r);

/*
 * Runs a command to its end. Meanwhile SIGINT, SIGTERM, SIGHUP and, with a terminal, SIGWINCH are its
 * own: the first goes to the command, each one after it and ~. give up; the guest's command then gets
 * SIGHUP. A SIGHUP that is ignored stays so.
 */
int viv_client_run(struct viv_messages *m, const struct viv_client_command *command,
		   struct viv_client_result *ret, struct viv_error *err);

/*
 * The serial console on a terminal until Ctrl-A X or the end of in_fd; *ret_ended: or until the machine
 * ended.
 */
int viv_client_console(struct viv_messages *m, int in_fd, int out_fd, bool *ret_ended,
		       struct viv_error *err);
