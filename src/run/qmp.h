/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A client of QEMU's machine protocol (QMP: docs/interop/qmp-spec in QEMU): commands with replies,
 * events. One connection, driven by a loop. QEMU runs hostile guests and may be taken over by one:
 * what it sends is bounded and checked, and at worst ends the connection.
 */

#include "base/error.h"
#include "base/json.h"
#include "base/loop.h"

#define VIV_QMP_LINE_MAX (1u << 20) /* one message */
#define VIV_QMP_PENDING_MAX 64	    /* commands without a reply */

struct viv_qmp;

/* Each may be NULL. viv_qmp_free may be called in any of them. */
struct viv_qmp_events {
	/* The greeting is over. Commands can be given before: they wait for it. */
	void (*ready)(struct viv_qmp *q, void *arg);
	/* data is an object or NULL, borrowed. */
	void (*event)(struct viv_qmp *q, const char *name, const json_t *data, void *arg);
	/* The connection is gone, or QEMU broke the protocol. Nothing follows. */
	void (*lost)(struct viv_qmp *q, const char *why, void *arg);
	void *arg;
};

/* error: NULL, or what QEMU said. ret is borrowed. Not called when the connection is lost first. */
typedef void (*viv_qmp_reply_fn)(struct viv_qmp *q, const json_t *ret, const char *error, void *arg);

/* Takes over fd, a connected stream socket, even on failure. */
int viv_qmp_new(struct viv_loop *loop, int fd, const struct viv_qmp_events *events,
		struct viv_qmp **ret, struct viv_error *err);
void viv_qmp_free(struct viv_qmp *q);

/*
 * arguments: an object that is taken over, or NULL. reply may be NULL. EBUSY: too many are under
 * way; ENOTCONN: the connection is lost.
 */
int viv_qmp_execute(struct viv_qmp *q, const char *command, json_t *arguments,
		    viv_qmp_reply_fn reply, void *arg, struct viv_error *err);
/*
 * The same with a descriptor beside it (SCM_RIGHTS), for `getfd`: taken over, even on failure. EAGAIN: the greeting is
 * not over, or another one is on its way.
 */
int viv_qmp_execute_fd(struct viv_qmp *q, const char *command, json_t *arguments, int fd,
		       viv_qmp_reply_fn reply, void *arg, struct viv_error *err);
