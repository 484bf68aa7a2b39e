/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * `viv run`: one machine, one command in it (or a shell, or its console), and its end. Blocks until
 * all is over. While it runs, SIGINT, SIGTERM, SIGHUP and SIGWINCH are its own:
 *
 *	Ctrl-C		the command gets SIGINT; before there is one, or the second time, the machine
 *			is ended at once
 *	SIGTERM, SIGHUP	the guest is shut down in good order
 *
 * Others can ask the machine for something while it runs: run/control.h.
 *
 * In a terminal of the guest's (pty, console) the keys go to the guest; ~. at the start of a line,
 * with the console Ctrl-A X, ends the machine.
 */

#include "base/json.h"
#include "base/report.h"
#include "qemu/machine.h"
#include "run/outcome.h"

enum viv_session_kind {
	VIV_SESSION_COMMAND, /* run argv; its status is ours */
	VIV_SESSION_SHELL,   /* the same, but powering off inside is a regular end */
	VIV_SESSION_CONSOLE, /* no command: the serial console, until the guest powers off */
	VIV_SESSION_IDLE,    /* no command of its own: there for others until it is stopped */
};

struct viv_session_spec {
	enum viv_session_kind kind;
	struct viv_machine *machine; /* see viv_vm_start */
	/*
	 * The machine's directory: taken already, and taken over from here in any case; or not
	 * (VIV_MACHINE_DIR_INIT), then the first that is free of name, name-2, … is taken.
	 */
	struct viv_machine_dir dir;
	const char *name;
	const char *const *argv;
	const char *cwd;  /* in the guest; NULL: the user's home */
	const char *user; /* of the guest, who the command runs as; NULL: root */
	bool pty;		   /* the streams are terminals, and so are the command's */
	int in_fd, out_fd, err_fd; /* -1: empty, dropped */
	bool early_units;	   /* see struct viv_control_host */
	const char *crash_dump;	   /* where one goes; NULL: see viv_crash_fetch */
	int64_t timeout_ms;	   /* from the machine's start; 0: none */
	unsigned fail_on;	   /* VIV_TROUBLE_BIT */
	struct viv_report *report;
	/* What `viv ps` shows beside what we know: an object, borrowed; may be NULL. */
	const json_t *about;
	/* The system is up; may be NULL. */
	void (*up)(const struct viv_machine_dir *dir, void *arg);
	void *up_arg;
};

struct viv_session_result {
	struct viv_outcome outcome;
	json_t *json;		/* for --status */
	char *crash_dump;	/* the file; NULL: there is none */
	struct viv_strv lines;	/* of the console, that explain the outcome; may be empty */
};

/* An error is one of ours: nothing was started, or it could not be led to its end. */
int viv_session_run(struct viv_session_spec *spec, struct viv_session_result *ret,
		    struct viv_error *err);
void viv_session_result_free_contents(struct viv_session_result *r);
