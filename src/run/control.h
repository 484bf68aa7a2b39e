/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a machine's supervisor does for others: it listens on the socket "control" in the machine's
 * directory, and answers `viv exec`, `shell`, `cp`, `ps`, `stop`, `wait`, `screenshot`. Messages are
 * those of run/messages.h; docs/architecture.md lists them. Only the machine's own user (and root)
 * may call. The descriptors that a command reads and writes come with the request, so its bytes do
 * not pass through the caller. A caller that goes away ends its command, as a closed terminal does.
 */

#include "base/json.h"
#include "base/loop.h"
#include "run/agent.h"
#include "run/console.h"
#include "run/dir.h"
#include "run/qmp.h"

#define VIV_CONTROL_SOCKET	"control"
#define VIV_CONTROL_CALLERS_MAX 300

struct viv_control;

/* The machine. qmp may be NULL. */
struct viv_control_host {
	struct viv_agent *agent;
	struct viv_console *console;
	struct viv_qmp *qmp;
	const struct viv_machine *machine; /* for what it shows of the host; may be NULL */
	bool early_units; /* its init can be asked for units before its system is up: systemd */
	int shared;	 /* memory that the guest shares with us; -1: none */
	const char *dir; /* path of its directory */
	int64_t qemu_ms; /* how long QEMU may take for an answer; 0: what is usual */
	/* What `viv ps` shows; a new object: viv_control_status, and what there is to add. */
	json_t *(*status)(void *arg);
	/* hard: at once; else the guest is asked first. The machine's end follows. */
	void (*stop)(bool hard, int64_t limit_ms, void *arg);
	void *arg;
};

/* since: seconds since 1970. */
json_t *viv_control_status(const char *name, const char *state, const struct viv_machine *m, pid_t qemu, int64_t since,
			   int64_t uptime_ms);

/* dir: where to listen; NULL: nowhere, callers come by viv_control_add. `host` is copied. */
int viv_control_new(struct viv_loop *loop, const struct viv_machine_dir *dir,
		    const struct viv_control_host *host, struct viv_control **ret,
		    struct viv_error *err);
/* Takes over fd, a connected stream socket. */
int viv_control_add(struct viv_control *c, int fd, struct viv_error *err);
/* Its agent takes requests: what need not wait for the system starts now. */
void viv_control_ready(struct viv_control *c);
/* The system inside is up: commands that were asked for before start now. */
void viv_control_up(struct viv_control *c);
/* The agent is gone and the machine goes on: answers those whose commands it ran, or was to run. */
void viv_control_agent_gone(struct viv_control *c);
/* What the console says, for those who look at it. */
void viv_control_output(struct viv_control *c, const char *data, size_t len);
/* The machine has ended: tells it to those who wait for that. Nothing but viv_control_free follows. */
void viv_control_finish(struct viv_control *c, const json_t *outcome);
void viv_control_free(struct viv_control *c); /* NULL is fine */
