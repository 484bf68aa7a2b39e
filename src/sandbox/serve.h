/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A program of the host's, trusted, that serves folders to somebody who isn't: it sees them put
 * together in one place, those that are to be read-only so mounted, and is root over nothing but a
 * user namespace of its own. What is created through it by id 0 belongs to whoever called, by another
 * id to the caller's subordinate ids. Root's programs stay root: ids are what they are.
 */

#include "sandbox/sandbox.h"

#include <sys/types.h>

struct viv_sandbox_server {
	const char *const *argv;
	const char *place; /* an empty folder of the caller's: seen from inside it has the folders */
	const struct viv_sandbox_bind *binds; /* folders; a name is one word */
	size_t n_binds;
	int listening; /* becomes descriptor 3 */
	int output;    /* becomes stdout and stderr */
};

/*
 * Returns when the program is executed. It is a child in a session of its own and gets SIGKILL when
 * the calling thread ends. EPERM and the like: namespaces are forbidden, and the message says what to
 * do (viv_sandbox_check).
 */
int viv_sandbox_serve(const struct viv_sandbox_server *spec, pid_t *ret_pid, struct viv_error *err);

/*
 * Would it do, for a server that takes further namespaces (pid, network, mounts) and mounts a /proc in
 * them, as virtiofsd does? Errors as viv_sandbox_serve's. Takes some milliseconds.
 */
int viv_sandbox_serve_check(struct viv_error *err);
