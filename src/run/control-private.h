/* SPDX-License-Identifier: MIT */
#pragma once

/* What control.c (connections), control-requests.c, control-screen.c and control-console.c share. */

#include "run/control.h"
#include "run/local.h"
#include "run/messages.h"

/* Somebody who looks at the console. */
struct control_console {
	struct local in;
	struct sink out;
};

struct control_caller {
	struct viv_control *control;
	struct control_caller *prev, *next;
	struct viv_messages messages;
	struct viv_source *source;
	json_t *request;		 /* waits until the system is up */
	struct viv_command *command;	 /* that runs for it */
	struct viv_watch *watch;	 /* what it waits for in the guest */
	struct control_console *console; /* that it looks at */
	int fds[VIV_MESSAGE_FDS];	 /* of the command or the console */
	unsigned fail_on, seen; /* VIV_TROUBLE_BIT: what counts; what there was before the command */
	bool waits;		/* for the machine's end */
	char *lost;		/* … because its command was lost with the machine: what was said */
	struct control_screen *screen; /* a picture that QEMU was asked for */
	bool sharing;		/* it has the shared memory, as long as it is connected */
	bool gone;		/* nobody is there; freed when the command has ended */
};

struct viv_control {
	struct viv_loop *loop;
	struct viv_control_host host;
	int fd; /* listens; -1: nowhere */
	int spare; /* see viv_accept */
	struct viv_source *source;
	struct control_caller *first;
	size_t n_callers;
	struct control_screen *screens; /* that QEMU has not answered for */
	unsigned n_screens; /* ever */
	bool ready, up;
	bool stopping;	 /* somebody asked for it */
	bool agent_gone; /* for good: no command can be run any more */
};

/* Sends it (takes it over) as far as it goes; the rest follows. The caller may be gone: fine. */
void control_answer(struct control_caller *k, json_t *message, const int *fds, size_t n_fds);
void control_error(struct control_caller *k, const struct viv_error *err);
/* If nobody is there any more and nothing is under way: frees it. */
void control_check_gone(struct control_caller *k);

/* One message of a caller. -EPROTO: the connection is to end. */
int control_request(struct control_caller *k, json_t *message);
/* Starts what waited for the system, or the agent, if that is there now. */
void control_start_waiting(struct control_caller *k);

int control_screenshot(struct control_caller *k, struct viv_error *err);
/* The caller does not wait for its picture any more. */
void control_screen_leave(struct control_caller *k);
void control_screens_free(struct viv_control *c);

/* Its answer comes when the keys are at their end and have been handed on. */
int control_console_start(struct control_caller *k, struct viv_error *err);
void control_console_output(struct control_caller *k, const char *data, size_t len);
void control_console_end(struct control_caller *k);
