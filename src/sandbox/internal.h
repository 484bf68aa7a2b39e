/* SPDX-License-Identifier: MIT */
#pragma once

/* Between the files of sandbox/; nobody else includes it. */

#include "base/channel.h"
#include "sandbox/sandbox.h"

#include <sys/types.h>

/* How much of a sandbox this host allows. Tried in this order. */
enum viv_sandbox_level {
	VIV_SANDBOX_USER_NS, /* every namespace; ids mapped */
	VIV_SANDBOX_ROOT_NS, /* root without user namespaces: the other namespaces, same ids */
};

/* A range of subordinate ids. */
struct viv_subids {
	uint64_t start, count;
};

#define VIV_SANDBOX_IDS 65536

/*
 * The range in `file` (the format of subuid(5)) for a user, by name or by number; at least
 * VIV_SANDBOX_IDS - 1 ids. ENOENT: none. Falls back on getsubids(1), which asks the name service.
 */
int viv_subids_find(const char *file, bool groups, uid_t uid, const char *user,
		    struct viv_subids *ret, struct viv_error *err);
/* The first range after all those in `file`. */
uint64_t viv_subids_free_start(const char *file);

/* Gives process `pid`, which is in a user namespace of its own, ids 0 to 65535. Runs outside. */
int viv_sandbox_map_ids(pid_t pid, struct viv_error *err);

/*
 * Says why a step failed: replaces *err by one with advice where the reason can be found. `what_for`
 * says what needs namespaces, as the beginning of a sentence: "Package scripts run in namespaces".
 */
int viv_sandbox_explain(const char *what_for, struct viv_error *err);
/*
 * The part of it that looks at the kernel's switches below `sysctls` ("/proc/sys"): those that forbid
 * user namespaces to all, or (`partly`) to programs that no profile is for. `self` is our program's
 * path, for advice. 0: none forbids them.
 */
int viv_sandbox_explain_switches(const char *sysctls, const char *self, bool root, bool partly,
				 struct viv_error *err);

/* Inside: makes the scratch folder and the binds. *ret is the caller's. */
int viv_sandbox_make_scratch(const struct viv_sandbox_spec *spec, char **ret, struct viv_error *err);
/* Inside, last: takes away what a memory-backed folder takes with it. */
void viv_sandbox_drop_scratch(const struct viv_sandbox_spec *spec, const char *scratch);
