/* SPDX-License-Identifier: MIT */
#pragma once

/* A test machine's monitor (QMP): commands that are waited for, and the events since its start. */

#include "test/runner.h"

/*
 * Gives QEMU a command and waits for its answer. arguments: an object that is taken over, or NULL. *ret, which may be
 * NULL, is the caller's. -EIO: QEMU refuses; err says what it said. Without a message (err->code 0): as runner_wait.
 */
int monitor_ask(struct runner *r, struct guest *g, const char *command, json_t *arguments, int64_t deadline,
		json_t **ret, struct viv_error *err);

/* Gives it a descriptor, which is taken over, under that name; after another command. As above. */
int monitor_give(struct runner *r, struct guest *g, const char *name, int fd, int64_t deadline, struct viv_error *err);

/* For guest.c: an event has come; the machine is gone, and all of this with it. */
void monitor_keep(struct guest *g, const char *name, const json_t *data);
void monitor_forget(struct guest *g);
