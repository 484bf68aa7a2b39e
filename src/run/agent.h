/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The host's side of the agent protocol (docs/agent-protocol.md): commands in a running guest over
 * one virtio-serial port, many at once, flow-controlled. Nothing that the guest sends is trusted.
 */

#include "base/error.h"
#include "base/loop.h"
#include "base/str.h"

struct viv_agent;   /* one connection to a guest's agent; driven by a loop */
struct viv_command; /* one command in the guest */

struct viv_agent_events {
	/* The agent has greeted; commands can be started. */
	void (*ready)(struct viv_agent *a, void *arg);
	/* The system inside has reached its goal (multi-user.target; at once without an init system). */
	void (*booted)(struct viv_agent *a, void *arg);
	/* The connection is gone or the guest broke the protocol; `why` says which. Nothing follows. */
	void (*lost)(struct viv_agent *a, const char *why, void *arg);
	void *arg;
};

/* Takes over fd, a connected stream socket. */
int viv_agent_new(struct viv_loop *loop, int fd, const struct viv_agent_events *events,
		  struct viv_agent **ret, struct viv_error *err);
void viv_agent_free(struct viv_agent *a); /* ends its commands without a callback */

struct viv_command_spec {
	const char *const *argv;
	const char *const *env; /* NULL: the guest's defaults; else added to them */
	const char *cwd;	/* NULL: "/root" or "/" */
	const char *user;	/* NULL: root */
	bool pty;		/* one terminal instead of three pipes */
	unsigned short rows, columns;
	/*
	 * stdin is read from and output written to these descriptors, made non-blocking as far as
	 * they can be; -1: empty, dropped. With a pty only in_fd and out_fd. They stay the caller's.
	 */
	int in_fd, out_fd, err_fd;
};

/* status: as a shell counts (126, 127, 128+n). error: NULL, or why it did not run to its end. */
typedef void (*viv_command_done_fn)(struct viv_command *c, int status, const char *error, void *arg);

int viv_agent_run(struct viv_agent *a, const struct viv_command_spec *spec, viv_command_done_fn done,
		  void *arg, struct viv_command **ret, struct viv_error *err);
int viv_command_signal(struct viv_command *c, int signo);
int viv_command_resize(struct viv_command *c, unsigned short rows, unsigned short columns);

/* Asks the guest to power off cleanly; `lost` follows. */
int viv_agent_poweroff(struct viv_agent *a, struct viv_error *err);
